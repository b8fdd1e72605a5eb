"""JSON and XML files read record by record: the same values as from the whole document, with memory for a record."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import MappingError
from kg.mapping import json_stream, records
from kg.mapping.model import LogicalSource
from kg.mapping.records import read_records

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=12)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@settings(max_examples=60, deadline=None)
@given(document=values, names=st.sampled_from([[], ["a"], ["a", "b"]]), found=st.lists(values, max_size=4), block=st.integers(1, 9))
def test_elements_of_an_array_are_those_of_the_whole_document(encoding: str, document: object, names: list[str], found: list, block: int) -> None:
    whole: object = found
    for name in reversed(names):
        whole = {"x": document, name: whole, "y": document}
    content = json.dumps(whole, ensure_ascii=False, indent=1).encode(encoding)
    before, json_stream._BLOCK = json_stream._BLOCK, block
    try:
        assert list(json_stream.elements(io.BytesIO(content), None if encoding != "utf-16" else encoding, names)) == found
    finally:
        json_stream._BLOCK = before


@pytest.mark.parametrize("document", ['{"a": 1}', '{"a": {"b": [1]}}', "5", '{"b": [1]}', "[]"])
def test_where_there_is_no_such_array_there_are_no_elements(document: str) -> None:
    assert list(json_stream.elements(io.BytesIO(document.encode()), None, ["a"])) == ([[1]] if '"a": {"b"' in document else [])


@pytest.mark.parametrize("document", ['[1, 2,]', '[1 2]', '[1, 2', '{"a" 1}', '[1]]', '', '{"a": [1]', '[1, x]', '{"a": [1],}', '{a: [1]}'])
def test_what_is_no_json_is_refused_at_the_place_where_json_refuses_it(document: str) -> None:
    text = "\n\n  " + document
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as caught:
        list(json_stream.elements(io.BytesIO(text.encode()), None, ["a"] if document.startswith("{") else []))
    assert caught.value.lineno == expected.value.lineno and abs(caught.value.colno - expected.value.colno) <= 1


XML = """<?xml version="1.0"?><!-- a list --><shop xmlns:x="urn:x"><about><item n="0"/></about><items><!-- first --><item n="1"><name>a<b>b</b></name><x:k>1</x:k></item>
<other><item n="9"/></other><item n="2"><name/><name>c</name><item n="3"/></item></items></shop>"""


@pytest.mark.parametrize("iterator", ["/shop/items/item", "/shop/*/item", "/*/*", "/shop", "/shop/items/item/item", "/nothing/items"])
def test_records_of_xml_are_those_of_the_whole_document(iterator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.xml"
    path.write_text(XML)
    logical = LogicalSource(reference_formulation="XPath", iterator=iterator)
    references = ["@n", "name", "name[2]", "x:k", "item/@n", "."]
    streamed = read_records(logical, path, None, None, references)
    monkeypatch.setattr(records, "_is_streamed", lambda *_: False)
    assert read_records(logical, path, None, None, references) == streamed


def test_references_that_leave_their_record_are_read_from_the_whole_document(tmp_path: Path) -> None:
    path = tmp_path / "shop.xml"
    path.write_text(XML)
    for reference, expected in (("../../about/item/@n", ["0", "0"]), ("preceding-sibling::*/@n", [None, "1"]), ("/shop/about/item/@n", ["0", "0"]), ("count(name)", ["1", "2"])):
        logical = LogicalSource(reference_formulation="XPath", iterator="/shop/items/item")
        assert read_records(logical, path, None, None, [reference]).table["r0"].to_pylist() == expected


@pytest.mark.parametrize(("kind", "iterator", "references"), [("json", "$.rows[*]", ["$.id", "$.name"]), ("xml", "/rows/row", ["@id", "name"])])
def test_memory_does_not_grow_with_what_is_not_kept(kind: str, iterator: str, references: list[str], tmp_path: Path) -> None:
    """Most of the file is text that no reference asks for."""
    path, text = tmp_path / f"rows.{kind}", "x" * 2000
    rows = [f'{{"id": {i}, "name": "n", "text": "{text}"}}' if kind == "json" else f'<row id="{i}"><name>n</name><text>{text}</text></row>' for i in range(8000)]
    path.write_text('{"rows": [' + ",".join(rows) + "]}" if kind == "json" else "<rows>" + "".join(rows) + "</rows>")
    logical = LogicalSource(reference_formulation="JSONPath" if kind == "json" else "XPath", iterator=iterator)
    tracemalloc.start()
    found = read_records(logical, path, None, None, references)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.table.num_rows == 8000 and peak < path.stat().st_size


def test_a_file_that_is_cut_off_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[\n{"id": 1},\n{"id": 2')
    with pytest.raises(MappingError) as caught:
        read_records(LogicalSource(reference_formulation="JSONPath", iterator="$[*]"), path, None, None, ["$.id"])
    assert (caught.value.code, caught.value.location.line) == ("M208", 3)
