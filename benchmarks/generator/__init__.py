"""A seeded generator of a believable Chinese bank: tables as CSV, and the planted truth beside them."""

from benchmarks.generator.bank import Sizes, generate
from benchmarks.generator.calendar import AS_OF
from benchmarks.generator.ownership import generate_ownership

__all__ = ["AS_OF", "Sizes", "generate", "generate_ownership"]
