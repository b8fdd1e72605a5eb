"""Enterprises, persons and account managers: the reserved ones as their patterns want them, the others drawn."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.generator import vocabulary as words
from benchmarks.generator.calendar import NEVER, days
from benchmarks.generator.codes import credit_codes
from benchmarks.generator.planting import Company
from benchmarks.generator.tables import chosen, joined

_INDUSTRY_WORDS = {code: word for code, word, _ in words.INDUSTRIES} | {"C4090": "仪器", "J6739": "", "S9221": "国有资产监督管理委员会"}
_CITY_NAMES = {code: name for code, name, _ in words.CITIES} | {words.HONG_KONG[0]: words.HONG_KONG[1]}


@dataclass(frozen=True)
class Population:
    """What the tables of relations need to know of the entities; background ids are those after the reserved ones."""

    enterprises: int
    persons: int
    reserved_enterprises: int
    reserved_persons: int
    account_managers: int
    founded: np.ndarray  # by enterprise id - 1
    since: np.ndarray
    until: np.ndarray
    sole: np.ndarray  # 1 where the legal form allows but one person as holder, 2 where but one enterprise, else 0

    @property
    def is_customer(self) -> np.ndarray:
        """By enterprise id - 1: present and former customers."""
        return ~np.isnat(self.since)

    def some_enterprises(self, rng: np.random.Generator, count: int, skew: float = 0.0) -> np.ndarray:
        """Ids of background enterprises; with `skew` > 0 some come far more often than others."""
        return self.reserved_enterprises + 1 + skewed(rng, self.enterprises - self.reserved_enterprises, count, skew)

    def some_persons(self, rng: np.random.Generator, count: int, skew: float = 0.0) -> np.ndarray:
        return self.reserved_persons + 1 + skewed(rng, self.persons - self.reserved_persons, count, skew)

    def some_customers(self, rng: np.random.Generator, count: int, skew: float = 0.0, reserved_too: bool = False) -> np.ndarray:
        """Ids of customers, present and former; those reserved only on request, for rows on which no pattern rests."""
        customers = np.flatnonzero(self.is_customer) + 1
        if not reserved_too:
            customers = customers[customers > self.reserved_enterprises]
        return customers[skewed(rng, len(customers), count, skew)]


def skewed(rng: np.random.Generator, size: int, count: int, skew: float) -> np.ndarray:
    """`count` numbers below `size`; the density falls as a power law in a scrambled order, so that hubs have any number."""
    if not skew:
        return rng.integers(0, size, count)
    rank = np.minimum((size * rng.random(count) ** (1 + skew)).astype(np.int64), size - 1)
    step = 7_919 if np.gcd(7_919, size) == 1 else 1
    return (rank * step + 13) % size


def weighted(rng: np.random.Generator, weights: list[int], count: int) -> np.ndarray:
    """Places drawn in proportion to whole-number weights."""
    return np.searchsorted(np.cumsum(weights), rng.integers(0, sum(weights), count), side="right")


def enterprise_columns(rng: np.random.Generator, planted: list[Company], count: int, managers: int, seed: int) -> dict[str, object]:
    """All columns of enterprise.csv: the first rows from `planted`, the rest drawn."""
    city = weighted(rng, [weight for *_, weight in words.CITIES], count)
    industry = weighted(rng, [weight for *_, weight in words.INDUSTRIES], count)
    form = weighted(rng, [weight for *_, weight in words.LEGAL_FORMS], count)
    trade = _trade_names(rng, count)
    names = joined(
        chosen([name for _, name, _ in words.CITIES], city), trade, chosen([word for _, word, _ in words.INDUSTRIES], industry),
        chosen([suffix for _, suffix, _ in words.LEGAL_FORMS], form),
    )  # fmt: skip
    regions = np.array([code for code, *_ in words.CITIES])[city]
    forms = np.array([code for code, *_ in words.LEGAL_FORMS])[form]
    founded = days(rng, "1993-01-01", "2025-12-31", count)
    since = np.minimum(founded + rng.integers(10, 3000, count), np.datetime64("2026-06-01"))
    since[rng.random(count) >= 0.6] = NEVER
    status = weighted(rng, [92, 5, 3], count)
    leaves = ~np.isnat(since) & ((rng.random(count) < 0.05) | (status == 1))
    until = np.where(leaves, days(rng, "2024-09-01", "2026-06-20", count), NEVER)
    since = np.where(until <= since, until - 200, since)
    founded = np.where(founded > since, since, founded)
    capital = np.rint(np.exp(rng.normal(1.2, 1.4, count))).clip(1, 500_000).astype(np.int64) * 50_000_000  # steps of 0.5 m yuan
    address = joined(
        chosen(words.STREETS, rng.integers(0, len(words.STREETS), count)), _numbers(rng, 1, 999, count), pa.scalar("号"),
        chosen(words.BUILDINGS, rng.integers(0, len(words.BUILDINGS), count)), _numbers(rng, 101, 2999, count), pa.scalar("室"),
    )  # fmt: skip
    phone = joined(chosen(["138", "139", "0512", "0510", "025", "021", "186"], rng.integers(0, 7, count)), _numbers(rng, 10_000_000, 99_999_999, count))
    manager = np.where(np.isnat(since), 0, 1 + rng.integers(0, managers, count))

    columns = {
        "name": names, "legal_form": pa.array(forms), "industry": chosen([code for code, *_ in words.INDUSTRIES], industry),
        "region": pa.array(regions), "registered_capital": capital, "founded": founded, "status": chosen(["active", "deregistered", "revoked"], status), "address": address,
        "phone": phone, "customer_since": since, "customer_until": until, "account_manager": manager,
    }  # fmt: skip
    columns = _with_planted(columns, planted, trade)
    prefix = np.where(np.isin(columns["legal_form"].to_numpy(zero_copy_only=False), [words.STATE_BODY]), "11", "91")
    region = columns["region"].to_pylist()
    is_new = columns["founded"] >= np.datetime64("2015-10-01")
    columns["credit_code"] = credit_codes(np.arange(1, count + 1), region, prefix, is_new, seed)
    return columns


def sole_holders(forms: pa.Array) -> np.ndarray:
    """The `sole` column of a `Population`, from legal forms."""
    codes = forms.to_numpy(zero_copy_only=False)
    return np.select([codes == words.ONE_PERSON, codes == words.ONE_LEGAL_PERSON], [1, 2], 0)


def _with_planted(columns: dict[str, object], planted: list[Company], trade: pa.Array) -> dict[str, object]:
    """The drawn columns with their first rows replaced by what the patterns fixed."""
    head = len(planted)
    drawn_trade = trade.slice(0, head).to_pylist()
    drawn_address, drawn_phone = columns["address"].slice(0, head).to_pylist(), columns["phone"].slice(0, head).to_pylist()
    texts = {
        "name": [company.full_name or _planted_name(company, drawn) for company, drawn in zip(planted, drawn_trade, strict=True)],
        "legal_form": [company.form for company in planted],
        "industry": [company.industry for company in planted],
        "region": [company.region for company in planted],
        "status": [company.status for company in planted],
        "address": [company.address or drawn for company, drawn in zip(planted, drawn_address, strict=True)],
        "phone": [company.phone or drawn for company, drawn in zip(planted, drawn_phone, strict=True)],
    }
    replaced = dict(columns)
    for name, values in texts.items():
        replaced[name] = pa.concat_arrays([pa.array(values, pa.string()), columns[name].cast(pa.string()).slice(head)])
    for name in ("founded", "customer_since", "customer_until"):
        dates = columns[name].copy()
        dates[:head] = [np.datetime64(getattr(company, name) or "NaT", "D") for company in planted]
        replaced[name] = dates
    capital = columns["registered_capital"].copy()
    for place, company in enumerate(planted):
        if company.capital is not None:
            capital[place] = round(company.capital * 100)
    replaced["registered_capital"] = capital
    manager = columns["account_manager"].copy()
    is_customer = ~np.isnat(replaced["customer_since"][:head])
    manager[:head] = np.where(is_customer, np.arange(head) % 20 + 1, 0)
    replaced["account_manager"] = manager
    return replaced


def _planted_name(company: Company, drawn: str) -> str:
    city = _CITY_NAMES.get(company.region, "")
    return f"{city}{company.trade or drawn}{_INDUSTRY_WORDS.get(company.industry, '实业')}{words.SUFFIXES[company.form]}"


def _trade_names(rng: np.random.Generator, count: int) -> pa.Array:
    third = rng.integers(0, len(words.TRADE_THIRD), count)
    return joined(
        chosen(words.TRADE_FIRST, rng.integers(0, len(words.TRADE_FIRST), count)),
        chosen(words.TRADE_SECOND, rng.integers(0, len(words.TRADE_SECOND), count)),
        chosen([*words.TRADE_THIRD, ""], np.where(rng.random(count) < 0.35, third, len(words.TRADE_THIRD))),
    )


def person_names(rng: np.random.Generator, planted: list[str | None], count: int, kin: np.ndarray) -> pa.Array:
    """Names by the frequencies of surnames; of each pair (row, row) in `kin` the second takes the first's surname."""
    surname = weighted(rng, [int(weight) for weight in words.SURNAMES.values()], count)
    surname[kin[:, 1]] = surname[kin[:, 0]]
    whole = (rng.geometric(0.04, count) - 1) % len(words.GIVEN_WHOLE)
    built = joined(
        chosen(words.GIVEN_FIRST, rng.integers(0, len(words.GIVEN_FIRST), count)),
        chosen(words.GIVEN_SECOND, rng.integers(0, len(words.GIVEN_SECOND), count)),
    )
    given = pa.compute.if_else(pa.array(rng.random(count) < 0.35), chosen(words.GIVEN_WHOLE, whole), built)
    names = joined(chosen(list(words.SURNAMES), surname), given)
    head = [name or drawn for name, drawn in zip(planted, names.slice(0, len(planted)).to_pylist(), strict=True)]
    return pa.concat_arrays([pa.array(head, pa.string()), names.slice(len(planted))])


def _numbers(rng: np.random.Generator, low: int, high: int, count: int) -> pa.Array:
    return pa.array(rng.integers(low, high, count)).cast(pa.string())
