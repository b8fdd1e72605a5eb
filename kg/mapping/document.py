"""A mapping document as a graph: its nodes, their values, and the places of mistakes."""

from __future__ import annotations

from collections import defaultdict

from pyoxigraph import BlankNode, Literal, NamedNode, QuadParser, RdfFormat, parse

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping import vocabulary as rr
from kg.mapping.places import Places

Node = NamedNode | BlankNode


class Document:
    """The RDF graph of one document, read node by node; MappingError M101 where it is not Turtle."""

    def __init__(self, text: str, file: str, base: str | None):
        self.text, self.file = text, file
        self.written: dict[str, str] = {}  # canonical words → the document's
        self.properties: dict[Node, dict[str, list[NamedNode | BlankNode | Literal]]] = defaultdict(lambda: defaultdict(list))
        parser: QuadParser = parse(text, format=RdfFormat.TURTLE, base_iri=base)
        try:
            for quad in parser:
                self.add(quad.subject, quad.predicate, quad.object)
        except SyntaxError as error:
            location = Location.in_text(text, error.lineno, error.offset or 1, file) if error.lineno else Location(file)
            raise MappingError("M101", f"this is not Turtle: {error.msg}", location, "correct the syntax; a missing dot, semicolon or prefix is usual") from error
        self.places = Places(text, file, parser.prefixes, parser.base_iri or base)
        self.current: Node | None = None  # the triples map being read, where places are looked for

    def add(self, subject: Node, predicate: NamedNode, value: NamedNode | BlankNode | Literal) -> None:
        name = rr.canonical(predicate.value)
        self.written.setdefault(name, predicate.value)
        if isinstance(value, NamedNode) and (other := rr.canonical(value.value)) != value.value:
            self.written.setdefault(other, value.value)
            value = NamedNode(other)
        if value not in self.properties[subject][name]:
            self.properties[subject][name].append(value)

    @property
    def is_rml(self) -> bool:
        return any(iri.startswith(rr.RML) and name.startswith(rr.RR) for name, iri in self.written.items())

    @property
    def is_first_vocabulary(self) -> bool:
        """Whether the document is in the vocabulary of 2014."""
        return any(iri.startswith(rr.RML_2014) for iri in self.written.values())

    def values(self, node: Node | None, name: str) -> list[NamedNode | BlankNode | Literal]:
        return self.properties[node][name] if node in self.properties and name in self.properties[node] else []

    def only(self, node: Node, name: str, code: str, rule: str, remedy: str) -> NamedNode | BlankNode | Literal:
        values = self.values(node, name)
        if len(values) != 1:
            found = "none" if not values else str(len(values))
            raise self.error(code, f"{rule}; {name_of(self.current)} has {found}", remedy, *([NamedNode(name)] if values else []))
        return values[0]

    def node(self, value: NamedNode | BlankNode | Literal, name: str) -> Node:
        if isinstance(value, Literal):
            raise self.error("M115", f"{short(name)} is the literal {value}, not a node", "write a node in square brackets, or an IRI", NamedNode(name), value)
        if value not in self.properties:
            raise self.error("M115", f"{short(name)} names {name_of(value)}, of which the document says nothing", "describe it, or write it in square brackets", NamedNode(name), value)
        return value

    def string(self, value: NamedNode | BlankNode | Literal, name: str) -> str:
        if not isinstance(value, Literal) or not value.value.strip():
            raise self.error("M115", f"{short(name)} is {shown(value)}, not a text", "write it in quotes", NamedNode(name), value)
        return value.value

    def string_or_empty(self, value: NamedNode | BlankNode | Literal, name: str) -> str:
        return value.value if isinstance(value, Literal) else self.string(value, name)

    def check_properties(self, node: Node, kind: str) -> None:
        """Refuse an rr: or rml: property that this kind of node does not have: a misspelt one would be ignored silently."""
        for name in self.properties[node]:
            if name.startswith((rr.RR, rr.RML)) and name not in rr.ALLOWED[kind]:
                hint = did_you_mean(short(name), [short(one) for one in rr.ALLOWED[kind]])
                hint = hint or f"a {kind} has {', '.join(short(one) for one in rr.ALLOWED[kind])}"
                raise self.error("M111", f"a {kind} has no property {short(name)}", hint, NamedNode(name))

    def place(self, *terms: NamedNode | BlankNode | Literal) -> Location:
        as_written = (NamedNode(self.written.get(one.value, one.value)) if isinstance(one, NamedNode) else one for one in terms)
        return self.places.of(self.current, *as_written)

    def error(self, code: str, message: str, remedy: str, *terms: NamedNode | BlankNode | Literal) -> MappingError:
        if self.is_rml:
            message, remedy = message.replace("rr:", "rml:"), remedy.replace("rr:", "rml:")
        return MappingError(code, message, self.place(*terms), remedy)


def short(iri: str) -> str:
    return iri.replace(rr.RR, "rr:").replace(rr.RML, "rml:")


def shown(term: NamedNode | BlankNode | Literal) -> str:
    return short(term.value) if isinstance(term, NamedNode) else str(term)


def name_of(node: Node | None) -> str:
    return f"<{node.value}>" if isinstance(node, NamedNode) else "a node without a name"
