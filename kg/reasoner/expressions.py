"""The door to the query compiler: expressions over rows of term ids, and whole patterns as rows of ids.

Every column is handed to the compiler as an id, unless `kinds` says that it holds plain values; for ids `kinds` narrows
the kinds of term, which spares look-ups in the dictionary. What an expression computes becomes an id again: numbers, dates and booleans by arithmetic, other
terms through the dictionary, to which a step adds those that it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from kg.reasoner.rows import Columns, Rows, Source
from kg.reasoner.statement import Step
from kg.sparql import algebra as a
from kg.sparql import patterns
from kg.sparql.compiler import Compiler, Environment, Sources
from kg.sparql.conversions import general, inlined, is_inlinable, stored_id
from kg.sparql.expressions import condition, expression
from kg.sparql.local_terms import prelude
from kg.sparql.relations import Relation, Scope
from kg.sparql.values import ALL_TAGS, ID, TERM, Value
from kg.store import Store
from kg.terms import TAG_BITS

# What is known of a variable's column: the tags that its ids may have, or the form of its values.
Kinds = Mapping[a.Var, frozenset[int] | Value]


class Expressions:
    """One compiler for a whole run, so that names and parameters are unique in it."""

    def __init__(self, store: Store) -> None:
        self._compiler = Compiler(store, compile_pattern=patterns.compile_pattern)
        self._tables = 0

    def parameters(self, sql: str) -> dict[str, object]:
        """The values that a statement made here needs bound."""
        names = set(re.findall(r"\$(p\d+)\b", sql))
        return {name: value for name, value in self._compiler.parameters.items() if name in names}

    def filter(self, rows: Rows, conditions: Sequence[a.Expression], kinds: Kinds) -> Rows:
        """The rows for which all conditions are true; an error is not (section 17.2)."""
        scope = self._scope(rows, kinds)
        tests = [condition(test, scope) for test in conditions]
        kept = ", ".join(f"{scope.alias}.{column}" for column in rows.columns.values()) or "1 AS unit"
        sql = f"SELECT {kept} {scope.from_clause} WHERE {' AND '.join(tests)}"
        return Rows(prelude(self._compiler) + sql, rows.columns, rows.steps)

    def extend(
        self, rows: Rows, variable: a.Var, value: a.Expression, column: str, kinds: Kinds
    ) -> tuple[Rows, frozenset[int]]:
        """The rows with one more column, and the kinds of term in it; rows where the expression fails are left out, as
        SET demands."""
        scope = self._scope(rows, kinds)
        computed = expression(value, scope)
        selected = [f"{scope.alias}.{name}" for name in rows.columns.values()] + [f"{computed.sql} AS {column}"]
        sql = f"{prelude(self._compiler)}SELECT {', '.join(selected)} {scope.from_clause}"
        new = {variable: computed.named(column).uncertain()}
        return self._as_ids(sql, new, {variable: column}, rows.columns, rows.steps), kinds_of(computed)

    def pattern(
        self, pattern: a.Pattern, variables: Sequence[a.Var], columns: Columns, source: Source
    ) -> tuple[Rows, dict[a.Var, frozenset[int]]]:
        """The solutions of a pattern over a relation, and the kinds of term that they may hold."""
        self._compiler.sources = Sources(source.sql, source.replaced, source.statistics)
        relation = self._compiler.pattern(pattern, Environment())
        self._compiler.sources = None
        wanted = {variable: columns.of(variable) for variable in variables}
        typed = {variable: relation.columns.get(variable.name) for variable in variables}
        if any(value is None for value in typed.values()):
            nothing = ", ".join(f"NULL::BIGINT AS {name}" for name in wanted.values())
            return Rows(f"SELECT {nothing} WHERE false", wanted), {}
        kinds = {variable: kinds_of(value) for variable, value in typed.items()}
        return self._as_ids(prelude(self._compiler) + relation.sql, typed, wanted, {}, ()), kinds

    def _scope(self, rows: Rows, kinds: Kinds) -> Scope:
        def column(variable: a.Var, name: str) -> Value:
            kind = kinds.get(variable, ALL_TAGS)
            return kind.named(name) if isinstance(kind, Value) else Value(ID, name, False, tags=kind)

        columns = {variable.name: column(variable, name) for variable, name in rows.columns.items()}
        return Scope.over(self._compiler, Relation(rows.sql, columns), Environment())

    def _as_ids(
        self,
        sql: str,
        typed: Mapping[a.Var, Value],
        names: Mapping[a.Var, str],
        kept: Mapping[a.Var, str],
        steps: tuple[Step, ...],
    ) -> Rows:
        """Typed columns as ids under `names`, beside the columns `kept` as they are; rows in which one of the typed
        columns has no value are left out."""
        unknown = [variable for variable, value in typed.items() if not is_inlinable(value) or value.local]
        if unknown:
            self._tables += 1
            table = f"rl_terms_{self._tables}"
            step = Step(table, sql, self._new_terms(f"SELECT * FROM {table}", [typed[v] for v in unknown]))
            sql, steps = _with_new_ids(table, [typed[v].sql for v in unknown if typed[v].kind == TERM]), (*steps, step)
        relation = Relation(sql, {variable.name: value for variable, value in typed.items()})
        scope = Scope.over(self._compiler, relation, Environment())
        selected = [f"{scope.alias}.{name}" for name in kept.values()]
        for variable, name in names.items():
            value = scope.columns[variable.name]
            new = f"coalesce(CASE WHEN {value.sql}.id >= 0 THEN {value.sql}.id END, {value.sql}_id)" if value.kind == TERM else None
            selected.append(f"{new or stored_id(value, scope).sql} AS {name}")
        present = " AND ".join(f"x.{names[v]} IS NOT NULL" for v, value in typed.items() if value.nullable or v in unknown)
        select = f"SELECT {', '.join(selected) or '1 AS unit'} {scope.from_clause}"
        if present:
            select = f"SELECT * FROM ({select}) x WHERE {present}"
        return Rows(prelude(self._compiler) + select, dict(kept) | dict(names), steps)

    def _new_terms(self, sql: str, values: Iterable[Value]) -> str:
        """A SELECT (tag, lex, extra) of the terms among these columns of `sql` that the dictionary lacks."""
        parts = []
        for i, value in enumerate(values):
            scope = Scope.over(self._compiler, Relation(sql, {f"term{i}": value}), Environment())
            term = scope.let(f"({general(scope.columns[f'term{i}'], scope).sql})")
            parts.append(f"SELECT -{term}.id AS tag, {term}.lex AS lex, {term}.extra AS extra {scope.from_clause} WHERE {term}.id < 0")
        return " UNION ALL ".join(parts)


def _with_new_ids(table: str, columns: Sequence[str]) -> str:
    """The rows of a table whose new general terms are in the dictionary by now: `c_id` is the id of the term in column c."""
    joins, ids = "", ""
    for number, column in enumerate(columns):
        term = f"t.{column}"
        ids += f", k{number}.id AS {column}_id"
        joins += f" LEFT JOIN dictionary k{number} ON k{number}.lex = {term}.lex AND k{number}.extra = {term}.extra AND k{number}.id >> {TAG_BITS} = -{term}.id"
    return f"SELECT t.*{ids} FROM {table} t{joins}"


def kinds_of(value: Value) -> frozenset[int]:
    """The tags that a value has once it is an id."""
    return inlined(value).tags if is_inlinable(value) and not value.local else ALL_TAGS
