"""RML test cases: RML-Core over JSON and RML-IO; each mapping gives the expected quads and files, or is refused."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Dataset, Literal, NamedNode, Quad, RdfFormat, parse

from kg.errors import MappingError
from kg.mapping import Sources, files, materialize, source_of_url
from kg.store import Store
from tests.conformance import SUITES
from tests.conformance_r2rml import _canonical, _quads

BASE = "http://example.com/"

# Cases that fail, each with the reason why they may.
_PLAIN = "expects numbers of JSON as plain texts, where RMLTTC0006a and RMLTTC0004d expect xsd:integer of the same mapping and data"
FAILING = dict.fromkeys(("RMLTTC0004a", "RMLTTC0004c", "RMLTTC0004f", "RMLTTC0004g", "RMLTTC0005b", "RMLTTC0006b", "RMLTTC0006c", "RMLTTC0006d", "RMLTTC0006e"), _PLAIN) | {
    "RMLSTC0003": "expects xsd:integer, but the RDF file has plain texts, and results as CSV have no datatypes",
    "RMLSTC0009a": "demands that a header with quotes is refused; RFC 4180 allows it, and the case's own output.nq has the triples",
    "RMLTTC0004e": 'its RDF/JSON has the number 33 as "value", which that format does not allow: values are strings',
}


@dataclass(frozen=True)
class RmlCase:
    id: str
    folder: Path
    must_fail: bool
    expected: Path  # the quads of the graph
    targets: tuple[Path, ...]  # the files that are written


def _cases(suite: str) -> list[RmlCase]:
    path = SUITES / suite / "metadata.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted((_case(path.parent / row["ID"], row) for row in rows), key=lambda one: one.id)


def _case(folder: Path, row: dict[str, str]) -> RmlCase:
    return RmlCase(row["ID"], folder, row["error"] == "true", folder / (row["output1"] or "output.nq"), tuple(sorted(folder.glob("dump*"))))


CORE, IO = _cases("rml-core"), _cases("rml-io")


_FORMATS = {
    "nq": RdfFormat.N_QUADS, "nt": RdfFormat.N_TRIPLES, "ttl": RdfFormat.TURTLE, "n3": RdfFormat.N3, "jsonld": RdfFormat.JSON_LD,
    "rdfxml": RdfFormat.RDF_XML,
}  # fmt: skip


def _read(path: Path) -> Dataset:
    """The quads of a file, whatever its format, encoding and compression."""
    with files.open_bytes(path, files.compression_of(path)) as file:
        content = file.read()
    if content.startswith(b"\xff\xfe"):
        content = content.decode("utf-16").encode()
    ending = path.name.split(".")[1]
    if ending == "rdfjson":
        return Dataset(_rdf_json(json.loads(content)))
    # `lenient`: one case expects an IRI with a space.
    return Dataset(parse(content, format=_FORMATS[ending], lenient=True))


def _rdf_json(subjects: dict[str, dict[str, list[dict]]]) -> Iterator[Quad]:
    for subject, properties in subjects.items():
        for predicate, values in properties.items():
            for one in values:
                datatype = NamedNode(one.get("datatype", "http://www.w3.org/2001/XMLSchema#string"))
                term = Literal(one["value"], datatype=datatype) if one["type"] == "literal" else NamedNode(one["value"])
                yield Quad(NamedNode(subject), NamedNode(predicate), term)


def _sources(case: RmlCase, folder: Path) -> Sources:
    """Tables for the mapping that asks for a database: the case's CSV file in SQLite, its numbers as INTEGER."""
    if "d2rq:Database" not in (case.folder / "mapping.ttl").read_text(encoding="utf-8"):
        return Sources()
    path = folder / "tables.db"
    with contextlib.closing(sqlite3.connect(path)) as database, (folder / "Friends.csv").open(encoding="utf-8", newline="") as file:
        database.execute("CREATE TABLE Friends (id INTEGER, name VARCHAR(50), age INTEGER)")
        database.executemany("INSERT INTO Friends VALUES (?, ?, ?)", list(csv.reader(file))[1:])
        database.commit()
    return Sources(source_of_url(path))


def problem_of(case: RmlCase, folder: Path) -> str | None:
    """None where the case passes, else what went wrong; `folder` becomes a copy of the case's own, without its results."""
    shutil.copytree(case.folder, folder, dirs_exist_ok=True)
    for expected in (case.expected, *case.targets):
        (folder / expected.name).unlink(missing_ok=True)
    with contextlib.chdir(folder), Store.memory() as store:
        try:
            materialize(store, folder / "mapping.ttl", _sources(case, folder), base=BASE, strict=True)
        except MappingError as error:
            return None if case.must_fail else f"refused: {error}"
        if case.must_fail:
            return "accepted, though it must be refused"
        graph = _quads(store)
    for found, expected in [(graph, case.expected), *((folder / one.name, one) for one in case.targets)]:
        if isinstance(found, Path) and not found.exists():
            return f"{expected.name} is not written"
        try:
            made, wanted = _canonical(_read(found) if isinstance(found, Path) else found), _canonical(_read(expected))
        except (TypeError, SyntaxError) as error:
            return f"{expected.name} cannot be read: {error}"
        if made != wanted:
            return f"{expected.name}: found {made}, expected {wanted}"
    return None


def run(cases: list[RmlCase]) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    failed = {}
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            problem = problem_of(case, Path(folder))
        if problem is not None:
            failed[case.id] = FAILING.get(case.id, problem)
    return len(cases) - len(failed), len(cases), failed
