"""The sample bank's content against the truth that its generator planted: what rule cases and answers cannot say of themselves.

`kg check` holds the rules to their cases and the queries to their answers. These tests hold both to the truth files of
the sample: conclusions about reserved entities are exactly the planted ones, near misses stay out, and each committed
answer contains the planted rows.
"""

import csv
import re
import shutil
from pathlib import Path

import pytest

from api import create_app
from benchmarks.truth import read_kinds
from benchmarks.truth.__main__ import uncompared
from benchmarks.truth.compare import Truth, compare
from kg import KnowledgeGraph, pages
from kg.check import check

ROOT = Path(__file__).parents[1]
TRUTH = ROOT / "mappings" / "bank" / "sample" / "truth"
ID = "https://example.org/bank/id/"


def truth(name: str) -> list[dict[str, str]]:
    with (TRUTH / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def party(row: dict[str, str], role: str) -> str:
    return f"{row[f'{role}_kind']}/{row[f'{role}_id']}"


def enterprise(number: str) -> str:
    return f"enterprise/{number}"


def is_reserved(entity: str) -> bool:
    kind, number = entity.split("/")
    return any(row["kind"] == kind and int(row["first_id"]) <= int(number) <= int(row["last_id"]) for row in truth("reserved"))


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """The sample bank, built in a folder of its own."""
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(ROOT / "kg.toml", folder)
    for name in ("ontology", "mappings", "rules", "measures", "queries", "pages"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    with KnowledgeGraph.open(folder) as graph:
        graph.build()
        yield graph


def found(graph: KnowledgeGraph, pattern: str, *names: str) -> set[tuple[str, ...]]:
    """The bindings of the names as texts, entities by kind and number only."""
    rows = graph.query(f"SELECT DISTINCT {' '.join('?' + name for name in names)} WHERE {{ {pattern} }}")
    return {tuple(term.value.removeprefix(ID) for term in row) for row in rows}


# ── Conclusions ──────────────────────────────────────────────────────────────────────────────────────────────


def test_control_alone_is_exactly_the_planted_control(bank):
    planted = {(party(row, "owner"), enterprise(row["company_id"])) for row in truth("control") if row["ground"] != "concert"}
    concluded = {pair for pair in found(bank, "?party bank:controls ?company", "party", "company") if is_reserved(pair[1])}
    assert concluded == {pair for pair in planted if is_reserved(pair[1])}


def test_parties_in_concert_jointly_control_what_was_planted(bank):
    planted = {(party(row, "owner"), enterprise(row["company_id"])) for row in truth("control") if row["ground"] == "concert"}
    assert planted
    assert planted <= found(bank, "?party bank:jointlyControls ?company", "party", "company")


def test_near_misses_control_neither_alone_nor_jointly(bank):
    near = {(party(row, "owner"), enterprise(row["company_id"])) for row in truth("not_control")}
    assert near
    assert not near & found(bank, "?party bank:hasControlOver ?company", "party", "company")


def test_ultimate_controllers_are_exactly_the_planted_ones(bank):
    planted = {(party(row, "controller"), enterprise(row["company_id"])) for row in truth("ultimate_controller")}
    concluded = {pair for pair in found(bank, "?party bank:ultimatelyControls ?company", "party", "company") if is_reserved(pair[1])}
    assert concluded == {pair for pair in planted if is_reserved(pair[1])}


def concert(graph: KnowledgeGraph) -> set[tuple[str, ...]]:
    rows = found(
        graph,
        "?ground bank:restsOnItem ?item . ?stake ?ground ?other . ?stake bank:hasHolder ?party ; bank:isStakeIn ?target . ?other bank:hasHolder ?partner",
        "party", "partner", "target", "item",
    )  # fmt: skip
    return {(first, second, target, item.rsplit("/", 1)[1]) for first, second, target, item in rows}


def pair_over_target(row: dict[str, str]) -> tuple[str, ...]:
    return party(row, "party1"), party(row, "party2"), enterprise(row["target_id"]), row["item"]


def test_concert_is_exactly_the_planted_concert_in_both_directions(bank):
    planted = {pair_over_target(row) for row in truth("concert")}
    both_ways = planted | {(second, first, target, item) for first, second, target, item in planted}
    assert {row for row in concert(bank) if is_reserved(row[2])} == both_ways


def test_lapsed_rebutted_and_too_small_grounds_give_no_concert(bank):
    near = {pair_over_target(row) for row in truth("not_concert")}
    assert near
    assert not near & concert(bank)


def test_groups_have_the_planted_heads_and_members(bank):
    planted = {(enterprise(row["head_id"]), enterprise(row["member_id"])) for row in truth("group")}
    assert planted <= found(bank, "?group bank:hasHead ?head ; bank:hasMember ?member", "head", "member")


def test_state_siblings_are_in_no_common_group(bank):
    together = found(bank, "?group bank:hasMember ?one , ?other", "one", "other")
    siblings = {(enterprise(row["enterprise1_id"]), enterprise(row["enterprise2_id"])) for row in truth("state_sibling")}
    assert siblings and not siblings & together


def test_connected_clients_are_the_planted_overlapping_groups(bank):
    groups: dict[str, set[str]] = {}
    for group, client in found(bank, "?group bank:hasClient ?client", "group", "client"):
        groups.setdefault(group, set()).add(client)
    planted: dict[str, set[str]] = {}
    for row in truth("connected_group"):
        planted.setdefault(row["group_number"], set()).add(enterprise(row["member_id"]))
    assert planted
    assert all(members in groups.values() for members in planted.values())


def test_suppliers_of_both_tiers_are_upstream_and_buyers_downstream(bank):
    core = enterprise(next(row["customer_id"] for row in truth("prospect") if row["reason"] == "supply"))
    upstream = {(enterprise(row["seller_id"]), core) for row in truth("supply") if enterprise(row["buyer_id"]) == core}
    downstream = {(enterprise(row["buyer_id"]), core) for row in truth("supply") if enterprise(row["seller_id"]) == core}
    assert len(upstream) == 3 and downstream
    assert {pair for pair in found(bank, "?who bank:isUpstreamOf ?core", "who", "core") if pair[1] == core} == upstream
    assert {pair for pair in found(bank, "?who bank:isDownstreamOf ?core", "who", "core") if pair[1] == core} == downstream


KINDS = read_kinds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file.stem)
def test_nothing_planted_is_missed_and_what_is_decided_by_definition_is_exact(bank, kind):
    result = compare(bank, Truth(TRUTH, ID), kind)
    assert result.planted
    assert not result.missed
    if kind.is_by_definition:
        assert not result.wrong


def test_each_file_of_the_truth_is_compared_or_a_plain_fact():
    assert not uncompared(Truth(TRUTH, ID), KINDS)


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────


def answer(name: str) -> list[dict[str, str]]:
    with (ROOT / "queries" / "bank" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [{key: value.removeprefix(ID) for key, value in row.items()} for row in csv.DictReader(file)]


# Query, its columns, truth, its columns (a column of ids with the kind of entity before a slash).
PLANTED = [
    ("bills-within-a-group", "bill", "bill_in_group", "bill/bill_id"),
    ("churn-signals", "customer", "churn_signal", "enterprise/enterprise_id"),
    ("circular-holdings", "holder company", "circular_holding", "enterprise/holder_id enterprise/company_id"),
    ("control-chain", "depth held percent", "chain", "step enterprise/company_id percent"),
    ("dependence", "customer partner ground share", "dependence", "enterprise/dependent_id enterprise/on_id ground share"),
    ("dependence-tests-due", "customer", "tested_for_dependence", "enterprise/enterprise_id"),
    ("family-control", "person company", "family_control", "person/person_id enterprise/company_id"),
    ("guarantee-circles", "member", "guarantee_circle", "enterprise/enterprise_id"),
    ("guarantee-circles", "member", "guarantee_mutual", "enterprise/enterprise1_id"),
    ("guarantors-in-trouble", "guarantor overdueDays", "overdue_guarantor", "enterprise/guarantor_id overdue_days"),
    ("guarantors-of-overdue", "guarantor borrower distance", "guarantee_chain_to_overdue", "enterprise/guarantor_id enterprise/borrower_id hops"),
    ("likely-shells", "company representative", "shell", "enterprise/enterprise_id person/legal_representative_id"),
    ("loans-passed-on", "loan borrower recipient", "passed_on_loan", "loan/loan_id enterprise/borrower_id enterprise/recipient_id"),
    ("namesakes", "one other", "namesake", "person/person1_id person/person2_id"),
    ("prospects", "prospect", "prospect", "enterprise/enterprise_id"),
    ("shared-with-defaulter", "company defaulter", "shared_with_blacklisted", "enterprise/enterprise_id enterprise/blacklisted_id"),
    ("shrinking-enterprises", "company firstHeads lastHeads", "shrinking", "enterprise/enterprise_id heads_first heads_last"),
    ("state-siblings", "one other", "state_sibling", "enterprise/enterprise1_id enterprise/enterprise2_id"),
    ("tied-to-leaver", "customer", "churn_tie", "enterprise/tied_id"),
]  # fmt: skip


def planted_rows(name: str, columns: str) -> set[tuple[str, ...]]:
    spread = [column.rpartition("/") for column in columns.split()]
    return {tuple(f"{kind}{slash}{row[column]}" for kind, slash, column in spread) for row in truth(name)}


@pytest.mark.parametrize(("query", "columns", "planted", "its_columns"), PLANTED, ids=[f"{row[0]}-{row[2]}" for row in PLANTED])
def test_the_answer_contains_what_was_planted(query, columns, planted, its_columns):
    rows = {tuple(row[column] for column in columns.split()) for row in answer(query)}
    expected = planted_rows(planted, its_columns)
    assert expected and expected <= rows


# Answers about reserved entities only: nothing but what was planted.
NEAR_MISSES = [
    ("guarantee-circles", "member", "not_guarantee_circle", "enterprise/enterprise_id"),
    ("loans-passed-on", "loan", "not_passed_on_loan", "loan/loan_id"),
    ("money-loops", "first", "not_money_loop", "transfer/transfer_id"),
]


@pytest.mark.parametrize(("query", "columns", "missed", "its_columns"), NEAR_MISSES, ids=[row[0] for row in NEAR_MISSES])
def test_the_answer_leaves_out_the_planted_near_misses(query, columns, missed, its_columns):
    rows = {tuple(row[column] for column in columns.split()) for row in answer(query)}
    excluded = planted_rows(missed, its_columns)
    assert rows and excluded and not excluded & rows


def test_the_planted_money_loop_is_answered_transfer_by_transfer():
    loop = tuple(f"transfer/{row['transfer_id']}" for row in truth("money_loop") if row["loop_number"] == "1")
    assert loop in {(row["first"], row["second"], row["third"]) for row in answer("money-loops")}


def test_suppliers_and_buyers_have_the_planted_net_amounts():
    amounts = {(row["role"], row["partner"]): float(row["net"]) for row in answer("trading-partners")}
    core = next(row["customer_id"] for row in truth("prospect") if row["reason"] == "supply")
    for row in (row for row in truth("supply") if row["tier"] == "1"):
        if row["buyer_id"] == core:
            assert amounts["supplier", enterprise(row["seller_id"])] == float(row["net_invoiced"])
        elif row["seller_id"] == core:
            assert amounts["buyer", enterprise(row["buyer_id"])] == float(row["net_invoiced"])


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────


def rule_texts() -> list[str]:
    return [text for file in sorted((ROOT / "rules" / "bank").glob("*.srl")) for text in file.read_text("utf-8").split("\n\n") if "RULE " in text]


@pytest.mark.parametrize("text", rule_texts(), ids=lambda text: re.search(r"RULE (\S+)", text)[1])
def test_a_rule_speaks_two_languages_with_variables_that_it_binds(text):
    sentences = re.findall(r"#\+ says(?:@zh)?: (.*)", text)
    body = text[text.index("RULE ") :]
    assert len(sentences) == 2
    for sentence in sentences:
        assert {f"?{name}" for name in re.findall(r"\{(\w+)\}", sentence)} <= set(re.findall(r"\?\w+", body))


@pytest.mark.parametrize("text", rule_texts(), ids=lambda text: re.search(r"RULE (\S+)", text)[1])
def test_a_rule_compares_with_parameters_and_not_with_numbers(text):
    body = re.sub(r"> 0\b", "", text[text.index("WHERE") :])  # more than nothing is no threshold
    assert not re.search(r"[<>=]\s*\d|\d\s*[<>=]", body)


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_integrated_ownership_is_the_planted_one_where_holdings_run_in_circles(bank):
    found = {
        (owner, company): (integrated, accumulated)
        for owner, company, integrated, accumulated in found_numbers(
            bank, "?x bank:isStakeOf ?owner ; bank:isPartOf ?company ; bank:hasIntegratedPercent ?all ; bank:hasAccumulatedPercent ?paths",
            "owner", "company", "all", "paths",
        )
    }  # fmt: skip
    planted = truth("integrated_ownership")
    assert planted
    for row in planted:
        integrated, accumulated = found[party(row, "owner"), enterprise(row["company_id"])]
        assert float(integrated) == pytest.approx(100 * float(row["integrated"]), abs=1e-3)
        assert float(accumulated) == pytest.approx(100 * float(row["accumulated"]), abs=1e-3)


def found_numbers(graph: KnowledgeGraph, pattern: str, *names: str) -> list[tuple[str, ...]]:
    rows = graph.query(f"SELECT {' '.join('?' + name for name in names)} WHERE {{ {pattern} }}")
    return [tuple(term.value.removeprefix(ID) for term in row) for row in rows]


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("thing", ["enterprise:2", "enterprise:260", "enterprise:94"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_show_their_cards_without_a_fault(bank, thing, language):
    client = create_app(bank).test_client()
    for page in pages.load(bank.project):
        answer = client.get(f"/pages/{page.key}?lang={language}" + (f"&thing={thing}" if page.parameter else ""), headers={"Accept": "text/html"})
        assert answer.status_code == 200 and 'class="problem"' not in answer.text, page.key
        assert answer.text.count("<article") == sum(len(section.cards) for section in page.sections)


def test_every_saved_query_gives_its_answer_and_every_page_stands(bank):
    outcomes = list(check(bank, [ROOT / "queries", ROOT / "pages"]))
    assert {outcome.kind for outcome in outcomes} >= {"query", "page"}
    assert [(outcome.name, outcome.faults[:3]) for outcome in outcomes if outcome.faults] == []
