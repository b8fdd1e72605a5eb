"""What a proof tells: the grounds of a conclusion as data, and conditions and values as a person would write them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pyoxigraph import Literal, NamedNode, Triple

from kg.reasoner.model import Rule, short_name
from kg.sparql import algebra as a


@dataclass(frozen=True)
class Contribution:
    """One value that an aggregate took in, with the triples it came from; None where only its presence counts."""

    value: Decimal | None
    bindings: dict[str, a.Term]
    premises: tuple[Triple, ...]


@dataclass(frozen=True)
class AggregateGround:
    """`function` over `count` contributions gave `value`, which passed `tests` (as written). Of very many `contributions` has the
    greatest."""

    function: str
    result: str
    value: Decimal | None
    contributions: tuple[Contribution, ...]
    tests: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Absent:
    """What a NOT denies: `patterns` with the bindings put in (nodes without value are variables), of which `conditions`, as written,
    hold; with `data_only` it looked at the input alone."""

    patterns: tuple[tuple[a.Node, a.Node | str, a.Node], ...]
    data_only: bool
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grounds:
    """Why a triple was concluded: the rule, a solution of its body, and the triples that make it up.

    `absent` are what its NOTs deny; `tests` are the FILTERs as written.
    """

    rule: Rule
    round: int
    bindings: dict[str, a.Term | Decimal]
    premises: tuple[Triple, ...]
    aggregates: tuple[AggregateGround, ...]
    absent: tuple[Absent, ...]
    tests: tuple[str, ...]

    def below(self) -> tuple[Triple, ...]:
        """All triples it rests on, those that aggregates took in included."""
        return (*self.premises, *(premise for total in self.aggregates for share in total.contributions for premise in share.premises))


def named(terms: dict[a.Var, a.Term]) -> dict[str, a.Term]:
    """The bindings that a reader can know: no blank nodes of the pattern, no helper variables."""
    return {v.name: term for v, term in terms.items() if not v.is_anonymous and "/" not in v.name}


def number_of(term: a.Term | None) -> Decimal | None:
    try:
        return Decimal(term.value) if isinstance(term, Literal) else None
    except ArithmeticError:
        return None


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros: 50.00 → 50."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def expression_text(expression: a.Expression, prefixes: tuple[tuple[str, str], ...]) -> str:
    """A condition as a person would write it."""
    if isinstance(expression, a.Var):
        return f"?{expression.name}"
    if isinstance(expression, NamedNode):
        return short_name(expression, prefixes)
    if isinstance(expression, Literal):
        plain_types = ("integer", "decimal", "boolean", "double")
        return expression.value if expression.datatype.value.rsplit("#", 1)[-1] in plain_types else str(expression)
    if isinstance(expression, a.Call):
        parts = [expression_text(part, prefixes) for part in expression.args]
        if len(parts) == 2 and not expression.name.isalpha():
            return f"{parts[0]} {expression.name} {parts[1]}"
        if expression.name in ("IN", "NOT IN"):
            return f"{parts[0]} {expression.name} ({', '.join(parts[1:])})"
        return f"{expression.name.removeprefix('u')}{parts[0]}" if expression.name in ("!", "u-", "u+") else f"{expression.name}({', '.join(parts)})"
    if isinstance(expression, a.FunctionCall):
        return f"{short_name(expression.iri, prefixes)}({', '.join(expression_text(part, prefixes) for part in expression.args)})"
    return str(expression)
