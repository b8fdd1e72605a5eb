"""The generated bank: its contract of columns, its codes and sums, the order of time, one seed one bank."""

import datetime
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("numpy")
from benchmarks.generator import Sizes, generate, generate_ownership
from tests.generated_bank import BANKS, SAMPLE, controlled, current_votes, is_current, party, rows, several_copies

HEADERS = {
    "enterprise": "id,credit_code,name,legal_form,industry,region,registered_capital,founded,status,address,phone,customer_since,customer_until,account_manager",
    "account_manager": "id,name,branch",
    "person": "id,name",
    "shareholding": "id,holder_enterprise_id,holder_person_id,company_id,capital_percent,voting_percent,from_date,to_date",
    "position": "id,person_id,enterprise_id,post,is_main,from_date,to_date,nominator_enterprise_id,nominator_person_id",
    "kinship": "id,person_id,relative_id,kind",
    "agreement": "id,kind,target_id,signed,expires",
    "agreement_party": "agreement_id,party_enterprise_id,party_person_id",
    "rebuttal": "id,party1_enterprise_id,party1_person_id,party2_enterprise_id,party2_person_id,target_id,item,decided,source",
    "account": "id,owner_enterprise_id,owner_person_id,account_number,opened,closed,kind",
    "transfer": "id,payer_account_id,payee_account_id,amount,date,purpose",
    "invoice": "id,seller_id,buyer_id,amount,date,is_void",
    "loan": "id,borrower_id,amount,balance,drawn,due,overdue_days,rating,repayment_source_id,repayment_kind",
    "guarantee": "id,guarantor_enterprise_id,guarantor_person_id,borrower_id,loan_id,amount,from_date,to_date",
    "bill": "id,drawer_id,acceptor_id,discounter_id,amount,issued,due",
    "product": "id,code,name,category,risk_level",
    "holding": "id,customer_id,product_id,from_date,to_date,balance",
    "social_insurance": "id,enterprise_id,month,heads,amount",
    "housing_fund": "id,enterprise_id,month,heads,amount",
    "government_record": "id,enterprise_id,kind,date,amount,text",
    "service_event": "id,enterprise_id,kind,date,text",
    "campaign": "id,name,from_date,to_date",
    "contact": "id,campaign_id,enterprise_id,date,outcome",
    "lead": "id,enterprise_id,account_manager_id,created,status,outcome",
    "bank_capital": "id,date,net_tier1",
    "funding": "id,recipient_id,funder_id,amount,from_date,to_date,is_replaceable",
    "dependence_finding": "id,dependent_id,on_id,ground,verdict,decided,source",
    "shareholder_meeting": "id,company_id,date,votes_present",
}
PLANTED_ONLY = {"funding", "dependence_finding", "shareholder_meeting"}


@pytest.fixture(params=BANKS)
def bank(request) -> Path:
    return BANKS[request.param]()


@pytest.mark.parametrize("table", HEADERS)
def test_a_table_has_the_agreed_columns_and_between_20_and_500_rows_or_only_planted_ones(table):
    lines = (SAMPLE / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == HEADERS[table]
    assert (1 if table in PLANTED_ONLY else 20) <= len(lines) - 1 <= 500


def test_the_committed_sample_is_what_the_generator_writes(tmp_path):
    generate(tmp_path, Sizes.sample(), seed=7)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.csv")}
    committed = {path.relative_to(SAMPLE): path.read_bytes() for path in SAMPLE.rglob("*.csv")}
    assert written.keys() == committed.keys()
    assert [str(path) for path in written if written[path] != committed[path]] == []


def test_another_seed_makes_another_bank(tmp_path):
    generate(tmp_path, Sizes.sample(), seed=8)
    assert (tmp_path / "transfer.csv").read_bytes() != (SAMPLE / "transfer.csv").read_bytes()


FORMATS = {
    "id": r"[1-9]\d*", "amount": r"-?\d+\.\d\d", "percent": r"\d+(\.\d{0,3}[1-9])?", "date": r"\d{4}-\d\d-\d\d", "flag": "true|false",
}  # fmt: skip
FORMAT_OF = {
    "id": "id", "amount": "amount", "balance": "amount", "net_tier1": "amount", "registered_capital": "amount",
    "capital_percent": "percent", "voting_percent": "percent", "is_main": "flag", "is_void": "flag", "founded": "date", "customer_since": "date",
    "customer_until": "date", "from_date": "date", "to_date": "date", "signed": "date", "expires": "date", "decided": "date", "opened": "date",
    "closed": "date", "date": "date", "drawn": "date", "due": "date", "issued": "date", "month": "date", "created": "date",
}  # fmt: skip


@pytest.mark.parametrize("table", HEADERS)
def test_values_have_the_agreed_form_and_ids_are_unique(table, bank):
    table_rows = rows(table, bank)
    for row in table_rows:
        for column, value in row.items():
            form = FORMATS["id"] if column.endswith("_id") else FORMATS.get(FORMAT_OF.get(column, ""), ".*")
            assert value == "" or re.fullmatch(form, value), (column, row)
            if value and FORMAT_OF.get(column) == "date":
                datetime.date.fromisoformat(value)
    if "id" in table_rows[0]:
        assert len({row["id"] for row in table_rows}) == len(table_rows)


REFERENCES = {
    "enterprise": "holder_enterprise_id company_id enterprise_id target_id party_enterprise_id party1_enterprise_id party2_enterprise_id "
    "owner_enterprise_id seller_id buyer_id borrower_id guarantor_enterprise_id drawer_id acceptor_id discounter_id customer_id",
    "person": "holder_person_id person_id relative_id party_person_id party1_person_id party2_person_id owner_person_id guarantor_person_id",
    "account": "payer_account_id payee_account_id", "loan": "loan_id", "product": "product_id", "campaign": "campaign_id",
    "agreement": "agreement_id", "account_manager": "account_manager account_manager_id",
}  # fmt: skip


def test_every_reference_leads_to_a_row(bank):
    referred = {column: table for table, columns in REFERENCES.items() for column in columns.split()}
    ids = {table: {row["id"] for row in rows(table, bank)} for table in REFERENCES}
    for table in HEADERS:
        for row in rows(table, bank):
            lost = {column: row[column] for column in referred.keys() & row.keys() if row[column] and row[column] not in ids[referred[column]]}
            assert not lost, (table, row)


def test_a_shareholding_has_one_holder_who_is_not_the_company_and_companies_have_at_most_100_percent(bank):
    capital, votes = defaultdict(float), defaultdict(float)
    for row in rows("shareholding", bank):
        assert bool(row["holder_enterprise_id"]) != bool(row["holder_person_id"])
        assert row["holder_enterprise_id"] != row["company_id"]
        if is_current(row["from_date"], row["to_date"]):
            capital[row["company_id"]] += float(row["capital_percent"])
            votes[row["company_id"]] += float(row["voting_percent"])
    assert max(capital.values()) < 100.00005
    assert max(votes.values()) < 100.00005


def test_credit_codes_are_distinct_and_carry_both_check_characters(bank):
    alphabet, wide = "0123456789ABCDEFGHJKLMNPQRTUWXY", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = [row["credit_code"] for row in rows("enterprise", bank)]
    assert len(set(codes)) == len(codes)
    for code in codes:
        total = sum(alphabet.index(char) * weight for char, weight in zip(code, (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28), strict=False))
        assert alphabet.index(code[17]) == (31 - total % 31) % 31, code
        remainder = 11 - sum(wide.index(char) * weight for char, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        assert code[16] == {10: "X", 11: "0"}.get(remainder, str(remainder)), code


def test_the_check_characters_of_published_codes_are_found():
    """Well-known enterprises, whose codes were not made by this generator."""
    import numpy as np

    from benchmarks.generator.codes import credit_check, organisation_check

    for code in ("91440300708461136T", "914403001922038216", "91110000802100433B"):
        letters = np.frombuffer(code.encode(), np.uint8)[None, :]
        assert chr(organisation_check(letters[:, 8:16])[0]) == code[16]
        assert chr(credit_check(letters[:, :17])[0]) == code[17]


def test_a_larger_bank_has_corrections_of_negative_amount_and_payments_both_ways():
    transfers = rows("transfer", several_copies())
    assert any(float(row["amount"]) < 0 and row["purpose"] == "冲正" for row in transfers)
    assert any(float(row["amount"]) == 0 for row in transfers)
    pairs = {(row["payer_account_id"], row["payee_account_id"]) for row in transfers}
    assert any((payee, payer) in pairs for payer, payee in pairs)
    assert any(row["account_number"].startswith("0") for row in rows("account", several_copies()))


def test_rows_keep_the_order_of_time(bank):
    """No stake before the company's founding, no transfer outside the life of its accounts, no loan before the customer."""
    enterprise = {row["id"]: row for row in rows("enterprise", bank)}
    account = {row["id"]: row for row in rows("account", bank)}
    never = "9999-12-31"
    for row in rows("shareholding", bank):
        assert enterprise[row["company_id"]]["founded"] <= row["from_date"] < (row["to_date"] or never), row
    for row in rows("transfer", bank):
        for end in ("payer_account_id", "payee_account_id"):
            assert account[row[end]]["opened"] <= row["date"] <= (account[row[end]]["closed"] or never), row
    for row in rows("loan", bank):
        borrower = enterprise[row["borrower_id"]]
        assert borrower["founded"] <= borrower["customer_since"] <= row["drawn"] <= (borrower["customer_until"] or never), row


def test_one_person_companies_have_one_current_holder_of_the_right_kind(bank):
    holders = current_votes(bank)
    for row in rows("enterprise", bank):
        if row["legal_form"] in ("1151", "1152"):
            kinds = [kind for kind, _ in holders[row["id"]]]
            assert kinds == ["person" if row["legal_form"] == "1151" else "enterprise"], row


def test_ownership_alone_has_the_asked_size_and_joint_majorities(tmp_path):
    generate_ownership(tmp_path, companies=1_000, stakes=3_000, seed=3)
    stakes = rows("shareholding", tmp_path)
    assert (len(stakes), len(rows("enterprise", tmp_path)), len(rows("person", tmp_path))) == (3_000, 1_000, 2_000)
    assert list(stakes[0]) == HEADERS["shareholding"].split(",")
    votes = defaultdict(lambda: defaultdict(float))
    for row in stakes:
        votes[row["company_id"]][party(row, "holder_")] += float(row["voting_percent"])
    assert max(sum(holders.values()) for holders in votes.values()) < 100.00005
    assert {"1", "2", "3", "4"} <= controlled(("person", "1"), votes)
    assert not any(votes[company].get(("person", "1"), 0) > 50 for company in "234")


def test_the_command_prints_the_rows_of_each_file_and_refuses_a_scale_without_room_for_the_patterns(tmp_path):
    command = [sys.executable, "-m", "benchmarks.generator", "--out", str(tmp_path), "--scale"]
    done = subprocess.run([*command, "0.002"], capture_output=True, text=True, check=True)
    printed = dict(line.split()[:2] for line in done.stdout.splitlines()[1:-1])
    assert printed["transfer.csv"] == "2,000"
    assert {f"{table}.csv" for table in HEADERS} <= printed.keys()
    refused = subprocess.run([*command, "0.0001"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--scale must be at least 0.001" in refused.stderr
