"""A journal of all that came and went since the graph was last checked, so that only what changes can touch is checked again.

Like the record in `changes`, it stands in the graph file, is kept from the first `begin` on, and given up when it gets too
long. It differs in what it is for: inferred triples are in it too, and it ends with a check, not with an inference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

# More rows than this are not noted: then everything is checked, which takes no longer.
LIMIT = 200_000
TABLE = "kg_journal"  # s, p, o, came: the net changes that `taken` is about


@dataclass
class Recording:
    """What a block has changed; `is_complete` is false where that is not known."""

    position: int = 0
    is_complete: bool = False
    is_temporary: bool = False  # whoever made it should `give_up` the journal when done with it


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin anew: everything has been checked."""
    connection.execute("DELETE FROM journal")
    _set_state(connection, f"kept {_quads(connection)}")


def give_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Note nothing until the next `begin`."""
    connection.execute("DELETE FROM journal")
    _set_state(connection, None)


def note(connection: duckdb.DuckDBPyConnection, rows: str, count: int, *, is_added: bool) -> None:
    """Note the triples of `count` `rows` (s, p, o), a table with or without a WHERE clause."""
    if not count or _state(connection) is None:
        return
    if count + connection.execute("SELECT count(*) FROM journal").fetchone()[0] > LIMIT:
        give_up(connection)
    else:
        connection.execute(f"INSERT INTO journal SELECT s, p, o, {is_added} FROM {rows}")


@contextmanager
def taken(connection: duckdb.DuckDBPyConnection, position: int = 0) -> Iterator[int | None]:
    """A block in which TABLE holds the net changes since a position in the journal; how many, None where they are not known."""
    if not is_sound(connection):
        yield None
        return
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT s, p, o, sum(CASE WHEN came THEN 1 ELSE -1 END) > 0 AS came "
        f"FROM journal WHERE rowid >= {position} GROUP BY s, p, o HAVING sum(CASE WHEN came THEN 1 ELSE -1 END) <> 0"
    )
    yield connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]
    connection.execute(f"DROP TABLE {TABLE}")


@contextmanager
def recording(connection: duckdb.DuckDBPyConnection) -> Iterator[Recording]:
    """A block whose changes are noted, also where no journal was kept before."""
    is_kept = is_sound(connection)
    if not is_kept:
        begin(connection)
    found = Recording(connection.execute("SELECT coalesce(max(rowid) + 1, 0) FROM journal").fetchone()[0])
    yield found
    found.is_complete = is_sound(connection)
    found.is_temporary = not is_kept


def is_sound(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a journal is kept, and accounts for all the quads that there are now."""
    before = _state(connection)
    if before is None:
        return False
    net = connection.execute("SELECT coalesce(sum(CASE WHEN came THEN 1 ELSE -1 END), 0) FROM journal").fetchone()[0]
    return _quads(connection) == before + net


def _quads(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("SELECT count(*) FROM quads").fetchone()[0]


def _state(connection: duckdb.DuckDBPyConnection) -> int | None:
    """How many quads there were when the journal began; None where none is kept."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
    return int(row[0].removeprefix("kept ")) if row else None


def _set_state(connection: duckdb.DuckDBPyConnection, state: str | None) -> None:
    connection.execute("DELETE FROM meta WHERE key = 'journal'")
    if state is not None:
        connection.execute("INSERT INTO meta VALUES ('journal', ?)", [state])
