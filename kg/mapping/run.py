"""One mapping over its sources: every term map planned, every triples map as productions of quads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb
from pyoxigraph import Literal, NamedNode

from kg.errors import MappingError
from kg.mapping import targets
from kg.mapping.compile import Context, RelationCompiler, constant_shape
from kg.mapping.encode import EncodedSource
from kg.mapping.model import LogicalSource, Mapping, ReferencingObjectMap, TermMap, TriplesMap
from kg.mapping.production import Production, Slot
from kg.mapping.relations import RelationReader
from kg.mapping.sources import Sources
from kg.mapping.variants import prepare, references
from kg.mapping.vocabulary import DEFAULT_GRAPH
from kg.store import Store
from kg.terms import RDF_TYPE


class Run:
    """The encoded sources and the productions of one mapping; `close` drops what it made."""

    def __init__(self, store: Store, mapping: Mapping, sources: Sources, base: str, graph: str | None):
        self.store, self.mapping = store, mapping
        self.graph_iri, self.base = graph, base
        self.reader = RelationReader(store.connection, sources, references(mapping))
        self.given = mapping  # before `prepare`
        self.context = Context(base, blank_node_scope(mapping.file), store.register_template, lambda *texts: texts in store.dictionary.templates.by_text)
        self.encoded: dict[LogicalSource, EncodedSource] = {}
        self.constants: dict[NamedNode | Literal, int] = {}
        self.targets = {target for one in mapping.triples_maps for term_map in term_maps(one) for target in term_map.targets}

    def close(self) -> None:
        for source in self.encoded.values():
            with suppress(duckdb.TransactionException):  # a failed transaction takes its tables with it
                for table in (source.table, source.raw, f"kg_changed_{source.number}", f"kg_same_{source.number}", "kg_subjects"):
                    self.store.connection.execute(f"DROP TABLE IF EXISTS {table}")
        self.reader.close()

    # ── Planning ─────────────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Open every source and compile every term map, so that mistakes are found and templates registered before any work."""
        for target in self.targets:
            targets.check(target)
        self.mapping = prepare(self.given, self.reader, self.context, self.query)
        for one in self.mapping.triples_maps:
            if one.source not in self.encoded:
                relation = self.reader.open(one.source)
                compiler = RelationCompiler(relation, self.context, self.query)
                self.encoded[one.source] = EncodedSource(compiler, len(self.encoded) + 1)
        for one in self.mapping.triples_maps:
            self.plan_triples_map(one)
        constants: list[NamedNode | Literal] = [NamedNode(RDF_TYPE), *([NamedNode(self.graph_iri)] if self.graph_iri else [])]
        for one in self.mapping.triples_maps:
            constants += [*one.classes, *(term_map.value for term_map in term_maps(one) if term_map.is_constant)]
        self.constants = dict(zip(constants, self.store.encode(constants), strict=True))

    def plan_triples_map(self, one: TriplesMap) -> None:
        source = self.encoded[one.source]
        own = term_maps(one)
        for object_map in parent_references(one):
            parent = self.mapping.triples_map(object_map.parent)
            if not object_map.joins:
                own.append(parent.subject)
            for join in object_map.joins:
                source.join(join.child, join.location)
                self.encoded[parent.source].join(join.parent, join.location)
        for term_map in own:
            if not term_map.is_constant:
                source.term(term_map)

    def query(self, sql: str) -> list[tuple]:
        """Rows of sources, which can be broken in ways that no check foresees."""
        try:
            return self.store.connection.execute(sql).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise MappingError("M208", f"a source of {self.mapping.file} cannot be read: {str(error).splitlines()[0]}", help="check the file and its declaration") from error

    # ── Quads ────────────────────────────────────────────────────────────────────────────────────────────────

    def productions(self, one: TriplesMap) -> list[Production]:
        """Section 11.1: the classes in the subject's graphs; the rest in the subject's and the predicate-object map's."""
        source = self.encoded[one.source]
        subject = self.slot(source, one.subject)
        made = []
        rdf_type = self.constant(NamedNode(RDF_TYPE))
        for class_iri in one.classes:
            for graph, condition in self.graphs(source, one.graphs):
                made.append(self.production(one, source, graph, subject, rdf_type, self.constant(class_iri), condition))
        for predicate_object_map in one.predicate_object_maps:
            for graph, condition in self.graphs(source, (*one.graphs, *predicate_object_map.graphs)):
                for predicate_map in predicate_object_map.predicates:
                    predicate = self.slot(source, predicate_map)
                    for object_map in predicate_object_map.objects:
                        if isinstance(object_map, TermMap):
                            made.append(self.production(one, source, graph, subject, predicate, self.slot(source, object_map), condition))
                        else:
                            made.append(self.reference(one, source, graph, subject, predicate, object_map, condition))
        return list(dict.fromkeys(made))

    def production(
        self, one: TriplesMap, source: EncodedSource, graph: Slot, subject: Slot, predicate: Slot, object_slot: Slot, condition: str
    ) -> Production:
        return Production(one.name, graph, subject, predicate, object_slot, f"{source.table} c", self.is_unique(source, subject), condition)

    def reference(
        self, one: TriplesMap, source: EncodedSource, graph: Slot, subject: Slot, predicate: Slot, object_map: ReferencingObjectMap, condition: str
    ) -> Production:
        """Section 8: the parent's subjects, of the same row or of the rows that the join conditions select."""
        parent_map = self.mapping.triples_map(object_map.parent)
        if not object_map.joins:
            return self.production(one, source, graph, subject, predicate, self.slot(source, parent_map.subject), condition)
        parent = self.encoded[parent_map.source]
        tests = []
        for join in object_map.joins:
            sides = [f"c.{source.join(join.child, None)}", f"p.{parent.join(join.parent, None)}"]
            if source.join_type(join.child) != parent.join_type(join.parent):
                sides = [f"{side}::VARCHAR" for side in sides]
            tests.append(" = ".join(sides))
        object_slot = self.slot(parent, parent_map.subject, "p")
        rows = f"{source.table} c JOIN {parent.table} p ON {' AND '.join(tests)}"
        has_one_parent = len(object_map.joins) == 1 and self.has_no_repetition(parent, parent.join(object_map.joins[0].parent, None))
        return Production(one.name, graph, subject, predicate, object_slot, rows, has_one_parent and self.is_unique(source, subject), condition)

    def slot(self, source: EncodedSource, term_map: TermMap, alias: str = "c") -> Slot:
        if term_map.is_constant:
            return replace(self.constant(term_map.value), targets=term_map.targets)
        number = source.term(term_map)
        return Slot(f"{alias}.t{number}", source.terms[number].shape, False, term_map.targets)

    def constant(self, term: NamedNode | Literal) -> Slot:
        term_id = self.constants[term]
        return Slot(str(term_id), constant_shape(term, term_id), True)

    def graphs(self, source: EncodedSource, graph_maps: tuple[TermMap, ...]) -> list[tuple[Slot, str]]:
        """The graphs of a row and, where that depends on it, for which rows; none of a row's own means the default graph."""
        slots = [self.default_graph() if _is_default(one) else self.slot(source, one) for one in dict.fromkeys(graph_maps)]
        choices = [(slot, "") for slot in dict.fromkeys(slots)]
        if all(not slot.is_constant for slot in slots):
            nothing = " AND ".join(f"{slot.sql} IS NULL" for slot in slots)
            choices.append((self.default_graph(), nothing))
        return choices

    def default_graph(self) -> Slot:
        graph_id = self.constants[NamedNode(self.graph_iri)] if self.graph_iri else 0
        return Slot(str(graph_id), constant_shape(NamedNode(self.graph_iri or "urn:default"), graph_id), True)

    def is_unique(self, source: EncodedSource, subject: Slot) -> bool:
        """Whether no two rows have the same subject."""
        if subject.is_constant:
            return source.rows <= 1
        return self.has_no_repetition(source, subject.sql.rpartition(".")[2])

    def has_no_repetition(self, source: EncodedSource, column: str) -> bool:
        """Whether no two rows have the same value in an encoded column, NULL left out; looked up once for each column."""
        if column not in source.unique:
            sign = f" WHERE {column} > 0" if column.startswith("t") else ""
            query = f"SELECT count({column}) = count(DISTINCT {column}) FROM {source.table}{sign}"
            source.unique[column] = self.store.connection.execute(query).fetchone()[0]
        return source.unique[column]


def term_maps(one: TriplesMap) -> list[TermMap]:
    """All term maps of a triples map but the references."""
    found = [one.subject, *one.graphs]
    for predicate_object_map in one.predicate_object_maps:
        found += [*predicate_object_map.predicates, *predicate_object_map.graphs]
        found += [object_map for object_map in predicate_object_map.objects if isinstance(object_map, TermMap)]
    return found


def parent_references(one: TriplesMap) -> list[ReferencingObjectMap]:
    return [
        object_map
        for predicate_object_map in one.predicate_object_maps
        for object_map in predicate_object_map.objects
        if isinstance(object_map, ReferencingObjectMap)
    ]


def _is_default(term_map: TermMap) -> bool:
    return term_map.is_constant and term_map.value == NamedNode(DEFAULT_GRAPH)



def owner_of(mapping_file: str | Path) -> str:
    """map:<domain>/<file>, after the folder that the file lies in.

    >>> owner_of("mappings/shop/orders.r2rml.ttl")
    'map:shop/orders'
    """
    path = Path(mapping_file).resolve()
    return f"map:{path.parent.name}/{path.name.split('.')[0]}"


def blank_node_scope(mapping_file: str | Path) -> str:
    """Within which equal strings name one blank node: the mapping document."""
    return owner_of(mapping_file)
