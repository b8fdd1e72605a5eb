"""W3C SHACL test cases: each gives the expected report, or is refused where it must fail."""

import pytest

from tests.conformance import SUITES
from tests.conformance_shacl import FAILING, problem_of, run, shacl_cases

CASES = [*shacl_cases("core"), *shacl_cases("sparql")]
pytestmark = pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES / 'shacl'} (set KG_CONFORMANCE)")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_gives_the_expected_report_or_is_refused(case):
    problem = problem_of(case)
    if case.id in FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING[case.id])
    assert problem is None, problem


@pytest.mark.parametrize(("part", "total"), [("core", 98), ("sparql", 22)])
def test_all_cases_are_run_and_the_score_is_shown(part, total, capsys):
    passed, found, reasons = run(part)
    with capsys.disabled():
        print(f"\nshacl-{part} {passed}/{found}")
    assert found == total
    assert set(reasons) == {case for case in FAILING if case.startswith(part)}
