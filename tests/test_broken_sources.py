"""Sources that are broken, cut off or mixed up: each ends in a clear error or in counted rejects, and the last good graph stays."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from kg.errors import MappingError
from kg.mapping import Source, Sources
from tests.test_mapping import Workplace, thing

NAME = thing('ex:name rr:column "name"')


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    work = Workplace(tmp_path)
    work.table("thing", "id,name", "1,good")
    work.map(NAME)
    return work


def write(work: Workplace, content: bytes, name: str = "thing.csv") -> Path:
    (work.folder / name).write_bytes(content)
    return work.folder / name


def csv(work: Workplace, encoding: str, content: bytes) -> Sources:
    return Sources(None, {"thing": Source("csv", write(work, content), encoding=encoding)})


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "gb2312", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig", "big5"])
def test_csv_files_are_read_in_their_encoding(work: Workplace, encoding: str) -> None:
    character = "李" if encoding != "gb18030" else "𠮷"  # GB 18030 has all of Unicode
    work.map(NAME, csv(work, encoding, f"id,name\n1,{character}明\n2,\n".encode(encoding)))
    assert work.quads() == {f'ex:1 ex:name "{character}明"'}
    assert work.rejects() == []


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_tells_the_encoding_where_none_is_declared(work: Workplace, mark: str) -> None:
    work.map(NAME, csv(work, "utf-8", "id,name\n1,李\n".encode(mark)))
    assert work.quads() == {'ex:1 ex:name "李"'}


def test_a_file_that_ends_within_a_record_has_that_record_rejected(work: Workplace) -> None:
    write(work, "id,name\n1,李\n2,张\n3".encode())
    report = work.map(NAME)
    assert work.quads() == {'ex:1 ex:name "李"', 'ex:2 ex:name "张"'}
    assert report.rejects == 1 and work.rejects()[0][0] == 4


def test_a_file_that_ends_within_quotes_has_that_record_rejected(work: Workplace) -> None:
    write(work, b'id,name\n1,a\n2,b\n3,"half a na')
    report = work.map(NAME)
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "b"'}
    assert report.rejects == 1 and work.rejects()[0][0] == 4


def test_a_file_that_ends_within_a_character_has_that_record_rejected(work: Workplace) -> None:
    write(work, "id,name\n1,a\n2,b\n3,李".encode()[:-1])
    report = work.map(NAME)
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "b"'}
    assert report.rejects == 1 and work.rejects()[0][0] == 4


def test_a_column_of_mixed_encodings_has_the_other_rows_rejected(work: Workplace) -> None:
    write(work, "id,name\n1,李\n".encode() + "2,张三\n".encode("gbk") + "3,王\n".encode() + "4,赵\n".encode("gbk") + b"5,a\n")
    report = work.map(NAME)
    assert work.quads() == {'ex:1 ex:name "李"', 'ex:3 ex:name "王"', 'ex:5 ex:name "a"'}
    assert report.rejects == 2 and [row[0] for row in work.rejects()] == [3, 5]


def test_a_file_that_is_not_in_its_declared_encoding_names_the_line(work: Workplace) -> None:
    content = "id,name\n1,李\n".encode("gbk") + b"2,\xff\xff\n"
    with pytest.raises(MappingError, match="is not in gbk") as caught:
        work.map(NAME, csv(work, "gbk", content))
    assert (caught.value.code, caught.value.location.line) == ("M208", 3)
    assert work.quads() == {'ex:1 ex:name "good"'}


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_compressed_file_that_is_cut_off_is_an_error(work: Workplace, compress) -> None:
    whole = compress(b"id,name\n" + b"".join(b"%d,name %d\n" % (i, i * 7919 % 10007) for i in range(20_000)))
    path = write(work, whole[: len(whole) // 2], "cut.csv.gz" if compress is gzip.compress else "cut.csv.xz")
    with pytest.raises(MappingError) as caught:
        work.map(NAME, Sources(None, {"thing": Source("csv", path)}))
    assert caught.value.code == "M208" and "cut.csv" in str(caught.value)
    assert work.quads() == {'ex:1 ex:name "good"'}


def test_an_empty_file_and_one_of_zeros_are_errors(work: Workplace) -> None:
    for content, message in ((b"", "is empty"), (b"\0" * 4096, "no column name")):
        write(work, content)
        with pytest.raises(MappingError, match=message) as caught:
            work.map(NAME)
        assert caught.value.code in ("M208", "M203")
    assert work.quads() == {'ex:1 ex:name "good"'}


def test_a_null_key_is_a_counted_reject(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a", ",b", "3,c")
    report = work.map(NAME)
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:3 ex:name "c"'}
    assert report.rejects == 1 and work.rejects() == [(3, "id", None, "is NULL: the row has no subject")]


def test_two_triples_maps_of_one_name_are_an_error(work: Workplace) -> None:
    with pytest.raises(MappingError, match="two triples maps named") as caught:
        work.map(NAME + thing('ex:label rr:column "name"'))
    assert caught.value.code == "M119" and caught.value.location.line is not None
    assert "name" in (caught.value.help or "")
    assert work.quads() == {'ex:1 ex:name "good"'}


def test_a_template_that_would_mint_an_illegal_iri_is_an_error_and_an_illegal_value_a_reject(work: Workplace) -> None:
    with pytest.raises(MappingError, match="cannot make IRIs") as caught:
        work.map(thing('ex:page rr:template "http://example.org/a page/{name}"'))
    assert caught.value.code == "M108"
    work.table("thing", "id,name", "1,http://example.org/a b", "2,urn:x:y", '3,"http://example.org/<x>"', "4,a b")
    report = work.map(thing('ex:page rr:column "name" ; rr:termType rr:IRI', 'ex:safe rr:template "http://example.org/{name}"'))
    assert {quad for quad in work.quads() if "ex:page" in quad} == {"ex:2 ex:page <urn:x:y"}
    assert len(work.quads()) == 5 and report.rejects == 3
    assert {row[3] for row in work.rejects()} == {"is not an IRI"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thing.parquet", b"PAR1 no parquet"), ("thing.json", b'[{"id": 1, "name": "a"}, {"id": 2'), ("thing.jsonl", b'{"id": 1, "name": "a"}\n{"id"'),
        ("thing.xml", b"<rows><row><id>1</id>"), ("thing.db", b"SQLite format 3\0 and then nothing"), ("thing.xlsx", b"PK no workbook"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_than_its_name_says_is_an_error(work: Workplace, name: str, content: bytes) -> None:
    path = write(work, content, name)
    kind = {"jsonl": "json", "db": "sqlite", "xlsx": "excel"}.get(path.suffix[1:], path.suffix[1:])
    with pytest.raises(MappingError) as caught:
        work.map(NAME, Sources(None, {"thing": Source(kind, path)}))
    assert caught.value.code in ("M206", "M208") and name in str(caught.value)
    assert work.quads() == {'ex:1 ex:name "good"'}


def test_a_field_that_is_longer_than_any_buffer_is_read_or_rejected(work: Workplace) -> None:
    long = "x" * 1_500_000
    write(work, f"id,name\n1,a\n2,{long}\n3,c\n".encode())
    report = work.map(NAME)
    assert len(work.quads()) + report.rejects == 3 and 'ex:3 ex:name "c"' in work.quads()


def test_a_wide_number_of_rows_with_one_bad_value_keeps_all_others(work: Workplace) -> None:
    rows = 300_000
    work.table("thing", "id,name", *(f"{i},{'x' if i == rows else i}" for i in range(1, rows + 1)))
    report = work.map(thing('ex:n rr:column "name" ; rr:datatype <http://www.w3.org/2001/XMLSchema#integer>'))
    assert (report.triples, report.rejects) == (rows - 1, 1)
    assert work.rejects() == [(rows + 1, "name", "x", "is not an xsd:integer")]
