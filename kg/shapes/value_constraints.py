"""Constraints on single value nodes (sections 4.1, 4.3, 4.4): class, datatype, node kind, ranges, lengths, patterns, languages."""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode

from kg.shapes.compile import VALUE, Pairs, Statement, Validation, used
from kg.shapes.datatypes import INLINED, PLAIN, is_well_formed
from kg.shapes.model import Constraint, Shape
from kg.shapes.targets import instances_among, instances_of
from kg.shapes.vocabulary import NODE_KINDS
from kg.sparql import values
from kg.sparql.algebra import Call, Expression
from kg.sparql.local_terms import prelude
from kg.sparql.values import tag_test
from kg.terms import TAG_BLANK, TAG_BOOLEAN, TAG_DATE, TAG_INTEGER, TAG_LANG, TAG_STRING, TAG_TYPED, XSD_INTEGER

_STRING_OF_VALUE = Call("STR", (VALUE,))
_NOT_BLANK = Call("!", (Call("ISBLANK", (VALUE,)),))
_TAGS = {
    "INTEGER": frozenset({TAG_INTEGER}),
    "DECIMAL": values.DECIMAL_TAGS,
    "BOOLEAN": frozenset({TAG_BOOLEAN}),
    "DATE": frozenset({TAG_DATE}),
    "DATETIME": values.DATETIME_TAGS,
    "STRING": frozenset({TAG_STRING}),
    "LANG": frozenset({TAG_LANG}),
    "IRI": values.IRI_TAGS,
    "BlankNode": frozenset({TAG_BLANK}),
    "Literal": values.LITERAL_TAGS,
}


# ── Value types (section 4.1) ────────────────────────────────────────────────────────────────────────────────


def class_(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes that are no SHACL instances of the class."""
    partial = validation.extent is not None
    instances = instances_among(validation, constraint.value, pairs) if partial else instances_of(validation, constraint.value)
    if instances is None:
        return validation.rows_where(pairs, "true")
    return validation.rows_where(pairs, f"NOT EXISTS (SELECT 1 FROM {instances.table} AS i WHERE i.f = t.{pairs.value.sql})")


def node_kind(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    tags = frozenset().union(*(_TAGS[kind] for kind in NODE_KINDS[constraint.value]))
    return validation.rows_where(pairs, _not(_has_tags(pairs, tags)))


def datatype(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes that are no literals of the datatype, or are ill-formed ones."""
    wanted = constraint.value.value
    kind = INLINED.get(wanted) or PLAIN.get(wanted)
    tests = [_has_tags(pairs, _TAGS[kind])] if kind else []
    if wanted in PLAIN or TAG_TYPED not in pairs.value.tags:
        return validation.rows_where(pairs, _not(tests[0] if tests else "false"))
    compiler = validation.compiler()
    dictionary = compiler.dictionary_table(pairs.value.local)
    tests.append(f"coalesce(d.extra = {compiler.parameter(wanted)} AND {is_well_formed(wanted, 'd.lex')}, false)")
    typed = _has_tags(pairs, frozenset({TAG_TYPED}))
    sql = (
        f"{prelude(compiler)}SELECT t.{pairs.focus.sql} AS f, t.{pairs.value.sql} AS v FROM {pairs.table} AS t "
        f"LEFT JOIN {dictionary} AS d ON d.id = t.{pairs.value.sql} AND {typed} WHERE NOT ({' OR '.join(tests)})"
    )
    return Statement(sql, used(compiler.parameters, sql), {"this": pairs.focus.named("f"), "value": pairs.value.named("v")})


def _not(test: str) -> str:
    return {"true": "false", "false": "true"}.get(test, f"NOT {test}")


def _has_tags(pairs: Pairs, tags: frozenset[int]) -> str:
    if not tags & pairs.value.tags:
        return "false"
    return tag_test(pairs.value.at("t"), tags) or "true"


# ── Ranges (section 4.3) ─────────────────────────────────────────────────────────────────────────────────────

_OPERATORS = {"MinExclusive": ">", "MinInclusive": ">=", "MaxExclusive": "<", "MaxInclusive": "<="}


def value_range(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes for which the comparison is false or an error."""
    return validation.where_not(pairs, Call(_OPERATORS[constraint.component], (VALUE, constraint.value)))


# ── Strings (section 4.4) ────────────────────────────────────────────────────────────────────────────────────


def length(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    operator = ">=" if constraint.component == "MinLength" else "<="
    limit = Literal(str(constraint.value), datatype=NamedNode(XSD_INTEGER))
    return validation.where_not(pairs, _both(_NOT_BLANK, Call(operator, (Call("STRLEN", (_STRING_OF_VALUE,)), limit))))


def pattern(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    flags = constraint.options["flags"]
    arguments = (_STRING_OF_VALUE, Literal(constraint.value), *((Literal(flags),) if flags else ()))
    return validation.where_not(pairs, _both(_NOT_BLANK, Call("REGEX", arguments)))


def language_in(validation: Validation, pairs: Pairs, constraint: Constraint, shape: Shape) -> Statement:
    """Value nodes without a language tag that matches one of the ranges (RFC 4647, section 3.3.1, basic filtering)."""
    if TAG_LANG not in pairs.value.tags or not constraint.value:
        return validation.rows_where(pairs, "true")
    compiler = validation.compiler()
    dictionary = compiler.dictionary_table(pairs.value.local)
    tests = []
    for language in constraint.value:
        wanted = compiler.parameter(language.lower())
        tests.append(f"{wanted} = '*' OR d.lower_tag = {wanted} OR starts_with(d.lower_tag, {wanted} || '-')")
    tagged = _has_tags(pairs, frozenset({TAG_LANG}))
    sql = (
        f"{prelude(compiler)}SELECT t.{pairs.focus.sql} AS f, t.{pairs.value.sql} AS v FROM {pairs.table} AS t WHERE NOT ({tagged} AND EXISTS "
        f"(SELECT 1 FROM (SELECT id, lower(extra) AS lower_tag FROM {dictionary}) AS d WHERE d.id = t.{pairs.value.sql} AND ({' OR '.join(tests)})))"
    )
    return Statement(sql, used(compiler.parameters, sql), {"this": pairs.focus.named("f"), "value": pairs.value.named("v")})


def _both(left: Expression, right: Expression) -> Expression:
    return Call("&&", (left, right))
