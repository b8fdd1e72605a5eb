"""SPARQL text to algebra: `parse_query`, `parse_update`, `parse_rules`, `parse_header`.

The codes, Q for queries and updates, R for rules:

    100 not the grammar's words        101 too long                    102 nested too deeply
    103 prefix not declared            104 relative IRI without base   105 not an IRI
    106 not a literal or a character   107 wrong arguments             108 a property path where none can stand
    120 BIND of a variable in scope    121 AS of a variable in scope   122 blank node label used in two patterns
    123 SELECT * of groups             124 variable outside the group  125 aggregate where none can stand
    126 VALUES row of another length   127 variable in DATA            128 blank node in DELETE
    129 a name given twice             130 what a rule body cannot hold
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from lark import Lark, Tree, UnexpectedInput

from kg.sparql.algebra import Query, RuleSetText, Update
from kg.sparql.deadline import unlimited
from kg.sparql.header import parse_header
from kg.sparql.names import CALLBACKS
from kg.sparql.source_text import SourceText
from kg.sparql.syntax_errors import syntax_error
from kg.sparql.translate_queries import QueryTranslator
from kg.sparql.translate_rules import RuleTranslator
from kg.sparql.translate_updates import UpdateTranslator

__all__ = ["parse_header", "parse_query", "parse_rules", "parse_update"]

# Long chains (OPTIONAL … OPTIONAL …, a + b + c …) lie in each other in the algebra; every walk over it recurses.
MAX_DEPTH = 250
# A text of so many characters is parsed in some milliseconds; of longer ones the time is watched.
_LONG = 5_000

Result = TypeVar("Result")


def parse_query(
    text: str, base: str | None = None, prefixes: Mapping[str, str] | None = None, file: str | None = None, check: Callable[[], None] = unlimited
) -> Query:
    """The algebra of a SPARQL 1.1 query.

    `base` resolves relative IRIs until a BASE says otherwise; `prefixes` are declared beforehand. `check` is called all the
    while, and raises when the time is up. Raises QuerySyntaxError: Q100–Q108 for what is not SPARQL, Q120–Q129 for what its scope rules forbid.
    """
    source = SourceText.read(text, file, check=check)
    tree = _parse(source, "query", "query")
    return _translate(source, QueryTranslator(source, base, dict(prefixes or {})).query, tree)


def parse_update(
    text: str, base: str | None = None, prefixes: Mapping[str, str] | None = None, file: str | None = None, check: Callable[[], None] = unlimited
) -> Update:
    """The operations of a SPARQL 1.1 Update request; arguments and errors as of `parse_query`, and Q127 for variables in
    DATA, Q128 for blank nodes in DELETE."""
    source = SourceText.read(text, file, check=check)
    tree = _parse(source, "update", "update")
    return _translate(source, UpdateTranslator(source, base, dict(prefixes or {})).update, tree)


def parse_rules(
    text: str, base: str | None = None, prefixes: Mapping[str, str] | None = None, file: str | None = None
) -> RuleSetText:
    """The rules, data and imports of a SPARQL-RL text; well-formedness and stratification are checked elsewhere.

    Raises RuleError with the codes of `parse_query`, R for Q, and R130 for what may stand only in a sub-select.
    """
    source = SourceText.read(text, file, is_rules=True)
    tree = _parse(source, "rules", "ruleset")
    return _translate(source, RuleTranslator(source, base, dict(prefixes or {})).ruleset, tree)


@lru_cache
def _grammar(name: str, start: str) -> Lark:
    """Built once a process, when first needed: about a fifth of a second."""
    folder = files("kg.sparql") / "grammar"
    text = "".join((folder / f"{part}.lark").read_text("utf-8") for part in ("patterns", name))
    return Lark(text, parser="lalr", lexer="contextual", start=start, maybe_placeholders=False, lexer_callbacks=CALLBACKS)


def _parse(source: SourceText, name: str, start: str) -> Tree:
    lark = _grammar(name, start)
    try:
        if len(source.text) < _LONG:
            return lark.parse(source.text)
        steps = lark.parse_interactive(source.text)
        for _ in steps.iter_parse():
            source.check()
        return steps.feed_eof(steps.lexer_thread.state.last_token)
    except UnexpectedInput as failure:
        raise syntax_error(source, lark, failure) from None


def _translate(source: SourceText, translate: Callable[[Tree], Result], tree: Tree) -> Result:
    try:
        result = translate(tree)
    except RecursionError:
        raise source.too_deep() from None
    if len(source.text) > MAX_DEPTH * 5 and _depth(result) > MAX_DEPTH:
        raise source.error(
            102, f"the request makes an expression or a group of more than {MAX_DEPTH} steps", None,
            help="use VALUES, UNION, || or IN instead of a long chain; these may be of any length",
        )  # fmt: skip
    return result


def _depth(node: object) -> int:
    """How deep the dataclasses of `node` lie in each other, without recursion."""
    deepest = 0
    stack = [(node, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, tuple):
            stack.extend((part, depth) for part in item)
        elif is_dataclass(item):
            deepest = max(deepest, depth)
            stack.extend((part, depth + 1) for part in vars(item).values())
    return deepest
