"""The verbs that ask: query and explain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kg import KnowledgeGraph, saved_queries
from kg.cli.application import DataOption, ProjectOption, app, assignments, err, opened, out, write_bytes
from kg.errors import ProjectError
from kg.explain import PROVENANCE_PREFIXES, Absence, Proof
from kg.sparql.evaluate import Solutions
from kg.sparql.results import write_boolean, write_graph, write_solutions, write_triples


@app.command()
def query(
    name: Annotated[str, typer.Argument(help="a saved query, a file, - for standard input, or the SPARQL text itself")],
    argument: Annotated[list[str], typer.Argument(help="NAME=VALUE for the parameters of a saved query")] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    data: DataOption = [],  # noqa: B006
    format: Annotated[str | None, typer.Option(help="json csv tsv xml table; ttl nt rdf jsonld for CONSTRUCT and DESCRIBE")] = None,
    timeout: Annotated[float | None, typer.Option(help="seconds")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="show algebra, SQL and plan instead of the answer; --format json for programs")] = False,
) -> None:
    """Ask the graph, or the given files, a SPARQL query."""
    with opened(project, data) as graph:
        bindings = {}
        if (text := _query_text(name)) is None:
            saved = saved_queries.find(graph.project or KnowledgeGraph.open(project).project, name)
            bindings, text = saved.bindings(assignments(argument), graph.prefixes), saved
        if explain:
            explanation = graph.explain_query(text, bindings=bindings, timeout=timeout)
            out.print(json.dumps(explanation.as_dict(), ensure_ascii=False, indent=2) if format == "json" else explanation.text(), markup=False, soft_wrap=True)
            return
        result = graph.query(text, bindings=bindings, timeout=timeout)
        _print_result(graph, _with_notes(graph, text, result) if isinstance(result, Solutions) else result, format)


@app.command()
def explain(
    subject: str,
    predicate: str,
    object: str,
    project: ProjectOption = Path("kg.toml"),
    why_not: Annotated[bool, typer.Option("--why-not", help="the triple is not there: what do the rules lack?")] = False,
    all: Annotated[bool, typer.Option("--all", help="show every derivation, not the first alone")] = False,
    format: Annotated[str | None, typer.Option(help="text, json, html, or PROV-O as ttl nt rdf jsonld; default: by the suffix of the file, else text")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="file; default: standard output")] = None,
    language: Annotated[str, typer.Option("--lang", help="en or zh")] = "en",
    depth: Annotated[int | None, typer.Option(help="how many rules deep; default: all the way, or 2 for --why-not")] = None,
) -> None:
    """Why is this triple in the graph? Its proof, down to the source rows. Or, why is it not?"""
    format = format or (output.suffix.lstrip(".") if output else "text")
    with KnowledgeGraph.open(project) as graph:
        triple = (subject, predicate, object)
        told = graph.why_not(*triple, depth=depth or 2) if why_not else graph.explain(*triple, depth=depth, all=all)
    write_bytes(_explained(told, format, language), output)


def _explained(told: Proof | Absence, format: str, language: str) -> bytes:
    if format in ("text", "txt"):
        return f"{told.text(language)}\n".encode()
    if format == "json":
        return (json.dumps(told.as_dict(), ensure_ascii=False, indent=2) + "\n").encode()
    if isinstance(told, Absence):
        raise ProjectError("P405", f"--why-not has no form {format}", help="text or json")
    if format in ("html", "htm"):
        return told.html(language).encode()
    return write_graph(told.provenance(), format, PROVENANCE_PREFIXES)


def _print_result(graph: KnowledgeGraph, result: object, format: str | None) -> None:
    if isinstance(result, bool):
        out.print(write_boolean(result, format) if format and format != "table" else ("yes" if result else "no"), markup=False)
        raise typer.Exit(0 if result else 1)
    if isinstance(result, Solutions):
        is_table = format in (None, "table")
        for chunk in write_solutions(result.variables, result, "table", graph.prefixes) if is_table else result.text(format):
            sys.stdout.write(chunk)
        if is_table:
            sys.stdout.write("\n")
    else:
        for piece in write_triples(result, format or "ttl", graph.prefixes):
            write_bytes(piece, None)


def _with_notes(graph: KnowledgeGraph, text: str | saved_queries.SavedQuery, solutions: Solutions) -> Solutions:
    """The solutions; where there are none, what the query names and the graph lacks goes to standard error."""
    if not solutions.has_any():
        for note in graph.unknown_terms(text):
            err.print(f"note: {note}", markup=False, soft_wrap=True)
    return solutions


def _query_text(name: str) -> str | None:
    """The SPARQL text that the argument names or is; None for the name of a saved query."""
    if name == "-":
        return sys.stdin.read()
    if name.endswith((".rq", ".sparql")) or Path(name).is_file():
        path = Path(name)
        if not path.is_file():
            raise ProjectError("P403", f"there is no file {path}")
        return path.read_text(encoding="utf-8")
    return name if "{" in name else None
