"""The documentation of the ontology: modules at their own IRIs, as pages with a diagram and as RDF."""

import re

import pytest
from lxml import html
from pyoxigraph import RdfFormat, parse

from api import create_app
from api.diagram import Arrow, Box, diagram
from kg import KnowledgeGraph
from tests.small_project import write

HTML = {"Accept": "text/html"}
MODULE = """
@prefix g: <https://example.org/garden/ontology/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dcterms: <http://purl.org/dc/terms/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://example.org/garden/ontology/trees> a owl:Ontology ; dcterms:title "Trees"@en , "树木"@zh .
<https://example.org/other/soil> a owl:Ontology ; dcterms:title "Soil"@en .
g:Oak a owl:Class ; rdfs:subClassOf g:Plant ; rdfs:label "oak"@en , "橡树"@zh ; skos:definition "tree with acorns"@en , "结橡子的树"@zh ;
    skos:example "the one at the <gate>"@en ; dcterms:source "Flora, 3rd edition"@en ; rdfs:isDefinedBy <https://example.org/garden/ontology/trees> .
g:Plant a owl:Class ; rdfs:label "plant"@en ; rdfs:isDefinedBy <https://example.org/garden/ontology/trees> .
g:growsIn a owl:ObjectProperty , owl:FunctionalProperty ; rdfs:label "grows in"@en ; rdfs:domain g:Plant ; rdfs:range g:Bed ; rdfs:isDefinedBy <https://example.org/garden/ontology/trees> .
g:hasAge a owl:DatatypeProperty ; rdfs:label "has age"@en ; rdfs:domain g:Plant ; rdfs:range xsd:integer ; rdfs:isDefinedBy <https://example.org/garden/ontology/trees> .
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    (folder / "ontology/garden/trees.ttl").write_text(MODULE, encoding="utf-8")
    with KnowledgeGraph.open(folder) as graph:
        graph.build("ontology")
        yield create_app(graph).test_client()


def test_a_browser_gets_the_module_at_its_own_iri_with_every_term(client):
    response = client.get("/ontology/trees?lang=en", headers=HTML)
    assert response.status_code == 200
    page = html.fromstring(response.text)
    assert {entry.get("id") for entry in page.xpath("//article[@class='entry']")} == {"Oak", "Plant", "growsIn", "hasAge"}
    oak = page.xpath("//article[@id='Oak']")[0].text_content()
    for text in ("oak", "橡树", "tree with acorns", "结橡子的树", "the one at the <gate>", "Flora, 3rd edition", "plant"):
        assert text in oak
    assert "at most one" in page.xpath("//article[@id='growsIn']")[0].text_content()
    assert "script" not in {tag.tag for tag in page.xpath("//main//*")}


def test_the_page_speaks_chinese(client):
    page = client.get("/ontology/trees?lang=zh", headers=HTML).text
    assert "<h1>树木" in page and "至多一个" in page


def test_others_get_the_module_as_rdf(client):
    response = client.get("/ontology/trees", headers={"Accept": "text/turtle"})
    assert response.content_type.startswith("text/turtle")
    subjects = {quad.subject.value.rpartition("/")[2] for quad in parse(response.data, format=RdfFormat.TURTLE)}
    assert subjects == {"trees", "Oak", "Plant", "growsIn", "hasAge"}
    assert client.get("/ontology/trees").content_type.startswith("text/turtle")
    assert client.get("/ontology/trees?format=nt", headers=HTML).content_type.startswith("application/n-triples")


def test_the_iri_of_a_term_leads_a_browser_to_its_place_in_the_page(client):
    response = client.get("/ontology/Oak", headers=HTML)
    assert (response.status_code, response.headers["Location"]) == (303, "/ontology/trees#Oak")
    assert "/resource" in client.get("/ontology/Oak", headers={"Accept": "text/turtle"}).headers["Location"]


def test_the_list_names_modules_and_leads_to_those_outside_of_the_base(client):
    page = client.get("/ontology", headers=HTML).text
    assert 'href="/ontology/trees"' in page and "/ontology?iri=https%3A%2F%2Fexample.org%2Fother%2Fsoil" in page
    assert client.get("/ontology?iri=https://example.org/other/soil", headers=HTML).status_code == 200
    assert client.get("/ontology?iri=https://example.org/other/air", headers=HTML).status_code == 404


def test_the_diagram_has_a_box_a_class_and_arrows_by_name(client):
    picture = html.fromstring(client.get("/ontology/trees?lang=en", headers=HTML).text).xpath("//svg")[0]
    words = picture.text_content()
    assert not [text for text in ("oak", "plant", "grows in", "has age: xsd:integer") if text not in words], words
    assert len(picture.xpath(".//rect[@class='inside']")) == 2 and len(picture.xpath(".//rect[@class='outside']")) == 1


def areas(text: str) -> list[tuple[float, float, float, float]]:
    found = re.findall(r'<rect class="(?:inside|outside)" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', text)
    return [tuple(map(float, one)) for one in found]


@pytest.mark.parametrize("seed", range(6))
def test_boxes_never_overlap_and_stay_in_the_picture(seed):
    names = [chr(65 + number) for number in range(9)]
    boxes = [Box(name, name * (1 + (seed + place) % 7), None, ("a line",) * (place % 3)) for place, name in enumerate(names)]
    arrows = [Arrow(one, other, f"{one}{other}") for place, one in enumerate(names) for other in names if (ord(other) * 7 + place * (seed + 2)) % 5 == 0]
    text = diagram(boxes, arrows, "many")
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
    placed = areas(text)
    assert len(placed) == len(boxes)
    for place, (x, y, wide, high) in enumerate(placed):
        assert x >= 0 and y >= 0 and x + wide <= width and y + high <= height
        for other in placed[place + 1 :]:
            assert x + wide <= other[0] or other[0] + other[2] <= x or y + high <= other[1] or other[1] + other[3] <= y


def test_what_a_diagram_shows_is_escaped():
    assert "<b>" not in diagram([Box("a", "<b>"), Box("c", "d")], [Arrow("a", "c", "<b>")], "<b>")
