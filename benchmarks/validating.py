"""SHACL: generated items with a fault here and there, beside pySHACL and pyrudof; the bank with all its shapes; changes."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

from benchmarks.children import ROOT, MeasurementFailed, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.workplace import SEED, Workplace

_TIMEOUT = 1800
# Of each item: type, label, code, amount, count, day, weight, colour and two references.
_TRIPLES_AN_ITEM = 10
_EX = "http://example.org/"
SHAPES = """@prefix ex: <http://example.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:ItemShape a sh:NodeShape ; sh:targetClass ex:Item ; sh:property ex:Label , ex:Code , ex:Amount , ex:Count , ex:Day , ex:Owner , ex:Part , ex:Colour , ex:Weight .
ex:Label a sh:PropertyShape ; sh:path rdfs:label ; sh:minCount 1 ; sh:maxCount 1 ; sh:datatype xsd:string .
ex:Code a sh:PropertyShape ; sh:path ex:code ; sh:minCount 1 ; sh:maxCount 1 ; sh:pattern "^[A-Z]{2}[0-9]{6}$" .
ex:Amount a sh:PropertyShape ; sh:path ex:amount ; sh:minCount 1 ; sh:datatype xsd:decimal ; sh:minInclusive 0 ; sh:maxInclusive 10000 .
ex:Count a sh:PropertyShape ; sh:path ex:count ; sh:maxCount 1 ; sh:datatype xsd:integer ; sh:minExclusive 0 .
ex:Day a sh:PropertyShape ; sh:path ex:day ; sh:minCount 1 ; sh:maxCount 1 ; sh:datatype xsd:date .
ex:Owner a sh:PropertyShape ; sh:path ex:owner ; sh:minCount 1 ; sh:nodeKind sh:IRI ; sh:class ex:Person .
ex:Part a sh:PropertyShape ; sh:path ex:part ; sh:maxCount 2 ; sh:nodeKind sh:IRI ; sh:class ex:Item .
ex:Colour a sh:PropertyShape ; sh:path ex:colour ; sh:minCount 1 ; sh:pattern "^[a-z]+$" .
ex:Weight a sh:PropertyShape ; sh:path ex:weight ; sh:minCount 1 ; sh:datatype xsd:decimal ; sh:minExclusive 0 .
"""


def measure_shapes(place: Workplace, peers: Peers, report: Report, scale: float, triples: int, many: int) -> None:
    _beside_peers(place, peers, report, triples)
    ours = _ours(*_items(place, many))
    report.add(Figure("shapes.large", ours["seconds"], "s", f"{ours['triples']:,} triples, {len(ours['results']):,} results, report included"))
    _bank(place, report, scale)


def _beside_peers(place: Workplace, peers: Peers, report: Report, triples: int) -> None:
    data, shapes = _items(place, triples)
    ours = _ours(data, shapes)
    for peer, name in (("pyshacl", "pySHACL"), ("pyrudof", "pyrudof")):
        theirs, said = None, f"{name}, {ours['triples']:,} triples, {len(ours['results']):,} results"
        try:
            found = measure(peers.python(peer), [ROOT / f"benchmarks/peers/{peer}_validate.py", data, shapes], ROOT, _TIMEOUT).found
            theirs = found["seconds"]
            _refuse_difference(name, ours["results"], found["results"])
        except PeerMissing as missing:
            said = f"{name} {missing}"
        report.add(Figure(f"shapes.beside-{peer}", ours["seconds"], "s", said, theirs))


def _ours(data: Path, shapes: Path) -> dict:
    return measure(sys.executable, ["-m", "benchmarks.measured_validation", "validate", data, shapes], ROOT, _TIMEOUT).found


def _refuse_difference(name: str, ours: list[list[str]], theirs: list[list[str]]) -> None:
    """A result is told by its focus node and its constraint component."""
    left, right = {tuple(one) for one in ours}, {tuple(one) for one in theirs}
    if left != right:
        raise MeasurementFailed(f"{name}: {len(left - right)} results only ours, {len(right - left)} only theirs, e.g. {next(iter(left ^ right))}")


def _bank(place: Workplace, report: Report, scale: float) -> None:
    """All of the bank's shapes over what is mapped, and what 100 changed triples can touch."""
    kept = place.folder / f"project-scale{scale:g}"
    if not (kept / "store/CURRENT").exists():
        measure(sys.executable, ["-m", "benchmarks.measured", "build", place.project(kept.name, place.bank(scale)), "map"], ROOT, _TIMEOUT)
    project = place.fresh(f"project-shapes-scale{scale:g}")
    shutil.copytree(kept, project, dirs_exist_ok=True)
    shutil.rmtree(project / "rules")
    shutil.copytree(ROOT / "rules", project / "rules", ignore=shutil.ignore_patterns("cases"))
    whole = measure(sys.executable, ["-m", "benchmarks.measured_validation", "validate_project", project], ROOT, _TIMEOUT)
    found = whole.found
    report.add(Figure("shapes.bank", found["seconds"], "s", f"scale {scale:g}, {found['triples']:,} triples, {found['shapes']} shapes, {found['results']:,} results"))
    report.add(Figure("shapes.bank-peak", whole.peak / 1e9, "GB", "of the whole process"))
    changed = measure(sys.executable, ["-m", "benchmarks.measured_validation", "revalidate", project], ROOT, _TIMEOUT).found
    report.add(Figure("shapes.after-100-changes", changed["seconds"], "s", f"everything: {found['seconds']:.2f} s; the report is the same", found["seconds"]))
    shutil.rmtree(project)


# ── Data ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _items(place: Workplace, triples: int) -> tuple[Path, Path]:
    """Files of about so many triples, and of the shapes; one item of a hundred has a fault."""
    folder = place.folder / f"items{triples}"
    data, shapes = folder / "data.nt", folder / "shapes.ttl"
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        chance = random.Random(SEED)
        with open(folder / "part", "w", encoding="utf-8") as file:
            number = triples // _TRIPLES_AN_ITEM
            for person in range(max(1, number // 20)):
                file.write(f"<{_EX}person/{person}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{_EX}Person> .\n")
            for item in range(number):
                file.write(_item(chance, item, number))
        (folder / "part").rename(data)
    shapes.write_text(SHAPES, encoding="utf-8")
    return data, shapes


def _item(chance: random.Random, item: int, number: int) -> str:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    fault = chance.choice(["code", "amount", "count", "day", "owner", "part", "colour"]) if chance.random() < 0.01 else ""
    properties = [
        ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"<{_EX}Item>"),
        ("http://www.w3.org/2000/01/rdf-schema#label", f'"item {item}"'),
        (f"{_EX}code", f'"{"xx" if fault == "code" else "AB"}{item % 1_000_000:06}"'),
        (f"{_EX}amount", f'"{-5 if fault == "amount" else chance.randint(0, 999_999) / 100:.2f}"^^<{xsd}decimal>'),
        (f"{_EX}count", f'"{0 if fault == "count" else chance.randint(1, 500)}"^^<{xsd}integer>'),
        (f"{_EX}owner", f"<{_EX}{'item/0' if fault == 'owner' else f'person/{chance.randrange(max(1, number // 20))}'}>"),
        (f"{_EX}part", f"<{_EX}item/{number + 5 if fault == 'part' else chance.randrange(number)}>"),
        (f"{_EX}colour", '"Red"' if fault == "colour" else f'"{chance.choice(["red", "green", "blue"])}"'),
        (f"{_EX}weight", f'"{chance.randint(1, 9_999) / 10}"^^<{xsd}decimal>'),
    ]
    if fault != "day":
        properties.append((f"{_EX}day", f'"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"^^<{xsd}date>'))
    return "".join(f"<{_EX}item/{item}> <{predicate}> {value} .\n" for predicate, value in properties)
