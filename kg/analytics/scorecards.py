"""Points added up: scorecards over facts, indexes over features, and how far a cell of a table lies above what is expected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kg.analytics.inputs import features_of, number_text
from kg.analytics.model import NODE, NUMBER, TEXT, Column, Nodes, Numbers, Parameter, Result, Several, Table, Texts
from kg.analytics.registry import algorithm
from kg.errors import MeasureError


def _bands(text: str, at: str) -> list[tuple[str, float]]:
    """`A:80, B:60, C:0`: names with their least scores, the highest first."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, least = part.partition(":")
        try:
            found.append((name.strip(), float(least)))
        except ValueError:
            raise MeasureError("A103", f"{at} wants name:least, with commas between, not {part!r}", help=f"for example {at}=A:80, B:60, C:0") from None
    return sorted(found, key=lambda band: -band[1])


def _banded(score: np.ndarray, bands: list[tuple[str, float]]) -> list[str | None]:
    return [next((name for name, least in bands if value >= least), bands[-1][0] if bands else None) for value in np.round(score, 9).tolist()]


@algorithm(
    "scorecard", version=1, key=("item",), value="score",
    columns=(
        Column("item", NODE, "what is rated"), Column("points", NUMBER, "points of a fact; 0 for an item without any"), Column("criterion", TEXT, "under which heading they count", may_be_missing=True),
        Column("criterion_zh", TEXT, "the heading in Chinese", is_required=False, may_be_missing=True), Column("fact", NODE, "the fact that they are given for", is_required=False, may_be_missing=True),
        Column("age", NUMBER, "how old the fact is, in days", is_required=False, may_be_missing=True), Column("cap", NUMBER, "the most points under the heading", is_required=False, may_be_missing=True),
    ),
    parameters=(
        Parameter("base", 0.0, "points of an item without facts"), Parameter("half_life", 0.0, "days after which a fact counts half; 0: facts do not age", least=0),
        Parameter("bands", "", "names of ranges with their least scores: A:80, B:60, C:0", str), Parameter("lowest", -1e12, "the lowest score"), Parameter("highest", 1e12, "the highest score"),
    ),
    results={
        "item": "what is rated", "score": "the points in all", "band": "the range that the score is in", "facts": "how many facts count", "fact": "the facts (several)", "reason": "points by heading, in English and Chinese (several)",
        "rank": "1 for the highest score",
    },
)  # fmt: skip
def scorecard(table: Table, parameters: Mapping[str, object]) -> Result:
    """The points of each item's facts, by headings with a cap, older facts counting less, and the band that the score falls in."""
    item, points = table.columns["item"], table.columns["points"].copy()
    if float(parameters["half_life"]) and "age" in table.columns:
        points *= 0.5 ** (np.nan_to_num(table.columns["age"]).clip(0) / float(parameters["half_life"]))
    heading = np.array(["" if text is None else text for text in table.columns["criterion"].tolist()])
    fact = table.columns.get("fact", np.full(len(item), -1))
    counts = points != 0
    items, row = np.unique(item, return_inverse=True)
    headings, column = np.unique(heading, return_inverse=True)
    cells, cell = np.unique(np.column_stack([row, column]), axis=0, return_inverse=True)
    sums = np.bincount(cell.ravel(), points, len(cells))
    if "cap" in table.columns:
        cap = np.full(len(cells), np.inf)
        np.minimum.at(cap, cell.ravel(), np.where(np.isnan(table.columns["cap"]), np.inf, table.columns["cap"]))
        sums = np.sign(sums) * np.minimum(np.abs(sums), cap)
    score = (float(parameters["base"]) + np.bincount(cells[:, 0], sums, len(items))).clip(float(parameters["lowest"]), float(parameters["highest"]))
    number = np.bincount(cell.ravel(), counts, len(cells)).astype(int)
    told = np.flatnonzero((number > 0) & (np.round(sums, 4) != 0))
    told = told[np.lexsort((-np.abs(np.round(sums[told], 6)), cells[told, 0]))]
    chinese = dict(zip(heading.tolist(), table.columns.get("criterion_zh", heading).tolist(), strict=True))
    english_texts, chinese_texts = [], []
    for one in told.tolist():
        name = str(headings[cells[one, 1]])
        english_texts.append(f"{name}: {sums[one]:+.1f} points ({number[one]} fact{'s' if number[one] > 1 else ''})")
        chinese_texts.append(f"{chinese.get(name) or name}：{sums[one]:+.1f} 分（{number[one]} 项）")
    bands = _bands(str(parameters["bands"]), "bands")
    rank = np.empty(len(items), np.int64)
    rank[np.argsort(-np.round(score, 9), kind="stable")] = np.arange(1, len(items) + 1)
    known = counts & (fact >= 0)
    by_fact = np.flatnonzero(known)
    names = _banded(score, bands)
    columns = {
        "item": Nodes(items), "score": Numbers(score, 2), "band": Texts(names), "rank": Numbers(rank.astype(float), 0), "facts": Numbers(np.bincount(row, counts, len(items)), 0),
        "fact": Several(row[by_fact], Nodes(fact[by_fact])), "reason": (Several(cells[told, 0], Texts(english_texts, "en")), Several(cells[told, 0], Texts(chinese_texts, "zh"))),
    }  # fmt: skip
    spread = ", ".join(f"{name}: {names.count(name):,}" for name, _ in bands)
    found = {"en": (f"{len(items):,} items, {int(counts.sum()):,} facts; {spread or f'scores from {score.min():.1f} to {score.max():.1f}'}",),
             "zh": (f"{len(items):,} 个对象，{int(counts.sum()):,} 项事实；{spread or f'得分 {score.min():.1f} 至 {score.max():.1f}'}",)}  # fmt: skip
    return Result(columns, found)


@algorithm(
    "index", version=1, key=("item",), value="score", takes_features=True,
    columns=(Column("item", NODE, "what is ranked"), Column("group", NODE, "among which items it is ranked; all, where the column is left out", is_required=False, may_be_missing=True)),
    parameters=(
        Parameter("weights", None, "the weight of each feature: name:weight, with commas between; a negative one where less is better", str), Parameter("bands", "", "names of ranges with their least scores: A:80, B:60, C:0", str),
        Parameter("reasons", 2, "features that are told for each item", int, least=0, most=10),
    ),
    results={
        "item": "an item", "score": "0 to 100: the weighted mean of its places among the items, feature by feature", "band": "the range that the score is in", "rank": "1 for the highest score", "rank_in_group": "the same in its group",
        "of": "how many items are in the group", "reason": "the features that raise it most, in English and Chinese (several)",
    },
)  # fmt: skip
def index(table: Table, parameters: Mapping[str, object]) -> Result:
    """A score from 0 to 100 by the item's place among all in each feature, weighted, with rank, band and what raises it."""
    features = features_of(table, "item")
    if len(np.unique(features.items)) < len(features.items):
        raise MeasureError("A108", "an item has several rows", help="group the query by ?item")
    weights = dict(_bands(str(parameters["weights"]), "weights"))
    if unknown := set(weights) - set(features.names):
        raise MeasureError("A103", f"weights names {sorted(unknown)[0]}, which is no feature", help=f"features are {', '.join(features.names)}")
    if missing := [name for name in features.names if name not in weights]:
        raise MeasureError("A103", f"weights says nothing of {missing[0]}", help="give it a weight, or leave the column out of the query")
    weight = np.array([weights[name] for name in features.names])
    places = np.column_stack([percentiles(features.values[:, one] * np.sign(weight[one] or 1)) for one in range(len(weight))])
    parts = places * np.abs(weight) / np.abs(weight).sum()
    score = 100 * parts.sum(axis=1)
    group = table.columns.get("group", np.zeros(len(score), np.int64))
    order = np.lexsort((np.arange(len(score)), -np.round(score, 9)))
    rank, within, size = np.empty(len(score), np.int64), np.empty(len(score), np.int64), np.zeros(len(score), np.int64)
    rank[order] = np.arange(1, len(score) + 1)
    for one in np.unique(group).tolist():
        mine = order[group[order] == one]
        within[mine], size[mine] = np.arange(1, len(mine) + 1), len(mine)
    lead = np.argsort(-np.round((places - 0.5) * np.abs(weight), 9), axis=1, kind="stable")[:, : int(parameters["reasons"])]
    rows = np.repeat(np.arange(len(score)), lead.shape[1])
    raised = places[rows, lead.ravel()] > 0.5
    rows, lead = rows[raised], lead.ravel()[raised]
    english, chinese = [], []
    for row, one in zip(rows.tolist(), lead.tolist(), strict=True):
        name, value, beyond = features.names[one], number_text(table.columns[features.names[one]][row]), places[row, one]
        english.append(f"{table.word(name, 'en')}: {value}, {'above' if weight[one] >= 0 else 'below'} {beyond:.0%} of all")
        chinese.append(f"{table.word(name, 'zh')}：{value}，{'高于' if weight[one] >= 0 else '低于'} {beyond:.0%} 的对象")
    bands = _bands(str(parameters["bands"]), "bands")
    columns = {
        "item": Nodes(features.items), "score": Numbers(score, 2), "band": Texts(_banded(score, bands)), "rank": Numbers(rank.astype(float), 0), "rank_in_group": Numbers(within.astype(float), 0), "of": Numbers(size.astype(float), 0),
        "reason": (Several(rows, Texts(english, "en")), Several(rows, Texts(chinese, "zh"))),
    }  # fmt: skip
    english, chinese = ([f"{table.word(name, language)} ({weights[name]:g})" for name in features.names] for language in ("en", "zh"))
    found = {"en": (f"{len(score):,} items by {', '.join(english)}",), "zh": (f"{len(score):,} 个对象，依据 {'、'.join(chinese)}",)}
    return Result(columns, found)


def percentiles(values: np.ndarray) -> np.ndarray:
    """The part of the values that are below, ties counted half.

    >>> percentiles(np.array([10.0, 20, 20, 30])).tolist()
    [0.125, 0.5, 0.5, 0.875]
    """
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / 2 / len(values)


@algorithm(
    "grid", version=1, key=("row", "column"), value="value",
    columns=(Column("row", NODE, "one side of the table"), Column("column", NODE, "the other"), Column("value", NUMBER, "what is added up in the cell; 1, where the column is left out", is_required=False)),
    parameters=(Parameter("least", 1.0, "cells whose expected value is lower have no quotient", least=0), Parameter("levels", 5, "levels of heat", int, least=2, most=9)),
    results={
        "row": "one side", "column": "the other", "value": "the sum of the cell", "count": "how many rows it has", "share": "its part of the row's sum", "quotient": "its share of the row by the column's share of all: 1 is what is expected",
        "heat": "its level by value, 1 the lowest",
    },
)  # fmt: skip
def grid(table: Table, parameters: Mapping[str, object]) -> Result:
    """A heat map: sums by two sides, with the share of each cell and how far it lies above what both sides let expect."""
    row, column = table.columns["row"], table.columns["column"]
    value = table.columns.get("value", np.ones(len(row)))
    cells, cell = np.unique(np.column_stack([row, column]), axis=0, return_inverse=True)
    sums, counts = np.bincount(cell.ravel(), value, len(cells)), np.bincount(cell.ravel(), minlength=len(cells))
    by_row, by_column = np.bincount(row, value, len(table.nodes)), np.bincount(column, value, len(table.nodes))
    total = value.sum()
    if total <= 0:
        raise MeasureError("A108", "the values add up to nothing", help="leave negative values out")
    expected = by_row[cells[:, 0]] * by_column[cells[:, 1]] / total
    heat = np.minimum(np.floor(percentiles(sums) * int(parameters["levels"])) + 1, int(parameters["levels"]))
    share = sums / np.where(by_row[cells[:, 0]] == 0, np.nan, by_row[cells[:, 0]])
    columns = {
        "row": Nodes(cells[:, 0]), "column": Nodes(cells[:, 1]), "value": Numbers(sums, 2), "count": Numbers(counts.astype(float), 0), "share": Numbers(share),
        "quotient": Numbers(np.where(expected >= float(parameters["least"]), sums / np.maximum(expected, 1e-300), np.nan), 3), "heat": Numbers(heat, 0),
    }  # fmt: skip
    rows, sides = len(np.unique(row)), len(np.unique(column))
    return Result(columns, {"en": (f"{rows:,} by {sides:,}: {len(cells):,} cells with a value",), "zh": (f"{rows:,} × {sides:,}：{len(cells):,} 个非空单元",)})
