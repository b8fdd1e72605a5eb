"""PostgreSQL tables and queries as Arrow batches: binary COPY through ADBC, in one read-only snapshot.

Types are fetched so that no value changes on the way (R2RML section 10.2): numeric as text, for its digits and its scale;
whatever has no counterpart in DuckDB as the text that PostgreSQL writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.database import (
    DatabaseColumn,
    Shape,
    arrow_schema,
    parts_of_name,
    refuse_repeated_names,
)
from kg.mapping.relation import Folding
from kg.mapping.source import Source
from kg.terms import XSD, XSD_DECIMAL

# What DuckDB reads from a binary COPY as it is.
_NATIVE = {
    "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "oid": "BIGINT", "bool": "BOOLEAN", "float4": "FLOAT", "float8": "DOUBLE",
    "text": "VARCHAR", "varchar": "VARCHAR", "bpchar": "VARCHAR", "name": "VARCHAR", "bytea": "BLOB", "time": "TIME",
    "date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip
# Days from 1970 to the first and last day that every part of the way writes alike: years 1 to 9999.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_TIMEOUT = 10
_MAX_PRECISION = 38
_SESSION = {"TimeZone": "UTC", "DateStyle": "ISO", "bytea_output": "hex", "extra_float_digits": "1", "synchronize_seqscans": "off"}
_KINDS = "('r', 'p', 'v', 'm', 'f')"  # tables, partitioned ones, views, materialized views, foreign tables


class Reading:
    """A database open for reading only, as a context manager: every table and query as of the same moment."""

    folding: Folding = "lower"

    def __init__(self, source: Source, location: Location | None):
        self._source, self._address, self._location = source, source.address, location
        self.failure: MappingError | None = None
        self.beyond_calendar: frozenset[str] = frozenset()

    def __enter__(self) -> Reading:
        url = self._address.url("postgresql")
        if "connect_timeout" not in self._address.parameters:
            url += f"{'&' if '?' in url else '?'}connect_timeout={_TIMEOUT}"
        try:
            self._connection = driver.connect(url)
        except adbc_driver_manager.Error as error:
            raise self._error("M212", f"{self._address} cannot be reached: {self._message(error)}", "start the server, or correct url in sources.toml") from None
        try:
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for name, value in (_SESSION | dict(self._source.settings)).items():
                self._run("SELECT set_config($1, $2, true)", (name, value))
        except MappingError:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def names(self) -> list[str]:
        rows = self._run(f"SELECT relname FROM pg_class WHERE relkind IN {_KINDS} AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace ORDER BY 1")
        return [row[0] for row in rows]

    def table(self, written: str, location: Location | None) -> Shape:
        oid, name, _ = self._found(written, location)
        return self._shape(name, location, self._keys(oid))

    def query(self, query: str, location: Location | None, is_core_sql: bool = False) -> Shape:
        return self._shape(f"(\n{query}\n) AS q", location)

    def batches(self, shape: Shape) -> pa.RecordBatchReader:
        schema = arrow_schema(shape)
        return pa.RecordBatchReader.from_batches(schema, self._rows(shape, schema))

    def as_texts(self, shape: Shape, names: frozenset[str]) -> Shape:
        def text(column: DatabaseColumn) -> DatabaseColumn:
            name = _identifier(column.name)
            # Not `infinity`, which DuckDB would read as a day of its own.
            expression = f"CASE WHEN isfinite({name}) THEN {name}::text ELSE replace({name}::text, 'infinity', '∞') END"
            return replace(column, expression=expression, type="VARCHAR", declared=column.type)

        return replace(shape, columns=tuple(text(one) if one.name in names else one for one in shape.columns))

    def content_of_table(self, written: str, location: Location | None) -> str:
        """How many rows each transaction has left, for every change of a row makes it another transaction's; columns and labels beside.

        Reading the hidden column xmin takes a tenth of the time that hashing the rows does. It tells nothing about views and
        foreign tables, whose rows are hashed. A cluster that was made anew counts transactions from the start, so its
        identifier, and that of the table, belong to it.
        """
        oid, name, kind = self._found(written, location)
        if kind in "vf":
            return self.content_of_query(f"SELECT * FROM {name}", location)
        columns = self._run(
            "SELECT md5(string_agg(concat_ws(' ', attname, atttypid, atttypmod, attmissingval::text, "
            "(SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = atttypid)), ',' ORDER BY attnum)) "
            "FROM pg_attribute WHERE attrelid = $1::bigint::oid AND attnum > 0 AND NOT attisdropped", (oid,),
        )  # fmt: skip
        rows = self._run(f"SELECT md5(string_agg(x || ' ' || n, ',' ORDER BY x)) FROM (SELECT xmin::text AS x, count(*) AS n FROM {name} GROUP BY xmin) AS versions")
        cluster = self._run("SELECT CASE WHEN has_function_privilege('pg_control_system()', 'execute') THEN (SELECT system_identifier::text FROM pg_control_system()) END")
        return f"{oid} {columns[0][0]} {rows[0][0]} {cluster[0][0]}"

    def content_of_query(self, query: str, location: Location | None, is_core_sql: bool = False) -> str:
        """The number and a sum over hashes of the rows' texts, computed by the server."""
        try:
            rows = self._fetch(f"SELECT count(*)::text, sum(hashtextextended(q::text, 0))::text FROM (\n{query}\n) AS q", ())
        except adbc_driver_manager.Error as error:
            raise self._query_error(error, location) from None
        return f"{rows[0][0]} {rows[0][1]}"

    # ── Names and types ──────────────────────────────────────────────────────────────────────────────────────

    def _found(self, written: str, location: Location | None) -> tuple[int, str, str]:
        """Number, quoted name and kind of a relation; a name without quotes is the one in lower case (PostgreSQL manual, section 4.1.1)."""
        parts = parts_of_name(written)
        exact = [name if is_quoted else name.lower() for name, is_quoted in parts]
        table, schema = exact[-1], exact[-2] if len(exact) > 1 else None
        rows = self._run(
            f"SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE c.relkind IN {_KINDS} AND c.relname = $1 AND CASE WHEN $2 = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = $2 END", (table, schema or ""),
        )  # fmt: skip
        if not rows:
            names = self.names()
            same = [name for name in names if name.lower() == table.lower()]
            hint = f'write "\\"{same[0]}\\"": without quotes, PostgreSQL reads {written} as {table}' if same else did_you_mean(table, names)
            raise self._error("M202", f"{self._address} has no table {written}", hint or f"its tables are {', '.join(names[:20]) or 'none'}", location)
        oid, namespace, name, kind = rows[0]
        return oid, f"{_identifier(namespace)}.{_identifier(name)}", kind

    def _keys(self, oid: int) -> tuple[frozenset[str], ...]:
        rows = self._run(
            "SELECT i.indexrelid::bigint, a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
            "WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
            "AND NOT EXISTS (SELECT FROM pg_attribute AS b WHERE b.attrelid = i.indrelid AND b.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) AND NOT b.attnotnull)", (oid,),
        )  # fmt: skip
        found: dict[int, set[str]] = {}
        for index, column in rows:
            found.setdefault(index, set()).add(column)
        return tuple(frozenset(columns) for columns in found.values())

    def _shape(self, rows: str, location: Location | None, keys: tuple[frozenset[str], ...] = ()) -> Shape:
        try:
            with self._connection.cursor() as cursor:
                schema = cursor.adbc_execute_schema(f"SELECT * FROM {rows}")
        except adbc_driver_manager.Error as error:
            raise self._query_error(error, location) from None
        refuse_repeated_names(schema.names, location)
        return Shape(rows, tuple(_column(field) for field in schema), keys)

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, shape: Shape, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        count = 0
        self.failure, self.beyond_calendar = None, frozenset()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(shape.select)
                for batch in cursor.fetch_record_batch():
                    count += batch.num_rows
                    arrays = [_plain(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
                    self.beyond_calendar |= frozenset(field.name for array, field in zip(arrays, schema, strict=True) if _is_beyond_calendar(array))
                    if self.beyond_calendar:
                        return
                    yield pa.record_batch(arrays, schema)
        except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            if "ERROR:" in str(error):  # the server lives, and says what is wrong with the query
                self.failure = self._query_error(error, self._location)
            else:
                self.failure = self._error("M213", f"{self._address} broke off after {count:,} rows: {self._message(error)}", "start the server and run it again; the graph is as it was")
            raise OSError("the database broke off") from None

    def _run(self, sql: str, parameters: tuple = ()) -> list[tuple]:
        try:
            return self._fetch(sql, parameters)
        except adbc_driver_manager.Error as error:
            raise self._error("M212", f"{self._address} refuses: {self._message(error)}", "correct settings and rights of the user") from None

    def _fetch(self, sql: str, parameters: tuple) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    # ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────

    def _query_error(self, error: Exception, location: Location | None) -> MappingError:
        return self._error("M204", f"the query fails: {self._message(error)}", f"correct the SQL; it runs in PostgreSQL on {self._address}", location)

    def _error(self, code: str, message: str, remedy: str, location: Location | None = None) -> MappingError:
        return MappingError(code, message, location or self._source.location or self._location, remedy)

    def _message(self, error: Exception) -> str:
        """What PostgreSQL says, in one line, without what the driver adds."""
        text = self._address.without_secret(str(error))
        if found := re.search(r"(?:ERROR|FATAL):\s*(.*)", text):
            return found[1].partition("\n")[0].partition(" Query was:")[0].rstrip(".")
        return re.sub(r"^[A-Z_]+: ", "", text).strip().partition("\n")[0]


def _column(field: pa.Field) -> DatabaseColumn:
    """How a column is fetched, by the type that PostgreSQL names and its modifier."""
    about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    kind, name = about.get("POSTGRESQL:type", ""), _identifier(field.name)
    if kind in _NATIVE:
        return DatabaseColumn(field.name, name, _NATIVE[kind], own_name=name, is_text=kind in ("text", "varchar"))
    if kind == "numeric":
        modifier = int(about.get("POSTGRESQL:typmod", -1)) - 4
        precision, scale = modifier >> 16, modifier & 0x7FF
        if modifier >= 0 and precision <= _MAX_PRECISION and scale <= precision:
            return DatabaseColumn(field.name, f"{name}::text", "VARCHAR", f"DECIMAL({precision},{scale})")
        return DatabaseColumn(field.name, f"{name}::text", "VARCHAR", datatype=XSD_DECIMAL)
    if kind == "money":
        return DatabaseColumn(field.name, f"{name}::numeric::text", "VARCHAR", datatype=XSD_DECIMAL)
    if kind == "timetz":  # +01 is +01:00 in XML Schema
        return DatabaseColumn(field.name, f"regexp_replace({name}::text, '([+-]\\d\\d)$', '\\1:00')", "VARCHAR", datatype=XSD + "time")
    return DatabaseColumn(field.name, f"{name}::text", "VARCHAR")


def _plain(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Without the driver's own extension types."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return array if array.type == kind else array.cast(kind)


def _is_beyond_calendar(array: pa.Array) -> bool:
    if not (pa.types.is_date(array.type) or pa.types.is_timestamp(array.type)):
        return False
    days = pa.types.is_date(array.type)
    bounds = pc.min_max(array.view(pa.int32() if days else pa.int64())).as_py()
    unit = 1 if days else 86_400_000_000
    return bounds["min"] is not None and (bounds["min"] < _FIRST_DAY * unit or bounds["max"] >= (_LAST_DAY + 1) * unit)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
