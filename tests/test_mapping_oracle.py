"""Random tables under random mappings: the set-at-a-time engine makes what a row-at-a-time reading of R2RML makes."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, Triple

from kg.mapping import Sources, materialize, parse_mapping, rows_for, source_of_url
from kg.mapping.model import ReferencingObjectMap, TermMap, TermType, TriplesMap
from kg.mapping.template import Column
from kg.store import Store

BASE = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
COLUMNS = ("a", "b", "c")
HEAD = "@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix ex: <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"

values = st.one_of(
    st.integers(-3, 30).map(str),
    st.sampled_from(["", "", "007", "1.50", "-0", "2020-02-29", "2021-02-29", "true", "4503599627370496", "99999999999999999999", "1e3", "x/y z", "李明", 'say "hi"', "two\nlines", "%", "é,;"]),
    st.text("ab1 ü", max_size=3),
)  # fmt: skip
tables = st.lists(st.tuples(values, values, values), max_size=8)
columns = st.sampled_from(COLUMNS)


@st.composite
def term_maps(draw: st.DrawFn, is_object: bool) -> str:
    first, second = draw(columns), draw(columns)
    iris = [
        f'rr:template "http://example.org/t/{{{first}}}"', f'rr:template "http://example.org/{{{first}}}"', f'rr:template "r/{{{first}}}/s"',
        f'rr:template "http://example.org/{{{first}}}-{{{second}}}"', "rr:constant ex:t",
    ]  # fmt: skip
    literals = [f'rr:column "{first}"', f'rr:column "{first}" ; rr:language "zh"', f'rr:template "{{{first}}}\\\\{{{{{second}}}" ; rr:termType rr:Literal', 'rr:constant "5"']
    literals += [f'rr:column "{first}" ; rr:datatype xsd:{name}' for name in ("integer", "decimal", "date", "boolean", "double", "string")]
    return draw(st.sampled_from(iris + literals * is_object))


@st.composite
def mappings(draw: st.DrawFn) -> str:
    maps = []
    for number in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(["one", "two"]))
        graphs = draw(st.sampled_from(["", " ; rr:graph ex:g", f' ; rr:graphMap [ rr:template "http://example.org/t/{{{draw(columns)}}}" ]', " ; rr:graph ex:g, rr:defaultGraph"]))
        text = f'ex:M{number} rr:logicalTable [ rr:tableName "{table}" ] ; rr:subjectMap [ {draw(term_maps(False))}{draw(st.sampled_from(["", " ; rr:class ex:C"]))}{graphs} ]'
        for _ in range(draw(st.integers(0, 3))):
            joins = f"rr:parentTriplesMap ex:M0 ; rr:joinCondition [ rr:child \"{draw(columns)}\" ; rr:parent \"{draw(columns)}\" ]"
            object_map = draw(st.one_of(term_maps(True), st.just(joins)))
            text += f" ; rr:predicateObjectMap [ rr:predicate {draw(st.sampled_from(['ex:p', 'ex:q']))} ; rr:objectMap [ {object_map} ] ]"
        maps.append(text + " .")
    return HEAD + "\n".join(maps)


# ── One row after the other, as section 11 says it ───────────────────────────────────────────────────────────

Row = dict[str, str | None]
_VALID = {
    "integer": lambda text: re.fullmatch(r"[+-]?\d+", text, re.ASCII),
    "decimal": lambda text: re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII),
    "double": lambda text: re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?INF|NaN", text, re.ASCII),
    "boolean": lambda text: text in ("true", "false", "1", "0"),
    "date": lambda text: re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) and _is_day(text),
}


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def term_of(term_map: TermMap, row: Row) -> NamedNode | Literal | None:
    value = term_map.value
    if not isinstance(value, Column) and term_map.is_constant:
        return value
    is_iri = term_map.term_type is TermType.IRI
    parts = [value] if isinstance(value, Column) else value.parts
    texts = [part if isinstance(part, str) else row[part.name] for part in parts]
    if None in texts:
        return None
    safe = [_encoded(text) if is_iri and isinstance(part, Column) else text for part, text in zip(parts, texts, strict=True)]
    text = "".join(safe)
    if is_iri:
        return NamedNode(text if text.startswith("http://") else BASE + text)
    if term_map.language:
        return Literal(text, language=term_map.language)
    name = (term_map.datatype or XSD + "string").removeprefix(XSD)
    if name == "string":
        return Literal(text)
    text = text.strip(" ").lower() if name == "boolean" else text.strip(" ")
    return Literal(text, datatype=NamedNode(XSD + name)) if _VALID[name](text) else None


def _encoded(text: str) -> str:
    return "".join(quote(character, safe="") if character.isascii() else character for character in text)


def oracle(maps: dict[str, TriplesMap], rows_of: dict[str, list[Row]]) -> Iterator[Quad]:
    for one in maps.values():
        for row in rows_of[one.source.table]:
            subject = term_of(one.subject, row)
            if subject is None:
                continue
            pairs = [(NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"), class_iri) for class_iri in one.classes]
            for predicate_object_map in one.predicate_object_maps:
                for object_map in predicate_object_map.objects:
                    pairs += [(predicate_object_map.predicates[0].value, term) for term in objects(object_map, row, maps, rows_of)]
            graphs = [graph for graph_map in one.graphs if (graph := term_of(graph_map, row)) is not None]
            for graph in graphs or [None]:
                for predicate, term in pairs:
                    is_default = graph is None or graph.value.endswith("#defaultGraph")
                    yield Quad(subject, predicate, term) if is_default else Quad(subject, predicate, term, graph)


def objects(object_map: TermMap | ReferencingObjectMap, row: Row, maps: dict[str, TriplesMap], rows_of: dict[str, list[Row]]) -> list:
    if isinstance(object_map, TermMap):
        found = [term_of(object_map, row)]
    else:
        parent, join = maps[object_map.parent], object_map.joins[0]
        rows = [other for other in rows_of[parent.source.table] if row[join.child.name] is not None and other[join.parent.name] == row[join.child.name]]
        found = [term_of(parent.subject, other) for other in rows]
    return [term for term in found if term is not None]


def _write(path: Path, table: list[tuple[str, ...]]) -> list[Row]:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *table])
    return [dict(zip(COLUMNS, (value or None for value in row), strict=True)) for row in table]


# No shrinking: an example takes half a second, and a failing one is small already.
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(one=tables, two=tables, changed=tables, text=mappings())
def test_quads_are_those_of_the_rows_one_by_one_and_every_one_leads_back(one: list, two: list, changed: list, text: str) -> None:
    with tempfile.TemporaryDirectory() as name, Store.memory() as store:
        folder = Path(name)
        file = folder / "m.r2rml.ttl"
        file.write_text(text, encoding="utf-8")
        maps = {each.name: each for each in parse_mapping(text).triples_maps}
        sources = Sources(source_of_url(folder))
        for first in (one, changed):
            rows_of = {"one": _write(folder / "one.csv", first), "two": _write(folder / "two.csv", two)}
            expected = set(oracle(maps, rows_of))
            before = _quads(store)
            diff = materialize(store, file, sources, base=BASE).diff
            found = _quads(store)
            assert found == sorted(found, key=str) == sorted(expected, key=str)
            assert (diff.inserted, diff.deleted) == (len(set(found) - set(before)), len(set(before) - set(found)))
        for quad in found[:3]:
            assert rows_for(Triple(quad.subject, quad.predicate, quad.object), file, sources, base=BASE)


def _quads(store: Store) -> list[Quad]:
    rows = store.connection.execute("SELECT s, p, o, g FROM quads").fetchall()
    terms = store.decode({term for row in rows for term in row if term})
    return sorted((Quad(*(terms[term] for term in row if term)) for row in rows), key=str)
