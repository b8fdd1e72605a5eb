"""What the axioms of a project's ontology conclude: in builds, after edits, in proofs, on the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from kg import KnowledgeGraph
from kg.cli import app
from kg.errors import ProjectError, RuleError
from tests.small_project import change, write

_AXIOMS = "g:TallTree rdfs:subClassOf g:Landmark . g:climbs owl:inverseOf g:isClimbedBy . g:Tree owl:disjointWith g:Rock .\n"


@pytest.fixture
def garden(tmp_path):
    folder = write(tmp_path)
    file = folder / "kg.toml"
    file.write_text(file.read_text() + '\n[reasoning]\nowl = "rl"\n')
    (folder / "ontology/garden/garden.ttl").write_text((folder / "ontology/garden/garden.ttl").read_text() + _AXIOMS)
    return folder


def _landmarks(graph) -> set[str]:
    rows = graph.query("PREFIX g: <https://example.org/garden/ontology/> SELECT ?t { ?t a g:Landmark }")
    return {row[0].value.rpartition("/")[2] for row in rows}


def test_axioms_and_rules_conclude_from_each_other_and_the_proof_names_the_line(garden):
    with KnowledgeGraph.open(garden) as graph:
        report = graph.build()
        assert report.steps[-1].name == "1 rule files and the ontology"
        assert _landmarks(graph) == {"1", "3"}
        proof = graph.explain("tree:1", "rdf:type", "g:Landmark")
        assert proof.rule == "https://example.org/garden/owl/cax-sco/TallTree.Landmark"
        assert "garden.ttl:7" in proof.rule_place
        assert proof.premises[0].rule_name == "rule:tall"
        owners = {one["owner"]: one["iri"] for one in graph.status().graphs}
        assert owners["infer:owl"] == "https://example.org/garden/graph/infer/owl"


def test_a_build_with_nothing_changed_does_nothing(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        assert not graph.build().is_changed


def test_edits_take_the_conclusions_of_axioms_with_them(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        graph.update("PREFIX g: <https://example.org/garden/ontology/> INSERT DATA { <urn:new> a g:TallTree }")
        assert _landmarks(graph) == {"1", "3", "urn:new"}
        graph.update("PREFIX g: <https://example.org/garden/ontology/> DELETE DATA { <urn:new> a g:TallTree }")
        assert _landmarks(graph) == {"1", "3"}


def test_terms_that_an_edit_makes_equal_share_their_triples_and_part_again(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        before = set(map(str, graph.query("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }")))
        graph.update("PREFIX owl: <http://www.w3.org/2002/07/owl#> INSERT DATA { <urn:new> owl:sameAs <https://example.org/garden/id/tree/1> }")
        assert _landmarks(graph) == {"1", "3", "urn:new"}
        proof = graph.explain("<urn:new>", "rdf:type", "g:Landmark")
        assert "which is the same (by rule" in proof.text() and "garden.ttl" in proof.text() + proof.rule_place
        graph.update("PREFIX owl: <http://www.w3.org/2002/07/owl#> DELETE DATA { <urn:new> owl:sameAs <https://example.org/garden/id/tree/1> }")
        assert set(map(str, graph.query("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"))) == before


def test_an_axiom_that_is_taken_out_takes_its_conclusions_along(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        change(garden, "ontology/garden/garden.ttl", "g:TallTree rdfs:subClassOf g:Landmark .", "")
        graph.build()
        assert _landmarks(graph) == set()
        change(garden, "kg.toml", 'owl = "rl"', 'owl = "off"')
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        assert "infer:owl" not in {one["owner"] for one in graph.status().graphs}


def test_axioms_that_would_undo_a_not_are_refused_with_the_way_out_and_can_conclude_after_the_rules(garden):
    change(garden, "rules/garden/tall.srl", "  FILTER(?height > ?least)\n", "  FILTER(?height > ?least)\n  NOT { ?tree a g:Landmark }\n")
    with KnowledgeGraph.open(garden) as graph, pytest.raises(RuleError, match="own negation") as caught:
        graph.build()
    assert "axiom:cax-sco/TallTree.Landmark" in caught.value.notes[0]
    assert "owl_after_rules = true" in caught.value.help
    change(garden, "kg.toml", 'owl = "rl"', 'owl = "rl"\nowl_after_rules = true')
    with KnowledgeGraph.open(garden) as graph:
        graph.build()
        assert _landmarks(graph) == {"1", "3"}
        proof = graph.explain("tree:1", "rdf:type", "g:Landmark")
        assert [one.rule_name for one in proof.premises] == ["rule:tall"]
        assert proof.premises[0].absent
        graph.update("PREFIX owl: <http://www.w3.org/2002/07/owl#> INSERT DATA { <urn:new> owl:sameAs <https://example.org/garden/id/tree/1> }")
        assert _landmarks(graph) == {"1", "3", "urn:new"}


def test_a_contradiction_is_a_warning_of_the_build(garden):
    with KnowledgeGraph.open(garden) as graph:
        graph.load(b"<https://example.org/garden/id/tree/1> a <https://example.org/garden/ontology/Rock> .", format="ttl")
        assert any("1 contradictions" in warning for warning in graph.build().warnings)


def test_an_unknown_regime_in_kg_toml_is_refused_with_its_line(garden):
    change(garden, "kg.toml", 'owl = "rl"', 'owl = "dl"')
    with pytest.raises(ProjectError, match="no entailment regime") as caught:
        KnowledgeGraph.open(garden)
    assert caught.value.location.line_text == 'owl = "dl"'


def test_the_command_infers_by_axioms_by_rules_and_by_both(tmp_path):
    data, rules = tmp_path / "data.ttl", tmp_path / "rules.srl"
    data.write_text("@prefix : <http://e/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . :Oak rdfs:subClassOf :Tree . :x a :Oak .")
    rules.write_text("PREFIX : <http://e/> RULE :r { ?x :has :leaves } WHERE { ?x a :Tree }")
    run = CliRunner().invoke
    axioms = run(app, ["infer", "--entailment", "owl-rl", "--data", str(data)])
    assert ":x a :Tree" in axioms.output and "leaves" not in axioms.output
    assert ":leaves" in run(app, ["infer", "--entailment", "rdfs", "--rules", str(rules), "--data", str(data)]).output
    assert "nothing to infer by" in str(run(app, ["infer", "--data", str(data)]).exception)
