"""The part of a body that a recursion does not change, computed once per stratum into temporary tables.

The elements of a body that read nothing recursive fall into groups joined by shared variables; each group, with the
FILTERs, SETs and NOTs that concern it alone, becomes one table holding only the columns that the rest still needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kg.reasoner.bodies import Element, Opaque
from kg.reasoner.compile import BodyCompiler, Given, SourceOf
from kg.reasoner.model import variables_of, visible_variables
from kg.reasoner.rows import Rows
from kg.sparql import algebra as a

Materialise = Callable[[Rows], Rows]


def with_invariants(
    elements: Sequence[Element | Given],
    is_recursive: Callable[[Element | Given], bool],
    needed: set[a.Var],
    compiler: BodyCompiler,
    source_of: SourceOf,
    materialise: Materialise,
) -> list[Element | Given]:
    """The body with its unchanging parts replaced by `Given` tables; recursive elements keep their order."""
    recursive = [e for e in elements if is_recursive(e)]
    still = [e for e in elements if isinstance(e, (a.TriplePattern, a.PathPattern, Opaque, Given)) and not is_recursive(e)]
    others = [e for e in elements if e not in recursive and e not in still]
    positive_variables = set().union(*[_binds(e) for e in [*recursive, *still]])
    groups = _connected(still)
    members = [(group, set().union(*[_binds(e) for e in group])) for group in groups]
    remaining = []
    for element in others:
        home = next((m for m in members if _belongs(element, m[1], positive_variables)), None)
        if home is None:
            remaining.append(element)
        else:
            home[0].append(element)
            home[1].update(visible_variables(element))
    wanted = set(needed).union(*[set(variables_of(e)) for e in [*recursive, *remaining]])
    given = []
    for i, (group, _) in enumerate(members):
        elsewhere = set().union(*[m[1] for j, m in enumerate(members) if j != i])
        rows = compiler.conjunction(group, source_of)
        keep = [v for v in rows.columns if v in wanted or v in elsewhere]
        given.append(Given(materialise(compiler.project(rows, keep, distinct=len(keep) < len(rows.columns)))))
    return [*recursive, *given, *remaining]


def _binds(element: Element | Given) -> set[a.Var]:
    if isinstance(element, Given):
        return set(element.rows.columns)
    if isinstance(element, Opaque):
        return set(element.variables)
    return set(visible_variables(element))


def _connected(elements: Sequence[Element | Given]) -> list[list[Element | Given]]:
    """Groups of elements linked by shared variables."""
    groups: list[tuple[list[Element | Given], set[a.Var]]] = []
    for element in elements:
        variables = _binds(element)
        linked = [group for group in groups if group[1] & variables]
        merged = ([e for group in linked for e in group[0]] + [element], variables.union(*[g[1] for g in linked]))
        groups = [group for group in groups if group not in linked] + [merged]
    return [group[0] for group in groups]


def _belongs(element: Element, bound: set[a.Var], positive_variables: set[a.Var]) -> bool:
    match element:
        case a.FilterElement(condition=condition):
            used = set(variables_of(condition))
            return bool(used) and used <= bound
        case a.SetElement(variable=variable, expression=expression):
            used = set(variables_of(expression))
            return bool(used) and used <= bound and (variable not in positive_variables or variable in bound)
        case a.Not(body=body):
            return set(variables_of(body)) & positive_variables <= bound and bool(set(variables_of(body)) & bound)
        case _:
            return False
