"""The examples of rules/README.md run, conclude what they say and are refused as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from kg.errors import KgError
from kg.reasoner import infer_only
from kg.reasoner.watch import NEW_VALUE_ROUNDS
from kg.rules import Hierarchy, load_rules
from kg.store import Store
from kg.store.documents import load

GUIDE = (Path(__file__).parents[1] / "rules/README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"`([\w.]+)`( with it is refused)?:\n\n```\w+\n(.*?)^```|^It (concludes|is refused):\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
PREFIX = "@prefix : <http://example.org/> .\n"


def examples() -> list[tuple[str, list[str], str, str]]:
    """(rule file, data files, outcome, its text) of each example, in their order."""
    found, rules, data = [], "", ["data.ttl"]
    for name, refused, content, outcome, text in BLOCK.findall(GUIDE):
        if refused:
            found.append((name, data, "is refused", content))
            data = ["data.ttl"]
        elif name.endswith(".ttl") and name != "shapes.ttl":
            data = list(dict.fromkeys(["data.ttl", name]))
        elif name:
            rules = name
        else:
            found.append((rules, data, outcome, text))
    return found


FILES = {name: content for name, refused, content, *_ in BLOCK.findall(GUIDE) if name and not refused}


@pytest.mark.parametrize(("rules", "data", "outcome", "text"), examples(), ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "")
def test_an_example_of_the_guide_does_what_it_says(rules, data, outcome, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (rules, *data):
        Path(name).write_text(FILES[name], encoding="utf-8")
    rounds = int(found[1]) if (found := re.search(r"after (\d+) rounds", text)) else NEW_VALUE_ROUNDS
    assert rounds == NEW_VALUE_ROUNDS
    try:
        with Store.memory() as store:
            for name in data:
                load(store, Path(name))
            few = 30 if "R210" in text else NEW_VALUE_ROUNDS  # the message names the real limit; the test does not wait for it
            found = infer_only(store, load_rules([rules], hierarchy=Hierarchy.stated_in(store)), new_value_rounds=few)
    except KgError as error:
        assert outcome == "is refused", str(error)
        assert str(error).replace("after 30 rounds", f"after {NEW_VALUE_ROUNDS} rounds") == text.rstrip()
        return
    assert outcome == "concludes"
    assert set(found) == {quad.triple for quad in parse((PREFIX + text).encode(), format=RdfFormat.TURTLE)}


def test_the_guide_has_examples_of_every_language_and_outcome():
    kinds = {(Path(rules).suffix, outcome) for rules, _, outcome, _ in examples()}
    assert kinds == {(".srl", "concludes"), (".srl", "is refused"), (".swrl", "concludes"), (".swrl", "is refused"), (".ttl", "concludes")}
    assert len(examples()) == 8
