"""RDF documents → `model.ShapesGraph`: the shapes with targets and all that they refer to.

Every mistake is a ShapeError with its place: H100 no such file, H101 not RDF, H102 a path, H103 a parameter's value,
H104 a value too many, H105 a list, H106 recursion, H107 an unknown word, H108 a query, H109 what pre-binding forbids,
H110 a constraint component, H111 a regular expression. Shapes that nothing uses are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from kg.errors import did_you_mean
from kg.shapes import vocabulary
from kg.shapes.components import Component, custom_components, custom_constraints
from kg.shapes.document import ShapesDocument, Source
from kg.shapes.model import Constraint, Node, Shape, ShapesGraph, SparqlConstraint, Target
from kg.shapes.parameters import core_constraints, is_true, is_word, one
from kg.shapes.paths import path_text, path_triples, read_path
from kg.shapes.sparql import check_prebinding, read_query, with_path
from kg.shapes.vocabulary import (
    NODE_SHAPE,
    OWL_CLASS,
    PATH,
    PROPERTY_SHAPE,
    RDFS_CLASS,
    SH,
    TARGETS,
    VIOLATION,
    component,
    sh,
)


def load_shapes(sources: Source | Iterable[Source], base: str | None = None, format: str | None = None) -> ShapesGraph:
    """Read one or more documents as one shapes graph.

    A source is a path, whose suffix tells the syntax, or the document as bytes (`format`, Turtle by default).

    >>> list(load_shapes(b"@prefix sh: <http://www.w3.org/ns/shacl#> . <urn:s> sh:targetClass <urn:c> ; sh:nodeKind sh:IRI .").shapes)
    [<NamedNode value=urn:s>]
    """
    several = [sources] if isinstance(sources, (str, Path, bytes)) else list(sources)
    return parse_shapes(ShapesDocument.read(several, base, format))


def parse_shapes(document: ShapesDocument) -> ShapesGraph:
    """The shapes of a document that has been read."""
    return _Parser(document).graph()


def read_shapes(document: ShapesDocument, nodes: Iterable[Node]) -> dict[Node, Shape]:
    """These shapes, and all that they refer to, whether they have targets or not."""
    parser = _Parser(document)
    for node in nodes:
        parser._read(node, ())
    return parser.shapes


class _Parser:
    def __init__(self, document: ShapesDocument) -> None:
        self.document = document
        self.components: list[Component] = custom_components(document)
        self.shapes: dict[Node, Shape] = {}

    def graph(self) -> ShapesGraph:
        roots = [node for node in list(self.document.properties) if self._has_target(node)]
        self._check_words()
        declared = [node for node in self.document.properties if self.document.types(node) & {NODE_SHAPE, PROPERTY_SHAPE}]
        for node in (*roots, *declared):  # what is wrong with a shape that has no target is wrong all the same
            self._read(node, ())
        return ShapesGraph(self.shapes, self.document)

    def _has_target(self, node: Node) -> bool:
        properties = self.document.properties[node]
        return any(predicate in properties for predicate in TARGETS) or self._is_class_and_shape(node)

    def _is_class_and_shape(self, node: Node) -> bool:
        """Implicit class targets (section 2.1.3.3)."""
        if not isinstance(node, NamedNode):
            return False
        types = self.document.types(node)
        return bool(types & {NODE_SHAPE, PROPERTY_SHAPE}) and bool(types & {RDFS_CLASS, OWL_CLASS})

    def _check_words(self) -> None:
        """Refuse misspelled words of the sh: namespace on nodes that look like shapes: they would be ignored silently."""
        known = {SH + name for name in (*vocabulary.PARAMETERS, *vocabulary.OTHER_PROPERTIES)}
        shape_like = {sh(name) for name in vocabulary.PARAMETERS} | set(TARGETS) | {PATH}
        custom = {parameter.predicate.value for one in self.components for parameter in one.parameters}
        for node, properties in self.document.properties.items():
            if not shape_like & set(properties):
                continue
            for predicate in properties:
                if predicate.value.startswith(SH) and predicate.value not in known | custom:
                    word = predicate.value.removeprefix(SH)
                    help = did_you_mean(word, [name.removeprefix(SH) for name in known])
                    raise self.document.error("H107", f"sh:{word} is no word of SHACL", node, predicate, help=help or "take it away, or use a namespace of your own")

    # ── One shape ────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, node: Node, outside: tuple[Node, ...]) -> None:
        """Read a shape and, before it, those that it refers to."""
        if node in self.shapes:
            return
        document = self.document
        if node in outside:
            cycle = " → ".join(document.name(one) for one in (*outside[outside.index(node) :], node))
            raise document.error(
                "H106", f"{document.name(node)} refers to itself", node, notes=[f"cycle: {cycle}"],
                help="the meaning of recursive shapes is not defined by SHACL; say it with a property path (sh:zeroOrMorePath) or in SPARQL",
            )  # fmt: skip
        deactivated = one(document, node, sh("deactivated"), is_true, "true or false")
        path_node = self._path_node(node)
        path = read_path(document, node, path_node) if path_node is not None else None
        constraints: list[Constraint | SparqlConstraint] = []
        if not deactivated:
            constraints += core_constraints(document, node, path is not None)
            for reference in _references(constraints):
                self._read(reference, (*outside, node))
            constraints += self._sparql_constraints(node, path)
            constraints += custom_constraints(document, node, path, self.components)
        severity = one(document, node, sh("severity"), lambda term: term if isinstance(term, NamedNode) else None, "an IRI such as sh:Warning")
        name = document.name(node)
        if path is not None and not isinstance(node, NamedNode):
            name = f"{document.name(node).removeprefix('the anonymous shape of ')} / {path_text(path, document)}"
        self.shapes[node] = Shape(
            node, path, path_node, path_triples(document, path_node) if path_node is not None else (), self._targets(node), tuple(constraints),
            severity or VIOLATION, self._messages(node), bool(deactivated), name,
        )  # fmt: skip

    def _path_node(self, node: Node) -> Node | None:
        found = self.document.values(node, PATH)
        if len(found) > 1:
            raise self.document.error("H104", f"{self.document.name(node)} has more than one sh:path", node, PATH, help="make one property shape for each path")
        if not found and PROPERTY_SHAPE in self.document.types(node):
            raise self.document.error("H102", f"the property shape {self.document.name(node)} has no sh:path", node, help="add sh:path")
        return found[0] if found else None

    def _messages(self, node: Node) -> tuple[Literal, ...]:
        found = self.document.values(node, sh("message"))
        for message in found:
            if not is_word(message):
                raise self.document.error("H103", f"a sh:message of {self.document.name(node)} is no text", node, sh("message"))
        return tuple(found)

    def _targets(self, node: Node) -> tuple[Target, ...]:
        document = self.document
        found = [] if not self._is_class_and_shape(node) else [Target("targetClass", node)]
        for predicate, kind in TARGETS.items():
            for value in document.values(node, predicate):
                if kind == "target":
                    found.append(self._sparql_target(node, value))
                    continue
                if kind != "targetNode" and not isinstance(value, NamedNode):
                    raise document.error("H103", f"the value of sh:{kind} of {document.name(node)} is no IRI", node, predicate)
                found.append(Target(kind, value))
        return tuple(found)

    def _sparql_target(self, shape: Node, node: Node) -> Target:
        query = read_query(self.document, shape, node, sh("select"))
        if "this" not in {variable.name for variable in query.variables}:
            raise self.document.error("H108", f"the target query of {self.document.name(shape)} does not return ?this", node, sh("select"))
        return Target("target", node, query)

    def _sparql_constraints(self, node: Node, path: object) -> list[SparqlConstraint]:
        document = self.document
        found = []
        for value in document.values(node, sh("sparql")):
            if one(document, value, sh("deactivated"), is_true, "true or false"):
                continue
            query = read_query(document, node, value, sh("select"))
            if "this" not in {variable.name for variable in query.variables}:
                raise document.error("H108", f"the query of {document.name(node)} does not return $this", value, sh("select"), help="write SELECT $this …")
            check_prebinding(document, node, value, query, {"this"}, ("shapesGraph", "currentShape"))
            if path is not None:
                query = with_path(query, path)
            found.append(
                SparqlConstraint(component("SPARQL"), query, False, {"currentShape": node}, self._messages(value), value, document.place(value, sh("select")))
            )
        return found


def _references(constraints: Sequence[Constraint]) -> Iterable[Node]:
    """The shapes that constraints refer to."""
    for constraint in constraints:
        if constraint.component in ("Node", "Property", "Not", "QualifiedMinCount", "QualifiedMaxCount"):
            yield constraint.value
        elif constraint.component in ("And", "Or", "Xone"):
            yield from constraint.value
        yield from constraint.options.get("siblings", ())
