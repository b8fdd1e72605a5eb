"""/editor: the analyst's SPARQL editor (YASGUI), with completion from this graph; only where its files have been installed."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, current_app, json, make_response, redirect, render_template, request, url_for

from api import current

blueprint = Blueprint("editor", __name__)

FILES = ("vendor/yasgui.min.js", "vendor/yasgui.min.css")  # put there by `make vendor`
# CodeMirror and the table of results set styles and small pictures of their own; scripts are as strict as elsewhere.
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; script-src 'self'; connect-src 'self'; " \
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"  # fmt: skip
_EXAMPLE = "SELECT ?class (COUNT(*) AS ?things) WHERE {\n  ?thing a ?class\n}\nGROUP BY ?class\nORDER BY DESC(?things)\n"


def is_installed() -> bool:
    """Whether the editor's files are there; the plain form of /sparql does without."""
    return all((Path(current_app.static_folder or "") / file).is_file() for file in FILES)


@blueprint.get("/editor")
def editor() -> Response:
    """The editor, with `?query=` in it; without its files the plain form."""
    query = request.args.get("query") or _EXAMPLE
    if not is_installed():
        return redirect(url_for("sparql.endpoint", query=request.args.get("query") or None))
    settings = {"endpoint": url_for("sparql.endpoint"), "prefixes": dict(current.graph().prefixes), "query": query, "name": current.project().name}
    response = make_response(render_template("editor.html", settings=json.dumps(settings, ensure_ascii=False)))
    response.headers["Content-Security-Policy"] = _POLICY
    return response
