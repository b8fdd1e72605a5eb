"""Logical targets (RML-IO): the triples that a mapping sends to files, written in the format, encoding and compression asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, serialize

from kg.errors import MappingError
from kg.mapping import files
from kg.mapping.model import LogicalTarget
from kg.mapping.production import Production
from kg.mapping.vocabulary import FORMATS
from kg.store import Store

_FORMATS = {
    "N-Quads": RdfFormat.N_QUADS, "N-Triples": RdfFormat.N_TRIPLES, "Turtle": RdfFormat.TURTLE, "TriG": RdfFormat.TRIG, "N3": RdfFormat.N3,
    "RDF_XML": RdfFormat.RDF_XML, "JSON-LD": RdfFormat.JSON_LD,
}  # fmt: skip
_RDF_JSON = "RDF_JSON"


def check(target: LogicalTarget) -> None:
    """MappingError M118 for a format that is not written."""
    name = target.serialization.removeprefix(FORMATS)
    if name not in _FORMATS and name != _RDF_JSON:
        raise MappingError("M118", f"triples are not written as {name}", target.location, f"use formats:{', formats:'.join([*_FORMATS, _RDF_JSON])}")


def quads(store: Store, productions: Iterable[Production]) -> dict[LogicalTarget, list[Quad]]:
    """The quads of each target, without repetitions."""
    selects: dict[LogicalTarget, list[str]] = {}
    for one in productions:
        for target in one.targets:
            selects.setdefault(target, []).append(one.select())
    return {target: _decoded(store, store.connection, " UNION ".join(own)) for target, own in selects.items()}


def _decoded(store: Store, connection: duckdb.DuckDBPyConnection, select: str) -> list[Quad]:
    rows = connection.execute(f"SELECT DISTINCT g, s, p, o FROM ({select}) ORDER BY ALL").fetchall()
    terms = store.decode({term for row in rows for term in row if term})
    return [Quad(terms[s], terms[p], terms[o], terms[g] if g else DefaultGraph()) for g, s, p, o in rows]


def write(made: dict[LogicalTarget, list[Quad]]) -> None:
    """Write all targets; those of one file are written as one."""
    for target, own in made.items():
        try:
            files.write(target.file.path, _serialized(target, own), target.file.compression, target.file.encoding)
        except (OSError, LookupError, UnicodeEncodeError) as error:
            raise MappingError("M118", f"{target.file.path} cannot be written: {error}", target.location, "check the path and the encoding") from error


def _serialized(target: LogicalTarget, own: list[Quad]) -> bytes:
    name = target.serialization.removeprefix(FORMATS)
    if name == _RDF_JSON:
        return _rdf_json(own)
    form = _FORMATS[name]
    content = serialize(own if form.supports_datasets else (Triple(quad.subject, quad.predicate, quad.object) for quad in own), format=form)
    return content or b""


def _rdf_json(own: list[Quad]) -> bytes:
    """RDF 1.1 JSON Alternate Serialization; graph names are left out."""
    subjects: dict[str, dict[str, list[dict[str, str]]]] = {}
    for quad in own:
        values = subjects.setdefault(_name(quad.subject), {}).setdefault(quad.predicate.value, [])
        values.append(_value(quad.object))
    return json.dumps(subjects, ensure_ascii=False, indent=1).encode()


def _name(term: NamedNode | BlankNode) -> str:
    return term.value if isinstance(term, NamedNode) else f"_:{term.value}"


def _value(term: NamedNode | BlankNode | Literal) -> dict[str, str]:
    if not isinstance(term, Literal):
        return {"type": "uri" if isinstance(term, NamedNode) else "bnode", "value": _name(term)}
    made = {"type": "literal", "value": term.value}
    if term.language:
        return made | {"lang": term.language}
    return made | ({} if term.datatype.value.endswith("#string") else {"datatype": term.datatype.value})
