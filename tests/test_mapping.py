"""R2RML over CSV, Parquet and SQLite: which triples a mapping makes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from kg.mapping import Source, Sources, fingerprint, materialize, source_of_url
from kg.store import Store

PREFIXES = """
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix ex: <http://example.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
BASE = "http://example.org/"


class Workplace:
    """A folder of tables, a mapping over them, and the graph that it makes."""

    def __init__(self, folder: Path):
        self.folder, self.store = folder, Store.memory()
        self.mapping = folder / "things.r2rml.ttl"

    def table(self, name: str, *lines: str) -> None:
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def map(self, text: str, sources: Sources | Path | None = None, **options: object):
        self.mapping.write_text(PREFIXES + text, encoding="utf-8")
        return materialize(self.store, self.mapping, sources or self.folder, base=BASE, **options)

    def quads(self) -> set[str]:
        """The quads as N-Quads lines without the dots, example.org shortened to ex:."""
        rows = self.store.connection.execute("SELECT s, p, o, g FROM quads").fetchall()
        terms = self.store.decode({term for row in rows for term in row if term})
        found = [" ".join(str(terms[term]) for term in row if term) for row in rows]
        assert len(found) == len(set(found)), "a quad stands in the graph twice"
        return {one.replace("<http://example.org/", "ex:").replace("<http://www.w3.org/2001/XMLSchema#", "xsd:").replace(">", "") for one in found}

    def rejects(self) -> list[tuple]:
        query = "SELECT line, column_name, value, reason FROM rejects ORDER BY line, column_name"
        return self.store.connection.execute(query).fetchall()


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def thing(*objects: str, subject: str = 'rr:template "http://example.org/{id}"', table: str = "thing") -> str:
    """A triples map with one predicate-object map for each text `predicate object-map`."""
    maps = "".join(
        f" ; rr:predicateObjectMap [ rr:predicate {one.split(' ', 1)[0]} ; rr:objectMap [ {one.split(' ', 1)[1]} ] ]" for one in objects
    )
    return f'ex:{table.capitalize()}Map rr:logicalTable [ rr:tableName "{table}" ] ; rr:subjectMap [ {subject} ]{maps} .\n'


def test_leading_zeros_and_decimals_stay_as_the_file_has_them(work: Workplace) -> None:
    work.table("thing", "id,code,amount", "1,007,1.50", "2,000,-0.10")
    work.map(thing('ex:code rr:column "code"', 'ex:amount rr:column "amount" ; rr:datatype xsd:decimal'))
    assert work.quads() == {'ex:1 ex:code "007"', 'ex:2 ex:code "000"', 'ex:1 ex:amount "1.50"^^xsd:decimal', 'ex:2 ex:amount "-0.10"^^xsd:decimal'}


def test_keys_that_are_negative_or_of_63_bits_or_no_numbers_make_iris_of_the_same_template(work: Workplace) -> None:
    keys = ["0", "7", "-5", "007", "4503599627370495", "4503599627370496", "9223372036854775807", "99999999999999999999", "a"]
    work.table("thing", "id", *keys)
    work.map(thing("ex:is rr:constant ex:Thing"))
    assert work.quads() == {f"ex:{key} ex:is ex:Thing" for key in keys}


def test_integers_beyond_56_bits_are_exact(work: Workplace) -> None:
    numbers = ["36028797018963967", "36028797018963968", "-36028797018963969", "170141183460469231731687303715884105728"]
    work.table("thing", "id,n", *(f"{i},{n}" for i, n in enumerate(numbers)))
    work.map(thing('ex:n rr:column "n" ; rr:datatype xsd:integer'))
    assert work.quads() == {f'ex:{i} ex:n "{n}"^^xsd:integer' for i, n in enumerate(numbers)}


def test_reserved_characters_are_percent_encoded_in_iris_and_chinese_is_not(work: Workplace) -> None:
    work.table("thing", "id,name", '1,"李 明/a,b"')
    work.map(thing('ex:page rr:template "http://example.org/{name}"', 'ex:text rr:template "{name}!" ; rr:termType rr:Literal'))
    assert work.quads() == {"ex:1 ex:page ex:李%20明%2Fa%2Cb", 'ex:1 ex:text "李 明/a,b!"'}


def test_backslashes_escape_braces_and_quoted_column_names_may_hold_spaces(work: Workplace) -> None:
    work.table("thing", "id,Full Name", "1,Ann")
    work.map(thing(r'ex:a rr:template "\\{{\"Full Name\"}\\}" ; rr:termType rr:Literal', r'ex:b rr:column "\"Full Name\""'))
    assert work.quads() == {'ex:1 ex:a "{Ann}"', 'ex:1 ex:b "Ann"'}


def test_relative_iris_are_put_after_the_base(work: Workplace) -> None:
    work.table("thing", "id,link", "1,other", "2,urn:x:1")
    work.map(thing('ex:link rr:column "link" ; rr:termType rr:IRI', subject='rr:template "thing/{id}"'))
    assert work.quads() == {"ex:thing/1 ex:link ex:other", "ex:thing/2 ex:link <urn:x:1"}


def test_null_makes_no_triple(work: Workplace) -> None:
    work.table("thing", "id,a,b", "1,,x", "2,y,")
    report = work.map(thing('ex:a rr:column "a"', 'ex:ab rr:template "{a}{b}" ; rr:termType rr:Literal'))
    assert work.quads() == {'ex:2 ex:a "y"'}
    assert report.rejects == 0


def test_equal_rows_make_one_quad(work: Workplace) -> None:
    work.table("thing", "id,kind", "1,a", "1,a", "1,b")
    report = work.map(thing('ex:kind rr:column "kind"', subject='rr:template "http://example.org/{id}" ; rr:class ex:Thing'))
    assert work.quads() == {"ex:1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type ex:Thing", 'ex:1 ex:kind "a"', 'ex:1 ex:kind "b"'}
    assert (report.triples, report.triples_maps[0].rows) == (3, 3)


def test_two_triples_maps_may_make_the_same_quad(work: Workplace) -> None:
    work.table("thing", "id,kind", "1,a", "2,b")
    work.table("other", "id,kind", "2,b", "3,c")
    report = work.map(thing('ex:kind rr:column "kind"') + thing('ex:kind rr:column "kind"', table="other"))
    assert work.quads() == {'ex:1 ex:kind "a"', 'ex:2 ex:kind "b"', 'ex:3 ex:kind "c"'}
    assert [one.triples for one in report.triples_maps] == [2, 2]


def test_a_join_finds_the_parents_and_drops_what_has_none(work: Workplace) -> None:
    work.table("thing", "id,owner", "1,A", "2,B", "3,C", "4,")
    work.table("owner", "code,id", "A,10", "B,20", "B,21")
    work.map(
        thing('ex:owner rr:parentTriplesMap ex:OwnerMap ; rr:joinCondition [ rr:child "owner" ; rr:parent "code" ]')
        + thing('ex:code rr:column "code"', table="owner")
    )
    assert {one for one in work.quads() if "ex:owner" in one} == {"ex:1 ex:owner ex:10", "ex:2 ex:owner ex:20", "ex:2 ex:owner ex:21"}


def test_a_join_over_keys_that_are_unique_makes_each_quad_once(work: Workplace) -> None:
    work.table("thing", "id,owner", "1,A", "2,A", "2,A", "x,A")
    work.table("owner", "code,id", "A,10", "B,20", ",30", ",31")
    work.map(
        thing('ex:owner rr:parentTriplesMap ex:OwnerMap ; rr:joinCondition [ rr:child "owner" ; rr:parent "code" ]')
        + thing('ex:code rr:column "code"', table="owner")
    )
    assert {one for one in work.quads() if "ex:owner" in one} == {f"ex:{key} ex:owner ex:10" for key in "12x"}


def test_a_reference_without_join_takes_the_parent_subject_of_the_same_row(work: Workplace) -> None:
    work.table("thing", "id,part", "1,10", "2,20")
    work.map(thing("ex:part rr:parentTriplesMap ex:Part") + 'ex:Part rr:logicalTable [ rr:tableName "thing" ] ; rr:subjectMap [ rr:template "http://example.org/part/{part}" ] .')
    assert work.quads() == {"ex:1 ex:part ex:part/10", "ex:2 ex:part ex:part/20"}


def test_graph_maps_of_subject_and_predicate_add_up_and_null_means_the_default_graph(work: Workplace) -> None:
    work.table("thing", "id,place,kind", "1,north,a", "2,,b")
    work.map("""ex:Map rr:logicalTable [ rr:tableName "thing" ] ;
        rr:subjectMap [ rr:template "http://example.org/{id}" ; rr:class ex:Thing ; rr:graphMap [ rr:template "http://example.org/g/{place}" ] ] ;
        rr:predicateObjectMap [ rr:predicate ex:kind ; rr:objectMap [ rr:column "kind" ] ; rr:graph rr:defaultGraph, ex:kinds ] .""")
    a = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type ex:Thing"
    assert work.quads() == {
        f"ex:1 {a} ex:g/north", f"ex:2 {a}",
        'ex:1 ex:kind "a" ex:g/north', 'ex:1 ex:kind "a"', 'ex:1 ex:kind "a" ex:kinds', 'ex:2 ex:kind "b"', 'ex:2 ex:kind "b" ex:kinds',
    }  # fmt: skip


def test_triples_without_graph_go_to_the_named_graph_asked_for(work: Workplace) -> None:
    work.table("thing", "id", "1")
    work.map(thing("ex:is rr:constant 5"), graph="http://example.org/g")
    assert work.quads() == {'ex:1 ex:is "5"^^xsd:integer ex:g'}
    assert work.store.graphs()[0]["owner"].startswith("map:")


def test_several_predicates_and_objects_are_all_combined(work: Workplace) -> None:
    work.table("thing", "id,a", "1,x")
    work.map("""ex:Map rr:logicalTable [ rr:tableName "thing" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ] ;
        rr:predicateObjectMap [ rr:predicate ex:p, ex:q ; rr:object "y" ; rr:objectMap [ rr:column "a" ] ] .""")
    assert work.quads() == {f'ex:1 ex:{p} "{o}"' for p in "pq" for o in "xy"}


def test_a_predicate_may_come_from_a_column(work: Workplace) -> None:
    work.table("thing", "id,property,value", "1,p,x", "1,p,x", "1,q,y")
    work.map("""ex:Map rr:logicalTable [ rr:tableName "thing" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ] ;
        rr:predicateObjectMap [ rr:predicateMap [ rr:template "http://example.org/{property}" ] ; rr:objectMap [ rr:column "value" ] ] .""")
    assert work.quads() == {'ex:1 ex:p "x"', 'ex:1 ex:q "y"'}


def test_blank_nodes_of_one_string_are_one_node_within_a_mapping(work: Workplace) -> None:
    work.table("thing", "id,name", "1,Ann Li", "2,Ann Li")
    work.map(thing('ex:name rr:column "name"', subject='rr:column "name" ; rr:termType rr:BlankNode') + "ex:Other" + thing(
        'ex:knows rr:template "{name}" ; rr:termType rr:BlankNode')[11:])
    nodes = {word for one in work.quads() for word in one.split() if word.startswith("_:")}
    assert len(nodes) == 1
    assert len(work.quads()) == 3


def test_a_column_with_an_iri_of_a_registered_template_gives_the_same_term(work: Workplace) -> None:
    work.table("thing", "id,see", "1,http://example.org/2", "2,http://example.org/002")
    work.map(thing('ex:see rr:column "see" ; rr:termType rr:IRI'))
    assert work.quads() == {"ex:1 ex:see ex:2", "ex:2 ex:see ex:002"}
    assert work.store.connection.execute("SELECT count(*) FROM quads a JOIN quads b ON a.o = b.s").fetchone() == (1,)


def test_a_query_joins_csv_files_and_casts(work: Workplace) -> None:
    work.table("thing", "id,price", "1,2.50", "2,3.00")
    work.table("sale", "thing,pieces", "1,4", "1,2")
    work.map('''ex:Map rr:logicalTable [ rr:sqlQuery """SELECT thing.id, sum(CAST(pieces AS INTEGER)) AS pieces, max(CAST(price AS DECIMAL(9,2))) AS price
        FROM thing JOIN sale ON sale.thing = thing.id GROUP BY thing.id;""" ; rr:sqlVersion rr:SQL2008 ] ;
        rr:subjectMap [ rr:template "http://example.org/{id}" ] ;
        rr:predicateObjectMap [ rr:predicate ex:pieces ; rr:objectMap [ rr:column "pieces" ] ] ;
        rr:predicateObjectMap [ rr:predicate ex:price ; rr:objectMap [ rr:column "price" ] ] .''')
    assert work.quads() == {'ex:1 ex:pieces "6"^^xsd:integer', 'ex:1 ex:price "2.50"^^xsd:decimal'}


def test_parquet_columns_have_their_natural_datatypes(work: Workplace) -> None:
    duckdb.sql(
        "SELECT 1::INTEGER AS id, 1.5::DOUBLE AS d, 70.22::FLOAT AS f, 2.50::DECIMAL(9,2) AS n, true AS b, DATE '2020-02-29' AS day, "
        "TIMESTAMP '2020-02-29 01:02:03.450' AS t, TIMESTAMP '2020-02-29 01:02:03.123456' AS u, TIME '01:02:03' AS c, '\\xAB\\x01'::BLOB AS x, 'a' AS s"
    ).write_parquet(str(work.folder / "thing.parquet"))
    work.map(thing(*(f'ex:{name} rr:column "{name}"' for name in ["d", "f", "n", "b", "day", "t", "u", "c", "x", "s"])), Sources(Source("parquet", work.folder)))
    assert work.quads() == {
        'ex:1 ex:d "1.5E0"^^xsd:double', 'ex:1 ex:f "7.022E1"^^xsd:double', 'ex:1 ex:n "2.50"^^xsd:decimal', 'ex:1 ex:b "true"^^xsd:boolean',
        'ex:1 ex:day "2020-02-29"^^xsd:date', 'ex:1 ex:t "2020-02-29T01:02:03.45"^^xsd:dateTime', 'ex:1 ex:c "01:02:03"^^xsd:time',
        'ex:1 ex:u "2020-02-29T01:02:03.123456"^^xsd:dateTime', 'ex:1 ex:x "AB01"^^xsd:hexBinary', 'ex:1 ex:s "a"',
    }  # fmt: skip


def test_sqlite_values_are_cast_to_the_declared_types_and_rejected_where_they_cannot(work: Workplace) -> None:
    path = work.folder / "things.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, day DATE, price DECIMAL(9,2), n INTEGER)")
        database.executemany("INSERT INTO thing VALUES (?, ?, ?, ?)", [(1, "2020-02-29", 2.5, 7), (2, "never", 0.1, "many")])
    work.map(thing('ex:day rr:column "day"', 'ex:price rr:column "price"', 'ex:n rr:column "n"'), Sources(source_of_url(path)))
    assert work.quads() == {
        'ex:1 ex:day "2020-02-29"^^xsd:date', 'ex:1 ex:price "2.50"^^xsd:decimal', 'ex:2 ex:price "0.10"^^xsd:decimal', 'ex:1 ex:n "7"^^xsd:integer',
    }  # fmt: skip
    assert work.rejects() == [(2, "day", "never", "is no DATE"), (2, "n", "many", "is no BIGINT")]


def test_a_second_run_writes_only_the_difference(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a", "2,b", "3,c")
    mapping = thing('ex:name rr:column "name"')
    assert work.map(mapping).diff.inserted == 3
    assert work.map(mapping).diff.is_empty
    work.table("thing", "id,name", "1,a", "2,B", "4,d")
    diff = work.map(mapping).diff
    assert (diff.inserted, diff.deleted) == (2, 2)
    assert work.quads() == {'ex:1 ex:name "a"', 'ex:2 ex:name "B"', 'ex:4 ex:name "d"'}


def test_the_fingerprint_changes_with_the_mapping_and_the_rows_that_it_reads_only(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a")
    work.table("other", "id", "1")
    work.map(thing('ex:name rr:column "name"'))
    first = fingerprint(work.mapping, work.folder, BASE)
    assert work.store.fingerprint(next(iter(work.store.owners()))) == first
    work.table("other", "id", "2")
    assert fingerprint(work.mapping, work.folder, BASE) == first
    work.table("thing", "id,name", "1,b")
    second = fingerprint(work.mapping, work.folder, BASE)
    work.mapping.write_text(work.mapping.read_text() + "# a remark\n")
    assert len({first, second, fingerprint(work.mapping, work.folder, BASE)}) == 3


def test_a_triples_map_that_makes_nothing_is_warned_of(work: Workplace) -> None:
    work.table("thing", "id,name", "1,", "2,")
    report = work.map(thing('ex:name rr:column "name"'))
    assert report.warnings == ["ThingMap made no triples: none of 2 rows has all the values it needs"]
