"""The constant terms of a piece of algebra, found without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.sparql import algebra
from kg.sparql.values import Term


def constants(node: object) -> Iterator[Term]:
    """Each constant term as often as it stands there; those of other endpoints are left out.

    >>> from kg.sparql.parser import parse_query
    >>> [str(term) for term in constants(parse_query("SELECT * { VALUES ?x { 'a' } }").pattern)]
    ['"a"']
    """
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (NamedNode, Literal, BlankNode, Triple)):
            yield item
        elif isinstance(item, tuple):
            stack.extend(item)
        elif hasattr(item, "__dataclass_fields__") and not isinstance(item, (algebra.Service, algebra.Var)):
            stack.extend(vars(item).values())
