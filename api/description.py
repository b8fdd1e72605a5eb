"""What this server is and holds, as RDF: SPARQL 1.1 Service Description (of /sparql) and VoID (/.well-known/void)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, request, url_for
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from api import conditional, current, negotiation, writing
from api.negotiation import TRIPLES
from kg.sparql.results import write_graph
from kg.sparql.translate_search import SEARCH
from kg.terms import Term

blueprint = Blueprint("description", __name__)

_SD = "http://www.w3.org/ns/sparql-service-description#"
_VOID = "http://rdfs.org/ns/void#"
_FORMATS = "http://www.w3.org/ns/formats/"
_DCTERMS = "http://purl.org/dc/terms/"
_RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_PREFIXES = {"sd": _SD, "void": _VOID, "formats": _FORMATS, "dcterms": _DCTERMS}
_OF_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_OF_GRAPHS = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML")
_CLASSES = "SELECT ?class (COUNT(DISTINCT ?thing) AS ?things) WHERE { ?thing a ?class FILTER(isIRI(?class)) } GROUP BY ?class ORDER BY ?class"
_PROPERTIES = "SELECT ?property (COUNT(*) AS ?triples) WHERE { ?s ?property ?o } GROUP BY ?property ORDER BY ?property"


def service() -> Response:
    """The description of the endpoint (section 2 of the recommendation: GET without a query)."""
    return _document(_service)


@blueprint.get("/.well-known/void")
def void() -> Response:
    """The description of the data (VoID, 7.2): its size, its properties and classes, where to query it."""
    return _document(_data_set)


def _document(describe) -> Response:
    wished = request.args.get("format")
    format = negotiation.named(wished, TRIPLES) if wished else negotiation.choose(request.headers.get("Accept"), TRIPLES)
    return conditional.answer(lambda: Response(write_graph(describe(), format.media_type, _PREFIXES), content_type=format.content_type), writing.is_allowed())


def _service() -> Iterator[Triple]:
    """The description of this service, its dataset with a size for each graph among it (Service Description, 3)."""
    status = current.graph().status()
    service, dataset, default = BlankNode(), BlankNode(), BlankNode()
    yield from _about(service, _RDF_TYPE, [_sd("Service")])
    yield from _about(service, _sd("endpoint"), [NamedNode(url_for("sparql.endpoint", _external=True))])
    yield from _about(service, _sd("supportedLanguage"), [_sd("SPARQL11Query"), *([_sd("SPARQL11Update")] if writing.is_allowed() else [])])
    yield from _about(service, _sd("feature"), _features())
    yield from _about(service, _sd("propertyFeature"), [SEARCH])
    yield from _about(service, _sd("resultFormat"), map(_format, (*_OF_RESULTS, *_OF_GRAPHS)))
    if writing.is_allowed():
        yield from _about(service, _sd("inputFormat"), map(_format, _OF_GRAPHS))
    yield from _about(service, _sd("defaultDataset"), [dataset])
    yield from _about(dataset, _RDF_TYPE, [_sd("Dataset")])
    yield from _about(dataset, _sd("defaultGraph"), [default])
    yield from _graph(default, status.triples)
    for each in status.graphs:
        if each["iri"]:
            named, graph = BlankNode(), BlankNode()
            yield from _about(dataset, _sd("namedGraph"), [named])
            yield from _about(named, _RDF_TYPE, [_sd("NamedGraph")])
            yield from _about(named, _sd("name"), [NamedNode(each["iri"])])
            yield from _about(named, _sd("graph"), [graph])
            yield from _graph(graph, each["triples"])


def _features() -> list[NamedNode]:
    """SERVICE is a feature where there is an endpoint that may be asked."""
    project = current.project()
    return [_sd(name) for name in ("UnionDefaultGraph", "EmptyGraphs", *(["BasicFederatedQuery"] if project.federation.allow else []))]


def _graph(graph: BlankNode, triples: int) -> Iterator[Triple]:
    yield from _about(graph, _RDF_TYPE, [_sd("Graph")])
    yield from _about(graph, _void("triples"), [Literal(triples)])


def _data_set() -> Iterator[Triple]:
    """The description of all graphs together; counts are exact."""
    graph, project = current.graph(), current.project()
    data = NamedNode(url_for("description.void", _external=True) + "#data")
    yield from _about(data, _RDF_TYPE, [_void("Dataset")])
    yield from _about(data, NamedNode(_DCTERMS + "title"), [Literal(title, language=tag) for tag, title in project.title.items()])
    yield from _about(data, _void("sparqlEndpoint"), [NamedNode(url_for("sparql.endpoint", _external=True))])
    yield from _about(data, _void("uriSpace"), [Literal(project.base)])
    yield from _about(data, _void("feature"), map(_format, _OF_GRAPHS))
    yield from _about(data, _void("triples"), [Literal(graph.status().triples)])
    classes, properties = current.select(_CLASSES), current.select(_PROPERTIES)
    yield from _about(data, _void("properties"), [Literal(len(properties))])
    yield from _about(data, _void("classes"), [Literal(len(classes))])
    for class_, things in classes:
        yield from _partition(data, "class", class_, "entities", things)
    for predicate, triples in properties:
        yield from _partition(data, "property", predicate, "triples", triples)


def _partition(data: NamedNode, kind: str, term: Term, measure: str, count: Term) -> Iterator[Triple]:
    """The part of the data of one class, or of one property (VoID, 4.4)."""
    part = BlankNode()
    yield from _about(data, _void(f"{kind}Partition"), [part])
    yield from _about(part, _void(kind), [term])
    yield from _about(part, _void(measure), [count])


def _about(subject: NamedNode | BlankNode, predicate: NamedNode, objects: Iterable[Term]) -> Iterator[Triple]:
    for object_ in objects:
        yield Triple(subject, predicate, object_)


def _sd(name: str) -> NamedNode:
    return NamedNode(_SD + name)


def _void(name: str) -> NamedNode:
    return NamedNode(_VOID + name)


def _format(name: str) -> NamedNode:
    return NamedNode(_FORMATS + name)
