"""What holds of everything: x = x, x belongs to owl:Thing, C is part of C, every datatype is one.

The tables conclude these for each term of the graph, which doubles it and tells nobody anything. They are left out of a
program unless the complete closure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyoxigraph import NamedNode

from kg.reasoner.owl.maker import RuleMaker, X, Y
from kg.reasoner.owl.vocabulary import (
    EQUIVALENT_CLASS,
    EQUIVALENT_PROPERTY,
    NOTHING,
    RL_DATATYPES,
    SAME,
    SUB_CLASS,
    SUB_PROPERTY,
    THING,
    TYPE,
    owl,
    rdf,
    rdfs,
)
from kg.sparql import algebra as a

_EN, _ZH = "this holds of everything of its kind", "凡此类事物皆然"
_ANNOTATIONS = [*(rdfs(n) for n in ("label", "comment", "seeAlso", "isDefinedBy")),
                *(owl(n) for n in ("deprecated", "versionInfo", "priorVersion", "backwardCompatibleWith", "incompatibleWith"))]  # fmt: skip


def owl_trivia(make: RuleMaker, predicates: Sequence[NamedNode]) -> None:
    """eq-ref, prp-ap, cls-thing, cls-nothing1, dt-type1, scm-cls, scm-op, scm-dp; `predicates` are all that the graph uses."""
    triple = a.TriplePattern
    make.rule("scm-cls", (), [triple(X, SUB_CLASS, X), triple(X, EQUIVALENT_CLASS, X), triple(X, SUB_CLASS, THING), triple(NOTHING, SUB_CLASS, X)],
              [triple(X, TYPE, owl("Class"))], _EN, _ZH)  # fmt: skip
    for name, kind in (("scm-op", "ObjectProperty"), ("scm-dp", "DatatypeProperty")):
        make.rule(name, (), [triple(X, SUB_PROPERTY, X), triple(X, EQUIVALENT_PROPERTY, X)], [triple(X, TYPE, owl(kind))], _EN, _ZH)
    make.fact("cls-thing", [triple(THING, TYPE, owl("Class")), triple(NOTHING, TYPE, owl("Class"))], _EN, _ZH)
    make.fact("prp-ap", [triple(p, TYPE, owl("AnnotationProperty")) for p in _ANNOTATIONS], _EN, _ZH)
    make.fact("dt-type1", [triple(d, TYPE, rdfs("Datatype")) for d in RL_DATATYPES], _EN, _ZH)
    for predicate in predicates:
        make.rule("eq-ref", (predicate,), [triple(X, SAME, X), triple(predicate, SAME, predicate), triple(Y, SAME, Y)],
                  [triple(X, predicate, Y)], _EN, _ZH)  # fmt: skip


def thing_rules(make: RuleMaker) -> None:
    """What belongs to a class belongs to owl:Thing: needed where an axiom speaks of owl:Thing (scm-cls with cax-sco)."""
    for cls in list(make.ontology.instances(owl("Class"))):
        if cls not in (THING, NOTHING):
            make.rule("scm-cls", (cls,), make.holds(THING, X), [make.holds(cls, X)], "{{x}} is a thing, since it belongs to {0}", "{{x}} 是一个事物，因其属于 {0}")


def rdfs_trivia(make: RuleMaker, predicates: Sequence[NamedNode]) -> None:
    """rdfD2, rdfs4a and rdfs4b for each predicate of the graph; rdfs6, 8, 10, 12, 13; the finite axiomatic triples."""
    triple, resource = a.TriplePattern, rdfs("Resource")
    for predicate in predicates:
        make.rule("rdfD2", (predicate,), triple(predicate, TYPE, rdf("Property")), [triple(X, predicate, Y)], _EN, _ZH)
        make.rule("rdfs4", (predicate,), [triple(X, TYPE, resource), triple(Y, TYPE, resource)], [triple(X, predicate, Y)], _EN, _ZH)
    for name, kind, head in (
        ("rdfs6", rdf("Property"), triple(X, SUB_PROPERTY, X)), ("rdfs8", rdfs("Class"), triple(X, SUB_CLASS, resource)),
        ("rdfs10", rdfs("Class"), triple(X, SUB_CLASS, X)), ("rdfs12", rdfs("ContainerMembershipProperty"), triple(X, SUB_PROPERTY, rdfs("member"))),
        ("rdfs13", rdfs("Datatype"), triple(X, SUB_CLASS, rdfs("Literal"))),
    ):  # fmt: skip
        make.rule(name, (), head, [triple(X, TYPE, kind)], _EN, _ZH)
    make.fact("rdfs-axioms", [triple(s, p, o) for s, p, o in AXIOMATIC], _EN, _ZH)


def _axiomatic() -> list[tuple]:
    """The axiomatic triples of RDF and RDFS but for the endless rdf:_n (RDF 1.1 Semantics, sections 8 and 9)."""
    def both(names: str, make) -> list:
        return [make(name) for name in names.split()]

    Class, Resource, Literal, Property, List, Statement = rdfs("Class"), rdfs("Resource"), rdfs("Literal"), rdf("Property"), rdf("List"), rdf("Statement")
    ranges = {
        rdf("type"): (Resource, Class), rdfs("domain"): (Property, Class), rdfs("range"): (Property, Class), rdfs("subPropertyOf"): (Property, Property),
        rdfs("subClassOf"): (Class, Class), rdf("subject"): (Statement, Resource), rdf("predicate"): (Statement, Resource), rdf("object"): (Statement, Resource),
        rdfs("member"): (Resource, Resource), rdf("first"): (List, Resource), rdf("rest"): (List, List), rdfs("seeAlso"): (Resource, Resource),
        rdfs("isDefinedBy"): (Resource, Resource), rdfs("comment"): (Resource, Literal), rdfs("label"): (Resource, Literal), rdf("value"): (Resource, Resource),
    }  # fmt: skip
    triples = [(p, TYPE, Property) for p in both("type subject predicate object first rest value", rdf)]
    triples += [(rdf("nil"), TYPE, List)]
    triples += [(p, rdfs("domain"), domain) for p, (domain, _) in ranges.items()] + [(p, rdfs("range"), value) for p, (_, value) in ranges.items()]
    triples += [(c, SUB_CLASS, rdfs("Container")) for c in both("Alt Bag Seq", rdf)]
    triples += [(rdfs("ContainerMembershipProperty"), SUB_CLASS, Property), (rdfs("isDefinedBy"), SUB_PROPERTY, rdfs("seeAlso")), (rdfs("Datatype"), SUB_CLASS, Class)]
    return triples


AXIOMATIC = _axiomatic()
