"""Patterns of economic dependence beyond trade: the other four grounds, findings that rebut or confirm, groups that overlap."""

from benchmarks.generator.planting import Party, Planting

_QUARTERS = ("2025-09-15", "2025-12-15", "2026-03-16", "2026-06-15")


def _large(plant: Planting) -> int:
    """An exposure beyond 5 % of net tier-1 capital, so that its owner is to be tested."""
    return round(plant.tier1 * 0.056)


def _tested(plant: Planting, name: str, capital: float | None = None, **loan) -> Party:
    """A borrower to be tested for dependence."""
    company = plant.company(name, "C3670", capital=capital)
    plant.loan(company, _large(plant), **loan)
    plant.true("tested_for_dependence", company.id)
    return company


def _small(plant: Planting, name: str) -> Party:
    company = plant.company(name, "F5164")
    plant.loan(company, 10_000_000)
    return company


def _group(plant: Planting, *members: Party, is_provisional: bool = True) -> None:
    number = 1 + max((row[0] for row in plant.truth.get("connected_group", ())), default=0)
    for member in members:
        plant.true("connected_group", number, member.id)
        if is_provisional:
            plant.true("provisional_group", number, member.id)


def _not(plant: Planting, dependent: Party, on: Party, ground: str, reason: str) -> None:
    plant.true("not_dependence", dependent.id, on.id, ground, reason)


def ruinous_guarantee(plant: Planting) -> None:
    """A guarantor answers for six times its capital; another for six tenths of its own, a third for six times until 2025."""
    guarantor, debtor = _tested(plant, "舍身", 10_000_000), _small(plant, "受保甲")
    plant.guarantee(guarantor, debtor, 60_000_000)
    plant.true("dependence", guarantor.id, debtor.id, "guarantee", "6")
    _group(plant, debtor, guarantor)
    for name, capital, until, reason in (("量力", 100_000_000, "2028-02-29", "below_capital"), ("期满", 10_000_000, "2025-12-31", "expired")):
        other, its_debtor = _tested(plant, name, capital), _small(plant, f"{name}之友")
        plant.guarantee(other, its_debtor, 60_000_000, until=until)
        _not(plant, other, its_debtor, "guarantee", reason)


def repaid_by_another(plant: Planting) -> None:
    """A borrower repays from what its debtor pays back; another repays so only 40 % of what it owes."""
    debtor = _small(plant, "源头")
    lender = _tested(plant, "转贷人", source=debtor, kind="claim")
    plant.true("dependence", lender.id, debtor.id, "repayment", "1")
    _group(plant, debtor, lender)
    other = _small(plant, "支流")
    partly = plant.company("多源", "C3489")
    plant.loan(partly, _large(plant))
    plant.loan(partly, round(_large(plant) * 2 / 3), source=other, kind="claim")
    plant.true("tested_for_dependence", partly.id)
    _not(plant, partly, other, "repayment", "below_50")


def common_funder(plant: Planting) -> None:
    """Two borrowers live on one lender's irreplaceable funds; a third's are replaceable, a fourth's lender funds nobody else."""
    funder, alone = plant.company("金主", "L7212", customer_since=None), plant.company("独客", "L7212", customer_since=None)
    one, other = _tested(plant, "同源甲"), _tested(plant, "同源乙")
    replaceable, single = _tested(plant, "可替"), _tested(plant, "独源")
    for recipient, lender, may_replace in ((one, funder, False), (other, funder, False), (replaceable, funder, True), (single, alone, False)):
        plant.row("funding", recipient.id, lender.id, 30_000_000, "2024-05-01", "2028-04-30", may_replace)
    plant.row("funding", one.id, alone.id, 10_000_000, "2024-05-01", None, True)
    for borrower, share in ((one, "0.75"), (other, "1")):
        plant.true("dependence", borrower.id, funder.id, "funder", share)
    _not(plant, replaceable, funder, "funder", "replaceable")
    _not(plant, single, alone, "funder", "not_common")
    _not(plant, one, alone, "funder", "below_50")
    _group(plant, one, other)


def common_source(plant: Planting) -> None:
    """Two landlords whose only tenant is the same; a third landlord sells to another firm as well."""
    tenant = plant.company("独租户", "F5211", customer_since=None)
    landlords = [_tested(plant, f"房东{name}", source=tenant, kind="income") for name in "甲乙丙"]
    for landlord in landlords:
        for quarter in _QUARTERS:
            plant.invoice(landlord, tenant, 9_000_000, quarter)
    for quarter in _QUARTERS:
        plant.invoice(landlords[2], plant.company(f"散客{quarter[:7]}", "F5211", customer_since=None), 20_000_000, quarter)
    for landlord in landlords[:2]:
        plant.true("dependence", landlord.id, tenant.id, "common_source", "1")
        plant.true("dependence", landlord.id, tenant.id, "income", "1")
    _not(plant, landlords[2], tenant, "common_source", "other_income")
    _group(plant, *landlords[:2])


def findings(plant: Planting) -> None:
    """A sole buyer for whom a substitute was found: rebutted; another sole buyer, confirmed."""
    for name, verdict in (("有替", "rebutted"), ("认定", "confirmed")):
        seller, buyer = _tested(plant, name), _small(plant, f"{name}买家")
        for quarter in _QUARTERS:
            plant.invoice(seller, buyer, 12_000_000, quarter)
        plant.row("dependence_finding", seller.id, buyer.id, "trade", verdict, "2026-05-20", "客户经理尽职调查报告")
        plant.true("dependence_tested", seller.id)
        if verdict == "rebutted":
            _not(plant, seller, buyer, "income", "rebutted")
        else:
            plant.true("dependence", seller.id, buyer.id, "income", "1")
            plant.true("dependence_confirmed", seller.id, buyer.id)
            _group(plant, buyer, seller, is_provisional=False)


def mutual_dependence(plant: Planting) -> None:
    """Two groups of which one sells all to the other, and that one buys all from it: they overlap, and stay two."""
    parents = [plant.company(f"互依母{name}", "L7211") for name in "甲乙"]
    seller, buyer = _tested(plant, "互依卖"), _tested(plant, "互依买")
    for parent, daughter in zip(parents, (seller, buyer), strict=True):
        plant.loan(parent, 10_000_000)
        plant.stake(parent, daughter, 100)
        plant.controls(parent, daughter, "direct")
        owner = plant.person()
        plant.stake(owner, parent, 100)
        plant.controls(owner, parent, "direct")
        plant.controls(owner, daughter, "indirect")
        plant.ultimate(owner, parent, daughter)
        plant.true("group", parent.id, parent.id)
        plant.true("group", parent.id, daughter.id)
    for quarter in _QUARTERS:
        plant.invoice(seller, buyer, 30_000_000, quarter)
    plant.true("dependence", seller.id, buyer.id, "income", "1")
    plant.true("dependence", buyer.id, seller.id, "expenditure", "1")
    for parent in parents:
        _group(plant, parent, seller, buyer)


def limits(plant: Planting) -> None:
    """Exposures just over 15 % of net tier-1 capital, and of exactly 15 %."""
    over, at = plant.company("超限", "E4710"), plant.company("限内", "E4710")
    plant.loan(over, round(plant.tier1 * 0.1))
    plant.loan(over, round(plant.tier1 * 0.06))
    plant.loan(at, round(plant.tier1 * 0.15))
    for borrower in (over, at):
        plant.true("tested_for_dependence", borrower.id)
    plant.true("limit_breach", over.id)
    plant.true("not_limit_breach", at.id)


DEPENDENCE_PATTERNS = (ruinous_guarantee, repaid_by_another, common_funder, common_source, findings)
LIMIT_PATTERNS = (mutual_dependence, limits)
