"""The rows of a measure's query as columns of numbers, in an order that depends on what they say and not on how they were found."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import pyarrow as pa

from kg.analytics.measure import Measure
from kg.analytics.model import MONTH, NODE, NUMBER, TEXT, Table
from kg.errors import MeasureError
from kg.sparql import patterns
from kg.sparql.compile import compile_query
from kg.sparql.compiler import Compiler, used_parameters
from kg.sparql.conversions import general
from kg.sparql.lexical_forms import lexical
from kg.sparql.local_terms import prelude
from kg.sparql.numbers import as_double, number
from kg.sparql.relations import Environment, Relation, Scope
from kg.sparql.strings import register_python_functions
from kg.sparql.values import BOOLEAN, ID, Value
from kg.store import Store
from kg.terms import dictionary_term, is_inline

_ROWS = "kg_measured"


def rows_of(store: Store, measure: Measure) -> Table:
    """Run the query. MeasureError A106 for a column that is not of its kind, A107 where there is no row."""
    kinds = {variable.name: NUMBER for variable in measure.query.variables} | {column.name: column.kind for column in measure.algorithm.columns}
    given = {variable.name: kinds[variable.name] for variable in measure.query.variables}
    arrow = _fetched(store, measure, given)
    if not arrow.num_rows:
        raise MeasureError("A107", f"{measure.key} has nothing to measure: its query finds nothing", measure.place(), f"look at it with kg query {measure.file}")
    raw = {name: _read(arrow, name, kind, store) for name, kind in given.items()}
    _refuse_missing(measure, raw, given)
    nodes, columns = _placed(store, raw, given)
    order = np.lexsort([_sortable(columns[name]) for name in reversed(list(given))])
    known = {column.name for column in measure.algorithm.columns}
    return Table(
        nodes, {name: column[order] for name, column in columns.items()}, tuple(name for name in given if name not in known), measure.words
    )


def digest(table: Table, parameters: Mapping[str, object]) -> str:
    """Changes with the rows and with the parameters."""
    hashed = sha256(repr((sorted(parameters.items()), list(table.columns))).encode())
    hashed.update(np.ascontiguousarray(table.nodes).tobytes())
    for column in table.columns.values():
        hashed.update(repr(column.tolist()).encode() if column.dtype == object else np.ascontiguousarray(column).tobytes())
    return hashed.hexdigest()[:24]


# ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────────────


def _fetched(store: Store, measure: Measure, given: Mapping[str, str]) -> pa.Table:
    connection = store.cursor() if store.read_only else store.connection
    compiled = compile_query(measure.query, store, text=measure.text, base=measure.base)
    if compiled.is_empty:
        return pa.table({name: pa.array([], pa.int64()) for name in given})
    register_python_functions(connection, compiled.sql)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS {compiled.sql}", compiled.parameters or None)
    compiler = Compiler(store, compile_pattern=patterns.compile_pattern)
    compiler.local_terms = {term: term_id for term_id, term in compiled.local_terms.items()}
    scope = Scope.over(compiler, Relation(f"SELECT * FROM {_ROWS}", compiled.columns), Environment())
    selected = [f"{_sql(measure, name, kind, scope.columns[name], scope)} AS {_quoted(name)}" for name, kind in given.items()]
    sql = f"{prelude(compiler)}SELECT {', '.join(selected)} {scope.from_clause}"
    try:
        return connection.sql(sql, params=used_parameters(compiler.parameters, sql) or None).to_arrow_table()
    finally:
        connection.execute(f"DROP TABLE {_ROWS}")


def _sql(measure: Measure, name: str, kind: str, value: Value, scope: Scope) -> str:
    """SQL of a column: an id or a term of nodes, a double, or a text."""
    if kind == NODE:
        return value.sql if value.kind == ID and not value.local else general(value, scope).sql
    if kind in (TEXT, MONTH):
        return lexical(value, scope).sql
    if value.kind == BOOLEAN:
        return f"({value.sql})::INTEGER::DOUBLE"
    amount = number(value, scope, keep_type=False)
    if amount is None:
        raise MeasureError("A106", f"?{name} has no numbers, which {measure.algorithm.name} asks for", measure.place(), "give a number, or write xsd:double(…)")
    return as_double(scope.bind(amount), scope)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read(arrow: pa.Table, name: str, kind: str, store: Store) -> np.ndarray:
    column = arrow.column(name).combine_chunks()
    if kind == NUMBER:
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    if kind in (TEXT, MONTH):
        texts = column.to_numpy(zero_copy_only=False).astype(object)
        return np.array([text and text[:7] for text in texts], object) if kind == MONTH else texts
    if pa.types.is_struct(column.type):
        return _ids_of_terms(column, store)
    return column.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)


def _ids_of_terms(column: pa.StructArray, store: Store) -> np.ndarray:
    """Ids of nodes that the query computes; those that the store lacks get one."""
    rows = column.to_pylist()
    unknown = {(row["id"], row["lex"], row["extra"]) for row in rows if row is not None and row["id"] is not None and row["id"] < 0}
    keys = sorted(unknown)
    ids = dict(zip(keys, store.encode([dictionary_term(-tag, lex, extra) for tag, lex, extra in keys]), strict=True))
    found = [-1 if row is None or row["id"] is None else row["id"] if row["id"] >= 0 else ids[row["id"], row["lex"], row["extra"]] for row in rows]
    return np.array(found, np.int64)


def _refuse_missing(measure: Measure, raw: Mapping[str, np.ndarray], given: Mapping[str, str]) -> None:
    columns = {column.name: column for column in measure.algorithm.columns}
    for name, values in raw.items():
        if name not in columns or columns[name].may_be_missing:
            continue
        missing = (values == -1) if given[name] == NODE else np.isnan(values) if given[name] == NUMBER else np.equal(values, None)
        if missing.any():
            what = {NODE: "a node", NUMBER: "a number", TEXT: "a text", MONTH: "a date"}[given[name]]
            help = "leave such rows out with a FILTER, or give a value with COALESCE"
            raise MeasureError("A106", f"?{name} is not {what} in {int(missing.sum()):,} of {len(values):,} rows", measure.place(), help)


def _placed(store: Store, raw: Mapping[str, np.ndarray], given: Mapping[str, str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The nodes by what they are called where their ids may differ from build to build, and the columns as places among them."""
    names = [name for name, kind in given.items() if kind == NODE]
    ids = np.unique(np.concatenate([raw[name] for name in names])) if names else np.zeros(0, np.int64)
    ids = ids[ids >= 0]
    named = np.array([not is_inline(int(term_id)) for term_id in ids[:1]] and [not is_inline(t) for t in ids.tolist()], bool)
    texts = store.decode(ids[named].tolist()) if named.any() else {}
    nodes = np.concatenate([ids[~named], np.array(sorted(ids[named].tolist(), key=lambda term_id: str(texts[term_id])), np.int64)]) if len(ids) else ids
    by_id = np.argsort(nodes, kind="stable")
    columns = {}
    for name, values in raw.items():
        if name in names:
            place = by_id[np.minimum(np.searchsorted(nodes[by_id], values), len(nodes) - 1)]
            columns[name] = np.where(values < 0, -1, place).astype(np.int64)
        else:
            columns[name] = values
    return nodes, columns


def _sortable(column: np.ndarray) -> np.ndarray:
    return np.array(["" if value is None else value for value in column.tolist()], dtype=str) if column.dtype == object else column
