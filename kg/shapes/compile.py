"""The state of one validation: its cursor, its temporary tables of nodes, and statements over them.

Focus nodes and value nodes are tables of term ids; a constraint is one `Statement` over such a table, whose rows are its
violations. A statement is made from the SPARQL algebra where the specification defines a constraint by SPARQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
from pyoxigraph import NamedNode

from kg.errors import QueryError
from kg.shapes.affected import Extent
from kg.shapes.model import Shape, ShapesGraph
from kg.sparql import algebra, patterns
from kg.sparql.algebra import Var
from kg.sparql.compiler import Compiler, Dataset
from kg.sparql.decode import Row, decoded
from kg.sparql.expressions import condition
from kg.sparql.local_terms import prelude
from kg.sparql.relations import Environment, Relation, Scope, Table
from kg.sparql.values import ALL_TAGS, ID, Value, null
from kg.store import Store
from kg.terms import Term

THIS, VALUE, PATH = Var("this"), Var("value"), Var("path")


@dataclass(frozen=True)
class Statement:
    """A SELECT whose `columns` are `this` and, where a result has them, `value`, `path` and further variables."""

    sql: str
    parameters: Mapping[str, object]
    columns: Mapping[str, Value]
    is_distinct: bool = False


@dataclass(frozen=True)
class Nodes:
    """A temporary table of distinct nodes, column f. Every subject of the properties `subjects_of` is among them."""

    table: str
    focus: Value
    subjects_of: frozenset[NamedNode] = frozenset()
    has_others: bool = True  # than the subjects of a single property


@dataclass(frozen=True)
class Pairs:
    """A table of distinct (focus node, value node) pairs; of a node shape, both are the column f (section 3.7)."""

    table: str
    focus: Value
    value: Value
    nodes: Nodes | None = None  # of a node shape: its focus nodes

    def element(self, *names: str) -> Table:
        """The table as part of a basic graph pattern that binds ?this and ?value, or only those named."""
        columns = {"this": self.focus, "value": self.value}
        return Table(self.table, tuple((name, columns[name].sql, columns[name].tags, columns[name].local) for name in names or columns))


@dataclass
class Validation:
    """`connection` sees the data graph; temporary tables live on it and go with `close`."""

    store: Store
    shapes: ShapesGraph
    connection: duckdb.DuckDBPyConnection
    dataset: Dataset = field(default_factory=Dataset)
    failing: Callable[[Validation, Shape, Nodes], Nodes | None] | None = None  # see constraints.py
    local_terms: dict[Term, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)  # with their numbers of rows
    instances: dict[Term, Nodes | None] = field(default_factory=dict)  # of classes, for the whole validation
    extent: Extent | None = None  # where not everything is checked
    classes: str | None = None  # of the nodes of the extent: a table (f, v)
    failures: dict[tuple[Term, str], Nodes | None] = field(default_factory=dict)  # of (shape, table of focus nodes)
    _values: dict[str, Nodes | None] = field(default_factory=dict)  # of tables of pairs
    _with_values: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Tables made inside, but for the instances of classes, go at the end of the block."""
        before = set(self.tables)
        try:
            yield
        finally:
            kept = before | {one.table for one in self.instances.values() if one is not None} | {self.classes}
            for table in [table for table in self.tables if table not in kept]:
                self.execute(f"DROP TABLE {table}")
                del self.tables[table]
            self.failures = {key: found for key, found in self.failures.items() if key[1] in self.tables and self._stands(found)}
            self._values = {table: found for table, found in self._values.items() if table in self.tables and self._stands(found)}

    def _stands(self, nodes: Nodes | None) -> bool:
        return nodes is None or nodes.table in self.tables

    def close(self) -> None:
        for table in self.tables:
            self.execute(f"DROP TABLE {table}")
        self.tables.clear()

    @property
    def affected(self) -> Nodes:
        """The nodes of the extent."""
        return Nodes(self.extent.nodes, Value(ID, "f", False, tags=ALL_TAGS))

    # ── Statements ───────────────────────────────────────────────────────────────────────────────────────────

    def compiler(self) -> Compiler:
        return Compiler(self.store, dataset=self.dataset, local_terms=self.local_terms, compile_pattern=patterns.compile_pattern)

    def compile(self, pattern: algebra.Pattern, variables: Sequence[str] = ("this", "value"), is_distinct: bool = False) -> Statement | None:
        """The solutions of a pattern, each once (`is_distinct`: they are so already); None where there can be none."""
        compiler = self.compiler()
        relation = compiler.pattern(pattern, Environment())
        return None if relation.is_empty else self._statement(compiler, relation, variables, is_distinct)

    def _statement(self, compiler: Compiler, relation: Relation, variables: Sequence[str], is_distinct: bool) -> Statement:
        columns = {name: relation.columns.get(name) or null() for name in variables}
        selected = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(columns.values()))
        sql = f"{prelude(compiler)}SELECT {'' if is_distinct else 'DISTINCT '}{selected} FROM ({relation.sql})"
        named = {name: column.named(f"c{place}") for place, (name, column) in enumerate(columns.items())}
        return Statement(sql, used(compiler.parameters, sql), named, is_distinct=True)

    def where_not(self, pairs: Pairs, expression: algebra.Expression, pattern: algebra.Pattern | None = None) -> Statement | None:
        """The pairs for which an expression over ?this and ?value is not true; an error is not. The variables that
        `pattern` binds besides are further columns, so that a pair may come several times."""
        compiler = self.compiler()
        relation = compiler.pattern(pattern or algebra.BGP((pairs.element(),)), Environment())
        if relation.is_empty:
            return None
        scope = Scope.over(compiler, relation, Environment())
        test = condition(expression, scope)
        columns = {name: scope.columns[name] for name in ("this", "value", *(name for name in scope.columns if name not in ("this", "value")))}
        selected = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(columns.values()))
        sql = f"{prelude(compiler)}SELECT {selected} {scope.from_clause} WHERE NOT coalesce({test}, false)"
        named = {name: column.named(f"c{place}") for place, (name, column) in enumerate(columns.items())}
        return Statement(sql, used(compiler.parameters, sql), named)

    def rows_where(self, pairs: Pairs, test: str) -> Statement | None:
        """The pairs that meet an SQL condition over their table, alias t; None where it is `false`."""
        if test == "false":
            return None
        sql = f"SELECT t.{pairs.focus.sql} AS f, t.{pairs.value.sql} AS v FROM {pairs.table} AS t WHERE {test}"
        return Statement(sql, {}, {"this": pairs.focus.named("f"), "value": pairs.value.named("v")})

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────

    def execute(self, sql: str, parameters: Mapping[str, object] | None = None) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(sql, dict(parameters) if parameters else None)
        except duckdb.Error as error:
            notes = [str(error).splitlines()[0]]
            raise QueryError("Q390", "a compiled constraint failed", notes=notes, help="this is a fault of the compiler: please report the shape") from error

    def rows(self, statement: Statement) -> list[Row]:
        """The terms of a statement's rows."""
        found = self.execute(statement.sql, statement.parameters).fetchall()
        known = {term_id: term for term, term_id in self.local_terms.items()}
        return decoded(found, statement.columns.values(), self.store, known) if found else []

    def table(self, statement: Statement, names: Sequence[str]) -> str:
        """A temporary table with the first columns of a statement, under `names`."""
        self._number += 1
        table = f"kg_shapes_{self._number}"
        columns = ", ".join(f"{column.sql} AS {name}" for name, column in zip(names, statement.columns.values(), strict=False))
        created = self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {columns} FROM ({statement.sql})", statement.parameters)
        self.tables[table] = created.fetchone()[0]
        return table

    def focus_with_values(self, pairs: Pairs) -> int:
        """How many focus nodes have value nodes; found once a table."""
        if pairs.table not in self._with_values:
            self._with_values[pairs.table] = self.execute(f"SELECT count(DISTINCT f) FROM {pairs.table}").fetchone()[0]
        return self._with_values[pairs.table]

    def is_empty(self, table: str) -> bool:
        return self.tables[table] == 0

    # ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────

    def nodes(self, statement: Statement | None, is_distinct: bool = False) -> Nodes | None:
        """The distinct nodes of a statement's column `this`, materialised; None where there are none."""
        if statement is None:
            return None
        if not is_distinct and not (statement.is_distinct and len(statement.columns) == 1):
            column = statement.columns["this"]
            statement = Statement(f"SELECT DISTINCT {column.sql} FROM ({statement.sql})", statement.parameters, {"this": column})
        found = Nodes(self.table(statement, ("f",)), statement.columns["this"].named("f"))
        return None if self.is_empty(found.table) else found

    def constants(self, terms: Sequence[Term]) -> Statement:
        """Terms that a shapes graph names, whether the data graph has them or not."""
        compiler = self.compiler()
        values = [compiler.constant(term) for term in terms]
        tags = frozenset(tag for value in values for tag in value.tags)
        rows = ", ".join(f"({value.sql}::BIGINT)" for value in values)
        focus = Value(ID, "f", False, tags=tags, local=any(value.local for value in values))
        return Statement(f"SELECT f FROM (VALUES {rows}) AS t(f)", {}, {"this": focus})

    def union(self, statements: Sequence[Statement]) -> Nodes | None:
        """The distinct nodes of the column `this` of several statements."""
        several = [self.nodes(statement) for statement in statements]
        found = [one for one in several if one is not None]
        if len(found) < 2:
            return found[0] if found else None
        tags = frozenset(tag for one in found for tag in one.focus.tags)
        focus = Value(ID, "f", False, tags=tags, local=any(one.focus.local for one in found))
        return self.nodes(Statement(" UNION ".join(f"SELECT f FROM {one.table}" for one in found), {}, {"this": focus}), is_distinct=True)

    def values(self, shape: Shape, focus: Nodes) -> Pairs:
        """The value nodes of focus nodes (section 2.3.1 and 3.7)."""
        if shape.path is None:
            return Pairs(focus.table, focus.focus, focus.focus, focus)
        elements = (algebra.PathPattern(THIS, shape.path, VALUE),)
        is_everything = isinstance(shape.path, algebra.Link) and shape.path.iri in focus.subjects_of
        pattern = algebra.BGP(elements if is_everything else (self.focus_element(focus), *elements))
        statement = self.compile(pattern, is_distinct=isinstance(shape.path, algebra.Link))  # a graph is a set
        if statement is None:
            empty = Value(ID, "v", False, tags=ALL_TAGS)
            statement = Statement("SELECT NULL::BIGINT AS f, NULL::BIGINT AS v WHERE false", {}, {"this": focus.focus, "value": empty})
        columns = statement.columns
        pairs = Pairs(self.table(statement, ("f", "v")), columns["this"].named("f"), columns["value"].named("v"))
        if is_everything and not focus.has_others:
            self._with_values[pairs.table] = self.tables[focus.table]
        return pairs

    def focus_element(self, focus: Nodes) -> Table:
        return Table(focus.table, (("this", "f", focus.focus.tags, focus.focus.local),))

    def distinct_values(self, pairs: Pairs) -> Nodes | None:
        """The value nodes as focus nodes of another shape."""
        if pairs.value.sql == pairs.focus.sql:
            return pairs.nodes or Nodes(pairs.table, pairs.focus)
        if pairs.table not in self._values:
            self._values[pairs.table] = self.nodes(Statement(f"SELECT v FROM {pairs.table}", {}, {"this": pairs.value}))
        return self._values[pairs.table]

    def values_of(self, focus: Nodes | Pairs, predicate: NamedNode) -> str | None:
        """A table (f, v) of the values of a property of focus nodes; None where there are none."""
        element = Table(focus.table, (("this", "f", focus.focus.tags, focus.focus.local),))
        statement = self.compile(algebra.BGP((element, algebra.TriplePattern(THIS, predicate, VALUE))), is_distinct=True)
        return None if statement is None else self.table(statement, ("f", "v"))

    def id_of(self, term: Term) -> int | None:
        """The id of a term that the data graph or this validation knows."""
        found = self.store.lookup(term)
        return self.local_terms.get(term) if found is None else found


def used(parameters: Mapping[str, object], sql: str) -> dict[str, object]:
    """Those parameters that the statement mentions; DuckDB refuses others."""
    names = set(re.findall(r"\$(p\d+)", sql))
    return {name: value for name, value in parameters.items() if name in names}
