"""Drives the W3C suite of SPARQL 1.1 Federated Query; stores in memory stand in for the endpoints that its manifest describes."""

from __future__ import annotations

from contextlib import ExitStack

from kg.errors import RemoteError
from kg.sparql.evaluate import evaluate
from kg.sparql.results import write_solutions
from kg.sparql.services import Services
from kg.store import Store
from kg.store.documents import load
from tests.conformance import SUITES, Case, read, walk
from tests.conformance_engines import answer_of
from tests.conformance_sparql import difference, failure

MANIFEST = "sparql11/manifest-sparql11-fed.ttl"


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    found = list(walk(SUITES / MANIFEST))
    failed = {case.id: reason for case in found if (reason := fault(case))}
    return len(found) - len(failed), len(found), failed


def fault(case: Case) -> str | None:
    """Why a case fails, None where it passes."""
    if "Syntax" in case.type:
        return failure(case)
    with ExitStack() as opened:
        store = opened.enter_context(Store.memory())
        for path in case.action.get("data", []):
            load(store, str(path), base=path.as_uri())
        endpoints = {}
        for each in case.action.get("serviceData", []):
            endpoint = opened.enter_context(Store.memory())
            for path in each["data"]:
                load(endpoint, str(path), base=path.as_uri())
            endpoints[each["endpoint"][0]] = endpoint
        query = case.action["query"][0]
        return difference(answer_of(evaluate(store, read(query), strict=True, base=query.as_uri(), services=standing_in(endpoints))), case.result, is_ordered=False)


def standing_in(endpoints: dict[str, Store], unreachable: str = "http://invalid.endpoint.org/sparql") -> Services:
    """Services that answer from stores, which may ask one another; `unreachable` may be asked and is not there."""

    def transport(endpoint: str, query: str, seconds: float) -> bytes:
        if endpoint not in endpoints:
            raise RemoteError("N101", f"{endpoint} cannot be reached")
        solutions = evaluate(endpoints[endpoint], query, services=services, timeout=seconds)
        return "".join(write_solutions(solutions.variables, solutions, "json")).encode()

    services = Services((*endpoints, unreachable), transport=transport)
    return services
