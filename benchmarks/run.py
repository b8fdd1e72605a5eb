"""The benchmark's command line: `python -m benchmarks.run [--scale N] [--quick] [--only …] [--no-peers] [--out FILE]`."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks import (
    agreement,
    changing,
    control,
    entailment,
    explaining,
    mapping,
    mixing,
    owning,
    querying,
    rebuilding,
    refreshing,
    serving,
    sources,
    validating,
)
from benchmarks.children import MeasurementFailed
from benchmarks.environments import Peers
from benchmarks.figures import Report
from benchmarks.workplace import Workplace

PARTS = ("map", "agreement", "query", "mix", "compile", "build", "control", "change", "closure", "lubm", "http", "soak", "sources", "refresh", "shapes", "ownership", "explain")


def main(arguments: list[str] | None = None) -> int:
    """0 when everything was measured and every answer agreed, 1 otherwise."""
    options = _options(arguments)
    parts = options.only.split(",") if options.only else list(PARTS)
    scale = options.scale if options.scale is not None else 0.05 if options.quick else 1.0
    companies = options.companies or (20_000 if options.quick else 1_000_000)
    place = Workplace(options.folder, options.mappings.split(",") if options.mappings else None)
    peers = Peers(not options.no_peers)
    measurements = {
        "map": lambda report: mapping.measure_mapping(place, peers, report, scale),
        "agreement": lambda report: agreement.measure_agreement(place, peers, report, 0.05),
        "query": lambda report: querying.measure_queries(place, peers, report, scale),
        "mix": lambda report: mixing.measure_mix(place, peers, report, scale, options.peer_cap),
        "compile": lambda report: querying.measure_compilation(place, report, scale),
        "build": lambda report: rebuilding.measure_builds(place, report, scale),
        "change": lambda report: changing.measure_changes(place, report, companies, scale),
        "control": lambda report: control.measure_control(place, peers, report, companies, clingo_companies=companies // 10),
        "closure": lambda report: entailment.measure_closure(place, peers, report, 50 if options.quick else 2_000),
        "lubm": lambda report: entailment.measure_universities(place, peers, report, 3 if options.quick else 300),
        "http": lambda report: serving.measure_serving(place, report, scale, 1 if options.quick else 10),
        "sources": lambda report: sources.measure_sources(place, report, 20_000 if options.quick else 1_000_000),
        "refresh": lambda report: refreshing.measure_refresh(place, report, 20_000 if options.quick else 1_000_000),
        "ownership": lambda report: owning.measure_ownership(place, report, companies),
        "soak": lambda report: serving.measure_soak(place, report, min(scale, 0.05), 5 if options.quick else 120, 8 if options.quick else 32),
        "explain": lambda report: explaining.measure_explanations(place, report, scale),
        "shapes": lambda report: validating.measure_shapes(place, peers, report, scale, *((10_000, 50_000) if options.quick else (100_000, 5_000_000))),
    }
    failures = 0
    with ExitStack() as stack:
        report = Report(sys.stdout, stack.enter_context(open(options.out, "w", encoding="utf-8")) if options.out else None)
        for part in parts:
            try:
                measurements[part](report)
            except MeasurementFailed as failure:
                failures += 1
                print(f"{part}: {failure}", file=sys.stderr, flush=True)
    return 1 if failures else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure against peers: name, value, unit, peer, ratio.")
    parser.add_argument("--scale", type=float, help="size of the bank; 1 (the default) is 1,000,000 transfers")
    parser.add_argument("--companies", type=int, help="for control: how many (1,000,000), with three stakes each")
    parser.add_argument("--quick", action="store_true", help="small data, to see that the benchmark works")
    parser.add_argument("--only", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--mappings", help="map only these files of mappings/bank, for map, query and compile (default: all)")
    parser.add_argument("--peer-cap", type=float, default=60, help="mix: seconds that a peer may take for one query (60)")
    parser.add_argument("--no-peers", action="store_true", help="measure this engine alone")
    parser.add_argument("--out", type=Path, help="also write the figures as lines of JSON")
    parser.add_argument("--folder", type=Path, help="where data and work files lie (default: $KG_BENCH_DATA or out/bench)")
    options = parser.parse_args(arguments)
    unknown = set((options.only or PARTS[0]).split(",")) - set(PARTS)
    if unknown:
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
