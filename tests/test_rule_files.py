"""Rule files of every kind: one program, one proof, whichever language a rule is written in."""

from __future__ import annotations

import pytest
from pyoxigraph import NamedNode

from kg import KnowledgeGraph
from kg.check import check
from kg.cli.rules import infer_command
from kg.errors import KgError
from kg.explain import explain
from kg.reasoner import Derivations, infer
from kg.rules import Hierarchy, load_rules
from kg.store import Store
from kg.store.documents import load
from tests.small_project import change, write

DATA = """
@prefix : <http://example.org/> .
:a a :Person ; :parent :b ; :age 61 . :b a :Person ; :parent :c ; :age 35.5 . :c a :Person ; :parent :d ; :age 60 . :d a :Person .
"""
SRL = """
PREFIX : <http://example.org/>
#+ says: {x} begat {y}
RULE :parent { ?x :ancestor ?y } WHERE { ?x a :Person . ?x :parent ?y }
RULE :further { ?x :ancestor ?z } WHERE { ?x :ancestor ?y . ?y :parent ?z }
#+ says@en: {x} of {age} years has {y} below it
RULE :elder { ?x a :Elder } WHERE { ?x a :Person . ?x :ancestor ?y . ?x :age ?age FILTER(?age >= 60) }
"""
SWRL = """
PREFIX : <http://example.org/>
#+ says: {x} begat {y}
RULE :parent { Person(?x) ^ parent(?x, ?y) -> ancestor(?x, ?y) }
RULE :further { ancestor(?x, ?y) ^ parent(?y, ?z) -> ancestor(?x, ?z) }
#+ says@en: {x} of {age} years has {y} below it
RULE :elder { Person(?x) ^ ancestor(?x, ?y) ^ age(?x, ?age) ^ swrlb:greaterThanOrEqual(?age, 60) -> Elder(?x) }
"""
SHACL = """
@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
:Persons a sh:NodeShape ; sh:targetClass :Person ; sh:rule :parent, :elder .
:Holders a sh:NodeShape ; sh:targetSubjectsOf :ancestor ; sh:rule :further .
:parent a sh:TripleRule ; rdfs:comment "{this} begat {object}" ;
  sh:subject sh:this ; sh:predicate :ancestor ; sh:object [ sh:path :parent ] .
:further a sh:SPARQLRule ; sh:construct "CONSTRUCT { $this :ancestor ?z } WHERE { $this :ancestor ?y . ?y :parent ?z }" .
:elder a sh:SPARQLRule ; rdfs:comment "{this} of {age} years has {y} below it"@en ; sh:construct '''
  CONSTRUCT { $this a :Elder } WHERE { $this :ancestor ?y . $this :age ?age FILTER(?age >= 60) }''' .
"""
LANGUAGES = {"rules.srl": SRL, "rules.swrl": SWRL, "rules.ttl": SHACL}


def iri(name: str) -> NamedNode:
    return NamedNode(name if ":" in name else f"http://example.org/{name}")


def outcome(folder, name: str) -> tuple[set[str], list[str]]:
    """The conclusions of the program in one language, and the proofs of all, as text."""
    (folder / name).write_text(LANGUAGES[name], encoding="utf-8")
    with Store.memory() as store:
        load(store, DATA.encode(), format="turtle")
        programs = [("infer:test", "http://example.org/graph", load_rules([folder / name], hierarchy=Hierarchy.stated_in(store)))]
        infer(store, programs)
        rows = store.connection.execute("SELECT s, p, o FROM quads WHERE rule IS NOT NULL").fetchall()
        terms = store.decode({term for row in rows for term in row})
        triples = sorted((tuple(terms[term] for term in row) for row in rows), key=str)
        derive, prefixes = Derivations(store, programs), {"": "http://example.org/"}
        proofs = [explain(store, *triple, derive=derive, prefixes=prefixes).text() for triple in triples]
    return {" ".join(map(str, triple)) for triple in triples}, proofs


def test_one_program_in_three_languages_gives_the_same_triples_and_the_same_proofs(tmp_path):
    triples, proofs = outcome(tmp_path, "rules.srl")
    assert len(triples) == 8 and any("because 61 >= 60" in proof for proof in proofs) and any(":c begat :d" in proof for proof in proofs)
    assert outcome(tmp_path, "rules.swrl") == (triples, proofs)
    found, shown = outcome(tmp_path, "rules.ttl")
    assert found == triples
    # The shape of :further targets the subjects of :ancestor: a premise that the others do not have.
    assert [proof for proof in shown if "further" not in proof] == [proof for proof in proofs if "further" not in proof]


def test_files_of_every_kind_are_one_program(tmp_path):
    (tmp_path / "a.srl").write_text("PREFIX : <http://example.org/> RULE :a { ?x :b ?y } WHERE { ?x :a ?y }")
    (tmp_path / "b.swrl").write_text("PREFIX : <http://example.org/>\nRULE :b { b(?x, ?y) -> c(?x, ?y) }")
    (tmp_path / "c.ttl").write_text(
        "@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> . :S sh:targetSubjectsOf :c ; sh:rule :c . "
        ":c a sh:TripleRule ; sh:subject sh:this ; sh:predicate :d ; sh:object [ sh:path :c ] ."
    )
    (tmp_path / "d.owl").write_text(
        "@prefix : <http://example.org/> . @prefix swrl: <http://www.w3.org/2003/11/swrl#> . :d a swrl:Imp ; "
        "swrl:body ( [ a swrl:IndividualPropertyAtom ; swrl:propertyPredicate :d ; swrl:argument1 <urn:swrl#x> ; swrl:argument2 <urn:swrl#y> ] ) ; "
        "swrl:head ( [ a swrl:IndividualPropertyAtom ; swrl:propertyPredicate :a ; swrl:argument1 <urn:swrl#y> ; swrl:argument2 <urn:swrl#x> ] ) ."
    )
    (tmp_path / "data.ttl").write_text("@prefix : <http://example.org/> . :x :a :y .")
    rules = [tmp_path / name for name in ("a.srl", "b.swrl", "c.ttl", "d.owl")]
    infer_command(data=[tmp_path / "data.ttl"], rules=rules, output=tmp_path / "out.nt")
    found = {line.replace("http://example.org/", "") for line in (tmp_path / "out.nt").read_text().splitlines() if line}
    assert found == {f"<{s}> <{p}> <{o}> ." for s, o in (("x", "y"), ("y", "x")) for p in "abcd"} - {"<x> <a> <y> ."}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rules.txt", "", "no suffix that tells what kind of rules"),
        ("shapes.ttl", "@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetClass <urn:c> .", "neither sh:rule nor swrl:Imp"),
        ("broken.ttl", "@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetClass", "not Turtle"),
        ("rules.owl", '<?xml version="1.0"?><Ontology xmlns="http://www.w3.org/2002/07/owl#"><DLSafeRule/></Ontology>', "is in OWL/XML, not in RDF"),
        ("missing.swrl", None, "cannot read the rule file"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused(tmp_path, name, text, says):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(KgError, match=says):
        load_rules([tmp_path / name])


# ── Projects ─────────────────────────────────────────────────────────────────────────────────────────────────

GARDEN_SWRL = """
PREFIX g: <https://example.org/garden/ontology/>
PREFIX rule: <https://example.org/garden/rule/>
#+ says: {g} may fall from {t}
RULE rule:risk { g:climbs(?g, ?t) ^ g:hasHeight(?t, ?h) ^ swrlb:greaterThan(?h, 20) -> g:mayFallFrom(?g, ?t) }
"""
GARDEN_SHACL = """
@prefix g: <https://example.org/garden/ontology/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rule: <https://example.org/garden/rule/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
rule:Careful sh:targetClass g:Plant ; sh:rule [
    a <http://www.w3.org/ns/shacl#TripleRule> ;
    rdfs:comment "someone may fall from {this}"@en ;
    sh:condition [ sh:property [ sh:path [ sh:inversePath g:mayFallFrom ] ; sh:minCount 1 ] ] ;
    sh:subject sh:this ; sh:predicate g:needs ; sh:object g:Rope ] .
"""
IN_ONTOLOGY = """
@prefix swrl: <http://www.w3.org/2003/11/swrl#> .
g:Tree rdfs:subClassOf g:Plant .
g:rope a swrl:Imp ;
  swrl:body ( [ a swrl:IndividualPropertyAtom ; swrl:propertyPredicate g:needs ; swrl:argument1 <urn:swrl#x> ; swrl:argument2 g:Rope ] ) ;
  swrl:head ( [ a swrl:ClassAtom ; swrl:classPredicate g:RopedTree ; swrl:argument1 <urn:swrl#x> ] ) .
"""


@pytest.fixture
def garden(tmp_path):
    folder = write(tmp_path)
    (folder / "rules/garden/risk.swrl").write_text(GARDEN_SWRL, encoding="utf-8")
    (folder / "rules/garden/rope.shacl.ttl").write_text(GARDEN_SHACL, encoding="utf-8")
    ontology = folder / "ontology/garden/garden.ttl"
    ontology.write_text(ontology.read_text(encoding="utf-8") + IN_ONTOLOGY, encoding="utf-8")
    return folder


def test_the_rules_of_a_project_are_one_program_and_each_is_shown_in_its_own_language(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        proof = graph.explain("tree:3", "rdf:type", "g:RopedTree")
        shown = {}
        waiting = [proof]
        while waiting:
            one = waiting.pop()
            waiting += one.below()
            if one.kind == "inferred":
                shown[one.rule_name] = (one.rule_text, one.rule_place)
    assert "someone may fall from 橡树" in proof.text() and "may fall from 橡树 (by rule risk)" in proof.text()
    assert {name: text.split("{")[0].split("\n")[0] for name, (text, _) in shown.items()} == {
        "g:rope": "g:needs(?x, g:Rope) -> g:RopedTree(?x)",
        "rule:Careful-rule-1": "[",
        "rule:risk": "RULE rule:risk ",
        "rule:climbs": "RULE rule:climbs ",
        "rule:tall": "RULE rule:tall ",
    }
    assert shown["rule:risk"][1].endswith("risk.swrl:5:1") and shown["rule:Careful-rule-1"][1].endswith("rope.shacl.ttl:4:47")


def test_a_changed_rule_of_any_kind_changes_what_follows(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        assert not graph.build().is_changed
        change(garden, "rules/garden/risk.swrl", "20", "40")
        report = graph.build()
        assert [step.stage for step in report.steps] == ["infer"]
        assert not list(graph.query("SELECT ?x { ?x a <https://example.org/garden/ontology/RopedTree> }"))


def test_two_rule_files_of_one_name_are_refused(garden):
    (garden / "rules/garden/risk.srl").write_text("")
    with KnowledgeGraph.open(garden) as graph, pytest.raises(KgError, match="would write the same graph"):
        graph.build()


def test_rule_files_of_every_kind_want_a_case_that_fires_and_one_that_does_not(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        missing = {outcome.name for outcome in check(graph) if outcome.kind == "rules" and outcome.faults}
    assert missing == {"garden/risk", "garden/rope", "garden/garden"}
