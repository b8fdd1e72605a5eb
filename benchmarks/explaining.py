"""Explanations: the whole proof of conclusions of every rule, down to the rows of the tables."""

from __future__ import annotations

import statistics
import sys

from benchmarks.children import measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace

CONCLUSIONS = 200  # of every rule


def measure_explanations(place: Workplace, report: Report, scale: float) -> None:
    """Milliseconds from the triple to the printed proof; of every rule the conclusions lie anywhere among all that it drew."""
    project = place.project("project-explain", place.bank(scale))
    measure(sys.executable, ["-m", "benchmarks.measured", "build", project], project, 3600)
    found = measure(sys.executable, ["-m", "benchmarks.measured", "explanations", project, CONCLUSIONS], project, 7200).found
    every = sorted(value for one in found["rules"].values() for value in one["milliseconds"])
    report.add(Figure("explain.rules", len(found["rules"]), "rules"))
    report.add(Figure("explain.median", statistics.median(every), "ms"))
    report.add(Figure("explain.p95", every[int(len(every) * 0.95)], "ms"))
    report.add(Figure("explain.lines", statistics.median(found["lines"]), "lines of a proof"))
    slowest = sorted(found["rules"].items(), key=lambda pair: -statistics.median(pair[1]["milliseconds"]))
    for name, one in [*slowest[:3], slowest[-1]]:
        report.add(Figure(f"explain.{name}", statistics.median(one["milliseconds"]), "ms"))
