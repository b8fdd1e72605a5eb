"""The kinds of conclusion that are compared with the truth: one file of `queries/` each, a query with a header.

    #+ kind: loan passed on
    #+ planted: passed_on_loan loan/loan_id enterprise/borrower_id    the file of truth/ and its columns
    #+ near: not_passed_on_loan loan/loan_id enterprise/borrower_id   near misses: none of them may be concluded
    #+ decided: by definition                                         or why not, in words
    SELECT ?loan ?borrower …

A column `enterprise/company_id` is the number of an enterprise; `owner/owner_id` one whose kind stands in the column
`owner_kind`; a column without a slash is taken as it is. The query's first columns answer to those of the truth, in order.
Further lines, where they are needed:

    #+ answer: bank/loans-passed-on loan borrower     instead of a query: columns of the answer to a saved query,
    #+ each: left=enterprise/left_id                  asked once for each planted value of this column, which comes first then
    #+ with: steps=3,4,5                              a parameter of that saved query, and its values, each asked for
    #+ only: ground=direct,indirect                   planted rows with these values alone
    #+ unordered: 1 2                                 these columns may stand in either order
    #+ sets: group                                    rows are members: sets of them are compared, the first column names the set;
                                                      an answer's row is a set: of its cells of the kind named here
    #+ within: family                                 what is concluded of this pattern's entities alone (default: of any pattern's)
    #+ about: 1                                       the columns whose entities must be reserved (default: all)
    #+ listed: in part                                the truth lists some conclusions only: precision is of near misses
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kg.errors import Location, ProjectError, did_you_mean
from kg.sparql.header import parse_header

KINDS = Path(__file__).parent / "queries"
_KEYS = ("kind", "planted", "near", "decided", "answer", "each", "with", "only", "unordered", "sets", "within", "about", "listed")
BY_DEFINITION = "by definition"


@dataclass(frozen=True)
class Table:
    """A file of the truth and the columns that are compared, as (kind or column of the kind, column)."""

    name: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Kind:
    """One kind of conclusion; `text` is its query, empty where `answer` names a saved one and its columns."""

    file: Path
    name: str
    planted: Table
    near: Table | None
    decided: str
    text: str
    answer: tuple[str, ...] = ()
    each: tuple[str, str] | None = None
    only: tuple[str, frozenset[str]] | None = None
    unordered: frozenset[int] = frozenset()
    values: tuple[str, tuple[str, ...]] | None = None
    sets: str | None = None
    within: frozenset[str] = frozenset()
    about: frozenset[int] = frozenset()
    is_complete: bool = True

    @property
    def is_by_definition(self) -> bool:
        return self.decided == BY_DEFINITION


def read_kinds(folder: Path = KINDS) -> list[Kind]:
    """All kinds, by the names of their files."""
    return [_read(path) for path in sorted(folder.glob("*.rq"))]


def _read(path: Path) -> Kind:
    text = path.read_text(encoding="utf-8")
    header = {key: " ".join(value) if isinstance(value, list) else value for key, value in parse_header(text).items()}
    for key in header:
        if key not in _KEYS:
            raise ProjectError("P201", f"unknown header line #+ {key}:", Location(str(path)), did_you_mean(key, _KEYS))
    for key in ("kind", "planted", "decided"):
        if key not in header:
            raise ProjectError("P203", f"the header lacks #+ {key}:", Location(str(path)))
    name, _, wanted = header.get("only", "").partition("=")
    variable, _, value = header.get("each", "").partition("=")
    return Kind(
        file=path,
        name=header["kind"],
        planted=_table(header["planted"]),
        near=_table(header["near"]) if "near" in header else None,
        decided=header["decided"],
        text="" if "answer" in header else text,
        answer=tuple(header.get("answer", "").split()),
        each=(variable, value) if variable else None,
        only=(name, frozenset(wanted.split(","))) if name else None,
        unordered=_places(header.get("unordered", "")),
        values=_values(header.get("with", "")),
        sets=header.get("sets"),
        within=frozenset(header.get("within", "").split()),
        about=_places(header.get("about", "")),
        is_complete=header.get("listed") != "in part",
    )


def _table(line: str) -> Table:
    name, *columns = line.split()
    return Table(name, tuple(column_of(column) for column in columns))


def column_of(text: str) -> tuple[str, str]:
    kind, _, column = text.rpartition("/")
    return kind, column


def _values(text: str) -> tuple[str, tuple[str, ...]] | None:
    name, _, values = text.partition("=")
    return (name, tuple(values.split(","))) if name else None


def _places(text: str) -> frozenset[int]:
    return frozenset(int(word) - 1 for word in text.split())


def tables(kinds: Iterable[Kind]) -> set[str]:
    """The files of the truth that some kind is compared with."""
    return {table.name for kind in kinds for table in (kind.planted, kind.near) if table}
