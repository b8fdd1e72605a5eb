"""Updates over the SPARQL 1.1 Protocol (section 2.2): who may, ways to send them, what they leave behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api import create_app
from kg import KnowledgeGraph
from kg.store.versions import Versions

INSERT = "INSERT DATA { <urn:a> <urn:p> 1, 2 }"
UPDATE = "application/sparql-update"


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "ontology" / "x").mkdir(parents=True)
    (tmp_path / "kg.toml").write_text('[project]\nname = "x"\nbase = "https://example.org/x/"\ndomains = ["x"]\n')
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.load(b"<urn:there> <urn:q> 0 .", graph="urn:one", format="ttl")
        yield graph


@pytest.fixture
def client(graph):
    return create_app(graph, writable=True).test_client()


def holds(client, pattern):
    return client.get("/sparql", query_string={"query": f"ASK {{ {pattern} }}"}).get_json(force=True)["boolean"]


@pytest.mark.parametrize("sent", [{"data": {"update": INSERT}}, {"data": INSERT, "content_type": UPDATE + "; charset=utf-8"}])
def test_an_update_is_done_and_seen_by_the_next_query(client, sent):
    response = client.post("/sparql", **sent)
    assert (response.status_code, response.get_json()["inserted"], response.get_json()["graphs"]) == (200, 2, [""])
    assert holds(client, "<urn:a> <urn:p> 1, 2")


def test_a_server_takes_no_changes_unless_it_was_started_to(graph):
    client = create_app(graph).test_client()
    response = client.post("/sparql", data={"update": INSERT})
    assert (response.status_code, response.content_type) == (403, "application/problem+json")
    assert "--writable" in response.get_json(force=True)["help"]
    assert not holds(client, "<urn:a> <urn:p> 1")


def test_a_request_of_several_operations_is_one_version(graph, client):
    before = graph.status().version
    assert client.post("/sparql", data={"update": f"{INSERT} ; CREATE GRAPH <urn:g> ; DELETE DATA {{ <urn:a> <urn:p> 1 }}"}).status_code == 200
    assert graph.status().version == before + 1


def test_a_request_whose_last_operation_fails_changes_nothing(graph, client):
    before = graph.status().version
    response = client.post("/sparql", data={"update": f"{INSERT} ; CLEAR GRAPH <urn:nowhere>"})
    assert (response.status_code, response.get_json(force=True)["code"]) == (400, "Q502")
    assert graph.status().version == before and not holds(client, "<urn:a> <urn:p> 1")


@pytest.mark.parametrize("in_form", [True, False])
def test_using_graph_uri_is_what_patterns_read(client, in_form):
    client.post("/sparql", data={"update": "INSERT DATA { GRAPH <urn:two> { <urn:other> <urn:q> 0 } }"})
    text = "INSERT { ?s <urn:found> true } WHERE { ?s <urn:q> 0 }"
    sent = {"data": {"update": text, "using-graph-uri": "urn:two"}} if in_form else {
        "query_string": {"using-graph-uri": "urn:two"}, "data": text, "content_type": UPDATE}  # fmt: skip
    assert client.post("/sparql", **sent).get_json()["inserted"] == 1
    assert holds(client, "<urn:other> <urn:found> true") and not holds(client, "<urn:there> <urn:found> true")


def test_using_named_graph_uri_is_what_graph_patterns_read(client):
    client.post("/sparql", data={"update": "INSERT DATA { GRAPH <urn:two> { <urn:other> <urn:q> 0 } }"})
    text = "INSERT { ?s <urn:found> ?g } WHERE { GRAPH ?g { ?s <urn:q> 0 } }"
    client.post("/sparql", data={"update": text, "using-named-graph-uri": ["urn:one"]})
    assert holds(client, "<urn:there> <urn:found> <urn:one>") and not holds(client, "<urn:other> <urn:found> ?g")


@pytest.mark.parametrize(
    ("status", "code", "arguments"),
    [
        (400, "Q506", {"data": {"update": "WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", "using-graph-uri": "urn:one"}}),
        (400, "Q504", {"data": {"update": "LOAD <file:///etc/passwd>"}}),
        (400, "Q504", {"data": {"update": "LOAD <http://127.0.0.1:9/>"}}),
        (400, "W103", {"data": {"update": [INSERT, INSERT]}}),
        (400, "W103", {"data": {"update": INSERT, "query": "ASK {}"}}),
        (400, "W104", {"data": b"# \xff", "content_type": UPDATE}),
        (400, "W101", {"data": {"update": INSERT, "timeout": "0"}}),
        (415, "W415", {"data": INSERT, "content_type": "text/plain"}),
        (415, "W415", {"data": INSERT, "content_type": UPDATE + "; charset=utf-16"}),
    ],
)  # fmt: skip
def test_an_update_that_cannot_be_taken_is_a_problem_document(client, status, code, arguments):
    response = client.post("/sparql", **arguments)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert response.get_json(force=True)["code"] == code


def test_a_syntax_error_names_its_line(client):
    problem = client.post("/sparql", data="INSERT DATA {\n <urn:a> <urn:p> }", content_type=UPDATE).get_json(force=True)
    assert (problem["status"], problem["line"]) == (400, 2)


def test_an_update_by_get_is_no_update(client):
    assert client.get("/sparql", query_string={"update": INSERT}).status_code == 400
    assert not holds(client, "<urn:a> <urn:p> 1")


def test_while_a_build_is_running_the_client_is_asked_to_try_again(tmp_path, client):
    with Versions(tmp_path / "store").write():
        response = client.post("/sparql", data={"update": INSERT})
    assert (response.status_code, response.get_json(force=True)["code"]) == (503, "S301")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("origin", "status"), [("https://elsewhere.example", 403), ("null", 403), ("http://localhost", 200), ("https://ours.example", 200)])
def test_pages_of_other_sites_cannot_change_the_graph(graph, origin, status):
    client = create_app(graph, writable=True, origins=("*", "https://ours.example")).test_client()
    response = client.post("/sparql", data={"update": INSERT}, headers={"Origin": origin})
    assert response.status_code == status
    assert holds(client, "<urn:a> <urn:p> 1") == (status == 200)


def test_updates_at_the_same_time_wait_for_one_another_and_readers_see_whole_ones(graph):
    app = create_app(graph, writable=True)
    text = "INSERT DATA {{ <urn:n{0}> <urn:first> {0} . <urn:n{0}> <urn:second> {0} }}"

    def write(number):
        return app.test_client().post("/sparql", data={"update": text.format(number)}).status_code

    def torn(_):
        return holds(app.test_client(), "?n <urn:first> ?x FILTER NOT EXISTS { ?n <urn:second> ?x }")

    with ThreadPoolExecutor(4) as pool:
        written, read = pool.map(write, range(6)), pool.map(torn, range(12))
        assert set(written) == {200} and set(read) == {False}
    assert holds(app.test_client(), " ".join(f"<urn:n{n}> <urn:second> {n} ." for n in range(6)))
