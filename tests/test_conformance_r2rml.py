"""W3C R2RML: every case gives the expected quads, or is refused where it has none."""

from functools import partial
from pathlib import Path

import pytest

from tests.conformance import SUITES
from tests.conformance_r2rml import CASES, FAILING_ON_MARIADB, R2rmlCase, on_mariadb, on_postgresql, problem_of
from tests.databases import Server

pytestmark = pytest.mark.skipif(not CASES, reason=f"no conformance suite at {SUITES} (set KG_CONFORMANCE)")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_gives_the_expected_quads_or_is_refused(case: R2rmlCase, tmp_path: Path) -> None:
    problem = problem_of(case, tmp_path)
    assert problem is None, problem


@pytest.mark.xdist_group("databases")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_gives_the_same_on_postgresql(case: R2rmlCase, tmp_path: Path, postgresql: Server) -> None:
    problem = problem_of(case, tmp_path, partial(on_postgresql, postgresql))
    assert problem is None, problem


@pytest.mark.xdist_group("databases")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_gives_the_same_on_mariadb(case: R2rmlCase, tmp_path: Path, mariadb: Server) -> None:
    problem = problem_of(case, tmp_path, partial(on_mariadb, mariadb), "mysql")
    if case.id in FAILING_ON_MARIADB:
        assert problem is not None, f"{case.id} passes now: take it off the list"
        pytest.xfail(FAILING_ON_MARIADB[case.id])
    assert problem is None, problem


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 62
