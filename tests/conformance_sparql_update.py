"""The W3C SPARQL 1.1 Update suite: each request is run, and the whole dataset compared up to blank nodes."""

from __future__ import annotations

from pyoxigraph import CanonicalizationAlgorithm, Dataset, DefaultGraph, NamedNode, Quad, RdfFormat, parse

from kg.errors import KgError, QuerySyntaxError
from kg.sparql.parser import parse_update
from kg.sparql.update import update
from kg.store import Store, documents
from tests.conformance import SUITES, Case, graph_data, read, walk

MANIFEST = SUITES / "sparql11/manifest-sparql11-update.ttl"

# Cases that fail, each with the reason why they may: none.
FAILING: dict[str, str] = {}


def run() -> tuple[int, int, dict[str, str]]:
    """How many cases pass, how many there are, and why the others fail."""
    cases = list(walk(MANIFEST))
    failed = {case.id: FAILING.get(case.id, reason) for case in cases if (reason := outcome(case)) is not None}
    return len(cases) - len(failed), len(cases), failed


def outcome(case: Case) -> str | None:
    """None where a case passes, else what went wrong."""
    try:
        return _changed(case) if case.type == "UpdateEvaluationTest" else _parsed(case)
    except KgError as error:
        return str(error)


def _parsed(case: Case) -> str | None:
    try:
        parse_update(read(case.action), base=case.action.as_uri())
    except QuerySyntaxError as error:
        return None if case.type.startswith("Negative") else str(error)
    return "accepted, though it must be refused" if case.type.startswith("Negative") else None


def _changed(case: Case) -> str | None:
    request = case.action["request"][0]
    with Store.memory() as store:
        _load(store, case.action)
        update(store, read(request), strict=True, base=request.as_uri())
        found, expected = canonical(dataset(store)), canonical(_expected(case.result))
    return None if found == expected else f"found {found}, expected {expected}"


def _load(store: Store, action: dict[str, list]) -> None:
    for path in action.get("data", []):
        documents.load(store, path)
    for name, path in graph_data(action):
        documents.load(store, path, graph=name)
        store.create_graph(name)  # a graph without triples is a graph


def _expected(result: dict[str, list] | str) -> Dataset:
    if not isinstance(result, dict):
        return Dataset()
    sources = [(DefaultGraph(), path) for path in result.get("data", [])]
    sources += [(NamedNode(name), path) for name, path in graph_data(result)]
    return Dataset(
        Quad(quad.subject, quad.predicate, quad.object, graph)
        for graph, path in sources
        for quad in parse(path.read_bytes(), RdfFormat.TURTLE, base_iri=path.as_uri(), rename_blank_nodes=True)
    )


def dataset(store: Store) -> Dataset:
    """Everything in a store."""
    rows = store.connection.execute("SELECT g, s, p, o FROM quads").fetchall()
    terms = store.decode({term for row in rows for term in row if term})
    return Dataset(Quad(terms[s], terms[p], terms[o], terms[g] if g else DefaultGraph()) for g, s, p, o in rows)


def canonical(quads: Dataset) -> list[str]:
    """A list that is equal for datasets that are equal up to blank nodes."""
    quads.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return sorted(str(quad) for quad in quads)
