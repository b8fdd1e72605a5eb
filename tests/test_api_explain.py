"""/explain and a whole small project as it is served: from a row through a rule to the page that says why."""

import re

import pytest

from api import create_app
from kg import KnowledgeGraph
from tests import small_project

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CLIMBS = {"subject": "gardener:7", "predicate": "g:climbs", "object": "tree:1"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = small_project.write(tmp_path_factory.mktemp("garden"))
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
        yield create_app(graph).test_client()


def test_a_conclusion_is_explained_down_to_the_row(client):
    text = client.get("/explain", query_string=CLIMBS, headers=BROWSER).text
    assert "tends the tall tree oak" in text and "oak is tall: 12.50 m, more than 10 m" in text
    assert "<code>rule:climbs</code>" in text
    assert "<strong>mappings/garden/sample/tree.csv, line 2</strong>" in text
    assert re.search(r'<span class="name">height</span> 12\.50', text)
    assert '<a href="/doc/tree/1"' in text


def test_a_proof_is_also_json_and_text(client):
    proof = client.get("/explain", query_string=CLIMBS, headers={"Accept": "application/json"}).get_json()
    assert proof["kind"] == "inferred"
    assert {premise["predicate"].strip("<>").rpartition("/")[2] for premise in proof["premises"]} == {"22-rdf-syntax-ns#type", "isTendedBy"}
    text = client.get("/explain", query_string={**CLIMBS, "format": "txt"})
    assert text.content_type == "text/plain; charset=utf-8" and "tree.csv" in text.text


def test_a_proof_speaks_the_readers_language(client):
    text = client.get("/explain", query_string=CLIMBS, headers={**BROWSER, "Accept-Language": "zh"}).text
    assert "oak 很高：12.50 米，超过 10 米" in text and "第 2 行" in text


def test_below_the_depth_asked_for_each_premise_leads_on(client):
    text = client.get("/explain", query_string={**CLIMBS, "depth": 1}, headers=BROWSER).text
    assert 'class="why" href="/explain?subject=' in text and "tree.csv" not in text


def test_a_triple_that_is_not_there_is_404_and_a_missing_part_400(client):
    absent = client.get("/explain", query_string={**CLIMBS, "object": "tree:2", "format": "json"}, headers={"Accept": "application/json"})
    assert (absent.status_code, absent.get_json(force=True)["code"]) == (404, "Q401")
    partial = client.get("/explain?subject=gardener:7", headers={"Accept": "application/json"})
    assert partial.status_code == 400 and "no predicate, no object" in partial.get_json(force=True)["title"]
    assert client.get("/explain?subject=nonsense&predicate=g:climbs&object=tree:1", headers={"Accept": "application/json"}).status_code == 400
    assert '<input id="subject" name="subject" required>' in client.get("/explain", headers=BROWSER).text


def test_the_page_of_a_thing_marks_what_is_inferred_and_says_why(client):
    text = client.get("/doc/tree/1", headers=BROWSER).text.partition('id="facts"')[2]
    conclusion, fact = (re.search(rf"<li[^>]*>(?:(?!</li>).)*{words}(?:(?!</li>).)*</li>", text, re.DOTALL)[0] for words in ("TallTree", "12\\.50"))
    assert 'class="is-inferred"' in conclusion and "garden/ontology/TallTree" in conclusion and "why?" in conclusion
    assert 'class="is-inferred"' not in fact and ">source<" in fact
    why = re.search(r'href="(/explain[^"]+)"', conclusion)[1].replace("&amp;", "&")
    assert "oak is tall" in client.get(why, headers=BROWSER).text


def test_the_start_page_leads_to_a_question_a_thing_and_a_conclusion(client):
    text = client.get("/", headers=BROWSER).text
    status = client.get("/status").get_json()
    assert f">{status['inferred']}</a>" in text and f">{status['triples']}</a>" in text
    for address in re.findall(r'<h3>.*?</h3><p><a href="([^"]+)"', text):
        assert client.get(address.replace("&amp;", "&"), headers=BROWSER).status_code == 200


def test_rejected_rows_are_shown_with_their_place(tmp_path):
    folder = small_project.write(tmp_path)
    small_project.change(folder, "mappings/garden/sample/tree.csv", "2,pear,4.00,7", "2,pear,low,7")
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
        client = create_app(graph).test_client()
        (row,) = client.get("/rejects?format=json").get_json()["rows"]
        assert (row["line"], row["column"], row["value"]) == (3, "height", "low")
        assert ">low<" in client.get("/rejects", headers=BROWSER).text
        assert client.get("/rejects?format=csv").text.count("\r\n") == 2


ABSENT = {**CLIMBS, "object": "tree:2"}


def test_what_is_not_there_says_what_rules_lack(client):
    page = client.get("/explain", query_string=ABSENT, headers=BROWSER)
    assert page.status_code == 404 and "Rule rule:climbs would conclude it, but" in page.text
    told = client.get("/explain", query_string={**ABSENT, "why-not": 1, "format": "json"}).get_json()
    assert [reason["ruleName"] for reason in told["reasons"]] and all(reason.get("missing") for reason in told["reasons"])
    text = client.get("/explain", query_string={**ABSENT, "why-not": 1, "format": "txt", "lang": "zh"}).text
    assert "本可推出它" in text
    present = client.get("/explain", query_string={**CLIMBS, "why-not": 1, "format": "json"})
    assert (present.status_code, present.get_json(force=True)["code"]) == (400, "Q402")


def test_a_proof_is_also_prov_o(client):
    turtle = client.get("/explain", query_string={**CLIMBS, "format": "ttl"})
    assert turtle.content_type.startswith("text/turtle") and "sh:sourceRule" in turtle.text and "tree.csv:2" in turtle.text
