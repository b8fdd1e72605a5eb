"""Set functions (SPARQL 1.1, sections 11.2 and 18.5.1): COUNT SUM AVG MIN MAX SAMPLE GROUP_CONCAT.

An aggregate is compiled in two steps: SQL aggregates over the group's solutions, then an expression over their results.
COUNT passes over errors and unbound values; for the others an error in the group is an error of the aggregate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kg.sparql import algebra, numbers
from kg.sparql.comparisons import families
from kg.sparql.compiler import Compiler
from kg.sparql.expressions import expression
from kg.sparql.lexical_forms import lexical
from kg.sparql.ordering import order_keys
from kg.sparql.relations import Scope
from kg.sparql.values import (
    BOOLEAN,
    DATETIME_TAGS,
    DOUBLE,
    EXACT,
    FLOAT,
    ID,
    MAX_BITS,
    NUMBER_TAGS,
    NUMERIC,
    STRING,
    Value,
    integer,
    null,
    string,
)
from kg.terms import TAG_STRING

Finish = Callable[[Scope], Value]

# A sum over at most 2^40 solutions has that many more bits than its summands.
_ROW_BITS = 40


@dataclass
class Plan:
    """The SQL aggregates of one GROUP BY: SQL → column name. `may_be_empty`: without keys there is a group, be there no solution."""

    compiler: Compiler
    scope: Scope
    may_be_empty: bool = False
    columns: dict[str, str] = field(default_factory=dict)

    def column(self, sql: str) -> str:
        if sql not in self.columns:
            self.columns[sql] = self.compiler.fresh("a")
        return self.columns[sql]

    def failing(self, value: Value) -> Callable[[Scope], str | None]:
        """Whether some solution of the group gives an error, as SQL over the grouped columns; None where none can."""
        if not value.nullable:
            return lambda outer: None
        every, good = self.column("count(*)"), self.column(f"count({value.sql})")
        return lambda outer: f"{outer.alias}.{every} <> {outer.alias}.{good}"


def aggregate(node: algebra.Aggregate, plan: Plan) -> Finish:
    """Register what an aggregate needs with the plan; the result makes its value over the grouped columns."""
    if node.argument is None:
        return _count(_every_solution(node, plan), plan)
    value = plan.scope.bind(expression(node.argument, plan.scope))
    if node.name == "COUNT":
        return _count(f"count({'DISTINCT ' if node.distinct else ''}{value.sql})", plan)
    if node.name in ("SUM", "AVG"):
        return _sum(node, value, plan)
    if node.name in ("MIN", "MAX"):
        return _extreme(node, value, plan)
    if node.name == "SAMPLE":
        name = plan.column(f"any_value({value.sql})")
        return lambda outer: replace(value, sql=f"{outer.alias}.{name}", nullable=True, term=None)
    return _group_concat(node, value, plan)


def _count(sql: str, plan: Plan) -> Finish:
    name = plan.column(sql)
    return lambda outer: integer(f"{outer.alias}.{name}", bits=_ROW_BITS, nullable=False)


def _every_solution(node: algebra.Aggregate, plan: Plan) -> str:
    if not node.distinct:
        return "count(*)"
    columns = [value.sql for name, value in plan.scope.columns.items() if not name.startswith(("_:", "#"))]
    return f"count(DISTINCT row({', '.join(columns)}))" if columns else "count(DISTINCT 1)"


# ── SUM and AVG ──────────────────────────────────────────────────────────────────────────────────────────────


def _sum(node: algebra.Aggregate, value: Value, plan: Plan) -> Finish:
    amount = numbers.number(value, plan.scope)
    every = plan.column("count(*)")
    if amount is None:
        return lambda outer: Value(EXACT, f"CASE WHEN {outer.alias}.{every} = 0 THEN 0::BIGINT END", bits=1, is_integer=True)
    amount = plan.scope.bind(amount)
    failing = plan.failing(amount)
    items = _Items(node, value, amount, plan)
    total = _numeric_total(items, plan) if amount.kind == NUMERIC else _plain_total(items, amount, plan)
    how_many = items.count()

    def finish(outer: Scope) -> Value:
        result = total(outer)
        if node.name == "AVG":
            count = integer(f"{outer.alias}.{how_many}", bits=_ROW_BITS, nullable=False)
            quotient = numbers.arithmetic("/", result, count, outer)
            zero = "{'r': 0::TINYINT, 'm': 0::HUGEINT, 'd': NULL::DOUBLE}" if quotient.kind == NUMERIC else "0"
            result = replace(quotient, sql=f"CASE WHEN {outer.alias}.{how_many} = 0 THEN {zero} ELSE {quotient.sql} END")
        if plan.may_be_empty and result.kind in (FLOAT, DOUBLE):
            result = _integer_zero(result, f"{outer.alias}.{every}")
        failed = failing(outer)
        return replace(result, sql=f"CASE WHEN NOT ({failed}) THEN {result.sql} END", nullable=True) if failed else result

    return finish


def _integer_zero(result: Value, count: str) -> Value:
    """A sum or average of floating numbers as NUMERIC, which of no solution is the xsd:integer 0 (section 18.5.1.3)."""
    rank = 2 if result.kind == FLOAT else 3
    return Value(
        NUMERIC,
        f"CASE WHEN {count} = 0 THEN {{'r': 0::TINYINT, 'm': 0::HUGEINT, 'd': NULL::DOUBLE}} "
        f"WHEN ({result.sql}) IS NOT NULL THEN {{'r': {rank}::TINYINT, 'm': NULL::HUGEINT, 'd': ({result.sql})::DOUBLE}} END",
    )


class _Items:
    """What is summed up: the numbers of a group, each term once where DISTINCT asks for it."""

    def __init__(self, node: algebra.Aggregate, value: Value, amount: Value, plan: Plan) -> None:
        self.plan, self.amount, self.distinct = plan, amount, node.distinct
        # Equal numbers of one datatype and scale are one term; otherwise terms must be told apart by themselves.
        one_form = value.kind != ID or (len(value.tags & NUMBER_TAGS) == 1 and amount.kind == EXACT)
        self.by_value = node.distinct and one_form and amount.kind != NUMERIC
        self.listed = None if not node.distinct or self.by_value else f"list(DISTINCT {{'k': {value.sql}, 'v': {amount.sql}}})"

    def sum(self, item: str = "", test: str | None = None) -> str:
        if self.listed:
            return self.plan.column(f"list_sum(list_transform({self.listed}, lambda e: e.v{item}))")
        return self.plan.column(f"sum({'DISTINCT ' if self.by_value else ''}{self.amount.sql}{item})")

    def maximum(self, item: str) -> str:
        return self.plan.column(f"max({self.amount.sql}{item})")

    def count(self) -> str:
        if self.listed:
            return self.plan.column(f"coalesce(len({self.listed}), 0)")
        return self.plan.column(f"count({'DISTINCT ' if self.by_value else ''}{self.amount.sql})")


def _plain_total(items: _Items, amount: Value, plan: Plan) -> Finish:
    name = items.sum()
    if amount.kind in (DOUBLE, FLOAT):
        return lambda outer: replace(amount, sql=f"coalesce({outer.alias}.{name}, 0)", nullable=False, term=None)
    bits = min(MAX_BITS, amount.bits + _ROW_BITS)
    return lambda outer: replace(amount, sql=f"coalesce({outer.alias}.{name}, 0)::HUGEINT", nullable=False, bits=max(bits, 63), term=None)


def _numeric_total(items: _Items, plan: Plan) -> Finish:
    rank, exact = items.maximum(".r"), items.sum(".m")
    floating = plan.column(f"sum(coalesce({items.amount.sql}.d, {items.amount.sql}.m::DOUBLE / 1e18))") if not items.listed else plan.column(
        f"list_sum(list_transform({items.listed}, lambda e: coalesce(e.v.d, e.v.m::DOUBLE / 1e18)))"
    )

    def finish(outer: Scope) -> Value:
        r, m, d = (f"{outer.alias}.{name}" for name in (rank, exact, floating))
        return Value(
            NUMERIC,
            f"CASE WHEN coalesce({r}, 0) < 2 THEN {{'r': coalesce({r}, 0)::TINYINT, 'm': coalesce({m}, 0)::HUGEINT, 'd': NULL::DOUBLE}} "
            f"ELSE {{'r': {r}, 'm': NULL::HUGEINT, 'd': {d}}} END",
            False,
        )

    return finish


# ── MIN, MAX, GROUP_CONCAT ───────────────────────────────────────────────────────────────────────────────────


def _extreme(node: algebra.Aggregate, value: Value, plan: Plan) -> Finish:
    if value.is_null:
        return lambda outer: null()
    function = node.name.lower()
    failing = plan.failing(value)
    if value.kind in (BOOLEAN, EXACT, STRING, DOUBLE, FLOAT) or _is_ordered_by_id(value):
        sql = f"{function}({value.sql})"
    else:
        keys = order_keys(value, plan.scope)
        # A struct of keys: its NULLs compare as greatest, which only tells apart terms of different families.
        sql = f"arg_{function}({value.sql}, {keys[0] if len(keys) == 1 else 'row(' + ', '.join(keys) + ')'})"
    name = plan.column(sql)

    def finish(outer: Scope) -> Value:
        failed = failing(outer)
        column = f"{outer.alias}.{name}"
        return replace(value, sql=f"CASE WHEN NOT ({failed}) THEN {column} END" if failed else column, nullable=True, term=None)

    return finish


def _is_ordered_by_id(value: Value) -> bool:
    """Whether ids order as their terms do: numbers or dateTimes of a single tag."""
    if value.kind != ID or value.local or len(value.tags) != 1 or len(families(value)) != 1:
        return False
    return bool(value.tags & (NUMBER_TAGS | DATETIME_TAGS)) and (value.tags <= NUMBER_TAGS or max(value.tags) < 28)


def _group_concat(node: algebra.Aggregate, value: Value, plan: Plan) -> Finish:
    text = plan.scope.bind(lexical(value, plan.scope))
    failing = plan.failing(text)
    separator = plan.compiler.parameter(" " if node.separator is None else node.separator)
    if not node.distinct:
        name = plan.column(f"string_agg({text.sql}, {separator})")
    elif value.kind == STRING or (value.kind == ID and value.tags <= {TAG_STRING}):
        name = plan.column(f"string_agg(DISTINCT {text.sql}, {separator})")
    else:
        listed = f"list(DISTINCT {{'k': {value.sql}, 'v': {text.sql}}})"
        name = plan.column(f"array_to_string(list_transform({listed}, lambda e: e.v), {separator})")

    def finish(outer: Scope) -> Value:
        failed = failing(outer)
        joined = f"coalesce({outer.alias}.{name}, '')"
        return string(f"CASE WHEN NOT ({failed}) THEN {joined} END" if failed else joined, bool(failed))

    return finish


