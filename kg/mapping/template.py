"""String templates (R2RML section 7.3): parsing, filling, percent-encoding and reading a string backwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

# `iunreserved` of RFC 3987 as the inside of a character class, for Python's `re` and DuckDB's RE2 alike.
UNRESERVED_ASCII = r"A-Za-z0-9._~\-"
UCSCHAR = (
    (0xA0, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFEF),
    *((plane << 16, (plane << 16) + 0xFFFD) for plane in range(1, 14)), (0xE1000, 0xEFFFD),
)  # fmt: skip
_safe = re.compile(f"[{UNRESERVED_ASCII}{''.join(f'{chr(a)}-{chr(b)}' for a, b in UCSCHAR)}]")


class TemplateSyntaxError(ValueError):
    """A template with an unbalanced brace or an empty column name."""


@dataclass(frozen=True)
class Column:
    """A column name as written: delimited names (in double quotes) are taken exactly, others without regard to case."""

    name: str
    is_delimited: bool = False

    @classmethod
    def parse(cls, written: str) -> Column:
        r"""Read an SQL identifier.

        >>> Column.parse('"Country Code"')
        Column(name='Country Code', is_delimited=True)
        """
        if len(written) >= 2 and written[0] == written[-1] == '"':
            return cls(written[1:-1].replace('""', '"'), True)
        return cls(written.strip())


# The number of the row, a column that every source has; no source can name one so.
ROW = Column("", True)


@dataclass(frozen=True)
class Template:
    """Literal text and columns in turn; `text` is the template as written."""

    text: str
    parts: tuple[str | Column, ...]

    @classmethod
    def parse(cls, text: str, column: Callable[[str], Column] = Column.parse) -> Template:
        r"""Split at unescaped braces; a backslash escapes a brace or a backslash. `column` reads what stands in braces.

        >>> Template.parse(r"\{{id}\}").parts
        ('{', Column(name='id', is_delimited=False), '}')
        """
        parts: list[str | Column] = []
        literal: list[str] = []
        name: list[str] | None = None
        characters = iter(text)
        for character in characters:
            if character == "\\":
                escaped = next(characters, None)
                if escaped is None:
                    raise TemplateSyntaxError("a backslash at the end escapes nothing")
                (literal if name is None else name).append(escaped)
            elif character == "{":
                if name is not None:
                    raise TemplateSyntaxError("a column reference is opened inside another")
                if literal:
                    parts.append("".join(literal))
                    literal = []
                name = []
            elif character == "}":
                if name is None:
                    raise TemplateSyntaxError("a brace is closed that was not opened")
                if not "".join(name).strip():
                    raise TemplateSyntaxError("a column reference is empty")
                parts.append(column("".join(name)))
                name = None
            else:
                (literal if name is None else name).append(character)
        if name is not None:
            raise TemplateSyntaxError("a brace is opened that is not closed")
        if literal:
            parts.append("".join(literal))
        return cls(text, tuple(parts))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return tuple(part for part in self.parts if isinstance(part, Column))

    @cached_property
    def prefix(self) -> str:
        """The text before the first column."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], str) else ""

    @cached_property
    def suffix(self) -> str:
        """The text after the last column."""
        return self.parts[-1] if len(self.parts) > 1 and isinstance(self.parts[-1], str) else ""

    def invert(self, string: str, *, is_encoded: bool) -> tuple[str, ...] | None:
        """The column values that make `string`, or None where it cannot come from here or the reading is ambiguous.

        In an IRI (`is_encoded`) a value holds no reserved character, so text between columns separates them surely.
        """
        value = f"([{UNRESERVED_ASCII}%\\u0080-\\U0010ffff]*)" if is_encoded else "(.*)"
        between = self.parts[1:-1]
        if any(isinstance(a, Column) and isinstance(b, Column) for a, b in zip(self.parts, self.parts[1:], strict=False)):
            return None
        if any(isinstance(part, str) and not (is_encoded and _separates(part)) for part in between) and len(self.columns) > 1:
            return None
        pattern = "".join(value if isinstance(part, Column) else re.escape(part) for part in self.parts)
        match = re.fullmatch(pattern, string, re.DOTALL)
        if match is None:
            return None
        return tuple(unquote(group) if is_encoded else group for group in match.groups())


def _separates(text: str) -> bool:
    return any(_safe.match(character) is None and character != "%" for character in text)


def iri_safe(value: str) -> str:
    """Percent-encode everything outside `iunreserved`; Chinese characters stay as they are.

    >>> iri_safe("Hello World!"), iri_safe("葉篤正")
    ('Hello%20World%21', '葉篤正')
    """
    return "".join(
        character if _safe.match(character) else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in value
    )
