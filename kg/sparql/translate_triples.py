"""Triples as written to triple patterns: `;` and `,`, collections, blank nodes, reifiers, property paths."""

from __future__ import annotations

from collections.abc import Sequence as Listed

from lark import Token, Tree
from pyoxigraph import NamedNode

from kg.sparql.algebra import (
    Alternative,
    Inverse,
    Link,
    NegatedSet,
    Node,
    OneOrMore,
    Path,
    PathPattern,
    Sequence,
    TriplePattern,
    TripleTerm,
    Var,
    ZeroOrMore,
    ZeroOrOne,
)
from kg.sparql.source_text import position
from kg.sparql.translate_terms import RDF_FIRST, RDF_NIL, RDF_REIFIES, RDF_REST, TermTranslator

Triples = list[TriplePattern | PathPattern]
Verb = NamedNode | Var | Path
_MODIFIERS = {"*": ZeroOrMore, "+": OneOrMore, "?": ZeroOrOne}


class TripleTranslator(TermTranslator):
    """Appends to a list of patterns what the abbreviated syntax stands for (sections 4.2 and 18.2.2.3–4)."""

    def triples_block(self, tree: Tree, into: Triples) -> None:
        for triples in tree.children:
            subject_item, *properties = triples.children
            subject = self.node(subject_item, into)
            for property_list in properties:
                self._property_list(subject, property_list, into, position(subject_item))

    def node(self, item: Token | Tree, into: Triples) -> Node:
        """The term written as `item`; the triples that it stands for go into `into`."""
        if isinstance(item, Tree):
            if item.data == "collection":
                return self._collection(item, into)
            if item.data == "blank_node_properties":
                subject = self.blank_node(item)
                self._property_list(subject, item.children[0], into)
                return subject
            if item.data == "reified_triple":
                return self._reified_triple(item, into)
        return self.term(item)

    def _property_list(self, subject: Node, tree: Tree, into: Triples, at: tuple[int, int] | None = None) -> None:
        for verb_objects in tree.children:
            verb_item, *objects = verb_objects.children
            verb = self._verb(verb_item)
            for item in objects:
                self._object(subject, verb, item, into, at or position(verb_item))
            at = None

    def _object(self, subject: Node, verb: Verb, tree: Tree, into: Triples, at: tuple[int, int] | None) -> None:
        node_item, *annotations = tree.children
        beneath: Triples = []
        object_ = self.node(node_item, beneath)
        self._emit(subject, verb, object_, into, at)
        into.extend(beneath)
        if annotations:
            self._annotate(subject, verb, object_, annotations, into)

    def _annotate(self, subject: Node, verb: Verb, object_: Node, annotations: Listed[Tree], into: Triples) -> None:
        """`~ reifier` and `{| … |}`; a block belongs to the reifier just before it, else to a fresh one."""
        if not isinstance(verb, NamedNode | Var):
            raise self.source.error(108, "a triple written with a property path cannot be annotated", annotations[0])
        reifier = None
        for annotation in annotations:
            if annotation.data == "reifier" or reifier is None:
                written = annotation.children if annotation.data == "reifier" else []
                reifier = self._reify(subject, verb, object_, written, annotation, into)
            if annotation.data == "annotation_block":
                self._property_list(reifier, annotation.children[0], into)
                reifier = None

    def _reify(
        self, subject: Node, verb: NamedNode | Var, object_: Node, written: list, at: Tree, into: Triples
    ) -> Node:
        reifier = self.term(written[0]) if written else self.blank_node(Tree("anonymous", []))
        into.append(TriplePattern(reifier, RDF_REIFIES, TripleTerm(subject, verb, object_), position(at)))
        return reifier

    def _reified_triple(self, tree: Tree, into: Triples) -> Node:
        """`<< s p o ~ r >>` is its reifier; that r reifies the triple is added, the triple itself is not."""
        subject_item, verb_item, object_item, *rest = tree.children
        verb = self._verb(verb_item)
        if not isinstance(verb, NamedNode | Var):
            raise self.source.error(108, "a property path cannot stand in a reified triple", verb_item)
        subject, object_ = self.node(subject_item, into), self.node(object_item, into)
        written = rest[0].children if isinstance(rest[0], Tree) else []
        return self._reify(subject, verb, object_, written, tree, into)

    def _collection(self, tree: Tree, into: Triples) -> Node:
        """`(1 2)` is the blank node that its rdf:first and rdf:rest triples start from."""
        at = position(tree)
        cells = [self.blank_node(Tree("anonymous", tree.children)) for _ in tree.children]
        for cell, rest, item in zip(cells, [*cells[1:], RDF_NIL], tree.children, strict=True):
            into.append(TriplePattern(cell, RDF_FIRST, self.node(item, into), at))
            into.append(TriplePattern(cell, RDF_REST, rest, at))
        return cells[0]

    # ── Paths ───────────────────────────────────────────────────────────────────────────────────────────────

    def _verb(self, item: Token | Tree) -> Verb:
        return self.term(item) if isinstance(item, Token) else self.path(item)

    def path(self, item: Token | Tree) -> Path:
        """The path expression of section 18.2.2.3."""
        if isinstance(item, Token):
            return Link(self.iri(item))
        if item.data == "path_sequence":
            return balanced(Sequence, [self.path(step) for step in item.children])
        if item.data == "path_alternative":
            return balanced(Alternative, [self.path(step) for step in item.children])
        if item.data == "path_inverse":
            return Inverse(self.path(item.children[0]))
        if item.data == "path_element":
            return _MODIFIERS[item.children[1]](self.path(item.children[0]))
        forward = [self.iri(one) for one in item.children if isinstance(one, Token)]
        inverse = [self.iri(one.children[0]) for one in item.children if isinstance(one, Tree)]
        return NegatedSet(tuple(forward), tuple(inverse))

    def _emit(self, subject: Node, verb: Verb, object_: Node, into: Triples, at: tuple[int, int] | None) -> None:
        """Section 18.2.2.4: inverses turn the triple, sequences meet in a fresh variable, the rest stays a path."""
        if isinstance(verb, NamedNode | Var):
            into.append(TriplePattern(subject, verb, object_, at))
        elif not self.place.paths:
            raise self.source.error(108, f"a property path cannot stand in {self.place.name}", at)
        elif isinstance(verb, Link):
            into.append(TriplePattern(subject, verb.iri, object_, at))
        elif isinstance(verb, Inverse):
            self._emit(object_, verb.path, subject, into, at)
        elif isinstance(verb, Sequence):
            between = self.fresh()
            self._emit(subject, verb.left, between, into, at)
            self._emit(between, verb.right, object_, into, at)
        else:
            into.append(self.path_pattern(subject, verb, object_, at))

    def path_pattern(self, subject: Node, path: Path, object_: Node, at: tuple[int, int] | None) -> PathPattern:
        """A pattern whose path has no fixed length."""
        return PathPattern(subject, path, object_, at)


def balanced(combine, parts: list):
    """`parts` under an associative pair constructor, as a tree of logarithmic depth."""
    if len(parts) == 1:
        return parts[0]
    middle = (len(parts) + 1) // 2
    return combine(balanced(combine, parts[:middle]), balanced(combine, parts[middle:]))
