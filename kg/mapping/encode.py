"""Reads each logical source once into a temporary table of term ids: one column a term map, one row a source row."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
from pyoxigraph import Literal

from kg.errors import Location, MappingError
from kg.mapping.compile import PENDING, REJECTED, RelationCompiler, TermPlan
from kg.mapping.model import TermMap
from kg.mapping.relation import Relation
from kg.mapping.template import Column, Template
from kg.sql import encoding
from kg.store import Store
from kg.terms import TAG_IRI

Expression = Column | Template | Literal


@dataclass
class EncodedSource:
    """The ids of one logical source. `terms[t]` is the plan of column `t{n}`; `joins` maps an expression to its column `j{n}`."""

    compiler: RelationCompiler
    number: int
    terms: list[TermPlan] = field(default_factory=list)
    joins: dict[Expression, int] = field(default_factory=dict)
    rows: int = 0
    nulls: dict[int, int] = field(default_factory=dict)
    rejected: dict[int, int] = field(default_factory=dict)
    unique: dict[str, bool] = field(default_factory=dict)
    hash: str | None = None  # SQL of a hash of the row, kept in column h
    extra: str = ""  # columns of the relation that it needs besides

    @property
    def relation(self) -> Relation:
        return self.compiler.relation

    @property
    def table(self) -> str:
        return f"kg_ids_{self.number}"

    def term(self, term_map: TermMap) -> int:
        """The number of a term map's column; equal term maps share one."""
        for index, plan in enumerate(self.terms):
            if plan.term_map == term_map:
                return index
        self.terms.append(self.compiler.term(term_map))
        return len(self.terms) - 1

    def join(self, value: Expression, location: Location | None) -> str:
        """The name of the column that keeps a source column's own values, or an expression's texts, for a join."""
        if isinstance(value, Column):
            value = Column(self.relation.column(value, location).name, True)
            self.compiler.use(value)
        else:
            self.compiler.text(value)
        return f"j{self.joins.setdefault(value, len(self.joins))}"

    def join_type(self, value: Expression) -> str:
        if not isinstance(value, Column):
            return "VARCHAR"
        found = self.relation.column(value, None)
        return found.declared or found.type

    @property
    def hashes(self) -> list[str]:
        return [f"{self.hash} AS h"] if self.hash is not None else []

    @property
    def raw(self) -> str:
        return f"kg_raw_{self.number}"

    def encoded_sql(self, columns: str = "") -> str:
        """SELECT of the id columns t0, …, the join columns, the columns they come from, and `columns` of the relation."""
        ids = [f"{plan.id} AS t{n}" for n, plan in enumerate(self.terms)]
        joins = [f"{self.compiler.use(one)[0] if isinstance(one, Column) else self.compiler.text(one)} AS j{n}" for one, n in self.joins.items()]
        more = "".join(f", {one}" for one in (columns, self.extra) if one)
        rows = f"SELECT {self.compiler.columns_sql()}{more} FROM {self.relation.sql}"
        return f"SELECT *, {', '.join([*ids, *joins, *self.hashes]) or '1 AS nothing'} FROM (SELECT *{self.compiler.casts_sql()} FROM ({rows}))"


def encode(store: Store, source: EncodedSource) -> None:
    """Fill `source.table`, with every PENDING term looked up or added to the dictionary; counts NULL and REJECTED.

    Texts are kept at first only for terms that are not inlined as a rule. Where another turns out to be PENDING, the
    source is read once more.
    """
    kept = {n for n, plan in enumerate(source.terms) if plan.lexical is not None and not plan.is_rarely_pending}
    pending = _read(store, source, kept)
    if not pending <= kept:
        kept |= pending
        pending = _read(store, source, kept)
    _look_up(store, source, sorted(pending))


def _read(store: Store, source: EncodedSource, kept: set[int]) -> set[int]:
    """CREATE `source.raw` with the ids t0, … and for the terms `kept` the texts l0, … beside them; the PENDING terms."""
    run = store.connection.execute
    terms = range(len(source.terms))
    lexicals = [f"CASE WHEN t{n} = {PENDING} THEN {source.terms[n].lexical} END AS l{n}" for n in sorted(kept)]
    columns = [*(f"t{n}" for n in terms), *(f"j{n}" for n in source.joins.values()), *lexicals, *(["h"] if source.hash else [])]
    try:
        run(f"CREATE OR REPLACE TEMP TABLE {source.raw} AS SELECT {', '.join(columns) or 'nothing'} FROM ({source.encoded_sql()})")
    except duckdb.Error as error:  # a source's content can fail in ways that no check foresees
        raise MappingError("M208", f"{source.relation.name} cannot be read: {str(error).splitlines()[0]}", help="check the file and its declaration") from error
    counts = [f"count(*) - count(t{n}), count(*) FILTER (t{n} = {REJECTED}), count(*) FILTER (t{n} = {PENDING})" for n in terms]
    row = run(f"SELECT {', '.join(['count(*)', *counts])} FROM {source.raw}").fetchone()
    source.rows = row[0]
    source.nulls = {n: row[1 + 3 * n] for n in terms}
    source.rejected = {n: row[2 + 3 * n] for n in terms}
    return {n for n in terms if row[3 + 3 * n]}


def _look_up(store: Store, source: EncodedSource, pending: list[int]) -> None:
    """CREATE `source.table`: PENDING replaced by the ids of the texts beside it; terms of one kind share a table of (lex, id)."""
    run, raw = store.connection.execute, source.raw
    if not pending:
        run(f"DROP TABLE IF EXISTS {source.table}")
        run(f"ALTER TABLE {raw} RENAME TO {source.table}")
        return
    kinds: dict[tuple, list[int]] = {}
    for n in pending:
        plan = source.terms[n]
        kinds.setdefault((plan.tag, plan.extra, tuple(_overlapping_templates(store, plan))), []).append(n)
    joins = {}
    for number, (kind, members) in enumerate(kinds.items()):
        table = f"{source.table}_terms_{number}"
        texts = " UNION ALL ".join(f"SELECT l{n} AS lex FROM {raw} WHERE t{n} = {PENDING}" for n in members)
        _intern(store, *kind, texts, table)
        joins |= {n: f" LEFT JOIN {table} m{n} ON m{n}.lex = r.l{n}" for n in members}
    ids = [f"coalesce(m{n}.id, r.t{n}) AS t{n}" if n in joins else f"r.t{n}" for n in range(len(source.terms))]
    kept = [*ids, *(f"r.j{n}" for n in source.joins.values()), *(["r.h"] if source.hash else [])]
    run(f"CREATE OR REPLACE TEMP TABLE {source.table} AS SELECT {', '.join(kept)} FROM {raw} r{''.join(joins.values())}")
    run(f"DROP TABLE {raw}")
    for number in range(len(kinds)):
        run(f"DROP TABLE {source.table}_terms_{number}")


def _intern(store: Store, tag: int, extra: str, templates: tuple, select: str, table: str) -> None:
    """CREATE `table` (lex, id) for the distinct texts of `select`, all of them in the dictionary or inlined afterwards."""
    run = store.connection.execute
    inlined = _inlined_iri(templates) if templates else "NULL::BIGINT"
    run(f"CREATE OR REPLACE TEMP TABLE kg_texts AS SELECT lex, {inlined} AS id FROM (SELECT DISTINCT lex FROM ({select}) WHERE lex IS NOT NULL)")
    store.dictionary.intern_texts(tag, extra, "kg_texts", table)
    run("DROP TABLE kg_texts")


def _overlapping_templates(store: Store, plan: TermPlan) -> list[tuple[int, str, str]]:
    """The registered templates that could make one of the plan's IRIs; its own has had its turn."""
    if plan.tag != TAG_IRI:
        return []
    prefix, suffix = plan.shape.prefix, plan.shape.suffix
    return [
        (number, *texts)
        for number, texts in store.dictionary.templates.by_number.items()
        if texts != plan.template
        and (texts[0].startswith(prefix) or prefix.startswith(texts[0]))
        and (texts[1].endswith(suffix) or suffix.endswith(texts[1]))
    ]


def _inlined_iri(templates: tuple[tuple[int, str, str], ...]) -> str:
    """BIGINT: the template id of the VARCHAR `lex`, whose key is its last run of digits; else NULL."""
    parts = "regexp_extract(lex, '(?s)^(.*?)([0-9]+)([^0-9]*)$', ['prefix', 'key', 'suffix'])"
    key = encoding.template_key_of_text(f"{parts}.key")
    cases = " ".join(
        f"WHEN {parts}.prefix = {_text(prefix)} AND {parts}.suffix = {_text(suffix)} THEN {encoding.template_id(number, f'({key})')}"
        for number, prefix, suffix in templates
    )
    return f"CASE {cases} END"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
