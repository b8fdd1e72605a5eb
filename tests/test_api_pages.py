"""Linked data, pages, saved queries: what people and programs see of one thing, and that hostile data stays text."""

import re
from urllib.parse import quote

import pytest
from pyoxigraph import RdfFormat, parse

from api import create_app
from kg import KnowledgeGraph

BASE = "https://example.org/x/"
DATA = f"""
@prefix ex: <{BASE}ontology/> . @prefix id: <{BASE}id/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Item rdfs:label "item"@en , "物品"@zh .
ex:weighs rdfs:label "weighs"@en , "重量为"@zh .
<{BASE}id/item/1> a ex:Item ; rdfs:label "First & best" ; ex:weighs 1234567.50 ; ex:partOf <{BASE}id/item/2> .
<{BASE}id/item/2> a ex:Item ; rdfs:label "Second"@en , "第二"@zh ; ex:weighs 7 .
<{BASE}id/item/3> a ex:Item ; rdfs:label "Twin" . <{BASE}id/item/4> a ex:Item ; rdfs:label "Twin" .
<{BASE}id/box/a%2Fb> a ex:Box ; rdfs:label "slash" .
<{BASE}id/box/中文> a ex:Box ; rdfs:label "Chinese" .
<{BASE}id/item/hostile> a ex:Item ; rdfs:label "<script>alert(1)</script>" ; ex:says "\\" onmouseover=\\"alert(2)" ;
    ex:seeAlso <javascript:alert(3)> , <data:text/html,hello> .
<javascript:alert(3)> rdfs:label "</a><b>label</b>" .
""" + "\n".join(f"<{BASE}id/part/{n}> <{BASE}ontology/partOf> <{BASE}id/item/2> ." for n in range(1, 121))
QUERY = """#+ question: What weighs at least so much?
#+ question@zh: 哪些东西至少这么重？
#+ parameter: least decimal
#+ parameter: part IRI ex:Item
#+ default: part=id:item/1
#+ example: least=5
SELECT ?item ?weight WHERE { ?item <https://example.org/x/ontology/weighs> ?weight FILTER(?weight >= ?least) }
ORDER BY ?weight
"""
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "queries" / "x").mkdir(parents=True)
    (folder / "kg.toml").write_text(
        f'[project]\nname = "x"\nbase = "{BASE}"\ndomains = ["x"]\ntitle = {{ en = "The graph of x", zh = "某图" }}\n'
        f'[prefixes]\nex = "{BASE}ontology/"\nid = "{BASE}id/"\n[limits]\ntimeout = 20\n'
    )
    (folder / "queries" / "x" / "heavy.rq").write_text(QUERY, encoding="utf-8")
    (folder / "queries" / "x" / "one.rq").write_text(
        "#+ question: Which?\n#+ parameter: part IRI ex:Item\nPREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
        "SELECT ?part ?name WHERE { ?part rdfs:label ?name FILTER(LANG(?name) = 'en') }\n"
    )
    (folder / "queries" / "x" / "types.rq").write_text("#+ question: Which types?\nCONSTRUCT { ?s a ?t } WHERE { ?s a ?t }\n")
    with KnowledgeGraph.open(folder) as graph:
        graph.load(DATA.encode(), graph=BASE + "graph/load", format="ttl")
        yield create_app(graph).test_client()


def without_own_scripts(text):
    return re.sub(r'<script src="/static/[\w./-]+" defer></script>', "", text)


def page(client, address, status=200, **headers):
    response = client.get(address, headers={**BROWSER, **headers})
    assert (response.status_code, response.content_type) == (status, "text/html; charset=utf-8"), response.text
    return response.text


# ── Linked data ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_identifier_leads_to_its_document_by_303(client):
    response = client.get("/id/item/1")
    assert (response.status_code, response.headers["Location"]) == (303, "/doc/item/1")


@pytest.mark.parametrize(("suffix", "rdf_format"), [("ttl", RdfFormat.TURTLE), ("nt", RdfFormat.N_TRIPLES), ("json", RdfFormat.JSON_LD), ("jsonld", RdfFormat.JSON_LD)])
def test_a_suffix_names_the_format_of_a_document(client, suffix, rdf_format):
    triples = list(parse(client.get(f"/doc/item/1.{suffix}").data, format=rdf_format))
    assert len(triples) == 4
    assert {triple.subject.value for triple in triples} == {BASE + "id/item/1"}


def test_accept_chooses_between_page_and_data(client):
    assert client.get("/doc/item/1", headers={"Accept": "text/turtle"}).content_type == "text/turtle; charset=utf-8"
    assert client.get("/doc/item/1", headers={"Accept": "application/ld+json"}).content_type == "application/ld+json"
    assert client.get("/doc/item/1", headers=BROWSER).content_type == "text/html; charset=utf-8"
    assert client.get("/doc/item/1", headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(("path", "name"), [("/doc/box/a%2Fb", "slash"), ("/doc/box/%E4%B8%AD%E6%96%87", "Chinese")])
def test_a_percent_escape_in_a_path_means_what_it_means_in_the_iri(client, path, name):
    assert f"<h1>{name}</h1>" in page(client, path)


def test_any_iri_has_a_description(client):
    assert "<h1>item</h1>" in page(client, "/resource?iri=" + quote(BASE + "ontology/Item", safe=""))
    assert "<h1>item</h1>" in page(client, "/resource?iri=ex:Item")


def test_an_iri_under_the_base_can_be_looked_up_at_its_own_path(client):
    response = client.get("/ontology/Item")
    assert (response.status_code, response.headers["Location"]) == (303, "/resource?iri=" + quote(BASE + "ontology/Item", safe=""))


def test_an_unknown_thing_is_404_with_a_suggestion(client):
    assert 'href="/doc/item/2"' in page(client, "/doc/thing/2", status=404)
    assert client.get("/doc/thing/2.ttl").status_code == 404
    assert client.get("/doc/thing/2.ttl").get_json(force=True)["code"] == "W404"


# ── The page of a thing ──────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_a_thing_speaks_in_labels_and_links(client):
    text = page(client, "/doc/item/1")
    assert "<h1>First &amp; best</h1>" in text
    assert '<a href="/doc/item/2" title="https://example.org/x/id/item/2">Second</a>' in text
    assert ">weighs</a>" in text and ">1,234,567.50</span>" in text


def test_the_page_of_a_thing_is_chinese_for_chinese_readers(client):
    text = page(client, "/doc/item/1", **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert '<html lang="zh">' in text and ">第二</a>" in text and ">重量为</a>" in text and ">物品</a>" in text


def test_labels_in_other_languages_are_folded_away(client):
    text = page(client, "/doc/item/2")
    assert text.index(">Second</span>") < text.index("<details>") < text.index(">第二</span>")


def test_incoming_links_have_pages(client):
    text = page(client, "/doc/item/2")
    assert "(121)" in text and "All 121" in text
    first = page(client, "/doc/item/2?property=" + quote(BASE + "ontology/partOf", safe="") + "&direction=in")
    last = page(client, "/doc/item/2?property=" + quote(BASE + "ontology/partOf", safe="") + "&direction=in&page=3")
    count = lambda each: len(re.findall(r'<li><a href="/doc/(?:part|item)/\d+"', each))  # noqa: E731
    assert (count(first), count(last)) == (50, 21)
    assert 'rel="next"' in first and 'rel="next"' not in last


def test_every_fact_leads_to_its_reason(client):
    assert '/explain?subject=%3Chttps%3A%2F%2Fexample.org%2Fx%2Fid%2Fitem%2F1%3E&amp;predicate=' in page(client, "/doc/item/1")


def test_hostile_literals_and_iris_stay_text(client):
    text = page(client, "/doc/item/hostile")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script" not in without_own_scripts(text)
    assert '" onmouseover="' not in text and "<b>label" not in text
    assert not re.search(r"""href=["']?\s*(javascript|data):""", text, re.IGNORECASE)
    unfriendly = page(client, "/resource?iri=" + quote("javascript:alert(3)", safe=""))
    assert not re.search(r"""href=["']?\s*(javascript|data):""", unfriendly, re.IGNORECASE)


def test_the_link_to_the_other_language_stays_on_this_server(client):
    assert 'href="/elsewhere.example/?lang=zh"' in client.get("/none", headers=BROWSER, environ_overrides={"REQUEST_URI": "//elsewhere.example/"}).text
    assert 'href="/doc/box/a%2Fb?lang=zh"' in page(client, "/doc/box/a%2Fb")


def test_hostile_request_parameters_stay_text(client):
    hostile = '"><script>alert(1)</script>'
    for address in ("/search?q=", "/sparql?query=", "/queries/x/heavy?least=", "/resource?iri=", "/doc/", "/graphs?format=", "/doc/item/1?property="):
        response = client.get(address + quote(hostile, safe=""), headers=BROWSER)
        assert "<script" not in without_own_scripts(response.text), address
        assert response.status_code < 500, address


# ── Saved queries ────────────────────────────────────────────────────────────────────────────────────────────


def test_saved_queries_are_listed_with_their_questions(client):
    assert "What weighs at least so much?" in page(client, "/queries")
    assert "哪些东西至少这么重？" in page(client, "/queries?lang=zh")
    client.delete_cookie("lang")
    listed = client.get("/queries").get_json()["queries"]
    assert [query["key"] for query in listed] == ["x/heavy", "x/one", "x/types"]
    assert listed[0]["parameters"][0] == {"name": "least", "type": "decimal", "class": None, "default": None, "example": "5", "required": True}


def test_a_saved_query_is_an_endpoint(client):
    rows = client.get("/queries/x/heavy?least=100").get_json(force=True)["results"]["bindings"]
    assert [row["item"]["value"] for row in rows] == [BASE + "id/item/1"]
    assert client.get("/queries/x/heavy.csv?least=5").text.startswith("item,weight\r\n")
    assert client.get("/queries/x/types.ttl").content_type == "text/turtle; charset=utf-8"
    assert client.get("/queries/x/types.csv").status_code == 406


def test_a_missing_or_wrong_argument_is_named(client):
    missing = client.get("/queries/x/heavy.json")
    assert missing.status_code == 400 and "least" in missing.get_json(force=True)["title"]
    wrong = client.get("/queries/x/heavy.json?least=heavy")
    assert wrong.status_code == 400 and "'heavy'" in wrong.get_json(force=True)["title"]
    unknown = client.get("/queries/x/heavy.json?leest=1")
    assert unknown.get_json(force=True)["help"] == "did you mean least?"
    assert client.get("/queries/x/heavy.json?least=1&least=2").status_code == 400


def test_a_thing_may_be_given_by_its_name(client):
    text = page(client, "/queries/x/one?part=Second")
    assert '<a href="/doc/item/2"' in text and "<th scope=\"col\">name</th>" not in text  # the link says the name already
    ambiguous = client.get("/queries/x/one.json?part=Twin").get_json(force=True)
    assert ambiguous["code"] == "W108" and "id/item/4" in ambiguous["help"]
    assert client.get("/queries/x/one.json?part=Nobody").status_code == 400


def test_an_argument_is_a_term_and_never_query_text(client):
    response = client.get("/queries/x/heavy.json", query_string={"least": "5", "part": "https://example.org/> } SELECT * { <x"})
    assert response.status_code == 400 and response.get_json(force=True)["code"] == "Q305"


def test_a_browser_gets_a_form_and_then_the_answer(client):
    form = page(client, "/queries/x/heavy")
    assert '<input id="parameter-least" name="least" type="number"' in form and '<table>' not in form
    answered = page(client, "/queries/x/heavy?least=100&part=")
    assert '<a href="/doc/item/1"' in answered and "/queries/x/heavy.csv?" in answered
    assert 'role="alert"' in page(client, "/queries/x/heavy?least=much", status=400)


def test_an_unknown_query_is_404_with_what_is_near(client):
    response = client.get("/queries/x/hevy")
    assert response.status_code == 404 and "heavy" in response.get_json(force=True)["help"]


# ── The other pages ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_start_page_counts_and_suggests(client):
    text = page(client, "/")
    assert "The graph of x" in text and '<a href="/resource?iri=' in text
    assert "What weighs at least so much?" not in text  # one of its parameters has no example, so it is no link to try


def test_search_finds_by_part_of_a_label_in_any_case(client):
    assert '<a href="/doc/item/1"' in page(client, "/search?q=FIRST")
    assert '<a href="/doc/item/2"' in page(client, "/search?q=%E7%AC%AC")
    assert client.get("/search?q=nowhere").get_json() == {"query": "nowhere", "language": None, "hits": [], "next": None}


def test_status_and_graphs_and_rejects_are_also_data(client):
    status = client.get("/status").get_json()
    assert status["project"] == "x" and status["limits"]["timeout"] == 20
    assert client.get("/graphs", headers={"Accept": "application/json"}).get_json()["rows"][0]["graph"] == BASE + "graph/load"
    assert client.get("/graphs?format=csv").text.startswith("graph,owner,triples\r\n")
    assert "No row was rejected" in page(client, "/rejects")
    assert client.get("/healthz").text == "ok\n"


def test_a_language_once_chosen_is_kept(client):
    assert '<html lang="zh">' in page(client, "/?lang=zh")
    assert '<html lang="zh">' in page(client, "/graphs")
    client.delete_cookie("lang")
    assert '<html lang="en">' in page(client, "/graphs")


def test_the_catalogues_have_the_same_keys():
    from api.messages import catalogue

    assert catalogue("en").keys() == catalogue("zh").keys()


@pytest.mark.parametrize("address", ["/", "/sparql", "/queries", "/queries/x/heavy?least=5", "/doc/item/2", "/graphs", "/search?q=first", "/none"])
def test_every_page_has_landmarks_and_names_for_its_inputs(client, address):
    text = client.get(address, headers=BROWSER).text
    assert text.count("<main") == text.count("<h1") == 1 and "<nav aria-label=" in text
    for each in re.findall(r"<(?:input|textarea|select)\b[^>]*>", text):
        name = re.search(r'id="([^"]+)"', each)[1]
        assert re.search(f'<label[^>]* for="{name}"', text), each
    for start in re.findall(r"<thead><tr>(<\w+)", text):
        assert start == "<th"
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//(?!example\.org)""", text)
