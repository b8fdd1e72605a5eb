"""Proofs: every conclusion has one, its premises are older than it, and it reads as a person would tell it."""

from __future__ import annotations

import json
import os
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Triple

from kg.errors import KgError
from kg.explain import PROVENANCE_PREFIXES, Proof, explain
from kg.reasoner import Derivations, infer, parse_program
from kg.sparql.evaluate import evaluate
from kg.sparql.results import write_graph
from kg.store import Store, documents
from tests.test_reasoner import CONTROL, PREFIX, REACHES, stakes, store_of

GRAPH = "http://example.org/inferred"


def iri(name: str) -> NamedNode:
    return NamedNode("http://example.org/" + name)


def proved(turtle: str, rules: str, subject: str, predicate: str, object: str, **options) -> Proof:
    store = store_of(turtle)
    programs = [("infer:test", GRAPH, parse_program(PREFIX + rules))]
    infer(store, programs)
    prefixes = {"": "http://example.org/"}
    return explain(
        store, iri(subject), iri(predicate), iri(object), derive=Derivations(store, programs), prefixes=prefixes, **options
    )


SAYING = CONTROL.replace("RULE :control", "#+ says: {x} controls {y} with {total} %\n#+ says@zh: {x}控制{y},合计{total}%\nRULE :control")


def test_the_proof_of_a_sum_shows_the_contributions_and_the_test():
    proof = proved(stakes(("a", "b", "60"), ("a", "c", "25"), ("b", "c", "30")), SAYING, "a", "controls", "c")
    (total,) = proof.totals
    assert total.text == "25 + 30 = 55 > 50"
    assert "because 25 + 30 = 55 > 50" in proof.text()
    assert any(below.triple == Triple(iri("a"), iri("controls"), iri("b")) for below in proof.below())


def test_the_rules_sentence_is_filled_with_labels_in_the_readers_language():
    labels = ':a <http://www.w3.org/2000/01/rdf-schema#label> "Alpha", "甲"@zh .'
    proof = proved(stakes(("a", "b", "60.5")) + labels, SAYING, "a", "controls", "b")
    assert proof.text().startswith("Alpha controls :b with 60.5 % (by rule :control)")
    assert proof.text("zh").startswith("甲控制:b,合计60.5%")


def test_negation_is_told_as_what_nothing_says():
    rules = "RULE :far { ?x :far ?y } WHERE { ?x :reaches ?y NOT { ?x :next ?y } }" + REACHES
    text = proved(":a :next :b . :b :next :c .", rules, "a", "far", "c").text()
    assert "because nothing says that :a :next :c" in text


def test_asserted_triples_end_in_their_source_rows():
    def trace(pairs):
        return [[SimpleNamespace(file="links.csv", line=7, record=None, table="links", columns={"from": "a", "to": "b"})] for _ in pairs]

    proof = proved(":a :next :b .", REACHES, "a", "reaches", "b", trace=trace)
    assert "← links.csv, line 7: from=a, to=b" in proof.text()
    assert proof.as_dict()["premises"][0]["sources"][0]["line"] == 7


def test_every_derivation_is_shown_when_asked_for():
    rules = "RULE :near { ?x :near ?y } WHERE { ?x :next ?y } RULE :back { ?x :near ?y } WHERE { ?y :next ?x } RULE :too { ?x :near ?y } WHERE { ?y :near ?x }"
    store = store_of(":a :next :b . :b :next :a .")
    programs = [("infer:test", GRAPH, parse_program(PREFIX + rules))]
    infer(store, programs)
    derive = Derivations(store, programs)
    proof = explain(store, iri("a"), iri("near"), iri("b"), derive=derive, all=True, prefixes={"": "http://example.org/"})
    assert {step.rule_name for step in (proof, *proof.others)} == {":near", ":back", ":too"}
    assert "It also follows in another way (2):" in proof.text()
    assert len(proof.as_dict()["others"]) == 2


def test_a_derivation_that_rests_on_the_triple_itself_is_none():
    store = store_of(":a :next :b .")
    programs = [("infer:test", GRAPH, parse_program(PREFIX + REACHES + "RULE :self { ?x :reaches ?y } WHERE { ?x :reaches ?y }"))]
    infer(store, programs)
    assert len(Derivations(store, programs).all(Triple(iri("a"), iri("reaches"), iri("b")))) == 1


def test_provenance_names_rule_premises_and_source_row():
    def trace(pairs):
        return [[SimpleNamespace(file="links.csv", line=7, record=None, table="links", columns={"from": "a", "to": "b"})] for _ in pairs]

    proof = proved(":a :next :b . :b :next :c .", REACHES, "a", "reaches", "c", trace=trace)
    with Store.memory() as store:
        documents.load(store, write_graph(proof.provenance(), "ttl", PROVENANCE_PREFIXES), format="ttl")
        query = """SELECT ?used ?row ?plan {
            ?statement rdf:subject <http://example.org/a> ; rdf:predicate <http://example.org/reaches> ; rdf:object <http://example.org/c> ;
                sh:sourceRule ?plan ; prov:wasGeneratedBy/prov:qualifiedAssociation/prov:hadPlan ?plan ; prov:wasGeneratedBy/prov:used ?direct ; prov:wasDerivedFrom+ ?premise .
            ?premise rdf:object ?used ; prov:hadPrimarySource/prov:atLocation ?row }"""
        found = list(evaluate(store, query, prefixes=PROVENANCE_PREFIXES))
    assert {(row[0], row[1].value) for row in found} == {(iri("b"), "links.csv:7"), (iri("c"), "links.csv:7")}
    assert {row[2].value for row in found} == {proof.rule}


def test_a_page_of_a_proof_is_html_that_says_the_same_and_escapes_what_it_shows():
    labels = ':a <http://www.w3.org/2000/01/rdf-schema#label> "A <b> & co", "甲"@zh .'
    proof = proved(stakes(("a", "b", "60.5")) + labels, SAYING, "a", "controls", "b")
    page = proof.html()
    assert "A &lt;b&gt; &amp; co controls :b with 60.5 %" in page and "A <b>" not in page
    assert "甲控制:b" in proof.html("zh") and 'lang="zh"' in proof.html("zh")
    assert ElementTree.fromstring(page.replace("<!doctype html>", "").replace('<meta charset="utf-8">', "").replace(
        '<meta name="viewport" content="width=device-width, initial-scale=1">', "")).tag == "html"  # fmt: skip


def test_a_triple_that_is_not_there_has_no_proof():
    with pytest.raises(KgError) as caught:
        proved(":a :next :b .", REACHES, "b", "reaches", "a")
    assert caught.value.code == "Q401"


def test_a_long_proof_is_cut_at_the_depth_asked_for_and_says_so():
    chain = " ".join(f":n{i} :next :n{i + 1} ." for i in range(9))
    text = proved(chain, REACHES, "n0", "reaches", "n9", max_depth=3).text()
    assert "more below" in text


def test_a_blank_node_of_a_head_leads_back_to_its_own_solution():
    store = store_of(":a :next :b . :b :next :c .")
    programs = [("infer:test", GRAPH, parse_program(PREFIX + "RULE :link { [] :from ?x ; :to ?y } WHERE { ?x :next ?y }"))]
    infer(store, programs)
    derive = Derivations(store, programs)
    for triple in inferred(store):
        grounds = derive(triple)
        place = "x" if triple.predicate == iri("from") else "y"
        assert grounds.bindings[place] == triple.object


def test_grounds_outside_of_recursion_use_sparqls_own_totals():
    rules = """RULE :total { ?x :total ?t } WHERE { { SELECT ?x (SUM(?v) AS ?t) WHERE { ?x :part ?p . ?p :size ?v } GROUP BY ?x } }"""
    store = store_of(":a :part :p, :q . :p :size 2 . :q :size 3.5 . :b :part :p .")
    programs = [("infer:test", GRAPH, parse_program(PREFIX + rules))]
    infer(store, programs)
    found = {triple.subject: Derivations(store, programs)(triple) for triple in inferred(store)}
    assert sorted(str(share.value) for share in found[iri("a")].aggregates[0].contributions) == ["2", "3.5"]
    assert len(found[iri("b")].aggregates[0].contributions) == 1


# ── Every proof replays ──────────────────────────────────────────────────────────────────────────────────────

PROGRAM = f"""
{REACHES}
RULE :apart {{ ?x :apart ?y }} WHERE {{ ?x a :Node . ?y a :Node NOT {{ ?x :reaches ?y }} FILTER(?x != ?y) }}
RULE :twice {{ ?x :twice ?y ; :via ?l }} WHERE {{ ?x :next/:next ?y . ?x :weight ?w SET(?l := CONCAT("w", STR(?w * 2))) }}
RULE :heavy {{ ?x :is :heavy }} WHERE {{
  {{ SELECT ?x (SUM(?w) AS ?sum) WHERE {{ {{ ?x :weight ?w . BIND(?x AS ?y) }} UNION {{ ?x :next ?y . ?y :is :heavy . ?y :weight ?w }} }} GROUP BY ?x }}
  FILTER(?sum >= 5) }}
RULE :fan {{ ?x :is :fan }} WHERE {{ {{ SELECT ?x (COUNT(?y) AS ?n) WHERE {{ ?x :next ?y }} GROUP BY ?x }} FILTER(?n > 1) }}
"""

edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)
weights = st.lists(st.integers(0, 5), min_size=6, max_size=6)


LONG = bool(os.environ.get("KG_LONG"))


@settings(max_examples=60 if LONG else 5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edges, weights)
def test_every_conclusion_has_a_proof_whose_premises_are_older(pairs, sizes):
    data = " ".join(f":n{a} :next :n{b} ." for a, b in pairs) + " ".join(f":n{i} a :Node ; :weight {w} ." for i, w in enumerate(sizes))
    with store_of(data) as store:
        programs = [("infer:test", GRAPH, parse_program(PREFIX + PROGRAM))]
        infer(store, programs)
        derive = Derivations(store, programs)
        rounds = rounds_of(store)
        for triple in inferred(store):
            grounds = derive(triple)
            below = [*grounds.premises, *(p for total in grounds.aggregates for share in total.contributions for p in share.premises)]
            assert below
            for premise in below:
                assert rounds[premise] < grounds.round == rounds[triple]
            for total in grounds.aggregates:
                values = [share.value for share in total.contributions]
                assert total.value == (len(values) if total.function == "COUNT" else sum(values))


def inferred(store: Store) -> list[Triple]:
    return [triple for triple, number in rounds_of(store).items() if number]


def rounds_of(store: Store) -> dict[Triple, int]:
    """The round of every triple; 0 of asserted ones."""
    rows = store.connection.execute("SELECT s, p, o, coalesce(round, 0) FROM quads WHERE NOT again").fetchall()
    terms = store.decode({term for row in rows for term in row[:3]})
    return {Triple(terms[s], terms[p], terms[o]): number for s, p, o, number in rows}


# ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_not_denies_is_told_with_its_conditions():
    rules = "RULE :open { ?x :is :open } WHERE { ?x :from ?day NOT { ?x :until ?lastDay FILTER(?lastDay < ?day) } }"
    proof = proved(":a :from 5 ; :until 9 .", rules, "a", "is", "open")
    assert "because nothing says that :a :until some last day and that last day < 5" in proof.text()
    assert "因为没有事实表明 :a :until 某甲，且 该甲 < 5" in proof.text("zh")


def test_things_without_a_label_are_called_by_what_they_are():
    labels = ':Stake <http://www.w3.org/2000/01/rdf-schema#label> "stake"@en , "股份"@zh . <http://example.org/id/7> a :Stake ; :of <http://example.org/id/7/part> .'
    proof = proved(labels + "<http://example.org/id/7/part> a :Stake .", "RULE :r { ?y :in ?x } WHERE { ?x :of ?y }", "id/7/part", "in", "id/7")
    assert proof.text().startswith("stake (stake 7) :in stake 7") and proof.text("zh").startswith("股份（股份 7） :in 股份 7")


# ── Deep and wide proofs ─────────────────────────────────────────────────────────────────────────────────────


def chain_of_control(length: int) -> Proof:
    """Each company holds 40 % of the next, and its founder, who controls it, holds 20 % himself."""
    links = [stake for i in range(length) for stake in ((f"c{i}", f"c{i + 1}", "40"), ("founder", f"c{i + 1}", "20"))]
    return proved(stakes(("founder", "c0", "60"), *links), SAYING, "founder", "controls", f"c{length}")


def test_a_long_chain_of_control_is_explained_and_shortened_in_the_middle():
    proof = chain_of_control(400)
    text = proof.text()
    assert len(text.splitlines()) < 200
    assert text.startswith("founder") or text.startswith(":founder controls :c400")
    assert "steps in between are left out here" in text and ":founder controls :c0 with 60 %" in text
    assert "此处略去中间" in proof.text("zh")
    assert "steps in between" in proof.html()
    assert len(list(inside(proof))) > 2000
    assert len(proof.provenance()) > 5000


def test_json_of_a_deep_proof_has_all_of_it_in_steps():
    told = chain_of_control(90).as_dict()
    text = json.dumps(told)
    assert json.loads(text) == told
    continued = re.findall(r'"kind": "continued", "step": (\d+)', text)
    assert sorted(map(int, continued)) == list(range(len(told["steps"])))
    assert all(f'"object": "<http://example.org/c{i}>", "text": ":founder :controls :c{i}"' in text for i in range(90))


def test_a_total_of_very_many_contributions_shows_the_greatest_and_counts_the_rest():
    many = "".join(f":s{i} :holder :x ; :of :y ; :votes {'7' if i == 4000 else '0.002'} ." for i in range(30_000))
    proof = proved(many, SAYING, "x", "controls", "y")
    (total,) = proof.totals
    assert (len(total.parts), total.left_out, total.parts[0].value) == (20, 29_980, 7)
    assert "… and 29,980 more" in proof.text() and "另有 29,980 项" in proof.text("zh") and "… and 29,980 more" in proof.html()
    assert proof.as_dict()["totals"][0]["leftOut"] == 29_980
    assert total.text.endswith("= 66.998 > 50")


def inside(proof: Proof):
    waiting = [proof]
    while waiting:
        waiting += (node := waiting.pop()).below()
        yield node
