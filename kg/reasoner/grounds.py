"""The grounds of a conclusion, found again: the rule's body, evaluated on what was known before the conclusion.

Nothing but rule and round is stored with a triple. Its grounds are one solution of the rule's body that makes the triple
from triples of smaller rounds; for an aggregate, all contributions to its group. Reads only, so it works on a graph that
is open for reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyoxigraph import Triple

from kg.errors import RuleError
from kg.reasoner.model import Program, Rule
from kg.reasoner.reading import Reading
from kg.reasoner.search import LATEST, Search
from kg.reasoner.stratify import stratify
from kg.reasoner.told import Grounds
from kg.store import Store


class Derivations:
    """Answers, for a triple of `store`, by what it was concluded from; `programs` are those that `infer` ran."""

    def __init__(self, store: Store, programs: Sequence[tuple[str, str, Program]]) -> None:
        self._store = store
        self._reading = Reading(store)
        self._programs = {owner: program for owner, _, program in programs}
        self.rules = rules = [rule for _, _, program in programs for rule in program.rules]
        self._recursive_heads = {
            id(rule): [head for other in stratum.rules for head in other.head] if stratum.is_recursive else []
            for stratum in stratify(rules)
            for rule in stratum.rules
        }

    def __call__(self, triple: Triple) -> Grounds | None:
        """None for a triple that is asserted, or not there. Raises RuleError R230 where the rules are not those that
        made the graph."""
        ids = self.ids(triple)
        if None in ids:
            return None
        row = self._reading.run(
            f"SELECT rule, round FROM quads WHERE s = {ids[0]} AND p = {ids[1]} AND o = {ids[2]} ORDER BY rule NULLS FIRST LIMIT 1"
        ).fetchone()
        if row is None or row[0] is None:
            return None
        rule = self._rule(row[0])
        search = self.search(rule, row[1])
        for head in rule.head:
            for grounds in search.grounds(head, triple, ids):
                return grounds
        raise _stale(rule.name)

    def all(self, triple: Triple, limit: int = 20) -> list[Grounds]:
        """The grounds of every derivation of a triple, whatever its round, but those that rest on the triple itself."""
        ids = self.ids(triple)
        found: list[Grounds] = []
        for rule in self.rules if None not in ids else ():
            search = self.search(rule, LATEST)
            for head in rule.head:
                found += [grounds for grounds in search.grounds(head, triple, ids, limit) if triple not in grounds.below()]
        return found[:limit]

    def ids(self, triple: Triple) -> list[int | None]:
        """Those of its terms; None for one that the graph does not know."""
        return self._store.lookup_many([triple.subject, triple.predicate, triple.object])

    def search(self, rule: Rule, round_number: int) -> Search:
        """A search among what was known before a round."""
        return Search(self._store, self._reading, rule, round_number, self._recursive_heads[id(rule)])

    def _rule(self, number: int) -> Rule:
        row = self._reading.run(f"SELECT owner, iri, text FROM rules WHERE rule = {number}").fetchone()
        program = self._programs.get(row[0]) if row else None
        named = [rule for rule in program.rules if rule.iri.value == row[1]] if program else []
        found = next((rule for rule in named if rule.text == row[2]), named[0] if len(named) == 1 else None)
        if found is None:
            raise _stale(row[1] if row else f"number {number}")
        return found


def _stale(rule: str) -> RuleError:
    return RuleError(
        "R230", f"the rule {rule} no longer gives the conclusion that the graph holds", None,
        "the rules or the data have changed since: run kg build") # fmt: skip
