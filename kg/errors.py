"""Every error that Guanxi raises on purpose: a code, a place, a cause, a remedy.

    KgError
    ├── ProjectError      P…  kg.toml, folders, command-line arguments
    ├── StoreError        S…  the graph file, versions, locks
    │   └── BuildInProgress
    ├── DataError         D…  RDF documents that cannot be read or written
    ├── MappingError      M…  R2RML and RML documents, their sources
    ├── QueryError        Q…  SPARQL: syntax, scope, limits
    │   ├── QuerySyntaxError
    │   ├── NotSupported
    │   ├── QueryTimeout
    │   └── LimitExceeded
    ├── RuleError         R…  rule programs: syntax, safety, stratification, data they cannot take
    ├── MeasureError      A…  measures: headers, algorithms, what they are given
    ├── ShapeError        H…  SHACL documents
    │   └── Violations        data that do not conform where they must; `report` says more
    └── RemoteError       N…  other endpoints, the network

The printed form names the code, the place, the line itself and the remedy:

    error R204: rule:ripe depends on its own negation
      rules/garden/fruit.srl:18:5
         18 |     NOT { ?fruit garden:isUnripe true }
      cycle: ripe → unripe → ripe
      help: compute isUnripe from asserted facts only, or drop the NOT
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True)
class Location:
    """Where in which text: line and column count from 1; `line_text` is the line itself."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    line_text: str | None = None

    @classmethod
    def in_text(cls, text: str, line: int, column: int, file: str | None = None) -> Location:
        """The place `line`:`column` of `text`, with the line itself taken along."""
        lines = text.splitlines()
        line_text = lines[line - 1] if 0 < line <= len(lines) else None
        return cls(file, line, column, line_text)

    def __str__(self) -> str:
        parts = [_near(self.file) if self.file else "<text>"]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


def _near(file: str) -> str:
    """A path as one would write it from the working directory."""
    return os.path.relpath(file) if os.path.isabs(file) and file.startswith(os.getcwd() + os.sep) else file


@dataclass
class KgError(Exception):
    """The root of the tree; `code` is stable and documented, `help` says what to do."""

    code: str
    message: str
    location: Location | None = None
    help: str | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def __str__(self) -> str:
        lines = [f"error {self.code}: {self.message}"]
        if self.location is not None:
            lines.append(f"  {self.location}")
            if self.location.line_text is not None:
                lines.append(f"  {self.location.line:>6} | {self.location.line_text}")
        lines += [f"  {note}" for note in self.notes]
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The same as JSON-ready members; the server adds `type` and `status` (RFC 9457)."""
        place = self.location
        members = {
            "code": self.code,
            "title": self.message,
            "file": place and place.file,
            "line": place and place.line,
            "column": place and place.column,
            "text": place and place.line_text,
            "notes": self.notes or None,
            "help": self.help,
        }
        return {name: value for name, value in members.items() if value is not None}

    # Dataclass equality would make errors unhashable; an exception is itself only.
    __hash__ = Exception.__hash__
    __eq__ = Exception.__eq__


class ProjectError(KgError):
    """kg.toml, the folders, or the command line are wrong."""


class StoreError(KgError):
    """The graph file cannot be opened, read, written or switched."""


class BuildInProgress(StoreError):
    """Another process is building this project."""


class DataError(KgError):
    """An RDF document cannot be read or written."""


class MappingError(KgError):
    """An R2RML or RML document, or a source it names, is wrong."""


class QueryError(KgError):
    """A SPARQL request cannot be answered."""


class QuerySyntaxError(QueryError):
    """The text is not SPARQL."""


class NotSupported(QueryError):
    """Valid, but not compiled by this version; never answered wrongly instead."""


class QueryTimeout(QueryError):
    """The time limit was reached."""


class LimitExceeded(QueryError):
    """The row or size limit was reached."""


class RuleError(KgError):
    """A rule program is wrong, unsafe, not stratified, or met data that it cannot take; `triple` is then that which it met."""

    triple: object = None


class MeasureError(KgError):
    """A measure is wrong, or its algorithm cannot take what its query found."""


class ShapeError(KgError):
    """A SHACL document is wrong."""


class Violations(ShapeError):
    """Data do not conform to shapes where they must: `report` is the JSON-ready account of it."""

    report: dict[str, object] | None = None

    def as_dict(self) -> dict[str, object]:
        return super().as_dict() | ({"report": self.report} if self.report else {})


class RemoteError(KgError):
    """A remote endpoint failed or is not on the allow-list."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A help line naming up to three known words close to `word`, or None.

    >>> did_you_mean("appel", ["apple", "pear"])
    'did you mean apple?'
    """
    spelled = {name.lower(): name for name in known}
    close = [spelled[name] for name in get_close_matches(word.lower(), list(spelled), n=3, cutoff=0.6)]
    return f"did you mean {' or '.join(close)}?" if close else None
