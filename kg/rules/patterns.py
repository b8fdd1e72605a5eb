"""Query patterns as rule bodies: what a WHERE says, taken apart into the elements that rules are made of.

Triples, FILTER, BIND and NOT EXISTS become elements of their own, so that a proof can show them; what has no such form
(UNION, OPTIONAL, a sub-select, a nested EXISTS) stays together in a sub-select.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace

from kg.reasoner.bodies import conjuncts, has_exists
from kg.reasoner.model import variables_of, visible_variables
from kg.reasoner.safety import certain_variables
from kg.sparql import algebra as a

Position = tuple[int, int] | None


def body_of(pattern: a.Pattern, focus: Sequence[a.BodyElement] = (), wanted: Iterable[a.Var] | None = None) -> tuple[a.BodyElement, ...]:
    """The elements whose solutions, joined with those of `focus`, are the pattern's for `wanted` (all variables by
    default). A variable that `focus` binds has its value throughout the pattern, as pre-binding demands."""
    bound = _bound_by(focus)
    try:
        return tuple(_elements(pattern, bound, focus))
    except _Whole:
        return (_whole(pattern, focus, wanted),)


class _Whole(Exception):
    """The pattern has a part that no element of a body says."""


def _bound_by(elements: Iterable[a.BodyElement]) -> set[a.Var]:
    return set().union(*[visible_variables(element) for element in elements])


def _elements(pattern: a.Pattern, bound: set[a.Var], focus: Sequence[a.BodyElement]) -> list[a.BodyElement]:
    match pattern:
        case a.BGP(triples=triples):
            return list(triples)
        case a.Join(left=left, right=right):
            return _elements(left, bound, focus) + _elements(right, bound, focus)
        case a.Filter(condition=condition, pattern=inner):
            elements = _elements(inner, bound, focus)
            seen = bound | _bound_by(elements)
            return elements + [_test(part, seen) for part in conjuncts(condition)]
        case a.Extend(pattern=inner, variable=variable, expression=expression):
            elements = _elements(inner, bound, focus)
            if has_exists(expression) or not set(variables_of(expression)) <= bound | _bound_by(elements):
                raise _Whole
            return [*elements, a.SetElement(variable, expression)]
        case a.Project() | a.Distinct() | a.Reduced() if focus or not bound & set(variables_of(pattern)):
            return [_whole(pattern, focus, None)]
    raise _Whole


def _test(condition: a.Expression, bound: set[a.Var]) -> a.BodyElement:
    """A conjunct of a FILTER as FILTER or NOT."""
    if isinstance(condition, a.Exists) and condition.negated:
        inside = _elements(condition.pattern, bound, ())
        if inside and all(isinstance(part, (a.TriplePattern, a.PathPattern, a.FilterElement)) for part in inside):
            return a.Not(tuple(inside), False)
    if has_exists(condition) or not set(variables_of(condition)) <= bound:
        raise _Whole
    return a.FilterElement(condition)


# ── Whole patterns ───────────────────────────────────────────────────────────────────────────────────────────


def _whole(pattern: a.Pattern, focus: Sequence[a.BodyElement], wanted: Iterable[a.Var] | None) -> a.SubSelectElement:
    """The pattern as a sub-select; where it speaks of variables of the focus, the focus goes into each of its groups."""
    if set(variables_of(pattern)) & _bound_by(focus):
        shared = tuple(sorted(set(variables_of(pattern)) & _bound_by(focus), key=lambda v: v.name))
        pattern = within(pattern, pattern_of(focus), shared)
    certain = certain_variables(pattern)
    shown = certain if wanted is None else certain & (set(wanted) | _bound_by(focus))
    variables = tuple(sorted(shown, key=lambda v: v.name))
    return a.SubSelectElement(a.Project(pattern, variables), variables)


def pattern_of(elements: Sequence[a.BodyElement]) -> a.Pattern:
    """A body as a query pattern."""
    triples = tuple(e for e in elements if isinstance(e, (a.TriplePattern, a.PathPattern)))
    pattern: a.Pattern = a.BGP(triples)
    for element in elements:
        match element:
            case a.SubSelectElement(pattern=inner):
                if isinstance(inner, a.Project) and possible_variables(inner.pattern) <= set(inner.variables):
                    inner = inner.pattern
                pattern = a.Join(pattern, inner) if pattern != a.BGP(()) else inner
            case a.SetElement(variable=variable, expression=expression):
                pattern = a.Extend(pattern, variable, expression)
            case a.FilterElement(condition=condition):
                pattern = a.Filter(condition, pattern)
            case a.Not(body=body):
                pattern = a.Filter(a.Exists(pattern_of(body), True), pattern)
    return pattern


def within(item: object, focus: a.Pattern, shared: tuple[a.Var, ...]) -> object:
    """The pattern with `focus` joined into every group, so that `shared` have their values where SPARQL's scopes would
    hide them; EXISTS sees the values anyhow."""
    if isinstance(item, a.BGP):
        return a.Join(focus, item) if item.triples else focus
    if isinstance(item, a.Exists):
        return item
    if isinstance(item, a.Project):
        added = [variable for variable in shared if variable not in item.variables]
        return a.Project(within(item.pattern, focus, shared), (*item.variables, *added))
    if isinstance(item, a.Group):
        known = {key for key, _ in item.keys}
        added = tuple((variable, None) for variable in shared if variable not in known)
        return replace(item, pattern=within(item.pattern, focus, shared), keys=(*item.keys, *added))
    if isinstance(item, tuple):
        return tuple(within(part, focus, shared) for part in item)
    if is_dataclass(item) and not isinstance(item, (type, a.Var)):
        return replace(item, **{f.name: within(getattr(item, f.name), focus, shared) for f in fields(item)})
    return item


# ── Variables that a pattern may leave without a value ───────────────────────────────────────────────────────


def possible_variables(pattern: a.Pattern) -> frozenset[a.Var]:
    """The variables that some solution of the pattern may bind."""
    match pattern:
        case a.Join(left=left, right=right) | a.Union(left=left, right=right) | a.LeftJoin(left=left, right=right):
            return possible_variables(left) | possible_variables(right)
        case a.Minus(left=inner) | a.Filter(pattern=inner) | a.Distinct(pattern=inner) | a.Reduced(pattern=inner):
            return possible_variables(inner)
        case a.OrderBy(pattern=inner) | a.Slice(pattern=inner):
            return possible_variables(inner)
        case a.Extend(pattern=inner, variable=variable):
            return possible_variables(inner) | {variable}
        case a.Project(pattern=inner, variables=variables):
            return possible_variables(inner) & frozenset(variables)
        case a.Values(variables=variables):
            return frozenset(variables)
    return certain_variables(pattern)


def requiring(pattern: a.Pattern, needed: frozenset[a.Var]) -> a.Pattern | None:
    """The pattern cut down to solutions that bind `needed`: an OPTIONAL becomes a join, an alternative that lacks a
    variable goes. None where no solution can bind them."""
    if needed <= certain_variables(pattern):
        return pattern
    if not needed <= possible_variables(pattern):
        return None
    match pattern:
        case a.Union(left=left, right=right):
            kept = [part for part in (requiring(left, needed), requiring(right, needed)) if part is not None]
            return kept[0] if len(kept) == 1 else a.Union(*kept) if kept else None
        case a.LeftJoin(left=left, right=right, condition=condition):
            joined: a.Pattern = a.Join(left, right)
            if needed <= possible_variables(left):
                first = requiring(left, needed)
                return first and replace(pattern, left=first)
            found = requiring(joined, needed)
            return found if condition is None or found is None else a.Filter(condition, found)
        case a.Join(left=left, right=right):
            first = requiring(left, needed & possible_variables(left) - certain_variables(right))
            second = requiring(right, needed & possible_variables(right) - certain_variables(left))
            return first and second and a.Join(first, second)
    if hasattr(pattern, "pattern"):
        inner = requiring(pattern.pattern, needed & possible_variables(pattern.pattern))
        return inner and replace(pattern, pattern=inner)
    return pattern
