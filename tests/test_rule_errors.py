"""Wrong rule programs of every kind: the code, the place, and words from which a person knows what to do."""

from __future__ import annotations

import pytest

from kg import KnowledgeGraph
from kg.errors import KgError
from kg.reasoner import infer_only
from kg.rules import load_rules
from kg.store import Store
from kg.store.documents import load
from tests.small_project import write

SPARQL_RL = "PREFIX : <http://example.org/>\n"
SWRL = "PREFIX : <http://example.org/>\n"
RDF = (
    "@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix swrl: <http://www.w3.org/2003/11/swrl#> . "
    "@prefix swrlb: <http://www.w3.org/2003/11/swrlb#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n"
)
SUM = "{ SELECT ?x ?y (SUM(?v) AS ?t) WHERE { { ?s :h ?x } UNION { ?x :c ?z . ?s :h ?z } ?s :o ?y ; :v ?v } GROUP BY ?x ?y }"

# Rules, data, code, line:column, words of the message and of the help.
WRONG_SPARQL_RL = [
    ("RULE :r { ?x :p ?z } WHERE { ?x :q ?y }", "", "R201", "2:11", "uses ?z in its head, but its body never binds it", "bind ?z in the WHERE"),
    ("RULE :r { ?x :p ?y } WHERE { ?x :q ?y NOT { ?y :s ?z } FILTER(?z > 1) }", "", "R202", "2:56", "?z in a FILTER before anything binds it", "below"),
    ("RULE :r { ?x :p ?y } WHERE { SET(?y := ?k + 1) ?x :q ?k }", "", "R203", "2:30", "?k in a SET before anything binds it", "move the SET"),
    ("RULE :r { ?x :p ?y } WHERE { ?x :q ?y SET(?y := 3) }", "", "R205", "2:39", "sets ?y, which already has a value", "a variable of its own"),
    ("RULE :r { ?x ex:p ?y } WHERE { ?x :q ?y }", "", "R103", "2:14", "the prefix 'ex:' is not declared", "PREFIX ex: <…>"),
    ("RULE :r { ?x :p ?y } WHERE { ?x :q ?y ", "", "R100", "2:38", "found the end of the text", "line 2, column 28 is not closed"),
    ("RULE :r { ?x :p ?y } WHERE { OPTIONAL { ?x :q ?y } }", "", "R100", "2:30", "found 'OPTIONAL'", "OPTIONAL cannot stand here"),
    ("RULE :r { ?x :p ?y } WHERE { ?x :q* ?y }", "", "R108", "2:30", "only sequences (/) and inverses (^)", "by rules of its own"),
    ("IMPORTS <none.srl>", "", "R220", "", "none.srl: No such file", "beside the file that imports it"),
    ("RULE :r { ?x :p ?y } WHERE { ?x :q ?y NOT { ?x :s ?y } }\nRULE :t { ?x :s ?y } WHERE { ?x :p ?y }",
     "", "R204", "2:39", "depends on its own negation", "cycle: :r → :t → :r"),
    ("RULE :r { ?x :n _:b . _:b a :C } WHERE { ?x a :C }", "", "R206", "2:11", "makes a new blank node and depends on its own conclusions", "by an IRI"),
    (f"RULE :r {{ ?x :c ?y }} WHERE {{ {SUM.replace('SUM', 'AVG')} FILTER(?t > 50) }}", "", "R207", "2:32", "AVG can grow and shrink", "use SUM, COUNT, MAX or MIN"),
    (f"RULE :r {{ ?x :c ?y }} WHERE {{ {SUM} FILTER(?t < 50) }}", "", "R207", "2:32", "otherwise than by > or >=", "cycle: :r → :r"),
    (f"RULE :r {{ ?x :c ?t }} WHERE {{ {SUM} }}", "", "R207", "2:32", "a running total is no fact", "by a rule outside of the cycle"),
    (f"RULE :r {{ ?x :c ?y }} WHERE {{ {SUM} FILTER(?t > 50) }}", ":s :h :a ; :o :b ; :v -2 .", "R208", "2:32", "-2 is negative", "triple: :s :v -2"),
    (f"RULE :r {{ ?x :c ?y }} WHERE {{ {SUM} FILTER(?t > 50) }}", ':s :h :a ; :o :b ; :v "much" .', "R209", "2:32", "is no exact number", 'triple: :s :v "much"'),
    ("RULE :r { ?x :n ?m } WHERE { ?x :n ?k SET(?m := ?k + 1) }", ":a :n 1 .", "R210", "2:39", "still makes new values after 20 rounds", "bound ?m"),
]  # fmt: skip

TRIPLE = "a sh:TripleRule ; sh:subject sh:this ; sh:predicate :p ; sh:object"
WRONG_SHACL = [
    (f":S sh:rule [ {TRIPLE} :o ] .", "", "H120", "2:4", ":S has rules but no target", "sh:targetClass"),
    (":S sh:targetClass :C ; sh:rule [ sh:subject sh:this ] .", "", "H120", "2:32", "neither a sh:TripleRule nor a sh:SPARQLRule", "one of the two types"),
    (":S sh:targetClass :C ; sh:rule [ a sh:TripleRule ; sh:subject sh:this ; sh:object :o ] .", "", "H120", "2:32", "has no sh:predicate", "one sh:predicate"),
    (f":S sh:targetClass :C ; sh:rule [ {TRIPLE} :o, :p ] .", "", "H120", "2:32", "has 2 values of sh:object", "one sh:object"),
    (':S sh:targetClass :C ; sh:rule [ a sh:TripleRule ; sh:subject "x" ; sh:predicate :p ; sh:object :o ] .', "", "H120", "2:32", "the literal \"x\"", "an IRI or a blank"),
    (f":S sh:targetClass :C ; sh:rule [ sh:condition :None ; {TRIPLE} :o ] .", "", "H120", "2:32", "the condition :None, which is described nowhere", "mend its name"),
    (f":S sh:targetClass :C ; sh:rule [ sh:order \"first\" ; {TRIPLE} :o ] .", "", "H120", "2:", "sh:order", "write a number"),
    (f":S sh:targetClass :C ; sh:rule [ {TRIPLE} [ :f ( sh:this ) ] ] .", "", "H120", "2:", "the sh:object of a rule of :S calls :f, which is declared nowhere", "sh:SPARQLFunction"),
    (f":S sh:targetClass :C ; sh:rule [ {TRIPLE} [ :f ( sh:this 3 ) ] ] .\n:f a sh:SPARQLFunction ; sh:parameter [ sh:path :x ] ; "
     "sh:select 'SELECT (STR($x) AS ?r) WHERE {}' .", "", "H121", "2:", ":f is called with 2 arguments and takes 1", "one argument for each sh:parameter"),
    (f":S sh:targetClass :C ; sh:rule [ {TRIPLE} [ sh:union [ rdf:first :a ] ] ] .", "", "H105", "2:", "the value of sh:union is not a list", "round brackets"),
    (f":S sh:targetClass :C ; sh:rule [ {TRIPLE} [ sh:count [ sh:path :q ] ] ] .", "", "H120", "2:", "uses sh:count, which is not read here", "sh:SPARQLRule"),
    (":S sh:targetClass :C ; sh:rule [ a sh:SPARQLRule ; sh:construct '''CONSTRUCT { $this :p ?y }\n WHERE { $this ex:q ?y }''' ] .",
     "", "H108", "3:16", "the prefix 'ex:' is not declared", "sh:declare"),
    (":S sh:targetClass :C ; sh:rule [ a sh:SPARQLRule ; sh:construct 'CONSTRUCT { $this :p ?z } WHERE { $this :q ?y }' ] .",
     "", "H120", "2:32", "uses ?z in its CONSTRUCT, but its WHERE never binds it", "bind ?z in the WHERE"),
    (":S sh:targetClass :C ; sh:rule [ a sh:SPARQLRule ; sh:construct 'ASK { $this :q ?y }' ] .", "", "H108", "2:", "is no CONSTRUCT", "write CONSTRUCT"),
    (":S sh:targetClass :C ; sh:rule [ a sh:SPARQLRule ; sh:construct 'CONSTRUCT { $this :n _:b . _:b a :C } WHERE { $this a :C }' ] .",
     "", "R206", "2:32", ":S-rule-1 makes a new blank node and depends on its own conclusions", "cycle: :S-rule-1 → :S-rule-1"),
    (":S sh:targetSubjectsOf :n ; sh:rule [ a sh:SPARQLRule ; sh:construct 'CONSTRUCT { $this :n ?m } WHERE { $this :n ?k BIND(?k + 1 AS ?m) }' ] .",
     ":a :n 1 .", "R210", "2:37", "still makes new values after 20 rounds", "bound ?m"),
    (f":S sh:targetClass :C ; sh:deactivated 3 ; sh:rule [ {TRIPLE} :o ] .", "", "H103", "2:", "sh:deactivated of :S must be true or false", ""),
]  # fmt: skip

WRONG_SWRL = [
    ("q(?x, ?y) -> p(?x, ?z)", "", "R251", "2:14", "rule-1 uses ?z in its head, but no atom of its body binds it", "before the ->"),
    ("RULE :r { q(?x, ?y) ^ swrlb:greaterThan(?z, 3) -> p(?x, ?y) }", "", "R252", "2:23", ":r uses ?z in swrlb:greaterThan, but nothing binds it", "bind ?z"),
    ("q(?x, ?y) ^ swrlb:add(?z, ?k, 1) -> p(?x, ?z)", "", "R252", "2:13", "uses ?k in swrlb:add", "computes its first argument from the others"),
    ("q(?x, ?y) -> ex:p(?x, ?y)", "", "R103", "2:14", "the prefix ex: is not declared", "PREFIX ex: <…>"),
    ("q(?x, ?y) ^ swrlb:subtact(?z, ?y, 1) -> p(?x, ?z)", "", "R253", "2:13", "unknown built-in swrlb:subtact", "did you mean subtract"),
    ("q(?x, ?y) ^ sqwrl:select(?x) -> p(?x, ?y)", "", "R103", "2:13", "sqwrl:", "write them in SPARQL"),
    ("q(?x, ?y) ^ swrlb:subtract(?z, ?y) -> p(?x, ?z)", "", "R254", "2:13", "gives swrlb:subtract 2 arguments; it takes 3", "the first argument is the result"),
    ("q(?x, ?y, ?z) -> p(?x, ?z)", "", "R254", "2:1", "q has 3 arguments; a class takes one, a property two", "swrlb:"),
    ("(not C)(?x) ^ q(?x, ?y) -> p(?x, ?y)", "", "R255", "2:1", "(not :C)", "use NOT in a SPARQL-RL rule"),
    ("C(?x) -> (q some C)(?x)", "", "R255", "2:10", "(:q some :C)", "conclude a named class"),
    ("C(?x) ^ swrlb:listConcat(?z, ?x, ?x) -> p(?x, ?z)", "", "R255", "2:9", "swrlb:listConcat, which makes a new list", "swrlb:member"),
    ("C(?x) -> ", "", "R255", "2:1", "concludes nothing", "write that as a shape"),
    ("C(?x) -> swrlb:add(?x, 3, 4)", "", "R255", "2:10", "swrlb:add in its head", "before the ->"),
    ("C(?x) -> p(3, ?x)", "", "R258", "2:10", "the literal 3 as of an individual", "literals can only be values"),
    ("C(?x) -> 'is a'(?x, 3)", "", "R250", "2:10", "'is a' is a label", "the prefixed name or the <IRI>"),
    ("C(?x) => D(?x)", "", "R250", "2:7", "found '=> D(?x)'", "write -> between body and head"),
    ("C(?x) ^ D(?x", "", "R250", "2:13", "found the end of the text", "name(argument, …)"),
    ("n(?x, ?k) ^ swrlb:add(?m, ?k, 1) -> n(?x, ?m)", ":a :n 1 .", "R210", "2:13", "still makes new values after 20 rounds", "swrlb:lessThan"),
]  # fmt: skip

HEAD = "swrl:head ( [ a swrl:ClassAtom ; swrl:classPredicate :C ; swrl:argument1 _:x ] )"
WRONG_SWRL_RDF = [
    (f":i a swrl:Imp ; swrl:body [ rdf:first [ a swrl:ClassAtom ] ] ; {HEAD} .", "", "R256", "2:1", "is no list: it has a cell with 1 rdf:first and 0 rdf:rest", "rdf:nil"),
    (f"_:l rdf:first [ a swrl:ClassAtom ] ; rdf:rest _:l . :i a swrl:Imp ; swrl:body _:l ; {HEAD} .", "", "R256", "2:", "goes round in a circle", "rdf:nil"),
    (f":i a swrl:Imp ; swrl:body ( [ swrl:classPredicate :C ] ) ; {HEAD} .", "", "R256", "2:1", "an atom of the rule :i has no type", "swrl:ClassAtom"),
    (f":i a swrl:Imp ; swrl:body ( [ a swrl:ClassAtom ; swrl:classPredicate :C ] ) ; {HEAD} .", "", "R256", "2:1", "has no swrl:argument1", "give it one"),
    (":i a swrl:Imp ; swrl:body () .", "", "R256", "2:1", "has no swrl:head", "one list of atoms"),
    (f":i a swrl:Imp ; swrl:body ( [ a swrl:BuiltinAtom ; swrl:builtin swrlb:ad ; swrl:arguments ( _:x 1 ) ] ) ; {HEAD} .", "", "R253", "2:1", "unknown built-in swrlb:ad", "add?"),
    (f":i a swrl:Imp ; swrl:body ( [ a swrl:ClassAtom ; swrl:argument1 _:x ; swrl:classPredicate [ <http://www.w3.org/2002/07/owl#unionof> () ] ] ) ; {HEAD} .",
     "", "R256", "2:1", "a class expression that cannot be read (unionof)", "did you mean unionOf or oneOf?"),
]  # fmt: skip

CASES = [
    *[("rules.srl", SPARQL_RL, *case) for case in WRONG_SPARQL_RL],
    *[("rules.ttl", RDF, *case) for case in WRONG_SHACL],
    *[("rules.swrl", SWRL, *case) for case in WRONG_SWRL],
    *[("rules.ttl", RDF, *case) for case in WRONG_SWRL_RDF],
]


@pytest.mark.parametrize(("file", "prefixes", "rules", "data", "code", "place", "message", "help"), CASES, ids=lambda value: value[:60] if isinstance(value, str) else "")
def test_a_wrong_program_is_refused_in_words_to_act_on(tmp_path, file, prefixes, rules, data, code, place, message, help):
    path = tmp_path / file
    path.write_text(prefixes + rules, encoding="utf-8")
    with pytest.raises(KgError) as caught, Store.memory() as store:
        load(store, ("@prefix : <http://example.org/> . " + data).encode(), format="turtle")
        infer_only(store, load_rules([path]), new_value_rounds=20)
    error = caught.value
    assert error.code == code, str(error)
    assert f"{path}{':' + place if place else ''}" in str(error), str(error)
    assert message in error.message, str(error)
    assert help in "\n".join([error.help or "", *error.notes]), str(error)


def test_a_rule_or_a_shape_that_is_deactivated_is_not_looked_at(tmp_path):
    path = tmp_path / "rules.ttl"
    path.write_text(RDF + ":S sh:deactivated true ; sh:rule [ a sh:Nothing ] . :T sh:targetClass :C ; sh:rule [ sh:deactivated true ] .")
    assert load_rules([path]).rules == ()


def test_a_value_that_a_recursive_sum_cannot_take_is_named_with_its_source_row(tmp_path):
    folder = write(tmp_path)
    (folder / "mappings/garden/sample/tree.csv").write_text("id,name,height,gardener\n1,oak,12.50,7\n2,pear,-4.00,7\n", encoding="utf-8")
    (folder / "rules/garden/sum.srl").write_text(
        "PREFIX g: <https://example.org/garden/ontology/>\nPREFIX rule: <https://example.org/garden/rule/>\n"
        "RULE rule:rich { ?who g:isRich ?who } WHERE { { SELECT ?who (SUM(?height) AS ?total) WHERE { "
        "{ ?tree g:isTendedBy ?who } UNION { ?who g:isRich ?other . ?tree g:isTendedBy ?other } ?tree g:hasHeight ?height } GROUP BY ?who } FILTER(?total > 5) }"
    )
    with KnowledgeGraph.open(folder) as graph, pytest.raises(KgError) as caught:
        graph.build()
    assert caught.value.code == "R208"
    assert "mappings/garden/sample/tree.csv, line 3: id=2, name=pear, height=-4.00, gardener=7" in str(caught.value)
