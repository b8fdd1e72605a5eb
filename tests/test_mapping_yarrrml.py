"""YARRRML documents run as R2RML and RML do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kg import KnowledgeGraph
from kg.errors import MappingError
from kg.mapping import load_mapping
from tests.small_project import FILES

TREES = """
prefixes:
  garden: https://example.org/garden/ontology/
  xsd: http://www.w3.org/2001/XMLSchema#
mappings:
  tree:
    sources:
      - ['sample/tree.csv~csv']
    s: https://example.org/garden/id/tree/$(id)
    po:
      - [a, garden:Tree]
      - [garden:hasHeight, $(height), xsd:decimal]
"""


@pytest.fixture
def needs_yatter():
    try:
        import yatter  # noqa: F401
    except ImportError:
        if os.environ.get("KG_REQUIRE_OPTIONAL") == "1":
            raise
        pytest.skip("yatter is not installed")


def test_a_project_with_yarrrml_mappings_is_built(tmp_path: Path, needs_yatter, capfd):
    files = {name: text for name, text in FILES.items() if name != "mappings/garden/tree.r2rml.ttl"} | {"mappings/garden/tree.yarrrml.yml": TREES}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with KnowledgeGraph.open(tmp_path) as graph:
        report = graph.build()
        assert [step.name for step in report.steps if step.stage == "map"] == ["mappings/garden/tree.yarrrml.yml"]
        assert sorted(row[0].value for row in graph.query("SELECT ?h { ?t a g:Tree ; g:hasHeight ?h }")) == ["12.50", "30.00", "4.00"]
        assert not graph.build().is_changed
    assert "INFO" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [("mappings:\n  tree: [\n", "this is not YAML", 3), ("prefixes: {}\n", "has no mappings", None), ("mappings:\n  tree:\n    po: []\n", "cannot translate", None)],
)
def test_a_document_that_is_wrong_is_refused(tmp_path: Path, needs_yatter, text, says, line):
    (tmp_path / "t.yarrrml.yml").write_text(text)
    with pytest.raises(MappingError, match=says) as caught:
        load_mapping(tmp_path / "t.yarrrml.yml")
    assert caught.value.code == "M120" and caught.value.help and (line is None or caught.value.location.line == line)


def test_without_yatter_the_remedy_is_to_install_it(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yatter", None)
    (tmp_path / "t.yarrrml.yml").write_text(TREES)
    with pytest.raises(MappingError, match="is not installed") as caught:
        load_mapping(tmp_path / "t.yarrrml.yml")
    assert caught.value.code == "M121" and caught.value.help == "pip install guanxi[yarrrml]"
