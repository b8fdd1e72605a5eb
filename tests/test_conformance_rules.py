"""The W3C SPARQL-RL suite: syntax, well-formedness, stratification, evaluation."""

import pytest

from tests.conformance import SUITES, Case
from tests.conformance_rules import FAILING, problem_of, rules_cases

CASES = rules_cases()


@pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES} (set KG_CONFORMANCE)")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.manifest.parent.name}/{case.id}")
def test_rules_are_read_checked_and_run_as_the_suite_says(case: Case) -> None:
    problem = problem_of(case)
    if case.id in FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING[case.id])
    assert problem is None, problem
