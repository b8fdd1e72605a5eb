"""RDF documents in and out: `load` reads one into the graph, `dump` writes graphs to one."""

from __future__ import annotations

import gzip
import io
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from kg.errors import DataError, Location
from kg.sql.inserting import insert_rows
from kg.sql.temporary import create_empty
from kg.store import quads
from kg.store.formats import GZIP_MAGIC, format_of, is_gzip_name
from kg.store.staging import QuadEncoder, apart
from kg.store.store import Store
from kg.terms import DEFAULT_GRAPH

Source = str | os.PathLike[str] | bytes | IO[bytes] | IO[str]


class _All:
    """The type of ALL."""

    def __repr__(self) -> str:
        return "ALL"


ALL = _All()  # every graph, as an argument of `dump`


@dataclass(frozen=True)
class LoadReport:
    """`triples` were new, out of `read` in the document, and `deleted` went; `graphs` are the IRIs written to, "" for the
    default graph."""

    triples: int
    read: int
    graphs: tuple[str, ...]
    seconds: float
    deleted: int = 0


# ── In ───────────────────────────────────────────────────────────────────────────────────────────────────────


def load(
    store: Store,
    source: Source,
    *,
    format: str | RdfFormat | None = None,
    base: str | None = None,
    graph: str | None = None,
    owner: str = "load",
) -> LoadReport:
    """Add the triples of a document, all or nothing.

    `source` is a path, the document itself as bytes, or a file object; gzip is recognized. The syntax is `format`, or told by
    the path's suffix. Triples go to the graph `graph`, or the default graph; named graphs of TriG, N-Quads and JSON-LD
    keep their names. Relative IRIs are resolved against `base`, or the path. Blank nodes are new ones in each load
    (RDF 1.1 Semantics, 4.1: merging). Raises DataError with the place of a syntax error.

    >>> with Store.memory() as store:
    ...     load(store, b"<urn:a> <urn:b> 1, 2 .", format="turtle").triples
    2
    """
    started = time.perf_counter()
    with staged(store, source, format=format, base=base, graph=graph) as encoder:
        run = store.connection.execute
        graph_ids = [row[0] for row in run("SELECT DISTINCT g FROM kg_document ORDER BY g").fetchall()]
        quads.refuse_foreign_graphs(store.connection, owner, graph_ids)
        added = store.insert("SELECT g, s, p, o FROM kg_document")
        run("UPDATE graphs SET owner = ? WHERE owner IS NULL AND id IN (SELECT g FROM kg_document)", [owner])
        names = _graph_names(store, graph_ids)
    return LoadReport(added, encoder.count, names, time.perf_counter() - started)


@dataclass(frozen=True)
class OwnedDocument:
    """A document of triples that is all that `owner` says, in the graph `graph`."""

    source: Source
    owner: str
    graph: str
    fingerprint: str | None = None
    format: str | RdfFormat | None = None


def replace(store: Store, owned: Sequence[OwnedDocument], *, base: str | None = None) -> list[LoadReport]:
    """Make each document all that its owner has written: like `load`, but what the owner wrote before goes.

    The terms of all documents are encoded at once, so that many small files cost little more than one.
    """
    with store.transaction():
        run = store.connection.execute
        started = time.perf_counter()
        create_empty(store.connection, "kg_document", "g BIGINT, s BIGINT, p BIGINT, o BIGINT")
        counts: list[int] = []
        QuadEncoder(store).stage(_quads_of(store, owned, base, counts), "kg_document")
        reading = (time.perf_counter() - started) / max(1, len(owned))
        reports = []
        for document, count in zip(owned, counts, strict=True):
            started = time.perf_counter()
            graph_id = store.encode([NamedNode(document.graph)])[0]
            with store.replacing(document.owner, document.fingerprint) as target:
                rows = f"FROM kg_document WHERE g = {graph_id}"
                insert_rows(store.connection, f"{target.table} (g, s, p, o)", f"SELECT DISTINCT g, s, p, o {rows} ORDER BY p, s", some=rows)
            seconds = reading + time.perf_counter() - started
            reports.append(LoadReport(target.diff.inserted, count, (document.graph,), seconds, target.diff.deleted))
        run("DROP TABLE kg_document")
    return reports


def _quads_of(store: Store, owned: Sequence[OwnedDocument], base: str | None, counts: list[int]) -> Iterator[tuple]:
    """The triples of all documents with their graphs, blank nodes apart; `counts` gets how many each has."""
    for document in owned:
        graph, prefix, count = NamedNode(document.graph), store.blank_node_prefix(), 0
        with _Document.of(document.source, document.format, base).quads() as quads:
            for subject, predicate, object, _ in quads:
                count += 1
                yield apart(subject, prefix), predicate, apart(object, prefix), graph
        counts.append(count)


@contextmanager
def staged(
    store: Store, source: Source, *, format: str | RdfFormat | None = None, base: str | None = None, graph: str | None = None
) -> Iterator[QuadEncoder]:
    """A transaction in which the table kg_document (g, s, p, o) holds a document's quads, repetitions included.

    Arguments and errors are those of `load`, which this is the first half of.
    """
    document = _Document.of(source, format, base)
    with store.transaction():
        run = store.connection.execute
        create_empty(store.connection, "kg_document", "g BIGINT, s BIGINT, p BIGINT, o BIGINT")
        encoder = QuadEncoder(store, store.blank_node_prefix(), NamedNode(graph) if graph else None)
        with document.quads() as read:
            encoder.stage(read, "kg_document")
        yield encoder
        run("DROP TABLE kg_document")


def _graph_names(store: Store, graph_ids: list[int]) -> tuple[str, ...]:
    named = store.decode(g for g in graph_ids if g != DEFAULT_GRAPH)
    return tuple(named[g].value if g != DEFAULT_GRAPH else "" for g in graph_ids)


@dataclass(frozen=True)
class _Document:
    """A document that is ready to be parsed."""

    source: Source
    path: Path | None
    format: RdfFormat
    base: str | None

    @classmethod
    def of(cls, source: Source, format: str | RdfFormat | None, base: str | None) -> _Document:
        path = Path(source) if isinstance(source, (str, os.PathLike)) else None
        if path is not None and not path.is_file():
            what = "is a folder, not a file" if path.is_dir() else "does not exist"
            raise DataError("D101", f"{path} {what}", Location(str(path)), help="check the path; relative ones start at the current folder")
        if path is not None and base is None:
            base = path.resolve().as_uri()
        return cls(source, path, format_of(format, path), base)

    @property
    def name(self) -> str | None:
        name = self.path or getattr(self.source, "name", None)
        return str(name) if isinstance(name, (str, Path)) else None

    @contextmanager
    def quads(self) -> Iterator[Iterator[Quad]]:
        """Parse; what goes wrong inside the block because of the document is a DataError with its place."""
        try:
            with ExitStack() as stack:
                yield self._parse(self._open(stack))
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError("D104", f"the gzip data is broken: {error}", Location(self.name), help="fetch or write the file again") from None
        except UnicodeDecodeError as error:
            raise DataError("D102", f"the text is not UTF-8: {error.reason} at byte {error.start}", Location(self.name)) from None

    def _parse(self, text: IO[bytes] | IO[str] | bytes) -> Iterator[Quad]:
        try:
            return parse(text, format=self.format, base_iri=self.base)
        except ValueError as error:
            raise DataError("D106", f"{self.base!r} is no absolute base IRI: {error}", Location(self.name)) from None

    def _open(self, stack: ExitStack) -> IO[bytes] | IO[str] | bytes:
        if isinstance(self.source, bytes):
            return gzip.decompress(self.source) if self.source.startswith(GZIP_MAGIC) else self.source
        file = self.source if self.path is None else stack.enter_context(self.path.open("rb"))
        head = file.read(2)
        whole = _Rejoined(head, file)
        return gzip.GzipFile(fileobj=whole, mode="rb") if head == GZIP_MAGIC else whole

    def _syntax_error(self, error: SyntaxError) -> DataError:
        message = re.sub(r"^Parser error (?:at|between) [^:]*: ", "", str(error.msg))
        place = Location(self.name, error.lineno, error.offset, self._line(error.lineno))
        remedy = None
        if "No scheme found" in message or "relative IRI" in message:
            remedy = "relative IRIs need a base: give one, or write @base into the document"
        elif "prefix" in message and "declared" in message:
            remedy = "declare it at the top of the document: @prefix name: <…> ."
        elif self.format == RdfFormat.JSON_LD and "context" in message.lower():
            remedy = "contexts are not fetched from the network: write the @context into the document"
        return DataError("D102", f"not {self.format.name}: {message}", place, help=remedy)

    def _line(self, number: int | None) -> str | None:
        """The text of a line, where the source can be read again."""
        if number is None:
            return None
        with ExitStack() as stack:
            if isinstance(self.source, bytes) or self.path is not None:
                again = self._open(stack)
            elif self.source.seekable():
                self.source.seek(0)
                again = self._open(stack)
            else:
                return None
            lines = io.BytesIO(again) if isinstance(again, bytes) else again
            for count, line in enumerate(lines, 1):
                if count == number:
                    text = line if isinstance(line, str) else line.decode(errors="replace")
                    return text.rstrip("\r\n")[:500]
        return None


class _Rejoined:
    """A file whose first characters were looked at: read as if they had not been."""

    def __init__(self, head: bytes | str, file: IO) -> None:
        self._head, self._file = head, file

    def read(self, size: int = -1) -> bytes | str:
        head, self._head = self._head, self._head[:0]
        return head or self._file.read(size)

    def __iter__(self) -> Iterator[bytes | str]:
        first = self.read() + self._file.readline()
        yield from first.splitlines()
        yield from self._file


# ── Out ──────────────────────────────────────────────────────────────────────────────────────────────────────


def dump(
    store: Store,
    destination: str | os.PathLike[str] | IO[bytes],
    *,
    format: str | RdfFormat | None = None,
    graph: str | _All | None = ALL,
    prefixes: dict[str, str] | None = None,
) -> int:
    """Write a document, ordered by graph and subject, and return the number of triples (or quads) in it.

    `graph` is one graph's IRI, None for the default graph, or ALL. A syntax without named graphs gets the union of ALL
    graphs, each triple once; the others keep the graphs' names. What an open transaction has written is left out. A path that ends in ".gz" is compressed; the file
    appears under its name when it is complete.
    """
    path = Path(destination) if isinstance(destination, (str, os.PathLike)) else None
    rdf_format = format_of(format, path)
    rows = _Rows(store, _selection(store, graph, rdf_format.supports_datasets), rdf_format.supports_datasets)
    with ExitStack() as stack:
        output = destination if path is None else stack.enter_context(_writing(path))
        try:
            serialize(rows, output, rdf_format, prefixes=prefixes)
        except ValueError as error:
            raise DataError("D107", f"this graph cannot be written as {rdf_format.name}: {error}") from None
    return rows.count


def _selection(store: Store, graph: str | _All | None, with_names: bool) -> str:
    """The rows (g, s, p, o) to write, in order."""
    if isinstance(graph, _All):
        return f"SELECT g, s, p, o FROM quads{'' if with_names else ' WHERE NOT again'} ORDER BY {'g, ' * with_names}s, p, o"
    graph_id = DEFAULT_GRAPH if graph is None else store.lookup(NamedNode(graph))
    if graph is not None and not any(known["id"] == graph_id for known in store.graphs()):
        raise DataError("D108", f"there is no graph <{graph}>", help="kg status lists the graphs")
    return f"SELECT g, s, p, o FROM quads WHERE g = {graph_id} ORDER BY s, p, o"


class _Rows:
    """The triples or quads of a selection, decoded a chunk at a time; counts them."""

    def __init__(self, store: Store, select: str, with_names: bool) -> None:
        self._store, self._select, self._with_names = store, select, with_names
        self.count = 0

    def __iter__(self) -> Iterator[Triple | Quad]:
        # A cursor of its own: decoding between two chunks would end a result of the store's connection.
        cursor = self._store.cursor().execute(self._select)
        while chunk := cursor.fetchmany(100_000):
            named = self._store.decode({term_id for row in chunk for term_id in row} - {DEFAULT_GRAPH})
            named[DEFAULT_GRAPH] = DefaultGraph()
            self.count += len(chunk)
            for graph_id, subject, predicate, object_ in chunk:
                if self._with_names:
                    yield Quad(named[subject], named[predicate], named[object_], named[graph_id])
                else:
                    yield Triple(named[subject], named[predicate], named[object_])


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as raw:
            if is_gzip_name(path):
                with gzip.GzipFile(filename=path.stem, fileobj=raw, mode="wb") as packed:
                    yield packed
            else:
                yield raw
        part.replace(path)
    except OSError as error:
        raise DataError("D109", f"{path} cannot be written: {error.strerror or error}", Location(str(path))) from None
    finally:
        part.unlink(missing_ok=True)
