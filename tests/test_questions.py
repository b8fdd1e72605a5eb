"""The thirty-five questions: each has a query, each query is shown somehow and has its answer on the sample, and docs/questions.md says so."""

import re
from pathlib import Path

import pytest

from kg import saved_queries
from kg.project import Project

ROOT = Path(__file__).parents[1]
QUERIES = {query.key.removeprefix("bank/"): query for query in saved_queries.load(Project.load(ROOT))}
ROWS = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "questions.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_questions_are_numbered_from_1_to_35():
    assert [int(number) for number, *_ in ROWS] == list(range(1, 36))


@pytest.mark.parametrize(("number", "question", "names", "shown"), ROWS, ids=[row[0] for row in ROWS])
def test_a_question_names_queries_that_are_there_and_how_they_are_shown(number, question, names, shown):
    named = re.findall(r"`([\w/-]+)`", names)
    assert named, f"question {number} has no query"
    assert set(re.findall(r"\w+", shown)) == {QUERIES[name].show.kind for name in named}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_in_two_languages_and_is_in_the_list(name):
    assert set(QUERIES[name].questions) >= {"en", "zh"}
    if QUERIES[name].domain == "bank":
        listed, _, measured = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8").partition("## What is measured")
        assert f"`{name}`" in listed + measured
        assert (ROOT / QUERIES[name].file).with_suffix(".csv").exists() or f"`{name}`" in measured
