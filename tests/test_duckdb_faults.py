"""Answers that DuckDB itself gets wrong, and that the engine's connections get right."""

from __future__ import annotations

from kg.sql.connecting import connect
from kg.store import Store
from tests.test_reasoner import concluded


def test_parts_of_a_union_that_join_alike_relations_keep_their_columns():
    """Found by random SHACL rules: the semi-naive variants of one body, of which two read the same relations."""
    rules = "RULE :back { ?s :p ?t } WHERE { ?t :p ?x . ?t :p ?y . ?t :p ?m . ?m :p ?s }"
    assert concluded(":a :p :b . :b :p :c . :d :p :a .", rules) == {"c p a", "b p d"}


def test_all_that_a_transaction_inserts_is_seen_after_an_insert_that_brings_nothing():
    with Store.memory() as store, store.transaction():
        none = "SELECT 1, range, 7, 8 FROM range(300000) WHERE range < 0"
        for select in (none, "SELECT 1, range, 7, 8 FROM range(300000)", none, "SELECT 1, range, 9, 8 FROM range(300000)"):
            store.connection.execute(f"INSERT INTO quads (g, s, p, o) {select}")
        assert store.connection.execute("SELECT p, count(*) FROM quads GROUP BY p ORDER BY p").fetchall() == [(7, 300000), (9, 300000)]


def test_every_cursor_is_without_the_faulty_optimizers():
    connection = connect(":memory:")
    left_out = connection.cursor().execute("SELECT current_setting('disabled_optimizers')").fetchone()[0].split(",")
    assert set(left_out) == {"common_subplan", "projection_placement", "projection_pullup"}
