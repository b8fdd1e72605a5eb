"""Recommendation: items that go with what a user holds, that tied users hold, and that many hold, with what speaks for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from kg.analytics.model import NODE, NUMBER, Column, Nodes, Numbers, Parameter, Result, Several, Table, Texts
from kg.analytics.registry import algorithm

_AT_ONCE = 20_000  # users scored together


@dataclass(frozen=True)
class Holdings:
    """Who holds what (`holds`, users by items), who is tied to whom (`ties`), what is barred from and what suits whom."""

    users: np.ndarray
    items: np.ndarray
    holds: sparse.csr_array
    ties: sparse.csr_array
    barred: sparse.csr_array
    suits: sparse.csr_array


@algorithm(
    "recommendation", version=1, key=("user", "item"), value="item",
    columns=(
        Column("user", NODE, "to whom items are to be offered"), Column("item", NODE, "an item that the user holds", may_be_missing=True),
        Column("tied", NODE, "another user to whom this one is tied, in rows of their own", is_required=False, may_be_missing=True),
        Column("weight", NUMBER, "how strongly it holds, or is tied", is_required=False, may_be_missing=True),
        Column("barred", NODE, "an item that must not be offered to the user", is_required=False, may_be_missing=True),
        Column("suited", NODE, "an item that suits the user particularly", is_required=False, may_be_missing=True),
        Column("candidate", NODE, "an item that may be offered at all, in rows of any user; default: every item held", is_required=False, may_be_missing=True),
    ),
    parameters=(
        Parameter("number", 5, "items for each user", int, least=1, most=100), Parameter("alike", 1.0, "weight of items that go with what the user holds (cosine of holders)", least=0),
        Parameter("ties", 1.0, "weight of what tied users hold", least=0), Parameter("popular", 0.1, "weight of what many hold", least=0),
        Parameter("suiting", 0.2, "what is added for an item that suits", least=0), Parameter("least", 0.0, "lower scores are not written", least=0),
    ),
    results={
        "user": "a user", "item": "what to offer", "score": "how much speaks for it", "rank": "1 for the best", "alike": "the part of the score from items that go with it", "ties": "that from tied users",
        "because": "held items that it goes with, up to three (several)", "through": "tied users that hold it, up to three (several)", "reason": "the reason in words, in English and Chinese",
    },
)  # fmt: skip
def recommendation(table: Table, parameters: Mapping[str, object]) -> Result:
    """Items for each user that it does not hold and that are not barred: by what goes with its own, by tied users, by popularity, with reasons."""
    data = holdings_of(table)
    weights = {name: float(parameters[name]) for name in ("alike", "ties", "popular", "suiting")}
    parts = [_best(data, slice(begin, begin + _AT_ONCE), weights, int(parameters["number"]), float(parameters["least"])) for begin in range(0, len(data.users), _AT_ONCE)]
    user, item, score, alike, ties, rank = (np.concatenate([part[place] for part in parts]) for place in range(6))
    because, through = _reasons(data, user, item)
    columns = {
        "user": Nodes(data.users[user]), "item": Nodes(data.items[item]), "score": Numbers(score), "rank": Numbers(rank.astype(float), 0), "alike": Numbers(alike), "ties": Numbers(ties),
        "because": Several(because[0], Nodes(data.items[because[1]])), "through": Several(through[0], Nodes(data.users[through[1]])), "reason": _words(data, user, item, alike, ties),
    }  # fmt: skip
    found = {"en": (f"{len(data.users):,} users, {len(data.items):,} items, {data.holds.nnz:,} holdings, {data.ties.nnz:,} ties; {len(user):,} items offered",),
             "zh": (f"{len(data.users):,} 个用户，{len(data.items):,} 种产品，{data.holds.nnz:,} 笔持有，{data.ties.nnz:,} 条关联；推荐 {len(user):,} 项",)}  # fmt: skip
    return Result(columns, found)


def holdings_of(table: Table) -> Holdings:
    user, item = table.columns["user"], table.columns["item"]
    nothing = np.full(len(user), -1)
    given = {name: table.columns.get(name, nothing) for name in ("tied", "barred", "suited", "candidate")}
    users = np.unique(user)
    items = np.unique(np.concatenate([item[item >= 0], given["candidate"][given["candidate"] >= 0]]))
    weight = np.nan_to_num(table.columns.get("weight", np.ones(len(user))), nan=1.0)

    def matrix(others: np.ndarray, axis: np.ndarray, values: np.ndarray) -> sparse.csr_array:
        kept = (others >= 0) & np.isin(others, axis)
        row, column = np.searchsorted(users, user[kept]), np.searchsorted(axis, others[kept])
        return sparse.csr_array(sparse.coo_array((values[kept], (row, column)), shape=(len(users), len(axis))))

    ones = np.ones(len(user))
    holds, barred, suits = (matrix(others, items, ones) for others in (item, given["barred"], given["suited"]))
    for one in (holds, barred, suits):
        one.data[:] = 1.0
    if (given["candidate"] >= 0).any():
        allowed = np.isin(items, given["candidate"])
        barred = sparse.csr_array(barred + sparse.csr_array(np.ones((len(users), 1))) @ sparse.csr_array((~allowed).astype(float)[None, :]))
    return Holdings(users, items, holds, matrix(given["tied"], users, weight), barred, suits)


def likeness(holds: sparse.csr_array) -> np.ndarray:
    """The cosine between items by who holds them; 0 of an item with itself."""
    together = (holds.T @ holds).toarray()
    norm = np.sqrt(np.maximum(np.diag(together), 1))
    alike = together / norm[:, None] / norm[None, :]
    np.fill_diagonal(alike, 0)
    return alike


def scores(data: Holdings, rows: slice, weights: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some users: the whole score for each item, and what items alike and ties give to it, each between 0 and its weight."""
    holds = data.holds[rows]
    share = np.asarray(data.holds.mean(axis=0)).ravel()
    alike = weights["alike"] * (holds @ likeness(data.holds)) / np.maximum(np.asarray(holds.sum(axis=1)).reshape(-1, 1), 1)
    ties = data.ties[rows]
    near = (ties @ data.holds).toarray()
    total = np.asarray(ties.sum(axis=1)).reshape(-1, 1)
    # Few ties say little: the mean of the tied is drawn to that of all by one tie's worth.
    typical = np.maximum(np.median(ties.data) if ties.nnz else 1.0, 1e-300)
    tied = weights["ties"] * np.where(total > 0, (near + typical * share) / (total + typical) - share, 0).clip(0)
    alike = np.asarray(alike)
    whole = alike + tied + weights["popular"] * share + (weights["suiting"] * data.suits[rows].toarray() if data.suits.nnz else 0)
    return whole, alike, tied


def _best(data: Holdings, rows: slice, weights: Mapping[str, float], number: int, least: float) -> tuple[np.ndarray, ...]:
    whole, alike, tied = scores(data, rows, weights)
    whole = np.round(whole, 9)
    whole[(data.holds[rows].toarray() > 0) | (data.barred[rows].toarray() > 0)] = -np.inf
    order = np.argsort(-whole, axis=1, kind="stable")[:, :number]
    user = np.repeat(np.arange(whole.shape[0]), order.shape[1])
    item, rank = order.ravel(), np.tile(np.arange(1, order.shape[1] + 1), whole.shape[0])
    kept = whole[user, item] > max(least, 0)
    user, item, rank = user[kept], item[kept], rank[kept]
    return user + (rows.start or 0), item, whole[user, item], alike[user, item], tied[user, item], rank


def _reasons(data: Holdings, user: np.ndarray, item: np.ndarray, most: int = 3) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """For each offer, held items alike the most, and tied users that hold it, the most closely tied first."""
    alike, by_item = likeness(data.holds), data.holds.tocsc()
    holders = [set(by_item.indices[by_item.indptr[i] : by_item.indptr[i + 1]].tolist()) for i in range(len(data.items))]
    because: tuple[list[int], list[int]] = ([], [])
    through: tuple[list[int], list[int]] = ([], [])
    for place, (one, offered) in enumerate(zip(user.tolist(), item.tolist(), strict=True)):
        held = data.holds.indices[data.holds.indptr[one] : data.holds.indptr[one + 1]]
        near = held[np.argsort(-alike[held, offered], kind="stable")][:most]
        near = near[alike[near, offered] > 0]
        because[0].extend([place] * len(near))
        because[1].extend(near.tolist())
        begin, end = data.ties.indptr[one], data.ties.indptr[one + 1]
        if begin < end:
            tied = sorted((-weight, other) for other, weight in zip(data.ties.indices[begin:end].tolist(), data.ties.data[begin:end].tolist(), strict=True) if other in holders[offered])[:most]
            through[0].extend([place] * len(tied))
            through[1].extend(other for _, other in tied)
    return tuple(tuple(np.array(part, np.int64) for part in pair) for pair in (because, through))


def _words(data: Holdings, user: np.ndarray, item: np.ndarray, alike: np.ndarray, ties: np.ndarray) -> tuple[Texts, Texts]:
    """Which of the grounds weighs most, and how many of the tied hold the item."""
    tied = (data.ties > 0).astype(float)
    numbers, degree = sparse.csr_array(tied @ data.holds), np.asarray(tied.sum(axis=1)).ravel().astype(int)
    holding = np.asarray(numbers[user, item]).ravel().astype(int) if len(user) else np.zeros(0, int)
    share = np.asarray(data.holds.mean(axis=0)).ravel()[item]
    english, chinese = [], []
    for held, all_tied, likes, near, part in zip(holding.tolist(), degree[user].tolist(), alike.tolist(), ties.tolist(), share.tolist(), strict=True):
        if near > likes:
            english.append(f"{held} of {all_tied} tied to it hold this, of all {part:.0%}")
            chinese.append(f"与其关联的 {all_tied} 家中有 {held} 家持有，总体为 {part:.0%}")
        elif likes > 0:
            english.append(f"it goes with what is held already; {part:.0%} of all hold it")
            chinese.append(f"与已持有的产品常一同持有；总体持有率 {part:.0%}")
        else:
            english.append(f"{part:.0%} of all hold it")
            chinese.append(f"总体持有率 {part:.0%}")
    return Texts(english, "en"), Texts(chinese, "zh")
