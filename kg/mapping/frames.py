"""Tables of Python as sources: pandas and Polars data frames, Arrow tables and readers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from kg.errors import MappingError
from kg.mapping.source import Source
from kg.mapping.sources import Sources, source_of_url


def sources_of(tables: Mapping[str, object]) -> Sources:
    """Sources by the names of their tables: data frames and Arrow tables, or paths and URLs; `default` stands for all others.

    >>> sources_of({"rate": pa.table({"code": ["EUR"]})}).tables["rate"].type
    'frame'
    """
    found = {name: source_of_url(one) if isinstance(one, str | Path) else Source("frame", data=_arrow(name, one)) for name, one in tables.items()}
    default = found.pop("default", None)
    return Sources(default, found)


def content_of(table: pa.Table) -> str:
    """A digest of an Arrow table's columns and rows."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(table.schema.remove_metadata()).encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
        writer.write_table(table.combine_chunks().replace_schema_metadata(None))
    digest.update(sink.getvalue())
    return digest.hexdigest()


def _arrow(name: str, data: object) -> pa.Table:
    try:
        if isinstance(data, pa.Table):
            return data
        if isinstance(data, pa.RecordBatchReader):
            return data.read_all()
        if type(data).__module__.startswith("pandas"):
            return pa.Table.from_pandas(data, preserve_index=False)
        if hasattr(data, "__arrow_c_stream__"):
            return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise MappingError("M208", f"the table {name} is no table that Arrow can hold: {error}", help="give each column one type") from error
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    raise MappingError("M206", f"the table {name} is a {kind}, which is not read", help="give a data frame of pandas or Polars, an Arrow table, or a path")
