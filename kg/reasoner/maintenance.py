"""Conclusions brought up to date: from what was asserted and taken away, and from the rules that came and went.

Strata are looked at in their order. One that reads nothing that has changed is skipped. The others change their
conclusions in place, and what they change is what later strata look at. The outcome is what a run from scratch gives; where
it is not known what has changed, that is what is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from kg.reasoner import equal, record
from kg.reasoner.bodies import triples_within
from kg.reasoner.difference import Difference
from kg.reasoner.engine import InferReport, Programs, RuleReport, Run, StratumReport, evaluate, infer, write_rules
from kg.reasoner.follow import Follow
from kg.reasoner.knowledge import Knowledge
from kg.reasoner.model import Rule, is_equality, is_last
from kg.reasoner.record import Record
from kg.reasoner.rounds import rounds_of
from kg.reasoner.safety import check_well_formed
from kg.reasoner.stratify import Stratum, can_match, premises, stratify
from kg.reasoner.touched import Unsupported
from kg.reasoner.watch import NEW_VALUE_ROUNDS, Progress, Watch
from kg.sparql import algebra as a
from kg.store import Diff, Store
from kg.store.changes import Changes


def maintain(
    store: Store,
    programs: Programs,
    *,
    fingerprint: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    timeout: float | None = None,
    new_value_rounds: int = NEW_VALUE_ROUNDS,
) -> InferReport:
    """Like `infer`, but from what has changed since it or this was last done, where that is known."""
    watch = Watch(timeout, on_progress, new_value_rounds)
    with store.transaction():
        store.refresh()
        before, changes = record.read(store), store.changes()
        rules = [rule for _, _, program in programs for rule in program.rules]
        for rule in rules:
            check_well_formed(rule)
        strata = stratify(rules)
        anew = partial(
            infer, store, programs, fingerprint=fingerprint, on_progress=on_progress, timeout=timeout, new_value_rounds=new_value_rounds
        )
        is_whole = equal.is_needed(store, rules, changes) or any(map(is_last, rules))
        if before is None or changes is None or is_whole or not _continues(store, before, programs, strata):
            return anew()
        owners = {id(rule): owner for owner, _, program in programs for rule in program.rules}
        numbers = _numbers(rules, owners, before)
        run = Run(strata, rounds_of(strata), numbers)
        report = _Maintenance(store, programs, before, run, owners, watch).bring_up_to_date(changes, fingerprint)
        return anew() if equal.is_needed(store, rules) else report  # terms that became equal: what holds of one holds of all


def is_followed(store: Store, programs: Programs | None = None) -> bool:
    """Whether the graph's conclusions were drawn and it is known what has changed since; with `programs`, whether they were
    drawn by just these rules."""
    before = record.read(store)
    if before is None or store.changes() is None or record.revisions(store, before.graphs.values()) != dict(before.revisions):
        return False
    if programs is None:
        return True
    rules = sorted((owner, record.digest(rule)) for owner, _, program in programs for rule in program.rules)
    return rules == sorted((rule.owner, rule.digest) for rule in before.rules)


def _continues(store: Store, before: Record, programs: Programs, strata: list[Stratum]) -> bool:
    """Whether what stands in the graph is what the same owners concluded last."""
    graphs = {owner: iri for owner, iri, _ in programs}
    span = rounds_of(strata).span
    if any(graphs.get(owner) != iri for owner, iri in before.graphs.items()) or before.span != span or before.used > span // 2:
        return False
    rows = store.connection.execute("SELECT DISTINCT owner FROM rules").fetchall()
    return {row[0] for row in rows} <= set(graphs) and record.revisions(store, before.graphs.values()) == dict(before.revisions)


def _numbers(rules: list[Rule], owners: dict[int, str], before: Record) -> dict[int, int]:
    """The number of each rule, by id(rule): that which it had, or a new one."""
    free: dict[tuple[str, str], list[int]] = {}
    for rule in before.rules:
        free.setdefault((rule.owner, rule.digest), []).append(rule.number)
    unused = max((rule.number for rule in before.rules), default=0) + 1
    numbers: dict[int, int] = {}
    for rule in rules:
        same = free.get((owners[id(rule)], record.digest(rule)))
        if same:
            numbers[id(rule)] = same.pop(0)
        else:
            numbers[id(rule)] = unused
            unused += 1
    return numbers


@dataclass
class _Maintenance:
    store: Store
    programs: Programs
    before: Record
    run: Run
    owners: dict[int, str]
    watch: Watch
    difference: Difference = field(init=False)
    knowledge: Knowledge = field(init=False)

    def bring_up_to_date(self, changes: Changes, fingerprint: str | None) -> InferReport:
        started = time.perf_counter()
        graphs = self.store.own_all({owner: iri for owner, iri, _ in self.programs}, fingerprint)
        self._drawn = {rule.number: rule for rule in self.before.rules}
        self._graphs = {self.run.numbers[rule]: graphs[owner] for rule, owner in self.owners.items()}
        self._graphs |= {number: graphs[rule.owner] for number, rule in self._drawn.items() if number not in self._graphs}
        self.knowledge = Knowledge(self.store, None)
        self.difference = Difference(self.knowledge, self._graphs)
        try:
            with self.watch.limiting(self.store.connection):
                self._rules_first(changes)
                for i, stratum in enumerate(self.run.plan):
                    self.watch.stratum, self.watch.strata = i + 1, len(self.run.plan)
                    self.watch.check(stratum.rules[0], 0)
                    self.run.strata.append(self._stratum(stratum, i))
            return self._finish(started)
        finally:
            self.knowledge.close()

    def _rules_first(self, changes: Changes) -> None:
        """Take in the changes of the input, then those of the rules: what a rule that is gone had concluded goes."""
        rules = [rule for stratum in self.run.plan for rule in stratum.rules]
        self.knowledge.learn(rules)
        self.knowledge.concluded(rules)
        self.difference.begin(changes)
        self._shift_levels()
        removed = set(self._drawn) - set(self.run.numbers.values())
        if removed:
            self.difference.clear()
            self.knowledge.run(f"INSERT INTO rl_dead SELECT rowid, s, p, o, rule FROM quads WHERE rule IN ({_list(removed)})")
            self.difference.apply()

    def _shift_levels(self) -> None:
        """Rules that came or went can move a stratum to another level, and its rounds with it."""
        moved: dict[int, list[int]] = {}
        for stratum in self.run.plan:
            for number in self._numbers(stratum):
                if number in self._drawn and self._drawn[number].level != stratum.level:
                    moved.setdefault(stratum.level - self._drawn[number].level, []).append(number)
        if moved:
            cases = " ".join(f"WHEN rule IN ({_list(rules)}) THEN {by * self.run.scale.span}" for by, rules in moved.items())
            everything = [number for rules in moved.values() for number in rules]
            self.knowledge.run(f"UPDATE quads SET round = round + CASE {cases} END WHERE rule IN ({_list(everything)})")

    # ── one stratum ──────────────────────────────────────────────────────────────────────────────────────────

    def _stratum(self, stratum: Stratum, place: int) -> StratumReport:
        if is_equality(stratum.rules[0]) or self._is_untouched(stratum):
            return StratumReport(tuple(rule.iri for rule in stratum.rules), 0, 0, 0.0, "skipped")
        report = self._follow(stratum) or self._recompute(stratum)
        self._look_again_below(place)
        return report

    def _follow(self, stratum: Stratum) -> StratumReport | None:
        """Look only at what has changed; None where that cannot be done."""
        if not self._is_as_before(stratum):
            return None
        try:
            return Follow(self.knowledge, self.difference, stratum, self.run, self.watch, self.before.used).run()
        except Unsupported:
            return None

    def _numbers(self, stratum: Stratum) -> list[int]:
        return [self.run.numbers[id(rule)] for rule in stratum.rules]

    def _is_as_before(self, stratum: Stratum) -> bool:
        """Whether all its conclusions stand in the graph: it has no new rule, and none that was in another stratum."""
        known = [self._drawn.get(number) for number in self._numbers(stratum)]
        return None not in known and len({rule.stratum for rule in known}) == 1

    def _is_untouched(self, stratum: Stratum) -> bool:
        if not self._is_as_before(stratum):
            return False
        heads = [head for rule in stratum.rules for head in rule.head]
        return not (
            any(self.difference.touches_any(reads(rule)) for rule in stratum.rules)
            or self.difference.touches_any(heads, is_new=False, of_input=False)
        )

    def _look_again_below(self, place: int) -> None:
        """What this stratum no longer concludes, an earlier one may conclude too, for it kept silent about what was known."""
        heads = [head for rule in self.run.plan[place].rules for head in rule.head]
        for stratum in self.run.plan[:place]:
            alike = [head for rule in stratum.rules for head in rule.head if any(can_match(one, head) for one in heads)]
            if alike and self.difference.touches_any(alike, is_new=False, of_input=False):
                try:
                    Follow(self.knowledge, self.difference, stratum, self.run, self.watch, self.before.used).look_again()
                except Unsupported:
                    self._recompute(stratum)

    def _recompute(self, stratum: Stratum) -> StratumReport:
        """From scratch; only what differs is written."""
        numbers = self._numbers(stratum)
        same = "{0}.s = {1}.s AND {0}.p = {1}.p AND {0}.o = {1}.o AND {0}.rule = {1}.rule AND {0}.round = {1}.round"
        self.difference.clear()
        if stratum.is_ordered:  # its rules read at once what the others have concluded
            self.knowledge.new_tags = None
        with self.knowledge.without(numbers):
            report = evaluate(self.knowledge, stratum, self.run, self.watch, "recomputed")
            old = f"(SELECT rowid AS row, s, p, o, rule, round FROM quads WHERE rule IN ({_list(numbers)}))"
            self.knowledge.run(f"INSERT INTO rl_dead SELECT q.row, q.s, q.p, q.o, q.rule FROM {old} q ANTI JOIN rl_inferred i ON {same.format('q', 'i')}")
            self.knowledge.run(f"INSERT INTO rl_fresh SELECT i.s, i.p, i.o, i.rule, i.round FROM rl_inferred i ANTI JOIN {old} q ON {same.format('q', 'i')}")
        self.difference.apply()
        return report

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, started: float) -> InferReport:
        changed = self.difference.by_rule()
        left_out = self.difference.asserted  # conclusions that the input says itself by now
        counts = {
            number: self.before.counts.get(number, 0) + sum(changed.get(number, (0, 0))[i] * (1, -1)[i] for i in (0, 1)) - left_out.get(number, 0)
            for number in self.run.numbers.values()
        }
        names = {owner: iri for owner, iri, _ in self.programs}
        reports, diffs = [], {owner: Diff(0, 0) for owner in names}
        for owner, _, program in self.programs:
            write_rules(self.store, owner, program, self.run.numbers)
            for rule in program.rules:
                number = self.run.numbers[id(rule)]
                inserted, deleted = changed.get(number, (0, 0))
                reports.append(RuleReport(rule.iri, owner, counts[number], inserted, deleted + left_out.get(number, 0)))
        owner_of = {graph: owner for owner, graph in zip(names, (self.store.graph_id(iri) for iri in names.values()), strict=True)}
        for number in set(changed) | set(left_out):
            inserted, deleted = changed.get(number, (0, 0))
            deleted += left_out.get(number, 0)
            owner = owner_of[self._graphs[number]]
            diffs[owner] = Diff(diffs[owner].inserted + inserted, diffs[owner].deleted + deleted)
        self.store.written(self.difference.touched)
        used = self.before.used + max((stratum.rounds for stratum in self.run.strata), default=0) + 1
        record.remember(self.store, self.run.plan, self.run.scale, names, self.owners, self.run.numbers, used, counts)
        return InferReport(tuple(reports), tuple(self.run.strata), time.perf_counter() - started, diffs)


def reads(rule: Rule) -> Iterator[a.TriplePattern]:
    """All patterns of a body, those that look at the input alone included; paths as the predicates that they follow."""
    for pattern in triples_within(rule.body):
        probe = Rule(rule.iri, (), (pattern,))
        yield from (premise.pattern for premise in premises(probe))


def _list(numbers) -> str:
    return ", ".join(map(str, sorted(numbers))) or "NULL"
