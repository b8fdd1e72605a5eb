"""Rules whose own conclusions may undo their conditions, run as SHACL-AF says: in their order, nothing ever taken back.

Such rules have no stratified meaning. Each is applied to what is known at that moment, those of smaller `order` first;
when all have been applied they begin again, until a whole pass finds nothing. Every application is a round of its own, so
the proof of a conclusion speaks of what was known before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kg.reasoner.model import Rule
from kg.reasoner.watch import Watch
from kg.sparql import algebra as a


def run_in_order(rules: Sequence[Rule], apply: Callable[[Rule, int], int], watch: Watch, most: int) -> tuple[int, int]:
    """`apply(rule, round)` concludes what the rule finds, with rounds from 0 to `most`; returns (triples, rounds)."""
    ordered = sorted(rules, key=lambda rule: rule.order)
    makes_values = any(isinstance(element, a.SetElement) for rule in rules for element in rule.body)
    total = rounds = passes = 0
    while True:
        found = 0
        for rule in ordered:
            found += apply(rule, rounds)
            rounds += 1
            watch.check(rule, rounds)
        total, passes = total + found, passes + 1
        if not found:
            return total, rounds
        if (makes_values and passes > watch.new_value_rounds) or rounds + len(ordered) > most:
            raise ordered[0].error(
                "R210", f"still makes new values after {passes} rounds, so it seems never to end",
                "bound the value by a condition, or compute it from asserted facts only")  # fmt: skip
