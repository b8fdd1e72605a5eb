"""The verb map: one mapping, run on its own, previewed or looked through for mistakes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kg import KnowledgeGraph, mapping
from kg.cli.application import ProjectOption, app, assignments, err, out, progress
from kg.errors import ProjectError
from kg.mapping.preview import readable
from kg.project import WELL_KNOWN_PREFIXES, Project
from kg.store import Store, documents


@app.command("map")
def map_command(
    file: Annotated[Path | None, typer.Argument(help="an R2RML or RML mapping; with --lint: default all of the project")] = None,
    source: Annotated[list[str], typer.Option(help="NAME=PATH; default: sources.toml beside the mapping")] = [],  # noqa: B006
    base: Annotated[str, typer.Option(help="base IRI of relative IRIs")] = "http://example.com/base/",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="N-Quads file; default: standard output")] = None,
    preview: Annotated[int | None, typer.Option(help="show the first so many rows of each triples map beside their triples")] = None,
    lint: Annotated[bool, typer.Option("--lint", help="look for mistakes; exit 1 where there are any")] = False,
    bootstrap: Annotated[str | None, typer.Option(help="propose a mapping of this folder, file, database or sources.toml; -o names its file")] = None,
    format: Annotated[str, typer.Option(help="of --preview and --lint: table (text) or json")] = "table",
    project: ProjectOption = Path("kg.toml"),
) -> None:
    """Run one mapping and write its quads; or show what it does, look for mistakes in it, or propose one."""
    if format not in ("table", "json"):
        raise ProjectError("P405", f"there is no format {format} here", help="table or json")
    given = assignments(source)
    if bootstrap is not None:
        _bootstrap(bootstrap, _project(project), base, output)
    elif lint:
        _lint(file, given, project, base, format)
    elif file is None:
        raise ProjectError("P405", "there is no mapping to run", help="kg map FILE; kg map --lint looks at all of the project")
    elif preview is not None:
        _preview(file, _sources(file, given), project, base, preview, format)
    else:
        _run(file, _sources(file, given), base, output)


def _sources(file: Path, given: dict[str, str]) -> mapping.Sources:
    beside = file.parent / "sources.toml"
    return mapping.load_sources(beside, given) if beside.exists() else mapping.override(mapping.Sources(), given)


def _project(path: Path) -> Project | None:
    """The project that a mapping is looked at in; it can do without."""
    return Project.load(path) if path.exists() else None


def _run(file: Path, sources: mapping.Sources, base: str, output: Path | None) -> None:
    with Store.memory() as store, progress(False) as tell:
        on_progress = tell and (lambda what, done, of: tell("map", what))
        report = mapping.materialize(store, file, sources, base=base, graph=None, owner="map", on_progress=on_progress)
        documents.dump(store, output or sys.stdout.buffer, format="nq")
    for one in report.sources:
        err.print(f"{one.name}: {one.rows:,} rows, {one.rows / max(one.seconds, 1e-3):,.0f} a second", markup=False)
    for warning in report.warnings:
        err.print(f"warning: {warning}", markup=False)
    err.print(f"{report.triples:,} quads, {report.rejects:,} rejected values")


def _lint(file: Path | None, given: dict[str, str], project: Path, base: str, format: str) -> None:
    if file is None or _project(project) is not None:
        with KnowledgeGraph.open(project) as graph:
            findings = graph.lint(file, given)
    else:
        findings = mapping.lint([(file, _sources(file, given))], base)
    if format == "json":
        out.print_json(data=[finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            out.print(str(finding), markup=False)
        out.print(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}")
    raise typer.Exit(1 if findings else 0)


def _preview(file: Path, sources: mapping.Sources, project: Path, base: str, rows: int, format: str) -> None:
    if rows < 1:
        raise ProjectError("P405", f"a preview of {rows} rows shows nothing", help="--preview 20")
    found = _project(project)
    shown = mapping.preview(file, sources, base=found.base if found else base, rows=rows)
    if format == "json":
        out.print_json(data=[one.as_dict() for one in shown])
        return
    prefixes = dict(found.prefixes if found else WELL_KNOWN_PREFIXES) | mapping.prefixes_of(file)
    for one in shown:
        table = Table("row", "values", "triples", title=f"{one.name}: {one.source}", title_justify="left", show_lines=True)
        for row in one.rows:
            values = "\n".join(f"{name} = {'NULL' if value is None else value}" for name, value in row.values.items())
            triples = Text("\n".join(readable(triple, prefixes) for triple in row.triples), overflow="fold")
            for column, value, reason in row.rejects:
                triples.append(f"{chr(10) if triples else ''}rejected: {column}{'' if value is None else f' = {value!r}'} {reason}", style="red")
            table.add_row(str(row.number), Text(values, overflow="fold"), triples)
        out.print(table)
        if not one.rows:
            out.print("  its source has no rows")


def _bootstrap(source: str, project: Project | None, base: str, output: Path | None) -> None:
    if output is not None and output.exists():
        raise ProjectError("P402", f"{output} exists", help="choose another name: a proposal takes no file's place")
    ontology = mapping.Ontology.read(file.path for file in project.ontology()) if project else None
    declared = mapping.load_sources(source).default if source.endswith(".toml") else mapping.source_of_url(source)
    if declared is None:
        raise ProjectError("P405", f"{source} has no [default]", help="name a folder, a file or a database")
    text = mapping.bootstrap(
        declared, source, base=project.base if project else base, ontology=ontology, prefixes=dict(project.prefixes) if project else None
    )  # fmt: skip
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        tables, places = text.count("rr:logicalTable"), text.count("# TODO")
        err.print(f"{output}: {tables} table{'s' * (tables != 1)}, {places} place{'s' * (places != 1)} to complete", markup=False)
