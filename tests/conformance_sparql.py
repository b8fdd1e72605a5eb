"""Drives the W3C SPARQL 1.1 query suite: evaluation, result formats and syntax, in the strict reading of datasets."""

from __future__ import annotations

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

from kg.errors import KgError, QuerySyntaxError
from kg.sparql.evaluate import Solutions, Triples, evaluate
from kg.sparql.parser import parse_query
from kg.sparql.results import write_solutions
from kg.store import Store
from kg.store.documents import load
from tests.conformance import SUITES, Case, graph_data, read, walk

MANIFESTS = ("sparql11/manifest-sparql11-query.ttl", "sparql11/manifest-sparql11-results.ttl")
_XSD = "http://www.w3.org/2001/XMLSchema#"
_DERIVED = {"integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger"}


def query_cases() -> list[Case]:
    return [case for manifest in MANIFESTS for case in walk(SUITES / manifest)]


def failure(case: Case) -> str | None:
    """Why a case fails, in a few words; None where it passes."""
    try:
        if "Syntax" in case.type:
            return _syntax_failure(case)
        return _evaluation_failure(case)
    except KgError as error:
        return f"{type(error).__name__}: {error.message}"


def _syntax_failure(case: Case) -> str | None:
    is_negative = case.type.startswith("Negative")
    try:
        parse_query(read(case.action), base=case.action.as_uri())
    except QuerySyntaxError as error:
        return None if is_negative else str(error)
    return "accepted" if is_negative else None


def _evaluation_failure(case: Case) -> str | None:
    with Store.memory() as store:
        for path in case.action.get("data", []):
            load(store, str(path), base=path.as_uri())
        for name, path in graph_data(case.action):
            load(store, str(path), base=path.as_uri(), graph=name)
        text = read(case.action["query"][0])
        answer = evaluate(store, text, strict=True, base=case.action["query"][0].as_uri())
        return difference(answer, case.result, is_ordered=bool(re.search(r"order\s+by", text, re.IGNORECASE)))


def difference(answer: Solutions | bool | Triples, expected: Path, is_ordered: bool) -> str | None:
    if isinstance(answer, Triples):
        wanted = [quad.triple for quad in parse(path=str(expected))]
        return None if _canonical(answer) == _canonical(wanted) else "other triples"
    if expected.suffix == ".csv" and isinstance(answer, Solutions):
        lines = "".join(write_solutions(answer.variables, answer, "csv")).splitlines()
        wanted_lines = read(expected).splitlines()
        same = lines[0] == wanted_lines[0] and sorted(map(_anonymous, lines)) == sorted(map(_anonymous, wanted_lines))
        return None if same else f"{lines} instead of {wanted_lines}"
    results = _expected_results(expected)
    if isinstance(answer, bool) or isinstance(results, bool):
        return None if answer == results else f"{answer} instead of {results}"
    names, wanted_rows = results
    if set(names) != set(answer.variables):
        return f"variables {answer.variables} instead of {names}"
    variables = answer.variables
    rows = [dict(zip(variables, row, strict=True)) for row in answer]
    if _as_dataset(rows, is_ordered) == _as_dataset(wanted_rows, is_ordered):
        return None
    return f"{[_shown(row) for row in rows]} instead of {[_shown(row) for row in wanted_rows]}"


def _anonymous(line: str) -> str:
    return re.sub(r"_:[\w-]+", "_:", line)


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


def run(manifest: str = MANIFESTS[0]) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason}) of one manifest."""
    found = list(walk(SUITES / manifest))
    failed = {case.id: reason for case in found if (reason := failure(case))}
    return len(found) - len(failed), len(found), failed


def run_results() -> tuple[int, int, dict[str, str]]:
    """The suite of result formats alone."""
    return run(MANIFESTS[1])
