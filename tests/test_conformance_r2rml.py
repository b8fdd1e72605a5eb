"""W3C R2RML: every case gives the expected quads, or is refused where it has none."""

from pathlib import Path

import pytest

from tests.conformance import SUITES
from tests.conformance_r2rml import CASES, FAILING, R2rmlCase, problem_of

pytestmark = pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES} (set KG_CONFORMANCE)")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_gives_the_expected_quads_or_is_refused(case: R2rmlCase, tmp_path: Path) -> None:
    problem = problem_of(case, tmp_path)
    if case.id in FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING[case.id])
    assert problem is None, problem


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 62
