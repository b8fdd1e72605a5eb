"""The verb apply: files of inserts, updates and deletes, one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg import KnowledgeGraph
from kg.cli.application import ProjectOption, app, err, out, progress
from kg.errors import KgError, ProjectError


@app.command()
def apply(
    file: Annotated[list[Path], typer.Argument(help="files of changes in their order, or folders of them")] = [],  # noqa: B006
    project: ProjectOption = Path("kg.toml"),
    domain: Annotated[str | None, typer.Option(help="whose changes.toml says what the files do; default: the only one that there is")] = None,
    forget: Annotated[bool, typer.Option("--forget", help="take the tables as the sources have them: a new snapshot has the changes in it")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
) -> None:
    """Apply files of changes to the tables: each file is a version of the graph, those applied before are passed over."""
    if forget == bool(file):
        raise ProjectError("P405", "apply takes files, or --forget", help="kg apply FILE…, kg apply --forget")
    with KnowledgeGraph.open(project) as graph, progress(quiet) as tell:
        if forget:
            report = graph.forget_changes(domain, tell)
            out.print(f"All changes are forgotten; version {report.version} is current. ({report.seconds:.1f} s)")
            return
        done = 0
        try:
            for one in graph.apply(file, domain, tell):
                done += 1
                if one.build is None:
                    out.print(f"{one.file.name}: applied before", markup=False)
                else:
                    added, removed = one.quads
                    out.print(f"{one.file.name}: version {one.build.version}, {added:,} triples new, {removed:,} gone, {one.seconds:.1f} s", markup=False)
        except KgError:
            err.print(f"{done} file{'' if done == 1 else 's'} applied before this one; the graph has them:", markup=False)
            raise
