"""SPARQL values as typed SQL expressions: what every column and every sub-expression of a compiled query is.

A `Value` is one SQL expression of a known kind; SQL NULL stands for "unbound" and for "error" alike, which makes SQL's
three-valued logic that of section 17.2.

    kind      SQL type                                      the SPARQL term
    ID        BIGINT                                        a term id; `tags` are the tags it may have
    BOOLEAN   BOOLEAN                                       xsd:boolean
    EXACT     BIGINT or HUGEINT: value × 10^scale           xsd:integer (`is_integer`) or xsd:decimal
    FLOAT     DOUBLE                                        xsd:float
    DOUBLE    DOUBLE                                        xsd:double
    NUMERIC   STRUCT(r TINYINT, m HUGEINT, d DOUBLE)        a number whose type only the data knows: r is its rank
                                                            (0 integer, 1 decimal, 2 float, 3 double), m = value × 10^18
                                                            where r < 2, d where r ≥ 2
    STRING    VARCHAR                                       a simple literal
    TEXT      STRUCT(lex VARCHAR, lang VARCHAR)             a simple (lang '') or a language-tagged literal
    DURATION  BIGINT: microseconds                          xsd:dayTimeDuration
    IRI       VARCHAR                                       an IRI that the query computes
    TERM      STRUCT(id BIGINT, lex VARCHAR, extra VARCHAR) any term: id ≥ 0 is a stored id (lex and extra ''), else
                                                            -id is the dictionary tag of a term that the store lacks

A term that a query computes and a term of the store are the same term only in the same form: `conversions.py` brings
them together. Constants that the dictionary lacks are ids of the query's own: -(tag << 56 | n).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.terms import (
    TAG_BITS,
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_DATETIME_LOCAL,
    TAG_DATETIME_OFFSET,
    TAG_DATETIME_UTC,
    TAG_DECIMAL,
    TAG_INTEGER,
    TAG_IRI,
    TAG_LANG,
    TAG_STRING,
    TAG_TEMPLATE,
    TAG_TRIPLE,
    TAG_TYPED,
)

Term = NamedNode | BlankNode | Literal | Triple

ID, BOOLEAN, EXACT, FLOAT, DOUBLE, NUMERIC = "ID", "BOOLEAN", "EXACT", "FLOAT", "DOUBLE", "NUMERIC"
STRING, TEXT, IRI, TERM, DURATION = "STRING", "TEXT", "IRI", "TERM", "DURATION"

# Tag sets. All template tags 64…127 are written as TAG_TEMPLATE here.
DECIMAL_TAGS = frozenset(range(TAG_DECIMAL, TAG_DECIMAL + 19))
LOCAL_DATETIME_TAGS = frozenset(range(TAG_DATETIME_LOCAL, TAG_DATETIME_LOCAL + 4))
UTC_DATETIME_TAGS = frozenset(range(TAG_DATETIME_UTC, TAG_DATETIME_UTC + 4))
OFFSET_DATETIME_TAGS = frozenset(range(TAG_DATETIME_OFFSET, TAG_DATETIME_OFFSET + 4))
DATETIME_TAGS = LOCAL_DATETIME_TAGS | UTC_DATETIME_TAGS | OFFSET_DATETIME_TAGS
NUMBER_TAGS = DECIMAL_TAGS | {TAG_INTEGER}
IRI_TAGS = frozenset({TAG_IRI, TAG_TEMPLATE})
RESOURCE_TAGS = IRI_TAGS | {TAG_BLANK, TAG_TRIPLE}
SUBJECT_TAGS = RESOURCE_TAGS
PREDICATE_TAGS = IRI_TAGS
TEXT_TAGS = frozenset({TAG_STRING, TAG_LANG})
DICTIONARY_TAG_SET = frozenset({TAG_IRI, TAG_BLANK, TAG_STRING, TAG_LANG, TAG_TYPED, TAG_TRIPLE})
LITERAL_TAGS = NUMBER_TAGS | DATETIME_TAGS | TEXT_TAGS | {TAG_BOOLEAN, TAG_DATE, TAG_TYPED}
ALL_TAGS = LITERAL_TAGS | RESOURCE_TAGS

# |value| of an inlined number is below 2^55.
INLINE_BITS = 55
# HUGEINT holds 127 bits; one is kept so that DuckDB's own overflow check, an error, is what ends a computation.
MAX_BITS = 126
NUMERIC_SCALE = 18


@dataclass(frozen=True)
class Value:
    """A SPARQL value as SQL; as a column of a relation, `sql` is the column's quoted name."""

    kind: str
    sql: str
    nullable: bool = True
    tags: frozenset[int] = frozenset()  # ID: the tags it may have
    local: bool = False  # ID: may be negative, a constant of this query that the dictionary lacks
    scale: int = 0  # EXACT
    bits: int = MAX_BITS  # EXACT: |mantissa| < 2^bits
    is_integer: bool = False  # EXACT: xsd:integer, else xsd:decimal
    term: Term | None = None  # the constant term that this is

    def at(self, alias: str) -> Value:
        """This column seen through a table alias."""
        return replace(self, sql=f"{alias}.{self.sql}")

    def named(self, column: str) -> Value:
        """This value once it is stored in a column; a constant that is never missing stays known."""
        return replace(self, sql=column, term=None if self.nullable else self.term)

    def certain(self) -> Value:
        return replace(self, nullable=False)

    def uncertain(self) -> Value:
        return replace(self, nullable=True, term=None)

    @property
    def is_null(self) -> bool:
        """Whether this is never bound."""
        return self.sql.startswith("NULL::")

    @property
    def sql_type(self) -> str:
        if self.kind == EXACT:
            return exact_type(self.bits)
        return SQL_TYPES[self.kind]


Column = Value

SQL_TYPES = {
    ID: "BIGINT",
    BOOLEAN: "BOOLEAN",
    FLOAT: "DOUBLE",
    DOUBLE: "DOUBLE",
    NUMERIC: "STRUCT(r TINYINT, m HUGEINT, d DOUBLE)",
    STRING: "VARCHAR",
    TEXT: "STRUCT(lex VARCHAR, lang VARCHAR)",
    IRI: "VARCHAR",
    DURATION: "BIGINT",
    TERM: "STRUCT(id BIGINT, lex VARCHAR, extra VARCHAR)",
}


def exact_type(bits: int) -> str:
    return "BIGINT" if bits <= 62 else "HUGEINT"


def tag_class(tag: int) -> int:
    """A tag as tag sets write it."""
    return TAG_TEMPLATE if tag >= TAG_TEMPLATE else tag


def tag_classes(tags: Iterable[int] | None) -> frozenset[int]:
    return ALL_TAGS if tags is None else frozenset(tag_class(tag) for tag in tags)


def null(kind: str = ID) -> Value:
    """A value that is always unbound, or an error."""
    return Value(kind, f"NULL::{SQL_TYPES.get(kind, 'BIGINT')}")


def boolean(sql: str, nullable: bool = True) -> Value:
    return Value(BOOLEAN, sql, nullable)


def string(sql: str, nullable: bool = True) -> Value:
    return Value(STRING, sql, nullable)


def integer(sql: str, bits: int = 62, nullable: bool = True) -> Value:
    return Value(EXACT, sql, nullable, bits=bits, is_integer=True)


def double(sql: str, nullable: bool = True) -> Value:
    return Value(DOUBLE, sql, nullable)


def iri(sql: str, nullable: bool = True) -> Value:
    return Value(IRI, sql, nullable)


def tag_sql(value: Value) -> str:
    """SQL of the tag of an ID value."""
    return f"(abs({value.sql}) >> {TAG_BITS})" if value.local else f"({value.sql} >> {TAG_BITS})"


def tag_test(value: Value, tags: frozenset[int]) -> str | None:
    """SQL that tells whether an ID value has one of `tags`; None where it always has (or is NULL)."""
    wanted = tags & value.tags
    if wanted == value.tags and wanted:
        return None
    if not wanted:
        return f"CASE WHEN {value.sql} IS NOT NULL THEN false END" if value.nullable else "false"
    subject = f"abs({value.sql})" if value.local else value.sql
    ranges = []
    for first, last in _runs(wanted):
        top = (128 << TAG_BITS) - 1 if last == TAG_TEMPLATE else ((last + 1) << TAG_BITS) - 1
        ranges.append(f"{subject} BETWEEN {first << TAG_BITS} AND {top}")
    return "(" + " OR ".join(ranges) + ")"


def _runs(tags: frozenset[int]) -> list[tuple[int, int]]:
    """Consecutive tags as (first, last), gaps that no tag uses closed up."""
    runs: list[tuple[int, int]] = []
    for tag in sorted(tags):
        if runs and tag == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], tag)
        else:
            runs.append((tag, tag))
    return runs
