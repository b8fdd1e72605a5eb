"""Well-formedness of a rule: what a variable needs before it may be used (SPARQL-RL, well-formed rules).

Elements of a body are read in the order in which they are written. Codes: R201 a head variable that nothing binds,
R202 a variable used in FILTER, R203 in SET before it is bound, R205 a SET whose variable already has a value,
R212 a form that rules do not take.
"""

from __future__ import annotations

from kg.reasoner.model import Rule, variables_of, visible_variables
from kg.sparql import algebra as a


def check_well_formed(rule: Rule) -> None:
    """Raises RuleError at the first element that breaks a condition; its place is the element's own."""
    bound: set[a.Var] = set()
    local_to_not: set[a.Var] = set()
    for element in rule.body:
        match element:
            case a.FilterElement(condition=condition):
                _require_bound(rule, element, condition, bound, "R202", "FILTER")
            case a.SetElement(variable=variable, expression=expression):
                _require_bound(rule, element, expression, bound, "R203", "SET")
                if variable in bound:
                    raise rule.error(
                        "R205",
                        f"sets ?{variable.name}, which already has a value",
                        "give the new value a variable of its own, and compare the two in a FILTER if they must agree",
                        element.position,
                    )
            case a.Not():
                local_to_not |= _check_not(rule, element, bound)
            case a.SubSelectElement():
                _check_sub_select(rule, element)
        bound |= visible_variables(element)
    _check_head(rule, bound, local_to_not)


def _require_bound(rule: Rule, element, expression, bound: set[a.Var], code: str, what: str) -> None:
    for variable in variables_of(expression):
        if variable not in bound:
            raise rule.error(
                code,
                f"uses ?{variable.name} in a {what} before anything binds it",
                f"move the {what} below the triple pattern that binds ?{variable.name}, or bind it",
                getattr(element, "position", None),
            )


def _check_not(rule: Rule, element: a.Not, bound: set[a.Var]) -> set[a.Var]:
    """A FILTER inside NOT sees the variables bound before the NOT and those of the NOT above it."""
    inside = set(bound)
    for part in element.body:
        match part:
            case a.FilterElement(condition=condition):
                _require_bound(rule, part, condition, inside, "R202", "FILTER")
            case a.TriplePattern() | a.PathPattern():
                inside |= set(variables_of(part))
            case _:
                raise rule.error(
                    "R212",
                    "has something other than triple patterns and FILTER inside NOT",
                    "give what must not hold a rule of its own, and negate its conclusion",
                    getattr(part, "position", None) or element.position,
                )
    return inside - bound


def _check_head(rule: Rule, bound: set[a.Var], local_to_not: set[a.Var]) -> None:
    for pattern in rule.head:
        if any(isinstance(node, a.TripleTerm) and any(variables_of(node)) for node in (pattern.subject, pattern.object)):
            raise rule.error(
                "R212",
                "makes a triple term with variables in its head",
                "conclude the triple itself, or state the triple term in the data",
                pattern.position,
            )
        for variable in variables_of(pattern):
            if variable.is_anonymous or variable in bound:
                continue
            hint = (
                f"?{variable.name} stands in NOT only, and what does not hold binds nothing"
                if variable in local_to_not
                else f"bind ?{variable.name} in the WHERE by a triple pattern or by SET"
            )
            raise rule.error("R201", f"uses ?{variable.name} in its head, but its body never binds it", hint, pattern.position)


def _check_sub_select(rule: Rule, element: a.SubSelectElement) -> None:
    for pattern in patterns_within(element.pattern):
        if isinstance(pattern, (a.Graph, a.Service)):
            raise rule.error(
                "R212",
                f"has {type(pattern).__name__.upper()} inside a sub-select",
                "rules read the union of all graphs; leave the GRAPH or SERVICE out",
                element.position,
            )
    unsure = [v for v in element.variables if v not in certain_variables(element.pattern)]
    for variable in unsure:
        raise rule.error(
            "R212",
            f"takes ?{variable.name} from a sub-select that may leave it without a value",
            "bind it in every alternative of the UNION and outside of OPTIONAL, or give it a value by COALESCE",
            element.position,
        )


def patterns_within(pattern: a.Pattern):
    """The pattern and all patterns below it, those inside EXISTS included."""
    stack: list[object] = [pattern]
    while stack:
        thing = stack.pop()
        if isinstance(thing, a.Pattern):
            yield thing
        if isinstance(thing, tuple):
            stack.extend(thing)
        elif hasattr(thing, "__dataclass_fields__"):
            stack.extend(getattr(thing, name) for name in thing.__dataclass_fields__)


def certain_variables(pattern: a.Pattern) -> frozenset[a.Var]:
    """The variables that every solution of the pattern binds; a computed value is taken as certain,
    for a solution where it fails is dropped as SET does."""
    match pattern:
        case a.BGP(triples=triples):
            return frozenset(variables_of(triples))
        case a.Join(left=left, right=right):
            return certain_variables(left) | certain_variables(right)
        case a.Union(left=left, right=right):
            return certain_variables(left) & certain_variables(right)
        case a.LeftJoin(left=inner) | a.Minus(left=inner):
            return certain_variables(inner)
        case a.Extend(pattern=inner, variable=variable):
            return certain_variables(inner) | {variable}
        case a.Values(variables=variables, rows=rows):
            return frozenset(v for i, v in enumerate(variables) if all(row[i] is not None for row in rows))
        case a.Group(keys=keys, aggregates=aggregates):
            return frozenset([key for key, _ in keys] + [result for result, _ in aggregates])
        case a.Project(pattern=inner, variables=variables):
            return certain_variables(inner) & frozenset(variables)
        case a.Filter(pattern=inner) | a.Distinct(pattern=inner) | a.Reduced(pattern=inner):
            return certain_variables(inner)
        case a.OrderBy(pattern=inner) | a.Slice(pattern=inner):
            return certain_variables(inner)
        case _:
            return frozenset()
