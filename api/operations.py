"""The operations of the SPARQL 1.1 Protocol (sections 2.1 and 2.2), read from a request: a query or an update."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from api import current
from api.request_errors import WebError

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"


@dataclass(frozen=True)
class QueryRequest:
    """A query operation as received; the graphs of the protocol take the place of FROM and FROM NAMED.

    Graphs are those of this store; a name that it does not know is an empty graph, and nothing is ever fetched.
    """

    text: str
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    timeout: int | None
    limit: int | None
    format: str | None
    explain: bool = False


@dataclass(frozen=True)
class UpdateRequest:
    """An update operation as received; the graphs of the protocol take the place of USING and USING NAMED."""

    text: str
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    timeout: int | None


def read() -> QueryRequest | UpdateRequest:
    """The operation of this request: GET, POST of a form, or POST of the text itself (2.1.1 to 2.1.3, 2.2.1, 2.2.2)."""
    if request.method in ("GET", "HEAD"):
        return _query(_the_one("query"))
    if request.mimetype == QUERY:
        return _query(decoded_text())
    if request.mimetype == UPDATE:
        return _update(decoded_text())
    if request.mimetype == FORM:
        if "query" in request.form and "update" in request.form:
            raise WebError("W103", "the form has a query and an update", help="send them one after the other")
        return _update(_the_one("update")) if "update" in request.form else _query(_the_one("query"))
    raise WebError("W415", f"an operation cannot be sent as {request.mimetype or 'a body without Content-Type'}", status=415,
                   help=f"use Content-Type: {FORM}, {QUERY} or {UPDATE}")  # fmt: skip


def _query(text: str) -> QueryRequest:
    default_graphs, named_graphs = _graphs("default-graph-uri", "named-graph-uri")
    return QueryRequest(
        text, default_graphs, named_graphs, _timeout(), current.whole_number("limit", None, 1), request.values.get("format") or None,
        request.values.get("explain", "0") not in ("", "0", "false"),
    )


def _update(text: str) -> UpdateRequest:
    return UpdateRequest(text, *_graphs("using-graph-uri", "using-named-graph-uri"), _timeout())


def _timeout() -> int | None:
    return current.whole_number("timeout", None, 1)


def _graphs(*names: str) -> tuple[tuple[str, ...], ...]:
    """The graphs that the form names, or else the address."""
    parameters = request.form if any(request.form.getlist(name) for name in names) else request.args
    return tuple(tuple(parameters.getlist(name)) for name in names)


def _the_one(name: str) -> str:
    texts = (request.args if request.method in ("GET", "HEAD") else request.form).getlist(name)
    if len(texts) != 1:
        raise WebError("W103", f"there must be exactly one {name} parameter" if texts else f"there is no {name}")
    return texts[0]


def decoded_text() -> str:
    """The body as text; SPARQL is UTF-8."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise WebError("W415", f"SPARQL must be UTF-8, not {charset}", status=415)
    try:
        return request.get_data().decode()
    except UnicodeDecodeError as error:
        raise WebError("W104", f"the text is not UTF-8 at byte {error.start}") from None
