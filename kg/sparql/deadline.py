"""Time limits, and stopping before them: a `Clock` for work in Python, `deadline` for what runs on a connection, whose errors it turns into those of a query."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from kg.errors import KgError, LimitExceeded, QueryError, QueryTimeout


class Stop:
    """By which another thread ends what runs here: `now(error)` interrupts it, and it raises that error."""

    def __init__(self) -> None:
        self.error: KgError | None = None
        self._lock = threading.Lock()
        self._connections: list[duckdb.DuckDBPyConnection] = []

    def now(self, error: KgError) -> None:
        """Stop; calling it again helps where DuckDB was between two statements. The first error counts."""
        with self._lock:
            self.error = self.error or error
            for connection in self._connections:
                connection.interrupt()

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A block whose statements on `connection` can be stopped."""
        with self._lock:
            self._connections.append(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.remove(connection)

    def check(self) -> None:
        if self.error is not None:
            raise self.error


class Clock:
    """How long a request may take in all (seconds; None: for ever), and what may stop it before that."""

    def __init__(self, seconds: float | None = None, what: str = "query", stop: Stop | None = None) -> None:
        self.seconds, self.what, self.stop = seconds, what, stop
        self._ends = None if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raise QueryTimeout, or what stopped the request, where that is due. Cheap: parsing and compiling ask at every step."""
        if self.stop is not None and self.stop.error is not None:
            raise self.stop.error
        if self._ends is not None and time.monotonic() >= self._ends:
            raise _timeout(self.what, self.seconds)

    def remaining(self) -> float | None:
        """Seconds that are left; None where there is no limit. Raises as `check` does."""
        self.check()
        return None if self._ends is None else max(0.001, self._ends - time.monotonic())


def unlimited() -> None:
    """The check of work without a time limit."""


@contextmanager
def deadline(
    connection: duckdb.DuckDBPyConnection, seconds: float | None, what: str = "query", stop: Stop | None = None, *, of: float | None = None
) -> Iterator[Callable[[], None]]:
    """Let the block run statements on `connection` for `seconds` (None: for ever), then raise QueryTimeout.

    `stop` ends it earlier, with an error of its own. `of` is the whole time limit, of which `seconds` are left. Yields a function that raises either where it is due, for work between
    two statements.
    """
    stop = stop or Stop()
    has_expired = threading.Event()

    def expire() -> None:
        has_expired.set()
        connection.interrupt()

    def check() -> None:
        stop.check()
        if has_expired.is_set():
            raise _timeout(what, of or seconds)

    timer = threading.Timer(seconds, expire) if seconds is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        with stop.watching(connection):
            stop.check()
            yield check
    except duckdb.Error as error:
        if stop.error is not None:
            raise stop.error from error
        raise (_timeout(what, of or seconds) if has_expired.is_set() else _query_error(what, error)) from error
    finally:
        if timer is not None:
            timer.cancel()


def _timeout(what: str, seconds: float | None) -> QueryTimeout:
    return QueryTimeout("Q402", f"the {what} was stopped after {seconds:g} s", help="narrow the pattern, or ask for a longer time limit")


def too_large(what: str, notes: list[str] | None = None) -> LimitExceeded:
    return LimitExceeded("Q404", f"the {what} has too many parts to be planned", notes=notes or [], help="use VALUES or IN instead of many alike parts, or ask in several steps")


def _query_error(what: str, error: duckdb.Error) -> QueryError:
    notes = [str(error).splitlines()[0]]
    if isinstance(error, duckdb.InterruptException):
        return QueryTimeout("Q402", f"the {what} was interrupted", notes=notes)
    if "Max expression depth" in notes[0] or "next power of 2" in notes[0]:
        return too_large(what, notes)
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryError("Q320", "a number grew beyond 38 digits", notes=notes, help="round or scale the operands down")
    if isinstance(error, duckdb.OutOfMemoryException):
        return LimitExceeded("Q403", f"the {what} needs more memory than it may use", notes=notes, help="narrow the pattern, or raise [store] memory")
    return QueryError("Q390", f"the compiled {what} failed", notes=notes, help=f"this is a fault of the compiler: please report the {what}")
