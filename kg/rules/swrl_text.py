"""SWRL in Protégé's text syntax: `.swrl` files.

    PREFIX : <https://example.org/garden/>
    #+ says: {plant} thrives
    RULE :thrives { Plant(?plant) ^ age(?plant, ?years) ^ swrlb:greaterThan(?years, 2) -> Thriving(?plant) }

A name without a prefix has the empty one; `swrlb:`, `xsd:`, `rdf:`, `rdfs:` and `owl:` are known. Without `RULE name { … }`
a rule is a line as Protégé shows it, named by its place. `#+` lines above a rule are those of `.srl` files. Class
expressions stand in brackets, in Manchester syntax: `(hasLeaf some Green)(?plant)`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedInput
from pyoxigraph import Literal, NamedNode

from kg.errors import Location, RuleError, did_you_mean
from kg.reasoner.model import Program
from kg.rules import swrl_classes as c
from kg.rules.swrl import (
    DIFFERENT_FROM,
    OTHER_LIBRARIES,
    SAME_AS,
    Atom,
    BuiltinAtom,
    ClassAtom,
    DataRangeAtom,
    DifferentAtom,
    PropertyAtom,
    SameAtom,
    SwrlRule,
    compiled,
)
from kg.rules.swrl_builtins import BUILTINS
from kg.rules.swrl_functions import SWRLB
from kg.sparql import algebra as a
from kg.sparql.header import pairs_above
from kg.terms import RDF, RDF_TYPE, XSD

KNOWN_PREFIXES = {
    "swrlb": SWRLB,
    "xsd": XSD,
    "rdf": RDF,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
}
_OTHER_BUILTINS = re.compile(r".*/(swrlx|swrlm|sqwrl|temporal|abox|tbox|rbox)\.owl#|.*/built-ins/")
_WORDS = {
    "ARROW": "'->'", "_AND": "'^'", "VAR": "a variable", "PNAME": "a name", "BARE": "a name", "IRIREF": "an IRI", "LPAR": "'('", "RPAR": "')'",
    "COMMA": "','", "STRING": "a text", "NUMBER": "a number", "LBRACE": "'{'", "RBRACE": "'}'", "$END": "the end of the text",
}  # fmt: skip


def load_swrl(path: Path, prefixes: Mapping[str, str] | None = None, base: str | None = None) -> Program:
    """The program of a file. RuleError R220 where it cannot be read, and as of `parse_swrl`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError("R220", f"cannot read the rule file {path}: {getattr(error, 'strerror', None) or error}", None, "check the name; SWRL text is read as UTF-8") from error
    return parse_swrl(text, str(path), prefixes, f"{base}{path.stem}" if base else path.resolve().as_uri())


def parse_swrl(text: str, file: str | None = None, prefixes: Mapping[str, str] | None = None, base: str = "urn:rules:") -> Program:
    """The program of a text. Raises RuleError R250 for what is not SWRL, R103 for an unknown prefix, and as of
    `swrl.compiled`."""
    reader = _Reader(text.removeprefix("\ufeff"), file, KNOWN_PREFIXES | dict(prefixes or {}), base)
    rules = tuple(rule for one in reader.rules() for rule in compiled(one))
    return Program(rules, tuple(reader.prefixes.items()), (file,) if file else ())


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = (files("kg.rules") / "grammar" / "swrl.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="contextual", maybe_placeholders=False, propagate_positions=True)


class _Reader:
    def __init__(self, text: str, file: str | None, prefixes: dict[str, str], base: str) -> None:
        self.text, self.file, self.prefixes, self.base = text, file, prefixes, base
        self.lines = text.splitlines()

    def rules(self) -> list[SwrlRule]:
        try:
            tree = _grammar().parse(self.text)
        except UnexpectedInput as failure:
            raise self._syntax_error(failure) from None
        trees = []
        for item in tree.children:
            if item.data == "prefix":
                name, iri = item.children
                self.prefixes[name[:-1]] = iri[1:-1]
            else:
                trees.append(item)
        return [self._rule(item, number) for number, item in enumerate(trees, 1)]

    def _rule(self, tree: Tree, number: int) -> SwrlRule:
        inner = tree.children[-1] if tree.data == "named" else tree
        annotations = tuple(pairs_above(self.lines, tree.meta.line))
        iri = self.iri(tree.children[1]) if tree.data == "named" else self._name(dict(annotations), number, tree)
        body, head = self._sides(inner)
        says = tuple((key.partition("@")[2], value) for key, value in annotations if key == "says" or key.startswith("says@"))
        return SwrlRule(
            iri, body, head, says, annotations, self._place((tree.meta.line, tree.meta.column)),
            self.text[tree.meta.start_pos : tree.meta.end_pos], tuple(self.prefixes.items()), self.text)  # fmt: skip

    def _name(self, annotations: Mapping[str, str], number: int, tree: Tree) -> NamedNode:
        name = annotations.get("name")
        if name is None:
            return NamedNode(f"{self.base}#rule-{number}")
        return self.iri(Token("PNAME", name, line=tree.meta.line, column=tree.meta.column))

    def _sides(self, tree: Tree) -> tuple[tuple[Atom, ...], tuple[Atom, ...]]:
        sides: list[tuple[Atom, ...]] = [(), ()]
        side = 0
        for child in tree.children:
            if isinstance(child, Token):
                side = 1
            else:
                sides[side] = tuple(self._atom(atom) for atom in child.children)
        return sides[0], sides[1]

    # ── Atoms ────────────────────────────────────────────────────────────────────────────────────────────────

    def _atom(self, tree: Tree) -> Atom:
        position = (tree.meta.line, tree.meta.column)
        if tree.data == "described":
            expression, argument = tree.children
            described = self._class(expression)
            kind = DataRangeAtom if isinstance(described, c.DATA_RANGES) else ClassAtom
            return kind(described, self._argument(argument), position)
        name, *arguments = tree.children
        nodes = tuple(self._argument(argument) for argument in arguments)
        if name in ("sameAs", "differentFrom") and len(nodes) == 2:
            return (SameAtom if name == "sameAs" else DifferentAtom)(*nodes, position)
        iri = self.iri(name)
        if iri.value.startswith(SWRLB) or _OTHER_BUILTINS.match(iri.value):
            return BuiltinAtom(iri, nodes, position)
        if len(nodes) == 1:
            return DataRangeAtom(c.Datatype(iri), nodes[0], position) if c.is_datatype(iri) else ClassAtom(c.Named(iri), nodes[0], position)
        if len(nodes) == 2:
            if iri in (SAME_AS, DIFFERENT_FROM):
                return (SameAtom if iri == SAME_AS else DifferentAtom)(*nodes, position)
            if iri.value == RDF_TYPE and isinstance(nodes[1], NamedNode):
                return ClassAtom(c.Named(nodes[1]), nodes[0], position)
            return PropertyAtom(iri, *nodes, position)
        help = did_you_mean(name.rpartition(":")[2], BUILTINS) if len(nodes) else None
        raise self.error("R254", f"{name} has {len(nodes)} arguments; a class takes one, a property two", name,
                         f"{help} built-ins are written swrlb:…" if help else "built-ins are written swrlb:…")  # fmt: skip

    def _argument(self, item: Token | Tree) -> a.Node:
        if isinstance(item, Tree):
            return self._literal(item)
        return a.Var(item[1:]) if item.type == "VAR" else self.iri(item)

    def _literal(self, tree: Tree) -> Literal:
        first, *rest = tree.children
        if first.type == "NUMBER":
            kind = "double" if "e" in first.lower() else "decimal" if "." in first else "integer"
            return Literal(str(first), datatype=NamedNode(XSD + kind))
        if first.type == "BOOLEAN":
            return Literal(str(first), datatype=NamedNode(XSD + "boolean"))
        text = re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", lambda match: _ESCAPES.get(match[1]) or codecs.decode(match[0], "unicode_escape"), first[1:-1])
        if not rest:
            return Literal(text)
        if rest[0].type == "LANGTAG":
            return Literal(text, language=rest[0][1:])
        return Literal(text, datatype=self.iri(rest[-1]))

    # ── Class expressions ────────────────────────────────────────────────────────────────────────────────────

    def _class(self, item: Token | Tree) -> c.ClassExpression | c.DataRange:
        if isinstance(item, Token):
            iri = self.iri(item)
            return c.Datatype(iri) if c.is_datatype(iri) else c.Named(iri)
        if item.data in ("conjunction", "disjunction"):
            parts = tuple(self._class(part) for part in item.children)
            if len(parts) == 1:
                return parts[0]
            is_data = all(isinstance(part, c.DATA_RANGES) for part in parts)
            return {("conjunction", False): c.And, ("conjunction", True): c.DataAnd, ("disjunction", False): c.Or, ("disjunction", True): c.DataOr}[item.data, is_data](parts)
        if item.data == "negation":
            part = self._class(item.children[0])
            return c.DataNot(part) if isinstance(part, c.DATA_RANGES) else c.Not(part)
        if item.data == "enumeration":
            members = tuple(self._literal(one) if isinstance(one, Tree) else self.iri(one) for one in item.children)
            return c.Literals(members) if isinstance(members[0], Literal) else c.OneOf(members)
        if item.data == "range":
            datatype, *facets = item.children
            return c.Facets(c.Datatype(self.iri(datatype)), tuple(self._facet(facet) for facet in facets))
        return self._restriction(item)

    def _facet(self, tree: Tree) -> tuple[str, Literal]:
        name, limit = tree.children
        facet = c.SIGNS.get(str(name), str(name))
        if facet not in c.FACETS:
            raise self.error("R250", f"{name} is no facet of a datatype", name, did_you_mean(name, c.FACETS) or f"the facets are >=, <=, >, < and {', '.join(c.FACETS[4:])}")
        return facet, self._literal(limit)

    def _restriction(self, tree: Tree) -> c.ClassExpression:
        property, word, *rest = tree.children
        on = c.Inverse(self.iri(property.children[0])) if isinstance(property, Tree) else self.iri(property)
        match word.lower():
            case "some":
                return c.Some(on, self._class(rest[0]))
            case "only":
                return c.Only(on, self._class(rest[0]))
            case "value":
                return c.HasValue(on, self._literal(rest[0]) if isinstance(rest[0], Tree) else self.iri(rest[0]))
            case "self":
                return c.HasSelf(on)
        return c.Cardinality(word.lower(), int(rest[0]), on, self._class(rest[1]) if len(rest) > 1 else None)

    # ── Names and errors ─────────────────────────────────────────────────────────────────────────────────────

    def iri(self, name: Token) -> NamedNode:
        if name.startswith("<"):
            return NamedNode(name[1:-1])
        if name.startswith("'"):
            raise self.error("R250", f"{name} is a label, and labels name nothing for sure", name, "write the prefixed name or the <IRI>")
        prefix, colon, local = name.partition(":")
        if not colon:
            prefix, local = "", str(name)
        if prefix not in self.prefixes:
            if prefix:
                help = OTHER_LIBRARIES.get(prefix) or did_you_mean(prefix, self.prefixes) or f"add PREFIX {prefix}: <…> at the top of the file"
                raise self.error("R103", f"the prefix {prefix}: is not declared", name, help)
            raise self.error("R103", f"{name} has no prefix, and the empty prefix is not declared", name, "add PREFIX : <…> at the top of the file, or write the prefix")
        return NamedNode(self.prefixes[prefix] + local.replace("\\", ""))

    def _place(self, position: tuple[int, int]) -> Location:
        return Location.in_text(self.text, *position, self.file)

    def error(self, code: str, message: str, at: Token, help: str) -> RuleError:
        place = self._place((at.line, at.column)) if at.line else Location(self.file)
        return RuleError(code, message, place, help)

    def _syntax_error(self, failure: UnexpectedInput) -> RuleError:
        end = len(self.text.rstrip())
        offset = end if getattr(getattr(failure, "token", None), "type", "") == "$END" else failure.pos_in_stream
        before = self.text[:offset]
        position = (before.count("\n") + 1, offset - before.rfind("\n"))
        rest = self.text[offset:].split("\n")[0]
        found = repr(rest[:20] + ("…" if len(rest) > 20 else "")) if rest.strip() else "the end of the text"
        accepted = getattr(failure, "accepts", None) or getattr(failure, "expected", None) or getattr(failure, "allowed", None) or ()
        expected = sorted({_WORDS[name] for name in accepted if name in _WORDS})
        help = "an atom is name(argument, …); atoms are joined by ^, and -> stands before what is concluded"
        for sign, hint in _SLIPS.items():
            if rest.startswith(sign):
                help = hint
        return RuleError("R250", f"expected {' or '.join(expected) or 'a rule'}, found {found}", self._place(position), help)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
_SLIPS = {
    "=>": "write -> between body and head",
    ":-": "SWRL writes the body first: body -> head",
    "&": "join atoms by ^",
    "|": "SWRL has no or; write two rules, or a class expression: (A or B)(?x)",
    "not": "SWRL has no negation; use NOT in a SPARQL-RL rule",
    "!": "SWRL has no negation; use NOT in a SPARQL-RL rule",
    "$": "variables begin with ?",
}
