"""Query engines behind one door, so that the drivers of the SPARQL suites measure this one and its peers alike.

An engine answers in pyoxigraph's terms, whatever its own are. Whatever it raises counts as a failure of the case.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyoxigraph
import rdflib
from pyoxigraph import BlankNode, Dataset, DefaultGraph, Literal, NamedNode, Quad, QueryResultsFormat, RdfFormat, Triple
from rdflib.plugins import sparql as rdflib_sparql
from rdflib.plugins.sparql import algebra as rdflib_algebra
from rdflib.plugins.sparql import parser as rdflib_parser

from kg.errors import QuerySyntaxError
from kg.sparql.evaluate import Solutions, Triples, evaluate
from kg.sparql.parser import parse_query, parse_update
from kg.sparql.results import write_solutions
from kg.sparql.update import update
from kg.store import Store, documents

Term = NamedNode | BlankNode | Literal | Triple | None


@dataclass(frozen=True)
class Table:
    """The answer to a SELECT; `csv` is how the engine writes it."""

    variables: list[str]
    rows: list[dict[str, Term]]
    csv: str = ""


Answer = Table | bool | list[Triple]


@dataclass(frozen=True)
class Given:
    """The dataset of a case: files of the default graph, and of named graphs."""

    default: list[Path]
    named: list[tuple[str, Path]]


class Refused(Exception):
    """A text that an engine finds to be no query or update."""


class Engine(Protocol):
    name: str

    def parse(self, text: str, base: str, is_update: bool) -> None:
        """Refused where the text is no query or update."""

    def query(self, given: Given, text: str, base: str, writes_csv: bool) -> Answer: ...

    def update(self, given: Given, text: str, base: str) -> Dataset:
        """The dataset afterwards."""


class Guanxi:
    name = "Guanxi"

    def parse(self, text: str, base: str, is_update: bool) -> None:
        try:
            (parse_update if is_update else parse_query)(text, base=base)
        except QuerySyntaxError as error:
            raise Refused(str(error)) from error

    def query(self, given: Given, text: str, base: str, writes_csv: bool) -> Answer:
        with Store.memory() as store:
            self._load(store, given)
            return answer_of(evaluate(store, text, strict=True, base=base))

    def update(self, given: Given, text: str, base: str) -> Dataset:
        with Store.memory() as store:
            self._load(store, given)
            update(store, text, strict=True, base=base)
            return dataset(store)

    @staticmethod
    def _load(store: Store, given: Given) -> None:
        for path in given.default:
            documents.load(store, str(path), base=path.as_uri())
        for name, path in given.named:
            documents.load(store, str(path), base=path.as_uri(), graph=name)
            store.create_graph(name)  # a graph without triples is a graph


def answer_of(answer: Solutions | bool | Triples) -> Answer:
    """What this engine answers, as the drivers compare it."""
    if isinstance(answer, Solutions):
        variables, rows = list(answer.variables), list(answer)
        csv = "".join(write_solutions(answer.variables, iter(rows), "csv"))
        return Table(variables, [dict(zip(variables, row, strict=True)) for row in rows], csv)
    return list(answer) if isinstance(answer, Triples) else answer


def dataset(store: Store) -> Dataset:
    """Everything in a store of this engine."""
    rows = store.connection.execute("SELECT g, s, p, o FROM quads").fetchall()
    terms = store.decode({term for row in rows for term in row if term})
    return Dataset(Quad(terms[s], terms[p], terms[o], terms[g] if g else DefaultGraph()) for g, s, p, o in rows)


class Oxigraph:
    name = f"Oxigraph {pyoxigraph.__version__}"

    def parse(self, text: str, base: str, is_update: bool) -> None:
        """By running it on an empty store, as it has no parser of its own to call: what it would ask of others is turned to a closed port."""
        if re.search(r"(?i)\b(load|service)\b", text):
            text = re.sub(r"<https?://[^/>]*", "<http://127.0.0.1:9", text)
        store = pyoxigraph.Store()
        try:
            (store.update if is_update else store.query)(text, base_iri=base)
        except SyntaxError as error:
            raise Refused(str(error)) from error
        except (OSError, RuntimeError):
            pass  # it was read, and then did not work

    def query(self, given: Given, text: str, base: str, writes_csv: bool) -> Answer:
        store = self._store(given)
        answer = store.query(text, base_iri=base)
        if isinstance(answer, pyoxigraph.QueryBoolean):
            return bool(answer)
        if isinstance(answer, pyoxigraph.QueryTriples):
            return list(answer)
        variables = [variable.value for variable in answer.variables]
        rows = [dict(zip(variables, row, strict=True)) for row in answer]
        csv = store.query(text, base_iri=base).serialize(format=QueryResultsFormat.CSV).decode() if writes_csv else ""
        return Table(variables, rows, csv)

    def update(self, given: Given, text: str, base: str) -> Dataset:
        store = self._store(given)
        store.update(text, base_iri=base)
        return Dataset(store)

    @staticmethod
    def _store(given: Given) -> pyoxigraph.Store:
        store = pyoxigraph.Store()
        for name, path in [(None, path) for path in given.default] + given.named:
            format = RdfFormat.from_extension(path.suffix[1:])
            store.load(path=str(path), format=format, base_iri=path.as_uri(), to_graph=NamedNode(name) if name else None)
            if name:
                store.add_graph(NamedNode(name))
        return store


class Rdflib:
    name = f"rdflib {rdflib.__version__}"

    def __init__(self) -> None:
        rdflib_sparql.SPARQL_LOAD_GRAPHS = False  # FROM names graphs of the dataset, and nothing is fetched
        logging.getLogger("rdflib").setLevel(logging.CRITICAL)

    def parse(self, text: str, base: str, is_update: bool) -> None:
        try:
            if is_update:
                rdflib_algebra.translateUpdate(rdflib_parser.parseUpdate(text), base)
            else:
                rdflib_algebra.translateQuery(rdflib_parser.parseQuery(text), base)
        except Exception as error:
            raise Refused(str(error)) from error

    def query(self, given: Given, text: str, base: str, writes_csv: bool) -> Answer:
        answer = self._dataset(given).query(text, base=base)
        if answer.type == "ASK":
            return bool(answer.askAnswer)
        if answer.type in ("CONSTRUCT", "DESCRIBE"):
            return [Triple(*map(_term, triple)) for triple in answer.graph]
        variables = [str(variable) for variable in answer.vars or []]
        rows = [{name: _term(row[place]) for place, name in enumerate(variables)} for row in answer]
        return Table(variables, rows, answer.serialize(format="csv").decode() if writes_csv else "")

    def update(self, given: Given, text: str, base: str) -> Dataset:
        dataset = self._dataset(given)
        dataset.update(f"BASE <{base}>\n{text}")
        return Dataset(self._quads(dataset))

    @staticmethod
    def _quads(dataset: rdflib.Dataset) -> Iterable[Quad]:
        for s, p, o, graph in dataset.quads():
            is_default = graph is None or graph == rdflib.graph.DATASET_DEFAULT_GRAPH_ID
            yield Quad(_term(s), _term(p), _term(o), DefaultGraph() if is_default else _term(graph))

    @staticmethod
    def _dataset(given: Given) -> rdflib.Dataset:
        dataset = rdflib.Dataset()
        for name, path in [(None, path) for path in given.default] + given.named:
            graph = dataset.graph(rdflib.URIRef(name)) if name else dataset.default_graph
            graph.parse(str(path), publicID=path.as_uri(), format="xml" if path.suffix == ".rdf" else "turtle")
        return dataset


def _term(term: object) -> Term:
    """rdflib's term as pyoxigraph's."""
    if isinstance(term, rdflib.URIRef):
        return NamedNode(str(term))
    if isinstance(term, rdflib.BNode):
        return BlankNode(re.sub(r"\W", "", str(term)))
    if isinstance(term, rdflib.Literal):
        if term.language:
            return Literal(str(term), language=term.language)
        return Literal(str(term), datatype=NamedNode(str(term.datatype))) if term.datatype else Literal(str(term))
    return None
