"""Requests that mean harm: each ends in a clear problem document within the limits, and the server goes on answering."""

import json
import re
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode

import pytest

from api import create_app
from kg import KnowledgeGraph
from tests.test_api_served import project, served

SECONDS = 3  # what a query may take here
LEEWAY = 40  # a busy machine; an endless query would take for ever


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with KnowledgeGraph.open(project(tmp_path_factory.mktemp("project"), 3000, limits=f"timeout = {SECONDS}")) as graph:
        text = "".join(f'<urn:item:{n}> <urn:says> "{"a" * 200}!" .\n' for n in range(3000))
        graph.load(text.encode(), format="ttl")
        with served(graph, writable=True) as address:
            yield address


def refused(address, query, method="POST"):
    """The status and problem document of a query that is not answered, within the limits; then the server answers others."""
    started = time.monotonic()
    url, data = f"{address}/sparql", query.encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/sparql-query", "Accept": "application/sparql-results+json"})
    if method == "GET":
        request = urllib.request.Request(f"{url}?{urlencode({'query': query})}")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=120).read()
    assert time.monotonic() - started < SECONDS + LEEWAY
    assert raised.value.headers["Content-Type"] == "application/problem+json"
    document = json.load(raised.value)
    assert document["code"] and document["title"]
    answers(address)
    return raised.value.code, document


def answers(address):
    request = urllib.request.Request(f"{address}/sparql?query=ASK%20%7B%7D", headers={"Accept": "application/sparql-results+json"})
    assert json.load(urllib.request.urlopen(request, timeout=60))["boolean"] is True


@pytest.mark.parametrize("query", [
    "SELECT * { " + "{ " * 5000 + "?s ?p ?o" + " }" * 5000 + " }",
    "SELECT * { FILTER(" + "(" * 5000 + "1" + ")" * 5000 + ") }",
    "SELECT * { ?s <urn:p> " + "[ <urn:p> " * 5000 + "1" + " ]" * 5000 + " }",
    "SELECT * { ?s <urn:p> " + "( " * 5000 + "1" + " )" * 5000 + " }",
    "SELECT * { ?s " + "(" * 5000 + "<urn:p>" + ")+" * 5000 + " ?o }",
], ids=["groups", "brackets", "blank nodes", "lists", "paths"])  # fmt: skip
def test_deep_nesting_is_a_syntax_error_with_its_place(address, query):
    status, document = refused(address, query)
    assert status == 400 and document["line"] == 1


def test_ten_megabytes_of_query_are_too_large(address):
    status, document = refused(address, "SELECT * { " + "?s ?p ?o . " * 1_000_000 + "}")
    assert status == 413 and document["help"]


def test_an_address_of_a_megabyte_is_refused(address):
    with pytest.raises((urllib.error.HTTPError, OSError)) as raised:
        urllib.request.urlopen(f"{address}/sparql?query={'a' * 1_000_000}", timeout=60)
    assert not isinstance(raised.value, urllib.error.HTTPError) or raised.value.code in (400, 414, 431)
    answers(address)


@pytest.mark.parametrize("query", [
    "SELECT (SUM(?a * ?b + ?c) AS ?n) { ?r <urn:weighs> ?a . ?s <urn:weighs> ?b . ?t <urn:weighs> ?c FILTER(?a * ?b > ?c) }",
    "SELECT (COUNT(DISTINCT *) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
    'SELECT (COUNT(*) AS ?n) { ?r <urn:says> ?x . ?s <urn:says> ?y . ?t <urn:says> ?z FILTER REGEX(CONCAT(?x, ?y, ?z), "^(a|aa)+$") }',
], ids=["sum over a product", "distinct product", "expressions over a product"])  # fmt: skip
def test_what_has_no_end_is_stopped_in_time(address, query):
    status, document = refused(address, query)
    assert (status, document["code"]) in ((503, "Q402"), (422, "Q403"))


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*$b", "(a|aa)+$", "(.*)*x{1,50}", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_explode_elsewhere_are_answered(address, pattern):
    query = f'SELECT (COUNT(*) AS ?n) {{ ?s <urn:says> ?x FILTER REGEX(?x, "{pattern}") }}'
    request = urllib.request.Request(f"{address}/sparql?{urlencode({'query': query})}", headers={"Accept": "application/sparql-results+json"})
    assert json.load(urllib.request.urlopen(request, timeout=60))["results"]["bindings"]


def test_a_pattern_of_unbounded_size_is_refused(address):
    status, document = refused(address, 'SELECT * { ?s <urn:says> ?x FILTER REGEX(?x, "((a{1,1000}){1,1000}){1,1000}") }')
    assert status in (400, 422) and document["title"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{port}/sparql", "http://localhost/", "http://[::1]/", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data"])
def test_service_reaches_nothing_that_is_not_on_the_list(address, endpoint):
    port = address.rpartition(":")[2]
    status, document = refused(address, f"SELECT * {{ SERVICE <{endpoint.format(port=port)}> {{ ?s ?p ?o }} }}")
    assert (status, document["code"]) == (400, "Q601")


def test_from_fetches_nothing(address):
    query = urlencode({"query": f"SELECT * FROM <{address}/sparql> FROM <file:///etc/passwd> {{ ?s ?p ?o }}", "default-graph-uri": "file:///etc/passwd"})
    request = urllib.request.Request(f"{address}/sparql?{query}", headers={"Accept": "application/sparql-results+json"})
    assert json.load(urllib.request.urlopen(request, timeout=60))["results"]["bindings"] == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", "/etc/passwd", "file:///etc/passwd", "%00", "..\\..\\kg.toml", "....//....//kg.toml"])
def test_names_of_graphs_are_never_paths(tmp_path, name):
    folder = project(tmp_path, 5)
    with KnowledgeGraph.open(folder) as graph:
        client = create_app(graph, writable=True).test_client()
        before = {path for path in tmp_path.rglob("*") if "store" not in path.parts}
        for path in (f"/graph-store?graph={quote(name, safe='%')}", f"/graph-store/{name}"):
            response = client.get(path)
            assert response.status_code in (308, 400, 404) and b"root:" not in response.data and b"[project]" not in response.data, path
            client.put(path, data=b"<urn:a> <urn:b> 1 .", content_type="text/turtle")
        assert {path for path in tmp_path.rglob("*") if "store" not in path.parts} == before


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/queries/../../kg.toml", "/queries/x/..%2f..%2f..%2fkg.toml", "/doc/../../kg.toml"])
def test_paths_stay_within_what_is_served(address, path):
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(address + path, timeout=60)
    assert raised.value.code in (400, 404) and not re.search(rb"\[project\]|def create_app", raised.value.read())
    answers(address)


@pytest.mark.parametrize("update", ["LOAD <file:///etc/passwd>", "LOAD <http://127.0.0.1/x.ttl>", "LOAD <../../kg.toml>"])
def test_load_reads_nothing(tmp_path, update):
    with KnowledgeGraph.open(project(tmp_path, 5)) as graph:
        response = create_app(graph, writable=True).test_client().post("/sparql", data={"update": update})
        assert response.status_code in (400, 403) and response.content_type == "application/problem+json"
