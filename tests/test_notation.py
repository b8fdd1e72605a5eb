"""One term as people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import DataError
from kg.store.notation import term_of, text_of

XSD = "http://www.w3.org/2001/XMLSchema#"
PREFIXES = {"ex": "http://example.org/", "item": "http://example.org/item/", "": "http://example.org/empty#"}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("ex:thing", NamedNode("http://example.org/thing")),
        ("ex:item/12", NamedNode("http://example.org/item/12")),
        (":thing", NamedNode("http://example.org/empty#thing")),
        ("<http://example.org/x>", NamedNode("http://example.org/x")),
        ("http://example.org/x", NamedNode("http://example.org/x")),
        ("urn:isbn:1", NamedNode("urn:isbn:1")),
        ("a", NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")),
        ("_:b1", BlankNode("b1")),
        ("12", Literal("12", datatype=NamedNode(XSD + "integer"))),
        ("1.50", Literal("1.50", datatype=NamedNode(XSD + "decimal"))),
        ("true", Literal("true", datatype=NamedNode(XSD + "boolean"))),
        ('"ex:text"', Literal("ex:text")),
        ('"名"@zh', Literal("名", language="zh")),
        ('"2026-01-31"^^xsd:date', Literal("2026-01-31", datatype=NamedNode(XSD + "date"))),
        ("<<( ex:a ex:b 1 )>>", Triple(
            NamedNode("http://example.org/a"), NamedNode("http://example.org/b"), Literal("1", datatype=NamedNode(XSD + "integer")))),
    ],
)  # fmt: skip
def test_every_notation_of_a_term_is_read(text, term):
    assert term_of(text, PREFIXES) == term


@pytest.mark.parametrize("text", ["", "thing", "<thing>", "<http://x y>", '"a', '"a", "b"', "1 . <a:b> <a:c> 2", "[]", "(1 2)", "_:a ."])
def test_what_is_not_one_term_is_refused(text):
    with pytest.raises(DataError) as refused:
        term_of(text, PREFIXES)
    assert refused.value.help


def test_a_misspelt_prefix_is_corrected():
    with pytest.raises(DataError, match="itme: of itme:1") as refused:
        term_of("itme:1", PREFIXES)
    assert refused.value.help == "did you mean item?"


iris = st.builds(lambda base, rest: NamedNode(base + rest), st.sampled_from(["urn:", *PREFIXES.values()]), st.text("ab1/.-_'é", max_size=8))
literals = st.one_of(
    st.builds(lambda n, name: Literal(n, datatype=NamedNode(XSD + name)), st.text("019.-+", max_size=5), st.sampled_from(["integer", "decimal", "date", "double"])),
    st.builds(Literal, st.text(st.characters(exclude_categories=["Cs"]))),
    st.builds(lambda text: Literal(text, language="en-gb"), st.text(st.characters(exclude_categories=["Cs"]))),
)  # fmt: skip


@given(st.one_of(iris, literals, st.builds(Triple, iris, iris, literals)))
def test_what_is_written_is_read_back_as_the_same_term(term):
    assert term_of(text_of(term, PREFIXES), PREFIXES) == term
