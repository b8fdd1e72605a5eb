"""The dictionary: terms that cannot be inlined ⇄ ids, one by one for queries and by joins for bulk work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import duckdb
import pyarrow as pa

from kg import terms
from kg.sql import encoding
from kg.sql.temporary import registered
from kg.store import resident_terms
from kg.store.resident_terms import ResidentTerms
from kg.terms import PAYLOAD_MASK, TAG_BITS, XSD, Templates, Term

# How many decoded or looked-up terms are kept in memory before the cache starts anew.
_CACHE_SIZE = 200_000

_FEW = 10_000  # ids, of which a join does not find the texts faster

_INTEGER_RANGES = {
    "integer": (None, None), "long": (-(2**63), 2**63 - 1), "int": (-(2**31), 2**31 - 1), "short": (-(2**15), 2**15 - 1),
    "byte": (-128, 127), "nonNegativeInteger": (0, None), "positiveInteger": (1, None), "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1), "unsignedLong": (0, 2**64 - 1), "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1), "unsignedByte": (0, 255),
}  # fmt: skip


_COLUMNS_OF_IDS = (
    *(("quads", column) for column in "gspo"), *(("changes", column) for column in "gspo"), ("graphs", "id"), ("statistics", "p"), ("source_rows", "subject"),
)  # fmt: skip


class Dictionary:
    """Terms ⇄ ids over the tables `dictionary` and `templates` of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, is_fixed: bool = False) -> None:
        """`is_fixed`: nobody writes to the tables."""
        self._connection = connection
        self.is_fixed = is_fixed
        self._asked = {"ids": 0, "texts": 0}
        self._is_read = False
        self._resident: ResidentTerms | None = None
        self.templates = Templates()
        self.forget()

    def forget(self) -> None:
        """Drop what is remembered; call after a rollback or where another cursor has written."""
        self._ids: dict[tuple[int, str, str], int | None] = {}
        self._terms: dict[int, Term] = {}
        self._last: int | None = None
        self.templates = Templates()
        for number, prefix, suffix in self._connection.execute("SELECT number, prefix, suffix FROM templates").fetchall():
            self.templates.add(number, prefix, suffix)

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def lookup_many(self, wanted: Sequence[Term], reader: Callable[[], duckdb.DuckDBPyConnection] | None = None) -> list[int | None]:
        """The ids of terms, None where the graph does not know one; never writes. `reader` gives the cursor, where one is needed."""
        found: list[int | None] = []
        missing: dict[tuple[int, str, str], list[int]] = {}
        for place, term in enumerate(wanted):
            term_id = terms.inline(term, self.templates)
            if term_id is None:
                key = terms.dictionary_key(term)
                if key in self._ids:
                    term_id = self._ids[key]
                else:
                    missing.setdefault(key, []).append(place)
            found.append(term_id)
        if missing:
            known = self._find(list(missing), reader or self._writer)
            for key, places in missing.items():
                term_id = known.get(key)
                self._remember(key, term_id)
                for place in places:
                    found[place] = term_id
        return found

    def _find(self, keys: list[tuple[int, str, str]], reader: Callable[[], duckdb.DuckDBPyConnection]) -> dict[tuple[int, str, str], int]:
        if len(keys) <= _FEW and (resident := self._in_memory("texts", reader)) is not None:
            return resident.find(keys)
        cursor = reader()
        by_tag: dict[int, list[tuple[str, str]]] = {}
        for tag, lexical, extra in keys:
            by_tag.setdefault(tag, []).append((lexical, extra))
        found = {}
        for tag, wanted in by_tag.items():
            # The range of ids lets the scan pass over the row groups that hold other kinds of term.
            query = f"SELECT id, lex, extra FROM dictionary WHERE {encoding.has_tag('id', tag)} AND lex "
            if len(wanted) == 1:
                rows = cursor.execute(query + "= ?", [wanted[0][0]]).fetchall()
            else:
                rows = cursor.execute(query + "IN (SELECT unnest(?::VARCHAR[]))", [list({lexical for lexical, _ in wanted})]).fetchall()
            found.update({(tag, lexical, extra): term_id for term_id, lexical, extra in rows})
        return found

    def decode(self, ids: Iterable[int], reader: Callable[[], duckdb.DuckDBPyConnection] | None = None) -> dict[int, Term]:
        """The terms of stored ids; KeyError of an id that this graph does not have."""
        decoded: dict[int, Term] = {}
        wanted: list[int] = []
        for term_id in set(ids):
            term = self._terms.get(term_id)
            if term is not None:
                decoded[term_id] = term
            elif terms.is_inline(term_id):
                decoded[term_id] = terms.uninline(term_id, self.templates)
            else:
                wanted.append(term_id)
        if wanted:
            rows = self._rows_of(wanted, reader or self._writer)
            for term_id, lexical, extra in rows:
                decoded[term_id] = terms.dictionary_term(term_id >> TAG_BITS, lexical, extra)
            if len(rows) != len(wanted):
                raise KeyError(next(i for i in wanted if i not in decoded))
        if len(self._terms) + len(decoded) > _CACHE_SIZE:
            self._terms = {}
        if len(decoded) <= _CACHE_SIZE:
            self._terms.update(decoded)
        return decoded

    def _writer(self) -> duckdb.DuckDBPyConnection:
        return self._connection

    def _rows_of(self, wanted: list[int], reader: Callable[[], duckdb.DuckDBPyConnection]) -> list[tuple[int, str, str]]:
        if len(wanted) <= _FEW and (resident := self._in_memory("ids", reader)) is not None:
            return resident.rows(wanted)
        # A join passes the ids' range down to the scan, and reads the texts of the rows that match: six times as fast as IN (…).
        query = "SELECT id, lex, extra FROM dictionary WHERE id IN (SELECT unnest(?::BIGINT[]))"
        return reader().execute(query, [wanted]).fetchall()

    def _in_memory(self, by: str, reader: Callable[[], duckdb.DuckDBPyConnection]) -> ResidentTerms | None:
        """All terms, where they cannot change and have been asked for `by` ids, or by texts, so often that it pays."""
        if not self.is_fixed:
            return None
        self._asked[by] += 1
        if self._asked[by] < resident_terms.ASKED_OFTEN:
            return None
        if not self._is_read:
            self._is_read = True
            self._resident = ResidentTerms.read(reader())
        return self._resident

    def _remember(self, key: tuple[int, str, str], term_id: int | None) -> None:
        if len(self._ids) >= _CACHE_SIZE:
            self._ids = {}
        self._ids[key] = term_id

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

    def encode(self, wanted: Sequence[Term]) -> list[int]:
        """The ids of terms, new ones added to the dictionary."""
        ids = self.lookup_many(wanted)
        unknown = {terms.dictionary_key(term) for term, term_id in zip(wanted, ids, strict=True) if term_id is None}
        if not unknown:
            return ids
        keys = sorted(unknown)
        table = pa.table(
            {"tag": pa.array([k[0] for k in keys], pa.int64()), "lex": [k[1] for k in keys], "extra": [k[2] for k in keys]}
        )
        self._add(table)
        return self.lookup_many(wanted)

    def _add(self, table: pa.Table) -> None:
        with registered(self._connection, "kg_new_terms", table):
            self.intern("SELECT tag, lex, extra FROM kg_new_terms")

    def intern(self, select: str, parameters: Sequence[object] = ()) -> int:
        """Add the terms that `select` yields as rows (tag, lex, extra) and the dictionary lacks; returns how many.

        Duplicates and NULL lexical forms are allowed. The caller has made sure that none of them can be inlined.
        """
        run = self._connection.execute
        wanted = f"SELECT DISTINCT tag::BIGINT AS tag, lex, extra FROM ({select}) WHERE lex IS NOT NULL"
        last = self._last_number()
        if last:
            run(
                f"CREATE OR REPLACE TEMP TABLE kg_intern AS SELECT w.* FROM ({wanted}) w ANTI JOIN dictionary d "
                f"ON d.lex = w.lex AND d.extra = w.extra AND d.id >> {TAG_BITS} = w.tag",
                parameters,
            )
        else:
            run(f"CREATE OR REPLACE TEMP TABLE kg_intern AS {wanted}", parameters)
        added, is_typed = run(f"SELECT count(*), bool_or(tag = {terms.TAG_TYPED}) FROM kg_intern").fetchone()
        if added:
            values = _VALUES if is_typed else "NULL, NULL, NULL"  # long to plan, and only typed literals have values
            run(
                f"INSERT INTO dictionary SELECT (tag << {TAG_BITS}) | ({last} + row_number() OVER ()), lex, extra, {values} FROM kg_intern"
            )
            self._added(last + added)
        run("DROP TABLE kg_intern")
        return added

    def intern_texts(self, tag: int, extra: str, texts: str, target: str) -> int:
        """CREATE the temporary table `target` (lex, id) of the table `texts` (lex, id), in which each text stands once.

        Where `id` is NULL, it becomes that of the term (tag, lex, extra), added where the dictionary lacks it; returns how
        many were. The caller has made sure that none of these can be inlined.
        """
        run, last = self._connection.execute, self._last_number()
        known = f"d.extra = ? AND {encoding.has_tag('d.id', tag)}"
        run(
            f"CREATE OR REPLACE TEMP TABLE kg_known AS SELECT t.lex, coalesce(t.id, d.id) AS id FROM {texts} t "
            f"LEFT JOIN (SELECT lex, id FROM dictionary d WHERE {known}) d ON t.id IS NULL AND d.lex = t.lex", [extra],
        )  # fmt: skip
        added = run("SELECT count(*) - count(id) FROM kg_known").fetchone()[0]
        if not added:
            run(f"DROP TABLE IF EXISTS {target}")
            run(f"ALTER TABLE kg_known RENAME TO {target}")
            return 0
        # One statement fills the table: DuckDB 2.0.0 can lose rows of a table made in a transaction and filled bit by bit.
        run(
            f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT lex, id, false AS is_new FROM kg_known WHERE id IS NOT NULL UNION ALL "
            f"SELECT lex, {tag << TAG_BITS} + {last} + row_number() OVER (), true FROM kg_known WHERE id IS NULL"
        )
        run("DROP TABLE kg_known")
        values = _VALUES if tag == terms.TAG_TYPED else "NULL, NULL, NULL"
        run(f"INSERT INTO dictionary SELECT id, lex, extra, {values} FROM (SELECT id, lex, ? AS extra, {tag} AS tag FROM {target} WHERE is_new)", [extra])
        self._added(last + added)
        return added

    def _added(self, last: int) -> None:
        """Terms were added; `last` is the number of the last one."""
        self._last = last
        self._ids = {key: term_id for key, term_id in self._ids.items() if term_id is not None}

    def _last_number(self) -> int:
        if self._last is None:
            self._last = self._connection.execute(f"SELECT coalesce(max(id & {PAYLOAD_MASK}), 0) FROM dictionary").fetchone()[0]
        return self._last

    def register_template(self, prefix: str, suffix: str = "") -> int | None:
        """The number of the template prefix{key}suffix, registered if need be; None where it cannot be inlined.

        IRIs of the template that already stand in the dictionary are re-encoded everywhere, so that identity of terms
        stays identity of ids.
        """
        known = self.templates.by_text.get((prefix, suffix))
        if known is not None:
            return known
        number = len(self.templates.by_number)
        if not terms.is_inlinable_template(prefix, suffix) or number >= terms.MAX_TEMPLATES:
            return None
        self._connection.execute("INSERT INTO templates VALUES (?, ?, ?)", [number, prefix, suffix])
        self.templates.add(number, prefix, suffix)
        self._connection.execute(encoding.template_macros(self.templates.by_number))
        self._recode(number, prefix, suffix)
        return number

    def _recode(self, number: int, prefix: str, suffix: str) -> None:
        """Replace dictionary ids by template ids after a template was registered."""
        run = self._connection.execute
        key = f"substr(lex, {len(prefix) + 1}, length(lex) - {len(prefix) + len(suffix)})"
        new = encoding.template_id(number, encoding.template_key_of_text("k"))
        run(
            f"CREATE OR REPLACE TEMP TABLE kg_recode AS SELECT old, new FROM (SELECT id AS old, {new} AS new FROM (SELECT id, {key} AS k "
            f"FROM dictionary WHERE {encoding.has_tag('id', terms.TAG_IRI)} AND starts_with(lex, ?) AND ends_with(lex, ?))) WHERE new IS NOT NULL",
            [prefix, suffix],
        )
        if run("SELECT count(*) FROM kg_recode").fetchone()[0]:
            for table, column in _COLUMNS_OF_IDS:
                run(f"UPDATE {table} SET {column} = r.new FROM kg_recode r WHERE {table}.{column} = r.old")
            run("DELETE FROM dictionary WHERE id IN (SELECT old FROM kg_recode)")
            self._ids, self._terms = {}, {}
        run("DROP TABLE kg_recode")


def _value_columns() -> str:
    """SQL of the columns number, double, instant for rows (tag, lex, extra)."""
    typed = f"tag = {terms.TAG_TYPED}"
    trimmed = r"trim(lex, E' \t\r\n')"
    digits = rf"regexp_extract({trimmed}, '\.([0-9]*?)0*$', 1)"
    ranges = " ".join(
        f"WHEN '{XSD}{name}' THEN " + (" AND ".join(_bounds(low, high)) or "true") for name, (low, high) in _INTEGER_RANGES.items()
    )
    whole = f"TRY_CAST({trimmed} AS HUGEINT)"
    number = (
        f"CASE WHEN {typed} AND extra = '{terms.XSD_DECIMAL}' AND regexp_full_match({trimmed}, '[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)') "
        f"AND length({digits}) <= 18 THEN TRY_CAST({trimmed} AS DECIMAL(38,18)) "
        f"WHEN {typed} AND regexp_full_match({trimmed}, '[+-]?[0-9]+') AND CASE extra {ranges.replace('VALUE', whole)} ELSE false END "
        f"THEN TRY_CAST({trimmed} AS DECIMAL(38,18)) END"
    )
    spelled = f"replace({trimmed}, 'INF', 'Infinity')"
    floating = r"'[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?INF|NaN'"
    double = (
        f"CASE WHEN {typed} AND extra IN ('{XSD}double', '{XSD}float') AND regexp_full_match({trimmed}, {floating}) THEN "
        f"CASE WHEN extra = '{XSD}float' THEN TRY_CAST({spelled} AS FLOAT)::DOUBLE ELSE TRY_CAST({spelled} AS DOUBLE) END END"
    )
    stamp = (
        f"epoch_us(try_strptime(left({trimmed}, 19), '%Y-%m-%dT%H:%M:%S')) "
        f"+ left(rpad(regexp_extract({trimmed}, '^.{{19}}\\.([0-9]+)', 1), 6, '0'), 6)::BIGINT"
    )
    zone = rf"regexp_extract({trimmed}, '([+-])([0-9]{{2}}):([0-9]{{2}})$', ['sign', 'hours', 'minutes'])"
    shift = (
        f"CASE WHEN regexp_matches({trimmed}, '[+-][0-9]{{2}}:[0-9]{{2}}$') THEN CASE {zone}.sign WHEN '-' THEN -1 ELSE 1 END "
        f"* ({zone}.hours::BIGINT * 60 + {zone}.minutes::BIGINT) * 60000000 ELSE 0 END"
    )
    shape = r"'-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?'"
    instant = (
        f"CASE WHEN {typed} AND extra IN ('{terms.XSD_DATETIME}', '{XSD}dateTimeStamp') AND regexp_full_match({trimmed}, {shape}) "
        f"THEN {stamp} - {shift} END"
    )
    return f"{number}, {double}, {instant}"


def _bounds(low: int | None, high: int | None) -> list[str]:
    return [f"VALUE >= {low}"] * (low is not None) + [f"VALUE <= {high}"] * (high is not None)


_VALUES = _value_columns()
