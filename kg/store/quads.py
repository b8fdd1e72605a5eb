"""Quads as sets: replacing the graphs of an owner, inserting, deleting, and flagging what stands in two graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from kg.errors import StoreError
from kg.sql.temporary import create_empty
from kg.store import changes
from kg.terms import KEY_BITS

_SAME = "q.g = n.g AND q.s = n.s AND q.p = n.p AND q.o = n.o"
_SAME_PROOF = _SAME + " AND q.rule IS NOT DISTINCT FROM n.rule AND q.round IS NOT DISTINCT FROM n.round"

# How many quads are compared at a time: those of a few predicates, so that memory does not grow with the graph.
_COMPARED = 2_000_000


@dataclass(frozen=True)
class Diff:
    """How many quads a write added and took away."""

    inserted: int
    deleted: int

    @property
    def is_empty(self) -> bool:
        return not (self.inserted or self.deleted)


@dataclass
class Touched:
    """The predicates and graphs that writes have changed, until they are counted and flagged anew; and the number of quads."""

    predicates: set[int] = field(default_factory=set)
    graphs: set[int] = field(default_factory=set)
    quads: int = 0

    def add(self, other: Touched) -> None:
        self.predicates |= other.predicates
        self.graphs |= other.graphs
        self.quads += other.quads

    def clear(self) -> None:
        self.predicates.clear()
        self.graphs.clear()
        self.quads = 0


def insert(connection: duckdb.DuckDBPyConnection, select: str, parameters: list[object]) -> tuple[int, Touched]:
    """Add the (g, s, p, o) of `select` that are not there yet; returns how many, and what was touched."""
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE kg_wanted AS SELECT DISTINCT g, s, p, o FROM ({select})", parameters)
    _, touched = count_touched(connection, "kg_wanted")
    there = _where_they_can_be(touched)
    lacking = "kg_wanted"
    if run(f"SELECT 1 FROM quads{there} LIMIT 1").fetchone():
        lacking = "kg_change"
        run(f"CREATE OR REPLACE TEMP TABLE kg_change AS SELECT * FROM kg_wanted AS n WHERE NOT EXISTS (FROM (FROM quads{there}) AS q WHERE {_SAME})")
    count, touched = count_touched(connection, lacking)
    if count:
        run(f"INSERT INTO quads (g, s, p, o) SELECT g, s, p, o FROM {lacking} ORDER BY p, s")
    changes.record(connection, f"(SELECT *, NULL AS rule FROM {lacking})", count, is_added=True)
    run("DROP TABLE IF EXISTS kg_change; DROP TABLE kg_wanted")
    return count, touched


def _where_they_can_be(touched: Touched) -> str:
    """A WHERE clause that narrows a scan of `quads` to the graphs and predicates of new rows, where these are few."""
    columns = {"g": touched.graphs, "p": touched.predicates}
    tests = [f"{column} IN ({', '.join(map(str, ids))})" for column, ids in columns.items() if 0 < len(ids) <= 50]
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def delete(connection: duckdb.DuckDBPyConnection, select: str, parameters: list[object]) -> tuple[int, Touched]:
    """Take away the (g, s, p, o) of `select` that are there; returns how many, and what was touched."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE kg_change AS SELECT q.rowid AS row, q.g, q.s, q.p, q.o, q.rule FROM quads q SEMI JOIN ({select}) n ON {_SAME}", parameters
    )
    connection.execute("DELETE FROM quads WHERE rowid IN (SELECT row FROM kg_change)")
    count, touched = count_touched(connection, "kg_change")
    changes.record(connection, "kg_change", count, is_added=False)
    connection.execute("DROP TABLE kg_change")
    return count, touched


def clear(connection: duckdb.DuckDBPyConnection, graphs: list[int]) -> tuple[int, Touched]:
    """Take away all quads of these graphs; returns how many, and what was touched."""
    rows = f"quads WHERE g IN ({', '.join(str(g) for g in graphs) or 'NULL'})"
    count, touched = count_touched(connection, rows)
    changes.record(connection, rows, count, is_added=False)
    connection.execute(f"DELETE FROM {rows}")
    return count, touched


def count_touched(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, Touched]:
    """How many quads a relation holds, and their predicates and graphs."""
    groups = connection.execute(f"SELECT p, g, count(*) FROM {rows} GROUP BY p, g").fetchall()
    count = sum(group[2] for group in groups)
    return count, Touched({group[0] for group in groups}, {group[1] for group in groups}, count)


def replace(connection: duckdb.DuckDBPyConnection, scope: str, staging: str) -> tuple[Diff, Touched]:
    """Make the quads that meet `scope` exactly those of the table `staging` (g, s, p, o, rule, round); nothing else is touched."""
    run = connection.execute
    create_empty(connection, "kg_difference", "row BIGINT, g BIGINT, s BIGINT, p BIGINT, o BIGINT, rule INTEGER, round INTEGER")
    counts = f"SELECT p, count(*) AS n FROM quads WHERE {scope} GROUP BY p UNION ALL SELECT p, count(*) FROM {staging} GROUP BY p"
    for predicates in _batches(run(f"SELECT p, sum(n)::BIGINT FROM ({counts}) GROUP BY p ORDER BY p").fetchall()):
        among = f"p IN ({', '.join(map(str, predicates))})"
        run(
            "INSERT INTO kg_difference SELECT q.row, coalesce(q.g, n.g), coalesce(q.s, n.s), coalesce(q.p, n.p), coalesce(q.o, n.o), "
            "coalesce(q.rule, n.rule), coalesce(q.round, n.round) "
            f"FROM (SELECT rowid AS row, g, s, p, o, rule, round FROM quads WHERE {scope} AND {among}) q "
            f"FULL OUTER JOIN (FROM {staging} WHERE {among}) n ON {_SAME_PROOF} WHERE q.row IS NULL OR n.g IS NULL"
        )
    gone, new = "kg_difference WHERE row IS NOT NULL", "kg_difference WHERE row IS NULL"
    deleted, touched = count_touched(connection, gone)
    inserted, also_touched = count_touched(connection, new)
    touched.add(also_touched)
    changes.record(connection, gone, deleted, is_added=False)
    changes.record(connection, new, inserted, is_added=True)
    if deleted:
        run(f"DELETE FROM quads WHERE rowid IN (SELECT row FROM {gone})")
    if inserted:
        run(f"INSERT INTO quads (g, s, p, o, rule, round) SELECT g, s, p, o, rule, round FROM {new} ORDER BY p, s")
    run("DROP TABLE kg_difference")
    return Diff(inserted, deleted), touched


def _batches(counts: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Predicates with their numbers of quads, several together as long as these are few."""
    batch: list[int] = []
    size = 0
    for predicate, count in counts:
        if batch and size + count > _COMPARED:
            yield batch
            batch, size = [], 0
        batch.append(predicate)
        size += count
    if batch:
        yield batch


def flag_repeated(connection: duckdb.DuckDBPyConnection, predicates: set[int]) -> None:
    """Set `again` anew for these predicates: true on all but one of the quads that hold the same triple.

    Compared are only triples whose predicate and kind of subject (a template, a tag of the dictionary) occur in more than
    one graph with overlapping ranges: usually next to none.
    """
    run = connection.execute
    wanted = _among(connection, predicates)
    if run(f"SELECT count(*) FROM quads WHERE again{wanted}").fetchone()[0]:
        run(f"UPDATE quads SET again = false WHERE again{wanted}")
    spans = f"SELECT p, s >> {KEY_BITS} AS kind, g, min(s) AS least, max(s) AS greatest FROM quads WHERE true{wanted} GROUP BY ALL"
    run(
        f"CREATE OR REPLACE TEMP TABLE kg_shared AS WITH spans AS ({spans}) SELECT DISTINCT p, kind FROM spans a JOIN spans b USING (p, kind) "
        "WHERE a.g < b.g AND a.least <= b.greatest AND b.least <= a.greatest"
    )
    run(
        "CREATE OR REPLACE TEMP TABLE kg_repeated AS SELECT s, p, o, min(g) AS first FROM quads "
        f"SEMI JOIN kg_shared h ON quads.p = h.p AND quads.s >> {KEY_BITS} = h.kind GROUP BY s, p, o HAVING count(*) > 1"
    )
    run("DROP TABLE kg_shared")
    run(
        "UPDATE quads SET again = true FROM kg_repeated r WHERE quads.s = r.s AND quads.p = r.p AND quads.o = r.o AND quads.g <> r.first"
    )
    run("DROP TABLE kg_repeated")


def _among(connection: duckdb.DuckDBPyConnection, predicates: set[int]) -> str:
    """A condition that narrows a scan to these predicates; none where they are most of the graph's."""
    known = connection.execute("SELECT count(DISTINCT p) FROM statistics").fetchone()[0]
    return "" if len(predicates) > max(20, known // 2) else f" AND p IN ({', '.join(str(p) for p in predicates)})"


def refuse_foreign_graphs(connection: duckdb.DuckDBPyConnection, owner: str, graphs: list[int]) -> None:
    """Two owners must not write one graph: replacing one's quads would lose the other's."""
    wanted = ", ".join(str(g) for g in graphs) or "NULL"
    query = f"SELECT iri, owner FROM graphs WHERE id IN ({wanted}) AND owner IS NOT NULL AND owner <> ?"
    foreign = connection.execute(query, [owner]).fetchone()
    if foreign:
        raise StoreError(
            "S201",
            f"{owner} writes to the graph <{foreign[0]}>, which belongs to {foreign[1]}",
            help="give each mapping file, rule file and load a graph of its own",
        )
