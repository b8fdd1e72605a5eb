"""One recursive stratum, evaluated semi-naively: each round joins only what the round before found.

Every rule becomes one SELECT per recursive element of its body, with that element reading the delta and the others the
full relation; the SELECTs are made once and run in every round in which their delta is not empty. What a body does not
share with the recursion is a table made beforehand (`invariant.py`). A round reads what was known before it, so the
premises of a conclusion always have smaller rounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

from kg.reasoner.aggregate import RunningAggregate, has_aggregate, running_aggregate
from kg.reasoner.bodies import CannotFlatten, Element, Opaque, reads_recursion, sub_select_alternatives
from kg.reasoner.compile import BodyCompiler, Given, close_scopes
from kg.reasoner.invariant import with_invariants
from kg.reasoner.knowledge import CONCLUSION, LAST_ROUND, Knowledge, Recursion, recursion_of, recursions
from kg.reasoner.model import Rule, variables_of
from kg.reasoner.paths import as_triples
from kg.reasoner.rows import Columns, Rows, lacking
from kg.reasoner.running import RESULT, Running
from kg.reasoner.small_rounds import Join, Leave, SmallRounds, Unsuited
from kg.reasoner.statement import PARITY, Statement
from kg.reasoner.stratify import can_match, cycle_through, premises
from kg.reasoner.watch import Watch
from kg.sparql import algebra as a
from kg.sparql.values import ALL_TAGS
from kg.sql.temporary import create_empty


@dataclass(frozen=True)
class Total:
    """A body element that reads an aggregate of the recursion."""

    running: Running


@dataclass(frozen=True)
class Part:
    """A SELECT (s, p, o, rule), or one of contributions, and the delta that must not be empty for it to find anything;
    `trigger` None runs in the first round only."""

    statement: Statement
    trigger: Recursion | Running | None
    join: Join | None = None  # the same, to be evaluated in memory
    head: a.TriplePattern | None = None
    number: int = 0  # of the rule


# After so many rounds in a row that find no more than a few triples each, a recursion goes on in memory, if it can.
PATIENCE, FEW, _MOST_TRIES = 10, 200, 3


@dataclass
class Fixpoint:
    """Evaluates `rules`, which read each other, starting at `first_round`. Afterwards the conclusions are in
    rl_inferred, and `rounds` says how many rounds it took."""

    knowledge: Knowledge
    rules: Sequence[Rule]
    numbers: dict[int, int]  # id(rule) → its number
    watch: Watch
    first_round: int
    last_round: int
    rounds: int = 0
    _heads: list[a.TriplePattern] = field(default_factory=list)
    _relations: list[Recursion] = field(default_factory=list)
    _parts: dict[Recursion, list[Part]] = field(default_factory=dict)
    _aggregates: list[tuple[Running, list[Part]]] = field(default_factory=list)
    _counts: dict[Recursion, int] = field(default_factory=dict)
    _tables: int = 0
    _fixed: dict[str, str] = field(default_factory=dict)  # SELECT of an unchanging part, without names → its table
    _empty: set[Recursion] = field(default_factory=set)  # relations of which nothing was known at first

    def run(self) -> int:
        """Returns how many triples were concluded."""
        self._heads = [head for rule in self.rules for head in rule.head]
        read = [premise.pattern for rule in self.rules for premise in premises(rule)]
        self._relations = recursions(self.rules, read)
        for relation in self._relations:
            self._create(relation)
        self._parts = {relation: [] for relation in self._relations}
        for rule in self.rules:
            self._prepare(rule)
        makes_terms = any(isinstance(e, a.SetElement) for rule in self.rules for e in rule.body)
        total = quiet = tries = 0
        while True:
            found = self._round(self.rounds % 2)
            total += found
            self.rounds += 1
            if not found:
                break
            self._check_round(makes_terms)
            quiet = quiet + 1 if found <= FEW else 0
            if quiet >= PATIENCE and tries < _MOST_TRIES and not makes_terms:
                tries, quiet = tries + 1, 0
                more, is_done = self._in_memory()
                total += more
                if is_done:
                    break
        self._finish()
        return total

    def _check_round(self, makes_terms: bool) -> None:
        self.watch.check(self.rules[0], self.rounds)
        if makes_terms and self.rounds > self.watch.new_value_rounds:
            raise self._diverges()
        if self.first_round + self.rounds > self.last_round:
            raise self.rules[0].error("R215", f"takes more than {self.rounds:,} rounds", "look for a chain of conclusions without end")

    def _in_memory(self) -> tuple[int, bool]:
        """Go on without statements; returns how many triples were concluded, and whether there are no more."""
        parts = {
            relation: [(part.join, part.head, part.number) for part in several if part.join is not None] for relation, several in self._parts.items()
        }
        aggregates = [(running, [part.join for part in several if part.join is not None]) for running, several in self._aggregates]
        small = SmallRounds(self.knowledge, parts, aggregates)
        try:
            small.read(lambda pattern: recursion_of(pattern, self._relations), (self.rounds - 1) % 2, self._counts)
        except Unsuited:
            return 0, False
        total, is_done = 0, False
        with suppress(Leave):
            while not is_done:
                found = small.round(self.first_round + self.rounds)
                total, is_done = total + found, not found
                self.rounds += 1
                if found:
                    self._check_round(False)
        self._counts = small.write((self.rounds - 1) % 2)
        return total, is_done

    # ── preparation ──────────────────────────────────────────────────────────────────────────────────────────

    def _create(self, relation: Recursion) -> None:
        run, constant = self.knowledge.run, self.knowledge.constant
        create_empty(self.knowledge.store.connection, relation.table, CONCLUSION)
        if relation.predicate is None:
            run(f"CREATE OR REPLACE TEMP VIEW rl_any AS SELECT s, p, o FROM rl_known UNION ALL SELECT s, p, o FROM {relation.table}")
            return
        where = f"p = {constant(relation.predicate)}"
        if relation.object is not None:
            where += f" AND o = {constant(relation.object)}"
        source = self.knowledge.source(a.TriplePattern(a.Var("s"), relation.predicate, a.Var("o")), False).sql
        known = run(f"INSERT INTO {relation.table} SELECT s, p, o, NULL, NULL FROM {source} WHERE {where}").fetchone()[0]
        if not known:
            self._empty.add(relation)

    def _is_recursive_pattern(self, pattern: a.TriplePattern | a.PathPattern) -> bool:
        probe = Rule(self.rules[0].iri, (), (pattern,))
        return any(can_match(premise.pattern, head) for premise in premises(probe) for head in self._heads)

    def _is_recursive(self, element: Element | Given | Total) -> bool:
        return isinstance(element, Total) or (
            isinstance(element, a.TriplePattern) and self._is_recursive_pattern(element)
        )

    def _prepare(self, rule: Rule) -> None:
        """Add the parts of a rule, and those of its aggregates."""
        needed = {v for head in rule.head for v in variables_of(head)}
        columns = Columns()
        for branch in self._branches(rule, columns):
            compiler = self._compiler(branch, columns)
            body = self._with_invariants(list(branch), needed, compiler)
            for trigger, rows, join in self._variants(body, compiler):
                shared = Statement(rows.sql, rows.steps)
                if len(rule.head) > 1:  # several triples from one solution: find the solutions once
                    self._tables += 1
                    shared = shared.materialised(f"rl_rows_{self._tables}")
                    rows = Rows(shared.sql, rows.columns)
                for head in rule.head:
                    select = f"SELECT s, p, o, {self.numbers[id(rule)]} AS rule FROM ({compiler.head(head, rows)}) h"
                    relation = recursion_of(head, self._relations)
                    self._parts[relation].append(Part(Statement(select, shared.steps), trigger, join, head, self.numbers[id(rule)]))

    def _compiler(self, elements: Sequence, columns: Columns) -> BodyCompiler:
        kinds = self.knowledge.kinds(elements, self._heads)
        for aggregate in [e.running.aggregate for e in elements if isinstance(e, Total)]:
            branches = [self.knowledge.kinds(branch, self._heads) for branch in aggregate.branches]
            for key in aggregate.keys:
                possible = frozenset().union(*[branch.get(key, ALL_TAGS) for branch in branches])
                kinds[key] = kinds.get(key, ALL_TAGS) & possible
            kinds[aggregate.result] = RESULT
        return BodyCompiler(self.knowledge.constant, self.knowledge.expressions, self.knowledge.triple_terms, kinds, columns)

    def _branches(self, rule: Rule, columns: Columns) -> list[tuple[Element | Total, ...]]:
        """The alternatives of a rule's body, each a conjunction."""
        choices: list[list[tuple[Element | Total, ...]]] = []
        for number, element in enumerate(close_scopes(rule.body)):
            if isinstance(element, a.SubSelectElement):
                choices.append(self._sub_select(rule, element, number, columns))
            elif isinstance(element, a.PathPattern) and self._is_recursive_pattern(element):
                choices.append(as_triples(rule, element, number))
            else:
                choices.append([(element,)])
        return [tuple(e for part in choice for e in part) for choice in product(*choices)]

    def _sub_select(
        self, rule: Rule, element: a.SubSelectElement, number: int, columns: Columns
    ) -> list[tuple[Element | Total, ...]]:
        if not reads_recursion(element.pattern, self._is_recursive_pattern):
            return [(Opaque(element.pattern, element.variables, element.position),)]
        if has_aggregate(element.pattern):
            aggregate = running_aggregate(rule, element, self._is_recursive_pattern, self._cycle(rule, element))
            return [(Total(self._running(rule, aggregate, columns)), *(a.FilterElement(test) for test in aggregate.having))]
        try:
            return list(sub_select_alternatives(element, self._is_recursive_pattern, number))
        except CannotFlatten as problem:
            raise rule.error(
                "R213", f"has {problem} in a sub-select", "compute that part by a rule outside of the cycle", element.position
            ) from None

    def _cycle(self, rule: Rule, element: a.SubSelectElement) -> str:
        probe = Rule(rule.iri, (), (element,))
        makers = [
            maker
            for maker in self.rules
            if any(can_match(premise.pattern, head) for premise in premises(probe) for head in maker.head)
        ]
        return cycle_through(self.rules, rule, rule if rule in makers else makers[0])

    def _running(self, rule: Rule, aggregate: RunningAggregate, columns: Columns) -> Running:
        others = [e for e in rule.body if e is not aggregate.element and isinstance(e, (a.TriplePattern, a.PathPattern, a.SubSelectElement))]
        keeps_all = any(reads_recursion(a.BGP((e,)), self._is_recursive_pattern) if not isinstance(e, a.SubSelectElement)
                        else reads_recursion(e.pattern, self._is_recursive_pattern) for e in others)  # fmt: skip
        running = Running(
            len(self._aggregates), rule, aggregate, columns, self.knowledge.store, self.knowledge.run, keeps_all
        )
        parts: list[Part] = []
        for branch in aggregate.branches:
            compiler = self._compiler(branch, columns)
            body = self._with_invariants(list(close_scopes(branch)), set(aggregate.contribution), compiler)
            for trigger, rows, join in self._variants(body, compiler):
                names = ", ".join(f"x.{rows.columns[v]}" for v in aggregate.contribution)
                parts.append(Part(Statement(f"SELECT {names} FROM ({rows.sql}) x", rows.steps), trigger, join))
            recursive = sum(self._is_recursive(e) for e in body)
            whole = all(v in aggregate.contribution for e in body if not isinstance(e, a.Not) for v in _variables(e))
            running.is_distinct = len(aggregate.branches) == 1 and recursive == 1 and whole and not any(
                isinstance(e, Opaque) for e in branch)  # fmt: skip
        self._aggregates.append((running, parts))
        return running

    def _with_invariants(self, elements: list, needed: set[a.Var], compiler: BodyCompiler) -> list:
        return with_invariants(
            elements, self._is_recursive, needed, compiler, self.knowledge.source, self._materialise
        )

    def _materialise(self, rows: Rows) -> Rows:
        """A table of the rows; the same one for rows that differ in the names of their variables only, unless their SELECT reads
        tables that its own steps make."""
        names = [] if rows.steps else list(dict.fromkeys(re.findall(r"\bv\d+\b", rows.sql)))
        plain = rows.sql if rows.steps else re.sub(r"\bv\d+\b", lambda match: f"c{names.index(match[0])}", rows.sql)
        if plain not in self._fixed:
            self._tables += 1
            self._fixed[plain] = f"rl_fixed_{self._tables}"
            self.knowledge.make(self._fixed[plain], Statement(plain, rows.steps))
        columns = ", ".join(column if rows.steps else f"c{names.index(column)} AS {column}" for column in rows.columns.values())
        return Rows(f"SELECT {columns or '1 AS unit'} FROM {self._fixed[plain]}", rows.columns)

    def _variants(self, body: Sequence, compiler: BodyCompiler) -> list[tuple[Recursion | Running | None, Rows, Join | None]]:
        """The first-round SELECT, then one per recursive element that reads its delta, with the join that it makes."""
        recursive = [i for i, e in enumerate(body) if self._is_recursive(e)]
        totals = [i for i in recursive if isinstance(body[i], Total)]
        variants: list[tuple[Recursion | Running | None, Rows, Join | None]] = []
        starts_empty = any(recursion_of(body[i], self._relations) in self._empty for i in recursive if i not in totals)
        if not totals and not starts_empty:  # an aggregate's first results are its first delta
            variants.append((None, self._rows([self._reading_full(e, compiler) for e in body], compiler), None))
        for chosen in recursive:
            element = body[chosen]
            if isinstance(element, Total):
                trigger: Recursion | Running = element.running
                delta = Given(element.running.delta(PARITY))
            else:
                trigger = recursion_of(element, self._relations)
                delta = Given(compiler.triple(element, trigger.delta(PARITY)))
            # Before the chosen element only what is older than the delta is read, so that a solution is found once.
            given = [self._reading_old(e, compiler) if i < chosen else delta if i == chosen else self._reading_full(e, compiler) for i, e in enumerate(body)]
            older = frozenset(i for i in recursive if i < chosen)
            join = Join(trigger, None if isinstance(element, Total) else element, (*body[:chosen], *body[chosen + 1 :]), older)
            variants.append((trigger, self._rows(given, compiler), join))
        return variants

    def _reading_full(self, element, compiler: BodyCompiler):
        if isinstance(element, Total):
            return Given(element.running.all())
        if self._is_recursive(element):
            return Given(compiler.triple(element, recursion_of(element, self._relations).full))
        return element

    def _reading_old(self, element, compiler: BodyCompiler):
        if isinstance(element, a.TriplePattern) and self._is_recursive(element):
            return Given(compiler.triple(element, recursion_of(element, self._relations).old))
        return self._reading_full(element, compiler)

    def _rows(self, body: Sequence, compiler: BodyCompiler) -> Rows:
        return compiler.conjunction(body, self.knowledge.source)

    # ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────

    def _round(self, parity: int) -> int:
        """Read the deltas of the other parity, write those of this one; returns how many triples were new."""
        before = 1 - parity
        self.knowledge.run(f"SET VARIABLE {LAST_ROUND} = {self.first_round + self.rounds - 1}")
        for running, parts in self._aggregates:
            running.add([self.knowledge.ready(p.statement, before) for p in parts if self._is_due(p, before)], parity)
        found: dict[Recursion, int] = {}
        taken: set[int] = set()
        for relation, parts in self._parts.items():
            selects = []
            for part in parts:
                if not self._is_due(part, before):
                    continue
                read = parity if isinstance(part.trigger, Running) else before
                selects.append(self.knowledge.ready(part.statement, read, taken))
            found[relation] = self._add(relation, selects, parity) if selects else 0
        for relation, count in found.items():
            if count:
                self.knowledge.run(
                    f"INSERT INTO {relation.table} SELECT s, p, o, rule, {self.first_round + self.rounds} FROM {relation.delta(parity)}"
                )
        self._counts = found
        return sum(found.values())

    def _is_due(self, part: Part, before: int) -> bool:
        if part.trigger is None:
            return self.rounds == 0
        if isinstance(part.trigger, Running):
            return part.trigger.changed > 0
        return self.rounds > 0 and self._counts.get(part.trigger, 0) > 0

    def _add(self, relation: Recursion, selects: list[str], parity: int) -> int:
        """Put into the delta of this parity what the SELECTs find and the full relation lacks."""
        columns = ["s", "p", "o"] if relation.predicate is None else ["s", "o"]  # p is one constant then
        keys = ", ".join(f"c.{column}" for column in columns)
        predicate = "c.p" if relation.predicate is None else f"{self.knowledge.constant(relation.predicate)}::BIGINT"
        candidates = f"SELECT c.s, {predicate} AS p, c.o, min(c.rule) AS rule FROM ({' UNION ALL '.join(selects)}) c GROUP BY {keys}"
        select = lacking(candidates, relation.full, columns)
        return self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE {relation.delta(parity)} AS {select}").fetchone()[0]

    def _finish(self) -> None:
        for relation in self._relations:
            self.knowledge.run(f"INSERT INTO rl_inferred SELECT s, p, o, rule, round FROM {relation.table} WHERE rule IS NOT NULL")
        self.knowledge.concluded(self.rules)

    def _diverges(self):
        rule = next(rule for rule in self.rules if any(isinstance(e, a.SetElement) for e in rule.body))
        setting = next(e for e in rule.body if isinstance(e, a.SetElement))
        return rule.error(
            "R210",
            f"still makes new values after {self.watch.new_value_rounds} rounds, so it seems never to end",
            f"bound ?{setting.variable.name} by a FILTER (in SWRL by swrlb:lessThan), or compute it from asserted facts only",
            setting.position,
        )


def _variables(element: object) -> set[a.Var]:
    return set(element.rows.columns) if isinstance(element, Given) else set(variables_of(element))
