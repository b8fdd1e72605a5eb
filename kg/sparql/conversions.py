"""Values brought into another form: ids, general terms, a common form of several; and whether two are the same term.

NULL in gives NULL out, and NULL where the form does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from kg.sparql.lexical_forms import datatype, language, lexical, quote, term_id
from kg.sparql.relations import Scope
from kg.sparql.values import (
    ALL_TAGS,
    BOOLEAN,
    DATETIME_TAGS,
    DECIMAL_TAGS,
    DOUBLE,
    EXACT,
    FLOAT,
    ID,
    INLINE_BITS,
    IRI,
    MAX_BITS,
    NUMERIC,
    NUMERIC_SCALE,
    SQL_TYPES,
    STRING,
    TERM,
    TEXT,
    Value,
    tag_sql,
    tag_test,
)
from kg.sql import encoding
from kg.terms import (
    BIAS,
    MAX_SCALE,
    TAG_BITS,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_DECIMAL,
    TAG_INTEGER,
    TAG_IRI,
    TAG_LANG,
    TAG_STRING,
    TAG_TYPED,
    XSD_BOOLEAN,
    XSD_DATE,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_INTEGER,
    XSD_STRING,
)

# ── Ids and general terms ────────────────────────────────────────────────────────────────────────────────────


def exact_id(value: Value) -> str:
    """SQL of the id of an EXACT value; NULL where it is too large to be inlined."""
    sql = value.sql
    if value.is_integer:
        inner = f"{(TAG_INTEGER << TAG_BITS) + BIAS} + ({sql})"
        return inner if value.bits < INLINE_BITS else f"CASE WHEN {sql} BETWEEN {-BIAS} AND {BIAS - 1} THEN ({inner})::BIGINT END"
    branches = []
    for scale in range(min(value.scale, MAX_SCALE) + 1):
        divisor = 10 ** (value.scale - scale)
        mantissa = f"({sql}) // {divisor}" if divisor > 1 else f"({sql})"
        result = f"({((TAG_DECIMAL + scale) << TAG_BITS) + BIAS} + {mantissa})::BIGINT"
        if value.bits >= INLINE_BITS:
            result = f"CASE WHEN ({mantissa}) BETWEEN {-BIAS + 1} AND {BIAS - 1} THEN {result} END"
        branches.append(f"WHEN ({sql}) % {divisor} = 0 THEN {result}" if divisor > 1 else f"WHEN ({sql}) IS NOT NULL THEN {result}")
    return f"CASE {' '.join(branches)} END"


def is_inlinable(value: Value) -> bool:
    """Whether every value of this kind has an id by arithmetic alone."""
    return value.kind in (ID, BOOLEAN) or (value.kind == EXACT and value.bits < INLINE_BITS and value.scale <= MAX_SCALE)


def inlined(value: Value) -> Value:
    """An inlinable value as an ID."""
    if value.kind == ID:
        return value
    if value.kind == BOOLEAN:
        return Value(ID, encoding.boolean_id(value.sql), value.nullable, tags=frozenset({TAG_BOOLEAN}))
    tags = frozenset({TAG_INTEGER}) if value.is_integer else frozenset(range(TAG_DECIMAL, TAG_DECIMAL + value.scale + 1))
    return Value(ID, exact_id(value), value.nullable, tags=tags)


def general(value: Value, scope: Scope) -> Value:
    """Any value as a TERM."""
    if value.kind == TERM:
        return value
    if value.kind == ID and not value.local:
        sql = f"{{'id': {value.sql}, 'lex': '', 'extra': ''}}"
        return Value(TERM, f"CASE WHEN {value.sql} IS NOT NULL THEN {sql} END" if value.nullable else sql, value.nullable)
    if value.kind == ID:
        row = scope.dictionary(value.sql, True)
        name = value.sql
        return Value(
            TERM,
            f"CASE WHEN {name} >= 0 THEN {{'id': {name}, 'lex': '', 'extra': ''}} "
            f"WHEN {name} < 0 THEN {{'id': -{tag_sql(value)}, 'lex': {row.lex}, 'extra': {row.extra}}} END",
            value.nullable,
        )
    if is_inlinable(value):
        return general(inlined(scope.bind(value)), scope)
    text = scope.let(lexical(value, scope).sql)
    if value.kind == IRI:
        return _canonical(f"coalesce({encoding.template_id_of_iri(text)}, {scope.stored_term(TAG_IRI, text, quote(''))})", TAG_IRI, text, "''", scope)
    if value.kind == STRING:
        return _canonical(scope.stored_term(TAG_STRING, text, quote("")), TAG_STRING, text, "''", scope)
    if value.kind == TEXT:
        lang = scope.let(language(value, scope).sql)
        found = f"CASE WHEN {lang} = '' THEN {scope.stored_term(TAG_STRING, text, quote(''))} ELSE {scope.stored_term(TAG_LANG, text, lang)} END"
        return _canonical(found, f"(CASE WHEN {lang} = '' THEN {TAG_STRING} ELSE {TAG_LANG} END)", text, lang, scope)
    kind = scope.let(datatype(value, scope).sql)
    return typed_literal(text, kind, scope)


def typed_literal(lex: str, iri: str, scope: Scope) -> Value:
    """The TERM of a literal given by lexical form and datatype IRI (both VARCHAR, cheap expressions)."""
    inlines = " ".join(
        f"WHEN {quote(kind)} THEN {encoding.inline_of_lexical(kind, lex)}"
        for kind in (XSD_INTEGER, XSD_DECIMAL, XSD_BOOLEAN, XSD_DATE, XSD_DATETIME)
    )
    found = (
        f"coalesce(CASE {iri} {inlines} WHEN {quote(XSD_STRING)} THEN {scope.stored_term(TAG_STRING, lex, quote(''))} END, "
        f"{scope.stored_term(TAG_TYPED, lex, iri)})"
    )
    is_string = f"{iri} = {quote(XSD_STRING)}"
    tag = f"(CASE WHEN {is_string} THEN {TAG_STRING} ELSE {TAG_TYPED} END)"
    return _canonical(found, tag, lex, f"CASE WHEN {is_string} THEN '' ELSE {iri} END", scope, given=f"{lex} IS NOT NULL AND {iri} IS NOT NULL")


# The tags of the ids that literals of a datatype have in the store, spelled as they may be.
_TAGS = {
    XSD_INTEGER: frozenset({TAG_INTEGER, TAG_TYPED}),
    XSD_DECIMAL: DECIMAL_TAGS | {TAG_TYPED},
    XSD_BOOLEAN: frozenset({TAG_BOOLEAN, TAG_TYPED}),
    XSD_DATE: frozenset({TAG_DATE, TAG_TYPED}),
    XSD_DATETIME: DATETIME_TAGS | {TAG_TYPED},
}


def literal_of(kind: str, lex: str, scope: Scope, known: str = "NULL") -> Value:
    """The TERM of a literal of one datatype, not xsd:string, given by its lexical form (a cheap expression); `known` is SQL of
    its id where that has been found already, and need not have a lexical form then."""
    iri = scope.let(scope.compiler.parameter(kind) + " ")
    others = [known, encoding.inline_of_lexical(kind, lex), scope.stored_term(TAG_TYPED, lex, iri)]
    found = f"coalesce({', '.join(sql for sql in others if not sql.startswith('NULL'))})"
    return replace(_canonical(found, TAG_TYPED, lex, iri, scope), tags=_TAGS.get(kind, frozenset({TAG_TYPED})))


def _canonical(found: str, tag: int | str, lex: str, extra: str, scope: Scope, given: str | None = None) -> Value:
    name = scope.let(found)
    return Value(
        TERM,
        f"CASE WHEN {name} IS NOT NULL THEN {{'id': {name}::BIGINT, 'lex': '', 'extra': ''}} "
        f"WHEN {given or f'{lex} IS NOT NULL'} THEN {{'id': -{tag}::BIGINT, 'lex': {lex}, 'extra': {extra}}} END",
    )


def stored_id(value: Value, scope: Scope) -> Value:
    """The id of a value as the store knows it; NULL where the store lacks the term (or the value is NULL)."""
    if value.kind == ID and not value.local:
        return value
    if is_inlinable(value) and value.kind != ID:
        return inlined(scope.bind(value))
    name = scope.let(general(value, scope).sql)
    return Value(ID, f"CASE WHEN {name}.id >= 0 THEN {name}.id END", tags=ALL_TAGS)


# ── Common forms ─────────────────────────────────────────────────────────────────────────────────────────────


def common_form(values: list[Value]) -> Value:
    """A prototype (its `sql` means nothing) of a form that all these values can be brought into without loss."""
    nullable = any(value.nullable for value in values)
    values = [value for value in values if not value.is_null] or values[:1]
    kinds = {value.kind for value in values}
    if kinds == {ID}:
        tags = reduce(frozenset.union, (value.tags for value in values))
        return Value(ID, "", nullable, tags=tags, local=any(value.local for value in values))
    if kinds == {EXACT} and len({value.is_integer for value in values}) == 1:
        scale = max(value.scale for value in values)
        bits = max(rescaled_bits(value, scale) for value in values)
        return Value(EXACT, "", nullable, scale=scale, bits=bits, is_integer=values[0].is_integer)
    if len(kinds) == 1 and kinds != {EXACT}:
        return Value(kinds.pop(), "", nullable)
    if kinds <= {STRING, TEXT}:
        return Value(TEXT, "", nullable)
    if kinds <= {EXACT, FLOAT, DOUBLE, NUMERIC}:
        return Value(NUMERIC, "", nullable)
    if all(is_inlinable(value) for value in values):
        return common_form([inlined(value) for value in values])
    return Value(TERM, "", nullable)


def rescaled_bits(value: Value, scale: int) -> int:
    return min(MAX_BITS, value.bits + ((scale - value.scale) * 10 + 2) // 3)


def rescaled(value: Value, scale: int) -> Value:
    """An EXACT value with another scale, rounded where that is smaller."""
    if value.scale == scale:
        return value
    if value.scale > scale:
        rounded = round_division(f"({value.sql})::HUGEINT", f"{10 ** (value.scale - scale)}::HUGEINT")
        return replace(value, sql=rounded, scale=scale, bits=MAX_BITS, term=None)
    bits = rescaled_bits(value, scale)
    factor = f"{10 ** (scale - value.scale)}::{'BIGINT' if bits <= 62 else 'HUGEINT'}"
    sql = value.sql if bits <= 62 else f"({value.sql})::HUGEINT"
    return replace(value, sql=f"({sql} * {factor})", scale=scale, bits=bits, term=None)


def round_division(dividend: str, divisor: str) -> str:
    """SQL of dividend / divisor (positive) in integers, rounded half away from zero."""
    return f"(({dividend}) // {divisor} + CASE WHEN abs(({dividend}) % {divisor}) * 2 >= {divisor} THEN sign({dividend})::HUGEINT ELSE 0 END)"


def as_form(value: Value, form: Value, scope: Scope) -> Value:
    """`value` in the form that `common_form` chose for it and its companions."""
    if value.is_null:
        return replace(form, sql=unbound(form), nullable=True)
    if value.kind == form.kind == EXACT:
        sql = rescaled(value, form.scale).sql
        return replace(form, sql=f"({sql})::{form.sql_type}", nullable=value.nullable)
    if value.kind == form.kind:
        return replace(form, sql=value.sql, nullable=value.nullable, tags=value.tags or form.tags, term=value.term)
    if form.kind == ID:
        return inlined(scope.bind(value))
    if form.kind == TEXT:
        return as_text(value)
    if form.kind == NUMERIC:
        return as_numeric(value, scope)
    return general(value, scope)


def as_text(value: Value) -> Value:
    """A STRING as a TEXT."""
    if value.kind == TEXT:
        return value
    sql = f"{{'lex': {value.sql}, 'lang': ''}}"
    return Value(TEXT, f"CASE WHEN ({value.sql}) IS NOT NULL THEN {sql} END" if value.nullable else sql, value.nullable)


def as_numeric(value: Value, scope: Scope) -> Value:
    """An EXACT, FLOAT or DOUBLE value as a NUMERIC."""
    if value.kind == NUMERIC:
        return value
    if value.kind == EXACT:
        rank, mantissa, number = (0 if value.is_integer else 1), f"({rescaled(value, NUMERIC_SCALE).sql})::HUGEINT", "NULL::DOUBLE"
    else:
        rank, mantissa, number = (2 if value.kind == FLOAT else 3), "NULL::HUGEINT", f"({value.sql})::DOUBLE"
    sql = f"{{'r': {rank}::TINYINT, 'm': {mantissa}, 'd': {number}}}"
    return Value(NUMERIC, f"CASE WHEN ({value.sql}) IS NOT NULL THEN {sql} END" if value.nullable else sql, value.nullable)


def unbound(form: Value) -> str:
    """SQL of a NULL of a form."""
    return f"NULL::{form.sql_type}" if form.kind in SQL_TYPES or form.kind == EXACT else "NULL"


def same_term(left: Value, right: Value, scope: Scope) -> str:
    """SQL that tells whether two values are the same RDF term (sameTerm, and the join of solutions); NULL if either is."""
    if left.kind == right.kind == ID:
        if not left.tags & right.tags and not (left.local or right.local):
            return f"({left.sql} IS NULL OR {right.sql} IS NULL) AND NULL" if left.nullable or right.nullable else "false"
        return f"{left.sql} = {right.sql}"
    if left.kind == right.kind == EXACT:
        if left.is_integer != right.is_integer:
            return f"CASE WHEN ({left.sql}) IS NOT NULL AND ({right.sql}) IS NOT NULL THEN false END"
        scale = max(left.scale, right.scale)
        return f"{rescaled(left, scale).sql} = {rescaled(right, scale).sql}"
    if left.kind == right.kind:
        return f"{left.sql} = {right.sql}"
    form = common_form([left, right])
    if form.kind == TERM and ID in (left.kind, right.kind) and not (left.local or right.local):
        # The store's ids on one side: a computed term can only equal one that the store knows.
        computed, known = (right, left) if left.kind == ID else (left, right)
        found = stored_id(computed, scope)
        return f"{known.sql} = coalesce({found.sql}, CASE WHEN ({computed.sql}) IS NOT NULL THEN {-(1 << 62)} END)"
    return f"{as_form(left, form, scope).sql} = {as_form(right, form, scope).sql}"


def compatible(left: Value, right: Value, scope: Scope) -> str:
    """SQL telling that two columns of one variable do not contradict each other (section 18.3)."""
    parts = [f"{column.sql} IS NULL" for column in (left, right) if column.nullable]
    same = same_term(left, right, scope)
    return f"({' OR '.join([same, *parts])})" if parts else same


def is_tagged(value: Value, tags: frozenset[int], kinds: tuple[str, ...], scope: Scope, local_tags: tuple[int, ...]) -> Value:
    """BOOLEAN: whether the term is an ID with one of `tags`, or of one of `kinds`; for isIRI, isLiteral and their like."""
    if value.kind == ID:
        test = tag_test(value, tags)
        if test is None:
            test = f"{value.sql} IS NOT NULL OR NULL" if value.nullable else "true"
        return Value(BOOLEAN, f"({test})", value.nullable)
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = tag_test(term_id(name), tags) or "true"
        local = ", ".join(str(-tag) for tag in local_tags) or "0"
        return Value(BOOLEAN, f"CASE WHEN {name}.id >= 0 THEN {stored} ELSE {name}.id IN ({local}) END", value.nullable)
    answer = "true" if value.kind in kinds else "false"
    return Value(BOOLEAN, f"CASE WHEN ({value.sql}) IS NOT NULL THEN {answer} END" if value.nullable else answer, value.nullable)

