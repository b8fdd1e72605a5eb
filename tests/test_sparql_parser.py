"""Text to algebra: the shapes of section 18, the scope rules, the errors people read, the limits."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from kg.errors import QuerySyntaxError, RuleError
from kg.sparql.algebra import (
    BGP,
    Aggregate,
    Alternative,
    Ask,
    Call,
    Construct,
    Dataset,
    DeleteData,
    Distinct,
    Exists,
    Extend,
    Filter,
    FilterElement,
    FunctionCall,
    Graph,
    GraphOperation,
    GraphTarget,
    Group,
    InsertData,
    Inverse,
    Join,
    LeftJoin,
    Link,
    Minus,
    Modify,
    NegatedSet,
    Not,
    OneOrMore,
    OrderBy,
    PathPattern,
    Project,
    QuadPattern,
    Select,
    Sequence,
    Service,
    SetElement,
    Slice,
    SubSelectElement,
    TriplePattern,
    TripleTerm,
    Union,
    Values,
    Var,
    ZeroOrMore,
)
from kg.sparql.iri_reference import resolve
from kg.sparql.parser import parse_header, parse_query, parse_rules, parse_update

E = "http://example.org/"
EX = {"": E, "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "xsd": "http://www.w3.org/2001/XMLSchema#"}
p, q, r, s, o, g = (NamedNode(E + name) for name in "pqrsog")
X, Y, Z, A, B = (Var(name) for name in "xyzab")
RDF = EX["rdf"]
XSD = EX["xsd"]
ONE, TWO = Literal(1), Literal(2)


def query(text):
    return parse_query(text, prefixes=EX)


def pattern(group):
    """The algebra of a group graph pattern."""
    return query(f"ASK {group}").pattern


def expression(text):
    return pattern(f"{{ FILTER({text}) }}").condition


def bgp(*triples):
    return BGP(tuple(TriplePattern(*triple) for triple in triples))


def refusal(text, parse=parse_query):
    with pytest.raises((QuerySyntaxError, RuleError)) as caught:
        parse(text, prefixes=EX)
    return caught.value


# ── Groups ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_group_is_the_unit() -> None:
    assert pattern("{}") == BGP(())


def test_a_filter_between_triples_does_not_split_the_basic_graph_pattern() -> None:
    expected = Filter(Call("<", (X, ONE)), bgp((X, p, Y), (Y, q, Z)))
    assert pattern("{ ?x :p ?y FILTER(?x < 1) ?y :q ?z }") == expected


def test_filters_of_an_optional_group_become_the_condition_of_its_left_join() -> None:
    expected = LeftJoin(bgp((X, p, Y)), bgp((X, q, Z)), Call("&&", (Call("<", (Y, Z)), Call(">", (Z, ONE)))))
    assert pattern("{ ?x :p ?y OPTIONAL { ?x :q ?z FILTER(?y < ?z) FILTER(?z > 1) } }") == expected


def test_filters_one_brace_deeper_stay_filters_of_their_own_group() -> None:
    expected = LeftJoin(bgp((X, p, Y)), Filter(Call("<", (Y, Z)), bgp((X, q, Z))), None)
    assert pattern("{ ?x :p ?y OPTIONAL { { ?x :q ?z FILTER(?y < ?z) } } }") == expected


def test_bind_ends_the_basic_graph_pattern() -> None:
    expected = Join(Extend(bgp((X, p, Y)), Z, Y), bgp((Z, q, X)))
    assert pattern("{ ?x :p ?y BIND(?y AS ?z) ?z :q ?x }") == expected


def test_optional_first_in_a_group_joins_to_the_unit() -> None:
    assert pattern("{ OPTIONAL { ?x :p ?y } }") == LeftJoin(BGP(()), bgp((X, p, Y)), None)


def test_minus_union_and_graph_keep_their_order() -> None:
    left = Join(bgp((X, p, Y)), Union(bgp((X, q, Y)), bgp((X, r, Y))))
    expected = Join(Minus(left, bgp((X, p, ONE))), Graph(Z, bgp((X, p, Y))))
    text = "{ ?x :p ?y { ?x :q ?y } UNION { ?x :r ?y } MINUS { ?x :p 1 } GRAPH ?z { ?x :p ?y } }"
    assert pattern(text) == expected


def test_exists_holds_the_algebra_of_its_group() -> None:
    assert expression("NOT EXISTS { ?x :p ?y }") == Exists(bgp((X, p, Y)), negated=True)


def test_values_rows_keep_undef() -> None:
    assert pattern("{ VALUES (?x ?y) { (1 UNDEF) (:p 2) } }") == Values((X, Y), ((ONE, None), (p, TWO)))


def test_service_keeps_its_text_and_the_prefixes_to_send_along() -> None:
    found = query('PREFIX e: <http://e/> ASK { SERVICE SILENT :s # {\n { ?x e:p "}" { ?x ?y ?z } } }').pattern
    assert isinstance(found, Service)
    assert (found.endpoint, found.silent, found.text) == (s, True, '{ ?x e:p "}" { ?x ?y ?z } }')
    assert ("e", "http://e/") in found.prefixes


# ── Triples and paths ────────────────────────────────────────────────────────────────────────────────────────


def test_lists_and_brackets_become_triples_of_anonymous_variables() -> None:
    (first, *rest) = pattern("{ ?x :p (1 [ :q 2 ]) }").triples
    cell = first.object
    assert first == TriplePattern(X, p, cell)
    assert cell.is_anonymous
    by_subject = {(triple.subject, triple.predicate): triple.object for triple in rest}
    assert by_subject[cell, NamedNode(RDF + "first")] == ONE
    second = by_subject[cell, NamedNode(RDF + "rest")]
    bracket = by_subject[second, NamedNode(RDF + "first")]
    assert by_subject[bracket, q] == TWO
    assert by_subject[second, NamedNode(RDF + "rest")] == NamedNode(RDF + "nil")


def test_sequences_and_inverses_of_fixed_length_become_triples() -> None:
    first, second, third = pattern("{ ?x :p/^:q/:r ?y }").triples
    assert first == TriplePattern(X, p, first.object)
    assert second == TriplePattern(second.subject, q, first.object)
    assert third == TriplePattern(second.subject, r, Y)


def test_paths_without_fixed_length_stay_paths() -> None:
    (found,) = pattern("{ ?x (:p/:q)* ?y }").triples
    assert found == PathPattern(X, ZeroOrMore(Sequence(Link(p), Link(q))), Y)
    (found,) = pattern("{ ?x :p|^:q+ ?y }").triples
    assert found == PathPattern(X, Alternative(Link(p), Inverse(OneOrMore(Link(q)))), Y)
    (found,) = pattern("{ ?x !(:p|^:q|a) ?y }").triples
    assert found == PathPattern(X, NegatedSet((p, NamedNode(RDF + "type")), (q,)), Y)


def test_annotations_and_reified_triples_become_rdf_reifies() -> None:
    reifies = NamedNode(RDF + "reifies")
    first, second, third = pattern("{ ?x :p 1 ~ ?y {| :q 2 |} }").triples
    term = TripleTerm(X, p, ONE)
    expected = (TriplePattern(X, p, ONE), TriplePattern(Y, reifies, term), TriplePattern(Y, q, TWO))
    assert (first, second, third) == expected
    reifying, told = pattern("{ << ?x :p 1 >> :q 2 }").triples
    assert (reifying.predicate, reifying.object) == (reifies, term)
    assert told == TriplePattern(reifying.subject, q, TWO)


def test_triple_patterns_know_where_they_were_written() -> None:
    first, second = query("ASK {\n  ?x :p 1 ;\n     :q 2 }").pattern.triples
    assert (first.position, second.position) == ((2, 3), (3, 6))


# ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "datatype"), [("1", "integer"), ("-01", "integer"), ("1.50", "decimal"), (".5e-3", "double")]
)
def test_numbers_keep_their_lexical_form(text, datatype) -> None:
    assert expression(f"?x = {text}").args[1] == Literal(text, datatype=NamedNode(XSD + datatype))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\n\"b\""', 'a\n"b"'),
        (r"'\u00e9\U0001F600'", "é😀"),
        (r'"\u0022 FILTER"', '" FILTER'),
        (r'"\\u0041"', r"\u0041"),
        ('"""a"b""c\n"""', 'a"b""c\n'),
        ("'''it''s'''", "it''s"),
        ('"# no comment"', "# no comment"),
    ],
)
def test_strings_are_unescaped(text, value) -> None:
    assert expression(f"?x = {text}").args[1] == Literal(value)


def test_names_are_unescaped_and_iris_resolved_against_the_base() -> None:
    text = r"BASE <http://e.org/a/b> PREFIX x: <c#> ASK { <../d> x:e\~f <> . x:%41\u00e9 x:h.i :j. }"
    found = parse_query(text, base="http://other.org/", prefixes={"": E})
    terms = [term for triple in found.pattern.triples for term in (triple.subject, triple.predicate, triple.object)]
    assert [term.value for term in terms] == [
        "http://e.org/d",
        "http://e.org/a/c#e~f",
        "http://e.org/a/b",
        "http://e.org/a/c#%41é",
        "http://e.org/a/c#h.i",
        "http://example.org/j",
    ]


# ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────────


def test_operators_bind_as_the_grammar_says() -> None:
    expected = Call("||", (A, Call("&&", (B, Call("=", (Call("+", (X, Call("*", (Y, TWO)))), ONE))))))
    assert expression("?a || ?b && ?x + ?y * 2 = 1") == expected


def test_a_sign_directly_before_a_number_still_subtracts() -> None:
    assert expression("?x -1 = ?y").args[0] == Call("-", (X, ONE))
    assert expression("?x -2*?y = 1").args[0] == Call("-", (X, Call("*", (TWO, Y))))
    assert expression("?x - -1 = ?y").args[0] == Call("-", (X, Literal(-1)))


def test_subtraction_associates_to_the_left() -> None:
    assert expression("?x - ?y - ?z") == Call("-", (Call("-", (X, Y)), Z))


def test_calls_have_upper_case_names_and_aliases_are_gone() -> None:
    assert expression("isUri(?x)") == Call("ISIRI", (X,))
    assert expression("?x not in (1, :p)") == Call("NOT IN", (X, ONE, p))
    assert expression("xsd:integer(?x)") == FunctionCall(NamedNode(XSD + "integer"), (X,))
    assert expression("!bound(?x)") == Call("!", (Call("BOUND", (X,)),))


def test_iri_takes_the_base_of_the_query_along() -> None:
    base = NamedNode("http://base.example/x/")
    found = parse_query("BASE <http://base.example/x/> ASK { FILTER(IRI(?x) = URI('y')) }").pattern.condition
    assert found == Call("=", (Call("IRI", (X, base)), NamedNode("http://base.example/x/y")))
    assert expression("IRI(?x)") == Call("IRI", (X,))


# ── Queries ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_grouping_having_select_expressions_and_order_nest_in_the_order_of_the_specification() -> None:
    found = query(
        "SELECT DISTINCT ?x (SUM(?y) + 1 AS ?a) { ?x :p ?y } GROUP BY ?x HAVING(COUNT(*) > 2) "
        "ORDER BY DESC(SUM(?y)) LIMIT 5 OFFSET 1"
    )
    total, count = (variable for variable, _ in _group(found.pattern).aggregates)
    group = Group(bgp((X, p, Y)), ((X, None),), ((total, Aggregate("SUM", Y)), (count, Aggregate("COUNT", None))))
    extended = Extend(Filter(Call(">", (count, TWO)), group), A, Call("+", (total, ONE)))
    ordered = OrderBy(extended, ((total, True),))
    assert found == Select(Slice(Distinct(Project(ordered, (X, A))), 1, 5), (X, A))


def _group(node):
    while not isinstance(node, Group):
        node = node.pattern
    return node


def test_an_aggregate_without_group_by_groups_everything() -> None:
    group = _group(query("SELECT (COUNT(DISTINCT ?x) AS ?a) { ?x :p ?y }").pattern)
    assert group.keys == ()
    assert [aggregate for _, aggregate in group.aggregates] == [Aggregate("COUNT", X, distinct=True)]


def test_an_aggregate_in_order_by_alone_groups_too() -> None:
    assert _group(query("SELECT (1 AS ?a) { ?x :p ?y } ORDER BY COUNT(?x)").pattern).keys == ()


def test_a_named_group_key_is_computed_before_grouping() -> None:
    group = _group(query("SELECT ?z { ?x :p ?y } GROUP BY (STR(?y) AS ?z)").pattern)
    assert group == Group(Extend(bgp((X, p, Y)), Z, Call("STR", (Y,))), ((Z, None),), ())


def test_a_variable_outside_the_keys_in_order_by_is_sampled() -> None:
    group = _group(query("SELECT ?x { ?x :p ?y } GROUP BY ?x ORDER BY ?y").pattern)
    assert [aggregate for _, aggregate in group.aggregates] == [Aggregate("SAMPLE", Y)]


def test_select_star_lists_variables_in_order_of_appearance_without_those_out_of_scope() -> None:
    found = query("SELECT * { ?x :p _:b . BIND(1 AS ?a) MINUS { ?z :p ?z } FILTER EXISTS { ?z :p 1 } GRAPH ?y {} }")
    assert found.variables == (X, A, Y)


def test_a_sub_select_shows_only_what_it_projects() -> None:
    found = query("SELECT * { ?x :p ?y { SELECT ?z { ?z :q ?a } } }")
    assert found.variables == (X, Y, Z)
    assert found.pattern.pattern == Join(bgp((X, p, Y)), Project(bgp((Z, q, A)), (Z,)))


def test_values_at_the_end_are_joined_before_the_select_expressions() -> None:
    found = query("SELECT (?x AS ?a) { ?x :p ?y } VALUES ?y { 1 }").pattern
    assert found.pattern == Extend(Join(bgp((X, p, Y)), Values((Y,), ((ONE,),))), A, X)


def test_a_construct_template_has_blank_nodes_of_its_own() -> None:
    found = query("CONSTRUCT { _:b :p ?x . _:b :q [] } WHERE { _:b :p ?x }")
    assert isinstance(found, Construct)
    first, second = found.template
    (matched,) = found.pattern.triples
    assert first.subject == second.subject != second.object
    assert first.subject.is_anonymous and matched.subject not in (first.subject, second.object)


def test_construct_where_has_its_pattern_as_template() -> None:
    assert query("CONSTRUCT WHERE { ?x :p ?y }") == Construct(bgp((X, p, Y)).triples, bgp((X, p, Y)))


def test_the_dataset_is_kept() -> None:
    assert query("ASK FROM :g FROM NAMED :p {}") == Ask(BGP(()), Dataset((g,), (p,)))


# ── Scope rules ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Q120", "SELECT * { ?x :p ?y BIND(1 AS ?y) }"),
        ("Q120", "SELECT * { OPTIONAL { ?x :p ?y } BIND(1 AS ?y) }"),
        ("Q121", "SELECT (1 AS ?x) { ?x :p ?y }"),
        ("Q122", "SELECT * { _:b :p ?x OPTIONAL { _:b :q ?y } }"),
        ("Q122", "SELECT * { _:b :p ?x . BIND(1 AS ?y) _:b :q ?z }"),
        ("Q123", "SELECT * { ?x :p ?y } GROUP BY ?x"),
        ("Q124", "SELECT ?y { ?x :p ?y } GROUP BY ?x"),
        ("Q124", "SELECT (?y + 1 AS ?a) { ?x :p ?y } GROUP BY ?x"),
        ("Q124", "SELECT (COUNT(*) AS ?a) { ?x :p ?y } GROUP BY ?x HAVING(?a > 1)"),
        ("Q125", "SELECT (SUM(COUNT(?x)) AS ?a) { ?x :p ?y }"),
        ("Q125", "SELECT * { ?x :p ?y FILTER(COUNT(?x) > 1) }"),
        ("Q125", "SELECT * { { SELECT ?x { ?x :p ?y } GROUP BY (COUNT(?x) AS ?a) } }"),
        ("Q126", "SELECT * { VALUES (?x ?y) { (1) } }"),
        ("Q129", "SELECT (1 AS ?a) (2 AS ?a) {}"),
        ("Q100", "SELECT * { ?s ?p ?o } LIMIT 1.5"),
        ("Q107", "SELECT * { FILTER(STRLEN(?a, ?b)) }"),
        ("Q107", "SELECT (SUM(*) AS ?a) {}"),
        ("Q108", "CONSTRUCT { ?x :p/:q ?y } { ?x :p ?y }"),
        ("Q104", "SELECT * { <x> ?p ?o }"),
        ("Q105", "SELECT * { <http://[> ?p ?o }"),
        ("Q106", 'SELECT * { ?s ?p "\\uD800" }'),
        ("Q106", 'SELECT * { ?s ?p "x"@abcdefghijk }'),
    ],
)
def test_what_the_specification_forbids_is_refused_with_its_code_and_place(code, text) -> None:
    error = refusal(text)
    assert error.code == code
    assert error.location.line == 1 and error.location.column > 1


def test_a_variable_of_a_branch_that_is_not_in_scope_may_be_bound() -> None:
    assert isinstance(pattern("{ { ?x :p ?y } { BIND(1 AS ?z) } MINUS { ?a :p 1 } BIND(2 AS ?a) }"), Extend)


# ── Errors that people read ──────────────────────────────────────────────────────────────────────────────────


def test_a_misspelled_keyword_is_named_with_the_one_meant() -> None:
    error = refusal("SELECT ?x\nWHERE { ?x :p ?y FILTR(?y > 1) }")
    assert error.code == "Q100"
    assert error.message.endswith("found 'FILTR'")
    assert error.help == "did you mean FILTER?"
    assert (error.location.line, error.location.column) == (2, 18)
    assert error.location.line_text == "WHERE { ?x :p ?y FILTR(?y > 1) }"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("SELEKT * {}", "did you mean SELECT?"),
        ("ASKK {}", "did you mean ASK?"),
        ("ASK { FILTER(STRLN(?x) > 1) }", "did you mean STRLEN or STRLANG?"),
        ("SELECT * { ?x :p ?y } GRUP BY ?x", "did you mean GROUP?"),
        ("SELECT * { ?x foaf:name ?y }", "add at the top: PREFIX foaf: <http://xmlns.com/foaf/0.1/>"),
        ("SELECT * { ?x rdg:type ?y }", "did you mean rdf?"),
        ("SELECT * { ?x name ?y }", "a name needs a prefix ('ex:name') or, for a variable, a question mark ('?name')"),
        ("SELECT * { ?x :p 1 ?y :p 2 }", "is a '.' missing before it?"),
        ("ASK { FILTER(?x > 1 AND ?x < 3) }", "write &&"),
    ],
)
def test_help_says_what_was_probably_meant(text, help) -> None:
    assert refusal(text).help == help


def test_a_missing_brace_is_traced_to_the_one_that_is_open() -> None:
    error = refusal("SELECT * {\n  ?x :p ?y\n  OPTIONAL { ?x :q ?z\n")
    assert error.message.endswith("found the end of the text")
    assert error.notes == ["the '{' at line 3, column 12 is not closed"]


@settings(deadline=None)  # the first call builds the grammar
@given(st.text(alphabet=st.sampled_from("SELECT ?x{}()[]<>:.;,|/^!+-*=\"'\\ua1_~#@\n"), max_size=60))
def test_any_text_parses_or_is_refused_by_a_syntax_error(text) -> None:
    with suppress(QuerySyntaxError):  # any other exception fails the test
        parse_query(text, prefixes=EX)


@pytest.mark.parametrize("parse", [parse_query, parse_update, parse_rules])
def test_half_a_character_is_refused(parse) -> None:
    assert refusal("# \ud800", parse).code in ("Q106", "R106")


SAMPLES = [
    (parse_query, "PREFIX : <http://e/> SELECT ?x (SUM(?y) AS ?z) { ?x :p/^:q* [ :r ( 1 'a'@en ) ] ; a ?y . OPTIONAL { ?x :p "
                  "?w FILTER(?w > -1 && REGEX(?w, \"a\")) } BIND(STR(?y) AS ?v) } GROUP BY ?x HAVING(COUNT(*) > 1)"),
    (parse_update, "PREFIX : <http://e/> DELETE { ?x :p ?y } INSERT { GRAPH :g { ?x :q _:b } } WHERE { ?x :p ?y } ; "
                   "INSERT DATA { _:b :p 1.5 , \"\"\"x\"\"\" } ; CLEAR SILENT ALL ; LOAD <http://e/> INTO GRAPH :g"),
    (parse_rules, "PREFIX : <http://e/> RULE :r { ?x :p ?y } WHERE { ?x :q ?y . NOT DATA { ?x :r << :a :b ?y >> } "
                  "SET(?z := ?y * 2) { SELECT ?x { ?x :p 1 } } } DATA { :a :b 'c' {| :d 1 |} }"),
]  # fmt: skip


@settings(deadline=None)  # the first call builds the grammar
@given(
    st.sampled_from(SAMPLES),
    st.integers(0, 300),
    st.integers(0, 20),
    st.sampled_from(["", "{", ")", "?x", ";", "<", "'"]),
)
def test_a_valid_text_with_a_piece_missing_or_wrong_parses_or_is_refused(sample, start, length, inserted) -> None:
    parse, text = sample
    parse(text)
    with suppress(QuerySyntaxError, RuleError):
        parse(text[:start] + inserted + text[start + length :])


# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────

_DEEP = 30_000


@pytest.mark.parametrize(
    "text",
    [
        "ASK " + "{" * _DEEP + "}" * _DEEP,
        "ASK { FILTER(" + "(" * _DEEP + "1" + ")" * _DEEP + ") }",
        "ASK { FILTER(" + "STR(" * _DEEP + "1" + ")" * _DEEP + ") }",
        "ASK { ?x :p " + "[ :p " * _DEEP + "1" + "]" * _DEEP + " }",
        "ASK { ?x :p " + "(" * _DEEP + "1" + ")" * _DEEP + " }",
        "ASK { ?x " + "(" * _DEEP + ":p" + ")" * _DEEP + " ?y }",
        "ASK " + "{ FILTER EXISTS " * _DEEP + "{}" + "}" * _DEEP,
        "ASK { ?x :p 1 " + "{| :p 1 " * _DEEP + "|}" * _DEEP + " }",
        "ASK { " + "<< ?x :p " * 2000 + "1" + " >>" * 2000 + " :q 2 }",
        "ASK { " + "<<( ?x :p " * 2000 + "1" + " )>>" * 2000 + " :q 2 }",
        "ASK { FILTER(1" + " + 1" * 5000 + ") }",
        "ASK { " + "OPTIONAL { ?x :p 1 } " * 5000 + "}",
    ],
)
def test_deep_texts_are_refused_and_crash_nothing(text) -> None:
    assert refusal(text).code == "Q102"


@pytest.mark.parametrize(
    "text",
    [
        "ASK { FILTER(1 IN (" + ", ".join(map(str, range(5000))) + ")) }",
        "ASK { FILTER(?x = 1" + " || ?x = 2" * 5000 + ") }",
        "ASK { { ?x :p 1 }" + " UNION { ?x :p 2 }" * 5000 + "}",
        "ASK { ?x :p" + "/:p" * 5000 + " ?y }",
        "ASK { VALUES ?x { " + "1 " * 5000 + "} ?x :p ?y }",
        "ASK { " + "?x :p ?y . " * 5000 + "}",
        "ASK " + "{" * 150 + "}" * 150,
        "ASK { FILTER(" + "STR(" * 150 + "?x" + ")" * 150 + ") }",
    ],
)
def test_long_texts_and_moderately_deep_ones_are_accepted(text) -> None:
    assert isinstance(query(text), Ask)


def test_a_text_of_megabytes_is_refused_before_it_is_read() -> None:
    assert refusal("ASK { ?x :p ?y } #" + "x" * 2_000_000).code == "Q101"


# ── Update ───────────────────────────────────────────────────────────────────────────────────────────────────


def update(text):
    return parse_update(text, prefixes=EX).operations


def test_data_operations_are_quads() -> None:
    assert update("INSERT DATA { :s :p 1 GRAPH :g { :s :q 2 } } ; DELETE DATA { :s :p 1 } ;") == (
        InsertData((QuadPattern(s, p, ONE), QuadPattern(s, q, TWO, g))),
        DeleteData((QuadPattern(s, p, ONE),)),
    )


def test_delete_where_is_its_own_template() -> None:
    quads = (QuadPattern(X, p, Y), QuadPattern(X, q, Z, g))
    expected = Modify(quads, (), Join(bgp((X, p, Y)), Graph(g, bgp((X, q, Z)))))
    assert update("DELETE WHERE { ?x :p ?y GRAPH :g { ?x :q ?z } }") == (expected,)


def test_modify_keeps_with_and_using() -> None:
    text = "WITH :g DELETE { ?x :p ?y } INSERT { ?x :q ?y } USING :p USING NAMED :q WHERE { ?x :p ?y }"
    expected = Modify(
        (QuadPattern(X, p, Y),), (QuadPattern(X, q, Y),), bgp((X, p, Y)), g, Dataset((p,), (q,))
    )  # fmt: skip
    assert update(text) == (expected,)


def test_graph_management_names_its_targets() -> None:
    assert update("CLEAR SILENT ALL; DROP GRAPH :g; COPY DEFAULT TO :g") == (
        GraphOperation("CLEAR", GraphTarget("ALL"), None, silent=True),
        GraphOperation("DROP", GraphTarget("GRAPH", g), None, silent=False),
        GraphOperation("COPY", GraphTarget("DEFAULT"), GraphTarget("GRAPH", g), silent=False),
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Q127", "INSERT DATA { ?x :p 1 }"),
        ("Q127", "DELETE DATA { GRAPH ?g { :s :p 1 } }"),
        ("Q128", "DELETE DATA { _:b :p 1 }"),
        ("Q128", "DELETE { ?x :p [] } WHERE { ?x :p ?y }"),
        ("Q128", "DELETE WHERE { _:b :p 1 }"),
        ("Q122", "INSERT DATA { _:b :p 1 } ; INSERT DATA { _:b :p 2 }"),
        ("Q108", "INSERT { ?x :p/:q 1 } WHERE {}"),
    ],
)
def test_updates_that_the_specification_forbids_are_refused(code, text) -> None:
    error = refusal(text, parse_update)
    assert error.code == code
    assert error.location.column is not None


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────

RULES = """\
PREFIX : <http://example.org/>
#+ tag: unrelated

# an ordinary comment
#+ says: {x} is linked
#+   to {y}
#+ says@zh: {x} 与 {y} 相连
#+ since: 2026
RULE :linked { ?x :q ?y . _:n :p ?x } WHERE {
  ?x :p/^:r ?y .
  FILTER(?x != ?y)
  NOT DATA { ?y :q 1 FILTER(?y > 2) }
  SET(?z := ?x + 1)
  { SELECT ?x (COUNT(*) AS ?a) { ?x :p* ?b OPTIONAL { ?b :q ?y } } GROUP BY ?x HAVING(COUNT(*) > 1) }
}
DATA { :s :p _:b . _:b :q 1 }
RULE { ?x :p 1 } WHERE DATA { ?x :q 1 }
"""


def test_a_rule_keeps_its_elements_in_order_with_their_places() -> None:
    rules = parse_rules(RULES)
    linked, second = rules.rules
    step, back, test, negation, assignment, aggregate = linked.body
    assert (step.subject, step.predicate, back.subject, back.predicate) == (X, p, Y, r)
    assert test == FilterElement(Call("!=", (X, Y)))
    assert negation == Not(
        (TriplePattern(Y, q, ONE), FilterElement(Call(">", (Y, TWO)))), data_only=True
    )  # fmt: skip
    assert assignment == SetElement(Z, Call("+", (X, ONE)))
    assert isinstance(aggregate, SubSelectElement) and aggregate.variables == (X, A)
    assert isinstance(_group(aggregate.pattern), Group)
    assert [element.position[0] for element in linked.body] == [10, 10, 11, 12, 13, 14]
    assert (linked.iri, linked.data_only, linked.position) == (NamedNode(E + "linked"), False, (9, 1))
    assert (second.iri, second.data_only) == (None, True)


def test_the_lines_directly_above_a_rule_are_its_annotations() -> None:
    linked, second = parse_rules(RULES).rules
    assert linked.says == (("", "{x} is linked to {y}"), ("zh", "{x} 与 {y} 相连"))
    assert [key for key, _ in linked.annotations] == ["says", "says@zh", "since"]
    assert second.annotations == ()


def test_a_blank_node_label_is_one_node_in_all_data_and_another_in_each_head() -> None:
    rules = parse_rules(RULES)
    first, second = rules.data
    assert first.object == second.subject and first.object.is_anonymous
    assert rules.rules[0].head[1].subject != first.object


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("R108", "?x :p* ?y"),
        ("R130", "NOT { ?x :p ?y NOT { ?x :q ?y } }"),
        ("R130", "?x :p ?y FILTER(EXISTS { ?x :q ?y })"),
        ("R125", "?x :p ?y FILTER(COUNT(?x) > 1)"),
        ("R103", "?x nope:p ?y"),
        ("R100", "?x :p ?y OPTIONAL { ?x :q ?z }"),
    ],
)
def test_what_a_rule_body_cannot_hold_is_refused_as_a_rule_error(code, body) -> None:
    error = refusal(f"RULE {{ ?x :p 1 }} WHERE {{ {body} }}", parse_rules)
    assert isinstance(error, RuleError)
    assert error.code == code
    assert error.location.line == 1


def test_a_misspelled_rule_keyword_is_named_with_the_one_meant() -> None:
    assert refusal("RULE { ?x :p 1 } WHER { ?x :q 1 }", parse_rules).help == "did you mean WHERE?"
    assert refusal("RUL { ?x :p 1 } WHERE { ?x :q 1 }", parse_rules).help == "did you mean RULE?"


# ── Headers and IRIs ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_header_ends_at_the_first_line_of_the_query_and_collects_repeated_keys() -> None:
    text = "#+ question: Who?\n# note\n\n#+ parameter: x iri\n#+ parameter: y integer\nSELECT * {}\n#+ late: no\n"
    assert parse_header(text) == {"question": "Who?", "parameter": ["x iri", "y integer"]}


def test_a_header_value_may_hold_colons_and_go_on_in_the_next_line() -> None:
    text = "#+ see: https://example.org/a\n#+   and more\n"
    assert parse_header(text) == {"see": "https://example.org/a and more"}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g/", "http://a/b/c/g/"), ("/g", "http://a/g"), ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"), ("#s", "http://a/b/c/d;p?q#s"), ("", "http://a/b/c/d;p?q"), ("..", "http://a/b/"),
        ("../../../g", "http://a/g"), ("/../g", "http://a/g"), ("g;x=1/../y", "http://a/b/c/y"), ("g..", "http://a/b/c/g.."),
    ],
)  # fmt: skip
def test_references_are_resolved_as_rfc_3986_shows(reference, expected) -> None:
    assert resolve(reference, "http://a/b/c/d;p?q") == expected


def test_references_are_resolved_against_bases_without_authority_or_path() -> None:
    assert resolve("x", "urn:a:b") == "urn:x"
    assert resolve("x", "http://example.org") == "http://example.org/x"
    assert resolve("b", "file:///a/c") == "file:///a/b"


# PN_CHARS_BASE, and what PN_CHARS and VARNAME have besides (section 19.8, rules 164 to 167), as ranges of code points.
_BASE = [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D), (0x37F, 0x1FFF), (0x200C, 0x200D),
         (0x2070, 0x218F), (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF)]  # fmt: skip
_FIRST = [*_BASE, (0x5F, 0x5F), (0x30, 0x39)]
_LATER = [*_FIRST, (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040)]
_EDGES = [chr(at + by) for ranges in (_LATER,) for pair in ranges for at in pair for by in (-1, 0, 1) if not 0xD800 <= at + by <= 0xDFFF and at + by > 0x7F]


def _is_among(character: str, ranges: list[tuple[int, int]]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


@given(st.text(st.one_of(st.sampled_from(_EDGES), st.sampled_from("aZ_9名é·")), min_size=1, max_size=4))
def test_names_are_of_the_characters_that_the_specification_lists(name):
    is_name = _is_among(name[0], _FIRST) and all(_is_among(one, _LATER) for one in name[1:])
    for text in (f"SELECT ?{name} {{}}", f"PREFIX p: <urn:> ASK {{ p:{name} p:x 1 }}", f"ASK {{ _:{name} <urn:p> 1 }}"):
        try:
            parse_query(text)
            is_read = True
        except QuerySyntaxError as error:
            is_read = error.code == "Q105"  # a name, but not of an IRI
            assert error.code in ("Q100", "Q105")
        assert is_read == is_name
    is_prefix = _is_among(name[0], _BASE) and is_name
    if is_prefix:
        parse_query(f"PREFIX {name}: <urn:> ASK {{ {name}:x <urn:p> 1 }}")
    elif not is_name:
        with pytest.raises(QuerySyntaxError):
            parse_query(f"PREFIX {name}: <urn:> ASK {{}}")
