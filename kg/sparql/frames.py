"""Solutions as a pandas DataFrame with proper column types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg import terms
from kg.sparql.numbers import INTEGER_TYPES, XSD_DOUBLE, XSD_FLOAT
from kg.sparql.values import Term

if TYPE_CHECKING:
    import pandas


def data_frame(variables: Sequence[str], rows: Iterable[Sequence[Term | None]]) -> pandas.DataFrame:
    """One column a variable: Int64, Float64, boolean, datetime64 where all its terms are such, else Python objects."""
    import pandas

    values = [[python_value(term) for term in row] for row in rows]
    columns = {
        name: _series([row[place] for row in values]) for place, name in enumerate(variables)
    }
    return pandas.DataFrame(columns, columns=list(variables))


def python_value(term: Term | None) -> object:
    """int, Decimal, float, bool, datetime, date or str for a term; an ill-typed literal is its lexical form."""
    if term is None:
        return None
    if isinstance(term, NamedNode):
        return term.value
    if not isinstance(term, Literal):
        return str(term)
    reader = _READERS.get(term.datatype.value)
    if reader is None:
        return term.value
    try:
        return reader(term.value)
    except (ValueError, ArithmeticError):
        return term.value


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text]


_READERS = {
    **dict.fromkeys(INTEGER_TYPES, int),
    terms.XSD_DECIMAL: Decimal,
    XSD_DOUBLE: lambda text: float(text.replace("INF", "inf")),
    XSD_FLOAT: lambda text: float(text.replace("INF", "inf")),
    terms.XSD_BOOLEAN: _boolean,
    terms.XSD_DATETIME: datetime.fromisoformat,
    terms.XSD_DATE: date.fromisoformat,
}


def _series(values: list[object]) -> object:
    import pandas

    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pandas.Series(values, dtype="Int64")
    if kinds == {float}:
        return pandas.Series(values, dtype="Float64")
    if kinds == {bool}:
        return pandas.Series(values, dtype="boolean")
    if kinds and kinds <= {datetime, date}:
        zones = {value.tzinfo for value in values if isinstance(value, datetime)}
        if kinds == {date} or len(zones) == 1:
            return pandas.Series(pandas.to_datetime(values))
    return pandas.Series(values, dtype=object)
