"""The text of values: lexical forms, language tags, datatypes (SPARQL 1.1, sections 17.4.2.5 to 17.4.2.7)."""

from __future__ import annotations

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
    IRI,
    LITERAL_TAGS,
    NUMERIC,
    NUMERIC_SCALE,
    STRING,
    TERM,
    TEXT,
    Value,
    null,
    string,
    tag_test,
)
from kg.sql import encoding
from kg.terms import (
    BIAS,
    RDF_LANG_STRING,
    TAG_BITS,
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_INTEGER,
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
    stored = _lexical_of_id(term_id(name, value), scope).sql
    return string(f"CASE WHEN {name}.id >= 0 THEN {stored} WHEN {name}.id NOT IN (-{TAG_BLANK}, -{TAG_TRIPLE}) THEN {name}.lex END")


def term_id(name: str, term: Value | None = None) -> Value:
    """The stored id in a TERM, as an ID value; a TERM may know which tags that can have, computed ones (negative) aside."""
    return Value(ID, f"{name}.id", tags=(term and term.tags) or ALL_TAGS)


def _lexical_of_id(value: Value, scope: Scope) -> Value:
    tags = value.tags - {TAG_BLANK, TAG_TRIPLE}
    if not tags:
        return null(STRING)
    in_dictionary, inlined = tags & DICTIONARY_TAG_SET, tags - DICTIONARY_TAG_SET
    if not in_dictionary:
        if tags == {TAG_INTEGER} == value.tags:
            return string(f"({value.sql} - {(TAG_INTEGER << TAG_BITS) + BIAS})::VARCHAR", value.nullable)
        return string(encoding.inline_lexical(value.sql), value.nullable)
    row = scope.dictionary(value.sql, value.local, _only_tag(value))
    branches: list[tuple[str | None, str]] = []
    if tags != value.tags:
        branches.append((tag_test(value, value.tags - tags), "NULL"))
    if inlined:
        branches.append((f"{value.sql} >= {TAG_INTEGER << TAG_BITS}", encoding.inline_lexical(value.sql)))
    return string(case(*branches, (None, row.lex)), value.nullable or tags != value.tags)


def _only_tag(value: Value) -> int | None:
    """The one tag under which a value is rarely to be found in the dictionary, being inlined as a rule."""
    return TAG_TYPED if value.tags & DICTIONARY_TAG_SET == {TAG_TYPED} and value.tags - {TAG_TYPED} and not value.local else None


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
    if value.kind == ID and not value.tags & LITERAL_TAGS:
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
        stored = language(term_id(name, value), scope).sql
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
    stored = _datatype_of_id(term_id(name, value), scope)
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
        branches.append((tag_test(value, frozenset({TAG_TYPED})), scope.dictionary(value.sql, value.local, _only_tag(value)).extra))
    return case(*branches)
