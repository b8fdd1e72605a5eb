"""Places in a Turtle document: the RDF parser reports none for triples, so a node and its property are looked for in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pyoxigraph import Literal, NamedNode

from kg.errors import Location
from kg.terms import Term

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|\s+)
      | (?P<string>\"{3}.*?(?<!\\)\"{3}|'{3}.*?(?<!\\)'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<end>\.(?=\s|\#|$))
      | (?P<word><[^<>\s]*>|[\[\](),;]|(?:[^\s\[\](),;<>"'.]|\.(?!\s|$))+|.)""",
    re.VERBOSE | re.DOTALL,
)


class Places:
    """Finds places in one document; `prefixes` and `base` are those in force at its end."""

    def __init__(self, text: str, file: str, prefixes: Mapping[str, str], base: str | None) -> None:
        self.text, self.file = text, file
        self._prefixes, self._base = prefixes, base
        self._statements = list(_statements(text))
        self._by_subject: dict[str, list[list[tuple[str, int]]]] = {}
        for tokens in self._statements:
            self._by_subject.setdefault(self._full(tokens[0][0]), []).append(tokens)

    def knows(self, subject: NamedNode) -> bool:
        """Whether a statement of the document begins with `subject`."""
        return bool(self._of(subject))

    def of(self, subject: NamedNode | None, *terms: Term) -> Location:
        """Where one of `terms` (the first that is found) stands in `subject`'s statements; else where those begin."""
        offset = self._offset(subject, *terms)
        return Location(self.file) if offset is None else self.at(offset)

    def of_anonymous(self, *terms: Term) -> Location | None:
        """Where the first statement begins that is about a blank node without a name and mentions all these terms."""
        for tokens in self._statements:
            if tokens[0][0].startswith(("[", "_:")) and all(any(self._is(text, term) for text, _ in tokens) for term in terms):
                return self.at(tokens[0][1])
        return None

    def at(self, offset: int) -> Location:
        line = self.text.count("\n", 0, offset) + 1
        return Location.in_text(self.text, line, offset - self.text.rfind("\n", 0, offset), self.file)

    def line_of_text(self, literal: Literal) -> int | None:
        """The line on which the text of a long string begins."""
        offset = self.text.find(literal.value)
        if offset < 0:  # escapes in the document: fall back on the first line of the text that can be found
            first = next((line for line in literal.value.splitlines() if line.strip()), "")
            offset = self.text.find(first) if first else -1
            before = literal.value.split(first)[0].count("\n") if first else 0
            return None if offset < 0 else self.text.count("\n", 0, offset) + 1 - before
        return self.text.count("\n", 0, offset) + 1

    def statements_of(self, subject: Term) -> list[list[tuple[str, int]]]:
        """The tokens, with their offsets, of each statement about a subject with an IRI."""
        return [tokens for tokens in self._statements if isinstance(subject, NamedNode) and self._is(tokens[0][0], subject)]

    def names(self, text: str, term: Term) -> bool:
        """Whether a token stands for a term."""
        return self._is(text, term)

    def _offset(self, subject: NamedNode | None, *terms: Term) -> int | None:
        mine = self._of(subject) if subject is not None else []
        for term in terms:
            for tokens in mine or self._statements:
                for text, offset in tokens[1:]:
                    if self._is(text, term):
                        return offset
        return mine[0][0][1] if mine else None

    def _of(self, subject: NamedNode) -> list[list[tuple[str, int]]]:
        """The statements about `subject`; where an IRI is relative, those whose subject may be it."""
        found = self._by_subject.get(subject.value)
        return found or [tokens for tokens in self._by_subject.get("", ()) if self._is(tokens[0][0], subject)]

    def _full(self, text: str) -> str:
        """The IRI that a token names; empty where it is relative or none."""
        if text.startswith("<"):
            return text[1:-1] if ":" in text else ""
        prefix, colon, local = text.partition(":")
        return self._prefixes.get(prefix, "\0") + local if colon else ""

    def _is(self, text: str, term: Term) -> bool:
        if isinstance(term, Literal):
            return text == term.value or text.strip("\"'") == term.value
        if not isinstance(term, NamedNode):
            return False
        if text.startswith("<"):
            return text[1:-1] == term.value or bool(self._base and ":" not in text and len(text) > 2 and term.value.endswith(text[1:-1]))
        prefix, colon, local = text.partition(":")
        return bool(colon) and self._prefixes.get(prefix, "\0") + local == term.value


def _statements(text: str) -> Iterator[list[tuple[str, int]]]:
    current: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "end":
            if current:
                yield current
            current = []
        elif match.lastgroup != "skip":
            current.append((match[0], match.start()))
    if current:
        yield current
