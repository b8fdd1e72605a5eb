"""Facts looked up by pattern, many at once, and remembered: what proofs are made of.

A look-up names a predicate and a subject, an object, or both. The rows of a predicate stand together in a graph file, sorted
by subject, so such a look-up reads one row group; and one statement does those of all steps of a proof that are as far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kg.reasoner.reading import NO_TERM, Reading

# A predicate that is asked for in so many statements, as for a long chain of rules, is read as a whole if it is not larger.
ASKED_OFTEN, SMALL = 30, 100_000

# Matches of one predicate in one statement: more are better left to DuckDB's joins.
MOST = 20_000


class Wanted(NamedTuple):
    """The triples of a predicate with this subject, this object, or both; None is any."""

    predicate: int
    subject: int | None
    object: int | None


@dataclass(slots=True, eq=False)
class Fact:
    """A triple by its ids: the graphs that hold it, and by which rule, in which round it was first concluded; None for what
    is asserted."""

    subject: int
    predicate: int
    object: int
    graphs: list[int] = field(default_factory=list)
    rule: int | None = None
    round: int | None = None
    is_asserted: bool = False

    @property
    def age(self) -> int:
        """The round in which it was known; what is asserted was before any."""
        return -1 if self.is_asserted else self.round


class TooMany(Exception):
    """A look-up has more matches than are fetched one by one."""


class Facts:
    """Remembers what it has fetched from one state of the graph."""

    def __init__(self, reading: Reading, size: Callable[[int], int]) -> None:
        """`size` is how many triples a predicate has."""
        self._reading, self._size = reading, size
        self._asked: Counter[int] = Counter()
        self._whole: dict[int, tuple[dict[int, list[Fact]], dict[int, list[Fact]]]] = {}  # by subject, by object
        self._facts: dict[tuple[int, int, int], Fact] = {}
        self._found: dict[Wanted, list[Fact]] = {}
        self._too_many: set[Wanted] = set()

    def __getitem__(self, wanted: Wanted) -> list[Fact]:
        """What matches, in the order of ids; it was fetched before. Raises TooMany."""
        if wanted not in self._found:
            raise TooMany
        return self._found[wanted]

    def fact(self, subject: int, predicate: int, object: int) -> Fact | None:
        """One that was fetched, by itself or among others."""
        return self._facts.get((subject, predicate, object))

    def has(self, wanted: Wanted) -> bool:
        """Whether it need not be fetched."""
        if wanted in self._found or wanted in self._too_many:
            return True
        if NO_TERM in wanted:
            self._found[wanted] = []
            return True
        predicate, subject, object = wanted
        if predicate in self._whole and (subject is None or object is None):
            by_subject, by_object = self._whole[predicate]
            self._found[wanted] = by_object.get(object, []) if subject is None else by_subject.get(subject, [])
            return True
        if subject is not None and object is not None:
            known = (subject, predicate, object) in self._facts
            if known or predicate in self._whole or Wanted(predicate, subject, None) in self._found or Wanted(predicate, None, object) in self._found:
                self._found[wanted] = [self._facts[subject, predicate, object]] if known else []
                return True
        return False

    def fetch(self, all_wanted: Iterable[Wanted]) -> None:
        """Look up what is not known yet: by one statement, where nothing has too many matches."""
        groups: dict[tuple[int, bool, bool], list[Wanted]] = {}
        for wanted in dict.fromkeys(all_wanted):
            if not self.has(wanted):
                groups.setdefault(_form(wanted), []).append(wanted)
        self._asked.update({form[0] for form in groups})
        for predicate in {form[0] for form in groups if self._asked[form[0]] > ASKED_OFTEN and self._size(form[0]) <= SMALL}:
            self._read_whole(predicate)
        self._fetch([group for form, group in groups.items() if form[0] not in self._whole or not all(map(self.has, group))])

    def _read_whole(self, predicate: int) -> None:
        rows = self._reading.run(f"SELECT g, s, p, o, rule, round FROM quads WHERE p = {predicate} ORDER BY s, o").fetchall()
        by_subject: dict[int, list[Fact]] = {}
        by_object: dict[int, list[Fact]] = {}
        for fact in dict.fromkeys(self._fact(*row) for row in rows):
            by_subject.setdefault(fact.subject, []).append(fact)
            by_object.setdefault(fact.object, []).append(fact)
        self._whole[predicate] = by_subject, by_object

    def _fetch(self, groups: list[list[Wanted]]) -> None:
        if not groups:
            return
        parts = [f"(SELECT {number} AS part, g, s, p, o, rule, round FROM quads WHERE {_condition(group)} LIMIT {MOST + 1})"
                 for number, group in enumerate(groups)]  # fmt: skip
        rows: list[list[tuple]] = [[] for _ in groups]
        for part, *row in self._reading.run(" UNION ALL ".join(parts)).fetchall():
            rows[part].append(row)
        again: list[list[Wanted]] = []
        for group, found in zip(groups, rows, strict=True):
            if len(found) <= MOST:
                self._learn(group, found)
            elif len(group) == 1:
                self._too_many.add(group[0])
            else:
                again += [group[: len(group) // 2], group[len(group) // 2 :]]
        self._fetch(again)

    def _learn(self, group: list[Wanted], rows: list[tuple]) -> None:
        _, has_subject, has_object = _form(group[0])
        matches: dict[Wanted, dict[int, Fact]] = {wanted: {} for wanted in group}
        for row in rows:
            fact = self._fact(*row)
            wanted = Wanted(fact.predicate, fact.subject if has_subject else None, fact.object if has_object else None)
            if wanted in matches:
                matches[wanted][id(fact)] = fact
        for wanted, facts in matches.items():
            self._found[wanted] = sorted(facts.values(), key=lambda fact: (fact.subject, fact.object))

    def _fact(self, graph: int, subject: int, predicate: int, object: int, rule: int | None, round_number: int | None) -> Fact:
        """The fact of a row, which is one of those of a triple that stands in several graphs."""
        fact = self._facts.get((subject, predicate, object))
        if fact is None:
            fact = self._facts[subject, predicate, object] = Fact(subject, predicate, object)
        if graph in fact.graphs:
            return fact
        fact.graphs.append(graph)
        if rule is None:
            fact.is_asserted = True
        elif fact.round is None or (round_number, rule) < (fact.round, fact.rule):
            fact.round, fact.rule = round_number, rule
        return fact


def _form(wanted: Wanted) -> tuple[int, bool, bool]:
    return wanted.predicate, wanted.subject is not None, wanted.object is not None


def _condition(all_wanted: list[Wanted]) -> str:
    """Of look-ups of one form; with both subject and object bound it may let through pairs that nobody wanted."""
    conditions = [f"p = {all_wanted[0].predicate}"]
    for column, ids in (("s", {wanted.subject for wanted in all_wanted}), ("o", {wanted.object for wanted in all_wanted})):
        if None not in ids:
            conditions.append(f"{column} = {min(ids)}" if len(ids) == 1 else f"{column} IN ({', '.join(map(str, sorted(ids)))})")
    return " AND ".join(conditions)
