"""The one interface of all algorithms: the columns that a query gives, the parameters, and the columns that come out.

An algorithm is a function of a `Table` and its parameters' values. It knows nodes, edges, items, features, baskets and
series, and never what they stand for. Nodes are opaque numbers of the table; what goes out refers to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

NODE, NUMBER, TEXT, MONTH = "node", "number", "text", "month"


@dataclass(frozen=True)
class Column:
    """A column of the query: `kind` is node, number, text or month (the first seven characters of a date)."""

    name: str
    kind: str
    says: str
    is_required: bool = True  # of the query
    may_be_missing: bool = False  # in a row


@dataclass(frozen=True)
class Parameter:
    """A parameter: a `default` of None has to be set. `choices` narrows a text; `least` and `most` a number."""

    name: str
    default: float | int | str | None
    says: str
    kind: type = float
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a query: node columns as places in `nodes`, in an order that depends on what the rows say alone.

    `nodes` are term ids and `columns` numpy arrays of one length: int64 places (-1 where unbound), float64 (NaN), str (None).
    `features` are the names of number columns beside those that the algorithm names; `words` what to call them, by language.
    """

    nodes: np.ndarray
    columns: Mapping[str, np.ndarray]
    features: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    name_of: Callable[[np.ndarray, str], list[str]] | None = None  # nodes' labels in a language

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def word(self, name: str, language: str) -> str:
        """What a feature is called."""
        named = self.words.get(name, {})
        return named.get(language) or named.get("en") or name.replace("_", " ")


# ── What comes out ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Nodes:
    """Places in the table's nodes; -1 is nothing."""

    places: np.ndarray


@dataclass(frozen=True)
class Numbers:
    """Decimals rounded to `digits` fraction digits (0: integers); NaN is nothing."""

    values: np.ndarray
    digits: int = 4


@dataclass(frozen=True)
class Texts:
    """Texts in a language ("": none); None is nothing."""

    values: Sequence[str | None]
    language: str = ""


@dataclass(frozen=True)
class Several:
    """Any number of values a row: `rows` are places of rows, `values` a column as long as `rows`."""

    rows: np.ndarray
    values: Nodes | Numbers | Texts


Output = Nodes | Numbers | Texts | Several


@dataclass(frozen=True)
class Result:
    """What an algorithm found: columns of one length (but for Several), what is to be said of the whole, and what is wrong."""

    columns: Mapping[str, Output | tuple[Output, ...]]
    findings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by language
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Algorithm:
    """A named algorithm. `results` says what its columns are; `key` are those that tell rows apart, of which an IRI is made.

    `subject` and `value` are the columns that a measure with a mere property writes.
    """

    name: str
    version: int
    says: str
    columns: tuple[Column, ...]
    parameters: tuple[Parameter, ...]
    results: Mapping[str, str]
    key: tuple[str, ...]
    run: Callable[[Table, Mapping[str, object]], Result]
    subject: str = ""
    value: str = ""
    takes_features: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_required)
