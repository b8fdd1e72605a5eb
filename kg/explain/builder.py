"""Making a proof: the grounds of a conclusion, then those of its premises, down to what sources say.

Grounds come from `derive`, and the rows that asserted triples were mapped from come from `trace`; both are asked for all facts
that are equally deep at once. Nothing here recurs, for a proof may be thousands of rules deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from pyoxigraph import NamedNode, Triple

from kg.errors import QueryError
from kg.explain.names import Names
from kg.explain.proof import Part, Proof, Total
from kg.store import Store
from kg.terms import Term

Trace = Callable[[Sequence[tuple[Triple, str]]], Sequence[Sequence[Any]]]

# Facts in one proof; what lies deeper is cut. No reader goes so far.
MOST_FACTS = 50_000


class Derive(Protocol):
    """Says of triples where they come from: `many` has a member for each that the graph holds, with its `graphs` and, where it
    is a conclusion, its `grounds`; `all` has the grounds of every derivation of one."""

    def many(self, triples: Iterable[Triple]) -> Mapping[Triple, Any]: ...

    def all(self, triple: Triple) -> Sequence[Any]: ...


def explain(
    store: Store,
    subject: Term,
    predicate: NamedNode,
    object: Term,
    *,
    derive: Derive,
    trace: Trace | None = None,
    measured: Callable[[Triple, str], Any | None] | None = None,
    all: bool = False,
    max_depth: int | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> Proof:
    """The proof of a triple. `trace(pairs)` gives for each pair of an asserted triple and a graph the source rows that it was mapped
    from; `measured(triple, graph)` the grounds of what a measure wrote, None for what none did. With `all`, the proof shows the other
    derivations of the triple too. `max_depth` is how many rules deep it goes.

    Raises QueryError Q401 if the triple is not in the graph.
    """
    triple = Triple(subject, predicate, object)
    names = Names(store, prefixes or {})
    builder = _Builder(derive, trace, measured, names, MOST_FACTS if max_depth is None else max_depth)
    builder.gather([triple], 0)
    if triple not in builder.found:
        raise QueryError(
            "Q401",
            f"the graph does not hold {' '.join(names.short(term) for term in (subject, predicate, object))}",
            help="look at what it holds with a query, or run kg build",
        )
    every = derive.all(triple) if all else ()
    builder.gather([premise for grounds in every for premise in grounds.below()], 1)
    builder.trace_all()
    names.learn(builder.terms())
    proof = builder.tree(triple)
    return replace(proof, others=builder.others(proof, every)) if every else proof


# ── Making the tree ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Node:
    """A place in the tree before it is made. `below` are the numbers of the nodes under it, in the order of its grounds."""

    triple: Triple
    depth: int
    kind: str = "cut"
    below: list[int] = field(default_factory=list)


@dataclass
class _Builder:
    derive: Derive
    trace: Trace | None
    measured: Callable[[Triple, str], Any | None] | None
    names: Names
    max_depth: int
    found: dict[Triple, Any] = field(default_factory=dict)
    shown: set[Triple] = field(default_factory=set)
    sources: dict[Triple, tuple[Any, ...]] = field(default_factory=dict)
    measures: dict[Triple, Any] = field(default_factory=dict)

    def gather(self, triples: Iterable[Triple], depth: int) -> None:
        """Learn where these triples come from, and those that they rest on."""
        level = [triple for triple in dict.fromkeys(triples) if triple not in self.found]
        while level and depth < self.max_depth and len(self.found) < MOST_FACTS:
            found = self.derive.many(level)
            self.found.update(found)
            depth += 1
            below = (premise for one in found.values() if one.grounds for premise in one.grounds.below())
            level = [triple for triple in dict.fromkeys(below) if triple not in self.found]

    def trace_all(self) -> None:
        """Look up the source rows of all that is asserted, or what measures found it from."""
        pairs = [(triple, graph) for triple, one in self.found.items() if one.grounds is None for graph in one.graphs]
        for triple, graph in pairs if self.measured else ():
            if triple not in self.measures and (found := self.measured(triple, graph)):
                self.measures[triple] = found
        pairs = [pair for pair in pairs if pair[0] not in self.measures]
        for (triple, _), rows in zip(pairs, self.trace(pairs) if self.trace else (), strict=bool(self.trace)):
            self.sources[triple] = (*self.sources.get(triple, ()), *rows)

    def terms(self) -> Iterable[Term]:
        """All that will be called by name."""
        for triple, one in self.found.items():
            yield from (triple.subject, triple.predicate, triple.object)
            if one.grounds:
                yield from one.grounds.bindings.values()
                yield from (term for absent in one.grounds.absent for pattern in absent.patterns for term in pattern)

    def tree(self, triple: Triple) -> Proof:
        return self._made(self._planned([_Node(triple, 0)]))[0]

    def others(self, proof: Proof, every: Sequence[Any]) -> tuple[Proof, ...]:
        """The derivations beside the one that `proof` shows."""
        found = []
        for grounds in every:
            if (grounds.rule.iri.value, grounds.bindings) == (proof.rule, proof.bindings):
                continue
            below = [_Node(premise, 1) for premise in grounds.below()]
            proofs = self._made(self._planned(below))[: len(below)]
            found.append(self._inferred(proof.triple, proof.graphs, grounds, proofs))
        return tuple(found)

    def _planned(self, nodes: list[_Node]) -> list[_Node]:
        """These nodes and all below them; a triple is proved where it is read first."""
        waiting = list(reversed(range(len(nodes))))
        while waiting:
            node = nodes[waiting.pop()]
            one = self.found.get(node.triple)
            if node.triple in self.shown:
                node.kind = "repeated"
            elif one is not None and node.depth < self.max_depth:
                self.shown.add(node.triple)
                node.kind = "inferred" if one.grounds else "asserted"
                node.below = [len(nodes) + i for i in range(len(one.grounds.below()) if one.grounds else 0)]
                nodes += [_Node(premise, node.depth + 1) for premise in (one.grounds.below() if one.grounds else ())]
                waiting += reversed(node.below)
        return nodes

    def _made(self, nodes: Sequence[_Node]) -> list[Proof]:
        """Proofs of the nodes; those below a node come after it."""
        proofs: list[Proof] = [None] * len(nodes)  # type: ignore[list-item]
        for number in reversed(range(len(nodes))):
            node = nodes[number]
            one = self.found.get(node.triple)
            if node.kind == "inferred":
                proofs[number] = self._inferred(node.triple, one.graphs, one.grounds, [proofs[below] for below in node.below])
            elif node.kind == "asserted" and node.triple in self.measures:
                proofs[number] = self._by_measure(node.triple, one.graphs, self.measures[node.triple])
            elif node.kind == "asserted":
                proofs[number] = Proof(node.triple, "asserted", one.graphs, sources=self.sources.get(node.triple, ()), names=self.names)
            else:
                proofs[number] = Proof(node.triple, node.kind, names=self.names)
        return proofs

    def _by_measure(self, triple: Triple, graphs: tuple[str, ...], found: Any) -> Proof:
        says = {language: self.names.filled(text, found.bindings, language) for language, text in found.says.items()}
        return Proof(
            triple, "inferred", graphs, found.graph, found.name, found.text, found.place, says=says, bindings=found.bindings, sources=found.rows,
            method=found.method, names=self.names,
        )  # fmt: skip

    def _inferred(self, triple: Triple, graphs: tuple[str, ...], grounds: Any, below: Sequence[Proof]) -> Proof:
        """`below` are the proofs of `grounds.below()`."""
        premises, rest = tuple(below[: len(grounds.premises)]), iter(below[len(grounds.premises) :])
        totals = tuple(self._total(ground, grounds.bindings, rest) for ground in grounds.aggregates)
        return Proof(
            triple,
            "inferred",
            graphs,
            grounds.rule.iri.value,
            grounds.rule.name,
            grounds.rule.text,
            str(grounds.rule.location),
            grounds.round,
            {language: self.names.filled(text, grounds.bindings, language) for language, text in grounds.rule.says},
            grounds.bindings,
            premises,
            totals,
            grounds.absent,
            self._filled(grounds.tests, grounds.bindings, "en"),
            {"zh": self._filled(grounds.tests, grounds.bindings, "zh")},
            names=self.names,
        )

    def _filled(self, tests: Iterable[str], bindings: Mapping[str, Term | Decimal], language: str) -> tuple[str, ...]:
        told = (self.names.with_values(test, bindings, language) for test in tests)
        return tuple(test for test in told if test is not None)

    def _total(self, ground: Any, bindings: Mapping[str, Term | Decimal], below: Iterable[Proof]) -> Total:
        parts = tuple(Part(share.value, tuple(next(below) for _ in share.premises)) for share in ground.contributions)
        tests = self._filled(ground.tests, bindings, "en")
        return Total(ground.function, ground.value, sum_text(ground, tests), parts, ground.count - len(parts))


_LISTED = 12  # contributions written out in a sum


def sum_text(ground: Any, tests: Sequence[str]) -> str:
    """`30 + 25 = 55 > 50`, `3 >= 2`, `MAX(2, 9) = 9 > 5`: the values, the result, the tests that it passed."""
    values = [share.value for share in ground.contributions if share.value is not None]
    left_out = ground.count - min(len(values), _LISTED)
    listed = [str(value) for value in values[:_LISTED]] + ([f"… ({left_out:,} more)"] if left_out else [])
    result = str(ground.value)
    if ground.function == "SUM" and ground.count > 1:
        result = f"{' + '.join(listed)} = {result}"
    elif ground.function not in ("SUM", "COUNT"):
        result = f"{ground.function}({', '.join(listed)}) = {result}"
    for test in tests:
        result += test.removeprefix(str(ground.value)) if test.startswith(f"{ground.value} ") else f", {test}"
    return result
