"""Random shapes over random data: the same results as pySHACL. KG_LONG=1 compares 500 pairs."""

import logging
import os

import pyshacl
import pytest
import rdflib
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse, serialize

from kg.shapes import load_shapes, validate
from kg.store import Store, documents
from tests.shacl_pairs import pair

SEEDS = range(500 if os.environ.get("KG_LONG") else 60)
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"


@pytest.fixture(scope="module")
def store():
    """The data of every pair in a graph of its own."""
    quads = []
    for seed in SEEDS:
        quads += [Quad(one.subject, one.predicate, one.object, NamedNode(f"urn:data:{seed}")) for one in parse(pair(seed)[1].encode(), format=RdfFormat.TURTLE)]
    with Store.memory() as store:
        documents.load(store, serialize(quads, format=RdfFormat.N_QUADS), format="nq")
        yield store


def _of_pyoxigraph(term):
    if term is None or isinstance(term, BlankNode):
        return None if term is None else "_:"
    if isinstance(term, Literal):
        return (term.value, (term.language or "").lower(), None if term.datatype.value == XSD_STRING or term.language else term.datatype.value)
    return term.value


def _of_rdflib(term):
    if term is None or isinstance(term, rdflib.BNode):
        return None if term is None else "_:"
    if isinstance(term, rdflib.Literal):
        return (str(term), (term.language or "").lower(), None if term.datatype is None or str(term.datatype) == XSD_STRING else str(term.datatype))
    return str(term)


def _by_pyshacl(shapes, data):
    graphs = [rdflib.Graph().parse(data=text, format="turtle") for text in (data, shapes)]
    _, report, _ = pyshacl.validate(graphs[0], shacl_graph=graphs[1])
    names = ("focusNode", "resultPath", "value", "sourceConstraintComponent", "sourceShape", "resultSeverity")
    return {tuple(_of_rdflib(report.value(result, SH[name])) for name in names) for result in report.objects(None, SH.result)}


def _by_guanxi(store, shapes, seed):
    report = validate(store, load_shapes(shapes.encode()), graphs=[f"urn:data:{seed}"])
    return {
        tuple(map(_of_pyoxigraph, (one.focus_node, one.path, one.value, one.component, one.source_shape, one.severity))) for one in report.results
    }


@pytest.fixture(autouse=True)
def _as_written(monkeypatch):
    """rdflib rewrites lexical forms and logs ill-typed literals otherwise."""
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_shapes_graph_gives_the_results_of_pyshacl(store, seed):
    shapes, data = pair(seed)
    assert _by_guanxi(store, shapes, seed) == _by_pyshacl(shapes, data)
