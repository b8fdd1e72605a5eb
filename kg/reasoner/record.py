"""By which rules the stored conclusions were drawn: what makes two rules the same, their numbers, their rounds.

Kept as JSON under the key `reasoning` of the table `meta`. A rule that is still the same keeps its number, so that its
conclusions need not be written again when others change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.reasoner.model import Rule, variables_of
from kg.reasoner.rounds import Rounds
from kg.reasoner.stratify import Stratum
from kg.sparql import algebra as a
from kg.store import Store

# Raise it when the same rules lead to other conclusions.
_FORMAT = 2
_KEY = "reasoning"


@dataclass(frozen=True)
class DrawnRule:
    """A rule at the time when conclusions were drawn; `stratum` is the least number of a rule of its stratum."""

    number: int
    owner: str
    digest: str
    level: int
    stratum: int


@dataclass(frozen=True)
class Record:
    """`graphs` are those of the owners; `revisions` tell whether something else has written to them since. `used` is the number
    of rounds that any stratum has used of its own, `counts` are the conclusions of each rule by its number."""

    span: int
    graphs: Mapping[str, str]
    revisions: Mapping[str, int]  # by graph
    used: int
    counts: Mapping[int, int]
    rules: tuple[DrawnRule, ...]


def read(store: Store) -> Record | None:
    """What was remembered; None where nothing was, or by another version of the engine."""
    row = store.connection.execute("SELECT value FROM meta WHERE key = ?", [_KEY]).fetchone()
    found = json.loads(row[0]) if row else {}
    if found.get("format") != _FORMAT:
        return None
    rules = tuple(DrawnRule(*rule) for rule in found["rules"])
    return Record(found["span"], found["graphs"], found["revisions"], found["used"], dict(found["counts"]), rules)


def remember(
    store: Store,
    strata: Sequence[Stratum],
    rounds: Rounds,
    graphs: Mapping[str, str],
    owners: Mapping[int, str],
    numbers: Mapping[int, int],
    used: int,
    counts: Mapping[int, int],
) -> None:
    """All conclusions stand in the graph: keep by which rules, and begin a new record of what changes from now on.

    `owners` and `numbers` are those of each rule, by `id(rule)`.
    """
    store.refresh()
    graphs = {owner: iri for owner, iri in graphs.items() if owner in set(owners.values())}
    members = {"format": _FORMAT, "span": rounds.span, "graphs": dict(graphs), "revisions": revisions(store, graphs.values())}
    members |= {"used": used, "counts": list(counts.items())}
    value = json.dumps(members | {"rules": [list(asdict(rule).values()) for rule in _drawn(strata, owners, numbers)]})
    store.connection.execute("DELETE FROM meta WHERE key = ?", [_KEY])
    store.connection.execute("INSERT INTO meta VALUES (?, ?)", [_KEY, value])
    store.mark_changes()


def revisions(store: Store, graphs: Iterable[str]) -> dict[str, int]:
    wanted = set(graphs)
    return {graph["iri"]: graph["revision"] for graph in store.graphs() if graph["iri"] in wanted}


def _drawn(strata: Sequence[Stratum], owners: Mapping[int, str], numbers: Mapping[int, int]) -> list[DrawnRule]:
    rules = []
    for stratum in strata:
        least = min(numbers[id(rule)] for rule in stratum.rules)
        for rule in stratum.rules:
            owner = owners[id(rule)]
            rules.append(DrawnRule(numbers[id(rule)], owner, digest(rule), stratum.level, least))
    return rules


def digest(rule: Rule) -> str:
    """The same for two rules that conclude the same, wherever they stand and however they are laid out."""
    blank: dict[str, int] = {}
    parts = [rule.iri.value, _plain(rule.head, blank), _plain(rule.body, blank), rule.data_only, rule.states_data, rule.annotations,
             str(rule.order), rule.is_iterated]  # fmt: skip
    if any(variable.is_anonymous for variable in variables_of(rule.head)):
        parts += [rule.location.line, rule.head]  # labels of blank nodes are made of these
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _plain(thing: object, blank: dict[str, int]) -> object:
    """An algebra without the positions of its text; blank nodes are numbered in the order in which they occur."""
    if isinstance(thing, (NamedNode, Literal, BlankNode)):
        return str(thing)
    if isinstance(thing, a.Var) and thing.is_anonymous:
        return ("_:", blank.setdefault(thing.name, len(blank)))
    if isinstance(thing, (tuple, list)):
        return tuple(_plain(part, blank) for part in thing)
    if hasattr(thing, "__dataclass_fields__"):
        fields = [name for name in thing.__dataclass_fields__ if name != "position"]
        return (type(thing).__name__, *(_plain(getattr(thing, name), blank) for name in fields))
    return thing
