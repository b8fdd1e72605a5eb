"""Tables as what algorithms work on: edges between nodes, features of items, baskets, series. Each says what it cannot take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from kg.analytics.model import MONTH, NODE, NUMBER, Column, Table
from kg.errors import MeasureError

EDGE_COLUMNS = (
    Column("source", NODE, "where an edge begins"),
    Column("target", NODE, "where it ends"),
    Column("weight", NUMBER, "its weight; 1, where the column is left out", is_required=False),
)


@dataclass(frozen=True)
class Edges:
    """Edges between `count` nodes, each pair once, the weights of repeated ones added up."""

    count: int
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray

    def matrix(self) -> sparse.csr_array:
        return sparse.csr_array(sparse.coo_array((self.weight, (self.source, self.target)), shape=(self.count, self.count)))

    def graph(self, directed: bool = True):
        """As a graph of igraph; undirected, the weights of both directions are added up."""
        import igraph

        source, target, weight = self.source, self.target, self.weight
        if not directed:
            both = Edges.of(self.count, np.minimum(source, target), np.maximum(source, target), weight)
            source, target, weight = both.source, both.target, both.weight
        return igraph.Graph(n=self.count, edges=np.column_stack([source, target]), directed=directed, edge_attrs={"weight": weight})

    @classmethod
    def of(cls, count: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Edges:
        coo = sparse.coo_array((weight, (source, target)), shape=(count, count))
        coo.sum_duplicates()
        return cls(count, coo.row.astype(np.int64), coo.col.astype(np.int64), coo.data)


def edges_of(table: Table, *, loops: bool = False) -> Edges:
    """MeasureError A108 for a negative weight. Edges from a node to itself are left out unless `loops`."""
    source, target = table.columns["source"], table.columns["target"]
    weight = table.columns.get("weight", np.ones(len(source)))
    if (weight < 0).any():
        raise MeasureError("A108", f"a weight of {weight.min():g} is negative", help="leave such edges out, or write ABS(?weight)")
    kept = (source >= 0) & (target >= 0) & (weight > 0) & (loops | (source != target))
    if not kept.any():
        raise MeasureError("A107", "there is no edge: every row has weight 0 or leads from a node to itself")
    return Edges.of(len(table.nodes), source[kept], target[kept], weight[kept])


@dataclass(frozen=True)
class Features:
    """A row of numbers for each item; `names` are the columns'."""

    items: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray

    def standardised(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The values with mean 0 and standard deviation 1, and these."""
        mean, deviation = self.values.mean(axis=0), self.values.std(axis=0)
        return (self.values - mean) / deviation, mean, deviation


def features_of(table: Table, item: str, logarithm: str = "", needs: np.ndarray | None = None, *, drop: bool = False) -> Features:
    """The number columns beside those of the algorithm. MeasureError A112 for one that is constant (among the rows `needs`); with `drop`,
    it is left out, and only where all are is that an error.

    `logarithm` names columns (with commas between; * is all) of which sign(x) · log(1 + |x|) is taken. A missing value is the column's median.
    """
    names = table.features
    wanted = set(names) if logarithm.strip() == "*" else {name.strip() for name in logarithm.split(",") if name.strip()}
    if unknown := wanted - set(names):
        raise MeasureError("A103", f"logarithm names {sorted(unknown)[0]}, which is no feature", help=f"features are {', '.join(names)}")
    values = np.column_stack([table.columns[name] for name in names])
    if np.isinf(values).any():
        raise MeasureError("A108", f"?{names[int(np.isinf(values).any(axis=0).argmax())]} has an infinite value")
    varied = []
    for place, name in enumerate(names):
        known = ~np.isnan(values[:, place])
        if not known.any():
            raise MeasureError("A112", f"?{name} has no value in any row", help="leave the column out")
        values[~known, place] = np.median(values[known, place])
        if name in wanted:
            values[:, place] = np.sign(values[:, place]) * np.log1p(np.abs(values[:, place]))
        looked_at = values[:, place] if needs is None else values[needs, place]
        if not len(looked_at) or np.ptp(looked_at) > 0:
            varied.append(place)
        elif not drop:
            raise MeasureError("A112", f"?{name} is constant: it is {looked_at[0]:g} in all {len(looked_at):,} rows", help="leave the column out of the query")
    if not varied:
        raise MeasureError("A112", f"every feature is constant: {', '.join(names)}", help="widen the query, or add a feature")
    return Features(table.columns[item], tuple(names[place] for place in varied), values[:, varied])


@dataclass(frozen=True)
class Baskets:
    """Which baskets hold which items: a matrix of ones; `baskets` and `items` are places of nodes."""

    baskets: np.ndarray
    items: np.ndarray
    holds: sparse.csr_array


def baskets_of(basket: np.ndarray, item: np.ndarray) -> Baskets:
    baskets, row = np.unique(basket, return_inverse=True)
    items, column = np.unique(item, return_inverse=True)
    holds = sparse.csr_array(sparse.coo_array((np.ones(len(row)), (row, column)), shape=(len(baskets), len(items))))
    holds.data[:] = 1.0
    return Baskets(baskets, items, holds)


@dataclass(frozen=True)
class Series:
    """A value for each item and month: `values` has a row for each item, a column for each month, 0 (or NaN) where nothing is known."""

    items: np.ndarray
    months: tuple[str, ...]
    values: np.ndarray


SERIES_COLUMNS = (Column("item", NODE, "whose series"), Column("month", MONTH, "the month, or a day of it"), Column("value", NUMBER, "the value; those of a month are added up"))


def series_of(table: Table, missing: float = 0.0) -> Series:
    months = sorted({month for month in table.columns["month"].tolist() if month is not None})
    if len(months) < 2:
        raise MeasureError("A107", f"there is no series: all rows are of {months[0] if months else 'no month'}")
    first = _number(months[0])
    every = tuple(_month(number) for number in range(first, _number(months[-1]) + 1))
    items, row = np.unique(table.columns["item"], return_inverse=True)
    column = np.array([_number(month) - first for month in table.columns["month"].tolist()])
    values = np.zeros((len(items), len(every)))
    np.add.at(values, (row, column), table.columns["value"])
    if np.isnan(missing):
        seen = np.zeros(values.shape, bool)
        seen[row, column] = True
        values[~seen] = np.nan
    return Series(items, every, values)


def _number(month: str) -> int:
    try:
        return int(month[:4]) * 12 + int(month[5:7]) - 1
    except ValueError:
        raise MeasureError("A106", f"{month!r} is no month", help="give a date, or a text such as 2026-03") from None


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def number_text(value: float) -> str:
    """A number for people: at most three digits that matter behind the point, thousands set apart.

    >>> number_text(1234567.891), number_text(0.12345), number_text(3.0), number_text(float("nan"))
    ('1,234,568', '0.123', '3', '–')
    """
    if np.isnan(value):
        return "–"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
