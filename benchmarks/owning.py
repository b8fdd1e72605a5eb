"""Integrated ownership over a network of companies: preparing it, all owners of some targets, simple paths."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pyarrow.csv
import scipy.sparse as sparse

from benchmarks.children import ROOT, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace
from kg.analytics.ownership import Shares

_TIMEOUT = 900
_TARGETS = 10_000


def measure_ownership(place: Workplace, report: Report, companies: int) -> None:
    """In a process of its own, as its peak memory is measured."""
    found = measure(sys.executable, ["-m", "benchmarks.owning", place.ownership(companies) / "shareholding.csv"], ROOT, _TIMEOUT)
    timed = found.found
    what = f"all owners of {timed['targets']:,} of {companies:,} companies: {timed['pairs']:,} shares"
    report.add(Figure("ownership.integrated", timed["prepared"] + timed["integrated"], "s", what))
    report.add(Figure("ownership.paths", timed["paths"], "s", "the same over simple paths"))
    report.add(Figure("ownership.processor", timed["processor"], "s", "processor time of both"))
    report.add(Figure("ownership.peak", found.peak / 1e9, "GB"))


def main(file: str) -> None:
    table = pyarrow.csv.read_csv(file).to_pandas()
    companies, persons = int(table.company_id.max()) + 1, int(table.holder_person_id.max()) + 1
    of_company = table.holder_enterprise_id.notna()
    owner = np.where(of_company, table.holder_enterprise_id.fillna(0), companies + table.holder_person_id.fillna(0)).astype(np.int64)
    size = companies + persons
    stakes = sparse.csr_array(sparse.coo_array((table.capital_percent.to_numpy() / 100, (owner, table.company_id.to_numpy())), shape=(size, size)))
    targets = np.sort(np.random.default_rng(1).choice(companies - 1, min(_TARGETS, companies - 1), replace=False) + 1)
    times, processor = [time.perf_counter()], time.process_time()
    shares = Shares(stakes)
    times.append(time.perf_counter())
    owners, owned, share = shares.integrated(targets, 0.0)
    times.append(time.perf_counter())
    shares.accumulated(owners, owned, share, 1e-4)
    times.append(time.perf_counter())
    prepared, integrated, paths = np.diff(times).tolist()
    processor = time.process_time() - processor
    print(json.dumps({"prepared": prepared, "integrated": integrated, "paths": paths, "processor": processor, "targets": len(targets), "pairs": len(owners)}))


if __name__ == "__main__":
    main(sys.argv[1])
