"""The command kg: arguments and printing only. Exit 0 done, 1 the answer is "no", 2 the input is wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kg import KnowledgeGraph, mapping, reasoner, saved_queries
from kg.build import BuildReport, StepReport
from kg.check import check as run_checks
from kg.errors import KgError, ProjectError
from kg.shapes import proposed_document
from kg.shapes.oracle import by_pyshacl
from kg.sparql.evaluate import Solutions
from kg.sparql.results import write_boolean, write_graph, write_solutions
from kg.sparql.update import files_within
from kg.store import Store, documents

app = typer.Typer(
    help="Guanxi: tables as a knowledge graph, with proofs.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, soft_wrap=True, highlight=False)

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="kg.toml or the folder that has it")]
DataOption = Annotated[list[Path], typer.Option("--data", help="RDF file; may be repeated; no project is needed then")]


def main() -> None:
    """Run the command line; every expected error becomes one message and an exit code."""
    try:
        raise SystemExit(app(standalone_mode=False) or 0)
    except KgError as error:
        err.print(str(error), markup=False)
        raise SystemExit(2) from None
    except typer.Abort:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command line itself
            err.print(f"error P401: {error.format_message()}\n  help: kg --help", markup=False)
            raise SystemExit(2) from None
        raise


# ── Project verbs ────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def build(
    project: ProjectOption = Path("kg.toml"),
    only: Annotated[str | None, typer.Option(help="one stage: ontology, map or infer")] = None,
    source: Annotated[list[str], typer.Option(help="NAME=PATH: read a source from elsewhere for this build")] = [],  # noqa: B006
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
) -> None:
    """Bring the graph up to date with its tables, ontology and rules."""
    with KnowledgeGraph.open(project) as graph, _progress(quiet) as tell:
        report = graph.build(only, _assignments(source), tell)
    if not quiet:
        _print_build(report)


@app.command()
def serve(
    project: ProjectOption = Path("kg.toml"),
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: Annotated[int, typer.Option(help="requests answered at a time")] = 8,
    writable: Annotated[bool, typer.Option("--writable", help="take updates and changes of graphs; from anybody who reaches the port")] = False,
) -> None:
    """Serve the graph: SPARQL, linked data, saved queries and pages."""
    import waitress

    from api import create_app

    with KnowledgeGraph.open(project) as graph:
        graph.store  # noqa: B018 - fails with a remedy where nothing has been built
        address = f"http://{host}:{port}"
        try:
            served = create_app(graph, writable=writable, threads=threads)
            # Looking ahead on a connection is how waitress notices that a client has hung up.
            server = waitress.create_server(served, host=host, port=port, threads=threads, ident="guanxi", channel_request_lookahead=1)
        except OSError as error:
            raise ProjectError("P405", f"cannot listen on {host}:{port}: {error.strerror}", help="choose another one with --port") from None
        out.print(f"Guanxi serves {graph.project.name} at {address}")
        out.print("Try:")
        for line in _things_to_try(graph, address):
            out.print(f"  {line}", markup=False)
        out.print("Stop with Ctrl-C.")
        try:
            server.run()
        except KeyboardInterrupt:
            server.close()


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
    with _graph(project, data) as graph:
        bindings = {}
        if (text := _query_text(name)) is None:
            saved = saved_queries.find(graph.project or KnowledgeGraph.open(project).project, name)
            bindings, text = saved.bindings(_assignments(argument), graph.prefixes), saved
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
    format: Annotated[str, typer.Option(help="text or json")] = "text",
    language: Annotated[str, typer.Option("--lang", help="en or zh")] = "en",
    depth: int = 25,
) -> None:
    """Why is this triple in the graph? Its proof, down to the source rows."""
    with KnowledgeGraph.open(project) as graph:
        proof = graph.explain(subject, predicate, object, depth)
        if format == "json":
            out.print_json(data=proof.as_dict())
        else:
            out.print(proof.text(language), markup=False)


@app.command()
def check(paths: Annotated[list[Path], typer.Argument()] = [], project: ProjectOption = Path("kg.toml")) -> None:  # noqa: B006
    """Run the content's own tests: ontology checks, rule cases, query answers."""
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


@app.command()
def load(
    file: list[Path],
    project: ProjectOption = Path("kg.toml"),
    graph: Annotated[str | None, typer.Option(help="IRI of the named graph; default: the default graph")] = None,
    format: Annotated[str | None, typer.Option(help="ttl trig nt nq rdf jsonld; default: by the suffix")] = None,
) -> None:
    """Add RDF documents to the graph; builds leave them alone."""
    with KnowledgeGraph.open(project) as opened:
        name = opened.term(graph).value if graph else None
        for path in file:
            report = opened.load(path, graph=name, format=format)
            out.print(f"{path}: {report.read} statements, {report.triples} new, {report.seconds:.1f} s")


@app.command()
def update(
    request: Annotated[str, typer.Argument(help="a file, - for standard input, or the SPARQL text itself")],
    project: ProjectOption = Path("kg.toml"),
    load_from: Annotated[list[Path], typer.Option(help="folder whose files LOAD may read; may be repeated")] = [],  # noqa: B006
    timeout: Annotated[float | None, typer.Option(help="seconds")] = None,
) -> None:
    """Change the graph by a SPARQL update, all or nothing."""
    text, file = _update_text(request)
    with KnowledgeGraph.open(project) as graph:
        report = graph.update(text, timeout=timeout, loader=files_within(*load_from) if load_from else None, file=file)
    where = ", ".join(iri or "the default graph" for iri in report.graphs)
    out.print(f"{report.inserted:,} statements added, {report.deleted:,} taken away{f' in {where}' if where else ''}, {report.seconds:.1f} s", markup=False)
    for note in report.notes:
        err.print(f"note: {note}", markup=False)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="destination; its suffix says the format, .gz compresses")],
    project: ProjectOption = Path("kg.toml"),
    graph: Annotated[str | None, typer.Option(help="IRI of one named graph; default: all")] = None,
    format: str | None = None,
) -> None:
    """Write the graph as RDF."""
    with KnowledgeGraph.open(project) as opened:
        count = opened.export(file, format=format, graph=opened.term(graph).value if graph else None)
        out.print(f"{file}: {count} statements")


@app.command()
def status(
    project: ProjectOption = Path("kg.toml"),
    rejects: Annotated[bool, typer.Option("--rejects", help="list the values that no triple could be made of")] = False,
) -> None:
    """What the graph holds, and from where."""
    with KnowledgeGraph.open(project) as graph:
        if rejects:
            for row in graph.rejects():
                out.print(f"{row.source}:{row.line}  {row.column}  {row.value!r}  {row.reason}  ({row.triples_map})", markup=False)
            return
        found = graph.status()
        built = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.built))
        out.print(f"{graph.project.name}: version {found.version} of {built}, {found.bytes / 1e6:.1f} MB")
        out.print(f"{found.triples:,} triples, {found.inferred:,} of them inferred; {found.rejects:,} rejected values")
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
    for item in ("kg.toml", "ontology", "mappings", "rules", "queries"):
        source = template / item
        if source.is_dir():
            shutil.copytree(source, folder / item)
        else:
            shutil.copy(source, folder / item)
    out.print(f"{folder} is ready. Next: cd {folder} && kg build && kg serve")


# ── Verbs on files ───────────────────────────────────────────────────────────────────────────────────────────


@app.command("map")
def map_command(
    file: Annotated[Path, typer.Argument(help="an R2RML or RML mapping")],
    source: Annotated[list[str], typer.Option(help="NAME=PATH; default: sources.toml beside the mapping")] = [],  # noqa: B006
    base: Annotated[str, typer.Option(help="base IRI of relative IRIs")] = "http://example.com/base/",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="N-Quads file; default: standard output")] = None,
) -> None:
    """Run one mapping and write its quads."""
    with Store.memory() as store:
        beside = file.parent / "sources.toml"
        given = _assignments(source)
        sources = mapping.load_sources(beside, given) if beside.exists() else mapping.override(mapping.Sources(), given)
        report = mapping.materialize(store, file, sources, base=base, graph=None, owner="map")
        documents.dump(store, output or sys.stdout.buffer, format="nq")
    for warning in report.warnings:
        err.print(f"warning: {warning}", markup=False)
    err.print(f"{report.triples:,} quads, {report.rejects:,} rejected values")


@app.command("infer")
def infer_command(
    rules: Annotated[list[Path], typer.Option(help="SPARQL-RL file; may be repeated")],
    data: DataOption,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="RDF file; default: Turtle on standard output")] = None,
) -> None:
    """Run rules over files and write the inferred triples only."""
    with Store.memory() as store:
        for path in data:
            documents.load(store, path)
        program = reasoner.load_program(rules)
        triples = reasoner.infer_only(store, program)
    suffix = output.suffix.lstrip(".") if output else "ttl"
    _write(write_graph(triples, suffix, dict(program.prefixes)), output)


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
    with _graph(project, data) as graph:
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
    _write(report, output)
    raise typer.Exit(0 if conforms else 1)


@app.command("shapes")
def shapes_command(
    data: DataOption = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    namespace: Annotated[str, typer.Option(help="IRI that the names of the shapes begin with")] = "urn:shape:",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Turtle file; default: standard output")] = None,
) -> None:
    """Propose SHACL shapes: what all instances of each class have in common in the graph, or in the given files."""
    with _graph(project, data) as graph:
        _write(proposed_document(graph.store, graph.prefixes, namespace), output)


# ── Printing ─────────────────────────────────────────────────────────────────────────────────────────────────


def _print_build(report: BuildReport) -> None:
    if not report.is_changed:
        out.print(f"Nothing has changed; version {report.version} stays. ({report.seconds:.1f} s)")
        return
    table = Table("stage", "file", "triples", "new", "gone", "seconds", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for stage, name, steps in _grouped(report):
        triples, new, gone = (sum(numbers) for numbers in zip(*((s.triples, s.diff.inserted, s.diff.deleted) for s in steps), strict=True))
        table.add_row(stage, name, f"{triples:,}", f"{new:,}", f"{gone:,}", f"{sum(step.seconds for step in steps):.2f}")
    out.print(table)
    if report.skipped:
        out.print(f"unchanged: {len(report.skipped)} files")
    for owner in report.removed:
        out.print(f"removed: {owner}, whose file is gone", markup=False)
    for warning in report.warnings:
        out.print(f"warning: {warning}", markup=False)
    out.print(f"Version {report.version} is current. ({report.seconds:.1f} s)")


def _grouped(report: BuildReport) -> Iterator[tuple[str, str, list[StepReport]]]:
    """Ontology files are small and many: one line for all of them."""
    ontology = [step for step in report.steps if step.stage == "ontology"]
    if ontology:
        yield "ontology", ontology[0].name if len(ontology) == 1 else f"{len(ontology)} files", ontology
    for step in report.steps:
        if step.stage != "ontology":
            yield step.stage, step.name, [step]


def _print_result(graph: KnowledgeGraph, result: object, format: str | None) -> None:
    if isinstance(result, bool):
        out.print(write_boolean(result, format) if format and format != "table" else ("yes" if result else "no"), markup=False)
        raise typer.Exit(0 if result else 1)
    if isinstance(result, Solutions):
        for chunk in write_solutions(result.variables, result, format or "table", graph.prefixes):
            sys.stdout.write(chunk)
        if format in (None, "table"):
            sys.stdout.write("\n")
    else:
        _write(write_graph(result, format or "ttl", graph.prefixes), None)


def _with_notes(graph: KnowledgeGraph, text: str | saved_queries.SavedQuery, solutions: Solutions) -> Solutions:
    """The solutions; where there are none, what the query names and the graph lacks goes to standard error."""
    if not solutions.has_any():
        for note in graph.unknown_terms(text):
            err.print(f"note: {note}", markup=False, soft_wrap=True)
    return solutions


def _write(data: bytes, output: Path | None) -> None:
    if output:
        output.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)


def _things_to_try(graph: KnowledgeGraph, address: str) -> Iterator[str]:
    yield f"{address}/  in a browser"
    with_examples = [saved for saved in saved_queries.load(graph.project) if saved.examples()]
    for saved in with_examples[-1:]:  # the last domain is the project's own, the first ones are general
        arguments = "&".join(f"{name}={value}" for name, value in saved.examples().items())
        yield f"curl '{address}/queries/{saved.key}.csv?{arguments}'   {saved.question()}"
    yield f"curl '{address}/sparql' --data-urlencode 'query=SELECT ?class (COUNT(*) AS ?n) {{ ?x a ?class }} GROUP BY ?class'"


@contextmanager
def _progress(quiet: bool) -> Iterator:
    """A line that says what is being done, on a terminal only."""
    if quiet or not err.is_terminal:
        yield None
        return
    with err.status("starting") as spinner:
        yield lambda stage, detail: spinner.update(f"{stage}: {detail}")


# ── Arguments ────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _graph(project: Path, data: list[Path]) -> Iterator[KnowledgeGraph]:
    """The project's graph, or a temporary one of the given files."""
    if not data:
        with KnowledgeGraph.open(project) as graph:
            yield graph
        return
    with KnowledgeGraph.memory() as graph:
        for path in data:
            graph.load(path)
        yield graph


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


def _update_text(request: str) -> tuple[str, str | None]:
    """The text of an update, and its file."""
    if request == "-":
        return sys.stdin.read(), None
    if Path(request).is_file():
        return Path(request).read_text(encoding="utf-8"), request
    if len(request.split()) == 1:
        raise ProjectError("P403", f"there is no file {request}")
    return request, None


def _assignments(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ProjectError("P404", f"{pair!r} is not of the form NAME=VALUE")
        found[name] = value
    return found


def _template() -> Path:
    """The content that travels with the package; in a checkout, the repository itself."""
    packaged = Path(str(files("kg") / "template"))
    return packaged if packaged.is_dir() else Path(__file__).parent.parent
