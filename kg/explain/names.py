"""How terms are called in a proof: by their labels, else as they are written in a query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.store import Store
from kg.terms import Term

RDFS_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")


class Names:
    """How terms are called: by rdfs:label where there is one, else by prefixed name."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = sorted(prefixes.items(), key=lambda pair: -len(pair[1]))
        self._labels: dict[Term, dict[str, str]] = {}

    def learn(self, terms: Iterable[object]) -> None:
        """Look up the labels of these at once; without it each is looked up when it is first called by name."""
        unknown = [term for term in dict.fromkeys(t for t in terms if isinstance(t, (NamedNode, BlankNode))) if term not in self._labels]
        *ids, predicate = self._store.lookup_many([*unknown, RDFS_LABEL])
        self._labels |= {term: {} for term in unknown}
        subjects = {term_id: term for term, term_id in zip(unknown, ids, strict=True) if term_id is not None}
        if predicate is None or not subjects:
            return
        listed = ", ".join(map(str, sorted(subjects)))
        rows = self._store.cursor().execute(f"SELECT s, o FROM quads WHERE p = {predicate} AND s IN ({listed}) AND NOT again").fetchall()
        literals = self._store.decode({row[1] for row in rows})
        for subject, label in sorted(((subjects[s], literals[o]) for s, o in rows), key=lambda pair: str(pair[1])):
            if isinstance(label, Literal):
                self._labels[subject][label.language or ""] = label.value

    def term(self, term: object, language: str = "en") -> str:
        if isinstance(term, (NamedNode, BlankNode)):
            return self._label(term, language) or self.short(term)
        if isinstance(term, Literal):
            return term.value
        if isinstance(term, Triple):
            return f"<<( {self.triple(term, language)} )>>"
        return f"?{term.name}" if hasattr(term, "name") else str(term)

    def triple(self, triple: Triple | Sequence[object], language: str = "en") -> str:
        parts = (triple.subject, triple.predicate, triple.object) if isinstance(triple, Triple) else triple
        return " ".join(self.term(part, language) for part in parts)

    def short(self, term: Term) -> str:
        """As it is written in a query."""
        if isinstance(term, (Literal, Triple)):
            return str(term)
        if isinstance(term, BlankNode):
            return f"_:{term.value}"
        for prefix, namespace in self._prefixes:
            if namespace and term.value.startswith(namespace):
                return f"{prefix}:{term.value[len(namespace):]}"
        return f"<{term.value}>"

    def filled(self, sentence: str, bindings: Mapping[str, Term | Decimal], language: str) -> str:
        """The sentence with `{name}` replaced by what `?name` is bound to; a name without value stays as it is."""

        def value(match: re.Match[str]) -> str:
            bound = bindings.get(match[1])
            return match[0] if bound is None else self.term(bound, language or "en")

        return re.sub(r"\{\??(\w+)\}", value, sentence)

    def with_values(self, test: str, bindings: Mapping[str, Term | Decimal]) -> str:
        """The text of a condition with what its variables are bound to."""
        return re.sub(r"\?(\w+)", lambda match: self.term(bindings[match[1]]) if match[1] in bindings else match[0], test)

    def _label(self, term: NamedNode | BlankNode, language: str) -> str | None:
        if term not in self._labels:
            self.learn([term])
        labels = self._labels[term]
        near = next((text for tag, text in labels.items() if tag.split("-")[0] == language), None)
        return near or labels.get("") or next(iter(labels.values()), None)
