"""Rows and values that cannot be mapped: none is lost silently, the rest of the row is kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kg.errors import MappingError
from kg.mapping import Source, Sources
from tests.test_mapping import Workplace, thing


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("integer", "1.5"), ("integer", "1e3"), ("integer", "1_000"), ("integer", "0x1F"), ("integer", "12 3"),
        ("decimal", "1e3"), ("decimal", "1.2.3"), ("decimal", "NaN"), ("decimal", "1,5"),
        ("date", "2021-02-29"), ("date", "2021-2-9"), ("date", "20210209"), ("date", "2021-02-09 00:00:00"),
        ("dateTime", "2021-02-09"), ("dateTime", "2021-02-09T25:00:00"), ("dateTime", "yesterday"),
        ("boolean", "yes"), ("boolean", "2"), ("double", "1,5"), ("double", "infinity"), ("time", "24:01:00"), ("gYear", "21"),
        ("positiveInteger", "0"), ("byte", "128"), ("unsignedLong", "-1"), ("hexBinary", "ABC"),
    ],
)  # fmt: skip
def test_a_value_that_its_datatype_does_not_have_is_rejected_and_the_rest_of_the_row_kept(work: Workplace, datatype: str, value: str) -> None:
    work.table("thing", "id,name,v", "1,a,", f'2,b,"{value}"')
    report = work.map(thing('ex:name rr:column "name"', f'ex:v rr:column "v" ; rr:datatype xsd:{datatype}'))
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "b"'}
    assert work.rejects() == [(3, "v", value, f"is not an xsd:{datatype}")]
    assert report.triples_maps[0].rejects == report.rejects == 1


@pytest.mark.parametrize(
    ("datatype", "value", "lexical"),
    [
        ("integer", "007", "007"), ("integer", "+1", "+1"), ("integer", "-0", "-0"), ("integer", " 12 ", "12"),
        ("decimal", "-0.00", "-0.00"), ("decimal", ".5", ".5"), ("decimal", "1.", "1."), ("decimal", "12345678901234567890.123456789012345678901", "12345678901234567890.123456789012345678901"),
        ("date", "2021-02-09Z", "2021-02-09Z"), ("date", "12021-02-09", "12021-02-09"),
        ("dateTime", "2021-02-09 01:02:03.4", "2021-02-09T01:02:03.4"), ("dateTime", "2021-02-09T01:02:03.400+08:00", "2021-02-09T01:02:03.400+08:00"),
        ("dateTime", "2021-02-09 24:00:00", "2021-02-09T24:00:00"),
        ("boolean", "TRUE", "true"), ("boolean", "0", "0"), ("double", "1.50E3", "1.50E3"), ("double", "-INF", "-INF"), ("nonNegativeInteger", "0", "0"),
    ],
)  # fmt: skip
def test_a_value_of_its_datatype_keeps_its_lexical_form(work: Workplace, datatype: str, value: str, lexical: str) -> None:
    work.table("thing", "id,v", f"1,{value}")
    work.map(thing(f'ex:v rr:column "v" ; rr:datatype xsd:{datatype}'))
    assert work.quads() == {f'ex:1 ex:v "{lexical}"^^xsd:{datatype}'}
    assert work.rejects() == []


def test_a_row_without_a_key_is_rejected_as_a_whole(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a", ",b", "3,c")
    report = work.map(thing('ex:name rr:column "name"'))
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:3 ex:name "c"'}
    assert work.rejects() == [(3, "id", None, "is NULL: the row has no subject")]
    assert (report.triples_maps[0].rows, report.rejects) == (3, 1)


def test_a_column_value_that_is_no_iri_is_rejected(work: Workplace) -> None:
    work.table("thing", "id,link", "1,http://example.org/a b", "2,http://example.org/%zz", "3,<x>", "4,ok")
    work.map(thing('ex:link rr:column "link" ; rr:termType rr:IRI'))
    assert work.quads() == {"ex:4 ex:link ex:ok"}
    assert [row[0] for row in work.rejects()] == [2, 3, 4]
    assert work.rejects()[0][3] == "is not an IRI"


def test_records_that_do_not_fit_the_header_are_rejected_with_their_line(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a", "2", '3,"c', 'c"', "", "4,d,e", "5,e", '6,"f"g', "7,g")
    work.map(thing('ex:name rr:column "name"'))
    assert work.quads() == {'ex:1 ex:name "a"', r'ex:3 ex:name "c\nc"', 'ex:5 ex:name "e"', 'ex:7 ex:name "g"'}
    assert [(line, value) for line, _, value, _ in work.rejects()] == [(3, "2"), (7, "4,d,e"), (9, '6,"f"g')]


def test_a_record_that_is_not_utf8_is_rejected(work: Workplace) -> None:
    filler = b"".join(b"%d,%s\n" % (i, b"x" * 90) for i in range(10, 1000))
    (work.folder / "thing.csv").write_bytes(b"id,name\n" + filler + b"1,\xff\xfe\n2,b\n")
    work.map(thing('ex:name rr:column "name"', subject='rr:template "http://example.org/{id}"'))
    assert 'ex:2 ex:name "b"' in work.quads()
    assert len(work.quads()) == 991
    assert [row[0] for row in work.rejects()] == [992]


def test_lines_of_rejects_count_lines_of_the_file(work: Workplace) -> None:
    work.table("thing", "id,name,n", '1,"a', 'b",1', "", "2,c,x", "3,d", "4,e,y")
    work.map(thing('ex:n rr:column "n" ; rr:datatype xsd:integer'))
    assert [(line, column) for line, column, _, _ in work.rejects()] == [(5, "n"), (6, None), (7, "n")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"id,name\r\n1,a\r\n\r\n2,b\r\n,c\r\n", 5), ("\ufeffid,name\n1,a\n2,b\n,c".encode(), 4), (b"id,name\n\n\n1,a\n,\n2,b\n", 5),
        (b'"id","name"\n1,a\n2,b\n,c\n', 4), (b"name,id\na,1\nb,2\nc,\n", 4),
    ],
)  # fmt: skip
def test_line_ends_byte_order_marks_and_blank_lines_do_not_shift_lines(work: Workplace, content: bytes, line: int) -> None:
    (work.folder / "thing.csv").write_bytes(content)
    work.map(thing('ex:name rr:column "name"'))
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "b"'}
    assert [row[:2] for row in work.rejects()] == [(line, "id")]


def test_a_blank_line_is_a_row_where_there_is_one_column(work: Workplace) -> None:
    work.table("thing", "id", "1", "", "2")
    work.map(thing("ex:is rr:constant ex:Thing"))
    assert work.quads() == {"ex:1 ex:is ex:Thing", "ex:2 ex:is ex:Thing"}
    assert work.rejects() == [(3, "id", None, "is NULL: the row has no subject")]


def test_a_second_run_replaces_the_rejects_of_the_first(work: Workplace) -> None:
    work.table("thing", "id,n", "1,x", "2,y")
    mapping = thing('ex:n rr:column "n" ; rr:datatype xsd:integer')
    work.map(mapping)
    work.table("thing", "id,n", "1,1", "2,y")
    work.map(mapping)
    assert work.rejects() == [(3, "n", "y", "is not an xsd:integer")]


def test_many_rejects_are_all_kept(work: Workplace) -> None:
    work.table("thing", "id,n", *(f"{i},{'x' if i % 2 else i}" for i in range(20_000)))
    report = work.map(thing('ex:n rr:column "n" ; rr:datatype xsd:integer'))
    assert (report.rejects, report.triples) == (10_000, 10_000)
    assert work.rejects()[-1][:3] == (20_001, "n", "x")


def test_many_malformed_records_keep_their_lines(work: Workplace) -> None:
    work.table("thing", "id,name", *(f"{i},a,b" if i % 3 == 0 else f"{i},a" for i in range(5_000)))
    report = work.map(thing('ex:name rr:column "name"'))
    assert (report.rejects, report.triples) == (1_667, 3_333)
    assert all(value == f"{line - 2},a,b" for line, _, value, _ in work.rejects())


def test_strict_mapping_stops_at_a_bad_value_and_leaves_the_graph_as_it_was(work: Workplace) -> None:
    work.table("thing", "id,n", "1,1")
    mapping = thing('ex:n rr:column "n" ; rr:datatype xsd:integer')
    work.map(mapping, strict=True)
    work.table("thing", "id,n", "1,1", "2,x", ",3")
    with pytest.raises(MappingError) as caught:
        work.map(mapping, strict=True)
    assert str(caught.value).startswith("error M301: a value cannot be mapped: n = 'x' is not an xsd:integer\n  " + str(work.folder / "thing.csv:3"))
    assert work.quads() == {'ex:1 ex:n "1"^^xsd:integer'}


def test_other_delimiters_null_texts_encodings_and_compressed_files_are_read(work: Workplace) -> None:
    (work.folder / "a.txt").write_bytes("id|name\n1|李明\n2|\\N\n".encode("gb18030"))
    (work.folder / "b.tsv.gz").write_bytes(gzip.compress(b"id\tname\n5\tx|y\n6\t\n"))
    tables = {"thing": Source("csv", work.folder / "a.txt", delimiter="|", null="\\N", encoding="gb18030")}
    work.map(thing('ex:name rr:column "name"') + thing('ex:name rr:column "name"', table="b"), Sources(Source("csv", work.folder), tables))
    assert work.quads() == {'ex:1 ex:name "李明"', 'ex:5 ex:name "x|y"'}
    assert work.rejects() == []


def test_a_declared_type_of_a_csv_column_gives_the_natural_datatype_and_rejects_the_rest(work: Workplace) -> None:
    work.table("thing", "id,price", "1,2.5", "2,cheap")
    source = Source("csv", work.folder, types=(("price", "DECIMAL(9,2)"),))
    work.map(thing('ex:price rr:column "price"'), Sources(source))
    assert work.quads() == {'ex:1 ex:price "2.50"^^xsd:decimal'}
    assert work.rejects() == [(3, "price", "cheap", "is no DECIMAL(9,2)")]
