"""Queries against small graphs: what the compiled SQL answers, case by case."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from kg.errors import LimitExceeded, QueryTimeout
from kg.sparql import paths
from kg.sparql.algebra import BGP, TriplePattern, Var
from kg.sparql.compile import compile_pattern
from kg.sparql.compiler import Sources
from kg.sparql.evaluate import evaluate
from kg.sparql.parser import parse_query
from kg.store import Store
from kg.store.documents import load

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


def test_a_filter_inside_exists_sees_what_is_bound_around_where_the_pattern_leaves_it_unbound():
    store = graph(":a :r :z . :b :r :a . :a :p 1 . :b :p 1 . :z :p 1 . :c :p 2 .")
    inside = "?s :p ?v . {} UNION { :z :p ?o . ?s :p 2 } FILTER(STR(?s) < STR(?o))"
    assert rows(store, f"SELECT ?s {{ ?s :r ?o FILTER EXISTS {{ {inside} }} }}") == [(":a",)]
    assert rows(store, f"SELECT ?s {{ ?s :r ?o FILTER NOT EXISTS {{ {inside} }} }}") == [(":b",)]


def test_a_path_over_a_cycle_ends_and_yields_each_node_once():
    store = graph(":a :next :b . :b :next :c . :c :next :a . :x :next :a .")
    assert sorted(rows(store, "SELECT ?n { :a :next+ ?n }")) == [(":a",), (":b",), (":c",)]
    assert sorted(rows(store, "SELECT ?n { ?n :next* :a }")) == [(":a",), (":b",), (":c",), (":x",)]


@pytest.mark.parametrize("many", [0, 20_000], ids=["read-while-compiling", "joined"])
def test_a_path_starts_from_what_is_known_of_its_ends(many: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "_MANY_TRIPLES", many)
    store = graph(":a :next :b . :b :next :c . :c :next :a . :c :next :d . :x :next :a . :a :name 'A' . :m :of :a . :m :in :x .")
    found = [(":a",), (":b",), (":c",), (":d",)]
    assert sorted(rows(store, "SELECT ?n { ?s :name 'A' . ?s :next+ ?n }")) == found
    assert sorted(rows(store, "SELECT ?n { VALUES ?s { :a :nowhere } ?s :next+ ?n }")) == found
    assert sorted(rows(store, "SELECT ?n { ?s :next* ?n FILTER(?s = :a) }")) == found
    assert sorted(rows(store, "SELECT DISTINCT ?n { :m :in/:next* ?s . ?s :next+ ?n }")) == found
    assert sorted(rows(store, "SELECT ?n { ?n (^(^:of/:in))+ :x }")) == []
    assert sorted(rows(store, "SELECT ?n { ?n (^:of/:in)+ :x }")) == [(":a",)]
    assert sorted(rows(store, "SELECT ?n { :a ((:next?|^:name)+)* ?n }")) == found
    assert rows(store, "SELECT ?n { VALUES ?s { :nowhere } ?s :next* ?n }") == []


def test_a_path_that_leads_too_far_to_be_read_while_compiling_is_joined(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "_MANY_TRIPLES", 0)
    store = graph(" ".join(f":n{i} :next :n{i + 1} ." for i in range(40)))
    assert rows(store, "SELECT (COUNT(*) AS ?n) { :n0 :next+ ?x }") == [("40",)]
    assert rows(store, "SELECT (COUNT(*) AS ?n) { ?x :next* :n40 }") == [("41",)]


def test_a_path_of_length_zero_joins_even_an_unknown_term_with_itself():
    assert rows(graph(":a :p :b ."), "SELECT ?n { :nowhere :p* ?n }") == [(":nowhere",)]


def test_a_predicate_is_no_node_that_a_path_of_length_zero_joins():
    assert rows(graph(":a :p :b ."), "SELECT ?n { :a ?d :b . ?d :q* ?n }") == []


def test_aggregates_over_no_solution():
    query = "SELECT (COUNT(*) AS ?n) (SUM(?v) AS ?s) (AVG(?v) AS ?a) (MIN(?v) AS ?m) { ?x :nothing ?v }"
    assert rows(graph(":a :p 1 ."), query) == [("0", "0", "0", None)]
    assert rows(graph(":a :p 1 ."), "SELECT ?x (COUNT(*) AS ?n) { ?x :nothing ?v } GROUP BY ?x") == []


def test_a_sum_of_no_doubles_is_the_integer_0():
    store = graph(":a :p 1.5e0 . :b :q 2 .")
    found = "SELECT (SUM(?v) AS ?s) (AVG(?v) AS ?a) (DATATYPE(?s) AS ?k) (DATATYPE(?a) AS ?l) { ?x :p ?v FILTER(?x = %s) }"
    integer, double = (f"http://www.w3.org/2001/XMLSchema#{name}" for name in ("integer", "double"))
    assert [tuple(getattr(term, "value", None) for term in row) for row in evaluate(store, found % ":b", prefixes=PREFIXES)] == [("0", "0", integer, integer)]
    assert [tuple(getattr(term, "value", None) for term in row) for row in evaluate(store, found % ":a", prefixes=PREFIXES)] == [("1.5E0", "1.5E0", double, double)]


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


def test_exists_sees_the_solution_around_it_below_optional_and_minus():
    store = graph(":a :p 1 ; :q 1 . :b :p 2 .")
    assert rows(store, "SELECT ?s { ?s :p ?v FILTER NOT EXISTS { OPTIONAL { ?s :q ?v } } }") == []
    assert rows(store, "SELECT ?s { ?s :p ?v FILTER EXISTS { ?s :p ?w MINUS { ?s :q ?v } } }") == [(":b",)]


def test_a_single_fact_is_read_while_compiling_and_stays_a_solution():
    store = graph(":limit :is 2 . :a :p 1 . :b :p 3 .")
    assert rows(store, "SELECT ?s ?l { :limit :is ?l . ?s :p ?v FILTER(?v > ?l) }") == [(":b", "2")]
    assert rows(store, "SELECT ?l { :limit :is ?l ; :is ?l }") == [("2",)]
    assert rows(store, "SELECT ?s ?l { ?s :p ?v OPTIONAL { :limit :was ?l } }  ORDER BY ?s") == [(":a", None), (":b", None)]
    load(store, b"@prefix : <http://example.org/> . :limit :is 0 .", format="ttl")
    assert sorted(rows(store, "SELECT ?l { :limit :is ?l }")) == [("0",), ("2",)]


def test_each_named_graph_is_aggregated_by_itself():
    store = Store.memory()
    for name, text in (("g1", ":a :p 1, 2 ."), ("g2", ":a :p 3 .")):
        load(store, f"@prefix : <{PREFIXES['']}> . {text}".encode(), format="ttl", graph=PREFIXES[""] + name)
    assert rows(store, "SELECT ?g ?n { GRAPH ?g { SELECT (COUNT(*) AS ?n) { ?s :p ?v } } } ORDER BY ?g") == [(":g1", "2"), (":g2", "1")]
    assert rows(store, "SELECT (COUNT(*) AS ?n) { ?s :p ?v }") == [("3",)]
    assert rows(store, "SELECT (COUNT(*) AS ?n) { ?s :p ?v }", strict=True) == [("0",)]
    assert rows(store, "SELECT ?v FROM :g2 { ?s :p ?v }") == [("3",)]
    assert rows(store, "SELECT ?v FROM <http://example.org/elsewhere> { ?s :p ?v }") == []


def test_minimum_and_maximum_keep_the_term_as_written():
    store = graph(":a :p 1.50, 1.5, 2.0 ; :d '2024-03-01'^^xsd:date, '2024-02-01'^^xsd:date .")
    assert rows(store, "SELECT (MAX(?v) AS ?m) (MIN(?d) AS ?n) { :a :p ?v ; :d ?d }") == [("2.0", "2024-02-01")]


def test_group_concat_joins_texts_and_counts_distinct_terms_once():
    store = graph(':a :p "x", "y" . :b :p "x" .')
    ((joined,),) = rows(store, "SELECT (GROUP_CONCAT(DISTINCT ?v; separator='+') AS ?all) { ?s :p ?v }")
    assert sorted(joined.split("+")) == ["x", "y"]


def test_order_is_unbound_blank_iri_literal_and_numbers_by_value():
    store = graph(':a :p 10, 9.5, "b", :i, [] , "a"@en .')
    found = [row[0] for row in evaluate(store, "SELECT ?v { { :a :p ?v } UNION {} } ORDER BY ?v", prefixes=PREFIXES)]
    assert found[0] is None
    assert isinstance(found[1], BlankNode)
    assert [short(term) for term in found[2:]] == [":i", "9.5", "10", "a", "b"]


def test_unbound_comes_first_among_terms_of_the_graph_and_of_the_query():
    store = graph(':a :p "z" . :b :q 1 .')
    query = "SELECT ?x { { :a :p ?x } UNION { :b :q ?n BIND(CONCAT('a', 'b') AS ?x) } UNION { :b :q ?n BIND(?n + 1 AS ?x) } UNION {} } ORDER BY ?x"
    assert rows(store, query) == [(None,), ("2",), ("ab",), ("z",)]


def test_construct_makes_new_blank_nodes_for_each_solution_and_leaves_out_what_is_no_triple():
    store = graph(":a :p 1 . :b :p 2 .")
    triples = list(evaluate(store, "CONSTRUCT { ?s :is [] . ?v :of ?s . ?s :none ?nothing } { ?s :p ?v }", prefixes=PREFIXES))
    assert len(triples) == 2
    assert len({triple.object for triple in triples}) == 2


def test_describe_follows_blank_nodes():
    store = graph(":a :p [ :q [ :r 1 ] ] . :b :p 2 .")
    assert len(list(evaluate(store, "DESCRIBE :a", prefixes=PREFIXES))) == 3


def test_a_query_that_takes_too_long_is_stopped():
    store = graph(" . ".join(f":n{i} :p :n{i + 1}" for i in range(60)) + " .")
    with pytest.raises(QueryTimeout):
        list(evaluate(store, "SELECT * { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(8)) + " FILTER(?c0 != ?c7) }", timeout=0.3))


def test_more_solutions_than_allowed_are_an_error_not_cut_off():
    with pytest.raises(LimitExceeded):
        list(evaluate(graph(":a :p 1, 2, 3 ."), "SELECT ?v { ?s ?p ?v }", row_limit=2))


def test_a_data_frame_has_proper_columns():
    frame = evaluate(graph(":a :n 1 ; :d 1.50 ; :t '2024-01-05'^^xsd:date ."), "SELECT * { ?s :n ?n ; :d ?d ; :t ?t }", prefixes=PREFIXES).df()
    assert str(frame["n"].dtype) == "Int64"
    assert frame["d"][0] == Decimal("1.50")
    assert str(frame["t"].dtype).startswith("datetime64")


def test_a_pattern_reads_other_relations_where_it_is_told_to():
    store = graph(":a :p :b . :b :p :c .")
    first = TriplePattern(Var("x"), NamedNode(PREFIXES[""] + "p"), Var("y"))
    second = TriplePattern(Var("y"), NamedNode(PREFIXES[""] + "p"), Var("z"))
    store.connection.execute("CREATE TABLE delta AS SELECT s, p, o FROM quads LIMIT 0")
    compiled = compile_pattern(BGP((first, second)), store, Sources(replaced={id(first): "delta"}))
    assert store.connection.execute(compiled.sql).fetchall() == []
    compiled = compile_pattern(BGP((first, second)), store, Sources(replaced={id(first): "triples"}))
    assert len(store.connection.execute(compiled.sql).fetchall()) == 1


def test_names_beside_what_was_computed_are_joined_one_after_the_other_and_not_paired():
    """What DuckDB plans in one SELECT is paired where nothing joins it there: labels of two things, each with each."""
    store = graph("".join(f":a{i} :to :b{i} ; :name 'a{i}' . :b{i} :name 'b{i}' . " for i in range(4)))
    query = "SELECT ?x ?y { ?a :to ?b . BIND(1 AS ?one) ?a :name ?x . ?b :name ?y }"
    assert rows(store, f"{query} ORDER BY ?x") == [(f"a{i}", f"b{i}") for i in range(4)]
    swapped = "SELECT ?x ?y { ?a :name ?x . ?b :name ?y { SELECT ?a ?b { ?a :to ?b } } } ORDER BY ?x"
    assert rows(store, swapped) == rows(store, f"{query} ORDER BY ?x")
    for text in (query, swapped):
        sql = compile_pattern(parse_query(text, prefixes=PREFIXES).pattern, store).sql
        assert " AS t" in sql and not re.search(r"FROM quads AS \w+, quads AS", sql), sql


def test_what_hangs_together_only_outside_keeps_its_answer_with_unbound_and_constants():
    store = graph(":a :to :b ; :name 'a' . :b :name 'b' . :c :to :d . :set :is 1 .")
    assert rows(store, "SELECT ?x ?n { { SELECT ?a ?b { ?a :to ?b } } ?a :name ?x . ?b :name ?y . :set :is ?n }") == [("a", "1")]
    assert rows(store, "SELECT ?x { { SELECT ?a ?b { ?a :to ?b } } ?a :name ?x . ?b :name ?y . :set :is 2 }") == []
    assert rows(store, "SELECT ?x ?y { { { ?a :to ?b } UNION { ?b :is 1 } } ?a :name ?x . ?b :name ?y }") == [("a", "b")]
    assert rows(store, "SELECT ?x ?y { { SELECT ?a ?b { ?a :to ?b } } ?a :name ?x . ?b :lacks ?y }") == []


def test_a_filter_of_an_optional_inside_exists_sees_what_is_bound_around_it():
    store = graph(":z :p 2 , 0.5 , 3 . :a :p 0.5 ; :r :y . :c :p 2 .")
    asked = "SELECT ?z ?b { ?z :p ?b FILTER %sEXISTS { ?a :r ?y OPTIONAL { ?a :p ?c FILTER(?b * ?c = 1) } FILTER(bound(?c)) } }"
    assert sorted(rows(store, asked % "")) == [(":c", "2"), (":z", "2")]
    assert sorted(rows(store, asked % "NOT ")) == [(":a", "0.5"), (":z", "0.5"), (":z", "3")]
