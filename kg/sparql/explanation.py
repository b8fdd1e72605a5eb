"""What becomes of a query: its algebra, its SQL, DuckDB's plan with estimated and actual rows, and terms that the graph lacks."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches

from pyoxigraph import Literal, NamedNode

from kg.sparql import algebra
from kg.sparql.algebra_text import pattern_lines
from kg.sparql.compile import CompiledQuery
from kg.sparql.deadline import Stop, deadline
from kg.sparql.strings import register_python_functions
from kg.sparql.values import Term
from kg.store import Store
from kg.store.notation import text_of
from kg.terms import RDF_TYPE


@dataclass(frozen=True)
class PlanStep:
    """An operator of DuckDB's plan; its inputs follow it, one level deeper."""

    depth: int
    operator: str
    detail: str
    estimated_rows: int | None
    rows: int
    milliseconds: float


@dataclass(frozen=True)
class QueryExplanation:
    """`constants` are the ids in the SQL that stand for terms; `notes` say what the writer of the query may not know."""

    algebra: str
    sql: str
    constants: Mapping[int, str]
    steps: tuple[PlanStep, ...]
    compile_milliseconds: float
    run_milliseconds: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "algebra": self.algebra.splitlines(),
            "sql": self.sql,
            "constants": {str(term_id): term for term_id, term in self.constants.items()},
            "plan": [{field.name: getattr(step, field.name) for field in fields(step)} for step in self.steps],
            "compile_milliseconds": self.compile_milliseconds,
            "run_milliseconds": self.run_milliseconds,
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """For people: one section after the other."""
        parts = [f"note: {note}" for note in self.notes]
        parts += ["algebra", *(f"  {line}" for line in self.algebra.splitlines())]
        parts += [f"SQL, compiled in {self.compile_milliseconds:.1f} ms", f"  {self.sql}"]
        parts += [f"  -- {term_id} is {term}" for term_id, term in self.constants.items()]
        parts += [f"plan, run in {self.run_milliseconds:.1f} ms", f"  {'estimated':>12}{'rows':>12}{'ms':>9}  operator"]
        for step in self.steps:
            estimated = "" if step.estimated_rows is None else f"{step.estimated_rows:,}"
            parts.append(f"  {estimated:>12}{step.rows:>12,}{step.milliseconds:>9.1f}  {'  ' * step.depth}{step.operator} {step.detail}".rstrip())
        return "\n".join(parts) + "\n"


def explain_query(
    store: Store, compiled: CompiledQuery, compile_seconds: float, *, timeout: float | None = None, stop: Stop | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> QueryExplanation:  # fmt: skip
    """Run a compiled query, its rows thrown away, and say what happened; QueryTimeout after `timeout` seconds."""
    prefixes = prefixes or {}
    notes = [*unknown_terms(store, compiled.query, prefixes)]
    started, steps = time.perf_counter(), ()
    if compiled.is_empty:
        notes.append("the query is known to have no solution before anything is run")
    else:
        cursor = store.cursor()
        try:
            with deadline(cursor, timeout, stop=stop):
                register_python_functions(cursor, compiled.sql)
                report = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT json) {compiled.sql}", compiled.parameters or None).fetchall()
        finally:
            cursor.close()
        steps = tuple(_steps(json.loads(report[0][1])))
    seconds = time.perf_counter() - started
    named = {term: store.lookup(term) for term in _constants(compiled.query) if isinstance(term, NamedNode)}
    constants = {term_id: text_of(term, prefixes) for term, term_id in named.items() if term_id is not None and str(term_id) in compiled.sql}
    algebra_text = "\n".join(pattern_lines(compiled.query.pattern, prefixes))
    return QueryExplanation(algebra_text, compiled.sql, constants, steps, compile_seconds * 1000, seconds * 1000, tuple(notes))


# ── DuckDB's plan ────────────────────────────────────────────────────────────────────────────────────────────

# What wraps every plan, or only passes rows on, says nothing.
_LEFT_OUT = {"RESULT_COLLECTOR", "EXPLAIN_ANALYZE", "PROJECTION", ""}


def _steps(node: Mapping[str, object], depth: int = 0) -> Iterator[PlanStep]:
    """The operators of a plan as DuckDB 1.x and 2.x write it in JSON, from the last to the first."""
    operator = str(node.get("type") or node.get("operator_type") or "")
    is_shown = operator not in _LEFT_OUT
    if is_shown:
        extra = node.get("extra_info") or {}
        estimate = extra.get("Estimated Cardinality")
        yield PlanStep(
            depth, operator, _detail(extra), int(estimate) if estimate is not None else None,
            int(node.get("intermediate_rows", node.get("operator_cardinality", 0))), float(node.get("timing", node.get("operator_timing", 0))) * 1000,
        )  # fmt: skip
    for child in node.get("operator") or node.get("children") or ():
        yield from _steps(child, depth + is_shown)


def _detail(extra: Mapping[str, object]) -> str:
    wanted = (extra.get(name) for name in ("Table", "Join Type", "Conditions", "Filters", "Expression", "Groups", "Aggregates", "Order By"))
    texts = (", ".join(found) if isinstance(found, list) else str(found) for found in wanted if found)
    detail = " ".join(" ".join(text.split()) for text in texts)
    return detail if len(detail) <= 160 else f"{detail[:159]}…"


# ── Terms that the graph lacks ───────────────────────────────────────────────────────────────────────────────


def unknown_terms(store: Store, query: algebra.Query, prefixes: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each predicate and class, and each other IRI or literal of a triple pattern, that no triple has."""
    prefixes, notes = prefixes or {}, []
    for triple in dict.fromkeys(_triples(query.pattern)):
        subject, predicate, object_ = triple.subject, triple.predicate, triple.object
        if isinstance(predicate, NamedNode) and store.lookup(predicate) not in store.statistics:
            known = [text_of(term, prefixes) for term in store.decode(store.statistics).values()]
            notes.append(_note("no triple has the predicate", predicate, known, prefixes))
        elif predicate == NamedNode(RDF_TYPE) and isinstance(object_, NamedNode):
            notes += _class_note(store, predicate, object_, prefixes)
        elif isinstance(object_, (NamedNode, Literal)) and store.lookup(object_) is None:
            notes.append(_note("the graph does not have", object_, (), prefixes))
        if isinstance(subject, NamedNode) and store.lookup(subject) is None:
            notes.append(_note("the graph does not have", subject, (), prefixes))
    return list(dict.fromkeys(notes))


def _class_note(store: Store, rdf_type: NamedNode, name: NamedNode, prefixes: Mapping[str, str]) -> list[str]:
    cursor = store.cursor()
    try:
        found = [row[0] for row in cursor.execute("SELECT DISTINCT o FROM quads WHERE p = ?", [store.lookup(rdf_type)]).fetchall()]
    finally:
        cursor.close()
    if store.lookup(name) in found:
        return []
    return [_note("nothing has the class", name, [text_of(term, prefixes) for term in store.decode(found).values()], prefixes)]


def _note(what: str, term: Term, known: list[str] | tuple[str, ...], prefixes: Mapping[str, str]) -> str:
    name = text_of(term, prefixes)
    by_local_name = {_local_name(text): text for text in known}  # what precedes it is alike in most
    close = [by_local_name[found] for found in get_close_matches(_local_name(name), list(by_local_name), n=3, cutoff=0.6)]
    return f"{what} {name}" + (f"; did you mean {' or '.join(close)}?" if close else "")


def _local_name(text: str) -> str:
    return re.split("[/#:]", text.strip("<>").rstrip("/#"))[-1].lower()


def _triples(node: object) -> Iterator[algebra.TriplePattern]:
    """The triple patterns of a pattern, those of other endpoints left out."""
    if isinstance(node, algebra.TriplePattern):
        yield node
    elif is_dataclass(node) and not isinstance(node, (algebra.Service, algebra.Search)):
        for field in fields(node):
            yield from _triples(getattr(node, field.name))
    elif isinstance(node, tuple):
        for item in node:
            yield from _triples(item)


def _constants(node: object) -> Iterator[Term]:
    """The constant terms of an algebra."""
    if isinstance(node, (NamedNode, Literal)):
        yield node
    elif is_dataclass(node) and not isinstance(node, (algebra.Service, algebra.Search)):
        for field in fields(node):
            yield from _constants(getattr(node, field.name))
    elif isinstance(node, tuple):
        for item in node:
            yield from _constants(item)
