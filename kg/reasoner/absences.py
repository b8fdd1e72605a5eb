"""Why a triple was not concluded: for each rule that could conclude it, the nearest miss of its body.

A miss is a solution of all of the body but one element, told together with what that element asks for: the pattern that
nothing matches, the condition that is false, the fact that a NOT forbids, the total that falls short. Where no single
element is to blame, the elements are taken in their order and those that cannot hold with the ones before are told.
Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pyoxigraph import Triple

from kg.reasoner.aggregate import RunningAggregate
from kg.reasoner.bodies import Opaque
from kg.reasoner.grounds import Derivations
from kg.reasoner.model import Rule, variables_of
from kg.reasoner.reading import NO_TERM
from kg.reasoner.search import LATEST, Search
from kg.reasoner.told import Grounds, expression_text
from kg.sparql import algebra as a

Solution = dict[a.Var, int]


@dataclass(frozen=True)
class NearMiss:
    """How close a rule came. `grounds` is what holds of its body; the rest says what does not.

    `missing` are patterns that nothing matches, with the bindings put in; `tests` are conditions as written that are
    false; `blocked` are facts that a NOT forbids; `valueless` are parts that give no value. All empty: the rule would
    conclude the triple now, so the graph is older than the rules or the data.
    """

    grounds: Grounds
    missing: tuple[tuple[a.Node, a.Node, a.Node], ...] = ()
    tests: tuple[str, ...] = ()
    blocked: tuple[Triple, ...] = ()
    valueless: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        return self.grounds.rule

    @property
    def faults(self) -> int:
        return len(self.missing) + len(self.tests) + len(self.blocked) + len(self.valueless)


@dataclass(frozen=True)
class _Miss:
    """Elements that fail beside a solution of others."""

    held: tuple
    failing: tuple
    solution: Solution
    dropped: int = 0  # elements left out because they need variables of those that fail


def near_misses(derivations: Derivations, triple: Triple, limit: int = 8) -> list[NearMiss]:
    """For a triple that is not in the graph, the nearest miss of each rule and alternative that could make it; those with the
    least to blame first. Empty where no rule can."""
    ids = derivations.ids(triple)
    found: list[NearMiss] = []
    for rule in derivations.rules:
        search = derivations.search(rule, LATEST)
        for head in rule.head:
            fixed = search.unify(head, triple, [NO_TERM if term is None else term for term in ids])
            if fixed is not None:
                for branch in search.branches():
                    found += _Body(search, branch, fixed).misses()
    found.sort(key=lambda miss: miss.faults)
    least = found[0].faults if found else 0
    return [miss for miss in found if miss.faults <= max(least, 1) + 1][:limit]


@dataclass
class _Body:
    """One conjunction with the variables of its head fixed."""

    search: Search
    elements: Sequence
    fixed: Solution
    _known: dict[tuple, Solution | None] = field(default_factory=dict)

    def misses(self) -> list[NearMiss]:
        relaxed = tuple(_relaxed(element) for element in self.elements)
        self.elements = tuple(part for parts in relaxed for part in parts)
        solution = self._solution(self.elements)
        if solution is not None:
            return [self._told(_Miss(self.elements, (), solution))]
        singles = [miss for element in self.elements if (miss := self._without(element))]
        least = min((miss.dropped for miss in singles), default=0)
        nearest = [miss for miss in singles if miss.dropped == least]
        return [self._told(miss) for miss in nearest or [self._in_order()]]

    def _without(self, element: object) -> _Miss | None:
        """All but `element`, and but what needs its variables."""
        if isinstance(element, a.SetElement):
            return None
        rest = _usable([other for other in self.elements if other is not element], self.fixed)
        solution = self._solution(rest)
        return None if solution is None else _Miss(tuple(rest), (element,), solution, len(self.elements) - 1 - len(rest))

    def _in_order(self) -> _Miss:
        order = sorted(self.elements, key=lambda element: isinstance(element, (a.FilterElement, a.Not)))
        held: list = []
        failing: list = []
        for element in order:
            more = [*held, element]
            if len(_usable(more, self.fixed)) == len(more) and self._solution(more) is not None:
                held = more
            elif _needs(element) <= _bound(held, self.fixed):
                failing.append(element)
        return _Miss(tuple(held), tuple(failing), self._solution(held) or {})

    def _solution(self, elements: Iterable) -> Solution | None:
        key = tuple(id(element) for element in elements)
        if key not in self._known:
            self._known[key] = self.search.any_solution(tuple(elements), self.fixed)
        return self._known[key]

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, miss: _Miss) -> NearMiss:
        search = self.search
        results = {element.result for element in self.elements if isinstance(element, RunningAggregate)}
        solution = self.fixed | miss.solution
        terms = {variable: term for variable, term in solution.items() if variable not in results}
        missing, tests, blocked, valueless = [], [], [], []
        for element in miss.failing:
            match element:
                case a.TriplePattern() | a.PathPattern():
                    missing.append(search.filled(element, terms))
                case a.FilterElement(condition=condition):
                    tests.append(expression_text(condition, search.rule.prefixes))
                case a.Not():
                    blocked += self._forbidden(element, miss)
                case a.SetElement(variable=variable):
                    valueless.append(f"?{variable.name}")
                case RunningAggregate():
                    missing += self._empty_group(element, terms)
                case Opaque(position=position):
                    valueless.append(f"the pattern at {search.rule.place(position)}")
        grounds = search.told(_usable(miss.held, self.fixed), solution)
        return NearMiss(grounds, tuple(dict.fromkeys(missing)), tuple(tests), tuple(dict.fromkeys(blocked)), tuple(valueless))

    def _forbidden(self, negation: a.Not, miss: _Miss) -> tuple[Triple, ...]:
        """The facts that match what must not be there."""
        inside = [part for part in negation.body if isinstance(part, (a.TriplePattern, a.PathPattern))]
        solution = self._solution([*miss.held, *negation.body])
        return self.search.triples(inside, solution) if solution else ()

    def _empty_group(self, aggregate: RunningAggregate, solution: Solution) -> list[tuple]:
        """What nothing matches below an aggregate that has no group for these keys."""
        keys = {key: solution[key] for key in aggregate.keys if key in solution}
        found = []
        for branch in aggregate.branches:
            body = _Body(self.search, tuple(branch), keys)
            singles = [miss for element in branch if (miss := body._without(element))]
            for miss in singles[:2] or [body._in_order()]:
                found += [self.search.filled(e, keys | miss.solution) for e in miss.failing if isinstance(e, a.TriplePattern)]
        return found


def _relaxed(element: object) -> tuple:
    """An aggregate without its HAVING, whose conditions become tests of the body."""
    if not isinstance(element, RunningAggregate) or not element.having:
        return (element,)
    select = replace(element.element, pattern=_without_having(element.element.pattern))
    return (replace(element, having=(), element=select), *(a.FilterElement(test) for test in element.having))


def _without_having(pattern: a.Pattern) -> a.Pattern:
    if isinstance(pattern, a.Group):
        return pattern
    inner = _without_having(pattern.pattern)
    return inner if isinstance(pattern, a.Filter) else replace(pattern, pattern=inner)


def _usable(elements: Sequence, fixed: Solution) -> list:
    """Those elements whose variables the others bind."""
    usable = list(elements)
    while True:
        kept = [element for element in usable if _needs(element) <= _bound([e for e in usable if e is not element], fixed)]
        if len(kept) == len(usable):
            return kept
        usable = kept


def _needs(element: object) -> set[a.Var]:
    match element:
        case a.FilterElement(condition=condition):
            return set(variables_of(condition))
        case a.SetElement(expression=expression):
            return set(variables_of(expression))
    return set()


def _bound(elements: Iterable, fixed: Solution) -> set[a.Var]:
    bound = set(fixed)
    for element in elements:
        match element:
            case a.TriplePattern() | a.PathPattern():
                bound |= set(variables_of(element))
            case a.SetElement(variable=variable):
                bound.add(variable)
            case Opaque(variables=variables):
                bound |= set(variables)
            case RunningAggregate(keys=keys, result=result):
                bound |= {*keys, result}
    return bound
