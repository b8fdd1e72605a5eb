"""Which rules wait for which: the order of strata, and the refusal of cycles that have no meaning.

A rule depends on another where one of its triple patterns can match a triple that the other's head makes. Patterns are
compared in all three positions, so that `?x a :A` and `?x a :B`, or `:p "abc"` and `:p "ABC"`, are different relations.
A stratum is a strongly connected component of that graph. Inside a component

- NOT, MINUS, OPTIONAL and EXISTS are refused (R204),
- a blank node in a head is refused, for each round would make new ones (R206),
- an aggregate is refused (R207) unless it can only grow (see `aggregate.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from pyoxigraph import NamedNode

from kg.reasoner.model import Rule, is_equality, is_last, variables_of
from kg.sparql import algebra as a


class Use(Enum):
    """How a body uses a pattern: more matches give more conclusions, or fewer, or another aggregate."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    AGGREGATE = "aggregate"


@dataclass(frozen=True)
class Premise:
    """A triple pattern that a rule reads. `predicate` may be a variable made up for a path."""

    pattern: a.TriplePattern
    use: Use
    position: tuple[int, int] | None


@dataclass(frozen=True)
class Stratum:
    """Rules that are evaluated together; `is_recursive` where one of them can feed itself or another, `is_ordered` where
    they also undo each other's conditions, and are applied one after the other (see `ordered.py`). `level` is the length
    of the longest chain of strata that it waits for."""

    rules: tuple[Rule, ...]
    is_recursive: bool
    level: int = 0
    is_ordered: bool = False


@dataclass(frozen=True)
class _Edge:
    """Rule number `reader` reads by `premise` what rule number `maker` concludes."""

    reader: int
    maker: int
    premise: Premise


def stratify(rules: Sequence[Rule]) -> list[Stratum]:
    """The strata in an order in which each reads only what earlier ones, or it itself, conclude.

    Raises RuleError R204, R206 with the cycle by the rules' names; aggregates in a cycle are left to `aggregate.py`. Rules of
    equality stand apart, each alone: what they copy is no other relation. Rules that are last come after all others.
    """
    edges = _edges(rules)
    successors: list[list[_Edge]] = [[] for _ in rules]
    for edge in edges:
        successors[edge.reader].append(edge)
    components = _components(len(rules), [[edge.maker for edge in out] for out in successors])
    components.sort(key=lambda members: is_last(rules[members[0]]))  # none of the others reads them
    component_of = {rule: i for i, members in enumerate(components) for rule in members}
    ordered: set[int] = set()
    for edge in edges:
        if edge.premise.use is Use.NEGATIVE and component_of[edge.reader] == component_of[edge.maker]:
            component = component_of[edge.reader]
            if not all(rules[i].is_iterated for i in components[component]):
                raise _negation_in_cycle(rules, edge, successors)
            ordered.add(component)
    strata: list[Stratum] = []
    for number, members in enumerate(components):
        below = {component_of[edge.maker] for member in members for edge in successors[member]}
        is_recursive = len(members) > 1 or number in below
        if is_recursive:
            _refuse_blank_nodes(rules, members, successors)
        level = max((strata[i].level + 1 for i in below if i != number), default=0)
        if is_last(rules[members[0]]):
            level = max([level, *(stratum.level + 1 for stratum in strata if not is_last(stratum.rules[0]))])
        is_ordered = number in ordered
        strata.append(Stratum(tuple(rules[i] for i in sorted(members)), is_recursive and not is_ordered, level, is_ordered))
    return strata


def rules_behind(rules: Sequence[Rule], wanted: Sequence[a.TriplePattern]) -> list[Rule]:
    """The rules on which it depends whether triples matching `wanted` are concluded: their makers, and what those read."""
    makers: list[set[int]] = [set() for _ in rules]
    for edge in _edges(rules):
        makers[edge.reader].add(edge.maker)
    equality = [i for i, rule in enumerate(rules) if is_equality(rule)]
    if equality:  # what holds of one term holds of its equals: whatever makes terms equal is behind everything
        same = NamedNode("http://www.w3.org/2002/07/owl#sameAs")
        wanted = [*wanted, a.TriplePattern(a.Var("x"), same, a.Var("y"))]
    waiting = [i for i, rule in enumerate(rules) if any(can_match(pattern, head) for pattern in wanted for head in rule.head)]
    found: set[int] = set(equality)
    while waiting:
        rule = waiting.pop()
        if rule not in found:
            found.add(rule)
            waiting += makers[rule]
    return [rules[i] for i in sorted(found)]


def cycle_through(rules: Sequence[Rule], reader: Rule, maker: Rule) -> str:
    """The shortest cycle that begins with `reader` reading `maker`, as `a → b → a`."""
    numbers = {id(rule): i for i, rule in enumerate(rules)}
    successors: list[list[_Edge]] = [[] for _ in rules]
    for edge in _edges(rules):
        successors[edge.reader].append(edge)
    return _cycle_text(rules, numbers[id(reader)], numbers[id(maker)], successors)


# ── what a rule reads ────────────────────────────────────────────────────────────────────────────────────────


def premises(rule: Rule) -> Iterator[Premise]:
    """All patterns that a body reads from what may be inferred; DATA parts read the input alone and are left out."""
    if rule.data_only:
        return
    for element in rule.body:
        match element:
            case a.TriplePattern() | a.PathPattern():
                yield from _pattern_premises(element, Use.POSITIVE, element.position)
            case a.Not(body=body, data_only=False):
                for part in body:
                    yield from _not_premises(part, element.position)
            case a.SubSelectElement(pattern=pattern):
                yield from algebra_premises(pattern, Use.POSITIVE, element.position)
            case a.FilterElement(condition=expression) | a.SetElement(expression=expression):
                yield from _expression_premises(expression, element.position)


def _not_premises(part: a.BodyElement, position) -> Iterator[Premise]:
    match part:
        case a.TriplePattern() | a.PathPattern():
            yield from _pattern_premises(part, Use.NEGATIVE, position)
        case a.FilterElement(condition=expression):
            yield from _expression_premises(expression, position)


def algebra_premises(pattern: a.Pattern, use: Use, position) -> Iterator[Premise]:
    """Patterns of an algebra tree. What stands under OPTIONAL, MINUS, a slice, or an aggregate of an aggregate is
    NEGATIVE: new matches may take solutions away."""
    nested = Use.NEGATIVE if use is not Use.POSITIVE else Use.AGGREGATE
    match pattern:
        case a.BGP(triples=triples):
            for triple in triples:
                yield from _pattern_premises(triple, use, triple.position or position)
        case a.LeftJoin(left=left, right=right) | a.Minus(left=left, right=right):
            yield from algebra_premises(left, use, position)
            yield from algebra_premises(right, Use.NEGATIVE, position)
        case a.Join(left=left, right=right) | a.Union(left=left, right=right):
            yield from algebra_premises(left, use, position)
            yield from algebra_premises(right, use, position)
        case a.Group(pattern=inner):
            yield from algebra_premises(inner, nested, position)
        case a.Slice(pattern=inner):
            yield from algebra_premises(inner, Use.NEGATIVE, position)
        case a.Filter(condition=expression, pattern=inner) | a.Extend(pattern=inner, expression=expression):
            yield from _expression_premises(expression, position)
            yield from algebra_premises(inner, use, position)
        case a.Project(pattern=inner) | a.Distinct(pattern=inner) | a.Reduced(pattern=inner) | a.OrderBy(pattern=inner):
            yield from algebra_premises(inner, use, position)
        case _:
            return


def _expression_premises(expression: object, position) -> Iterator[Premise]:
    if isinstance(expression, a.Exists):
        yield from algebra_premises(expression.pattern, Use.NEGATIVE, position)
    elif isinstance(expression, (a.Call, a.FunctionCall)):
        for argument in expression.args:
            yield from _expression_premises(argument, position)


def _pattern_premises(pattern: a.TriplePattern | a.PathPattern, use: Use, position) -> Iterator[Premise]:
    if isinstance(pattern, a.TriplePattern):
        yield Premise(pattern, use, position)
        return
    any_subject, any_object = a.Var("_:path-subject"), a.Var("_:path-object")
    for predicate in path_predicates(pattern.path):
        yield Premise(a.TriplePattern(any_subject, predicate or a.Var("_:path-predicate"), any_object), use, position)
    if _may_be_empty(pattern.path) and isinstance(pattern.subject, a.Var) and isinstance(pattern.object, a.Var):
        # A path of length zero joins every node of the graph to itself (SPARQL 1.1, section 18.4).
        yield Premise(a.TriplePattern(any_subject, a.Var("_:path-predicate"), any_object), use, position)


def path_predicates(path: a.Path) -> Iterator:
    """The predicates a path follows; None for a negated set, which may follow any."""
    match path:
        case a.Link(iri=iri):
            yield iri
        case a.Sequence(left=left, right=right) | a.Alternative(left=left, right=right):
            yield from path_predicates(left)
            yield from path_predicates(right)
        case a.Inverse(path=inner) | a.ZeroOrMore(path=inner) | a.OneOrMore(path=inner) | a.ZeroOrOne(path=inner):
            yield from path_predicates(inner)
        case a.NegatedSet():
            yield None


def _may_be_empty(path: a.Path) -> bool:
    match path:
        case a.ZeroOrMore() | a.ZeroOrOne():
            return True
        case a.Sequence(left=left, right=right):
            return _may_be_empty(left) and _may_be_empty(right)
        case a.Alternative(left=left, right=right):
            return _may_be_empty(left) or _may_be_empty(right)
        case a.Inverse(path=inner) | a.OneOrMore(path=inner):
            return _may_be_empty(inner)
        case _:
            return False


# ── what a head makes ────────────────────────────────────────────────────────────────────────────────────────


def can_match(pattern: a.TriplePattern, head: a.TriplePattern) -> bool:
    """True where some triple made by `head` may match `pattern`; False is certain."""
    return (
        _may_equal(pattern.subject, head.subject)
        and _may_equal(pattern.predicate, head.predicate)
        and _may_equal(pattern.object, head.object)
    )


def _may_equal(read: a.Node, made: a.Node) -> bool:
    if isinstance(read, a.Var):
        return True
    if isinstance(made, a.Var):
        return not made.is_anonymous  # a fresh blank node is no term that a rule can name
    if isinstance(read, a.TripleTerm) and isinstance(made, a.TripleTerm):
        return can_match(
            a.TriplePattern(read.subject, read.predicate, read.object),
            a.TriplePattern(made.subject, made.predicate, made.object),
        )
    return read == made


def _edges(rules: Sequence[Rule]) -> list[_Edge]:
    by_predicate: dict[object, list[tuple[int, a.TriplePattern]]] = {}
    for i, rule in enumerate(rules):
        for head in () if is_equality(rule) else rule.head:
            key = None if isinstance(head.predicate, a.Var) else head.predicate
            by_predicate.setdefault(key, []).append((i, head))
    everything = [pair for pairs in by_predicate.values() for pair in pairs]
    edges = []
    for i, rule in enumerate(rules):
        for premise in () if is_equality(rule) else premises(rule):
            predicate = premise.pattern.predicate
            candidates = (
                everything
                if isinstance(predicate, a.Var)
                else by_predicate.get(predicate, []) + by_predicate.get(None, [])
            )
            makers = dict.fromkeys(
                maker for maker, head in candidates if can_match(premise.pattern, head) and (is_last(rule) or not is_last(rules[maker]))
            )
            edges += [_Edge(i, maker, premise) for maker in makers]
    return edges


# ── cycles ───────────────────────────────────────────────────────────────────────────────────────────────────


def _components(count: int, successors: list[list[int]]) -> list[list[int]]:
    """Strongly connected components, each after those that it reads (Tarjan, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    components: list[list[int]] = []
    for root in range(count):
        if root in index:
            continue
        work = [(root, iter(successors[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, out = work[-1]
            for target in out:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(successors[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    components.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return components


def _cycle_text(rules: Sequence[Rule], reader: int, maker: int, successors: list[list[_Edge]]) -> str:
    """The shortest way from `maker` back to `reader`, breadth first."""
    came_from: dict[int, int | None] = {maker: None}
    queue = [maker]
    for node in queue:
        if node == reader:
            break
        for edge in successors[node]:
            if edge.maker not in came_from:
                came_from[edge.maker] = node
                queue.append(edge.maker)
    way = [reader]
    while came_from.get(way[-1]) is not None:
        way.append(came_from[way[-1]])
    way.reverse()  # maker … reader
    return " → ".join(rules[i].name for i in [reader, *way])


def _negation_in_cycle(rules: Sequence[Rule], edge: _Edge, successors: list[list[_Edge]]):
    predicate = edge.premise.pattern.predicate
    what = "anything" if isinstance(predicate, a.Var) else predicate.value.rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    cycle = _cycle_text(rules, edge.reader, edge.maker, successors)
    help = f"compute {what} from asserted facts only (NOT DATA), or drop the negation"
    if any(key == "entailment" and rule.name in cycle.split(" → ") for rule in rules for key, _ in rule.annotations):
        help += "; or let the ontology conclude after the rules: owl_after_rules = true under [reasoning]"
    return rules[edge.reader].error("R204", "depends on its own negation", help, edge.premise.position, (f"cycle: {cycle}",))


def _refuse_blank_nodes(rules: Sequence[Rule], members: list[int], successors: list[list[_Edge]]) -> None:
    for i in members:
        for head in rules[i].head:
            if any(variable.is_anonymous for variable in variables_of(head)):
                edge = next(edge for edge in successors[i] if edge.maker in members)
                raise rules[i].error(
                    "R206",
                    "makes a new blank node and depends on its own conclusions, so it would never end",
                    "name the new node by an IRI built from the bindings, or read asserted facts only (WHERE DATA)",
                    head.position,
                    (f"cycle: {_cycle_text(rules, edge.reader, edge.maker, successors)}",),
                )
