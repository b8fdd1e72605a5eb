"""Mistakes in mappings and sources: each is refused with its code, place, cause and remedy."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from kg import mapping
from kg.errors import MappingError
from kg.mapping import Sources, load_mapping, load_sources, materialize, override, parse_mapping, source_of_url
from kg.store import Store
from tests.test_mapping import BASE, PREFIXES, Workplace, thing

TABLE = 'rr:logicalTable [ rr:tableName "thing" ]'
SUBJECT = 'rr:subjectMap [ rr:template "http://example.org/{id}" ]'


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def error_of(text: str) -> MappingError:
    with pytest.raises(MappingError) as caught:
        parse_mapping(PREFIXES + text, "things.r2rml.ttl")
    return caught.value


def test_an_error_is_printed_with_code_place_line_and_remedy() -> None:
    error = error_of(f"ex:Map {TABLE} ;\n  rr:subjectMap [\n    rr:template \"http://example.org/{{id}}\" ; rr:column \"id\" ] .")
    assert str(error) == (
        "error M106: a subject map of <http://example.org/Map> has rr:column and rr:template; it needs exactly one of rr:constant, rr:column and rr:template\n"
        "  things.r2rml.ttl:7:17\n"
        '       7 |     rr:template "http://example.org/{id}" ; rr:column "id" ] .\n'
        "  help: keep one of them"
    )


@pytest.mark.parametrize(
    ("text", "code", "line", "message", "remedy"),
    [
        ("ex:Map rr:logicalTable [ rr:tableName \"thing\" ] ;\n rr:subjectMap ", "M101", 6, "this is not Turtle", "correct the syntax"),
        ("ex:a ex:b ex:c .", "M102", None, "no triples map", "rr:logicalTable"),
        (f"ex:Map a rr:TriplesMap ; {SUBJECT} .", "M103", 5, "exactly one rr:logicalTable", "rr:tableName"),
        (f'ex:Map rr:logicalTable [ rr:tableName "a" ; rr:sqlQuery "SELECT 1" ] ; {SUBJECT} .', "M104", 5, "more than one of rr:tableName and rr:sqlQuery", "one of them"),
        (f"ex:Map rr:logicalTable [ rr:sqlVersion rr:SQL2008 ] ; {SUBJECT} .", "M104", 5, "neither rr:tableName nor rr:sqlQuery", "one of them"),
        (f"ex:Map {TABLE} .", "M105", 5, "no subject map", "exactly one rr:subjectMap"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:subjectMap [ rr:column "id" ] .', "M105", 5, "more than one subject map", "exactly one rr:subjectMap"),
        (f"ex:Map {TABLE} ;\n rr:subjectMap [ rr:termType rr:IRI ] .", "M106", 5, "none of them", "keep one"),
        (f'ex:Map {TABLE} ;\n rr:subjectMap [ rr:column "id" ;\n rr:termType rr:Literal ] .', "M107", 7, "a subject map cannot make rr:Literal", "rr:IRI or rr:BlankNode"),
        (f'ex:Map {TABLE} ;\n rr:subjectMap [ rr:column "id" ; rr:termType rr:Iri ] .', "M107", 6, "rr:Iri is no term type", "rr:IRI or rr:BlankNode"),
        (f'ex:Map {TABLE} ;\n rr:subjectMap [ rr:template "http://example.org/{{id" ] .', "M108", 6, "a brace is opened that is not closed", "write {column}"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:column "a" ; rr:language "english" ] ] .', "M109", 7, "'english' is not a language tag", '"en"'),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:column "a" ; rr:language "en" ; rr:datatype xsd:date ] ] .', "M110", 7, "both rr:language and rr:datatype", "keep one"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:column "a" ; rr:termType rr:IRI ; rr:datatype xsd:date ] ] .', "M110", 7, "cannot have rr:datatype", "rr:Literal"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:colum "a" ] ] .', "M111", 7, "no property rr:colum", "did you mean rr:column"),
        (f"ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ] .", "M112", 6, "has no object", "rr:objectMap"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:object 5 ] .', "M112", 6, "has no predicate", "rr:predicate"),
        (f"ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:parentTriplesMap ex:Mapp ] ] .", "M113", 7, "is not declared", "did you mean http://example.org/Map?"),
        (f"ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:parentTriplesMap ex:Map ; rr:joinCondition [ rr:child \"a\" ] ] ] .", "M114", 5, "exactly one rr:parent", "rr:child and rr:parent"),
        (f'ex:Map {TABLE} ; rr:subject "text" .', "M115", 5, "which is not an IRI", "a constant is an IRI"),
        (f'ex:Map {TABLE} ; rr:subjectMap [ rr:template "http://example.org/{{id}}" ;\n rr:class "Thing" ] .', "M115", 6, "rr:class", "name the class by its IRI"),
        (f"ex:Map {TABLE} ; rr:subjectMap ex:Nowhere .", "M115", 5, "of which the document says nothing", "describe it"),
        (f'ex:Map {TABLE} ; {SUBJECT} ;\n rr:predicateObjectMap [ rr:predicate ex:p ;\n rr:objectMap [ rr:parentTriplesMap ex:Other ] ] .\n'
         f'ex:Other rr:logicalTable [ rr:tableName "other" ] ; {SUBJECT} .', "M117", 7, "different logical tables", "rr:joinCondition"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_mapping_is_named(text: str, code: str, line: int | None, message: str, remedy: str) -> None:
    error = error_of(text)
    assert (error.code, error.location.line) == (code, line), str(error)
    assert message in error.message
    assert remedy in error.help


@pytest.mark.parametrize(
    ("text", "code", "message", "remedy"),
    [
        (thing('ex:name rr:column "nam"'), "M203", "table thing has no column nam", "did you mean name?"),
        (thing('ex:name rr:column "\\"Name\\""'), "M203", "table thing has no column Name", "did you mean name?"),
        (thing('ex:name rr:template "{id}-{x}"'), "M203", "table thing has no column x", "its columns are id, name"),
        (thing('ex:name rr:column "name"', table="thin"), "M202", "there is no table thin", "did you mean thing?"),
        (thing('ex:p rr:parentTriplesMap ex:ThingMap ; rr:joinCondition [ rr:child "ids" ; rr:parent "id" ]'), "M203", "has no column ids", "did you mean id?"),
        (thing('ex:name rr:template "http://example.org/ {name}"'), "M108", "cannot make IRIs", "percent-encode"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT id FROM thin" ] ; {SUBJECT} .', "M204", "the query fails", "the tables are thing"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "SELEC id FROM thing" ] ; {SUBJECT} .', "M204", "the query fails", "correct the SQL"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "DROP TABLE quads" ] ; {SUBJECT} .', "M204", "is not one SELECT", "only reads"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT 1 AS id; DROP TABLE quads" ] ; {SUBJECT} .', "M204", "is not one SELECT", "only reads"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT id, name AS id FROM thing" ] ; {SUBJECT} .', "M205", "two columns named id", "AS"),
    ],
)  # fmt: skip
def test_a_name_that_the_sources_do_not_have_is_placed_in_the_mapping(work: Workplace, text: str, code: str, message: str, remedy: str) -> None:
    work.table("thing", "id,name", "1,a")
    with pytest.raises(MappingError) as caught:
        work.map(text)
    assert caught.value.code == code, str(caught.value)
    assert message in caught.value.message
    assert remedy in caught.value.help
    assert caught.value.location.file == str(work.mapping) and caught.value.location.line >= 5
    assert work.quads() == set()


@pytest.mark.parametrize(
    ("toml", "code", "line", "message", "remedy"),
    [
        ('[default]\npath = "data', "M200", 2, "not TOML", "correct the syntax"),
        ('[defaults]\npath = "."', "M200", 1, "no section defaults", "did you mean default?"),
        ('[default]\npath = "."\ndelimeter = ";"', "M200", 3, "no key delimeter", "did you mean delimiter?"),
        ('[default]\ntype = "csv"', "M200", 1, "has no path", "add path"),
        ('[default]\npath = "nowhere"', "M201", 2, "does not exist", "correct the path"),
        ('[default]\ntype = "word"\npath = "."', "M206", 2, "'word'", "csv, parquet, json"),
        ('[tables.a]\npath = "${KG_NOT_SET}/a.csv"', "M207", 2, "KG_NOT_SET is not set", "set KG_NOT_SET"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_sources_file_is_named(tmp_path: Path, toml: str, code: str, line: int, message: str, remedy: str) -> None:
    (tmp_path / "sources.toml").write_text(toml)
    with pytest.raises(MappingError) as caught:
        load_sources(tmp_path / "sources.toml")
    assert (caught.value.code, caught.value.location.line) == (code, line), str(caught.value)
    assert message in caught.value.message
    assert remedy in caught.value.help


def test_sources_are_relative_to_their_file_substitute_the_environment_and_are_overridden_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KG_TEST_FOLDER", "more")
    (tmp_path / "data").mkdir()
    (tmp_path / "more").mkdir()
    for name in ("data/thing.csv", "more/x.csv", "other.tsv"):
        (tmp_path / name).write_text("id\n1\n")
    (tmp_path / "sources.toml").write_text('[default]\npath = "data"\n[tables.x]\npath = "${KG_TEST_FOLDER}/x.csv"\ndelimiter = "|"\n')
    sources = load_sources(tmp_path / "sources.toml")
    assert sources.of_table("thing").path == tmp_path / "data/thing.csv"
    assert (sources.of_table("x").path, sources.of_table("x").delimiter) == (tmp_path / "more/x.csv", "|")
    changed = override(sources, [f"thing={tmp_path / 'other.tsv'}"])
    assert (changed.of_table("thing").path, changed.of_table("thing").delimiter) == (tmp_path / "other.tsv", "\t")
    with pytest.raises(MappingError, match="NAME=URL"):
        override(sources, ["thing"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"), (b"id,\n1,2\n", "a column without a name"), (b"id,ID\n1,2\n", "two columns named id"),
        ("id,name\n1,李\n".encode("gb18030"), "is not in UTF-8"),
    ],
)  # fmt: skip
def test_a_csv_file_that_cannot_be_read_is_named(work: Workplace, content: bytes, message: str) -> None:
    (work.folder / "thing.csv").write_bytes(content)
    with pytest.raises(MappingError) as caught:
        work.map(thing("ex:is rr:constant ex:Thing"))
    assert caught.value.code == "M208"
    assert message in caught.value.message


def test_sqlite_errors_name_the_table_the_query_and_the_file(work: Workplace) -> None:
    path = work.folder / "things.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE thing (id INTEGER)")
    sources = Sources(source_of_url(path))
    for text, code, message in (
        (thing("ex:is rr:constant ex:Thing", table="things"), "M202", "things.db has no table things"),
        (f'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT ids FROM thing" ] ; {SUBJECT} .', "M204", "no such column: ids"),
    ):
        with pytest.raises(MappingError) as caught:
            work.map(text, sources)
        assert (caught.value.code, caught.value.location.line) == (code, 5)
        assert message in caught.value.message
    (work.folder / "broken.db").write_bytes(b"no database at all, only text " * 40)
    with pytest.raises(MappingError, match="is no SQLite database"):
        work.map(thing("ex:is rr:constant ex:Thing"), Sources(source_of_url(work.folder / "broken.db")))


def test_sqlite_names_have_no_case_unless_they_are_to_be_those_of_standard_sql(work: Workplace) -> None:
    path = work.folder / "things.db"
    with sqlite3.connect(path) as database:
        database.execute("""CREATE TABLE thing (id INTEGER PRIMARY KEY, Plain TEXT /* not "Plain" */, "Quoted" TEXT, [Two Words] TEXT)""")
        database.execute("INSERT INTO thing VALUES (1, 'a', 'b', 'c')")
    loose, standard = Sources(source_of_url(path)), Sources(replace(source_of_url(path), settings=(("names", "standard"),)))
    for sources, accepted, refused in (
        (loose, ["plain", "PLAIN", "quoted", '\\"Quoted\\"', "two words"], []),
        (standard, ["plain", "PLAIN", '\\"PLAIN\\"', '\\"Quoted\\"', '\\"Two Words\\"'], ["quoted", "Quoted", '\\"Plain\\"', "two words"]),
    ):
        for name in accepted:
            assert work.map(thing(f'ex:p rr:column "{name}"'), sources).triples == 1
        for name in refused:
            with pytest.raises(MappingError, match="has no column") as caught:
                work.map(thing(f'ex:p rr:column "{name}"'), sources)
            assert caught.value.code == "M203"
    with pytest.raises(MappingError, match="has no setting case = 'no'"):
        work.map(thing('ex:p rr:column "Plain"'), Sources(replace(source_of_url(path), settings=(("case", "no"),))))


def test_a_failed_run_leaves_no_trace_in_the_graph(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a")
    work.map(thing('ex:name rr:column "name"'))
    before = work.store.revision
    with pytest.raises(MappingError):
        work.map(thing('ex:name rr:column "nothing"'))
    left = work.store.connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    assert (work.quads(), work.store.revision, left) == ({'ex:1 ex:name "a"'}, before, [])


def test_a_missing_mapping_file_is_told_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "things.r2rml.ttl").write_text(PREFIXES)
    with pytest.raises(MappingError, match="no such mapping file") as caught:
        load_mapping(tmp_path / "thing.r2rml.ttl")
    assert caught.value.help == "did you mean things.r2rml.ttl?"
    with Store.memory() as store, pytest.raises(MappingError, match="no triples map"):
        materialize(store, tmp_path / "things.r2rml.ttl", tmp_path, base=BASE)


def test_an_unset_variable_of_the_sources_file_may_have_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.toml").write_text('[default]\ntype = "csv"\npath = "${KG_FOLDER:-.}"')
    assert load_sources(tmp_path / "sources.toml").default.path == tmp_path
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("KG_FOLDER", str(tmp_path / "other"))
    assert load_sources(tmp_path / "sources.toml").default.path == tmp_path / "other"


def test_every_code_that_is_raised_is_documented() -> None:
    folder = Path(mapping.__file__).parent
    raised = {code for file in folder.glob("*.py") if file.name != "__init__.py" for code in re.findall(r'"(M\d{3})"', file.read_text())}
    assert raised == set(re.findall(r"M\d{3}", mapping.__doc__))
