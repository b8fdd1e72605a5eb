"""Logical sources as DuckDB relations: CSV and Parquet in place, SQLite and query results in temporary tables."""

from __future__ import annotations

import codecs
import csv
import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import duckdb

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping import sqlite
from kg.mapping.model import LogicalSource
from kg.mapping.sources import Source, Sources
from kg.mapping.template import Column


@dataclass(frozen=True)
class RelationColumn:
    """`type` is DuckDB's; `declared` is the SQL type that the values must be cast to where the file has them as text."""

    name: str
    type: str
    declared: str | None = None


@dataclass(frozen=True)
class Relation:
    """Rows that can be read again and again, in the same order: `SELECT … FROM {sql}`.

    `source` is the file that is read, in UTF-8; `file` the one that reports name. Reading a CSV file puts the records
    that do not fit its header into the table `malformed`, once for each reading.
    """

    sql: str
    columns: tuple[RelationColumn, ...]
    name: str
    file: str | None = None
    source: Source | None = None
    keys: tuple[frozenset[str], ...] = ()  # sets of columns declared unique
    malformed: str | None = None

    @property
    def is_csv(self) -> bool:
        return self.malformed is not None

    def column(self, wanted: Column, location: Location | None) -> RelationColumn:
        """The column of an SQL identifier: exactly, else (not delimited) without regard to case (R2RML section 5)."""
        for one in self.columns:
            if one.name == wanted.name:
                return one
        same = [one for one in self.columns if one.name.lower() == wanted.name.lower()]
        if len(same) == 1 and not wanted.is_delimited:
            return same[0]
        names = [one.name for one in self.columns]
        hint = did_you_mean(wanted.name, names) or (f"did you mean {same[0].name}?" if same else None)
        raise MappingError("M203", f"{self.name} has no column {wanted.name}", location, hint or f"its columns are {', '.join(names)}")


class RelationReader:
    """Opens the logical sources of one mapping on a connection; temporary tables are dropped at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Sources):
        self._connection, self._sources = connection, sources
        self._opened: dict[LogicalSource, Relation] = {}
        self._files: dict[tuple[Source, str], Relation] = {}
        self._tables: list[str] = []
        self._folder: TemporaryDirectory[str] | None = None

    def open(self, logical: LogicalSource) -> Relation:
        """The relation of a logical source; the same one for equal sources."""
        if logical not in self._opened:
            if logical.reference_formulation != "SQL" or logical.iterator is not None:
                raise MappingError("M209", f"the reference formulation {logical.reference_formulation} is not read by this version", logical.location, "use a table or a query")
            self._opened[logical] = self._table(logical) if logical.table is not None else self._query(logical)
        return self._opened[logical]

    def close(self) -> None:
        malformed = [relation.malformed for relation in self._files.values()]
        with suppress(duckdb.TransactionException):  # a failed transaction takes its tables with it
            for table in (*self._tables, *malformed, *(f"{name}_scans" for name in malformed)):
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._tables.clear()
        self._files.clear()
        self._opened.clear()

    def _table(self, logical: LogicalSource) -> Relation:
        name = table_name(logical.table or "")
        source = self._sources.of_table(name, logical.location)
        if not source.path.exists():
            raise MappingError("M201", f"{source.path} does not exist", source.location or logical.location, "correct the path, or override it with NAME=URL")
        return self._of_source(source, name, logical.location)

    def _of_source(self, source: Source, name: str, location: Location | None) -> Relation:
        if source.type == "csv":
            if (source, name) not in self._files:
                self._files[source, name] = csv_relation(source, name, f"kg_malformed_{len(self._files) + 1}", self._in_utf8(source))
            return self._files[source, name]
        if source.type == "parquet":
            return self._parquet(source, name)
        return self._fetched(source, name, location, table=source.table or name)

    def _parquet(self, source: Source, name: str) -> Relation:
        sql = f"read_parquet({_quoted(str(source.path))})"
        try:
            rows = self._connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()
        except duckdb.Error as error:
            raise MappingError("M208", f"{source.path} cannot be read as Parquet: {_first_line(error)}", source.location, "check the file") from error
        return Relation(sql, tuple(RelationColumn(row[0], row[1]) for row in rows), f"table {name}", str(source.path), source)

    def _fetched(self, source: Source, name: str, location: Location | None, *, table: str | None = None, query: str | None = None) -> Relation:
        with sqlite.Reading(source.path, location) as reading:
            shape = reading.table(table) if table is not None else reading.query(query or "")
            target = self._new_table()
            self._connection.register("kg_fetched", reading.batches(shape))
            try:
                self._connection.execute(f"CREATE TEMP TABLE {target} AS SELECT * FROM kg_fetched")
            finally:
                self._connection.unregister("kg_fetched")
        columns = tuple(RelationColumn(one.name, one.type, one.declared) for one in shape.columns)
        return Relation(target, columns, f"table {name}" if table is not None else "the query", str(source.path), source, shape.keys)

    def _query(self, logical: LogicalSource) -> Relation:
        query = (logical.query or "").strip().rstrip(";").rstrip()
        mentioned = [(name, self._sources.of_table(name, logical.location)) for name in self._sources.mentioned_in(query)]
        default = self._sources.default
        databases = {source.path for _, source in mentioned if source.type == "sqlite"}
        if not mentioned and default is not None and default.type == "sqlite":
            return self._fetched(default, "query", logical.location, query=query)
        if len(databases) == 1 and all(source.type == "sqlite" and source.table in (None, name) for name, source in mentioned):
            return self._fetched(mentioned[0][1], "query", logical.location, query=query)
        return self._query_of_views(query, mentioned, logical.location)

    def _query_of_views(self, query: str, mentioned: list[tuple[str, Source]], location: Location | None) -> Relation:
        """Run a query in DuckDB over temporary views with the tables' names."""
        target = self._new_table()
        with self._views(mentioned, location):
            try:
                kinds = [statement.type for statement in self._connection.extract_statements(query)]
                if kinds != [duckdb.StatementType.SELECT]:
                    raise MappingError("M204", "rr:sqlQuery is not one SELECT", location, "write one query that only reads")
                names = [row[0] for row in self._connection.execute(f"DESCRIBE ({query}\n)").fetchall()]
                duplicates = sorted({name for name in names if names.count(name) > 1})
                if duplicates:
                    raise MappingError("M205", f"the query has two columns named {', '.join(duplicates)}", location, "rename one with AS")
                self._connection.execute(f"CREATE TEMP TABLE {target} AS SELECT * FROM ({query}\n)")
            except duckdb.Error as error:
                raise MappingError("M204", f"the query fails: {_first_line(error)}", location, self._query_hint(error)) from error
        rows = self._connection.execute(f"DESCRIBE {target}").fetchall()
        files = ", ".join(str(source.path) for _, source in mentioned) or None
        return Relation(target, tuple(RelationColumn(row[0], row[1]) for row in rows), "the query", files)

    def _query_hint(self, error: duckdb.Error) -> str:
        known = ", ".join(self._sources.names())
        if "does not exist" in str(error) and "Table" in str(error):
            return f"the tables are {known}"
        return "correct the SQL; columns of CSV files are text until they are CAST"

    @contextmanager
    def _views(self, mentioned: list[tuple[str, Source]], location: Location | None) -> Iterator[None]:
        created: list[str] = []
        try:
            for name, source in mentioned:
                relation = self._of_source(source, name, location)
                columns = ", ".join(typed_column(column) for column in relation.columns)
                self._connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS SELECT {columns} FROM {relation.sql}")
                created.append(name)
            yield
        finally:
            with suppress(duckdb.TransactionException):  # a failed transaction takes its views with it
                for name in created:
                    self._connection.execute(f"DROP VIEW {identifier(name)}")

    def _in_utf8(self, source: Source) -> Path:
        """The file itself, or a copy in UTF-8 of one in another encoding (GB 18030, …)."""
        try:
            encoding = codecs.lookup(source.encoding).name
        except LookupError:
            raise MappingError("M206", f"there is no encoding {source.encoding!r}", source.location, "use a name such as utf-8 or gb18030") from None
        if encoding in ("utf-8", "ascii", "utf-8-sig"):
            return source.path
        self._folder = self._folder or TemporaryDirectory(prefix="kg-")
        copy = Path(self._folder.name) / f"{len(self._files)}.csv"
        try:
            with open_text(source.path, encoding) as given, copy.open("w", encoding="utf-8", newline="") as target:
                shutil.copyfileobj(given, target, 1 << 20)
        except UnicodeDecodeError as error:
            raise MappingError("M208", f"{source.path.name} is not in {source.encoding}: {error}", source.location, "correct the encoding") from error
        return copy

    def _new_table(self) -> str:
        self._tables.append(f"kg_source_{len(self._tables) + 1}")
        return self._tables[-1]


def csv_relation(source: Source, name: str, malformed: str, path: Path) -> Relation:
    """A CSV file in place (RFC 4180, the delimiter as declared): all columns are text, the `null` text is NULL."""
    file = str(source.path)
    source = replace(source, path=path)
    header = _header(source, file)
    declared = {column.lower(): kind for column, kind in source.types}
    unknown = [column for column, _ in source.types if column.lower() not in {one.lower() for one in header}]
    if unknown:
        raise MappingError("M203", f"{file} has no column {unknown[0]}", source.location, did_you_mean(unknown[0], header) or f"its columns are {', '.join(header)}")
    columns = tuple(RelationColumn(one, "VARCHAR", declared.get(one.lower())) for one in header)
    return Relation(_read_csv(source, header, malformed), columns, f"table {name}", file, source, malformed=malformed)


def _read_csv(source: Source, header: list[str], malformed: str) -> str:
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in header)
    options = [
        _quoted(str(source.path)), "header = true", "auto_detect = false", f"columns = {{{columns}}}", f"delim = {_quoted(source.delimiter or ',')}",
        f"quote = {_quoted(source.quote)}", f"escape = {_quoted(source.quote)}", f"nullstr = {_quoted(source.null)}",
        # Small buffers, so that files of a few megabytes are read by all threads; a longer line is reported as malformed.
        "max_line_size = 2000000", "buffer_size = 4000000",
        # Not `ignore_errors`, which also loses well-formed records after one with a stray quote.
        "store_rejects = true", f"rejects_table = {_quoted(malformed)}", f"rejects_scan = {_quoted(malformed + '_scans')}", "rejects_limit = 0",
    ]  # fmt: skip
    if source.path.name.endswith(".gz"):
        options.append("compression = 'gzip'")
    return f"read_csv({', '.join(options)})"


def _header(source: Source, file: str) -> list[str]:
    try:
        with open_text(source.path, "utf-8-sig") as text:
            header = next(csv.reader(text, delimiter=source.delimiter or ",", quotechar=source.quote), None)
    except UnicodeDecodeError as error:
        raise MappingError("M208", f"{file} is not in UTF-8: {error}", source.location, 'declare its encoding = "…" in sources.toml') from error
    if not header:
        raise MappingError("M208", f"{file} is empty, without a line of column names", source.location, "write the column names in the first line")
    names = [name.strip() for name in header]
    for name in names:
        if not name or sum(name.lower() == other.lower() for other in names) > 1:
            problem = f"two columns named {name}" if name else "a column without a name"
            raise MappingError("M208", f"{file} has {problem}", source.location, "give each column a name of its own in the first line")
    return names


def open_text(path: Path, encoding: str) -> IO[str]:
    opener = gzip.open if path.name.endswith(".gz") else open
    return opener(path, "rt", encoding=encoding, newline="")


def typed_column(column: RelationColumn) -> str:
    """A column with its declared type, for SQL: a value that cannot be cast is NULL there."""
    name = identifier(column.name)
    return f"TRY_CAST({name} AS {column.declared}) AS {name}" if column.declared else name


def table_name(written: str) -> str:
    """The name of a table as its file or database knows it: delimiters and schema taken off.

    >>> table_name('"Country Info"'), table_name("main.orders")
    ('Country Info', 'orders')
    """
    if written.startswith('"') and written.endswith('"') and '"."' not in written:
        return Column.parse(written).name
    return Column.parse(written.rsplit(".", 1)[-1]).name


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
