"""Property paths (SPARQL 1.1, sections 9 and 18.4): each path is a relation of pairs (s, o), and g where graphs are enumerated.

`/`, `|`, `^` and `!` keep duplicates; `?`, `*` and `+` yield each pair once. A repeated path is a recursive query over
sets, so cycles end; it starts from the end that is known. A path of length zero joins every node of the graph with
itself, and a constant end with itself even where the graph does not hold it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode

from kg.sparql import algebra
from kg.sparql.active_graph import NoSolution, named_graphs, source
from kg.sparql.compiler import Compiler
from kg.sparql.relations import Environment, EveryNamedGraph
from kg.sparql.values import ALL_TAGS, Value


def expanded(compiler: Compiler, element: algebra.TriplePattern | algebra.PathPattern) -> Iterator[algebra.TriplePattern | algebra.PathPattern]:
    """Sequences and inverses of single predicates as plain triple patterns, joined on variables of their own."""
    if isinstance(element, algebra.TriplePattern):
        yield element
        return
    path = element.path
    if isinstance(path, algebra.Link):
        yield algebra.TriplePattern(element.subject, path.iri, element.object, element.position)
    elif isinstance(path, algebra.Inverse):
        yield from expanded(compiler, algebra.PathPattern(element.object, path.path, element.subject, element.position))
    elif isinstance(path, algebra.Sequence):
        middle = algebra.Var(compiler.fresh("_:path"))
        yield from expanded(compiler, algebra.PathPattern(element.subject, path.left, middle, element.position))
        yield from expanded(compiler, algebra.PathPattern(middle, path.right, element.object, element.position))
    else:
        yield element


@dataclass(frozen=True)
class Ends:
    """What is known of a path's ends: constants, or candidates `(end, SQL of one column n)`."""

    subject: Value | None = None
    object: Value | None = None
    seeds: tuple[str, str] | None = None

    def swapped(self) -> Ends:
        seeds = self.seeds and ("o" if self.seeds[0] == "s" else "s", self.seeds[1])
        return Ends(self.object, self.subject, seeds)

    def starts(self) -> str | None:
        """SQL of the known candidates for the subject, one column n."""
        if self.subject is not None:
            return f"SELECT {self.subject.sql}::BIGINT AS n"
        return self.seeds[1] if self.seeds and self.seeds[0] == "s" else None


def node_tags(compiler: Compiler) -> frozenset[int]:
    """The tags of all that may stand at the end of a path."""
    return ALL_TAGS


def pairs(compiler: Compiler, environment: Environment, path: algebra.Path, ends: Ends) -> str:
    """A SELECT of columns s and o (and g): the pairs that a path joins, at least those that its ends ask for."""
    g = "g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    if isinstance(path, algebra.Link):
        return _edges(compiler, environment, f"t.p = {_predicate(compiler, path.iri)}", ends)
    if isinstance(path, algebra.Inverse):
        inner = pairs(compiler, environment, path.path, ends.swapped())
        return f"SELECT {g}o AS s, s AS o FROM ({inner})"
    if isinstance(path, algebra.Sequence):
        left = pairs(compiler, environment, path.left, replace(ends, object=None, seeds=_only(ends, "s")))
        right = pairs(compiler, environment, path.right, replace(ends, subject=None, seeds=_only(ends, "o")))
        graph = " AND a.g = b.g" if g else ""
        return f"SELECT {'a.g, ' if g else ''}a.s, b.o FROM ({left}) AS a JOIN ({right}) AS b ON a.o = b.s{graph}"
    if isinstance(path, algebra.Alternative):
        left, right = (pairs(compiler, environment, branch, ends) for branch in (path.left, path.right))
        return f"SELECT * FROM ({left}) UNION ALL SELECT * FROM ({right})"
    if isinstance(path, algebra.NegatedSet):
        return _negated(compiler, environment, path, ends)
    if isinstance(path, algebra.ZeroOrOne):
        inner = pairs(compiler, environment, path.path, ends)
        return f"SELECT * FROM ({inner}) UNION {_zero_length(compiler, environment, ends)}"
    if ends.starts() is None and ends.swapped().starts() is not None:
        turned = type(path)(algebra.Inverse(path.path))
        return f"SELECT {g}o AS s, s AS o FROM ({_closure(compiler, environment, turned, ends.swapped())})"
    return _closure(compiler, environment, path, ends)


def _only(ends: Ends, end: str) -> tuple[str, str] | None:
    return ends.seeds if ends.seeds and ends.seeds[0] == end else None


def _predicate(compiler: Compiler, iri: NamedNode) -> str:
    predicate = compiler.lookup(iri)
    return "NULL" if predicate is None else str(predicate)


def _edges(compiler: Compiler, environment: Environment, test: str, ends: Ends) -> str:
    """The triples with a fitting predicate."""
    g = "t.g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    try:
        table, conditions = source(compiler, environment, None, "t")
    except NoSolution:
        return f"SELECT {'NULL::BIGINT AS g, ' if g else ''}NULL::BIGINT AS s, NULL::BIGINT AS o WHERE false"
    tests = [*conditions, test]
    for end, constant in (("s", ends.subject), ("o", ends.object)):
        if constant is not None:
            tests.append(f"t.{end} = {constant.sql}")
    if ends.seeds is not None:
        tests.append(f"t.{ends.seeds[0]} IN ({ends.seeds[1]})")
    return f"SELECT {g}t.s, t.o FROM {table} AS t WHERE {' AND '.join(tests)}"


def _negated(compiler: Compiler, environment: Environment, path: algebra.NegatedSet, ends: Ends) -> str:
    """Any predicate but those named (section 18.4, NegatedPropertySet)."""
    g = "g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    parts = []
    if path.forward or not path.inverse:
        parts.append(_edges(compiler, environment, _none_of(compiler, path.forward), ends))
    if path.inverse:
        backward = _edges(compiler, environment, _none_of(compiler, path.inverse), ends.swapped())
        parts.append(f"SELECT {g}o AS s, s AS o FROM ({backward})")
    return " UNION ALL ".join(parts)


def _none_of(compiler: Compiler, iris: tuple[NamedNode, ...]) -> str:
    known = [str(found) for found in (compiler.lookup(iri) for iri in iris) if found is not None]
    return f"t.p NOT IN ({', '.join(known)})" if known else "true"


def _zero_length(compiler: Compiler, environment: Environment, ends: Ends) -> str:
    """The pairs (x, x) of paths of length zero."""
    is_enumerated = isinstance(environment.graph, EveryNamedGraph)
    constant = ends.subject or ends.object
    if constant is not None:
        if is_enumerated:
            graphs = named_graphs(compiler, environment.graph.variable)
            column = graphs.columns[environment.graph.variable].sql
            return f"SELECT {column} AS g, {constant.sql}::BIGINT AS s, {constant.sql}::BIGINT AS o FROM ({graphs.sql})"
        return f"SELECT {constant.sql}::BIGINT AS s, {constant.sql}::BIGINT AS o"
    if ends.seeds is not None:
        return f"SELECT n AS s, n AS o FROM ({ends.seeds[1]})"
    all_edges = _edges(compiler, environment, "true", Ends())
    g = "g, " if is_enumerated else ""
    return f"SELECT {g}s AS s, s AS o FROM ({all_edges}) UNION SELECT {g}o AS s, o AS o FROM ({all_edges})"


def _closure(compiler: Compiler, environment: Environment, path: algebra.Path, ends: Ends) -> str:
    """`*` and `+`, from the subject's side."""
    g = "g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    name, edges = compiler.fresh("reach"), compiler.fresh("edges")
    step = pairs(compiler, environment, path.path, Ends())
    starts = ends.starts()
    if isinstance(path, algebra.ZeroOrMore):
        first = _zero_length(compiler, environment, replace(ends, object=None, seeds=_only(ends, "s")))
    elif starts is not None:
        first = f"SELECT {g}s, o FROM {edges} WHERE s IN ({starts})"
    else:
        first = f"SELECT {g}s, o FROM {edges}"
    graph = f" AND {edges}.g = {name}.g" if g else ""
    reached = f"{name}.g, " if g else ""
    return (
        f"WITH RECURSIVE {edges} AS MATERIALIZED ({step}), {name}({g}s, o) AS ({first} UNION "
        f"SELECT {reached}{name}.s, {edges}.o FROM {name} JOIN {edges} ON {edges}.s = {name}.o{graph}) "
        f"SELECT {g}s, o FROM {name}"
    )


