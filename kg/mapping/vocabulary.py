"""The IRIs of R2RML (W3C Recommendation, 27 September 2012) and of RML, and what may stand on which node."""

from __future__ import annotations

RR = "http://www.w3.org/ns/r2rml#"

LOGICAL_TABLE = RR + "logicalTable"
TABLE_NAME = RR + "tableName"
SQL_QUERY = RR + "sqlQuery"
SQL_VERSION = RR + "sqlVersion"
SQL_2008 = RR + "SQL2008"
SUBJECT, SUBJECT_MAP = RR + "subject", RR + "subjectMap"
PREDICATE, PREDICATE_MAP = RR + "predicate", RR + "predicateMap"
OBJECT, OBJECT_MAP = RR + "object", RR + "objectMap"
GRAPH, GRAPH_MAP = RR + "graph", RR + "graphMap"
DEFAULT_GRAPH = RR + "defaultGraph"
PREDICATE_OBJECT_MAP = RR + "predicateObjectMap"
PARENT_TRIPLES_MAP = RR + "parentTriplesMap"
JOIN_CONDITION, CHILD, PARENT = RR + "joinCondition", RR + "child", RR + "parent"
CONSTANT, COLUMN, TEMPLATE = RR + "constant", RR + "column", RR + "template"
TERM_TYPE, DATATYPE, LANGUAGE = RR + "termType", RR + "datatype", RR + "language"
INVERSE_EXPRESSION = RR + "inverseExpression"
CLASS = RR + "class"
TRIPLES_MAP = RR + "TriplesMap"

TERM_MAP_PROPERTIES = (CONSTANT, COLUMN, TEMPLATE, TERM_TYPE, DATATYPE, LANGUAGE, INVERSE_EXPRESSION)

# Which properties a node of each kind may carry; another rr: property there is a mistake worth reporting.
ALLOWED = {
    "triples map": (LOGICAL_TABLE, SUBJECT, SUBJECT_MAP, PREDICATE_OBJECT_MAP),
    "logical table": (TABLE_NAME, SQL_QUERY, SQL_VERSION),
    "subject map": (*TERM_MAP_PROPERTIES, CLASS, GRAPH, GRAPH_MAP),
    "predicate-object map": (PREDICATE, PREDICATE_MAP, OBJECT, OBJECT_MAP, GRAPH, GRAPH_MAP),
    "predicate map": TERM_MAP_PROPERTIES,
    "object map": TERM_MAP_PROPERTIES,
    "graph map": TERM_MAP_PROPERTIES,
    "referencing object map": (PARENT_TRIPLES_MAP, JOIN_CONDITION),
    "join condition": (CHILD, PARENT),
}

# ── RML: the words that R2RML does not have, in RML-Core's and RML-IO's namespace ────────────────────────────────

RML = "http://w3id.org/rml/"
RML_2014 = "http://semweb.mmlab.be/ns/rml#"
QL = "http://semweb.mmlab.be/ns/ql#"
FORMATS = "http://www.w3.org/ns/formats/"
D2RQ_DATABASE = "http://www.wiwiss.fu-berlin.de/suhl/bizer/D2RQ/0.1#Database"

LOGICAL_SOURCE, SOURCE, ITERATOR = RML + "logicalSource", RML + "source", RML + "iterator"
REFERENCE_FORMULATION, REFERENCE, QUERY = RML + "referenceFormulation", RML + "reference", RML + "query"
BASE_IRI = RML + "baseIRI"
CHILD_MAP, PARENT_MAP = RML + "childMap", RML + "parentMap"
DATATYPE_MAP, LANGUAGE_MAP = RML + "datatypeMap", RML + "languageMap"
URI, UNSAFE_IRI, UNSAFE_URI = RML + "URI", RML + "UnsafeIRI", RML + "UnsafeURI"
ROOT, PATH, ENCODING, COMPRESSION, NULL = RML + "root", RML + "path", RML + "encoding", RML + "compression", RML + "null"
MAPPING_DIRECTORY, WORKING_DIRECTORY = RML + "MappingDirectory", RML + "CurrentWorkingDirectory"
NAMESPACE, NAMESPACE_PREFIX, NAMESPACE_URL = RML + "namespace", RML + "namespacePrefix", RML + "namespaceURL"
LOGICAL_TARGET, TARGET, SERIALIZATION = RML + "logicalTarget", RML + "target", RML + "serialization"

# A property or term that R2RML has as well is read as R2RML's.
_SHARED = frozenset(
    one[len(RR) :]
    for one in (
        SUBJECT, SUBJECT_MAP, PREDICATE, PREDICATE_MAP, OBJECT, OBJECT_MAP, GRAPH, GRAPH_MAP, DEFAULT_GRAPH, PREDICATE_OBJECT_MAP, PARENT_TRIPLES_MAP,
        JOIN_CONDITION, CHILD, PARENT, CONSTANT, TEMPLATE, TERM_TYPE, DATATYPE, LANGUAGE, INVERSE_EXPRESSION, CLASS, TRIPLES_MAP,
        RR + "IRI", RR + "BlankNode", RR + "Literal",
    )
)  # fmt: skip


def canonical(iri: str) -> str:
    """One word for each notion of R2RML, RML-Core and the first RML vocabulary.

    >>> canonical("http://w3id.org/rml/template"), canonical("http://semweb.mmlab.be/ns/ql#JSONPath")
    ('http://www.w3.org/ns/r2rml#template', 'http://w3id.org/rml/JSONPath')
    """
    for namespace in (RML, RML_2014, QL):
        if iri.startswith(namespace):
            local = iri[len(namespace) :]
            return RR + local if local in _SHARED else RML + local
    return iri


_RML_TERM_MAP = (REFERENCE, DATATYPE_MAP, LANGUAGE_MAP, LOGICAL_TARGET)
EXPRESSION_MAP_PROPERTIES = (CONSTANT, REFERENCE, TEMPLATE, TERM_TYPE, LOGICAL_TARGET)
_SOURCE_PROPERTIES = (SOURCE, ITERATOR, REFERENCE_FORMULATION, QUERY, NULL, ENCODING, COMPRESSION)
ALLOWED |= {kind: (*ALLOWED[kind], *_RML_TERM_MAP) for kind in ("subject map", "predicate map", "object map", "graph map")}
ALLOWED |= {
    "triples map": (*ALLOWED["triples map"], LOGICAL_SOURCE, BASE_IRI),
    "join condition": (CHILD, PARENT, CHILD_MAP, PARENT_MAP),
    "logical source": (*_SOURCE_PROPERTIES, TABLE_NAME, SQL_QUERY, SQL_VERSION),
    "source": (ROOT, PATH, ENCODING, COMPRESSION, NULL, *_SOURCE_PROPERTIES),
    "logical target": (TARGET, SERIALIZATION, ENCODING, COMPRESSION),
    "target": (ROOT, PATH, ENCODING, COMPRESSION, TARGET, SERIALIZATION),
    "child map": EXPRESSION_MAP_PROPERTIES,
    "parent map": EXPRESSION_MAP_PROPERTIES,
    "datatype map": EXPRESSION_MAP_PROPERTIES,
    "language map": EXPRESSION_MAP_PROPERTIES,
}
