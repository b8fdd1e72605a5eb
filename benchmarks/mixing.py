"""A mix of twenty queries of analysts beside Oxigraph on the same graph, and beside rdflib on a tenth of it."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.children import ROOT, MeasurementFailed, TookTooLong, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.querying import mapped, oxigraph_store, refuse_difference
from benchmarks.workplace import Workplace

MIX = ROOT / "benchmarks/queries/mix"
_TIMEOUT = 1200
_PART = 10  # of what rdflib gets
_PATIENCE = 10  # a peer's wall clock may be so many times its cap: the machine may be busy

Answer = tuple[float, list | None]  # seconds, and rows; None where they did not come in time


def measure_mix(place: Workplace, peers: Peers, report: Report, scale: float, cap: float) -> None:
    """`cap` is how many seconds of processor time a peer may take for one query: one that takes longer counts as if it had taken just as long.

    The peers work in one thread each, and their processor time is what counts: on a machine at rest it is their wall clock, on a
    busy one it flatters them. Ours is wall clock.
    """
    files = sorted(MIX.glob("*.rq"))
    project = mapped(place, scale)
    ours = _ours(project, files)
    found = ours.values()
    report.add(Figure("mix.cold", statistics.median(each["compile"] for each in found) * 1000, "ms", "median to parse and compile"))
    report.add(Figure("mix.first", statistics.median(each["first"] for each in found) * 1000, "ms", "median to answer for the first time, nothing planned"))
    report.add(Figure("mix.cached", statistics.median(each["cached"] for each in found) * 1000, "ms", "median to find the plan again"))
    try:
        _compare(report, "oxigraph", files, ours, _oxigraph(place, peers, scale, project, files, cap), cap)
    except PeerMissing as missing:
        _alone(report, files, ours, f"Oxigraph {missing}")
    try:
        peers.python("rdflib")
    except PeerMissing as missing:
        report.add(Figure("mix.rdflib.mean", 0, "times", f"rdflib {missing}"))
        return
    part = mapped(place, scale / _PART)
    _compare(report, "rdflib", files, _ours(part, files), _rdflib(peers, part, files, cap), cap)


def _ours(project: Path, files: list[Path]) -> dict[str, dict]:
    return measure(sys.executable, ["-m", "benchmarks.measured", "mix", project, *files], ROOT, _TIMEOUT).found


def _oxigraph(place: Workplace, peers: Peers, scale: float, project: Path, files: list[Path], cap: float) -> dict[str, Answer]:
    store, python = oxigraph_store(place, peers, scale, project)
    answers: dict[str, Answer] = {}
    for file in files:
        try:
            found = measure(python, [ROOT / "benchmarks/peers/oxigraph_query.py", store, file, cap], ROOT, _PATIENCE * cap).found
            answers[str(file)] = found["processor"], found["rows"]
        except TookTooLong:
            answers[str(file)] = cap, None
    return answers


def _rdflib(peers: Peers, project: Path, files: list[Path], cap: float) -> dict[str, Answer]:
    python = peers.python("rdflib")
    triples = project / "mapped.nt"
    if not triples.exists():
        measure(sys.executable, ["-m", "benchmarks.measured", "triples", project, triples], ROOT, _TIMEOUT)
    limit = _PATIENCE * (_TIMEOUT + cap * len(files))
    found = measure(python, [ROOT / "benchmarks/peers/rdflib_mix.py", triples, cap, *files], ROOT, limit).found
    return {name: (each["processor"] if each["rows"] is not None else cap, each["rows"]) for name, each in found.items()}


def _compare(report: Report, peer: str, files: list[Path], ours: dict[str, dict], theirs: dict[str, Answer], cap: float) -> None:
    """A figure a query, and the geometric mean of the ratios; MeasurementFailed where answers differ."""
    ratios, differing = [], []
    for file in files:
        mine, (seconds, rows) = ours[str(file)], theirs[str(file)]
        note = f"{peer}, stopped at {cap:g} s of processor time" if rows is None else f"{peer}, equal in {len(rows)} rows"
        try:
            if rows is not None:
                refuse_difference(file.stem, mine["rows"], rows)
        except MeasurementFailed as failure:
            differing.append(str(failure))
            note = f"{peer}, OTHER ANSWER"
        figure = Figure(f"mix.{peer}.{file.stem}", mine["seconds"] * 1000, "ms", note, seconds * 1000)
        report.add(figure)
        ratios.append(figure.ratio)
    capped = sum(rows is None for _, rows in theirs.values())
    note = f"geometric mean; the least is {min(ratios):.3g}; {capped} of {len(files)} stopped at {cap:g} s, which makes the ratio smaller"
    report.add(Figure(f"mix.{peer}.mean", statistics.geometric_mean(ratios), "times", note))
    if differing:
        raise MeasurementFailed("; ".join(differing))


def _alone(report: Report, files: list[Path], ours: dict[str, dict], note: str) -> None:
    for file in files:
        report.add(Figure(f"mix.{file.stem}", ours[str(file)]["seconds"] * 1000, "ms", note))
