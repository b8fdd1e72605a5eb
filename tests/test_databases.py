"""PostgreSQL and MariaDB as sources: their types, their names, their secrets, what has changed, and what is done when they go away."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Triple

from kg.errors import MappingError
from kg.mapping import Sources, fingerprint, load_sources, materialize, rows_for, source_of_url, trace
from kg.mapping import mariadb as mariadb_sources
from kg.mapping import postgresql as postgresql_sources
from kg.mapping.source import Address, without_secrets
from kg.store import Store
from tests import databases
from tests.databases import PASSWORD, Server
from tests.test_mapping import BASE, PREFIXES, Workplace, thing

pytestmark = pytest.mark.xdist_group("databases")
ROOT = Path(__file__).parents[1]


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    found.clear("things")
    return found


def sources_of(server: Server, **settings: str) -> Sources:
    return Sources(replace(source_of_url(server.url("things", PASSWORD)), settings=tuple(settings.items())))


def values(work: Workplace) -> dict[str, str]:
    """The objects by the local names of their predicates."""
    return {re.search(r" ex:(\w+) ", quad)[1]: quad.partition(" ex:")[2].partition(" ")[2] for quad in work.quads()}


def columns(*names: str) -> list[str]:
    return [f'ex:{name} rr:column "{name}"' for name in names]


# ── Types ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_types_of_postgresql_have_their_natural_datatypes_and_exact_values(work: Workplace, postgresql: Server) -> None:
    postgresql.clear("things")
    postgresql.run(
        "things",
        """CREATE TYPE mood AS ENUM ('calm'); CREATE DOMAIN weight AS numeric(6,3);
        CREATE TABLE thing (id int, small smallint, large bigint, price numeric(12,2), share numeric, huge numeric(60,30), w weight, day date, at timestamp,
            instant timestamptz, clock time, zoned timetz, yes boolean, bytes bytea, code char(5), name varchar(9), note text, r real, d double precision,
            key uuid, doc jsonb, feeling mood, list int[], cash money, nothing text);
        INSERT INTO thing VALUES (1, -3, 9223372036854775807, 12345.60, 1.500, 123456789012345678901234567890.1, 1.5, '2024-02-29', '2024-02-29 01:02:03.450',
            '2024-02-29 01:02:03+02', '01:02:03.5', '01:02:03+01', true, '\\xdeadbeef', 'ab', '李', E'two\\nlines', 1.1, 30, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            '{"a": 1}', 'calm', '{1,2}', 12.5, NULL)""",
    )
    names = ["small", "large", "price", "share", "huge", "w", "day", "at", "instant", "clock", "zoned", "yes", "bytes", "code", "name", "r", "d", "key", "doc", "feeling", "list", "cash", "nothing"]
    report = work.map(thing(*columns(*names)), sources_of(postgresql))
    assert report.rejects == 0
    assert values(work) == {
        "small": '"-3"^^xsd:integer', "large": '"9223372036854775807"^^xsd:integer', "price": '"12345.60"^^xsd:decimal', "share": '"1.500"^^xsd:decimal',
        "huge": '"123456789012345678901234567890.100000000000000000000000000000"^^xsd:decimal', "w": '"1.500"^^xsd:decimal', "day": '"2024-02-29"^^xsd:date',
        "at": '"2024-02-29T01:02:03.45"^^xsd:dateTime', "instant": '"2024-02-28T23:02:03Z"^^xsd:dateTime', "clock": '"01:02:03.5"^^xsd:time',
        "zoned": '"01:02:03+01:00"^^xsd:time', "yes": '"true"^^xsd:boolean', "bytes": '"DEADBEEF"^^xsd:hexBinary', "code": '"ab   "', "name": '"李"',
        "r": '"1.1E0"^^xsd:double', "d": '"3.0E1"^^xsd:double', "key": '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', "doc": '"{\\"a\\": 1}"', "feeling": '"calm"',
        "list": '"{1,2}"', "cash": '"12.50"^^xsd:decimal',
    }  # fmt: skip


def test_types_of_mariadb_have_their_natural_datatypes_and_exact_values(work: Workplace, mariadb: Server) -> None:
    mariadb.clear("things")
    mariadb.run(
        "things",
        """CREATE TABLE thing (id int, small smallint, large bigint unsigned, price decimal(12,2), huge decimal(65,30), day date, at datetime(3), clock time(1),
            yes boolean, bytes varbinary(9), photo blob, name varchar(9), note text, r float, d double, doc json, feeling enum('calm'), y year, bits bit(3), nothing text)""",
        """INSERT INTO thing VALUES (1, -3, 18446744073709551615, 12345.60, 123456789012345678901234567890.1, '2024-02-29', '2024-02-29 01:02:03.450', '01:02:03.5',
            true, x'deadbeef', x'00ff', '李', 'text', 1.1, 30, '{"a": 1}', 'calm', 2024, b'101', NULL)""",
    )
    names = ["small", "large", "price", "huge", "day", "at", "clock", "yes", "bytes", "photo", "name", "note", "r", "d", "doc", "feeling", "y", "bits", "nothing"]
    report = work.map(thing(*columns(*names)), sources_of(mariadb))
    assert report.rejects == 0
    assert values(work) == {
        "small": '"-3"^^xsd:integer', "large": '"18446744073709551615"^^xsd:integer', "price": '"12345.60"^^xsd:decimal',
        "huge": '"123456789012345678901234567890.100000000000000000000000000000"^^xsd:decimal', "day": '"2024-02-29"^^xsd:date',
        "at": '"2024-02-29T01:02:03.45"^^xsd:dateTime', "clock": '"01:02:03.5"^^xsd:time', "yes": '"true"^^xsd:boolean', "bytes": '"DEADBEEF"^^xsd:hexBinary',
        "photo": '"00FF"^^xsd:hexBinary', "name": '"李"', "note": '"text"', "r": '"1.1E0"^^xsd:double', "d": '"3.0E1"^^xsd:double', "doc": '"{\\"a\\": 1}"',
        "feeling": '"calm"', "y": '"2024"^^xsd:integer', "bits": '"5"^^xsd:integer',
    }  # fmt: skip


def test_values_without_counterpart_are_rejected_one_by_one(work: Workplace, postgresql: Server, mariadb: Server) -> None:
    postgresql.clear("things")
    postgresql.run("things", "CREATE TABLE thing (id int, day date, n numeric, p numeric(5,2)); INSERT INTO thing VALUES (1, 'infinity', 'NaN', 'NaN'), (2, '2024-01-01', 1.0, 1)")
    work.map(thing(*columns("day", "n", "p")), sources_of(postgresql))
    assert work.quads() == {'ex:2 ex:day "2024-01-01"^^xsd:date', 'ex:2 ex:n "1.0"^^xsd:decimal', 'ex:2 ex:p "1.00"^^xsd:decimal'}
    assert {(column, value, reason) for _, column, value, reason in work.rejects()} == {
        ("day", "∞", "is no DATE"), ("n", "NaN", "is not an xsd:decimal"), ("p", "NaN", "is no DECIMAL(5,2)"),
    }  # fmt: skip
    mariadb.clear("things")
    mariadb.run("things", "SET SESSION sql_mode = ''", "CREATE TABLE thing (id int, day date, t time, b boolean)", "INSERT INTO thing VALUES (1, '0000-00-00', '-100:00:00', 7), (2, '2024-01-01', '01:00:00', 0)")
    work.map(thing(*columns("day", "t", "b")), sources_of(mariadb))
    assert work.quads() == {'ex:2 ex:day "2024-01-01"^^xsd:date', 'ex:2 ex:t "01:00:00"^^xsd:time', 'ex:2 ex:b "false"^^xsd:boolean'}
    assert {value for _, _, value, _ in work.rejects()} == {"0000-00-00", "-100:00:00", "7"}


# ── Names, queries, joins ────────────────────────────────────────────────────────────────────────────────────


def test_names_without_quotes_are_those_of_postgresql_in_lower_case(work: Workplace, postgresql: Server) -> None:
    postgresql.clear("things")
    postgresql.run("things", 'CREATE SCHEMA other; CREATE TABLE other.thing (ID int, "Name" text); INSERT INTO other.thing VALUES (1, \'a\')')
    sources = sources_of(postgresql)
    text = thing(r'ex:name rr:column "\"Name\""', table="other.THING").replace("ex:Other.thingMap", "ex:Map")
    work.map(text, sources)
    assert work.quads() == {'ex:1 ex:name "a"'}
    with pytest.raises(MappingError, match="no column Name") as caught:
        work.map(text.replace(r'"\"Name\""', '"Name"'), sources)
    assert caught.value.help == 'write "\\"Name\\"" with quotes: without them this database reads Name as name'
    with pytest.raises(MappingError, match="has no table thing") as caught:
        work.map(thing("ex:is rr:constant ex:Thing"), sources)
    assert caught.value.code == "M202" and PASSWORD not in str(caught.value)


def test_a_query_runs_in_the_database_and_cannot_write(work: Workplace, server: Server) -> None:
    server.run("things", "CREATE TABLE thing (id int, n int)", "INSERT INTO thing VALUES (1, 2), (2, 3)")
    query = 'ex:Map rr:logicalTable [ rr:sqlQuery "%s" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ] ; rr:predicateObjectMap [ rr:predicate ex:n ; rr:objectMap [ rr:column "m" ] ] .'
    work.map(query % "SELECT id, n * 10 AS m FROM thing WHERE mod(n, 2) = 1;", sources_of(server))
    assert work.quads() == {'ex:2 ex:n "30"^^xsd:integer'}
    for text, code in (("DELETE FROM thing", "M204"), ("SELECT id, n AS m, n AS m FROM thing", "M205"), ("SELECT id, m FROM thing", "M204")):
        with pytest.raises(MappingError) as caught:
            work.map(query % text, sources_of(server))
        assert (caught.value.code, caught.value.location.line) == (code, 5), str(caught.value)
    assert work.quads() == {'ex:2 ex:n "30"^^xsd:integer'}


def test_core_sql_means_the_same_in_both_databases(work: Workplace, server: Server) -> None:
    server.run("things", "CREATE TABLE thing (id int, name varchar(9))", "INSERT INTO thing VALUES (1, 'a')")
    work.map(
        r"""ex:Map rr:logicalTable [ rr:sqlVersion rr:SQL2008 ; rr:sqlQuery "SELECT \"id\", 'n-' || \"name\" AS label FROM thing" ] ;
        rr:subjectMap [ rr:template "http://example.org/{id}" ] ; rr:predicateObjectMap [ rr:predicate ex:label ; rr:objectMap [ rr:column "label" ] ] .""",
        sources_of(server),
    )
    assert work.quads() == {'ex:1 ex:label "n-a"'}


def test_a_table_of_a_database_joins_with_a_file(work: Workplace, server: Server) -> None:
    server.run("things", "CREATE TABLE thing (id int, kind int)", "INSERT INTO thing VALUES (1, 7), (2, 8)")
    work.table("kind", "kind,label", "7,seven")
    sources = Sources(sources_of(server).default, {"kind": source_of_url(work.folder / "kind.csv")})
    reference = 'ex:kind rr:parentTriplesMap ex:KindMap ; rr:joinCondition [ rr:child "kind" ; rr:parent "kind" ]'
    kinds = thing('ex:label rr:column "label"', subject='rr:template "http://example.org/kind/{kind}"', table="kind")
    work.map(thing(reference) + kinds, sources)
    assert work.quads() == {"ex:1 ex:kind ex:kind/7", 'ex:kind/7 ex:label "seven"'}
    query = 'ex:Map rr:logicalTable [ rr:sqlQuery "SELECT id, label FROM thing JOIN kind ON thing.kind = kind.kind::int" ] ; rr:subjectMap [ rr:template "http://example.org/{id}" ]'
    work.map(query + ' ; rr:predicateObjectMap [ rr:predicate ex:label ; rr:objectMap [ rr:column "label" ] ] .', sources)
    assert work.quads() == {'ex:1 ex:label "seven"'}


def test_a_triple_is_traced_to_the_row_of_a_database(work: Workplace, server: Server) -> None:
    server.run("things", "CREATE TABLE thing (id int, name varchar(9))", "INSERT INTO thing VALUES (1, 'a'), (2, 'b')")
    work.map(thing('ex:name rr:column "name"'), sources_of(server))
    rows = work.store.connection.execute("SELECT s, p, o FROM quads").fetchall()
    terms = work.store.decode({term for row in rows for term in row})
    triple = next(t for t in (Triple(*(terms[term] for term in row)) for row in rows) if t.object.value == "b")
    (row,) = rows_for(triple, work.mapping, sources_of(server), base=BASE)
    assert (row.columns, row.line) == ({"id": "2", "name": "b"}, None)
    assert row.file == f"{server.url('things')}, table thing"


def test_to_trace_a_triple_only_the_rows_of_its_subject_are_fetched(work: Workplace, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.clear("things")
    postgresql.run("things", "CREATE TABLE thing (id int PRIMARY KEY, name text); INSERT INTO thing SELECT i, 'n' || i FROM generate_series(1, 1000) i")
    work.mapping.write_text(PREFIXES + thing('ex:name rr:column "name"'))
    fetched = []
    rows = postgresql_sources.Reading._rows

    def counted(self, shape, schema) -> Iterator:
        for batch in rows(self, shape, schema):
            fetched.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(postgresql_sources.Reading, "_rows", counted)
    found = trace(NamedNode("http://example.org/7"), work.mapping, sources_of(postgresql), base=BASE)
    assert [row.columns for row in found] == [{"id": "7", "name": "n7"}] and sum(fetched) == 1


# ── Addresses and secrets ────────────────────────────────────────────────────────────────────────────────────


def test_sources_toml_names_databases_by_url_with_secrets_from_the_environment(work: Workplace, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.run("things", "CREATE TABLE thing (id int)", "INSERT INTO thing VALUES (1)")
    toml = work.folder / "sources.toml"
    toml.write_text(f'[default]\nurl = "{server.kind}://kg:${{KG_TEST_PASSWORD}}@127.0.0.1:{server.port}/things"\n')
    monkeypatch.delenv("KG_TEST_PASSWORD", raising=False)
    with pytest.raises(MappingError, match="the environment variable KG_TEST_PASSWORD is not set") as caught:
        load_sources(toml)
    assert (caught.value.code, caught.value.location.line) == ("M207", 2)
    monkeypatch.setenv("KG_TEST_PASSWORD", PASSWORD)
    work.map(thing("ex:is rr:constant ex:Thing"), toml)
    assert work.quads() == {"ex:1 ex:is ex:Thing"}
    assert PASSWORD not in repr(load_sources(toml)) + str(load_sources(toml).default)
    monkeypatch.setenv("KG_TEST_PASSWORD", "wrong-secret")
    with pytest.raises(MappingError) as caught:
        work.map(thing("ex:is rr:constant ex:Other"), toml)
    assert caught.value.code == "M212" and "wrong-secret" not in str(caught.value) + repr(caught.value)
    assert work.quads() == {"ex:1 ex:is ex:Thing"}


def test_a_secret_that_stands_in_an_address_is_shown_nowhere(tmp_path: Path) -> None:
    toml = tmp_path / "sources.toml"
    toml.write_text('[default]\nurl = "postgresql://kg:top-secret@127.0.0.1:1/things"\nsetings = {}\n')
    with pytest.raises(MappingError, match="no key setings") as caught:
        load_sources(toml)
    toml.write_text('[default]\nurl = "postgresql://kg:top-secret@127.0.0.1:x1/things"\n')
    with pytest.raises(MappingError, match="its port is no number") as wrong:
        load_sources(toml)
    assert wrong.value.location.line_text == 'url = "postgresql://kg:***@127.0.0.1:x1/things"'
    with pytest.raises(MappingError, match="oracle: are not read") as unknown:
        source_of_url("oracle://kg:top-secret@host/things")
    for error in (caught.value, wrong.value, unknown.value):
        assert "top-secret" not in str(error) + repr(error)
    address = Address.parse("mysql://kg:a%40b@host:3306/things?x=1")
    assert (address.password, address.url("mysql"), str(address)) == ("a@b", "mysql://kg:a%40b@host:3306/things?x=1", "mysql://kg@host:3306/things")
    assert without_secrets("default=mysql://kg:a@b@host/x") == "default=mysql://kg:***@host/x"


def test_a_database_that_is_not_there_is_a_clear_error() -> None:
    for kind in ("postgresql", "mariadb"):
        sources = Sources(source_of_url(f"{kind}://kg:top-secret@127.0.0.1:1/things"))
        with Store.memory() as store, pytest.raises(MappingError, match="cannot be reached") as caught:
            materialize(store, ROOT / "mappings/bank/loan.r2rml.ttl", sources, base=BASE)
        assert caught.value.code == "M212" and "top-secret" not in str(caught.value)


# ── What has changed ─────────────────────────────────────────────────────────────────────────────────────────


def test_only_a_change_of_content_changes_the_fingerprint(work: Workplace, server: Server) -> None:
    server.run("things", "CREATE TABLE thing (id int, n int)", "INSERT INTO thing VALUES (1, 2), (2, 3)", "CREATE VIEW sums AS SELECT 1 AS id, sum(n) AS n FROM thing",
               "CREATE TABLE elsewhere (id int)")  # fmt: skip
    query = thing('ex:n rr:column "n"').replace('rr:tableName "thing"', 'rr:sqlQuery "SELECT * FROM thing WHERE n > 2"')
    prints: list[list[str]] = []
    for change in (None, "INSERT INTO elsewhere VALUES (1)", "UPDATE thing SET n = 20 WHERE id = 1", "DELETE FROM thing WHERE id = 2", "INSERT INTO thing VALUES (2, 3)", None):
        server.run("things", *([change] if change else []))
        found = []
        for text in (thing('ex:n rr:column "n"'), thing('ex:n rr:column "n"', table="sums"), query):
            work.mapping.write_text(PREFIXES + text)
            found.append(fingerprint(work.mapping, sources_of(server), BASE))
        prints.append(found)
    assert prints[1] == prints[0] and prints[5] == prints[4]
    for before, after in ((1, 2), (2, 3), (3, 4)):
        assert all(old != new for old, new in zip(prints[before], prints[after], strict=True))


# ── Going away ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_database_that_goes_away_while_it_is_read_leaves_the_last_good_graph(work: Workplace, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {"postgresql": postgresql_sources, "mariadb": mariadb_sources}[kind]
    with databases.required(getattr(databases, kind)) as server:
        server.clear("things")
        many = {"postgresql": "SELECT i, repeat('x', 200) FROM generate_series(1, 300000) i", "mariadb": "SELECT seq, repeat('x', 200) FROM seq_1_to_300000"}[kind]
        server.run("things", "CREATE TABLE thing (id int, name text)", "INSERT INTO thing VALUES (1, 'a')")
        work.map(thing('ex:name rr:column "name"'), sources_of(server))
        server.run("things", f"INSERT INTO thing {many}")
        rows = module.Reading._rows

        def interrupted(self, shape, schema) -> Iterator:
            for number, batch in enumerate(rows(self, shape, schema)):
                if number == 1:
                    server.kill()
                yield batch

        monkeypatch.setattr(module.Reading, "_rows", interrupted)
        with pytest.raises(MappingError, match="broke off after") as caught:
            work.map(thing('ex:name rr:column "name"'), sources_of(server))
    assert caught.value.code == "M213" and PASSWORD not in str(caught.value)
    assert work.quads() == {'ex:1 ex:name "a"'}


# ── A first mapping ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_proposal_knows_the_keys_references_and_types_that_a_database_declares(work: Workplace, server: Server, tmp_path: Path) -> None:
    server.run(
        "things", "CREATE TABLE gardener (nr INT PRIMARY KEY, name VARCHAR(40))",
        "CREATE TABLE tree (plot INT, pos INT, height DECIMAL(5,2), planted DATE, tender INT, PRIMARY KEY (plot, pos), FOREIGN KEY (tender) REFERENCES gardener(nr))",
        "INSERT INTO gardener VALUES (7, 'Ann')", "INSERT INTO tree VALUES (1, 2, 3.5, '2001-02-03', 7), (1, 3, NULL, NULL, NULL)",
    )  # fmt: skip
    url = server.url("things", PASSWORD)
    (tmp_path / "sources.toml").write_text('[default]\nurl = "' + url.replace(PASSWORD, "${SECRET}") + '"\n')
    command = [sys.executable, "-m", "kg", "map", "--bootstrap", "sources.toml", "--base", BASE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "SECRET": PASSWORD})
    assert done.returncode == 0 and PASSWORD not in done.stdout + done.stderr
    work.map(done.stdout, sources_of(server))
    assert {quad for quad in work.quads() if "rdf-syntax-ns#type" not in quad} == {
        'ex:id/gardener/7 <http://www.w3.org/2000/01/rdf-schema#label "Ann"', 'ex:id/gardener/7 ex:ontology/hasNr "7"^^xsd:integer',
        *(f'ex:id/tree/1/{n} ex:ontology/hasPlot "1"^^xsd:integer' for n in (2, 3)), *(f'ex:id/tree/1/{n} ex:ontology/hasPos "{n}"^^xsd:integer' for n in (2, 3)),
        'ex:id/tree/1/2 ex:ontology/hasHeight "3.50"^^xsd:decimal', 'ex:id/tree/1/2 ex:ontology/hasPlanted "2001-02-03"^^xsd:date', "ex:id/tree/1/2 ex:ontology/hasTender ex:id/gardener/7",
    }  # fmt: skip


# ── A whole project ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_mappings_of_the_sample_make_the_same_graph_of_postgresql(postgresql: Server, tmp_path: Path) -> None:
    """By sources.toml alone: the tables have the types that their values suggest, and not text."""
    postgresql.clear("things")
    for file in sorted((ROOT / "mappings/bank/sample").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as text:
            header, *rows = csv.reader(text)
        kinds = [_kind([row[i] for row in rows if row[i]]) for i in range(len(header))]
        table = ", ".join(f'"{name}" {kind}' for name, kind in zip(header, kinds, strict=True))
        rows_text = ", ".join("(" + ", ".join("'" + value.replace("'", "''") + "'" if value else "NULL" for value in row) + ")" for row in rows)
        postgresql.run("things", f'CREATE TABLE "{file.stem}" ({table}); INSERT INTO "{file.stem}" VALUES {rows_text}')
    sources = sources_of(postgresql)
    for mapping in sorted((ROOT / "mappings/bank").glob("*.r2rml.ttl")):
        graphs = []
        for one in (sources, Sources(source_of_url(ROOT / "mappings/bank/sample"))):
            with Store.memory() as store:
                materialize(store, mapping, one, base="https://example.org/bank/")
                rows = store.connection.execute("SELECT s, p, o, g FROM quads").fetchall()
                terms = store.decode({term for row in rows for term in row if term})
                graphs.append({tuple(str(terms.get(term)) for term in row) for row in rows})
        assert graphs[0] == graphs[1] and graphs[0], mapping.name


def _kind(values: list[str]) -> str:
    for kind, form in (("bigint", "0|-?[1-9][0-9]{0,17}"), ("numeric", r"-?(0|[1-9][0-9]*)\.[0-9]+|0|-?[1-9][0-9]*"), ("date", r"\d{4}-\d\d-\d\d"), ("boolean", "true|false")):
        if values and all(re.fullmatch(form, value) for value in values):
            return kind
    return "text"
