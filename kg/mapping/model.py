"""What a mapping document says: triples maps, term maps and logical sources (R2RML sections 5 to 9).

Vocabulary-neutral: a parser of another vocabulary (RML) fills the same classes, with its own reference formulation and
iterator in `LogicalSource`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from pyoxigraph import Literal, NamedNode

from kg.errors import Location
from kg.mapping.template import Column, Template


class TermType(Enum):
    IRI = "rr:IRI"
    BLANK_NODE = "rr:BlankNode"
    LITERAL = "rr:Literal"


@dataclass(frozen=True)
class LogicalSource:
    """Rows to map: a table by name or a query. Two maps over equal logical sources share one reading."""

    table: str | None = None
    query: str | None = None
    reference_formulation: str = "SQL"
    iterator: str | None = None
    location: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"table {self.table}" if self.table is not None else "query"


@dataclass(frozen=True)
class TermMap:
    """One of a constant, a column or a template, and the kind of term that it makes (section 7)."""

    value: NamedNode | Literal | Column | Template
    term_type: TermType
    datatype: str | None = None
    language: str | None = None
    location: Location | None = field(default=None, compare=False)

    @property
    def is_constant(self) -> bool:
        return isinstance(self.value, NamedNode | Literal)

    @property
    def columns(self) -> tuple[Column, ...]:
        if isinstance(self.value, Column):
            return (self.value,)
        return self.value.columns if isinstance(self.value, Template) else ()

    def __str__(self) -> str:
        if isinstance(self.value, Column):
            return f"column {self.value.name}"
        return f"template {self.value.text}" if isinstance(self.value, Template) else f"constant {self.value}"


@dataclass(frozen=True)
class JoinCondition:
    child: Column
    parent: Column
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ReferencingObjectMap:
    """The subjects of another triples map as objects (section 8); without joins both read the same rows."""

    parent: str
    joins: tuple[JoinCondition, ...]
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PredicateObjectMap:
    predicates: tuple[TermMap, ...]
    objects: tuple[TermMap | ReferencingObjectMap, ...]
    graphs: tuple[TermMap, ...] = ()


@dataclass(frozen=True)
class TriplesMap:
    name: str
    source: LogicalSource
    subject: TermMap
    classes: tuple[NamedNode, ...]
    graphs: tuple[TermMap, ...]
    predicate_object_maps: tuple[PredicateObjectMap, ...]
    location: Location | None = field(default=None, compare=False)

    @property
    def short_name(self) -> str:
        """The last part of the name, for reports."""
        return self.name.rsplit("#", 1)[-1].rsplit("/", 1)[-1] or self.name


@dataclass(frozen=True)
class Mapping:
    """A mapping document; the triples maps stand in its order."""

    file: str
    text: str = field(repr=False)
    triples_maps: tuple[TriplesMap, ...]

    def triples_map(self, name: str) -> TriplesMap:
        return next(one for one in self.triples_maps if one.name == name)
