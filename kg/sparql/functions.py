"""The built-in functions that take plain arguments (SPARQL 1.1, section 17.4), except those on strings and dates.

Each takes typed SQL and gives typed SQL. An argument of the wrong kind is an error: NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin

from pyoxigraph import Literal, NamedNode

from kg.sparql import algebra, comparisons, moments, numbers, strings
from kg.sparql.conversions import as_numeric, is_tagged, literal_of, typed_literal
from kg.sparql.lexical_forms import datatype, language, lexical
from kg.sparql.relations import Scope
from kg.sparql.values import (
    BOOLEAN,
    DOUBLE,
    EXACT,
    FLOAT,
    ID,
    IRI,
    IRI_TAGS,
    LITERAL_TAGS,
    MAX_BITS,
    NUMERIC,
    NUMERIC_SCALE,
    STRING,
    TERM,
    TEXT,
    Value,
    boolean,
    iri,
    null,
    string,
)
from kg.terms import TAG_BLANK, TAG_IRI, TAG_LANG, TAG_STRING, TAG_TYPED, XSD_STRING

Function = Callable[[list[Value], Scope], Value]

# The hidden column that tells solutions apart for BNODE(label).
SOLUTION = "#solution"


def call(node: algebra.Call, arguments: list[Value], scope: Scope) -> Value:
    """The value of a built-in call whose arguments are compiled already."""
    function = FUNCTIONS.get(node.name) or strings.FUNCTIONS.get(node.name) or moments.FUNCTIONS.get(node.name)
    if function is None:
        raise scope.compiler.not_supported(f"the function {node.name}", node.position)
    return function(arguments, scope)


# ── Terms (section 17.4.2) ───────────────────────────────────────────────────────────────────────────────────


def _is_iri(arguments: list[Value], scope: Scope) -> Value:
    return is_tagged(arguments[0], IRI_TAGS, (IRI,), scope, (TAG_IRI,))


def _is_blank(arguments: list[Value], scope: Scope) -> Value:
    return is_tagged(arguments[0], frozenset({TAG_BLANK}), (), scope, (TAG_BLANK,))


def _is_literal(arguments: list[Value], scope: Scope) -> Value:
    kinds = (BOOLEAN, EXACT, FLOAT, DOUBLE, NUMERIC, STRING, TEXT)
    return is_tagged(arguments[0], LITERAL_TAGS, kinds, scope, (TAG_STRING, TAG_LANG, TAG_TYPED))


def _is_numeric(arguments: list[Value], scope: Scope) -> Value:
    value = scope.bind(arguments[0])
    amount = numbers.number(value, scope)
    if amount is None:
        return boolean(f"CASE WHEN ({value.sql}) IS NOT NULL THEN false END", value.nullable)
    if value.term is not None:
        return boolean("false" if amount.is_null else "true", False)
    return boolean(f"CASE WHEN ({value.sql}) IS NOT NULL THEN ({amount.sql}) IS NOT NULL END", value.nullable)


def _iri(arguments: list[Value], scope: Scope) -> Value:
    """IRI: an IRI as it is, a simple literal resolved against the query's base."""
    value, base = arguments[0], scope.compiler.base
    if value.term is not None:
        if isinstance(value.term, NamedNode):
            return value
        if isinstance(value.term, Literal) and value.term.datatype.value == XSD_STRING:
            return scope.compiler.constant(NamedNode(urljoin(base, value.term.value) if base else value.term.value))
        return null(IRI)
    if value.kind == IRI or (value.kind == ID and value.tags <= IRI_TAGS):
        return value
    value = scope.bind(value)
    text = scope.let(comparisons.simple_string(value, scope).sql)
    absolute = f"regexp_matches({text}, '^[A-Za-z][A-Za-z0-9+.-]*:')"
    folder = scope.compiler.parameter(urljoin(base, ".") if base else "")
    resolved = f"CASE WHEN {absolute} THEN {text} ELSE {folder} || {text} END"
    itself = _is_iri([value], scope).sql
    return iri(f"CASE WHEN {itself} THEN {lexical(value, scope).sql} ELSE {resolved} END")


def _bnode(arguments: list[Value], scope: Scope) -> Value:
    """BNODE: new for each solution; with a label, the same for the same label within one solution."""
    if not arguments:
        return Value(TERM, f"{{'id': -{TAG_BLANK}::BIGINT, 'lex': 'b' || replace(uuid()::VARCHAR, '-', ''), 'extra': ''}}", False)
    label = comparisons.simple_string(arguments[0], scope).sql
    solution = scope.variable(SOLUTION)
    row = solution.sql if solution is not None else scope.let("uuid()::VARCHAR ")
    name = scope.let(f"md5({label} || ' ' || {row})")
    return Value(TERM, f"CASE WHEN {name} IS NOT NULL THEN {{'id': -{TAG_BLANK}::BIGINT, 'lex': 'b' || {name}, 'extra': ''}} END")


def labels_blank_nodes(node: object) -> bool:
    """Whether an expression calls BNODE with a label."""
    arguments = getattr(node, "args", ())
    return (isinstance(node, algebra.Call) and node.name == "BNODE" and bool(arguments)) or any(map(labels_blank_nodes, arguments))


def _strdt(arguments: list[Value], scope: Scope) -> Value:
    text = scope.let(comparisons.simple_string(arguments[0], scope).sql + " ")
    kind = arguments[1]
    if isinstance(kind.term, NamedNode):
        if kind.term.value == XSD_STRING:
            return string(text)
        return literal_of(kind.term.value, text, scope)
    named = scope.let(f"CASE WHEN {_is_iri([kind], scope).sql} THEN {lexical(kind, scope).sql} END")
    return typed_literal(text, named, scope)


def _strlang(arguments: list[Value], scope: Scope) -> Value:
    text, tag = (scope.let(comparisons.simple_string(argument, scope).sql) for argument in arguments)
    return Value(TEXT, f"CASE WHEN {text} IS NOT NULL AND {tag} <> '' THEN {{'lex': {text}, 'lang': {tag}}} END")


# ── Numbers (section 17.4.4) ─────────────────────────────────────────────────────────────────────────────────


def _unary(exact: Callable[[Value, Scope], Value], floating: str) -> Function:
    """A function of one number, given for exact numbers and, with `{}`, for doubles."""

    def function(arguments: list[Value], scope: Scope) -> Value:
        amount = numbers.number(arguments[0], scope)
        if amount is None:
            return null(EXACT)
        amount = replace(scope.bind(amount), term=None)
        if amount.kind == EXACT:
            return exact(amount, scope)
        if amount.kind in (DOUBLE, FLOAT):
            return replace(amount, sql=floating.format(amount.sql))
        name = scope.let(as_numeric(amount, scope).sql)
        inner = exact(Value(EXACT, f"{name}.m", scale=NUMERIC_SCALE, bits=MAX_BITS), scope)
        mantissa = f"({inner.sql}) * {10 ** (NUMERIC_SCALE - inner.scale)}::HUGEINT"
        d = floating.format(f"{name}.d")
        return Value(
            NUMERIC,
            f"CASE WHEN {name}.r IS NOT NULL THEN {{'r': {name}.r, 'm': CASE WHEN {name}.r < 2 THEN {mantissa} END, 'd': CASE WHEN {name}.r >= 2 THEN {d} END}} END",
        )

    return function


def _floored(mantissa: str, unit: int) -> str:
    """SQL of floor(mantissa / unit); SQL's own division truncates."""
    return f"(({mantissa}) // {unit} - CASE WHEN ({mantissa}) % {unit} < 0 THEN 1 ELSE 0 END)"


def _whole(value: Value, sql: str) -> Value:
    return replace(value, sql=sql, scale=0)


def _floor(value: Value, scope: Scope) -> Value:
    return value if value.scale == 0 else _whole(value, _floored(value.sql, 10**value.scale))


def _ceil(value: Value, scope: Scope) -> Value:
    return value if value.scale == 0 else _whole(value, f"(-{_floored(f'-({value.sql})', 10**value.scale)})")


def _round(value: Value, scope: Scope) -> Value:
    """Half goes up, towards positive infinity (XPath's fn:round)."""
    unit = 10**value.scale
    return value if value.scale == 0 else _whole(value, _floored(f"({value.sql}) + {unit // 2}", unit))


def _abs(value: Value, scope: Scope) -> Value:
    return replace(value, sql=f"abs({value.sql})")


FUNCTIONS: dict[str, Function] = {
    "STR": lambda arguments, scope: lexical(arguments[0], scope),
    "LANG": lambda arguments, scope: language(arguments[0], scope),
    "DATATYPE": lambda arguments, scope: datatype(arguments[0], scope),
    "ISIRI": _is_iri,
    "ISBLANK": _is_blank,
    "ISLITERAL": _is_literal,
    "ISNUMERIC": _is_numeric,
    "IRI": _iri,
    "BNODE": _bnode,
    "STRDT": _strdt,
    "STRLANG": _strlang,
    "UUID": lambda arguments, scope: iri("'urn:uuid:' || uuid()::VARCHAR", False),
    "STRUUID": lambda arguments, scope: string("uuid()::VARCHAR", False),
    "RAND": lambda arguments, scope: Value(DOUBLE, "random()", False),
    "ABS": _unary(_abs, "abs({})"),
    "ROUND": _unary(_round, "floor({} + 0.5::DOUBLE)"),
    "CEIL": _unary(_ceil, "ceil({})"),
    "FLOOR": _unary(_floor, "floor({})"),
}
