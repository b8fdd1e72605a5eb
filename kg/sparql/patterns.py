"""The operators of the algebra (SPARQL 1.1, section 18.5) as relations: Join, LeftJoin, Filter, Union, Minus, Graph, Extend, Values.

Solutions that leave a shared variable unbound are compatible with any value of it. Which columns may be unbound is
tracked, so that ordinary joins stay plain equalities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyoxigraph import NamedNode

from kg.sparql import algebra, modifiers, paths, triples
from kg.sparql.active_graph import named_graphs
from kg.sparql.compiler import Compiler
from kg.sparql.conversions import as_form, common_form, compatible, unbound
from kg.sparql.expressions import condition
from kg.sparql.federation import Reader, service, table_of
from kg.sparql.relations import Environment, EveryNamedGraph, NamedGraph, Relation, Scope, ScopeNeedsJoin
from kg.sparql.search import search, too_many, with_texts
from kg.sparql.values import ID, PREDICATE_TAGS, Value, null

_ASKING = (algebra.Service, algebra.Search)  # operators that may need what the other side of a join binds
_MOST_TEXTS = 100
_UNKNOWN_ROWS = 10_000


def compile_pattern(compiler: Compiler, pattern: algebra.Pattern, environment: Environment) -> Relation:
    """The relation of a pattern's solutions."""
    compiler.check()
    return _OPERATORS[type(pattern)](compiler, pattern, environment)


# ── Join ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _join(compiler: Compiler, node: algebra.Join, environment: Environment) -> Relation:
    merged = _merged(node)
    if merged is not None:
        return compile_pattern(compiler, merged, environment)
    if not isinstance(node.right, _ASKING) and (isinstance(node.left, _ASKING) or _falls_apart(node.left, environment)):
        node = algebra.Join(node.right, node.left)
    if _leads_on(node.left) and not _leads_on(node.right) and not isinstance(node.right, _ASKING):
        node = algebra.Join(node.right, node.left)
    left = compile_pattern(compiler, node.left, environment)
    if left.is_empty:
        return left
    parts = _components(node.right, set(left.columns)) if _falls_apart(node.right, environment) else [node.right]
    for part in parts:
        if _leads_on(part) and not isinstance(environment.graph, EveryNamedGraph):
            joined = _join_paths(compiler, left, part, environment, node.left if part is parts[0] else part)
        else:
            joined = _beside(compiler, part, left, environment)
            joined = joined if joined.is_empty else join(compiler, left, joined, environment)
        if joined.is_empty:
            return joined if len(parts) == 1 else compiler.empty([*left.columns, *_variables(node.right)])
        left = joined
    return left


def _falls_apart(pattern: algebra.Pattern, environment: Environment) -> bool:
    """Is it a basic graph pattern of components that share no variable?"""
    if not isinstance(pattern, algebra.BGP) or isinstance(environment.graph, EveryNamedGraph):
        return False
    if not all(isinstance(triple, algebra.TriplePattern | algebra.PathPattern) for triple in pattern.triples):
        return False
    return len(_components(pattern, _variables(pattern))) > 1


def _components(pattern: algebra.BGP, bound: set[str]) -> list[algebra.Pattern]:
    """The pattern cut into components that share no variable, where each shares one with `bound`; else the pattern whole.

    DuckDB plans what stands in one SELECT by itself: components that hang together only through the other side of a join
    would be paired there, each with each.
    """
    components: list[tuple[set[str], list]] = []
    for triple in pattern.triples:
        names = _variables(algebra.BGP((triple,)))
        if not names:  # a triple to test for: beside any other
            names = set(components[0][0]) if components else names
        touched = [component for component in components if component[0] & names]
        merged = (names.union(*(component[0] for component in touched)), [one for component in touched for one in component[1]] + [triple])
        components = [component for component in components if component not in touched] + [merged]
    if not all(names & bound for names, _ in components):
        return [pattern]
    return [algebra.BGP(tuple(triples)) for _, triples in components]


def _variables(pattern: algebra.BGP) -> set[str]:
    nodes = [node for triple in pattern.triples for node in (triple.subject, getattr(triple, "predicate", None), triple.object)]
    found: set[str] = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, algebra.Var):
            found.add(node.name)
        elif isinstance(node, algebra.TripleTerm):
            nodes += [node.subject, node.predicate, node.object]
    return found


def _leads_on(pattern: algebra.Pattern) -> bool:
    """Whether a pattern has a path of any length, which is better started from what the other side of a join binds."""
    return isinstance(pattern, algebra.BGP) and any(isinstance(each, algebra.PathPattern) and paths.is_costly(each.path) for each in pattern.triples)


def _join_paths(compiler: Compiler, left: Relation, right: algebra.BGP, environment: Environment, pattern: algebra.Pattern) -> Relation:
    """A join whose right side has paths: they start from what the left side, which is `pattern`, binds for certain."""
    name = compiler.fresh("before")
    is_short = isinstance(pattern, algebra.Values) and len(pattern.rows) <= _WRITTEN_ROWS
    size = len(pattern.rows) if is_short else _UNKNOWN_ROWS
    candidates = {
        variable: triples.Seed(
            size,
            paths.Candidates("s", f"SELECT DISTINCT {column.sql} FROM {name}", are_nodes=False),
            f"SELECT DISTINCT {column.sql} FROM ({left.sql})" if is_short else None,
        )
        for variable, column in left.columns.items()
        if column.kind == ID and not column.nullable
    }
    found = triples.basic_graph_pattern(compiler, right, environment, candidates)
    if found.is_empty:
        return found
    joined = join(compiler, Relation(f"SELECT * FROM {name}", left.columns), found, environment)
    return replace(joined, sql=f"WITH {name} AS MATERIALIZED ({left.sql}) {joined.sql}")


def _beside(compiler: Compiler, pattern: algebra.Pattern, left: Relation, environment: Environment) -> Relation:
    """The right side of a join; an endpoint need not send what `left` has no use for."""
    if isinstance(pattern, algebra.Service) and not left.is_unit:
        return service(compiler, pattern, environment, left)
    if isinstance(pattern, algebra.Search) and isinstance(pattern.wanted, algebra.Var):
        return _searches(compiler, pattern, environment, left)
    return compile_pattern(compiler, pattern, environment)


def _searches(compiler: Compiler, node: algebra.Search, environment: Environment, left: Relation) -> Relation:
    """A search for the texts that `left` binds."""
    texts = Reader(compiler, environment, left).values(node.wanted.name, _MOST_TEXTS + 1)
    if texts is None:
        return search(compiler, node, environment)
    if len(texts) > _MOST_TEXTS:
        raise too_many(compiler, node, _MOST_TEXTS)
    found = with_texts(compiler, node, environment, texts)
    return union_of(compiler, found, environment) if found else compiler.empty([node.wanted.name])


def _merged(node: algebra.Join) -> algebra.BGP | None:
    """Two basic graph patterns beside each other as one, so that a path sees what the other binds."""
    if isinstance(node.left, algebra.BGP) and isinstance(node.right, algebra.BGP):
        return algebra.BGP(node.left.triples + node.right.triples)
    return None


def join(compiler: Compiler, left: Relation, right: Relation, environment: Environment) -> Relation:
    """The compatible pairs of solutions, merged."""
    if left.is_unit:
        return right
    if right.is_unit:
        return left
    pair = _Pair(compiler, left, right, environment)
    tests = pair.tests()
    on = f" ON {' AND '.join(tests)}" if tests else " ON true"
    return pair.merged(f"FROM {pair.left_source} AS {pair.a} JOIN {pair.right_source} AS {pair.b}{on}", optional=False)


class _Pair:
    """Two relations side by side under two aliases, with the columns of their merge."""

    def __init__(self, compiler: Compiler, left: Relation, right: Relation, environment: Environment) -> None:
        self.compiler = compiler
        left_scope, right_scope = Scope.over(compiler, left, environment), Scope.over(compiler, right, environment)
        self.a, self.b = left_scope.alias, right_scope.alias
        self._scopes = (left_scope, right_scope)
        self.left, self.right = dict(left_scope.columns), dict(right_scope.columns)
        self.shared = [name for name in left.columns if name in right.columns]
        for name in self.shared:
            form = common_form([self.left[name], self.right[name]])
            if self.left[name].kind != self.right[name].kind:
                self.left[name] = left_scope.bind(as_form(self.left[name], form, left_scope))
                self.right[name] = right_scope.bind(as_form(self.right[name], form, right_scope))
        self.scope = left_scope

    @property
    def left_source(self) -> str:
        return self._scopes[0].source

    @property
    def right_source(self) -> str:
        return self._scopes[1].source

    def tests(self) -> list[str]:
        return [compatible(self.left[name], self.right[name], self.scope) for name in self.shared]

    def merged(self, from_clause: str, optional: bool) -> Relation:
        """SELECT of both sides' columns; `optional` where the right side may be missing."""
        columns: dict[str, Value] = {}
        selected: list[str] = []
        for name in {**self.left, **self.right}:
            value = self._merged_value(name, optional)
            column = self.compiler.column(name)
            selected.append(f"{value.sql} AS {column}")
            columns[name] = value.named(column)
        return Relation(f"SELECT {', '.join(selected) or '1 AS unit'} {from_clause}", columns)

    def _merged_value(self, name: str, optional: bool) -> Value:
        if name not in self.left:
            return self.right[name].uncertain() if optional else self.right[name]
        if name not in self.right:
            return self.left[name]
        left, right = self.left[name], self.right[name]
        if not left.nullable:
            if not optional and not right.nullable and left.kind == ID:
                return replace(left, tags=left.tags & right.tags, local=left.local and right.local)
            return left
        if not right.nullable and not optional:
            return right
        form = common_form([left, right])
        both = f"coalesce({as_form(left, form, self.scope).sql}, {as_form(right, form, self.scope).sql})"
        return replace(form, sql=both, nullable=True)


# ── LeftJoin ─────────────────────────────────────────────────────────────────────────────────────────────────


def _left_join(compiler: Compiler, node: algebra.LeftJoin, environment: Environment) -> Relation:
    left = with_graphs(compiler, compile_pattern(compiler, node.left, environment), environment)
    if left.is_empty:
        return left
    right = _beside(compiler, node.right, left, environment)
    if right.is_empty:
        return left
    pair = _Pair(compiler, left, right, environment)
    tests = pair.tests()
    if node.condition is not None:
        columns = {name: pair._merged_value(name, False) for name in {**pair.left, **pair.right}}
        scope = Scope(compiler, pair.a, "", columns, environment, can_join=False)
        try:
            if _has_exists(node.condition) or _looks_around(node.condition, columns, environment):
                raise ScopeNeedsJoin
            tests.append(f"({condition(node.condition, scope)})")
        except ScopeNeedsJoin:
            return _numbered_left_join(compiler, left, right, node.condition, environment)
    on = " AND ".join(tests) or "true"
    return pair.merged(f"FROM {pair.left_source} AS {pair.a} LEFT JOIN {pair.right_source} AS {pair.b} ON {on}", optional=True)


def _has_exists(node: object) -> bool:
    if isinstance(node, algebra.Exists):
        return True
    return any(_has_exists(argument) for argument in getattr(node, "args", ()))


def _looks_around(node: object, columns: Mapping[str, Value], environment: Environment) -> bool:
    """Whether an expression inside an EXISTS needs a variable of the scope around it, which DuckDB does not see in the ON of a left join."""
    if isinstance(node, algebra.Var):
        return node.name not in columns and environment.outer is not None and node.name in environment.outer.columns
    return any(_looks_around(argument, columns, environment) for argument in getattr(node, "args", ()))


def _numbered_left_join(
    compiler: Compiler, left: Relation, right: Relation, test: algebra.Expression, environment: Environment
) -> Relation:
    """A LeftJoin whose condition needs look-ups: join and filter, then add the solutions on the left that found none."""
    name, number = compiler.fresh("left"), compiler.fresh("n")
    numbered = Relation(f"SELECT *, {number} FROM {name}", left.columns)
    pair = _Pair(compiler, numbered, right, environment)
    tests = " AND ".join(pair.tests()) or "true"
    joined = pair.merged(f"FROM {pair.left_source} AS {pair.a} JOIN {pair.right_source} AS {pair.b} ON {tests}", optional=False)
    joined = replace(joined, sql=joined.sql.replace("SELECT ", f"SELECT {pair.a}.{number} AS {number}, ", 1))
    scope = Scope.over(compiler, joined, environment)
    test_sql = condition(test, scope)
    matched = f"SELECT {scope.alias}.* {scope.from_clause} WHERE {test_sql}"
    alias, other = compiler.fresh("l"), compiler.fresh("m")
    selected, columns = [], {}
    for variable in {**left.columns, **right.columns}:
        column = compiler.column(variable)
        if variable in left.columns:
            form = common_form([left.columns[variable], joined.columns[variable]])
            before = as_form(left.columns[variable].at(alias), form, Scope.over(compiler, left, environment))
            after = as_form(joined.columns[variable].at(other), form, scope)
            sql = before.sql if not left.columns[variable].nullable else f"coalesce({after.sql}, {before.sql})"
            columns[variable] = replace(form, sql=column, nullable=left.columns[variable].nullable)
        else:
            sql = joined.columns[variable].at(other).sql
            columns[variable] = joined.columns[variable].named(column).uncertain()
        selected.append(f"{sql} AS {column}")
    return Relation(
        f"WITH {name} AS MATERIALIZED (SELECT *, row_number() OVER () AS {number} FROM ({left.sql})) "
        f"SELECT {', '.join(selected) or '1 AS unit'} FROM {name} AS {alias} LEFT JOIN ({matched}) AS {other} ON {alias}.{number} = {other}.{number}",
        columns,
    )


# ── Filter, Union, Minus ─────────────────────────────────────────────────────────────────────────────────────


def _filter(compiler: Compiler, node: algebra.Filter, environment: Environment) -> Relation:
    fixed = _fixed(compiler, node.condition) if _leads_on(node.pattern) else {}
    relation = triples.basic_graph_pattern(compiler, node.pattern, environment, fixed) if fixed else compile_pattern(compiler, node.pattern, environment)
    if relation.is_empty:
        return relation
    scope = Scope.over(compiler, relation, environment)
    test = condition(node.condition, scope)
    if test == "true":
        return relation
    kept = ", ".join(f"{scope.alias}.{name}" for name in [*(c.sql for c in relation.columns.values()), *relation.hidden])
    return replace(relation, sql=f"SELECT {kept or '1 AS unit'} {scope.from_clause} WHERE {test}", is_unit=False)


def _fixed(compiler: Compiler, test: algebra.Expression) -> dict[str, triples.Seed]:
    """The variables that a condition compares with an IRI: a path may start there."""
    if not isinstance(test, algebra.Call):
        return {}
    if test.name == "&&":
        return {name: seed for part in test.args for name, seed in _fixed(compiler, part).items()}
    if test.name != "=" or {type(argument) for argument in test.args} != {algebra.Var, NamedNode}:
        return {}
    variable, iri = test.args if isinstance(test.args[0], algebra.Var) else reversed(test.args)
    select = f"SELECT {compiler.constant(iri).sql}::BIGINT AS n"
    return {variable.name: triples.Seed(1, paths.Candidates("s", select, are_nodes=False), select)}


def _union(compiler: Compiler, node: algebra.Union, environment: Environment) -> Relation:
    branches = [
        with_graphs(compiler, compile_pattern(compiler, branch, environment), environment) for branch in _branches(node)
    ]
    present = [branch for branch in branches if not branch.is_empty]
    if not present:
        return branches[0]
    return union_of(compiler, present, environment)


def _branches(node: algebra.Pattern) -> list[algebra.Pattern]:
    if isinstance(node, algebra.Union):
        return _branches(node.left) + _branches(node.right)
    return [node]


def _minus(compiler: Compiler, node: algebra.Minus, environment: Environment) -> Relation:
    """Solutions of the left that no compatible solution of the right shares a bound variable with (section 8.3)."""
    left = with_graphs(compiler, compile_pattern(compiler, node.left, environment), environment)
    right = compile_pattern(compiler, node.right, environment)
    hidden = environment.graph.variable if isinstance(environment.graph, EveryNamedGraph) else None
    shared = [name for name in left.columns if name in right.columns and name != hidden]
    if left.is_empty or right.is_empty or not shared:
        return left
    pair = _Pair(compiler, left, right, environment)
    tests = pair.tests()
    if all(pair.left[name].nullable or pair.right[name].nullable for name in shared):
        both = [f"({pair.left[name].sql} IS NOT NULL AND {pair.right[name].sql} IS NOT NULL)" for name in shared]
        tests.append(f"({' OR '.join(both)})")
    kept = ", ".join(f"{pair.a}.{column.sql} AS {column.sql}" for column in left.columns.values())
    return Relation(
        f"SELECT {kept} FROM {pair.left_source} AS {pair.a} WHERE NOT EXISTS "
        f"(SELECT 1 FROM {pair.right_source} AS {pair.b} WHERE {' AND '.join(tests)})",
        left.columns,
    )


# ── Graph ────────────────────────────────────────────────────────────────────────────────────────────────────


def with_graphs(compiler: Compiler, relation: Relation, environment: Environment) -> Relation:
    """Inside `GRAPH ?g`, a relation that does not know its graph holds in every one."""
    graph = environment.graph
    if not isinstance(graph, EveryNamedGraph) or graph.variable in relation.columns:
        return relation
    graphs = named_graphs(compiler, graph.variable)
    return join(compiler, graphs, relation, environment)


def _graph(compiler: Compiler, node: algebra.Graph, environment: Environment) -> Relation:
    if not isinstance(node.name, algebra.Var):
        return compile_pattern(compiler, node.pattern, environment.within(NamedGraph(compiler.lookup(node.name))))
    if _needs_enumeration(node.pattern):
        return _each_graph(compiler, node, environment)
    hidden = compiler.fresh("#graph")
    inner_environment = environment.within(EveryNamedGraph(hidden))
    inner = with_graphs(compiler, compile_pattern(compiler, node.pattern, inner_environment), inner_environment)
    columns = dict(inner.columns)
    graph = columns.pop(hidden)
    named = Relation(inner.sql, columns)
    return _with_graph_name(compiler, named, graph, node.name.name, environment)


def _with_graph_name(compiler: Compiler, inner: Relation, graph: Value, variable: str, environment: Environment) -> Relation:
    """Join the name of the graph, which the pattern inside may also have bound."""
    scope = Scope.over(compiler, inner, environment)
    name = graph.at(scope.alias)
    known = scope.columns.get(variable)
    values = {**scope.columns, variable: name}
    where = f" WHERE {compatible(name, known, scope)}" if known is not None else ""
    selected = ", ".join(f"{value.sql} AS {compiler.column(key)}" for key, value in values.items())
    columns = {key: value.named(compiler.column(key)) for key, value in values.items()}
    return Relation(f"SELECT {selected} {scope.from_clause}{where}", columns, is_empty=inner.is_empty)


def _needs_enumeration(node: object) -> bool:
    """Whether a pattern counts or cuts solutions, which must happen graph by graph."""
    if isinstance(node, (algebra.Group, algebra.Slice, algebra.Distinct, algebra.Reduced, algebra.Project, algebra.OrderBy, algebra.Graph)):
        return True
    children = (getattr(node, name, None) for name in ("left", "right", "pattern"))
    return any(_needs_enumeration(child) for child in children if child is not None)


def _each_graph(compiler: Compiler, node: algebra.Graph, environment: Environment) -> Relation:
    """`GRAPH ?g` around a sub-query: the union over the dataset's graphs."""
    names = {graph["id"] for graph in compiler.store.graphs()} - {0}
    named = sorted(names if compiler.dataset.named is None else names & set(compiler.dataset.named))
    parts = []
    for graph_id in named:
        inner = compile_pattern(compiler, node.pattern, environment.within(NamedGraph(graph_id)))
        if not inner.is_empty:
            constant = Value(ID, str(graph_id), False, tags=PREDICATE_TAGS)
            scope = Scope.over(compiler, inner, environment)
            known = scope.columns.get(node.name.name)
            values = {**scope.columns, node.name.name: constant}
            where = f" WHERE {compatible(constant, known, scope)}" if known is not None else ""
            selected = ", ".join(f"{value.sql} AS {compiler.column(key)}" for key, value in values.items())
            parts.append(
                Relation(f"SELECT {selected} {scope.from_clause}{where}", {k: v.named(compiler.column(k)) for k, v in values.items()})
            )
    if not parts:
        return compiler.empty([node.name.name])
    return union_of(compiler, parts, environment)


def union_of(compiler: Compiler, relations: list[Relation], environment: Environment) -> Relation:
    """The multiset union of relations."""
    if len(relations) == 1:
        return relations[0]
    names = list(dict.fromkeys(name for relation in relations for name in relation.columns))
    scopes = [Scope.over(compiler, relation, environment) for relation in relations]
    forms = {name: common_form([scope.columns.get(name, null()) for scope in scopes]) for name in names}
    parts = []
    for scope in scopes:
        values = [
            (unbound(form) if name not in scope.columns else as_form(scope.columns[name], form, scope).sql) + f" AS {compiler.column(name)}"
            for name, form in forms.items()
        ]
        parts.append(f"SELECT {', '.join(values) or '1 AS unit'} {scope.from_clause}")
    return Relation(" UNION ALL ".join(parts), {name: form.named(compiler.column(name)) for name, form in forms.items()})


# ── Extend, Values ───────────────────────────────────────────────────────────────────────────────────────────


def _extend(compiler: Compiler, node: algebra.Extend, environment: Environment) -> Relation:
    relation = compile_pattern(compiler, node.pattern, environment)
    if relation.is_empty:
        return replace(compiler.empty([*relation.columns, node.variable.name]))
    return modifiers.extended(compiler, relation, [(node.variable.name, node.expression)], environment)


# Rows that are written into the statement, where DuckDB sees them as it plans; more are bound as lists.
_WRITTEN_ROWS = 50


def _values(compiler: Compiler, node: algebra.Values, environment: Environment) -> Relation:
    names = [variable.name for variable in node.variables]
    if not node.rows:
        return compiler.empty(names)
    if not names:
        return Relation(f"SELECT 1 AS unit FROM range({len(node.rows)})", {})
    if len(node.rows) > _WRITTEN_ROWS:
        return table_of(compiler, names, node.rows)
    cells = [[None if term is None else compiler.constant(term) for term in row] for row in node.rows]
    columns: dict[str, Value] = {}
    for place, name in enumerate(names):
        bound = [row[place] for row in cells if row[place] is not None]
        form = common_form(bound) if bound else null()
        columns[name] = replace(form, sql=compiler.column(name), nullable=len(bound) < len(cells), term=None)
    rows = ", ".join("(" + ", ".join("NULL" if cell is None else f"{cell.sql}" for cell in row) + ")" for row in cells)
    selected = ", ".join(f"c{place}::BIGINT AS {columns[name].sql}" for place, name in enumerate(names))
    header = ", ".join(f"c{place}" for place in range(len(names)))
    return Relation(f"SELECT {selected} FROM (VALUES {rows}) AS v({header})", columns)


_OPERATORS = {
    algebra.BGP: triples.basic_graph_pattern,
    algebra.Join: _join,
    algebra.LeftJoin: _left_join,
    algebra.Filter: _filter,
    algebra.Union: _union,
    algebra.Minus: _minus,
    algebra.Graph: _graph,
    algebra.Service: service,
    algebra.Search: search,
    algebra.Extend: _extend,
    algebra.Values: _values,
    algebra.Group: modifiers.group,
    algebra.Project: modifiers.project,
    algebra.Distinct: modifiers.distinct,
    algebra.Reduced: modifiers.reduced,
    algebra.OrderBy: modifiers.order_by,
    algebra.Slice: modifiers.slice_,
}
