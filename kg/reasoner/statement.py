"""A SELECT and what must be made before it can run: tables of intermediate solutions, terms that it computes.

The text `@parity@` stands for the number (0 or 1) of the delta tables to read, put in when the statement is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kg.store import Store

PARITY = "@parity@"


@dataclass(frozen=True)
class Step:
    """Make `table` from `select`; `terms`, if any, is a SELECT of (tag, lex, extra) rows that the dictionary must hold
    afterwards."""

    table: str
    select: str
    terms: str | None = None

    def run(self, store: Store, parity: int) -> None:
        store.connection.execute(f"CREATE OR REPLACE TEMP TABLE {self.table} AS {self.select}".replace(PARITY, str(parity)))
        if self.terms is not None:
            store.intern(self.terms)


@dataclass(frozen=True)
class Statement:
    sql: str
    steps: tuple[Step, ...] = ()

    def materialised(self, table: str) -> Statement:
        """The same rows, made once into a table."""
        return Statement(f"SELECT * FROM {table}", (*self.steps, Step(table, self.sql)))

    def ready(self, store: Store, parity: int = 0, done: set[int] | None = None) -> str:
        """Take the steps, then return the SELECT. Steps in `done` (by identity) were taken before."""
        for step in self.steps:
            if done is None or id(step) not in done:
                step.run(store, parity)
            if done is not None:
                done.add(id(step))
        return self.sql.replace(PARITY, str(parity))

    def run(self, store: Store, prefix: str = "", parity: int = 0) -> Sequence[tuple]:
        """Execute `prefix` followed by the SELECT and fetch the result."""
        return store.connection.execute(prefix + self.ready(store, parity)).fetchall()
