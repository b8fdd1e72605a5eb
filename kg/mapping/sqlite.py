"""SQLite tables and queries as Arrow batches, with the types that their columns declare.

SQLite's values have types of their own, whatever the column declares: each column is read as the one type that all its
values have, as text where they differ, and cast to the declared type later, where what cannot be cast is rejected.

SQLite's names have no case. With the setting names = "standard" those of tables and columns are compared as standard SQL says
(SQL:2008 part 2, section 5.2): in quotes exactly, without them in upper case, both in the mapping and in CREATE TABLE.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.database import DatabaseColumn, Shape, arrow_schema, parts_of_name, refuse_repeated_names
from kg.mapping.relation import Folding, folded
from kg.mapping.source import Source
from kg.mapping.template import Column

_BATCH = 50_000
_STANDARD = ("names", "standard")
# Names in quotes of any of SQLite's kinds; comments and texts, in which quotes mean nothing, are passed over.
_QUOTED = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])""", re.DOTALL)


class Reading:
    """A database open for reading only, as a context manager."""

    failure: MappingError | None = None
    beyond_calendar: frozenset[str] = frozenset()  # its days are texts, or cast later

    def __init__(self, source: Source, location: Location | None):
        """MappingError M200 of a setting that there is not."""
        self._path, self._location = source.path, location
        self._views = 0
        for setting in source.settings:
            if setting != _STANDARD:
                place = source.location or location
                raise MappingError("M200", f"SQLite has no setting {setting[0]} = {setting[1]!r}", place, 'settings = { names = "standard" } is the only one')
        self.folding: Folding = "upper" if source.settings else ""

    def __enter__(self) -> Reading:
        if not self._path.is_file():
            raise MappingError("M201", f"{self._path} does not exist", self._location, "correct the path of the database")
        self._database = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            self._database.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise MappingError("M206", f"{self._path} is no SQLite database: {error}", self._location, "correct the path or the type") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def names(self) -> list[str]:
        own = self._own_names()
        return [self._standard_names(one, (one,))[one] for one in own] if self.folding else own

    def _own_names(self) -> list[str]:
        return [row[0] for row in self._database.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')").fetchall()]

    def table(self, written: str, location: Location | None) -> Shape:
        names, (name, is_quoted) = self._own_names(), parts_of_name(written)[-1]
        if self.folding:
            wanted = folded(Column(name, is_quoted), self.folding)
            found = next((one for one in names if self._standard_names(one, (one,))[one] == wanted), None)
        else:
            found = next((one for one in names if one == name), None) or next((one for one in names if one.lower() == name.lower()), None)
        if found is None:
            hint = did_you_mean(name, self.names()) or f"its tables are {', '.join(self.names())}"
            raise MappingError("M202", f"{self._path.name} has no table {name}", location, hint)
        quoted = _identifier(found)
        # rowid order, which is the order of the row numbers in reports
        shape = Shape(quoted, self._columns(quoted), self._keys(quoted))
        return self._with_standard_names(found, shape) if self.folding else shape

    def _with_standard_names(self, table: str, shape: Shape) -> Shape:
        names = self._standard_names(table, [one.name for one in shape.columns])
        columns = tuple(replace(one, name=names[one.name]) for one in shape.columns)
        return replace(shape, columns=columns, keys=tuple(frozenset(names[name] for name in key) for key in shape.keys))

    def _standard_names(self, table: str, names: Iterable[str]) -> dict[str, str]:
        """The names in standard SQL of a table and its columns: which of them are in quotes stands in the text that made it."""
        text = self._database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [table]).fetchone()[0] or ""
        found = [match for match in _QUOTED.finditer(text) if match["name"]]
        in_quotes = {match["name"][1:-1].replace(match["name"][-1] * 2, match["name"][-1]) for match in found}
        return {name: folded(Column(name, name in in_quotes), self.folding) for name in names}

    def query(self, query: str, location: Location | None, is_core_sql: bool = False) -> Shape:
        view = f"kg_query_{self._views}"
        self._views += 1
        try:
            refuse_repeated_names([column[0] for column in self._database.execute(query).description or ()], location)
            self._database.execute(f"CREATE TEMP VIEW {view} AS {query}")
            columns = self._columns(view)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise MappingError("M204", f"the query fails: {error}", location, f"correct the SQL; it runs in SQLite on {self._path.name}") from error
        return Shape(view, columns)

    def batches(self, shape: Shape) -> pa.RecordBatchReader:
        schema = arrow_schema(shape)
        return pa.RecordBatchReader.from_batches(schema, self._rows(shape, schema))

    def as_texts(self, shape: Shape, names: frozenset[str]) -> Shape:
        return shape

    def _rows(self, shape: Shape, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        cursor = self._database.execute(shape.select)
        while rows := cursor.fetchmany(_BATCH):
            arrays = [
                pa.array([None if value is None else _text(value) for value in values] if field.type == pa.string() else values, field.type)
                for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            yield pa.record_batch(arrays, schema)

    def _columns(self, relation: str) -> tuple[DatabaseColumn, ...]:
        """Names and declared types from the catalogue, types of the values from one scan."""
        catalogue = self._database.execute(f"PRAGMA table_info({relation})").fetchall()
        if not catalogue:
            return ()
        kinds = ", ".join(
            f"max(typeof({c}) = 'integer'), max(typeof({c}) = 'real'), max(typeof({c}) = 'text'), max(typeof({c}) = 'blob')"
            for c in (_identifier(row[1]) for row in catalogue)
        )
        found = self._database.execute(f"SELECT {kinds} FROM {relation}").fetchone()
        return tuple(_column(row[1], row[2], *found[4 * i : 4 * i + 4]) for i, row in enumerate(catalogue))

    def _keys(self, table: str) -> tuple[frozenset[str], ...]:
        primary = frozenset(row[1] for row in self._database.execute(f"PRAGMA table_info({table})") if row[5])
        return (primary,) if primary else ()


def _column(name: str, declared: str, has_integer: int | None, has_real: int | None, has_text: int | None, has_blob: int | None) -> DatabaseColumn:
    wanted = _declared_type(declared)
    kinds = [kind for kind, is_there in (("BIGINT", has_integer), ("DOUBLE", has_real), ("VARCHAR", has_text), ("BLOB", has_blob)) if is_there]
    if wanted == "BLOB" and "VARCHAR" not in kinds:
        kinds = kinds or ["BLOB"]
    if kinds in (["BIGINT"], ["DOUBLE"], ["VARCHAR"], ["BLOB"]):
        found = kinds[0]
    elif kinds == ["BIGINT", "DOUBLE"] and (wanted is None or wanted == "DOUBLE"):
        found = "DOUBLE"
    else:
        found = "VARCHAR"
    if wanted is not None and wanted.startswith("DECIMAL") and found == "DOUBLE":
        found = "VARCHAR"  # the shortest text of a float casts to the decimal that was meant
    if wanted == "VARCHAR" and found == "BLOB":
        wanted = None
    return DatabaseColumn(name, _identifier(name), found, None if wanted in (None, found) else wanted)


def _declared_type(declared: str) -> str | None:
    """DuckDB's type for a declared one, by SQL's names, then by SQLite's rules of affinity; None where it tells nothing."""
    name = declared.upper().strip()
    if match := re.match(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", name):
        return f"DECIMAL({min(int(match[1]), 38)},{min(int(match[2] or 0), 38)})"
    if name.startswith("BOOL"):
        return "BOOLEAN"
    if name.startswith(("TIMESTAMP", "DATETIME")):
        return "TIMESTAMP"
    if name == "DATE":
        return "DATE"
    if name.startswith("TIME"):
        return "TIME"
    if "INT" in name:
        return "BIGINT"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return "VARCHAR"
    if any(part in name for part in ("BLOB", "BINARY", "BYTEA")):
        return "BLOB"
    return "DOUBLE" if any(part in name for part in ("REAL", "FLOA", "DOUB")) else None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
