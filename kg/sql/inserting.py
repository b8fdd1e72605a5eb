"""INSERTs of rows that may be many or none."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb


def insert_rows(connection: duckdb.DuckDBPyConnection, into: str, select: str, parameters: Sequence[object] = (), *, some: str | None = None) -> int:
    """INSERT INTO {into} {select}; returns how many rows that brought.

    An INSERT that would bring no row is left out: after one, DuckDB 2.0.0 hides what the same transaction inserts into the same
    table, until the next checkpoint, where that is more than some 100,000 rows (tests/test_duckdb_faults.py). `some` is a
    SELECT that yields a row if `select` does and takes less time, such as one without DISTINCT.
    """
    if connection.execute(f"SELECT 1 FROM ({some or select}) LIMIT 1", None if some else parameters).fetchone() is None:
        return 0
    return connection.execute(f"INSERT INTO {into} {select}", parameters).fetchone()[0]
