"""What is measured of validation, one function a process: python -m benchmarks.measured_validation FUNCTION …; prints its findings as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from kg import KnowledgeGraph, validation
from kg.shapes import load_shapes
from kg.shapes import validate as shapes_validate
from kg.store import Store, documents
from kg.store.versions import Versions


def validate(data: str, shapes: str) -> dict[str, object]:
    """Seconds to validate a file that has been loaded and to write the report, the least of three, and its results."""
    read = load_shapes(Path(shapes))
    with Store.memory() as store:
        documents.load(store, data)
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            report = shapes_validate(store, read)
            report.write("turtle")
            seconds.append(time.perf_counter() - started)
        triples = store.cursor().execute("SELECT count(*) FROM triples").fetchone()[0]
    return {"seconds": min(seconds), "triples": triples, "results": [[one.focus_node.value, one.component.value] for one in report.results]}


def validate_project(project: str) -> dict[str, object]:
    """`kg build --only validate`: seconds, and what there is."""
    with KnowledgeGraph.open(project) as graph:
        step = graph.build(only="validate").steps[-1]
        return {"seconds": step.seconds, "triples": graph.status().triples, "shapes": len(list(graph.shapes().roots)), "results": step.triples}


def revalidate(project: str, number: str = "100") -> dict[str, object]:
    """Seconds to bring the report up to date after so many changed triples: half go, as many come with another value. The median of
    three such changes; the results are then those of checking everything."""
    seconds = []
    with KnowledgeGraph.open(project) as graph, Versions(graph.project.store, **graph.project.settings).write() as draft:
        store, report = draft.store, validation.stored_report(graph.project, draft.store)
        for seed in range(3):
            among = "SELECT g, s, p, o FROM quads WHERE rule IS NULL AND (o >> 56 = 16 OR o >> 56 BETWEEN 32 AND 50)"
            store.connection.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS {among} USING SAMPLE reservoir({int(number) // 2} ROWS) REPEATABLE ({seed})")
            store.delete("SELECT g, s, p, o FROM chosen")
            store.insert("SELECT g, s, p, o + 1 AS o FROM chosen")
            started = time.perf_counter()
            summary = validation.bring_up_to_date(graph.project, store)
            seconds.append(time.perf_counter() - started)
        kept = sum(one.results for one in report.counts())
        whole = len(shapes_validate(store, graph.shapes(), connection=store.connection).results)
    if kept != whole or not summary.is_incremental:
        raise ValueError(f"{kept} results by what changed, {whole} in all")
    return {"seconds": statistics.median(seconds), "results": kept}


FUNCTIONS = {function.__name__: function for function in (validate, validate_project, revalidate)}

if __name__ == "__main__":
    print(json.dumps(FUNCTIONS[sys.argv[1]](*sys.argv[2:])))
