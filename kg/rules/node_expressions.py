"""Node expressions (SHACL-AF, section 5) as bodies: alternatives of what must hold, each with the node it then gives.

Settled and read here: sh:this, constants, sh:path (with sh:nodes), sh:filterShape, sh:intersection, sh:union, and calls of
declared SPARQL functions and of XSD casts. Several values of an argument give every combination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.rules.conditions import Conditions, path_patterns
from kg.rules.shacl_functions import Functions
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.parser import read_shapes
from kg.shapes.paths import read_path
from kg.shapes.vocabulary import PATH, sh
from kg.sparql import algebra as a
from kg.sparql.casts import CASTS
from kg.terms import Term

THIS = a.Var("this")

# A body that must hold, and the node that the expression then has.
Alternative = tuple[tuple[a.BodyElement, ...], a.Node]

_NOT_SETTLED = ("if", "count", "distinct", "min", "max", "sum", "groupConcat", "orderBy", "limit", "offset", "minus", "exists", "values")


@dataclass
class NodeExpressions:
    """Reads the expressions of one document; `name` is what people call the rule at hand."""

    document: ShapesDocument
    conditions: Conditions
    functions: Functions
    _number: int = field(default=0)

    def read(self, rule: Node, part: NamedNode, node: Term, focus: Sequence[a.BodyElement]) -> list[Alternative]:
        """The alternatives of the expression at `node`, which is the rule's `part` (sh:subject, …)."""
        return self._read(rule, part, node, focus, ())

    def _read(self, rule: Node, part: NamedNode, node: Term, focus: Sequence[a.BodyElement], outside: tuple[Term, ...]) -> list[Alternative]:
        document = self.document
        if node == sh("this"):
            return [((), THIS)]
        if isinstance(node, (NamedNode, Literal)):
            return [((), node)]
        if node in outside:
            raise self._error(rule, part, "contains itself", "break the circle of blank nodes")
        inside = (*outside, node)
        known = {predicate.value.removeprefix(sh("").value): values for predicate, values in document.properties[node].items()}
        for name in _NOT_SETTLED:
            if name in known:
                raise self._error(rule, part, f"uses sh:{name}, which is not read here", "say it in a sh:SPARQLRule")
        sources = self._nodes(rule, part, known, focus, inside)
        if "path" in known:
            path = read_path(document, rule, document.values(node, PATH)[0])
            return [self._step(elements, path, source) for elements, source in sources]
        if "filterShape" in known:
            return [self._filtered(rule, part, known["filterShape"][0], elements, source, focus) for elements, source in sources]
        for name in ("union", "intersection"):
            if name in known:
                members = document.list(known[name][0], rule, sh(name))
                if len(members) < 2:
                    raise self._error(rule, part, f"has a sh:{name} of {len(members)} members", "list two or more node expressions")
                read = [self._read(rule, part, member, focus, inside) for member in members]
                return [one for several in read for one in several] if name == "union" else self._intersection(read)
        return self._call(rule, part, node, focus, inside)

    def _nodes(
        self, rule: Node, part: NamedNode, known: dict[str, Sequence[Term]], focus: Sequence[a.BodyElement], inside: tuple[Term, ...]
    ) -> list[Alternative]:
        """What sh:nodes gives; the focus node where it is missing."""
        nodes = known.get("nodes", ())
        return self._read(rule, part, nodes[0], focus, inside) if nodes else [((), THIS)]

    def _step(self, elements: tuple[a.BodyElement, ...], path: a.Path, source: a.Node) -> Alternative:
        value = self._fresh()
        return (*elements, *path_patterns(source, path, value, self._fresh)), value

    def _filtered(
        self, rule: Node, part: NamedNode, shape: Term, elements: tuple[a.BodyElement, ...], source: a.Node, focus: Sequence[a.BodyElement]
    ) -> Alternative:
        if isinstance(shape, Literal) or shape not in self.document.properties:
            raise self._error(rule, part, f"filters by {self.document.name(shape)}, which is described nowhere", "write the shape, or mend its name")
        self.conditions.shapes |= read_shapes(self.document, [shape])
        if not isinstance(source, a.Var):
            value = self._fresh()
            elements, source = (*elements, a.SetElement(value, source)), value
        return (*elements, *self.conditions.elements(shape, source, (*focus, *elements))), source

    def _intersection(self, several: list[list[Alternative]]) -> list[Alternative]:
        """Each combination whose members give the same node."""
        found = several[0]
        for other in several[1:]:
            found = [both for first in found for second in other if (both := _agreeing(first, second)) is not None]
        return found

    def _call(self, rule: Node, part: NamedNode, node: BlankNode, focus: Sequence[a.BodyElement], inside: tuple[Term, ...]) -> list[Alternative]:
        document = self.document
        calls = [(predicate, values) for predicate, values in document.properties[node].items()]
        if len(calls) != 1 or len(calls[0][1]) != 1:
            what = "is an empty blank node" if not calls else "is no node expression"
            raise self._error(rule, part, what, "write sh:this, a term, [ sh:path … ], [ sh:filterShape … ], [ sh:union ( … ) ] or [ ex:function ( … ) ]")
        function, (head,) = calls[0]
        if function not in self.functions and function.value not in CASTS:
            raise self._error(rule, part, f"calls {document.name(function)}, which is declared nowhere", "declare it as a sh:SPARQLFunction, or mend its name")
        arguments = [self._read(rule, part, member, focus, inside) for member in document.list(head, rule, function)]
        combinations: list[tuple[tuple[a.BodyElement, ...], tuple[a.Node, ...]]] = [((), ())]
        for argument in arguments:
            combinations = [
                ((*elements, *more), (*nodes, node)) for elements, nodes in combinations for more, node in argument
            ]
        result = []
        for elements, nodes in combinations:
            value = self._fresh()
            made = self.functions.call(rule, function, nodes, value, self._fresh) if function in self.functions else (a.SetElement(value, a.FunctionCall(function, nodes)),)
            result.append(((*elements, *made), value))
        return result

    def _fresh(self) -> a.Var:
        self._number += 1
        return a.Var(f"node/{self._number}")

    def _error(self, rule: Node, part: NamedNode, what: str, help: str) -> Exception:
        document = self.document
        return document.error("H120", f"the {document.name(part)} of {_called(document, rule)} {what}", rule, part, help=help)


def _called(document: ShapesDocument, shape: Node) -> str:
    """The rules of a shape."""
    return f"a rule of {document.name(shape)}"


def _agreeing(first: Alternative, second: Alternative) -> Alternative | None:
    """Both at once, giving one and the same node."""
    (left, one), (right, other) = first, second
    if one == other:
        return (*left, *right), one
    if not isinstance(one, a.Var) and not isinstance(other, a.Var):
        return None
    if isinstance(one, a.Var):
        return (*left, *right, a.FilterElement(a.Call("SAMETERM", (one, other)))), one
    return (*left, *right, a.FilterElement(a.Call("SAMETERM", (other, one)))), other

