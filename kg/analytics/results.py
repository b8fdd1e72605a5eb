"""What an algorithm found, as ids of triples: `writes` filled in by every row, new terms put into the dictionary in bulk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyoxigraph import NamedNode, Triple

from kg.analytics.measure import RESULT, Measure
from kg.analytics.model import Nodes, Numbers, Output, Result, Several, Table, Texts
from kg.errors import MeasureError
from kg.sparql.algebra import TriplePattern, Var
from kg.sql.temporary import registered
from kg.store import Store
from kg.terms import BIAS, TAG_BITS, TAG_DECIMAL, TAG_INTEGER, TAG_IRI, TAG_LANG, TAG_STRING

_LARGEST = 2**53  # doubles are whole numbers up to here
_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

Filled = tuple[np.ndarray, np.ndarray]  # places of rows, and term ids


def triples(store: Store, measure: Measure, table: Table, result: Result) -> pa.Table:
    """The triples (s, p, o) of the rows; a triple of which a part is nothing is left out."""
    count = _length(measure, result)
    named = {term.name for triple in measure.writes for term in (triple.subject, triple.object) if isinstance(term, Var)}
    columns: dict[str, tuple[Filled, ...]] = {}
    for name in sorted(named):
        outputs = _iris(measure, store, table, result, count) if name == RESULT else result.columns[name]
        columns[name] = tuple(_filled(store, table, output, count) for output in (outputs if isinstance(outputs, tuple) else (outputs,)))
    parts = [part for triple in measure.writes for part in _of_template(store, triple, columns, count)]
    arrays = [np.concatenate([part[place] for part in parts]) if parts else np.zeros(0, np.int64) for place in range(3)]
    return pa.table(dict(zip("spo", arrays, strict=True)))


def _length(measure: Measure, result: Result) -> int:
    sizes = {len(_values(output)) for output in result.columns.values() if not isinstance(output, (Several, tuple))}
    if len(sizes) != 1:
        raise MeasureError("A109", f"{measure.algorithm.name} gave columns of different lengths: {sorted(sizes)}")
    return sizes.pop()


def _values(output: Output) -> Sequence:
    return output.places if isinstance(output, Nodes) else output.values


def _of_template(store: Store, triple: TriplePattern, columns: dict[str, tuple[Filled, ...]], count: int) -> list[tuple[np.ndarray, ...]]:
    every = np.arange(count)

    def choices(term: object) -> tuple[Filled, ...]:
        return columns[term.name] if isinstance(term, Var) else ((every, np.full(count, store.encode([term])[0], np.int64)),)

    predicate = store.encode([triple.predicate])[0]
    found = []
    for subject_rows, subjects in choices(triple.subject):
        if len(subject_rows) != count or (count and subject_rows[-1] != count - 1):
            raise MeasureError("A105", "what has several values a row cannot be the subject of a triple")
        for rows, objects in choices(triple.object):
            known = (subjects[rows] >= 0) & (objects >= 0)
            found.append((subjects[rows][known], np.full(int(known.sum()), predicate, np.int64), objects[known]))
    return found


def _filled(store: Store, table: Table, output: Output | np.ndarray, count: int) -> Filled:
    if isinstance(output, Several):
        return output.rows, _ids(store, table, output.values)
    return np.arange(count), output if isinstance(output, np.ndarray) else _ids(store, table, output)


def _ids(store: Store, table: Table, output: Nodes | Numbers | Texts) -> np.ndarray:
    if isinstance(output, Nodes):
        return np.where(output.places < 0, -1, table.nodes[np.maximum(output.places, 0)]) if len(table.nodes) else np.full(len(output.places), -1)
    if isinstance(output, Numbers):
        return number_ids(output.values, output.digits)
    extra = output.language
    return text_ids(store, TAG_LANG if extra else TAG_STRING, list(output.values), extra)


def number_ids(values: np.ndarray, digits: int) -> np.ndarray:
    """Ids of decimals of up to `digits` fraction digits, without trailing zeros; of integers where `digits` is 0; -1 of NaN.

    >>> from kg.terms import Templates, uninline
    >>> [uninline(int(i), Templates()).value for i in number_ids(np.array([0.125, 2.0, 1.26]), 2)]
    ['0.12', '2', '1.26']
    """
    known = np.isfinite(values)
    scaled = np.round(np.where(known, values, 0) * 10.0**digits)
    if (np.abs(scaled) > _LARGEST).any():
        raise MeasureError("A109", f"a result is too large for {digits} fraction digits: {np.abs(values[known]).max():g}", help="set fewer digits")
    mantissa, scale = scaled.astype(np.int64), np.full(len(values), digits, np.int64)
    for _ in range(digits):
        even = (scale > 0) & (mantissa % 10 == 0)
        mantissa, scale = np.where(even, mantissa // 10, mantissa), np.where(even, scale - 1, scale)
    tag = TAG_DECIMAL + scale if digits else np.full(len(values), TAG_INTEGER, np.int64)
    return np.where(known, (tag << TAG_BITS) | (mantissa + BIAS), -1)


def text_ids(store: Store, tag: int, texts: list[str | None], extra: str = "") -> np.ndarray:
    """Ids of texts (or of IRIs that no template of the store covers); -1 of None."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    rows = pa.table({"place": pa.array(np.arange(len(encoded.dictionary)), pa.int64()), "lex": encoded.dictionary})
    with registered(store.connection, "kg_texts", rows):
        store.intern(f"SELECT {tag} AS tag, lex, ? AS extra FROM kg_texts", [extra])
        query = f"SELECT t.place, d.id FROM kg_texts t JOIN dictionary d ON d.lex = t.lex AND d.extra = ? AND d.id >> {TAG_BITS} = {tag}"
        found = store.connection.sql(query, params=[extra]).to_arrow_table()
    by_place = np.full(len(encoded.dictionary) + 1, -1, np.int64)
    by_place[found.column("place").to_numpy()] = found.column("id").to_numpy()
    return by_place[encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)]


def _iris(measure: Measure, store: Store, table: Table, result: Result, count: int) -> np.ndarray:
    """An IRI for each row: the measure's, and what its key columns say."""
    parts = [_key_texts(measure, store, table, result.columns[name]) for name in measure.algorithm.key]
    if not count:
        return np.zeros(0, np.int64)
    prefix = f"{measure.base}measure/{measure.key}/"
    texts = [prefix + "/".join(row) for row in zip(*parts, strict=True)]
    if any(known.startswith(prefix) or prefix.startswith(known) for known, _ in store.dictionary.templates.by_text):
        return np.array(store.encode([NamedNode(text) for text in texts]), np.int64)  # some may be ids by arithmetic
    return text_ids(store, TAG_IRI, texts)


def _key_texts(measure: Measure, store: Store, table: Table, output: Output) -> list[str]:
    if isinstance(output, Nodes):
        used = np.unique(output.places)
        terms = store.decode(table.nodes[used].tolist())
        short = {int(place): _short(measure, terms[int(table.nodes[place])]) for place in used}
        return [short[place] for place in output.places.tolist()]
    if isinstance(output, Numbers):
        return [f"{value:.{output.digits}f}" for value in output.values.tolist()]
    return [_escaped(str(value)) for value in output.values]


def _short(measure: Measure, term: object) -> str:
    text = term.value if hasattr(term, "value") else str(term)
    return _escaped(text.removeprefix(measure.base).removeprefix("id/").replace("/", "-"))


def _escaped(text: str) -> str:
    return "".join(letter if letter in _SAFE or ord(letter) > 0x7F else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in text)


def unified(pattern: TriplePattern, triple: Triple) -> dict[str, object] | None:
    """What the variables of a pattern are where it is this triple; None where it cannot be."""
    found: dict[str, object] = {}
    for part, term in ((pattern.subject, triple.subject), (pattern.predicate, triple.predicate), (pattern.object, triple.object)):
        if isinstance(part, Var):
            if found.setdefault(part.name, term) != term:
                return None
        elif part != term:
            return None
    return found
