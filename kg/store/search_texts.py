"""The texts that search looks through: every literal that is the label of something, each once, in one normal form.

A label is a text (with or without a language) that a triple of a search property has as its object; which properties
these are stands in `meta`. The table only tells which literals contain what: whose labels they are, and in which graph,
the quads tell when a search runs. So a text that no triple has any more is never found, and is swept out later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from kg.sql.temporary import registered
from kg.terms import RDFS_LABEL, TAG_BITS, TAG_LANG, TAG_STRING

SKOS = "http://www.w3.org/2004/02/skos/core#"
DEFAULT_PROPERTIES = (RDFS_LABEL, SKOS + "prefLabel", SKOS + "altLabel")

TABLE = "CREATE TABLE IF NOT EXISTS search_texts (id BIGINT NOT NULL, norm VARCHAR NOT NULL, language VARCHAR NOT NULL)"
_KEY = "search"
_BATCH = 200_000  # texts that are brought into normal form at a time
_GARBAGE = 10_000  # texts without a triple that are left lying


def normal_form(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Texts as they are compared: full-width letters and ligatures as plain ones (NFKC), small letters, single spaces."""
    small = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(small, pattern=r"[\s\p{Z}]+", replacement=" "))


def normal(text: str) -> str:
    """The normal form of one text.

    >>> normal("  Ｇrand   HOTEL ")
    'grand hotel'
    """
    return normal_form(pa.array([text], pa.string()))[0].as_py()


def properties(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...] | None:
    """The IRIs of the search properties; None in a file that has no index (yet)."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [_KEY]).fetchone()
    return tuple(json.loads(row[0])) if row else None


def lay_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty index of an empty graph, or one to be filled of a file that an earlier version of the engine wrote."""
    connection.execute(TABLE)
    if properties(connection) is None:
        connection.execute("INSERT INTO meta VALUES (?, ?)", [_KEY, json.dumps(DEFAULT_PROPERTIES)])


def set_properties(connection: duckdb.DuckDBPyConnection, iris: Sequence[str]) -> None:
    """Change which properties are searched; `refresh` all of them next."""
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", [json.dumps(list(iris)), _KEY])


def refresh(connection: duckdb.DuckDBPyConnection, predicates: Iterable[int]) -> None:
    """Take in the labels that the index lacks; `predicates` are the ids of all search properties that the graph knows."""
    wanted = ", ".join(map(str, predicates)) or "NULL"
    low, high = TAG_STRING << TAG_BITS, ((TAG_LANG + 1) << TAG_BITS) - 1
    labels = f"SELECT DISTINCT o AS id FROM quads WHERE p IN ({wanted}) AND o BETWEEN {low} AND {high}"
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE kg_labels AS {labels}")
    count = run("SELECT count(*) FROM kg_labels").fetchone()[0]
    run(
        "CREATE OR REPLACE TEMP TABLE kg_unseen AS SELECT d.id, d.lex, lower(d.extra) AS language, (row_number() OVER () - 1) // "
        f"{_BATCH} AS batch FROM dictionary d SEMI JOIN kg_labels USING (id) WHERE d.id NOT IN (SELECT id FROM search_texts)"
    )
    batches = run("SELECT coalesce(max(batch) + 1, 0) FROM kg_unseen").fetchone()[0]
    for batch in range(batches):
        ids, lexicals, languages = zip(*run("SELECT id, lex, language FROM kg_unseen WHERE batch = ?", [batch]).fetchall(), strict=True)
        texts = pa.table({"id": pa.array(ids, pa.int64()), "norm": normal_form(pa.array(lexicals, pa.string())), "language": pa.array(languages, pa.string())})
        with registered(connection, "kg_batch_texts", texts):
            run("INSERT INTO search_texts SELECT id, strip_accents(norm), language FROM kg_batch_texts ORDER BY id")
    if run("SELECT count(*) FROM search_texts").fetchone()[0] > count + max(_GARBAGE, count // 2):
        run("DELETE FROM search_texts WHERE id NOT IN (SELECT id FROM kg_labels)")
    run("DROP TABLE kg_unseen; DROP TABLE kg_labels")
