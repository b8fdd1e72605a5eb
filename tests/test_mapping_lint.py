"""Looking through mappings for mistakes that they can be run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg import KnowledgeGraph
from kg.mapping import Ontology, lint, source_of_url
from kg.mapping.sources import Sources
from tests.small_project import FILES
from tests.test_mapping import BASE, PREFIXES

ONTOLOGY = """
@prefix ex: <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
ex:Thing a owl:Class . ex:Tree a owl:Class ; rdfs:subClassOf ex:Thing . ex:Person a owl:Class . ex:Old a owl:Class ; owl:deprecated true .
ex:name a owl:DatatypeProperty ; rdfs:range xsd:string .
ex:title a owl:DatatypeProperty ; rdfs:subPropertyOf ex:name .
ex:says a owl:DatatypeProperty ; rdfs:range rdf:langString .
ex:price a owl:DatatypeProperty ; rdfs:range xsd:decimal .
ex:knows a owl:ObjectProperty .
"""
TABLES = {
    "thing": "id,name,price,day\n1,oak,1.50,2020-01-01\n2,pear,2.50,2020-01-02\n",
    "person": "id,thing,name\n7,1,Ann\n8,2,Bo\n",
}


def findings(folder: Path, *texts: str, ontology: str = ONTOLOGY, concluded: set[str] | None = None) -> list[tuple[str, int | None, str]]:
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "ontology.ttl").write_text(ontology)
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"m{number}.r2rml.ttl")
        files[-1].write_text(PREFIXES + text)
    found = lint([(file, Sources(source_of_url(folder))) for file in files], BASE, Ontology.read([folder / "ontology.ttl"]), concluded)
    assert all(one.help for one in found)
    return [(one.code, one.location and one.location.line, f"{one.message}; {one.help}") for one in found]


def one_map(rest: str, name: str = "Map", table: str = "thing", subject: str = 'rr:template "http://example.org/{id}" ; rr:class ex:Thing') -> str:
    return f'ex:{name} rr:logicalTable [ rr:tableName "{table}" ] ;\nrr:subjectMap [ {subject} ]{rest} .\n'


def predicate(name: str, object_map: str) -> str:
    return f" ;\nrr:predicateObjectMap [ rr:predicate ex:{name} ; rr:objectMap [ {object_map} ] ]"


def test_a_right_mapping_has_no_findings(tmp_path):
    right = one_map(predicate("name", 'rr:column "name"') + predicate("price", 'rr:column "price" ; rr:datatype xsd:integer')).replace("integer", "decimal")
    person = one_map(predicate("knows", 'rr:template "http://example.org/{thing}"'), "Person", "person", 'rr:template "http://example.org/p/{id}" ; rr:class ex:Person')
    assert findings(tmp_path, right + person) == []


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        (one_map(predicate("name", 'rr:column "nam"')), "M203", 7, "has no column nam; did you mean name?"),
        (one_map(predicate("nmae", 'rr:column "name"')), "M401", 7, "the ontology has no property ex:nmae; did you mean ex:name"),
        (one_map("", subject='rr:template "http://example.org/{id}" ; rr:class ex:Tee'), "M401", 6, "the ontology has no class ex:Tee; did you mean ex:Tree"),
        (one_map(predicate("Tree", 'rr:column "name"')), "M402", 7, "ex:Tree is used as a property"),
        (one_map("", subject='rr:template "http://example.org/{id}" ; rr:class ex:Old'), "M402", 6, "ex:Old is deprecated"),
        (one_map(predicate("knows", 'rr:column "name"')), "M402", 7, "ex:knows has things as values, but column name makes literals; use rr:template"),
        (one_map(predicate("name", 'rr:template "http://example.org/{name}"')), "M402", 7, "makes IRIs or blank nodes; add rr:termType rr:Literal"),
        (one_map(predicate("price", 'rr:column "price"')), "M404", 7, "column price makes xsd:string, but the range of ex:price is xsd:decimal; add rr:datatype xsd:decimal"),
        (one_map(predicate("title", 'rr:column "name" ; rr:language "en"')), "M404", 7, "makes rdf:langString, but the range of ex:title is xsd:string"),
        (one_map(predicate("says", 'rr:column "name"')), "M404", 7, "the range of ex:says is rdf:langString; add rr:language"),
        (one_map(predicate("price", 'rr:column "name" ; rr:datatype xsd:decimal')), "M405", 7, "2 of the first 2 values of column name are no xsd:decimal, such as 'oak'"),
        (one_map("", table="thng"), "M202", 5, "did you mean thing"),
        ('ex:Map rr:logicalTable "thing" .', "M115", 5, "not a node"),
        (one_map("") + one_map("", table="person"), "M119", 7, "there are two triples maps named <http://example.org/Map>"),
        (one_map(predicate("knows", 'rr:parentTriplesMap ex:Q ; rr:joinCondition [ rr:child "id" ; rr:parent "name" ]'))
         + one_map("", "Q", "person", 'rr:template "http://example.org/p/{id}"'), "M406", 7, "column id, which has whole numbers, with column name, which has texts"),
        (one_map(predicate("knows", 'rr:parentTriplesMap ex:Q ; rr:joinCondition [ rr:child "id" ; rr:parent "thin" ]'))
         + one_map("", "Q", "person", 'rr:template "http://example.org/p/{id}"'), "M203", 7, "has no column thin; did you mean thing"),
        (one_map("") + one_map("", "Q", "person", 'rr:template "http://example.org/{thing}" ; rr:class ex:Person'), "M403", 8, "Map and Q can give one IRI to a ex:Thing and a ex:Person"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_with_its_line_and_remedy(tmp_path, text, code, line, message):
    found = findings(tmp_path, text)
    assert [(one[0], one[1]) for one in found] == [(code, line)], found
    assert message in found[0][2]


def test_things_of_related_classes_may_share_a_template(tmp_path):
    assert findings(tmp_path, one_map("") + one_map("", "Q", "person", 'rr:template "http://example.org/{thing}" ; rr:class ex:Tree')) == []


def test_a_name_that_two_files_use_is_found(tmp_path):
    assert [(code, line) for code, line, _ in findings(tmp_path, one_map(""), one_map("", table="person"))] == [("M407", 5)]


def test_what_nothing_makes_is_found_where_all_mappings_are_looked_at(tmp_path):
    made = one_map(predicate("title", 'rr:column "name"'), subject='rr:template "http://example.org/{id}" ; rr:class ex:Tree')
    assert findings(tmp_path, made) == []
    found = findings(tmp_path, made, concluded={"http://example.org/knows"})
    assert {(code, message.split(";")[0]) for code, _, message in found} == {
        ("M408", "no mapping, rule or measure makes the class ex:Person"), ("M408", "no mapping, rule or measure makes the property ex:says"), ("M408", "no mapping, rule or measure makes the property ex:price"),
    }  # fmt: skip
    assert all(line for _, line, _ in found)


def test_a_project_is_looked_at_with_its_ontology_and_rules(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with KnowledgeGraph.open(tmp_path) as graph:
        codes = [(one.code, one.message) for one in graph.lint()]
        assert [code for code, _ in codes] == ["M401", "M401"] and "g:hasHeight" in codes[0][1]
        assert [one.code for one in graph.lint(tmp_path / "mappings/garden/tree.r2rml.ttl")] == ["M401", "M401"]


def test_the_mappings_of_this_repository_have_no_findings():
    with KnowledgeGraph.open(Path(__file__).parent.parent / "kg.toml") as graph:
        assert [str(one) for one in graph.lint()] == []
