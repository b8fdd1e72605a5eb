"""Runs a mapping: R2RML or RML document + sources → the encoded quads of its graphs, with a report and a list of rejects."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pyoxigraph import NamedNode

from kg.mapping import natural, refresh, rejects, targets
from kg.mapping.encode import EncodedSource, encode
from kg.mapping.fingerprints import Fingerprints, fingerprints
from kg.mapping.model import LogicalSource, Mapping, TermMap, TriplesMap
from kg.mapping.parser import load_mapping
from kg.mapping.production import Production, groups, select_distinct
from kg.mapping.refresh import ChangedRows, Makes, Record, Scope, closure, encode_changed, row_hash
from kg.mapping.run import Run, owner_of, parent_references
from kg.mapping.sources import Sources, load_sources, source_of_url
from kg.mapping.ticker import telling_progress
from kg.sql.inserting import insert_rows
from kg.store import Diff, Store
from kg.terms import RDF_TYPE

Progress = Callable[[str, int, int], None]
_Result = TypeVar("_Result")


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
class SourceReport:
    """How long a source took to read, and how many of its rows were read: of a refresh, those that had changed."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class MappingReport:
    owner: str
    triples_maps: tuple[TriplesMapReport, ...]
    sources: tuple[SourceReport, ...]
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
    with `strict` they are an error (M301). `on_progress(what, done, of)` is called as sources and predicates are done, with `of` 0 while one is read.
    """
    mapping = load_mapping(mapping_file, base)
    found = resolve_sources(sources)
    run = _Materialization(store, mapping, found, base, graph, owner or owner_of(mapping_file), strict, on_progress or _nobody)
    return run.materialize(fingerprints(mapping, found, base))


def _nobody(what: str, done: int, of: int) -> None:
    """Takes what nobody wants to be told."""


def resolve_sources(sources: Sources | str | Path) -> Sources:
    """Sources as they are, from a sources.toml, or one folder, file or database as the default."""
    if isinstance(sources, Sources):
        return sources
    return load_sources(sources) if str(sources).endswith(".toml") else Sources(source_of_url(sources))


def fingerprint(mapping_file: str | Path, sources: Sources | str | Path, base: str | None = None) -> str:
    """A digest of the mapping's text, of the declarations and contents of the sources that it reads, and of the engine's version."""
    return fingerprints(load_mapping(mapping_file, base), resolve_sources(sources), base).whole


class _Materialization(Run):
    """The state of one run: for each triples map, its rows, triples, rejects and time."""

    def __init__(self, store: Store, mapping: Mapping, sources: Sources, base: str, graph: str | None, owner: str, strict: bool, progress: Progress):
        super().__init__(store, mapping, sources, base, graph)
        self.owner, self.strict, self.progress = owner, strict, progress
        self.triples = {one.name: 0 for one in mapping.triples_maps}
        self.seconds = {one.name: 0.0 for one in mapping.triples_maps}
        self.changed_rows: dict[int, ChangedRows] = {}
        self.reading: dict[LogicalSource, float] = {}  # seconds

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
                rejects.check(self.store, self.owner, self.mapping, read, {
                    logical: self.record_rows(record, logical) if scope.by_rows else source.rows for logical, source in read.items()
                })  # fmt: skip
                productions = [production for one in scope.triples_maps for production in self.productions(one)]
                with self.store.replacing(self.owner, prints.whole, scope.among) as target:
                    total = self.insert(target.table, [one for one in productions if not one.targets], scope.by_rows)
                self.remember(record, scope)
                if not scope.is_whole:
                    total, rejected.total = self.totals()
                written = targets.quads(self.store, [one for one in productions if one.targets])
            targets.write(written)
        finally:
            self.close()
        return MappingReport(
            self.owner,
            tuple(self.report(one, rejected.by_triples_map.get(one.name, 0), scope) for one in self.given.triples_maps if scope.includes(one.source)),
            tuple(SourceReport(source.relation.name, source.rows, self.reading[logical]) for logical, source in self.encoded.items() if logical in self.reading),
            total,
            rejected.total,
            target.diff,
            time.perf_counter() - started,
            "all rows" if scope.is_whole else "changed rows" if scope.by_rows else "changed sources",
        )

    def record_rows(self, record: Record, logical: LogicalSource) -> int:
        """How many rows a source had, of which only some have changed."""
        known = record.of(logical)
        return known.rows if known is not None else 0

    def totals(self) -> tuple[int, int]:
        """How many quads and rejects the owner has."""
        run = self.store.connection.execute
        quads = run("SELECT count(*) FROM quads WHERE g IN (SELECT id FROM graphs WHERE owner = ?)", [self.owner]).fetchone()[0]
        return quads, run("SELECT count(*) FROM rejects WHERE owner = ?", [self.owner]).fetchone()[0]

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

    def encode(self, record: Record) -> Scope:
        """Encode what has to be mapped: changed rows, the sources that have changed, or all."""
        scope = self.refresh_scope(record, by_rows=True)
        if scope is not None:
            started = time.perf_counter()
            changed = [ChangedRows(self.store, self.encoded[logical], record.of(logical)) for logical in self.sources_of(scope)]
            if all(self.watched(one.source, one.find) for one in changed):
                self.changed_rows = {one.source.number: one for one in changed}
                encode_changed(self.store, changed, {one.source.number: self.subjects(one.source) for one in changed})
                self.reading = {logical: (time.perf_counter() - started) / len(changed) for logical in self.sources_of(scope)}
                return scope
            for one in changed:
                one.drop()
        scope = self.refresh_scope(record, by_rows=False) or Scope(self.mapping.triples_maps)
        has_hashes = self.may_hash()
        sources = self.encoded if scope.is_whole else {logical: self.encoded[logical] for logical in self.read_by(scope)}
        for done, (logical, source) in enumerate(sources.items(), 1):
            started = time.perf_counter()
            source.hash = row_hash(source, over_aliases=True) if has_hashes and source.compiler.columns() else None
            self.watched(source, lambda source=source: encode(self.store, source))
            seconds = self.reading[logical] = time.perf_counter() - started
            self.progress(f"{source.relation.name}: {source.rows:,} rows, {source.rows / max(seconds, 1e-6):,.0f} a second", done, len(sources))
            names = [one.name for one in self.mapping.triples_maps if self.encoded[one.source] is source]
            for name in names:
                self.seconds[name] += seconds / len(names)
        return scope

    def watched(self, source: EncodedSource, read: Callable[[], _Result]) -> _Result:
        """Do `read`, and tell every second how far it has come."""
        what = f"reading {source.relation.name}"
        if self.progress is _nobody:
            return read()
        self.progress(what, 0, 0)
        with telling_progress(self.store.connection, lambda percent, seconds: self.progress(f"{what}, {percent:.0f} % after {seconds:.0f} s", 0, 0)):
            return read()

    # ── What has to be mapped ────────────────────────────────────────────────────────────────────────────────

    def refresh_scope(self, record: Record, by_rows: bool) -> Scope | None:
        """What runs where only sources have changed since the last time; None where all must."""
        if self.targets or self.mapping.triples_maps != self.given.triples_maps:
            return None
        changed = record.changed(self.encoded)
        if not changed:
            return None
        parents = {
            one.name: {self.mapping.triples_map(reference.parent).source for reference in parent_references(one) if reference.joins}
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
        parents = {self.mapping.triples_map(reference.parent).source for one in scope.triples_maps for reference in parent_references(one)}
        return [logical for logical in self.encoded if scope.includes(logical) or logical in parents]

    def subjects(self, source: EncodedSource) -> list[int]:
        """The numbers of the terms that are subjects."""
        maps = [one for one in self.mapping.triples_maps if self.encoded[one.source] is source and not one.subject.is_constant]
        return list(dict.fromkeys(source.term(one.subject) for one in maps))

    def may_hash(self) -> bool:
        """Whether a refresh by rows can come to pass and would pay."""
        if self.targets or self.mapping.triples_maps != self.given.triples_maps:
            return False
        read = {source.relation.source for source in self.encoded.values()}
        paths = {one.path if one is not None and not one.is_server else None for one in read}
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

    def insert(self, table: str, productions: list[Production], by_rows: bool) -> int:
        run = self.store.connection.execute
        total = done = 0
        for group in groups(productions):
            started = time.perf_counter()
            select = f"SELECT g, s, p, o FROM ({select_distinct(group)}) WHERE s IN (SELECT s FROM kg_subjects)" if by_rows else select_distinct(group)
            some = None if by_rows else " UNION ALL ".join(f"({one.select()} LIMIT 1)" for one in group)
            inserted = insert_rows(self.store.connection, f"{table} (g, s, p, o)", select, some=some)
            total += inserted
            for one in group:
                self.triples[one.triples_map] += inserted if len(group) == 1 else run(f"SELECT count(*) FROM ({one.select()})").fetchone()[0]
                self.seconds[one.triples_map] += (time.perf_counter() - started) / len(group)
            done += len(group)
            self.progress("writing triples", done, len(productions))
        return total
