"""Places in a Turtle document: where a statement begins and where a pair of predicate and object stands in it.

The RDF parser reports no positions for triples, so an error about a node is placed by looking for its tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import Location

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|\s+)
      | (?P<string>\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\"|\'\'\'(?:[^'\\]|\\.|'(?!''))*\'\'\'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<iri><[^<>\s]*>)
      | (?P<mark>[\[\](),;]|\.(?=\s|\#|$))
      | (?P<word>(?:[^\s\[\](),;<>"'.\#]|\.(?!\s|$)|(?<=\S)\#)+|.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class _Token:
    text: str
    offset: int


class Places:
    """Finds places in one document; every search falls back to the statement, then to the file alone."""

    def __init__(self, text: str, file: str, prefixes: dict[str, str], base: str | None):
        self._text, self._file = text, file
        self._prefixes, self._base = prefixes, base
        self._statements = _statements(text)

    def of(self, subject: NamedNode | BlankNode | None, *terms: NamedNode | Literal | BlankNode) -> Location:
        """The first place in `subject`'s statements where `terms` follow one another; else the statement's start."""
        if not isinstance(subject, NamedNode):
            candidates = self._statements
        else:
            candidates = [tokens for tokens in self._statements if self._is(tokens[0], subject)] or self._statements
        named = [term for term in terms if not isinstance(term, BlankNode)]
        for tokens in candidates:
            for index in range(len(tokens)) if named else ():
                if self._follow(tokens, index, named):
                    # The object of a pair is the more telling place.
                    return self._location(tokens[index + len(named) - 1])
        if isinstance(subject, NamedNode) and candidates and self._is(candidates[0][0], subject):
            return self._location(candidates[0][0])
        return Location(self._file)

    def statements_of(self, subject: NamedNode, *words: NamedNode) -> list[Location]:
        """The beginnings of the statements about `subject` that have one of `words`."""
        return [
            self._location(tokens[0])
            for tokens in self._statements
            if self._is(tokens[0], subject) and any(self._is(token, word) for token in tokens[1:] for word in words)
        ]

    def at_line(self, line: int, column: int) -> Location:
        return Location.in_text(self._text, line, column, self._file)

    def _follow(self, tokens: list[_Token], index: int, terms: list[NamedNode | Literal]) -> bool:
        return len(tokens) >= index + len(terms) and all(
            self._is(token, term) for token, term in zip(tokens[index:], terms, strict=False)
        )

    def _is(self, token: _Token, term: NamedNode | Literal) -> bool:
        text = token.text
        if isinstance(term, Literal):
            if text[:1] not in "\"'":
                return False
            quotes = 3 if text[:3] in ('"""', "'''") else 1
            return _ESCAPE.sub(_unescape, text[quotes:-quotes]) == term.value
        if text.startswith("<"):
            iri = text[1:-1]
            return iri == term.value or bool(self._base and term.value.endswith(iri) and iri and ":" not in iri)
        prefix, colon, local = text.partition(":")
        return bool(colon) and self._prefixes.get(prefix, "\0") + local == term.value

    def _location(self, token: _Token) -> Location:
        line = self._text.count("\n", 0, token.offset) + 1
        column = token.offset - (self._text.rfind("\n", 0, token.offset) + 1) + 1
        return self.at_line(line, column)


def _statements(text: str) -> list[list[_Token]]:
    statements: list[list[_Token]] = []
    current: list[_Token] = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "skip":
            continue
        if match.lastgroup == "mark" and match[0] == ".":
            if current:
                statements.append(current)
            current = []
        else:
            current.append(_Token(match[0], match.start()))
    return [*statements, current] if current else statements


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if code[0] in "uU" and len(code) > 1 else _ESCAPED.get(code, code)
