"""Measurements in processes of their own: wall clock, peak memory, and what the process found out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
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
    """Wall clock seconds, processor seconds and peak resident bytes of the whole process; `found` is its last line, as JSON."""

    seconds: float
    processor: float
    peak: int
    found: object


def measure(python: str | Path, arguments: list[object], folder: Path, timeout: float) -> Measurement:
    """Run `python arguments…` in `folder` and wait for it. Peak memory is that of its largest process.

    This file starts it as a small process between: the kernel counts into a process's peak what the one had in memory that forked it.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile() as usage:
        command = [sys.executable, "-S", __file__, usage.name, str(python), *map(str, arguments)]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if is_late := process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
        used = _json(usage.read().decode()) or {}
    if is_late or used.get("status") != 0:
        what = "took too long" if is_late else "failed"
        raise (TookTooLong if is_late else MeasurementFailed)(f"{' '.join(map(str, arguments[:3]))} {what} (limit {timeout:.0f} s):\n{text[-2000:]}")
    return Measurement(used["seconds"], used["processor"], used["peak"], _json(text.splitlines()[-1]) if text else None)


def _run(report: str, *command: str) -> None:
    """Run the command in a child of this process, and write what it used to `report`."""
    started = time.perf_counter()
    _, status, usage = os.wait4(subprocess.Popen(command).pid, 0)
    seconds = time.perf_counter() - started
    status = os.waitstatus_to_exitcode(status)
    Path(report).write_text(json.dumps({"status": status, "seconds": seconds, "processor": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}))


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


if __name__ == "__main__":
    _run(*sys.argv[1:])
