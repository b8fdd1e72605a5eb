"""Queries about single things, answered without SQL: basic graph patterns that start from a constant, or from what others bind.

Where the store has its quads sorted (`store/sorted_quads.py`), each triple pattern is read by its subject, or by its predicate
and object, one solution after the other. Whatever else a query has, or a look-up that finds much, is for the compiler.
The operators are those of section 18.5: a pattern that is joined sees what the other side binds, an optional one too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.sparql.compiler import Dataset
from kg.sparql.constants import constants
from kg.sparql.substitute import in_template, substituted
from kg.sparql.values import Term
from kg.store import Store
from kg.store.sorted_quads import OBJECT, SUBJECT, LookUps, Row
from kg.terms import DEFAULT_GRAPH

Solution = dict[str, int]
Answer = list[tuple[Term | None, ...]]

# Beyond these, SQL is as fast: reads of the index, quads that they give, and solutions of a pattern.
_MOST_READS, _MOST_QUADS, _MOST_SOLUTIONS = 300, 4_000, 900
_MOST_OF_A_SUBJECT, _MOST_SUBJECTS = 500, 100
_UNKNOWN, _NEVER = -1, 9

Match = tuple[int, int, int]  # predicate, the other end, graph


class _ForSql(Exception):
    """The query, or its data, is nothing for look-ups."""


class _NoStart(_ForSql):
    """No triple pattern has a known subject, or a known predicate and object."""


@dataclass(frozen=True)
class _Graph:
    """The active graph (section 13): `id` is one graph, `variable` enumerates the named ones, neither is the default graph."""

    id: int | None = None
    variable: str | None = None


_DEFAULT = _Graph()


def answer(store: Store, query: algebra.Query, dataset: Dataset, bindings: Mapping[str, Term] | None = None) -> Answer | None:
    """The solutions of a SELECT in the order of its variables, the triples of a CONSTRUCT, one row or none of an ASK.

    None where this query over these data is for the compiler. Solutions come in any order.
    """
    if store.look_ups is None or isinstance(query, algebra.Describe):
        return None
    pattern = substituted(query.pattern, bindings) if bindings else query.pattern
    if not _is_simple(pattern):
        return None
    wanted = list(dict.fromkeys(constants(pattern)))
    reader = _Reader(store, store.look_ups, dataset, dict(zip(wanted, store.lookup_many(wanted), strict=True)))
    try:
        if isinstance(query, algebra.Construct):
            return _triples(reader, query, pattern, bindings or {})
        rows = reader.rows(pattern, [variable.name for variable in query.variables] if isinstance(query, algebra.Select) else [])
    except _ForSql:
        return None
    return [()] * bool(rows) if isinstance(query, algebra.Ask) else _decoded(store, rows)


def _decoded(store: Store, rows: list[tuple[int | None, ...]]) -> Answer:
    known: dict[int | None, Term | None] = {None: None, **store.decode({term_id for row in rows for term_id in row if term_id is not None})}
    return [tuple([known[term_id] for term_id in row]) for row in rows]


def _triples(reader: _Reader, query: algebra.Construct, pattern: algebra.Pattern, bindings: Mapping[str, Term]) -> Answer:
    """The template filled in by each solution, each triple once; what is no RDF is left to whoever reads the rows."""
    template = [in_template(triple, bindings) for triple in query.template] if bindings else query.template
    triples = [(triple.subject, triple.predicate, triple.object) for triple in template]
    nodes = list(dict.fromkeys(node for triple in triples for node in triple))
    if any(isinstance(node, algebra.TripleTerm) or (isinstance(node, Var) and node.is_anonymous) for node in nodes):
        raise _ForSql
    variables = [node for node in nodes if isinstance(node, Var)]
    found: dict[tuple[Term | None, ...], None] = {}
    for row in _decoded(reader.store, reader.rows(pattern, [variable.name for variable in variables])):
        terms = dict(zip(variables, row, strict=True))
        found |= dict.fromkeys(tuple(terms[node] if isinstance(node, Var) else node for node in triple) for triple in triples)
    return list(found)


# ── Which patterns ───────────────────────────────────────────────────────────────────────────────────────────


def _is_simple(pattern: algebra.Pattern) -> bool:
    """Whether a pattern consists of what is answered here only, and has a constant to start from."""
    while isinstance(pattern, (algebra.Slice, algebra.Distinct, algebra.Reduced, algebra.Project)):
        pattern = pattern.pattern
    return _is_joinable(pattern)


def _is_joinable(pattern: algebra.Pattern) -> bool:
    if isinstance(pattern, algebra.BGP):
        return all(_is_triple(triple) for triple in pattern.triples)
    if isinstance(pattern, (algebra.Join, algebra.Union)):
        return _is_joinable(pattern.left) and _is_joinable(pattern.right)
    if isinstance(pattern, algebra.LeftJoin):
        return pattern.condition is None and isinstance(pattern.right, algebra.BGP) and _is_joinable(pattern.right) and _is_joinable(pattern.left)
    if isinstance(pattern, algebra.Graph):
        return _is_joinable(pattern.pattern)
    if isinstance(pattern, algebra.Extend):
        return isinstance(pattern.expression, (NamedNode, Literal, BlankNode)) and _is_joinable(pattern.pattern)
    return isinstance(pattern, algebra.Values)


def _is_triple(pattern: object) -> bool:
    if isinstance(pattern, algebra.PathPattern) and not _is_chain(pattern.path):
        return False
    if not isinstance(pattern, (algebra.PathPattern, algebra.TriplePattern)):
        return False
    return not isinstance(pattern.subject, algebra.TripleTerm) and not isinstance(pattern.object, algebra.TripleTerm)


def _is_chain(path: algebra.Path) -> bool:
    if isinstance(path, algebra.Sequence):
        return _is_chain(path.left) and _is_chain(path.right)
    return _is_chain(path.path) if isinstance(path, algebra.Inverse) else isinstance(path, algebra.Link)


def _links(element: algebra.TriplePattern | algebra.PathPattern, fresh: Iterator[int]) -> Iterator[algebra.TriplePattern]:
    """Sequences and inverses of single predicates as plain triple patterns, joined on variables of their own."""
    if isinstance(element, algebra.TriplePattern):
        yield element
        return
    path = element.path
    if isinstance(path, algebra.Link):
        yield algebra.TriplePattern(element.subject, path.iri, element.object)
    elif isinstance(path, algebra.Inverse):
        yield from _links(algebra.PathPattern(element.object, path.path, element.subject), fresh)
    else:
        middle = Var(f"_:step {next(fresh)}")
        yield from _links(algebra.PathPattern(element.subject, path.left, middle), fresh)
        yield from _links(algebra.PathPattern(middle, path.right, element.object), fresh)


# ── Their solutions ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Reader:
    """The look-ups of one query, and what they have cost. `ids` are those of its constants, None where no triple has one."""

    store: Store
    look_ups: LookUps
    dataset: Dataset
    ids: Mapping[Term, int | None]
    reads: int = 0
    quads: int = 0
    _seen: dict[tuple[str, int, int | None, _Graph], list[Match] | None] = field(default_factory=dict)
    _fresh: Iterator[int] = field(default_factory=count)

    def rows(self, pattern: algebra.Pattern, names: Sequence[str]) -> list[tuple[int | None, ...]]:
        """The values of these variables, for each solution."""
        if isinstance(pattern, algebra.Slice):
            end = None if pattern.limit is None else pattern.offset + pattern.limit
            return self.rows(pattern.pattern, names)[pattern.offset : end]
        if isinstance(pattern, algebra.Distinct):
            return list(dict.fromkeys(self.rows(pattern.pattern, names)))
        if isinstance(pattern, (algebra.Reduced, algebra.Project)):
            return self.rows(pattern.pattern, names)
        return [tuple([solution.get(name) for name in names]) for solution in self.solutions(pattern, [{}], _DEFAULT)]

    def solutions(self, pattern: algebra.Pattern, given: list[Solution], graph: _Graph) -> list[Solution]:
        """The solutions of a pattern joined with those that are given."""
        if isinstance(pattern, algebra.BGP):
            return self._of_triples(pattern.triples, given, graph)
        if isinstance(pattern, algebra.Join):
            return self._of_join(pattern, given, graph)
        if isinstance(pattern, algebra.Union):
            return self.solutions(pattern.left, given, graph) + self.solutions(pattern.right, given, graph)
        if isinstance(pattern, algebra.LeftJoin):
            return self._of_optional(pattern, given, graph)
        if isinstance(pattern, algebra.Graph):
            return self._of_graph(pattern, given, graph)
        if isinstance(pattern, algebra.Extend):
            inner = self.solutions(pattern.pattern, given, graph)
            return [joined for each in inner if (joined := _bound(each, ((pattern.variable.name, self._known(pattern.expression)),))) is not None]
        return self._of_values(pattern, given, graph)

    def _of_join(self, pattern: algebra.Join, given: list[Solution], graph: _Graph) -> list[Solution]:
        """Whatever can start first; basic graph patterns are one."""
        operands = list(_operands(pattern))
        triples = tuple(triple for operand in operands if isinstance(operand, algebra.BGP) for triple in operand.triples)
        rest = sorted((operand for operand in operands if not isinstance(operand, algebra.BGP)), key=lambda operand: not isinstance(operand, algebra.LeftJoin))
        pending = [*rest, *([algebra.BGP(triples)] if triples else [])]
        while pending:
            for operand in pending:
                with suppress(_NoStart):
                    given = self.solutions(operand, given, graph)
                    pending.remove(operand)
                    break
            else:
                raise _NoStart
        return given

    def _of_optional(self, pattern: algebra.LeftJoin, given: list[Solution], graph: _Graph) -> list[Solution]:
        """What stands around must not be seen by the optional part but through the left side, so it must come later."""
        if given != [{}] or graph.variable is not None:
            raise _ForSql
        found: list[Solution] = []
        for solution in self.solutions(pattern.left, given, graph):
            found += self.solutions(pattern.right, [solution], graph) or [solution]
        return found

    def _of_graph(self, pattern: algebra.Graph, given: list[Solution], graph: _Graph) -> list[Solution]:
        if graph != _DEFAULT:
            raise _ForSql
        if isinstance(pattern.name, Var):
            return self.solutions(pattern.pattern, given, _Graph(variable=pattern.name.name))
        graph_id, named = self.ids.get(pattern.name), self.dataset.named
        if graph_id is None or (named is not None and graph_id not in named):
            return []
        return self.solutions(pattern.pattern, given, _Graph(graph_id))

    def _of_values(self, pattern: algebra.Values, given: list[Solution], graph: _Graph) -> list[Solution]:
        if graph != _DEFAULT:
            raise _ForSql
        names = [variable.name for variable in pattern.variables]
        rows = [[(name, self._known(node)) for name, node in zip(names, row, strict=True) if node is not None] for row in pattern.rows]
        return self._few([joined for solution in given for row in rows if (joined := _bound(solution, row)) is not None])

    def _known(self, node: object) -> int:
        term_id = self.ids.get(node) if isinstance(node, (NamedNode, Literal, BlankNode)) else None
        if term_id is None:
            raise _ForSql
        return term_id

    def _few(self, solutions: list[Solution]) -> list[Solution]:
        if len(solutions) > _MOST_SOLUTIONS:
            raise _ForSql
        return solutions

    # ── Triple patterns ──────────────────────────────────────────────────────────────────────────────────────

    def _of_triples(self, elements: Sequence[object], given: list[Solution], graph: _Graph) -> list[Solution]:
        if not elements and graph != _DEFAULT:
            raise _ForSql
        pending = [triple for element in elements for triple in _links(element, self._fresh)]
        if any(self._node(node, {}) is _UNKNOWN for triple in pending for node in (triple.subject, triple.predicate, triple.object)):
            return []
        while pending and given:
            certain = set.intersection(*(set(solution) for solution in given)) if len(given) > 1 else set(given[0])
            cheapest = min(pending, key=lambda triple: self._cost(triple, certain))
            if self._cost(cheapest, certain) == _NEVER:
                raise _NoStart
            pending.remove(cheapest)
            given = self._few([found for solution in given for found in self._matches(cheapest, solution, graph)])
        return given

    def _cost(self, triple: algebra.TriplePattern, certain: set[str]) -> int:
        """In which order triple patterns are read: those of a known subject first."""
        subject, predicate, object_ = (not isinstance(node, Var) or node.name in certain for node in (triple.subject, triple.predicate, triple.object))
        if subject:
            return 0 if predicate and object_ else 1 if predicate else 2
        if predicate and object_ and (isinstance(triple.predicate, Var) or self._is_selective(self.ids[triple.predicate])):
            return 3
        return _NEVER

    def _is_selective(self, predicate: int) -> bool:
        """Whether the objects of a predicate have few subjects each: others are not worth asking for."""
        known = self.store.statistics.get(predicate)
        return known is None or known.triples <= known.objects * _MOST_SUBJECTS

    def _matches(self, triple: algebra.TriplePattern, solution: Solution, graph: _Graph) -> Iterator[Solution]:
        subject, predicate, object_ = (self._node(node, solution) for node in (triple.subject, triple.predicate, triple.object))
        if subject is not None:
            matches = self._quads(SUBJECT, subject, predicate, graph)
            free = ((triple.predicate, 0, predicate), (triple.object, 1, object_))
        else:
            matches = self._quads(OBJECT, object_, predicate, graph)
            free = ((triple.subject, 1, None),)
        tests = [(place, known) for _, place, known in free if known is not None]
        names = [(node.name, place) for node, place, known in free if known is None]
        if graph.variable is not None:
            names.append((graph.variable, 2))
        for match in matches:
            if all(match[place] == known for place, known in tests):
                found = _bound(solution, [(name, match[place]) for name, place in names])
                if found is not None:
                    yield found

    def _node(self, node: object, solution: Solution) -> int | None:
        """The id that stands in a place of a triple pattern; None for a variable that is still free."""
        if isinstance(node, Var):
            return solution.get(node.name)
        term_id = self.ids.get(node)
        return _UNKNOWN if term_id is None else term_id

    def _quads(self, end: str, key: int, predicate: int | None, graph: _Graph) -> list[Match]:
        """The quads of the active graph with this subject or object: all that is said of a subject at once, as a star asks for."""
        whole = (end, key, None, graph)
        if end == SUBJECT and whole not in self._seen:
            self._seen[whole] = self._read(end, key, None, graph, _MOST_OF_A_SUBJECT)
        if (found := self._seen.get(whole)) is not None:
            return found if predicate is None else [match for match in found if match[0] == predicate]
        narrow = (end, key, predicate, graph)
        if narrow not in self._seen or self._seen[narrow] is None:
            self._seen[narrow] = self._read(end, key, predicate, graph, _MOST_QUADS)
        if (found := self._seen[narrow]) is None:
            raise _ForSql
        return found

    def _read(self, end: str, key: int, predicate: int | None, graph: _Graph, most: int) -> list[Match] | None:
        quads = self.look_ups.by(end)
        self.reads += 1
        if quads is None or self.reads > _MOST_READS:
            raise _ForSql
        rows = quads.rows(key, predicate, most)
        self.quads += len(rows or ())
        if self.quads > _MOST_QUADS:
            raise _ForSql
        return None if rows is None else self._visible(rows, graph)

    def _visible(self, rows: list[Row], graph: _Graph) -> list[Match]:
        """Those of the active graph (section 13), as `active_graph.source` has them."""
        default, named = self.dataset.default, self.dataset.named
        if graph.variable is not None:
            return [(p, other, g) for p, other, g, _ in rows if g != DEFAULT_GRAPH and (named is None or g in named)]
        if graph.id is not None:
            return [(p, other, g) for p, other, g, _ in rows if g == graph.id]
        if default is not None:
            return list(dict.fromkeys((p, other, DEFAULT_GRAPH) for p, other, g, _ in rows if g in default))
        if self.dataset.is_strict:
            return [(p, other, g) for p, other, g, _ in rows if g == DEFAULT_GRAPH]
        return [(p, other, g) for p, other, g, again in rows if not again]


def _operands(pattern: algebra.Pattern) -> Iterator[algebra.Pattern]:
    if isinstance(pattern, algebra.Join):
        yield from _operands(pattern.left)
        yield from _operands(pattern.right)
    else:
        yield pattern


def _bound(solution: Solution, values: Iterable[tuple[str, int]]) -> Solution | None:
    """The solution with these values too; None where it has another one for a variable."""
    found = dict(solution)
    for name, value in values:
        if found.setdefault(name, value) != value:
            return None
    return found
