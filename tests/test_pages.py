"""Pages of cards: their files, their pictures, and the sample's own."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pyoxigraph import Literal, NamedNode

from api import answers, create_app
from api.display import Display
from api.pictures import networks, picture
from api.pictures.answer import Answered
from api.request_errors import WebError
from kg import KnowledgeGraph, pages
from kg.errors import ProjectError
from kg.project import Project
from kg.saved_queries import Show

BASE = "https://example.org/garden/"
DATA = f"""@prefix ex: <{BASE}ontology/> . @prefix id: <{BASE}id/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
id:oak a ex:Plant ; rdfs:label "Oak"@en , "橡树"@zh ; ex:near id:elm , id:ash ; ex:height 21.5 ; ex:plantedOn "2001-04-02" .
id:elm a ex:Plant ; rdfs:label "Elm" ; ex:near id:ash ; ex:height -3 ; ex:plantedOn "1999-03-01" .
id:ash a ex:Plant ; rdfs:label "<b>Ash</b>" ; ex:height 9 ; ex:plantedOn "2011-05-06" .
ex:Plant rdfs:label "plant"@en .
"""
QUERIES = {
    "neighbours": "#+ question: What is near?\n#+ parameter: plant IRI ex:Plant\n#+ show: graph\nSELECT ?one ?other ?n { ?plant (ex:near|^ex:near)* ?one . ?one ex:near ?other BIND(7 AS ?n) }",
    "heights": "#+ question: How high?\n#+ show: chart\nSELECT ?plant ?height { ?plant ex:height ?height } ORDER BY ?plant",
    "planted": "#+ question: When planted?\n#+ show: timeline\nSELECT ?plant ?day { ?plant ex:plantedOn ?day }",
    "by-kind": "#+ question: Of which kind?\n#+ show: board\nSELECT ?kind ?plant { ?plant a ?kind . ?plant ex:height ?h }",
    "growth": "#+ question: How did it grow?\n#+ show: chart\nSELECT ?day ?height { ?plant ex:plantedOn ?day ; ex:height ?height }",
    "nothing": "#+ question: Is there a rose?\nSELECT ?rose { ?rose a ex:Rose }",
}
PAGE = """title = { en = "Plant", zh = "植物" }
for = "ex:Plant"
parameter = "plant"
[[section]]
title = "Around"
cards = ["garden/neighbours", "garden/heights", "garden/planted", "garden/by-kind", "garden/growth", "garden/nothing"]
"""
BROWSER = {"Accept": "text/html"}


def project_in(folder: Path, page: str = PAGE) -> Path:
    for kind in ("queries", "pages"):
        (folder / kind / "garden").mkdir(parents=True, exist_ok=True)
    (folder / "kg.toml").write_text(
        f'[project]\nname = "garden"\nbase = "{BASE}"\ndomains = ["garden"]\n[prefixes]\nex = "{BASE}ontology/"\nid = "{BASE}id/"\n', encoding="utf-8"
    )
    for name, text in QUERIES.items():
        (folder / "queries/garden" / f"{name}.rq").write_text(text.replace("SELECT", f"PREFIX ex: <{BASE}ontology/>\nSELECT", 1), encoding="utf-8")
    (folder / "pages/garden/plant.toml").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = project_in(tmp_path_factory.mktemp("garden"))
    (folder / "pages/garden/desk.toml").write_text('title = "Gardener"\n[[section]]\ncards = ["garden/heights"]\n', encoding="utf-8")
    with KnowledgeGraph.open(folder) as graph:
        graph.load(DATA.encode(), graph=BASE + "graph/load", format="ttl")
        yield create_app(graph).test_client()


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page, code, line, says", [
    ("title = ", "P310", None, "not TOML"),
    ('titel = "x"\n[[section]]\ncards = ["garden/heights"]', "P311", 1, "titel"),
    ('title = "x"\n', "P311", None, "section"),
    ('title = "x"\n[[section]]\ncards = ["garden/hights"]', "P312", 3, "hights"),
    ('title = "x"\n[[section]]\ncards = ["garden/neighbours"]', "P312", 3, "needs a value for plant"),
    ('title = "x"\n[[section]]\ncards = [{ query = "garden/heights", with = { least = "1" } }]', "P312", 3, "no parameter least"),
    ('title = "x"\n[[section]]\ncards = [{ query = "garden/heights", show = "chrat" }]', "P311", 3, "no picture chrat"),
    ('title = "x"\n[[section]]\ncards = [{ query = "garden/heights", show = "chart from=plant" }]', "P311", 3, "no place from"),
    ('title = "x"\n[[section]]\ncards = [{ query = "garden/heights", show = 3 }]', "P311", 3, "show must be a text"),
    ('title = "x"\n[[section]]\ncards = [{ query = "garden/heights", with = "x" }]', "P311", 3, "with must be a table"),
    ('title = "x"\nsection = [1]', "P311", 2, "a section must be a table"),
    ('title = "x"\nfor = 3\nparameter = "plant"\n[[section]]\ncards = ["garden/heights"]', "P311", 2, "for must be a text"),
    ('title = "x"\nfor = "zz:Plant"\nparameter = "plant"\n[[section]]\ncards = ["garden/heights"]', "P311", 2, "zz:Plant"),
    ('title = "x"\nfor = "ex:Plant"\n[[section]]\ncards = ["garden/heights"]', "P311", None, "parameter"),
])  # fmt: skip
def test_a_wrong_page_file_is_refused_with_its_place(tmp_path, page, code, line, says):
    with pytest.raises(ProjectError, match=says) as raised:
        pages.load(Project.load(project_in(tmp_path, page)))
    assert raised.value.code == code and raised.value.location.file == "pages/garden/plant.toml"
    assert line is None or raised.value.location.line == line


def test_columns_that_a_picture_names_must_be_returned(client, tmp_path):
    answered = Answered(("plant",), ((Literal("x"),),), Display(BASE, {}, {}), Show("chart", {"value": "height"}), 1)
    with pytest.raises(WebError, match=r"names \?height, which the query does not return"):
        answered.place("value", lambda term: True)


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def drawings(html: str) -> list[etree._Element]:
    return [etree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", html, re.S)]


def test_a_portrait_has_each_card_with_picture_and_table(client):
    answer = client.get("/pages/garden/plant?thing=id:oak", headers=BROWSER)
    html = answer.text
    assert answer.status_code == 200 and "problem" not in html
    graph, bars, line = drawings(html)
    texts = lambda svg: "".join(svg.itertext())  # noqa: E731
    assert all(name in texts(graph) for name in ("Oak", "Elm", "<b>Ash</b>", "7"))
    assert len(graph.findall(".//{*}a")) == 3 and len(graph.findall(".//{*}path[@class='edge']")) == 3
    assert [one.text for one in graph.findall(".//{*}a[@class='node is-focus']/{*}text")] == ["Oak"]
    lengths = {svg[0].text: float(svg.getnext().get("width")) for svg in bars.findall("{*}a")}
    assert lengths["Oak: 21.5"] > lengths["<b>Ash</b>: 9"] > lengths["Elm: -3"] > 0
    assert [one[0].text for one in line.findall("{*}circle")] == ["1999-03-01: -3", "2001-04-02: 21.5", "2011-05-06: 9"]
    assert re.findall(r"<time[^>]*>(\S+)</time>", html) == ["2011-05-06", "2001-04-02", "1999-03-01"]
    assert "Nothing: the question has no answer here." in html and html.count("As a table") == 5
    assert "<b>Ash" not in html


def test_a_page_speaks_the_reader_s_language(client):
    html = client.get("/pages/garden/plant?thing=id:oak&lang=zh", headers=BROWSER).text
    assert "<h1>橡树</h1>" in html and "植物" in html and "以表格显示" in html


def test_a_thing_is_asked_for_and_found_by_its_name(client):
    asked = client.get("/pages/garden/plant", headers=BROWSER).text
    assert 'name="thing"' in asked and "thing=https" in asked
    assert "<h1>Elm</h1>" in client.get("/pages/garden/plant?thing=Elm", headers=BROWSER).text
    assert client.get("/pages/garden/plant?thing=Rose", headers=BROWSER).status_code == 404
    assert client.get("/pages/garden/none", headers=BROWSER).status_code == 404


def test_a_thing_s_page_leads_to_its_portrait_and_the_list_has_all_pages(client):
    assert "/pages/garden/plant?thing=" in client.get("/doc/oak", headers=BROWSER).text
    found = client.get("/pages", headers={"Accept": "application/json"}).json["pages"]
    assert {(one["key"], one["desk"], one["class"]) for one in found} == {("garden/plant", False, "ex:Plant"), ("garden/desk", True, None)}
    assert "Gardener" in client.get("/pages", headers=BROWSER).text


def test_a_wrong_page_file_leaves_the_pages_of_things_as_they_are(tmp_path):
    with KnowledgeGraph.open(project_in(tmp_path, "title = ")) as graph:
        graph.load(DATA.encode(), graph=BASE + "graph/load", format="ttl")
        client = create_app(graph).test_client()
        assert client.get("/doc/oak", headers=BROWSER).status_code == 200
        answer = client.get("/pages/garden/plant?thing=id:oak", headers=BROWSER)
    assert answer.status_code >= 400 and "P310" in answer.text and "pages/garden/plant.toml" in answer.text


def test_a_card_that_fails_leaves_the_others(tmp_path):
    page = PAGE.replace('"garden/nothing"', '"garden/nothing", { query = "garden/heights", show = "chart value=weight" }')
    with KnowledgeGraph.open(project_in(tmp_path, page)) as graph:
        graph.load(DATA.encode(), graph=BASE + "graph/load", format="ttl")
        html = create_app(graph).test_client().get("/pages/garden/plant?thing=id:oak", headers=BROWSER).text
    assert "W120" in html and len(drawings(html)) == 3


def test_a_picture_is_a_file_too(client):
    answer = client.get("/queries/garden/neighbours.svg?plant=id:oak&lang=en")
    svg = etree.fromstring(answer.data)
    assert answer.content_type.startswith("image/svg+xml") and "Oak" in answer.text
    assert svg.find("{*}style") is not None
    assert client.get("/queries/garden/nothing.svg").status_code == 400


def test_a_column_of_things_and_texts_stays_in_the_table():
    iri = NamedNode("urn:oak")
    rows = [(Literal("kind"), iri), (Literal("note"), Literal("old"))]
    assert answers.table(("what", "value"), rows, Display(BASE, {}, {})).variables == ("what", "value")
    named = [(iri, Literal("urn:oak"))]  # a name that says again what the link says
    assert answers.table(("thing", "name"), named, Display(BASE, {}, {})).variables == ("thing",)


# ── Layout ───────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=80))
def test_nodes_of_a_graph_never_overlap_and_stand_inside_of_it(links):
    thing = [NamedNode(f"urn:{number}") for number in range(31)]
    drawn = picture(Show("graph", {}), ("a", "b"), [(thing[one], thing[other]) for one, other in links], Display(BASE, {}, {}), thing[0]).values
    nodes = drawn["nodes"]
    assert len(nodes) == len({end for link in links for end in link}) and len(drawn["edges"]) == len(set(links))
    for place, one in enumerate(nodes):
        assert 0 <= one.x <= drawn["width"] - drawn["node_width"] and 0 <= one.y <= drawn["height"] - drawn["node_height"]
        for other in nodes[:place]:
            assert abs(one.x - other.x) >= drawn["node_width"] or abs(one.y - other.y) >= drawn["node_height"]


def test_a_large_graph_shows_the_nearest_and_says_how_many_are_left_out():
    rows = [(NamedNode(f"urn:{number}"), NamedNode(f"urn:{number + 1}")) for number in range(1000)]
    drawn = picture(Show("graph", {}), ("a", "b"), rows, Display(BASE, {}, {}), NamedNode("urn:500"))
    shown = {int(node.shown.text.removeprefix("urn:")) for node in drawn.values["nodes"]}
    assert len(shown) == networks.MOST_NODES and drawn.left_out == 1001 - networks.MOST_NODES and shown == set(range(min(shown), max(shown) + 1)) and 500 in shown


def test_spots_of_a_map_lie_as_on_the_earth():
    rows = [(NamedNode(f"urn:{name}"), Literal(east), Literal(north), Literal(value))
            for name, east, north, value in (("a", 116.4, 39.9, 4), ("b", 121.5, 31.2, 1), ("c", 87.6, 43.8, 0))]  # fmt: skip
    show = Show("map", {"place": "p", "longitude": "x", "latitude": "y", "value": "n"})
    spots = {spot.shown.text: spot for spot in picture(show, ("p", "x", "y", "n"), rows, Display(BASE, {}, {})).values["spots"]}
    assert spots["urn:c"].x < spots["urn:a"].x < spots["urn:b"].x and spots["urn:c"].y < spots["urn:a"].y < spots["urn:b"].y
    assert spots["urn:a"].radius > spots["urn:b"].radius > spots["urn:c"].radius
