"""SPARQL-RL's public suite beyond syntax: well-formedness, stratification, evaluation."""

from __future__ import annotations

import pytest
from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, parse

from kg.errors import RuleError
from kg.reasoner import check, infer_only, load_program
from kg.store import Store
from kg.store.documents import load
from tests.conformance import Case, cases

MANIFEST = "sparql-rl/manifest-sparql-rl.ttl"

# Case → why it fails. A case that is mended must leave this list: the marks are strict.
FAILING: dict[str, str] = {}


def rules_cases(*types: str) -> list:
    found = []
    for parameter in cases(MANIFEST, *types):
        reason = FAILING.get(parameter.id)
        marks = [*parameter.marks, pytest.mark.xfail(reason=reason, strict=True)] if reason else parameter.marks
        found.append(pytest.param(*parameter.values, id=parameter.id, marks=marks))
    return found


@pytest.mark.parametrize("case", rules_cases("RulesPositiveWellformednessTest", "RulesPositiveStratificationTest"))
def test_a_sound_rule_set_passes_the_checks(case: Case) -> None:
    check([load_program([case.action])])


@pytest.mark.parametrize("case", rules_cases("RulesNegativeWellformednessTest", "RulesNegativeStratificationTest"))
def test_an_unsound_rule_set_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(RuleError) as caught:
        check([load_program([case.action])])
    assert caught.value.code.startswith("R2")
    assert caught.value.location.line is not None


@pytest.mark.parametrize("case", rules_cases("RulesEvalTest"))
def test_rules_conclude_what_the_suite_expects(case: Case) -> None:
    with Store.memory() as store:
        load(store, case.action["data"][0])
        found = infer_only(store, load_program([case.action["ruleset"][0]]))
    expected = parse(case.result.read_bytes(), format=RdfFormat.TURTLE, base_iri=case.result.as_uri())
    assert canonical(Quad(t.subject, t.predicate, t.object) for t in found) == canonical(expected)


def canonical(quads) -> set[str]:
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in dataset}
