"""Terms in Python → rows of ids in a table, many at a time: what loading documents and adding triples share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Triple

from kg import terms
from kg.sql.temporary import registered
from kg.store.store import Store
from kg.terms import DEFAULT_GRAPH, Term

GraphName = NamedNode | BlankNode | DefaultGraph

# Quads that are encoded at a time: large enough that a join with the dictionary pays, small enough for flat memory.
BATCH = 500_000
# Terms whose ids are remembered from batch to batch.
_REMEMBERED = 500_000


def apart(term: Term, prefix: str) -> Term:
    """The term with `prefix` before the labels of its blank nodes, so that those of two documents differ."""
    if isinstance(term, BlankNode):
        return BlankNode(prefix + term.value)
    if isinstance(term, Triple):
        return Triple(apart(term.subject, prefix), term.predicate, apart(term.object, prefix))
    return term


class QuadEncoder:
    """Quads of terms → rows of ids in a table, a batch at a time; `count` says how many there were.

    A term that is new in a batch stands in it as -1 - place until the batch ends; then all new ones are interned by
    one join.
    """

    def __init__(self, store: Store, label_prefix: str = "", default: NamedNode | None = None) -> None:
        """`label_prefix` is put before blank node labels; what has no graph goes to the graph `default`."""
        self._store = store
        self._label_prefix = label_prefix
        self._ids: dict[Term | DefaultGraph, int] = {}
        self._new: list[Term] = []
        self._keys: list[tuple[int, str, str]] = []
        self._default = default
        self._forget()
        self.count = 0

    def _forget(self) -> None:
        self._ids = {}
        self._ids[DefaultGraph()] = DEFAULT_GRAPH if self._default is None else self._place_of(self._default)

    def stage(self, quads: Iterable[Iterable[Term | DefaultGraph]], table: str) -> None:
        """Insert every (subject, predicate, object, graph) of `quads` into `table` (g, s, p, o)."""
        columns: tuple[list[int], ...] = ([], [], [], [])
        add_g, add_s, add_p, add_o = (column.append for column in columns)
        find, new = self._ids.get, self._place_of
        for s, p, o, g in quads:
            add_g(find(g) if g in self._ids else new(g))
            add_s(find(s) or new(s))
            add_p(find(p) or new(p))
            add_o(find(o) or new(o))
            if len(columns[0]) == BATCH:
                self._flush(columns, table)
                find = self._ids.get
        self._flush(columns, table)

    def _place_of(self, term: Term) -> int:
        """The id of a term seen for the first time: final where it is inlined, else its place among the new ones."""
        term_id = terms.inline(term, self._store.dictionary.templates)
        if term_id is None:
            self._new.append(term)
            self._keys.append(terms.dictionary_key(apart(term, self._label_prefix)))
            term_id = -len(self._new)
        self._ids[term] = term_id
        return term_id

    def _flush(self, columns: tuple[list[int], ...], table: str) -> None:
        if not columns[0]:
            return
        ids = np.array(self._interned(), dtype=np.int64)
        arrays = {}
        for name, column in zip("gspo", columns, strict=True):
            array = np.array(column, dtype=np.int64)
            is_new = array < 0
            array[is_new] = ids[-1 - array[is_new]]
            arrays[name] = array
        connection = self._store.connection
        with registered(connection, "kg_batch", pa.table(arrays)):
            connection.execute(f"INSERT INTO {table} SELECT g, s, p, o FROM kg_batch")
        self.count += len(columns[0])
        for column in columns:
            column.clear()
        if len(self._ids) > _REMEMBERED:
            self._forget()

    def _interned(self) -> list[int]:
        """The ids of the batch's new terms, in the order of their places."""
        if not self._new:
            return []
        tags, lexicals, extras = zip(*self._keys, strict=True)
        table = pa.table(
            {"place": np.arange(len(tags)), "tag": np.array(tags, dtype=np.int64), "lex": list(lexicals), "extra": list(extras)}
        )
        connection = self._store.connection
        with registered(connection, "kg_batch_terms", table):
            self._store.intern("SELECT tag, lex, extra FROM kg_batch_terms")
            rows = connection.execute(
                "SELECT d.id FROM kg_batch_terms t JOIN dictionary d ON d.lex = t.lex AND d.extra = t.extra "
                f"AND d.id >> {terms.TAG_BITS} = t.tag ORDER BY t.place"
            ).fetchnumpy()
        ids = rows["id"].tolist()
        self._ids.update(zip(self._new, ids, strict=True))
        if self._default is not None:
            self._ids[DefaultGraph()] = self._ids[self._default]
        self._new, self._keys = [], []
        return ids
