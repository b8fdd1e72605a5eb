"""The changes that one update request makes: counted, and kept out of the graphs that a build owns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from kg.errors import QueryError
from kg.sql.temporary import registered
from kg.store import Store
from kg.terms import DEFAULT_GRAPH

# Owners whose graphs a build makes anew from content: what anyone else writes there would be lost.
BUILD_OWNERS = ("map:", "infer:", "ontology:", "measure:", "validate:")


@dataclass
class Edits:
    """Writes to a store within one transaction. Rows are (g, s, p, o) of ids; `graphs` are the ids of those written to."""

    store: Store
    allow_owned: bool = False
    check_time: Callable[[], None] = lambda: None
    inserted: int = 0
    deleted: int = 0
    graphs: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def insert(self, rows: str | pa.Table) -> None:
        """Add quads; named graphs come into being with their first one."""
        self._stage(rows)
        self.inserted += self.store.insert("SELECT g, s, p, o FROM kg_edit")
        self._leave()

    def delete(self, rows: str | pa.Table) -> None:
        """Take away quads; a graph that is emptied stays."""
        self._stage(rows)
        deleted = self.store.delete("SELECT g, s, p, o FROM kg_edit")
        self.deleted += deleted
        if not deleted:
            self._note_other_graphs()
        self._leave()

    def _note_other_graphs(self) -> None:
        """Say so where the triples that were to go from the default graph stand in named graphs only: patterns see them there."""
        rows = self.store.connection.execute(
            f"SELECT DISTINCT q.g FROM quads q SEMI JOIN (FROM kg_edit WHERE g = {DEFAULT_GRAPH}) n ON q.s = n.s AND q.p = n.p AND q.o = n.o LIMIT 3"
        ).fetchall()
        if rows:
            names = sorted(f"<{term.value}>" for term in self.store.decode(row[0] for row in rows).values())
            self.notes.append(f"nothing was taken from the default graph, but {', '.join(names)} has such triples: name the graph with GRAPH or WITH")

    def clear(self, graph_ids: Sequence[int]) -> None:
        """Empty graphs."""
        self.guard(graph_ids)
        self.deleted += self.store.clear_graphs(graph_ids)
        self.check_time()

    def drop(self, graph_ids: Sequence[int]) -> None:
        """Empty graphs and forget the named ones."""
        self.guard(graph_ids)
        self.deleted += self.store.drop_graphs(graph_ids)
        self.check_time()

    def create(self, iri: str) -> bool:
        """Make an empty named graph; False where it is there already."""
        if not self.store.create_graph(iri):
            return False
        self.graphs.add(self.store.graph_id(iri))
        return True

    def _stage(self, rows: str | pa.Table) -> None:
        run = self.store.connection.execute
        if isinstance(rows, str):
            run(f"CREATE OR REPLACE TEMP TABLE kg_edit AS {rows}")
        else:
            with registered(self.store.connection, "kg_edit_rows", rows):
                run("CREATE OR REPLACE TEMP TABLE kg_edit AS FROM kg_edit_rows")
        self.guard(row[0] for row in run("SELECT DISTINCT g FROM kg_edit").fetchall())

    def _leave(self) -> None:
        self.store.connection.execute("DROP TABLE kg_edit")
        self.check_time()

    def guard(self, graph_ids: Iterable[int]) -> None:
        """Refuse graphs that a build owns (Q501); where they are allowed, the build must make them again."""
        touched = set(graph_ids)
        owned = [graph for graph in self.store.graphs() if graph["id"] in touched and str(graph["owner"]).startswith(BUILD_OWNERS)]
        if owned and not self.allow_owned:
            raise _owned_error(owned)
        if owned:
            self.store.disown({graph["owner"] for graph in owned})
        self.graphs |= touched

    def graph_names(self) -> tuple[str, ...]:
        """The IRIs of the graphs written to, "" for the default graph."""
        named = self.store.decode(self.graphs - {DEFAULT_GRAPH})
        return tuple(sorted("" if graph_id == DEFAULT_GRAPH else named[graph_id].value for graph_id in self.graphs))


def _owned_error(owned: list[dict[str, object]]) -> QueryError:
    first = owned[0]
    name = f"the graph <{first['iri']}>" if first["iri"] else "the default graph"
    stage, _, file = str(first["owner"]).partition(":")
    place = re.match(r"(.*graph/)(map|infer|ontology|measure|validate)/", str(first["iri"]))
    own = f"<{place[1]}edit>" if place else "the default graph"
    return QueryError(
        "Q501",
        f"{name} belongs to {first['owner']}: the next build would undo what an update changes there",
        notes=[f"so does <{graph['iri']}>, which belongs to {graph['owner']}" for graph in owned[1:4]],
        help=f"write to {own} or another graph of your own, or change {file} itself, which the stage {stage} makes the graph from",
    )
