"""Comparisons, effective boolean values and the order of terms (SPARQL 1.1, sections 15.1, 17.2.2, 17.3 and 17.4.1.7).

`=` compares values: equal numbers, equal instants and the same term are equal; literals of known, different kinds are
not; a literal of an unknown datatype, or an ill-typed one, compared with another literal is an error.
"""

from __future__ import annotations

from pyoxigraph import Literal

from kg import terms
from kg.sparql import durations, numbers
from kg.sparql.conversions import same_term
from kg.sparql.instants import day_id, moment
from kg.sparql.lexical_forms import case, language, lexical, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    BOOLEAN,
    DATETIME_TAGS,
    DURATION,
    EXACT,
    ID,
    IRI,
    IRI_TAGS,
    LITERAL_TAGS,
    NUMBER_TAGS,
    NUMERIC,
    RESOURCE_TAGS,
    STRING,
    TERM,
    TEXT,
    Value,
    boolean,
    null,
    string,
    tag_test,
)
from kg.sql import encoding
from kg.terms import (
    TAG_BITS,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_LANG,
    TAG_STRING,
    TAG_TYPED,
    XSD_BOOLEAN,
)

FOURTEEN_HOURS_MS = 14 * 3600 * 1000

# Kinds of values that can be compared with one another.
NUMBER, SIMPLE, TAGGED, TRUTH, INSTANT = "number", "simple", "tagged", "truth", "instant"
DAY, PERIOD, RESOURCE, UNKNOWN = "day", "period", "resource", "unknown"


def families(value: Value) -> frozenset[str]:
    """Which kinds of comparable values a value may be."""
    if value.kind == ID:
        tags = value.tags
        found = {
            NUMBER: tags & NUMBER_TAGS,
            SIMPLE: tags & {TAG_STRING},
            TAGGED: tags & {TAG_LANG},
            TRUTH: tags & {TAG_BOOLEAN},
            INSTANT: tags & DATETIME_TAGS,
            DAY: tags & {TAG_DATE},
            RESOURCE: tags & RESOURCE_TAGS,
        }
        named = {family for family, present in found.items() if present}
        return frozenset(named | ({NUMBER, TRUTH, INSTANT, PERIOD, UNKNOWN} if TAG_TYPED in tags else set()))
    fixed = {BOOLEAN: {TRUTH}, DURATION: {PERIOD}, STRING: {SIMPLE}, TEXT: {SIMPLE, TAGGED}, IRI: {RESOURCE}}
    if value.kind == TERM:
        return frozenset({NUMBER, SIMPLE, TAGGED, TRUTH, INSTANT, DAY, PERIOD, RESOURCE, UNKNOWN})
    return frozenset(fixed.get(value.kind, {NUMBER}))


# ── Reading values of one family; NULL where the value is of another ─────────────────────────────────────────


def simple_string(value: Value, scope: Scope) -> Value:
    """The text of a simple literal."""
    return _text_where(value, frozenset({TAG_STRING}), (STRING,), TAG_STRING, scope)


def _text_where(value: Value, tags: frozenset[int], kinds: tuple[str, ...], local_tag: int, scope: Scope) -> Value:
    text = lexical(value, scope)
    if value.kind in kinds:
        return text
    if value.kind == ID:
        if not value.tags & tags:
            return null(STRING)
        if value.tags <= tags:
            return text
        return string(f"CASE WHEN {tag_test(value, tags)} THEN {text.sql} END")
    if value.kind == TEXT:
        return string(f"CASE WHEN {scope.let(value.sql)}.lang {'=' if local_tag == TAG_STRING else '<>'} '' THEN {text.sql} END")
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = tag_test(term_id(name), tags)
        return string(f"CASE WHEN {stored} OR {name}.id = -{local_tag} THEN {text.sql} END")
    return null(STRING)


def boolean_value(value: Value, scope: Scope) -> str:
    """SQL of the boolean that an xsd:boolean literal stands for, however it is spelled."""
    if isinstance(value.term, Literal):
        known = {"true": "true", "1": "true", "false": "false", "0": "false"}
        return known.get(value.term.value, "NULL") if value.term.datatype.value == XSD_BOOLEAN else "NULL"
    if value.kind == BOOLEAN:
        return value.sql
    if value.kind == ID:
        true_id = TAG_BOOLEAN << TAG_BITS | 1
        branches: list[tuple[str | None, str]] = []
        if TAG_BOOLEAN in value.tags:
            test = tag_test(value, frozenset({TAG_BOOLEAN}))
            if test is None:
                return f"({value.sql} = {true_id})"
            branches.append((test, f"{value.sql} = {true_id}"))
        if TAG_TYPED in value.tags:
            row = scope.dictionary(value.sql, value.local)
            branches.append((f"{row.extra} = {quote(XSD_BOOLEAN)}", f"CASE {row.lex} WHEN '1' THEN true WHEN '0' THEN false END"))
        return case(*branches)
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = boolean_value(term_id(name), scope)
        return (
            f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.extra = {quote(XSD_BOOLEAN)} AND {name}.id = -{TAG_TYPED} "
            f"THEN CASE {name}.lex WHEN '1' THEN true WHEN '0' THEN false END END"
        )
    return "NULL"


# ── The operators ────────────────────────────────────────────────────────────────────────────────────────────


def compare(operator: str, left: Value, right: Value, scope: Scope) -> Value:
    """BOOLEAN of `= != < > <= >=`."""
    if operator == "!=":
        return boolean(f"(NOT ({compare('=', left, right, scope).sql}))", left.nullable or right.nullable)
    if operator == "=":
        return _equal(scope.bind(left), scope.bind(right), scope)
    candidates = _comparisons(operator, scope.bind(left), scope.bind(right), scope)
    if not candidates:
        return null(BOOLEAN)
    return boolean(candidates[0] if len(candidates) == 1 else f"coalesce({', '.join(candidates)})")


def _comparisons(operator: str, left: Value, right: Value, scope: Scope) -> list[str]:
    """SQL comparisons, each NULL where the two are not of its family."""
    common = families(left) & families(right)
    found = []
    if NUMBER in common:
        found.append(_compare_numbers(operator, left, right, scope))
    if SIMPLE in common:
        found.append(f"({simple_string(left, scope).sql} {operator} {simple_string(right, scope).sql})")
    if TRUTH in common:
        found.append(f"({boolean_value(left, scope)} {operator} {boolean_value(right, scope)})")
    if INSTANT in common:
        found.append(_compare_moments(operator, left, right, scope))
    if DAY in common:
        found.append(_compare_days(operator, left, right, scope))
    if PERIOD in common:
        found.append(_compare_durations(operator, left, right, scope))
    return [sql for sql in found if sql != "NULL"]


def _compare_numbers(operator: str, left: Value, right: Value, scope: Scope) -> str:
    a, b = numbers.number(left, scope, keep_type=False), numbers.number(right, scope, keep_type=False)
    return "NULL" if a is None or b is None else f"({numbers.compare(operator, a, b, scope)})"


def _compare_moments(operator: str, left: Value, right: Value, scope: Scope) -> str:
    a, b = moment(left, scope), moment(right, scope)
    if a is None or b is None:
        return "NULL"
    plain = f"{a.microseconds} {operator} {b.microseconds}"
    if a.is_zoned == b.is_zoned and a.is_zoned in ("true", "false"):
        return f"({plain})"
    far = f"abs({a.microseconds} - ({b.microseconds})) > {FOURTEEN_HOURS_MS * 1000}"
    return f"CASE WHEN ({a.is_zoned}) = ({b.is_zoned}) OR {far} THEN {plain} END"


def _compare_days(operator: str, left: Value, right: Value, scope: Scope) -> str:
    a, b = day_id(left, scope), day_id(right, scope)
    zones = [f"({side} & 2047)" for side, value in ((a, left), (b, right)) if not _is_zoneless_constant(value)]
    plain = f"{a} {operator} {b}"
    if not zones:
        return f"({plain})"
    instants = f"{encoding.instant_ms(a)} {operator} {encoding.instant_ms(b)}"
    far = f"abs({encoding.instant_ms(a)} - {encoding.instant_ms(b)}) > {FOURTEEN_HOURS_MS}"
    both = f"(({a} & 2047) = 0) = (({b} & 2047) = 0)"
    return f"CASE WHEN ({' + '.join(zones)}) = 0 THEN {plain} WHEN {both} OR {far} THEN {instants} END"


def _compare_durations(operator: str, left: Value, right: Value, scope: Scope) -> str:
    a, b = durations.duration(left, scope), durations.duration(right, scope)
    return "NULL" if a is None or b is None else f"({a} {operator} {b})"


def day_bound(operator: str, value: Value, constant: Value) -> str | None:
    """A range of ids that holds every day with `value operator constant`, whatever its zone; None where ids do not tell."""
    if value.kind != ID or value.tags != {TAG_DATE} or constant.tags != {TAG_DATE} or value.local or constant.local:
        return None
    two_days = 2 << 11  # zones differ by 28 hours at most
    if operator in (">", ">="):
        return f"{value.sql} >= {constant.sql} - {two_days}"
    return f"{value.sql} <= {constant.sql} + {two_days}"


def _is_zoneless_constant(value: Value) -> bool:
    return isinstance(value.term, Literal) and value.tags == {TAG_DATE} and len(value.term.value) == len("2024-01-01")


def _equal(left: Value, right: Value, scope: Scope) -> Value:
    nullable = left.nullable or right.nullable
    mine, yours = families(left), families(right)
    common = mine & yours
    if _is_equality_identity(left, right):
        return boolean(f"({left.sql} = {right.sql})", nullable)
    if mine == yours and mine in ({NUMBER}, {TRUTH}):
        sql = _compare_numbers("=", left, right, scope) if mine == {NUMBER} else f"({boolean_value(left, scope)} = {boolean_value(right, scope)})"
        return boolean(sql)
    branches: list[tuple[str | None, str]] = []
    if NUMBER in common:
        compared = _compare_numbers("=", left, right, scope)
        branches.append((f"{compared} IS NOT NULL", compared))
    branches.append((_same(left, right, scope), "true"))
    if TRUTH in common:
        compared = f"({boolean_value(left, scope)} = {boolean_value(right, scope)})"
        branches.append((f"{compared} IS NOT NULL", compared))
    if INSTANT in common:
        a, b = moment(left, scope), moment(right, scope)
        if a is not None and b is not None:
            both = f"({a.microseconds}) IS NOT NULL AND ({b.microseconds}) IS NOT NULL"
            branches.append((both, _compare_moments("=", left, right, scope)))
    if DAY in common:
        a, b = day_id(left, scope), day_id(right, scope)
        branches.append((f"{a} IS NOT NULL AND {b} IS NOT NULL", _compare_days("=", left, right, scope)))
    if PERIOD in common:
        compared = _compare_durations("=", left, right, scope)
        if compared != "NULL":
            branches.append((f"{compared} IS NOT NULL", compared))
    unknown = _incomparable(left, right, scope)
    if unknown:
        branches.append((unknown, "NULL::BOOLEAN"))
    bound = f"({left.sql}) IS NOT NULL AND ({right.sql}) IS NOT NULL" if nullable else None
    return boolean(case(*branches, (bound, "false")), True)


def _is_equality_identity(left: Value, right: Value) -> bool:
    """Whether two ids stand for equal values exactly if they are the same id."""
    if left.kind != ID or right.kind != ID:
        return False
    tags, common = left.tags | right.tags, families(left) & families(right)
    if TAG_TYPED in tags and (left.tags & right.tags & LITERAL_TAGS or not (left.tags <= RESOURCE_TAGS or right.tags <= RESOURCE_TAGS)):
        return False
    return not (
        (NUMBER in common and len(tags & NUMBER_TAGS) > 1)
        or DAY in common
        or (INSTANT in common and len(tags & DATETIME_TAGS) > 1)
    )


def _same(left: Value, right: Value, scope: Scope) -> str:
    """SQL of term identity, by text where one side is a text that the query computed."""
    for one, other in ((left, right), (right, left)):
        if one.kind == STRING:
            return f"{one.sql} = {simple_string(other, scope).sql}"
        if one.kind == IRI:
            return f"{one.sql} = {_text_where(other, IRI_TAGS, (IRI,), terms.TAG_IRI, scope).sql}"
        if one.kind == TEXT:
            lang = language(other, scope).sql
            return f"({lexical(one, scope).sql} = {lexical(other, scope).sql} AND {one.sql}.lang = {lang})"
    if {left.kind, right.kind} & {EXACT, NUMERIC, BOOLEAN, DURATION, "FLOAT", "DOUBLE"}:
        return "false"  # numbers and booleans have been compared by value
    return same_term(left, right, scope)


def _incomparable(left: Value, right: Value, scope: Scope) -> str | None:
    """SQL telling that both are literals and one is of a datatype that cannot be compared; None if that cannot be."""
    unknown = [_is_unknown(value, scope) for value in (left, right) if UNKNOWN in families(value)]
    if not unknown:
        return None
    literal = [_is_literal(value, scope) for value in (left, right)]
    conditions = [f"({' OR '.join(unknown)})", *(test for test in literal if test)]
    return " AND ".join(conditions)


def _is_unknown(value: Value, scope: Scope) -> str:
    if value.term is not None:
        known = numbers.number(value, scope) is not None or boolean_value(value, scope) != "NULL" or durations.duration(value, scope) is not None
        return "false" if known or (value.kind == ID and not value.tags & {TAG_TYPED}) else "true"
    if value.kind == TERM:
        name = scope.let(value.sql)
        return f"({name}.id = -{TAG_TYPED} OR {_is_unknown(term_id(name), scope)})"
    row = scope.dictionary(value.sql, value.local)
    test = tag_test(value, frozenset({TAG_TYPED})) or "true"
    valueless = f"{row.number} IS NULL AND {row.double} IS NULL AND {row.instant} IS NULL"
    valueless += f" AND {row.extra} <> {quote(durations.XSD_DAY_TIME_DURATION)}"
    return f"({test} AND {valueless} AND NOT ({row.extra} = {quote(XSD_BOOLEAN)} AND {row.lex} IN ('0', '1')))"


def _is_literal(value: Value, scope: Scope) -> str | None:
    if value.kind == ID:
        return tag_test(value, LITERAL_TAGS)
    if value.kind == TERM:
        name = scope.let(value.sql)
        return f"({tag_test(term_id(name), LITERAL_TAGS)} OR {name}.id IN (-{TAG_STRING}, -{TAG_LANG}, -{TAG_TYPED}))"
    return "false" if value.kind == IRI else None


# ── Effective boolean value ──────────────────────────────────────────────────────────────────────────────────


def truth(value: Value, scope: Scope) -> Value:
    """BOOLEAN: the effective boolean value (section 17.2.2); NULL where it has none."""
    if value.kind == BOOLEAN:
        return value
    value = scope.bind(value)
    found, kinds = [], families(value)
    if TRUTH in kinds:
        found.append(boolean_value(value, scope))
    if NUMBER in kinds:
        amount = numbers.number(value, scope)
        if amount is not None:
            found.append(f"({numbers.truth(amount, scope)})")
    if kinds & {SIMPLE, TAGGED}:
        found.append(_text_truth(value, scope))
    if TAG_TYPED in value.tags and value.kind == ID and value.term is None:
        # An ill-typed number or boolean is false.
        row = scope.dictionary(value.sql, value.local)
        typed = ", ".join(quote(iri) for iri in sorted(numbers.INTEGER_TYPES | {terms.XSD_DECIMAL, XSD_BOOLEAN, numbers.XSD_DOUBLE, numbers.XSD_FLOAT}))
        found.append(f"CASE WHEN {row.extra} IN ({typed}) THEN false END")
    found = [sql for sql in found if sql != "NULL"]
    if not found:
        return null(BOOLEAN)
    return boolean(found[0] if len(found) == 1 else f"coalesce({', '.join(found)})")


def _text_truth(value: Value, scope: Scope) -> str:
    text = lexical(value, scope).sql
    if value.kind == ID and not value.tags <= {TAG_STRING, TAG_LANG}:
        return f"CASE WHEN {tag_test(value, frozenset({TAG_STRING, TAG_LANG}))} THEN {text} <> '' END"
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = tag_test(term_id(name), frozenset({TAG_STRING, TAG_LANG}))
        return f"CASE WHEN {stored} OR {name}.id IN (-{TAG_STRING}, -{TAG_LANG}) THEN {text} <> '' END"
    return f"({text} <> '')"
