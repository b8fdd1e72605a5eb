"""Expressions (SPARQL 1.1, section 17) as typed SQL: variables, logic, comparison, arithmetic, and the functional forms.

The built-in functions that take plain arguments are in `functions.py`, the casts in `casts.py`.
"""

from __future__ import annotations

from dataclasses import replace

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import QueryError
from kg.sparql import algebra, casts, comparisons, durations, functions, numbers
from kg.sparql.conversions import as_form, common_form, compatible, same_term
from kg.sparql.long_lists import membership, shortened
from kg.sparql.relations import Environment, Scope
from kg.sparql.values import ALL_TAGS, DATETIME_TAGS, DURATION, EXACT, ID, Value, boolean, null
from kg.terms import TAG_DATE


def expression(node: algebra.Expression, scope: Scope) -> Value:
    """The typed SQL of an expression over a scope; its NULL is an error (or an unbound variable)."""
    scope.compiler.check()
    if isinstance(node, algebra.Var):
        return scope.variable(node.name) or null()
    if isinstance(node, (NamedNode, BlankNode, Literal)):
        return scope.compiler.constant(node)
    if isinstance(node, algebra.Call):
        form = _FORMS.get(node.name)
        if form is not None:
            return form(node, scope)
        return functions.call(node, [expression(argument, scope) for argument in node.args], scope)
    if isinstance(node, algebra.FunctionCall):
        return casts.call(node, [expression(argument, scope) for argument in node.args], scope)
    if isinstance(node, algebra.Exists):
        return _exists(node, scope)
    if isinstance(node, algebra.Aggregate):
        raise QueryError("Q210", f"{node.name} stands where no group is", help="use aggregates in SELECT, HAVING or ORDER BY of a grouped query")
    raise scope.compiler.not_supported("a triple term in an expression")


def condition(node: algebra.Expression, scope: Scope) -> str:
    """SQL of an effective boolean value; NULL is an error, which a FILTER takes for false."""
    test = comparisons.truth(expression(node, scope), scope).sql
    return " AND ".join([*_bounds(node, scope), test])


def _bounds(node: algebra.Expression, scope: Scope) -> list[str]:
    """Plain ranges that a condition implies, for the scan to use where the exact test is more than a comparison."""
    if isinstance(node, algebra.Call) and node.name == "&&":
        return [bound for argument in node.args for bound in _bounds(argument, scope)]
    if not isinstance(node, algebra.Call) or node.name not in _TURNED:
        return []
    left, right = node.args
    name = node.name
    if isinstance(right, algebra.Var):
        left, right, name = right, left, _TURNED[name]
    if not isinstance(left, algebra.Var) or not isinstance(right, Literal):
        return []
    bound = comparisons.day_bound(name, expression(left, scope), expression(right, scope))
    return [bound] if bound else []


# ── Logic (section 17.2: SQL's three values are SPARQL's) ────────────────────────────────────────────────────


def _logic(node: algebra.Call, scope: Scope) -> Value:
    if node.name == "||" and (short := shortened(node)) is not node:
        return _in(short, scope)
    left, right = (comparisons.truth(expression(argument, scope), scope) for argument in node.args)
    return boolean(f"({left.sql} {'AND' if node.name == '&&' else 'OR'} {right.sql})", left.nullable or right.nullable)


def _not(node: algebra.Call, scope: Scope) -> Value:
    value = comparisons.truth(expression(node.args[0], scope), scope)
    return boolean(f"(NOT {value.sql})", value.nullable)


def _compare(node: algebra.Call, scope: Scope) -> Value:
    left, right = (expression(argument, scope) for argument in node.args)
    return comparisons.compare(node.name, left, right, scope)


def _in(node: algebra.Call, scope: Scope) -> Value:
    """`x IN (a, b)` is `x = a || x = b` (section 17.4.1.9)."""
    value = scope.bind(expression(node.args[0], scope))
    found, listed = membership(value, node.args[1:], scope)
    equals = [comparisons.compare("=", value, expression(argument, scope), scope).sql for argument in listed]
    equals = [found, *equals] if found else equals
    sql = f"({' OR '.join(equals)})" if equals else "false"
    return boolean(sql if node.name == "IN" else f"(NOT {sql})")


# ── Arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


def _arithmetic(node: algebra.Call, scope: Scope) -> Value:
    first, second = (scope.bind(expression(argument, scope)) for argument in node.args)
    left, right = numbers.number(first, scope), numbers.number(second, scope)
    temporal = durations.arithmetic(node.name, first, second, scope) if _is_temporal(first) or _is_temporal(second) else None
    if left is None or right is None:
        return temporal or null(EXACT)
    result = numbers.arithmetic(node.name, left, right, scope)
    if temporal is None:
        return result
    form = common_form([result, temporal])
    both = [as_form(scope.bind(value), form, scope).sql for value in (result, temporal)]
    return replace(form, sql=f"coalesce({both[0]}, {both[1]})", nullable=True)


def _is_temporal(value: Value) -> bool:
    """Whether a date, dateTime or duration is among what a value may be, as far as that is known."""
    if value.kind == DURATION:
        return True
    return (value.kind == ID and bool(value.tags & (DATETIME_TAGS | {TAG_DATE})) and value.tags != ALL_TAGS) or _is_duration(value)


def _is_duration(value: Value) -> bool:
    return isinstance(value.term, Literal) and value.term.datatype.value == durations.XSD_DAY_TIME_DURATION


def _sign(node: algebra.Call, scope: Scope) -> Value:
    operand = numbers.number(expression(node.args[0], scope), scope)
    if operand is None:
        return null(EXACT)
    return numbers.negated(operand, scope) if node.name == "u-" else replace(operand, term=None)


# ── Functional forms (section 17.4.1) ────────────────────────────────────────────────────────────────────────


def _bound(node: algebra.Call, scope: Scope) -> Value:
    (variable,) = node.args
    value = scope.variable(variable.name) if isinstance(variable, algebra.Var) else scope.compiler.constant(variable)
    if value is None or value.is_null:
        return boolean("false", False)
    return boolean(f"({value.sql} IS NOT NULL)" if value.nullable else "true", False)


def _if(node: algebra.Call, scope: Scope) -> Value:
    test = comparisons.truth(expression(node.args[0], scope), scope)
    branches = [expression(argument, scope) for argument in node.args[1:]]
    form = common_form(branches)
    then, otherwise = (as_form(branch, form, scope) for branch in branches)
    return replace(form, sql=f"CASE WHEN {test.sql} THEN {then.sql} WHEN NOT {test.sql} THEN {otherwise.sql} END", nullable=True)


def _coalesce(node: algebra.Call, scope: Scope) -> Value:
    values = []
    for argument in node.args:
        values.append(expression(argument, scope))
        if not values[-1].nullable:
            break
    if not values:
        return null()
    form = common_form(values)
    nullable = all(value.nullable for value in values)
    if len(values) == 1:
        return replace(values[0], nullable=nullable)
    return replace(form, sql=f"coalesce({', '.join(as_form(value, form, scope).sql for value in values)})", nullable=nullable)


def _same_term(node: algebra.Call, scope: Scope) -> Value:
    left, right = (scope.bind(expression(argument, scope)) for argument in node.args)
    return boolean(f"({same_term(left, right, scope)})", left.nullable or right.nullable)


# ── EXISTS (section 18.6: substitution, here a correlated sub-query over the shared variables) ────────────────


def _exists(node: algebra.Exists, scope: Scope) -> Value:
    inner = scope.compiler.pattern(node.pattern, Environment(scope.environment.graph, scope, _needs_substitution(node.pattern)))
    answer = "NOT EXISTS" if node.negated else "EXISTS"
    if inner.is_empty:
        return boolean("true" if node.negated else "false", False)
    alias = scope.compiler.fresh("i")
    tests = []
    for name, column in inner.columns.items():
        around = scope.variable(name)
        if around is not None:
            tests.append(compatible(column.at(alias), around, scope))
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    return boolean(f"{answer} (SELECT 1 FROM ({inner.sql}) AS {alias}{where})", False)


def _needs_substitution(node: object) -> bool:
    """Whether fixing variables before and after evaluation differ: below OPTIONAL and MINUS they do."""
    if isinstance(node, (algebra.LeftJoin, algebra.Minus)):
        return True
    if isinstance(node, algebra.Project):
        return False
    children = (getattr(node, name, None) for name in ("left", "right", "pattern"))
    return any(_needs_substitution(child) for child in children if child is not None)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}

_FORMS = {
    "||": _logic,
    "&&": _logic,
    "!": _not,
    **dict.fromkeys(("=", "!=", "<", ">", "<=", ">="), _compare),
    **dict.fromkeys(("+", "-", "*", "/"), _arithmetic),
    "u-": _sign,
    "u+": _sign,
    "IN": _in,
    "NOT IN": _in,
    "BOUND": _bound,
    "IF": _if,
    "COALESCE": _coalesce,
    "SAMETERM": _same_term,
}
