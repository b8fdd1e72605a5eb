"""Answers are packed with gzip where the client takes it and it is worth it, and still stream."""

import gzip

import pytest

from api import create_app
from kg import KnowledgeGraph

ROWS = "SELECT ?s { ?s <urn:p> ?o } ORDER BY ?s"
GZIP = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture(scope="module")
def client():
    with KnowledgeGraph.memory() as graph:
        graph.load("\n".join(f"<urn:thing:{n}> <urn:p> {n} ." for n in range(5000)).encode(), graph="urn:g", format="ttl")
        yield create_app(graph, writable=True).test_client()


def get(client, headers, query=ROWS):
    return client.get("/sparql", query_string={"query": query, "format": "csv"}, headers=headers)


def test_a_long_answer_is_packed_and_the_same(client):
    plain, packed = get(client, {}), get(client, GZIP)
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data and len(packed.data) < len(plain.data) / 4
    assert "Accept-Encoding" in plain.vary and "Accept-Encoding" in packed.vary


@pytest.mark.parametrize("headers", [{"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "identity"}])
def test_a_client_that_does_not_take_gzip_gets_none(client, headers):
    assert "Content-Encoding" not in get(client, headers).headers


def test_rows_leave_before_the_last_one_is_packed(client):
    chunks = get(client, GZIP, "SELECT * { ?a <urn:p> ?x . ?b <urn:p> ?y } LIMIT 400000").iter_encoded()
    assert next(iter(chunks)) and next(iter(chunks))
    assert sum(1 for _ in chunks) > 5


def test_short_answers_and_unchanged_ones_are_not_packed(client):
    assert "Content-Encoding" not in client.get("/queries/running", headers=GZIP).headers
    tag = get(client, GZIP).headers["ETag"]
    unchanged = get(client, GZIP | {"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.data) == (304, b"") and "Content-Encoding" not in unchanged.headers


def test_a_packed_graph_has_an_etag_of_its_own_that_changes_of_it_may_name(client):
    def graph(method, headers, **body):
        return client.open("/graph-store?graph=urn:g", method=method, headers=headers, **body)

    plain, packed = graph("GET", {}), graph("GET", GZIP)
    assert gzip.decompress(packed.data) == plain.data and packed.headers["ETag"] != plain.headers["ETag"]
    body = {"data": b"<urn:new> <urn:q> 0 .", "content_type": "text/turtle"}
    assert graph("POST", {"If-Match": packed.headers["ETag"]}, **body).status_code == 200
    assert graph("POST", {"If-Match": packed.headers["ETag"]}, **body).status_code == 412
