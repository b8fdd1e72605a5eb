"""PostgreSQL → queryable graph: a table of ten columns, all of them mapped, read from a server on loopback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.children import ROOT, measure
from benchmarks.figures import Figure, Report
from benchmarks.workplace import Workplace
from tests.databases import PASSWORD, NotInstalled, Server, postgresql

_TIMEOUT = 1800
_COLUMNS = {
    "id": "i::bigint", "payer": "i * 7 % 100003", "payee": "i * 13 % 100003", "amount": "((i * 37 % 10000000) / 100.0)::numeric(14,2)",
    "day": "date '2020-01-01' + (i % 1000)::int", "at": "timestamp '2020-01-02 03:04:05' + i * interval '1 second'", "ok": "i % 2 = 1",
    "kind": "'k' || i % 7", "rate": "(i % 1000 / 3.0)::double precision", "note": "'some note ' || i % 50000",
}  # fmt: skip


def measure_sources(place: Workplace, report: Report, rows: int) -> None:
    """Rows a second, and the peak for `rows` and for four times as many: memory does not grow with the table beyond DuckDB's limit."""
    folder = place.fresh("sources")
    try:
        with postgresql() as server:
            for factor in (1, 4):
                _table(server, rows * factor)
                os.environ["KG_BENCH_URL"] = server.url("postgres", PASSWORD)
                found = measure(sys.executable, ["-m", "benchmarks.measured", "map_table", _mapping(folder), folder / f"graph-{factor}.duckdb"], ROOT, _TIMEOUT)
                suffix = "" if factor == 1 else f"@{factor}"
                report.add(Figure(f"sources.postgresql.rate{suffix}", found.found["rows"] / found.found["seconds"], "rows/s", f"{found.found['triples']:,} triples", is_more_better=True))
                report.add(Figure(f"sources.postgresql.unchanged{suffix}", found.found["unchanged"], "s"))
                report.add(Figure(f"sources.postgresql.peak{suffix}", found.peak / 1e9, "GB"))
    except NotInstalled as missing:
        report.add(Figure("sources.postgresql.rate", 0, "rows/s", f"skipped: {missing}"))
    finally:
        os.environ.pop("KG_BENCH_URL", None)


def _table(server: Server, rows: int) -> None:
    columns = ", ".join(f"{expression} AS {name}" for name, expression in _COLUMNS.items())
    server.run("postgres", f"DROP TABLE IF EXISTS payment; CREATE TABLE payment AS SELECT {columns} FROM generate_series(1, {rows}) i; ALTER TABLE payment ADD PRIMARY KEY (id); ANALYZE payment")


def _mapping(folder: Path) -> Path:
    maps = "".join(f' ;\n    rr:predicateObjectMap [ rr:predicate ex:{name} ; rr:objectMap [ rr:column "{name}" ] ]' for name in _COLUMNS if name != "id")
    path = folder / "payment.r2rml.ttl"
    path.write_text(
        "@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix ex: <http://example.org/> .\n"
        f'ex:Map rr:logicalTable [ rr:tableName "payment" ] ;\n    rr:subjectMap [ rr:template "http://example.org/payment/{{id}}" ; rr:class ex:Payment ]{maps} .\n'
    )
    return path
