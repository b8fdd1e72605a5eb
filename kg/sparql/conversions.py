"""Values brought into another form: lexical forms, ids, general terms; and the question whether two are the same term.

Section 17.1 to 17.4.2 of SPARQL 1.1 rest on these. NULL in gives NULL out, and NULL where the form does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from pyoxigraph import Literal, NamedNode

from kg.sparql.relations import Scope
from kg.sparql.values import (
    ALL_TAGS,
    BOOLEAN,
    DATETIME_TAGS,
    DECIMAL_TAGS,
    DICTIONARY_TAG_SET,
    DOUBLE,
    DURATION,
    EXACT,
    FLOAT,
    ID,
    INLINE_BITS,
    IRI,
    LITERAL_TAGS,
    MAX_BITS,
    NUMERIC,
    NUMERIC_SCALE,
    SQL_TYPES,
    STRING,
    TERM,
    TEXT,
    Value,
    null,
    string,
    tag_sql,
    tag_test,
)
from kg.sql import encoding
from kg.terms import (
    BIAS,
    MAX_SCALE,
    RDF_LANG_STRING,
    TAG_BITS,
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_DECIMAL,
    TAG_INTEGER,
    TAG_IRI,
    TAG_LANG,
    TAG_STRING,
    TAG_TRIPLE,
    TAG_TYPED,
    XSD,
    XSD_BOOLEAN,
    XSD_DATE,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_INTEGER,
    XSD_STRING,
)

XSD_DOUBLE, XSD_FLOAT, XSD_DAY_TIME_DURATION = XSD + "double", XSD + "float", XSD + "dayTimeDuration"
DAY_IN_MICROSECONDS = 86_400_000_000


def case(*branches: tuple[str | None, str], otherwise: str | None = None) -> str:
    """CASE … END of (condition, result); a None condition always holds."""
    parts = []
    for condition, result in branches:
        if condition is None:
            otherwise = result
            break
        parts.append(f"WHEN {condition} THEN {result}")
    if not parts:
        return otherwise or "NULL"
    return f"CASE {' '.join(parts)}{f' ELSE {otherwise}' if otherwise else ''} END"


def quote(text: str) -> str:
    """An SQL string literal of text that this package wrote itself; users' text is bound."""
    return "'" + text.replace("'", "''") + "'"


# ── Lexical forms ────────────────────────────────────────────────────────────────────────────────────────────


def lexical(value: Value, scope: Scope) -> Value:
    """STR (section 17.4.2.5): VARCHAR of literals and IRIs; NULL of blank nodes and triple terms."""
    if value.term is not None:
        if isinstance(value.term, (NamedNode, Literal)):
            return string(scope.compiler.parameter(value.term.value), nullable=False)
        return null(STRING)
    kind, sql = value.kind, value.sql
    if kind == ID:
        return _lexical_of_id(value, scope)
    if kind in (STRING, IRI):
        return string(sql, value.nullable)
    if kind == TEXT:
        return string(f"{sql}.lex", value.nullable)
    if kind == BOOLEAN:
        return string(f"({sql})::VARCHAR", value.nullable)
    if kind == EXACT:
        return string(exact_text(scope.let(sql), value.scale), value.nullable)
    if kind in (DOUBLE, FLOAT):
        return string(double_text(scope.let(sql), kind), value.nullable)
    if kind == DURATION:
        return string(duration_text(scope.let(sql)), value.nullable)
    if kind == NUMERIC:
        name = scope.let(sql)
        whole, decimal = exact_text(f"({name}.m // {10**NUMERIC_SCALE})", 0), exact_text(f"{name}.m", NUMERIC_SCALE)
        return string(
            f"CASE {name}.r WHEN 0 THEN {whole} WHEN 1 THEN {decimal} WHEN 2 THEN {double_text(f'{name}.d', FLOAT)} "
            f"WHEN 3 THEN {double_text(f'{name}.d', DOUBLE)} END"
        )
    name = scope.let(sql)
    stored = _lexical_of_id(term_id(name), scope).sql
    return string(f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.id NOT IN (-{TAG_BLANK}, -{TAG_TRIPLE}) THEN {name}.lex END")


def term_id(name: str) -> Value:
    """The stored id in a TERM, as an ID value."""
    return Value(ID, f"{name}.id", tags=ALL_TAGS)


def _lexical_of_id(value: Value, scope: Scope) -> Value:
    tags = value.tags - {TAG_BLANK, TAG_TRIPLE}
    if not tags:
        return null(STRING)
    in_dictionary, inlined = tags & DICTIONARY_TAG_SET, tags - DICTIONARY_TAG_SET
    if not in_dictionary:
        if tags == {TAG_INTEGER} == value.tags:
            return string(f"({value.sql} - {(TAG_INTEGER << TAG_BITS) + BIAS})::VARCHAR", value.nullable)
        return string(encoding.inline_lexical(value.sql), value.nullable)
    row = scope.dictionary(value.sql, value.local)
    branches: list[tuple[str | None, str]] = []
    if tags != value.tags:
        branches.append((tag_test(value, value.tags - tags), "NULL"))
    if inlined:
        branches.append((f"{value.sql} >= {TAG_INTEGER << TAG_BITS}", encoding.inline_lexical(value.sql)))
    return string(case(*branches, (None, row.lex)), value.nullable or tags != value.tags)


def exact_text(mantissa: str, scale: int) -> str:
    """VARCHAR of an integer, or of a decimal without trailing zeros (`2`, `2.5`)."""
    if scale == 0:
        return f"({mantissa})::VARCHAR"
    digits = f"abs({mantissa})::VARCHAR"
    padded = f"lpad({digits}, greatest({scale + 1}, length({digits}))::INTEGER, '0')"
    return (
        f"CASE WHEN {mantissa} < 0 THEN '-' ELSE '' END || left({padded}, -{scale}) "
        f"|| rtrim(rtrim('.' || right({padded}, {scale}), '0'), '.')"
    )


def double_text(number: str, kind: str = DOUBLE) -> str:
    """VARCHAR of a double in XSD's canonical form (`1.5E0`, `INF`)."""
    spelled = f"abs({number}){'::FLOAT' if kind == FLOAT else ''}::VARCHAR"
    whole = f"regexp_extract({spelled}, '^([0-9]+)', 1)"
    fraction = f"regexp_extract({spelled}, '\\.([0-9]+)', 1)"
    zeros = f"length(regexp_extract({fraction}, '^(0*)', 1))"
    power = f"regexp_extract({spelled}, 'e([+-][0-9]+)$', 1)::INTEGER"
    significant = f"ltrim({whole} || {fraction}, '0')"
    rest = f"coalesce(nullif(rtrim(substr({significant}, 2), '0'), ''), '0')"
    exponent = (
        f"CASE WHEN {spelled} LIKE '%e%' THEN {power} ELSE 0 END + CASE WHEN {whole} <> '0' THEN length({whole}) - 1 ELSE -{zeros} - 1 END"
    )
    return (
        f"CASE WHEN isnan({number}) THEN 'NaN' WHEN isinf({number}) THEN CASE WHEN {number} < 0 THEN '-INF' ELSE 'INF' END "
        f"WHEN {number} = 0 THEN '0.0E0' ELSE CASE WHEN {number} < 0 THEN '-' ELSE '' END || left({significant}, 1) || '.' || {rest} "
        f"|| 'E' || ({exponent})::VARCHAR END"
    )


def duration_text(microseconds: str) -> str:
    """SQL of the canonical lexical form, days to seconds."""
    size = f"abs({microseconds})"
    days, hours, minutes = f"{size} // {DAY_IN_MICROSECONDS}", f"{size} // 3600000000 % 24", f"{size} // 60000000 % 60"
    whole, fraction = f"{size} // 1000000 % 60", f"{size} % 1000000"
    seconds = f"({whole})::VARCHAR || CASE WHEN {fraction} = 0 THEN '' ELSE '.' || rtrim(lpad(({fraction})::VARCHAR, 6, '0'), '0') END || 'S'"
    clock = "".join(
        f" || CASE WHEN {amount} <> 0 THEN ({amount})::VARCHAR || '{letter}' ELSE '' END" for amount, letter in ((hours, "H"), (minutes, "M"))
    )
    return (
        f"CASE WHEN {microseconds} = 0 THEN 'PT0S' ELSE CASE WHEN {microseconds} < 0 THEN '-' ELSE '' END || 'P' "
        f"|| CASE WHEN {days} <> 0 THEN ({days})::VARCHAR || 'D' ELSE '' END || CASE WHEN {size} % {DAY_IN_MICROSECONDS} = 0 THEN '' ELSE 'T'{clock} "
        f"|| CASE WHEN {size} % 60000000 = 0 THEN '' ELSE {seconds} END END END"
    )


def language(value: Value, scope: Scope) -> Value:
    """LANG (section 17.4.2.6): '' for literals without language, NULL for what is no literal."""
    if value.term is not None:
        if isinstance(value.term, Literal):
            return string(scope.compiler.parameter(value.term.language or ""), nullable=False)
        return null(STRING)
    if value.kind == ID:
        row = scope.dictionary(value.sql, value.local) if TAG_LANG in value.tags else None
        branches: list[tuple[str | None, str]] = []
        if row is not None:
            branches.append((tag_test(value, frozenset({TAG_LANG})), f"split_part({row.extra}, '--', 1)"))
        is_literal = tag_test(value, LITERAL_TAGS)
        branches.append((is_literal or (f"{value.sql} IS NOT NULL" if value.nullable else None), "''"))
        return string(case(*branches))
    if value.kind == TEXT:
        return string(f"{value.sql}.lang", value.nullable)
    if value.kind == IRI:
        return null(STRING)
    if value.kind == TERM:
        name = scope.let(value.sql)
        stored = language(term_id(name), scope).sql
        return string(
            f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.id = -{TAG_LANG} THEN {name}.extra "
            f"WHEN {name}.id IN (-{TAG_STRING}, -{TAG_TYPED}) THEN '' END"
        )
    return string(f"CASE WHEN ({value.sql}) IS NOT NULL THEN '' END", value.nullable)


def datatype(value: Value, scope: Scope) -> Value:
    """DATATYPE (section 17.4.2.7) as an IRI; NULL for what is no literal."""
    if value.term is not None:
        if isinstance(value.term, Literal):
            return Value(IRI, quote(value.term.datatype.value), nullable=False)
        return null(IRI)
    fixed = {BOOLEAN: XSD_BOOLEAN, DOUBLE: XSD_DOUBLE, FLOAT: XSD_FLOAT, STRING: XSD_STRING, DURATION: XSD_DAY_TIME_DURATION}.get(value.kind)
    if value.kind == EXACT:
        fixed = XSD_INTEGER if value.is_integer else XSD_DECIMAL
    if fixed is not None:
        return Value(IRI, f"CASE WHEN ({value.sql}) IS NOT NULL THEN {quote(fixed)} END", value.nullable)
    if value.kind == ID:
        return Value(IRI, _datatype_of_id(value, scope))
    name = scope.let(value.sql)
    if value.kind == TEXT:
        return Value(IRI, f"CASE WHEN {name}.lang = '' THEN {quote(XSD_STRING)} WHEN {name}.lang <> '' THEN {quote(RDF_LANG_STRING)} END")
    if value.kind == NUMERIC:
        kinds = (XSD_INTEGER, XSD_DECIMAL, XSD_FLOAT, XSD_DOUBLE)
        return Value(IRI, f"CASE {name}.r " + " ".join(f"WHEN {r} THEN {quote(k)}" for r, k in enumerate(kinds)) + " END")
    if value.kind == IRI:
        return null(IRI)
    stored = _datatype_of_id(term_id(name), scope)
    return Value(
        IRI,
        f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.id = -{TAG_STRING} THEN {quote(XSD_STRING)} "
        f"WHEN {name}.id = -{TAG_LANG} THEN {quote(RDF_LANG_STRING)} WHEN {name}.id = -{TAG_TYPED} THEN {name}.extra END",
    )


def _datatype_of_id(value: Value, scope: Scope) -> str:
    branches: list[tuple[str | None, str]] = []
    for tags, iri in (
        (frozenset({TAG_STRING}), XSD_STRING),
        (frozenset({TAG_INTEGER}), XSD_INTEGER),
        (DECIMAL_TAGS, XSD_DECIMAL),
        (frozenset({TAG_DATE}), XSD_DATE),
        (DATETIME_TAGS, XSD_DATETIME),
        (frozenset({TAG_LANG}), RDF_LANG_STRING),
        (frozenset({TAG_BOOLEAN}), XSD_BOOLEAN),
    ):
        if tags & value.tags:
            test = tag_test(value, tags)
            branches.append((test if test or not value.nullable else f"{value.sql} IS NOT NULL", quote(iri)))
    if TAG_TYPED in value.tags:
        branches.append((tag_test(value, frozenset({TAG_TYPED})), scope.dictionary(value.sql, value.local).extra))
    return case(*branches)


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


def template_iri_id(lex: str, scope: Scope) -> str:
    """SQL of the id of an IRI that a registered template covers, else NULL."""
    branches: list[tuple[str | None, str]] = []
    for number, (prefix, suffix) in scope.compiler.templates.items():
        start, end = scope.compiler.parameter(prefix), scope.compiler.parameter(suffix)
        key = f"substr({lex}, {len(prefix) + 1}, length({lex}) - {len(prefix) + len(suffix)})"
        made = encoding.template_id(number, encoding.template_key_of_text(key))
        branches.append((f"starts_with({lex}, {start}) AND ends_with({lex}, {end}) AND ({made}) IS NOT NULL", made))
    return case(*branches, otherwise="NULL::BIGINT")


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
        return _canonical(f"coalesce({template_iri_id(text, scope)}, {scope.stored_term(TAG_IRI, text, quote(''))})", TAG_IRI, text, "''", scope)
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
    """An EXACT value with a larger scale."""
    if value.scale == scale:
        return value
    bits = rescaled_bits(value, scale)
    factor = f"{10 ** (scale - value.scale)}::{'BIGINT' if bits <= 62 else 'HUGEINT'}"
    sql = value.sql if bits <= 62 else f"({value.sql})::HUGEINT"
    return replace(value, sql=f"({sql} * {factor})", scale=scale, bits=bits, term=None)


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

