"""From a triple back to the rows of its sources."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Triple

from kg.mapping import Sources, materialize, rows_for, source_of_url, trace
from kg.store import Store
from tests.test_mapping import BASE, PREFIXES, Workplace, thing

XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def ex(name: str) -> NamedNode:
    return NamedNode("http://example.org/" + name)


def lines(work: Workplace, subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> list[tuple]:
    found = rows_for(Triple(subject, predicate, value), work.mapping, work.folder, base=BASE)
    return [(row.table, row.line) for row in found]


def test_a_literal_leads_to_its_line_and_columns(work: Workplace) -> None:
    work.table("thing", "id,name,price", "1,Ann,1.50", "2,Bo,2.00", "3,Ann,1.5")
    work.map(thing('ex:name rr:column "name"', 'ex:price rr:column "price" ; rr:datatype xsd:decimal'))
    assert lines(work, ex("3"), ex("price"), Literal("1.5", datatype=NamedNode(XSD + "decimal"))) == [("thing", 4)]
    assert lines(work, ex("3"), ex("price"), Literal("1.50", datatype=NamedNode(XSD + "decimal"))) == []
    row = rows_for(Triple(ex("1"), ex("name"), Literal("Ann")), work.mapping, work.folder, base=BASE)[0]
    assert row.columns == {"id": "1", "name": "Ann", "price": "1.50"}
    assert row.file == str(work.folder / "thing.csv")


def test_lines_are_right_after_quoted_line_ends_blank_lines_and_malformed_records(work: Workplace) -> None:
    work.table("thing", "id,name", '1,"two', 'lines"', "", "2,too,many", "3,c", '4,"d"')
    work.map(thing('ex:name rr:column "name"'))
    assert lines(work, ex("1"), ex("name"), Literal("two\nlines")) == [("thing", 2)]
    assert lines(work, ex("3"), ex("name"), Literal("c")) == [("thing", 6)]
    assert lines(work, ex("4"), ex("name"), Literal("d")) == [("thing", 7)]


def test_a_percent_encoded_iri_leads_to_the_row_with_the_original_text(work: Workplace) -> None:
    work.table("thing", "kind,name", "a,李 明/b", "a,李 明", "b,李 明")
    work.map(thing("ex:is rr:constant ex:Thing", subject='rr:template "http://example.org/{kind}/{name}"'))
    assert lines(work, ex("a/李%20明"), ex("is"), ex("Thing")) == [("thing", 3)]
    assert lines(work, ex("a/李%20明%2Fb"), ex("is"), ex("Thing")) == [("thing", 2)]


def test_a_class_and_equal_rows_lead_to_all_their_rows(work: Workplace) -> None:
    work.table("thing", "id", "1", "2", "1")
    work.map(thing(subject='rr:template "http://example.org/{id}" ; rr:class ex:Thing'))
    rdf_type = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    assert lines(work, ex("1"), rdf_type, ex("Thing")) == [("thing", 2), ("thing", 4)]
    assert lines(work, ex("1"), rdf_type, ex("Other")) == []


def test_a_join_leads_to_both_rows(work: Workplace) -> None:
    work.table("thing", "id,owner", "1,A", "2,B")
    work.table("owner", "code,id", "A,10", "B,20")
    work.map(
        thing('ex:owner rr:parentTriplesMap ex:OwnerMap ; rr:joinCondition [ rr:child "owner" ; rr:parent "code" ]')
        + thing('ex:code rr:column "code"', table="owner")
    )
    assert lines(work, ex("2"), ex("owner"), ex("20")) == [("thing", 3), ("owner", 3)]
    assert lines(work, ex("2"), ex("owner"), ex("10")) == []


def test_every_triple_of_a_mapping_leads_to_a_row_of_sqlite(work: Workplace) -> None:
    path = work.folder / "things.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, day DATE, price DECIMAL(9,2), weight REAL, name TEXT)")
        database.execute("INSERT INTO thing VALUES (1, '2020-02-29', 2.5, 1.5, 'Ann'), (2, '2020-03-01', 3, 2.5, 'Bo')")
    objects = [f'ex:{name} rr:column "{name}"' for name in ("day", "price", "weight", "name")]
    work.mapping.write_text(PREFIXES + thing(*objects, 'ex:node rr:column "name" ; rr:termType rr:BlankNode'))
    sources = Sources(source_of_url(path))
    with Store.memory() as store:
        materialize(store, work.mapping, sources, base=BASE)
        rows = store.connection.execute("SELECT s, p, o FROM quads").fetchall()
        terms = store.decode({term for row in rows for term in row})
    assert len(rows) == 10
    for row in rows:
        triple = Triple(*(terms[term] for term in row))
        assert [str(found.columns["id"]) for found in rows_for(triple, work.mapping, sources, base=BASE)] == [triple.subject.value[-1]]


def test_a_subject_leads_to_the_rows_that_describe_it(work: Workplace) -> None:
    work.table("thing", "id,name", "1,a", "2,b")
    work.table("other", "id,size", "2,5", "2,6")
    work.map(thing('ex:name rr:column "name"') + thing('ex:size rr:column "size"', table="other"))
    found = trace(ex("2"), work.mapping, work.folder, base=BASE)
    assert [(row.table, row.line) for row in found] == [("thing", 3), ("other", 2), ("other", 3)]
