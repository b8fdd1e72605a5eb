"""Property paths (SPARQL 1.1, sections 9 and 18.4): each path is a relation of pairs (s, o), and g where graphs are enumerated.

`/`, `|`, `^` and `!` keep duplicates; `?`, `*` and `+` yield each pair once. A repeated path is a recursive query over
sets, so cycles end; it starts from the end that is known, and what lies near a constant is read while compiling. A path of
length zero joins every node of the graph with itself, and a constant end with itself even where the graph does not hold it.
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
class Candidates:
    """What may stand at one end (`s` or `o`) of a path: SQL that gives the ids, fit for IN ( ). `are_nodes`: none that is no node of the graph."""

    end: str
    sql: str
    are_nodes: bool = True


@dataclass(frozen=True)
class Ends:
    """What is known of a path's ends: constants, or candidates for one of them."""

    subject: Value | None = None
    object: Value | None = None
    seeds: Candidates | None = None

    def swapped(self) -> Ends:
        seeds = self.seeds and replace(self.seeds, end="o" if self.seeds.end == "s" else "s")
        return Ends(self.object, self.subject, seeds)

    def only(self, end: str) -> Ends:
        """What is known of this end alone."""
        seeds = self.seeds if self.seeds and self.seeds.end == end else None
        return Ends(self.subject if end == "s" else None, self.object if end == "o" else None, seeds)

    @property
    def is_known(self) -> bool:
        return bool(self.subject or self.object or self.seeds)


def node_tags(compiler: Compiler) -> frozenset[int]:
    """The tags of all that may stand at the end of a path."""
    return ALL_TAGS


def pairs(compiler: Compiler, environment: Environment, path: algebra.Path | _AnyOf, ends: Ends) -> str:
    """A SELECT of columns s and o (and g): the pairs that a path joins, at least those that its ends ask for."""
    g = "g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    if isinstance(path, algebra.Link):
        return _edges(compiler, environment, f"t.p = {_predicate(compiler, path.iri)}", ends)
    if isinstance(path, _AnyOf):
        return _edges(compiler, environment, f"t.p IN ({', '.join(_predicate(compiler, iri) for iri in path.iris)})", ends)
    if isinstance(path, algebra.Inverse):
        inner = pairs(compiler, environment, path.path, ends.swapped())
        return f"SELECT {g}o AS s, s AS o FROM ({inner})"
    if isinstance(path, algebra.Sequence):
        return _sequence(compiler, environment, path, ends)
    if isinstance(path, algebra.Alternative):
        left, right = (pairs(compiler, environment, branch, ends) for branch in (path.left, path.right))
        return f"SELECT * FROM ({left}) UNION ALL SELECT * FROM ({right})"
    if isinstance(path, algebra.NegatedSet):
        return _negated(compiler, environment, path, ends)
    if isinstance(path, algebra.ZeroOrOne):
        inner = pairs(compiler, environment, path.path, ends)
        return f"SELECT * FROM ({inner}) UNION {_zero_length(compiler, environment, ends)}"
    if not ends.only("s").is_known and ends.only("o").is_known:
        turned = type(path)(algebra.Inverse(path.path))
        return f"SELECT {g}o AS s, s AS o FROM ({_closure(compiler, environment, turned, ends.swapped())})"
    return _closure(compiler, environment, path, ends)


def _sequence(compiler: Compiler, environment: Environment, path: algebra.Sequence, ends: Ends) -> str:
    """Two paths one after the other; where the second would be costly from everywhere, it starts from where the first has led."""
    g = isinstance(environment.graph, EveryNamedGraph)
    near, far = ends.only("s"), ends.only("o")
    head, left = "", pairs(compiler, environment, path.left, near)
    if near.is_known and not far.is_known and not g and is_costly(path.right):
        name = compiler.fresh("led")
        head, left = f"WITH {name} AS MATERIALIZED ({left}) ", f"SELECT * FROM {name}"
        are_nodes = not _as_set(path.left)[0] or (near.seeds is not None and near.seeds.are_nodes)
        far = Ends(seeds=Candidates("s", f"SELECT DISTINCT o FROM {name}", are_nodes))
    right = pairs(compiler, environment, path.right, far)
    graph = " AND a.g = b.g" if g else ""
    return f"{head}SELECT {'a.g, ' if g else ''}a.s, b.o FROM ({left}) AS a JOIN ({right}) AS b ON a.o = b.s{graph}"


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
        tests.append(f"t.{ends.seeds.end} IN ({ends.seeds.sql})")
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
    if ends.seeds is not None and ends.seeds.are_nodes:
        return f"SELECT n AS s, n AS o FROM ({ends.seeds.sql}) AS seeds(n)"
    subjects, objects = (_edges(compiler, environment, "true", Ends(seeds=ends.seeds and replace(ends.seeds, end=end))) for end in ("s", "o"))
    g = "g, " if is_enumerated else ""
    return f"SELECT {g}s AS s, s AS o FROM ({subjects}) UNION SELECT {g}o AS s, o AS o FROM ({objects})"


# ── Repeated paths ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _AnyOf:
    """`a|b|c` where it does not matter how often a pair is found."""

    iris: tuple[NamedNode, ...]


def is_repeated(path: algebra.Path | _AnyOf) -> bool:
    """Whether a path is, or holds, one of any length."""
    return isinstance(path, (algebra.ZeroOrMore, algebra.OneOrMore)) or any(is_repeated(part) for part in _parts(path))


def _is_joined(path: algebra.Path | _AnyOf) -> bool:
    """Whether a path is, or holds, a join."""
    return isinstance(path, (algebra.Sequence, algebra.ZeroOrMore, algebra.OneOrMore)) or any(map(_is_joined, _parts(path)))


def is_costly(path: algebra.Path | _AnyOf) -> bool:
    """Whether a path, from everywhere, is more than a few joins."""
    return isinstance(path, (algebra.ZeroOrMore, algebra.OneOrMore, algebra.ZeroOrOne)) or any(is_costly(part) for part in _parts(path))


def _parts(path: algebra.Path | _AnyOf) -> list[algebra.Path | _AnyOf]:
    found = (getattr(path, name, None) for name in ("path", "left", "right"))
    return [part for part in found if part is not None]


def _as_set(path: algebra.Path) -> tuple[bool, algebra.Path | _AnyOf]:
    """(whether a path may be of length zero, the path where it is not), equal to the path as a set of pairs of nodes."""
    if isinstance(path, algebra.Inverse):
        is_zero, inner = _as_set(path.path)
        return is_zero, algebra.Inverse(inner)
    if isinstance(path, algebra.Sequence):
        (left_zero, left), (right_zero, right) = _as_set(path.left), _as_set(path.right)
        found = algebra.Sequence(left, right)
        if right_zero:
            found = _either(found, left)
        return left_zero and right_zero, _either(found, right) if left_zero else found
    if isinstance(path, algebra.Alternative):
        (left_zero, left), (right_zero, right) = _as_set(path.left), _as_set(path.right)
        return left_zero or right_zero, _either(left, right)
    if isinstance(path, algebra.ZeroOrOne):
        return True, _as_set(path.path)[1]
    if isinstance(path, (algebra.ZeroOrMore, algebra.OneOrMore)):
        is_zero, step = _as_set(path.path)
        return is_zero or isinstance(path, algebra.ZeroOrMore), algebra.OneOrMore(_once(step))
    return False, path


def _either(left: algebra.Path | _AnyOf, right: algebra.Path | _AnyOf) -> algebra.Path | _AnyOf:
    iris = [path.iris if isinstance(path, _AnyOf) else (path.iri,) if isinstance(path, algebra.Link) else None for path in (left, right)]
    return algebra.Alternative(left, right) if None in iris else _AnyOf(tuple(dict.fromkeys(iris[0] + iris[1])))


def _once(step: algebra.Path | _AnyOf) -> algebra.Path | _AnyOf:
    """The step of a repetition, without repetitions that the outer one makes anyway."""
    if isinstance(step, algebra.OneOrMore):
        return step.path
    if isinstance(step, algebra.Alternative):
        return _either(_once(step.left), _once(step.right))
    return step


def _repetition(path: algebra.ZeroOrMore | algebra.OneOrMore) -> tuple[bool, algebra.Path | _AnyOf]:
    """(whether it may be of length zero, its step) of a repeated path."""
    is_zero, repeated = _as_set(path)
    return is_zero, repeated.path


def _closure(compiler: Compiler, environment: Environment, path: algebra.ZeroOrMore | algebra.OneOrMore, ends: Ends) -> str:
    """`*` and `+`, from the subject's side.

    DuckDB keeps the hash tables of what a recursion joins from one round to the next, so a round costs what it finds. From known
    starts a plain step is part of the recursion; else the step's pairs are made first.
    """
    g = "g, " if isinstance(environment.graph, EveryNamedGraph) else ""
    is_zero, step = _repetition(path)
    near, name, edges = ends.only("s"), compiler.fresh("reach"), compiler.fresh("edges")
    is_direct = near.is_known and not g and not _is_joined(step)
    made = "" if is_direct else f"{edges} AS MATERIALIZED ({pairs(compiler, environment, step, Ends())}), "
    if is_zero:
        first = _zero_length(compiler, environment, near)
    elif is_direct:
        first = pairs(compiler, environment, step, near)
    else:
        starts = f" WHERE s IN ({near.subject.sql if near.subject else near.seeds.sql})" if near.is_known else ""
        first = f"SELECT {g}s, o FROM {edges}{starts}"
    following = f"({pairs(compiler, environment, step, Ends())}) AS {edges}" if is_direct else edges
    graph = f" AND {edges}.g = {name}.g" if g else ""
    reached = f"{name}.g, " if g else ""
    return (
        f"WITH RECURSIVE {made}{name}({g}s, o) AS ({first} UNION "
        f"SELECT {reached}{name}.s, {edges}.o FROM {name} JOIN {following} ON {edges}.s = {name}.o{graph}) "
        f"SELECT {g}s, o FROM {name}"
    )


# ── What lies near a few nodes ───────────────────────────────────────────────────────────────────────────────

# A recursion takes its time to begin with, as it hashes all triples of the step's predicates: where they are more than
# this, a few rounds are tried first, each a scan for the nodes that the last one found.
_MANY_TRIPLES = 20_000
_MOST_ROUNDS, _MOST_NODES = 6, 500


def reached(compiler: Compiler, environment: Environment, path: algebra.Path, starts: list[int], are_nodes: bool) -> list[tuple[int, int]] | None:
    """The pairs of a repeated path from a few starts, read while compiling; None where it is better to join.

    `are_nodes`: each start counts as a node of the graph, a path of length zero begins there.
    """
    if isinstance(path, algebra.Inverse) and isinstance(path.path, (algebra.ZeroOrMore, algebra.OneOrMore)):
        path = type(path.path)(algebra.Inverse(path.path.path))
    if not compiler.reads_facts or isinstance(environment.graph, EveryNamedGraph) or not isinstance(path, (algebra.ZeroOrMore, algebra.OneOrMore)):
        return None
    is_zero, step = _repetition(path)
    if is_repeated(step) or _triples_of(compiler, step) < _MANY_TRIPLES:
        return None
    links: dict[int, list[int]] = {}
    latest = starts
    for _ in range(_MOST_ROUNDS):
        compiler.check()
        rows = compiler.read(f"SELECT DISTINCT s, o FROM ({pairs(compiler, environment, step, _among(latest))}) LIMIT {_MOST_NODES + 1}")
        links |= {node: [] for node in latest}
        for node, following in rows:
            links[node].append(following)
        latest = [node for node in dict.fromkeys(following for _, following in rows) if node not in links]
        if not latest:
            nodes = starts if are_nodes or not is_zero else [n for n, _ in compiler.read(_zero_length(compiler, environment, _among(starts, False)))]
            return sorted((start, end) for start in nodes for end in _from(start, links, is_zero))
        if len(rows) + len(links) > _MOST_NODES:
            return None
    return None


def _among(nodes: list[int], are_nodes: bool = True) -> Ends:
    return Ends(seeds=Candidates("s", ", ".join(map(str, nodes)), are_nodes))


def _from(start: int, links: dict[int, list[int]], is_zero: bool) -> set[int]:
    """Where one gets from a node, which is among them if so wanted or on a cycle."""
    found = {start} if is_zero else set()
    waiting = list(links[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += links[node]
    return found


def _triples_of(compiler: Compiler, path: algebra.Path | _AnyOf) -> int:
    """How many triples have one of the predicates of a path."""
    statistics = compiler.statistics() or {}
    if isinstance(path, algebra.NegatedSet):
        return sum(known.triples for known in statistics.values())
    iris = path.iris if isinstance(path, _AnyOf) else (path.iri,) if isinstance(path, algebra.Link) else ()
    known = (statistics.get(compiler.lookup(iri)) for iri in iris)
    return sum(each.triples for each in known if each is not None) + sum(_triples_of(compiler, part) for part in _parts(path))
