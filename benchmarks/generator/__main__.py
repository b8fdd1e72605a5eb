"""The generator's command line: `python -m benchmarks.generator --scale 1 --seed 7 --out DIR`."""

import argparse
import resource
import time
from pathlib import Path

from benchmarks.generator import Sizes, generate, generate_ownership

SAMPLE = Path(__file__).parents[2] / "mappings" / "bank" / "sample"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description="Write the tables of a seeded bank as CSV.")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 100,000 enterprises and 1,000,000 transfers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="the folder to write (for --sample: mappings/bank/sample)")
    parser.add_argument("--sample", action="store_true", help="the small committed sample: every pattern once")
    parser.add_argument("--ownership-only", action="store_true", help="shareholdings and names only")
    parser.add_argument("--companies", type=int, default=1_000_000, help="with --ownership-only")
    parser.add_argument("--stakes", type=int, default=3_000_000, help="with --ownership-only")
    arguments = parser.parse_args()
    out = arguments.out or (SAMPLE if arguments.sample else None)
    if out is None:
        parser.error("--out DIR is needed, except with --sample")
    if arguments.ownership_only and arguments.stakes < arguments.companies:
        parser.error("--stakes must be at least --companies: every company has a holder")

    if not arguments.ownership_only and arguments.scale < 0.001:
        parser.error("--scale must be at least 0.001: the patterns alone need that many rows; --sample writes the smallest bank")

    start = time.perf_counter()
    print(f"{'file':<24}{'rows':>12}{'seconds':>9}")
    if arguments.ownership_only:
        generate_ownership(out, arguments.companies, arguments.stakes, arguments.seed, _print_row)
    else:
        sizes = Sizes.sample() if arguments.sample else Sizes.at_scale(arguments.scale)
        generate(out, sizes, arguments.seed, _print_row)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'all':<24}{'':>12}{time.perf_counter() - start:>9.1f}   peak {peak:,.0f} MiB")


def _print_row(file: str, rows: int, seconds: float) -> None:
    print(f"{file:<24}{rows:>12,}{seconds:>9.2f}")


if __name__ == "__main__":
    main()
