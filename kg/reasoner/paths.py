"""Property paths over what a recursion concludes, rewritten as triple patterns (SPARQL 1.1, section 18.2.2.3).

Sequences, inverses and alternatives have such a form; repetitions have not, and are refused inside a cycle.
"""

from __future__ import annotations

from kg.reasoner.model import Rule
from kg.sparql import algebra as a


def as_triples(rule: Rule, pattern: a.PathPattern, number: int) -> list[tuple[a.TriplePattern, ...]]:
    """Alternatives of conjunctions that match like the path, repeated ways aside. Raises RuleError R213."""
    names = iter(range(1_000_000))

    def expand(subject: a.Node, path: a.Path, object: a.Node) -> list[tuple[a.TriplePattern, ...]]:
        match path:
            case a.Link(iri=iri):
                return [(a.TriplePattern(subject, iri, object, pattern.position),)]
            case a.Inverse(path=inner):
                return expand(object, inner, subject)
            case a.Sequence(left=left, right=right):
                middle = a.Var(f"_:path{number}-{next(names)}")
                return [one + other for one in expand(subject, left, middle) for other in expand(middle, right, object)]
            case a.Alternative(left=left, right=right):
                return expand(subject, left, object) + expand(subject, right, object)
        raise rule.error(
            "R213",
            "repeats a path over its own conclusions",
            "write the repetition as a rule: { ?a :reaches ?c } WHERE { ?a :reaches ?b . ?b :next ?c }",
            pattern.position,
        )

    return expand(pattern.subject, pattern.path, pattern.object)
