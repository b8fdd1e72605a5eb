"""Validation reports (section 3.6): results, counts, and the report as RDF, as a table, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from kg.shapes.vocabulary import SH, TYPE, VIOLATION, sh
from kg.store import Diff, Store, documents
from kg.store.documents import OwnedDocument
from kg.store.formats import format_of
from kg.store.notation import text_of
from kg.terms import Term

TABLE_ROWS = 50  # results that the table shows; the counts above them are complete
Rows = Sequence[Sequence[object]] | None  # for each result of a page, the rows of sources that its focus node comes from


@dataclass(frozen=True)
class ValidationResult:
    """One sh:ValidationResult. `path` is the term of sh:resultPath, `path_triples` describe it where it is no IRI."""

    focus_node: Term
    path: Term | None
    value: Term | None
    source_shape: Term
    component: NamedNode
    severity: NamedNode
    messages: tuple[Literal, ...]
    source_constraint: Term | None = None
    path_triples: tuple[Triple, ...] = ()
    path_text: str | None = None
    shape_name: str = ""

    def message(self, language: str = "en") -> str:
        """The message in a language, else the first."""
        chosen = next((one for one in self.messages if (one.language or "").split("-")[0] == language), None)
        return (chosen or self.messages[0]).value if self.messages else ""

    def sentence(self, language: str = "en", prefixes: Mapping[str, str] | None = None) -> str:
        """What is wrong, for people, in English (en) or Chinese (zh)."""
        node, where = text_of(self.focus_node, dict(prefixes or {})), f" ({self.path_text})" if self.path_text else ""
        if language == "zh":
            return f"{node}{where} 不符合 {self.shape_name}：{self.message('zh')}"
        return f"{node}{where} does not conform to {self.shape_name}: {self.message(language)}"

    def as_dict(self, prefixes: Mapping[str, str] | None = None) -> dict[str, object]:
        """JSON-ready; terms as a person would write them."""
        known = dict(prefixes or {})
        members = {
            "focusNode": text_of(self.focus_node, known),
            "path": self.path_text,
            "value": None if self.value is None else text_of(self.value, known),
            "shape": self.shape_name,
            "component": local_name(self.component),
            "severity": local_name(self.severity),
            "messages": {message.language or "": message.value for message in self.messages},
            "sentences": {language: self.sentence(language, known) for language in ("en", "zh")},
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True)
class ValidationReport:
    """`results` in the order of the shapes; `shapes` names those with targets, `without_focus` those whose targets select
    nothing. Results of the severities `allowed` (local names) are told, and do not stand against conformance."""

    results: tuple[ValidationResult, ...]
    shapes: tuple[str, ...] = ()
    without_focus: tuple[str, ...] = ()
    prefixes: Mapping[str, str] | None = None
    allowed: frozenset[str] = frozenset()

    @property
    def conforms(self) -> bool:
        """Whether there is no result, of whatever severity (section 3.6.1.1), those `allowed` apart."""
        return not self.results if not self.allowed else all(local_name(one.severity) in self.allowed for one in self.results)

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """How many results by (shape, severity, component), local names."""
        return Counter((one.shape_name, local_name(one.severity), local_name(one.component)) for one in self.results)

    # ── RDF ──────────────────────────────────────────────────────────────────────────────────────────────────

    def triples(self) -> Iterator[Triple]:
        """The report as a sh:ValidationReport."""
        report = BlankNode()
        yield Triple(report, TYPE, sh("ValidationReport"))
        yield Triple(report, sh("conforms"), Literal(self.conforms))
        for result in self.results:
            node = BlankNode()
            yield Triple(report, sh("result"), node)
            yield Triple(node, TYPE, sh("ValidationResult"))
            yield from result_triples(node, result)

    def write(self, format: str | RdfFormat = "turtle") -> bytes:
        """The report in an RDF syntax."""
        prefixes = {name: iri for name, iri in (self.prefixes or {}).items() if iri} | {"sh": SH}
        return serialize(self.triples(), format=format_of(format, None), prefixes=prefixes)

    def save(self, store: Store, graph: str) -> Diff:
        """Make the report the content of a named graph of its own, in place of an earlier report."""
        (report,) = documents.replace(store, [OwnedDocument(self.write("nt"), f"validate:{graph}", graph, format="nt")])
        return Diff(report.triples, report.deleted)

    # ── For people and programs ──────────────────────────────────────────────────────────────────────────────

    def as_dict(self, offset: int = 0, limit: int | None = None) -> dict[str, object]:
        """JSON-ready: counts first, then a page of the results."""
        page = self.results[offset : None if limit is None else offset + limit]
        return {
            "conforms": self.conforms,
            "results": len(self.results),
            "severities": dict(Counter(local_name(one.severity) for one in self.results)),
            "counts": [
                {"shape": shape, "severity": severity, "component": name, "results": number}
                for (shape, severity, name), number in self.counts.most_common()
            ],
            "shapes": len(self.shapes),
            "withoutFocusNodes": list(self.without_focus),
            "page": [one.as_dict(self.prefixes) for one in page],
        }

    def json(self, offset: int = 0, limit: int | None = None, rows: Rows = None) -> str:
        report = self.as_dict(offset, limit)
        for one, sources in zip(report["page"], rows or (), strict=False):
            one["rows"] = sources
        return json.dumps(report, ensure_ascii=False, indent=1, default=str)

    def text(self, language: str = "en", offset: int = 0, limit: int | None = TABLE_ROWS, rows: Rows = None) -> str:
        """A table: the counts by shape and severity, then a page of the results, and below each the `rows` that its node comes from."""
        idle = [f"no focus node: {', '.join(self.without_focus)}"] if self.without_focus else []
        if not self.shapes:
            return "No shape has a target: nothing was checked."
        if not self.results:
            return "\n".join(["Conforms: True", "The data conforms to the shapes.", *idle])
        counted = [("results", "severity", "constraint", "shape")]
        counted += [(f"{number:,}", severity, name, shape) for (shape, severity, name), number in self.counts.most_common()]
        lines = [f"Conforms: {self.conforms}", f"Results: {len(self.results):,}", *_aligned(counted), ""]
        page = self.results[offset : None if limit is None else offset + limit]
        details = [("focus node", "path", "value", "message")]
        for one in page:
            details.append((self._short(one.focus_node), one.path_text or "", "" if one.value is None else self._short(one.value), one.message(language)))
        header, *told = _aligned(details)
        lines.append(header)
        for place, line in enumerate(told):
            lines += [line, *(f"    {row}" for row in (rows[place] if rows else ()))]
        left = len(self.results) - offset - len(page)
        if left > 0:
            lines.append(f"… and {left:,} more: --offset {offset + len(page)}, or --limit 0 for all")
        return "\n".join([*lines, *(["", *idle] if idle else [])])

    def human(self, language: str = "en", offset: int = 0, limit: int | None = None, rows: Rows = None) -> str:
        """The report as a text, laid out as pySHACL's, for scripts that read that."""
        lines = ["Validation Report", f"Conforms: {self.conforms}"]
        if self.results:
            lines.append(f"Results ({len(self.results)}):")
        for place, one in enumerate(self.results[offset : None if limit is None else offset + limit]):
            kind = "Constraint Violation" if one.severity == VIOLATION else "Validation Result"
            lines.append(f"{kind} in {one.component.value.rpartition('#')[2]} ({one.component.value}):")
            lines += [f"\tSeverity: {self._short(one.severity)}", f"\tSource Shape: {one.shape_name}", f"\tFocus Node: {self._short(one.focus_node)}"]
            lines += [f"\tValue Node: {self._short(one.value)}"] if one.value is not None else []
            lines += [f"\tResult Path: {one.path_text}"] if one.path_text else []
            lines += [f"\tMessage: {one.message(language)}"]
            lines += [f"\tSource Row: {row}" for row in (rows[place] if rows else ())]
        return "\n".join(lines)

    def as_text(self, format: str = "table", language: str = "en", offset: int = 0, limit: int | None = TABLE_ROWS, rows: Rows = None) -> bytes:
        """The report as a table, a text (human), or json, of which `offset` and `limit` choose a page; or whole, in an RDF syntax."""
        if format in ("table", "human"):
            write = self.text if format == "table" else self.human
            return (write(language, offset, limit, rows) + "\n").encode()
        return (self.json(offset, limit, rows) + "\n").encode() if format == "json" else self.write(format)

    def _short(self, term: Term) -> str:
        return text_of(term, dict(self.prefixes or {}))


def result_triples(node: NamedNode | BlankNode, result: ValidationResult, name: Callable[[Term], Term] | None = None) -> Iterator[Triple]:
    """What is said of a result, its type apart. `name` renames blank nodes; without it, those of a path are the result's own."""
    shape_name = name or (lambda term: term)
    yield Triple(node, sh("focusNode"), result.focus_node)
    yield Triple(node, sh("resultSeverity"), result.severity or VIOLATION)
    yield Triple(node, sh("sourceConstraintComponent"), result.component)
    yield Triple(node, sh("sourceShape"), shape_name(result.source_shape))
    if result.path is not None:
        fresh: dict[Term, BlankNode] = {}
        rename = name or (lambda term: _renamed(term, fresh))
        for triple in result.path_triples:
            yield Triple(rename(triple.subject), triple.predicate, rename(triple.object))
        yield Triple(node, sh("resultPath"), rename(result.path))
    if result.value is not None:
        yield Triple(node, sh("value"), result.value)
    if result.source_constraint is not None:
        yield Triple(node, sh("sourceConstraint"), shape_name(result.source_constraint))
    for message in result.messages:
        yield Triple(node, sh("resultMessage"), message)


def _renamed(term: Term, fresh: dict[Term, BlankNode]) -> Term:
    """Blank nodes of a path are the result's own."""
    return fresh.setdefault(term, BlankNode()) if isinstance(term, BlankNode) else term


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [min(max(len(row[place]) for row in rows), 60) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def local_name(iri: NamedNode) -> str:
    return iri.value.replace("#", "/").rsplit("/", 1)[-1].removesuffix("ConstraintComponent") or iri.value
