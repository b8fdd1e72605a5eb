"""The W3C SPARQL 1.1 Update suite: each request is run, and the whole dataset compared up to blank nodes."""

from __future__ import annotations

from pyoxigraph import CanonicalizationAlgorithm, Dataset, DefaultGraph, NamedNode, Quad, RdfFormat, parse

from kg.errors import KgError
from tests.conformance import SUITES, Case, graph_data, read, walk
from tests.conformance_engines import Engine, Given, Guanxi, Refused

GUANXI = Guanxi()
MANIFEST = SUITES / "sparql11/manifest-sparql11-update.ttl"

# Cases that fail, each with the reason why they may: none.
FAILING: dict[str, str] = {}


def run(engine: Engine = GUANXI) -> tuple[int, int, dict[str, str]]:
    """How many cases pass, how many there are, and why the others fail."""
    cases = list(walk(MANIFEST))
    failed = {case.id: FAILING.get(case.id, reason) for case in cases if (reason := outcome(case, engine)) is not None}
    return len(cases) - len(failed), len(cases), failed


def outcome(case: Case, engine: Engine = GUANXI) -> str | None:
    """None where a case passes, else what went wrong. Any exception of a peer is a failure, those of ours are to be KgErrors."""
    try:
        return _changed(case, engine) if case.type == "UpdateEvaluationTest" else _parsed(case, engine)
    except KgError as error:
        return str(error)
    except Exception as error:
        if engine is GUANXI:
            raise
        return f"{type(error).__name__}: {error}"


def _parsed(case: Case, engine: Engine) -> str | None:
    try:
        engine.parse(read(case.action), case.action.as_uri(), is_update=True)
    except Refused as error:
        return None if case.type.startswith("Negative") else str(error)
    return "accepted, though it must be refused" if case.type.startswith("Negative") else None


def _changed(case: Case, engine: Engine) -> str | None:
    request = case.action["request"][0]
    after = engine.update(Given(case.action.get("data", []), graph_data(case.action)), read(request), request.as_uri())
    found, expected = canonical(after), canonical(_expected(case.result))
    return None if found == expected else f"found {found}, expected {expected}"


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


def canonical(quads: Dataset) -> list[str]:
    """A list that is equal for datasets that are equal up to blank nodes."""
    quads.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return sorted(str(quad) for quad in quads)
