"""The graph file: encoded quads, the dictionary, named graphs, transactions, versions, RDF in and out."""

from kg.store.quads import Diff
from kg.store.statistics import PredicateStatistics
from kg.store.store import Store, Target

__all__ = ["Diff", "PredicateStatistics", "Store", "Target"]
