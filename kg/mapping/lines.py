"""Line numbers in CSV files: which line of the file the n-th row was read from."""

from __future__ import annotations

import gzip
import mmap
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def line_numbers(path: Path, quote: str, malformed: Iterable[int], rows: Iterable[int], has_one_column: bool) -> dict[int, int]:
    """The line, the header being 1, where each row of `rows` (1 is the first) begins.

    `malformed` are byte positions of records that were left out; empty lines are no rows, but where there is one
    column, and a quoted value may run over several lines.
    """
    wanted = sorted(set(rows))
    left_out = sorted(set(malformed))
    if not wanted:
        return {}
    if not left_out and has_a_line_for_each_row(path, quote, has_one_column):
        return {row: row + 1 for row in wanted}
    found: dict[int, int] = {}
    row = 0
    for line, _, end, is_blank in _records(path, quote):
        if line == 1 or (is_blank and not has_one_column):
            continue
        # DuckDB counts a blank line to the record after it, so a position may lie before its record.
        if left_out and left_out[0] < end:
            while left_out and left_out[0] < end:
                left_out.pop(0)
            continue
        row += 1
        if row == wanted[len(found)]:
            found[row] = line
            if len(found) == len(wanted):
                break
    return found


def lines_of_bytes(path: Path, positions: Iterable[int]) -> dict[int, int]:
    """The line that holds each byte of the file, in one reading."""
    opener = gzip.open if path.name.endswith(".gz") else open
    found: dict[int, int] = {}
    wanted = sorted(set(positions))
    line, start = 1, 0
    with opener(path, "rb") as file:
        while len(found) < len(wanted) and (block := file.read(1 << 20)):
            read = 0
            while len(found) < len(wanted) and wanted[len(found)] < start + len(block):
                position = wanted[len(found)] - start
                line += block.count(b"\n", read, position)
                read = position
                found[start + position] = line
            line += block.count(b"\n", read)
            start += len(block)
    return found | dict.fromkeys(wanted[len(found):], line)


def has_a_line_for_each_row(path: Path, quote: str, has_one_column: bool) -> bool:
    """Whether the n-th row stands in line n + 1, apart from malformed records: no quotes, no blank lines."""
    if path.name.endswith(".gz"):
        return False
    state = path.stat()
    return _has_no_mark(path, quote, has_one_column, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _has_no_mark(path: Path, quote: str, has_one_column: bool, size: int, modified: int) -> bool:
    """Kept for a file of this size and time of change."""
    if size == 0:
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        marks = (quote.encode(),) if has_one_column else (quote.encode(), b"\n\n", b"\n\r\n")
        return all(text.find(mark) < 0 for mark in marks) and text[:1] not in b"\r\n"


def _records(path: Path, quote: str) -> Iterable[tuple[int, int, int, bool]]:
    """(first line, first byte, byte after the end, is blank) of each record: an odd number of quotes leaves it open."""
    mark = quote.encode()
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rb") as file:
        first_line, start, quotes, position = 1, 0, 0, 0
        for line, text in enumerate(file, 1):
            position += len(text)
            quotes += text.count(mark)
            if quotes % 2 == 0:
                yield first_line, start, position, first_line == line and not text.strip(b"\r\n")
                first_line, start, quotes = line + 1, position, 0
        if quotes:
            yield first_line, start, position, False
