"""Driver of the W3C suite of the SPARQL 1.1 Service Description, whose three cases are prose: each is a check written here."""

from __future__ import annotations

from pyoxigraph import BlankNode, Dataset, NamedNode, RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph
from tests.conformance import SUITES, Case, walk
from tests.conformance_protocol import project

MANIFEST = "sparql11/service-description/manifest.ttl"
_SD = "http://www.w3.org/ns/sparql-service-description#"
_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
# Section 3.4 of the recommendation: property → class of its subject, class of its object (None: any resource).
_PROPERTIES = {
    "endpoint": ("Service", None), "feature": ("Service", "Feature"), "defaultEntailmentRegime": ("Service", None), "entailmentRegime": ("NamedGraph", None),
    "defaultSupportedEntailmentProfile": ("Service", None), "supportedEntailmentProfile": ("NamedGraph", None), "extensionFunction": ("Service", None),
    "extensionAggregate": ("Service", None), "languageExtension": ("Service", None), "supportedLanguage": ("Service", "Language"),
    "propertyFeature": ("Service", None), "defaultDataset": ("Service", "Dataset"), "availableGraphs": ("Service", None), "resultFormat": ("Service", None),
    "inputFormat": ("Service", None), "defaultGraph": ("Dataset", "Graph"), "namedGraph": ("Dataset", "NamedGraph"), "name": ("NamedGraph", None),
    "graph": ("NamedGraph", "Graph"),
}  # fmt: skip
_KNOWN = {  # sections 3.2 and 3.3: instances that need no type of their own
    "Feature": {"DereferencesURIs", "UnionDefaultGraph", "RequiresDataset", "EmptyGraphs", "BasicFederatedQuery"},
    "Language": {"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"},
}
_CLASSES = {"Service", "Feature", "Language", "Dataset", "Graph", "GraphCollection", "NamedGraph", "Function", "Aggregate", "EntailmentRegime", "EntailmentProfile"}
_ADDRESS = "http://localhost/sparql"


def fault(case: Case) -> str | None:
    """Why the case fails, or None."""
    checks = {"returns-rdf": _is_rdf, "has-endpoint-triple": _has_its_endpoint, "conforms-to-schema": _keeps_the_schema}
    with project() as folder, KnowledgeGraph.open(folder) as graph:
        graph.load(b"<urn:a> <urn:p> 1 .", graph="urn:one", format="ttl")
        return checks[case.id.rpartition("#")[2]](create_app(graph, writable=True).test_client())


def _description(client, media_type: str = "text/turtle") -> Dataset:
    response = client.get("/sparql", headers={"Accept": media_type})
    return Dataset(parse(response.data, format=RdfFormat.from_media_type(response.mimetype)))


def _is_rdf(client) -> str | None:
    """GET on the endpoint, without query, is 200 and RDF that parses, in each syntax and to clients without a wish."""
    for media_type in ("text/turtle", "application/rdf+xml", "application/n-triples", "*/*"):
        response = client.get("/sparql", headers={"Accept": media_type})
        if response.status_code != 200 or not len(_description(client, media_type)):
            return f"status {response.status_code} for {media_type}"
    return None


def _has_its_endpoint(client) -> str | None:
    """One sd:endpoint, and it is where the description was fetched."""
    found = [quad.object for quad in _description(client).quads_for_predicate(NamedNode(_SD + "endpoint"))]
    return None if found == [NamedNode(_ADDRESS)] else f"sd:endpoint is {found}"


def _keeps_the_schema(client) -> str | None:
    """Words of the vocabulary only, each between things of its classes; one service, its graphs named by IRIs."""
    data = _description(client)
    types: dict[object, set[str]] = {}
    for quad in data.quads_for_predicate(_TYPE):
        if quad.object.value.startswith(_SD):
            types.setdefault(quad.subject, set()).add(quad.object.value.removeprefix(_SD))
    if unknown := {name for names in types.values() for name in names} - _CLASSES:
        return f"no classes of the vocabulary: {unknown}"
    if sum("Service" in names for names in types.values()) != 1:
        return "there is not exactly one sd:Service"
    for quad in data:
        if not quad.predicate.value.startswith(_SD):
            continue
        name = quad.predicate.value.removeprefix(_SD)
        if name not in _PROPERTIES:
            return f"sd:{name} is no property of the vocabulary"
        of, to = _PROPERTIES[name]
        if of not in types.get(quad.subject, ()):
            return f"the subject of sd:{name} is no sd:{of}"
        if not isinstance(quad.object, (NamedNode, BlankNode)) or (name == "name" and not isinstance(quad.object, NamedNode)):
            return f"the object of sd:{name} is {quad.object}"
        is_known = isinstance(quad.object, NamedNode) and quad.object.value.removeprefix(_SD) in _KNOWN.get(to, ())
        if to is not None and to not in types.get(quad.object, ()) and not is_known:
            return f"the object of sd:{name} is no sd:{to}: {quad.object}"
    return None


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, reasons) for the conformance report."""
    found = list(walk(SUITES / MANIFEST))
    reasons = {case.id: fault(case) for case in found}
    failed = {name: reason for name, reason in reasons.items() if reason is not None}
    return len(found) - len(failed), len(found), failed
