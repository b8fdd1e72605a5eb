"""Integrated ownership and shares over simple paths: published cases, brute force on random networks, circles of all kinds."""

import numpy as np
import pytest

from kg.analytics import find
from kg.analytics.model import Table
from kg.errors import MeasureError


def shares(*rows: tuple[str, str, float], **parameters) -> dict[tuple[str, str], dict[str, float]]:
    """The results by owner and owned, of rows (owner, owned, share)."""
    names = sorted({name for row in rows for name in row[:2]})
    place = {name: number for number, name in enumerate(names)}
    columns = {"owner": np.array([place[row[0]] for row in rows]), "owned": np.array([place[row[1]] for row in rows]), "share": np.array([float(row[2]) for row in rows])}
    algorithm = find("integrated-ownership")
    result = algorithm.run(Table(np.arange(len(names)), columns), {one.name: one.default for one in algorithm.parameters} | {"digits": 6} | parameters)
    owner, owned = (result.columns[name].places.tolist() for name in ("owner", "owned"))
    numbers = {name: np.round(result.columns[name].values, 6).tolist() for name in ("share", "direct", "indirect", "paths")}
    found = {(names[i], names[j]): {name: values[row] for name, values in numbers.items()} for row, (i, j) in enumerate(zip(owner, owned, strict=True))}
    shares.warnings = result.warnings
    return found


def test_the_published_circle():
    found = shares(("P", "A", 0.8), ("B", "A", 0.2), ("A", "B", 0.6))
    assert found["P", "A"] == {"share": 0.909091, "direct": 0.8, "indirect": 0.109091, "paths": 0.8}
    assert found["P", "B"] == {"share": 0.545455, "direct": 0.0, "indirect": 0.545455, "paths": 0.48}
    assert found["A", "B"]["share"] == 0.6  # what A has of itself through B adds nothing to it
    assert ("A", "A") not in found


def test_own_shares_are_cancelled():
    assert shares(("P", "A", 0.6), ("Q", "A", 0.3), ("A", "A", 0.1))["P", "A"]["share"] == pytest.approx(0.6 / 0.9, abs=1e-6)


def test_chains_multiply_and_ways_add_up():
    found = shares(("P", "A", 50), ("P", "B", 40), ("A", "C", 50), ("B", "C", 50), whole=100.0)
    assert found["P", "C"] == {"share": 45.0, "direct": 0.0, "indirect": 45.0, "paths": 45.0}


def test_shares_below_the_least_are_left_out():
    rows = (("P", "A", 0.5), ("A", "B", 0.1))
    assert ("P", "B") in shares(*rows) and ("P", "B") not in shares(*rows, least=0.06)


def test_a_circle_that_holds_all_of_itself_is_told_and_harms_nothing_else():
    found = shares(("A", "B", 1), ("B", "A", 1), ("P", "C", 0.5))
    assert found["P", "C"]["share"] == 0.5
    assert "hold all of themselves" in shares.warnings[0]


def test_more_than_the_whole_is_told():
    shares(("P", "A", 0.8), ("Q", "A", 0.4))
    assert shares.warnings == ("of 1 nodes more than the whole is held",)


def test_a_share_beyond_the_whole_is_refused():
    with pytest.raises(MeasureError, match="a share of 80 is not between 0 and 1") as raised:
        shares(("P", "A", 80))
    assert raised.value.code == "A108" and "whole" in raised.value.help


def walks(matrix: np.ndarray, source: int, target: int) -> float:
    """Parts that flow to the source over walks from it that do not come back to it: power iteration."""
    step, total = matrix[source].copy(), 0.0
    for _ in range(2_000):
        total += step[target]
        step[source] = 0
        step = step @ matrix
    return total


def simple(matrix: np.ndarray, node: int, target: int, path: frozenset[int]) -> float:
    found = 0.0
    for other in range(len(matrix)):
        if matrix[node, other] and other not in path:
            found += matrix[node, other] * (1.0 if other == target else simple(matrix, other, target, path | {other}))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_with_circles_equal_brute_force(seed):
    rng = np.random.default_rng(seed)
    size = 9
    matrix = np.where(rng.random((size, size)) < 0.25, rng.random((size, size)), 0)
    np.fill_diagonal(matrix, 0 if seed % 2 else 0.05)
    matrix /= np.maximum(matrix.sum(axis=0) / 0.95, 1)
    rows = [(f"{i}", f"{j}", matrix[i, j]) for i in range(size) for j in range(size) if matrix[i, j]]
    found = shares(*rows, shortest=1e-9)
    for i in range(size):
        for j in range(size):
            if i != j:
                got = found.get((f"{i}", f"{j}"), {"share": 0.0, "paths": 0.0})
                assert got["share"] == pytest.approx(walks(matrix, i, j), abs=2e-6)
                if not seed % 2:
                    continue  # simple paths are compared where nothing is held of itself
                assert got["paths"] == pytest.approx(simple(matrix, i, j, frozenset((i,))), abs=2e-6)


def test_a_large_circle_is_solved_as_the_small_ones_are(monkeypatch):
    rows = [(f"n{i:02}", f"n{(i + 1) % 12:02}", 0.7) for i in range(12)] + [("P", "n03", 0.3), ("n05", "n02", 0.2)]
    small = shares(*rows)
    monkeypatch.setattr("kg.analytics.ownership._DENSE", 4)
    assert shares(*rows) == small
