"""Which axioms lie outside of OWL 2 RL (OWL 2 Profiles, section 4.2): what of them the rules do not reason with.

A class expression may stand on the left of an axiom, on its right, or in an equivalence; each side takes other forms.
`owl:Thing` on the right says nothing and is let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import Location
from kg.reasoner.owl.datatypes import is_datatype
from kg.reasoner.owl.ontology import Node, Ontology, local_name
from kg.reasoner.owl.vocabulary import (
    DOMAIN,
    EQUIVALENT_CLASS,
    OTHER_DATATYPES,
    RANGE,
    SUB_CLASS,
    THING,
    TYPE,
    is_reserved,
    owl,
)
from kg.reasoner.owl.wording import expression
from kg.terms import Term

_SIDES = {"left": "on the left of an axiom", "right": "on the right of an axiom", "both": "in an equivalence"}
_ALLOWED = {
    "left": {"oneOf", "intersectionOf", "unionOf", "someValuesFrom", "hasValue"},
    "right": {"intersectionOf", "complementOf", "allValuesFrom", "hasValue", "maxCardinality", "maxQualifiedCardinality"},
    "both": {"intersectionOf", "hasValue"},
}
_FORMS = (
    "intersectionOf", "unionOf", "oneOf", "complementOf", "someValuesFrom", "allValuesFrom", "hasValue", "hasSelf", "maxCardinality",
    "maxQualifiedCardinality", "minCardinality", "minQualifiedCardinality", "cardinality", "qualifiedCardinality",
)  # fmt: skip


@dataclass(frozen=True)
class Departure:
    """An axiom outside of the profile: what it is, why, and where it stands."""

    message: str
    place: Location


def departures(ontology: Ontology) -> list[Departure]:
    """All axioms outside of OWL 2 RL, each once, in the order of their terms."""
    return list(dict.fromkeys(_found(ontology)))


def _found(ontology: Ontology) -> Iterator[Departure]:
    for predicate, left, right in ((SUB_CLASS, "left", "right"), (EQUIVALENT_CLASS, "both", "both"), (owl("disjointWith"), "left", "left")):
        for subject, object in ontology.pairs(predicate):
            if is_datatype(ontology, subject) or is_datatype(ontology, object):
                continue
            yield from _class(ontology, subject, left, subject, predicate)
            yield from _class(ontology, object, right, subject, predicate)
    for predicate in (DOMAIN, RANGE):
        for property, cls in ontology.pairs(predicate):
            if is_datatype(ontology, cls):
                yield from _datatype(ontology, cls, property, predicate)
            else:
                yield from _class(ontology, cls, "right", property, predicate)
    for node in ontology.instances(owl("AllDisjointClasses")):
        for members in ontology.values(node, owl("members")):
            for member in ontology.list(node, owl("members"), members):
                yield from _class(ontology, member, "left", node, owl("members"))
    for cls, _ in ontology.pairs(owl("disjointUnionOf")):
        yield _departure(ontology, cls, owl("disjointUnionOf"), "is a disjoint union, which OWL 2 RL does not have; write owl:unionOf and owl:disjointWith")
    for property in ontology.instances(owl("ReflexiveProperty")):
        yield _departure(ontology, property, owl("ReflexiveProperty"), "is reflexive, which OWL 2 RL does not have")
    for node in ontology.subjects():
        if isinstance(node, NamedNode):  # a name for an expression is an equivalence
            for name in ("intersectionOf", "unionOf", "oneOf", "complementOf"):
                if ontology.values(node, owl(name)) and not is_datatype(ontology, node):
                    yield from _form(ontology, node, name, "both", node, owl(name))


def _class(ontology: Ontology, cls: Term, side: str, about: Node, predicate: NamedNode) -> Iterator[Departure]:
    """What is wrong with a class expression on one side of an axiom about `about`."""
    if isinstance(cls, Literal):
        return
    if not isinstance(cls, BlankNode):
        if cls == THING and side == "left":
            yield _departure(ontology, about, predicate, f"has owl:Thing {_SIDES[side]}, where OWL 2 RL takes other classes only")
        return
    for name in _FORMS:
        if ontology.values(cls, owl(name)):
            yield from _form(ontology, cls, name, side, about, predicate)


def _form(ontology: Ontology, node: Node, name: str, side: str, about: Node, predicate: NamedNode) -> Iterator[Departure]:
    shown = expression(ontology, node) if isinstance(node, BlankNode) else f"owl:{name}"
    if name not in _ALLOWED[side]:
        yield _departure(ontology, about, predicate, f"has {shown} {_SIDES[side]}, where OWL 2 RL takes no owl:{name}")
        return
    for value in ontology.values(node, owl(name)):
        if name in ("intersectionOf", "unionOf"):
            for member in ontology.list(node, owl(name), value):
                yield from _class(ontology, member, side, about, predicate)
        elif name == "complementOf":
            yield from _class(ontology, value, "left", about, predicate)
        elif name in ("someValuesFrom", "allValuesFrom"):
            if is_datatype(ontology, value):
                yield from _datatype(ontology, value, about, predicate)
            elif value != THING:
                yield from _class(ontology, value, side, about, predicate)
        elif name in ("maxCardinality", "maxQualifiedCardinality"):
            if isinstance(value, Literal) and value.value not in ("0", "1"):
                yield _departure(ontology, about, predicate, f"has {shown}, where OWL 2 RL takes at most 0 or 1")
            for filler in ontology.values(node, owl("onClass")) if name != "maxCardinality" else ():
                if filler != THING:
                    yield from _class(ontology, filler, "left", about, predicate)


def _datatype(ontology: Ontology, datatype: Term, about: Node, predicate: NamedNode) -> Iterator[Departure]:
    if isinstance(datatype, NamedNode) and is_reserved(datatype.value):
        if datatype in OTHER_DATATYPES or local_name(datatype) in ("real", "rational"):
            yield _departure(ontology, about, predicate, f"uses the datatype {ontology.shown(datatype)}, which OWL 2 RL does not list", datatype)
    elif ontology.values(datatype, owl("onDatatype")) or ontology.values(datatype, owl("oneOf")):
        yield _departure(ontology, about, predicate, "restricts a datatype, which OWL 2 RL does not do")


def _departure(ontology: Ontology, about: Node, predicate: NamedNode, why: str, *terms: Term) -> Departure:
    owner = about if isinstance(about, NamedNode) else ontology.owner(about) or about
    return Departure(f"{ontology.shown(owner)} {why}", ontology.place(about, *terms, predicate if predicate != TYPE else owner))
