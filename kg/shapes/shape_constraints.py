"""Constraints that refer to other shapes (sections 4.6, 4.7): sh:not, sh:and, sh:or, sh:xone, sh:node, qualified value shapes.

For each shape referred to, the value nodes that fail it are one relation, made bottom-up; the constraint is a join with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from kg.shapes.compile import Pairs, Statement, Validation
from kg.shapes.model import Constraint, Node, Shape


def failing_values(validation: Validation, pairs: Pairs, node: Node) -> str | None:
    """The table (f) of those value nodes that do not conform to the shape; None where all do."""
    focus = validation.distinct_values(pairs)
    if focus is None:
        return None
    found = validation.failing(validation, validation.shapes.shapes[node], focus)
    return found.table if found is not None else None


def _fails(validation: Validation, pairs: Pairs, node: Node) -> str:
    """SQL over the pairs' table, alias t: whether the value node does not conform."""
    table = failing_values(validation, pairs, node)
    return "false" if table is None else f"EXISTS (SELECT 1 FROM {table} AS x WHERE x.f = t.{pairs.value.sql})"


def _each_fails(validation: Validation, pairs: Pairs, nodes: Iterable[Node]) -> list[str]:
    return [_fails(validation, pairs, node) for node in nodes]


def node(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    return validation.rows_where(pairs, _fails(validation, pairs, constraint.value))


def not_(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    return validation.rows_where(pairs, f"NOT {_fails(validation, pairs, constraint.value)}")


def and_(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    return validation.rows_where(pairs, " OR ".join(_each_fails(validation, pairs, constraint.value)) or "false")


def or_(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    return validation.rows_where(pairs, " AND ".join(_each_fails(validation, pairs, constraint.value)) or "true")


def xone(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes that conform to none of the shapes, or to more than one."""
    conforming = [f"(NOT {fails})::INTEGER" for fails in _each_fails(validation, pairs, constraint.value)]
    return validation.rows_where(pairs, f"({' + '.join(conforming) or '0'}) <> 1")


def qualified(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape, focus: str) -> Statement:
    """Focus nodes with too few or too many values that conform to a shape, and to no sibling shape (section 4.7.3)."""
    tests = [f"NOT {_fails(validation, pairs, constraint.value)}", *_each_fails(validation, pairs, constraint.options["siblings"])]
    operator = "<" if constraint.component == "QualifiedMinCount" else ">"
    sql = (
        f"WITH matching AS MATERIALIZED (SELECT t.f AS f, count(*) AS n FROM {pairs.table} AS t WHERE {' AND '.join(tests)} GROUP BY t.f) "
        f"SELECT t.f AS f FROM {focus} AS t LEFT JOIN matching AS m ON m.f = t.f WHERE coalesce(m.n, 0) {operator} {constraint.options['count']}"
    )
    return Statement(sql, {}, {"this": pairs.focus.named("f")})
