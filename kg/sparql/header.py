"""`#+ key: value` comment lines: the header of a query file, the annotations above a rule."""

from __future__ import annotations

import re

_LINE = re.compile(r"#\+\s*(?:([A-Za-z][\w@.-]*)\s*:(?:\s+|$))?(.*?)\s*$")


def parse_header(text: str) -> dict[str, str | list[str]]:
    """The header lines at the top of a file, above the first line that is neither comment nor blank.

    Values are text as written; a key that stands twice has the list of its values; a `#+` line without a key continues the
    value above it.

    >>> parse_header("#+ question: Who?\\n#+ tag: a\\n#+ tag: b\\nSELECT …")
    {'question': 'Who?', 'tag': ['a', 'b']}
    """
    top = []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            break
        top.append(line)
    header: dict[str, str | list[str]] = {}
    for key, value in header_pairs(top):
        earlier = header.get(key)
        if earlier is None:
            header[key] = value
        else:
            header[key] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    return header


def header_pairs(lines: list[str]) -> list[tuple[str, str]]:
    """(key, value) of each `#+` line among `lines`, in their order; other lines are passed over."""
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if match := _LINE.match(line.strip()):
            key, value = match.groups()
            if key is not None:
                pairs.append((key, value))
            elif pairs:
                key, begun = pairs.pop()
                pairs.append((key, f"{begun} {value}".strip()))
    return pairs


def pairs_above(lines: list[str], line_number: int) -> list[tuple[str, str]]:
    """The pairs of the comment lines directly above line `line_number` (counted from 1)."""
    first = line_number - 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return header_pairs(lines[first : line_number - 1])
