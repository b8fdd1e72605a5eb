"""The peers' own virtual environments, made when first needed; what cannot be installed is skipped with its reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.children import ROOT

FOLDER = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).parent / "peers"
# Seconds that an installation may take before the peer counts as not installable.
_PATIENCE = 600


class PeerMissing(Exception):
    """A peer that is not there, and why."""


class Peers:
    """The interpreters of the peers, by the name of their requirements file."""

    def __init__(self, is_wanted: bool = True) -> None:
        self._is_wanted = is_wanted
        self._found: dict[str, Path | PeerMissing] = {}

    def python(self, name: str) -> Path:
        """The interpreter of a peer's environment; PeerMissing with the reason."""
        if not self._is_wanted:
            raise PeerMissing("skipped: --no-peers")
        if name not in self._found:
            try:
                self._found[name] = _prepared(name)
            except PeerMissing as missing:
                self._found[name] = missing
        found = self._found[name]
        if isinstance(found, PeerMissing):
            raise found
        return found


def _prepared(name: str) -> Path:
    requirements = REQUIREMENTS / f"{name}.txt"
    folder = FOLDER / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists() and ready.read_text() == requirements.read_text():
        return python
    _install(folder, requirements)
    ready.write_text(requirements.read_text())
    return python


def _install(folder: Path, requirements: Path) -> None:
    run_quietly([sys.executable, "-m", "venv", "--clear", folder])
    run_quietly([folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements])


def run_quietly(command: list[object]) -> None:
    """Run a command; PeerMissing with the last line that it printed where it fails."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"skipped: cannot be installed ({type(error).__name__})") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PeerMissing(f"skipped: cannot be installed ({lines[-1][:120] if lines else 'no message'})")
