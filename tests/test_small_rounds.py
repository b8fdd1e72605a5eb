"""Rounds in memory conclude what statements conclude: the same triples, by the same rules, in the same rounds. KG_LONG=1 tries more."""

from __future__ import annotations

import os
import random

import pytest

from kg.reasoner import fixpoint, infer, parse_program, small_rounds
from tests.test_reasoner import PREFIX, store_of

LONG = bool(os.environ.get("KG_LONG"))

RULES = """
RULE :first { ?x :reaches ?y } WHERE { ?x :p ?y }
RULE :further { ?x :reaches ?z } WHERE { ?x :reaches ?y . ?y :p ?z }
RULE :twice { ?x :reaches ?z } WHERE { ?x :reaches ?y . ?y :reaches ?z }
RULE :itself { ?x :round ?x } WHERE { ?x :reaches ?x }
RULE :round-on { ?x :reaches ?y } WHERE { ?x :round ?x . ?x :q ?y }
RULE :alike { ?y :reaches ?x } WHERE { ?x :reaches ?y . ?x :w ?n . ?y :w ?m FILTER(?n = ?m) }
RULE :unlike { ?x :reaches ?z } WHERE { ?x :reaches ?y . ?x :reaches ?z . ?y :p ?z FILTER(?x != ?z) }
RULE :class { ?y a :C } WHERE { ?x a :C . ?x :p ?y }
RULE :other-class { ?y a :D } WHERE { ?x a :C . ?x :q ?y }
RULE :back { ?y a :C } WHERE { ?x a :D . ?y :p ?x NOT { ?y a :Closed } }
RULE :value { ?y :has ?v } WHERE { ?x :has ?v . ?x :p ?y }
RULE :inverse { ?v :of ?x } WHERE { ?x :has ?v . ?x :reaches ?z }
RULE :of-first { ?x :has ?n } WHERE { ?v :of ?x . ?x :w ?n }
RULE :own { ?x :commands ?s } WHERE { ?s :holder ?x }
RULE :through { ?x :commands ?s } WHERE { ?x :controls ?z . ?s :holder ?z NOT { ?z a :Closed } }
RULE :control { ?x :controls ?y } WHERE {
  { SELECT ?x ?y (SUM(?v) AS ?total) WHERE { ?x :commands ?s . ?s :in ?y ; :votes ?v } GROUP BY ?x ?y } :limit :is ?limit FILTER(?total > ?limit) FILTER(?x != ?y) }
RULE :heavy { ?x a :Heavy } WHERE {
  { SELECT ?x (SUM(?n) AS ?sum) WHERE { { ?x :w ?n . BIND(?x AS ?y) } UNION { ?x :p ?y . ?y a :Heavy . ?y :w ?n } } GROUP BY ?x } FILTER(?sum >= 5) }
RULE :crowd { ?x a :Crowded } WHERE { { SELECT ?x (COUNT(?y) AS ?k) WHERE { ?y :p ?x . ?y a :Crowded } GROUP BY ?x } FILTER(?k > 0) }
RULE :crowd-first { ?x a :Crowded } WHERE { ?x a :C }
RULE :most { ?x a :Rich } WHERE { { SELECT ?x (MAX(?v) AS ?most) WHERE { ?y a :Rich . ?s :holder ?x ; :in ?y ; :votes ?v } GROUP BY ?x HAVING(MAX(?v) >= 50.0) } }
RULE :rich-first { ?x a :Rich } WHERE { ?s :in ?x ; :votes 60 }
"""
ALL = [f"RULE {text.strip()}" for text in RULES.split("RULE ") if text.strip()]


def random_data(dice: random.Random) -> str:
    nodes = dice.randint(4, 14)
    facts = [f":n{i} :p :n{i + 1}" for i in range(nodes) if dice.random() < 0.9]
    node = lambda: f":n{dice.randrange(nodes)}"  # noqa: E731
    facts += [f"{node()} {dice.choice([':p', ':q', ':q', ':reaches'])} {node()}" for _ in range(dice.randint(0, 4))]
    facts += [f"{node()} :w {dice.choice(['1', '2', '2.0', '3', '4'])}" for _ in range(nodes)]
    facts += [f":s{i} :holder :n{i} ; :in :n{i + 1} ; :votes {dice.choice(['60', '60', '51', '50.01', '70.5', '40'])}" for i in range(nodes)]
    facts += [f":t{i} :holder {node()} ; :in {node()} ; :votes {dice.choice(['60', '25.5', '10', '30'])}" for i in range(dice.randint(0, 6))]
    facts += [f"{node()} a {dice.choice([':C', ':D', ':Closed', ':Crowded'])}" for _ in range(3)]
    facts += [f"{node()} :has {dice.choice(['7', ':thing', '_:b', chr(34) + 'text' + chr(34)])}", ":limit :is 50"]
    if dice.random() < 0.3:  # a number that stands in the dictionary
        facts += [f':n{nodes - 1} :w "03"^^<http://www.w3.org/2001/XMLSchema#int>', f":t0 :votes {dice.choice(['1.125', '12'])}"]
    return " ".join(f"{fact} ." for fact in facts)


def outcome(data: str, rules: str, patience: int, monkeypatch) -> set[tuple]:
    monkeypatch.setattr(fixpoint, "PATIENCE", patience)
    with store_of(data) as store:
        infer(store, [("infer:0", "http://example.org/inferred", parse_program(PREFIX + rules))])
        rows = store.connection.execute("SELECT s, p, o, rule, round FROM quads WHERE rule IS NOT NULL").fetchall()
        terms = store.decode({term for row in rows for term in row[:3]})
    return {(*(str(terms[term]) for term in row[:3]), *row[3:]) for row in rows}


@pytest.mark.parametrize("few", [1, 3, 5_000])
def test_random_recursions_conclude_the_same_in_memory(few, monkeypatch):
    """With few bindings at a time rounds go back to statements in the middle, and come again."""
    done = {"rounds": 0, "left": 0}
    in_memory = small_rounds.SmallRounds.round

    def counted(self, number):
        try:
            found = in_memory(self, number)
        except small_rounds.Leave:
            done["left"] += 1
            raise
        done["rounds"] += 1
        return found

    monkeypatch.setattr(small_rounds.SmallRounds, "round", counted)
    monkeypatch.setattr(small_rounds, "_MOST_BINDINGS", few)
    for seed in range(120 if LONG else 10):
        dice = random.Random(seed)
        data, rules = random_data(dice), " ".join(dice.sample(ALL, dice.randint(4, 12)))
        assert outcome(data, rules, 1, monkeypatch) == outcome(data, rules, 10**9, monkeypatch), f"seed {seed}\n{data}\n{rules}"
    assert done["rounds"] > 20 and (few > 3 or done["left"] > 0)


def test_a_chain_of_control_of_three_hundred_links_takes_few_statements(monkeypatch):
    stakes = " ".join(f":s{i} :holder :c{i} ; :in :c{i + 1} ; :votes 60 ." for i in range(300))
    rules = "RULE :from-first { ?x :commands ?s } WHERE { ?s :holder ?x FILTER(?x = :c0) } " + " ".join(rule for rule in ALL if ":through" in rule or ":control " in rule)
    statements = []
    run = fixpoint.Knowledge.run
    monkeypatch.setattr(fixpoint.Knowledge, "run", lambda self, sql: statements.append(sql) or run(self, sql))
    found = outcome(stakes + " :limit :is 50 .", rules, fixpoint.PATIENCE, monkeypatch)
    assert len(found) == 600 and max(row[4] for row in found) - min(row[4] for row in found) >= 599
    assert len(statements) < 200
