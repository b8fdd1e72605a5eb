"""Why a triple is not in the graph: what each rule that could conclude it lacks, and why that is lacking in turn.

What rules lack comes from a callable, `misses`; this module makes the tree and prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import QueryError
from kg.explain.builder import sum_text
from kg.explain.names import Names
from kg.explain.words import WORDS
from kg.store import Store
from kg.terms import Term


@dataclass(frozen=True)
class Shortfall:
    """A total as far as it goes, `total = 20 + 10 = 30`, and the facts of each contribution."""

    text: str
    parts: tuple[tuple[Decimal | None, tuple[Triple, ...]], ...]


@dataclass(frozen=True)
class Reason:
    """What one rule lacks. `totals` are sums as far as they go; `lower` says why a missing fact is missing in turn."""

    rule: str
    rule_name: str
    rule_place: str
    missing: tuple[tuple, ...] = ()
    tests: tuple[str, ...] = ()
    blocked: tuple[Triple, ...] = ()
    valueless: tuple[str, ...] = ()
    totals: tuple[Shortfall, ...] = ()
    held: tuple[Triple, ...] = ()
    lower: tuple[Absence, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether nothing is lacking, so that a build would conclude the triple."""
        return not (self.missing or self.tests or self.blocked or self.valueless)


@dataclass(frozen=True)
class Absence:
    """A triple that the graph does not hold; `unknown` are those of its terms that occur nowhere in the graph."""

    triple: Triple
    reasons: tuple[Reason, ...]
    unknown: tuple[Term, ...]
    names: Names

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """One reason a line, indented; `language` is `en` or `zh`."""
        return "\n".join(_lines(self, 0, language if language in WORDS else "en"))

    def as_dict(self) -> dict[str, Any]:
        """Members of a JSON object; empty ones are left out."""
        return _as_dict(self)


def why_not(
    store: Store,
    subject: Term,
    predicate: NamedNode,
    object: Term,
    *,
    misses: Callable[[Triple], Sequence[Any]],
    max_depth: int = 2,
    prefixes: Mapping[str, str] | None = None,
) -> Absence:
    """Why the graph does not hold a triple; `misses(triple)` gives what rules lack.

    Raises QueryError Q402 if the graph does hold it.
    """
    triple = Triple(subject, predicate, object)
    names = Names(store, prefixes or {})
    builder = _Builder(store, misses, names, set())
    if builder.holds(triple):
        raise QueryError(
            "Q402",
            f"the graph holds {' '.join(names.short(term) for term in (subject, predicate, object))}",
            help="ask why it does: leave out --why-not",
        )
    return builder.absence(triple, max_depth)


@dataclass
class _Builder:
    store: Store
    misses: Callable[[Triple], Sequence[Any]]
    names: Names
    shown: set[Triple]

    def absence(self, triple: Triple, depth: int) -> Absence:
        self.shown.add(triple)
        unknown = tuple(term for term in (triple.subject, triple.object) if not self._occurs(term))
        return Absence(triple, tuple(self._reason(miss, depth) for miss in self.misses(triple)), unknown, self.names)

    def holds(self, triple: Triple) -> bool:
        ids = self.store.lookup_many([triple.subject, triple.predicate, triple.object])
        if None in ids:
            return False
        return self.store.cursor().execute("SELECT 1 FROM quads WHERE s = ? AND p = ? AND o = ? LIMIT 1", ids).fetchone() is not None

    def _occurs(self, term: Term) -> bool:
        found = self.store.lookup(term)
        if found is None:
            return False
        return self.store.cursor().execute("SELECT 1 FROM quads WHERE s = $1 OR o = $1 LIMIT 1", [found]).fetchone() is not None

    def _reason(self, miss: Any, depth: int) -> Reason:
        grounds, names = miss.grounds, self.names
        lower = []
        for pattern in miss.missing if depth > 1 else ():
            triple = _triple(pattern)
            if triple is not None and triple not in self.shown and not self.holds(triple):
                below = self.absence(triple, depth - 1)
                if below.reasons:
                    lower.append(below)
        return Reason(
            grounds.rule.iri.value,
            grounds.rule.name,
            str(grounds.rule.location),
            miss.missing,
            tuple(names.with_values(test, grounds.bindings) or test for test in miss.tests),
            miss.blocked,
            miss.valueless,
            tuple(_shortfall(ground) for ground in grounds.aggregates),
            grounds.premises,
            tuple(lower),
        )


def _shortfall(ground: Any) -> Shortfall:
    parts = tuple((share.value, share.premises) for share in ground.contributions)
    return Shortfall(f"{ground.result} = {sum_text(ground, ())}", parts)


def _triple(pattern: tuple) -> Triple | None:
    """The pattern as a triple, where it has no variable."""
    subject, predicate, object = pattern
    is_ground = isinstance(subject, (NamedNode, BlankNode)) and isinstance(predicate, NamedNode)
    return Triple(subject, predicate, object) if is_ground and isinstance(object, (NamedNode, BlankNode, Literal, Triple)) else None


def _lines(absence: Absence, indent: int, language: str) -> list[str]:
    words, names, pad = WORDS[language], absence.names, "  " * indent
    told = [f"{pad}{words['why_not'].format(what=names.triple(absence.triple, language))}"]
    told += [f"{pad}  {words['unknown'].format(what=names.short(term))}" for term in absence.unknown]
    if not absence.reasons:
        told.append(f"{pad}  {words['no_rule']}")
    for reason in absence.reasons:
        if reason.is_stale:
            told.append(f"{pad}  {words['stale'].format(rule=reason.rule_name)}")
            continue
        told.append(f"{pad}  {words['would'].format(rule=reason.rule_name)}")
        told += [f"{pad}    {line}" for line in _faults(reason, names, language)]
        for total in reason.totals:
            told.append(f"{pad}      {words['total_of'].format(total=total.text)}")
            told += [f"{pad}        {_part_text(part, names, language)}" for part in total.parts]
        told += [f"{pad}      {words['holds'].format(what=names.triple(premise, language))}" for premise in reason.held]
        for lower in reason.lower:
            told += _lines(lower, indent + 3, language)
    return told


def _part_text(part: tuple[Decimal | None, tuple[Triple, ...]], names: Names, language: str) -> str:
    facts = WORDS[language]["and"].join(names.triple(triple, language) for triple in part[1])
    return facts if part[0] is None else f"{part[0]}: {facts}"


def _faults(reason: Reason, names: Names, language: str) -> list[str]:
    words = WORDS[language]
    found = [
        words["missing" if _triple(pattern) else "nothing_matches"].format(what=names.triple(pattern, language)) for pattern in reason.missing
    ]
    found += [words["fails"].format(test=test) for test in reason.tests]
    found += [words["blocked"].format(what=names.triple(triple, language)) for triple in reason.blocked]
    return found + [words["no_value"].format(what=what) for what in reason.valueless]


def _as_dict(absence: Absence) -> dict[str, Any]:
    names = absence.names
    return {
        "subject": str(absence.triple.subject),
        "predicate": str(absence.triple.predicate),
        "object": str(absence.triple.object),
        "text": names.triple(absence.triple),
        "unknown": [str(term) for term in absence.unknown],
        "reasons": [_reason_as_dict(reason, names) for reason in absence.reasons],
    }


def _reason_as_dict(reason: Reason, names: Names) -> dict[str, Any]:
    members = {
        "rule": reason.rule,
        "ruleName": reason.rule_name,
        "rulePlace": reason.rule_place,
        "isStale": reason.is_stale or None,
        "missing": [names.triple(pattern) for pattern in reason.missing],
        "failing": list(reason.tests),
        "blocked": [names.triple(triple) for triple in reason.blocked],
        "withoutValue": list(reason.valueless),
        "totals": [
            {"text": total.text, "parts": [{"value": None if value is None else str(value), "facts": [names.triple(fact) for fact in facts]} for value, facts in total.parts]}
            for total in reason.totals
        ],
        "held": [names.triple(triple) for triple in reason.held],
        "because": [_as_dict(lower) for lower in reason.lower],
    }
    return {name: value for name, value in members.items() if value not in (None, [])}
