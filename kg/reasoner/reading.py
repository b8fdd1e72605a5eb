"""Reading rows on a connection of its own, without writing to the graph: for finding the grounds of conclusions."""

from __future__ import annotations

import duckdb
from pyoxigraph import NamedNode, Triple

from kg.reasoner.expressions import Expressions
from kg.reasoner.rows import Rows
from kg.reasoner.statement import PARITY
from kg.sparql import algebra as a
from kg.sparql.strings import register_python_functions
from kg.sparql.values import ALL_TAGS, tag_classes
from kg.sql.encoding import has_tag, tag
from kg.sql.temporary import create_empty
from kg.store import Store
from kg.terms import TAG_TRIPLE

# No stored term has this id, so a pattern with an unknown constant matches nothing.
NO_TERM = -1


class Reading:
    """A cursor of the store with its temporary tables. Not to be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor = store.cursor()
        self._has_triple_terms = False
        self._object_kinds: dict[tuple[NamedNode, NamedNode], frozenset[int]] = {}

    def run(self, sql: str, parameters: dict[str, object] | None = None) -> duckdb.DuckDBPyConnection:
        register_python_functions(self._cursor, sql)
        return self._cursor.execute(sql, parameters) if parameters else self._cursor.execute(sql)

    def fetch(self, rows: Rows, expressions: Expressions) -> list[tuple]:
        """All rows, after their steps. Terms that a step computes are in the dictionary if they were ever concluded;
        others can have concluded nothing."""
        for step in rows.steps:
            select = step.select.replace(PARITY, "0")
            self.run(f"CREATE OR REPLACE TEMP TABLE {step.table} AS {select}", expressions.parameters(select))
        return self.run(rows.sql, expressions.parameters(rows.sql)).fetchall()

    def constant(self, term: a.Term | a.TripleTerm) -> int:
        found = self._store.lookup(_ground(term))
        return NO_TERM if found is None else found

    def object_kinds(self, subject: NamedNode, predicate: NamedNode) -> frozenset[int]:
        """The kinds of term that a subject has by a predicate: a test on a parameter becomes one of known types."""
        known = self._object_kinds.get((subject, predicate))
        if known is None:
            select = f"SELECT DISTINCT {tag('o')} FROM quads WHERE s = {self.constant(subject)} AND p = {self.constant(predicate)}"
            found = [row[0] for row in self.run(select).fetchall()]
            known = self._object_kinds[(subject, predicate)] = tag_classes(found) if found else ALL_TAGS
        return known

    def triple_terms(self) -> str:
        """The relation (id, s, p, o) of the triple terms in the dictionary."""
        if not self._has_triple_terms:
            create_empty(self._cursor, "rl_triple_terms", "id BIGINT, s BIGINT, p BIGINT, o BIGINT")
            ids = [row[0] for row in self.run(f"SELECT id FROM dictionary WHERE {has_tag('id', TAG_TRIPLE)}").fetchall()]
            for term_id, term in self._store.decode(ids).items():
                parts = [self.constant(part) for part in (term.subject, term.predicate, term.object)]
                self.run(f"INSERT INTO rl_triple_terms VALUES ({', '.join(map(str, [term_id, *parts]))})")
            self._has_triple_terms = True
        return "rl_triple_terms"


def _ground(term: a.Term | a.TripleTerm) -> a.Term | Triple:
    if isinstance(term, a.TripleTerm):
        return Triple(_ground(term.subject), term.predicate, _ground(term.object))
    return term
