"""How far a long statement has come, told while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

_EVERY = 1.0  # seconds


@contextmanager
def telling_progress(connection: duckdb.DuckDBPyConnection, tell: Callable[[float, float], None]) -> Iterator[None]:
    """Call `tell(percent, seconds)` every second of the block from another thread, with DuckDB's own estimate."""
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    done, started = threading.Event(), time.perf_counter()

    def watch() -> None:
        while not done.wait(_EVERY):
            percent = connection.query_progress()
            if percent >= 0:  # -1: it cannot be told
                tell(percent, time.perf_counter() - started)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
