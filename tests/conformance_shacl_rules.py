"""Drives the SHACL-AF rules suite: what the rules add to a file's own data, or that they are refused."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, parse

from kg.errors import KgError
from kg.reasoner import infer_only
from kg.rules import Hierarchy, load_rules
from kg.store import Store
from kg.store.documents import load
from tests.conformance import SUITES

FOLDER = SUITES / "shacl-rules"

# Case → why it fails. A case that is mended must leave this list.
FAILING: dict[str, str] = {}


def shacl_rules_cases() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.exists() else []


def problem_of(case: Path) -> str | None:
    """None where the case passes, else what went wrong."""
    (document,) = case.glob("input.*")
    expected = case / "expected-inferred.ttl"
    try:
        with Store.memory() as store:
            load(store, document)
            found = _canonical(Quad(t.subject, t.predicate, t.object) for t in infer_only(store, load_rules([document], hierarchy=Hierarchy.stated_in(store))))
    except KgError as error:
        return f"refused: {error}" if expected.exists() else None
    if not expected.exists():
        return "accepted, though it must be refused"
    wanted = _canonical(parse(expected.read_bytes(), format=RdfFormat.TURTLE))
    return None if found == wanted else f"found {sorted(found)}, expected {sorted(wanted)}"


def _canonical(quads) -> set[str]:
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in dataset}


def run() -> tuple[int, int, dict[str, str]]:
    """How many cases pass, how many there are, and the reason of each that fails."""
    found = {case.name: problem_of(case) for case in shacl_rules_cases()}
    reasons = {name: problem for name, problem in found.items() if problem}
    return len(found) - len(reasons), len(found), reasons
