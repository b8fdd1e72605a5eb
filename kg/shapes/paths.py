"""SHACL property paths (section 2.3.1) → the algebra's paths, and back to RDF and to text."""

from __future__ import annotations

from functools import reduce

from pyoxigraph import BlankNode, NamedNode, Triple

from kg.shapes.document import ShapesDocument
from kg.shapes.vocabulary import FIRST, NIL, PATH, REST, sh
from kg.sparql import algebra
from kg.terms import Term

_REPEATED = {
    sh("zeroOrMorePath"): algebra.ZeroOrMore,
    sh("oneOrMorePath"): algebra.OneOrMore,
    sh("zeroOrOnePath"): algebra.ZeroOrOne,
    sh("inversePath"): algebra.Inverse,
}
_ALTERNATIVE = sh("alternativePath")


def read_path(document: ShapesDocument, shape: Term, node: Term, outside: tuple[Term, ...] = ()) -> algebra.Path:
    """The path that `node` describes; ShapeError H102 where it describes none, or refers to itself.

    A node that is both a list and something else is read as the list, in the order of section 2.3.1.
    """
    if isinstance(node, NamedNode) and node != NIL:
        return algebra.Link(node)
    if node in outside:
        raise document.error("H102", f"the path of {document.name(shape)} contains itself", shape, PATH)
    inside = (*outside, node)
    if document.values(node, FIRST):
        return _joined(algebra.Sequence, document, shape, node, inside)
    for member in document.values(node, _ALTERNATIVE):
        return _joined(algebra.Alternative, document, shape, member, inside)
    for predicate, kind in _REPEATED.items():
        for value in document.values(node, predicate):
            return kind(read_path(document, shape, value, inside))
    raise document.error(
        "H102", f"the value of sh:path of {document.name(shape)} is not a property path", shape, PATH,
        help="write an IRI, a list ( … ), or [ sh:inversePath … ] and the like",
    )  # fmt: skip


def _joined(kind: type, document: ShapesDocument, shape: Term, node: Term, inside: tuple[Term, ...]) -> algebra.Path:
    members = document.list(node, shape, PATH)
    if len(members) < 2:
        raise document.error("H102", f"a path of {document.name(shape)} is a list of {len(members)} members", shape, PATH, help="list two or more")
    return reduce(lambda left, right: kind(left, right), [read_path(document, shape, member, inside) for member in members])


def path_triples(document: ShapesDocument, node: Term) -> tuple[Triple, ...]:
    """The triples that describe a path, for the report."""
    if not isinstance(node, BlankNode):
        return ()
    triples: list[Triple] = []
    predicates = (FIRST, REST) if document.values(node, FIRST) else (_ALTERNATIVE, *_REPEATED)
    for predicate in predicates:
        for value in document.values(node, predicate)[:1]:
            triples += [Triple(node, predicate, value), *path_triples(document, value)]
            if predicates != (FIRST, REST):
                return tuple(triples)
    return tuple(triples)


_AFTER = {algebra.ZeroOrMore: "*", algebra.OneOrMore: "+", algebra.ZeroOrOne: "?"}


def path_text(path: algebra.Path, document: ShapesDocument) -> str:
    """A path in SPARQL's notation."""
    if isinstance(path, algebra.Link):
        return document.name(path.iri)
    if isinstance(path, algebra.Inverse):
        return f"^{_enclosed(path.path, document)}"
    if isinstance(path, algebra.Sequence):
        return f"{_enclosed(path.left, document, algebra.Sequence)}/{_enclosed(path.right, document)}"
    if isinstance(path, algebra.Alternative):
        return f"{path_text(path.left, document)}|{path_text(path.right, document)}"
    return _enclosed(path.path, document) + _AFTER[type(path)]


def _enclosed(path: algebra.Path, document: ShapesDocument, *open_kinds: type) -> str:
    text = path_text(path, document)
    return text if isinstance(path, (algebra.Link, *open_kinds)) else f"({text})"
