"""SPARQL-based constraints (sections 5 and 6) over all focus nodes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import count

from pyoxigraph import Literal, NamedNode

from kg.errors import KgError, ShapeError
from kg.shapes.compile import Nodes, Pairs, Statement, Validation
from kg.shapes.model import Shape, SparqlConstraint
from kg.shapes.sparql import is_set_at_a_time, over_table
from kg.sparql import algebra
from kg.sparql.algebra import Call, Var
from kg.sparql.relations import Table
from kg.sparql.substitute import substituted
from kg.sparql.values import ALL_TAGS, ID, Value
from kg.terms import Term

SHAPES_GRAPH = NamedNode("urn:x-guanxi:shapes-graph")  # the value of $shapesGraph


def statements(validation: Validation, focus: Nodes, pairs: Pairs, constraint: SparqlConstraint, shape: Shape) -> Iterator[Statement]:
    """The violations of a constraint in SPARQL; columns are the variables of its SELECT."""
    try:
        if constraint.is_ask:
            yield _ask(validation, pairs, constraint)
        else:
            yield from _select(validation, focus, constraint)
    except KgError as error:
        if isinstance(error, ShapeError):
            raise
        raise ShapeError("H108", f"the query of {shape.name} cannot be run: {error.message}", constraint.place, error.help, error.notes) from error


def _select(validation: Validation, focus: Nodes, constraint: SparqlConstraint) -> Iterator[Statement]:
    variables = [variable.name for variable in constraint.query.variables]
    names = ["this", *(name for name in variables if name != "this")]
    pattern = _prebound(validation, constraint)
    if is_set_at_a_time(pattern):
        statement = validation.compile(over_table(pattern, validation.focus_element(focus), focus.subjects_of), names)
        if statement is not None:
            _check_failure(validation, constraint, statement)
            yield statement
        return
    for (node,) in validation.rows(Statement(f"SELECT f FROM {focus.table}", {}, {"this": focus.focus})):
        statement = validation.compile(substituted(pattern, {"this": node}), names)
        if statement is not None:
            yield statement


def _check_failure(validation: Validation, constraint: SparqlConstraint, statement: Statement) -> None:
    """A solution with ?failure = true is a failure of the validation itself (section 5.3.2)."""
    if "failure" in statement.columns:
        place = list(statement.columns).index("failure")
        if any(row[place] == Literal(True) for row in validation.rows(statement)):
            raise ShapeError("H112", "a query of the shapes graph reports a failure", constraint.place, "its solution binds ?failure to true")


def _ask(validation: Validation, pairs: Pairs, constraint: SparqlConstraint) -> Statement:
    """Value nodes for which the ASK query has no solution (section 6.3)."""
    pattern = _prebound(validation, constraint)
    if is_set_at_a_time(pattern):
        statement = validation.compile(over_table(pattern, pairs.element()))
        if statement is None:
            return validation.rows_where(pairs, "true")
        conforming = validation.table(statement, ("f", "v"))
    else:
        conforming = _asked_one_by_one(validation, pairs, pattern)
    return validation.rows_where(pairs, f"NOT EXISTS (SELECT 1 FROM {conforming} AS c WHERE c.f = t.f AND c.v = t.{pairs.value.sql})")


def _asked_one_by_one(validation: Validation, pairs: Pairs, pattern: algebra.Pattern) -> str:
    """The pairs that conform, where the query counts or cuts solutions."""
    everything = validation.rows_where(pairs, "true")
    conforming = validation.table(replace(everything, sql=f"{everything.sql} AND false"), ("f", "v"))
    ids = validation.execute(everything.sql).fetchall()
    for (this_id, value_id), (this, value) in zip(ids, validation.rows(everything), strict=True):
        one = algebra.Slice(substituted(pattern, {"this": this, "value": value}), 0, 1)
        statement = validation.compile(one, ())
        if statement is not None and validation.execute(statement.sql.replace("SELECT DISTINCT  FROM", "SELECT 1 FROM"), statement.parameters).fetchone():
            validation.execute(f"INSERT INTO {conforming} VALUES ({this_id}, {value_id})")
    return conforming


# ── Pre-bound variables ──────────────────────────────────────────────────────────────────────────────────────


def _prebound(validation: Validation, constraint: SparqlConstraint) -> algebra.Pattern:
    """The query's pattern with parameters, $currentShape and $shapesGraph fixed."""
    bindings: dict[str, Term] = {**constraint.bindings}
    if _mentions(constraint.query, Var("shapesGraph")):
        bindings["shapesGraph"] = SHAPES_GRAPH
    pattern = substituted(constraint.query.pattern, bindings)
    if "shapesGraph" in bindings:
        pattern = _over_shapes_graph(pattern, _shapes_table(validation), count())
    return pattern


def _mentions(item: object, variable: Var) -> bool:
    if item == variable:
        return True
    if isinstance(item, tuple):
        return any(_mentions(part, variable) for part in item)
    return is_dataclass(item) and any(_mentions(getattr(item, field.name), variable) for field in fields(item))


def _shapes_table(validation: Validation) -> str:
    """The shapes graph as a table (s, p, o), its terms under ids of this validation where the data graph lacks them."""
    compiler = validation.compiler()
    rows = [
        tuple(compiler.constant(term).sql for term in (triple.subject, triple.predicate, triple.object))
        for triple in validation.shapes.document.triples()
    ]
    values = ", ".join(f"({s}, {p}, {o})" for s, p, o in rows)
    anything = Value(ID, "s", False)
    statement = Statement(f"SELECT s, p, o FROM (VALUES {values}) AS t(s, p, o)", {}, {name: replace(anything, sql=name) for name in "spo"})
    return validation.table(statement, ("s", "p", "o"))


def _over_shapes_graph(item: object, table: str, numbers: Iterator[int], is_inside: bool = False) -> object:
    """The pattern with `GRAPH $shapesGraph { … }` reading the table."""
    if isinstance(item, algebra.Graph) and item.name == SHAPES_GRAPH:
        return _over_shapes_graph(item.pattern, table, numbers, True)
    if isinstance(item, algebra.BGP) and is_inside:
        return _read_from(item, table, numbers)
    if isinstance(item, tuple):
        return tuple(_over_shapes_graph(part, table, numbers, is_inside) for part in item)
    if is_dataclass(item) and not isinstance(item, (type, Var)):
        return replace(item, **{field.name: _over_shapes_graph(getattr(item, field.name), table, numbers, is_inside) for field in fields(item)})
    return item


def _read_from(pattern: algebra.BGP, table: str, numbers: Iterator[int]) -> algebra.Pattern:
    elements: list[Table] = []
    tests: list[algebra.Expression] = []
    for triple in pattern.triples:
        if isinstance(triple, algebra.PathPattern):
            raise ShapeError("H109", "a property path cannot be followed in $shapesGraph", help="write its steps as triple patterns")
        columns = []
        for column, node in zip("spo", (triple.subject, triple.predicate, triple.object), strict=True):
            if isinstance(node, Var):
                name = node.name
            else:
                name = f"_:shapes{next(numbers)}"
                tests.append(Call("SAMETERM", (Var(name), node)))
            columns.append((name, column, ALL_TAGS, True))
        elements.append(Table(table, tuple(columns)))
    found: algebra.Pattern = algebra.BGP(tuple(elements))
    for test in tests:
        found = algebra.Filter(test, found)
    return found


