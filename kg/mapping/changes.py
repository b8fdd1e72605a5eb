"""Tables that change by files of inserts, updates and deletes: changes.toml, the files applied so far, and the tables after them.

    [[change]]
    files = "AddReading*.csv"          # the names of the files, as a pattern
    table = "reading"                  # the table of the mappings that they change
    operation = "insert"               # insert, update, delete; upsert replaces the row of the same key
    time = "at"                        # orders changes of all files: whole numbers, or times as SQL reads them
    columns = { value = "amount / 100.0" }   # where not the column of the same name: SQL over the file's columns, which are texts
    delimiter = "|"                    # and quote, null, encoding, where they are not those of the table

    [[change]]
    files = "RemoveSensor*.csv"        # one file may change several tables
    table = "reading"
    operation = "delete"
    key = { sensor = "sensorId" }      # which rows: columns of the table = SQL over the file's; or a list of columns of one name

A row of a file acts on the rows that are there when its turn comes: the table's own, and those inserted before it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.csv_files import csv_relation
from kg.mapping.lines import line_numbers, lines_of_bytes
from kg.mapping.relation import Relation, RelationColumn, identifier
from kg.mapping.source import Source

if TYPE_CHECKING:
    from kg.mapping.sources import Sources

_KEYS = ("files", "table", "operation", "key", "columns", "time", "delimiter", "quote", "null", "encoding")
_OPERATIONS = ("insert", "update", "delete", "upsert")


@dataclass(frozen=True)
class Operation:
    """One [[change]]; `key` and `columns` are pairs of a table's column and SQL over a file's columns."""

    files: str
    table: str
    kind: str
    key: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    time: str | None = None
    dialect: tuple[tuple[str, str], ...] = ()
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Batch:
    """A file of changes that was applied: its name, and the copy that is kept."""

    name: str
    path: Path
    digest: str


@dataclass(frozen=True)
class TableChange:
    """What one batch does to one table; batches are numbered in the order in which they were applied."""

    operation: Operation
    batch: Batch
    number: int


def load_operations(file: str | Path) -> tuple[Operation, ...]:
    """Read changes.toml; MappingError M200 where it is wrong."""
    text = Path(file).read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError("M200", f"the file of changes is not TOML: {error}", Location(str(file)), "correct the syntax") from None
    starts = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[change]]"]
    found = document.get("change")
    if set(document) != {"change"} or not isinstance(found, list):
        raise MappingError("M200", "the file of changes has something other than [[change]]", Location(str(file)), "write [[change]] before each operation")
    return tuple(_operation(one, Location.in_text(text, start, 1, str(file))) for one, start in zip(found, starts, strict=True))


def _operation(one: dict, place: Location) -> Operation:
    for key in one:
        if key not in _KEYS:
            raise MappingError("M200", f"[[change]] has no key {key}", place, did_you_mean(key, _KEYS) or f"its keys are {', '.join(_KEYS)}")
    for key in ("files", "table", "operation"):
        if not isinstance(one.get(key), str):
            raise MappingError("M200", f"[[change]] has no {key}", place, f'add {key} = "…"')
    if one["operation"] not in _OPERATIONS:
        raise MappingError("M200", f"there is no operation {one['operation']}", place, f"use {', '.join(_OPERATIONS)}")
    key, columns = (_pairs(one.get(name, {})) for name in ("key", "columns"))
    if (one["operation"] == "insert") == bool(key):
        raise MappingError("M200", f"{one['operation']} {'takes no' if key else 'needs a'} key", place, 'key = ["id"] names the rows that an update, delete or upsert means')
    if one["operation"] == "update" and not columns:
        raise MappingError("M200", "update needs columns", place, 'columns = { name = "newName" } says what becomes of which column')
    dialect = tuple((name, one[name]) for name in ("delimiter", "quote", "null", "encoding") if name in one)
    return Operation(one["files"], one["table"], one["operation"], key, columns, one.get("time"), dialect, place)


def _pairs(value: dict | list) -> tuple[tuple[str, str], ...]:
    if isinstance(value, list):
        return tuple((str(name), identifier(str(name))) for name in value)
    return tuple((str(name), str(sql)) for name, sql in value.items())


def operations_for(file: Path, operations: Iterable[Operation], where: Path) -> list[Operation]:
    """What a file does; MappingError M214 where nothing says so."""
    found = [one for one in operations if fnmatchcase(file.name, one.files)]
    if not found:
        patterns = ", ".join(dict.fromkeys(one.files for one in operations))
        raise MappingError("M214", f"no operation is declared for {file.name}", Location(str(where)), f"add [[change]] files = …; declared are {patterns}")
    return found


def keep(file: Path, folder: Path) -> Batch:
    """Copy a file of changes into `folder`, where it stays for as long as the tables are those after it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MappingError("M214", f"the changes cannot be read: {error.strerror}", Location(str(file)), "correct the path") from None
    digest = hashlib.blake2b(file.name.encode() + b"\0" + data, digest_size=16).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{digest}-{file.name}"
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(copy)
    return Batch(file.name, copy, digest)


def applied(connection: duckdb.DuckDBPyConnection, domain: str, folder: Path) -> tuple[Batch, ...]:
    """The batches that a graph file's tables have in them, in their order."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [f"changes of {domain}"]).fetchone()
    return tuple(Batch(name, folder / f"{digest}-{name}", digest) for name, digest in json.loads(row[0])) if row else ()


def remember(connection: duckdb.DuckDBPyConnection, domain: str, batches: Sequence[Batch]) -> None:
    connection.execute("DELETE FROM meta WHERE key = ?", [f"changes of {domain}"])
    if batches:
        connection.execute("INSERT INTO meta VALUES (?, ?)", [f"changes of {domain}", json.dumps([(one.name, one.digest) for one in batches])])


def with_changes(sources: Sources, operations: Sequence[Operation], batches: Sequence[Batch], where: Path) -> Sources:
    """The sources with the tables as they are after the batches."""
    by_table: dict[str, list[TableChange]] = {}
    for number, batch in enumerate(batches, 1):
        if not batch.path.exists():
            raise MappingError("M214", f"{batch.name} was applied, and its copy {batch.path} is gone", None, "restore it, or forget all changes with kg apply --forget")
        for operation in operations_for(Path(batch.name), operations, where):
            by_table.setdefault(operation.table, []).append(TableChange(operation, batch, number))
    changed = {name: replace(sources.of_table(name, changes[0].operation.location), changes=tuple(changes)) for name, changes in by_table.items()}
    return replace(sources, tables={**sources.tables, **changed})


# ── The table after its changes ──────────────────────────────────────────────────────────────────────────────


def changed_relation(connection: duckdb.DuckDBPyConnection, base: Relation, source: Source, target: str) -> Relation:
    """CREATE the temporary table `target`: the relation with its source's changes applied."""
    columns = ", ".join(f"{one.sql} AS {identifier(one.name)}" for one in base.columns)
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT {columns}, 0::HUGEINT AS kg_order FROM {base.sql}")
    files = {change: _File(connection, change, base, f"{target}_{number}") for number, change in enumerate(source.changes)}
    try:
        for change, file in files.items():
            if change.operation.kind in ("insert", "upsert"):
                file.insert(target)
        _update(connection, target, [file for change, file in files.items() if change.operation.kind == "update"])
        for change, file in files.items():
            if change.operation.kind in ("delete", "upsert"):
                file.delete(target)
    finally:
        for file in files.values():
            file.drop()
    kept = tuple(RelationColumn(one.name, one.type, one.declared) for one in base.columns)
    return replace(base, sql=f"(SELECT * EXCLUDE (kg_order) FROM {target})", columns=kept, number="row_number() OVER ()", has_lines=False, keys=())


class _File:
    """The rows of one batch for one table, in the temporary table `table`: k0, … the key, v0, … the values, kg_order."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, change: TableChange, base: Relation, table: str):
        self.connection, self.change, self.base, self.table = connection, change, base, table
        self.operation = change.operation
        own = base.source or Source("csv")
        dialect = dict(self.operation.dialect)
        csv = own if own.type == "csv" else Source("csv")
        source = Source(
            "csv", change.batch.path, delimiter=dialect.get("delimiter", csv.delimiter), quote=dialect.get("quote", csv.quote), null=dialect.get("null", csv.null),
            encoding=dialect.get("encoding", "utf-8"), location=self.operation.location,
        )  # fmt: skip
        self.malformed = f"{table}_malformed"
        self.file = csv_relation(source, change.batch.name, self.malformed, change.batch.path)
        self.values = self._values()
        self._read()

    def _values(self) -> list[tuple[str, str]]:
        """The table's columns that the operation says something of, with SQL over the file's."""
        given, has = dict(self.operation.columns), {one.name for one in self.file.columns}
        known = [one.name for one in self.base.columns]
        for name in (*given, *dict(self.operation.key)):
            if name not in known:
                raise MappingError("M203", f"{self.base.name} has no column {name}", self.operation.location, did_you_mean(name, known) or f"its columns are {', '.join(known)}")
        if self.operation.kind in ("update", "delete"):
            return list(given.items())
        return [(name, given.get(name, identifier(name))) for name in known if name in given or name in has]

    def _read(self) -> None:
        time = self._sql(self.operation.time) if self.operation.time else None
        moment = f"coalesce(TRY_CAST({time} AS HUGEINT), epoch_us(TRY_CAST({time} AS TIMESTAMP))::HUGEINT)" if time else "0::HUGEINT"
        parts = [f"({self._sql(sql)})::VARCHAR AS k{i}" for i, (_, sql) in enumerate(self.operation.key)]
        parts += [f"({self._sql(sql)})::VARCHAR AS v{i}" for i, (_, sql) in enumerate(self.values)]
        rows = f"SELECT row_number() OVER () AS kg_n, {moment} AS kg_time{''.join(', ' + part for part in parts)} FROM {self.file.sql}"
        order = f"kg_time * 1208925819614629174706176 + {self.change.number}::HUGEINT * 1099511627776 + kg_n + 1"
        try:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {self.table} AS SELECT *, {order} AS kg_order FROM ({rows})")
        except duckdb.Error as error:
            columns = ", ".join(one.name for one in self.file.columns)
            raise MappingError("M214", f"{self.change.batch.name} cannot be applied: {str(error).splitlines()[0]}", self.operation.location, f"the file's columns are {columns}") from error
        self._refuse_malformed()
        needed = [f"k{i}" for i in range(len(self.operation.key))] + (["kg_time"] if time else [])
        for column in needed:
            wrong = self.connection.execute(f"SELECT min(kg_n) FROM {self.table} WHERE {column} IS NULL").fetchone()[0]
            if wrong is not None:
                what = f"time ({self.operation.time})" if column == "kg_time" else f"key ({self.operation.key[int(column[1:])][1]})"
                line = line_numbers(self.change.batch.path, self.file.source.quote, [], [wrong], len(self.file.columns) == 1)[wrong]
                raise MappingError("M214", f"a change has no {what}", Location(self.change.batch.name, line), "correct the file; nothing of it was applied")

    def _sql(self, written: str) -> str:
        """SQL over the file's columns; the bare name of one may be a word of SQL."""
        return identifier(written) if any(one.name == written for one in self.file.columns) else written

    def _refuse_malformed(self) -> None:
        row = self.connection.execute(f"SELECT line_byte_position, csv_line, error_message FROM {self.malformed} ORDER BY 1 LIMIT 1").fetchone()
        if row is not None:
            start = row[0] + len(row[1] or "") - len((row[1] or "").lstrip("\r\n"))
            line = lines_of_bytes(self.change.batch.path, [start])[start]
            raise MappingError("M214", f"a change does not fit the file's header: {str(row[2]).splitlines()[0]}", Location(self.change.batch.name, line), "correct the file; nothing of it was applied")

    def insert(self, target: str) -> None:
        columns = ", ".join(identifier(name) for name, _ in self.values)
        types = {one.name: one.type for one in self.base.columns}
        casts = ", ".join(f"v{i}::{types[name]}" for i, (name, _) in enumerate(self.values))
        self.connection.execute(f"INSERT INTO {target} ({columns}, kg_order) SELECT {casts}, kg_order FROM {self.table}")

    def delete(self, target: str) -> None:
        """Take away the rows that were there before; what an upsert itself inserts is not before it."""
        self.connection.execute(f"DELETE FROM {target} WHERE rowid IN (SELECT b.rowid FROM {target} b JOIN {self.table} c ON {self.meets})")

    @property
    def meets(self) -> str:
        """A condition on a row `b` of the table and one `c` of the file."""
        same = [f"b.{identifier(name)}::VARCHAR = c.k{i}" for i, (name, _) in enumerate(self.operation.key)]
        return " AND ".join([*same, "c.kg_order > b.kg_order"])

    def drop(self) -> None:
        for name in (self.table, self.malformed, f"{self.malformed}_scans"):
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")


def _update(connection: duckdb.DuckDBPyConnection, target: str, files: list[_File]) -> None:
    """Give each column the value of the last update that meets its row."""
    names = list(dict.fromkeys(name for file in files for name, _ in file.values))
    for name in names:
        found = " UNION ALL ".join(
            f"SELECT b.rowid AS row, c.v{i} AS value, c.kg_order FROM {target} b JOIN {file.table} c ON {file.meets}"
            for file in files for i, (own, _) in enumerate(file.values) if own == name
        )  # fmt: skip
        last = f"SELECT row, max_by({{'value': value}}, kg_order).value AS value FROM ({found}) GROUP BY row"
        connection.execute(f"UPDATE {target} SET {identifier(name)} = u.value FROM ({last}) u WHERE {target}.rowid = u.row")

