"""Tokens to terms: prefixes, base, literals, variables, blank nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from lark import Token, Tree
from pyoxigraph import BaseDirection, Literal, NamedNode

from kg.errors import did_you_mean
from kg.sparql.algebra import Term, TripleTerm, Var
from kg.sparql.iri_reference import is_absolute, resolve
from kg.sparql.source_text import SourceText

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDF_TYPE, RDF_FIRST, RDF_REST, RDF_NIL, RDF_REIFIES = (
    NamedNode(RDF + name) for name in ("type", "first", "rest", "nil", "reifies")
)
_INTEGER, _DECIMAL, _DOUBLE, _BOOLEAN = (NamedNode(XSD + name) for name in ("integer", "decimal", "double", "boolean"))

WELL_KNOWN_PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "fn": "http://www.w3.org/2005/xpath-functions#",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "qb": "http://purl.org/linked-data/cube#",
    "rdf": RDF,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "sh": "http://www.w3.org/ns/shacl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
    "void": "http://rdfs.org/ns/void#",
    "xsd": XSD,
}

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(frozen=True)
class Place:
    """Where triples stand, and what may stand there."""

    name: str  # completes "… cannot stand in …"
    variables: bool = True
    blank_nodes: bool = True
    paths: bool = False
    labels: dict[str, Var] | None = field(default=None, compare=False)  # own label scope; None: the patterns' one


PATTERN = Place("a graph pattern", paths=True)


class TermTranslator:
    """State of one translation: prologue, fresh variables, blank node labels, the place triples stand in."""

    def __init__(self, source: SourceText, base: str | None, prefixes: dict[str, str]):
        self.source = source
        self.base = base
        self.prefixes = prefixes
        self.place = PATTERN
        self.basic_pattern = 0  # number of the basic graph pattern being read
        self._patterns = 0
        self._pattern_of_label: dict[str, int] = {}
        self._fresh = 0
        self._iris: dict[str, NamedNode] = {}
        self._variables: dict[str, Var] = {}

    # ── Prologue ────────────────────────────────────────────────────────────────────────────────────────────

    def prologue(self, tree: Tree) -> None:
        for declaration in tree.children:
            self.declaration(declaration)

    def declaration(self, tree: Tree) -> None:
        """BASE, PREFIX or VERSION; each BASE and PREFIX sees those before it."""
        self._iris.clear()
        if tree.data == "base_declaration":
            self.base = self.iri(tree.children[0]).value
            self._iris.clear()
        elif tree.data == "prefix_declaration":
            prefix, _, local = tree.children[0].partition(":")
            if local:
                raise self.source.error(
                    100, f"expected a prefix ending in a colon, found '{tree.children[0]}'", tree,
                    help=f"PREFIX {prefix}: {tree.children[1]}",
                )  # fmt: skip
            self.prefixes[prefix] = self.iri(tree.children[1]).value
        elif tree.children[0][:3] in ('"""', "'''"):
            raise self.source.error(100, "VERSION takes a string with single quotation marks", tree)

    # ── IRIs ────────────────────────────────────────────────────────────────────────────────────────────────

    def iri(self, token: Token) -> NamedNode:
        """The IRI of an IRIREF, a prefixed name, or `a`."""
        found = self._iris.get(token)
        if found is None:
            found = self._iris[str(token)] = self._new_iri(token)
        return found

    def _new_iri(self, token: Token) -> NamedNode:
        if token.type == "A":
            return RDF_TYPE
        text = self._prefixed(token) if token.type == "PNAME" else self._resolved(token)
        try:
            return NamedNode(text)
        except ValueError as error:
            raise self.source.error(105, f"<{text}> is not an IRI: {error}", token) from error

    def _resolved(self, token: Token) -> str:
        reference = self.unescape(token[1:-1], token)
        if self.base is None and not is_absolute(reference):
            raise self.source.error(
                104, f"<{reference}> is relative, and there is no base to resolve it against", token,
                help="write the whole IRI, or add BASE <…> at the top",
            )  # fmt: skip
        return resolve(reference, self.base)

    def _prefixed(self, token: Token) -> str:
        prefix, _, local = token.partition(":")
        namespace = self.prefixes.get(prefix)
        if namespace is None:
            raise self._undeclared(prefix, token)
        return namespace + (re.sub(r"\\(.)", r"\1", local) if "\\" in local else local)

    def _undeclared(self, prefix: str, token: Token):
        known = WELL_KNOWN_PREFIXES.get(prefix)
        if known:
            remedy = f"add at the top: PREFIX {prefix}: <{known}>"
        else:
            remedy = did_you_mean(prefix, self.prefixes) or f"add at the top: PREFIX {prefix}: <…>"
        return self.source.error(103, f"the prefix '{prefix}:' is not declared", token, help=remedy)

    # ── Literals ────────────────────────────────────────────────────────────────────────────────────────────

    def number(self, token: Token, lexical: str | None = None) -> Literal:
        """A numeric literal with its lexical form kept."""
        lexical = lexical or str(token)
        if "e" in lexical or "E" in lexical:
            return Literal(lexical, datatype=_DOUBLE)
        return Literal(lexical, datatype=_DECIMAL if "." in lexical else _INTEGER)

    def integer(self, token: Token, clause: str) -> int:
        if not token.isdigit():
            raise self.source.error(100, f"{clause} takes a whole number, found '{token}'", token)
        return int(token)

    def string(self, token: Token) -> str:
        quotes = 3 if token[:3] in ('"""', "'''") else 1
        return self.unescape(token[quotes:-quotes], token)

    def unescape(self, text: str, token: Token) -> str:
        """`\\n`, `\\"`, `\\uXXXX` and their like replaced."""
        if "\\" not in text:
            return text

        def character(match: re.Match[str]) -> str:
            digits = match[1] or match[2]
            if digits is None:
                return _ESCAPED.get(match[3], match[3])
            code = int(digits, 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise self.source.error(106, f"{match[0]} is not a character", token)
            return chr(code)

        return _ESCAPE.sub(character, text)

    def _tagged(self, tree: Tree) -> Literal:
        string, tag = tree.children
        language, _, direction = tag[1:].partition("--")
        try:
            if direction:
                return Literal(self.string(string), language=language, direction=BaseDirection(direction))
            return Literal(self.string(string), language=language)
        except ValueError as error:
            raise self.source.error(106, f"'{tag}' is not a language tag: {error}", tag) from error

    def _typed(self, tree: Tree) -> Literal:
        string, datatype = tree.children
        try:
            return Literal(self.string(string), datatype=self.iri(datatype))
        except ValueError as error:
            raise self.source.error(106, f"a string cannot have the datatype {datatype}: {error}", datatype) from error

    # ── Terms, variables, blank nodes ───────────────────────────────────────────────────────────────────────

    def term(self, item: Token | Tree) -> Term | Var | TripleTerm:
        """Any term that needs no triples of its own."""
        self.source.check()
        if isinstance(item, Token):
            return self._TOKENS[item.type](self, item)
        return self._TREES[item.data](self, item)

    def variable(self, token: Token) -> Var:
        if not self.place.variables:
            raise self.source.error(127, f"the variable {token} cannot stand in {self.place.name}", token)
        name = token[1:]
        found = self._variables.get(name)
        if found is None:
            found = self._variables[name] = Var(name)
        return found

    def fresh(self) -> Var:
        """A variable that no text can name: no blank node label begins with a dot."""
        self._fresh += 1
        return Var(f"_:.{self._fresh}")

    def new_basic_pattern(self) -> None:
        self._patterns += 1
        self.basic_pattern = self._patterns

    def forget_labels(self) -> None:
        """Begin a scope of blank node labels of its own, as each rule and each update operation has."""
        self._pattern_of_label.clear()
        self.new_basic_pattern()

    def blank_node(self, item: Token | Tree) -> Var:
        """A labelled or an anonymous blank node, as an anonymous variable."""
        if not self.place.blank_nodes:
            raise self.source.error(
                128, f"a blank node cannot stand in {self.place.name}", item, help="use a variable or an IRI instead"
            )
        if isinstance(item, Tree):
            return self.fresh()
        label = str(item)
        if self.place.labels is not None:
            return self.place.labels.setdefault(label, self.fresh())
        if self._pattern_of_label.setdefault(label, self.basic_pattern) != self.basic_pattern:
            raise self.source.error(
                122, f"the blank node {label} is already used in another basic graph pattern", item,
                help="use a variable: a blank node's label cannot join two patterns",
            )  # fmt: skip
        return Var(label)

    def triple_term(self, tree: Tree) -> TripleTerm:
        """`<<( s p o )>>`."""
        _, subject, verb, object_ = tree.children
        if isinstance(verb, Tree) or verb.type not in ("VAR", "IRIREF", "PNAME", "A"):
            raise self.source.error(108, "a property path cannot stand in a triple term", verb)
        return TripleTerm(self.term(subject), self.term(verb), self.term(object_))

    _TOKENS: ClassVar = {
        "VAR": variable,
        "IRIREF": iri,
        "PNAME": iri,
        "A": iri,
        "STRING": lambda self, token: Literal(self.string(token)),
        "NUMBER": number,
        "SIGNED_NUMBER": number,
        "BOOLEAN": lambda self, token: Literal(token.lower(), datatype=_BOOLEAN),
        "BLANK_NODE_LABEL": blank_node,
        "UNDEF": lambda self, token: None,
    }
    _TREES: ClassVar = {
        "language_literal": _tagged,
        "typed_literal": _typed,
        "anonymous": blank_node,
        "nil": lambda self, tree: RDF_NIL,
        "triple_term": triple_term,
    }
