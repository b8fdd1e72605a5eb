"""The algebra as text for people: an operator a line, its operands deeper, as SPARQL 1.1 Query, section 18 names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from kg.sparql import algebra
from kg.store.notation import text_of

_INFIX = {"||", "&&", "=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "IN", "NOT IN"}
_PATH = {algebra.Sequence: "/", algebra.Alternative: "|", algebra.ZeroOrMore: "*", algebra.OneOrMore: "+", algebra.ZeroOrOne: "?"}


def pattern_lines(node: algebra.Pattern, prefixes: Mapping[str, str], depth: int = 0) -> Iterator[str]:
    """The lines of a pattern."""
    words, inner = [], []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, algebra.Pattern):
            inner.append(value)
        elif (isinstance(node, algebra.Service) and field.name not in ("endpoint", "silent", "text")) or field.name == "position":
            continue
        elif field.name == "triples":
            inner += value
        elif value is True:
            words.append(field.name.upper())
        elif value not in ((), None, False):
            words.append(node_text(value, prefixes))
    if isinstance(node, algebra.Service):
        inner = []
    yield " ".join(["  " * depth + type(node).__name__, *words])
    for each in inner:
        if isinstance(each, algebra.Pattern):
            yield from pattern_lines(each, prefixes, depth + 1)
        else:
            yield "  " * (depth + 1) + node_text(each, prefixes)


def node_text(node: object, prefixes: Mapping[str, str]) -> str:
    """A term, a triple, an expression or a path on one line."""

    def text(inner: object) -> str:
        return node_text(inner, prefixes)

    match node:
        case algebra.Var(name):
            return name if node.is_anonymous else f"?{name}"
        case algebra.TriplePattern():
            return f"{text(node.subject)} {text(node.predicate)} {text(node.object)}"
        case algebra.PathPattern():
            return f"{text(node.subject)} {text(node.path)} {text(node.object)}"
        case algebra.Link(iri):
            return text(iri)
        case algebra.Inverse(path):
            return f"^{text(path)}"
        case algebra.Sequence(left, right) | algebra.Alternative(left, right):
            return f"({text(left)}{_PATH[type(node)]}{text(right)})"
        case algebra.ZeroOrMore(path) | algebra.OneOrMore(path) | algebra.ZeroOrOne(path):
            return f"{text(path)}{_PATH[type(node)]}"
        case algebra.Call(name, args) if name in _INFIX and len(args) >= 2:
            others = ", ".join(map(text, args[1:]))
            return f"({text(args[0])} {name} {f'({others})' if name.endswith('IN') else others})"
        case algebra.Call(name, args):
            return f"{name.removeprefix('u')}({', '.join(map(text, args))})"
        case algebra.FunctionCall(iri, args):
            return f"{text(iri)}({', '.join(map(text, args))})"
        case algebra.Exists(pattern, negated):
            return f"{'NOT ' if negated else ''}EXISTS {{ {'; '.join(line.strip() for line in pattern_lines(pattern, prefixes))} }}"
        case algebra.Aggregate(name, argument, distinct):
            return f"{name}({'DISTINCT ' if distinct else ''}{'*' if argument is None else text(argument)})"
        case tuple():
            return f"({' '.join(map(text, node))})"
        case str() | int():
            return str(node)
        case None:
            return "–"
    if is_dataclass(node):
        return f"{type(node).__name__}({', '.join(text(getattr(node, field.name)) for field in fields(node))})"
    return text_of(node, prefixes)
