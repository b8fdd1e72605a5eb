"""One kind of conclusion against the planted truth: which rows are right, wrong, missed.

Everyday rows of a generated bank hold circles and majorities of their own, of which no list is kept; so only what is
concluded of reserved entities counts, and there the truth is complete (see the generator's README).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from benchmarks.truth.kinds import Kind, Table, column_of
from kg import KnowledgeGraph, saved_queries

Row = tuple[object, ...]


@dataclass(frozen=True)
class Result:
    """What was planted of a kind, what was concluded of reserved entities, and near misses that were concluded."""

    kind: Kind
    planted: frozenset[Row]
    concluded: frozenset[Row]
    near_misses: int
    wrong_near_misses: frozenset[Row]

    @property
    def right(self) -> frozenset[Row]:
        return self.planted & self.concluded

    @property
    def wrong(self) -> frozenset[Row]:
        return (self.concluded - self.planted if self.kind.is_complete else frozenset()) | self.wrong_near_misses

    @property
    def missed(self) -> frozenset[Row]:
        return self.planted - self.concluded

    @property
    def precision(self) -> float | None:
        """None where nothing was concluded and nothing near was."""
        counted = len(self.right) + len(self.wrong)
        return len(self.right) / counted if counted else None

    @property
    def recall(self) -> float:
        return len(self.right) / len(self.planted) if self.planted else 1.0

    @property
    def is_exact(self) -> bool:
        return not self.wrong and not self.missed


class Truth:
    """The files of truth/ of a generated bank; its entities are told by IRIs that start with `base`."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.base = base
        self.reserved: dict[str, set[str]] = defaultdict(set)  # entities by pattern
        for row in self.rows("reserved"):
            self.reserved[row["pattern"]] |= {f"{row['kind']}/{number}" for number in range(int(row["first_id"]), int(row["last_id"]) + 1)}

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def files(self) -> set[str]:
        return {path.stem for path in self.folder.glob("*.csv")}

    def table(self, table: Table, only: tuple[str, frozenset[str]] | None = None) -> Iterator[Row]:
        for row in self.rows(table.name):
            if only is None or row[only[0]] in only[1]:
                yield tuple(_cell(row, kind, column) for kind, column in table.columns)

    def entities(self, patterns: Iterable[str]) -> set[str]:
        chosen = list(patterns) or list(self.reserved)
        return set().union(*(self.reserved[pattern] for pattern in chosen))


def _cell(row: dict[str, str], kind: str, column: str) -> str:
    if not kind:
        return comparable(row[column])
    return f"{row.get(f'{kind}_kind', kind)}/{row[column]}"


def comparable(text: str) -> str:
    """Numbers in one spelling, everything else as it is."""
    try:
        return f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text


def compare(graph: KnowledgeGraph, truth: Truth, kind: Kind) -> Result:
    """The kind's conclusions in the graph beside its planted rows."""
    known = truth.entities(kind.within)
    every_entity = truth.entities(())
    rows = {row for row in _concluded(graph, truth, kind) if _is_about(row, kind, known, every_entity)}
    width = len(kind.planted.columns)
    if kind.sets:
        planted = _sets(truth.table(kind.planted, kind.only))
        concluded = _cells(rows, f"{kind.sets}/") if kind.answer else _sets(row[:width] for row in rows)
    else:
        planted = frozenset(_ordered(row, kind) for row in truth.table(kind.planted, kind.only))
        concluded = frozenset(_ordered(row[:width], kind) for row in rows)
    near = frozenset(_ordered(row, kind) for row in truth.table(kind.near)) if kind.near else frozenset()
    found = {cell for row in rows for cell in row} if kind.sets else {_ordered(row[:width], kind) for row in rows}
    hit = {row for row in near if (row[0] in found if kind.sets else any(one[: len(row)] == row for one in found))}
    return Result(kind, planted, concluded, len(near), frozenset(hit))


def _concluded(graph: KnowledgeGraph, truth: Truth, kind: Kind) -> Iterator[Row]:
    base = truth.base

    def spell(term: object) -> str:
        text = getattr(term, "value", "")
        return text.removeprefix(base) if text.startswith(base) else comparable(text)

    if not kind.answer:
        for row in graph.query(kind.text):
            yield tuple(spell(term) for term in row)
        return
    saved = saved_queries.find(graph.project, kind.answer[0])
    asked: list[tuple[dict[str, str], tuple[str, ...]]] = [({}, ())]  # arguments, and the cells that come first then
    if kind.each:
        planted = sorted({_cell(row, *column_of(kind.each[1])) for row in truth.rows(kind.planted.name)})
        asked = [({kind.each[0]: f"{base}{value}"}, (value,)) for value in planted]
    elif kind.values:
        asked = [({kind.values[0]: value}, ()) for value in kind.values[1]]
    for arguments, first in asked:
        bindings = saved.bindings(arguments, graph.prefixes)
        solutions = graph.query(saved, bindings=bindings)
        places = [solutions.variables.index(name) for name in kind.answer[1:]]
        for row in solutions:
            yield first + tuple(spell(row[place]) if row[place] is not None else "" for place in places)


def _is_about(row: Row, kind: Kind, known: set[str], reserved: set[str]) -> bool:
    entities = [cell for place, cell in enumerate(row) if (not kind.about or place in kind.about) and _is_entity(cell)]
    return bool(entities) and all(cell in (known if kind.within else reserved) for cell in entities)


def _is_entity(cell: object) -> bool:
    return isinstance(cell, str) and cell.partition("/")[0] in ("enterprise", "person") and cell.partition("/")[2].isdigit()


def _ordered(row: Row, kind: Kind) -> Row:
    if not kind.unordered:
        return row
    cells = iter(sorted(row[place] for place in kind.unordered))
    return tuple(next(cells) if place in kind.unordered else cell for place, cell in enumerate(row))


def _cells(rows: Iterable[Row], start: str) -> frozenset[Row]:
    return frozenset((frozenset((cell,) for cell in row if cell.startswith(start)),) for row in rows)


def _sets(rows: Iterable[Row]) -> frozenset[Row]:
    members: dict[object, set[Row]] = defaultdict(set)
    for first, *rest in rows:
        members[first].add(tuple(rest))
    return frozenset((frozenset(one),) for one in members.values())
