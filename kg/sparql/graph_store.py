"""Changes of one whole graph, as the Graph Store HTTP Protocol wants them (SPARQL 1.1, sections 5.3 to 5.7): put, drop, patch.

The codes, besides those of updates (Q501 and on): 521 a document or a patch is about other graphs than the one that is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode, RdfFormat

from kg.errors import QueryError
from kg.sparql.algebra import DeleteData, InsertData, Modify, Operation, QuadPattern, Update
from kg.sparql.edits import Edits
from kg.sparql.parser import parse_update
from kg.sparql.update import update
from kg.store import Store, documents
from kg.store.documents import Source
from kg.terms import DEFAULT_GRAPH

# What the store's catalogue says of a graph: id, iri, owner, revision, triples.
Catalogued = Mapping[str, object]
# Called with the graph as it is, or None, before anything is changed; raises where it is not as the client expects.
Expectation = Callable[[Catalogued | None], None]


@dataclass(frozen=True)
class GraphReport:
    """What was done to the graph `graph` (None: the default graph), and whether it was there before."""

    graph: str | None
    existed: bool
    inserted: int
    deleted: int


def catalogued(store: Store, graph: str | None) -> Catalogued | None:
    """What the catalogue says of a graph; the default graph (None) is always there, be it empty."""
    found = next((each for each in store.graphs() if each["iri"] == (graph or "")), None)
    return found if found or graph else {"id": DEFAULT_GRAPH, "iri": "", "owner": None, "revision": 0, "triples": 0}


def put(
    store: Store,
    graph: str | None,
    sources: Iterable[tuple[Source, RdfFormat]],
    *,
    merge: bool = False,
    base: str | None = None,
    expect: Expectation | None = None,
) -> GraphReport:
    """Make documents the content of a graph, or `merge` them into it; all or nothing.

    Each document has its own blank nodes. A document with named graphs is refused (Q521).
    """
    with store.transaction():
        found = _begin(store, graph, expect)
        edits = Edits(store)
        graph_id = _open(edits, graph)
        if not merge:
            edits.clear([graph_id])
        for source, syntax in sources:
            with documents.staged(store, source, format=syntax, base=base or graph, graph=graph):
                _refuse_other_graphs(store, graph_id)
                edits.insert("SELECT DISTINCT g, s, p, o FROM kg_document")
    return GraphReport(graph, found is not None, edits.inserted, edits.deleted)


def drop(store: Store, graph: str | None, *, expect: Expectation | None = None) -> GraphReport:
    """Take a graph away; the default graph is emptied. Without effect on a graph that is not there."""
    with store.transaction():
        found = _begin(store, graph, expect)
        edits = Edits(store)
        if found is not None:
            edits.drop([found["id"]])
    return GraphReport(graph, found is not None, edits.inserted, edits.deleted)


def patch(
    store: Store,
    graph: str | None,
    text: str,
    *,
    base: str | None = None,
    prefixes: Mapping[str, str] | None = None,
    timeout: float | None = None,
    expect: Expectation | None = None,
) -> GraphReport:
    """Do an update whose triples without GRAPH are those of this graph; one that writes elsewhere is refused (Q521)."""
    operations = parse_update(text, base, prefixes).operations
    with store.transaction():
        found = _begin(store, graph, expect)
        _open(Edits(store), graph)
        target = NamedNode(graph) if graph else None
        report = update(store, Update(tuple(_within(operation, target) for operation in operations)), base=base, prefixes=prefixes, timeout=timeout)
    return GraphReport(graph, found is not None, report.inserted, report.deleted)


def _begin(store: Store, graph: str | None, expect: Expectation | None) -> Catalogued | None:
    found = catalogued(store, graph)
    if expect is not None:
        expect(found)
    return found


def _open(edits: Edits, graph: str | None) -> int:
    """The id of a graph that may be written to, catalogued if it is new."""
    if graph is None:
        return DEFAULT_GRAPH
    edits.create(graph)
    graph_id = edits.store.graph_id(graph)
    edits.guard([graph_id])
    return graph_id


def _refuse_other_graphs(store: Store, graph_id: int) -> None:
    if store.connection.execute("SELECT 1 FROM kg_document WHERE g <> ? LIMIT 1", [graph_id]).fetchone():
        raise QueryError("Q521", "the document has named graphs, but is to become a single one", help="send each graph by itself, or load the document with kg load")


def _within(operation: Operation, graph: NamedNode | None) -> Operation:
    """The operation with its templates in this graph."""
    if isinstance(operation, (InsertData, DeleteData)):
        return replace(operation, quads=_quads_within(operation.quads, graph))
    if isinstance(operation, Modify) and operation.with_graph in (None, graph):
        delete, insert = (_quads_within(quads, graph) for quads in (operation.delete, operation.insert))
        return replace(operation, delete=delete, insert=insert, with_graph=graph)
    raise _elsewhere()


def _quads_within(quads: tuple[QuadPattern, ...], graph: NamedNode | None) -> tuple[QuadPattern, ...]:
    if any(quad.graph not in (None, graph) for quad in quads):
        raise _elsewhere()
    return tuple(replace(quad, graph=graph) for quad in quads)


def _elsewhere() -> QueryError:
    return QueryError(
        "Q521", "the patch writes to other graphs than the one it is sent to",
        help="use INSERT DATA, DELETE DATA and DELETE/INSERT without GRAPH, or send the update to /sparql",
    )  # fmt: skip
