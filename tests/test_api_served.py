"""The server as it is run: behind waitress, with several threads, over a project whose graph gets new versions."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

import pytest
import waitress
from SPARQLWrapper import CSV, JSON, POST, POSTDIRECTLY, TURTLE, XML, SPARQLWrapper

from api import create_app
from kg import KnowledgeGraph

BASE = "https://example.org/x/"
COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s <urn:weighs> ?weight }"


@contextmanager
def served(graph, threads=4, **settings):
    """The address of a server over `graph` on a free port of this machine, run as `kg serve` runs it."""
    app = create_app(graph, threads=threads, **settings)
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=threads, channel_request_lookahead=1)

    def run():
        with suppress(OSError):  # its sockets are closed under it at the end
            server.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(5)


def project(folder, items=0, limits=""):
    """A project folder whose graph weighs so many items; without items it was never built."""
    (folder / "ontology" / "x").mkdir(parents=True)
    (folder / "kg.toml").write_text(f'[project]\nname = "x"\nbase = "{BASE}"\ndomains = ["x"]\n[limits]\n{limits}\n')
    if items:
        with KnowledgeGraph.open(folder) as graph:
            graph.load("\n".join(f"<urn:item:{n}> <urn:weighs> {n} ." for n in range(items)).encode(), format="ttl")
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with KnowledgeGraph.open(project(tmp_path_factory.mktemp("project"), 3000)) as graph, served(graph) as address:
        yield address


def ask(address, query, accept="application/sparql-results+json"):
    request = urllib.request.Request(f"{address}/sparql?{urlencode({'query': query})}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def count(address):
    return int(json.loads(ask(address, COUNT))["results"]["bindings"][0]["n"]["value"])


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_short_answer_says_its_length_and_leaves_the_connection_open(address, coding):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    path = "/sparql?" + urlencode({"query": "SELECT ?item { ?item <urn:weighs> ?weight } LIMIT 200"})
    used = set()
    for _ in range(3):
        connection.request("GET", path, headers={"Accept-Encoding": coding})
        response = connection.getresponse()
        used.add(connection.sock)
        assert int(response.headers["Content-Length"]) == len(response.read())
        assert response.headers.get("Content-Encoding", "identity") == coding
    assert len(used) == 1 and None not in used


@pytest.mark.parametrize(("method", "way"), [("GET", None), (POST, None), (POST, POSTDIRECTLY)])
def test_sparqlwrapper_reads_json(address, method, way):
    client = SPARQLWrapper(f"{address}/sparql", returnFormat=JSON)
    client.setMethod(method)
    if way:
        client.setRequestMethod(way)
    client.setQuery(COUNT)
    assert client.queryAndConvert()["results"]["bindings"] == [
        {"n": {"type": "literal", "datatype": "http://www.w3.org/2001/XMLSchema#integer", "value": "3000"}}
    ]


def test_sparqlwrapper_reads_xml_csv_and_turtle(address):
    client = SPARQLWrapper(f"{address}/sparql")
    client.setQuery(COUNT)
    client.setReturnFormat(XML)
    assert client.queryAndConvert().getElementsByTagName("literal")[0].firstChild.data == "3000"
    client.setReturnFormat(CSV)
    assert client.queryAndConvert() == b"n\r\n3000\r\n"
    client.setQuery("CONSTRUCT { ?s <urn:heavy> true } WHERE { ?s <urn:weighs> ?weight FILTER(?weight > 2997) }")
    client.setReturnFormat(TURTLE)
    assert client.queryAndConvert().count(b"urn:heavy") == 2


def test_a_long_answer_arrives_whole(address):
    rows = json.loads(ask(address, "SELECT * WHERE { ?s <urn:weighs> ?weight }"))["results"]["bindings"]
    assert {int(row["weight"]["value"]) for row in rows} == set(range(3000))


def test_a_malformed_query_is_400_on_the_wire(address):
    with pytest.raises(urllib.error.HTTPError) as raised:
        ask(address, "SELECT WHERE")
    assert raised.value.code == 400
    assert json.load(raised.value)["line"] == 1


def test_requests_are_answered_at_the_same_time(address):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: count(address), range(40))) == {3000}


def test_a_query_that_takes_too_long_is_stopped_and_told(address):
    product = "SELECT (SUM(?a * ?b + ?c) AS ?n) { ?r <urn:weighs> ?a . ?s <urn:weighs> ?b . ?t <urn:weighs> ?c FILTER(?a * ?b > ?c) }"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{address}/sparql?{urlencode({'query': product, 'timeout': 1})}", timeout=30)
    assert raised.value.code == 503 and raised.value.headers["Retry-After"]
    assert json.load(raised.value)["code"] == "Q402"


def test_an_answer_above_the_row_limit_never_looks_whole(tmp_path):
    everything = "SELECT * WHERE { ?s <urn:weighs> ?weight }"

    def get(address, **parameters):
        with urllib.request.urlopen(f"{address}/sparql?{urlencode({'query': everything, **parameters})}", timeout=30) as response:
            return response.headers, response.read().decode()

    with KnowledgeGraph.open(project(tmp_path, 9000, limits="rows = 5000")) as graph, served(graph) as address:
        headers, text = get(address, format="json")
        assert len(json.loads(text)["results"]["bindings"]) == 5000 and "only the first 5000" in json.loads(text)["warnings"][0]
        assert headers["Guanxi-Row-Limit"] == "5000"
        headers, text = get(address, format="json", limit=7)
        assert (headers["Guanxi-Partial"], len(json.loads(text)["results"]["bindings"])) == ("rows=7", 7)
        assert "<!-- only the first 5000" in get(address, format="xml")[1]
        with pytest.raises(urllib.error.HTTPError) as raised:
            get(address, format="csv")
        assert raised.value.code == 422 and "limit=5000" in json.load(raised.value)["help"]
        headers, text = get(address, format="csv", limit=4000)
        assert (headers["Guanxi-Partial"], text.count("\n")) == ("rows=4000", 4001)
        everything += " LIMIT 5000"
        for format in ("json", "csv"):
            headers, text = get(address, format=format)
            assert headers["Guanxi-Partial"] is None and "only the first" not in text
        everything = "CONSTRUCT WHERE { ?s <urn:weighs> ?weight }"
        headers, text = get(address, format="nt")
        assert headers["Guanxi-Partial"] == "rows=5000" and text.rstrip().endswith("there are more")


def test_an_empty_answer_says_what_the_graph_lacks(address):
    request = f"{address}/sparql?{urlencode({'query': 'SELECT * { ?s <urn:weights> ?w }'})}"
    with urllib.request.urlopen(urllib.request.Request(request, headers={"Accept": "application/json"}), timeout=30) as response:
        assert "urn:weighs" in response.headers["Guanxi-Warning"]
        assert "urn:weighs" in json.load(response)["warnings"][0]


def test_a_new_version_is_served_without_a_restart(tmp_path):
    folder = project(tmp_path, 10)
    with KnowledgeGraph.open(folder) as graph, served(graph) as address:
        assert count(address) == 10
        for n in (11, 12):
            with KnowledgeGraph.open(folder) as writer:
                writer.load(f"<urn:item:{n}> <urn:weighs> {n} .".encode(), graph=BASE + "graph/more", format="ttl")
            assert count(address) == n


def test_before_the_first_build_the_server_says_what_to_do(tmp_path):
    with KnowledgeGraph.open(project(tmp_path)) as graph:
        client = create_app(graph).test_client()
        response = client.get("/healthz")
        assert response.status_code == 503
        assert "kg build" in response.get_json(force=True)["help"]
        assert "kg build" in client.get("/", headers={"Accept": "text/html"}).text
