"""OWL 2 RL: the closure of a transitive property, and of universities, beside owlrl on a smaller piece of the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import universities
from benchmarks.children import ROOT, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.workplace import SEED, Workplace

_TIMEOUT = 1200
_LENGTH = 40  # links of a chain
# What owlrl gets: it needs seconds for a few thousand triples.
_PEER_CHAINS, _PEER_DEPARTMENTS = 3, 1


def measure_closure(place: Workplace, peers: Peers, report: Report, chains: int) -> None:
    """`chains` chains of 40 links each have 820 pairs in their closure."""
    ours = _file(place, f"chains{chains}", lambda: universities.chains(chains, _LENGTH))
    small = _file(place, f"chains{_PEER_CHAINS}", lambda: universities.chains(_PEER_CHAINS, _LENGTH))
    _compare("closure", report, peers, ours, small, f"{chains:,} chains of {_LENGTH} links")


def measure_universities(place: Workplace, peers: Peers, report: Report, departments: int) -> None:
    ours = _file(place, f"departments{departments}", lambda: universities.triples(departments, SEED))
    small = _file(place, f"departments{_PEER_DEPARTMENTS}", lambda: universities.triples(_PEER_DEPARTMENTS, SEED))
    _compare("lubm", report, peers, ours, small, f"{departments:,} departments")


def _compare(name: str, report: Report, peers: Peers, ours: Path, small: Path, what: str) -> None:
    """Conclusions a second of ours on the large file, of owlrl on the small one; and both on the small one."""
    found = measure(sys.executable, ["-m", "benchmarks.measured", "entailment", ours], ROOT, _TIMEOUT)
    large, on_small = found.found, measure(sys.executable, ["-m", "benchmarks.measured", "entailment", small], ROOT, _TIMEOUT).found
    peer, rate, seconds = "owlrl", None, None
    try:
        theirs = measure(peers.python("owlrl"), [ROOT / "benchmarks/peers/owlrl_closure.py", small], ROOT, _TIMEOUT).found
        rate, seconds = theirs["triples"] / theirs["seconds"], theirs["seconds"]
        peer = f"owlrl, {theirs['asserted']:,} triples"
    except PeerMissing as missing:
        peer = f"owlrl {missing}"
    report.add(Figure(f"{name}.rate", large["triples"] / large["seconds"], "triples/s", peer, rate, is_more_better=True))
    report.add(Figure(f"{name}.seconds", large["seconds"], "s", f"{what}: {large['asserted']:,} triples, {large['triples']:,} concluded"))
    report.add(Figure(f"{name}.small", on_small["seconds"], "s", peer, seconds))
    report.add(Figure(f"{name}.peak", found.peak / 1e9, "GB"))


def _file(place: Workplace, name: str, lines: Callable[[], Iterator[str]]) -> Path:
    file = place.folder / f"{name}.nt"
    if not file.exists():
        place.folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with open(part, "w", encoding="utf-8") as output:
            output.writelines(line + "\n" for line in lines())
        part.rename(file)
    return file
