"""The W3C suite of SPARQL 1.1 Federated Query."""

import pytest

from tests.conformance import cases
from tests.conformance_federation import MANIFEST, fault


@pytest.mark.parametrize("case", cases(MANIFEST))
def test_other_endpoints_are_asked_as_the_standard_says(case):
    assert fault(case) is None
