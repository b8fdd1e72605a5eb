"""Patterns of money, promises and signs: guarantees, loops, loans passed on, groups, dependence, supply, churn, shells."""

from itertools import pairwise

import numpy as np

from benchmarks.generator.planting import Party, Planting


def guarantees(plant: Planting) -> None:
    """A mutual pair, a circle, a circle broken by a date, a star, a joint guarantee, a chain to an overdue borrower."""
    one, other = plant.company("同心", "C3311"), plant.company("同德", "C3484")
    plant.guarantee(one, other, 5_000_000, plant.loan(other, 5_000_000))
    plant.guarantee(other, one, 4_000_000, plant.loan(one, 4_000_000))
    plant.true("guarantee_mutual", one.id, other.id)

    length = 4 if plant.copy == 0 else 3 + int(plant.rng.integers(0, 5))
    circle = [plant.company(f"连保{name}", "C1751") for name in "春夏秋冬东西南"[:length]]
    number = 1 + max((row[0] for row in plant.truth.get("guarantee_circle", ())), default=0)
    for place, company in enumerate(circle):
        plant.guarantee(company, circle[(place + 1) % length], 3_000_000)
        plant.true("guarantee_circle", number, place + 1, company.id)

    broken = [plant.company(f"断环{name}", "C1819") for name in "甲乙丙"]
    for place, company in enumerate(broken):
        since, until = ("2021-03-01", "2024-02-29") if place == 2 else ("2025-03-01", "2028-02-29")
        plant.guarantee(company, broken[(place + 1) % 3], 2_000_000, since=since, until=until)
        plant.true("not_guarantee_circle", company.id, "expired")

    centre = plant.company("众星", "F5164")
    for name in "天地玄黄宇":
        borrower = plant.company(f"拱月{name}", "F5165")
        plant.guarantee(centre, borrower, 1_500_000, plant.loan(borrower, 1_500_000))
        plant.true("guarantee_star", centre.id, borrower.id)

    helped = plant.company("众扶", "C2614")
    loan = plant.loan(helped, 20_000_000)
    for name in "仁义礼":
        guarantor = plant.company(f"扶手{name}", "F5179")
        plant.guarantee(guarantor, helped, 20_000_000, loan)
        plant.true("guarantee_joint", helped.id, guarantor.id)

    chain = [plant.company(f"多米诺{name}", "C3130") for name in "一二三四"]
    for place, (guarantor, borrower) in enumerate(pairwise(chain)):
        overdue = 127 if place == 2 else 0
        plant.guarantee(guarantor, borrower, 6_000_000, plant.loan(borrower, 6_000_000, drawn="2025-02-20", due="2026-02-19", overdue=overdue))
    plant.true("overdue", chain[3].id, 127)
    for hops, guarantor in enumerate(reversed(chain[:3]), 1):
        plant.true("guarantee_chain_to_overdue", guarantor.id, chain[3].id, hops)


def money_loops(plant: Planting) -> None:
    """Three companies pass money round within 30 days; three others take 45 days for it."""
    length = 3 if plant.copy == 0 else 3 + int(plant.rng.integers(0, 3))
    start = np.datetime64("2026-03-02") + int(plant.rng.integers(0, 60)) * bool(plant.copy)
    ring = [plant.company(f"回旋{name}", "F5193") for name in "甲乙丙丁戊"[:length]]
    number = 1 + max((row[0] for row in plant.truth.get("money_loop", ())), default=0)
    for place, payer in enumerate(ring):
        date = str(start + 7 * place)
        transfer = plant.pay(payer, ring[(place + 1) % length], 2_000_000 - 20_000 * place, date, "往来款")
        plant.true("money_loop", number, place + 1, plant.account(payer), transfer, date)
    slow = [plant.company(f"慢转{name}", "F5211") for name in "甲乙丙"]
    for place, payer in enumerate(slow):
        date = str(np.datetime64("2026-02-02") + 22 * place + place)
        transfer = plant.pay(payer, slow[(place + 1) % 3], 1_000_000, date, "往来款")
        plant.true("not_money_loop", plant.account(payer), transfer, date, "45_days")


def loans_passed_on(plant: Planting) -> None:
    """A loan leaves for another firm: 95 % within 3 days; near misses of 80 %, and of 95 % after 9 days."""
    for name, share, after, reason in (("转手", 0.95, 3, ""), ("留存", 0.80, 2, "below_90"), ("迟缓", 0.95, 9, "after_5_days")):
        borrower, recipient = plant.company(name, "F5164"), plant.company(f"{name}下家", "K7010", customer_since=None)
        amount = 8_000_000
        loan = plant.loan(borrower, amount, drawn="2026-04-07", due="2027-04-06")
        date = str(np.datetime64("2026-04-07") + after)
        transfer = plant.pay(borrower, recipient, amount * share, date, "货款")
        if reason:
            plant.true("not_passed_on_loan", loan, borrower.id, recipient.id, transfer, reason)
        else:
            plant.true("passed_on_loan", loan, borrower.id, recipient.id, transfer, share, after)


def group_with_pooling(plant: Planting) -> None:
    """A person's holding company with three borrowing subsidiaries, which pay their takings up; one is no customer yet."""
    owner, head = plant.person("苏卫东"), plant.company("星河", "L7211", form="1220")
    members = [
        plant.company("星河电子", "C3982"), plant.company("星河机电", "F5179"), plant.company("星河物流", "G5431"),
    ]  # fmt: skip
    outside = plant.company("星河医疗", "Q8415", customer_since=None)
    plant.stake(owner, head, 72)
    plant.controls(owner, head, "direct")
    for member, percent in zip((*members, outside), (100, 80, 67, 60), strict=True):
        plant.stake(head, member, percent)
        plant.controls(head, member, "direct")
        plant.controls(owner, member, "indirect")
    plant.ultimate(owner, head, *members, outside)
    for member in (head, *members):
        plant.loan(member, 15_000_000)
        plant.true("group", head.id, member.id)
    for month in ("2026-02-27", "2026-03-31", "2026-04-30"):
        for member in members:
            plant.pay(member, head, 600_000, month, "资金归集")
    for member in members:
        plant.true("fund_pooling", head.id, member.id)
    plant.true("prospect", outside.id, head.id, "group")
    bill = plant.row("bill", members[0].id, members[1].id, members[2].id, 3_000_000, "2026-03-10", "2026-09-10")
    plant.true("bill_in_group", bill, head.id)


def dependence(plant: Planting) -> None:
    """The worked examples of connected clients: D on A and on B; and A, B, E beside D, E, F."""
    seller, buyer, middle = (plant.company(f"依存{name}", "C3670") for name in ("甲", "乙", "丁"))
    large = round(plant.tier1 * 0.056)
    plant.loan(middle, large)
    plant.loan(seller, 10_000_000)
    plant.loan(buyer, 10_000_000)
    for quarter in ("2025-09-15", "2025-12-15", "2026-03-16", "2026-06-15"):
        plant.invoice(seller, middle, 30_000_000, quarter)  # all that D buys
        plant.invoice(middle, buyer, 45_000_000, quarter)  # all that D sells
    plant.true("dependence", middle.id, seller.id, "expenditure", "1")
    plant.true("dependence", middle.id, buyer.id, "income", "1")
    plant.true("tested_for_dependence", middle.id)
    _connected(plant, provisional=((seller, middle), (buyer, middle)))

    head, daughter = plant.company("并联A", "L7211"), plant.company("并联B", "C3484")
    parent, dependent, sister = plant.company("并联D", "L7211"), plant.company("并联E", "C3489"), plant.company("并联F", "C3525")
    for above, below in ((head, daughter), (parent, dependent), (parent, sister)):
        plant.stake(above, below, 100)
        plant.controls(above, below, "direct")
    for holder, companies in ((head, (daughter,)), (parent, (dependent, sister))):
        owner = plant.person()
        plant.stake(owner, holder, 100)
        plant.controls(owner, holder, "direct")
        for company in companies:
            plant.controls(owner, company, "indirect")
        plant.ultimate(owner, holder, *companies)
    for company in (head, daughter, parent, sister):
        plant.loan(company, 10_000_000)
    plant.loan(dependent, large)
    for quarter in ("2025-09-15", "2025-12-15", "2026-03-16", "2026-06-15"):
        plant.invoice(dependent, daughter, 50_000_000, quarter)
    plant.true("dependence", dependent.id, daughter.id, "income", "1")
    plant.true("tested_for_dependence", dependent.id)
    plant.true("group", head.id, head.id)
    plant.true("group", head.id, daughter.id)
    for company in (parent, dependent, sister):
        plant.true("group", parent.id, company.id)
    _connected(plant, provisional=((head, daughter, dependent),), firm=((parent, dependent, sister),))


def _connected(plant: Planting, provisional: tuple[tuple[Party, ...], ...], firm: tuple[tuple[Party, ...], ...] = ()) -> None:
    """Overlapping groups: provisional ones, which need a dependence that nobody has confirmed, and those by control alone."""
    number = max((row[0] for row in plant.truth.get("connected_group", ())), default=0)
    for place, group in enumerate((*provisional, *firm), 1):
        for member in group:
            plant.true("connected_group", number + place, member.id)
            if group in provisional:
                plant.true("provisional_group", number + place, member.id)


def supply_chain(plant: Planting) -> None:
    """A core enterprise with suppliers of two tiers and a buyer; void and corrected invoices; a supplier to win."""
    core = plant.company("龙头", "C3670", form="1210")
    supplier, second = plant.company("上游甲", "C3130"), plant.company("上游乙", "C2929", customer_since=None)
    ore, buyer = plant.company("上游矿", "B1019"), plant.company("下游", "F5211")
    plant.scattered(core, 22)
    for seller, customer, amount in ((supplier, core, 400_000), (second, core, 300_000), (ore, supplier, 200_000), (core, buyer, 900_000)):
        for month in ("2026-01-20", "2026-03-20", "2026-05-20"):
            plant.invoice(seller, customer, amount, month)
            plant.pay(customer, seller, amount, str(np.datetime64(month) + 10), "货款")
    plant.pay(core, supplier, 50_000, "2026-06-01", "货款")
    plant.pay(core, supplier, -50_000, "2026-06-02", "冲正")
    plant.pay(core, supplier, 0, "2026-06-03", "货款")
    plant.pay(supplier, core, 20_000, "2026-06-04", "往来款")
    plant.invoice(supplier, core, 800_000, "2026-04-02", void=True)
    plant.invoice(supplier, core, -100_000, "2026-05-28")
    plant.invoice(second, core, 0, "2026-05-29")
    for seller, customer, tier, net in (
        (supplier, core, 1, 1_100_000), (second, core, 1, 900_000), (ore, core, 2, 0), (ore, supplier, 1, 600_000), (core, buyer, 1, 2_700_000),
    ):  # fmt: skip
        plant.true("supply", seller.id, customer.id, tier, net or "")
    plant.true("prospect", second.id, core.id, "supply")


def churn(plant: Planting) -> None:
    """A customer who left, his guarantor and his buyer who may follow; one closed his account already."""
    left = plant.company("远行", "C1371", customer_until="2026-02-28")
    tied, buyer = plant.company("相随", "C2319"), plant.company("知己", "F5123")
    plant.guarantee(tied, left, 1_000_000, until="2027-06-30")
    plant.pay(buyer, left, 350_000, "2025-12-11", "货款")
    plant.row("service_event", left.id, "complaint", "2026-01-15", "投诉贷款审批慢")
    plant.true("churned", left.id, "2026-02-28")
    plant.true("churn_tie", left.id, tied.id, "guarantee")
    plant.true("churn_tie", left.id, buyer.id, "supply")


def shared_contacts(plant: Planting) -> None:
    """A blacklisted firm's address, telephone and legal representative, each shared with one other firm."""
    where, line = f"狮山路{188 + plant.copy}号创业大厦{1201 + plant.copy}室", f"0512{62_008_800 + plant.copy:08d}"
    bad = plant.company("失信", "E4710", address=where, phone=line)
    same_place = plant.company("同址", "F5165", address=where)
    same_line = plant.company("同号", "F5211", phone=line)
    same_head = plant.company("同人", "L7241")
    head = plant.person("雷子轩")
    plant.post(head, bad, "legal_representative")
    plant.post(head, same_head, "legal_representative")
    plant.row("government_record", bad.id, "court_enforcement", "2025-08-19", 2_360_000, "失信被执行人")
    for other, what in ((same_place, "address"), (same_line, "phone"), (same_head, "legal_representative")):
        plant.true("shared_with_blacklisted", other.id, bad.id, what)


def shells(plant: Planting) -> None:
    """Four young firms with one address and one legal representative, and nobody insured."""
    head, where = plant.person("钟爱民"), f"港城路{66 + plant.copy}号商务广场{303 + plant.copy}室"
    for name in "甲乙丙丁":
        firm = plant.company(f"空壳{name}", "F5211", address=where, founded="2025-11-03", customer_since="2026-01-12")
        plant.post(head, firm, "legal_representative", since="2025-11-03")
        plant.true("shell", firm.id, head.id)


def payroll_trends(plant: Planting) -> None:
    """24 months of insured heads: one firm shrinks from 120 to 37, one grows, each with its housing fund."""
    for name, first, step, is_shrinking in (("退潮", 120, -3.6, True), ("涨潮", 40, 2.5, False)):
        firm = plant.company(name, "C3911")
        for place in range(24):
            month = str(np.datetime64("2024-07") + place) + "-01"
            heads = round(first + step * place)
            plant.row("social_insurance", firm.id, month, heads, heads * 1_480.5)
            plant.row("housing_fund", firm.id, month, heads, heads * 912.0)
        if is_shrinking:
            plant.true("shrinking", firm.id, first, round(first + step * 23))


def namesakes(plant: Planting) -> None:
    """Two persons of one name who are not one person: each wholly owns a firm in another city."""
    one, other = plant.person("王伟"), plant.person("王伟")
    if plant.copy:
        plant.people[one.id - 1] = plant.people[other.id - 1] = "王伟"
    for person, trade, region in ((one, "北斗", "320500"), (other, "南山", "440300")):
        company = plant.company(trade, "I6513", region)
        plant.stake(person, company, 100)
        plant.controls(person, company, "direct")
        plant.ultimate(person, company)
    plant.true("namesake", one.id, other.id)


def churn_signals(plant: Planting) -> None:
    """A customer on his way out: an account closed, wages paid elsewhere since April, takings that dwindle."""
    firm, buyer, worker = plant.company("去意", "I6513"), plant.company("旧交", "F5179"), plant.person("夏建平")
    plant.row("account", *firm.columns, f"0033{firm.id:012d}", "2019-04-08", "2026-04-30", "general")
    for place, takings in enumerate((520_000, 410_000, 300_000, 160_000, 70_000, 20_000)):
        month = np.datetime64("2026-01") + place
        plant.pay(buyer, firm, takings, f"{month}-12", "服务费")
        if place < 3:
            plant.pay(firm, worker, 9_800, f"{month}-05", "工资")
    for signal in ("closed_account", "payroll_stopped", "falling_receipts"):
        plant.true("churn_signal", firm.id, signal)


def overdue_guarantor(plant: Planting) -> None:
    """A guarantor who is overdue himself; his guarantee is thirty times his loan."""
    guarantor, borrower = plant.company("自顾", "F5131"), plant.company("不暇", "C1751")
    plant.loan(guarantor, 300_000, drawn="2025-03-27", due="2026-03-26", overdue=96)
    plant.guarantee(guarantor, borrower, 9_000_000, plant.loan(borrower, 9_000_000))
    plant.true("overdue", guarantor.id, 96)
    plant.true("overdue_guarantor", guarantor.id, borrower.id, 96)


MONEY_PATTERNS = (
    guarantees, money_loops, loans_passed_on, group_with_pooling, dependence, supply_chain, churn, shared_contacts, shells,
    payroll_trends, namesakes, churn_signals, overdue_guarantor,
)  # fmt: skip

TRUTH_HEADERS = {
    "control": "owner_kind,owner_id,company_id,ground",
    "not_control": "owner_kind,owner_id,company_id,reason",
    "ultimate_controller": "controller_kind,controller_id,company_id",
    "chain": "owner_kind,owner_id,end_id,step,company_id,percent",
    "concert": "party1_kind,party1_id,party2_kind,party2_id,target_id,item",
    "not_concert": "party1_kind,party1_id,party2_kind,party2_id,target_id,item,reason",
    "rebutted": "party1_kind,party1_id,party2_kind,party2_id,target_id,item",
    "integrated_ownership": "owner_kind,owner_id,company_id,integrated,accumulated",
    "circular_holding": "holder_id,company_id",
    "beneficial_owner": "person_id,company_id,product",
    "family_control": "person_id,relative_id,company_id",
    "nominee": "enterprise_id",
    "state_body": "enterprise_id",
    "state_sibling": "state_body_id,enterprise1_id,enterprise2_id",
    "group": "head_id,member_id",
    "connected_group": "group_number,member_id",
    "dependence": "dependent_id,on_id,ground,share",
    "tested_for_dependence": "enterprise_id",
    "dependence_tested": "enterprise_id",
    "dependence_confirmed": "dependent_id,on_id",
    "not_dependence": "dependent_id,on_id,ground,reason",
    "provisional_group": "group_number,member_id",
    "guarantee_mutual": "enterprise1_id,enterprise2_id",
    "guarantee_circle": "circle_number,place,enterprise_id",
    "not_guarantee_circle": "enterprise_id,reason",
    "guarantee_star": "guarantor_id,borrower_id",
    "guarantee_joint": "borrower_id,guarantor_id",
    "guarantee_chain_to_overdue": "guarantor_id,borrower_id,hops",
    "overdue": "borrower_id,overdue_days",
    "money_loop": "loop_number,place,payer_account_id,transfer_id,date",
    "not_money_loop": "payer_account_id,transfer_id,date,reason",
    "passed_on_loan": "loan_id,borrower_id,recipient_id,transfer_id,share,days",
    "not_passed_on_loan": "loan_id,borrower_id,recipient_id,transfer_id,reason",
    "fund_pooling": "parent_id,member_id",
    "bill_in_group": "bill_id,head_id",
    "supply": "seller_id,buyer_id,tier,net_invoiced",
    "prospect": "enterprise_id,customer_id,reason",
    "churned": "enterprise_id,customer_until",
    "churn_tie": "left_id,tied_id,tie",
    "churn_signal": "enterprise_id,signal",
    "overdue_guarantor": "guarantor_id,borrower_id,overdue_days",
    "shared_with_blacklisted": "enterprise_id,blacklisted_id,what",
    "shell": "enterprise_id,legal_representative_id",
    "shrinking": "enterprise_id,heads_first,heads_last",
    "namesake": "person1_id,person2_id",
    "limit_breach": "enterprise_id",
    "not_limit_breach": "enterprise_id",
    "takeover_control": "party_kind,party_id,company_id,ground",
    "not_takeover_control": "party_kind,party_id,company_id,reason",
    "blocked": "enterprise_id",
    "not_blocked": "enterprise_id",
    "beneficial_owner_way": "person_id,company_id,way",
    "not_beneficial_owner_way": "person_id,company_id,way",
    "person_in_charge": "person_id,company_id",
    "family_group": "person_id,member_id",
    "not_fund_pooling": "parent_id,member_id,reason",
    "over_guaranteed": "enterprise_id",
    "not_over_guaranteed": "enterprise_id,reason",
    "contagion": "exposed_id,overdue_id,hop",
    "not_contagion": "exposed_id,overdue_id,reason",
    "not_prospect": "enterprise_id,reason",
    "not_shell": "enterprise_id,reason",
    "not_churn_signal": "enterprise_id,reason",
    "reserved": "pattern,kind,first_id,last_id",
}
