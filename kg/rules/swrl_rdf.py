"""SWRL in RDF: the `swrl:Imp` nodes of an ontology, in any syntax (SWRL submission, section 4; OWL API; SWRLAPI).

Lists of atoms are read as swrl:AtomList or as plain rdf:List. A variable is a node typed swrl:Variable, an IRI such as
`urn:swrl#x` or `urn:swrl:var#x`, or a blank node in an argument. rdfs:label is a rule's name for people, rdfs:comment its
sentence, with `{x}` for a variable; a rule with `swrla:isRuleEnabled false` is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import Location, RuleError, did_you_mean
from kg.reasoner.model import Program
from kg.rules import swrl_classes as c
from kg.rules.swrl import (
    OWL,
    Atom,
    BuiltinAtom,
    ClassAtom,
    DataRangeAtom,
    DifferentAtom,
    PropertyAtom,
    SameAtom,
    SwrlRule,
    compiled,
    rule_text,
)
from kg.rules.swrl_text import KNOWN_PREFIXES
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.vocabulary import FIRST, NIL, REST, TYPE
from kg.sparql import algebra as a
from kg.terms import Term

SWRL = "http://www.w3.org/2003/11/swrl#"
_LABEL, _COMMENT = (NamedNode(f"http://www.w3.org/2000/01/rdf-schema#{name}") for name in ("label", "comment"))
_ENABLED = re.compile(r".*swrla\.owl#isRuleEnabled$")
_VARIABLE = re.compile(r"urn:swrl(?::var)?#(.+)")


def swrl(name: str) -> NamedNode:
    return NamedNode(SWRL + name)


def owl(name: str) -> NamedNode:
    return NamedNode(OWL + name)


_KINDS = {swrl(name): name for name in (
    "ClassAtom", "IndividualPropertyAtom", "DatavaluedPropertyAtom", "SameIndividualAtom", "DifferentIndividualsAtom", "BuiltinAtom", "DataRangeAtom")}  # fmt: skip


def has_swrl_rules(document: ShapesDocument) -> bool:
    return any(True for _ in _rule_nodes(document))


def swrl_program(document: ShapesDocument, file: str | None = None, prefixes: Mapping[str, str] | None = None, base: str = "urn:rules:") -> Program:
    """The SWRL rules of an ontology. Raises RuleError R256 for RDF that is no rule, and as of `swrl.compiled`."""
    reader = _Reader(document, file, KNOWN_PREFIXES | dict(prefixes or {}) | document.prefixes, base)
    rules = tuple(rule for one in reader.rules() for rule in compiled(one))
    return Program(rules, tuple(reader.prefixes.items()), (file,) if file else ())


def _rule_nodes(document: ShapesDocument) -> Iterator[Node]:
    return (node for node in document.subjects(TYPE) if swrl("Imp") in document.values(node, TYPE))


class _Reader:
    def __init__(self, document: ShapesDocument, file: str | None, prefixes: dict[str, str], base: str) -> None:
        self.document, self.file, self.prefixes, self.base = document, file, prefixes, base
        self._names: dict[Term, a.Var] = {}

    def rules(self) -> Iterator[SwrlRule]:
        for number, node in enumerate(_rule_nodes(self.document), 1):
            if self._is_enabled(node):
                yield self._rule(node, number)

    def _is_enabled(self, node: Node) -> bool:
        properties = self.document.properties[node]
        return not any(
            _ENABLED.match(predicate.value) and value.value in ("false", "0") for predicate, values in properties.items() for value in values)  # fmt: skip

    def _rule(self, node: Node, number: int) -> SwrlRule:
        self._names = {}
        label = next((value.value for value in self.document.values(node, _LABEL)), None)
        name = label or (self.document.name(node) if isinstance(node, NamedNode) else f"number {number}")
        slug = re.sub(r"[^\w.-]+", "-", label).strip("-") if label else f"rule-{number}"
        iri = node if isinstance(node, NamedNode) else NamedNode(f"{self.base}#{slug}")
        says = tuple((value.language or "", value.value) for value in self.document.values(node, _COMMENT) if isinstance(value, Literal))
        sides = []
        for side in ("body", "head"):
            values = self.document.values(node, swrl(side))
            if len(values) != 1:
                raise self._error(node, f"the rule {name} has {len(values) or 'no'} swrl:{side}", "give it one list of atoms", swrl(side))
            sides.append(tuple(self._atom(atom, node, name) for atom in self._list(values[0], node, f"the swrl:{side} of the rule {name}")))
        annotations = (("label", label),) if label else ()
        place = self._place(node) or Location(self.file)
        rule = SwrlRule(iri, sides[0], sides[1], says, annotations, place, "", tuple(self.prefixes.items()), "")
        return SwrlRule(**vars(rule) | {"text": rule_text(rule)})

    # ── Lists and atoms ──────────────────────────────────────────────────────────────────────────────────────

    def _list(self, node: Term, owner: Node, what: str) -> list[Term]:
        members: list[Term] = []
        seen: set[Term] = set()
        while node != NIL:
            first, rest = self.document.values(node, FIRST), self.document.values(node, REST)
            if not first and not rest and swrl("AtomList") in self.document.values(node, TYPE):
                break  # an empty swrl:AtomList
            if len(first) != 1 or len(rest) != 1 or node in seen:
                fault = "goes round in a circle" if node in seen else f"has a cell with {len(first)} rdf:first and {len(rest)} rdf:rest"
                raise self._error(owner, f"{what} is no list: it {fault}", "each cell has one rdf:first and one rdf:rest; the last rdf:rest is rdf:nil")
            seen.add(node)
            members.append(first[0])
            node = rest[0]
        return members

    def _atom(self, node: Term, owner: Node, name: str) -> Atom:
        kinds = [_KINDS[kind] for kind in self.document.values(node, TYPE) if kind in _KINDS]
        if len(kinds) != 1:
            found = ", ".join(self.document.name(kind) for kind in self.document.values(node, TYPE)) or "no type"
            raise self._error(owner, f"an atom of the rule {name} has {found}", f"give it one of the types {', '.join(f'swrl:{kind}' for kind in _KINDS.values())}")

        def only(predicate: str) -> Term:
            values = self.document.values(node, swrl(predicate))
            if len(values) != 1:
                raise self._error(owner, f"a swrl:{kinds[0]} of the rule {name} has {len(values) or 'no'} swrl:{predicate}", f"give it one swrl:{predicate}")
            return values[0]

        def argument(number: int) -> a.Node:
            return self._argument(only(f"argument{number}"))

        match kinds[0]:
            case "ClassAtom":
                return ClassAtom(self._class(only("classPredicate"), owner, name), argument(1))
            case "DataRangeAtom":
                return DataRangeAtom(self._range(only("dataRange"), owner, name), argument(1))
            case "SameIndividualAtom":
                return SameAtom(argument(1), argument(2))
            case "DifferentIndividualsAtom":
                return DifferentAtom(argument(1), argument(2))
            case "BuiltinAtom":
                builtin, head = only("builtin"), only("arguments")
                members = self._list(head, owner, f"the swrl:arguments of {self.document.name(builtin)} in the rule {name}")
                return BuiltinAtom(builtin, tuple(self._argument(member) for member in members))
        property = self._property(only("propertyPredicate"), owner, name)
        subject, object = argument(1), argument(2)
        if isinstance(property, c.Inverse):
            return PropertyAtom(property.iri, object, subject)
        return PropertyAtom(property, subject, object)

    def _argument(self, node: Term) -> a.Node:
        """A literal, an individual, or a variable, in whichever way it is written."""
        if isinstance(node, Literal):
            return node
        typed = swrl("Variable") in self.document.values(node, TYPE)
        match = _VARIABLE.fullmatch(node.value) if isinstance(node, NamedNode) else None
        if not (typed or match or isinstance(node, BlankNode)):
            return node
        if node not in self._names:
            self._names[node] = a.Var(self._free_name(node, match[1] if match else None))
        return self._names[node]

    def _free_name(self, node: Term, given: str | None) -> str:
        if given is None and isinstance(node, NamedNode):
            given = re.split(r"[#/:?]", node.value)[-1]
        if given is None:
            label = next((value.value for value in self.document.values(node, _LABEL)), None)
            given = label or f"x{sum(isinstance(known, BlankNode) for known in self._names) + 1}"
        name = re.sub(r"\W", "_", given.lstrip("?")) or "x"
        taken = {variable.name for variable in self._names.values()}
        while name in taken:
            name += "_"
        return name

    # ── Class expressions and data ranges (OWL 2 mapping to RDF, table 13 ff.) ───────────────────────────────

    def _property(self, node: Term, owner: Node, name: str) -> c.Property:
        if isinstance(node, NamedNode):
            return node
        inverse = self.document.values(node, owl("inverseOf"))
        if len(inverse) == 1 and isinstance(inverse[0], NamedNode):
            return c.Inverse(inverse[0])
        raise self._error(owner, f"the rule {name} has a property that is no IRI", "name the property, or write owl:inverseOf")

    def _class(self, node: Term, owner: Node, name: str) -> c.ClassExpression:
        if isinstance(node, NamedNode):
            return c.Named(node)
        value = lambda predicate: next(iter(self.document.values(node, owl(predicate))), None)  # noqa: E731
        parts = lambda head: tuple(self._class(part, owner, name) for part in self._list(head, owner, f"a class of the rule {name}"))  # noqa: E731
        if isinstance(node, BlankNode):
            if (head := value("intersectionOf")) is not None:
                return c.And(parts(head))
            if (head := value("unionOf")) is not None:
                return c.Or(parts(head))
            if (part := value("complementOf")) is not None:
                return c.Not(self._class(part, owner, name))
            if (head := value("oneOf")) is not None:
                return c.OneOf(tuple(self._list(head, owner, f"a class of the rule {name}")))
            if (on := value("onProperty")) is not None:
                found = self._restriction(node, self._property(on, owner, name), owner, name)
                if found is not None:
                    return found
        known = [predicate.value.removeprefix(OWL) for predicate in self.document.properties.get(node, ()) if predicate.value.startswith(OWL)]
        raise self._error(owner, f"the rule {name} has a class expression that cannot be read ({', '.join(known) or 'without owl: properties'})",
                          did_you_mean(known[0], _WORDS) if known else "write a named class, or an OWL class expression")  # fmt: skip

    def _restriction(self, node: Term, on: c.Property, owner: Node, name: str) -> c.ClassExpression | None:
        for predicate, values in self.document.properties[node].items():
            word, term = predicate.value.removeprefix(OWL), values[0]
            match word:
                case "someValuesFrom":
                    return c.Some(on, self._filler(term, owner, name))
                case "allValuesFrom":
                    return c.Only(on, self._filler(term, owner, name))
                case "hasValue":
                    return c.HasValue(on, term)
                case "hasSelf":
                    return c.HasSelf(on)
                case "minCardinality" | "maxCardinality" | "cardinality" | "minQualifiedCardinality" | "maxQualifiedCardinality" | "qualifiedCardinality":
                    fillers = [self._filler(found, owner, name) for kind in ("onClass", "onDataRange") for found in self.document.values(node, owl(kind))]
                    kind = "min" if word.startswith("min") else "max" if word.startswith("max") else "exactly"
                    return c.Cardinality(kind, int(term.value), on, fillers[0] if fillers else None)
        return None

    def _filler(self, node: Term, owner: Node, name: str) -> c.ClassExpression | c.DataRange:
        is_range = (isinstance(node, NamedNode) and c.is_datatype(node)) or NamedNode("http://www.w3.org/2000/01/rdf-schema#Datatype") in self.document.values(node, TYPE)
        return self._range(node, owner, name) if is_range else self._class(node, owner, name)

    def _range(self, node: Term, owner: Node, name: str) -> c.DataRange:
        if isinstance(node, NamedNode):
            return c.Datatype(node)
        value = lambda predicate: next(iter(self.document.values(node, owl(predicate))), None)  # noqa: E731
        listed = lambda head: self._list(head, owner, f"a data range of the rule {name}")  # noqa: E731
        if (head := value("oneOf")) is not None:
            return c.Literals(tuple(listed(head)))
        if (datatype := value("onDatatype")) is not None and (head := value("withRestrictions")) is not None:
            facets = []
            for facet in listed(head):
                facets += [(predicate.value.rpartition("#")[2], limit) for predicate, limits in self.document.properties[facet].items() for limit in limits]
            unknown = next((facet for facet, _ in facets if facet not in c.FACETS), None)
            if unknown:
                raise self._error(owner, f"the rule {name} has the unknown facet {unknown}", did_you_mean(unknown, c.FACETS) or f"the facets are {', '.join(c.FACETS)}")
            return c.Facets(c.Datatype(datatype), tuple(facets))
        if (part := value("datatypeComplementOf")) is not None:
            return c.DataNot(self._range(part, owner, name))
        for predicate, kind in (("intersectionOf", c.DataAnd), ("unionOf", c.DataOr)):
            if (head := value(predicate)) is not None:
                return kind(tuple(self._range(part, owner, name) for part in listed(head)))
        raise self._error(owner, f"the rule {name} has a data range that cannot be read", "write a datatype, or an OWL data range")

    def _place(self, node: Node, *terms: Term) -> Location | None:
        return self.document.place(node, *terms) if isinstance(node, NamedNode) else self.document.place(node, swrl("Imp"))

    def _error(self, node: Node, message: str, help: str | None, *terms: Term) -> RuleError:
        return RuleError("R256", message, self._place(node, *terms) or Location(self.file), help)


_WORDS = ("intersectionOf", "unionOf", "complementOf", "oneOf", "onProperty", "someValuesFrom", "allValuesFrom", "hasValue", "hasSelf")
