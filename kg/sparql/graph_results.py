"""Answers that are graphs: the triples of CONSTRUCT and DESCRIBE, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import LimitExceeded
from kg.sparql import algebra
from kg.sparql.active_graph import NoSolution, source
from kg.sparql.compile import CompiledQuery, dataset_of
from kg.sparql.compiler import Compiler
from kg.sparql.deadline import Clock, deadline
from kg.sparql.decode import Row
from kg.sparql.relations import Environment
from kg.sparql.values import Term
from kg.store import Store

# Resources that are described at a time, and rows of a description that are decoded at a time.
_RESOURCES, _ROWS = 2048, 16_384


class Triples:
    """The triples of a CONSTRUCT or DESCRIBE, each once; iterate it, once.

    More than `limit` are an error, or with `partial` are left out; `is_partial` tells so when all have been read.
    """

    def __init__(self, triples: Iterator[Triple], limit: int | None = None, partial: bool = False) -> None:
        self._triples, self._limit, self._partial = triples, limit, partial
        self.is_partial = False

    def __iter__(self) -> Iterator[Triple]:
        for count, triple in enumerate(self._triples):
            if count == self._limit:
                if self._partial:
                    self.is_partial = True
                    return
                raise LimitExceeded("Q401", f"the query makes more than {self._limit} triples", help="add LIMIT, or narrow the pattern")
            yield triple


def constructed(rows: Iterable[Row]) -> Iterator[Triple]:
    """Those rows of subject, predicate and object that are RDF triples (section 16.2)."""
    for subject, predicate, object_ in rows:
        if isinstance(subject, (NamedNode, BlankNode)) and isinstance(predicate, NamedNode) and object_ is not None:
            yield Triple(subject, predicate, object_)


def described(
    store: Store, compiled: CompiledQuery, rows: Iterable[Row], strict: bool, bindings: Mapping[str, Term] | None, clock: Clock
) -> Iterator[Triple]:
    """DESCRIBE (section 16.4): the concise bounded description of each resource, its triples and those of the blank nodes that they lead to."""
    query = compiled.query
    compiler = Compiler(store)
    compiler.dataset = dataset_of(compiler, query.dataset, strict)
    try:
        table, conditions = source(compiler, Environment(), None, "t")
    except NoSolution:
        return
    statement = f"SELECT t.s, t.p, t.o FROM {table} AS t WHERE {' AND '.join([*conditions, 't.s IN (SELECT unnest($ids::BIGINT[]))'])}"
    done: set[int] = set()
    wanted = _resources(compiled, rows, bindings)
    while chunk := list(islice(wanted, _RESOURCES)):
        frontier = {found for found in store.lookup_many(list(dict.fromkeys(chunk))) if found is not None} - done
        while frontier:
            done |= frontier
            nodes: set[int] = set()
            for triple, object_id in _about(store, statement, frontier, clock):
                if isinstance(triple.object, BlankNode):
                    nodes.add(object_id)
                yield triple
            frontier = nodes - done


def _resources(compiled: CompiledQuery, rows: Iterable[Row], bindings: Mapping[str, Term] | None) -> Iterator[Term]:
    query = compiled.query
    names = {node.name for node in query.terms if isinstance(node, algebra.Var)}
    yield from (node for node in query.terms if not isinstance(node, algebra.Var))
    yield from (term for name, term in (bindings or {}).items() if name in names)
    places = [place for place, name in enumerate(compiled.columns) if name in names]
    for row in rows if places else ():
        yield from (row[place] for place in places if row[place] is not None and not isinstance(row[place], Literal))


def _about(store: Store, statement: str, subjects: set[int], clock: Clock) -> Iterator[tuple[Triple, int]]:
    """The triples of these subjects, with the id of each object."""
    cursor = store.cursor()
    try:
        with deadline(cursor, clock.remaining(), stop=clock.stop, of=clock.seconds) as check:
            cursor.execute(statement, {"ids": list(subjects)})
            while batch := cursor.fetchmany(_ROWS):
                known = store.decode({term_id for row in batch for term_id in row})
                yield from ((Triple(known[s], known[p], known[o]), o) for s, p, o in batch)
                check()
    finally:
        cursor.close()
