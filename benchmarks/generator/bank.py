"""One bank from a seed: sizes, the reserved patterns, the everyday rows around them, files and truth."""

import csv
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchmarks.generator import background, vocabulary
from benchmarks.generator.entities import Population, enterprise_columns, person_names, sole_holders
from benchmarks.generator.patterns_concert import CONCERT_PATTERNS
from benchmarks.generator.patterns_control import CONTROL_PATTERNS
from benchmarks.generator.patterns_dependence import DEPENDENCE_PATTERNS, LIMIT_PATTERNS
from benchmarks.generator.patterns_money import MONEY_PATTERNS, TRUTH_HEADERS
from benchmarks.generator.patterns_ownership import OWNERSHIP_PATTERNS
from benchmarks.generator.patterns_warning import WARNING_PATTERNS
from benchmarks.generator.planting import Planting
from benchmarks.generator.shareholders import Owners, shareholding_columns
from benchmarks.generator.tables import TABLES, TableFile, as_columns, chosen

_CHUNK = 1_000_000  # rows made and written at a time
_PLANTED_ONLY = {"funding", "dependence_finding", "shareholder_meeting"}  # tables without everyday rows


@dataclass(frozen=True)
class Sizes:
    """Rows per table, planted ones included; `copies` of every pattern. The defaults are scale 1."""

    enterprise: int = 100_000
    person: int = 200_000
    shareholding: int = 300_000
    position: int = 250_000
    kinship: int = 100_000
    agreement: int = 3_000
    rebuttal: int = 300
    account: int = 160_000
    transfer: int = 1_000_000
    invoice: int = 300_000
    loan: int = 40_000
    guarantee: int = 30_000
    bill: int = 20_000
    holding: int = 200_000
    insured: int = 8_000  # enterprises with a series of 24 months
    funded: int = 5_000
    government_record: int = 20_000
    service_event: int = 30_000
    campaign: int = 40
    contact: int = 40_000
    lead: int = 15_000
    account_manager: int = 400
    quarters: int = 20
    copies: int = 20
    tier1: float = 20e9  # yuan; never below 8e9, so that no everyday loan is beyond 5 % of it

    @classmethod
    def at_scale(cls, scale: float) -> "Sizes":
        """Everything in proportion to `scale`, but the bank's quarters."""
        grown = {field.name: max(1, round(field.default * scale)) for field in fields(cls)}
        return cls(**(grown | {"quarters": 20, "tier1": max(8e9, grown["tier1"]), "campaign": max(10, grown["campaign"]), "account_manager": max(20, grown["account_manager"])}))

    @classmethod
    def sample(cls) -> "Sizes":
        """Each pattern once, and 20 to 300 rows a table."""
        return cls(
            enterprise=260, person=450, shareholding=440, position=320, kinship=44, agreement=24, rebuttal=20, account=270, transfer=260,
            invoice=230, loan=120, guarantee=80, bill=34, holding=120, insured=6, funded=5, government_record=40, service_event=40,
            campaign=20, contact=60, lead=40, account_manager=20, copies=1, tier1=8e9,
        )  # fmt: skip


def generate(folder: Path, sizes: Sizes, seed: int, report: Callable[[str, int, float], None] = lambda *_: None) -> None:
    """Write every table and `truth/` into `folder`; `report` is told each file's rows and seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    _Bank(folder, sizes, seed, report).write()


class _Bank:
    """What the steps of one run share. Each table draws from a stream of its own, named by seed and table."""

    def __init__(self, folder: Path, sizes: Sizes, seed: int, report: Callable[[str, int, float], None]):
        self._folder, self._sizes, self._seed, self._report = folder, sizes, seed, report
        self._plant = plant = Planting(self._random("planting"), sizes.tier1)
        for copy in range(sizes.copies):
            for pattern in (*CONTROL_PATTERNS, *MONEY_PATTERNS, *CONCERT_PATTERNS, *DEPENDENCE_PATTERNS, *OWNERSHIP_PATTERNS, *WARNING_PATTERNS, *LIMIT_PATTERNS):
                before = len(plant.companies), len(plant.people)
                pattern(plant)
                for kind, start, end in zip(("enterprise", "person"), before, (len(plant.companies), len(plant.people)), strict=True):
                    if end > start:
                        plant.true("reserved", pattern.__name__, kind, start + 1, end)
            before_people = len(plant.people)
            plant.finish_copy()
            assert plant.copy == copy + 1
            plant.true("reserved", "sole_owners_and_representatives", "person", before_people + 1, len(plant.people))

    def _random(self, *name: object) -> np.random.Generator:
        return np.random.default_rng([self._seed, *(zlib.crc32(str(part).encode()) for part in name)])

    def _left(self, table: str) -> int:
        """Rows of the table that the patterns have not written."""
        return max(0, getattr(self._sizes, table) - len(self._plant.rows.get(table, ())))

    def _write(self, table: str, *parts: object) -> list[np.ndarray]:
        """Planted rows, then the columns of each part; the ids of each part are returned."""
        start = time.perf_counter()
        with TableFile(self._folder, table) as file:
            planted = self._plant.rows.get(table, [])
            if planted:
                file.append(as_columns(table, planted))
            ids = [file.append(part() if callable(part) else part) for part in parts]
            self._report(f"{table}.csv", file.rows, time.perf_counter() - start)
        return ids

    def write(self) -> None:
        sizes, plant, random = self._sizes, self._plant, self._random
        enterprise = enterprise_columns(random("enterprise"), plant.companies, max(sizes.enterprise, len(plant.companies) + 20), sizes.account_manager, self._seed)
        people = Population(
            enterprises=len(enterprise["founded"]), persons=max(sizes.person, len(plant.people) + 20), reserved_enterprises=len(plant.companies),
            reserved_persons=len(plant.people), account_managers=sizes.account_manager, founded=enterprise["founded"],
            since=enterprise["customer_since"], until=enterprise["customer_until"], sole=sole_holders(enterprise["legal_form"]),
        )  # fmt: skip
        self._write("enterprise", enterprise)
        del enterprise
        self._write_people(people)
        self._write_ownership(people)
        self._write_money(people)
        self._write_credit(people)
        self._write_service(people)
        self._write_truth()

    def _write_people(self, people: Population) -> None:
        random = self._random
        kin = background.kinships(random("kinship"), people, self._left("kinship"))
        blood = np.isin(kin["kind"].to_numpy(zero_copy_only=False), ["parent", "child", "sibling"])
        pairs = np.stack([kin["person_id"][blood], kin["relative_id"][blood]], axis=1) - 1
        self._write("person", {"name": person_names(random("person"), self._plant.people, people.persons, pairs)})
        self._write("kinship", kin)
        managers = people.account_managers
        names = person_names(random("account_manager"), [], managers, np.empty((0, 2), np.int64))
        self._write("account_manager", {"name": names, "branch": chosen(vocabulary.BRANCHES, np.arange(managers) % len(vocabulary.BRANCHES))})

    def _write_ownership(self, people: Population) -> None:
        random = self._random
        first = people.reserved_enterprises + 1
        owners = Owners(first, people.enterprises, people.reserved_persons + 1, people.persons, people.founded[first - 1 :], people.sole[first - 1 :])
        stakes = shareholding_columns(random("shareholding"), owners, self._left("shareholding"))
        representative = np.zeros(owners.last - owners.first + 1, np.int64)
        held = np.isnat(stakes["to_date"]) & (stakes["holder_person_id"] > 0) & (random("representative").random(len(stakes["to_date"])) < 0.7)
        representative[stakes["company_id"][held] - owners.first] = stakes["holder_person_id"][held]
        self._write("shareholding", stakes)
        self._write("position", background.positions(random("position"), people, self._left("position"), representative))
        self._write("shareholder_meeting")
        agreements, parties = background.agreements(random("agreement"), stakes, self._left("agreement"))
        (number,) = self._write("agreement", agreements)
        self._write("agreement_party", parties | {"agreement_id": number[parties["agreement_id"]]})
        self._write("rebuttal", background.rebuttals(random("rebuttal"), stakes, self._left("rebuttal")))

    def _write_money(self, people: Population) -> None:
        random = self._random
        planted = len(self._plant.rows.get("account", ()))
        accounts = background.accounts(random("account"), people, self._left("account"), planted + 1)
        enterprises = int(np.count_nonzero(accounts["owner_enterprise_id"]))
        self._write("account", accounts)
        count = self._left("transfer")
        network = background.PaymentNetwork(random("network"), planted + 1, enterprises, accounts["closed"], count)
        del accounts
        chunks = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
        self._write("transfer", *(lambda n=n, size=size: network.transfers(random("transfer", n), size) for n, size in enumerate(chunks)))
        count = self._left("invoice")
        chunks = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
        self._write("invoice", *(lambda n=n, size=size: background.invoices(random("invoice", n), people, size) for n, size in enumerate(chunks)))

    def _write_credit(self, people: Population) -> None:
        random = self._random
        loans = background.loans(random("loan"), people, self._left("loan"))
        (loan,) = self._write("loan", loans)
        self._write("guarantee", background.guarantees(random("guarantee"), people, loan, loans["borrower_id"], loans["amount"], self._left("guarantee")))
        for table in ("funding", "dependence_finding"):
            self._write(table)
        self._write("bill", background.bills(random("bill"), people, self._left("bill")))
        self._write("product", background.products())
        self._write("holding", background.holdings(random("holding"), people, self._left("holding")))
        self._write("bank_capital", background.bank_capital(self._sizes.tier1, self._sizes.quarters))

    def _write_service(self, people: Population) -> None:
        random, sizes = self._random, self._sizes
        shape = random("payroll")
        background_size = people.enterprises - people.reserved_enterprises
        insured = people.reserved_enterprises + 1 + shape.permutation(background_size)[: min(sizes.insured, background_size)]
        heads = np.rint(np.exp(shape.normal(3.4, 1.2, len(insured)))).clip(1, 20_000)
        trend = np.exp(shape.normal(0.0, 0.35, len(insured)))
        self._write("social_insurance", background.payroll(random("social_insurance"), insured, heads, trend, 1_480))
        funded = slice(0, min(sizes.funded, len(insured)))
        self._write("housing_fund", background.payroll(random("housing_fund"), insured[funded], np.rint(heads[funded] * 0.9), trend[funded], 910))
        self._write("government_record", background.government_records(random("government_record"), people, self._left("government_record")))
        self._write("service_event", background.service_events(random("service_event"), people, self._left("service_event")))
        campaigns = background.campaigns(random("campaign"), sizes.campaign)
        self._write("campaign", campaigns)
        self._write("contact", background.contacts(random("contact"), people, sizes.contact, campaigns["from_date"]))
        self._write("lead", background.leads(random("lead"), people, sizes.lead))

    def _write_truth(self) -> None:
        folder = self._folder / "truth"
        folder.mkdir(exist_ok=True)
        start, rows = time.perf_counter(), 0
        for pattern, header in TRUTH_HEADERS.items():
            with (folder / f"{pattern}.csv").open("w", newline="", encoding="utf-8") as stream:
                stream.write(header + "\n")
                lines = sorted(set(self._plant.truth[pattern]), key=lambda row: tuple((isinstance(part, str), part) for part in row))
                csv.writer(stream, lineterminator="\n").writerows(lines)
                rows += len(lines)
        missing = self._plant.truth.keys() - TRUTH_HEADERS.keys()
        if missing:
            raise KeyError(f"patterns without a header in TRUTH_HEADERS: {sorted(missing)}")
        self._report("truth/*.csv", rows, time.perf_counter() - start)


assert {field.name for field in fields(Sizes)} >= TABLES.keys() - _PLANTED_ONLY - {"agreement_party", "product", "social_insurance", "housing_fund", "bank_capital"}
