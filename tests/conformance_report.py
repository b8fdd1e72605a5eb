"""make conformance: one line a suite — name, passed, total — and the reasons of what fails.

Each suite's driver is a module with `run()`, which returns (passed, total, {case: reason}).
"""

from importlib import import_module

SUITES = {
    "sparql11-query": "tests.conformance_sparql",
    "sparql11-protocol": "tests.conformance_protocol",
    "sparql11-update": "tests.conformance_sparql_update",
    "r2rml": "tests.conformance_r2rml",
    "shacl": "tests.conformance_shacl",
}


def main() -> None:
    for name, module in SUITES.items():
        passed, total, reasons = import_module(module).run()
        print(f"{name}\t{passed}\t{total}", flush=True)
        for case, reason in reasons.items():
            print(f"    {case}: {reason}")


if __name__ == "__main__":
    main()
