"""The store: terms, sets of quads, the union view, ownership, transactions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import StoreError
from kg.store import Store

XSD = "http://www.w3.org/2001/XMLSchema#"
EX = "http://example.org/"
A, B, C, P, Q = (NamedNode(EX + name) for name in ("a", "b", "c", "p", "q"))


def add(store: Store, *quads: tuple) -> int:
    """Insert quads given as (subject, predicate, object) or with a graph in front (None: the default graph)."""
    rows = []
    for quad in quads:
        graph, *triple = quad if len(quad) == 4 else (None, *quad)
        graph_id = store.encode([graph])[0] if graph is not None else 0
        rows.append(f"({graph_id}, {', '.join(str(i) for i in store.encode(triple))})")
    return store.insert(f"SELECT * FROM (VALUES {', '.join(rows)}) t(g, s, p, o)")


def union(store: Store) -> list[tuple]:
    rows = store.connection.execute("SELECT s, p, o FROM triples").fetchall()
    terms = store.decode(i for row in rows for i in row)
    return sorted((tuple(terms[i] for i in row) for row in rows), key=str)


def write(store: Store, owner: str, graph: NamedNode, *triples: tuple):
    graph_id = store.graph_id(graph.value)
    rows = [store.encode(triple) for triple in triples]
    with store.replacing(owner) as target:
        for s, p, o in rows:
            store.connection.execute(f"INSERT INTO {target.table} (g, s, p, o) VALUES (?, ?, ?, ?)", [graph_id, s, p, o])
    return target.diff


literals = st.one_of(
    st.text(max_size=12).map(Literal),
    st.text(max_size=5).map(lambda text: Literal(text, language="zh")),
    st.tuples(st.text(alphabet="0123456789.-+eINFaT:Z ", max_size=12), st.sampled_from(["integer", "decimal", "double", "date", "dateTime", "boolean", "byte"])).map(
        lambda pair: Literal(pair[0], datatype=NamedNode(XSD + pair[1]))
    ),
)
terms = st.one_of(
    literals, st.integers(0, 2**60).map(lambda n: NamedNode(f"{EX}item/{n}")), st.text("abc", min_size=1).map(BlankNode),
    literals.map(lambda literal: Triple(A, P, literal)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(terms, max_size=20))
def test_any_term_comes_back_as_it_was(batch):
    with Store.memory() as store:
        store.register_template(EX + "item/")
        ids = store.encode(batch)
        decoded = store.decode(ids)
        assert [decoded[i] for i in ids] == batch
        assert store.lookup_many(batch) == ids == store.encode(batch)
        assert len(set(ids)) == len(set(batch))


def test_a_term_that_was_never_stored_is_not_found():
    with Store.memory() as store:
        assert store.lookup(NamedNode(EX + "nobody")) is None
        assert store.encode([NamedNode(EX + "nobody")]) == [store.lookup(NamedNode(EX + "nobody"))]


def test_a_template_registered_late_takes_over_the_iris_it_covers():
    with Store.memory() as store:
        item = NamedNode(EX + "item/7")
        add(store, (item, P, A), (A, P, item), (item, A, P, NamedNode(EX + "item/007")))
        before = union(store)
        assert store.register_template(EX + "item/") is not None
        assert union(store) == before
        assert store.lookup(item) >= 1 << 62
        assert {graph["iri"] for graph in store.graphs()} == {"", item.value}


def test_a_graph_is_a_set_and_the_union_has_no_duplicates():
    with Store.memory() as store:
        assert add(store, (A, P, B), (A, P, B), (C, A, P, B), (C, A, Q, B)) == 3
        assert add(store, (A, P, B)) == 0
        assert union(store) == [(A, P, B), (A, Q, B)]
        store.delete(f"SELECT 0 AS g, s, p, o FROM quads WHERE p = {store.lookup(P)}")
        assert union(store) == [(A, P, B), (A, Q, B)]


def test_statistics_follow_every_write():
    with Store.memory() as store:
        add(store, (A, P, Literal(1)), (B, P, Literal("x")), (A, Q, B))
        statistics = store.statistics[store.lookup(P)]
        assert (statistics.triples, sorted(statistics.tags)) == (2, [3, 16])
        store.delete(f"SELECT g, s, p, o FROM quads WHERE p = {store.lookup(P)}")
        assert store.lookup(P) not in store.statistics


def test_an_owner_replaces_only_its_own_graphs_and_by_the_difference():
    with Store.memory() as store:
        add(store, (A, Q, B))
        assert write(store, "map:one", C, (A, P, A), (A, P, B)).inserted == 2
        diff = write(store, "map:one", C, (A, P, B), (A, P, C))
        assert (diff.inserted, diff.deleted) == (1, 1)
        assert union(store) == [(A, P, B), (A, P, C), (A, Q, B)]
        revision = store.revision
        assert write(store, "map:one", C, (A, P, B), (A, P, C)).is_empty
        assert store.revision == revision
        assert store.remove_owner("map:one").deleted == 2
        assert union(store) == [(A, Q, B)]


def test_two_owners_may_not_write_one_graph():
    with Store.memory() as store:
        write(store, "map:one", C, (A, P, A))
        with pytest.raises(StoreError, match="belongs to map:one"):
            write(store, "map:two", C, (B, P, B))
        assert union(store) == [(A, P, A)]


def test_a_failed_transaction_leaves_no_trace():
    with Store.memory() as store:
        add(store, (A, P, A))
        with pytest.raises(RuntimeError), store.transaction():
            add(store, (B, P, NamedNode(EX + "new")))
            store.register_template(EX + "item/")
            raise RuntimeError
        assert union(store) == [(A, P, A)]
        assert store.lookup(NamedNode(EX + "new")) is None
        assert store.lookup(NamedNode(EX + "item/7")) is None
        add(store, (B, P, NamedNode(EX + "newer")))
        assert len(union(store)) == 2


def test_a_store_opened_for_reading_refuses_to_write(tmp_path):
    with Store.open(tmp_path / "graph.duckdb") as store:
        add(store, (A, P, A))
    with Store.open(tmp_path / "graph.duckdb", read_only=True) as store:
        assert union(store) == [(A, P, A)]
        with pytest.raises(StoreError, match="reading only"):
            add(store, (A, P, B))
        with pytest.raises(Exception, match="disabled"):
            store.cursor().execute("SELECT * FROM read_csv('/etc/passwd')")


def test_a_file_that_is_no_graph_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "x.duckdb").write_text("not a database, but long enough to look at" * 200)
    with pytest.raises(StoreError, match="kg build"):
        Store.open(tmp_path / "x.duckdb")
    with pytest.raises(StoreError, match="no graph file"):
        Store.open(tmp_path / "none.duckdb", read_only=True)


def test_terms_are_added_while_a_result_of_one_row_is_still_open():
    with Store.memory() as store:
        assert store.lookup(A) is None
        assert store.connection.execute("SELECT count(*) FROM quads").fetchone() == (0,)
        assert store.decode(store.encode([A])) == {store.lookup(A): A}


def test_the_record_of_changes_is_net_and_knows_asserted_quads_only():
    with Store.memory() as store:
        add(store, (A, P, B), (A, P, C))
        assert store.changes() is None
        store.mark_changes()
        assert store.changes().count == (0, 0)
        write(store, "map:x", B, (A, P, A), (B, P, C))
        write(store, "map:x", B, (A, P, A), (C, P, C))  # (B, P, C) came and went
        (a, p, b), graph_id = store.encode([A, P, B]), store.lookup(B)
        store.delete(f"SELECT 0 AS g, {a} AS s, {p} AS p, {b} AS o")
        with store.replacing("infer:x") as target:
            store.connection.execute(f"INSERT INTO {target.table} (g, s, p, o, rule, round) VALUES (?, ?, ?, ?, 1, 1)", [store.graph_id(EX + "i"), b, p, b])
        changes = store.changes()
        added = store.connection.execute(f"{changes.added} ORDER BY s").fetchall()
        assert sorted(added) == sorted((graph_id, *store.encode(triple)) for triple in ((A, P, A), (C, P, C)))
        assert store.connection.execute(changes.removed).fetchall() == [(0, a, p, b)]
        assert changes.count == (2, 1)


def test_a_record_of_too_many_changes_is_given_up(monkeypatch):
    monkeypatch.setattr("kg.store.changes.LIMIT", 3)
    with Store.memory() as store:
        store.mark_changes()
        add(store, (A, P, B), (A, P, C))
        assert store.changes().count == (2, 0)
        add(store, (A, Q, B), (A, Q, C))
        assert store.changes() is None
        store.mark_changes()
        assert store.changes().count == (0, 0)


def test_an_owner_replaces_only_the_quads_among_which_it_says():
    with Store.memory() as store:
        write(store, "map:x", B, (A, P, A), (A, Q, A), (B, P, B))
        ids = dict(zip("abpq", store.encode([A, B, P, Q]), strict=True))
        with store.replacing("map:x", among=f"s = {ids['a']} AND p = {ids['p']}") as target:
            store.connection.execute(f"INSERT INTO {target.table} (g, s, p, o) VALUES (?, ?, ?, ?)", [store.lookup(B), ids["a"], ids["p"], ids["b"]])
        assert (target.diff.inserted, target.diff.deleted) == (1, 1)
        assert union(store) == sorted([(A, P, B), (A, Q, A), (B, P, B)], key=str)
