"""What reading a table or query of a database needs to know, whichever database it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from kg.errors import Location, MappingError
from kg.mapping.relation import Folding


@dataclass(frozen=True)
class DatabaseColumn:
    """`type` is DuckDB's, of the values as they are fetched; `declared` DuckDB's to cast them to, where that differs.

    `expression` is the database's own, of its value. `datatype` is the natural RDF datatype (R2RML section 10.2) where
    neither type tells it.
    """

    name: str
    expression: str
    type: str
    declared: str | None = None
    datatype: str | None = None
    own_name: str = ""  # as the database quotes it
    is_text: bool = False  # its own type is one of texts without padding, which compare by their characters


@dataclass(frozen=True)
class Shape:
    """A table or query to be read, and what is known of its columns."""

    rows: str  # SQL of the database, as it may stand after FROM
    columns: tuple[DatabaseColumn, ...]
    keys: tuple[frozenset[str], ...] = ()
    is_core_sql: bool = False
    tests: tuple[str, ...] = ()  # which of the rows are asked for, as conditions in the database's SQL

    @property
    def select(self) -> str:
        where = f" WHERE {' AND '.join(self.tests)}" if self.tests else ""
        return f"SELECT {', '.join(one.expression for one in self.columns)} FROM {self.rows}{where}"


class Database(Protocol):
    """A database open for reading only, as a context manager.

    `folding` says that a name without quotes means the one in lower, or upper, case, and no other.
    """

    folding: Folding
    failure: MappingError | None  # what ended the last reading before its end
    beyond_calendar: frozenset[str]  # columns with days that cannot be fetched as such, like infinity: the last reading is not whole

    def __enter__(self) -> Database: ...
    def __exit__(self, *_: object) -> None: ...

    def table(self, written: str, location: Location | None) -> Shape:
        """A table by its name as SQL writes it, perhaps with quotes and a schema; MappingError M202."""

    def query(self, query: str, location: Location | None, is_core_sql: bool = False) -> Shape:
        """A query in the database's own SQL, or in Core SQL 2008; MappingError M204, M205."""

    def batches(self, shape: Shape) -> pa.RecordBatchReader:
        """The rows in pieces, so that memory does not grow with their number.

        An error while they are read becomes an OSError; `failure` has it as it is (M213 where the database goes away). Where
        `beyond_calendar` names columns afterwards, the rows must be read again from `as_texts`.
        """

    def as_texts(self, shape: Shape, names: frozenset[str]) -> Shape:
        """The same rows, with these columns of days as texts to be cast."""

    def names(self) -> list[str]:
        """Its tables and views, as they may be written in a query."""

    def content_of_table(self, written: str, location: Location | None) -> str:
        """A text that changes whenever the rows or columns of a table do."""

    def content_of_query(self, query: str, location: Location | None, is_core_sql: bool = False) -> str:
        """A text that changes whenever the rows of a query do."""


def parts_of_name(written: str, quote: str = '"') -> list[tuple[str, bool]]:
    """The identifiers of a name as written, and whether each is in quotes.

    >>> parts_of_name('sales."Country Info"')
    [('sales', False), ('Country Info', True)]
    """
    parts: list[tuple[str, bool]] = []
    rest = written.strip()
    while rest:
        if rest[0] == quote and (end := _end_of_quoted(rest, quote)):
            parts.append((rest[1 : end - 1].replace(quote * 2, quote), True))
            rest = rest[end:].lstrip()
        else:
            name, dot, after = rest.partition(".")
            parts.append((name.strip(), False))
            rest = dot + after
        rest = rest.removeprefix(".").lstrip()
    return parts


def _end_of_quoted(text: str, quote: str) -> int:
    """The position after the closing quote; 0 where there is none."""
    position = 1
    while (found := text.find(quote, position)) >= 0:
        if text[found + 1 : found + 2] != quote:
            return found + 1
        position = found + 2
    return 0


def arrow_schema(shape: Shape) -> pa.Schema:
    return pa.schema([(column.name, _ARROW[column.type]) for column in shape.columns])


_ARROW = {
    "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "UBIGINT": pa.uint64(), "BOOLEAN": pa.bool_(), "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(), "VARCHAR": pa.string(), "BLOB": pa.binary(), "TIME": pa.time64("us"), "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"), "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
}  # fmt: skip


def refuse_repeated_names(names: list[str], location: Location | None) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise MappingError("M205", f"the query has two columns named {', '.join(repeated)}", location, "rename one with AS")
