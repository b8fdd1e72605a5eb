"""Rule files of every kind into the one inner form of `kg.reasoner`: SPARQL-RL, SWRL, SHACL rules."""

from kg.rules.hierarchy import Hierarchy
from kg.rules.load import has_rules, load_rules
from kg.rules.shacl import shacl_program
from kg.rules.swrl_rdf import swrl_program
from kg.rules.swrl_text import parse_swrl

__all__ = ["Hierarchy", "has_rules", "load_rules", "parse_swrl", "shacl_program", "swrl_program"]
