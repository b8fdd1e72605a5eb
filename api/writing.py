"""Requests that change the graph: only where the server may, never on behalf of a foreign web page, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app, jsonify, request
from flask.wrappers import Response

from api import current, origin, running
from api.operations import UpdateRequest
from api.request_errors import WebError
from kg.errors import BuildInProgress
from kg.validation import GUARDS, guard_of

_PATIENCE = 10.0  # seconds that a change waits for the one before it; clients try again after as many


def allow(app: Flask, writable: bool) -> None:
    """Say whether `app` takes changes."""
    app.extensions["kg.writable"] = writable
    app.extensions["kg.writing"] = threading.Lock()


def is_allowed() -> bool:
    return current_app.extensions["kg.writable"]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A block that may change the graph: each request one transaction and one published version.

    WebError W403 where this server or this page may not; BuildInProgress where the one before takes too long.
    """
    if not is_allowed():
        raise WebError(
            "W403", "this server takes no changes", status=403,
            help="start it with kg serve --writable, or change the graph by kg update, kg load or kg build",
        )  # fmt: skip
    origin.refuse_foreign_pages()
    lock = current_app.extensions["kg.writing"]
    if not lock.acquire(timeout=_PATIENCE):
        raise BuildInProgress("S301", "another change of this graph is being made", help="try again in a few seconds")
    try:
        yield
    finally:
        lock.release()


def update(asked: UpdateRequest) -> Response:
    """The update operation (SPARQL 1.1 Protocol, 2.2): done in whole or not at all; says what it changed."""
    return jsonify(change(asked))


def change(asked: UpdateRequest) -> dict[str, object]:
    """Do an update; what it changed."""
    with one_at_a_time():
        report = current.graph().update(
            asked.text, timeout=asked.timeout, default_graphs=asked.default_graphs, named_graphs=asked.named_graphs, stop=running.begin(asked.text),
            guard=_guard(),
        )  # fmt: skip
    members = {"inserted": report.inserted, "deleted": report.deleted, "graphs": report.graphs, "notes": report.notes, "seconds": round(report.seconds, 4)}
    return members | ({"validation": report.validation.as_dict()} if report.validation is not None else {})


def _guard() -> str:
    """What is done about changes that violate shapes: as kg.toml says, or more if the request asks for it by `guard`, never less."""
    ours, _ = guard_of(current.project(), None)
    asked, _ = guard_of(current.project(), request.values.get("guard"))
    return max(ours, asked, key=GUARDS.index)
