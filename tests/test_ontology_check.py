"""kg check --ontology: axioms, terms, profile, contradictions with proof, HermiT."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from kg import KnowledgeGraph, hermit
from kg.cli import app
from kg.ontology_check import check_ontology
from tests.random_ontologies import PREFIXES
from tests.small_project import write

_TREES = """:Tree a owl:Class . :Rock a owl:Class ; owl:disjointWith :Tree .
:Oak a owl:Class ; rdfs:subClassOf :Tree .
"""


@pytest.fixture(autouse=True)
def _without_java(monkeypatch, request):
    if "hermit" not in request.node.name:
        monkeypatch.setattr(hermit, "missing", lambda: "Java is not asked for in this test")


@pytest.fixture
def _java():
    reason = hermit.missing()
    if reason and os.environ.get("KG_REQUIRE_OPTIONAL") == "1":
        pytest.fail(f"{reason} (KG_REQUIRE_OPTIONAL=1)")
    if reason:
        pytest.skip(reason)


def _findings(tmp_path, text: str):
    file = tmp_path / "garden.ttl"
    file.write_text(PREFIXES + text)
    return list(check_ontology(None, None, [file]))


def _faults(findings) -> list[str]:
    return [f"{one.part}: {one.message} {one.place.line if one.place else ''}".strip() for one in findings if one.kind == "fault"]


def test_a_sound_ontology_has_no_fault_and_each_part_says_what_it_looked_at(tmp_path):
    findings = _findings(tmp_path, _TREES + ":x a :Oak .")
    assert _faults(findings) == []
    assert [one.part for one in findings] == ["axioms", "terms", "profile", "consistency", "satisfiability"]
    assert findings[-1].kind == "note" and "not checked: Java is not asked for" in findings[-1].message


def test_a_contradiction_comes_with_the_axiom_its_line_and_a_proof(tmp_path):
    (fault,) = [one for one in _findings(tmp_path, _TREES + ":x a :Oak , :Rock .") if one.kind == "fault"]
    assert fault.message == "a contradiction with :Rock owl:disjointWith :Tree ."
    assert fault.place.line == 3
    assert "belongs to Tree, since it belongs to Oak" in fault.proof


def test_an_axiom_that_means_nothing_is_a_fault_with_its_line(tmp_path):
    assert _faults(_findings(tmp_path, ':A rdfs:subClassOf "B" .')) == ["axioms: subClassOf of :A names the literal \"B\", which is no class (R242) 3"]


def test_a_term_that_nothing_declares_is_a_fault_with_what_may_be_meant(tmp_path):
    (fault,) = [one for one in _findings(tmp_path, _TREES + ":Pine a owl:Class ; rdfs:subClassOf :Treee .") if one.kind == "fault"]
    assert (fault.message, fault.help) == (":Treee is used as a class, but nothing declares it", "did you mean :Tree?")


OUTSIDE = {
    "some on the right": (":A rdfs:subClassOf [ owl:onProperty :p ; owl:someValuesFrom :B ] .", "takes no owl:someValuesFrom"),
    "only on the left": ("[ owl:onProperty :p ; owl:allValuesFrom :B ] rdfs:subClassOf :A .", "takes no owl:allValuesFrom"),
    "union in an equivalence": (":A owl:equivalentClass [ owl:unionOf ( :B :C ) ] .", "takes no owl:unionOf"),
    "two": (":A rdfs:subClassOf [ owl:onProperty :p ; owl:maxCardinality 2 ] .", "at most 0 or 1"),
    "at least one": (":A rdfs:subClassOf [ owl:onProperty :p ; owl:minCardinality 1 ] .", "takes no owl:minCardinality"),
    "disjoint union": (":A owl:disjointUnionOf ( :B :C ) .", "disjoint union"),
    "reflexive": (":p a owl:ReflexiveProperty .", "is reflexive"),
    "thing on the left": ("owl:Thing rdfs:subClassOf :A .", "owl:Thing on the left"),
    "a date": (":p rdfs:range xsd:date .", "xsd:date, which OWL 2 RL does not list"),
    "deep inside": (":A rdfs:subClassOf [ owl:intersectionOf ( :B [ owl:complementOf [ owl:onProperty :p ; owl:allValuesFrom :B ] ] ) ] .", "takes no owl:allValuesFrom"),
}  # fmt: skip


@pytest.mark.parametrize(("axiom", "why"), OUTSIDE.values(), ids=OUTSIDE)
def test_axioms_outside_of_the_profile_are_noted_with_their_line(axiom, why, tmp_path):
    (note,) = [one for one in _findings(tmp_path, axiom) if one.part == "profile" and one.kind == "note"]
    assert why in note.message
    assert note.place.line == 3


def test_axioms_within_the_profile_are_not_noted(tmp_path):
    text = """:A rdfs:subClassOf :B , owl:Thing , [ owl:onProperty :p ; owl:allValuesFrom [ owl:complementOf :C ] ] , [ owl:onProperty :p ; owl:maxCardinality 1 ] .
    [ owl:onProperty :p ; owl:someValuesFrom [ owl:unionOf ( :A :B ) ] ] rdfs:subClassOf :C . :A owl:equivalentClass [ owl:intersectionOf ( :B :C ) ] .
    :p rdfs:range :A . :q rdfs:range xsd:integer ."""
    assert not [one for one in _findings(tmp_path, text) if one.part == "profile" and one.kind == "note"]


def test_hermit_finds_a_class_that_cannot_have_members(tmp_path, _java):
    text = _TREES + ":Odd a owl:Class ; rdfs:subClassOf :Oak , [ a owl:Restriction ; owl:onProperty :p ; owl:someValuesFrom :Never ] .\n"
    text += ":p a owl:ObjectProperty ; rdfs:range :Rock . :Never a owl:Class ; rdfs:subClassOf :Tree ."
    assert _faults(_findings(tmp_path, text)) == ["satisfiability: <http://e/Odd> cannot have a member (HermiT)"]


def test_the_command_checks_a_project_against_its_graph_and_tells_unused_terms(tmp_path):
    garden = write(tmp_path)
    file = garden / "ontology/garden/garden.ttl"
    file.write_text(file.read_text() + "g:Rock a owl:Class ; owl:disjointWith g:TallTree . g:TallTree a owl:Class . g:isOld a owl:DatatypeProperty .\n")
    rules = garden / "rules/garden/tall.srl"  # a NOT over what an axiom concludes from the same rule
    rules.write_text(rules.read_text().replace("  FILTER(?height > ?least)\n", "  FILTER(?height > ?least)\n  NOT { ?tree a g:Landmark }\n"))
    file.write_text(file.read_text() + "g:Landmark a owl:Class . g:TallTree rdfs:subClassOf g:Landmark .\n")
    run = lambda: CliRunner().invoke(app, ["check", "--ontology", "--project", str(garden / "kg.toml")])  # noqa: E731
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        assert run().exit_code == 0
        graph.load(b"<https://example.org/garden/id/tree/1> a <https://example.org/garden/ontology/Rock> .", format="ttl")
    result = run()
    assert result.exit_code == 1
    assert "a contradiction with g:Rock owl:disjointWith g:TallTree" in result.output
    assert "by rule tall" in result.output
    assert "g:isOld is declared, and neither axioms" in result.output
