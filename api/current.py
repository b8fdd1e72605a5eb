"""What the current request works with: the graph that is served, its project, and pages of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from flask import Flask, current_app, g, request

from api.request_errors import WebError
from kg import KnowledgeGraph
from kg.project import Project
from kg.terms import Term

Row = TypeVar("Row")
_PAGE_SECONDS = 20.0  # nobody waits longer for a page, and a thread is not for ever


def serve(app: Flask, graph: KnowledgeGraph) -> None:
    """Make `graph` the one that `app` serves; a graph without a project gets one without content."""
    app.extensions["kg.graph"] = graph
    app.extensions["kg.project"] = graph.project or Project(
        Path(), "memory", "http://localhost/", (), {"en": "Graph in memory", "zh": "内存中的图"}, graph.prefixes, Path()
    )


def graph() -> KnowledgeGraph:
    return current_app.extensions["kg.graph"]


def project() -> Project:
    return current_app.extensions["kg.project"]


def owners() -> dict[str, str]:
    """The owner of each named graph, such as `infer:<domain>/<file>`; read once a request."""
    if "owners" not in g:
        g.owners = {each["iri"]: each["owner"] or "" for each in graph().store.graphs()}
    return g.owners


def select(text: str, bindings: Mapping[str, Term] | None = None) -> list[tuple[Term | None, ...]]:
    """All rows of a SELECT that a page needs; such queries bound their own length."""
    return list(graph().query(text, bindings=bindings or {}, timeout=_PAGE_SECONDS))


def row_limit(wanted: int | None = None) -> int:
    """How many rows an answer may have: those that were asked for, as far as the server allows."""
    most = graph().limits.rows
    return min(wanted or most, most)


def raw_path() -> str:
    """The path of the request as it was sent, percent escapes and all, with one slash at its start."""
    sent = request.environ.get("REQUEST_URI", "").partition("?")[0]
    return "/" + (sent if sent.startswith("/") else quote(request.path)).lstrip("/")


@dataclass(frozen=True)
class Page:
    """One page of a long list, counted from 1."""

    number: int
    size: int
    has_next: bool = False
    after: int | None = None  # an id that it begins after, where its place is known by that: page 10,000 costs what page 2 does then
    last: int | None = None  # the id that it ends with

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def of(self, rows: Iterable[Row]) -> tuple[list[Row], Page]:
        """The rows of this page, of `rows` that start at its offset and may go beyond its end."""
        taken = list(islice(rows, self.size + 1))
        return taken[: self.size], Page(self.number, self.size, len(taken) > self.size)


def requested_page(size: int) -> Page:
    """The page that `?page=` asks for, the first without it; `?after=` says where the one before it ended."""
    text = request.args.get("after")
    if text and not re.fullmatch("[0-9a-f]{1,16}", text):
        raise WebError("W101", f"after must be what the link to the next page says, not {text!r}")
    after = int(text, 16) if text else None
    if after is not None and after >= 1 << 63:
        raise WebError("W101", f"after must be what the link to the next page says, not {text!r}")
    return Page(whole_number("page", 1, 1, 1_000_000), size, after=after)


def whole_number(name: str, default: int | None, least: int, most: int | None = None) -> int | None:
    """A request parameter that counts something; WebError W101 unless it is a whole number in its range."""
    text = request.values.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) < least or (most is not None and int(text) > most):
        span = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise WebError("W101", f"{name} must be a whole number {span}, not {text!r}")
    return int(text)
