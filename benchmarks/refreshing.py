"""A table of a million rows, of which a thousand change: `kg build` until graph and conclusions are right again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.children import ROOT, Measurement, MeasurementFailed, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace

_TIMEOUT = 1800
_CHANGED = 1000

_PROJECT = '[project]\nname = "refresh"\nbase = "http://example.org/"\ndomains = ["till"]\n'
_MAPPING = """@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix ex: <http://example.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:Map rr:logicalTable [ rr:tableName "entry" ] ;
    rr:subjectMap [ rr:template "http://example.org/entry/{id}" ; rr:class ex:Entry ] ;
    rr:predicateObjectMap [ rr:predicate ex:from ; rr:objectMap [ rr:template "http://example.org/box/{from}" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:to ; rr:objectMap [ rr:template "http://example.org/box/{to}" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:amount ; rr:objectMap [ rr:column "amount" ; rr:datatype xsd:decimal ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:day ; rr:objectMap [ rr:column "day" ; rr:datatype xsd:date ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:note ; rr:objectMap [ rr:column "note" ] ] .
"""
_RULES = """PREFIX : <http://example.org/>
#+ says: {entry} is large: its amount is {amount}
RULE :large { ?entry a :LargeEntry } WHERE { ?entry :amount ?amount . FILTER(?amount >= 9000) }
#+ says: {one} feeds {other}: {entry} is large and goes from the one to the other
RULE :feeds { ?one :feeds ?other } WHERE { ?entry a :LargeEntry ; :from ?one ; :to ?other }
"""


def measure_refresh(place: Workplace, report: Report, rows: int) -> None:
    """MeasurementFailed where the refreshed graph is not the one that a build from scratch makes of the changed table."""
    refreshed, anew = _project(place, "project-refresh", rows), _project(place, "project-refresh-anew", rows)
    _write(refreshed, rows, changed=0)
    first = _build(refreshed)
    _write(refreshed, rows, changed=min(_CHANGED, rows // 10))
    again = _build(refreshed)
    _write(anew, rows, changed=min(_CHANGED, rows // 10))
    _build(anew)
    found, wanted = (measure(sys.executable, ["-m", "benchmarks.measured", "counts", one], ROOT, _TIMEOUT).found for one in (refreshed, anew))
    if found != wanted:
        raise MeasurementFailed(f"the refreshed graph has {found}, one built from scratch {wanted}")
    what = f"{min(_CHANGED, rows // 10):,} of {rows:,} rows changed, 2 rules; the whole process; from scratch"
    report.add(Figure("refresh.seconds", again.seconds, "s", what, first.seconds))
    report.add(Figure("refresh.processor", again.processor, "s", what, first.processor))
    report.add(Figure("refresh.build", again.found["seconds"], "s", "of which the build itself: starting Python is not in it"))
    report.add(Figure("refresh.peak", again.peak / 1e9, "GB"))


def _project(place: Workplace, name: str, rows: int) -> Path:
    folder = place.fresh(name)
    (folder / "kg.toml").write_text(_PROJECT)
    for file, text in (("mappings/till/entry.r2rml.ttl", _MAPPING), ("mappings/till/sources.toml", '[default]\ntype = "csv"\npath = "tables"\n'), ("rules/till/large.srl", _RULES)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    (folder / "mappings/till/tables").mkdir()
    return folder


def _build(project: Path) -> Measurement:
    return measure(sys.executable, ["-m", "benchmarks.measured", "build", project], ROOT, _TIMEOUT)


def _write(project: Path, rows: int, changed: int) -> None:
    with open(project / "mappings/till/tables/entry.csv", "w", encoding="utf-8") as file:
        file.write("id,from,to,amount,day,note\n")
        file.writelines(_lines(rows, changed))


def _lines(rows: int, changed: int) -> Iterator[str]:
    """The rows; of each ten that are changed, spread over the table, seven have another amount, one is gone, and two are new."""
    every = rows // changed if changed else 0
    for i in range(1, rows + 1):
        number, what = divmod(i, every) if every else (0, 1)
        amount = i * 7919 % 1_000_000
        if what == 0 and number <= changed:
            if number % 10 < 7:
                amount = (amount + 500_000) % 1_000_000
            elif number % 10 == 7:
                continue
            else:
                yield _line(rows + number, i * 31 % 1_000_000)
        yield _line(i, amount)


def _line(i: int, amount: int) -> str:
    return f"{i},{i * 7 % 20_011},{i * 13 % 20_011},{amount // 100}.{amount % 100:02},2025-{1 + i % 12:02}-{1 + i % 28:02},note {i % 50_000}\n"
