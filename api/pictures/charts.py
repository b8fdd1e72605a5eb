"""Bars, or a line where the labels are dates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from api.display import Shown
from api.pictures.answer import Answered, Picture, cut, is_date, is_number, number_of
from kg.terms import Term

_MOST_BARS, _MOST_POINTS = 40, 400
_LABEL, _BAR, _STEP = 210, 420, 26  # pixels: the labels' width, that of the longest bar, from bar to bar
_FIGURE = 130  # the figures' width, right of the bars
_WIDTH, _HEIGHT = 720, 240  # of a line's field


@dataclass(frozen=True)
class Bar:
    shown: Shown
    text: str
    figure: str
    y: float
    x: float
    length: float
    end: float


@dataclass(frozen=True)
class Point:
    text: str
    figure: str
    x: float
    y: float


def draw(answered: Answered) -> Picture | None:
    """None where no column holds numbers."""
    value = answered.place("value", is_number)
    if value is None:
        return None
    date = answered.place("label", is_date, (value,))
    label = date if date is not None else answered.place("label", lambda term: not is_number(term), (value,))
    found = [(row[label] if label is not None else None, number) for row in answered.rows if (number := number_of(row[value])) is not None]
    if not found:
        return None
    is_line = date is not None and all(is_date(term) for term, _ in found if term is not None) and len({term for term, _ in found}) == len(found) > 2
    return _line(answered, sorted(found, key=lambda pair: str(pair[0]))) if is_line else _bars(answered, found)


def _bars(answered: Answered, found: list[tuple[Term | None, Decimal]]) -> Picture:
    kept = found[:_MOST_BARS]
    most, least = max(0, *(number for _, number in kept)) if len(kept) > 1 else max(0, kept[0][1]), min(0, *(number for _, number in kept), 0)
    span = (most - least) or Decimal(1)
    zero = _LABEL + float(-least / span) * _BAR
    bars = []
    for place, (term, number) in enumerate(kept):
        shown, length = answered.shown(term), float(abs(number) / span) * _BAR
        start = zero if number >= 0 else zero - length
        bars.append(Bar(shown, cut(shown.text, 28), _figure(number), place * _STEP, round(start, 1), round(max(length, 1), 1), round(max(start + length, zero), 1)))
    size = {"width": _LABEL + _BAR + _FIGURE, "height": len(bars) * _STEP + 8, "label": _LABEL, "zero": round(zero, 1), "step": _STEP}
    return Picture("bars.svg", {"bars": bars, **size}, len(found) - len(kept))


def _line(answered: Answered, found: list[tuple[Term | None, Decimal]]) -> Picture:
    kept = found[-_MOST_POINTS:]
    most, least = max(number for _, number in kept), min(0, *(number for _, number in kept))
    span = (most - least) or Decimal(1)
    points = []
    for place, (term, number) in enumerate(kept):
        x = 70 + place / (len(kept) - 1) * (_WIDTH - 90)
        points.append(Point(answered.shown(term).text, _figure(number), round(x, 1), round(20 + float((most - number) / span) * (_HEIGHT - 60), 1)))
    size = {"width": _WIDTH, "height": _HEIGHT, "most": _figure(most), "least": _figure(Decimal(least))}
    return Picture("line.svg", {"points": points, **size}, len(found) - len(kept))


def _figure(number: Decimal) -> str:
    """At most four digits after the point, thousands apart."""
    return f"{number.quantize(Decimal('0.0001')):,f}".rstrip("0").rstrip(".") if number != number.to_integral_value() else f"{number.to_integral_value():,f}"
