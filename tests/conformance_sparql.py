"""Drives the W3C SPARQL 1.1 query suite: evaluation, result formats and syntax, in the strict reading of datasets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    Triple,
    parse,
    parse_query_results,
)

from kg.errors import KgError
from tests.conformance import SUITES, Case, graph_data, read, walk
from tests.conformance_engines import Answer, Engine, Given, Guanxi, Refused, Table

GUANXI = Guanxi()
MANIFESTS = ("sparql11/manifest-sparql11-query.ttl", "sparql11/manifest-sparql11-results.ttl")
_XSD = "http://www.w3.org/2001/XMLSchema#"
_DERIVED = {"integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger"}


def query_cases() -> list[Case]:
    return [case for manifest in MANIFESTS for case in walk(SUITES / manifest)]


def failure(case: Case, engine: Engine = GUANXI) -> str | None:
    """Why a case fails, in a few words; None where it passes. Any exception of a peer is a failure, those of ours are to be KgErrors."""
    try:
        if "Syntax" in case.type:
            return _syntax_failure(case, engine)
        return _evaluation_failure(case, engine)
    except KgError as error:
        return f"{type(error).__name__}: {error.message}"
    except Exception as error:
        if engine is GUANXI:
            raise
        return f"{type(error).__name__}: {error}"


def _syntax_failure(case: Case, engine: Engine) -> str | None:
    is_negative = case.type.startswith("Negative")
    try:
        engine.parse(read(case.action), case.action.as_uri(), is_update=False)
    except Refused as error:
        return None if is_negative else str(error)
    return "accepted" if is_negative else None


def _evaluation_failure(case: Case, engine: Engine) -> str | None:
    query, text = case.action["query"][0], read(case.action["query"][0])
    given = Given(case.action.get("data", []), graph_data(case.action))
    answer = engine.query(given, text, query.as_uri(), writes_csv=isinstance(case.result, Path) and case.result.suffix == ".csv")
    return difference(answer, case.result, is_ordered=bool(re.search(r"order\s+by", text, re.IGNORECASE)))


def difference(answer: Answer, expected: Path, is_ordered: bool) -> str | None:
    if isinstance(answer, list):
        wanted = [quad.triple for quad in parse(path=str(expected))]
        return None if _canonical(answer) == _canonical(wanted) else "other triples"
    if expected.suffix == ".csv" and isinstance(answer, Table):
        lines, wanted_lines = _cells(answer.csv), _cells(read(expected))
        return None if lines == wanted_lines else f"{lines} instead of {wanted_lines}"
    results = _expected_results(expected)
    if isinstance(answer, bool) or isinstance(results, bool):
        return None if answer == results else f"{answer} instead of {results}"
    names, wanted_rows = results
    if set(names) != set(answer.variables):
        return f"variables {answer.variables} instead of {names}"
    if _as_dataset(answer.rows, is_ordered) == _as_dataset(wanted_rows, is_ordered):
        return None
    return f"{[_shown(row) for row in answer.rows]} instead of {[_shown(row) for row in wanted_rows]}"


def _cells(text: str) -> list[list[tuple[str, str]]]:
    """The rows of a CSV text as (column, value), whatever the order of columns and rows; blank nodes nameless."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return sorted(sorted((name, re.sub(r"^_:.*", "_:", value)) for name, value in row.items()) for row in rows)


def _expected_results(path: Path) -> bool | tuple[list[str], list[dict]]:
    if path.suffix in (".ttl", ".rdf"):
        return _result_set(path)
    formats = {".srx": QueryResultsFormat.XML, ".srj": QueryResultsFormat.JSON, ".tsv": QueryResultsFormat.TSV}
    results = parse_query_results(path.read_bytes(), format=formats[path.suffix])
    if not hasattr(results, "variables"):
        return bool(results)
    names = [variable.value for variable in results.variables]
    return names, [{name: solution[name] for name in names} for solution in results]


def _result_set(path: Path) -> tuple[list[str], list[dict]]:
    """A result written in the result-set vocabulary of RDF."""
    rs = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
    triples = [quad.triple for quad in parse(path=str(path), base_iri=path.as_uri())]

    def objects(subject: object, name: str) -> list:
        return [t.object for t in triples if t.predicate.value == rs + name and (subject is None or t.subject == subject)]

    names = [name.value for name in objects(None, "resultVariable")]
    rows = []
    for solution in objects(None, "solution"):
        row: dict = dict.fromkeys(names)
        for binding in objects(solution, "binding"):
            row[objects(binding, "variable")[0].value] = objects(binding, "value")[0]
        rows.append(row)
    return names, rows


def _as_dataset(rows: Iterable[dict], is_ordered: bool) -> Dataset:
    """Rows as a canonical dataset, so that they are compared as a multiset and up to blank nodes."""
    triples = []
    for place, row in enumerate(rows):
        node = BlankNode()
        triples.append(Triple(node, NamedNode("urn:row"), Literal(place if is_ordered else 0)))
        triples += [Triple(node, NamedNode(f"urn:{name}"), term) for name, term in row.items() if term is not None]
    return _canonical(triples)


def _canonical(triples: Iterable[Triple]) -> Dataset:
    dataset = Dataset(Quad(t.subject, t.predicate, _by_value(t.object)) for t in triples)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def _by_value(term: object) -> object:
    """Numbers in one spelling: the suite's results spell computed numbers in several ways."""
    if not isinstance(term, Literal) or not term.datatype.value.startswith(_XSD):
        return term
    kind = term.datatype.value.removeprefix(_XSD)
    try:
        if kind in ("double", "float"):
            return Literal(f"{float(term.value):.7g}", datatype=term.datatype)
        if kind == "decimal" or kind in _DERIVED:
            return Literal(f"{Decimal(term.value).normalize() + 0:f}", datatype=term.datatype)
    except (InvalidOperation, ValueError):
        pass
    return term


def _shown(row: dict) -> dict[str, str]:
    return {name: str(term) for name, term in row.items() if term is not None}


def report() -> str:
    """One line: how many of the suite's query cases pass."""
    results = [failure(case) for case in query_cases()]
    return f"sparql11-query {sum(result is None for result in results)}/{len(results)}"


def run(manifest: str = MANIFESTS[0], engine: Engine = GUANXI) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason}) of one manifest."""
    found = list(walk(SUITES / manifest))
    failed = {case.id: reason for case in found if (reason := failure(case, engine)) is not None}
    return len(found) - len(failed), len(found), failed


def run_results(engine: Engine = GUANXI) -> tuple[int, int, dict[str, str]]:
    """The suite of result formats alone."""
    return run(MANIFESTS[1], engine)


def run_queries(engine: Engine = GUANXI) -> tuple[int, int, dict[str, str]]:
    """The suite of queries alone."""
    return run(MANIFESTS[0], engine)
