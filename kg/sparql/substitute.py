"""Fixing variables to terms in the algebra: how a query's parameters are bound, never as text.

A variable inside a sub-select that does not project it is another variable (section 12) and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

from kg.sparql import algebra
from kg.sparql.algebra import Pattern, Var
from kg.sparql.values import Term


def substituted(pattern: Pattern, bindings: Mapping[str, Term]) -> Pattern:
    """The pattern with every variable of `bindings` fixed to its term; the solutions still bind the variable.

    >>> from pyoxigraph import NamedNode
    >>> a = NamedNode("http://example/a")
    >>> triple = algebra.TriplePattern(Var("s"), a, Var("o"))
    >>> substituted(algebra.BGP((triple,)), {"s": a}).triples[0].subject == a
    True
    """
    if not bindings:
        return pattern
    if isinstance(pattern, (algebra.Slice, algebra.Distinct, algebra.Reduced)):
        return replace(pattern, pattern=substituted(pattern.pattern, bindings))
    if isinstance(pattern, algebra.Project):
        return _shown(pattern, _pattern(pattern.pattern, bindings), bindings)
    return _pattern(pattern, bindings)


def in_template(triple: algebra.TriplePattern, bindings: Mapping[str, Term]) -> algebra.TriplePattern:
    """A triple of CONSTRUCT's template with the variables of `bindings` fixed to their terms."""
    return _node(triple, bindings)


def _shown(node: algebra.Project, pattern: Pattern, bindings: Mapping[str, Term]) -> Pattern:
    """The projection of a pattern whose bound variables have gone: they show their terms."""
    for variable in node.variables:
        if variable.name in bindings:
            pattern = algebra.Extend(pattern, variable, bindings[variable.name])
    return algebra.Project(pattern, node.variables)


def _pattern(node: Pattern, bindings: Mapping[str, Term]) -> Pattern:
    if isinstance(node, algebra.Project):
        return _project(node, bindings)
    if isinstance(node, algebra.Extend) and node.variable.name in bindings:
        inner = algebra.Extend(_pattern(node.pattern, bindings), Var(f"{node.variable.name}#bound"), _node(node.expression, bindings))
        test = algebra.Call("SAMETERM", (inner.variable, bindings[node.variable.name]))
        return algebra.Filter(test, inner)
    if isinstance(node, algebra.Values):
        return _values(node, bindings)
    if isinstance(node, algebra.Group):
        keys = tuple((key, _node(expression or key, bindings)) for key, expression in node.keys)
        aggregates = tuple((variable, _node(aggregate, bindings)) for variable, aggregate in node.aggregates)
        return algebra.Group(_pattern(node.pattern, bindings), keys, aggregates)
    if isinstance(node, algebra.Graph) and isinstance(node.name, Var) and node.name.name in bindings:
        return algebra.Graph(bindings[node.name.name], _pattern(node.pattern, bindings))
    if isinstance(node, algebra.Service):
        return _service(node, bindings)
    return _rebuilt(node, bindings)


def _service(node: algebra.Service, bindings: Mapping[str, Term]) -> algebra.Service:
    """The group of a SERVICE is sent as it is written, so the terms travel beside it."""
    fixed = tuple((variable.name, bindings[variable.name]) for variable in node.variables if variable.name in bindings)
    variables = tuple(variable for variable in node.variables if variable.name not in bindings)
    return replace(node, endpoint=_node(node.endpoint, bindings), variables=variables, bindings=(*node.bindings, *fixed))


def _project(node: algebra.Project, bindings: Mapping[str, Term]) -> Pattern:
    """Inside, only what is projected is the variable that is bound; outside, it shows its term."""
    names = {variable.name for variable in node.variables}
    inner = {name: term for name, term in bindings.items() if name in names}
    return _shown(node, _pattern(node.pattern, inner), inner)


def _values(node: algebra.Values, bindings: Mapping[str, Term]) -> Pattern:
    """The rows that agree with the bindings, without the bound columns."""
    kept = [place for place, variable in enumerate(node.variables) if variable.name not in bindings]
    fixed = [(place, bindings[variable.name]) for place, variable in enumerate(node.variables) if variable.name in bindings]
    rows = tuple(
        tuple(row[place] for place in kept)
        for row in node.rows
        if all(row[place] is None or row[place] == term for place, term in fixed)
    )
    return algebra.Values(tuple(node.variables[place] for place in kept), rows)


def _node(node: object, bindings: Mapping[str, Term]) -> object:
    """The same for expressions, triples and whatever else holds variables."""
    if isinstance(node, Var):
        return bindings.get(node.name, node)
    if isinstance(node, algebra.Exists):
        return algebra.Exists(_pattern(node.pattern, bindings), node.negated)
    if isinstance(node, algebra.Pattern):
        return _pattern(node, bindings)
    if isinstance(node, tuple):
        return tuple(_node(item, bindings) for item in node)
    if is_dataclass(node) and not isinstance(node, type):
        return _rebuilt(node, bindings)
    return node


def _rebuilt(node: object, bindings: Mapping[str, Term]) -> object:
    changed = {field.name: _node(getattr(node, field.name), bindings) for field in fields(node)}
    return replace(node, **changed)
