"""The documentation of the ontology: each module at its own IRI — as a page for browsers, as RDF for everybody else.

A module is an owl:Ontology; its terms say so by rdfs:isDefinedBy. A module outside of the project's base is at /ontology?iri=….
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from markupsafe import Markup
from pyoxigraph import Literal, NamedNode
from werkzeug.exceptions import NotFound

from api import answers, current, negotiation
from api.diagram import Arrow, Box, diagram
from api.display import Display
from api.labels import preference
from api.messages import message
from api.negotiation import HTML, TRIPLES
from kg.terms import RDF_TYPE, Term

blueprint = Blueprint("ontology", __name__)

OWL, RDFS, SKOS, DCTERMS = ("http://www.w3.org/2002/07/owl#", "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2004/02/skos/core#", "http://purl.org/dc/terms/")
_MODULES = f"""SELECT ?module ?title (COUNT(DISTINCT ?term) AS ?terms) WHERE {{
  ?module a <{OWL}Ontology> . OPTIONAL {{ ?module <{DCTERMS}title> ?title }} OPTIONAL {{ ?term <{RDFS}isDefinedBy> ?module }}
}} GROUP BY ?module ?title ORDER BY ?module"""
_TERMS = f"SELECT ?term ?property ?value WHERE {{ ?term <{RDFS}isDefinedBy> ?module ; ?property ?value }}"
_MODULE = "SELECT ?property ?value WHERE { ?module ?property ?value }"
_AS_RDF = f"CONSTRUCT {{ ?thing ?property ?value }} WHERE {{ {{ ?thing <{RDFS}isDefinedBy> ?module }} UNION {{ BIND(?module AS ?thing) }} ?thing ?property ?value }}"
_HOME = f"SELECT ?module WHERE {{ ?term <{RDFS}isDefinedBy> ?module . ?module a <{OWL}Ontology> }} LIMIT 1"
_CHARACTERS = ("FunctionalProperty", "InverseFunctionalProperty", "SymmetricProperty", "AsymmetricProperty", "TransitiveProperty", "ReflexiveProperty", "IrreflexiveProperty")
_SECTIONS = {"classes": {"Class"}, "properties": {"ObjectProperty"}, "data_properties": {"DatatypeProperty"}, "individuals": set()}
_MOST_LINES = 9  # of a box

Facts = dict[str, list[Term]]


@dataclass(frozen=True)
class Text:
    """The same in the reader's language and in the others."""

    first: Literal | None
    others: tuple[Literal, ...]


@dataclass(frozen=True)
class Entry:
    """A term of a module, ready for the page."""

    id: str
    iri: str
    href: str
    label: Text
    definition: Text
    examples: tuple[Literal, ...]
    sources: tuple[Literal, ...]
    relations: tuple[tuple[str, tuple], ...]  # word of the interface, terms shown
    characters: tuple[str, ...]


# ── Requests ─────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/ontology")
def modules() -> Response:
    """All modules; or, with ?iri=…, one that is not under the project's base."""
    if request.args.get("iri"):
        return module_page(NamedNode(current.graph().term(f"<{request.args['iri']}>").value))
    titles: dict[NamedNode, list[Literal]] = defaultdict(list)
    sizes: dict[NamedNode, int] = {}
    for module, title, terms in current.select(_MODULES):
        titles[module] += [title] if title is not None else []
        sizes[module] = int(terms.value)
    shown = [(address_of(module), _text(titles[module]), module.value, sizes[module]) for module in titles]
    return make_response(render_template("modules.html", modules=sorted(shown, key=lambda one: not one[3])))


def module_page(module: NamedNode) -> Response:
    """The module as the client wishes it; 404 where it is none."""
    if not is_module(module):
        raise NotFound
    name = request.args.get("format")
    offered = (*TRIPLES, HTML)  # who has no wish is a program: browsers say that they want a page
    format = negotiation.named(name, offered) if name else negotiation.choose(request.headers.get("Accept"), offered)
    if format is not HTML:
        return answers.respond(current.graph().query(_AS_RDF, bindings={"module": module}), format, _AS_RDF)
    return make_response(_page(module))


def is_module(iri: NamedNode) -> bool:
    return bool(current.select(f"SELECT ?a WHERE {{ ?iri a ?a . FILTER(?a = <{OWL}Ontology>) }}", {"iri": iri}))


def address_of(module: NamedNode) -> str:
    base = current.project().base
    if module.value.startswith(base) and len(module.value) > len(base):
        return "/" + quote(module.value.removeprefix(base), safe="/:@!$&'()*+,;=~-._%")
    return "/ontology?" + urlencode({"iri": module.value})


def home_of(term: NamedNode) -> str | None:
    """The address of a term in the page of its module; None for what no module defines."""
    found = current.select(_HOME, {"term": term})
    return f"{address_of(found[0][0])}#{fragment(term)}" if found else None


def to_page(term: NamedNode) -> Response | None:
    """For a browser, the way from a term's IRI to its place in the documentation."""
    if negotiation.choose(request.headers.get("Accept"), (*TRIPLES, HTML)) is not HTML:
        return None
    place = home_of(term)
    return redirect(place, 303) if place else None


def fragment(term: NamedNode) -> str:
    return quote(term.value.replace("#", "/").rstrip("/").rpartition("/")[2])


# ── The page of a module ─────────────────────────────────────────────────────────────────────────────────────


def _page(module: NamedNode) -> str:
    terms = _grouped(current.select(_TERMS, {"module": module}))
    about: Facts = {}
    for property, value in current.select(_MODULE, {"module": module}):
        about.setdefault(property.value, []).append(value)
    mentioned = [value for facts in terms.values() for values in facts.values() for value in values if isinstance(value, NamedNode)]
    display = answers.display_of([*terms, *mentioned])
    sections = {name: [] for name in _SECTIONS}
    for term, facts in terms.items():
        sections[_section(facts)].append(_entry(term, facts, display))
    for entries in sections.values():
        entries.sort(key=lambda entry: entry.id.lower())
    title = _text([value for value in about.get(DCTERMS + "title", []) if isinstance(value, Literal)])
    name = title.first.value if title.first else module.value
    return render_template(
        "ontology.html", title=title, name=name, iri=module.value, sections=sections, comments=_text(_literals(about, DCTERMS + "description", RDFS + "comment")),
        picture=Markup(_picture(terms, display, message("diagram_of", name=name))),
        links={each.name: _with_format(module, each.name) for each in TRIPLES}, alternates=[(_with_format(module, each.name), each.media_type) for each in TRIPLES],
    )  # fmt: skip


def _with_format(module: NamedNode, name: str) -> str:
    address = address_of(module)
    return f"{address}{'&' if '?' in address else '?'}format={name}"


def _grouped(rows: Iterable[tuple]) -> dict[NamedNode, Facts]:
    terms: dict[NamedNode, Facts] = {}
    for term, property, value in rows:
        terms.setdefault(term, {}).setdefault(property.value, []).append(value)
    return {term: facts for term, facts in terms.items() if isinstance(term, NamedNode)}


def _kinds(facts: Facts) -> set[str]:
    return {kind.value.removeprefix(OWL) for kind in facts.get(RDF_TYPE, []) if isinstance(kind, NamedNode)}


def _section(facts: Facts) -> str:
    return next((name for name, kinds in _SECTIONS.items() if kinds & _kinds(facts)), "individuals")


def _literals(facts: Facts, *properties: str) -> list[Literal]:
    return [value for property in properties for value in facts.get(property, []) if isinstance(value, Literal)]


def _text(values: list[Literal]) -> Text:
    ordered = sorted(values, key=lambda value: (preference(value)[0], value.value))
    return Text(ordered[0] if ordered else None, tuple(ordered[1:]))


def _entry(term: NamedNode, facts: Facts, display: Display) -> Entry:
    relations = [
        (word, tuple(display.show(value) for value in sorted(facts[property], key=str) if isinstance(value, NamedNode)))
        for word, property in (
            ("subclass_of", RDFS + "subClassOf"), ("subproperty_of", RDFS + "subPropertyOf"), ("domain", RDFS + "domain"), ("range", RDFS + "range"),
            ("inverse_of", OWL + "inverseOf"), ("equivalent_to", OWL + "equivalentClass"), ("equivalent_to", OWL + "equivalentProperty"),
            ("disjoint_with", OWL + "disjointWith"),
        ) if property in facts
    ]  # fmt: skip
    if _section(facts) == "individuals":
        relations.append(("class", tuple(display.show(kind) for kind in facts.get(RDF_TYPE, []) if isinstance(kind, NamedNode))))
        plain = [value for property, values in facts.items() for value in values if isinstance(value, Literal) and property.endswith("/hasValue")]
        relations.append(("value", tuple(display.show(value) for value in plain)))
    return Entry(
        id=fragment(term), iri=term.value, href=display.show(term).href or "",
        label=_text(_literals(facts, RDFS + "label", SKOS + "prefLabel")), definition=_text(_literals(facts, SKOS + "definition", RDFS + "comment")),
        examples=tuple(_literals(facts, SKOS + "example")), sources=tuple(_literals(facts, DCTERMS + "source")),
        relations=tuple(relation for relation in relations if relation[1]),
        characters=tuple(name for name in _CHARACTERS if name in _kinds(facts)),
    )  # fmt: skip


# ── The diagram ──────────────────────────────────────────────────────────────────────────────────────────────


def _picture(terms: dict[NamedNode, Facts], display: Display, title: str) -> str:
    """Classes of the module and those that its properties join; what joins a class with itself or with a value stands in its box."""
    lines: dict[NamedNode, list[str]] = defaultdict(list)
    arrows: list[Arrow] = []
    named = {term for term, facts in terms.items() if "Class" in _kinds(facts)}
    for term, facts in sorted(terms.items(), key=lambda one: one[0].value):
        if "Class" in _kinds(facts):
            for above in facts.get(RDFS + "subClassOf", []):
                if isinstance(above, NamedNode) and above in terms | dict.fromkeys(named):
                    arrows.append(Arrow(term.value, above.value, is_subclass=True))
            continue
        for domain in facts.get(RDFS + "domain", []):
            for range in facts.get(RDFS + "range", []):
                if not isinstance(domain, NamedNode) or not isinstance(range, NamedNode):
                    continue
                named.add(domain)
                if "DatatypeProperty" in _kinds(facts):
                    lines[domain].append(f"{display.name(term)}: {display.name(range)}")
                elif domain == range:
                    lines[domain].append(f"{display.name(term)} ↻")
                else:
                    named.add(range)
                    arrows.append(Arrow(domain.value, range.value, display.name(term)))
    boxes = []
    for one in sorted(named, key=lambda each: each.value):
        shown = lines[one] if len(lines[one]) <= _MOST_LINES else [*lines[one][: _MOST_LINES - 1], f"+ {len(lines[one]) - _MOST_LINES + 1}"]
        href = f"#{fragment(one)}" if one in terms else display.show(one).href
        boxes.append(Box(one.value, display.name(one), href, tuple(shown), one not in terms))
    return diagram(boxes, arrows, title)
