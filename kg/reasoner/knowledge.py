"""What is known while rules run: the input, what was concluded so far, and which relation a pattern reads.

    rl_input     view (s, p, o)   all graphs but those the running programs are about to replace
    rl_inferred  table (s, p, o, rule, round)   the conclusions of finished strata
    rl_known     view (s, p, o)   both together; disjoint, so it has no duplicates

Where conclusions are brought up to date (`maintenance.py`) those of all strata stand in `quads`, and rl_inferred takes only
what a stratum that is done again concludes.

During a recursive stratum each predicate that it concludes has a table `rl_full_n` (s, p, o, rule, round) that begins as
the part of rl_known under that predicate, and `rl_delta_n_0`/`_1`, what the last and the current round found.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import duckdb
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import RuleError
from kg.reasoner.bodies import Opaque, triples_within
from kg.reasoner.compile import kinds_of
from kg.reasoner.expressions import Expressions
from kg.reasoner.model import Rule
from kg.reasoner.rows import Source
from kg.reasoner.statement import PARITY, Statement
from kg.reasoner.stratify import can_match, path_predicates
from kg.sparql import algebra as a
from kg.sparql.named_functions import FUNCTION_FAULT
from kg.sparql.strings import register_python_functions
from kg.sparql.values import ALL_TAGS, tag_classes
from kg.sql.encoding import has_tag, tag
from kg.sql.temporary import create_empty
from kg.store import Store
from kg.terms import TAG_TRIPLE

# Statistics of a predicate of whose objects nothing is known.
ANYTHING = SimpleNamespace(tags=ALL_TAGS)
LAST_ROUND = "rl_last_round"  # a variable of DuckDB: the round in which the delta was found
CONCLUSION = "s BIGINT, p BIGINT, o BIGINT, rule INTEGER, round INTEGER"
RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


class Knowledge:
    """Owns the temporary views and tables above for one run; `close` drops them."""

    def __init__(self, store: Store, own_graphs: Sequence[int] | None) -> None:
        """`own_graphs` are about to be replaced; None: they hold the conclusions of these rules, and are kept."""
        self.store = store
        self.expressions = Expressions(store)
        self._has_triple_terms = False
        self._tags: dict[tuple[int, int], frozenset[int]] = {}  # of the objects of a subject by a predicate
        # Where stored conclusions are kept: the tags of the objects of new ones, by predicate, which no statistics count yet.
        self.new_tags: dict[int, frozenset[int]] | None = None
        self._ids: dict[object, int] = {}
        self._derived: set[NamedNode] | None = set()  # predicates in rl_inferred; None: any
        if own_graphs is None:
            self.run("CREATE OR REPLACE TEMP VIEW rl_input AS SELECT s, p, o FROM quads WHERE NOT again AND rule IS NULL")
            self.run("CREATE OR REPLACE TEMP VIEW rl_known AS SELECT s, p, o FROM quads WHERE NOT again")
            return
        self._create_input(own_graphs)
        create_empty(store.connection, "rl_inferred", CONCLUSION)
        self.run(
            "CREATE OR REPLACE TEMP VIEW rl_known AS SELECT s, p, o FROM rl_input UNION ALL SELECT s, p, o FROM rl_inferred"
        )

    @contextmanager
    def without(self, rules: Sequence[int]) -> Iterator[None]:
        """In the block, what the rules of these numbers have concluded is not known, and rl_inferred is empty."""
        numbers = ", ".join(map(str, rules))
        create_empty(self.store.connection, "rl_inferred", CONCLUSION)
        self.run(
            "CREATE OR REPLACE TEMP VIEW rl_known AS SELECT s, p, o FROM quads "
            f"WHERE NOT again AND (rule IS NULL OR rule NOT IN ({numbers})) UNION ALL SELECT s, p, o FROM rl_inferred"
        )
        yield
        self.run("CREATE OR REPLACE TEMP VIEW rl_known AS SELECT s, p, o FROM quads WHERE NOT again")

    def _create_input(self, own_graphs: Sequence[int]) -> None:
        """A triple that stands in a graph of the input and in one about to be replaced may be flagged as repeated in the
        input; it is then taken from `rl_shared`."""
        graphs = ", ".join(str(g) for g in own_graphs)
        if not graphs or not self.run(f"SELECT 1 FROM quads WHERE g IN ({graphs}) LIMIT 1").fetchone():
            self.run("CREATE OR REPLACE TEMP VIEW rl_input AS SELECT s, p, o FROM quads WHERE NOT again")
            return
        self.run(
            "CREATE OR REPLACE TEMP TABLE rl_shared AS SELECT DISTINCT q.s, q.p, q.o FROM quads q SEMI JOIN "
            f"(SELECT s, p, o FROM quads WHERE g IN ({graphs}) AND NOT again) r ON q.s = r.s AND q.p = r.p AND q.o = r.o "
            f"WHERE q.again AND q.g NOT IN ({graphs})"
        )
        self.run(
            f"CREATE OR REPLACE TEMP VIEW rl_input AS SELECT s, p, o FROM quads WHERE NOT again AND g NOT IN ({graphs}) "
            "UNION ALL SELECT s, p, o FROM rl_shared"
        )

    def set_input_apart(self, name: str) -> None:
        """Let the view `name` be the input as it stands, whatever rl_input becomes."""
        (text,) = self.run("SELECT sql FROM duckdb_views() WHERE view_name = 'rl_input' AND temporary").fetchone()
        self.run("CREATE OR REPLACE TEMP VIEW " + name + text[text.index("rl_input") + len("rl_input"):])

    def forget_conclusions(self) -> None:
        """Empty rl_inferred: its rows have been moved elsewhere, and may be under any predicate."""
        create_empty(self.store.connection, "rl_inferred", CONCLUSION)
        self.expect_anything()

    def expect_anything(self) -> None:
        """Read every pattern from all that is known, and assume nothing of what it holds."""
        self._derived = None

    def close(self) -> None:
        """Drop what this run made; where its transaction has failed, the rollback does."""
        listed = (
            "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND starts_with(view_name, 'rl_') "
            "UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary AND starts_with(table_name, 'rl_')"
        )
        with suppress(duckdb.TransactionException):
            drops = [f"DROP {kind} IF EXISTS {name}" for kind, name in self.run(listed).fetchall()]
            self.store.connection.execute("; ".join(drops) or "SELECT 1")

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────

    def run(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Execute one statement, with the parameters that its expressions mention."""
        register_python_functions(self.store.connection, sql)
        parameters = self.expressions.parameters(sql)
        try:
            return self.store.connection.execute(sql, parameters) if parameters else self.store.connection.execute(sql)
        except duckdb.InvalidInputException as error:
            if FUNCTION_FAULT not in str(error):
                raise
            message = str(error).partition(FUNCTION_FAULT)[2].splitlines()[0].strip()
            raise RuleError("R257", message, None, "make the data smaller or simpler before they are loaded") from None

    def ready(self, statement: Statement, parity: int = 0, taken: set[int] | None = None) -> str:
        """Take the steps of a statement, then return its SELECT. Steps in `taken` (by identity) were taken before."""
        for step in statement.steps:
            if taken is None or id(step) not in taken:
                step.take(self.run, lambda terms: self.store.intern(terms, self.expressions.parameters(terms)), parity)
            if taken is not None:
                taken.add(id(step))
        return statement.sql.replace(PARITY, str(parity))

    def make(self, table: str, statement: Statement) -> int:
        """Put the rows of a statement into a new table; returns how many."""
        return self.run(f"CREATE OR REPLACE TEMP TABLE {table} AS {self.ready(statement)}").fetchone()[0]

    # ── terms ────────────────────────────────────────────────────────────────────────────────────────────────

    def learn(self, rules: Iterable[Rule]) -> None:
        """Give every constant of the rules an id, so that a constant that only a rule names can be concluded."""
        terms = list(dict.fromkeys(term for rule in rules for term in _constants((rule.head, rule.body))))
        self._ids.update(zip(terms, self.store.encode(terms), strict=True))

    def constant(self, term: a.Term | a.TripleTerm) -> int:
        found = self._ids.get(term)
        if found is None:
            found = self._ids[term] = self.store.encode([_ground(term)])[0]
        return found

    def triple_terms(self) -> str:
        """The relation (id, s, p, o) of the triple terms in the dictionary (RDF 1.2), made when first asked for."""
        if not self._has_triple_terms:
            ids = [row[0] for row in self.run(f"SELECT id FROM dictionary WHERE {has_tag('id', TAG_TRIPLE)}").fetchall()]
            create_empty(self.store.connection, "rl_triple_terms", "id BIGINT, s BIGINT, p BIGINT, o BIGINT")
            for term_id, term in self.store.decode(ids).items():
                parts = self.store.encode([term.subject, term.predicate, term.object])
                self.run(f"INSERT INTO rl_triple_terms VALUES ({', '.join(map(str, [term_id, *parts]))})")
            self._has_triple_terms = True
        return "rl_triple_terms"

    def kinds(self, elements: Iterable[object], heads: Sequence[a.TriplePattern]) -> dict[a.Var, frozenset[int]]:
        """The kinds of term that variables may hold, where the input tells; `heads` are being concluded meanwhile."""
        return kinds_of(elements, lambda pattern: self.object_kinds(pattern, heads))

    def object_kinds(self, pattern: a.TriplePattern, heads: Sequence[a.TriplePattern]) -> frozenset[int]:
        tags = self.object_tags(pattern, heads)
        return ALL_TAGS if tags is None else tag_classes(tags)

    def object_tags(self, pattern: a.TriplePattern, heads: Sequence[a.TriplePattern]) -> frozenset[int] | None:
        """The tags of the objects that a pattern can find; None where it is not known. Those of one subject (a parameter that a
        rule reads) are looked up, which makes a test on them one of known types."""
        is_derived = self._may_be_derived(pattern)
        is_unknown = is_derived and self.new_tags is None
        if isinstance(pattern.predicate, a.Var) or is_unknown or any(can_match(pattern, h) for h in heads):
            return None
        predicate = self.constant(pattern.predicate)
        if isinstance(pattern.subject, NamedNode) and not is_derived:
            key = self.constant(pattern.subject), predicate
            if key not in self._tags:
                rows = self.run(f"SELECT DISTINCT {tag('o')} FROM rl_input WHERE s = {key[0]} AND p = {key[1]}").fetchall()
                self._tags[key] = frozenset(row[0] for row in rows)
            if self._tags[key]:
                return self._tags[key]
        known = self.store.statistics.get(predicate)
        tags = known.tags if known is not None else frozenset()
        return tags | (self.new_tags or {}).get(predicate, frozenset()) or None

    # ── relations ────────────────────────────────────────────────────────────────────────────────────────────

    def concluded(self, rules: Iterable[Rule]) -> None:
        """Remember that the heads of these rules now have triples in rl_inferred."""
        for rule in rules:
            for head in rule.head:
                if isinstance(head.predicate, a.Var):
                    self._derived = None
                elif self._derived is not None:
                    self._derived.add(head.predicate)

    def source(self, element: a.TriplePattern | a.PathPattern | Opaque, data_only: bool) -> Source:
        """The relation that an element reads outside of a recursion."""
        if data_only or not self._may_be_derived(element):
            return Source("rl_input", self.store.statistics)
        if self._derived is None:
            return Source("rl_known")
        anything = dict.fromkeys((self.constant(predicate) for predicate in self._derived), ANYTHING)
        return Source("rl_known", ChainMap(anything, self.store.statistics))

    def _may_be_derived(self, element) -> bool:
        if self._derived is None:
            return True
        for pattern in triples_within(element):
            if isinstance(pattern, a.TriplePattern):
                predicates = [None if isinstance(pattern.predicate, a.Var) else pattern.predicate]
            else:
                predicates = list(path_predicates(pattern.path))
            if any(predicate is None or predicate in self._derived for predicate in predicates):
                return bool(self._derived)
        return False


@dataclass(frozen=True)
class Recursion:
    """A relation that a recursive stratum concludes: all triples (`predicate` None), those of one predicate, or those
    of rdf:type with one class."""

    number: int
    predicate: NamedNode | None
    object: a.Term | None

    @property
    def full(self) -> str:
        return f"rl_full_{self.number}" if self.predicate is not None else "rl_any"

    @property
    def table(self) -> str:
        return f"rl_full_{self.number}"

    @property
    def old(self) -> str:
        """What was known before the last round."""
        own = f"SELECT s, p, o FROM {self.table} WHERE round IS NULL OR round < getvariable('{LAST_ROUND}')"
        return f"({own})" if self.predicate is not None else f"(SELECT s, p, o FROM rl_known UNION ALL {own})"

    def delta(self, parity: int) -> str:
        return f"rl_delta_{self.number}_{parity}"


def recursions(rules: Sequence[Rule], read: Iterable[a.TriplePattern]) -> list[Recursion]:
    """The relations to keep for a stratum whose rules conclude their heads and read the patterns `read` recursively."""
    heads = [head for rule in rules for head in rule.head]
    recursive = [pattern for pattern in read if any(can_match(pattern, head) for head in heads)]
    if any(isinstance(pattern.predicate, a.Var) for pattern in [*heads, *recursive]):
        return [Recursion(0, None, None)]
    typed = [pattern for pattern in [*heads, *recursive] if pattern.predicate == RDF_TYPE]
    by_class = all(isinstance(pattern.object, (NamedNode, Literal)) for pattern in typed)
    keys = dict.fromkeys(
        (head.predicate, head.object if by_class and head.predicate == RDF_TYPE else None) for head in heads
    )
    return [Recursion(i, predicate, cls) for i, (predicate, cls) in enumerate(keys)]


def recursion_of(pattern: a.TriplePattern, all_of: Sequence[Recursion]) -> Recursion:
    """The relation that a recursive pattern reads, or that a head adds to."""
    for recursion in all_of:
        if recursion.predicate is None or (
            pattern.predicate == recursion.predicate and recursion.object in (None, pattern.object)
        ):
            return recursion
    raise AssertionError("a recursive pattern without its relation")


def _ground(term: a.Term | a.TripleTerm) -> a.Term | Triple:
    if isinstance(term, a.TripleTerm):
        return Triple(_ground(term.subject), term.predicate, _ground(term.object))
    return term


def _constants(thing: object):
    if isinstance(thing, (NamedNode, Literal, BlankNode)):
        yield thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _constants(part)
    elif hasattr(thing, "__dataclass_fields__"):
        for name in thing.__dataclass_fields__:
            if name != "position":
                yield from _constants(getattr(thing, name))
