"""Files of changes, applied one after another: each is a version of the graph of its own, or nothing of it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kg import mapping
from kg.build import BuildReport, applied_changes, build
from kg.errors import MappingError, ProjectError
from kg.project import Project
from kg.store.versions import Versions

Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class AppliedReport:
    """One file: `build` is None where it had been applied before."""

    file: Path
    seconds: float
    build: BuildReport | None

    @property
    def quads(self) -> tuple[int, int]:
        """How many quads came and went, conclusions included."""
        steps = self.build.steps if self.build else []
        return sum(step.diff.inserted for step in steps), sum(step.diff.deleted for step in steps)


def apply(project: Project, versions: Versions, files: Iterable[str | Path], domain: str | None = None, on_progress: Progress | None = None) -> Iterator[AppliedReport]:
    """Apply files of changes in the order given, a folder\'s in the order of names; those applied before are passed over.

    Each report is given after its file is in the graph and published; an error (MappingError M214 with the file\'s line) leaves
    the graph as it was after the file before, so the same call goes on from there.
    """
    domain = _domain(project, domain)
    where = project.changes(domain)
    operations = mapping.changes.load_operations(where)
    paths = [path for one in files for path in _files(Path(one))]
    for path in paths:
        mapping.changes.operations_for(path, operations, where)  # before anything is applied
    if versions.current() is None:
        build(project, versions, on_progress=on_progress)
    for path in paths:
        started = time.perf_counter()
        with versions.read()[1] as store:
            before = applied_changes(project, domain, store)
        batch = mapping.changes.keep(path, project.store / "changes")
        if any(one.digest == batch.digest for one in before):
            yield AppliedReport(path, time.perf_counter() - started, None)
            continue
        report = build(project, versions, on_progress=on_progress, changes={domain: (*before, batch)})
        yield AppliedReport(path, time.perf_counter() - started, report)


def forget(project: Project, versions: Versions, domain: str | None = None, on_progress: Progress | None = None) -> BuildReport:
    """Take the tables as the sources have them, without the changes: a new snapshot has them in it."""
    domain = _domain(project, domain)
    report = build(project, versions, on_progress=on_progress, changes={domain: ()})
    for copy in (project.store / "changes").glob("*"):
        copy.unlink()
    return report


def _domain(project: Project, wanted: str | None) -> str:
    known = [domain for domain in project.domains if project.changes(domain).exists()]
    if wanted is not None and wanted not in known:
        raise ProjectError("P304", f"the domain {wanted} declares no changes", help=f"write {project.relative(project.changes(wanted))}; it says what the files do")
    if wanted is None and len(known) != 1:
        problem = "no domain declares changes" if not known else f"several domains declare changes: {', '.join(known)}"
        raise ProjectError("P304", problem, help="name one with --domain" if known else "write mappings/<domain>/changes.toml; it says what the files do")
    return wanted or known[0]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if not path.is_file():
        raise MappingError("M214", f"there is no file {path}", None, "correct the path")
    return [path]
