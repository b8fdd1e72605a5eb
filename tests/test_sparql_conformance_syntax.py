"""The syntax cases of the public suites: what must parse parses, what must not is refused with a place."""

from __future__ import annotations

import pytest

from kg.errors import KgError
from kg.sparql.parser import parse_query, parse_rules, parse_update
from tests.conformance import Case, cases, read

QUERY_MANIFEST = "sparql11/manifest-sparql11-query.ttl"
FEDERATION_MANIFEST = "sparql11/syntax-fed/manifest.ttl"
POSITIVE, NEGATIVE = "PositiveSyntaxTest11", "NegativeSyntaxTest11"


@pytest.mark.parametrize("case", cases(QUERY_MANIFEST, POSITIVE) + cases(FEDERATION_MANIFEST, POSITIVE))
def test_a_valid_query_is_accepted(case: Case) -> None:
    parse_query(read(case.action), base=case.action.as_uri())


@pytest.mark.parametrize("case", cases(QUERY_MANIFEST, NEGATIVE))
def test_an_invalid_query_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(KgError) as caught:
        parse_query(read(case.action), base=case.action.as_uri())
    assert caught.value.code.startswith("Q1")
    assert caught.value.location.line_text is not None


EVALUATION = cases("sparql11/manifest-all.ttl", "QueryEvaluationTest", "CSVResultFormatTest")


@pytest.mark.parametrize("case", EVALUATION)
def test_every_query_that_is_to_be_evaluated_parses(case: Case) -> None:
    query = case.action["query"][0]
    parse_query(read(query), base=query.as_uri())


# ── Update ───────────────────────────────────────────────────────────────────────────────────────────────────

UPDATE_MANIFEST = "sparql11/manifest-sparql11-update.ttl"


@pytest.mark.parametrize("case", cases(UPDATE_MANIFEST, "PositiveUpdateSyntaxTest11"))
def test_a_valid_update_is_accepted(case: Case) -> None:
    parse_update(read(case.action), base=case.action.as_uri())


@pytest.mark.parametrize("case", cases(UPDATE_MANIFEST, "NegativeUpdateSyntaxTest11"))
def test_an_invalid_update_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(KgError) as caught:
        parse_update(read(case.action), base=case.action.as_uri())
    assert caught.value.code.startswith("Q1")
    assert caught.value.location.line is not None


@pytest.mark.parametrize("case", cases(UPDATE_MANIFEST, "UpdateEvaluationTest"))
def test_every_update_that_is_to_be_run_parses(case: Case) -> None:
    request = case.action["request"][0]
    assert parse_update(read(request), base=request.as_uri()).operations


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────

RULES_MANIFEST = "sparql-rl/manifest-sparql-rl.ttl"
PARSED_ONLY = (
    "RulesPositiveSyntaxTest",
    *(f"Rules{sign}{check}Test" for sign in ("Positive", "Negative") for check in ("WellFormedness", "Stratification")),
)


@pytest.mark.parametrize("case", cases(RULES_MANIFEST, *PARSED_ONLY))
def test_a_valid_rule_set_is_accepted(case: Case) -> None:
    parse_rules(read(case.action), base=case.action.as_uri())


@pytest.mark.parametrize("case", cases(RULES_MANIFEST, "RulesNegativeSyntaxTest"))
def test_an_invalid_rule_set_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(KgError) as caught:
        parse_rules(read(case.action), base=case.action.as_uri())
    assert caught.value.code.startswith("R1")
    assert caught.value.location.line is not None


@pytest.mark.parametrize("case", cases(RULES_MANIFEST, "RulesEvalTest"))
def test_every_rule_set_that_is_to_be_run_parses(case: Case) -> None:
    ruleset = case.action["ruleset"][0]
    assert parse_rules(read(ruleset), base=ruleset.as_uri())
