"""Constructor functions of XML Schema types (SPARQL 1.1, section 17.5), called by IRI."""

from __future__ import annotations

from kg.sparql import algebra
from kg.sparql.relations import Scope
from kg.sparql.values import Value


def call(node: algebra.FunctionCall, arguments: list[Value], scope: Scope) -> Value:
    """The value of a call of a function named by IRI."""
    raise scope.compiler.not_supported(f"the function <{node.iri.value}>", node.position)
