"""Lexical forms of the XSD datatypes as SQL: sh:datatype holds for well-formed literals only (section 4.1.2)."""

from __future__ import annotations

from kg.terms import RDF_LANG_STRING, XSD, XSD_BOOLEAN, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_YEAR = r"-?(?:[1-9][0-9]{3,}|0[0-9]{3})"
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_SECONDS = r"[0-9]+(?:\.[0-9]+)?S"
_DAY_TIME = rf"(?:[0-9]+D)?(?:T(?:[0-9]+H(?:[0-9]+M)?(?:{_SECONDS})?|[0-9]+M(?:{_SECONDS})?|{_SECONDS}))"

_FORMS = {
    XSD_BOOLEAN: "true|false|0|1",
    XSD_INTEGER: "[+-]?[0-9]+",
    XSD_DECIMAL: _NUMBER,
    XSD + "double": rf"{_NUMBER}(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN",
    XSD + "float": rf"{_NUMBER}(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN",
    XSD_DATE: f"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}",
    XSD_DATETIME: f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}",
    XSD + "dateTimeStamp": f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE[:-1]}",
    XSD + "time": f"{_CLOCK}{_ZONE}",
    XSD + "gYear": f"{_YEAR}{_ZONE}",
    XSD + "gYearMonth": f"{_YEAR}-{_MONTH}{_ZONE}",
    XSD + "gMonth": f"--{_MONTH}{_ZONE}",
    XSD + "gMonthDay": f"--{_MONTH}-{_DAY}{_ZONE}",
    XSD + "gDay": f"---{_DAY}{_ZONE}",
    XSD + "duration": rf"-?P(?:[0-9]+Y(?:[0-9]+M)?(?:{_DAY_TIME}|[0-9]+D)?|[0-9]+M(?:{_DAY_TIME}|[0-9]+D)?|{_DAY_TIME}|[0-9]+D)",
    XSD + "dayTimeDuration": rf"-?P(?:{_DAY_TIME}|[0-9]+D)",
    XSD + "yearMonthDuration": "-?P(?:[0-9]+Y(?:[0-9]+M)?|[0-9]+M)",
    XSD + "hexBinary": "(?:[0-9a-fA-F]{2})*",
    XSD + "base64Binary": "(?:[A-Za-z0-9+/] ?)*(?:= ?){0,2}",
    XSD + "nonNegativeInteger": r"\+?[0-9]+|-0+",
    XSD + "positiveInteger": r"\+?0*[1-9][0-9]*",
    XSD + "nonPositiveInteger": r"-[0-9]+|\+?0+",
    XSD + "negativeInteger": "-0*[1-9][0-9]*",
    XSD + "language": "[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*",
    XSD + "NCName": r"[\pL_][\pL\pN\pM_.·-]*",
    XSD + "Name": r"[\pL_:][\pL\pN\pM_:.·-]*",
    XSD + "NMTOKEN": r"[\pL\pN\pM_:.·-]+",
    XSD + "normalizedString": r"[^\t\n\r]*",
    XSD + "token": r"(?:[^\s]+(?: [^\s]+)*)?",
}
_RANGES = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
}

# Which stored tags hold well-formed literals of a datatype only; the other literals are looked up in the dictionary.
INLINED = {XSD_INTEGER: "INTEGER", XSD_DECIMAL: "DECIMAL", XSD_BOOLEAN: "BOOLEAN", XSD_DATE: "DATE", XSD_DATETIME: "DATETIME"}
PLAIN = {XSD_STRING: "STRING", RDF_LANG_STRING: "LANG"}


def is_well_formed(datatype: str, lexical_sql: str) -> str:
    """SQL: whether a lexical form belongs to a datatype; true for datatypes outside XSD."""
    if datatype.startswith(XSD) and (limits := _RANGES.get(datatype.removeprefix(XSD))):
        return f"(regexp_full_match({lexical_sql}, '[+-]?[0-9]+') AND coalesce(TRY_CAST({lexical_sql} AS HUGEINT) BETWEEN {limits[0]} AND {limits[1]}, false))"
    form = _FORMS.get(datatype)
    if form is None:
        return "true"
    test = f"regexp_full_match({lexical_sql}, '{form}')"
    if datatype in (XSD_DATE, XSD_DATETIME, XSD + "dateTimeStamp"):
        # Years of more than four digits are beyond DuckDB's calendar: their days are not looked at.
        day = f"TRY_CAST(left({lexical_sql}, 10) AS DATE) IS NOT NULL"
        test = f"({test} AND ({day} OR NOT regexp_matches({lexical_sql}, '^[0-9]{{4}}-')))"
    return test
