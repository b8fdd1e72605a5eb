"""Conclusions compared with what the generator planted: precision and recall, kind by kind."""

from benchmarks.truth.compare import Result, compare
from benchmarks.truth.kinds import KINDS, Kind, read_kinds

__all__ = ["KINDS", "Kind", "Result", "compare", "read_kinds"]
