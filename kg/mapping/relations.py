"""Logical sources as DuckDB relations: CSV and Parquet in place; databases, JSON, XML and query results in temporary tables."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from pyoxigraph import QueryResultsFormat, Store

from kg.errors import Location, MappingError
from kg.mapping import excel, files, natural
from kg.mapping.changes import changed_relation
from kg.mapping.csv_files import csv_relation
from kg.mapping.database import Database, Shape
from kg.mapping.databases import open_database
from kg.mapping.model import File, LogicalSource
from kg.mapping.records import ITERATORS, Records, read_records, record_names
from kg.mapping.relation import (
    Folding,
    Relation,
    RelationColumn,
    expanded,
    folded,
    identifier,
    quoted,
    typed_column,
    with_row_numbers,
)
from kg.mapping.source import Source
from kg.mapping.sources import Sources, mentioned_names
from kg.mapping.template import ROW, Column
from kg.sql.temporary import registered


class RelationReader:
    """Opens the logical sources of one mapping on a connection; temporary tables are dropped at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Sources, references: dict[LogicalSource, list[str]] | None = None):
        """`references` are the columns that a mapping asks of each logical source: those of JSON and XML are known by nothing else."""
        self._connection, self._sources = connection, sources
        self._references = references or {}
        self._opened: dict[LogicalSource, Relation] = {}
        self._files: dict[tuple[Source, str], Relation] = {}
        self._changes: dict[tuple[Source, str], Relation] = {}
        self._tables: list[str] = []
        self._folder: TemporaryDirectory[str] | None = None
        self._copies = 0
        self._databases: dict[tuple, Database] = {}
        self._closing = ExitStack()

    def open(self, logical: LogicalSource) -> Relation:
        """The relation of a logical source; the same one for equal sources."""
        if logical not in self._opened:
            if logical.expanded is not None:
                whole = self.open(replace(logical, expanded=None))
                self._opened[logical] = expanded(whole, logical.expanded)
            elif logical.file is not None:
                self._opened[logical] = self._file(logical, logical.file)
            else:
                self._opened[logical] = self._table(logical) if logical.table is not None else self._query(logical)
        return self._opened[logical]

    def open_where(self, logical: LogicalSource, values: dict[Column, str]) -> Relation:
        """The relation of a logical source, or, of a database server, one that has at least the rows with these texts in columns."""
        if logical in self._opened or logical.file is not None or not values:
            return self.open(logical)
        query = logical.query.strip().rstrip(";").rstrip() if logical.query is not None else None
        source = self._sources.of_table(table_name(logical.table or ""), logical.location) if query is None else self._sources.database_of_query(query, logical.location)
        if source is None or not source.is_server:
            return self.open(logical)
        key = replace(logical, nulls=tuple(f"{column.name}={value}" for column, value in values.items()))  # stands for the rows asked for
        if key not in self._opened:
            name = "query" if query is not None else table_name(logical.table or "")
            table = None if query is not None else source.table or logical.table
            self._opened[key] = self._fetched(source, name, logical.location, table=table, query=query, is_core_sql=logical.is_core_sql, where=values)
        return self._opened[key]

    @property
    def opened(self) -> list[Relation]:
        """Those that were asked for so far."""
        return list(self._opened.values())

    def all_columns(self, name: str) -> Relation:
        """A table that is a JSON or XML file, with every column that its records have."""
        return self._records_of_table(self._sources.of_table(name), name, None)

    def close(self) -> None:
        self._closing.close()
        self._databases.clear()
        malformed = [relation.malformed for relation in self._files.values() if relation.malformed]
        with suppress(duckdb.TransactionException):  # a failed transaction takes its tables with it
            for table in (*self._tables, *malformed, *(f"{name}_scans" for name in malformed)):
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._tables.clear()
        self._files.clear()
        self._changes.clear()
        self._opened.clear()

    def _table(self, logical: LogicalSource) -> Relation:
        name = table_name(logical.table or "")
        source = self._sources.of_table(name, logical.location)
        if source.changes:
            return self._changed(source, name, logical.location)
        if source.takes_written_names:
            return self._fetched(source, name, logical.location, table=source.table or logical.table)
        if source.type == "frame":
            return self._frame(source, name)
        if not source.path.exists():
            raise MappingError("M201", f"{source.path} does not exist", source.location or logical.location, "correct the path, or override it with NAME=URL")
        if source.type in ITERATORS:
            return self._records_of_table(source, name, self._references.get(logical, []))
        return self._of_source(source, name, logical.location)

    def _file(self, logical: LogicalSource, file: File) -> Relation:
        """The file of an RML source; [tables."its name"] in sources.toml puts another in its place."""
        declared = self._sources.tables.get(file.written)
        path = declared.path if declared is not None else file.path
        if not path.exists():
            raise MappingError("M201", f"{path} does not exist", logical.location, "correct the path, or name another file in sources.toml")
        if logical.reference_formulation in ("JSONPath", "XPath"):
            return self._records(logical, path, file, f"file {file.written}", self._references.get(logical, []))
        if logical.reference_formulation == "SPARQL":
            source = Source("csv", self._sparql_results(logical, path), location=logical.location)
        else:
            encoding = file.encoding or "utf-8"
            source = declared or Source("csv", path, encoding=encoding, null=logical.nulls, delimiter=file.delimiter or ("\t" if ".tsv" in path.suffixes else None), quote=file.quote, location=logical.location)
        if (source, file.written) not in self._files:
            utf8 = self._in_utf8(source, file.compression)
            relation = csv_relation(source, file.written, f"kg_malformed_{len(self._files) + 1}", utf8)
            self._files[source, file.written] = replace(relation, name=f"file {file.written}", file=str(path))
        relation = self._files[source, file.written]
        return with_row_numbers(relation) if ROW.name in self._references.get(logical, ()) else relation

    def _records(self, logical: LogicalSource, path: Path, file: File, name: str, references: list[str], source: Source | None = None) -> Relation:
        """The records of a JSON or XML file with the values of the references that the mapping makes to it."""
        wanted = [one for one in references if one != ROW.name]
        try:
            records = read_records(logical, path, file.compression or files.compression_of(path), file.encoding, wanted)
        except (*files.UNREADABLE, ValueError, LookupError) as error:
            raise MappingError("M208", f"{path} cannot be read: {error}", logical.location, "check the file, its encoding and its compression") from error
        return self._of_records(records, str(path), name, source)

    def _records_of_table(self, source: Source, name: str, references: list[str] | None) -> Relation:
        """A table of sources.toml that is a JSON or XML file; without `references`, all that its records have are its columns."""
        formulation, iterator = ITERATORS[source.type]
        file = File(source.path.name, source.path, None if source.encoding == "utf-8" else source.encoding)
        logical = LogicalSource(reference_formulation=formulation, iterator=source.iterator or iterator, file=file, location=source.location)
        if references is None:
            references = record_names(logical, source.path, files.compression_of(source.path), file.encoding)
        return self._records(logical, source.path, file, f"table {name}", references, source)

    def _of_records(self, records: Records, path: str, name: str, source: Source | None) -> Relation:
        target = self._new_table()
        with registered(self._connection, "kg_fetched", records.table):
            self._connection.execute(f"CREATE TEMP TABLE {target} AS SELECT * FROM kg_fetched")
        columns, hidden = [], [RelationColumn(ROW.name, "BIGINT", stored="n")]
        for i, one in enumerate(records.columns):
            datatypes = f"{one.reference}\0datatype" if one.is_mixed else None
            columns.append(RelationColumn(one.reference, one.type, stored=f"r{i}", datatypes=datatypes, is_multiple=one.is_multiple))
            if datatypes:
                hidden.append(RelationColumn(datatypes, "VARCHAR", stored=f"k{i}", is_multiple=one.is_multiple))
        unmatched = tuple(one.reference for one in records.columns if one.is_unmatched)
        whole = Relation(
            target, tuple(columns), name, path, source, hidden=tuple(hidden), number="n", has_lines=records.has_lines, unmatched=unmatched, source_table=target
        )  # fmt: skip
        return expanded(whole, frozenset(one.name for one in columns))

    def _sparql_results(self, logical: LogicalSource, path: Path) -> Path:
        """The results of a query over an RDF file, as CSV: the values are texts."""
        copy = self._new_file()
        graph = Store()
        try:
            graph.load(path=str(path))
            graph.query(logical.iterator or "").serialize(str(copy), QueryResultsFormat.CSV)
        except (SyntaxError, ValueError, OSError) as error:
            raise MappingError("M204", f"the query fails: {error}", logical.location, "correct the SPARQL, or the RDF file") from error
        return copy

    def _new_file(self) -> Path:
        self._folder = self._folder or TemporaryDirectory(prefix="kg-")
        self._copies += 1
        return Path(self._folder.name) / f"{self._copies}.csv"

    def _changed(self, source: Source, name: str, location: Location | None) -> Relation:
        """A table after the files of changes that were applied to it."""
        if (source, name) not in self._changes:
            base = self._of_source(replace(source, changes=()), name, location)
            self._changes[source, name] = changed_relation(self._connection, base, source, self._new_table())
        return self._changes[source, name]

    def _of_source(self, source: Source, name: str, location: Location | None) -> Relation:
        if source.changes:
            return self._changed(source, name, location)
        if source.type == "csv":
            if (source, name) not in self._files:
                self._files[source, name] = csv_relation(source, name, f"kg_malformed_{len(self._files) + 1}", self._in_utf8(source))
            return self._files[source, name]
        if source.type == "parquet":
            return self._parquet(source, name)
        if source.type == "frame":
            return self._frame(source, name)
        if source.type == "excel":
            return self._excel(source, name)
        if source.type in ITERATORS:
            return self._records_of_table(source, name, None)
        return self._fetched(source, name, location, table=source.table or name)

    def _parquet(self, source: Source, name: str) -> Relation:
        sql = f"read_parquet({quoted(str(source.path))})"
        try:
            rows = self._connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()
        except duckdb.Error as error:
            raise MappingError("M208", f"{source.path} cannot be read as Parquet: {_first_line(error)}", source.location, "check the file") from error
        return Relation(sql, tuple(RelationColumn(row[0], row[1]) for row in rows), f"table {name}", str(source.path), source)

    def _frame(self, source: Source, name: str) -> Relation:
        target = self._new_table()
        try:
            with registered(self._connection, "kg_fetched", source.data):
                self._connection.execute(f"CREATE TEMP TABLE {target} AS SELECT * FROM kg_fetched")
        except duckdb.Error as error:
            raise MappingError("M208", f"the table {name} cannot be read: {_first_line(error)}", help="give each column a plain type") from error
        rows = self._connection.execute(f"DESCRIBE {target}").fetchall()
        return Relation(target, tuple(RelationColumn(row[0], row[1]) for row in rows), f"table {name}", f"table {name}", source)

    def _excel(self, source: Source, name: str) -> Relation:
        if (source, name) not in self._files:
            sheet, target = excel.read_sheet(source, name), self._new_table()
            with registered(self._connection, "kg_fetched", sheet.table):
                self._connection.execute(f"CREATE TEMP TABLE {target} AS SELECT * FROM kg_fetched")
            kinds = {row[0]: row[1] for row in self._connection.execute(f"DESCRIBE {target}").fetchall()}
            columns = tuple(RelationColumn(one, kind, datatype=sheet.datatypes.get(one)) for one, kind in kinds.items() if one != excel.ROW)
            self._files[source, name] = Relation(target, columns, f"table {name}", str(source.path), source, number=excel.ROW)
        return self._files[source, name]

    def database(self, source: Source, location: Location | None) -> Database:
        """The database of a source, opened once for all its tables and queries."""
        if source.database not in self._databases:
            self._databases[source.database] = self._closing.enter_context(open_database(source, location))
        return self._databases[source.database]

    def _fetched(
        self, source: Source, name: str, location: Location | None, *, table: str | None = None, query: str | None = None, is_core_sql: bool = False,
        where: dict[Column, str] | None = None,
    ) -> Relation:
        database = self.database(source, location)
        # The columns of a query are labels, which the mapping names as the query does.
        folding = database.folding if table is not None else ""
        shape = database.table(table, location) if table is not None else database.query(query or "", location, is_core_sql)
        shape = replace(shape, tests=_tests(shape, where or {}, folding))
        target = self._new_table()
        self._fetch(database, shape, target)
        while database.beyond_calendar:
            shape = database.as_texts(shape, database.beyond_calendar)
            self._fetch(database, shape, target)
        columns = tuple(RelationColumn(one.name, one.type, one.declared, datatype=one.datatype) for one in shape.columns)
        file = str(source) if table is None or not source.is_server else f"{source}, table {table}"
        return Relation(target, columns, f"table {name}" if table is not None else "the query", file, source, shape.keys, folding=folding)

    def _fetch(self, database: Database, shape: Shape, target: str) -> None:
        """Copy the rows into a temporary table, which DuckDB keeps on disk where it outgrows its memory."""
        with registered(self._connection, "kg_fetched", database.batches(shape)):
            try:
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT * FROM kg_fetched")
            except duckdb.Error:
                if database.failure is not None:
                    raise database.failure from None
                raise

    def _query(self, logical: LogicalSource) -> Relation:
        query = (logical.query or "").strip().rstrip(";").rstrip()
        database = self._sources.database_of_query(query, logical.location)
        if database is not None:
            return self._fetched(database, "query", logical.location, query=query, is_core_sql=logical.is_core_sql)
        mentioned = [(name, self._sources.of_table(name, logical.location)) for name in self._sources.mentioned_in(query)]
        default = self._sources.default
        if default is not None and default.is_database:  # its own tables, beside those declared elsewhere
            known = {name.lower() for name, _ in mentioned}
            own = [name for name in self.database(default, logical.location).names() if name.lower() not in known]
            mentioned += [(name, self._sources.of_table(name, logical.location)) for name in mentioned_names(own, query)]
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
        files = ", ".join(dict.fromkeys(str(source) for _, source in mentioned)) or None
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
                relation = self._of_source(source, identifier(name) if source.takes_written_names and source.table is None else name, location)
                columns = ", ".join(typed_column(column) for column in relation.columns)
                self._connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS SELECT {columns} FROM {relation.sql}")
                created.append(name)
            yield
        finally:
            with suppress(duckdb.TransactionException):  # a failed transaction takes its views with it
                for name in created:
                    self._connection.execute(f"DROP VIEW {identifier(name)}")

    def _in_utf8(self, source: Source, compression: str | None = None) -> Path:
        """The file itself, or a copy in UTF-8 of one in another encoding (GB 18030, …) or an archive."""
        try:
            encoding = codecs.lookup(source.encoding).name
        except LookupError:
            raise MappingError("M206", f"there is no encoding {source.encoding!r}", source.location, "use a name such as utf-8 or gb18030") from None
        compression = compression or files.compression_of(source.path)
        is_plain = compression is None or (compression == "gzip" and source.path.name.endswith(".gz"))
        if encoding == "utf-8" and is_plain and files.begins_as_utf16(source.path, compression):
            encoding = "utf-16"
        if encoding in ("utf-8", "ascii", "utf-8-sig") and is_plain:
            return source.path
        copy = self._new_file()
        try:
            files.copy_as_utf8(source.path, compression, encoding, copy)
        except files.NotInEncoding as error:
            place = Location(str(source.path), error.line)
            raise MappingError("M208", f"{source.path.name} is not in {source.encoding}: {error}", place, "correct the encoding, or the line") from None
        except files.UNREADABLE as error:
            raise MappingError("M208", f"{source.path} cannot be read: {error}", source.location, "check the file and its compression") from error
        return copy

    def _new_table(self) -> str:
        self._tables.append(f"kg_source_{len(self._tables) + 1}")
        return self._tables[-1]


def _tests(shape: Shape, values: dict[Column, str], folding: Folding) -> tuple[str, ...]:
    """Conditions in the database's own SQL that an index can answer: texts of integer and text columns as they are."""
    found = []
    for wanted, value in values.items():
        name = folded(wanted, folding)
        column = next((one for one in shape.columns if one.name == name), None)
        if column is None or column.declared or column.datatype:
            continue
        if natural.is_integer(column.type) and re.fullmatch("-?[0-9]{1,18}", value):
            found.append(f"{column.own_name} = {int(value)}")
        elif column.type == "VARCHAR" and column.is_text:
            found.append(f"{column.own_name} = {quoted(value)}")
    return tuple(found)


def table_name(written: str) -> str:
    """The name of a table as its file or database knows it: delimiters and schema taken off.

    >>> table_name('"Country Info"'), table_name("main.orders")
    ('Country Info', 'orders')
    """
    if written.startswith('"') and written.endswith('"') and '"."' not in written:
        return Column.parse(written).name
    return Column.parse(written.rsplit(".", 1)[-1]).name


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
