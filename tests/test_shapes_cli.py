"""kg validate, kg shapes and kg check over a project's shapes."""

import contextlib
import json

import pytest
from typer.testing import CliRunner

from kg import KgError, KnowledgeGraph
from kg.cli import app
from tests.small_project import write

SHAPES = """@prefix g: <https://example.org/garden/ontology/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix shape: <https://example.org/garden/shape/> .
shape:tree sh:targetClass g:Tree ; sh:property shape:height .
shape:height sh:path g:hasHeight ; sh:minCount 1 ; sh:minInclusive 5 ; sh:message "{?value} m is no tree"@en , "{?value} 米不成树"@zh .
"""


def kg(*arguments, cwd, code=0):
    """What the command says, run in this process."""
    with contextlib.chdir(cwd):
        result = CliRunner().invoke(app, list(arguments))
    said, found = result.stdout, result.exit_code
    if isinstance(result.exception, KgError):
        said, found = said + str(result.exception), 2
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert found == code, said
    return said


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


def test_check_runs_the_cases_of_shapes(garden):
    folder = garden / "rules/garden/shapes/cases/tree"
    folder.mkdir(parents=True)
    said = kg("check", cwd=garden, code=1)
    assert "garden/shapes/tree has no case that conforms" in said
    header = "@prefix g: <https://example.org/garden/ontology/> .\n"
    (folder / "high.ttl").write_text(f"#+ violates: nothing\n{header}<urn:t> a g:Tree ; g:hasHeight 7 .", encoding="utf-8")
    (folder / "low.ttl").write_text(f"#+ violates: shape:height\n{header}<urn:t> a g:Tree ; g:hasHeight 1 .", encoding="utf-8")
    assert "0 failed" in kg("check", cwd=garden)
    (folder / "low.ttl").write_text(f"#+ violates: shape:tree\n{header}<urn:t> a g:Tree ; g:hasHeight 1 .", encoding="utf-8")
    said = kg("check", "rules/garden/shapes/cases", cwd=garden, code=1)
    assert "not found: shape:tree" in said and "found, but not expected: shape:height: <urn:t> (g:hasHeight) does not conform to shape:height: 1 m is no tree" in said
    (folder / "low.ttl").write_text(f"{header}<urn:t> a g:Tree .", encoding="utf-8")
    assert "no #+ violates: line" in kg("check", "rules/garden/shapes/cases", cwd=garden, code=1)


def test_both_engines_find_the_same_node(garden, tmp_path):
    (tmp_path / "data.nt").write_text('<urn:t> a <https://example.org/garden/ontology/Tree> .'.replace(" a ", " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "))
    for engine in ("guanxi", "pyshacl"):
        said = kg("validate", "--shapes", "rules/garden/shapes/tree.ttl", "--data", str(tmp_path / "data.nt"), "--engine", engine, cwd=garden, code=1)
        assert "urn:t" in said and "MinCount" in said
    assert "P405" in kg("validate", "--data", str(tmp_path / "data.nt"), cwd=garden, code=2)


# ── In place of pyshacl ──────────────────────────────────────────────────────────────────────────────────────

FILES = {
    "data.ttl": "@prefix ex: <http://e/> . ex:a a ex:A ; ex:p 1, 2 . ex:b a ex:A ; ex:q 7 . ex:c a ex:B ; ex:p 5 .",
    "shapes.ttl": """@prefix ex: <http://e/> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
<> owl:imports <more.ttl> , <http://elsewhere.example/shapes> .
ex:S sh:targetClass ex:A ; sh:property [ sh:path ex:p ; sh:maxCount 1 ; sh:severity sh:Warning ] , [ sh:path ex:q ; sh:maxInclusive 5 ; sh:severity sh:Info ] .""",
    "more.ttl": "@prefix ex: <http://e/> . @prefix sh: <http://www.w3.org/ns/shacl#> . ex:T a sh:NodeShape ; sh:targetSubjectsOf ex:q ; sh:property ex:TP . ex:TP sh:path ex:p ; sh:minCount 1 .",
    "classes.ttl": "@prefix ex: <http://e/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . ex:p rdfs:domain ex:A . ex:A rdfs:subClassOf ex:Top .",
    "rules.ttl": """@prefix ex: <http://e/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
ex:R a sh:NodeShape ; sh:targetClass ex:B ; sh:property [ sh:path ex:seen ; sh:minCount 1 ] ;
  sh:rule [ a sh:TripleRule ; sh:subject sh:this ; sh:predicate ex:seen ; sh:object ex:yes ] .""",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def results(files, *arguments, code=1):
    return json.loads(kg("validate", *arguments, "-f", "json", cwd=files, code=code))


def test_files_are_validated_without_a_project(files):
    report = results(files, "-s", "shapes.ttl", "data.ttl")
    assert report["severities"] == {"Warning": 1, "Info": 1} and not report["conforms"]
    assert results(files, "--shacl", "shapes.ttl", "--data", "data.ttl") == report
    said = kg("validate", "-s", "shapes.ttl", "-f", "human", "data.ttl", cwd=files, code=1)
    assert said.startswith("Validation Report\nConforms: False\nResults (2):\n") and "\tFocus Node: ex:a\n" in said
    assert "sh:ValidationReport" in kg("validate", "-s", "shapes.ttl", "-f", "turtle", "data.ttl", cwd=files, code=1)


def test_severities_can_be_allowed(files):
    assert results(files, "-s", "shapes.ttl", "data.ttl", "-w", code=0)["conforms"]
    assert not results(files, "-s", "shapes.ttl", "data.ttl", "--allow-infos")["conforms"]
    assert "Conforms: True" in kg("validate", "-s", "shapes.ttl", "data.ttl", "-w", cwd=files)


def test_shapes_may_stand_in_the_data_or_be_imported(files):
    assert results(files, "data.ttl", "shapes.ttl")["results"] == 2
    assert results(files, "-s", "shapes.ttl", "-im", "data.ttl")["severities"]["Violation"] == 1
    said = kg("validate", "data.ttl", cwd=files, code=2)
    assert "P405" in said and "--shapes" in said


def test_shapes_and_nodes_can_be_chosen(files):
    arguments = ("-s", "shapes.ttl", "-s", "more.ttl", "data.ttl")
    assert results(files, *arguments, "--shape", "http://e/T")["results"] == 1
    assert results(files, *arguments, "--focus", "http://e/b")["results"] == 2
    assert results(files, *arguments, "--abort")["results"] == 2
    assert "there is no shape" in kg("validate", *arguments, "--shape", "http://e/Z", cwd=files, code=2)


def test_what_follows_from_the_data_is_validated_too(files):
    (files / "top.ttl").write_text(FILES["shapes.ttl"].replace("ex:A", "ex:Top").replace("maxCount 1", "maxCount 0"), encoding="utf-8")
    arguments = ("-s", "top.ttl", "-e", "classes.ttl", "data.ttl")
    assert {one["focusNode"] for one in results(files, *arguments)["page"]} == {"ex:a", "ex:b"}
    assert {one["focusNode"] for one in results(files, *arguments, "-i", "rdfs")["page"]} == {"ex:a", "ex:b", "ex:c"}
    assert results(files, "-s", "rules.ttl", "data.ttl")["results"] == 1
    assert results(files, "-s", "rules.ttl", "-a", "data.ttl", code=0)["conforms"]


def test_what_is_not_offered_is_said(files):
    assert "SHACL-JS" in kg("validate", "-s", "shapes.ttl", "-j", "data.ttl", cwd=files, code=2)
    assert "endpoint" in kg("validate", "-s", "shapes.ttl", "-q", "data.ttl", cwd=files, code=2)
    said = kg("validate", "-s", "shape.ttl", "data.ttl", cwd=files, code=2)
    assert "H100" in said and "shapes.ttl" in said
    (files / "broken.ttl").write_text(FILES["more.ttl"] + "\nex:Z sh:target ex:A", encoding="utf-8")
    said = kg("validate", "-s", "broken.ttl", "data.ttl", cwd=files, code=2)
    assert "H101" in said and "broken.ttl:2" in said


def test_results_are_paged_and_show_the_rows_that_they_come_from(garden):
    first, second = (json.loads(kg("validate", "-f", "json", "--limit", "1", "--offset", str(number), cwd=garden, code=1)) for number in (0, 1))
    assert first["results"] == second["results"] == 1 and len(first["page"]) == 1 and second["page"] == []
    assert "mappings/garden/sample/tree.csv:3  id=2, name=pear, height=4.00" in kg("validate", "--rows", cwd=garden, code=1)
