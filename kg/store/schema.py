"""The tables of a graph file: one DuckDB database of encoded quads, its dictionary and its catalogue."""

from __future__ import annotations

import duckdb

from kg.errors import StoreError
from kg.sql import encoding
from kg.store import search_texts

FORMAT = "1"

_TABLES = """
CREATE TABLE quads (
    g BIGINT NOT NULL, s BIGINT NOT NULL, p BIGINT NOT NULL, o BIGINT NOT NULL,
    again BOOLEAN NOT NULL DEFAULT false,  -- the same triple already stands in another graph
    rule INTEGER, round INTEGER            -- of an inferred triple: rules.rule, and when it was found
);
CREATE VIEW triples AS SELECT s, p, o FROM quads WHERE NOT again;
CREATE TABLE dictionary (
    id BIGINT NOT NULL, lex VARCHAR NOT NULL, extra VARCHAR NOT NULL,
    number DECIMAL(38,18), double DOUBLE,  -- the value of a literal that is not inlined, where it has one
    instant BIGINT                         -- of a date or dateTime: microseconds since 1970 UTC
);
CREATE TABLE templates (number INTEGER NOT NULL, prefix VARCHAR NOT NULL, suffix VARCHAR NOT NULL);
CREATE TABLE graphs (
    id BIGINT NOT NULL, iri VARCHAR NOT NULL, owner VARCHAR, revision BIGINT NOT NULL, triples BIGINT NOT NULL
);
CREATE TABLE owners (owner VARCHAR NOT NULL, fingerprint VARCHAR, revision BIGINT NOT NULL);
CREATE TABLE rules (rule INTEGER NOT NULL, iri VARCHAR NOT NULL, owner VARCHAR NOT NULL, says VARCHAR, text VARCHAR);
CREATE TABLE rejects (
    owner VARCHAR NOT NULL, triples_map VARCHAR, source VARCHAR, line BIGINT, column_name VARCHAR, value VARCHAR, reason VARCHAR NOT NULL
);
CREATE TABLE statistics (
    p BIGINT NOT NULL, tag INTEGER NOT NULL, triples BIGINT NOT NULL, subjects BIGINT NOT NULL, objects BIGINT NOT NULL,
    minimum BIGINT NOT NULL, maximum BIGINT NOT NULL
);
CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
"""
# What a graph can do without: a file that an earlier version made gets them when it is next written to.
_LATER_TABLES = """
CREATE TABLE IF NOT EXISTS changes (g BIGINT NOT NULL, s BIGINT NOT NULL, p BIGINT NOT NULL, o BIGINT NOT NULL, is_added BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS journal (s BIGINT NOT NULL, p BIGINT NOT NULL, o BIGINT NOT NULL, came BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS mapped_sources (
    number INTEGER NOT NULL, owner VARCHAR NOT NULL, source VARCHAR NOT NULL, definition VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
    rows BIGINT NOT NULL, has_row_hashes BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS source_rows (source INTEGER NOT NULL, hash BIGINT, subject BIGINT);  -- of mapped_sources.number
"""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Lay out an empty graph file."""
    connection.execute(_TABLES)
    complete(connection)
    encoding.create_macros(connection)
    connection.execute("INSERT INTO meta VALUES ('format', ?), ('revision', '0'), ('documents', '0')", [FORMAT])
    search_texts.lay_out(connection)


def complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tables that a graph file of an earlier version lacks."""
    connection.execute(_LATER_TABLES)


def is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database has no graph tables yet."""
    query = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'quads' AND NOT temporary"
    return connection.execute(query).fetchone()[0] == 0


def check_format(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    """Refuse a file that another version of the engine laid out otherwise."""
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    except duckdb.Error:
        found = None
    if found is None or found[0] != FORMAT:
        what = f"has format {found[0]}" if found else "is no graph file"
        raise StoreError("S102", f"{path} {what}; this version reads format {FORMAT}", help="remove the store folder and run kg build")
