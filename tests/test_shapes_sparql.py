"""Queries in shapes: asked for all focus nodes at once, they give what they give when asked node by node with $this bound."""

import pytest

from kg.shapes import load_shapes, sparql_constraints, validate
from kg.store import Store, documents

DATA = """@prefix ex: <http://example.org/> .
ex:a ex:p 1, 2, "x" ; ex:q ex:b, ex:c ; ex:r ex:a .
ex:b ex:p 2 ; ex:q ex:c ; ex:s "b"@en .
ex:c ex:p 3.5, ex:a ; ex:s "c", 7 .
ex:d ex:r ex:b, ex:d ; ex:s "d"@de .
ex:e ex:q ex:e .
"""
SHAPE = """@prefix ex: <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex: sh:declare [ sh:prefix "ex" ; sh:namespace "http://example.org/"^^xsd:anyURI ] .
ex:S sh:targetNode ex:a, ex:b, ex:c, ex:d, ex:e, ex:unknown, "literal", 2 ; sh:sparql [ sh:prefixes ex: ; sh:select '''{}''' ] ."""

QUERIES = [
    "SELECT $this ?value { $this ex:p ?value }",
    "SELECT $this { $this ex:p ?n OPTIONAL { $this ex:s ?s } FILTER(!bound(?s) && ?n < 3) }",
    "SELECT $this ?value { OPTIONAL { $this ex:q ?value } }",
    "SELECT $this ?value { { $this ex:p ?value } UNION { ?value ex:q $this } }",
    "SELECT $this { { FILTER(isIRI($this)) } { FILTER NOT EXISTS { $this ex:p ?n } } }",
    "SELECT $this { FILTER EXISTS { ?x ex:q $this . FILTER(?x != $this) } }",
    "SELECT $this { FILTER NOT EXISTS { $this ex:q ?x . FILTER NOT EXISTS { ?x ex:q $this } } }",
    "SELECT $this ?value { $this ex:q+ ?value }",
    "SELECT $this ?value { $this (ex:q|ex:r)* ?value FILTER(?value != $this) }",
    "SELECT $this ?value { ?value ^ex:q/ex:p $this }",
    "SELECT $this (COUNT(?x) AS ?value) { $this ex:p ?x } GROUP BY $this HAVING (COUNT(?x) > 1)",
    "SELECT $this ?value { { SELECT $this (SUM(?n) AS ?value) { $this ex:p ?n FILTER isNumeric(?n) } GROUP BY $this } FILTER(?value > 2) }",
    "SELECT $this ?value { { SELECT $this ?value { $this ex:p ?value } ORDER BY ?value LIMIT 1 } }",
    "SELECT $this ?value { $this ex:p ?value } ORDER BY DESC(?value) LIMIT 1",
    "SELECT $this ?value { BIND($this AS ?value) FILTER(isLiteral(?value)) }",
    "SELECT $this (STRLEN(STR($this)) AS ?value) {}",
    "SELECT DISTINCT $this { $this ?any ?other }",
    "SELECT $this ?value { $this ex:q ?m . ?m ex:p ?value OPTIONAL { ?m ex:s ?s FILTER(?s = 7 || $this = ex:b) } FILTER(bound(?s)) }",
    "SELECT $this ?path ?value { $this ?path ?value FILTER(?path != ex:p) }",
    "SELECT $this (IF(isIRI($this), 'iri', 'literal') AS ?value) { FILTER(!isBlank($this)) }",
    "SELECT $this ?value { $this ex:s ?value FILTER(langMatches(lang(?value), 'en') || datatype(?value) = <http://www.w3.org/2001/XMLSchema#integer>) }",
    "SELECT $this (GROUP_CONCAT(STR(?x)) AS ?value) { ?x ex:q $this } GROUP BY $this",
    "SELECT $this { $this ex:r $this }",
    "SELECT $this ?value { GRAPH ?value { $this ex:r ?x } }",
    "SELECT $this ?value { GRAPH <urn:g> { $this ex:r ?value FILTER(?value != $this) } }",
]


@pytest.fixture(scope="module")
def store():
    with Store.memory() as store:
        documents.load(store, DATA.encode(), format="ttl", graph="urn:g")
        yield store


NAMED = "sh:targetNode ex:a, ex:b, ex:c, ex:d, ex:e, ex:unknown, \"literal\", 2"


def results(store, query, targets=NAMED):
    report = validate(store, load_shapes(SHAPE.replace(NAMED, targets).format(query).encode()))
    return sorted((str(one.focus_node), str(one.value), str(one.path)) for one in report.results)


@pytest.mark.parametrize("query", QUERIES)
def test_all_at_once_equals_one_by_one(store, query, monkeypatch):
    together = results(store, query)
    monkeypatch.setattr(sparql_constraints, "is_set_at_a_time", lambda pattern: False)
    assert together == results(store, query)


def test_the_queries_find_something(store):
    assert [query for query in QUERIES if not results(store, query)] == []


@pytest.mark.parametrize("properties, subjects", [("p", "abc"), ("q", "abe"), ("p, q", "abce"), ("r", "ad")])
def test_the_subjects_of_properties_are_looked_at_like_nodes_that_are_named(store, properties, subjects):
    """The subjects of a property need no join where a query or a path asks for that property."""
    by_property = "".join(f"sh:targetSubjectsOf ex:{one} ; " for one in properties.split(", ")).rstrip("; ")
    by_name = "sh:targetNode " + ", ".join(f"ex:{one}" for one in subjects)
    for query in QUERIES:
        assert results(store, query, by_property) == results(store, query, by_name), query
    for path in "pqr":
        checks = f"sh:property [ sh:path ex:{path} ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:Literal ; sh:lessThan ex:q ; sh:disjoint ex:r ]"
        wrong = [results(store, "SELECT $this { $this ex:p 99 }", f"{targets} ; {checks}") for targets in (by_property, by_name)]
        assert wrong[0] == wrong[1] != []
