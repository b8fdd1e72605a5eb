"""The command line as a person uses it: what is printed, and the exit code."""

import json
import os
import subprocess
import sys

import pytest

from tests.small_project import change, write

ROOT = os.getcwd()


def kg(*arguments: str, cwd, code: int = 0, text: str | None = None) -> str:
    """Run the command; returns what it printed (standard output, or standard error where it failed)."""
    process = subprocess.run(
        [sys.executable, "-m", "kg", *arguments], cwd=cwd, input=text, capture_output=True, text=True, encoding="utf-8",
        env=os.environ | {"PYTHONPATH": ROOT, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}, timeout=120,
    )  # fmt: skip
    assert process.returncode == code, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout if code != 2 else process.stderr


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("garden"))
    assert "Version 1 is current." in kg("build", cwd=folder)
    return folder


def test_a_second_build_says_that_nothing_has_changed(garden):
    assert "Nothing has changed; version 1 stays." in kg("build", cwd=garden)


def test_a_saved_query_is_asked_by_name_with_its_parameters(garden):
    assert kg("query", "climbers", "--format", "csv", cwd=garden).count("\n") == 3
    assert kg("query", "climbers", "least=20", "--format", "csv", cwd=garden).splitlines()[1:] == [
        "https://example.org/garden/id/gardener/8,https://example.org/garden/id/tree/3,30.00"
    ]
    table = kg("query", "climbers", cwd=garden)
    assert "gardener:7" in table and "tree:1" in table


def test_a_query_may_be_text_a_file_or_standard_input(garden, tmp_path):
    query = "SELECT (COUNT(*) AS ?n) { ?tree a g:Tree }"
    (tmp_path / "count.rq").write_text(query)
    for name, text in ((query, None), (str(tmp_path / "count.rq"), None), ("-", query)):
        assert kg("query", name, "--format", "tsv", cwd=garden, text=text).split() == ["?n", "3"]


def test_ask_answers_by_the_exit_code(garden):
    assert kg("query", "ASK { ?x a g:TallTree }", cwd=garden).strip() == "yes"
    assert kg("query", "ASK { ?x a g:Bush }", cwd=garden, code=1).strip() == "no"


def test_construct_gives_turtle(garden):
    assert "g:TallTree" in kg("query", "CONSTRUCT { ?x a g:TallTree } WHERE { ?x a g:TallTree }", cwd=garden)


def test_a_query_needs_no_project_with_data_files(tmp_path):
    (tmp_path / "data.ttl").write_text("<urn:a> <urn:p> 1, 2 .")
    assert kg("query", "SELECT (SUM(?o) AS ?n) { ?s ?p ?o }", "--data", "data.ttl", "--format", "csv", cwd=tmp_path).split() == ["n", "3"]


def test_explain_ends_in_the_source_row(garden):
    proof = kg("explain", "gardener:8", "g:climbs", "tree:3", cwd=garden)
    assert "tends the tall tree" in proof and "30.00 m, more than 10 m" in proof
    assert "tree.csv" in proof and "line 4" in proof
    assert "很高" in kg("explain", "tree:3", "a", "g:TallTree", "--lang", "zh", cwd=garden)
    assert json.loads(kg("explain", "tree:3", "a", "g:TallTree", "--format", "json", cwd=garden))


def test_check_passes_and_names_what_fails(garden, tmp_path):
    assert kg("check", cwd=garden).splitlines()[-1].endswith("passed, 0 failed")
    folder = write(tmp_path)
    change(folder, "rules/garden/cases/tall/ten-metres-and-more/given.ttl", "10.5", "9.5")
    change(folder, "queries/garden/climbers.csv", "12.50", "12.5")
    change(folder, "ontology/garden/garden.ttl", '; rdfs:label "tree"@en , "树"@zh', "")
    kg("build", cwd=folder)
    said = kg("check", cwd=folder, code=1)
    assert "FAILED case garden/tall/ten-metres-and-more" in said and "then.ttl:1" in said
    assert "FAILED query garden/climbers" in said and "queries/garden/climbers.csv:2" in said
    assert "FAILED ontology garden/checks/unlabelled" in said and "help: give it an rdfs:label" in said
    assert said.splitlines()[-1].endswith("3 failed")
    assert "1 passed, 0 failed" in kg("check", "ontology/garden/checks", cwd=garden)


def test_status_lists_the_graphs(garden):
    said = kg("status", cwd=garden)
    assert "version 1" in said and "https://example.org/garden/graph/map/garden/tree" in said and "infer:garden/tall" in said


def test_load_and_export_go_round(garden, tmp_path):
    folder = write(tmp_path / "one")
    kg("build", cwd=folder)
    kg("export", "all.nq.gz", cwd=folder)
    (tmp_path / "two").mkdir()
    other = write(tmp_path / "two")
    (other / "rules/garden/tall.srl").unlink()
    (other / "mappings/garden/tree.r2rml.ttl").unlink()
    (other / "ontology/garden/garden.ttl").unlink()
    assert "new" in kg("load", str(folder / "all.nq.gz"), cwd=other)
    count = ("query", "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }", "--format", "csv")
    assert kg(*count, cwd=other) == kg(*count, cwd=folder)


def test_an_update_is_read_back_and_leaves_what_a_build_makes_alone(tmp_path):
    folder = write(tmp_path)
    kg("build", cwd=folder)
    (folder / "felled.ru").write_text("INSERT { GRAPH <graph/edit> { ?tree a g:Felled } } WHERE { ?tree a g:TallTree }")
    assert "2 statements added, 0 taken away in https://example.org/garden/graph/edit" in kg("update", "felled.ru", cwd=folder)
    count = ("query", "SELECT (COUNT(*) AS ?n) { ?tree a g:Felled }", "--format", "csv")
    assert kg(*count, cwd=folder).split() == ["n", "2"]
    assert "version 2 " in kg("status", cwd=folder)
    refused = kg("update", "-", cwd=folder, code=2, text="DELETE WHERE { GRAPH <graph/map/garden/tree> { tree:1 ?p ?o } }")
    assert "Q501" in refused and "map:garden/tree" in refused and "<https://example.org/garden/graph/edit>" in refused
    kg("build", cwd=folder)
    assert kg(*count, cwd=folder).split() == ["n", "2"]
    (folder / "more.ttl").write_text("<urn:x> a <https://example.org/garden/ontology/Felled> .")
    load = f"LOAD <{(folder / 'more.ttl').as_uri()}>"
    assert "Q504" in kg("update", load, cwd=folder, code=2)
    assert "1 statements added" in kg("update", load, "--load-from", ".", cwd=folder)
    assert kg(*count, cwd=folder).split() == ["n", "3"]


def test_an_update_that_changes_nothing_makes_no_version(garden):
    assert "0 statements added" in kg("update", "DELETE DATA { tree:99 a g:Tree }", cwd=garden)
    assert "version 1 " in kg("status", cwd=garden)


def test_map_writes_n_quads(garden):
    lines = kg("map", "mappings/garden/tree.r2rml.ttl", cwd=garden).splitlines()
    assert len(lines) == 12 and '"橡树"' in "".join(lines)


def test_infer_writes_only_what_is_new(garden):
    said = kg("infer", "--rules", "rules/garden/tall.srl", "--data", "rules/garden/cases/tall/ten-metres-and-more/given.ttl",
              "--data", "ontology/garden/garden.ttl", cwd=garden)  # fmt: skip
    assert "urn:a" in said and "urn:b" not in said and "hasHeight" not in said


def test_validate_exits_with_1_where_data_do_not_conform(tmp_path):
    (tmp_path / "s.ttl").write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:S> a sh:NodeShape ; sh:targetNode <urn:a> ; sh:property [ sh:path <urn:p> ; sh:minCount 1 ] ."
    )
    (tmp_path / "d.ttl").write_text("<urn:a> <urn:q> 1 .")
    assert "urn:a" in kg("validate", "--shapes", "s.ttl", "--data", "d.ttl", cwd=tmp_path, code=1)
    (tmp_path / "d.ttl").write_text("<urn:a> <urn:p> 1 .")
    kg("validate", "--shapes", "s.ttl", "--data", "d.ttl", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["query", "SELECT * { ?s g:isTendedBy ?o"], "Q1"),
        (["query", "SELECT * { ?s gx:isTendedBy ?o }"], "gx"),
        (["query", "climberz"], "did you mean climbers"),
        (["query", "climbers", "least=high"], "Q303: least must be of type decimal"),
        (["query", "climbers", "high"], "P404"),
        (["query", "nofile.rq"], "P403"),
        (["explain", "tree:2", "a", "g:TallTree"], "tree:2"),
        (["explain", "tre:2", "a", "g:TallTree"], "did you mean tree"),
        (["load", "missing.ttl"], "does not exist"),
        (["update", "missing.ru"], "P403"),
        (["update", "INSERT DATA { tree:1 a ?x }"], "Q127"),
        (["build", "--only", "mapp"], "P301"),
        (["build", "--onli", "map"], "P401"),
        (["map", "missing.ttl"], "missing.ttl"),
    ],
)
def test_wrong_input_ends_in_one_message_and_exit_2(garden, arguments, says):
    assert says in kg(*arguments, cwd=garden, code=2)


def test_outside_a_project_the_remedy_is_named(tmp_path):
    assert "kg init" in kg("build", cwd=tmp_path, code=2)
    write(tmp_path)
    assert "kg build" in kg("status", cwd=tmp_path, code=2)


def test_init_makes_a_project_that_builds_and_checks(tmp_path):
    assert "cd mine && kg build && kg serve" in kg("init", "mine", cwd=tmp_path)
    assert "Version 1 is current." in kg("build", cwd=tmp_path / "mine")
    assert "not empty" in kg("init", "mine", cwd=tmp_path, code=2)
