"""Conditions and computed values over the ids of terms, in Python: the plain ones, which most rules have.

Proofs test a handful of solutions, for which planning a statement would take longer than anything else. Only what has one
exact meaning is done here: comparisons of exact numbers, of dates and times without zones, of booleans, identity of nodes, sums
and products, and texts put together. All else raises `NotPlain`, and is left to the query compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.sparql import algebra as a
from kg.terms import (
    BIAS,
    MAX_SCALE,
    PAYLOAD_MASK,
    TAG_BITS,
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_DATETIME_LOCAL,
    TAG_DATETIME_OFFSET,
    TAG_DECIMAL,
    TAG_INTEGER,
    TAG_IRI,
    TAG_STRING,
    TAG_TEMPLATE,
    Term,
)

# What a variable is bound to: the id of a term, or a number that an aggregate has made.
Solution = Mapping[a.Var, int | Fraction]

_ZONE_BITS = 11  # of a date's payload


class NotPlain(Exception):
    """The condition, or a value in it, is not among those done here."""


@dataclass(frozen=True)
class _Node:
    """An IRI or a blank node."""

    id: int


@dataclass(frozen=True)
class _Moment:
    """A date or dateTime without zone: comparable to those of its own kind."""

    kind: str
    value: int


@dataclass(frozen=True)
class Conditions:
    """`constant` gives the id of a ground term, `decode` the term of an id."""

    constant: Callable[[Term], int]
    decode: Callable[[int], Term]

    def holds(self, condition: a.Expression, solution: Solution) -> bool:
        """Whether a FILTER lets a solution pass."""
        found = self._value(condition, solution)
        if not isinstance(found, bool):
            raise NotPlain
        return found

    def node(self, expression: a.Expression, solution: Solution) -> NamedNode:
        """The IRI that SET(?x := IRI(…)) makes."""
        if isinstance(expression, a.Call) and expression.name == "IRI":
            text = self._text(expression.args[0], solution)
            if "://" in text or text.startswith("urn:"):
                return NamedNode(text)
        raise NotPlain

    def source(self, expression: a.Expression, made: int) -> tuple[a.Var, NamedNode] | None:
        """Of `IRI(CONCAT(STR(?x), "/group"))` that made this IRI, what ?x may have been; None for expressions of other forms."""
        if not (isinstance(expression, a.Call) and expression.name == "IRI"):
            return None
        inner = expression.args[0]
        parts = inner.args if isinstance(inner, a.Call) and inner.name == "CONCAT" else (inner,)
        unknown = [place for place, part in enumerate(parts) if not isinstance(part, Literal)]
        term = self.decode(made)
        match [parts[place] for place in unknown]:
            case [a.Call(name="STR", args=(a.Var() as variable,))] if isinstance(term, NamedNode):
                before = "".join(part.value for part in parts[: unknown[0]])
                after = "".join(part.value for part in parts[unknown[0] + 1 :])
                text = term.value.removeprefix(before).removesuffix(after)
                return (variable, NamedNode(text)) if before + text + after == term.value and ":" in text else None
        return None

    def _text(self, expression: a.Expression, solution: Solution) -> str:
        match expression:
            case a.Call(name="CONCAT", args=parts):
                return "".join(self._text(part, solution) for part in parts)
            case a.Call(name="STR", args=(a.Var() as variable,)) if isinstance(solution.get(variable), int):
                term = self.decode(solution[variable])
                if isinstance(term, (NamedNode, Literal)):
                    return term.value
            case Literal() if expression.language is None and expression.datatype.value.endswith("#string"):
                return expression.value
        raise NotPlain

    def _value(self, expression: a.Expression, solution: Solution) -> object:
        """A bool, a Fraction, a `_Node`, a `_Moment` or a str."""
        match expression:
            case a.Var():
                if expression not in solution:
                    raise NotPlain
                found = solution[expression]
                return found if isinstance(found, Fraction) else self._of(found)
            case NamedNode() | BlankNode() | Literal():
                term_id = self.constant(expression)
                if term_id < 0 and isinstance(expression, Literal):
                    raise NotPlain
                return _Node(term_id) if term_id < 0 else self._of(term_id)
            case a.Call(name="&&", args=(left, right)):
                return self.holds(left, solution) and self.holds(right, solution)
            case a.Call(name="||", args=(left, right)):
                return self.holds(left, solution) or self.holds(right, solution)
            case a.Call(name="!", args=(inner,)):
                return not self.holds(inner, solution)
            case a.Call(name="SAMETERM", args=(a.Var() as left, a.Var() as right)):
                ids = solution.get(left), solution.get(right)
                if all(isinstance(one, int) for one in ids):
                    return ids[0] == ids[1]
            case a.Call(name="=" | "!=" | "<" | ">" | "<=" | ">=" as name, args=(left, right)):
                return _compared(name, self._value(left, solution), self._value(right, solution))
            case a.Call(name="IN" | "NOT IN" as name, args=(left, *choices)):
                value = self._value(left, solution)
                found = any(_compared("=", value, self._value(choice, solution)) for choice in choices)
                return found == (name == "IN")
            case a.Call(name="+" | "-" | "*" as name, args=(left, right)):
                one, other = self._value(left, solution), self._value(right, solution)
                if isinstance(one, Fraction) and isinstance(other, Fraction):
                    return one + other if name == "+" else one - other if name == "-" else one * other
            case a.Call(name="STR" | "CONCAT"):
                return self._text(expression, solution)
        raise NotPlain

    def _of(self, term_id: int) -> object:
        tag, payload = term_id >> TAG_BITS, term_id & PAYLOAD_MASK
        if tag in (TAG_IRI, TAG_BLANK) or tag >= TAG_TEMPLATE:
            return _Node(term_id)
        if tag == TAG_INTEGER:
            return Fraction(payload - BIAS)
        if TAG_DECIMAL <= tag <= TAG_DECIMAL + MAX_SCALE:
            return Fraction(payload - BIAS, 10 ** (tag - TAG_DECIMAL))
        if tag == TAG_BOOLEAN:
            return payload == 1
        if tag == TAG_DATE and payload & ((1 << _ZONE_BITS) - 1) == 0:
            return _Moment("date", payload)
        if TAG_DATETIME_LOCAL <= tag < TAG_DATETIME_OFFSET:
            return _Moment("local" if tag < TAG_DATETIME_LOCAL + 4 else "utc", payload)
        if tag == TAG_STRING:
            return self.decode(term_id).value
        raise NotPlain


def number(term_id: int) -> Fraction:
    """The value of an exact number. Raises NotPlain for any other term."""
    tag, payload = term_id >> TAG_BITS, term_id & PAYLOAD_MASK
    if tag == TAG_INTEGER:
        return Fraction(payload - BIAS)
    if TAG_DECIMAL <= tag <= TAG_DECIMAL + MAX_SCALE:
        return Fraction(payload - BIAS, 10 ** (tag - TAG_DECIMAL))
    raise NotPlain


def _compared(name: str, left: object, right: object) -> bool:
    if isinstance(left, _Node) or isinstance(right, _Node):  # a node is no literal
        if name not in ("=", "!="):
            raise NotPlain
        return (left == right) == (name == "=")
    is_comparable = type(left) is type(right) and not (isinstance(left, _Moment) and left.kind != right.kind)
    if not is_comparable or (name not in ("=", "!=") and isinstance(left, bool)):
        raise NotPlain
    if name in ("=", "!="):
        return (left == right) == (name == "=")
    first, second = (left.value, right.value) if isinstance(left, _Moment) else (left, right)
    return {"<": first < second, ">": first > second, "<=": first <= second, ">=": first >= second}[name]
