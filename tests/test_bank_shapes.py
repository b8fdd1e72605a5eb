"""The bank's shapes on hand-made faults: each is found, by its shape; data without faults conforms."""

from pathlib import Path

import pytest
from pyoxigraph import BlankNode, RdfFormat, parse, serialize

from kg.shapes import load_shapes, validate
from kg.store import Store, documents

ROOT = Path(__file__).parents[1]
SHAPES = load_shapes(sorted((ROOT / "rules/bank/shapes").glob("*.ttl")))
PREFIXES = """@prefix bank: <https://example.org/bank/ontology/> .
@prefix code: <https://example.org/bank/code/> .
@prefix core: <https://example.org/core/ontology/> .
@prefix id: <https://example.org/bank/id/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ENTERPRISE = """a bank:Enterprise ; bank:hasStatus <https://example.org/bank/code/status/active> ; rdfs:label "有限公司" """
PARTIES = f"id:a {ENTERPRISE} . id:b {ENTERPRISE} . id:p a bank:Person ; rdfs:label '李雪梅' . "


@pytest.fixture(scope="module")
def store():
    files = [*sorted((ROOT / "ontology/core").glob("*.ttl")), *sorted((ROOT / "ontology/bank").rglob("*.ttl"))]
    triples = [quad.triple for path in files for quad in parse(path.read_bytes(), format=RdfFormat.TURTLE)]
    with Store.memory() as store:
        documents.load(store, serialize(triples, format=RdfFormat.N_TRIPLES), format="nt", graph="urn:ontology")
        yield store


@pytest.fixture
def found_in(store):
    """The names of the shapes that some data violate; each piece of data has a graph of its own."""

    def run(data: str) -> set[str]:
        graph = f"urn:data:{hash(data)}"
        documents.load(store, (PREFIXES + data).encode(), format="ttl", graph=graph)
        report = validate(store, SHAPES, graphs=["urn:ontology", graph])
        return {"anonymous" if isinstance(one.source_shape, BlankNode) else one.source_shape.value.rpartition("/")[2] for one in report.results}

    return run


def stake(holder, company, percent, name="id:s"):
    return f"{name} a bank:Shareholding ; bank:hasHolder {holder} ; bank:isStakeIn {company} ; bank:hasCapitalPercent {percent} ; bank:hasVotingPercent {percent} ; core:isInForceOn '2026-06-30'^^xsd:date . "


def test_data_without_faults_conforms(found_in):
    assert found_in(PARTIES + stake("id:a", "id:b", "60.0") + stake("id:p", "id:b", "40.0", "id:t") + "id:a bank:hasCreditCode '913205004006880276' .") == set()


FAULTS = {
    "a check character that is wrong": (f"id:a {ENTERPRISE} ; bank:hasCreditCode '913205004006880277' .", {"enterprise"}),
    "a code with a letter that the standard leaves out": (f"id:a {ENTERPRISE} ; bank:hasCreditCode '91320500MA1XN2KTO5' .", {"credit-code", "enterprise"}),
    "a code that is too short": (f"id:a {ENTERPRISE} ; bank:hasCreditCode '91320500' .", {"credit-code"}),
    "no name": ("id:a a bank:Enterprise ; bank:hasStatus <https://example.org/bank/code/status/active> .", {"enterprise-name"}),
    "a status that no code list has": ("id:a a bank:Enterprise ; rdfs:label '有限公司' ; bank:hasStatus id:gone .", {"enterprise-status"}),
    "an account manager that nobody knows": (f"id:a {ENTERPRISE} ; bank:isLookedAfterBy id:nobody .", {"account-manager"}),
    "a customer that left before it came": (
        f"id:a {ENTERPRISE} ; bank:isCustomerSince '2020-01-02'^^xsd:date ; bank:isCustomerUntil '2020-01-01'^^xsd:date .", {"customer-since"},
    ),
    "a foundation in the future": (f"id:a {ENTERPRISE} ; bank:isFoundedOn '2030-01-01'^^xsd:date .", {"enterprise"}),
    "negative capital": (f"id:a {ENTERPRISE} ; bank:hasRegisteredCapital -1.0 .", {"registered-capital"}),
    "stakes of more than the whole": (PARTIES + stake("id:a", "id:b", "60.0") + stake("id:p", "id:b", "40.1", "id:t"), {"shares-of-enterprise"}),
    "a percentage above 100": (PARTIES + stake("id:a", "id:b", "101.0"), {"capital-percent", "voting-percent", "shares-of-enterprise"}),
    "shares of itself": (PARTIES + stake("id:b", "id:b", "10.0"), {"shareholding"}),
    "a holder that nobody knows": (PARTIES + stake("id:x", "id:b", "10.0"), {"holder"}),
    "days in the wrong order": ("id:d core:isValidFrom '2024-02-01'^^xsd:date ; core:isValidTo '2024-01-01'^^xsd:date .", {"valid-from"}),
    "an event to come": ("id:e core:happensOn '2027-01-01'^^xsd:date .", {"event"}),
    "a loan without borrower": ("id:l a bank:Loan ; core:hasAmount 1.0 ; bank:isDrawnOn '2024-01-01'^^xsd:date .", {"borrower"}),
    "a balance above the amount": (
        PARTIES + "id:l a bank:Loan ; bank:hasBorrower id:a ; core:hasAmount 1.0 ; core:hasBalance 2.0 ; bank:isDrawnOn '2024-01-01'^^xsd:date .", {"balance"},
    ),
    "a guarantee to oneself": (PARTIES + "id:g a bank:Guarantee ; bank:hasGuarantor id:a ; bank:isForDebtOf id:a ; core:hasAmount 1.0 .", {"guarantor"}),
    "a guarantee for the loan of another": (
        PARTIES + "id:l a bank:Loan ; bank:hasBorrower id:p ; core:hasAmount 1.0 ; bank:isDrawnOn '2024-01-01'^^xsd:date ."
        "id:g a bank:Guarantee ; bank:hasGuarantor id:a ; bank:isForDebtOf id:b ; bank:securesLoan id:l ; core:hasAmount 1.0 .", {"guarantee"},
    ),
    "two legal representatives": (
        PARTIES + "".join(
            f"id:o{n} a bank:Position ; bank:isFilledBy id:p ; bank:isPositionIn id:a ; core:isInForceOn '2026-06-30'^^xsd:date ; "
            "bank:hasPost <https://example.org/bank/code/post/legal_representative> . " for n in (1, 2)
        ), {"one-legal-representative"},
    ),
    "a payment to oneself": (
        PARTIES + "id:k a bank:Account ; bank:isOwnedBy id:a ; bank:hasAccountNumber '0032000000000077' ."
        "id:t a bank:Transfer ; bank:hasPayer id:k ; bank:hasPayee id:k ; core:hasAmount 1.0 .", {"payer"},
    ),
    "a payment of nothing": (
        PARTIES + "id:k a bank:Account ; bank:isOwnedBy id:a ; bank:hasAccountNumber '0032000000000077' . id:m a bank:Account ; bank:isOwnedBy id:b ; "
        "bank:hasAccountNumber '0032000000000078' . id:t a bank:Transfer ; bank:hasPayer id:k ; bank:hasPayee id:m ; core:hasAmount 0.00 .",
        {"payment-of-nothing"},
    ),
    "a code without Chinese label": ("id:c a skos:Concept ; rdfs:label 'new'@en ; skos:inScheme <https://example.org/bank/code/post> .", {"anonymous"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found_by_its_shape(found_in, fault):
    data, shapes = FAULTS[fault]
    assert found_in(data) == shapes


def test_every_message_is_in_english_and_in_chinese():
    for shape in SHAPES.shapes.values():
        for messages in (shape.messages, *(one.messages for one in shape.constraints if hasattr(one, "messages"))):
            assert {one.language for one in messages} in (set(), {"en", "zh"}), shape.name
