"""The names of RDF, RDFS and OWL 2 that the compiler knows, and which triples of a graph are its schema."""

from __future__ import annotations

from pyoxigraph import NamedNode

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OWL = "http://www.w3.org/2002/07/owl#"
XSD = "http://www.w3.org/2001/XMLSchema#"


def rdf(name: str) -> NamedNode:
    return NamedNode(RDF + name)


def rdfs(name: str) -> NamedNode:
    return NamedNode(RDFS + name)


def owl(name: str) -> NamedNode:
    return NamedNode(OWL + name)


def xsd(name: str) -> NamedNode:
    return NamedNode(XSD + name)


TYPE, FIRST, REST, NIL = rdf("type"), rdf("first"), rdf("rest"), rdf("nil")
LABEL, SUB_CLASS, SUB_PROPERTY = rdfs("label"), rdfs("subClassOf"), rdfs("subPropertyOf")
DOMAIN, RANGE = rdfs("domain"), rdfs("range")
EQUIVALENT_CLASS, EQUIVALENT_PROPERTY = owl("equivalentClass"), owl("equivalentProperty")
THING, NOTHING, SAME, DIFFERENT = owl("Thing"), owl("Nothing"), owl("sameAs"), owl("differentFrom")

# ?x INCONSISTENT <rule>: a conclusion that no model of the ontology allows; the rule's body says what clashes.
INCONSISTENT = NamedNode("urn:x-guanxi:isInconsistentBy")

# Predicates whose triples are schema wherever they stand.
SCHEMA_PREDICATES = (
    FIRST, REST, SUB_CLASS, SUB_PROPERTY, DOMAIN, RANGE,
    *(owl(name) for name in (
        "equivalentClass", "disjointWith", "complementOf", "disjointUnionOf", "intersectionOf", "unionOf", "oneOf",
        "onProperty", "onProperties", "someValuesFrom", "allValuesFrom", "hasValue", "hasSelf", "cardinality", "minCardinality",
        "maxCardinality", "qualifiedCardinality", "minQualifiedCardinality", "maxQualifiedCardinality", "onClass", "onDataRange",
        "inverseOf", "equivalentProperty", "propertyDisjointWith", "propertyChainAxiom", "hasKey", "sourceIndividual",
        "assertionProperty", "targetIndividual", "targetValue", "members", "distinctMembers", "datatypeComplementOf",
        "onDatatype", "withRestrictions", "imports",
    )),
)  # fmt: skip

# Classes whose members are schema: `?x rdf:type` one of these.
SCHEMA_CLASSES = (
    rdf("Property"),
    *(rdfs(name) for name in ("Class", "Datatype", "ContainerMembershipProperty")),
    *(owl(name) for name in (
        "Class", "Restriction", "DataRange", "ObjectProperty", "DatatypeProperty", "AnnotationProperty", "OntologyProperty", "Ontology",
        "FunctionalProperty", "InverseFunctionalProperty", "ReflexiveProperty", "IrreflexiveProperty", "SymmetricProperty",
        "AsymmetricProperty", "TransitiveProperty", "AllDifferent", "AllDisjointClasses", "AllDisjointProperties",
        "NegativePropertyAssertion",
    )),
)  # fmt: skip

# The datatypes of OWL 2 RL (section 4.2.1), those of XSD that OWL 2 leaves out, and what each is a part of.
DATATYPE_PARENTS = {
    "integer": "decimal", "nonNegativeInteger": "integer", "nonPositiveInteger": "integer", "positiveInteger": "nonNegativeInteger",
    "negativeInteger": "nonPositiveInteger", "long": "integer", "int": "long", "short": "int", "byte": "short",
    "unsignedLong": "nonNegativeInteger", "unsignedInt": "unsignedLong", "unsignedShort": "unsignedInt", "unsignedByte": "unsignedShort",
    "normalizedString": "string", "token": "normalizedString", "language": "token", "Name": "token", "NCName": "Name", "NMTOKEN": "token",
    "dateTimeStamp": "dateTime",
}  # fmt: skip
RL_DATATYPES = (
    rdf("PlainLiteral"), rdf("XMLLiteral"), rdf("langString"), rdfs("Literal"),
    *(xsd(name) for name in (
        "decimal", *(name for name in DATATYPE_PARENTS), "string", "boolean", "hexBinary", "base64Binary", "anyURI", "dateTime",
        "float", "double",
    )),
)  # fmt: skip
OTHER_DATATYPES = tuple(xsd(name) for name in ("date", "time", "gYear", "gMonth", "gDay", "gYearMonth", "gMonthDay", "duration",
                                              "dayTimeDuration", "yearMonthDuration"))  # fmt: skip
DATATYPES = frozenset([*RL_DATATYPES, *OTHER_DATATYPES, owl("real"), owl("rational")])


def is_reserved(iri: str) -> bool:
    """Whether a name belongs to RDF, RDFS, OWL or XSD."""
    return iri.startswith((RDF, RDFS, OWL, XSD))


# Predicates that conclusions of the complete closure may have, whatever the graph uses.
AXIOMATIC_PREDICATES = (TYPE, SUB_CLASS, SUB_PROPERTY, DOMAIN, RANGE, EQUIVALENT_CLASS, EQUIVALENT_PROPERTY, SAME)
