"""One term as people write it: `term_of` reads "ex:thing", "<iri>", '"text"@en', 12.50; `text_of` writes the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from kg import terms
from kg.errors import DataError, did_you_mean
from kg.terms import RDF_TYPE, Term

_DATATYPE_PREFIXES = {"xsd": terms.XSD, "rdf": terms.RDF}
_BLANK = re.compile(r"_:([\w·][\w·.-]*)")
_PREFIXED = re.compile(r"([^\W\d_][\w.-]*)?:([^\s<>\"{}|^`\\]*)")
_NOT_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|^`\\]")
_SAFE_LOCAL = re.compile(r"(?:[\w][\w-]*)?")
_SUBJECT, _PREDICATE = "urn:x-term:subject", "urn:x-term:predicate"


def term_of(text: str, prefixes: Mapping[str, str]) -> Term:
    """Read a term in Turtle's notation; `a` is rdf:type, and IRIs with "://" or "urn:" may stand without brackets.

    In a prefixed name every character of an IRI is allowed ("ex:item/12"), which Turtle would want escaped.

    >>> term_of("ex:item/12", {"ex": "http://example.org/"}).value
    'http://example.org/item/12'
    """
    text = text.strip()
    if text == "a":
        return NamedNode(RDF_TYPE)
    blank = _BLANK.fullmatch(text)
    if blank:
        return BlankNode(blank[1])
    if text.startswith("<") and not text.startswith("<<"):
        return _iri(text[1:-1] if text.endswith(">") else text, text)
    match = _PREFIXED.fullmatch(text)
    if match:
        return _prefixed(match[1] or "", match[2], text, prefixes)
    return _in_turtle(text, prefixes)


def _prefixed(prefix: str, local: str, text: str, prefixes: Mapping[str, str]) -> NamedNode:
    if prefix in prefixes:
        return _iri(prefixes[prefix] + local, text)
    if local.startswith("//") or prefix == "urn":
        return _iri(text, text)
    raise DataError("D111", f"the prefix {prefix}: of {text} is not declared", help=_prefix_help(prefix, prefixes))


def _prefix_help(prefix: str, prefixes: Mapping[str, str]) -> str:
    known = ", ".join(f"{name}:" for name in sorted(prefixes))
    return did_you_mean(prefix, prefixes) or (f"declared are {known}" if known else "write the IRI in <…>")


def _iri(iri: str, text: str) -> NamedNode:
    if ":" not in iri or _NOT_IN_IRI.search(iri):
        raise DataError("D110", f"{text} is no absolute IRI", help="write <https://…>, or a prefixed name")
    try:
        return NamedNode(iri)
    except ValueError as error:
        raise DataError("D110", f"{text} is no absolute IRI: {error}", help="write <https://…>, or a prefixed name") from None


def _in_turtle(text: str, prefixes: Mapping[str, str]) -> Term:
    """Literals and triple terms: the object of a one-triple document."""
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in {**_DATATYPE_PREFIXES, **prefixes}.items()]
    lines.append(f"<{_SUBJECT}> <{_PREDICATE}> {text} .")
    try:
        found = list(parse("\n".join(lines), format=RdfFormat.TURTLE))
    except SyntaxError as error:
        reason = re.sub(r"^Parser error (?:at|between) [^:]*: ", "", str(error.msg))
        raise DataError(
            "D110", f"{text} is no RDF term: {reason}",
            help='write prefix:name, <iri>, "text", "text"@en, "2026-01-31"^^xsd:date, 12, 12.5 or true',
        ) from None  # fmt: skip
    if len(found) != 1 or isinstance(found[0].object, BlankNode):
        raise DataError("D110", f"{text} is not one RDF term", help="give a single IRI, literal or triple term")
    return found[0].object


def text_of(term: Term, prefixes: Mapping[str, str] | None = None) -> str:
    """Write a term as briefly as `term_of` reads it back: prefixed names, bare numbers and booleans.

    >>> text_of(Literal("1.50", datatype=NamedNode(terms.XSD_DECIMAL)))
    '1.50'
    """
    prefixes = prefixes or {}
    if isinstance(term, NamedNode):
        return _short(term.value, prefixes)
    if isinstance(term, Literal) and term.language is None and term.datatype.value != terms.XSD_STRING:
        datatype = term.datatype.value
        if terms.inline(term, terms.Templates()) is not None and _is_bare(term.value, datatype):
            return term.value
        return f"{Literal(term.value)}^^{_short(datatype, _DATATYPE_PREFIXES)}"
    return f"<<( {term} )>>" if isinstance(term, Triple) else str(term)


def _is_bare(lexical: str, datatype: str) -> bool:
    """Whether Turtle reads the naked text as a literal of the same datatype and lexical form."""
    return datatype in (terms.XSD_INTEGER, terms.XSD_BOOLEAN) or (datatype == terms.XSD_DECIMAL and "." in lexical)


def _short(iri: str, prefixes: Mapping[str, str]) -> str:
    """The prefixed name with the longest fitting namespace, else <iri>."""
    best = None
    for name, namespace in prefixes.items():
        if namespace and iri.startswith(namespace) and (best is None or len(namespace) > len(prefixes[best])):
            rest = iri[len(namespace) :]
            if all(_SAFE_LOCAL.fullmatch(part) for part in rest.split("/")):
                best = name
    return f"<{iri}>" if best is None else f"{best}:{iri[len(prefixes[best]):]}"
