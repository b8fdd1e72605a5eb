"""RML over JSON, JSON lines, XML and CSV: which triples a mapping makes, and what is refused."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import jsonpath
import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse

from kg.errors import MappingError
from kg.mapping import Sources, files, load_sources, materialize, rows_for, trace
from kg.mapping.model import LogicalSource
from kg.mapping.records import canonical_double, json_path
from tests.test_mapping import BASE, Workplace

RML = """
@prefix rml: <http://w3id.org/rml/> .
@prefix ex: <http://example.org/> .
@prefix formats: <http://www.w3.org/ns/formats/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
RML_2014 = """
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix rml: <http://semweb.mmlab.be/ns/rml#> .
@prefix ql: <http://semweb.mmlab.be/ns/ql#> .
@prefix ex: <http://example.org/> .
"""


class RmlWorkplace(Workplace):
    def __init__(self, folder: Path):
        super().__init__(folder)
        self.mapping = folder / "things.rml.ttl"

    def json(self, name: str, *values: object) -> None:
        (self.folder / name).write_text(json.dumps(values), encoding="utf-8")

    def map(self, text: str, sources: Sources | Path | None = None, prefixes: str = RML, **options: object):
        self.mapping.write_text(prefixes + text, encoding="utf-8")
        return materialize(self.store, self.mapping, sources or Sources(), base=BASE, **options)


@pytest.fixture
def work(tmp_path: Path) -> RmlWorkplace:
    return RmlWorkplace(tmp_path)


def thing(*objects: str, subject: str = 'rml:template "http://example.org/{$.id}"', source: str = "", name: str = "Thing") -> str:
    """A triples map over things.json, with one predicate-object map for each text `predicate object-map`."""
    source = source or file("things.json", "JSONPath", "$[*]")
    maps = "".join(f" ; rml:predicateObjectMap [ rml:predicate {one.split(' ', 1)[0]} ; rml:objectMap [ {one.split(' ', 1)[1]} ] ]" for one in objects)
    return f"ex:{name} rml:logicalSource [ {source} ] ; rml:subjectMap [ {subject} ]{maps} .\n"


def file(name: str, formulation: str, iterator: str = "", more: str = "") -> str:
    path = f'[ a rml:RelativePathSource ; rml:root rml:MappingDirectory ; rml:path "{name}" {more} ]'
    return f"rml:source {path} ; rml:referenceFormulation rml:{formulation}" + (f' ; rml:iterator "{iterator}"' if iterator else "")


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_values_of_json_have_the_datatypes_of_their_kind_even_in_one_reference(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "v": 10}, {"id": 2, "v": "ten"}, {"id": 3, "v": 1.5}, {"id": 4, "v": True}, {"id": 5, "v": None}, {"id": 6})
    report = work.map(thing('ex:value rml:reference "$.v"'))
    integer, double, boolean = (f'^^xsd:{name}' for name in ("integer", "double", "boolean"))
    assert work.quads() == {f'ex:1 ex:value "10"{integer}', 'ex:2 ex:value "ten"', f'ex:3 ex:value "1.5E0"{double}', f'ex:4 ex:value "true"{boolean}'}
    assert report.rejects == 0


@pytest.mark.parametrize(("value", "text"), [(30.0, "3.0E1"), (0.125, "1.25E-1"), (-1e300, "-1.0E300"), (0.0, "0.0E0"), (123456.789, "1.23456789E5")])
def test_doubles_are_canonical(value: float, text: str) -> None:
    assert canonical_double(value) == text
    assert float(text) == value


@pytest.mark.parametrize("path", ["$", "$[*]", "$.a", "$.a.b", "$['a']['b'][0]", "$.a.b[-1]", "$.a.b[5]", "$.a.*", "$.a.c[*].d", "$.a.c[*].d[*]", "$.x.y", "$..d", "$.a.b[0,1]"])
def test_paths_find_what_the_library_finds(path: str) -> None:
    document = {"a": {"b": [1, 2, None], "c": [{"d": [3]}, {"d": 4}, {"e": 5}, "d"]}, "x": [1]}
    find = json_path(path, LogicalSource())
    assert [find(one) for one in (document, [document], 7)] == [jsonpath.findall(path, one) for one in (document, [document], 7)]


def test_integers_beyond_64_bits_are_kept_exactly(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "v": 2**70}, {"id": 2, "v": 7})
    work.map(thing('ex:value rml:reference "$.v"'))
    assert work.quads() == {f'ex:1 ex:value "{2**70}"^^xsd:integer', 'ex:2 ex:value "7"^^xsd:integer'}


def test_references_of_several_values_are_multiplied_only_within_a_triple(work: RmlWorkplace) -> None:
    many = [{f"n{i}": list(range(10)) for i in range(12)} | {"id": 1}]  # the product of all would be 10^12 rows
    work.json("things.json", *many)
    work.map(thing(*(f'ex:p{i} rml:reference "$.n{i}[*]"' for i in range(12)), 'ex:pair rml:template "{$.n0[*]}-{$.n1[*]}" ; rml:termType rml:Literal'))
    counts = dict(work.store.connection.execute("SELECT p, count(*) FROM quads GROUP BY p").fetchall())
    assert sorted(counts.values()) == [10] * 12 + [100]


def test_several_values_may_be_of_several_kinds(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "v": [1, "a", None, 2.5]}, {"id": 2, "v": []})
    work.map(thing('ex:value rml:reference "$.v[*]"'))
    assert work.quads() == {'ex:1 ex:value "1"^^xsd:integer', 'ex:1 ex:value "a"', 'ex:1 ex:value "2.5E0"^^xsd:double'}


def test_subjects_of_several_values_are_related_by_references_without_join(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "parts": ["a", "b"]}, {"id": 2, "parts": ["b"]})
    parts = thing(subject='rml:template "http://example.org/part/{$.parts[*]}" ; rml:class ex:Part', name="Part")
    work.map(thing("ex:has rml:parentTriplesMap ex:Part") + parts)
    has = {"ex:1 ex:has ex:part/a", "ex:1 ex:has ex:part/b", "ex:2 ex:has ex:part/b"}
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type".lstrip("<")
    assert {one.replace("<", "") for one in work.quads()} == has | {f"ex:part/a {kind} ex:Part", f"ex:part/b {kind} ex:Part"}


def test_a_record_without_values_keeps_its_other_triples(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "a": [], "name": "Ann"}, {"id": 2, "a": ["x", "y"], "name": "Bo"})
    work.map(thing('ex:a rml:reference "$.a[*]"', 'ex:name rml:reference "name"'))
    assert work.quads() == {'ex:1 ex:name "Ann"', 'ex:2 ex:name "Bo"', 'ex:2 ex:a "x"', 'ex:2 ex:a "y"'}


def test_a_reference_that_finds_nothing_is_warned_of(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "name": "Ann"}, {"id": 2, "nick": "Bo"})
    report = work.map(thing('ex:name rml:reference "$.nmae"', 'ex:nick rml:reference "$.nick"'))
    assert report.warnings == ["Thing; $.nmae finds nothing in any record of file things.json"]


def test_a_join_finds_any_of_several_values(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["c"]})
    work.json("tags.json", {"code": "T", "names": ["b", "c"]})
    tags = thing(source=file("tags.json", "JSONPath", "$[*]"), subject='rml:template "http://example.org/{$.code}" ; rml:class ex:Tag', name="Tag")
    join = 'rml:parentTriplesMap ex:Tag ; rml:joinCondition [ rml:child "$.tags[*]" ; rml:parent "$.names[*]" ]'
    work.map(thing(f"ex:tag {join}") + tags)
    assert {one for one in work.quads() if "ex:tag" in one} == {"ex:1 ex:tag ex:T", "ex:2 ex:tag ex:T"}


def test_languages_and_datatypes_of_the_data_are_checked_value_by_value(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "v": "a", "l": "EN"}, {"id": 2, "v": "b", "l": "no language"}, {"id": 3, "v": "c"})
    report = work.map(thing('ex:label rml:reference "$.v" ; rml:languageMap [ rml:reference "$.l" ]'))
    assert work.quads() == {'ex:1 ex:label "a"@en'}
    assert (report.rejects, work.rejects()) == (1, [(2, "$.v, $.l", "b, no language", "is not a language tag")])


def test_a_number_that_is_not_of_its_datatype_is_rejected_with_its_record(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "v": "12"}, {"id": 2, "v": "twelve"})
    work.map(thing('ex:value rml:reference "$.v" ; rml:datatype xsd:integer'))
    assert work.quads() == {'ex:1 ex:value "12"^^xsd:integer'}
    assert work.rejects() == [(2, "$.v", "twelve", "is not an xsd:integer")]


def test_json_lines_are_read_line_by_line(work: RmlWorkplace) -> None:
    (work.folder / "things.jsonl").write_text('{"id": 1, "n": "a"}\n\n{"id": 2, "n": "b"}\n')
    work.map(thing('ex:name rml:reference "$.n"', source=file("things.jsonl", "JSONPath")))
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "b"'}
    row = rows_for(Triple(NamedNode(BASE + "2"), NamedNode(BASE + "name"), Literal("b")), work.mapping, Sources(), base=BASE)[0]
    assert (row.file, row.line, row.columns) == (str(work.folder / "things.jsonl"), 3, {"$.id": "2", "$.n": "b"})


def test_a_triple_leads_to_its_record_and_the_record_that_a_join_found(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["b"]})
    work.json("tags.json", {"name": "a"}, {"name": "b"})
    tags = thing(source=file("tags.json", "JSONPath", "$[*]"), subject='rml:template "http://example.org/tag/{$.name}"', name="Tag")
    join = 'rml:parentTriplesMap ex:Tag ; rml:joinCondition [ rml:child "$.tags[*]" ; rml:parent "$.name" ]'
    work.map(thing('ex:word rml:reference "$.tags[*]"', f"ex:tag {join}") + tags)

    def records(predicate: str, value: NamedNode | Literal) -> list[tuple]:
        found = rows_for(Triple(NamedNode(BASE + "1"), NamedNode(BASE + predicate), value), work.mapping, Sources(), base=BASE)
        return [(row.table, row.line, row.record) for row in found]

    assert records("word", Literal("b")) == [("things.json", None, 1)]
    assert records("word", Literal("c")) == []
    assert records("tag", NamedNode(BASE + "tag/b")) == [("things.json", None, 1), ("tags.json", None, 2)]


def test_names_that_differ_in_case_are_different_references(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "Name": "A", "name": "a"})
    work.map(thing('ex:upper rml:reference "$.Name"', 'ex:lower rml:reference "$.name"'))
    assert work.quads() == {'ex:1 ex:upper "A"', 'ex:1 ex:lower "a"'}


# ── XML and CSV ──────────────────────────────────────────────────────────────────────────────────────────────

XML = '<things xmlns:x="urn:x">\n <thing id="1"><name>Ann &amp; Bo</name><x:tag>a</x:tag><x:tag>b</x:tag></thing>\n <thing id="2"><name/></thing>\n</things>'


def test_xml_is_read_by_xpath_with_the_prefixes_of_the_document(work: RmlWorkplace) -> None:
    (work.folder / "things.xml").write_text(XML)
    source = file("things.xml", "XPath", "/things/thing")
    work.map(thing('ex:name rml:reference "name"', 'ex:tag rml:reference "x:tag"', subject='rml:template "http://example.org/{@id}"', source=source))
    assert work.quads() == {'ex:1 ex:name "Ann & Bo"', 'ex:1 ex:tag "a"', 'ex:1 ex:tag "b"', 'ex:2 ex:name ""'}
    assert [row.line for row in trace(NamedNode(BASE + "2"), work.mapping, Sources(), base=BASE)] == [3]


def test_an_entity_of_xml_fetches_no_file(work: RmlWorkplace) -> None:
    (work.folder / "secret.txt").write_text("hidden")
    (work.folder / "things.xml").write_text('<!DOCTYPE a [<!ENTITY s SYSTEM "secret.txt">]><things><thing id="1"><name>a&s;b</name></thing></things>')
    work.map(thing('ex:name rml:reference "name"', subject='rml:template "http://example.org/{@id}"', source=file("things.xml", "XPath", "//thing")))
    assert not any("hidden" in one for one in work.quads())


@pytest.mark.parametrize(("nulls", "names"), [("", {'""', '"NULL"', '"Ann"'}), ('; rml:null ""', {'"NULL"', '"Ann"'}), ('; rml:null "", "NULL"', {'"Ann"'})])
def test_a_csv_file_has_the_nulls_that_its_source_declares(work: RmlWorkplace, nulls: str, names: set[str]) -> None:
    work.table("things", "id,name", "1,Ann", "2,", "3,NULL")
    work.map(thing('ex:name rml:reference "name"', subject='rml:template "http://example.org/{id}"', source=file("things.csv", "CSV", more=nulls)))
    assert {one.split(" ", 2)[2] for one in work.quads()} == names


def test_an_archive_in_another_encoding_is_read(work: RmlWorkplace) -> None:
    inner = work.folder / "things.csv"
    inner.write_text("id,name\n1,葉\n", encoding="gb18030")
    with tarfile.open(work.folder / "things.tar.xz", "w:xz") as archive:
        archive.add(inner, "things.csv")
    inner.unlink()
    source = file("things.tar.xz", "CSV", more="; rml:compression rml:tarxz ; rml:encoding <http://w3id.org/rml/GB18030>")
    work.map(thing('ex:name rml:reference "name"', subject='rml:template "http://example.org/{id}"', source=source))
    assert work.quads() == {'ex:1 ex:name "葉"'}


def test_a_csvw_table_says_how_its_file_is_written(work: RmlWorkplace) -> None:
    work.table("things", "id;name", "1;'a;b'")
    table = """rml:source [ a csvw:Table ; csvw:url "things.csv" ; csvw:dialect [ csvw:delimiter ";" ; csvw:quoteChar "'" ] ] ; rml:referenceFormulation rml:CSV"""
    text = thing('ex:name rml:reference "name"', subject='rml:template "http://example.org/{id}"', source=table)
    work.map(text, prefixes=RML + "@prefix csvw: <http://www.w3.org/ns/csvw#> .\n")
    assert work.quads() == {'ex:1 ex:name "a;b"'}


# ── The vocabulary of 2014 ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "formulation", "iterator", "reference"),
    [
        ("things.json", '[{"id": "1", "name": "Ann"}]', "JSONPath", "$[*]", "name"),
        ("things.xml", '<t><thing><id>1</id><name>Ann</name></thing></t>', "XPath", "/t/thing", "name"),
        ("things.csv", "id,name\n1,Ann\n2,\n", "CSV", "", "name"),
    ],
)
def test_the_first_rml_vocabulary_is_read(work: RmlWorkplace, name: str, content: str, formulation: str, iterator: str, reference: str) -> None:
    (work.folder / name).write_text(content)
    text = f"""
        ex:Thing rml:logicalSource [ rml:source "{name}" ; rml:referenceFormulation ql:{formulation} {f'; rml:iterator "{iterator}"' if iterator else ""} ] ;
            rr:subjectMap [ rr:template "http://example.org/{{id}}" ] ;
            rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rml:reference "{reference}" ] ] .
    """
    work.map(text, prefixes=RML_2014)
    assert work.quads() == {'ex:1 ex:name "Ann"'}


# ── sources.toml ─────────────────────────────────────────────────────────────────────────────────────────────


def test_r2rml_reads_json_and_xml_as_tables(work: RmlWorkplace) -> None:
    (work.folder / "a.json").write_text('{"rows": [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bo"}]}')
    (work.folder / "b.xml").write_text('<rows><row id="1"><city>Gent</city></row></rows>')
    (work.folder / "sources.toml").write_text('[tables.a]\npath = "a.json"\niterator = "$.rows[*]"\n[tables.b]\npath = "b.xml"\n')
    text = """
        ex:A rr:logicalTable [ rr:tableName "a" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ] ;
            rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column "name" ] ] .
        ex:B rr:logicalTable [ rr:sqlQuery "SELECT a.id, city FROM a JOIN b ON a.id = CAST(b.\\"@id\\" AS INTEGER)" ] ;
            rr:subjectMap [ rr:template "http://example.org/{id}" ] ; rr:predicateObjectMap [ rr:predicate ex:city ; rr:objectMap [ rr:column "city" ] ] .
    """
    work.map(text, load_sources(work.folder / "sources.toml"), prefixes=RML_2014)
    assert work.quads() == {'ex:1 ex:name "Ann"', 'ex:2 ex:name "Bo"', 'ex:1 ex:city "Gent"'}


def test_sources_toml_puts_another_file_in_the_place_of_one(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1})
    work.json("other.json", {"id": 2})
    (work.folder / "sources.toml").write_text('[tables."things.json"]\npath = "other.json"\n')
    work.map(thing(subject='rml:template "http://example.org/{$.id}" ; rml:class ex:Thing'), load_sources(work.folder / "sources.toml"))
    assert {one.split()[0] for one in work.quads()} == {"ex:2"}


# ── Targets ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "format"), [("Turtle", RdfFormat.TURTLE), ("RDF_XML", RdfFormat.RDF_XML), ("JSON-LD", RdfFormat.JSON_LD), ("N-Triples", RdfFormat.N_TRIPLES)])
def test_a_target_gets_its_triples_in_its_format_and_the_graph_the_others(work: RmlWorkplace, name: str, format: RdfFormat) -> None:
    work.json("things.json", {"id": 1, "name": "Ann", "age": 7})
    target = f"""rml:logicalTarget [ rml:target [ a rml:FilePath ; rml:root rml:MappingDirectory ; rml:path "out/names" ] ; rml:serialization formats:{name} ]"""
    work.map(thing(f'ex:name rml:reference "$.name" ; {target}', 'ex:age rml:reference "$.age"'))
    assert work.quads() == {'ex:1 ex:age "7"^^xsd:integer'}
    made = parse(path=str(work.folder / "out/names"), format=format)
    assert list(made) == [Quad(NamedNode(BASE + "1"), NamedNode(BASE + "name"), Literal("Ann"))]


@pytest.mark.parametrize("compression", ["none", "gzip", "zip", "targz", "tarxz"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_a_target_is_written_in_its_compression_and_encoding(work: RmlWorkplace, compression: str, encoding: str) -> None:
    work.json("things.json", {"id": 1, "name": "葉"})
    options = f"rml:compression rml:{compression} ; rml:encoding rml:{encoding} ; rml:serialization formats:N-Triples"
    target = f'rml:logicalTarget [ rml:target [ a rml:FilePath ; rml:root rml:MappingDirectory ; rml:path "names" ] ; {options} ]'
    work.map(thing(f'ex:name rml:reference "$.name" ; {target}'))
    with files.open_bytes(work.folder / "names", None if compression == "none" else compression) as written:
        assert written.read().decode(encoding) == '<http://example.org/1> <http://example.org/name> "葉" .\n'


def test_a_target_in_rdf_json_has_values_as_strings(work: RmlWorkplace) -> None:
    work.json("things.json", {"id": 1, "age": 7})
    target = 'rml:logicalTarget [ rml:target [ rml:root rml:MappingDirectory ; rml:path "ages.json" ] ; rml:serialization formats:RDF_JSON ]'
    work.map(thing(f'ex:age rml:reference "$.age" ; {target}'))
    seven = {"type": "literal", "value": "7", "datatype": "http://www.w3.org/2001/XMLSchema#integer"}
    assert json.loads((work.folder / "ages.json").read_text()) == {BASE + "1": {BASE + "age": [seven]}}


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "content", "code", "says"),
    [
        (thing('ex:v rml:reference "$.["'), "[]", "M210", "is not a JSONPath"),
        (thing('ex:v rml:reference "$.v"'), '[{"id": 1, "v": [1]}]', "M211", "is an array, not a value"),
        (thing('ex:v rml:reference "$.v"'), '[{"id": 1,\n "v": }]', "M208", "is not JSON"),
        (thing('ex:v rml:refrence "$.v"'), "[]", "M111", "no property rml:refrence"),
        (thing('ex:v rml:reference "$.v" ; rml:termType rml:Iri'), "[]", "M107", "rml:Iri is no term type"),
        (thing('ex:v rml:template "{$.v"'), "[]", "M108", "not closed"),
        (thing(source=file("things.json", "JSONPth")), "[]", "M209", "is not read"),
        (thing(source=file("nothing.json", "JSONPath")), "[]", "M201", "does not exist"),
        (thing(source=file("things.json", "JSONPath", more="; rml:compression rml:rar")), "[]", "M206", "is not read"),
        (thing(source=file("things.json", "JSONPath", more="; rml:compression rml:gzip")), "[]", "M208", "cannot be read"),
        (thing(source=file("things.json", "CSV", more="; rml:compression rml:tarxz")), "[]", "M208", "cannot be read"),
        (thing(source=file("things.json", "JSONPath", more="; rml:compression rml:zip")), "[]", "M208", "cannot be read"),
        (thing('ex:v rml:reference "$.v" ; rml:logicalTarget [ rml:target "a" ; rml:serialization formats:HDT ]'), "[]", "M118", "not written as HDT"),
        (thing('ex:v rml:reference "$.v" ; rml:languageMap [ rml:constant "e n" ]'), "[]", "M109", "no language|not a language"),
        (thing(source='rml:source [ rml:root rml:Home ; rml:path "things.json" ] ; rml:referenceFormulation rml:JSONPath'), "[]", "M116", "rml:root is"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_place_and_the_graph_stays(work: RmlWorkplace, text: str, content: str, code: str, says: str) -> None:
    work.json("things.json", {"id": 1, "v": "a"})
    work.map(thing('ex:v rml:reference "$.v"'))
    (work.folder / "things.json").write_text(content)
    with pytest.raises(MappingError, match=says) as caught:
        work.map(text)
    assert (caught.value.code, bool(caught.value.help), caught.value.location is not None) == (code, True, True)
    assert work.quads() == {'ex:1 ex:v "a"'}
