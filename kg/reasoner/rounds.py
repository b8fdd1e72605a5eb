"""Rounds: the numbers that order conclusions, so that a premise always has a smaller one than what rests on it.

Each level of strata has a range of rounds of its own. A stratum that is done again later stays within its range, so
whatever rests on it keeps its round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kg.reasoner.stratify import Stratum

# Rounds that a level has where there are few levels: more than any recursion takes, even after thousands of changes.
SPAN = 1_000_000
_GREATEST = 2**31 - 1


@dataclass(frozen=True)
class Rounds:
    """The rounds of a program: level L has those from L · span + 1 to (L + 1) · span."""

    span: int

    def first(self, stratum: Stratum) -> int:
        return stratum.level * self.span + 1

    def last(self, stratum: Stratum) -> int:
        return (stratum.level + 1) * self.span


def rounds_of(strata: Sequence[Stratum]) -> Rounds:
    """
    >>> rounds_of([Stratum((), True, 2)]).first(Stratum((), True, 2))
    2000001
    """
    levels = max((stratum.level for stratum in strata), default=0) + 1
    return Rounds(min(SPAN, _GREATEST // levels))
