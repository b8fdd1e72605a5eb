"""A project of a few lines for tests: trees, their owners, one rule, one question."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "kg.toml": """
[project]
name = "garden"
base = "https://example.org/garden/"
domains = ["garden"]
title = { en = "Garden", zh = "花园" }

[prefixes]
g = "https://example.org/garden/ontology/"
tree = "https://example.org/garden/id/tree/"
gardener = "https://example.org/garden/id/gardener/"
""",
    "ontology/garden/garden.ttl": """
@prefix g: <https://example.org/garden/ontology/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
g:Tree a owl:Class ; rdfs:label "tree"@en , "树"@zh .
g:isTall g:means 10 .
""",
    "mappings/garden/sources.toml": '[default]\ntype = "csv"\npath = "sample"\n',
    "mappings/garden/sample/tree.csv": "id,name,height,gardener\n1,oak,12.50,7\n2,pear,4.00,7\n3,橡树,30.00,8\n",
    "mappings/garden/tree.r2rml.ttl": """
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix g: <https://example.org/garden/ontology/> .
<#Tree> a rr:TriplesMap ;
    rr:logicalTable [ rr:tableName "tree" ] ;
    rr:subjectMap [ rr:template "https://example.org/garden/id/tree/{id}" ; rr:class g:Tree ] ;
    rr:predicateObjectMap [ rr:predicate rdfs:label ; rr:objectMap [ rr:column "name" ] ] ;
    rr:predicateObjectMap [ rr:predicate g:hasHeight ; rr:objectMap [ rr:column "height" ; rr:datatype xsd:decimal ] ] ;
    rr:predicateObjectMap [ rr:predicate g:isTendedBy ; rr:objectMap [ rr:template "https://example.org/garden/id/gardener/{gardener}" ] ] .
""",
    "rules/garden/tall.srl": """
PREFIX g: <https://example.org/garden/ontology/>
PREFIX rule: <https://example.org/garden/rule/>

#+ says: {tree} is tall: {height} m, more than {least} m
#+ says@zh: {tree} 很高：{height} 米，超过 {least} 米
RULE rule:tall { ?tree a g:TallTree } WHERE {
  ?tree g:hasHeight ?height .
  g:isTall g:means ?least .
  FILTER(?height > ?least)
}
#+ says: {gardener} tends the tall tree {tree}
RULE rule:climbs { ?gardener g:climbs ?tree } WHERE { ?tree a g:TallTree ; g:isTendedBy ?gardener }
""",
    "rules/garden/cases/tall/ten-metres-and-more/given.ttl": """
@prefix g: <https://example.org/garden/ontology/> .
<urn:a> g:hasHeight 10.5 . <urn:b> g:hasHeight 10 .
""",
    "rules/garden/cases/tall/ten-metres-and-more/then.ttl": "<urn:a> a <https://example.org/garden/ontology/TallTree> .\n",
    "rules/garden/cases/tall/ten-metres-and-more/not.ttl": "<urn:b> a <https://example.org/garden/ontology/TallTree> .\n",
    "queries/garden/climbers.rq": """\
#+ question: Who climbs, and which tree?
#+ question@zh: 谁爬树？
#+ parameter: least decimal
#+ default: least=0
PREFIX g: <https://example.org/garden/ontology/>
SELECT ?gardener ?tree ?height { ?gardener g:climbs ?tree . ?tree g:hasHeight ?height FILTER(?height >= ?least) } ORDER BY ?tree
""",
    "queries/garden/climbers.csv": "gardener,tree,height\r\nhttps://example.org/garden/id/gardener/7,https://example.org/garden/id/tree/1,12.50\r\n"
    "https://example.org/garden/id/gardener/8,https://example.org/garden/id/tree/3,30.00\r\n",
    "ontology/garden/checks/unlabelled.rq": """\
#+ problem: a class has no label
#+ solution: give it an rdfs:label
SELECT ?class { ?class a <http://www.w3.org/2002/07/owl#Class> FILTER NOT EXISTS { ?class <http://www.w3.org/2000/01/rdf-schema#label> ?label } }
""",
}


def write(folder: Path) -> Path:
    """Write the project into `folder`."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a text in one of the project's files; it must be there."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="")
