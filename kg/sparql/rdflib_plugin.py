"""The rdflib Store plugin `guanxi` with this package's own SPARQL: Graph.query over a graph file is compiled to SQL.

What the compiler refuses, and queries on one named graph, go to rdflib's engine as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import rdflib
import rdflib.store
from rdflib.query import Result

from kg.errors import NotSupported
from kg.sparql.evaluate import Solutions, evaluate
from kg.store import Store
from kg.store.rdflib_store import GuanxiStore, answer_queries_with
from kg.store.rdflib_terms import to_rdflib
from kg.terms import Term

__all__ = ["GuanxiStore", "answer"]


def answer(store: Store, text: str, prefixes: Mapping[str, str], bindings: Mapping[str, Term]) -> Result:
    """Answer a query as rdflib wants it; NotImplementedError, which hands it to rdflib, where it is not supported."""
    try:
        found = evaluate(store, text, prefixes=prefixes, bindings=bindings)
    except NotSupported:
        raise NotImplementedError from None
    if isinstance(found, bool):
        result = Result("ASK")
        result.askAnswer = found
    elif isinstance(found, Solutions):
        result = Result("SELECT")
        result.vars = [rdflib.Variable(name) for name in found.variables]
        result.bindings = _bindings(found, result.vars)
    else:
        result = Result("CONSTRUCT")
        result.graph = rdflib.Graph()
        for triple in found:
            result.graph.add((to_rdflib(triple.subject), to_rdflib(triple.predicate), to_rdflib(triple.object)))
    return result


def _bindings(solutions: Solutions, variables: list[rdflib.Variable]) -> Iterator[dict]:
    for row in solutions:
        yield {variable: to_rdflib(term) for variable, term in zip(variables, row, strict=True) if term is not None}


answer_queries_with(answer)
rdflib.plugin.register("guanxi", rdflib.store.Store, __name__, GuanxiStore.__name__)
