"""How alike the name of a table or column and the labels of a term are, in English and Chinese."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from kg.mapping.ontology import OntologyTerm

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3400-\u9fff\U00020000-\U0003ffff]+")
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
# Words that a label has and a name leaves out.
_SMALL = frozenset(["has", "have", "is", "are", "was", "of", "by", "for", "the", "a", "an", "its", "with", "which"])
_SMALL_CHINESE = re.compile(r"^(?:具有|有|是|为)|(?:为|于|的|是|自|至)$")
_KEY_WORDS = frozenset(["id", "ids", "key", "code", "no", "nr", "number", "pk", "uuid", "编号", "代码"])


def words(name: str) -> tuple[str, ...]:
    """The words of a name: snake_case, camelCase, spaces; plurals in the singular.

    >>> words("ownerPlotIDs"), words("social_insurances"), words("树木名称")
    (('owner', 'plot', 'id'), ('social', 'insurance'), ('树木名称',))
    """
    return tuple(_singular(word.lower()) for word in _WORD.findall(re.sub(r"\bI[Dd]s\b|IDs\b", "Id", name)))


def key_stem(name: str) -> tuple[str, ...] | None:
    """The words of a name before the one that says key; None where it says none.

    >>> key_stem("owner_plot_id"), key_stem("amount")
    (('owner', 'plot'), None)
    """
    found = words(name)
    return found[:-1] if len(found) > 1 and found[-1] in _KEY_WORDS else None


def likeness(name: tuple[str, ...], term: OntologyTerm) -> float:
    """From 0 to 1: how much a name's words have in common with the best of a term's labels, or with the end of its IRI."""
    local = re.split(r"[#/]", term.iri)[-1]
    return max((_alike(name, text) for text in (*term.labels, local)), default=0.0)


def _alike(name: tuple[str, ...], label: str) -> float:
    text = "".join(name)
    if _CHINESE.search(text) or _CHINESE.search(label):
        if not (_CHINESE.search(text) and _CHINESE.search(label)):
            return 0.0
        return SequenceMatcher(None, text, _SMALL_CHINESE.sub("", label)).ratio()
    other = [word for word in words(label) if word not in _SMALL] or list(words(label))
    own = [word for word in name if word not in _SMALL] or list(name)
    common = len(set(own) & set(other))
    return 2 * common / (len(set(own)) + len(set(other))) if own and other else 0.0


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
