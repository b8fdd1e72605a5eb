"""A relation: rows of a source that can be read again and again, and its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.source import Source
from kg.mapping.template import ROW, Column

Folding = Literal["", "lower", "upper"]


@dataclass(frozen=True)
class RelationColumn:
    """`type` is DuckDB's; `declared` is the SQL type that the values must be cast to where the file has them as text.

    `stored` is the relation's own name for it; `datatype` is the natural one where the type does not tell it; `datatypes` names the hidden column with the datatype of each value, where
    they differ.
    """

    name: str
    type: str
    declared: str | None = None
    stored: str | None = None
    datatype: str | None = None
    datatypes: str | None = None
    is_multiple: bool = False

    @property
    def sql(self) -> str:
        return identifier(self.stored or self.name)


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
    hidden: tuple[RelationColumn, ...] = ()  # not the source's own: ROW, datatypes
    number: str = "row_number() OVER ()"  # SQL of a row's number, or of its record's
    has_lines: bool = True  # whether those of records are lines of the file
    unmatched: tuple[str, ...] = ()  # the references that find nothing in any record
    folding: Folding = ""  # a name without quotes means the one in this case
    source_table: str = ""  # of records: where their lists of values are

    @property
    def has_records(self) -> bool:
        """Whether its rows are those of a JSON or XML file."""
        return bool(self.source_table)

    @property
    def is_csv(self) -> bool:
        return self.malformed is not None

    def column_sql(self, name: str) -> str:
        """SQL of the column of exactly this name."""
        return next(one.sql for one in self.columns if one.name == name)

    def column(self, wanted: Column, location: Location | None) -> RelationColumn:
        """The column of an SQL identifier: exactly, else (not delimited) without regard to case (R2RML section 5)."""
        folds = bool(self.folding) and not wanted.is_delimited
        name = folded(wanted, self.folding)
        for one in (*self.columns, *self.hidden):
            if one.name == name:
                return one
        same = [one for one in self.columns if one.name.lower() == wanted.name.lower()]
        if len(same) == 1 and not wanted.is_delimited and not folds:
            return same[0]
        names = [one.name for one in self.columns]
        if same and folds:
            hint = f'write "\\"{same[0].name}\\"" with quotes: without them this database reads {wanted.name} as {name}'
        else:
            hint = did_you_mean(wanted.name, names) or (f"did you mean {same[0].name}?" if same else None)
        raise MappingError("M203", f"{self.name} has no column {wanted.name}", location, hint or f"its columns are {', '.join(names)}")


def folded(name: Column, folding: Folding) -> str:
    """The name that an SQL identifier means."""
    if name.is_delimited or not folding:
        return name.name
    return name.name.lower() if folding == "lower" else name.name.upper()


def expanded(whole: Relation, references: frozenset[str]) -> Relation:
    """Records with a row for each combination of the values of `references`; of other multiple values the first."""
    names = {one.stored for one in (*whole.columns, *whole.hidden) if one.is_multiple and one.name.partition("\0")[0] in references}
    firsts = [f"{one.sql}[1] AS {one.sql}" for one in (*whole.columns, *whole.hidden) if one.is_multiple and one.stored not in names]
    sql = f"(SELECT * REPLACE ({', '.join(firsts)}) FROM {whole.source_table})" if firsts else whole.source_table
    for one in (column for column in whole.columns if column.stored in names):
        both = [one.sql] + [hidden.sql for hidden in whole.hidden if hidden.name == one.datatypes]
        sql = f"(SELECT * REPLACE ({', '.join(f'unnest({name}) AS {name}' for name in both)}) FROM {sql})"
    return replace(whole, sql=sql)


def with_row_numbers(relation: Relation) -> Relation:
    """The relation with the hidden column ROW."""
    row = RelationColumn(ROW.name, "BIGINT", stored="kg_row")
    return replace(relation, sql=f"(SELECT row_number() OVER () AS kg_row, * FROM {relation.sql})", hidden=(row,))


def typed_column(column: RelationColumn) -> str:
    """A column with its declared type, for SQL: a value that cannot be cast is NULL there."""
    name = identifier(column.name)
    if column.declared:
        return f"TRY_CAST({column.sql} AS {column.declared}) AS {name}"
    return name if column.stored is None else f"{column.sql} AS {name}"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
