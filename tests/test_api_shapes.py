"""/shapes over HTTP, and changes that the guard refuses."""

import pytest

from api import create_app
from kg import KnowledgeGraph
from tests.small_project import write
from tests.test_validation import PREFIXES, SHAPES


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    with (folder / "kg.toml").open("a", encoding="utf-8") as file:
        file.write('\n[validation]\nguard = "report"\n')
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
        client = create_app(graph, writable=True).test_client()
        assert client.get("/shapes", headers={"Accept": "application/json"}).status_code == 404
        (folder / "rules/garden/shapes").mkdir()
        (folder / "rules/garden/shapes/tree.ttl").write_text(SHAPES, encoding="utf-8")
        graph.build()
        yield client


def test_counts_come_first_and_results_are_paged(client):
    found = client.get("/shapes?rows=1", headers={"Accept": "application/json"}).json
    assert list(found)[:5] == ["conforms", "isCurrent", "results", "severities", "counts"]
    assert found["counts"] == [{"shape": "shape:height", "severity": "Violation", "component": "MinInclusive", "results": 1}]
    (result,) = found["page"]
    assert result["focusNode"] == "tree:2" and result["rows"][0]["place"] == "mappings/garden/sample/tree.csv:3"
    assert result["sentences"]["zh"] == "tree:2 (g:hasHeight) 不符合 shape:height：4.00 米不成树"
    assert client.get("/shapes?page=2&format=json").json["page"] == []
    assert client.get("/shapes?severity=Warning&format=json").json["page"] == []


def test_people_see_a_page_in_their_language(client):
    page = client.get("/shapes?lang=zh&rows=1", headers={"Accept": "text/html"}).text
    assert "4.00 米不成树" in page and "tree.csv:3" in page and "形状" in page


def test_a_change_may_ask_for_more_than_the_project_and_not_for_less(client):
    send = {"data": PREFIXES + "INSERT DATA { tree:9 a g:Tree ; g:hasHeight 1 }", "content_type": "application/sparql-update"}
    refused = client.post("/sparql?guard=reject", **send)
    assert refused.status_code == 422 and refused.content_type == "application/problem+json"
    assert refused.json["code"] == "H302" and {one["shape"] for one in refused.json["report"]["introduced"]} >= {"shape:height"}
    assert client.post("/sparql?guard=never", **send).status_code == 400
    told = client.post("/sparql?guard=off", **send)
    assert told.status_code == 200 and len(told.json["validation"]["introduced"]) == 2
    assert client.get("/shapes?format=json").json["results"] == 3
