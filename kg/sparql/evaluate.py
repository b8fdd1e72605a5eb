"""Running a query: `evaluate` gives Solutions for SELECT, a bool for ASK, Triples for CONSTRUCT and DESCRIBE."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import pyarrow as pa

from kg.errors import LimitExceeded
from kg.sparql import algebra
from kg.sparql.compile import CompiledQuery, compile_query, dataset_of
from kg.sparql.compiler import Compiler, Dataset
from kg.sparql.deadline import Clock, Stop, deadline, unlimited
from kg.sparql.decode import Row, decoded
from kg.sparql.frames import data_frame
from kg.sparql.graph_results import Triples, constructed, described
from kg.sparql.parser import parse_query
from kg.sparql.results import syntax
from kg.sparql.services import Services
from kg.sparql.single_things import answer
from kg.sparql.strings import register_python_functions
from kg.sparql.text_rows import Batch, RowWriter, as_rows, comes_in_columns, fetched_columns
from kg.sparql.values import ID, Term, Value
from kg.store import Store

# The first batch is small, so that a page of an endless answer comes at once; decoding large ones costs less a row.
_FIRST_BATCH, _LARGEST_BATCH = 2048, 65_536
_MANY = 1000  # rows of a batch from which on another statement to write them pays
_CACHED_PLANS, _CACHED_ROWS = 500, 100
_plans: WeakKeyDictionary[Store, Plans] = WeakKeyDictionary()


def evaluate(
    store: Store,
    query: str | algebra.Query,
    *,
    bindings: Mapping[str, Term] | None = None,
    timeout: float | None = None,
    row_limit: int | None = None,
    strict: bool = False,
    base: str | None = None,
    prefixes: Mapping[str, str] | None = None,
    dataset: algebra.Dataset | None = None,
    services: Services | None = None,
    file: str | None = None,
    stop: Stop | None = None,
    partial: bool = False,
    offset: int = 0,
) -> Solutions | bool | Triples:
    """Answer a query.

    `bindings` fixes variables to terms; `timeout` is in seconds (QueryTimeout) and counts parsing and compiling, `row_limit` counts
    solutions or triples (LimitExceeded, or with `partial` only the first ones, and `is_partial` tells), after `offset` solutions; `strict`
    reads the dataset as SPARQL 1.1 does, its default graph not being the union of all. `dataset`
    takes the place of FROM and FROM NAMED (SPARQL 1.1 Protocol, 2.1.4); `services` are the endpoints that SERVICE may ask,
    none without; `file` names the query's file in errors. By `stop` another thread can end the query, also while its rows
    are being read.

    >>> [str(row[0]) for row in evaluate(Store.memory(), "SELECT (1 + 1 AS ?two) {}")]
    ['"2"^^<http://www.w3.org/2001/XMLSchema#integer>']
    """
    clock = Clock(timeout, stop=stop)
    services = (services or Services()).until(timeout, stop)
    compiled = plan(
        store, query, bindings=bindings, strict=strict, base=base, prefixes=prefixes, dataset=dataset, services=services, file=file, check=clock.check,
        looks_up=True,
    )  # fmt: skip
    if isinstance(compiled.query, (algebra.Construct, algebra.Describe)):
        run = Run(store, compiled, clock.remaining(), None, stop, offset=offset, whole_timeout=timeout)
        triples = constructed(run) if isinstance(compiled.query, algebra.Construct) else described(store, compiled, run, strict, bindings, clock)
        return Triples(triples, row_limit, partial)
    run = Run(store, compiled, clock.remaining(), row_limit, stop, partial, offset, timeout)
    if isinstance(compiled.query, algebra.Ask):
        return next(iter(run), None) is not None
    return Solutions(compiled, run)


def plan(
    store: Store,
    query: str | algebra.Query,
    *,
    bindings: Mapping[str, Term] | None = None,
    strict: bool = False,
    base: str | None = None,
    prefixes: Mapping[str, str] | None = None,
    dataset: algebra.Dataset | None = None,
    services: Services | None = None,
    file: str | None = None,
    check: Callable[[], None] = unlimited,
    looks_up: bool = False,
) -> CompiledQuery:
    """The compiled form of a query; kept until the store changes. `check` raises when the time for that is up.

    With `looks_up` it may be the answer already, without any SQL: of a query about single things, where the store is ready for such.
    """
    bound = tuple(sorted((bindings or {}).items(), key=lambda item: item[0]))
    named = tuple(sorted((prefixes or {}).items()))
    key = (query, strict, base, named, bound, dataset, store.revision, id(store.statistics), looks_up)
    plans = _plans.setdefault(store, Plans())
    found = plans.get(key) if isinstance(query, str) else None
    if found is not None:
        return found
    text = query if isinstance(query, str) else None
    parsed = parse_query(query, base, prefixes, file, check) if isinstance(query, str) else query
    if dataset is not None and dataset.is_given:
        parsed = replace(parsed, dataset=dataset)
    compiled = _looked_up(store, parsed, strict, bindings) if looks_up else None
    if compiled is None:
        compiled = compile_query(parsed, store, strict=strict, bindings=bindings, text=text, base=_base_of(text) or base, services=services, check=check)
    if text is not None and not compiled.is_volatile and len(compiled.rows or ()) <= _CACHED_ROWS:
        plans.keep(key, compiled)
    return compiled


def _looked_up(store: Store, query: algebra.Query, strict: bool, bindings: Mapping[str, Term] | None) -> CompiledQuery | None:
    """The answer of a query about single things in the place of its compiled form."""
    if store.look_ups is None:
        return None
    dataset = dataset_of(Compiler(store), query.dataset, strict) if query.dataset.is_given else Dataset(strict)
    rows = answer(store, query, dataset, bindings)
    if rows is None:
        return None
    names = [variable.name for variable in query.variables] if isinstance(query, algebra.Select) else []
    columns = {name: Value(ID, name) for name in names}
    return CompiledQuery("", {}, columns, {}, is_empty=not rows, query=query, rows=rows)


class Plans:
    """The plans of one store that were used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[object, CompiledQuery] = {}

    def get(self, key: object) -> CompiledQuery | None:
        with self._lock:
            found = self._plans.pop(key, None)
            if found is not None:
                self._plans[key] = found
            return found

    def keep(self, key: object, plan: CompiledQuery) -> None:
        """Keep a plan instead of the one that has not been used for longest; answers do not drive out what took long to plan."""
        with self._lock:
            self._plans[key] = plan
            if len(self._plans) > _CACHED_PLANS:
                del self._plans[next(iter(self._plans))]


def _base_of(text: str | None) -> str | None:
    """The base that the query declares, against which IRI() resolves."""
    declared = re.findall(r"(?im)^\s*BASE\s*<([^>]*)>", text or "")
    return declared[-1] if declared else None


class Run:
    """One execution: batches of rows as terms, on a cursor of its own, until the time is up."""

    def __init__(
        self, store: Store, compiled: CompiledQuery, timeout: float | None = None, row_limit: int | None = None, stop: Stop | None = None,
        partial: bool = False, offset: int = 0, whole_timeout: float | None = None,
    ) -> None:  # fmt: skip
        """`timeout` is what is left of `whole_timeout`, and begins with the reading of the rows."""
        self._store, self._compiled = store, compiled
        self._timeout, self._row_limit, self._stop, self._whole_timeout = timeout, row_limit, stop, whole_timeout
        self.may_be_partial, self.is_partial, self._offset = partial, False, offset

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            yield from self.terms(batch)

    def terms(self, batch: list[tuple]) -> list[Row]:
        """The rows of a batch as terms."""
        if self._compiled.rows is not None:
            return batch
        return decoded(batch, self._compiled.columns.values(), self._store, self._compiled.local_terms)

    def writer(self, format: str) -> Callable[[Batch], Iterable[bytes | memoryview]]:
        """What writes the rows of a batch in a format of `results.syntax`, in pieces: DuckDB and Arrow where they are many, else Python."""
        how, writer = syntax(format), RowWriter(self._store, self._compiled.columns, format)
        row, is_able = how.row(tuple(self._compiled.columns)), writer.is_able and self._compiled.rows is None

        def write(batch: Batch) -> Iterable[bytes | memoryview]:
            pieces = writer.write(batch) if is_able and len(batch) >= _MANY else None
            return (how.between.join([row(each) for each in self.terms(as_rows(batch))]).encode(),) if pieces is None else pieces

        return write

    def has_too_many(self) -> bool:
        """Whether there are more rows than the limit, found out by counting; False where that cannot be told."""
        if self._row_limit is None or self._compiled.is_empty or self._compiled.is_volatile:
            return False
        if self._compiled.rows is not None:
            return len(self._compiled.rows) - self._offset > self._row_limit
        cursor = self._store.cursor()
        try:
            with deadline(cursor, self._timeout, stop=self._stop):
                register_python_functions(cursor, self._compiled.sql)
                counted = f"SELECT count(*) FROM (SELECT 1 FROM ({self._compiled.sql}) LIMIT {self._row_limit + 1} OFFSET {self._offset})"
                return cursor.execute(counted, self._compiled.parameters or None).fetchone()[0] > self._row_limit
        finally:
            cursor.close()

    def batches(self, columnar: bool = False) -> Iterator[Batch]:
        """The rows as DuckDB gives them; where `columnar`, what follows the first ones may come as columns."""
        if self._compiled.is_empty:
            return
        if self._compiled.rows is not None:
            yield from self._within_limit(list(self._compiled.rows[self._offset :]))
            return
        cursor = self._store.cursor()
        try:
            with deadline(cursor, self._timeout, stop=self._stop, of=self._whole_timeout) as check:
                count, size = 0, _FIRST_BATCH
                register_python_functions(cursor, self._compiled.sql)
                cursor.execute(self._compiled.sql, self._compiled.parameters or None)
                columnar = columnar and comes_in_columns(self._compiled.columns)
                skipped, is_last = 0, False
                while skipped < self._offset and (passed := len(cursor.fetchmany(min(self._offset - skipped, _LARGEST_BATCH)))):
                    skipped += passed
                while not is_last and len(batch := fetched_columns(cursor, size) if columnar and count else cursor.fetchmany(size)):
                    is_last = isinstance(batch, list) and len(batch) < size
                    size = min(size * 4, _LARGEST_BATCH)
                    count += len(batch)
                    yield from self._within_limit(batch, count)
                    if self.is_partial:
                        return
                    check()
                check()
        finally:
            cursor.close()

    def _within_limit(self, batch: Batch, count: int | None = None) -> Iterator[Batch]:
        """A batch, the last of `count` rows in all, as far as the limit allows."""
        count = len(batch) if count is None else count
        if self._row_limit is not None and count > self._row_limit:
            if not self.may_be_partial:
                raise LimitExceeded("Q401", f"the query has more than {self._row_limit} solutions", help="add LIMIT, or narrow the pattern")
            self.is_partial = True
            batch = batch[: self._row_limit - count or None]
        if len(batch):
            yield batch


class Solutions:
    """The solutions of a SELECT: `variables`, and an iterator of tuples of terms (None where unbound) in their order."""

    def __init__(self, compiled: CompiledQuery, run: Run) -> None:
        self.variables = tuple(compiled.columns)
        self._run = run
        self._first: list[tuple] = []  # a batch that was looked at, and is still to be read
        self._is_written = False
        self._batches = self._run_batches()
        self._rows = (row for batch in self._raw() for row in run.terms(as_rows(batch)))

    def _run_batches(self) -> Iterator[Batch]:
        yield from self._run.batches(columnar=self._is_written)

    def _raw(self) -> Iterator[Batch]:
        while batch := self._first or next(self._batches, None):
            self._first = []
            yield batch

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def __next__(self) -> Row:
        return next(self._rows)

    def has_any(self) -> bool:
        """Whether there is a solution (still to be read); it is kept for the reading."""
        self._first = self._first or next(self._batches, [])
        return bool(self._first)

    @property
    def is_partial(self) -> bool:
        """Whether solutions beyond the row limit were left out; known when all have been read."""
        return self._run.is_partial

    def has_too_many(self) -> bool:
        """Whether there are more solutions than the row limit, found out by counting them."""
        return self._run.has_too_many()

    def text(self, format: str, notes: Callable[[int], Sequence[str]] | None = None) -> Iterator[str]:
        """All solutions as `json`, `xml`, `csv` or `tsv`, some at a time; instead of iterating. `notes` as for `encoded`."""
        return (str(piece, "utf-8") for piece in self.encoded(format, notes))

    def encoded(self, format: str, notes: Callable[[int], Sequence[str]] | None = None) -> Iterator[bytes]:
        """What `text` gives, in UTF-8: of a long answer it lies so in memory.

        `notes` (of how many solutions there were) are remarks to stand at the end, where the format has room for them.
        """
        self._is_written = True
        how, write = syntax(format), self._run.writer(format)
        count, before = 0, how.head(self.variables) + how.before
        for batch in self._raw():
            count += len(batch)
            for piece in write(batch):
                yield b"".join((before.encode(), piece))
                before = how.between
        if count > _LARGEST_BATCH:
            pa.default_memory_pool().release_unused()
        before = "" if count else how.head(self.variables)
        yield (before + how.end(notes(count) if notes else ())).encode()

    def df(self):
        """A pandas DataFrame: numbers, booleans and dates as such, decimals exact (`decimal.Decimal`), other terms as text."""
        return data_frame(self.variables, self._rows)
