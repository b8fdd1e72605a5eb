"""Errors as responses: application/problem+json (RFC 9457) for programs, a page for people; one shape everywhere."""

from __future__ import annotations

import logging

from flask import Flask, Response, json, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from api.negotiation import PLAIN_JSON, prefers_html
from api.request_errors import WebError
from kg import errors
from kg.errors import KgError

_LOG = logging.getLogger("kg.server")

_STATUS = [  # the first class that fits
    (errors.QuerySyntaxError, 400),
    (errors.NotSupported, 501),
    (errors.QueryTimeout, 503),
    (errors.LimitExceeded, 422),
    (errors.QueryError, 400),
    (errors.DataError, 400),
    (errors.Violations, 422),
    (errors.BuildInProgress, 503),
    (errors.RemoteError, 502),
]
_CODES = {"S101": 503, "Q501": 403, "H303": 400}  # no graph yet; the graph belongs to a build


def status_of(error: KgError) -> int:
    """The HTTP status of an error (SPARQL 1.1 Protocol, 2.1.6: 400 for what the client must change, 5xx otherwise)."""
    if isinstance(error, WebError):
        return error.status
    if error.code in _CODES:
        return _CODES[error.code]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(error: KgError) -> dict[str, object]:
    """The members of the problem document; `type` is a URN, stable as the code is."""
    return {"type": f"urn:kg:error:{error.code}", "status": status_of(error), **error.as_dict()}


def as_json(error: KgError) -> Response:
    response = Response(json.dumps(problem(error), ensure_ascii=False) + "\n", status_of(error), mimetype="application/problem+json")
    if response.status_code == 503:
        response.headers["Retry-After"] = "10"
    return response


def register(app: Flask) -> None:
    """Answer every error in this one shape."""
    app.register_error_handler(KgError, _answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer(error: KgError) -> Response:
    if status_of(error) >= 500 and not isinstance(error, errors.QueryError):
        _LOG.error("%s %s: %s", request.method, request.path, error)
    if not prefers_html(request.headers.get("Accept"), PLAIN_JSON):
        return as_json(error)
    return make_response(render_template("error.html", error=error, status=status_of(error)), status_of(error))


def _answer_http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:
        return error.get_response()
    answer = _answer(WebError(f"W{error.code}", error.name, error.code or 500, help=error.description))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _answer_unexpected(error: Exception) -> Response:
    """A fault of ours: logged with its trace, told without it."""
    _LOG.exception("%s %s failed", request.method, request.path)
    return _answer_http(InternalServerError())
