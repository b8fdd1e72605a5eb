"""Rule programs: what they conclude, where it goes, and what is refused."""

from __future__ import annotations

import pytest
from pyoxigraph import RdfFormat, parse

from kg.errors import RuleError
from kg.reasoner import infer, infer_only, parse_program
from kg.store import Store
from kg.store.documents import load

PREFIX = "PREFIX : <http://example.org/>\n"


def store_of(turtle: str) -> Store:
    store = Store.memory()
    load(store, ("@prefix : <http://example.org/> . " + turtle).encode(), format="turtle")
    return store


def concluded(turtle: str, rules: str) -> set[str]:
    """The conclusions as N-Triples-like text with local names."""
    with store_of(turtle) as store:
        found = infer_only(store, parse_program(PREFIX + rules))
    return {" ".join(local(part) for part in (t.subject, t.predicate, t.object)) for t in found}


def local(term) -> str:
    return term.value.rsplit("/", 1)[-1]


def refusal(rules: str, turtle: str = "") -> RuleError:
    with pytest.raises(RuleError) as caught:
        concluded(turtle, rules)
    return caught.value


# ── Recursion ────────────────────────────────────────────────────────────────────────────────────────────────

REACHES = """
RULE :first { ?x :reaches ?y } WHERE { ?x :next ?y }
RULE :further { ?x :reaches ?z } WHERE { ?x :reaches ?y . ?y :next ?z }
"""


def test_reachability_in_a_circle_ends():
    assert concluded(":a :next :b . :b :next :a .", REACHES) == {"a reaches a", "a reaches b", "b reaches a", "b reaches b"}


def test_a_recursive_rule_starts_from_asserted_triples_too():
    assert concluded(":a :reaches :b . :b :next :c .", REACHES) == {"b reaches c", "a reaches c"}


def test_a_recursive_rule_looks_up_a_term_that_it_computes():
    rules = '''
    RULE :first { ?c :reaches ?one } WHERE { ?one :with ?other SET(?c := IRI(CONCAT(STR(?one), "-c"))) }
    RULE :on { ?c :reaches ?m } WHERE {
      ?one :with ?other SET(?c := IRI(CONCAT(STR(?one), "-c"))) SET(?second := IRI(CONCAT(STR(?other), "-c"))) ?second :reaches ?m
    }'''
    found = concluded(":a :with :b . :b :with :d . :d :with :e .", rules)
    assert found == {f"{start}-c reaches {end}" for start, end in ("aa", "ab", "ad", "bb", "bd", "dd")}


def test_rules_that_need_each_other_reach_their_common_fixpoint():
    rules = """
    RULE :even { ?y :is :even } WHERE { ?x :is :odd . ?x :next ?y }
    RULE :odd { ?y :is :odd } WHERE { ?x :is :even . ?x :next ?y }
    """
    found = concluded(":n0 :is :even . :n0 :next :n1 . :n1 :next :n2 . :n2 :next :n3 .", rules)
    assert found == {"n1 is odd", "n2 is even", "n3 is odd"}


def test_a_rule_over_any_predicate_sees_what_other_rules_conclude():
    rules = """
    RULE :sub { ?x ?q ?y } WHERE { ?x ?p ?y . ?p :within ?q }
    RULE :pair { ?x :near ?y } WHERE { ?x :beside ?y }
    """
    found = concluded(":beside :within :close . :near :within :related . :a :beside :b .", rules)
    assert {"a close b", "a near b", "a related b"} <= found


def test_a_chain_of_a_thousand_steps_is_followed_to_its_end():
    chain = " ".join(f":n{i} :next :n{i + 1} ." for i in range(1000))
    found = concluded(chain, "RULE { :n0 :reaches ?y } WHERE { :n0 :next ?y } RULE { :n0 :reaches ?z } WHERE { :n0 :reaches ?y . ?y :next ?z }")
    assert len(found) == 1000


# ── Negation, values, blank nodes ────────────────────────────────────────────────────────────────────────────


def test_negation_waits_until_the_negated_relation_is_complete():
    rules = "RULE :far { ?x :far ?y } WHERE { ?x :reaches ?y NOT { ?x :next ?y } }" + REACHES
    assert concluded(":a :next :b . :b :next :c .", rules) >= {"a far c"}


def test_a_variable_inside_not_is_another_one_than_its_namesake_bound_later():
    rules = "RULE { ?x :free ?y } WHERE { ?x a :Node NOT { ?x :next ?y } ?y a :Node }"
    assert concluded(":a a :Node ; :next :b . :b a :Node .", rules) == {"b free a", "b free b"}


def test_a_filter_inside_not_sees_the_variables_around():
    rules = "RULE { ?x :is :tallest } WHERE { ?x :height ?h NOT { ?y :height ?other FILTER(?other > ?h) } }"
    assert concluded(":a :height 170 . :b :height 182.5 . :c :height 182.50 .", rules) == {"b is tallest", "c is tallest"}


def test_computed_texts_and_numbers_become_terms():
    rules = 'RULE { ?x :label ?l ; :double ?d } WHERE { ?x :value ?v SET(?d := ?v * 2) SET(?l := CONCAT("v", STR(?v))) }'
    assert concluded(":a :value 1.25 .", rules) == {"a label v1.25", "a double 2.5"}


def test_a_computed_text_in_a_recursion_is_joined_by_the_next_round():
    rules = """
    RULE { ?x :path "/" } WHERE { ?x a :Root }
    RULE { ?y :path ?q } WHERE { ?x :path ?p . ?x :part ?y . ?y :name ?n SET(?q := CONCAT(?p, ?n, "/")) }
    """
    found = concluded(':r a :Root ; :part :a . :a :name "a" ; :part :b . :b :name "b" .', rules)
    assert [triple for triple in found if triple.startswith("b path")] == ["b path "]  # "/a/b/" ends in a slash
    assert len(found) == 3


def test_values_that_never_end_are_refused():
    rules = program("RULE :count { :n :is ?w } WHERE { :n :is ?v SET(?w := ?v + 1) }")
    with store_of(":n :is 1 .") as store, pytest.raises(RuleError) as caught:
        infer_only(store, rules, new_value_rounds=50)
    assert caught.value.code == "R210"


def test_a_literal_never_becomes_a_subject():
    assert concluded(":a :p 1 . :b :p :c .", "RULE { ?o :of ?s } WHERE { ?s :p ?o }") == {"c of b"}


# ── Aggregates in a recursion ────────────────────────────────────────────────────────────────────────────────

CONTROL = """
RULE :control { ?x :controls ?y } WHERE {
  { SELECT ?x ?y (SUM(?v) AS ?total) WHERE {
      { ?stake :holder ?x } UNION { ?x :controls ?z . ?stake :holder ?z }
      ?stake :of ?y ; :votes ?v .
    } GROUP BY ?x ?y }
  FILTER(?total > 50) }
"""


def stakes(*rows: tuple[str, str, str]) -> str:
    return " ".join(f"[] :holder :{holder} ; :of :{held} ; :votes {votes} ." for holder, held, votes in rows)


def test_control_through_two_holdings_is_found_once():
    found = concluded(stakes(("a", "b", "60"), ("b", "c", "30"), ("a", "c", "20.5")), CONTROL)
    assert found == {"a controls b", "a controls c"}


def test_exactly_half_is_not_more_than_half():
    third = "16.666666666666666"
    assert concluded(stakes(("a", "b", "25.0"), ("a", "b", "25")), CONTROL) == set()
    assert concluded(stakes(*[("a", "b", third)] * 3, ("a", "b", "0.000000000000002")), CONTROL) == set()
    assert concluded(stakes(*[("a", "b", third)] * 3, ("a", "b", "0.000000000000003")), CONTROL) == {"a controls b"}


def test_a_share_reached_by_two_ways_counts_once():
    circle = stakes(("a", "b", "60"), ("b", "a", "60"), ("a", "c", "30"))
    assert concluded(circle, CONTROL) == {"a controls b", "b controls a", "a controls a", "b controls b"}


def test_a_threshold_may_be_an_asserted_fact():
    rules = CONTROL.replace("FILTER(?total > 50)", ":policy :threshold ?t FILTER(?total >= ?t)")
    assert concluded(stakes(("a", "b", "30")) + ":policy :threshold 30 .", rules) == {"a controls b"}


def test_a_test_may_stand_in_having():
    rules = CONTROL.replace("GROUP BY ?x ?y }", "GROUP BY ?x ?y HAVING(SUM(?v) > 50) }").replace("FILTER(?total > 50)", "")
    assert concluded(stakes(("a", "b", "51"), ("b", "c", "50"), ("a", "c", "0.5")), rules) == {"a controls b", "a controls c"}
    unnamed = rules.replace("(SUM(?v) AS ?total) WHERE", "WHERE")
    assert unnamed != rules and concluded(stakes(("a", "b", "51"), ("b", "c", "50")), unnamed) == {"a controls b"}


def test_contributions_may_come_through_a_helper_relation():
    rules = """
    RULE :self { ?x :isOrControls ?x } WHERE { ?stake :holder ?x }
    RULE :other { ?x :isOrControls ?y } WHERE { ?x :controls ?y }
    RULE :control { ?x :controls ?y } WHERE {
      { SELECT ?x ?y (SUM(?v) AS ?total) WHERE {
          { SELECT DISTINCT ?x ?y ?stake ?v WHERE { ?x :isOrControls ?z . ?stake :holder ?z ; :of ?y ; :votes ?v } } } GROUP BY ?x ?y }
      FILTER(?total > 50) FILTER(?x != ?y) }
    """
    found = concluded(stakes(("a", "b", "60"), ("b", "c", "30"), ("a", "c", "21")), rules)
    assert {t for t in found if "controls" in t.split()} == {"a controls b", "a controls c"}


def test_counting_and_the_greatest_value_work_in_a_recursion():
    rules = """
    RULE :popular { ?y :is :popular } WHERE {
      { SELECT ?y (COUNT(?x) AS ?n) WHERE { ?x :knows ?y . ?x :is :popular } GROUP BY ?y } FILTER(?n >= 2) }
    RULE :loud { ?y :is :loud } WHERE {
      { SELECT ?y (MAX(?v) AS ?m) WHERE { ?x :tells ?y . ?x :is :loud . ?x :voice ?v } GROUP BY ?y } FILTER(?m > 5) }
    """
    data = """:a :is :popular . :b :is :popular . :a :knows :c, :d . :b :knows :c . :c :knows :d .
              :p :is :loud ; :voice 3, 9 ; :tells :q . :q :voice 4 ; :tells :r ."""
    assert concluded(data, rules) == {"c is popular", "d is popular", "q is loud"}


def test_an_aggregate_and_a_recursive_pattern_in_one_body_wait_for_each_other():
    rules = """
    RULE :on { ?y :is :on } WHERE {
      ?guard :watches ?y . ?guard :is :on .
      { SELECT ?y (COUNT(?x) AS ?n) WHERE { ?x :feeds ?y . ?x :is :on } GROUP BY ?y } FILTER(?n >= 2) }
    """
    feeds = ":a :is :on . :b :is :on . :a :feeds :c, :d, :e . :b :feeds :c, :d . :c :feeds :e ."
    late_guard = ":a :watches :c . :c :watches :d . :d :watches :e ."  # the counts are there before the guards
    assert concluded(feeds + late_guard, rules) == {"c is on", "d is on", "e is on"}
    late_count = ":a :watches :c, :d, :e ."  # the guards are there before the counts
    assert concluded(feeds + late_count, rules) == {"c is on", "d is on", "e is on"}
    assert concluded(feeds + ":x :watches :c .", rules) == set()


def test_a_repeated_path_over_its_own_conclusions_is_refused():
    error = refusal("RULE :r { ?x :p ?y } WHERE { { SELECT DISTINCT ?x ?y WHERE { ?x :p+ ?z . ?z :q ?y } } }", ":a :p :b . :b :q :c .")
    assert error.code == "R213"
    assert "path" in error.message


def test_a_union_in_a_sub_select_takes_part_in_the_recursion():
    rules = """
    RULE :r { ?x :p ?y } WHERE { { SELECT DISTINCT ?x ?y WHERE { { ?x :next ?y } UNION { ?x :p ?z . ?z :next ?y } } } }
    """
    assert concluded(":a :next :b . :b :next :c . :c :next :d .", rules) == {
        "a p b", "b p c", "c p d", "a p c", "b p d", "a p d",
    }  # fmt: skip


def test_the_least_value_may_fall_as_the_recursion_goes_on():
    rules = """
    RULE :near { ?x :is :near } WHERE {
      { SELECT ?x (MIN(?d) AS ?least) WHERE { ?x :next ?y . ?y :is :near . ?x :distance ?d } GROUP BY ?x } FILTER(?least < 10) }
    """
    data = ":a :is :near . :b :next :a ; :distance 20, 3.5 . :c :next :b ; :distance 10 ."
    assert concluded(data, rules) == {"b is near"}


def test_a_negative_value_in_a_recursive_sum_is_refused_with_its_triple():
    error = refusal(CONTROL, ":s :holder :a ; :of :b ; :votes -1 .")
    assert error.code == "R208"
    assert ":s :votes" in str(error)


def test_a_recursive_sum_that_is_written_or_tested_otherwise_is_refused_with_its_cycle():
    for change in (
        ("{ ?x :controls ?y }", "{ ?x :controls ?y ; :holds ?total }"),
        ("?total > 50", "?total < 50"),
        ("?total > 50", "?total != 50"),
        ("SUM(?v)", "AVG(?v)"),
    ):
        error = refusal(CONTROL.replace(*change), stakes(("a", "b", "60")))
        assert error.code == "R207"
        assert "cycle: :control → :control" in str(error)


# ── Refusals ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_negation_in_a_cycle_is_refused_naming_the_cycle():
    error = refusal("""
    RULE :win { ?x :wins ?y } WHERE { ?x :plays ?y NOT { ?y :loses ?x } }
    RULE :lose { ?x :loses ?y } WHERE { ?x :plays ?y . ?y :wins ?x }
    """)
    assert error.code == "R204"
    assert "cycle: :win → :lose → :win" in str(error)
    assert error.location.line == 3


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("RULE :r { ?x :p ?y } WHERE { ?x :q ?z }", "R201"),
        ("RULE :r { ?x :p ?y } WHERE { ?x :q ?z NOT { ?x :s ?y } }", "R201"),
        ("RULE :r { ?x :p ?y } WHERE { FILTER(?y > 1) ?x :q ?y }", "R202"),
        ("RULE :r { ?x :p ?y } WHERE { ?x :q ?z SET(?y := ?w + 1) }", "R203"),
        ("RULE :r { ?x :p ?y } WHERE { ?x :q ?y SET(?y := 1) }", "R205"),
        ("RULE :r { [] :p ?y } WHERE { ?x :p ?y }", "R206"),
    ],
)
def test_an_unsafe_rule_is_refused_with_code_place_and_remedy(rule, code):
    error = refusal(rule)
    assert error.code == code
    assert error.location.line == 2 and error.help and ":r" in error.message


# ── Graphs and reports ───────────────────────────────────────────────────────────────────────────────────────


def program(rules: str):
    return parse_program(PREFIX + rules)


def test_each_program_writes_its_own_graph_and_a_second_run_changes_nothing():
    with store_of(":a :next :b . :b :next :c . :a :reaches :b .") as store:
        programs = [
            ("infer:one", "http://example.org/g1", program(REACHES)),
            ("infer:two", "http://example.org/g2", program("RULE { ?y :isReachedBy ?x } WHERE { ?x :reaches ?y }")),
        ]
        first = infer(store, programs)
        assert [first.diffs[owner].inserted for owner in ("infer:one", "infer:two")] == [2, 3]  # a reaches b was asserted
        assert all(diff.is_empty for diff in infer(store, programs).diffs.values())


def test_conclusions_whose_ground_is_gone_disappear():
    with store_of(":a :next :b . :b :next :c .") as store:
        programs = [("infer:one", "http://example.org/g1", program(REACHES))]
        infer(store, programs)
        store.delete("SELECT g, s, p, o FROM quads WHERE rule IS NULL AND o = (SELECT id FROM dictionary WHERE lex LIKE '%/c')")
        infer(store, programs)
        assert store.connection.execute("SELECT count(*) FROM quads WHERE rule IS NOT NULL").fetchone()[0] == 1


def test_a_conclusion_that_is_asserted_later_leaves_the_inferred_graph_and_comes_back():
    with store_of(":a :next :b . :b :next :c .") as store:
        programs = [("infer:one", "http://example.org/g1", program(REACHES))]
        infer(store, programs)
        load(store, b"<http://example.org/a> <http://example.org/reaches> <http://example.org/c> .", format="ttl", graph="http://example.org/edit")
        assert infer(store, programs).diffs["infer:one"].deleted == 1
        count = store.connection.execute("SELECT count(*), count(*) FILTER (NOT again) FROM quads").fetchone()
        assert count == (5, 5)
        store.delete("SELECT g, s, p, o FROM quads WHERE g IN (SELECT id FROM graphs WHERE iri LIKE '%edit')")
        assert infer(store, programs).diffs["infer:one"].inserted == 1


def test_premises_have_smaller_rounds_than_their_conclusion():
    with store_of(" ".join(f":n{i} :next :n{i + 1} ." for i in range(6))) as store:
        infer(store, [("infer:one", "http://example.org/g1", program(REACHES))])
        rounds = dict(
            store.connection.execute("SELECT (s, o), round FROM quads WHERE round IS NOT NULL").fetchall()
        )
        assert len(set(rounds.values())) == 6


def test_no_program_concludes_nothing():
    with store_of(":a :next :b .") as store:
        assert infer(store, []).triples == 0


def test_a_time_limit_ends_a_run_that_takes_too_long():
    with store_of(" ".join(f":n{i} :next :n{i + 1} ." for i in range(300))) as store, pytest.raises(RuleError) as caught:
        infer(store, [("infer:one", "http://example.org/g1", program(REACHES))], timeout=0.05)
    assert caught.value.code == "R211"


def test_every_conclusion_is_a_triple_that_a_parser_reads_back():
    with store_of(":a :next :b .") as store:
        text = "\n".join(f"{t} ." for t in infer_only(store, program(REACHES)))
    assert len(list(parse(text.encode(), format=RdfFormat.N_TRIPLES))) == 1
