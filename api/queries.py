"""/queries: every saved query as an endpoint with typed parameters, in every format and as a page with a form."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from pyoxigraph import NamedNode

from api import answers, cards, conditional, current, negotiation, running, things
from api.display import Shown
from api.negotiation import HTML, JSON, PLAIN_JSON, SOLUTIONS, TRIPLES, TURTLE, Format
from api.problems import status_of
from api.request_errors import WebError
from kg import KgError, exports, saved_queries
from kg.errors import QueryError, did_you_mean
from kg.saved_queries import Parameter, SavedQuery

blueprint = Blueprint("queries", __name__)

_OWN_PARAMETERS = ("format", "lang", "limit", "offset", "timeout")  # of this server, unless the query declares one of that name
_INPUTS = {"integer": "number", "decimal": "number", "date": "date"}
_CHOICES = 30


@blueprint.get("/queries")
def every_query() -> Response:
    """The saved queries by domain, as a page or as JSON."""
    queries = saved_queries.load(current.project())
    if not _wants_html():
        return jsonify({"queries": [_described(query) for query in queries]})
    domains = {domain: list(each) for domain, each in groupby(queries, key=lambda query: query.domain)}
    return make_response(render_template("queries.html", domains=domains))


@blueprint.get("/queries/<path:key>")
def one_query(key: str) -> Response:
    """The answer of a saved query; `.json`, `.csv`, `.ttl` … or `format=` or Accept choose its form."""
    if key.endswith(".graphml"):
        query, _ = _find(key.removesuffix(".graphml"))
        return _written(query.key, "graphml", _with_names_found(query, _arguments(query)))
    if key.endswith(".svg"):
        query = _find(key.removesuffix(".svg"))[0]
        return Response(cards.svg(query, _with_names_found(query, _arguments(query))), content_type="image/svg+xml; charset=utf-8")
    query, suffix = _find(key)
    arguments = _arguments(query)
    wished = request.args.get("format") if "format" not in {p.name for p in query.parameters} else None
    if suffix is None and (wished == HTML.name if wished else _wants_html()):
        return _page(query, arguments)
    name = wished or (suffix and suffix.name)
    if conditional.is_volatile(query.text):
        return _answer(query, arguments, name)
    return conditional.answer(lambda: _answer(query, arguments, name), query.text)


@blueprint.get("/exports/<path:key>.json")
def one_export(key: str) -> Response:
    """An export of exports/<domain>, written as it is made."""
    if exports.find(current.project(), key) is None:
        raise WebError("W110", f"there is no export {key}", 404, did_you_mean(key, [file.key for file in current.project().exports()]))
    return _written(key, "json", {})


_WRITTEN = {"json": "application/json", "graphml": "application/graphml+xml"}


def _written(key: str, format: str, arguments: dict[str, str]) -> Response:
    chunks = exports.written(current.graph(), key, format, arguments)
    return Response("".join(chunks), content_type=f"{_WRITTEN[format]}; charset=utf-8")


def _answer(query: SavedQuery, arguments: dict[str, str], name: str | None) -> Response:
    result = _run(query, arguments)
    offered = answers.offered_for(result)
    format = negotiation.named(name, offered) if name else negotiation.choose(request.headers.get("Accept"), offered)
    limit = _limit(query)
    response = answers.respond(result, format, query.text, limit)
    if limit is None or "Guanxi-Partial" not in response.headers:
        return response
    own = {each: value for each, value in request.args.items() if each in ("format", "lang", "timeout") and each not in arguments}
    following = url_for("queries.one_query", key=request.view_args["key"], **arguments, **own, limit=limit, offset=_offset(query) + limit)
    return answers.with_pages(response, None, following)


def _find(key: str) -> tuple[SavedQuery, Format | None]:
    project = current.project()
    keys = {file.key: file for file in project.queries()}
    stem, suffix = (key, None) if key in keys else negotiation.split_suffix(key, (*SOLUTIONS, *TRIPLES))
    if stem in keys:
        return saved_queries.read(project, keys[stem]), suffix
    try:
        return saved_queries.find(project, stem), suffix
    except QueryError as error:
        raise WebError(error.code, error.message, 404, error.help) from None


def _arguments(query: SavedQuery) -> dict[str, str]:
    declared = {parameter.name for parameter in query.parameters}
    arguments = {}
    for name, values in request.args.lists():
        if name in _OWN_PARAMETERS and name not in declared:
            continue
        if len(values) > 1:
            raise WebError("W107", f"{name} stands {len(values)} times", help="give each parameter once")
        arguments[name] = values[0]
    return arguments


def _run(query: SavedQuery, arguments: dict[str, str]) -> answers.Result:
    bindings = query.bindings(_with_names_found(query, arguments), current.graph().prefixes)
    declared = {parameter.name for parameter in query.parameters}
    timeout = None if "timeout" in declared else current.whole_number("timeout", None, 1)
    return current.graph().query(query, bindings=bindings, timeout=timeout, rows=_limit(query), offset=_offset(query), partial=True, stop=running.begin(query.text))


def _offset(query: SavedQuery) -> int:
    return 0 if "offset" in {parameter.name for parameter in query.parameters} else current.whole_number("offset", 0, 0)


def _limit(query: SavedQuery) -> int | None:
    return None if "limit" in {parameter.name for parameter in query.parameters} else current.whole_number("limit", None, 1)


def _with_names_found(query: SavedQuery, arguments: dict[str, str]) -> dict[str, str]:
    """The arguments that have a value; where an IRI is wanted and a name is given, the IRI of the one thing of that name."""
    given = {name: value for name, value in arguments.items() if value}
    for parameter in query.parameters:
        name = given.get(parameter.name, "").strip()
        if parameter.type == "IRI" and name and ":" not in name and not name.startswith("<"):
            thing = things.called(name, _class(parameter))
            if thing is not None:
                given[parameter.name] = str(thing)
    return given


def _wants_html() -> bool:
    return negotiation.prefers_html(request.headers.get("Accept"), JSON, PLAIN_JSON, TURTLE)


def _described(query: SavedQuery) -> dict[str, object]:
    return {
        "key": query.key,
        "questions": dict(query.questions),
        "parameters": [
            {"name": p.name, "type": p.type, "class": p.of_class, "default": p.default, "example": p.example, "required": p.default is None}
            for p in query.parameters
        ],
        "show": str(query.show),
        "url": url_for("queries.one_query", key=query.key),
    }  # fmt: skip


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Field:
    """One input of the form."""

    name: str
    hint: str
    value: str
    input: str
    step: str
    placeholder: str
    is_required: bool
    choices: tuple[Shown, ...] = ()


def _page(query: SavedQuery, arguments: dict[str, str]) -> Response:
    """The form, and the answer under it once every required parameter has a value."""
    answer = error = links = None
    is_asked = all(arguments.get(p.name) or p.default is not None for p in query.parameters)
    if is_asked or any(arguments.values()):
        try:
            result = _run(query, arguments)
            answer = answers.on_page(result)
            links = cards.links_of(query, arguments, result)
        except KgError as raised:
            error = raised
    example = query.examples()
    html = render_template(
        "query.html", query=query, fields=[_field(p, arguments) for p in query.parameters], answer=answer, links=links, error=error,
        example=url_for("queries.one_query", key=query.key, **example) if example and example != arguments else None,
    )  # fmt: skip
    return make_response(html, status_of(error) if error else 200)


def _field(parameter: Parameter, arguments: dict[str, str]) -> Field:
    of_class = _class(parameter)
    hint = answers.display_of([of_class]).name(of_class) if of_class else parameter.type
    return Field(
        name=parameter.name,
        hint=hint,
        value=arguments.get(parameter.name) or parameter.default or "",
        input=_INPUTS.get(parameter.type, "text"),
        step="1" if parameter.type == "integer" else "any",
        placeholder=parameter.example or "",
        is_required=parameter.default is None,
        choices=things.some(of_class, _CHOICES) if of_class else (),
    )


def _class(parameter: Parameter) -> NamedNode | None:
    return saved_queries.iri(parameter.of_class, current.graph().prefixes) if parameter.of_class else None
