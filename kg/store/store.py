"""The store: one open graph file, its dictionary, statistics and transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pyoxigraph import NamedNode

from kg.errors import StoreError
from kg.sql.connecting import connect
from kg.sql.temporary import create_empty
from kg.store import changes, quads, recent, schema, search_texts, statistics
from kg.store.changes import Changes
from kg.store.dictionary import Dictionary
from kg.store.quads import Diff, Touched
from kg.store.sorted_quads import LookUps
from kg.store.statistics import PredicateStatistics
from kg.terms import DEFAULT_GRAPH, Term


@dataclass
class Target:
    """Where a writer puts the new content of its graphs: INSERT INTO {table} (g, s, p, o[, rule, round])."""

    table: str
    diff: Diff = field(default_factory=lambda: Diff(0, 0))


class Store:
    """A graph file open for reading, or for reading and writing by this one process.

    `connection` is the writer's; other threads take a `cursor()`. Queries read the tables `quads`, `triples` (the union
    view) and `dictionary`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None, read_only: bool) -> None:
        self.connection = connection
        self.path = path
        self.read_only = read_only
        self.dictionary = Dictionary(connection, read_only)
        self.look_ups = LookUps(connection.cursor, path.parent) if read_only and path is not None else None
        self._statistics: dict[int, PredicateStatistics] | None = None
        self._revision: int | None = None
        self._search_properties: tuple[str, ...] | None = None
        self._depth = 0
        self._touched = Touched()
        self._is_batch = False

    # ── Opening and closing ──────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def memory(cls, **settings: object) -> Store:
        """An empty graph in memory."""
        connection = connect(":memory:", config=_config(settings))
        schema.create(connection)
        return cls(connection, None, read_only=False)

    @classmethod
    def open(cls, path: str | Path, read_only: bool = False, **settings: object) -> Store:
        """Open a graph file, laid out first where it is new.

        `settings` are DuckDB's (memory_limit, threads, temp_directory). A read-only store cannot reach any other file.
        """
        path = Path(path)
        if read_only and not path.exists():
            raise StoreError("S101", f"there is no graph file {path}", help="run kg build first")
        if read_only:
            settings["enable_external_access"] = "false"
        try:
            connection = connect(path, read_only, _config(settings))
        except duckdb.Error as error:
            raise _open_error(path, error) from error
        if not read_only and schema.is_empty(connection):
            schema.create(connection)
        schema.check_format(connection, str(path))
        if not read_only:
            schema.complete(connection)
        store = cls(connection, path, read_only)
        if not read_only and store.search_properties is None:  # an earlier version of the engine wrote the file
            search_texts.lay_out(connection)
            store._refresh_search()
        return store

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """An independent connection to the same graph, for another thread or a query that may be interrupted."""
        return self.connection.cursor()

    @property
    def is_in_transaction(self) -> bool:
        """Whether `connection` may hold changes that a cursor does not see yet."""
        return self._depth > 0

    def checkpoint(self) -> None:
        """Write everything from the log into the file."""
        self.connection.execute("CHECKPOINT")

    # ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────

    def lookup(self, term: Term) -> int | None:
        """The id of a term, or None where the graph does not know it; never writes."""
        return self.lookup_many([term])[0]

    def lookup_many(self, terms: Sequence[Term]) -> list[int | None]:
        return self.dictionary.lookup_many(terms, self._reader)

    def decode(self, ids: Iterable[int]) -> dict[int, Term]:
        """The terms of stored ids."""
        return self.dictionary.decode(ids, self._reader)

    def _reader(self) -> duckdb.DuckDBPyConnection:
        # A connection serves one thread at a time. The writer must see its own uncommitted rows; readers take a cursor.
        return self.connection.cursor() if self.read_only else self.connection

    def encode(self, terms: Sequence[Term]) -> list[int]:
        """The ids of terms; what is new goes into the dictionary."""
        ids = self.lookup_many(terms)
        if None not in ids:
            return ids
        self._writable()
        return self.dictionary.encode(terms)

    def intern(self, select: str, parameters: Sequence[object] = ()) -> int:
        """Add terms in bulk: see `Dictionary.intern`."""
        return self.dictionary.intern(select, parameters)

    def register_template(self, prefix: str, suffix: str = "") -> int | None:
        """See `Dictionary.register_template`."""
        with self.transaction():
            self._statistics = None  # ids of predicates and objects may change
            self._touched.quads += recent.LIMIT + 1  # what was noted by the old ones is of no use
            return self.dictionary.register_template(prefix, suffix)

    # ── Knowledge about the content ──────────────────────────────────────────────────────────────────────────

    @property
    def statistics(self) -> Mapping[int, PredicateStatistics]:
        """Per predicate id, as of the last committed or refreshed write."""
        if self._statistics is None:
            self._statistics = statistics.load(self._reader())
        return self._statistics

    @property
    def revision(self) -> int:
        """Grows with every write that was committed."""
        if self._revision is None:
            row = self._reader().execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()
            self._revision = int(row[0])
        return self._revision

    @property
    def search_properties(self) -> tuple[str, ...] | None:
        """The IRIs of the properties whose texts `kg:search` looks through; None where the file has no index."""
        if self._search_properties is None:
            self._search_properties = search_texts.properties(self._reader())
        return self._search_properties

    def graph_id(self, iri: str, owner: str | None = None) -> int:
        """The id of a named graph, catalogued if need be."""
        graph_id = self.encode([NamedNode(iri)])[0]
        self._catalogue(graph_id, iri, owner)
        return graph_id

    def graphs(self) -> list[dict[str, object]]:
        """The catalogue: id, iri, owner, revision, triples of each graph."""
        cursor = self._reader().execute("SELECT id, iri, owner, revision, triples FROM graphs ORDER BY iri")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fingerprint(self, owner: str) -> str | None:
        """What the owner's graphs were last made from."""
        row = self._reader().execute("SELECT fingerprint FROM owners WHERE owner = ?", [owner]).fetchone()
        return row[0] if row else None

    def owners(self) -> list[str]:
        return [row[0] for row in self._reader().execute("SELECT owner FROM owners ORDER BY owner").fetchall()]

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, the outermost commits."""
        if self._depth == 0:
            self._writable()
            self.connection.execute("BEGIN")
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self.refresh()
                self.connection.execute("COMMIT")
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        finally:
            self._depth -= 1

    def _roll_back(self) -> None:
        with suppress(duckdb.TransactionException):  # DuckDB may have ended the transaction that failed
            self.connection.execute("ROLLBACK")
        self._touched.clear()
        self._statistics = self._revision = self._search_properties = None
        self.dictionary.forget()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Put off counting and flagging until the end of several writes: one transaction, one refresh."""
        self._is_batch = True
        try:
            with self.transaction():
                yield
        finally:
            self._is_batch = False

    @contextmanager
    def replacing(self, owner: str, fingerprint: str | None = None, among: str | None = None) -> Iterator[Target]:
        """Replace all that `owner` has written before by what the block inserts into `target.table`.

        The block must insert each (g, s, p, o) once. An owner without quads writes straight into `quads`; otherwise the
        rows are staged and only the difference is written. `target.diff` counts it after the block. With `among`, a
        condition on the columns of `quads`, the owner's other quads stay; all that is inserted must meet it.
        """
        with self.transaction():
            scope = f"g IN ({', '.join(str(g) for g in self._owned(owner)) or 'NULL'})"
            is_new = among is None and not self.connection.execute(f"SELECT 1 FROM quads WHERE {scope} LIMIT 1").fetchone()
            target = Target("quads" if is_new else "kg_staging")
            before, known = self._end_of_quads() if is_new else (0, 0)
            if not is_new:
                create_empty(self.connection, "kg_staging", "g BIGINT, s BIGINT, p BIGINT, o BIGINT, rule INTEGER, round INTEGER")
            yield target
            new_rows = f"quads WHERE rowid >= {before}" if is_new else "kg_staging"
            inserted, touched = quads.count_touched(self.connection, new_rows)
            written = list(touched.graphs)
            quads.refuse_foreign_graphs(self.connection, owner, written)
            self._catalogue_all(written, owner)
            if is_new:
                if hidden := self.connection.execute("SELECT count(*) FROM quads").fetchone()[0] - known - inserted:
                    raise StoreError("S108", f"the database hides {hidden:,} of the quads that {owner} has written", help="report it with the mapping; nothing was written")
                changes.record(self.connection, new_rows, inserted, is_added=True)
                target.diff = Diff(inserted, 0)
            else:
                target.diff, touched = quads.replace(self.connection, f"{scope} AND ({among})" if among else scope, "kg_staging")
                self.connection.execute("DROP TABLE kg_staging")
            self._set_owner(owner, fingerprint)
            self._touched.add(touched)
            if not self._is_batch:
                self.refresh()

    def changes(self) -> Changes | None:
        """What was asserted and taken away since `mark_changes`, as queries; None where that is not known."""
        return changes.since_mark(self._reader())

    def mark_changes(self) -> None:
        """Let `changes` begin anew: all conclusions have been drawn from what the graph says now."""
        with self.transaction():
            changes.mark(self.connection)

    def _end_of_quads(self) -> tuple[int, int]:
        """From where on rows will be new, and how many there are."""
        return self.connection.execute("SELECT coalesce(max(rowid) + 1, 0), count(*) FROM quads").fetchone()

    def remove_owner(self, owner: str) -> Diff:
        """Drop everything an owner has written, for a mapping or rule file that is gone."""
        with self.transaction():
            with self.replacing(owner) as target:
                pass
            self.refresh()
            self.connection.execute("DELETE FROM owners WHERE owner = ?", [owner])
            self.connection.execute("DELETE FROM graphs WHERE owner = ?", [owner])
            self.forget_sources([owner])
        return target.diff

    def insert(self, select: str, parameters: Sequence[object] = ()) -> int:
        """Add the quads (g, s, p, o) that `select` yields; returns how many were new."""
        with self.transaction():
            count, touched = quads.insert(self.connection, select, list(parameters))
            self._catalogue_new(touched.graphs)
            self._touched.add(touched)
            return count

    def delete(self, select: str, parameters: Sequence[object] = ()) -> int:
        """Take away the quads (g, s, p, o) that `select` yields; returns how many there were."""
        with self.transaction():
            count, touched = quads.delete(self.connection, select, list(parameters))
            self._touched.add(touched)
            return count

    def clear_graphs(self, graph_ids: Sequence[int]) -> int:
        """Take away all quads of these graphs, which stay in the catalogue; returns how many there were."""
        with self.transaction():
            count, touched = quads.clear(self.connection, list(graph_ids))
            self._touched.add(touched)
            return count

    def create_graph(self, iri: str) -> bool:
        """Catalogue a named graph without quads; False where it is known already."""
        with self.transaction():
            graph_id = self.encode([NamedNode(iri)])[0]
            if any(graph["id"] == graph_id for graph in self.graphs()):
                return False
            self._catalogue(graph_id, iri, None)
            self._touched.graphs.add(graph_id)
            return True

    def drop_graphs(self, graph_ids: Sequence[int]) -> int:
        """Like `clear_graphs`, and take the named ones off the catalogue."""
        with self.transaction():
            count = self.clear_graphs(graph_ids)
            self.refresh()  # what was taken away is counted now: the graph may come again in this transaction, with a count of its own
            named = [graph_id for graph_id in graph_ids if graph_id != DEFAULT_GRAPH]
            self.connection.execute("DELETE FROM graphs WHERE id IN (SELECT unnest(?::BIGINT[]))", [named])
            self._touched.graphs.update(named)
            return count

    def disown(self, owners: Iterable[str]) -> None:
        """Forget what these owners' graphs were made from, because something else has changed them: they are not up to date."""
        with self.transaction():
            self.connection.execute("UPDATE owners SET fingerprint = NULL WHERE owner IN (SELECT unnest(?::VARCHAR[]))", [list(owners)])
            self.forget_sources(list(owners))

    def forget_sources(self, owners: list[str]) -> None:
        """Forget which rows of which sources these owners' quads were made from."""
        theirs = "WHERE owner IN (SELECT unnest(?::VARCHAR[]))"
        self.connection.execute(f"DELETE FROM source_rows WHERE source IN (SELECT number FROM mapped_sources {theirs})", [owners])
        self.connection.execute(f"DELETE FROM mapped_sources {theirs}", [owners])

    def make_searchable(self, properties: Sequence[str]) -> bool:
        """Let `kg:search` look through the texts of exactly these properties; tells whether that was a change."""
        if self.search_properties == tuple(properties):
            return False
        with self.transaction():
            search_texts.set_properties(self.connection, properties)
            self._search_properties = None
            self._refresh_search()
        return True

    def _refresh_search(self, predicates: Iterable[int] | None = None) -> None:
        """Bring the index of texts up to date where these predicates (default: all) are searched."""
        searched = {found for found in self.lookup_many([NamedNode(iri) for iri in self.search_properties]) if found is not None}
        if predicates is None or searched & set(predicates):
            search_texts.refresh(self.connection, searched)

    def blank_node_prefix(self) -> str:
        """The beginning of blank node labels that this graph has never had."""
        query = "UPDATE meta SET value = (value::BIGINT + 1)::VARCHAR WHERE key = 'documents' RETURNING value"
        return f"d{self.connection.execute(query).fetchone()[0]}-"

    def written(self, touched: Touched) -> None:
        """Have these predicates and graphs counted and flagged at the next refresh: something wrote to `quads` itself."""
        self._touched.add(touched)

    def own(self, owner: str, iri: str, fingerprint: str | None) -> int:
        """Catalogue the graph of an owner, and what it was made from; returns the graph's id."""
        return self.own_all({owner: iri}, fingerprint)[owner]

    def own_all(self, graphs: Mapping[str, str], fingerprint: str | None) -> dict[str, int]:
        """Like `own`, of graphs (IRIs, by owner) that were all made from the same."""
        ids = dict(zip(graphs, self.encode([NamedNode(iri) for iri in graphs.values()]), strict=True))
        known = set(self.connection.execute("SELECT id, owner FROM graphs").fetchall())
        for owner, graph_id in ids.items():
            if (graph_id, owner) not in known:
                self._catalogue(graph_id, graphs[owner], owner)
        self.connection.execute("DELETE FROM owners WHERE owner IN (SELECT unnest(?::VARCHAR[]))", [list(graphs)])
        if graphs:
            self.connection.execute("INSERT INTO owners SELECT unnest(?::VARCHAR[]), ?, ?", [list(graphs), fingerprint, self.revision])
        return ids

    def refresh(self) -> None:
        """Bring flags, statistics and graph counts up to date with what was written in this transaction."""
        if not self._touched.graphs:
            return
        run, is_small = self.connection.execute, recent.is_complete(self.connection, self._touched.quads)
        if is_small:
            recent.refresh(self.connection)
        else:
            if self._touched.predicates:
                quads.flag_repeated(self.connection, self._touched.predicates)
            statistics.refresh(self.connection, self._touched.predicates)
        recent.forget(self.connection)
        self._refresh_search(self._touched.predicates)
        self._revision = self.revision + 1
        run("UPDATE meta SET value = ? WHERE key = 'revision'", [str(self._revision)])
        changed = ", ".join(str(g) for g in self._touched.graphs)
        counted = "" if is_small else ", triples = (SELECT count(*) FROM quads WHERE g = graphs.id)"
        run(f"UPDATE graphs SET revision = ?{counted} WHERE id IN ({changed})", [self._revision])
        self._touched.clear()
        self._statistics = None

    # ── The catalogue of graphs ──────────────────────────────────────────────────────────────────────────────

    def _owned(self, owner: str) -> list[int]:
        return [row[0] for row in self.connection.execute("SELECT id FROM graphs WHERE owner = ?", [owner]).fetchall()]

    def _set_owner(self, owner: str, fingerprint: str | None) -> None:
        self.connection.execute("DELETE FROM owners WHERE owner = ?", [owner])
        self.connection.execute("INSERT INTO owners VALUES (?, ?, ?)", [owner, fingerprint, self.revision])

    def _catalogue(self, graph_id: int, iri: str, owner: str | None) -> None:
        known = self.connection.execute("SELECT owner FROM graphs WHERE id = ?", [graph_id]).fetchone()
        if known is None:
            self.connection.execute("INSERT INTO graphs VALUES (?, ?, ?, 0, 0)", [graph_id, iri, owner])
        elif owner is not None and known[0] is None:
            self.connection.execute("UPDATE graphs SET owner = ? WHERE id = ?", [owner, graph_id])

    def _catalogue_all(self, graph_ids: list[int], owner: str | None) -> None:
        named = self.decode(g for g in graph_ids if g != DEFAULT_GRAPH)
        for graph_id in graph_ids:
            self._catalogue(graph_id, "" if graph_id == DEFAULT_GRAPH else named[graph_id].value, owner)

    def _catalogue_new(self, graph_ids: Iterable[int]) -> None:
        known = {row[0] for row in self.connection.execute("SELECT id FROM graphs").fetchall()}
        self._catalogue_all([graph_id for graph_id in graph_ids if graph_id not in known], None)

    def _writable(self) -> None:
        if self.read_only:
            raise StoreError("S103", "this graph is open for reading only", help="write through kg build, kg load or an update")


def _config(settings: Mapping[str, object]) -> dict[str, str]:
    return {"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"} | {k: str(v) for k, v in settings.items()}


def _open_error(path: Path, error: duckdb.Error) -> StoreError:
    if "lock" in str(error).lower():
        return StoreError("S104", f"{path} is open for writing in another process", notes=[str(error).splitlines()[0]])
    return StoreError("S105", f"{path} cannot be opened as a graph file", notes=[str(error).splitlines()[0]], help="remove it and run kg build")

