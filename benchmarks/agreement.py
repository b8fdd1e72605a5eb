"""The same triples as Morph-KGC, term by term: over the generated bank, and over FinBench's snapshot where it is there."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import rdflib
from pyoxigraph import RdfFormat, parse

from benchmarks.children import ROOT, MeasurementFailed, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.rml import as_rml
from benchmarks.workplace import Workplace
from kg import mapping
from kg.mapping import Source, Sources
from kg.store import Store, documents

_TIMEOUT = 900
_RR = rdflib.Namespace("http://www.w3.org/ns/r2rml#")
# How many triples that only one of the two makes are shown.
_SHOWN = 5


def measure_agreement(place: Workplace, peers: Peers, report: Report, scale: float) -> None:
    """MeasurementFailed where one of the two makes a triple that the other does not make."""
    _agree(place, peers, report, "bank", sorted((ROOT / "mappings/bank").glob("*.r2rml.ttl")), place.bank(scale))
    snapshot = Path(os.environ.get("KG_DATA", ROOT.parent / "shared" / "data")) / "finbench" / "snapshot"
    if snapshot.is_dir():
        tables = place.fresh("finbench-tables")
        for file in snapshot.glob("*.csv"):
            _as_morph_reads_it(file, tables / file.name)
        _agree(place, peers, report, "finbench", sorted((ROOT / "examples/finbench/mappings/finbench").glob("*.r2rml.ttl")), tables)


def _as_morph_reads_it(file: Path, copy: Path) -> None:
    """With commas, and T within times: what sources.toml declares, Morph-KGC cannot be told."""
    with file.open(encoding="utf-8", newline="") as given, copy.open("w", encoding="utf-8", newline="") as target:
        rows = csv.reader(given, delimiter="|")
        head = next(rows)
        times = [number for number, name in enumerate(head) if name == "createTime"]
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([value.replace(" ", "T") if number in times else value for number, value in enumerate(row)] for row in rows)


def _agree(place: Workplace, peers: Peers, report: Report, name: str, mappings: list[Path], tables: Path) -> None:
    folder = place.fresh(f"agreement-{name}")
    ours = set(_ours(mappings, tables, folder))
    peer, theirs = "Morph-KGC", None
    try:
        theirs = set(_theirs(peers, mappings, tables, folder))
    except PeerMissing as missing:
        peer = f"{peer} {missing}"
    report.add(Figure(f"agreement.{name}", len(ours), "triples", peer, len(theirs) if theirs is not None else None))
    if theirs is not None and ours != theirs:
        lines = [f"only kg: {one}" for one in sorted(ours - theirs)[:_SHOWN]] + [f"only Morph-KGC: {one}" for one in sorted(theirs - ours)[:_SHOWN]]
        raise MeasurementFailed("\n".join([f"{name}: {len(ours - theirs)} triples only of kg, {len(theirs - ours)} only of Morph-KGC", *lines]))


def _ours(mappings: Iterable[Path], tables: Path, folder: Path) -> Iterator[str]:
    for file in mappings:
        with Store.memory() as store:
            mapping.materialize(store, file, Sources(Source("csv", tables)), base="http://example.com/base/")
            documents.dump(store, folder / "ours.nt", format="nt")
        yield from _triples(folder / "ours.nt")


def _theirs(peers: Peers, mappings: list[Path], tables: Path, folder: Path) -> Iterator[str]:
    morph = peers.python("morph-kgc")
    (folder / "mapping.rml.ttl").write_text(as_rml([_without_queries(file, tables, folder) for file in mappings], tables))
    (folder / "morph.ini").write_text(
        "[CONFIGURATION]\noutput_file: theirs.nt\noutput_format: N-TRIPLES\nnumber_of_processes: 2\nlogging_level: WARNING\n\n[tables]\nmappings: mapping.rml.ttl\n"
    )
    measure(morph, ["-m", "morph_kgc", "morph.ini"], folder, _TIMEOUT)
    yield from _triples(folder / "theirs.nt")


def _without_queries(file: Path, tables: Path, folder: Path) -> Path:
    """The mapping with each rr:sqlQuery answered beforehand: the rows are a table of their own."""
    graph = rdflib.Graph().parse(file, format="turtle")
    for node, query in list(graph.subject_objects(_RR.sqlQuery)):
        answer = tables / f"answer-{hashlib.blake2b(str(query).encode(), digest_size=6).hexdigest()}.csv"
        with duckdb.connect() as connection:
            for table in tables.glob("*.csv"):
                connection.execute(f'CREATE VIEW "{table.stem}" AS FROM read_csv(\'{table}\', all_varchar = true, header = true)')
            connection.execute(f"COPY ({query}) TO '{answer}' (HEADER)")
        graph.remove((node, _RR.sqlQuery, query))
        graph.add((node, _RR.tableName, rdflib.Literal(answer.stem)))
    graph.serialize(folder / file.name, format="turtle")
    return folder / file.name


def _triples(file: Path) -> Iterator[str]:
    """Each statement in one spelling, whatever its escapes were."""
    return (str(one) for one in parse(path=str(file), format=RdfFormat.N_TRIPLES))
