"""What an axiom must look like to be compiled: classes and properties that are none are refused with their place."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode

from kg.reasoner.owl.ontology import Node, Ontology, local_name
from kg.reasoner.owl.vocabulary import owl
from kg.terms import Term

_FILLERS = (
    "someValuesFrom", "allValuesFrom", "hasValue", "hasSelf", "cardinality", "minCardinality", "maxCardinality",
    "qualifiedCardinality", "minQualifiedCardinality", "maxQualifiedCardinality",
)  # fmt: skip


def pairs(ontology: Ontology, predicate: NamedNode, what: str = "class") -> Iterator[tuple[Node, Node]]:
    """The (subject, object) of an axiom between two classes or two properties. RuleError R242 where the object is a literal."""
    for subject, object in ontology.pairs(predicate):
        yield subject, as_node(ontology, object, subject, predicate, what)


def as_node(ontology: Ontology, term: Term, owner: Node, predicate: NamedNode, what: str = "class") -> Node:
    if isinstance(term, Literal):
        raise ontology.error(
            "R242", f"{local_name(predicate)} of {ontology.shown(owner)} names the literal {term}, which is no {what}", owner, term, predicate,
            help=f"write the {what}'s IRI, for example ex:{local_name(term) if local_name(term).isidentifier() else 'Name'}")  # fmt: skip
    return term


def members(ontology: Ontology, owner: Node, predicate: NamedNode, list_node: Term, what: str = "class") -> list[Node]:
    """A list of classes, properties or individuals. RuleError R240, R242."""
    return [as_node(ontology, member, owner, predicate, what) for member in ontology.list(owner, predicate, list_node)]


def restrictions(ontology: Ontology) -> Iterator[tuple[Node, Node]]:
    """Every (restriction, property); RuleError R241 for one that lacks its property or what it demands."""
    seen = set()
    for node, object in ontology.pairs(owl("onProperty")):
        seen.add(node)
        property = as_node(ontology, object, node, owl("onProperty"), "property")
        if not any(ontology.values(node, owl(name)) for name in _FILLERS):
            raise ontology.error(
                "R241", f"a restriction on {ontology.shown(property)} says nothing about it: {ontology.shown(node)}", node, property, owl("Restriction"),
                help="add what it demands: owl:someValuesFrom, owl:allValuesFrom, owl:hasValue or a cardinality")  # fmt: skip
        for name in ("maxQualifiedCardinality", "qualifiedCardinality", "minQualifiedCardinality"):
            if ontology.values(node, owl(name)) and not (ontology.values(node, owl("onClass")) or ontology.values(node, owl("onDataRange"))):
                raise ontology.error(
                    "R241", f"owl:{name} on {ontology.shown(property)} does not say of what: {ontology.shown(node)}", node, owl(name), property,
                    help=f"add owl:onClass or owl:onDataRange, or write owl:{name.replace('Qualified', '').replace('qualifiedC', 'c')}")  # fmt: skip
        yield node, property
    for name in _FILLERS:
        for node, _ in ontology.pairs(owl(name)):
            if node not in seen:
                raise ontology.error(
                    "R241", f"a restriction with owl:{name} lacks its owl:onProperty: {ontology.shown(node)}", node, owl(name), owl("Restriction"),
                    help="add owl:onProperty, the property that it restricts")  # fmt: skip


def cardinality(ontology: Ontology, node: Node, name: str) -> tuple[int, Term] | None:
    """The number of a cardinality, with its literal. RuleError R244 where it is no natural number."""
    for value in ontology.values(node, owl(name)):
        text = value.value if isinstance(value, Literal) else ""
        if not text.lstrip("+").isdigit():
            raise ontology.error(
                "R244", f"owl:{name} of {ontology.shown(node)} is {value}, which is no natural number", node, value, owl(name),
                help=f'write it as a number: owl:{name} "1"^^xsd:nonNegativeInteger')  # fmt: skip
        return int(text), value
    return None
