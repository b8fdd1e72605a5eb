"""Drives the W3C SPARQL-RL suite: syntax, well-formedness, stratification, evaluation."""

from __future__ import annotations

from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, parse

from kg.errors import RuleError
from kg.reasoner import check, infer_only, load_program
from kg.reasoner.safety import check_well_formed
from kg.sparql.parser import parse_rules
from kg.store import Store
from kg.store.documents import load
from tests.conformance import SUITES, Case, read, walk

MANIFEST = "sparql-rl/manifest-sparql-rl.ttl"

# Case → why it fails. A case that is mended must leave this list.
FAILING: dict[str, str] = {}


def rules_cases() -> list[Case]:
    return list(walk(SUITES / MANIFEST)) if (SUITES / MANIFEST).exists() else []


def problem_of(case: Case) -> str | None:
    """None where the case passes, else what went wrong."""
    kind = case.type.removeprefix("Rules").removesuffix("Test")
    if kind == "Eval":
        return _evaluation_problem(case)
    try:
        if kind.endswith("Syntax"):
            parse_rules(read(case.action), base=case.action.as_uri())
        elif kind.endswith("WellFormedness"):
            for rule in load_program([case.action]).rules:
                check_well_formed(rule)
        else:
            check([load_program([case.action])])
    except RuleError as error:
        return _refusal_problem(kind, error)
    return "accepted, though it must be refused" if kind.startswith("Negative") else None


def _refusal_problem(kind: str, error: RuleError) -> str | None:
    if kind.startswith("Positive"):
        return f"refused: {error}"
    if kind != "NegativeSyntax" and not error.code.startswith("R2"):
        return f"refused as text, though it is well-formed text: {error}"
    return None if error.location is not None and error.location.line else f"refused without a place: {error}"


def _evaluation_problem(case: Case) -> str | None:
    with Store.memory() as store:
        load(store, case.action["data"][0])
        found = _canonical(Quad(t.subject, t.predicate, t.object) for t in infer_only(store, load_program([case.action["ruleset"][0]])))
    expected = _canonical(parse(case.result.read_bytes(), format=RdfFormat.TURTLE, base_iri=case.result.as_uri()))
    return None if found == expected else f"found {sorted(found)}, expected {sorted(expected)}"


def _canonical(quads) -> set[str]:
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in dataset}


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    found = rules_cases()
    failed = {case.id: FAILING.get(case.id, problem) for case in found if (problem := problem_of(case))}
    return len(found) - len(failed), len(found), failed
