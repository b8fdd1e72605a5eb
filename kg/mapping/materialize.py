"""Runs a mapping: R2RML or RML document + sources → the encoded quads of its graphs, with a report and a list of rejects."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from pyoxigraph import Literal, NamedNode

from kg.mapping import natural, refresh, rejects, targets
from kg.mapping.compile import Context, RelationCompiler, constant_shape
from kg.mapping.encode import EncodedSource, encode
from kg.mapping.fingerprints import Fingerprints, fingerprints
from kg.mapping.model import LogicalSource, Mapping, ReferencingObjectMap, TermMap, TriplesMap
from kg.mapping.parser import load_mapping
from kg.mapping.production import Production, Slot, groups, select_distinct
from kg.mapping.refresh import ChangedRows, Makes, Record, Scope, closure, encode_changed, row_hash
from kg.mapping.relations import RelationReader
from kg.mapping.sources import Sources, load_sources, source_of_url
from kg.mapping.variants import prepare, references
from kg.mapping.vocabulary import DEFAULT_GRAPH
from kg.store import Diff, Store
from kg.terms import RDF_TYPE

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TriplesMapReport:
    """What one triples map did; `triples` counts before what other triples maps made as well is sorted out."""

    name: str
    rows: int
    triples: int
    rejects: int
    seconds: float
    warning: str | None = None


@dataclass(frozen=True)
class MappingReport:
    owner: str
    triples_maps: tuple[TriplesMapReport, ...]
    triples: int
    rejects: int
    diff: Diff
    seconds: float
    mapped: str = "all rows"  # or "changed sources", "changed rows": what was read anew; the others' quads stayed

    @property
    def warnings(self) -> list[str]:
        return [one.warning for one in self.triples_maps if one.warning]


def materialize(
    store: Store,
    mapping_file: str | Path,
    sources: Sources | str | Path,
    *,
    base: str,
    graph: str | None = None,
    owner: str | None = None,
    strict: bool = False,
    on_progress: Progress | None = None,
) -> MappingReport:
    """Make the graphs of a mapping hold exactly what its sources say now.

    Triples without a graph map go to `graph`, None being the default graph. `owner` defaults to map:<folder>/<file>.
    Values that cannot become the declared term are kept in the table `rejects` and leave only their own triples out;
    with `strict` they are an error (M301). `on_progress(what, done, of)` is called as sources and predicates are done.
    """
    mapping = load_mapping(mapping_file, base)
    found = resolve_sources(sources)
    run = _Run(store, mapping, found, base, graph, owner or owner_of(mapping_file), strict, on_progress or (lambda *_: None))
    return run.materialize(fingerprints(mapping, found, base))


def resolve_sources(sources: Sources | str | Path) -> Sources:
    """Sources as they are, from a sources.toml, or one folder, file or database as the default."""
    if isinstance(sources, Sources):
        return sources
    return load_sources(sources) if str(sources).endswith(".toml") else Sources(source_of_url(sources))


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


def fingerprint(mapping_file: str | Path, sources: Sources | str | Path, base: str | None = None) -> str:
    """A digest of the mapping's text, of the declarations and contents of the sources that it reads, and of the engine's version."""
    return fingerprints(load_mapping(mapping_file, base), resolve_sources(sources), base).whole


class _Run:
    """The state of one run: the encoded sources and, for each triples map, its rows, triples, rejects and time."""

    def __init__(self, store: Store, mapping: Mapping, sources: Sources, base: str, graph: str | None, owner: str, strict: bool, progress: Progress):
        self.store, self.mapping, self.owner, self.strict, self.progress = store, mapping, owner, strict, progress
        self.graph_iri, self.base = graph, base
        self.reader = RelationReader(store.connection, sources, references(mapping))
        self.given = mapping  # before `prepare`
        self.context = Context(base, blank_node_scope(mapping.file), store.register_template, lambda *texts: texts in store.dictionary.templates.by_text)
        self.encoded: dict[LogicalSource, EncodedSource] = {}
        self.constants: dict[NamedNode | Literal, int] = {}
        self.targets = {target for one in mapping.triples_maps for term_map in _term_maps(one) for target in term_map.targets}
        self.triples = {one.name: 0 for one in mapping.triples_maps}
        self.seconds = {one.name: 0.0 for one in mapping.triples_maps}
        self.changed_rows: dict[int, ChangedRows] = {}

    def materialize(self, prints: Fingerprints) -> MappingReport:
        started = time.perf_counter()
        try:
            with self.store.transaction():
                natural.create_macros(self.store.connection)
                self.plan()
                record = Record.read(self.store, self.owner, prints)
                scope = self.encode(record)
                read = {logical: source for logical, source in self.encoded.items() if scope.is_whole or scope.includes(logical)}
                rejected = rejects.write(self.store, self.owner, self.mapping, read, scope.is_whole)
                if self.strict and rejected.errors:
                    raise rejected.first_error()
                productions = [production for one in scope.triples_maps for production in self.productions(one)]
                with self.store.replacing(self.owner, prints.whole, scope.among) as target:
                    total = self.insert(target.table, [one for one in productions if not one.targets], scope.by_rows)
                self.remember(record, scope)
                if not scope.is_whole:
                    total, rejected.total = self.totals()
                written = targets.quads(self.store, [one for one in productions if one.targets])
            targets.write(written)
        finally:
            for source in self.encoded.values():
                self._drop(source)
            self.reader.close()
        return MappingReport(
            self.owner,
            tuple(self.report(one, rejected.by_triples_map.get(one.name, 0), scope) for one in self.given.triples_maps if scope.includes(one.source)),
            total,
            rejected.total,
            target.diff,
            time.perf_counter() - started,
            "all rows" if scope.is_whole else "changed rows" if scope.by_rows else "changed sources",
        )

    def totals(self) -> tuple[int, int]:
        """How many quads and rejects the owner has."""
        run = self.store.connection.execute
        quads = run("SELECT count(*) FROM quads WHERE g IN (SELECT id FROM graphs WHERE owner = ?)", [self.owner]).fetchone()[0]
        return quads, run("SELECT count(*) FROM rejects WHERE owner = ?", [self.owner]).fetchone()[0]

    def _drop(self, source: EncodedSource) -> None:
        with suppress(duckdb.TransactionException):  # a failed transaction takes its tables with it
            for table in (source.table, source.raw, f"kg_changed_{source.number}", f"kg_same_{source.number}", "kg_subjects"):
                self.store.connection.execute(f"DROP TABLE IF EXISTS {table}")

    def report(self, one: TriplesMap, rejected: int, scope: Scope) -> TriplesMapReport:
        rows, triples = self.encoded[self.mapping.triples_map(one.name).source].rows, self.triples[one.name]
        warning = None
        if triples == 0 and not scope.by_rows:
            cause = "its source has no rows" if rows == 0 else f"none of {rows} rows has all the values it needs"
            warning = f"{one.short_name} made no triples: {cause}"
        unmatched = self.encoded[self.mapping.triples_map(one.name).source].relation.unmatched
        if unmatched:
            warning = f"{warning or one.short_name}; {', '.join(unmatched)} finds nothing in any record of {one.source}"
        return TriplesMapReport(one.name, rows, triples, rejected, self.seconds[one.name], warning)

    # ── Planning and encoding ────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> None:
        """Open every source and compile every term map, so that mistakes are found and templates registered before any work."""
        for target in self.targets:
            targets.check(target)
        self.mapping = prepare(self.given, self.reader, self.context, lambda sql: self.store.connection.execute(sql).fetchall())
        for one in self.mapping.triples_maps:
            if one.source not in self.encoded:
                relation = self.reader.open(one.source)
                compiler = RelationCompiler(relation, self.context, lambda sql: self.store.connection.execute(sql).fetchall())
                self.encoded[one.source] = EncodedSource(compiler, len(self.encoded) + 1)
        for one in self.mapping.triples_maps:
            self.plan_triples_map(one)
        constants: list[NamedNode | Literal] = [NamedNode(RDF_TYPE), *([NamedNode(self.graph_iri)] if self.graph_iri else [])]
        for one in self.mapping.triples_maps:
            constants += [*one.classes, *(term_map.value for term_map in _term_maps(one) if term_map.is_constant)]
        self.constants = dict(zip(constants, self.store.encode(constants), strict=True))

    def plan_triples_map(self, one: TriplesMap) -> None:
        source = self.encoded[one.source]
        term_maps = _term_maps(one)
        for object_map in _references(one):
            parent = self.mapping.triples_map(object_map.parent)
            if not object_map.joins:
                term_maps.append(parent.subject)
            for join in object_map.joins:
                source.join(join.child, join.location)
                self.encoded[parent.source].join(join.parent, join.location)
        for term_map in term_maps:
            if not term_map.is_constant:
                source.term(term_map)

    def encode(self, record: Record) -> Scope:
        """Encode what has to be mapped: changed rows, the sources that have changed, or all."""
        scope = self.refresh_scope(record, by_rows=True)
        if scope is not None:
            changed = [ChangedRows(self.store, self.encoded[logical], record.of(logical)) for logical in self.sources_of(scope)]
            if all(one.find() for one in changed):
                self.changed_rows = {one.source.number: one for one in changed}
                encode_changed(self.store, changed, {one.source.number: self.subjects(one.source) for one in changed})
                return scope
            for one in changed:
                one.drop()
        scope = self.refresh_scope(record, by_rows=False) or Scope(self.mapping.triples_maps)
        has_hashes = self.may_hash()
        sources = self.encoded if scope.is_whole else {logical: self.encoded[logical] for logical in self.read_by(scope)}
        for done, source in enumerate(sources.values()):
            self.progress(f"reading {source.relation.name}", done, len(sources))
            started = time.perf_counter()
            source.hash = row_hash(source, over_aliases=True) if has_hashes and source.compiler.columns() else None
            encode(self.store, source)
            names = [one.name for one in self.mapping.triples_maps if self.encoded[one.source] is source]
            for name in names:
                self.seconds[name] += (time.perf_counter() - started) / len(names)
        return scope

    # ── What has to be mapped ────────────────────────────────────────────────────────────────────────────────

    def refresh_scope(self, record: Record, by_rows: bool) -> Scope | None:
        """What runs where only sources have changed since the last time; None where all must."""
        if self.targets or self.mapping.triples_maps != self.given.triples_maps:
            return None
        changed = record.changed(self.encoded)
        if not changed:
            return None
        parents = {
            one.name: {self.mapping.triples_map(reference.parent).source for reference in _references(one) if reference.joins}
            for one in self.mapping.triples_maps
        }
        makes = closure([self.makes(one) for one in self.mapping.triples_maps], changed, parents, by_rows)
        maps = tuple(one.triples_map for one in makes)
        if by_rows and not all(
            record.of(one.source).has_row_hashes and not parents[one.name] and not one.subject.is_constant for one in maps
        ):  # fmt: skip
            return None
        if not by_rows and len(maps) == len(self.mapping.triples_maps):
            return None
        return Scope(maps, False, by_rows, frozenset(pair for one in makes for pair in one.pairs))

    def makes(self, one: TriplesMap) -> Makes:
        source = self.encoded[one.source]
        subject = self.slot(source, one.subject).shape
        pairs: set[tuple[int | None, int | None]] = {(self.constants[NamedNode(RDF_TYPE)], self.constants[class_iri]) for class_iri in one.classes}
        for predicate_object_map in one.predicate_object_maps:
            for predicate in predicate_object_map.predicates:
                for object_map in predicate_object_map.objects:
                    is_constant = isinstance(object_map, TermMap) and object_map.is_constant
                    pairs.add((
                        self.constants[predicate.value] if predicate.is_constant else None,
                        self.constants[object_map.value] if is_constant else None,
                    ))  # fmt: skip
        return Makes(one, subject, frozenset(pairs))

    def sources_of(self, scope: Scope) -> list[LogicalSource]:
        return [logical for logical in self.encoded if scope.includes(logical)]

    def read_by(self, scope: Scope) -> list[LogicalSource]:
        """The sources of a scope and those that it joins with."""
        parents = {self.mapping.triples_map(reference.parent).source for one in scope.triples_maps for reference in _references(one)}
        return [logical for logical in self.encoded if scope.includes(logical) or logical in parents]

    def subjects(self, source: EncodedSource) -> list[int]:
        """The numbers of the terms that are subjects."""
        maps = [one for one in self.mapping.triples_maps if self.encoded[one.source] is source and not one.subject.is_constant]
        return list(dict.fromkeys(source.term(one.subject) for one in maps))

    def may_hash(self) -> bool:
        """Whether a refresh by rows can come to pass and would pay."""
        if self.targets or self.mapping.triples_maps != self.given.triples_maps:
            return False
        paths = {source.relation.source.path if source.relation.source is not None else None for source in self.encoded.values()}
        return None in paths or sum(path.stat().st_size for path in paths) >= refresh.HASHED_BYTES

    def remember(self, record: Record, scope: Scope) -> None:
        """Record the sources as they are mapped now."""
        if scope.by_rows:
            for logical in self.sources_of(scope):
                source = self.encoded[logical]
                record.update(logical, self.changed_rows[source.number], self.subjects(source))
            return
        sources = list(self.encoded) if scope.is_whole else self.sources_of(scope)
        if scope.is_whole:
            self.store.forget_sources([self.owner])
        else:
            record.forget(sources)
        for logical in sources:
            if self.mapping.triples_maps == self.given.triples_maps:
                record.write(logical, self.encoded[logical], self.subjects(self.encoded[logical]))

    # ── Quads ────────────────────────────────────────────────────────────────────────────────────────────────

    def insert(self, table: str, productions: list[Production], by_rows: bool) -> int:
        run = self.store.connection.execute
        total = done = 0
        for group in groups(productions):
            started = time.perf_counter()
            select = f"SELECT g, s, p, o FROM ({select_distinct(group)}) WHERE s IN (SELECT s FROM kg_subjects)" if by_rows else select_distinct(group)
            inserted = run(f"INSERT INTO {table} (g, s, p, o) {select}").fetchone()[0]
            total += inserted
            for one in group:
                self.triples[one.triples_map] += inserted if len(group) == 1 else run(f"SELECT count(*) FROM ({one.select()})").fetchone()[0]
                self.seconds[one.triples_map] += (time.perf_counter() - started) / len(group)
            done += len(group)
            self.progress("writing triples", done, len(productions))
        return total

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


def _term_maps(one: TriplesMap) -> list[TermMap]:
    """All term maps of a triples map but the references."""
    found = [one.subject, *one.graphs]
    for predicate_object_map in one.predicate_object_maps:
        found += [*predicate_object_map.predicates, *predicate_object_map.graphs]
        found += [object_map for object_map in predicate_object_map.objects if isinstance(object_map, TermMap)]
    return found


def _references(one: TriplesMap) -> list[ReferencingObjectMap]:
    return [
        object_map
        for predicate_object_map in one.predicate_object_maps
        for object_map in predicate_object_map.objects
        if isinstance(object_map, ReferencingObjectMap)
    ]


def _is_default(term_map: TermMap) -> bool:
    return term_map.is_constant and term_map.value == NamedNode(DEFAULT_GRAPH)

