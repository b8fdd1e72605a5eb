"""The rdflib Store plugin: the same answers as rdflib's own memory, on a graph file."""

import os

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal as OxLiteral
from pyoxigraph import NamedNode
from rdflib import RDF, RDFS, XSD, BNode, Dataset, Graph, Literal, URIRef
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID

from kg.errors import DataError, StoreError
from kg.store import Store, rdflib_store
from kg.store.documents import load
from kg.store.rdflib_store import GuanxiStore, answer_queries_with
from kg.store.rdflib_terms import from_rdflib, to_rdflib
from kg.store.versions import Versions

EX = rdflib.Namespace("http://example.org/")
A, B, P, Q = EX.a, EX.b, EX.p, EX.q


@pytest.fixture(params=[0, 10**9], ids=["mirrored", "by SQL"])
def lookups(request, monkeypatch):
    """Run on the mirror from the first question on, and without it."""
    monkeypatch.setattr(rdflib_store, "_LOOKUPS", request.param)


def test_a_graph_is_written_and_read_again_from_its_file(tmp_path):
    graph = Graph(store="guanxi")
    graph.open(str(tmp_path / "g.duckdb"), create=True)
    graph.bind("ex", EX)
    graph.parse(data="@prefix ex: <http://example.org/> . ex:a ex:p ex:b, 'x'@en, 1.50 .", format="turtle")
    graph.add((A, P, Literal("01", datatype=XSD.integer, normalize=False)))
    assert len(graph) == 4
    graph.close()

    again = Graph(store="guanxi")
    again.open(str(tmp_path / "g.duckdb"))
    assert set(again.objects(A, P)) == {B, Literal("x", lang="en"), Literal("01", datatype=XSD.integer, normalize=False), Literal("1.50", datatype=XSD.decimal, normalize=False)}
    assert dict(again.namespaces())["ex"] == URIRef(EX)
    assert {str(o) for o in again.objects(A, P)} == {str(B), "x", "01", "1.50"}
    again.remove((A, P, B))
    again.close()


def test_a_file_that_is_not_there_is_only_made_on_request(tmp_path):
    with pytest.raises(StoreError, match="no graph file"):
        Graph(store="guanxi").open(str(tmp_path / "missing.duckdb"))
    assert os.listdir(tmp_path) == []


def test_a_folder_of_versions_is_read_and_not_written(tmp_path):
    with Versions(tmp_path).write() as draft:
        load(draft.store, b"<http://example.org/a> <http://example.org/p> 1 .", format="ttl", graph=str(EX.g))
        draft.publish()
    graph = Graph(store="guanxi")
    graph.open(str(tmp_path))
    assert list(graph.objects(A, P)) == [Literal(1)]
    with pytest.raises(StoreError, match="reading only"):
        graph.add((A, P, B))
    graph.close()


def test_a_graph_without_a_name_is_the_whole_file(lookups):
    store = GuanxiStore()
    Graph(store, EX.g1).add((A, P, B))
    Graph(store, EX.g2).add((A, P, B))
    whole = Graph(store)
    whole.add((B, P, A))
    assert sorted(whole) == [(A, P, B), (B, P, A)] and len(whole) == 2
    assert set(Dataset(store).graph(EX.g1)) == {(A, P, B)}
    held = {(triple, context.identifier) for triple, contexts in store.triples((None, None, None)) for context in contexts}
    assert held == {((A, P, B), EX.g1), ((A, P, B), EX.g2), ((B, P, A), DATASET_DEFAULT_GRAPH_ID)}
    whole.remove((A, None, None))
    assert len(Graph(store, EX.g1)) == len(Graph(store, EX.g2)) == 0 and len(whole) == 1


def test_a_blank_node_names_a_graph_of_its_own_once_it_is_declared(lookups):
    store = GuanxiStore()
    store.add_graph(Graph(store, BNode("g")))
    Graph(store, BNode("g")).add((A, P, B))
    assert len(Graph(store, URIRef(DATASET_DEFAULT_GRAPH_ID))) == 0
    assert {c.identifier for c in store.contexts((A, P, B))} == {BNode("g")}
    store.commit()
    assert set(Graph(GuanxiStore(store=store.store), BNode("g"))) == {(A, P, B)}


def test_a_plain_literal_and_an_xsd_string_are_one_term(lookups):
    graph = Graph(store="guanxi")
    graph.add((A, P, Literal("x", datatype=XSD.string)))
    graph.add((A, P, Literal("x")))
    assert len(graph) == 1 and (A, P, Literal("x", datatype=XSD.string)) in graph and (A, P, Literal("x")) in graph


@pytest.mark.parametrize("triple", [(Literal("s"), P, B), (A, BNode(), B), (A, P, rdflib.Variable("v")), (A, P, URIRef("no iri"))])
def test_what_is_no_triple_is_refused(triple):
    graph = Graph(store="guanxi")
    with pytest.raises(DataError):
        graph.add(triple)
    assert len(graph) == 0 and triple not in graph


def test_a_triple_term_is_refused_and_not_left_out():
    with Store.memory() as store:
        load(store, b"<urn:a> <urn:b> <<( <urn:a> <urn:b> 1 )>> .", format="ttl")
        with pytest.raises(DataError, match="rdflib has no term"):
            list(Graph(GuanxiStore(store=store)))


def test_what_another_writer_adds_is_seen(lookups):
    with Store.memory() as store:
        graph = Graph(GuanxiStore(store=store))
        graph.add((A, P, B))
        assert len(list(graph)) == 1
        load(store, b"<http://example.org/a> <http://example.org/q> 1 .", format="ttl")
        assert set(graph.predicates(A)) == {P, Q}
        graph.add((B, P, B))
        load(store, b"<http://example.org/b> <http://example.org/q> 1 .", format="ttl")
        assert len(list(graph)) == 4
        graph.close()
        assert len(store.connection.execute("FROM quads").fetchall()) == 4  # closing left the caller's store open


def test_rolling_back_forgets_what_was_not_written(lookups):
    graph = Graph(store="guanxi")
    graph.add((A, P, B))
    graph.commit()
    graph.add((A, Q, B))
    graph.rollback()
    assert set(graph) == {(A, P, B)}


def test_graphs_are_listed_also_when_empty_until_they_are_removed(lookups):
    dataset = Dataset(store="guanxi")
    dataset.graph(EX.empty)
    dataset.graph(EX.full).add((A, P, B))
    assert {g.identifier for g in dataset.graphs()} == {EX.empty, EX.full, DATASET_DEFAULT_GRAPH_ID}
    assert {g.identifier for g in dataset.graphs((A, P, B))} >= {EX.full}
    dataset.remove_graph(EX.empty)
    dataset.remove_graph(EX.full)
    assert {g.identifier for g in dataset.graphs()} == {DATASET_DEFAULT_GRAPH_ID} and len(dataset) == 0


def test_a_binding_replaces_both_of_its_halves_or_yields():
    store = GuanxiStore()
    store.bind("x", EX)
    store.bind("y", EX)
    assert (store.namespace("x"), store.prefix(EX)) == (None, "y")
    store.bind("y", A, override=False)
    store.bind("z", EX, override=False)
    assert list(store.namespaces()) == [("y", URIRef(EX))]


def test_queries_are_answered_by_rdflib_unless_an_engine_is_given():
    graph = Graph(store="guanxi")
    graph.add((A, P, Literal(5)))
    graph.update("INSERT { ?s <http://example.org/q> ?o } WHERE { ?s <http://example.org/p> ?o }")
    assert [int(row.o) for row in graph.query("SELECT ?o { ?s <http://example.org/q> ?o }")] == [5]
    asked = []

    def engine(store, text, prefixes, bindings):
        asked.append((text, store.connection.execute("SELECT count(*) FROM quads").fetchone()[0], prefixes["ex"], bindings))
        result = rdflib.query.Result("ASK")
        result.askAnswer = True
        return result

    answer_queries_with(engine)
    try:
        graph.add((B, P, A))
        assert graph.query("ASK {}", initNs={"ex": EX}, initBindings={"s": A}).askAnswer
        assert len(Graph(graph.store, EX.g).query("SELECT * { ?s ?p ?o }")) == 0  # one named graph: rdflib's engine
    finally:
        answer_queries_with(None)
    assert asked == [("ASK {}", 3, str(EX), {"s": NamedNode(str(A))})]


nodes = st.sampled_from([A, B, EX.c, BNode("b1"), BNode("b2")])
predicates = st.sampled_from([P, Q, RDF.type])
values = st.one_of(
    nodes,
    st.sampled_from([Literal("1", datatype=XSD.integer), Literal("01", datatype=XSD.integer, normalize=False), Literal("1.0", datatype=XSD.decimal), Literal("x"), Literal("x", lang="en"), Literal(""), Literal("2026-01-31", datatype=XSD.date)]),
)  # fmt: skip
graph_names = st.sampled_from([EX.g1, EX.g2, DATASET_DEFAULT_GRAPH_ID])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), nodes, predicates, values, graph_names),
        st.tuples(st.just("remove"), st.none() | nodes, st.none() | predicates, st.none() | values, st.none() | graph_names),
        st.tuples(st.just("ask"), st.none() | nodes, st.none() | predicates, st.none() | values, st.none() | graph_names),
    ),
    max_size=25,
)


def answers(dataset: Dataset, pattern: tuple, name: URIRef | None) -> tuple:
    graph = dataset if name is None else dataset.graph(name)
    context = None if name is None else graph
    found = sorted((triple, sorted(c.identifier for c in held)) for triple, held in dataset.store.triples(pattern, context))
    choices = sorted(triple for triple, _ in dataset.store.triples_choices(([A, B], *pattern[1:]), context))
    quads = sorted(map(str, dataset.quads((*pattern, None if name is None else graph))))
    return found, choices, quads, len(graph), sorted(map(str, graph.triples(pattern)))


@pytest.mark.parametrize("lookups_before", [0, 3, 10**9])
@settings(max_examples=20, deadline=None)
@given(steps=steps)
def test_it_behaves_as_the_memory_of_rdflib(lookups_before, steps):
    ours, theirs = Dataset(store="guanxi", default_union=True), Dataset(default_union=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rdflib_store, "_LOOKUPS", lookups_before)
        for action, s, p, o, name in steps:
            for dataset in (ours, theirs):
                graph = dataset if name is None else dataset.graph(name)
                if action == "add":
                    graph.add((s, p, o))
                elif action == "remove":
                    graph.remove((s, p, o))
            if action == "ask":
                assert answers(ours, (s, p, o), name) == answers(theirs, (s, p, o), name)
        assert answers(ours, (None, None, None), None) == answers(theirs, (None, None, None), None)
    ours.close()


@given(st.one_of(values, st.builds(lambda text, tag: Literal(text, lang=tag), st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["en", "zh-cn"]))))
def test_terms_survive_both_conversions(term):
    back = to_rdflib(from_rdflib(term))
    assert back == term and str(back) == str(term) and type(back) is type(term)


def test_an_ill_typed_literal_keeps_its_text():
    assert from_rdflib(to_rdflib(OxLiteral("abc", datatype=NamedNode(str(XSD.integer))))).value == "abc"


TBOX = """
@prefix : <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:A rdfs:subClassOf :B . :B rdfs:subClassOf :C . :x a :A ; :p :y . :y :p :z . :p a owl:TransitiveProperty .
"""


def test_owlrl_closes_it():
    owlrl = pytest.importorskip("owlrl")
    ours, theirs = Graph(store="guanxi"), Graph()
    for graph in (ours, theirs):
        graph.parse(data=TBOX, format="turtle")
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    assert (EX.x, RDF.type, EX.C) in ours and (EX.x, EX.p, EX.z) in ours
    ground = [{triple for triple in graph if not any(isinstance(term, BNode) for term in triple)} for graph in (ours, theirs)]
    assert ground[0] == ground[1]


def test_pyshacl_validates_it():
    pyshacl = pytest.importorskip("pyshacl")
    shapes = Graph().parse(
        data="""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        :Shape a sh:NodeShape ; sh:targetClass :A ; sh:property [ sh:path :name ; sh:minCount 1 ; sh:datatype xsd:string ] .""",
        format="turtle",
    )
    data = Graph(store="guanxi")
    data.parse(data=TBOX + ":x :name 'X' .", format="turtle")
    assert pyshacl.validate(data, shacl_graph=shapes)[0] is True
    data.add((EX.w, RDF.type, EX.A))
    data.add((EX.A, RDFS.label, Literal("A")))
    conforms, report, _ = pyshacl.validate(data, shacl_graph=shapes)
    assert conforms is False and (None, rdflib.Namespace("http://www.w3.org/ns/shacl#").focusNode, EX.w) in report
