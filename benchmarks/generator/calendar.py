"""The days of the generated bank: its as-of date, and random dates before it."""

import numpy as np

AS_OF = np.datetime64("2026-06-30", "D")
NEVER = np.datetime64("NaT", "D")


def days(rng: np.random.Generator, first: str, last: str, count: int) -> np.ndarray:
    """`count` dates from `first` to `last`, both included, uniformly."""
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    return start + rng.integers(0, (end - start).astype(int) + 1, count)


def working_days(rng: np.random.Generator, first: str, last: str, count: int) -> np.ndarray:
    """As `days`, with four weekend days of five moved to the Friday before."""
    drawn = days(rng, first, last, count)
    weekday = (drawn.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    moved = (weekday >= 5) & (rng.random(count) < 0.8)
    return np.where(moved, drawn - (weekday - 4), drawn)
