"""Shapes proposed from data: what they say, and that the data they come from conform to them."""

import pytest
from pyoxigraph import NamedNode

from kg.shapes import load_shapes, propose, proposed_document, validate
from kg.store import Store, documents
from tests.shacl_pairs import pair

DATA = b"""@prefix ex: <http://example.org/> .
ex:a a ex:Tree ; ex:name "oak" ; ex:age 5 ; ex:near ex:b .
ex:b a ex:Tree ; ex:name "elm", "ulm"@de ; ex:near ex:a, ex:c .
ex:c a ex:Tree, ex:Old ; ex:name "yew" ; ex:age 900.5 ; ex:near ex:c .
"""


def test_what_all_instances_have_in_common_is_proposed():
    with Store.memory() as store:
        documents.load(store, DATA, format="ttl")
        tree = {one.path.value.rpartition("/")[2]: one for one in propose(store)[NamedNode("http://example.org/Tree")]}
    assert (tree["name"].is_required, tree["name"].is_single, tree["name"].node_kind, tree["name"].datatype) == (True, False, "Literal", None)
    assert (tree["age"].is_required, tree["age"].is_single) == (False, True)
    assert (tree["near"].node_kind, tree["near"].value_class) == ("IRI", NamedNode("http://example.org/Tree"))


def test_an_empty_graph_proposes_nothing():
    with Store.memory() as store:
        assert propose(store) == {}


@pytest.mark.parametrize("seed", range(12))
def test_data_conform_to_the_shapes_proposed_from_them(seed):
    with Store.memory() as store:
        documents.load(store, pair(seed)[1].replace("oops", "12").replace("2020-13-45", "2020-12-05").encode(), format="ttl")
        shapes = proposed_document(store, {"ex": "http://example.org/"}, "http://example.org/shape/")
        report = validate(store, load_shapes(shapes))
    assert report.conforms, report.text()
    assert b"sh:targetClass ex:A" in shapes
