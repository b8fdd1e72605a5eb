"""The SHACL-AF rules suite: inferred triples as expected, faulty rules refused."""

import pytest

from tests.conformance import SUITES
from tests.conformance_shacl_rules import FAILING, problem_of, run, shacl_rules_cases

CASES = shacl_rules_cases()
pytestmark = pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES / 'shacl-rules'} (set KG_CONFORMANCE)")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rules_add_what_the_suite_says_or_are_refused(case):
    problem = problem_of(case)
    if case.name in FAILING:
        assert problem is not None, f"{case.name} passes now: take it off the list"
        pytest.xfail(FAILING[case.name])
    assert problem is None, problem


def test_all_cases_are_run_and_the_score_is_shown(capsys):
    passed, found, reasons = run()
    with capsys.disabled():
        print(f"\nshacl-rules {passed}/{found}")
    assert found == 17
    assert set(reasons) == set(FAILING)
