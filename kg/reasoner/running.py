"""An aggregate inside a recursion, evaluated: contributions are collected, only touched groups are summed again.

    rl_share_n  table (one column per variable of a contribution, value)   every contribution so far, each once
    rl_more_n   table (same columns)                                       those that the current round found
    rl_total_n_0, _1  table (one column per key, result)                   new results of the groups just touched
    rl_total_n        table (same columns)                                 all results, where the rule needs them

Sums are DECIMAL(38,18), so exact; results are term ids like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from kg.errors import RuleError
from kg.reasoner.aggregate import RunningAggregate
from kg.reasoner.compile import Columns, Rows
from kg.reasoner.model import Rule, short_name
from kg.sparql import algebra as a
from kg.sql import encoding
from kg.store import Store
from kg.terms import TAG_BITS, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED


@dataclass
class Running:
    """The state of one aggregate during one stratum."""

    number: int
    rule: Rule
    aggregate: RunningAggregate
    columns: Columns
    store: Store
    keeps_all: bool  # the rule reads the results of groups that the round did not touch
    scale: int | None = None  # of the results; None while all values are integers
    changed: int = 0  # groups touched in the last round
    _is_empty: bool = True
    _names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = [self.columns.of(v) for v in self.aggregate.contribution]
        declared = ", ".join(f"{name} BIGINT" for name in self._names)
        self._run(f"CREATE OR REPLACE TEMP TABLE rl_share_{self.number} ({declared}, value DECIMAL(38,18))")
        if self.keeps_all:
            self._run(f"CREATE OR REPLACE TEMP TABLE rl_total_{self.number} ({', '.join(f'{n} BIGINT' for n in self._result_columns)})")

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        return self.store.connection.execute(sql)

    @property
    def _keys(self) -> list[str]:
        return [self.columns.of(key) for key in self.aggregate.keys]

    @property
    def _result_columns(self) -> list[str]:
        return [*self._keys, self.columns.of(self.aggregate.result)]

    def rows(self, table: str) -> Rows:
        """The results in `table` as rows of the keys and the result."""
        variables = [*self.aggregate.keys, self.aggregate.result]
        return Rows(f"SELECT {', '.join(self._result_columns)} FROM {table}", dict(zip(variables, self._result_columns, strict=True)))

    def delta(self, parity: int | str) -> Rows:
        return self.rows(f"rl_total_{self.number}_{parity}")

    def all(self) -> Rows:
        return self.rows(f"rl_total_{self.number}")

    # ── one round ────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, selects: list[str], parity: int) -> None:
        """Take in the contributions that `selects` yield (columns as in rl_share_n, without value)."""
        if not selects:
            self.changed = 0
            return
        names = ", ".join(f"c.{name}" for name in self._names)
        same = " AND ".join(f"s.{name} = c.{name}" for name in self._names)
        unknown = "" if self._is_empty else f" WHERE NOT EXISTS (SELECT 1 FROM rl_share_{self.number} s WHERE {same})"
        found = self._run(
            f"CREATE OR REPLACE TEMP TABLE rl_more_{self.number} AS SELECT {names}, {self._value('c')} AS value "
            f"FROM (SELECT DISTINCT * FROM ({' UNION ALL '.join(selects)}) c{unknown}) c"
        ).fetchone()[0]
        if not found:
            self.changed = 0
            return
        self._check_values()
        self._run(f"INSERT INTO rl_share_{self.number} SELECT * FROM rl_more_{self.number}")
        self._total(parity)
        self._is_empty = False

    def _value(self, alias: str) -> str:
        """DECIMAL: the number that a contribution adds, NULL where it has none."""
        argument = self.aggregate.argument
        if argument is None or self.aggregate.function == "COUNT":
            return "1::DECIMAL(38,18)"
        column = f"{alias}.{self.columns.of(argument)}"
        typed = f"(SELECT max(d.number) FROM dictionary d WHERE d.id = {column})"
        has_typed = self._run(f"SELECT 1 FROM dictionary WHERE id >> {TAG_BITS} = {TAG_TYPED} AND number IS NOT NULL LIMIT 1").fetchone()
        value = encoding.decimal_value(column)
        return f"coalesce({value}, {typed})::DECIMAL(38,18)" if has_typed else f"{value}::DECIMAL(38,18)"

    def _check_values(self) -> None:
        """Values must be exact numbers, and for SUM not negative: else the result could shrink as the recursion goes on."""
        argument, function = self.aggregate.argument, self.aggregate.function
        if argument is None or function == "COUNT":
            return
        column = self.columns.of(argument)
        decimals = f"max({column} >> {TAG_BITS}) FILTER (WHERE {encoding.has_tag(column, TAG_DECIMAL, TAG_DECIMAL + 18)})"
        others = f"bool_or(NOT {encoding.has_tag(column, TAG_INTEGER)} AND NOT {encoding.has_tag(column, TAG_DECIMAL, TAG_DECIMAL + 18)})"
        row = self._run(f"SELECT min(value), bool_or(value IS NULL), {decimals}, {others} FROM rl_more_{self.number}").fetchone()
        least, has_none, decimal_tag, has_other = row
        if has_none:
            raise self._bad_value("value IS NULL", "R209", "is no integer or decimal", "give exact numbers, as xsd:decimal or xsd:integer")
        if function == "SUM" and least < 0:
            raise self._bad_value("value < 0", "R208", "is negative", "leave negative values out by a FILTER, or mend the data")
        scale = decimal_tag - TAG_DECIMAL if decimal_tag is not None else 6 if has_other else None
        if scale is not None:
            self.scale = max(self.scale or 0, scale)

    def _bad_value(self, condition: str, code: str, what: str, help: str) -> RuleError:
        names = [self.columns.of(v) for v in self.aggregate.contribution]
        row = self._run(f"SELECT {', '.join(names)} FROM rl_more_{self.number} WHERE {condition} LIMIT 1").fetchone()
        bound = dict(zip(self.aggregate.contribution, row, strict=True))
        terms = self.store.decode(set(row))
        argument = self.aggregate.argument
        pattern = next(
            (e for branch in self.aggregate.branches for e in branch if isinstance(e, a.TriplePattern) and e.object == argument), None
        )

        def text(node: a.Node) -> str:
            if isinstance(node, a.Var):
                node = terms[bound[node]] if node in bound else node
            if hasattr(node, "value") and type(node).__name__ == "NamedNode":
                return short_name(node, self.rule.prefixes)
            return f"?{node.name}" if isinstance(node, a.Var) else str(node)

        triple = f"{text(pattern.subject)} {text(pattern.predicate)} {text(pattern.object)}" if pattern else text(argument)
        notes = (f"triple: {triple}",)
        return self.rule.error(
            code, f"cannot take the {self.aggregate.function} of ?{argument.name} in a recursion: {text(argument)} {what}",
            help, self.aggregate.element.position, notes)  # fmt: skip

    def _total(self, parity: int) -> None:
        function = self.aggregate.function
        summed = "count(*)" if function == "COUNT" else f"{function.lower()}(s.value)"
        keys = [f"s.{key}" for key in self._keys]
        touched = (
            ""
            if self._is_empty
            else f" SEMI JOIN rl_more_{self.number} m ON {' AND '.join(f's.{key} = m.{key}' for key in self._keys)}"
        )
        table, result = f"rl_total_{self.number}_{parity}", self.columns.of(self.aggregate.result)
        inner = f"SELECT {', '.join(keys)}, {summed} AS total FROM rl_share_{self.number} s{touched} GROUP BY {', '.join(keys)}"
        is_integer = self.scale is None or function == "COUNT"
        encoded = encoding.integer_id("t.total::HUGEINT") if is_integer else encoding.decimal_id("t.total", self.scale)
        self.changed = self._run(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(f't.{key}' for key in self._keys)}, {encoded} AS {result} FROM ({inner}) t"
        ).fetchone()[0]
        if self.keeps_all:
            same = " AND ".join(f"a.{key} = m.{key}" for key in self._keys)
            self._run(f"DELETE FROM rl_total_{self.number} a USING {table} m WHERE {same}")
            self._run(f"INSERT INTO rl_total_{self.number} SELECT * FROM {table}")
