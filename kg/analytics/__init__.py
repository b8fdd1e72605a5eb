"""Measures: what a query finds, taken by an algorithm of graphs, features, baskets or series, as triples with an explanation."""

from kg.analytics.explanation import Measured, measured
from kg.analytics.measure import Measure, read
from kg.analytics.model import Algorithm, Parameter
from kg.analytics.registry import algorithms, find
from kg.analytics.runs import Run, said
from kg.analytics.stage import Done, Standing, in_order, is_current, run, stamp, standing

__all__ = [
    "Algorithm", "Done", "Measure", "Measured", "Parameter", "Run", "Standing", "algorithms", "find", "in_order", "is_current", "measured", "read", "run", "said", "stamp",
    "standing",
]  # fmt: skip
