"""/search: things found by a part of a label in any language, best first, or by the whole value of any property."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from pyoxigraph import Literal, NamedNode

from api import answers, current, negotiation
from api.display import Shown
from api.negotiation import HTML, PLAIN_JSON
from api.request_errors import WebError
from kg.terms import Term

blueprint = Blueprint("search", __name__)

_HITS, _MOST_HITS = 30, 200
_LONGEST = 200
_EXACT = 10  # things that are found by a code or another value in full
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*")
_BY_LABEL = "SELECT ?thing ?text ?score WHERE {{ (?thing ?score ?text) <urn:kg:search> (?wanted {language}) }} OFFSET {offset} LIMIT {limit}"
_BY_VALUE = "SELECT DISTINCT ?thing WHERE {{ ?thing ?property ?wanted }} ORDER BY ?thing LIMIT {limit}"
_TYPES = "SELECT ?thing ?class WHERE {{ VALUES ?thing {{ {things} }} ?thing a ?class }}"


@dataclass(frozen=True)
class Hit:
    """A thing that was found: what it is, the text that matched, and how well (1 is best)."""

    entity: Shown
    types: tuple[Shown, ...]
    text: Literal
    score: float

    def as_dict(self) -> dict[str, object]:
        return {
            "iri": self.entity.tooltip,
            "label": self.entity.text,
            "match": self.text.value,
            "language": self.text.language,
            "score": self.score,
            "classes": [{"iri": each.tooltip, "label": each.text} for each in self.types],
            "href": self.entity.href,
        }


@blueprint.get("/search")
def search() -> Response:
    """The things whose label contains `q`, a page of `limit` at a time; `language` keeps labels of one language."""
    wanted = request.args.get("q", "").strip()[:_LONGEST]
    limit = current.whole_number("limit", _HITS, 1, _MOST_HITS)
    language = _language()
    page, rows = current.requested_page(limit), []
    if wanted:
        found = current.select(_BY_LABEL.format(language=(language and Literal(f"lang:{language}")) or "", offset=page.offset, limit=limit + 1), {"wanted": Literal(wanted)})
        rows, page = page.of(found)
        if page.number == 1 and not language:
            rows = _with_exact(wanted, rows)
    hits = _hits(rows)
    address = lambda number: url_for("search.search", **_parameters(wanted, language, limit), page=number)  # noqa: E731
    following = address(page.number + 1) if page.has_next else None
    if _format() is PLAIN_JSON:
        response = jsonify({"query": wanted, "language": language, "hits": [hit.as_dict() for hit in hits], "next": following})
    else:
        html = render_template("search.html", search_text=wanted, search_language=language, hits=hits, page=page, address=address,
                               links={"json": address(page.number) + "&format=json"} if wanted else {})  # fmt: skip
        response = make_response(html)
    return answers.with_pages(response, address(page.number - 1) if page.number > 1 else None, following)


def _format() -> negotiation.Format:
    if name := request.args.get("format"):
        return negotiation.named(name, (HTML, PLAIN_JSON))
    return HTML if negotiation.prefers_html(request.headers.get("Accept"), PLAIN_JSON) else PLAIN_JSON


def _language() -> str | None:
    text = request.args.get("language", "").strip()
    if text and not _LANGUAGE.fullmatch(text):
        raise WebError("W101", f"language must be a language tag, not {text!r}", help="write en, zh, zh-Hans, * for any, or none for texts without a language")
    return text or None


def _parameters(wanted: str, language: str | None, limit: int) -> dict[str, object]:
    parameters: dict[str, object] = {"q": wanted}
    if language:
        parameters["language"] = language
    if limit != _HITS:
        parameters["limit"] = limit
    return parameters


def _with_exact(wanted: str, rows: list[tuple[Term, Term, Term]]) -> list[tuple[Term, Term, Term]]:
    """What has the text as the whole value of some property comes first, such as a thing sought by its code."""
    literal = Literal(wanted)
    exact = [(thing, literal, Literal(1.0)) for (thing,) in current.select(_BY_VALUE.format(limit=_EXACT), {"wanted": literal})]
    things = {thing for thing, _, _ in exact}
    return exact + [row for row in rows if row[0] not in things]


def _hits(rows: list[tuple[Term, Term, Term]]) -> list[Hit]:
    things = [thing for thing, _, _ in rows if isinstance(thing, NamedNode)]
    classes: dict[Term, list[Term]] = {}
    if things:
        for thing, kind in current.select(_TYPES.format(things=" ".join(map(str, things)))):
            classes.setdefault(thing, []).append(kind)
    display = answers.display_of([*things, *(kind for kinds in classes.values() for kind in kinds)])
    return [Hit(display.show(thing), tuple(map(display.show, classes.get(thing, ()))), text, float(score.value)) for thing, text, score in rows]
