"""Rule programs: reading them, checking them, drawing their conclusions, and finding the grounds of a conclusion."""

from kg.reasoner.absences import NearMiss, near_misses
from kg.reasoner.engine import InferReport, RuleReport, StratumReport, check, infer, infer_only
from kg.reasoner.grounds import Derivations
from kg.reasoner.maintenance import is_followed, maintain
from kg.reasoner.model import Program, Rule
from kg.reasoner.srl import load_program, parse_program
from kg.reasoner.stratify import rules_behind
from kg.reasoner.told import Grounds
from kg.reasoner.watch import Progress

__all__ = [
    "Derivations",
    "Grounds",
    "InferReport",
    "NearMiss",
    "Program",
    "Progress",
    "Rule",
    "RuleReport",
    "StratumReport",
    "check",
    "infer",
    "infer_only",
    "is_followed",
    "load_program",
    "maintain",
    "near_misses",
    "parse_program",
    "rules_behind",
]
