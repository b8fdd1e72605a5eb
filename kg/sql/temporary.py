"""Empty temporary tables that are safe to fill within one transaction."""

from __future__ import annotations

import duckdb


def create_empty(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> None:
    """CREATE OR REPLACE TEMP TABLE `name` (`columns`), ready for any sequence of INSERTs.

    DuckDB 2.0.0 loses every row of a table that was created in the same transaction when its first INSERT brings no
    row, a later one more than about 100,000, and one after that few. A row put in and taken out again at the start
    prevents it.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    connection.execute(f"INSERT INTO {name} ({columns.split()[0]}) VALUES (NULL)")
    connection.execute(f"DELETE FROM {name}")
