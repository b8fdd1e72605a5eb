"""Drives the W3C OWL 2 entailments (profile RL) and the SPARQL 1.1 entailment cases for RDF, RDFS and OWL RL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from kg.reasoner import owl
from kg.sparql.evaluate import evaluate
from kg.store import Store
from kg.store.documents import load
from tests.conformance import SUITES, Case, read, walk
from tests.conformance_engines import answer_of
from tests.conformance_sparql import difference

_OWL = "http://www.w3.org/2002/07/owl#"

# Positive cases that need more than the rules of OWL 2 Profiles, section 4.3.
_NEW_NODES = "the conclusion names a class expression that the premise does not have; the rules make no new ones"
_DIFFERENT = "the rules conclude no owl:differentFrom"
_RANGES = "the rules say nothing of how datatypes contain one another"
FAILING: dict[str, str] = {
    "chain2trans1": "the rules conclude no owl:TransitiveProperty from a property chain",
    "disjointclasses-001": _NEW_NODES,
    "disjointclasses-003": _NEW_NODES,
    "new-feature-disjointdataproperties-002": _DIFFERENT,
    "new-feature-disjointobjectproperties-001": _DIFFERENT,
    "new-feature-disjointobjectproperties-002": _DIFFERENT,
    "new-feature-objectqcr-002": _NEW_NODES,
    "new-feature-reflexiveproperty-001": "the rules leave owl:ReflexiveProperty out",
    "owl2-rl-rules-fp-differentfrom": _DIFFERENT,
    "owl2-rl-rules-ifp-differentfrom": _DIFFERENT,
    "webont-differentfrom-001": "the rules do not say that owl:differentFrom is symmetric",
    "webont-i5-26-010": _NEW_NODES,
    "webont-i5-5-005": _NEW_NODES,
    "webont-i5-8-006": _RANGES,
    "webont-i5-8-008": _RANGES,
    "webont-i5-8-009": _RANGES,
}


@dataclass(frozen=True)
class Entailment:
    id: str
    premise: Path
    conclusion: Path
    is_positive: bool


def entailments() -> list[Entailment]:
    found = []
    for folder in sorted((SUITES / "owl2-rl" / "cases").glob("*")):
        positive, negative = folder / "conclusion.rdf", folder / "non-conclusion.rdf"
        conclusion = positive if positive.exists() else negative
        found.append(Entailment(folder.name, folder / "premise.rdf", conclusion, positive.exists()))
    return found


def problem_of(case: Entailment) -> str | None:
    """None where the case passes, else what went wrong."""
    with Store.memory() as store:
        load(store, case.premise)
        for file in _imported(case.premise):
            load(store, file)
        owl.entailed(store, "owl-rl", complete=True)
        holds = bool(evaluate(store, _ask(_triples(case.conclusion))))
    if holds == case.is_positive:
        return None
    return "not entailed" if case.is_positive else "entailed, though it does not follow"


def _triples(file: Path) -> list[Triple]:
    return [quad.triple for quad in parse(path=str(file), format=RdfFormat.RDF_XML, base_iri=file.as_uri())]


def _imported(file: Path) -> list[Path]:
    """The documents that a premise imports, found by the address that they give themselves."""
    wanted = {quad.object for quad in parse(path=str(file), format=RdfFormat.RDF_XML, base_iri=file.as_uri()) if quad.predicate.value == _OWL + "imports"}
    known = {}
    for other in (SUITES / "owl2-rl" / "imports").glob("*.rdf"):
        for quad in parse(path=str(other), format=RdfFormat.RDF_XML, base_iri=other.as_uri()):
            if quad.object == NamedNode(_OWL + "Ontology"):
                known[quad.subject] = other
    return [known[iri] for iri in wanted if iri in known]


def _ask(triples: list[Triple]) -> str:
    def text(term: NamedNode | BlankNode | Literal) -> str:
        return f"?b{term.value}" if isinstance(term, BlankNode) else str(term)

    return f"ASK {{ {' . '.join(' '.join(map(text, (t.subject, t.predicate, t.object))) for t in triples)} }}"


def run() -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    found = entailments()
    failed = {case.id: FAILING.get(case.id, problem) for case in found if (problem := problem_of(case))}
    return len(found) - len(failed), len(found), failed


# ── SPARQL 1.1 entailment regimes ────────────────────────────────────────────────────────────────────────────

QUERY_FAILING: dict[str, str] = {}


def query_cases() -> list[Case]:
    manifest = SUITES / "sparql11/entailment/manifest.ttl"
    return list(walk(manifest)) if manifest.exists() else []


def regime_of(case: Case) -> str | None:
    """`owl-rl`, `rdfs`, or None for a case whose regimes are out of reach (OWL Direct, RIF)."""

    def names(key: str) -> set[str]:
        values = [*(case.action or {}).get(key, []), *case.properties.get(key, [])]
        flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
        return {str(value).rpartition("/")[2].rpartition("#")[2] for value in flat}

    regimes, profiles = names("entailmentRegime"), names("EntailmentProfile")
    if regimes & {"RDF", "RDFS", "D"}:
        return "rdfs"
    return "owl-rl" if "OWL-RDF-Based" in regimes and "RL" in profiles else None


def query_problem_of(case: Case, regime: str) -> str | None:
    with Store.memory() as store:
        for path in case.action.get("data", []):
            load(store, path, base=path.as_uri())
        owl.entailed(store, regime, complete=True)
        query = case.action["query"][0]
        return difference(answer_of(evaluate(store, read(query), base=query.as_uri())), case.result, is_ordered=False)


def run_queries() -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason}) of all cases, those out of reach included."""
    failed = {}
    found = query_cases()
    for case in found:
        regime = regime_of(case)
        problem = "its regimes are OWL Direct or RIF, which rules do not decide" if regime is None else query_problem_of(case, regime)
        if problem is not None:
            failed[case.id] = QUERY_FAILING.get(case.id, problem)
    return len(found) - len(failed), len(found), failed
