"""One stratum brought up to date by looking only at what a change touches (`touched.py`).

A rule that does not depend on itself: the conclusions that may have lost a solution are asked for again, and what has new
solutions is added.

A recursion, where conclusions hold each other up: first they are taken back in the order of their rounds. One is kept if its
rule still gives it from what was known before its round; as every round is settled before the next, nothing is kept by
going round in a circle. Then those taken back are asked for again, from all that is known now, and what follows from them
and from what has come is found round by round, with rounds above all others of the stratum.

Unsupported is raised where the stratum has to be evaluated as a whole; what has been changed by then is accounted for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyoxigraph import NamedNode

from kg.reasoner.difference import Difference
from kg.reasoner.engine import Run, StratumReport
from kg.reasoner.knowledge import Knowledge
from kg.reasoner.rows import lacking
from kg.reasoner.statement import Statement
from kg.reasoner.stratify import Stratum
from kg.reasoner.touched import TouchedRule, Unsupported
from kg.reasoner.watch import Watch
from kg.sparql import algebra as a
from kg.sql.temporary import create_empty

# Where more steps or more conclusions than this are taken back, evaluating the stratum as a whole is as fast.
MOST_STEPS = 100
MOST_LOST = 200_000

_SAME = "{0}.s = {1}.s AND {0}.p = {1}.p AND {0}.o = {1}.o"
_STORED = "row BIGINT, s BIGINT, p BIGINT, o BIGINT, rule INTEGER, round INTEGER"


@dataclass
class Follow:
    """One stratum; call `run`."""

    knowledge: Knowledge
    difference: Difference
    stratum: Stratum
    plan: Run
    watch: Watch
    used: int  # rounds of its own that a stratum may have used before
    rules: list[TouchedRule] = field(default_factory=list)
    rounds: int = 0
    _is_in_doubt: bool = False  # whether there are any conclusions to take back: whether there is a table rl_pending

    def __post_init__(self) -> None:
        heads = self.heads if self.stratum.is_recursive else ()
        if self.stratum.is_ordered:
            raise Unsupported("rules in their order")
        numbers = [self.plan.numbers[id(rule)] for rule in self.stratum.rules]
        self.rules = [
            TouchedRule(self.knowledge, self.difference, rule, self.plan.numbers[id(rule)], numbers, heads) for rule in self.stratum.rules
        ]

    @property
    def heads(self) -> list[a.TriplePattern]:
        return [head for rule in self.stratum.rules for head in rule.head]

    def run(self) -> StratumReport:
        """Raises Unsupported."""
        started = time.perf_counter()
        if self.stratum.is_recursive:
            try:
                self._take_back()
                gained = self._add()
            finally:
                self.difference.settle()
        else:
            gained = self._once(self.rules[0])
            self.rounds = 1
        return StratumReport(
            tuple(rule.iri for rule in self.stratum.rules), self.rounds, gained, time.perf_counter() - started, "maintained"
        )

    def look_again(self) -> int:
        """Conclude what only a later stratum had concluded, and has lost."""
        self._ask_for_gone(None)
        self._found([statement for rule in self.rules for statement in self._derivable(rule)])
        self.difference.clear()
        self._fresh(self.plan.scale.last(self.stratum))
        return self.difference.apply()[1]

    # ── a rule that does not depend on itself ────────────────────────────────────────────────────────────────

    def _once(self, rule: TouchedRule) -> int:
        self._deltas("SELECT s, p, o FROM rl_gone", "SELECT s, p, o FROM rl_new")
        self._before(None)
        may_take_over = self.difference.touches_any(rule.rule.head, is_new=False, of_input=False)
        if rule.is_grouped:
            groups = [*rule.groups_touched(True, is_loss=True), *rule.groups_touched(True, is_loss=False)]
            if may_take_over:
                self._ask_for_gone(None)
                groups += rule.groups_asked()
            if not groups or not rule.collect(groups):
                return 0
            found = self._found(rule.of_groups("rl_known"))
            lost = self._pending(rule.stored_of_groups())
        else:
            losses, gains = rule.losses(True), rule.gains(True)
            lost = self._pending(losses) if losses else 0
            statements = gains
            if lost or may_take_over:
                self._ask_for_gone("SELECT s, p, o FROM rl_pending" if losses else None)
                statements = statements + self._derivable(rule)
            found = self._found(statements) if statements or lost else 0
        if not found and not lost:
            return 0
        self.difference.clear()
        if lost:
            self.knowledge.run(f"INSERT INTO rl_dead SELECT row, s, p, o, rule FROM rl_pending q ANTI JOIN rl_found f ON {_SAME.format('q', 'f')}")
        if found:
            self._fresh(self.plan.scale.first(self.stratum))
        return self.difference.apply()[1]

    def _fresh(self, round_number: int) -> None:
        select = lacking("SELECT s, p, o, min(rule) AS rule FROM rl_found GROUP BY s, p, o", self._known(), ["s", "p", "o"])
        self.knowledge.run(f"INSERT INTO rl_fresh SELECT s, p, o, rule, {round_number} FROM ({select})")

    # ── a recursion: taking back ─────────────────────────────────────────────────────────────────────────────

    def _take_back(self) -> None:
        run = self.knowledge.run
        self._deltas("SELECT s, p, o FROM rl_gone", None)
        self._add_pending(True, frozenset(), -1)
        if not self._is_in_doubt:
            return
        steps = lost = 0
        while True:
            due = run("SELECT round, rule FROM rl_pending WHERE round = (SELECT min(round) FROM rl_pending) GROUP BY ALL").fetchall()
            if not due:
                return
            number = due[0][0]
            self._before(number)
            run(f"CREATE OR REPLACE TEMP TABLE rl_asked AS SELECT DISTINCT s, p, o FROM rl_pending WHERE round = {number}")
            self.difference.probe.forget()
            asked = {rule for _, rule in due}
            self._found([statement for rule in self.rules if rule.number in asked for statement in self._derivable(rule)])
            dead = run(
                f"CREATE OR REPLACE TEMP TABLE rl_step AS SELECT DISTINCT q.row, q.s, q.p, q.o, q.rule FROM rl_pending q "
                f"ANTI JOIN rl_found f ON {_SAME.format('q', 'f')} AND q.rule = f.rule WHERE q.round = {number}"
            ).fetchone()[0]
            run(f"DELETE FROM rl_pending WHERE round <= {number}")
            if dead:
                run("DELETE FROM quads WHERE rowid IN (SELECT row FROM rl_step)")
                run("INSERT INTO rl_lost SELECT s, p, o, rule FROM rl_step")
                self._deltas("SELECT s, p, o FROM rl_step", None)
                self._add_pending(False, self._moved("rl_step"), number)
            steps, lost = steps + 1, lost + dead
            self.watch.check(self.stratum.rules[0], steps)
            if steps > MOST_STEPS or lost > MOST_LOST:
                raise Unsupported("much is taken back")

    def _add_pending(self, is_first: bool, moved: frozenset[int], after: int) -> None:
        """Put the conclusions in doubt, of rounds greater than `after`, into rl_pending."""
        for rule in self.rules:
            if rule.is_grouped:
                groups = rule.groups_touched(is_first, moved, is_loss=True)
                statements = rule.stored_of_groups() if groups and rule.collect(groups) else []
            else:
                statements = rule.losses(is_first, moved)
            if statements:
                if not self._is_in_doubt:
                    create_empty(self.knowledge.store.connection, "rl_pending", _STORED)
                    self._is_in_doubt = True
                self.knowledge.run(f"INSERT INTO rl_pending SELECT DISTINCT * FROM ({self._together(statements)}) l WHERE l.round > {after}")

    # ── a recursion: adding ──────────────────────────────────────────────────────────────────────────────────

    def _add(self) -> int:
        run, total = self.knowledge.run, 0
        last, top = self.plan.scale.last(self.stratum), self._top()
        self._before(None)
        self._ask_for_gone("SELECT s, p, o FROM rl_lost")
        number = top + 1
        again = [statement for rule in self.rules for statement in self._derivable(rule)] if run("SELECT 1 FROM rl_asked LIMIT 1").fetchone() else []
        came = self._gain(number) if again and self._found(again) else 0
        is_first = True
        while True:
            tables = (["rl_new"] if is_first else []) + (["rl_gain"] if came else [])
            self._deltas(None, " UNION ALL ".join(f"SELECT s, p, o FROM {table}" for table in tables))
            found: list[Statement] = []
            if is_first or came:
                moved = self._moved("rl_gain") if came else frozenset()
                for rule in self.rules:
                    if rule.is_grouped:
                        groups = rule.groups_touched(is_first, moved, is_loss=False)
                        found += rule.of_groups("rl_known") if groups and rule.collect(groups) else []
                    else:
                        found += rule.gains(is_first, moved)
            total += came
            if not found:
                return total
            number, is_first = number + 1, False
            came = self._gain(number) if self._found(found) else 0
            self.rounds += 1
            self.watch.check(self.stratum.rules[0], self.rounds)
            if not came:
                return total
            if self.rounds > self.watch.new_value_rounds or number > last:
                raise Unsupported("many rounds")

    def _gain(self, number: int) -> int:
        """Put what was found and is not known into `quads`; rl_gain holds it."""
        run = self.knowledge.run
        select = lacking("SELECT s, p, o, min(rule) AS rule FROM rl_found GROUP BY s, p, o", self._known(), ["s", "p", "o"])
        came = run(f"CREATE OR REPLACE TEMP TABLE rl_gain AS {select}").fetchone()[0]
        if came:
            self.difference.probe.forget(self._moved("rl_gain"))
            run(f"INSERT INTO quads (g, s, p, o, rule, round) SELECT g.g, f.s, f.p, f.o, f.rule, {number} FROM rl_gain f "
                "JOIN rl_graphs g USING (rule) ORDER BY f.p, f.s")  # fmt: skip
            run("INSERT INTO rl_gained SELECT s, p, o, rule FROM rl_gain")
        return came

    def _top(self) -> int:
        """No conclusion of the stratum has a greater round so far."""
        return self.plan.scale.first(self.stratum) - 1 + self.used

    def _moved(self, table: str) -> frozenset[int]:
        """The predicates of the triples that a step has taken or given."""
        return frozenset(row[0] for row in self.knowledge.run(f"SELECT DISTINCT p FROM {table}").fetchall())

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────────

    def _derivable(self, rule: TouchedRule) -> list[Statement]:
        if not rule.is_grouped:
            return rule.derivable(self._moved("rl_asked"))
        return rule.of_groups("rl_before") if rule.collect(rule.groups_asked()) else []

    def _together(self, statements: Sequence[Statement]) -> str:
        """One SELECT of all; steps that they share are taken once."""
        taken: set[int] = set()
        return " UNION ALL ".join([f"SELECT * FROM ({self.knowledge.ready(statement, 0, taken)})" for statement in statements])

    def _found(self, statements: Sequence[Statement]) -> int:
        """Let rl_found be what the statements find; returns how many rows."""
        selects = self._together(statements)
        nothing = "SELECT NULL::BIGINT AS s, NULL::BIGINT AS p, NULL::BIGINT AS o, NULL::INTEGER AS rule WHERE false"
        return self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_found AS {selects or nothing}").fetchone()[0]

    def _pending(self, statements: Sequence[Statement]) -> int:
        select = f"SELECT DISTINCT * FROM ({self._together(statements)})"
        return self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_pending AS {select}").fetchone()[0]

    def _ask_for_gone(self, also: str | None) -> None:
        """Let rl_asked be the triples that are gone and that the stratum may conclude, and others."""
        predicates = self._predicates()
        among = "" if predicates is None else f" WHERE p IN ({predicates})"
        gone = f"SELECT s, p, o FROM rl_gone{among}"
        self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_asked AS {gone}{f' UNION {also}' if also else ''}")
        self.difference.probe.forget()

    def _deltas(self, gone: str | None, new: str | None) -> None:
        for name, select in (("gone", gone), ("new", new)):
            if select is not None:
                self._view(f"rl_delta_{name}", select)
        self.difference.probe.forget()

    def _before(self, number: int | None) -> None:
        """Let rl_before be what is known, or what was before a round."""
        test = f" AND (round IS NULL OR round < {number})" if number is not None else ""
        self._view("rl_before", f"SELECT s, p, o FROM quads WHERE NOT again{test}")

    def _view(self, name: str, select: str) -> None:
        if self.difference.views.get(name) != select:
            self.knowledge.run(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")
            self.difference.views[name] = select

    def _known(self) -> str:
        """What is known under the predicates that the stratum concludes."""
        predicates = self._predicates()
        among = "" if predicates is None else f" AND p IN ({predicates})"
        return f"(SELECT s, p, o FROM quads WHERE NOT again{among})"

    def _predicates(self) -> str | None:
        found = {head.predicate for head in self.heads}
        if not all(isinstance(predicate, NamedNode) for predicate in found):
            return None
        return ", ".join(sorted(str(self.knowledge.constant(predicate)) for predicate in found))
