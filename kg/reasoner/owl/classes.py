"""Classes as rules: the meaning of class expressions and the axioms between classes (OWL 2 Profiles, 4.3, tables 6 and 7).

A class expression is a node, named or not; its rules say when something belongs to it and what follows from that.
"""

from __future__ import annotations

from itertools import combinations

from pyoxigraph import BlankNode, Literal

from kg.reasoner.owl import datatypes
from kg.reasoner.owl.checks import as_node, cardinality, members, pairs, restrictions
from kg.reasoner.owl.maker import RuleMaker, U, V, X, Y
from kg.reasoner.owl.ontology import Node
from kg.reasoner.owl.properties import before, different
from kg.reasoner.owl.vocabulary import EQUIVALENT_CLASS, NOTHING, SAME, SUB_CLASS, THING, TYPE, owl, rdfs
from kg.sparql import algebra as a

_PAIRED = 6
_EVERYTHING = (THING, rdfs("Resource"))


def subclass_rules(make: RuleMaker, name: str, with_trivial: bool) -> None:
    """What belongs to a class belongs to its superclasses (cax-sco, rdfs9)."""
    for sub, super_ in pairs(make.ontology, SUB_CLASS):
        if datatypes.is_datatype(make.ontology, sub) or sub == NOTHING or (super_ in _EVERYTHING and not with_trivial):
            continue
        make.rule(name, (sub, super_), make.holds(super_, X), [make.holds(sub, X)],
                  "{{x}} belongs to {1}, since it belongs to {0}", "{{x}} 属于 {1}，因其属于 {0}", (sub, SUB_CLASS, super_))  # fmt: skip


def class_rules(make: RuleMaker, with_trivial: bool) -> None:
    """Tables 6 and 7, but for cax-sco."""
    make.clash("cls-nothing2", (), X, [make.holds(NOTHING, X)], "{{x}} belongs to owl:Nothing, which has no members", "{{x}} 属于 owl:Nothing，而它没有成员")
    _equivalences(make, with_trivial)
    _intersections(make, with_trivial)
    _unions(make)
    _enumerations(make)
    _restrictions(make, with_trivial)
    _disjointness(make)


def _equivalences(make: RuleMaker, with_trivial: bool) -> None:
    ontology = make.ontology
    for left, right in pairs(ontology, EQUIVALENT_CLASS):
        if datatypes.is_datatype(ontology, left) or datatypes.is_datatype(ontology, right):
            continue
        for name, one, other in (("cax-eqc1", left, right), ("cax-eqc2", right, left)):
            if other not in _EVERYTHING or with_trivial:
                make.rule(name, (one, other), make.holds(other, X), [make.holds(one, X)],
                          "{{x}} belongs to {1}, since it belongs to {0} and the two are the same",
                          "{{x}} 属于 {1}，因其属于 {0}，二者为同一类", (left, EQUIVALENT_CLASS, right))  # fmt: skip


def _intersections(make: RuleMaker, with_trivial: bool) -> None:
    predicate = owl("intersectionOf")
    for cls, node in make.ontology.pairs(predicate):
        if datatypes.is_datatype(make.ontology, cls):
            continue
        parts, axiom = members(make.ontology, cls, predicate, node), (cls, predicate, node)
        needed = [part for part in parts if part not in _EVERYTHING or with_trivial or len(parts) == 1]
        if needed:
            make.rule("cls-int1", (cls, *parts), make.holds(cls, X), [make.holds(part, X) for part in needed],
                      "{{x}} belongs to {0}, since it belongs to each of its parts", "{{x}} 属于 {0}，因其属于它的每一部分", axiom)  # fmt: skip
        for part in needed:
            make.rule("cls-int2", (cls, part), make.holds(part, X), [make.holds(cls, X)],
                      "{{x}} belongs to {1}, since it belongs to {0}, of which that is a part", "{{x}} 属于 {1}，因其属于 {0}，前者是其一部分", axiom)  # fmt: skip


def _unions(make: RuleMaker) -> None:
    predicate = owl("unionOf")
    for cls, node in make.ontology.pairs(predicate):
        if datatypes.is_datatype(make.ontology, cls):
            continue
        for part in members(make.ontology, cls, predicate, node):
            make.rule("cls-uni", (cls, part), make.holds(cls, X), [make.holds(part, X)],
                      "{{x}} belongs to {0}, since it belongs to {1}", "{{x}} 属于 {0}，因其属于 {1}", (cls, predicate, node))  # fmt: skip


def _enumerations(make: RuleMaker) -> None:
    predicate = owl("oneOf")
    for cls, node in make.ontology.pairs(predicate):
        if datatypes.is_datatype(make.ontology, cls):
            continue
        facts = [make.holds(cls, member) for member in members(make.ontology, cls, predicate, node, "individual")]
        make.fact("cls-oo", facts, "{0} lists its members, and this is one of them", "{0} 列举了其成员，此为其一", (cls,), (cls, predicate, node))


# ── Restrictions ─────────────────────────────────────────────────────────────────────────────────────────────


def _restrictions(make: RuleMaker, with_trivial: bool) -> None:
    for node, property in restrictions(make.ontology):
        _some(make, node, property, with_trivial)
        _only(make, node, property, with_trivial)
        _value(make, node, property)
        _at_most(make, node, property)


def _some(make: RuleMaker, node: Node, property: Node, with_trivial: bool) -> None:
    predicate, link = owl("someValuesFrom"), make.link(property, U, V)
    for value in make.ontology.values(node, predicate):
        filler, axiom = as_node(make.ontology, value, node, predicate), (node, predicate, value)
        en, zh = "{{u}} belongs to {0}, since {{u}} {1} {{v}}", "{{u}} 属于 {0}：{{u}} {1} {{v}}"
        if datatypes.is_datatype(make.ontology, filler):
            inside = datatypes.member(filler, V)
            if inside is not None:
                make.rule("cls-svf1", (node, property), make.holds(node, U), [link, a.FilterElement(inside)], en, zh, axiom)
            continue
        if filler == THING:
            make.rule("cls-svf2", (node, property), make.holds(node, U), [link], en, zh, axiom)
        if filler != THING or with_trivial:
            make.rule("cls-svf1", (node, property, filler), make.holds(node, U), [link, make.holds(filler, V)],
                      en + ", which belongs to {2}", zh + "，而后者属于 {2}", axiom)  # fmt: skip


def _only(make: RuleMaker, node: Node, property: Node, with_trivial: bool) -> None:
    predicate, body = owl("allValuesFrom"), [make.holds(node, U), make.link(property, U, V)]
    for value in make.ontology.values(node, predicate):
        filler, axiom = as_node(make.ontology, value, node, predicate), (node, predicate, value)
        if datatypes.is_datatype(make.ontology, filler):
            outside = datatypes.not_member(filler, V)
            if outside is not None:
                make.clash("cls-avf", (node, property, filler), U, [*body, a.FilterElement(outside)],
                           "{{u}} belongs to {0}, but {{v}} is no {2}", "{{u}} 属于 {0}，而 {{v}} 不是 {2}", axiom)  # fmt: skip
        elif filler not in _EVERYTHING or with_trivial:
            make.rule("cls-avf", (node, property, filler), make.holds(filler, V), body,
                      "{{v}} belongs to {2}, since {{u}} {1} {{v}} and {{u}} belongs to {0}",
                      "{{v}} 属于 {2}：{{u}} {1} {{v}}，且 {{u}} 属于 {0}", axiom)  # fmt: skip


def _value(make: RuleMaker, node: Node, property: Node) -> None:
    predicate = owl("hasValue")
    for value in make.ontology.values(node, predicate):
        make.rule("cls-hv1", (node, property), make.link(property, U, value), [make.holds(node, U)],
                  "{{u}} has that value, since it belongs to {0}", "{{u}} 有此取值，因其属于 {0}", (node, predicate, value))  # fmt: skip
        make.rule("cls-hv2", (node, property), make.holds(node, U), [make.link(property, U, value)],
                  "{{u}} belongs to {0}, since it has that value", "{{u}} 属于 {0}，因其有此取值", (node, predicate, value))  # fmt: skip


def _at_most(make: RuleMaker, node: Node, property: Node) -> None:
    """At most none or one; exact cardinalities are read as their upper half, which the tables leave out."""
    for name, entailment in (("maxCardinality", "maxc"), ("cardinality", "maxc"), ("maxQualifiedCardinality", "maxqc"), ("qualifiedCardinality", "maxqc")):
        found = cardinality(make.ontology, node, name)
        if found is None or found[0] > 1:
            continue
        axiom = (node, owl(name), found[1])
        filler = next(iter(make.ontology.values(node, owl("onClass"))), None) if entailment == "maxqc" else None
        if entailment == "maxqc" and (filler is None or datatypes.is_datatype(make.ontology, filler)):
            continue
        unqualified = filler is None or filler == THING

        def linked(variable: a.Var, unqualified: bool = unqualified, filler=filler) -> list[a.TriplePattern]:
            return [make.link(property, U, variable), *([] if unqualified else [make.holds(filler, variable)])]

        number = found[0] + 1 if entailment == "maxc" else 2 * found[0] + (2 if unqualified else 1)
        if found[0] == 0:
            make.clash(f"cls-{entailment}{number}", (node, property), U, [make.holds(node, U), *linked(X)],
                       "{{u}} belongs to {0}, but {{u}} {1} {{x}}", "{{u}} 属于 {0}，而 {{u}} {1} {{x}}", axiom)  # fmt: skip
        else:
            body = [make.holds(node, U), *linked(X), *linked(Y), different(X, Y), *(a.FilterElement(a.Call("!", (a.Call("ISLITERAL", (v,)),))) for v in (X, Y))]
            make.rule(f"cls-{entailment}{number}", (node, property), a.TriplePattern(X, SAME, Y), body,
                      "{{x}} and {{y}} are the same, since {{u}} belongs to {0}", "{{x}} 与 {{y}} 是同一个，因为 {{u}} 属于 {0}", axiom)  # fmt: skip
            if not make.ontology.is_a(property, owl("ObjectProperty")) and unqualified:
                make.clash(f"cls-{entailment}{number}", (node, property), U, [make.holds(node, U), *linked(X), *linked(Y), datatypes.certainly_less(X, Y)],
                           "{{u}} belongs to {0}, but has the values {{x}} and {{y}}", "{{u}} 属于 {0}，却有 {{x}} 与 {{y}} 两个取值", axiom)  # fmt: skip


# ── Disjointness ─────────────────────────────────────────────────────────────────────────────────────────────


def _disjointness(make: RuleMaker) -> None:
    ontology = make.ontology
    en, zh = "{{x}} belongs to both {0} and {1}, which exclude each other", "{{x}} 同时属于 {0} 与 {1}，而二者互斥"
    for predicate, name in ((owl("complementOf"), "cls-com"), (owl("disjointWith"), "cax-dw")):
        for left, right in pairs(ontology, predicate):
            if not datatypes.is_datatype(ontology, left):
                make.clash(name, (left, right), X, [make.holds(left, X), make.holds(right, X)], en, zh, (left, predicate, right))
    for node in ontology.instances(owl("AllDisjointClasses")):
        for list_node in ontology.values(node, owl("members")):
            axiom = (node, owl("members"), list_node)
            classes = members(ontology, *axiom)
            if len(classes) <= _PAIRED or any(isinstance(cls, BlankNode | Literal) for cls in classes):
                for left, right in combinations(classes, 2):
                    make.clash("cax-adc", (left, right), X, [make.holds(left, X), make.holds(right, X)], en, zh, axiom)
            else:
                body = [a.TriplePattern(X, TYPE, U), a.FilterElement(a.Call("IN", (U, *classes))), a.TriplePattern(X, TYPE, V),
                        a.FilterElement(a.Call("IN", (V, *classes))), before(U, V)]  # fmt: skip
                make.clash("cax-adc", classes[:2], X, body, "{{x}} belongs to both {{u}} and {{v}}, which exclude each other",
                           "{{x}} 同时属于 {{u}} 与 {{v}}，而二者互斥", axiom)  # fmt: skip
