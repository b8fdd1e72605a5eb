"""`validate`: a shapes graph against a data graph, as a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat

import duckdb
from pyoxigraph import BlankNode, Literal, NamedNode

from kg.shapes.affected import Extent
from kg.shapes.compile import Nodes, Pairs, Statement, Validation
from kg.shapes.constraints import failing, violations
from kg.shapes.dependencies import Key, key_of
from kg.shapes.messages import default_messages, filled_in
from kg.shapes.model import Constraint, Node, Shape, ShapesGraph, SparqlConstraint
from kg.shapes.paths import path_text
from kg.shapes.report import ValidationReport, ValidationResult
from kg.shapes.targets import focus_nodes
from kg.shapes.vocabulary import component
from kg.sparql.compiler import Dataset
from kg.store import Store
from kg.terms import Term


def validate(
    store: Store,
    shapes: ShapesGraph,
    *,
    graphs: Iterable[str] | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
    abort: bool = False,
) -> ValidationReport:
    """Check the union of all graphs, or of the named `graphs`, against the shapes (SHACL, section 3).

    `connection` is `store.connection` inside a transaction, whose writes are then seen. With `abort` the first shape with
    results is the last to be looked at.

    >>> from kg.shapes import load_shapes
    >>> shapes = load_shapes(b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetNode <urn:a> ; sh:nodeKind sh:Literal .")
    >>> validate(Store.memory(), shapes).conforms
    False
    """
    without_focus: list[str] = []
    results: list[ValidationResult] = []
    with _validation(store, shapes, graphs, connection) as validation:
        for shape in shapes.roots:
            with validation.scope():
                focus = focus_nodes(validation, shape)
                without_focus += [shape.name] if focus is None else []
                results += _results(validation, shape, focus) if focus is not None else ()
            if abort and results:
                break
    return ValidationReport(tuple(results), tuple(shape.name for shape in shapes.roots), tuple(without_focus), dict(shapes.document.prefixes))


def revalidate(
    store: Store, shapes: ShapesGraph, extent: Extent, *, graphs: Iterable[str] | None = None, connection: duckdb.DuckDBPyConnection | None = None
) -> list[ValidationResult]:
    """The results of what `affected.extent` says that a change can touch; those of an earlier report that it covers are to go.

    `connection` sees the extent's table of nodes.
    """
    results: list[ValidationResult] = []
    if extent.is_empty:
        return results
    with _validation(store, shapes, graphs, connection) as validation:
        validation.extent = extent
        for is_partial, keys in ((True, extent.local), (False, extent.whole)):
            wanted = Wanted(shapes, keys)
            for shape in shapes.roots:
                if wanted.is_below(shape):
                    with validation.scope():
                        focus = focus_nodes(validation, shape, is_partial)
                        results += _results(validation, shape, focus, wanted=wanted) if focus is not None else ()
    return results


@contextmanager
def _validation(
    store: Store, shapes: ShapesGraph, graphs: Iterable[str] | None, connection: duckdb.DuckDBPyConnection | None
) -> Iterator[Validation]:
    if connection is not None and not store.read_only:
        store.refresh()  # statistics as of now, which constraints are compiled with
    dataset = Dataset()
    if graphs is not None:
        known = store.lookup_many([NamedNode(iri) for iri in graphs])
        dataset = Dataset(default=tuple(found for found in known if found is not None))
    store.lookup_many(list({term for triple in shapes.document.triples() for term in triple if not isinstance(term, BlankNode)}))  # at once, to be kept
    cursor = connection or store.cursor()
    validation = Validation(store, shapes, cursor, dataset, failing)
    try:
        yield validation
    finally:
        validation.close()
        if connection is None:
            cursor.close()


@dataclass
class Wanted:
    """Those checks that are to be done."""

    shapes: ShapesGraph
    keys: frozenset[Key]
    _below: dict[Node, bool] = field(default_factory=dict)

    def is_below(self, shape: Shape) -> bool:
        """Whether the shape, or a property shape of it, has one of the checks."""
        if shape.node not in self._below:
            self._below[shape.node] = not shape.is_deactivated and any(
                self.is_below(self.shapes.shapes[constraint.value]) if _is_property(constraint) else key_of(shape, constraint) in self.keys
                for constraint in shape.constraints
            )
        return self._below[shape.node]


def _is_property(constraint: Constraint | SparqlConstraint) -> bool:
    return isinstance(constraint, Constraint) and constraint.component == "Property"


def _results(
    validation: Validation, shape: Shape, focus: Nodes, reached: str | None = None, wanted: Wanted | None = None
) -> Iterator[ValidationResult]:
    """The results of one shape, and of the property shapes that it has, for a set of focus nodes.

    `reached` is the table (f, n) of focus nodes that other shapes reach n > 1 times: their results are reported as often
    (the W3C suite, property-001). `wanted` leaves checks out.
    """
    if shape.is_deactivated or not shape.constraints:
        return
    pairs = validation.values(shape, focus)
    times = _times(validation, focus, reached)
    for constraint in shape.constraints:
        if _is_property(constraint):
            inner_shape = validation.shapes.shapes[constraint.value]
            inner = validation.distinct_values(pairs) if wanted is None or wanted.is_below(inner_shape) else None
            if inner is not None:
                with validation.scope():
                    yield from _results(validation, inner_shape, inner, _reached(validation, pairs, reached), wanted)
        elif wanted is None or key_of(shape, constraint) in wanted.keys:
            for result in _Maker(validation, shape, constraint).results(focus, pairs):
                yield from repeat(result, times.get(result.focus_node, 1))


def _reached(validation: Validation, pairs: Pairs, outer: str | None) -> str | None:
    """The value nodes that belong to more than one focus node, with their number."""
    if pairs.value.sql == pairs.focus.sql:
        return outer
    number, join = ("sum(coalesce(w.n, 1))", f"LEFT JOIN {outer} AS w ON w.f = p.f") if outer else ("count(*)", "")
    value = pairs.value.sql
    sql = f"SELECT p.{value} AS f, {number}::BIGINT AS n FROM {pairs.table} AS p {join} GROUP BY p.{value} HAVING {number} > 1"
    table = validation.table(Statement(sql, {}, {"this": pairs.value.named("f"), "n": pairs.value.named("n")}), ("f", "n"))
    return None if validation.is_empty(table) else table


def _times(validation: Validation, focus: Nodes, reached: str | None) -> dict[Term, int]:
    if reached is None:
        return {}
    rows = validation.execute(f"SELECT f, n FROM {reached} ORDER BY f").fetchall()
    nodes = validation.rows(Statement(f"SELECT f FROM {reached} ORDER BY f", {}, {"this": focus.focus.named("f")}))
    return {node: number for (node,), (_, number) in zip(nodes, rows, strict=True)}


@dataclass(frozen=True)
class _Maker:
    """Makes the results of one constraint out of its rows."""

    validation: Validation
    shape: Shape
    constraint: Constraint | SparqlConstraint

    def results(self, focus: Nodes, pairs: Pairs) -> Iterator[ValidationResult]:
        found = []
        for statement in violations(self.validation, self.constraint, self.shape, focus, pairs):
            names = list(statement.columns)
            found += [self._result(dict(zip(names, row, strict=True))) for row in self.validation.rows(statement)]
        return iter(sorted(found, key=lambda result: (str(result.focus_node), str(result.value), str(result.path))))

    def _result(self, row: dict[str, Term | None]) -> ValidationResult:
        shape, constraint = self.shape, self.constraint
        is_sparql = isinstance(constraint, SparqlConstraint)
        path = row.get("path") if isinstance(row.get("path"), NamedNode) else shape.path_node
        value = row.get("value")
        if value is None and shape.path is None and is_sparql:
            value = row["this"]  # a node shape's value node is the focus node (section 5.3.2)
        return ValidationResult(
            focus_node=row["this"],
            path=path,
            value=value,
            source_shape=shape.node,
            component=constraint.component if is_sparql else component(constraint.component),
            severity=shape.severity,
            messages=self._messages(row),
            source_constraint=constraint.node if is_sparql else None,
            path_triples=shape.path_triples if path == shape.path_node else (),
            path_text=self._path_text(path),
            shape_name=shape.name,
        )

    def _path_text(self, path: Term | None) -> str | None:
        document = self.validation.shapes.document
        if path is None:
            return None
        if not isinstance(path, NamedNode):
            return path_text(self.shape.path, document)
        return document.name(path)

    def _messages(self, row: dict[str, Term | None]) -> tuple[Literal, ...]:
        shape, constraint, document = self.shape, self.constraint, self.validation.shapes.document
        known: dict[str, object] = {name: value for name, value in row.items() if value is not None}
        known.setdefault("path", self._path_text(shape.path_node))
        if isinstance(constraint, SparqlConstraint):
            known |= {name: value for name, value in constraint.bindings.items() if name != "currentShape"}
            templates = constraint.messages or shape.messages
            if isinstance(row.get("message"), Literal):
                templates = (row["message"],)
        else:
            parameter = constraint.component[0].lower() + constraint.component[1:]
            known |= {parameter: constraint.value, **constraint.options}
            templates = shape.messages
        if not templates:
            return default_messages(constraint, known, document)
        return tuple(filled_in(template, known, document) for template in templates)
