"""One conclusion of every rule of the sample bank: told in both languages, in words, and down to the rows of the sources."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg import KnowledgeGraph
from kg.explain import Proof

ROOT = Path(__file__).parents[1]
# What nobody says aloud: IRIs, blank nodes, variables, prefixed names, the places of a sentence that were not filled.
_RAW = re.compile(r"https?://|_:|\?\w|\{\w+\}|\b(?:bank|core|id|enterprise|person|code|item|parameter|rdf|rdfs|xsd|rule):\w|SAMETERM|<[a-z]+:")


@pytest.fixture(scope="module")
def proofs(tmp_path_factory) -> dict[str, Proof]:
    """By the rule's name, of a conclusion in the middle of them all; every rule is there that concludes anything of the sample."""
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(ROOT / "kg.toml", folder)
    for part in ("ontology", "mappings", "rules", "queries"):
        (folder / part).symlink_to(ROOT / part, target_is_directory=True)
    with KnowledgeGraph.open(folder) as graph:
        graph.build(only="map")
        graph.build(only="infer")
        run, found = graph.store.cursor().execute, {}
        for number, iri in run("SELECT rule, iri FROM rules ORDER BY rule").fetchall():
            rows = run(f"SELECT s, p, o FROM quads WHERE rule = {number} AND NOT again ORDER BY s, p, o").fetchall()
            if rows:
                terms = graph.store.decode(rows[len(rows) // 2])
                found[iri.rpartition("/")[2]] = graph.explain(*(terms[term] for term in rows[len(rows) // 2]))
        assert len(found) >= 65
        yield found


def steps(proof: Proof) -> Iterator[Proof]:
    yield proof
    for below in proof.below():
        yield from steps(below)


def test_every_step_has_a_sentence_in_english_and_in_chinese(proofs):
    lacking = {step.rule_name for proof in proofs.values() for step in steps(proof) if step.kind == "inferred" and not {"en", "zh"} <= {*step.says} | ({"en"} if "" in step.says else set())}
    assert not lacking


def test_every_proof_ends_in_rows_of_the_sources_or_in_a_file_of_the_project(proofs):
    for name, proof in proofs.items():
        leaves = [step for step in steps(proof) if step.kind == "asserted"]
        assert any(leaf.sources for leaf in leaves), name
        nowhere = [str(leaf.triple) for leaf in leaves if not leaf.sources and not any("/graph/ontology/" in graph for graph in leaf.graphs)]
        assert not nowhere, name
        assert all(row.file and row.line for leaf in leaves for row in leaf.sources), name
        assert not [step for step in steps(proof) if step.kind == "cut"], name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_proof_shows_what_nobody_says_aloud(proofs, language):
    raw = {}
    for name, proof in proofs.items():
        lines = [line for line in proof.text(language).splitlines() if not line.lstrip().startswith("←")]
        raw |= {f"{name}: {found[0]}": line for line in lines if (found := _RAW.search(line))}
    assert not raw


def test_a_chinese_proof_has_chinese_predicates(proofs):
    english = re.compile(r"(?<![\w-])(?:is|has|of|controls|stated|because|by rule)(?![\w-])")
    lines = [line for proof in proofs.values() for line in proof.text("zh").splitlines() if not line.lstrip().startswith("←")]
    assert not [line for line in lines if english.search(line)]


def test_pages_and_documents_of_them_are_whole(proofs):
    for name, proof in proofs.items():
        page = proof.html("zh")
        assert page.count("<li>") == page.count("</li>") and 'lang="zh"' in page, name
        assert proof.as_dict()["rule"].endswith(name)
        assert len(proof.provenance()) > len(list(steps(proof))), name
