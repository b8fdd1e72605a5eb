"""The verb infer: rules, run on files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pyoxigraph import Triple

from kg import reasoner
from kg.cli.application import DataOption, app, err, write_bytes
from kg.errors import ProjectError
from kg.reasoner import owl
from kg.rules import Hierarchy, load_rules
from kg.sparql.results import write_graph
from kg.store import Store, documents


@app.command("infer")
def infer_command(
    data: DataOption,
    rules: Annotated[list[Path], typer.Option(help="rules: .srl (SPARQL-RL), .swrl, or RDF with SHACL rules or SWRL; may be repeated")] = [],  # noqa: B006
    entailment: Annotated[str | None, typer.Option(help="what the axioms in the files conclude: owl-rl or rdfs")] = None,
    complete: Annotated[bool, typer.Option("--complete", help="with --entailment: also what holds of everything, such as x = x")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="RDF file; default: Turtle on standard output")] = None,
) -> None:
    """Run rules, the axioms of an ontology, or both over files and write the inferred triples only."""
    if not rules and entailment is None:
        raise ProjectError("P406", "there is nothing to infer by", help="name rules with --rules FILE, or a regime with --entailment owl-rl")
    with Store.memory() as store:
        for path in data:
            documents.load(store, path)
        program = load_rules(rules, hierarchy=Hierarchy.stated_in(store)) if rules else reasoner.Program(())
        prefixes = dict(program.prefixes)
        if entailment is None:
            triples = reasoner.infer_only(store, program)
        else:
            triples, axioms = owl.entailed(store, entailment, programs=[program] if rules else [], files=data, complete=complete)
            prefixes = dict(axioms.prefixes) | prefixes
            _tell_contradictions(store, triples)
    suffix = output.suffix.lstrip(".") if output else "ttl"
    write_bytes(write_graph(triples, suffix, prefixes), output)


def _tell_contradictions(store: Store, triples: list[Triple]) -> None:
    found = sum(triple.predicate == owl.INCONSISTENT for triple in triples)
    if found:
        err.print(f"warning: {found:,} contradictions with the ontology; kg check --ontology --data FILE… shows their proofs", markup=False)
