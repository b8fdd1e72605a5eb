"""What a source's tables look like: columns, keys, references to other tables and the datatypes of the values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import duckdb

from kg.errors import MappingError
from kg.mapping import natural
from kg.mapping.databases import open_database
from kg.mapping.model import LogicalSource
from kg.mapping.naming import key_stem, words
from kg.mapping.relation import Relation, identifier
from kg.mapping.relations import RelationReader
from kg.mapping.source import Source
from kg.mapping.sources import Sources
from kg.terms import XSD, XSD_BOOLEAN, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

# So many rows are looked at.
_SAMPLE = 10_000
# What texts are tried to be, the narrowest first. Whole numbers with leading zeros are codes.
_GUESSES = ((XSD_INTEGER, "(0|-?[1-9][0-9]{0,17})"), (XSD_DECIMAL, "-?[0-9]{1,20}(\\.[0-9]{1,15})?"), (XSD_DATE, None), (XSD_DATETIME, None), (XSD_BOOLEAN, "true|false"))
_FOREIGN_KEYS = {
    "postgresql": (
        "SELECT k.table_name AS t, k.column_name AS c, u.table_name AS pt, u.column_name AS pc FROM information_schema.table_constraints n "
        "JOIN information_schema.key_column_usage k ON k.constraint_name = n.constraint_name AND k.table_schema = n.table_schema "
        "JOIN information_schema.constraint_column_usage u ON u.constraint_name = n.constraint_name AND u.constraint_schema = n.table_schema "
        "WHERE n.constraint_type = 'FOREIGN KEY'"
    ),
    "mariadb": (
        "SELECT table_name AS t, column_name AS c, referenced_table_name AS pt, referenced_column_name AS pc FROM information_schema.key_column_usage "
        "WHERE referenced_table_name IS NOT NULL AND table_schema = database()"
    ),
    "sqlite": (
        "SELECT m.name AS t, f.\"from\" AS c, f.\"table\" AS pt, coalesce(f.\"to\", (SELECT name FROM pragma_table_info(f.\"table\") WHERE pk LIMIT 1)) AS pc "
        "FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class TableColumn:
    """`datatype` is what its values are: that of its type or, of texts, what all of them can be read as.

    `within` names the tables that have all of its values as keys, where its name says that it holds keys but not whose.
    """

    name: str
    datatype: str
    is_text: bool
    is_filled: bool  # no value is NULL
    within: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reference:
    """A column whose values are keys of another table; `is_sure` where the database declares it."""

    column: str
    table: str
    key: str
    is_sure: bool


@dataclass(frozen=True)
class SourceTable:
    """`key` is empty where no columns tell rows apart."""

    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()


def read_tables(connection: duckdb.DuckDBPyConnection, source: Source) -> list[SourceTable]:
    """The tables of a folder, file or database; MappingError M202 where there are none."""
    natural.create_macros(connection)
    reading = _Reading(connection, source)
    try:
        tables = [reading.table(name) for name in reading.names]
        if not tables:
            raise MappingError("M202", f"{source} has no tables", source.location, "name a folder of CSV, Parquet or JSON files, a file, or a database")
        declared = list(reading.declared_references())
        tables = [replace(one, references=tuple(reading.references(one, tables, declared))) for one in tables]
        return [replace(one, columns=tuple(reading.with_possible_tables(one, tables))) for one in tables]
    finally:
        reading.close()


class _Reading:
    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Source):
        self.connection, self.source = connection, source
        is_file = not source.is_database and source.path.is_file()
        stem = source.path.name.split(".")[0]
        self.sources = Sources(tables={stem: source}) if is_file else Sources(source)
        self.reader = RelationReader(connection, self.sources)
        self.declared_keys: dict[str, tuple[frozenset[str], ...]] = {}
        if source.is_database:
            with open_database(source, source.location) as database:
                self.names = [name for name in database.names() if not name.startswith("sqlite_")]
                for name in self.names:
                    self.declared_keys[name] = database.table(identifier(name), None).keys
        else:
            self.names = self.sources.names()
        self.relations = {name: self._relation(name) for name in self.names}

    def close(self) -> None:
        self.reader.close()

    def _relation(self, name: str) -> Relation:
        """The table, of a database its first rows only."""
        if self.source.is_database:
            quoted = f"`{name}`" if self.source.type == "mariadb" else identifier(name)
            return self.reader.open(LogicalSource(query=f"SELECT * FROM {quoted} LIMIT {_SAMPLE}"))
        is_table = self.sources.of_table(name).type not in ("json", "xml")
        return self.reader.open(LogicalSource(table=name)) if is_table else self.reader.all_columns(name)

    def table(self, name: str) -> SourceTable:
        relation = self.relations[name]
        columns = []
        for one in relation.columns:
            kind = one.declared or one.type
            datatype = self._guess(relation, one.sql) if kind == "VARCHAR" else natural.natural_datatype(kind)
            is_filled = self._one(f"SELECT count(*) = count({one.sql}) FROM (SELECT {one.sql} FROM {relation.sql} LIMIT {_SAMPLE})")[0]
            columns.append(TableColumn(one.name, datatype, kind == "VARCHAR", is_filled))
        return SourceTable(name, tuple(columns), self._key(name, relation, columns))

    def _guess(self, relation: Relation, column: str) -> str:
        for datatype, form in _GUESSES:
            text = f"({natural.lexical_for(datatype, column)})"
            test = f"regexp_full_match({column}, '{form}')" if form else natural.is_valid(datatype, text)
            count, right = self._one(f"SELECT count({column}), count(*) FILTER ({test}) FROM (SELECT {column} FROM {relation.sql} LIMIT {_SAMPLE})")
            if count and right == count:
                return datatype
        return XSD_STRING

    def _key(self, name: str, relation: Relation, columns: list[TableColumn]) -> tuple[str, ...]:
        """The declared key; else the column, or pair of columns, that tells all rows apart: one named as a key first."""
        declared = sorted(self.declared_keys.get(name, ()), key=len)
        if declared:
            return tuple(one.name for one in columns if one.name in declared[0])
        whole = [one for one in columns if one.datatype not in (XSD_DECIMAL, XSD_BOOLEAN)]

        def rank(column: TableColumn) -> tuple:
            own = words(column.name)
            return own != ("id",) and own != (*words(name), "id"), key_stem(column.name) is None, columns.index(column)

        ordered = sorted(whole, key=rank)
        for size in (1, 2):
            for some in combinations(ordered[:8] if size == 2 else ordered, size):
                texts = " || chr(31) || ".join(f"{relation.column_sql(one.name)}::VARCHAR" for one in some)
                count, filled, distinct = self._one(f"SELECT count(*), count({texts}), count(DISTINCT {texts}) FROM {relation.sql}")
                if count and count == filled == distinct:
                    return tuple(one.name for one in some)
        return ()

    def declared_references(self) -> Iterator[tuple[str, Reference]]:
        """The foreign keys of one column that a database declares."""
        query = _FOREIGN_KEYS.get(self.source.type)
        if query is None:
            return
        try:
            relation = self.reader.open(LogicalSource(query=query))
        except MappingError:
            return  # a catalogue that may not be read
        for table, column, parent, key in self.connection.execute(f"SELECT {', '.join(one.sql for one in relation.columns)} FROM {relation.sql}").fetchall():
            yield table, Reference(column, parent, key, True)

    def references(self, table: SourceTable, tables: list[SourceTable], declared: list[tuple[str, Reference]]) -> Iterator[Reference]:
        """What the database declares; without that, columns named after another table whose values are keys of it."""
        known = {reference.column: reference for name, reference in declared if name == table.name}
        for column in table.columns:
            if column.name in known:
                yield known[column.name]
                continue
            stem = key_stem(column.name)
            if stem is None or table.key == (column.name,):
                continue
            named = [one for one in tables if len(one.key) == 1 and stem[-len(words(one.name)) :] == words(one.name)]
            for parent in sorted(named, key=lambda one: -len(words(one.name)))[:1]:
                if self._is_within(table, column.name, parent):
                    yield Reference(column.name, parent.name, parent.key[0], False)

    def with_possible_tables(self, table: SourceTable, tables: list[SourceTable]) -> Iterator[TableColumn]:
        known = {one.column for one in table.references}
        for column in table.columns:
            if key_stem(column.name) is None or column.name in known or table.key == (column.name,):
                yield column
                continue
            yield replace(column, within=frozenset(one.name for one in tables if len(one.key) == 1 and self._is_within(table, column.name, one)))

    def _is_within(self, table: SourceTable, column: str, parent: SourceTable) -> bool:
        """Whether all values of a column are keys of the other table; of databases only first rows are known, so the name decides."""
        if self.source.is_database:
            return True
        child, other = self.relations[table.name], self.relations[parent.name]
        return self._one(
            f"SELECT count(*) > 0 AND bool_and(v IN (SELECT {other.column_sql(parent.key[0])}::VARCHAR FROM {other.sql})) "
            f"FROM (SELECT {child.column_sql(column)}::VARCHAR AS v FROM {child.sql} LIMIT {_SAMPLE}) WHERE v IS NOT NULL"
        )[0]

    def _one(self, query: str) -> tuple:
        return self.connection.execute(query).fetchone()


def short_datatype(datatype: str) -> str:
    return datatype.replace(XSD, "xsd:")
