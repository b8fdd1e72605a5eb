"""Conclusions about classes and properties themselves: the rules of `schema.srl` that the ontology can use, and lists."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from kg.reasoner.model import Rule
from kg.reasoner.owl import datatypes
from kg.reasoner.owl.checks import members
from kg.reasoner.owl.maker import RuleMaker
from kg.reasoner.owl.vocabulary import EQUIVALENT_CLASS, EQUIVALENT_PROPERTY, SUB_CLASS, SUB_PROPERTY, owl
from kg.reasoner.srl import parse_program
from kg.sparql import algebra as a

_NAMESPACE = "scm:"
_RDFS_NAMES = {"scm-sco": "rdfs11", "scm-spo": "rdfs5"}
_CLASS = (SUB_CLASS, EQUIVALENT_CLASS)
_PROPERTY = (SUB_PROPERTY, EQUIVALENT_PROPERTY)


def schema_rules(make: RuleMaker, is_rdfs: bool, complete: bool) -> None:
    """Table 9 without what holds of every class and property (see `trivial.py`); for RDFS its two rules."""
    ontology = make.ontology
    has_classes, has_properties = (complete or any(map(ontology.has, names)) for names in (_CLASS, _PROPERTY))
    has_classes = has_classes or any(map(ontology.has, (owl("intersectionOf"), owl("unionOf"))))
    for rule in _written():
        name = rule.iri.value.removeprefix(_NAMESPACE)
        if is_rdfs and name not in _RDFS_NAMES:
            continue
        read = {element.predicate for element in rule.body if isinstance(element, a.TriplePattern)}
        available = dict.fromkeys(_CLASS, has_classes) | dict.fromkeys(_PROPERTY, has_properties)
        if not all(available.get(predicate, ontology.has(predicate)) for predicate in read):
            continue
        name = _RDFS_NAMES[name] if is_rdfs else name
        make.written(rule, name)
    if not is_rdfs:
        _lists(make)


@cache
def _written() -> tuple[Rule, ...]:
    file = Path(__file__).with_name("schema.srl")
    return tuple(_shorn(rule) for rule in parse_program(file.read_text("utf-8"), None).rules)


def _shorn(rule: Rule) -> Rule:
    """The rule without the place in a file that is none of the user's."""
    return replace(rule, source="", prefixes=())


def _lists(make: RuleMaker) -> None:
    """scm-int and scm-uni: classes are parts of their unions, intersections of their parts."""
    ontology = make.ontology
    for name, entailment, en, zh in (
        ("intersectionOf", "scm-int", "{0} is an intersection, so it is part of each of its parts", "{0} 是交集，故为其各部分的子类"),
        ("unionOf", "scm-uni", "{0} is a union, so each of its parts is part of it", "{0} 是并集，故其各部分为它的子类"),
    ):
        for cls, node in ontology.pairs(owl(name)):
            if datatypes.is_datatype(ontology, cls):
                continue
            pairs = [(cls, part) if name == "intersectionOf" else (part, cls) for part in members(ontology, cls, owl(name), node)]
            make.fact(entailment, [a.TriplePattern(sub, SUB_CLASS, super_) for sub, super_ in pairs if sub != super_], en, zh, (cls,), (cls, owl(name), node))
