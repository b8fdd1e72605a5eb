"""The dictionary in memory, for a process that looks up terms all the time: a look-up takes microseconds instead of a scan.

Only of a graph file that is open for reading, whose dictionary cannot change, and only after it has been asked often: a
command that runs one query does not pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import pyarrow as pa

from kg.terms import TAG_BITS

# Look-ups before the dictionary is read; and how many terms (some 50 bytes each) may lie in memory.
ASKED_OFTEN = 50
MOST_TERMS = 2_000_000
_PART = 50_000  # texts that lie in memory as Python's while they are hashed


@dataclass(frozen=True)
class ResidentTerms:
    """All rows of the dictionary, by id."""

    ids: np.ndarray
    lexicals: pa.Array
    extras: pa.Array

    @classmethod
    def read(cls, cursor: duckdb.DuckDBPyConnection) -> ResidentTerms | None:
        """The dictionary of a graph file; None where it is too large."""
        if cursor.execute("SELECT count(*) FROM dictionary").fetchall()[0][0] > MOST_TERMS:
            return None
        table = cursor.sql("SELECT id, lex, extra FROM dictionary ORDER BY id").to_arrow_table().combine_chunks()
        columns = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in table.columns]
        return cls(columns[0].to_numpy(), columns[1], columns[2].dictionary_encode())

    def rows(self, wanted: Sequence[int]) -> list[tuple[int, str, str]]:
        """(id, lexical form, extra) of those ids that the dictionary has."""
        places = np.searchsorted(self.ids, np.array(wanted, np.int64)).tolist()
        ids, lexicals, extras = self.ids, self.lexicals, self.extras
        return [
            (term_id, lexicals[place].as_py(), extras[place].as_py())
            for term_id, place in zip(wanted, places, strict=True)
            if place < len(ids) and ids[place] == term_id
        ]

    def find(self, wanted: Sequence[tuple[int, str, str]]) -> dict[tuple[int, str, str], int]:
        """The ids of those (tag, lexical form, extra) that the dictionary has."""
        hashes, places = self._by_text
        found = {}
        for key, hashed in zip(wanted, _hashes([lexical for _, lexical, _ in wanted]).tolist(), strict=True):
            low, high = np.searchsorted(hashes, np.uint64(hashed), "left"), np.searchsorted(hashes, np.uint64(hashed), "right")
            for place in places[low:high].tolist():
                term_id = int(self.ids[place])
                if (term_id >> TAG_BITS, self.lexicals[place].as_py(), self.extras[place].as_py()) == key:
                    found[key] = term_id
        return found

    @cached_property
    def _by_text(self) -> tuple[np.ndarray, np.ndarray]:
        """The hashes of all lexical forms in their order, and where each stands."""
        parts = [_hashes(self.lexicals.slice(start, _PART).to_pylist()) for start in range(0, len(self.lexicals), _PART)]
        hashes = np.concatenate(parts) if parts else np.array([], np.uint64)
        places = np.argsort(hashes, kind="stable").astype(np.uint32)
        return hashes[places], places


def _hashes(texts: list[str]) -> np.ndarray:
    from pandas.util import hash_array  # takes long to import, and a short command has no use for it

    return hash_array(np.array(texts, dtype=object), categorize=False)
