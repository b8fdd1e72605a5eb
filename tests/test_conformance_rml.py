"""RML-Core and RML-IO: every case gives the expected quads and files, or is refused."""

from pathlib import Path

import pytest

from tests.conformance import SUITES
from tests.conformance_rml import CORE, FAILING, IO, RmlCase, problem_of

pytestmark = pytest.mark.skipif(not CORE, reason=f"no conformance suite at {SUITES} (set KG_CONFORMANCE)")


@pytest.mark.parametrize("case", [*CORE, *IO], ids=lambda case: case.id)
def test_case_gives_the_expected_output_or_is_refused(case: RmlCase, tmp_path: Path) -> None:
    problem = problem_of(case, tmp_path)
    if case.id in FAILING:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING[case.id])
    assert problem is None, problem


def test_the_suites_are_whole() -> None:
    assert (len(CORE), len(IO)) == (76, 73)
