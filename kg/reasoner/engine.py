"""Running rule programs from scratch: strata in their order, each conclusion with its rule and its round.

All programs given are one set of rules; the conclusions of each go into its own graph. Each level of strata has a range
of rounds (`rounds.py`): whatever a conclusion rests on was asserted or has a smaller round.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, Triple

from kg.reasoner import record
from kg.reasoner.blank_nodes import named_blank_nodes
from kg.reasoner.bodies import Opaque
from kg.reasoner.compile import BodyCompiler, close_scopes
from kg.reasoner.equal import Equality
from kg.reasoner.fixpoint import Fixpoint
from kg.reasoner.knowledge import Knowledge
from kg.reasoner.model import Program, Rule, is_equality
from kg.reasoner.ordered import run_in_order
from kg.reasoner.rounds import Rounds, rounds_of
from kg.reasoner.rows import Rows
from kg.reasoner.safety import check_well_formed
from kg.reasoner.statement import Statement
from kg.reasoner.stratify import Stratum, stratify
from kg.reasoner.watch import NEW_VALUE_ROUNDS, Progress, Watch
from kg.sparql import algebra as a
from kg.sql.inserting import insert_rows
from kg.store import Diff, Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class RuleReport:
    """What one rule did: `triples` are those it was first to conclude, of which `inserted` are new; `deleted` are gone."""

    rule: NamedNode
    owner: str
    triples: int
    inserted: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class StratumReport:
    """What became of one stratum: `how` is `computed` (from scratch, with all others), `skipped` (nothing that it reads
    has changed), `maintained` (only what the change touches was looked at) or `recomputed` (from scratch, and compared)."""

    rules: tuple[NamedNode, ...]
    rounds: int
    triples: int
    seconds: float
    how: str = "computed"


@dataclass(frozen=True)
class InferReport:
    rules: tuple[RuleReport, ...]
    strata: tuple[StratumReport, ...]
    seconds: float
    diffs: dict[str, Diff] = field(default_factory=dict)  # by owner

    @property
    def is_incremental(self) -> bool:
        """Whether the conclusions were brought up to date from what had changed."""
        return any(stratum.how != "computed" for stratum in self.strata)

    @property
    def triples(self) -> int:
        return sum(rule.triples for rule in self.rules)

    @property
    def rounds(self) -> int:
        return sum(stratum.rounds for stratum in self.strata)


Programs = Sequence[tuple[str, str, Program]]


def infer(
    store: Store,
    programs: Programs,
    *,
    fingerprint: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    timeout: float | None = None,
    new_value_rounds: int = NEW_VALUE_ROUNDS,
) -> InferReport:
    """Draw all conclusions of `programs`, each (owner, IRI of its graph, Program), and replace what each owner's graph
    held before. The graph holds only what no other graph says.

    Raises RuleError: R201–R212 for programs that are wrong, R208–R211 for data they cannot take or time that is over.
    """
    started = time.perf_counter()
    rules = [rule for _, _, program in programs for rule in program.rules]
    owners = [owner for owner, _, program in programs for _ in program.rules]
    with store.transaction():
        graphs = [store.graph_id(iri, owner) for owner, iri, _ in programs]
        first = _first_number(store, [owner for owner, _, _ in programs])
        with running(store, rules, graphs, Watch(timeout, on_progress, new_value_rounds), first) as run:
            diffs = _write(store, programs, graphs, fingerprint, first)
            counts = dict(store.connection.execute("SELECT rule, count(*) FROM rl_inferred GROUP BY rule").fetchall())
        by_rule = {id(rule): owner for rule, owner in zip(rules, owners, strict=True)}
        names = {owner: iri for owner, iri, _ in programs}
        used = max((stratum.rounds for stratum in run.strata), default=0)
        record.remember(store, run.plan, run.scale, names, by_rule, run.numbers, used, counts)
    reports = tuple(RuleReport(rule.iri, owners[i], counts.get(first + i, 0)) for i, rule in enumerate(rules))
    return InferReport(reports, tuple(run.strata), time.perf_counter() - started, diffs)


def infer_only(
    store: Store, program: Program, *, timeout: float | None = None, new_value_rounds: int = NEW_VALUE_ROUNDS
) -> list[Triple]:
    """The triples that `program` concludes from the content of `store`, in the order of their rounds; no quad is
    written, though the dictionary may grow."""
    with store.transaction(), running(store, list(program.rules), [], Watch(timeout, None, new_value_rounds)):
        rows = store.connection.execute("SELECT s, p, o FROM rl_inferred ORDER BY round, rule").fetchall()
        terms = store.decode({term for row in rows for term in row})
    return [Triple(*(terms[term] for term in row)) for row in rows]


def check(programs: Sequence[Program]) -> list[Stratum]:
    """Everything about programs that can be wrong without data; returns the strata. Raises RuleError."""
    rules = [rule for program in programs for rule in program.rules]
    for rule in rules:
        check_well_formed(rule)
    return stratify(rules)


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Run:
    """The strata of a run, the rounds that they have, and what became of them so far."""

    plan: list[Stratum]
    scale: Rounds
    numbers: dict[int, int]  # id(rule) → its number
    strata: list[StratumReport] = field(default_factory=list)


@contextmanager
def running(store: Store, rules: list[Rule], own_graphs: list[int], watch: Watch, first: int = 1) -> Iterator[Run]:
    """Evaluate all strata; inside the block the conclusions are in rl_inferred."""
    for rule in rules:
        check_well_formed(rule)
    strata = stratify(rules)
    run = Run(strata, rounds_of(strata), {id(rule): first + i for i, rule in enumerate(rules)})
    watch.strata = len(strata)
    store.refresh()  # statistics and flags of what this transaction wrote before
    knowledge = Knowledge(store, own_graphs)
    try:
        with watch.limiting(store.connection):
            knowledge.learn(rules)

            def draw(stratum: Stratum) -> None:
                watch.stratum = len(run.strata) + 1
                watch.check(stratum.rules[0], 0)
                run.strata.append(evaluate(knowledge, stratum, run, watch))

            Equality(knowledge, rules, run.numbers).run([s for s in strata if not is_equality(s.rules[0])], draw)
        yield run
    finally:
        knowledge.close()


def evaluate(knowledge: Knowledge, stratum: Stratum, run: Run, watch: Watch, how: str = "computed") -> StratumReport:
    """Draw the conclusions of one stratum from what is known, into rl_inferred."""
    started = time.perf_counter()
    rounds, first = 1, run.scale.first(stratum)
    if stratum.is_ordered:
        apply = lambda rule, number: _once(knowledge, rule, run.numbers[id(rule)], first + number)  # noqa: E731
        triples, rounds = run_in_order(stratum.rules, apply, watch, run.scale.last(stratum) - first)
    elif stratum.is_recursive:
        fixpoint = Fixpoint(knowledge, stratum.rules, run.numbers, watch, first, run.scale.last(stratum))
        triples = fixpoint.run()
        rounds = fixpoint.rounds
    else:
        triples = _once(knowledge, stratum.rules[0], run.numbers[id(stratum.rules[0])], first)
    return StratumReport(tuple(rule.iri for rule in stratum.rules), rounds, triples, time.perf_counter() - started, how)


def _once(knowledge: Knowledge, rule: Rule, number: int, round_number: int) -> int:
    """Evaluate a rule that does not depend on itself."""
    if not rule.head:
        return 0
    body = close_scopes(rule.body)
    compiler = BodyCompiler(knowledge.constant, knowledge.expressions, knowledge.triple_terms, knowledge.kinds(body, ()))
    rows = compiler.conjunction(whole(body), knowledge.source, rule.data_only)
    rows = named_blank_nodes(rule, number, rows, compiler)
    statement = Statement(rows.sql, rows.steps)
    if len(rule.head) > 1:
        statement = statement.materialised("rl_rows")
    selects = [compiler.head(head, Rows(statement.sql, rows.columns)) for head in rule.head]
    candidates = " UNION ALL ".join(selects)
    if all(isinstance(head.predicate, NamedNode) for head in rule.head):
        predicates = sorted({knowledge.constant(head.predicate) for head in rule.head})
        objects = {None if isinstance(head.object, (a.Var, a.TripleTerm)) else knowledge.constant(head.object) for head in rule.head}
        narrowed = "" if None in objects else f" AND o IN ({', '.join(map(str, sorted(objects)))})"  # of rdf:type, one class
        known = f"(SELECT s, p, o FROM rl_known WHERE p IN ({', '.join(map(str, predicates))}){narrowed})"
    else:
        known = "rl_known"
    insert = Statement(
        f"SELECT DISTINCT c.s, c.p, c.o, {number}, {round_number} FROM ({candidates}) c "
        f"ANTI JOIN {known} k ON k.s = c.s AND k.p = c.p AND k.o = c.o",
        statement.steps,
    )
    count = knowledge.run(f"INSERT INTO rl_inferred {knowledge.ready(insert)}").fetchone()[0]
    knowledge.concluded([rule])
    return count


def whole(body: Sequence[a.BodyElement]) -> list:
    """The body with its sub-selects as patterns for the query compiler."""
    return [Opaque(e.pattern, e.variables, e.position) if isinstance(e, a.SubSelectElement) else e for e in body]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────


def _first_number(store: Store, owners: list[str]) -> int:
    """Rules are numbered after those of owners that are not running now."""
    query = "SELECT coalesce(max(rule), 0) + 1 FROM rules WHERE NOT list_contains(?, owner)"
    return store.connection.execute(query, [owners]).fetchone()[0]


def _write(store: Store, programs: Programs, graphs: list[int], fingerprint: str | None, first: int) -> dict[str, Diff]:
    """Put each owner's conclusions into its graph, and its rules into the table of rules."""
    diffs: dict[str, Diff] = {}
    for (owner, _, program), graph in zip(programs, graphs, strict=True):
        last = first + len(program.rules) - 1
        with store.replacing(owner, fingerprint) as target:
            rows = f"FROM rl_inferred WHERE rule BETWEEN {first} AND {last}"
            insert_rows(
                store.connection, f"{target.table} (g, s, p, o, rule, round)", f"SELECT {graph}, s, p, o, rule, round {rows} ORDER BY p, s", some=rows
            )
        diffs[owner] = target.diff
        write_rules(store, owner, program, {id(rule): first + i for i, rule in enumerate(program.rules)})
        first = last + 1
    return diffs


def write_rules(store: Store, owner: str, program: Program, numbers: Mapping[int, int]) -> None:
    """The owner's rows of the table of rules, where they are others than before."""
    rows = [
        [numbers[id(rule)], rule.iri.value, owner, json.dumps(dict(rule.says), ensure_ascii=False), rule.text]
        for rule in program.rules
    ]
    stored = store.connection.execute("SELECT rule, iri, owner, says, text FROM rules WHERE owner = ? ORDER BY rule", [owner]).fetchall()
    if [list(row) for row in stored] == sorted(rows, key=lambda row: row[0]):
        return
    store.connection.execute("DELETE FROM rules WHERE owner = ?", [owner])
    if rows:
        store.connection.executemany("INSERT INTO rules (rule, iri, owner, says, text) VALUES (?, ?, ?, ?, ?)", rows)
