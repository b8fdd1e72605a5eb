"""RDF terms ⇄ 64-bit ids: which terms are inlined, and how (the table below is the file format).

An id is a signed 64-bit integer. Stored ids are not negative: bits 56 to 62 are a tag, the low 56 bits a payload. A
term that can be inlined always is, so identity of terms is equality of ids.

    tag      term                                     payload
    0        the default graph (id 0 only)            0
    1        IRI                                      row number in the dictionary
    2        blank node                               row number
    3        xsd:string                               row number
    4        language-tagged string                   row number
    5        any other literal                        row number
    6        triple term (RDF 1.2)                    row number
    16       xsd:integer, canonical                   value + 2^55
    17       xsd:boolean, "false" and "true"          0 and 1
    18       xsd:date                                 days since 0001-01-01 << 11 | zone
    20 + d   xsd:dateTime without zone, d digits      milliseconds since 0001-01-01T00:00:00
    24 + d   xsd:dateTime in "Z"                      the same
    28 + d   xsd:dateTime in ±hh:mm, quarter hours    local milliseconds << 7 | quarters + 64
    32 + s   xsd:decimal of s fraction digits         mantissa + 2^55
    64…127   IRI prefix{key}suffix of a template      bits 52 to 61 template number, low 52 bits key

Zone of a date: 0 none, 1 "Z", else minutes east + 842. d and the dateTime's fraction digits run from 0 to 3, s from 0
to 18. Everything written otherwise ("01", "+1", "1.", years beyond 9999, doubles) stands in the dictionary with its
lexical form. Negative ids belong to one query and are never stored. Prior art: Jena TDB2, QLever, Blazegraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from pyoxigraph import BaseDirection, BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

Term = NamedNode | BlankNode | Literal | Triple

DEFAULT_GRAPH = 0
TAG_BITS = 56
PAYLOAD_MASK = (1 << TAG_BITS) - 1
BIAS = 1 << 55

TAG_IRI, TAG_BLANK, TAG_STRING, TAG_LANG, TAG_TYPED, TAG_TRIPLE = 1, 2, 3, 4, 5, 6
TAG_INTEGER, TAG_BOOLEAN, TAG_DATE = 16, 17, 18
TAG_DATETIME_LOCAL, TAG_DATETIME_UTC, TAG_DATETIME_OFFSET = 20, 24, 28
TAG_DECIMAL, MAX_SCALE = 32, 18
TAG_TEMPLATE = 64
DICTIONARY_TAGS = (TAG_IRI, TAG_BLANK, TAG_STRING, TAG_LANG, TAG_TYPED, TAG_TRIPLE)

TEMPLATE_FLAG = 1 << 62
KEY_BITS = 52
MAX_KEY = (1 << KEY_BITS) - 1
MAX_TEMPLATES = 1024

XSD = "http://www.w3.org/2001/XMLSchema#"
XSD_STRING = XSD + "string"
XSD_INTEGER = XSD + "integer"
XSD_DECIMAL = XSD + "decimal"
XSD_BOOLEAN = XSD + "boolean"
XSD_DATE = XSD + "date"
XSD_DATETIME = XSD + "dateTime"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDF_TYPE = RDF + "type"
RDFS_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
RDF_LANG_STRING = RDF + "langString"

# One source for the canonical lexical forms: Python's `re` and DuckDB's RE2 both read these patterns.
INTEGER_FORM = r"0|-?[1-9][0-9]*"
DECIMAL_FORM = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
DATE_FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?"
DATETIME_FORM = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:(?:00|15|30|45))?"
)

_integer = re.compile(INTEGER_FORM)
_decimal = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_date = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
_datetime = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_last_digits = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)

_MILLISECONDS_A_DAY = 86_400_000


def tag_of(term_id: int) -> int:
    """The tag of a stored id.

    >>> tag_of(TAG_INTEGER << TAG_BITS | BIAS + 5) == TAG_INTEGER
    True
    """
    return term_id >> TAG_BITS


# ── Templates ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Templates:
    """The IRI templates with one integer key that a graph file has registered; numbers are never reused."""

    by_text: dict[tuple[str, str], int] = field(default_factory=dict)
    by_number: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, number: int, prefix: str, suffix: str) -> None:
        self.by_text[prefix, suffix] = number
        self.by_number[number] = (prefix, suffix)

    def inline(self, iri: str) -> int | None:
        """The id of an IRI whose last run of digits is a canonical key of a registered template, else None."""
        if not self.by_text:
            return None
        match = _last_digits.fullmatch(iri)
        if match is None:
            return None
        prefix, digits, suffix = match.groups()
        if len(digits) > 16 or (digits[0] == "0" and digits != "0"):
            return None
        number = self.by_text.get((prefix, suffix))
        key = int(digits)
        if number is None or key > MAX_KEY:
            return None
        return TEMPLATE_FLAG | number << KEY_BITS | key

    def text(self, term_id: int) -> str:
        """The IRI of a template id."""
        prefix, suffix = self.by_number[(term_id >> KEY_BITS) & (MAX_TEMPLATES - 1)]
        return f"{prefix}{term_id & MAX_KEY}{suffix}"


def is_inlinable_template(prefix: str, suffix: str) -> bool:
    """Whether the key of prefix{key}suffix is always the IRI's last run of digits, so that reading is unambiguous.

    >>> is_inlinable_template("http://example/item/", ""), is_inlinable_template("http://example/v2", "")
    (True, False)
    """
    return bool(prefix) and not prefix[-1].isdigit() and not any(c.isdigit() for c in suffix)


# ── Term → id ────────────────────────────────────────────────────────────────────────────────────────────────


def inline(term: Term, templates: Templates) -> int | None:
    """The id of a term that can be inlined, else None."""
    if isinstance(term, NamedNode):
        return templates.inline(term.value)
    if isinstance(term, Literal) and term.language is None:
        return inline_literal(term.value, term.datatype.value)
    return None


def inline_literal(lexical: str, datatype: str) -> int | None:
    """The id of a literal without language that can be inlined, else None."""
    inliner = _INLINERS.get(datatype)
    return inliner(lexical) if inliner is not None else None


def integer_id(value: int) -> int | None:
    """The id of an integer within ±2^55, else None."""
    return TAG_INTEGER << TAG_BITS | value + BIAS if -BIAS <= value < BIAS else None


def _inline_integer(lexical: str) -> int | None:
    return integer_id(int(lexical)) if len(lexical) <= 18 and _integer.fullmatch(lexical) else None


def _inline_decimal(lexical: str) -> int | None:
    match = _decimal.fullmatch(lexical)
    if match is None or len(lexical) > 40:
        return None
    sign, whole, fraction = match[1], match[2], match[3] or ""
    mantissa = int(whole + fraction)
    if len(fraction) > MAX_SCALE or mantissa >= BIAS or (sign and mantissa == 0):
        return None
    return TAG_DECIMAL + len(fraction) << TAG_BITS | (-mantissa if sign else mantissa) + BIAS


def _inline_boolean(lexical: str) -> int | None:
    return {"false": TAG_BOOLEAN << TAG_BITS, "true": TAG_BOOLEAN << TAG_BITS | 1}.get(lexical)


def _inline_date(lexical: str) -> int | None:
    match = _date.fullmatch(lexical)
    if match is None:
        return None
    days = _days(match[1], match[2], match[3])
    zone = _zone_minutes(match[4])
    if days is None or zone is None:
        return None
    code = 0 if match[4] is None else 1 if match[4] == "Z" else zone + 842
    return TAG_DATE << TAG_BITS | days << 11 | code


def _inline_datetime(lexical: str) -> int | None:
    match = _datetime.fullmatch(lexical)
    if match is None:
        return None
    days = _days(match[1], match[2], match[3])
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    zone = _zone_minutes(match[8])
    if days is None or zone is None or hour > 23 or minute > 59 or second > 59:
        return None
    fraction = match[7] or ""
    local = days * _MILLISECONDS_A_DAY + ((hour * 60 + minute) * 60 + second) * 1000 + int(fraction.ljust(3, "0"))
    if match[8] is None:
        return TAG_DATETIME_LOCAL + len(fraction) << TAG_BITS | local
    if match[8] == "Z":
        return TAG_DATETIME_UTC + len(fraction) << TAG_BITS | local
    if zone % 15:
        return None
    return TAG_DATETIME_OFFSET + len(fraction) << TAG_BITS | local << 7 | zone // 15 + 64


def _days(year: str, month: str, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() - 1
    except ValueError:
        return None


def _zone_minutes(zone: str | None) -> int | None:
    """Minutes east of UTC; 0 for none and for Z; None where it is not a legal zone or not in its only spelling."""
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    total = hours * 60 + minutes
    if minutes > 59 or total > 840 or (total == 0 and zone[0] == "-"):
        return None
    return -total if zone[0] == "-" else total


_INLINERS = {
    XSD_INTEGER: _inline_integer,
    XSD_DECIMAL: _inline_decimal,
    XSD_BOOLEAN: _inline_boolean,
    XSD_DATE: _inline_date,
    XSD_DATETIME: _inline_datetime,
}


# ── Id → term ────────────────────────────────────────────────────────────────────────────────────────────────

_INTEGER_TYPE = NamedNode(XSD_INTEGER)
_DECIMAL_TYPE = NamedNode(XSD_DECIMAL)
_BOOLEAN_TYPE = NamedNode(XSD_BOOLEAN)
_DATE_TYPE = NamedNode(XSD_DATE)
_DATETIME_TYPE = NamedNode(XSD_DATETIME)


def is_inline(term_id: int) -> bool:
    """Whether a stored id carries its term in itself."""
    return term_id >> TAG_BITS >= TAG_INTEGER


def uninline(term_id: int, templates: Templates) -> NamedNode | Literal:
    """The term of an inlined id, lexical form included; ValueError for ids of the dictionary."""
    tag = term_id >> TAG_BITS
    payload = term_id & PAYLOAD_MASK
    if tag >= TAG_TEMPLATE:
        return NamedNode(templates.text(term_id))
    if tag >= TAG_DECIMAL:
        return Literal(decimal_text(payload - BIAS, tag - TAG_DECIMAL), datatype=_DECIMAL_TYPE)
    if tag == TAG_INTEGER:
        return Literal(str(payload - BIAS), datatype=_INTEGER_TYPE)
    if tag >= TAG_DATETIME_LOCAL:
        return Literal(_datetime_text(tag, payload), datatype=_DATETIME_TYPE)
    if tag == TAG_DATE:
        return Literal(_date_text(payload >> 11) + _date_zone_text(payload & 2047), datatype=_DATE_TYPE)
    if tag == TAG_BOOLEAN:
        return Literal("true" if payload else "false", datatype=_BOOLEAN_TYPE)
    raise ValueError(f"id {term_id} (tag {tag}) is not inlined")


def decimal_text(mantissa: int, scale: int) -> str:
    """The lexical form of mantissa × 10^-scale with exactly `scale` fraction digits.

    >>> decimal_text(150, 2), decimal_text(-5, 1), decimal_text(7, 0)
    ('1.50', '-0.5', '7')
    """
    if scale == 0:
        return str(mantissa)
    digits = str(abs(mantissa)).rjust(scale + 1, "0")
    return f"{'-' if mantissa < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def _date_text(days: int) -> str:
    return date.fromordinal(days + 1).isoformat()


def _date_zone_text(code: int) -> str:
    return "" if code == 0 else "Z" if code == 1 else _zone_text(code - 842)


def _zone_text(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _datetime_text(tag: int, payload: int) -> str:
    family, digits = tag & ~3, tag & 3
    local = payload >> 7 if family == TAG_DATETIME_OFFSET else payload
    days, milliseconds = divmod(local, _MILLISECONDS_A_DAY)
    seconds, fraction = divmod(milliseconds, 1000)
    text = f"{_date_text(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if digits:
        text += "." + f"{fraction:03d}"[:digits]
    if family == TAG_DATETIME_UTC:
        return text + "Z"
    if family == TAG_DATETIME_OFFSET:
        return text + _zone_text(((payload & 127) - 64) * 15)
    return text


# ── Dictionary rows ──────────────────────────────────────────────────────────────────────────────────────────


def dictionary_key(term: Term) -> tuple[int, str, str]:
    """(tag, lexical form, extra) of a term that is not inlined; extra is the language tag or the datatype IRI.

    A triple term's lexical form is its N-Triples text.
    """
    if isinstance(term, NamedNode):
        return TAG_IRI, term.value, ""
    if isinstance(term, BlankNode):
        return TAG_BLANK, term.value, ""
    if isinstance(term, Triple):
        return TAG_TRIPLE, str(term), ""
    if term.language is not None:
        direction = getattr(term, "direction", None)
        return TAG_LANG, term.value, f"{term.language}--{direction.value}" if direction else term.language
    if term.datatype.value == XSD_STRING:
        return TAG_STRING, term.value, ""
    return TAG_TYPED, term.value, term.datatype.value


def _named_node(iri: str) -> NamedNode:
    """The IRI as it is, one with illegal characters too: a mapping may ask for such (RML's UnsafeIRI)."""
    try:
        return NamedNode(iri)
    except ValueError:
        escaped = re.sub(r"[\x00-\x20<>\"{}|\\^`]", lambda match: f"\\u{ord(match[0]):04X}", iri)
        return next(parse(f"<{escaped}> <urn:p> <urn:o> .".encode(), format=RdfFormat.N_TRIPLES, lenient=True)).subject


def dictionary_term(tag: int, lexical: str, extra: str) -> Term:
    """The term of a dictionary row: the inverse of `dictionary_key`."""
    if tag == TAG_IRI:
        return _named_node(lexical)
    if tag == TAG_STRING:
        return Literal(lexical)
    if tag == TAG_LANG:
        language, _, direction = extra.partition("--")
        if direction:
            return Literal(lexical, language=language, direction=getattr(BaseDirection, direction.upper()))
        return Literal(lexical, language=language)
    if tag == TAG_TYPED:
        return Literal(lexical, datatype=NamedNode(extra))
    if tag == TAG_BLANK:
        return BlankNode(lexical)
    return _triple_from_text(lexical)


def _triple_from_text(text: str) -> Triple:
    """A triple term from its N-Triples text, by way of a quoted object."""
    document = f"<urn:x> <urn:x> <<( {text} )>> ."
    return next(iter(parse(document.encode(), format=RdfFormat.N_TRIPLES))).object

