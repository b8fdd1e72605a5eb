"""The W3C suite of the SPARQL 1.1 Service Description."""

import pytest

from tests.conformance import cases
from tests.conformance_service_description import MANIFEST, fault


@pytest.mark.parametrize("case", cases(MANIFEST))
def test_the_service_describes_itself(case):
    assert fault(case) is None
