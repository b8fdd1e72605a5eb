"""Tried as its users do: SPARQLWrapper, rdflib's SPARQLStore and SPARQLUpdateStore, curl, against a server of its own."""

import json
import shutil
import subprocess

import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore
from SPARQLWrapper import CSV, JSON, POST, RDFXML, SPARQLWrapper, SPARQLWrapper2
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from kg import KnowledgeGraph
from tests.test_api_served import project, served

EX = rdflib.Namespace("urn:ex:")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with KnowledgeGraph.open(project(tmp_path_factory.mktemp("project"), 20)) as graph:
        graph.load('<urn:ex:a> <urn:ex:name> "甲"@zh ; <urn:ex:knows> <urn:ex:b> , [ <urn:ex:name> "nobody" ] .'.encode(), graph="urn:g", format="ttl")
        with served(graph, writable=True) as address:
            yield address


def wrapper(address, query, format=JSON):
    client = SPARQLWrapper(f"{address}/sparql")
    client.setQuery(query)
    client.setReturnFormat(format)
    return client


def test_sparqlwrapper_reads_every_kind_of_answer(address):
    rows = wrapper(address, "SELECT ?name { <urn:ex:a> <urn:ex:name> ?name }").queryAndConvert()["results"]["bindings"]
    assert rows == [{"name": {"type": "literal", "xml:lang": "zh", "value": "甲"}}]
    assert wrapper(address, "ASK { <urn:ex:a> ?p ?o }").queryAndConvert()["boolean"] is True
    assert wrapper(address, "SELECT ?name { <urn:ex:a> <urn:ex:name> ?name }", CSV).queryAndConvert().decode() == "name\r\n甲\r\n"
    graph = wrapper(address, "CONSTRUCT WHERE { <urn:ex:a> <urn:ex:knows> ?b }", RDFXML).queryAndConvert()
    assert len(graph) == 2
    second = SPARQLWrapper2(f"{address}/sparql")
    second.setQuery("SELECT ?w { ?s <urn:weighs> ?w } ORDER BY ?w LIMIT 1")
    assert [row["w"].value for row in second.query().bindings] == ["0"]


def test_sparqlwrapper_is_told_where_a_query_is_wrong(address):
    with pytest.raises(QueryBadFormed, match="line"):
        wrapper(address, "SELECT * { ?s ?p }").query()


def test_sparqlwrapper_updates(address):
    update = wrapper(address, 'INSERT DATA { GRAPH <urn:edits> { <urn:ex:new> <urn:ex:name> "new" } }')
    update.setMethod(POST)
    update.query()
    assert wrapper(address, "ASK { <urn:ex:new> <urn:ex:name> 'new' }").queryAndConvert()["boolean"] is True


def test_rdflib_reads_the_server_as_a_graph(address):
    graph = rdflib.Graph(SPARQLStore(f"{address}/sparql"))
    assert set(graph.objects(EX.a, EX.name)) == {rdflib.Literal("甲", lang="zh")}
    assert (EX.a, EX.knows, EX.b) in graph
    assert {int(row.w) for row in graph.query("SELECT ?w { ?s <urn:weighs> ?w }")} == set(range(20))
    assert graph.query("ASK { ?s <urn:weighs> 7 }").askAnswer
    found = graph.query("SELECT ?w { ?s <urn:weighs> ?w }", initBindings={"w": rdflib.Literal(3)})
    assert len(list(found)) == 1


def test_rdflib_writes_to_the_server_as_a_store(address):
    store = SPARQLUpdateStore(f"{address}/sparql", f"{address}/sparql")
    graph = rdflib.Graph(store, identifier=rdflib.URIRef("urn:by-rdflib"))
    graph.add((EX.x, EX.name, rdflib.Literal('first "quoted"\nline', lang="en")))
    graph.add((EX.x, EX.weighs, rdflib.Literal("1.50", datatype=rdflib.XSD.decimal)))
    assert len(graph) == 2 and graph.value(EX.x, EX.weighs).n3() == '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    graph.remove((EX.x, EX.name, None))
    assert len(graph) == 1
    store.update("DELETE WHERE { GRAPH <urn:by-rdflib> { ?s ?p ?o } }")
    assert len(graph) == 0


def test_rdflib_sees_named_graphs(address):
    dataset = rdflib.Dataset(store=SPARQLStore(f"{address}/sparql"))
    assert rdflib.URIRef("urn:g") in {graph.identifier if hasattr(graph, "identifier") else graph for graph in dataset.store.contexts()}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_as_the_documentation_says(address):
    def curl(*arguments):
        return subprocess.run(["curl", "-sS", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout

    query = "query=SELECT ?w { ?s <urn:weighs> ?w } ORDER BY ?w LIMIT 2"
    assert len(json.loads(curl(f"{address}/sparql", "--data-urlencode", query))["results"]["bindings"]) == 2
    assert curl("-G", f"{address}/sparql", "--data-urlencode", query, "-H", "Accept: text/csv") == "w\n0\n1\n"  # universal newlines
    assert curl("-G", f"{address}/sparql", "--data-urlencode", query, "-d", "format=tsv") == "?w\n0\n1\n"
    assert curl(f"{address}/sparql", "-H", "Content-Type: application/sparql-query", "--data-binary", "ASK {}", "-H", "Accept: application/json").count("true") == 1
    assert "HTTP/1.1 200" in curl("-I", f"{address}/sparql?query=ASK%20%7B%7D")
    assert json.loads(curl(f"{address}/sparql?query=SELEKT"))["code"].startswith("Q1")
