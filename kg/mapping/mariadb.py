"""MariaDB and MySQL tables and queries as Arrow batches: described by PyMySQL, read in bulk by ConnectorX.

ConnectorX opens connections of its own that know no settings of the session; where there are some, PyMySQL reads, ten times slower.

Types are fetched so that no value changes on the way (R2RML section 10.2): decimals, days and times as the text that the
database writes, for what has no counterpart (`0000-00-00`, 65 digits) must be rejected and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator

import connectorx
import pyarrow as pa
import pymysql
import pymysql.cursors
from pymysql.constants import ER, FIELD_TYPE, FLAG

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.database import DatabaseColumn, Shape, arrow_schema, parts_of_name, refuse_repeated_names
from kg.mapping.relation import Folding
from kg.mapping.source import Source
from kg.terms import XSD_DECIMAL

_BATCH, _TIMEOUT, _MAX_PRECISION = 50_000, 10, 38
_BINARY = 63  # the character set of bytes
_INTEGERS = (FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR)
_DECLARED = {FIELD_TYPE.DATE: "DATE", FIELD_TYPE.NEWDATE: "DATE", FIELD_TYPE.DATETIME: "TIMESTAMP", FIELD_TYPE.TIMESTAMP: "TIMESTAMP", FIELD_TYPE.TIME: "TIME"}


class Reading:
    """A database open for reading only, as a context manager."""

    folding: Folding = ""
    beyond_calendar: frozenset[str] = frozenset()  # days are texts here

    def __init__(self, source: Source, location: Location | None):
        self._source, self._address, self._location = source, source.address, location
        self.failure: MappingError | None = None

    def __enter__(self) -> Reading:
        address = self._address
        try:
            self._connection = pymysql.connect(
                host=address.host, port=address.port or 3306, user=address.user, password=address.password or "", database=address.database,
                charset="utf8mb4", connect_timeout=_TIMEOUT,
            )  # fmt: skip
        except (pymysql.Error, RuntimeError) as error:
            raise self._error("M212", f"{address} cannot be reached: {self._message(error)}", "start the server, or correct url in sources.toml") from None
        try:
            self._prepare(is_core_sql=False)
        except MappingError:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def names(self) -> list[str]:
        return [row[0] for row in self._run("SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1")]

    def table(self, written: str, location: Location | None) -> Shape:
        schema, name, _ = self._found(written, location)
        relation = f"{_identifier(schema)}.{_identifier(name)}"
        return self._shape(relation, location, self._keys(schema, name))

    def query(self, query: str, location: Location | None, is_core_sql: bool = False) -> Shape:
        return self._shape(f"(\n{query}\n) AS q", location, is_core_sql=is_core_sql)

    def batches(self, shape: Shape) -> pa.RecordBatchReader:
        schema = arrow_schema(shape)
        return pa.RecordBatchReader.from_batches(schema, self._rows(shape, schema))

    def as_texts(self, shape: Shape, names: frozenset[str]) -> Shape:
        return shape

    def content_of_table(self, written: str, location: Location | None) -> str:
        """The checksum that the server computes over all rows; of views, which have none, that of their rows."""
        schema, name, kind = self._found(written, location)
        relation = f"{_identifier(schema)}.{_identifier(name)}"
        if kind != "BASE TABLE":
            return self.content_of_query(f"SELECT * FROM {relation}", location)
        columns = self._run("SELECT column_name, column_type, character_set_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position", (schema, name))
        return f"{columns} {self._run(f'SELECT count(*) FROM {relation}')[0][0]} {self._run(f'CHECKSUM TABLE {relation} EXTENDED')[0][1]}"

    def content_of_query(self, query: str, location: Location | None, is_core_sql: bool = False) -> str:
        """The number of rows and two sums over hashes of their texts, computed by the server."""
        shape = self.query(query, location, is_core_sql)
        texts = ", ".join(f"ifnull(hex({_identifier(column.name)}), '-')" for column in shape.columns)
        try:
            self._prepare(is_core_sql)
            rows = self._fetch(f"SELECT count(*), sum(crc32(t)), bit_xor(crc32(reverse(t))) FROM (SELECT concat_ws(',', {texts}) AS t FROM {shape.rows}) AS texts")
        except pymysql.Error as error:
            raise self._query_error(error, location) from None
        return f"{[column.name for column in shape.columns]} {rows[0]}"

    # ── Names and types ──────────────────────────────────────────────────────────────────────────────────────

    def _found(self, written: str, location: Location | None) -> tuple[str, str, str]:
        """Schema, name and kind of a table, in the spelling of the server; the name as it is before one of other case."""
        parts = [name for name, _ in parts_of_name(written, "`" if "`" in written else '"')]
        schema = parts[-2] if len(parts) > 1 else self._address.database
        rows = self._run("SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = %s AND lower(table_name) = lower(%s)", (schema, parts[-1]))
        exact = [row for row in rows if row[1] == parts[-1]] or rows
        if len(exact) != 1:
            names = self.names()
            remedy = did_you_mean(parts[-1], names) or f"its tables are {', '.join(names[:20]) or 'none'}"
            raise self._error("M202", f"{self._address} has no table {written}", remedy, location)
        return exact[0]

    def _keys(self, schema: str, name: str) -> tuple[frozenset[str], ...]:
        rows = self._run("SELECT index_name, column_name, nullable FROM information_schema.statistics WHERE table_schema = %s AND table_name = %s AND non_unique = 0 AND sub_part IS NULL", (schema, name))
        found: dict[str, set[str]] = {}
        for index, column, _ in rows:
            found.setdefault(index, set()).add(column)
        nullable = {index for index, _, is_nullable in rows if is_nullable == "YES"}
        return tuple(frozenset(columns) for index, columns in found.items() if index not in nullable)

    def _shape(self, rows: str, location: Location | None, keys: tuple[frozenset[str], ...] = (), is_core_sql: bool = False) -> Shape:
        self._prepare(is_core_sql)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {rows} LIMIT 0")
                fields = cursor._result.fields  # `description` leaves out the character set, which tells bytes from text
        except pymysql.Error as error:
            raise self._query_error(error, location) from None
        refuse_repeated_names([field.name for field in fields], location)
        return Shape(rows, tuple(_column(field) for field in fields), keys, is_core_sql)

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────

    def _session(self, is_core_sql: bool) -> list[str]:
        """Core SQL 2008 has its quotes and its || in the mode that MariaDB calls ANSI."""
        settings = {"sql_mode": "ANSI"} if is_core_sql else {"sql_mode": "DEFAULT"}
        statements = ["SET SESSION TRANSACTION READ ONLY"]
        for name, value in (settings | dict(self._source.settings)).items():
            if not name.isidentifier():
                raise self._error("M212", f"{name!r} is not the name of a setting", "correct settings in sources.toml")
            statements.append(f"SET SESSION {name} = {value if value == 'DEFAULT' else pymysql.converters.escape_item(value, 'utf8mb4')}")
        return statements

    def _prepare(self, is_core_sql: bool) -> None:
        for statement in self._session(is_core_sql):
            self._run(statement)

    def _rows(self, shape: Shape, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        count, self.failure = 0, None
        try:
            for batch in self._in_session(shape, schema) if shape.is_core_sql or self._source.settings else self._in_bulk(shape, schema):
                count += batch.num_rows
                yield batch
        except BaseException as error:
            # ConnectorX panics, with a class of its own that is no Exception, where the connection breaks.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            self.failure = self._error("M213", f"{self._address} broke off after {count:,} rows: {self._message(error)}", "start the server and run it again; the graph is as it was")
            raise OSError("the database broke off") from None

    def _in_bulk(self, shape: Shape, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in connectorx.read_sql(self._address.url("mysql"), shape.select, return_type="arrow_stream", protocol="binary", batch_size=_BATCH):
            yield pa.record_batch([array.cast(field.type) for array, field in zip(batch.columns, schema, strict=True)], schema)

    def _in_session(self, shape: Shape, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        self._prepare(shape.is_core_sql)
        with self._connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute(shape.select)
            while rows := cursor.fetchmany(_BATCH):
                yield pa.record_batch([pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)], schema)

    def _run(self, sql: str, parameters: tuple = ()) -> list[tuple]:
        try:
            return self._fetch(sql, parameters)
        except pymysql.Error as error:
            raise self._error("M212", f"{self._address} refuses: {self._message(error)}", "correct settings and rights of the user") from None

    def _fetch(self, sql: str, parameters: tuple = ()) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())

    # ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────

    def _query_error(self, error: Exception, location: Location | None) -> MappingError:
        if error.args and error.args[0] == ER.DUP_FIELDNAME:
            return self._error("M205", f"the query has two columns of one name: {self._message(error)}", "rename one with AS", location)
        return self._error("M204", f"the query fails: {self._message(error)}", f"correct the SQL; it runs in MariaDB on {self._address}", location)

    def _error(self, code: str, message: str, remedy: str, location: Location | None = None) -> MappingError:
        return MappingError(code, message, location or self._source.location or self._location, remedy)

    def _message(self, error: BaseException) -> str:
        text = str(error.args[1]) if isinstance(error, pymysql.Error) and len(error.args) > 1 else str(error)
        return self._address.without_secret(text).partition("\n")[0]


def _column(field: object) -> DatabaseColumn:
    """How a column is fetched, by the type, flags and character set that the server names."""
    name, kind = _identifier(field.name), field.type_code
    is_unsigned = bool(field.flags & FLAG.UNSIGNED)
    text = f"CAST({name} AS CHAR) AS {name}"
    if kind in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        scale = field.scale
        precision = field.length - (not is_unsigned) - (scale > 0)
        if precision <= _MAX_PRECISION:
            return DatabaseColumn(field.name, text, "VARCHAR", f"DECIMAL({precision},{scale})")
        return DatabaseColumn(field.name, text, "VARCHAR", datatype=XSD_DECIMAL)
    if kind == FIELD_TYPE.TINY and field.length == 1:  # BOOLEAN is TINYINT(1); what is neither 0 nor 1 is rejected
        return DatabaseColumn(field.name, text, "VARCHAR", "BOOLEAN")
    if kind in (FIELD_TYPE.TINY, *_INTEGERS):
        return DatabaseColumn(field.name, f"CAST({name} AS UNSIGNED) AS {name}", "UBIGINT", own_name=name) if is_unsigned else DatabaseColumn(field.name, f"CAST({name} AS SIGNED) AS {name}", "BIGINT", own_name=name)
    if kind == FIELD_TYPE.BIT:
        return DatabaseColumn(field.name, f"CAST({name} AS UNSIGNED) AS {name}", "UBIGINT")
    if kind in (FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE):
        return DatabaseColumn(field.name, name, "FLOAT" if kind == FIELD_TYPE.FLOAT else "DOUBLE")
    if kind in _DECLARED:
        return DatabaseColumn(field.name, text, "VARCHAR", _DECLARED[kind])
    if kind == FIELD_TYPE.GEOMETRY:
        return DatabaseColumn(field.name, f"ST_AsText({name}) AS {name}", "VARCHAR")
    is_bytes = field.charsetnr == _BINARY and kind not in (FIELD_TYPE.JSON, FIELD_TYPE.NULL)
    return DatabaseColumn(field.name, name, "BLOB") if is_bytes else DatabaseColumn(field.name, text, "VARCHAR")


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
