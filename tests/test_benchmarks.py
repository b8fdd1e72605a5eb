"""The benchmark itself: it runs, it names its figures, and it notices wrong answers. No time is asserted."""

import io
import json
import sys

import pytest
import rdflib

from benchmarks import environments, run
from benchmarks.children import MeasurementFailed, measure
from benchmarks.control import _refuse_difference
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.querying import refuse_difference
from benchmarks.rml import as_rml


@pytest.mark.parametrize("parts, names", [
    ("map,query,compile", {"map.triples", "map.seconds", "map.processor", "map.rate", "map.peak", "map.disk", "query.group-by", "query.four-way-join", "query.sum"}),
    ("build,http", {"build.first", "build.infer", "build.inferred", "build.peak", "build.unchanged",
                    "http.lookup.cold.rate", "http.lookup.p50", "http.lookup.rate", "http.describe.rate", "http.search.p95", "http.csv.ids", "http.json.ids"}),
    pytest.param("sources", {"sources.postgresql.rate", "sources.postgresql.unchanged", "sources.postgresql.peak"}, marks=pytest.mark.xdist_group("databases")),
    ("refresh", {"refresh.seconds", "refresh.processor", "refresh.build", "refresh.peak"}),
    ("change", {"change.one", "change.update", "change.1000", "change.bank.one"}),
    ("control", {"control.fixpoint", "control.infer", "control.peak", "control.beside-clingo", "control.random-graphs"}),
])  # fmt: skip
def test_every_part_measures_its_figures_on_small_data(parts, names, tmp_path, capsys, request):
    if parts == "sources":
        request.getfixturevalue("postgresql")  # skipped where it is not installed
    out = tmp_path / "figures.jsonl"
    code = run.main(["--quick", "--scale", "0.01", "--companies", "1000", "--no-peers", "--only", parts, "--out", str(out), "--folder", str(tmp_path)])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    figures = [json.loads(line) for line in out.read_text().splitlines()]
    measured = {figure["name"].partition("@")[0]: figure for figure in figures}
    assert names <= measured.keys()
    assert all(figure["value"] > 0 for name, figure in measured.items() if name in names - {"build.inferred"})
    lines = [[cell.strip() for cell in line.split("\t")] for line in printed.out.splitlines()]
    assert [line[0] for line in lines] == [figure["name"] for figure in figures]
    assert all(len(line) == 5 for line in lines)
    assert any("--no-peers" in figure["peer"] for figure in figures) or parts in ("build,http", "sources", "refresh", "change")


def test_the_ratio_says_how_many_times_better_we_are():
    assert Figure("time", 2, "s", "peer", 10).ratio == 5
    assert Figure("rate", 10, "triples/s", "peer", 2, is_more_better=True).ratio == 5
    assert Figure("alone", 10, "s").ratio is None
    text, lines = io.StringIO(), io.StringIO()
    Report(text, lines).add(Figure("time", 2, "s", "peer", 10))
    assert [cell.strip() for cell in text.getvalue().split("\t")] == ["time", "2", "s", "peer: 10", "5×"]
    assert json.loads(lines.getvalue())["ratio"] == 5


def test_answers_are_compared_as_bags_with_numbers_by_value():
    number = '"{}"^^<http://www.w3.org/2001/XMLSchema#{}>'.format
    refuse_difference("q", [[number("1.50", "decimal"), "<urn:a>"], [None, "<urn:b>"]], [[None, "<urn:b>"], [number("1.5", "decimal"), "<urn:a>"]])
    for wrong in ([["<urn:a>"]], [["<urn:a>"], ["<urn:a>"], ["<urn:b>"]], []):
        with pytest.raises(MeasurementFailed, match="differ"):
            refuse_difference("q", [["<urn:a>"], ["<urn:a>"]], wrong)
    with pytest.raises(MeasurementFailed, match="1 pairs only ours"):
        _refuse_difference("control", [["e1", "e2"]], [])


def test_a_process_that_fails_or_hangs_is_reported_with_its_output(tmp_path):
    with pytest.raises(MeasurementFailed, match="boom"):
        measure(sys.executable, ["-c", "raise SystemExit('boom')"], tmp_path, 60)
    with pytest.raises(MeasurementFailed, match="too long"):
        measure(sys.executable, ["-c", "import time; time.sleep(60)"], tmp_path, 0.3)


def test_a_process_is_measured_by_its_own_peak_memory(tmp_path):
    ballast = b"x" * 300_000_000  # of the process that measures: not to be counted
    small = measure(sys.executable, ["-c", "print(7)"], tmp_path, 60)
    large = measure(sys.executable, ["-c", "x = b'x' * 1_500_000_000; print(8)"], tmp_path, 60)
    assert (small.found, large.found) == (7, 8)
    assert small.peak < 100_000_000 < len(ballast) < 1_500_000_000 < large.peak


def test_a_peer_that_cannot_be_installed_is_skipped_with_the_reason(tmp_path, monkeypatch):
    def fails(folder, requirements):
        environments.run_quietly([sys.executable, "-c", "raise SystemExit('no matching distribution')"])

    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "_install", fails)
    with pytest.raises(PeerMissing, match=r"cannot be installed .*no matching distribution"):
        Peers().python("oxigraph")
    with pytest.raises(PeerMissing, match="--no-peers"):
        Peers(is_wanted=False).python("oxigraph")


def test_mappings_become_rml_over_csv_files(tmp_path):
    mapping = tmp_path / "thing.r2rml.ttl"
    mapping.write_text("""@prefix rr: <http://www.w3.org/ns/r2rml#> . <urn:map> rr:logicalTable [ rr:tableName "thing" ] ;
        rr:subjectMap [ rr:template "urn:thing:{id}" ] ; rr:predicateObjectMap [ rr:predicate <urn:p> ; rr:objectMap [ rr:column "name" ] ] .""")
    rml = rdflib.Graph().parse(data=as_rml([mapping], tmp_path), format="turtle")
    query = """PREFIX rr: <http://www.w3.org/ns/r2rml#> PREFIX rml: <http://semweb.mmlab.be/ns/rml#>
        SELECT ?file ?column { ?map rml:logicalSource [ rml:source ?file ] ; rr:predicateObjectMap [ rr:objectMap [ rml:reference ?column ] ] }"""
    assert [tuple(map(str, row)) for row in rml.query(query)] == [(str(tmp_path / "thing.csv"), "name")]
    mapping.write_text('@prefix rr: <http://www.w3.org/ns/r2rml#> . <urn:map> rr:logicalTable [ rr:sqlQuery "SELECT 1" ] .')
    with pytest.raises(ValueError, match="sqlQuery"):
        as_rml([mapping], tmp_path)
