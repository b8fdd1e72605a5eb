"""Equality (OWL 2 Profiles, section 4.3, table 4): its rules are in every program; the engine evaluates them by representatives.

The five rules that copy triples between equal terms are marked with the annotation `equality`; `kg/reasoner/equal.py`
takes them out of the fixpoint and writes what they conclude, with their numbers, so that proofs name them.
"""

from __future__ import annotations

from itertools import combinations

from kg.reasoner.owl.checks import members
from kg.reasoner.owl.maker import RuleMaker, X, Y
from kg.reasoner.owl.vocabulary import DIFFERENT, FIRST, REST, SAME, owl
from kg.sparql import algebra as a

_PAIRED = 6
_P, _O, _S = a.Var("p"), a.Var("o"), a.Var("s")


def equality_rules(make: RuleMaker) -> None:
    same = a.TriplePattern(X, SAME, Y)
    for name, head, body, en, zh in (
        ("eq-sym", a.TriplePattern(Y, SAME, X), [same], "{{y}} and {{x}} are the same", "{{y}} 与 {{x}} 是同一个"),
        ("eq-trans", a.TriplePattern(X, SAME, a.Var("z")), [same, a.TriplePattern(Y, SAME, a.Var("z"))],
         "{{x}} and {{z}} are the same, since both are {{y}}", "{{x}} 与 {{z}} 是同一个：二者都是 {{y}}"),
        ("eq-rep-s", a.TriplePattern(Y, _P, _O), [same, a.TriplePattern(X, _P, _O)],
         "what holds of {{x}} holds of {{y}}, which is the same", "{{x}} 所具有的，与之同一的 {{y}} 也具有"),
        ("eq-rep-p", a.TriplePattern(_S, Y, _O), [same, a.TriplePattern(_S, X, _O)],
         "{{y}} means the same as {{x}}", "{{y}} 与 {{x}} 含义相同"),
        ("eq-rep-o", a.TriplePattern(_S, _P, Y), [same, a.TriplePattern(_S, _P, X)],
         "what holds for {{x}} holds for {{y}}, which is the same", "对 {{x}} 成立的，对与之同一的 {{y}} 也成立"),
    ):  # fmt: skip
        make.equality(name, head, body, en, zh)
    _differences(make)


def _differences(make: RuleMaker) -> None:
    en, zh = "{{x}} and {{y}} are the same and are not", "{{x}} 与 {{y}} 既是同一个又不是"
    make.clash("eq-diff1", (), X, [a.TriplePattern(X, SAME, Y), a.TriplePattern(X, DIFFERENT, Y)], en, zh)
    ontology = make.ontology
    for node in ontology.instances(owl("AllDifferent")):
        for predicate, name in ((owl("members"), "eq-diff2"), (owl("distinctMembers"), "eq-diff3")):
            for list_node in ontology.values(node, predicate):
                axiom = (node, predicate, list_node)
                individuals = members(ontology, *axiom, "individual")
                if len(individuals) <= _PAIRED:
                    for left, right in combinations(individuals, 2):
                        make.clash(name, (left, right), left, [a.TriplePattern(left, SAME, right)], "{0} and {1} are the same and are not",
                                   "{0} 与 {1} 既是同一个又不是", axiom)  # fmt: skip
                else:
                    cells = [a.Var("cell"), a.Var("later")]
                    body = [a.PathPattern(list_node, a.ZeroOrMore(a.Link(REST)), cells[0]), a.TriplePattern(cells[0], FIRST, X),
                            a.PathPattern(cells[0], a.OneOrMore(a.Link(REST)), cells[1]), a.TriplePattern(cells[1], FIRST, Y),
                            a.TriplePattern(X, SAME, Y)]  # fmt: skip
                    make.clash(name, (), X, body, en, zh, axiom)
