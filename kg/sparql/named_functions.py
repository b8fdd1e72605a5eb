"""Functions named by IRI beside the casts: computed in Python, one row at a time, or by an SQL expression over texts.

A function takes literals and IRIs and gives a literal, or None for an error; `register` makes it known under its IRI to
every query and rule of this process. Queries come from strangers, so a function must end soon whatever it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from pyoxigraph import Literal, NamedNode

from kg.sparql import algebra, comparisons
from kg.sparql.conversions import general, typed_literal
from kg.sparql.lexical_forms import datatype, language, lexical, quote
from kg.sparql.relations import Scope
from kg.sparql.values import ID, IRI_TAGS, Value, boolean, string
from kg.terms import RDF_LANG_STRING

Argument = Literal | NamedNode
SQL_NAME = "kg_python"
FUNCTION_FAULT = "a function cannot go on: "  # begins the message of an SQL error() that a function raises


@dataclass(frozen=True)
class NamedFunction:
    """`least` to `most` (None: any number) arguments; a test gives true or false. A test with an `operator` is that
    comparison of SPARQL, and computed here only where SPARQL knows none. `sql` makes VARCHAR of the texts of the arguments,
    and stands in the place of `compute`."""

    iri: str
    compute: Callable[..., Argument | bool | None] | None
    least: int
    most: int | None
    is_test: bool = False
    operator: str | None = None
    sql: Callable[..., str] | None = None


FUNCTIONS: dict[str, NamedFunction] = {}


def register(function: NamedFunction) -> None:
    FUNCTIONS[function.iri] = function


def call(node: algebra.FunctionCall, arguments: list[Value], scope: Scope) -> Value:
    """The value of a call of a registered function; NULL where an argument is, or where the function finds an error."""
    function = FUNCTIONS[node.iri.value]
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        raise scope.compiler.not_supported(f"<{node.iri.value}> with {len(arguments)} arguments", node.position)
    if function.sql is not None:
        return string(function.sql(*(f"({lexical(scope.bind(argument), scope).sql})" for argument in arguments)))
    parts = []
    for argument in arguments:
        value = scope.bind(argument)
        kind = f"coalesce({datatype(value, scope).sql}, '')"
        if not (value.kind == ID and value.tags <= IRI_TAGS):
            tag = language(value, scope).sql
            kind = f"CASE WHEN coalesce({tag}, '') <> '' THEN '@' || {tag} ELSE {kind} END"
        parts += [f"({lexical(value, scope).sql})", kind]
    found = f"{SQL_NAME}({quote(function.iri)}, [{', '.join(parts)}])"
    if function.is_test:
        answer = f"({found} = 'true')"
        if function.operator:
            answer = f"coalesce({comparisons.compare(function.operator, *map(scope.bind, arguments), scope).sql}, {answer})"
        return boolean(answer)
    found = scope.let(found)
    kind, text = f"split_part({found}, ' ', 1)", f"substr({found}, strpos({found}, ' ') + 1)"
    return general(typed_literal(scope.let(f"CASE WHEN {found} IS NOT NULL THEN {text} END"), scope.let(kind), scope), scope)


def provide(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Give the connection's database the function, where `sql` calls it."""
    if f"{SQL_NAME}(" in sql:
        known = connection.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = $1", [SQL_NAME]).fetchone()
        if known is None:
            connection.create_function(SQL_NAME, _compute, ["VARCHAR", "VARCHAR[]"], "VARCHAR", null_handling="special")


def _compute(iri: str, parts: list[str | None]) -> str | None:
    """Arguments as (lexical form, datatype) pairs: the datatype of an IRI is '', that of a tagged string is '@' and the
    tag. The result as datatype, a space, lexical form; `true` and `false` of a test alone."""
    arguments = []
    for lex, kind in zip(parts[::2], parts[1::2], strict=True):
        if lex is None or kind is None:
            return None
        arguments.append(_argument(lex, kind))
    try:
        found = FUNCTIONS[iri].compute(*arguments)
    except (ValueError, ArithmeticError):
        return None
    if found is None:
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return f"{found.datatype.value} {found.value}"


def _argument(lex: str, kind: str) -> Argument:
    if kind == "":
        return NamedNode(lex)
    if kind.startswith("@"):
        return Literal(lex, language=kind[1:])
    return Literal(lex, datatype=NamedNode(kind)) if kind != RDF_LANG_STRING else Literal(lex)
