"""What a mapping document says: triples maps, term maps and logical sources (R2RML sections 5 to 9, RML-Core, RML-IO).

Vocabulary-neutral: R2RML and both vocabularies of RML fill the same classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from kg.errors import Location
from kg.mapping.template import Column, Template


class TermType(Enum):
    IRI = "rr:IRI"
    BLANK_NODE = "rr:BlankNode"
    LITERAL = "rr:Literal"


class Encoding(Enum):
    """What becomes of the characters that values bring into an IRI (RML-Core, term types): those that are not allowed
    are percent-encoded, all that is not ASCII as well, or nothing is done and nothing checked."""

    IRI = "rml:IRI"
    URI = "rml:URI"
    UNSAFE_IRI = "rml:UnsafeIRI"
    UNSAFE_URI = "rml:UnsafeURI"

    @property
    def is_unsafe(self) -> bool:
        return self in (Encoding.UNSAFE_IRI, Encoding.UNSAFE_URI)


@dataclass(frozen=True)
class File:
    """A file as a mapping names it (RML-IO): `written` is its name there, `path` where that lies."""

    written: str
    path: Path
    encoding: str | None = None
    compression: str | None = None  # gzip, zip, targz, tarxz
    delimiter: str | None = None  # of CSV
    quote: str = '"'


@dataclass(frozen=True)
class LogicalSource:
    """Rows to map: a table by name, a query, or the records of a file. Two maps over equal logical sources share one reading.

    `reference_formulation` is SQL, CSV, JSONPath, XPath or SPARQL: how `iterator` and the references are read.
    `expanded` names the references whose several values make a row each; None means all.
    """

    table: str | None = None
    query: str | None = None
    is_core_sql: bool = False  # the query is in Core SQL 2008 and not in the database's own
    reference_formulation: str = "SQL"
    iterator: str | None = None
    file: File | None = None
    nulls: tuple[str, ...] = ()  # the texts of a file that mean NULL
    namespaces: tuple[tuple[str, str], ...] = ()
    expanded: frozenset[str] | None = None
    location: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.file is not None:
            return f"file {self.file.written}"
        return f"table {self.table}" if self.table is not None else "query"


@dataclass(frozen=True)
class LogicalTarget:
    """A file that triples are written to instead of the graph (RML-IO, section on targets)."""

    file: File
    serialization: str  # the IRI of a format
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Condition:
    """The text that another expression must have in the row."""

    value: Column | Template
    text: str
    is_iri: bool = False


@dataclass(frozen=True)
class TermMap:
    """One of a constant, a column or a template, and the kind of term that it makes (section 7)."""

    value: NamedNode | Literal | Column | Template
    term_type: TermType
    datatype: str | None = None
    language: str | None = None
    datatype_map: TermMap | None = None  # where the datatype or the language is another value of the row
    language_map: TermMap | None = None
    base: str | None = None  # of the triples map, else the mapping's
    encoding: Encoding = Encoding.IRI
    targets: tuple[LogicalTarget, ...] = ()
    condition: Condition | None = None  # makes a term only of rows that meet it
    rejection: str | None = None  # why no value can become its term
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
    child: Column | Template | Literal
    parent: Column | Template | Literal
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ReferencingObjectMap:
    """The subjects of another triples map as objects (section 8); without joins both read the same rows."""

    parent: str
    joins: tuple[JoinCondition, ...]
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PredicateObjectMap:
    """`predicates` times `objects`, in `graphs` and those of the subject."""

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
