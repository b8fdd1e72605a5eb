"""SPARQL 1.1 Update requests to operations (SPARQL 1.1 Update, section 3), with the notes of the grammar."""

from __future__ import annotations

from typing import ClassVar

from lark import Token, Tree
from pyoxigraph import NamedNode

from kg.sparql.algebra import (
    BGP,
    DeleteData,
    GraphOperation,
    GraphTarget,
    InsertData,
    Load,
    Modify,
    Operation,
    Pattern,
    QuadPattern,
    TriplePattern,
    Update,
    Var,
)
from kg.sparql.algebra import Graph as GraphPattern
from kg.sparql.translate_groups import UNIT, is_token, join
from kg.sparql.translate_queries import QueryTranslator
from kg.sparql.translate_terms import Place

GraphName = NamedNode | Var | None
Quads = list[tuple[GraphName, list[TriplePattern]]]  # the blocks of a template, each with its graph


class UpdateTranslator(QueryTranslator):
    def update(self, tree: Tree) -> Update:
        """All operations in their order; each prologue adds to those before it."""
        operations: list[Operation] = []
        self._labels_of_data: set[str] = set()
        for item in tree.children:
            if item.data == "prologue":
                self.prologue(item)
            else:
                self.forget_labels()
                operations.append(self._OPERATIONS[item.data](self, item))
        return Update(tuple(operations))

    # ── Templates and data ──────────────────────────────────────────────────────────────────────────────────

    def _blocks(self, tree: Tree, place: Place) -> Quads:
        outer, self.place = self.place, place
        blocks: Quads = []
        for item in tree.children:
            if item.data == "triples_block":
                blocks.append((None, self._block(item)))
            else:
                graph, *triples = item.children
                blocks.append((self.term(graph), [triple for block in triples for triple in self._block(block)]))
        self.place = outer
        return blocks

    def _block(self, tree: Tree) -> list[TriplePattern]:
        triples: list[TriplePattern] = []
        self.triples_block(tree, triples)
        return triples

    def _insert_data(self, tree: Tree) -> InsertData:
        place = Place("INSERT DATA", variables=False, labels=self._data_labels(tree))
        return InsertData(_quads(self._blocks(tree.children[-1], place)))

    def _data_labels(self, tree: Tree) -> dict[str, Var]:
        """Labels of one operation; section 3.1.1 of the grammar's notes forbids a label in two operations."""
        labels: dict[str, Var] = {}
        for token in tree.scan_values(lambda item: is_token(item, "BLANK_NODE_LABEL")):
            if token in self._labels_of_data:
                raise self.source.error(
                    122, f"the blank node {token} is already used in another operation of this request", token,
                    help="write both into one operation, or use another label",
                )  # fmt: skip
            labels[str(token)] = labels.get(str(token)) or self.fresh()
        self._labels_of_data.update(labels)
        return labels

    def _delete_data(self, tree: Tree) -> DeleteData:
        place = Place("DELETE DATA", variables=False, blank_nodes=False)
        return DeleteData(_quads(self._blocks(tree.children[-1], place)))

    def _delete_where(self, tree: Tree) -> Modify:
        blocks = self._blocks(tree.children[-1], Place("DELETE WHERE", blank_nodes=False))
        return Modify(_quads(blocks), (), _pattern(blocks))

    def _modify(self, tree: Tree) -> Modify:
        delete: tuple[QuadPattern, ...] = ()
        insert: tuple[QuadPattern, ...] = ()
        with_graph = None
        for item in tree.children:
            if item.data == "delete_clause":
                delete = _quads(self._blocks(item.children[-1], Place("a DELETE template", blank_nodes=False)))
            elif item.data == "insert_clause":
                insert = _quads(self._blocks(item.children[-1], Place("an INSERT template", labels={})))
            elif item.data == "with_clause":
                with_graph = self.iri(item.children[0])
        pattern, _ = self.group(tree.children[-1])
        return Modify(delete, insert, pattern, with_graph, self._dataset(tree.children[:-1]))

    # ── Graph management ────────────────────────────────────────────────────────────────────────────────────

    def _load(self, tree: Tree) -> Load:
        silent, source, *into = _after_silent(tree)
        return Load(self.iri(source), self.iri(into[0]) if into else None, silent)

    def _graph_operation(self, tree: Tree) -> GraphOperation:
        silent, target, *into = _after_silent(tree)
        name = str(tree.data).upper()
        return GraphOperation(name, self._target(target), self._target(into[0]) if into else None, silent)

    def _target(self, item: Token | Tree) -> GraphTarget:
        if isinstance(item, Tree):
            return GraphTarget("GRAPH", self.iri(item.children[0]))
        if item.type in ("DEFAULT", "NAMED", "ALL"):
            return GraphTarget(item.type)
        return GraphTarget("GRAPH", self.iri(item))

    _OPERATIONS: ClassVar = {
        "insert_data": _insert_data,
        "delete_data": _delete_data,
        "delete_where": _delete_where,
        "modify": _modify,
        "load": _load,
        **dict.fromkeys(("clear", "drop", "create", "add", "move", "copy"), _graph_operation),
    }


def _after_silent(tree: Tree) -> list:
    first, *rest = tree.children
    return [True, *rest] if is_token(first, "SILENT") else [False, first, *rest]


def _quads(blocks: Quads) -> tuple[QuadPattern, ...]:
    return tuple(
        QuadPattern(triple.subject, triple.predicate, triple.object, graph)
        for graph, triples in blocks
        for triple in triples
    )


def _pattern(blocks: Quads) -> Pattern:
    """The pattern that a quad template is when read as one (DELETE WHERE)."""
    pattern = UNIT
    for graph, triples in blocks:
        bgp = BGP(tuple(triples))
        pattern = join(pattern, bgp if graph is None else GraphPattern(graph, bgp))
    return pattern
