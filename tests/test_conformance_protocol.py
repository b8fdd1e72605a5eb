"""The W3C suite of the SPARQL 1.1 Protocol, as far as a read-only server goes."""

import pytest

from tests.conformance import cases
from tests.conformance_protocol import MANIFEST, READ_ONLY, fault, is_update


@pytest.mark.parametrize("case", cases(MANIFEST))
def test_the_protocol_is_kept(case):
    if is_update(case):
        pytest.skip(READ_ONLY)
    assert fault(case) is None
