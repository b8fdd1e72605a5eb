"""Answers that DuckDB itself gets wrong, and that the engine's connections get right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.errors import StoreError
from kg.sql.connecting import connect
from kg.sql.inserting import insert_rows
from kg.store import Store
from tests.test_reasoner import concluded

ROOT = Path(__file__).parent.parent


def test_parts_of_a_union_that_join_alike_relations_keep_their_columns():
    """Found by random SHACL rules: the semi-naive variants of one body, of which two read the same relations."""
    rules = "RULE :back { ?s :p ?t } WHERE { ?t :p ?x . ?t :p ?y . ?t :p ?m . ?m :p ?s }"
    assert concluded(":a :p :b . :b :p :c . :d :p :a .", rules) == {"c p a", "b p d"}


def test_every_cursor_is_without_the_faulty_optimizers():
    connection = connect(":memory:")
    left_out = connection.cursor().execute("SELECT current_setting('disabled_optimizers')").fetchone()[0].split(",")
    assert set(left_out) == {"common_subplan", "projection_placement", "projection_pullup"}


def test_rows_are_seen_after_a_predicate_that_nothing_has(tmp_path):
    """Rows of a file's table, which DuckDB writes before the transaction ends; and a table whose first INSERT brings nothing."""
    with Store.open(tmp_path / "graph.duckdb") as store, store.transaction():
        insert_rows(store.connection, "source_rows", "SELECT 1, range, NULL FROM range(10) WHERE range < 0")
        assert insert_rows(store.connection, "source_rows", "SELECT 1, range, NULL FROM range(300000)") == 300_000
        with store.replacing("map:test/many") as target:
            for predicate, among in ((7, "true"), (8, "range < 0"), (9, "true")):
                insert_rows(store.connection, f"{target.table} (g, s, p, o)", f"SELECT 0, range, {predicate}, 5 FROM range(300000) WHERE {among}")
        assert target.diff.inserted == 600_000
        assert store.connection.execute("SELECT count(subject), count(hash) FROM source_rows WHERE hash >= 0").fetchone() == (0, 300_000)


def test_a_writer_whose_rows_the_database_hides_fails_and_nothing_is_written():
    with Store.memory() as store:
        with pytest.raises(StoreError, match="hides 300,000") as raised, store.replacing("map:test/many") as target:
            store.connection.execute("CREATE TEMP TABLE numbers AS SELECT range AS n FROM range(300000)")
            for least in (300_000, 0):  # the first brings nothing, which `insert_rows` would have left out
                store.connection.execute(f"INSERT INTO {target.table} (g, s, p, o) SELECT 0, n, 7, 5 FROM numbers WHERE n >= {least}")
        assert raised.value.code == "S108"
        assert store.connection.execute("SELECT count(*) FROM quads").fetchone()[0] == 0


def test_quads_are_inserted_where_an_insert_of_none_is_left_out():
    """Anything else that inserts into `quads` tests beforehand whether there are rows; these do."""
    written = {}
    for file in (ROOT / "kg").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "INSERT INTO quads" in line or "INSERT INTO {target.table}" in line:
                name = file.relative_to(ROOT).as_posix()
                written[name] = written.get(name, 0) + 1
    assert written == {"kg/store/quads.py": 2, "kg/analytics/stage.py": 1, "kg/reasoner/difference.py": 1, "kg/reasoner/follow.py": 1}
