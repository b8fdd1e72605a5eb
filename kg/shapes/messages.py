"""Messages of results: a shape's own with their placeholders filled in, or a sentence in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyoxigraph import Literal, NamedNode

from kg.shapes.document import ShapesDocument
from kg.shapes.model import Constraint, SparqlConstraint

_PLACEHOLDER = re.compile(r"\{[?$](\w+)\}")

# By component: what is wrong with {value}; {x} is the parameter's value.
_ENGLISH = {
    "Class": "{value} is no {x}",
    "Datatype": "{value} is no well-formed {x}",
    "NodeKind": "{value} is not of the node kind {x}",
    "MinCount": "fewer values than {x}",
    "MaxCount": "more values than {x}",
    "MinExclusive": "{value} is not greater than {x}",
    "MinInclusive": "{value} is less than {x}, or cannot be compared with it",
    "MaxExclusive": "{value} is not less than {x}",
    "MaxInclusive": "{value} is greater than {x}, or cannot be compared with it",
    "MinLength": "{value} is shorter than {x} characters",
    "MaxLength": "{value} is longer than {x} characters",
    "Pattern": "{value} does not match the pattern {x}",
    "LanguageIn": "{value} is in none of the languages {x}",
    "UniqueLang": "more than one value in the same language",
    "Equals": "{value} is a value of only one of this property and {x}",
    "Disjoint": "{value} is also a value of {x}",
    "LessThan": "{value} is not less than the value of {x}",
    "LessThanOrEquals": "{value} is greater than the value of {x}, or cannot be compared with it",
    "Closed": "{value} is given by {path}, which the shape does not allow",
    "HasValue": "the value {x} is missing",
    "In": "{value} is none of {x}",
    "Node": "{value} does not conform to {x}",
    "Not": "{value} conforms to {x}, and must not",
    "And": "{value} does not conform to all of {x}",
    "Or": "{value} conforms to none of {x}",
    "Xone": "{value} does not conform to exactly one of {x}",
    "QualifiedMinCount": "fewer values than {count} conform to {x}",
    "QualifiedMaxCount": "more values than {count} conform to {x}",
}
_CHINESE = {
    "Class": "{value} 不是 {x}",
    "Datatype": "{value} 不是合规的 {x}",
    "NodeKind": "{value} 的节点类型不是 {x}",
    "MinCount": "值少于 {x} 个",
    "MaxCount": "值多于 {x} 个",
    "MinExclusive": "{value} 不大于 {x}",
    "MinInclusive": "{value} 小于 {x}，或无法比较",
    "MaxExclusive": "{value} 不小于 {x}",
    "MaxInclusive": "{value} 大于 {x}，或无法比较",
    "MinLength": "{value} 短于 {x} 个字符",
    "MaxLength": "{value} 长于 {x} 个字符",
    "Pattern": "{value} 不符合格式 {x}",
    "LanguageIn": "{value} 的语言不在 {x} 之内",
    "UniqueLang": "同一语言有多个值",
    "Equals": "{value} 与 {x} 的值不一致",
    "Disjoint": "{value} 也是 {x} 的值",
    "LessThan": "{value} 不小于 {x} 的值",
    "LessThanOrEquals": "{value} 大于 {x} 的值，或无法比较",
    "Closed": "{value} 由 {path} 给出，该形状不允许此属性",
    "HasValue": "缺少值 {x}",
    "In": "{value} 不在 {x} 之内",
    "Node": "{value} 不符合 {x}",
    "Not": "{value} 不应符合 {x}",
    "And": "{value} 未全部符合 {x}",
    "Or": "{value} 不符合 {x} 中的任何一个",
    "Xone": "{value} 未恰好符合 {x} 中的一个",
    "QualifiedMinCount": "符合 {x} 的值少于 {count} 个",
    "QualifiedMaxCount": "符合 {x} 的值多于 {count} 个",
}


def filled_in(template: Literal, known: Mapping[str, object], document: ShapesDocument) -> Literal:
    """A message with `{?name}` and `{$name}` replaced (section 5.2.3); `value` is … where there is none, another name stays as it is."""

    def value(match: re.Match[str]) -> str:
        found = known.get(match[1])
        if found is None:
            return "…" if match[1] == "value" else match[0]
        return plain(found, document)

    text = _PLACEHOLDER.sub(value, template.value)
    return Literal(text, language=template.language) if template.language else Literal(text)


def default_messages(constraint: Constraint | SparqlConstraint, known: Mapping[str, object], document: ShapesDocument) -> tuple[Literal, ...]:
    """A sentence in English and in Chinese for a constraint without messages of its own."""
    if isinstance(constraint, SparqlConstraint):
        name = document.name(constraint.component)
        return (Literal(f"violates {name}", language="en"), Literal(f"违反 {name}", language="zh"))
    words = {name: plain(known[name], document) for name in ("value", "path", "count") if name in known}
    words["x"] = plain(constraint.value, document)
    words.setdefault("value", "")
    return tuple(
        Literal(sentences[constraint.component].format_map(words).strip(), language=language)
        for language, sentences in (("en", _ENGLISH), ("zh", _CHINESE))
    )


def plain(value: object, document: ShapesDocument) -> str:
    """A term, a number or a list of them as words of a sentence."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, tuple):
        return ", ".join(plain(one, document) for one in value)
    if isinstance(value, (str, int)):
        return str(value)
    return document.name(value) if isinstance(value, NamedNode) or value in document.properties else str(value)
