"""RDF documents in and out: every syntax, gzip, named graphs, blank nodes, errors with their place."""

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from kg.errors import DataError, StoreError
from kg.store import Store, staging
from kg.store.documents import ALL, dump, load

EX = "http://example.org/"
A, B, P, Q = (NamedNode(EX + name) for name in ("a", "b", "p", "q"))
G = EX + "graph"
TRIPLES = [Triple(A, P, B), Triple(A, Q, Literal("值 \"x\"\n", language="zh")), Triple(B, P, Literal("1.50", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#decimal")))]


def content(store: Store, graph: object = ALL) -> set[str]:
    out = io.BytesIO()
    dump(store, out, format="nquads", graph=graph)
    return set(out.getvalue().decode().splitlines())


@pytest.fixture
def store():
    with Store.memory() as store:
        yield store


@pytest.mark.parametrize("name", ["turtle", "trig", "ntriples", "nquads", "rdfxml", "jsonld", "text/turtle", "TTL"])
def test_each_syntax_is_read_and_written(store, name):
    load(store, serialize(TRIPLES, format=RdfFormat.N_TRIPLES), format="nt")
    before = content(store)
    out = io.BytesIO()
    assert dump(store, out, format=name) == 3
    with Store.memory() as other:
        assert load(other, out.getvalue(), format=name).triples == 3
        assert content(other) == before


@pytest.mark.parametrize("name", ["x.ttl", "x.trig", "x.nt", "x.nq", "x.rdf", "x.owl", "x.jsonld", "x.ttl.gz", "x.NQ.GZ"])
def test_the_suffix_tells_the_syntax(store, tmp_path, name):
    load(store, serialize(TRIPLES, format=RdfFormat.N_TRIPLES), format="nt")
    dump(store, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") is name.lower().endswith(".gz")
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    with Store.memory() as other:
        assert load(other, tmp_path / name).triples == 3
        assert content(other) == content(store)


def test_gzip_is_recognized_without_its_suffix(store, tmp_path):
    packed = gzip.compress(b"<urn:a> <urn:b> 1 .")
    (tmp_path / "x.ttl").write_bytes(packed)
    assert load(store, tmp_path / "x.ttl").triples == 1
    assert load(store, packed, format="ttl", graph=G).triples == 1
    assert load(store, io.BytesIO(packed), format="ttl", graph=EX + "other").triples == 1


def test_text_files_and_pipes_are_read(store):
    assert load(store, io.StringIO("<urn:a> <urn:b> 'é' ."), format="ttl").triples == 1
    assert load(store, io.BytesIO(b"<urn:a> <urn:c> 1 ."), format="ttl").triples == 1
    assert load(store, io.BytesIO(b""), format="ttl").triples == 0


def test_triples_go_to_the_graph_that_is_named_and_quads_keep_theirs(store):
    load(store, b"<urn:a> <urn:b> 1 .", format="ttl", graph=G)
    report = load(store, b"<urn:a> <urn:b> 2 . <urn:h> { <urn:a> <urn:b> 3 }", format="trig", graph=G)
    assert (report.triples, report.read, sorted(report.graphs)) == (2, 2, [G, "urn:h"])
    assert {row["iri"]: row["triples"] for row in store.graphs()} == {G: 2, "urn:h": 1}
    assert {row["owner"] for row in store.graphs()} == {"load"}


def test_a_second_load_adds_nothing_but_new_blank_nodes(store):
    text = b"<urn:a> <urn:b> 1 , <urn:c> , _:x . _:x <urn:b> [] ."
    assert load(store, text, format="ttl").triples == 4
    assert load(store, text, format="ttl").triples == 2
    subjects = {line.split()[0] for line in content(store)}
    assert len(subjects) == 3


def test_a_blank_node_of_one_load_is_one_node_across_batches_and_graphs(store, monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 2)
    monkeypatch.setattr(staging, "_REMEMBERED", 1)
    text = "".join(f"_:x <urn:p{n}> <urn:o{n % 3}> <urn:g{n % 2}> .\n" for n in range(9)).encode()
    assert load(store, text, format="nq").triples == 9
    assert len({line.split()[0] for line in content(store)}) == 1
    assert load(store, text.replace(b"_:x", b"<urn:x>") * 2, format="nq").triples == 9


def test_a_blank_node_in_a_triple_term_is_the_same_node_outside_it(store):
    load(store, b"_:x <urn:says> <<( _:x <urn:p> 1 )>> .", format="ttl")
    (line,) = content(store)
    assert line.count(line.split()[0]) == 2


def test_repeated_triples_count_once(store):
    report = load(store, b"<urn:a> <urn:b> 1 . <urn:a> <urn:b> 1 .", format="ttl")
    assert (report.triples, report.read) == (1, 2)


def test_relative_iris_start_at_the_file_or_at_the_base(store, tmp_path):
    (tmp_path / "x.ttl").write_text("<> <urn:b> <c> .")
    load(store, tmp_path / "x.ttl")
    load(store, b"<> <urn:b> <c> .", format="ttl", base=EX)
    home = tmp_path.resolve().as_uri()
    assert content(store) == {f"<{home}/x.ttl> <urn:b> <{home}/c> .", f"<{EX}> <urn:b> <{EX}c> ."}


def test_a_syntax_error_names_file_line_and_column_and_nothing_is_stored(store, tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 1)
    path = tmp_path / "broken.ttl.gz"
    path.write_bytes(gzip.compress(b"<urn:a> <urn:b> 1 .\n<urn:a> <urn:b> ex:c .\n"))
    with pytest.raises(DataError) as raised:
        load(store, path)
    place = raised.value.location
    assert (raised.value.code, place.file, place.line, place.column) == ("D102", str(path), 2, 17)
    assert place.line_text == "<urn:a> <urn:b> ex:c ."
    assert "@prefix" in raised.value.help
    assert content(store) == set()
    assert load(store, b"<urn:a> <urn:b> 1 .", format="ttl").triples == 1  # the dictionary forgot what was rolled back
    assert content(store) == {'<urn:a> <urn:b> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .'}


@pytest.mark.parametrize(
    ("source", "arguments", "code", "remedy"),
    [
        ("missing.ttl", {}, "D101", "path"),
        ("/", {"format": "ttl"}, "D101", "path"),
        (b"", {"format": "turtel"}, "D103", "turtle"),
        (b"", {}, "D103", "turtle"),
        (b"<a> <b> <c> .", {"format": "ttl"}, "D102", "base"),
        (b"\x1f\x8bnothing", {"format": "ttl"}, "D104", "again"),
        (b"<a> <b> <c> .", {"format": "ttl", "base": "nowhere"}, "D106", None),
        (b'{"@context": "http://example.org/context"}', {"format": "jsonld"}, "D102", "not fetched"),
        (b"<urn:a> <urn:b> '\xff' .", {"format": "ttl"}, "D102", None),
    ],
)  # fmt: skip
def test_wrong_input_has_a_code_and_a_remedy(store, source, arguments, code, remedy):
    with pytest.raises(DataError) as raised:
        load(store, source, **arguments)
    assert raised.value.code == code
    assert remedy is None or remedy in raised.value.help


def test_an_unknown_suffix_gets_a_suggestion(store, tmp_path):
    (tmp_path / "x.tll").write_text("")
    with pytest.raises(DataError, match="tells no RDF syntax") as raised:
        load(store, tmp_path / "x.tll")
    assert ".ttl" in raised.value.help


def test_a_load_cannot_write_into_a_graph_that_is_built(store):
    graph = store.graph_id(G, owner="map:core/things")
    load(store, b"<urn:a> <urn:b> 1 .", format="ttl")
    assert graph
    with pytest.raises(StoreError, match="belongs to map:core/things"):
        load(store, b"<urn:a> <urn:b> 2 .", format="ttl", graph=G)
    assert len(content(store)) == 1


def test_one_graph_or_the_default_graph_or_their_union_is_written(store):
    load(store, b"<urn:a> <urn:b> 1 .", format="ttl")
    load(store, b"<urn:a> <urn:b> 1 , 2 .", format="ttl", graph=G)
    assert len(content(store)) == 3
    assert len(content(store, G)) == 2 and all(G in line for line in content(store, G))
    assert len(content(store, None)) == 1
    out = io.BytesIO()
    assert dump(store, out, format="nt") == 2
    with pytest.raises(DataError, match="no graph <urn:none>"):
        dump(store, io.BytesIO(), format="nt", graph="urn:none")


def test_turtle_is_written_with_prefixes_and_subjects_together(store):
    load(store, b"<http://example.org/a> <http://example.org/p> 1, 2 ; <http://example.org/q> 3 .", format="ttl")
    out = io.BytesIO()
    dump(store, out, format="ttl", prefixes={"ex": EX})
    assert out.getvalue().count(b"ex:a") == 1


def test_a_dump_that_fails_leaves_the_old_file(store, tmp_path):
    path = tmp_path / "x.ttl"
    path.write_text("old")
    load(store, b"<urn:a> <urn:b> 1 .", format="ttl")
    with pytest.raises(DataError):
        dump(store, path, prefixes={"ex": "not an IRI"})
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(DataError, match="cannot be written"):
        dump(store, tmp_path / "missing" / "x.ttl")


def test_a_read_only_graph_is_dumped(tmp_path):
    with Store.open(tmp_path / "g.duckdb") as store:
        load(store, b"<urn:a> <urn:b> 1, 'x' .", format="ttl")
    with Store.open(tmp_path / "g.duckdb", read_only=True) as store:
        assert len(content(store)) == 2


nodes = st.sampled_from([A, B, NamedNode(EX + "item/7"), NamedNode(EX + "item/007")])
objects = st.one_of(
    nodes,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(Literal),
    st.builds(lambda n, name: Literal(n, datatype=NamedNode("http://www.w3.org/2001/XMLSchema#" + name)), st.text("01.-", max_size=4), st.sampled_from(["integer", "decimal", "double"])),
    st.builds(lambda o: Triple(A, P, o), nodes),
)  # fmt: skip
some_quads = st.lists(st.builds(Quad, nodes, nodes, objects, st.sampled_from([A, B])), max_size=30)


@settings(max_examples=25, deadline=None)
@given(some_quads, some_quads, st.integers(1, 7))
def test_two_loads_make_the_union_of_two_sets(first, second, batch):
    with pytest.MonkeyPatch.context() as patch, Store.memory() as store:
        patch.setattr(staging, "BATCH", batch)
        store.register_template(EX + "item/")
        for quads in (first, second):
            load(store, serialize(quads, format=RdfFormat.N_QUADS), format="nq")
        out = io.BytesIO()
        dump(store, out, format="nq")
        assert set(parse(out.getvalue(), format=RdfFormat.N_QUADS)) == set(first) | set(second)


def test_a_blank_node_keeps_its_label_once_it_is_stored(store):
    load(store, b"_:x <urn:p> 1 .", format="ttl")
    (quad,) = parse("\n".join(content(store)), format=RdfFormat.N_QUADS)
    assert isinstance(quad.subject, BlankNode) and store.lookup(quad.subject) is not None
