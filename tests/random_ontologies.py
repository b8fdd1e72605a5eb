"""Random small ontologies with individuals, in Turtle, for comparing closures."""

from __future__ import annotations

import random

PREFIXES = """@prefix : <http://e/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def ontology(seed: int, axioms: int = 9, facts: int = 9, equality: bool = True, keys: bool = True) -> str:
    """The same text for the same seed. Without `equality` no axiom can make terms equal; without `keys` none is owl:hasKey."""
    chance = random.Random(seed)
    classes, properties, individuals = ([f":{c}" for c in names] for names in ("ABCDE", "pqrs", "abcdef"))
    lines = [f"{c} a owl:Class ." for c in classes] + [f"{p} a owl:ObjectProperty ." for p in properties]

    def cls() -> str:
        return chance.choice(classes)

    def prop() -> str:
        return chance.choice(properties)

    def one() -> str:
        return chance.choice(individuals)

    def restriction(*kinds: str) -> str:
        kind = chance.choice(kinds)
        values = {
            "some": f"owl:someValuesFrom {chance.choice([cls(), 'owl:Thing'])}", "only": f"owl:allValuesFrom {cls()}", "value": f"owl:hasValue {one()}",
            "max": f'owl:maxCardinality "{chance.choice([0, 1]) if equality else 0}"^^xsd:nonNegativeInteger',
            "qualified": f'owl:maxQualifiedCardinality "{chance.choice([0, 1]) if equality else 0}"^^xsd:nonNegativeInteger ; owl:onClass {cls()}',
        }  # fmt: skip
        return f"[ a owl:Restriction ; owl:onProperty {prop()} ; {values[kind]} ]"

    kinds = [
        lambda: f"{cls()} rdfs:subClassOf {cls()} .",
        lambda: f"{cls()} rdfs:subClassOf {restriction('only', 'value', 'max', 'qualified')} .",
        lambda: f"{restriction('some', 'value')} rdfs:subClassOf {cls()} .",
        lambda: f"{cls()} owl:equivalentClass {chance.choice([cls(), restriction('value', 'some')])} .",
        lambda: f"{cls()} owl:intersectionOf ( {cls()} {cls()} ) .",
        lambda: f"{cls()} owl:unionOf ( {cls()} {cls()} ) .",
        lambda: f"{cls()} owl:oneOf ( {one()} {one()} ) .",
        lambda: f"{prop()} rdfs:subPropertyOf {prop()} .",
        lambda: f"{prop()} owl:equivalentProperty {prop()} .",
        lambda: f"{prop()} owl:inverseOf {prop()} .",
        lambda: f"{prop()} rdfs:domain {cls()} .",
        lambda: f"{prop()} rdfs:range {cls()} .",
        lambda: f"{prop()} a owl:{chance.choice(['SymmetricProperty', 'TransitiveProperty'])} .",
        lambda: f"{prop()} owl:propertyChainAxiom ( {prop()} {prop()} ) .",
    ]
    if equality:
        kinds += [
            lambda: f"{prop()} a owl:{chance.choice(['FunctionalProperty', 'InverseFunctionalProperty'])} .",
            lambda: f"{cls()} owl:hasKey ( {prop()} ) ." if keys else f"{one()} owl:sameAs {one()} .",
            lambda: f"{one()} owl:sameAs {one()} .",
        ]
        if chance.random() < 0.1:
            kinds.append(lambda: f"{chance.choice([cls, prop])()} owl:sameAs {chance.choice([cls, prop])()} .")
    lines += [chance.choice(kinds)() for _ in range(axioms)]
    lines += [chance.choice([f"{one()} a {cls()} .", f"{one()} {prop()} {one()} .", f"{one()} {prop()} {one()} ."]) for _ in range(facts)]
    return PREFIXES + "\n".join(lines)
