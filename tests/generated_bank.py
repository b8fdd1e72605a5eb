"""Reading a generated bank in tests, and the least fixpoint of control in plain Python."""

import atexit
import csv
import shutil
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path

from benchmarks.generator import AS_OF, Sizes, generate

SAMPLE = Path(__file__).parents[1] / "mappings" / "bank" / "sample"


def rows(name: str, folder: Path = SAMPLE) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def truth(name: str, folder: Path = SAMPLE) -> set[tuple[str, ...]]:
    return {tuple(row.values()) for row in rows(f"truth/{name}", folder)}


def is_current(since: str, until: str) -> bool:
    """First and last day count."""
    return since <= str(AS_OF) and (not until or until >= str(AS_OF))


def party(row: dict[str, str], prefix: str) -> tuple[str, str]:
    enterprise = row[f"{prefix}enterprise_id"]
    return ("enterprise", enterprise) if enterprise else ("person", row[f"{prefix}person_id"])


def current_votes(folder: Path) -> dict[str, dict[tuple[str, str], float]]:
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


@cache
def several_copies() -> Path:
    """A bank with every pattern three times over, in variants that the sample does not have."""
    folder = Path(tempfile.mkdtemp(prefix="generated-bank-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate(folder, Sizes(**(vars(Sizes.at_scale(0.01)) | {"copies": 3})), seed=11)
    return folder


BANKS = {"sample": lambda: SAMPLE, "several copies": several_copies}
