"""Graph.query of rdflib over a graph file, answered by this engine."""

import pyshacl
import pytest
import rdflib
from rdflib import RDF, Literal

from kg.sparql import rdflib_plugin
from kg.store import rdflib_store

EX = rdflib.Namespace("http://example.org/")
DATA = """@prefix ex: <http://example.org/> .
ex:a ex:p ex:b ; ex:n 1, 2.5 . ex:b ex:p ex:c ; ex:name "b"@en . ex:a a ex:Thing . ex:b a ex:Thing . _:x ex:p ex:a ."""


@pytest.fixture
def asked(monkeypatch):
    """The queries that reached this engine."""
    texts = []

    def engine(store, text, prefixes, bindings):
        texts.append(text)
        return rdflib_plugin.answer(store, text, prefixes, bindings)

    monkeypatch.setattr(rdflib_store, "_engine", engine)
    return texts


@pytest.fixture
def graphs():
    both = rdflib.Graph(store="guanxi"), rdflib.Graph()
    for graph in both:
        graph.parse(data=DATA, format="turtle")
    return both


@pytest.mark.parametrize(
    ("query", "bindings"),
    [
        ("SELECT ?s ?o WHERE { ?s ex:p ?o FILTER(isIRI(?s)) }", {}),
        ("SELECT ?s (SUM(?n) AS ?sum) WHERE { ?s ex:n ?n } GROUP BY ?s", {}),
        ("SELECT ?s ?name WHERE { ?s a ex:Thing OPTIONAL { ?s ex:name ?name } }", {}),
        ("SELECT ?o WHERE { ?s ex:p+ ?o }", {"s": EX.a}),
        ("ASK { ex:a ex:p ?o }", {"o": EX.b}),
        ("ASK { ex:a ex:p ?o }", {"o": EX.c}),
        ("CONSTRUCT { ?o ex:q ?s } WHERE { ?s ex:p ?o FILTER(isIRI(?s)) }", {}),
    ],
)
def test_the_engine_answers_what_rdflib_answers(query, bindings, graphs, asked):
    answers = []
    for graph in graphs:
        result = graph.query(query, initNs={"ex": EX}, initBindings=bindings)
        answers.append(result.askAnswer if result.type == "ASK" else set(result))
    assert answers[0] == answers[1]
    assert asked == [query]


def test_what_was_added_a_moment_ago_is_found(graphs, asked):
    graphs[0].add((EX.d, EX.n, Literal("x")))
    assert [row.s for row in graphs[0].query("SELECT ?s { ?s ?p 'x' }")] == [EX.d]


def test_one_named_graph_is_asked_through_rdflib(graphs, asked):
    named = rdflib.Graph(graphs[0].store, EX.g)
    named.add((EX.a, RDF.type, EX.Other))
    assert [row.o for row in named.query("SELECT ?o { ?s ?p ?o }")] == [EX.Other]
    assert asked == []


def test_shacl_constraints_in_sparql_run_over_it(graphs, asked):
    shapes = rdflib.Graph().parse(
        data="""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://example.org/> .
        ex:Shape a sh:NodeShape ; sh:targetClass ex:Thing ; sh:sparql [ a sh:SPARQLConstraint ; sh:message "no name" ;
            sh:select "SELECT $this WHERE { FILTER NOT EXISTS { $this <http://example.org/name> ?name } }" ] .""",
        format="turtle",
    )
    conforms, report, _ = pyshacl.validate(graphs[0], shacl_graph=shapes, advanced=True)
    assert conforms is False
    assert set(report.objects(None, rdflib.Namespace("http://www.w3.org/ns/shacl#").focusNode)) == {EX.a}
