"""The parameters of the core constraint components (section 4) → `model.Constraint`s, their values checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import duckdb
from pyoxigraph import Literal, NamedNode

from kg.shapes.document import Node, ShapesDocument
from kg.shapes.model import Constraint
from kg.shapes.vocabulary import NODE_KINDS, PATH, PROPERTY, sh
from kg.terms import XSD, XSD_BOOLEAN, XSD_STRING, Term

Result = TypeVar("Result")

_RANGES = ("minExclusive", "minInclusive", "maxExclusive", "maxInclusive")
_COUNTS = ("minCount", "maxCount", "minLength", "maxLength")
_PAIRS = ("equals", "disjoint", "lessThan", "lessThanOrEquals")
_ONLY_FOR_PROPERTIES = ("minCount", "maxCount", "uniqueLang", "lessThan", "lessThanOrEquals")


# ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────


def is_true(term: Term) -> bool | None:
    """Whether an xsd:boolean is the term `true`, which "1" is not (the W3C suite, uniqueLang-002); None for other terms."""
    if not isinstance(term, Literal) or term.datatype.value != XSD_BOOLEAN:
        return None
    return {"true": True, "1": False, "false": False, "0": False}.get(term.value)


def is_word(term: Term) -> bool:
    """Whether a term is a string, language-tagged or not."""
    return isinstance(term, Literal) and (term.language is not None or term.datatype.value == XSD_STRING)


def _count(term: Term) -> int | None:
    is_integer = isinstance(term, Literal) and term.datatype.value.startswith(XSD) and term.value.removeprefix("+").isdecimal()
    return int(term.value) if is_integer else None


def _text(term: Term) -> str | None:
    return term.value if is_word(term) else None


def _iri(term: Term) -> NamedNode | None:
    return term if isinstance(term, NamedNode) else None


def _literal(term: Term) -> Literal | None:
    return term if isinstance(term, Literal) else None


def _node_kind(term: Term) -> Term | None:
    return term if term in NODE_KINDS else None


def many(document: ShapesDocument, node: Term, predicate: NamedNode, read: Callable[[Term], Result | None], what: str) -> list[Result]:
    """All values of a parameter; ShapeError H103 for one that `read` does not take."""
    found = []
    for value in document.values(node, predicate):
        taken = read(value)
        if taken is None:
            message = f"{document.name(predicate)} of {document.name(node)} must be {what}, not {document.name(value)}"
            raise document.error("H103", message, node, value, predicate)
        found.append(taken)
    return found


def one(document: ShapesDocument, node: Term, predicate: NamedNode, read: Callable[[Term], Result | None], what: str) -> Result | None:
    """The value of a parameter that a shape has once at most; H104 where it has more."""
    found = many(document, node, predicate, read, what)
    if len(found) > 1:
        message = f"{document.name(node)} has {len(found)} values of {document.name(predicate)}, at most one is allowed"
        raise document.error("H104", message, node, predicate, help="keep one, or split the shape and join the parts with sh:and")
    return found[0] if found else None


# ── Constraints ──────────────────────────────────────────────────────────────────────────────────────────────


def core_constraints(document: ShapesDocument, node: Node, is_property_shape: bool) -> list[Constraint]:
    """The constraints of one shape, in the order of section 4."""
    if not is_property_shape:
        for name in _ONLY_FOR_PROPERTIES:
            if document.values(node, sh(name)):
                message = f"the node shape {document.name(node)} has sh:{name}, which only property shapes can have"
                raise document.error("H103", message, node, sh(name), help="add sh:path, or put it into a sh:property [ … ]")
    return [
        *_value_constraints(document, node),
        *_pair_constraints(document, node),
        *_shape_constraints(document, node),
        *_other_constraints(document, node),
    ]


def _name(parameter: str) -> str:
    return parameter[0].upper() + parameter[1:]


def _value_constraints(document: ShapesDocument, node: Node) -> list[Constraint]:
    def single(parameter: str, read: Callable, what: str) -> list[Constraint]:
        value = one(document, node, sh(parameter), read, what)
        return [] if value is None else [Constraint(_name(parameter), value)]

    found = [Constraint("Class", value) for value in many(document, node, sh("class"), _iri, "a class's IRI")]
    found += single("datatype", _iri, "a datatype's IRI")
    found += single("nodeKind", _node_kind, "one of sh:IRI, sh:BlankNode, sh:Literal, sh:BlankNodeOrIRI, sh:BlankNodeOrLiteral, sh:IRIOrLiteral")
    for parameter in (*_COUNTS[:2], *_RANGES, *_COUNTS[2:]):
        is_range = parameter in _RANGES
        found += single(parameter, _literal if is_range else _count, "a literal" if is_range else "a non-negative integer")
    found += _patterns(document, node)
    found += [Constraint("LanguageIn", tuple(_texts(document, node, value))) for value in document.values(node, sh("languageIn"))]
    if one(document, node, sh("uniqueLang"), is_true, "true or false"):
        found.append(Constraint("UniqueLang", True))
    return found


def _patterns(document: ShapesDocument, node: Node) -> list[Constraint]:
    flags = one(document, node, sh("flags"), _text, "a text of the letters s, m, i, x, q") or ""
    found = []
    for value in many(document, node, sh("pattern"), _text, "a text"):
        fault = _fault_of_pattern(value)
        if fault and "q" not in flags:
            raise document.error(
                "H111", f"the pattern {value!r} of {document.name(node)} is no regular expression: {fault}", node, Literal(value), sh("pattern"),
                help="look-around and back-references are not possible; say it with several patterns or in SPARQL",
            )  # fmt: skip
        found.append(Constraint("Pattern", value, {"flags": flags}))
    return found


@lru_cache(maxsize=1000)
def _fault_of_pattern(pattern: str) -> str | None:
    """What DuckDB has against a pattern."""
    try:
        _database().cursor().execute("SELECT regexp_matches('', $1)", [pattern])
    except duckdb.Error as error:
        return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    return None


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def _texts(document: ShapesDocument, node: Node, head: Term) -> list[str]:
    members = document.list(head, node, sh("languageIn"))
    for member in members:
        if _text(member) is None:
            raise document.error("H103", f"sh:languageIn of {document.name(node)} must list texts, not {document.name(member)}", node, sh("languageIn"))
    return [member.value for member in members]


def _pair_constraints(document: ShapesDocument, node: Node) -> list[Constraint]:
    return [
        Constraint(_name(parameter), value)
        for parameter in _PAIRS
        for value in many(document, node, sh(parameter), _iri, "a property's IRI")
    ]


def _shape_constraints(document: ShapesDocument, node: Node) -> list[Constraint]:
    found = []
    for parameter in ("not", "node", "property"):
        for value in document.values(node, sh(parameter)):
            found.append(Constraint(_name(parameter), _shape(document, node, parameter, value)))
    for parameter in ("and", "or", "xone"):
        for head in document.values(node, sh(parameter)):
            members = document.list(head, node, sh(parameter))
            found.append(Constraint(_name(parameter), tuple(_shape(document, node, parameter, member) for member in members)))
    return found + _qualified(document, node)


def _shape(document: ShapesDocument, node: Node, parameter: str, value: Term) -> Node:
    if isinstance(value, Literal):
        raise document.error("H103", f"sh:{parameter} of {document.name(node)} must be a shape, not {value}", node, value, sh(parameter))
    if value not in document.properties:
        raise document.error("H103", f"sh:{parameter} of {document.name(node)} names {document.name(value)}, which is described nowhere", node, value)
    if parameter == "property" and not document.values(value, PATH):
        raise document.error("H102", f"{document.name(value)}, a sh:property of {document.name(node)}, has no sh:path", node, value, PROPERTY, help="add sh:path, or use sh:node")
    return value


def _qualified(document: ShapesDocument, node: Node) -> list[Constraint]:
    """sh:qualifiedValueShape with its counts (section 4.7.3); `siblings` are the shapes that a value must not match."""
    found = []
    is_disjoint = one(document, node, sh("qualifiedValueShapesDisjoint"), is_true, "true or false")
    counts = {name: one(document, node, sh(name), _count, "a non-negative integer") for name in ("qualifiedMinCount", "qualifiedMaxCount")}
    for value in document.values(node, sh("qualifiedValueShape")):
        shape = _shape(document, node, "qualifiedValueShape", value)
        siblings = _siblings(document, node, shape) if is_disjoint else ()
        if all(count is None for count in counts.values()):
            message = f"{document.name(node)} has sh:qualifiedValueShape without sh:qualifiedMinCount or sh:qualifiedMaxCount"
            raise document.error("H110", message, node, sh("qualifiedValueShape"), help="add one of the counts, or use sh:node")
        for name, count in counts.items():
            if count is not None:
                found.append(Constraint(_name(name), shape, {"count": count, "siblings": siblings}))
    return found


def _siblings(document: ShapesDocument, node: Node, shape: Node) -> tuple[Node, ...]:
    parents = [parent for parent in document.subjects(PROPERTY) if node in document.values(parent, PROPERTY)]
    properties = dict.fromkeys(value for parent in parents for value in document.values(parent, PROPERTY))
    values = dict.fromkeys(value for one_of in properties for value in document.values(one_of, sh("qualifiedValueShape")))
    return tuple(value for value in values if value != shape)


def _other_constraints(document: ShapesDocument, node: Node) -> list[Constraint]:
    found = []
    if one(document, node, sh("closed"), is_true, "true or false"):
        found.append(Constraint("Closed", _allowed(document, node)))
    found += [Constraint("HasValue", value) for value in document.values(node, sh("hasValue"))]
    found += [Constraint("In", tuple(document.list(value, node, sh("in")))) for value in document.values(node, sh("in"))]
    return found


def _allowed(document: ShapesDocument, node: Node) -> tuple[NamedNode, ...]:
    """The properties that a closed shape lets through: those of its property shapes, and the ignored ones (section 4.8.1)."""
    paths = [path for value in document.values(node, PROPERTY) for path in document.values(value, PATH)]
    ignored: Sequence[Term] = []
    for head in document.values(node, sh("ignoredProperties")):
        ignored = document.list(head, node, sh("ignoredProperties"))
    return tuple(dict.fromkeys(path for path in (*paths, *ignored) if isinstance(path, NamedNode)))
