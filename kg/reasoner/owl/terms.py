"""Terms of an ontology that its axioms use without declaring them, and those that it declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode

from kg.errors import Location, did_you_mean
from kg.reasoner.owl.ontology import Ontology
from kg.reasoner.owl.vocabulary import (
    DOMAIN,
    EQUIVALENT_CLASS,
    EQUIVALENT_PROPERTY,
    FIRST,
    RANGE,
    SUB_CLASS,
    SUB_PROPERTY,
    TYPE,
    is_reserved,
    owl,
    rdf,
    rdfs,
)

# Positions of classes and of properties in axioms: (predicate, what its subject is, what its object is).
_POSITIONS = (
    (SUB_CLASS, "class", "class"), (EQUIVALENT_CLASS, "class", "class"), (owl("disjointWith"), "class", "class"), (owl("complementOf"), "class", "class"),
    (SUB_PROPERTY, "property", "property"), (EQUIVALENT_PROPERTY, "property", "property"), (owl("inverseOf"), "property", "property"),
    (owl("propertyDisjointWith"), "property", "property"), (DOMAIN, "property", "class"), (RANGE, "property", "class"),
    (owl("onProperty"), None, "property"), (owl("someValuesFrom"), None, "class"), (owl("allValuesFrom"), None, "class"), (owl("onClass"), None, "class"),
)  # fmt: skip
_CLASSES = (owl("Class"), rdfs("Class"), rdfs("Datatype"), owl("Restriction"))
_PROPERTIES = (
    rdf("Property"), owl("ObjectProperty"), owl("DatatypeProperty"), owl("AnnotationProperty"), owl("OntologyProperty"),
    *(owl(f"{kind}Property") for kind in ("Functional", "InverseFunctional", "Transitive", "Symmetric", "Asymmetric", "Reflexive", "Irreflexive")),
)  # fmt: skip


@dataclass(frozen=True)
class Undeclared:
    term: NamedNode
    message: str
    place: Location
    help: str


def declared(ontology: Ontology) -> dict[NamedNode, str]:
    """The classes and properties that the ontology declares, with what they are."""
    found: dict[NamedNode, str] = {}
    for subject, cls in ontology.pairs(TYPE):
        if isinstance(subject, NamedNode):
            if cls in _CLASSES:
                found[subject] = "class"
            elif cls in _PROPERTIES:
                found.setdefault(subject, "property")
    return found


def undeclared(ontology: Ontology) -> Iterator[Undeclared]:
    """Terms in the namespaces of the ontology that axioms use and nothing declares."""
    known = declared(ontology)
    namespaces = {_namespace(term) for term in known}
    seen = set()
    for predicate, of_subject, of_object in _POSITIONS:
        for subject, object in ontology.pairs(predicate):
            for term, kind in ((subject, of_subject), (object, of_object)):
                if kind is None or not isinstance(term, NamedNode) or term in known or term in seen or is_reserved(term.value):
                    continue
                if _namespace(term) in namespaces:
                    seen.add(term)
                    close = did_you_mean(ontology.shown(term), [ontology.shown(one) for one, what in known.items() if what == kind])
                    yield Undeclared(term, f"{ontology.shown(term)} is used as a {kind}, but nothing declares it", ontology.place(subject, term, predicate),
                                     close or f"declare it: {ontology.shown(term)} a owl:{'Class' if kind == 'class' else 'ObjectProperty'}")  # fmt: skip


def mentioned(ontology: Ontology) -> set[NamedNode]:
    """The terms that an axiom other than those about themselves mentions."""
    found = set()
    for predicate in {predicate for predicate, _, _ in _POSITIONS} | {FIRST}:
        for _, object in ontology.pairs(predicate):
            if isinstance(object, NamedNode):
                found.add(object)
    return found


def _namespace(term: NamedNode) -> str:
    return term.value[: max(term.value.rfind("/"), term.value.rfind("#")) + 1]
