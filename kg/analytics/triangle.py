"""How many distances the triangle inequality saves k-means (Elkan 2003): the method once more, counting what it computes.

The clusters are those of Lloyd's method from the same centres; only the distances that the bounds cannot settle are computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Count:
    """Distances computed, between points and centres and among centres, and those that Lloyd's method computes."""

    labels: np.ndarray
    iterations: int
    computed: int
    without: int

    @property
    def saved(self) -> float:
        return 1 - self.computed / self.without


def elkan(points: np.ndarray, centres: np.ndarray, most: int = 300) -> Count:
    """k-means from given centres until no point changes its cluster, or `most` iterations."""
    centres, count, k = centres.copy(), len(points), len(centres)
    lower = np.linalg.norm(points[:, None, :] - centres[None, :, :], axis=2)  # lower bounds of the distances to all centres
    labels = lower.argmin(axis=1)
    upper = lower[np.arange(count), labels]
    computed, iterations = count * k, 1
    is_tight = np.ones(count, bool)
    while iterations < most:
        moved, before = _means(points, labels, centres), labels.copy()
        shift = np.linalg.norm(moved - centres, axis=1)
        centres = moved
        lower = np.maximum(lower - shift, 0)
        upper += shift[labels]
        is_tight[:] = False
        between = np.linalg.norm(centres[:, None, :] - centres[None, :, :], axis=2)
        computed += k * (k - 1) // 2
        np.fill_diagonal(between, np.inf)
        nearest = between.min(axis=1) / 2
        for centre in range(k):
            open_ = np.flatnonzero((labels != centre) & (upper > nearest[labels]) & (upper > lower[:, centre]) & (upper > between[labels, centre] / 2))
            loose = open_[~is_tight[open_]]
            upper[loose] = np.linalg.norm(points[loose] - centres[labels[loose]], axis=1)
            lower[loose, labels[loose]] = upper[loose]
            is_tight[loose] = True
            computed += len(loose)
            still = open_[(upper[open_] > lower[open_, centre]) & (upper[open_] > between[labels[open_], centre] / 2)]
            distance = np.linalg.norm(points[still] - centres[centre], axis=1)
            computed += len(still)
            lower[still, centre] = distance
            nearer = distance < upper[still]
            labels[still[nearer]], upper[still[nearer]] = centre, distance[nearer]
        iterations += 1
        if np.array_equal(before, labels):
            break
    return Count(labels, iterations, computed, count * k * iterations)


def _means(points: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The means of the clusters; an empty one keeps its centre."""
    size = np.bincount(labels, minlength=len(centres))
    sums = np.column_stack([np.bincount(labels, points[:, place], len(centres)) for place in range(points.shape[1])])
    return np.where(size[:, None] > 0, sums / np.maximum(size, 1)[:, None], centres)
