"""Other SPARQL endpoints that SERVICE may ask: the allow-list, the limits, the answers, and the way there over HTTP.

    N101 the endpoint cannot be reached        N102 it is too slow          N103 it answers with an error
    N104 its answer is not SPARQL results      N105 its answer is too large
    Q601 the endpoint is not on the allow-list   Q604 it has too many solutions
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse
from urllib import request
from urllib.error import HTTPError, URLError

from pyoxigraph import BlankNode, QueryResultsFormat, QuerySolutions, Triple, parse_query_results
from SPARQLWrapper import GET, JSON, POST, SELECT, SPARQLWrapper

from kg.errors import LimitExceeded, QueryError, QueryTimeout, RemoteError
from kg.sparql.deadline import Stop
from kg.sparql.values import Term

# Servers and proxies cut addresses somewhat above 2000 characters.
_LONGEST_GET = 1500
_MOST_BYTES = 256 * 1024 * 1024

Transport = Callable[[str, str, float], bytes]  # (endpoint, query, seconds) → SPARQL results in JSON; raises RemoteError


@dataclass(frozen=True)
class RemoteRows:
    """What an endpoint answered: rows of terms in the order of `variables`, None where unbound."""

    variables: tuple[str, ...]
    rows: list[tuple[Term | None, ...]]


def over_http(endpoint: str, query: str, seconds: float) -> bytes:
    """The answer of an endpoint, by GET, or POST for a long query (SPARQL 1.1 Protocol, 2.1)."""
    wrapper = _Wrapper(endpoint, returnFormat=JSON, agent="guanxi")
    wrapper.setOnlyConneg(True)
    wrapper.setMethod(POST if len(query) > _LONGEST_GET or "?" in endpoint else GET)
    wrapper.setQuery(query)
    wrapper.queryType = SELECT
    wrapper.timeout = seconds
    ends = time.monotonic() + seconds
    try:
        with wrapper.query().response as response:
            return _read(endpoint, response, ends, seconds)
    except HTTPError as error:
        said = error.read(300).decode("utf-8", "replace").strip()
        error.close()
        raise RemoteError("N103", f"{endpoint} answered with status {error.code}", notes=[said] if said else [], help=_help(error.code)) from None
    except TimeoutError:
        raise _too_slow(endpoint, seconds) from None
    except (URLError, HTTPException, OSError, ValueError) as error:
        if isinstance(error, URLError) and isinstance(error.reason, TimeoutError):
            raise _too_slow(endpoint, seconds) from None
        notes = [str(getattr(error, "reason", error))]
        raise RemoteError("N101", f"{endpoint} cannot be reached", notes=notes, help="try again later, or write SERVICE SILENT to do without it") from None


class _Wrapper(SPARQLWrapper):
    """A SPARQLWrapper that follows no redirect, which could lead off the allow-list."""

    def _query(self) -> tuple[HTTPResponse, str]:
        return _opener.open(self._createRequest(), timeout=self.timeout), self.returnFormat


class _NoRedirect(request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _http_only() -> request.OpenerDirector:
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler, request.UnknownHandler, request.HTTPHandler, request.HTTPSHandler, request.HTTPDefaultErrorHandler, _NoRedirect,
        request.HTTPErrorProcessor,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


_opener = _http_only()


def _read(endpoint: str, response: HTTPResponse, ends: float, seconds: float) -> bytes:
    """The body, while there is time: an endpoint that sends a byte now and then is too slow as well."""
    parts, size = [], 0
    while part := response.read1(65_536):
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise RemoteError("N105", f"the answer of {endpoint} has more than {_MOST_BYTES >> 20} MB", help="narrow the pattern of SERVICE")
        if time.monotonic() > ends:
            raise _too_slow(endpoint, seconds)
    return b"".join(parts)


def _too_slow(endpoint: str, seconds: float) -> RemoteError:
    return RemoteError("N102", f"{endpoint} did not answer within {seconds:.3g} s", help="narrow the pattern of SERVICE, or allow more time")


def _help(status: int) -> str | None:
    if 300 <= status < 400:
        return "write the address that it redirects to, and put that one on the allow-list"
    return "try the pattern of SERVICE at the endpoint itself" if status < 500 else None


@dataclass(frozen=True)
class Services:
    """Which endpoints may be asked, and how long (seconds) and large an answer may be. `transport` brings a query there.

    One that has no endpoint refuses all. Answers are kept for the query under way: see `until`.
    """

    allow: tuple[str, ...] = ()
    timeout: float = 30.0
    rows: int = 1_000_000
    transport: Transport = over_http
    ends: float | None = None  # time.monotonic() of the end of the whole query
    stop: Stop | None = None
    _answers: dict[tuple[str, str], RemoteRows] = field(default_factory=dict)

    def until(self, seconds: float | None, stop: Stop | None = None) -> Services:
        """The same for one query, which has so many seconds for everything, and may be stopped."""
        return replace(self, ends=None if seconds is None else time.monotonic() + seconds, stop=stop, _answers={})

    def remaining(self) -> float | None:
        """Seconds that the query still has; QueryTimeout where it has none, None where there is no limit. Raises what stopped the query."""
        if self.stop is not None:
            self.stop.check()
        if self.ends is None:
            return None
        left = self.ends - time.monotonic()
        if left <= 0:
            raise QueryTimeout("Q402", "the query was stopped while it asked another endpoint", help="narrow the pattern of SERVICE, or ask for more time")
        return left

    def check(self, endpoint: str) -> None:
        """QueryError Q601 where an endpoint may not be asked."""
        if endpoint not in self.allow:
            raise QueryError(
                "Q601", f"SERVICE may not ask {endpoint}: it is not on the allow-list",
                help=f'add it to kg.toml: [federation] allow = ["{endpoint}"]',
            )  # fmt: skip

    def ask(self, endpoint: str, query: str) -> RemoteRows:
        """The solutions that an endpoint has for a SELECT; QueryError Q601 or RemoteError where it may not or cannot answer."""
        self.check(endpoint)
        if (endpoint, query) not in self._answers:
            remaining = self.remaining()
            body = self.transport(endpoint, query, self.timeout if remaining is None else min(self.timeout, remaining))
            self.remaining()
            self._answers[endpoint, query] = self._parsed(endpoint, body)
        return self._answers[endpoint, query]

    def _parsed(self, endpoint: str, body: bytes) -> RemoteRows:
        """SPARQL results in JSON; their blank nodes are new ones, for labels are of one answer only."""
        nodes: dict[str, BlankNode] = {}
        try:
            solutions = parse_query_results(body, format=QueryResultsFormat.JSON)
            if not isinstance(solutions, QuerySolutions):
                raise SyntaxError("it is a boolean")
            names = tuple(variable.value for variable in solutions.variables)
            rows = []
            for solution in solutions:
                rows.append(tuple(_renamed(solution[name], nodes) for name in names))
                if len(rows) > self.rows:
                    raise LimitExceeded("Q604", f"{endpoint} has more than {self.rows} solutions", help="narrow the pattern of SERVICE")
        except (SyntaxError, ValueError) as error:
            notes = [str(error).split(" (line")[0]]
            raise RemoteError("N104", f"the answer of {endpoint} is not SPARQL results in JSON", notes=notes, help="is that address a SPARQL endpoint?") from None
        return RemoteRows(names, rows)


def _renamed(term: Term | None, nodes: dict[str, BlankNode]) -> Term | None:
    if isinstance(term, BlankNode):
        return nodes.setdefault(term.value, BlankNode())
    if isinstance(term, Triple):
        return Triple(_renamed(term.subject, nodes), term.predicate, _renamed(term.object, nodes))
    return term
