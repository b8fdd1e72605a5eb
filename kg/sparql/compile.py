"""The SPARQL→SQL compiler's door: a query, or a single pattern, as one SQL statement with typed columns.

>>> from kg.store import Store
>>> from kg.sparql.parser import parse_query
>>> compiled = compile_query(parse_query("SELECT ?s { ?s ?p 1 }"), Store.memory())
>>> list(compiled.columns)
['s']

The rule engine compiles bodies with `compile_pattern`, replaces the relations behind single triple patterns by its own
(`Sources`). A writer turns what a pattern computes into terms of the store by `term_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kg.sparql import algebra, patterns
from kg.sparql.compiler import Compiler, Dataset, Sources, used_parameters
from kg.sparql.constants import constants
from kg.sparql.construct import triples_of
from kg.sparql.conversions import general
from kg.sparql.deadline import unlimited
from kg.sparql.local_terms import prelude
from kg.sparql.modifiers import ordered
from kg.sparql.relations import Environment, Relation, Scope
from kg.sparql.services import Services
from kg.sparql.substitute import in_template, substituted
from kg.sparql.values import Column, Term, null
from kg.store import Store


@dataclass(frozen=True)
class CompiledPattern:
    """`sql` is a SELECT (fit for FROM) whose columns `columns` describes: variable → Column, whose `sql` is the column's name.

    Every column is a term id or a typed value, see `values.py`; NULL is unbound. `parameters` are to be bound by name.
    `local_terms` are constants of the query that the dictionary lacks, under their negative ids.
    """

    sql: str
    parameters: dict[str, object]
    columns: Mapping[str, Column]
    local_terms: Mapping[int, Term]
    is_empty: bool = False  # known to have no solution
    is_volatile: bool = False  # holds a value of this very moment (NOW, UUID, what SERVICE answers): not to be used again


@dataclass(frozen=True)
class CompiledQuery(CompiledPattern):
    """A pattern together with the query that it answers."""

    query: algebra.Query | None = None
    rows: Sequence[tuple[Term | None, ...]] | None = None  # the solutions, where they have been found already


def compile_query(
    query: algebra.Query,
    store: Store,
    *,
    strict: bool = False,
    bindings: Mapping[str, Term] | None = None,
    text: str | None = None,
    base: str | None = None,
    services: Services | None = None,
    check: Callable[[], None] = unlimited,
) -> CompiledQuery:
    """Compile a query. `strict` reads the dataset as SPARQL 1.1 does: the default graph is graph 0, not the union.

    The result holds for the store as it is now: facts about single subjects may be compiled in. `bindings` fixes variables to terms.
    Endpoints that SERVICE names are asked at once, as far as `services` allows. `check` is called all the while, and raises when the
    time is up. Raises NotSupported, with the place if `text` is given, and QueryError.
    """
    compiler = Compiler(store, text=text, base=base, reads_facts=True, services=services, check=check, compile_pattern=patterns.compile_pattern)
    compiler.dataset = dataset_of(compiler, query.dataset, strict)
    pattern = query.pattern
    if bindings:
        pattern = substituted(pattern, bindings)
        if isinstance(query, algebra.Construct):
            query = replace(query, template=tuple(in_template(triple, bindings) for triple in query.template))
    if isinstance(query, algebra.Ask):
        pattern = algebra.Slice(pattern, 0, 1)
    compiler.look_up_all(constants(pattern))
    relation = compiler.pattern(pattern, Environment())
    if isinstance(query, algebra.Construct):
        relation = triples_of(compiler, relation, query)
    names = [variable.name for variable in query.variables] if isinstance(query, algebra.Select) else list(relation.columns)
    relation = _named(compiler, relation, names)
    of_bgp = isinstance(query, algebra.Select) and isinstance(getattr(pattern, "pattern", None) if isinstance(pattern, algebra.Project) else pattern, algebra.BGP)
    found = tuple(column.term for column in relation.columns.values()) if of_bgp and relation.is_constant else (None,)
    sql = prelude(compiler) + (_sorted(compiler, relation) if relation.order else relation.sql)
    return CompiledQuery(
        sql,
        used_parameters(compiler.parameters, sql),
        relation.columns,
        {term_id: term for term, term_id in compiler.local_terms.items()},
        relation.is_empty,
        compiler.volatile or compiler.asks_others,
        query,
        None if None in found else [found],
    )


def _sorted(compiler: Compiler, relation: Relation) -> str:
    names = ", ".join(column.sql for column in relation.columns.values()) or "1 AS unit"
    return f"SELECT {names} FROM ({relation.sql}) AS {compiler.fresh('r')}{ordered(relation)}"


def _named(compiler: Compiler, relation: Relation, names: Iterable[str]) -> Relation:
    """The relation with exactly these columns, in this order."""
    columns = {name: relation.columns.get(name) for name in names}
    if list(columns) == list(relation.columns):
        return relation
    selected = [f"{null().sql} AS {compiler.column(n)}" if c is None else c.sql for n, c in columns.items()]
    selected += relation.hidden
    columns = {name: column or null().named(compiler.column(name)) for name, column in columns.items()}
    return Relation(
        f"SELECT {', '.join(selected) or '1 AS unit'} FROM ({relation.sql}) AS {compiler.fresh('r')}",
        columns, relation.order, relation.is_empty, hidden=relation.hidden,
    )  # fmt: skip


def dataset_of(compiler: Compiler, dataset: algebra.Dataset, strict: bool) -> Dataset:
    """FROM and FROM NAMED over the store's own graphs; a graph that it lacks is empty, nothing is fetched (section 13.2)."""
    if not dataset.is_given:
        return Dataset(strict)
    return Dataset(strict, compiler.graph_ids(dataset.default), compiler.graph_ids(dataset.named))


def compile_pattern(
    pattern: algebra.Pattern,
    store: Store,
    sources: Sources | None = None,
    *,
    dataset: Dataset = Dataset(),  # noqa: B008 - frozen
    text: str | None = None,
    base: str | None = None,
    services: Services | None = None,
) -> CompiledPattern:
    """Compile a graph pattern over `dataset`, by default the union of all graphs. SERVICE asks what `services` allows.

    `sources` puts other relations (columns s, p, o) in the place of the store's triples: `Sources(default=…)` for all
    patterns, `Sources(replaced={id(triple_pattern): …})` for single ones. A replaced relation's content is unknown to
    the store's statistics: pass `Sources(statistics=…)` where it is known which kinds of objects it has.
    """
    compiler = Compiler(store, dataset, sources, text, base, services=services, compile_pattern=patterns.compile_pattern)
    relation = compiler.pattern(pattern, Environment())
    sql = prelude(compiler) + relation.sql
    return CompiledPattern(
        sql,
        used_parameters(compiler.parameters, sql),
        relation.columns,
        {term_id: term for term, term_id in compiler.local_terms.items()},
        relation.is_empty,
        compiler.volatile,
    )


def term_rows(compiled: CompiledPattern, store: Store, variable: str) -> tuple[str, dict[str, object]]:
    """A SELECT of `compiled`, and its parameters: each `value` of a variable, and its `term`, whatever kind of column it is.

    `term` is STRUCT(id, lex, extra): id ≥ 0 is that of the store; else -id is the dictionary tag of a term that it lacks,
    with its lexical form and extra: what `store.intern` takes.
    """
    compiler = Compiler(store, compile_pattern=patterns.compile_pattern)
    compiler.local_terms = {term: term_id for term_id, term in compiled.local_terms.items()}
    scope = Scope.over(compiler, Relation(compiled.sql, compiled.columns), Environment())
    term = general(scope.columns[variable], scope).sql
    sql = f"{prelude(compiler)}SELECT {scope.columns[variable].sql} AS value, {term} AS term {scope.from_clause}"
    return sql, used_parameters(compiler.parameters, sql)
