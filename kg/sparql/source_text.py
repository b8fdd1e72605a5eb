"""The text being parsed: its escapes, its limits, and errors that point into it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lark import Token, Tree

from kg.errors import KgError, Location, QuerySyntaxError, RuleError
from kg.sparql.deadline import unlimited

MAX_CHARACTERS = 1024 * 1024  # nobody writes a megabyte by hand; larger data belongs in a load
MAX_NESTING = 200  # brackets inside brackets; keeps every recursive walk over the algebra far from the stack's end

# Strings, IRIs and comments, in which a bracket is not a bracket; then the brackets themselves.
_SKIP_OR_BRACKET = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|'
    r"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    r'"(?:[^"\\\n\r]|\\.)*"|'
    r"'(?:[^'\\\n\r]|\\.)*'|"
    r'<[^<>"{}|^`\\\x00-\x20]*>|#[^\n\r]*|\\.|([({\[])|([)}\]])',
    re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CODEPOINT = re.compile(r"\\(?:\\|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")


@dataclass(frozen=True)
class SourceText:
    """A request's text with the name of its file; `is_rules` chooses RuleError and R codes. `check` raises when the time is up."""

    text: str
    file: str | None = None
    is_rules: bool = False
    check: Callable[[], None] = field(default=unlimited, compare=False)

    @classmethod
    def read(cls, text: str, file: str | None = None, is_rules: bool = False, check: Callable[[], None] = unlimited) -> SourceText:
        """The text ready for the lexer: within the limits, without byte order mark, word escapes replaced."""
        if len(text) > MAX_CHARACTERS:
            raise cls("", file, is_rules).error(
                101,
                f"the text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are accepted",
                help="load large data from a file instead of writing it into the request",
            )
        source = cls(replace_word_escapes(text.removeprefix("\ufeff")), file, is_rules, check)
        source.check_nesting()
        if not text.isascii() and (lone := _SURROGATE.search(source.text)):
            at = line_and_column(source.text, lone.start())
            raise cls(_SURROGATE.sub("�", source.text), file, is_rules).error(
                106, f"U+{ord(lone[0]):04X} is half a character", at, help="write the text in UTF-8"
            )
        return source

    def error(
        self,
        number: int,
        message: str,
        at: Token | Tree | tuple[int, int] | None = None,
        help: str | None = None,
        notes: list[str] | None = None,
    ) -> KgError:
        """The error to raise: code Q or R and `number`, placed at the first token of `at`."""
        place = at if isinstance(at, tuple) else position(at)
        location = Location(self.file)
        if place is not None:
            location = Location(self.file, *place, _excerpt(self.text.split("\n")[place[0] - 1].rstrip("\r"), place[1]))
        error_class, letter = (RuleError, "R") if self.is_rules else (QuerySyntaxError, "Q")
        return error_class(f"{letter}{number}", message, location, help, notes or [])

    def check_nesting(self) -> None:
        """Refuse a text with brackets in brackets too deeply, before anything recursive is done with it."""
        if sum(self.text.count(bracket) for bracket in "({[") <= MAX_NESTING:
            return
        depth = 0
        for match in _SKIP_OR_BRACKET.finditer(self.text):
            depth += (match[1] is not None) - (match[2] is not None)
            if depth > MAX_NESTING:
                raise self.too_deep(line_and_column(self.text, match.start()))

    def unclosed_bracket(self) -> int | None:
        """Where the innermost bracket stands that nothing closes."""
        opened = []
        for match in _SKIP_OR_BRACKET.finditer(self.text):
            if match[1]:
                opened.append(match.start())
            elif match[2] and opened:
                opened.pop()
        return opened[-1] if opened else None

    def too_deep(self, at: Token | Tree | tuple[int, int] | None = None) -> KgError:
        return self.error(102, f"nested too deeply: at most {MAX_NESTING} levels are accepted", at, help="ask in several steps, or without the brackets that nothing needs")

    def braces_from(self, start: int) -> str:
        """The first `{ … }` at or after character `start`, braces included."""
        depth, opened = 0, start
        for match in _SKIP_OR_BRACKET.finditer(self.text, start):
            if match[1]:
                opened = match.start() if depth == 0 else opened
                depth += 1
            elif match[2]:
                depth -= 1
                if depth == 0:
                    return self.text[opened : match.end()]
        return self.text[opened:]


def _excerpt(line: str, column: int) -> str:
    """The line, or of a very long one the part around `column`."""
    if len(line) <= 200:
        return line
    start = max(0, column - 80)
    return ("…" if start else "") + line[start : column + 80] + ("…" if column + 80 < len(line) else "")


def replace_word_escapes(text: str) -> str:
    """Replace `\\uXXXX` of letters, digits and the like (section 19.2).

    Others (quotes, brackets, spaces, controls) are left to the tokens they stand in, so that an escape can never end a
    string or an IRI.
    """
    if "\\u" not in text and "\\U" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        if digits is None or int(digits, 16) > 0x10FFFF:
            return match[0]
        found = chr(int(digits, 16))
        return found if found.isalnum() else match[0]

    return _CODEPOINT.sub(character, text)


def position(at: Token | Tree | None) -> tuple[int, int] | None:
    """Line and column of the first token in `at`, which is a token or a tree; None where it has none."""
    stack = [at]
    while stack:
        node = stack.pop()
        if isinstance(node, Token):
            return (node.line, node.column)
        if node is not None:
            stack.extend(reversed(node.children))
    return None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
