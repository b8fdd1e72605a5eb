"""A whole build, and a second one with nothing changed."""

from __future__ import annotations

import sys

from benchmarks.children import ROOT, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace

_TIMEOUT = 3600
# How many of the slowest strata are listed.
_LISTED = 8


def measure_builds(place: Workplace, report: Report, scale: float) -> None:
    project = place.project(f"project-full-scale{scale:g}", place.bank(scale))
    first = measure(sys.executable, ["-m", "benchmarks.measured", "build", project], ROOT, _TIMEOUT)
    size = measure(sys.executable, ["-m", "benchmarks.measured", "size", project], ROOT, _TIMEOUT).found
    again = measure(sys.executable, ["-m", "kg", "build"], project, _TIMEOUT)
    report.add(Figure("build.first", first.seconds, "s"))
    report.add(Figure("build.infer", first.found["stages"].get("infer", 0.0), "s"))
    for stratum in sorted(first.found["strata"], key=lambda stratum: -stratum["seconds"])[:_LISTED]:
        names = "+".join(rule.rpartition("/")[2] for rule in stratum["rules"][:3]) + "+…" * (len(stratum["rules"]) > 3)
        report.add(Figure(f"infer.{names}", stratum["seconds"], "s", f"{stratum['rounds']} rounds, {stratum['triples']:,} triples"))
    report.add(Figure("build.inferred", size["triples"] - size["mapped"], "triples"))
    report.add(Figure("build.peak", first.peak / 1e9, "GB"))
    report.add(Figure("build.unchanged", again.seconds, "s"))
