"""What the graph says about one thing: its facts and the facts that point at it, by property, with their graphs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from pyoxigraph import BlankNode, Literal, NamedNode

from api import current
from api.current import Page
from kg.terms import Term

PAGE_SIZE = 50
RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

Sources = dict[tuple[NamedNode, Term], list[str]]


@dataclass(frozen=True)
class Direction:
    """Facts that start at the thing, or facts that end at it; `value` is the variable at the other end."""

    name: str
    thing: str
    value: str


OUTGOING = Direction("out", "subject", "object")
INCOMING = Direction("in", "object", "subject")


@dataclass(frozen=True)
class Fact:
    """One triple, seen from the thing: the other end, the graphs it stands in, whether a rule has found it."""

    value: Term
    graphs: tuple[str, ...] = ()
    is_inferred: bool = False


@dataclass(frozen=True)
class Property:
    """The facts of one predicate: all of them, or one page of `total`."""

    predicate: NamedNode
    total: int
    facts: list[Fact] = field(default_factory=list)


def properties(thing: Term, direction: Direction) -> list[Property]:
    """Every property of the thing with its first PAGE_SIZE values."""
    counts = current.select(
        "SELECT ?predicate (COUNT(*) AS ?total) WHERE { ?subject ?predicate ?object } GROUP BY ?predicate", {direction.thing: thing}
    )
    totals = {predicate: int(total.value) for predicate, total in counts}
    values, sources = _all_values(thing, direction, [predicate for predicate, total in totals.items() if total <= PAGE_SIZE], len(totals))
    for predicate, total in totals.items():
        if total > PAGE_SIZE:
            values[predicate] = _page_of_values(thing, direction, predicate, Page(1, PAGE_SIZE))[0]
            sources |= _sources(thing, direction, predicate, values[predicate])
    return [
        Property(predicate, totals[predicate], [_fact(value, sources.get((predicate, value), ())) for value in values[predicate]])
        for predicate in totals
    ]


def one_property(thing: Term, direction: Direction, predicate: NamedNode, page: Page) -> tuple[Property, Page]:
    """One page of the values of one property."""
    (total,) = current.select(
        "SELECT (COUNT(*) AS ?total) WHERE { ?subject ?predicate ?object }", {direction.thing: thing, "predicate": predicate}
    )[0]
    values, page = _page_of_values(thing, direction, predicate, page)
    sources = _sources(thing, direction, predicate, values)
    return Property(predicate, int(total.value), [_fact(value, sources.get((predicate, value), ())) for value in values]), page


def _all_values(
    thing: Term, direction: Direction, predicates: Sequence[NamedNode], known: int
) -> tuple[dict[NamedNode, list[Term]], Sources]:
    """All values of some predicates (of the `known` ones), and the named graphs of each."""
    values: dict[NamedNode, list[Term]] = defaultdict(list)
    sources: Sources = defaultdict(list)
    if predicates:
        which = "" if len(predicates) == known else f"VALUES ?predicate {{ {' '.join(map(str, predicates))} }}"
        variables = f"?predicate ?{direction.value}"
        for predicate, value in current.select(f"SELECT {variables} WHERE {{ {which} ?subject ?predicate ?object }}", {direction.thing: thing}):
            values[predicate].append(value)
        in_graphs = f"SELECT {variables} ?graph WHERE {{ {which} GRAPH ?graph {{ ?subject ?predicate ?object }} }}"
        for predicate, value, graph in current.select(in_graphs, {direction.thing: thing}):
            sources[predicate, value].append(graph.value)
    return values, sources


def _page_of_values(thing: Term, direction: Direction, predicate: NamedNode, page: Page) -> tuple[list[Term], Page]:
    """Values in SPARQL's order; things that point here, which may be millions, in that of their ids, by which pages go on."""
    if direction is INCOMING:
        found = current.graph().subjects(predicate, thing, page.after, 0 if page.after is not None else page.offset, page.size + 1)
        kept = found[: page.size]
        return [term for _, term in kept], replace(page, has_next=len(found) > page.size, last=kept[-1][0] if kept else None)
    text = (
        f"SELECT ?{direction.value} WHERE {{ ?subject ?predicate ?object }} "
        f"ORDER BY ?{direction.value} LIMIT {page.size + 1} OFFSET {page.offset}"
    )
    rows, page = page.of(current.select(text, {direction.thing: thing, "predicate": predicate}))
    return [row[0] for row in rows], page


# ── Things without a name ────────────────────────────────────────────────────────────────────────────────────

_GIST = 3
_GISTS_A_PAGE = 200
_FACTS_A_GIST = 20


def gists(things: Iterable[Term], besides: Term) -> dict[NamedNode, list[tuple[NamedNode, Term]]]:
    """For things without a label: a few of their facts that say which they are, links before figures.

    The fact that leads back to `besides`, the thing whose page it is, would say nothing.
    """
    things = sorted({thing for thing in things if isinstance(thing, NamedNode)}, key=lambda thing: thing.value)[:_GISTS_A_PAGE]
    if not things:
        return {}
    text = f"SELECT ?thing ?predicate ?object WHERE {{ VALUES ?thing {{ {' '.join(map(str, things))} }} ?thing ?predicate ?object }}"
    facts: dict[NamedNode, list[tuple[NamedNode, Term]]] = defaultdict(list)
    for thing, predicate, value in current.select(text):
        if predicate != RDF_TYPE and value != besides:
            facts[thing].append((predicate, value))
    return {thing: _most_telling(each) for thing, each in facts.items() if len(each) <= _FACTS_A_GIST}


def _most_telling(facts: list[tuple[NamedNode, Term]]) -> list[tuple[NamedNode, Term]]:
    """Properties of one value before those of many, links before literals."""
    often = Counter(predicate for predicate, _ in facts)
    return sorted(facts, key=lambda fact: (often[fact[0]], isinstance(fact[1], Literal), fact[0].value))[:_GIST]


# ── Provenance ───────────────────────────────────────────────────────────────────────────────────────────────


def _sources(thing: Term, direction: Direction, predicate: NamedNode, values: Sequence[Term]) -> Sources:
    """The named graphs of the facts on one page; of blank nodes, which no query can name, nothing is found out."""
    named = [str(value) for value in values if isinstance(value, NamedNode | Literal)]
    text = (
        f"SELECT ?{direction.value} ?graph WHERE {{ VALUES ?{direction.value} {{ {' '.join(named)} }} "
        "GRAPH ?graph { ?subject ?predicate ?object } }"
    )
    found: Sources = defaultdict(list)
    for value, graph in current.select(text, {direction.thing: thing, "predicate": predicate}) if named else ():
        found[predicate, value].append(graph.value)
    return found


def _fact(value: Term, graphs: Iterable[str]) -> Fact:
    graphs = tuple(sorted(graphs))
    owners = current.owners()
    return Fact(value, graphs, any(owners.get(graph, "").startswith("infer:") for graph in graphs))


# ── The thing itself ─────────────────────────────────────────────────────────────────────────────────────────


def is_known(thing: Term) -> bool:
    """Whether any triple has it as subject, predicate or object."""
    return any(
        current.graph().query("ASK { ?subject ?predicate ?object }", bindings={position: thing})
        for position in ("subject", "object", "predicate")
        if position == "object" or not isinstance(thing, Literal)
        if position != "predicate" or not isinstance(thing, BlankNode)
    )


def similar(iri: NamedNode, most: int = 5) -> list[NamedNode]:
    """Things of other namespaces whose IRIs end as this one does, the most alike first, for a page about an unknown IRI."""
    tail = re.split("[/#]", iri.value.rstrip("/#"))[-1]
    examples = [example for (example,) in current.select("SELECT (SAMPLE(?thing) AS ?example) WHERE { ?thing a ?class } GROUP BY ?class")]
    namespaces = {re.sub("[^/#]*$", "", example.value) for example in examples if isinstance(example, NamedNode)}
    namespaces |= set(current.graph().prefixes.values())
    candidates = " ".join(f"<{namespace}{tail}>" for namespace in sorted(namespaces))
    known = [row[0] for row in current.select(f"SELECT DISTINCT ?thing WHERE {{ VALUES ?thing {{ {candidates} }} ?thing a ?class }}")]
    return sorted(known, key=lambda thing: -SequenceMatcher(None, thing.value, iri.value).ratio())[:most]
