"""Relations: SELECT statements with typed columns, and the scope in which an expression sees one of them.

A `Relation` is a multiset of solutions. A `Scope` is a relation about to be filtered, extended or grouped: expressions
ask it for variables, for dictionary rows (a LEFT JOIN each) and for intermediate values (a column each), and it wraps
the relation accordingly. Everything a scope offers is a column of one alias, so that layers can be stacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kg.errors import NotSupported
from kg.sparql import algebra
from kg.sparql.values import Term, Value
from kg.terms import TAG_BITS


class Compilation(Protocol):
    """What expressions ask of the query that they are part of; `compiler.py` offers it."""

    base: str | None

    def check(self) -> None: ...
    def fresh(self, prefix: str) -> str: ...
    def parameter(self, value: object) -> str: ...
    def array(self, values: list[object]) -> str: ...
    def constant(self, term: Term) -> Value: ...
    def ids(self, wanted: Sequence[Term]) -> list[int]: ...
    def dictionary_table(self, local: bool) -> str: ...
    def not_supported(self, what: str, position: tuple[int, int] | None = None, help: str | None = None) -> NotSupported: ...
    def pattern(self, pattern: algebra.Pattern, environment: Environment) -> Relation: ...
    @property
    def now(self) -> str: ...
    @property
    def templates(self) -> Mapping[int, tuple[str, str]]: ...


@dataclass(frozen=True)
class Relation:
    """`sql` is a SELECT; `columns` maps variable names to its columns; `order` are its ORDER BY keys, still to be
    applied: SQL over its columns, which may be more than those in `columns`."""

    sql: str
    columns: Mapping[str, Value]
    order: tuple[str, ...] = ()
    is_empty: bool = False  # known to have no solution
    is_unit: bool = False  # exactly one solution, which binds nothing
    hidden: tuple[str, ...] = ()  # columns that only `order` uses
    is_constant: bool = False  # exactly one solution, whose columns are terms that were read while compiling

    def derived(self, alias: str) -> str:
        return f"({self.sql}) AS {alias}"

    def with_columns(self, columns: Mapping[str, Value]) -> Relation:
        return replace(self, columns=columns)


@dataclass(frozen=True)
class DictionaryRow:
    """SQL of the dictionary's fields for one id."""

    lex: str
    extra: str
    number: str
    double: str
    instant: str


@dataclass(frozen=True)
class Table:
    """A table of term ids that the caller keeps, as an element of a basic graph pattern: its rows are joined like the
    matches of a triple pattern. `columns` are (variable, column, tags, whether ids of this query's own may occur)."""

    name: str
    columns: tuple[tuple[str, str, frozenset[int], bool], ...]


@dataclass(frozen=True)
class DefaultGraph:
    """The dataset's default graph."""


@dataclass(frozen=True)
class NamedGraph:
    """One named graph; `graph_id` None is a graph that the dataset does not have."""

    graph_id: int | None


@dataclass(frozen=True)
class EveryNamedGraph:
    """`GRAPH ?g`: each named graph in turn; its id is carried along in the column of the hidden variable."""

    variable: str


ActiveGraph = DefaultGraph | NamedGraph | EveryNamedGraph


@dataclass(frozen=True)
class Environment:
    """Where a pattern stands: the active graph, and the scope around it inside an EXISTS."""

    graph: ActiveGraph = DefaultGraph()
    outer: Scope | None = None
    substitutes: bool = False  # the patterns themselves take the variables of `outer` as fixed

    def within(self, graph: ActiveGraph) -> Environment:
        return replace(self, graph=graph)

    def sub_select(self) -> Environment:
        """Inside a sub-select, whose variables are its own."""
        return replace(self, outer=None, substitutes=False)


class ScopeNeedsJoin(Exception):
    """Raised inside a scope that cannot take joins; the caller chooses another plan."""


@dataclass
class Scope:
    """What an expression can see. `environment.outer` is the scope around an EXISTS: its columns are correlated references."""

    compiler: Compilation
    alias: str
    source: str  # a table expression without alias
    columns: Mapping[str, Value]  # already prefixed with the alias
    environment: Environment
    can_join: bool = True
    _rows: dict[str, DictionaryRow] = field(default_factory=dict)
    _lets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def over(cls, compiler: Compilation, relation: Relation, environment: Environment) -> Scope:
        alias = compiler.fresh("r")
        columns = {name: column.at(alias) for name, column in relation.columns.items()}
        return cls(compiler, alias, f"({relation.sql})", columns, environment)

    @property
    def outer(self) -> Scope | None:
        return self.environment.outer

    @property
    def from_clause(self) -> str:
        return f"FROM {self.source} AS {self.alias}"

    def variable(self, name: str) -> Value | None:
        """The value of a variable here or, in an EXISTS, around; None where it cannot be bound."""
        around = self.outer.variable(name) if self.outer is not None else None
        if name not in self.columns:
            return around
        value = self.columns[name]
        if around is None or not value.nullable or (value.kind, value.scale) != (around.kind, around.scale):
            return value
        # What the pattern of an EXISTS leaves unbound is what the solution around it binds (section 18.6).
        tags, local = value.tags | around.tags, value.local or around.local
        return replace(value, sql=f"coalesce({value.sql}, {around.sql})", nullable=around.nullable, tags=tags, local=local, bits=max(value.bits, around.bits), term=None)

    def _owner(self, sql: str) -> Scope:
        """The scope whose columns `sql` reads: its own unless it reads only those of a scope around."""
        scope = self
        while scope.outer is not None and f"{scope.alias}." not in sql and f"{scope.outer.alias}." in sql:
            scope = scope.outer
        return scope

    def dictionary(self, id_sql: str, local: bool = False, tag: int | None = None) -> DictionaryRow:
        """The dictionary's fields of an id; all NULL where the id is inlined or NULL, or has another tag than `tag`."""
        owner = self._owner(id_sql)
        if owner is not self:
            return owner.dictionary(id_sql, local, tag)
        known = id_sql if tag is None else f"{tag} {id_sql}"
        if known in self._rows:
            return self._rows[known]
        if not self.can_join:
            raise ScopeNeedsJoin
        name = self.compiler.fresh("d")
        fields = ("lex", "extra", "number", "double", "instant")
        selected = ", ".join(f"{name}.{field} AS {name}_{field}" for field in fields)
        table = self.compiler.dictionary_table(local)
        if tag is not None:
            table = f"(SELECT * FROM {table} WHERE id BETWEEN {tag << TAG_BITS} AND {((tag + 1) << TAG_BITS) - 1})"
        self.source = (
            f"(SELECT {self.alias}.*, {selected} FROM {self.source} AS {self.alias} "
            f"LEFT JOIN {table} AS {name} ON {name}.id = {id_sql})"
        )
        row = DictionaryRow(*(f"{self.alias}.{name}_{field}" for field in fields))
        self._rows[known] = row
        return row

    def stored_term(self, tag: int, lex: str, extra: str) -> str:
        """SQL of the id under which the dictionary has a term; NULL where it lacks it."""
        owner = self._owner(f"{lex} {extra}")
        if owner is not self:
            return owner.stored_term(tag, lex, extra)
        key = f"{tag} {lex} {extra}"
        if key in self._lets:
            return self._lets[key]
        if not self.can_join:
            raise ScopeNeedsJoin
        name = self.compiler.fresh("k")
        low, high = tag << TAG_BITS, ((tag + 1) << TAG_BITS) - 1
        self.source = (
            f"(SELECT {self.alias}.*, {name}.id AS {name} FROM {self.source} AS {self.alias} LEFT JOIN dictionary AS {name} "
            f"ON {name}.lex = {lex} AND {name}.extra = {extra} AND {name}.id BETWEEN {low} AND {high})"
        )
        self._lets[key] = f"{self.alias}.{name}"
        return self._lets[key]

    def let(self, sql: str) -> str:
        """A column that holds `sql`, so that an expression can mention it several times."""
        if _is_simple(sql):
            return sql
        owner = self._owner(sql)
        if owner is not self:
            return owner.let(sql)
        if sql in self._lets:
            return self._lets[sql]
        if not self.can_join:
            return sql
        name = self.compiler.fresh("e")
        self.source = f"(SELECT {self.alias}.*, {sql} AS {name} FROM {self.source} AS {self.alias})"
        self._lets[sql] = f"{self.alias}.{name}"
        return self._lets[sql]

    def bind(self, value: Value) -> Value:
        """The same value with a cheap expression."""
        if value.term is not None:
            return value
        return replace(value, sql=self.let(value.sql))


def _is_simple(sql: str) -> bool:
    return len(sql) < 60 and " " not in sql
