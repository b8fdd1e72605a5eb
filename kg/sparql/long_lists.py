"""`IN` of many constants, and the same written as a chain of `||`: one membership test instead of a comparison each.

IRIs and simple literals are equal where they are the same term (section 17.4.1.7), so their ids are compared; whether the
comparison with what is not equal is false or an error is the same for all constants of a kind, and one of each tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyoxigraph import Literal, NamedNode

from kg.sparql import algebra
from kg.sparql.relations import Scope
from kg.sparql.values import ID, Value
from kg.terms import XSD_STRING

MANY = 20
# More ids than this are bound as a list.
_WRITTEN = 200


def membership(value: Value, listed: Sequence[algebra.Expression], scope: Scope) -> tuple[str | None, list[algebra.Expression]]:
    """SQL that is true where `value` is among those of `listed` that can be looked for by id, and what is still to be compared."""
    if len(listed) <= MANY or value.kind != ID:
        return None, list(listed)
    by_kind: dict[type, list[algebra.Expression]] = {NamedNode: [], Literal: []}
    rest = []
    for item in listed:
        (by_kind[type(item)] if _is_same_where_equal(item) else rest).append(item)
    wanted = [item for items in by_kind.values() for item in items]
    if len(wanted) <= MANY:
        return None, list(listed)
    ids = sorted({term_id for term_id in scope.compiler.ids(wanted) if value.local or term_id >= 0})
    witnesses = [items[0] for items in by_kind.values() if items]
    if not ids:
        return None, witnesses + rest
    if len(ids) > _WRITTEN and scope.can_join:
        return f"({value.sql} IN (SELECT unnest({scope.compiler.array(ids)}::BIGINT[])))", witnesses + rest
    return f"({value.sql} IN ({', '.join(map(str, ids))}))", witnesses + rest


def _is_same_where_equal(item: algebra.Expression) -> bool:
    return isinstance(item, NamedNode) or (isinstance(item, Literal) and item.language is None and item.datatype.value == XSD_STRING)


def shortened(node: algebra.Call) -> algebra.Call:
    """A long chain `?x = a || ?x = b || …` as `?x IN (a, b, …)`; any other disjunction as it is."""
    parts = list(_disjuncts(node))
    if len(parts) <= MANY:
        return node
    variables = {part.args[0] for part in parts if _is_equation(part)}
    if len(variables) != 1 or not all(map(_is_equation, parts)):
        return node
    return algebra.Call("IN", (variables.pop(), *(part.args[1] for part in parts)), node.position)


def _disjuncts(node: algebra.Expression) -> Iterator[algebra.Expression]:
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, algebra.Call) and item.name == "||":
            stack.extend(reversed(item.args))
        else:
            yield item


def _is_equation(node: algebra.Expression) -> bool:
    is_equation = isinstance(node, algebra.Call) and node.name == "="
    return is_equation and isinstance(node.args[0], algebra.Var) and isinstance(node.args[1], (NamedNode, Literal))
