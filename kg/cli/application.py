"""The typer application, its consoles, the options that several commands share, and the way out after an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kg import KnowledgeGraph
from kg.errors import KgError, ProjectError

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


@contextmanager
def progress(quiet: bool) -> Iterator:
    """A line that says what is being done, on a terminal only."""
    if quiet or not err.is_terminal:
        yield None
        return
    with err.status("starting") as spinner:
        yield lambda stage, detail: spinner.update(f"{stage}: {detail}")


@contextmanager
def opened(project: Path, data: list[Path], format: str | None = None) -> Iterator[KnowledgeGraph]:
    """The project's graph, or a temporary one of the given files, whose syntax is `format` or told by their suffixes."""
    if not data:
        with KnowledgeGraph.open(project) as graph:
            yield graph
        return
    with KnowledgeGraph.memory() as graph:
        for path in data:
            graph.load(path, format=format)
        yield graph


def assignments(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ProjectError("P404", f"{pair!r} is not of the form NAME=VALUE")
        found[name] = value
    return found


def write_bytes(data: bytes, output: Path | None) -> None:
    if output:
        output.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
