"""Class expressions and data ranges of OWL 2, as SWRL's atoms use them: their form, their text, the test of a data range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pyoxigraph import Literal, NamedNode

from kg.reasoner.model import short_name
from kg.rules.swrl_functions import INTEGERS
from kg.sparql import algebra as a
from kg.sparql.algebra import Call
from kg.terms import XSD, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

RDFS_LITERAL, RDF_PLAIN = "http://www.w3.org/2000/01/rdf-schema#Literal", "http://www.w3.org/1999/02/22-rdf-syntax-ns#PlainLiteral"
Prefixes = tuple[tuple[str, str], ...]

# ── Class expressions ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Inverse:
    iri: NamedNode


Property = NamedNode | Inverse


@dataclass(frozen=True)
class Named:
    iri: NamedNode


@dataclass(frozen=True)
class And:
    parts: tuple


@dataclass(frozen=True)
class Or:
    parts: tuple


@dataclass(frozen=True)
class Not:
    part: object


@dataclass(frozen=True)
class OneOf:
    members: tuple[NamedNode, ...]


@dataclass(frozen=True)
class Some:
    property: Property
    filler: object


@dataclass(frozen=True)
class Only:
    property: Property
    filler: object


@dataclass(frozen=True)
class HasValue:
    property: Property
    value: a.Term


@dataclass(frozen=True)
class HasSelf:
    property: Property


@dataclass(frozen=True)
class Cardinality:
    """`kind` is min, max or exactly."""

    kind: str
    number: int
    property: Property
    filler: object = None


ClassExpression = Named | And | Or | Not | OneOf | Some | Only | HasValue | HasSelf | Cardinality


def only_tests(cls: ClassExpression) -> bool:
    """Whether an expression cannot bind its argument."""
    return isinstance(cls, (Not, Only))


# ── Data ranges ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Datatype:
    iri: NamedNode


@dataclass(frozen=True)
class Facets:
    """A datatype with `(facet, value)` pairs; facets by local name: minInclusive, length, pattern …"""

    datatype: Datatype
    facets: tuple[tuple[str, Literal], ...]


@dataclass(frozen=True)
class Literals:
    members: tuple[Literal, ...]


@dataclass(frozen=True)
class DataNot:
    part: object


@dataclass(frozen=True)
class DataAnd:
    parts: tuple


@dataclass(frozen=True)
class DataOr:
    parts: tuple


DataRange = Datatype | Facets | Literals | DataNot | DataAnd | DataOr
DATA_RANGES = (Datatype, Facets, Literals, DataNot, DataAnd, DataOr)

FACETS = ("minInclusive", "maxInclusive", "minExclusive", "maxExclusive", "length", "minLength", "maxLength", "pattern", "langRange")
SIGNS = {">=": "minInclusive", "<=": "maxInclusive", ">": "minExclusive", "<": "maxExclusive"}
_SIGN_OF = {facet: sign for sign, facet in SIGNS.items()}
_LENGTHS = {"length": "=", "minLength": ">=", "maxLength": "<="}


def is_datatype(iri: NamedNode) -> bool:
    return iri.value.startswith(XSD) or iri.value in (RDFS_LITERAL, RDF_PLAIN)


def in_range(range: DataRange, value: a.Node) -> a.Expression:
    """An expression that is true of the values of a data range (OWL 2, section 7)."""
    match range:
        case Datatype(iri=iri):
            return _of_type(iri.value, value)
        case Facets(datatype=datatype, facets=facets):
            return _joined("&&", [in_range(datatype, value), *(_facet(name, limit, value) for name, limit in facets)])
        case Literals(members=members):
            return Call("IN", (value, *members))
        case DataNot(part=part):
            return Call("&&", (Call("ISLITERAL", (value,)), Call("!", (Call("COALESCE", (in_range(part, value), _FALSE)),))))
        case DataAnd(parts=parts):
            return _joined("&&", [in_range(part, value) for part in parts])
        case DataOr(parts=parts):
            return _joined("||", [Call("COALESCE", (in_range(part, value), _FALSE)) for part in parts])
    raise AssertionError(range)


_FALSE = Literal("false", datatype=NamedNode(XSD + "boolean"))


def _joined(operator: str, tests: list[a.Expression]) -> a.Expression:
    return reduce(lambda left, right: Call(operator, (left, right)), tests)


def _of_type(iri: str, value: a.Node) -> a.Expression:
    if iri == RDFS_LITERAL:
        return Call("ISLITERAL", (value,))
    kind = Call("DATATYPE", (value,))
    if iri == XSD_INTEGER:
        return Call("IN", (kind, *map(NamedNode, sorted(INTEGERS))))
    if iri == XSD_DECIMAL:
        return Call("IN", (kind, NamedNode(XSD_DECIMAL), *map(NamedNode, sorted(INTEGERS))))
    if iri == RDF_PLAIN:
        return Call("||", (Call("=", (kind, NamedNode(XSD_STRING))), Call("!=", (Call("LANG", (value,)), Literal("")))))
    return Call("=", (kind, NamedNode(iri)))


def _facet(name: str, limit: Literal, value: a.Node) -> a.Expression:
    if name in _SIGN_OF:
        return Call(_SIGN_OF[name], (value, limit))
    if name in _LENGTHS:
        return Call(_LENGTHS[name], (Call("STRLEN", (Call("STR", (value,)),)), limit))
    if name == "pattern":
        return Call("REGEX", (Call("STR", (value,)), Literal(f"^(?:{limit.value})$")))
    return Call("LANGMATCHES", (Call("LANG", (value,)), Literal(limit.value)))


# ── Text, in Manchester syntax ───────────────────────────────────────────────────────────────────────────────


def node_text(node: a.Node, prefixes: Prefixes) -> str:
    if isinstance(node, a.Var):
        return f"?{node.name}"
    if isinstance(node, NamedNode):
        return short_name(node, prefixes)
    if isinstance(node, Literal) and node.datatype.value in (XSD_INTEGER, XSD_DECIMAL, XSD + "boolean"):
        return node.value
    if isinstance(node, Literal) and node.language is None and node.datatype.value != XSD_STRING:
        return f"{Literal(node.value)}^^{short_name(node.datatype, (*prefixes, ('xsd', XSD)))}"
    return str(node)


def text_of(expression: ClassExpression | DataRange | None, prefixes: Prefixes) -> str:
    """An expression as Protégé shows it."""
    text: Callable[[object], str] = lambda part: text_of(part, prefixes)  # noqa: E731
    inner: Callable[[object], str] = lambda part: text(part) if isinstance(part, (Named, Datatype, OneOf, Literals, Facets)) else f"({text(part)})"  # noqa: E731
    match expression:
        case Named(iri=iri) | Datatype(iri=iri):
            return node_text(iri, (*prefixes, ("xsd", XSD), ("owl", "http://www.w3.org/2002/07/owl#")))
        case And(parts=parts) | DataAnd(parts=parts):
            return " and ".join(map(inner, parts))
        case Or(parts=parts) | DataOr(parts=parts):
            return " or ".join(map(inner, parts))
        case Not(part=part) | DataNot(part=part):
            return f"not {inner(part)}"
        case OneOf(members=members) | Literals(members=members):
            return f"{{{', '.join(node_text(member, prefixes) for member in members)}}}"
        case Some(property=property, filler=filler):
            return f"{_property_text(property, prefixes)} some {inner(filler)}"
        case Only(property=property, filler=filler):
            return f"{_property_text(property, prefixes)} only {inner(filler)}"
        case HasValue(property=property, value=value):
            return f"{_property_text(property, prefixes)} value {node_text(value, prefixes)}"
        case HasSelf(property=property):
            return f"{_property_text(property, prefixes)} Self"
        case Cardinality(kind=kind, number=number, property=property, filler=filler):
            return f"{_property_text(property, prefixes)} {kind} {number}{f' {inner(filler)}' if filler else ''}"
        case Facets(datatype=datatype, facets=facets):
            return f"{text(datatype)}[{', '.join(f'{_SIGN_OF.get(name, name)} {node_text(value, prefixes)}' for name, value in facets)}]"
    return "owl:Thing"


def _property_text(property: Property, prefixes: Prefixes) -> str:
    return f"inverse {node_text(property.iri, prefixes)}" if isinstance(property, Inverse) else node_text(property, prefixes)
