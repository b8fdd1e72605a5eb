"""What the compiler knows of each predicate: how many triples, and of which kinds their objects are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from kg.terms import TAG_BITS


@dataclass(frozen=True)
class TagStatistics:
    """The objects under one tag: how many triples, the least and the greatest id."""

    triples: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class PredicateStatistics:
    """`subjects` and `objects` are estimates (HyperLogLog, a few percent); the rest is exact, over all graphs."""

    triples: int
    subjects: int
    objects: int
    by_tag: dict[int, TagStatistics]

    @property
    def tags(self) -> frozenset[int]:
        return frozenset(self.by_tag)

    @property
    def minimum(self) -> int:
        return min(tag.minimum for tag in self.by_tag.values())

    @property
    def maximum(self) -> int:
        return max(tag.maximum for tag in self.by_tag.values())


def refresh(connection: duckdb.DuckDBPyConnection, predicates: Iterable[int]) -> None:
    """Count anew what is known of these predicates."""
    wanted = ", ".join(str(p) for p in predicates)
    if not wanted:
        return
    connection.execute(f"DELETE FROM statistics WHERE p IN ({wanted})")
    connection.execute(
        f"INSERT INTO statistics SELECT p, o >> {TAG_BITS}, count(*), approx_count_distinct(s), approx_count_distinct(o), min(o), max(o) "
        f"FROM quads WHERE p IN ({wanted}) GROUP BY p, o >> {TAG_BITS}"
    )


def load(connection: duckdb.DuckDBPyConnection) -> dict[int, PredicateStatistics]:
    """The statistics of every predicate, by its id."""
    by_predicate: dict[int, list[tuple[int, ...]]] = {}
    for row in connection.execute("SELECT p, tag, triples, subjects, objects, minimum, maximum FROM statistics").fetchall():
        by_predicate.setdefault(row[0], []).append(row)
    return {
        predicate: PredicateStatistics(
            triples=sum(row[2] for row in rows),
            subjects=max(1, sum(row[3] for row in rows)),
            objects=max(1, sum(row[4] for row in rows)),
            by_tag={row[1]: TagStatistics(row[2], row[5], row[6]) for row in rows},
        )
        for predicate, rows in by_predicate.items()
    }
