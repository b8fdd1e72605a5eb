"""Random shareholdings: few holders for most companies, many for some; companies hold mostly younger ones, some in circles."""

from dataclasses import dataclass

import numpy as np

from benchmarks.generator.calendar import AS_OF, NEVER, days
from benchmarks.generator.entities import skewed

_WHOLE, _HUNDREDTH = 10_000, 100  # units of a stake: 1 % and 0.01 %, in ten-thousandths of a percent


@dataclass(frozen=True)
class Owners:
    """Who may hold and be held: companies `first`…`last`, persons `first_person`…`last_person`, all ids included."""

    first: int
    last: int
    first_person: int
    last_person: int
    founded: np.ndarray | None = None  # by company from `first`: no stake is older
    sole: np.ndarray | None = None  # by company: 1 for but one person as holder, 2 for but one company, else 0


def shareholding_columns(rng: np.random.Generator, owners: Owners, count: int, expired_share: float = 0.08) -> dict[str, np.ndarray]:
    """`count` stakes; the current ones of a company sum to at most 100 %. Rows are in the order of companies."""
    expired = int(count * expired_share)
    current = _current(rng, owners, count - expired)
    if not expired:
        return current
    ended = rng.integers(0, count - expired, expired)
    past = {column: values[ended].copy() for column, values in current.items()}
    past["holder_enterprise_id"], past["holder_person_id"] = _holders(rng, owners, past["company_id"], companies_share=0.2)
    lasted = (AS_OF - past["from_date"]).astype(np.int64)
    past["to_date"] = past["from_date"] + 1 + (lasted * rng.random(expired)).astype(np.int64)
    past["to_date"] = np.minimum(past["to_date"], AS_OF - 1)
    return {column: np.concatenate([current[column], past[column]]) for column in current}


def _current(rng: np.random.Generator, owners: Owners, count: int) -> dict[str, np.ndarray]:
    companies = owners.last - owners.first + 1
    sole = np.zeros(companies, np.int64) if owners.sole is None else owners.sole
    weight = np.where(sole > 0, 0, rng.pareto(1.6, companies) + 0.1)
    per_company = np.bincount(np.searchsorted(np.cumsum(weight), rng.random(max(count - companies, 0)) * weight.sum(), side="right"), minlength=companies)
    per_company[: min(count, companies)] += 1
    start = np.concatenate([[0], np.cumsum(per_company)[:-1]])
    company = np.repeat(np.arange(owners.first, owners.last + 1), per_company)

    unit = np.where((per_company <= 20) & (rng.random(companies) < 0.7), _WHOLE, _HUNDREDTH)
    total = 1_000_000 // unit
    raw = rng.exponential(1.0, count) ** 1.5
    share = raw / np.repeat(np.add.reduceat(raw, start[per_company > 0]), per_company[per_company > 0])
    units = 1 + np.floor(share * (np.repeat(total - per_company, per_company)) * 0.999999).astype(np.int64)
    listed = np.add.reduceat(units, start[per_company > 0])
    held = per_company > 0
    rest = np.where(rng.random(held.sum()) < 0.85, total[held] - listed, 0)
    units[start[held]] += rest
    percent = units * np.repeat(unit, per_company)

    votes = percent.copy()
    pair = np.flatnonzero((per_company >= 2) & (rng.random(companies) < 0.02))  # unequal votes: two holders swap theirs
    votes[start[pair]], votes[start[pair] + 1] = percent[start[pair] + 1], percent[start[pair]]
    enterprise, person = _holders(rng, owners, company, companies_share=0.25, sole=sole)
    return {
        "holder_enterprise_id": enterprise, "holder_person_id": person, "company_id": company, "capital_percent": percent,
        "voting_percent": votes, "from_date": _acquired(rng, owners, company), "to_date": np.full(count, NEVER),
    }  # fmt: skip


def _holders(
    rng: np.random.Generator, owners: Owners, company: np.ndarray, companies_share: float, sole: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Holders of each company: persons, and companies of a lower id (pyramids) or, for one in thirty, of any id (circles)."""
    count = len(company)
    place = company - owners.first
    below = (place * rng.random(count) ** 1.3).astype(np.int64)
    anywhere = rng.integers(0, owners.last - owners.first + 1, count)
    holder = np.where(rng.random(count) < 1 / 30, anywhere, below)
    is_company = rng.random(count) < companies_share
    if sole is not None:
        is_company = np.where(sole[place] > 0, sole[place] == 2, is_company)
        holder = np.where((sole[place] == 2) & (holder == place), (place + 1) % (owners.last - owners.first + 1), holder)
    is_company &= holder != place
    person = owners.first_person + skewed(rng, owners.last_person - owners.first_person + 1, count, 0.6)
    return np.where(is_company, owners.first + holder, 0), np.where(is_company, 0, person)


def _acquired(rng: np.random.Generator, owners: Owners, company: np.ndarray) -> np.ndarray:
    """Days on which stakes began: for six of ten the founding of the company, else any later day."""
    if owners.founded is None:
        return days(rng, "2005-01-01", "2026-05-31", len(company))
    founded = owners.founded[company - owners.first]
    age = (np.datetime64("2026-05-31") - founded).astype(np.int64)
    return founded + np.where(rng.random(len(company)) < 0.6, 0, (age * rng.random(len(company))).astype(np.int64))
