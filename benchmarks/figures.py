"""One measured figure beside its peer, as a line of text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TextIO

_WIDTH = 34


@dataclass(frozen=True)
class Figure:
    """`peer` says who and how; `peer_value` is in the same unit; `is_more_better` turns the ratio round."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    is_more_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if not self.peer_value or not self.value:
            return None
        return self.value / self.peer_value if self.is_more_better else self.peer_value / self.value

    def __str__(self) -> str:
        peer = self.peer if self.peer_value is None else f"{self.peer}: {_number(self.peer_value)}"
        ratio = "" if self.ratio is None else f"{_number(self.ratio)}×"
        return "\t".join([self.name.ljust(_WIDTH), _number(self.value).rjust(10), self.unit.ljust(10), peer or "-", ratio or "-"])


def _number(value: float) -> str:
    """Three significant digits, whole numbers from 100 on.

    >>> _number(0.01234), _number(12.34), _number(1234567.8)
    ('0.0123', '12.3', '1,234,568')
    """
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:.3g}"


class Report:
    """Where figures go as soon as they are measured."""

    def __init__(self, text: TextIO, lines: TextIO | None = None) -> None:
        self._text, self._lines = text, lines
        self.figures: list[Figure] = []

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure, file=self._text, flush=True)
        if self._lines is not None:
            print(json.dumps(asdict(figure) | {"ratio": figure.ratio}, ensure_ascii=False), file=self._lines, flush=True)
