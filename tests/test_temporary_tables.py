"""Temporary tables keep what is put into them, whatever the sizes of the insertions."""

import duckdb
import pytest

from kg.sql.temporary import create_empty


@pytest.mark.parametrize("sizes", [(0, 300_000, 1_000), (0, 300_000, 200_000, 10), (300_000, 0, 10), (10, 0, 0, 300_000, 1)])
def test_a_table_made_in_a_transaction_keeps_small_insertions_after_large_ones(sizes):
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("BEGIN")
    create_empty(connection, "numbers", "a BIGINT, b BIGINT")
    for size in sizes:
        connection.execute(f"INSERT INTO numbers SELECT i, min(i) FROM range({size}) t(i) GROUP BY i")
    assert connection.execute("SELECT count(*) FROM numbers").fetchone()[0] == sum(sizes)
