"""Opening DuckDB databases, with what this engine needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import duckdb

# Optimizers that are left out. DuckDB 2.0.0 shares a join tree between parts of a UNION that only look alike: of
# `a ⋈ b ∪ b ⋈ a`, with the same columns in another order, one part gets the other's columns (tests/test_duckdb_faults.py).
# And one that plans for ever, whatever interrupts it: the time it takes doubles with each further of some fifty joined tables.
# The third loses columns of joins with recursive queries, which ends in an internal error.
FAULTY_OPTIMIZERS = ("common_subplan", "projection_placement", "projection_pullup")


def connect(database: str | Path, read_only: bool = False, config: Mapping[str, object] | None = None) -> duckdb.DuckDBPyConnection:
    """A connection without what is faulty in DuckDB; cursors of it are without them too. Raises duckdb.Error."""
    connection = duckdb.connect(str(database), read_only=read_only, config=dict(config or {}))
    known = {row[0] for row in connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()}
    faulty = [name for name in FAULTY_OPTIMIZERS if name in known]
    if faulty:
        connection.execute(f"SET disabled_optimizers = '{','.join(faulty)}'")
    if read_only:
        with suppress(duckdb.Error):  # not every system has it
            connection.execute("SET allocator_background_threads = true")  # memory of a long answer goes back soon after it
    return connection
