"""Flags, statistics and counts brought up to date from the quads that a transaction has written, where these are few.

    kg_recent   temporary table (g, s, p, o, is_added), as long as a transaction has written and not refreshed

Counting a predicate anew reads all of it; this reads only what may hold the same triples. The numbers of triples stay exact;
the least and the greatest object, and the estimates of how many there are, are left as they were when something is
taken away, and are counted anew with the next large write.
"""

from __future__ import annotations

import duckdb

from kg.terms import TAG_BITS

# More quads than this in one transaction, and predicates are counted anew.
LIMIT = 20_000


def note(connection: duckdb.DuckDBPyConnection, rows: str, count: int, *, is_added: bool) -> None:
    """Note `count` `rows` (g, s, p, o), a table with or without a WHERE clause, unless they are many."""
    if 0 < count <= LIMIT:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS kg_recent (g BIGINT, s BIGINT, p BIGINT, o BIGINT, is_added BOOLEAN)")
        connection.execute(f"INSERT INTO kg_recent SELECT g, s, p, o, {is_added} FROM {rows}")


def is_complete(connection: duckdb.DuckDBPyConnection, written: int) -> bool:
    """Whether all that was written has been noted."""
    if not 0 < written <= LIMIT:
        return False
    known = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'kg_recent' AND temporary"
    return connection.execute(known).fetchone()[0] == 1 and connection.execute("SELECT count(*) FROM kg_recent").fetchone()[0] == written


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DROP TABLE IF EXISTS kg_recent")


def refresh(connection: duckdb.DuckDBPyConnection) -> None:
    """Flag repeated triples among those written, and correct the statistics and the sizes of graphs."""
    _flag(connection)
    _count(connection)
    net = "SELECT g, sum(CASE WHEN is_added THEN 1 ELSE -1 END) AS n FROM kg_recent GROUP BY g"
    connection.execute(f"UPDATE graphs SET triples = triples + r.n FROM ({net}) r WHERE r.g = graphs.id")


def _flag(connection: duckdb.DuckDBPyConnection) -> None:
    """All quads but one of each triple are flagged."""
    standing = (
        "SELECT q.rowid AS row, q.again, q.g <> min(q.g) OVER (PARTITION BY q.s, q.p, q.o) AS wanted FROM quads q "
        "JOIN (SELECT DISTINCT s, p, o FROM kg_recent) r ON q.s = r.s AND q.p = r.p AND q.o = r.o"
    )
    wrong = connection.execute(f"SELECT row, wanted FROM ({standing}) WHERE again <> wanted").fetchall()
    for value in {wanted for _, wanted in wrong}:
        rows = [row for row, wanted in wrong if wanted == value]
        connection.execute(f"UPDATE quads SET again = {value} WHERE rowid IN (SELECT unnest(?::BIGINT[]))", [rows])


def _count(connection: duckdb.DuckDBPyConnection) -> None:
    run = connection.execute
    run(
        f"CREATE OR REPLACE TEMP TABLE kg_counted AS SELECT p, o >> {TAG_BITS} AS tag, sum(CASE WHEN is_added THEN 1 ELSE -1 END) AS n, "
        "min(o) FILTER (WHERE is_added) AS least, max(o) FILTER (WHERE is_added) AS greatest, count(DISTINCT s) AS subjects, "
        "count(DISTINCT o) AS objects FROM kg_recent GROUP BY ALL"
    )
    run(
        "UPDATE statistics SET triples = triples + c.n, minimum = least(minimum, coalesce(c.least, minimum)), "
        "maximum = greatest(maximum, coalesce(c.greatest, maximum)) FROM kg_counted c WHERE statistics.p = c.p AND statistics.tag = c.tag"
    )
    run(
        "INSERT INTO statistics SELECT c.p, c.tag, c.n, c.subjects, c.objects, c.least, c.greatest FROM kg_counted c "
        "ANTI JOIN statistics t ON t.p = c.p AND t.tag = c.tag WHERE c.n > 0"
    )
    run("DELETE FROM statistics WHERE triples = 0")
    run("DROP TABLE kg_counted")
