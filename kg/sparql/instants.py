"""Dates and dateTimes read as points in time."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal

from kg.sparql.lexical_forms import case, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DATETIME_TAGS,
    ID,
    LITERAL_TAGS,
    LOCAL_DATETIME_TAGS,
    OFFSET_DATETIME_TAGS,
    TERM,
    UTC_DATETIME_TAGS,
    Value,
    tag_test,
)
from kg.sql import encoding
from kg.terms import TAG_DATE, TAG_TYPED, XSD_DATETIME

EPOCH_MS = 62_135_596_800_000  # 1970 in milliseconds since 0001-01-01


@dataclass(frozen=True)
class Moment:
    """A dateTime: microseconds since 0001-01-01 (UTC where it has a zone), and SQL telling whether it has one."""

    microseconds: str
    is_zoned: str


def moment(value: Value, scope: Scope) -> Moment | None:
    """The instant of an xsd:dateTime; None where the value cannot be one."""
    if value.kind == TERM:
        name = scope.let(value.sql)
        return moment(Value(ID, f"(CASE WHEN {name}.id >= 0 THEN {name}.id END)", tags=value.tags or LITERAL_TAGS), scope)
    if value.kind != ID:
        return None
    if isinstance(value.term, Literal) and value.term.datatype.value != XSD_DATETIME:
        return None
    tags = value.tags & DATETIME_TAGS
    if not tags and TAG_TYPED not in value.tags:
        return None
    sql = value.sql
    branches: list[tuple[str | None, str]] = []
    zones: list[tuple[str | None, str]] = []
    for group, milliseconds, zoned in (
        (LOCAL_DATETIME_TAGS, encoding.payload(sql), "false"),
        (UTC_DATETIME_TAGS, encoding.payload(sql), "true"),
        (OFFSET_DATETIME_TAGS, encoding.instant_ms(sql), "true"),
    ):
        if group & tags:
            test = tag_test(value, group)
            branches.append((test, f"{milliseconds} * 1000"))
            zones.append((test, zoned))
    if TAG_TYPED in value.tags:
        row = scope.dictionary(sql, value.local)
        branches.append((f"{row.instant} IS NOT NULL", f"{row.instant} + {EPOCH_MS * 1000}"))
        zones.append((f"{row.instant} IS NOT NULL", f"regexp_matches(trim({row.lex}), '(Z|[+-][0-9][0-9]:[0-9][0-9])$')"))
    return Moment(case(*branches), case(*zones))


def day_id(value: Value, scope: Scope) -> str:
    """SQL of the id of an xsd:date; NULL where the value is none."""
    if value.kind == TERM:
        value = term_id(scope.let(value.sql), value)
    test = tag_test(value, frozenset({TAG_DATE}))
    return value.sql if test is None else f"(CASE WHEN {test} THEN {value.sql} END)"
