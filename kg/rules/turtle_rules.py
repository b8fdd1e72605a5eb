"""Where a SHACL rule stands in its Turtle document, and the text of it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

from pyoxigraph import NamedNode

from kg.errors import Location
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.vocabulary import sh
from kg.sparql import algebra as a

_OPEN, _CLOSE = {"[", "("}, {"]", ")"}


def rule_text(document: ShapesDocument, shape: Node, rule: Node) -> tuple[Location | None, str]:
    """The place and the text of a value of sh:rule of a shape; one in another syntax than Turtle is only placed."""
    found = document.place(rule if isinstance(rule, NamedNode) else shape, sh("rule"))
    places = document.places_of(shape)
    if places is None or isinstance(rule, NamedNode):
        return found, "" if places is None or not isinstance(rule, NamedNode) else _statement(places, rule)
    anonymous = [value for value in document.values(shape, sh("rule")) if not isinstance(value, NamedNode)]
    number = anonymous.index(rule)
    spans = [span for tokens in places.statements_of(shape) for span in _objects(places, tokens)]
    if number >= len(spans):
        return found, ""
    start, end = spans[number]
    return places.at(start), _dedented(places.text[start:end], places.at(start).column or 1)


def _statement(places, rule: NamedNode) -> str:
    tokens = next(iter(places.statements_of(rule)), None)
    return places.text[tokens[0][1] : tokens[-1][1] + len(tokens[-1][0])] + " ." if tokens else ""


def _objects(places, tokens: list[tuple[str, int]]):
    """The (start, end) of each object of sh:rule that is written as `[ … ]`, in a subject's statement."""
    depth, begun, at = 0, False, 0
    for text, offset in tokens[1:]:
        if depth == 0 and text not in _OPEN | {",", ";"}:
            begun = places.names(text, sh("rule"))
        if text in _OPEN:
            if depth == 0:
                at = offset
            depth += 1
        elif text in _CLOSE:
            depth -= 1
            if depth == 0 and begun and text == "]":
                yield at, offset + 1
        elif depth == 0 and text == ";":
            begun = False


def _dedented(text: str, column: int) -> str:
    """The lines of a text that begins at `column`, those after the first moved to the left."""
    first, *rest = text.split("\n")
    spare = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first, *(line[min(spare, max(0, column - 1)) :] if spare else line for line in rest)])


def placed(query: a.Construct, document: ShapesDocument, node: Node) -> a.Construct:
    """The query of a rule with its places counted in the document instead of in its own text."""
    (text,) = document.values(node, sh("construct"))
    start = document.line_of_text(node, text)

    def moved(thing: object) -> object:
        if isinstance(thing, tuple):
            return tuple(moved(part) for part in thing)
        if not is_dataclass(thing) or isinstance(thing, a.Var):
            return thing
        changed = {f.name: moved(getattr(thing, f.name)) for f in fields(thing) if f.name != "position"}
        if getattr(thing, "position", None) is not None:
            line, column = thing.position
            changed["position"] = (start[1] + line - 1, column) if start and line > 1 else None
        return replace(thing, **changed)

    return moved(query)
