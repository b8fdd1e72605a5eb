"""sources.toml: which files and databases the table names of a mapping mean.

    [default]                 # table name T means sample/T.csv
    type = "csv"
    path = "sample"

    [tables.rate]             # a table of a database
    url = "postgresql://reader:${PGPASSWORD}@db.example.org/treasury"

    [tables.payment]          # one table elsewhere
    path = "${DATA}/payments-2026.csv"
    delimiter = "|"

    [tables.reading]          # each member of an array is a row, and its values are the columns
    path = "readings.json"
    iterator = "$.readings[*]"

`type` is csv, parquet, json, xml, excel, sqlite, postgresql or mariadb and may be left out where the path's ending tells it; paths are relative to the file;
`${NAME}` is an environment variable, `${NAME:-text}` one with a default. Further keys of CSV: `delimiter`, `quote`,
`null` (the text that means NULL, empty by default), `encoding`, `types` (column = SQL type). PostgreSQL, MariaDB and MySQL have a
`url` in place of the path, and `settings` of the session (name = text). A table of a database may have another name there: `table`. Excel has a `sheet`, by default the one of the table's name, and a `header`, the row with the names. JSON (and JSON lines) and XML have an `iterator`, a JSONPath or XPath of their records, by default
the members of an array and the children of the root; columns are JSONPaths and XPaths from a record, the name of a member or child
being the simplest. An RML mapping says itself where its files are; [tables."its name there"] puts another in their place.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kg.errors import Location, MappingError, did_you_mean
from kg.mapping.source import SCHEMES, SERVERS, Address, Source, is_address, without_secrets

TYPES = ("csv", "parquet", "json", "xml", "excel", "sqlite", *SERVERS)
_ENDINGS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".json": "json", ".jsonl": "json", ".ndjson": "json", ".xml": "xml",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite",
}  # fmt: skip
_PACKED = ("", ".gz", ".zst", ".xz")
_TABLE_FILES = {
    kind: tuple(ending + packed for ending in endings for packed in (_PACKED if kind in ("csv", "json", "xml") else ("",)))
    for kind, endings in {
        "csv": (".csv", ".tsv"), "parquet": (".parquet",), "json": (".json", ".jsonl", ".ndjson"), "xml": (".xml",), "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    }.items()
}  # fmt: skip
_KEYS = ("type", "path", "url", "table", "delimiter", "quote", "null", "encoding", "types", "iterator", "sheet", "header", "settings", "max_rejects")


@dataclass(frozen=True)
class Sources:
    """The sources of one domain: a default for every table name, and tables declared one by one."""

    default: Source | None = None
    tables: Mapping[str, Source] = field(default_factory=dict)

    def of_table(self, name: str, location: Location | None = None) -> Source:
        """The file or database that holds table `name`; MappingError M202 names close table names."""
        found = self._declared(name)
        if found is not None:
            return found
        if self.default is None:
            raise MappingError("M202", f"no source declares the table {name}", location, self._hint(name))
        if self.default.takes_written_names:
            return self.default
        if self.default.type == "sqlite" or self.default.path.is_file():
            return self.default if self.default.type != "sqlite" or self.default.table else replace(self.default, table=name)
        for ending in _TABLE_FILES[self.default.type]:
            path = self.default.path / f"{name}{ending}"
            if path.is_file():
                return replace(self.default, path=path, delimiter=self.default.delimiter or _delimiter(path))
        first = _TABLE_FILES[self.default.type][0]
        raise MappingError(
            "M202", f"there is no table {name}: {self.default.path / (name + first)} does not exist", location, self._hint(name)
        )

    def mentioned_in(self, query: str) -> list[str]:
        """The known table names that occur in a query's text, databases' own tables left out."""
        return mentioned_names(self.names(), query)

    def database_of_query(self, query: str, location: Location | None = None) -> Source | None:
        """The one database that can answer a query by itself: all tables declared that it mentions are there, under these names."""
        mentioned = [(name, self.of_table(name, location)) for name in self.mentioned_in(query)]
        if not mentioned:
            return self.default if self.default is not None and self.default.is_database else None
        first = mentioned[0][1]
        is_one = first.is_database and all(one.database == first.database and one.table in (None, name) for name, one in mentioned)
        return first if is_one else None

    def names(self) -> list[str]:
        """Every table name that is declared or has a file in the default folder."""
        names = dict.fromkeys(self.tables)
        if self.default is not None and self.default.type in _TABLE_FILES and self.default.path.is_dir():
            for ending in _TABLE_FILES[self.default.type]:
                names |= dict.fromkeys(sorted(one.name[: -len(ending)] for one in self.default.path.glob(f"*{ending}")))
        return list(names)

    def _declared(self, name: str) -> Source | None:
        if name in self.tables:
            return self.tables[name]
        same = [one for one in self.tables if one.lower() == name.lower()]
        return self.tables[same[0]] if len(same) == 1 else None

    def _hint(self, name: str) -> str:
        return did_you_mean(name, self.names()) or f"declare [tables.{name}] in sources.toml, or add the file"


def mentioned_names(names: Iterable[str], query: str) -> list[str]:
    return [name for name in names if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", query, re.IGNORECASE)]


def load_sources(file: str | Path | None, overrides: Iterable[str] | Mapping[str, str] = ()) -> Sources:
    """Read sources.toml; `overrides` are NAME=URL texts (or a mapping), the name `default` standing for [default]."""
    if file is None:
        return override(Sources(), overrides)
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        raise MappingError("M200", "there is no such sources file", Location(str(path)), "write one with [default] type and path") from None
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(match[1]), int(match[2])) if match else (len(text.splitlines()), 1)
        location = Location.in_text(without_secrets(text), line, column, str(path))
        raise MappingError("M200", f"the sources file is not TOML: {error}", location, "correct the syntax") from None
    for key in document:
        if key not in ("default", "tables"):
            raise MappingError("M200", f"sources.toml has no section {key}", _place(text, path, key), did_you_mean(key, ["default", "tables"]) or "use [default] and [tables.NAME]")
    default = _source(document["default"], text, path, "default") if "default" in document else None
    tables = {name: _source(one, text, path, f"tables.{name}") for name, one in document.get("tables", {}).items()}
    if default is not None:
        tables = {name: one if one.max_rejects is not None else replace(one, max_rejects=default.max_rejects) for name, one in tables.items()}
    return override(Sources(default, tables), overrides)


def override(sources: Sources, overrides: Iterable[str] | Mapping[str, str]) -> Sources:
    """`sources` with some replaced by NAME=URL."""
    pairs = overrides.items() if isinstance(overrides, Mapping) else [_pair(one) for one in overrides]
    default, tables = sources.default, dict(sources.tables)
    for name, url in pairs:
        if name == "default":
            default = replace(source_of_url(url), max_rejects=sources.default and sources.default.max_rejects)
        else:
            replaced = tables.get(name, default)
            tables[name] = replace(source_of_url(url), max_rejects=replaced and replaced.max_rejects)
    return Sources(default, tables)


def source_of_url(url: str | Path) -> Source:
    """A path, a file: or a sqlite: URL, or the address of a database; the type is told by the scheme or the ending.

    A folder is one of CSV files.
    """
    text = str(url)
    if is_address(text):
        return _server(text, None)
    parts = urlsplit(text)
    if parts.scheme in ("file", "sqlite"):
        path = Path(unquote(parts.netloc + parts.path))
        # sqlite:///relative.db and sqlite:////absolute.db, as in other tools; an existing absolute path is taken as it is.
        if parts.scheme == "sqlite" and not parts.netloc and not path.exists():
            path = Path(unquote(parts.path[1:]))
        return Source("sqlite" if parts.scheme == "sqlite" else _type_of(path) or "csv", path, delimiter=_delimiter(path))
    if "://" in text:
        place = Location(without_secrets(text))
        raise MappingError("M206", f"sources of the kind {parts.scheme}: are not read by this version", place, "export the table to CSV, Parquet or SQLite")
    path = Path(text)
    return Source(_type_of(path) or _type_in(path) or "csv", path, delimiter=_delimiter(path))


def _pair(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not equals or not name or not url:
        raise MappingError("M200", f"{without_secrets(text)!r} is not of the form NAME=URL", None, "write, for example, default=data/ or payment=data/payments.csv")
    return name, url


def _source(table: object, text: str, file: Path, section: str) -> Source:
    place = _place(text, file, section)
    if not isinstance(table, dict):
        raise MappingError("M200", f"{section} is not a section", place, f"write [{section}] and its keys below")
    for key in table:
        if key not in _KEYS:
            raise MappingError("M200", f"[{section}] has no key {key}", _place(text, file, section, key), did_you_mean(key, _KEYS) or f"its keys are {', '.join(_KEYS)}")
    settings = tuple((str(name), str(one)) for name, one in table.get("settings", {}).items())
    most = _max_rejects(table.get("max_rejects"), _place(text, file, section, "max_rejects"))
    if "url" in table:
        where = _place(text, file, section, "url")
        return replace(_server(_with_variables(str(table["url"]), where), where), table=table.get("table"), settings=settings, max_rejects=most)
    if "path" not in table:
        remedy = 'add url = "postgresql://…"' if table.get("type") in SERVERS else 'add path = "…", relative to this file'
        raise MappingError("M200", f"[{section}] has no {'url' if table.get('type') in SERVERS else 'path'}", place, remedy)
    path = file.parent / _substitute(str(table["path"]), _place(text, file, section, "path"))
    if not path.exists():
        raise MappingError("M201", f"{path} does not exist", _place(text, file, section, "path"), "correct the path, or override it with NAME=URL")
    kind = table.get("type") or _type_of(path) or _type_in(path)
    if kind not in TYPES:
        raise MappingError("M206", f"the type {kind!r} is not one that this version reads", _place(text, file, section, "type"), f"use {', '.join(TYPES)}")
    return Source(
        type=kind,
        path=path,
        table=table.get("table"),
        delimiter=table.get("delimiter") or _delimiter(path),
        quote=table.get("quote", '"'),
        null=table.get("null", ""),
        encoding=table.get("encoding", "utf-8"),
        iterator=table.get("iterator"),
        sheet=table.get("sheet"),
        header=_header(table, _place(text, file, section, "header")),
        types=tuple((str(name), str(kind)) for name, kind in table.get("types", {}).items()),
        settings=settings,
        max_rejects=most,
        location=place,
    )


def _max_rejects(value: object, place: Location) -> int | str | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*%", value.strip()):
        return value.strip()
    raise MappingError("M200", f"max_rejects is {value!r}", place, 'write a number of values, or a share of the rows such as "0.5%"')


def _header(table: Mapping[str, object], place: Location) -> int:
    header = table.get("header", 1)
    if not isinstance(header, int) or header < 1:
        raise MappingError("M200", f"header is {header!r}", place, "give the number of the row with the column names, 1 being the first")
    return header


def _server(url: str, place: Location | None) -> Source:
    try:
        address = Address.parse(url)
        kind = SCHEMES[address.scheme]
    except ValueError as error:
        raise MappingError("M200", f"the address of a database is wrong: {error}", place, 'write url = "postgresql://user:${PASSWORD}@host:5432/database"') from None
    except KeyError:
        raise MappingError("M206", f"databases of the kind {address.scheme}: are not read", place, f"use {', '.join(SCHEMES)}") from None
    return Source(kind, address=address, location=place)


def _with_variables(url: str, place: Location) -> str:
    """A URL with its environment variables; those of user and password are taken as they are, whatever characters they have."""
    scheme, separator, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return _substitute(scheme + separator, place) + _substitute(user, place, lambda value: quote(value, safe="")) + at + _substitute(host, place)


def _substitute(text: str, place: Location, written: Callable[[str], str] = str) -> str:
    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in os.environ and default is None:
            raise MappingError("M207", f"the environment variable {name} is not set", place, f"set {name}, or write ${{{name}:-text}} with a default")
        return written(os.environ.get(name) or default or "")

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", value, text)


def _place(text: str, file: Path, section: str, key: str | None = None) -> Location:
    text = without_secrets(text)
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.replace('"', "").strip().startswith((f"[{section}]", f"[{section}.")):
            for below, other in enumerate(lines[number:], number + 1) if key else ():
                if other.strip().startswith("["):
                    break
                if re.match(rf"\s*\"?{re.escape(key or '')}\"?\s*=", other):
                    return Location.in_text(text, below, 1, str(file))
            return Location.in_text(text, number, 1, str(file))
    return Location(str(file))


def _type_of(path: Path) -> str | None:
    return _ENDINGS.get(Path(_unpacked(path)).suffix.lower())


def _type_in(folder: Path) -> str | None:
    """A folder's type is that of the files in it."""
    if not folder.is_dir():
        return None
    return next((kind for one in sorted(folder.iterdir()) if (kind := _type_of(one)) in _TABLE_FILES), None)


def _delimiter(path: Path) -> str | None:
    return "\t" if _unpacked(path).endswith(".tsv") else None


def _unpacked(path: Path) -> str:
    """A file's name without the ending of its compression."""
    return next((path.name.removesuffix(one) for one in _PACKED if one and path.name.endswith(one)), path.name)
