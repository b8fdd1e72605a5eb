"""How terms are called in a proof: by their labels, else as they are written in a query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.store import Store
from kg.terms import Term

RDFS_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


class Names:
    """How terms are called: by rdfs:label where there is one, else by prefixed name."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = sorted(prefixes.items(), key=lambda pair: -len(pair[1]))
        self._labels: dict[Term, dict[str, str]] = {}
        self._classes: dict[Term, NamedNode] = {}  # of those without a label

    def learn(self, terms: Iterable[object]) -> None:
        """Look up the labels of these at once, and what those without one are; else each is looked up when it is first called by
        name."""
        unknown = [term for term in dict.fromkeys(t for t in terms if isinstance(t, (NamedNode, BlankNode))) if term not in self._labels]
        self._labels |= {term: {} for term in unknown}
        self._read(unknown)
        parents = [_parent(term) for term in unknown if isinstance(term, NamedNode) and not self._labels[term]]
        if near := [*(self._classes[term] for term in unknown if term in self._classes), *(parent for parent in parents if parent is not None)]:
            self.learn(near)

    def _read(self, unknown: list[NamedNode | BlankNode]) -> None:
        """The labels, and of those without one the classes."""
        if not unknown:
            return
        *ids, label_id, type_id = self._store.lookup_many([*unknown, RDFS_LABEL, TYPE])
        subjects = {term_id: term for term, term_id in zip(unknown, ids, strict=True) if term_id is not None}
        predicates = [str(found) for found in (label_id, type_id) if found is not None]
        if not predicates or not subjects:
            return
        listed = ", ".join(map(str, sorted(subjects)))
        select = f"SELECT s, p, o FROM quads WHERE p IN ({', '.join(predicates)}) AND s IN ({listed}) AND NOT again ORDER BY rule NULLS FIRST, o"
        rows = self._store.cursor().execute(select).fetchall()
        found = self._store.decode({row[2] for row in rows})
        labels = [(subjects[s], found[o]) for s, p, o in rows if p == label_id and isinstance(found[o], Literal)]
        for subject, label in sorted(labels, key=lambda pair: str(pair[1])):
            self._labels[subject][label.language or ""] = label.value
        for s, p, o in rows:
            if p == type_id and not self._labels[subjects[s]] and isinstance(found[o], NamedNode):
                self._classes.setdefault(subjects[s], found[o])

    def term(self, term: object, language: str = "en") -> str:
        if isinstance(term, (NamedNode, BlankNode)):
            return self._label(term, language) or self._described(term, language) or self.short(term)
        if isinstance(term, Literal):
            return term.value
        if isinstance(term, Triple):
            return f"<<( {self.triple(term, language)} )>>"
        return f"?{term.name}" if hasattr(term, "name") else str(term)

    def triple(self, triple: Triple | Sequence[object], language: str = "en") -> str:
        subject, predicate, object = (triple.subject, triple.predicate, triple.object) if isinstance(triple, Triple) else triple
        return self._sentence(self.term(subject, language), predicate, self.term(object, language), language)

    def _sentence(self, subject: str, predicate: object, object: str, language: str) -> str:
        if predicate == TYPE:
            article = "an" if object[:1].lower() in "aeiou" else "a"
            return f"{subject} 是 {object}" if language == "zh" else f"{subject} is {article} {object}"
        return f"{subject} {self.term(predicate, language)} {object}"

    def absence(self, patterns: Iterable[Sequence[object]], conditions: Iterable[str], bindings: Mapping[str, Term | Decimal], language: str) -> str:
        """What a NOT denies, in words: its variables are some things, of which the conditions hold."""
        patterns = list(patterns)
        nouns = {s.name: self.term(o, language) for s, p, o in patterns if hasattr(s, "name") and p == TYPE and isinstance(o, NamedNode)}
        if len(patterns) > len(nouns):  # what they are is told with the first that they do
            patterns = [one for one in patterns if not (one[1] == TYPE and hasattr(one[0], "name"))]
        met: dict[str, str] = {}

        def thing(name: str) -> str:
            if name in met:
                return met[name]
            spoken = nouns.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
            if language == "zh":
                spoken = nouns.get(name, "甲乙丙丁戊己庚辛壬癸"[len(met) % 10])
            met[name] = f"该{spoken}" if language == "zh" else f"that {spoken}"
            return f"某{spoken}" if language == "zh" else f"some {spoken}"

        def node(part: object) -> str:
            return thing(part.name) if hasattr(part, "name") else self.term(part, language)

        told: list[str] = []
        for place, (subject, predicate, object) in enumerate(patterns):
            is_same = place > 0 and patterns[place - 1][0] == subject
            sentence = self._sentence("" if is_same else node(subject), predicate, node(object), language).strip()
            told.append(sentence)
        for condition in conditions:
            filled = self.with_values(condition, bindings, language)
            told += [] if filled is None else [re.sub(r"\?(\w+)", lambda match: thing(match[1]), filled)]
        return {"zh": "，且 "}.get(language, " and ").join(told)

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

    def graph(self, iri: str) -> str:
        """As its owner is called: what follows `/graph/` in the names that builds give."""
        before, mark, owner = iri.partition("/graph/")
        return owner if mark and before else self.short(NamedNode(iri)).strip("<>") if iri else ""

    def filled(self, sentence: str, bindings: Mapping[str, Term | Decimal], language: str) -> str:
        """The sentence with `{name}` replaced by what `?name` is bound to; a name without value stays as it is."""

        def value(match: re.Match[str]) -> str:
            bound = bindings.get(match[1])
            return match[0] if bound is None else self.term(bound, language or "en")

        return re.sub(r"\{\??(\w+)\}", value, sentence)

    def with_values(self, test: str, bindings: Mapping[str, Term | Decimal], language: str = "en") -> str | None:
        """The text of a condition with what its variables are bound to; None where that is true of anything."""
        same = re.fullmatch(r"SAMETERM\(\?(\w+), \?(\w+)\)", test)
        if same and same[1] in bindings and bindings[same[1]] == bindings.get(same[2]):
            return None
        compared = re.fullmatch(r"\?(\w+) (!?=) \?(\w+)", test)
        if compared and any(isinstance(bindings.get(compared[place]), (NamedNode, BlankNode)) for place in (1, 3)):
            word = {("en", "="): "is", ("en", "!="): "is not", ("zh", "="): "是", ("zh", "!="): "不是"}[language if language == "zh" else "en", compared[2]]
            test = f"?{compared[1]} {word} ?{compared[3]}"
        words = {"&&": "且", "||": "或"} if language == "zh" else {"&&": "and", "||": "or"}
        test = re.sub(r" (&&|\|\|) ", lambda match: f" {words[match[1]]} ", test)
        return re.sub(r"\?(\w+)", lambda match: self.term(bindings[match[1]], language) if match[1] in bindings else match[0], test)

    def _described(self, term: NamedNode | BlankNode, language: str) -> str | None:
        """Of what has no label: what it is, and its number, or what it belongs to: `ticket 250`, `part (Alpha)`."""
        kind = self._classes.get(term)
        called = self._label(kind, language) if kind is not None else None
        if isinstance(term, BlankNode):
            return called and f"{called} {'（无名）' if language == 'zh' else '(without a name)'}"
        parent, local = _parent(term), re.split(r"[/#]", term.value)[-1]
        owner = None if parent is None else self._label(parent, language) or self._described(parent, language)
        if owner is None:
            return called and f"{called} {local}"
        return f"{called or local}（{owner}）" if language == "zh" else f"{called or local} ({owner})"

    def _label(self, term: NamedNode | BlankNode, language: str) -> str | None:
        if term not in self._labels:
            self.learn([term])
        labels = self._labels[term]
        near = next((text for tag, text in labels.items() if tag.split("-")[0] == language), None)
        return near or labels.get("") or next(iter(labels.values()), None)


def _parent(term: NamedNode) -> NamedNode | None:
    """`http://example.org/a` of `http://example.org/a/b`, which is about it if it is anything in the graph."""
    before = term.value.rpartition("/")[0]
    return NamedNode(before) if before.rpartition("/")[0].rstrip("/:").count(":") and "//" in before else None
