"""Which focus nodes a change can touch: the paths that checks read, walked backwards from the triples that came or went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from kg.shapes.dependencies import Fixed, Key, checks, terms_of
from kg.shapes.model import ShapesGraph
from kg.sparql import algebra
from kg.store import Store
from kg.store.journal import TABLE as CHANGES
from kg.terms import Term

_COLUMNS = {"s": "o", "o": "s"}


@dataclass(frozen=True)
class Extent:
    """What is to be checked again: the checks in `whole` for all focus nodes, those in `local` for the nodes of the table `nodes` (f).

    `named` are those of the nodes that shapes name as targets: a graph need not know them.
    """

    nodes: str
    number: int
    local: frozenset[Key]
    whole: frozenset[Key]
    named: frozenset[Term]

    @property
    def is_empty(self) -> bool:
        return not self.whole and (self.number == 0 or not self.local)

    def covers(self, key: Key, is_among_nodes: bool) -> bool:
        """Whether a result of an earlier report is found anew, if it still holds."""
        return key in self.whole or (is_among_nodes and key in self.local)


def extent(store: Store, shapes: ShapesGraph, connection: duckdb.DuckDBPyConnection, table: str = "kg_affected") -> Extent:
    """What the changes in the journal can touch; `connection` sees the journal and the graph after them."""
    found = checks(shapes)
    store.lookup_many(list(terms_of(found)))  # at once, to be kept
    walk = _Walk(store, connection)
    whole = frozenset(check.key for check in found if walk.has_any(check.reads.fixed))
    tables = {path: walk.touched(path) for check in found if check.key not in whole for path in check.reads.paths}
    local = frozenset(check.key for check in found if check.key not in whole and any(tables[path] is not None for path in check.reads.paths))
    union = " UNION ".join(f"SELECT n FROM {one}" for one in tables.values() if one is not None) or "SELECT NULL::BIGINT AS n WHERE false"
    number = connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT n AS f FROM ({union})").fetchone()[0]
    walk.close()
    return Extent(table, number, local, whole, _named(store, shapes, connection, table))


def _named(store: Store, shapes: ShapesGraph, connection: duckdb.DuckDBPyConnection, table: str) -> frozenset[Term]:
    terms = list({target.value for shape in shapes.roots for target in shape.targets if target.kind == "targetNode"})
    ids = dict(zip(store.lookup_many(terms), terms, strict=True)) if terms else {}
    known = ", ".join(str(found) for found in ids if found is not None) or "NULL"
    return frozenset(ids[row[0]] for row in connection.execute(f"SELECT f FROM {table} WHERE f IN ({known})").fetchall())


class _Walk:
    """Steps over the graph as it is together with the triples that went: the graphs before and after are parts of that."""

    def __init__(self, store: Store, connection: duckdb.DuckDBPyConnection) -> None:
        self.store, self.connection = store, connection
        self.predicates = {row[0] for row in connection.execute(f"SELECT DISTINCT p FROM {CHANGES}").fetchall()}
        self.has_gone = bool(connection.execute(f"SELECT 1 FROM {CHANGES} WHERE NOT came LIMIT 1").fetchall())
        self._known: dict[algebra.Path, str | None] = {}
        self._number = 0

    def close(self) -> None:
        for number in range(1, self._number + 1):
            self.connection.execute(f"DROP TABLE IF EXISTS kg_walk_{number}")

    # ── Changed triples ──────────────────────────────────────────────────────────────────────────────────────

    def has_any(self, fixed: Iterable[Fixed]) -> bool:
        return any(self._has(one) for one in fixed)

    def _has(self, one: Fixed) -> bool:
        tests = []
        for column, term in zip("spo", one, strict=True):
            if term is not None:
                known = self.store.lookup(term)
                if known is None or (column == "p" and known not in self.predicates):
                    return False
                tests.append(f"{column} = {known}")
        return bool(self.connection.execute(f"SELECT 1 FROM {CHANGES} WHERE {' AND '.join(tests) or 'true'} LIMIT 1").fetchall())

    def touched(self, path: algebra.Path) -> str | None:
        """A table (n) of the nodes from which a walk along the path can meet a changed triple; None where there is none."""
        if path not in self._known:
            self._known[path] = self._touched(path)
        return self._known[path]

    def _touched(self, path: algebra.Path) -> str | None:
        if isinstance(path, algebra.Link):
            return self._changed(path, "s")
        if isinstance(path, algebra.NegatedSet):
            return self._changed(path, "s")
        if isinstance(path, algebra.Inverse):
            inner = path.path
            return self._changed(inner, "o") if isinstance(inner, (algebra.Link, algebra.NegatedSet)) else self.touched(_turned(inner))
        if isinstance(path, algebra.Sequence):
            return self._union(self.touched(path.left), self.back(path.left, self.touched(path.right)))
        if isinstance(path, algebra.Alternative):
            return self._union(self.touched(path.left), self.touched(path.right))
        inner = self.touched(path.path)
        return inner if isinstance(path, algebra.ZeroOrOne) else self._closure(path.path, inner)

    def _changed(self, link: algebra.Link | algebra.NegatedSet, column: str) -> str | None:
        if isinstance(link, algebra.NegatedSet):
            return self._table(f"SELECT DISTINCT {column} AS n FROM {CHANGES}")
        predicate = self.store.lookup(link.iri)
        if predicate not in self.predicates:
            return None
        return self._table(f"SELECT DISTINCT {column} AS n FROM {CHANGES} WHERE p = {predicate}")

    # ── Walking back ─────────────────────────────────────────────────────────────────────────────────────────

    def back(self, path: algebra.Path, nodes: str | None) -> str | None:
        """The nodes that the path leads from to any of some nodes."""
        if nodes is None:
            return None
        if isinstance(path, (algebra.Link, algebra.NegatedSet)):
            return self._step(path, nodes, "s")
        if isinstance(path, algebra.Inverse):
            inner = path.path
            return self._step(inner, nodes, "o") if isinstance(inner, (algebra.Link, algebra.NegatedSet)) else self.back(_turned(inner), nodes)
        if isinstance(path, algebra.Sequence):
            return self.back(path.left, self.back(path.right, nodes))
        if isinstance(path, algebra.Alternative):
            return self._union(self.back(path.left, nodes), self.back(path.right, nodes))
        if isinstance(path, algebra.OneOrMore):
            return self._closure(path.path, self.back(path.path, nodes))
        return self._union(nodes, self.back(path.path, nodes)) if isinstance(path, algebra.ZeroOrOne) else self._closure(path.path, nodes)

    def _step(self, link: algebra.Link | algebra.NegatedSet, nodes: str, to: str) -> str | None:
        test = "true"
        if isinstance(link, algebra.Link):
            predicate = self.store.lookup(link.iri)
            if predicate is None:
                return None
            test = f"t.p = {predicate}"
        gone = f" UNION ALL SELECT s, p, o FROM {CHANGES} WHERE NOT came" if self.has_gone else ""
        triples = f"(SELECT s, p, o FROM quads{gone})"
        return self._table(f"SELECT DISTINCT t.{to} AS n FROM {triples} AS t SEMI JOIN {nodes} AS f ON t.{_COLUMNS[to]} = f.n WHERE {test}")

    def _closure(self, path: algebra.Path, nodes: str | None) -> str | None:
        """Any number of steps back, none among them."""
        reached, fresh = nodes, nodes
        while fresh is not None:
            further = self.back(path, fresh)
            if further is None:
                return reached
            fresh = self._table(f"SELECT n FROM {further} EXCEPT SELECT n FROM {reached}")
            reached = self._union(reached, fresh)
        return reached

    def _union(self, left: str | None, right: str | None) -> str | None:
        if left is None or right is None or left == right:
            return left or right
        return self._table(f"SELECT n FROM {left} UNION SELECT n FROM {right}")

    def _table(self, select: str) -> str | None:
        self._number += 1
        name = f"kg_walk_{self._number}"
        count = self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}").fetchone()[0]
        return name if count else None


def _turned(path: algebra.Path) -> algebra.Path:
    """The inverse of a path, with inverses of single steps only."""
    if isinstance(path, algebra.Inverse):
        return path.path
    if isinstance(path, (algebra.Link, algebra.NegatedSet)):
        return algebra.Inverse(path)
    if isinstance(path, algebra.Sequence):
        return algebra.Sequence(_turned(path.right), _turned(path.left))
    if isinstance(path, algebra.Alternative):
        return algebra.Alternative(_turned(path.left), _turned(path.right))
    return type(path)(_turned(path.path))
