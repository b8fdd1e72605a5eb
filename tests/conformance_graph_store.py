"""Driver of the W3C suite of the SPARQL 1.1 Graph Store HTTP Protocol: replays each case's requests on one writable server."""

from __future__ import annotations

from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph
from tests.conformance import SUITES, Case, walk
from tests.conformance_protocol import project

MANIFEST = "sparql11/graph-store-protocol/manifest.ttl"
_ENDPOINT = "/gsp"  # of the suite


def fault(case: Case) -> str | None:
    """Why the case fails, or None."""
    with project() as folder, KnowledgeGraph.open(folder) as graph:
        graph.load(b"", graph="urn:none", format="nt")  # there must be a graph, be it empty
        client = create_app(graph, writable=True).test_client()
        variables: dict[str, str] = {}
        for number, request in enumerate(case.action["requests"][0], 1):
            if (reason := _fault_of(client, request, variables)) is not None:
                return f"request {number}, {request['methodName'][0]}: {reason}"
    return None


def _fault_of(client, request: dict, variables: dict[str, str]) -> str | None:
    path = request["absolutePath"][0].replace(_ENDPOINT, "/graph-store", 1)
    for name, value in variables.items():
        path = path.replace(name, value)
    response = client.open(path, method=request["methodName"][0], headers=_headers(request), data=_body(request))
    expected = request["resp"][0]
    wanted = {status.rpartition("#")[2] for status in expected["expectedStatus"]}
    if response.status_code not in {_STATUS[name] for name in wanted}:
        return f"status {response.status_code}, wanted {sorted(wanted)}: {response.text[:200]}"
    for name, value in _headers(expected).items():
        if response.headers.get(name) != value:
            return f"{name} is {response.headers.get(name)}, wanted {value}"
    if variable := expected.get("expectedLocation"):
        if "Location" not in response.headers:
            return "there is no Location"
        variables[variable[0]] = response.headers["Location"]
    body = _body(expected)
    if body is not None and _canonical(response.data) != _canonical(body):
        return f"another graph: {response.text[:300]}"
    return None


_STATUS = {"OK": 200, "Created": 201, "NoContent": 204, "NotFound": 404}


def _headers(message: dict) -> dict[str, str]:
    return {each["fieldName"][0]: each["fieldValue"][0] for each in message.get("headers", [[]])[0]}


def _body(message: dict) -> bytes | None:
    body = message.get("body")
    return body[0]["chars"][0].encode(body[0]["characterEncoding"][0]) if body else None


def _canonical(turtle: bytes) -> set:
    graph = Dataset(parse(turtle, format=RdfFormat.TURTLE, base_iri="http://www.example/gsp"))
    graph.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return set(graph)


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, reasons) for the conformance report."""
    found = list(walk(SUITES / MANIFEST))
    failed = {case.id: reason for case in found if (reason := fault(case)) is not None}
    return len(found) - len(failed), len(found), failed
