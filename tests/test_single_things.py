"""Look-ups of single things without SQL: they answer as the SQL does, whatever the query, and only where the store is ready for them. More with `KG_LONG=1`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import Literal, NamedNode

from kg.sparql.algebra import Dataset
from kg.sparql.evaluate import evaluate, plan
from kg.store import Store, sorted_quads
from kg.store.documents import load
from tests.random_queries import LITERALS, NODES, PREDICATES, Query, turtle

PREFIXES = "@prefix : <http://example.org/> .\n@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
HEADER = "PREFIX : <http://example.org/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_quads, "LEAST_ASKED", 1)
    monkeypatch.setattr(sorted_quads, "QUADS_A_LOOK_UP", 10**9)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """The graph of a few triples, open for reading."""
    with of_file(tmp_path, {None: ":a :p :b ; :q 1 . :b :p :c ; :q 2 . :c :q 2 .", "http://example.org/g": ":a :p :b , :d ."}) as store:
        yield store


def of_file(folder: Path, graphs: dict[str | None, str]) -> Store:
    path = folder / f"{len(list(folder.iterdir()))}.duckdb"
    with Store.open(path) as store:
        for name, text in graphs.items():
            load(store, (PREFIXES + text).encode(), format="ttl", graph=name)
    return Store.open(path, read_only=True)


def looked_up(store: Store, query: str, **options: object) -> list[tuple] | None:
    rows = plan(store, HEADER + query, looks_up=True, **options).rows
    return None if rows is None else sorted(rows, key=str)


# ── Which queries ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("SELECT * { :a ?p ?o }", 3),
        ("SELECT ?o { :a :p ?o }", 2),
        ("SELECT ?o { ?s :p :c . ?s :q ?o }", 1),
        ("SELECT ?o { :a :p/:q ?o }", 1),
        ("SELECT ?s { :c ^:p/^:p ?s }", 1),
        ("SELECT ?n { :a :p ?x OPTIONAL { ?x :q ?n } }", 2),
        ("SELECT ?s { VALUES ?s { :a :b } ?s :q ?n }", 2),
        ("SELECT DISTINCT ?g { GRAPH ?g { :a :p ?o } }", 1),
        ("SELECT ?o { GRAPH :g { :a :p ?o } } LIMIT 1", 1),
        ("SELECT ?o { { :a :p ?o } UNION { :b :p ?o } }", 3),
        ("SELECT ?o { :unknown :p ?o }", 0),
        ("ASK { :a :p :b }", 1),
        ("CONSTRUCT { ?o :was ?p } WHERE { :a ?p ?o }", 3),
    ],
)
def test_a_query_about_single_things_is_looked_up(opened: Store, query: str, count: int):
    assert len(looked_up(opened, query)) == count


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?s ?p ?o }",
        "SELECT * { ?s :p ?o }",
        "SELECT * { :a :p ?o FILTER(?o != :d) }",
        "SELECT (COUNT(*) AS ?n) { :a :p ?o }",
        "SELECT * { :a :p+ ?o }",
        "SELECT ?o { :a :p ?o } ORDER BY ?o",
        "SELECT * { VALUES ?x { :a :unknown } ?x :p ?o }",
        "CONSTRUCT { [] :has ?o } WHERE { :a :p ?o }",
    ],
)
def test_other_queries_are_compiled(opened: Store, query: str):
    assert looked_up(opened, query) is None


def test_a_store_that_may_change_has_no_look_ups(tmp_path: Path):
    with Store.memory() as store, Store.open(tmp_path / "graph.duckdb") as writable:
        assert store.look_ups is None and writable.look_ups is None


def test_nothing_is_sorted_for_a_few_look_ups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sorted_quads, "LEAST_ASKED", 3)
    with of_file(tmp_path, {None: ":a :p :b ."}) as store:
        assert [looked_up(store, f"SELECT ?o {{ :a ?p{number} ?o }}") is not None for number in range(4)] == [False, False, True, True]


def test_a_thing_with_too_many_triples_is_left_to_sql(tmp_path: Path):
    many = " ".join(f":many :p {number} ; :q {number} ." for number in range(6000))
    with of_file(tmp_path, {None: many + " :many :r :a . :b :r :a ."}) as store:
        assert looked_up(store, "SELECT ?o { :many :p ?o }") is None
        assert len(list(evaluate(store, HEADER + "SELECT ?o { :many :p ?o }"))) == 6000
        assert len(looked_up(store, "SELECT ?o { :many :r ?o }")) == 1
        assert len(looked_up(store, "SELECT ?s { ?s :r :a }")) == 2


# ── The same answers ─────────────────────────────────────────────────────────────────────────────────────────


class LookUp(Query):
    """A random query in which something is known."""

    def _triple(self) -> str:
        subject, object_ = self._end(), self._pick(self._end(), self._pick(*LITERALS))
        if self.random.random() < 0.6:
            subject, object_ = self._pick((self._pick(*NODES), object_), (subject, self._pick(*NODES, *LITERALS)))
        return f"{subject} {self._pick(*PREDICATES, *PREDICATES, '?p', ':p/:q', '^:r', ':p/^:p')} {object_} ."

    def _end(self) -> str:
        return self._pick("?a", "?b", "?c", "?d", "?g", self._pick(*NODES))

    def group(self, depth: int) -> str:
        parts = [self._triples() for _ in range(self.random.randint(0 if depth < 2 else 1, 2))]
        for _ in range(self.random.randint(0, 2) if depth else 0):
            kind, inner = self._pick("OPTIONAL", "UNION", "GRAPH", "VALUES", "GROUP"), self.group(depth - 1)
            parts.append({
                "OPTIONAL": f"OPTIONAL {inner}", "UNION": f"{inner} UNION {self.group(depth - 1)}", "GRAPH": f"GRAPH {self._pick('?g', ':g0', ':g2')} {inner}",
                "VALUES": f"VALUES ({self._pick('?a', '?b')} {self._pick('?c', '?g')}) {{ ({self._pick(*NODES, 'UNDEF')} UNDEF) ({self._pick(*NODES)} {self._pick(*NODES, ':g0')}) }}",
                "GROUP": inner,
            }[kind])  # fmt: skip
        return "{ " + " ".join(parts) + " }"

    def _select(self, top: bool) -> str:
        return f"SELECT {self._pick('', 'DISTINCT ')}{self._pick('*', '?a ?b', '?c ?p ?unbound', '?g ?d')} {self._dataset()} WHERE {self.group(2)}"

    def _dataset(self) -> str:
        return self._pick("", "", "", "FROM :g0", "FROM :g0 FROM :g1", "FROM NAMED :g1 FROM :g0", "FROM :unknown")


@pytest.mark.parametrize("seed", range(200 if os.environ.get("KG_LONG") else 4))
def test_random_look_ups_answer_as_sql_does(tmp_path: Path, seed: int):
    random, found = Random(seed), 0
    default, named = turtle(random)
    bindings = {"a": NamedNode("http://example.org/n1"), "d": Literal("a")}
    with of_file(tmp_path, {None: default, **named}) as store:
        for number in range(40):
            query = HEADER + LookUp(random).text
            options = {"strict": bool(number % 3 == 0), "bindings": bindings if number % 5 == 0 else None}
            compiled = plan(store, query, looks_up=True, **options)
            if compiled.rows is not None:
                found += 1
                by_sql = evaluate_by_sql(store, query, **options)
                assert Counter(compiled.rows) == by_sql, f"{query}\n{options}\n{default}\n{named}"
    assert found > 8


def evaluate_by_sql(store: Store, query: str, **options: object) -> Counter:
    look_ups, store.look_ups = store.look_ups, None
    try:
        return Counter(evaluate(store, query, **options))
    finally:
        store.look_ups = look_ups


@pytest.mark.parametrize("seed", range(4))
def test_sorted_quads_hold_every_quad_in_blocks_and_parts_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int):
    random = Random(seed)
    monkeypatch.setattr(sorted_quads, "_BLOCK", random.choice([1, 2, 7, 512]))
    monkeypatch.setattr(sorted_quads, "_PART", random.choice([5, 100, 10_000]))
    text = "\n".join(f":n{random.randint(0, 40)} :p{random.randint(0, 5)} {random.choice([':n' + str(random.randint(0, 40)), random.randint(0, 9)])} ." for _ in range(800))
    with of_file(tmp_path, {None: text, "http://example.org/g0": text[: len(text) // 2].rsplit("\n", 1)[0]}) as store:
        quads = store.cursor().execute("SELECT s, p, o, g, again FROM quads").fetchall()
        by_subject, by_object = store.look_ups.by(sorted_quads.SUBJECT), store.look_ups.by(sorted_quads.OBJECT)
        for s, p, o, _, _ in random.sample(quads, 60):
            assert Counter(by_subject.rows(s)) == Counter((q[1], q[2], q[3], q[4]) for q in quads if q[0] == s)
            assert Counter(by_subject.rows(s, p)) == Counter((q[1], q[2], q[3], q[4]) for q in quads if q[0] == s and q[1] == p)
            assert Counter(by_object.rows(o, p)) == Counter((q[1], q[0], q[3], q[4]) for q in quads if q[2] == o and q[1] == p)
        assert by_subject.rows(1) == [] and by_subject.rows(quads[0][0], 1) == []


# ── What goes with an answer ─────────────────────────────────────────────────────────────────────────────────


def test_limits_count_what_was_looked_up(opened: Store):
    query = HEADER + "SELECT ?o { :a ?p ?o }"
    partial = evaluate(opened, query, row_limit=2, partial=True)
    assert (len(list(partial)), partial.is_partial, evaluate(opened, query, row_limit=2).has_too_many()) == (2, True, True)
    with pytest.raises(Exception, match="more than 2 solutions"):
        list(evaluate(opened, query, row_limit=2))
    assert len(list(evaluate(opened, query, offset=1))) == 2


def test_all_formats_write_what_was_looked_up(opened: Store):
    query = HEADER + "SELECT ?o { :b :q ?o }"
    assert "".join(evaluate(opened, query).text("csv")) == "o\r\n2\r\n"
    assert '"value":"2"' in "".join(evaluate(opened, query).text("json"))
    assert list(evaluate(opened, query).df()["o"]) == [2]


def test_graphs_of_the_protocol_narrow_a_look_up(opened: Store):
    dataset = Dataset((NamedNode("http://example.org/g"),))
    assert len(looked_up(opened, "SELECT ?o { :a ?p ?o }", dataset=dataset)) == 2
