"""Readers beside builds: every build writes one and the same number under many things, so an answer with two numbers is torn."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.children import ROOT
from benchmarks.clients import Client

_THINGS = 500
_LEAST_BUILDS = 3  # however long they take
_ROUND = "urn:soak:round"
_GROUPED = f"SELECT ?round (COUNT(*) AS ?things) {{ ?thing <{_ROUND}> ?round }} GROUP BY ?round"
_LISTED = f"SELECT ?thing ?round {{ ?thing <{_ROUND}> ?round }}"


@dataclass
class Outcome:
    """What the readers met."""

    reads: int = 0
    builds: int = 0
    versions: int = 0
    errors: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)


def environment() -> dict[str, str]:
    """That of a command of this checkout, wherever it runs."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def write_round(project: Path, domain: str, number: int) -> None:
    """The content of a round; `kg build` publishes it."""
    text = "\n".join(f"<urn:soak:{thing}> <{_ROUND}> {number} ." for thing in range(_THINGS))
    (project / "ontology" / domain / "soak.ttl").write_text(text + "\n", encoding="utf-8")


def build(project: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "kg", "build", "--only", "ontology"], cwd=project, env=environment(), capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-500:])


def run(address: str, project: Path, domain: str, clients: int, seconds: float) -> Outcome:
    """Read with so many clients for so long, and until a few builds are done, while builds publish one after the other."""
    outcome, seen, lock = Outcome(), set(), threading.Lock()
    write_round(project, domain, 0)
    build(project)
    ends, done = time.monotonic() + seconds, threading.Event()

    def read(number: int) -> None:
        client, last, reads = Client(address), 0, 0
        try:
            while not done.is_set():
                if (number + reads) % 3:
                    rounds = {int(row["round"]["value"]): int(row["things"]["value"]) for row in client.select(_GROUPED)}
                else:
                    rows = client.select(_LISTED)
                    rounds = {int(row["round"]["value"]): len(rows) for row in rows}
                reads += 1
                found = max(rounds, default=-1)
                if rounds != {found: _THINGS} or found < last:
                    with lock:
                        outcome.torn.append(f"client {number} read {rounds} after round {last}")
                last = found
                with lock:
                    seen.add(found)
        except (OSError, http.client.HTTPException, ValueError) as error:
            with lock:
                outcome.errors.append(f"client {number}: {type(error).__name__} {error}")
        with lock:
            outcome.reads += reads

    readers = [threading.Thread(target=read, args=(number,)) for number in range(clients)]
    for reader in readers:
        reader.start()
    try:
        while time.monotonic() < ends or outcome.builds < _LEAST_BUILDS:
            outcome.builds += 1
            write_round(project, domain, outcome.builds)
            build(project)
        time.sleep(0.5)
    finally:
        done.set()
    for reader in readers:
        reader.join()
    outcome.versions = len(seen)
    return outcome
