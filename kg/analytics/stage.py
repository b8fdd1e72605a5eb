"""The stage of a build that runs measures: those whose text, algorithm, or whose rows have changed, and no others.

A measure's fingerprint has three parts: of all other graphs, of the graphs that hold what its query reads, and of the rows
that it found. Where the first is the same nothing is looked at; where the second is, the query is not run; where the third
is, the algorithm is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
from pyoxigraph import NamedNode

from kg.analytics.measure import Measure
from kg.analytics.model import Parameter, Result, Table
from kg.analytics.results import triples
from kg.analytics.rows import digest, rows_of
from kg.analytics.runs import statements
from kg.errors import MeasureError
from kg.sparql.evaluate import evaluate
from kg.sparql.frames import python_value
from kg.sql.inserting import insert_rows
from kg.sql.temporary import create_empty, registered
from kg.store import Diff, Store


@dataclass(frozen=True)
class Done:
    """What running a measure did. `is_same` tells that its rows were those of the last run, so that the algorithm was not run."""

    measure: Measure
    rows: int
    triples: int
    diff: Diff
    seconds: float
    is_same: bool = False
    findings: Mapping[str, tuple[str, ...]] | None = None
    warnings: tuple[str, ...] = ()


# ── What is to be done ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Standing:
    """Where the graphs stand: each graph's revision and owner, and which graphs hold a term as property."""

    graphs: tuple[tuple[str, int, str], ...]
    holders: Mapping[str, frozenset[str]]

    def of(self, measure: Measure) -> tuple[str, str]:
        """The first two parts of the fingerprint."""
        others = [graph for graph in self.graphs if graph[2] != measure.owner and not graph[2].startswith("validate:")]
        reads = measure.reads()
        read = None if reads is None else frozenset().union(*(self.holders.get(term, frozenset()) for term in reads))
        near = others if read is None else [graph for graph in others if graph[0] in read]
        return tuple(f"{measure.digest()}.{sha256(repr(some).encode()).hexdigest()[:24]}" for some in (others, near))


def standing(store: Store, measures: Sequence[Measure]) -> Standing:
    graphs = tuple((str(graph["iri"]), int(graph["revision"]), str(graph["owner"])) for graph in store.graphs() if graph["triples"])
    words = sorted({term for measure in measures for term in measure.reads() or ()})
    ids = {term_id: word for word, term_id in zip(words, store.lookup_many([NamedNode(word) for word in words]), strict=True) if term_id is not None}
    run = (store.cursor() if store.read_only else store.connection).execute
    names = {graph["id"]: str(graph["iri"]) for graph in store.graphs()}
    rows = run(f"SELECT DISTINCT p, g FROM quads WHERE p IN ({', '.join(map(str, ids)) or 'NULL'})").fetchall()
    holders: dict[str, set[str]] = {}
    for predicate, graph in rows:
        holders.setdefault(ids[predicate], set()).add(names.get(graph, ""))
    return Standing(graphs, {word: frozenset(found) for word, found in holders.items()})


def is_current(store: Store, measures: Sequence[Measure]) -> bool:
    """Whether no measure needs to be looked at."""
    known = {measure.owner: (store.fingerprint(measure.owner) or "").split() for measure in measures}
    if any(len(parts) != 3 for parts in known.values()):
        return False
    now = standing(store, measures)
    return all(known[measure.owner][1] == now.of(measure)[1] for measure in measures)


def in_order(measures: Iterable[Measure]) -> list[Measure]:
    """Each measure after those whose results it reads. MeasureError A110 where they read each other in a circle."""
    waiting, done = sorted(measures, key=lambda measure: measure.key), []
    while waiting:
        ready = [one for one in waiting if not any(other is not one and _follows(one, other) for other in waiting)]
        if not ready:
            names = " → ".join(measure.key for measure in waiting)
            raise MeasureError("A110", f"measures read each other's results in a circle: {names}", waiting[0].place(), "let one of them read other facts")
        done += ready
        waiting = [one for one in waiting if one not in ready]
    return done


def _follows(measure: Measure, other: Measure) -> bool:
    reads = measure.reads()
    return reads is not None and bool(reads & other.written())


# ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────


def run(store: Store, measure: Measure, *, force: bool = False, now: datetime | None = None) -> Done | None:
    """Bring a measure's graphs up to date; None where nothing that it reads has changed. All or nothing."""
    started = time.perf_counter()
    known = (store.fingerprint(measure.owner) or "").split()
    stands = standing(store, [measure]).of(measure)
    if not force and len(known) == 3 and known[1] == stands[1]:
        return None
    parameters = parameters_of(store, measure)
    try:
        table = rows_of(store, measure)
    except MeasureError as error:
        table = _without_rows(measure, error)
    found = digest(table, parameters)
    if not force and len(known) == 3 and known[2] == found and known[0].split(".")[0] == measure.digest():
        with store.transaction():
            store.own(measure.owner, measure.graph, " ".join((*stands, found)))
        return Done(measure, len(table), 0, Diff(0, 0), time.perf_counter() - started, is_same=True)
    result = _result(measure, table, parameters)
    with store.transaction():
        written = triples(store, measure, table, result) if result.columns else pa.table({name: pa.array([], pa.int64()) for name in "spo"})
        said = statements(measure, parameters, len(table), result, now or datetime.now(UTC))
        with store.replacing(measure.owner, " ".join((*stands, found))) as target:
            graph, run_graph = store.encode([NamedNode(measure.graph), NamedNode(measure.run_graph)])
            create_empty(store.connection, "kg_results", "s BIGINT, p BIGINT, o BIGINT")
            with registered(store.connection, "kg_found", written):
                store.connection.execute("INSERT INTO kg_results SELECT DISTINCT s, p, o FROM kg_found")
            ids = store.encode([term for triple in said for term in triple])
            rows = list(dict.fromkeys(zip(ids[::3], ids[1::3], ids[2::3], strict=True)))
            insert_rows(store.connection, f"{target.table} (g, s, p, o)", f"SELECT {graph}, s, p, o FROM kg_results ORDER BY p, s, o")
            store.connection.executemany(f"INSERT INTO {target.table} (g, s, p, o) VALUES ({run_graph}, ?, ?, ?)", rows)
            count = store.connection.execute("SELECT count(*) FROM kg_results").fetchone()[0]
            store.connection.execute("DROP TABLE kg_results")
    return Done(measure, len(table), count, target.diff, time.perf_counter() - started, False, result.findings, result.warnings)


# What an optional measure passes over with a warning: nothing to measure, a constant feature, too little to learn from.
_PASSED_OVER = ("A107", "A112", "A113")


def _without_rows(measure: Measure, error: MeasureError) -> Table:
    if not measure.is_optional or error.code not in _PASSED_OVER:
        raise error
    return Table(np.zeros(0, np.int64), {variable.name: np.zeros(0) for variable in measure.query.variables})


def _result(measure: Measure, table: Table, parameters: Mapping[str, object]) -> Result:
    try:
        if not len(table):
            return Result({}, {}, ("nothing was measured: the query finds nothing",))
        return measure.algorithm.run(table, parameters)
    except MeasureError as error:
        error.location = error.location or measure.place("algorithm")
        if measure.is_optional and error.code in _PASSED_OVER:
            return Result({}, {}, (f"nothing was measured: {error.message}",))
        raise


def stamp(store: Store, measures: Sequence[Measure]) -> None:
    """Note that all measures are up to date with the graphs as they are now."""
    now = standing(store, measures)
    with store.transaction():
        for measure in measures:
            parts = (store.fingerprint(measure.owner) or "").split()
            if len(parts) == 3 and parts[:2] != list(now.of(measure)):
                store.own(measure.owner, measure.graph, " ".join((*now.of(measure), parts[2])))


def parameters_of(store: Store, measure: Measure) -> dict[str, object]:
    """The parameters' values. MeasureError A103 for one that is not of its type, or is outside its range."""
    found: dict[str, object] = {}
    for parameter in measure.algorithm.parameters:
        text = measure.settings.get(parameter.name)
        found[parameter.name] = parameter.default if text is None else _value(store, measure, parameter, text)
    return found


def _value(store: Store, measure: Measure, parameter: Parameter, text: str) -> object:
    place = measure.place(f"set: {parameter.name}")
    if text.startswith("{"):
        prologue = measure.text[: measure.text.upper().rfind("SELECT")]
        prologue = "\n".join(line for line in prologue.splitlines() if line.strip().upper().startswith(("PREFIX", "BASE")))
        rows = list(evaluate(store, f"{prologue}\nSELECT ?value WHERE {text}", base=measure.base, prefixes=measure.prefixes, file=measure.file))
        if len(rows) != 1 or rows[0][0] is None:
            raise MeasureError("A103", f"{parameter.name} is to be the ?value of a pattern, which has {len(rows)} solutions instead of one", place)
        text = str(python_value(rows[0][0]))
    try:
        value = {"true": 1, "false": 0}.get(text.lower(), text) if parameter.kind is bool else text
        value = bool(value) if parameter.kind is bool and isinstance(value, int) else parameter.kind(value)
    except ValueError:
        raise MeasureError("A103", f"{parameter.name} must be {_NAMED[parameter.kind]}, not {text!r}", place, parameter.says) from None
    if parameter.choices and value not in parameter.choices:
        raise MeasureError("A103", f"{parameter.name} is one of {', '.join(parameter.choices)}, not {text!r}", place)
    if (parameter.least is not None and value < parameter.least) or (parameter.most is not None and value > parameter.most):
        span = f"at least {parameter.least:g}" if parameter.most is None else f"from {parameter.least:g} to {parameter.most:g}"
        raise MeasureError("A103", f"{parameter.name} is {text}; it must be {span}", place, parameter.says)
    return value


_NAMED = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
