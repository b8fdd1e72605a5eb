"""What an update would change: which conclusions would come and which would go, by rule, with proofs.

Both the update and the rules run on a copy of the graph, which is thrown away; the graph itself, and whoever reads it
meanwhile, see nothing of it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode, Triple

from kg.build import OwnedProgram, conclude
from kg.explain import Proof
from kg.sparql.update import UpdateReport
from kg.store import Store
from kg.store.notation import text_of
from kg.store.versions import Versions

Explain = Callable[[Triple], Proof | None]


@dataclass(frozen=True)
class Conclusion:
    """A triple that would come or go, and the rule by which it would be, or was, concluded."""

    triple: Triple
    rule: str
    proof: Proof | None = None


@dataclass(frozen=True)
class WhatIf:
    """What an update would do: the quads that it changes itself, and what follows from them.

    `added` would be known and is not now; `removed` is concluded now and would not be known. What the update asserts or takes
    away itself, and is concluded besides, is in neither.
    """

    update: UpdateReport
    added: tuple[Conclusion, ...]
    removed: tuple[Conclusion, ...]
    seconds: float
    prefixes: Mapping[str, str]

    def by_rule(self) -> dict[str, tuple[int, int]]:
        """How many conclusions of each rule would come, and how many would go; in the order of their IRIs."""
        rules = sorted({conclusion.rule for conclusion in [*self.added, *self.removed]})
        count = lambda conclusions, rule: sum(conclusion.rule == rule for conclusion in conclusions)  # noqa: E731
        return {rule: (count(self.added, rule), count(self.removed, rule)) for rule in rules}

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """The counts, a line for each rule and one for each conclusion, its proof indented below where it was asked for."""
        lines = [f"The update itself: {self.update.inserted:,} statements added, {self.update.deleted:,} taken away."]
        if not self.added and not self.removed:
            return lines[0] + "\nNo conclusion would change."
        lines.append(f"What follows: {len(self.added):,} conclusions would come, {len(self.removed):,} would go.\n")
        names = {rule: text_of(NamedNode(rule), self.prefixes) for rule in self.by_rule()}
        width = max(map(len, names.values()))
        lines += [f"  {names[rule]:<{width}}  {f'+{added:,}' if added else '':>8}  {f'−{removed:,}' if removed else '':>8}".rstrip()
                  for rule, (added, removed) in self.by_rule().items()]  # fmt: skip
        for sign, conclusions in (("+", self.added), ("−", self.removed)):
            lines += [""] if conclusions else []
            for conclusion in conclusions:
                triple = " ".join(text_of(term, self.prefixes) for term in _parts(conclusion.triple))
                lines.append(f"{sign} {triple}   ({names[conclusion.rule]})")
                if conclusion.proof is not None:
                    lines += [f"    {line}" for line in conclusion.proof.text(language).splitlines()]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready members."""
        return {
            "update": {"inserted": self.update.inserted, "deleted": self.update.deleted, "graphs": list(self.update.graphs)},
            "rules": [{"rule": rule, "added": added, "removed": removed} for rule, (added, removed) in self.by_rule().items()],
            "added": [_as_dict(conclusion) for conclusion in self.added],
            "removed": [_as_dict(conclusion) for conclusion in self.removed],
            "seconds": round(self.seconds, 3),
        }


def what_if(
    versions: Versions,
    programs: Sequence[OwnedProgram],
    change: Callable[[Store], UpdateReport],
    prefixes: Mapping[str, str],
    explain_before: Explain | None = None,
    explain_after: Callable[[Store], Explain] | None = None,
) -> WhatIf:
    """What would be known after `change`, against what the rules conclude from the graph as it stands.

    With `explain_before` and `explain_after` each conclusion has its proof.
    """
    started = time.perf_counter()
    with _copy(versions) as store:
        conclude(store, list(programs))  # so that what differs is due to the change alone
        store.connection.execute(
            "CREATE TEMP TABLE what_before AS SELECT q.s, q.p, q.o, r.iri AS rule FROM quads q JOIN rules r ON r.rule = q.rule"
        )
        report = change(store)
        changes = store.changes()
        removed = changes.removed if changes else "SELECT g, s, p, o FROM quads WHERE false"
        store.connection.execute(f"CREATE TEMP TABLE what_removed AS SELECT s, p, o FROM ({removed})")
        conclude(store, list(programs))
        same = "a.s = b.s AND a.p = b.p AND a.o = b.o"
        after = "SELECT q.s, q.p, q.o, r.iri AS rule FROM quads q JOIN rules r ON r.rule = q.rule"
        came = f"SELECT a.* FROM ({after}) a ANTI JOIN what_before b ON {same}"
        came = f"SELECT a.* FROM ({came}) a ANTI JOIN what_removed b ON {same}"
        went = f"SELECT a.* FROM what_before a ANTI JOIN (FROM quads WHERE NOT again) b ON {same}"
        explain = explain_after(store) if explain_after else None
        added, removed = _conclusions(store, came, explain), _conclusions(store, went, explain_before)
    return WhatIf(report, added, removed, time.perf_counter() - started, prefixes)


@contextmanager
def _copy(versions: Versions) -> Iterator[Store]:
    """A copy of the current version, writable, gone after the block."""
    with tempfile.TemporaryDirectory(prefix="kg-what-if-") as folder, versions.copied(Path(folder) / "copy.duckdb") as store:
        yield store


def _conclusions(store: Store, select: str, explain: Explain | None) -> tuple[Conclusion, ...]:
    rows = store.connection.execute(f"SELECT s, p, o, rule FROM ({select}) ORDER BY rule, p, s, o").fetchall()
    terms = store.decode({term for row in rows for term in row[:3]})
    triples = [(Triple(terms[s], terms[p], terms[o]), rule) for s, p, o, rule in rows]
    found = tuple(Conclusion(triple, rule, explain(triple) if explain else None) for triple, rule in triples)
    for conclusion in found:
        if conclusion.proof is not None:
            conclusion.proof.text()  # reads the labels, which the copy will not be there to give later
    return found


def _parts(triple: Triple) -> tuple:
    return triple.subject, triple.predicate, triple.object


def _as_dict(conclusion: Conclusion) -> dict[str, object]:
    subject, predicate, object_ = (str(term) for term in _parts(conclusion.triple))
    found: dict[str, object] = {"subject": subject, "predicate": predicate, "object": object_, "rule": conclusion.rule}
    return found | ({"proof": conclusion.proof.as_dict()} if conclusion.proof is not None else {})
