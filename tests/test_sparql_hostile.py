"""Hostile queries: each ends in a clear error within its time limit, while it is parsed, compiled or run, and the store answers on."""

from __future__ import annotations

import time

import pytest
from pyoxigraph import Literal

from kg.errors import LimitExceeded, QueryError, QuerySyntaxError, QueryTimeout
from kg.sparql.compile import compile_query
from kg.sparql.deadline import Clock, Stop
from kg.sparql.evaluate import evaluate
from kg.sparql.parser import parse_query
from kg.sparql.update import update
from kg.store import Store
from kg.store.documents import load


@pytest.fixture(scope="module")
def store():
    with Store.memory() as store:
        lines = [f"<urn:s{i}> <urn:p{i % 5}> <urn:s{(i * 7) % 3000}> , {i} , 'text {i}' ." for i in range(3000)]
        load(store, "\n".join(lines).encode(), format="ttl")
        yield store


def texts(count: int) -> str:
    return " ".join(f'"v{i}"' for i in range(count))


# Which of them is met first depends on the machine.
TOO_MUCH = (QueryTimeout, LimitExceeded)
HOSTILE = {
    "a text of ten megabytes": ("ASK {} #" + "x" * 10_000_000, QuerySyntaxError),
    "five thousand braces": ("SELECT * " + "{" * 5000 + "}" * 5000, QuerySyntaxError),
    "a megabyte of VALUES": (f"SELECT * {{ VALUES ?x {{ {texts(100_000)} }} ?a ?b ?c . ?d ?e ?f . ?s ?p ?x }}", TOO_MUCH),
    "ten thousand branches of UNION": ("SELECT * { " + " UNION ".join(f"{{ ?s ?p{i} ?o }}" for i in range(10_000)) + " }", TOO_MUCH),
    "a thousand triple patterns": ("SELECT * { " + " ".join(f"?s{i} ?p{i} ?s{i + 1} ." for i in range(1000)) + " }", TOO_MUCH),
    "two hundred OPTIONALs": ("SELECT * { ?a ?b ?c . " + " ".join(f"OPTIONAL {{ ?a ?b ?o{i} }}" for i in range(200)) + " }", TOO_MUCH),
    "a product of four tables": ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }", TOO_MUCH),
    "a product whose rows are sorted": ("SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l } ORDER BY ?c ?f ?i", TOO_MUCH),
    "all texts of a product as one": ("SELECT (GROUP_CONCAT(STR(?c)) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", TOO_MUCH),
    "a regular expression that others try for ever": ("SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(REGEX(CONCAT(STR(?c), STR(?f)), '^(([a-z0-9])+.)+[A-Z]([a-z])+$')) }", TOO_MUCH),
    "a regular expression that would grow too large": ("SELECT * { ?s ?p ?o FILTER(REGEX(STR(?o), '((((a{0,100}){0,100}){0,100}){0,100})')) }", QueryError),
    "a template of five thousand triples": ("CONSTRUCT { " + " ".join(f"?a <urn:p{i}> ?f ." for i in range(5000)) + " } { ?a ?b ?c . ?d ?e ?f }", TOO_MUCH),
    "a description of a product": ("DESCRIBE ?a { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", TOO_MUCH),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_in_an_error_and_the_store_answers_on(store: Store, name: str):
    query, error = HOSTILE[name]
    with pytest.raises(error) as raised:
        for _ in evaluate(store, query, timeout=0.5):
            pass
    assert raised.value.code != "Q390" and raised.value.help
    assert [row[0].value for row in evaluate(store, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")] == ["9000"]


def test_a_join_that_would_take_long_to_plan_is_refused(store: Store):
    with pytest.raises(LimitExceeded, match="too many parts") as raised:
        evaluate(store, "SELECT * { " + " ".join(f"?s{i} ?p{i} ?s{i + 1} ." for i in range(101)) + " }")
    assert raised.value.notes == ["it joins 101 triple patterns; at most 100 are accepted"]


def test_the_time_limit_holds_while_a_query_is_parsed():
    clock = Clock(0.01)
    time.sleep(0.02)
    with pytest.raises(QueryTimeout, match=r"after 0\.01 s"):
        parse_query(f"SELECT * {{ VALUES ?x {{ {texts(1000)} }} }}", check=clock.check)


def test_the_time_limit_holds_while_a_query_is_compiled(store: Store):
    query = parse_query("SELECT * { ?s ?p ?o OPTIONAL { ?s <urn:p1> 1 } }")
    clock = Clock(0.01)
    time.sleep(0.02)
    with pytest.raises(QueryTimeout, match=r"after 0\.01 s"):
        compile_query(query, store, check=clock.check)


def test_a_request_can_be_stopped_before_it_runs(store: Store):
    stop = Stop()
    stop.now(QueryTimeout("Q402", "stopped by hand"))
    with pytest.raises(QueryTimeout, match="by hand"):
        evaluate(store, "ASK {}", stop=stop)


def test_the_time_limit_of_an_update_counts_its_parsing(store: Store):
    data = " ".join(f"<urn:a{i}> <urn:b> {i} ." for i in range(20_000))
    with pytest.raises(QueryTimeout, match="the update was stopped"):
        update(store, f"INSERT DATA {{ {data} }}", timeout=0.05)


def test_many_values_are_looked_up_at_once_and_joined(store: Store):
    wanted = " ".join(f'"text {i}"' for i in range(0, 6000, 2))
    query = f"SELECT ?s ?x {{ VALUES ?x {{ {wanted} UNDEF }} ?s <urn:p0> ?x }}"
    rows = list(evaluate(store, query))
    with_undefined = 3 * 600  # every triple of <urn:p0> is compatible with UNDEF
    assert len(rows) == 300 + with_undefined
    assert all(None not in row for row in rows)


def test_many_values_the_graph_does_not_have_are_solutions_all_the_same():
    with Store.memory() as empty:
        rows = list(evaluate(empty, f"SELECT ?x {{ VALUES ?x {{ {texts(500)} }} FILTER(STRENDS(?x, '99')) }}"))
    assert sorted(row[0].value for row in rows) == ["v199", "v299", "v399", "v499", "v99"]


@pytest.mark.parametrize("test", ["?o IN ({})", "?o NOT IN ({})", "!(?o IN ({}))"])
def test_a_long_list_means_what_its_comparisons_mean(store: Store, test: str):
    """The list is long enough for a membership test; each of its parts is short enough for comparisons."""
    items = [f'"text {i}"' for i in range(0, 3000, 5)] + [f"<urn:s{i}>" for i in range(0, 3000, 7)] + ["5", '"x"@en']
    short = [items[start : start + 15] for start in range(0, len(items), 15)]
    wanted = list(evaluate(store, f"SELECT ?s ?o {{ ?s <urn:p1> ?o FILTER({test.format(', '.join(items))}) }}"))
    joined = " && ".join(f"({test.format(', '.join(part))})" for part in short) if "?o IN" not in test or "!" in test else ""
    joined = joined or " || ".join(f"({test.format(', '.join(part))})" for part in short)
    expected = list(evaluate(store, f"SELECT ?s ?o {{ ?s <urn:p1> ?o FILTER({joined}) }}"))
    assert sorted(map(str, wanted)) == sorted(map(str, expected)) and wanted


def test_a_long_chain_of_equations_is_a_list(store: Store):
    chain = " || ".join(f'?o = "text {i}"' for i in range(2000))
    rows = list(evaluate(store, f"SELECT ?o {{ ?s <urn:p0> ?o FILTER({chain}) }}"))
    assert len(rows) == 400 and (Literal("text 5"),) in rows


def test_sixty_patterns_in_a_chain_are_planned():
    """DuckDB would place its projections for ever."""
    with Store.memory() as store:
        load(store, "\n".join(f"<urn:s{i}> <urn:p> <urn:s{i + 1}> ." for i in range(2000)).encode(), format="ttl")
        chain = " ".join(f"?s{i} <urn:p> ?s{i + 1} ." for i in range(60))
        assert len(list(evaluate(store, f"SELECT * {{ {chain} }}", timeout=30))) == 1941
