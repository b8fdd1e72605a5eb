"""The W3C SPARQL 1.1 query suite: evaluation, result formats and syntax."""

from __future__ import annotations

import pytest

from tests.conformance import SUITES
from tests.conformance_sparql import failure, query_cases

# Cases that fail, each with its reason.
KNOWN_FAILURES: dict[str, str] = {}


@pytest.mark.skipif(not (SUITES / "sparql11").exists(), reason=f"no conformance suite at {SUITES} (set KG_CONFORMANCE)")
def test_all_query_cases_pass_but_those_listed_with_a_reason(capsys: pytest.CaptureFixture[str]):
    found = query_cases()
    failures = {f"{case.manifest.parent.name}/{case.id}": reason for case in found if (reason := failure(case))}
    with capsys.disabled():
        print(f"\nsparql11-query {len(found) - len(failures)}/{len(found)}")
    assert set(failures) == set(KNOWN_FAILURES), failures
