"""The grounds of a conclusion, found again: the rule's body, evaluated on what was known before the conclusion.

Nothing but rule and round is stored with a triple. Its grounds are one solution of the rule's body that makes the triple
from triples of smaller rounds, of the oldest that there are; for an aggregate, all contributions to its group. Those of many
conclusions are found side by side, by look-ups of facts (`matching.py`), else by SQL (`search.py`). Reads only, so it
works on a graph that is open for reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyoxigraph import Triple

from kg.errors import RuleError
from kg.reasoner import matching
from kg.reasoner.conditions import Conditions
from kg.reasoner.facts import Fact, Facts, Wanted
from kg.reasoner.matching import Matcher, Solution
from kg.reasoner.model import Program, Rule
from kg.reasoner.reading import Reading
from kg.reasoner.search import LATEST, Search
from kg.reasoner.stratify import stratify
from kg.reasoner.told import Grounds
from kg.store import Store
from kg.terms import Term

# Matches that are expected of a predicate that nothing has been counted of.
_UNKNOWN = 100


@dataclass(frozen=True)
class Derivation:
    """Where a triple of the graph comes from: the graphs that hold it (the default graph's name is empty), and the grounds of one
    that is concluded and not asserted besides."""

    graphs: tuple[str, ...]
    grounds: Grounds | None


class Derivations:
    """Answers, for triples of `store`, by what they were concluded from; `programs` are those that `infer` ran.

    Remembers what it has read, so it is for one state of the graph, and for one thread: see `anew`.
    """

    def __init__(self, store: Store, programs: Sequence[tuple[str, str, Program]]) -> None:
        self._store = store
        self._programs = {owner: program for owner, _, program in programs}
        self.rules = rules = [rule for _, _, program in programs for rule in program.rules]
        self._recursive_heads = {
            id(rule): [head for other in stratum.rules for head in other.head] if stratum.is_recursive else []
            for stratum in stratify(rules)
            for rule in stratum.rules
        }
        self._numbered: dict[int, Rule] = {}
        self._branches: dict[int, list[tuple]] = {}
        self._begin()

    def anew(self) -> Derivations:
        """One that knows the same rules and no facts yet."""
        other = object.__new__(Derivations)
        other.__dict__.update(self.__dict__)
        other._begin()
        return other

    def _begin(self) -> None:
        self._reading = Reading(self._store)
        self._facts = Facts(self._reading, self._size)
        self._ids: dict[Term, int | None] = {}  # of terms in grounds that were told
        self._conditions = Conditions(self._reading.constant, lambda term_id: self._store.decode([term_id])[term_id])

    # ── one derivation of each ───────────────────────────────────────────────────────────────────────────────

    def __call__(self, triple: Triple) -> Grounds | None:
        """None for a triple that is asserted, or not there. Raises RuleError R230 where the rules are not those that
        made the graph."""
        found = self.many([triple]).get(triple)
        return found.grounds if found else None

    def many(self, triples: Iterable[Triple]) -> dict[Triple, Derivation]:
        """Of those triples that the graph holds. Raises RuleError R230 as above."""
        wanted = list(dict.fromkeys(triples))
        facts = self._facts_of(wanted)
        names = self._store.decode({graph for fact in facts.values() for graph in fact.graphs if graph})
        grounds = self._grounds({triple: fact for triple, fact in facts.items() if not fact.is_asserted})
        return {
            triple: Derivation(tuple(names[graph].value if graph else "" for graph in sorted(fact.graphs)), grounds.get(triple))
            for triple, fact in facts.items()
        }

    def _facts_of(self, triples: Sequence[Triple]) -> dict[Triple, Fact]:
        parts = [part for triple in triples for part in (triple.subject, triple.predicate, triple.object)]
        unknown = [part for part in dict.fromkeys(parts) if part not in self._ids]
        self._ids.update(zip(unknown, self._store.lookup_many(unknown), strict=True))
        flat = [self._ids[part] for part in parts]
        ids = {triple: tuple(flat[3 * i : 3 * i + 3]) for i, triple in enumerate(triples) if None not in flat[3 * i : 3 * i + 3]}
        self._facts.fetch(Wanted(p, s, o) for s, p, o in ids.values())
        found = {triple: self._facts.fact(*key) for triple, key in ids.items()}
        return {triple: fact for triple, fact in found.items() if fact is not None}

    def _grounds(self, facts: dict[Triple, Fact]) -> dict[Triple, Grounds]:
        """Of conclusions, all searched side by side; those that cannot be found by look-ups one by one."""
        self._learn_rules({fact.rule for fact in facts.values()})
        attempts: list[tuple[Triple, Search, tuple, matching.Search]] = []
        searches = {triple: self.search(self._numbered[fact.rule], fact.round) for triple, fact in facts.items()}
        for triple, search in searches.items():
            fact = facts[triple]
            attempts += [(triple, search, branch, one) for branch, one in self._attempts(search, triple, [fact.subject, fact.predicate, fact.object])]
        results = matching.run(self._facts, [one for *_, one in attempts])
        chosen: dict[Triple, tuple[Search, tuple, Solution]] = {}
        for (triple, search, branch, _), found in zip(attempts, results, strict=True):
            if found and (triple not in chosen or found[0].age < chosen[triple][2].age):
                chosen[triple] = (search, branch, found[0])
        told = {triple: search.told_of(branch, solution) for triple, (search, branch, solution) in chosen.items()}
        return {triple: told.get(triple) or self._by_sql(triple, searches[triple], facts[triple]) for triple in facts}

    def _attempts(self, search: Search, triple: Triple, ids: list[int]) -> Iterable[tuple[tuple, matching.Search]]:
        """For each head and alternative that could make the triple, the search for its solutions."""
        if search.has_fresh_nodes:
            return
        matcher = Matcher(self._facts, self._conditions, self._reading.constant, self._fan_out, search.is_set, search.round)
        for head in search.rule.head:
            fixed = search.unify(head, triple, ids)
            for branch in search.branches() if fixed is not None else ():
                yield branch, matcher.solutions(branch, fixed, search.rule.data_only)

    def _by_sql(self, triple: Triple, search: Search, fact: Fact) -> Grounds:
        for head in search.rule.head:
            for grounds in search.grounds(head, triple, [fact.subject, fact.predicate, fact.object]):
                return grounds
        raise _stale(search.rule.name)

    def _size(self, predicate: int) -> int:
        known = self._store.statistics.get(predicate)
        return known.triples if known else 0

    def _fan_out(self, predicate: int, is_object: bool) -> float:
        known = self._store.statistics.get(predicate)
        return known.triples / max(1, known.objects if is_object else known.subjects) if known else _UNKNOWN

    # ── every derivation ─────────────────────────────────────────────────────────────────────────────────────

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
        return Search(self._store, self._reading, rule, round_number, self._recursive_heads[id(rule)], self._branches, self._ids)

    def _learn_rules(self, numbers: set[int]) -> None:
        """Which rules stand behind these numbers."""
        unknown = numbers - self._numbered.keys()
        if not unknown:
            return
        rows = self._reading.run(f"SELECT rule, owner, iri, text FROM rules WHERE rule IN ({', '.join(map(str, unknown))})").fetchall()
        for number, owner, iri, text in rows:
            program = self._programs.get(owner)
            named = [rule for rule in program.rules if rule.iri.value == iri] if program else []
            found = next((rule for rule in named if rule.text == text), named[0] if len(named) == 1 else None)
            if found is None:
                raise _stale(iri)
            self._numbered[number] = found
        if lost := numbers - self._numbered.keys():
            raise _stale(f"number {min(lost)}")


def _stale(rule: str) -> RuleError:
    return RuleError(
        "R230", f"the rule {rule} no longer gives the conclusion that the graph holds", None,
        "the rules or the data have changed since: run kg build") # fmt: skip
