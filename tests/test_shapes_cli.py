"""kg validate, kg shapes and kg check over a project's shapes."""

import json

import pytest

from kg import KnowledgeGraph
from tests.small_project import write
from tests.test_cli import kg

SHAPES = """@prefix g: <https://example.org/garden/ontology/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix shape: <https://example.org/garden/shape/> .
shape:tree sh:targetClass g:Tree ; sh:property shape:height .
shape:height sh:path g:hasHeight ; sh:minCount 1 ; sh:minInclusive 5 ; sh:message "{?value} m is no tree"@en , "{?value} 米不成树"@zh .
"""


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    (folder / "rules/garden/shapes").mkdir()
    (folder / "rules/garden/shapes/tree.ttl").write_text(SHAPES, encoding="utf-8")
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
    return folder


def test_a_project_is_validated_by_its_own_shapes(garden):
    said = kg("validate", cwd=garden, code=1)
    assert "4.00 m is no tree" in said and "id/tree/2" in said
    assert "4.00 米不成树" in kg("validate", "--lang", "zh", cwd=garden, code=1)
    assert json.loads(kg("validate", "-f", "json", cwd=garden, code=1))["results"] == 1
    assert "sh:ValidationReport" in kg("validate", "-f", "ttl", cwd=garden, code=1)


def test_the_facade_gives_the_same_report(garden):
    with KnowledgeGraph.open(garden) as graph:
        assert [str(one.value.value) for one in graph.validate().results] == ["4.00"]
        assert graph.validate(SHAPES.replace("5", "4").encode()).conforms


def test_shapes_proposed_from_a_project_hold_for_it(garden, tmp_path):
    kg("shapes", "-o", str(tmp_path / "proposed.ttl"), cwd=garden)
    assert "sh:targetClass g:Tree" in (tmp_path / "proposed.ttl").read_text(encoding="utf-8")
    assert "conforms" in kg("validate", "--shapes", str(tmp_path / "proposed.ttl"), cwd=garden)


def test_check_names_shapes_that_target_nothing_and_shapes_that_are_none(garden):
    path = garden / "rules/garden/shapes/idle.ttl"
    path.write_text(SHAPES.replace("g:Tree ;", "g:Shrub ;"), encoding="utf-8")
    assert "shape:tree has no focus node" in kg("check", str(path), cwd=garden, code=1)
    path.write_text(SHAPES.replace("minCount", "minCont"), encoding="utf-8")
    said = kg("check", str(path), cwd=garden, code=1)
    assert "H107" in said and "minCount" in said and "idle.ttl:5" in said
    path.unlink()
    assert "1 passed, 0 failed" in kg("check", "rules/garden/shapes", cwd=garden)


def test_both_engines_find_the_same_node(garden, tmp_path):
    (tmp_path / "data.nt").write_text('<urn:t> a <https://example.org/garden/ontology/Tree> .'.replace(" a ", " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "))
    for engine in ("guanxi", "pyshacl"):
        said = kg("validate", "--shapes", "rules/garden/shapes/tree.ttl", "--data", str(tmp_path / "data.nt"), "--engine", engine, cwd=garden, code=1)
        assert "urn:t" in said and "MinCount" in said
    assert "P405" in kg("validate", "--data", str(tmp_path / "data.nt"), cwd=garden, code=2)
