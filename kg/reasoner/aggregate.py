"""Aggregates inside a recursion: which are allowed, and what they count.

A sub-select with GROUP BY may read what its own stratum concludes if its result can only move towards fulfilling the
tests made on it. That is checked here, before any data is seen:

1. one aggregate: SUM, COUNT or MAX, used only on the greater side of `>` or `>=`; or MIN, on the lesser side;
2. the other side of the test holds no result of an aggregate;
3. below GROUP BY there are joins of triple patterns, UNION, FILTER, BIND and, outermost, SELECT DISTINCT; patterns that
   read nothing recursive may have any form.

What is summed is a *set* of contributions, as everything in a recursion is a set. With `SELECT DISTINCT` below the GROUP
BY a contribution is one of its rows. Without, it is one solution, looked at through the variables that every alternative
of the UNION binds: a share that is reached by two alternatives is one contribution and counts once.
SUM further needs values that are exact numbers and not negative, which the engine checks on the data (R208, R209).
"""

from __future__ import annotations

from dataclasses import dataclass

from kg.reasoner.bodies import Branch, CannotFlatten, Reads, alternatives, conjuncts, visible_in
from kg.reasoner.model import Rule, variables_of
from kg.sparql import algebra as a

GROWING = {"SUM", "COUNT", "MAX"}
SHRINKING = {"MIN"}


@dataclass(frozen=True)
class RunningAggregate:
    """An aggregate whose contributions are only ever added to.

    `branches` are the alternatives that yield contributions; each binds all of `contribution`, among which are the
    `keys` of the groups and the `argument`. `result` is the variable of the aggregate; `having` are tests on it.
    """

    function: str
    argument: a.Var | None
    keys: tuple[a.Var, ...]
    result: a.Var
    branches: tuple[Branch, ...]
    contribution: tuple[a.Var, ...]
    having: tuple[a.Expression, ...]
    element: a.SubSelectElement


class Refusal(Exception):
    """Why an aggregate cannot stand in a recursion."""

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(reason)
        self.reason, self.help = reason, help


def running_aggregate(rule: Rule, element: a.SubSelectElement, is_recursive: Reads, cycle: str) -> RunningAggregate:
    """The aggregate of a sub-select that reads the recursion. Raises RuleError R207 naming the cycle."""
    try:
        aggregate = read_aggregate(element, is_recursive)
        _check_tests(rule, aggregate)
        return aggregate
    except (Refusal, CannotFlatten) as refusal:
        reason = refusal.reason if isinstance(refusal, Refusal) else f"it has {refusal}"
        help = refusal.help if isinstance(refusal, Refusal) else "compute that part by a rule outside of the cycle"
        raise rule.error(
            "R207",
            f"aggregates over its own conclusions, and {reason}",
            help,
            element.position,
            (f"cycle: {cycle}",),
        ) from None


def read_aggregate(element: a.SubSelectElement, is_recursive: Reads) -> RunningAggregate:
    """Take the sub-select apart; raises CannotFlatten or a refusal where it has another form."""
    group, aliases, having = _peel(element.pattern)
    if len(group.aggregates) != 1:
        raise Refusal("it has several aggregates at once", "give each aggregate a rule of its own")
    ((internal, aggregate),) = group.aggregates
    results = [alias for alias, name in aliases.items() if name == internal and alias in element.variables]
    result = results[0] if results else internal
    if len(results) > 1:
        raise Refusal("it gives one result two names", "use one name")
    keys = []
    for key, expression in group.keys:
        if expression is not None:
            raise Refusal("it groups by a computed value", "compute the value with BIND below the GROUP BY")
        keys.append(key)
    argument, distinct = aggregate.argument, aggregate.distinct
    if argument is not None and not isinstance(argument, a.Var):
        raise Refusal(f"the argument of {aggregate.name} is computed", "compute it with BIND below the GROUP BY")
    if aggregate.name not in GROWING | SHRINKING:
        raise Refusal(
            f"{aggregate.name} can grow and shrink as the recursion goes on", "use SUM, COUNT, MAX or MIN in a recursion"
        )
    branches, contribution = _contributions(group.pattern, is_recursive)
    if distinct and argument is not None:
        contribution = tuple(dict.fromkeys([*keys, argument]))
    missing = [v for v in [*keys, *([argument] if argument else [])] if v not in contribution]
    if missing:
        raise Refusal(
            f"?{missing[0].name} is not bound by every alternative", f"bind ?{missing[0].name} in every part of the UNION"
        )
    tests = tuple(_rename(test, dict.fromkeys(aliases, result) | {internal: result}) for test in having)
    return RunningAggregate(aggregate.name, argument, tuple(keys), result, tuple(branches), contribution, tests, element)


def has_aggregate(pattern: a.Pattern) -> bool:
    """Whether a sub-select is `Project … Group`, however many SELECT expressions and HAVING lie between."""
    while isinstance(pattern, (a.Project, a.Distinct, a.Reduced, a.Extend, a.Filter)):
        pattern = pattern.pattern
    return isinstance(pattern, a.Group)


def _peel(pattern: a.Pattern) -> tuple[a.Group, dict[a.Var, a.Var], list[a.Expression]]:
    """The Group below the projection, the names its results get, and the HAVING conditions."""
    aliases: dict[a.Var, a.Var] = {}
    having: list[a.Expression] = []
    while not isinstance(pattern, a.Group):
        match pattern:
            case a.Project(pattern=inner) | a.Distinct(pattern=inner) | a.Reduced(pattern=inner):
                pattern = inner
            case a.Extend(pattern=inner, variable=variable, expression=a.Var() as name):
                aliases[variable] = name
                pattern = inner
            case a.Extend(variable=variable):
                raise Refusal(
                    f"?{variable.name} is computed from the result", "test the aggregate itself against the threshold"
                )
            case a.Filter(condition=condition, pattern=inner):
                having += conjuncts(condition)
                pattern = inner
            case _:
                raise CannotFlatten("a form that is no plain GROUP BY")
    return pattern, aliases, having


def _contributions(pattern: a.Pattern, is_recursive: Reads) -> tuple[list[Branch], tuple[a.Var, ...]]:
    if isinstance(pattern, a.Distinct) and isinstance(pattern.pattern, a.Project):
        projection = pattern.pattern
        return alternatives(projection.pattern, is_recursive), projection.variables
    if isinstance(pattern, a.Project):
        pattern = pattern.pattern
    branches = alternatives(pattern, is_recursive)
    common = set.intersection(*[visible_in(branch) for branch in branches])
    return branches, tuple(sorted(common, key=lambda v: v.name))


def _rename(expression, names: dict[a.Var, a.Var]):
    if isinstance(expression, a.Var):
        return names.get(expression, expression)
    if isinstance(expression, a.Call):
        return a.Call(expression.name, tuple(_rename(part, names) for part in expression.args), expression.position)
    return expression


# ── tests on the result ──────────────────────────────────────────────────────────────────────────────────────


def _check_tests(rule: Rule, aggregate: RunningAggregate) -> None:
    result = aggregate.result
    results = {v for element in rule.body if isinstance(element, a.SubSelectElement) and has_aggregate(element.pattern)
               for v in element.variables if v not in _keys_of(element)}  # fmt: skip
    if any(result in variables_of(pattern) for pattern in rule.head):
        raise Refusal(
            f"?{result.name} goes into the head: a running total is no fact",
            "conclude from the test alone; ask for the total by a query, or by a rule outside of the cycle",
        )
    for test in aggregate.having:
        _check_test(test, aggregate, results | {result})
    for element in rule.body:
        if element is aggregate.element or result not in variables_of(element):
            continue
        if not isinstance(element, a.FilterElement):
            raise Refusal(
                f"?{result.name} is used outside of a test", "use the result only in FILTER(… > …) or FILTER(… >= …)"
            )
        for test in conjuncts(element.condition):
            _check_test(test, aggregate, results | {result})


def _keys_of(element: a.SubSelectElement) -> set[a.Var]:
    pattern = element.pattern
    while not isinstance(pattern, a.Group):
        pattern = pattern.pattern
    return {key for key, _ in pattern.keys}


def _check_test(test: a.Expression, aggregate: RunningAggregate, results: set[a.Var]) -> None:
    if aggregate.result not in variables_of(test):
        return
    upward = aggregate.function in GROWING
    if isinstance(test, a.Call) and test.name in ("<", "<=", ">", ">="):
        left, right = test.args
        greater, lesser = (left, right) if test.name in (">", ">=") else (right, left)
        value, threshold = (greater, lesser) if upward else (lesser, greater)
        if value == aggregate.result and not results & set(variables_of(threshold)):
            return
    sign = ">" if upward else "<"
    raise Refusal(
        f"?{aggregate.result.name} is tested otherwise than by {sign} or {sign}= against something fixed",
        f"a {aggregate.function} in a recursion may only be tested by `{sign}` or `{sign}=` against a constant or a bound value",
    )
