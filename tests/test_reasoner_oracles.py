"""The reasoner against others: clingo and brute force for recursive sums, plain Python for closures and negation."""

from __future__ import annotations

import os
import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_reasoner import CONTROL, REACHES, concluded, stakes

LONG = bool(os.environ.get("KG_LONG"))
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

Stakes = list[tuple[str, str, Decimal]]


def random_stakes(seed: int, groups: int) -> Stakes:
    """`groups` separate graphs of up to seven holders each, with cross-holdings, circles and exact halves."""
    dice = random.Random(seed)
    rows: Stakes = []
    for group in range(groups):
        names = [f"g{group}n{i}" for i in range(dice.randint(2, 7))]
        for held in names:
            left = Decimal(100)
            for holder in dice.sample(names, dice.randint(0, len(names))):
                share = min(left, Decimal(dice.choice(["50", "25", "25.5", "50.01", "10", "0.01", "60", "33.3", "0"])))
                left -= share
                rows.append((holder, held, share))
    return rows


def by_brute_force(rows: Stakes) -> set[str]:
    """The least fixpoint, from its definition: add pairs until nothing changes."""
    controls: set[tuple[str, str]] = set()
    names = sorted({name for holder, held, _ in rows for name in (holder, held)})
    while True:
        found = {
            (x, y)
            for x in names
            for y in names
            if sum(v for h, c, v in rows if c == y and (h == x or (x, h) in controls)) > 50
        }
        if found <= controls:
            return {f"{x} controls {y}" for x, y in controls}
        controls |= found


def by_clingo(rows: Stakes) -> set[str]:
    clingo = pytest.importorskip("clingo")
    facts = " ".join(f"stake({i},{holder},{held},{int(share * 100)})." for i, (holder, held, share) in enumerate(rows))
    program = facts + """
        commands(X,S,C,V) :- stake(S,X,C,V).
        commands(X,S,C,V) :- controls(X,Z), stake(S,Z,C,V).
        party(X) :- stake(_,X,_,_).
        held(C) :- stake(_,_,C,_).
        controls(X,C) :- party(X), held(C), #sum { V,S : commands(X,S,C,V) } > 5000.
        #show controls/2.
    """
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    models: list[set[str]] = []
    control.solve(on_model=lambda model: models.append({" controls ".join(map(str, atom.arguments)) for atom in model.symbols(shown=True)}))
    (only,) = models
    return only


HELPER = """
RULE :own { ?x :commands ?s } WHERE { ?s :holder ?x }
RULE :through { ?x :commands ?s } WHERE { ?x :controls ?z . ?s :holder ?z }
RULE :control { ?x :controls ?y } WHERE {
  { SELECT ?x ?y (SUM(?v) AS ?total) WHERE { ?x :commands ?s . ?s :of ?y ; :votes ?v } GROUP BY ?x ?y } FILTER(?total > 50) }
"""
DISTINCT = CONTROL.replace("WHERE {\n      {", "WHERE { SELECT DISTINCT ?x ?y ?stake ?v WHERE {\n      {").replace("} GROUP", "} } GROUP")

# 200 graphs with cross-holdings and circles, 20 in one run; forms of the program take turns.
RUNS = 100 if LONG else 10


@pytest.mark.parametrize("seed", range(RUNS))
def test_control_equals_clingo_and_brute_force_on_random_graphs(seed):
    rows = random_stakes(seed, groups=20)
    data = stakes(*[(holder, held, str(share)) for holder, held, share in rows])
    rules = (CONTROL, HELPER, DISTINCT)[seed % 3]
    found = {triple for triple in concluded(data, rules) if " controls " in triple}
    assert found == by_brute_force(rows) == by_clingo(rows)


# ── Closures and negation against plain Python ───────────────────────────────────────────────────────────────

pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)


def as_turtle(edges, predicate: str = "next") -> str:
    return " ".join(f":n{x} :{predicate} :n{y} ." for x, y in edges)


def closure(edges) -> set[tuple[int, int]]:
    reached = set(edges)
    while more := {(x, z) for x, y in reached for y2, z in edges if y == y2} - reached:
        reached |= more
    return reached


@settings(max_examples=200 if LONG else 15, **SLOW)
@given(pairs)
def test_linear_and_quadratic_closure_agree_with_python(edges):
    expected = {f"n{x} reaches n{y}" for x, y in closure(edges)}
    quadratic = REACHES.replace("?y :next ?z", "?y :reaches ?z")
    assert concluded(as_turtle(edges), REACHES) == concluded(as_turtle(edges), quadratic) == expected


@settings(max_examples=200 if LONG else 15, **SLOW)
@given(pairs, st.sets(st.integers(0, 6)))
def test_negation_over_a_closure_agrees_with_python(edges, marked):
    rules = REACHES + """
    RULE :safe { ?x :is :safe } WHERE { ?x a :Node NOT { ?x :reaches ?y . ?y a :Marked } NOT { ?x a :Marked } }
    RULE :only { ?x :only ?y } WHERE { ?x :reaches ?y . ?x :is :safe NOT { ?x :next ?y } }
    """
    data = as_turtle(edges) + " ".join(f":n{i} a :Node ." for i in range(7)) + " ".join(f":n{i} a :Marked ." for i in marked)
    reached = closure(edges)
    safe = {x for x in range(7) if x not in marked and not any((x, y) in reached for y in marked)}
    expected = {f"n{x} is safe" for x in safe} | {f"n{x} only n{y}" for x, y in reached if x in safe and (x, y) not in edges}
    assert {t for t in concluded(data, rules) if " reaches " not in t} == expected


@settings(max_examples=100 if LONG else 10, **SLOW)
@given(pairs, pairs)
def test_classes_and_properties_in_one_recursion_agree_with_python(subclasses, types):
    rules = """
    PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
    RULE { ?x a ?d } WHERE { ?x a ?c . ?c rdfs:subClassOf ?d }
    RULE { ?c rdfs:subClassOf ?e } WHERE { ?c rdfs:subClassOf ?d . ?d rdfs:subClassOf ?e }
    """
    data = "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> ." + " ".join(
        [f":c{x} rdfs:subClassOf :c{y} ." for x, y in subclasses] + [f":i{x} a :c{y} ." for x, y in types]
    )
    above = closure(subclasses)
    inferred = {(x, d) for x, c in types for c2, d in above if c == c2} - set(types)
    expected = {f"i{x} 22-rdf-syntax-ns#type c{y}" for x, y in inferred}
    assert {t for t in concluded(data, rules) if t.startswith("i")} == expected
