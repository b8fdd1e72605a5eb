"""Rejects: thresholds that fail a build, export, and what long work tells of itself."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kg import KnowledgeGraph
from kg.errors import MappingError
from kg.mapping import load_sources, materialize, refresh
from kg.store import Store
from tests.small_project import FILES

SAMPLE = "mappings/garden/sample/tree.csv"


def write(folder: Path, **changes: str) -> Path:
    for name, text in (FILES | changes).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def declared(most: str) -> str:
    return f'[default]\ntype = "csv"\npath = "sample"\nmax_rejects = {most}\n'


def rows(heights: list[str]) -> str:
    return "id,name,height,gardener\n" + "".join(f"{i},t,{height},7\n" for i, height in enumerate(heights))


@pytest.mark.parametrize(("most", "is_allowed"), [("2", True), ("1", False), ('"20%"', True), ('"19.9 %"', False), ("0", False)])
def test_a_build_with_more_rejects_than_allowed_fails_and_the_graph_stays(tmp_path, most, is_allowed):
    write(tmp_path, **{"mappings/garden/sources.toml": declared(most)})
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.build()
        before = graph.status()
        (tmp_path / SAMPLE).write_text(rows(["1.5"] * 8 + ["tall", "short"]))
        if is_allowed:
            graph.build()
            assert graph.status().rejects == 2
            return
        with pytest.raises(MappingError) as caught:
            graph.build()
        assert (graph.status().version, graph.status().triples) == (before.version, before.triples)
    error = caught.value
    assert (error.code, error.location.line) == ("M302", 1) and error.location.file.endswith("sources.toml")
    assert error.message == f"2 values of table tree (10 rows) were rejected, and max_rejects is {most.strip(chr(34))}"
    assert error.notes[0].endswith("tree.csv:10: height 'tall' is not an xsd:decimal") and "allow more" in error.help


def test_a_refresh_by_rows_counts_the_rejects_of_unchanged_rows_too(tmp_path, monkeypatch):
    monkeypatch.setattr(refresh, "HASHED_BYTES", 0)
    write(tmp_path, **{"mappings/garden/sources.toml": declared("1")})
    mapping, sources = tmp_path / "mappings/garden/tree.r2rml.ttl", tmp_path / "mappings/garden/sources.toml"
    with Store.memory() as store:
        for heights, mapped in ((["1.5", "2.5", "tall"], "all rows"), (["1.5", "2.6", "tall"], "changed rows")):
            (tmp_path / SAMPLE).write_text(rows(heights))
            assert materialize(store, mapping, sources, base="http://example.org/").mapped == mapped
        (tmp_path / SAMPLE).write_text(rows(["1.5", "short", "tall"]))
        with pytest.raises(MappingError, match="2 values of table tree"):
            materialize(store, mapping, sources, base="http://example.org/")


@pytest.mark.parametrize("most", ["-1", '"many"', "1.5", "true"])
def test_a_threshold_that_is_none_is_refused(tmp_path, most):
    write(tmp_path, **{"mappings/garden/sources.toml": declared(most)})
    with pytest.raises(MappingError) as caught:
        load_sources(tmp_path / "mappings/garden/sources.toml")
    assert (caught.value.code, caught.value.location.line) == ("M200", 4) and '"0.5%"' in caught.value.help


def test_a_table_has_the_threshold_of_the_default_unless_it_has_its_own(tmp_path):
    (tmp_path / "t.csv").write_text("id\n")
    (tmp_path / "sources.toml").write_text('[default]\npath = "."\nmax_rejects = 3\n[tables.t]\npath = "t.csv"\n[tables.u]\npath = "t.csv"\nmax_rejects = "1%"\n')
    sources = load_sources(tmp_path / "sources.toml", {"u": str(tmp_path / "t.csv")})
    assert (sources.default.max_rejects, sources.tables["t"].max_rejects, sources.tables["u"].max_rejects) == (3, 3, "1%")


def test_rejects_are_exported_and_looked_through(tmp_path):
    write(tmp_path, **{SAMPLE: rows(["1.5", "tall", 'so "tall"'.replace('"', "")])})
    with KnowledgeGraph.open(tmp_path) as graph:
        graph.build()
        assert [row.line for row in graph.rejects()] == [3, 4] and [row.value for row in graph.rejects(like="SO tall")] == ["so tall"]

    def kg(*arguments: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "kg", "status", "-p", str(tmp_path), "--rejects", *arguments], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    kg("--format", "csv", "-o", str(tmp_path / "rejects.csv"))
    found = list(csv.DictReader(io.StringIO((tmp_path / "rejects.csv").read_text())))
    assert [(one["line"], one["column"], one["value"], one["reason"]) for one in found] == [
        ("3", "height", "tall", "is not an xsd:decimal"), ("4", "height", "so tall", "is not an xsd:decimal"),
    ]  # fmt: skip
    assert [one["value"] for one in json.loads(kg("--format", "json", "--like", "so"))] == ["so tall"]
    assert "text, csv or json" in kg("--format", "xls", code=2)


def test_a_run_tells_which_source_it_reads_and_how_many_rows_it_had(tmp_path):
    write(tmp_path)
    told: list[tuple[str, int, int]] = []
    with Store.memory() as store:
        report = materialize(
            store, tmp_path / "mappings/garden/tree.r2rml.ttl", tmp_path / "mappings/garden/sources.toml", base="http://example.org/",
            on_progress=lambda *now: told.append(now),
        )  # fmt: skip
    assert [(one.name, one.rows) for one in report.sources] == [("table tree", 3)]
    assert told[0] == ("reading table tree", 0, 0) and any(what.startswith("table tree: 3 rows, ") and (done, of) == (1, 1) for what, done, of in told)
