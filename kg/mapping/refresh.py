"""A refresh: which triples maps run again after a source has changed, and over which rows.

Of each source the graph file keeps a hash of every row and the subjects that the row makes (`source_rows`). A row whose hash
is known has not changed; the subjects of all others, new and old, are the only ones whose quads can differ. So these subjects'
rows are mapped, and what comes out takes the place of the quads that the same triples maps had made of the same subjects.
Rows that were rejected have no hash: they count as changed each time, so that rejects keep naming the right lines.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from kg.errors import MappingError
from kg.mapping.compile import REJECTED, TermShape
from kg.mapping.encode import EncodedSource, encode
from kg.mapping.fingerprints import Fingerprints, key_of
from kg.mapping.model import LogicalSource, TriplesMap
from kg.mapping.relation import Relation
from kg.sql.inserting import insert_rows
from kg.store import Store

# Files of less than this are read again as a whole: that takes no longer than to look for their changed rows.
HASHED_BYTES = 1 << 20
# Where more than this share of the rows has changed, all are mapped.
_MOST_CHANGED = 0.2
_FEW = 10_000
# Types of which equal values are written alike.
_EXACT = re.compile(r"VARCHAR|BLOB|BOOLEAN|DATE|TIMESTAMP|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(\d+,\d+\)")


@dataclass(frozen=True)
class Makes:
    """What a triples map makes: its subjects' shape, and predicates with objects as ids, None where they vary."""

    triples_map: TriplesMap
    subject: TermShape
    pairs: frozenset[tuple[int | None, int | None]]

    def shares_pairs_with(self, others: Iterable[Makes]) -> bool:
        theirs = {pair for other in others for pair in other.pairs}
        return any(_same(mine[0], other[0]) and _same(mine[1], other[1]) for mine in self.pairs for other in theirs)

    def shares_subjects_with(self, others: Iterable[Makes]) -> bool:
        return any(not self.subject.is_disjoint_from(other.subject) for other in others)


@dataclass(frozen=True)
class Scope:
    """The triples maps that run; `by_rows`: over changed rows only."""

    triples_maps: tuple[TriplesMap, ...]
    is_whole: bool = True
    by_rows: bool = False
    pairs: frozenset[tuple[int | None, int | None]] = frozenset()

    @property
    def among(self) -> str | None:
        """A condition on `quads`: those that these triples maps have made, as far as the owner's quads are concerned."""
        if self.is_whole:
            return None
        wholes = {predicate for predicate, object in self.pairs if object is None}
        tests = ["true"] if None in wholes else [f"p IN ({', '.join(map(str, wholes))})"] if wholes else []
        objects: dict[int | None, list[int]] = {}
        for predicate, object in self.pairs:
            if object is not None and predicate not in wholes:
                objects.setdefault(predicate, []).append(object)
        for predicate, ids in objects.items():
            about = "" if predicate is None else f"p = {predicate} AND "
            tests.append(f"{about}o IN ({', '.join(map(str, ids))})")
        subjects = " AND s IN (SELECT s FROM kg_subjects)" if self.by_rows else ""
        return f"({' OR '.join(tests)}){subjects}"

    def includes(self, source: LogicalSource) -> bool:
        return any(one.source == source for one in self.triples_maps)


def _same(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one == other


def closure(all_maps: Sequence[Makes], changed: set[LogicalSource], parents: dict[str, set[LogicalSource]], by_rows: bool) -> list[Makes]:
    """The triples maps that read a changed source, and those that share quads with them as far as can be told beforehand.

    `parents` are the sources that each triples map joins with. With `by_rows` only those count that share subjects.
    """
    found = [one for one in all_maps if one.triples_map.source in changed or parents.get(one.triples_map.name, set()) & changed]
    rest = [one for one in all_maps if one not in found]
    while rest and found:
        sources = {one.triples_map.source for one in found}
        more = [
            one for one in rest
            if one.triples_map.source in sources or (one.shares_pairs_with(found) and (not by_rows or one.shares_subjects_with(found)))
        ]  # fmt: skip
        if not more:
            break
        found += more
        rest = [one for one in rest if one not in more]
    return found


@dataclass
class SourceRecord:
    """What the graph file knows of a source from the last time."""

    number: int
    definition: str
    fingerprint: str
    rows: int
    has_row_hashes: bool


@dataclass
class Record:
    """The sources of one owner as they were mapped last, and how they are recorded."""

    store: Store
    owner: str
    fingerprints: Fingerprints
    known: dict[str, SourceRecord] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, owner: str, fingerprints: Fingerprints) -> Record:
        query = "SELECT source, number, definition, fingerprint, rows, has_row_hashes FROM mapped_sources WHERE owner = ?"
        rows = store.connection.execute(query, [owner]).fetchall()
        return cls(store, owner, fingerprints, {row[0]: SourceRecord(*row[1:]) for row in rows})

    def of(self, source: LogicalSource) -> SourceRecord | None:
        return self.known.get(key_of(source))

    def changed(self, encoded: dict[LogicalSource, EncodedSource]) -> set[LogicalSource] | None:
        """The sources whose content is another; None where something else is, or nothing was recorded."""
        if self.store.fingerprint(self.owner) is None or {key_of(source) for source in encoded} != set(self.known):
            return None
        if any(self.of(logical).definition != self.definition(logical, source) for logical, source in encoded.items()):
            return None
        return {logical for logical in encoded if self.of(logical).fingerprint != self.fingerprints.by_source[logical]}

    def definition(self, logical: LogicalSource, source: EncodedSource) -> str:
        """A digest of all but the content: the mapping, the declaration, the columns that are used and their types, and how rows are hashed."""
        columns = sorted((one.name, one.type, one.declared or "", one.datatypes or "") for one in source.compiler.columns())
        text = repr((self.fingerprints.definition, self.fingerprints.declarations[logical], columns, "hash", duckdb.__version__))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def forget(self, sources: Iterable[LogicalSource]) -> None:
        for source in sources:
            if (known := self.of(source)) is not None:
                self.store.connection.execute("DELETE FROM source_rows WHERE source = ?", [known.number])
                self.store.connection.execute("DELETE FROM mapped_sources WHERE number = ?", [known.number])

    def write(self, logical: LogicalSource, source: EncodedSource, subjects: Sequence[int]) -> None:
        """Record a source that was mapped as a whole, with the hashes of its rows where they were computed."""
        run = self.store.connection.execute
        number = run("SELECT coalesce(max(number), 0) + 1 FROM mapped_sources").fetchone()[0]
        run("INSERT INTO mapped_sources VALUES (?, ?, ?, ?, ?, ?, ?)", [
            number, self.owner, key_of(logical), self.definition(logical, source), self.fingerprints.by_source[logical], source.rows, source.hash is not None,
        ])  # fmt: skip
        if source.hash is not None:
            _insert_rows(self.store, number, source, subjects, "")

    def update(self, logical: LogicalSource, changed: ChangedRows, subjects: Sequence[int]) -> None:
        """Put the changed rows in the place of the old ones."""
        run, known = self.store.connection.execute, self.of(logical)
        run(f"DELETE FROM source_rows WHERE rowid IN (SELECT kg_row FROM {changed.table} WHERE kg_row IS NOT NULL)")
        _insert_rows(self.store, known.number, changed.source, subjects, f" WHERE h NOT IN (SELECT hash FROM {changed.same})")
        run(
            "UPDATE mapped_sources SET fingerprint = ?, rows = (SELECT count(*) FROM source_rows WHERE source = ?) // ? WHERE number = ?",
            [self.fingerprints.by_source[logical], known.number, max(1, len(subjects)), known.number],
        )


def _insert_rows(store: Store, number: int, source: EncodedSource, subjects: Sequence[int], where: str) -> None:
    """Add (hash, subject) of the encoded rows, once for each subject; the hash of a rejected row is NULL."""
    bad = [f"t{n} = {REJECTED}" for n, count in source.rejected.items() if count] + [f"t{n} IS NULL" for n in subjects if source.nulls[n]]
    hash = f"CASE WHEN {' OR '.join(bad)} THEN NULL ELSE h END" if bad else "h"
    for n in subjects:
        insert_rows(store.connection, "source_rows", f"SELECT {number}, {hash}, CASE WHEN t{n} > 0 THEN t{n} END FROM {source.table}{where}")


class ChangedRows:
    """The rows of one source that are not as they were: `table` has the new ones with their columns, and the old ones' subjects."""

    def __init__(self, store: Store, source: EncodedSource, record: SourceRecord):
        self.store, self.source, self.record = store, source, record
        self.whole: Relation = source.relation
        self.columns = ", ".join(sorted(column.sql for column in source.compiler.columns()))
        self.table, self.same = f"kg_changed_{source.number}", f"kg_same_{source.number}"

    def find(self) -> bool:
        """Compare the source with its recorded hashes; False where so much is different that all had better be mapped."""
        known = f"SELECT rowid AS kg_row, hash, subject AS kg_subject FROM source_rows WHERE source = {self.record.number}"
        rows = f"SELECT {self.columns}, {row_hash(self.source)} AS kg_hash, NULL::BIGINT AS kg_number FROM {self.whole.sql}"
        self._read(
            f"CREATE OR REPLACE TEMP TABLE {self.table} AS SELECT n.*, o.kg_row, o.kg_subject FROM ({rows}) n FULL OUTER JOIN ({known}) o "
            "ON n.kg_hash = o.hash WHERE n.kg_hash IS NULL OR o.kg_row IS NULL"
        )
        new, old = self._run(f"SELECT count(kg_hash), count(kg_row) FROM {self.table}").fetchone()
        self._run(f"CREATE OR REPLACE TEMP TABLE {self.same} (hash BIGINT)")
        return max(new, old) <= max(_FEW, _MOST_CHANGED * self.record.rows)

    def take(self) -> None:
        """Let the source consist of its changed rows only."""
        relation = replace(self.whole, sql=f"(SELECT * FROM {self.table} WHERE kg_hash IS NOT NULL)", number="kg_number")
        self.source.compiler.relation = relation
        self.source.hash, self.source.extra = "kg_hash", "kg_hash"

    def add_rows_of_same_subjects(self) -> bool:
        """Take along unchanged rows that make one of the subjects in kg_subjects; whether there are any."""
        self._run(
            f"CREATE OR REPLACE TEMP TABLE {self.same} AS SELECT DISTINCT hash FROM source_rows WHERE source = {self.record.number} "
            f"AND hash IS NOT NULL AND subject IN (SELECT s FROM kg_subjects) AND rowid NOT IN (SELECT kg_row FROM {self.table} WHERE kg_row IS NOT NULL)"
        )
        if not self._run(f"SELECT 1 FROM {self.same} LIMIT 1").fetchone():
            return False
        self._read(
            f"INSERT INTO {self.table} ({self.columns}, kg_hash) SELECT * FROM "
            f"(SELECT {self.columns}, {row_hash(self.source)} AS kg_hash FROM {self.whole.sql}) WHERE kg_hash IN (SELECT hash FROM {self.same})"
        )
        return True

    def number(self) -> None:
        """Give the changed rows their numbers in the source, by which rejects name lines."""
        wanted = f"(SELECT kg_hash FROM {self.table})"
        numbered = f"SELECT {self.columns}, {self.whole.number} AS kg_number FROM {self.whole.sql}"
        self._read(
            f"CREATE OR REPLACE TEMP TABLE {self.table}_numbered AS SELECT * FROM (SELECT *, {row_hash(self.source)} AS kg_hash FROM ({numbered})) "
            f"WHERE kg_hash IN {wanted}"
        )
        self._run(f"DELETE FROM {self.table} WHERE kg_hash IS NOT NULL")
        self._run(f"INSERT INTO {self.table} ({self.columns}, kg_hash, kg_number) SELECT {self.columns}, kg_hash, kg_number FROM {self.table}_numbered")
        self._run(f"DROP TABLE {self.table}_numbered")

    def drop(self) -> None:
        for table in (self.table, self.same):
            self._run(f"DROP TABLE IF EXISTS {table}")

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        return self.store.connection.execute(sql)

    def _read(self, sql: str) -> None:
        try:
            self._run(sql)
        except duckdb.Error as error:
            raise MappingError("M208", f"{self.whole.name} cannot be read: {str(error).splitlines()[0]}", help="check the file and its declaration") from error


def encode_changed(store: Store, changed: Sequence[ChangedRows], subjects: dict[int, Sequence[int]]) -> None:
    """Encode the changed rows, and the unchanged ones that share a subject with them; the subjects stand in kg_subjects after it.

    `subjects` are the numbers of the terms that are subjects, by the number of the source.
    """
    run = store.connection.execute
    for one in changed:
        one.take()
        encode(store, one.source)
    olds = [f"SELECT kg_subject AS s FROM {one.table} WHERE kg_subject IS NOT NULL" for one in changed]
    news = [f"SELECT t{n} AS s FROM {one.source.table} WHERE t{n} > 0" for one in changed for n in subjects[one.source.number]]
    run(f"CREATE OR REPLACE TEMP TABLE kg_subjects AS SELECT DISTINCT s FROM ({' UNION ALL '.join([*olds, *news])})")
    for one in changed:
        has_more = one.add_rows_of_same_subjects()
        if any(one.source.rejected.values()) or any(one.source.nulls[n] for n in subjects[one.source.number]):
            one.number()
        if has_more:
            encode(store, one.source)


def row_hash(source: EncodedSource, over_aliases: bool = False) -> str:
    """BIGINT: 63 bits of DuckDB's hash of the columns that are used.

    That one of a thousand changed rows has by chance the hash that one of a million rows had before happens once in 10^10
    refreshes. Of types whose equal values may be written differently (-0.0 and 0.0, a month and 30 days) the texts are hashed.
    """
    named = sorted((column.sql, f"{'x' if column.declared else 'c'}{i}", column.type) for i, column in enumerate(source.compiler.columns()))
    values = [f"{alias if over_aliases else name}{'' if _EXACT.fullmatch(kind) else '::VARCHAR'}" for name, alias, kind in named]
    return f"(hash({', '.join(values)}) >> 1)::BIGINT"
