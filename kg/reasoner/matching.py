"""Solutions of conjunctions, found by look-ups of facts: each search says what it wants to know next, and is told.

A search is a generator that yields look-ups and goes on when they have been made; `run` drives many at once, so that all
searches that are as far share one statement. What is not a matter of look-ups (paths with repetition, sub-selects of other
forms, conditions that are not plain, patterns of which neither subject nor object is known) raises `Unsuitable`, and is left to SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

from kg.reasoner.aggregate import RunningAggregate
from kg.reasoner.compile import close_scopes
from kg.reasoner.conditions import Conditions, NotPlain, number
from kg.reasoner.facts import Facts, TooMany, Wanted
from kg.reasoner.model import variables_of
from kg.reasoner.reading import NO_TERM
from kg.sparql import algebra as a

Result = TypeVar("Result")
Search = Generator[set[Wanted], None, Result]

# Solutions and matches that are joined in Python; more are better left to SQL.
MOST_SOLUTIONS = 20_000
_FEW = 8  # expected matches of a look-up that is made although others would narrow it down


class Unsuitable(Exception):
    """The search is left to SQL."""


@dataclass(frozen=True)
class Solution:
    """What variables are bound to: ids of terms, and numbers that aggregates made of `shares`. `age` is the round of the
    youngest fact in it, −1 where all of them are asserted."""

    bound: Mapping[a.Var, int | Fraction]
    age: int = -1
    shares: Mapping[int, tuple[Solution, ...]] = field(default_factory=dict)  # by the id() of the aggregate
    branch: int = 0  # of a share: which alternative of the aggregate it is a solution of

    def key(self) -> tuple:
        """Those of older facts come first."""
        return (self.age, *self.bound.values())


def run(facts: Facts, searches: Sequence[Search[Result]]) -> list[Result | None]:
    """The results, None of those that are unsuitable."""
    steps = together([_or_none(search) for search in searches])
    while True:
        try:
            wanted = next(steps)
        except StopIteration as end:
            return end.value
        facts.fetch(wanted)


def _or_none(search: Search[Result]) -> Search[Result | None]:
    try:
        return (yield from search)
    except (Unsuitable, NotPlain, TooMany):
        return None


def together(searches: Iterable[Search[Result]]) -> Search[list[Result]]:
    """Several searches as one, side by side."""
    searches = list(searches)
    results: list = [None] * len(searches)
    waiting = dict(enumerate(searches))
    while waiting:
        wanted: set[Wanted] = set()
        for place, search in list(waiting.items()):
            try:
                wanted |= next(search)
            except StopIteration as end:
                results[place] = end.value
                del waiting[place]
        if waiting:
            yield wanted
    return results


@dataclass
class Matcher:
    """Searches among the facts that were known before `round`, or among those of the input alone."""

    facts: Facts
    conditions: Conditions
    constant: Callable[[a.Term], int]
    fan_out: Callable[[int, bool], float]  # of a predicate: expected matches for a subject; or, if True, for an object
    is_set: Callable[[RunningAggregate], bool]
    round: int

    def solutions(self, elements: Sequence, start: Mapping[a.Var, int | Fraction], data_only: bool = False) -> Search[list[Solution]]:
        """All solutions of a conjunction in which the variables of `start` are bound as they are there."""
        for element in elements:
            if not isinstance(element, (a.TriplePattern, a.FilterElement, a.SetElement, a.Not, RunningAggregate)):
                raise Unsuitable
        patterns = [e for e in elements if isinstance(e, a.TriplePattern)]
        aggregates = [e for e in elements if isinstance(e, RunningAggregate)]
        early = [e for e in aggregates if set(e.keys) <= set(start)]
        plain = [e for e in elements if isinstance(e, (a.FilterElement, a.SetElement))]
        negations = [e for e in elements if isinstance(e, a.Not)]
        sources = self._sources(plain, start)
        if NO_TERM in sources.values():
            return []
        start = dict(start) | sources
        late = [e for e in plain if _needed(e) & {e.result for e in aggregates}]
        first, *totals = yield from together([
            self._joined(patterns, [e for e in plain if e not in late], start, data_only, _prospects(negations)), *(self._total(e, start, data_only) for e in early)
        ])  # fmt: skip
        found = first
        for aggregate, total in zip(early, totals, strict=True):
            found = [_with_total(aggregate, solution, total) for solution in found] if total is not None else []
        for aggregate in (e for e in aggregates if e not in early):
            if len(found) > MOST_SOLUTIONS // 100 or any(key not in solution.bound for key in aggregate.keys for solution in found):
                raise Unsuitable
            all_totals = yield from together([self._total(aggregate, solution.bound, data_only) for solution in found])
            found = [_with_total(aggregate, one, total) for one, total in zip(found, all_totals, strict=True) if total is not None]
        for element in late:
            found = self._tested(element, found)
        for negation in negations:
            is_input = data_only or negation.data_only
            if len(found) > MOST_SOLUTIONS // 20:
                raise Unsuitable
            inner = yield from together([self.solutions(negation.body, solution.bound, is_input) for solution in found])
            found = [solution for solution, matches in zip(found, inner, strict=True) if not matches]
        return sorted(found, key=Solution.key)

    def _sources(self, elements: Sequence, start: Mapping[a.Var, int | Fraction]) -> dict[a.Var, int]:
        """Variables that must have made what the head has; the SETs are done forwards all the same."""
        found = {}
        for element in elements:
            if isinstance(element, a.SetElement) and isinstance(start.get(element.variable), int):
                source = self.conditions.source(element.expression, start[element.variable])
                if source is not None and source[0] not in start:
                    found[source[0]] = self.constant(source[1])
        return found

    # ── patterns ─────────────────────────────────────────────────────────────────────────────────────────────

    def _joined(
        self, patterns: Sequence[a.TriplePattern], tests: Sequence, start: Mapping[a.Var, int | Fraction], data_only: bool, later: Sequence[a.TriplePattern]
    ) -> Search[list[Solution]]:
        """The solutions of the patterns and of those tests that need no more variables than these. What NOTs will look up is looked up
        along, where it is known already."""
        found, todo = [Solution(dict(start))], list(patterns)
        tested: set[int] = set()
        while True:
            for element in tests:
                if id(element) not in tested and found and _needed(element) <= set(found[0].bound):
                    found = self._tested(element, found)
                    tested.add(id(element))
            if not found:
                return found
            if not todo:
                if len(tested) < len(tests):
                    raise Unsuitable
                return found
            ready = self._ready(todo, found)
            known = set(found[0].bound)
            wanted = {self._wanted(pattern, solution.bound, known) for pattern in ready for solution in found}
            yield wanted | self._ahead(later, found)
            for pattern in ready:
                found = self._extended(pattern, found, known, data_only)
                todo.remove(pattern)

    def _ready(self, todo: Sequence[a.TriplePattern], found: Sequence[Solution]) -> list[a.TriplePattern]:
        """The patterns to look up next: all that have few matches, else the one with the fewest."""
        bound = set(found[0].bound)
        expected = [(self._expected(pattern, found[0].bound, bound), place) for place, pattern in enumerate(todo)]
        least, first = min(expected)
        if least == float("inf"):
            raise Unsuitable
        return [todo[place] for expectation, place in sorted(expected) if expectation <= _FEW] or [todo[first]]

    def _expected(self, pattern: a.TriplePattern, solution: Mapping, bound: set[a.Var]) -> float:
        if isinstance(pattern.subject, a.TripleTerm) or isinstance(pattern.object, a.TripleTerm):
            raise Unsuitable
        if isinstance(pattern.predicate, a.Var) and pattern.predicate not in bound:
            return float("inf")
        has_subject, has_object = (not isinstance(node, a.Var) or node in bound for node in (pattern.subject, pattern.object))
        if has_subject and has_object:
            return 0.5
        if not has_subject and not has_object:
            return float("inf")
        return self.fan_out(self._id(pattern.predicate, solution, bound), has_object)

    def _ahead(self, later: Sequence[a.TriplePattern], found: Sequence[Solution]) -> set[Wanted]:
        if len(found) > _FEW:
            return set()
        bound = set(found[0].bound)
        ready = [pattern for pattern in later if self._expected(pattern, found[0].bound, bound) <= _FEW]
        return {self._wanted(pattern, solution.bound, bound) for pattern in ready for solution in found}

    def _wanted(self, pattern: a.TriplePattern, solution: Mapping[a.Var, int | Fraction], known: set[a.Var]) -> Wanted:
        """The look-up of a pattern, as of when only the variables `known` were bound."""
        return Wanted(*(self._id(node, solution, known) for node in (pattern.predicate, pattern.subject, pattern.object)))

    def _id(self, node: a.Node, solution: Mapping[a.Var, int | Fraction], known: set[a.Var]) -> int | None:
        if not isinstance(node, a.Var):
            return self.constant(node)
        found = solution[node] if node in known else None
        if isinstance(found, Fraction):
            raise Unsuitable
        return found

    def _extended(self, pattern: a.TriplePattern, found: Sequence[Solution], known: set[a.Var], data_only: bool) -> list[Solution]:
        extended = []
        for solution in found:
            for fact in self.facts[self._wanted(pattern, solution.bound, known)]:
                if not fact.is_asserted and (data_only or fact.round >= self.round):
                    continue
                bound = dict(solution.bound)
                for node, term_id in ((pattern.subject, fact.subject), (pattern.object, fact.object)):
                    if isinstance(node, a.Var) and bound.setdefault(node, term_id) != term_id:
                        break
                else:
                    extended.append(Solution(bound, max(solution.age, fact.age), solution.shares))
            if len(extended) > MOST_SOLUTIONS:
                raise Unsuitable
        return extended

    # ── conditions, totals ───────────────────────────────────────────────────────────────────────────────────

    def _tested(self, element: a.FilterElement | a.SetElement, found: Sequence[Solution]) -> list[Solution]:
        if isinstance(element, a.FilterElement):
            return [solution for solution in found if self.conditions.holds(element.condition, solution.bound)]
        kept = []
        for solution in found:
            node, known = self.conditions.node(element.expression, solution.bound), solution.bound.get(element.variable)
            if known is None:
                kept.append(Solution({**solution.bound, element.variable: self.constant(node)}, solution.age, solution.shares))
            elif self.conditions.decode(known) == node:
                kept.append(solution)
        return kept

    def _total(self, aggregate: RunningAggregate, bound: Mapping[a.Var, int | Fraction], data_only: bool) -> Search[tuple[Fraction, list[Solution]] | None]:
        """The value of a group and what it took in; None where there is nothing."""
        if aggregate.result in bound:
            raise Unsuitable
        keys = {key: bound[key] for key in aggregate.keys}
        all_shares = yield from together([self.solutions(close_scopes(branch), keys, data_only) for branch in aggregate.branches])
        is_set, seen, shares = self.is_set(aggregate), set(), []
        for place, branch in enumerate(all_shares):
            for share in branch:
                key = tuple(share.bound[v] for v in aggregate.contribution) if is_set else (place, *share.bound.values())
                if key not in seen:
                    seen.add(key)
                    shares.append(replace(share, branch=place))
        if not shares:
            return None
        if aggregate.function == "COUNT":
            value = Fraction(len(shares))
        else:
            value = {"SUM": sum, "MIN": min, "MAX": max}[aggregate.function]([number(share.bound[aggregate.argument]) for share in shares])
        passes = all(self.conditions.holds(test, {**keys, aggregate.result: value}) for test in aggregate.having)
        return (value, shares) if passes else None


def _with_total(aggregate: RunningAggregate, solution: Solution, total: tuple[Fraction, list[Solution]]) -> Solution:
    value, shares = total
    age = max([solution.age, *(share.age for share in shares)])
    return Solution({**solution.bound, aggregate.result: value}, age, {**solution.shares, id(aggregate): tuple(shares)})


def _prospects(negations: Sequence[a.Not]) -> list[a.TriplePattern]:
    return [part for negation in negations for part in negation.body if isinstance(part, a.TriplePattern)]


def _needed(element: a.FilterElement | a.SetElement) -> set[a.Var]:
    return set(variables_of(element.condition if isinstance(element, a.FilterElement) else element.expression))
