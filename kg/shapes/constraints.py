"""Which function checks which constraint component, and which nodes fail a shape."""

from __future__ import annotations

from collections.abc import Iterator

from kg.shapes import set_constraints, shape_constraints, value_constraints
from kg.shapes.compile import Nodes, Pairs, Statement, Validation
from kg.shapes.model import Constraint, Shape, SparqlConstraint
from kg.shapes.shape_constraints import failing_values
from kg.shapes.sparql_constraints import statements as sparql_statements

_OF_VALUES = {
    "Class": value_constraints.class_,
    "Datatype": value_constraints.datatype,
    "NodeKind": value_constraints.node_kind,
    "MinExclusive": value_constraints.value_range,
    "MinInclusive": value_constraints.value_range,
    "MaxExclusive": value_constraints.value_range,
    "MaxInclusive": value_constraints.value_range,
    "MinLength": value_constraints.length,
    "MaxLength": value_constraints.length,
    "Pattern": value_constraints.pattern,
    "LanguageIn": value_constraints.language_in,
    "UniqueLang": set_constraints.unique_lang,
    "MaxCount": set_constraints.max_count,
    "Disjoint": set_constraints.disjoint,
    "LessThan": set_constraints.less_than,
    "LessThanOrEquals": set_constraints.less_than,
    "Closed": set_constraints.closed,
    "In": set_constraints.in_,
    "Node": shape_constraints.node,
    "Not": shape_constraints.not_,
    "And": shape_constraints.and_,
    "Or": shape_constraints.or_,
    "Xone": shape_constraints.xone,
}
# These can be violated by focus nodes without any value node.
_OF_FOCUS = {
    "MinCount": set_constraints.min_count,
    "Equals": set_constraints.equals,
    "HasValue": set_constraints.has_value,
    "QualifiedMinCount": shape_constraints.qualified,
    "QualifiedMaxCount": shape_constraints.qualified,
}


def violations(validation: Validation, constraint: Constraint | SparqlConstraint, shape: Shape, focus: Nodes, pairs: Pairs) -> Iterator[Statement]:
    """The statements whose rows are the violations of one constraint, sh:property apart."""
    if isinstance(constraint, SparqlConstraint):
        yield from sparql_statements(validation, focus, pairs, constraint, shape)
        return
    if constraint.component in _OF_FOCUS:
        statement = _OF_FOCUS[constraint.component](validation, pairs, constraint, shape, focus.table)
    else:
        statement = _OF_VALUES[constraint.component](validation, pairs, constraint, shape)
    if statement is not None:
        yield statement


def failing(validation: Validation, shape: Shape, focus: Nodes) -> Nodes | None:
    """The focus nodes that do not conform to a shape (section 3.4.2); None where all do."""
    if shape.is_deactivated or not shape.constraints:
        return None
    key = (shape.node, focus.table)
    if key not in validation.failures:
        validation.failures[key] = _failing(validation, shape, focus)
    return validation.failures[key]


def _failing(validation: Validation, shape: Shape, focus: Nodes) -> Nodes | None:
    pairs = validation.values(shape, focus)
    found: list[Statement] = []
    for constraint in shape.constraints:
        if isinstance(constraint, Constraint) and constraint.component == "Property":
            table = failing_values(validation, pairs, constraint.value)
            if table is not None:
                found.append(validation.rows_where(pairs, f"EXISTS (SELECT 1 FROM {table} AS x WHERE x.f = t.{pairs.value.sql})"))
        else:
            found += violations(validation, constraint, shape, focus, pairs)
    return validation.union(found)
