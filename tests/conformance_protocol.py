"""Driver of the W3C suite of the SPARQL 1.1 Protocol: sends each case's requests to the server's test client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from api import create_app
from kg import KnowledgeGraph
from tests.conformance import SUITES, Case, graph_data, walk

MANIFEST = "sparql11/protocol/manifest.ttl"
_TABULAR = ("application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values")
_RDF = ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json")


def fault(case: Case) -> str | None:
    """Why the case fails, or None."""
    with project() as folder, KnowledgeGraph.open(folder) as graph:
        graph.load(b"", graph="urn:none", format="nt")  # there must be a graph, be it empty
        for name, file in graph_data(case.properties):
            graph.load(file.read_bytes(), graph=name, format="nt")
        client = create_app(graph, writable=True).test_client()
        for request in case.action["requests"][0]:
            if (reason := _fault_of(client, request)) is not None:
                return reason
    return None


@contextmanager
def project() -> Iterator[Path]:
    """A project of its own: its base is what relative IRIs of a query are resolved against."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "ontology" / "x").mkdir(parents=True)
        (Path(folder) / "kg.toml").write_text('[project]\nname = "x"\nbase = "https://example.org/"\ndomains = ["x"]\n')
        yield Path(folder)


def _fault_of(client, request: dict) -> str | None:
    headers = {each["fieldName"][0]: each["fieldValue"][0] for each in request.get("headers", [[]])[0]}
    body = request.get("body", [{}])[0]
    data = body["chars"][0].encode(body["characterEncoding"][0]) if body else None
    response = client.open(request["absolutePath"][0], method=request["methodName"][0], headers=headers, data=data)
    expected = request["resp"][0]
    wanted = {status.rpartition("StatusCode")[2][0] for status in expected["expectedStatus"]}
    if str(response.status_code)[0] not in wanted:
        return f"status {response.status_code}, wanted {wanted}: {response.text[:200]}"
    if "expectedFormat" not in expected:
        return None
    allowed = _RDF if expected["expectedFormat"] == ["RDF"] else _TABULAR
    if response.mimetype not in allowed:
        return f"{response.mimetype} is not {expected['expectedFormat'][0]}"
    if "expectedBoolean" in expected and str(response.get_json(force=True)["boolean"]).lower() != expected["expectedBoolean"][0]:
        return f"wanted {expected['expectedBoolean'][0]}"
    return None


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, reasons) for the conformance report."""
    found = list(walk(SUITES / MANIFEST))
    reasons = {case.id: fault(case) for case in found}
    failed = {name: reason for name, reason in reasons.items() if reason is not None}
    return len(found) - len(failed), len(found), failed
