"""The bank's shapes: what they say to people. What they find is in rules/bank/shapes/cases, which `kg check` runs."""

from pathlib import Path

from kg.shapes import load_shapes

ROOT = Path(__file__).parents[1]
SHAPES = load_shapes(sorted((ROOT / "rules/bank/shapes").glob("*.ttl")))


def test_every_message_is_in_english_and_in_chinese():
    for shape in SHAPES.shapes.values():
        for messages in (shape.messages, *(one.messages for one in shape.constraints if hasattr(one, "messages"))):
            assert {one.language for one in messages} in (set(), {"en", "zh"}), shape.name


def test_every_property_shape_with_a_name_says_what_is_wrong():
    assert not [shape.name for shape in SHAPES.shapes.values() if shape.is_property_shape and shape.name.startswith("shape:") and " / " not in shape.name and not shape.messages]
