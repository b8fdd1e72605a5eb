"""Looks for mistakes that a mapping can be run with: each a MappingError (M4xx) that is not raised.

What a mapping cannot be run with (M1xx, M2xx) is found too, as far as the rest can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import duckdb
from pyoxigraph import NamedNode

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping import natural
from kg.mapping import vocabulary as rr
from kg.mapping.document import Document
from kg.mapping.model import LogicalSource, Mapping, ReferencingObjectMap, TermMap, TermType, TriplesMap
from kg.mapping.ontology import OWL, RDF, RDFS, WELL_KNOWN, Ontology
from kg.mapping.parser import load_mapping
from kg.mapping.relation import Relation, RelationColumn
from kg.mapping.relations import RelationReader
from kg.mapping.sources import Sources
from kg.mapping.template import Column, Template
from kg.mapping.variants import references
from kg.store import Store
from kg.terms import RDF_TYPE, XSD, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

# So many rows are looked at where values tell.
_SAMPLE = 10_000
_LANG_STRING = RDF + "langString"
_INTEGERS = ("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "negativeInteger", "nonPositiveInteger",
             "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte")  # fmt: skip
_WIDER = {
    **{XSD + name: {XSD_INTEGER, XSD_DECIMAL} for name in _INTEGERS}, XSD + "dateTimeStamp": {XSD + "dateTime"},
    **{XSD + name: {XSD_STRING} for name in ("normalizedString", "token", "language", "Name", "NCName", "NMTOKEN")},
}  # fmt: skip
_ANY_LITERAL = {RDFS + "Literal", RDFS + "Resource", OWL + "Thing"}


@dataclass(frozen=True)
class Linted:
    """A mapping with its document, for places, and its relations, None where one cannot be read."""

    mapping: Mapping
    document: Document
    relations: dict[LogicalSource, Relation | None]
    reader: RelationReader
    connection: duckdb.DuckDBPyConnection

    def class_place(self, one: TriplesMap, iri: str) -> Location:
        self.document.current = NamedNode(one.name) if not one.name.startswith("_:") else None
        return self.document.place(NamedNode(rr.CLASS), NamedNode(iri))

    def relation(self, one: TriplesMap) -> Relation | None:
        return self.relations.get(one.source)

    def column(self, one: TriplesMap, column: Column) -> RelationColumn | None:
        relation = self.relation(one)
        try:
            return relation.column(column, None) if relation is not None else None
        except MappingError:
            return None

    def sample(self, relation: Relation, expression: str) -> list[tuple]:
        sql = f"SELECT {expression} FROM (SELECT * FROM {relation.sql} LIMIT {_SAMPLE})"
        return self.connection.execute(sql).fetchall()


@dataclass
class Linter:
    """Goes through mapping files one after another; `findings` has what was found so far, in order."""

    base: str
    ontology: Ontology | None = None
    findings: list[MappingError] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # classes and properties
    names: dict[str, Location | None] = field(default_factory=dict)
    subjects: list[tuple[TriplesMap, Location | None]] = field(default_factory=list)

    def file(self, file: Path, sources: Sources) -> None:
        """Look at one mapping file."""
        with Store.memory() as store:
            natural.create_macros(store.connection)
            try:
                mapping = load_mapping(file, self.base)
            except MappingError as error:
                self.findings.append(error)
                return
            reader = RelationReader(store.connection, sources, references(mapping))
            linted = Linted(mapping, Document(mapping.text, str(file), self.base), {}, reader, store.connection)
            try:
                self._look_at(linted)
            finally:
                reader.close()

    def _look_at(self, linted: Linted) -> None:
        for one in linted.mapping.triples_maps:
            self._name(one)
            self._open(linted, one)
            self._columns(linted, one)
            self._terms(linted, one)
            for pair in one.predicate_object_maps:
                for object_map in pair.objects:
                    if isinstance(object_map, ReferencingObjectMap):
                        self._joins(linted, one, object_map)
                    else:
                        self._object(linted, one, pair.predicates, object_map)
            self.subjects.append((one, one.subject.location))

    def _say(self, code: str, message: str, location: Location | None, help: str, *notes: str) -> None:
        self.findings.append(MappingError(code, message, location, help, list(notes)))

    # ── Names, sources, columns ──────────────────────────────────────────────────────────────────────────────

    def _name(self, one: TriplesMap) -> None:
        if one.name in self.names and not one.name.startswith("_:"):
            self._say("M407", f"there are two triples maps named <{one.name}>", one.location, "give each a name of its own: reports and rejects name them",
                      f"the other one is at {self.names[one.name]}")  # fmt: skip
        self.names.setdefault(one.name, one.location)

    def _open(self, linted: Linted, one: TriplesMap) -> None:
        if one.source not in linted.relations:
            linted.relations[one.source] = None
            try:
                linted.relations[one.source] = linted.reader.open(one.source)
            except MappingError as error:
                self.findings.append(error)

    def _columns(self, linted: Linted, one: TriplesMap) -> None:
        relation = linted.relation(one)
        if relation is None or relation.has_records:
            for reference in relation.unmatched if relation is not None else ():
                self._say("M203", f"{reference} finds nothing in any record of {one.source}", one.location, "correct the reference, or the iterator")
            return
        for column, location in _columns(linted.mapping, one):
            try:
                relation.column(column, location)
            except MappingError as error:
                if (error.message, error.location) not in [(known.message, known.location) for known in self.findings]:
                    self.findings.append(error)

    # ── Words of the ontology ────────────────────────────────────────────────────────────────────────────────

    def _terms(self, linted: Linted, one: TriplesMap) -> None:
        for iri in one.classes:
            self._word(iri.value, "class", linted.class_place(one, iri.value))
        for pair in one.predicate_object_maps:
            for predicate in pair.predicates:
                if not predicate.is_constant:
                    continue
                self._word(predicate.value.value, "property", predicate.location)
                if predicate.value.value == RDF_TYPE:
                    for object_map in pair.objects:
                        if isinstance(object_map, TermMap) and isinstance(object_map.value, NamedNode):
                            self._word(object_map.value.value, "class", object_map.location)

    def _word(self, iri: str, use: str, location: Location | None) -> None:
        self.made.add(iri)
        if self.ontology is None or iri.startswith(WELL_KNOWN):
            return
        term = self.ontology.terms.get(iri)
        if term is None:
            same = [other.iri for other in self.ontology.terms.values() if (other.kind == "class") == (use == "class")]
            hint = did_you_mean(self.ontology.short(iri), [self.ontology.short(other) for other in same])
            self._say("M401", f"the ontology has no {use} {self.ontology.short(iri)}", location, hint or "declare it in the ontology, or use one that is there")
        elif (term.kind == "class") != (use == "class"):
            self._say("M402", f"{self.ontology.short(iri)} is used as a {use}; the ontology declares a {'class' if term.kind == 'class' else 'property'}", location, "use another word, or correct the ontology")
        elif term.is_deprecated:
            self._say("M402", f"{self.ontology.short(iri)} is deprecated", location, "use what the ontology has instead")

    def _object(self, linted: Linted, one: TriplesMap, predicates: Sequence[TermMap], object_map: TermMap) -> None:
        datatype = _datatype(linted, one, object_map)
        for predicate in predicates:
            if predicate.is_constant and self.ontology is not None:
                self._range(predicate.value.value, object_map, datatype)
        self._values(linted, one, object_map)

    def _range(self, iri: str, object_map: TermMap, datatype: str | None) -> None:
        term = self.ontology.terms.get(iri)
        if term is None:
            return
        name, ranges = self.ontology.short(iri), self.ontology.ranges(iri) - _ANY_LITERAL
        is_literal = object_map.term_type is TermType.LITERAL
        if term.kind == "data" and not is_literal:
            self._say("M402", f"{name} has literals as values, but {object_map} makes IRIs or blank nodes", object_map.location, "add rr:termType rr:Literal, or use an object property")
        elif term.kind == "object" and is_literal:
            self._say("M402", f"{name} has things as values, but {object_map} makes literals", object_map.location, "use rr:template with the IRI of the thing, or a datatype property")
        elif is_literal and datatype is not None:
            wanted = {one for one in ranges if one.startswith(XSD) or one in (_LANG_STRING, RDF + "PlainLiteral")}
            fits = {datatype} | _WIDER.get(datatype, set()) | ({RDF + "PlainLiteral"} if datatype in (XSD_STRING, _LANG_STRING) else set())
            if wanted and not wanted & fits:
                shown = " or ".join(sorted(_short(one) for one in wanted))
                remedy = f"add rr:datatype {shown}" if _LANG_STRING not in wanted else "add rr:language"
                self._say("M404", f"{object_map} makes {_short(datatype)}, but the range of {name} is {shown}", object_map.location, f"{remedy}, or correct the ontology")

    # ── Values ───────────────────────────────────────────────────────────────────────────────────────────────

    def _values(self, linted: Linted, one: TriplesMap, object_map: TermMap) -> None:
        """More than half of the values are not of the datatype: the mapping is wrong, not the data."""
        if object_map.datatype is None or not isinstance(object_map.value, Column) or not natural.is_checked(object_map.datatype):
            return
        column, relation = linted.column(one, object_map.value), linted.relation(one)
        if column is None:
            return
        text = natural.natural_lexical(column.type, column.sql)
        bad = f"NOT ({natural.is_valid(object_map.datatype, f'({natural.lexical_for(object_map.datatype, text)})')})"
        count, wrong, example = linted.sample(relation, f"count({column.sql}), count(*) FILTER ({bad}), min({text}) FILTER ({bad})")[0]
        if wrong * 2 > count:
            self._say("M405", f"{wrong:,} of the first {count:,} values of column {column.name} are no {_short(object_map.datatype)}, such as {example!r}",
                      object_map.location, "correct rr:datatype, or convert the column in an rr:sqlQuery")  # fmt: skip

    def _joins(self, linted: Linted, one: TriplesMap, object_map: ReferencingObjectMap) -> None:
        parent = linted.mapping.triples_map(object_map.parent)
        self._open(linted, parent)
        for join in object_map.joins:
            if not isinstance(join.child, Column) or not isinstance(join.parent, Column):
                continue
            try:
                pair = [(relation.column(side, join.location), relation) for relation, side in ((linted.relation(one), join.child), (linted.relation(parent), join.parent)) if relation is not None]
            except MappingError as error:
                self.findings.append(error)
                continue
            if len(pair) < 2:
                continue
            kinds = [_kind(linted, relation, column) for column, relation in pair]
            if None not in kinds and kinds[0] != kinds[1]:
                self._say("M406", f"the join compares column {pair[0][0].name}, which has {kinds[0]}, with column {pair[1][0].name}, which has {kinds[1]}",
                          join.location, "join columns that name the same thing, or CAST one of them in an rr:sqlQuery")  # fmt: skip

    # ── Several triples maps ─────────────────────────────────────────────────────────────────────────────────

    def collisions(self) -> None:
        """Templates that can make the same IRI of things whose classes have nothing to do with one another."""
        told = set()
        for (one, place), (other, other_place) in combinations(self.subjects, 2):
            if one.source == other.source or not (one.classes and other.classes) or not _can_collide(one.subject, other.subject):
                continue
            if any(self.ontology.are_related(a.value, b.value) if self.ontology else a == b for a in one.classes for b in other.classes):
                continue
            pair = (one.subject.value, other.subject.value, one.classes, other.classes)
            if pair in told:
                continue
            told.add(pair)
            names = [self.ontology.short(maps.classes[0].value) if self.ontology else f"<{maps.classes[0].value}>" for maps in (one, other)]
            self._say("M403", f"{one.short_name} and {other.short_name} can give one IRI to a {names[0]} and a {names[1]}", other_place,
                      "put a word for the kind of thing into each template, or give both a class in common", f"the other template is at {place}")  # fmt: skip

    def never_made(self, concluded: Iterable[str]) -> None:
        """Classes and properties that neither a mapping nor a rule makes, nor anything below them, nor the ontology itself says."""
        if self.ontology is None:
            return
        used = {above for iri in {*self.made, *concluded, *self.ontology.asserted} for above in self.ontology.with_above(iri)}
        for term in self.ontology.terms.values():
            if term.iri not in used and term.kind != "annotation" and not term.is_deprecated:
                what = "class" if term.kind == "class" else "property"
                self._say("M408", f"no mapping, rule or measure makes the {what} {self.ontology.short(term.iri)}", term.location, "map it, take it out of the ontology, or mark it owl:deprecated")


def lint(files: Iterable[tuple[Path, Sources]], base: str, ontology: Ontology | None = None, concluded: Iterable[str] | None = None) -> list[MappingError]:
    """Look at mapping files with their sources. `concluded` are the words that rules and measures make; None where the files are not all there are."""
    linter = Linter(base, ontology)
    for file, sources in files:
        linter.file(file, sources)
    linter.collisions()
    if concluded is not None:
        linter.never_made(concluded)
    return linter.findings


def _columns(mapping: Mapping, one: TriplesMap) -> Iterator[tuple[Column, Location | None]]:
    maps: list[TermMap] = [one.subject, *one.graphs]
    for pair in one.predicate_object_maps:
        maps += [*pair.predicates, *pair.graphs, *(object_map for object_map in pair.objects if isinstance(object_map, TermMap))]
    for term_map in maps:
        for column in term_map.columns:
            yield column, term_map.location
        for part in (term_map.datatype_map, term_map.language_map):
            for column in part.columns if part is not None else ():
                yield column, part.location


def _datatype(linted: Linted, one: TriplesMap, object_map: TermMap) -> str | None:
    """The datatype of the literals that an object map makes; None where it depends on the row or is unknown."""
    if object_map.datatype_map or object_map.language_map:
        return _LANG_STRING if object_map.language_map else None
    if object_map.is_constant:
        value = object_map.value
        return None if isinstance(value, NamedNode) else _LANG_STRING if value.language else value.datatype.value
    if object_map.language:
        return _LANG_STRING
    if object_map.datatype or isinstance(object_map.value, Template):
        return object_map.datatype or XSD_STRING
    column = linted.column(one, object_map.value)
    return natural.natural_datatype(column.declared or column.type) if column is not None and not column.datatypes else None


def _kind(linted: Linted, relation: Relation, column: RelationColumn) -> str | None:
    """What sort of values a column has, by its type or, of texts, by the values themselves."""
    kind = column.declared or column.type
    if natural.is_integer(kind):
        return "whole numbers"
    if kind != "VARCHAR":
        return {"DATE": "dates", "BOOLEAN": "truth values"}.get(kind, "numbers" if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) else None)
    digits, dates, count = linted.sample(
        relation, f"count(*) FILTER (regexp_full_match({column.sql}, '-?[0-9]+')), count(*) FILTER (regexp_full_match({column.sql}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}.*')), count({column.sql})"
    )[0]
    if not count:
        return None
    return "whole numbers" if digits == count else "dates" if dates == count else "texts" if digits + dates == 0 else None


def _can_collide(one: TermMap, other: TermMap) -> bool:
    if not (isinstance(one.value, Template) and isinstance(other.value, Template) and one.term_type is other.term_type is TermType.IRI):
        return False
    return _instance(one.value, other.value) or _instance(other.value, one.value)


def _instance(one: Template, other: Template) -> bool:
    """Whether an IRI of one template is one of the other's: its values hold no reserved characters."""
    text = "".join("1" if isinstance(part, Column) else part for part in one.parts)
    pattern = "".join("[^:/?#\\[\\]@!$&'()*+,;=]+" if isinstance(part, Column) else re.escape(part) for part in other.parts)
    return re.fullmatch(pattern, text) is not None


def _short(iri: str) -> str:
    return iri.replace(XSD, "xsd:").replace(RDF, "rdf:")
