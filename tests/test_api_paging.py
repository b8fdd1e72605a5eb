"""Long lists in pages: triples by keyset, answers of saved queries, values of a property; settings of the server in kg.toml."""

import re

import pytest

from api import create_app
from kg import KgError, KnowledgeGraph
from kg.project import Project

BASE = "https://example.org/x/"
SETTINGS = f'[project]\nname = "x"\nbase = "{BASE}"\ndomains = ["x"]\n'
QUERY = "#+ question: Which, in order?\nSELECT ?n { ?s <urn:n> ?n } ORDER BY ?n\n"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "queries" / "x").mkdir(parents=True)
    (folder / "queries" / "x" / "numbers.rq").write_text(QUERY)
    (folder / "kg.toml").write_text(SETTINGS)
    with KnowledgeGraph.open(folder) as graph:
        graph.load("".join(f"<{BASE}id/{n}> <urn:n> {n} . <urn:all> <urn:has> <{BASE}id/{n}> .\n" for n in range(250)).encode(), graph="urn:g", format="ttl")
        graph.load(b"<urn:other> <urn:n> 1000 .", graph="urn:h", format="ttl")
        yield graph


@pytest.fixture(scope="module")
def client(graph):
    return create_app(graph).test_client()


def following(response):
    found = re.search(r'<([^>]+)>; rel="next"', ", ".join(response.headers.getlist("Link")))
    return found and found[1]


def test_every_triple_of_a_graph_stands_on_one_page(client):
    address, seen = "/graphs/triples?graph=urn:g&limit=70", []
    while address:
        response = client.get(address)
        answer = response.get_json()
        seen += [(triple["subject"], triple["object"]) for triple in answer["triples"]]
        assert answer["next"] == following(response)
        address = answer["next"]
    assert len(seen) == len(set(seen)) == 500


def test_triples_that_come_and_go_between_two_pages_shift_nothing(graph):
    with KnowledgeGraph.memory() as graph:
        graph.load("".join(f"<urn:{n:02}> <urn:n> {n} .\n" for n in range(20)).encode(), format="ttl")
        client = create_app(graph).test_client()
        first = client.get("/graphs/triples?limit=10").get_json()
        graph.update("DELETE WHERE { <urn:03> ?p ?o }")
        second = client.get(first["next"]).get_json()
        assert len({triple["subject"] for triple in first["triples"] + second["triples"]}) == 20


def test_the_list_of_graphs_leads_to_their_triples(client):
    text = client.get("/graphs", headers={"Accept": "text/html"}).text
    address = re.search(r'href="(/graphs/triples\?graph=urn(?:%3A|:)h)"', text)[1]
    page = client.get(address, headers={"Accept": "text/html"}).text
    assert "urn:other" in page and 'rel="next"' not in page


@pytest.mark.parametrize(("address", "status"), [
    ("/graphs/triples?graph=urn:none", 404), ("/graphs/triples?after=zz", 400), ("/graphs/triples?after=ffffffffffffffff.1.1", 400),
    ("/graphs/triples?limit=5000", 400), ("/graphs/triples?graph=../../etc/passwd", 404), ("/queries/x/numbers?offset=-1", 400),
])  # fmt: skip
def test_places_that_are_none_are_refused(client, address, status):
    response = client.get(address)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize("format", ["json", "csv"])
def test_a_saved_query_is_answered_in_pages(client, format):
    address, numbers = f"/queries/x/numbers?format={format}&limit=100", []
    while address:
        response = client.get(address)
        numbers += [int(number) for number in re.findall(r'"value":"(\d+)"|^(\d+)\r$', response.text, re.MULTILINE) for number in number if number]
        address = following(response)
    assert numbers == [*range(250), 1000]


def test_the_values_of_a_property_are_linked_page_by_page(client):
    first = client.get("/resource?iri=urn:all&property=urn:has", headers={"Accept": "text/html"})
    assert following(first) and client.get(following(first), headers={"Accept": "text/html"}).status_code == 200


def test_all_that_has_one_value_is_listed_once_page_by_page(tmp_path):
    with KnowledgeGraph.memory() as graph:
        graph.load("".join(f"<urn:thing:{n}> <urn:kind> <urn:Thing> .\n" for n in range(230)).encode(), format="ttl")
        client, seen = create_app(graph).test_client(), []
        address = "/resource?iri=urn:Thing&property=urn:kind&direction=in"
        while address:
            response = client.get(address, headers={"Accept": "text/html"})
            seen += re.findall(r'<li><a href="[^"]*" title="(urn:thing:\d+)"', response.text)
            address = following(response)
            assert address is None or "after=" in address
            if len(seen) == 100:
                graph.update("DELETE WHERE { <urn:thing:5> ?p ?o }")
        assert len(seen) == len(set(seen)) and len(seen) in (229, 230)
        fourth = client.get("/resource?iri=urn:Thing&property=urn:kind&direction=in&page=4", headers={"Accept": "text/html"})
        assert following(fourth)


def test_a_place_in_a_list_that_is_none_is_refused(client):
    for after in ("zz", "ffffffffffffffff"):
        assert client.get(f"/resource?iri=urn:all&property=urn:has&after={after}", headers={"Accept": "text/html"}).status_code == 400


def test_kg_toml_names_the_origins(tmp_path):
    (tmp_path / "kg.toml").write_text(SETTINGS.replace('["x"]', "[]") + '[server]\norigins = ["https://ours.example"]\n')
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.load(b"<urn:s> <urn:p> 7 .", format="ttl")
        ours, theirs = (create_app(graph).test_client().get("/sparql?query=ASK {}", headers={"Origin": f"https://{name}.example"}) for name in ("ours", "theirs"))
        assert ours.headers["Access-Control-Allow-Origin"] == "https://ours.example" and "Access-Control-Allow-Origin" not in theirs.headers
        assert "Guanxi-Partial" in ours.headers["Access-Control-Expose-Headers"]


def test_an_origin_that_is_none_is_refused(tmp_path):
    (tmp_path / "kg.toml").write_text(SETTINGS.replace('["x"]', "[]") + '[server]\norigins = ["https://ours.example/path"]\n')
    with pytest.raises(KgError) as raised:
        Project.load(tmp_path)
    assert raised.value.code == "P111" and raised.value.location.line == 6
