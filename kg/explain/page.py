"""A proof as an HTML page of its own: nested lists that fold without script, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape

from kg.explain.text import author, row_text, sentence
from kg.explain.words import WORDS


def page(proof: Any, language: str) -> str:
    """The whole document; `language` is one of those of `words.py`."""
    words = WORDS[language]

    return _template().render(
        root=proof,
        language=language,
        words=words,
        reasons=lambda step: step.reasons(language),
        absences=lambda step: [words["absent_data" if data_only else "absent"].format(what=what) for what, data_only in step.absences(language)],
        graph=lambda iri: proof.names.graph(iri) or words["default"],
        says=lambda step: sentence(step, language) if step.kind == "inferred" else None,
        fact=lambda step: proof.names.triple(step.triple, language),
        row=lambda row: row_text(row, words),
        author=lambda step: author(step, words),
    )


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html")
