"""Targets (section 2.1): the focus nodes of a shape, all at once."""

from __future__ import annotations

from kg.shapes.compile import THIS, Nodes, Statement, Validation
from kg.shapes.model import Shape, Target
from kg.shapes.vocabulary import SUB_CLASS_OF, TYPE
from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.terms import Term


def focus_nodes(validation: Validation, shape: Shape) -> Nodes | None:
    """The union of what the shape's targets declare; None where that is nothing."""
    classes = [target.value for target in shape.targets if target.kind == "targetClass"]
    if len(classes) == len(shape.targets) == 1:
        return instances_of(validation, classes[0])
    found = [nodes for nodes in (instances_of(validation, class_) for class_ in classes) if nodes is not None]
    statements = [Statement(f"SELECT f FROM {nodes.table}", {}, {"this": nodes.focus}) for nodes in found]
    named = [target.value for target in shape.targets if target.kind == "targetNode"]
    statements += [validation.constants(named)] if named else []
    statements += [_statement(validation, target) for target in shape.targets if target.kind not in ("targetNode", "targetClass")]
    return validation.union([statement for statement in statements if statement is not None])


def instances_of(validation: Validation, class_: Term) -> Nodes | None:
    """The instances of a class, found once a validation."""
    if class_ not in validation.instances:
        statement = validation.compile(instances_pattern(class_, THIS), ("this",))
        validation.instances[class_] = validation.nodes(statement, is_distinct=True)
    return validation.instances[class_]


def _statement(validation: Validation, target: Target) -> Statement | None:
    if target.kind == "target":
        return validation.compile(target.query.pattern, ("this",))
    other = Var("other")
    subject, object_ = (THIS, other) if target.kind == "targetSubjectsOf" else (other, THIS)
    return validation.compile(algebra.BGP((algebra.TriplePattern(subject, target.value, object_),)), ("this",))


def instances_pattern(class_: Term, variable: Var) -> algebra.Pattern:
    """SHACL instances of a class: rdf:type/rdfs:subClassOf* (section 1.1)."""
    path = algebra.Sequence(algebra.Link(TYPE), algebra.ZeroOrMore(algebra.Link(SUB_CLASS_OF)))
    return algebra.BGP((algebra.PathPattern(variable, path, class_),))
