"""Node-link pictures in layers: sources first, the thing whose page it is marked; at most 200 nodes."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from itertools import pairwise

import igraph
from pyoxigraph import NamedNode

from api.display import Shown
from api.pictures.answer import Answered, Picture, cut, is_number, is_thing
from kg.terms import Term

MOST_NODES = 200
_WIDTH, _HEIGHT = 176, 34  # of a node, in pixels
_ACROSS, _BETWEEN = 24, 64  # gaps: inside a layer, between layers
_MOST_ABREAST = 6  # nodes of a layer side by side; with more, layers become columns
_PAPER = 1160  # parts that hang together stand side by side up to this width
_MARGIN = 12


@dataclass(frozen=True)
class Node:
    shown: Shown
    text: str
    x: float
    y: float
    is_focus: bool


@dataclass(frozen=True)
class Edge:
    """A curve from the border of a node to that of another, and the words at its middle."""

    path: str
    text: str
    x: float
    y: float


def draw(answered: Answered, focus: NamedNode | None) -> Picture | None:
    """The graph whose edges are the rows, or of which each row is a path; None where no two columns hold things."""
    found = _links(answered)
    if found is None:
        return None
    links, alone = found
    everything = list(dict.fromkeys([*(term for pair in links for term in pair), *alone]))
    kept = _nearest(everything, links, focus)
    placed, parts, width, height = {}, _parts(kept, links), 0.0, 0.0
    row_x = row_y = row_height = 0.0
    for part in parts:
        positions, is_across, part_width, part_height = _laid_out(part, links)
        if row_x and row_x + part_width > _PAPER:
            row_x, row_y, row_height = 0.0, row_y + row_height + _BETWEEN / 2, 0.0
        placed |= {term: (x + row_x, y + row_y, is_across) for term, (x, y) in positions.items()}
        row_x += part_width + _ACROSS * 2
        row_height = max(row_height, part_height)
        width, height = max(width, row_x), max(height, row_y + row_height)
    nodes = [_node(answered.shown(term), x, y, term == focus) for term, (x, y, _) in placed.items()]
    starts, ends_ = Counter(one for one, _ in links), Counter(other for _, other in links)
    edges = [
        _edge(placed[one], placed[other], " · ".join(texts[:3]), starts[one] > ends_[other])
        for (one, other), texts in links.items() if one in placed and other in placed
    ]  # fmt: skip
    size = {"width": round(width - _ACROSS * 2 + 2 * _MARGIN), "height": round(height + 2 * _MARGIN), "margin": _MARGIN}
    return Picture("network.svg", {"nodes": nodes, "edges": edges, "node_width": _WIDTH, "node_height": _HEIGHT, **size}, len(everything) - len(kept))


def _links(answered: Answered) -> tuple[dict[tuple[Term, Term], list[str]], list[Term]] | None:
    """Pairs of things with the words at their arrow, and things without a partner."""
    path, words = answered.places("path"), answered.places("label")
    if not path:
        start = answered.place("from", is_thing)
        end = answered.place("to", is_thing, (start,))
        if start is None or end is None:
            return None
        path = [start, end]
        number = answered.place("label", is_number, (start, end)) if not words else None
        words = words or ([] if number is None else [number])
    links: dict[tuple[Term, Term], list[str]] = {}
    alone: list[Term] = []
    for row in answered.rows:
        ends = [row[column] for column in path if row[column] is not None]
        texts = [answered.shown(row[column]).text for column in words if row[column] is not None]
        alone += ends if len(ends) == 1 else []
        for place, pair in enumerate(pairwise(ends)):
            known = links.setdefault(pair, [])
            if place < len(texts) and texts[place] not in known:
                known.append(texts[place])
    return links, alone


def _nearest(everything: list[Term], links: dict[tuple[Term, Term], list[str]], focus: NamedNode | None) -> list[Term]:
    """As many as there is room for: those nearest to the focus, or the first."""
    if len(everything) <= MOST_NODES:
        return everything
    around: dict[Term, list[Term]] = {}
    for one, other in links:
        around.setdefault(one, []).append(other)
        around.setdefault(other, []).append(one)
    found: dict[Term, None] = {}
    for begin in ([focus] if focus in around else []) + everything:
        queue = deque([begin])
        while queue and len(found) < MOST_NODES:
            term = queue.popleft()
            if term not in found:
                found[term] = None
                queue += around.get(term, [])
        if len(found) == MOST_NODES:
            break
    return list(found)


def _parts(terms: list[Term], links: dict[tuple[Term, Term], list[str]]) -> list[list[Term]]:
    """What hangs together, the largest first."""
    number = {term: place for place, term in enumerate(terms)}
    edges = [(number[one], number[other]) for one, other in links if one in number and other in number]
    return sorted(([terms[place] for place in part] for part in igraph.Graph(len(terms), edges).connected_components()), key=len, reverse=True)


def _laid_out(part: list[Term], links: dict[tuple[Term, Term], list[str]]) -> tuple[dict[Term, tuple[float, float]], bool, float, float]:
    """Where each node's upper left corner is; whether layers are columns; width and height (Sugiyama's layers)."""
    number = {term: place for place, term in enumerate(part)}
    edges = [(number[one], number[other]) for one, other in links if one in number and other in number and one != other]
    layout = igraph.Graph(len(part), edges, directed=True).layout_sugiyama(hgap=1, vgap=1).coords[: len(part)]
    layers: dict[int, list[int]] = {}
    for place in sorted(range(len(part)), key=lambda place: (layout[place][1], layout[place][0], place)):
        layers.setdefault(round(layout[place][1]), []).append(place)
    widest = max(map(len, layers.values()))
    is_across = widest > _MOST_ABREAST
    along, step = (_HEIGHT + _ACROSS / 2, _WIDTH + _BETWEEN * 1.5) if is_across else (_WIDTH + _ACROSS, _HEIGHT + _BETWEEN)
    positions = {}
    for depth, key in enumerate(sorted(layers)):
        begin = (widest - len(layers[key])) / 2
        for order, place in enumerate(layers[key]):
            one, other = (begin + order) * along, depth * step
            positions[part[place]] = (other, one) if is_across else (one, other)
    long = widest * along - (along - (_HEIGHT if is_across else _WIDTH))
    deep = (len(layers) - 1) * step + (_WIDTH if is_across else _HEIGHT)
    return positions, is_across, deep if is_across else long, long if is_across else deep


def _node(shown: Shown, x: float, y: float, is_focus: bool) -> Node:
    return Node(shown, cut(shown.text, 24), round(x, 1), round(y, 1), is_focus)


def _edge(one: tuple[float, float, bool], other: tuple[float, float, bool], text: str, is_fan: bool) -> Edge:
    """The words stand nearer to the end that fewer edges share: `is_fan` says that more start together than end together."""
    (x1, y1, is_across), (x2, y2, _) = one, other
    if (x1, y1) == (x2, y2):  # of a node to itself
        x, y = x1 + _WIDTH, y1 + _HEIGHT / 2
        return Edge(f"M{x - 20:.1f},{y1:.1f} C{x - 10:.1f},{y1 - 26:.1f} {x + 26:.1f},{y1 - 10:.1f} {x:.1f},{y:.1f}", text, x + 8, y1 - 8)
    if is_across:
        forward = x2 > x1
        begin, end = (x1 + (_WIDTH if forward else 0), y1 + _HEIGHT / 2), (x2 + (0 if forward else _WIDTH), y2 + _HEIGHT / 2)
        bend = (end[0] - begin[0]) / 2 if x1 != x2 else 40.0
        middle = f"C{begin[0] + bend:.1f},{begin[1]:.1f} {end[0] - bend:.1f},{end[1]:.1f}"
    else:
        forward = y2 > y1
        begin, end = (x1 + _WIDTH / 2, y1 + (_HEIGHT if forward else 0)), (x2 + _WIDTH / 2, y2 + (0 if forward else _HEIGHT))
        bend = (end[1] - begin[1]) / 2 if y1 != y2 else 40.0
        middle = f"C{begin[0]:.1f},{begin[1] + bend:.1f} {end[0]:.1f},{end[1] - bend:.1f}"
    at = 0.75 if is_fan else 0.25
    part = at * at * (3 - 2 * at)  # how far a curve has gone aside when it has gone `at` of its way
    along, aside = (at, part) if is_across else (part, at)
    x, y = begin[0] + (end[0] - begin[0]) * along, begin[1] + (end[1] - begin[1]) * aside
    return Edge(f"M{begin[0]:.1f},{begin[1]:.1f} {middle} {end[0]:.1f},{end[1]:.1f}", text, round(x, 1), round(y, 1))
