"""Linked data: /id/… leads to /doc/… (303), which describes a thing as a page or as RDF; /resource?iri=… does for any IRI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from pyoxigraph import BlankNode, Literal, NamedNode
from werkzeug.exceptions import NotFound

from api import answers, current, desks, entity, negotiation, ontology
from api.current import Page
from api.display import Display, Shown, iri_of, is_web_address, path_of
from api.entity import INCOMING, OUTGOING, PAGE_SIZE, Direction, Fact, Property
from api.labels import preference
from api.messages import message
from api.negotiation import CSV, HTML, TRIPLES, Format
from api.request_errors import WebError
from kg.terms import Term

blueprint = Blueprint("resource", __name__)

_DESCRIPTION = "DESCRIBE ?subject"
_TABLE = "SELECT ?predicate ?object ?graph WHERE { GRAPH ?graph { ?subject ?predicate ?object } }"
_OFFERED = (HTML, *TRIPLES, CSV)
_WORDS = {entity.RDF_TYPE.value: "class", "http://www.w3.org/2000/01/rdf-schema#label": "name"}

Gists = Mapping[NamedNode, list[tuple[NamedNode, Term]]]


@blueprint.get("/id/<path:local>")
def identifier(local: str) -> Response:
    """A thing is not a document: see other (httpRange-14)."""
    return redirect(path_of(iri_of(_raw_path("/id/"), current.project().base), current.project().base), 303)


@blueprint.get("/doc/<path:local>")
def document(local: str) -> Response:
    """The description of <base>id/…; a suffix such as .ttl names its format."""
    path, format = negotiation.split_suffix(_raw_path("/doc/"), _OFFERED)
    return _describe(NamedNode(_checked(iri_of(path, current.project().base))), format)


@blueprint.get("/resource")
def resource() -> Response:
    """The description of any IRI, prefixed name or blank node of the graph."""
    text = request.args.get("iri", "").strip()
    if not text:
        raise WebError("W102", "there is no iri", help="send ?iri=… with an IRI or a prefixed name")
    term = current.graph().term(text if text.startswith(("_:", "<")) or _is_prefixed(text) else f"<{text}>")
    if isinstance(term, Literal):
        raise WebError("W106", f"{text} is a literal, and only IRIs are described")
    return _describe(term, None)


@blueprint.get("/<path:local>")
def anything_else(local: str) -> Response:
    """An IRI under the project's base that the graph knows, such as an ontology term: see its description."""
    base = current.project().base
    try:
        iri = NamedNode(base + _raw_path("/"))
    except ValueError:
        raise NotFound from None
    if local.startswith(("id/", "doc/")) or not entity.is_known(iri):
        raise NotFound
    if ontology.is_module(iri):  # a document, which is here
        return ontology.module_page(iri)
    return ontology.to_page(iri) or redirect(path_of(iri.value, base), 303)


def _raw_path(start: str) -> str:
    """The path as sent, percent escapes kept: %2F in an IRI is not a slash."""
    return current.raw_path().partition(start)[2]


def _checked(iri: str) -> str:
    try:
        return NamedNode(iri).value
    except ValueError:
        raise NotFound(f"{iri} is not an IRI") from None


def _is_prefixed(text: str) -> bool:
    prefix, colon, local = text.partition(":")
    return bool(colon) and prefix in current.graph().prefixes and not local.startswith("//")


# ── Descriptions ─────────────────────────────────────────────────────────────────────────────────────────────


def _describe(thing: NamedNode | BlankNode, format: Format | None) -> Response:
    if name := request.args.get("format"):
        format = negotiation.named(name, _OFFERED)
    elif format is None:
        accept = request.headers.get("Accept")
        # A client without wishes is more often a person's browser or curl than a program: it gets the page.
        format = negotiation.choose(accept, _OFFERED)
    if not entity.is_known(thing):
        return _unknown(thing, format)
    if format is HTML:
        return _page(thing)
    text = _TABLE if format is CSV else _DESCRIPTION
    return answers.respond(current.graph().query(text, bindings={"subject": thing}, partial=True), format, text)


def _unknown(thing: NamedNode | BlankNode, format: Format) -> Response:
    if format is not HTML:
        raise WebError("W404", f"nothing is known about {thing}", status=404)
    near = entity.similar(thing) if isinstance(thing, NamedNode) else []
    display = answers.display_of(near)
    return make_response(render_template("unknown.html", iri=_text(thing), near=[display.show(each) for each in near]), 404)


def _page(thing: NamedNode | BlankNode) -> Response:
    only = request.args.get("property")
    if only:
        predicate = current.graph().term(f"<{only}>")
        direction = INCOMING if request.args.get("direction") == INCOMING.name else OUTGOING
        found, page = entity.one_property(thing, direction, predicate, current.requested_page(PAGE_SIZE))
        sections = {direction: [found] if found.facts else []}
    else:
        page = None
        sections = {direction: entity.properties(thing, direction) for direction in (OUTGOING, INCOMING)}
    display, gists = _display(thing, sections)
    here = path_of(thing.value, current.project().base) if isinstance(thing, NamedNode) else f"/resource?iri={quote(str(thing))}"
    groups = {direction.name: _groups(thing, direction, properties, display, gists, here, page) for direction, properties in sections.items()}
    types = next((each.facts for each in sections.get(OUTGOING, ()) if each.predicate == entity.RDF_TYPE), [])
    html = render_template(
        "entity.html",
        name=_name(thing, display),
        iri=_text(thing),
        outside=thing.value if isinstance(thing, NamedNode) and is_web_address(thing.value) and not here.startswith("/doc/") else None,
        portraits=desks.pages_of(thing) if isinstance(thing, NamedNode) and not only else [],
        types=[display.show(fact.value) for fact in types],
        outgoing=groups.get(OUTGOING.name, []),
        incoming=groups.get(INCOMING.name, []),
        only_one_property=bool(only),
        whole=here,
        links={each.name: _with(here, format=each.name) for each in (*TRIPLES, CSV)},
        alternates=[(_with(here, format=each.name), each.media_type) for each in TRIPLES],
    )
    page_of = lambda number: _with(here, property=only, direction=request.args.get("direction") or OUTGOING.name, page=number, **_place(page, number))  # noqa: E731
    return answers.with_pages(make_response(html), page_of(page.number - 1) if page and page.number > 1 else None,
                              page_of(page.number + 1) if page and page.has_next else None)  # fmt: skip


def _text(thing: NamedNode | BlankNode) -> str:
    return thing.value if isinstance(thing, NamedNode) else str(thing)


def _terms(thing: Term, sections: dict[Direction, list[Property]]) -> list[Term]:
    terms = [thing]
    for properties in sections.values():
        for each in properties:
            terms += [each.predicate, *(fact.value for fact in each.facts)]
    return terms


def _display(thing: Term, sections: dict[Direction, list[Property]]) -> tuple[Display, Gists]:
    """Labels for everything on the page, and the gist of what has none."""
    display = answers.display_of(_terms(thing, sections))
    values = {fact.value for properties in sections.values() for each in properties for fact in each.facts}
    gists = entity.gists((value for value in values if isinstance(value, NamedNode) and not display.has_label(value)), thing)
    more = answers.labels_for(term for facts in gists.values() for fact in facts for term in fact)
    return display.with_labels(more), gists


def _name(thing: NamedNode | BlankNode, display: Display) -> str:
    return display.name(thing) if isinstance(thing, NamedNode) else str(thing)


# ── Facts for the template ───────────────────────────────────────────────────────────────────────────────────


def _groups(
    thing: Term, direction: Direction, properties: list[Property], display: Display, gists: Gists, here: str, page: Page | None
) -> list[dict]:
    groups = [_group(thing, direction, each, display, gists, here, page) for each in properties]
    return sorted(groups, key=lambda group: (group["predicate"].tooltip not in _WORDS, group["links_on"], group["predicate"].text))


def _group(
    thing: Term, direction: Direction, found: Property, display: Display, gists: Gists, here: str, page: Page | None
) -> dict:
    facts, other_languages = _by_language(found.facts)
    address = {"property": found.predicate.value, "direction": direction.name}
    ordered = facts if page or found.total > PAGE_SIZE else sorted(facts, key=lambda fact: _order(fact, display))
    return {
        "predicate": _predicate(found.predicate, display),
        "total": found.total,
        "facts": [_shown(thing, direction, found.predicate, fact, display, gists) for fact in ordered],
        "other_languages": [_shown(thing, direction, found.predicate, fact, display, gists) for fact in other_languages],
        "links_on": any(not isinstance(fact.value, Literal) for fact in found.facts),
        "all_href": _with(here, **address) if page is None and found.total > len(found.facts) else None,
        "page": page,
        "address": lambda number: _with(here, **address, page=number, **_place(page, number)),
    }


def _by_language(facts: list[Fact]) -> tuple[list[Fact], list[Fact]]:
    """Facts to show, and literals that say the same in languages this reader likes less."""
    tagged = [fact for fact in facts if isinstance(fact.value, Literal) and fact.value.language]
    if len(tagged) < 2:
        return facts, []
    best = min(preference(fact.value)[0] for fact in tagged)
    others = [fact for fact in tagged if preference(fact.value)[0] > best]
    return [fact for fact in facts if fact not in others], others


def _order(fact: Fact, display: Display) -> tuple:
    shown = display.show(fact.value)
    if shown.kind == "number":
        try:
            return 0, float(fact.value.value), ""
        except ValueError:
            return 0, 0.0, shown.text
    return 1, 0.0, shown.text


def _predicate(predicate: NamedNode, display: Display) -> Shown:
    """Two properties that every graph has go by a word of ours; the others by their labels."""
    shown = display.show(predicate)
    return replace(shown, text=message(_WORDS[predicate.value])) if predicate.value in _WORDS else shown


def _shown(thing: Term, direction: Direction, predicate: NamedNode, fact: Fact, display: Display, gists: Gists) -> dict:
    subject, object = (thing, fact.value) if direction is OUTGOING else (fact.value, thing)
    return {
        "shown": display.show(fact.value),
        "gist": [{"predicate": display.name(each), "value": display.show(value)} for each, value in gists.get(fact.value, ())],
        "is_inferred": fact.is_inferred,
        "graphs": [display.show(NamedNode(graph)).text for graph in fact.graphs],
        "why": "/explain?" + urlencode({"subject": str(subject), "predicate": str(predicate), "object": str(object)}),
    }


def _place(page: Page | None, number: int) -> dict[str, str]:
    """Where the next page begins, where that is known."""
    return {"after": f"{page.last:x}"} if page is not None and page.last is not None and number == page.number + 1 else {}


def _with(here: str, **parameters: object) -> str:
    return here + ("&" if "?" in here else "?") + urlencode(parameters)
