"""SQL text (DuckDB) that encodes values as term ids and reads them back: `kg.terms` set at a time.

Every function takes SQL expressions and returns one; nothing here touches a connection but `create_macros`. An
expression may be repeated in the result, so pass column names or cheap expressions. NULL in gives NULL out.
"""

from __future__ import annotations

import duckdb

from kg.terms import (
    BIAS,
    DATE_FORM,
    DATETIME_FORM,
    DECIMAL_FORM,
    INTEGER_FORM,
    KEY_BITS,
    MAX_KEY,
    MAX_SCALE,
    MAX_TEMPLATES,
    PAYLOAD_MASK,
    TAG_BITS,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_DATETIME_LOCAL,
    TAG_DATETIME_OFFSET,
    TAG_DATETIME_UTC,
    TAG_DECIMAL,
    TAG_INTEGER,
    TAG_TEMPLATE,
    TEMPLATE_FLAG,
    XSD_BOOLEAN,
    XSD_DATE,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_INTEGER,
)

_EPOCH = "DATE '0001-01-01'"
_EPOCH_MS = -62_135_596_800_000  # 0001-01-01T00:00:00 in milliseconds since 1970


def base(tag: int) -> int:
    """The id of payload 0 under a tag; ids of the tag are base(tag) … base(tag + 1) - 1."""
    return tag << TAG_BITS


# ── Reading an id ────────────────────────────────────────────────────────────────────────────────────────────


def tag(id_sql: str) -> str:
    return f"({id_sql} >> {TAG_BITS})"


def payload(id_sql: str) -> str:
    return f"({id_sql} & {PAYLOAD_MASK})"


def has_tag(id_sql: str, first: int, last: int | None = None) -> str:
    """A range test, which zone maps can use: tag(id) = first, or first ≤ tag(id) ≤ last."""
    return f"({id_sql} BETWEEN {base(first)} AND {base((last or first) + 1) - 1})"


def mantissa(id_sql: str) -> str:
    """BIGINT: the value of an inlined integer, the mantissa of an inlined decimal."""
    return f"({payload(id_sql)} - {BIAS})"


def template_key(id_sql: str) -> str:
    """BIGINT: the key of a template IRI."""
    return f"({id_sql} & {MAX_KEY})"


def decimal_value(id_sql: str) -> str:
    """DECIMAL(36,18): the exact value of an inlined integer or decimal; NULL for every other id."""
    return f"kg_decimal_value({id_sql})"


def inline_lexical(id_sql: str) -> str:
    """VARCHAR: the lexical form of an inlined literal or the IRI of a template id; NULL for every other id."""
    return f"kg_inline_lexical({id_sql})"


def inline_datatype(id_sql: str) -> str:
    """VARCHAR: the datatype IRI of an inlined literal; NULL for every other id."""
    return f"kg_inline_datatype({id_sql})"


def instant_ms(id_sql: str) -> str:
    """BIGINT: milliseconds since 0001-01-01 UTC of an inlined date or dateTime (no zone is read as UTC), else NULL."""
    return f"kg_instant_ms({id_sql})"


def date_value(id_sql: str) -> str:
    """DATE: the day of an inlined xsd:date, its zone left out."""
    return f"({_EPOCH} + ({payload(id_sql)} >> 11)::INTEGER)"


# ── Making an id from a typed value ──────────────────────────────────────────────────────────────────────────


def integer_id(value_sql: str) -> str:
    """From any integer type; NULL beyond ±2^55."""
    return f"CASE WHEN {value_sql} BETWEEN {-BIAS} AND {BIAS - 1} THEN {base(TAG_INTEGER) + BIAS} + ({value_sql})::BIGINT END"


def boolean_id(value_sql: str) -> str:
    return f"({base(TAG_BOOLEAN)} + ({value_sql})::BOOLEAN::INTEGER::BIGINT)"


def date_id(value_sql: str) -> str:
    """From DATE, years 1 to 9999."""
    days = f"(({value_sql}) - {_EPOCH})"
    return f"CASE WHEN {days} BETWEEN 0 AND 3652058 THEN {base(TAG_DATE)} + ({days}::BIGINT << 11) END"


def datetime_id(value_sql: str) -> str:
    """From TIMESTAMP, as xsd:dateTime without zone, with the fewest fraction digits; NULL below a millisecond."""
    return f"kg_datetime_id({value_sql})"


def decimal_id(value_sql: str, scale: int) -> str:
    """From DECIMAL(…, scale), keeping the scale; NULL where the mantissa does not fit. scale ≤ 18."""
    if not 0 <= scale <= MAX_SCALE:
        raise ValueError(f"a decimal is inlined with 0 to {MAX_SCALE} fraction digits, not {scale}")
    scaled = f"(({value_sql})::DECIMAL(38,{scale}) * {10**scale})::HUGEINT"
    return f"CASE WHEN {scaled} BETWEEN {-BIAS + 1} AND {BIAS - 1} THEN {base(TAG_DECIMAL + scale) + BIAS} + {scaled}::BIGINT END"


def template_id(number: int, key_sql: str) -> str:
    """From an integer key; NULL where it is negative or too large to be inlined."""
    return f"CASE WHEN {key_sql} BETWEEN 0 AND {MAX_KEY} THEN {TEMPLATE_FLAG | number << KEY_BITS} + ({key_sql})::BIGINT END"


# ── Making an id from a lexical form ─────────────────────────────────────────────────────────────────────────


def inline_of_lexical(datatype: str, lexical_sql: str) -> str:
    """BIGINT: the id of a VARCHAR lexical form of `datatype`, or NULL where the literal belongs in the dictionary."""
    macro = _LEXICAL_MACROS.get(datatype)
    return f"{macro}({lexical_sql})" if macro else "NULL::BIGINT"


def template_key_of_text(text_sql: str) -> str:
    """BIGINT: the key that a VARCHAR spells canonically, or NULL (leading zeros, signs, too large)."""
    return (
        f"CASE WHEN regexp_full_match({text_sql}, '0|[1-9][0-9]{{0,15}}') AND ({text_sql})::BIGINT <= {MAX_KEY} "
        f"THEN ({text_sql})::BIGINT END"
    )


def template_id_of_iri(iri_sql: str) -> str:
    """BIGINT: the id of an IRI's text that a template of the file covers, or NULL."""
    return f"kg_template_id_of_iri({iri_sql})"


_LEXICAL_MACROS = {
    XSD_INTEGER: "kg_integer_of_text",
    XSD_DECIMAL: "kg_decimal_of_text",
    XSD_BOOLEAN: "kg_boolean_of_text",
    XSD_DATE: "kg_date_of_text",
    XSD_DATETIME: "kg_datetime_of_text",
}


# ── Macros ───────────────────────────────────────────────────────────────────────────────────────────────────


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros that the expressions above call; they live in the database, so every cursor has them."""
    connection.execute(_MACROS)


def _factor_cases() -> str:
    return " ".join(f"WHEN {TAG_DECIMAL + s} THEN {'0.' + '1'.rjust(s, '0') if s else '1'}" for s in range(MAX_SCALE + 1))


def _fixed(mantissa_sql: str, scale_sql: str) -> str:
    """VARCHAR: mantissa × 10^-scale for scale ≥ 1."""
    digits = f"lpad(abs({mantissa_sql})::VARCHAR, greatest({scale_sql} + 1, length(abs({mantissa_sql})::VARCHAR))::INTEGER, '0')"
    return (
        f"CASE WHEN {mantissa_sql} < 0 THEN '-' ELSE '' END || left({digits}, -({scale_sql})) || '.' || right({digits}, {scale_sql})"
    )


def _date_text(days_sql: str) -> str:
    return f"strftime({_EPOCH} + ({days_sql})::INTEGER, '%Y-%m-%d')"


def _zone_text(minutes_sql: str) -> str:
    return (
        f"CASE WHEN {minutes_sql} < 0 THEN '-' ELSE '+' END || lpad((abs({minutes_sql}) // 60)::VARCHAR, 2, '0') || ':' "
        f"|| lpad((abs({minutes_sql}) % 60)::VARCHAR, 2, '0')"
    )


def _local_text(ms_sql: str, digits_sql: str) -> str:
    """VARCHAR: yyyy-mm-ddThh:mm:ss with 0 to 3 fraction digits."""
    stamp = f"make_timestamp((({ms_sql}) + {_EPOCH_MS}) * 1000)"
    fraction = f"lpad((({ms_sql}) % 1000)::VARCHAR, 3, '0')"
    return (
        f"strftime({stamp}, '%Y-%m-%dT%H:%M:%S') || CASE WHEN {digits_sql} = 0 THEN '' ELSE '.' || left({fraction}, ({digits_sql})::INTEGER) END"
    )


def _local_ms(text_sql: str) -> str:
    """BIGINT: milliseconds since 0001-01-01 of the first 19 characters and the fraction of a dateTime's text, or NULL."""
    fraction = f"rpad(regexp_extract({text_sql}, '\\.([0-9]{{1,3}})', 1), 3, '0')::INTEGER"
    return f"(epoch_ms(try_strptime(left({text_sql}, 19), '%Y-%m-%dT%H:%M:%S')) - ({_EPOCH_MS}) + {fraction})"


def _offset_minutes(text_sql: str) -> str:
    """INTEGER: minutes of the trailing ±hh:mm, or NULL where it is beyond ±14:00 or spelled -00:00."""
    hours, minutes = f"substr({text_sql}, -5, 2)::INTEGER", f"right({text_sql}, 2)::INTEGER"
    total = f"({hours} * 60 + {minutes})"
    return (
        f"CASE WHEN {minutes} > 59 OR {total} > 840 OR right({text_sql}, 6) = '-00:00' THEN NULL "
        f"WHEN substr({text_sql}, -6, 1) = '-' THEN -{total} ELSE {total} END"
    )


def _create(name: str, parameters: str, body: str) -> str:
    return f"CREATE OR REPLACE MACRO {name}({parameters}) AS ({body});\n"


def _build_macros() -> str:
    mantissa_sql, tag_sql, payload_sql = mantissa("x"), tag("x"), payload("x")
    quarter = f"(({payload_sql} & 127) - 64) * 15"
    zone_of_date = f"({payload_sql} & 2047)"
    fraction_of = "length(regexp_extract(t, '\\.([0-9]+)', 1))"
    digits = "replace(replace(t, '.', ''), '-', '')"
    day = "(try_strptime(left(t, 10), '%Y-%m-%d')::DATE - " + _EPOCH + ")::BIGINT"
    ms = _local_ms("t")
    return "".join(
        [
            _create(
                "kg_decimal_value",
                "x",
                f"CASE WHEN {has_tag('x', TAG_INTEGER)} OR {has_tag('x', TAG_DECIMAL, TAG_DECIMAL + MAX_SCALE)} THEN "
                f"{mantissa_sql}::DECIMAL(17,0) * (CASE {tag_sql} {_factor_cases()} ELSE 1 END)::DECIMAL(19,18) END",
            ),
            _create(
                "kg_instant_ms",
                "x",
                f"CASE WHEN {has_tag('x', TAG_DATETIME_LOCAL, TAG_DATETIME_UTC + 3)} THEN {payload_sql} "
                f"WHEN {has_tag('x', TAG_DATETIME_OFFSET, TAG_DATETIME_OFFSET + 3)} THEN ({payload_sql} >> 7) - {quarter} * 60000 "
                f"WHEN {has_tag('x', TAG_DATE)} THEN ({payload_sql} >> 11) * 86400000 "
                f"- CASE WHEN {zone_of_date} > 1 THEN ({zone_of_date} - 842) * 60000 ELSE 0 END END",
            ),
            _create(
                "kg_inline_datatype",
                "x",
                f"CASE WHEN {has_tag('x', TAG_DECIMAL, TAG_DECIMAL + MAX_SCALE)} THEN '{XSD_DECIMAL}' "
                f"WHEN {has_tag('x', TAG_INTEGER)} THEN '{XSD_INTEGER}' WHEN {has_tag('x', TAG_DATE)} THEN '{XSD_DATE}' "
                f"WHEN {has_tag('x', TAG_DATETIME_LOCAL, TAG_DATETIME_OFFSET + 3)} THEN '{XSD_DATETIME}' "
                f"WHEN {has_tag('x', TAG_BOOLEAN)} THEN '{XSD_BOOLEAN}' END",
            ),
            _create(
                "kg_inline_literal_text",
                "x",
                f"CASE WHEN x < {base(TAG_INTEGER)} THEN NULL WHEN {has_tag('x', TAG_INTEGER)} THEN {mantissa_sql}::VARCHAR "
                f"WHEN {has_tag('x', TAG_DECIMAL)} THEN {mantissa_sql}::VARCHAR "
                f"WHEN {has_tag('x', TAG_DECIMAL + 1, TAG_DECIMAL + MAX_SCALE)} THEN {_fixed(mantissa_sql, f'({tag_sql} - {TAG_DECIMAL})::INTEGER')} "
                f"WHEN {has_tag('x', TAG_DATE)} THEN {_date_text(f'{payload_sql} >> 11')} || CASE {zone_of_date} WHEN 0 THEN '' WHEN 1 THEN 'Z' "
                f"ELSE {_zone_text(f'({zone_of_date} - 842)')} END "
                f"WHEN {has_tag('x', TAG_DATETIME_LOCAL, TAG_DATETIME_LOCAL + 3)} THEN {_local_text(payload_sql, f'({tag_sql} & 3)')} "
                f"WHEN {has_tag('x', TAG_DATETIME_UTC, TAG_DATETIME_UTC + 3)} THEN {_local_text(payload_sql, f'({tag_sql} & 3)')} || 'Z' "
                f"WHEN {has_tag('x', TAG_DATETIME_OFFSET, TAG_DATETIME_OFFSET + 3)} THEN {_local_text(f'{payload_sql} >> 7', f'({tag_sql} & 3)')} || {_zone_text(quarter)} "
                f"WHEN {has_tag('x', TAG_BOOLEAN)} THEN CASE {payload_sql} WHEN 1 THEN 'true' ELSE 'false' END END",
            ),
            template_macros({}),  # made anew whenever a file gets a template
            _create(
                "kg_datetime_id",
                "t",
                f"CASE WHEN year(t) NOT BETWEEN 1 AND 9999 OR epoch_us(t) % 1000 <> 0 THEN NULL ELSE "
                f"({TAG_DATETIME_LOCAL} + CASE WHEN epoch_ms(t) % 1000 = 0 THEN 0 WHEN epoch_ms(t) % 100 = 0 THEN 1 "
                f"WHEN epoch_ms(t) % 10 = 0 THEN 2 ELSE 3 END)::BIGINT << {TAG_BITS} | (epoch_ms(t) - ({_EPOCH_MS})) END",
            ),
            _create(
                "kg_integer_of_text",
                "t",
                f"CASE WHEN length(t) <= 18 AND regexp_full_match(t, '{INTEGER_FORM}') THEN {integer_id('t::BIGINT')} END",
            ),
            _create(
                "kg_decimal_of_text",
                "t",
                f"CASE WHEN length(t) <= 40 AND regexp_full_match(t, '{DECIMAL_FORM}') AND {fraction_of} <= {MAX_SCALE} "
                f"AND TRY_CAST({digits} AS HUGEINT) < {BIAS} AND NOT (left(t, 1) = '-' AND {digits}::HUGEINT = 0) THEN "
                f"({TAG_DECIMAL} + {fraction_of})::BIGINT << {TAG_BITS} | "
                f"(CASE WHEN left(t, 1) = '-' THEN -({digits}::BIGINT) ELSE {digits}::BIGINT END + {BIAS}) END",
            ),
            _create("kg_boolean_of_text", "t", f"CASE t WHEN 'true' THEN {base(TAG_BOOLEAN) + 1} WHEN 'false' THEN {base(TAG_BOOLEAN)} END"),
            _create(
                "kg_date_of_text",
                "t",
                f"CASE WHEN NOT regexp_full_match(t, '{DATE_FORM}') OR left(t, 4) = '0000' THEN NULL "
                f"WHEN length(t) = 10 THEN {base(TAG_DATE)} + ({day} << 11) "
                f"WHEN length(t) = 11 THEN {base(TAG_DATE)} + ({day} << 11) + 1 "
                f"ELSE {base(TAG_DATE)} + ({day} << 11) + {_offset_minutes('t')} + 842 END",
            ),
            _create(
                "kg_datetime_of_text",
                "t",
                f"CASE WHEN NOT regexp_full_match(t, '{DATETIME_FORM}') OR left(t, 4) = '0000' OR substr(t, 18, 2) > '59' THEN NULL "
                f"WHEN right(t, 1) = 'Z' THEN ({TAG_DATETIME_UTC} + {fraction_of})::BIGINT << {TAG_BITS} | {ms} "
                f"WHEN substr(t, -6, 1) IN ('+', '-') AND length(t) >= 25 THEN "
                f"({TAG_DATETIME_OFFSET} + {fraction_of})::BIGINT << {TAG_BITS} | ({ms} << 7) | ({_offset_minutes('t')} // 15 + 64) "
                f"ELSE ({TAG_DATETIME_LOCAL} + {fraction_of})::BIGINT << {TAG_BITS} | {ms} END",
            ),
        ]
    )


def template_macros(templates: dict[int, tuple[str, str]]) -> str:
    """The statements that teach `inline_lexical` and `template_id_of_iri` the templates of a file.

    They are few: a CASE and a constant map, not a join.
    """
    if not templates:
        return _create("kg_inline_lexical", "x", "kg_inline_literal_text(x)") + _create("kg_template_id_of_iri", "t", "NULL::BIGINT")
    cases = " ".join(
        f"WHEN {n} THEN {_quote(prefix)} || ({template_key('x')})::VARCHAR{' || ' + _quote(suffix) if suffix else ''}"
        for n, (prefix, suffix) in sorted(templates.items())
    )
    number = f"((x >> {KEY_BITS}) & {MAX_TEMPLATES - 1})"
    known = ", ".join(f"{_quote(prefix + _KEY + suffix)}: {TEMPLATE_FLAG | n << KEY_BITS}" for n, (prefix, suffix) in sorted(templates.items()))
    key = "TRY_CAST(regexp_extract(t, '([0-9]{1,16})[^0-9]*$', 1) AS BIGINT)"
    # The key is the last run of digits, written canonically: what is left of the IRI is looked up whole.
    form = f"regexp_replace(t, '^(.*[^0-9])(?:0|[1-9][0-9]{{0,15}})([^0-9]*)$', '\\1{_KEY}\\2')"
    return _create(
        "kg_inline_lexical", "x", f"CASE WHEN x >= {base(TAG_TEMPLATE)} THEN CASE {number} {cases} END ELSE kg_inline_literal_text(x) END"
    ) + _create("kg_template_id_of_iri", "t", f"CASE WHEN {key} <= {MAX_KEY} THEN MAP {{{known}}}[{form}] + {key} END")


_KEY = "\x01"  # stands for the key where a template is looked up; no IRI holds it


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_MACROS = _build_macros()
