"""Productions: one predicate and object of one triples map as a SELECT over encoded rows (R2RML section 11), and which may repeat a quad."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kg.mapping.compile import TermShape
from kg.mapping.model import LogicalTarget


@dataclass(frozen=True)
class Slot:
    """One place of a quad: a constant id, or SQL over the production's rows."""

    sql: str
    shape: TermShape
    is_constant: bool
    targets: tuple[LogicalTarget, ...] = ()


@dataclass(frozen=True)
class Production:
    """The quads that one (graph, predicate, object) of a triples map makes from the rows of `rows_from`."""

    triples_map: str
    graph: Slot
    subject: Slot
    predicate: Slot
    object: Slot
    rows_from: str
    has_unique_subject: bool  # no two of its rows have the same subject
    condition: str = ""

    @property
    def slots(self) -> tuple[Slot, Slot, Slot, Slot]:
        return self.graph, self.subject, self.predicate, self.object

    @property
    def targets(self) -> tuple[LogicalTarget, ...]:
        """The files that its quads go to instead of the graph."""
        return tuple(dict.fromkeys(target for slot in self.slots for target in slot.targets))

    def select(self, only_variable: tuple[bool, ...] = (True,) * 4) -> str:
        """SELECT g, s, p, o, or some of them."""
        named = zip("gspo", self.slots, only_variable, strict=True)
        columns = ", ".join(f"{slot.sql} AS {name}" for name, slot, is_wanted in named if is_wanted) or "1 AS nothing"
        tests = [f"{slot.sql} > 0" for slot in self.slots if not slot.is_constant]
        tests += [self.condition] * bool(self.condition)
        return f"SELECT {columns} FROM {self.rows_from}" + (f" WHERE {' AND '.join(tests)}" if tests else "")

    def may_repeat(self, other: Production) -> bool:
        """Whether both can make the same quad, as far as the shapes of their terms tell."""
        if self.predicate.is_constant and other.predicate.is_constant and self.predicate.sql != other.predicate.sql:
            return False
        return not any(mine.shape.is_disjoint_from(theirs.shape) for mine, theirs in zip(self.slots, other.slots, strict=True))


def groups(productions: list[Production]) -> Iterator[list[Production]]:
    """Split into groups that share no quad; those of one predicate come one after another."""
    ordered = sorted(productions, key=lambda one: (not one.predicate.is_constant, one.predicate.sql, one.triples_map))
    rest = list(range(len(ordered)))
    while rest:
        group = [rest.pop(0)]
        for member in group:
            related = [n for n in rest if ordered[member].may_repeat(ordered[n])]
            if related:
                group += related
                rest = [n for n in rest if n not in set(related)]
        yield [ordered[n] for n in group]


def select_distinct(group: list[Production]) -> str:
    """SELECT g, s, p, o of a group, each quad once; sorting out is left out where keys make it needless."""
    if len(group) == 1 and group[0].has_unique_subject:
        return group[0].select()
    first = group[0]
    varies = tuple(
        not slot.is_constant or any(other.slots[i].sql != slot.sql or not other.slots[i].is_constant for other in group[1:])
        for i, slot in enumerate(first.slots)
    )
    union = " UNION ALL ".join(one.select(varies) for one in group)
    columns = ", ".join(name if is_varying else f"{slot.sql} AS {name}" for name, slot, is_varying in zip("gspo", first.slots, varies, strict=True))
    distinct = ", ".join(name for name, is_varying in zip("gspo", varies, strict=True) if is_varying) or "nothing"
    return f"SELECT {columns} FROM (SELECT DISTINCT {distinct} FROM ({union}))"
