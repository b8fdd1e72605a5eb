"""Clients of a server, in a process of their own: python -m benchmarks.clients FUNCTION ADDRESS … prints its findings as JSON."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode, urlsplit

JSON = {"Accept": "application/sparql-results+json"}


class Client:
    """One kept-alive connection."""

    def __init__(self, address: str, timeout: float = 120) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout)

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """The body; ConnectionError for any status but 200, and IncompleteRead where the answer breaks off."""
        self._connection.request("GET", path, headers=headers or {})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ConnectionError(f"{response.status} for {path}: {body[:300].decode(errors='replace')}")
        return body

    def select(self, query: str) -> list[dict[str, dict[str, str]]]:
        return json.loads(self.get("/sparql?" + urlencode({"query": query}), JSON))["results"]["bindings"]

    def pieces(self, path: str, headers: dict[str, str], size: int = 1 << 20) -> Iterator[bytes]:
        """The body as it comes."""
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise ConnectionError(f"{response.status} for {path}: {response.read(300).decode(errors='replace')}")
        while piece := response.read(size):
            yield piece


def lookups(address: str, query: str, most: str, clients: str, seconds: str) -> dict[str, float]:
    """Ask a query of random things, whose number stands for `{}`: requests a second, and milliseconds of the median and of one in twenty."""

    def ask(client: Client, chance: random.Random) -> None:
        text = query.replace("{}", str(chance.randint(1, int(most))))
        if not json.loads(client.get("/sparql?query=" + quote(text), JSON))["results"]["bindings"]:
            raise ConnectionError(f"no answer to {text}")

    return _measured(address, ask, int(clients), float(seconds))


def searches(address: str, texts: str, clients: str, seconds: str) -> dict[str, float]:
    """Search as if typing: every beginning of one of the texts."""
    words = texts.split("|")

    def ask(client: Client, chance: random.Random) -> None:
        word = chance.choice(words)
        client.get("/search?format=json&limit=8&q=" + quote(word[: chance.randint(1, len(word))]))

    return _measured(address, ask, int(clients), float(seconds))


def _measured(address: str, ask: Callable[[Client, random.Random], None], clients: int, seconds: float) -> dict[str, float]:
    took: list[list[float]] = [[] for _ in range(clients)]
    failures: list[str] = []
    warm = time.perf_counter() + min(1.0, seconds / 4)

    def run(number: int) -> None:
        client, chance = Client(address), random.Random(number)
        try:
            while (started := time.perf_counter()) < warm + seconds:
                ask(client, chance)
                if started >= warm:
                    took[number].append(time.perf_counter() - started)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(failures[0])
    everything = sorted(second for of_client in took for second in of_client)
    return {"rate": len(everything) / seconds, "p50": statistics.median(everything) * 1000, "p95": everything[int(len(everything) * 0.95)] * 1000}


def download(address: str, query: str, format: str) -> dict[str, float]:
    """Read a long answer: its rows, bytes and seconds, and the seconds to its first piece."""
    started = time.perf_counter()
    first, lines, size = 0.0, 0, 0
    for piece in Client(address).pieces("/sparql?" + urlencode({"query": query, "format": format}), {}):
        first = first or time.perf_counter() - started
        lines += piece.count(b"\n")
        size += len(piece)
    return {"rows": lines - 1, "bytes": size, "seconds": time.perf_counter() - started, "first": first}


if __name__ == "__main__":
    print(json.dumps({"lookups": lookups, "searches": searches, "download": download}[sys.argv[1]](*sys.argv[2:])))
