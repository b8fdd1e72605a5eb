"""The W3C suite of the SPARQL 1.1 Graph Store HTTP Protocol."""

import pytest

from tests.conformance import cases
from tests.conformance_graph_store import MANIFEST, fault


@pytest.mark.parametrize("case", cases(MANIFEST))
def test_the_graph_store_protocol_is_kept(case):
    assert fault(case) is None
