"""The verbs of a project: build, check, status, init."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from kg import KnowledgeGraph
from kg.build import BuildReport, StepReport
from kg.check import check as run_checks
from kg.cli.application import DataOption, ProjectOption, app, assignments, err, out, progress
from kg.errors import ProjectError, Violations
from kg.graph import Reject
from kg.mapping import MappingReport
from kg.reasoner import InferReport
from kg.shapes.stored import Count

# How many constraints with results a build or the status lists.
_SHAPES_SHOWN = 15


@app.command()
def build(
    project: ProjectOption = Path("kg.toml"),
    only: Annotated[str | None, typer.Option(help="one stage: ontology, map, infer, measure or validate")] = None,
    source: Annotated[list[str], typer.Option(help="NAME=PATH: read a source from elsewhere for this build")] = [],  # noqa: B006
    allow: Annotated[str | None, typer.Option(help="pass with results of the shapes up to this severity: info, warning, violation")] = None,
    allow_infos: Annotated[bool, typer.Option("--allow-infos", help="the same as --allow info")] = False,
    allow_warnings: Annotated[bool, typer.Option("--allow-warnings", help="the same as --allow warning")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
) -> None:
    """Bring the graph up to date with its tables, ontology, rules and shapes; exit 1 where it violates shapes and must not."""
    allow = allow or ("warning" if allow_warnings else "info" if allow_infos else None)
    with KnowledgeGraph.open(project) as graph, progress(quiet) as tell:
        try:
            report = graph.build(only, assignments(source), tell, allow)
        except Violations as error:
            err.print(str(error), markup=False)
            raise typer.Exit(1) from None
    if not quiet:
        _print_build(report)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument()] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    ontology: Annotated[bool, typer.Option("--ontology", help="check the ontology instead: axioms, terms, profile, contradictions with the graph, satisfiability")] = False,
    data: DataOption = [],  # noqa: B006
    language: Annotated[str, typer.Option("--lang", help="of the proofs: en or zh")] = "en",
) -> None:
    """Run the content's own tests: ontology checks, rule cases, query answers; or check the ontology itself."""
    if ontology:
        raise typer.Exit(_check_ontology(project, data, language))
    passed = failed = 0
    with KnowledgeGraph.open(project) as graph:
        for outcome in run_checks(graph, paths):
            if outcome.is_ok:
                passed += 1
                continue
            failed += 1
            out.print(f"FAILED {outcome.kind} {outcome.name}\n  {outcome.place}", markup=False)
            for fault in outcome.faults:
                out.print(f"    {fault}", markup=False)
    out.print(f"{passed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


def _check_ontology(project: Path, data: list[Path], language: str) -> int:
    """Print what is found; 1 where anything is wrong."""
    faults = 0
    with KnowledgeGraph.memory() if data else KnowledgeGraph.open(project) as graph:
        for finding in graph.check_ontology(data, language):
            faults += finding.kind == "fault"
            out.print(str(finding), markup=False)
    out.print(f"{faults} faults")
    return int(faults > 0)


@app.command()
def status(
    project: ProjectOption = Path("kg.toml"),
    rejects: Annotated[bool, typer.Option("--rejects", help="list the values that no triple could be made of")] = False,
    like: Annotated[str | None, typer.Option(help="of the rejects: only those with this text in a column")] = None,
    format: Annotated[str, typer.Option("--format", "-f", help="of the rejects: text, csv or json")] = "text",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="file for the rejects; default: standard output")] = None,
) -> None:
    """What the graph holds, and from where."""
    with KnowledgeGraph.open(project) as graph:
        if rejects:
            text = _rejects(graph.rejects(like=like), format)
            if output is not None:
                output.write_text(text, encoding="utf-8", newline="")
            else:
                sys.stdout.write(text)
            return
        found = graph.status()
        built = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.built))
        out.print(f"{graph.project.name}: version {found.version} of {built}, {found.bytes / 1e6:.1f} MB")
        out.print(f"{found.triples:,} triples, {found.inferred:,} of them inferred; {found.rejects:,} rejected values")
        if found.validation is not None:
            out.print(f"shapes: {found.validation.says()}", markup=False)
            for line in _counted(found.validation.counts):
                out.print(f"  {line}", markup=False)
        table = Table("graph", "owner", "triples", box=None, pad_edge=False)
        table.columns[2].justify = "right"
        for one in found.graphs:
            if one["triples"]:
                table.add_row(one["iri"] or "(default graph)", one["owner"] or "", f"{one['triples']:,}")
        out.print(table)


@app.command()
def init(name: Annotated[str, typer.Argument(help="folder to make")]) -> None:
    """Make a project folder with the sample content, to be changed into your own."""
    folder = Path(name)
    if folder.exists() and any(folder.iterdir()):
        raise ProjectError("P402", f"{folder} exists and is not empty", help="choose another name")
    template = _template()
    folder.mkdir(parents=True, exist_ok=True)
    for item in ("kg.toml", "ontology", "mappings", "rules", "measures", "queries", "pages"):
        source = template / item
        if source.is_dir():
            shutil.copytree(source, folder / item)
        else:
            shutil.copy(source, folder / item)
    out.print(f"{folder} is ready. Next: cd {folder} && kg build && kg serve")


def _rejects(rows: Sequence[Reject], format: str) -> str:
    if format == "json":
        return json.dumps([row._asdict() for row in rows], ensure_ascii=False, indent=2) + "\n"
    if format == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([Reject._fields, *rows])
        return text.getvalue()
    if format == "text":
        return "".join(f"{row.source}:{row.line}  {row.column}  {row.value!r}  {row.reason}  ({row.triples_map})\n" for row in rows)
    raise ProjectError("P405", f"there is no format {format} for rejects", help="text, csv or json")


def _print_build(report: BuildReport) -> None:
    if not report.is_changed:
        out.print(f"Nothing has changed; version {report.version} stays. ({report.seconds:.1f} s)")
        return
    table = Table("stage", "file", "rows", "rows/s", "triples", "new", "gone", "seconds", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for stage, name, steps in _grouped(report):
        triples, new, gone = (sum(numbers) for numbers in zip(*((s.triples, s.diff.inserted, s.diff.deleted) for s in steps), strict=True))
        table.add_row(stage, name, *_read(steps), f"{triples:,}", f"{new:,}", f"{gone:,}", f"{sum(step.seconds for step in steps):.2f}")
    out.print(table)
    for inference in [step.details for step in report.steps if isinstance(step.details, InferReport)]:
        out.print(_how(inference), markup=False)
    for summary in [step.details for step in report.steps if step.stage == "validate"]:
        out.print(f"shapes: {summary.says()}{', of what changed' if summary.is_incremental else ''}", markup=False)
        for line in _counted(summary.counts):
            out.print(f"  {line}", markup=False)
    if report.skipped:
        out.print(f"unchanged: {len(report.skipped)} files")
    for owner in report.removed:
        out.print(f"removed: {owner}, whose file is gone", markup=False)
    for warning in report.warnings:
        out.print(f"warning: {warning}", markup=False)
    out.print(f"Version {report.version} is current. ({report.seconds:.1f} s)")


def _how(report: InferReport) -> str:
    """How conclusions were brought up to date: for how many strata of rules in which way."""
    if not report.is_incremental:
        return f"conclusions: all strata of rules ({len(report.strata)}) from scratch"
    words = {"skipped": "read nothing that changed", "maintained": "looked at what changed", "recomputed": "from scratch"}
    counts = {how: sum(stratum.how == how for stratum in report.strata) for how in words}
    return "conclusions, by strata of rules: " + ", ".join(f"{count} {words[how]}" for how, count in counts.items() if count)


def _read(steps: Sequence[StepReport]) -> tuple[str, str]:
    """How many rows mappings read, and how fast; a refresh reads changed rows only."""
    sources = [source for step in steps if isinstance(step.details, MappingReport) for source in step.details.sources]
    rows, seconds = sum(source.rows for source in sources), sum(source.seconds for source in sources)
    if any(isinstance(step.details, MappingReport) and step.details.mapped == "changed rows" for step in steps):
        return f"{rows:,} changed", ""
    return (f"{rows:,}", f"{rows / max(seconds, 1e-3):,.0f}") if sources else ("", "")


def _counted(counts: Sequence[Count]) -> Iterator[str]:
    """The results by shape and severity, a line each."""
    for one in counts[:_SHAPES_SHOWN]:
        yield f"{one.results:>7,} {one.severity:<9} {one.shape} ({one.component})"
    if len(counts) > _SHAPES_SHOWN:
        yield f"… and {len(counts) - _SHAPES_SHOWN} more: kg validate"


def _grouped(report: BuildReport) -> Iterator[tuple[str, str, list[StepReport]]]:
    """Ontology files are small and many: one line for all of them."""
    ontology = [step for step in report.steps if step.stage == "ontology"]
    if ontology:
        yield "ontology", ontology[0].name if len(ontology) == 1 else f"{len(ontology)} files", ontology
    for step in report.steps:
        if step.stage != "ontology":
            yield step.stage, step.name, [step]


def _template() -> Path:
    """The content that travels with the package; in a checkout, the repository itself."""
    packaged = Path(str(files("kg") / "template"))
    return packaged if packaged.is_dir() else Path(__file__).parents[2]
