"""/queries/running: what is being answered at this moment, by whom it was asked, and an end to it.

A query ends early when somebody deletes it, when its client hangs up (as far as the WSGI server notices: waitress does with
channel_request_lookahead ≥ 1, and takes a client that closes only its sending half for gone), and when it has held the
server's last thread for a few seconds, so that there is always one to say no with.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request

from api import origin
from api.request_errors import WebError
from kg.sparql.deadline import Stop

blueprint = Blueprint("running", __name__)

_LOG = logging.getLogger("kg.server")
_LONGEST = 10_000  # characters of a query that are logged
_LOOK_EVERY = 0.25  # seconds between two looks at clients and threads
_ON_THE_LAST_THREAD = 5.0  # seconds that a query may hold it


@dataclass(frozen=True)
class Running:
    """A query or update that is being answered; `has_hung_up` asks the WSGI server about the client."""

    text: str
    client: str
    has_hung_up: Callable[[], bool]
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    since: float = field(default_factory=time.monotonic)
    stop: Stop = field(default_factory=Stop)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.since

    def as_dict(self) -> dict[str, object]:
        return {"id": self.id, "text": self.text, "seconds": round(self.seconds, 3), "client": self.client}


class Register:
    """All that is running, and the thread that watches it; the thread rests while nothing runs."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._all: dict[str, Running] = {}
        self._changed = threading.Condition()
        self._watcher: threading.Thread | None = None

    def add(self, running: Running) -> None:
        with self._changed:
            self._all[running.id] = running
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="running queries", daemon=True)
                self._watcher.start()
            self._changed.notify()

    def remove(self, running: Running) -> None:
        with self._changed:
            self._all.pop(running.id, None)

    def all(self) -> list[Running]:
        """Oldest first."""
        with self._changed:
            return sorted(self._all.values(), key=lambda each: each.since)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._all)
            time.sleep(_LOOK_EVERY)
            self._look(self.all())

    def _look(self, everything: list[Running]) -> None:
        for each in everything:
            if each.stop.error is not None:
                each.stop.now(each.stop.error)  # the first time may have fallen between two statements
            elif each.has_hung_up():
                each.stop.now(WebError("W499", "the client has hung up", status=499))
        if len(everything) >= self._threads > 1 and everything[-1].seconds > _ON_THE_LAST_THREAD:
            everything[-1].stop.now(_busy(len(everything)))


def _busy(count: int) -> WebError:
    return WebError(
        "W503", f"{count} queries are being answered, and each takes long: the youngest was stopped", status=503,
        help="try again later; /queries/running tells what is running",
    )  # fmt: skip


def register(app: Flask, threads: int, slow: float = 10.0, log: Path | None = None) -> None:
    """Keep account of what `app` answers with so many threads; what takes more than `slow` seconds is written to `log`, or logged."""
    writing = threading.Lock()
    app.extensions["kg.running"] = Register(threads)

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        for each in g.pop("running", ()):
            app.extensions["kg.running"].remove(each)
            if each.seconds > slow:
                line = json.dumps(_slow_entry(each), ensure_ascii=False)
                if log is None:
                    _LOG.warning("slow query: %s", line)
                    continue
                with writing, open(log, "a", encoding="utf-8") as file:
                    file.write(line + "\n")


def _slow_entry(running: Running) -> dict[str, object]:
    """A line of the log of slow queries; `stopped` is the code of what ended it early."""
    stopped = running.stop.error.code if running.stop.error is not None else None
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"time": when, "seconds": round(running.seconds, 3), "client": running.client, "stopped": stopped, "text": running.text[:_LONGEST]}


def begin(text: str) -> Stop:
    """Enter a query of the current request; it leaves when its answer has been sent or broken off."""
    running = Running(text, request.remote_addr or "", request.environ.get("waitress.client_disconnected") or (lambda: False))
    g.setdefault("running", []).append(running)
    _register().add(running)
    return running.stop


def _register() -> Register:
    return current_app.extensions["kg.running"]


# ── Looking and stopping ─────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/queries/running")
def every_running_query() -> Response:
    """What is running, oldest first: a client sees its own queries, one on the server's machine sees all."""
    response = jsonify({"queries": [each.as_dict() for each in _visible()]})
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.delete("/queries/running/<id>")
def stop(id: str) -> Response:
    """End a query: whoever waits for it gets 409 and the reason."""
    origin.refuse_foreign_pages()
    found = next((each for each in _visible() if each.id == id), None)
    if found is None:
        raise WebError("W404", f"no query {id} is running", status=404, help="GET /queries/running lists them: it may have ended")
    found.stop.now(WebError("W409", "the query was stopped on request", status=409, help=f"DELETE /queries/running/{id} came from {request.remote_addr}"))
    return jsonify(found.as_dict())


def _visible() -> list[Running]:
    client = request.remote_addr or ""
    return [each for each in _register().all() if _is_local(client) or each.client == client]


def _is_local(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
