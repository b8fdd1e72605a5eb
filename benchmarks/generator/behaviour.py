"""Behaviour planted into a generated bank, for measures to find: customers leave after those they trade with, and take up products
that their partners hold or that go with their line of business.

It is done to the finished tables, at the end, so that a bank without it is the same as ever. Reserved entities stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_BEGIN, _END = np.datetime64("2024-07-01"), np.datetime64("2026-06-30")
_QUARTERS = np.arange(np.datetime64("2024-07"), np.datetime64("2026-07"), 3).astype("datetime64[D]")
_SEGMENTS = 8  # lines of business that prefer products of their own


@dataclass(frozen=True)
class _Ties:
    """Who trades with or guarantees whom, both ways, since when: rows of a list by customer."""

    begin: np.ndarray
    other: np.ndarray
    since: np.ndarray

    def of(self, customer: int) -> tuple[np.ndarray, np.ndarray]:
        here = slice(self.begin[customer], self.begin[customer + 1])
        return self.other[here], self.since[here]


def plant_behaviour(folder: Path, seed: int, report: Callable[[str, int], None] = lambda *_: None) -> None:
    """Rewrite enterprise.csv (who left, when), holding.csv and service_event.csv of a generated bank."""
    rng = np.random.default_rng([seed, 20260630])
    enterprise = _read(folder, "enterprise")
    reserved = _reserved(folder)
    ties = _ties(folder, enterprise.num_rows)
    since = enterprise["customer_since"].to_numpy().astype("datetime64[D]")
    until, complaints = _leave(rng, ties, since, reserved)
    known = enterprise["customer_until"].to_numpy().astype("datetime64[D]").copy()
    known[reserved:] = until[reserved:]
    _write(folder, "enterprise", enterprise.set_column(enterprise.column_names.index("customer_until"), "customer_until", _dates(known)))
    report("enterprise.csv", int((~np.isnat(known)).sum()))
    events = _read(folder, "service_event")
    _write(folder, "service_event", pa.concat_tables([events, _complaints(events, complaints)]))
    report("service_event.csv", len(complaints))
    industry = enterprise["industry"].to_pylist()
    holdings = _holdings(rng, ties, since, known, np.array([sum(map(ord, (code or " ")[0])) % _SEGMENTS for code in industry]), _read(folder, "holding"))
    _write(folder, "holding", holdings)
    report("holding.csv", holdings.num_rows)


def _read(folder: Path, name: str) -> pa.Table:
    texts = ("credit_code", "name", "legal_form", "industry", "region", "registered_capital", "status", "address", "phone", "account_manager", "balance", "text", "kind")
    options = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(texts, pa.string()), strings_can_be_null=True)
    return pyarrow.csv.read_csv(folder / f"{name}.csv", convert_options=options)


def _write(folder: Path, name: str, table: pa.Table) -> None:
    """As the generator writes: dates as such, nothing for null, quotation marks where needed."""
    texts = table.cast(pa.schema([(field.name, pa.string()) for field in table.schema]))
    lines = [",".join(table.column_names)]
    for row in zip(*(column.to_pylist() for column in texts.columns), strict=True):
        lines.append(",".join("" if value is None else f'"{value}"' if "," in value else value for value in row))
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _dates(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype("datetime64[D]"), pa.date32())


def _reserved(folder: Path) -> int:
    table = pyarrow.csv.read_csv(folder / "truth" / "reserved.csv")
    return int(pc.max(table.filter(pc.equal(table["kind"], "enterprise"))["last_id"]).as_py())


def _ties(folder: Path, count: int) -> _Ties:
    invoice, guarantee = _read(folder, "invoice"), _read(folder, "guarantee")
    guarantee = guarantee.filter(pc.is_valid(guarantee["guarantor_enterprise_id"]))
    one = np.concatenate([invoice["seller_id"].to_numpy(), guarantee["guarantor_enterprise_id"].to_numpy()]).astype(np.int64) - 1
    two = np.concatenate([invoice["buyer_id"].to_numpy(), guarantee["borrower_id"].to_numpy()]).astype(np.int64) - 1
    when = np.concatenate([invoice["date"].to_numpy(), guarantee["from_date"].to_numpy()]).astype("datetime64[D]")
    left, right, since = np.concatenate([one, two]), np.concatenate([two, one]), np.concatenate([when, when])
    order = np.argsort(left, kind="stable")
    return _Ties(np.searchsorted(left[order], np.arange(count + 1)), right[order], since[order])


def _leave(rng: np.random.Generator, ties: _Ties, since: np.ndarray, reserved: int) -> tuple[np.ndarray, list[tuple[int, np.datetime64]]]:
    """Quarter by quarter: who is annoyed complains and may leave; who trades with leavers follows, the more the more of them left."""
    count = len(since)
    until = np.full(count, np.datetime64("NaT"), "datetime64[D]")
    complaints: list[tuple[int, np.datetime64]] = []
    annoyed = rng.random(count) < 0.06
    owner = np.repeat(np.arange(count), np.diff(ties.begin))
    for begin in _QUARTERS:
        gone = ~np.isnat(until)
        heard = gone[ties.other] & (ties.since < begin)
        recent = heard & (until[ties.other] >= begin - 200)
        weight = np.bincount(owner[heard], minlength=count) * 0.4 + np.bincount(owner[recent], minlength=count)
        degree = np.maximum(np.diff(ties.begin), 1)
        pull = 9.0 * weight / (degree + 2.0)
        chance = 1 / (1 + np.exp(6.6 - 2.2 * annoyed - pull))
        here = ~np.isnat(since) & (since < begin) & ~gone
        leaves = here & (rng.random(count) < chance)
        leaves[:reserved] = False
        until[leaves] = begin + rng.integers(5, 88, int(leaves.sum()))
        upset = np.flatnonzero(here & annoyed & (rng.random(count) < 0.35))
        complaints += [(int(one) + 1, begin + int(days)) for one, days in zip(upset, rng.integers(0, 90, len(upset)), strict=True)]
    until[until > _END] = np.datetime64("NaT")
    return until, [(one, day) for one, day in complaints if day <= _END]


def _complaints(events: pa.Table, complaints: list[tuple[int, np.datetime64]]) -> pa.Table:
    first = int(pc.max(events["id"]).as_py()) + 1
    columns = {
        "id": pa.array(range(first, first + len(complaints)), pa.int64()), "enterprise_id": pa.array([one for one, _ in complaints], pa.int64()),
        "kind": pa.array(["complaint"] * len(complaints), pa.string()), "date": _dates(np.array([day for _, day in complaints], "datetime64[D]")), "text": pa.array(["投诉服务费用"] * len(complaints), pa.string()),
    }  # fmt: skip
    return pa.table([columns[name] for name in events.column_names], schema=events.schema)


def _holdings(rng: np.random.Generator, ties: _Ties, since: np.ndarray, until: np.ndarray, segment: np.ndarray, before: pa.Table) -> pa.Table:
    """As many holdings as before, taken up one after the other: like a partner's, like the line of business's, or a popular one."""
    products = int(pc.max(before["product_id"]).as_py())
    popular = np.cumsum(np.sort(rng.pareto(1.2, products) + 0.2)[::-1])
    popular /= popular[-1]
    preferred = [rng.permutation(products)[:5] for _ in range(_SEGMENTS)]
    customers = np.flatnonzero(~np.isnat(since))
    chosen = customers[rng.integers(0, len(customers), before.num_rows)]
    start = np.maximum(since[chosen], np.datetime64("2021-01-01"))
    stop = np.minimum(np.where(np.isnat(until[chosen]), _END, until[chosen]), _END - 10)
    days = (stop - start).astype(np.int64).clip(1)
    begun = start + (days * rng.random(len(chosen)) ** 0.6).astype(np.int64)
    order = np.argsort(begun, kind="stable")
    draws = rng.random((len(order), 3))
    held: list[list[int]] = [[] for _ in range(len(since))]
    rows: list[tuple[int, int, np.datetime64]] = []
    for number, place in enumerate(order.tolist()):
        customer, (how, which, other) = int(chosen[place]), draws[number]
        partners, _ = ties.of(customer)
        theirs = held[int(partners[int(other * len(partners))])] if len(partners) else []
        if how < 0.5 and theirs:
            product = theirs[int(which * len(theirs))]
        elif how < 0.8:
            product = int(preferred[segment[customer]][int(which * 5)])
        else:
            product = int(np.searchsorted(popular, which))
        if product not in held[customer]:
            held[customer].append(product)
            rows.append((customer + 1, product + 1, begun[place]))
    customer, product, begin = (np.array(column) for column in zip(*rows, strict=True))
    count, left = len(rows), until[customer - 1]
    ended = np.where(rng.random(count) < 0.1, begin + rng.integers(200, 1500, count), left)
    ended = np.where(ended > _END, np.datetime64("NaT"), ended)
    balance = np.round(np.exp(rng.normal(12.6, 1.8, count)).clip(1, 2e9), 2)
    columns = {
        "id": pa.array(range(1, count + 1), pa.int64()), "customer_id": pa.array(customer, pa.int64()), "product_id": pa.array(product, pa.int64()), "from_date": _dates(begin.astype("datetime64[D]")),
        "to_date": _dates(ended.astype("datetime64[D]")), "balance": pa.array([f"{value:.2f}" if np.isnat(end) else "0.00" for value, end in zip(balance, ended, strict=True)], pa.string()),
    }  # fmt: skip
    return pa.table({name: columns[name] for name in before.column_names})
