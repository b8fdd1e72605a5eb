"""Bodies as alternatives of conjunctions: UNION and sub-selects without aggregates taken apart.

Evaluation needs a body as a list of things that all hold. A sub-select that reads nothing from the recursion stays whole
(`Opaque`) and is answered once; one that does is flattened here, its hidden variables renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import count

from kg.reasoner.model import variables_of
from kg.reasoner.safety import certain_variables
from kg.sparql import algebra as a

Reads = Callable[[a.TriplePattern | a.PathPattern], bool]


@dataclass(frozen=True)
class Opaque:
    """A pattern that is evaluated as it stands, by the query compiler."""

    pattern: a.Pattern
    variables: tuple[a.Var, ...]
    position: tuple[int, int] | None = None


Element = a.BodyElement | Opaque
Branch = tuple[Element, ...]


# Tells the hidden variables of one sub-select from those of another.
_marks = count(1)


class CannotFlatten(Exception):
    """The pattern has a form that has no conjunctions; the message names it."""


def alternatives(pattern: a.Pattern, is_recursive: Reads) -> list[Branch]:
    """The conjunctions whose union the pattern is. What reads nothing recursive may stay `Opaque`."""
    match pattern:
        case a.BGP(triples=triples):
            if any(isinstance(triple, a.PathPattern) and is_recursive(triple) for triple in triples):
                raise CannotFlatten("a repeated property path over what the recursion concludes")
            return [triples]
        case a.Join(left=left, right=right):
            return [one + other for one in alternatives(left, is_recursive) for other in alternatives(right, is_recursive)]
        case a.Union(left=left, right=right):
            return alternatives(left, is_recursive) + alternatives(right, is_recursive)
        case a.Filter(condition=condition, pattern=inner) if not has_exists(condition):
            unseen = set(variables_of(condition)) - certain_variables(inner)
            if unseen:
                raise CannotFlatten("a FILTER on a variable that its own group does not always bind")
            return [(*branch, a.FilterElement(condition)) for branch in alternatives(inner, is_recursive)]
        case a.Extend(pattern=inner, variable=variable, expression=expression) if not has_exists(expression):
            return [(*branch, a.SetElement(variable, expression)) for branch in alternatives(inner, is_recursive)]
    if reads_recursion(pattern, is_recursive):
        if isinstance(pattern, (a.Distinct, a.Reduced)):  # conclusions are sets
            return alternatives(pattern.pattern, is_recursive)
        if isinstance(pattern, a.Project):
            mark = f"/in{next(_marks)}"
            return [hide(branch, set(pattern.variables), mark) for branch in alternatives(pattern.pattern, is_recursive)]
        raise CannotFlatten(f"{_name(pattern)} over what the recursion concludes")
    return [(Opaque(pattern, tuple(sorted(certain_variables(pattern), key=lambda v: v.name))),)]


def sub_select_alternatives(element: a.SubSelectElement, is_recursive: Reads, number: int) -> list[Branch]:
    """A sub-select without aggregate as alternatives; conclusions are sets, so DISTINCT changes nothing."""
    pattern = element.pattern
    while isinstance(pattern, (a.Distinct, a.Reduced)):
        pattern = pattern.pattern
    if not isinstance(pattern, a.Project):
        raise CannotFlatten(f"{_name(pattern)} over what the recursion concludes")
    branches = alternatives(pattern.pattern, is_recursive)
    return [hide(branch, set(element.variables), f"/{number}") for branch in branches]


def hide(branch: Branch, visible: set[a.Var], mark: str) -> Branch:
    """Rename the variables that a sub-select does not project, so that they meet no namesake outside."""
    hidden = {v: a.Var(v.name + mark) for v in variables_of(branch) if v not in visible}
    return tuple(substitute(element, hidden) for element in branch)


def substitute(thing, changes: dict):
    """The same algebra with variables exchanged for other nodes."""
    if isinstance(thing, a.Var):
        return changes.get(thing, thing)
    if isinstance(thing, tuple):
        return tuple(substitute(part, changes) for part in thing)
    if is_dataclass(thing):
        parts = {f.name: getattr(thing, f.name) for f in fields(thing) if f.name != "position"}
        changed = {name: substitute(part, changes) for name, part in parts.items()}
        return replace(thing, **changed) if any(changed[n] is not parts[n] for n in parts) else thing
    return thing


def reads_recursion(pattern: a.Pattern, is_recursive: Reads) -> bool:
    return any(is_recursive(triple) for triple in triples_within(pattern))


def triples_within(thing: object) -> Iterable[a.TriplePattern | a.PathPattern]:
    """All triple and path patterns anywhere inside."""
    if isinstance(thing, (a.TriplePattern, a.PathPattern)):
        yield thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from triples_within(part)
    elif is_dataclass(thing):
        for f in fields(thing):
            yield from triples_within(getattr(thing, f.name))


def has_exists(expression: object) -> bool:
    if isinstance(expression, a.Exists):
        return True
    return isinstance(expression, (a.Call, a.FunctionCall)) and any(has_exists(part) for part in expression.args)


def conjuncts(condition: a.Expression) -> list[a.Expression]:
    """The parts of `a && b && …`."""
    if isinstance(condition, a.Call) and condition.name == "&&":
        return [part for argument in condition.args for part in conjuncts(argument)]
    return [condition]


def _name(pattern: a.Pattern) -> str:
    words = {"LeftJoin": "OPTIONAL", "Slice": "LIMIT or OFFSET", "Group": "an aggregate", "Filter": "EXISTS"}
    return words.get(type(pattern).__name__, type(pattern).__name__.upper())


def visible_in(branch: Branch) -> set[a.Var]:
    """The variables that a conjunction binds, those of its blank nodes included."""
    bound: set[a.Var] = set()
    for element in branch:
        match element:
            case a.TriplePattern() | a.PathPattern():
                bound |= set(variables_of(element))
            case a.SetElement(variable=variable):
                bound.add(variable)
            case Opaque(variables=variables) | a.SubSelectElement(variables=variables):
                bound |= set(variables)
    return bound
