"""A class diagram as SVG: boxes with lines of text, in layers from top to bottom, and labelled arrows between them.

The layout is our own and small: an arrow leads to a lower layer unless it would close a circle, a layer is ordered by where its
neighbours above stand, and parallel arrows share one line with several labels. Colours come from the style sheet, by class.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_LINE, _SIZE, _PAD = 18, 13, 10  # pixels: a line of text, its letters, the margin in a box
_GAP_X, _GAP_Y, _EDGE = 84, 72, 12  # between boxes beside and under each other; around the picture
_MOST_LABELS = 4  # on one arrow


@dataclass(frozen=True)
class Box:
    """A box: its title, what it links to, the lines under the title; `is_outside` for what another module defines."""

    key: str
    title: str
    href: str | None = None
    lines: tuple[str, ...] = ()
    is_outside: bool = False


@dataclass(frozen=True)
class Arrow:
    """From box to box; `is_subclass` draws the hollow head of a generalization, without a label."""

    source: str
    target: str
    label: str = ""
    is_subclass: bool = False


Point = tuple[float, float]
Area = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass
class _Place:
    box: Box
    width: float
    height: float
    x: float = 0
    y: float = 0

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def width_of(text: str) -> float:
    """Pixels of a text, near enough: an ideograph is as wide as high, other letters a good half."""
    return sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.57 for letter in text) * _SIZE


def diagram(boxes: Sequence[Box], arrows: Iterable[Arrow], title: str) -> str:
    """The picture as an `<svg>` element that says `title` to those who do not see it; empty without boxes.

    >>> diagram([Box("a", "A"), Box("b", "B")], [Arrow("a", "b", "knows")], "two").count("<rect")
    3
    """
    if not boxes:
        return ""
    places: dict = {box.key: _Place(box, *_size(box)) for box in boxes}
    lines: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for arrow in arrows:
        if arrow.source != arrow.target and arrow.source in places and arrow.target in places:
            labels = lines[arrow.source, arrow.target, arrow.is_subclass]
            if arrow.label and arrow.label not in labels:
                labels.append(arrow.label)
    rows = _layers(list(places), [(target, source) if up else (source, target) for source, target, up in lines])
    through = _ways_through(rows, lines)
    for key, labels in through.items():
        places[key] = _Place(Box("", ""), max(map(width_of, labels), default=0) + 8, 0)
    tall = [_between(row, following, lines) for row, following in zip(rows, [*rows[1:], []], strict=True)]
    width = max(sum(places[key].width for key in row) + _GAP_X * (len(row) - 1) for row in rows)
    y = float(_EDGE)
    for row, gap in zip(rows, tall, strict=True):
        x = _EDGE + (width - sum(places[key].width for key in row) - _GAP_X * (len(row) - 1)) / 2
        high = max(places[key].height for key in row)
        for key in row:
            places[key].x, places[key].y = x, y + (high / 2 if key in through else 0)
            x += places[key].width + _GAP_X
        y += high + gap
    height = y - tall[-1] + _EDGE
    width += 2 * _EDGE
    taken = [(place.x, place.y, place.x + place.width, place.y + place.height) for key, place in places.items() if key not in through]
    drawn = [_arrow(places, pair, [key for key in through if key[:3] == pair], labels, pair[:2][::-1] in {other[:2] for other in lines}, taken) for pair, labels in lines.items()]
    shapes = [part for part, _ in drawn] + [_box(place) for key, place in places.items() if key not in through] + [label for _, label in drawn]
    return (
        f'<svg class="diagram" role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" aria-label="{escape(title)}">'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
        '<path class="head" d="M0 0L10 5L0 10z"/></marker><marker id="above" viewBox="0 0 12 12" refX="11" refY="6" markerWidth="12" markerHeight="12" orient="auto">'
        f'<path class="hollow" d="M1 1L11 6L1 11z"/></marker></defs>{"".join(shapes)}</svg>'
    )


def _size(box: Box) -> tuple[float, float]:
    widest = max(width_of(box.title) * 1.1, *(width_of(line) for line in box.lines), 60.0) if box.lines else max(width_of(box.title) * 1.1, 60.0)
    return widest + 2 * _PAD, _LINE * (1 + len(box.lines)) + 2 * _PAD - 4 + (6 if box.lines else 0)


def _between(row: list[str], following: list[str], lines: Mapping[tuple[str, str, bool], list[str]]) -> float:
    """The gap under a row: room for the labels of its arrows."""
    most = max((min(len(labels), _MOST_LABELS + 1) for (source, target, _), labels in lines.items() if source in row or target in row), default=0)
    return _GAP_Y + _LINE * max(0, most - 1) if following else 0


def _layers(keys: list[str], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Rows of keys: each a layer lower than what points to it, circles broken where they close; wide rows are cut in two."""
    below: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        below[source].append(target)
    depth: dict[str, int] = {}

    def visit(key: str, path: tuple[str, ...], level: int) -> None:
        if depth.get(key, -1) >= level:
            return
        depth[key] = level
        for other in below[key]:
            if other not in path and other != key:
                visit(other, (*path, key), level + 1)

    pointed = {target for _, target in pairs}
    for key in [key for key in keys if key not in pointed] + keys:
        if key not in depth:
            visit(key, (), 0)
    above: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        above[target].append(source)
    rows: list[list[str]] = []
    at: dict[str, float] = {}
    for level in sorted(set(depth.values())):
        row = sorted((key for key in keys if depth[key] == level), key=lambda key: sum(at.get(one, 0) for one in above[key]) / max(1, len(above[key])))
        for start in range(0, len(row), 4):
            part = row[start : start + 4]
            rows.append(part)
            at |= {key: place - (len(part) - 1) / 2 for place, key in enumerate(part)}
    return rows


def _ways_through(rows: list[list], lines: Mapping[tuple[str, str, bool], list[str]]) -> dict[tuple, list[str]]:
    """Room in the rows that an arrow crosses, so that it passes between the boxes: put into `rows`, with the labels that may stand there."""
    at = {key: (level, place - (len(row) - 1) / 2) for level, row in enumerate(rows) for place, key in enumerate(row)}
    rooms: dict[tuple, list[str]] = {}
    for pair, labels in lines.items():
        (one, x1), (other, x2) = at[pair[0]], at[pair[1]]
        step = 1 if other > one else -1
        for level in range(one + step, other, step):
            room = (*pair, level)
            at[room] = (level, x1 + (x2 - x1) * (level - one) / (other - one) + (0.3 if x1 + x2 >= 0 else -0.3))
            rooms[room] = labels[:_MOST_LABELS]
            rows[level].append(room)
    for row in rows:
        row.sort(key=lambda key: at[key][1])
    return rooms


def _box(place: _Place) -> str:
    box = place.box
    kind = "outside" if box.is_outside else "inside"
    title = f'<text class="title" x="{place.x + place.width / 2:.0f}" y="{place.y + _PAD + _SIZE:.0f}" text-anchor="middle">{escape(box.title)}</text>'
    if box.href:
        title = f'<a href="{escape(box.href)}">{title}</a>'
    rule = f'<path class="rule" d="M{place.x:.0f} {place.y + _LINE + _PAD + 2:.0f}h{place.width:.0f}"/>' if box.lines else ""
    lines = "".join(
        f'<text x="{place.x + _PAD:.0f}" y="{place.y + _PAD + _SIZE + 6 + _LINE * number:.0f}">{escape(line)}</text>' for number, line in enumerate(box.lines, start=1)
    )
    return f'<rect class="{kind}" x="{place.x:.0f}" y="{place.y:.0f}" width="{place.width:.0f}" height="{place.height:.0f}" rx="5"/>{rule}{title}{lines}'


def _arrow(places: Mapping, pair: tuple[str, str, bool], through: list, labels: list[str], goes_back: bool, taken: list[Area]) -> tuple[str, str]:
    """The line of an arrow, by way of what it goes through, and its labels, which are drawn over everything else."""
    source, target, is_subclass = pair
    middles = [places[key].middle for key in (source, *through, target)]
    if goes_back:  # two arrows against each other stand apart
        flat = abs(middles[0][1] - middles[-1][1]) < 1
        middles = [(x, y + 14) if flat else (x + 14, y) for x, y in middles]
    start, end = _border(places[source], *middles[0], *middles[1]), _border(places[target], *middles[-1], *middles[-2])
    points = [start, *middles[1:-1], end]
    way = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
    line = f'<path class="line" d="M{way}" marker-end="url(#{"above" if is_subclass else "arrow"})"/>'
    shown = labels if len(labels) <= _MOST_LABELS + 1 else [*labels[:_MOST_LABELS], f"+ {len(labels) - _MOST_LABELS}"]
    if not shown:
        return line, ""
    wide, high = max(map(width_of, shown)) + 8, float(_LINE * len(shown))
    areas = [(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2) for x, y in _spots(points)]
    area = min(areas, key=lambda area: sum(_overlap(area, other) for other in taken))
    taken.append(area)
    x, y = area[0] + wide / 2, area[1]
    words = "".join(
        f'<text class="label" x="{x:.0f}" y="{y + _SIZE + _LINE * number:.0f}" text-anchor="middle">{escape(text)}</text>' for number, text in enumerate(shown)
    )
    return line, f'<rect class="behind" x="{area[0]:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{high:.0f}"/>{words}'


def _spots(points: list[Point]) -> list[Point]:
    """Where labels could stand along a line, the best first: on a bend, then near the middle of a part."""
    found = points[1:-1]
    for (x1, y1), (x2, y2) in pairwise(points):
        found += [(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part) for part in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)]
    return found


def _overlap(one: Area, other: Area) -> float:
    return max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))


def _border(place: _Place, x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """Where the line from (x, y) inside the box to the other point leaves it."""
    dx, dy = to_x - x, to_y - y
    reaches = [1.0]
    if dx:
        reaches.append(((place.x + place.width if dx > 0 else place.x) - x) / dx)
    if dy:
        reaches.append(((place.y + place.height if dy > 0 else place.y) - y) / dy)
    part = min(reach for reach in reaches if reach >= 0)
    return x + dx * part, y + dy * part
