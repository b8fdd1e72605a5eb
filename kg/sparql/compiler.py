"""The compiler's state for one query: names, parameters, constants, the dataset, what the store knows.

Compilation itself is functions over this state: `patterns.py` for the operators of the algebra, `triples.py` and
`paths.py` for graph patterns, `modifiers.py` and `aggregates.py` for solution modifiers, `expressions.py` for
expressions. `compile.py` is the public door.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyoxigraph import NamedNode

from kg import terms
from kg.errors import Location, NotSupported
from kg.sparql import algebra
from kg.sparql.deadline import too_large, unlimited
from kg.sparql.relations import Environment, Relation
from kg.sparql.services import Services
from kg.sparql.values import ALL_TAGS, ID, Term, Value, tag_class, tag_classes
from kg.store import Store
from kg.terms import DEFAULT_GRAPH, TAG_BITS

# ── The dataset ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Dataset:
    """What FROM, FROM NAMED and the dataset mode make of the store's graphs, as ids.

    `default` None is the store's own default graph: the union of all graphs, or graph 0 where `is_strict`. `named`
    None is all named graphs.
    """

    is_strict: bool = False
    default: tuple[int, ...] | None = None
    named: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Sources:
    """Other relations in the place of the store's triples, for rule evaluation.

    `default` is the relation (columns s, p, o) behind every triple pattern that `replaced` does not name; None is the
    store. `replaced` maps `id(pattern)` of a triple pattern's object to a relation's name, so two patterns that are
    equal as values can still read different relations. `statistics` tells, as `Store.statistics` does, what those
    relations hold; None assumes nothing.
    """

    default: str | None = None
    replaced: Mapping[int, str] = field(default_factory=dict)
    statistics: Mapping[int, object] | None = None


def used_parameters(parameters: Mapping[str, object], sql: str) -> dict[str, object]:
    """Those parameters that the statement mentions; DuckDB refuses others."""
    names = set(re.findall(r"\$(p\d+)", sql))
    return {name: value for name, value in parameters.items() if name in names}


# DuckDB plans a join of 100 tables, or a thousand small ones, in about a second; the time grows with their square.
_MOST_JOINED, _MOST_TABLES = 100, 1000

# ── The compiler ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Compiler:
    """See the head of this file. `text` is the query's, for the places in error messages."""

    store: Store
    dataset: Dataset = Dataset()
    sources: Sources | None = None
    text: str | None = None
    base: str | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    local_terms: dict[Term, int] = field(default_factory=dict)
    needs_local_terms: bool = False
    reads_facts: bool = False  # single facts may be read while compiling: the plan is for the store as it is now
    volatile: bool = False  # the plan holds a value of this very run (NOW, RAND, UUID) and must not be cached
    services: Services | None = None  # the endpoints that SERVICE may ask; None refuses all
    asks_others: bool = False  # the plan holds what other endpoints answer now
    check: Callable[[], None] = unlimited  # raises when the time for compiling is up
    compile_pattern: Callable[[Compiler, algebra.Pattern, Environment], Relation] | None = None
    _known: dict[Term, int | None] = field(default_factory=dict)
    _tables: int = 0
    _counter: int = 0
    _names: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _parameter_names: dict[tuple[type, object], str] = field(default_factory=dict)
    _now: str | None = None

    # ── Names and parameters ─────────────────────────────────────────────────────────────────────────────────

    def fresh(self, prefix: str) -> str:
        """An alias or column name that nothing else in this query uses."""
        self._counter += 1
        return f"{prefix}{self._counter}"

    def column(self, variable: str) -> str:
        """The quoted column of a variable; SQL folds case, SPARQL does not."""
        name = self._names.get(variable)
        if name is None:
            plain = variable if variable.isascii() and variable.isidentifier() else self.fresh("x")
            name = f"v_{plain}"
            if name.lower() in self._taken:
                name = self.fresh(f"{name}_")
            self._taken.add(name.lower())
            self._names[variable] = name
        return name

    def parameter(self, value: object) -> str:
        """The placeholder of a bound value."""
        key = (type(value), value)
        name = self._parameter_names.get(key)
        if name is None:
            name = f"p{len(self.parameters) + 1}"
            self._parameter_names[key] = name
            self.parameters[name] = value
        return f"${name}::VARCHAR" if isinstance(value, str) else f"${name}"

    def array(self, values: list[object]) -> str:
        """The placeholder of a bound list."""
        name = f"p{len(self.parameters) + 1}"
        self.parameters[name] = values
        return f"${name}"

    def not_supported(self, what: str, position: tuple[int, int] | None = None, help: str | None = None) -> NotSupported:
        place = Location.in_text(self.text, *position) if self.text and position else None
        return NotSupported("Q301", f"{what} is not supported", place, help=help)

    # ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────

    def look_up_all(self, wanted: Iterable[Term]) -> None:
        """Look up many terms at once; `lookup`, `constant` and `ids` remember them."""
        distinct = [term for term in dict.fromkeys(wanted) if term not in self._known]
        self._known.update(zip(distinct, self.store.lookup_many(distinct), strict=True))

    def lookup(self, term: Term) -> int | None:
        if term not in self._known:
            self._known[term] = self.store.lookup(term)
        return self._known[term]

    def constant(self, term: Term) -> Value:
        """A constant as an ID value; one that the store lacks gets an id of this query's own."""
        term_id = self.lookup(term)
        if term_id is not None:
            return Value(ID, str(term_id), False, tags=frozenset({tag_class(term_id >> TAG_BITS)}), term=term)
        term_id = self._local_id(term)
        return Value(ID, f"({term_id})", False, tags=frozenset({-term_id >> TAG_BITS}), local=True, term=term)

    def ids(self, wanted: Sequence[Term]) -> list[int]:
        """The ids of many terms, negative ones for those that the store lacks."""
        self.look_up_all(wanted)
        found = map(self._known.__getitem__, wanted)
        return [self._local_id(term) if term_id is None else term_id for term, term_id in zip(wanted, found, strict=True)]

    def _local_id(self, term: Term) -> int:
        if term not in self.local_terms:
            tag = terms.dictionary_key(term)[0]
            self.local_terms[term] = -((tag << TAG_BITS) | (len(self.local_terms) + 1))
        return self.local_terms[term]

    def dictionary_table(self, local: bool) -> str:
        """The relation with the dictionary's columns for ids that may, or may not, be of this query's own."""
        if local:
            self.needs_local_terms = True
            return "kg_terms"
        return "dictionary"

    @property
    def now(self) -> str:
        """The lexical form of NOW(), one and the same throughout a query (section 17.4.5.1)."""
        self.volatile = True
        if self._now is None:
            self._now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return self._now

    def count_tables(self, joined: int) -> None:
        """Take note of a join of so many tables; LimitExceeded where planning it, which nothing can interrupt, would take seconds."""
        self._tables += joined
        if joined > _MOST_JOINED or self._tables > _MOST_TABLES:
            notes = [f"it joins {joined} triple patterns; at most {_MOST_JOINED} are accepted"] if joined > _MOST_JOINED else []
            raise too_large("query", notes or [f"it has more than {_MOST_TABLES} triple patterns"])

    def read(self, sql: str) -> list[tuple]:
        """Rows of the store as a query would see them."""
        cursor = self.store.cursor()
        try:
            return cursor.execute(sql).fetchall()
        finally:
            cursor.close()

    @property
    def templates(self) -> Mapping[int, tuple[str, str]]:
        """The registered IRI templates: number → (prefix, suffix)."""
        return self.store.dictionary.templates.by_number

    # ── What the store knows ─────────────────────────────────────────────────────────────────────────────────

    def statistics(self, pattern: algebra.TriplePattern | None = None) -> Mapping[int, object] | None:
        """Per predicate, what is known of the relation behind a pattern; None where nothing is."""
        if self.sources is None:
            return self.store.statistics
        if pattern is not None and id(pattern) not in self.sources.replaced and self.sources.default is None:
            return self.store.statistics
        return self.sources.statistics

    def object_tags(self, pattern: algebra.TriplePattern, predicate: int | None) -> frozenset[int]:
        """The tags that the objects of a triple pattern may have; empty where no triple can match."""
        known = self.statistics(pattern)
        if known is None:
            return ALL_TAGS
        if predicate is not None:
            found = known.get(predicate)
            return tag_classes(found.tags) if found is not None else frozenset()
        return tag_classes(tag for found in known.values() for tag in found.tags)

    def graph_ids(self, iris: Iterable[NamedNode]) -> tuple[int, ...]:
        """The ids of those graphs that the store knows."""
        found = (self.lookup(iri) for iri in iris)
        return tuple(graph_id for graph_id in found if graph_id is not None and graph_id != DEFAULT_GRAPH)

    # ── Relations ────────────────────────────────────────────────────────────────────────────────────────────

    def pattern(self, pattern: algebra.Pattern, environment: Environment) -> Relation:
        assert self.compile_pattern is not None
        return self.compile_pattern(self, pattern, environment)

    def unit(self) -> Relation:
        """One solution that binds nothing."""
        return Relation("SELECT 1 AS unit", {}, is_unit=True)

    def empty(self, variables: Iterable[str] = ()) -> Relation:
        """No solution."""
        columns = {name: Value(ID, self.column(name), False) for name in variables}
        selected = ", ".join(f"NULL::BIGINT AS {column.sql}" for column in columns.values()) or "1 AS unit"
        return Relation(f"SELECT {selected} WHERE false", columns, is_empty=True)
