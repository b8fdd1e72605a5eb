"""The solutions of an update's pattern as a table of ids: what it computes is interned by joins, never row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kg.sparql.algebra import Var
from kg.sparql.compile import CompiledPattern, term_rows
from kg.sparql.conversions import inlined, is_inlinable
from kg.sparql.strings import register_python_functions
from kg.sparql.values import ALL_TAGS, EXACT, ID, Value
from kg.store import Store
from kg.terms import TAG_BITS, TAG_BLANK

TABLE = "kg_bound"  # a column of ids, NULL where unbound, for each variable and each blank node of the templates


def solutions(store: Store, compiled: CompiledPattern, blank_nodes: Sequence[Var]) -> dict[str, Value]:
    """Run a compiled pattern into the table kg_bound, its new terms interned, with fresh blank nodes for each solution.

    Returns its columns by the names of variables and blank nodes. Without blank nodes, solutions that are equal are stored once: a graph is a set.
    """
    run = store.connection.execute
    distinct = "" if blank_nodes else "DISTINCT "
    register_python_functions(store.connection, compiled.sql)
    run(f"CREATE OR REPLACE TEMP TABLE kg_solutions AS SELECT {distinct}* FROM ({compiled.sql})", compiled.parameters or None)
    selected, joins, columns = [], [], {}
    for place, (name, column) in enumerate(_measured(store, compiled.columns).items()):
        if is_inlinable(column) and not column.local:
            value = inlined(column.at("s"))
        else:
            computed = f"kg_computed{place}"
            _intern(store, replace(compiled, columns={name: column}), name, computed)
            joins.append(f" LEFT JOIN {computed} ON {computed}.value IS NOT DISTINCT FROM s.{column.sql}")
            value = Value(ID, f"{computed}.id", tags=ALL_TAGS)
        columns[name] = replace(value, sql=column.sql, tags=value.tags or ALL_TAGS, term=None)
        selected.append(f"{value.sql} AS {column.sql}")
    selected += ["row_number() OVER () AS kg_number"] if blank_nodes else []
    run(f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {', '.join(selected) or '1 AS unit'} FROM kg_solutions AS s{''.join(joins)}")
    run("DROP TABLE kg_solutions")
    return columns | _with_blank_nodes(store, blank_nodes)


def _measured(store: Store, columns: Mapping[str, Value]) -> Mapping[str, Value]:
    """The columns with the size that their numbers have in fact: nearly always small enough for ids by arithmetic."""
    exact = {name: column for name, column in columns.items() if column.kind == EXACT and not is_inlinable(column)}
    if not exact:
        return columns
    largest = ", ".join(f"coalesce(greatest(max({column.sql}), -min({column.sql})), 0)::HUGEINT" for column in exact.values())
    sizes = store.connection.execute(f"SELECT {largest} FROM kg_solutions").fetchone()
    measured = {name: replace(column, bits=size.bit_length()) for (name, column), size in zip(exact.items(), sizes, strict=True)}
    return {**columns, **measured}


def _intern(store: Store, compiled: CompiledPattern, name: str, table: str) -> None:
    """Make `table` (value, id) of the values of a column of kg_solutions, the terms that the store lacks added to it."""
    run = store.connection.execute
    column = compiled.columns[name].sql
    values = replace(compiled, sql=f"SELECT DISTINCT {column} FROM kg_solutions WHERE {column} IS NOT NULL")
    select, parameters = term_rows(values, store, name)
    run(f"CREATE OR REPLACE TEMP TABLE kg_computed AS {select}", parameters or None)
    store.intern("SELECT -term.id AS tag, term.lex AS lex, term.extra AS extra FROM kg_computed WHERE term.id < 0")
    run(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT c.value, CASE WHEN c.term.id >= 0 THEN c.term.id ELSE d.id END AS id FROM kg_computed AS c "
        f"LEFT JOIN dictionary AS d ON c.term.id < 0 AND d.lex = c.term.lex AND d.extra = c.term.extra AND d.id >> {TAG_BITS} = -c.term.id"
    )
    run("DROP TABLE kg_computed")


def _with_blank_nodes(store: Store, blank_nodes: Sequence[Var]) -> dict[str, Value]:
    """Add a column of new blank nodes to kg_bound for each of those in the template."""
    if not blank_nodes:
        return {}
    run, prefix = store.connection.execute, store.blank_node_prefix()
    columns = {}
    for place, node in enumerate(blank_nodes):
        column = f"kg_blank{place}"
        label = f"'{prefix}{place}-' || b.kg_number"
        store.intern(f"SELECT {TAG_BLANK} AS tag, {label} AS lex, '' AS extra FROM {TABLE} AS b")
        run(
            f"CREATE OR REPLACE TEMP TABLE kg_labelled AS SELECT b.*, d.id AS {column} FROM {TABLE} AS b "
            f"JOIN dictionary AS d ON d.lex = {label} AND d.extra = '' AND d.id >> {TAG_BITS} = {TAG_BLANK}"
        )
        run(f"DROP TABLE {TABLE}")
        run(f"ALTER TABLE kg_labelled RENAME TO {TABLE}")
        columns[node.name] = Value(ID, column, False, tags=frozenset({TAG_BLANK}))
    return columns
