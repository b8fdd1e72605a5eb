"""Queries against small graphs: what the compiled SQL answers, case by case."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from kg.sparql.evaluate import evaluate
from kg.store import Store

PREFIXES = {"": "http://example.org/", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def graph(turtle: str) -> Store:
    """A store whose default graph holds `turtle` (prefix `:` declared)."""
    document = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items()) + turtle
    store = Store.memory()
    terms = [term for quad in parse(document.encode(), format=RdfFormat.TURTLE) for term in quad.triple]
    ids = store.encode(terms)
    rows = ", ".join(f"({ids[i]}, {ids[i + 1]}, {ids[i + 2]})" for i in range(0, len(ids), 3))
    store.insert(f"SELECT 0::BIGINT AS g, s, p, o FROM (VALUES {rows}) AS t(s, p, o)")
    return store


def rows(store: Store, query: str, **options: object) -> list[tuple[str | None, ...]]:
    """The answer with terms as short text: lexical forms, local names."""
    return [tuple(short(term) for term in row) for row in evaluate(store, query, prefixes=PREFIXES, **options)]


def short(term: object) -> str | None:
    if isinstance(term, NamedNode):
        return ":" + term.value.removeprefix("http://example.org/")
    return term.value if term is not None else None


def test_optional_leaves_a_variable_unbound_where_nothing_matches():
    store = graph(":a :p 1 ; :q 2 . :b :p 3 .")
    assert rows(store, "SELECT ?s ?q { ?s :p ?p OPTIONAL { ?s :q ?q } } ORDER BY ?s") == [(":a", "2"), (":b", None)]


def test_an_unbound_variable_joins_with_every_value():
    store = graph(":a :p 1 . :b :p 2 . :a :q 9 . :b :q 9 .")
    query = "SELECT ?s ?x { { ?s :p 1 } UNION { ?x :p 2 } { ?s :q 9 } } ORDER BY ?s ?x"
    assert rows(store, query) == [(":a", None), (":a", ":b"), (":b", ":b")]


def test_fifty_and_fifty_percent_are_not_more_than_a_hundred():
    store = graph(":a :share 50.00 . :b :share 50.0 . :c :share 0.1 . :d :share 0.2 .")
    assert rows(store, "SELECT (SUM(?x) AS ?sum) { VALUES ?s { :a :b } ?s :share ?x }") == [("100",)]
    assert evaluate(store, "ASK { { SELECT (SUM(?x) AS ?t) { VALUES ?s { :a :b } ?s :share ?x } } FILTER(?t > 100) }", prefixes=PREFIXES) is False
    assert rows(store, "SELECT (SUM(?x) AS ?sum) { VALUES ?s { :c :d } ?s :share ?x }") == [("0.3",)]


def test_numbers_are_equal_by_value_and_triples_match_by_term():
    store = graph(':a :p 1 . :b :p 1.0 . :c :p "01"^^xsd:integer . :d :p 1e0 . :e :p "1" .')
    assert sorted(rows(store, "SELECT ?s { ?s :p ?v FILTER(?v = 1) }")) == [(":a",), (":b",), (":c",), (":d",)]
    assert rows(store, "SELECT ?s { ?s :p 1 }") == [(":a",)]


def test_minus_without_a_shared_variable_takes_nothing_away():
    store = graph(":a :p 1 . :b :p 2 .")
    assert len(rows(store, "SELECT ?s { ?s :p ?v MINUS { ?x :p 1 } }")) == 2
    assert rows(store, "SELECT ?s { ?s :p ?v MINUS { ?s :p 1 } }") == [(":b",)]


def test_a_path_over_a_cycle_ends_and_yields_each_node_once():
    store = graph(":a :next :b . :b :next :c . :c :next :a . :x :next :a .")
    assert sorted(rows(store, "SELECT ?n { :a :next+ ?n }")) == [(":a",), (":b",), (":c",)]
    assert sorted(rows(store, "SELECT ?n { ?n :next* :a }")) == [(":a",), (":b",), (":c",), (":x",)]


def test_a_path_of_length_zero_joins_even_an_unknown_term_with_itself():
    assert rows(graph(":a :p :b ."), "SELECT ?n { :nowhere :p* ?n }") == [(":nowhere",)]


def test_aggregates_over_no_solution():
    query = "SELECT (COUNT(*) AS ?n) (SUM(?v) AS ?s) (AVG(?v) AS ?a) (MIN(?v) AS ?m) { ?x :nothing ?v }"
    assert rows(graph(":a :p 1 ."), query) == [("0", "0", "0", None)]
    assert rows(graph(":a :p 1 ."), "SELECT ?x (COUNT(*) AS ?n) { ?x :nothing ?v } GROUP BY ?x") == []


def test_an_error_in_a_sum_leaves_the_sum_unbound_and_count_passes_over_it():
    store = graph(':a :p 1, "text" . :b :p 2 .')
    assert rows(store, "SELECT ?s (SUM(?v + 0) AS ?t) (COUNT(?v + 0) AS ?n) { ?s :p ?v } GROUP BY ?s ORDER BY ?s") == [
        (":a", None, "1"),
        (":b", "2", "1"),
    ]


def test_bindings_are_terms_and_the_variable_stays_bound():
    store = graph(":a :p 1 . :b :p 2 .")
    assert rows(store, "SELECT ?s ?v { ?s :p ?v }", bindings={"s": NamedNode("http://example.org/b")}) == [(":b", "2")]
    assert rows(store, "SELECT ?s { ?s :p ?v }", bindings={"v": Literal(1)}) == [(":a",)]


@pytest.mark.parametrize("test", ["?v > 1 || ?nothing", "!(?v < 2) || ?nothing > 1"])
def test_or_is_true_beside_an_error(test: str):
    assert rows(graph(":a :p 1 . :b :p 2 ."), f"SELECT ?s {{ ?s :p ?v FILTER({test}) }}") == [(":b",)]
