"""The verb serve."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg import KnowledgeGraph, saved_queries
from kg.cli.application import ProjectOption, app, out
from kg.errors import ProjectError

if TYPE_CHECKING:
    from flask import Flask

# Seconds that a thread keeps the interpreter while others wait: most of a request's time DuckDB works, and what is left is short.
_SWITCH = 0.0005
_M_MMAP_THRESHOLD, _LARGE = -3, 1 << 20  # of mallopt(3); bytes


@app.command()
def serve(
    project: ProjectOption = Path("kg.toml"),
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: Annotated[int, typer.Option(help="requests answered at a time")] = 8,
    writable: Annotated[bool, typer.Option("--writable", help="take updates and changes of graphs; from anybody who reaches the port")] = False,
    origin: Annotated[list[str] | None, typer.Option(help="a web origin whose pages may use the server; default: [server] origins of kg.toml")] = None,
) -> None:
    """Serve the graph: SPARQL, linked data, saved queries and pages."""
    import waitress

    from api import create_app

    with KnowledgeGraph.open(project) as graph:
        graph.store  # noqa: B018 - fails with a remedy where nothing has been built
        address = f"http://{host}:{port}"
        sys.setswitchinterval(_SWITCH)
        _give_memory_back()
        try:
            served = create_app(graph, writable=writable, threads=threads, origins=origin or None)
            _compile_pages(served)
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


def _compile_pages(served: Flask) -> None:
    """Compile the templates before there are threads: the first pages come sooner, and CPython 3.11 may fail where two threads read syntax trees
    at once (SystemError "AST constructor recursion depth mismatch")."""
    for name in served.jinja_env.list_templates():
        served.jinja_env.get_template(name)


def _give_memory_back() -> None:
    """Let large blocks of memory go back to the system when they are free, not be kept for each thread: long answers leave nothing behind.

    This is for the C library of GNU; others do so by themselves, or have no such function.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _things_to_try(graph: KnowledgeGraph, address: str) -> Iterator[str]:
    yield f"{address}/  in a browser"
    with_examples = [saved for saved in saved_queries.load(graph.project) if saved.examples()]
    for saved in with_examples[-1:]:  # the last domain is the project's own, the first ones are general
        arguments = "&".join(f"{name}={value}" for name, value in saved.examples().items())
        yield f"curl '{address}/queries/{saved.key}.csv?{arguments}'   {saved.question()}"
    yield f"curl '{address}/sparql' --data-urlencode 'query=SELECT ?class (COUNT(*) AS ?n) {{ ?x a ?class }} GROUP BY ?class'"
