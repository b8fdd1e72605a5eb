"""/explain: why a triple is in the graph, as nested lists, JSON or text."""

from __future__ import annotations

from flask import Blueprint, Response

blueprint = Blueprint("explain", __name__)


@blueprint.get("/explain")
def proof() -> Response:
    raise NotImplementedError
