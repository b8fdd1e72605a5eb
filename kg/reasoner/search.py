"""The search for solutions of a rule's body that make a given triple, among what was known before a round."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from itertools import product

from pyoxigraph import BlankNode, NamedNode, Triple

from kg.errors import RuleError
from kg.reasoner.aggregate import Refusal, RunningAggregate, has_aggregate, read_aggregate
from kg.reasoner.blank_nodes import label_parts
from kg.reasoner.bodies import CannotFlatten, Opaque, has_exists, sub_select_alternatives
from kg.reasoner.compile import BodyCompiler, Given, close_scopes, kinds_of
from kg.reasoner.expressions import Expressions
from kg.reasoner.matching import Solution
from kg.reasoner.model import Rule, variables_of
from kg.reasoner.paths import as_triples
from kg.reasoner.reading import NO_TERM, Reading
from kg.reasoner.rows import Columns, Rows, Source
from kg.reasoner.running import RESULT, Measure
from kg.reasoner.stratify import Use, can_match, premises
from kg.reasoner.told import Absent, AggregateGround, Contribution, Grounds, expression_text, named, number_of, plain
from kg.sparql import algebra as a
from kg.sparql.algebra_text import node_text
from kg.sparql.values import ALL_TAGS, Value, tag_classes
from kg.store import Store
from kg.terms import MAX_SCALE, TAG_BITS, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED

# What tells the variables that live only inside a NOT or a sub-select from their namesakes.
_HIDDEN = re.compile(r"\?(\w+)(/\w+)")

# A round later than any: all that is known.
LATEST = 1 << 31


@dataclass
class Search:
    """Looks for one solution of a rule's body among what was known before `round`."""

    store: Store
    reading: Reading
    rule: Rule
    round: int
    recursive_heads: list[a.TriplePattern]
    known_branches: dict[int, list[tuple]] = field(default_factory=dict)  # by the id() of the rule
    ids: dict[a.Term, int | None] = field(default_factory=dict)  # of the terms that were told
    shares_told: int = 20  # contributions of an aggregate that are told of more than so many

    def __post_init__(self) -> None:
        self._expressions = Expressions(self.store)
        self._columns = Columns()
        # Such a node's label was made of the variables that the body had when it was evaluated as it stands.
        self.has_fresh_nodes = any(v.is_anonymous for head in self.rule.head for v in variables_of(head))

    # ── the solution ─────────────────────────────────────────────────────────────────────────────────────────

    def grounds(self, head: a.TriplePattern, triple: Triple, ids: list[int], limit: int = 1) -> list[Grounds]:
        """Those of at most `limit` solutions; none where the head cannot make the triple."""
        told: list[Grounds] = []
        fixed = self.unify(head, triple, ids)
        for branch in () if fixed is None else self.branches():
            rows = self.conjunction(branch, fixed)
            found = self._found(rows, head, triple, limit - len(told))
            told += [self.told(branch, solution) for solution in found]
            if len(told) == limit:
                break
        return told

    def any_solution(self, elements: tuple, fixed: dict[a.Var, int]) -> dict[a.Var, int] | None:
        """Some solution of these elements in which `fixed` have these ids."""
        rows = self.conjunction(elements, fixed)
        names = list(rows.columns.values())
        select = f"SELECT {', '.join(f'x.{name}' for name in names) or '1'} FROM ({rows.sql}) x LIMIT 1"
        found = self.reading.fetch(Rows(select, rows.columns, rows.steps), self._expressions)
        return dict(zip(rows.columns, found[0], strict=bool(names))) if found else None

    def unify(self, head: a.TriplePattern, triple: Triple, ids: list[int]) -> dict[a.Var, int] | None:
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

    def conjunction(self, branch: Sequence, fixed: dict[a.Var, int]) -> Rows:
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
        known = {variable: tag_classes([value >> TAG_BITS]) for variable, value in fixed.items() if value != NO_TERM}
        compiler = BodyCompiler(
            self.reading.constant, self._expressions, self.reading.triple_terms,
            kinds_of(elements, self._object_kinds) | known | kinds, self._columns, fixed)  # fmt: skip
        return compiler.conjunction(elements, self._source, self.rule.data_only)

    def _object_kinds(self, pattern: a.TriplePattern) -> frozenset[int]:
        if isinstance(pattern.predicate, a.Var):
            return ALL_TAGS
        if isinstance(pattern.subject, NamedNode):
            return self.reading.object_kinds(pattern.subject, pattern.predicate)
        known = self.store.statistics.get(self.reading.constant(pattern.predicate))
        return ALL_TAGS if known is None else tag_classes(known.tags)

    def _source(self, element: object, data_only: bool) -> Source:
        if data_only:
            return Source("(SELECT s, p, o FROM quads WHERE rule IS NULL)", self.store.statistics)
        known = f"(SELECT s, p, o FROM quads WHERE NOT again AND (round IS NULL OR round < {self.round}))"
        return Source(known, self.store.statistics)

    def _found(self, rows: Rows, head: a.TriplePattern, triple: Triple, limit: int) -> list[dict[a.Var, int]]:
        """Solutions; for a head with fresh blank nodes, the one that the blank node's label was made of."""
        names = list(rows.columns.values())
        where = ""
        labels = label_parts(self.rule, rows)
        for node, term in ((head.subject, triple.subject), (head.object, triple.object)):
            if node in labels:
                where += f"{' AND' if where else ' WHERE'} {labels[node]} = '{term.value}'"
        order = f" ORDER BY {', '.join(f'x.{name}' for name in names)}" if names else ""
        found = self.reading.fetch(Rows(f"SELECT {', '.join(f'x.{n}' for n in names) or '1'} FROM ({rows.sql}) x{where}{order} LIMIT {limit}",
                                        rows.columns, rows.steps), self._expressions)  # fmt: skip
        return [dict(zip(rows.columns, row, strict=bool(names))) for row in found]

    # ── the body as conjunctions ─────────────────────────────────────────────────────────────────────────────

    def branches(self) -> list[tuple]:
        known = self.known_branches.get(id(self.rule))
        if known is None:
            choices = [self._choices(element, number) for number, element in enumerate(close_scopes(self.rule.body))]
            known = self.known_branches[id(self.rule)] = [tuple(element for part in choice for element in part) for choice in product(*choices)]
        return known

    def _choices(self, element: a.BodyElement, number: int) -> list[tuple]:
        """The alternatives that an element stands for; a sub-select that cannot be taken apart stays whole."""
        try:
            if isinstance(element, a.SubSelectElement):
                if self.has_fresh_nodes or (not self._is_recursive(element) and self._is_negative(element)):
                    return [(Opaque(element.pattern, element.variables, element.position),)]
                if has_aggregate(element.pattern):
                    return [(read_aggregate(element, lambda pattern: True),)]
                return list(sub_select_alternatives(element, lambda pattern: True, number))
            if isinstance(element, a.PathPattern) and not self.has_fresh_nodes:
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

    def is_set(self, aggregate: RunningAggregate) -> bool:
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
        shares: dict[tuple, tuple[tuple, dict[a.Var, int]]] = {}
        for number, (branch, rows) in enumerate(self._shares(aggregate, found)):
            columns = list(rows.columns)
            parts = ", ".join(f"x.{rows.columns[v]}" for v in columns)
            query = Rows(f"SELECT {parts} FROM ({rows.sql}) x ORDER BY {parts}", rows.columns, rows.steps)
            for row in self.reading.fetch(query, self._expressions):
                solution = dict(zip(columns, row, strict=True))
                key = tuple(solution[v] for v in aggregate.contribution) if self.is_set(aggregate) else (number, *row)
                shares.setdefault(key, (branch, solution))
        if self._is_recursive(aggregate.element):
            total: Decimal | None = plain(Decimal(found[aggregate.result]).scaleb(-RESULT.scale))
        else:
            total = number_of(self._terms({aggregate.result: found[aggregate.result]})[aggregate.result])
        return self._aggregate_of(aggregate, total, list(shares.values()), tests)

    def _aggregate_of(
        self, aggregate: RunningAggregate, total: Decimal | None, shares: Sequence[tuple[tuple, Mapping[a.Var, int]]], tests: Sequence[a.Expression]
    ) -> AggregateGround:
        """What an aggregate took in; of very many contributions the greatest are told."""
        count = len(shares)
        if count > self.shares_told and aggregate.argument is not None:
            values = self.store.decode({solution[aggregate.argument] for _, solution in shares})
            shares = sorted(shares, key=lambda share: -(number_of(values[share[1][aggregate.argument]]) or 0))
        decoded = self.store.decode({value for _, solution in shares[: self.shares_told] for value in solution.values()})
        self.ids.update((term, term_id) for term_id, term in decoded.items())
        contributions = []
        for branch, solution in shares[: self.shares_told]:
            terms = {variable: decoded[value] for variable, value in solution.items()}
            value = number_of(terms.get(aggregate.argument)) if aggregate.argument else None
            contributions.append(Contribution(value, named(terms), self._triples(branch, terms)))
        relevant = tuple(expression_text(test, self.rule.prefixes) for test in [*aggregate.having, *tests])
        return AggregateGround(aggregate.function, aggregate.result.name, total, tuple(contributions), relevant, count)

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────

    def told(self, branch: Sequence, found: dict[a.Var, int]) -> Grounds:
        """The grounds that a solution of SQL is; what aggregates took in is looked up."""
        told = {id(e): self._aggregate_ground(e, found, self._tests_of(branch, e)) for e in branch if isinstance(e, RunningAggregate)}
        return self._told(branch, found, told)

    def told_of(self, branch: Sequence, solution: Solution) -> Grounds:
        """The grounds that a solution of look-ups is, with what its aggregates took in."""
        told = {}
        for element in branch:
            if isinstance(element, RunningAggregate):
                shares = [(element.branches[share.branch], share.bound) for share in solution.shares[id(element)]]
                value = solution.bound[element.result]
                with localcontext(prec=80):  # a sum of decimals has an end
                    total = plain(Decimal(value.numerator) / Decimal(value.denominator))
                told[id(element)] = self._aggregate_of(element, total, shares, self._tests_of(branch, element))
        return self._told(branch, dict(solution.bound), told)

    def _tests_of(self, branch: Sequence, aggregate: RunningAggregate) -> list[a.Expression]:
        return [e.condition for e in branch if isinstance(e, a.FilterElement) and aggregate.result in set(variables_of(e.condition))]

    def _told(self, branch: Sequence, found: Mapping[a.Var, int], told: Mapping[int, AggregateGround]) -> Grounds:
        results = {e.result for e in branch if isinstance(e, RunningAggregate)}
        terms = self._terms({v: value for v, value in found.items() if v not in results})
        totals = {ground.result: ground.value for ground in told.values()}
        hidden = _names_of_hidden(terms)

        def written(condition: a.Expression) -> str:
            text = expression_text(condition, self.rule.prefixes)
            return _HIDDEN.sub(lambda match: f"?{hidden.get(match[1] + match[2], match[1])}", text)

        absent = tuple(
            Absent(
                tuple(self._absent(p, terms) for p in e.body if isinstance(p, (a.TriplePattern, a.PathPattern))),
                e.data_only or self.rule.data_only,
                tuple(written(f.condition) for f in e.body if isinstance(f, a.FilterElement)),
            )
            for e in branch
            if isinstance(e, a.Not)
        )
        filters = [e.condition for e in branch if isinstance(e, a.FilterElement)]
        tests = tuple(written(f) for f in filters if not results & set(variables_of(f)))
        bindings = named(terms) | {hidden[v.name]: term for v, term in terms.items() if v.name in hidden}
        return Grounds(self.rule, self.round, bindings | totals, self._triples(branch, terms), tuple(told.values()), absent, tests)

    def _terms(self, solution: dict[a.Var, int]) -> dict[a.Var, a.Term]:
        decoded = self.store.decode({value for value in solution.values() if value != NO_TERM})
        self.ids.update((term, term_id) for term_id, term in decoded.items())
        return {variable: decoded[value] for variable, value in solution.items() if value != NO_TERM}

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

    def _absent(self, pattern: a.TriplePattern, terms: dict[a.Var, a.Term]) -> tuple[a.Node, a.Node | str, a.Node]:
        def told(node: a.Node) -> a.Node:
            return terms.get(node, a.Var(node.name.partition("/")[0])) if isinstance(node, a.Var) else node

        middle = node_text(pattern.path, dict(self.rule.prefixes)) if isinstance(pattern, a.PathPattern) else told(pattern.predicate)
        return told(pattern.subject), middle, told(pattern.object)

    def filled(self, pattern: a.TriplePattern | a.PathPattern, solution: dict[a.Var, int]) -> tuple[a.Node, a.Node | str, a.Node]:
        """A pattern with the bindings put in; what has none stays a variable."""
        return self._absent(pattern, self._terms(solution))

    def triples(self, patterns: Sequence[a.TriplePattern], solution: dict[a.Var, int]) -> tuple[Triple, ...]:
        """The triples that patterns match in a solution."""
        return self._triples(patterns, self._terms(solution))


def restricted(pattern: a.Pattern, keys: dict[a.Var, a.Term]) -> a.Pattern:
    """A sub-select that looks only at the groups with these keys."""
    if isinstance(pattern, a.Group):
        inner = pattern.pattern
        for key, term in keys.items():
            inner = a.Filter(a.Call("=", (key, term)), inner)
        return replace(pattern, pattern=inner)
    return replace(pattern, pattern=restricted(pattern.pattern, keys))


def _names_of_hidden(terms: Mapping[a.Var, a.Term]) -> dict[str, str]:
    """How the variables of sub-selects are called beside those of the rule: as they are written, where that name is free."""
    taken = {v.name for v in terms if "/" not in v.name}
    found: dict[str, str] = {}
    for name in sorted(v.name for v in terms if "/" in v.name and not v.is_anonymous):
        plain, number = name.partition("/")[0], 2
        called = plain
        while called in taken:
            called, number = f"{plain}{number}", number + 1
        taken.add(called)
        found[name] = called
    return found
