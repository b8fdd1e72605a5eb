"""The IRIs of R2RML (W3C Recommendation, 27 September 2012) and what may stand on which node."""

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
