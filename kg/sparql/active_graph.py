"""The active graph (SPARQL 1.1, section 13): which table, under which conditions, a triple pattern reads."""

from __future__ import annotations

from kg.sparql.compiler import Compiler
from kg.sparql.relations import Environment, EveryNamedGraph, NamedGraph, Relation
from kg.sparql.values import ID, PREDICATE_TAGS, Value
from kg.terms import DEFAULT_GRAPH


class NoSolution(Exception):
    """A pattern that cannot match, found out while compiling."""


def named_graphs(compiler: Compiler, variable: str) -> Relation:
    """The names of the dataset's named graphs."""
    column = compiler.column(variable)
    named = compiler.dataset.named
    among = "" if named is None else f" AND id IN ({', '.join(map(str, named)) or 'NULL'})"
    return Relation(
        f"SELECT id AS {column} FROM graphs WHERE id <> {DEFAULT_GRAPH}{among}",
        {variable: Value(ID, column, False, tags=PREDICATE_TAGS)},
    )


def source(compiler: Compiler, environment: Environment, triple: object, alias: str) -> tuple[str, list[str]]:
    """The table behind a triple pattern, and the conditions that make it the active graph.

    Its columns are s, p, o, and g where graphs are enumerated.
    """
    graph, dataset = environment.graph, compiler.dataset
    if isinstance(graph, EveryNamedGraph):
        among = [] if dataset.named is None else [f"{alias}.g IN ({', '.join(map(str, dataset.named)) or 'NULL'})"]
        return "quads", [f"{alias}.g <> {DEFAULT_GRAPH}", *among]
    if isinstance(graph, NamedGraph):
        if graph.graph_id is None or (dataset.named is not None and graph.graph_id not in dataset.named):
            raise NoSolution
        return "quads", [f"{alias}.g = {graph.graph_id}"]
    if compiler.sources is not None:
        replaced = compiler.sources.replaced.get(id(triple), compiler.sources.default)
        if replaced is not None:
            return replaced, []
    if dataset.default is not None:
        if not dataset.default:
            raise NoSolution
        if len(dataset.default) == 1:
            return "quads", [f"{alias}.g = {dataset.default[0]}"]
        graphs = ", ".join(map(str, dataset.default))
        return f"(SELECT DISTINCT s, p, o FROM quads WHERE g IN ({graphs}))", []
    if dataset.is_strict:
        return "quads", [f"{alias}.g = {DEFAULT_GRAPH}"]
    return "quads", [f"NOT {alias}.again"]
