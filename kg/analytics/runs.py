"""What is said of a measure's last run, in a graph of its own beside that of the results: written, and read again.

The graph of the results says nothing of the time of the run, so that two runs over the same rows write the same triples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyoxigraph import Literal, NamedNode

from kg import terms
from kg.analytics.measure import Measure
from kg.analytics.model import Result
from kg.store import Store
from kg.terms import RDF_TYPE, Term

KG = "urn:kg:"
_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
_GENERATED = NamedNode("http://www.w3.org/ns/prov#generatedAtTime")


@dataclass(frozen=True)
class Run:
    """The last run; `run` is None where there was none."""

    run: str | None
    rows: int
    parameters: Mapping[str, str]
    findings: tuple[str, ...]
    warnings: tuple[str, ...]


def statements(measure: Measure, parameters: Mapping[str, object], rows: int, result: Result, now: datetime) -> list[tuple[Term, NamedNode, Term]]:
    """What is to be said of a run: the algorithm, its parameters, how many rows, what it found as a whole, and when."""
    graph = NamedNode(measure.graph)
    said: list[tuple[Term, NamedNode, Term]] = [
        (graph, NamedNode(RDF_TYPE), _kg("Measure")),
        (graph, _kg("algorithm"), Literal(measure.algorithm.name)),
        (graph, _kg("algorithmVersion"), Literal(measure.algorithm.version)),
        (graph, _kg("rows"), Literal(rows)),
        (graph, _kg("file"), Literal(measure.file)),
        (graph, _GENERATED, Literal(now.strftime("%Y-%m-%dT%H:%M:%SZ"), datatype=NamedNode(terms.XSD_DATETIME))),
    ]
    said += [(graph, _LABEL, Literal(title, language=language)) for language, title in measure.titles.items()]
    for name, value in parameters.items():
        if value is not None:
            node = NamedNode(f"{measure.run_graph}/{name}")
            said += [(graph, _kg("parameter"), node), (node, _LABEL, Literal(name)), (node, _kg("value"), _literal(value))]
    for language, found in result.findings.items():
        said += [(graph, _kg("finding"), Literal(text, language=language)) for text in found]
    return said + [(graph, _kg("warning"), Literal(text, language="en")) for text in result.warnings]


def _kg(name: str) -> NamedNode:
    return NamedNode(KG + name)


def _literal(value: object) -> Literal:
    if isinstance(value, (bool, int, str)):
        return Literal(value)
    return Literal(f"{value:.12f}".rstrip("0").rstrip("."), datatype=NamedNode(terms.XSD_DECIMAL))


def said(store: Store, measure: Measure, language: str = "en") -> Run:
    """What the run's graph says."""
    graph = store.lookup(NamedNode(measure.run_graph))
    rows = store.cursor().execute("SELECT s, p, o FROM quads WHERE g = ? ORDER BY s, p, o", [graph]).fetchall() if graph is not None else []
    known = store.decode({term_id for row in rows for term_id in row})
    facts = [tuple(known[term_id] for term_id in row) for row in rows]
    about: dict[str, list[Term]] = {}
    for subject, predicate, object in facts:
        if subject.value == measure.graph:
            about.setdefault(predicate.value, []).append(object)
    labels = {subject: object.value for subject, predicate, object in facts if predicate == _LABEL and subject.value != measure.graph}
    values = {labels[subject]: object.value for subject, predicate, object in facts if predicate == _kg("value") and subject in labels}
    in_order = {parameter.name: values[parameter.name] for parameter in measure.algorithm.parameters if parameter.name in values}

    def texts(name: str) -> tuple[str, ...]:
        found = about.get(KG + name, [])
        spoken = [term for term in found if term.language == language] or found
        return tuple(sorted(term.value for term in spoken))

    when = about.get(_GENERATED.value)
    count = about.get(KG + "rows")
    return Run(when[0].value if when else None, int(count[0].value) if count else 0, in_order, texts("finding"), texts("warning"))
