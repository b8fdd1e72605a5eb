"""Why a measure wrote a triple: its sentence filled in, the algorithm and its parameters, and the rows that speak of the same things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyoxigraph import NamedNode, Triple

from kg.analytics.measure import Measure
from kg.analytics.results import unified
from kg.analytics.runs import said
from kg.sparql import algebra
from kg.sparql.algebra import BGP, Var
from kg.sparql.evaluate import evaluate
from kg.sparql.substitute import substituted
from kg.store import Store
from kg.terms import Term

_ROWS = 12  # rows of the query that are shown


@dataclass(frozen=True)
class Row:
    """A row of the measure's query, shaped as a source row is."""

    file: str
    columns: Mapping[str, str]
    line: int | None = None
    record: int | None = None
    table: str | None = None


@dataclass(frozen=True)
class Measured:
    """The grounds of a measure's triple: `bindings` are the results that it was written of."""

    name: str
    text: str
    place: str
    graph: str
    says: Mapping[str, str]
    bindings: Mapping[str, Term]
    method: Mapping[str, str]  # by language
    rows: tuple[Row, ...] = field(default=())


def measured(store: Store, measure: Measure, triple: Triple) -> Measured | None:
    """The grounds of a triple of the measure's graph; None where the measure does not write such a triple."""
    for pattern in measure.writes:
        bound = unified(pattern, triple)
        if bound is None:
            continue
        solution = _solution(store, measure, bound)
        if solution is not None:
            return Measured(
                measure.key, measure.text, measure.file, measure.graph, measure.says, solution, _method(store, measure), _rows(store, measure, solution)
            )
    return None


def _solution(store: Store, measure: Measure, bound: Mapping[str, Term]) -> dict[str, Term] | None:
    """All results of the row that a triple was written of: what the graph says where the measure writes. Several values: the first."""
    found: dict[str, Term] = dict(bound)
    graph = algebra.Dataset(default=(NamedNode(measure.graph),))
    for _ in range(2):  # first what tells rows apart, then the rest
        for pattern in measure.writes:
            names = [term.name for term in (pattern.subject, pattern.object) if isinstance(term, Var)]
            if not any(name in found for name in names) or all(name in found for name in names):
                continue
            fixed = {name: found[name] for name in names if name in found}
            wanted = tuple(Var(name) for name in names if name not in fixed)
            query = algebra.Select(algebra.Project(substituted(BGP((pattern,)), fixed), wanted), wanted, graph)
            rows = sorted(evaluate(store, query), key=str)
            if rows:
                found.update(zip((variable.name for variable in wanted), rows[0], strict=True))
    return found


def _method(store: Store, measure: Measure) -> dict[str, str]:
    """The algorithm and the parameters of the last run, in words."""
    run = said(store, measure)
    settings, day = ", ".join(f"{name}={value}" for name, value in run.parameters.items()), (run.run or "")[:10]
    name = f"{measure.algorithm.name} {measure.algorithm.version}"
    return {"en": f"{name} ({settings}) on {day}", "zh": f"{name}（{settings}），{day}"}


def _rows(store: Store, measure: Measure, solution: Mapping[str, Term]) -> tuple[Row, ...]:
    """Rows of the query about the same nodes: where the query has a column of the result's name."""
    own = {variable.name for variable in measure.query.variables}
    keys = {name: solution[name] for name in measure.algorithm.key if name in own and name in solution}
    if not keys:
        return ()
    found: list[Row] = []
    for bindings in ([keys] if len(keys) == 1 else [keys, *({name: term} for name, term in reversed(keys.items()))]):
        solutions = evaluate(store, measure.query, bindings=bindings, row_limit=_ROWS, partial=True)
        names = solutions.variables
        rows = [Row(measure.file, {name: _text(measure, term) for name, term in zip(names, row, strict=True) if term is not None}) for row in solutions]
        found += [row for row in rows if row not in found]
        if found:
            break
    return tuple(found[:_ROWS])


def _text(measure: Measure, term: Term) -> str:
    if isinstance(term, NamedNode):
        for prefix, namespace in sorted(measure.prefixes.items(), key=lambda pair: -len(pair[1])):
            if namespace and term.value.startswith(namespace):
                return f"{prefix}:{term.value[len(namespace):]}"
    return term.value if hasattr(term, "value") else str(term)
