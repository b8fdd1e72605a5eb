"""What a check reads: the ground on which a change tells whom it can touch.

Most is read along property paths from the focus node: the result for a node can differ after a change only if a walk along
one of them, from that node, meets a triple that came or went. A path stands for the values it leads to, `ANY` for any one
triple. What a query reads elsewhere (a parameter that hangs together with no focus node, a sub-select) is `fixed`: triples
by subject, predicate and object, None for any; where one of those came or went, the check is done again for all nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import reduce

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.shapes.model import Constraint, Node, Shape, ShapesGraph, SparqlConstraint, Target
from kg.shapes.report import ValidationResult
from kg.shapes.vocabulary import SUB_CLASS_OF, TYPE, component
from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.sparql.substitute import substituted
from kg.terms import Term

ANY = algebra.NegatedSet((), ())
CLASSES = algebra.Sequence(algebra.Link(TYPE), algebra.ZeroOrMore(algebra.Link(SUB_CLASS_OF)))
_PAIRS = ("Equals", "Disjoint", "LessThan", "LessThanOrEquals")

# What tells results of different checks apart in a report: source shape, constraint component, source constraint.
Key = tuple[Node, NamedNode, Node | None]
Fixed = tuple[Term | None, NamedNode | None, Term | None]


@dataclass(frozen=True)
class Reads:
    """What a check reads along `paths` from its focus node, and which `fixed` triples."""

    paths: frozenset[algebra.Path] = frozenset()
    fixed: frozenset[Fixed] = frozenset()

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.paths | other.paths, self.fixed | other.fixed)

    def everywhere(self) -> Reads:
        """The same, for results that are not about the focus node that it starts from."""
        return Reads(fixed=self.fixed.union(*(_fixed(path) for path in self.paths)))

    def after(self, path: algebra.Path | None) -> Reads:
        """What is read where the focus nodes are reached by a path from others."""
        if path is None:
            return self
        return along(path) | Reads(frozenset(algebra.Sequence(path, one) for one in self.paths), self.fixed)


NOTHING = Reads()


def along(*paths: algebra.Path) -> Reads:
    return Reads(frozenset(paths))


def _fixed(path: algebra.Path, subject: object = None, object_: object = None) -> set[Fixed]:
    """The triples that a path may lead over."""
    if isinstance(path, algebra.Link):
        ends = [None if isinstance(end, (Var, algebra.TripleTerm)) else end for end in (subject, object_)]
        return {(ends[0], path.iri, ends[1])}
    if isinstance(path, algebra.NegatedSet):
        return {(None, None, None)}
    return set().union(*(_fixed(getattr(path, field.name)) for field in fields(path)))


def _can_be_empty(path: algebra.Path) -> bool:
    return isinstance(path, (algebra.ZeroOrMore, algebra.ZeroOrOne)) or any(_can_be_empty(part) for part in _parts(path))


# ── Shapes and their checks ──────────────────────────────────────────────────────────────────────────────────


def key_of(shape: Shape, constraint: Constraint | SparqlConstraint) -> Key:
    if isinstance(constraint, SparqlConstraint):
        return shape.node, constraint.component, constraint.node
    return shape.node, component(constraint.component), None


def key_of_result(result: ValidationResult) -> Key:
    return result.source_shape, result.component, result.source_constraint


@dataclass(frozen=True)
class Check:
    """One constraint as reached from one root; what its results depend on, the root's targets included."""

    root: Node
    key: Key
    reads: Reads


def checks(shapes: ShapesGraph) -> list[Check]:
    """Every constraint that can make a result, once for each way to it from a shape with targets."""
    found: list[Check] = []
    for root in shapes.roots:
        found += _checks(shapes, root, root.node, targets_read(root), is_direct=True)
    return found


def terms_of(found: Iterable[Check]) -> set[Term]:
    """The terms that some checks read by."""
    return {term for check in found for term in _terms(check.reads)}


def _terms(item: object) -> Iterator[Term]:
    if isinstance(item, (NamedNode, BlankNode, Literal)):
        yield item
    for part in item if isinstance(item, frozenset) else _parts(item):
        yield from _terms(part)


def _checks(shapes: ShapesGraph, shape: Shape, root: Node, before: Reads, is_direct: bool) -> Iterator[Check]:
    """`is_direct`: the focus nodes are those of the root itself."""
    if shape.is_deactivated:
        return
    for constraint in shape.constraints:
        if isinstance(constraint, Constraint) and constraint.component == "Property":
            inner = shapes.shapes[constraint.value]
            reads = before if shape.path is None else before | along(shape.path)
            yield from _checks(shapes, inner, root, reads, is_direct and shape.path is None)
        else:
            reads = before | _constraint_reads(shapes, shape, constraint)
            yield Check(root, key_of(shape, constraint), reads if is_direct else reads.everywhere())


def targets_read(shape: Shape) -> Reads:
    """What decides whether a node is a focus node."""
    return reduce(Reads.__or__, [_target_reads(target) for target in shape.targets], NOTHING)


def _target_reads(target: Target) -> Reads:
    if target.kind == "targetNode":
        return NOTHING
    if target.kind == "targetClass":
        return along(CLASSES)
    if target.kind == "target":
        return query_reads(target.query.pattern)
    link = algebra.Link(target.value)
    return along(link if target.kind == "targetSubjectsOf" else algebra.Inverse(link))


def shape_reads(shapes: ShapesGraph, shape: Shape) -> Reads:
    """What decides whether a node conforms to a shape."""
    if shape.is_deactivated:
        return NOTHING
    return reduce(Reads.__or__, [_constraint_reads(shapes, shape, constraint) for constraint in shape.constraints], NOTHING)


def _constraint_reads(shapes: ShapesGraph, shape: Shape, constraint: Constraint | SparqlConstraint) -> Reads:
    values = NOTHING if shape.path is None else along(shape.path)
    if isinstance(constraint, SparqlConstraint):
        return values | _sparql_reads(shape, constraint)
    name, value = constraint.component, constraint.value
    if name == "Class":
        return values | along(CLASSES).after(shape.path)
    if name in _PAIRS:
        return values | along(algebra.Link(value))
    if name == "Closed":
        return values | along(ANY).after(shape.path)
    named = value if name in ("And", "Or", "Xone") else (value,) if name in ("Node", "Not", "Property", "QualifiedMinCount", "QualifiedMaxCount") else ()
    inner = [shape_reads(shapes, shapes.shapes[node]).after(shape.path) for node in (*named, *constraint.options.get("siblings", ()))]
    return reduce(Reads.__or__, inner, values)


# ── Queries ──────────────────────────────────────────────────────────────────────────────────────────────────


def _sparql_reads(shape: Shape, constraint: SparqlConstraint) -> Reads:
    pattern = substituted(constraint.query.pattern, {**constraint.bindings})
    if not constraint.is_ask:
        return query_reads(pattern)
    return query_reads(pattern, ((THIS, shape.path, VALUE),)) if shape.path is not None else query_reads(pattern, aliases={VALUE: THIS})


THIS, VALUE = Var("this"), Var("value")
_Edge = tuple[object, algebra.Path, object]  # subject, path, object


def query_reads(pattern: algebra.Pattern, given: tuple[_Edge, ...] = (), aliases: Mapping[Var, Var] | None = None) -> Reads:
    """The paths from ?this to each triple pattern of a query, through patterns that hold together with it.

    `given` are edges that hold from the outset; `aliases` are names of the same node.
    """
    reading = _Reading(aliases or {})
    body = pattern
    while isinstance(body, (algebra.Project, algebra.Distinct, algebra.Reduced, algebra.OrderBy)):
        body = body.pattern
    reading.pattern(body, list(given))
    return Reads(frozenset(reading.paths), frozenset(reading.fixed))


class _Reading:
    """Goes through a query; every triple pattern becomes a path from ?this, or is fixed."""

    def __init__(self, aliases: Mapping[Var, Var]) -> None:
        self.aliases = aliases
        self.paths: set[algebra.Path] = set()
        self.fixed: set[Fixed] = set()

    def pattern(self, pattern: algebra.Pattern, required: list[_Edge]) -> None:
        """`required` are the edges that hold wherever the pattern's solutions count."""
        if isinstance(pattern, algebra.BGP):
            edges = self._certain(pattern)
            for edge in edges:
                self._edge(edge, [*required, *edges])
        elif isinstance(pattern, algebra.Join):
            self.pattern(pattern.left, [*required, *self._certain(pattern.right)])
            self.pattern(pattern.right, [*required, *self._certain(pattern.left)])
        elif isinstance(pattern, algebra.LeftJoin):
            self.pattern(pattern.left, required)
            inside = [*required, *self._certain(pattern.left)]
            self.pattern(pattern.right, inside)
            self._expression(pattern.condition, [*inside, *self._certain(pattern.right)])
        elif isinstance(pattern, algebra.Union):
            self.pattern(pattern.left, required)
            self.pattern(pattern.right, required)
        elif isinstance(pattern, (algebra.Filter, algebra.Extend, algebra.Group)):
            self.pattern(pattern.pattern, required)
            inside = [*required, *self._certain(pattern.pattern)]
            for field in fields(pattern):
                if field.name != "pattern":
                    self._expression(getattr(pattern, field.name), inside)
        else:
            self._anything(pattern)

    def _expression(self, item: object, required: list[_Edge]) -> None:
        if isinstance(item, algebra.Exists):
            self.pattern(item.pattern, required)
        else:
            for part in _parts(item):
                self._expression(part, required)

    def _edge(self, edge: _Edge, edges: list[_Edge]) -> None:
        subject, path, object_ = edge
        routes = _routes(edges)
        if isinstance(subject, Var) and subject in routes:
            self.paths.add(_joined([*routes[subject], path]))
        elif isinstance(object_, Var) and object_ in routes:
            self.paths.add(_joined([*routes[object_], algebra.Inverse(path)]))
        else:
            self._note_fixed(subject, path, object_)

    def _note_fixed(self, subject: object, path: algebra.Path, object_: object) -> None:
        """Where neither end is known, a path of length zero joins every node of the graph with itself."""
        is_any = isinstance(subject, Var) and isinstance(object_, Var) and _can_be_empty(path)
        self.fixed |= {(None, None, None)} if is_any else _fixed(path, subject, object_)

    def _anything(self, item: object) -> None:
        """A part that is no walk, such as a sub-select: all that it mentions is fixed; of another graph, or cut solutions, anything."""
        if isinstance(item, (algebra.TriplePattern, algebra.PathPattern)):
            self._note_fixed(*self._as_edge(item))
            return
        if isinstance(item, (algebra.Graph, algebra.Service)):
            self.fixed.add((None, None, None))
        for part in _parts(item):
            self._anything(part)

    def _as_edge(self, one: algebra.TriplePattern | algebra.PathPattern) -> _Edge:
        subject, object_ = (self.aliases.get(end, end) if isinstance(end, Var) else end for end in (one.subject, one.object))
        if isinstance(one, algebra.PathPattern):
            return subject, one.path, object_
        return subject, ANY if isinstance(one.predicate, Var) else algebra.Link(one.predicate), object_

    def _certain(self, pattern: algebra.Pattern) -> list[_Edge]:
        """The edges that hold in every solution of a pattern."""
        if isinstance(pattern, algebra.BGP):
            return [self._as_edge(one) for one in pattern.triples]
        if isinstance(pattern, algebra.Join):
            return [*self._certain(pattern.left), *self._certain(pattern.right)]
        if isinstance(pattern, (algebra.Filter, algebra.Extend)):
            return self._certain(pattern.pattern)
        return self._certain(pattern.left) if isinstance(pattern, algebra.LeftJoin) else []


def _routes(edges: list[_Edge]) -> Mapping[Var, list[algebra.Path]]:
    """For each variable that edges join with ?this, the steps to it: the fewest."""
    found: dict[Var, list[algebra.Path]] = {THIS: []}
    waiting = deque([THIS])
    while waiting:
        here = waiting.popleft()
        for subject, path, object_ in edges:
            for near, far, step in ((subject, object_, path), (object_, subject, algebra.Inverse(path))):
                if near == here and isinstance(far, Var) and far not in found:
                    found[far] = [*found[here], step]
                    waiting.append(far)
    return found


def _joined(steps: list[algebra.Path]) -> algebra.Path:
    return reduce(algebra.Sequence, steps)


def _parts(item: object) -> Iterable[object]:
    if isinstance(item, tuple):
        return item
    if is_dataclass(item) and not isinstance(item, (type, Var)):
        return (getattr(item, field.name) for field in fields(item))
    return ()
