"""/graph-store as the SPARQL 1.1 Graph Store HTTP Protocol wants it: naming, formats, status codes, preconditions, protection."""

import gzip
import io

import pytest
from pyoxigraph import RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph
from tests import small_project

BASE = "https://example.org/x/"
ONE = "urn:one"
TURTLE = "text/turtle"
A = b"<urn:a> <urn:p> 1 ."
B = b"<urn:b> <urn:p> 2 ."


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "ontology" / "x").mkdir(parents=True)
    (tmp_path / "kg.toml").write_text(f'[project]\nname = "x"\nbase = "{BASE}"\ndomains = ["x"]\n')
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.load(A, graph=ONE, format="ttl")
        yield graph


@pytest.fixture
def client(graph):
    return create_app(graph, writable=True, largest_document=2000).test_client()


def send(client, method, data=None, graph=ONE, content_type=TURTLE, **headers):
    return client.open(
        "/graph-store", method=method, query_string={"graph": graph}, data=data, content_type=content_type if data is not None else None,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )  # fmt: skip


def triples(client, graph=ONE):
    response = send(client, "GET", graph=graph, Accept="application/n-triples")
    assert response.status_code == 200, response.text
    return set(response.text.splitlines())


def problem(response):
    assert response.content_type == "application/problem+json"
    return response.status_code, response.get_json(force=True)["code"]


INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
A_LINE, B_LINE = f'<urn:a> <urn:p> "1"^^<{INTEGER}> .', f'<urn:b> <urn:p> "2"^^<{INTEGER}> .'


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("accept", "content_type", "syntax"),
    [
        (None, "text/turtle; charset=utf-8", RdfFormat.TURTLE),
        ("text/turtle;q=0.5, application/rdf+xml", "application/rdf+xml", RdfFormat.RDF_XML),
        ("application/ld+json, */*;q=0.1", "application/ld+json", RdfFormat.JSON_LD),
        ("text/html, application/n-triples;q=0.3", "application/n-triples", RdfFormat.N_TRIPLES),
    ],
)
def test_a_graph_comes_in_the_format_the_client_prefers(client, accept, content_type, syntax):
    send(client, "POST", b"<urn:a> <http://example.org/p> 1 .", graph="urn:two")
    response = send(client, "GET", graph="urn:two", **({"Accept": accept} if accept else {}))
    assert (response.status_code, response.content_type) == (200, content_type)
    assert len(list(parse(response.data, format=syntax))) == 1
    assert response.content_length == len(response.data)


def test_head_has_the_headers_of_get_and_no_body(client):
    got, head = send(client, "GET"), send(client, "HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert (head.content_type, head.headers["ETag"]) == (got.content_type, got.headers["ETag"])


def test_the_default_graph_is_there_and_holds_only_what_is_in_no_named_graph(client):
    response = client.get("/graph-store?default", headers={"Accept": "application/n-triples"})
    assert (response.status_code, response.data) == (200, b"")


@pytest.mark.parametrize(
    ("status", "code", "arguments"),
    [
        (404, "W404", {"query_string": {"graph": "urn:nowhere"}}),
        (404, "W404", {"method": "HEAD", "query_string": {"graph": "urn:nowhere"}}),
        (404, "W404", {"method": "DELETE", "query_string": {"graph": "urn:nowhere"}}),
        (406, "W406", {"query_string": {"graph": ONE}, "headers": {"Accept": "image/png"}}),
        (400, "W103", {"query_string": {"graph": [ONE, "urn:two"]}}),
        (400, "W103", {"query_string": {"graph": ONE, "default": ""}}),
        (400, "W103", {"path": "/graph-store/one", "query_string": {"graph": ONE}}),
        (400, "W106", {"query_string": {"graph": "../one"}}),
        (400, "W102", {"method": "PUT", "data": A, "content_type": TURTLE}),
        (405, "W405", {"method": "TRACE", "query_string": {"graph": ONE}}),
        (415, "W415", {"method": "PUT", "query_string": {"graph": ONE}, "data": A}),
        (415, "W415", {"method": "PUT", "query_string": {"graph": ONE}, "data": A, "content_type": "application/trig"}),
        (415, "W415", {"method": "PUT", "query_string": {"graph": ONE}, "data": A, "content_type": "text/turtle; charset=latin-1"}),
        (415, "W415", {"method": "PUT", "query_string": {"graph": ONE}, "data": A, "content_type": TURTLE, "headers": {"Content-Encoding": "br"}}),
        (413, "W413", {"method": "PUT", "query_string": {"graph": ONE}, "data": b"#" * 2001, "content_type": TURTLE}),
        (400, "D102", {"method": "PUT", "query_string": {"graph": ONE}, "data": b"<urn:a> <urn:p>", "content_type": TURTLE}),
    ],
)
def test_a_request_that_cannot_be_taken_is_a_problem_document(client, status, code, arguments):
    response = client.open(**({"path": "/graph-store"} | arguments))
    assert response.status_code == status
    if response.data:
        assert problem(response) == (status, code)
    assert triples(client) == {A_LINE}


# ── Changing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_put_replaces_and_post_adds(client):
    assert send(client, "PUT", B).get_json() == {"graph": ONE, "inserted": 1, "deleted": 1}
    assert triples(client) == {B_LINE}
    assert send(client, "POST", A).status_code == 200
    assert triples(client) == {A_LINE, B_LINE}


def test_a_new_graph_is_201_and_an_old_one_200(client):
    assert [send(client, "PUT", A, graph="urn:new").status_code for _ in range(2)] == [201, 200]


def test_delete_takes_the_graph_away_for_good(client):
    assert send(client, "DELETE").status_code == 200
    assert problem(send(client, "GET")) == (404, "W404")


def test_an_empty_document_makes_an_empty_graph(client):
    assert send(client, "PUT", b"", graph="urn:empty").status_code == 201
    assert triples(client, "urn:empty") == set()


def test_the_default_graph_can_be_put_and_deleted(client):
    client.put("/graph-store?default", data=B, content_type=TURTLE)
    assert B_LINE in client.get("/graph-store?default&format=nt").text
    assert client.delete("/graph-store?default").status_code == 200
    assert client.get("/graph-store?default&format=nt").data == b""


def test_an_address_below_the_graph_store_is_the_graph_below_the_base(client):
    assert client.put("/graph-store/graph/%E6%A0%91", data=A, content_type=TURTLE).status_code == 201
    assert triples(client, BASE + "graph/%E6%A0%91") == {A_LINE}


def test_post_without_a_name_makes_a_graph_and_says_which(client):
    response = client.post("/graph-store", data=A, content_type=TURTLE)
    assert response.status_code == 201 and response.headers["Location"].startswith(BASE + "graph/")
    assert triples(client, response.headers["Location"]) == {A_LINE}


def test_relative_iris_are_relative_to_the_graph(client):
    send(client, "PUT", b"<x> <#p> <> .", graph="http://a.example/b/c")
    assert triples(client, "http://a.example/b/c") == {"<http://a.example/b/x> <http://a.example/b/c#p> <http://a.example/b/c> ."}


def test_the_parts_of_a_form_are_merged_into_one_graph(client):
    parts = [(io.BytesIO(A), "a.ttl", TURTLE), (io.BytesIO(B_LINE.encode()), "b.nt", "application/octet-stream")]
    response = client.post("/graph-store", query_string={"graph": "urn:form"}, data={"file": parts}, content_type="multipart/form-data")
    assert response.status_code == 201, response.text
    assert triples(client, "urn:form") == {A_LINE, B_LINE}


def test_a_broken_part_leaves_all_parts_out(client):
    parts = [(io.BytesIO(B), "b.ttl", TURTLE), (io.BytesIO(b"<urn:b>"), "broken.ttl", TURTLE)]
    response = client.post("/graph-store", query_string={"graph": ONE}, data={"file": parts}, content_type="multipart/form-data")
    assert problem(response) == (400, "D102")
    assert triples(client) == {A_LINE}


def test_a_document_may_be_packed_if_it_says_so(client):
    assert send(client, "PUT", gzip.compress(B), Content_Encoding="gzip").status_code == 200
    assert triples(client) == {B_LINE}
    assert problem(send(client, "PUT", gzip.compress(A))) == (415, "W415")


def test_what_is_small_only_when_packed_is_refused(client):
    packed = gzip.compress(b"#" * 100_000)
    assert len(packed) < 2000
    assert problem(send(client, "PUT", packed, Content_Encoding="gzip")) == (413, "W413")
    assert triples(client) == {A_LINE}


@pytest.mark.parametrize("whole", [True, False])
def test_json_that_is_nested_too_deeply_is_refused_before_it_is_parsed(client, whole):
    def nested(levels):
        return b'{"urn:p":' * levels + b'"[{\\"' + b"[" * 600 + b'"' + b"}" * levels

    client.application.config["KG_LARGEST_DOCUMENT"] = 100_000
    document = nested(5000)
    assert problem(send(client, "PUT", document if whole else document[:40_000], content_type="application/ld+json")) == (400, "W105")
    assert send(client, "PUT", nested(400), content_type="application/ld+json").get_json()["inserted"] == 400


def test_triple_terms_that_are_nested_too_deeply_are_refused_before_they_are_parsed(client):
    client.application.config["KG_LARGEST_DOCUMENT"] = 1_000_000
    document = b"<urn:a> <urn:p> " + b"<<( <urn:a> <urn:p> " * 20_000 + b"1" + b" )>>" * 20_000 + b" ."
    assert problem(send(client, "PUT", document)) == (400, "W105")
    assert send(client, "PUT", b'<urn:a> <urn:p> "<<<<<<< ours" .').status_code == 200


def test_a_document_with_named_graphs_writes_to_none_of_them(client):
    document = b'{"@id": "urn:other", "@graph": [{"@id": "urn:s", "urn:p": "o"}]}'
    assert problem(send(client, "PUT", document, content_type="application/ld+json")) == (400, "Q521")
    assert problem(send(client, "GET", graph="urn:other")) == (404, "W404")
    assert triples(client) == {A_LINE}


# ── PATCH ────────────────────────────────────────────────────────────────────────────────────────────────────

PATCH = "application/sparql-update"


def test_a_patch_is_an_update_within_the_graph(client):
    send(client, "PUT", B, graph="urn:two")
    text = "DELETE { ?s <urn:p> ?o } INSERT { ?s <urn:q> ?o } WHERE { ?s <urn:p> ?o }"
    assert send(client, "PATCH", text, content_type=PATCH).get_json() == {"graph": ONE, "inserted": 1, "deleted": 1}
    assert triples(client) == {A_LINE.replace("urn:p", "urn:q")} and triples(client, "urn:two") == {B_LINE}


@pytest.mark.parametrize("text", ["INSERT DATA { GRAPH <urn:two> { <urn:b> <urn:p> 2 } }", "DROP ALL", "INSERT { GRAPH ?s { ?s ?p ?o } } WHERE { ?s ?p ?o }"])
def test_a_patch_that_writes_elsewhere_is_refused(client, text):
    assert problem(send(client, "PATCH", text, content_type=PATCH)) == (400, "Q521")
    assert triples(client) == {A_LINE}


# ── Preconditions ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_graph_is_304_even_when_another_has_changed(client):
    tag = send(client, "GET").headers["ETag"]
    send(client, "PUT", B, graph="urn:two")
    response = send(client, "GET", If_None_Match=tag)
    assert (response.status_code, response.data) == (304, b"")
    send(client, "POST", B)
    assert send(client, "GET", If_None_Match=tag).status_code == 200


def test_formats_have_different_etags(client):
    assert send(client, "GET").headers["ETag"] != send(client, "GET", Accept="application/ld+json").headers["ETag"]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_a_change_of_what_has_changed_meanwhile_is_412(client, method):
    tag = send(client, "GET", Accept="application/n-triples").headers["ETag"]
    send(client, "POST", B)
    data, content_type = ("INSERT DATA { <urn:c> <urn:p> 3 }", PATCH) if method == "PATCH" else (A, TURTLE)
    assert problem(send(client, method, data, content_type=content_type, If_Match=tag)) == (412, "W412")
    assert triples(client) == {A_LINE, B_LINE}
    assert send(client, method, data, content_type=content_type, If_Match=send(client, "GET").headers["ETag"]).status_code == 200


def test_if_none_match_star_creates_and_never_replaces(client):
    assert problem(send(client, "PUT", B, If_None_Match="*")) == (412, "W412")
    assert send(client, "PUT", B, graph="urn:new", If_None_Match="*").status_code == 201
    assert problem(send(client, "PUT", B, graph="urn:newer", If_Match="*")) == (412, "W412")


# ── Protection ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_a_server_takes_no_changes_unless_it_was_started_to(graph, method):
    client = create_app(graph).test_client()
    data, content_type = ("DELETE WHERE { ?s ?p ?o }", PATCH) if method == "PATCH" else (B, TURTLE)
    response = send(client, method, data, content_type=content_type)
    assert problem(response) == (403, "W403") and "--writable" in response.get_json(force=True)["help"]
    assert triples(client) == {A_LINE}


def test_graphs_of_a_build_are_refused_with_what_to_do_instead(tmp_path):
    with KnowledgeGraph.open(small_project.write(tmp_path)) as graph:
        graph.build("ontology")
        client = create_app(graph, writable=True).test_client()
        name = "https://example.org/garden/graph/ontology/garden/garden"
        before = triples(client, name)
        for method in ("PUT", "POST", "DELETE"):
            response = send(client, method, B, graph=name)
            assert problem(response) == (403, "Q501")
            assert "graph/edit" in response.get_json(force=True)["help"]
        assert triples(client, name) == before
