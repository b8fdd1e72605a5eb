"""Constraints on the set of value nodes (sections 4.2, 4.4.5, 4.5, 4.8): counts, languages, property pairs, closed, in, hasValue."""

from __future__ import annotations

from dataclasses import replace

from kg.shapes.compile import PATH, THIS, VALUE, Pairs, Statement, Validation, used
from kg.shapes.model import Constraint, Shape
from kg.sparql import algebra
from kg.sparql.algebra import Call, TriplePattern, Var
from kg.sparql.local_terms import prelude
from kg.sparql.relations import Table
from kg.sparql.values import TAG_LANG, tag_test

_OTHER = Var("other")


# ── Cardinality (section 4.2) ────────────────────────────────────────────────────────────────────────────────


def min_count(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape, focus: str) -> Statement | None:
    """Focus nodes with too few value nodes; `focus` is their table."""
    if constraint.value == 0 or (constraint.value == 1 and validation.focus_with_values(pairs) == validation.tables[focus]):
        return None
    few = f"(SELECT count(*) FROM {pairs.table} AS n WHERE n.f = t.f) < {constraint.value}"
    if constraint.value == 1:
        few = f"NOT EXISTS (SELECT 1 FROM {pairs.table} AS n WHERE n.f = t.f)"
    return Statement(f"SELECT t.f AS f FROM {focus} AS t WHERE {few}", {}, {"this": pairs.focus.named("f")})


def max_count(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement | None:
    if constraint.value > 0 and validation.focus_with_values(pairs) == validation.tables[pairs.table]:
        return None  # one each
    sql = f"SELECT f FROM {pairs.table} GROUP BY f HAVING count(*) > {constraint.value}"
    return Statement(sql, {}, {"this": pairs.focus})


def unique_lang(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Focus nodes with two values in one language; one row for each such language (section 4.4.5)."""
    compiler = validation.compiler()
    dictionary = compiler.dictionary_table(pairs.value.local)
    is_tagged = tag_test(pairs.value.at("t"), frozenset({TAG_LANG})) or "true"
    sql = (
        f"{prelude(compiler)}SELECT t.f AS f, lower(d.extra) AS lang FROM {pairs.table} AS t JOIN {dictionary} AS d ON d.id = t.{pairs.value.sql} "
        f"WHERE {is_tagged} GROUP BY t.f, lower(d.extra) HAVING count(*) > 1"
    )
    return Statement(f"SELECT f FROM ({sql})", used(compiler.parameters, sql), {"this": pairs.focus})


# ── Property pairs (section 4.5) ─────────────────────────────────────────────────────────────────────────────


def equals(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape, focus: str) -> Statement:
    """Value nodes that the other property lacks, and its values that are no value nodes."""
    element = Table(focus, (("this", "f", pairs.focus.tags, pairs.focus.local),))
    statement = validation.compile(algebra.BGP((element, TriplePattern(THIS, constraint.value, VALUE))))
    if statement is None:
        return validation.rows_where(pairs, "true")
    other, theirs = validation.table(statement, ("f", "v")), statement.columns["value"]
    value = replace(theirs, sql="v", tags=theirs.tags | pairs.value.tags, local=theirs.local or pairs.value.local)
    here = pairs.value.sql
    sql = (
        f"SELECT t.f AS f, t.{here} AS v FROM {pairs.table} AS t WHERE NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o.f = t.f AND o.v = t.{here}) "
        f"UNION ALL SELECT o.f, o.v FROM {other} AS o WHERE NOT EXISTS (SELECT 1 FROM {pairs.table} AS t WHERE o.f = t.f AND o.v = t.{here})"
    )
    return Statement(sql, {}, {"this": pairs.focus.named("f"), "value": value})


def disjoint(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    other = validation.values_of(pairs, constraint.value)
    if other is None:
        return None
    return validation.rows_where(pairs, f"EXISTS (SELECT 1 FROM {other} AS o WHERE o.f = t.f AND o.v = t.{pairs.value.sql})")


def less_than(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes that are not less than a value of the other property, or cannot be compared with it."""
    operator = "<" if constraint.component == "LessThan" else "<="
    pattern = algebra.BGP((pairs.element(), TriplePattern(THIS, constraint.value, _OTHER)))
    return validation.where_not(pairs, Call(operator, (VALUE, _OTHER)), pattern)


# ── Others (section 4.8) ─────────────────────────────────────────────────────────────────────────────────────


def closed(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement | None:
    """Triples of value nodes whose property is not allowed."""
    element = Table(pairs.table, (("this", "f", pairs.focus.tags, pairs.focus.local), ("node", pairs.value.sql, pairs.value.tags, pairs.value.local)))
    statement = validation.compile(algebra.BGP((element, TriplePattern(Var("node"), PATH, VALUE))), ("this", "path", "value"))
    if statement is None:
        return None
    allowed = [str(found) for found in map(validation.store.lookup, constraint.value) if found is not None]
    test = f"{statement.columns['path'].sql} NOT IN ({', '.join(allowed)})" if allowed else "true"
    return Statement(f"SELECT * FROM ({statement.sql}) WHERE {test}", statement.parameters, statement.columns)


def has_value(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape, focus: str) -> Statement:
    """Focus nodes that lack the value."""
    wanted = validation.id_of(constraint.value)
    missing = "true" if wanted is None else f"NOT EXISTS (SELECT 1 FROM {pairs.table} AS n WHERE n.f = t.f AND n.{pairs.value.sql} = {wanted})"
    return Statement(f"SELECT t.f AS f FROM {focus} AS t WHERE {missing}", {}, {"this": pairs.focus.named("f")})


def in_(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes that are not in the list."""
    allowed = [str(found) for found in map(validation.id_of, constraint.value) if found is not None]
    return validation.rows_where(pairs, f"t.{pairs.value.sql} NOT IN ({', '.join(allowed)})" if allowed else "true")


