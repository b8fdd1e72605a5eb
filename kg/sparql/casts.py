"""Constructor functions of XML Schema types (SPARQL 1.1, section 17.5), called by IRI."""

from __future__ import annotations

from collections.abc import Callable

from kg.sparql import algebra, moments, named_functions, numbers
from kg.sparql.comparisons import boolean_value, simple_string
from kg.sparql.conversions import literal_of
from kg.sparql.lexical_forms import datatype, double_text, exact_text, lexical, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DOUBLE,
    EXACT,
    FLOAT,
    ID,
    MAX_BITS,
    NUMERIC,
    NUMERIC_SCALE,
    TERM,
    Value,
    boolean,
    string,
)
from kg.sql import encoding
from kg.terms import XSD_BOOLEAN, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

XSD_DOUBLE, XSD_FLOAT = numbers.XSD_DOUBLE, numbers.XSD_FLOAT
Cast = Callable[[Value, Scope], Value]

_FLOATING = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?|[+-]?INF|NaN"
_DECIMAL = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)"


def call(node: algebra.FunctionCall, arguments: list[Value], scope: Scope) -> Value:
    """The value of a call of a function named by IRI."""
    if node.iri.value in named_functions.FUNCTIONS:
        return named_functions.call(node, arguments, scope)
    cast = CASTS.get(node.iri.value)
    if cast is None or len(arguments) != 1:
        raise scope.compiler.not_supported(f"the function <{node.iri.value}>", node.position)
    return cast(scope.bind(arguments[0]), scope)


def _first(candidates: list[str], sql_type: str) -> str:
    """SQL of the first reading that succeeds; the readings of different kinds of arguments exclude each other."""
    found = [sql for sql in candidates if sql != "NULL"]
    return f"coalesce({', '.join(found)})::{sql_type}" if found else f"NULL::{sql_type}"


def _trimmed(value: Value, scope: Scope, pattern: str) -> str:
    """SQL of the text of a simple literal that has the form `pattern`, spaces around it dropped."""
    text = simple_string(value, scope)
    if text.is_null:
        return "NULL::VARCHAR"
    name = scope.let(f"trim({text.sql}, E' \\t\\r\\n')")
    return scope.let(f"CASE WHEN regexp_full_match({name}, {quote(pattern)}) THEN {name} END")


def _string(value: Value, scope: Scope) -> Value:
    """XPath's casting to a string: numbers and booleans in their canonical spelling, other terms as STR does."""
    plain = lexical(value, scope)
    amount, truth = numbers.number(value, scope), boolean_value(value, scope)
    candidates = []
    if amount is not None and amount.kind == NUMERIC:
        name = scope.let(amount.sql)
        whole, decimal = exact_text(f"({name}.m // {10**NUMERIC_SCALE})", 0), exact_text(f"{name}.m", NUMERIC_SCALE)
        candidates.append(f"CASE {name}.r WHEN 0 THEN {whole} WHEN 1 THEN {decimal} ELSE {_floating_text(f'{name}.d')} END")
    elif amount is not None and amount.kind == EXACT:
        candidates.append(exact_text(scope.let(amount.sql), amount.scale))
    elif amount is not None:
        candidates.append(_floating_text(scope.let(amount.sql)))
    if truth != "NULL":
        candidates.append(f"({truth})::VARCHAR")
    return string(_first([*candidates, plain.sql], "VARCHAR"), plain.nullable)


def _floating_text(sql: str) -> str:
    """XPath: decimal notation between 10^-6 and 10^6, else scientific."""
    decimal = f"rtrim(rtrim(CASE WHEN {sql}::VARCHAR LIKE '%e%' THEN {sql}::DECIMAL(38,18)::VARCHAR ELSE {sql}::VARCHAR END, '0'), '.')"
    return f"CASE WHEN {sql} = 0 THEN '0' WHEN abs({sql}) >= 1e-6 AND abs({sql}) < 1e6 THEN {decimal} ELSE {double_text(sql)} END"


def _boolean(value: Value, scope: Scope) -> Value:
    amount = numbers.number(value, scope)
    text = _trimmed(value, scope, "true|false|0|1")
    candidates = [boolean_value(value, scope), numbers.truth(amount, scope) if amount else "NULL", f"CASE WHEN {text} IS NOT NULL THEN {text} IN ('true', '1') END"]
    return boolean(_first(candidates, "BOOLEAN"))


def _integer(value: Value, scope: Scope) -> Value:
    """Towards zero."""
    amount = numbers.number(value, scope)
    if amount is not None and amount.kind == EXACT:
        whole = f"({amount.sql}) // {10**amount.scale}" if amount.scale else amount.sql
        if value.kind == EXACT or value.term is not None or not value.nullable:
            return Value(EXACT, whole, amount.nullable, bits=amount.bits, is_integer=True)
        candidates = [whole]
    elif amount is not None and amount.kind == NUMERIC:
        name = scope.let(amount.sql)
        candidates = [f"CASE WHEN {name}.r < 2 THEN {name}.m // {10**NUMERIC_SCALE}::HUGEINT ELSE {_truncated(f'{name}.d')} END"]
    else:
        candidates = [_truncated(amount.sql)] if amount is not None else []
    candidates += [f"({boolean_value(value, scope)})::INTEGER", f"TRY_CAST({_trimmed(value, scope, '[+-]?[0-9]+')} AS HUGEINT)"]
    return Value(EXACT, _first(candidates, "HUGEINT"), bits=MAX_BITS, is_integer=True)


def _truncated(sql: str) -> str:
    return f"CASE WHEN isfinite({sql}) THEN TRY_CAST(trunc({sql}) AS HUGEINT) END"


def _decimal(value: Value, scope: Scope) -> Value:
    amount = numbers.number(value, scope)
    if amount is not None and amount.kind == EXACT and (value.kind == EXACT or value.term is not None or not value.nullable):
        return Value(EXACT, amount.sql, amount.nullable, scale=amount.scale, bits=amount.bits)
    candidates = []
    if amount is not None and amount.kind == EXACT:
        candidates.append(f"({amount.sql})::HUGEINT * {10 ** (NUMERIC_SCALE - amount.scale)}::HUGEINT")
    elif amount is not None and amount.kind == NUMERIC:
        name = scope.let(amount.sql)
        candidates.append(f"CASE WHEN {name}.r < 2 THEN {name}.m ELSE {_mantissa(f'{name}.d')} END")
    elif amount is not None:
        candidates.append(_mantissa(amount.sql))
    candidates += [f"({boolean_value(value, scope)})::INTEGER::HUGEINT * {10**NUMERIC_SCALE}::HUGEINT", _mantissa(_trimmed(value, scope, _DECIMAL))]
    return Value(EXACT, _first(candidates, "HUGEINT"), scale=NUMERIC_SCALE, bits=MAX_BITS)


def _mantissa(sql: str) -> str:
    """SQL of a number or its text × 10^18; NULL where it does not fit."""
    return f"TRY_CAST(replace(TRY_CAST({sql} AS DECIMAL(38,{NUMERIC_SCALE}))::VARCHAR, '.', '') AS HUGEINT)"


def _floating(kind: str) -> Cast:
    def cast(value: Value, scope: Scope) -> Value:
        amount = numbers.number(value, scope)
        text = _trimmed(value, scope, _FLOATING)
        candidates = [
            numbers.as_double(amount, scope) if amount is not None else "NULL",
            f"({boolean_value(value, scope)})::INTEGER::DOUBLE",
            f"TRY_CAST(replace({text}, 'INF', 'Infinity') AS DOUBLE)",
        ]
        sql = _first(candidates, "DOUBLE")
        return Value(kind, f"({sql})::FLOAT::DOUBLE" if kind == FLOAT else sql)

    return cast


def _temporal(target: str, other: str) -> Cast:
    """xsd:dateTime and xsd:date: from themselves, from each other, from text."""
    is_date = target == XSD_DATE
    zone = "(Z|[+-][0-9]{2}:[0-9]{2})?"
    day = "-?[0-9]{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    clock = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?"
    pattern = f"{day}{zone}" if is_date else f"{day}{clock}{zone}"

    def cast(value: Value, scope: Scope) -> Value:
        stored = _stored_id(value, scope)
        converted = moments.converted(stored, is_date) if stored is not None else "NULL::BIGINT"
        plain = simple_string(value, scope)
        text = "NULL::VARCHAR" if plain.is_null else scope.let(f"trim({plain.sql}, E' \\t\\r\\n')")
        known = scope.let(_first([sql for sql in (converted, encoding.inline_of_lexical(target, text)) if "NULL::" not in sql] or ["NULL"], "BIGINT"))
        # What is spelled otherwise than ids are inlined for, as years after 9999 are; and zones that a dateTime's id has no room for.
        fits = f"regexp_full_match({text}, {quote(pattern)})"
        is_day = f"(length(regexp_extract({text}, '^-?[0-9]+')) > 4 OR try_strptime(left({text}, 10), '%Y-%m-%d') IS NOT NULL)"
        kind, lex = datatype(value, scope).sql, lexical(value, scope).sql
        if is_date:
            other_lex = f"regexp_replace({lex}, 'T[0-9:.]+', '')"
        else:
            other_lex = f"regexp_replace({lex}, '^(-?[0-9]{{4,}}-[0-9]{{2}}-[0-9]{{2}})', '\\1T00:00:00')"
        itself = f"WHEN {kind} = {quote(target)} THEN {lex} WHEN {kind} = {quote(other)} THEN {other_lex}"
        spelled = "" if text.startswith("NULL::") else f" WHEN {fits} AND {is_day} THEN {text}"
        return literal_of(target, scope.let(f"CASE WHEN {known} IS NOT NULL THEN NULL {itself}{spelled} END"), scope, known)

    return cast


def _stored_id(value: Value, scope: Scope) -> Value | None:
    """The id of a value that may be stored, as an ID."""
    if value.kind == TERM and value.tags:
        return term_id(scope.let(value.sql), value)
    return value if value.kind == ID and value.term is None else None


CASTS: dict[str, Cast] = {
    XSD_STRING: _string,
    XSD_BOOLEAN: _boolean,
    XSD_INTEGER: _integer,
    XSD_DECIMAL: _decimal,
    XSD_DOUBLE: _floating(DOUBLE),
    XSD_FLOAT: _floating(FLOAT),
    XSD_DATETIME: _temporal(XSD_DATETIME, XSD_DATE),
    XSD_DATE: _temporal(XSD_DATE, XSD_DATETIME),
}
