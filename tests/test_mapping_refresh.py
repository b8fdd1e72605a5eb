"""Refreshing a mapping: what a change of its sources leads to is what mapping from scratch leads to, by rows, by sources or in full."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.mapping import materialize, refresh
from kg.store import Store

BASE = "http://example.org/"
PREFIXES = "@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix ex: <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
# Two triples maps over one table whose subjects can be the same, a second table that says the same of the same things, a third one apart.
BY_ROWS = """
ex:Thing rr:logicalTable [ rr:tableName "thing" ] ; rr:subjectMap [ rr:template "http://example.org/t/{id}" ; rr:class ex:Thing ] ;
  rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column "name" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:n ; rr:objectMap [ rr:column "n" ; rr:datatype xsd:integer ] ] .
ex:Owner rr:logicalTable [ rr:tableName "thing" ] ; rr:subjectMap [ rr:template "http://example.org/t/{owner}" ; rr:graphMap [ rr:template "http://example.org/g/{n}" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:owns ; rr:objectMap [ rr:template "http://example.org/t/{id}" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column "name" ] ] .
ex:Other rr:logicalTable [ rr:tableName "other" ] ; rr:subjectMap [ rr:template "http://example.org/t/{id}" ] ;
  rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column "name" ] ] .
ex:Apart rr:logicalTable [ rr:tableName "apart" ] ; rr:subjectMap [ rr:template "{id}" ; rr:termType rr:BlankNode ; rr:class ex:Apart ] ;
  rr:predicateObjectMap [ rr:predicate ex:title ; rr:objectMap [ rr:column "name" ] ] .
"""
JOINED = BY_ROWS + """
ex:Joined rr:logicalTable [ rr:tableName "apart" ] ; rr:subjectMap [ rr:template "http://example.org/j/{id}" ] ;
  rr:predicateObjectMap [ rr:predicate ex:isLike ; rr:objectMap [ rr:parentTriplesMap ex:Thing ; rr:joinCondition [ rr:child "name" ; rr:parent "name" ] ] ] .
"""
HEADS = {"thing": ["id", "owner", "name", "n"], "other": ["id", "name"], "apart": ["id", "name"]}
values = st.sampled_from(["", "1", "2", "3", "a b", "x\x1fy", "x", "7", "many", 'q"q', "线\n行"])
rows = {name: st.lists(st.tuples(*[values] * len(head)), max_size=7) for name, head in HEADS.items()}
tables = st.fixed_dictionaries(rows)


def write(folder: Path, content: dict[str, list[tuple[str, ...]]]) -> None:
    for name, head in HEADS.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *content[name]])


def content(store: Store) -> tuple[list, list]:
    quads = store.connection.execute("SELECT g, s, p, o FROM quads").fetchall()
    terms = store.decode({term for row in quads for term in row if term})
    rejects = store.connection.execute("SELECT triples_map, source, line, column_name, value, reason FROM rejects").fetchall()
    return sorted(tuple(str(terms.get(term)) for term in row) for row in quads), sorted(rejects, key=str)


@pytest.mark.parametrize(("text", "others"), [(BY_ROWS, "changed rows"), (JOINED, "changed sources")])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(tables, min_size=2, max_size=2))
def test_a_refresh_leads_to_what_mapping_from_scratch_leads_to(monkeypatch, text, others, versions):
    monkeypatch.setattr(refresh, "HASHED_BYTES", 0)
    with TemporaryDirectory() as folder, Store.memory() as refreshed:
        folder, mapping = Path(folder), Path(folder) / "things.r2rml.ttl"
        mapping.write_text(PREFIXES + text, encoding="utf-8")
        for number, version in enumerate(versions):
            write(folder, version)
            before = content(refreshed)[0]
            report = materialize(refreshed, mapping, folder, base=BASE)
            if number and version != versions[number - 1]:
                assert report.mapped in (others, "changed rows", "all rows" if others == "changed sources" else others)
            with Store.memory() as scratch:
                whole = materialize(scratch, mapping, folder, base=BASE)
                assert content(refreshed) == content(scratch)
                assert (report.triples, report.rejects) == (whole.triples, whole.rejects)
            after = set(content(refreshed)[0])
            assert (report.diff.inserted, report.diff.deleted) == (len(after - set(before)), len(set(before) - after))


def mapped(store: Store, folder: Path, **changes: str) -> str:
    """How a mapping is run after some tables were written anew."""
    for name, lines in changes.items():
        (folder / f"{name}.csv").write_text(lines)
    report = materialize(store, folder / "things.r2rml.ttl", folder, base=BASE)
    with Store.memory() as scratch:
        materialize(scratch, folder / "things.r2rml.ttl", folder, base=BASE)
        assert content(store) == content(scratch)
    return report.mapped


def test_what_is_read_again_depends_on_what_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(refresh, "HASHED_BYTES", 0)
    (tmp_path / "things.r2rml.ttl").write_text(PREFIXES + JOINED)
    with Store.memory() as store:
        assert mapped(store, tmp_path, thing="id,owner,name,n\n1,2,a,5\n", other="id,name\n1,b\n", apart="id,name\n7,a\n") == "all rows"
        assert mapped(store, tmp_path, other="id,name\n1,c\n") == "changed rows"
        assert mapped(store, tmp_path, apart="id,name\n8,a\n") == "changed sources"  # it joins
        assert mapped(store, tmp_path, thing="id,owner,name,n\n1,2,d,5\n") == "all rows"  # others join with it and share its names
        (tmp_path / "things.r2rml.ttl").write_text(PREFIXES + JOINED + "# another text\n")
        assert mapped(store, tmp_path, other="id,name\n1,d\n") == "all rows"


def test_a_table_that_has_become_another_is_read_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(refresh, "HASHED_BYTES", 0)
    monkeypatch.setattr(refresh, "_FEW", 0)
    (tmp_path / "things.r2rml.ttl").write_text(PREFIXES + BY_ROWS)
    with Store.memory() as store:
        many = "id,owner,name,n\n" + "".join(f"{i},2,a,5\n" for i in range(20))
        assert mapped(store, tmp_path, thing=many, other="id,name\n1,b\n", apart="id,name\n7,a\n") == "all rows"
        assert mapped(store, tmp_path, apart="id,name\n7,b\n") == "changed sources"
        assert mapped(store, tmp_path, thing=many.replace("\n7,", "\n77,")) == "changed rows"


def test_a_template_that_is_registered_between_two_runs_is_known_of_rows_too(tmp_path, monkeypatch):
    monkeypatch.setattr(refresh, "HASHED_BYTES", 0)
    (tmp_path / "things.r2rml.ttl").write_text(PREFIXES + BY_ROWS)
    with Store.memory() as store:
        mapped(store, tmp_path, thing="id,owner,name,n\nx,y,a,5\n1,x,b,6\n", other="id,name\nx,b\n", apart="id,name\n7,a\n")
        store.register_template(BASE + "t/")
        assert mapped(store, tmp_path, thing="id,owner,name,n\nx,y,a,5\n1,x,c,6\n") == "changed rows"
