"""Queries on the mapped graph beside Oxigraph on the same triples, and the time to compile the saved queries."""

from __future__ import annotations

import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

from pyoxigraph import Literal

from benchmarks.children import ROOT, MeasurementFailed, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.mapping import mapped_project, morph_then_oxigraph
from benchmarks.workplace import Workplace
from kg.store.notation import term_of

QUERIES = ("group-by", "four-way-join", "sum")
_TIMEOUT = 1200
_NUMBERS = ("integer", "decimal")


def measure_queries(place: Workplace, peers: Peers, report: Report, scale: float) -> None:
    project = mapped(place, scale)
    try:
        store, python = oxigraph_store(place, peers, scale, project)
    except PeerMissing as missing:
        store, python, note = None, None, f"Oxigraph {missing}"
    for name in QUERIES:
        file = ROOT / "benchmarks/queries" / f"{name}.rq"
        ours = measure(sys.executable, ["-m", "benchmarks.measured", "query", project, file], ROOT, _TIMEOUT).found
        theirs = None
        if store is not None:
            theirs = measure(python, [ROOT / "benchmarks/peers/oxigraph_query.py", store, file], ROOT, _TIMEOUT).found
            refuse_difference(name, ours["rows"], theirs["rows"])
            note = f"Oxigraph, equal in {len(ours['rows'])} rows"
        report.add(Figure(f"query.{name}", ours["seconds"] * 1000, "ms", note, theirs and theirs["seconds"] * 1000))


def mapped(place: Workplace, scale: float) -> Path:
    """The mapped project of that scale, made if need be."""
    project = place.folder / f"project-{place.mapped_name(scale)}"
    return project if (project / "store/CURRENT").exists() else mapped_project(place, scale)[0]


def oxigraph_store(place: Workplace, peers: Peers, scale: float, project: Path) -> tuple[Path, Path]:
    python = peers.python("oxigraph")
    store = place.folder / f"peers-{place.mapped_name(scale)}" / "oxigraph"
    if not store.exists():
        morph_then_oxigraph(place, peers, scale, project)
    return store, python


def refuse_difference(name: str, ours: list[list[str | None]], theirs: list[list[str | None]]) -> None:
    """MeasurementFailed unless both are the same bag of solutions, numbers compared by value."""
    left, right = (Counter(tuple(map(_value, row)) for row in rows) for rows in (ours, theirs))
    if left != right:
        example = next(iter((left - right) or (right - left)))
        raise MeasurementFailed(f"{name}: the answers differ, {len(ours)} rows and {len(theirs)}, for example {example}")


def _value(text: str | None) -> object:
    if text is None or not text.startswith('"'):
        return text
    literal = term_of(text, {})
    is_number = isinstance(literal, Literal) and literal.datatype.value.rpartition("#")[2] in _NUMBERS
    return Decimal(literal.value) if is_number else text


def measure_compilation(place: Workplace, report: Report, scale: float) -> None:
    """Each saved query's parsing and compilation: a list to compare with the last one."""
    project = mapped(place, scale)
    found = measure(sys.executable, ["-m", "benchmarks.measured", "compile", project], ROOT, _TIMEOUT).found
    for key, seconds in sorted(found.items()):
        report.add(Figure(f"compile.{key}", seconds * 1000, "ms"))
