"""Excel workbooks as Arrow tables: one sheet a table, its columns with the types that all their cells have.

A number is an integer where it has no fraction, else a decimal with the digits that Excel keeps; a day is a date, or a dateTime
where one of its column has a time. A column of several kinds is one of texts.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

from kg.errors import MappingError, did_you_mean
from kg.mapping.source import Source
from kg.terms import XSD_DECIMAL

_LARGEST = 1 << 53  # beyond it, Excel's numbers have no units
ROW = "kg_row"


@dataclass(frozen=True)
class Sheet:
    """`table` has the rows' numbers in the sheet in its first column; `datatypes` has natural datatypes that no SQL type tells."""

    table: pa.Table
    datatypes: dict[str, str]


def read_sheet(source: Source, name: str) -> Sheet:
    """The sheet that the source names, else that of the table's name, else the only one."""
    try:
        import python_calamine
    except ImportError as error:
        raise MappingError("M206", f"{source.path} cannot be read: the package {error.name} is not installed", source.location, "pip install guanxi[excel]") from error
    try:
        with source.path.open("rb") as file:
            workbook = python_calamine.CalamineWorkbook.from_filelike(file)
            sheet = _sheet_name(source, name, workbook.sheet_names)
            rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError) as error:
        raise MappingError("M208", f"{source.path} cannot be read as an Excel workbook: {error}", source.location, "check the file; one with a password must be saved without") from error
    if len(rows) < source.header:
        raise MappingError("M208", f"{source.path} has no row {source.header} with column names in the sheet {sheet}", source.location, "correct header, the number of that row")
    names = [str(value).strip() for value in rows[source.header - 1]]
    width = max((i + 1 for i, one in enumerate(names) if one), default=0)
    names = names[:width]
    for one in names:
        if not one or sum(one.lower() == other.lower() for other in names) > 1:
            problem = f"two columns named {one}" if one else "a column without a name"
            raise MappingError("M208", f"{source.path} has {problem} in the sheet {sheet}", source.location, "give each column a name of its own, or say by header in which row they are")
    kept = [(number, row[:width]) for number, row in enumerate(rows[source.header :], source.header + 1) if any(value != "" for value in row[:width])]
    arrays, datatypes = [pa.array([number for number, _ in kept], pa.int64())], {}
    for i, column in enumerate(names):
        array, datatype = _column([row[i] if i < len(row) else "" for _, row in kept])
        arrays.append(array)
        if datatype:
            datatypes[column] = datatype
    return Sheet(pa.table(arrays, [ROW, *names]), datatypes)


def sheet_names(source: Source) -> list[str]:
    import python_calamine

    with source.path.open("rb") as file:
        return python_calamine.CalamineWorkbook.from_filelike(file).sheet_names


def _sheet_name(source: Source, name: str, names: list[str]) -> str:
    wanted = source.sheet or name
    found = [one for one in names if one == wanted] or [one for one in names if one.lower() == wanted.lower()]
    if found:
        return found[0]
    if source.sheet is None and len(names) == 1:
        return names[0]
    remedy = did_you_mean(wanted, names) or f"its sheets are {', '.join(names)}"
    raise MappingError("M202", f"{source.path.name} has no sheet {wanted}", source.location, remedy)


def _column(values: list) -> tuple[pa.Array, str | None]:
    """The cells of a column, '' being empty, as an array of one type and its natural datatype where that does not tell it."""
    present = [value for value in values if value != ""]
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return _array(values, pa.bool_(), bool), None
    if kinds and kinds <= {int, float}:
        if all(value == int(value) and abs(value) < _LARGEST for value in present):
            return _array(values, pa.int64(), int), None
        return _array(values, pa.string(), _text), XSD_DECIMAL
    if kinds and kinds <= {date, datetime}:
        if all(not isinstance(value, datetime) or value.time() == time() for value in present):
            return _array(values, pa.date32(), lambda value: value.date() if isinstance(value, datetime) else value), None
        return _array(values, pa.timestamp("us"), lambda value: value if isinstance(value, datetime) else datetime.combine(value, time())), None
    if kinds == {time}:
        return _array(values, pa.time64("us"), lambda value: value), None
    return _array(values, pa.string(), _text), None


def _array(values: list, kind: pa.DataType, read) -> pa.Array:
    return pa.array([None if value == "" else read(value) for value in values], kind)


def _text(value: object) -> str:
    """A cell as a text: numbers without exponent, days and times as XML Schema writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{int(value)}" if value == int(value) and abs(value) < _LARGEST else f"{Decimal(repr(value)):f}"
    if isinstance(value, timedelta):
        return str(value)
    return value.isoformat() if isinstance(value, date | time) else str(value)
