"""Shares held in each other: integrated (through others, loops counted right) and accumulated over simple paths.

W(i, j) is the part of j that i holds itself. With V = (I − W)⁻¹, the integrated share of i in j is V(i, j) / V(i, i): what
flows to i over all walks that do not pass through i again (Baldone, Brioschi, Paleari 1998). Parts that j holds of itself
are cancelled by that. Only what stands above a target is looked at: (I − W) is inverted within each strongly connected
component, and between components walks are finite.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from kg.analytics.model import NODE, NUMBER, Column, Nodes, Numbers, Parameter, Result, Table
from kg.analytics.registry import algorithm
from kg.errors import MeasureError

_DENSE = 1_000  # nodes of a component up to which its inverse is kept
_TOGETHER = 20_000  # targets that are solved for at once
_SLACK = 1e-6  # of the whole: what sums of rounded shares may exceed it by

_COLUMNS = (
    Column("owner", NODE, "who holds"),
    Column("owned", NODE, "what is held"),
    Column("share", NUMBER, "how much of it"),
    Column("target", NODE, "of which nodes owners are asked; all that are held, where the column is left out", is_required=False, may_be_missing=True),
    Column("source", NODE, "of which nodes the shares are asked; all, where the column is left out", is_required=False, may_be_missing=True),
)
_RESULTS = {
    "owner": "who has a share", "owned": "in what", "share": "the whole share, in the unit of the rows", "direct": "what it holds itself",
    "indirect": "what it holds through others", "paths": "the part of it that counts each chain of holders once: over simple paths",
}  # fmt: skip
_PARAMETERS = (
    Parameter("whole", 1.0, "the share that is all of something: 1, or 100 for percentages", least=1e-9),
    Parameter("least", 0.0, "shares below it, in the unit of the rows, are not written", least=0),
    Parameter("shortest", 1e-4, "simple paths whose product is below this part of the whole are not followed", least=1e-9, most=1),
    Parameter("digits", 4, "fraction digits of the results", int, least=0, most=12),
)


@algorithm("integrated-ownership", version=1, columns=_COLUMNS, parameters=_PARAMETERS, results=_RESULTS, key=("owner", "owned"), value="share")
def integrated_ownership(table: Table, parameters: Mapping[str, object]) -> Result:
    """What each node has of another, itself and through others: integrated shares, right where holdings run in circles, and beside
    them the shares accumulated over simple paths."""
    whole, least, digits = float(parameters["whole"]), float(parameters["least"]), int(parameters["digits"])
    stakes = _stakes(table, whole)
    targets = _asked(table, "target", np.unique(stakes.tocoo().col))
    shares = Shares(stakes)
    owner, owned, share = shares.integrated(targets, least / whole)
    wanted = np.isin(owner, _asked(table, "source", owner)) & (owner != owned)
    owner, owned, share = owner[wanted], owned[wanted], share[wanted]
    direct = np.asarray(stakes[owner, owned]).ravel() if len(owner) else np.zeros(0)
    paths = shares.accumulated(owner, owned, share, float(parameters["shortest"]))
    order = np.lexsort((owned, owner))
    numbers = {"share": share, "direct": direct, "indirect": np.maximum(share - direct, 0), "paths": paths}
    columns = {"owner": Nodes(owner[order]), "owned": Nodes(owned[order])}
    columns |= {name: Numbers(values[order] * whole, digits) for name, values in numbers.items()}
    loops = int((shares.sizes > 1).sum())
    found = {
        "en": (f"{stakes.nnz:,} shares between {stakes.shape[0]:,} nodes; {loops:,} circles of holdings, the largest of {int(shares.sizes.max()):,}",),
        "zh": (f"{stakes.shape[0]:,} 个节点之间有 {stakes.nnz:,} 笔持股；{loops:,} 个循环持股圈，最大的含 {int(shares.sizes.max()):,} 个节点",),
    }
    return Result(columns, found, tuple(shares.warnings(table)))


def _stakes(table: Table, whole: float) -> sparse.csr_array:
    owner, owned, share = table.columns["owner"], table.columns["owned"], table.columns["share"] / whole
    wrong = np.flatnonzero((share < 0) | (share > 1 + _SLACK))
    if len(wrong):
        value = table.columns["share"][wrong[0]]
        raise MeasureError("A108", f"a share of {value:g} is not between 0 and {whole:g}", help="set whole to what all of something is in your rows, or correct the row")
    size = len(table.nodes)
    return sparse.csr_array(sparse.coo_array((share, (owner, owned)), shape=(size, size)))


def _asked(table: Table, name: str, otherwise: np.ndarray) -> np.ndarray:
    if name not in table.columns:
        return otherwise
    places = table.columns[name]
    return np.unique(places[places >= 0])


class Shares:
    """The shares of a network of holdings, its components taken apart once."""

    def __init__(self, stakes: sparse.csr_array) -> None:
        self.stakes, self.holders = stakes, stakes.T.tocsr()
        _, self.component = connected_components(stakes, directed=True, connection="strong")
        self.sizes = np.bincount(self.component)
        loop = stakes.diagonal() > 0
        self._inner = np.flatnonzero((self.sizes[self.component] > 1) | loop)  # nodes from which a walk may come back
        self.closed: list[np.ndarray] = []  # circles that hold all of themselves: nobody outside has a part
        self._within, self._large, self._returns = self._inverted()
        coo = stakes.tocoo()
        between = (self.component[coo.row] != self.component[coo.col])
        self._between = sparse.csr_array(sparse.coo_array((coo.data[between], (coo.row[between], coo.col[between])), shape=stakes.shape))

    def _inverted(self) -> tuple[sparse.csr_array, list[tuple[np.ndarray, SuperLU]], np.ndarray]:
        """(I − W)⁻¹ within small components, as one matrix; the large ones factored; V(i, i) of all nodes."""
        count = self.stakes.shape[0]
        returns, large = np.ones(count), []
        inner = self._inner[np.argsort(self.component[self._inner], kind="stable")]
        trivial = np.setdiff1d(np.arange(count), inner)
        rows, columns, values = [trivial], [trivial], [np.ones(len(trivial))]
        stakes = self.stakes[inner][:, inner].tocsr() if len(inner) else sparse.csr_array((0, 0))
        starts = np.flatnonzero(np.r_[True, np.diff(self.component[inner]) != 0]) if len(inner) else np.zeros(0, int)
        ends = np.r_[starts[1:], len(inner)]
        for size in np.unique(ends - starts).tolist():
            first = starts[ends - starts == size]
            if size > _DENSE:
                for begin in first.tolist():
                    nodes = inner[begin : begin + size]
                    factored = splu(sparse.eye_array(size, format="csc") - stakes[begin : begin + size][:, begin : begin + size].tocsc())
                    large.append((nodes, factored))
                    returns[nodes] = _diagonal(factored, size)
                continue
            nodes = inner[first[:, None] + np.arange(size)]
            inverses = self._inverses(stakes, first, nodes)
            returns[nodes] = np.diagonal(inverses, axis1=1, axis2=2)
            rows.append(np.repeat(nodes, size, axis=1).ravel())
            columns.append(np.tile(nodes, size).ravel())
            values.append(inverses.ravel())
        within = sparse.coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=self.stakes.shape)
        return sparse.csr_array(within), large, returns

    def _inverses(self, stakes: sparse.csr_array, first: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """The inverses of components of one size, which begin at `first` in `stakes`; I for those that hold all of themselves."""
        size = nodes.shape[1]
        coo = stakes.tocoo()
        number = np.searchsorted(first, coo.row, side="right") - 1
        here = (number >= 0) & (coo.row < first[number] + size) & (coo.col >= first[number]) & (coo.col < first[number] + size)
        systems = np.tile(np.eye(size), (len(first), 1, 1))
        np.subtract.at(systems, (number[here], coo.row[here] - first[number[here]], coo.col[here] - first[number[here]]), coo.data[here])
        is_closed = np.abs(np.linalg.det(systems)) < 1e-10 if size < 50 else np.linalg.cond(systems) > 1e10
        self.closed += list(nodes[is_closed])
        systems[is_closed] = np.eye(size)  # told as a warning; what they hold directly stays
        return np.linalg.inv(systems)

    def warnings(self, table: Table) -> list[str]:
        """What is wrong with the rows: nodes of which more than the whole is held, circles that nobody outside has a part of."""
        held = np.asarray(self.stakes.sum(axis=0)).ravel()
        found = []
        if (over := held > 1 + _SLACK).any():
            found.append(f"of {int(over.sum()):,} nodes more than the whole is held")
        if self.closed:
            found.append(f"{len(self.closed):,} circles hold all of themselves; their shares are those held directly")
        return found

    def integrated(self, targets: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(owner, target, share) of all shares above 0 and of at least `least` in the targets."""
        found = [self._integrated(targets[i : i + _TOGETHER], least) for i in range(0, len(targets), _TOGETHER)]
        owner, owned, share = (np.concatenate([one[i] for one in found]) if found else np.zeros(0, float if i == 2 else np.int64) for i in range(3))
        return owner, owned, share

    def _integrated(self, targets: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        above = self._above(targets)
        place = np.full(self.stakes.shape[0], -1)
        place[above] = np.arange(len(above))
        within, between = self._within[above][:, above], self._between[above][:, above]
        unit = sparse.coo_array((np.ones(len(targets)), (place[targets], np.arange(len(targets)))), shape=(len(above), len(targets)))
        step = self._spread(within, sparse.csr_array(unit), place)
        total = step
        while step.nnz:
            step = self._spread(within, between @ step, place)
            total = total + step
        coo = total.tocoo()
        share = coo.data / self._returns[above[coo.row]]
        owner, owned = above[coo.row], targets[coo.col]
        kept = (share >= max(least, 1e-12)) & (owner != owned)
        return owner[kept], owned[kept], share[kept]

    def _spread(self, within: sparse.csr_array, step: sparse.csr_array, place: np.ndarray) -> sparse.csr_array:
        """Walks within components, after a step between them."""
        spread = sparse.csr_array(within @ step)
        for nodes, factored in self._large:
            here = place[nodes]
            if (here < 0).any() or not (block := sparse.csc_array(step[here])).nnz:
                continue
            columns = np.flatnonzero(np.diff(block.indptr))
            solved = sparse.coo_array(factored.solve(block[:, columns].toarray()))
            moved = sparse.coo_array((solved.data, (here[solved.row], columns[solved.col])), shape=spread.shape)
            spread = spread + sparse.csr_array(moved)
        return spread

    def _above(self, targets: np.ndarray) -> np.ndarray:
        """The targets and all from which a chain of holdings leads to them."""
        seen = np.zeros(self.stakes.shape[0], bool)
        seen[targets] = True
        holders, frontier = self.holders, targets
        while len(frontier):
            reached = np.unique(holders[frontier].indices)
            frontier = reached[~seen[reached]]
            seen[frontier] = True
        return np.flatnonzero(seen)

    # ── Simple paths ─────────────────────────────────────────────────────────────────────────────────────────

    def accumulated(self, owner: np.ndarray, owned: np.ndarray, share: np.ndarray, shortest: float) -> np.ndarray:
        """The sum over simple paths of the products of shares. Where no circle stands above a target, that is the integrated share."""
        accumulated = share.copy()
        circled = np.zeros(self.stakes.shape[0], bool)
        if len(self._inner):
            below = self._below(self._inner)
            circled[below] = True
        rows = np.flatnonzero(circled[owned])
        by_target = rows[np.argsort(owned[rows], kind="stable")]
        sorted_targets = owned[by_target]
        for target in np.unique(owned[rows]).tolist():
            sums = _simple_paths(self.holders, target, shortest)
            mine = by_target[np.searchsorted(sorted_targets, target) : np.searchsorted(sorted_targets, target, side="right")]
            accumulated[mine] = [sums.get(one, 0.0) for one in owner[mine].tolist()]
        return accumulated

    def _below(self, nodes: np.ndarray) -> np.ndarray:
        seen = np.zeros(self.stakes.shape[0], bool)
        seen[nodes] = True
        frontier = nodes
        while len(frontier):
            reached = np.unique(self.stakes[frontier].indices)
            frontier = reached[~seen[reached]]
            seen[frontier] = True
        return np.flatnonzero(seen)


def _diagonal(factored: SuperLU, size: int) -> np.ndarray:
    found = np.zeros(size)
    for begin in range(0, size, 500):
        unit = np.zeros((size, min(500, size - begin)))
        places = np.arange(unit.shape[1])
        unit[begin + places, places] = 1
        found[begin + places] = factored.solve(unit)[begin + places, places]
    return found


def _simple_paths(holders: sparse.csr_array, target: int, shortest: float) -> dict[int, float]:
    """By owner, the sum of the products over simple paths to the target, those below `shortest` left out."""
    sums: dict[int, float] = {}
    indptr, indices, data = holders.indptr, holders.indices, holders.data
    stack: list[tuple[int, float, frozenset[int]]] = [(target, 1.0, frozenset((target,)))]
    while stack:
        node, product, path = stack.pop()
        for place in range(indptr[node], indptr[node + 1]):
            holder, part = int(indices[place]), product * float(data[place])
            if holder in path or part < shortest:
                continue
            sums[holder] = sums.get(holder, 0.0) + part
            stack.append((holder, part, path | {holder}))
    return sums
