"""kg query --explain and explain=1: algebra, SQL, plan with rows; and notes on what the graph lacks."""

import json

import pytest
from typer.testing import CliRunner

from api import create_app
from kg import KnowledgeGraph
from kg.cli import app
from tests.test_api_served import project

DATA = b"@prefix ex: <http://example.org/> . ex:a a ex:Tree ; ex:height 3 ; ex:of ex:b . ex:b a ex:Tree ; ex:height 5 ."
PREFIX = {"ex": "http://example.org/"}


@pytest.fixture
def graph():
    with KnowledgeGraph.memory(PREFIX) as graph:
        graph.load(DATA, format="ttl")
        yield graph


def test_algebra_sql_and_plan_are_told(graph):
    found = graph.explain_query("SELECT ?t { ?t a ex:Tree ; ex:height ?h FILTER(?h > 3 && ?h IN (4, 5)) OPTIONAL { ?t ex:of/ex:of+ ?o } } ORDER BY ?h")
    lines = [line.strip() for line in found.algebra.splitlines()]
    assert "Filter ((?h > 3) && (?h IN (4, 5)))" in lines and "?t ex:height ?h" in lines
    assert lines.index("Project (?t)") < lines.index("LeftJoin")
    assert "SELECT" in found.sql and "ex:height" in found.constants.values()
    assert found.notes == () and any(step.operator == "TABLE_SCAN" for step in found.steps)


def test_the_plan_has_estimated_and_actual_rows(graph):
    found = graph.explain_query("SELECT (COUNT(*) AS ?n) { ?t ex:height ?h }")
    (total, *_) = found.steps
    scan = found.steps[-1]
    assert total.rows == 1 and scan.rows == 2 and scan.estimated_rows is not None and scan.depth > total.depth


def test_terms_that_no_triple_has_are_named_with_what_may_be_meant(graph):
    notes = graph.explain_query("SELECT * { ?t a ex:Three ; ex:hight ?h . ex:zzz ex:of ?t }").notes
    assert "nothing has the class ex:Three; did you mean ex:Tree?" in notes
    assert "no triple has the predicate ex:hight; did you mean ex:height?" in notes
    assert "the graph does not have ex:zzz" in notes
    assert graph.unknown_terms("SELECT * { ?t a ex:Tree ; ex:height ?h . ex:a ex:of ?o }") == []


@pytest.mark.parametrize(
    "query",
    [
        "ASK { ?s ex:of ?o FILTER NOT EXISTS { ?o ex:of ?s } }",
        "CONSTRUCT { ?s ex:x ?n } { SELECT ?s (COUNT(DISTINCT ?o) AS ?n) { ?s ?p ?o } GROUP BY ?s }",
        "DESCRIBE ?s { VALUES (?s ?x) { (ex:a UNDEF) (ex:b 2) } }",
        "SELECT * { GRAPH ?g { ?s (ex:of|^ex:of)*/!(ex:x|^ex:y) ?o } MINUS { ?s ex:of [] } BIND(-?h + 1 AS ?z) }",
    ],
)
def test_every_form_can_be_explained(graph, query):
    found = graph.explain_query(query)
    assert found.text().startswith(("algebra", "note")) and json.loads(json.dumps(found.as_dict()))["sql"] == found.sql


def test_the_server_explains_as_json_and_as_text(tmp_path):
    with KnowledgeGraph.open(project(tmp_path / "x", 5)) as graph:
        client = create_app(graph).test_client()
        arguments = {"query": "SELECT * { ?s <urn:weights> ?w }", "explain": "1"}
        found = client.get("/sparql", query_string=arguments).get_json()
        assert found["notes"][0] == "no triple has the predicate <urn:weights>; did you mean <urn:weighs>?" and found["plan"] == []
        text = client.post("/sparql", data=arguments | {"format": "txt"})
        assert text.mimetype == "text/plain" and "algebra" in text.get_data(as_text=True)


def test_the_command_line_explains_and_says_why_an_answer_is_empty(tmp_path):
    data = tmp_path / "data.ttl"
    data.write_bytes(DATA)
    query = "SELECT * { ?s <http://example.org/hight> ?h }"
    empty = CliRunner().invoke(app, ["query", query, "--data", str(data), "--format", "csv"])
    assert empty.stdout.splitlines() == ["s,h"] and "did you mean <http://example.org/height>?" in empty.stderr
    explained = CliRunner().invoke(app, ["query", query.replace("hight", "height"), "--data", str(data), "--explain"])
    assert "estimated" in explained.stdout and "TABLE_SCAN" in explained.stdout
