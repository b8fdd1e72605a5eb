"""RML test cases: RML-Core over JSON and RML-IO; each mapping gives the expected quads and files, or is refused."""

from __future__ import annotations

import contextlib
import csv
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Dataset, RdfFormat, parse

from kg.errors import MappingError
from kg.mapping import Sources, materialize
from kg.store import Store
from tests.conformance import SUITES
from tests.conformance_r2rml import _canonical, _quads

BASE = "http://example.com/"

# Cases that fail, each with the reason why they may.
FAILING: dict[str, str] = {}


@dataclass(frozen=True)
class RmlCase:
    id: str
    folder: Path
    must_fail: bool
    outputs: tuple[str, ...]


def _cases(suite: str) -> list[RmlCase]:
    path = SUITES / suite / "metadata.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted(
        (
            RmlCase(row["ID"], SUITES / suite / row["ID"], row["error"] == "true", tuple(row[f"output{n}"] for n in (1, 2, 3) if row[f"output{n}"]))
            for row in rows
        ),
        key=lambda one: one.id,
    )


CORE, IO = _cases("rml-core"), _cases("rml-io")


def _read(path: Path) -> Dataset:
    # `lenient`: one case expects an IRI with a space.
    return Dataset(parse(path=str(path), format=RdfFormat.N_QUADS, lenient=True))


def problem_of(case: RmlCase, folder: Path) -> str | None:
    """None where the case passes, else what went wrong; `folder` becomes a copy of the case's own, without its results."""
    shutil.copytree(case.folder, folder, dirs_exist_ok=True)
    for name in case.outputs:
        (folder / name).unlink(missing_ok=True)
    with contextlib.chdir(folder), Store.memory() as store:
        try:
            materialize(store, folder / "mapping.ttl", Sources(), base=BASE, strict=True)
        except MappingError as error:
            return None if case.must_fail else f"refused: {error}"
        if case.must_fail:
            return "accepted, though it must be refused"
        found, expected = _canonical(_quads(store)), _canonical(_read(case.folder / case.outputs[0]))
        return None if found == expected else f"found {found}, expected {expected}"


def run(cases: list[RmlCase]) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    failed = {}
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            problem = problem_of(case, Path(folder))
        if problem is not None:
            failed[case.id] = FAILING.get(case.id, problem)
    return len(cases) - len(failed), len(cases), failed
