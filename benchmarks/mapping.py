"""CSV → queryable graph: `kg build --only map` beside Morph-KGC → N-Triples → Oxigraph's bulk load."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import ROOT, Measurement, MeasurementFailed, measure
from benchmarks.environments import PeerMissing, Peers
from benchmarks.figures import Figure, Report
from benchmarks.rml import as_rml
from benchmarks.workplace import Workplace

# Above this scale the peers take too long, and need too much memory and disk.
_PEERS_UP_TO = 1.0
_TIMEOUT = 1800


@dataclass(frozen=True)
class PeerResult:
    """The peers' two steps: seconds together, the larger peak, triples and bytes of the store."""

    seconds: float
    processor: float
    peak: int
    triples: int
    bytes: int


def measure_mapping(place: Workplace, peers: Peers, report: Report, scale: float) -> None:
    project, built, size = mapped_project(place, scale)
    peer, name = None, "Morph-KGC → Oxigraph"
    try:
        if scale > _PEERS_UP_TO:
            raise PeerMissing(f"skipped: too large at scale {scale:g}")
        peer = morph_then_oxigraph(place, peers, scale, project)
        if peer.triples != size["mapped"]:
            raise MeasurementFailed(f"the peers made {peer.triples} triples of the tables, kg {size['mapped']}")
    except PeerMissing as missing:
        name = f"{name} {missing}"
    suffix = "" if scale == 1 else f"@{scale:g}"
    report.add(Figure(f"map.triples{suffix}", size["triples"], "triples", f"{size['mapped']:,} of them from the tables"))
    report.add(Figure(f"map.seconds{suffix}", built.seconds, "s", name, peer and peer.seconds))
    report.add(Figure(f"map.processor{suffix}", built.processor, "s", name, peer and peer.processor))
    report.add(Figure(f"map.rate{suffix}", size["triples"] / built.seconds, "triples/s", name, peer and peer.triples / peer.seconds, is_more_better=True))
    report.add(Figure(f"map.peak{suffix}", built.peak / 1e9, "GB", name, peer and peer.peak / 1e9))
    report.add(Figure(f"map.disk{suffix}", size["bytes"] / size["triples"], "bytes/triple", name, peer and peer.bytes / peer.triples))


def mapped_project(place: Workplace, scale: float) -> tuple[Path, Measurement, dict[str, int]]:
    """A new project over the bank of that scale, mapped; how long it took, and its size."""
    project = place.project(f"project-{place.mapped_name(scale)}", place.bank(scale), place.mappings)
    built = measure(sys.executable, ["-m", "kg", "build", "--only", "map"], project, _TIMEOUT)
    size = measure(sys.executable, ["-m", "benchmarks.measured", "size", project], ROOT, _TIMEOUT)
    return project, built, size.found


def morph_then_oxigraph(place: Workplace, peers: Peers, scale: float, project: Path) -> PeerResult:
    """The same tables and mappings through both peers; the store stays for the queries."""
    morph, oxigraph = peers.python("morph-kgc"), peers.python("oxigraph")
    folder = place.fresh(f"peers-{place.mapped_name(scale)}")
    (folder / "mapping.rml.ttl").write_text(as_rml(sorted(project.glob("mappings/*/*.r2rml.ttl")), place.bank(scale)))
    (folder / "morph.ini").write_text(
        "[CONFIGURATION]\noutput_file: graph.nt\noutput_format: N-TRIPLES\nnumber_of_processes: 2\nlogging_level: WARNING\n\n"
        "[tables]\nmappings: mapping.rml.ttl\n"
    )
    mapped = measure(morph, ["-m", "morph_kgc", "morph.ini"], folder, _TIMEOUT)
    loaded = measure(oxigraph, [ROOT / "benchmarks/peers/oxigraph_load.py", "graph.nt", "oxigraph"], folder, _TIMEOUT)
    (folder / "graph.nt").unlink()
    stored = sum(file.stat().st_size for file in (folder / "oxigraph").rglob("*") if file.is_file())
    return PeerResult(mapped.seconds + loaded.seconds, mapped.processor + loaded.processor, max(mapped.peak, loaded.peak), loaded.found, stored)
