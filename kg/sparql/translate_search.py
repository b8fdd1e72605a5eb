"""`kg:search` among the triples of a group: a property function, its arguments written as lists or as a blank node.

    ?thing kg:search "text"
    (?thing ?score ?text ?property) kg:search ("text" 10 "lang:zh" rdfs:label)
    ?thing kg:search [ kg:text "text" ; kg:limit 10 ; kg:language "zh" ; kg:property rdfs:label ; kg:score ?score ; kg:match ?text ]

    Q141 wrong arguments on the left   Q142 wrong arguments on the right
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pyoxigraph import Literal, NamedNode

from kg.errors import KgError
from kg.sparql.algebra import Node, PathPattern, Search, TriplePattern, Var
from kg.sparql.translate_terms import RDF_FIRST, RDF_NIL, RDF_REST
from kg.terms import RDF_LANG_STRING, XSD_INTEGER, XSD_STRING

KG = "urn:kg:"
SEARCH = NamedNode(KG + "search")
_LANGUAGE = "lang:"
_OUTPUTS = ("thing", "score", "text", "property")
_MEMBERS = ("text", "limit", "language", "property", "score", "match", "matchedProperty")

Triples = Sequence[TriplePattern | PathPattern]
Refuse = Callable[[int, str, object, str | None], KgError]  # (number, message, place, help) → the error to raise


def with_searches(triples: Triples, refuse: Refuse) -> tuple[list[TriplePattern | PathPattern], list[Search]]:
    """The triples that are to be matched, and the searches that were written among them."""
    searches = [each for each in triples if getattr(each, "predicate", None) == SEARCH]
    if not searches:
        return list(triples), []
    reader = _Arguments(triples, refuse)
    found = [reader.search(each) for each in searches]
    taken = {id(each) for each in (*searches, *reader.used)}
    return [each for each in triples if id(each) not in taken], found


class _Arguments:
    """The arguments of searches, taken out of the triples that lists and blank nodes stand for."""

    def __init__(self, triples: Triples, refuse: Refuse) -> None:
        self._refuse = refuse
        self._of: dict[Var, list[TriplePattern]] = {}
        for triple in triples:
            if isinstance(triple, TriplePattern) and isinstance(triple.subject, Var) and triple.subject.is_anonymous:
                self._of.setdefault(triple.subject, []).append(triple)
        self.used: list[TriplePattern] = []

    def search(self, triple: TriplePattern) -> Search:
        outputs = self._list(triple.subject)
        if outputs is None:
            outputs = [triple.subject]
        if not 1 <= len(outputs) <= len(_OUTPUTS):
            raise self._refuse(141, f"kg:search binds at most {len(_OUTPUTS)} variables", triple.position, "write (?thing ?score ?text ?property)")
        found = Search(**dict(zip(_OUTPUTS, outputs, strict=False)), position=triple.position)
        items = self._list(triple.object)
        if items is not None:
            return self._positional(found, items)
        if isinstance(triple.object, Var) and triple.object in self._of:
            return self._named(found, triple.object)
        return self._positional(found, [triple.object])

    def _list(self, node: Node) -> list[Node] | None:
        """The members of a collection; None where the node is none."""
        if not isinstance(node, Var) or not any(each.predicate == RDF_FIRST for each in self._of.get(node, ())):
            return [] if node == RDF_NIL else None
        members = []
        while node != RDF_NIL:
            cell = {each.predicate: each for each in self._of[node]}
            self.used += cell.values()
            members.append(cell[RDF_FIRST].object)
            node = cell[RDF_REST].object
        return members

    # ── In a list ────────────────────────────────────────────────────────────────────────────────────────────

    def _positional(self, search: Search, items: list[Node]) -> Search:
        """Property IRIs, the text, a limit and "lang:…", told apart by what they are; of two texts the first is sought."""
        for item in items:
            if isinstance(item, NamedNode):
                search = replace(search, properties=(*search.properties, item))
            elif _is_text(item) and item.value.startswith(_LANGUAGE) and search.wanted is not None:
                search = replace(search, language=item.value.removeprefix(_LANGUAGE))
            elif _is_integer(item) and search.limit is None:
                search = self._limited(search, item)
            elif search.wanted is None and (_is_text(item) or (isinstance(item, Var) and item not in self._of)):
                search = _seeking(search, item)
            else:
                raise self._wrong(search, f"{item} is no argument of kg:search here")
        return self._checked(search)

    # ── As a blank node ──────────────────────────────────────────────────────────────────────────────────────

    def _named(self, search: Search, node: Var) -> Search:
        for triple in self._of[node]:
            self.used.append(triple)
            name = triple.predicate.value.removeprefix(KG) if isinstance(triple.predicate, NamedNode) else ""
            value = triple.object
            if name == "text" and (_is_text(value) or isinstance(value, Var)):
                search = _seeking(search, value)
            elif name == "limit" and _is_integer(value):
                search = self._limited(search, value)
            elif name == "language" and _is_text(value):
                search = replace(search, language=value.value)
            elif name == "property" and isinstance(value, NamedNode):
                search = replace(search, properties=(*search.properties, value))
            elif name == "score":
                search = replace(search, score=value)
            elif name == "match":
                search = replace(search, text=value)
            elif name == "matchedProperty":
                search = replace(search, property=value)
            else:
                raise self._wrong(search, f"{triple.predicate} {value} is no argument of kg:search")
        return self._checked(search)

    def _limited(self, search: Search, value: Literal) -> Search:
        if int(value.value) < 0:
            raise self._wrong(search, "the limit of kg:search is negative")
        return replace(search, limit=int(value.value))

    def _checked(self, search: Search) -> Search:
        if search.wanted is None:
            raise self._wrong(search, "kg:search has no text to look for")
        return search

    def _wrong(self, search: Search, message: str) -> KgError:
        help = f'write ?thing kg:search ("text" 10 "lang:zh" rdfs:label), or a blank node with {", ".join(f"kg:{name}" for name in _MEMBERS)}'
        return self._refuse(142, message, search.position, help)


def _seeking(search: Search, text: Node) -> Search:
    """A text with a language seeks texts of that language."""
    language = text.language if isinstance(text, Literal) else None
    return replace(search, wanted=text, language=search.language or language)


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and node.datatype.value in (XSD_STRING, RDF_LANG_STRING)


def _is_integer(node: Node) -> bool:
    return isinstance(node, Literal) and node.datatype.value == XSD_INTEGER
