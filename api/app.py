"""The WSGI application: blueprints, limits, security headers, CORS, compression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, request

from api import (
    browsing,
    compression,
    current,
    description,
    desks,
    editor,
    explain,
    graph_store,
    messages,
    ontology,
    origin,
    pages,
    problems,
    queries,
    resource,
    running,
    search,
    shapes,
    sparql,
    writing,
)
from api.request_errors import WebError
from kg import KnowledgeGraph
from kg.project import Project, Server

_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(
    served: KnowledgeGraph | Project | str | Path,
    *,
    origins: Sequence[str] | None = None,
    largest_request: int = 2_000_000,
    largest_document: int = 100_000_000,
    writable: bool = False,
    threads: int = 8,
) -> Flask:
    """The server of one graph, to be run by any WSGI server with several threads; it takes changes only where `writable`.

    `served` is an open graph of a project, a project, or the path of its kg.toml. `origins` are the web origins whose
    scripts may read the answers (CORS), and, named one by one, ask for changes; empty for none, None for what kg.toml says. `largest_request` and
    `largest_document` (of RDF that is sent) are in bytes, above them the answer is 413.
    `threads` is how many requests the WSGI server answers at a time: queries never hold the last one for long.
    """
    graph = served if isinstance(served, KnowledgeGraph) else KnowledgeGraph.open(served.root if isinstance(served, Project) else served)
    app = Flask("api")
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = largest_request
    app.config["KG_LARGEST_DOCUMENT"] = largest_document
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    current.serve(app, graph)
    server = graph.project.server if graph.project else Server()
    origin.allow(app, server.origins if origins is None else origins)
    writing.allow(app, writable)
    running.register(app, threads, server.slow, server.slow_log)
    messages.register(app)
    problems.register(app)
    for part in (sparql, editor, browsing, graph_store, description, running, queries, desks, explain, ontology, resource, search, shapes, pages):
        app.register_blueprint(part.blueprint)
    _register_context(app)
    _register_headers(app)
    return app


def _register_context(app: Flask) -> None:
    @app.context_processor
    def frame() -> dict[str, object]:
        return {"project": current.project(), "here_in": _here_in, "takes_changes": writing.is_allowed(), "number": lambda count: f"{count:,}"}


def _here_in(language: str) -> str:
    """The address of this page in another language."""
    parameters = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return current.raw_path() + "?" + urlencode([*parameters, ("lang", language)])


def _register_headers(app: Flask) -> None:
    @app.before_request
    def refuse_long_addresses() -> None:
        if len(request.query_string) > app.config["MAX_CONTENT_LENGTH"]:
            raise WebError("W414", "the address is too long", status=414, help="send the query by POST")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in _SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "private, no-cache")  # answers change with the graph, and are not for every proxy
        response.vary.update(("Accept", "Accept-Language", "Cookie"))
        origin.add_headers(response)
        compression.pack(response)
        return response
