"""Frequent item sets and association rules (Agrawal and Srikant 1994): what baskets that hold some items hold besides."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from kg.analytics.inputs import Baskets, baskets_of
from kg.analytics.model import NODE, Column, Nodes, Numbers, Parameter, Result, Several, Table
from kg.analytics.registry import algorithm

ItemSet = tuple[int, ...]


@algorithm(
    "associations", version=1, columns=(Column("basket", NODE, "what holds"), Column("item", NODE, "what is held")), key=("premise", "second", "conclusion"), value="conclusion",
    parameters=(
        Parameter("support", 0.01, "least part of the baskets that hold all items of a rule", least=0, most=1), Parameter("confidence", 0.3, "least part of the baskets with the premise that hold the conclusion", least=0, most=1),
        Parameter("lift", 1.0, "rules whose confidence is not more than so many times the conclusion's share are left out", least=0), Parameter("longest", 3, "items of the longest rule", int, least=2, most=3),
    ),
    results={
        "premise": "an item of the premise", "second": "its other item, if there is one", "premises": "all items of the premise (several)", "conclusion": "what goes with it",
        "support": "the part of the baskets that hold all", "confidence": "the part of those with the premise that hold the conclusion", "lift": "the confidence by the conclusion's share of all baskets",
        "count": "how many baskets hold all",
    },
)  # fmt: skip
def associations(table: Table, parameters: Mapping[str, object]) -> Result:
    """Which items go together in baskets: rules from one or two items to another, with support, confidence and lift."""
    baskets = baskets_of(table.columns["basket"], table.columns["item"])
    total = len(baskets.baskets)
    counts = frequent(baskets, float(parameters["support"]), int(parameters["longest"]))
    rows = []
    for items, count in counts.items():
        for conclusion in items if len(items) > 1 else ():
            premise = tuple(item for item in items if item != conclusion)
            confidence = count / counts[premise]
            lift = confidence * total / counts[(conclusion,)]
            if confidence >= float(parameters["confidence"]) and lift > float(parameters["lift"]):
                rows.append((premise, conclusion, count, confidence, lift))
    rows.sort(key=lambda row: (-round(row[4], 9), row[0], row[1]))
    first, second = (np.array([baskets.items[row[0][place]] if len(row[0]) > place else -1 for row in rows], np.int64) for place in (0, 1))
    places = np.array([place for place, row in enumerate(rows) for _ in row[0]], np.int64)
    members = np.array([baskets.items[item] for row in rows for item in row[0]], np.int64)
    numbers = np.array([(row[2] / total, row[3], row[4], row[2]) for row in rows], float).reshape(-1, 4)
    columns = {
        "premise": Nodes(first), "second": Nodes(second), "premises": Several(places, Nodes(members)), "conclusion": Nodes(np.array([baskets.items[row[1]] for row in rows], np.int64)),
        "support": Numbers(numbers[:, 0]), "confidence": Numbers(numbers[:, 1]), "lift": Numbers(numbers[:, 2], 3), "count": Numbers(numbers[:, 3], 0),
    }  # fmt: skip
    sets = sum(len(items) > 1 for items in counts)
    found = {"en": (f"{total:,} baskets, {len(baskets.items):,} items, {sets:,} frequent sets of several items, {len(rows):,} rules",),
             "zh": (f"{total:,} 个购物篮，{len(baskets.items):,} 种项目，{sets:,} 个多项频繁项集，{len(rows):,} 条规则",)}  # fmt: skip
    return Result(columns, found)


def frequent(baskets: Baskets, support: float, longest: int) -> dict[ItemSet, int]:
    """How many baskets hold each set of up to `longest` items that at least the part `support` of them holds, level by level.

    >>> found = frequent(baskets_of(np.array([0, 0, 1, 1, 2]), np.array([7, 8, 7, 8, 8])), 0.5, 2)
    >>> found == {(0,): 2, (1,): 3, (0, 1): 2}
    True
    """
    least = max(1, int(np.ceil(support * len(baskets.baskets) - 1e-9)))
    columns = baskets.holds.tocsc()
    held = {(item,): columns.indices[columns.indptr[item] : columns.indptr[item + 1]] for item in range(len(baskets.items))}
    level = {items: np.sort(rows) for items, rows in held.items() if len(rows) >= least}
    counts = {items: len(rows) for items, rows in level.items()}
    for size in range(2, longest + 1):
        below, level = level, {}
        for left, right in combinations(sorted(below), 2):
            if left[:-1] != right[:-1]:
                continue
            items = (*left, right[-1])
            if all(part in counts for part in combinations(items, size - 1)):
                rows = np.intersect1d(below[left], below[right], assume_unique=True)
                if len(rows) >= least:
                    level[items] = rows
        counts |= {items: len(rows) for items, rows in level.items()}
    return counts
