"""Pictures that are text: figures, a timeline, a board of columns."""

from __future__ import annotations

from itertools import islice

from api.display import Shown
from api.pictures.answer import Answered, Picture, is_date

_MOST_EVENTS, _MOST_IN_A_COLUMN = 100, 50


def figures(answered: Answered) -> Picture:
    """The columns of the first row as large figures; with places, one figure a row."""
    value, label = (answered.place(name, lambda term: False) for name in ("value", "label"))
    if value is not None:
        found = [(answered.shown(row[label]).text if label is not None else "", answered.shown(row[value])) for row in answered.rows[:12]]
        return Picture("figures.html", {"figures": found}, len(answered.rows) - len(found))
    row = answered.rows[0]
    return Picture("figures.html", {"figures": [(answered.variables[column], answered.shown(row[column])) for column in answered.others(set())]})


def timeline(answered: Answered) -> Picture | None:
    """Rows by date, the latest first; None where no column holds dates."""
    date = answered.place("date", is_date)
    if date is None:
        return None
    text = answered.place("text", lambda term: False)
    events = sorted((row for row in answered.rows if row[date] is not None), key=lambda row: row[date].value, reverse=True)
    shown = [(answered.shown(row[date]).text, _others(answered, row, {date}) if text is None else [answered.shown(row[text])]) for row in events[:_MOST_EVENTS]]
    return Picture("timeline.html", {"events": shown}, len(events) - len(shown))


def board(answered: Answered) -> Picture:
    """Rows in columns, by the values of the first variable or of the one that has the place `group`."""
    group = answered.place("group", lambda term: True) or 0
    text = answered.place("text", lambda term: False)
    columns: dict[str, tuple[Shown, list[list[Shown]]]] = {}
    for row in answered.rows:
        head = answered.shown(row[group])
        items = columns.setdefault(head.text, (head, []))[1]
        items.append(_others(answered, row, {group}) if text is None else [answered.shown(row[text])])
    shown = [(head, list(islice(items, _MOST_IN_A_COLUMN)), len(items)) for head, items in columns.values()]
    return Picture("board.html", {"columns": shown}, sum(number - len(items) for _, items, number in shown))


def _others(answered: Answered, row: tuple, besides: set[int]) -> list[Shown]:
    """The other columns, a name that repeats a link's left out."""
    found: list[Shown] = []
    for place in answered.others(besides):
        shown = answered.shown(row[place])
        if row[place] is not None and all(shown.text != one.text for one in found):
            found.append(shown)
    return found
