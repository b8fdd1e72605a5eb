"""The bank's everyday rows: one function a table, each a function of its own random numbers and the population."""

import numpy as np
import pyarrow as pa

from benchmarks.generator import vocabulary as words
from benchmarks.generator.calendar import AS_OF, NEVER, days, working_days
from benchmarks.generator.entities import Population, skewed, weighted
from benchmarks.generator.tables import chosen, joined

Columns = dict[str, object]


def heavy(rng: np.random.Generator, count: int, median: float, sigma: float, step: float = 0.01) -> np.ndarray:
    """Log-normal amounts in cents, at most two thousand million yuan, in multiples of `step` yuan."""
    yuan = np.exp(rng.normal(np.log(median), sigma, count)).clip(step, 2e9)
    return np.rint(yuan / step).astype(np.int64) * round(step * 100)


def positions(rng: np.random.Generator, people: Population, count: int, representative: np.ndarray) -> Columns:
    """A legal representative for each background enterprise (`representative` by enterprise, 0 is unknown), then other posts."""
    first = min(count, len(representative))
    enterprise = np.concatenate([people.reserved_enterprises + 1 + np.arange(first), people.some_enterprises(rng, count - first)])
    person = people.some_persons(rng, count, 0.5)
    person[:first] = np.where(representative[:first] > 0, representative[:first], person[:first])
    others = ["chairman", "director", "supervisor", "general_manager", "manager", "finance_director"]
    post = np.concatenate([np.full(first, 6), weighted(rng, [10, 30, 22, 14, 14, 10], count - first)])
    since = np.minimum(people.founded[enterprise - 1] + rng.integers(0, 3000, count), AS_OF - 20)
    until = np.where(rng.random(count) < 0.12, np.minimum(since + rng.integers(1, 2500, count), AS_OF - 1), NEVER)
    until[:first] = NEVER
    return {
        "person_id": person, "enterprise_id": enterprise, "post": chosen([*others, "legal_representative"], post),
        "is_main": np.isin(post, [0, 3, 6]) | (rng.random(count) < 0.4), "from_date": since, "to_date": until,
        "nominator_enterprise_id": np.zeros(count, np.int64), "nominator_person_id": np.zeros(count, np.int64),
    }  # fmt: skip


KINDS_OF_KIN = ("parent", "spouse", "child", "sibling", "child_spouse", "spouse_parent", "sibling_spouse", "spouse_sibling")


def kinships(rng: np.random.Generator, people: Population, count: int) -> Columns:
    """Pairs of relatives; parents, children and siblings will share a surname."""
    person, relative = people.some_persons(rng, count), people.some_persons(rng, count)
    lowest, size = people.reserved_persons + 1, people.persons - people.reserved_persons
    kind = weighted(rng, [18, 25, 18, 17, 6, 6, 5, 5], count)
    spouses = np.flatnonzero(kind == KINDS_OF_KIN.index("spouse"))[: size // 2]
    couples = lowest + rng.permutation(size)[: 2 * len(spouses)].reshape(-1, 2)
    person[spouses], relative[spouses] = couples[:, 0], couples[:, 1]  # nobody is married twice
    relative = np.where(relative == person, lowest + (relative - lowest + 1) % size, relative)
    return {"person_id": person, "relative_id": relative, "kind": chosen(KINDS_OF_KIN, kind)}


def agreements(rng: np.random.Generator, stakes: Columns, count: int) -> tuple[Columns, Columns]:
    """Agreements and their parties: two to four holders of one company, who stand side by side in `stakes`."""
    company, place = stakes["company_id"], _side_by_side(rng, stakes, count)
    kind = weighted(rng, [55, 15, 20, 10], count)
    has_target = (kind < 2) | (rng.random(count) < 0.5)
    signed = days(rng, "2017-01-01", "2026-06-01", count)
    expires = np.where(rng.random(count) < 0.75, signed + rng.integers(300, 2500, count), NEVER)
    kinds = ["concerted_action", "voting_entrustment", "partnership", "joint_venture"]
    written = {"kind": chosen(kinds, kind), "target_id": np.where(has_target, company[place], 0), "signed": signed, "expires": expires}

    size = np.where(kind == 1, 2, 2 + np.minimum(rng.geometric(0.6, count) - 1, 2))
    number = np.repeat(np.arange(count), size)
    holder = place[number] + np.arange(len(number)) - np.repeat(np.cumsum(size) - size, size)
    holder = np.minimum(holder, len(company) - 1)
    holds = (company[holder] == company[place[number]]) & np.isnat(stakes["to_date"][holder])
    parties = np.stack([number, stakes["holder_enterprise_id"][holder], stakes["holder_person_id"][holder]])[:, holds]
    parties = np.unique(parties, axis=1)
    return written, {"agreement_id": parties[0], "party_enterprise_id": parties[1], "party_person_id": parties[2]}


def _side_by_side(rng: np.random.Generator, stakes: Columns, count: int) -> np.ndarray:
    """Rows of current stakes that are followed by a current stake of another holder in the same company."""
    company, is_current = stakes["company_id"], np.isnat(stakes["to_date"])
    differs = np.zeros(len(company) - 1, bool)
    for holder in ("holder_enterprise_id", "holder_person_id"):
        differs |= stakes[holder][:-1] != stakes[holder][1:]
    beside = np.flatnonzero((company[:-1] == company[1:]) & is_current[:-1] & is_current[1:] & differs)
    return beside[rng.integers(0, len(beside), count)]


def rebuttals(rng: np.random.Generator, stakes: Columns, count: int) -> Columns:
    """Presumptions rebutted between two holders of one company."""
    place = _side_by_side(rng, stakes, count)
    return {
        "party1_enterprise_id": stakes["holder_enterprise_id"][place], "party1_person_id": stakes["holder_person_id"][place],
        "party2_enterprise_id": stakes["holder_enterprise_id"][place + 1], "party2_person_id": stakes["holder_person_id"][place + 1],
        "target_id": stakes["company_id"][place], "item": 1 + weighted(rng, [1, 2, 6, 3, 1, 3, 4, 3, 3, 2, 1, 1], count),
        "decided": days(rng, "2019-01-01", "2026-06-20", count), "source": chosen(["律师法律意见书", "交易所问询函回复", "当事人说明"], rng.integers(0, 3, count)),
    }  # fmt: skip


def accounts(rng: np.random.Generator, people: Population, count: int, first_id: int) -> Columns:
    """Three quarters belong to enterprises; accounts of those who are no customers are held elsewhere (`external`)."""
    enterprises = int(count * 0.75)
    every = people.reserved_enterprises + 1 + np.arange(min(enterprises, people.enterprises - people.reserved_enterprises))
    owner = np.concatenate([every, people.some_customers(rng, enterprises - len(every))])
    person = people.some_persons(rng, count - enterprises, 0.3)
    opened = np.maximum(np.concatenate([people.founded[owner - 1], days(rng, "2005-01-01", "2025-12-31", len(person))]), np.datetime64("2000-01-01"))
    opened = np.minimum(opened + rng.integers(0, 1500, count), np.datetime64("2024-06-30"))
    closed = np.where(rng.random(count) < 0.03, days(rng, "2024-09-01", "2026-06-29", count), NEVER)
    left = people.until[owner - 1]
    closed[:enterprises] = np.where(np.isnat(left), closed[:enterprises], left)
    opened = np.where(opened >= closed, closed - 100, opened)
    kind = np.where(np.arange(count) < len(every), 0, weighted(rng, [0, 70, 20, 10], count))
    kind[:enterprises] = np.where(people.is_customer[owner - 1], kind[:enterprises], 4)
    kind[enterprises:] = 5
    number = (first_id + np.arange(count)) * 48_271 % 99_999_999_977
    digits = pa.compute.utf8_lpad(pa.array(number).cast(pa.string()), 12, "0")
    return {
        "owner_enterprise_id": np.concatenate([owner, np.zeros(len(person), np.int64)]),
        "owner_person_id": np.concatenate([np.zeros(enterprises, np.int64), person]),
        "account_number": joined(chosen(["0011", "0021", "0512", "6222"], rng.integers(0, 4, count)), digits),
        "opened": opened, "closed": closed, "kind": chosen(["basic", "general", "special", "temporary", "external", "personal"], kind),
    }  # fmt: skip


class PaymentNetwork:
    """Who pays whom: a fixed set of relations with hubs, some of them both ways, each with its purpose and usual amount."""

    def __init__(self, rng: np.random.Generator, first: int, enterprises: int, closed: np.ndarray, transfers: int):
        """Accounts `first`… are `enterprises` accounts of enterprises and then accounts of persons; `closed` of each, or NaT."""
        persons = len(closed) - enterprises
        size = max(transfers // 4, 20)
        payer = first + skewed(rng, enterprises, size, 0.7)
        payee = first + skewed(rng, enterprises, size, 1.1)
        kind = weighted(rng, [62, 18, 20], size)  # trade, salary, other
        wage = first + enterprises + rng.integers(0, persons, size)
        payee = np.where(kind == 1, wage, payee)
        backwards = np.flatnonzero((kind != 1) & (rng.random(size) < 0.15))  # two-way: the reverse of an earlier relation
        model = (backwards * rng.random(len(backwards))).astype(np.int64)
        payer[backwards], payee[backwards] = payee[model], payer[model]
        kind[backwards] = 2 * (kind[backwards] == 2)
        payee = np.where(payee == payer, first + (payee - first + 1) % enterprises, payee)
        trade = rng.integers(0, len(words.TRADE_PURPOSES), size)
        other = len(words.TRADE_PURPOSES) + rng.integers(0, len(words.OTHER_PURPOSES), size)
        self._payer, self._payee = payer, payee
        ends = np.where(np.isnat(closed), AS_OF, closed - 1)
        self._last = np.minimum(ends[payer - first], ends[payee - first])
        self._purpose = np.select([kind == 0, kind == 1], [np.where(rng.random(size) < 0.6, 0, trade), len(PURPOSES) - 1], other)
        self._usual = np.where(kind == 1, rng.normal(8.9, 0.4, size), rng.normal(10.8, 1.6, size))
        weight = rng.pareto(1.3, size) + 0.2
        self._often = np.cumsum(weight) / weight.sum()

    def transfers(self, rng: np.random.Generator, count: int) -> Columns:
        """Transfers of two years; a few are 0, a few negative: corrections of the row before."""
        relation = np.searchsorted(self._often, rng.random(count))
        cents = np.rint(np.exp(self._usual[relation] + rng.normal(0, 0.5, count)).clip(0.01, 3e9) * 100).astype(np.int64)
        cents = np.where(rng.random(count) < 0.3, np.maximum(cents // 100_000, 1) * 100_000, cents)
        purpose, date, begin = self._purpose[relation], working_days(rng, "2024-07-01", "2026-06-30", count), np.datetime64("2024-07-01")
        last = self._last[relation]
        date = np.where(date > last, begin + (date - begin) % (last - begin + 1), date)
        cents[rng.random(count) < 0.0008] = 0
        wrong = np.flatnonzero(rng.random(count) < 0.001)
        wrong = wrong[wrong > 0]
        relation[wrong] = relation[wrong - 1]
        date[wrong] = np.minimum(date[wrong - 1] + 1, self._last[relation[wrong]])
        cents[wrong], purpose[wrong] = -np.abs(cents[wrong - 1]), len(PURPOSES) - 2
        return {
            "payer_account_id": self._payer[relation], "payee_account_id": self._payee[relation],
            "amount": cents, "date": date, "purpose": chosen(PURPOSES, purpose),
        }  # fmt: skip


PURPOSES = [*words.TRADE_PURPOSES, *words.OTHER_PURPOSES, "冲正", "工资"]


def invoices(rng: np.random.Generator, people: Population, count: int) -> Columns:
    """Between enterprises with hubs; 2 % void, 1 % negative (red) invoices, a few of 0."""
    seller, buyer = people.some_enterprises(rng, count, 0.8), people.some_enterprises(rng, count, 1.2)
    lowest, size = people.reserved_enterprises + 1, people.enterprises - people.reserved_enterprises
    buyer = np.where(buyer == seller, lowest + (buyer - lowest + 1) % size, buyer)
    amount = heavy(rng, count, 42_000, 1.5)
    amount = np.where(rng.random(count) < 0.01, -amount, amount)
    amount[rng.random(count) < 0.001] = 0
    return {"seller_id": seller, "buyer_id": buyer, "amount": amount, "date": working_days(rng, "2024-07-01", "2026-06-30", count), "is_void": rng.random(count) < 0.02}


def loans(rng: np.random.Generator, people: Population, count: int) -> Columns:
    amount = heavy(rng, count, 1_800_000, 1.2, 10_000)
    borrower = people.some_customers(rng, count, 0.4)
    since, left = people.since[borrower - 1], people.until[borrower - 1]
    latest = np.where(np.isnat(left), np.datetime64("2026-06-25"), left)
    drawn = working_days(rng, "2022-01-01", "2026-06-25", count)
    is_outside = (drawn < since) | (drawn > latest)
    drawn = np.where(is_outside, since + ((latest - since).astype(np.int64) * rng.random(count)).astype(np.int64), drawn)
    due = drawn + np.array([180, 365, 730, 1095, 1825])[weighted(rng, [10, 50, 15, 20, 5], count)]
    late = (AS_OF - due).astype(np.int64)
    is_bad = (rng.random(count) < 0.35) & np.isnat(left)
    overdue = np.where((late > 0) & is_bad & (late < 720), late, 0)
    paid_off = ((late > 0) & (overdue == 0)) | ~np.isnat(left)
    balance = np.where(paid_off, 0, np.where(rng.random(count) < 0.6, amount, amount * rng.integers(1, 10, count) // 10))
    rating = np.searchsorted([1, 91, 181, 361], overdue, side="right")
    rating = np.where((overdue == 0) & (rng.random(count) < 0.03), 1, rating)
    return {
        "borrower_id": borrower, "amount": amount, "balance": balance, "drawn": drawn, "due": due,
        "overdue_days": overdue, "rating": chosen(["normal", "special_mention", "substandard", "doubtful", "loss"], rating),
        "repayment_source_id": np.zeros(count, np.int64), "repayment_kind": pa.nulls(count, pa.string()),
    }  # fmt: skip


def guarantees(rng: np.random.Generator, people: Population, loan: np.ndarray, borrower: np.ndarray, amount: np.ndarray, count: int) -> Columns:
    """Guarantees of the loans given (ids, borrowers, amounts in cents) by enterprises and persons; one in eight has ended."""
    pick = rng.integers(0, len(loan), count)
    guarantor = people.some_enterprises(rng, count, 0.6)
    is_person = (rng.random(count) < 0.35) | (guarantor == borrower[pick])
    since = days(rng, "2022-01-01", "2026-05-31", count)
    until = since + rng.integers(200, 1500, count)
    until = np.where(rng.random(count) < 0.1, NEVER, until)
    return {
        "guarantor_enterprise_id": np.where(is_person, 0, guarantor), "guarantor_person_id": np.where(is_person, people.some_persons(rng, count), 0),
        "borrower_id": borrower[pick], "loan_id": np.where(rng.random(count) < 0.9, loan[pick], 0),
        "amount": amount[pick] * rng.integers(3, 11, count) // 10, "from_date": since, "to_date": until,
    }  # fmt: skip


def bills(rng: np.random.Generator, people: Population, count: int) -> Columns:
    issued = working_days(rng, "2025-01-01", "2026-06-26", count)
    return {
        "drawer_id": people.some_enterprises(rng, count, 0.5), "acceptor_id": people.some_enterprises(rng, count, 1.0),
        "discounter_id": np.where(rng.random(count) < 0.6, people.some_customers(rng, count), 0), "amount": heavy(rng, count, 400_000, 1.1, 1_000),
        "issued": issued, "due": issued + np.array([90, 180, 365])[weighted(rng, [2, 6, 2], count)],
    }  # fmt: skip


def products() -> Columns:
    code, name, category, risk = zip(*words.PRODUCTS, strict=True)
    return {"code": list(code), "name": list(name), "category": list(category), "risk_level": list(risk)}


# Products that go together: who holds the first has the second at these odds.
_TOGETHER = {"005001": ("005002", 0.7), "002001": ("003001", 0.5), "001006": ("006001", 0.55), "004001": ("005004", 0.4), "002006": ("004003", 0.35)}


def holdings(rng: np.random.Generator, people: Population, count: int) -> Columns:
    """Popular products dominate; some products bring others along (`_TOGETHER`), so that association rules exist."""
    place = {code: number for number, (code, *_) in enumerate(words.PRODUCTS)}
    product = np.minimum(rng.geometric(0.09, count) - 1, len(words.PRODUCTS) - 1)
    product = rng.permutation(len(words.PRODUCTS))[product]
    customer = people.some_customers(rng, count, 0.5, reserved_too=True)
    for first, (second, odds) in _TOGETHER.items():
        led = np.flatnonzero(product[:-1] == place[first])
        led = led[rng.random(len(led)) < odds]
        customer[led + 1], product[led + 1] = customer[led], place[second]
    since = days(rng, "2018-01-01", "2026-06-20", count)
    until = np.where(rng.random(count) < 0.25, np.minimum(since + rng.integers(30, 1800, count), AS_OF), NEVER)
    balance = np.where(np.isnat(until), heavy(rng, count, 300_000, 1.8), 0)
    return {"customer_id": customer, "product_id": product + 1, "from_date": since, "to_date": until, "balance": balance}


def payroll(rng: np.random.Generator, enterprise: np.ndarray, heads_first: np.ndarray, trend: np.ndarray, base: float) -> Columns:
    """24 months for each enterprise: heads from `heads_first` by a factor of `trend` over the series, with noise."""
    months = np.arange("2024-07", "2026-07", dtype="datetime64[M]")
    path = trend[:, None] ** (np.arange(24) / 23)[None, :]
    heads = np.maximum(np.rint(heads_first[:, None] * path * rng.normal(1, 0.015, path.shape)), 0).astype(np.int64)
    per_head = rng.normal(base, base * 0.2, len(enterprise)).clip(base / 3)
    amount = np.rint(heads * per_head[:, None] * 100).astype(np.int64)
    return {
        "enterprise_id": np.repeat(enterprise, 24), "month": np.tile(months, len(enterprise)).astype("datetime64[D]"),
        "heads": heads.ravel(), "amount": amount.ravel(),
    }  # fmt: skip


def government_records(rng: np.random.Generator, people: Population, count: int) -> Columns:
    entries = [(kind, text) for kind, texts in words.PENALTIES.items() for text in texts]
    entry = rng.integers(0, len(entries), count)
    amount = np.where(rng.random(count) < 0.85, heavy(rng, count, 30_000, 1.5), 0)
    return {
        "enterprise_id": people.some_enterprises(rng, count, 1.0), "kind": chosen([kind for kind, _ in entries], entry),
        "date": days(rng, "2021-01-01", "2026-06-28", count), "amount": amount, "text": chosen([text for _, text in entries], entry),
    }  # fmt: skip


def service_events(rng: np.random.Generator, people: Population, count: int) -> Columns:
    entries = [(kind, text) for kind, texts in words.SERVICE_EVENTS.items() for text in texts]
    entry = rng.integers(0, len(entries), count)
    return {
        "enterprise_id": people.some_customers(rng, count, 0.4, reserved_too=True), "kind": chosen([kind for kind, _ in entries], entry),
        "date": days(rng, "2023-01-01", "2026-06-30", count), "text": chosen([text for _, text in entries], entry),
    }  # fmt: skip


def campaigns(rng: np.random.Generator, count: int) -> Columns:
    since = days(rng, "2024-01-01", "2026-05-01", count)
    year = since.astype("datetime64[Y]").astype(str)
    return {"name": joined(pa.array(year), chosen(words.CAMPAIGNS, np.arange(count) % len(words.CAMPAIGNS))), "from_date": since, "to_date": since + 90}


def contacts(rng: np.random.Generator, people: Population, count: int, campaign_from: np.ndarray) -> Columns:
    campaign = rng.integers(0, len(campaign_from), count)
    date = np.minimum(campaign_from[campaign] + rng.integers(0, 90, count), AS_OF)
    outcome = chosen(["no_answer", "declined", "interested", "signed"], weighted(rng, [35, 30, 25, 10], count))
    return {"campaign_id": campaign + 1, "enterprise_id": 1 + rng.integers(0, people.enterprises, count), "date": date, "outcome": outcome}


def leads(rng: np.random.Generator, people: Population, count: int) -> Columns:
    status = weighted(rng, [25, 30, 45], count)
    outcome = np.where(status == 2, weighted(rng, [4, 6], count), 2)
    return {
        "enterprise_id": 1 + rng.integers(0, people.enterprises, count), "account_manager_id": 1 + rng.integers(0, people.account_managers, count),
        "created": days(rng, "2025-01-01", "2026-06-30", count), "status": chosen(["open", "in_progress", "closed"], status),
        "outcome": chosen(["won", "lost", None], outcome),
    }  # fmt: skip


def bank_capital(tier1: float, quarters: int) -> Columns:
    """Net tier-1 capital at the quarters' ends up to the as-of date, growing by 2 % a quarter to `tier1` yuan."""
    months = np.datetime64("2026-07", "M") - 3 * np.arange(quarters)[::-1]
    yuan = np.rint(tier1 / 1.02 ** np.arange(quarters)[::-1]).astype(np.int64)
    return {"date": months.astype("datetime64[D]") - 1, "net_tier1": yuan * 100}
