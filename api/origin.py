"""Web origins: whose pages may read the answers (CORS, Fetch Standard 3.2), and whose may ask this server to do something."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from api.request_errors import WebError

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_DAY = "86400"


def allow(app: Flask, origins: Iterable[str]) -> None:
    """Say which origins `app` knows; "*" stands for everybody who only reads."""
    app.extensions["kg.origins"] = frozenset(origins)


def refuse_foreign_pages() -> None:
    """Browsers send forms to any server they reach: a page of another site must not act by its visitors' hands (W408)."""
    origin = request.headers.get("Origin")
    if origin is None or origin in current_app.extensions["kg.origins"] - {"*"}:
        return
    if urlsplit(origin).netloc != request.host:
        raise WebError("W408", f"a page of {origin} may not change anything here", status=403, help="name the origin in create_app(origins=…)")


def add_headers(response: Response) -> None:
    """CORS without credentials: what a script of an allowed origin may read and send."""
    origins, origin = current_app.extensions["kg.origins"], request.headers.get("Origin")
    allowed = "*" if "*" in origins else origin if origin in origins else None
    if allowed is None:
        return
    response.headers["Access-Control-Allow-Origin"] = allowed
    response.headers["Access-Control-Expose-Headers"] = "Content-Type, ETag, Link, Location, Guanxi-Partial, Guanxi-Row-Limit, Guanxi-Warning"
    if allowed != "*":
        response.vary.add("Origin")
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = "Accept, Accept-Language, Content-Type, If-Match, If-None-Match"
        response.headers["Access-Control-Max-Age"] = _DAY
