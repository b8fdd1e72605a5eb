"""The verbs of SHACL: validate and shapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kg import KnowledgeGraph
from kg.cli.application import DataOption, ProjectOption, app, err, opened, write_bytes
from kg.errors import ProjectError
from kg.mapping import SourceRow
from kg.shapes import ShapesGraph, ValidationReport, load_shapes, proposed_document
from kg.shapes.imports import with_imports
from kg.shapes.oracle import by_pyshacl
from kg.shapes.report import TABLE_ROWS

_SYNTAXES = "auto, turtle, xml, json-ld, nt, n3"
_FORMATS = {"n3": "turtle"}


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="[DATA]...", help="RDF files to check; none: the project's graph")] = [],  # noqa: B006
    shapes: Annotated[
        list[Path], typer.Option("--shapes", "-s", "--shacl", help="SHACL file; may be repeated; default: the project's, or those in the data")
    ] = [],  # noqa: B006
    data: Annotated[list[Path], typer.Option("--data", help="the same as DATA; may be repeated")] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    format: Annotated[
        str, typer.Option("--format", "-f", help="table, human (as pySHACL), json, or an RDF syntax: turtle xml json-ld nt n3")
    ] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="file for the report; default: standard output")] = None,
    language: Annotated[str, typer.Option("--lang", help="of the messages: en or zh")] = "en",
    offset: Annotated[int, typer.Option(help="results to pass over")] = 0,
    limit: Annotated[int | None, typer.Option(help="results to show; 0: all; default: 50 in a table, else all")] = None,
    rows: Annotated[bool, typer.Option("--rows", help="show the row of a source that each result's node comes from")] = False,
    graphs: Annotated[list[str], typer.Option("--graphs", help="IRI of a named graph to check alone; may be repeated")] = [],  # noqa: B006
    allow_infos: Annotated[bool, typer.Option("--allow-infos", "--allow-info", help="results of severity Info do no harm")] = False,
    allow_warnings: Annotated[bool, typer.Option("--allow-warnings", "--allow-warning", "-w", help="nor do those of severity Warning")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="stop at the first shape with results")] = False,
    inference: Annotated[str, typer.Option("--inference", "-i", help="none, rdfs, owlrl or both: what follows from the data is checked too")] = "none",
    ontology: Annotated[list[Path], typer.Option("--ont-graph", "-e", help="RDF file with classes and properties, read beside the data")] = [],  # noqa: B006
    imports: Annotated[bool, typer.Option("--imports", "-im", help="read the local files that owl:imports names, too")] = False,
    advanced: Annotated[bool, typer.Option("--advanced", "-a", help="apply the shapes' rules first; SPARQL is always understood")] = False,
    metashacl: Annotated[bool, typer.Option("--metashacl", "-m", help="shapes are always checked when they are read")] = False,
    focus: Annotated[str | None, typer.Option(help="IRIs of focus nodes, with commas between: only results about these")] = None,
    shape: Annotated[str | None, typer.Option(help="IRIs of shapes, with commas between: only these are applied")] = None,
    validate_each: Annotated[bool, typer.Option("--validate-each", help="each data file by itself")] = False,
    data_format: Annotated[str, typer.Option("--data-file-format", "-df", help=_SYNTAXES)] = "auto",
    shacl_format: Annotated[str, typer.Option("--shacl-file-format", "-sf", help=_SYNTAXES)] = "auto",
    ont_format: Annotated[str, typer.Option("--ont-file-format", "-ef", help=_SYNTAXES)] = "auto",
    max_depth: Annotated[int | None, typer.Option(help="taken for pySHACL's sake: shapes may be as deep as they are")] = None,
    iterate_rules: Annotated[bool, typer.Option("--iterate-rules", "-it", help="taken for pySHACL's sake: rules run until nothing follows")] = False,
    debug: Annotated[bool, typer.Option("--debug", "-d", help="taken for pySHACL's sake")] = False,
    js: Annotated[bool, typer.Option("--js", "-j", hidden=True)] = False,
    sparql_mode: Annotated[bool, typer.Option("--sparql-mode", "-q", hidden=True)] = False,
    engine: Annotated[str, typer.Option(help="guanxi, or pyshacl to compare")] = "guanxi",
) -> None:
    """Check the graph, or RDF files, against SHACL shapes; exit 1 where they do not conform.

    The options of the pyshacl command mean the same here.
    """
    _refuse(js, "--js", "SHACL-JS is not understood", "say it in SPARQL: sh:sparql")
    _refuse(sparql_mode, "--sparql-mode", "an endpoint cannot be checked from afar", "export its graph to a file and check that")
    _refuse(engine not in ("guanxi", "pyshacl"), engine, "there is no such engine", "guanxi or pyshacl")
    _refuse(inference not in ("none", "rdfs", "owlrl", "both"), inference, "there is no such inference", "none, rdfs, owlrl or both")
    documents = _all(files + data, imports)
    if not shapes and documents and not load_shapes(documents, format=_syntax(data_format)).shapes:
        raise ProjectError("P405", "there are no shapes to check the files against: none are named, and the files have none", help="name them with --shapes FILE")
    sources = _all(shapes, imports) or documents
    allow = "warning" if allow_warnings else "info" if allow_infos else None
    conforms = True
    for several in [[one] for one in documents] if validate_each else [documents]:
        with opened(project, several, _syntax(data_format)) as graph:
            for path in ontology:
                graph.load(path, format=_syntax(ont_format))
            _infer(graph, inference, sources if advanced else [])
            if engine == "pyshacl":
                is_fine, report = by_pyshacl(graph.store, sources or [file.path for file in graph.project.shapes()], format, allow, abort)
            else:
                read = load_shapes(sources, format=_syntax(shacl_format)) if sources else None
                found = _narrowed(graph, read, shape, focus, [graph.term(name).value for name in graphs] or None, abort, allow)
                is_fine, report = found.conforms, _written(graph, found, format, language, offset, limit, rows)
        write_bytes(report, output)
        conforms = conforms and is_fine
    raise typer.Exit(0 if conforms else 1)


def _refuse(is_asked: bool, option: str, why: str, help: str) -> None:
    if is_asked:
        raise ProjectError("P405", f"{option}: {why}", help=help)


def _syntax(name: str) -> str | None:
    return None if name == "auto" else _FORMATS.get(name, name)


def _all(files: list[Path], imports: bool) -> list[Path]:
    if not imports:
        return files
    found, elsewhere = with_imports(files)
    for iri in elsewhere:
        err.print(f"note: <{iri}> is imported and not read: nothing is fetched from the network", markup=False)
    return found


def _infer(graph: KnowledgeGraph, inference: str, rules: list[Path]) -> None:
    """Add what follows, to the files that are checked; a project's graph has its conclusions already."""
    from kg import reasoner
    from kg.reasoner.owl import entailed
    from kg.rules import Hierarchy, has_rules, load_rules

    asked = [path for path in rules if has_rules(path)]
    _refuse(graph.project is not None and (inference != "none" or bool(asked)), "--inference, --advanced", "a project's graph is inferred by kg build",
            "check files, or say it in the project's rules")  # fmt: skip
    if inference != "none":
        entailed(graph.store, "rdfs" if inference == "rdfs" else "owl-rl", complete=inference in ("rdfs", "both"))
    if asked:
        program = load_rules(asked, hierarchy=Hierarchy.stated_in(graph.store))
        reasoner.infer(graph.store, [("infer:shapes", "urn:x-guanxi:graph/infer/shapes", program)])


def _narrowed(
    graph: KnowledgeGraph, read: ShapesGraph | None, shape: str | None, focus: str | None, graphs: list[str] | None, abort: bool, allow: str | None
) -> ValidationReport:
    """The report, of some shapes and about some focus nodes where these are named."""
    if shape is not None:
        wanted = {graph.term(name.strip()) if ":" in name else name for name in shape.split(",")}
        read = read or graph.shapes()
        if unknown := [str(one) for one in wanted if one not in read.shapes]:
            raise ProjectError("P405", f"--shape: there is no shape {unknown[0]} with a target", help="give the IRI of a shape of the shapes graph")
        read = replace(read, shapes={node: one if node in wanted else replace(one, targets=()) for node, one in read.shapes.items()})
    report = graph.validate(read, graphs=graphs, abort=abort, allow=allow)
    if focus is not None:
        nodes = {graph.term(name.strip() if name.strip().startswith("<") or "//" not in name else f"<{name.strip()}>") for name in focus.split(",")}
        report = replace(report, results=tuple(one for one in report.results if one.focus_node in nodes))
    return report


def _written(
    graph: KnowledgeGraph, report: ValidationReport, format: str, language: str, offset: int, limit: int | None, with_rows: bool
) -> bytes:
    number = TABLE_ROWS if limit is None and format == "table" else limit or None
    page = report.results[offset : None if number is None else offset + number]
    rows = [[_said(row, format) for row in several] for several in graph.result_rows(page)] if with_rows else None
    return report.as_text(_FORMATS.get(format, format), language, offset, number, rows)


def _said(row: SourceRow, format: str) -> object:
    """A source row as its place, and what stands there."""
    place = f"{row.file}:{row.line}" if row.file and row.line else row.file or row.table
    if format == "json":
        return {"place": place, "table": row.table, "columns": row.columns}
    return f"{place}  {', '.join(f'{name}={value}' for name, value in list(row.columns.items())[:8] if value is not None)}"


@app.command("shapes")
def shapes_command(
    from_data: Annotated[bool, typer.Option("--from-data", help="propose shapes from what the graph holds; the default")] = True,
    data: DataOption = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    namespace: Annotated[str, typer.Option(help="IRI that the names of the shapes begin with")] = "urn:shape:",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Turtle file; default: standard output")] = None,
) -> None:
    """Propose SHACL shapes: what all instances of each class have in common in the graph, or in the given files."""
    with opened(project, data) as graph:
        write_bytes(proposed_document(graph.store, graph.prefixes, namespace), output)
