"""Rows of term ids: a SELECT with one BIGINT column for each variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kg.reasoner.statement import Step
from kg.sparql import algebra as a


@dataclass(frozen=True)
class Rows:
    """`sql` is a SELECT, which may run after its `steps`; `columns` names its column for each variable. No row is NULL
    in any column."""

    sql: str
    columns: dict[a.Var, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def variables(self) -> set[a.Var]:
        return set(self.columns)


@dataclass(frozen=True)
class Source:
    """A relation (s, p, o) to read, and, per predicate id, which kinds of objects it may have (None: anything); `replaced` are the
    relations that single patterns, by `id(pattern)`, read instead."""

    sql: str
    statistics: Mapping[int, object] | None = None
    replaced: Mapping[int, str] = field(default_factory=dict)


UNIT = Rows("SELECT 1 AS unit")


class Columns:
    """Column names for variables: DuckDB compares names without case, SPARQL does not."""

    def __init__(self) -> None:
        self._names: dict[a.Var, str] = {}

    def of(self, variable: a.Var) -> str:
        return self._names.setdefault(variable, f"v{len(self._names)}")


def lacking(candidates: str, table: str, columns: Sequence[str]) -> str:
    """A SELECT of those rows of the SELECT `candidates` whose `columns` are not in `table`.

    The table may be much larger than the candidates: it is first reduced to rows that match one, which DuckDB does by
    one scan, where a plain NOT EXISTS would build a hash table of all of it.
    """

    def same(left: str, right: str) -> str:
        return " AND ".join(f"{left}.{column} = {right}.{column}" for column in columns)

    known = f"SELECT {', '.join(f's.{column}' for column in columns)} FROM {table} s SEMI JOIN candidate c ON {same('s', 'c')}"
    return (
        f"WITH candidate AS MATERIALIZED ({candidates}) "
        f"SELECT c.* FROM candidate c ANTI JOIN ({known}) k ON {same('k', 'c')}"
    )
