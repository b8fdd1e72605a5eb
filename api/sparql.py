"""/sparql: the operations of the SPARQL 1.1 Protocol, and a page to write queries on."""

from __future__ import annotations

from flask import Blueprint, Response, json, make_response, render_template, request, url_for

from api import answers, conditional, current, description, editor, negotiation, operations, running, writing
from api.messages import message
from api.negotiation import HTML, JSON, PLAIN_JSON, TEXT, TRIPLES, TURTLE
from api.operations import QueryRequest, UpdateRequest
from api.problems import status_of
from api.request_errors import WebError
from kg.errors import KgError
from kg.saved_queries import find, load

blueprint = Blueprint("sparql", __name__)


@blueprint.route("/sparql", methods=["GET", "POST"])
@blueprint.route("/sparql/", methods=["GET", "POST"], endpoint="with_slash")
def endpoint() -> Response:
    """Answer a query or do an update; without either, show the page to people and describe the service to programs."""
    if request.method in ("GET", "HEAD") and "query" not in request.args:
        if negotiation.prefers_html(request.headers.get("Accept"), JSON, TURTLE):
            return _page(_example_text())
        if set(request.args) <= {"format"} and _wants_description():
            return description.service()
        raise WebError("W102", "there is no query", help="send ?query=…, or POST the query as application/sparql-query")
    asked = operations.read()
    if isinstance(asked, UpdateRequest):
        return _updated_page(asked) if negotiation.prefers_html(request.headers.get("Accept"), JSON, PLAIN_JSON) else writing.update(asked)
    if asked.explain:
        return _explanation(asked)
    if not _wants_page(asked):
        return _answer(asked)
    try:
        result = _run(asked)
        answer = answers.on_page(result, asked.limit)
    except KgError as error:
        return _page(asked.text, asked, error=error)
    return _page(asked.text, asked, answer=answer, links=_links(asked, answers.offered_for(result)))


def _wants_description() -> bool:
    """Whether the client takes RDF; a client of query results alone has forgotten its query."""
    accept = request.headers.get("Accept")
    return bool(request.args) or any(negotiation.accepts(accept, each) for each in TRIPLES)


def _answer(asked: QueryRequest) -> Response:
    if request.method == "POST" or conditional.is_volatile(asked.text):
        return _result(asked)
    return conditional.answer(lambda: _result(asked))


def _result(asked: QueryRequest) -> Response:
    result = _run(asked)
    offered = answers.offered_for(result)
    format = negotiation.named(asked.format, offered) if asked.format else negotiation.choose(request.headers.get("Accept"), offered)
    return answers.respond(result, format, asked.text, asked.limit)


def _explanation(asked: QueryRequest) -> Response:
    """What becomes of the query, as JSON or as text for people; the query runs, its rows are thrown away."""
    format = negotiation.choose(request.headers.get("Accept"), (PLAIN_JSON, TEXT)) if asked.format is None else negotiation.named(asked.format, (PLAIN_JSON, TEXT))
    found = current.graph().explain_query(
        asked.text, timeout=asked.timeout, default_graphs=asked.default_graphs, named_graphs=asked.named_graphs, stop=running.begin(asked.text)
    )
    return Response(found.text() if format is TEXT else json.dumps(found.as_dict(), ensure_ascii=False) + "\n", content_type=format.content_type)


def _run(asked: QueryRequest) -> answers.Result:
    return current.graph().query(
        asked.text, timeout=asked.timeout, rows=asked.limit, partial=True, default_graphs=asked.default_graphs, named_graphs=asked.named_graphs,
        stop=running.begin(asked.text),
    )  # fmt: skip


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────


def _wants_page(asked: QueryRequest) -> bool:
    if asked.format:
        return asked.format.lower() in (HTML.name, HTML.media_type)
    return negotiation.prefers_html(request.headers.get("Accept"), JSON, TURTLE)


def _page(text: str, asked: QueryRequest | None = None, answer=None, links=None, error: KgError | None = None, **of_update: object) -> Response:
    html = render_template(
        "sparql.html", text=text, timeout=asked and asked.timeout, answer=answer, links=links, error=error,
        limits=current.graph().limits, examples=load(current.project()), has_editor=editor.is_installed(), is_writable=writing.is_allowed(), **of_update,
    )  # fmt: skip
    return make_response(html, status_of(error) if error else 200)


def _updated_page(asked: UpdateRequest) -> Response:
    """The page again, with what the update changed or why it did not."""
    try:
        done = writing.change(asked)
    except KgError as error:
        page = _page(_example_text(), update_text=asked.text, update_error=error)
        page.status_code = status_of(error)
        return page
    return _page(_example_text(), update_text=asked.text, update_report=message("update_done", inserted=done["inserted"], deleted=done["deleted"]))


def _example_text() -> str:
    if key := request.args.get("example"):
        return find(current.project(), key).text
    return "SELECT ?class (COUNT(*) AS ?things) WHERE {\n  ?thing a ?class\n}\nGROUP BY ?class\nORDER BY DESC(?things)\n"


def _links(asked: QueryRequest, offered: tuple[negotiation.Format, ...]) -> dict[str, str]:
    parameters = {"query": asked.text, "timeout": asked.timeout, "limit": asked.limit,
                  "default-graph-uri": list(asked.default_graphs), "named-graph-uri": list(asked.named_graphs)}  # fmt: skip
    return {each.name: url_for("sparql.endpoint", format=each.name, **parameters) for each in offered}
