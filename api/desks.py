"""/pages: pages of cards – a thing's portrait (/pages/…?thing=IRI), and desks."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from pyoxigraph import NamedNode

from api import answers, cards, current, negotiation, things
from api.display import Shown
from api.messages import in_language
from api.negotiation import JSON, PLAIN_JSON
from api.request_errors import WebError
from kg import pages, saved_queries
from kg.pages import Page

blueprint = Blueprint("desks", __name__)

_CHOICES = 50
_CLASSES = "SELECT DISTINCT ?class WHERE { ?thing a/<http://www.w3.org/2000/01/rdf-schema#subClassOf>* ?class }"


@dataclass(frozen=True)
class Section:
    """A heading and the cards under it."""

    title: str
    cards: list[cards.Card]


@blueprint.get("/pages")
def every_page() -> Response:
    """The desks and the portraits of the project, as a page or as JSON."""
    found = pages.load(current.project())
    if not negotiation.prefers_html(request.headers.get("Accept"), JSON, PLAIN_JSON):
        described = [
            {"key": page.key, "titles": dict(page.titles), "class": page.of_class, "desk": page.is_desk,
             "queries": [card.query.key for section in page.sections for card in section.cards],
             "url": url_for("desks.one_page", key=page.key)}
            for page in found
        ]  # fmt: skip
        return jsonify({"pages": described})
    desks, portraits = [page for page in found if page.is_desk], [page for page in found if not page.is_desk]
    return make_response(render_template("pages.html", desks=desks, portraits=[(page, _choices(page)) for page in portraits]))


@blueprint.get("/pages/<path:key>")
def one_page(key: str) -> Response:
    """The cards of a page, each asked now."""
    page = pages.find(current.project(), key)
    if page is None:
        raise WebError("W404", f"there is no page {key}", 404, help="see /pages")
    thing = _thing(page)
    if page.parameter and thing is None:
        return make_response(render_template("page.html", page=page, thing=None, choices=_choices(page), sections=[]))
    number, sections = 0, []
    for section in page.sections:
        shown = []
        for card in section.cards:
            number += 1
            shown.append(cards.card(card.query, page.arguments(card, thing.value if thing else None), thing, card.titles, number))
        sections.append(Section(in_language(section.titles), shown))
    name = answers.display_of([thing]).show(thing) if thing else None
    return make_response(render_template("page.html", page=page, thing=name, choices=_choices(page) if page.parameter and page.is_desk else (), sections=sections))


def pages_of(thing: NamedNode) -> list[Page]:
    """The portraits of a thing, by its classes and what these are kinds of."""
    found = pages.portraits(current.project())
    if not found:
        return []
    classes = {one.value for (one,) in current.select(_CLASSES, {"thing": thing}) if isinstance(one, NamedNode)}
    return [page for page in found if _class(page).value in classes]


def _thing(page: Page) -> NamedNode | None:
    """The thing that the request names, by IRI, prefixed name or label."""
    text = request.args.get("thing", "").strip()
    if not text or not page.parameter:
        return None
    if ":" in text or text.startswith("<"):
        return saved_queries.iri(text, current.graph().prefixes)
    found = things.called(text, _class(page))
    if found is None:
        raise WebError("W121", f"nothing here is called {text}", 404, help="type the whole name, or search for a part of it")
    return found


def _class(page: Page) -> NamedNode:
    return saved_queries.iri(page.of_class, current.graph().prefixes)


def _choices(page: Page) -> tuple[Shown, ...]:
    """A few things that the page can be about."""
    return things.some(_class(page), _CHOICES) if page.of_class else ()
