"""The order of terms (SPARQL 1.1, section 15.1), for ORDER BY, MIN and MAX."""

from __future__ import annotations

from kg import terms
from kg.sparql import numbers
from kg.sparql.comparisons import (
    DAY,
    INSTANT,
    NUMBER,
    RESOURCE,
    SIMPLE,
    TAGGED,
    TRUTH,
    UNKNOWN,
    boolean_value,
    families,
)
from kg.sparql.instants import day_id, moment
from kg.sparql.lexical_forms import language, lexical, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    BOOLEAN,
    DURATION,
    EXACT,
    ID,
    IRI,
    NUMERIC,
    STRING,
    TERM,
    TEXT,
    Value,
    tag_sql,
)
from kg.sql import encoding
from kg.terms import (
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_LANG,
    TAG_STRING,
    TAG_TYPED,
    XSD_BOOLEAN,
)


def order_keys(value: Value, scope: Scope) -> list[str]:
    """SQL keys whose ascending order, NULLs first, is that of section 15.1: unbound, blank nodes, IRIs, literals.

    Literals: numbers by value, then booleans, dateTimes, dates, texts, others by datatype and lexical form.
    """
    value = scope.bind(value)
    if value.kind in (BOOLEAN, EXACT, STRING, IRI, DURATION, "DOUBLE", "FLOAT"):
        return [value.sql]
    if value.kind == TEXT:
        return [f"{value.sql}.lex", f"{value.sql}.lang"]
    if value.kind == NUMERIC:
        return [numbers.as_double(value, scope), f"{value.sql}.m"]
    kinds = families(value)
    if value.kind == ID and len(kinds) == 1:
        (only,) = kinds
        return _keys_of_family(only, value, scope)
    keys = [_rank(value, scope)]
    for family in (NUMBER, TRUTH, INSTANT, DAY):
        if family in kinds:
            keys += _keys_of_family(family, value, scope)
    if kinds & {SIMPLE, TAGGED, RESOURCE, UNKNOWN}:
        keys += _keys_of_family(TAGGED, value, scope)
    return keys


def _keys_of_family(family: str, value: Value, scope: Scope) -> list[str]:
    if family == NUMBER:
        amount = numbers.number(value, scope, keep_type=False)
        if amount is None:
            return []
        if amount.kind == NUMERIC:
            name = scope.let(amount.sql)
            return [numbers.as_double(Value(NUMERIC, name), scope), f"{name}.m"]
        return [amount.sql]
    if family == TRUTH:
        return [boolean_value(value, scope)]
    if family == INSTANT:
        instant = moment(value, scope)
        return [instant.microseconds] if instant else []
    if family == DAY:
        day = day_id(value, scope)
        return [encoding.instant_ms(day)] if value.term is None else [day]
    if family == RESOURCE and value.tags == {TAG_BLANK}:
        return [value.sql]
    keys = [lexical(value, scope).sql]
    if family == TAGGED:
        keys.append(language(value, scope).sql)
    return keys


def _rank(value: Value, scope: Scope) -> str:
    """SQL of the rank of a term's family among all terms."""
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = _rank(term_id(name), scope)
        return f"CASE WHEN {name}.id IS NULL THEN NULL WHEN {name}.id >= 0 THEN {stored} ELSE CASE {name}.id WHEN -{TAG_BLANK} THEN 0 WHEN -{terms.TAG_IRI} THEN 1 WHEN -{TAG_TYPED} THEN 8 ELSE 6 END END"
    tag = tag_sql(value)
    typed = "8"
    if TAG_TYPED in value.tags:
        row = scope.dictionary(value.sql, value.local)
        typed = (
            f"CASE WHEN {row.number} IS NOT NULL OR {row.double} IS NOT NULL THEN 2 WHEN {row.instant} IS NOT NULL THEN 4 "
            f"WHEN {row.extra} = {quote(XSD_BOOLEAN)} AND {row.lex} IN ('0', '1') THEN 3 ELSE 8 END"
        )
    return (
        f"CASE WHEN {tag} = {TAG_BLANK} THEN 0 WHEN {tag} = {terms.TAG_IRI} OR {tag} >= {terms.TAG_TEMPLATE} THEN 1 "
        f"WHEN {tag} = {terms.TAG_INTEGER} OR {tag} BETWEEN {terms.TAG_DECIMAL} AND {terms.TAG_DECIMAL + 18} THEN 2 "
        f"WHEN {tag} = {TAG_BOOLEAN} THEN 3 WHEN {tag} BETWEEN {terms.TAG_DATETIME_LOCAL} AND {terms.TAG_DATETIME_OFFSET + 3} THEN 4 "
        f"WHEN {tag} = {TAG_DATE} THEN 5 WHEN {tag} IN ({TAG_STRING}, {TAG_LANG}) THEN 6 WHEN {tag} = {TAG_TYPED} THEN {typed} "
        f"WHEN {tag} = {terms.TAG_TRIPLE} THEN 9 END"
    )
