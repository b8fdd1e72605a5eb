"""Data ranges in rules: which literals certainly belong to a datatype, and which certainly do not (table 8).

Literals cannot be subjects in RDF, so dt-type2 and dt-not-type are folded into the rules that would use their
conclusions. Both questions may stay open, for a datatype that is not known here: then nothing is concluded.
"""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode

from kg.reasoner.owl.maker import RuleMaker, X, Y
from kg.reasoner.owl.ontology import Ontology
from kg.reasoner.owl.vocabulary import (
    DATATYPE_PARENTS,
    DATATYPES,
    OTHER_DATATYPES,
    RANGE,
    RL_DATATYPES,
    XSD,
    owl,
    rdf,
    rdfs,
    xsd,
)
from kg.sparql import algebra as a
from kg.terms import Term

_LITERAL, _LANG_STRING, _PLAIN = rdfs("Literal"), rdf("langString"), rdf("PlainLiteral")
_KNOWN = tuple(d for d in (*RL_DATATYPES, *OTHER_DATATYPES) if d not in (_LITERAL, _PLAIN))

# Least and greatest value of the bounded integers.
_BOUNDS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None), "nonNegativeInteger": (0, None), "positiveInteger": (1, None), "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1), **{name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in (("long", 64), ("int", 32), ("short", 16), ("byte", 8))},
    **{name: (0, 2**bits - 1) for name, bits in (("unsignedLong", 64), ("unsignedInt", 32), ("unsignedShort", 16), ("unsignedByte", 8))},
}  # fmt: skip


def is_datatype(ontology: Ontology, node: Term) -> bool:
    """Whether a node in the place of a class is a data range."""
    if node in DATATYPES or node == _LITERAL or ontology.is_a(node, rdfs("Datatype"), owl("DataRange")):
        return True
    if any(ontology.values(node, owl(name)) for name in ("onDatatype", "datatypeComplementOf")):
        return True
    for list_node in ontology.values(node, owl("oneOf")):
        return any(isinstance(member, Literal) for member in ontology.list(node, owl("oneOf"), list_node))
    return False


def range_rules(make: RuleMaker, property: Term, datatype: Term) -> None:
    """A value that cannot belong to the property's range is a contradiction (prp-rng with dt-not-type)."""
    outside = not_member(datatype, Y)
    if outside is not None:
        make.clash("dt-not-type", (property, datatype), X, [make.link(property, X, Y), a.FilterElement(outside)],
                   "{{y}} is no {1}, but {{x}} has it as {0}", "{{x}} 的“{0}”为 {{y}}，而它不是 {1}", (property, RANGE, datatype))  # fmt: skip


def member(datatype: Term, value: a.Var) -> a.Expression | None:
    """True for literals that are certainly in the value space; None where nothing is known of it."""
    name = _xsd_name(datatype)
    if datatype == _LITERAL:
        return a.Call("ISLITERAL", (value,))
    if name == "decimal" or name in _BOUNDS:
        return _and([_of(value, _below("decimal")), a.Call("ISNUMERIC", (value,)), *_within(name, value)])
    return _of(value, _same_space(datatype)) if datatype in DATATYPES else None


def not_member(datatype: Term, value: a.Var) -> a.Expression | None:
    """True for literals that are certainly outside of the value space; None where nothing is known of it."""
    if datatype in (_LITERAL, _PLAIN, owl("real"), owl("rational"), rdf("XMLLiteral")) or datatype not in DATATYPES:
        return None
    name = _xsd_name(datatype)
    if name == "decimal" or name in _BOUNDS:
        inside = _and([_of(value, _below("decimal")), a.Call("ISNUMERIC", (value,)), *_within(name, value)])
    elif name in _below_names("string"):
        inside = _of(value, _below("string"))  # the parts of string differ by patterns: not told apart here
    elif name == "dateTimeStamp":
        inside = _of(value, _below("dateTime"))
    else:
        inside = _of(value, _same_space(datatype))
    return _and([_of(value, _KNOWN), a.Call("!", (inside,))])


def certainly_less(left: a.Var, right: a.Var) -> a.FilterElement:
    """The two are literals of different values, of which `left` comes first: each such pair once."""

    def language(variable: a.Var) -> a.Expression:
        return a.Call("!=", (a.Call("LANG", (variable,)), Literal("")))

    tagged = _and([language(left), language(right), a.Call("<", (_key(left), _key(right)))])
    plain = _and([a.Call("ISLITERAL", (left,)), a.Call("ISLITERAL", (right,)), a.Call("<", (left, right))])
    return a.FilterElement(a.Call("||", (plain, tagged)))


def _key(value: a.Var) -> a.Expression:
    return a.Call("CONCAT", (a.Call("STR", (value,)), Literal("@"), a.Call("LANG", (value,))))


def _within(name: str | None, value: a.Var) -> list[a.Expression]:
    if name == "decimal":
        return []
    least, greatest = _BOUNDS[name]
    tests = [a.Call("=", (value, a.Call("ROUND", (value,))))]
    if least is not None:
        tests.append(a.Call(">=", (value, Literal(least))))
    if greatest is not None:
        tests.append(a.Call("<=", (value, Literal(greatest) if greatest < 2**63 else Literal(str(greatest), datatype=xsd("integer")))))
    return tests


def _of(value: a.Var, datatypes: tuple[NamedNode, ...]) -> a.Expression:
    return a.Call("IN", (a.Call("DATATYPE", (value,)), *datatypes))


def _same_space(datatype: NamedNode) -> tuple[NamedNode, ...]:
    if datatype == _PLAIN:
        return (*_below("string"), _LANG_STRING)
    name = _xsd_name(datatype)
    return _below(name) if name else (datatype,)


def _below(name: str) -> tuple[NamedNode, ...]:
    return tuple(xsd(one) for one in _below_names(name))


def _below_names(name: str) -> list[str]:
    return [name, *(child for child in DATATYPE_PARENTS if name in _ancestors(child))]


def _ancestors(name: str) -> list[str]:
    found = []
    while name in DATATYPE_PARENTS:
        name = DATATYPE_PARENTS[name]
        found.append(name)
    return found


def _xsd_name(datatype: Term) -> str | None:
    return datatype.value[len(XSD):] if isinstance(datatype, NamedNode) and datatype.value.startswith(XSD) else None


def _and(parts: list[a.Expression]) -> a.Expression:
    whole = parts[0]
    for part in parts[1:]:
        whole = a.Call("&&", (whole, part))
    return whole
