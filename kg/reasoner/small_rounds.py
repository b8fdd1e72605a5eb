"""Rounds of a recursion that find a few triples each, evaluated in memory: a chain of a thousand links is a thousand of them.

A statement costs DuckDB a millisecond or more however little it finds. Once some rounds in a row have found little, and what the
recursion reads is not large, its relations are read once and joined here, binding by binding, until nothing more is found. What is
concluded, by which rule and in which round, is what the statements would have given. `Leave` is raised, and nothing of the
round kept, where a value is met that only they can tell, or where a round finds much.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyoxigraph import Literal

from kg.reasoner.bodies import conjuncts
from kg.reasoner.compile import Given
from kg.reasoner.knowledge import Knowledge, Recursion
from kg.reasoner.model import variables_of
from kg.reasoner.running import RESULT, Measure, Running
from kg.sparql import algebra as a
from kg.terms import BIAS, MAX_SCALE, PAYLOAD_MASK, TAG_BITS, TAG_BLANK, TAG_DECIMAL, TAG_INTEGER, TAG_IRI, TAG_TEMPLATE

# Rows of all that the recursion reads: more take longer to read than some hundred rounds.
MOST_ROWS = 300_000
# Bindings at a time: more are faster joined by statements.
_MOST_BINDINGS = 5_000
# Rows that are joined without a shared variable.
_MOST_PRODUCT = 100

Binding = Mapping[a.Var, int]  # ids; of the result of an aggregate the number, with the scale of RESULT
Pair = tuple[int, int]


class Unsuited(Exception):
    """The stratum has a form, or a size, that is not for this."""


class Leave(Exception):
    """The round at hand is one for statements."""


@dataclass(frozen=True)
class Join:
    """The body of a part: `chosen` reads the delta of `trigger` (None: the results of an aggregate), the others all that is known, or in
    `old` places only what was known before the last round."""

    trigger: Recursion | Running
    chosen: a.TriplePattern | None
    others: tuple[a.TriplePattern | Given | a.FilterElement | object, ...]
    old: frozenset[int]  # places in `others`


@dataclass
class _Relation:
    """The pairs (s, o) of a recursion's relation; `recent` are those of the last round, with their rules."""

    recursion: Recursion
    predicate: int
    pairs: set[Pair]
    recent: dict[Pair, int]
    found: list[tuple[int, int, int, int]] = field(default_factory=list)  # (s, o, rule, round), since it was read
    objects: dict[int, list[int]] = field(default_factory=dict)
    subjects: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pair in self.pairs:
            self._index(pair)

    def _index(self, pair: Pair) -> None:
        self.objects.setdefault(pair[0], []).append(pair[1])
        self.subjects.setdefault(pair[1], []).append(pair[0])

    def add(self, new: dict[Pair, int], round_number: int) -> None:
        self.recent = new
        for pair, rule in new.items():
            self.pairs.add(pair)
            self._index(pair)
            self.found.append((*pair, rule, round_number))

    def matching(self, subject: int | None, object: int | None) -> Iterable[Pair]:
        if subject is not None and object is not None:
            return [(subject, object)] if (subject, object) in self.pairs else []
        if subject is not None:
            return [(subject, other) for other in self.objects.get(subject, ())]
        if object is not None:
            return [(other, object) for other in self.subjects.get(object, ())]
        return self.pairs


@dataclass
class _Groups:
    """The groups of an aggregate: the value of each so far, and the contributions, where one can come again."""

    running: Running
    measure: Measure
    joins: Sequence[Join]
    values: dict[tuple[int, ...], int]
    shares: set[tuple[int, ...]] | None
    found: list[tuple[int, ...]] = field(default_factory=list)  # contributions with their values, since it was read

    def value(self, share: tuple[int, ...]) -> int:
        """As the statements read it: the number × 10^scale. Raises Leave where they would refuse it, or read others anew."""
        aggregate = self.running.aggregate
        if aggregate.argument is None or aggregate.function == "COUNT":
            return 1
        term_id = share[aggregate.contribution.index(aggregate.argument)]
        tag = term_id >> TAG_BITS
        if tag not in self.measure.tags or not _is_exact(tag):
            raise Leave
        value = _mantissa(term_id) * 10 ** (self.measure.scale - max(0, tag - TAG_DECIMAL))
        if aggregate.function == "SUM" and value < 0:
            raise Leave
        return value

    def together(self, one: int | None, other: int) -> int:
        if one is None:
            return other
        return {"MAX": max, "MIN": min}.get(self.running.aggregate.function, int.__add__)(one, other)

    def result(self, value: int) -> int:
        scale = 0 if self.running.aggregate.function == "COUNT" else self.measure.scale
        result = value * 10 ** (RESULT.scale - scale)
        if abs(result) >= 2**127:
            raise Leave
        return result


@dataclass
class SmallRounds:
    """Call `read` once, then `run`."""

    knowledge: Knowledge
    parts: Mapping[Recursion, Sequence[tuple[Join, a.TriplePattern, int]]]  # with the head and the rule's number
    aggregates: Sequence[tuple[Running, Sequence[Join]]]
    _relations: dict[Recursion, _Relation] = field(default_factory=dict)
    _groups: list[_Groups] = field(default_factory=list)
    _tables: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    _indexes: dict[tuple[str, tuple[int, ...]], dict[tuple[int, ...], list[tuple[int, ...]]]] = field(default_factory=dict)
    _tests: dict[int, Callable[[Binding], bool]] = field(default_factory=dict)  # by id of the FILTER
    _rows: int = 0

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, relation_of: Callable[[a.TriplePattern], Recursion], parity: int, counts: Mapping[Recursion, int]) -> None:
        """Read all relations, with the deltas of `parity`, which have so many rows, as those of the last round. Raises Unsuited."""
        self._relation_of = relation_of
        joins = [join for parts in self.parts.values() for join, _, _ in parts] + [join for _, several in self.aggregates for join in several]
        results = frozenset(running.aggregate.result for running, _ in self.aggregates)
        for join in joins:
            for element in join.others:
                if isinstance(element, a.FilterElement):
                    self._tests[id(element)] = _test(element.condition, results, self.knowledge)
                elif not isinstance(element, (a.TriplePattern, Given)):
                    raise Unsuited
        for recursion in self.parts:
            self._relations[recursion] = self._read_relation(recursion, parity, counts.get(recursion, 0) > 0)
        for element in (element for join in joins for element in join.others if isinstance(element, Given)):
            if element.rows.sql not in self._tables:
                self._tables[element.rows.sql] = self._all(element.rows.sql)
        self._groups = [self._read_groups(running, several) for running, several in self.aggregates]

    def _all(self, select: str) -> list[tuple[int, ...]]:
        rows = self.knowledge.run(f"SELECT * FROM ({select}) LIMIT {MOST_ROWS - self._rows + 1}").fetchall()
        self._rows += len(rows)
        if self._rows > MOST_ROWS:
            raise Unsuited
        return rows

    def _read_relation(self, recursion: Recursion, parity: int, is_recent: bool) -> _Relation:
        if recursion.predicate is None:
            raise Unsuited
        pairs = set(self._all(f"SELECT s, o FROM {recursion.table}"))
        recent = {(s, o): rule for s, o, rule in self._all(f"SELECT s, o, rule FROM {recursion.delta(parity)}")} if is_recent else {}
        return _Relation(recursion, self.knowledge.constant(recursion.predicate), pairs, recent)

    def _read_groups(self, running: Running, joins: Sequence[Join]) -> _Groups:
        if running.keeps_all or running.is_empty:
            raise Unsuited
        names, table = [running.columns.of(v) for v in running.aggregate.contribution], f"rl_share_{running.number}"
        keys = [running.columns.of(key) for key in running.aggregate.keys]
        function = "count(*)" if running.aggregate.function == "COUNT" else f"{running.aggregate.function.lower()}(value)"
        values = {tuple(row[:-1]): row[-1] for row in self._all(f"SELECT {', '.join([*keys, function])} FROM {table} GROUP BY {', '.join(keys)}")}
        are_new = running.is_distinct and len(joins) == 1
        shares = None if are_new else set(self._all(f"SELECT {', '.join(names)} FROM {table}"))
        return _Groups(running, running.measure, joins, values, shares)

    # ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────

    def round(self, round_number: int) -> int:
        """Returns how many triples were new. Raises Leave, with all as it was before the round."""
        fresh: list[tuple[_Groups, list[tuple[int, ...]], dict[tuple[int, ...], int]]] = []
        for groups in self._groups:
            fresh.append((groups, *self._contributed(groups)))
        results = {id(groups.running): changed for groups, _, changed in fresh}
        new = {recursion: self._concluded(recursion, results) for recursion in self.parts}
        for groups, shares, changed in fresh:
            groups.values |= changed
            groups.found += shares
            if groups.shares is not None:
                groups.shares.update(share[:-1] for share in shares)
        for recursion, pairs in new.items():
            self._relations[recursion].add(pairs, round_number)
        return sum(map(len, new.values()))

    def _contributed(self, groups: _Groups) -> tuple[list[tuple[int, ...]], dict[tuple[int, ...], int]]:
        """New contributions with their values, and the values of the groups that they touch."""
        aggregate = groups.running.aggregate
        found: dict[tuple[int, ...], int] = {}
        for join in groups.joins:
            for binding in self._solutions(join, self._changes(join)):
                share = tuple(binding[v] for v in aggregate.contribution)
                if share not in found and (groups.shares is None or share not in groups.shares):
                    found[share] = groups.value(share)
        places = [aggregate.contribution.index(key) for key in aggregate.keys]
        changed: dict[tuple[int, ...], int] = {}
        for share, value in found.items():
            key = tuple(share[place] for place in places)
            changed[key] = groups.together(changed.get(key, groups.values.get(key)), value)
        return [(*share, value) for share, value in found.items()], changed

    def _concluded(self, recursion: Recursion, results: Mapping[int, dict[tuple[int, ...], int]]) -> dict[Pair, int]:
        relation, new = self._relations[recursion], {}
        for join, head, rule in self.parts[recursion]:
            if isinstance(join.trigger, Running):
                groups = next(g for g in self._groups if g.running is join.trigger)
                aggregate = join.trigger.aggregate
                starts = [dict(zip(aggregate.keys, key, strict=True)) | {aggregate.result: groups.result(value)} for key, value in results[id(join.trigger)].items()]
            else:
                starts = self._changes(join)
            for binding in self._solutions(join, starts):
                pair = self._id(head.subject, binding), self._id(head.object, binding)
                if _is_subject(pair[0]) and pair not in relation.pairs and rule < new.get(pair, rule + 1):
                    new[pair] = rule
        return new

    def _changes(self, join: Join) -> list[Binding]:
        relation = self._relations[join.trigger]
        return [binding for pair in relation.recent if (binding := self._match(join.chosen, pair, {})) is not None]

    def _solutions(self, join: Join, bindings: Sequence[Binding]) -> Sequence[Binding]:
        waiting = list(enumerate(join.others))
        while waiting and bindings:
            bound = set(bindings[0])
            place, element = max(waiting, key=lambda one: _readiness(one[1], bound))
            waiting.remove((place, element))
            if isinstance(element, a.FilterElement):
                bindings = [binding for binding in bindings if self._tests[id(element)](binding)]
            elif isinstance(element, Given):
                bindings = list(self._with_table(element, bindings, bound))
            else:
                bindings = list(self._with_relation(element, bindings, place in join.old))
            if len(bindings) > _MOST_BINDINGS:
                raise Leave
        return bindings

    def _with_table(self, given: Given, bindings: Sequence[Binding], bound: set[a.Var]) -> Iterator[Binding]:
        variables = list(given.rows.columns)
        places = tuple(i for i, variable in enumerate(variables) if variable in bound)
        index = self._indexes.get((given.rows.sql, places))
        if index is None:
            self._refuse_product(places, self._tables[given.rows.sql])
            index = self._indexes[given.rows.sql, places] = {}
            for row in self._tables[given.rows.sql]:
                index.setdefault(tuple(row[i] for i in places), []).append(row)
        for binding in bindings:
            for row in index.get(tuple(binding[variables[i]] for i in places), ()):
                yield {**binding, **dict(zip(variables, row, strict=False))}

    def _with_relation(self, pattern: a.TriplePattern, bindings: Sequence[Binding], is_old: bool) -> Iterator[Binding]:
        relation = self._relations[self._relation_of(pattern)]
        for binding in bindings:
            known = [self._id(node, binding) if not isinstance(node, a.Var) or node in binding else None for node in (pattern.subject, pattern.object)]
            self._refuse_product([term_id for term_id in known if term_id is not None], relation.pairs)
            for pair in relation.matching(*known):
                if not (is_old and pair in relation.recent) and (longer := self._match(pattern, pair, binding)) is not None:
                    yield longer

    def _refuse_product(self, known: Sequence[int], rows: Collection[object]) -> None:
        if not known and len(rows) > _MOST_PRODUCT:
            raise Leave

    def _match(self, pattern: a.TriplePattern, pair: Pair, binding: Binding) -> Binding | None:
        longer = dict(binding)
        for node, term_id in zip((pattern.subject, pattern.object), pair, strict=True):
            expected = longer.setdefault(node, term_id) if isinstance(node, a.Var) else self.knowledge.constant(node)
            if expected != term_id:
                return None
        return longer

    def _id(self, node: a.Node, binding: Binding) -> int:
        return binding[node] if isinstance(node, a.Var) else self.knowledge.constant(node)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, parity: int) -> dict[Recursion, int]:
        """Put what was found where the statements read it, the last round into the deltas of `parity`; returns the sizes of these."""
        for relation in self._relations.values():
            recursion, p = relation.recursion, f"{relation.predicate}::BIGINT"
            self._insert(f"INSERT INTO {recursion.table} SELECT c0, {p}, c1, c2, c3 FROM", relation.found, 4)
            recent = [(*pair, rule) for pair, rule in relation.recent.items()]
            self._insert(f"CREATE OR REPLACE TEMP TABLE {recursion.delta(parity)} AS SELECT c0 AS s, {p} AS p, c1 AS o, c2::INTEGER AS rule FROM", recent, 3)
        for groups in self._groups:
            width = len(groups.running.aggregate.contribution) + 1
            self._insert(f"INSERT INTO rl_share_{groups.running.number} SELECT * FROM", groups.found, width)
        return {recursion: len(relation.recent) for recursion, relation in self._relations.items()}

    def _insert(self, statement: str, rows: Sequence[tuple[int, ...]], width: int) -> None:
        if rows or statement.startswith("CREATE"):
            columns = [[row[i] for row in rows] for i in range(width)]
            unnested = ", ".join(f"unnest(?::HUGEINT[])::BIGINT AS c{i}" for i in range(width))
            self.knowledge.store.connection.execute(f"{statement} (SELECT {unnested})", columns)


def _readiness(element: object, bound: set[a.Var]) -> tuple[int, int]:
    """FILTERs as soon as they can be tested, then what shares most with what is bound."""
    if isinstance(element, a.FilterElement):
        return (2, 0) if set(variables_of(element.condition)) <= bound else (-1, 0)
    variables = set(element.rows.columns) if isinstance(element, Given) else set(variables_of(element))
    return (1 if variables & bound else 0, len(variables & bound) - len(variables - bound))


def _is_exact(tag: int) -> bool:
    return tag == TAG_INTEGER or TAG_DECIMAL <= tag <= TAG_DECIMAL + MAX_SCALE


def _mantissa(term_id: int) -> int:
    return (term_id & PAYLOAD_MASK) - BIAS


def _is_iri(term_id: int) -> bool:
    return term_id >> TAG_BITS == TAG_IRI or term_id >= TAG_TEMPLATE << TAG_BITS


def _is_subject(term_id: int) -> bool:
    return _is_iri(term_id) or term_id >> TAG_BITS == TAG_BLANK


def _test(condition: a.Expression, results: frozenset[a.Var], knowledge: Knowledge) -> Callable[[Binding], bool]:
    """A condition as a function of a binding: comparisons of exact numbers, and of IRIs. Raises Unsuited for other forms."""
    tests = [_comparison(part, results, knowledge) for part in conjuncts(condition)]
    return lambda binding: all(test(binding) for test in tests)


_ORDERED: dict[str, Callable[[int, int], bool]] = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}
_EQUAL: dict[str, Callable[[int, int], bool]] = {"=": int.__eq__, "!=": int.__ne__}


def _comparison(condition: a.Expression, results: frozenset[a.Var], knowledge: Knowledge) -> Callable[[Binding], bool]:
    if not isinstance(condition, a.Call) or condition.name not in _ORDERED | _EQUAL or not all(isinstance(arg, (a.Var, Literal)) for arg in condition.args):
        raise Unsuited
    left, right = condition.args

    def number(node: a.Var | Literal, binding: Binding) -> int:
        if isinstance(node, a.Var) and node in results:
            return binding[node]
        term_id = binding[node] if isinstance(node, a.Var) else knowledge.constant(node)
        tag = term_id >> TAG_BITS
        if not _is_exact(tag):
            raise Leave
        return _mantissa(term_id) * 10 ** (RESULT.scale - max(0, tag - TAG_DECIMAL))

    def ordered(binding: Binding) -> bool:
        return _ORDERED[condition.name](number(left, binding), number(right, binding))

    def equal(binding: Binding) -> bool:
        if isinstance(left, a.Var) and isinstance(right, a.Var) and not {left, right} & results and _is_iri(binding[left]) and _is_iri(binding[right]):
            return _EQUAL[condition.name](binding[left], binding[right])
        return _EQUAL[condition.name](number(left, binding), number(right, binding))

    return ordered if condition.name in _ORDERED else equal
