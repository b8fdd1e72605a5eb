"""W3C entailment cases: OWL 2 (profile RL) and SPARQL 1.1 under RDF, RDFS and OWL RL."""

import pytest

from tests.conformance import SUITES
from tests.conformance_owl import (
    FAILING,
    QUERY_FAILING,
    entailments,
    problem_of,
    query_cases,
    query_problem_of,
    regime_of,
)

CASES = entailments()
QUERIES = [case for case in query_cases() if regime_of(case)]
pytestmark = [
    pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES / 'owl2-rl'} (set KG_CONFORMANCE)"),
    pytest.mark.xdist_group("owl"),
]
_seen: dict[str, str | None] = {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_closure_of_the_premise_entails_the_conclusion_and_no_non_conclusion(case):
    problem = _seen[case.id] = problem_of(case)
    if case.id in FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING[case.id])
    assert problem is None, problem


def test_all_cases_are_run_and_the_score_is_shown(capsys):
    positive = [case for case in CASES if case.is_positive]
    passed = [case for case in CASES if _seen.get(case.id, "not run") is None]
    if len(_seen) < len(CASES):
        pytest.skip("only some of the cases were run")
    with capsys.disabled():
        print(f"\nowl2-rl {sum(c.is_positive for c in passed)}/{len(positive)} positive, {sum(not c.is_positive for c in passed)}/{len(CASES) - len(positive)} negative")
    assert (len(positive), len(CASES) - len(positive)) == (27, 23)
    assert {case.id for case in CASES} - {case.id for case in passed} == set(FAILING)


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case.id)
def test_query_has_the_answers_that_its_regime_entails(case):
    problem = query_problem_of(case, regime_of(case))
    if case.id in QUERY_FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(QUERY_FAILING[case.id])
    assert problem is None, problem


def test_the_cases_within_reach_are_counted(capsys):
    with capsys.disabled():
        print(f"\nsparql11-entailment {len(QUERIES)} of {len(query_cases())} cases have a regime that rules decide")
    assert (len(QUERIES), len(query_cases())) == (43, 70)
