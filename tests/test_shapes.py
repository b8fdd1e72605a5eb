"""SHACL by hand: targets, messages, reports, and what is refused with which words."""

import json

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from kg.errors import ShapeError
from kg.shapes import load_shapes, validate
from kg.shapes.vocabulary import sh
from kg.store import Store, documents

PREFIXES = """@prefix ex: <http://example.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex: sh:declare [ sh:prefix "ex" ; sh:namespace "http://example.org/"^^xsd:anyURI ] .
"""


@pytest.fixture(scope="module")
def store():
    with Store.memory() as store:
        yield store


@pytest.fixture
def report_on(store):
    """The report on some data, which has a graph of its own, by some shapes."""

    def run(shapes: str, data: str):
        graph = f"urn:data:{hash(data)}"
        documents.load(store, (PREFIXES + data).encode(), format="ttl", graph=graph)
        return validate(store, load_shapes((PREFIXES + shapes).encode()), graphs=[graph])

    return run


def focus_nodes(report):
    return sorted(str(one.focus_node).removeprefix("<http://example.org/").removesuffix(">") for one in report.results)


# ── Targets ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_target_class_reaches_instances_of_its_subclasses(report_on):
    report = report_on("ex:S sh:targetClass ex:A ; sh:nodeKind sh:Literal .", "ex:B rdfs:subClassOf ex:A . ex:C rdfs:subClassOf ex:B . ex:a a ex:A . ex:c a ex:C .")
    assert focus_nodes(report) == ["a", "c"]


def test_a_class_that_is_a_shape_is_its_own_target(report_on):
    assert focus_nodes(report_on("ex:A a rdfs:Class, sh:NodeShape ; sh:nodeKind sh:Literal .", "ex:x a ex:A .")) == ["x"]


def test_a_target_in_sparql_selects_its_this(report_on):
    shapes = 'ex:S sh:target [ sh:prefixes ex: ; sh:select "SELECT ?this { ?this ex:p ?n FILTER(?n > 1) }" ] ; sh:nodeKind sh:Literal .'
    assert focus_nodes(report_on(shapes, "ex:a ex:p 1 . ex:b ex:p 2 .")) == ["b"]


def test_several_targets_are_one_set(report_on):
    report = report_on("ex:S sh:targetSubjectsOf ex:p ; sh:targetNode ex:t, ex:n ; sh:nodeKind sh:Literal .", "ex:t ex:p 1 .")
    assert focus_nodes(report) == ["n", "t"]


def test_a_node_that_the_data_lack_is_a_focus_node_all_the_same(report_on):
    report = report_on("ex:S sh:targetNode 'no such' ; sh:property [ sh:path ex:p ; sh:minCount 1 ] ; sh:maxLength 3 .", "ex:t ex:p 1 .")
    assert [one.component.value.rpartition("#")[2] for one in report.results] == ["MaxLengthConstraintComponent", "MinCountConstraintComponent"]


def test_shapes_whose_targets_select_nothing_are_named(report_on):
    assert report_on("ex:S sh:targetClass ex:Nothing ; sh:nodeKind sh:IRI .", "ex:a ex:p 1 .").without_focus == ("ex:S",)


def test_a_deactivated_shape_finds_nothing_and_nodes_conform_to_it(report_on):
    assert report_on("ex:S sh:targetNode ex:a ; sh:node ex:T . ex:T sh:nodeKind sh:Literal ; sh:deactivated true .", "ex:a ex:p 1 .").conforms


def test_only_the_named_graphs_are_looked_at(store):
    documents.load(store, b"<urn:x> <urn:q> 1 .", format="ttl", graph="urn:one")
    documents.load(store, b"<urn:y> <urn:q> 1 .", format="ttl", graph="urn:two")
    shapes = load_shapes(b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetSubjectsOf <urn:q> ; sh:nodeKind sh:Literal .")
    assert [str(one.focus_node) for one in validate(store, shapes, graphs=["urn:two"]).results] == ["<urn:y>"]
    assert validate(store, shapes, graphs=["urn:none"]).conforms


def test_data_of_an_open_transaction_are_seen_through_its_connection():
    shapes = load_shapes(b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetSubjectsOf <urn:q> ; sh:nodeKind sh:Literal .")
    with Store.memory() as store, store.transaction():
        documents.load(store, b"<urn:x> <urn:q> 1 .", format="ttl")
        assert not validate(store, shapes, connection=store.connection).conforms


# ── Exact values ─────────────────────────────────────────────────────────────────────────────────────────────


def test_decimals_are_compared_exactly(report_on):
    report = report_on("ex:S sh:targetObjectsOf ex:p ; sh:maxInclusive 100 .", "ex:a ex:p 100.000000000000000001, 100.0, 100 .")
    assert [one.value.value for one in report.results] == ["100.000000000000000001"]


@pytest.mark.parametrize(
    ("datatype", "good", "bad"),
    [
        ("xsd:integer", ["1", "+01", "-0"], ["1.0", "x", ""]),
        ("xsd:byte", ["127", "-128"], ["128", "1e1"]),
        ("xsd:date", ["2024-02-29", "2024-02-29Z", "12024-01-01"], ["2023-02-29", "2024-2-1"]),
        ("xsd:dateTime", ["2024-01-01T24:00:00", "2024-01-01T10:00:00.5+08:00"], ["2024-01-01", "2024-01-01T25:00:00"]),
        ("xsd:duration", ["P1Y2M3DT4H5M6.7S", "-P1D", "PT1S"], ["P", "1D", "P1DT"]),
        ("xsd:double", ["1", "1e3", "-INF", "NaN"], ["inf", "1e"]),
        ("xsd:boolean", ["true", "0"], ["TRUE", "yes"]),
        ("xsd:gYearMonth", ["2024-05"], ["2024-13"]),
    ],
)
def test_datatype_wants_a_form_of_its_lexical_space(report_on, datatype, good, bad):
    data = "".join(f"ex:a ex:p{datatype[4:]} '{form}'^^{datatype} . " for form in (*good, *bad))
    report = report_on(f"ex:S sh:targetObjectsOf ex:p{datatype[4:]} ; sh:datatype {datatype} .", data)
    assert sorted(one.value.value for one in report.results) == sorted(bad)


# ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_messages_of_a_shape_are_copied_in_their_languages_and_filled_in(report_on):
    shapes = 'ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:maxInclusive 5 ; sh:message "{?value} > {$maxInclusive} in {?path}"@en, "太大"@zh ] .'
    (result,) = report_on(shapes, "ex:a ex:p 7 .").results
    assert set(result.messages) == {Literal("7 > 5 in ex:p", language="en"), Literal("太大", language="zh")}


def test_results_without_message_say_what_is_wrong_in_english_and_chinese(report_on):
    (result,) = report_on("ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:none ; sh:minCount 2 ] .", "ex:a ex:p 7 .").results
    assert (result.message("en"), result.message("zh")) == ("fewer values than 2", "值少于 2 个")


def test_a_message_of_a_query_uses_its_variables_and_an_unknown_name_stays(report_on):
    shapes = 'ex:S sh:targetNode ex:a ; sh:sparql [ sh:prefixes ex: ; sh:message "{?n} of {$this}, {?other}" ; sh:select "SELECT $this ?n { $this ex:p ?n }" ] .'
    (result,) = report_on(shapes, "ex:a ex:p 7 .").results
    assert result.message() == "7 of ex:a, {?other}"


def test_a_query_may_bind_the_message_itself(report_on):
    shapes = """ex:S sh:targetNode ex:a ; sh:sparql [ sh:prefixes ex: ; sh:select "SELECT $this (CONCAT('n = ', STR(?n)) AS ?message) { $this ex:p ?n }" ] ."""
    assert [one.message() for one in report_on(shapes, "ex:a ex:p 7 .").results] == ["n = 7"]


# ── SPARQL ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_query_with_groups_is_asked_for_all_focus_nodes_at_once(report_on):
    shapes = """ex:S sh:targetSubjectsOf ex:p ; sh:sparql [ sh:prefixes ex: ;
        sh:select "SELECT $this (SUM(?n) AS ?value) { $this ex:p ?n } GROUP BY $this HAVING (SUM(?n) > 10)" ] ."""
    report = report_on(shapes, "ex:a ex:p 7, 8 . ex:b ex:p 7 . ex:c ex:p 11 .")
    assert [(str(one.focus_node)[-2:-1], one.value.value) for one in report.results] == [("a", "15"), ("c", "11")]


def test_a_query_that_cuts_its_solutions_is_asked_for_each_focus_node(report_on):
    shapes = 'ex:S sh:targetSubjectsOf ex:p ; sh:sparql [ sh:prefixes ex: ; sh:select "SELECT $this ?value { $this ex:p ?value } ORDER BY ?value LIMIT 1" ] .'
    report = report_on(shapes, "ex:a ex:p 7, 8 . ex:b ex:p 9 .")
    assert [(str(one.focus_node)[-2:-1], one.value.value) for one in report.results] == [("a", "7"), ("b", "9")]


def test_a_path_in_a_query_is_that_of_the_property_shape(report_on):
    shapes = """ex:S sh:targetNode ex:a ; sh:path ( ex:p [ sh:zeroOrMorePath ex:q ] ) ;
        sh:sparql [ sh:prefixes ex: ; sh:select "SELECT $this ?value { $this $PATH ?value FILTER isIRI(?value) }" ] ."""
    report = report_on(shapes, "ex:a ex:p ex:b . ex:b ex:q ex:c . ex:c ex:q 1 .")
    assert sorted(str(one.value)[-2:-1] for one in report.results) == ["b", "c"]


def test_not_exists_sees_the_focus_node(report_on):
    shapes = """ex:S sh:targetSubjectsOf ex:p ; sh:sparql [ sh:prefixes ex: ;
        sh:select "SELECT $this { FILTER NOT EXISTS { $this ex:p ?n FILTER(?n > 5 && bound($this)) } }" ] ."""
    assert focus_nodes(report_on(shapes, "ex:a ex:p 7 . ex:b ex:p 1 .")) == ["b"]


COMPONENT = """ex:C a sh:ConstraintComponent ; sh:parameter [ sh:path ex:most ] ; sh:parameter [ sh:path ex:unit ; sh:optional true ] ;
    sh:validator [ a sh:SPARQLAskValidator ; sh:message "{?value} is above {?most}" ; sh:ask "ASK { FILTER($value <= $most && COALESCE($unit = 'kg', true)) }" ] . """


def test_a_component_of_ones_own_takes_its_parameters(report_on):
    report = report_on(COMPONENT + "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; ex:most 5 ] .", "ex:a ex:p 4, 6 .")
    assert [(one.value.value, one.message(), str(one.component)) for one in report.results] == [("6", "6 is above 5", "<http://example.org/C>")]


def test_a_component_counts_inside_other_shapes(report_on):
    shapes = COMPONENT + "ex:S sh:targetSubjectsOf ex:p ; sh:not [ sh:property [ sh:path ex:p ; ex:most 5 ] ] ."
    assert focus_nodes(report_on(shapes, "ex:a ex:p 4 . ex:b ex:p 6 .")) == ["a"]


def test_an_ask_query_that_counts_is_asked_for_each_value(report_on):
    shapes = """ex:D a sh:ConstraintComponent ; sh:parameter [ sh:path ex:few ] ; sh:validator [ sh:prefixes ex: ;
        sh:ask "ASK { { SELECT (COUNT(?x) AS ?n) { $value ex:q ?x } } FILTER(?n <= $few) }" ] . ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; ex:few 1 ] ."""
    with pytest.raises(ShapeError) as raised:
        load_shapes((PREFIXES + shapes.replace("SELECT (", "SELECT ?z (")).encode())
    assert raised.value.code == "H108"
    report = report_on(shapes, "ex:a ex:p ex:b, ex:c . ex:b ex:q 1, 2 . ex:c ex:q 1 .")
    assert all(one.component == NamedNode("http://example.org/D") for one in report.results)


# ── Reports ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_is_rdf_as_the_standard_says(report_on):
    report = report_on("ex:S sh:targetNode ex:a ; sh:severity sh:Warning ; sh:property ex:P . ex:P sh:path [ sh:inversePath ex:p ] ; sh:minCount 1 .", "ex:a ex:p 1 .")
    triples = [quad.triple for quad in parse(report.write("ttl"), format=RdfFormat.TURTLE)]
    values = {triple.predicate: triple.object for triple in triples}
    assert values[sh("conforms")] == Literal(False)
    assert values[sh("focusNode")] == NamedNode("http://example.org/a")
    assert values[sh("sourceShape")] == NamedNode("http://example.org/P")
    assert isinstance(values[sh("resultPath")], BlankNode) and values[sh("inversePath")] == NamedNode("http://example.org/p")
    assert values[sh("resultSeverity")] == sh("Violation")  # of the property shape, which names none
    for format in ("nt", "jsonld", "rdf"):
        assert report.write(format)


def test_json_begins_with_the_counts_and_pages_the_results(report_on):
    report = report_on("ex:S sh:targetObjectsOf ex:p ; sh:severity sh:Info ; sh:maxInclusive 0 .", "ex:a ex:p 1, 2, 3 .")
    whole = json.loads(report.json())
    assert (whole["conforms"], whole["results"], whole["severities"]) == (False, 3, {"Info": 3})
    assert whole["counts"] == [{"shape": "ex:S", "severity": "Info", "component": "MaxInclusive", "results": 3}]
    assert [one["focusNode"] for one in report.as_dict(offset=1, limit=1)["page"]] == ["2"]


def test_the_table_counts_by_shape_and_severity_first(report_on):
    text = report_on("ex:S sh:targetObjectsOf ex:p ; sh:maxInclusive 0 .", "ex:a ex:p 1, 2 .").text()
    assert text.splitlines()[:2] == ["Conforms: False", "Results: 2"]
    assert text.splitlines()[3].split() == ["2", "Violation", "MaxInclusive", "ex:S"]
    assert "1 is greater than 0, or cannot be compared with it" in text


def test_a_report_has_a_named_graph_of_its_own_that_the_next_replaces():
    shapes = load_shapes(b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetNode <urn:x> ; sh:nodeKind sh:Literal .")
    with Store.memory() as store:
        report = validate(store, shapes)
        assert report.save(store, "urn:report").inserted == len(list(report.triples()))
        assert report.save(store, "urn:report").deleted > 0
        graphs = {graph["iri"]: graph["triples"] for graph in store.graphs()}
        assert graphs == {"urn:report": len(list(report.triples()))}


def test_a_conforming_report_says_so(report_on):
    report = report_on("ex:S sh:targetNode ex:a ; sh:nodeKind sh:IRI .", "ex:a ex:p 1 .")
    assert report.conforms and report.text() == "Conforms: True\nThe data conforms to the shapes."


def test_shapes_without_targets_are_not_taken_for_conformance(report_on):
    assert report_on("ex:S sh:nodeKind sh:IRI .", "ex:a ex:p 1 .").text() == "No shape has a target: nothing was checked."


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────

SELECT = "ex:S sh:targetNode ex:a ; sh:sparql [ sh:prefixes ex: ; sh:select '''{}''' ] ."
REFUSED = {
    "a count that is no number": ("H103", "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:minCount 'one' ] .", 7),
    "a count of two values": ("H104", "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:minCount 1, 2 ] .", 7),
    "a node shape that counts": ("H103", "ex:S sh:targetNode ex:a ;\n sh:minCount 1 .", 8),
    "a list that is none": ("H105", "ex:S sh:targetNode ex:a ;\n sh:in ex:b .", 8),
    "a path of one member": ("H102", "ex:S sh:targetNode ex:a ; sh:property [ sh:path ( ex:p ) ] .", 7),
    "a property shape without path": ("H102", "ex:S sh:targetNode ex:a ; sh:property [ sh:minCount 1 ] .", 7),
    "a word that SHACL does not have": ("H107", "ex:S sh:targetNode ex:a ;\n sh:property [ sh:path ex:p ;\n  sh:minCont 1 ] .", 9),
    "a shape that nobody describes": ("H103", "ex:S sh:targetNode ex:a ;\n sh:node ex:Missing .", 8),
    "a node kind that is none": ("H103", "ex:S sh:targetNode ex:a ; sh:nodeKind sh:Iri .", 7),
    "a pattern that is none": ("H111", "ex:S sh:targetNode ex:a ;\n sh:pattern '(' .", 8),
    "a query that is none": ("H108", SELECT.format("SELECT $this {\n  $this ex:p ?x FILTR }"), 8),
    "a query without this": ("H108", SELECT.format("SELECT ?x { ?x ex:p ?y }"), None),
    "a query with VALUES": ("H109", SELECT.format("SELECT $this { VALUES ?x { 1 } }"), None),
    "a query that assigns this": ("H109", SELECT.format("SELECT $this { BIND(1 AS ?this) }"), None),
    "a sub-select that hides this": ("H109", SELECT.format("SELECT $this { { SELECT ?x { ?x ex:p ?y } } }"), None),
    "a component without validator for property shapes": (
        "H110", "ex:C a sh:ConstraintComponent ; sh:parameter [ sh:path ex:m ] ; sh:nodeValidator [ sh:select 'SELECT $this {}' ] ."
        "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; ex:m 1 ] .", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_is_refused_with_its_place(what):
    code, shapes, line = REFUSED[what]
    with pytest.raises(ShapeError) as raised:
        load_shapes((PREFIXES + shapes).encode())
    assert raised.value.code == code
    if line is not None:
        assert raised.value.location.line == line, str(raised.value)


def test_a_misspelled_word_is_named_with_the_right_one():
    with pytest.raises(ShapeError) as raised:
        load_shapes((PREFIXES + "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:maxCuont 1 ] .").encode())
    assert "maxCount" in raised.value.help


def test_recursive_shapes_are_refused_with_their_cycle():
    shapes = "ex:S sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:node ex:T ] . ex:T sh:not ex:S ."
    with pytest.raises(ShapeError) as raised:
        load_shapes((PREFIXES + shapes).encode())
    assert raised.value.code == "H106"
    assert raised.value.notes == ["cycle: ex:S → the anonymous shape of ex:S → ex:T → ex:S"]


def test_a_shapes_file_that_is_not_there_is_named_with_the_likely_one(tmp_path):
    (tmp_path / "garden.ttl").write_text("", encoding="utf-8")
    with pytest.raises(ShapeError) as raised:
        load_shapes(tmp_path / "gardn.ttl")
    assert (raised.value.code, raised.value.help) == ("H100", "did you mean garden.ttl?")


def test_a_syntax_error_has_its_place(tmp_path):
    path = tmp_path / "broken.ttl"
    path.write_text(PREFIXES + "ex:S sh:targetNode ex:a ;;; sh:in ( 1 .", encoding="utf-8")
    with pytest.raises(ShapeError) as raised:
        load_shapes(path)
    assert (raised.value.code, raised.value.location.file, raised.value.location.line) == ("H101", str(path), 7)


def test_ill_formed_shapes_that_nothing_uses_do_no_harm(report_on):
    assert report_on("ex:Unused sh:property [ sh:path ( ex:p ) ] . ex:S sh:targetNode ex:a ; sh:nodeKind sh:IRI .", "ex:a ex:p 1 .").conforms


def test_shapes_may_be_spread_over_files_and_syntaxes(tmp_path, store):
    (tmp_path / "one.ttl").write_text(PREFIXES + "ex:S sh:targetNode ex:a ; sh:node ex:T .", encoding="utf-8")
    (tmp_path / "two.nt").write_text(f"<http://example.org/T> {sh('nodeKind')} {sh('Literal')} .", encoding="utf-8")
    report = validate(store, load_shapes([tmp_path / "one.ttl", tmp_path / "two.nt"]))
    assert focus_nodes(report) == ["a"]


def test_a_faulty_shape_is_refused_though_it_has_no_target():
    with pytest.raises(ShapeError, match="has no sh:path") as error:
        load_shapes(PREFIXES.encode() + b"ex:S a sh:NodeShape ; sh:property [ sh:minCount 1 ] .")
    assert (error.value.code, error.value.location.line) == ("H102", PREFIXES.count("\n") + 1)
