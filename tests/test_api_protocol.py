"""/sparql as the SPARQL 1.1 Protocol wants it: ways to send a query, formats, graphs, status codes, problem documents."""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import pytest
from pyoxigraph import RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph

DATA = b"""
@prefix ex: <https://example.org/x/ontology/> .
<https://example.org/x/id/item/1> a ex:Item ; ex:weighs 1.50 ; ex:partOf <https://example.org/x/id/item/2> .
<https://example.org/x/id/item/2> a ex:Item ; ex:weighs 7 .
"""
ONE, TWO = "https://example.org/x/graph/one", "https://example.org/x/graph/two"
WEIGHTS = "SELECT ?item ?weight WHERE { ?item <https://example.org/x/ontology/weighs> ?weight } ORDER BY ?weight"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "ontology" / "x").mkdir(parents=True)
    (folder / "kg.toml").write_text('[project]\nname = "x"\nbase = "https://example.org/x/"\ndomains = ["x"]\n')
    with KnowledgeGraph.open(folder) as graph:
        graph.load(DATA, graph=ONE, format="ttl")
        graph.load(b"<urn:a> <urn:only-in-two> <urn:b> .", graph=TWO, format="ttl")
        yield create_app(graph).test_client()


def weights(response):
    assert response.status_code == 200, response.text
    return [binding["weight"]["value"] for binding in response.get_json(force=True)["results"]["bindings"]]


# ── Ways to send a query (2.1.1 to 2.1.3) ────────────────────────────────────────────────────────────────────


def test_a_query_is_answered_by_get(client):
    assert weights(client.get("/sparql", query_string={"query": WEIGHTS})) == ["1.50", "7"]


def test_a_query_is_answered_by_post_of_a_form(client):
    assert weights(client.post("/sparql", data={"query": WEIGHTS})) == ["1.50", "7"]


def test_a_query_is_answered_by_post_of_its_text(client):
    assert weights(client.post("/sparql", data=WEIGHTS, content_type="application/sparql-query")) == ["1.50", "7"]


def test_head_has_the_headers_of_get_and_no_body(client):
    response = client.head("/sparql", query_string={"query": WEIGHTS})
    assert response.content_type == "application/sparql-results+json" and response.data == b""


def test_text_beyond_ascii_arrives_unharmed(client):
    response = client.post("/sparql", data="SELECT (STRLEN('关系') AS ?weight) {}", content_type="application/sparql-query; charset=utf-8")
    assert weights(response) == ["2"]


@pytest.mark.parametrize(
    ("status", "code", "arguments"),
    [
        (400, "W102", {"method": "GET", "headers": {"Accept": "application/sparql-results+json"}}),
        (400, "W102", {"method": "GET", "query_string": {"qeury": WEIGHTS}}),
        (400, "W103", {"method": "GET", "query_string": {"query": [WEIGHTS, WEIGHTS]}}),
        (400, "W103", {"method": "POST", "data": "", "content_type": FORM}),
        (400, "W104", {"method": "POST", "data": b"ASK { \xff }", "content_type": "application/sparql-query"}),
        (400, "W101", {"method": "GET", "query_string": {"query": WEIGHTS, "timeout": "soon"}}),
        (400, "W101", {"method": "GET", "query_string": {"query": WEIGHTS, "limit": "0"}}),
        (400, "W407", {"method": "GET", "query_string": {"query": WEIGHTS, "format": "jsn"}}),
        (403, "W403", {"method": "POST", "data": {"update": "CLEAR ALL"}}),
        (403, "W403", {"method": "POST", "data": "CLEAR ALL", "content_type": "application/sparql-update"}),
        (405, "W405", {"method": "DELETE"}),
        (406, "W406", {"method": "GET", "query_string": {"query": WEIGHTS}, "headers": {"Accept": "image/png"}}),
        (406, "W406", {"method": "GET", "query_string": {"query": WEIGHTS, "format": "ttl"}}),
        (413, "W413", {"method": "POST", "data": b"x" * 2_000_001, "content_type": "application/sparql-query"}),
        (414, "W414", {"method": "GET", "query_string": "query=" + "x" * 2_000_001}),
        (415, "W415", {"method": "POST", "data": WEIGHTS, "content_type": "text/plain"}),
    ],
)
def test_a_request_that_cannot_be_taken_is_a_problem_document(client, status, code, arguments):
    response = client.open("/sparql", **arguments)
    problem = response.get_json(force=True)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:kg:error:{code}" and problem["title"]


def test_a_method_that_is_not_allowed_is_told_which_are(client):
    assert {"GET", "POST"} <= set(client.delete("/sparql").headers["Allow"].split(", "))


def test_a_syntax_error_names_line_column_and_text(client):
    response = client.get("/sparql", query_string={"query": "SELECT ?item\nWHERE { ?item ?is }"})
    problem = response.get_json(force=True)
    assert response.status_code == 400
    assert problem["code"].startswith("Q1")
    assert (problem["line"], problem["text"]) == (2, "WHERE { ?item ?is }")
    assert problem["column"] == 19


# ── Graphs of the request (2.1.4) ────────────────────────────────────────────────────────────────────────────


def test_default_graph_uri_narrows_the_query_to_that_graph(client):
    ask = "ASK { ?s <urn:only-in-two> ?o }"
    answers = [
        client.get("/sparql", query_string={"query": ask, "default-graph-uri": graph}).get_json(force=True)["boolean"] for graph in (ONE, TWO)
    ]
    assert answers == [False, True]


def test_named_graph_uri_is_what_graph_patterns_see(client):
    query = "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }"
    for data in ({"query": query, "named-graph-uri": TWO}, {"query": query, "named-graph-uri": [ONE, TWO]}):
        response = client.post("/sparql", data=data)
        found = {binding["g"]["value"] for binding in response.get_json(force=True)["results"]["bindings"]}
        assert found == ({TWO} if data["named-graph-uri"] == TWO else {ONE, TWO})


def test_an_unknown_graph_is_empty_and_not_fetched(client):
    assert weights(client.get("/sparql", query_string={"query": WEIGHTS, "default-graph-uri": "http://127.0.0.1:9/data.ttl"})) == []


def test_graphs_of_a_posted_text_come_from_the_address(client):
    response = client.post(
        "/sparql", query_string={"default-graph-uri": TWO}, data="ASK { ?s <urn:only-in-two> ?o }", content_type="application/sparql-query"
    )
    assert response.get_json(force=True)["boolean"] is True


# ── Formats ──────────────────────────────────────────────────────────────────────────────────────────────────

CONSTRUCT = "CONSTRUCT { ?item <urn:weight> ?weight } WHERE { ?item <https://example.org/x/ontology/weighs> ?weight }"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("application/json", "application/sparql-results+json"),
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
        ("text/csv;q=0.4, application/sparql-results+xml;q=0.5", "application/sparql-results+xml"),
        ("text/turtle, text/csv;q=0.1", "text/csv; charset=utf-8"),
        ("application/sparql-results+json;q=0, */*;q=0.1", "application/sparql-results+xml"),
        ("text/*", "text/csv; charset=utf-8"),
        ("text/xml", "application/sparql-results+xml"),
    ],
)
def test_solutions_come_in_the_format_the_client_prefers(client, accept, content_type):
    headers = {"Accept": accept} if accept else {}
    response = client.get("/sparql", query_string={"query": WEIGHTS}, headers=headers)
    assert (response.status_code, response.content_type) == (200, content_type)
    assert "Accept" in response.vary


@pytest.mark.parametrize(
    ("accept", "content_type", "rdf_format"),
    [
        ("*/*", "text/turtle; charset=utf-8", RdfFormat.TURTLE),
        ("application/n-triples", "application/n-triples", RdfFormat.N_TRIPLES),
        ("application/ld+json", "application/ld+json", RdfFormat.JSON_LD),
        ("application/rdf+xml", "application/rdf+xml", RdfFormat.RDF_XML),
        ("application/sparql-results+json, text/turtle;q=0.1", "text/turtle; charset=utf-8", RdfFormat.TURTLE),
    ],
)
def test_triples_come_in_the_format_the_client_prefers(client, accept, content_type, rdf_format):
    query = CONSTRUCT.replace("urn:weight", "https://example.org/x/weight")
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (200, content_type)
    assert len(list(parse(response.data, format=rdf_format))) == 2


def test_format_overrules_accept(client):
    response = client.get("/sparql", query_string={"query": WEIGHTS, "format": "csv"}, headers={"Accept": "application/json"})
    assert list(csv.reader(io.StringIO(response.text)))[1:] == [["https://example.org/x/id/item/1", "1.50"], ["https://example.org/x/id/item/2", "7"]]


def test_ask_is_answered_in_xml(client):
    response = client.get("/sparql", query_string={"query": "ASK {}", "format": "xml"})
    assert ElementTree.fromstring(response.text).find("{*}boolean").text == "true"


def test_limit_leaves_out_later_rows(client):
    assert weights(client.get("/sparql", query_string={"query": WEIGHTS, "limit": "1"})) == ["1.50"]


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_without_a_query_sees_a_form(client):
    response = client.get("/sparql", headers=BROWSER)
    assert response.content_type == "text/html; charset=utf-8"
    assert '<textarea id="query" name="query"' in response.text


def test_a_browser_sees_the_answer_as_a_table(client):
    text = client.get("/sparql", query_string={"query": WEIGHTS}, headers=BROWSER).text
    assert '<a href="/doc/item/1" title="https://example.org/x/id/item/1">' in text
    assert '<td class="number"><span class="number" title="xsd:decimal">1.50</span>' in text


def test_a_browser_sees_the_error_beside_its_query(client):
    response = client.get("/sparql", query_string={"query": "SELECT <b>"}, headers=BROWSER)
    assert response.status_code == 400
    assert "SELECT &lt;b&gt;</textarea>" in response.text and 'role="alert"' in response.text


# ── Other origins, safety ────────────────────────────────────────────────────────────────────────────────────


def test_scripts_of_other_origins_may_ask(client):
    preflight = client.options("/sparql", headers={"Origin": "https://tool.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_origins_can_be_narrowed():
    with KnowledgeGraph.memory() as graph:
        client = create_app(graph, origins=["https://good.example"]).test_client()
        headers = [client.get("/sparql?query=ASK{}", headers={"Origin": origin}).headers for origin in ("https://good.example", "https://bad.example")]
    assert headers[0]["Access-Control-Allow-Origin"] == "https://good.example"
    assert "Access-Control-Allow-Origin" not in headers[1]


def test_every_response_forbids_foreign_content(client):
    for response in (client.get("/sparql", headers=BROWSER), client.get("/no/such/page"), client.get("/sparql?query=ASK{}")):
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"


def test_a_problem_document_is_valid_json_for_any_text(client):
    response = client.get("/sparql", query_string={"query": 'ASK { "\u2028</script>" '})
    assert json.loads(response.text)["status"] == 400
