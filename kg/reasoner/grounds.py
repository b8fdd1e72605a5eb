"""The grounds of a conclusion, found again: the rule's body, evaluated on what was known before the conclusion.

Nothing but rule and round is stored with a triple. Its grounds are one solution of the rule's body that makes the triple
from triples of smaller rounds; for an aggregate, all contributions to its group. Reads only, so it works on a graph that
is open for reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import RuleError
from kg.reasoner.aggregate import Refusal, RunningAggregate, has_aggregate, read_aggregate
from kg.reasoner.blank_nodes import label_parts
from kg.reasoner.bodies import CannotFlatten, Opaque, has_exists, sub_select_alternatives
from kg.reasoner.compile import BodyCompiler, Given, close_scopes, kinds_of
from kg.reasoner.expressions import Expressions
from kg.reasoner.model import Program, Rule, short_name, variables_of
from kg.reasoner.paths import as_triples
from kg.reasoner.reading import Reading
from kg.reasoner.rows import Columns, Rows, Source
from kg.reasoner.running import RESULT, Measure
from kg.reasoner.stratify import Use, can_match, premises, stratify
from kg.sparql import algebra as a
from kg.sparql.values import ALL_TAGS, Value, tag_classes
from kg.store import Store
from kg.terms import MAX_SCALE, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED


@dataclass(frozen=True)
class Contribution:
    """One value that an aggregate took in, with the triples it came from; None where only its presence counts."""

    value: Decimal | None
    bindings: dict[str, a.Term]
    premises: tuple[Triple, ...]


@dataclass(frozen=True)
class AggregateGround:
    """`function` over `contributions` gave `value`, which passed `tests` (as written)."""

    function: str
    result: str
    value: Decimal | None
    contributions: tuple[Contribution, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Grounds:
    """Why a triple was concluded: the rule, a solution of its body, and the triples that make it up.

    `absent` are the patterns of NOTs with the bindings put in (nodes without value are variables), `data_only` of each
    says that it looked at the input alone; `tests` are the FILTERs as written.
    """

    rule: Rule
    round: int
    bindings: dict[str, a.Term | Decimal]
    premises: tuple[Triple, ...]
    aggregates: tuple[AggregateGround, ...]
    absent: tuple[tuple[tuple[str, ...], bool], ...]
    tests: tuple[str, ...]


class Derivations:
    """Answers, for a triple of `store`, by what it was concluded from; `programs` are those that `infer` ran."""

    def __init__(self, store: Store, programs: Sequence[tuple[str, str, Program]]) -> None:
        self._store = store
        self._reading = Reading(store)
        self._programs = {owner: program for owner, _, program in programs}
        rules = [rule for _, _, program in programs for rule in program.rules]
        self._recursive_heads = {
            id(rule): [head for other in stratum.rules for head in other.head] if stratum.is_recursive else []
            for stratum in stratify(rules)
            for rule in stratum.rules
        }

    def __call__(self, triple: Triple) -> Grounds | None:
        """None for a triple that is asserted, or not there. Raises RuleError R230 where the rules are not those that
        made the graph."""
        ids = self._store.lookup_many([triple.subject, triple.predicate, triple.object])
        if None in ids:
            return None
        row = self._reading.run(
            f"SELECT rule, round FROM quads WHERE s = {ids[0]} AND p = {ids[1]} AND o = {ids[2]} ORDER BY rule NULLS FIRST LIMIT 1"
        ).fetchone()
        if row is None or row[0] is None:
            return None
        rule = self._rule(row[0])
        search = _Search(self._store, self._reading, rule, row[1], self._recursive_heads[id(rule)])
        for head in rule.head:
            grounds = search.grounds(head, triple, ids)
            if grounds is not None:
                return grounds
        raise _stale(rule.name)

    def _rule(self, number: int) -> Rule:
        row = self._reading.run(f"SELECT owner, iri, text FROM rules WHERE rule = {number}").fetchone()
        program = self._programs.get(row[0]) if row else None
        named = [rule for rule in program.rules if rule.iri.value == row[1]] if program else []
        found = next((rule for rule in named if rule.text == row[2]), named[0] if len(named) == 1 else None)
        if found is None:
            raise _stale(row[1] if row else f"number {number}")
        return found


def _stale(rule: str) -> RuleError:
    return RuleError(
        "R230", f"the rule {rule} no longer gives the conclusion that the graph holds", None,
        "the rules or the data have changed since: run kg build") # fmt: skip


@dataclass
class _Search:
    """Looks for one solution of a rule's body among what was known before `round`."""

    store: Store
    reading: Reading
    rule: Rule
    round: int
    recursive_heads: list[a.TriplePattern]

    def __post_init__(self) -> None:
        self._expressions = Expressions(self.store)
        self._columns = Columns()
        # Such a node's label was made of the variables that the body had when it was evaluated as it stands.
        self._has_fresh_nodes = any(v.is_anonymous for head in self.rule.head for v in variables_of(head))

    # ── the solution ─────────────────────────────────────────────────────────────────────────────────────────

    def grounds(self, head: a.TriplePattern, triple: Triple, ids: list[int]) -> Grounds | None:
        fixed = self._unify(head, triple, ids)
        if fixed is None:
            return None
        for branch in self._branches(fixed):
            rows = self._conjunction(branch, fixed)
            found = self._first(rows, head, triple)
            if found is not None:
                return self._told(branch, found)
        return None

    def _unify(self, head: a.TriplePattern, triple: Triple, ids: list[int]) -> dict[a.Var, int] | None:
        """The ids of the head's variables, those of fresh blank nodes left open; None where the head cannot make the triple."""
        fixed: dict[a.Var, int] = {}
        terms = (triple.subject, triple.predicate, triple.object)
        for node, term, term_id in zip((head.subject, head.predicate, head.object), terms, ids, strict=True):
            if not isinstance(node, a.Var):
                if self._ground(node) != term:
                    return None
            elif node.is_anonymous:
                if not isinstance(term, BlankNode):
                    return None
            elif fixed.setdefault(node, term_id) != term_id:
                return None
        return fixed

    def _conjunction(self, branch: Sequence, fixed: dict[a.Var, int]) -> Rows:
        elements, kinds = [], {}
        for element in branch:
            if isinstance(element, RunningAggregate):
                elements.append(Given(self._totals(element, fixed)))
                if self._is_recursive(element.element):
                    kinds[element.result] = RESULT
            else:
                elements.append(element)
        return self._solutions(elements, fixed, kinds)

    def _solutions(self, elements: Sequence, fixed: dict[a.Var, int], kinds: dict[a.Var, Value]) -> Rows:
        """The solutions of a conjunction in which the variables `fixed` have these ids."""
        seen = {v for e in elements if isinstance(e, a.TriplePattern) for v in variables_of(e)}
        unseen = {v: value for v, value in fixed.items() if v not in seen}
        if unseen:
            columns = {variable: self._columns.of(variable) for variable in unseen}
            listed = ", ".join(f"{value}::BIGINT AS {columns[v]}" for v, value in unseen.items())
            elements = [Given(Rows(f"SELECT {listed}", columns)), *elements]
        compiler = BodyCompiler(
            self.reading.constant, self._expressions, self.reading.triple_terms,
            kinds_of(elements, self._object_kinds) | kinds, self._columns, fixed)  # fmt: skip
        return compiler.conjunction(elements, self._source, self.rule.data_only)

    def _object_kinds(self, pattern: a.TriplePattern) -> frozenset[int]:
        known = None if isinstance(pattern.predicate, a.Var) else self.store.statistics.get(self.reading.constant(pattern.predicate))
        return ALL_TAGS if known is None else tag_classes(known.tags)

    def _source(self, element: object, data_only: bool) -> Source:
        if data_only:
            return Source("(SELECT s, p, o FROM quads WHERE rule IS NULL)", self.store.statistics)
        known = f"(SELECT s, p, o FROM quads WHERE NOT again AND (round IS NULL OR round < {self.round}))"
        return Source(known, self.store.statistics)

    def _first(self, rows: Rows, head: a.TriplePattern, triple: Triple) -> dict[a.Var, int] | None:
        """One solution; for a head with fresh blank nodes, the one that the blank node's label was made of."""
        names = list(rows.columns.values())
        where = ""
        labels = label_parts(self.rule, rows)
        for node, term in ((head.subject, triple.subject), (head.object, triple.object)):
            if node in labels:
                where += f"{' AND' if where else ' WHERE'} {labels[node]} = '{term.value}'"
        order = f" ORDER BY {', '.join(f'x.{name}' for name in names)}" if names else ""
        found = self.reading.fetch(Rows(f"SELECT {', '.join(f'x.{n}' for n in names) or '1'} FROM ({rows.sql}) x{where}{order} LIMIT 1",
                                        rows.columns, rows.steps), self._expressions)  # fmt: skip
        return dict(zip(rows.columns, found[0], strict=bool(names))) if found else None

    # ── the body as conjunctions ─────────────────────────────────────────────────────────────────────────────

    def _branches(self, fixed: dict[a.Var, int]) -> Iterator[tuple]:
        choices = [self._choices(element, number) for number, element in enumerate(close_scopes(self.rule.body))]
        for choice in product(*choices):
            yield tuple(element for part in choice for element in part)

    def _choices(self, element: a.BodyElement, number: int) -> list[tuple]:
        """The alternatives that an element stands for; a sub-select that cannot be taken apart stays whole."""
        try:
            if isinstance(element, a.SubSelectElement):
                if self._has_fresh_nodes or (not self._is_recursive(element) and self._is_negative(element)):
                    return [(Opaque(element.pattern, element.variables, element.position),)]
                if has_aggregate(element.pattern):
                    return [(read_aggregate(element, lambda pattern: True),)]
                return list(sub_select_alternatives(element, lambda pattern: True, number))
            if isinstance(element, a.PathPattern) and not self._has_fresh_nodes:
                return list(as_triples(self.rule, element, number))
        except (CannotFlatten, Refusal, RuleError):
            if isinstance(element, a.SubSelectElement):
                return [(Opaque(element.pattern, element.variables, element.position),)]
        return [(element,)]

    def _is_recursive(self, element: a.SubSelectElement) -> bool:
        probe = Rule(self.rule.iri, (), (element,))
        return any(can_match(premise.pattern, head) for premise in premises(probe) for head in self.recursive_heads)

    def _is_negative(self, element: a.SubSelectElement) -> bool:
        """Whether taking it apart would lose an OPTIONAL, MINUS, LIMIT or EXISTS."""
        return has_exists(element.pattern) or any(p.use is Use.NEGATIVE for p in premises(Rule(self.rule.iri, (), (element,))))

    # ── aggregates ───────────────────────────────────────────────────────────────────────────────────────────

    def _shares(self, aggregate: RunningAggregate, fixed: dict[a.Var, int]) -> list[tuple[Sequence, Rows]]:
        """Per alternative, the solutions that contribute to the groups that `fixed` leaves."""
        keys = {key: fixed[key] for key in aggregate.keys if key in fixed}
        return [(branch, self._solutions(close_scopes(branch), keys, {})) for branch in aggregate.branches]

    def _is_set(self, aggregate: RunningAggregate) -> bool:
        """Whether contributions are told apart by their own variables, or by all of the solution, as SPARQL does."""
        group = aggregate.element.pattern
        while not isinstance(group, a.Group):
            group = group.pattern
        is_distinct = any(item.distinct for _, item in group.aggregates) or isinstance(group.pattern, a.Distinct)
        return is_distinct or self._is_recursive(aggregate.element)

    def _totals(self, aggregate: RunningAggregate, fixed: dict[a.Var, int]) -> Rows:
        """The groups and their results: of scale 18 in a recursion, where contributions are a set; else as ids."""
        element = aggregate.element
        if not self._is_recursive(element):
            pattern = restricted(element.pattern, self._terms({k: fixed[k] for k in aggregate.keys if k in fixed}))
            source = self._source(element, self.rule.data_only)
            return self._expressions.pattern(pattern, element.variables, self._columns, source)[0]
        names = [f"k{i}" for i in range(len(aggregate.contribution))]
        selects = []
        for _, rows in self._shares(aggregate, fixed):
            listed = ", ".join(f"x.{rows.columns[v]} AS {name}" for v, name in zip(aggregate.contribution, names, strict=True))
            selects.append(f"SELECT {listed} FROM ({rows.sql}) x")
        value, scale = "1", 0
        if aggregate.argument is not None and aggregate.function != "COUNT":
            measure = Measure().having_seen([TAG_INTEGER, TAG_TYPED, *range(TAG_DECIMAL, TAG_DECIMAL + MAX_SCALE + 1)])
            value, scale = measure.of(f"s.{names[aggregate.contribution.index(aggregate.argument)]}"), measure.scale
        function = "count(*)" if aggregate.function == "COUNT" else f"{aggregate.function.lower()}({value})"
        columns = {v: self._columns.of(v) for v in [*aggregate.keys, aggregate.result]}
        keys = [f"s.{names[aggregate.contribution.index(key)]}" for key in aggregate.keys]
        selected = "".join(f"{key} AS {columns[v]}, " for key, v in zip(keys, aggregate.keys, strict=True))
        sql = (
            f"SELECT {selected}({function})::HUGEINT * {10 ** (RESULT.scale - scale)} AS {columns[aggregate.result]} "
            f"FROM (SELECT DISTINCT * FROM ({' UNION ALL '.join(selects)})) s GROUP BY {', '.join(keys)}"
        )
        rows = Rows(sql, columns)
        if aggregate.having:
            rows = self._expressions.filter(rows, aggregate.having, {aggregate.result: RESULT})
        return rows

    def _aggregate_ground(self, aggregate: RunningAggregate, found: dict[a.Var, int], tests: Sequence[a.Expression]) -> AggregateGround:
        seen: set[tuple] = set()
        contributions: list[Contribution] = []
        for number, (branch, rows) in enumerate(self._shares(aggregate, found)):
            columns = list(rows.columns)
            parts = ", ".join(f"x.{rows.columns[v]}" for v in columns)
            query = Rows(f"SELECT {parts} FROM ({rows.sql}) x ORDER BY {parts}", rows.columns, rows.steps)
            for row in self.reading.fetch(query, self._expressions):
                solution = dict(zip(columns, row, strict=True))
                key = tuple(solution[v] for v in aggregate.contribution)
                key = key if self._is_set(aggregate) else (number, *row)
                if key not in seen:
                    seen.add(key)
                    terms = self._terms(solution)
                    value = number_of(terms.get(aggregate.argument)) if aggregate.argument else None
                    contributions.append(Contribution(value, named(terms), self._triples(branch, terms)))
        if self._is_recursive(aggregate.element):
            total: Decimal | None = plain(Decimal(found[aggregate.result]).scaleb(-RESULT.scale))
        else:
            total = number_of(self._terms({aggregate.result: found[aggregate.result]})[aggregate.result])
        relevant = tuple(expression_text(test, self.rule.prefixes) for test in [*aggregate.having, *tests])
        return AggregateGround(aggregate.function, aggregate.result.name, total, tuple(contributions), relevant)

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, branch: Sequence, found: dict[a.Var, int]) -> Grounds:
        aggregates = [e for e in branch if isinstance(e, RunningAggregate)]
        results = {e.result for e in aggregates}
        terms = self._terms({v: value for v, value in found.items() if v not in results})
        filters = [e.condition for e in branch if isinstance(e, a.FilterElement)]
        told = tuple(
            self._aggregate_ground(e, found, [f for f in filters if e.result in set(variables_of(f))]) for e in aggregates
        )
        totals = {ground.result: ground.value for ground in told}
        absent = tuple(
            (tuple(self._absent(p, terms) for p in e.body if isinstance(p, a.TriplePattern)), e.data_only or self.rule.data_only)
            for e in branch
            if isinstance(e, a.Not)
        )
        tests = tuple(expression_text(f, self.rule.prefixes) for f in filters if not results & set(variables_of(f)))
        return Grounds(self.rule, self.round, named(terms) | totals, self._triples(branch, terms), told, absent, tests)

    def _terms(self, solution: dict[a.Var, int]) -> dict[a.Var, a.Term]:
        decoded = self.store.decode(set(solution.values()))
        return {variable: decoded[value] for variable, value in solution.items()}

    def _triples(self, branch: Sequence, terms: dict[a.Var, a.Term]) -> tuple[Triple, ...]:
        patterns = [e for e in branch if isinstance(e, a.TriplePattern)]
        made = [Triple(*(self._value(node, terms) for node in (p.subject, p.predicate, p.object))) for p in patterns]
        return tuple(dict.fromkeys(made))

    def _value(self, node: a.Node, terms: dict[a.Var, a.Term]) -> a.Term | Triple:
        if isinstance(node, a.Var):
            return terms[node]
        if isinstance(node, a.TripleTerm):
            return Triple(*(self._value(part, terms) for part in (node.subject, node.predicate, node.object)))
        return node

    def _ground(self, node: a.Node) -> a.Term | Triple:
        return self._value(node, {})

    def _absent(self, pattern: a.TriplePattern, terms: dict[a.Var, a.Term]) -> tuple[a.Node, a.Node, a.Node]:
        def told(node: a.Node) -> a.Node:
            return terms.get(node, a.Var(node.name.partition("/")[0])) if isinstance(node, a.Var) else node

        return told(pattern.subject), told(pattern.predicate), told(pattern.object)


def restricted(pattern: a.Pattern, keys: dict[a.Var, a.Term]) -> a.Pattern:
    """A sub-select that looks only at the groups with these keys."""
    if isinstance(pattern, a.Group):
        inner = pattern.pattern
        for key, term in keys.items():
            inner = a.Filter(a.Call("=", (key, term)), inner)
        return replace(pattern, pattern=inner)
    return replace(pattern, pattern=restricted(pattern.pattern, keys))


def named(terms: dict[a.Var, a.Term]) -> dict[str, a.Term]:
    """The bindings that a reader can know: no blank nodes of the pattern, no helper variables."""
    return {v.name: term for v, term in terms.items() if not v.is_anonymous and "/" not in v.name}


def number_of(term: a.Term | None) -> Decimal | None:
    try:
        return Decimal(term.value) if isinstance(term, Literal) else None
    except ArithmeticError:
        return None


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros: 50.00 → 50."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def expression_text(expression: a.Expression, prefixes: tuple[tuple[str, str], ...]) -> str:
    """A condition as a person would write it."""
    if isinstance(expression, a.Var):
        return f"?{expression.name}"
    if isinstance(expression, NamedNode):
        return short_name(expression, prefixes)
    if isinstance(expression, Literal):
        plain_types = ("integer", "decimal", "boolean", "double")
        return expression.value if expression.datatype.value.rsplit("#", 1)[-1] in plain_types else str(expression)
    if isinstance(expression, a.Call):
        parts = [expression_text(part, prefixes) for part in expression.args]
        if len(parts) == 2 and not expression.name.isalpha():
            return f"{parts[0]} {expression.name} {parts[1]}"
        if expression.name in ("IN", "NOT IN"):
            return f"{parts[0]} {expression.name} ({', '.join(parts[1:])})"
        return f"{expression.name.removeprefix('u')}{parts[0]}" if expression.name in ("!", "u-", "u+") else f"{expression.name}({', '.join(parts)})"
    if isinstance(expression, a.FunctionCall):
        return f"{short_name(expression.iri, prefixes)}({', '.join(expression_text(part, prefixes) for part in expression.args)})"
    return str(expression)
