"""Shareholdings alone, at any size, for measuring the control fixpoint."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from benchmarks.generator.shareholders import Owners, shareholding_columns
from benchmarks.generator.tables import TableFile, joined

_CHUNK = 1_000_000


def generate_ownership(folder: Path, companies: int, stakes: int, seed: int, report: Callable[[str, int, float], None] = lambda *_: None) -> None:
    """Write shareholding.csv (all stakes current), and enterprise.csv and person.csv reduced to id and name.

    There are twice as many persons as companies. Planted pyramids, joint majorities and cross-holdings take the lowest
    company ids (4 % of the companies), random ones the rest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, companies, stakes])
    persons = 2 * companies
    for name, label, count in (("enterprise", "企业", companies), ("person", "自然人", persons)):
        start = time.perf_counter()
        _write_names(folder / f"{name}.csv", label, count)
        report(f"{name}.csv", count, time.perf_counter() - start)
    start = time.perf_counter()
    planted, companies_used, persons_used = _shapes(random, companies // 100)
    owners = Owners(companies_used + 1, companies, persons_used + 1, persons)
    everyday = shareholding_columns(random, owners, stakes - len(planted["company_id"]), expired_share=0)
    columns = {column: np.concatenate([planted[column], everyday[column]]) for column in planted}
    with TableFile(folder, "shareholding") as file:
        for first in range(0, stakes, _CHUNK):
            file.append({column: values[first : first + _CHUNK] for column, values in columns.items()})
        report("shareholding.csv", file.rows, time.perf_counter() - start)


def _shapes(random: np.random.Generator, blocks: int) -> tuple[dict[str, np.ndarray], int, int]:
    """`blocks` of four companies A B C D with three persons P Q R: the planted stakes, companies used, persons used.

    P controls A (52 %); A and P together control B (30 + 25); A and B control C (28 + 23); C holds D by a majority, D has
    a cross-holding of 20 % in A; Q and R are minorities. Three blocks make a chain, twelve companies deep under one P: the A of
    its second and third block is held for 52 % by the D of the block before.
    """
    first = 4 * np.arange(blocks)
    a, b, c, d = (first + place for place in (1, 2, 3, 4))
    p, q, r = (3 * np.arange(blocks) + place for place in (1, 2, 3))
    none = np.zeros(blocks, np.int64)
    chained = np.arange(blocks) % 3 != 0
    p = p - 3 * (np.arange(blocks) % 3)  # the P of the chain's first block
    above = np.where(chained, d - 4, 0)
    rows = [  # holder company, holder person, company, percent
        (above, np.where(chained, 0, p), a, 52), (none, q, a, 20), (d, none, a, 20),
        (a, none, b, 30), (none, p, b, 25), (none, q, b, 45),
        (a, none, c, 28), (b, none, c, 23), (none, r, c, 49),
        (c, none, d, 51 + random.integers(0, 40)), (none, r, d, 10),
    ]  # fmt: skip
    count = blocks * len(rows)
    percent = np.concatenate([np.full(blocks, percent * 10_000) for *_, percent in rows])
    return {
        "holder_enterprise_id": np.concatenate([row[0] for row in rows]), "holder_person_id": np.concatenate([row[1] for row in rows]),
        "company_id": np.concatenate([row[2] for row in rows]), "capital_percent": percent, "voting_percent": percent,
        "from_date": np.full(count, np.datetime64("2015-06-01", "D")), "to_date": np.full(count, np.datetime64("NaT", "D")),
    }, 4 * blocks, 3 * blocks  # fmt: skip


def _write_names(path: Path, label: str, count: int) -> None:
    with path.open("wb") as stream:
        stream.write(b"id,name\n")
        for first in range(1, count + 1, _CHUNK):
            ids = pa.array(np.arange(first, min(first + _CHUNK, count + 1)))
            table = pa.table([ids, joined(pa.scalar(label), ids.cast(pa.string()))], names=["id", "name"])
            pacsv.write_csv(table, stream, pacsv.WriteOptions(include_header=False, quoting_style="none"))
