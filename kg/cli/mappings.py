"""The verb map: one mapping, run on its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kg import mapping
from kg.cli.application import app, assignments, err
from kg.store import Store, documents


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
        given = assignments(source)
        sources = mapping.load_sources(beside, given) if beside.exists() else mapping.override(mapping.Sources(), given)
        report = mapping.materialize(store, file, sources, base=base, graph=None, owner="map")
        documents.dump(store, output or sys.stdout.buffer, format="nq")
    for warning in report.warnings:
        err.print(f"warning: {warning}", markup=False)
    err.print(f"{report.triples:,} quads, {report.rejects:,} rejected values")
