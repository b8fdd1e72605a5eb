"""/sparql: the query operation of the SPARQL 1.1 Protocol (section 2.1), and a page to write queries on."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for

from api import answers, current, negotiation
from api.negotiation import HTML, JSON, TURTLE
from api.problems import status_of
from api.request_errors import WebError
from kg.errors import KgError
from kg.saved_queries import find, load

blueprint = Blueprint("sparql", __name__)

_FORM = "application/x-www-form-urlencoded"
_QUERY = "application/sparql-query"
_UPDATE = "application/sparql-update"


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


@blueprint.route("/sparql", methods=["GET", "POST"])
@blueprint.route("/sparql/", methods=["GET", "POST"], endpoint="with_slash")
def endpoint() -> Response:
    """Answer a query; without one, show the page to people and say what is missing to programs."""
    if request.method in ("GET", "HEAD") and "query" not in request.args:
        if negotiation.prefers_html(request.headers.get("Accept"), JSON, TURTLE):
            return _page(_example_text())
        raise WebError("W102", "there is no query", help="send ?query=…, or POST the query as application/sparql-query")
    asked = _read_request()
    if not _wants_page(asked):
        return _answer(asked)
    try:
        result = _run(asked)
        answer = answers.on_page(result, asked.limit)
    except KgError as error:
        return _page(asked.text, asked, error=error)
    return _page(asked.text, asked, answer=answer, links=_links(asked, answers.offered_for(result)))


def _answer(asked: QueryRequest) -> Response:
    result = _run(asked)
    offered = answers.offered_for(result)
    format = negotiation.named(asked.format, offered) if asked.format else negotiation.choose(request.headers.get("Accept"), offered)
    return answers.respond(result, format, asked.limit)


def _run(asked: QueryRequest) -> answers.Result:
    return current.graph().query(
        asked.text, timeout=asked.timeout, default_graphs=asked.default_graphs, named_graphs=asked.named_graphs
    )


# ── The request ──────────────────────────────────────────────────────────────────────────────────────────────


def _read_request() -> QueryRequest:
    """The three ways to send a query: GET, POST of a form, POST of the text itself (2.1.1 to 2.1.3)."""
    parameters = request.args
    if request.method in ("GET", "HEAD"):
        text = _the_one(parameters.getlist("query"))
    elif request.mimetype == _QUERY:
        text = _decoded(request.get_data())
    elif request.mimetype == _FORM:
        if "update" in request.form:
            raise _read_only()
        text = _the_one(request.form.getlist("query"))
        parameters = request.form if request.form.getlist("default-graph-uri") or request.form.getlist("named-graph-uri") else request.args
    elif request.mimetype == _UPDATE:
        raise _read_only()
    else:
        raise WebError("W415", f"a query cannot be sent as {request.mimetype or 'a body without Content-Type'}", status=415,
                       help=f"use Content-Type: {_FORM} or {_QUERY}")  # fmt: skip
    return QueryRequest(
        text,
        tuple(parameters.getlist("default-graph-uri")),
        tuple(parameters.getlist("named-graph-uri")),
        current.whole_number("timeout", None, 1),
        current.whole_number("limit", None, 1),
        request.values.get("format") or None,
    )


def _the_one(texts: list[str]) -> str:
    if len(texts) != 1:
        raise WebError("W103", "there must be exactly one query parameter" if texts else "there is no query")
    return texts[0]


def _decoded(body: bytes) -> str:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise WebError("W415", f"a query must be UTF-8, not {charset}", status=415)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise WebError("W104", f"the query is not UTF-8 at byte {error.start}") from None


def _read_only() -> WebError:
    return WebError("W403", "this server answers queries only", status=403, help="change the graph by kg build or kg load")


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────


def _wants_page(asked: QueryRequest) -> bool:
    if asked.format:
        return asked.format.lower() in (HTML.name, HTML.media_type)
    return negotiation.prefers_html(request.headers.get("Accept"), JSON, TURTLE)


def _page(text: str, asked: QueryRequest | None = None, answer=None, links=None, error: KgError | None = None) -> Response:
    html = render_template(
        "sparql.html", text=text, timeout=asked and asked.timeout, answer=answer, links=links, error=error,
        limits=current.graph().limits, examples=load(current.project()),
    )  # fmt: skip
    return make_response(html, status_of(error) if error else 200)


def _example_text() -> str:
    if key := request.args.get("example"):
        return find(current.project(), key).text
    return "SELECT ?class (COUNT(*) AS ?things) WHERE {\n  ?thing a ?class\n}\nGROUP BY ?class\nORDER BY DESC(?things)\n"


def _links(asked: QueryRequest, offered: tuple[negotiation.Format, ...]) -> dict[str, str]:
    parameters = {"query": asked.text, "timeout": asked.timeout, "limit": asked.limit,
                  "default-graph-uri": list(asked.default_graphs), "named-graph-uri": list(asked.named_graphs)}  # fmt: skip
    return {each.name: url_for("sparql.endpoint", format=each.name, **parameters) for each in offered}
