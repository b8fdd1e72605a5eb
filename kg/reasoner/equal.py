"""Equality by representatives: rules run over one name for each set of equal terms, and copies are written at the end.

The program's rules that copy triples between equal terms (OWL 2 Profiles, table 4: eq-sym, eq-trans and eq-rep-*) are not
evaluated as rules: over every predicate they would make one recursion of the whole program. Instead

1. the sets of equal terms are found from the owl:sameAs triples known (`_merge`); the least id stands for its set,
2. the strata run over the graph and rules in which representatives have taken the place of their equals (`_rename`),
3. and again while their conclusions make more terms equal,
4. then what holds of one is copied to all (`_copy`), so that queries see the triples of every equal term.

Each copy and each closing owl:sameAs triple gets the number of its eq-rule and a round greater than those of its premises, so
proofs name the rule, the equality and the triple it was copied from. Rules with NOT or aggregates, and what rests on
them, run last, over all copies; that they make further terms equal is refused (R246). Where the rules of the ontology come
after all others (`model.is_last`), these others are done with before terms are made equal.

    rl_asserted  view (s, p, o)               the input as it stands
    rl_before    table (s, p, o, rule, round) what earlier passes concluded, in the names in which they did
    rl_same      table (term, rep)            for each term that has another representative
    rl_renamed   table (s, p, o)              triples of the above that mention such a term, with representatives
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace

from pyoxigraph import NamedNode

from kg.reasoner.knowledge import CONCLUSION, Knowledge
from kg.reasoner.model import Rule, is_equality, is_last
from kg.reasoner.stratify import Stratum, Use, can_match, premises, stratify
from kg.sparql import algebra as a
from kg.sql.temporary import create_empty
from kg.store import Store
from kg.store.changes import Changes
from kg.terms import TAG_BITS, TAG_BLANK, TAG_IRI, TAG_TEMPLATE

SAME = NamedNode("http://www.w3.org/2002/07/owl#sameAs")
# Rounds are spread by this factor, so that copies by subject, predicate and object fit between two of them.
_SPREAD = 4


class Equality:
    """One run of strata under equality; `numbers` are those of all rules, by `id(rule)`."""

    def __init__(self, knowledge: Knowledge, rules: Sequence[Rule], numbers: dict[int, int]) -> None:
        self.knowledge = knowledge
        self.numbers = numbers
        self._copying = {dict(rule.annotations)["equality"]: numbers[id(rule)] for rule in rules if is_equality(rule)}
        self._same = knowledge.constant(SAME)
        self._is_open = False
        self._round = 0  # the last one in rl_before
        self._renamed: list[Rule] = []  # their ids are keys of `numbers`: they must live as long

    def run(self, strata: Sequence[Stratum], evaluate: Callable[[Stratum], None]) -> None:
        """Evaluate the strata; afterwards everything concluded is in rl_inferred."""
        if any(is_last(stratum.rules[0]) for stratum in strata):
            for stratum in strata:
                if not is_last(stratum.rules[0]):
                    evaluate(stratum)
            strata = [stratum for stratum in strata if is_last(stratum.rules[0])]
        early, late = _parts(strata) if self._copying else ([], strata)
        passes = early
        merged = 0
        while self._copying:
            if self._edges() != merged:
                merged = self._merge()
                passes = self._rename(early)
            for stratum in passes:
                evaluate(stratum)
            if self._edges() == merged:
                break
        if self._is_open:
            self._copy()
        known = self._edges() if self._copying and late else 0
        for stratum in late:
            evaluate(stratum)
        if self._is_open:
            self._number_late(late)
        if known != (self._edges() if self._copying and late else 0):
            raise _late_equality(late)

    # ── finding what is equal ────────────────────────────────────────────────────────────────────────────────

    def _edges(self) -> int:
        """How many owl:sameAs triples between two different nodes are known."""
        return self.knowledge.run(f"SELECT count(*) FROM {self._all()} WHERE p = {self._same} AND s <> o AND {_nodes('s', 'o')}").fetchone()[0]

    def _all(self) -> str:
        """Everything known, in the names in which it was asserted or concluded."""
        if not self._is_open:
            return "rl_known"
        return "(SELECT s, p, o FROM rl_asserted UNION ALL SELECT s, p, o FROM rl_before UNION ALL SELECT s, p, o FROM rl_inferred)"

    def _merge(self) -> int:
        """Find the sets of equal terms, conclude owl:sameAs between all members of each; returns how many edges there are then."""
        run = self.knowledge.run
        self._open()
        run(f"CREATE OR REPLACE TEMP TABLE rl_pairs AS SELECT DISTINCT s, o FROM {self._all()} WHERE p = {self._same} AND {_nodes('s', 'o')}")
        self._conclude("SELECT o AS s, s AS o FROM rl_pairs", "eq-sym")
        run("CREATE OR REPLACE TEMP TABLE rl_label AS SELECT s AS term, least(s, min(o)) AS label FROM rl_pairs WHERE s <> o GROUP BY s")
        run("CREATE OR REPLACE TEMP TABLE rl_link AS SELECT s, o FROM rl_pairs WHERE s <> o")
        while True:
            moved = self._relabel("SELECT k.s AS term, min(l.label) AS label FROM rl_link k JOIN rl_label l ON l.term = k.o GROUP BY k.s")
            moved += self._relabel("SELECT l.term, m.label FROM rl_label l JOIN rl_label m ON m.term = l.label")
            if not moved:
                break
        self._conclude("SELECT label AS s, term AS o FROM rl_label WHERE term <> label", "eq-sym")
        self._conclude("SELECT l.term AS s, m.term AS o FROM rl_label l JOIN rl_label m ON m.label = l.label", "eq-trans")
        run("CREATE OR REPLACE TEMP TABLE rl_same AS SELECT term, label AS rep FROM rl_label WHERE term <> label")
        self._read_renamed()
        return self._edges()

    def _relabel(self, better: str) -> int:
        """Take labels of `better` (term, label) where they are smaller; each is an equality by eq-trans. Returns how many."""
        run = self.knowledge.run
        run(f"CREATE OR REPLACE TEMP TABLE rl_better AS SELECT b.term, b.label FROM ({better}) b JOIN rl_label l ON l.term = b.term WHERE b.label < l.label")
        self._conclude("SELECT term AS s, label AS o FROM rl_better", "eq-trans")
        run("UPDATE rl_label SET label = b.label FROM rl_better b WHERE b.term = rl_label.term")
        return run("SELECT count(*) FROM rl_better").fetchone()[0]

    def _conclude(self, pairs: str, name: str) -> None:
        """Add those owl:sameAs triples that are not known, in a round of their own."""
        run = self.knowledge.run
        run(f"CREATE OR REPLACE TEMP TABLE rl_fresh AS SELECT DISTINCT n.s, n.o FROM ({pairs}) n ANTI JOIN rl_pairs k ON k.s = n.s AND k.o = n.o")
        run("INSERT INTO rl_pairs SELECT s, o FROM rl_fresh")
        self._round += 1
        run(f"INSERT INTO rl_before SELECT s, {self._same}, o, {self._copying[name]}, {self._round} FROM rl_fresh")

    # ── one name for each ────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Set the input apart, the first time, and move what was concluded so far to rl_before."""
        if not self._is_open:
            self._is_open = True
            self.knowledge.set_input_apart("rl_asserted")
            create_empty(self.knowledge.store.connection, "rl_before", CONCLUSION)
        self._keep()

    def _keep(self) -> None:
        """Move the conclusions of a pass to rl_before, its rounds after those that are there."""
        run = self.knowledge.run
        run(f"CREATE OR REPLACE TEMP TABLE rl_rounds AS SELECT round, {self._round} + row_number() OVER (ORDER BY round) AS now FROM (SELECT DISTINCT round FROM rl_inferred)")
        run("INSERT INTO rl_before SELECT i.s, i.p, i.o, i.rule, r.now FROM rl_inferred i JOIN rl_rounds r USING (round)")
        self._round = run(f"SELECT coalesce(max(now), {self._round}) FROM rl_rounds").fetchone()[0]
        self.knowledge.forget_conclusions()

    def _read_renamed(self) -> None:
        """Make rl_input the input and earlier conclusions under the representatives' names."""
        run = self.knowledge.run
        everything = "(SELECT s, p, o FROM rl_asserted UNION ALL SELECT s, p, o FROM rl_before)"
        renamed = ", ".join(f"coalesce(m{c}.rep, i.{c}) AS {c}" for c in "spo")
        joins = " ".join(f"LEFT JOIN rl_same m{c} ON m{c}.term = i.{c}" for c in "spo")
        run(
            f"CREATE OR REPLACE TEMP TABLE rl_touched AS SELECT DISTINCT {renamed} FROM {everything} i {joins} "
            "WHERE ms.rep IS NOT NULL OR mp.rep IS NOT NULL OR mo.rep IS NOT NULL"
        )
        untouched = f"SELECT i.s, i.p, i.o FROM {everything} i " + " ".join(f"ANTI JOIN rl_same m{c} ON m{c}.term = i.{c}" for c in "spo")
        run(f"CREATE OR REPLACE TEMP TABLE rl_renamed AS SELECT t.* FROM rl_touched t ANTI JOIN ({untouched}) u ON u.s = t.s AND u.p = t.p AND u.o = t.o")
        run(f"CREATE OR REPLACE TEMP VIEW rl_input AS {untouched} UNION ALL SELECT s, p, o FROM rl_renamed")
        self.knowledge.expect_anything()

    def _rename(self, strata: Sequence[Stratum]) -> list[Stratum]:
        """The same rules about representatives: the predicates, classes and individuals that they name may be equal to others."""
        rows = self.knowledge.run("SELECT term, rep FROM rl_same").fetchall()
        terms = self.knowledge.store.decode({term for row in rows for term in row})
        changes = {terms[term]: terms[rep] for term, rep in rows}
        rules = []
        for rule in (rule for stratum in strata for rule in stratum.rules):
            renamed = replace(rule, head=_changed(rule.head, changes), body=_changed(rule.body, changes))
            self.numbers[id(renamed)] = self.numbers[id(rule)]
            rules.append(renamed)
        self._renamed += rules
        return stratify(rules)

    # ── copies ───────────────────────────────────────────────────────────────────────────────────────────────

    def _copy(self) -> None:
        """Copy the triples of each term to its equals; afterwards rl_input is the input and rl_inferred everything concluded."""
        run = self.knowledge.run
        self._keep()
        run(f"UPDATE rl_before SET round = round * {_SPREAD}")
        everything = "(SELECT s, p, o, 0 AS round FROM rl_asserted UNION ALL SELECT s, p, o, round FROM rl_before)"
        run(
            f"CREATE OR REPLACE TEMP TABLE rl_equal AS SELECT s, o, max(round) AS round FROM {everything} WHERE p = {self._same} AND s <> o AND {_nodes('s', 'o')} GROUP BY s, o"
        )
        closed = f"(i.p = {self._same} AND {_nodes('i.s', 'i.o')})"  # these stand between all members of a set already
        for column, name in (("s", "eq-rep-s"), ("p", "eq-rep-p"), ("o", "eq-rep-o")):
            columns = ", ".join("e.o AS " + c if c == column else f"i.{c}" for c in "spo")
            run(
                f"CREATE OR REPLACE TEMP TABLE rl_copies AS SELECT {columns}, min(greatest(i.round, e.round)) + 1 AS round "
                f"FROM {everything} i JOIN rl_equal e ON e.s = i.{column} WHERE NOT {closed} GROUP BY ALL"
            )
            run(
                f"INSERT INTO rl_before SELECT c.s, c.p, c.o, {self._copying[name]}, c.round FROM rl_copies c ANTI JOIN "
                f"(SELECT s, p, o FROM {everything}) k ON k.s = c.s AND k.p = c.p AND k.o = c.o WHERE {_nodes('c.s')} AND {_iris('c.p')}"
            )
        run("CREATE OR REPLACE TEMP VIEW rl_input AS SELECT s, p, o FROM rl_asserted")
        run("INSERT INTO rl_inferred SELECT s, p, o, rule, round FROM rl_before")
        self._round = (self._round + 1) * _SPREAD

    def _number_late(self, late: Sequence[Stratum]) -> None:
        """The rounds of the strata that ran last come after those of copies."""
        numbers = ", ".join(str(self.numbers[id(rule)]) for stratum in late for rule in stratum.rules)
        run = self.knowledge.run
        run(f"CREATE OR REPLACE TEMP TABLE rl_rounds AS SELECT round, {self._round} + row_number() OVER (ORDER BY round) AS now "
            f"FROM (SELECT DISTINCT round FROM rl_inferred WHERE rule IN ({numbers or 'NULL'}))")  # fmt: skip
        run(f"UPDATE rl_inferred SET round = r.now FROM rl_rounds r WHERE r.round = rl_inferred.round AND rl_inferred.rule IN ({numbers or 'NULL'})")


def is_needed(store: Store, rules: Sequence[Rule], changes: Changes | None = None) -> bool:
    """Whether the graph makes terms equal, or did before some changes, and the rules heed that."""
    same = store.lookup(SAME) if any(map(is_equality, rules)) else None
    if same is None:
        return False
    found = f"SELECT 1 FROM quads WHERE p = {same} AND s <> o"
    if changes is not None:
        found += f" UNION ALL SELECT 1 FROM ({changes.removed}) WHERE p = {same}"
    return store.connection.execute(f"{found} LIMIT 1").fetchone() is not None


def _parts(strata: Sequence[Stratum]) -> tuple[list[Stratum], list[Stratum]]:
    """Those that more facts can only add to, and the others with all that reads them."""
    early: list[Stratum] = []
    late: list[Stratum] = []
    for stratum in strata:
        read = [premise for rule in stratum.rules for premise in premises(rule)]
        heads = [head for other in late for rule in other.rules for head in rule.head]
        is_late = stratum.is_ordered or any(rule.data_only or any(isinstance(e, a.Not) for e in rule.body) for rule in stratum.rules)
        is_late = is_late or any(p.use is not Use.POSITIVE or any(can_match(p.pattern, head) for head in heads) for p in read)
        (late if is_late else early).append(stratum)
    return early, late


def _changed(thing, changes: dict):
    """The same algebra with some terms exchanged for others."""
    if isinstance(thing, tuple):
        return tuple(_changed(part, changes) for part in thing)
    if is_dataclass(thing):
        parts = {f.name: getattr(thing, f.name) for f in fields(thing) if f.name != "position"}
        made = {name: _changed(part, changes) for name, part in parts.items()}
        return replace(thing, **made) if any(made[n] is not parts[n] for n in parts) else thing
    try:
        return changes.get(thing, thing)
    except TypeError:
        return thing


def _late_equality(late: Sequence[Stratum]):
    makers = [rule for stratum in late for rule in stratum.rules if any(head.predicate in (SAME,) or isinstance(head.predicate, a.Var) for head in rule.head)]
    rule = (makers or list(late[-1].rules))[0]
    return rule.error(
        "R246", "makes terms equal after a NOT or an aggregate has counted them as different",
        "conclude owl:sameAs from facts that no NOT or aggregate decides", None)  # fmt: skip


def _iris(column: str) -> str:
    return f"({column} >> {TAG_BITS} = {TAG_IRI} OR {column} >= {TAG_TEMPLATE << TAG_BITS})"


def _nodes(*columns: str) -> str:
    return " AND ".join(f"({_iris(c)} OR {c} >> {TAG_BITS} = {TAG_BLANK})" for c in columns)
