"""The notebook in which patterns write their rows: entities reserved for them, and the truth that follows from them.

A pattern is a function of a `Planting`. It may use no entity of another pattern, so that its truth holds by
construction; rows of the background never touch a reserved entity.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks.generator import vocabulary as words


class Party(NamedTuple):
    """An enterprise or a person, by its id."""

    kind: str
    id: int

    @property
    def columns(self) -> tuple[int, int]:
        """The pair of columns (enterprise id, person id) of which one is filled."""
        return (self.id, 0) if self.kind == "enterprise" else (0, self.id)


@dataclass
class Company:
    """What a pattern fixes of an enterprise; the rest is drawn like the background's."""

    trade: str | None
    industry: str
    region: str
    form: str
    full_name: str | None = None
    status: str = "active"
    customer_since: str | None = "2018-01-01"
    customer_until: str | None = None
    address: str | None = None
    phone: str | None = None
    founded: str = "2008-06-18"
    capital: float | None = None  # yuan, registered


@dataclass
class Planting:
    """Rows (without id) per table, and truth per file, of all patterns planted so far."""

    rng: np.random.Generator
    tier1: float  # yuan, the bank's net tier-1 capital at the as-of date
    copy: int = 0
    companies: list[Company] = field(default_factory=list)
    people: list[str | None] = field(default_factory=list)
    rows: dict[str, list[tuple]] = field(default_factory=dict)
    truth: dict[str, list[tuple]] = field(default_factory=dict)
    _accounts: dict[Party, int] = field(default_factory=dict)
    _owned: set[int] = field(default_factory=set)
    _represented: set[int] = field(default_factory=set)
    _finished: int = 0

    def company(self, trade: str, industry: str = "F5211", region: str = "320500", form: str = words.LIMITED, **more) -> Party:
        """A new enterprise; its trade name is kept in the first copy only, later copies draw one."""
        if self.copy and form not in (words.STATE_BODY, words.NOMINEE):
            region = words.CITIES[int(self.rng.integers(len(words.CITIES)))][0]
        self.companies.append(Company(None if self.copy else trade, industry, region, form, **more))
        return Party("enterprise", len(self.companies))

    def person(self, name: str | None = None) -> Party:
        """A new person; as with companies, later copies draw the name."""
        self.people.append(None if self.copy else name)
        return Party("person", len(self.people))

    def row(self, table: str, *values: object) -> int:
        """Append a row without its id, and return the id that it will have."""
        rows = self.rows.setdefault(table, [])
        rows.append(values)
        return len(rows)

    def true(self, pattern: str, *values: object) -> None:
        """Append a row to the truth of `pattern`; parties are spread into kind and id, dates stay text."""
        flat = [part for value in values for part in (value if isinstance(value, Party) else (value,))]
        self.truth.setdefault(pattern, []).append(tuple(flat))

    def stake(self, holder: Party, company: Party, percent: float, votes: float | None = None,
              since: str = "2016-03-01", until: str | None = None) -> int:  # fmt: skip
        """A shareholding; the votes are the capital's share unless given."""
        self._owned.add(company.id)
        if percent == 100 and self.companies[company.id - 1].form == words.LIMITED:
            self.companies[company.id - 1].form = words.ONE_PERSON if holder.kind == "person" else words.ONE_LEGAL_PERSON
        return self.row("shareholding", *holder.columns, company.id, percent, percent if votes is None else votes, since, until)

    def scattered(self, company: Party, *percents: float) -> None:
        """Small holders who hold nothing else."""
        for percent in percents:
            self.stake(self.person(), company, percent)

    def controls(self, owner: Party, company: Party, ground: str) -> None:
        self.true("control", owner, company.id, ground)

    def ultimate(self, owner: Party, *companies: Party) -> None:
        for company in companies:
            self.true("ultimate_controller", owner, company.id)

    def not_control(self, owner: Party, company: Party, reason: str) -> None:
        self.true("not_control", owner, company.id, reason)

    def concert(self, first: Party, second: Party, target: Party, item: str | int) -> None:
        """Two parties in concert over `target`; written once, the first by kind and id first."""
        first, second = sorted((first, second))
        self.true("concert", first, second, target.id, item)

    def post(self, person: Party, enterprise: Party, post: str, main: bool = True,
             since: str = "2017-05-10", until: str | None = None, nominator: Party | None = None) -> int:  # fmt: skip
        if post == "legal_representative":
            self._represented.add(enterprise.id)
        by = nominator.columns if nominator else (0, 0)
        return self.row("position", person.id, enterprise.id, post, main, since, until, *by)

    def kin(self, person: Party, relative: Party, kind: str) -> None:
        """`relative` is the `kind` of `person`, with the inverse row where it has a name."""
        inverse = {"parent": "child", "child": "parent", "spouse": "spouse", "sibling": "sibling"}.get(kind)
        self.row("kinship", person.id, relative.id, kind)
        if inverse:
            self.row("kinship", relative.id, person.id, inverse)

    def agreement(self, kind: str, parties: Iterable[Party], target: Party | None,
                  signed: str = "2023-04-12", expires: str | None = "2028-04-11") -> int:  # fmt: skip
        number = self.row("agreement", kind, target.id if target else 0, signed, expires)
        for party in parties:
            self.row("agreement_party", number, *party.columns)
        return number

    def rebuttal(self, first: Party, second: Party, target: Party, item: int, source: str) -> None:
        self.row("rebuttal", *first.columns, *second.columns, target.id, item, "2025-11-20", source)

    def account(self, owner: Party) -> int:
        """The account of a party, opened when first asked for."""
        if owner not in self._accounts:
            kind, opened, closed = "personal", "2018-02-08", None
            if owner.kind == "enterprise":
                company = self.companies[owner.id - 1]
                kind = "basic" if company.customer_since else "external"
                opened, closed = company.customer_since or opened, company.customer_until
            number = f"0032{owner.kind == 'person':d}{owner.id:011d}"
            self._accounts[owner] = self.row("account", *owner.columns, number, opened, closed, kind)
        return self._accounts[owner]

    def pay(self, payer: Party, payee: Party, amount: float, date: str, purpose: str) -> int:
        return self.row("transfer", self.account(payer), self.account(payee), amount, date, purpose)

    def invoice(self, seller: Party, buyer: Party, amount: float, date: str, void: bool = False) -> int:
        return self.row("invoice", seller.id, buyer.id, amount, date, void)

    def loan(self, borrower: Party, amount: float, balance: float | None = None, drawn: str = "2025-09-15",
             due: str = "2026-09-14", overdue: int = 0, source: Party | None = None, kind: str | None = None) -> int:  # fmt: skip
        rating = "normal" if not overdue else "special_mention" if overdue <= 90 else "substandard" if overdue <= 180 else "doubtful"
        return self.row("loan", borrower.id, amount, amount if balance is None else balance, drawn, due, overdue, rating, source.id if source else 0, kind)

    def guarantee(self, guarantor: Party, borrower: Party, amount: float, loan: int = 0,
                  since: str = "2025-03-01", until: str | None = "2028-02-29") -> int:  # fmt: skip
        return self.row("guarantee", *guarantor.columns, borrower.id, loan, amount, since, until)

    def finish_copy(self) -> None:
        """Give each company of this copy that has no shareholder a sole one, and each an account and a legal representative."""
        for number in range(self._finished + 1, len(self.companies) + 1):
            company = Party("enterprise", number)
            fixed = self.companies[number - 1]
            if fixed.form in (words.STATE_BODY, words.NOMINEE):
                continue
            self.account(company)
            representative = self.person()
            if number not in self._owned:
                self.stake(representative, company, 100, since=fixed.founded)
                self.controls(representative, company, "direct")
                self.ultimate(representative, company)
            if number not in self._represented:
                self.post(representative, company, "legal_representative", since=fixed.founded)
        self._finished = len(self.companies)
        self.copy += 1
