"""KnowledgeGraph: the facade over one graph, of a project or in memory; it alone knows the order of the stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from pyoxigraph import BlankNode, NamedNode, RdfFormat, Triple

from kg import analytics, changes, mapping, reasoner, validation
from kg.analytics import Measure, Measured
from kg.build import (
    BuildReport,
    OwnedProgram,
    Progress,
    applied_changes,
    build,
    conclude,
    read_measures,
    rule_files,
    sources_of,
)
from kg.changes import AppliedReport
from kg.errors import MappingError, MeasureError, ProjectError, QueryError, RuleError, did_you_mean
from kg.explain import Absence, Proof, explain, why_not
from kg.ontology_check import Finding, check_ontology
from kg.project import WELL_KNOWN_PREFIXES, ContentFile, Federation, Limits, Project
from kg.saved_queries import SavedQuery
from kg.shapes import ShapesGraph, ValidationReport, ValidationResult, load_shapes, validate
from kg.shapes.stored import StoredReport
from kg.sparql import graph_store
from kg.sparql.algebra import Dataset
from kg.sparql.deadline import Clock, Stop
from kg.sparql.evaluate import Solutions, Triples, evaluate, plan
from kg.sparql.explanation import QueryExplanation, explain_query, unknown_terms
from kg.sparql.graph_store import Expectation, GraphReport
from kg.sparql.parser import parse_query
from kg.sparql.services import Services
from kg.sparql.update import Loader, UpdateReport, update
from kg.store import Store, documents
from kg.store.documents import LoadReport
from kg.store.notation import term_of
from kg.store.versions import Reader, Versions
from kg.terms import RDF_TYPE, Term
from kg.what_if import WhatIf, what_if


@dataclass(frozen=True)
class Status:
    """What the graph holds: the version, its size, and each named graph with its owner."""

    version: int | None
    built: float | None  # seconds since 1970
    bytes: int
    revision: int
    triples: int
    inferred: int
    rejects: int
    graphs: tuple[Mapping[str, object], ...]
    validation: validation.ValidationStatus | None = None  # None where the graph has not been validated


REJECT_COLUMNS = ("source", "line", "column_name", "value", "reason", "triples_map", "owner")


class Reject(NamedTuple):
    """A value of a source that no triple could be made of."""

    source: str | None
    line: int | None
    column: str | None
    value: str | None
    reason: str
    triples_map: str | None
    owner: str


@dataclass(frozen=True)
class MeasureStatus:
    """A measure, and what is said of its last run: `run` is when (UTC), None where it never was."""

    key: str
    file: str
    graph: str
    algorithm: str
    titles: Mapping[str, str]
    parameters: Mapping[str, str]
    rows: int
    triples: int
    run: str | None
    findings: tuple[str, ...]
    warnings: tuple[str, ...]
    is_current: bool

    def as_dict(self) -> dict[str, object]:
        return {name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}


class KnowledgeGraph:
    """A graph that is built, loaded, queried and explained. Safe to share between threads for reading.

    >>> with KnowledgeGraph.memory() as graph:
    ...     _ = graph.load(b"<urn:a> <urn:p> 1 .", format="ttl")
    ...     [str(row[0]) for row in graph.query("SELECT ?o { ?s ?p ?o }")]
    ['"1"^^<http://www.w3.org/2001/XMLSchema#integer>']
    """

    def __init__(self, project: Project | None, versions: Versions | None, store: Store | None, prefixes: Mapping[str, str]) -> None:
        self.project = project
        self.prefixes = dict(prefixes)
        self.limits = project.limits if project else Limits()
        federation = project.federation if project else Federation()
        self.services = Services(federation.allow, federation.timeout, self.limits.rows)
        self._versions = versions
        self._reader = Reader(versions) if versions else None
        self._store = store
        self._tracers: dict[str, mapping.Tracer] = {}
        self._parsed: tuple[Store, object, reasoner.Derivations] | None = None  # of a store, by the texts of the rules and the revision
        self._rule_files: dict[str, tuple[list[str], OwnedProgram]] = {}  # by owner, with the texts that were read
        self._tracing_lock = threading.Lock()

    # ── Opening and closing ──────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def open(cls, path: str | Path = "kg.toml") -> KnowledgeGraph:
        """The graph of the project at `path` (kg.toml or its folder); it need not be built yet."""
        project = Project.load(path)
        versions = Versions(project.store, project.keep, **project.settings)
        return cls(project, versions, None, project.prefixes)

    @classmethod
    def memory(cls, prefixes: Mapping[str, str] | None = None) -> KnowledgeGraph:
        """An empty graph in memory, without a project."""
        return cls(None, None, Store.memory(), WELL_KNOWN_PREFIXES | dict(prefixes or {}))

    def close(self) -> None:
        for tracer in self._tracers.values():
            tracer.close()
        self._tracers.clear()
        if self._reader:
            self._reader.close()
        if self._store:
            self._store.close()

    def __enter__(self) -> KnowledgeGraph:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """The store to read from: the version that is current now."""
        return self._store or self._reader.store()

    @contextmanager
    def _writing(self) -> Iterator[Store]:
        """The store to write to; for a project a draft, published when the block succeeds and has changed it."""
        if self._store is not None:
            with self._store.transaction():
                yield self._store
        else:
            with self._versions.write() as draft:
                before = draft.store.revision
                yield draft.store
                if draft.store.revision != before or self._versions.current() is None:
                    draft.publish()

    def _follow(self, store: Store) -> tuple[int, int] | None:
        """Bring the conclusions up to date with an edit, where they were so before it: returns how many came and went, or
        None where that is left to the next build, as it is when rules have been edited meanwhile."""
        if self.project is None or not self.project.follow or not reasoner.is_followed(store):
            return None
        programs = self._programs()
        if not reasoner.is_followed(store, [(program.owner, program.graph, program.over(store)) for program in programs]):
            return None
        report = conclude(store, programs)
        diffs = report.diffs.values() if report else ()
        return sum(diff.inserted for diff in diffs), sum(diff.deleted for diff in diffs)

    @contextmanager
    def _guarded(
        self, guard: str | None = None, shapes: str | Path | bytes | Iterable[str | Path | bytes] | None = None
    ) -> Iterator[tuple[Store, validation.Guard | None]]:
        """Like `_writing`; where there is a guard, it looks at what the block has changed before that is kept."""
        mode, level = validation.guard_of(self.project, guard or ("reject" if shapes is not None else None))
        sources = shapes if shapes is not None else self.project.shapes() if self.project else ()
        with self._writing() as store:
            if mode == "off" or not sources:
                yield store, None
                return
            read = validation.shapes_of(self.project) if shapes is None else load_shapes(shapes, base=self.project.base if self.project else None)
            guardian = validation.Guard(read, mode, level)
            with ExitStack() as stack:
                before = stack.enter_context(Store.memory()) if self._store is None and self._versions.current() is None else self._before()
                with validation.guarded(guardian, store, before, self.project if shapes is None else None):
                    yield store, guardian

    def _before(self) -> Store:
        """The graph without the changes that are being made."""
        return self._reader.store() if self._reader else Store(self._store.cursor(), None, read_only=True)

    # ── Building and loading ─────────────────────────────────────────────────────────────────────────────────

    def build(
        self, only: str | None = None, overrides: Mapping[str, str] | None = None, on_progress: Progress | None = None, allow: str | None = None
    ) -> BuildReport:
        """Bring the graph up to date with its content files and sources: see `kg.build`.

        `allow` is the severity of results of the shapes up to which this build passes, whatever kg.toml says: info, warning, violation.
        """
        try:
            return build(validation.allowing(self._the_project(), allow), self._versions, only, overrides, on_progress)
        except RuleError as error:
            error.notes += self._rows_of(error)
            raise

    def apply(self, files: Iterable[str | Path], domain: str | None = None, on_progress: Progress | None = None) -> Iterator[AppliedReport]:
        """Apply files of changes to the tables of a domain, each a version of its own: see `kg.changes`."""
        yield from changes.apply(self._the_project(), self._versions, files, domain, on_progress)

    def forget_changes(self, domain: str | None = None, on_progress: Progress | None = None) -> BuildReport:
        """Take the tables as the sources have them: for a new snapshot that has the applied changes in it."""
        return changes.forget(self._the_project(), self._versions, domain, on_progress)

    def load(self, source: str | Path | bytes, graph: str | None = None, format: str | None = None, base: str | None = None) -> LoadReport:
        """Add an RDF document (Turtle, TriG, N-Triples, N-Quads, RDF/XML, JSON-LD; gzip too) to a named graph.

        Without `graph`, triples go to the default graph. Builds leave them alone. The guard of kg.toml looks at it.
        """
        with self._guarded() as (store, _):
            report = documents.load(store, source, graph=graph, format=format, base=base)
            self._follow(store)
        return report

    def map(
        self, mapping_file: str | Path, sources: Mapping[str, object] | str | Path | None = None, graph: str | None = None, base: str | None = None, *, strict: bool = False
    ) -> mapping.MappingReport:
        """Make a graph hold what an R2RML or RML document makes of its sources: a table of Python, or a file, by name.

        `sources` has data frames of pandas or Polars, Arrow tables, paths and URLs of databases by the names that the mapping uses
        (`default` stands for all other tables), or is one folder or sources.toml; without it, RML names its files itself.
        Triples go to `graph`, or the default graph, where they take the place of those of the last time. Builds leave them alone.
        With `strict`, a value that cannot be mapped is an error; else it is left out, counted, and listed by `rejects`.
        """
        found = mapping.sources_of(sources) if isinstance(sources, Mapping) else mapping.Sources() if sources is None else sources
        base = base or (self.project.base if self.project else "http://example.org/")
        owner = f"python:{Path(mapping_file).name.partition('.')[0]}"
        with self._guarded() as (store, _):
            report = mapping.materialize(store, mapping_file, found, base=base, graph=graph, owner=owner, strict=strict)
            self._follow(store)
        return report

    def update(
        self,
        text: str,
        bindings: Mapping[str, Term] | None = None,
        timeout: float | None = None,
        loader: Loader | None = None,
        default_graphs: Iterable[str] = (),
        named_graphs: Iterable[str] = (),
        file: str | None = None,
        stop: Stop | None = None,
        guard: str | None = None,
        shapes: str | Path | bytes | Iterable[str | Path | bytes] | None = None,
    ) -> UpdateReport:
        """Do a SPARQL update, all or nothing; in a project the result is a new version.

        Triples without GRAPH go to the default graph. Graphs that a build makes are refused (QueryError Q501). LOAD reads what
        `loader` allows, see `files_within`. `default_graphs` and `named_graphs` take the place of USING and USING NAMED.
        By `stop` another thread can end it. Unless kg.toml says `follow = false`, the same version has the conclusions that the
        rules draw from it; the report says how many came and went. `guard` is off, report or reject, by default what kg.toml
        says: whether shapes (the project's, or `shapes`) are checked before the change is kept, and what is done where it
        violates them: it is told in the report's `validation`, or refused (Violations H302).
        """
        with self._guarded(guard, shapes) as (store, guardian):
            report = update(
                store,
                text,
                bindings=bindings,
                timeout=min(timeout or self.limits.timeout, self.limits.timeout),
                base=self.project.base if self.project else None,
                prefixes=self.prefixes,
                dataset=Dataset(tuple(map(NamedNode, default_graphs)), tuple(map(NamedNode, named_graphs))),
                services=self.services,
                loader=loader,
                file=file,
                stop=stop,
            )
            followed = self._follow(store)
        return replace(report, followed=followed, validation=guardian.report if guardian else None)

    def what_if(
        self,
        text: str,
        bindings: Mapping[str, Term] | None = None,
        proofs: bool = False,
        timeout: float | None = None,
        loader: Loader | None = None,
        file: str | None = None,
    ) -> WhatIf:
        """What a SPARQL update would change: the conclusions that would come and go, by rule, and with `proofs` why.

        It is done on a copy that is thrown away: the graph stays as it is, and others may read and build it meanwhile.
        """
        project = self._the_project()
        programs = self._programs()
        change = partial(
            update, request=text, bindings=bindings, timeout=min(timeout or self.limits.timeout, self.limits.timeout), base=project.base,
            prefixes=self.prefixes, loader=loader, file=file,
        )  # fmt: skip
        before = partial(self._proof, self.store, self._derivations) if proofs else None

        def after(store: Store) -> Callable[[Triple], Proof | None]:
            return partial(self._proof, store, cache(lambda: reasoner.Derivations(store, [(p.owner, p.graph, p.over(store)) for p in programs])))

        return what_if(self._versions, programs, change, self.prefixes, before, after if proofs else None)

    def measures(self) -> list[Measure]:
        """The project's measures, in the order in which they are run."""
        return read_measures(self._the_project())

    def measure(self, names: Iterable[str] = (), on_progress: Progress | None = None) -> BuildReport:
        """Run measures (NAME or DOMAIN/NAME; default: all) whether anything changed or not, and draw the conclusions that rest on them."""
        known = {measure.key: measure for measure in self.measures()}
        chosen = [self._measure_key(name, known) for name in names] or list(known)
        return build(self._the_project(), self._versions, None, None, on_progress, again=chosen)

    def measured(self, names: Iterable[str] = (), language: str = "en") -> list[MeasureStatus]:
        """Measures (default: all), and what is said of their last runs."""
        known = {measure.key: measure for measure in self.measures()}
        chosen = [self._measure_key(name, known) for name in names] or list(known)
        store = self.store
        sizes = {str(graph["iri"]): int(graph["triples"]) for graph in store.graphs()}
        return [self._measure_status(store, known[key], sizes, language) for key in chosen]

    def _measure_status(self, store: Store, measure: Measure, sizes: Mapping[str, int], language: str) -> MeasureStatus:
        said = analytics.said(store, measure, language)
        return MeasureStatus(
            measure.key, measure.file, measure.graph, measure.algorithm.name, measure.titles, said.parameters, said.rows, sizes.get(measure.graph, 0), said.run,
            said.findings, said.warnings, analytics.is_current(store, [measure]),
        )  # fmt: skip

    def _measure_key(self, name: str, known: Mapping[str, Measure]) -> str:
        found = [key for key, measure in known.items() if name in (key, measure.name)]
        if len(found) != 1:
            help = did_you_mean(name, [*known, *(one.name for one in known.values())]) or f"there are {', '.join(known) or 'none'}"
            raise MeasureError("A111", f"there is no measure {name}" if not found else f"{name} is the name of several measures: {', '.join(found)}", help=help)
        return found[0]

    def _measured(self, store: Store, triple: Triple, graph: str) -> Measured | None:
        """The grounds of what a measure wrote; None of the triples of other graphs."""
        project = self.project
        if project is None or not graph.startswith(project.graph_iri("measure")):
            return None
        file = next((file for file in project.measures() if project.graph_iri("measure", file) == graph), None)
        return analytics.measured(store, analytics.read(project, file), triple) if file else None

    def _proof(self, store: Store, derivations: Callable[[], reasoner.Derivations], triple: Triple) -> Proof | None:
        """The proof of a triple in a store; None where it is not there."""
        with self._tracing() as trace, suppress(QueryError):
            return explain(
                store, triple.subject, triple.predicate, triple.object, derive=derivations(), trace=_each(trace), measured=partial(self._measured, store),
                prefixes=self.prefixes,
            )

    def put_graph(
        self, graph: str | None, sources: Iterable[tuple[documents.Source, RdfFormat]], *, merge: bool = False, expect: Expectation | None = None
    ) -> GraphReport:
        """Make documents the content of a graph (None: the default graph), or `merge` them into it: see `kg.sparql.graph_store`."""
        with self._guarded() as (store, _):
            report = graph_store.put(store, graph, sources, merge=merge, expect=expect)
            self._follow(store)
        return report

    def drop_graph(self, graph: str | None, *, expect: Expectation | None = None) -> GraphReport:
        """Take a graph away, or empty the default graph."""
        with self._guarded() as (store, _):
            report = graph_store.drop(store, graph, expect=expect)
            self._follow(store)
        return report

    def patch_graph(self, graph: str | None, text: str, *, timeout: float | None = None, expect: Expectation | None = None) -> GraphReport:
        """Do an update within one graph."""
        with self._guarded() as (store, _):
            report = graph_store.patch(
                store, graph, text, base=self.project.base if self.project else None, prefixes=self.prefixes,
                timeout=min(timeout or self.limits.timeout, self.limits.timeout), expect=expect,
            )  # fmt: skip
            self._follow(store)
        return report

    def export(self, destination: str | Path, format: str | None = None, graph: str | None = None) -> int:
        """Write the graph, or one named graph, as RDF; returns how many statements."""
        return documents.dump(self.store, destination, format=format, graph=documents.ALL if graph is None else graph, prefixes=self.prefixes)

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────

    def query(
        self,
        query: str | SavedQuery,
        bindings: Mapping[str, Term] | None = None,
        timeout: float | None = None,
        rows: int | None = None,
        default_graphs: Iterable[str] = (),
        named_graphs: Iterable[str] = (),
        stop: Stop | None = None,
        partial: bool = False,
        offset: int = 0,
    ) -> Solutions | Triples | bool:
        """Answer a SPARQL query: Solutions of SELECT, Triples of CONSTRUCT and DESCRIBE, a bool of ASK.

        `bindings` sets variables to terms beforehand. `timeout` (seconds) and `rows` are capped by the project's limits.
        More solutions than `rows` are an error (LimitExceeded), or with `partial` the first ones are the answer, and its `is_partial`
        tells. `offset` solutions are passed over first. SERVICE asks the endpoints that kg.toml allows. By `stop` another thread can end the query.
        """
        text, file = (query.text, query.file) if isinstance(query, SavedQuery) else (query, None)
        return evaluate(
            self.store,
            text,
            bindings=bindings,
            timeout=min(timeout or self.limits.timeout, self.limits.timeout),
            row_limit=min(rows or self.limits.rows, self.limits.rows),
            base=self.project.base if self.project else None,
            prefixes=self.prefixes,
            dataset=Dataset(tuple(map(NamedNode, default_graphs)), tuple(map(NamedNode, named_graphs))),
            services=self.services,
            file=file,
            stop=stop,
            partial=partial,
            offset=offset,
        )

    def explain_query(
        self,
        query: str | SavedQuery,
        bindings: Mapping[str, Term] | None = None,
        timeout: float | None = None,
        default_graphs: Iterable[str] = (),
        named_graphs: Iterable[str] = (),
        stop: Stop | None = None,
    ) -> QueryExplanation:
        """Run a query without its answer: algebra, SQL, the plan with estimated and actual rows, and terms that the graph lacks."""
        text, file = (query.text, query.file) if isinstance(query, SavedQuery) else (query, None)
        seconds = min(timeout or self.limits.timeout, self.limits.timeout)
        store, services, started = self.store, self.services.until(seconds, stop), time.perf_counter()
        dataset = Dataset(tuple(map(NamedNode, default_graphs)), tuple(map(NamedNode, named_graphs)))
        base = self.project.base if self.project else None
        check = Clock(seconds, stop=stop).check
        compiled = plan(store, text, bindings=bindings, base=base, prefixes=self.prefixes, dataset=dataset, services=services, file=file, check=check)
        return explain_query(store, compiled, time.perf_counter() - started, timeout=services.remaining(), stop=stop, prefixes=self.prefixes)

    def unknown_terms(self, query: str | SavedQuery) -> list[str]:
        """What a query names and no triple has, a sentence each: why its answer may be empty."""
        text = query.text if isinstance(query, SavedQuery) else query
        return unknown_terms(self.store, parse_query(text, self.project.base if self.project else None, self.prefixes), self.prefixes)

    def explain(
        self, subject: NamedNode | str, predicate: NamedNode | str, object: Term | str, depth: int | None = None, all: bool = False
    ) -> Proof:
        """Why a triple is in the graph: rules and bindings, premises, down to source rows; with `all`, by every derivation.

        Texts are read as IRIs, prefixed names or Turtle literals. `depth` is how many rules deep it goes, by default all the way.
        QueryError Q401 if the triple is not in the graph.
        """
        terms = self._terms(subject, predicate, object)
        derive = self._derivations()
        with self._tracing() as trace:
            return explain(self.store, *terms, derive=derive, trace=_each(trace), all=all, measured=partial(self._measured, self.store), max_depth=depth, prefixes=self.prefixes)

    def why_not(self, subject: NamedNode | str, predicate: NamedNode | str, object: Term | str, depth: int = 2) -> Absence:
        """Why a triple is not in the graph: what each rule that could conclude it lacks, `depth` rules deep.

        Terms as for `explain`. QueryError Q402 if the triple is in the graph.
        """
        misses = partial(reasoner.near_misses, self._derivations())
        return why_not(self.store, *self._terms(subject, predicate, object), misses=misses, max_depth=depth, prefixes=self.prefixes)

    def validate(
        self,
        shapes: str | Path | bytes | Iterable[str | Path | bytes] | ShapesGraph | None = None,
        graphs: Iterable[str] | None = None,
        abort: bool = False,
        allow: str | None = None,
    ) -> ValidationReport:
        """Check the graph, or some of its named graphs, against SHACL shapes: files, Turtle as bytes, or the project's own.

        With `abort` the first shape with results is the last. Results up to the severity `allow` (info, warning) do not stand
        against conformance.
        """
        base = self.project.base if self.project else None
        read = self.shapes() if shapes is None else shapes if isinstance(shapes, ShapesGraph) else load_shapes(shapes, base=base)
        report = validate(self.store, read, graphs=graphs, abort=abort)
        return replace(report, allowed=frozenset(name.capitalize() for name in validation.up_to(allow)))

    def shapes(self) -> ShapesGraph:
        """The project's shapes."""
        return validation.shapes_of(self._the_project())

    def report(self) -> StoredReport:
        """The report of the last validation of this project, counted and paged: see `kg.shapes.stored`."""
        return validation.stored_report(self._the_project(), self.store)

    def result_rows(self, results: Iterable[ValidationResult]) -> list[list[mapping.SourceRow]]:
        """For each result of a validation, the source rows that its value, or else its focus node, comes from."""
        project = self.project
        files = {project.graph_iri("map", file) for file in project.mappings()} if project else set()
        known = {graph["id"]: graph["iri"] for graph in self.store.graphs() if graph["iri"] in files}
        found = []
        with self._tracing() as trace:
            for one in results:
                found.append(self._rows_of_result(one, known, trace) if isinstance(one.focus_node, (NamedNode, BlankNode)) else [])
        return found

    def _rows_of_result(self, result: ValidationResult, graphs: Mapping[int, str], trace: Callable[[Triple, str], list[mapping.SourceRow]]) -> list[mapping.SourceRow]:
        """Of the value, where a mapping made it; else of the triple that says the least common type, or anything, of the node."""
        store = self.store
        run = (store.cursor() if store.read_only else store.connection).execute
        subject = store.lookup(result.focus_node)
        if subject is None or not graphs:
            return []
        rows = run(f"SELECT g, p, o FROM quads WHERE s = {subject} AND g IN ({', '.join(map(str, graphs))}) ORDER BY g, p").fetchall()
        terms = store.decode({term_id for row in rows for term_id in row[1:]})
        triples = [(graphs[g], Triple(result.focus_node, terms[p], terms[o])) for g, p, o in rows]
        exact = [one for one in triples if one[1].predicate == result.path and one[1].object == result.value]
        typed = [one for one in triples if one[1].predicate.value == RDF_TYPE]
        for graph, triple in [*exact, *typed, *triples][:3]:
            if traced := trace(triple, graph):
                return traced[:3]
        return []

    def lint(self, mapping_file: str | Path | None = None, overrides: Mapping[str, str] | None = None) -> list[MappingError]:
        """Mistakes of the project's mappings, or of one file, that do not keep them from running: see `kg.mapping.lint`.

        Only where all mappings are looked at are classes and properties missed that nothing makes.
        """
        project = self._the_project()
        paths = [Path(mapping_file)] if mapping_file else [file.path for file in project.mappings()]
        declared = {path.parent: path.parent / "sources.toml" for path in paths}
        sources = {folder: mapping.load_sources(file if file.exists() else None, overrides or {}) for folder, file in declared.items()}
        ontology = mapping.Ontology.read(file.path for file in project.ontology())
        heads = [triple for program in self._programs() for rule in program.program.rules for triple in rule.head] if not mapping_file else []
        heads += [triple for file in project.measures() for triple in analytics.read(project, file).writes] if not mapping_file else []
        concluded = None if mapping_file else {term.value for triple in heads for term in (triple.predicate, triple.object) if isinstance(term, NamedNode)}
        return mapping.lint([(path, sources[path.parent]) for path in paths], project.base, ontology, concluded)

    def check_ontology(self, data: Iterable[str | Path] = (), language: str = "en") -> Iterator[Finding]:
        """Look for what is wrong with the project's ontology, or with the axioms and facts of some files: see `kg.ontology_check`."""
        return check_ontology(self.project, self._versions, [Path(file) for file in data], language, self.prefixes)

    def term(self, text: str) -> Term:
        """A term from how a person writes it: <iri>, prefix:name, "text", 42."""
        return term_of(text, self.prefixes)

    def status(self) -> Status:
        """Version, size and named graphs."""
        store = self.store
        cursor = store.cursor()
        triples, inferred = cursor.execute("SELECT count(*), count(*) FILTER (rule IS NOT NULL) FROM quads WHERE NOT again").fetchone()
        rejects = cursor.execute("SELECT count(*) FROM rejects").fetchone()[0]
        version = self._reader.version() if self._reader else None
        file = version.path.stat() if version else None
        return Status(
            version.number if version else None, file.st_mtime if file else None, file.st_size if file else 0, store.revision, triples, inferred,
            rejects, tuple(store.graphs()), validation.status(self.project, store) if self.project else None,
        )  # fmt: skip

    def triples(
        self, graph: str | None = None, after: tuple[int, int, int] | None = None, limit: int = 100
    ) -> list[tuple[tuple[int, int, int], tuple[Term, Term, Term]]]:
        """The next triples of a named graph, or of all, in a fixed order: the ids by which to go on (`after`), and the terms."""
        store = self.store
        tests, parameters = ["NOT again"], []
        if graph is not None:
            tests, parameters = ["g = ?"], [store.lookup(NamedNode(graph))]
        if after is not None:
            tests.append("s >= ? AND (s > ? OR p > ? OR (p = ? AND o > ?))")
            s, p, o = after
            parameters += [s, s, p, p, o]
        rows = store.cursor().execute(f"SELECT s, p, o FROM quads WHERE {' AND '.join(tests)} ORDER BY s, p, o LIMIT {int(limit)}", parameters).fetchall()
        known = store.decode({term_id for row in rows for term_id in row})
        return [(row, tuple(known[term_id] for term_id in row)) for row in rows]

    def subjects(self, predicate: NamedNode, object: Term, after: int | None = None, offset: int = 0, limit: int = 100) -> list[tuple[int, Term]]:
        """The next things that have this value, each with the id by which to go on (`after`), in the order of these ids."""
        store = self.store
        known = store.lookup_many([predicate, object])
        if None in known:
            return []
        tests = "NOT again AND p = ? AND o = ?" + (" AND s > ?" if after is not None else "")
        parameters = [*known, *([] if after is None else [after]), limit, offset]
        rows = store.cursor().execute(f"SELECT s FROM quads WHERE {tests} ORDER BY s LIMIT ? OFFSET ?", parameters).fetchall()
        terms = store.decode(row[0] for row in rows)
        return [(row[0], terms[row[0]]) for row in rows]

    def rejects(self, offset: int = 0, limit: int | None = None, like: str | None = None) -> list[Reject]:
        """What mappings could not take, by source and line; `like` keeps those that have the text in any column."""
        columns = ", ".join(REJECT_COLUMNS)
        found = "WHERE contains(lower(concat_ws(chr(10), source, line, column_name, value, reason, triples_map, owner)), lower(?))" if like else ""
        query = f"SELECT {columns} FROM rejects {found} ORDER BY source, line, column_name, triples_map, owner LIMIT ? OFFSET ?"
        return [Reject(*row) for row in self.store.cursor().execute(query, [*([like] if like else []), limit, offset]).fetchall()]

    # ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────

    def _the_project(self) -> Project:
        if self.project is None:
            raise ProjectError("P303", "a graph in memory has no project to build", help="open one with KnowledgeGraph.open")
        return self.project

    def _terms(self, *parts: Term | str) -> list[Term]:
        return [self.term(part) if isinstance(part, str) else part for part in parts]

    def _derivations(self) -> reasoner.Derivations:
        read = self._programs_with_texts() if self.project else []
        programs = [program for _, program in read]
        store = self.store
        state = ([texts for texts, _ in read], store.revision)
        parsed = self._parsed
        if parsed is None or parsed[0] is not store or parsed[1] != state:
            derivations = reasoner.Derivations(store, [(p.owner, p.graph, p.over(store)) for p in programs])
            parsed = self._parsed = (store, state, derivations)
        return parsed[2].anew()

    def _programs(self) -> list[OwnedProgram]:
        """The rule files; those whose text is still the same are not parsed again."""
        return [program for _, program in self._programs_with_texts()]

    def _programs_with_texts(self) -> list[tuple[list[str], OwnedProgram]]:
        known, found = self._rule_files, {}
        for program in rule_files(self._the_project()):
            texts = program.texts()
            old = known.get(program.owner)
            found[program.owner] = old if old and old[0] == texts else (texts, program)
        self._rule_files = found
        return list(found.values())

    @contextmanager
    def _tracing(self) -> Iterator[Callable[[Triple, str], list[mapping.SourceRow]]]:
        """The source rows of an asserted triple of a mapping's graph; one thread at a time."""
        project = self.project
        files = {project.graph_iri("map", file): file for file in project.mappings()} if project else {}

        @cache
        def sources(domain: str) -> mapping.Sources:
            is_built = self._versions is None or self._versions.current() is not None
            return sources_of(project, domain, applied=applied_changes(project, domain, self.store) if is_built else ())

        def rows_for(triple: Triple, graph: str) -> list[mapping.SourceRow]:
            rows = self._tracer(graph, files[graph], sources(files[graph].domain)).rows_for(triple) if graph in files else []
            return [replace(row, file=project.relative(Path(row.file))) if row.file else row for row in rows]

        with self._tracing_lock:
            try:
                yield rows_for
            finally:
                for tracer in self._tracers.values():
                    tracer.remember()

    def _rows_of(self, error: RuleError) -> list[str]:
        """The source rows of the triple that a rule could not take."""
        if error.triple is None:
            return []
        project = self._the_project()
        with self._tracing() as rows_for:
            rows = [row for file in project.mappings() for row in rows_for(error.triple, project.graph_iri("map", file))]
        places = [f"{row.file or row.table}{f', line {row.line}' if row.line is not None else ''}" for row in rows]
        columns = [", ".join(f"{name}={value}" for name, value in row.columns.items() if value is not None) for row in rows]
        return [f"row: {place}: {values}" for place, values in zip(places, columns, strict=True)]

    def _tracer(self, graph: str, file: ContentFile, sources: mapping.Sources) -> mapping.Tracer:
        """The tracer of a mapping, kept as long as its files are as they were when it read them."""
        kept = self._tracers.get(graph)
        if kept is not None and kept.sources == sources and kept.is_current():
            return kept
        if kept is not None:
            kept.close()
        self._tracers[graph] = mapping.Tracer(file.path, sources, self._the_project().base)
        return self._tracers[graph]


def _each(trace: Callable[[Triple, str], list[mapping.SourceRow]]) -> Callable[[Iterable[tuple[Triple, str]]], list[list[mapping.SourceRow]]]:
    return lambda pairs: [trace(triple, graph) for triple, graph in pairs]
