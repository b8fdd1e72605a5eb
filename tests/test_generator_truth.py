"""The planted truth of the generated bank against brute force over its rows."""

import datetime
import itertools
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("numpy")
from tests.generated_bank import BANKS, SAMPLE, controlled, current_votes, is_current, party, rows, truth


@pytest.fixture(params=BANKS)
def bank(request) -> Path:
    return BANKS[request.param]()


def reserved(folder: Path) -> dict[str, set[str]]:
    ids = defaultdict(set)
    for _, kind, first, last in truth("reserved", folder):
        ids[kind] |= {str(number) for number in range(int(first), int(last) + 1)}
    return ids


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
    """(party, party, target, item) by agreement and by all items, over reserved holders, rebuttals taken out."""
    kept = reserved(folder)
    votes = {company: holders for company, holders in current_votes(folder).items() if company in kept["enterprise"]}
    controls = {((kind, owner), company) for kind, owner, company in all_control(folder)}
    controllers = defaultdict(set)
    for owner, company in controls:
        controllers["enterprise", company].add(owner)
    posts, main, jobs, nominated = defaultdict(set), defaultdict(set), defaultdict(set), set()
    for row in rows("position", folder):
        if is_current(row["from_date"], row["to_date"]):
            holder = ("enterprise", row["enterprise_id"])
            jobs[holder].add(row["person_id"])
            if row["post"] == "manager":
                continue
            posts[holder].add(row["person_id"])
            if row["post"] in ("chairman", "director") and (row["nominator_enterprise_id"] or row["nominator_person_id"]):
                nominated.add((party(row, "nominator_"), holder))
            if row["is_main"] == "true":
                main[holder].add(row["person_id"])
    parties = defaultdict(set)
    for row in rows("agreement_party", folder):
        parties[row["agreement_id"]].add(party(row, "party_"))
    agreed = {
        (frozenset(pair), row["target_id"], row["kind"]) for row in rows("agreement", folder) if is_current(row["signed"], row["expires"])
        for pair in itertools.combinations(parties[row["id"]], 2)
    }  # fmt: skip
    kin = defaultdict(set)
    for row in rows("kinship", folder):
        kin[row["person_id"]].add(row["relative_id"])
        kin[row["relative_id"]].add(row["person_id"])
    firms = defaultdict(set)
    for owner, company in controls:
        firms[owner].add(("enterprise", company))

    def circle(person: str) -> set[tuple[str, str]]:
        people = {("person", person)} | {("person", relative) for relative in kin[person]}
        return people | {firm for member in people for firm in firms[member]}

    rebutted = {(frozenset((party(row, "party1_"), party(row, "party2_"))), row["target_id"], row["item"]) for row in rows("rebuttal", folder)}

    found = set()
    for target, holders in votes.items():
        for one, other in itertools.combinations(sorted(holders), 2):
            grounds = set()
            pair = frozenset((one, other))
            grounds |= {item for kind, item in (("concerted_action", "agreement"), ("purchase_financing", "5"), ("other_association", "12")) if (pair, target, kind) in agreed}
            if any(both == pair and kind in ("partnership", "joint_venture") for both, _, kind in agreed):
                grounds.add("6")
            if any({one, other} <= circle(leader) for leader in posts["enterprise", target]):
                grounds.add("10")
            if ((one, other[1]) in controls and other[0] == "enterprise") or ((other, one[1]) in controls and one[0] == "enterprise"):
                grounds.add("1")
            if controllers[one] & controllers[other]:
                grounds.add("2")
            if main[one] & posts[other] or posts[one] & main[other]:
                grounds.add("3")
            for person, investor in ((one, other), (other, one)):
                if investor[0] != "enterprise":
                    continue
                is_controlled = (person, investor[1]) in controls
                if (current_votes_of(votes, investor, person) >= 20 or (person, investor) in nominated) and not is_controlled:
                    grounds.add("4")
                if person[0] != "person":
                    continue
                owners = {holder[1] for holder, percent in votes.get(investor[1], {}).items() if holder[0] == "person" and percent >= 30}
                if person[1] in owners:
                    grounds.add("7")
                if person[1] in posts[investor]:
                    grounds.add("8")
                if kin[person[1]] & (owners | posts[investor]):
                    grounds.add("9")
                if person[1] in jobs["enterprise", target] and is_controlled:
                    grounds.add("11")
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
    kept, owner = reserved(folder)["enterprise"], {row["id"]: row["owner_enterprise_id"] for row in rows("account", folder)}
    outgoing = defaultdict(list)
    for row in rows("transfer", folder):
        outgoing[owner[row["payer_account_id"]]].append(row)
    return {
        (loan["id"], loan["borrower_id"], owner[row["payee_account_id"]], row["id"])
        for loan in rows("loan", folder) if loan["borrower_id"] in kept
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
    by_trade = [row for row in truth("dependence", bank) if row[2] in ("income", "expenditure")]
    assert by_trade
    for dependent, on, ground, _ in by_trade:
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


def test_namesakes_are_two_persons_of_one_name(bank):
    names = {row["id"]: row["name"] for row in rows("person", bank)}
    for one, other in truth("namesake", bank):
        assert one != other
        assert names[one] == names[other]


def test_overdue_loans_of_reserved_borrowers_are_those_planted(bank):
    kept = reserved(bank)["enterprise"]
    overdue = {(row["borrower_id"], row["overdue_days"]) for row in rows("loan", bank) if row["borrower_id"] in kept and row["overdue_days"] != "0"}
    assert truth("overdue", bank) == overdue
    guaranteed = {(row["guarantor_enterprise_id"], row["borrower_id"]) for row in rows("guarantee", bank)}
    days = dict(overdue)
    assert truth("overdue_guarantor", bank) == {(one, other, days[one]) for one, other in guaranteed if one in days}


def test_signals_of_churn_are_in_the_rows(bank):
    signals = defaultdict(set)
    for enterprise, signal in truth("churn_signal", bank):
        signals[enterprise].add(signal)
    accounts = {row["id"]: row for row in rows("account", bank)}
    assert signals
    for enterprise, shown in signals.items():
        mine = {number for number, row in accounts.items() if row["owner_enterprise_id"] == enterprise}
        found = {"closed_account"} if any(accounts[number]["closed"] for number in mine) else set()
        transfers = rows("transfer", bank)
        wages = [row["date"] for row in transfers if row["payer_account_id"] in mine and row["purpose"] == "工资"]
        if wages and max(wages) < "2026-04-01":
            found.add("payroll_stopped")
        receipts = [float(row["amount"]) for row in sorted(transfers, key=lambda row: row["date"]) if row["payee_account_id"] in mine]
        if len(receipts) > 3 and receipts == sorted(receipts, reverse=True) and receipts[-1] < receipts[0] / 2:
            found.add("falling_receipts")
        assert shown == found


def test_those_who_left_have_an_end_and_a_tie_and_shrinking_firms_lost_heads(bank):
    until = {row["id"]: row["customer_until"] for row in rows("enterprise", bank)}
    assert all(until[enterprise] == day for enterprise, day in truth("churned", bank))
    assert {left for left, *_ in truth("churn_tie", bank)} == {enterprise for enterprise, _ in truth("churned", bank)}
    heads = defaultdict(dict)
    for row in rows("social_insurance", bank):
        heads[row["enterprise_id"]][row["month"]] = row["heads"]
    for enterprise, first, last in truth("shrinking", bank):
        series = heads[enterprise]
        assert (len(series), series[min(series)], series[max(series)]) == (24, first, last)
        assert int(last) < int(first) / 2


def test_firms_share_address_phone_or_legal_representative_with_a_blacklisted_one_as_planted(bank):
    firms = {row["id"]: row for row in rows("enterprise", bank)}
    represents = defaultdict(set)
    for row in rows("position", bank):
        if row["post"] == "legal_representative" and not row["to_date"]:
            represents[row["enterprise_id"]].add(row["person_id"])
    kept = reserved(bank)["enterprise"]
    listed = {row["enterprise_id"] for row in rows("government_record", bank) if row["kind"] == "court_enforcement"} & kept
    found = set()
    for bad in listed:
        for other in kept - {bad}:
            found |= {(other, bad, what) for what in ("address", "phone") if firms[other][what] == firms[bad][what]}
            if represents[other] & represents[bad]:
                found.add((other, bad, "legal_representative"))
    assert truth("shared_with_blacklisted", bank) == found


# ── Dependence, takeovers, blocked parties, beneficial owners, warnings ──────────────────────────────────────────


def money(row: dict[str, str], column: str = "amount") -> float:
    return float(row[column])


def capital_stakes(folder: Path) -> dict[str, dict[tuple[str, str], float]]:
    """Capital in force by company and holder, in percent; nominees are left out."""
    nominees = {("enterprise", number) for (number,) in truth("nominee", folder)}
    held = defaultdict(lambda: defaultdict(float))
    for row in rows("shareholding", folder):
        holder = party(row, "holder_")
        if is_current(row["from_date"], row["to_date"]) and holder not in nominees:
            held[row["company_id"]][holder] += float(row["capital_percent"])
    return held


def dependence_by_other_grounds(folder: Path) -> set[tuple[str, str, str]]:
    """(dependent, on, ground) for the grounds beside trade, over the reserved borrowers that are to be tested."""
    to_test = {number for (number,) in truth("tested_for_dependence", folder)}
    capital = {row["id"]: money(row, "registered_capital") for row in rows("enterprise", folder)}
    found = set()
    promised, owed, sources, funds, all_funds = (defaultdict(float) for _ in range(5))
    for row in rows("guarantee", folder):
        if is_current(row["from_date"], row["to_date"]) and row["guarantor_enterprise_id"]:
            promised[row["guarantor_enterprise_id"], row["borrower_id"]] += money(row)
    found |= {(one, other, "guarantee") for (one, other), amount in promised.items() if amount >= capital[one]}
    for row in rows("loan", folder):
        owed[row["borrower_id"]] += money(row, "balance")
        sources[row["borrower_id"], row["repayment_source_id"], row["repayment_kind"]] += money(row, "balance")
    found |= {(one, other, "repayment") for (one, other, kind), part in sources.items() if kind == "claim" and 2 * part >= owed[one]}
    for row in rows("funding", folder):
        if is_current(row["from_date"], row["to_date"]):
            all_funds[row["recipient_id"]] += money(row)
            funds[row["recipient_id"], row["funder_id"]] += money(row) * (row["is_replaceable"] == "false")
    mainly = {pair for pair, part in funds.items() if part and 2 * part >= all_funds[pair[0]]}
    found |= {(one, funder, "funder") for one, funder in mainly if any(lender == funder and other != one for other, lender in mainly)}
    sales = defaultdict(float)
    for row in rows("invoice", folder):
        if row["is_void"] == "false" and row["date"] >= "2025-07-01":
            sales[row["seller_id"], row["buyer_id"]] += money(row)
    lives = {
        (one, source) for (one, source, kind), part in sources.items()
        if kind == "income" and part == owed[one] and not any(seller == one and buyer != source and net > 0 for (seller, buyer), net in sales.items())
    }  # fmt: skip
    found |= {(one, source, "common_source") for one, source in lives if any(other == source and who != one for who, other in lives)}
    rebutted = {(row["dependent_id"], row["on_id"], row["ground"]) for row in rows("dependence_finding", folder) if row["verdict"] == "rebutted"}
    return {row for row in found if row[0] in to_test} - rebutted


def test_dependence_beside_trade_is_what_guarantees_loans_and_funds_give(bank):
    assert {row[:3] for row in truth("dependence", bank) if row[2] not in ("income", "expenditure")} == dependence_by_other_grounds(bank)


def test_what_is_planted_as_no_dependence_is_none(bank):
    misses, findings = truth("not_dependence", bank), rows("dependence_finding", bank)
    assert {row[3] for row in misses} == {"below_capital", "expired", "below_50", "replaceable", "not_common", "other_income", "rebutted"}
    assert not {row[:3] for row in misses} & ({row[:3] for row in truth("dependence", bank)} | dependence_by_other_grounds(bank))
    assert {(row["dependent_id"],) for row in findings} == truth("dependence_tested", bank)
    assert {(row["dependent_id"], row["on_id"]) for row in findings if row["verdict"] == "confirmed"} == truth("dependence_confirmed", bank)


def test_takeovers_have_one_of_four_grounds_over_the_rows(bank):
    votes, held = current_votes(bank), capital_stakes(bank)
    listed = {row["id"] for row in rows("enterprise", bank) if row["legal_form"] == "1210"}
    seats, meetings = defaultdict(list), {}
    for row in rows("position", bank):
        if row["post"] in ("chairman", "director") and is_current(row["from_date"], row["to_date"]):
            seats[row["enterprise_id"]].append(party(row, "nominator_") if row["nominator_enterprise_id"] or row["nominator_person_id"] else None)
    for row in sorted(rows("shareholder_meeting", bank), key=lambda row: row["date"]):
        meetings[row["company_id"]] = float(row["votes_present"])

    def grounds(who: tuple[str, str], company: str) -> set[str]:
        mine = {who} | {("enterprise", number) for number in controlled(who, votes)}
        disposed = sum(percent for holder, percent in votes[company].items() if holder in mine)
        tests = {
            "half": held[company][who] >= 50, "votes": disposed > 30, "board": 2 * seats[company].count(who) > len(seats[company]),
            "meeting": company in meetings and 2 * disposed > meetings[company],
        }  # fmt: skip
        return {ground for ground, is_met in tests.items() if is_met and company in listed}

    planted = defaultdict(set)
    for kind, number, company, ground in truth("takeover_control", bank):
        planted[(kind, number), company].add(ground)
    assert set().union(*planted.values()) == {"half", "votes", "board", "meeting"}
    assert all(grounds(*pair) == expected for pair, expected in planted.items())
    misses = truth("not_takeover_control", bank)
    assert misses and not any(grounds((kind, number), company) for kind, number, company, _ in misses)


def test_blocked_are_the_sanctioned_and_what_they_own_half_of_together(bank):
    held, kept = capital_stakes(bank), reserved(bank)["enterprise"]
    found = {row["enterprise_id"] for row in rows("government_record", bank) if row["kind"] == "sanction"}
    while more := {
        company for company, holders in held.items()
        if company not in found and sum(percent for (kind, number), percent in holders.items() if kind == "enterprise" and number in found) >= 50
    }:  # fmt: skip
        found |= more
    assert {(number,) for number in found & kept} == truth("blocked", bank)
    assert truth("not_blocked", bank) and not truth("not_blocked", bank) & truth("blocked", bank)


def product(held: dict, person: tuple[str, str], company: str, passed: tuple[str, ...] = ()) -> float:
    """The person's percentage of the company over all paths without a circle."""
    through = (product(held, person, number, (*passed, company)) * percent / 100 for (kind, number), percent in held.get(company, {}).items() if kind == "enterprise" and number not in (*passed, company))
    return held.get(company, {}).get(person, 0) + sum(through)


def test_owners_by_product_chain_and_command_are_a_quarter_or_more_by_that_way_only(bank):
    held, votes = capital_stakes(bank), current_votes(bank)

    def heads(person: tuple[str, str], company: str) -> bool:
        return any(percent > 50 and (holder == person or (holder[0] == "enterprise" and heads(person, holder[1]))) for holder, percent in held[company].items())

    def counted(person: tuple[str, str], company: str, way: str) -> bool:
        match way:
            case "product":
                return product(held, person, company) >= 25
            case "chain":
                return any(percent >= 25 and (holder == person or (holder[0] == "enterprise" and heads(person, holder[1]))) for holder, percent in held[company].items())
            case _:
                mine = {person} | {("enterprise", number) for number in controlled(person, votes)}
                return sum(percent for holder, percent in held[company].items() if holder in mine) >= 25

    owners, misses = truth("beneficial_owner_way", bank), truth("not_beneficial_owner_way", bank)
    assert {way for *_, way in owners} == {way for *_, way in misses} == {"product", "chain", "command"}
    assert all(counted(("person", person), company, way) for person, company, way in owners)
    assert not any(counted(("person", person), company, way) for person, company, way in misses)
    assert all(counted(("person", person), company, "product") for person, company, _ in truth("beneficial_owner", bank))


def test_guarantors_beyond_their_means_have_promised_more_than_their_capital(bank):
    capital = {row["id"]: money(row, "registered_capital") for row in rows("enterprise", bank)}
    promised = defaultdict(float)
    for row in rows("guarantee", bank):
        if is_current(row["from_date"], row["to_date"]):
            promised[row["guarantor_enterprise_id"]] += money(row)
    assert all(promised[number] > capital[number] for (number,) in truth("over_guaranteed", bank))
    misses = truth("not_over_guaranteed", bank)
    assert {reason for _, reason in misses} == {"exactly_capital", "expired", "amount_0"}
    assert all(promised[number] <= capital[number] for number, _ in misses)


def test_pooled_funds_are_paid_up_three_times_and_not_paid_back(bank):
    owner = {row["id"]: row["owner_enterprise_id"] for row in rows("account", bank)}
    paid = defaultdict(list)
    for row in rows("transfer", bank):
        paid[owner[row["payer_account_id"]], owner[row["payee_account_id"]]].append((money(row), row["purpose"]))

    def pools(parent: str, member: str) -> bool:
        up = [amount for amount, purpose in paid[member, parent] if amount > 0 and purpose != "货款"]
        return len(up) >= 3 and sum(amount for amount, _ in paid[parent, member]) < sum(up)

    assert all(pools(parent, member) for parent, member in truth("fund_pooling", bank))
    misses = truth("not_fund_pooling", bank)
    assert {reason for *_, reason in misses} == {"twice_only", "trade", "amount_0", "paid_back"}
    assert not any(pools(parent, member) for parent, member, _ in misses)


def test_near_misses_of_prospects_shells_and_churn_lack_what_their_reason_says(bank):
    firms = {row["id"]: row for row in rows("enterprise", bank)}
    insured = {row["enterprise_id"] for row in rows("social_insurance", bank)}
    for number, reason in truth("not_prospect", bank):
        assert firms[number]["status"] == "revoked" if reason == "revoked" else firms[number]["customer_until"]
    shared = {row["address"] for number, row in firms.items() if any(row["address"] == other["address"] for key, other in firms.items() if key != number)}
    for number, reason in truth("not_shell", bank):
        assert {"insured": number in insured, "old": firms[number]["founded"] < "2025-07-01", "shares_nothing": firms[number]["address"] not in shared}[reason]
    assert not {row[0] for row in truth("churn_signal", bank)} & {row[0] for row in truth("not_churn_signal", bank)}


def test_contagion_follows_guarantees_in_force_main_sales_and_control(bank):
    overdue = {row["borrower_id"] for row in rows("loan", bank) if row["overdue_days"] != "0"}
    guarantors = defaultdict(set)
    for row in rows("guarantee", bank):
        if is_current(row["from_date"], row["to_date"]) and money(row) > 0:
            guarantors[row["borrower_id"]].add(row["guarantor_enterprise_id"])
    exposed = {(one, start) for one, start, _ in truth("contagion", bank)}
    for start in {start for _, start in exposed}:
        assert start in overdue
        first = guarantors[start]
        second = set().union(*(guarantors[one] for one in first))
        third = set().union(*(guarantors[one] for one in second))
        assert {(one, start) for one in first | second | third} <= exposed
        assert all(number not in first | second | third for number, other, _ in truth("not_contagion", bank) if other == start)
