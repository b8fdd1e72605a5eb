"""Functions on strings (SPARQL 1.1, section 17.4.3) and hashes (17.4.6)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import pyarrow
from pyoxigraph import Literal

from kg.errors import QueryError
from kg.sparql import named_functions, numbers
from kg.sparql.comparisons import simple_string
from kg.sparql.lexical_forms import language, lexical
from kg.sparql.relations import Scope
from kg.sparql.values import (
    EXACT,
    ID,
    STRING,
    TERM,
    TEXT,
    TEXT_TAGS,
    Value,
    boolean,
    integer,
    null,
    string,
    tag_test,
)
from kg.terms import TAG_LANG, TAG_STRING, XSD_STRING

Function = Callable[[list[Value], Scope], Value]


@dataclass(frozen=True)
class Text:
    """A string literal taken apart: its text (NULL where the value is no string literal) and SQL of its language tag.

    `lang` is None where the literal is simple for certain.
    """

    lex: str
    lang: str | None = None
    nullable: bool = True


def text_of(value: Value, scope: Scope) -> Text:
    """A simple or language-tagged literal; anything else is an error."""
    if value.term is not None:
        term = value.term
        if isinstance(term, Literal) and (term.language is not None or term.datatype.value == XSD_STRING):
            lang = scope.compiler.parameter(term.language) if term.language else None
            return Text(scope.compiler.parameter(term.value), lang, False)
        return Text("NULL::VARCHAR")
    if value.kind == STRING:
        return Text(scope.let(value.sql), None, value.nullable)
    if value.kind == TEXT:
        name = scope.let(value.sql)
        return Text(f"{name}.lex", f"{name}.lang", value.nullable)
    if value.kind == ID and value.tags & TEXT_TAGS:
        text, test = lexical(value, scope).sql, tag_test(value, TEXT_TAGS)
        lex = f"CASE WHEN {test} THEN {text} END" if test else text
        lang = language(value, scope).sql if TAG_LANG in value.tags else None
        return Text(scope.let(lex), scope.let(lang) if lang else None, value.nullable or bool(test))
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = tag_test(Value(ID, f"{name}.id", tags=frozenset(range(128))), TEXT_TAGS)
        lex = f"CASE WHEN {stored} OR {name}.id IN (-{TAG_STRING}, -{TAG_LANG}) THEN {lexical(value, scope).sql} END"
        return Text(scope.let(lex), scope.let(language(value, scope).sql))
    return Text("NULL::VARCHAR")


def _like(text: Text, lex: str, scope: Scope) -> Value:
    """A literal with the language of `text`."""
    if text.lang is None:
        return string(lex, text.nullable)
    name = scope.let(lex)
    return Value(TEXT, f"CASE WHEN {name} IS NOT NULL THEN {{'lex': {name}, 'lang': {text.lang}}} END")


def _agreeing(first: Text, second: Text, sql: str) -> str:
    """`sql` where the two arguments are compatible (section 17.4.3.1.2), else an error."""
    if second.lang is None:
        return sql
    mine = first.lang or "''"
    return f"CASE WHEN {second.lang} = '' OR lower({second.lang}) = lower({mine}) THEN {sql} END"


# ── Plain string functions ───────────────────────────────────────────────────────────────────────────────────


def _strlen(arguments: list[Value], scope: Scope) -> Value:
    text = text_of(arguments[0], scope)
    return integer(f"length({text.lex})", bits=40, nullable=text.nullable)


def _mapped(function: str) -> Function:
    def apply(arguments: list[Value], scope: Scope) -> Value:
        text = text_of(arguments[0], scope)
        return _like(text, f"{function}({text.lex})", scope)

    return apply


def _position(value: Value, scope: Scope) -> str:
    """SQL of a number as XPath's fn:substring rounds it."""
    amount = numbers.number(value, scope)
    if amount is None:
        return "NULL::BIGINT"
    if amount.kind == EXACT and amount.scale == 0:
        return f"({amount.sql})::BIGINT"
    return f"floor({numbers.as_double(amount, scope)} + 0.5)::BIGINT"


def _substr(arguments: list[Value], scope: Scope) -> Value:
    """SUBSTR: positions count from 1, and may lie outside."""
    text, start = text_of(arguments[0], scope), scope.let(_position(arguments[1], scope))
    first = f"greatest({start}, 1)"
    if len(arguments) == 2:
        return _like(text, f"substring({text.lex}, {first})", scope).uncertain()
    length = scope.let(_position(arguments[2], scope))
    sql = f"CASE WHEN {start} IS NOT NULL AND {length} IS NOT NULL THEN substring({text.lex}, {first}, greatest({start} + {length} - {first}, 0)) END"
    return _like(text, sql, scope).uncertain()


def _test(function: str) -> Function:
    def apply(arguments: list[Value], scope: Scope) -> Value:
        text, other = (text_of(argument, scope) for argument in arguments)
        nullable = text.nullable or other.nullable or other.lang is not None
        return boolean(_agreeing(text, other, f"{function}({text.lex}, {other.lex})"), nullable)

    return apply


def _before_or_after(is_before: bool) -> Function:
    """STRBEFORE and STRAFTER: a simple empty literal where the second does not occur in the first."""

    def apply(arguments: list[Value], scope: Scope) -> Value:
        text, other = (text_of(argument, scope) for argument in arguments)
        place = scope.let(_agreeing(text, other, f"strpos({text.lex}, {other.lex})"))
        part = f"left({text.lex}, {place} - 1)" if is_before else f"substring({text.lex}, {place} + length({other.lex}))"
        part = scope.let(f"CASE WHEN {place} > 0 THEN {part} WHEN {place} = 0 THEN '' END")
        if text.lang is None:
            return string(part)
        return Value(TEXT, f"CASE WHEN {part} IS NOT NULL THEN {{'lex': {part}, 'lang': CASE WHEN {place} > 0 THEN {text.lang} ELSE '' END}} END")

    return apply


def _concat(arguments: list[Value], scope: Scope) -> Value:
    """CONCAT: tagged where all arguments have the same tag."""
    if not arguments:
        return string("''", False)
    texts = [text_of(argument, scope) for argument in arguments]
    joined = f"({' || '.join(text.lex for text in texts)})"
    nullable = any(text.nullable for text in texts)
    if any(text.lang is None for text in texts):
        return string(joined, nullable)
    name, first = scope.let(joined), texts[0].lang
    same = " AND ".join(f"{text.lang} = {first}" for text in texts[1:]) or "true"
    return Value(TEXT, f"CASE WHEN {name} IS NOT NULL THEN {{'lex': {name}, 'lang': CASE WHEN {same} THEN {first} ELSE '' END}} END", nullable)


def _encode_for_uri(arguments: list[Value], scope: Scope) -> Value:
    text = text_of(arguments[0], scope)
    return string(f"url_encode({text.lex})", text.nullable)


def _langmatches(arguments: list[Value], scope: Scope) -> Value:
    """Basic filtering of RFC 4647."""
    tag, span = (scope.let(simple_string(argument, scope).sql) for argument in arguments)
    matches = f"lower({tag}) = lower({span}) OR starts_with(lower({tag}), lower({span}) || '-')"
    return boolean(f"CASE WHEN {span} = '*' THEN {tag} <> '' ELSE {tag} <> '' AND ({matches}) END")


# ── Regular expressions (sections 17.4.3.14 and 15): XPath's, run by RE2 ─────────────────────────────────────


def _regex(arguments: list[Value], scope: Scope) -> Value:
    text = text_of(arguments[0], scope)
    return boolean(f"regexp_matches({text.lex}, {_pattern(arguments, 1, 2, scope)})")


def _replace(arguments: list[Value], scope: Scope) -> Value:
    text = text_of(arguments[0], scope)
    replacement = arguments[2].term
    if isinstance(replacement, Literal):
        put = scope.compiler.parameter(_replacement(replacement.value))
    else:
        put = f"regexp_replace({simple_string(arguments[2], scope).sql}, '[$]([0-9])', '\\\\\\1', 'g')"
    pattern = _pattern(arguments, 1, 3, scope)
    return _like(text, f"regexp_replace({text.lex}, {pattern}, {put}, 'g')", scope).uncertain()


def _replacement(text: str) -> str:
    """XPath's `$1` and `\\$` as RE2 writes them."""
    return re.sub(r"\\([\\$])|\$([0-9])|\\", lambda m: f"\\{m[2]}" if m[2] else ("\\\\" if m[1] != "$" else "$"), text)


def _pattern(arguments: list[Value], place: int, flags_place: int, scope: Scope) -> str:
    """SQL of the pattern with its flags written into it; constants are checked while compiling."""
    pattern = arguments[place].term
    flags = arguments[flags_place].term if len(arguments) > flags_place else Literal("")
    if isinstance(pattern, Literal) and isinstance(flags, Literal):
        return scope.compiler.parameter(_checked(_with_flags(pattern.value, flags.value)))
    text = simple_string(arguments[place], scope).sql
    if not isinstance(flags, Literal):
        raise scope.compiler.not_supported("REGEX or REPLACE with flags that are no constant")
    if "x" in flags.value:
        text = f"regexp_replace({text}, '\\s', '', 'g')"
    if "q" in flags.value:
        text = f"regexp_escape({text})"
    kept = "".join(sorted(set(flags.value) & set("ims")))
    return f"('(?{kept})' || {text})" if kept else text


def _with_flags(pattern: str, flags: str) -> str:
    unknown = set(flags) - set("smixq")
    if unknown:
        raise QueryError("Q211", f"'{flags}' holds an unknown flag of a regular expression", help="the flags are s, m, i, x and q")
    if "q" in flags:
        pattern = re.escape(pattern)
    elif "x" in flags:
        pattern = re.sub(r"\s", "", pattern)
    kept = "".join(sorted(set(flags) & set("ims")))
    return f"(?{kept}){pattern}" if kept else pattern


@lru_cache(1000)
def _checked(pattern: str) -> str:
    try:
        _database().cursor().execute("SELECT regexp_matches('', $1)", [pattern]).fetchone()
    except duckdb.Error as error:
        message = str(error).splitlines()[0].split(": ", 1)[-1]
        raise QueryError("Q212", f"'{pattern}' is no regular expression that can be run: {message}", help="back-references and look-around are not supported") from error
    return pattern


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """An empty database to try patterns on; opening one takes longer than a query."""
    return duckdb.connect()


# ── Hashes ───────────────────────────────────────────────────────────────────────────────────────────────────


# What DuckDB lacks; `register_python_functions` gives it to a connection whose statement asks for one.
PYTHON_HASHES = ("sha384", "sha512")


def register_python_functions(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Create those Python functions that `sql` calls and the connection's database does not have yet."""
    named_functions.provide(connection, sql)
    for name in PYTHON_HASHES:
        if f"kg_{name}(" in sql:
            known = connection.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = $1", [f"kg_{name}"]).fetchone()
            if known is None:
                connection.create_function(f"kg_{name}", _digests(getattr(hashlib, name)), ["VARCHAR"], "VARCHAR", type="arrow")


def _digests(algorithm: Callable[[bytes], object]) -> Callable[[pyarrow.Array], pyarrow.Array]:
    """A column's digests; none is asked of a NULL."""
    return lambda texts: pyarrow.array([algorithm(text).hexdigest() for text in texts.cast("binary").to_pylist()], "string")


def _hash(function: str) -> Function:
    def apply(arguments: list[Value], scope: Scope) -> Value:
        text = text_of(arguments[0], scope)
        if isinstance(arguments[0].term, Literal):
            digest = hashlib.new(function, arguments[0].term.value.encode()).hexdigest()
            return string(scope.compiler.parameter(digest), text.nullable) if text.lex != "NULL::VARCHAR" else null(STRING)
        name = f"kg_{function}" if function in PYTHON_HASHES else function
        return string(f"{name}({text.lex})", text.nullable)

    return apply


FUNCTIONS: dict[str, Function] = {
    "STRLEN": _strlen,
    "SUBSTR": _substr,
    "UCASE": _mapped("upper"),
    "LCASE": _mapped("lower"),
    "STRSTARTS": _test("starts_with"),
    "STRENDS": _test("ends_with"),
    "CONTAINS": _test("contains"),
    "STRBEFORE": _before_or_after(True),
    "STRAFTER": _before_or_after(False),
    "CONCAT": _concat,
    "ENCODE_FOR_URI": _encode_for_uri,
    "LANGMATCHES": _langmatches,
    "REGEX": _regex,
    "REPLACE": _replace,
    "MD5": _hash("md5"),
    "SHA1": _hash("sha1"),
    "SHA256": _hash("sha256"),
    "SHA384": _hash("sha384"),
    "SHA512": _hash("sha512"),
}
