"""What a change touches in one rule: SELECTs that read the change in one place of the body, and the rest as it is.

For each place of a body that may match something that came or went there is a variant of the body that reads only that.

    losses       the stored conclusions of which some solution may be gone. Everything else is read as it was *or* is, NOTs and
                 tests on aggregates are left out: too many are found, never too few.
    gains        what has new solutions now.
    derivable    those of the triples in rl_asked that the rule concludes from what is known now, or was before some round.

A rule with sub-selects that aggregate is looked at group by group: `collect` finds the groups that a change touches, and
only these are aggregated again.

    rl_delta_gone, rl_delta_new   views (s, p, o)   what the variants read in place of a relation: what the last step took or gave
    rl_wide      view (s, p, o)    all that is known or was; rl_wide_input the same of the input
    rl_before    view (s, p, o)    what is known; while conclusions are taken back, what was known before the round at hand
    rl_asked     table (s, p, o)   triples in question
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from pyoxigraph import Literal, NamedNode

from kg.errors import RuleError
from kg.reasoner.aggregate import Refusal, RunningAggregate, has_aggregate, read_aggregate
from kg.reasoner.bodies import (
    CannotFlatten,
    Element,
    Opaque,
    alternatives,
    has_exists,
    hide,
    reads_recursion,
    sub_select_alternatives,
    triples_within,
    visible_in,
)  # fmt: skip
from kg.reasoner.compile import BodyCompiler, Given, close_scopes, kinds_of
from kg.reasoner.difference import Difference
from kg.reasoner.knowledge import ANYTHING, Knowledge
from kg.reasoner.model import Rule, variables_of, visible_variables
from kg.reasoner.paths import as_triples
from kg.reasoner.rows import Columns, Rows, Source
from kg.reasoner.running import RESULT, Measure
from kg.reasoner.statement import Statement
from kg.reasoner.stratify import Use, can_match, premises
from kg.sparql import algebra as a
from kg.sparql.values import ALL_TAGS
from kg.terms import MAX_SCALE, TAG_DECIMAL, TAG_INTEGER, TAG_TYPED

# With more conclusions in doubt than this, the rule is evaluated for all of them by joins.
_MOST_ORIGINS = 10_000


class Unsupported(Exception):
    """The rule has a form, or the change touches a place, for which it is evaluated as a whole."""


@dataclass(frozen=True)
class Grouped:
    """A sub-select that aggregates. `branches` are the conjunctions below its GROUP BY, all but the keys renamed; `running` says
    how to aggregate where it reads what its own stratum concludes, where contributions are a set."""

    number: int
    element: a.SubSelectElement
    keys: tuple[a.Var, ...]
    branches: tuple[tuple[Element, ...], ...]
    running: RunningAggregate | None

    @property
    def results(self) -> set[a.Var]:
        return set(self.element.variables) - set(self.keys)


@dataclass
class TouchedRule:
    """One rule, as above; `numbers` are those of its stratum, `heads` what that concludes if it is recursive."""

    knowledge: Knowledge
    difference: Difference
    rule: Rule
    number: int
    numbers: Sequence[int]
    heads: Sequence[a.TriplePattern]
    columns: Columns = field(default_factory=Columns)
    _bodies: list[tuple[Element | Grouped, ...]] = field(default_factory=list)
    _moved: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Raises Unsupported."""
        if any(v.is_anonymous for head in self.rule.head for v in variables_of(head)):
            raise Unsupported("blank nodes in the head")
        if any(isinstance(node, a.TripleTerm) for head in self.rule.head for node in (head.subject, head.object)):
            raise Unsupported("triple terms in the head")
        choices = [self._choices(number, element) for number, element in enumerate(close_scopes(self.rule.body))]
        self._bodies = [tuple(e for part in choice for e in part) for choice in product(*choices)]
        if self.is_grouped:
            for head in self.rule.head:
                if any(not set(g.keys) <= set(variables_of(head)) for body in self._bodies for g in body if isinstance(g, Grouped)):
                    raise Unsupported("groups that the conclusion does not name")

    @property
    def is_grouped(self) -> bool:
        return any(isinstance(element, Grouped) for body in self._bodies for element in body)

    # ── the body ─────────────────────────────────────────────────────────────────────────────────────────────

    def _is_recursive(self, pattern: a.TriplePattern | a.PathPattern) -> bool:
        probe = Rule(self.rule.iri, (), (pattern,))
        return any(can_match(premise.pattern, head) for premise in premises(probe) for head in self.heads)

    def _choices(self, number: int, element: a.BodyElement) -> list[tuple[Element | Grouped, ...]]:
        try:
            match element:
                case a.PathPattern():
                    return list(as_triples(self.rule, element, number))
                case a.SubSelectElement():
                    return self._sub_select(number, element)
                case a.FilterElement(condition=expression) | a.SetElement(expression=expression):
                    if has_exists(expression):
                        raise Unsupported("EXISTS")
                case a.Not(body=body):
                    if any(isinstance(part, a.PathPattern) for part in body) or any(
                        isinstance(part, a.FilterElement) and has_exists(part.condition) for part in body
                    ):
                        raise Unsupported("paths or EXISTS in a NOT")
        except (CannotFlatten, Refusal, RuleError) as problem:
            raise Unsupported(str(problem)) from None
        return [(element,)]

    def _sub_select(self, number: int, element: a.SubSelectElement) -> list[tuple[Element | Grouped, ...]]:
        probe = Rule(self.rule.iri, (), (element,))
        if has_exists(element.pattern) or any(premise.use is Use.NEGATIVE for premise in premises(probe)):
            raise Unsupported("a sub-select that takes something away")
        if not has_aggregate(element.pattern):
            return list(sub_select_alternatives(element, lambda pattern: True, number))
        is_recursive = reads_recursion(element.pattern, self._is_recursive)
        running = read_aggregate(element, self._is_recursive) if is_recursive else None
        keys, branches = _groups(element)
        if not keys:
            raise Unsupported("an aggregate over everything")
        for branch in branches:
            if not set(keys) <= visible_in(branch):
                raise Unsupported("a key that is not always bound")
        return [(Grouped(number, element, keys, tuple(hide(branch, set(keys), f"/{number}") for branch in branches), running),)]

    def _origin(self) -> tuple[a.Var, _Made] | None:
        """The one computed variable of the heads, if the variable that it was made of can be told from its value; then only
        solutions with that value can give a conclusion in doubt."""
        named = {v for head in self.rule.head for v in variables_of(head)}
        settings = [e for body in self._bodies for e in body if isinstance(e, a.SetElement) and e.variable in named]
        made = _made(settings[0].expression) if len(settings) == 1 == len(self._bodies) and not self.is_grouped else None
        subjects = {e.subject for e in self._bodies[0] if isinstance(e, a.TriplePattern)}
        return (settings[0].variable, made) if made is not None and made.origin in subjects else None

    def _collect_origins(self, variable: a.Var, made: _Made) -> bool:
        """Put into rl_origins_n what the computed part of the triples in rl_asked can have been made of; False where that is much."""
        compiler = self._compiler([], loose=True)
        heads = [compiler.triple(head, "rl_asked") for head in self.rule.head if variable in variables_of(head)]
        selects = " UNION ".join(f"SELECT x.{rows.columns[variable]} FROM ({rows.sql}) x" for rows in heads)
        ids = [row[0] for row in self.knowledge.run(selects).fetchall()]
        if len(ids) > _MOST_ORIGINS:
            return False
        texts = [term.value for term in self.knowledge.store.decode(ids).values() if isinstance(term, NamedNode)]
        inner = [text[len(made.before) : len(text) - len(made.after)] for text in texts
                 if text.startswith(made.before) and text.endswith(made.after) and len(text) > len(made.before) + len(made.after)]  # fmt: skip
        known = [term_id for term_id in self.knowledge.store.lookup_many([NamedNode(text) for text in inner if ":" in text]) if term_id is not None]
        self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_origins_{self.number} AS SELECT unnest({known}::BIGINT[]) AS {self.columns.of(made.origin)}")
        return True

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────

    def losses(self, is_first: bool, moved: frozenset[int] = frozenset()) -> list[Statement]:
        """SELECTs (row, s, p, o, rule, round) of stored conclusions. The change is in the first step what the rest of the graph has
        lost (or gained, where a NOT reads it), and in each what the stratum itself has just lost, under the predicates `moved`."""
        self._moved = moved
        return [self._stored(rows) for rows in self._variants(is_first, is_loss=True)]

    def gains(self, is_first: bool, moved: frozenset[int] = frozenset()) -> list[Statement]:
        """SELECTs (s, p, o, rule) of what follows from what has come."""
        self._moved = moved
        return [self._concluded(self.rule.head, rows, compiler) for rows, compiler in self._variants_now(is_first)]

    def derivable(self, asked: frozenset[int]) -> list[Statement]:
        """SELECTs (s, p, o, rule) of what the rule concludes among rl_asked, whose predicates are `asked`."""
        heads = [head for head in self.rule.head if isinstance(head.predicate, a.Var) or self.knowledge.constant(head.predicate) in asked]
        found = self._origin() if heads else None
        made = [head for head in heads if found is not None and found[0] in variables_of(head)]
        if made and self._collect_origins(*found):
            others = [head for head in heads if head not in made]
            return [self._of_origins(made, found[1].origin), *self._asked(self._bodies[0], others)]
        return [statement for body in self._bodies for statement in self._asked(body, heads)]

    def groups_asked(self) -> list[Statement]:
        """SELECTs of the groups that the triples in rl_asked are about, for `collect`."""
        compiler = self._compiler([], loose=True)
        return [self._key_columns(compiler.triple(head, "rl_asked")) for head in self.rule.head]

    def groups_touched(self, is_first: bool, moved: frozenset[int] = frozenset(), *, is_loss: bool) -> list[Statement]:
        """SELECTs of the groups of which a solution has come or gone, for `collect`."""
        self._moved = moved
        return [self._key_columns(rows) for rows in self._variants(is_first, is_loss)]

    def stored_of_groups(self) -> list[Statement]:
        """Like `losses`, of the collected groups."""
        keys = {key: self.columns.of(key) for body in self._bodies for e in body if isinstance(e, Grouped) for key in e.keys}
        return [self._stored(Rows(f"SELECT * FROM rl_groups_{self.number}", keys))]

    def collect(self, groups: Sequence[Statement]) -> int:
        """Put groups into rl_groups_n; returns how many."""
        selects = " UNION ALL ".join(self.knowledge.ready(statement) for statement in groups)
        return self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_groups_{self.number} AS SELECT DISTINCT * FROM ({selects})").fetchone()[0]

    def of_groups(self, source: str) -> list[Statement]:
        """SELECTs (s, p, o, rule) of what the rule concludes of the collected groups."""
        found = []
        for body in self._bodies:
            compiler = self._compiler(body)
            elements = [self._totals(e, compiler, source) if isinstance(e, Grouped) else e for e in body]
            for element in body:
                if isinstance(element, Grouped) and element.running:
                    compiler.kinds[element.running.result] = RESULT
            tests = [a.FilterElement(test) for e in body if isinstance(e, Grouped) and e.running for test in e.running.having]
            rows = compiler.conjunction([*elements, *tests], self._now(source), self.rule.data_only)
            text = " ".join([rows.sql, *(step.select for step in rows.steps)])
            for grouped in [e for e in body if isinstance(e, Grouped) and not e.running]:
                if text.count(f"FROM {self._keys_table(grouped)})") < len(grouped.keys):
                    raise Unsupported("groups that cannot be told apart")
            found.append(self._concluded(self.rule.head, rows, compiler))
        return found

    # ── variants ─────────────────────────────────────────────────────────────────────────────────────────────

    def _variants(self, is_first: bool, is_loss: bool) -> Iterator[Rows]:
        """Solutions, as far as the conclusions need them, of the body read loosely, with one place reading what has changed."""
        for body in self._bodies:
            for place, element in enumerate(body):
                rest = [other for i, other in enumerate(body) if i != place]
                if isinstance(element, a.TriplePattern) and self._reads(element, is_first, not is_loss, self.rule.data_only):
                    if self._may_match(element, self._delta(self.rule.data_only, not is_loss), rest):
                        yield self._loosely(rest, [(element, self._delta(self.rule.data_only, not is_loss))])
                elif isinstance(element, a.Not) and is_first:
                    data_only = element.data_only or self.rule.data_only
                    for inner in self._inside_not(element, is_loss, data_only, rest):
                        yield self._loosely(rest, [], inner)
                elif isinstance(element, Grouped):
                    for branch in element.branches:
                        yield from self._within_group(branch, rest, is_first, is_loss)
                elif isinstance(element, Opaque) and is_first and self._is_touched(element):
                    raise Unsupported("a sub-select that is read as a whole")

    def _within_group(self, branch: Sequence[Element], rest: Sequence, is_first: bool, is_loss: bool) -> Iterator[Rows]:
        for place, element in enumerate(branch):
            others = [*rest, *(other for i, other in enumerate(branch) if i != place)]
            if isinstance(element, a.TriplePattern) and self._reads(element, is_first, not is_loss, self.rule.data_only):
                if self._may_match(element, self._delta(self.rule.data_only, not is_loss), others):
                    yield self._loosely(others, [(element, self._delta(self.rule.data_only, not is_loss))])
            elif isinstance(element, Opaque) and is_first and self._is_touched(element):
                raise Unsupported("a sub-select that is read as a whole")

    def _variants_now(self, is_first: bool) -> Iterator[tuple[Rows, BodyCompiler]]:
        """Solutions of the body as it is, with one place reading what has come (or gone, inside a NOT)."""
        for body in self._bodies:
            for place, element in enumerate(body):
                data_only = self.rule.data_only
                if isinstance(element, a.TriplePattern) and self._reads(element, is_first, True, data_only):
                    if not self._may_match(element, self._delta(data_only, True), body[:place] + body[place + 1 :]):
                        continue
                    compiler = self._compiler(body)
                    given = Given(compiler.triple(element, self._delta(data_only, True)))
                    elements = [given if i == place else other for i, other in enumerate(body)]
                    yield compiler.conjunction(elements, self._now("rl_known"), data_only), compiler
                elif isinstance(element, a.Not) and is_first:
                    for inner in self._inside_not(element, False, element.data_only or data_only, body):
                        compiler = self._compiler(body)
                        bound = {v for e in body for v in visible_variables(e)}
                        given = Given(compiler.project(inner, [v for v in inner.columns if v in bound], distinct=True))
                        yield compiler.conjunction([given, *body], self._now("rl_known"), data_only), compiler
                elif isinstance(element, Opaque) and is_first and self._is_touched(element):
                    raise Unsupported("a sub-select that is read as a whole")

    def _may_match(self, pattern: a.TriplePattern, table: str, others: Sequence) -> bool:
        """Whether a row of the table may be part of a solution of all."""
        return self.difference.probe.may_match([(pattern, table)], [e for e in others if isinstance(e, a.TriplePattern)])

    def _reads(self, pattern: a.TriplePattern, is_first: bool, is_new: bool, data_only: bool) -> bool:
        """Whether a pattern may match something in the delta of this step."""
        if not data_only and self._moved and self._is_recursive(pattern):
            is_moved = isinstance(pattern.predicate, a.Var) or self.knowledge.constant(pattern.predicate) in self._moved
        else:
            is_moved = False
        return is_moved or (is_first and self.difference.touches(pattern, is_new=is_new, of_input=data_only))

    def _delta(self, data_only: bool, is_new: bool) -> str:
        return f"rl_{'input' if data_only else 'delta'}_{'new' if is_new else 'gone'}"

    def _is_touched(self, element: Opaque) -> bool:
        return any(
            self.difference.touches(premise.pattern)
            for pattern in triples_within(element.pattern)
            for premise in premises(Rule(self.rule.iri, (), (pattern,)))
        )

    def _inside_not(self, negation: a.Not, is_loss: bool, data_only: bool, around: Sequence) -> Iterator[Rows]:
        """What a NOT may see anew (that takes solutions away) or no longer (that gives some), one pattern reading the change."""
        patterns = [part for part in negation.body if isinstance(part, a.TriplePattern)]
        table = {(True, True): "rl_input_new", (True, False): "rl_input_gone", (False, True): "rl_new", (False, False): "rl_gone"}[data_only, is_loss]
        for place, pattern in enumerate(patterns):
            if self.difference.touches(pattern, is_new=is_loss, of_input=data_only):
                if not self._may_match(pattern, table, [*patterns[:place], *patterns[place + 1 :], *around]):
                    continue
                compiler = self._compiler(patterns, loose=True)
                others = [compiler.triple(other, "rl_wide_input" if data_only else "rl_wide") for i, other in enumerate(patterns) if i != place]
                yield compiler.join([compiler.triple(pattern, table), *others])

    def _loosely(self, elements: Iterable[Element | Grouped], given: Sequence[tuple[a.TriplePattern, str]], inner: Rows | None = None) -> Rows:
        """The solutions of those elements that can only add to them, over what is or was known, joined with what is given."""
        elements = list(elements)
        patterns = [e for e in elements if isinstance(e, (a.TriplePattern, Opaque))]
        bound = {v for e in patterns for v in _binds(e)} | {v for pattern, _ in given for v in variables_of(pattern)}
        settings = [e for e in elements if isinstance(e, a.SetElement)]
        needed = {v for head in self.rule.head for v in variables_of(head)} - {s.variable for s in settings} - self._results()
        for grouped in [e for e in elements if isinstance(e, Grouped)]:
            if (set(grouped.keys) | (needed & set(grouped.keys))) - bound:
                if len(grouped.branches) > 1:
                    raise Unsupported("several groups of alternatives")
                patterns += [e for e in grouped.branches[0] if isinstance(e, (a.TriplePattern, Opaque))]
                bound |= set(grouped.keys)
        compiler = self._compiler([*patterns, *(pattern for pattern, _ in given)], loose=True)
        parts: list[object] = [Given(compiler.triple(pattern, table)) for pattern, table in given]
        if inner is not None:
            outside = {v for e in patterns for v in _binds(e)}
            parts.append(Given(compiler.project(inner, [v for v in inner.columns if v in outside], distinct=True)))
        available = set().union(*[_binds(e) for e in [*patterns, *parts]]) if patterns or parts else set()
        kept: list[Element] = []
        waiting = [e for e in elements if isinstance(e, (a.SetElement, a.FilterElement))]
        for element in [*[e for e in waiting if isinstance(e, a.SetElement)], *[e for e in waiting if isinstance(e, a.FilterElement)]]:
            used = set(variables_of(element.expression if isinstance(element, a.SetElement) else element.condition))
            if used <= available:
                kept.append(element)
                available |= set(visible_variables(element))
        wide = Source("rl_wide_input" if self.rule.data_only else "rl_wide")
        return compiler.conjunction([*parts, *patterns, *kept], lambda element, data_only: wide)

    def _results(self) -> set[a.Var]:
        return {v for body in self._bodies for e in body if isinstance(e, Grouped) for v in e.results}

    # ── what is selected ─────────────────────────────────────────────────────────────────────────────────────

    def _stored(self, rows: Rows) -> Statement:
        """The stored conclusions of the rule's stratum that agree with a solution as far as it goes."""
        numbers = ", ".join(map(str, self.numbers))

        def of_head(head: a.TriplePattern, solutions: Rows) -> str:
            tests = []
            for place, node in (("s", head.subject), ("p", head.predicate), ("o", head.object)):
                if not isinstance(node, a.Var):
                    tests.append(f"q.{place} = {self.knowledge.constant(node)}")
                elif node in solutions.columns:
                    tests.append(f"q.{place} = x.{solutions.columns[node]}")
            where = " AND ".join([*tests, f"q.rule IN ({numbers})"])
            return f"SELECT q.rowid AS row, q.s, q.p, q.o, q.rule, q.round FROM quads q, ({solutions.sql}) x WHERE {where}"

        return _of_heads(self.rule.head, rows, of_head)

    def _concluded(self, heads: Sequence[a.TriplePattern], rows: Rows, compiler: BodyCompiler) -> Statement:
        return _of_heads(heads, rows, lambda head, solutions: f"SELECT s, p, o, {self.number} AS rule FROM ({compiler.head(head, solutions)}) h")

    def _asked(self, body: Sequence[Element], heads: Sequence[a.TriplePattern]) -> list[Statement]:
        """The rule's conclusions among rl_asked; the body begins with them, as far as patterns bind what the heads name. Heads that
        name the same variables are asked for together."""
        bound = {v for e in body for v in _binds(e)}
        alike: dict[frozenset[a.Var], list[a.TriplePattern]] = {}
        for head in heads:
            alike.setdefault(frozenset(bound & set(variables_of(head))), []).append(head)
        patterns = [e for e in body if isinstance(e, a.TriplePattern)]
        may_match = {shared: self.difference.probe.may_match([(head, "rl_asked") for head in several], patterns) for shared, several in alike.items()}
        return [self._asked_together(body, several, shared) for shared, several in alike.items() if may_match[shared]]

    def _asked_together(self, body: Sequence[Element], heads: Sequence[a.TriplePattern], shared: frozenset[a.Var]) -> Statement:
        compiler = self._compiler(body)
        names = {v: self.columns.of(v) for v in sorted(shared, key=lambda v: v.name)}
        elements = list(body)
        if names:
            asked = [compiler.project(compiler.triple(head, "rl_asked"), names, distinct=False) for head in heads]
            elements.insert(0, Given(Rows(" UNION ".join(f"SELECT DISTINCT * FROM ({rows.sql})" for rows in asked), names)))
        rows = compiler.conjunction(elements, self._now("rl_before"), self.rule.data_only)
        return self._among_asked(self._concluded(heads, rows, compiler))

    def _of_origins(self, heads: Sequence[a.TriplePattern], origin: a.Var) -> Statement:
        """The rule's conclusions among rl_asked, of the solutions with the origins collected."""
        body, name = self._bodies[0], self.columns.of(origin)
        compiler = self._compiler(body)
        given = Given(Rows(f"SELECT {name} FROM rl_origins_{self.number}", {origin: name}))
        rows = compiler.conjunction([given, *body], self._now("rl_before"), self.rule.data_only)
        return self._among_asked(self._concluded(heads, rows, compiler))

    def _among_asked(self, found: Statement) -> Statement:
        return Statement(f"SELECT f.* FROM ({found.sql}) f SEMI JOIN rl_asked k ON f.s = k.s AND f.p = k.p AND f.o = k.o", found.steps)

    def _key_columns(self, rows: Rows) -> Statement:
        keys = {key: self.columns.of(key) for body in self._bodies for e in body if isinstance(e, Grouped) for key in e.keys}
        return Statement(f"SELECT {', '.join(f'x.{rows.columns[v]} AS {name}' for v, name in keys.items())} FROM ({rows.sql}) x", rows.steps)

    # ── aggregates ───────────────────────────────────────────────────────────────────────────────────────────

    def _totals(self, grouped: Grouped, compiler: BodyCompiler, source: str) -> Opaque | Given:
        if grouped.running is not None:
            return Given(self._running_totals(grouped.running, source))
        listed = ", ".join(self.columns.of(key) for key in grouped.keys)
        self.knowledge.run(
            f"CREATE OR REPLACE TEMP TABLE {self._keys_table(grouped)} AS SELECT row_number() OVER () AS n, {listed} FROM "
            f"(SELECT DISTINCT {listed} FROM rl_groups_{self.number})"
        )
        row = a.Var(f"_:group{grouped.number}")
        wanted = tuple(a.TriplePattern(row, self._key_predicate(), key) for key in grouped.keys)
        return Opaque(_among(grouped.element.pattern, wanted), grouped.element.variables, grouped.element.position)

    def _keys_table(self, grouped: Grouped) -> str:
        return f"rl_keys_{self.number}_{grouped.number}"

    def _key_predicate(self) -> NamedNode:
        """What stands as predicate in the made-up triples that tell a sub-select which groups to look at: the name of the rule's
        graph, as it has an id already. A relation of its own stands behind each."""
        graph = self.difference.graphs[self.number]
        return self.knowledge.store.decode([graph])[graph]

    def _running_totals(self, running: RunningAggregate, source: str) -> Rows:
        """Groups and their results with scale 18, of contributions that are each counted once."""
        selects = []
        names = [f"k{i}" for i in range(len(running.contribution))]
        groups = {key: self.columns.of(key) for key in running.keys}
        for branch in running.branches:
            body = close_scopes(branch)
            compiler = self._compiler(body)
            wanted = Given(Rows(f"SELECT DISTINCT {', '.join(groups.values())} FROM rl_groups_{self.number}", groups))
            rows = compiler.conjunction([wanted, *body], self._now(source), self.rule.data_only)
            if rows.steps:
                raise Unsupported("new terms below an aggregate")
            selects.append(f"SELECT {', '.join(f'x.{rows.columns[v]} AS {name}' for v, name in zip(running.contribution, names, strict=True))} FROM ({rows.sql}) x")
        value, scale = "1", 0
        if running.argument is not None and running.function != "COUNT":
            measure = Measure().having_seen(self._tags_of(running))
            value, scale = measure.of(f"c.{names[running.contribution.index(running.argument)]}"), measure.scale
        shares = f"rl_shares_{self.number}"
        self.knowledge.run(
            f"CREATE OR REPLACE TEMP TABLE {shares} AS SELECT c.*, {value} AS value FROM (SELECT DISTINCT * FROM ({' UNION ALL '.join(selects)})) c"
        )
        least, missing = self.knowledge.run(f"SELECT min(value), count(*) - count(value) FROM {shares}").fetchone()
        if missing or (running.function == "SUM" and least is not None and least < 0):
            raise Unsupported("a value that is refused")  # evaluated as a whole, the rule says which
        function = "count(*)" if running.function == "COUNT" else f"{running.function.lower()}(value)"
        columns = {v: self.columns.of(v) for v in [*running.keys, running.result]}
        keys = [names[running.contribution.index(key)] for key in running.keys]
        selected = "".join(f"{key} AS {columns[v]}, " for key, v in zip(keys, running.keys, strict=True))
        return Rows(
            f"SELECT {selected}({function})::HUGEINT * {10 ** (RESULT.scale - scale)} AS {columns[running.result]} FROM {shares} GROUP BY {', '.join(keys)}",
            columns,
        )

    def _tags_of(self, running: RunningAggregate) -> Iterable[int]:
        """The kinds of number that may be among the values."""
        possible: set[int] = set()
        for branch in running.branches:
            patterns = [e for e in branch if isinstance(e, a.TriplePattern) and e.object == running.argument]
            known = [tags for tags in (self.knowledge.object_tags(pattern, self.heads) for pattern in patterns) if tags is not None]
            if not known:
                return [TAG_INTEGER, TAG_TYPED, *range(TAG_DECIMAL, TAG_DECIMAL + MAX_SCALE + 1)]
            possible |= frozenset.intersection(*known)
        return possible

    # ── compiling ────────────────────────────────────────────────────────────────────────────────────────────

    def _compiler(self, elements: Sequence, loose: bool = False) -> BodyCompiler:
        """With `loose`, objects of what has changed may be of any kind: what is gone is not in the statistics."""

        def object_kinds(pattern: a.TriplePattern) -> frozenset[int]:
            is_open = loose and self.difference.touches(pattern, is_new=False, of_input=True)
            return ALL_TAGS if is_open else self.knowledge.object_kinds(pattern, self.heads)

        kinds = kinds_of(elements, object_kinds)
        for grouped in [e for e in elements if isinstance(e, Grouped)]:
            branches = [kinds_of(branch, object_kinds) for branch in grouped.branches]
            for key in grouped.keys:
                possible = frozenset().union(*[branch.get(key, ALL_TAGS) for branch in branches])
                kinds[key] = kinds.get(key, ALL_TAGS) & possible or ALL_TAGS
        return BodyCompiler(self.knowledge.constant, self.knowledge.expressions, self.knowledge.triple_terms, kinds, self.columns)

    def _now(self, source: str):
        """What a body reads now: `source` is rl_known, or rl_before."""
        graph = self.difference.graphs[self.number]
        rows = {a.Var(f"_:group{e.number}"): e for body in self._bodies for e in body if isinstance(e, Grouped) and not e.running}

        def source_of(element: object, data_only: bool) -> Source:
            found = self.knowledge.source(element, data_only)
            if found.sql == "rl_known":
                found = Source(source, found.statistics)
            if isinstance(element, Opaque) and rows:
                replaced = {
                    id(triple): f"(SELECT n AS s, {graph}::BIGINT AS p, {self.columns.of(triple.object)} AS o FROM {self._keys_table(rows[triple.subject])})"
                    for triple in triples_within(element.pattern)
                    if triple.subject in rows
                }
                if replaced:
                    found = Source(found.sql, None if found.statistics is None else {**dict(found.statistics), graph: ANYTHING}, replaced)
            return found

        return source_of


@dataclass(frozen=True)
class _Made:
    """An IRI made of that of `origin` by putting constant texts before and after."""

    origin: a.Var
    before: str = ""
    after: str = ""


def _made(expression: a.Expression) -> _Made | None:
    match expression:
        case a.Call(name="IRI", args=(inner, *_)):
            return _made_text(inner)
    return None


def _made_text(expression: a.Expression) -> _Made | None:
    match expression:
        case a.Call(name="STR", args=(a.Var() as variable,)):
            return _Made(variable)
        case a.Call(name="CONCAT", args=parts):
            computed = [i for i, part in enumerate(parts) if not isinstance(part, Literal)]
            if len(computed) == 1 and (inner := _made_text(parts[computed[0]])) is not None:
                texts = [part.value if isinstance(part, Literal) else "" for part in parts]
                return _Made(inner.origin, "".join(texts[: computed[0]]) + inner.before, inner.after + "".join(texts[computed[0] + 1 :]))
    return None


def _of_heads(heads: Sequence[a.TriplePattern], rows: Rows, select: Callable[[a.TriplePattern, Rows], str]) -> Statement:
    """The rows that each head gives of the same solutions, which are found once: planning a large body takes longer than running it."""
    if len(heads) == 1:
        return Statement(select(heads[0], rows), rows.steps)
    solutions = Rows("SELECT * FROM solution", rows.columns)
    return Statement(f"WITH solution AS MATERIALIZED ({rows.sql}) {' UNION ALL '.join(select(head, solutions) for head in heads)}", rows.steps)


def _binds(element: object) -> set[a.Var]:
    if isinstance(element, Given):
        return set(element.rows.columns)
    if isinstance(element, Grouped):
        return set(element.element.variables)
    if isinstance(element, Opaque):
        return set(element.variables)
    return set() if isinstance(element, a.SetElement) else set(visible_variables(element))


def _groups(element: a.SubSelectElement) -> tuple[tuple[a.Var, ...], list[tuple[Element, ...]]]:
    """The keys of a sub-select's groups, and the conjunctions that make them."""
    pattern = element.pattern
    while not isinstance(pattern, a.Group):
        pattern = pattern.pattern
    if any(expression is not None for _, expression in pattern.keys):
        raise Unsupported("a computed key")
    inner = pattern.pattern
    while isinstance(inner, (a.Distinct, a.Reduced, a.Project)):
        inner = inner.pattern
    keys = tuple(key for key, _ in pattern.keys)
    if not set(keys) <= set(element.variables):
        raise Unsupported("a key that is not selected")
    return keys, alternatives(inner, lambda pattern: True)


def _among(pattern: a.Pattern, wanted: tuple[a.TriplePattern, ...]) -> a.Pattern:
    """A sub-select over those groups only whose keys stand in the triples `wanted`."""
    if isinstance(pattern, a.Group):
        return replace(pattern, pattern=a.Join(a.BGP(wanted), pattern.pattern))
    return replace(pattern, pattern=_among(pattern.pattern, wanted))
