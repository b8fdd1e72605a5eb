"""A validation report as a named graph that is kept up to date: counted, paged and revised in place.

It is a sh:ValidationReport (section 3.6) whose results have names of their own, made from what they say: the same result
keeps its name from one report to the next, so that only the difference is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import duckdb
from pyoxigraph import BlankNode, Literal, NamedNode

from kg.shapes.affected import Extent
from kg.shapes.document import ShapesDocument
from kg.shapes.model import Shape, ShapesGraph
from kg.shapes.paths import path_text
from kg.shapes.report import ValidationResult, local_name, result_triples
from kg.shapes.vocabulary import TYPE, sh
from kg.sql.inserting import insert_rows
from kg.sql.temporary import create_empty
from kg.store import Diff, Store
from kg.store.staging import QuadEncoder
from kg.terms import Term

OWNER = "validate:report"
_COLUMNS = {"focus": "focusNode", "path": "resultPath", "value": "value", "shape": "sourceShape", "component": "sourceConstraintComponent",
            "severity": "resultSeverity", "origin": "sourceConstraint"}  # fmt: skip
_SEVERITIES = ("Violation", "Warning", "Info")


@dataclass(frozen=True)
class Count:
    """How many results a shape has of one constraint component and severity, by their local names."""

    shape: str
    severity: str
    component: str
    results: int


class StoredReport:
    """The report in the graph `graph` of a store; `shapes` are those that it is about."""

    def __init__(self, store: Store, graph: str, shapes: ShapesGraph) -> None:
        self.store, self.graph, self.shapes = store, graph, shapes
        self.node = NamedNode(f"{graph}#report")
        self._labels = Labels(shapes.document)
        self._shape_of: dict[Term, Shape] = {self._labels.of(node): shape for node, shape in shapes.shapes.items()}

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, results: Iterable[ValidationResult], fingerprint: str | None = None) -> Diff:
        """Make these the results, in place of all earlier ones."""
        with self.store.transaction():
            rows = self._staged(self._quads(results))
            with self.store.replacing(OWNER, fingerprint) as target:
                insert_rows(self.store.connection, f"{target.table} (g, s, p, o)", f"{rows} ORDER BY p, s")
            self._leave()
        return target.diff

    def revise(self, extent: Extent, results: Sequence[ValidationResult]) -> Diff:
        """Put these results in the place of those that the extent covers; its table of nodes is on the store's connection."""
        run = self.store.connection.execute
        with self.store.transaction():
            create_empty(self.store.connection, "kg_covered", "s BIGINT")
            kept = 0
            if pivot := self._pivot():
                earlier = run(f"CREATE OR REPLACE TEMP TABLE kg_earlier AS {pivot}").fetchone()[0]
                test = self._covered_test(extent)
                kept = earlier - run(f"INSERT INTO kg_covered SELECT r.s FROM kg_earlier AS r LEFT JOIN {extent.nodes} AS f ON r.focus = f.f WHERE {test}").fetchone()[0]
                run("DROP TABLE kg_earlier")
            rows = self._staged(self._quads(results, is_conforming=not kept and not results))
            report, result = self.store.encode([self.node, sh("result")])
            run(f"INSERT INTO kg_covered SELECT DISTINCT s FROM kg_report_rows WHERE s <> {report}")
            among = f"s IN (FROM kg_covered) OR (s = {report} AND (p <> {result} OR o IN (FROM kg_covered)))"
            run(f"CREATE OR REPLACE TEMP TABLE kg_standing AS SELECT g, s, p, o FROM quads WHERE g = {self._graph_id()} AND ({among})")
            diff = Diff(self._write(self.store.insert, f"{rows} EXCEPT FROM kg_standing"), self._write(self.store.delete, f"FROM kg_standing EXCEPT {rows}"))
            self._leave()
            run("DROP TABLE kg_covered; DROP TABLE kg_standing")
        return diff

    def _write(self, write: Callable[[str], int], rows: str) -> int:
        run = self.store.connection.execute
        number = run(f"CREATE OR REPLACE TEMP TABLE kg_difference_of_reports AS {rows}").fetchone()[0]
        if number:
            write("SELECT g, s, p, o FROM kg_difference_of_reports")
        run("DROP TABLE kg_difference_of_reports")
        return number

    def _covered_test(self, extent: Extent) -> str:
        """SQL over the rows r of the results, and f of the extent's nodes."""
        keys = [*extent.whole, *extent.local]
        terms = list({self._labels.of(part) for key in keys for part in key if part is not None})
        ids = {term: str(found) for term, found in zip(terms, self.store.lookup_many(terms), strict=True) if found is not None}
        tests = []
        for key in keys:
            shape, part, origin = (None if one is None else ids.get(self._labels.of(one)) for one in key)
            if shape is None or part is None or (origin is None and key[2] is not None):
                continue  # no result has it
            test = f"r.shape = {shape} AND r.component = {part} AND r.origin IS NOT DISTINCT FROM {origin or 'NULL'}"
            tests.append(f"({test})" if key in extent.whole else f"(f.f IS NOT NULL AND {test})")
        return " OR ".join(tests) or "false"

    def _staged(self, quads: Iterable[tuple]) -> str:
        create_empty(self.store.connection, "kg_report_rows", "g BIGINT, s BIGINT, p BIGINT, o BIGINT")
        QuadEncoder(self.store).stage(quads, "kg_report_rows")
        return "SELECT DISTINCT g, s, p, o FROM kg_report_rows"

    def _leave(self) -> None:
        self.store.connection.execute("DROP TABLE kg_report_rows")

    def _quads(self, results: Iterable[ValidationResult], is_conforming: bool | None = None) -> Iterator[tuple]:
        several = list(results)
        graph = NamedNode(self.graph)
        conforms = not several if is_conforming is None else is_conforming
        yield self.node, TYPE, sh("ValidationReport"), graph
        yield self.node, sh("conforms"), Literal(conforms), graph
        times: Counter[str] = Counter()
        for result in several:
            name = self._name(result)
            times[name] += 1
            node = NamedNode(f"{self.graph}#{name}" + (f"-{times[name]}" if times[name] > 1 else ""))
            yield self.node, sh("result"), node, graph
            yield node, TYPE, sh("ValidationResult"), graph
            for triple in result_triples(node, result, self._labels.of):
                yield triple.subject, triple.predicate, triple.object, graph

    def _name(self, result: ValidationResult) -> str:
        says = (result.focus_node, result.path_text, result.value, self._labels.of(result.source_shape), result.component, result.severity,
                result.source_constraint and self._labels.of(result.source_constraint), [message.value for message in result.messages])  # fmt: skip
        return sha256("\n".join(map(str, says)).encode()).hexdigest()[:16]

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self) -> list[Count]:
        """How many results by shape, severity and component; violations first, then the most."""
        pivot = self._pivot()
        if pivot is None:
            return []
        rows = self._run(f"SELECT shape, severity, component, count(*) FROM ({pivot}) GROUP BY ALL").fetchall()
        named = self.store.decode({term_id for row in rows for term_id in row[:3]})
        found = [Count(self._shape_name(named[shape]), local_name(named[severity]), local_name(named[part]), number) for shape, severity, part, number in rows]
        return sorted(found, key=lambda one: (_rank(one.severity), -one.results, one.shape, one.component))

    def page(self, offset: int = 0, limit: int | None = None, shape: str | None = None, severity: str | None = None) -> list[ValidationResult]:
        """Some of the results: violations first, by shape and focus node. `shape` and `severity` are names as in the counts."""
        pivot = self._pivot()
        if pivot is None:
            return []
        tests = [self._named_test("shape", [node for node, one in self._shape_of.items() if one.name == shape])] if shape else []
        tests += [self._named_test("severity", [sh(severity)])] if severity else []
        order = [f"severity = {found} DESC" for found in self.store.lookup_many([sh(name) for name in _SEVERITIES]) if found is not None]
        rows = self._run(
            f"SELECT s, {', '.join(_COLUMNS)} FROM ({pivot}) {'WHERE ' + ' AND '.join(tests) if tests else ''} "
            f"ORDER BY {', '.join([*order, 'shape', 'component', 'focus', 's'])} {'' if limit is None else f'LIMIT {limit}'} OFFSET {offset}"
        ).fetchall()
        messages = self._messages([row[0] for row in rows])
        named = self.store.decode({term_id for row in rows for term_id in row[1:] if term_id is not None})
        return [self._result(dict(zip(_COLUMNS, (named.get(term_id) for term_id in row[1:]), strict=True)), messages.get(row[0], ())) for row in rows]

    def _named_test(self, column: str, terms: list[Term]) -> str:
        known = [str(found) for found in self.store.lookup_many(terms) if found is not None]
        return f"{column} IN ({', '.join(known) or 'NULL'})"

    def _result(self, row: Mapping[str, Term | None], messages: tuple[Literal, ...]) -> ValidationResult:
        shape = self._shape_of.get(row["shape"])
        path = row["path"]
        is_path_of_shape = shape is not None and shape.path is not None and (isinstance(path, BlankNode) or path == shape.path_node)
        document = self.shapes.document
        text = path_text(shape.path, document) if is_path_of_shape else document.name(path) if path is not None else None
        return ValidationResult(
            row["focus"], path, row["value"], shape.node if shape else row["shape"], row["component"], row["severity"], messages,
            self._labels.original(row["origin"]), shape.path_triples if is_path_of_shape else (), text, self._shape_name(row["shape"]),
        )  # fmt: skip

    def _messages(self, nodes: list[int]) -> dict[int, tuple[Literal, ...]]:
        message = self.store.lookup(sh("resultMessage"))
        if message is None or not nodes:
            return {}
        listed = ", ".join(map(str, nodes))
        rows = self._run(f"SELECT s, o FROM quads WHERE g = {self._graph_id()} AND p = {message} AND s IN ({listed}) ORDER BY s, o").fetchall()
        named = self.store.decode({row[1] for row in rows})
        found: dict[int, tuple[Literal, ...]] = {}
        for node, text in rows:
            found[node] = (*found.get(node, ()), named[text])
        return found

    def _shape_name(self, node: Term) -> str:
        shape = self._shape_of.get(node)
        return shape.name if shape else self.shapes.document.name(node)

    def _pivot(self) -> str | None:
        """A SELECT with a row for each result; None where there is no report."""
        graph, of_type, *predicates = self.store.lookup_many([NamedNode(self.graph), sh("focusNode"), *(sh(name) for name in _COLUMNS.values())])
        if graph is None or of_type is None:
            return None
        columns = ", ".join(f"max(o) FILTER (p = {'NULL' if p is None else p}) AS {name}" for name, p in zip(_COLUMNS, predicates, strict=True))
        return f"SELECT s, {columns} FROM quads WHERE g = {graph} GROUP BY s HAVING bool_or(p = {of_type})"

    def _graph_id(self) -> int | None:
        return self.store.lookup(NamedNode(self.graph))

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        return (self.store.cursor() if self.store.read_only else self.store.connection).execute(sql)


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else -1


class Labels:
    """Names for a shapes graph's blank nodes that are the same each time it is read: made from what is said of them."""

    def __init__(self, document: ShapesDocument) -> None:
        self.document = document
        self._known: dict[BlankNode, BlankNode] = {}
        self._originals: dict[BlankNode, BlankNode] = {}

    def of(self, term: Term) -> Term:
        if not isinstance(term, BlankNode) or term not in self.document.properties:
            return term
        if term not in self._known:
            owner = self.document.owner(term)
            label = BlankNode("shape" + sha256(f"{owner} {self._says(term, ())}".encode()).hexdigest()[:16])
            self._known[term] = label
            self._originals[label] = term
        return self._known[term]

    def original(self, label: Term | None) -> Term | None:
        """The blank node that has a label."""
        if isinstance(label, BlankNode) and label not in self._originals:
            for node in [node for node in self.document.properties if isinstance(node, BlankNode)]:
                self.of(node)
        return self._originals.get(label, label)

    def _says(self, node: BlankNode, outside: tuple[BlankNode, ...]) -> str:
        if node in outside:
            return "again"
        inside = (*outside, node)
        said = [
            f"{predicate} {self._says(value, inside) if isinstance(value, BlankNode) else value}"
            for predicate, values in self.document.properties.get(node, {}).items()
            for value in values
        ]
        return "[" + " ; ".join(sorted(said)) + "]"
