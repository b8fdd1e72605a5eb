"""make conformance: one line a suite — name, passed, total — and the reason of each case that fails; then the peers over the same cases.

Each driver has a function that returns (passed, total, {case: reason}). With `--peers` only the table of the peers is printed.
"""

from __future__ import annotations

import sys
from functools import partial

from tests import (
    conformance_federation,
    conformance_graph_store,
    conformance_owl,
    conformance_protocol,
    conformance_r2rml,
    conformance_rml,
    conformance_rules,
    conformance_service_description,
    conformance_shacl,
    conformance_shacl_rules,
    conformance_sparql,
    conformance_sparql_update,
)
from tests.conformance_engines import Oxigraph, Rdflib
from tests.databases import NotInstalled

SUITES = {
    "sparql11-query": conformance_sparql.run,
    "sparql11-update": conformance_sparql_update.run,
    "sparql11-results": conformance_sparql.run_results,
    "sparql11-federation": conformance_federation.run,
    "sparql11-protocol": conformance_protocol.run,
    "sparql11-graph-store": conformance_graph_store.run,
    "sparql11-service-description": conformance_service_description.run,
    "sparql11-entailment": conformance_owl.run_queries,
    "sparql-rl": conformance_rules.run,
    "owl2-rl": conformance_owl.run,
    "shacl-core": partial(conformance_shacl.run, "core"),
    "shacl-sparql": partial(conformance_shacl.run, "sparql"),
    "shacl-rules": conformance_shacl_rules.run,
    "r2rml": conformance_r2rml.run,
    "r2rml-postgresql": conformance_r2rml.run_on_postgresql,
    "r2rml-mariadb": conformance_r2rml.run_on_mariadb,
    "rml-core": partial(conformance_rml.run, conformance_rml.CORE),
    "rml-io": partial(conformance_rml.run, conformance_rml.IO),
}


# The suites that are about an engine alone, without a server: driver(engine).
OF_ENGINES = {
    "sparql11-query": conformance_sparql.run_queries,
    "sparql11-update": conformance_sparql_update.run,
    "sparql11-results": conformance_sparql.run_results,
}


def main() -> None:
    if "--peers" not in sys.argv[1:]:
        report()
    compare()


def compare() -> None:
    """A line a suite with what each engine passes."""
    engines = [conformance_sparql.GUANXI, Oxigraph(), Rdflib()]
    print("\t".join(["suite", "cases", *(engine.name for engine in engines)]), flush=True)
    for name, run in OF_ENGINES.items():
        found = [run(engine) for engine in engines]
        print("\t".join([name, str(found[0][1]), *(str(passed) for passed, _, _ in found)]), flush=True)
        for engine, (_, _, reasons) in zip(engines, found, strict=True):
            for case, reason in reasons.items():
                print(f"    {engine.name}: {case}: {' '.join(reason.split())[:160]}")


def report() -> None:
    for name, run in SUITES.items():
        try:
            passed, total, reasons = run()
        except NotInstalled as missing:
            print(f"{name}\t-\t-\t{missing}", flush=True)
            continue
        print(f"{name}\t{passed}\t{total}", flush=True)
        for case, reason in reasons.items():
            print(f"    {case}: {reason}")


if __name__ == "__main__":
    main()
