"""The verb infer: rules, run on files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg import reasoner
from kg.cli.application import DataOption, app, write_bytes
from kg.rules import Hierarchy, load_rules
from kg.sparql.results import write_graph
from kg.store import Store, documents


@app.command("infer")
def infer_command(
    rules: Annotated[list[Path], typer.Option(help="rules: .srl (SPARQL-RL), .swrl, or RDF with SHACL rules or SWRL; may be repeated")],
    data: DataOption,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="RDF file; default: Turtle on standard output")] = None,
) -> None:
    """Run rules over files and write the inferred triples only."""
    with Store.memory() as store:
        for path in data:
            documents.load(store, path)
        program = load_rules(rules, hierarchy=Hierarchy.stated_in(store))
        triples = reasoner.infer_only(store, program)
    suffix = output.suffix.lstrip(".") if output else "ttl"
    write_bytes(write_graph(triples, suffix, dict(program.prefixes)), output)
