"""OWL 2 RL and RDFS: the ontology at hand compiled into a rule program."""

from kg.reasoner.owl.compile import REGIMES, after_rules, compile_ontology, compile_store
from kg.reasoner.owl.fixpoint import endless, entailed, infer_with_ontology, is_same
from kg.reasoner.owl.ontology import Ontology, schema_of
from kg.reasoner.owl.vocabulary import INCONSISTENT

__all__ = [
    "INCONSISTENT",
    "REGIMES",
    "Ontology",
    "after_rules",
    "compile_ontology",
    "compile_store",
    "endless",
    "entailed",
    "infer_with_ontology",
    "is_same",
    "schema_of",
]
