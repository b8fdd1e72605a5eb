"""SHACL rules: targets, conditions, node expressions, functions, order; and pySHACL as the other opinion."""

from __future__ import annotations

import os
import random

import pytest
from pyoxigraph import RdfFormat

from kg.errors import KgError
from kg.reasoner import infer_only
from kg.rules import Hierarchy, shacl_program
from kg.shapes.document import ShapesDocument
from kg.store import Store
from kg.store.documents import load
from tests.test_reasoner import local

PREFIXES = """
@prefix : <http://example.org/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
MARK = "sh:subject sh:this ; sh:predicate :is ; sh:object :marked"


def concluded(data: str, shapes: str) -> set[str]:
    """What the rules of `shapes` add to `data`, with local names."""
    with Store.memory() as store:
        load(store, (PREFIXES + data).encode(), format="turtle")
        program = shacl_program(ShapesDocument.read([(PREFIXES + shapes).encode()]), "rules.ttl", hierarchy=Hierarchy.stated_in(store))
        found = infer_only(store, program)
    return {" ".join(local(part) for part in (t.subject, t.predicate, t.object)) for t in found}


def refusal(shapes: str) -> KgError:
    with pytest.raises(KgError) as caught:
        concluded("", shapes)
    return caught.value


def marked(data: str, condition: str) -> set[str]:
    """The nodes of class :Thing that a condition lets through."""
    shapes = f":Things sh:targetClass :Thing ; sh:rule [ a sh:TripleRule ; sh:condition [ {condition} ] ; {MARK} ] ."
    return {found.split()[0] for found in concluded(data, shapes)}


# ── Targets ──────────────────────────────────────────────────────────────────────────────────────────────────

DATA = ":Dog rdfs:subClassOf :Animal . :Puppy rdfs:subClassOf :Dog . :rex a :Puppy ; :bites :postman ; :age 1 . :tom a :Animal ; :age 7 ."


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("sh:targetClass :Animal", {"rex", "tom"}),
        ("sh:targetClass :Dog", {"rex"}),
        ("sh:targetNode :tom", {"tom"}),
        ("sh:targetNode :tom, :nobody", {"tom", "nobody"}),
        ("sh:targetSubjectsOf :bites", {"rex"}),
        ("sh:targetObjectsOf :bites", {"postman"}),
        ("sh:targetClass :Dog ; sh:targetObjectsOf :bites ; sh:targetNode :tom", {"rex", "postman", "tom"}),
        ('sh:target [ a sh:SPARQLTarget ; sh:select "SELECT ?this WHERE { ?this <http://example.org/age> ?age FILTER(?age > 5) }" ]', {"tom"}),
    ],
)
def test_every_kind_of_target_gives_its_focus_nodes(target, found):
    shapes = f":S {target} ; sh:rule [ a sh:TripleRule ; {MARK} ] ."
    assert concluded(DATA, shapes) == {f"{node} is marked" for node in found}


def test_a_class_that_is_a_shape_targets_its_instances():
    shapes = f":Animal a rdfs:Class, sh:NodeShape ; sh:rule [ a sh:TripleRule ; {MARK} ] ."
    assert concluded(DATA, shapes) == {"rex is marked", "tom is marked"}


def test_what_one_rule_concludes_is_the_target_of_another():
    shapes = f"""
    :S sh:targetSubjectsOf :bites ; sh:rule [ a sh:TripleRule ; sh:subject sh:this ; sh:predicate rdf:type ; sh:object :Danger ] .
    :T sh:targetClass :Danger ; sh:rule [ a sh:TripleRule ; {MARK} ] .
    """
    assert concluded(DATA, shapes) == {"rex 22-rdf-syntax-ns#type Danger", "rex is marked"}


# ── Conditions ───────────────────────────────────────────────────────────────────────────────────────────────

THINGS = """
:a a :Thing ; :p 1, 2 ; :q 2, 1 ; :name "Anna"@en ; :knows :b .
:b a :Thing ; :p 1, 2, 3 ; :name "Bo"@en, "Bo!"@en ; :knows :a, :c .
:c a :Thing, :Rare ; :p "x" ; :q 5 ; :name "Cleo"@zh, "C" .
:d a :Thing .
"""


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("sh:property [ sh:path :p ; sh:minCount 1 ]", "abc"),
        ("sh:property [ sh:path :p ; sh:minCount 3 ]", "b"),
        ("sh:property [ sh:path :p ; sh:minCount 2 ; sh:maxCount 2 ]", "a"),
        ("sh:property [ sh:path :p ; sh:maxCount 0 ]", "d"),
        ("sh:property [ sh:path :p ; sh:hasValue 3 ]", "b"),
        ("sh:property [ sh:path :p ; sh:datatype xsd:integer ]", "abd"),
        ("sh:property [ sh:path :p ; sh:maxInclusive 2 ]", "ad"),
        ("sh:property [ sh:path :p ; sh:equals :q ]", "ad"),
        ("sh:property [ sh:path :p ; sh:disjoint :q ]", "bcd"),
        ("sh:property [ sh:path :p ; sh:lessThan :q ]", "bd"),
        ("sh:property [ sh:path :name ; sh:uniqueLang true ]", "acd"),
        ('sh:property [ sh:path :name ; sh:languageIn ("en") ]', "abd"),
        ('sh:property [ sh:path :name ; sh:pattern "^B" ; sh:minCount 1 ]', "b"),
        ("sh:property [ sh:path :name ; sh:maxLength 3 ]", "bd"),
        ("sh:property [ sh:path :knows ; sh:class :Rare ]", "cd"),
        ("sh:property [ sh:path :knows ; sh:in (:a :b) ]", "acd"),
        ("sh:property [ sh:path :knows ; sh:qualifiedValueShape [ sh:class :Rare ] ; sh:qualifiedMinCount 1 ]", "b"),
        ("sh:property [ sh:path [ sh:inversePath :knows ] ; sh:minCount 1 ]", "abc"),
        ("sh:property [ sh:path (:knows :knows) ; sh:minCount 1 ]", "ab"),
        ("sh:property [ sh:path [ sh:oneOrMorePath :knows ] ; sh:hasValue :c ]", "ab"),
        ("sh:class :Rare", "c"),
        ("sh:not [ sh:class :Rare ]", "abd"),
        ("sh:or ( [ sh:class :Rare ] [ sh:property [ sh:path :knows ; sh:hasValue :b ] ] )", "ac"),
        ("sh:and ( [ sh:property [ sh:path :p ; sh:minCount 1 ] ] [ sh:property [ sh:path :q ; sh:minCount 1 ] ] )", "ac"),
        ("sh:xone ( [ sh:property [ sh:path :p ; sh:minCount 1 ] ] [ sh:property [ sh:path :q ; sh:minCount 1 ] ] )", "b"),
        ("sh:node [ sh:property [ sh:path :p ; sh:minCount 3 ] ]", "b"),
        ("sh:property [ sh:path :knows ; sh:node [ sh:property [ sh:path :p ; sh:minCount 3 ] ] ]", "acd"),
        ("sh:closed true ; sh:ignoredProperties (rdf:type :knows) ; sh:property [ sh:path :p ] ; sh:property [ sh:path :name ]", "bd"),
        ('sh:sparql [ sh:select "SELECT $this WHERE { $this <http://example.org/q> ?q }" ]', "bd"),
        ("sh:nodeKind sh:BlankNode", ""),
        ("sh:deactivated true ; sh:class :Rare", "abcd"),
    ],
)
def test_a_condition_lets_through_the_nodes_that_conform(condition, found):
    assert marked(THINGS, condition) == set(found)


def test_a_condition_on_what_the_rules_conclude_takes_part_in_the_recursion():
    shapes = f"""
    :S sh:targetSubjectsOf :next ; sh:rule [ a sh:TripleRule ; sh:condition [ sh:property [ sh:path :next ; sh:qualifiedValueShape [ sh:property [ sh:path :is ;
       sh:hasValue :marked ] ] ; sh:qualifiedMinCount 1 ] ] ; {MARK} ] .
    """
    assert concluded(":a :next :b . :b :next :c . :c :next :d . :d :is :marked .", shapes) == {f"{n} is marked" for n in "abc"}


def test_alternatives_of_a_condition_and_of_subclasses_take_part_in_the_recursion():
    shapes = """
    :S sh:targetClass :Thing ; sh:rule [ a sh:TripleRule ; sh:condition [ sh:or ( [ sh:class :Good ] [ sh:property [ sh:path :next ; sh:class :Good ] ;
       sh:property [ sh:path :next ; sh:minCount 1 ; sh:qualifiedValueShape [ sh:class :Good ] ; sh:qualifiedMinCount 1 ] ] [ sh:property [ sh:path :is ; sh:hasValue :marked ] ] ) ] ;
       sh:subject sh:this ; sh:predicate rdf:type ; sh:object :Kept ] .
    :T sh:targetClass :Kept ; sh:rule [ a sh:TripleRule ; sh:subject [ sh:path [ sh:inversePath :next ] ] ; sh:predicate :is ; sh:object :marked ] .
    """
    data = ":Sub rdfs:subClassOf :Thing . :a a :Sub ; :next :b . :b a :Thing ; :next :c . :c a :Sub, :Good . :d a :Sub ."
    assert {t for t in concluded(data, shapes) if "Kept" in t} == {f"{n} 22-rdf-syntax-ns#type Kept" for n in "abc"}


def test_negation_waits_until_what_it_denies_is_complete_whatever_the_order():
    shapes = f"""
    :S sh:targetClass :Thing ;
       sh:rule [ a sh:TripleRule ; sh:order 0 ; sh:condition [ sh:property [ sh:path :warm ; sh:maxCount 0 ] ] ; {MARK} ] ;
       sh:rule [ a sh:TripleRule ; sh:order 1 ; sh:subject [ sh:path :knows ] ; sh:predicate :warm ; sh:object true ] .
    """
    assert {found for found in concluded(THINGS, shapes) if "marked" in found} == {"d is marked"}


def test_rules_that_undo_each_other_run_in_their_order_and_nothing_is_taken_back():
    shapes = """
    :S sh:targetClass :Thing ;
       sh:rule [ a sh:TripleRule ; sh:order 2 ; sh:condition [ sh:property [ sh:path :left ; sh:maxCount 0 ] ] ;
                 sh:subject sh:this ; sh:predicate :right ; sh:object true ] ;
       sh:rule [ a sh:TripleRule ; sh:order 1 ; sh:condition [ sh:property [ sh:path :right ; sh:maxCount 0 ] ] ;
                 sh:subject sh:this ; sh:predicate :left ; sh:object true ] .
    """
    assert concluded(":x a :Thing .", shapes) == {"x left true"}
    swapped = shapes.replace("sh:order 2", "sh:order 0")
    assert concluded(":x a :Thing .", swapped) == {"x right true"}


# ── Node expressions and functions ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("sh:this", {"a"}),
        ("[ sh:path :knows ]", {"b", "c"}),
        ("[ sh:path :knows ; sh:nodes [ sh:path :knows ] ]", {"a", "d"}),
        ("[ sh:nodes [ sh:path :knows ] ; sh:filterShape [ sh:class :Rare ] ]", {"c"}),
        ("[ sh:filterShape [ sh:property [ sh:path :knows ; sh:minCount 3 ] ] ]", set()),
        ("[ sh:union ( [ sh:path :knows ] [ sh:path :likes ] :e ) ]", {"b", "c", "e"}),
        ("[ sh:intersection ( [ sh:path :knows ] [ sh:path :likes ] ) ]", {"c"}),
        ("[ sh:intersection ( [ sh:path :knows ] :b ) ]", {"b"}),
        ("[ :friendOf ( [ sh:path :likes ] ) ]", {"d"}),
        ('[ :named ( sh:this "-x" ) ]', {"a-x"}),
        ("[ xsd:string ( [ sh:path :age ] ) ]", {"7"}),
    ],
)
def test_a_node_expression_gives_its_nodes(expression, found):
    shapes = f"""
    :S sh:targetNode :a ; sh:rule [ a sh:TripleRule ; sh:subject sh:this ; sh:predicate :gets ; sh:object {expression} ] .
    :friendOf a sh:SPARQLFunction ; sh:parameter [ sh:path :who ] ; sh:select "SELECT ?x WHERE {{ $who <http://example.org/knows> ?x }}" .
    :named a sh:SPARQLFunction ; sh:parameter [ sh:path :second ; sh:order 1 ], [ sh:path :first ; sh:order 0 ] ;
      sh:select "SELECT (IRI(CONCAT(STR($first), $second)) AS ?r) WHERE {{ }}" .
    """
    data = ":a :knows :b, :c ; :likes :c ; :age 7 . :b :knows :a . :c a :Rare ; :knows :d ."
    assert {triple.split()[2] for triple in concluded(data, shapes)} == found


def test_a_sparql_rule_takes_prefixes_functions_and_optional_parts():
    shapes = """
    :o a <http://www.w3.org/2002/07/owl#Ontology> ; sh:declare [ sh:prefix "e" ; sh:namespace "http://example.org/"^^xsd:anyURI ] .
    :double a sh:SPARQLFunction ; sh:parameter [ sh:path :n ] ; sh:select "SELECT ($n + $n AS ?r) WHERE {}" .
    :S sh:targetClass :Thing ; sh:rule [ a sh:SPARQLRule ; sh:prefixes :o ; sh:construct '''
      CONSTRUCT { $this e:seen true . $this e:twice ?d } WHERE { $this a e:Thing . OPTIONAL { $this e:q ?q . BIND(e:double(?q) AS ?d) } }''' ] .
    """
    found = concluded(":x a :Thing ; :q 4 . :y a :Thing .", shapes)
    assert found == {"x seen true", "y seen true", "x twice 8"}


def test_this_is_the_focus_node_in_every_group_of_a_sparql_rule():
    shapes = """
    :S sh:targetClass :Thing ; sh:rule [ a sh:SPARQLRule ; sh:construct '''
      PREFIX : <http://example.org/>
      CONSTRUCT { $this :others ?n } WHERE {
        { SELECT $this (COUNT(?o) AS ?n) WHERE { ?o a :Thing FILTER(?o != $this) } GROUP BY $this } }''' ] .
    """
    assert concluded(":x a :Thing . :y a :Thing . :z a :Thing .", shapes) == {"x others 2", "y others 2", "z others 2"}


def test_a_rule_has_its_name_its_place_its_text_and_its_sentence():
    shapes = """
:S sh:targetClass :Thing ;
  sh:rule :named ;
  sh:rule [ a sh:TripleRule ;
    rdfs:comment "{{this}} is marked"@en ;
    {} ] .
:named a sh:TripleRule ; {} .
""".format(MARK, MARK.replace(":marked", ":named"))
    program = shacl_program(ShapesDocument.read([(PREFIXES + shapes).encode()]), "rules.ttl")
    named, anonymous = program.rules
    assert (named.name, anonymous.name) == (":named", ":S-rule-2")
    assert anonymous.says == (("en", "{this} is marked"),)
    assert str(anonymous.location).endswith("<shapes>:10:11")
    assert anonymous.text.startswith("[ a sh:TripleRule ;\n") and anonymous.text.endswith("]")
    assert named.text == f":named a sh:TripleRule ; {MARK.replace(':marked', ':named')} ."


# ── pySHACL ──────────────────────────────────────────────────────────────────────────────────────────────────


def random_program(seed: int) -> tuple[str, str]:
    """Data and positive rules over properties :p0…:p3 and classes :C0…:C2, recursive more often than not."""
    dice = random.Random(seed)
    node = lambda: f":n{dice.randint(0, 5)}"  # noqa: E731
    property = lambda: f":p{dice.randint(0, 3)}"  # noqa: E731
    cls = lambda: f":C{dice.randint(0, 2)}"  # noqa: E731
    data = [f"{node()} {property()} {node()} ." for _ in range(8)] + [f"{node()} a {cls()} ." for _ in range(4)]
    data += [":C0 rdfs:subClassOf :C1 ."] * dice.randint(0, 1)
    data += [f"{node()} :given {node()} ." for _ in range(3)]  # that no rule concludes, and so may be denied

    def expression(depth: int = 0) -> str:
        path = dice.choice([property(), f"[ sh:inversePath {property()} ]", f"( {property()} {property()} )"])
        forms = ["sh:this", f"[ sh:path {path} ]", f"[ sh:path {path} ]"]
        if depth < 1:  # sh:filterShape is left out: pySHACL 0.40 fails on it
            forms += [f"[ sh:union ( {expression(1)} {expression(1)} ) ]", f"[ sh:intersection ( {expression(1)} {expression(1)} ) ]"]
        return dice.choice(forms)

    def condition() -> str:
        forms = [f"sh:class {cls()}", f"sh:property [ sh:path {property()} ; sh:minCount {dice.randint(1, 2)} ]"]
        forms += [f"sh:property [ sh:path {property()} ; sh:hasValue {node()} ]"]
        forms += ["sh:property [ sh:path :given ; sh:maxCount 0 ]", f"sh:not [ a sh:NodeShape ; sh:property [ sh:path :given ; sh:hasValue {node()} ] ]"]
        forms += [f"sh:property [ sh:path :given ; sh:in ( {node()} {node()} {node()} ) ]", "sh:property [ sh:path :given ; sh:minCount 1 ; sh:nodeKind sh:IRI ]"]
        forms += [f"sh:or ( [ a sh:NodeShape ; sh:class {cls()} ] [ a sh:NodeShape ; sh:property [ sh:path {property()} ; sh:minCount 1 ] ] )"]
        return f"sh:condition [ a sh:NodeShape ; {dice.choice(forms)} ] ; " if dice.random() < 0.5 else ""

    shapes = []
    for i in range(dice.randint(1, 4)):
        target = dice.choice([f"sh:targetClass {cls()}", f"sh:targetSubjectsOf {property()}", f"sh:targetObjectsOf {property()}", f"sh:targetNode {node()}"])
        if dice.random() < 0.3:
            text = f"CONSTRUCT {{ ?o {property()} $this }} WHERE {{ $this {property()} ?o }}"
            rule = f"a sh:SPARQLRule ; {condition()}sh:prefixes :o ; sh:construct '{text}'"
        else:
            head = f"sh:predicate rdf:type ; sh:object {cls()}" if dice.random() < 0.3 else f"sh:predicate {property()} ; sh:object {expression()}"
            rule = f"a sh:TripleRule ; {condition()}sh:subject {expression()} ; {head}"
        shapes.append(f":S{i} a sh:NodeShape ; {target} ; sh:rule [ {rule} ] .")
    declared = ':o a <http://www.w3.org/2002/07/owl#Ontology> ; sh:declare [ sh:prefix "" ; sh:namespace "http://example.org/"^^xsd:anyURI ] .'
    return "\n".join(data), "\n".join([declared, *shapes])


def by_pyshacl(data: str, shapes: str) -> set[str]:
    """The triples that pySHACL adds; shapes are gone through again until nothing changes, as pySHACL does within one shape only."""
    pyshacl, rdflib = pytest.importorskip("pyshacl"), pytest.importorskip("rdflib")
    graph = rdflib.Graph().parse(data=PREFIXES + data, format="turtle")
    rules = rdflib.Graph().parse(data=PREFIXES + shapes, format="turtle")
    before = set(graph)
    while True:
        size = len(graph)
        pyshacl.shacl_rules(graph, shacl_graph=rules, advanced=True, iterate_rules=True, inplace=True)
        if len(graph) == size:
            return {" ".join(str(part).rsplit("/", 1)[-1] for part in triple) for triple in set(graph) - before}


@pytest.mark.parametrize("seed", range(300 if os.environ.get("KG_LONG") else 25))
def test_random_rules_conclude_what_pyshacl_concludes(seed):
    data, shapes = random_program(seed)
    assert concluded(data, shapes) == by_pyshacl(data, shapes), f"{data}\n{shapes}"


def test_shapes_are_read_in_every_syntax():
    turtle = PREFIXES + f":S sh:targetClass :Thing ; sh:rule [ a sh:TripleRule ; {MARK} ] ."
    from pyoxigraph import parse, serialize

    for format, name in ((RdfFormat.RDF_XML, "xml"), (RdfFormat.N_TRIPLES, "nt"), (RdfFormat.JSON_LD, "jsonld")):
        quads = [quad.triple for quad in parse(turtle.encode(), format=RdfFormat.TURTLE)]
        document = ShapesDocument.read([serialize(quads, format=format)], format=name)
        (rule,) = shacl_program(document, f"rules.{name}").rules
        assert rule.iri.value == "http://example.org/S-rule-1"
