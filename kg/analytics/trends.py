"""Monthly series: how they grow or fall, and the month at which they break."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kg.analytics.inputs import SERIES_COLUMNS, series_of
from kg.analytics.model import Nodes, Numbers, Parameter, Result, Table, Texts
from kg.analytics.registry import algorithm

_WORDS = {"rising": "上升", "falling": "下降", "steady": "平稳"}


@algorithm(
    "trends", version=1, columns=SERIES_COLUMNS, key=("item",), value="slope",
    parameters=(
        Parameter("recent", 3, "months of the latest part, which is compared with the same number before it", int, least=1), Parameter("steady", 0.01, "slopes up to this part of the mean a month are steady", least=0),
        Parameter("evidence", 12.0, "a break is told where two means explain so much better than one (F statistic)", least=1), Parameter("least", 4, "series with fewer months with a value are left out", int, least=2),
    ),
    results={
        "item": "whose series", "mean": "the mean of the months", "slope": "growth a month as a part of the mean (least squares)", "direction": "rising, falling or steady, in English and Chinese",
        "recent": "the mean of the latest months", "change": "the latest months against those before, as a part of these", "month": "the first month after a break, where there is one", "before": "the mean before the break",
        "after": "the mean from the break on",
    },
)  # fmt: skip
def trends(table: Table, parameters: Mapping[str, object]) -> Result:
    """Trend of each monthly series, its latest change, and the month at which it breaks, if it does."""
    series = series_of(table)
    kept = (series.values != 0).sum(axis=1) >= int(parameters["least"])
    items, values = series.items[kept], series.values[kept]
    months, recent = values.shape[1], min(int(parameters["recent"]), values.shape[1] // 2)
    mean = values.mean(axis=1)
    time = np.arange(months) - (months - 1) / 2
    scale = np.where(mean == 0, np.nan, np.abs(mean))
    slope = values @ time / (time @ time) / scale
    latest, before = values[:, -recent:].mean(axis=1), values[:, -2 * recent : -recent].mean(axis=1)
    direction = np.select([slope > float(parameters["steady"]), slope < -float(parameters["steady"])], ["rising", "falling"], "steady")
    place, first, second, strength = breaks(values)
    is_broken = strength >= float(parameters["evidence"])
    columns = {
        "item": Nodes(items), "mean": Numbers(mean, 2), "slope": Numbers(slope), "recent": Numbers(latest, 2), "change": Numbers((latest - before) / np.where(before == 0, np.nan, np.abs(before))),
        "direction": (Texts(direction.tolist(), "en"), Texts([_WORDS[one] for one in direction.tolist()], "zh")),
        "month": Texts([series.months[one] if broken else None for one, broken in zip(place.tolist(), is_broken.tolist(), strict=True)]),
        "before": Numbers(np.where(is_broken, first, np.nan), 2), "after": Numbers(np.where(is_broken, second, np.nan), 2),
    }  # fmt: skip
    counts = {word: int((direction == word).sum()) for word in _WORDS}
    span = f"{series.months[0]} – {series.months[-1]}"
    found = {
        "en": (f"{len(items):,} series over {span}: {', '.join(f'{count:,} {word}' for word, count in counts.items())}; {int(is_broken.sum()):,} break",),
        "zh": (f"{len(items):,} 条序列（{span}）：{'，'.join(f'{_WORDS[word]} {count:,}' for word, count in counts.items())}；{int(is_broken.sum()):,} 条有突变",),
    }
    return Result(columns, found)


def breaks(values: np.ndarray, margin: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where two means fit a series best, `margin` months at least on each side: the first month of the second, the means, and
    F of two means against one."""
    count, months = values.shape
    margin = max(1, min(margin, months // 2))
    sums, squares = np.cumsum(values, axis=1), np.cumsum(values**2, axis=1)
    total, all_squares = sums[:, -1:], squares[:, -1:]
    left = np.arange(margin, months - margin + 1)
    head = sums[:, left - 1]
    error = all_squares - head**2 / left - (total - head) ** 2 / (months - left)
    best = error.argmin(axis=1)
    place, rows = left[best], np.arange(count)
    whole = (all_squares - total**2 / months).ravel()
    rest = np.maximum(error[rows, best], 1e-9 * np.maximum(whole, 1e-300))
    strength = np.where(whole > 1e-9 * np.maximum(all_squares.ravel(), 1e-300), (whole - rest) / (rest / max(1, months - 2)), 0)
    first = sums[rows, place - 1] / place
    second = (total.ravel() - sums[rows, place - 1]) / (months - place)
    return place, first, second, strength
