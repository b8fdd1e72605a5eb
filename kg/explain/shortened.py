"""A long proof made readable: the first steps of a chain of rules, how many are left out, and the last ones down to the facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

# Rules deep that a proof is shown from its top, and from its bottom, where it is deeper than both together.
FIRST, LAST = 10, 5


def shortened(proof: Any) -> Any:
    """The proof itself where it is not deep; else one of at most FIRST + LAST + 1 rules, with nodes of kind `skipped`."""
    heights = _heights(proof)
    if heights[id(proof)] <= FIRST + LAST + 1:
        return proof
    return _down_to(proof, FIRST, heights)


def _heights(proof: Any) -> dict[int, int]:
    """How many rules deep each inferred node is, by its id()."""
    order, waiting = [], [proof]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.below()
        waiting += node.others
    heights: dict[int, int] = {}
    for node in reversed(order):
        below = max((heights[id(one)] for one in (*node.below(), *node.others)), default=0)
        heights[id(node)] = below + 1 if node.kind == "inferred" else 0
    return heights


def _down_to(proof: Any, depth: int, heights: dict[int, int]) -> Any:
    if proof.kind != "inferred" or heights[id(proof)] <= depth + LAST + 1:
        return proof
    if depth == 0:
        bottom, skipped = proof, 0
        while heights[id(bottom)] > LAST:
            bottom, skipped = max(bottom.below(), key=lambda one: heights[id(one)]), skipped + 1
        return replace(proof, kind="skipped", skipped=skipped, premises=(bottom,), totals=(), others=())

    def lower(nodes: tuple) -> tuple:
        return tuple(_down_to(node, depth - 1, heights) for node in nodes)

    totals = tuple(replace(total, parts=tuple(replace(part, premises=lower(part.premises)) for part in total.parts)) for total in proof.totals)
    return replace(proof, premises=lower(proof.premises), totals=totals, others=lower(proof.others))
