"""CONSTRUCT (SPARQL 1.1, section 16.2): the template filled in by every solution, as a relation of triples, each of them once.

Blank nodes of the template are new for each solution. What would be no RDF (a literal as subject, an unbound variable) is
left to whoever reads the rows.
"""

from __future__ import annotations

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.sparql import algebra
from kg.sparql.compiler import Compiler
from kg.sparql.modifiers import stored
from kg.sparql.patterns import union_of
from kg.sparql.relations import Environment, Relation, Scope
from kg.sparql.values import TERM, Value, null
from kg.terms import TAG_BLANK

SUBJECT, PREDICATE, OBJECT = "#subject", "#predicate", "#object"


def triples_of(compiler: Compiler, solutions: Relation, query: algebra.Construct) -> Relation:
    """The relation of `SUBJECT`, `PREDICATE` and `OBJECT`."""
    if solutions.is_empty or not query.template:
        return compiler.empty((SUBJECT, PREDICATE, OBJECT))
    template = tuple(dict.fromkeys(query.template))
    labels = {node.name: place for place, node in enumerate(dict.fromkeys(_blank_nodes(template)))}
    name, label = compiler.fresh("solutions"), compiler.fresh("label")
    told_apart = f", replace(uuid()::VARCHAR, '-', '') AS {label}" if labels else ""
    source = f"SELECT *{told_apart} FROM ({solutions.sql})"
    each = Relation(f"SELECT * FROM {name}" if len(template) > 1 else source, solutions.columns)
    parts = [_filled(compiler, each, triple, label, labels) for triple in template]
    triples = union_of(compiler, parts, Environment())
    distinct = "" if (labels and len(template) == 1) or _is_injective(query, template) else "DISTINCT "
    shared = f"WITH {name} AS MATERIALIZED ({source}) " if len(template) > 1 else ""
    columns = ", ".join(column.sql for column in triples.columns.values())
    return Relation(f"SELECT {distinct}{columns} FROM ({shared}{triples.sql}) AS {compiler.fresh('r')}", triples.columns)


def _blank_nodes(template: tuple[algebra.TriplePattern, ...]) -> list[algebra.Var]:
    nodes = (node for triple in template for node in (triple.subject, triple.object))
    return [node for node in nodes if isinstance(node, algebra.Var) and node.is_anonymous]


def _filled(compiler: Compiler, solutions: Relation, triple: algebra.TriplePattern, label: str, labels: dict[str, int]) -> Relation:
    scope = Scope.over(compiler, solutions, Environment())
    selected, columns = [], {}
    for name, node in ((SUBJECT, triple.subject), (PREDICATE, triple.predicate), (OBJECT, triple.object)):
        if isinstance(node, algebra.Var) and node.is_anonymous:
            value = Value(TERM, f"{{'id': {-TAG_BLANK}::BIGINT, 'lex': 'c' || {scope.alias}.{label} || 'x{labels[node.name]}', 'extra': ''}}", False)
        elif isinstance(node, algebra.Var):
            value = scope.columns.get(node.name) or null()
        elif isinstance(node, (NamedNode, BlankNode, Literal)):
            value = compiler.constant(node)
        else:
            raise compiler.not_supported("a triple term in a template")
        column = compiler.column(name)
        selected.append(f"{stored(value)} AS {column}")
        columns[name] = value.named(column)
    return Relation(f"SELECT {', '.join(selected)} {scope.from_clause}", columns)


def _is_injective(query: algebra.Construct, template: tuple[algebra.TriplePattern, ...]) -> bool:
    """Whether no two solutions make the same triple for certain: one triple pattern, all its variables in one triple of the template."""
    pattern = query.pattern
    if len(template) > 1 or not isinstance(pattern, algebra.BGP) or len(pattern.triples) != 1 or not isinstance(pattern.triples[0], algebra.TriplePattern):
        return False
    bound, shown = ({node for node in (t.subject, t.predicate, t.object) if isinstance(node, algebra.Var)} for t in (pattern.triples[0], template[0]))
    return bound <= shown
