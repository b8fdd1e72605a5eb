"""Builds: what changed is done again and nothing else; what fails or is killed leaves the graph as it was."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from kg import KnowledgeGraph
from kg.errors import BuildInProgress, KgError
from tests.small_project import change, write


@pytest.fixture
def garden(tmp_path):
    return write(tmp_path)


def build(folder, **arguments):
    with KnowledgeGraph.open(folder) as graph:
        return graph.build(**arguments)


def climbers(folder) -> list[str]:
    with KnowledgeGraph.open(folder) as graph:
        rows = graph.query("PREFIX g: <https://example.org/garden/ontology/> SELECT ?g ?t { ?g g:climbs ?t } ORDER BY ?g ?t")
        return ["-".join(term.value.rsplit("/", 1)[1] for term in row) for row in rows]


def triples(folder) -> set[tuple[str, ...]]:
    with KnowledgeGraph.open(folder) as graph:
        return {tuple(map(str, row)) for row in graph.query("SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o } }")}


def test_tables_ontology_and_rules_become_one_graph(garden):
    report = build(garden)
    assert report.version == 1 and report.is_changed and not report.warnings
    assert climbers(garden) == ["7-1", "8-3"]


def test_a_build_with_nothing_changed_does_nothing(garden):
    build(garden)
    report = build(garden)
    assert not report.is_changed and report.version == 1 and not report.steps
    for path in garden.rglob("*.csv"):  # touched, but with the same content
        os.utime(path)
    assert not build(garden).is_changed


def test_a_changed_row_changes_its_triples_and_what_follows_from_them(garden):
    build(garden)
    change(garden, "mappings/garden/sample/tree.csv", "2,pear,4.00", "2,pear,14.00")
    change(garden, "mappings/garden/sample/tree.csv", "3,橡树,30.00,8\n", "")
    report = build(garden)
    assert [step.stage for step in report.steps] == ["map", "infer"]
    assert (report.steps[0].diff.inserted, report.steps[0].diff.deleted) == (1, 5)
    assert climbers(garden) == ["7-1", "7-2"]


@pytest.mark.parametrize(
    ("name", "old", "new", "stages", "expected"),
    [
        ("ontology/garden/garden.ttl", "g:means 10", "g:means 20", ["ontology", "infer"], ["8-3"]),
        ("rules/garden/tall.srl", "?height > ?least", "?height < ?least", ["infer"], ["7-2"]),
        ("mappings/garden/tree.r2rml.ttl", '"height"', '"id"', ["map", "infer"], []),
    ],
)
def test_an_incremental_build_equals_one_from_scratch(garden, tmp_path, name, old, new, stages, expected):
    build(garden)
    change(garden, name, old, new)
    report = build(garden)
    assert [step.stage for step in report.steps] == stages
    assert climbers(garden) == expected
    again = tmp_path / "again"
    again.mkdir()
    write(again)
    change(again, name, old, new)
    build(again)
    assert triples(again) == triples(garden)


def test_what_a_removed_file_had_said_goes(garden):
    build(garden)
    (garden / "rules/garden/tall.srl").unlink()
    assert build(garden).removed == ["infer:garden/tall"]
    assert climbers(garden) == []
    (garden / "mappings/garden/tree.r2rml.ttl").unlink()
    build(garden)
    assert len(triples(garden)) == 4


def test_loaded_triples_survive_builds_and_are_reasoned_over(garden):
    build(garden)
    with KnowledgeGraph.open(garden) as graph:
        graph.load(b"@prefix g: <https://example.org/garden/ontology/> . <urn:x/9> g:hasHeight 11 ; g:isTendedBy <urn:y/9> .", format="ttl")
    assert climbers(garden) == ["7-1", "8-3", "9-9"]
    change(garden, "mappings/garden/sample/tree.csv", "oak", "elm")
    build(garden)
    assert climbers(garden) == ["7-1", "8-3", "9-9"]


WRONG = [
    ("ontology/garden/garden.ttl", "a owl:Class", "a owl:Class owl:Thing", "D1"),
    ("mappings/garden/tree.r2rml.ttl", '"name"', '"nam"', "did you mean"),
    ("mappings/garden/tree.r2rml.ttl", "tree/{id}", "tree/{idd}", "did you mean"),
    ("mappings/garden/tree.r2rml.ttl", 'rr:tableName "tree"', 'rr:tableName "trees"', "trees"),
    ("rules/garden/tall.srl", "{ ?tree a g:TallTree }", "{ ?tre a g:TallTree }", "?tre"),
    ("rules/garden/tall.srl", "FILTER(?height > ?least)", "NOT { ?tree a g:TallTree }", "cycle"),
    ("rules/garden/tall.srl", "FILTER(?height > ?least)", "FILTR(?height > ?least)", "FILTR"),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), WRONG)
def test_a_wrong_file_fails_the_build_with_its_place_and_leaves_the_graph(garden, name, old, new, says):
    build(garden)
    before = triples(garden)
    change(garden, name, old, new)
    with pytest.raises(KgError) as raised:
        build(garden)
    assert raised.value.location is not None and os.path.basename(name) in str(raised.value.location.file), str(raised.value)
    assert raised.value.location.line, str(raised.value)
    assert says in str(raised.value)
    assert triples(garden) == before


def test_a_missing_source_fails_the_build_by_name(garden):
    build(garden)
    (garden / "mappings/garden/sample/tree.csv").unlink()
    with pytest.raises(KgError) as raised:
        build(garden)
    assert "tree.csv" in str(raised.value) or "tree" in str(raised.value)
    assert climbers(garden) == ["7-1", "8-3"]


def test_bad_values_are_rejected_with_file_line_and_column(garden):
    change(garden, "mappings/garden/sample/tree.csv", "4.00", "tall")
    report = build(garden)
    assert len(report.warnings) == 1
    with KnowledgeGraph.open(garden) as graph:
        (reject,) = graph.rejects()
    assert reject.source.endswith("tree.csv") and (reject.line, reject.column, reject.value) == (3, "height", "tall")


def test_two_builds_at_once_are_refused(garden):
    build(garden)
    change(garden, "mappings/garden/sample/tree.csv", "oak", "elm")
    with KnowledgeGraph.open(garden) as graph, graph._writing(), pytest.raises(BuildInProgress, match="another build"):
        build(garden)


def test_a_reader_takes_up_the_new_version_without_being_reopened(garden):
    build(garden)
    with KnowledgeGraph.open(garden) as graph:
        ask = "ASK { ?x <http://www.w3.org/2000/01/rdf-schema#label> 'elm' }"
        assert graph.query(ask) is False
        change(garden, "mappings/garden/sample/tree.csv", "oak", "elm")
        process = multiprocessing.get_context("spawn").Process(target=build, args=(garden,))
        process.start()
        process.join()
        assert graph.query(ask) is True


@pytest.mark.parametrize("delay", [0.4, 0.7, 1.0, 1.4])
def test_a_build_killed_at_any_moment_leaves_the_previous_graph(garden, delay):
    build(garden)
    before = triples(garden)
    change(garden, "mappings/garden/sample/tree.csv", "oak", "elm")
    rows = "".join(f"{n},tree {n},11.00,9\n" for n in range(10, 60_000))
    change(garden, "mappings/garden/sample/tree.csv", "8\n", f"8\n{rows}")
    process = subprocess.Popen([sys.executable, "-m", "kg", "build", "-p", str(garden), "--quiet"], env=os.environ | {"PYTHONPATH": os.getcwd()})
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    after = triples(garden)
    assert after == before or len(after) > 240_000  # nothing of it, or all of it
    build(garden)
    assert len(triples(garden)) > 240_000
