"""Rows whose values cannot become the declared terms: found again in the source, with line, column, value and reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from kg.errors import Location, MappingError
from kg.mapping.compile import REJECTED, TermPlan
from kg.mapping.encode import EncodedSource
from kg.mapping.lines import has_a_line_for_each_row, line_numbers, lines_of_bytes
from kg.mapping.model import LogicalSource, Mapping, TermMap, TriplesMap
from kg.sql.inserting import insert_rows
from kg.store import Store

_NO_SUBJECT = "is NULL: the row has no subject"


@dataclass
class Rejected:
    """How many rows were rejected; `errors` leaves out NULL keys, which are no data errors in R2RML's sense."""

    by_triples_map: dict[str, int] = field(default_factory=dict)
    total: int = 0
    errors: int = 0
    first: tuple | None = None

    def first_error(self) -> MappingError:
        """M301 for the first value that was rejected."""
        _, source, line, column, value, reason = self.first or (None,) * 6
        shown = f"{column} = {value!r} {reason}" if column else f"{reason}: {value!r}"
        more = f"and {self.errors - 1} more" if self.errors > 1 else ""
        return MappingError(
            "M301", f"a value cannot be mapped: {shown}", Location(source, line), "correct the value, or map without strict and read the rejects", [more] if more else []
        )


def write(store: Store, owner: str, mapping: Mapping, encoded: dict[LogicalSource, EncodedSource], is_whole: bool = True) -> Rejected:
    """Replace the owner's rows in the table `rejects`; if not `is_whole`, those of the triples maps over `encoded`."""
    names = [one.name for one in mapping.triples_maps if one.source in encoded]
    among = "" if is_whole else " AND list_contains(?, triples_map)"
    store.connection.execute(f"DELETE FROM rejects WHERE owner = ?{among}", [owner] if is_whole else [owner, names])
    result = Rejected()
    told: set[tuple[str, TermMap]] = set()  # a triples map can have several parts
    for logical, source in encoded.items():
        maps = [one for one in mapping.triples_maps if one.source == logical]
        writer = _Writer(store, owner, source, result)
        writer.malformed(maps[0])
        for subject in dict.fromkeys(one.subject for one in maps if not one.subject.is_constant):
            number = source.term(subject)
            user = next(one.name for one in maps if one.subject == subject)
            if source.nulls[number] and (user, subject) not in told:
                told.add((user, subject))
                writer.values(source.terms[number], f"t{number} IS NULL", _NO_SUBJECT, user)
        for number, plan in enumerate(source.terms):
            user = _user_of(plan, maps)
            if source.rejected[number] and (user, plan.term_map) not in told:
                told.add((user, plan.term_map))
                writer.values(plan, f"t{number} = {REJECTED}", plan.reason or "cannot be mapped", user)
    return result


def check(store: Store, owner: str, mapping: Mapping, encoded: dict[LogicalSource, EncodedSource], rows: dict[LogicalSource, int]) -> None:
    """MappingError M302 where a source has more rejects than its declaration allows."""
    for logical, source in encoded.items():
        declared = source.relation.source
        if declared is None or declared.max_rejects is None:
            continue
        names = [one.name for one in mapping.triples_maps if one.source == logical]
        among = "FROM rejects WHERE owner = ? AND list_contains(?, triples_map)"
        count = store.connection.execute(f"SELECT count(*) {among}", [owner, names]).fetchone()[0]
        most = declared.max_rejects
        allowed = most if isinstance(most, int) else int(Decimal(most.rstrip("% ")) * rows[logical] / 100)
        if count <= allowed:
            continue
        first = store.connection.execute(f"SELECT source, line, column_name, value, reason {among} ORDER BY line LIMIT 5", [owner, names]).fetchall()
        notes = [f"{file}:{line}: {f'{column} ' if column else ''}{'' if value is None else f'{value!r} '}{reason}" for file, line, column, value, reason in first]
        raise MappingError(
            "M302", f"{count:,} values of {source.relation.name} ({rows[logical]:,} rows) were rejected, and max_rejects is {most}", declared.location,
            "correct the source, or allow more; the graph stays as it was", [*notes, *([f"and {count - 5:,} more"] if count > 5 else [])],
        )  # fmt: skip


def _user_of(plan: TermPlan, maps: list[TriplesMap]) -> str:
    """The first triples map that uses a term map; another one's subject can be used by a reference without a join."""
    for one in maps:
        used = [one.subject, *one.graphs]
        for predicate_object_map in one.predicate_object_maps:
            used += [*predicate_object_map.predicates, *predicate_object_map.objects, *predicate_object_map.graphs]
        if plan.term_map in used:
            return one.name
    return maps[0].name


class _Writer:
    """Writes the rejects of one source and adds them up in `result`."""

    def __init__(self, store: Store, owner: str, source: EncodedSource, result: Rejected):
        self.run = store.connection.execute
        self.connection, self.owner, self.source, self.result = store.connection, owner, source, result
        self.positions: list[int] = []  # of the records that do not fit a CSV file's header

    def malformed(self, first: TriplesMap) -> None:
        """The records of a CSV file that do not fit its header; the table has them once for each reading."""
        relation = self.source.relation
        if not relation.is_csv:
            return
        rows = self.run(
            f"SELECT line_byte_position, min(csv_line), min(error_message) FROM {relation.malformed} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        if not rows:
            return
        self.positions = [row[0] for row in rows]
        # A blank line before a record counts to it.
        starts = [position + len(text or "") - len((text or "").lstrip("\r\n")) for position, text, _ in rows]
        lines = lines_of_bytes(relation.source.path, starts)
        records = [(lines[start], (text or "").strip("\r\n"), message) for start, (_, text, message) in zip(starts, rows, strict=True)]
        table = pa.table(dict(zip(("line", "value", "reason"), map(list, zip(*records, strict=True)), strict=True)))
        with self.registered("kg_malformed_records", table):
            select = "SELECT ?, ?, ?, line, NULL, value, reason FROM kg_malformed_records"
            self.run(f"INSERT INTO rejects {select}", [self.owner, first.name, relation.file])
        line, value, reason = records[0]
        self.count(first.name, len(records), (first.name, relation.file, line, None, value, reason))

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[None]:
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)

    def values(self, plan: TermPlan, condition: str, reason: str, triples_map: str) -> None:
        """One reject for each row that meets `condition`: the source is read again, its rows numbered."""
        relation = self.source.relation
        columns = [self.source.compiler.columns()[index] for index in plan.uses]
        texts = [f"{'x' if column.declared else 'c'}{index}::VARCHAR" for index, column in zip(plan.uses, columns, strict=True)]
        names = [_text(column.name) for column in columns]
        if reason == _NO_SUBJECT:
            missing = [f"CASE WHEN {text} IS NULL THEN {name} END" for text, name in zip(texts, names, strict=True)]
            name, value = f"concat_ws(', ', {', '.join(missing)})", "NULL::VARCHAR"
        else:
            shown = [f"coalesce({text}, 'NULL')" for text in texts]
            name, value = _text(", ".join(column.name for column in columns)), f"concat_ws(', ', {', '.join(shown)})"
        numbered = self.source.encoded_sql(f"{relation.number} AS n")
        self.run(f"CREATE OR REPLACE TEMP TABLE kg_rejected AS SELECT n, {name} AS name, {value} AS value FROM ({numbered}) WHERE {condition} ORDER BY n")
        line = self.line_of_n()
        select = f"SELECT ?, ?, ?, {line}, name, value, ? FROM kg_rejected ORDER BY n"
        insert_rows(self.connection, "rejects", select, [self.owner, triples_map, relation.file, reason], some="FROM kg_rejected")
        first = self.run(f"SELECT {line}, name, value FROM kg_rejected ORDER BY n LIMIT 1").fetchone()
        count = self.run("SELECT count(*) FROM kg_rejected").fetchone()[0]
        self.run("DROP TABLE kg_rejected")
        self.run("DROP TABLE IF EXISTS kg_lines")
        self.count(triples_map, count, None if reason == _NO_SUBJECT else (triples_map, relation.file, *first, reason))

    def line_of_n(self) -> str:
        """SQL of the line of a row of kg_rejected: a CSV file's line, else the row's number."""
        relation = self.source.relation
        if not relation.is_csv or not relation.has_lines:
            return "n"
        path, quote, has_one_column = relation.source.path, relation.source.quote, len(relation.columns) == 1
        if not self.positions and has_a_line_for_each_row(path, quote, has_one_column):
            return "n + 1"
        rows = [row[0] for row in self.run("SELECT n FROM kg_rejected").fetchall()]
        lines = line_numbers(path, quote, self.positions, rows, has_one_column)
        table = pa.table({"n": pa.array(lines.keys(), pa.int64()), "line": pa.array(lines.values(), pa.int64())})
        with self.registered("kg_line_numbers", table):
            self.run("CREATE OR REPLACE TEMP TABLE kg_lines AS SELECT * FROM kg_line_numbers")
        return "(SELECT line FROM kg_lines l WHERE l.n = kg_rejected.n)"

    def count(self, triples_map: str, count: int, first_error: tuple | None) -> None:
        result = self.result
        result.total += count
        result.by_triples_map[triples_map] = result.by_triples_map.get(triples_map, 0) + count
        if first_error is not None:
            result.errors += count
            result.first = result.first or first_error


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
