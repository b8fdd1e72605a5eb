"""Data frames, Arrow tables, Excel workbooks and packed files as the tables of a mapping."""

from __future__ import annotations

import gzip
import lzma
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas
import pyarrow as pa
import pytest

from kg import KnowledgeGraph
from kg.errors import MappingError
from kg.mapping import Source, Sources, fingerprint, load_sources, source_of_url, sources_of
from tests.test_mapping import BASE, PREFIXES, Workplace, thing


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


# ── Tables of Python ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_data_frame_is_mapped_under_its_name_with_the_types_of_its_columns(tmp_path: Path) -> None:
    mapping = tmp_path / "things.r2rml.ttl"
    mapping.write_text(PREFIXES + thing('ex:n rr:column "n"', 'ex:price rr:column "price"', 'ex:day rr:column "day"', 'ex:kind rr:column "kind"'))
    frame = pandas.DataFrame({
        "id": [1, 2], "n": [1.5, None], "price": [Decimal("2.50"), None], "day": [pandas.Timestamp("2024-02-29 01:02:03"), pandas.NaT],
        "kind": pandas.Categorical(["a", None]),
    })  # fmt: skip
    with KnowledgeGraph.memory() as graph:
        report = graph.map(mapping, {"thing": frame}, base=BASE)
        found = {(row[0].value.rpartition("/")[2], str(row[1])) for row in graph.query("SELECT ?p ?o { ?s ?p ?o }")}
        assert report.triples_maps[0].rows == 2
        again = graph.map(mapping, {"thing": frame.assign(n=[None, 3.0], price=[None, None], day=[pandas.NaT, pandas.NaT], kind=[None, None])}, base=BASE)
        assert (again.diff.inserted, again.diff.deleted) == (1, 4)
    assert found == {
        ("n", '"1.5E0"^^<http://www.w3.org/2001/XMLSchema#double>'), ("price", '"2.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'),
        ("day", '"2024-02-29T01:02:03"^^<http://www.w3.org/2001/XMLSchema#dateTime>'), ("kind", '"a"'),
    }  # fmt: skip


def test_arrow_tables_and_files_can_be_joined(work: Workplace) -> None:
    work.table("kind", "id,label", "7,seven")
    query = 'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT t.id, label FROM thing t JOIN kind k ON t.kind::text = k.id" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ]'
    text = query + ' ; rr:predicateObjectMap [ rr:predicate ex:label ; rr:objectMap [ rr:column "label" ] ] .'
    reader = pa.table({"id": [1], "kind": [7]}).to_reader()
    work.map(text, sources_of({"thing": reader, "default": work.folder}))
    assert work.quads() == {'ex:1 ex:label "seven"'}


def test_the_fingerprint_of_a_table_of_python_is_that_of_its_content(work: Workplace) -> None:
    work.mapping.write_text(PREFIXES + thing('ex:name rr:column "name"'))
    prints = [fingerprint(work.mapping, sources_of({"thing": pa.table({"id": [1, 2], "name": names})}), BASE) for names in (["a", "b"], ["a", "b"], ["a", "c"], ["a", None])]
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_what_is_no_table_is_refused(work: Workplace) -> None:
    with pytest.raises(MappingError, match="which is not read") as caught:
        sources_of({"thing": {"id": [1]}})
    assert caught.value.code == "M206"


# ── Excel ────────────────────────────────────────────────────────────────────────────────────────────────────


def book(path: Path, *rows: list, title: str = "thing") -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("other").append(["id"])
    workbook.save(path)
    return path


def test_a_sheet_has_typed_columns_and_its_own_row_numbers(work: Workplace) -> None:
    rows = [["A report of things"], ["id", "whole", "amount", "day", "at", "open", "mixed"], [1, 5, 0.1, date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3), True, "x"],
            [None] * 7, [2, 6.0, 1e-7, date(2024, 3, 1), datetime(2024, 3, 1), False, 7], [3, None, None, None, None, None, None]]  # fmt: skip
    path = book(work.folder / "things.xlsx", *rows)
    (work.folder / "sources.toml").write_text(f'[tables.thing]\npath = "{path.name}"\nheader = 2\n')
    names = ("whole", "amount", "day", "at", "open", "mixed")
    work.map(thing(*(f'ex:{name} rr:column "{name}"' for name in names), 'ex:n rr:column "mixed" ; rr:datatype xsd:integer'), work.folder / "sources.toml")
    assert work.quads() == {
        'ex:1 ex:whole "5"^^xsd:integer', 'ex:2 ex:whole "6"^^xsd:integer', 'ex:1 ex:amount "0.1"^^xsd:decimal', 'ex:2 ex:amount "0.0000001"^^xsd:decimal',
        'ex:1 ex:day "2024-02-29"^^xsd:date', 'ex:2 ex:day "2024-03-01"^^xsd:date', 'ex:1 ex:at "2024-02-29T01:02:03"^^xsd:dateTime',
        'ex:2 ex:at "2024-03-01T00:00:00"^^xsd:dateTime', 'ex:1 ex:open "true"^^xsd:boolean', 'ex:2 ex:open "false"^^xsd:boolean', 'ex:1 ex:mixed "x"', 'ex:2 ex:mixed "7"',
        'ex:2 ex:n "7"^^xsd:integer',
    }  # fmt: skip
    assert work.rejects() == [(3, "mixed", "x", "is not an xsd:integer")]


def test_a_workbook_is_a_table_for_each_sheet(work: Workplace) -> None:
    path = book(work.folder / "things.xlsx", ["id", "name"], [1, "a"])
    work.map(thing('ex:name rr:column "name"'), Sources(source_of_url(path)))
    assert work.quads() == {'ex:1 ex:name "a"'}
    with pytest.raises(MappingError, match="has no sheet thin") as caught:
        work.map(thing('ex:name rr:column "name"', table="thin"), Sources(source_of_url(path)))
    assert (caught.value.code, caught.value.help) == ("M202", "did you mean thing?")


def test_a_sheet_without_names_for_its_columns_is_an_error(work: Workplace) -> None:
    path = book(work.folder / "things.xlsx", ["Report", None, "of things"], ["id", "name", "n"])
    with pytest.raises(MappingError, match="a column without a name in the sheet thing"):
        work.map(thing('ex:name rr:column "name"'), Sources(source_of_url(path)))
    (work.folder / "sources.toml").write_text('[tables.thing]\npath = "things.xlsx"\nheader = "second"\n')
    with pytest.raises(MappingError, match="header is 'second'"):
        load_sources(work.folder / "sources.toml")


# ── Packed files ─────────────────────────────────────────────────────────────────────────────────────────────


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", zstd), (".xz", lzma.compress)])
@pytest.mark.parametrize(
    ("name", "content"),
    [("thing.csv", b"id,name\n1,a\n"), ("thing.json", b'[{"id": 1, "name": "a"}]'), ("thing.jsonl", b'{"id": 1, "name": "a"}\n'), ("thing.xml", b"<rows><row><id>1</id><name>a</name></row></rows>")],
)
def test_packed_files_are_found_and_read(work: Workplace, name: str, content: bytes, ending: str, pack) -> None:
    (work.folder / f"{name}{ending}").write_bytes(pack(content))
    kind = "json" if name.endswith("jsonl") else name.rpartition(".")[2]
    work.map(thing('ex:name rr:column "name"'), Sources(Source(kind, work.folder)))
    assert work.quads() == {'ex:1 ex:name "a"'}
