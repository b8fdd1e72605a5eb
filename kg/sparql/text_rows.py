"""Rows of typed SQL values written as CSV, TSV or JSON by DuckDB and Arrow, a batch at a time: a long answer costs Python little a row.

The same text as the writers of `results.py` make, which a test holds. Kinds of columns that are rare in long answers are
left to them: `RowText.of` gives None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from kg.sparql.compiler import Compiler, used_parameters
from kg.sparql.lexical_forms import case, double_text, duration_text, exact_text, quote
from kg.sparql.relations import Environment, Relation, Scope
from kg.sparql.values import (
    BOOLEAN,
    DATETIME_TAGS,
    DECIMAL_TAGS,
    DICTIONARY_TAG_SET,
    DOUBLE,
    DURATION,
    EXACT,
    FLOAT,
    ID,
    IRI,
    IRI_TAGS,
    STRING,
    Value,
    tag_class,
    tag_test,
)
from kg.sql import encoding
from kg.sql.temporary import registered
from kg.store import Store
from kg.terms import (
    BIAS,
    KEY_BITS,
    MAX_KEY,
    MAX_TEMPLATES,
    TAG_BITS,
    TAG_BLANK,
    TAG_BOOLEAN,
    TAG_DATE,
    TAG_INTEGER,
    TAG_LANG,
    TAG_STRING,
    TAG_TEMPLATE,
    TAG_TRIPLE,
    TAG_TYPED,
    XSD,
    XSD_BOOLEAN,
    XSD_DATE,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_INTEGER,
)

_BATCH, _PLACE = "kg_rows", "kg_place"
_VECTOR = 2048  # rows that DuckDB hands out at a time
_SLICE = 16_384  # rows that are put together at a time: of a long batch, that much text is in memory
_ARROW = {ID: pa.int64(), BOOLEAN: pa.bool_(), DURATION: pa.int64(), DOUBLE: pa.float64(), FLOAT: pa.float64(), STRING: pa.string(), IRI: pa.string()}
_XSD_DOUBLE, _XSD_FLOAT, _XSD_DURATION = XSD + "double", XSD + "float", XSD + "dayTimeDuration"

_SPECIAL = re.compile(r'["\\,\x00-\x1f]')

# What a term is, as far as writing goes.
_NAMED, _BLANK, _PLAIN, _LANGUAGE, _TYPED, _TYPED_AS_SAID = "iri", "blank", "plain", "language", "typed", "typed as said"


@dataclass(frozen=True)
class _Case:
    """One kind of term that a column may hold: when, its text, and its datatype IRI or the SQL of its language or datatype."""

    when: str | None
    kind: str
    text: str
    extra: str = ""
    is_safe: bool = False  # no character of the text needs an escape


Batch = list[tuple] | pa.RecordBatch


def comes_in_columns(columns: Mapping[str, Value]) -> bool:
    """Whether DuckDB hands out all these columns as arrays of numbers, nothing of which is lost."""
    return all(column.kind in (ID, DURATION, BOOLEAN) or (column.kind == EXACT and column.bits <= 62) for column in columns.values()) and bool(columns)


def fetched_columns(cursor: duckdb.DuckDBPyConnection, size: int) -> pa.RecordBatch:
    """The next rows of a result, about so many; none at its end."""
    frame = cursor.fetch_df_chunk(max(1, size // _VECTOR))
    return pa.RecordBatch.from_arrays([pa.array(frame[name], from_pandas=True) for name in frame.columns], names=list(map(str, frame.columns)))


def as_rows(batch: Batch) -> list[tuple]:
    """The batch as tuples."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True)) if isinstance(batch, pa.RecordBatch) else batch


class RowWriter:
    """What writes batches of rows of one query: each distinct value of a column once, by SQL; Arrow puts the rows together."""

    def __init__(self, store: Store, columns: Mapping[str, Value], format: str) -> None:
        self._store, self._columns, self._format = store, columns, format
        self._statements: dict[tuple[int, frozenset[int]], tuple[str, dict[str, object]]] = {}

    @property
    def is_able(self) -> bool:
        """Whether the format and all kinds of columns are for SQL."""
        return self._format in _FORMATS and bool(self._columns) and all(column.kind in (*_ARROW, EXACT) for column in self._columns.values())

    def write(self, rows: Batch) -> Iterator[memoryview] | None:
        """The text of the rows in UTF-8, some at a time, what stands between two of them included; None where a term among them must be written otherwise."""
        if isinstance(rows, pa.RecordBatch):
            arrays = rows.columns
        else:
            arrays = [_array(values, column) for values, column in zip(zip(*rows, strict=True), self._columns.values(), strict=True)]
        tags = [_tags(array) if column.kind == ID else frozenset() for array, column in zip(arrays, self._columns.values(), strict=True)]
        if any(tag < 0 or tag == TAG_TRIPLE for of_column in tags for tag in of_column):
            return None
        cursor = self._store.cursor()
        try:
            cells = [self._cells(cursor, place, array, of_column) for place, (array, of_column) in enumerate(zip(arrays, tags, strict=True))]
        finally:
            cursor.close()
        return (_text(_FORMATS[self._format].rows([cell.slice(start, _SLICE) for cell in cells])) for start in range(0, len(cells[0]), _SLICE))

    def _cells(self, cursor: duckdb.DuckDBPyConnection, place: int, values: pa.Array, tags: frozenset[int]) -> pa.Array:
        """The text of each value of a column, NULL where it is unbound."""
        if (written := self._by_arithmetic(place, values, tags)) is not None:
            return written
        encoded = values.dictionary_encode()
        sql, parameters = self._statements.get((place, tags)) or self._statements.setdefault((place, tags), self._statement(place, tags))
        distinct = pa.table({"value": encoded.dictionary, _PLACE: pa.array(range(len(encoded.dictionary)), pa.int64())})
        with registered(cursor, _BATCH, distinct):
            written = cursor.sql(sql, params=parameters or None).to_arrow_table().column(0).combine_chunks()
        return written.take(encoded.indices)

    def _by_arithmetic(self, place: int, values: pa.Array, tags: frozenset[int]) -> pa.Array | None:
        """The cells of a column that holds IRIs of one template, or integers, only; None of every other one."""
        name = list(self._columns)[place]
        if tags == {TAG_INTEGER}:
            start, end = _FORMATS[self._format].around(name, _Case(None, _TYPED, "", XSD_INTEGER))
            return pc.binary_join_element_wise(start, pc.subtract(values, (TAG_INTEGER << TAG_BITS) + BIAS).cast(pa.string()), end, "")
        if tags != {TAG_TEMPLATE}:
            return None
        numbers = pc.unique(pc.shift_right(values.drop_null(), KEY_BITS)).to_pylist()
        before, after = self._store.dictionary.templates.by_number[numbers[0] & (MAX_TEMPLATES - 1)]
        if len(numbers) > 1 or _SPECIAL.search(before + after):
            return None
        start, end = _FORMATS[self._format].around(name, _Case(None, _NAMED, ""))
        return pc.binary_join_element_wise(start + before, pc.bit_wise_and(values, MAX_KEY).cast(pa.string()), after + end, "")

    def _statement(self, place: int, tags: frozenset[int]) -> tuple[str, dict[str, object]]:
        name, column = list(self._columns.items())[place]
        compiler = Compiler(self._store)
        value = replace(column, sql="value", term=None, local=False, tags=tags)
        scope = Scope.over(compiler, Relation(f"SELECT * FROM {_BATCH}", {name: value}), Environment())
        cell = _FORMATS[self._format].cell(name, _cases(scope.columns[name], scope))
        sql = f"SELECT {cell} AS cell {scope.from_clause} ORDER BY {scope.alias}.{_PLACE}"
        return sql, used_parameters(compiler.parameters, sql)


def _text(lines: pa.Array) -> memoryview:
    """All lines one after the other: they lie so in memory."""
    start, end = lines.offset, lines.offset + len(lines)
    _, offsets, data = lines.buffers()
    first, last = (int.from_bytes(offsets[place * 4 : place * 4 + 4], "little") for place in (start, end))
    return memoryview(data)[first:last] if data is not None else memoryview(b"")


def _array(values: Sequence[object], column: Value) -> pa.Array:
    if column.kind == EXACT:  # may have 38 digits, for which Arrow has no integer
        return pa.array(values, pa.int64()) if column.bits <= 62 else pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values, _ARROW[column.kind])


def _tags(ids: pa.Array) -> frozenset[int]:
    """The tags that occur, as tag sets write them."""
    return frozenset(tag_class(tag) for tag in pc.unique(pc.shift_right(ids.drop_null(), TAG_BITS)).to_pylist())


# ── What a column may hold ───────────────────────────────────────────────────────────────────────────────────


def _cases(value: Value, scope: Scope) -> list[_Case]:
    sql = value.sql
    if value.kind == ID:
        return _cases_of_ids(value, scope)
    if value.kind == STRING:
        return [_Case(None, _PLAIN, sql)]
    if value.kind == IRI:
        return [_Case(None, _NAMED, sql)]
    if value.kind == BOOLEAN:
        return [_Case(None, _TYPED, f"({sql})::VARCHAR", XSD_BOOLEAN)]
    if value.kind == DURATION:
        return [_Case(None, _TYPED, scope.let(duration_text(sql)), _XSD_DURATION)]
    if value.kind == EXACT:
        number = sql if value.bits <= 62 else scope.let(f"({sql})::HUGEINT")
        text = exact_text(number, 0 if value.is_integer else value.scale)
        return [_Case(None, _TYPED, scope.let(text), XSD_INTEGER if value.is_integer else XSD_DECIMAL)]
    return [_Case(None, _TYPED, scope.let(double_text(sql, value.kind)), _XSD_FLOAT if value.kind == FLOAT else _XSD_DOUBLE)]


def _cases_of_ids(value: Value, scope: Scope) -> list[_Case]:
    """By tag: what has none of the tags of a column never stands in it."""
    tags = value.tags
    stored = tags & DICTIONARY_TAG_SET
    row = scope.dictionary(value.sql) if stored else None
    if tags == {TAG_INTEGER}:
        text = f"({value.sql} - {(TAG_INTEGER << TAG_BITS) + BIAS})::VARCHAR"
    elif row is None:
        text = encoding.inline_lexical(value.sql)
    elif tags == stored:
        text = row.lex
    else:
        text = f"CASE WHEN {value.sql} >= {TAG_INTEGER << TAG_BITS} THEN {encoding.inline_lexical(value.sql)} ELSE {row.lex} END"
    text, extra = scope.let(text), row.extra if row else ""
    kinds = (
        (IRI_TAGS, _NAMED, ""), ({TAG_BLANK}, _BLANK, ""), ({TAG_STRING}, _PLAIN, ""), ({TAG_LANG}, _LANGUAGE, extra), ({TAG_TYPED}, _TYPED_AS_SAID, extra),
        ({TAG_INTEGER}, _TYPED, XSD_INTEGER), ({TAG_BOOLEAN}, _TYPED, XSD_BOOLEAN), ({TAG_DATE}, _TYPED, XSD_DATE),
        (DATETIME_TAGS, _TYPED, XSD_DATETIME), (DECIMAL_TAGS, _TYPED, XSD_DECIMAL),
    )  # fmt: skip
    present = [(frozenset(of), kind, said) for of, kind, said in kinds if of & tags]
    if not present:
        return [_Case(None, _PLAIN, "NULL::VARCHAR")]
    last, is_safe = len(present) - 1, tags == {TAG_TEMPLATE} and not any(map(_SPECIAL.search, chain(*scope.compiler.templates.values())))
    return [_Case(None if place == last else tag_test(value, of), kind, text, said, is_safe) for place, (of, kind, said) in enumerate(present)]


def _by_case(cases: list[_Case], written: Callable[[_Case], str]) -> str:
    """One expression for a column; NULL where it is unbound, for every text is NULL then."""
    branches = [(one.when, written(one)) for one in cases]
    if len({sql for _, sql in branches}) == 1:
        return branches[0][1]
    return case(*branches)


# ── CSV, TSV, JSON ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Format:
    """How cells are written (name of the variable, kinds of terms → SQL), and how rows are made of them; `around` tells
    what stands before and after the text of a term that needs no escape."""

    cell: Callable[[str, list[_Case]], str]
    around: Callable[[str, _Case], tuple[str, str]]
    rows: Callable[[list[pa.Array]], pa.Array]


def _separated(by: str, end: str) -> Callable[[list[pa.Array]], pa.Array]:
    """Cells with `by` between them and `end` after the last; what is unbound is empty."""

    def rows(cells: list[pa.Array]) -> pa.Array:
        line = cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, by, null_handling="replace", null_replacement="")
        return pc.binary_join_element_wise(line, end, "", null_handling="replace", null_replacement="")

    return rows


def _csv_cell(one: _Case) -> str:
    if one.kind == _TYPED or one.is_safe:  # numbers, dates, booleans: nothing to quote
        return one.text
    text = f"('_:' || {one.text})" if one.kind == _BLANK else one.text
    special = " OR ".join(f"contains({text}, {mark})" for mark in ("','", "'\"'", "chr(10)", "chr(13)"))
    return f"CASE WHEN {special} THEN '\"' || replace({text}, '\"', '\"\"') || '\"' ELSE {text} END"


_TSV_ESCAPES = (("'\\'", "'\\\\'"), ("'\"'", "'\\\"'"), ("chr(9)", "'\\t'"), ("chr(10)", "'\\n'"), ("chr(13)", "'\\r'"), ("chr(8)", "'\\b'"), ("chr(12)", "'\\f'"))
_BARE = {  # datatypes that Turtle writes without quotation marks, where the lexical form is one of these
    XSD_INTEGER: "[+-]?[0-9]+",
    XSD_DECIMAL: "[+-]?[0-9]*[.][0-9]+",
    _XSD_DOUBLE: "[+-]?([0-9]+[.][0-9]*|[.]?[0-9]+)[eE][+-]?[0-9]+",
    XSD_BOOLEAN: "true|false",
}


def _tsv_cell(one: _Case) -> str:
    if one.kind == _NAMED:
        return f"'<' || {one.text} || '>'"
    if one.kind == _BLANK:
        return f"'_:' || {one.text}"
    escaped = one.text
    for mark, escape in _TSV_ESCAPES:
        escaped = f"replace({escaped}, {mark}, {escape})"
    special = " OR ".join(f"contains({one.text}, {mark})" for mark, _ in _TSV_ESCAPES)
    quoted = f"('\"' || CASE WHEN {special} THEN {escaped} ELSE {one.text} END || '\"')"
    if one.kind == _PLAIN:
        return quoted
    if one.kind == _LANGUAGE:
        return f"{quoted} || '@' || {one.extra}"
    if one.kind == _TYPED_AS_SAID:
        bare = [f"({one.extra} = {quote(datatype)} AND regexp_full_match({one.text}, {quote(form)}))" for datatype, form in _BARE.items()]
        return f"CASE WHEN {' OR '.join(bare)} THEN {one.text} ELSE {quoted} || '^^<' || {one.extra} || '>' END"
    if one.extra in (XSD_INTEGER, XSD_BOOLEAN):
        return one.text
    end = quote(f'"^^<{one.extra}>')
    typed = f"'\"' || {one.text} || {end}"
    if one.extra not in _BARE:
        return typed
    return f"CASE WHEN regexp_full_match({one.text}, {quote(_BARE[one.extra])}) THEN {one.text} ELSE {typed} END"


def _json_objects(cells: list[pa.Array]) -> pa.Array:
    """One object a row, with the members that are bound; a comma and a line end between two rows."""
    if any(cell.null_count for cell in cells):  # Arrow leaves out a row whose cells are all null, so each has a brace
        brace = pa.array(["{"] * len(cells[0]), pa.string())
        starts = pc.replace_substring(pc.binary_join_element_wise(brace, *cells, ",", null_handling="skip"), "{,", "{", max_replacements=1)
    else:
        starts = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*cells, ",") if len(cells) > 1 else cells[0], "")
    last = len(starts) - 1
    ends = (pc.binary_join_element_wise(starts.slice(0, last), "},\n", ""), pc.binary_join_element_wise(starts.slice(last), "}", ""))
    return pa.concat_arrays(ends)


def _json_member(name: str, cases: list[_Case]) -> str:
    start = quote('"' + name + '":')
    return f"{start} || {_by_case(cases, _json_cell)}"  # names of variables have neither quotation marks nor backslashes


def _json_around(name: str, one: _Case) -> tuple[str, str]:
    kind, end = ("uri", '"}') if one.kind == _NAMED else ("literal", f'","datatype":"{one.extra}"}}')
    return f'"{name}":{{"type":"{kind}","value":"', end


def _json_cell(one: _Case) -> str:
    kind = {_NAMED: "uri", _BLANK: "bnode"}.get(one.kind, "literal")
    start = quote(f'{{"type":"{kind}","value":')
    if one.kind == _TYPED:
        end = quote('","datatype":"' + one.extra + '"}')
        return f"{start} || '\"' || {one.text} || {end}"
    string = f"{start} || {_json_string(one.text, one.is_safe)}"
    if one.kind == _LANGUAGE:
        language, direction = f"split_part({one.extra}, '--', 1)", f"split_part({one.extra}, '--', 2)"
        said = f"CASE WHEN {direction} = '' THEN '' ELSE ',\"its:dir\":\"' || {direction} || '\"' END"
        return f"{string} || ',\"xml:lang\":\"' || {language} || '\"' || {said} || '}}'"
    if one.kind == _TYPED_AS_SAID:
        return f"{string} || ',\"datatype\":' || {_json_string(one.extra)} || '}}'"
    return f"{string} || '}}'"


def _json_string(text: str, is_safe: bool = False) -> str:
    """to_json escapes; most texts have nothing to escape."""
    if is_safe:
        return f"'\"' || {text} || '\"'"
    return f"CASE WHEN regexp_matches({text}, '[\"\\\\\\x00-\\x1f]') THEN to_json({text})::VARCHAR ELSE '\"' || {text} || '\"' END"


_FORMATS = {
    "csv": _Format(lambda _, cases: _by_case(cases, _csv_cell), lambda _, one: ("", ""), _separated(",", "\r\n")),
    "tsv": _Format(lambda _, cases: _by_case(cases, _tsv_cell), lambda _, one: ("<", ">") if one.kind == _NAMED else ("", ""), _separated("\t", "\n")),
    "json": _Format(_json_member, _json_around, _json_objects),
}
