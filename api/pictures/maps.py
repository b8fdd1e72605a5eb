"""A heat map: a circle at the longitude and latitude of each place, larger and darker the larger its value. No tile server."""

from __future__ import annotations

import math
from dataclasses import dataclass

from api.display import Shown
from api.pictures import charts
from api.pictures.answer import Answered, Picture, cut, is_number, is_thing, number_of

_WIDTH, _MARGIN = 900, 60  # pixels
_LEAST, _MOST = 4.0, 30.0  # radius
_NAMED = 18  # so many of the largest have their name beside them, where there is room


@dataclass(frozen=True)
class Spot:
    shown: Shown
    text: str
    figure: str
    x: float
    y: float
    radius: float
    heat: float


def draw(answered: Answered) -> Picture | None:
    """Bars, where the answer has no longitude and latitude. Degrees are drawn with equal steps, right at the middle latitude."""
    place = answered.place("place", is_thing)
    east, north = (answered.place(name, lambda term: False) for name in ("longitude", "latitude"))
    value = answered.place("value", is_number, (east, north))
    if None in (place, east, north, value):
        return charts.draw(answered)
    found = [
        (row[place], float(x), float(y), number)
        for row in answered.rows
        if None not in (x := number_of(row[east]), y := number_of(row[north]), number := number_of(row[value]))
    ]
    if not found:
        return None
    found.sort(key=lambda one: -one[3])
    west, south = min(one[1] for one in found), min(one[2] for one in found)
    wide, high = max(one[1] for one in found) - west or 1.0, max(one[2] for one in found) - south or 1.0
    squeeze = math.cos(math.radians(south + high / 2))
    scale = min((_WIDTH - 2 * _MARGIN) / (wide * squeeze), 620 / high)
    most = float(max(abs(one[3]) for one in found)) or 1.0
    spots: list[Spot] = []
    named: list[tuple[float, float]] = []
    for order, (term, x, y, number) in enumerate(found):
        shown, part = answered.shown(term), math.sqrt(abs(float(number)) / most)
        at = round(_MARGIN + (x - west) * squeeze * scale, 1), round(_MARGIN + (south + high - y) * scale, 1)
        has_room = order < _NAMED and all(abs(at[0] - other[0]) > 110 or abs(at[1] - other[1]) > 16 for other in named)
        named += [at] if has_room else []
        radius = round(_LEAST + (_MOST - _LEAST) * part, 1)
        spots.append(Spot(shown, cut(shown.text, 14) if has_room else "", f"{number:,.0f}", *at, radius, round(0.25 + 0.6 * part, 2)))
    size = {"width": round(wide * squeeze * scale) + 2 * _MARGIN, "height": round(high * scale) + 2 * _MARGIN}
    return Picture("map.svg", {"spots": spots, **size}, len(answered.rows) - len(spots))
