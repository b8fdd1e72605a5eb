"""The verbs of SHACL: validate and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.cli.application import DataOption, ProjectOption, app, opened, write_bytes
from kg.errors import ProjectError
from kg.shapes import proposed_document
from kg.shapes.oracle import by_pyshacl


@app.command()
def validate(
    shapes: Annotated[list[Path], typer.Option(help="SHACL file; may be repeated; default: the project's shapes")] = [],  # noqa: B006
    data: DataOption = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    format: Annotated[str, typer.Option("--format", "-f", help="table, json, or an RDF syntax: ttl nt jsonld rdf")] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="file for the report; default: standard output")] = None,
    language: Annotated[str, typer.Option("--lang", help="of the messages in the table: en or zh")] = "en",
    engine: Annotated[str, typer.Option(help="guanxi, or pyshacl to compare")] = "guanxi",
) -> None:
    """Check the graph, or the given files, against SHACL shapes; exit 1 where they do not conform."""
    with opened(project, data) as graph:
        if not shapes and data:
            raise ProjectError("P405", "there are no shapes to check the files against", help="name them with --shapes FILE")
        if engine == "pyshacl":
            if not shapes:
                raise ProjectError("P405", "pySHACL takes its shapes from files only", help="name them with --shapes FILE")
            conforms, report = by_pyshacl(graph.store, shapes, format)
        elif engine == "guanxi":
            found = graph.validate(shapes or None)
            conforms, report = found.conforms, found.as_text(format, language)
        else:
            raise ProjectError("P405", f"there is no engine {engine}", help="guanxi or pyshacl")
    write_bytes(report, output)
    raise typer.Exit(0 if conforms else 1)


@app.command("shapes")
def shapes_command(
    data: DataOption = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    namespace: Annotated[str, typer.Option(help="IRI that the names of the shapes begin with")] = "urn:shape:",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Turtle file; default: standard output")] = None,
) -> None:
    """Propose SHACL shapes: what all instances of each class have in common in the graph, or in the given files."""
    with opened(project, data) as graph:
        write_bytes(proposed_document(graph.store, graph.prefixes, namespace), output)
