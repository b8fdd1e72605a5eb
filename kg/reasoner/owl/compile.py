"""An ontology as a rule program: OWL 2 RL (OWL 2 Profiles, section 4.3) or RDFS (RDF 1.1 Semantics, section 9).

Each axiom becomes rules with its own classes and properties in them: from `:Oak rdfs:subClassOf :Tree` comes
`{ ?x a :Tree } WHERE { ?x a :Oak }`, with the axiom's place, where the tables have one rule over all classes. Schema that
rules conclude is compiled too, with the concluded axiom as a further premise; `fixpoint.py` repeats until none is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pyoxigraph import NamedNode

from kg.errors import RuleError, did_you_mean
from kg.reasoner.model import Program, Rule
from kg.reasoner.owl.classes import class_rules, subclass_rules
from kg.reasoner.owl.equality import equality_rules
from kg.reasoner.owl.maker import RuleMaker
from kg.reasoner.owl.ontology import Ontology
from kg.reasoner.owl.properties import property_rules, rdfs_properties
from kg.reasoner.owl.schema import schema_rules
from kg.reasoner.owl.trivial import owl_trivia, rdfs_trivia, thing_rules
from kg.reasoner.owl.vocabulary import AXIOMATIC_PREDICATES, THING, TYPE
from kg.sparql import algebra as a
from kg.store import Store

REGIMES = {"owl-rl": "owl-rl", "rl": "owl-rl", "rdfs": "rdfs"}


def compile_store(store: Store, regime: str = "owl-rl", *, base: str = "urn:x-guanxi:", files: Iterable[str | Path] = (), complete: bool = False) -> Program:
    """The program of the ontology that a graph holds; `files` tell where its axioms are written.

    The IRIs of its rules begin with `base` and `owl/` or `rdfs/`. With `complete` it also concludes what holds of everything.
    Raises RuleError R240–R245 for axioms that mean nothing.
    """
    predicates = _predicates(store) if complete else ()
    return compile_ontology(Ontology.from_store(store, files), regime, base=base, complete=complete, predicates=predicates)


def compile_ontology(
    ontology: Ontology, regime: str = "owl-rl", *, base: str = "urn:x-guanxi:", complete: bool = False, predicates: Sequence[NamedNode] = ()
) -> Program:
    """The program of an ontology; `predicates` are those that the graph uses, for the complete closure."""
    name = regime_of(regime)
    rules = _rules(ontology, name, base, complete, predicates, with_thing=complete)
    if not complete and name == "owl-rl" and any(_reads_thing(rule) for rule in rules):
        rules = _rules(ontology, name, base, complete, predicates, with_thing=True)
    return Program(tuple(rules), tuple(ontology.prefixes.items()))


def after_rules(program: Program) -> Program:
    """The same program for running after all other rules, which then do not see its conclusions."""
    return replace(program, rules=tuple(replace(rule, annotations=(*rule.annotations, ("after", "rules"))) for rule in program.rules))


def regime_of(name: str) -> str:
    if name not in REGIMES:
        raise RuleError("R245", f"there is no entailment regime {name}", None, did_you_mean(name, REGIMES) or f"take one of {', '.join(REGIMES)}")
    return REGIMES[name]


def _rules(ontology: Ontology, regime: str, base: str, complete: bool, predicates: Sequence[NamedNode], with_thing: bool) -> list[Rule]:
    is_rdfs = regime == "rdfs"
    make = RuleMaker(ontology, f"{base}{'rdfs' if is_rdfs else 'owl'}/")
    if complete:
        every = sorted({*predicates, *AXIOMATIC_PREDICATES}, key=str)
        (rdfs_trivia if is_rdfs else owl_trivia)(make, every)
    schema_rules(make, is_rdfs, complete)
    rdfs_properties(make, ("rdfs2", "rdfs3", "rdfs7") if is_rdfs else ("prp-dom", "prp-rng", "prp-spo1"), with_thing)
    subclass_rules(make, "rdfs9" if is_rdfs else "cax-sco", with_thing)
    if not is_rdfs:
        property_rules(make)
        class_rules(make, with_thing)
        if with_thing:
            thing_rules(make)
        equality_rules(make)
    return make.rules


def _reads_thing(rule: Rule) -> bool:
    return any(isinstance(e, a.TriplePattern) and e.predicate == TYPE and e.object == THING for e in rule.body)


def _predicates(store: Store) -> list[NamedNode]:
    cursor = store.connection.cursor() if store.read_only else store.connection
    ids = [row[0] for row in cursor.execute("SELECT DISTINCT p FROM quads").fetchall()]
    return sorted(store.decode(ids).values(), key=str)
