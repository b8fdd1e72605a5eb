"""The stage after inference: the graph against the project's shapes, the report as a named graph that changes bring up to date.

The report's owner carries a fingerprint of the shapes and of all graphs but the report. Where the shapes are those of the
report, and the journal knows what has changed since, only what the changes can touch is checked again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from kg.errors import ShapeError, Violations
from kg.project import Project
from kg.shapes import ShapesGraph, ValidationResult, load_shapes, validate
from kg.shapes.affected import Extent, extent
from kg.shapes.report import local_name
from kg.shapes.stored import OWNER, Count, StoredReport
from kg.shapes.validate import revalidate
from kg.sql.temporary import registered
from kg.store import Diff, Store, journal

# Part of every fingerprint: raise it when the same graph and shapes lead to another report.
_ENGINE = "1"
_SEVERITIES = ("info", "warning", "violation")
GUARDS = ("off", "report", "reject")


@dataclass(frozen=True)
class ValidationSummary:
    """What a validation found: results by shape and severity, and how it went about it."""

    counts: tuple[Count, ...]
    without_focus: tuple[str, ...]  # shapes whose targets select nothing; known where everything was checked
    is_incremental: bool
    diff: Diff
    seconds: float

    @property
    def results(self) -> int:
        return sum(one.results for one in self.counts)

    @property
    def severities(self) -> dict[str, int]:
        return _severities(self.counts)

    def says(self) -> str:
        """The counts as a sentence."""
        return _says(self.counts)


@dataclass(frozen=True)
class ValidationStatus:
    """The counts of the report that is kept, and whether it is about the graph and the shapes as they are now."""

    counts: tuple[Count, ...]
    is_current: bool

    @property
    def severities(self) -> dict[str, int]:
        return _severities(self.counts)

    def says(self) -> str:
        return _says(self.counts) + ("" if self.is_current else " (as of an earlier state: run kg build)")


def status(project: Project, store: Store) -> ValidationStatus | None:
    """What the stored report says; None where there is none."""
    if OWNER not in store.owners():
        return None
    return ValidationStatus(tuple(stored_report(project, store).counts()), is_current(project, store))


def up_to(level: str | None) -> tuple[str, ...]:
    """The severities up to one, that included; none for None."""
    if level is not None and level not in _SEVERITIES:
        raise ShapeError("H303", f"there is no severity {level!r}", help=f"it is one of {', '.join(_SEVERITIES)}")
    return () if level is None else _SEVERITIES[: _SEVERITIES.index(level) + 1]


def allowing(project: Project, level: str | None) -> Project:
    """The project, its builds passing with results up to a severity."""
    if level is None:
        return project
    fail = ("warning", "violation", "never")[len(up_to(level)) - 1]
    order = ("info", "warning", "violation", "never")
    if order.index(fail) < order.index(project.validation.fail):
        return project
    return replace(project, validation=replace(project.validation, fail=fail))


def _severities(counts: Iterable[Count]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in counts:
        found[one.severity] += one.results
    return dict(found)


def _says(counts: Sequence[Count]) -> str:
    """The counts as a sentence."""
    if not counts:
        return "the graph conforms to the shapes"
    several = [f"{number:,} {severity.lower()}{'s' if number > 1 else ''}" for severity, number in _severities(counts).items()]
    shapes = len({one.shape for one in counts})
    return f"{', '.join(several)} of {shapes} shape{'s' if shapes > 1 else ''}"


def report_graph(project: Project) -> str:
    return f"{project.base}graph/validate/report"


def shapes_of(project: Project) -> ShapesGraph:
    """The project's shapes; read once for each state of their files."""
    return _load(tuple((str(file.path), file.path.read_bytes()) for file in project.shapes()), project.base)


@lru_cache(maxsize=4)
def _load(files: tuple[tuple[str, bytes], ...], base: str) -> ShapesGraph:
    return load_shapes([Path(path) for path, _ in files], base=base)


def is_on(project: Project) -> bool:
    return project.validation.on and bool(project.shapes())


def fingerprint(project: Project, store: Store) -> str:
    """Of the shapes and of every graph but the report."""
    graphs = sorted((graph["iri"], graph["revision"]) for graph in store.graphs() if graph["owner"] != OWNER)
    return f"{_shapes_digest(project)} {sha256(repr(graphs).encode()).hexdigest()}"


def _shapes_digest(project: Project) -> str:
    texts = [(file.key, file.path.read_bytes()) for file in project.shapes()]
    return sha256(repr((_ENGINE, project.base, texts)).encode()).hexdigest()


def is_current(project: Project, store: Store) -> bool:
    """Whether the report, or its absence, is what the shapes and the graph ask for."""
    found = store.fingerprint(OWNER)
    return found == fingerprint(project, store) if is_on(project) else OWNER not in store.owners()


def stored_report(project: Project, store: Store) -> StoredReport:
    return StoredReport(store, report_graph(project), shapes_of(project))


# ── The stage ────────────────────────────────────────────────────────────────────────────────────────────────


def bring_up_to_date(project: Project, store: Store) -> ValidationSummary | None:
    """Check the graph and keep the report; None where the project has no shapes, or validation is off.

    Violations H301 where [validation] fail says so.
    """
    started = time.perf_counter()
    if not is_on(project):
        if OWNER in store.owners():
            store.remove_owner(OWNER)
        with store.transaction():
            journal.give_up(store.connection)
        return None
    kept = stored_report(project, store)
    with store.transaction():
        diff = _revised(project, store, kept)
        if is_incremental := diff is not None:
            _settle(project, store)
    idle: tuple[str, ...] = ()
    if diff is None:
        report = validate(store, kept.shapes, connection=store.connection)  # not in a transaction, which would keep every table that it drops
        idle = report.without_focus
        with store.transaction():
            diff = kept.save(report.results)
            _settle(project, store)
    summary = ValidationSummary(tuple(kept.counts()), idle, is_incremental, diff, time.perf_counter() - started)
    _fail(project, kept, summary)
    return summary


def _revised(project: Project, store: Store, kept: StoredReport) -> Diff | None:
    """Bring the report up to date by what the journal knows to have changed; None where everything is to be checked."""
    store.refresh()
    if (store.fingerprint(OWNER) or "").split(" ")[0] != _shapes_digest(project):
        return None
    with journal.taken(store.connection) as number:
        if number is None:
            return None
        area = extent(store, kept.shapes, store.connection)
        return kept.revise(area, revalidate(store, kept.shapes, area, connection=store.connection))


def _settle(project: Project, store: Store) -> None:
    """The report is that of the graph as it is now."""
    store.refresh()
    store.own(OWNER, report_graph(project), fingerprint(project, store))
    journal.begin(store.connection)


def _fail(project: Project, kept: StoredReport, summary: ValidationSummary) -> None:
    level = project.validation.fail
    severe = [one for one in summary.counts if is_as_severe(one.severity, level)]
    if severe:
        notes = [f"{one.results:,} {one.severity}: {one.shape} ({one.component})" for one in severe[:10]]
        notes += [one.sentence("en", project.prefixes) for one in kept.page(0, 5) if is_as_severe(local_name(one.severity), level)]
        raise Violations(
            "H301", f"the graph violates the shapes: {summary.says()}; nothing is published", notes=notes,
            help='correct the data, or let builds pass with fail = "never" in [validation] of kg.toml, or kg build --allow violation',
        )  # fmt: skip


def is_as_severe(severity: str, level: str) -> bool:
    """Whether a severity, a local name such as Warning, is at least `level`; one of a shapes graph's own counts as a violation."""
    if level == "never":
        return False
    word = severity.lower() if severity.lower() in _SEVERITIES else "violation"
    return _SEVERITIES.index(word) >= _SEVERITIES.index(level)


# ── The guard of updates ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class GuardReport:
    """What a change brings: results that were not there before it, and those that are gone."""

    introduced: tuple[ValidationResult, ...] = ()
    resolved: tuple[ValidationResult, ...] = ()
    seconds: float = 0.0
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def says(self, language: str = "en") -> list[str]:
        """A sentence for each result that the change brings."""
        return [one.sentence(language, self.prefixes) for one in self.introduced]

    def as_dict(self) -> dict[str, object]:
        return {
            "introduced": [one.as_dict(self.prefixes) for one in self.introduced],
            "resolved": [one.as_dict(self.prefixes) for one in self.resolved],
            "seconds": round(self.seconds, 4),
        }


@dataclass
class Guard:
    """Looks at a change before it is committed. `mode` is report or reject, `level` the least severity that is refused."""

    shapes: ShapesGraph
    mode: str = "reject"
    level: str = "violation"
    report: GuardReport = field(default_factory=GuardReport)

    def look(self, store: Store, before: Store, position: int, kept: StoredReport | None = None) -> Extent | None:
        """Check what the changes since a position in the journal can touch, in `before` and now; Violations H302 where they are refused.

        With `kept`, a report that was current before, this is brought up to date.
        """
        started = time.perf_counter()
        with journal.taken(store.connection, position) as number:
            area = extent(store, self.shapes, store.connection) if number is not None else None
            now = revalidate(store, self.shapes, area, connection=store.connection) if area else list(validate(store, self.shapes, connection=store.connection).results)
            earlier = self._earlier(store, before, area)
            if kept is not None:
                kept.revise(area, now) if area else kept.save(now)
        found, gone = Counter(map(_identity, now)), Counter(map(_identity, earlier))
        introduced = _only(now, found - gone)
        resolved = _only(earlier, gone - found)
        self.report = GuardReport(introduced, resolved, time.perf_counter() - started, self.shapes.document.prefixes)
        refused = [one for one in introduced if is_as_severe(local_name(one.severity), self.level)]
        if self.mode == "reject" and refused:
            raise self._refusal(refused)
        return area

    def _earlier(self, store: Store, before: Store, area: Extent | None) -> Sequence[ValidationResult]:
        if area is None:
            return validate(before, self.shapes).results
        with before.cursor() as cursor:
            ids = pa.table(store.connection.execute(f"SELECT f FROM {area.nodes}").fetchnumpy())
            with registered(cursor, "kg_affected_ids", ids):
                cursor.execute(f"CREATE OR REPLACE TEMP TABLE {area.nodes} AS SELECT f FROM kg_affected_ids")
            return revalidate(before, self.shapes, area, connection=cursor)

    def _refusal(self, refused: list[ValidationResult]) -> Violations:
        several = f"{len(refused)} violations" if len(refused) > 1 else "a violation"
        notes = [one.sentence("en", self.shapes.document.prefixes) for one in refused[:20]] + ([f"… and {len(refused) - 20} more"] if len(refused) > 20 else [])
        error = Violations(
            "H302", f"the change brings {several} of the shapes; nothing is written", notes=notes,
            help='correct it, or let it pass and be reported: guard = "report" in [validation] of kg.toml, or kg update --guard report',
        )  # fmt: skip
        error.report = self.report.as_dict()
        return error


def guard_of(project: Project | None, asked: str | None) -> tuple[str, str]:
    """What to do about changes that violate shapes, and the least severity that is refused: as asked, or as kg.toml says."""
    if asked is not None and asked not in GUARDS:
        raise ShapeError("H303", f"there is no guard {asked!r}", help=f"it is one of {', '.join(GUARDS)}")
    if project is None:
        return asked or "off", "violation"
    settings = project.validation
    return asked or (settings.guard if settings.on else "off"), "violation" if settings.fail == "never" else settings.fail


@contextmanager
def guarded(guard: Guard, store: Store, before: Store, project: Project | None = None) -> Iterator[None]:
    """A block whose changes the guard looks at; of a project, the report is brought up to date if it was so before."""
    kept = stored_report(project, store) if project is not None and is_on(project) and is_current(project, store) else None
    with journal.recording(store.connection) as changed:
        yield
        store.refresh()
    with store.transaction():
        guard.look(store, before, changed.position, kept)
        if kept is not None:
            _settle(project, store)
        elif changed.is_temporary:
            journal.give_up(store.connection)


def _identity(result: ValidationResult) -> tuple[object, ...]:
    return (result.focus_node, result.path_text, result.value, result.source_shape, result.component, result.source_constraint,
            tuple(message.value for message in result.messages))  # fmt: skip


def _only(results: Iterable[ValidationResult], wanted: Counter) -> tuple[ValidationResult, ...]:
    left, found = Counter(wanted), []
    for one in results:
        if left[_identity(one)] > 0:
            left[_identity(one)] -= 1
            found.append(one)
    return tuple(found)
