"""Patterns of warnings, each beside what only looks like it: pooling, over-guaranteed firms, contagion, prospects, shells, churn."""

import numpy as np

from benchmarks.generator.planting import Planting

_MONTHS = ("2026-02-27", "2026-03-31", "2026-04-30")


def pooling_that_is_none(plant: Planting) -> None:
    """Subsidiaries that pay their parent twice only, for goods, nothing at all, or get as much back."""
    parent = plant.company("不归", "L7211")
    for name, reason in (("两次", "twice_only"), ("贸易", "trade"), ("空转", "amount_0"), ("往返", "paid_back")):
        member = plant.company(f"不归{name}", "F5179")
        plant.stake(parent, member, 60)
        plant.scattered(member, 25, 15)
        plant.controls(parent, member, "direct")
        plant.ultimate(parent, member)
        for month in _MONTHS[: 2 if reason == "twice_only" else 3]:
            purpose = "货款" if reason == "trade" else "资金归集"
            plant.pay(member, parent, 0 if reason == "amount_0" else 500_000, month, purpose)
        if reason == "paid_back":
            plant.pay(parent, member, 1_500_000, "2026-05-29", "往来款")
        plant.true("not_fund_pooling", parent.id, member.id, reason)
    plant.scattered(parent, 40, 30, 30)


def over_guaranteed(plant: Planting) -> None:
    """A guarantor of 12 million with a capital of 10; others whose guarantees come to just the capital, have ended, or are for 0."""
    for name, amounts, until, reason in (
        ("过头", (7_000_000, 5_000_000), "2028-02-29", ""), ("刚好", (6_000_000, 4_000_000), "2028-02-29", "exactly_capital"),
        ("已了", (7_000_000, 5_000_000), "2025-12-31", "expired"), ("虚保", (9_000_000, 0), "2028-02-29", "amount_0"),
    ):  # fmt: skip
        guarantor = plant.company(name, "F5131", capital=10_000_000)
        for place, amount in enumerate(amounts):
            plant.guarantee(guarantor, plant.company(f"{name}友{'甲乙'[place]}", "F5164"), amount, until=until)
        if reason:
            plant.true("not_over_guaranteed", guarantor.id, reason)
        else:
            plant.true("over_guaranteed", guarantor.id)


def contagion(plant: Planting) -> None:
    """An overdue borrower, its guarantor and that one's guarantor, its main supplier, its subsidiary; a guarantor until 2025 is out."""
    overdue = plant.company("震源", "C3130")
    plant.loan(overdue, 4_000_000, drawn="2025-02-20", due="2026-02-19", overdue=131)
    plant.true("overdue", overdue.id, 131)
    first, second, third, fourth = (plant.company(f"余波{name}", "F5164") for name in "一二三四")
    for guarantor, borrower in ((first, overdue), (second, first), (third, second), (fourth, third)):
        plant.guarantee(guarantor, borrower, 2_000_000)
    ended = plant.company("余波止", "F5164")
    plant.guarantee(ended, overdue, 2_000_000, since="2021-03-01", until="2025-12-31")
    nothing = plant.company("余波空", "F5164")
    plant.guarantee(nothing, overdue, 0)
    supplier, daughter = plant.company("余波供", "C2929"), plant.company("余波子", "C3489")
    for month in ("2026-01-20", "2026-03-20"):
        plant.invoice(supplier, overdue, 400_000, month)
    plant.stake(overdue, daughter, 80)
    plant.scattered(daughter, 20)
    plant.scattered(overdue, 40, 30, 30)
    plant.controls(overdue, daughter, "direct")
    plant.ultimate(overdue, daughter)
    for exposed, hop in ((first, 1), (supplier, 1), (daughter, 1), (second, 2), (third, 3)):
        plant.true("contagion", exposed.id, overdue.id, hop)
    for spared, reason in ((ended, "expired"), (nothing, "amount_0"), (fourth, "beyond_3_hops")):
        plant.true("not_contagion", spared.id, overdue.id, reason)
    for hops, guarantor in enumerate((first, second, third), 1):
        plant.true("guarantee_chain_to_overdue", guarantor.id, overdue.id, hops)


def bill_chain(plant: Planting) -> None:
    """A firm that endorses bills to a customer is worth winning; one that is revoked or has left is not."""
    customer, drawer = plant.company("承兑", "F5179"), plant.company("票源", "C3130", customer_since=None)
    plant.row("bill", drawer.id, customer.id, 0, 800_000, "2026-03-10", "2026-09-10")
    plant.true("prospect", drawer.id, customer.id, "bill")
    for name, more, reason in (("吊销", {"status": "revoked", "customer_since": None}, "revoked"), ("已走", {"customer_until": "2025-08-31"}, "left")):
        other = plant.company(f"票源{name}", "C3130", **more)
        plant.row("bill", other.id, customer.id, 0, 800_000, "2026-03-10", "2026-09-10")
        plant.true("not_prospect", other.id, reason)


def no_shells(plant: Planting) -> None:
    """Young firms of one address and representative that are no shells: one has people insured; two old ones; one by itself."""
    head, where = plant.person(), f"学院路{71 + plant.copy}号科创中心{402 + plant.copy}室"
    for name, founded, heads, reason in (("实业", "2025-10-08", 12, "insured"), ("老号", "2015-10-08", 0, "old")):
        firm = plant.company(f"非空{name}", "F5211", address=where, founded=founded, customer_since="2026-01-12")
        plant.post(head, firm, "legal_representative", since=founded)
        if heads:
            for place in range(4):
                plant.row("social_insurance", firm.id, str(np.datetime64("2026-03") + place) + "-01", heads, heads * 1_480.5)
        plant.true("not_shell", firm.id, reason)
    single = plant.company("非空独", "F5211", founded="2025-10-08", customer_since="2026-01-12")
    plant.true("not_shell", single.id, "shares_nothing")


def no_churn(plant: Planting) -> None:
    """A customer with steady receipts and wages, who closed an account a year ago: no sign of leaving."""
    firm, buyer, worker = plant.company("安居", "I6513"), plant.company("常客", "F5179"), plant.person()
    plant.row("account", *firm.columns, f"0034{firm.id:012d}", "2019-04-08", "2025-04-30", "general")
    for place in range(6):
        month = np.datetime64("2026-01") + place
        plant.pay(buyer, firm, 300_000, f"{month}-12", "服务费")
        plant.pay(firm, worker, 9_800, f"{month}-05", "工资")
    plant.true("not_churn_signal", firm.id, "steady")


WARNING_PATTERNS = (pooling_that_is_none, over_guaranteed, contagion, bill_chain, no_shells, no_churn)
