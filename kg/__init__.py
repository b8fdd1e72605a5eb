"""Guanxi: tables → RDF knowledge graph → conclusions with proofs → SPARQL. `KnowledgeGraph` is the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.errors import KgError

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph

__all__ = ["KgError", "KnowledgeGraph"]


def __getattr__(name: str) -> object:
    # Loaded when first asked for: `from kg.errors import …` need not load the whole engine.
    if name == "KnowledgeGraph":
        from kg.graph import KnowledgeGraph

        return KnowledgeGraph
    raise AttributeError(f"module kg has no attribute {name}")
