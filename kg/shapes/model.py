"""What a shapes graph says, as frozen dataclasses: shapes, targets, constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.shapes.document import ShapesDocument
from kg.sparql import algebra
from kg.terms import Term

Node = NamedNode | BlankNode


@dataclass(frozen=True)
class Target:
    """One target declaration (section 2.1): `kind` is targetNode, targetClass, targetSubjectsOf, targetObjectsOf, or
    target with a SPARQL query whose `?this` are the focus nodes (SHACL-AF, section 3)."""

    kind: str
    value: Term
    query: algebra.Query | None = None


@dataclass(frozen=True)
class Constraint:
    """One constraint of a core component: `component` is its local name without ConstraintComponent (`MinCount`).

    `value` is the parameter's value: a term, a tuple of terms for lists, of shape nodes for the components of sections 4.6
    and 4.7. `options` are further parameters (`flags`, `ignoredProperties`, `disjoint`).
    """

    component: str
    value: object
    options: Mapping[str, object] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class SparqlConstraint:
    """A constraint in SPARQL: of `sh:sparql`, or of a custom component's validator with its parameters bound (section 6).

    `is_ask` tells whether solutions conform (ASK) or violate (SELECT). `node` is the sh:sparql value, for the report.
    """

    component: NamedNode
    query: algebra.Query
    is_ask: bool
    bindings: Mapping[str, Term]
    messages: tuple[Literal, ...]
    node: Node | None = None
    place: object = field(default=None, compare=False)


@dataclass(frozen=True)
class Shape:
    """A node shape (`path` None) or a property shape (section 2). `path_triples` are the RDF form of a path that is no IRI."""

    node: Node
    path: algebra.Path | None
    path_node: Term | None
    path_triples: tuple[Triple, ...]
    targets: tuple[Target, ...]
    constraints: tuple[Constraint | SparqlConstraint, ...]
    severity: NamedNode
    messages: tuple[Literal, ...]
    is_deactivated: bool
    name: str  # for people

    @property
    def is_property_shape(self) -> bool:
        return self.path is not None


@dataclass(frozen=True)
class ShapesGraph:
    """The shapes that have targets, and all that they refer to, by node; `document` is what they were read from."""

    shapes: Mapping[Node, Shape]
    document: ShapesDocument = field(compare=False, repr=False)

    @property
    def roots(self) -> Iterator[Shape]:
        """The shapes with targets, in the order of the document."""
        return (shape for shape in self.shapes.values() if shape.targets and not shape.is_deactivated)
