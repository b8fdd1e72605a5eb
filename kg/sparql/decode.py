"""Rows of typed SQL values back into RDF terms: the last step of a query, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy
from pyoxigraph import Literal, NamedNode

from kg import terms
from kg.sparql.values import (
    BOOLEAN,
    DOUBLE,
    DURATION,
    EXACT,
    FLOAT,
    ID,
    IRI,
    NUMERIC,
    NUMERIC_SCALE,
    STRING,
    TEXT,
    Term,
    Value,
)
from kg.store import Store

_INTEGER, _DECIMAL = NamedNode(terms.XSD_INTEGER), NamedNode(terms.XSD_DECIMAL)
_DURATION = NamedNode(terms.XSD + "dayTimeDuration")
_BOOLEAN, _DOUBLE, _FLOAT = NamedNode(terms.XSD_BOOLEAN), NamedNode(terms.XSD + "double"), NamedNode(terms.XSD + "float")

Row = tuple[Term | None, ...]


def decoded(
    rows: Sequence[tuple], columns: Iterable[Value], store: Store, local_terms: Mapping[int, Term]
) -> list[Row]:
    """The terms of a batch of rows; every id of the batch is looked up once."""
    columns = list(columns)
    if not columns:
        return [() for _ in rows]
    wanted = {
        value
        for place, column in enumerate(columns)
        if column.kind in (ID, "TERM")
        for value in _ids(rows, place, column)
        if value >= 0
    }
    known: dict[int, Term] = {**local_terms, **store.decode(wanted)}
    decoders = [_decoder(column, known) for column in columns]
    by_column = [
        [None if value is None else decode(value) for value in values]
        for decode, values in zip(decoders, zip(*rows, strict=True), strict=True)
    ]
    return list(zip(*by_column, strict=True))


def _ids(rows: Sequence[tuple], place: int, column: Value) -> Iterable[int]:
    if column.kind == ID:
        return (row[place] for row in rows if row[place] is not None)
    return (row[place]["id"] for row in rows if row[place] is not None)


def _decoder(column: Value, known: Mapping[int, Term]) -> Callable[[object], Term]:
    kind = column.kind
    if kind == ID:
        return known.__getitem__
    if kind == BOOLEAN:
        return lambda value: Literal("true" if value else "false", datatype=_BOOLEAN)
    if kind == EXACT:
        if column.is_integer:
            return lambda value: Literal(str(value), datatype=_INTEGER)
        return lambda value: Literal(decimal_text(value, column.scale), datatype=_DECIMAL)
    if kind in (DOUBLE, FLOAT):
        return lambda value: _floating(value, kind)
    if kind == STRING:
        return Literal
    if kind == DURATION:
        return lambda value: Literal(duration_text(value), datatype=_DURATION)
    if kind == IRI:
        return NamedNode
    if kind == TEXT:
        return lambda value: Literal(value["lex"], language=value["lang"]) if value["lang"] else Literal(value["lex"])
    if kind == NUMERIC:
        return _numeric
    return lambda value: (
        known[value["id"]] if value["id"] >= 0 else terms.dictionary_term(-value["id"], value["lex"], value["extra"])
    )


def _numeric(value: Mapping[str, object]) -> Literal:
    rank = value["r"]
    if rank == 0:
        return Literal(str(value["m"] // 10**NUMERIC_SCALE), datatype=_INTEGER)
    if rank == 1:
        return Literal(decimal_text(value["m"], NUMERIC_SCALE), datatype=_DECIMAL)
    return _floating(value["d"], FLOAT if rank == 2 else DOUBLE)


def decimal_text(mantissa: int, scale: int) -> str:
    """The lexical form of a computed decimal: no trailing zeros, no point where it is whole."""
    text = terms.decimal_text(mantissa, scale)
    return text.rstrip("0").rstrip(".") if scale else text


def duration_text(microseconds: int) -> str:
    """The canonical lexical form of an xsd:dayTimeDuration.

    >>> duration_text(93_784_500_000), duration_text(-2_592_000_000_000), duration_text(0)
    ('P1DT2H3M4.5S', '-P30D', 'PT0S')
    """
    if microseconds == 0:
        return "PT0S"
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    days, hours, minutes, rest = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
    text = f"{'-' if microseconds < 0 else ''}P{f'{days}D' if days else ''}"
    second = f"{rest}{('.' + f'{fraction:06d}'.rstrip('0')) if fraction else ''}S" if rest or fraction else ""
    clock = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}{second}"
    return f"{text}T{clock}" if clock else text


def _floating(value: float, kind: str) -> Literal:
    return Literal(double_text(value, kind), datatype=_FLOAT if kind == FLOAT else _DOUBLE)


def double_text(value: float, kind: str = DOUBLE) -> str:
    """XSD's canonical form, as `conversions.double_text` makes it in SQL.

    >>> double_text(1500.0), double_text(-0.25), double_text(float("inf"))
    ('1.5E3', '-2.5E-1', 'INF')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    if value == 0:
        return "0.0E0"
    text = repr(value) if kind == DOUBLE else str(numpy.float32(value))
    number, _, power = text.lstrip("-").partition("e")
    whole, _, fraction = number.partition(".")
    digits = (whole + fraction).lstrip("0").rstrip("0")
    leading = len(whole) if whole.strip("0") else -(len(fraction) - len(fraction.lstrip("0")))
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{leading - 1 + int(power or 0)}"
