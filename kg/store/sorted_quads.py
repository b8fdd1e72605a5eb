"""The quads in the order of their subjects, or of their objects, in a file of small blocks: what is said of one thing is read in microseconds.

    block    up to 512 quads, packed by LZ4: keys (int64), the other ends (int64), predicates (uint16), graphs and `again` (uint16)
    index    in memory: the first key and the first predicate of each block, and where it lies in the file

DuckDB needs some milliseconds to find a row, however few there are. Only a graph file that is open for reading gets such an
index, for that never changes; and only after it has been asked for single things so often that sorting it has paid.
The file has no name: it goes when the graph is closed, or the process ends.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

import duckdb
import numpy as np
import pyarrow as pa

SUBJECT, OBJECT = "s", "o"  # the end that is the key

# Sorting so many quads takes as long as one look-up by SQL: when it has been asked for so often, the sorting pays.
QUADS_A_LOOK_UP = 50_000
LEAST_ASKED = 50
_AT_ONCE = 200_000  # fewer quads are sorted while whoever asks waits, more in a thread of their own
_MOST_QUADS = 500_000_000
_BYTES_A_QUAD = 10  # reckoned with; there are four to six

_BLOCK = 512
_PART = 1_000_000  # quads that are sorted at a time: memory does not grow with the graph
_MOST_PREDICATES, _MOST_GRAPHS = 1 << 16, 1 << 15
_WIDTH = 20  # bytes of a quad in a block
_CODEC = pa.Codec("lz4_raw")

_LOG = logging.getLogger("kg.store")

Row = tuple[int, int, int, bool]  # predicate, the other end, graph, again


@dataclass(frozen=True)
class SortedQuads:
    """All quads by one of their ends, the key. Safe to share between threads."""

    file: IO[bytes]
    keys: np.ndarray  # of the first quad of each block
    first_predicates: np.ndarray  # its predicate, as a code
    sizes: np.ndarray  # quads of each block
    offsets: np.ndarray  # where each block begins, and the end of the last
    predicates: list[int]  # by their codes, ascending
    graphs: list[int]
    codes: dict[int, int]  # of the predicates

    def rows(self, key: int, predicate: int | None = None, most: int = 2048) -> list[Row] | None:
        """The quads with this key, and this predicate; None where more than about `most` would have to be looked at."""
        code = None
        if predicate is not None:
            code = self.codes.get(predicate)
            if code is None:
                return []
        start, end = int(self.keys.searchsorted(key, "left")), int(self.keys.searchsorted(key, "right"))
        if code is not None and end > start:
            among = self.first_predicates[start:end]
            start, end = start + int(among.searchsorted(code, "left")), start + int(among.searchsorted(code, "right"))
        start = max(start - 1, 0)  # the key may begin in the block before
        if (end - start) * _BLOCK > most + 2 * _BLOCK:
            return None
        found: list[Row] = []
        for block in range(start, end):
            found += self._of_block(block, key, code)
        return found

    def _of_block(self, block: int, key: int, code: int | None) -> Iterator[Row]:
        size, start, end = int(self.sizes[block]), int(self.offsets[block]), int(self.offsets[block + 1])
        data = _CODEC.decompress(os.pread(self.file.fileno(), end - start, start), size * _WIDTH, asbytes=True)
        keys = np.frombuffer(data, np.int64, size)
        low, high = int(keys.searchsorted(key, "left")), int(keys.searchsorted(key, "right"))
        predicates = np.frombuffer(data, np.uint16, size, size * 16)[low:high]
        if code is not None:
            first, last = int(predicates.searchsorted(code, "left")), int(predicates.searchsorted(code, "right"))
            predicates, low, high = predicates[first:last], low + first, low + last
        others = np.frombuffer(data, np.int64, size, size * 8)[low:high].tolist()
        graphs = np.frombuffer(data, np.uint16, size, size * 18)[low:high].tolist()
        of_code, of_graph = self.predicates, self.graphs
        return ((of_code[p], other, of_graph[g >> 1], bool(g & 1)) for p, other, g in zip(predicates.tolist(), others, graphs, strict=True))


class LookUps:
    """The sorted quads of one graph file, made when they have been asked for often enough."""

    def __init__(self, cursor: Callable[[], duckdb.DuckDBPyConnection], folder: Path) -> None:
        """`cursor` gives cursors on the graph; the files lie in `folder`, or where temporary files do."""
        self._cursor, self._folder = cursor, folder
        self._lock = threading.Lock()
        self._asked = {SUBJECT: 0, OBJECT: 0}
        self._quads: int | None = None
        self._sorted: dict[str, SortedQuads | None] = {}  # None while it is made, and where it cannot be

    def by(self, key: str) -> SortedQuads | None:
        """The quads by SUBJECT or OBJECT; None where, or while, there is no such index."""
        found = self._sorted.get(key)
        if found is not None or key in self._sorted:
            return found
        with self._lock:
            self._asked[key] += 1
            if self._asked[key] < LEAST_ASKED or key in self._sorted:
                return None
            if self._quads is None:
                self._quads = _count(self._cursor)
            if self._quads >= self._asked[key] * QUADS_A_LOOK_UP:
                return None
            self._sorted[key] = None
        if self._quads <= _AT_ONCE:
            _make(weakref.ref(self), key)
        elif self._quads <= _MOST_QUADS:
            threading.Thread(target=_make, args=(weakref.ref(self), key), name=f"sorting quads by {key}").start()
        return self._sorted[key]


def _count(cursor: Callable[[], duckdb.DuckDBPyConnection]) -> int:
    counting = cursor()
    try:
        return counting.execute("SELECT count(*) FROM quads").fetchall()[0][0]
    finally:
        counting.close()


def _make(owner: weakref.ref[LookUps], key: str) -> None:
    """Sort the quads of a graph, unless it is closed or the process ends meanwhile."""
    of_owner = owner()
    if of_owner is None:
        return
    cursor, folder, quads = of_owner._cursor(), of_owner._folder, of_owner._quads
    del of_owner
    try:
        found = _sorted(cursor, key, quads, _file(folder, quads * _BYTES_A_QUAD), lambda: owner() is not None and threading.main_thread().is_alive())
    except (OSError, duckdb.Error) as error:
        _LOG.warning("single things are looked up by SQL: their quads could not be sorted: %s", error)
    else:
        if (of_owner := owner()) is not None:
            of_owner._sorted[key] = found
    finally:
        cursor.close()


def _file(folder: Path, size: int) -> IO[bytes]:
    """A file without a name, on a disk that has room for twice its size."""
    for place in (folder, Path(tempfile.gettempdir())):
        if os.access(place, os.W_OK) and shutil.disk_usage(place).free > 2 * size:
            return tempfile.TemporaryFile(dir=place, buffering=0)
    raise OSError(f"there is no room for {size} bytes in {folder}")


def _sorted(cursor: duckdb.DuckDBPyConnection, key: str, quads: int, file: IO[bytes], is_wanted: Callable[[], bool]) -> SortedQuads | None:
    run = cursor.execute
    predicates = [row[0] for row in run("SELECT DISTINCT p FROM quads ORDER BY p").fetchall()]
    graphs = [row[0] for row in run("SELECT DISTINCT g FROM quads ORDER BY g").fetchall()]
    if len(predicates) > _MOST_PREDICATES or len(graphs) > _MOST_GRAPHS:
        return None
    codes, graph_codes = np.array(predicates, np.int64), np.array(graphs, np.int64)
    other = OBJECT if key == SUBJECT else SUBJECT
    keys, firsts, sizes, lengths = [], [], [], [0]
    for low, high in _parts(cursor, key, quads):
        part = run(f"SELECT {key} AS key, {other} AS other, p, g, again FROM quads WHERE {key} > {low} AND {key} <= {high}").fetchnumpy()
        if not is_wanted():
            return None
        by_code = codes.searchsorted(part["p"]).astype(np.uint16)
        order = np.lexsort((by_code, part["key"]))
        columns = [part["key"][order], part["other"][order], by_code[order]]
        columns.append((graph_codes.searchsorted(part["g"][order]) << 1 | part["again"][order]).astype(np.uint16))
        for start in range(0, len(order), _BLOCK):
            block = [column[start : start + _BLOCK] for column in columns]
            packed = _CODEC.compress(b"".join([column.tobytes() for column in block]), asbytes=True)
            keys.append(block[0][0])
            firsts.append(block[2][0])
            sizes.append(len(block[0]))
            lengths.append(len(packed))
            _write(file, packed)
    return SortedQuads(
        file, np.array(keys, np.int64), np.array(firsts, np.uint16), np.array(sizes, np.int32), np.cumsum(np.array(lengths, np.int64)),
        predicates, graphs, {predicate: code for code, predicate in enumerate(predicates)},
    )  # fmt: skip


def _write(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _parts(cursor: duckdb.DuckDBPyConnection, key: str, quads: int) -> Iterator[tuple[int, int]]:
    """Ranges of keys (from above the first, up to the second) with about so many quads as are sorted at a time."""
    count = quads // _PART + 1
    bounds: list[int] = []
    if count > 1:
        shares = ", ".join(str(place / count) for place in range(1, count))
        found = cursor.execute(f"SELECT quantile_disc({key}, [{shares}]) FROM quads TABLESAMPLE 1 PERCENT (bernoulli, 1)").fetchall()[0][0]
        bounds = sorted(set(found or ()))
    edges = [-1, *bounds, 2**63 - 1]
    return pairwise(edges)
