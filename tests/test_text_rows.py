"""Long answers are written by DuckDB and Arrow: the same text as Python's writers make, of every kind of term."""

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, serialize

from kg import KnowledgeGraph
from kg.sparql import evaluate
from kg.sparql.results import write_solutions
from kg.sparql.text_rows import RowWriter

XSD = "http://www.w3.org/2001/XMLSchema#"
TERMS = [
    NamedNode("http://example.org/a,b"), NamedNode("urn:中文"), NamedNode("http://example.org/item/17"), BlankNode("b1"),
    *map(Literal, ["", " ", "plain", "a,b", 'say "x"', "two\nlines", "tab\there", "\\back", "\r", "\x07", "\x08\x0c", "中文，逗号", "🌳", "=1+1", "a'b", "\x7f"]),
    Literal("hello", language="en"), Literal("你好", language="zh-Hans"), Literal('a"b', language="en-GB"),
    Literal(5), Literal(-7), Literal("05", datatype=NamedNode(XSD + "integer")), Literal(10**30), Literal("1.50", datatype=NamedNode(XSD + "decimal")),
    Literal("5", datatype=NamedNode(XSD + "decimal")), Literal("-0.05", datatype=NamedNode(XSD + "decimal")), Literal("1.", datatype=NamedNode(XSD + "decimal")),
    Literal(1.5), Literal("1e3", datatype=NamedNode(XSD + "double")), Literal("INF", datatype=NamedNode(XSD + "double")), Literal("1.5", datatype=NamedNode(XSD + "float")),
    Literal(True), Literal("1", datatype=NamedNode(XSD + "boolean")), Literal("2024-02-29", datatype=NamedNode(XSD + "date")),
    Literal("2024-02-29T12:00:00.5+08:00", datatype=NamedNode(XSD + "dateTime")), Literal("x\ty", datatype=NamedNode("http://example.org/type,1")),
]  # fmt: skip
QUERIES = {
    "stored": "SELECT ?s ?p ?o { ?s ?p ?o }",
    "nodes": "SELECT ?s ?p { ?s ?p ?o }",
    "nodes and nothing": "SELECT ?s ?n ?p { ?s ?p ?o OPTIONAL { ?o ?q ?x BIND(?o AS ?n) } }",
    "numbers": "SELECT ?s ?n (?n > 3 AS ?more) { ?s ?p ?o BIND(STRLEN(STR(?s)) - STRLEN(STR(?o)) AS ?n) }",
    "one column": "SELECT ?o { ?s ?p ?o }",
    "unbound": "SELECT ?o ?no ?n { ?s ?p ?o OPTIONAL { ?s <urn:none> ?no } OPTIONAL { ?o <urn:p> ?n } }",
    "never bound": "SELECT ?x ?y { ?s ?p ?o }",
    "ordered": "SELECT ?o ?s { ?s ?p ?o } ORDER BY DESC(STR(?o)) ?s",
    "computed": "SELECT (STR(?o) AS ?t) (STRLEN(STR(?o)) AS ?n) (STRLEN(STR(?o)) / 3 AS ?d) (ISIRI(?o) AS ?b) (IRI(CONCAT('urn:', STR(?n))) AS ?i) { ?s ?p ?o }",
    "doubles": "SELECT ?o (xsd:double(STRLEN(STR(?o))) * 0.1e0 AS ?e) (xsd:float(STRLEN(STR(?o))) AS ?f) { ?s ?p ?o }",
    "sums": "SELECT ?s (SUM(STRLEN(STR(?o))) AS ?sum) (AVG(STRLEN(STR(?o))) AS ?mean) (COUNT(*) AS ?n) (MIN(?o) AS ?least) { ?s ?p ?o } GROUP BY ?s ORDER BY ?s",
    "texts": "SELECT (UCASE(?o) AS ?u) (COALESCE(?o, 1) AS ?c) { ?s ?p ?o }",
    "constants": "SELECT ?o ?k { ?s ?p ?o VALUES ?k { 'not stored' <urn:not-stored> 5 } }",
    "nothing": "SELECT ?s { ?s <urn:none> ?o }",
}


@pytest.fixture(scope="module")
def graph():
    with KnowledgeGraph.memory() as graph:
        quads = [Quad(NamedNode(f"http://example.org/item/{n}"), NamedNode("urn:p"), term) for n, term in enumerate(TERMS)]
        quads += [Quad(BlankNode("b2"), NamedNode("urn:p"), NamedNode("http://example.org/item/3"))]
        graph.load(serialize(quads, format=RdfFormat.N_QUADS), format="nq")
        yield graph


@pytest.mark.parametrize("first", [2048, 3])  # what follows the first batch may come in columns
@pytest.mark.parametrize("format", ["csv", "tsv", "json"])
@pytest.mark.parametrize("name", QUERIES)
def test_the_text_is_that_of_the_writers(graph, monkeypatch, name, format, first):
    query = QUERIES[name]
    rows = graph.query(query)
    expected = "".join(write_solutions(rows.variables, rows, format))
    monkeypatch.setattr(evaluate, "_MANY", 1)
    monkeypatch.setattr(evaluate, "_FIRST_BATCH", first)
    assert "".join(graph.query(query).text(format)) == expected


def test_templates_are_written_without_the_dictionary(monkeypatch):
    monkeypatch.setattr(evaluate, "_MANY", 1)
    with KnowledgeGraph.memory() as graph:
        graph.store.register_template("http://example.org/item/")
        graph.load(b"<http://example.org/item/1> <urn:p> <http://example.org/item/2> .", format="nt")
        assert "".join(graph.query("SELECT * { ?s <urn:p> ?o }").text("csv")) == "s,o\r\nhttp://example.org/item/1,http://example.org/item/2\r\n"
        graph.store.register_template("http://example.org/a,b/")
        graph.load(b"<http://example.org/a,b/1> <urn:q> 1 .", format="ttl")
        assert "".join(graph.query("SELECT * { ?s <urn:q> ?o }").text("csv")) == 's,o\r\n"http://example.org/a,b/1",1\r\n'


def test_the_fast_writer_is_used_for_what_it_can_write(graph, monkeypatch):
    written = []
    original = RowWriter.write
    monkeypatch.setattr(evaluate, "_MANY", 1)
    monkeypatch.setattr(RowWriter, "write", lambda self, rows: written.append(original(self, rows)) or written[-1])
    "".join(graph.query(QUERIES["stored"]).text("csv"))
    assert written and None not in written


def test_a_limit_cuts_within_a_batch(graph, monkeypatch):
    monkeypatch.setattr(evaluate, "_MANY", 1)
    for limit in (1, 7, len(TERMS) + 1, len(TERMS) + 2):
        rows = graph.query("SELECT ?s { ?s <urn:p> ?o }", rows=limit, partial=True)
        assert rows.has_too_many() == (limit < len(TERMS) + 1)
        assert "".join(rows.text("csv")).count("\r\n") == min(limit, len(TERMS) + 1) + 1
        assert rows.is_partial == (limit < len(TERMS) + 1)


def test_remarks_stand_where_the_format_has_room(graph):
    query = "SELECT ?s { ?s <urn:p> 5 }"
    json, xml, csv = ("".join(graph.query(query).text(format, lambda count: [f"{count} found -- “all”"])) for format in ("json", "xml", "csv"))
    assert '"warnings":["1 found -- “all”"]' in json and "<!-- 1 found - - “all” -->" in xml and "found" not in csv


def test_a_look_ahead_loses_no_solution(graph):
    rows = graph.query("SELECT ?s { ?s <urn:p> ?o }")
    assert rows.has_any() and rows.has_any()
    assert "".join(rows.text("csv")).count("\r\n") == len(TERMS) + 2
