"""Why a triple is not there: the premise that is missing, the condition that fails, the sum that falls short."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Triple

from kg.errors import KgError
from kg.explain import Absence, why_not
from kg.reasoner import Derivations, infer, near_misses, parse_program
from tests.test_explain import GRAPH, iri
from tests.test_reasoner import CONTROL, PREFIX, REACHES, stakes, store_of


def lacking(turtle: str, rules: str, subject: str, predicate: str, object: str, **options) -> Absence:
    store = store_of(turtle)
    programs = [("infer:test", GRAPH, parse_program(PREFIX + rules))]
    infer(store, programs)
    misses = partial(near_misses, Derivations(store, programs))
    return why_not(store, iri(subject), iri(predicate), iri(object), misses=misses, prefixes={"": "http://example.org/"}, **options)


LINKED = "RULE :linked { ?x :linked ?z } WHERE { ?x :next ?y . ?y :next ?z }"


def test_the_one_premise_that_is_missing_is_named_with_its_bindings():
    absence = lacking(":a :next :b . :c :next :d .", LINKED, "a", "linked", "d")
    found = {pattern for reason in absence.reasons for pattern in reason.missing}
    assert found == {(iri("a"), iri("next"), iri("c")), (iri("b"), iri("next"), iri("d"))}
    assert "while it does say that :a :next :b" in absence.text()


def test_a_sum_that_falls_short_is_shown_with_its_contributions():
    text = lacking(stakes(("a", "b", "60"), ("a", "c", "15"), ("b", "c", "30")), CONTROL, "a", "controls", "c").text()
    assert "this does not hold: 45 > 50" in text
    assert "= 15 + 30 = 45" in text
    assert "15: " in text and "30: " in text


def test_what_a_not_forbids_is_named():
    rules = REACHES + "RULE :far { ?x :far ?y } WHERE { ?x :reaches ?y NOT { ?x :next ?y } }"
    absence = lacking(":a :next :b .", rules, "a", "far", "b")
    assert [reason.blocked for reason in absence.reasons] == [(Triple(iri("a"), iri("next"), iri("b")),)]
    assert "the graph says that :a :next :b" in absence.text()


def test_a_missing_premise_that_a_rule_could_conclude_is_explained_in_turn():
    rules = LINKED + "RULE :twice { ?x :twice ?z } WHERE { ?x :linked ?z . ?x a :Node }"
    absence = lacking(":a a :Node ; :next :b . :c :next :d .", rules, "a", "twice", "d")
    (reason,) = absence.reasons
    assert reason.missing == ((iri("a"), iri("linked"), iri("d")),)
    assert reason.lower[0].triple == Triple(iri("a"), iri("linked"), iri("d")) and reason.lower[0].reasons


def test_nothing_in_common_names_all_that_does_not_hold():
    absence = lacking(":p :q :r . :a :other :z .", "RULE :all { ?x :all ?y } WHERE { ?x :one ?y . ?x :two ?y }", "a", "all", "z")
    assert {pattern[1] for reason in absence.reasons for pattern in reason.missing} == {iri("one"), iri("two")}


def test_a_predicate_that_no_rule_concludes_is_said_to_be():
    absence = lacking(":a :next :b .", LINKED, "a", "unheard", "b")
    assert absence.reasons == () and "No rule concludes it" in absence.text()
    assert "没有规则能推出它" in absence.text("zh")


def test_terms_that_the_graph_does_not_know_are_named():
    absence = lacking(":a :next :b .", LINKED, "a", "linked", "nobody")
    assert absence.unknown == (iri("nobody"),)
    assert absence.as_dict()["unknown"] == ["<http://example.org/nobody>"]


def test_a_triple_that_is_there_is_refused():
    with pytest.raises(KgError) as caught:
        lacking(":a :next :b . :b :next :c .", LINKED, "a", "linked", "c")
    assert caught.value.code == "Q402"


RULES = f"""
{REACHES}
RULE :apart {{ ?x :apart ?y }} WHERE {{ ?x a :Node . ?y a :Node NOT {{ ?x :reaches ?y }} FILTER(?x != ?y) }}
RULE :heavy {{ ?x :is :heavy }} WHERE {{
  {{ SELECT ?x (SUM(?w) AS ?sum) WHERE {{ {{ ?x :weight ?w . BIND(?x AS ?y) }} UNION {{ ?x :next ?y . ?y :is :heavy . ?y :weight ?w }} }} GROUP BY ?x }}
  FILTER(?sum >= 5) }}
RULE :fan {{ ?x :is :fan }} WHERE {{ {{ SELECT ?x (COUNT(?y) AS ?n) WHERE {{ ?x :next ?y }} GROUP BY ?x HAVING(COUNT(?y) > 1) }} }}
RULE :path {{ ?x :ends ?y }} WHERE {{ ?x :next/:mark ?y . ?x :weight ?w SET(?d := ?w * 2) FILTER(?d > 4) }}
"""


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6), st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_every_absent_conclusion_has_a_reason_that_is_none_for_a_present_one(pairs, sizes):
    data = " ".join(f":n{a} :next :n{b} ." for a, b in pairs) + " ".join(f":n{i} a :Node ; :weight {w} ; :mark :m{w} ." for i, w in enumerate(sizes))
    with store_of(data) as store:
        programs = [("infer:test", GRAPH, parse_program(PREFIX + RULES))]
        infer(store, programs)
        derive = Derivations(store, programs)
        nodes: list[tuple[NamedNode, NamedNode, NamedNode]] = [(iri(f"n{i}"), iri("is"), iri(kind)) for i in range(4) for kind in ("heavy", "fan")]
        nodes += [(iri(f"n{i}"), iri(name), iri(f"n{j}")) for i in range(2) for j in range(2) for name in ("reaches", "apart")]
        for triple in (Triple(*node) for node in nodes):
            misses = near_misses(derive, triple)
            if derive(triple) is None:
                assert misses and all(miss.faults for miss in misses), triple
            else:
                assert any(miss.faults == 0 for miss in misses), triple
