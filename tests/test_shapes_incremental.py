"""After a change only what it can touch is checked again, and the report is that of checking everything. KG_LONG=1 tries more."""

import os
from collections import Counter
from random import Random

import pytest

from kg.shapes import load_shapes, validate
from kg.shapes.affected import extent
from kg.shapes.dependencies import key_of_result
from kg.shapes.validate import revalidate
from kg.sparql.update import update
from kg.store import Store, documents, journal
from tests.shacl_pairs import PREFIXES, pair, statement

SEEDS = range(400 if os.environ.get("KG_LONG") else 14)
# What no random shape has: queries that join, count, negate, read elsewhere; targets in SPARQL; results about inner nodes.
QUERIES = """
<urn:declared> sh:declare [ sh:prefix "ex" ; sh:namespace "http://example.org/"^^xsd:anyURI ] ,
    [ sh:prefix "rdfs" ; sh:namespace "http://www.w3.org/2000/01/rdf-schema#"^^xsd:anyURI ] .
ex:Q1 sh:targetClass ex:A ; sh:sparql [ sh:prefixes <urn:declared> ; sh:select "SELECT $this ?value { $this ex:p ?value . ?value ex:q $this }" ] .
ex:Q2 sh:targetSubjectsOf ex:p ; sh:sparql [ sh:prefixes <urn:declared> ;
    sh:select "SELECT $this (COUNT(?x) AS ?value) { ?x ex:q/ex:p $this OPTIONAL { ?x ex:r ?y . ?y ex:p ?z } } GROUP BY $this HAVING (COUNT(?z) > 1)" ] .
ex:Q3 sh:targetClass ex:B ; sh:sparql [ sh:prefixes <urn:declared> ; sh:select "SELECT $this ?value { ex:n0 ex:p ?value FILTER NOT EXISTS { $this ex:r/ex:q* ?value } }" ] .
ex:Q4 sh:target [ a sh:SPARQLTarget ; sh:prefixes <urn:declared> ; sh:select "SELECT ?this { ?this ex:p ?x . ?x ex:p ?this }" ] ;
    sh:property [ sh:path ex:q ; sh:property [ sh:path [ sh:inversePath ex:r ] ; sh:minCount 2 ] ] .
ex:Q5 sh:targetObjectsOf ex:r ; sh:sparql [ sh:prefixes <urn:declared> ;
    sh:select "SELECT $this ?value { { $this ex:k ?value } UNION { ?x ex:m ?value ; ex:p $this } FILTER (?value > 2) }" ] .
ex:Q6 sh:targetClass ex:C ; sh:sparql [ sh:prefixes <urn:declared> ; sh:select "SELECT $this ?value { $this ?p ?x . ?x ?q ?value FILTER isIRI(?value) }" ] .
ex:Limit a sh:ConstraintComponent ; sh:parameter [ sh:path ex:sharesWith ] ;
    sh:validator [ a sh:SPARQLAskValidator ; sh:prefixes <urn:declared> ; sh:ask "ASK { FILTER NOT EXISTS { $value $sharesWith ?z . ?y ex:r ?z } }" ] .
ex:Q7 sh:targetClass ex:A ; sh:sharesWith ex:none ; ex:sharesWith ex:q ; sh:property [ sh:path ex:p ; ex:sharesWith ex:r ] .
""".replace("sh:sharesWith ex:none ; ", "")


def _found(results):
    """Results as a multiset of what tells them apart."""
    return Counter(
        (str(one.focus_node), str(one.path_text), str(one.value), str(one.source_shape), one.component.value, str(one.severity), one.message()) for one in results
    )


def _change(random: Random, data: list[str]) -> str:
    """A few triples come, a few go."""
    gone = random.sample(data, min(len(data), random.choice([0, 0, 1, 3])))
    come = [statement(random) for _ in range(random.choice([0, 1, 1, 2, 5]))]
    for one in gone:
        data.remove(one)
    data += come
    header = PREFIXES.replace("@prefix", "PREFIX").replace(" .\n", "\n")
    return f"{header} DELETE DATA {{ {' '.join(gone)} }} ; INSERT DATA {{ {' '.join(come)} }}"


@pytest.mark.parametrize("seed", SEEDS)
def test_checking_what_a_change_can_touch_gives_the_whole_report(seed):
    random = Random(seed)
    shapes_text, data_text = pair(seed)
    shapes = load_shapes((shapes_text + (QUERIES if seed % 2 == 0 else "")).encode())
    data = [line for line in data_text.removeprefix(PREFIXES).splitlines() if line]
    with Store.memory() as store:
        documents.load(store, data_text.encode(), format="ttl")
        results = validate(store, shapes).results
        for _ in range(3):
            with journal.recording(store.connection) as changed:
                update(store, _change(random, data))
            with journal.taken(store.connection, changed.position) as count:
                assert changed.is_complete and count is not None
                area = extent(store, shapes, store.connection)
                fresh = revalidate(store, shapes, area, connection=store.connection)
                ids = {row[0] for row in store.connection.execute(f"SELECT f FROM {area.nodes}").fetchall()}
                touched = set(store.decode(ids).values())
            kept = [one for one in results if not area.covers(key_of_result(one), one.focus_node in touched)]
            results = [*kept, *fresh]
            assert _found(results) == _found(validate(store, shapes).results)
