"""The W3C suite of the SPARQL 1.1 Protocol."""

import pytest

from tests.conformance import cases
from tests.conformance_protocol import MANIFEST, fault


@pytest.mark.parametrize("case", cases(MANIFEST))
def test_the_protocol_is_kept(case):
    assert fault(case) is None
