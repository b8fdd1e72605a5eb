"""/shapes: what the project's shapes say of the graph – counts by shape and severity first, then the results, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from pyoxigraph import NamedNode

from api import answers, current, negotiation
from api.messages import language
from api.negotiation import JSON, PLAIN_JSON
from api.request_errors import WebError
from kg.shapes import ValidationResult

blueprint = Blueprint("shapes", __name__)

_RESULTS = 50  # a page


@blueprint.get("/shapes")
def results() -> Response:
    """The stored report, narrowed by `shape=` and `severity=`; with `rows=1` each result shows the rows of sources that it comes from."""
    graph = current.graph()
    status = graph.status().validation
    if status is None:
        raise WebError("W404", "the graph has not been validated", status=404, help="put shapes into rules/<domain>/shapes, and run kg build")
    asked = current.requested_page(_RESULTS)
    narrowed = {name: request.args[name] for name in ("shape", "severity") if request.args.get(name)}
    found, page = asked.of(graph.report().page(asked.offset, _RESULTS + 1, **narrowed))
    with_rows = request.args.get("rows", "0") not in ("", "0", "false")
    rows = [[_place(row) for row in several] for several in graph.result_rows(found)] if with_rows else [[] for _ in found]
    further = dict(narrowed, rows="1") if with_rows else narrowed
    if request.args.get("format") != "html" and not negotiation.prefers_html(request.headers.get("Accept"), JSON, PLAIN_JSON):
        return jsonify(
            {
                "conforms": not status.counts,
                "isCurrent": status.is_current,
                "results": sum(one.results for one in status.counts),
                "severities": status.severities,
                "counts": [{"shape": one.shape, "severity": one.severity, "component": one.component, "results": one.results} for one in status.counts],
                "page": [one.as_dict(graph.prefixes) | ({"rows": places} if with_rows else {}) for one, places in zip(found, rows, strict=True)],
                "next": url_for("shapes.results", page=page.number + 1, **further) if page.has_next else None,
            }
        )
    display = answers.display_of(term for one in found for term in (one.focus_node, one.value, one.source_shape) if isinstance(term, NamedNode))
    shown = [_shown(one, places, display) for one, places in zip(found, rows, strict=True)]
    return make_response(
        render_template(
            "shapes.html", status=status, shown=shown, page=page, narrowed=narrowed, with_rows=with_rows,
            address=lambda number: url_for("shapes.results", page=number, **further),
        )
    )  # fmt: skip


def _shown(result: ValidationResult, places: list[Mapping[str, object]], display: answers.Display) -> Mapping[str, object]:
    return {
        "severity": result.as_dict()["severity"],
        "focus": display.show(result.focus_node),
        "path": result.path_text or "",
        "value": display.show(result.value),
        "shape": result.shape_name,
        "message": result.message(language()),
        "rows": places,
    }


def _place(row: object) -> dict[str, object]:
    """A source row: where it stands, and what it says."""
    return {"place": f"{row.file}:{row.line}" if row.file and row.line else row.file or row.table, "columns": row.columns}
