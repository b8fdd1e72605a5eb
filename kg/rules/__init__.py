"""Rule files of every kind into the one inner form of `kg.reasoner`: SPARQL-RL, SWRL, SHACL rules."""

from kg.rules.hierarchy import Hierarchy
from kg.rules.load import has_rules, load_rules
from kg.rules.shacl import shacl_program

__all__ = ["Hierarchy", "has_rules", "load_rules", "shacl_program"]
