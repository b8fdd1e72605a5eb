"""/graph-store: the SPARQL 1.1 Graph Store HTTP Protocol. Whole graphs are read, replaced, merged, patched and deleted.

`?graph=IRI` names a graph, `?default` is the default graph, and /graph-store/x is the graph <base>x of the project.
An ETag holds as long as the graph has not changed, whatever else has: PUT with If-Match loses no one's work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request
from pyoxigraph import NamedNode

from api import compression, current, description, documents, negotiation, operations, writing
from api.negotiation import TRIPLES, Format
from api.request_errors import WebError
from kg.sparql.graph_store import Catalogued, GraphReport, catalogued
from kg.store import Store
from kg.store.documents import dump

blueprint = Blueprint("graph_store", __name__)

_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]
_IN_MEMORY = 8_000_000  # bytes of a serialized graph that are kept in memory; what is longer goes through a file
_CHUNK = 65_536


@blueprint.route("/graph-store", methods=_METHODS)
@blueprint.route("/graph-store/", methods=_METHODS, endpoint="with_slash")
@blueprint.route("/graph-store/<path:local>", methods=_METHODS, endpoint="direct")
def endpoint(local: str | None = None) -> Response:
    """One graph; without a name, POST makes a new one, and GET tells which there are."""
    names_no_graph = local is None and not ({"graph", "default"} & set(request.args))
    if names_no_graph and request.method == "POST":
        return _changed(_put(f"{current.project().base}graph/{uuid4()}", merge=True))
    if names_no_graph and request.method in ("GET", "HEAD"):
        return description.service()
    graph = _graph_of_path() if local is not None else _graph_of_parameters()
    if request.method in ("GET", "HEAD"):
        return _read(graph)
    if request.method == "DELETE":
        return _deleted(graph)
    if request.method == "PATCH":
        return _patched(graph)
    return _changed(_put(graph, merge=request.method == "POST"))


# ── Which graph (section 4) ──────────────────────────────────────────────────────────────────────────────────


def _graph_of_path() -> str:
    """Direct identification (4.1): the address below /graph-store/ stands for the IRI below the project's base."""
    if "graph" in request.args or "default" in request.args:
        raise WebError("W103", "the address names a graph, and a parameter names another", help="leave one of them out")
    return _iri(current.project().base + current.raw_path().partition("/graph-store/")[2])


def _graph_of_parameters() -> str | None:
    """Indirect identification (4.2); None for the default graph."""
    names, is_default = request.args.getlist("graph"), "default" in request.args
    if len(names) + is_default != 1:
        raise WebError("W103" if names else "W102", "the request must name one graph", help="send ?graph=IRI or ?default, once")
    return None if is_default else _iri(names[0])


def _iri(text: str) -> str:
    try:
        return NamedNode(text).value
    except ValueError:
        raise WebError("W106", f"{text!r} is no absolute IRI", help="name the graph by its whole IRI, percent-encoded") from None


# ── Reading (5.2, 5.6) ───────────────────────────────────────────────────────────────────────────────────────


def _read(graph: str | None) -> Response:
    store = current.graph().store
    if (found := catalogued(store, graph)) is None:
        raise _unknown(graph)
    wished = request.args.get("format")
    format = negotiation.named(wished, TRIPLES) if wished else negotiation.choose(request.headers.get("Accept"), TRIPLES)
    tag = _tag(found, format, compression.is_wanted())
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    elif request.method == "HEAD":
        response = Response(content_type=format.content_type)
    else:
        response = _document(store, graph, format)
    response.set_etag(tag)
    return response


def _document(store: Store, graph: str | None, format: Format) -> Response:
    """The graph written down in whole before the first byte is sent: so its length is known, and errors are still told."""
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when the response is
    try:
        dump(store, file, format=format.media_type, graph=graph, prefixes=current.graph().prefixes)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    response = Response(_chunks(file), content_type=format.content_type)
    response.content_length = length
    response.call_on_close(file.close)
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


# ── Changing (5.3 to 5.5, 5.7) ───────────────────────────────────────────────────────────────────────────────


def _put(graph: str | None, merge: bool) -> GraphReport:
    with writing.one_at_a_time():
        return current.graph().put_graph(graph, documents.received(), merge=merge, expect=_expect)


def _deleted(graph: str | None) -> Response:
    with writing.one_at_a_time():
        report = current.graph().drop_graph(graph, expect=_expect)
    if not report.existed:
        raise _unknown(graph)
    return _changed(report)


def _patched(graph: str | None) -> Response:
    if request.mimetype != operations.UPDATE:
        raise WebError("W415", f"a graph cannot be patched by {request.mimetype or 'a body without Content-Type'}", status=415,
                       help=f"use Content-Type: {operations.UPDATE}")  # fmt: skip
    text = operations.decoded_text()
    with writing.one_at_a_time():
        return _changed(current.graph().patch_graph(graph, text, timeout=current.whole_number("timeout", None, 1), expect=_expect))


def _changed(report: GraphReport) -> Response:
    response = jsonify({"graph": report.graph, "inserted": report.inserted, "deleted": report.deleted})
    if not report.existed:
        response.status_code = 201
        response.headers["Location"] = report.graph
        response.autocorrect_location_header = False
    return response


def _unknown(graph: str | None) -> WebError:
    return WebError("W404", f"there is no graph <{graph}>", status=404, help="kg status lists the graphs")


# ── Preconditions (RFC 9110, 13.1) ───────────────────────────────────────────────────────────────────────────


def _tag(found: Catalogued, format: Format, is_packed: bool) -> str:
    """A strong ETag: every representation has its own (RFC 9110, 8.8.3)."""
    return f"{found['revision']}-{found['triples']}-{format.name}{'-gzip' * is_packed}"


def _expect(found: Catalogued | None) -> None:
    """Refuse a change that was asked for on conditions which no longer hold."""
    tags = [_tag(found, format, is_packed) for format in TRIPLES for is_packed in (False, True)] if found else []
    wanted, unwanted = request.if_match, request.if_none_match
    if wanted and not (found is not None if wanted.star_tag else any(wanted.is_strong(tag) for tag in tags)):
        raise WebError("W412", "the graph has changed since it was read" if found else "the graph is not there", status=412,
                       help="read it again, and send the change with its new ETag as If-Match")  # fmt: skip
    if unwanted and (found is not None if unwanted.star_tag else any(unwanted.contains_weak(tag) for tag in tags)):
        raise WebError("W412", "the graph is there already", status=412, help="send the change without If-None-Match")
