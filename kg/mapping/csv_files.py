"""CSV files as relations: their header, their options for DuckDB's reader, and what in them means NULL."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import IO

from kg.errors import MappingError, did_you_mean
from kg.mapping.relation import Relation, RelationColumn, quoted
from kg.mapping.source import Source

_LOOKED_AT = 1 << 16
_NO_TEXT = "\ue000 no text of any file"


def csv_relation(source: Source, name: str, malformed: str, path: Path) -> Relation:
    """A CSV file in place (RFC 4180, the delimiter as declared): all columns are text, the `null` text is NULL."""
    file = str(source.path)
    source = replace(source, path=path)
    header = _header(source, file)
    declared = {column.lower(): kind for column, kind in source.types}
    unknown = [column for column, _ in source.types if column.lower() not in {one.lower() for one in header}]
    if unknown:
        raise MappingError("M203", f"{file} has no column {unknown[0]}", source.location, did_you_mean(unknown[0], header) or f"its columns are {', '.join(header)}")
    columns = tuple(RelationColumn(one, "VARCHAR", declared.get(one.lower())) for one in header)
    return Relation(_read_csv(source, header, malformed), columns, f"table {name}", file, source, malformed=malformed)


def _read_csv(source: Source, header: list[str], malformed: str) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    options = [
        quoted(str(source.path)), "header = true", "auto_detect = false", f"columns = {{{columns}}}", f"delim = {quoted(source.delimiter or ',')}",
        f"quote = {quoted(source.quote)}", f"escape = {quoted(source.quote)}", f"nullstr = {_nulls(source.null)}",
        # Small buffers, so that files of a few megabytes are read by all threads; a longer line is reported as malformed.
        "max_line_size = 2000000", "buffer_size = 4000000",
        # Not `ignore_errors`, which also loses well-formed records after one with a stray quote.
        "store_rejects = true", f"rejects_table = {quoted(malformed)}", f"rejects_scan = {quoted(malformed + '_scans')}", "rejects_limit = 0",
    ]  # fmt: skip
    if source.path.name.endswith(".gz"):
        options.append("compression = 'gzip'")
    return f"read_csv({', '.join(options)})"


def _nulls(null: str | tuple[str, ...]) -> str:
    """The texts that mean NULL; where none does, one that no file has, for DuckDB takes the empty text by itself."""
    return quoted(null) if isinstance(null, str) else f"[{', '.join(map(quoted, null or (_NO_TEXT,)))}]"


def _header(source: Source, file: str) -> list[str]:
    """The column names. Where the first text beyond ASCII is no UTF-8, all the file is taken to be in another encoding."""
    try:
        with open_text(source.path, "utf-8-sig", "surrogateescape") as text:
            start = text.read(_LOOKED_AT)
        whole_lines = start.splitlines(keepends=True)[: None if start.endswith("\n") else -1]  # the last one may be cut off
        if (first := next((line for line in whole_lines if not line.isascii()), "")) and re.search("[\udc80-\udcff]", first):
            raise MappingError("M208", f"{file} is not in UTF-8: {first[:60].encode('utf-8', 'replace').decode()!r}", source.location, 'declare its encoding = "…" in sources.toml')
        header = next(csv.reader(start.splitlines(keepends=True), delimiter=source.delimiter or ",", quotechar=source.quote), None)
    except (OSError, EOFError, zlib.error) as error:
        raise MappingError("M208", f"{file} cannot be read: {error}", source.location, "check the file and its compression") from error
    if not header:
        raise MappingError("M208", f"{file} is empty, without a line of column names", source.location, "write the column names in the first line")
    names = [name.strip() for name in header]
    for name in names:
        if not name or sum(name.lower() == other.lower() for other in names) > 1:
            problem = f"two columns named {name}" if name else "a column without a name"
            raise MappingError("M208", f"{file} has {problem}", source.location, "give each column a name of its own in the first line")
    return names


def open_text(path: Path, encoding: str, errors: str = "strict") -> IO[str]:
    opener = gzip.open if path.name.endswith(".gz") else open
    return opener(path, "rt", encoding=encoding, errors=errors, newline="")
