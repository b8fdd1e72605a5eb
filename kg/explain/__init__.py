"""Why a triple is in the graph, and why another is not: proofs as text, JSON, HTML and PROV-O."""

from kg.explain.absence import Absence, Reason, why_not
from kg.explain.builder import explain
from kg.explain.proof import Part, Proof, Total
from kg.explain.provenance import PREFIXES as PROVENANCE_PREFIXES
from kg.explain.text import sentence

__all__ = ["PROVENANCE_PREFIXES", "Absence", "Part", "Proof", "Reason", "Total", "explain", "sentence", "why_not"]
