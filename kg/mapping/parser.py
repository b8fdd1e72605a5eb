"""R2RML documents in Turtle → `model.Mapping`; every mistake is a MappingError M1xx with its place and remedy."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, QuadParser, RdfFormat, parse

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping import vocabulary as rr
from kg.mapping.model import (
    JoinCondition,
    LogicalSource,
    Mapping,
    PredicateObjectMap,
    ReferencingObjectMap,
    TermMap,
    TermType,
    TriplesMap,
)
from kg.mapping.places import Places
from kg.mapping.template import Column, Template, TemplateSyntaxError

Node = NamedNode | BlankNode
_TERM_TYPES = {rr.RR + "IRI": TermType.IRI, rr.RR + "BlankNode": TermType.BLANK_NODE, rr.RR + "Literal": TermType.LITERAL}
_RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"

# BCP 47: a language of two or three letters (four to eight are reserved or unregistered), then subtags; or private use.
_LANGUAGE_TAG = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?|[XxIi](?:-[A-Za-z0-9]{1,8})+)"
)


def load_mapping(file: str | Path, base: str | None = None) -> Mapping:
    """Read an R2RML document; relative IRIs in it are resolved against its @base, else `base`."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = [one.name for one in path.parent.glob("*.ttl")] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, known) or "give the path of an R2RML document in Turtle"
        raise MappingError("M100", "there is no such mapping file", Location(str(path)), hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError("M100", f"the mapping file cannot be read: {error}", Location(str(path)), "save it as UTF-8 text") from error
    return parse_mapping(text, str(path), base)


def parse_mapping(text: str, file: str = "<mapping>", base: str | None = None) -> Mapping:
    """The triples maps of an R2RML document."""
    return _Document(text, file, base).mapping()


class _Document:
    """The RDF graph of one document, read node by node."""

    def __init__(self, text: str, file: str, base: str | None):
        self.text, self.file = text, file
        self.properties: dict[Node, dict[str, list[NamedNode | BlankNode | Literal]]] = defaultdict(lambda: defaultdict(list))
        parser: QuadParser = parse(text, format=RdfFormat.TURTLE, base_iri=base)
        try:
            for quad in parser:
                values = self.properties[quad.subject][quad.predicate.value]
                if quad.object not in values:
                    values.append(quad.object)
        except SyntaxError as error:
            location = Location.in_text(text, error.lineno, error.offset or 1, file) if error.lineno else Location(file)
            raise MappingError("M101", f"this is not Turtle: {error.msg}", location, "correct the syntax; a missing dot, semicolon or prefix is usual") from error
        self.places = Places(text, file, parser.prefixes, parser.base_iri or base)
        self.current: Node | None = None  # the triples map being read, where places are looked for

    def mapping(self) -> Mapping:
        markers = (rr.LOGICAL_TABLE, rr.SUBJECT, rr.SUBJECT_MAP, rr.PREDICATE_OBJECT_MAP)
        nodes = [
            node
            for node, properties in self.properties.items()
            if NamedNode(rr.TRIPLES_MAP) in properties.get(_RDF_TYPE.value, ())
            or rr.LOGICAL_TABLE in properties
            or (rr.PREDICATE_OBJECT_MAP in properties and any(marker in properties for marker in markers))
        ]
        if not nodes:
            raise MappingError("M102", "the document has no triples map", Location(self.file), "give a node rr:logicalTable, rr:subjectMap and rr:predicateObjectMap")
        maps = [self.triples_map(node) for node in nodes]
        by_name = {one.name: one for one in maps}
        for one in maps:
            self.check_references(one, by_name)
        return Mapping(self.file, self.text, tuple(maps))

    # ── Triples maps ─────────────────────────────────────────────────────────────────────────────────────────

    def triples_map(self, node: Node) -> TriplesMap:
        self.current = node
        self.check_properties(node, "triples map")
        table = self.only(node, rr.LOGICAL_TABLE, "M103", "a triples map has exactly one rr:logicalTable", "add rr:logicalTable [ rr:tableName \"…\" ]")
        subjects = [*self.values(node, rr.SUBJECT), *self.values(node, rr.SUBJECT_MAP)]
        if len(subjects) != 1:
            raise self.error(
                "M105",
                f"{_name(node)} has {'no' if not subjects else 'more than one'} subject map",
                "a triples map needs exactly one rr:subjectMap (or rr:subject)",
                *([NamedNode(rr.SUBJECT_MAP)] if subjects else []),
            )
        classes: tuple[NamedNode, ...] = ()
        graphs: tuple[TermMap, ...] = ()
        if self.values(node, rr.SUBJECT):
            subject = self.constant(subjects[0], "subject map", NamedNode(rr.SUBJECT))
        else:
            subject_node = self.node(subjects[0], rr.SUBJECT_MAP)
            subject = self.term_map(subject_node, "subject map")
            graphs = self.graphs(subject_node)
            for one in self.values(subject_node, rr.CLASS):
                if not isinstance(one, NamedNode):
                    raise self.error("M115", f"rr:class is {one}, which is not an IRI", "name the class by its IRI", NamedNode(rr.CLASS), one)
            classes = tuple(self.values(subject_node, rr.CLASS))
        return TriplesMap(
            name=node.value if isinstance(node, NamedNode) else f"_:{node.value}",
            source=self.logical_table(self.node(table, rr.LOGICAL_TABLE)),
            subject=subject,
            classes=classes,
            graphs=graphs,
            predicate_object_maps=tuple(
                self.predicate_object_map(self.node(one, rr.PREDICATE_OBJECT_MAP)) for one in self.values(node, rr.PREDICATE_OBJECT_MAP)
            ),
            location=self.place(),
        )

    def logical_table(self, node: Node) -> LogicalSource:
        self.check_properties(node, "logical table")
        names, queries = self.values(node, rr.TABLE_NAME), self.values(node, rr.SQL_QUERY)
        if len(names) + len(queries) != 1:
            problem = "neither rr:tableName nor rr:sqlQuery" if not names and not queries else "more than one of rr:tableName and rr:sqlQuery"
            raise self.error("M104", f"the logical table of {_name(self.current)} has {problem}", "give one of them", NamedNode(rr.LOGICAL_TABLE))
        for version in self.values(node, rr.SQL_VERSION):
            if not isinstance(version, NamedNode):
                raise self.error("M115", f"rr:sqlVersion is {version}, which is not an IRI", "write rr:SQL2008 or leave it out", NamedNode(rr.SQL_VERSION))
        if names:
            name = self.string(names[0], rr.TABLE_NAME)
            return LogicalSource(table=name, location=self.place(NamedNode(rr.TABLE_NAME), names[0]))
        query = self.string(queries[0], rr.SQL_QUERY)
        return LogicalSource(query=query, location=self.place(NamedNode(rr.SQL_QUERY), queries[0]))

    def predicate_object_map(self, node: Node) -> PredicateObjectMap:
        self.check_properties(node, "predicate-object map")
        predicates = self.term_maps(node, rr.PREDICATE, rr.PREDICATE_MAP, "predicate map")
        objects: list[TermMap | ReferencingObjectMap] = [
            self.constant(one, "object map", NamedNode(rr.OBJECT)) for one in self.values(node, rr.OBJECT)
        ]
        for one in self.values(node, rr.OBJECT_MAP):
            object_node = self.node(one, rr.OBJECT_MAP)
            if self.values(object_node, rr.PARENT_TRIPLES_MAP) or self.values(object_node, rr.JOIN_CONDITION):
                objects.append(self.referencing_object_map(object_node))
            else:
                objects.append(self.term_map(object_node, "object map"))
        if not predicates or not objects:
            missing = "predicate" if not predicates else "object"
            raise self.error(
                "M112",
                f"a predicate-object map of {_name(self.current)} has no {missing}",
                f"add rr:{missing} or rr:{missing}Map",
                NamedNode(rr.PREDICATE_OBJECT_MAP),
            )
        return PredicateObjectMap(predicates, tuple(objects), self.graphs(node))

    def graphs(self, node: Node) -> tuple[TermMap, ...]:
        return self.term_maps(node, rr.GRAPH, rr.GRAPH_MAP, "graph map")

    def term_maps(self, node: Node, shortcut: str, full: str, kind: str) -> tuple[TermMap, ...]:
        constants = [self.constant(one, kind, NamedNode(shortcut)) for one in self.values(node, shortcut)]
        return tuple(constants + [self.term_map(self.node(one, full), kind) for one in self.values(node, full)])

    def referencing_object_map(self, node: Node) -> ReferencingObjectMap:
        """Section 8."""
        self.check_properties(node, "referencing object map")
        parent = self.only(node, rr.PARENT_TRIPLES_MAP, "M113", "a referencing object map has exactly one rr:parentTriplesMap", "name one triples map")
        if isinstance(parent, Literal):
            raise self.error("M113", f"rr:parentTriplesMap is the literal {parent}", "name a triples map by its IRI", NamedNode(rr.PARENT_TRIPLES_MAP))
        joins = []
        for one in self.values(node, rr.JOIN_CONDITION):
            join = self.node(one, rr.JOIN_CONDITION)
            self.check_properties(join, "join condition")
            sides = [
                self.string(self.only(join, side, "M114", f"a join condition has exactly one {_short(side)}", "give rr:child and rr:parent, one column each"), side)
                for side in (rr.CHILD, rr.PARENT)
            ]
            joins.append(JoinCondition(Column.parse(sides[0]), Column.parse(sides[1]), self.place(NamedNode(rr.CHILD), Literal(sides[0]))))
        name = parent.value if isinstance(parent, NamedNode) else f"_:{parent.value}"
        return ReferencingObjectMap(name, tuple(joins), self.place(NamedNode(rr.PARENT_TRIPLES_MAP), parent))

    def check_references(self, one: TriplesMap, by_name: dict[str, TriplesMap]) -> None:
        for predicate_object_map in one.predicate_object_maps:
            for object_map in predicate_object_map.objects:
                if not isinstance(object_map, ReferencingObjectMap):
                    continue
                parent = by_name.get(object_map.parent)
                if parent is None:
                    hint = did_you_mean(object_map.parent, by_name) or "declare it, with rr:logicalTable and rr:subjectMap"
                    raise MappingError("M113", f"the parent triples map {object_map.parent} is not declared", object_map.location, hint)
                if not object_map.joins and parent.source != one.source:
                    raise MappingError(
                        "M117",
                        f"{one.short_name} refers to {parent.short_name} without a join, but they read different logical tables",
                        object_map.location,
                        "add rr:joinCondition [ rr:child \"…\" ; rr:parent \"…\" ]",
                    )

    # ── Term maps ────────────────────────────────────────────────────────────────────────────────────────────

    def constant(self, term: NamedNode | BlankNode | Literal, kind: str, written_as: NamedNode) -> TermMap:
        """Section 7.1: an IRI, or a literal as an object."""
        place = self.place(written_as, term)
        if isinstance(term, Literal) and kind == "object map":
            return TermMap(term, TermType.LITERAL, location=place)
        if not isinstance(term, NamedNode):
            raise MappingError("M115", f"the constant of a {kind} is {term}, which is not an IRI", place, "a constant is an IRI, or a literal in an object map")
        return TermMap(term, TermType.IRI, location=place)

    def term_map(self, node: Node, kind: str) -> TermMap:
        self.check_properties(node, kind)
        given = [(name, value) for name in (rr.CONSTANT, rr.COLUMN, rr.TEMPLATE) for value in self.values(node, name)]
        if len(given) != 1:
            found = " and ".join(_short(name) for name, _ in given) or "none of them"
            raise self.error(
                "M106",
                f"a {kind} of {_name(self.current)} has {found}; it needs exactly one of rr:constant, rr:column and rr:template",
                "keep one of them",
                *([NamedNode(given[-1][0]), given[-1][1]] if given else []),
            )
        name, value = given[0]
        if name == rr.CONSTANT:
            return self.constant(value, kind, NamedNode(rr.CONSTANT))
        place = self.place(NamedNode(name), value)
        written = self.string(value, name)
        try:
            parsed = Column.parse(written) if name == rr.COLUMN else Template.parse(written)
        except TemplateSyntaxError as error:
            raise MappingError("M108", f"the template {written!r} is not well formed: {error}", place, "write {column}; a brace that is text is written \\\\{ in Turtle") from None
        language, datatype = self.language(node), self.datatype(node)
        term_type = self.term_type(node, kind, name, bool(language or datatype))
        if term_type is not TermType.LITERAL and (language or datatype):
            raise MappingError("M110", f"a {kind} that makes {term_type.value} cannot have rr:{'language' if language else 'datatype'}", place, "leave it out, or use rr:termType rr:Literal")
        return TermMap(parsed, term_type, datatype, language, place)

    def term_type(self, node: Node, kind: str, form: str, has_literal_property: bool) -> TermType:
        """Section 7.4, defaults included."""
        allowed = {
            "subject map": (TermType.IRI, TermType.BLANK_NODE),
            "object map": tuple(TermType),
        }.get(kind, (TermType.IRI,))
        values = self.values(node, rr.TERM_TYPE)
        if not values:
            is_literal = kind == "object map" and (form == rr.COLUMN or has_literal_property)
            return TermType.LITERAL if is_literal else TermType.IRI
        term_type = _TERM_TYPES.get(values[0].value) if len(values) == 1 else None
        choices = " or ".join(one.value for one in allowed)
        if term_type is None:
            raise self.error("M107", f"{_shown(values[-1])} is no term type", f"use {choices}", NamedNode(rr.TERM_TYPE), values[-1])
        if term_type not in allowed:
            raise self.error("M107", f"a {kind} cannot make {term_type.value}", f"use {choices}", NamedNode(rr.TERM_TYPE), values[0])
        return term_type

    def language(self, node: Node) -> str | None:
        values = self.values(node, rr.LANGUAGE)
        if not values:
            return None
        tag = self.string(values[0], rr.LANGUAGE)
        if len(values) > 1 or not _LANGUAGE_TAG.fullmatch(tag):
            raise self.error("M109", f"{tag!r} is not a language tag of BCP 47", 'write a short code such as "en" or "zh-Hans"', NamedNode(rr.LANGUAGE), values[0])
        return tag.lower()

    def datatype(self, node: Node) -> str | None:
        values = self.values(node, rr.DATATYPE)
        if not values:
            return None
        value = values[0]
        if len(values) > 1 or not isinstance(value, NamedNode) or value.value == _LANG_STRING:
            raise self.error("M110", f"rr:datatype {_shown(value)} is not one datatype", "give one datatype IRI such as xsd:date", NamedNode(rr.DATATYPE), value)
        if self.values(node, rr.LANGUAGE):
            raise self.error("M110", "a term map has both rr:language and rr:datatype", "keep one of them", NamedNode(rr.DATATYPE), value)
        return value.value

    # ── Nodes and places ─────────────────────────────────────────────────────────────────────────────────────

    def values(self, node: Node, name: str) -> list[NamedNode | BlankNode | Literal]:
        return self.properties[node][name] if node in self.properties and name in self.properties[node] else []

    def only(self, node: Node, name: str, code: str, rule: str, remedy: str) -> NamedNode | BlankNode | Literal:
        values = self.values(node, name)
        if len(values) != 1:
            found = "none" if not values else str(len(values))
            raise self.error(code, f"{rule}; {_name(self.current)} has {found}", remedy, *([NamedNode(name)] if values else []))
        return values[0]

    def node(self, value: NamedNode | BlankNode | Literal, name: str) -> Node:
        if isinstance(value, Literal):
            raise self.error("M115", f"{_short(name)} is the literal {value}, not a node", "write a node in square brackets, or an IRI", NamedNode(name), value)
        if value not in self.properties:
            raise self.error("M115", f"{_short(name)} names {_name(value)}, of which the document says nothing", "describe it, or write it in square brackets", NamedNode(name), value)
        return value

    def string(self, value: NamedNode | BlankNode | Literal, name: str) -> str:
        if not isinstance(value, Literal) or not value.value.strip():
            raise self.error("M115", f"{_short(name)} is {_shown(value)}, not a text", "write it in quotes", NamedNode(name), value)
        return value.value

    def check_properties(self, node: Node, kind: str) -> None:
        """Refuse an rr: property that this kind of node does not have: a misspelt one would be ignored silently."""
        for name in self.properties[node]:
            if name.startswith(rr.RR) and name not in rr.ALLOWED[kind]:
                hint = did_you_mean(_short(name), [_short(one) for one in rr.ALLOWED[kind]])
                hint = hint or f"a {kind} has {', '.join(_short(one) for one in rr.ALLOWED[kind])}"
                raise self.error("M111", f"a {kind} has no property {_short(name)}", hint, NamedNode(name))

    def place(self, *terms: NamedNode | BlankNode | Literal) -> Location:
        return self.places.of(self.current, *terms)

    def error(self, code: str, message: str, remedy: str, *terms: NamedNode | BlankNode | Literal) -> MappingError:
        return MappingError(code, message, self.place(*terms), remedy)


def _short(iri: str) -> str:
    return iri.replace(rr.RR, "rr:")


def _shown(term: NamedNode | BlankNode | Literal) -> str:
    return _short(term.value) if isinstance(term, NamedNode) else str(term)


def _name(node: Node | None) -> str:
    return f"<{node.value}>" if isinstance(node, NamedNode) else "a node without a name"
