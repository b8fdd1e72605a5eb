"""Making a proof: the grounds of a conclusion, then those of its premises, down to what sources say.

The grounds of one conclusion come from a callable, `derive`; the rows that an asserted triple was mapped from come from
another, `trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pyoxigraph import NamedNode, Triple

from kg.errors import QueryError
from kg.explain.names import Names
from kg.explain.proof import Part, Proof, Total
from kg.store import Store
from kg.terms import Term


def explain(
    store: Store,
    subject: Term,
    predicate: NamedNode,
    object: Term,
    *,
    derive: Callable[[Triple], Any | None],
    trace: Callable[[Triple, str], Sequence[Any]] | None = None,
    others: Callable[[Triple], Sequence[Any]] | None = None,
    measured: Callable[[Triple, str], Any | None] | None = None,
    max_depth: int = 25,
    prefixes: Mapping[str, str] | None = None,
) -> Proof:
    """The proof of a triple. `derive(triple)` gives the grounds of a conclusion or None for what is asserted;
    `trace(triple, graph)` gives the source rows of an asserted triple of a graph. With `others(triple)`, which gives the
    grounds of every derivation of a conclusion, the proof shows those too. `measured(triple, graph)` gives the grounds of what a
    measure wrote, None for what none did.

    Raises QueryError Q401 if the triple is not in the graph.
    """
    triple = Triple(subject, predicate, object)
    names = Names(store, prefixes or {})
    builder = _Builder(store, derive, trace, names, measured)
    builder.learn([triple])
    if triple not in builder.graphs:
        raise QueryError(
            "Q401",
            f"the graph does not hold {' '.join(names.short(term) for term in (subject, predicate, object))}",
            help="look at what it holds with a query, or run kg build",
        )
    proof = builder.proof(triple, max_depth)
    return replace(proof, others=builder.others(proof, others(triple), max_depth)) if others else proof


# ── Making the tree ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Builder:
    store: Store
    derive: Callable[[Triple], Any | None]
    trace: Callable[[Triple, str], Sequence[Any]] | None
    names: Names
    measured: Callable[[Triple, str], Any | None] | None = None
    shown: set[Triple] = field(default_factory=set)
    graphs: dict[Triple, tuple[str, ...]] = field(default_factory=dict)  # of triples looked up; the default graph's is empty
    asserted: set[Triple] = field(default_factory=set)

    def proof(self, triple: Triple, depth: int) -> Proof:
        if triple in self.shown:
            return Proof(triple, "repeated", names=self.names)
        if depth <= 0:
            return Proof(triple, "cut", names=self.names)
        graphs = self.graphs.get(triple, ())
        grounds = None if triple in self.asserted else self.derive(triple)
        self.shown.add(triple)
        if grounds is None:
            for graph in graphs if self.measured else ():
                if found := self.measured(triple, graph):
                    return self._measured(triple, graphs, found)
            sources = tuple(row for graph in graphs for row in self.trace(triple, graph)) if self.trace else ()
            return Proof(triple, "asserted", graphs, sources=sources, names=self.names)
        return self._inferred(triple, graphs, grounds, depth - 1)

    def _measured(self, triple: Triple, graphs: tuple[str, ...], found: Any) -> Proof:
        says = {language: self.names.filled(text, found.bindings, language) for language, text in found.says.items()}
        return Proof(
            triple, "inferred", graphs, found.graph, found.name, found.text, found.place, says=says, bindings=found.bindings, sources=found.rows,
            method=found.method, names=self.names,
        )  # fmt: skip

    def _inferred(self, triple: Triple, graphs: tuple[str, ...], grounds: Any, depth: int) -> Proof:
        self.learn(grounds.below())
        premises = tuple(self.proof(premise, depth) for premise in grounds.premises)
        totals = tuple(self._total(ground, grounds.bindings, depth) for ground in grounds.aggregates)
        sentences = dict(grounds.rule.says)
        return Proof(
            triple,
            "inferred",
            graphs,
            grounds.rule.iri.value,
            grounds.rule.name,
            grounds.rule.text,
            str(grounds.rule.location),
            grounds.round,
            {language: self.names.filled(text, grounds.bindings, language) for language, text in sentences.items()},
            grounds.bindings,
            premises,
            totals,
            grounds.absent,
            tuple(self.names.with_values(test, grounds.bindings) for test in grounds.tests),
            names=self.names,
        )

    def others(self, proof: Proof, all_grounds: Sequence[Any], depth: int) -> tuple[Proof, ...]:
        """The derivations beside the one that `proof` shows."""
        found = [self._inferred(proof.triple, proof.graphs, grounds, depth - 1) for grounds in all_grounds]
        return tuple(other for other in found if (other.rule, other.bindings) != (proof.rule, proof.bindings))

    def _total(self, ground: Any, bindings: Mapping[str, Term | Decimal], depth: int) -> Total:
        parts = tuple(
            Part(share.value, tuple(self.proof(premise, depth) for premise in share.premises)) for share in ground.contributions
        )
        tests = [self.names.with_values(test, bindings) for test in ground.tests]
        return Total(ground.function, ground.value, sum_text(ground, tests), parts)

    def learn(self, triples: Iterable[Triple]) -> None:
        """Look up which graphs hold these triples and which of them are asserted, all at once."""
        unknown = [triple for triple in dict.fromkeys(triples) if triple not in self.graphs]
        flat = self.store.lookup_many([part for triple in unknown for part in (triple.subject, triple.predicate, triple.object)])
        ids = {tuple(flat[3 * i : 3 * i + 3]): triple for i, triple in enumerate(unknown) if None not in flat[3 * i : 3 * i + 3]}
        if not ids:
            return
        where = " OR ".join(f"(p = {p} AND s = {s} AND o = {o})" for s, p, o in ids)
        rows = self.store.cursor().execute(f"SELECT DISTINCT s, p, o, g, rule IS NULL FROM quads WHERE {where} ORDER BY g").fetchall()
        named = self.store.decode({row[3] for row in rows if row[3]})
        for *key, graph, is_asserted in rows:
            triple = ids[tuple(key)]
            self.graphs[triple] = (*self.graphs.get(triple, ()), named[graph].value if graph else "")
            if is_asserted:
                self.asserted.add(triple)


_LISTED = 12  # contributions written out in a sum; the tree below shows all


def sum_text(ground: Any, tests: Sequence[str]) -> str:
    """`30 + 25 = 55 > 50`, `3 >= 2`, `MAX(2, 9) = 9 > 5`: the values, the result, the tests that it passed."""
    values = [share.value for share in ground.contributions if share.value is not None]
    listed = [str(value) for value in values[:_LISTED]] + ([f"… ({len(values) - _LISTED} more)"] if len(values) > _LISTED else [])
    result = str(ground.value)
    if ground.function == "SUM" and len(values) > 1:
        result = f"{' + '.join(listed)} = {result}"
    elif ground.function not in ("SUM", "COUNT"):
        result = f"{ground.function}({', '.join(listed)}) = {result}"
    for test in tests:
        result += test.removeprefix(str(ground.value)) if test.startswith(f"{ground.value} ") else f", {test}"
    return result
