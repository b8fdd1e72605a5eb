"""Graph management (SPARQL 1.1 Update, section 3.2) and LOAD (3.1.4) over the store's catalogue of graphs.

Empty graphs are recorded, so CREATE of a graph that is there, and CLEAR, DROP, ADD, MOVE, COPY of one that is not, fail
unless SILENT says otherwise. SILENT does not open a graph that a build owns.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pyoxigraph import RdfFormat

from kg.errors import KgError, QueryError
from kg.sparql.algebra import GraphOperation, GraphTarget, Load
from kg.sparql.edits import Edits
from kg.store import documents
from kg.terms import DEFAULT_GRAPH

# What LOAD may read: for a document's IRI its path, or its bytes and their format; raises KgError or OSError where it may not.
Loader = Callable[[str], Path | tuple[bytes, str | RdfFormat]]


# ── CREATE, CLEAR, DROP, ADD, MOVE, COPY ─────────────────────────────────────────────────────────────────────


def manage(edits: Edits, operation: GraphOperation) -> None:
    """Do one operation on whole graphs; QueryError Q502 where a graph is missing, Q503 where it is there already."""
    try:
        _OPERATIONS[operation.name](edits, operation)
    except _Unmet as problem:
        if not operation.silent:
            raise problem.error from None


class _Unmet(Exception):
    """A condition of an operation that SILENT does without."""

    def __init__(self, error: QueryError) -> None:
        super().__init__(error.message)
        self.error = error


def _create(edits: Edits, operation: GraphOperation) -> None:
    iri = operation.target.iri.value
    if not edits.create(iri):
        raise _Unmet(QueryError("Q503", f"CREATE: there is a graph <{iri}> already", help="leave CREATE out, or write CREATE SILENT"))


def _clear(edits: Edits, operation: GraphOperation) -> None:
    edits.clear(_targets(edits, operation))


def _drop(edits: Edits, operation: GraphOperation) -> None:
    edits.drop(_targets(edits, operation))


def _add(edits: Edits, operation: GraphOperation) -> None:
    source, into = _ends(edits, operation)
    if source != into:
        edits.insert(_copy_of(source, into))


def _copy(edits: Edits, operation: GraphOperation) -> None:
    source, into = _ends(edits, operation)
    if source != into:
        edits.clear([into])
        edits.insert(_copy_of(source, into))


def _move(edits: Edits, operation: GraphOperation) -> None:
    source, into = _ends(edits, operation)
    if source != into:
        _copy(edits, operation)
        edits.drop([source])


_OPERATIONS = {"CREATE": _create, "CLEAR": _clear, "DROP": _drop, "ADD": _add, "COPY": _copy, "MOVE": _move}


def _copy_of(source: int, into: int) -> str:
    return f"SELECT {into}::BIGINT AS g, s, p, o FROM quads WHERE g = {source}"


def _targets(edits: Edits, operation: GraphOperation) -> list[int]:
    """The ids of the graphs that CLEAR or DROP means."""
    target = operation.target
    if target.kind in ("GRAPH", "DEFAULT"):
        return [_existing(edits, operation, target)]
    return [graph["id"] for graph in edits.store.graphs() if target.kind == "ALL" or graph["id"] != DEFAULT_GRAPH]


def _ends(edits: Edits, operation: GraphOperation) -> tuple[int, int]:
    """The ids of the source and the destination, which is created if need be."""
    source = _existing(edits, operation, operation.target)
    if operation.into.kind == "DEFAULT":
        return source, DEFAULT_GRAPH
    edits.create(operation.into.iri.value)
    return source, edits.store.lookup(operation.into.iri)


def _existing(edits: Edits, operation: GraphOperation, target: GraphTarget) -> int:
    if target.kind == "DEFAULT":
        return DEFAULT_GRAPH
    graph_id = edits.store.lookup(target.iri)
    if any(graph["id"] == graph_id for graph in edits.store.graphs()):
        return graph_id
    name = operation.name
    raise _Unmet(QueryError("Q502", f"{name}: there is no graph {target.iri}", help=f"kg status lists the graphs; {name} SILENT does without"))


# ── LOAD ─────────────────────────────────────────────────────────────────────────────────────────────────────


def load(edits: Edits, operation: Load, loader: Loader | None) -> None:
    """Add the triples of a document; QueryError Q504 where it may not be read, Q505 where it cannot be."""
    into = operation.into.value if operation.into else None
    with ExitStack() as stack:
        try:
            stack.enter_context(_document(edits, operation.source.value, into, loader))
        except (KgError, OSError) as error:
            if operation.silent:
                return
            raise _load_error(operation.source.value, error) from error
        if into is not None:
            edits.create(into)
        edits.insert("SELECT g, s, p, o FROM kg_document")


def _document(edits: Edits, iri: str, into: str | None, loader: Loader | None) -> AbstractContextManager:
    """The document's quads in the table kg_document."""
    if loader is None:
        raise QueryError("Q504", f"LOAD <{iri}>: this request may not read documents", help="load the file with kg load, or allow its folder")
    found = loader(iri)
    source, syntax = found if isinstance(found, tuple) else (found, None)
    return documents.staged(edits.store, source, format=syntax, base=iri, graph=into)


def _load_error(iri: str, error: KgError | OSError) -> QueryError:
    if isinstance(error, QueryError):
        return error
    if isinstance(error, KgError):
        return QueryError("Q505", f"LOAD <{iri}>: {error.message}", error.location, error.help, error.notes)
    return QueryError("Q505", f"LOAD <{iri}>: {error.strerror or error}", help="check the address of the document")


def files_within(*folders: str | os.PathLike[str]) -> Loader:
    """A loader of `file:` IRIs that lie in these folders, links resolved; all others are refused with Q504.

    >>> files_within("/tmp")("file:///etc/passwd")
    Traceback (most recent call last):
    kg.errors.QueryError: error Q504: LOAD <file:///etc/passwd>: the address lies in none of the allowed folders
      allowed: /tmp
      help: move the document into one of them, or allow its folder
    """
    allowed = [Path(folder).resolve() for folder in folders]

    def find(iri: str) -> Path:
        parts = urlsplit(iri)
        path = Path(url2pathname(parts.path)).resolve()
        if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not any(path.is_relative_to(folder) for folder in allowed):
            raise QueryError(
                "Q504", f"LOAD <{iri}>: the address lies in none of the allowed folders", notes=[f"allowed: {folder}" for folder in allowed],
                help="move the document into one of them, or allow its folder",
            )  # fmt: skip
        return path

    return find
