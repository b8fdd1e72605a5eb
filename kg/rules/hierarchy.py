"""The subclasses that a graph states: who is a SHACL instance of a class (section 1.1: rdf:type/rdfs:subClassOf*)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from pyoxigraph import NamedNode

from kg.sparql import algebra as a
from kg.store import Store
from kg.terms import RDF

TYPE = NamedNode(RDF + "type")
SUB_CLASS_OF = NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf")

# Classes with more subclasses than this are matched by one pattern, which reads every rdf:type that a rule concludes.
_NAMED = 30


@dataclass(frozen=True)
class Hierarchy:
    """Direct subclasses by class. Rules name the subclasses one by one, so that it stays known which rule reads what
    another concludes; a class put below another by a rule is not seen."""

    below: Mapping[NamedNode, tuple[NamedNode, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[NamedNode, NamedNode]]) -> Hierarchy:
        """Of (subclass, class) pairs."""
        below: dict[NamedNode, dict[NamedNode, None]] = {}
        for sub, super_ in pairs:
            if isinstance(sub, NamedNode) and isinstance(super_, NamedNode) and sub != super_:
                below.setdefault(super_, {})[sub] = None
        return cls({super_: tuple(sorted(subs, key=lambda iri: iri.value)) for super_, subs in below.items()})

    @classmethod
    def stated_in(cls, store: Store) -> Hierarchy:
        """What the graph says about subclasses, conclusions left out."""
        predicate = store.lookup(SUB_CLASS_OF)
        if predicate is None:
            return cls()
        connection = store.connection if store.is_in_transaction else store.cursor()
        rows = connection.execute("SELECT DISTINCT s, o FROM quads WHERE p = ? AND rule IS NULL", [predicate]).fetchall()
        terms = store.decode({term for row in rows for term in row})
        return cls.of((terms[sub], terms[super_]) for sub, super_ in rows)

    def instances(self, cls: NamedNode, node: a.Node) -> a.Pattern:
        """The pattern of `node` being an instance of `cls` or of a class below it; each alternative has the triples that
        make it so."""
        branches: list[a.Pattern] = []
        waiting: list[tuple[NamedNode, tuple[a.TriplePattern, ...]]] = [(cls, ())]
        seen = {cls: None}
        for one, way in waiting:
            branches.append(a.BGP((a.TriplePattern(node, TYPE, one), *way)))
            for sub in self.below.get(one, ()):
                if sub not in seen:
                    seen[sub] = None
                    waiting.append((sub, (a.TriplePattern(sub, SUB_CLASS_OF, one), *way)))
        if len(branches) > _NAMED:
            kind = a.Var(f"value/class-{node.name}" if isinstance(node, a.Var) else "value/class")
            return a.Filter(a.Call("IN", (kind, *seen)), a.BGP((a.TriplePattern(node, TYPE, kind),)))
        return reduce(a.Union, branches)
