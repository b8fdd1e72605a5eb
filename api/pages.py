"""The pages that belong to no one thing: start, status, named graphs, rejected rows, health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from pyoxigraph import Literal, NamedNode

from api import answers, current, negotiation
from api.current import Page
from api.display import NOTHING, Shown, grouped, path_of
from api.entity import INCOMING, RDF_TYPE
from api.messages import in_language, message
from api.negotiation import CSV, HTML, PLAIN_JSON, Format
from kg import saved_queries
from kg.graph import Status
from kg.saved_queries import SavedQuery
from kg.sparql.results import write_solutions
from kg.terms import Term

blueprint = Blueprint("pages", __name__)

_ROWS = 100
_TRIALS = 3
_CLASSES = """SELECT ?class (COUNT(*) AS ?things) WHERE {
  ?thing a ?class
}
GROUP BY ?class
ORDER BY DESC(?things)"""
_STANDARD = "http://www.w3.org/"  # classes of RDF, RDFS, OWL, SKOS say how the graph is described, not what it is about


# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Trial:
    """Something to try: a heading by its message key, words and an address."""

    key: str
    text: str
    href: str


@blueprint.get("/")
def start() -> Response:
    """What the graph holds, and three ways in."""
    status = current.graph().status()
    counts = [(kind, int(count.value)) for kind, count in current.select(_CLASSES) if not kind.value.startswith(_STANDARD)]
    display = answers.display_of(kind for kind, _ in counts)
    classes = [
        (display.show(kind), count, path_of(kind.value, current.project().base) + _separator(kind) + urlencode(
            {"property": RDF_TYPE.value, "direction": INCOMING.name}))
        for kind, count in counts
    ]  # fmt: skip
    return make_response(
        render_template(
            "start.html", figures=_figures(status), classes=classes, classes_query=_CLASSES, trials=list(islice(_trials(status), _TRIALS)),
        )
    )  # fmt: skip


def _separator(kind: NamedNode) -> str:
    return "&" if "?" in path_of(kind.value, current.project().base) else "?"


def _figures(status: Status) -> dict[str, object]:
    built = datetime.fromtimestamp(status.built).astimezone().strftime("%Y-%m-%d %H:%M %Z") if status.built else None
    return {"triples": status.triples, "inferred": status.inferred, "graphs": len(status.graphs), "built": built}


def _trials(status: Status) -> Iterator[Trial]:
    """A question, a thing and a conclusion, as far as this graph has them."""
    asked = _question_to_try()
    if asked:
        yield Trial("try_question", in_language(asked.questions), url_for("queries.one_query", key=asked.key, **asked.examples()))
        example = next((p.example for p in asked.parameters if p.type == "IRI"), None)
        if example:
            thing = saved_queries.iri(example, current.graph().prefixes)
            yield Trial("try_thing", answers.display_of([thing]).name(thing), path_of(thing.value, current.project().base))
    if conclusion := _conclusion(status):
        display = answers.display_of(conclusion)
        address = url_for("explain.proof", **dict(zip(("subject", "predicate", "object"), map(str, conclusion), strict=True)))
        yield Trial("try_conclusion", " ".join(display.show(term).text for term in conclusion), address)
    yield Trial("try_sparql", message("try_sparql_text"), url_for("sparql.endpoint", query=_CLASSES))


def _question_to_try() -> SavedQuery | None:
    """A saved query whose parameters all have examples, of the most special domain, which comes last."""
    ready = [query for query in saved_queries.load(current.project()) if query.parameters and len(query.examples()) == len(query.parameters)]
    return max(ready, key=lambda query: current.project().domains.index(query.domain), default=None)


_NAMED_CONCLUSION = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?subject ?predicate ?object WHERE {{
  GRAPH {graph} {{ ?subject ?predicate ?object }}
  ?subject rdfs:label ?name . ?object rdfs:label ?other . FILTER(?subject != ?object && ?predicate != rdf:type)
}} LIMIT 1"""


def _conclusion(status: Status) -> tuple[Term, ...] | None:
    """An inferred triple between two named things, if any."""
    for graph in status.graphs:
        if str(graph["owner"]).startswith("infer:") and graph["triples"]:
            rows = current.select(_NAMED_CONCLUSION.format(graph=NamedNode(graph["iri"])))
            if rows:
                return tuple(rows[0])
    return None


# ── Status, graphs, rejected rows ────────────────────────────────────────────────────────────────────────────


@blueprint.get("/healthz")
def health() -> Response:
    """200 while a graph can be read; a load balancer needs no more."""
    current.graph().query("ASK {}")
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/status")
def status() -> Response:
    """Version, size, graphs and limits, as JSON."""
    graph = current.graph()
    return jsonify({"project": current.project().name, **asdict(graph.status()), "limits": asdict(graph.limits)})


@blueprint.get("/graphs")
def graphs() -> Response:
    """The named graphs: who writes each, and how many triples it has."""
    status = current.graph().status()
    columns = ["graph", "owner", "triples"]
    rows = [
        (NamedNode(each["iri"]) if each["iri"] else None, Literal(each["owner"] or ""), Literal(each["triples"]))
        for each in sorted(status.graphs, key=lambda each: str(each["iri"]))
    ]
    return _listing("pages.graphs", columns, rows, message("graphs"), message("graphs_introduction"), message("no_graphs"), {"triples"})


@blueprint.get("/rejects")
def rejects() -> Response:
    """The rows of the sources that a mapping could not take, each with its place and the reason."""
    columns = ["source", "line", "column", "value", "reason", "triples_map", "owner"]
    if _listing_format() is CSV:  # a file has them all
        found, page = current.graph().rejects(), None
    else:
        asked = current.requested_page(_ROWS)
        found, page = asked.of(current.graph().rejects(asked.offset, _ROWS + 1))
    rows = [tuple(None if value is None else Literal(value) for value in row) for row in found]
    return _listing("pages.rejects", columns, rows, message("rejects"), message("rejects_introduction"), message("no_rejects"), {"line"}, page)


def _listing(
    endpoint: str, columns: list[str], rows: list[tuple[Term | None, ...]], heading: str, introduction: str, nothing: str,
    numbers: set[str], page: Page | None = None,
) -> Response:  # fmt: skip
    """A table as HTML, JSON or CSV, by `format=` or Accept."""
    format = _listing_format()
    if format is CSV:
        return Response(write_solutions(columns, rows, CSV.name), content_type=CSV.content_type)
    if format is PLAIN_JSON:
        members = [dict(zip(columns, (_plain(term) for term in row), strict=True)) for row in rows]
        return jsonify({"rows": members, "next": url_for(endpoint, page=page.number + 1, format="json") if page and page.has_next else None})
    display = answers.display_of(term for row in rows for term in row)
    shown = [[_cell(display.show(term)) for term in row] for row in rows]
    if endpoint == "pages.graphs":  # the number of triples leads to them
        shown = [[*cells[:2], replace(cells[2], href=url_for("browsing.triples", graph=row[0].value if row[0] else None))] for cells, row in zip(shown, rows, strict=True)]
    response = make_response(
        render_template(
            "listing.html", heading=heading, introduction=introduction, nothing=nothing, columns=[message(f"column_{name}") for name in columns],
            numbers={message(f"column_{name}") for name in numbers}, rows=shown, page=page, address=lambda number: url_for(endpoint, page=number),
            links={each: url_for(endpoint, format=each, **({"page": page.number} if page else {})) for each in ("json", "csv")},
        )
    )  # fmt: skip
    return answers.with_pages(response, None, url_for(endpoint, page=page.number + 1) if page and page.has_next else None)


def _listing_format() -> Format:
    offered = (HTML, PLAIN_JSON, CSV)
    name = request.args.get("format")
    return negotiation.named(name, offered) if name else negotiation.choose(request.headers.get("Accept"), offered)


def _cell(shown: Shown) -> Shown:
    return Shown(grouped(shown.text), "number") if shown.kind == "number" else shown if shown.text else NOTHING


def _plain(term: Term | None) -> object:
    if term is None:
        return None
    if isinstance(term, Literal) and term.datatype.value.endswith("#integer"):
        return int(term.value)
    return term.value


def _wants_html() -> bool:
    return request.args.get("format") != "json" and negotiation.prefers_html(request.headers.get("Accept"), PLAIN_JSON)
