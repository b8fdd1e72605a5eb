"""The generated bank: its contract of columns, its codes, its sums, and the planted truth against brute force."""

import csv
import datetime
import itertools
import re
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("numpy")
from benchmarks.generator import AS_OF, Sizes, generate, generate_ownership

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "mappings" / "bank" / "sample"
HEADERS = {
    "enterprise": "id,credit_code,name,legal_form,industry,region,registered_capital,founded,status,address,phone,customer_since,customer_until,account_manager",
    "account_manager": "id,name,branch",
    "person": "id,name",
    "shareholding": "id,holder_enterprise_id,holder_person_id,company_id,capital_percent,voting_percent,from_date,to_date",
    "position": "id,person_id,enterprise_id,post,is_main,from_date,to_date",
    "kinship": "id,person_id,relative_id,kind",
    "agreement": "id,kind,target_id,signed,expires",
    "agreement_party": "agreement_id,party_enterprise_id,party_person_id",
    "rebuttal": "id,party1_enterprise_id,party1_person_id,party2_enterprise_id,party2_person_id,target_id,item,decided,source",
    "account": "id,owner_enterprise_id,owner_person_id,account_number,opened,closed,kind",
    "transfer": "id,payer_account_id,payee_account_id,amount,date,purpose",
    "invoice": "id,seller_id,buyer_id,amount,date,is_void",
    "loan": "id,borrower_id,amount,balance,drawn,due,overdue_days,rating",
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
}


def rows(name: str, folder: Path = SAMPLE) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def truth(name: str, folder: Path = SAMPLE) -> set[tuple[str, ...]]:
    return {tuple(row.values()) for row in rows(f"truth/{name}", folder)}


def is_current(since: str, until: str) -> bool:
    return since <= str(AS_OF) and (not until or until > str(AS_OF))


def party(row: dict[str, str], prefix: str) -> tuple[str, str]:
    enterprise = row[f"{prefix}enterprise_id"]
    return ("enterprise", enterprise) if enterprise else ("person", row[f"{prefix}person_id"])


@pytest.fixture(scope="module")
def several_copies(tmp_path_factory) -> Path:
    """A bank with every pattern three times over, in variants that the sample does not have."""
    folder = tmp_path_factory.mktemp("bank")
    generate(folder, Sizes(**(vars(Sizes.at_scale(0.01)) | {"copies": 3})), seed=11)
    return folder


@pytest.fixture(params=["sample", "several copies"])
def bank(request, several_copies) -> Path:
    return SAMPLE if request.param == "sample" else several_copies


# --- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", HEADERS)
def test_a_table_has_the_agreed_columns_and_between_20_and_200_rows(table):
    lines = (SAMPLE / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == HEADERS[table]
    assert 20 <= len(lines) - 1 <= 200


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


# --- the planted truth against brute force ------------------------------------------------------------------------


def reserved(folder: Path) -> dict[str, set[str]]:
    ids = defaultdict(set)
    for _, kind, first, last in truth("reserved", folder):
        ids[kind] |= {str(number) for number in range(int(first), int(last) + 1)}
    return ids


def current_votes(folder: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Votes by company and holder; nominees, who vote for others, are left out."""
    nominees = {("enterprise", number) for (number,) in truth("nominee", folder)}
    votes = defaultdict(lambda: defaultdict(float))
    for row in rows("shareholding", folder):
        holder = party(row, "holder_")
        if is_current(row["from_date"], row["to_date"]) and holder not in nominees:
            votes[row["company_id"]][holder] += float(row["voting_percent"])
    return votes


def controlled(owner: tuple[str, str], votes: dict, partners: dict | None = None) -> set[str]:
    """Least fixpoint of: more than 50 % with the companies controlled already (and with those in concert over the company)."""
    found, grew = set(), True
    while grew:
        grew = False
        for company, holders in votes.items():
            if company in found:
                continue
            allies = {owner} | {("enterprise", number) for number in found}
            if partners and owner in holders:
                allies |= partners.get((owner, company), set())
            if sum(percent for holder, percent in holders.items() if holder in allies) > 50 + 1e-9:
                found.add(company)
                grew = True
    return found


def all_control(folder: Path) -> set[tuple[str, str, str]]:
    votes, kept = current_votes(folder), reserved(folder)
    owners = {holder for holders in votes.values() for holder in holders if holder[1] in kept[holder[0]]}
    return {(*owner, company) for owner in owners for company in controlled(owner, votes) if owner != ("enterprise", company)}


def test_planted_control_is_the_least_fixpoint_over_the_rows(bank):
    planted = {row[:3] for row in truth("control", bank) if row[3] != "concert"}
    assert planted == all_control(bank)


def test_the_ground_of_control_is_direct_where_an_own_majority_is_held_and_joint_where_no_single_one_is(bank):
    votes = current_votes(bank)
    for kind, owner, company, ground in truth("control", bank):
        if ground == "concert":
            continue
        by = {holder for holder, percent in votes[company].items() if percent > 50}
        mine = {(kind, owner)} | {("enterprise", number) for number in controlled((kind, owner), votes)}
        expected = "direct" if (kind, owner) in by else "indirect" if by & mine else "joint"
        assert ground == expected, (kind, owner, company)


def test_near_misses_are_no_control_even_with_parties_in_concert(bank):
    votes, pairs = current_votes(bank), concert_pairs(bank)
    partners = partners_of(pairs)
    misses = truth("not_control", bank)
    assert {row[3] for row in misses} == {"exactly_50", "circle_only", "expired", "rebutted", "nominee", "votes_below_50"}
    for kind, owner, company, _ in misses:
        assert company not in controlled((kind, owner), votes, partners), (kind, owner, company)


def test_control_by_concert_needs_the_partners(bank):
    votes, partners = current_votes(bank), partners_of(concert_pairs(bank))
    by_concert = {row for row in truth("control", bank) if row[3] == "concert"}
    assert by_concert
    for kind, owner, company, _ in by_concert:
        assert company in controlled((kind, owner), votes, partners)
        assert company not in controlled((kind, owner), votes)


def test_ultimate_controllers_control_and_are_not_controlled(bank):
    control = all_control(bank)
    under_control = {company for *_, company in control}
    tops = {row for row in control if row[0] == "person" or row[1] not in under_control}
    assert truth("ultimate_controller", bank) == tops


def concert_pairs(folder: Path) -> set[tuple]:
    """(party, party, target, item) by agreement and by items 1, 2, 3 and 7, over reserved holders, rebuttals taken out."""
    kept = reserved(folder)
    votes = {company: holders for company, holders in current_votes(folder).items() if company in kept["enterprise"]}
    controls = {((kind, owner), company) for kind, owner, company in all_control(folder)}
    controllers = defaultdict(set)
    for owner, company in controls:
        controllers["enterprise", company].add(owner)
    posts, main = defaultdict(set), defaultdict(set)
    for row in rows("position", folder):
        if is_current(row["from_date"], row["to_date"]):
            holder = ("enterprise", row["enterprise_id"])
            posts[holder].add(row["person_id"])
            if row["is_main"] == "true":
                main[holder].add(row["person_id"])
    parties = defaultdict(set)
    for row in rows("agreement_party", folder):
        parties[row["agreement_id"]].add(party(row, "party_"))
    agreed = {
        (frozenset(pair), row["target_id"]) for row in rows("agreement", folder)
        if row["kind"] == "concerted_action" and is_current(row["signed"], row["expires"])
        for pair in itertools.combinations(parties[row["id"]], 2)
    }  # fmt: skip
    rebutted = {(frozenset((party(row, "party1_"), party(row, "party2_"))), row["target_id"], row["item"]) for row in rows("rebuttal", folder)}

    found = set()
    for target, holders in votes.items():
        for one, other in itertools.combinations(sorted(holders), 2):
            grounds = set()
            if (frozenset((one, other)), target) in agreed:
                grounds.add("agreement")
            if ((one, other[1]) in controls and other[0] == "enterprise") or ((other, one[1]) in controls and one[0] == "enterprise"):
                grounds.add("1")
            if controllers[one] & controllers[other]:
                grounds.add("2")
            if main[one] & posts[other] or posts[one] & main[other]:
                grounds.add("3")
            for person, investor in ((one, other), (other, one)):
                if person[0] == "person" and investor[0] == "enterprise" and current_votes_of(votes, investor, person) >= 30:
                    grounds.add("7")
            found |= {(one, other, target, item) for item in grounds if (frozenset((one, other)), target, item) not in rebutted}
    return found


def current_votes_of(votes: dict, company: tuple[str, str], holder: tuple[str, str]) -> float:
    return votes.get(company[1], {}).get(holder, 0)


def partners_of(pairs: set[tuple]) -> dict:
    partners = defaultdict(set)
    for one, other, target, _ in pairs:
        partners[one, target].add(other)
        partners[other, target].add(one)
    direct = {key: set(value) for key, value in partners.items()}
    for (one, target), others in direct.items():  # what a partner commands comes with him
        for other in others:
            partners[one, target] |= {third for third in direct.get((other, target), ()) if (*sorted((other, third)), target, "1") in pairs}
    return partners


def test_planted_concert_is_what_items_and_agreements_give_over_the_rows(bank):
    flat = {(*one, *other, target, item) for one, other, target, item in concert_pairs(bank)}
    assert truth("concert", bank) == flat


def test_rebutted_and_lapsed_presumptions_are_not_among_the_concerted(bank):
    concerted = {row[:5] for row in truth("concert", bank)}
    assert truth("rebutted", bank)
    for row in truth("rebutted", bank) | truth("not_concert", bank):
        assert row[:5] not in concerted
        assert row[2:4] + row[:2] + row[4:5] not in concerted


def test_the_first_enterprise_pair_is_controlled_through_two_holdings_and_a_concerted_party():
    holders = current_votes(SAMPLE)
    assert holders["2"]["person", "1"] == holders["2"]["person", "2"] == 20
    assert holders["2"]["enterprise", "1"] == 15
    assert holders["1"]["person", "1"] == 60
    assert ("person", "1", "2", "concert") in truth("control")


def test_integrated_ownership_solves_the_equations_of_the_loop(bank):
    """x(company) = own stake + sum over holders of x(holder) * stake: solved by iterating from zero."""
    capital = defaultdict(dict)
    for row in rows("shareholding", bank):
        if is_current(row["from_date"], row["to_date"]):
            capital[row["company_id"]][party(row, "holder_")] = float(row["capital_percent"]) / 100
    for kind, owner, company, integrated, _ in truth("integrated_ownership", bank):
        held: dict[tuple[str, str], float] = {}
        for _ in range(60):
            held = {
                ("enterprise", name): holders.get((kind, owner), 0) + sum(held.get(holder, 0) * share for holder, share in holders.items())
                for name, holders in capital.items()
            }
        assert held["enterprise", company] == pytest.approx(float(integrated), abs=1e-6)


def test_guarantee_circles_are_closed_by_guarantees_in_force_and_the_broken_one_is_not(bank):
    edges = {
        (row["guarantor_enterprise_id"], row["borrower_id"])
        for row in rows("guarantee", bank) if is_current(row["from_date"], row["to_date"])
    }  # fmt: skip
    circles = defaultdict(dict)
    for number, place, enterprise in truth("guarantee_circle", bank):
        circles[number][int(place)] = enterprise
    for members in circles.values():
        ordered = [members[place] for place in sorted(members)]
        assert all(edge in edges for edge in zip(ordered, ordered[1:] + ordered[:1], strict=True))
    broken = [enterprise for enterprise, _ in truth("not_guarantee_circle", bank)]
    reach = {one: {other for start, other in edges if start == one} for one in broken}
    assert not any(one in walk(reach, one) for one in broken)


def walk(edges: dict[str, set[str]], start: str) -> set[str]:
    seen, waiting = set(), list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(edges.get(node, ()))
    return seen


def test_money_loops_close_within_30_days_in_order_of_time(bank):
    transfers = {row["id"]: row for row in rows("transfer", bank)}
    loops = defaultdict(list)
    for number, place, account, transfer, date in truth("money_loop", bank):
        loops[number].append((int(place), account, transfers[transfer], date))
    for loop in loops.values():
        loop.sort(key=lambda step: step[0])
        for (_, account, transfer, date), (_, after, *_) in zip(loop, loop[1:] + loop[:1], strict=True):
            assert (transfer["payer_account_id"], transfer["payee_account_id"], transfer["date"]) == (account, after, date)
        dates = [datetime.date.fromisoformat(step[3]) for step in loop]
        assert dates == sorted(dates)
        assert (dates[-1] - dates[0]).days <= 30
    slow = sorted(row[2] for row in truth("not_money_loop", bank))
    assert (datetime.date.fromisoformat(slow[-1]) - datetime.date.fromisoformat(slow[0])).days > 30


def passed_on(folder: Path) -> set[tuple[str, str, str, str]]:
    """Loans of reserved borrowers of which 90 % or more left in one transfer within 5 days."""
    owner = {row["id"]: row["owner_enterprise_id"] for row in rows("account", folder)}
    outgoing = defaultdict(list)
    for row in rows("transfer", folder):
        outgoing[owner[row["payer_account_id"]]].append(row)
    return {
        (loan["id"], loan["borrower_id"], owner[row["payee_account_id"]], row["id"])
        for loan in rows("loan", folder) if loan["borrower_id"] in reserved(folder)["enterprise"]
        for row in outgoing[loan["borrower_id"]]
        if 0 <= (datetime.date.fromisoformat(row["date"]) - datetime.date.fromisoformat(loan["drawn"])).days <= 5
        and float(row["amount"]) >= 0.9 * float(loan["amount"])
    }  # fmt: skip


def test_loans_passed_on_are_those_of_which_90_percent_left_within_5_days(bank):
    assert {row[:4] for row in truth("passed_on_loan", bank)} == passed_on(bank)


def test_dependents_have_half_or_more_of_their_trade_with_the_other_and_an_exposure_over_5_percent(bank):
    tier1 = float(max(rows("bank_capital", bank), key=lambda row: row["date"])["net_tier1"])
    exposure = defaultdict(float)
    for row in rows("loan", bank):
        exposure[row["borrower_id"]] += float(row["balance"])
    kept = reserved(bank)["enterprise"]
    assert {(number,) for number in kept if exposure[number] > 0.05 * tier1} == truth("tested_for_dependence", bank)
    trade = [row for row in rows("invoice", bank) if row["is_void"] == "false"]
    for dependent, on, ground, _ in truth("dependence", bank):
        mine, theirs = ("seller_id", "buyer_id") if ground == "income" else ("buyer_id", "seller_id")
        amounts = [(float(row["amount"]), row[theirs] == on) for row in trade if row[mine] == dependent]
        assert sum(amount for amount, with_other in amounts if with_other) >= 0.5 * sum(amount for amount, _ in amounts)


def test_net_invoices_leave_out_the_void_and_count_the_negative(bank):
    net = defaultdict(float)
    for row in rows("invoice", bank):
        if row["is_void"] == "false":
            net[row["seller_id"], row["buyer_id"]] += float(row["amount"])
    for seller, buyer, _, amount in truth("supply", bank):
        if amount:
            assert net[seller, buyer] == float(amount)


def test_a_larger_bank_has_corrections_of_negative_amount_and_payments_both_ways(several_copies):
    transfers = rows("transfer", several_copies)
    assert any(float(row["amount"]) < 0 and row["purpose"] == "冲正" for row in transfers)
    assert any(float(row["amount"]) == 0 for row in transfers)
    pairs = {(row["payer_account_id"], row["payee_account_id"]) for row in transfers}
    assert any((payee, payer) in pairs for payer, payee in pairs)
    assert any(row["account_number"].startswith("0") for row in rows("account", several_copies))


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


def test_namesakes_are_two_persons_of_one_name(bank):
    names = {row["id"]: row["name"] for row in rows("person", bank)}
    for one, other in truth("namesake", bank):
        assert one != other
        assert names[one] == names[other]


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
