"""Fingerprints of mappings and of the sources that they read: what has the same one need not be mapped again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from kg.mapping.database import Database
from kg.mapping.databases import open_database
from kg.mapping.frames import content_of
from kg.mapping.model import LogicalSource, Mapping
from kg.mapping.parser import load_mapping
from kg.mapping.relation import identifier
from kg.mapping.relations import table_name
from kg.mapping.source import Source
from kg.mapping.sources import Sources, mentioned_names

# Files above this size are not read a second time within a process while size and time of change stay the same.
_LARGE = 1 << 20

# Part of every fingerprint: raise it when the same mapping and sources give other quads than before.
_VERSION = "4"


@dataclass(frozen=True)
class Fingerprints:
    """Of the mapping's text, of each logical source (its declaration and its content), and of the declarations alone."""

    definition: str
    by_source: Dictionary[LogicalSource, str]
    declarations: Dictionary[LogicalSource, str]

    @cached_property
    def whole(self) -> str:
        return _digest(self.definition, *sorted(f"{key_of(source)} {one}" for source, one in self.by_source.items()))


def fingerprints(mapping: Mapping, sources: Sources, base: str | None = None) -> Fingerprints:
    """The fingerprints of a mapping document and of its sources as they are now."""
    logical = dict.fromkeys(one.source for one in mapping.triples_maps)
    read = {one: _sorted(_sources_of(one, sources)) for one in logical}
    with _Servers() as servers:
        return Fingerprints(
            _digest(_VERSION, mapping.text, base or ""),
            {one: _digest(*(_fingerprint(source) for source in found), *servers.contents(one, found, sources)) for one, found in read.items()},
            {one: _digest(*(_declaration(source) for source in found)) for one, found in read.items()},
        )


def fingerprint(mapping_file: str | Path, sources: Sources, base: str | None = None) -> str:
    """A digest of the mapping's text, of the declarations and contents of the sources that it reads, and of the engine's version."""
    return fingerprints(load_mapping(mapping_file, base), sources, base).whole


def key_of(logical: LogicalSource) -> str:
    """A name of a logical source that does not depend on its place in the document."""
    return _digest(repr(replace(logical, location=None)))


def _sources_of(logical: LogicalSource, sources: Sources) -> set[Source]:
    if logical.table is not None:
        return {sources.of_table(table_name(logical.table), logical.location)}
    if logical.file is not None:
        declared = sources.tables.get(logical.file.written)
        return {declared or Source("file", logical.file.path, encoding=logical.file.encoding or "utf-8", null=logical.nulls)}
    found = {sources.of_table(name, logical.location) for name in sources.mentioned_in(logical.query or "")}
    return found | ({sources.default} if sources.default is not None and sources.default.is_database else set())


@dataclass
class _Servers:
    """The database servers that a mapping reads from, each asked over one connection; a context manager."""

    opened: dict[tuple, Database] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> _Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    def contents(self, logical: LogicalSource, found: list[Source], sources: Sources) -> Iterator[str]:
        """What the servers among `found` say of the rows that a logical source reads."""
        servers = [one for one in found if one.is_server]
        if not servers:
            return
        if logical.query is not None and (database := sources.database_of_query(logical.query)) is not None:
            yield self.of(database).content_of_query(logical.query.strip().rstrip(";"), logical.location, logical.is_core_sql)
        elif logical.query is None:
            yield self.of(servers[0]).content_of_table(servers[0].table or logical.table or "", logical.location)
        else:  # it joins with tables from elsewhere
            for name in sources.mentioned_in(logical.query):
                source = sources.of_table(name, logical.location)
                if source.is_server:
                    yield self.of(source).content_of_table(source.table or identifier(name), logical.location)
            if sources.default in servers:
                for name in mentioned_names(self.of(sources.default).names(), logical.query):
                    yield self.of(sources.default).content_of_table(identifier(name), logical.location)

    def of(self, source: Source) -> Database:
        if source.database not in self.opened:
            self.opened[source.database] = self.closing.enter_context(open_database(source, source.location))
        return self.opened[source.database]


def _sorted(sources: set[Source]) -> list[Source]:
    return sorted(sources, key=lambda one: (str(one), one.table or ""))


def _fingerprint(source: Source) -> str:
    """Of the declaration and the content of a file or database."""
    paths = [path for path in (source.path, Path(f"{source.path}-wal")) if path.is_file()]
    changes = [repr((one.batch.digest, replace(one.operation, location=None))) for one in source.changes]
    if source.type == "frame":
        return _digest(content_of(source.data), *changes)
    return _digest(_declaration(source), *(_content_digest(path).hex() for path in paths), *changes)


def _declaration(source: Source) -> str:
    """How a file or database is read; where it is may change."""
    return repr((source.type, source.table, source.delimiter, source.quote, source.null, source.encoding, source.types, source.iterator, source.sheet, source.header, source.settings))


def _content_digest(path: Path) -> bytes:
    """The digest of a file; that of a large one is remembered as long as its size and time stay the same."""
    about = path.stat()
    if about.st_size < _LARGE:
        return hashlib.blake2b(path.read_bytes()).digest()
    return _large_content_digest(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)
def _large_content_digest(path: Path, _size: int, _time: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _digest(*texts: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
