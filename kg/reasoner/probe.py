"""Whether a conjunction can have a solution at all, looked up step by step from the few triples that have changed.

Planning a large body takes DuckDB far longer than running it on a handful of rows, and most bodies find nothing. So before a body
is compiled, its triple patterns are followed from the change one by one, over all that is known or was: when no binding is
left there is no solution. What is left out (FILTER, NOT, sub-selects) could only take solutions away. Look-ups are kept,
for many rules read the same patterns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kg.reasoner.knowledge import Knowledge
from kg.sparql import algebra as a

# With more rows than this it is left to the plan.
_MOST = 60

Binding = Mapping[a.Var, int]


@dataclass
class Probe:
    """Reads rl_wide, which holds all that is or was known: it may only grow under the predicates told to `forget`."""

    knowledge: Knowledge
    _rows: dict[str, list[tuple[int, int, int]] | None] = field(default_factory=dict)  # of the tables of changes; None: many
    _found: dict[tuple[int, str, int], list[int]] = field(default_factory=dict)  # (predicate, known place, its id) → the other place

    def forget(self, predicates: Iterable[int] = ()) -> None:
        """The tables of changes are others now, and there may be more triples of these predicates."""
        self._rows.clear()
        gone = set(predicates)
        if gone:
            self._found = {key: ids for key, ids in self._found.items() if key[0] not in gone}

    def may_match(self, starts: Sequence[tuple[a.TriplePattern, str]], patterns: Sequence[a.TriplePattern]) -> bool:
        """False where no row of a table matches its pattern in `starts` so that all `patterns` hold too; True may be wrong."""
        bindings: list[Binding] = []
        for pattern, table in starts:
            if not _is_plain(pattern):
                return True
            rows = self._changes(table)
            if rows is None:
                return True
            bindings += [binding for row in rows if (binding := self._match(pattern, row)) is not None]
        waiting = [pattern for pattern in patterns if _is_plain(pattern) and not isinstance(pattern.predicate, a.Var)]
        while bindings:
            bound = set.intersection(*[set(binding) for binding in bindings])
            chosen = self._next(waiting, bound)
            if chosen is None:
                return True
            waiting.remove(chosen)
            following = self._follow(chosen, bindings, bound)
            if following is None:
                return True
            bindings = following
        return False

    def _changes(self, table: str) -> list[tuple[int, int, int]] | None:
        if table not in self._rows:
            rows = self.knowledge.run(f"SELECT s, p, o FROM {table} LIMIT {_MOST + 1}").fetchall()
            self._rows[table] = rows if len(rows) <= _MOST else None
        return self._rows[table]

    def _match(self, pattern: a.TriplePattern, row: tuple[int, int, int]) -> Binding | None:
        binding: dict[a.Var, int] = {}
        for node, term_id in zip((pattern.subject, pattern.predicate, pattern.object), row, strict=True):
            expected = binding.setdefault(node, term_id) if isinstance(node, a.Var) else self.knowledge.constant(node)
            if expected != term_id:
                return None
        return binding

    def _next(self, waiting: list[a.TriplePattern], bound: set[a.Var]) -> a.TriplePattern | None:
        """A pattern that a look-up can answer: by its subject, for quads are sorted by it; else by its object."""
        by_subject = [pattern for pattern in waiting if _is_known(pattern.subject, bound)]
        by_object = [pattern for pattern in waiting if isinstance(pattern.object, a.Var) and pattern.object in bound]
        return next(iter(by_subject or by_object), None)

    def _follow(self, pattern: a.TriplePattern, bindings: list[Binding], bound: set[a.Var]) -> list[Binding] | None:
        """The bindings that the pattern leaves or makes; None where they are many."""
        by_subject = _is_known(pattern.subject, bound)
        known, other, place = (pattern.subject, pattern.object, "s") if by_subject else (pattern.object, pattern.subject, "o")
        predicate = self.knowledge.constant(pattern.predicate)
        keys = {self._value(known, binding) for binding in bindings}
        if len(keys) > _MOST or not self._look_up(predicate, place, keys):
            return None
        following: dict[frozenset[tuple[a.Var, int]], Binding] = {}
        for binding in bindings:
            for term_id in self._found[predicate, place, self._value(known, binding)]:
                expected = binding.get(other, term_id) if isinstance(other, a.Var) else self.knowledge.constant(other)
                if expected == term_id:
                    longer = {**binding, other: term_id} if isinstance(other, a.Var) else binding
                    following[frozenset(longer.items())] = longer
        return list(following.values()) if len(following) <= _MOST else None

    def _look_up(self, predicate: int, place: str, keys: set[int]) -> bool:
        """See that `_found` has the triples of these keys; False where they are many."""
        missing = [key for key in keys if (predicate, place, key) not in self._found]
        if not missing:
            return True
        other = "o" if place == "s" else "s"
        rows = self.knowledge.run(
            f"SELECT {place}, {other} FROM rl_wide WHERE p = {predicate} AND {place} IN ({', '.join(map(str, missing))}) LIMIT {_MOST + 1}"
        ).fetchall()
        if len(rows) > _MOST:
            return False
        for key in missing:
            self._found[predicate, place, key] = []
        for key, term_id in rows:
            self._found[predicate, place, key].append(term_id)
        return True

    def _value(self, node: a.Node, binding: Binding) -> int:
        return binding[node] if isinstance(node, a.Var) else self.knowledge.constant(node)


def _is_plain(pattern: a.TriplePattern) -> bool:
    return not any(isinstance(node, a.TripleTerm) for node in (pattern.subject, pattern.object))


def _is_known(node: a.Node, bound: set[a.Var]) -> bool:
    return node in bound if isinstance(node, a.Var) else True
