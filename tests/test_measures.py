"""Measures: a query, an algorithm and what is written; what changed is measured again; what is wrong is said with its place."""

import json
import subprocess
import sys

import pytest

from kg import KnowledgeGraph
from kg.errors import KgError
from tests.small_project import change, write

SHARES = """\
#+ measure: Shares in trees
#+ measure@zh: 树的份额
#+ algorithm: integrated-ownership
#+ set: whole=100
#+ writes: ?result a g:Share ; g:isShareOf ?owner ; g:isShareIn ?owned ; g:isSoMuch ?share
#+ says: {owner} has {share} of {owned}
#+ says@zh: {owner} 拥有 {owned} 的 {share}
PREFIX g: <https://example.org/garden/ontology/>
SELECT ?owner ?owned ?share WHERE { ?owned g:isTendedBy ?owner ; g:hasHeight ?share }
"""
PREFIX = "PREFIX g: <https://example.org/garden/ontology/> "


@pytest.fixture
def garden(tmp_path):
    folder = write(tmp_path)
    put(folder, SHARES)
    return folder


def put(folder, text: str, name: str = "shares") -> None:
    path = folder / "measures" / "garden" / f"{name}.rq"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def build(folder, **arguments):
    with KnowledgeGraph.open(folder) as graph:
        return graph.build(**arguments)


def rows(folder, query: str) -> list[tuple[str, ...]]:
    with KnowledgeGraph.open(folder) as graph:
        return [tuple(term.value.removeprefix("https://example.org/garden/") for term in row) for row in graph.query(PREFIX + query)]


def quads(folder) -> set[tuple[str, ...]]:
    with KnowledgeGraph.open(folder) as graph:
        return {tuple(map(str, row)) for row in graph.query("SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o } FILTER(?p != <http://www.w3.org/ns/prov#generatedAtTime>) }")}


def stages(report) -> list[str]:
    return [step.stage for step in report.steps]


ALL = "SELECT ?owner ?owned ?much { ?x a g:Share ; g:isShareOf ?owner ; g:isShareIn ?owned ; g:isSoMuch ?much } ORDER BY ?owned"


def test_results_are_triples_in_a_graph_of_their_own(garden):
    report = build(garden)
    assert "measure" in stages(report)
    assert rows(garden, ALL) == [("id/gardener/7", "id/tree/1", "12.5"), ("id/gardener/7", "id/tree/2", "4"), ("id/gardener/8", "id/tree/3", "30")]
    assert rows(garden, "SELECT DISTINCT ?g { GRAPH ?g { ?x g:isSoMuch ?much } }") == [("graph/measure/garden/shares",)]
    said = dict(rows(garden, "SELECT ?p ?o { <https://example.org/garden/graph/measure/garden/shares> ?p ?o }"))
    assert said["urn:kg:algorithm"] == "integrated-ownership" and said["urn:kg:rows"] == "3"
    assert rows(garden, "SELECT ?v { ?p <http://www.w3.org/2000/01/rdf-schema#label> 'whole' ; <urn:kg:value> ?v }") == [("100",)]


def test_what_did_not_change_is_not_measured_again(garden):
    build(garden)
    assert not build(garden).is_changed
    change(garden, "ontology/garden/garden.ttl", "g:means 10", "g:means 20")  # not read by the measure
    report = build(garden)
    assert report.is_changed and "measure" not in stages(report) and "measures/garden/shares.rq" in report.skipped
    assert not build(garden).is_changed


def test_a_changed_row_changes_what_was_measured_and_only_that(garden):
    build(garden)
    change(garden, "mappings/garden/sample/tree.csv", "2,pear,4.00", "2,pear,5.00")
    report = build(garden)
    (step,) = [step for step in report.steps if step.stage == "measure"]
    assert step.diff.inserted == step.diff.deleted in (1, 2)  # the share, and the time of the run where that is in another second
    assert ("id/gardener/7", "id/tree/2", "5") in rows(garden, ALL)


def test_an_incremental_build_equals_one_from_scratch(garden, tmp_path):
    build(garden)
    change(garden, "mappings/garden/sample/tree.csv", "2,pear,4.00,7", "2,pear,5.00,8")
    build(garden)
    again = write(tmp_path / "again")
    put(again, (garden / "measures/garden/shares.rq").read_text(encoding="utf-8"))
    change(again, "mappings/garden/sample/tree.csv", "2,pear,4.00,7", "2,pear,5.00,8")
    build(again)
    assert quads(garden) == quads(again)


def test_a_measure_that_is_gone_takes_its_results_along(garden):
    build(garden)
    (garden / "measures/garden/shares.rq").unlink()
    assert build(garden).removed == ["measure:garden/shares"]
    assert rows(garden, ALL) == [] and rows(garden, "SELECT ?p { ?p <urn:kg:value> ?v }") == []


def test_rules_read_what_measures_found_and_measures_what_rules_concluded(garden):
    put(garden, SHARES.replace("?owned g:isTendedBy ?owner ;", "?owner g:climbs ?owned . ?owned"))
    (garden / "rules/garden/great.srl").write_text(
        "PREFIX g: <https://example.org/garden/ontology/>\nPREFIX rule: <https://example.org/garden/rule/>\n"
        "#+ says: {owner} is great\nRULE rule:great { ?owner a g:Great } WHERE { ?x g:isShareOf ?owner ; g:isSoMuch ?much . FILTER(?much > 20) }\n"
    )
    assert stages(build(garden)).count("infer") == 1
    assert rows(garden, "SELECT ?x { ?x a g:Great }") == [("id/gardener/8",)]
    assert not build(garden).is_changed
    change(garden, "mappings/garden/sample/tree.csv", "3,橡树,30.00", "3,橡树,19.00")
    build(garden)
    assert rows(garden, "SELECT ?x { ?x a g:Great }") == []
    with KnowledgeGraph.open(garden) as graph:
        change(garden, "mappings/garden/sample/tree.csv", "3,橡树,19.00", "3,橡树,30.00")
        graph.build()
        proof = graph.explain("https://example.org/garden/id/gardener/8", "a", "g:Great").text()
    assert "has 30 of 橡树 (by measure garden/shares)" in proof and "share=30.00" in proof


def test_rules_and_measures_that_never_come_to_rest_are_refused(garden):
    put(garden, SHARES.replace("g:hasHeight ?share }", "g:weighs ?share }"))
    (garden / "rules/garden/more.srl").write_text(
        "PREFIX g: <https://example.org/garden/ontology/>\nPREFIX rule: <https://example.org/garden/rule/>\n"
        "#+ says: more\nRULE rule:less { ?tree g:weighs ?less } WHERE { ?tree g:hasHeight ?height . ?s g:isShareIn ?tree ; g:isSoMuch ?much . SET(?less := ?much / 2 + 1) }\n"
        "#+ says: first\nRULE rule:first { ?tree g:weighs ?height } WHERE { ?tree g:hasHeight ?height . NOT { ?s g:isShareIn ?tree } }\n"
    )
    with pytest.raises(KgError) as raised:
        build(garden)
    assert raised.value.code == "A110" and "garden/shares" in str(raised.value)


def test_a_parameter_may_be_a_fact(garden):
    put(garden, SHARES.replace("whole=100", "whole={ g:isTall g:means ?value }"))
    with pytest.raises(KgError, match=r"a share of 12\.5 is not between 0 and 10"):
        build(garden)
    change(garden, "ontology/garden/garden.ttl", "g:means 10", "g:means 40")
    build(garden)
    assert len(rows(garden, ALL)) == 3


def test_a_result_is_explained_by_its_sentence_its_parameters_and_its_rows(garden):
    build(garden)
    with KnowledgeGraph.open(garden) as graph:
        proof = graph.explain("https://example.org/garden/measure/garden/shares/gardener-7/tree-1", "g:isSoMuch", "12.5")
    assert "gardener:7 has 12.5 of oak (by measure garden/shares)" in proof.text()
    assert "whole=100" in proof.text() and "share=12.50" in proof.text()
    assert "拥有" in proof.text("zh") and "度量" in proof.html("zh")
    assert proof.as_dict()["method"]["en"].startswith("integrated-ownership 1 (")
    assert proof.provenance()


WRONG = [
    ("algorithm: integrated-ownership", "algorithm: integrated-ownrship", "A102", "did you mean integrated-ownership?"),
    ("#+ set: whole=100", "#+ set: hole=100", "A103", "did you mean whole?"),
    ("#+ set: whole=100", "#+ set: whole=much", "A103", "must be a number"),
    ("#+ set: whole=100", "#+ set: whole=0", "A103", "must be at least"),
    ("#+ set: whole=100", "#+ set: whole={ g:isTall g:is ?value }", "A103", "has 0 solutions"),
    ("#+ set: whole=100", "#+ sets: whole=100", "A101", "did you mean set"),
    ("#+ says:", "#+ say:", "A101", "did you mean says?"),
    ("SELECT ?owner ?owned ?share", "SELECT ?owner ?owned", "A104", "?share"),
    ("SELECT ?owner ?owned ?share", "SELECT ?owner ?owned ?share ?more", "A104", "?more"),
    ("g:isSoMuch ?share", "g:isSoMuch ?shares", "A105", "did you mean share?"),
    ("g:isSoMuch ?share", "g:hasHeight ?share", "A105", "reads what it writes"),
    ("?owned g:isTendedBy ?owner ; g:hasHeight ?share", "?owned g:isTendedBy ?owner ; a ?share", "A106", "no numbers"),
    ("g:hasHeight ?share }", "g:hasHeight ?h OPTIONAL { ?owned g:weighs ?w } BIND(?w + 1 AS ?share) }", "A106", ""),
    ("g:hasHeight ?share }", "g:hasHeight ?share FILTER(?share > 99) }", "A107", "finds nothing"),
]


@pytest.mark.parametrize(("old", "new", "code", "says"), WRONG, ids=[f"{code}-{number}" for number, (_, _, code, _) in enumerate(WRONG)])
def test_what_is_wrong_is_said_with_its_place(garden, old, new, code, says):
    change(garden, "measures/garden/shares.rq", old, new)
    with pytest.raises(KgError) as raised:
        build(garden)
    assert raised.value.code == code and says in str(raised.value)
    assert raised.value.location and raised.value.location.file == "measures/garden/shares.rq"


def test_a_wrong_measure_leaves_the_graph_as_it_was(garden):
    build(garden)
    change(garden, "measures/garden/shares.rq", "whole=100", "whole=20")
    with pytest.raises(KgError, match="a share of 30"):
        build(garden)
    assert len(rows(garden, ALL)) == 3


def run(folder, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "kg", "measure", *arguments, "-p", str(folder)], capture_output=True, text=True, encoding="utf-8", timeout=120)


def test_the_command_lists_shows_and_runs_measures(garden):
    build(garden)
    listed = run(garden)
    assert listed.returncode == 0 and "garden/shares" in listed.stdout and "integrated-ownership" in listed.stdout
    shown = json.loads(run(garden, "shares", "--format", "json").stdout)[0]
    assert shown["rows"] == 3 and shown["parameters"]["whole"] == "100" and shown["is_current"]
    assert "measures/garden/shares.rq" in run(garden, "shares", "--run").stdout
    wrong = run(garden, "share")
    assert wrong.returncode == 2 and "did you mean shares" in wrong.stderr
    told = run(garden, "--algorithms", "integrated-ownership").stdout
    assert "?owner" in told and "whole" in told and "?paths" in told
