"""Exports: JSON templates filled from queries, GraphML of answers, and the bank's own: BODS 0.4 and the large-exposure table."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from api import create_app
from kg import KnowledgeGraph, exports
from kg.errors import ProjectError, QueryError
from tests.small_project import change, write

ROOT = Path(__file__).parents[1]

TEMPLATE = """[
  { "fixed": 1 },
  { "$rows": "garden.rq", "id": "tree {id}", "height": "{height}", "tall": "{tall}", "none": "{nothing}", "brace": "{{id}",
    "names": [{ "$if": "name", "text": "{name}" }, { "$if": "tall", "text": "tall" }] }
]
"""
QUERY = """SELECT ?id ?height ?tall ?name ?nothing {
  VALUES (?id ?height ?tall ?name) { (1 12.50 true "oak") (2 4.0 false UNDEF) } }"""


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    (folder / "exports/garden").mkdir(parents=True)
    (folder / "exports/garden/trees.json").write_text(TEMPLATE, encoding="utf-8")
    (folder / "exports/garden/garden.rq").write_text(QUERY, encoding="utf-8")
    change(folder, "queries/garden/climbers.rq", "#+ parameter:", "#+ export: graphml gardener tree\n#+ parameter:")
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
    return folder


@pytest.fixture
def graph(garden):
    with KnowledgeGraph.open(garden) as graph:
        yield graph


def test_objects_stand_once_for_each_row_with_numbers_booleans_and_gaps(graph):
    assert json.loads("".join(exports.written(graph, "trees"))) == [
        {"fixed": 1},
        {"id": "tree 1", "height": 12.5, "tall": True, "brace": "{id}", "names": [{"text": "oak"}, {"text": "tall"}]},
        {"id": "tree 2", "height": 4, "tall": False, "brace": "{id}"},
    ]


@pytest.mark.parametrize(
    ("template", "code", "said"),
    [
        ('[{ "$rows": "garden.rq", "id": "{idd}" }]', "P209", "did you mean id"),
        ('[{ "$rows": "gardn.rq" }]', "P208", "did you mean garden.rq"),
        ('[{ "id": ]', "P207", "trees.json:1"),
        ('{ "id": "{id}" }', "P209", "stands in no object with $rows"),
    ],
)
def test_a_mistake_in_a_template_is_an_error_with_its_place(graph, tmp_path, template, code, said):
    folder = graph.project.root / "exports/garden"
    (folder / "wrong.json").write_text(template, encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        "".join(exports.written(graph, "wrong"))
    (folder / "wrong.json").unlink()
    assert raised.value.code == code
    assert said.replace("trees.json", "wrong.json") in str(raised.value)


def test_graphml_opens_in_networkx_with_labels_and_typed_attributes(graph, tmp_path):
    networkx = pytest.importorskip("networkx")
    file = tmp_path / "climbers.graphml"
    file.write_text("".join(exports.written(graph, "climbers")), encoding="utf-8")
    drawn = networkx.read_graphml(file)
    iris = {data["iri"].rpartition("/id/")[2] for _, data in drawn.nodes(data=True)}
    assert iris == {"gardener/7", "gardener/8", "tree/1", "tree/3"}
    assert sorted(data["height"] for *_, data in drawn.edges(data=True)) == [12.5, 30.0]


def test_a_form_that_an_answer_has_not_is_refused(graph):
    with pytest.raises(ProjectError, match="graphlm"):
        exports.written(graph, "climbers", "graphlm")
    with pytest.raises(QueryError, match="no saved query"):
        exports.written(graph, "climber")


def test_exports_over_http(garden):
    with KnowledgeGraph.open(garden) as graph:
        client = create_app(graph).test_client()
        assert client.get("/exports/garden/trees.json").get_json()[0] == {"fixed": 1}
        drawn = client.get("/queries/garden/climbers.graphml?least=20")
        assert drawn.content_type.startswith("application/graphml+xml")
        assert drawn.text.count("<edge") == 1
        assert client.get("/exports/garden/tree.json").status_code == 404


# ── The bank's ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(ROOT / "kg.toml", folder)
    for path in ROOT.iterdir():
        if path.name in ("ontology", "mappings", "rules", "queries", "measures", "exports"):
            (folder / path.name).symlink_to(path, target_is_directory=True)
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
        yield graph


ENTITY_TYPES = {"registeredEntity", "legalEntity", "arrangement", "anonymousEntity", "unknownEntity", "state", "stateBody"}
INTERESTS = {"shareholding", "votingRights", "appointmentOfBoard", "otherInfluenceOrControl", "seniorManagingOfficial", "boardMember", "boardChair"}
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def test_bods_statements_have_the_structure_of_version_0_4(bank):
    """Section "Schema reference" of the Beneficial Ownership Data Standard 0.4: what each kind of record requires, and its code lists."""
    statements = json.loads("".join(exports.written(bank, "bods")))
    records = {}
    for one in statements:
        assert one.keys() >= {"statementId", "declarationSubject", "recordId", "recordType", "recordDetails", "source", "publicationDetails"}
        assert 32 <= len(one["statementId"]) <= 64
        assert DATE.fullmatch(one["statementDate"])
        assert one["recordStatus"] in ("new", "updated", "closed")
        assert set(one["source"]["type"]) <= {"selfDeclaration", "officialRegister", "thirdParty", "primaryResearch", "verified"}
        published = one["publicationDetails"]
        assert DATE.fullmatch(published["publicationDate"]) and published["bodsVersion"] == "0.4" and published["publisher"]["name"]
        assert one["recordDetails"]["isComponent"] is False
        records.setdefault(one["recordType"], {})[one["recordId"]] = one["recordDetails"]
    assert len({one["statementId"] for one in statements}) == len(statements)
    assert records.keys() == {"entity", "person", "relationship"}
    for details in records["entity"].values():
        assert details["entityType"]["type"] in ENTITY_TYPES and details["name"]
        assert all(DATE.fullmatch(details[key]) for key in ("foundingDate",) if key in details)
        assert all(len(one["id"]) == 18 for one in details.get("identifiers", ()))
    for details in records["person"].values():
        assert details["personType"] == "knownPerson" and details["names"][0]["fullName"]
    parties = records["entity"].keys() | records["person"].keys()
    for details in records["relationship"].values():
        assert details["subject"] in records["entity"] and details["interestedParty"] in parties
        for interest in details["interests"]:
            assert interest["type"] in INTERESTS
            assert interest["directOrIndirect"] in ("direct", "indirect", "unknown")
            assert isinstance(interest["beneficialOwnershipOrControl"], bool)
            if interest["beneficialOwnershipOrControl"]:
                assert details["interestedParty"] in records["person"]
            assert all(0 <= share <= 100 for share in interest.get("share", {}).values())


def test_bods_states_stakes_with_their_shares_and_control_with_its_way(bank):
    statements = {one["recordId"]: one for one in json.loads("".join(exports.written(bank, "bods")))}
    stake = statements["shareholding/1"]["recordDetails"]
    assert (stake["subject"], stake["interestedParty"]) == ("enterprise/1", "person/1")
    assert [interest["share"]["exact"] for interest in stake["interests"]] == [60, 60]
    assert statements["control/person/1/enterprise/2"]["recordDetails"]["interests"][0]["details"] == "controls with parties in concert"


def test_the_large_exposure_table_is_a_csv_with_headroom(bank):
    rows = list(csv.DictReader(io.StringIO("".join(exports.written(bank, "large-exposures")))))
    assert {row["kind"] for row in rows} == {"group", "single"}
    for row in rows:
        limit = float(row["limit"]) * float(row["tier1"]) / 100
        assert float(row["headroom"]) == pytest.approx(limit - float(row["exposure"]))
        assert float(row["percent"]) > 2.5


def test_groups_are_a_graph_of_controllers_and_members(bank):
    networkx = pytest.importorskip("networkx")
    drawn = networkx.parse_graphml("".join(exports.written(bank, "groups", "graphml")))
    assert drawn.number_of_edges() and all(data["label"] for _, data in drawn.nodes(data=True))
