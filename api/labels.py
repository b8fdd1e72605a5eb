"""Labels in the reader's language, looked up for all IRIs of a page at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from pyoxigraph import Literal, NamedNode

from api import current
from api.messages import DEFAULT_LANGUAGE, language

_A_LOOK_UP = 500
_QUERY = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?thing ?label WHERE {{
  VALUES ?thing {{ {things} }}
  {{ ?thing rdfs:label ?label }} UNION {{ ?thing skos:prefLabel ?label }}
}}"""


def labels_of(iris: Iterable[NamedNode]) -> dict[NamedNode, str]:
    """The best label of each IRI that has one: this language, no language, English, any; of equals the first in order."""
    found: dict[NamedNode, list[Literal]] = {}
    for batch in _batches(sorted(set(iris), key=lambda iri: iri.value)):
        # VALUES wants terms in the text; written as N-Triples they cannot end the pattern they stand in.
        for thing, label in current.select(_QUERY.format(things=" ".join(map(str, batch)))):
            if isinstance(label, Literal):
                found.setdefault(thing, []).append(label)
    return {thing: min(labels, key=preference).value for thing, labels in found.items()}


def preference(label: Literal) -> tuple[int, str]:
    """Smaller is better for this reader."""
    tag = (label.language or "").split("-")[0]
    order = {language(): 0, "": 1, DEFAULT_LANGUAGE: 2}
    return order.get(tag, 3), label.value


def _batches(iris: list[NamedNode]) -> Iterator[list[NamedNode]]:
    rest = iter(iris)
    while batch := list(islice(rest, _A_LOOK_UP)):
        yield batch
