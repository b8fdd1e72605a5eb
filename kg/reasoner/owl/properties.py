"""Axioms about properties as rules (OWL 2 Profiles, section 4.3, table 5; for RDFS: RDF 1.1 Semantics, rdfs2, 3 and 7)."""

from __future__ import annotations

from itertools import combinations

from pyoxigraph import BlankNode, Literal

from kg.reasoner.owl import datatypes
from kg.reasoner.owl.checks import members, pairs
from kg.reasoner.owl.maker import RuleMaker, U, V, X, Y, Z
from kg.reasoner.owl.vocabulary import (
    DOMAIN,
    EQUIVALENT_PROPERTY,
    RANGE,
    SAME,
    SUB_PROPERTY,
    THING,
    TYPE,
    owl,
    rdfs,
)
from kg.sparql import algebra as a

# A pairwise disjointness of more members than these is one rule over all pairs instead of one for each.
_PAIRED = 6


def different(left: a.Var, right: a.Var) -> a.FilterElement:
    """The two are not one term."""
    return a.FilterElement(a.Call("!", (a.Call("SAMETERM", (left, right)),)))


def rdfs_properties(make: RuleMaker, names: tuple[str, str, str], with_trivial: bool) -> None:
    """Domain, range and subproperties; `names` are the rules' names in the regime."""
    ontology = make.ontology
    for property, cls in pairs(ontology, DOMAIN):
        if with_trivial or cls not in (THING, rdfs("Resource")):
            make.rule(names[0], (property, cls), make.holds(cls, X), [make.link(property, X, Y)],
                      "{{x}} belongs to {1}, since it has {{y}} as {0} and only {1} has that",
                      "{{x}} 属于 {1}：它的“{0}”为 {{y}}，而唯有 {1} 有此属性", (property, DOMAIN, cls))  # fmt: skip
    for property, cls in pairs(ontology, RANGE):
        if datatypes.is_datatype(ontology, cls):
            datatypes.range_rules(make, property, cls)
        elif with_trivial or cls not in (THING, rdfs("Resource")):
            make.rule(names[1], (property, cls), make.holds(cls, Y), [make.link(property, X, Y)],
                      "{{y}} belongs to {1}, since {{x}} has it as {0} and each value of that does",
                      "{{y}} 属于 {1}：它是 {{x}} 的“{0}”，其取值均属于此类", (property, RANGE, cls))  # fmt: skip
    for sub, super_ in pairs(ontology, SUB_PROPERTY, "property"):
        make.rule(names[2], (sub, super_), make.link(super_, X, Y), [make.link(sub, X, Y)],
                  "{{x}} {1} {{y}}, since {{x}} {0} {{y}}", "{{x}} {1} {{y}}：因为 {{x}} {0} {{y}}", (sub, SUB_PROPERTY, super_))  # fmt: skip


def property_rules(make: RuleMaker) -> None:
    """The rest of table 5."""
    _equivalences(make)
    _characteristics(make)
    _chains(make)
    _inverses(make)
    _disjointness(make)
    _keys(make)
    _negative_assertions(make)


def _equivalences(make: RuleMaker) -> None:
    for left, right in pairs(make.ontology, EQUIVALENT_PROPERTY, "property"):
        axiom = (left, EQUIVALENT_PROPERTY, right)
        for name, sub, super_ in (("prp-eqp1", left, right), ("prp-eqp2", right, left)):
            make.rule(name, (sub, super_), make.link(super_, X, Y), [make.link(sub, X, Y)],
                      "{{x}} {1} {{y}}, since {{x}} {0} {{y}} and the two mean the same",
                      "{{x}} {1} {{y}}：因为 {{x}} {0} {{y}}，二者含义相同", axiom)  # fmt: skip


def _characteristics(make: RuleMaker) -> None:
    ontology, link = make.ontology, make.link

    def each(name: str):
        return ((property, (property, TYPE, owl(name))) for property in ontology.instances(owl(name)))

    for property, axiom in each("FunctionalProperty"):
        if not ontology.is_a(property, owl("DatatypeProperty")):
            make.rule("prp-fp", (property,), a.TriplePattern(Y, SAME, Z), [link(property, X, Y), link(property, X, Z), different(Y, Z), *_no_literals(Y, Z)],
                      "{{y}} and {{z}} are the same, since {{x}} can have only one {0}", "{{y}} 与 {{z}} 是同一个：{{x}} 只能有一个“{0}”", axiom)  # fmt: skip
        if not ontology.is_a(property, owl("ObjectProperty")) and not isinstance(property, BlankNode):
            make.clash("prp-fp", (property,), X, [link(property, X, Y), link(property, X, Z), datatypes.certainly_less(Y, Z)],
                       "{{x}} has two values of {0}, {{y}} and {{z}}, though it can have only one",
                       "{{x}} 的“{0}”有 {{y}} 与 {{z}} 两个取值，而只能有一个", axiom)  # fmt: skip
    for property, axiom in each("InverseFunctionalProperty"):
        make.rule("prp-ifp", (property,), a.TriplePattern(X, SAME, Y), [link(property, X, Z), link(property, Y, Z), different(X, Y)],
                  "{{x}} and {{y}} are the same, since only one thing can have {{z}} as {0}", "{{x}} 与 {{y}} 是同一个：只有一个事物的“{0}”能为 {{z}}", axiom)  # fmt: skip
    for property, axiom in each("IrreflexiveProperty"):
        make.clash("prp-irp", (property,), X, [link(property, X, X)], "{{x}} {0} itself, which nothing can", "{{x}} {0} 自身，而这不可能", axiom)
    for property, axiom in each("SymmetricProperty"):
        make.rule("prp-symp", (property,), link(property, Y, X), [link(property, X, Y)],
                  "{{y}} {0} {{x}}, since {{x}} {0} {{y}} and that goes both ways", "{{y}} {0} {{x}}：因为 {{x}} {0} {{y}}，且该关系对称", axiom)  # fmt: skip
    for property, axiom in each("AsymmetricProperty"):
        make.clash("prp-asyp", (property,), X, [link(property, X, Y), link(property, Y, X)],
                   "{{x}} {0} {{y}} and the other way round, which cannot be", "{{x}} {0} {{y}}，反之亦然，而这不可能", axiom)  # fmt: skip
    for property, axiom in each("TransitiveProperty"):
        make.rule("prp-trp", (property,), link(property, X, Z), [link(property, X, Y), link(property, Y, Z)],
                  "{{x}} {0} {{z}} by way of {{y}}", "{{x}} 经由 {{y}} {0} {{z}}", axiom)  # fmt: skip


def _no_literals(*variables: a.Var) -> list[a.FilterElement]:
    return [a.FilterElement(a.Call("!", (a.Call("ISLITERAL", (variable,)),))) for variable in variables]


def _chains(make: RuleMaker) -> None:
    predicate = owl("propertyChainAxiom")
    for property, node in make.ontology.pairs(predicate):
        chain = members(make.ontology, property, predicate, node, "property")
        if not chain:
            continue
        steps = [X, *(a.Var(f"via{i}") for i in range(1, len(chain))), Y]
        body = [make.link(link, steps[i], steps[i + 1]) for i, link in enumerate(chain)]
        way = ", ".join(f"{{{{{v.name}}}}}" for v in steps[1:-1])
        make.rule("prp-spo2", (property, *chain), make.link(property, X, Y), body, f"{{{{x}}}} {{0}} {{{{y}}}}, by way of {way}" if way else "{{x}} {0} {{y}}",
                  f"{{{{x}}}} {{0}} {{{{y}}}}，经由 {way}" if way else "{{x}} {0} {{y}}", (property, predicate, node))  # fmt: skip


def _inverses(make: RuleMaker) -> None:
    predicate = owl("inverseOf")
    for left, right in pairs(make.ontology, predicate, "property"):
        if isinstance(left, BlankNode):  # an expression: whoever names it reads it backwards
            continue
        for name, one, other in (("prp-inv1", left, right), ("prp-inv2", right, left)):
            make.rule(name, (one, other), make.link(other, Y, X), [make.link(one, X, Y)],
                      "{{y}} {1} {{x}}, since {{x}} {0} {{y}}", "{{y}} {1} {{x}}：因为 {{x}} {0} {{y}}", (left, predicate, right))  # fmt: skip


def _disjointness(make: RuleMaker) -> None:
    ontology = make.ontology
    en = "{{x}} has {{y}} both as {0} and as {1}, which exclude each other"
    zh = "{{y}} 同时是 {{x}} 的“{0}”与“{1}”，而二者互斥"
    predicate = owl("propertyDisjointWith")
    for left, right in pairs(ontology, predicate, "property"):
        make.clash("prp-pdw", (left, right), X, [make.link(left, X, Y), make.link(right, X, Y)], en, zh, (left, predicate, right))
    for node in ontology.instances(owl("AllDisjointProperties")):
        for list_node in ontology.values(node, owl("members")):
            axiom = (node, owl("members"), list_node)
            properties = members(ontology, *axiom, "property")
            if len(properties) <= _PAIRED or any(isinstance(property, BlankNode) for property in properties):
                for left, right in combinations(properties, 2):
                    make.clash("prp-adp", (left, right), X, [make.link(left, X, Y), make.link(right, X, Y)], en, zh, axiom)
            else:
                body = [a.TriplePattern(X, U, Y), _among(U, properties), a.TriplePattern(X, V, Y), _among(V, properties), before(U, V)]
                make.clash("prp-adp", properties[:2], X, body, "{{x}} has {{y}} both as {{u}} and as {{v}}, which exclude each other",
                           "{{y}} 同时是 {{x}} 的“{{u}}”与“{{v}}”，而二者互斥", axiom)  # fmt: skip


def _among(variable: a.Var, terms: list) -> a.FilterElement:
    return a.FilterElement(a.Call("IN", (variable, *terms)))


def before(left: a.Var, right: a.Var) -> a.FilterElement:
    """The IRI of one comes before that of the other: each pair once."""
    return a.FilterElement(a.Call("<", (a.Call("STR", (left,)), a.Call("STR", (right,)))))


def _keys(make: RuleMaker) -> None:
    predicate = owl("hasKey")
    for cls, node in make.ontology.pairs(predicate):
        properties = members(make.ontology, cls, predicate, node, "property")
        if not properties:
            raise make.ontology.error("R244", f"the key of {make.ontology.shown(cls)} has no property", cls, predicate,
                                      help="name at least one: owl:hasKey ( ex:number )")  # fmt: skip
        values = [a.Var(f"z{i}") for i in range(1, len(properties) + 1)]
        body = [make.holds(cls, X), *(make.link(p, X, z) for p, z in zip(properties, values, strict=True))]
        body += [make.holds(cls, Y), *(make.link(p, Y, z) for p, z in zip(properties, values, strict=True)), different(X, Y)]
        shown = ", ".join(f"{{{{z{i}}}}}" for i in range(1, len(properties) + 1))
        make.rule("prp-key", (cls, *properties), a.TriplePattern(X, SAME, Y), body, f"{{{{x}}}} and {{{{y}}}} are the same {{0}}, since they have the same key {shown}",
                  f"{{{{x}}}} 与 {{{{y}}}} 是同一个 {{0}}：二者的键同为 {shown}", (cls, predicate, node))  # fmt: skip


def _negative_assertions(make: RuleMaker) -> None:
    ontology = make.ontology
    for node, subject in pairs(ontology, owl("sourceIndividual"), "individual"):
        for property in ontology.values(node, owl("assertionProperty")):
            for target, name in ((owl("targetIndividual"), "prp-npa1"), (owl("targetValue"), "prp-npa2")):
                for object in ontology.values(node, target):
                    if isinstance(property, Literal):
                        raise ontology.error("R242", f"owl:assertionProperty names the literal {property}, which is no property", node, property,
                                             help="write the property's IRI")  # fmt: skip
                    make.clash(name, (subject, property, object), subject, [make.link(property, subject, object)],
                               "{0} {1} {2}, though the ontology says that it does not", "{0} {1} {2}，而本体断言并非如此",
                               (node, owl("assertionProperty"), property))  # fmt: skip
