"""Company control, a recursion through sums: the bank's own rules over stakes alone, beside clingo."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

from benchmarks.children import ROOT, Measurement, MeasurementFailed, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.workplace import SEED, Workplace

# As in ontology/bank/parameters.ttl.
DAY = "2026-06-30"
_TIMEOUT = 1200
_HEADER = ["id", "holder_enterprise_id", "holder_person_id", "company_id", "capital_percent", "voting_percent", "from_date", "to_date"]


def measure_control(place: Workplace, peers: Peers, report: Report, companies: int, clingo_companies: int) -> None:
    project = _project(place, "project-control", place.ownership(companies))
    built = _build(project)
    recursion = max(_recursions(built), key=lambda stratum: stratum["seconds"])
    report.add(Figure("control.fixpoint", recursion["seconds"], "s", f"{companies:,} companies, {recursion['rounds']} rounds, {recursion['triples']:,} triples"))
    report.add(Figure("control.infer", built.found["stages"]["infer"], "s", "with what is in force on the day"))
    report.add(Figure("control.peak", built.peak / 1e9, "GB"))
    _beside_clingo(place, peers, report, clingo_companies)
    _on_random_graphs(place, peers, report)


def _project(place: Workplace, name: str, tables: Path) -> Path:
    return place.project(name, tables, mappings=("shareholding",), rules=("validity", "control"))


def _build(project: Path) -> Measurement:
    return measure(sys.executable, ["-m", "benchmarks.measured", "build", project], ROOT, _TIMEOUT)


def _recursions(built: Measurement) -> list[dict]:
    return [stratum for stratum in built.found["strata"] if any(rule.endswith("/control") for rule in stratum["rules"])]


def _beside_clingo(place: Workplace, peers: Peers, report: Report, companies: int) -> None:
    tables = place.ownership(companies)
    ours = max(stratum["seconds"] for stratum in _recursions(_build(_project(place, "project-control-small", tables))))
    name, theirs = f"clingo, {companies:,} companies", None
    try:
        found = measure(peers.python("clingo"), _clingo(tables), ROOT, _TIMEOUT).found
        theirs = found["seconds"]
        _refuse_difference(name, _controls(place.folder / "project-control-small"), found["controls"])
    except PeerMissing as missing:
        name = f"clingo {missing}"
    report.add(Figure("control.beside-clingo", ours, "s", name, theirs))


def _on_random_graphs(place: Workplace, peers: Peers, report: Report, graphs: int = 300) -> None:
    """Many small graphs side by side, with stakes in circles and exact halves: the same conclusions as clingo's."""
    tables = place.fresh("ownership-random")
    _write_random(tables / "shareholding.csv", random.Random(SEED), graphs)
    project = _project(place, "project-control-random", tables)
    _build(project)
    ours = _controls(project)
    try:
        _refuse_difference("random graphs", ours, measure(peers.python("clingo"), _clingo(tables), ROOT, _TIMEOUT).found["controls"])
        peer = "clingo: equal"
    except PeerMissing as missing:
        peer = f"clingo {missing}"
    report.add(Figure("control.random-graphs", len(ours), "pairs", peer))


def _clingo(tables: Path) -> list[object]:
    return [ROOT / "benchmarks/peers/clingo_control.py", tables / "shareholding.csv", DAY]


def _controls(project: Path) -> list[list[str]]:
    return measure(sys.executable, ["-m", "benchmarks.measured", "controls", project], ROOT, _TIMEOUT).found


def _refuse_difference(name: str, ours: list[list[str]], theirs: list[list[str]]) -> None:
    left, right = {tuple(pair) for pair in ours}, {tuple(pair) for pair in theirs}
    if left != right:
        raise MeasurementFailed(f"{name}: {len(left - right)} pairs only ours, {len(right - left)} only clingo's, e.g. {next(iter(left ^ right))}")


def _write_random(path: Path, chance: random.Random, graphs: int) -> None:
    """`graphs` graphs of 2 to 7 companies and 1 to 3 persons; votes of a company add up to at most 100."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        number = 0
        for graph in range(graphs):
            companies = range(10 * graph + 1, 10 * graph + 1 + chance.randint(2, 7))
            persons = range(10 * graph + 1, 10 * graph + 1 + chance.randint(1, 3))
            for company in companies:
                left = 100
                while left > 0 and chance.random() < 0.9:
                    votes = min(left, chance.choice([5, 10, 20, 25, 30, 40, 50, 51, 60]))
                    left -= votes
                    number += 1
                    holder = ["", chance.choice(persons)] if chance.random() < 0.3 else [chance.choice(companies), ""]
                    until = "2025-12-31" if chance.random() < 0.1 else ""
                    writer.writerow([number, *holder, company, votes, votes, "2016-01-01", until])
