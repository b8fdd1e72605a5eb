"""Rows whose values cannot become the declared terms: found again in the source, with line, column, value and reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from kg.errors import Location, MappingError
from kg.mapping.compile import REJECTED, TermPlan
from kg.mapping.encode import EncodedSource
from kg.mapping.lines import line_numbers, line_of_byte
from kg.mapping.model import LogicalSource, Mapping, TriplesMap
from kg.store import Store

_SCHEMA = pa.schema(
    [("triples_map", pa.string()), ("source", pa.string()), ("line", pa.int64()), ("column_name", pa.string()), ("value", pa.string()), ("reason", pa.string())]
)


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


def write(store: Store, owner: str, mapping: Mapping, encoded: dict[LogicalSource, EncodedSource]) -> Rejected:
    """Replace the owner's rows in the table `rejects`."""
    store.connection.execute("DELETE FROM rejects WHERE owner = ?", [owner])
    result = Rejected()
    for logical, source in encoded.items():
        maps = [one for one in mapping.triples_maps if one.source == logical]
        rows = _malformed(store, source, maps[0])
        positions = sorted({row[0] for row in rows})
        records = [row[1] for row in rows]
        result.errors += len(records)
        result.first = result.first or (records[0] if records else None)
        records += _null_subjects(store, source, maps, positions)
        for number, plan in enumerate(source.terms):
            if source.rejected[number]:
                found = _values(store, source, plan, f"t{number} = {REJECTED}", plan.reason or "cannot be mapped", _user_of(plan, maps), positions)
                result.errors += len(found)
                result.first = result.first or found[0]
                records += found
        for record in records:
            result.by_triples_map[record[0]] = result.by_triples_map.get(record[0], 0) + 1
        result.total += len(records)
        _insert(store, owner, records)
    return result


def _malformed(store: Store, source: EncodedSource, first: TriplesMap) -> list[tuple[int, tuple]]:
    """(byte position, record) of the records of a CSV file that do not fit its header."""
    relation = source.relation
    if not relation.is_csv:
        return []
    rows = store.connection.execute(
        f"SELECT DISTINCT line_byte_position, max(byte_position), min(csv_line), min(error_message) FROM {relation.malformed} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [
        (position, (first.name, relation.file, line_of_byte(relation.source.path, _first_text_byte(position, text)), None, (text or "").strip("\r\n"), message))
        for position, _, text, message in rows
    ]


def _first_text_byte(position: int, text: str | None) -> int:
    return position + len(text or "") - len((text or "").lstrip("\r\n"))


def _null_subjects(store: Store, source: EncodedSource, maps: list[TriplesMap], positions: list[int]) -> list[tuple]:
    records = []
    for subject in dict.fromkeys(one.subject for one in maps if not one.subject.is_constant):
        number = source.term(subject)
        if source.nulls[number]:
            plan = source.terms[number]
            name = next(one.name for one in maps if one.subject == subject)
            records += _values(store, source, plan, f"t{number} IS NULL", "is NULL: the row has no subject", name, positions)
    return records


def _user_of(plan: TermPlan, maps: list[TriplesMap]) -> str:
    """The first triples map that uses a term map; another one's subject can be used by a reference without a join."""
    for one in maps:
        used = [one.subject, *one.graphs]
        for predicate_object_map in one.predicate_object_maps:
            used += [*predicate_object_map.predicates, *predicate_object_map.objects, *predicate_object_map.graphs]
        if plan.term_map in used:
            return one.name
    return maps[0].name


def _values(store: Store, source: EncodedSource, plan: TermPlan, condition: str, reason: str, triples_map: str, positions: list[int]) -> list[tuple]:
    """One record for each row that meets `condition`: the source is read again, its rows numbered."""
    columns = [source.compiler.columns()[index] for index in plan.uses]
    aliases = [f"x{index}" if column.declared else f"c{index}" for index, column in zip(plan.uses, columns, strict=True)]
    values = ", ".join(f"{alias}::VARCHAR" for alias in aliases)
    numbered = source.encoded_sql("row_number() OVER () AS n")
    rows = store.connection.execute(f"SELECT n, {values or 'NULL'} FROM ({numbered}) WHERE {condition} ORDER BY n").fetchall()
    lines = {row[0]: row[0] for row in rows}
    relation = source.relation
    if relation.is_csv:
        lines = line_numbers(relation.source.path, relation.source.quote, positions, lines)
    names = [column.name for column in columns]
    records = []
    for number, *texts in rows:
        missing = [name for name, text in zip(names, texts, strict=False) if text is None]
        name = ", ".join(missing if missing and "NULL" in reason else names)
        value = None if missing and "NULL" in reason else ", ".join(text or "NULL" for text in texts)
        records.append((triples_map, relation.file, lines.get(number), name, value, reason))
    return records


def _insert(store: Store, owner: str, records: list[tuple]) -> None:
    if not records:
        return
    table = pa.table([pa.array(list(column), field.type) for column, field in zip(zip(*records, strict=True), _SCHEMA, strict=True)], schema=_SCHEMA)
    store.connection.register("kg_new_rejects", table)
    try:
        store.connection.execute("INSERT INTO rejects SELECT ?, * FROM kg_new_rejects", [owner])
    finally:
        store.connection.unregister("kg_new_rejects")
