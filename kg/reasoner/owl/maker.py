"""Makes the rules that axioms become: each with an IRI, a sentence in two languages, the axiom's text and its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import Location
from kg.reasoner.model import Rule
from kg.reasoner.owl.ontology import Node, Ontology
from kg.reasoner.owl.vocabulary import FIRST, INCONSISTENT, TYPE, owl
from kg.reasoner.owl.wording import expression, slug
from kg.sparql import algebra as a
from kg.terms import Term

X, Y, Z, U, V = (a.Var(name) for name in ("x", "y", "z", "u", "v"))

Body = Sequence[a.BodyElement]


class RuleMaker:
    """Collects rules over one ontology. `namespace` is where their IRIs begin."""

    def __init__(self, ontology: Ontology, namespace: str) -> None:
        self.ontology = ontology
        self.namespace = namespace
        self.rules: list[Rule] = []
        self._names: Counter[str] = Counter()
        self._prefixes = tuple((ontology.prefixes | {"axiom": namespace}).items())
        self._made: set[tuple] = set()

    # ── Atoms ────────────────────────────────────────────────────────────────────────────────────────────────

    def holds(self, cls: Node, individual: a.Node) -> a.TriplePattern:
        """`individual` belongs to `cls`."""
        return a.TriplePattern(individual, TYPE, cls)

    def link(self, property: Node, subject: a.Node, object: a.Node) -> a.TriplePattern:
        """`subject property object`, where the property may be the inverse of a named one. RuleError R243 for others."""
        backwards = False
        while isinstance(property, BlankNode):
            inverse = self.ontology.values(property, owl("inverseOf"))
            if len(inverse) != 1 or not isinstance(inverse[0], NamedNode | BlankNode) or inverse[0] == property:
                raise self.ontology.error(
                    "R243", f"{self.ontology.shown(property)} is used as a property, but is no property", property,
                    help="name a property there, or write [ owl:inverseOf ex:property ]")  # fmt: skip
            property, backwards = inverse[0], not backwards
        return a.TriplePattern(object, property, subject) if backwards else a.TriplePattern(subject, property, object)

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────

    def rule(
        self, entailment: str, about: Sequence[Term], head: a.TriplePattern | Sequence[a.TriplePattern], body: Body, en: str, zh: str,
        axiom: tuple[Node, NamedNode, Term] | None = None,
    ) -> None:  # fmt: skip
        """Add `head` ← `body` by the table's rule `entailment`.

        `en` and `zh` may name `{0}`, `{1}` … (the terms of `about`) and variables in double braces. `axiom` is the triple that the
        rule stands for: it gives the place, and where it was itself concluded it is a premise.
        """
        heads = (head,) if isinstance(head, a.TriplePattern) else tuple(head)
        premises = tuple(body)
        if axiom is not None and self.ontology.axiom_is_derived(*axiom):
            premises = (a.TriplePattern(*axiom), *premises)
        if (heads, premises) in self._made or set(heads) <= set(premises):
            return
        self._made.add((heads, premises))
        self.rules.append(self._rule(self._iri(entailment, about), entailment, about, heads, premises, en, zh, axiom))

    def clash(
        self, entailment: str, about: Sequence[Term], subject: a.Node, body: Body, en: str, zh: str,
        axiom: tuple[Node, NamedNode, Term] | None = None,
    ) -> None:  # fmt: skip
        """Add a rule whose conclusion is false in the tables: `subject` is inconsistent by this rule."""
        if (None, tuple(body)) in self._made:
            return
        self._made.add((None, tuple(body)))
        premises = tuple(body)
        if axiom is not None and self.ontology.axiom_is_derived(*axiom):
            premises = (a.TriplePattern(*axiom), *premises)
        iri = self._iri(entailment, about)
        head = a.TriplePattern(subject, INCONSISTENT, iri)
        self.rules.append(self._rule(iri, entailment, about, (head,), premises, en, zh, axiom))

    def fact(self, entailment: str, triples: Sequence[a.TriplePattern], en: str, zh: str, about: Sequence[Term] = (),
             axiom: tuple[Node, NamedNode, Term] | None = None) -> None:  # fmt: skip
        """Add triples that hold whatever the data are."""
        if triples:
            self.rule(entailment, about, triples, (), en, zh, axiom)

    def equality(self, entailment: str, head: a.TriplePattern, body: Body, en: str, zh: str) -> None:
        """Add a rule that copies triples between equal terms."""
        rule = self._rule(self._iri(entailment, ()), entailment, (), (head,), tuple(body), en, zh, None)
        self.rules.append(replace(rule, annotations=(*rule.annotations, ("equality", entailment))))

    def written(self, rule: Rule, entailment: str) -> None:
        """Add a rule that is written out, under the name `entailment`."""
        self.rules.append(replace(rule, iri=self._iri(entailment, ()), annotations=(("entailment", entailment),), prefixes=self._prefixes))

    def _rule(self, iri, entailment, about, heads, premises, en, zh, axiom) -> Rule:
        said = []
        for language, text in (("en", en), ("zh", zh)):
            said.append((language, text.format(*(expression(self.ontology, term, language) for term in about))))
        place = self.ontology.place(axiom[0], *(axiom[2], axiom[1])) if axiom is not None else Location()
        return Rule(
            iri, heads, premises, says=tuple(said), annotations=(("entailment", entailment),), location=place,
            text=self._text(entailment, axiom, en, about), prefixes=self._prefixes, states_data=not premises)  # fmt: skip

    def _iri(self, entailment: str, about: Sequence[Term]) -> NamedNode:
        terms = [expression(self.ontology, term) for term in about if not isinstance(term, Literal)]
        name = f"{entailment}/{'.'.join(slug(term)[:60] for term in terms)}" if terms else entailment
        self._names[name] += 1
        number = f"-{self._names[name]}" if self._names[name] > 1 else ""
        return NamedNode(f"{self.namespace}{name}{number}")

    def _text(self, entailment: str, axiom: tuple[Node, NamedNode, Term] | None, en: str, about: Sequence[Term]) -> str:
        if axiom is None:
            return f"OWL 2 RL, {entailment}"
        subject, predicate, object = axiom
        return f"{self._spelled(subject)} {self.ontology.shown(predicate)} {self._spelled(object)} .   # {entailment}"

    def _spelled(self, term: Term) -> str:
        if not isinstance(term, BlankNode):
            return self.ontology.shown(term)
        if self.ontology.values(term, FIRST):
            return f"( {' '.join(self._spelled(member) for member in self.ontology.list(term, FIRST, term))} )"
        return f"[ {expression(self.ontology, term)} ]"
