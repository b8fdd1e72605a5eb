"""Targets (section 2.1): the focus nodes of a shape, all at once."""

from __future__ import annotations

from dataclasses import replace

from kg.shapes.compile import THIS, VALUE, Nodes, Pairs, Statement, Validation
from kg.shapes.dependencies import CLASSES
from kg.shapes.model import Shape, Target
from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.sparql.relations import Table
from kg.terms import Term


def focus_nodes(validation: Validation, shape: Shape, is_partial: bool = False) -> Nodes | None:
    """The union of what the shape's targets declare; None where that is nothing. `is_partial`: among the affected nodes only."""
    if is_partial:
        return _affected_focus_nodes(validation, shape)
    classes = [target.value for target in shape.targets if target.kind == "targetClass"]
    if len(classes) == len(shape.targets) == 1:
        return instances_of(validation, classes[0])
    found = [nodes for nodes in (instances_of(validation, class_) for class_ in classes) if nodes is not None]
    statements = [Statement(f"SELECT f FROM {nodes.table}", {}, {"this": nodes.focus}) for nodes in found]
    named = [target.value for target in shape.targets if target.kind == "targetNode"]
    statements += [validation.constants(named)] if named else []
    statements += [_statement(validation, target) for target in shape.targets if target.kind not in ("targetNode", "targetClass")]
    nodes = validation.union([statement for statement in statements if statement is not None])
    properties = frozenset(target.value for target in shape.targets if target.kind == "targetSubjectsOf")
    return nodes and replace(nodes, subjects_of=properties, has_others=len(shape.targets) > 1)


def instances_of(validation: Validation, class_: Term) -> Nodes | None:
    """The instances of a class, found once a validation."""
    if class_ not in validation.instances:
        statement = validation.compile(instances_pattern(class_, THIS), ("this",))
        validation.instances[class_] = validation.nodes(statement, is_distinct=True)
    return validation.instances[class_]


def instances_among(validation: Validation, class_: Term, pairs: Pairs) -> Nodes | None:
    """The value nodes that are instances of a class."""
    pattern = algebra.BGP((pairs.element("value"), algebra.PathPattern(VALUE, CLASSES, class_)))
    statement = validation.compile(pattern, ("value",))
    return None if statement is None else validation.nodes(replace(statement, columns={"this": statement.columns["value"]}))


def _affected_focus_nodes(validation: Validation, shape: Shape) -> Nodes | None:
    affected = validation.affected
    element = validation.focus_element(affected)
    statements = []
    for target in shape.targets:
        if target.kind == "targetClass":
            statements.append(_of_class(validation, target.value))
        elif target.kind == "target":
            nodes = validation.nodes(_statement(validation, target))
            statements.append(nodes and Statement(f"SELECT f FROM {nodes.table} SEMI JOIN {affected.table} USING (f)", {}, {"this": nodes.focus}))
        elif target.kind != "targetNode":
            statements.append(_statement(validation, target, element))
    named = [target.value for target in shape.targets if target.kind == "targetNode" and target.value in validation.extent.named]
    statements += [validation.constants(named)] if named else []
    return validation.union([statement for statement in statements if statement is not None])


def _of_class(validation: Validation, class_: Term) -> Statement | None:
    """The affected nodes of a class; all their classes are found once a validation."""
    if validation.classes is None:
        pattern = algebra.BGP((validation.focus_element(validation.affected), algebra.PathPattern(THIS, CLASSES, VALUE)))
        found = validation.compile(pattern)
        empty = Statement("SELECT NULL::BIGINT AS f, NULL::BIGINT AS v WHERE false", {}, {"this": validation.affected.focus, "value": validation.affected.focus})
        validation.classes = validation.table(found or empty, ("f", "v"))
    class_id = validation.store.lookup(class_)
    if class_id is None:
        return None
    return Statement(f"SELECT f FROM {validation.classes} WHERE v = {class_id}", {}, {"this": validation.affected.focus})


def _statement(validation: Validation, target: Target, *elements: Table) -> Statement | None:
    if target.kind == "target":
        return validation.compile(target.query.pattern, ("this",))
    other = Var("other")
    subject, object_ = (THIS, other) if target.kind == "targetSubjectsOf" else (other, THIS)
    return validation.compile(algebra.BGP((*elements, algebra.TriplePattern(subject, target.value, object_))), ("this",))


def instances_pattern(class_: Term, variable: Var) -> algebra.Pattern:
    """SHACL instances of a class: rdf:type/rdfs:subClassOf* (section 1.1)."""
    return algebra.BGP((algebra.PathPattern(variable, CLASSES, class_),))
