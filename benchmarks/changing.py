"""Changed stakes: how long the conclusions take to be right again, and that they are those of a run from scratch."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.children import ROOT, MeasurementFailed, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace

_TIMEOUT = 3600
# Single stakes that are changed one after the other, and the sizes of larger changes.
_SINGLE = 12
_MANY = 1000


def measure_changes(place: Workplace, report: Report, companies: int, scale: float) -> None:
    project = place.project("project-change", place.ownership(companies), mappings=("shareholding",), rules=("validity", "control"))
    _measure("change", f"{companies:,} companies", project, report, _SINGLE, _MANY)
    _measure("change.bank", f"all rules, scale {scale:g}", place.project("project-change-bank", place.bank(scale)), report, _SINGLE, None)


def _measure(name: str, what: str, project: Path, report: Report, single: int, many: int | None) -> None:
    measure(sys.executable, ["-m", "kg", "build"], project, _TIMEOUT)
    found = measure(sys.executable, ["-m", "benchmarks.measured", "change", project, single, many or 0], ROOT, _TIMEOUT).found
    if not found["is_equal"]:
        raise MeasurementFailed(f"{name}: the conclusions are not those of a run from scratch")
    seconds, changed = [one["seconds"] for one in found["single"]], sum(one["changed"] for one in found["single"])
    report.add(Figure(f"{name}.one", statistics.median(seconds), "s", f"{what}, median of {len(seconds)}; from scratch", found["from_scratch"]))
    report.add(Figure(f"{name}.one-slowest", max(seconds), "s", f"{changed} conclusions changed in all"))
    report.add(Figure(f"{name}.rules", found["read"], "s", "reading the rule files, once a process"))
    report.add(Figure(f"{name}.update", statistics.median(one["update"] for one in found["single"]), "s", "the update itself"))
    if many:
        told = f"{found['many']['changed']:,} conclusions changed; from scratch"
        report.add(Figure(f"{name}.{many}", found["many"]["seconds"], "s", told, found["from_scratch"]))
    if found["publish"]:
        report.add(Figure(f"{name}.publish", found["publish"], "s", "copying the version and publishing it"))
