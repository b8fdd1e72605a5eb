"""OWL 2 RL and RDFS: what axioms become, what follows from them, what they cannot be."""

from __future__ import annotations

import warnings

import pytest
from pyoxigraph import BlankNode, NamedNode, Triple

from kg.errors import RuleError
from kg.explain import explain
from kg.reasoner import Derivations, infer, infer_only, owl, parse_program
from kg.store import Store, documents
from tests.random_ontologies import PREFIXES, ontology

_E, _OWL = "http://e/", "http://www.w3.org/2002/07/owl#"
_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


def _e(name: str) -> NamedNode:
    return NamedNode(_E + name)


def _shown(triples) -> set[str]:
    """Conclusions in short; those about blank nodes and owl:sameAs of a term with itself left out."""
    found = set()
    for t in triples:
        if isinstance(t.subject, BlankNode) or isinstance(t.object, BlankNode) or t.subject == t.object:
            continue
        parts = [str(term).strip("<>") for term in (t.subject, t.predicate, t.object)]
        names = [part.replace(_E, "").replace(_OWL, "owl:").replace(_TYPE.value, "a").replace("http://www.w3.org/2000/01/rdf-schema#", "rdfs:") for part in parts]
        found.add(" ".join(names))
    return found


def _entailed(text: str, regime: str = "owl-rl", complete: bool = False) -> set[str]:
    with Store.memory() as store:
        documents.load(store, (PREFIXES + text).encode(), format="ttl")
        return _shown(owl.entailed(store, regime, complete=complete)[0])


def _contradictions(text: str) -> set[str]:
    return {line.partition(" urn:x-guanxi:isInconsistentBy urn:x-guanxi:owl/")[2] for line in _entailed(text) if "isInconsistentBy" in line}


# ── What follows ─────────────────────────────────────────────────────────────────────────────────────────────

FOLLOWS = {
    "subclass": (":A rdfs:subClassOf :B . :x a :A .", "x a B"),
    "subproperty": (":p rdfs:subPropertyOf :q . :x :p :y .", "x q y"),
    "subproperty of an inverse": (":p rdfs:subPropertyOf [ owl:inverseOf :q ] . :x :p :y .", "y q x"),
    "domain": (":p rdfs:domain :A . :x :p :y .", "x a A"),
    "range": (":p rdfs:range :A . :x :p :y .", "y a A"),
    "equivalent class": (":A owl:equivalentClass :B . :x a :B .", "x a A"),
    "equivalent property": (":p owl:equivalentProperty :q . :x :q :y .", "x p y"),
    "inverse": (":p owl:inverseOf :q . :x :q :y .", "y p x"),
    "symmetric": (":p a owl:SymmetricProperty . :x :p :y .", "y p x"),
    "transitive": (":p a owl:TransitiveProperty . :x :p :y . :y :p :z . :z :p :w .", "x p w"),
    "chain of three": (":p owl:propertyChainAxiom ( :q [ owl:inverseOf :r ] :s ) . :x :q :y . :z :r :y . :z :s :w .", "x p w"),
    "functional": (":p a owl:FunctionalProperty . :x :p :y , :z . :y :q :w .", "z q w"),
    "inverse functional": (":p a owl:InverseFunctionalProperty . :x :p :z . :y :p :z . :x :q :w .", "y q w"),
    "key": (":A owl:hasKey ( :p :q ) . :x a :A ; :p 1 ; :q :k . :y a :A ; :p 1 ; :q :k . :x :r :w .", "y r w"),
    "intersection": (":A owl:intersectionOf ( :B :C ) . :x a :B , :C .", "x a A"),
    "part of an intersection": (":A owl:intersectionOf ( :B :C ) . :x a :A .", "x a C"),
    "union": (":A owl:unionOf ( :B :C ) . :x a :C .", "x a A"),
    "enumeration": (":A owl:oneOf ( :x :y ) .", "y a A"),
    "some": ("[ a owl:Restriction ; owl:onProperty :p ; owl:someValuesFrom :B ] rdfs:subClassOf :A . :x :p :y . :y a :B .", "x a A"),
    "some thing": ("[ a owl:Restriction ; owl:onProperty :p ; owl:someValuesFrom owl:Thing ] rdfs:subClassOf :A . :x :p :y .", "x a A"),
    "some number": ("[ a owl:Restriction ; owl:onProperty :p ; owl:someValuesFrom xsd:integer ] rdfs:subClassOf :A . :x :p 1 . :y :p 1.5 .", "x a A"),
    "only": (":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:allValuesFrom :B ] . :x a :A ; :p :y .", "y a B"),
    "value": (":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:hasValue :y ] . :x a :A .", "x p y"),
    "has the value": ("[ a owl:Restriction ; owl:onProperty :p ; owl:hasValue 7 ] rdfs:subClassOf :A . :x :p 7 .", "x a A"),
    "at most one": (':A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxCardinality 1 ] . :x a :A ; :p :y , :z . :y :q :w .', "z q w"),
    "exactly one": (':A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:cardinality 1 ] . :x a :A ; :p :y , :z . :y :q :w .', "z q w"),
    "at most one of a class": (
        ":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxQualifiedCardinality 1 ; owl:onClass :B ] . "
        ":x a :A ; :p :y , :z . :y a :B ; :q :w . :z a :B .", "z q w"),
    "what everything is": ("owl:Thing rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:allValuesFrom :B ] . :A a owl:Class . :x a :A ; :p :y .", "y a B"),
    "equal predicates": (":p owl:sameAs :q . :x :p :y .", "x q y"),
    "equal classes": (":A owl:sameAs :B . :B rdfs:subClassOf :C . :x a :A .", "x a C"),
    "superclass of a superclass": (":A rdfs:subClassOf :B . :B rdfs:subClassOf :C .", "A rdfs:subClassOf C"),
    "union in the schema": (":A owl:unionOf ( :B :C ) .", "B rdfs:subClassOf A"),
    "kind of property": (":Way rdfs:subClassOf owl:TransitiveProperty . :p a :Way . :x :p :y . :y :p :z .", "x p z"),
    "kind of axiom": (":under rdfs:subPropertyOf rdfs:subClassOf . :A :under :B . :x a :A .", "x a B"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "conclusion"), FOLLOWS.values(), ids=FOLLOWS)
def test_axioms_have_their_conclusions(text, conclusion):
    assert conclusion in _entailed(text)


CLASHES = {
    "disjoint classes": (":A owl:disjointWith :B . :x a :A , :B .", "cax-dw/A.B"),
    "all disjoint": ("[ a owl:AllDisjointClasses ; owl:members ( :A :B :C ) ] . :x a :A , :C .", "cax-adc/A.C"),
    "many disjoint": ("[ a owl:AllDisjointClasses ; owl:members ( :A :B :C :D :E :F :G ) ] . :x a :A , :G .", "cax-adc/A.B"),
    "complement": (":A owl:complementOf :B . :x a :A , :B .", "cls-com/A.B"),
    "nothing": (":x a owl:Nothing .", "cls-nothing2"),
    "irreflexive": (":p a owl:IrreflexiveProperty . :x :p :x .", "prp-irp/p"),
    "asymmetric": (":p a owl:AsymmetricProperty . :x :p :y . :y :p :x .", "prp-asyp/p"),
    "disjoint properties": (":p owl:propertyDisjointWith :q . :x :p :y ; :q :y .", "prp-pdw/p.q"),
    "all disjoint properties": ("[ a owl:AllDisjointProperties ; owl:members ( :p :q :r ) ] . :x :q :y ; :r :y .", "prp-adp/q.r"),
    "negative assertion": ("[ owl:sourceIndividual :x ; owl:assertionProperty :p ; owl:targetIndividual :y ] . :x :p :y .", "prp-npa1/x.p.y"),
    "negative value": ("[ owl:sourceIndividual :x ; owl:assertionProperty :p ; owl:targetValue 5 ] . :x :p 5 .", "prp-npa2/x.p"),
    "same and different": (":x owl:differentFrom :y . :x owl:sameAs :y .", "eq-diff1"),
    "all different": ("[ a owl:AllDifferent ; owl:distinctMembers ( :x :y :z ) ] . :x owl:sameAs :w . :z owl:sameAs :w .", "eq-diff3/x.z"),
    "many different": ("[ a owl:AllDifferent ; owl:members ( :x :y :z :a :b :c :d ) ] . :x owl:sameAs :d .", "eq-diff2"),
    "at most none": (":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxCardinality 0 ] . :x a :A ; :p :y .", "cls-maxc1/p-max-0.p"),
    "two values": (":p a owl:FunctionalProperty , owl:DatatypeProperty . :x :p 1 , 2 .", "prp-fp/p"),
    "wrong type": (":p rdfs:range xsd:integer . :x :p \"five\" .", "dt-not-type/p.integer"),
    "ill-typed": (":p rdfs:range xsd:integer . :x :p \"five\"^^xsd:integer .", "dt-not-type/p.integer"),
    "too great": (":p rdfs:range xsd:byte . :x :p 200 .", "dt-not-type/p.byte"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "rule"), CLASHES.values(), ids=CLASHES)
def test_contradictions_are_conclusions_that_name_their_rule(text, rule):
    assert rule in _contradictions(text)


@pytest.mark.parametrize(
    "text",
    [
        ":p a owl:FunctionalProperty , owl:DatatypeProperty . :x :p 1 , 1.0 .",
        ":p rdfs:range xsd:decimal . :x :p 5 .",
        ":p rdfs:range xsd:nonNegativeInteger . :x :p 0 .",
        ":p rdfs:range rdfs:Literal . :x :p 5 , \"five\"@en .",
        ":p rdfs:range :Unknown . :Unknown a rdfs:Datatype . :x :p 5 .",
        ":A owl:disjointWith :B . :x a :A . :y a :B .",
    ],
)
def test_what_may_hold_is_no_contradiction(text):
    assert _contradictions(text) == set()


def test_rdfs_has_its_own_rules_and_no_more():
    text = ":A rdfs:subClassOf :B . :p rdfs:domain :A ; a owl:TransitiveProperty . :x :p :y . :y :p :z ."
    assert _entailed(text, "rdfs") == {"x a A", "x a B", "y a A", "y a B"}


def test_what_holds_of_everything_is_left_out_unless_asked_for():
    text = ":A a owl:Class . :x a :A ."
    assert _entailed(text) == set()
    assert {"x a owl:Thing", "A rdfs:subClassOf owl:Thing"} <= _entailed(text, complete=True)


# ── Equality ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_equalities_that_follow_from_one_another_are_all_found():
    text = ":p a owl:FunctionalProperty . :x :p :a , :b . :a :p :c . :b :p :d . :d :q :e ."
    assert {"a owl:sameAs b", "c owl:sameAs d", "c q e"} <= _entailed(text)


@pytest.mark.parametrize("seed", range(8))
def test_representatives_give_what_the_rules_of_equality_give(seed):
    """The same program, once with eq-* evaluated as ordinary rules over all predicates."""
    with Store.memory() as store:
        documents.load(store, ontology(seed, axioms=8, facts=8).encode(), format="ttl")
        program = owl.compile_store(store)
        by_representatives = set(infer_only(store, program))
        plain = [rule if "/eq-" not in rule.iri.value else _unmarked(rule) for rule in program.rules]
        by_rules = set(infer_only(store, type(program)(tuple(plain))))
    assert by_representatives == by_rules


def _unmarked(rule):
    return type(rule)(**{**{f: getattr(rule, f) for f in rule.__dataclass_fields__}, "annotations": ()})


@pytest.mark.parametrize("seed", range(100, 104))
def test_every_conclusion_has_a_proof_from_what_is_stated(seed):
    with Store.memory() as store:
        documents.load(store, ontology(seed).encode(), format="ttl")
        program = owl.compile_store(store)
        infer(store, [("infer:owl", "http://g/owl", program)])
        derive = Derivations(store, [("infer:owl", "http://g/owl", program)])
        rows = store.connection.execute("SELECT s, p, o, round FROM quads WHERE rule IS NOT NULL").fetchall()
        terms = store.decode({term for row in rows for term in row[:3]})
        rounds = {Triple(*(terms[term] for term in row[:3])): row[3] for row in rows}
        for triple, number in rounds.items():
            grounds = derive(triple)
            assert grounds is not None
            assert all(rounds.get(premise, 0) < number for premise in grounds.premises), triple


def test_proof_of_a_triple_that_holds_by_equality_shows_the_equality_and_the_axiom():
    with Store.memory() as store:
        documents.load(store, (PREFIXES + ":p a owl:FunctionalProperty . :x :p :a , :b . :a :q :w .").encode(), format="ttl")
        program = owl.compile_store(store)
        infer(store, [("infer:owl", "http://g/owl", program)])
        proof = explain(store, _e("b"), _e("q"), _e("w"), derive=Derivations(store, [("infer:owl", "http://g/owl", program)]))
    assert [p.rule_name for p in proof.premises if p.rule_name] == ["axiom:prp-fp/p"]
    assert "what holds of <http://e/a> holds of <http://e/b>" in proof.text()
    assert "是同一个" in proof.text("zh")


def test_rules_with_not_see_the_triples_of_all_equal_terms():
    rules = parse_program("PREFIX : <http://e/> RULE :r { ?x a :Lonely } WHERE { ?x a :A NOT { ?x :likes ?y } }")
    text = ":x a :A ; owl:sameAs :y . :y :likes :z . :w a :A ."
    with Store.memory() as store:
        documents.load(store, (PREFIXES + text).encode(), format="ttl")
        found = _shown(owl.entailed(store, programs=[rules])[0])
    assert {line for line in found if "Lonely" in line} == {"w a Lonely"}


def test_equality_that_rests_on_a_not_is_refused():
    rules = parse_program("PREFIX : <http://e/> PREFIX owl: <http://www.w3.org/2002/07/owl#> RULE :r { ?x owl:sameAs :a } WHERE { ?x a :A NOT { ?x :likes ?y } }")
    with Store.memory() as store:
        documents.load(store, (PREFIXES + ":x a :A .").encode(), format="ttl")
        with pytest.raises(RuleError, match="equal after a NOT") as caught:
            owl.entailed(store, programs=[rules])
    assert caught.value.code == "R246"


# ── The same as owlrl ────────────────────────────────────────────────────────────────────────────────────────

# owlrl 7: its prp-key leaves out the last property of each key; it types datatypes that the profile does not list.
_ONLY_OWLRL = ("#HTML>", "XMLSchema#date>", "XMLSchema#time>")


@pytest.mark.parametrize("seed", range(200, 208))
def test_closure_is_that_of_owlrl(seed):
    owlrl, rdflib = pytest.importorskip("owlrl"), pytest.importorskip("rdflib")
    text = _named(ontology(seed, keys=False))
    graph = rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph.parse(data=text, format="turtle")
        before = set(graph)
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics, axiomatic_triples=False, datatype_axioms=False).expand(graph)
    errors = any("ErrorMessage" in str(t) for t in graph)
    theirs = {" ".join(term.n3() for term in t) for t in set(graph) - before if not isinstance(t[0], rdflib.Literal) and "daml.org" not in t[1]}
    theirs = {line for line in theirs if not line.split()[0].endswith(_ONLY_OWLRL)}
    with Store.memory() as store:
        documents.load(store, text.encode(), format="ttl")
        found = owl.entailed(store, complete=True)[0]
    ours = {" ".join(map(str, (t.subject, t.predicate, t.object))) for t in found if "x-guanxi" not in str(t)}
    assert ours == theirs
    assert errors == any(t.predicate == owl.INCONSISTENT for t in found)


def _named(text: str) -> str:
    """The same graph with IRIs for its blank nodes."""
    names: dict[str, int] = {}

    def shown(term) -> str:
        return f"<http://b/{names.setdefault(term.value, len(names))}>" if isinstance(term, BlankNode) else str(term)

    from pyoxigraph import RdfFormat, parse

    return "\n".join(f"{shown(q.subject)} {q.predicate} {shown(q.object)} ." for q in parse(text.encode(), format=RdfFormat.TURTLE))


# ── Axioms that mean nothing ─────────────────────────────────────────────────────────────────────────────────

WRONG = {
    "a list without an end": (":A owl:unionOf [ <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> :B ] .", "R240", 4),
    "no list at all": (":A owl:intersectionOf :B .", "R240", 4),
    "a restriction that demands nothing": (":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ] .", "R241", 4),
    "a restriction on nothing": (":A rdfs:subClassOf [ a owl:Restriction ; owl:someValuesFrom :B ] .", "R241", 4),
    "a qualified number of what": (":A rdfs:subClassOf [ owl:onProperty :p ; owl:maxQualifiedCardinality 1 ] .", "R241", 4),
    "a literal for a class": (':A rdfs:subClassOf "B" .', "R242", 4),
    "a literal for a property": (':p rdfs:subPropertyOf "q" .', "R242", 4),
    "a literal among classes": (':A owl:unionOf ( :B "C" ) .', "R242", 4),
    "a class for a property": (":A rdfs:subClassOf [ owl:onProperty [ owl:unionOf ( :B :C ) ] ; owl:someValuesFrom :B ] .", "R243", 4),
    "a number that is none": (':A rdfs:subClassOf [ owl:onProperty :p ; owl:maxCardinality "few" ] .', "R244", 4),
    "an empty key": (":A owl:hasKey ( ) .", "R244", 4),
}


@pytest.mark.parametrize(("axiom", "code", "line"), WRONG.values(), ids=WRONG)
def test_wrong_axioms_name_file_line_and_remedy(axiom, code, line, tmp_path):
    file = tmp_path / "garden.ttl"
    file.write_text(PREFIXES + "# garden\n" + axiom + "\n")
    with Store.memory() as store:
        documents.load(store, file)
        with pytest.raises(RuleError) as caught:
            owl.compile_store(store, files=[file])
    assert caught.value.code == code
    assert (caught.value.location.file, caught.value.location.line) == (str(file), line)
    assert caught.value.help


def test_an_unknown_regime_is_refused_with_a_hint():
    with Store.memory() as store, pytest.raises(RuleError, match="no entailment regime owl-lr") as caught:
        owl.compile_store(store, "owl-lr")
    assert "owl-rl" in caught.value.help


def test_rules_carry_the_place_and_the_words_of_their_axiom(tmp_path):
    file = tmp_path / "trees.ttl"
    file.write_text(PREFIXES + ':Oak rdfs:label "oak"@en , "橡树"@zh .\n:Tree rdfs:label "tree"@en .\n:Oak\n    rdfs:subClassOf :Tree .\n')
    with Store.memory() as store:
        documents.load(store, file)
        program = owl.compile_store(store, base="http://e/", files=[file])
    rule = next(rule for rule in program.rules if "cax-sco" in rule.iri.value)
    assert rule.iri.value == "http://e/owl/cax-sco/Oak.Tree"
    assert rule.location.line == 6
    assert dict(rule.says) == {"en": "{x} belongs to tree, since it belongs to oak", "zh": "{x} 属于 Tree，因其属于 橡树"}
    assert ":Oak rdfs:subClassOf :Tree" in rule.text
