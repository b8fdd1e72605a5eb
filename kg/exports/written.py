"""An export by its name: a template, or a saved query in a form that its header names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from kg import saved_queries
from kg.errors import Location, ProjectError, did_you_mean
from kg.exports.graphml import graphml
from kg.exports.template import filled, find
from kg.sparql.evaluate import Solutions
from kg.sparql.results import write_solutions


class Graph(Protocol):
    """What an export asks: the facade's own ways."""

    project: object
    prefixes: Mapping[str, str]

    def query(self, query: object, bindings: object = None) -> object: ...


def written(graph: Graph, name: str, format: str | None = None, arguments: Mapping[str, str] | None = None) -> Iterator[str]:
    """The text of an export, in chunks; ProjectError P211 for a form that it has not, QueryError Q304 for a name that nothing has."""
    template = find(graph.project, name)
    if template is not None:
        if format not in (None, "json") or arguments:
            raise ProjectError("P211", f"{name} is written as JSON, without parameters", Location(template.place))
        return filled(template, lambda text, file: _asked(graph, text))
    query = saved_queries.find(graph.project, name)
    offered = {words[0]: words[1:] for words in query.exports} or {"csv": (), "json": ()}
    format = format or next(iter(offered))
    if format not in (*offered, "csv", "json"):
        help = did_you_mean(format, offered) or f"it has {', '.join(offered)}; a line #+ export: adds another"
        raise ProjectError("P211", f"{query.key} has no form {format}", Location(query.file), help)
    solutions = graph.query(query, bindings=query.bindings(arguments or {}, graph.prefixes))
    if not isinstance(solutions, Solutions):
        raise ProjectError("P211", f"{query.key} has no rows to export", Location(query.file), "export queries of the form SELECT")
    if format == "graphml":
        return graphml(solutions.variables, solutions, *offered[format], graph.prefixes)
    return write_solutions(solutions.variables, solutions, format, graph.prefixes)


def _asked(graph: Graph, text: str) -> tuple[list[str], object]:
    solutions = graph.query(text)
    return [getattr(variable, "name", variable) for variable in solutions.variables], solutions
