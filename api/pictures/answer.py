"""The rows of an answer as pictures see them: which column takes which place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pyoxigraph import BlankNode, Literal, NamedNode

from api.display import XSD, Display, Shown
from api.request_errors import WebError
from kg.saved_queries import Show
from kg.terms import Term

_DATE = re.compile(r"-?\d{4,}(-\d\d(-\d\d)?)?")


@dataclass(frozen=True)
class Picture:
    """What a template of `pictures/` draws: its name, and its values by name; `left_out` counts what found no room."""

    template: str
    values: dict[str, object]
    left_out: int = 0


@dataclass(frozen=True)
class Answered:
    """An answer, and the columns that its query gives the places of a picture; after `own` columns come the query's parameters."""

    variables: tuple[str, ...]
    rows: tuple[tuple[Term | None, ...], ...]
    display: Display
    show: Show
    own: int

    def place(self, name: str, is_fit: Callable[[Term], bool], besides: tuple[int | None, ...] = ()) -> int | None:
        """The column that takes a place: the one named in `#+ show:`, else the first whose values all fit."""
        variable = self.show.columns.get(name)
        if variable is not None:
            return self._column(variable)
        for column in range(self.own):
            if column not in besides and self._all_fit(column, is_fit):
                return column
        return None

    def places(self, name: str) -> list[int]:
        """The columns of a place that takes several, such as path=first,second,third."""
        return [self._column(variable) for variable in self.show.columns.get(name, "").split(",") if variable]

    def others(self, besides: set[int]) -> list[int]:
        """The query's own columns but some."""
        return [column for column in range(self.own) if column not in besides]

    def _column(self, variable: str) -> int:
        if variable not in self.variables:
            known = ", ".join(f"?{one}" for one in self.variables)
            raise WebError("W120", f"#+ show: {self.show} names ?{variable}, which the query does not return", status=500, help=f"it returns {known}")
        return self.variables.index(variable)

    def _all_fit(self, column: int, is_fit: Callable[[Term], bool]) -> bool:
        values = [row[column] for row in self.rows if row[column] is not None]
        return bool(values) and all(map(is_fit, values))

    def shown(self, term: Term | None) -> Shown:
        return self.display.show(term)


def is_thing(term: Term) -> bool:
    return isinstance(term, NamedNode | BlankNode)


def is_number(term: Term) -> bool:
    return number_of(term) is not None


def is_date(term: Term) -> bool:
    return (isinstance(term, Literal) and term.datatype.value.removeprefix(XSD) in ("date", "dateTime", "gYear", "gYearMonth")) or (
        isinstance(term, Literal) and not is_number(term) and _DATE.fullmatch(term.value) is not None
    )


def number_of(term: Term | None) -> Decimal | None:
    """A numeric literal's value; None for every other term, and for INF and NaN."""
    if not isinstance(term, Literal) or not term.datatype.value.startswith(XSD) or term.datatype.value == XSD + "string":
        return None
    try:
        value = Decimal(term.value)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def width_of(text: str) -> int:
    """How many columns a text is wide; characters of East Asia take two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def cut(text: str, columns: int) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    if width_of(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width_of(kept + character) > columns - 1:
            break
        kept += character
    return kept.rstrip() + "…"
