"""Running an ontology: its program is compiled anew while conclusions add to the ontology, until they add nothing.

Usually the first program is the last. Another is made where data decide what the schema says: `:p a :TransitiveKind` with
`:TransitiveKind rdfs:subClassOf owl:TransitiveProperty`, or two classes that turn out to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pyoxigraph import Triple

from kg.errors import RuleError
from kg.reasoner.engine import InferReport, Programs, infer
from kg.reasoner.model import Program
from kg.reasoner.owl.compile import compile_store
from kg.store import Store

# Programs made before it is called endless; each needs a new schema triple over the terms that there are.
_MOST = 20


def infer_with_ontology(
    store: Store, programs: Programs, compiled: Callable[[], tuple[str, str, Program]], run: Callable[[Programs], InferReport]
) -> tuple[InferReport, Program]:
    """Run `programs` together with the one that `compiled` makes (owner, IRI of its graph, Program) until that stays the same.

    Returns the last report, and the ontology's program.
    """
    owned = compiled()
    for _ in range(_MOST):
        report = run([owned, *programs])
        again = compiled()
        if is_same(owned[2], again[2]):
            return report, owned[2]
        owned = again
    raise endless(_MOST)


def endless(programs: int) -> RuleError:
    return RuleError("R247", f"the ontology still changes by its own conclusions after {programs} programs", None, "look for classes or properties that rules define anew")


def is_same(left: Program, right: Program) -> bool:
    """Whether two programs have the same rules."""
    return left is right or [(r.iri, r.head, r.body) for r in left.rules] == [(r.iri, r.head, r.body) for r in right.rules]


def entailed(
    store: Store,
    regime: str = "owl-rl",
    *,
    programs: Sequence[Program] = (),
    base: str = "urn:x-guanxi:",
    files: Iterable[str | Path] = (),
    complete: bool = False,
    timeout: float | None = None,
) -> tuple[list[Triple], Program]:
    """What a graph entails and does not say, in the order of its rounds, with the ontology's program; `programs` run along.

    The conclusions are then in the graph <base>graph/infer/owl (and …/rules/1, … those of `programs`).
    """
    files = list(files)
    owned = [(f"infer:rules/{i}", f"{base}graph/infer/rules/{i}", program) for i, program in enumerate(programs, 1)]
    graph = f"{base}graph/infer/owl"
    with store.transaction():
        _, program = infer_with_ontology(
            store, owned,
            lambda: ("infer:owl", graph, compile_store(store, regime, base=base, files=files, complete=complete)),
            lambda all_of: infer(store, all_of, timeout=timeout),
        )  # fmt: skip
        rows = store.connection.execute("SELECT s, p, o FROM quads WHERE rule IS NOT NULL AND NOT again ORDER BY round, rule").fetchall()
        terms = store.decode({term for row in rows for term in row})
    return [Triple(*(terms[term] for term in row)) for row in rows], program

