"""What has become known, and what no longer is, while conclusions are brought up to date.

    rl_changed         table (s, p, o, now, before, inferred)  input triples whose quads have changed: in how many graphs they
                       stand and stood, and the row of an equal conclusion
    rl_log             table (s, p, o, rule, sign)   each step: +1 what came, -1 what went; rule NULL: input
    rl_net             table (s, p, o, is_new)       the sum of it, made anew after each stratum
    rl_new, rl_gone    views (s, p, o)               known now and not at first; known at first and not now
    rl_input_new, rl_input_gone   tables (s, p, o)   the same of the input alone, for WHERE DATA
    rl_dead            table (row, s, p, o, rule)    conclusions to take out of quads
    rl_fresh           table (s, p, o, rule, round)  conclusions to put in
    rl_lost, rl_gained tables (s, p, o, rule)        what the recursion at hand has taken out and put in by now
    rl_wide            view (s, p, o)                all that is known or was; rl_wide_input the same of the input

Conclusions are changed in `quads` at once, so that what is read there is always what is known by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kg.reasoner.knowledge import RDF_TYPE, Knowledge
from kg.reasoner.probe import Probe
from kg.sparql import algebra as a
from kg.sql.encoding import tag
from kg.sql.temporary import create_empty
from kg.store import journal, recent
from kg.store.changes import Changes
from kg.store.quads import Touched, count_touched

FRESH = "s BIGINT, p BIGINT, o BIGINT, rule INTEGER, round INTEGER"
# Tables with more rows are made anew rather than emptied.
_FEW = 10_000
_SAME = "q.s = t.s AND q.p = t.p AND q.o = t.o"


@dataclass
class Difference:
    """Owns the tables above; `graphs` are the graphs that take each rule's conclusions, by the rule's number."""

    knowledge: Knowledge
    graphs: Mapping[int, int]
    touched: Touched = field(default_factory=Touched)
    asserted: dict[int, int] = field(default_factory=dict)  # how many conclusions of each rule the input says now itself
    probe: Probe = field(init=False)
    views: dict[str, str] = field(default_factory=dict)  # SELECTs of the views that the stratum at hand has made
    _filled: int | None = None  # how many rows were left in rl_dead and rl_fresh; None: not known
    _keys: dict[tuple[bool, bool], set[tuple[int, int | None]]] = field(default_factory=dict)  # by (is_new, of_input)

    def __post_init__(self) -> None:
        self.probe = Probe(self.knowledge)

    def begin(self, changes: Changes) -> None:
        """Take in what has happened to the input, and drop conclusions that it says now itself."""
        run, connection = self.knowledge.run, self.knowledge.store.connection
        create_empty(connection, "rl_log", "s BIGINT, p BIGINT, o BIGINT, rule INTEGER, sign TINYINT")
        create_empty(connection, "rl_graphs", "rule INTEGER, g BIGINT")
        if self.graphs:
            run("INSERT INTO rl_graphs VALUES " + ", ".join(f"({rule}, {graph})" for rule, graph in self.graphs.items()))
        self._read_input(changes)
        asserted = "FROM rl_changed WHERE now > 0 AND inferred IS NOT NULL"
        if run(f"SELECT 1 {asserted} LIMIT 1").fetchone():
            rows = f"quads WHERE rowid IN (SELECT inferred {asserted})"
            self._account(rows, is_added=False)
            self.asserted = dict(run(f"SELECT rule, count(*) FROM {rows} GROUP BY rule").fetchall())
            run(f"UPDATE quads AS q SET again = false FROM (SELECT s, p, o {asserted}) t WHERE q.again AND {_SAME} AND q.g = ("
                "SELECT min(f.g) FROM quads f WHERE f.s = t.s AND f.p = t.p AND f.o = t.o AND f.rule IS NULL)")  # fmt: skip
            run(f"DELETE FROM quads WHERE rowid IN (SELECT inferred {asserted})")
        run("INSERT INTO rl_log SELECT s, p, o, NULL, 1 FROM rl_changed WHERE now > 0 AND before = 0 AND inferred IS NULL "
            "UNION ALL SELECT s, p, o, NULL, -1 FROM rl_changed WHERE now = 0 AND before > 0")  # fmt: skip
        run("CREATE OR REPLACE TEMP TABLE rl_input_new AS SELECT s, p, o FROM rl_changed WHERE now > 0 AND before = 0")
        run("CREATE OR REPLACE TEMP TABLE rl_input_gone AS SELECT s, p, o FROM rl_changed WHERE now = 0 AND before > 0")
        type_id = self.knowledge.constant(RDF_TYPE)
        for name, is_new in (("rl_input_new", True), ("rl_input_gone", False)):
            keys = run(f"SELECT DISTINCT p, CASE WHEN p = {type_id} THEN o END FROM {name}").fetchall()
            self._keys[is_new, True] = set(keys)
        self._sum()
        run("CREATE OR REPLACE TEMP VIEW rl_new AS SELECT s, p, o FROM rl_net WHERE is_new")
        run("CREATE OR REPLACE TEMP VIEW rl_gone AS SELECT s, p, o FROM rl_net WHERE NOT is_new")
        create_empty(connection, "rl_lost", "s BIGINT, p BIGINT, o BIGINT, rule INTEGER")
        create_empty(connection, "rl_gained", "s BIGINT, p BIGINT, o BIGINT, rule INTEGER")
        run("CREATE OR REPLACE TEMP VIEW rl_wide AS SELECT s, p, o FROM quads WHERE NOT again "
            "UNION ALL SELECT s, p, o FROM rl_gone UNION ALL SELECT s, p, o FROM rl_lost")  # fmt: skip
        run("CREATE OR REPLACE TEMP VIEW rl_wide_input AS SELECT s, p, o FROM rl_input UNION ALL SELECT s, p, o FROM rl_input_gone")

    def _read_input(self, changes: Changes) -> None:
        net = f"SELECT s, p, o, 1 AS n FROM ({changes.added}) UNION ALL SELECT s, p, o, -1 FROM ({changes.removed})"
        self.knowledge.run(f"CREATE OR REPLACE TEMP TABLE rl_moved AS SELECT s, p, o, sum(n) AS net FROM ({net}) GROUP BY ALL")
        self.knowledge.run(
            "CREATE OR REPLACE TEMP TABLE rl_changed AS "
            f"WITH standing AS (SELECT q.s, q.p, q.o, q.rule, q.rowid AS row FROM quads q JOIN rl_moved t ON {_SAME}), "
            "counted AS (SELECT s, p, o, count(*) FILTER (WHERE rule IS NULL) AS n, max(row) FILTER (WHERE rule IS NOT NULL) AS inferred "
            "FROM standing GROUP BY s, p, o) "
            "SELECT t.s, t.p, t.o, coalesce(c.n, 0) AS now, coalesce(c.n, 0) - t.net AS before, c.inferred "
            "FROM rl_moved t LEFT JOIN counted c ON c.s = t.s AND c.p = t.p AND c.o = t.o"
        )

    def clear(self) -> None:
        """Empty rl_dead and rl_fresh."""
        if self._filled is None or self._filled > _FEW:
            create_empty(self.knowledge.store.connection, "rl_dead", "row BIGINT, s BIGINT, p BIGINT, o BIGINT, rule INTEGER")
            create_empty(self.knowledge.store.connection, "rl_fresh", FRESH)
        elif self._filled:
            self.knowledge.run("DELETE FROM rl_dead")
            self.knowledge.run("DELETE FROM rl_fresh")
        self._filled = None

    def apply(self) -> tuple[int, int]:
        """Take the rows of rl_dead out of `quads`, put those of rl_fresh in; returns how many of each."""
        run = self.knowledge.run
        dead = run("INSERT INTO rl_log SELECT s, p, o, rule, -1 FROM rl_dead").fetchone()[0]
        fresh = run("INSERT INTO rl_log SELECT s, p, o, rule, 1 FROM rl_fresh").fetchone()[0]
        self._filled = dead + fresh
        if dead:
            self._account("(SELECT g.g, d.s, d.p, d.o FROM rl_dead d JOIN rl_graphs g USING (rule))", is_added=False)
            run("DELETE FROM quads WHERE rowid IN (SELECT row FROM rl_dead)")
        if fresh:
            self._account("(SELECT g.g, f.s, f.p, f.o FROM rl_fresh f JOIN rl_graphs g USING (rule))", is_added=True)
            run("INSERT INTO quads (g, s, p, o, rule, round) SELECT g.g, f.s, f.p, f.o, f.rule, f.round FROM rl_fresh f "
                "JOIN rl_graphs g USING (rule) ORDER BY f.p, f.s")  # fmt: skip
        if dead or fresh:
            self._sum()
        return dead, fresh

    def _account(self, rows: str, *, is_added: bool) -> None:
        """Tell the store of rows (g, s, p, o) that come or go."""
        connection = self.knowledge.store.connection
        count, touched = count_touched(connection, rows)
        journal.note(connection, rows, count, is_added=is_added)
        recent.note(connection, rows, count, is_added=is_added)
        self.touched.add(touched)
        self.probe.forget(touched.predicates if is_added else ())

    def _sum(self) -> None:
        self.knowledge.run(
            "CREATE OR REPLACE TEMP TABLE rl_net AS SELECT s, p, o, sum(sign) > 0 AS is_new FROM rl_log GROUP BY s, p, o HAVING sum(sign) <> 0"
        )
        type_id = self.knowledge.constant(RDF_TYPE)
        keys = self.knowledge.run(f"SELECT DISTINCT is_new, p, CASE WHEN p = {type_id} THEN o END, {tag('o')} FROM rl_net").fetchall()
        for sign in (True, False):
            self._keys[sign, False] = {(p, o) for is_new, p, o, _ in keys if is_new == sign}
        tags: dict[int, frozenset[int]] = {}
        for is_new, p, _, object_tag in keys:
            if is_new:
                tags[p] = tags.get(p, frozenset()) | {object_tag}
        self.knowledge.new_tags = tags
        self.probe.forget()

    def settle(self) -> None:
        """Take account of what a recursion has put into and taken out of `quads` itself, as it stands in rl_lost and rl_gained."""
        run, connection = self.knowledge.run, self.knowledge.store.connection
        lost = run("INSERT INTO rl_log SELECT s, p, o, rule, -1 FROM rl_lost").fetchone()[0]
        gained = run("INSERT INTO rl_log SELECT s, p, o, rule, 1 FROM rl_gained").fetchone()[0]
        for name, count, is_added in (("rl_lost", lost, False), ("rl_gained", gained, True)):
            if count:
                self._account(f"(SELECT g.g, d.s, d.p, d.o FROM {name} d JOIN rl_graphs g USING (rule))", is_added=is_added)
                create_empty(connection, name, "s BIGINT, p BIGINT, o BIGINT, rule INTEGER")
        if lost or gained:
            self._sum()

    def touches(self, pattern: a.TriplePattern, *, is_new: bool | None = None, of_input: bool | None = None) -> bool:
        """Whether some triple that has come (`is_new`) or gone, of the input or of all that is known, may match the pattern; False
        is certain."""
        return any(
            self._may_match(pattern, key)
            for (sign, input_only), keys in self._keys.items()
            if is_new in (None, sign) and of_input in (None, input_only)
            for key in keys
        )

    def touches_any(self, patterns: Iterable[a.TriplePattern], *, is_new: bool | None = None, of_input: bool | None = None) -> bool:
        return any(self.touches(pattern, is_new=is_new, of_input=of_input) for pattern in patterns)

    def _may_match(self, pattern: a.TriplePattern, key: tuple[int, int | None]) -> bool:
        if isinstance(pattern.predicate, a.Var):
            return True
        if self.knowledge.constant(pattern.predicate) != key[0]:
            return False
        return key[1] is None or isinstance(pattern.object, (a.Var, a.TripleTerm)) or self.knowledge.constant(pattern.object) == key[1]

    def by_rule(self) -> dict[int, tuple[int, int]]:
        """How many conclusions of each rule are new, and how many are gone."""
        net = "SELECT rule, sum(sign) AS n FROM rl_log WHERE rule IS NOT NULL GROUP BY s, p, o, rule HAVING n <> 0"
        rows = self.knowledge.run(f"SELECT rule, count(*) FILTER (WHERE n > 0), count(*) FILTER (WHERE n < 0) FROM ({net}) GROUP BY rule").fetchall()
        return {rule: (inserted, deleted) for rule, inserted, deleted in rows}
