"""The natural mapping of SQL values to RDF literals (R2RML section 10) and the lexical forms that datatypes demand, as SQL."""

from __future__ import annotations

import re

import duckdb

from kg.mapping.template import UCSCHAR, UNRESERVED_ASCII
from kg.sql import encoding
from kg.terms import (
    BIAS,
    MAX_SCALE,
    TAG_DECIMAL,
    XSD,
    XSD_BOOLEAN,
    XSD_DATE,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_INTEGER,
    XSD_STRING,
)

XSD_DOUBLE, XSD_TIME, XSD_HEX = XSD + "double", XSD + "time", XSD + "hexBinary"
# A DECIMAL times a power of ten of its scale must have no more than 18 digits to be computed in 64 bits.
_WIDTH, _QUICK_SCALE = 17, 6
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")


def is_integer(sql_type: str) -> bool:
    return sql_type in _INTEGERS


def natural_datatype(sql_type: str) -> str:
    """The XSD datatype of a DuckDB type; xsd:string for whatever has no better one."""
    if is_integer(sql_type):
        return XSD_INTEGER
    if sql_type.startswith("DECIMAL"):
        return XSD_DECIMAL
    if sql_type.startswith("TIMESTAMP"):
        return XSD_DATETIME
    if sql_type.startswith("TIME"):
        return XSD_TIME
    named = {"FLOAT": XSD_DOUBLE, "DOUBLE": XSD_DOUBLE, "BOOLEAN": XSD_BOOLEAN, "DATE": XSD_DATE, "BLOB": XSD_HEX}
    return named.get(sql_type, XSD_STRING)


def natural_lexical(sql_type: str, value: str) -> str:
    """VARCHAR: the natural lexical form of a value; doubles in canonical form, bytes in upper-case hexadecimal."""
    if sql_type == "VARCHAR":
        return value
    if sql_type in ("FLOAT", "DOUBLE"):
        return double_text(f"{value}::VARCHAR")
    if sql_type == "BLOB":
        return f"hex({value})"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"replace(make_timestamp(epoch_us({value}))::VARCHAR, ' ', 'T') || 'Z'"
    if sql_type.startswith("TIMESTAMP"):
        return f"replace({value}::VARCHAR, ' ', 'T')"
    return f"{value}::VARCHAR"


def double_text(text: str) -> str:
    """VARCHAR: the canonical form of a double, of DuckDB's text of it."""
    return f"kg_double_text({text})"


def natural_id(sql_type: str, value: str) -> str | None:
    """BIGINT: the inlined id of a typed value, NULL where it is not inlined; None where values of the type never are."""
    if is_integer(sql_type):
        return encoding.integer_id(value)
    if sql_type.startswith("DECIMAL"):
        width, scale = (int(part) for part in sql_type[len("DECIMAL(") : -1].split(","))
        if width + scale + 1 <= 18:  # DuckDB's arithmetic stays in 64 bits, and every mantissa fits
            return f"{encoding.base(TAG_DECIMAL + scale) + BIAS} + ({value} * {10**scale})::BIGINT"
        return encoding.decimal_id(value, scale) if scale <= MAX_SCALE else None
    if sql_type == "BOOLEAN":
        return encoding.boolean_id(value)
    if sql_type == "DATE":
        return encoding.date_id(value)
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return encoding.inline_of_lexical(XSD_DATETIME, natural_lexical(sql_type, value))
    return encoding.datetime_id(f"{value}::TIMESTAMP") if sql_type.startswith("TIMESTAMP") else None


def lexical_for(datatype: str, text: str) -> str:
    """VARCHAR: a text read as a value of `datatype`: SQL's spelling of times and booleans becomes XSD's, spaces around go."""
    if datatype == XSD_STRING or not is_checked(datatype):
        return text
    if datatype == XSD_BOOLEAN:
        return f"lower(trim({text}))"
    if datatype == XSD_DATETIME:
        return f"CASE WHEN substr(trim({text}), 11, 1) = ' ' THEN left(trim({text}), 10) || 'T' || substr(trim({text}), 12) ELSE trim({text}) END"
    return f"trim({text})"


def quick_type(datatype: str, scale: int) -> str | None:
    """The SQL type whose texts are, as a rule, the canonical lexical forms of `datatype`; None where there is none."""
    if datatype == XSD_DECIMAL:
        return f"DECIMAL({_WIDTH - scale},{scale})" if scale <= _QUICK_SCALE else f"DECIMAL(18,{scale})" if scale <= MAX_SCALE else None
    return {XSD_INTEGER: "BIGINT", XSD_DATE: "DATE", XSD_DATETIME: "TIMESTAMP"}.get(datatype)


# ── Which texts are values of a datatype ─────────────────────────────────────────────────────────────────────

_ZONE = "(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DAY = "-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_FLOATING = _NUMBER + "([eE][+-]?[0-9]+)?|[+-]?INF|NaN"
_FORMS = {
    "integer": "[+-]?[0-9]+", "decimal": _NUMBER, "double": _FLOATING, "float": _FLOATING, "boolean": "true|false|0|1",
    "date": _DAY + _ZONE, "dateTime": f"{_DAY}T{_CLOCK}{_ZONE}", "time": _CLOCK + _ZONE,
    "gYear": "-?([1-9][0-9]{3,}|0[0-9]{3})" + _ZONE, "gYearMonth": "-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])" + _ZONE,
    "hexBinary": "([0-9A-Fa-f]{2})*",
}  # fmt: skip
_BOUNDS = {
    "long": (-(2**63), 2**63 - 1), "int": (-(2**31), 2**31 - 1), "short": (-(2**15), 2**15 - 1), "byte": (-128, 127),
    "nonNegativeInteger": (0, None), "positiveInteger": (1, None), "nonPositiveInteger": (None, 0), "negativeInteger": (None, -1),
    "unsignedLong": (0, 2**64 - 1), "unsignedInt": (0, 2**32 - 1), "unsignedShort": (0, 2**16 - 1), "unsignedByte": (0, 255),
}  # fmt: skip


def is_checked(datatype: str) -> bool:
    """Whether the lexical forms of a datatype are known here; others are taken as they come."""
    return datatype.startswith(XSD) and (datatype[len(XSD) :] in _FORMS or datatype[len(XSD) :] in _BOUNDS)


def is_valid(datatype: str, lexical: str) -> str:
    """BOOLEAN: whether a VARCHAR is a lexical form of `datatype` (XML Schema part 2, section 3)."""
    if not is_checked(datatype):
        return "true"
    name = datatype[len(XSD) :]
    if name in _BOUNDS:
        low, high = _BOUNDS[name]
        value = f"TRY_CAST({lexical} AS HUGEINT)"
        tests = [f"regexp_full_match({lexical}, '[+-]?[0-9]+')"]
        tests += [f"coalesce({value} >= {low}, true)"] * (low is not None) + [f"coalesce({value} <= {high}, false)"] * (high is not None)
        return "(" + " AND ".join(tests) + ")"
    form = f"regexp_full_match({lexical}, '{_FORMS[name]}')"
    if name in ("date", "dateTime"):
        # 30 February has the right form; years of more than four digits are beyond the calendar test.
        return f"({form} AND (substr({lexical}, 5, 1) <> '-' OR try_strptime(left({lexical}, 10), '%Y-%m-%d') IS NOT NULL))"
    return form


# ── Strings ──────────────────────────────────────────────────────────────────────────────────────────────────

_IRI_CHARACTERS = r"""([^\x00-\x20<>"{}|\\^`%]|%[0-9A-Fa-f]{2})*"""


def is_iri(text: str) -> str:
    """BOOLEAN: whether a VARCHAR is an absolute IRI, as far as its characters and its scheme tell."""
    return f"regexp_full_match({text}, '[A-Za-z][A-Za-z0-9+.\\-]*:{_IRI_CHARACTERS}')"


def is_iri_text(text: str) -> bool:
    """The same test of a text at hand."""
    return re.fullmatch(f"[A-Za-z][A-Za-z0-9+.\\-]*:{_IRI_CHARACTERS}", text) is not None


def has_scheme(text: str) -> str:
    return f"regexp_matches({text}, '^[A-Za-z][A-Za-z0-9+.\\-]*:')"


def iri_safe(text: str) -> str:
    """VARCHAR: percent-encoded but for `iunreserved` (section 7.3)."""
    return f"kg_iri_safe({text})"


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the TEMP macros that the expressions above call."""
    connection.execute(_MACROS)


_RANGES = "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in UCSCHAR)
_SAFE = f"[{UNRESERVED_ASCII}{_RANGES}]"
_PARTS = r"regexp_extract(t, '^-?([0-9]+)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?$', ['whole', 'fraction', 'exponent'])"
_DIGITS = "rtrim(ltrim(p.whole || p.fraction, '0'), '0')"
_EXPONENT = (
    "(coalesce(TRY_CAST(p.exponent AS INTEGER), 0) + CASE WHEN ltrim(p.whole, '0') <> '' THEN length(ltrim(p.whole, '0')) - 1 "
    "ELSE length(ltrim(p.fraction, '0')) - length(p.fraction) - 1 END)"
)
# DuckDB's text of a double is the shortest: digits around a point, or with an exponent, which only regular expressions take apart.
# strlen counts bytes and length characters: where they are equal, the text is ASCII.
_MACROS = rf"""
CREATE OR REPLACE TEMP MACRO kg_iri_safe(t) AS (CASE WHEN regexp_full_match(t, '{_SAFE}*') THEN t WHEN strlen(t) = length(t) THEN url_encode(t) ELSE
    list_aggregate(list_transform(regexp_extract_all(t, '(?s).'), lambda c: CASE WHEN regexp_full_match(c, '{_SAFE}') THEN c ELSE url_encode(c) END),
    'string_agg', '') END);
CREATE OR REPLACE TEMP MACRO kg_double_of_parts(t, p) AS (CASE WHEN left(t, 1) = '-' THEN '-' ELSE '' END || CASE WHEN {_DIGITS} = '' THEN '0.0E0'
    ELSE left({_DIGITS}, 1) || '.' || CASE WHEN length({_DIGITS}) = 1 THEN '0' ELSE substr({_DIGITS}, 2) END || 'E' || {_EXPONENT}::VARCHAR END);
CREATE OR REPLACE TEMP MACRO kg_digits(d) AS (left(d, 1) || '.' || CASE WHEN length(d) = 1 THEN '0' ELSE substr(d, 2) END || 'E');
CREATE OR REPLACE TEMP MACRO kg_positive_double(t) AS (CASE
    WHEN contains(t, 'e') OR NOT contains(t, '.') OR t = '0.0' THEN kg_double_of_parts(t, {_PARTS})
    WHEN starts_with(t, '0.') THEN kg_digits(ltrim(substr(t, 3), '0')) || (length(ltrim(substr(t, 3), '0')) - length(t) + 1)::VARCHAR
    WHEN ends_with(t, '.0') THEN kg_digits(rtrim(left(t, -2), '0')) || (length(t) - 3)::VARCHAR
    ELSE left(t, 1) || '.' || substr(t, 2, strpos(t, '.') - 2) || substr(t, strpos(t, '.') + 1) || 'E' || (strpos(t, '.') - 2)::VARCHAR END);
CREATE OR REPLACE TEMP MACRO kg_double_text(t) AS (CASE t WHEN 'nan' THEN 'NaN' WHEN 'inf' THEN 'INF' WHEN '-inf' THEN '-INF'
    ELSE CASE WHEN left(t, 1) = '-' THEN '-' || kg_positive_double(substr(t, 2)) ELSE kg_positive_double(t) END END);
"""
