"""The service describes itself (SPARQL 1.1 Service Description) and its data (VoID); answers have ETags."""

import pytest
from pyoxigraph import Dataset, Literal, NamedNode, RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph

SD = "http://www.w3.org/ns/sparql-service-description#"
VOID = "http://rdfs.org/ns/void#"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "ontology" / "x").mkdir(parents=True)
    (tmp_path / "kg.toml").write_text('[project]\nname = "x"\nbase = "https://example.org/x/"\ndomains = ["x"]\ntitle = { en = "Things" }\n')
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.load(b"<urn:a> a <urn:C> ; <urn:p> 1, 2 .", graph="urn:one", format="ttl")
        graph.load(b"<urn:a> <urn:p> 1 .", graph="urn:two", format="ttl")
        yield graph


@pytest.fixture
def client(graph):
    return create_app(graph).test_client()


def described(client, path, **arguments):
    response = client.get(path, **arguments)
    assert (response.status_code, response.mimetype) == (200, "text/turtle"), response.text
    return Dataset(parse(response.data, format=RdfFormat.TURTLE))


def objects(data, predicate, subject=None):
    return {quad.object for quad in data.quads_for_predicate(NamedNode(predicate)) if subject in (None, quad.subject)}


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "text/turtle"}, {"Accept": "application/rdf+xml;q=0.1, text/turtle"}])
def test_the_endpoint_without_a_query_describes_the_service_in_rdf(client, headers):
    data = described(client, "/sparql", headers=headers)
    (service,) = (quad.subject for quad in data.quads_for_object(NamedNode(SD + "Service")))
    assert objects(data, SD + "endpoint", service) == {NamedNode("http://localhost/sparql")}


def test_languages_say_whether_updates_are_taken(graph, client):
    update = NamedNode(SD + "SPARQL11Update")
    assert objects(described(client, "/sparql"), SD + "supportedLanguage") == {NamedNode(SD + "SPARQL11Query")}
    assert update in objects(described(create_app(graph, writable=True).test_client(), "/sparql"), SD + "supportedLanguage")


def test_federation_is_a_feature_where_an_endpoint_may_be_asked(tmp_path, client):
    feature = NamedNode(SD + "BasicFederatedQuery")
    assert feature not in objects(described(client, "/sparql"), SD + "feature")
    settings = tmp_path / "kg.toml"
    settings.write_text(settings.read_text() + '[federation]\nallow = ["http://localhost:9/sparql"]\n')
    with KnowledgeGraph.open(tmp_path) as federated:
        assert feature in objects(described(create_app(federated).test_client(), "/sparql"), SD + "feature")


@pytest.mark.parametrize("path", ["/sparql", "/graph-store"])
def test_every_named_graph_is_listed_with_its_size(client, path):
    data = described(client, path)
    sizes = {}
    for quad in data.quads_for_predicate(NamedNode(SD + "name")):
        (graph,) = objects(data, SD + "graph", quad.subject)
        (sizes[quad.object.value],) = objects(data, VOID + "triples", graph)
    assert sizes == {"urn:one": Literal(3), "urn:two": Literal(1)}


def test_the_default_graph_is_the_union_and_its_size_counts_each_triple_once(client):
    data = described(client, "/sparql")
    (default,) = objects(data, SD + "defaultGraph")
    assert objects(data, VOID + "triples", default) == {Literal(3)}
    assert NamedNode(SD + "UnionDefaultGraph") in objects(data, SD + "feature")


def test_void_counts_triples_classes_and_properties(client):
    data = described(client, "/.well-known/void")
    subject = NamedNode("http://localhost/.well-known/void#data")
    assert objects(data, VOID + "triples", subject) == {Literal(3)}
    assert objects(data, VOID + "classes", subject) == {Literal(1)} and objects(data, VOID + "class") == {NamedNode("urn:C")}
    (partition,) = (quad.subject for quad in data.quads_for_object(NamedNode("urn:p")))
    assert objects(data, VOID + "triples", partition) == {Literal(2)}
    assert objects(data, "http://purl.org/dc/terms/title") == {Literal("Things", language="en")}


def test_a_browser_still_sees_the_page(client):
    assert client.get("/sparql", headers={"Accept": "text/html,*/*;q=0.8"}).mimetype == "text/html"


# ── ETag of answers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "arguments"), [("/sparql", {"query": COUNT}), ("/sparql", {}), ("/.well-known/void", {})])
def test_an_answer_is_304_until_the_graph_changes(graph, client, path, arguments):
    first = client.get(path, query_string=arguments)
    again = client.get(path, query_string=arguments, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    graph.load(b"<urn:b> <urn:p> 3 .", graph="urn:two", format="ttl")
    changed = client.get(path, query_string=arguments, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200 and changed.data != first.data


def test_answers_in_two_formats_and_of_two_queries_have_different_etags(client):
    tags = {client.get("/sparql", query_string={"query": text, "format": format}).headers["ETag"] for text in (COUNT, "ASK {}") for format in ("json", "xml")}
    assert len(tags) == 4


def test_the_answer_of_a_saved_query_is_304_until_its_text_or_the_graph_changes(tmp_path, graph, client):
    file = tmp_path / "queries" / "x" / "count.rq"
    file.parent.mkdir(parents=True)
    file.write_text(f"#+ question: How many?\n{COUNT}\n")
    first = client.get("/queries/x/count.json")
    headers = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/queries/x/count.json", headers=headers).status_code == 304
    file.write_text(f"#+ question: How many?\n{COUNT.replace('*', 'DISTINCT ?p')}\n")
    assert client.get("/queries/x/count.json", headers=headers).status_code == 200


def test_what_is_new_at_every_moment_has_no_etag(client):
    assert "ETag" not in client.get("/sparql", query_string={"query": "SELECT (NOW() AS ?now) {}"}).headers
