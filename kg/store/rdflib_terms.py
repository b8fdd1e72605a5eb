"""rdflib's terms ⇄ pyoxigraph's, lexical forms kept; `"x"` and `"x"^^xsd:string` are one term, language tags lower case."""

from __future__ import annotations

import rdflib
from pyoxigraph import BlankNode, Literal, NamedNode, Triple
from rdflib.term import Identifier

from kg.errors import DataError
from kg.terms import XSD_STRING, Term

_XSD_STRING = rdflib.URIRef(XSD_STRING)


def from_rdflib(term: Identifier) -> Term:
    """DataError of what is no RDF term: a variable, an IRI with spaces, an ill-formed language tag."""
    try:
        if isinstance(term, rdflib.URIRef):
            return NamedNode(str(term))
        if isinstance(term, rdflib.BNode):
            return BlankNode(str(term))
        if isinstance(term, rdflib.Literal):
            if term.language:
                return Literal(str(term), language=term.language)
            if term.datatype is None:
                return Literal(str(term))
            return Literal(str(term), datatype=NamedNode(str(term.datatype)))
    except ValueError as error:
        raise DataError("D112", f"{term!r} cannot be stored: {error}") from None
    raise DataError("D112", f"{term!r} is no IRI, blank node or literal")


def to_rdflib(term: Term) -> Identifier:
    """DataError of triple terms and of base directions, which rdflib does not have."""
    if isinstance(term, NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, Triple) or getattr(term, "direction", None) is not None:
        raise DataError("D113", f"rdflib has no term for {term}", help="read this graph with SPARQL instead")
    if term.language is not None:
        return rdflib.Literal(term.value, lang=term.language)
    if term.datatype.value == XSD_STRING:
        return rdflib.Literal(term.value)
    return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)


def canonical(term: Identifier) -> Identifier:
    """The term as it comes back from the store."""
    if isinstance(term, rdflib.Literal):
        if term.datatype == _XSD_STRING:
            return rdflib.Literal(str(term))
        if term.language and term.language != term.language.lower():
            return rdflib.Literal(str(term), lang=term.language.lower())
    return term
