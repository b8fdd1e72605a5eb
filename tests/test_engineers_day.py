"""docs/engineers-day.md works as written: its files are written and its commands run, in order, in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "engineers-day.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:^`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CONTENT = ("ontology", "mappings", "rules", "queries", "measures")


@pytest.fixture
def project(tmp_path):
    """A copy of the project, and a `kg` that is this one's."""
    shutil.copy(ROOT / "kg.toml", tmp_path)
    for name in CONTENT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "kg").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kg "$@"\n', encoding="utf-8")
    (commands / "kg").chmod(0o755)
    return tmp_path


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("awk"), reason="bash or awk is not here")
def test_the_day_works_as_written(project):
    environment = os.environ | {"PATH": f"{project / 'commands'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    printed = ""
    for name, language, text in BLOCK.findall(PAGE):
        if name:
            path = project / name
            assert not path.exists(), f"{name} is there already: the page adds files"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif language == "sh":
            run = subprocess.run(["bash", "-e", "-c", text], cwd=project, env=environment, capture_output=True, text=True, timeout=1800)
            printed = run.stdout + run.stderr
            assert run.returncode == 0, f"{text}\n{printed}"
        else:
            for line in text.splitlines():
                assert line in printed, f"{line!r} is not in\n{printed}"


def test_the_page_covers_the_days_work():
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert headings == ["Add a column", "Add a term, and a threshold", "Add a rule", "Add a question", "Change a threshold", "Add a second domain"]
    assert {name.partition("/")[0] for name, *_ in BLOCK.findall(PAGE) if name} == {"mappings", "ontology", "rules", "queries"}
