"""The verbs that bring RDF in and out, and change it: load, update, export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kg import KnowledgeGraph, exports
from kg.cli.application import ProjectOption, app, assignments, err, out
from kg.errors import ProjectError, Violations
from kg.sparql.update import files_within


@app.command()
def load(
    file: list[Path],
    project: ProjectOption = Path("kg.toml"),
    graph: Annotated[str | None, typer.Option(help="IRI of the named graph; default: the default graph")] = None,
    format: Annotated[str | None, typer.Option(help="ttl trig nt nq rdf jsonld; default: by the suffix")] = None,
) -> None:
    """Add RDF documents to the graph; builds leave them alone."""
    with KnowledgeGraph.open(project) as whole:
        name = whole.term(graph).value if graph else None
        for path in file:
            report = whole.load(path, graph=name, format=format)
            out.print(f"{path}: {report.read} statements, {report.triples} new, {report.seconds:.1f} s")


@app.command()
def update(
    request: Annotated[str, typer.Argument(help="a file, - for standard input, or the SPARQL text itself")],
    project: ProjectOption = Path("kg.toml"),
    load_from: Annotated[list[Path], typer.Option(help="folder whose files LOAD may read; may be repeated")] = [],  # noqa: B006
    timeout: Annotated[float | None, typer.Option(help="seconds")] = None,
    guard: Annotated[
        str | None, typer.Option(help="reject a change that violates the project's shapes, report what it violates, or off; default: kg.toml")
    ] = None,
) -> None:
    """Change the graph by a SPARQL update, all or nothing; exit 1 where shapes are in the way."""
    text, file = _update_text(request)
    with KnowledgeGraph.open(project) as graph:
        try:
            report = graph.update(text, timeout=timeout, loader=files_within(*load_from) if load_from else None, file=file, guard=guard)
        except Violations as error:
            err.print(str(error), markup=False)
            raise typer.Exit(1) from None
    where = ", ".join(iri or "the default graph" for iri in report.graphs)
    out.print(f"{report.inserted:,} statements added, {report.deleted:,} taken away{f' in {where}' if where else ''}, {report.seconds:.1f} s", markup=False)
    if report.followed is not None:
        out.print(f"{report.followed[0]:,} conclusions came, {report.followed[1]:,} went")
    for note in report.notes:
        err.print(f"note: {note}", markup=False)
    if report.validation is not None:
        for line in report.validation.says():
            err.print(f"warning: {line}", markup=False)
        if report.validation.resolved:
            out.print(f"{len(report.validation.resolved):,} earlier results of the shapes are gone")


@app.command()
def whatif(
    request: Annotated[str, typer.Argument(help="a file, - for standard input, or the SPARQL text itself")],
    project: ProjectOption = Path("kg.toml"),
    proofs: Annotated[bool, typer.Option("--proofs", help="show why each conclusion would come, and why it holds now")] = False,
    format: Annotated[str, typer.Option(help="text or json")] = "text",
    language: Annotated[str, typer.Option("--lang", help="language of the proofs: en or zh")] = "en",
    load_from: Annotated[list[Path], typer.Option(help="folder whose files LOAD may read; may be repeated")] = [],  # noqa: B006
    timeout: Annotated[float | None, typer.Option(help="seconds")] = None,
) -> None:
    """What would a SPARQL update change? Conclusions that would come and go; the graph stays as it is."""
    text, file = _update_text(request)
    if format not in ("text", "json"):
        raise ProjectError("P405", f"kg whatif has no form {format}", help="text or json")
    with KnowledgeGraph.open(project) as graph:
        found = graph.what_if(text, proofs=proofs, timeout=timeout, loader=files_within(*load_from) if load_from else None, file=file)
    out.print(json.dumps(found.as_dict(), ensure_ascii=False, indent=2) if format == "json" else found.text(language), markup=False)


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="FILE|NAME", help="an RDF file to write, whose suffix says the format (.gz compresses); or an export, or a saved query")],
    argument: Annotated[list[str], typer.Argument(help="NAME=VALUE for the parameters of a saved query")] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    graph: Annotated[str | None, typer.Option(help="IRI of one named graph; default: all")] = None,
    format: Annotated[str | None, typer.Option(help="of an RDF file; or graphml, json, csv for a saved query, default: the first that its header names")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="file of an export; default: standard output")] = None,
) -> None:
    """Write the graph as RDF, or an export of it in a form for other programs."""
    with KnowledgeGraph.open(project) as whole:
        if Path(name).suffix:
            count = whole.export(Path(name), format=format, graph=whole.term(graph).value if graph else None)
            out.print(f"{name}: {count} statements")
            return
        chunks = exports.written(whole, name, format, assignments(argument))
        if output is None:
            for chunk in chunks:
                sys.stdout.write(chunk)
        else:
            with output.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(chunks)


def _update_text(request: str) -> tuple[str, str | None]:
    """The text of an update, and its file."""
    if request == "-":
        return sys.stdin.read(), None
    if Path(request).is_file():
        return Path(request).read_text(encoding="utf-8"), request
    if len(request.split()) == 1:
        raise ProjectError("P403", f"there is no file {request}")
    return request, None
