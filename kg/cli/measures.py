"""The verb of measures: measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from kg import KnowledgeGraph
from kg.analytics import Algorithm, algorithms, find
from kg.cli.application import ProjectOption, app, out, progress
from kg.graph import MeasureStatus


@app.command()
def measure(
    names: Annotated[list[str], typer.Argument(help="measures; default: all")] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    run: Annotated[bool, typer.Option("--run", help="run them now, whether anything changed or not, and publish a version")] = False,
    show_algorithms: Annotated[bool, typer.Option("--algorithms", help="list the algorithms, or with names tell what those ask for")] = False,
    format: Annotated[str, typer.Option("--format", "-f", help="text or json")] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
) -> None:
    """What measures there are, and what they found; run them again."""
    if show_algorithms:
        for name in names:
            _print_algorithm(find(name))
        if not names:
            _list_algorithms()
        return
    with KnowledgeGraph.open(project) as graph:
        if run:
            with progress(quiet) as tell:
                report = graph.measure(names, tell)
            if not quiet:
                for step in report.steps:
                    if step.stage == "measure":
                        out.print(f"{step.name}: {step.triples:,} triples, {step.diff.inserted:,} new, {step.diff.deleted:,} gone ({step.seconds:.1f} s)", markup=False)
                for warning in report.warnings:
                    out.print(f"warning: {warning}", markup=False)
                out.print(f"Version {report.version} is current. ({report.seconds:.1f} s)")
            return
        found = graph.measured(names)
    if format == "json":
        print(json.dumps([one.as_dict() for one in found], ensure_ascii=False, indent=2))
    elif names:
        for one in found:
            _print_measure(one)
    else:
        _list_measures(found)


def _list_measures(found: list[MeasureStatus]) -> None:
    table = Table("measure", "algorithm", "rows", "triples", "run", "", box=None, pad_edge=False)
    for column in table.columns[2:4]:
        column.justify = "right"
    for one in found:
        table.add_row(one.key, one.algorithm, f"{one.rows:,}", f"{one.triples:,}", one.run or "never", "" if one.is_current else "not up to date: kg build")
    out.print(table)


def _print_measure(one: MeasureStatus) -> None:
    out.print(f"{one.key}: {one.titles.get('en', '')}  {one.titles.get('zh', '')}".rstrip(), markup=False)
    out.print(f"  {one.file}, graph <{one.graph}>", markup=False)
    out.print(f"  {one.algorithm} over {one.rows:,} rows: {one.triples:,} triples, {one.run or 'never run'}{'' if one.is_current else '; not up to date: kg build'}", markup=False)
    out.print(f"  with {', '.join(f'{name}={value}' for name, value in one.parameters.items())}", markup=False)
    for line in one.findings:
        out.print(f"  {line}", markup=False)
    for line in one.warnings:
        out.print(f"  warning: {line}", markup=False)


def _list_algorithms() -> None:
    for one in algorithms().values():
        out.print(f"{one.name}\n  {one.says}", markup=False)


def _print_algorithm(one: Algorithm) -> None:
    out.print(f"{one.name}, version {one.version}\n  {one.says}", markup=False)
    out.print("  the query gives")
    for column in one.columns:
        out.print(f"    ?{column.name}  {column.kind}: {column.says}{'' if column.is_required else ' (may be left out)'}", markup=False)
    if one.takes_features:
        out.print("    and any other columns of numbers: features")
    out.print("  parameters (#+ set: name=value)")
    for parameter in one.parameters:
        default = "to be set" if parameter.default is None else f"default {parameter.default}"
        choices = f", one of {', '.join(parameter.choices)}" if parameter.choices else ""
        out.print(f"    {parameter.name}  {parameter.says} ({default}{choices})", markup=False)
    out.print("  results (#+ writes:)")
    for name, says in one.results.items():
        out.print(f"    ?{name}  {says}", markup=False)
