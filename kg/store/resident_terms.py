"""The dictionary in memory, for a process that looks up terms all the time: a look-up takes microseconds instead of a scan.

Only of a graph file that is open for reading, whose dictionary cannot change, and only after it has been asked often: a
command that runs one query does not pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

# Look-ups before the dictionary is read; and how many terms (some 50 bytes each) may lie in memory.
ASKED_OFTEN = 50
MOST_TERMS = 2_000_000


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
