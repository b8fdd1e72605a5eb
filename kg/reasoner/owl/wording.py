"""Class expressions and properties in words: the names and sentences of the rules that axioms become."""

from __future__ import annotations

import re

from pyoxigraph import BlankNode, Literal

from kg.reasoner.owl.ontology import Ontology, local_name
from kg.reasoner.owl.vocabulary import owl
from kg.terms import Term

_WORDS = {
    "": {"and": " and ", "or": " or ", "not": "not {}", "some": "{} some {}", "only": "{} only {}", "value": "{} value {}",
         "max": "{} max {} {}", "min": "{} min {} {}", "exactly": "{} exactly {} {}", "one": "{{{}}}", "inverse": "inverse {}", "self": "{} Self"},
    "zh": {"and": " 且 ", "or": " 或 ", "not": "非 {}", "some": "{} 有某个 {}", "only": "{} 仅为 {}", "value": "{} 取值 {}",
           "max": "{} 至多 {} 个 {}", "min": "{} 至少 {} 个 {}", "exactly": "{} 恰有 {} 个 {}", "one": "{{{}}} 之一", "inverse": "{} 之逆", "self": "{} 自身"},
}  # fmt: skip
_CARDINALITIES = {
    "maxCardinality": "max", "maxQualifiedCardinality": "max", "minCardinality": "min", "minQualifiedCardinality": "min",
    "cardinality": "exactly", "qualifiedCardinality": "exactly",
}  # fmt: skip


def named(ontology: Ontology, term: Term, language: str = "") -> str:
    """A term by its label in `language` (`en`, `zh`), or by its local name where `language` is empty or has no label."""
    if isinstance(term, Literal):
        return term.value
    labels = ontology.labels.get(term, {}) if language else {}
    return labels.get(language) or labels.get("") or local_name(term)


def expression(ontology: Ontology, node: Term, language: str = "", depth: int = 4) -> str:
    """A class or property expression, in the words of the Manchester syntax.

    Anonymous nodes are spelled out to a depth of 4; `…` stands for what lies deeper.
    """
    if not isinstance(node, BlankNode):
        return named(ontology, node, language)
    if depth == 0:
        return "…"
    words = _WORDS["zh" if language == "zh" else ""]

    def inner(term: Term) -> str:
        text = expression(ontology, term, language, depth - 1)
        return f"({text})" if isinstance(term, BlankNode) and " " in text else text

    def one(name: str) -> Term | None:
        return next(iter(ontology.values(node, owl(name))), None)

    for name, word in (("intersectionOf", "and"), ("unionOf", "or"), ("oneOf", "one")):
        if (members := one(name)) is not None:
            parts = [inner(member) for member in ontology.list(node, owl(name), members)]
            return words["one"].format(", ".join(parts)) if word == "one" else words[word].join(parts)
    for name, word in (("complementOf", "not"), ("inverseOf", "inverse")):
        if (value := one(name)) is not None:
            return words[word].format(inner(value))
    if (on := one("onProperty")) is None:
        return "…"
    for name, word in (("someValuesFrom", "some"), ("allValuesFrom", "only"), ("hasValue", "value")):
        if (value := one(name)) is not None:
            return words[word].format(inner(on), inner(value))
    for name, word in _CARDINALITIES.items():
        if (number := one(name)) is not None:
            filler = one("onClass") or one("onDataRange")
            return words[word].format(inner(on), named(ontology, number), inner(filler) if filler is not None else "").strip()
    return words["self"].format(inner(on)) if one("hasSelf") is not None else "…"


def slug(text: str) -> str:
    """A text as the last part of an IRI."""
    return re.sub(r"[^\w.\-]+", "-", text).strip("-") or "_"
