"""kg:search and /search: what is found, by whom it is written how, and that the index follows every write."""

import pytest
from pyoxigraph import Literal, NamedNode

from api import create_app
from kg import KgError, KnowledgeGraph
from kg.project import Project
from kg.store import Store, search_texts
from kg.store.versions import Versions
from tests.small_project import FILES

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
DATA = """
@prefix ex: <urn:ex:> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
ex:oak rdfs:label "苏州金塔橡树园", "Oak garden of Suzhou"@en ; skos:altLabel "旧橡园"@zh ; a ex:Garden .
ex:pagoda rdfs:label "金塔" ; ex:code "S-100" .
ex:cafe skos:altLabel "Café  ＧＲＡＮＤ"@fr ; a ex:Garden .
ex:note ex:says "金塔 is only said here" .
"""


@pytest.fixture(scope="module")
def graph():
    with KnowledgeGraph.memory({"ex": "urn:ex:"}) as graph:
        graph.load(DATA.encode(), format="ttl", graph="urn:g")
        yield graph


def things(graph, pattern, **bindings):
    rows = graph.query(f"SELECT ?t WHERE {{ {pattern} }}", bindings=bindings)
    return [row[0].value.removeprefix("urn:ex:") for row in rows]


@pytest.mark.parametrize(("text", "found"), [
    ("金", ["oak", "pagoda"]), ("塔", ["oak", "pagoda"]), ("金塔", ["oak", "pagoda"]), ("塔橡", ["oak"]), ("园", ["oak"]), ("龙", []),
    ("OAK", ["oak"]), ("suzhou  oak", ["oak"]), ("den of", ["oak"]), ("cafe", ["cafe"]), ("grand", ["cafe"]), ("ｏａｋ", ["oak"]),
    ("100", []), ("", []), ("   ", []), ("%", []), ("_", []), ("'", []),
])  # fmt: skip
def test_any_part_of_a_label_is_found_in_any_script(graph, text, found):
    assert sorted(things(graph, "?t kg:search ?text", text=Literal(text))) == found


def test_the_best_label_of_each_thing_is_scored_and_shown_once(graph):
    rows = list(graph.query("SELECT * { (?t ?score ?text ?property) kg:search '金塔' }"))
    assert [(row[0].value, float(row[1].value), row[2].value) for row in rows] == [("urn:ex:pagoda", 1.0, "金塔"), ("urn:ex:oak", 0.4286, "苏州金塔橡树园")]
    assert {row[3].value for row in rows} == {LABEL}


def test_a_beginning_ranks_before_a_word_before_a_part():
    with KnowledgeGraph.memory() as graph:
        labels = ["oaken", "wild oak", "soak", "oak", "tree oaken"]
        graph.load("".join(f'<urn:{n}> <{LABEL}> "{label}" .\n' for n, label in enumerate(labels)).encode(), format="nt")
        found = [row[0].value for row in graph.query("SELECT ?text { (?t ?score ?text) kg:search 'oak' }")]
        assert found == ["oak", "oaken", "wild oak", "tree oaken", "soak"]


@pytest.mark.parametrize(("pattern", "found"), [
    ("?t kg:search ('金' 1)", ["pagoda"]),
    ("?t kg:search ('金' 0)", []),
    ("?t kg:search ('金' 1) . ?t a ex:Garden", []),
    ("?t kg:search '金' . ?t a ex:Garden", ["oak"]),
    ("?t a ex:Garden ; kg:search '金'", ["oak"]),
    ("?t kg:search ('a' 10 'lang:en')", ["oak"]),
    ("?t kg:search ('a' 'lang:fr' 10)", ["cafe"]),
    ("?t kg:search ('a' 'lang:none')", []),
    ("?t kg:search ('金' 'lang:none')", ["oak", "pagoda"]),
    ("?t kg:search 'a'@fr", ["cafe"]),
    ("?t kg:search (rdfs:label 'a')", ["oak"]),
    ("?t kg:search (skos:altLabel skos:prefLabel 'a')", ["cafe"]),
    ("?t kg:search [ kg:text '金' ; kg:limit 1 ]", ["pagoda"]),
    ("?t kg:search [ kg:text 'a' ; kg:language 'en' ; kg:property rdfs:label ]", ["oak"]),
    ("?t kg:search [ kg:text '金塔' ; kg:score ?s ; kg:match ?m ; kg:matchedProperty ?p ] FILTER(?s = 1 && ?m = '金塔' && ?p = rdfs:label)", ["pagoda"]),
    ("VALUES ?q { '旧' 'grand' } ?t kg:search ?q", ["cafe", "oak"]),
    ("BIND('旧' AS ?q) ?t kg:search ?q", ["oak"]),
    ("?t kg:search '金' . ?t kg:search '橡'", ["oak"]),
    ("?t a ?class FILTER EXISTS { ?t kg:search '金' }", ["oak"]),
    ("?t a ?class FILTER NOT EXISTS { ?t kg:search '金' }", ["cafe"]),
    ("?t a ?class MINUS { ?t kg:search '金' }", ["cafe"]),
    ("?t a ?class OPTIONAL { (?t ?s) kg:search '金' } FILTER(!BOUND(?s))", ["cafe"]),
    ("{ ?t kg:search '旧' } UNION { ?t kg:search 'cafe' }", ["cafe", "oak"]),
    ("GRAPH <urn:g> { ?t kg:search '旧' }", ["oak"]),
    ("GRAPH ?g { ?t kg:search '旧' } FILTER(?g = <urn:g>)", ["oak"]),
    ("GRAPH <urn:other> { ?t kg:search '旧' }", []),
    ("{ SELECT ?t { ?t kg:search '金' } LIMIT 1 }", ["pagoda"]),
    ("BIND(ex:pagoda AS ?t) ex:pagoda kg:search '金'", ["pagoda"]),
    ("BIND(ex:cafe AS ?t) ex:cafe kg:search '金'", []),
    ("(?t 1.0) kg:search '金塔'", ["pagoda"]),
])  # fmt: skip
def test_a_search_is_a_pattern_like_others(graph, pattern, found):
    assert sorted(things(graph, pattern)) == found


@pytest.mark.parametrize(("pattern", "code"), [
    ("?t kg:search ?q", "Q701"), ("?t kg:search ()", "Q142"), ("?t kg:search (1 2)", "Q142"), ("?t kg:search ('a' -1)", "Q142"), ("?t kg:search ('a' 'b')", "Q142"),
    ("?t kg:search [ kg:texts 'a' ]", "Q142"), ("?t kg:search [ kg:limit 1 ]", "Q142"), ("(?a ?b ?c ?d ?e) kg:search 'a'", "Q141"),
    ("?t kg:search ('a' ex:code)", "Q704"), ("?t kg:search 12", "Q142"),
])  # fmt: skip
def test_what_is_no_search_is_refused_with_its_place(graph, pattern, code):
    with pytest.raises(KgError) as raised:
        things(graph, pattern)
    assert raised.value.code == code and raised.value.location.line == 1 and raised.value.help


def test_the_index_follows_updates_at_once():
    with KnowledgeGraph.memory({"ex": "urn:ex:"}) as graph:
        graph.update("INSERT DATA { GRAPH <urn:e> { ex:a rdfs:label '新塔' } }")
        assert things(graph, "?t kg:search '新'") == ["a"]
        graph.update("DELETE { GRAPH <urn:e> { ex:a rdfs:label ?old } } INSERT { GRAPH <urn:e> { ex:a rdfs:label '老塔' } } WHERE { ex:a rdfs:label ?old }")
        assert (things(graph, "?t kg:search '新'"), things(graph, "?t kg:search '老'")) == ([], ["a"])
        graph.update("DROP GRAPH <urn:e>")
        assert things(graph, "?t kg:search '老'") == []


def test_texts_that_nothing_has_any_more_are_swept_out(monkeypatch):
    monkeypatch.setattr(search_texts, "_GARBAGE", 3)
    with KnowledgeGraph.memory({"ex": "urn:ex:"}) as graph:
        for number in range(12):
            graph.update(f"DELETE WHERE {{ ex:a rdfs:label ?old }} ; INSERT DATA {{ ex:a rdfs:label 'name {number}' }}")
        assert graph.store.connection.execute("SELECT count(*) FROM search_texts").fetchone()[0] <= 5
        assert things(graph, "?t kg:search '11'") == ["a"]


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_build_makes_the_properties_of_the_project_searchable(project):
    with KnowledgeGraph.open(project) as graph:
        graph.build()
        assert len(things(graph, "?t kg:search '橡'")) == 1
        table = project / "mappings/garden/sample/tree.csv"
        table.write_text(table.read_text(encoding="utf-8").replace("橡树", "柳树"), encoding="utf-8")
        graph.build()
        assert (things(graph, "?t kg:search '橡'"), len(things(graph, "?t kg:search '柳'"))) == ([], 1)
        settings = project / "kg.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + '[search]\nproperties = ["skos:notation"]\n', encoding="utf-8")
    with KnowledgeGraph.open(project) as graph:
        assert graph.build().is_changed and not graph.build().is_changed
        assert things(graph, "?t kg:search '柳'") == []


def test_a_file_without_an_index_gets_one_by_the_next_build(project):
    with KnowledgeGraph.open(project) as graph:
        graph.build()
    loaded = Project.load(project)
    with Versions(loaded.store).write() as draft:  # as an earlier version of the engine wrote it
        draft.store.connection.execute("DROP TABLE search_texts; DELETE FROM meta WHERE key = 'search'")
        draft.publish()
    with KnowledgeGraph.open(project) as graph:
        with pytest.raises(KgError) as raised:
            things(graph, "?t kg:search '橡'")
        assert raised.value.code == "Q703"
        graph.build()
        assert len(things(graph, "?t kg:search '橡'")) == 1


def test_a_property_of_an_unknown_prefix_is_refused(project):
    settings = project / "kg.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[search]\nproperties = ["rfds:label"]\n', encoding="utf-8")
    with pytest.raises(KgError) as raised:
        Project.load(project)
    assert (raised.value.code, "rdfs" in raised.value.help) == ("P110", True)


def test_texts_without_a_graph_file_are_indexed_as_they_are_added():
    with Store.memory() as store:
        store.insert(f"SELECT 0 AS g, {store.encode([NamedNode('urn:a')])[0]} AS s, {store.encode([NamedNode(LABEL)])[0]} AS p, {store.encode([Literal('Ö')])[0]} AS o")
        assert store.connection.execute("SELECT norm FROM search_texts").fetchall() == [("o",)]


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def client(graph):
    return create_app(graph).test_client()


def test_hits_come_as_json_with_score_language_and_classes(client):
    answer = client.get("/search?q=cafe").get_json()
    assert answer["query"] == "cafe" and answer["next"] is None
    (hit,) = answer["hits"]
    assert (hit["iri"], hit["match"], hit["language"], hit["classes"]) == ("urn:ex:cafe", "Café  ＧＲＡＮＤ", "fr", [{"iri": "urn:ex:Garden", "label": "ex:Garden"}])
    assert 0.8 < hit["score"] < 0.9


def test_pages_of_hits_are_linked_and_hold_each_hit_once(client):
    first = client.get("/search?q=金&limit=1")
    following = client.get(first.get_json()["next"])
    assert [hit["iri"] for answer in (first, following) for hit in answer.get_json()["hits"]] == ["urn:ex:pagoda", "urn:ex:oak"]
    assert 'rel="next"' in first.headers["Link"] and following.get_json()["next"] is None and 'rel="prev"' in following.headers["Link"]


def test_a_value_in_full_is_found_too(client):
    assert [hit["iri"] for hit in client.get("/search?q=S-100").get_json()["hits"]] == ["urn:ex:pagoda"]
    assert client.get("/search?q=S-10").get_json()["hits"] == []


def test_hits_of_one_language(client):
    assert [hit["iri"] for hit in client.get("/search?q=a&language=fr").get_json()["hits"]] == ["urn:ex:cafe"]
    assert client.get("/search?q=a&language=%27").status_code == 400


def test_head_has_the_headers_of_get(client):
    answer = client.head("/search?q=金&limit=1")
    assert (answer.status_code, answer.data) == (200, b"") and 'rel="next"' in answer.headers["Link"]


@pytest.mark.parametrize("text", ["') } DROP ALL #", "\\", '"', "\x00", "?x", "a" * 5000, "%F0%9F%8C%B3"])
def test_no_text_breaks_a_search(client, text):
    assert client.get("/search", query_string={"q": text}).get_json()["hits"] == []
    assert client.get("/search", query_string={"q": text}, headers={"Accept": "text/html"}).status_code == 200
