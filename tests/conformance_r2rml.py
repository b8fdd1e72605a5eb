"""W3C R2RML test cases on SQLite, PostgreSQL and MariaDB: each mapping gives the expected quads, or is refused where it has none."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pyoxigraph import CanonicalizationAlgorithm, Dataset, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, parse

from kg.errors import MappingError
from kg.mapping import Sources, materialize, source_of_url
from kg.store import Store
from tests import databases
from tests.conformance import SUITES
from tests.databases import PASSWORD, Server

BASE = "http://example.com/base/"
SUITE = SUITES / "r2rml"
_TEST = "http://purl.org/NET/rdb2rdf-test#"

# Cases that fail, each with the reason why they may.
FAILING_ON_MARIADB = {
    "R2RMLTC0002f": "demands that the name {Name}, written without quotes, does not match the column Name; in MariaDB it does",
}

# Makes the database of a script in a folder, and says where it is.
Creates = Callable[[Path, Path], Sources]


@dataclass(frozen=True)
class R2rmlCase:
    id: str
    mapping: Path
    database: Path
    expected: Path | None


def _cases() -> list[R2rmlCase]:
    manifest = SUITE / "manifest.ttl"
    if not manifest.exists():
        return []
    values: dict[object, dict[str, object]] = {}
    for quad in parse(path=str(manifest), format=RdfFormat.TURTLE):
        values.setdefault(quad.subject, {})[quad.predicate.value] = quad.object
    cases = []
    for node, properties in values.items():
        name = node.value.rpartition("#")[2]
        if (SUITE / name).is_dir():
            database = values[properties[_TEST + "database"]][_TEST + "sqlScriptFile"].value
            has_output = properties[_TEST + "hasExpectedOutput"] == Literal("true", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#boolean"))
            expected = SUITE / name / properties[_TEST + "output"].value if has_output else None
            cases.append(R2rmlCase(name, SUITE / name / properties[_TEST + "mappingDocument"].value, SUITE / "databases" / database, expected))
    return sorted(cases, key=lambda one: one.id)


CASES = _cases()

def on_sqlite(script: Path, folder: Path) -> Sources:
    """Run a script of SQL:2008 in SQLite; CHAR(n) values are padded, as SQL:2008 stores them, and names compared as it compares them."""
    path = folder / "database.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(re.sub(r"DROP TABLE[^;]*;", "", script.read_text(encoding="utf-8")))
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for _, column, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                if match := re.fullmatch(r"CHAR\((\d+)\)", kind, re.IGNORECASE):
                    database.execute(f'UPDATE "{table}" SET "{column}" = printf(\'%-{match[1]}s\', "{column}")')
        database.commit()
    return Sources(replace(source_of_url(path), settings=(("names", "standard"),)))


def on_postgresql(server: Server, script: Path, _folder: Path) -> Sources:
    """A schema for each script, made once."""
    schema = script.stem
    if schema not in server.made:
        own = script.with_name(f"{schema}-postgresql.sql")
        server.run("postgres", f"CREATE SCHEMA {schema}; SET search_path = {schema};" + (own if own.exists() else script).read_text(encoding="utf-8"))
        server.made.add(schema)
    source = source_of_url(server.url("postgres", PASSWORD))
    return Sources(replace(source, settings=(("search_path", schema),)))


def on_mariadb(server: Server, script: Path, _folder: Path) -> Sources:
    """A database for each script, made once. The suite is in standard SQL: its quotes and its padding are a mode of MariaDB."""
    name, mode = script.stem, "ANSI,PAD_CHAR_TO_FULL_LENGTH"
    if name not in server.made:
        server.clear(name)
        statements = [one for one in script.read_text(encoding="utf-8").split(";") if one.strip() and not one.strip().startswith("DROP")]
        server.run(name, f"SET SESSION sql_mode = '{mode}'", *statements)
        server.made.add(name)
    source = source_of_url(server.url(name, PASSWORD))
    return Sources(replace(source, settings=(("sql_mode", mode),)))


def _quads(store: Store) -> Dataset:
    rows = store.connection.execute("SELECT g, s, p, o FROM quads").fetchall()
    terms = store.decode({term for row in rows for term in row if term})
    return Dataset(Quad(terms[s], terms[p], terms[o], terms[g] if g else DefaultGraph()) for g, s, p, o in rows)


def _canonical(dataset: Dataset) -> list[str]:
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return sorted(str(quad) for quad in dataset)


def problem_of(case: R2rmlCase, folder: Path, create: Creates = on_sqlite, variant: str = "") -> str | None:
    """None where the case passes, else what went wrong; `variant` is that of the mapping which is taken where there is one."""
    sources = create(case.database, folder)
    own = case.mapping.with_name(f"{case.mapping.stem}-{variant}.ttl")
    with Store.memory() as store:
        try:
            materialize(store, own if own.exists() else case.mapping, sources, base=BASE, strict=True)
        except MappingError as error:
            return None if case.expected is None else f"refused: {error}"
        if case.expected is None:
            return "accepted, though it must be refused"
        found, expected = _canonical(_quads(store)), _canonical(Dataset(parse(path=str(case.expected), format=RdfFormat.N_QUADS)))
        return None if found == expected else f"found {found}, expected {expected}"


def run(create: Creates = on_sqlite, variant: str = "", failing: dict[str, str] | None = None) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason})."""
    failed = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            problem = problem_of(case, Path(folder), create, variant)
        if problem is not None:
            failed[case.id] = (failing or {}).get(case.id, problem)
    return len(CASES) - len(failed), len(CASES), failed


def run_on_postgresql() -> tuple[int, int, dict[str, str]]:
    with databases.postgresql() as server:
        return run(partial(on_postgresql, server))


def run_on_mariadb() -> tuple[int, int, dict[str, str]]:
    with databases.mariadb() as server:
        return run(partial(on_mariadb, server), "mysql", FAILING_ON_MARIADB)
