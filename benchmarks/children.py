"""Measurements in processes of their own: wall clock, peak memory, and what the process found out."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


class MeasurementFailed(Exception):
    """A process that was measured failed, or took too long; the message has the end of its output."""


class TookTooLong(MeasurementFailed):
    """A process that was ended because its time was up."""


@dataclass(frozen=True)
class Measurement:
    """Wall clock seconds, processor seconds and peak resident bytes of the whole process; `found` is its last line, as JSON.

    The peak is never less than that of the process which measures (about 0.1 GB), from which it was forked.
    """

    seconds: float
    processor: float
    peak: int
    found: object


def measure(python: str | Path, arguments: list[object], folder: Path, timeout: float) -> Measurement:
    """Run `python arguments…` in `folder` and wait for it. Peak memory is that of its largest process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen([str(python), *map(str, arguments)], cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment)
        status, usage = _wait(process, started + timeout)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    if status != 0:
        what = "took too long" if status is None else "failed"
        raise (TookTooLong if status is None else MeasurementFailed)(f"{' '.join(map(str, arguments[:3]))} {what} after {seconds:.0f} s:\n{text[-2000:]}")
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, _json(text.splitlines()[-1]) if text else None)


def _wait(process: subprocess.Popen, deadline: float) -> tuple[int | None, object]:
    """The exit status (None after the deadline) and the resource usage, which only wait4 tells of one child alone."""
    while time.perf_counter() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        time.sleep(0.02)
    process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return None, usage


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
