"""A SELECT and what must be made before it can run: tables of intermediate solutions, terms that it computes.

The text `@parity@` stands for the number (0 or 1) of the delta tables to read, put in when the statement is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

# Executes one statement, with the parameters that it mentions.
Run = Callable[[str], duckdb.DuckDBPyConnection]

PARITY = "@parity@"


@dataclass(frozen=True)
class Step:
    """Make `table` from `select`; `terms`, if any, is a SELECT of (tag, lex, extra) rows that the dictionary must hold
    afterwards."""

    table: str
    select: str
    terms: str | None = None

    def take(self, run: Run, intern: Callable[[str], object], parity: int) -> None:
        run(f"CREATE OR REPLACE TEMP TABLE {self.table} AS {self.select}".replace(PARITY, str(parity)))
        if self.terms is not None:
            intern(self.terms)


@dataclass(frozen=True)
class Statement:
    sql: str
    steps: tuple[Step, ...] = ()

    def materialised(self, table: str) -> Statement:
        """The same rows, made once into a table."""
        return Statement(f"SELECT * FROM {table}", (*self.steps, Step(table, self.sql)))
