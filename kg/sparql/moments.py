"""Functions on dates and times (SPARQL 1.1, section 17.4.5)."""

from __future__ import annotations

from collections.abc import Callable

from pyoxigraph import Literal, NamedNode

from kg.sparql.lexical_forms import case, datatype, lexical, quote
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DATETIME_TAGS,
    EXACT,
    ID,
    LOCAL_DATETIME_TAGS,
    TERM,
    UTC_DATETIME_TAGS,
    Value,
    integer,
    string,
    tag_test,
)
from kg.sql import encoding
from kg.terms import TAG_DATE, TAG_TYPED, XSD, XSD_DATE, XSD_DATETIME

Function = Callable[[list[Value], Scope], Value]

_EPOCH_MS = 62_135_596_800_000
_DAY_MS = 86_400_000


def _local_milliseconds(value: Value) -> str | None:
    """SQL of the local time of an inlined dateTime or date; None where the value is no plain inlined one."""
    if value.kind != ID or value.term is not None or TAG_TYPED in value.tags:
        return None
    payload = encoding.payload(value.sql)
    branches: list[tuple[str | None, str]] = []
    for group, sql in (
        (LOCAL_DATETIME_TAGS | UTC_DATETIME_TAGS, payload),
        (DATETIME_TAGS - LOCAL_DATETIME_TAGS - UTC_DATETIME_TAGS, f"({payload} >> 7)"),
        (frozenset({TAG_DATE}), f"({payload} >> 11) * {_DAY_MS}"),
    ):
        if group & value.tags:
            branches.append((tag_test(value, group), sql))
    return case(*branches) if branches else "NULL::BIGINT"


def _temporal_text(value: Value, scope: Scope, types: tuple[str, ...] = (XSD_DATETIME, XSD_DATE)) -> str:
    """SQL of the lexical form of a dateTime or date; NULL for anything else."""
    value = scope.bind(value)
    if value.kind not in (ID, TERM):
        return "NULL::VARCHAR"
    kinds = ", ".join(quote(kind) for kind in types)
    return scope.let(f"CASE WHEN {datatype(value, scope).sql} IN ({kinds}) THEN {lexical(value, scope).sql} END")


def _part(arithmetic: str, pattern: str, bits: int) -> Function:
    """A whole number read from the local milliseconds (`{}`), or from the text by a pattern with one group."""

    def function(arguments: list[Value], scope: Scope) -> Value:
        milliseconds = _local_milliseconds(arguments[0])
        if milliseconds is not None:
            return integer(f"({arithmetic.format(scope.let(milliseconds))})::BIGINT", bits=bits)
        text = _temporal_text(arguments[0], scope)
        return integer(f"TRY_CAST(nullif(regexp_extract({text}, {quote(pattern)}, 1), '') AS BIGINT)", bits=bits)

    return function


def _seconds(arguments: list[Value], scope: Scope) -> Value:
    """SECONDS: a decimal, with the fraction."""
    milliseconds = _local_milliseconds(arguments[0])
    if milliseconds is not None:
        return Value(EXACT, f"({milliseconds}) % 60000", scale=3, bits=17)
    text = _temporal_text(arguments[0], scope)
    digits = f"nullif(regexp_extract({text}, 'T[0-9]+:[0-9]+:([0-9.]+)', 1), '')"
    return Value(EXACT, f"(TRY_CAST({digits} AS DECIMAL(18,9))::DECIMAL(38,9) * 1000000000)::BIGINT", scale=9, bits=40)


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
