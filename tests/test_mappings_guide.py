"""The examples of mappings/README.md run and make what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kg.mapping import load_sources, materialize
from kg.store import Store

GUIDE = (Path(__file__).parents[1] / "mappings/README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(?:`([^`\n]+)`|(It makes)):\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[dict[str, str], str]]:
    """(files, N-Quads) of each example, in their order."""
    found, files = [], {}
    for name, _, content in BLOCK.findall(GUIDE):
        if name:
            files[name] = content
        else:
            found.append((files, content))
            files = {}
    return found


@pytest.mark.parametrize(("files", "quads"), examples(), ids=[next(name for name in files if name.endswith(".ttl")) for files, _ in examples()])
def test_an_example_makes_what_it_says(files: dict[str, str], quads: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    toml = tmp_path / "sources.toml"
    mapping = next(path for path in tmp_path.glob("*.ttl"))
    with Store.memory() as store:
        materialize(store, mapping, load_sources(toml if toml.exists() else None), base="http://example.org/")
        rows = store.connection.execute("SELECT s, p, o FROM quads").fetchall()
        terms = store.decode({term for row in rows for term in row})
        made = sorted(" ".join(str(terms[term]) for term in row) + " ." for row in rows)
    assert made == sorted(quads.splitlines())


def test_the_guide_has_examples_of_tables_and_of_files() -> None:
    names = {name for files, _ in examples() for name in files}
    assert {"rates.r2rml.ttl", "branches.rml.ttl", "sources.toml"} <= names
