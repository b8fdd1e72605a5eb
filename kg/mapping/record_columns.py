"""The values of references, gathered record by record into compact columns: Python's own objects take ten times the memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from kg.terms import XSD, XSD_BOOLEAN, XSD_INTEGER, XSD_STRING

XSD_DOUBLE = XSD + "double"
_KINDS = (XSD_STRING, XSD_INTEGER, XSD_DOUBLE, XSD_BOOLEAN)
_CODES = {kind: code for code, kind in enumerate(_KINDS)}
_CHUNK = 20_000
_SMALL = 1 << 63

Value = tuple[str, str]  # lexical form, datatype


@dataclass(frozen=True)
class RecordColumn:
    """The values of one reference: `type` is DuckDB's, VARCHAR where they are of several kinds (`is_mixed`)."""

    reference: str
    type: str
    is_mixed: bool
    is_multiple: bool
    is_unmatched: bool  # there are records, and it finds nothing in any of them


@dataclass
class Gathered:
    """One reference: chunks of texts and codes of kinds, each with the length of every record's list of values."""

    reference: str
    rows: list[list[Value]] = field(default_factory=list)
    chunks: list[tuple[pa.Array, pa.Array, pa.Array | None]] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    is_multiple: bool = False
    is_small: bool = True

    def add(self, values: list[Value]) -> None:
        self.rows.append(values)
        if len(self.rows) == _CHUNK:
            self.pack()

    def pack(self) -> None:
        rows, self.rows = self.rows, []
        has_lists = any(len(row) > 1 for row in rows)
        if has_lists:
            flat, lengths = [value for row in rows for value in row or [(None, None)]], pa.array([max(1, len(row)) for row in rows], pa.int32())
        else:
            flat, lengths = [row[0] if row else (None, None) for row in rows], None
        self.is_multiple |= has_lists
        codes = [_CODES.get(kind) for _, kind in flat]
        self.codes |= {code for code in codes if code is not None}
        self.is_small &= all(abs(int(text)) < _SMALL for text, kind in flat if kind == XSD_INTEGER)
        self.chunks.append((pa.array([text for text, _ in flat], pa.string()), pa.array(codes, pa.int8()), lengths))

    def column(self, has_records: bool) -> tuple[RecordColumn, list[pa.ChunkedArray]]:
        """One typed column where all values are of one kind, else texts and their datatypes beside."""
        if self.rows or not self.chunks:
            self.pack()
        kinds = {_KINDS[code] for code in self.codes}
        arrow, name = _ARROW.get(next(iter(kinds), ""), _TEXT) if len(kinds) == 1 and self.is_small else _TEXT
        is_mixed = name == "VARCHAR" and bool(kinds - {XSD_STRING})
        arrays, datatypes = [], []
        names = pa.array(_KINDS)
        while self.chunks:
            texts, codes, lengths = self.chunks.pop(0)
            arrays.append(self._lists(_typed(texts, arrow), lengths))
            if is_mixed:
                datatypes.append(self._lists(names.take(codes), lengths))
        made = RecordColumn(self.reference, name, is_mixed, self.is_multiple, has_records and not kinds)
        return made, [pa.chunked_array(arrays), *([pa.chunked_array(datatypes)] if is_mixed else [])]

    def _lists(self, values: pa.Array, lengths: pa.Array | None) -> pa.Array:
        """No value is a list of one NULL, so that unnesting keeps the record."""
        if not self.is_multiple:
            return values
        if lengths is None:
            lengths = pa.array([1] * len(values), pa.int32())
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
        return pa.ListArray.from_arrays(offsets, values)


_TEXT = (pa.string(), "VARCHAR")
_ARROW = {XSD_INTEGER: (pa.int64(), "BIGINT"), XSD_DOUBLE: (pa.float64(), "DOUBLE"), XSD_BOOLEAN: (pa.bool_(), "BOOLEAN")}


def _typed(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.bool_():
        return pc.equal(texts, "true")
    if kind == pa.float64():  # INF and NaN are not Arrow's spelling
        return pa.array([None if text is None else float(text) for text in texts.to_pylist()], kind)
    return texts if kind == pa.string() else texts.cast(kind)
