"""The server over HTTP: point look-ups, search as you type, a long answer and the memory it takes, and many readers while builds publish."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psutil

from benchmarks import soak
from benchmarks.children import ROOT, MeasurementFailed, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace

_TIMEOUT = 3600
_NAMED = "SELECT ?name ?code { enterprise:{} rdfs:label ?name ; bank:hasCreditCode ?code }"
_ALL = "SELECT ?property ?value { enterprise:{} ?property ?value }"
_LONG = "SELECT ?transfer ?payer ?date { ?transfer bank:hasPayer ?payer ; core:happensOn ?date }"
_WRITTEN = "SELECT ?transfer ?amount ?purpose { ?transfer core:hasAmount ?amount ; bank:hasPurpose ?purpose }"
_TYPED = "苏州金塔|建设有限公司|中国|投资|王建国|控股|hotel|special deposit"


@contextmanager
def server(project: Path) -> Iterator[tuple[str, psutil.Process]]:
    """`kg serve` over a project: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "kg", "serve", "--port", str(port)], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=soak.environment())  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=10).close()
            return
        except OSError:
            time.sleep(0.1)
    raise MeasurementFailed("kg serve did not start")


class _Peak:
    """The most resident memory of a process while a block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._done = process, Event()
        self.bytes = 0

    def __enter__(self) -> _Peak:
        self._thread = Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def built_project(place: Workplace, scale: float) -> Path:
    """The whole bank, built; an earlier build of it is brought up to date."""
    project = place.folder / f"project-full-scale{scale:g}"
    if not (project / "store" / "CURRENT").exists():
        project = place.project(project.name, place.bank(scale))
    measure(sys.executable, ["-m", "kg", "build"], project, _TIMEOUT)
    return project


def measure_serving(place: Workplace, report: Report, scale: float, seconds: float) -> None:
    """Figures of the server over the bank, each by clients in a process of their own."""
    project, enterprises = built_project(place, scale), int(100_000 * scale)

    def clients(*arguments: object) -> dict[str, float]:
        return measure(sys.executable, ["-m", "benchmarks.clients", *arguments], ROOT, _TIMEOUT).found

    with server(project) as (address, process):
        idle = process.memory_info().rss
        report.add(Figure("http.idle", idle / 1e6, "MB"))
        cold = clients("lookups", address, _NAMED, enterprises, 8, seconds)
        report.add(Figure("http.lookup.cold.rate", cold["rate"], "1/s", f"8 clients of a server just started; p50 {cold['p50']:.1f} ms"))
        time.sleep(seconds / 2)  # by now it has been asked so often that it sorts its quads, which goes on in the background
        for name, query, what in (("lookup", _NAMED, "two properties"), ("describe", _ALL, "all properties")):
            one = clients("lookups", address, query, enterprises, 1, seconds)
            report.add(Figure(f"http.{name}.p50", one["p50"], "ms", f"one client, {what} of a random thing; p95 {one['p95']:.1f} ms"))
            many = clients("lookups", address, query, enterprises, 8, seconds)
            report.add(Figure(f"http.{name}.rate", many["rate"], "1/s", f"8 clients, p50 {many['p50']:.1f} ms, p95 {many['p95']:.1f} ms"))
        typed = clients("searches", address, _TYPED, 1, seconds)
        report.add(Figure("http.search.p95", typed["p95"], "ms", f"as you type, p50 {typed['p50']:.1f} ms"))
        before = process.memory_info().rss
        for name, query, format in (("ids", _LONG, "csv"), ("texts", _WRITTEN, "csv"), ("ids", _LONG, "json"), ("ids", _LONG, "tsv")):
            with _Peak(process) as peak:
                long = clients("download", address, query, format)
            what = f"{long['rows']:,.0f} rows, first bytes after {long['first'] * 1000:.0f} ms, {(peak.bytes - idle) / 1e6:.0f} MB above idle"
            report.add(Figure(f"http.{format}.{name}", long["rows"] / long["seconds"], "rows/s", what))
        report.add(Figure("http.before-downloads", (before - idle) / 1e6, "MB above idle"))


def measure_soak(place: Workplace, report: Report, scale: float, seconds: float, clients: int = 32) -> None:
    """Many readers of one server while build after build publishes a new version: every answer must be of one version."""
    project = place.project("project-soak", place.bank(scale), rules=())
    measure(sys.executable, ["-m", "kg", "build"], project, _TIMEOUT)
    with server(project) as (address, process):
        outcome = soak.run(address, project, "bank", clients, seconds)
        memory = process.memory_info().rss
    if outcome.errors or outcome.torn:
        raise MeasurementFailed(f"{len(outcome.errors)} errors and {len(outcome.torn)} torn reads: {[*outcome.errors, *outcome.torn][:3]}")
    report.add(Figure("soak.reads", outcome.reads, "answers", f"{clients} clients, {outcome.builds} builds published, {seconds:.0f} s: no error, no torn read"))
    report.add(Figure("soak.versions", outcome.versions, "seen"))
    report.add(Figure("soak.memory", memory / 1e6, "MB"))
