"""R2RML and RML documents in Turtle → `model.Mapping`; every mistake is a MappingError M1xx with its place and remedy.

The words of the vocabularies are read as one (`vocabulary.canonical`); messages name them as the document does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping import vocabulary as rr
from kg.mapping.document import Document, Node, name_of, short, shown
from kg.mapping.logical import logical_source, logical_target
from kg.mapping.model import (
    Encoding,
    JoinCondition,
    LogicalSource,
    LogicalTarget,
    Mapping,
    PredicateObjectMap,
    ReferencingObjectMap,
    TermMap,
    TermType,
    TriplesMap,
)
from kg.mapping.template import ROW, Column, Template, TemplateSyntaxError
from kg.mapping.yarrrml import as_turtle, is_yarrrml

_TERM_TYPES = {rr.RR + "IRI": TermType.IRI, rr.RR + "BlankNode": TermType.BLANK_NODE, rr.RR + "Literal": TermType.LITERAL}
_ENCODINGS = {rr.URI: Encoding.URI, rr.UNSAFE_IRI: Encoding.UNSAFE_IRI, rr.UNSAFE_URI: Encoding.UNSAFE_URI}
_TERM_TYPES |= dict.fromkeys(_ENCODINGS, TermType.IRI)
_RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"

# BCP 47: a language of two or three letters (four to eight are reserved or unregistered), then subtags; or private use.
_LANGUAGE_TAG = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?|[XxIi](?:-[A-Za-z0-9]{1,8})+)"
)


def load_mapping(file: str | Path, base: str | None = None) -> Mapping:
    """Read an R2RML, RML or YARRRML document; relative IRIs in it are resolved against its @base, else `base`."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = [one.name for one in path.parent.glob("*.ttl")] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, known) or "give the path of an R2RML document in Turtle"
        raise MappingError("M100", "there is no such mapping file", Location(str(path)), hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError("M100", f"the mapping file cannot be read: {error}", Location(str(path)), "save it as UTF-8 text") from error
    if is_yarrrml(path):
        return parse_mapping(as_turtle(text, str(path)), f"{path} as Turtle", base)
    return parse_mapping(text, str(path), base)


def parse_mapping(text: str, file: str = "<mapping>", base: str | None = None) -> Mapping:
    """The triples maps of an R2RML document."""
    return _Parser(text, file, base).mapping()


class _Parser(Document):
    """Reads the triples maps of one document."""

    def __init__(self, text: str, file: str, base: str | None):
        super().__init__(text, file, base)
        self.base: str | None = None  # the rml:baseIRI of the triples map being read
        self.is_exact = False  # whether its references are no names of SQL
        self.targets: dict[Node, LogicalTarget] = {}

    def mapping(self) -> Mapping:
        markers = (rr.LOGICAL_TABLE, rr.LOGICAL_SOURCE, rr.SUBJECT, rr.SUBJECT_MAP, rr.PREDICATE_OBJECT_MAP)
        nodes = [
            node
            for node, properties in self.properties.items()
            if NamedNode(rr.TRIPLES_MAP) in properties.get(_RDF_TYPE.value, ())
            or rr.LOGICAL_TABLE in properties
            or rr.LOGICAL_SOURCE in properties
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
        self.check_name(node)
        self.check_properties(node, "triples map")
        source = self.source(node)
        self.base = self.base_iri(node)
        self.is_exact = source.reference_formulation != "SQL"
        subjects = [*self.values(node, rr.SUBJECT), *self.values(node, rr.SUBJECT_MAP)]
        if len(subjects) != 1:
            raise self.error(
                "M105",
                f"{name_of(node)} has {'no' if not subjects else 'more than one'} subject map",
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
            source=source,
            subject=subject,
            classes=classes,
            graphs=graphs,
            predicate_object_maps=tuple(
                self.predicate_object_map(self.node(one, rr.PREDICATE_OBJECT_MAP)) for one in self.values(node, rr.PREDICATE_OBJECT_MAP)
            ),
            location=self.place(),
        )

    def check_name(self, node: Node) -> None:
        """Two triples maps of one name would be read as one that contradicts itself."""
        if isinstance(node, NamedNode):
            words = [NamedNode(self.written.get(word, word)) for word in (rr.LOGICAL_TABLE, rr.LOGICAL_SOURCE)]
            places = self.places.statements_of(node, *words)
            if len(places) > 1:
                raise MappingError("M119", f"there are two triples maps named <{node.value}>", places[1], "give each a name of its own", [f"the first one is at {places[0]}"])

    def source(self, node: Node) -> LogicalSource:
        """The one rr:logicalTable or rml:logicalSource of a triples map."""
        if not self.values(node, rr.LOGICAL_SOURCE):
            rule = "a triples map has exactly one rml:logicalSource" if self.is_rml else "a triples map has exactly one rr:logicalTable"
            remedy = "add rml:logicalSource [ rml:source …; rml:referenceFormulation … ]" if self.is_rml else 'add rr:logicalTable [ rr:tableName "…" ]'
            return self.logical_table(self.node(self.only(node, rr.LOGICAL_TABLE, "M103", rule, remedy), rr.LOGICAL_TABLE))
        value = self.only(node, rr.LOGICAL_SOURCE, "M103", "a triples map has exactly one rml:logicalSource", "keep one of them")
        return logical_source(self, self.node(value, rr.LOGICAL_SOURCE))

    def base_iri(self, node: Node) -> str | None:
        values = self.values(node, rr.BASE_IRI)
        if values and not isinstance(values[0], NamedNode):
            raise self.error("M115", f"rml:baseIRI is {values[0]}, which is not an IRI", "write the IRI in angle brackets", NamedNode(rr.BASE_IRI), values[0])
        return values[0].value if values else None

    def logical_table(self, node: Node) -> LogicalSource:
        self.check_properties(node, "logical table")
        names, queries = self.values(node, rr.TABLE_NAME), self.values(node, rr.SQL_QUERY)
        if len(names) + len(queries) != 1:
            problem = "neither rr:tableName nor rr:sqlQuery" if not names and not queries else "more than one of rr:tableName and rr:sqlQuery"
            raise self.error("M104", f"the logical table of {name_of(self.current)} has {problem}", "give one of them", NamedNode(rr.LOGICAL_TABLE))
        for version in self.values(node, rr.SQL_VERSION):
            if not isinstance(version, NamedNode):
                raise self.error("M115", f"rr:sqlVersion is {version}, which is not an IRI", "write rr:SQL2008 or leave it out", NamedNode(rr.SQL_VERSION))
        if names:
            name = self.string(names[0], rr.TABLE_NAME)
            return LogicalSource(table=name, location=self.place(NamedNode(rr.TABLE_NAME), names[0]))
        query = self.string(queries[0], rr.SQL_QUERY)
        is_core_sql = NamedNode(rr.SQL_2008) in self.values(node, rr.SQL_VERSION)
        return LogicalSource(query=query, is_core_sql=is_core_sql, location=self.place(NamedNode(rr.SQL_QUERY), queries[0]))

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
                f"a predicate-object map of {name_of(self.current)} has no {missing}",
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
            sides = [self.join_side(join, rr.CHILD, rr.CHILD_MAP, "child map"), self.join_side(join, rr.PARENT, rr.PARENT_MAP, "parent map")]
            written = self.values(join, rr.CHILD)
            joins.append(JoinCondition(*sides, self.place(NamedNode(rr.CHILD), *written)))
        name = parent.value if isinstance(parent, NamedNode) else f"_:{parent.value}"
        return ReferencingObjectMap(name, tuple(joins), self.place(NamedNode(rr.PARENT_TRIPLES_MAP), parent))

    def join_side(self, join: Node, name: str, map_name: str, kind: str) -> Column | Template | Literal:
        """One side of a join condition: a column (reference), or in RML any expression."""
        maps = self.values(join, map_name)
        if not maps:
            rule = f"a join condition has exactly one {short(name)}"
            return self.column(self.string(self.only(join, name, "M114", rule, "give rr:child and rr:parent, one column each"), name))
        if len(maps) > 1 or self.values(join, name):
            raise self.error("M114", f"a join condition has more than one {kind}", "keep one of them", NamedNode(map_name))
        return self.expression(self.node(maps[0], map_name), kind)

    def column(self, written: str) -> Column:
        """A column name of SQL, or a reference of RML, which is taken exactly."""
        return Column(written, True) if self.is_exact else Column.parse(written)

    def expression(self, node: Node, kind: str) -> Column | Template | Literal | NamedNode:
        """The value of an expression map (RML-Core section 6)."""
        self.check_properties(node, kind)
        given = [(name, value) for name in (rr.CONSTANT, rr.REFERENCE, rr.COLUMN, rr.TEMPLATE) for value in self.values(node, name)]
        if len(given) != 1:
            found = " and ".join(short(name) for name, _ in given) or "none of them"
            one_of = "rr:constant, rml:reference and rr:template" if self.values(self.current, rr.LOGICAL_SOURCE) else "rr:constant, rr:column and rr:template"
            raise self.error(
                "M106",
                f"a {kind} of {name_of(self.current)} has {found}; it needs exactly one of {one_of}",
                "keep one of them",
                *([NamedNode(given[-1][0]), given[-1][1]] if given else []),
            )
        name, value = given[0]
        if name == rr.CONSTANT:
            return value
        written = self.string(value, name)
        if name != rr.TEMPLATE:
            return self.column(written)
        try:
            return Template.parse(written, self.column)
        except TemplateSyntaxError as error:
            raise MappingError("M108", f"the template {written!r} is not well formed: {error}", self.place(NamedNode(name), value), "write {column}; a brace that is text is written \\\\{ in Turtle") from None

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
        targets = tuple(self.target(one) for one in self.values(node, rr.LOGICAL_TARGET))
        if not any(self.values(node, name) for name in (rr.CONSTANT, rr.REFERENCE, rr.COLUMN, rr.TEMPLATE)) and self.makes_blank_nodes(node):
            return TermMap(Template("", (f"{name_of(self.current)} {kind} ", ROW)), TermType.BLANK_NODE, targets=targets, location=self.place())
        value = self.expression(node, kind)
        if self.values(node, rr.CONSTANT):
            return replace(self.constant(value, kind, NamedNode(rr.CONSTANT)), targets=targets)
        name = next(one for one in (rr.REFERENCE, rr.COLUMN, rr.TEMPLATE) if self.values(node, one))
        place = self.place(NamedNode(name), self.values(node, name)[0])
        language, language_map, language_targets = self.language(node)
        datatype, datatype_map, datatype_targets = self.datatype(node)
        is_literal = bool(language or datatype or language_map or datatype_map)
        term_type = self.term_type(node, kind, name, is_literal)
        if term_type is not TermType.LITERAL and is_literal:
            raise MappingError("M110", f"a {kind} that makes {term_type.value} cannot have rr:{'language' if language or language_map else 'datatype'}", place, "leave it out, or use rr:termType rr:Literal")
        return TermMap(
            value, term_type, datatype, language, datatype_map, language_map, self.base, self.encoding(node),
            tuple(dict.fromkeys((*targets, *language_targets, *datatype_targets))), location=place,
        )  # fmt: skip

    def makes_blank_nodes(self, node: Node) -> bool:
        return self.values(node, rr.TERM_TYPE) == [NamedNode(rr.RR + "BlankNode")] and bool(self.values(self.current, rr.LOGICAL_SOURCE))

    def encoding(self, node: Node) -> Encoding:
        values = self.values(node, rr.TERM_TYPE)
        return _ENCODINGS.get(values[0].value, Encoding.IRI) if values else Encoding.IRI

    def target(self, value: NamedNode | BlankNode | Literal) -> LogicalTarget:
        node = self.node(value, rr.LOGICAL_TARGET)
        if node not in self.targets:
            self.targets[node] = logical_target(self, node)
        return self.targets[node]

    def term_type(self, node: Node, kind: str, form: str, has_literal_property: bool) -> TermType:
        """Section 7.4, defaults included."""
        allowed = {
            "subject map": (TermType.IRI, TermType.BLANK_NODE),
            "object map": tuple(TermType),
        }.get(kind, (TermType.IRI,))
        values = self.values(node, rr.TERM_TYPE)
        if not values:
            is_literal = kind == "object map" and (form in (rr.COLUMN, rr.REFERENCE) or has_literal_property)
            return TermType.LITERAL if is_literal else TermType.IRI
        term_type = _TERM_TYPES.get(values[0].value) if len(values) == 1 else None
        choices = " or ".join(one.value for one in allowed)
        if term_type is None:
            raise self.error("M107", f"{shown(values[-1])} is no term type", f"use {choices}", NamedNode(rr.TERM_TYPE), values[-1])
        if term_type not in allowed:
            raise self.error("M107", f"a {kind} cannot make {term_type.value}", f"use {choices}", NamedNode(rr.TERM_TYPE), values[0])
        return term_type

    def language(self, node: Node) -> tuple[str | None, TermMap | None, tuple[LogicalTarget, ...]]:
        """The language tag, or the map that makes it for each row, and that map's targets."""
        values = self.values(node, rr.LANGUAGE)
        made, targets = self.literal_map(node, rr.LANGUAGE_MAP, "language map", len(values))
        if isinstance(made, TermMap):
            return None, made, targets
        if not values and made is None:
            return None, None, ()
        value = values[0] if values else made
        tag = self.string(value, rr.LANGUAGE)
        if len(values) > 1 or not is_language_tag(tag):
            raise self.error("M109", f"{tag!r} is not a language tag of BCP 47", 'write a short code such as "en" or "zh-Hans"', NamedNode(rr.LANGUAGE), value)
        return tag.lower(), None, targets

    def datatype(self, node: Node) -> tuple[str | None, TermMap | None, tuple[LogicalTarget, ...]]:
        """The datatype's IRI, or the map that makes it for each row, and that map's targets."""
        values = self.values(node, rr.DATATYPE)
        made, targets = self.literal_map(node, rr.DATATYPE_MAP, "datatype map", len(values))
        if not values and made is None:
            return None, None, ()
        if self.values(node, rr.LANGUAGE) or self.values(node, rr.LANGUAGE_MAP):
            raise self.error("M110", "a term map has both rr:language and rr:datatype", "keep one of them", NamedNode(rr.DATATYPE))
        if isinstance(made, TermMap):
            return None, made, targets
        value = values[0] if values else made
        if len(values) > 1 or not isinstance(value, NamedNode) or value.value == _LANG_STRING:
            raise self.error("M110", f"rr:datatype {shown(value)} is not one datatype", "give one datatype IRI such as xsd:date", NamedNode(rr.DATATYPE), value)
        return value.value, None, targets

    def literal_map(self, node: Node, name: str, kind: str, shortcuts: int) -> tuple[TermMap | NamedNode | BlankNode | Literal | None, tuple[LogicalTarget, ...]]:
        """The constant or the map of rml:languageMap or rml:datatypeMap."""
        maps = self.values(node, name)
        if not maps:
            return None, ()
        if len(maps) + shortcuts > 1:
            raise self.error("M110", f"a term map has more than one {kind}", "keep one of them", NamedNode(name))
        inner = self.node(maps[0], name)
        value = self.expression(inner, kind)
        targets = tuple(self.target(one) for one in self.values(inner, rr.LOGICAL_TARGET))
        if not isinstance(value, Column | Template):
            return value, targets
        return TermMap(value, TermType.IRI if kind == "datatype map" else TermType.LITERAL, base=self.base, location=self.place(NamedNode(name))), targets


def is_language_tag(text: str) -> bool:
    """Whether a text has the form of a language tag (BCP 47)."""
    return _LANGUAGE_TAG.fullmatch(text) is not None
