"""SPARQL text to algebra: `parse_query`, `parse_update`, `parse_rules`, `parse_header`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from lark import Lark, Tree, UnexpectedInput

from kg.sparql.algebra import Query
from kg.sparql.source_text import SourceText, replace_word_escapes
from kg.sparql.syntax_errors import syntax_error
from kg.sparql.translate_queries import QueryTranslator

Result = TypeVar("Result")
_HEADER_LINE = re.compile(r"#\+\s*([\w@.-]+)\s*:\s*(.*?)\s*$")


def parse_query(
    text: str, base: str | None = None, prefixes: Mapping[str, str] | None = None, file: str | None = None
) -> Query:
    """The algebra of a SPARQL 1.1 query.

    `base` resolves relative IRIs until a BASE says otherwise; `prefixes` are declared beforehand.
    Raises QuerySyntaxError: Q100–Q109 for what is not SPARQL, Q120–Q129 for what its scope rules forbid.
    """
    source = SourceText(replace_word_escapes(text), file)
    tree = _parse(source, "query", "query")
    return _translate(source, QueryTranslator(source, base, dict(prefixes or {})).query, tree)


def parse_header(text: str) -> dict[str, str | list[str]]:
    """The `#+ key: value` lines at the top of a file, before the first line that is neither comment nor blank.

    Values are text as written; a key that stands twice has the list of its values.

    >>> parse_header("#+ question: Who?\\n#+ tag: a\\n#+ tag: b\\nSELECT …")
    {'question': 'Who?', 'tag': ['a', 'b']}
    """
    header: dict[str, str | list[str]] = {}
    for line in text.splitlines():
        line = line.strip().removeprefix("\ufeff")
        if line and not line.startswith("#"):
            break
        if match := _HEADER_LINE.match(line):
            key, value = match.groups()
            earlier = header.get(key)
            if earlier is None:
                header[key] = value
            else:
                header[key] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    return header


@lru_cache
def _grammar(name: str, start: str) -> Lark:
    """Built once a process, when first needed: about a third of a second."""
    folder = files("kg.sparql") / "grammar"
    text = "".join((folder / f"{part}.lark").read_text("utf-8") for part in ("patterns", name))
    return Lark(text, parser="lalr", lexer="contextual", start=start, maybe_placeholders=False)


def _parse(source: SourceText, name: str, start: str) -> Tree:
    source.check_limits()
    lark = _grammar(name, start)
    try:
        return lark.parse(source.text)
    except UnexpectedInput as failure:
        raise syntax_error(source, lark, failure) from None


def _translate(source: SourceText, translate: Callable[[Tree], Result], tree: Tree) -> Result:
    try:
        return translate(tree)
    except RecursionError:
        raise source.too_deep() from None
