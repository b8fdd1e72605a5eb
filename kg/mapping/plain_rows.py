"""Rows of a plain CSV file found by the text of a column: searched for in the file's bytes, which no table is made of.

Plain is a file whose records are its lines: no quotes, no blank lines, not compressed. That is what tables unloaded from databases
look like, and a row of a hundred megabytes is found faster than the file could be read as a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kg.mapping.lines import has_a_line_for_each_row
from kg.mapping.relation import Relation

# Larger files are left to DuckDB; rows of one look-up: more are, too.
_LARGEST, _MOST = 1 << 28, 100
_BLOCK = 1 << 18


@dataclass(frozen=True)
class PlainRow:
    """A line, the header being 1, and its values; None where the source takes the text for NULL."""

    line: int
    values: dict[str, str | None] = field(hash=False)


class PlainFile:
    """The bytes of a file that does not change in this object's life."""

    def __init__(self, relation: Relation) -> None:
        self._names = [column.name for column in relation.columns]
        source = relation.source
        self._delimiter = (source.delimiter or ",").encode()
        self._nulls = {source.null} if isinstance(source.null, str) else set(source.null)
        self._bytes = source.path.read_bytes()
        self._counts: list[int] = [0]  # line feeds before each block

    @staticmethod
    def is_plain(relation: Relation) -> bool:
        """Whether a relation is such a file, in UTF-8 or a copy in it."""
        if not relation.is_csv or not relation.has_lines or relation.source is None or not relation.sql.startswith("read_csv("):
            return False
        path: Path = relation.source.path
        is_small = path.stat().st_size <= _LARGEST
        return is_small and len(relation.columns) > 1 and has_a_line_for_each_row(path, relation.source.quote, has_one_column=False)

    def rows(self, name: str, text: str) -> list[PlainRow] | None:
        """All rows with this text in a column; None where they are too many to look for."""
        place = self._names.index(name)
        key = text.encode()
        before = b"\n" if place == 0 else self._delimiter
        after = b"" if place == len(self._names) - 1 else self._delimiter
        sought, found, position, looks = before + key + after, [], -1, 0
        while (position := self._bytes.find(sought, position + 1)) >= 0:
            looks += 1
            if looks > _MOST:
                return None
            start = self._bytes.rfind(b"\n", 0, position + len(before)) + 1
            end = self._bytes.find(b"\n", position + len(before))
            line = self._bytes[start : end if end >= 0 else len(self._bytes)].removesuffix(b"\r")
            values = [value.decode() for value in line.split(self._delimiter)]
            if len(values) == len(self._names) and values[place] == text and start > 0:
                row = dict(zip(self._names, (None if value in self._nulls else value for value in values), strict=True))
                found.append(PlainRow(self._line(start), row))
        return list({row.line: row for row in found}.values())

    def _line(self, start: int) -> int:
        """The number of the line that begins at a byte."""
        block = start // _BLOCK
        while len(self._counts) <= block:
            last = len(self._counts) - 1
            self._counts.append(self._counts[last] + self._bytes.count(b"\n", last * _BLOCK, (last + 1) * _BLOCK))
        return self._counts[block] + self._bytes.count(b"\n", block * _BLOCK, start) + 1
