"""The wheel: installed alone in an empty place, it makes, builds and asks a project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the package as its wheel holds it, apart from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True, timeout=300)
    (wheel,) = folder.glob("guanxi-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True, timeout=300)
    return folder


def run(installed: Path, *arguments: str, cwd: Path) -> str:
    process = subprocess.run(
        [sys.executable, "-m", "kg", *arguments], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=300,
        env=os.environ | {"PYTHONPATH": str(installed / "site"), "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_the_content_travels_in_the_wheel(installed, tmp_path):
    where = subprocess.run(
        [sys.executable, "-c", "import kg; print(kg.__file__)"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(installed / "site")},
    ).stdout  # fmt: skip
    assert str(installed) in where
    run(installed, "init", "mybank", cwd=tmp_path)
    assert "Version 1 is current." in run(installed, "build", cwd=tmp_path / "mybank")
    assert run(installed, "query", "joint-controllers", "--format", "csv", cwd=tmp_path / "mybank").count("\n") > 1
