"""What was asserted and what was taken away since the conclusions were last brought up to date.

The record stands in the graph file, so it also tells what was loaded or edited between two builds. It is kept from the first
`mark` on, and given up, until the next one, when more is written than it pays to look at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from kg.sql.inserting import insert_rows
from kg.store import journal, recent

# More quads than this are not recorded: what follows from so many is found faster from scratch.
LIMIT = 500_000

_NET = "SELECT g, s, p, o FROM changes GROUP BY ALL HAVING sum(CASE WHEN is_added THEN 1 ELSE -1 END) {} 0"


@dataclass(frozen=True)
class Changes:
    """SELECTs of the quads (g, s, p, o) that were not there at the mark, and of those that are gone; nothing is in both."""

    count: tuple[int, int]
    added: str = _NET.format(">")
    removed: str = _NET.format("<")


def mark(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin anew: the record is empty."""
    connection.execute("DELETE FROM changes")
    _set_state(connection, "kept")


def since_mark(connection: duckdb.DuckDBPyConnection) -> Changes | None:
    """The net changes; None where they are not known."""
    if not _is_kept(connection):
        return None
    counts = [connection.execute(f"SELECT count(*) FROM ({_NET.format(sign)})").fetchone()[0] for sign in "><"]
    return Changes(tuple(counts))


def record(connection: duckdb.DuckDBPyConnection, rows: str, count: int, *, is_added: bool) -> None:
    """Note the asserted quads among `count` `rows` (g, s, p, o, rule), a table with or without a WHERE clause."""
    journal.note(connection, rows, count, is_added=is_added)
    recent.note(connection, rows, count, is_added=is_added)
    if not count or not _is_kept(connection):
        return
    if count + connection.execute("SELECT count(*) FROM changes").fetchone()[0] > LIMIT:
        connection.execute("DELETE FROM changes")
        _set_state(connection, "lost")
        return
    test = "AND rule IS NULL" if " WHERE " in rows else "WHERE rule IS NULL"
    insert_rows(connection, "changes", f"SELECT g, s, p, o, {is_added} FROM {rows} {test}")


def _is_kept(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute("SELECT value FROM meta WHERE key = 'changes'").fetchone()
    return row is not None and row[0] == "kept"


def _set_state(connection: duckdb.DuckDBPyConnection, state: str) -> None:
    connection.execute("DELETE FROM meta WHERE key = 'changes'")
    connection.execute("INSERT INTO meta VALUES ('changes', ?)", [state])
