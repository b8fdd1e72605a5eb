"""The built-in functions that take plain arguments (SPARQL 1.1, section 17.4): each takes typed SQL and gives typed SQL.

An argument of the wrong kind is an error: NULL.
"""

from __future__ import annotations

from collections.abc import Callable

from kg.sparql import algebra
from kg.sparql.conversions import datatype, is_tagged, language, lexical
from kg.sparql.relations import Scope
from kg.sparql.values import (
    BOOLEAN,
    DOUBLE,
    EXACT,
    FLOAT,
    IRI,
    IRI_TAGS,
    LITERAL_TAGS,
    NUMERIC,
    STRING,
    TEXT,
    Value,
)
from kg.terms import TAG_BLANK, TAG_IRI, TAG_LANG, TAG_STRING, TAG_TYPED

Function = Callable[[list[Value], Scope], Value]


def call(node: algebra.Call, arguments: list[Value], scope: Scope) -> Value:
    """The value of a built-in call whose arguments are compiled already."""
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise scope.compiler.not_supported(f"the function {node.name}", node.position)
    return function(arguments, scope)


def _is_iri(arguments: list[Value], scope: Scope) -> Value:
    return is_tagged(arguments[0], IRI_TAGS, (IRI,), scope, (TAG_IRI,))


def _is_blank(arguments: list[Value], scope: Scope) -> Value:
    return is_tagged(arguments[0], frozenset({TAG_BLANK}), (), scope, (TAG_BLANK,))


def _is_literal(arguments: list[Value], scope: Scope) -> Value:
    kinds = (BOOLEAN, EXACT, FLOAT, DOUBLE, NUMERIC, STRING, TEXT)
    return is_tagged(arguments[0], LITERAL_TAGS, kinds, scope, (TAG_STRING, TAG_LANG, TAG_TYPED))


FUNCTIONS: dict[str, Function] = {
    "STR": lambda arguments, scope: lexical(arguments[0], scope),
    "LANG": lambda arguments, scope: language(arguments[0], scope),
    "DATATYPE": lambda arguments, scope: datatype(arguments[0], scope),
    "ISIRI": _is_iri,
    "ISBLANK": _is_blank,
    "ISLITERAL": _is_literal,
}
