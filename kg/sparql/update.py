"""Running an update (SPARQL 1.1 Update): `update` does all operations of a request in one transaction, or none.

The codes besides those of the parser (Q1…) and of compiled patterns (Q3…, Q4…):

    501 a graph belongs to a build      502 there is no such graph         503 the graph is there already
    504 LOAD may not read the document  505 LOAD cannot read the document  506 the dataset is given twice
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from kg.errors import QueryError
from kg.sparql import algebra, compiler
from kg.sparql.algebra import DeleteData, GraphOperation, InsertData, Load, Modify, Operation, QuadPattern
from kg.sparql.compile import compile_pattern
from kg.sparql.deadline import Clock, Stop, deadline
from kg.sparql.edits import Edits
from kg.sparql.graph_management import Loader, files_within, load, manage
from kg.sparql.parser import parse_update
from kg.sparql.quad_templates import ground_rows, template_rows, variables_of
from kg.sparql.services import Services
from kg.sparql.solution_table import TABLE, solutions
from kg.sparql.substitute import substituted
from kg.sparql.values import Term
from kg.store import Store

__all__ = ["Loader", "UpdateReport", "files_within", "update"]


@dataclass(frozen=True)
class UpdateReport:
    """How many quads came and went, and the graphs written to by their IRIs, "" for the default graph.

    `notes` say what the writer of the request may not have meant; `followed` are the numbers of conclusions that came and
    went with it, None where conclusions were left as they are.
    """

    inserted: int
    deleted: int
    graphs: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    followed: tuple[int, int] | None = None
    validation: object = None  # what a guard found, where there is one: kg.validation.GuardReport


def update(
    store: Store,
    request: str | algebra.Update,
    *,
    bindings: Mapping[str, Term] | None = None,
    strict: bool = False,
    base: str | None = None,
    prefixes: Mapping[str, str] | None = None,
    dataset: algebra.Dataset | None = None,
    timeout: float | None = None,
    loader: Loader | None = None,
    allow_owned: bool = False,
    services: Services | None = None,
    file: str | None = None,
    stop: Stop | None = None,
) -> UpdateReport:
    """Do a request, all or nothing.

    Without GRAPH or WITH, templates write to the default graph; patterns read the union of all graphs, or the default
    graph alone where `strict`. `bindings` fixes variables of patterns and templates to terms. `dataset` takes the place of
    USING and USING NAMED in all operations (SPARQL 1.1 Protocol, 2.2.3). `timeout` is in seconds (QueryTimeout).
    `loader` says what LOAD may read, see `files_within`; without one it reads nothing. The graphs that a build owns are
    refused (Q501) unless `allow_owned`. `services` are the endpoints that SERVICE may ask; without them it may ask none. `file` names the request's file in errors.
    By `stop` another thread can end it.

    >>> with Store.memory() as store:
    ...     update(store, "INSERT DATA { <urn:a> <urn:p> 1, 2 }").inserted
    2
    """
    started = time.perf_counter()
    clock = Clock(timeout, "update", stop)
    text = request if isinstance(request, str) else None
    operations = (parse_update(request, base, prefixes, file, clock.check) if isinstance(request, str) else request).operations
    if dataset is not None and dataset.is_given:
        _refuse_dataset_given_twice(operations)
    with store.transaction(), deadline(store.connection, clock.remaining(), "update", stop, of=timeout) as check_time:
        run = _Run(Edits(store, allow_owned, check_time), dict(bindings or {}), strict, base, text, dataset, loader, (services or Services()).until(timeout, stop))
        for kind, group in groupby(operations, type):
            run.operations(kind, list(group))
        store.refresh()
        names = run.edits.graph_names()
    return UpdateReport(run.edits.inserted, run.edits.deleted, names, time.perf_counter() - started, tuple(run.edits.notes))


def _refuse_dataset_given_twice(operations: tuple[Operation, ...]) -> None:
    if any(isinstance(operation, Modify) and (operation.using.is_given or operation.with_graph) for operation in operations):
        raise QueryError(
            "Q506", "the request has USING or WITH, and a dataset was given beside it as well",
            help="leave out using-graph-uri and using-named-graph-uri, or USING and WITH",
        )  # fmt: skip


@dataclass
class _Run:
    """One request while it runs."""

    edits: Edits
    bindings: dict[str, Term]
    strict: bool
    base: str | None
    text: str | None
    dataset: algebra.Dataset | None
    loader: Loader | None
    services: Services

    @property
    def store(self) -> Store:
        return self.edits.store

    def operations(self, kind: type, group: list[Operation]) -> None:
        """Consecutive operations of one kind; data of several operations is written at once."""
        if kind is InsertData:
            quads = [quad for operation in group for quad in operation.quads]
            prefix = self.store.blank_node_prefix() if next(variables_of(quads), None) else ""
            self.edits.insert(ground_rows(quads, prefix, self.store.encode))
        elif kind is DeleteData:
            quads = [quad for operation in group for quad in operation.quads]
            self.edits.delete(ground_rows(quads, "", self.store.lookup_many))
        else:
            for operation in group:
                self._operation(operation)

    def _operation(self, operation: Modify | GraphOperation | Load) -> None:
        self.edits.check_time()
        if isinstance(operation, Modify):
            self._modify(operation)
        elif isinstance(operation, GraphOperation):
            manage(self.edits, operation)
        else:
            load(self.edits, operation, self.loader)

    # ── DELETE/INSERT … WHERE (section 3.1.3) ────────────────────────────────────────────────────────────────

    def _modify(self, operation: Modify) -> None:
        """Both templates are filled in from the same solutions; deletions come first (section 4.2.3)."""
        self.store.refresh()  # the pattern reads what earlier operations have written, and the compiler its statistics
        delete, insert = (_in_graph(quads, operation.with_graph) for quads in (operation.delete, operation.insert))
        wanted = dict.fromkeys(variable for variable in variables_of((*delete, *insert)) if variable.name not in self.bindings)
        pattern = algebra.Project(substituted(operation.pattern, self.bindings), tuple(v for v in wanted if not v.is_anonymous))
        compiled = compile_pattern(pattern, self.store, dataset=self._dataset(operation), text=self.text, base=self.base, services=self.services)
        if compiled.is_empty:
            return
        columns = solutions(self.store, compiled, [v for v in wanted if v.is_anonymous])
        if rows := template_rows(delete, columns, self.bindings, self.store.lookup_many):
            self.edits.delete(rows)
        if rows := template_rows(insert, columns, self.bindings, self.store.encode):
            self.edits.insert(rows)
        self.store.connection.execute(f"DROP TABLE {TABLE}")

    def _dataset(self, operation: Modify) -> compiler.Dataset:
        """USING, or else WITH, or else the whole store (section 3.1.3)."""
        using = self.dataset if self.dataset is not None and self.dataset.is_given else operation.using
        if using.is_given:
            return compiler.Dataset(self.strict, self._graph_ids(using.default), self._graph_ids(using.named))
        if operation.with_graph is not None:
            return compiler.Dataset(self.strict, self._graph_ids((operation.with_graph,)), None)
        return compiler.Dataset(self.strict)

    def _graph_ids(self, iris: tuple[algebra.NamedNode, ...]) -> tuple[int, ...]:
        return tuple(graph_id for graph_id in self.store.lookup_many(iris) if graph_id is not None)


def _in_graph(quads: tuple[QuadPattern, ...], graph: algebra.NamedNode | None) -> list[QuadPattern]:
    """A template whose triples without GRAPH are in the graph of WITH."""
    return [quad if quad.graph is not None else QuadPattern(quad.subject, quad.predicate, quad.object, graph) for quad in quads]
