"""The SHACL vocabulary: the terms that the parser and the report use, and all terms that a shapes graph may use."""

from __future__ import annotations

from functools import lru_cache

from pyoxigraph import NamedNode

from kg.terms import RDF

SH = "http://www.w3.org/ns/shacl#"
OWL = "http://www.w3.org/2002/07/owl#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"


@lru_cache(maxsize=500)
def sh(name: str) -> NamedNode:
    """The term `sh:name`."""
    return NamedNode(SH + name)


def component(name: str) -> NamedNode:
    """The constraint component of a parameter: MinCount → sh:MinCountConstraintComponent."""
    return NamedNode(f"{SH}{name}ConstraintComponent")


TYPE, FIRST, REST, NIL = (NamedNode(RDF + name) for name in ("type", "first", "rest", "nil"))
RDFS_CLASS, SUB_CLASS_OF = NamedNode(RDFS + "Class"), NamedNode(RDFS + "subClassOf")
OWL_CLASS = NamedNode(OWL + "Class")
NODE_SHAPE, PROPERTY_SHAPE = sh("NodeShape"), sh("PropertyShape")
PATH, PROPERTY, SPARQL = sh("path"), sh("property"), sh("sparql")
VIOLATION = sh("Violation")

TARGETS = {sh(name): name for name in ("targetNode", "targetClass", "targetSubjectsOf", "targetObjectsOf", "target")}
NODE_KINDS = {
    sh("IRI"): ("IRI",),
    sh("BlankNode"): ("BlankNode",),
    sh("Literal"): ("Literal",),
    sh("BlankNodeOrIRI"): ("BlankNode", "IRI"),
    sh("BlankNodeOrLiteral"): ("BlankNode", "Literal"),
    sh("IRIOrLiteral"): ("IRI", "Literal"),
}

# Parameters whose values are shapes, and those whose values are lists of shapes (sections 4.6 and 4.7).
SHAPE_PARAMETERS = ("node", "property", "not", "qualifiedValueShape")
SHAPE_LIST_PARAMETERS = ("and", "or", "xone")
VALUE_PARAMETERS = (
    "class", "datatype", "nodeKind", "minCount", "maxCount", "minExclusive", "minInclusive", "maxExclusive", "maxInclusive",
    "minLength", "maxLength", "pattern", "languageIn", "uniqueLang", "equals", "disjoint", "lessThan", "lessThanOrEquals",
    "closed", "hasValue", "in", "sparql", "qualifiedMinCount", "qualifiedMaxCount",
)  # fmt: skip
PARAMETERS = (*VALUE_PARAMETERS, *SHAPE_PARAMETERS, *SHAPE_LIST_PARAMETERS)

# What may stand on a shape beside parameters; a word of the sh: namespace outside all of these is a slip of the pen.
OTHER_PROPERTIES = (
    "path", "targetNode", "targetClass", "targetSubjectsOf", "targetObjectsOf", "target", "severity", "message", "deactivated", "name",
    "description", "order", "group", "defaultValue", "flags", "ignoredProperties", "qualifiedValueShapesDisjoint", "rule", "values",
    "condition", "declare", "prefixes", "select", "ask", "construct", "update", "shapesGraph", "suggestedShapesGraph", "entailment",
    "parameter", "optional", "validator", "nodeValidator", "propertyValidator", "labelTemplate", "js", "expression", "inversePath",
    "alternativePath", "zeroOrMorePath", "oneOrMorePath", "zeroOrOnePath", "namespace", "prefix", "codeIdentifier", "agentInstruction",
    "nodes", "filterShape", "intersection", "union", "subject", "predicate", "object", "returnType",
)  # fmt: skip
