"""A build: ontology files, mappings, rules, measures and shapes → a new version of the graph; what did not change is not done again.

Each content file owns the named graphs it writes. Its fingerprint (text, sources, engine) stands in the store; a file
with the same fingerprint is skipped, a file that is gone has its graphs removed. Rules form one program, done again when a
rule or any other graph changed. Measures come after rules; as rules may read what measures found, and measures what rules
conclude, both are done in turn until nothing changes. Nothing is published unless everything succeeded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from kg import analytics, mapping, reasoner, validation
from kg.analytics import Measure
from kg.errors import MeasureError, ProjectError
from kg.project import ContentFile, Project
from kg.reasoner import owl
from kg.rules import Hierarchy, has_rules, load_rules
from kg.store import Diff, Store, documents
from kg.store.documents import OwnedDocument
from kg.store.versions import Versions

STAGES = ("ontology", "map", "infer", "measure", "validate")
# Part of every fingerprint: raise it when the same input leads to other quads.
ENGINE = "1"

# Programs that an ontology becomes while its own conclusions add axioms; more are called endless.
_MOST_ONTOLOGIES = 20

# Times that rules and measures take turns; each reads what the other found, and more turns are called endless.
_MOST_TURNS = 10

Progress = Callable[[str, str], None]
Batches = tuple[mapping.changes.Batch, ...]


@dataclass(frozen=True)
class StepReport:
    """One content file (or the whole rule program): what it did to its graphs."""

    stage: str
    name: str
    seconds: float
    triples: int
    diff: Diff
    warnings: tuple[str, ...] = ()
    details: object = None  # the stage's own report: mapping.MappingReport, reasoner.InferReport, analytics.Done, validation.ValidationSummary


@dataclass
class BuildReport:
    """What a build did; `version` is the number of the version that is served afterwards."""

    version: int = 0
    is_changed: bool = False
    seconds: float = 0.0
    steps: list[StepReport] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        return [warning for step in self.steps for warning in step.warnings]


@dataclass(frozen=True)
class Step:
    """A content file that is to be brought into the graph."""

    stage: str
    name: str
    owner: str
    fingerprint: str
    run: Callable[[Store], StepReport] | None = None
    document: OwnedDocument | None = None  # of the ontology stage: all are loaded at once


def build(
    project: Project,
    versions: Versions,
    only: str | None = None,
    overrides: Mapping[str, str] | None = None,
    on_progress: Progress | None = None,
    changes: Mapping[str, Batches] | None = None,
    again: Sequence[str] = (),
) -> BuildReport:
    """Bring the graph up to date and publish it as a new version, if anything changed.

    `only` is one stage; `again` names measures that are run whether anything changed or not; `overrides` replaces sources by name (NAME → path or URL) for this build. `changes` are, by domain, all
    files of changes that the tables are to have in them from now on: see `kg.changes`.
    """
    if only is not None and only not in STAGES:
        raise ProjectError("P301", f"there is no stage {only}", help=f"the stages are {', '.join(STAGES)}")
    started = time.perf_counter()
    tell = on_progress or (lambda stage, detail: None)
    tell("read", "content files and sources")
    applied = _applied(project, versions) | dict(changes or {})
    steps = plan(project, only, overrides or {}, on_progress, applied)
    programs = rule_files(project) if only in (None, "infer") else []
    measures = read_measures(project) if only in (None, "measure") else []
    report = BuildReport()
    current = versions.current()
    if current is not None:
        with versions.read()[1] as store:
            is_stale = bool(again) or changes is not None or _changes(store, steps, programs, measures, only) or store.search_properties != project.search
            is_stale = is_stale or (only in (None, "validate") and not validation.is_current(project, store))
        if not is_stale:
            report.version, report.seconds = current.number, time.perf_counter() - started
            report.skipped = [step.name for step in steps]
            return report
    reasoner.check([program.program for program in programs])  # a wrong rule fails before anything is written
    with versions.write() as draft:
        draft.store.make_searchable(project.search)
        with draft.store.batch():
            _bring_up_to_date(project, draft.store, steps, report, tell)
            gone = _remove_gone(draft.store, steps, programs, measures, only, report)
            for domain, batches in (changes or {}).items():
                mapping.changes.remember(draft.store.connection, domain, batches)
        _infer_and_measure(draft.store, programs, measures, only, gone, again, report, tell)
        if only in (None, "validate"):
            _validate(project, draft.store, report, tell)
        tell("publish", "the new version")
        report.version = draft.publish().number
    report.is_changed = True
    report.seconds = time.perf_counter() - started
    return report


def sources_of(project: Project, domain: str, overrides: Mapping[str, str] | None = None, applied: Batches = ()) -> mapping.Sources:
    """The sources of a domain, their tables as they are after the files of changes that were applied."""
    declared = project.sources(domain)
    sources = mapping.load_sources(declared if declared.exists() else None, overrides or {})
    if not applied:
        return sources
    return mapping.changes.with_changes(sources, mapping.changes.load_operations(project.changes(domain)), applied, project.changes(domain))


def applied_changes(project: Project, domain: str, store: Store) -> Batches:
    """The files of changes that the tables of a domain have in them, in their order."""
    return mapping.changes.applied(store.cursor(), domain, project.store / "changes")


def _applied(project: Project, versions: Versions) -> dict[str, Batches]:
    domains = [domain for domain in project.domains if project.changes(domain).exists()]
    if not domains or versions.current() is None:
        return {}
    with versions.read()[1] as store:
        return {domain: applied_changes(project, domain, store) for domain in domains}


def plan(project: Project, only: str | None, overrides: Mapping[str, str], on_progress: Progress | None, applied: Mapping[str, Batches]) -> list[Step]:
    """The steps before inference, each fingerprinted: a wrong mapping fails here, before anything is written."""
    steps: list[Step] = []
    if only in (None, "ontology", "map"):
        steps += [_ontology_step(project, file) for file in project.ontology()]
    if only in (None, "map"):
        sources = {domain: sources_of(project, domain, overrides, applied.get(domain, ())) for domain in project.domains if project.sources(domain).exists()}
        steps += [_mapping_step(project, file, sources, on_progress) for file in project.mappings()]
    return steps


def _ontology_step(project: Project, file: ContentFile) -> Step:
    fingerprint, owner = _digest(file.path.read_bytes()), f"ontology:{file.key}"
    document = OwnedDocument(file.path, owner, project.graph_iri("ontology", file), fingerprint)
    return Step("ontology", project.relative(file.path), owner, fingerprint, document=document)


def _mapping_step(project: Project, file: ContentFile, sources: Mapping[str, mapping.Sources], on_progress: Progress | None) -> Step:
    if file.domain not in sources and file.path.name.endswith(".r2rml.ttl"):  # RML names its files itself
        raise ProjectError("P302", f"{project.relative(file.path)} has no sources: {project.relative(project.sources(file.domain))} is missing",
                           help="write sources.toml beside the mappings; it names where the tables are")  # fmt: skip
    owner = f"map:{file.key}"
    found = sources.get(file.domain, mapping.Sources())
    fingerprint = mapping.fingerprint(file.path, found, base=project.base)
    run = partial(_map, project, file, owner, found, on_progress)
    return Step("map", project.relative(file.path), owner, fingerprint, run)


def _map(project: Project, file: ContentFile, owner: str, sources: mapping.Sources, on_progress: Progress | None, store: Store) -> StepReport:
    tell = on_progress and (lambda what, done, of: on_progress("map", f"{file.key}: {what}" + (f" ({done} of {of})" if of else "")))
    report = mapping.materialize(store, file.path, sources, base=project.base, graph=project.graph_iri("map", file), owner=owner, on_progress=tell)
    warnings = [f"{project.relative(file.path)}: {warning}" for warning in report.warnings]
    if report.rejects:
        warnings.append(f"{project.relative(file.path)}: {report.rejects} values were rejected; kg status --rejects shows them")
    return StepReport("map", project.relative(file.path), report.seconds, report.triples, report.diff, tuple(warnings), report)


# ── Inference ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class OwnedProgram:
    """One rule file: the graph it writes, and its rules, parsed when first asked for.

    What SHACL rules target depends on the subclasses that a graph states: `over` gives the rules for a store, `program`
    those for a graph that states none.
    """

    owner: str
    graph: str
    path: Path
    read: Callable[..., reasoner.Program]
    _last: tuple[Hierarchy, reasoner.Program] | None = field(default=None, init=False, repr=False)

    @cached_property
    def program(self) -> reasoner.Program:
        return self.read()

    def over(self, store: Store) -> reasoner.Program:
        if self.path.suffix in (".srl", ".swrl"):
            return self.program
        hierarchy = Hierarchy.stated_in(store)
        if self._last is None or self._last[0] != hierarchy:
            self._last = (hierarchy, self.read(hierarchy=hierarchy))
        return self._last[1]

    def settle(self, store: Store) -> bool:
        """Whether the rules over a store are those of the last `over`, now that they have been run."""
        return True

    def texts(self) -> list[str]:
        """Its text, and those of the files it imports."""
        text = self.path.read_text(encoding="utf-8")
        if "IMPORTS" not in text.upper():
            return [text]
        return [Path(file).read_text(encoding="utf-8") for file in self.program.files]


@dataclass
class OntologyProgram(OwnedProgram):
    """The axioms of the graph as rules of an entailment regime: compiled from what the store holds."""

    regime: str = "owl-rl"
    files: tuple[Path, ...] = ()
    base: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    is_after_rules: bool = False
    _last: tuple[object, reasoner.Program] | None = None

    def over(self, store: Store) -> reasoner.Program:
        schema = owl.schema_of(store)
        if self._last is None or self._last[0] != schema:
            ontology = owl.Ontology.of_schema(schema, store, self.files, self.prefixes)
            program = owl.compile_ontology(ontology, self.regime, base=self.base)
            self._last = (schema, owl.after_rules(program) if self.is_after_rules else program)
        return self._last[1]

    def settle(self, store: Store) -> bool:
        before = self._last and self._last[1]
        return before is not None and owl.is_same(before, self.over(store))

    def contradictions(self, report: reasoner.InferReport) -> int:
        """How many things are inconsistent by a run of this program."""
        false = {rule.iri for rule in self._last[1].rules if any(head.predicate == owl.INCONSISTENT for head in rule.head)} if self._last else set()
        return sum(rule.triples for rule in report.rules if rule.owner == self.owner and rule.rule in false)

    def texts(self) -> list[str]:
        return [self.regime, str(self.is_after_rules)]


def ontology_program(project: Project, regime: str) -> OntologyProgram:
    """Owned by `infer:owl`, with a graph of its own."""
    files = tuple(file.path for file in project.ontology())
    graph = f"{project.graph_iri('infer')}/owl"
    return OntologyProgram(
        "infer:owl", graph, project.root / "kg.toml", lambda: reasoner.Program(()), regime=regime, files=files, base=project.base,
        prefixes=project.prefixes, is_after_rules=project.owl_after_rules,
    )  # fmt: skip


def rule_files(project: Project) -> list[OwnedProgram]:
    """Every rule file of the project; together they are one program. Shapes and ontology files that hold rules (sh:rule,
    swrl:Imp) are among them, and the ontology's axioms where kg.toml asks for their conclusions."""
    axioms = [] if project.entailment == "off" else [ontology_program(project, project.entailment)]
    return [*axioms, *_written_rules(project)]


def _written_rules(project: Project) -> list[OwnedProgram]:
    files = [(file, file.key) for file in project.rules()]
    files += [(file, f"{file.domain}/{folder}/{Path(file.name).name}") for folder, several in
              (("shapes", project.shapes()), ("ontology", project.ontology())) for file in several if has_rules(file.path)]  # fmt: skip
    return [
        OwnedProgram(
            f"infer:{key}",
            f"{project.graph_iri('infer')}/{key}",
            file.path,
            partial(load_rules, [file.path], prefixes=project.prefixes, base=project.base),
        )
        for file, key in files
    ]


def infer_fingerprint(store: Store, programs: list[OwnedProgram]) -> str:
    """Changes with any rule file and with any graph that is not itself inferred."""
    texts = [program.texts() for program in programs]
    inputs = [(graph["iri"], graph["revision"]) for graph in store.graphs() if not str(graph["owner"]).startswith(("infer:", "validate:"))]
    return _digest(repr((texts, inputs)).encode())


def conclude(store: Store, programs: list[OwnedProgram], gone: list[str] = (), tell: Progress | None = None, timeout: float | None = None):
    """Bring the conclusions up to date with the rest of the graph: only what has changed is looked at, where that is known.
    Those of the owners `gone` go. Returns reasoner.InferReport, or None where nothing has changed."""
    fingerprint = infer_fingerprint(store, programs)
    if not gone and all(store.fingerprint(program.owner) == fingerprint for program in programs):
        return None
    graphs = {graph["owner"]: str(graph["iri"]) for graph in store.graphs()}
    without_rules = [(owner, graphs[owner], reasoner.Program(())) for owner in gone if owner in graphs]
    with store.transaction():
        report: reasoner.InferReport | None = None
        for _ in range(_MOST_ONTOLOGIES):
            done = reasoner.maintain(
                store,
                [(p.owner, p.graph, p.over(store)) for p in programs] + without_rules,
                fingerprint=fingerprint,
                on_progress=tell and (lambda now: tell("infer", f"{now.rule}, round {now.round} (stratum {now.stratum} of {now.strata})")),
                timeout=timeout,
            )
            report = done if report is None else replace(done, seconds=report.seconds + done.seconds, diffs=_both(report.diffs, done.diffs))
            if all(program.settle(store) for program in programs):
                break
        else:
            raise owl.endless(_MOST_ONTOLOGIES)
        for owner in gone:
            store.remove_owner(owner)
    return report


def _both(first: Mapping[str, Diff], second: Mapping[str, Diff]) -> dict[str, Diff]:
    """What two runs did one after the other."""
    nothing = Diff(0, 0)
    pairs = {owner: (first.get(owner, nothing), second.get(owner, nothing)) for owner in {**first, **second}}
    return {owner: Diff(one.inserted + other.inserted, one.deleted + other.deleted) for owner, (one, other) in pairs.items()}


def _infer(store: Store, programs: list[OwnedProgram], gone: list[str], report: BuildReport, tell: Progress) -> None:
    details = conclude(store, programs, gone, tell)
    if details is None:
        report.skipped += [program.owner for program in programs if not any(step.stage == "infer" for step in report.steps)]
        return
    diff = Diff(sum(one.inserted for one in details.diffs.values()), sum(one.deleted for one in details.diffs.values()))
    contradictions = sum(program.contradictions(details) for program in programs if isinstance(program, OntologyProgram))
    warnings = (f"{contradictions:,} contradictions with the ontology; kg check --ontology shows their proofs",) if contradictions else ()
    step = StepReport("infer", _several(programs), details.seconds, details.triples, diff, warnings, details)
    earlier = next((number for number, one in enumerate(report.steps) if one.stage == "infer"), None)
    if earlier is None:
        report.steps.append(step)
    else:  # again, after measures: one line for both turns, told as the first
        first = report.steps[earlier]
        diff = Diff(first.diff.inserted + diff.inserted, first.diff.deleted + diff.deleted)
        report.steps[earlier] = replace(first, seconds=first.seconds + step.seconds, triples=step.triples, diff=diff, warnings=warnings)


def _several(programs: list[OwnedProgram]) -> str:
    files = sum(not isinstance(program, OntologyProgram) for program in programs)
    return f"{files} rule files" + (" and the ontology" if files < len(programs) else "")


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────────────────


def read_measures(project: Project) -> list[Measure]:
    """The project's measures, each after those whose results it reads; a wrong one fails here, before anything is written."""
    return analytics.in_order(analytics.read(project, file) for file in project.measures())


def _infer_and_measure(
    store: Store, programs: list[OwnedProgram], measures: list[Measure], only: str | None, gone: list[str], again: Sequence[str], report: BuildReport, tell: Progress
) -> None:
    """Rules and measures in turn, until no measure finds anything else."""
    for turn in range(_MOST_TURNS):
        if programs or only in (None, "infer"):
            _infer(store, programs, gone if turn == 0 else [], report, tell)
        changed = _measure(store, measures, again if turn == 0 else (), report, tell)
        if only is not None or not changed:
            break
    else:
        names = ", ".join(changed)
        raise MeasureError("A110", f"rules and measures never come to rest: {names} found something else {_MOST_TURNS} times",
                           help="let the rules that the measure reads not follow from what it writes")  # fmt: skip
    analytics.stamp(store, measures)


def _measure(store: Store, measures: list[Measure], again: Sequence[str], report: BuildReport, tell: Progress) -> list[str]:
    """Run what is not up to date; returns the measures that found something else than before."""
    changed = []
    for measure in measures:
        tell("measure", measure.key)
        done = analytics.run(store, measure, force=measure.key in again)
        if done is None or done.is_same:
            if measure.file not in report.skipped and not any(step.name == measure.file for step in report.steps):
                report.skipped.append(measure.file)
            continue
        report.skipped = [name for name in report.skipped if name != measure.file]
        warnings = tuple(f"{measure.file}: {warning}" for warning in done.warnings)
        report.steps = [step for step in report.steps if step.name != measure.file]
        report.steps.append(StepReport("measure", measure.file, done.seconds, done.triples, done.diff, warnings, done))
        if done.diff.inserted or done.diff.deleted:
            changed.append(measure.key)
    return changed


# ── Validation ───────────────────────────────────────────────────────────────────────────────────────────────


def _validate(project: Project, store: Store, report: BuildReport, tell: Progress) -> None:
    if validation.is_current(project, store):
        report.skipped += ["rules/*/shapes"] if validation.is_on(project) else []
        return
    tell("validate", "the graph against the shapes")
    summary = validation.bring_up_to_date(project, store)
    if summary is not None:
        report.steps.append(StepReport("validate", f"{len(project.shapes())} shape files", summary.seconds, summary.results, summary.diff, (), summary))


# ── What has changed ─────────────────────────────────────────────────────────────────────────────────────────


def _changes(store: Store, steps: list[Step], programs: list[OwnedProgram], measures: list[Measure], only: str | None) -> bool:
    if any(store.fingerprint(step.owner) != step.fingerprint for step in steps) or _gone(store, steps, programs, measures, only):
        return True
    if measures and not analytics.is_current(store, measures):
        return True
    fingerprint = infer_fingerprint(store, programs)
    return any(store.fingerprint(program.owner) != fingerprint for program in programs)


def _gone(store: Store, steps: list[Step], programs: list[OwnedProgram], measures: list[Measure], only: str | None) -> list[str]:
    """Owners whose content file no longer exists."""
    present = {step.owner for step in steps} | {program.owner for program in programs} | {measure.owner for measure in measures}
    every = ("ontology:", "map:", "infer:", "measure:")
    kinds = {None: every, "ontology": every[:1], "map": every[:2], "infer": every[2:3], "measure": every[3:], "validate": ()}[only]
    return [owner for owner in store.owners() if owner.startswith(kinds) and owner not in present]


def _remove_gone(
    store: Store, steps: list[Step], programs: list[OwnedProgram], measures: list[Measure], only: str | None, report: BuildReport
) -> list[str]:
    """Take away what files that are gone had written; returns the rule files among them, whose conclusions are left for inference."""
    report.removed += _gone(store, steps, programs, measures, only)
    rules = [owner for owner in report.removed if owner.startswith("infer:")]
    for owner in report.removed:
        if owner not in rules:
            store.remove_owner(owner)
    return rules


def _bring_up_to_date(project: Project, store: Store, steps: list[Step], report: BuildReport, tell: Progress) -> None:
    stale = [step for step in steps if store.fingerprint(step.owner) != step.fingerprint]
    report.skipped += [step.name for step in steps if step not in stale]
    ontology = [step for step in stale if step.document is not None]
    if ontology:
        tell("ontology", f"{len(ontology)} files")
        loads = documents.replace(store, [step.document for step in ontology], base=project.base)
        for step, load in zip(ontology, loads, strict=True):
            report.steps.append(StepReport("ontology", step.name, load.seconds, load.read, Diff(load.triples, load.deleted)))
    for step in stale:
        if step.run is not None:
            tell(step.stage, step.name)
            report.steps.append(step.run(store))


def _digest(data: bytes | str) -> str:
    text = data.encode() if isinstance(data, str) else data
    return hashlib.sha256(ENGINE.encode() + text).hexdigest()
