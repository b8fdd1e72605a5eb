"""What is measured, one function a process: python -m benchmarks.measured FUNCTION PROJECT [FILE…]; prints its findings as JSON."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pyoxigraph import NamedNode

from kg import KnowledgeGraph, mapping
from kg.build import conclude, rule_files
from kg.reasoner import infer, owl
from kg.sparql.compile import compile_query
from kg.sparql.evaluate import plan
from kg.sparql.parser import parse_query
from kg.sparql.update import update
from kg.store import Store, documents
from kg.store.versions import Versions

BANK = "https://example.org/bank/ontology/"


def build(project: str, *only: str) -> dict[str, object]:
    """`kg build [--only STAGE]`: what is in the graph then, and the seconds of each stage and stratum."""
    with KnowledgeGraph.open(project) as graph:
        report = graph.build(only=only[0] if only else None)
        stages: dict[str, float] = {}
        strata = []
        for step in report.steps:
            stages[step.stage] = stages.get(step.stage, 0) + step.seconds
            for stratum in getattr(step.details, "strata", ()):
                strata.append({"rules": [rule.value for rule in stratum.rules], "rounds": stratum.rounds, "triples": stratum.triples, "seconds": stratum.seconds})
    return {"is_changed": report.is_changed, "seconds": report.seconds, "stages": stages, "strata": strata}


def size(project: str) -> dict[str, int]:
    """Triples in all (each once), those that were mapped, and bytes of the graph file."""
    with KnowledgeGraph.open(project) as graph:
        run = graph.store.cursor().execute
        mapped = "SELECT count(*) FROM quads SEMI JOIN (FROM graphs WHERE starts_with(owner, 'map:')) c ON c.id = quads.g WHERE NOT again"
        triples, of_tables = (run(query).fetchone()[0] for query in ("SELECT count(*) FROM triples", mapped))
        return {"triples": triples, "mapped": of_tables, "bytes": graph.store.path.stat().st_size}


def counts(project: str) -> dict[str, int]:
    """How many triples each predicate has, and the sums of the numbers among the objects."""
    with KnowledgeGraph.open(project) as graph:
        rows = graph.query("SELECT ?p (COUNT(*) AS ?n) (SUM(IF(ISNUMERIC(?o), ?o, 0)) AS ?sum) { ?s ?p ?o } GROUP BY ?p ORDER BY ?p")
        return {str(row[0]): f"{row[1]} {row[2]}" for row in rows}


def query(project: str, file: str, least: str = "5") -> dict[str, object]:
    """The answer to a query file, the first time's seconds, and the median of `least` warm runs."""
    text = Path(file).read_text(encoding="utf-8")
    with KnowledgeGraph.open(project) as graph:
        seconds = []
        for _ in range(1 + int(least)):
            started = time.perf_counter()
            rows = list(graph.query(text))
            seconds.append(time.perf_counter() - started)
    return {"first": seconds[0], "seconds": statistics.median(seconds[1:]), "rows": [[str(term) if term is not None else None for term in row] for row in rows]}


def mix(project: str, *files: str) -> dict[str, object]:
    """For each query file: seconds to parse and compile it, to answer it for the first time, to find its plan again, and to answer it
    (median of warm runs), and the rows."""
    found = {}
    with KnowledgeGraph.open(project) as graph:
        settings = (graph.project.base, graph.prefixes)
        list(graph.query("SELECT * { ?s ?p 1 } LIMIT 1"))  # the grammar is made once a process
        for file in files:
            text = Path(file).read_text(encoding="utf-8")
            compiling, cached, answering = [], [], []
            for _ in range(3):
                compiling.append(_seconds(lambda text=text: compile_query(parse_query(text, *settings), graph.store)))
            first = _seconds(lambda text=text: list(graph.query(text)))
            for _ in range(5):
                cached.append(_seconds(lambda text=text: plan(graph.store, text, base=settings[0], prefixes=settings[1])))
                answering.append(_seconds(lambda text=text: list(graph.query(text))))
            rows = [[None if term is None else str(term) for term in row] for row in graph.query(text)]
            found[file] = {"compile": min(compiling), "first": first, "cached": min(cached), "seconds": statistics.median(answering), "rows": rows}
    return found


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def triples(project: str, file: str) -> int:
    """Write the mapped triples as N-Triples; returns how many."""
    with KnowledgeGraph.open(project) as graph, open(file, "wb") as output:
        count = 0
        for known in graph.store.graphs():
            if str(known["owner"] or "").startswith("map:"):
                count += documents.dump(graph.store, output, format="nt", graph=known["iri"])
        return count


def compile(project: str) -> dict[str, float]:
    """Seconds to parse and compile each saved query: the least of three."""
    found = {}
    with KnowledgeGraph.open(project) as graph:
        for file in graph.project.queries():
            text = file.path.read_text(encoding="utf-8")
            seconds = []
            for _ in range(3):
                started = time.perf_counter()
                compile_query(parse_query(text, graph.project.base, graph.prefixes, str(file.path)), graph.store)
                seconds.append(time.perf_counter() - started)
            found[file.key] = min(seconds)
    return found


def change(project: str, single: str, many: str) -> dict[str, object]:
    """Change the votes of stakes in a draft that is not published: `single` of them one by one, then `many` at once, each time
    with the conclusions brought up to date; then compare with a run from scratch."""
    with KnowledgeGraph.open(project) as graph:
        project_, versions = graph.project, Versions(graph.project.store, graph.project.keep, **graph.project.settings)
        started = time.perf_counter()
        with versions.write() as draft:
            opened = time.perf_counter() - started
            started = time.perf_counter()
            programs = rule_files(project_)
            for program in programs:
                program.over(draft.store)
            read = time.perf_counter() - started
            stakes = _stakes(draft.store, int(single) + int(many))
            found = [_changed(graph, draft.store, programs, [stake], number) for number, stake in enumerate(stakes[: int(single)])]
            at_once = _changed(graph, draft.store, programs, stakes[int(single) :], 1) if int(many) else None
            kept = _conclusions(draft.store)
            started = time.perf_counter()
            draft.store.connection.execute("DELETE FROM meta WHERE key = 'changes'")  # so that nothing is known of what has changed
            draft.store.connection.execute("UPDATE owners SET fingerprint = NULL WHERE starts_with(owner, 'infer:')")
            conclude(draft.store, programs)
            from_scratch = time.perf_counter() - started
            is_equal = kept == _conclusions(draft.store)
            started = time.perf_counter()
            draft.publish()
            publish = opened + time.perf_counter() - started
    return {"read": read, "single": found, "many": at_once, "from_scratch": from_scratch, "is_equal": is_equal, "publish": publish}


def explanations(project: str, each: str) -> dict[str, object]:
    """The proofs of `each` conclusions of every rule, printed: milliseconds by the rule's name, and lines."""
    rules: dict[str, dict[str, object]] = {}
    lines = []
    with KnowledgeGraph.open(project) as graph:
        run = graph.store.cursor().execute
        for number, iri in run("SELECT rule, iri FROM rules ORDER BY rule").fetchall():
            rows = run(f"SELECT s, p, o FROM quads WHERE rule = {number} AND NOT again ORDER BY hash(s, p, o) LIMIT {int(each)}").fetchall()
            terms = graph.store.decode({term for row in rows for term in row})
            milliseconds = []
            for row in rows:
                started = time.perf_counter()
                lines.append(graph.explain(*(terms[term] for term in row)).text().count("\n") + 1)
                milliseconds.append(1000 * (time.perf_counter() - started))
            if rows:
                rules[iri.rpartition("/")[2]] = {"milliseconds": milliseconds}
    return {"rules": rules, "lines": lines}


def _stakes(store: Store, count: int) -> list[tuple[object, object]]:
    """Stakes with their votes, the same ones every time, from all over the table."""
    votes = store.lookup_many([NamedNode(f"{BANK}hasVotingPercent")])[0]
    rows = store.connection.execute(f"SELECT s, o FROM quads WHERE p = {votes} ORDER BY (s % 1000003) * 7919 % 1000003, s LIMIT {count}").fetchall()
    terms = store.decode({term for row in rows for term in row})
    return [(terms[stake], terms[value]) for stake, value in rows]


def _changed(graph: KnowledgeGraph, store: Store, programs: list, stakes: list[tuple[object, object]], number: int) -> dict[str, object]:
    values = ("5.00", "60.00", "30.00", "51.00")
    rows = " ".join(f"({stake} {old} {values[(number + i) % 4]})" for i, (stake, old) in enumerate(stakes))
    text = (
        f"WITH <{graph.project.base}graph/map/bank/shareholding> DELETE {{ ?stake <{BANK}hasVotingPercent> ?old }} "
        f"INSERT {{ ?stake <{BANK}hasVotingPercent> ?new }} WHERE {{ VALUES (?stake ?old ?new) {{ {rows} }} }}"
    )
    started = time.perf_counter()
    update(store, text, allow_owned=True)
    updated = time.perf_counter()
    report = conclude(store, programs)
    diffs = report.diffs.values()
    return {"update": updated - started, "seconds": time.perf_counter() - updated, "changed": sum(diff.inserted + diff.deleted for diff in diffs)}


def _conclusions(store: Store) -> tuple[int, int]:
    """How many conclusions there are, and a sum over all of them that any difference would change."""
    mixed = "(s::HUGEINT * 31 + p::HUGEINT * 17 + o::HUGEINT * 13) * (s % 999983 + 1) % 1000000007"
    return store.connection.execute(f"SELECT count(*), sum({mixed}) FROM quads WHERE rule IS NOT NULL").fetchone()


def controls(project: str) -> list[list[str]]:
    """Who controls whom, as the keys of the parties."""
    with KnowledgeGraph.open(project) as graph:
        rows = graph.query("SELECT ?party ?company { ?party <https://example.org/bank/ontology/controls> ?company }")
        return [[_key(row[0].value), _key(row[1].value)] for row in rows]


def map_table(file: str, graph: str) -> dict[str, object]:
    """One mapping over the database at KG_BENCH_URL into a new graph file, which DuckDB gives 1 GB: rows, triples, seconds; and those of finding it unchanged."""
    sources = mapping.sources_of({"default": os.environ["KG_BENCH_URL"]})
    started = time.perf_counter()
    with Store.open(graph, memory_limit="1GB") as store:
        report = mapping.materialize(store, file, sources, base="http://example.org/", graph="http://example.org/graph")
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    mapping.fingerprint(file, sources, "http://example.org/")
    return {"rows": report.triples_maps[0].rows, "triples": report.triples, "seconds": seconds, "unchanged": time.perf_counter() - started}


def entailment(file: str, regime: str = "owl-rl") -> dict[str, object]:
    """The conclusions of the axioms in a file of N-Triples: compiled, run and written with their rounds; loading is apart."""
    with Store.memory() as store:
        started = time.perf_counter()
        load = documents.load(store, file)
        loaded = time.perf_counter()
        owl.compile_store(store, regime)  # the grammar of rules is read once a process
        warm = time.perf_counter()
        program = owl.compile_store(store, regime)
        report = infer(store, [("infer:owl", "urn:x:owl", program)])
        seconds = time.perf_counter() - warm
    return {"load": loaded - started, "seconds": seconds, "asserted": load.triples, "triples": report.triples, "rounds": report.rounds}


def _key(iri: str) -> str:
    kind, _, number = iri.removeprefix("https://example.org/bank/id/").partition("/")
    return kind[0] + number


FUNCTIONS = {function.__name__: function for function in (build, size, counts, query, mix, triples, compile, controls, change, map_table, entailment)}

if __name__ == "__main__":
    print(json.dumps(FUNCTIONS[sys.argv[1]](*sys.argv[2:])))
