"""Terms in memory: a process that looks them up all the time finds what the tables of the dictionary say."""

from __future__ import annotations

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode

from kg.store import Store, resident_terms

XSD = "http://www.w3.org/2001/XMLSchema#"
TERMS = [
    NamedNode("http://e/a"), NamedNode("http://e/b"), Literal("http://e/a"), Literal("a"), Literal("a", language="en"), Literal("a", language="zh"), Literal(""),
    Literal("a", datatype=NamedNode("http://e/a")), Literal("1.50", datatype=NamedNode(XSD + "double")), Literal("中文\n\x00\"'"), BlankNode("a"), Literal("é"), Literal("é"),
]  # fmt: skip
UNKNOWN = [NamedNode("http://e/c"), Literal("b"), Literal("a", language="de"), Literal("A"), BlankNode("b"), Literal("http://e/b")]


@pytest.mark.parametrize("often", [1, 3, 1000])
def test_terms_are_found_by_text_and_by_id_whether_they_lie_in_memory_or_not(tmp_path, monkeypatch, often):
    monkeypatch.setattr(resident_terms, "ASKED_OFTEN", often)
    monkeypatch.setattr(resident_terms, "_PART", 4)
    with Store.open(tmp_path / "graph.duckdb") as store:
        ids = store.encode(TERMS)
    with Store.open(tmp_path / "graph.duckdb", read_only=True) as store:
        assert [store.lookup(term) for term in TERMS] == ids
        assert [store.lookup(term) for term in UNKNOWN] == [None] * len(UNKNOWN)
        assert [store.decode([term_id])[term_id] for term_id in ids] == TERMS
        assert store.lookup_many([*UNKNOWN, *TERMS]) == [None] * len(UNKNOWN) + ids


def test_an_empty_dictionary_has_no_term(tmp_path, monkeypatch):
    monkeypatch.setattr(resident_terms, "ASKED_OFTEN", 1)
    Store.open(tmp_path / "graph.duckdb").close()
    with Store.open(tmp_path / "graph.duckdb", read_only=True) as store:
        assert store.lookup_many([Literal("a"), NamedNode("http://e/a")]) == [None, None]


def test_a_large_dictionary_stays_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(resident_terms, "ASKED_OFTEN", 1)
    monkeypatch.setattr(resident_terms, "MOST_TERMS", 3)
    with Store.open(tmp_path / "graph.duckdb") as store:
        ids = store.encode(TERMS)
    with Store.open(tmp_path / "graph.duckdb", read_only=True) as store:
        assert [store.lookup(term) for term in TERMS] == ids and store.decode(ids)[ids[0]] == TERMS[0]
