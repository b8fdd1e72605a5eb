"""Temporary tables that are safe to fill within one transaction, and Arrow tables that a statement may read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
import pyarrow


def create_empty(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> None:
    """CREATE OR REPLACE TEMP TABLE `name` (`columns`), ready for any sequence of INSERTs.

    DuckDB 2.0.0 loses every row of a table that was created in the same transaction when its first INSERT brings no
    row, a later one more than about 100,000, and one after that few. A row put in and taken out again at the start
    prevents it.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    connection.execute(f"INSERT INTO {name} ({columns.split()[0]}) VALUES (NULL)")
    connection.execute(f"DELETE FROM {name}")


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, table: pyarrow.Table | pyarrow.RecordBatchReader) -> Iterator[None]:
    """Let the block's statements read `table` under `name`.

    DuckDB 2.0.0 refuses to register, or to take away, a table while the last statement's rows have not been read to their
    end, as after a `fetchone()`; the next statement would end it by itself.
    """
    _end_last_result(connection)
    connection.register(name, table)
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # in a transaction that has failed no statement runs, none is unfinished, and its roll-back takes the name
            _end_last_result(connection)
            connection.unregister(name)


def _end_last_result(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SELECT 1 WHERE false").fetchall()
