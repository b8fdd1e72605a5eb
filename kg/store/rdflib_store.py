"""The rdflib Store plugin `guanxi`: rdflib.Graph(store="guanxi"), and all that runs over rdflib, on a graph file.

    graph = rdflib.Graph(store="guanxi")              # in memory, until it is opened
    graph.open("things.duckdb", create=True)          # a graph file, or a project's folder of versions (read-only)
    graph.parse("more.ttl"); graph.commit()

A Graph without a name (its identifier is a blank node) is the graph file as a whole: it reads the union of all graphs,
adds to the default graph, and removes everywhere. A Graph with a name, and the graphs of a Dataset, are the named graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import rdflib
import rdflib.store
from pyoxigraph import BlankNode, DefaultGraph, NamedNode
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID
from rdflib.plugins.stores.memory import Memory
from rdflib.query import Result
from rdflib.term import Identifier

from kg.errors import DataError, StoreError
from kg.sql.temporary import create_empty
from kg.store.rdflib_terms import canonical, from_rdflib, to_rdflib
from kg.store.staging import GraphName, QuadEncoder
from kg.store.store import Store
from kg.store.versions import Versions
from kg.terms import DEFAULT_GRAPH

Pattern = tuple[Identifier | list[Identifier] | None, ...]
Context = rdflib.Graph | Identifier | None

# Added triples that are kept back before they are written: a write costs about as much for one as for thousands.
_BUFFER = 100_000
# A graph of up to so many quads is held in Python objects as well, once so many patterns were looked up in it one by one:
# pySHACL and owlrl ask hundreds of thousands of tiny questions, for which SQL takes a millisecond each.
_MIRRORED, _LOOKUPS = 300_000, 200

_PREFIX_KEY = "prefix "  # of namespaces in the table meta

QueryEngine = Callable[[Store, str, Mapping[str, str], Mapping[str, object]], Result]
_engine: QueryEngine | None = None


def answer_queries_with(engine: QueryEngine | None) -> None:
    """Let Graph.query run `engine(store, text, prefixes, bindings)`; None gives it back to rdflib's own engine."""
    global _engine
    _engine = engine


class GuanxiStore(rdflib.store.Store):
    """One graph file, or a graph in memory, as rdflib sees it."""

    context_aware = True
    graph_aware = True
    formula_aware = False
    transaction_aware = False

    def __init__(self, configuration: str | None = None, identifier: Identifier | None = None, store: Store | None = None) -> None:
        """`store` is an open store to work on; closing it stays with the caller."""
        self._store = store
        self._is_ours = store is None
        self._reset()
        super().__init__(configuration, identifier)

    def _reset(self) -> None:
        self._buffer: list[tuple] = []
        self._mirror: Memory | None = None
        self._mirrored_revision = -1
        self._lookups = 0
        self._graphs: dict[GraphName, rdflib.Graph] = {}
        self._declared: set[GraphName] = set()  # graphs that were added empty
        self._names: dict[Identifier, GraphName | None] = {}
        self._named: dict[int, Identifier] = {}
        self._namespaces: dict[str, rdflib.URIRef] | None = None
        self._is_changed = False  # whether a declared graph or a namespace waits for being written

    @property
    def store(self) -> Store:
        """The store underneath; what was added but not yet written is not in it."""
        if self._store is None:
            self._store = Store.memory()
        return self._store

    # ── Opening and closing ──────────────────────────────────────────────────────────────────────────────────

    def open(self, configuration: str, create: bool = False) -> int:
        """Open a graph file, a folder of versions (its current version, for reading), or ":memory:".

        A file that is not there is made where `create` is true, else StoreError.
        """
        if self._store is not None:
            self.close()
        path = Path(configuration)
        if str(configuration) == ":memory:":
            self._store = Store.memory()
        elif path.is_dir():
            self._store = Versions(path).read()[1]
        elif create or path.exists():
            self._store = Store.open(path)
        else:
            raise StoreError("S108", f"there is no graph file {path}", help="check the path, or open it with create=True")
        self._is_ours = True
        self._reset()
        return rdflib.store.VALID_STORE

    def close(self, commit_pending_transaction: bool = False) -> None:
        """Write what is still held back, and close the file; in either case, since this store has no transactions."""
        if self._store is not None:
            self.commit()
            if self._is_ours:
                self._store.close()
        self._store = None
        self._reset()

    def destroy(self, configuration: str) -> None:
        """Remove a graph file."""
        self.close()
        Path(configuration).unlink(missing_ok=True)

    def commit(self) -> None:
        """Write what is held back."""
        if self._buffer or (self._is_changed and not self.store.read_only):
            self._flush()

    def rollback(self) -> None:
        """Forget what is held back."""
        self._buffer.clear()
        self._mirror = None

    # ── Adding ───────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, triple: tuple, context: Context = None, quoted: bool = False) -> None:
        self._hold_back(triple, context, quoted)
        super().add(triple, context, quoted)

    def addN(self, quads: Iterable[tuple]) -> None:
        for subject, predicate, object_, context in quads:
            self.add((subject, predicate, object_), context)

    def _hold_back(self, triple: tuple, context: Context, quoted: bool) -> None:
        if quoted or isinstance(context, rdflib.graph.QuotedGraph):
            raise DataError("D114", "this store holds no quoted formulas", help="parse Notation3 into another store first")
        if self.store.read_only:
            raise StoreError("S103", "this graph is open for reading only", help="write through kg build, kg load or an update")
        subject, predicate, object_ = triple
        if not isinstance(subject, (rdflib.URIRef, rdflib.BNode)) or not isinstance(predicate, rdflib.URIRef):
            raise DataError("D112", f"{triple!r} is no RDF triple: subjects are IRIs or blank nodes, predicates IRIs")
        graph = self._name_of(context) or DefaultGraph()
        self._buffer.append((from_rdflib(subject), from_rdflib(predicate), from_rdflib(object_), graph))
        if self._mirror is not None:
            self._mirror.add((subject, predicate, canonical(object_)), self._graph(graph))
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        """Write what was added since the last flush."""
        store = self.store
        self._drop_stale_mirror()
        with store.transaction():
            for name in self._declared:
                if isinstance(name, NamedNode):
                    store.graph_id(name.value)
            if self._buffer:
                create_empty(store.connection, "kg_added", "g BIGINT, s BIGINT, p BIGINT, o BIGINT")
                QuadEncoder(store).stage(self._buffer, "kg_added")
                store.insert("SELECT g, s, p, o FROM kg_added")
                store.connection.execute("DROP TABLE kg_added")
            if self._is_changed:
                self._write_namespaces()
        self._is_changed = False
        self._buffer.clear()
        self._mirrored_revision = store.revision

    # ── Removing ─────────────────────────────────────────────────────────────────────────────────────────────

    def remove(self, triple: Pattern, context: Context = None) -> None:
        self.commit()
        self._drop_stale_mirror()
        where = self._where(triple, self._name_of(context))
        if where is not None:
            self.store.delete(f"SELECT g, s, p, o FROM quads WHERE {where}")
            if self._mirror is not None:
                self._mirror.remove(tuple(map(canonical, triple)), self._graph_of(context))
            self._mirrored_revision = self.store.revision
        super().remove(triple, context)

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def triples(self, triple_pattern: Pattern, context: Context = None) -> Iterator[tuple[tuple, Iterator[rdflib.Graph]]]:
        """The triples that match, each once, with the graphs that hold it."""
        if self._is_mirrored():
            yield from self._mirror.triples(tuple(map(canonical, triple_pattern)), self._graph_of(context))
            return
        yield from self._select(triple_pattern, self._name_of(context))

    def triples_choices(self, triple: Pattern, context: Context = None) -> Iterator[tuple[tuple, Iterator[rdflib.Graph]]]:
        """Like `triples`; a list in a place stands for any of its terms, the empty list for any term."""
        if self._is_mirrored():
            yield from super().triples_choices(triple, context)
        else:
            yield from self._select(tuple(place or None if isinstance(place, list) else place for place in triple), self._name_of(context))

    def __len__(self, context: Context = None) -> int:
        self.commit()
        where = self._where((None, None, None), self._name_of(context), each_once=True)
        return 0 if where is None else self.store.cursor().execute(f"SELECT count(*) FROM quads WHERE {where}").fetchone()[0]

    def contexts(self, triple: tuple | None = None) -> Iterator[rdflib.Graph]:
        """The named graphs (and the default graph, if it holds anything), or those that hold a triple."""
        self.commit()
        if triple is None or triple == (None, None, None):
            held = [row["id"] for row in self.store.graphs() if row["id"] != DEFAULT_GRAPH or row["triples"]]
            names = {self._name_of_id(graph_id) for graph_id in held} | self._declared
        else:
            where = self._where(triple, None)
            query = f"SELECT DISTINCT g FROM quads WHERE {where or 'false'}"
            names = {self._name_of_id(row[0]) for row in self.store.cursor().execute(query).fetchall()}
        yield from [self._graph(name) for name in names]

    def _select(self, pattern: Pattern, name: GraphName | None) -> Iterator[tuple[tuple, Iterator[rdflib.Graph]]]:
        self.commit()
        where = self._where(pattern, name)
        if where is None:
            return
        cursor = self.store.cursor()
        elsewhere: dict[tuple[int, int, int], list[int]] = {}
        query = f"SELECT s, p, o, g FROM quads WHERE {where}"
        if name is None:
            for s, p, o, g in cursor.execute(f"{query} AND again").fetchall():
                elsewhere.setdefault((s, p, o), []).append(g)
            query += " AND NOT again"
        cursor.execute(query)
        while rows := cursor.fetchmany(20_000):
            named = self._decoded({term_id for row in rows for term_id in row[:3]})
            for s, p, o, g in rows:
                held_by = (g, *elsewhere.get((s, p, o), ()))
                yield (named[s], named[p], named[o]), (self._graph(self._name_of_id(graph_id)) for graph_id in held_by)

    def _where(self, pattern: Pattern, name: GraphName | None, each_once: bool = False) -> str | None:
        """The condition on quads for a pattern in a graph; None where a term is not in the store, so nothing matches."""
        conditions = []
        if name is None:
            conditions += ["NOT again"] * each_once
        elif isinstance(name, DefaultGraph):
            conditions.append(f"g = {DEFAULT_GRAPH}")
        else:
            graph_id = self.store.lookup(name)
            if graph_id is None:
                return None
            conditions.append(f"g = {graph_id}")
        for column, place in zip("spo", pattern, strict=True):
            if place is not None:
                wanted = self._known_ids(place if isinstance(place, list) else [place])
                if not wanted:
                    return None
                conditions.append(f"{column} IN ({wanted})" if "," in wanted else f"{column} = {wanted}")
        return " AND ".join(conditions) or "true"

    def _known_ids(self, wanted: list[Identifier]) -> str:
        found = []
        for term in wanted:
            try:
                found.append(from_rdflib(term))
            except DataError:  # what cannot be stored matches nothing
                continue
        return ", ".join(str(term_id) for term_id in self.store.lookup_many(found) if term_id is not None)

    def _decoded(self, ids: set[int]) -> dict[int, Identifier]:
        missing = ids - self._named.keys()
        if len(self._named) + len(missing) > _MIRRORED:
            self._named, missing = {}, ids
        self._named.update((term_id, to_rdflib(term)) for term_id, term in self.store.decode(missing).items())
        return self._named

    # ── The mirror: small graphs in Python objects ───────────────────────────────────────────────────────────

    def _is_mirrored(self) -> bool:
        """Whether the mirror can answer; makes it when enough has been asked of a graph that is small enough."""
        self._drop_stale_mirror()
        self._lookups += 1
        if self._mirror is None and self._lookups > _LOOKUPS:
            self._lookups = 0
            self.commit()
            if self.store.cursor().execute("SELECT count(*) FROM quads").fetchone()[0] <= _MIRRORED:
                mirror = Memory()
                for triple, graphs in self._select((None, None, None), None):
                    for graph in graphs:
                        mirror.add(triple, graph)
                self._mirror, self._mirrored_revision = mirror, self.store.revision
        return self._mirror is not None

    def _drop_stale_mirror(self) -> None:
        if self._mirror is not None and self._mirrored_revision != self.store.revision:
            self._mirror = None  # somebody else has written to the store

    # ── Graphs ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_graph(self, graph: rdflib.Graph) -> None:
        """Know a graph before it holds anything; a blank node becomes the name of a graph of its own."""
        name = self._name_of(graph) or from_rdflib(graph.identifier)
        if not isinstance(name, DefaultGraph) and name not in self._declared:
            self._declared.add(name)
            self._names.clear()
            self._is_changed = True

    def remove_graph(self, graph: rdflib.Graph) -> None:
        self.remove((None, None, None), graph)
        name = self._name_of(graph)
        self._declared.discard(name)
        graph_id = self.store.lookup(name) if isinstance(name, (NamedNode, BlankNode)) else None
        if graph_id is not None:
            with self.store.transaction():
                self.store.connection.execute("DELETE FROM graphs WHERE id = ?", [graph_id])

    def _name_of(self, context: Context) -> GraphName | None:
        """The graph that a context stands for; None for all of them."""
        if context is None:
            return None
        identifier = getattr(context, "identifier", context)
        if identifier not in self._names:
            name = DefaultGraph() if identifier == DATASET_DEFAULT_GRAPH_ID else from_rdflib(identifier)
            is_whole = isinstance(name, BlankNode) and name not in self._declared and not self._is_blank_graph(name)
            self._names[identifier] = None if is_whole else name
        return self._names[identifier]

    def _is_blank_graph(self, name: BlankNode) -> bool:
        graph_id = self.store.lookup(name)
        if graph_id is None:
            return False
        return self.store.cursor().execute("SELECT 1 FROM graphs WHERE id = ?", [graph_id]).fetchone() is not None

    def _name_of_id(self, graph_id: int) -> GraphName:
        return DefaultGraph() if graph_id == DEFAULT_GRAPH else self.store.decode([graph_id])[graph_id]

    def _graph(self, name: GraphName) -> rdflib.Graph:
        """rdflib's object for a graph, the same one each time."""
        graph = self._graphs.get(name)
        if graph is None:
            identifier = DATASET_DEFAULT_GRAPH_ID if isinstance(name, DefaultGraph) else to_rdflib(name)
            graph = self._graphs[name] = rdflib.Graph(store=self, identifier=identifier)
        return graph

    def _graph_of(self, context: Context) -> rdflib.Graph | None:
        name = self._name_of(context)
        return None if name is None else self._graph(name)

    # ── Namespaces ───────────────────────────────────────────────────────────────────────────────────────────

    def bind(self, prefix: str, namespace: str, override: bool = True) -> None:
        """Pair a prefix and a namespace, both then in no other pair; without `override`, only if both are free."""
        bound = self._bound()
        taken = [known for known, value in bound.items() if known == prefix or value == rdflib.URIRef(namespace)]
        if taken and not override:
            return
        if bound.get(prefix) != rdflib.URIRef(namespace):
            for known in taken:
                del bound[known]
            bound[prefix] = rdflib.URIRef(namespace)
            self._is_changed = True

    def namespace(self, prefix: str) -> rdflib.URIRef | None:
        return self._bound().get(prefix)

    def prefix(self, namespace: str) -> str | None:
        return next((prefix for prefix, value in self._bound().items() if value == rdflib.URIRef(namespace)), None)

    def namespaces(self) -> Iterator[tuple[str, rdflib.URIRef]]:
        yield from list(self._bound().items())

    def _bound(self) -> dict[str, rdflib.URIRef]:
        if self._namespaces is None:
            rows = self.store.cursor().execute("SELECT key, value FROM meta WHERE starts_with(key, ?)", [_PREFIX_KEY]).fetchall()
            self._namespaces = {key.removeprefix(_PREFIX_KEY): rdflib.URIRef(value) for key, value in rows}
        return self._namespaces

    def _write_namespaces(self) -> None:
        bound, run = self._bound(), self.store.connection.execute
        run("DELETE FROM meta WHERE starts_with(key, ?)", [_PREFIX_KEY])
        run("INSERT INTO meta SELECT ? || unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", [_PREFIX_KEY, [*bound], [str(v) for v in bound.values()]])

    # ── SPARQL ───────────────────────────────────────────────────────────────────────────────────────────────

    def query(self, query: object, initNs: Mapping, initBindings: Mapping, queryGraph: object, **kwargs: object) -> Result:
        """Answer over the whole file by the engine given to `answer_queries_with`.

        NotImplementedError, upon which rdflib answers by its own engine, where there is none, for prepared queries, and
        for queries on one named graph.
        """
        name = None if str(queryGraph) == "__UNION__" else self._name_of(queryGraph)
        if _engine is None or not isinstance(query, str) or name is not None:
            raise NotImplementedError
        self.commit()
        bindings = {str(variable): from_rdflib(term) for variable, term in initBindings.items()}
        return _engine(self.store, query, {prefix: str(iri) for prefix, iri in initNs.items()}, bindings)

    def update(self, update: object, initNs: Mapping, initBindings: Mapping, queryGraph: object, **kwargs: object) -> None:
        raise NotImplementedError  # rdflib carries it out by add and remove


rdflib.plugin.register("guanxi", rdflib.store.Store, __name__, GuanxiStore.__name__)
