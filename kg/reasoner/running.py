"""An aggregate inside a recursion, evaluated: contributions are collected, only touched groups are summed again.

    rl_share_n  table (one column per variable of a contribution, value)   every contribution so far, each once
    rl_more_n   table (same columns)                                       those that the current round found
    rl_total_n_0, _1  table (one column per key, result)                   new results of the groups just touched
    rl_total_n        table (same columns)                                 all results, where the rule needs them

Values and results are integers: the number times 10^scale, so sums are exact. In rl_total_n the scale is 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import duckdb
from pyoxigraph import Literal, Triple

from kg.errors import RuleError
from kg.reasoner.aggregate import RunningAggregate
from kg.reasoner.model import Rule, short_name
from kg.reasoner.rows import Columns, Rows, lacking
from kg.sparql import algebra as a
from kg.sparql.values import EXACT, Value
from kg.sql import encoding
from kg.sql.temporary import create_empty
from kg.store import Store
from kg.terms import MAX_SCALE, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED, XSD_DECIMAL, XSD_INTEGER

# The form of a result's column, for the compiler of the tests made on it.
RESULT = Value(EXACT, "", False, scale=18)

# Numbers in the dictionary ("01", xsd:int) are read with this many fraction digits; more are refused, not rounded.
TYPED_SCALE = 6


@dataclass(frozen=True)
class Measure:
    """How ids are read as integers: the scale, whether all are xsd:integer, and the kinds of term seen."""

    scale: int = 0
    is_integer: bool = True
    tags: frozenset[int] = frozenset()

    def having_seen(self, tags: Iterable[int]) -> Measure:
        tags = self.tags | set(tags)
        scales = [tag - TAG_DECIMAL for tag in tags if TAG_DECIMAL <= tag <= TAG_DECIMAL + MAX_SCALE]
        scales += [TYPED_SCALE] if TAG_TYPED in tags else []
        return Measure(max(scales, default=0), not scales, tags)

    def of(self, column: str) -> str:
        """HUGEINT or BIGINT: the value × 10^scale, NULL where it is no exact number."""
        plain = encoding.mantissa(column)
        if self.tags == {TAG_INTEGER} or self.tags == {TAG_DECIMAL + self.scale}:
            return plain
        cases = [
            f"WHEN {tag} THEN {plain}::HUGEINT * {10 ** (self.scale - max(0, tag - TAG_DECIMAL))}"
            for tag in sorted(self.tags)
            if tag == TAG_INTEGER or TAG_DECIMAL <= tag <= TAG_DECIMAL + MAX_SCALE
        ]
        if TAG_TYPED in self.tags:
            number = f"(SELECT max(d.number) FROM dictionary d WHERE d.id = {column})"
            exact = f"TRY_CAST({number} AS DECIMAL(28,{TYPED_SCALE}))"
            typed = f"CASE WHEN {exact} = {number} THEN ({exact} * {10**TYPED_SCALE})::HUGEINT END"
            cases.append(f"WHEN {TAG_TYPED} THEN {typed} * {10 ** (self.scale - TYPED_SCALE)}")
        return f"CASE {encoding.tag(column)} {' '.join(cases)} END" if cases else "NULL::BIGINT"


@dataclass
class Running:
    """The state of one aggregate during one stratum."""

    number: int
    rule: Rule
    aggregate: RunningAggregate
    columns: Columns
    store: Store
    run: Callable[[str], duckdb.DuckDBPyConnection]
    keeps_all: bool  # the rule reads the results of groups that the round did not touch
    is_distinct: bool = False  # the solutions of one round's delta are new contributions, each once
    changed: int = 0  # groups touched in the last round
    _is_empty: bool = True
    _measure: Measure = Measure()
    _names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = [self.columns.of(v) for v in self.aggregate.contribution]
        if self.keeps_all:
            declared = ", ".join(f"{key} BIGINT" for key in self._keys) + f", {self.columns.of(self.aggregate.result)} HUGEINT"
            create_empty(self.store.connection, f"rl_total_{self.number}", declared)

    @property
    def is_empty(self) -> bool:
        """Whether there was no contribution so far."""
        return self._is_empty

    @property
    def measure(self) -> Measure:
        return self._measure

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
        found = self.run(
            f"CREATE OR REPLACE TEMP TABLE rl_more_{self.number} AS {self._unknown(names, ' UNION ALL '.join(selects), len(selects))}"
        ).fetchone()[0]
        if not found:
            self.changed = 0
            return
        value = self._learn_values()
        if self._is_empty:
            self.run(f"CREATE OR REPLACE TEMP TABLE rl_share_{self.number} AS SELECT *, {value} AS value FROM rl_more_{self.number} c")
        else:
            self.run(f"INSERT INTO rl_share_{self.number} SELECT *, {value} FROM rl_more_{self.number} c")
        self._total(parity)
        self._is_empty = False

    def _unknown(self, names: str, candidates: str, parts: int) -> str:
        """Those contributions that are not yet in rl_share_n, each once. Where a delta's solutions are contributions as
        they stand, none can come twice."""
        if self.is_distinct and parts == 1:
            return f"SELECT {names} FROM ({candidates}) c"
        each_once = f"SELECT DISTINCT {names} FROM ({candidates}) c"
        return each_once if self._is_empty else lacking(each_once, f"rl_share_{self.number}", self._names)

    def _learn_values(self) -> str:
        """SQL of the value of a row of rl_more_n. Values must be exact numbers, and for SUM not negative: else the
        result could shrink as the recursion goes on."""
        argument, function = self.aggregate.argument, self.aggregate.function
        if argument is None or function == "COUNT":
            return "1"
        column, more = f"c.{self.columns.of(argument)}", f"rl_more_{self.number} c"
        tags = [row[0] for row in self.run(f"SELECT DISTINCT {encoding.tag(column)} FROM {more}").fetchall()]
        measure = self._measure.having_seen(tags)
        if measure.tags != self._measure.tags and not self._is_empty:
            factor = 10 ** (measure.scale - self._measure.scale)
            self.run(
                f"CREATE OR REPLACE TEMP TABLE rl_share_{self.number} AS "
                f"SELECT * REPLACE (value::HUGEINT * {factor} AS value) FROM rl_share_{self.number}"
            )
        self._measure = measure
        value = measure.of(column)
        least, missing = self.run(f"SELECT min({value}), count(*) - count({value}) FROM {more}").fetchone()
        if missing:
            raise self._bad_value(f"{value} IS NULL", "R209", "is no exact number", "give integers or decimals with few digits")
        if function == "SUM" and least < 0:
            raise self._bad_value(f"{value} < 0", "R208", "is negative", "leave negative values out by a FILTER, or mend the data")
        return value

    def _bad_value(self, condition: str, code: str, what: str, help: str) -> RuleError:
        names = [self.columns.of(v) for v in self.aggregate.contribution]
        row = self.run(f"SELECT {', '.join(names)} FROM rl_more_{self.number} c WHERE {condition} LIMIT 1").fetchone()
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
            if isinstance(node, Literal) and node.datatype.value in (XSD_INTEGER, XSD_DECIMAL):
                return node.value
            return f"?{node.name}" if isinstance(node, a.Var) else str(node)

        triple = f"{text(pattern.subject)} {text(pattern.predicate)} {text(pattern.object)}" if pattern else text(argument)
        notes = (f"triple: {triple}",)
        error = self.rule.error(
            code, f"cannot take the {self.aggregate.function} of ?{argument.name} in a recursion: {text(argument)} {what}",
            help, self.aggregate.element.position, notes)  # fmt: skip
        parts = [terms[bound[node]] if node in bound else node for node in (pattern.subject, pattern.predicate, pattern.object)] if pattern else []
        if parts and not any(isinstance(part, a.Var) for part in parts):
            error.triple = Triple(*parts)
        return error

    def _total(self, parity: int) -> None:
        """Aggregate anew the groups that rl_more_n touches."""
        function = self.aggregate.function
        measure = Measure() if function == "COUNT" else self._measure
        summed = "count(*)" if function == "COUNT" else f"{function.lower()}(s.value)"
        keys = ", ".join(f"s.{key}" for key in self._keys)
        same = " AND ".join(f"s.{key} = m.{key}" for key in self._keys)
        touched = "" if self._is_empty else f" SEMI JOIN rl_more_{self.number} m ON {same}"
        table, result = f"rl_total_{self.number}_{parity}", self.columns.of(self.aggregate.result)
        groups = f"SELECT {keys}, {summed} AS total FROM rl_share_{self.number} s{touched} GROUP BY {keys}"
        try:
            self.changed = self.run(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(f't.{key}' for key in self._keys)}, "
                f"t.total::HUGEINT * {10 ** (RESULT.scale - measure.scale)} AS {result} FROM ({groups}) t"
            ).fetchone()[0]
        except duckdb.OutOfRangeException:
            raise self.rule.error(
                "R214", f"sums ?{self.aggregate.result.name} to more than can be held exactly", "use a larger unit",
                self.aggregate.element.position) from None  # fmt: skip
        if self.keeps_all:
            same = " AND ".join(f"a.{key} = m.{key}" for key in self._keys)
            self.run(f"DELETE FROM rl_total_{self.number} a USING {table} m WHERE {same}")
            self.run(f"INSERT INTO rl_total_{self.number} SELECT * FROM {table}")
