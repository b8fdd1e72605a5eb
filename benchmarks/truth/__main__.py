"""`python -m benchmarks.truth`: precision and recall of the bank's conclusions on a generated bank, kind by kind.

Exit 1 where a kind that is decided by definition is not exact.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.truth.compare import Result, Row, Truth, compare
from benchmarks.truth.kinds import Kind, read_kinds, tables
from benchmarks.workplace import Workplace
from kg import KnowledgeGraph

# What the generator lists beside its conclusions: facts of the tables themselves.
FACTS = {
    "reserved": "the ids of each pattern",
    "nominee": "a legal form; that it controls nothing is a near miss of control",
    "state_body": "a legal form; that it makes no group is the kind of state siblings",
    "churned": "a date of the table; who may follow is the kind of ties",
}
_SHOWN = 5  # rows of a fault


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="of the generated bank; made in KG_BENCH_DATA (default out/bench) where it is missing")
    parser.add_argument("--tables", type=Path, help="compare with this generated bank instead")
    parser.add_argument("--project", type=Path, help="a project already built over it; default: one is built")
    arguments = parser.parse_args()
    place, kinds = Workplace(), read_kinds()
    bank = arguments.tables.resolve() if arguments.tables else place.bank(arguments.scale)
    if lacking := sorted(tables(kinds) - {path.stem for path in (bank / "truth").glob("*.csv")}):
        print(f"{bank} has no truth of {', '.join(lacking)}: an older generator made it; remove the folder, and it is made anew", file=sys.stderr)
        return 2
    project = arguments.project or place.project(f"project-truth-{bank.name}", bank, measures=None)
    with KnowledgeGraph.open(project) as graph:
        if not arguments.project:
            print(f"building {project}", file=sys.stderr, flush=True)
            graph.build()
        truth = Truth(bank / "truth", f"{graph.project.base}id/")
        results = [compare(graph, truth, kind) for kind in kinds]
    print(report(results, uncompared(truth, kinds)))
    return 0 if all(result.is_exact for result in results if result.kind.is_by_definition) else 1


def uncompared(truth: Truth, kinds: list[Kind]) -> set[str]:
    """Files of the truth that no kind is compared with and that are no plain facts."""
    return truth.files() - tables(kinds) - FACTS.keys()


def report(results: list[Result], missing: set[str]) -> str:
    """The table as text, then the reasons of what is not decided by definition, then what is wrong."""
    head = f"{'kind':<48}{'planted':>8}{'right':>7}{'wrong':>7}{'missed':>7}{'precision':>11}{'recall':>8}"
    lines = ["Decided by definition:", head]
    lines += [_line(result) for result in results if result.kind.is_by_definition]
    lines += ["", "Not decided by definition (what is concluded beside the planted is no mistake):", head]
    others = [result for result in results if not result.kind.is_by_definition]
    lines += [_line(result) for result in others]
    lines += ["", *(f"  {result.kind.name}: {result.kind.decided}" for result in others)]
    lines += ["", "* the truth lists these in part: wrong are near misses alone"]
    if missing:
        lines += ["", f"Planted, and nothing is concluded yet: {', '.join(sorted(missing))}"]
    for result in results:
        if result.kind.is_by_definition and not result.is_exact:
            lines += ["", f"{result.kind.name} ({result.kind.file.name})", *_faults("wrong", result.wrong), *_faults("missed", result.missed)]
    return "\n".join(lines)


def _line(result: Result) -> str:
    name = result.kind.name + ("" if result.kind.is_complete else " *")
    precision = "–" if result.precision is None else _rounded(result.precision)
    counts = (len(result.planted), len(result.right), len(result.wrong), len(result.missed))
    return f"{name:<48}{counts[0]:>8}{counts[1]:>7}{counts[2]:>7}{counts[3]:>7}{precision:>11}{_rounded(result.recall):>8}"


def _rounded(share: float) -> str:
    """Two digits, and never 1.00 for less than all."""
    return "1.00" if share == 1 else f"{min(share, 0.99):.2f}"


def _faults(word: str, rows: frozenset[Row]) -> list[str]:
    shown = sorted(rows, key=str)[:_SHOWN]
    more = [f"    … {len(rows)} in all"] if len(rows) > _SHOWN else []
    return [f"  {word}: {_readable(row)}" for row in shown] + more


def _readable(row: Row) -> str:
    cells = [", ".join(sorted("/".join(map(str, one)) for one in cell)) if isinstance(cell, frozenset) else str(cell) for cell in row]
    return "  ".join(cells)


if __name__ == "__main__":
    raise SystemExit(main())
