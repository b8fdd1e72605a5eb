"""How a term looks on a page: its words, its link, its tooltip. Links are local paths only, whatever an IRI says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, unquote, urlsplit

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.sparql.results import ResultTerm, readable

XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS = {XSD + name for name in ("integer", "decimal", "double", "float", "int", "long", "nonNegativeInteger")}
_PATH_SAFE = "/:@!$&'()*+,;=~-._"  # RFC 3986 pchar and "/", so that a path reads like its IRI
_GROUPED = re.compile(r"([+-]?)(\d{5,})(\.\d+)?")


@dataclass(frozen=True)
class Shown:
    """A term made ready for a template: `kind` is iri, blank, number, text, triple or none."""

    text: str
    kind: str
    href: str | None = None
    tooltip: str | None = None
    language: str | None = None


NOTHING = Shown("", "none")


class Display:
    """Terms as this reader sees them, with the labels that were looked up for one page."""

    def __init__(self, base: str, prefixes: Mapping[str, str], labels: Mapping[NamedNode, str]) -> None:
        self._base = base
        self._prefixes = prefixes
        self._labels = labels

    def show(self, term: ResultTerm | None) -> Shown:
        if term is None:
            return NOTHING
        if isinstance(term, NamedNode):
            return Shown(self.name(term), "iri", path_of(term.value, self._base), term.value)
        if isinstance(term, BlankNode):
            return Shown(f"_:{term.value}", "blank", "/resource?iri=" + quote(f"_:{term.value}", safe=""))
        if isinstance(term, Literal):
            return self._literal(term)
        return Shown(" ".join(self.show(part).text for part in (term.subject, term.predicate, term.object)), "triple")

    def has_label(self, iri: NamedNode) -> bool:
        return iri in self._labels

    def with_labels(self, labels: Mapping[NamedNode, str]) -> Display:
        return Display(self._base, self._prefixes, {**self._labels, **labels})

    def name(self, iri: NamedNode) -> str:
        """Its label, else a prefixed name, else its last part, else the IRI."""
        return self._labels.get(iri) or short_name(iri, self._prefixes)

    def _literal(self, literal: Literal) -> Shown:
        datatype = literal.datatype.value
        if datatype in _NUMBERS:
            short = _rounded(literal.value)
            tooltip = readable(literal.datatype, self._prefixes) if short == literal.value else f"{literal.value} ({readable(literal.datatype, self._prefixes)})"
            return Shown(grouped(short), "number", tooltip=tooltip)
        tooltip = None if literal.language or datatype == XSD + "string" else readable(literal.datatype, self._prefixes)
        return Shown(literal.value, "text", tooltip=tooltip, language=literal.language)


def short_name(iri: NamedNode, prefixes: Mapping[str, str]) -> str:
    """`ex:item/1` where a prefix covers it, else the IRI in angle brackets without its scheme's noise."""
    best = max((pair for pair in prefixes.items() if pair[1] and iri.value.startswith(pair[1])), key=lambda p: len(p[1]), default=None)
    return f"{best[0]}:{unquote(iri.value[len(best[1]) :])}" if best else iri.value


def _rounded(number: str) -> str:
    """A decimal with more than six digits after the point, as quotients have them, rounded; every other spelling as it is."""
    whole, _, digits = number.partition(".")
    if len(digits) <= 6 or not digits.isdigit():
        return number
    return f"{Decimal(number):.6f}" if whole.strip("-+0") else f"{Decimal(number):.6g}"


def grouped(number: str) -> str:
    """Digits in threes from 10,000 on; every other spelling as it is.

    >>> grouped("1234567.50")
    '1,234,567.50'
    """
    match = _GROUPED.fullmatch(number)
    return f"{match[1]}{int(match[2]):,}{match[3] or ''}" if match and match[2][0] != "0" else number


# ── IRIs and paths of this server ────────────────────────────────────────────────────────────────────────────


def path_of(iri: str, base: str) -> str:
    """Where this server describes `iri`: /doc/… for <base>id/…, /resource?iri=… for every other.

    >>> path_of("https://example.org/x/id/item/1", "https://example.org/x/")
    '/doc/item/1'
    """
    start = base + "id/"
    local = iri[len(start) :]
    if iri.startswith(start) and _travels_unchanged(local):
        return "/doc/" + quote(local, safe=_PATH_SAFE + "%")
    return "/resource?iri=" + quote(iri, safe="")


def iri_of(raw_path: str, base: str) -> str:
    """The IRI behind /id/<raw_path>; `raw_path` still has its percent escapes, as IRIs made from templates do."""
    return f"{base}id/{_as_iri(raw_path)}"


def _as_iri(raw_path: str) -> str:
    """Undo the escapes of characters beyond ASCII, which browsers add and IRIs do not need (RFC 3987, 3.2)."""
    def keep_ascii(match: re.Match) -> str:
        try:
            text = unquote(match[0], errors="strict")
        except UnicodeDecodeError:
            return match[0]
        return text if text.isprintable() else match[0]

    return re.sub(r"(?:%[89A-Fa-f][0-9A-Fa-f])+", keep_ascii, raw_path)


def _travels_unchanged(local: str) -> bool:
    """Whether a path with this end reaches us as written: no query, no fragment, no dot segment, no empty segment."""
    segments = local.split("/")
    return bool(local) and not set(local) & set("?#\\") and not {"", ".", ".."} & set(segments) and "." not in segments[-1]


def is_web_address(iri: str) -> bool:
    """Whether a page may offer `iri` itself as a link: http and https alone, so never javascript: or data:."""
    try:
        parts = urlsplit(iri)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
