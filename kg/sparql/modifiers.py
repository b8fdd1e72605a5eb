"""Solution modifiers and grouping (SPARQL 1.1, sections 11, 15 and 18.5.1): Extend, Group, Project, Distinct, OrderBy, Slice."""

from __future__ import annotations

from dataclasses import replace

from kg.sparql import aggregates, algebra
from kg.sparql.compiler import Compiler
from kg.sparql.expressions import expression
from kg.sparql.functions import SOLUTION, labels_blank_nodes
from kg.sparql.ordering import order_keys
from kg.sparql.relations import Environment, EveryNamedGraph, Relation, Scope
from kg.sparql.values import EXACT, STRING, Value, null


def stored(value: Value) -> str:
    """SQL of a value as a column holds it."""
    return f"({value.sql})::{value.sql_type}" if value.kind == EXACT else value.sql


def extended(compiler: Compiler, relation: Relation, bindings: list[tuple[str, algebra.Expression]], environment: Environment) -> Relation:
    """Add a column for each (variable, expression); an error leaves it unbound."""
    if SOLUTION not in relation.columns and any(labels_blank_nodes(node) for _, node in bindings):
        relation = _told_apart(compiler, relation)
    scope = Scope.over(compiler, relation, environment)
    values = {name: expression(node, scope) for name, node in bindings}
    columns = dict(relation.columns)
    kept = [f"{scope.alias}.{name}" for name in [*(c.sql for n, c in relation.columns.items() if n not in values), *relation.hidden]]
    for name, value in values.items():
        column = compiler.column(name)
        kept.append(f"{stored(value)} AS {column}")
        columns[name] = value.named(column)
    return replace(relation, sql=f"SELECT {', '.join(kept)} {scope.from_clause}", columns=columns, is_unit=False)


def _told_apart(compiler: Compiler, relation: Relation) -> Relation:
    """With a column that differs from solution to solution, for BNODE(label)."""
    column = Value(STRING, compiler.column(SOLUTION), False)
    alias = compiler.fresh("r")
    sql = f"SELECT {alias}.*, uuid()::VARCHAR AS {column.sql} FROM ({relation.sql}) AS {alias}"
    return replace(relation, sql=sql, columns={**relation.columns, SOLUTION: column}, is_unit=False)


def group(compiler: Compiler, node: algebra.Group, environment: Environment) -> Relation:
    """GROUP BY with aggregates; without keys there is one group, also over no solution."""
    relation = compiler.pattern(node.pattern, environment)
    scope = Scope.over(compiler, relation, environment)
    keys = [(variable.name, expression(key or variable, scope)) for variable, key in node.keys]
    if isinstance(environment.graph, EveryNamedGraph) and environment.graph.variable in scope.columns:
        keys.append((environment.graph.variable, scope.columns[environment.graph.variable]))
    plan = aggregates.Plan(compiler, scope, may_be_empty=not keys)
    finishers = [(variable.name, aggregates.aggregate(node_, plan)) for variable, node_ in node.aggregates]
    selected, grouped, columns = [], [], {}
    for name, key in keys:
        sql, column = scope.let(stored(key) + " "), compiler.column(name)
        selected.append(f"{sql} AS {column}")
        grouped.append(sql)
        columns[name] = key.named(column)
    selected += [f"{sql} AS {column}" for sql, column in plan.columns.items()]
    by = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    inner = Relation(f"SELECT {', '.join(selected) or 'count(*) AS unit'} {scope.from_clause}{by}", columns)
    outer = Scope.over(compiler, inner, environment)
    values = {**outer.columns}
    for name, finish in finishers:
        values[name] = finish(outer)
    kept = ", ".join(f"{stored(value)} AS {compiler.column(name)}" for name, value in values.items())
    return Relation(
        f"SELECT {kept or '1 AS unit'} {outer.from_clause}",
        {name: value.named(compiler.column(name)) for name, value in values.items()},
    )


def project(compiler: Compiler, node: algebra.Project, environment: Environment) -> Relation:
    """Only the named variables; one that the pattern cannot bind is unbound throughout."""
    relation = compiler.pattern(node.pattern, environment.sub_select())
    names = [variable.name for variable in node.variables]
    if isinstance(environment.graph, EveryNamedGraph):
        names.append(environment.graph.variable)
    columns: dict[str, Value] = {}
    selected = []
    for name in dict.fromkeys(names):
        known = relation.columns.get(name)
        if known is None:
            known = null()
            selected.append(f"{known.sql} AS {compiler.column(name)}")
            columns[name] = known.named(compiler.column(name))
        else:
            selected.append(known.sql)
            columns[name] = known
    selected += relation.hidden
    alias = compiler.fresh("r")
    return replace(relation, sql=f"SELECT {', '.join(selected) or '1 AS unit'} FROM ({relation.sql}) AS {alias}", columns=columns, is_unit=False)


def distinct(compiler: Compiler, node: algebra.Distinct, environment: Environment) -> Relation:
    """Each solution once; where it is ordered, at the place of its first occurrence."""
    relation = compiler.pattern(node.pattern, environment)
    names = ", ".join(column.sql for column in relation.columns.values())
    alias = compiler.fresh("r")
    if not relation.hidden or not names:
        return replace(relation, sql=f"SELECT DISTINCT {names or '1 AS unit'} FROM ({relation.sql}) AS {alias}", order=() if not names else relation.order)
    number = compiler.fresh("o")
    ranked = f"SELECT *, row_number() OVER (ORDER BY {', '.join(relation.order)}) AS {number} FROM ({relation.sql}) AS {alias}"
    return replace(
        relation,
        sql=f"SELECT {names}, min({number}) AS {number} FROM ({ranked}) AS {alias} GROUP BY {names}",
        order=(number,),
        hidden=(number,),
    )


def reduced(compiler: Compiler, node: algebra.Reduced, environment: Environment) -> Relation:
    """REDUCED permits duplicates to go; none are looked for."""
    return compiler.pattern(node.pattern, environment)


def order_by(compiler: Compiler, node: algebra.OrderBy, environment: Environment) -> Relation:
    """The sort keys as hidden columns; whoever cuts or delivers the solutions sorts by them."""
    relation = compiler.pattern(node.pattern, environment)
    scope = Scope.over(compiler, relation, environment)
    hidden, order = [], []
    for condition, is_descending in node.conditions:
        for key in order_keys(expression(condition, scope), scope):
            name = compiler.fresh("o")
            hidden.append(f"{key} AS {name}")
            order.append(f"{name} {'DESC NULLS LAST' if is_descending else 'ASC NULLS FIRST'}")
    names = [f"{scope.alias}.{column.sql}" for column in relation.columns.values()]
    return replace(
        relation,
        sql=f"SELECT {', '.join([*names, *hidden]) or '1 AS unit'} {scope.from_clause}",
        order=tuple(order),
        hidden=tuple(name.split()[0] for name in order),
        is_unit=False,
    )


def slice_(compiler: Compiler, node: algebra.Slice, environment: Environment) -> Relation:
    """LIMIT and OFFSET."""
    relation = compiler.pattern(node.pattern, environment)
    alias = compiler.fresh("r")
    limit = f" LIMIT {node.limit}" if node.limit is not None else ""
    offset = f" OFFSET {node.offset}" if node.offset else ""
    return replace(relation, sql=f"SELECT * FROM ({relation.sql}) AS {alias}{ordered(relation)}{limit}{offset}", is_unit=False)


def ordered(relation: Relation) -> str:
    """The ORDER BY clause of a relation; empty where it has no order."""
    return f" ORDER BY {', '.join(relation.order)}" if relation.order else ""
