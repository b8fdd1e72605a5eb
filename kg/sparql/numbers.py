"""Numbers as SQL: reading a value as a number, arithmetic and comparison with XPath's type promotion (section 17.3).

Integers and decimals are integers of a static scale (EXACT), doubles are doubles, and what only the data knows is
NUMERIC. Exact numbers never pass through a float. A result beyond 38 digits ends the query with an error; quotients and
products have up to 18 fraction digits, rounded half away from zero.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from pyoxigraph import Literal

from kg.sparql.conversions import as_numeric, rescaled, round_division
from kg.sparql.lexical_forms import case, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    DECIMAL_TAGS,
    DOUBLE,
    EXACT,
    FLOAT,
    ID,
    INLINE_BITS,
    MAX_BITS,
    NUMBER_TAGS,
    NUMERIC,
    NUMERIC_SCALE,
    TERM,
    Value,
    exact_type,
    null,
    tag_test,
)
from kg.sql import encoding
from kg.terms import BIAS, TAG_BITS, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED, XSD, XSD_DECIMAL

INTEGER_TYPES = frozenset(
    XSD + name
    for name in (
        "integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger",
        "negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte",
    )
)  # fmt: skip
XSD_DOUBLE, XSD_FLOAT = XSD + "double", XSD + "float"


# ── Reading a value as a number ──────────────────────────────────────────────────────────────────────────────


def number(value: Value, scope: Scope, keep_type: bool = True) -> Value | None:
    """The value as EXACT, FLOAT, DOUBLE or NUMERIC, NULL where it is no number; None if it can never be one.

    With `keep_type` false an integer may come back as a decimal of the same value, which is enough to compare.
    """
    if value.term is not None:
        return _constant(value)
    if value.kind in (EXACT, FLOAT, DOUBLE, NUMERIC):
        return value
    if value.kind == ID:
        return _number_of_id(value, scope, keep_type)
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = _general_number(replace(term_id(name)), scope)
        local = _local_number(name)
        return Value(NUMERIC, f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.id = -{TAG_TYPED} THEN {local} END")
    return None


def _constant(value: Value) -> Value | None:
    term = value.term
    if not isinstance(term, Literal):
        return None
    kind, text = term.datatype.value, term.value.strip()
    try:
        if kind in INTEGER_TYPES:
            return exact_constant(int(text), 0, is_integer=True)
        if kind == XSD_DECIMAL and "e" not in text.lower():
            decimal = Decimal(text)
            scale = max(0, -decimal.as_tuple().exponent)
            return exact_constant(int(decimal.scaleb(scale)), scale, is_integer=False)
        if kind in (XSD_DOUBLE, XSD_FLOAT):
            amount = float(text.replace("INF", "inf"))
            sql = f"'{amount}'::DOUBLE" if not math.isfinite(amount) else f"{amount!r}::DOUBLE"
            return Value(DOUBLE if kind == XSD_DOUBLE else FLOAT, sql, nullable=False)
    except (ValueError, InvalidOperation):
        return null(EXACT)
    return None


def exact_constant(mantissa: int, scale: int, is_integer: bool) -> Value:
    bits = max(1, abs(mantissa).bit_length())
    if bits > MAX_BITS or scale > 30:
        return replace(null(EXACT), is_integer=is_integer)
    return Value(EXACT, f"({mantissa})::{exact_type(bits)}", False, scale=scale, bits=bits, is_integer=is_integer)


def _number_of_id(value: Value, scope: Scope, keep_type: bool) -> Value | None:
    tags = value.tags & NUMBER_TAGS
    if TAG_TYPED in value.tags:
        return Value(NUMERIC, _general_number(value, scope))
    if not tags:
        return None
    nullable = value.nullable or tags != value.tags
    if len(tags) == 1:
        (tag,) = tags
        sql = f"({value.sql} - {(tag << TAG_BITS) + BIAS})"
        test = tag_test(value, tags)
        if test:
            sql = f"CASE WHEN {test} THEN {sql} END"
        return Value(EXACT, sql, nullable, scale=max(0, tag - TAG_DECIMAL), bits=INLINE_BITS, is_integer=tag == TAG_INTEGER)
    if TAG_INTEGER in tags and keep_type:
        return Value(NUMERIC, _general_number(value, scope), nullable)
    return _mixed_scales(value, tags, nullable)


def _mixed_scales(value: Value, tags: frozenset[int], nullable: bool) -> Value:
    """Inlined numbers of several scales as an EXACT decimal of the largest."""
    scale = max(max(0, tag - TAG_DECIMAL) for tag in tags)
    mantissa = encoding.mantissa(value.sql)
    bits = min(MAX_BITS, INLINE_BITS + math.ceil(scale * math.log2(10)))
    suffix = "::HUGEINT" if bits > 62 else ""
    branches = [
        f"WHEN {tag} THEN {mantissa}{suffix} * {10 ** (scale - max(0, tag - TAG_DECIMAL))}{suffix}" for tag in sorted(tags)
    ]
    sql = f"CASE {encoding.tag(value.sql)} {' '.join(branches)} END"
    return Value(EXACT, sql, nullable, scale=scale, bits=bits)


def _general_number(value: Value, scope: Scope) -> str:
    """SQL of a NUMERIC for an ID of any tag."""
    mantissa = f"{encoding.mantissa(value.sql)}::HUGEINT"
    branches: list[tuple[str | None, str]] = []
    if TAG_INTEGER in value.tags:
        test = tag_test(value, frozenset({TAG_INTEGER})) or f"{value.sql} IS NOT NULL"
        branches.append((test, _struct(0, f"{mantissa} * {10**NUMERIC_SCALE}::HUGEINT")))
    decimals = value.tags & DECIMAL_TAGS
    if decimals:
        factors = " ".join(f"WHEN {tag} THEN {10 ** (NUMERIC_SCALE - tag + TAG_DECIMAL)}::HUGEINT" for tag in sorted(decimals))
        test = tag_test(value, decimals) or f"{value.sql} IS NOT NULL"
        branches.append((test, _struct(1, f"{mantissa} * CASE {encoding.tag(value.sql)} {factors} END")))
    if TAG_TYPED in value.tags:
        row = scope.dictionary(value.sql, value.local)
        branches.append((f"{row.double} IS NOT NULL", _struct(f"CASE WHEN {row.extra} = '{XSD_FLOAT}' THEN 2 ELSE 3 END", None, row.double)))
        exact = f"replace({row.number}::VARCHAR, '.', '')::HUGEINT"
        branches.append((f"{row.number} IS NOT NULL", _struct(f"CASE WHEN {row.extra} = '{XSD_DECIMAL}' THEN 1 ELSE 0 END", exact)))
    return case(*branches) if branches else f"NULL::{Value(NUMERIC, '').sql_type}"


def _struct(rank: int | str, mantissa: str | None, amount: str | None = None) -> str:
    return f"{{'r': ({rank})::TINYINT, 'm': ({mantissa or 'NULL'})::HUGEINT, 'd': ({amount or 'NULL'})::DOUBLE}}"


def _local_number(name: str) -> str:
    """NUMERIC of a TERM that is a typed literal which the store lacks."""
    types = ", ".join(f"'{iri}'" for iri in sorted(INTEGER_TYPES))
    trimmed = f"trim({name}.lex)"
    exact = f"replace(TRY_CAST({trimmed} AS DECIMAL(38,18))::VARCHAR, '.', '')::HUGEINT"
    amount = f"TRY_CAST(replace({trimmed}, 'INF', 'Infinity') AS DOUBLE)"
    return (
        f"CASE WHEN {name}.extra IN ({types}) AND regexp_full_match({trimmed}, '[+-]?[0-9]+') THEN {_struct(0, exact)} "
        f"WHEN {name}.extra = '{XSD_DECIMAL}' AND regexp_full_match({trimmed}, '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)') THEN {_struct(1, exact)} "
        f"WHEN {name}.extra = '{XSD_FLOAT}' THEN {_struct(2, None, amount)} WHEN {name}.extra = '{XSD_DOUBLE}' THEN {_struct(3, None, amount)} END"
    )


def as_double(value: Value, scope: Scope) -> str:
    """SQL of the nearest double of a number."""
    if value.kind in (DOUBLE, FLOAT):
        return value.sql
    if value.kind == EXACT:
        return f"(({value.sql})::DOUBLE / {float(10**value.scale)!r}::DOUBLE)" if value.scale else f"({value.sql})::DOUBLE"
    name = scope.let(value.sql)
    return f"coalesce({name}.d, {name}.m::DOUBLE / 1e18::DOUBLE)"


# ── Arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


def arithmetic(operator: str, left: Value, right: Value, scope: Scope) -> Value:
    """`+ - * /` over two numbers."""
    nullable = left.nullable or right.nullable
    kinds = {left.kind, right.kind}
    if kinds == {EXACT}:
        return _exact(operator, scope.bind(left), scope.bind(right), scope, nullable)
    if DOUBLE in kinds or kinds <= {FLOAT, EXACT}:
        a, b = as_double(left, scope), as_double(right, scope)
        if DOUBLE in kinds:
            return Value(DOUBLE, _double(operator, a, b), nullable)
        return Value(FLOAT, f"({_double(operator, a, b)})::FLOAT::DOUBLE", nullable)
    return _numeric(operator, left, right, scope)


def _double(operator: str, left: str, right: str) -> str:
    if operator != "/":
        return f"({left} {operator} {right})"
    return (
        f"CASE WHEN {right} <> 0 THEN {left} / {right} WHEN {left} = 0 OR isnan({left}) THEN 'nan'::DOUBLE "
        f"WHEN {left} > 0 THEN 'inf'::DOUBLE WHEN {left} < 0 THEN '-inf'::DOUBLE END"
    )


def _huge(value: Value) -> str:
    return f"({value.sql})::HUGEINT"


def _exact(operator: str, left: Value, right: Value, scope: Scope, nullable: bool) -> Value:
    is_integer = left.is_integer and right.is_integer
    if operator in "+-":
        scale = max(left.scale, right.scale)
        a, b = rescaled(left, scale), rescaled(right, scale)
        bits = min(MAX_BITS, max(a.bits, b.bits) + 1)
        first = _huge(a) if bits > 62 else a.sql
        return Value(EXACT, f"({first} {operator} {b.sql})", nullable, scale=scale, bits=bits, is_integer=is_integer)
    if operator == "*":
        return _product(left, right, scope, nullable, is_integer)
    return _quotient(left, right, scope, nullable)


def _product(left: Value, right: Value, scope: Scope, nullable: bool, is_integer: bool) -> Value:
    bits, scale = left.bits + right.bits, left.scale + right.scale
    if bits <= MAX_BITS or scale <= NUMERIC_SCALE:
        first = _huge(left) if bits > 62 else left.sql
        second = _huge(right) if bits > 62 else right.sql
        product = Value(EXACT, f"({first} * {second})", nullable, scale=scale, bits=min(bits, MAX_BITS), is_integer=is_integer)
        return product if scale <= 2 * NUMERIC_SCALE else _rounded(product, NUMERIC_SCALE, scope)
    # Schoolbook multiplication in base 10^drop: the full product does not fit, its first digits do.
    drop = scale - NUMERIC_SCALE
    a, b, unit = scope.let(_huge(left) + " "), scope.let(_huge(right) + " "), f"{10**drop}::HUGEINT"
    tail = scope.let(f"({a} % {unit}) * ({b} % {unit})")
    sql = f"({a} * ({b} // {unit}) + ({a} // {unit}) * ({b} % {unit}) + {round_division(tail, unit)})"
    return Value(EXACT, sql, nullable, scale=NUMERIC_SCALE, bits=MAX_BITS)


def _rounded(value: Value, scale: int, scope: Scope) -> Value:
    """An EXACT decimal with fewer fraction digits."""
    name = scope.let(_huge(value) + " ")
    return replace(value, sql=round_division(name, f"{10 ** (value.scale - scale)}::HUGEINT"), scale=scale)


def _quotient(left: Value, right: Value, scope: Scope, nullable: bool) -> Value:
    """left / right with 18 fraction digits: long division in three steps, so that only the result needs to fit."""
    divisor = scope.let(f"nullif({_huge(right)}, 0)")
    shift = NUMERIC_SCALE + right.scale - left.scale
    if shift < 0:
        right = rescaled(right, right.scale - shift)
        divisor, shift = scope.let(f"nullif({_huge(right)}, 0)"), 0
    dividend = scope.let(_huge(left) + " ")
    if left.bits + math.ceil(shift * math.log2(10)) <= MAX_BITS and right.bits < MAX_BITS:
        scaled = scope.let(f"{dividend} * {10**shift}::HUGEINT")
        quotient, remainder = f"{scaled} // {divisor}", scope.let(f"{scaled} % {divisor}")
    else:
        quotient, remainder = scope.let(f"{dividend} // {divisor}"), scope.let(f"{dividend} % {divisor}")
        for step in _steps(shift):
            moved = scope.let(f"{remainder} * {10**step}::HUGEINT")
            quotient = scope.let(f"{quotient} * {10**step}::HUGEINT + {moved} // {divisor}")
            remainder = scope.let(f"{moved} % {divisor}")
    carry = f"CASE WHEN abs({remainder}) >= abs({divisor}) - abs({remainder}) THEN sign({dividend})::HUGEINT * sign({divisor})::HUGEINT ELSE 0 END"
    return Value(EXACT, f"({quotient} + {carry})", scale=NUMERIC_SCALE, bits=MAX_BITS)


def _steps(shift: int) -> list[int]:
    return [6] * (shift // 6) + ([shift % 6] if shift % 6 else [])


def _numeric(operator: str, left: Value, right: Value, scope: Scope) -> Value:
    a, b = scope.let(as_numeric(left, scope).sql), scope.let(as_numeric(right, scope).sql)
    exact_left, exact_right = (Value(EXACT, f"{x}.m", scale=NUMERIC_SCALE, bits=MAX_BITS) for x in (a, b))
    exact = _exact(operator, exact_left, exact_right, scope, True).sql
    amount = _double(operator, as_double(Value(NUMERIC, a), scope), as_double(Value(NUMERIC, b), scope))
    rank = f"greatest({a}.r, {b}.r{', 1' if operator == '/' else ''})"
    exact_struct, double_struct = _struct(rank, scope.let(exact)), _struct(rank, None, f"CASE WHEN {rank} = 2 THEN ({amount})::FLOAT::DOUBLE ELSE {amount} END")
    zero = f" AND {b}.m <> 0" if operator == "/" else ""
    return Value(
        NUMERIC,
        f"CASE WHEN {a}.r < 2 AND {b}.r < 2{zero} THEN {exact_struct} WHEN greatest({a}.r, {b}.r) >= 2 AND {a}.r IS NOT NULL AND {b}.r IS NOT NULL THEN {double_struct} END",
    )


def negated(value: Value, scope: Scope) -> Value:
    """Unary minus."""
    if value.kind == NUMERIC:
        name = scope.let(value.sql)
        return Value(NUMERIC, f"CASE WHEN {name} IS NOT NULL THEN {_struct(f'{name}.r', f'-{name}.m', f'-{name}.d')} END")
    return replace(value, sql=f"(-({value.sql}))", term=None)


# ── Comparison ───────────────────────────────────────────────────────────────────────────────────────────────


def compare(operator: str, left: Value, right: Value, scope: Scope) -> str:
    """SQL of `= != < > <= >=` over two numbers."""
    sql_operator = "<>" if operator == "!=" else operator
    kinds = {left.kind, right.kind}
    if kinds == {EXACT}:
        scale = max(left.scale, right.scale)
        return f"{rescaled(left, scale).sql} {sql_operator} {rescaled(right, scale).sql}"
    if kinds & {DOUBLE, FLOAT}:
        return _compare_doubles(sql_operator, as_double(left, scope), as_double(right, scope))
    a, b = scope.let(as_numeric(left, scope).sql), scope.let(as_numeric(right, scope).sql)
    doubles = _compare_doubles(sql_operator, as_double(Value(NUMERIC, a), scope), as_double(Value(NUMERIC, b), scope))
    return f"CASE WHEN {a}.r < 2 AND {b}.r < 2 THEN {a}.m {sql_operator} {b}.m WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN {doubles} END"


def _compare_doubles(operator: str, left: str, right: str) -> str:
    """IEEE comparison: SQL's own holds NaN equal to itself and greater than all."""
    answer = "true" if operator == "<>" else "false"
    return f"CASE WHEN isnan({left}) OR isnan({right}) THEN {answer} ELSE {left} {operator} {right} END"


def truth(value: Value, scope: Scope) -> str:
    """SQL of a number's effective boolean value: neither zero nor NaN."""
    if value.kind == EXACT:
        return f"({value.sql}) <> 0"
    if value.kind == NUMERIC:
        name = scope.let(value.sql)
        return f"CASE WHEN {name}.r < 2 THEN {name}.m <> 0 WHEN {name}.r >= 2 THEN NOT isnan({name}.d) AND {name}.d <> 0 END"
    return f"(NOT isnan({value.sql}) AND ({value.sql}) <> 0)"

