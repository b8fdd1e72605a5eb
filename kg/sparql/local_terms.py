"""Terms of a query that the store's dictionary lacks (constants, answers of other endpoints), as dictionary rows of the query's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pyoxigraph import Literal

from kg import terms
from kg.sparql import numbers
from kg.sparql.compiler import Compiler
from kg.sparql.values import ID, Term, Value

_NOTHING = ("NULL::DECIMAL(38,18)", "NULL::DOUBLE", "NULL::BIGINT")


def prelude(compiler: Compiler) -> str:
    """The WITH clause that the whole statement needs; empty mostly."""
    if not compiler.needs_local_terms:
        return ""
    rows, plain = [], []
    for term, term_id in compiler.local_terms.items():
        compiler.check()
        _, lex, extra = terms.dictionary_key(term)
        values = _values_of(term)
        if values == _NOTHING:
            plain.append((term_id, lex, extra))
        else:
            rows.append(f"({term_id}, {compiler.parameter(lex)}, {compiler.parameter(extra)}, {', '.join(values)})")
    local = f" UNION ALL SELECT * FROM (VALUES {', '.join(rows)})" if rows else ""
    if plain:
        ids, lexes, extras = (compiler.array(list(column)) for column in zip(*plain, strict=True))
        local += f" UNION ALL SELECT unnest({ids}::BIGINT[]), unnest({lexes}::VARCHAR[]), unnest({extras}::VARCHAR[]), {', '.join(_NOTHING)}"
    return f"WITH kg_terms(id, lex, extra, number, double, instant) AS NOT MATERIALIZED (SELECT id, lex, extra, number, double, instant FROM dictionary{local}) "


def _values_of(term: Term) -> tuple[str, str, str]:
    """SQL of the columns number, double, instant of a local term."""
    nothing = _NOTHING
    if not isinstance(term, Literal):
        return nothing
    value = numbers.number(Value(ID, "0", term=term), None)
    if value is not None and value.kind == "EXACT" and not value.nullable and value.scale <= 18:
        return f"'{Decimal(term.value.strip()):f}'::DECIMAL(38,18)", nothing[1], nothing[2]
    if value is not None and value.kind in ("DOUBLE", "FLOAT"):
        return nothing[0], value.sql, nothing[2]
    if term.datatype.value == terms.XSD_DATETIME:
        try:
            moment = datetime.fromisoformat(term.value)
        except ValueError:
            return nothing
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return nothing[0], nothing[1], str((zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    return nothing

