"""Constraint components that a shapes graph declares itself, in SPARQL (section 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode

from kg.shapes.document import Node, ShapesDocument
from kg.shapes.model import SparqlConstraint
from kg.shapes.parameters import is_true, is_word
from kg.shapes.sparql import check_prebinding, read_query, with_path
from kg.shapes.vocabulary import PATH, sh
from kg.sparql import algebra
from kg.terms import Term

_VALIDATORS = (sh("validator"), sh("nodeValidator"), sh("propertyValidator"))
_NAME = re.compile(r"[^#/:]*$")
_RESERVED = {"this", "shapesGraph", "currentShape", "path", "PATH", "value"}


@dataclass(frozen=True)
class Parameter:
    """A parameter (section 6.2.1): `name` is the variable that carries its value."""

    predicate: NamedNode
    name: str
    is_optional: bool


@dataclass(frozen=True)
class Component:
    node: NamedNode
    parameters: tuple[Parameter, ...]


def custom_components(document: ShapesDocument) -> list[Component]:
    """The components that the shapes graph declares with validators in SPARQL."""
    found = []
    for node in document.subjects(sh("parameter")):
        if isinstance(node, NamedNode) and any(document.values(node, validator) for validator in _VALIDATORS):
            found.append(Component(node, tuple(parameter(document, node, value) for value in document.values(node, sh("parameter")))))
    return found


def parameter(document: ShapesDocument, node: Node, value: Term) -> Parameter:
    paths = document.values(value, PATH)
    if len(paths) != 1 or not isinstance(paths[0], NamedNode):
        raise document.error("H110", f"a sh:parameter of {document.name(node)} needs one sh:path, an IRI", node, sh("parameter"))
    name = _NAME.search(paths[0].value)[0]
    if name in _RESERVED or not name.isidentifier():
        raise document.error("H110", f"{document.name(paths[0])} cannot be a parameter: {name!r} is no free variable name", node, paths[0])
    return Parameter(paths[0], name, any(is_true(flag) for flag in document.values(value, sh("optional"))))


def custom_constraints(document: ShapesDocument, shape: Node, path: algebra.Path | None, components: list[Component]) -> list[SparqlConstraint]:
    """The constraints that a shape has because it gives values to a component's parameters (section 6.1)."""
    found = []
    for component in components:
        required = [parameter for parameter in component.parameters if not parameter.is_optional]
        if all(document.values(shape, parameter.predicate) for parameter in required or component.parameters):
            validator, predicate = _validator(document, component, path is not None)
            for bindings in _bindings(document, shape, component):
                found.append(_constraint(document, shape, path, component, validator, predicate, bindings))
    return found


def _bindings(document: ShapesDocument, shape: Node, component: Component) -> list[dict[str, Term]]:
    """One binding for each value of a component's only parameter; otherwise one value for each parameter."""
    values = {parameter.name: document.values(shape, parameter.predicate) for parameter in component.parameters}
    if len(component.parameters) == 1:
        ((name, several),) = values.items()
        return [{name: value} for value in several]
    for parameter in component.parameters:
        if len(values[parameter.name]) > 1:
            message = f"{document.name(shape)} has more than one value of {document.name(parameter.predicate)}, one of several parameters of a component"
            raise document.error("H104", message, shape, parameter.predicate)
    return [{name: several[0] for name, several in values.items() if several}]


def _validator(document: ShapesDocument, component: Component, is_property_shape: bool) -> tuple[Node, NamedNode]:
    """The validator for this kind of shape (section 6.2.3), and whether it is sh:ask or sh:select."""
    kinds = ("propertyValidator" if is_property_shape else "nodeValidator", "validator")
    for kind in kinds:
        for node in document.values(component.node, sh(kind)):
            for predicate in (sh("ask"), sh("select")):
                if document.values(node, predicate):
                    return node, predicate
    what = "property" if is_property_shape else "node"
    raise document.error("H110", f"{document.name(component.node)} has no SPARQL validator for {what} shapes", component.node, help=f"add sh:{kinds[0]} or sh:validator")


def _constraint(
    document: ShapesDocument, shape: Node, path: algebra.Path | None, component: Component, validator: Node, predicate: NamedNode, bindings: dict[str, Term]
) -> SparqlConstraint:
    query = read_query(document, shape, validator, predicate)
    is_ask = predicate == sh("ask")
    names = {"this"} | ({"value"} if is_ask else set())
    parameters = {parameter.name for parameter in component.parameters}
    check_prebinding(document, shape, validator, query, set() if is_ask else names, parameters | names | {"shapesGraph", "currentShape"})
    if path is not None:
        query = with_path(query, path)
    missing = parameters - set(bindings)
    messages = tuple(value for value in (document.values(validator, sh("message")) or document.values(component.node, sh("message"))) if is_word(value))
    place = document.place(validator, predicate)
    constraint = SparqlConstraint(component.node, query, is_ask, {**bindings, "currentShape": shape}, messages, None, place)
    return replace(constraint, bindings={name: value for name, value in constraint.bindings.items() if name not in missing})


