"""xsd:dayTimeDuration: differences of dates and dateTimes, sums with them, comparison (XPath functions, sections 8.4, 9.7).

SPARQL 1.1 permits these as extensions of its operator table (section 17.3.1). A duration is a BIGINT of microseconds.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pyoxigraph import Literal

from kg.sparql import numbers
from kg.sparql.conversions import as_form, common_form
from kg.sparql.instants import day_id, moment
from kg.sparql.lexical_forms import XSD_DAY_TIME_DURATION, case, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DATETIME_TAGS,
    DURATION,
    ID,
    OFFSET_DATETIME_TAGS,
    TERM,
    Value,
    tag_test,
)
from kg.sql import encoding
from kg.terms import TAG_DATE, TAG_TYPED

_FORM = "-?P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.][0-9]+)?S)?)?"
_DAY = 86_400_000_000
_UNITS = (("([0-9]+)D", _DAY), ("T([0-9]+)H", 3_600_000_000), ("T(?:[0-9]+H)?([0-9]+)M", 60_000_000))


def duration(value: Value, scope: Scope) -> str | None:
    """SQL of the microseconds of a dayTimeDuration, NULL where the value is none; None where it cannot be one."""
    if value.kind == DURATION:
        return value.sql
    if value.term is not None:
        return _constant(value.term)
    if value.kind == ID and TAG_TYPED in value.tags:
        row = scope.dictionary(value.sql, value.local)
        is_duration = f"{row.extra} = {quote(XSD_DAY_TIME_DURATION)} AND regexp_full_match({row.lex}, {quote(_FORM)})"
        return scope.let(f"CASE WHEN {is_duration} THEN {_microseconds(row.lex)} END")
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = duration(term_id(name), scope)
        return f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.extra = {quote(XSD_DAY_TIME_DURATION)} THEN {_microseconds(f'{name}.lex')} END"
    return None


def _microseconds(lex: str) -> str:
    parts = [f"coalesce(TRY_CAST(nullif(regexp_extract({lex}, '{pattern}', 1), '') AS BIGINT), 0) * {unit}" for pattern, unit in _UNITS]
    seconds = f"coalesce((TRY_CAST(nullif(regexp_extract({lex}, '([0-9.]+)S', 1), '') AS DECIMAL(18,6))::DECIMAL(30,6) * 1000000)::BIGINT, 0)"
    return f"(CASE WHEN left({lex}, 1) = '-' THEN -1 ELSE 1 END * ({' + '.join([*parts, seconds])}))"


def _constant(term: object) -> str | None:
    if not isinstance(term, Literal) or term.datatype.value != XSD_DAY_TIME_DURATION or not re.fullmatch(_FORM, term.value):
        return None
    total = 0
    for pattern, unit in _UNITS:
        found = re.search(pattern, term.value)
        total += int(found[1]) * unit if found else 0
    seconds = re.search(r"([0-9]+)(?:[.]([0-9]+))?S", term.value)
    if seconds:
        total += int(seconds[1]) * 1_000_000 + int((seconds[2] or "0")[:6].ljust(6, "0"))
    return f"({-total if term.value.startswith('-') else total})::BIGINT"


def arithmetic(operator: str, left: Value, right: Value, scope: Scope) -> Value | None:
    """`+ - * /` where dates, dateTimes or durations take part; None where they do not."""
    mine, yours = duration(left, scope), duration(right, scope)
    results: list[Value] = []
    if operator == "-":
        results += _differences(left, right, scope)
    if operator in "+-" and yours is not None:
        results += _moved(operator, left, yours, scope)
    if operator == "+" and mine is not None:
        results += _moved(operator, right, mine, scope)
    if operator in "+-" and mine is not None and yours is not None:
        results.append(Value(DURATION, f"({mine} {operator} {yours})"))
    if operator in "*/" and mine is not None:
        factor = numbers.number(right, scope)
        if factor is not None:
            results.append(Value(DURATION, f"round({mine}::DOUBLE {operator} nullif({numbers.as_double(factor, scope)}, 0))::BIGINT"))
    results = [result for result in results if not result.is_null]
    if not results:
        return None
    if len({result.kind for result in results}) > 1:
        form = common_form(results)
        both = ", ".join(as_form(scope.bind(result), form, scope).sql for result in results)
        return replace(form, sql=f"coalesce({both})", nullable=True)
    tags = frozenset().union(*(result.tags for result in results))
    joined = ", ".join(result.sql for result in results)
    return replace(results[0], sql=f"coalesce({joined})" if len(results) > 1 else joined, tags=tags)


def _differences(left: Value, right: Value, scope: Scope) -> list[Value]:
    found = []
    a, b = moment(left, scope), moment(right, scope)
    if a is not None and b is not None:
        found.append(Value(DURATION, f"({a.microseconds} - ({b.microseconds}))"))
    if _may_be_day(left) and _may_be_day(right):
        first, second = day_id(left, scope), day_id(right, scope)
        found.append(Value(DURATION, f"({encoding.instant_ms(first)} - {encoding.instant_ms(second)}) * 1000"))
    return found


def _may_be_day(value: Value) -> bool:
    return value.kind == ID and TAG_DATE in value.tags


def _moved(operator: str, value: Value, microseconds: str, scope: Scope) -> list[Value]:
    """A date or dateTime moved by a duration; dateTimes by whole seconds only, an error otherwise."""
    if value.kind != ID or (not value.tags & DATETIME_TAGS and TAG_DATE not in value.tags):
        return []
    shift = scope.let(f"({operator}({microseconds}))::BIGINT")
    branches: list[tuple[str | None, str]] = []
    if TAG_DATE in value.tags:
        # Towards the earlier day where the duration is no whole number of days.
        days = f"({shift} // {_DAY} - CASE WHEN {shift} % {_DAY} < 0 THEN 1 ELSE 0 END)"
        branches.append((tag_test(value, frozenset({TAG_DATE})), f"{value.sql} + {days} * 2048"))
    whole = f"CASE WHEN {shift} % 1000000 = 0 THEN {{}} END"
    plain, offset = value.tags & (DATETIME_TAGS - OFFSET_DATETIME_TAGS), value.tags & OFFSET_DATETIME_TAGS
    if plain:
        branches.append((tag_test(value, plain), whole.format(f"{value.sql} + {shift} // 1000")))
    if offset:
        branches.append((tag_test(value, offset), whole.format(f"{value.sql} + {shift} // 1000 * 128")))
    moved = scope.let(case(*branches))
    # Years 1 to 9999; beyond them a payload would run over into what the tag or the zone says.
    low, high = encoding.instant_ms(moved), 3_652_059 * 86_400_000
    stays = f"{encoding.tag(moved)} = {encoding.tag(value.sql)} AND {low} >= 0 AND {low} < {high}"
    return [Value(ID, f"CASE WHEN {stays} THEN {moved} END", tags=value.tags & (DATETIME_TAGS | {TAG_DATE}))]

