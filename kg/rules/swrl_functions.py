"""What SWRL's built-ins compute and SPARQL has no function for: exact arithmetic, texts, moments and durations, URIs.

Each is registered under its IRI in the `swrlb:` namespace, without the argument that takes the result:
`swrlb:pow(?z, ?x, ?y)` is `?z := swrlb:pow(?x, ?y)`. An argument of another type is an error (ValueError or None).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext
from fractions import Fraction
from urllib.parse import urljoin, urlunsplit

from pyoxigraph import Literal, NamedNode

from kg.rules import moments as m
from kg.sparql.named_functions import FUNCTION_FAULT, Argument, NamedFunction, register
from kg.terms import XSD, XSD_BOOLEAN, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

SWRLB = "http://www.w3.org/2003/11/swrlb#"
XSD_DOUBLE, XSD_FLOAT, XSD_ANY_URI = XSD + "double", XSD + "float", XSD + "anyURI"
MOST_TOKENS = 1000  # of one text; more is an error, not left out
TOO_MANY_TOKENS = f"{FUNCTION_FAULT}swrlb:tokenize finds more than {MOST_TOKENS} tokens in one text"
_MOST_BITS = 100_000  # of a power

INTEGERS = {XSD + name for name in (
    "integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger",
    "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte")}  # fmt: skip
_EXACT = Context(prec=60, traps=[Inexact])
Number = int | Decimal | float


# ── Reading and writing literals ─────────────────────────────────────────────────────────────────────────────


def number_of(argument: Argument) -> Number:
    """int, Decimal or float, as the datatype says. ValueError for what is no number."""
    if not isinstance(argument, Literal):
        raise ValueError(argument)
    kind, text = argument.datatype.value, argument.value.strip()
    if kind in INTEGERS:
        return int(text)
    if kind == XSD_DECIMAL and re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text):
        return Decimal(text)
    if kind in (XSD_DOUBLE, XSD_FLOAT):
        return float(text.replace("INF", "inf"))
    raise ValueError(argument)


def text_of(argument: Argument) -> str:
    """The text of a string, or of any other literal or IRI as STR gives it."""
    return argument.value


def literal_of(value: Number | str | bool) -> Literal:
    if isinstance(value, bool):
        return Literal("true" if value else "false", datatype=NamedNode(XSD_BOOLEAN))
    if isinstance(value, int):
        return Literal(str(value), datatype=NamedNode(XSD_INTEGER))
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return Literal((text.rstrip("0").rstrip(".") if "." in text else text) or "0", datatype=NamedNode(XSD_DECIMAL))
    if isinstance(value, float):
        return Literal(_double(value), datatype=NamedNode(XSD_DOUBLE))
    return Literal(value)


def _double(value: float) -> str:
    """XSD's canonical form."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    if value == 0:
        return "0.0E0"
    digits, exponent = Decimal(repr(value)).as_tuple().digits, Decimal(repr(value)).adjusted()
    text = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if value < 0 else ''}{text[0]}.{text[1:] or '0'}E{exponent}"


def _whole(argument: Argument) -> int:
    value = number_of(argument)
    if value != int(value):
        raise ValueError(argument)
    return int(value)


def _exact(argument: Argument) -> Decimal:
    value = number_of(argument)
    return Decimal(value)


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────


def _both(left: Argument, right: Argument) -> tuple[Number, Number]:
    """Both in the wider of their types."""
    one, other = number_of(left), number_of(right)
    if isinstance(one, float) or isinstance(other, float):
        return float(one), float(other)
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return Decimal(one), Decimal(other)
    return one, other


def _integer_divide(left: Argument, right: Argument) -> Literal:
    """Towards zero (op:numeric-integer-divide)."""
    one, other = (Fraction(value) for value in _both(left, right))
    return literal_of(math.trunc(one / other))


def _mod(left: Argument, right: Argument) -> Literal:
    """With the sign of the dividend (op:numeric-mod)."""
    one, other = _both(left, right)
    if isinstance(one, float):
        return literal_of(math.fmod(one, other))
    if other == 0:
        raise ZeroDivisionError
    rest = abs(one) % abs(other)
    return literal_of(-rest if one < 0 else rest)


def _pow(base: Argument, exponent: Argument) -> Literal:
    """Exact for an exact base and a whole, not negative exponent, within reason; else a double."""
    one, other = number_of(base), number_of(exponent)
    if not isinstance(one, float) and other == int(other) and 0 <= other <= 10_000:
        if isinstance(one, int):
            return literal_of(one ** int(other)) if one.bit_length() * int(other) <= _MOST_BITS else None
        with localcontext(_EXACT) as context:
            return literal_of(context.power(one, int(other)))
    result = float(one) ** float(other)
    return literal_of(result) if isinstance(result, float) else None


def _round_half_to_even(value: Argument, precision: Argument | None = None) -> Literal:
    number, places = number_of(value), _whole(precision) if precision is not None else 0
    if isinstance(number, float) and not math.isfinite(number):
        return literal_of(number)
    with localcontext(Context(prec=400)):
        rounded = Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return literal_of(type(number)(rounded))


def _of_double(function: Callable[[float], float]) -> Callable[[Argument], Literal]:
    return lambda value: literal_of(function(float(number_of(value))))


# ── Texts ────────────────────────────────────────────────────────────────────────────────────────────────────


def _translate(text: Argument, old: Argument, new: Argument) -> Literal:
    """fn:translate: characters of `old` become those of `new` at their place, or go."""
    table: dict[int, str | None] = {}
    for place, character in enumerate(text_of(old)):
        table.setdefault(ord(character), text_of(new)[place] if place < len(text_of(new)) else None)
    return Literal(text_of(text).translate(table))


def _normalize_space(text: Argument) -> Literal:
    return Literal(" ".join(part for part in re.split(r"[ \t\r\n]+", text_of(text)) if part))


def _token(text: str, pattern: str, number: str) -> str:
    """SQL of the `number`th part (from 1) of the text between matches of the pattern (RE2, which takes time linear in the
    text); NULL beyond the last."""
    parts = f"string_split_regex({text}, {pattern})"
    too_many = f"error('{TOO_MANY_TOKENS}')"
    return f"CASE WHEN len({parts}) > {MOST_TOKENS} THEN {too_many} ELSE {parts}[({number})::INTEGER] END"


def _boolean_not(value: Argument) -> Literal:
    if not isinstance(value, Literal) or value.datatype.value != XSD_BOOLEAN or value.value not in ("true", "false", "1", "0"):
        raise ValueError(value)
    return literal_of(value.value in ("false", "0"))


# ── Moments and durations ────────────────────────────────────────────────────────────────────────────────────


def _year_month_duration(years: Argument, months: Argument) -> Literal:
    return m.year_month(_whole(years) * 12 + _whole(months))


def _day_time_duration(days: Argument, hours: Argument, minutes: Argument, seconds: Argument) -> Literal:
    return m.day_time(_whole(days) * 86_400 + _whole(hours) * 3600 + _whole(minutes) * 60 + _exact(seconds))


def _zone(argument: Argument | None) -> int | None:
    return None if argument is None else m.zone_of(text_of(argument))


def _date_time(year, month, day, hour, minute, second, zone=None) -> Literal:
    fields = (_whole(part) for part in (year, month, day, hour, minute))
    return m.Moment(XSD_DATETIME, *fields, second=_exact(second), zone=_zone(zone)).literal()


def _date(year, month, day, zone=None) -> Literal:
    return m.Moment(XSD_DATE, *(_whole(part) for part in (year, month, day)), zone=_zone(zone)).literal()


def _time(hour, minute, second, zone=None) -> Literal:
    return m.Moment(m.XSD_TIME, hour=_whole(hour), minute=_whole(minute), second=_exact(second), zone=_zone(zone)).literal()


def _summed_months(*durations: Argument) -> Literal:
    return m.year_month(sum(map(m.months_of, durations)))


def _summed_seconds(*durations: Argument) -> Literal:
    return m.day_time(sum(map(m.seconds_of, durations), Decimal(0)))


def _times_months(duration: Argument, factor: Argument) -> Literal:
    return m.year_month(m.rounded_months(m.months_of(duration) * Fraction(_exact(factor))))


def _divided_months(duration: Argument, divisor: Argument) -> Literal:
    return m.year_month(m.rounded_months(m.months_of(duration) / Fraction(_exact(divisor))))


def _times_seconds(duration: Argument, factor: Argument) -> Literal:
    return m.day_time(m.seconds_of(duration) * _exact(factor))


def _divided_seconds(duration: Argument, divisor: Argument) -> Literal:
    return m.day_time(m.seconds_of(duration) / _exact(divisor))


def _difference(kind: str) -> Callable[[Argument, Argument], Literal]:
    return lambda later, earlier: m.day_time(m.moment_of(later, kind).seconds - m.moment_of(earlier, kind).seconds)


def _months_between(later: Argument, earlier: Argument) -> Literal:
    return m.year_month(m.months_between(m.moment_of(later, XSD_DATETIME), m.moment_of(earlier, XSD_DATETIME)))


def _moved_by_months(kind: str, sign: int) -> Callable[[Argument, Argument], Literal]:
    return lambda moment, duration: m.moment_of(moment, kind).plus_months(sign * m.months_of(duration)).literal()


def _moved_by_seconds(kind: str, sign: int) -> Callable[[Argument, Argument], Literal]:
    return lambda moment, duration: m.moment_of(moment, kind).plus_seconds(sign * m.seconds_of(duration)).literal()


def _part(name: str) -> Callable[[Argument], Literal | None]:
    """A component of a moment or of a duration, for built-ins that take it apart."""

    def part(value: Argument) -> Literal | None:
        if value.datatype.value == m.YEAR_MONTH:
            months = m.months_of(value)
            sign = -1 if months < 0 else 1
            return literal_of({"year": sign * (abs(months) // 12), "month": sign * (abs(months) % 12)}[name])
        if value.datatype.value == m.DAY_TIME:
            seconds = m.seconds_of(value)
            sign, whole = (-1 if seconds < 0 else 1), int(abs(seconds))
            parts = {"day": whole // 86_400, "hour": whole // 3600 % 24, "minute": whole // 60 % 60, "second": abs(seconds) % 60}
            return literal_of(sign * parts[name])
        moment = m.moment_of(value)
        if name == "zone":
            return None if moment.zone is None else Literal(m.zone_text(moment.zone))
        return literal_of(getattr(moment, name))

    return part


# ── URIs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _resolve_uri(reference: Argument, base: Argument) -> Literal:
    return Literal(urljoin(text_of(base), text_of(reference)), datatype=NamedNode(XSD_ANY_URI))


def _any_uri(scheme, host, port, path, query, fragment) -> Literal:
    place = text_of(host) + (f":{text_of(port)}" if text_of(port) else "")
    parts = (text_of(scheme), place, text_of(path), text_of(query), text_of(fragment))
    return Literal(urlunsplit(parts), datatype=NamedNode(XSD_ANY_URI))


# ── Comparisons that SPARQL does not know ────────────────────────────────────────────────────────────────────


def _ordered(argument: Argument) -> tuple[str, object]:
    """The kind of a value and its place among its kind."""
    if isinstance(argument, NamedNode):
        raise ValueError(argument)
    kind = argument.datatype.value
    if kind == m.YEAR_MONTH:
        return "months", m.months_of(argument)
    if kind == m.DAY_TIME:
        return "seconds", m.seconds_of(argument)
    if kind in (XSD_DATE, XSD_DATETIME, m.XSD_TIME):
        return kind, m.moment_of(argument).seconds
    if kind in (XSD_STRING, XSD_ANY_URI):
        return "text", argument.value
    if kind == XSD_BOOLEAN:
        return "boolean", argument.value in ("true", "1")
    return "number", number_of(argument)


def _compared(test: Callable[[object, object], bool]) -> Callable[[Argument, Argument], bool]:
    def compare(left: Argument, right: Argument) -> bool:
        (kind, one), (other_kind, other) = _ordered(left), _ordered(right)
        if kind != other_kind:
            raise ValueError(f"{kind} and {other_kind} have no order")
        return test(one, other)

    return compare


# ── Registering ──────────────────────────────────────────────────────────────────────────────────────────────

# Name → (function, least arguments, most).
COMPUTED: dict[str, tuple[Callable, int, int | None]] = {
    "integerDivide": (_integer_divide, 2, 2),
    "mod": (_mod, 2, 2),
    "pow": (_pow, 2, 2),
    "roundHalfToEven": (_round_half_to_even, 1, 2),
    "sin": (_of_double(math.sin), 1, 1),
    "cos": (_of_double(math.cos), 1, 1),
    "tan": (_of_double(math.tan), 1, 1),
    "booleanNot": (_boolean_not, 1, 1),
    "translate": (_translate, 3, 3),
    "normalizeSpace": (_normalize_space, 1, 1),
    "yearMonthDuration": (_year_month_duration, 2, 2),
    "dayTimeDuration": (_day_time_duration, 4, 4),
    "dateTime": (_date_time, 6, 7),
    "date": (_date, 3, 4),
    "time": (_time, 3, 4),
    "addYearMonthDurations": (_summed_months, 2, None),
    "subtractYearMonthDurations": (lambda one, other: m.year_month(m.months_of(one) - m.months_of(other)), 2, 2),
    "multiplyYearMonthDuration": (_times_months, 2, 2),
    "divideYearMonthDurations": (_divided_months, 2, 2),
    "addDayTimeDurations": (_summed_seconds, 2, None),
    "subtractDayTimeDurations": (lambda one, other: m.day_time(m.seconds_of(one) - m.seconds_of(other)), 2, 2),
    "multiplyDayTimeDurations": (_times_seconds, 2, 2),
    "divideDayTimeDuration": (_divided_seconds, 2, 2),
    "subtractDates": (_difference(XSD_DATE), 2, 2),
    "subtractTimes": (_difference(m.XSD_TIME), 2, 2),
    "subtractDateTimesYieldingYearMonthDuration": (_months_between, 2, 2),
    "subtractDateTimesYieldingDayTimeDuration": (_difference(XSD_DATETIME), 2, 2),
    "addYearMonthDurationToDateTime": (_moved_by_months(XSD_DATETIME, 1), 2, 2),
    "subtractYearMonthDurationFromDateTime": (_moved_by_months(XSD_DATETIME, -1), 2, 2),
    "addYearMonthDurationToDate": (_moved_by_months(XSD_DATE, 1), 2, 2),
    "subtractYearMonthDurationFromDate": (_moved_by_months(XSD_DATE, -1), 2, 2),
    "addDayTimeDurationToDateTime": (_moved_by_seconds(XSD_DATETIME, 1), 2, 2),
    "subtractDayTimeDurationFromDateTime": (_moved_by_seconds(XSD_DATETIME, -1), 2, 2),
    "addDayTimeDurationToDate": (_moved_by_seconds(XSD_DATE, 1), 2, 2),
    "subtractDayTimeDurationFromDate": (_moved_by_seconds(XSD_DATE, -1), 2, 2),
    "addDayTimeDurationToTime": (_moved_by_seconds(m.XSD_TIME, 1), 2, 2),
    "subtractDayTimeDurationFromTime": (_moved_by_seconds(m.XSD_TIME, -1), 2, 2),
    "resolveURI": (_resolve_uri, 2, 2),
    "anyURI": (_any_uri, 6, 6),
    **{f"part-{name}": (_part(name), 1, 1) for name in ("year", "month", "day", "hour", "minute", "second", "zone")},
}

COMPARED: dict[str, tuple[str, Callable[[object, object], bool]]] = {
    "equal": ("=", lambda one, other: one == other),
    "notEqual": ("!=", lambda one, other: one != other),
    "lessThan": ("<", lambda one, other: one < other),
    "lessThanOrEqual": ("<=", lambda one, other: one <= other),
    "greaterThan": (">", lambda one, other: one > other),
    "greaterThanOrEqual": (">=", lambda one, other: one >= other),
}

for _name, (_function, _least, _most) in COMPUTED.items():
    register(NamedFunction(SWRLB + _name, _function, _least, _most))
register(NamedFunction(SWRLB + "token", None, 3, 3, sql=_token))
for _name, (_operator, _test) in COMPARED.items():
    register(NamedFunction(SWRLB + _name, _compared(_test), 2, 2, is_test=True, operator=_operator))


