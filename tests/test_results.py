"""Result writers: what they write, an independent reader reads back; text is exact where the recommendation is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import (
    BaseDirection,
    BlankNode,
    Literal,
    NamedNode,
    QueryResultsFormat,
    RdfFormat,
    Triple,
    parse,
    parse_query_results,
)

from kg.errors import DataError
from kg.sparql import results
from kg.sparql.algebra import Var
from kg.sparql.results import readable, write_boolean, write_graph, write_solutions

XSD = "http://www.w3.org/2001/XMLSchema#"
EX = {"ex": "http://example.org/"}
FORMATS = {"json": QueryResultsFormat.JSON, "xml": QueryResultsFormat.XML, "tsv": QueryResultsFormat.TSV}

iris = st.sampled_from(["http://example.org/a", "http://例え.jp/道?q=1&r=2#x", "urn:x:y'z"]).map(NamedNode)
blank_nodes = st.sampled_from(["b0", "x1"]).map(BlankNode)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
xml_texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r"), max_size=20)


def literals(text):
    typed = st.sampled_from(["string", "integer", "decimal", "double", "boolean", "date"]).map(
        lambda name: NamedNode(XSD + name)
    )
    return st.one_of(
        st.builds(Literal, text),
        st.builds(lambda value: Literal(value, language="zh-hans"), text),
        st.builds(lambda value: Literal(value, language="ar", direction=BaseDirection.RTL), text),
        st.builds(lambda value, datatype: Literal(value, datatype=datatype), text, typed),
        st.sampled_from(["1", "-1.50", "+.5", "1.", "1e6", "-.5E-3", "true", "TRUE"]).flatmap(
            lambda value: typed.map(lambda datatype: Literal(value, datatype=datatype))
        ),
    )


def rows(text):
    simple = st.one_of(iris, blank_nodes, literals(text))
    terms = st.one_of(simple, st.builds(Triple, st.one_of(iris, blank_nodes), iris, simple))
    return st.lists(st.tuples(st.none() | terms, st.none() | terms), max_size=6)


def round_trip(written_rows, format):
    text = "".join(write_solutions(["x", "名"], written_rows, format))
    result = parse_query_results(text.encode(), format=FORMATS[format])
    assert [variable.value for variable in result.variables] == ["x", "名"]
    return [tuple(solution) for solution in result]


@settings(max_examples=300, deadline=None)
@given(rows(texts))
@pytest.mark.parametrize("format", ["json", "tsv"])
def test_an_independent_reader_reads_the_same_solutions_back(format, written_rows) -> None:
    assert round_trip(written_rows, format) == written_rows


@settings(max_examples=300, deadline=None)
@given(rows(xml_texts))
def test_an_independent_reader_reads_the_same_solutions_back_from_xml(written_rows) -> None:
    assert round_trip(written_rows, "xml") == written_rows


def test_xml_refuses_a_character_that_it_cannot_hold_and_names_it() -> None:
    with pytest.raises(DataError, match=r"U\+0001"):
        list(write_solutions(["x"], [(Literal("a\x01"),)], "xml"))


def test_csv_quotes_only_what_needs_it_and_ends_lines_as_rfc_4180_says() -> None:
    written = [(NamedNode("http://example.org/a"), Literal('say "hi", x')), (BlankNode("b"), None)]
    text = "".join(write_solutions([Var("s"), Var("o")], written, "csv"))
    assert text == 's,o\r\nhttp://example.org/a,"say ""hi"", x"\r\n_:b,\r\n'


def test_tsv_writes_numbers_bare_only_in_the_forms_of_turtle() -> None:
    decimal = NamedNode(XSD + "decimal")
    row = (Literal("1.50", datatype=decimal), Literal("2.", datatype=decimal), Literal("a\tb", language="en"))
    text = "".join(write_solutions(["a", "b", "c"], [row], "tsv"))
    assert text == f'?a\t?b\t?c\n1.50\t"2."^^<{XSD}decimal>\t"a\\tb"@en\n'


def test_json_leaves_unbound_variables_out_and_says_no_datatype_for_strings() -> None:
    document = json.loads("".join(write_solutions(["x", "y"], [(Literal("é"), None)], "json")))
    assert document == {
        "head": {"vars": ["x", "y"]},
        "results": {"bindings": [{"x": {"type": "literal", "value": "é"}}]},
    }


@pytest.mark.parametrize("format", ["json", "xml", "tsv"])
@pytest.mark.parametrize("answer", [True, False])
def test_an_independent_reader_reads_the_same_answer_back(format, answer) -> None:
    result = parse_query_results(write_boolean(answer, format).encode(), format=FORMATS[format])
    assert bool(result) is answer


def test_rows_are_written_while_they_come() -> None:
    def endless():
        while True:
            yield (Literal(1),)

    chunks = write_solutions(["x"], endless(), "json")
    assert '"value":"1"' in next(chunks) + next(chunks)


def test_a_table_shows_prefixed_names_and_aligns_wide_characters() -> None:
    written = [
        (NamedNode("http://example.org/a"), Literal("中文", language="zh"), Literal(5)),
        (NamedNode("http://other.example/b"), Literal("plain"), Literal(12)),
    ]
    assert "".join(write_solutions(["iri", "name", "n"], written, "table", EX)).splitlines() == [
        "iri                      │ name    │ n",
        "─────────────────────────┼─────────┼───",
        "ex:a                     │ 中文@zh │  5",
        "<http://other.example/b> │ plain   │ 12",
    ]


def test_a_table_without_rows_has_its_header() -> None:
    assert "".join(write_solutions(["x"], [], "table")) == "x\n─\n"


def test_the_longest_namespace_gives_the_prefix() -> None:
    prefixes = {"a": "http://example.org/", "b": "http://example.org/x#"}
    assert readable(NamedNode("http://example.org/x#y"), prefixes) == "b:y"


def test_a_graph_is_written_in_the_format_named_by_extension_or_media_type() -> None:
    triple = Triple(NamedNode("http://example.org/s"), NamedNode("http://example.org/p"), Literal(1))
    turtle = write_graph([triple], "ttl", EX)
    assert b"ex:s ex:p" in turtle
    assert write_graph([triple], "text/turtle", EX) == turtle
    assert [quad.triple for quad in parse(write_graph([triple], "rdf"), format=RdfFormat.RDF_XML)] == [triple]


@pytest.mark.parametrize("write", [lambda: write_graph([], "docx"), lambda: list(write_solutions([], [], "docx"))])
def test_an_unknown_format_is_refused_with_the_known_ones(write) -> None:
    with pytest.raises(DataError) as caught:
        write()
    assert "docx" in str(caught.value)
    assert caught.value.help


@pytest.mark.parametrize("format", ["ttl", "nt", "rdf", "jsonld"])
@pytest.mark.parametrize("count", [0, 1, 256, 257, 700])
def test_a_graph_written_in_pieces_is_the_same_graph(monkeypatch, format, count):
    monkeypatch.setattr(results, "_TRIPLES_A_CHUNK", 200)
    triples = [Triple(NamedNode(f"http://e/s{n // 3}"), NamedNode("http://e/p"), BlankNode(f"b{n}") if n % 5 == 0 else Literal(n)) for n in range(count)]
    pieces = list(results.write_triples(iter(triples), format, {"e": "http://e/"}))
    text = b"".join(pieces)
    assert {quad.triple for quad in parse(text, format=RdfFormat.from_extension(format))} == set(triples)
    assert text.count(b"@prefix e:") == (1 if format == "ttl" and count else 0)
    assert len(pieces) >= (3 if format in ("ttl", "nt") and count == 700 else 1)


def test_a_long_graph_leaves_piece_by_piece():
    taken = []
    triples = (taken.append(n) or Triple(NamedNode("http://e/s"), NamedNode("http://e/p"), Literal(n)) for n in range(100_000))
    pieces = results.write_triples(triples, "ttl")
    next(pieces), next(pieces)
    assert len(taken) < 20_000
