"""Functions on dates and times (SPARQL 1.1, section 17.4.5)."""

from __future__ import annotations

from collections.abc import Callable

from pyoxigraph import Literal, NamedNode

from kg.sparql.lexical_forms import case, datatype, lexical, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DATETIME_TAGS,
    EXACT,
    ID,
    LOCAL_DATETIME_TAGS,
    OFFSET_DATETIME_TAGS,
    TERM,
    UTC_DATETIME_TAGS,
    Value,
    integer,
    string,
    tag_test,
)
from kg.sql import encoding
from kg.terms import (
    TAG_DATE,
    TAG_DATETIME_LOCAL,
    TAG_DATETIME_OFFSET,
    TAG_DATETIME_UTC,
    TAG_TYPED,
    XSD,
    XSD_DATE,
    XSD_DATETIME,
)

Function = Callable[[list[Value], Scope], Value]

_EPOCH_MS = 62_135_596_800_000
_DAY_MS = 86_400_000


def converted(value: Value, is_date: bool) -> str:
    """SQL of the id of an inlined date (`is_date`) or dateTime made of an inlined date or dateTime; NULL where that is not inlined.

    The zone stays. Of a dateTime it is inlined in quarters of an hour only.
    """
    payload, days, zone = encoding.payload(value.sql), f"({encoding.payload(value.sql)} >> 11)", f"({encoding.payload(value.sql)} & 2047)"
    offset = f"({payload} >> 7)"
    midnight = f"{days} * {_DAY_MS}"
    made: list[tuple[frozenset[int], str]]
    if is_date:
        made = [
            (frozenset({TAG_DATE}), value.sql),
            (LOCAL_DATETIME_TAGS, f"{encoding.base(TAG_DATE)} + (({payload} // {_DAY_MS}) << 11)"),
            (UTC_DATETIME_TAGS, f"{encoding.base(TAG_DATE)} + (({payload} // {_DAY_MS}) << 11) + 1"),
            (OFFSET_DATETIME_TAGS, f"{encoding.base(TAG_DATE)} + (({offset} // {_DAY_MS}) << 11) + (({payload} & 127) - 64) * 15 + 842"),
        ]
    else:
        shifted = f"{encoding.base(TAG_DATETIME_OFFSET)} + (({midnight}) << 7) + ({zone} - 842) // 15 + 64"
        of_date = (
            f"CASE WHEN {zone} = 0 THEN {encoding.base(TAG_DATETIME_LOCAL)} + {midnight} WHEN {zone} = 1 THEN {encoding.base(TAG_DATETIME_UTC)} + {midnight} "
            f"WHEN ({zone} - 842) % 15 = 0 THEN {shifted} END"
        )
        made = [(DATETIME_TAGS, value.sql), (frozenset({TAG_DATE}), of_date)]
    branches = [(tag_test(value, tags), f"({sql})::BIGINT") for tags, sql in made if tags & value.tags]
    return case(*branches) if branches else "NULL::BIGINT"


def _local_milliseconds(value: Value, scope: Scope) -> tuple[str | None, bool]:
    """SQL of the local time where the value is an inlined dateTime or date (None where it never is), and whether it can be another one."""
    if value.kind == TERM and value.tags:
        value = term_id(scope.let(value.sql), value)
        is_other = True
    else:
        is_other = TAG_TYPED in value.tags or value.local
    if value.kind != ID or value.term is not None:
        return None, True
    payload = encoding.payload(value.sql)
    branches: list[tuple[str | None, str]] = []
    for group, sql in (
        (LOCAL_DATETIME_TAGS | UTC_DATETIME_TAGS, payload),
        (OFFSET_DATETIME_TAGS, f"({payload} >> 7)"),
        (frozenset({TAG_DATE}), f"({payload} >> 11) * {_DAY_MS}"),
    ):
        if group & value.tags:
            branches.append((tag_test(value, group), sql))
    return (case(*branches) if branches else None if is_other else "NULL::BIGINT"), is_other


def _temporal_text(value: Value, scope: Scope, known: str | None = None) -> str:
    """SQL of the lexical form of a dateTime or date; NULL for anything else, and where `known` is something."""
    value = scope.bind(value)
    if value.kind not in (ID, TERM):
        return "NULL::VARCHAR"
    kinds = ", ".join(quote(kind) for kind in (XSD_DATETIME, XSD_DATE))
    unless = f"{known} IS NULL AND " if known is not None else ""
    return scope.let(f"CASE WHEN {unless}{datatype(value, scope).sql} IN ({kinds}) THEN {lexical(value, scope).sql} END")


def _part(arithmetic: str, pattern: str, bits: int) -> Function:
    """A whole number read from the local milliseconds (`{}`), or from the text by a pattern with one group."""

    def function(arguments: list[Value], scope: Scope) -> Value:
        milliseconds, text = _time(arguments[0], scope)
        found = []
        if milliseconds is not None:
            found.append(f"({arithmetic.format(milliseconds)})::BIGINT")
        if text is not None:
            found.append(f"TRY_CAST(nullif(regexp_extract({text}, {quote(pattern)}, 1), '') AS BIGINT)")
        return integer(_either(found), bits=bits)

    return function


def _seconds(arguments: list[Value], scope: Scope) -> Value:
    """SECONDS: a decimal, with the fraction."""
    milliseconds, text = _time(arguments[0], scope)
    if text is None:
        return Value(EXACT, f"({milliseconds}) % 60000", scale=3, bits=17)
    digits = f"nullif(regexp_extract({text}, 'T[0-9]+:[0-9]+:([0-9.]+)', 1), '')"
    found = [f"({milliseconds}) % 60000 * 1000000"] if milliseconds is not None else []
    return Value(EXACT, _either([*found, f"(TRY_CAST({digits} AS DECIMAL(18,9))::DECIMAL(38,9) * 1000000000)::BIGINT"]), scale=9, bits=40)


def _time(value: Value, scope: Scope) -> tuple[str | None, str | None]:
    """Of a date or dateTime: SQL of the local milliseconds where it is inlined, and of the text where it is not; None where that cannot be."""
    value = scope.bind(value)
    milliseconds, is_other = _local_milliseconds(value, scope)
    if milliseconds is not None:
        milliseconds = scope.let(milliseconds)
    if not is_other:
        return milliseconds, None
    return milliseconds, _temporal_text(value, scope, milliseconds)


def _either(found: list[str]) -> str:
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _tz(arguments: list[Value], scope: Scope) -> Value:
    text = _temporal_text(arguments[0], scope)
    return string(f"regexp_extract({text}, '(Z|[+-][0-9]{{2}}:[0-9]{{2}})$', 1)")


def _timezone(arguments: list[Value], scope: Scope) -> Value:
    """TIMEZONE: an xsd:dayTimeDuration; an error where there is no zone."""
    zone = scope.let(_tz(arguments, scope).sql)
    hours, minutes = f"substr({zone}, 2, 2)::INTEGER", f"substr({zone}, 5, 2)::INTEGER"
    sign = f"CASE WHEN left({zone}, 1) = '-' THEN '-' ELSE '' END"
    parts = f"CASE WHEN {hours} <> 0 THEN {hours}::VARCHAR || 'H' ELSE '' END || CASE WHEN {minutes} <> 0 THEN {minutes}::VARCHAR || 'M' ELSE '' END"
    lex = f"CASE WHEN {zone} = '' THEN NULL WHEN {zone} IN ('Z', '+00:00', '-00:00') THEN 'PT0S' ELSE {sign} || 'PT' || {parts} END"
    name = scope.let(lex)
    kind = quote(XSD + "dayTimeDuration")
    found = scope.stored_term(TAG_TYPED, name, kind)
    return Value(
        TERM,
        f"CASE WHEN {found} IS NOT NULL THEN {{'id': {found}, 'lex': '', 'extra': ''}} "
        f"WHEN {name} IS NOT NULL THEN {{'id': -{TAG_TYPED}::BIGINT, 'lex': {name}, 'extra': {kind}}} END",
    )


def _now(arguments: list[Value], scope: Scope) -> Value:
    return scope.compiler.constant(Literal(scope.compiler.now, datatype=NamedNode(XSD_DATETIME)))


_STAMP = f"epoch_ms({{}} - {_EPOCH_MS})"

FUNCTIONS: dict[str, Function] = {
    "NOW": _now,
    "YEAR": _part(f"year({_STAMP})", "^(-?[0-9]{4,})-", 20),
    "MONTH": _part(f"month({_STAMP})", "^-?[0-9]{4,}-([0-9]{2})", 5),
    "DAY": _part(f"day({_STAMP})", "^-?[0-9]{4,}-[0-9]{2}-([0-9]{2})", 6),
    "HOURS": _part("({} // 3600000) % 24", "T([0-9]{2}):", 6),
    "MINUTES": _part("({} // 60000) % 60", "T[0-9]{2}:([0-9]{2})", 7),
    "SECONDS": _seconds,
    "TZ": _tz,
    "TIMEZONE": _timezone,
}
