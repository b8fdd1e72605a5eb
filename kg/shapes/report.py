"""Validation reports (section 3.6): results, counts, and the report as RDF, as a table, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from kg.shapes.vocabulary import SH, TYPE, VIOLATION, sh
from kg.store import Diff, Store, documents
from kg.store.documents import OwnedDocument
from kg.store.formats import format_of
from kg.store.notation import text_of
from kg.terms import Term

_TABLE_ROWS = 50  # results that the table shows; the counts above them are complete


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
    nothing."""

    results: tuple[ValidationResult, ...]
    shapes: tuple[str, ...] = ()
    without_focus: tuple[str, ...] = ()
    prefixes: Mapping[str, str] | None = None

    @property
    def conforms(self) -> bool:
        """Whether there is no result, of whatever severity (section 3.6.1.1)."""
        return not self.results

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

    def json(self) -> str:
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=1)

    def text(self, language: str = "en") -> str:
        """A table: the counts by shape and severity, then the first results."""
        idle = [f"no focus node: {', '.join(self.without_focus)}"] if self.without_focus else []
        if not self.shapes:
            return "No shape has a target: nothing was checked."
        if self.conforms:
            return "\n".join(["The data conforms to the shapes.", *idle])
        rows = [("results", "severity", "constraint", "shape")]
        rows += [(f"{number:,}", severity, name, shape) for (shape, severity, name), number in self.counts.most_common()]
        lines = _aligned(rows)
        lines.append("")
        details = [("focus node", "path", "value", "message")]
        for one in self.results[:_TABLE_ROWS]:
            details.append((self._short(one.focus_node), one.path_text or "", "" if one.value is None else self._short(one.value), one.message(language)))
        lines += _aligned(details)
        if len(self.results) > _TABLE_ROWS:
            lines.append(f"… and {len(self.results) - _TABLE_ROWS:,} more")
        return "\n".join([*lines, *(["", *idle] if idle else [])])

    def as_text(self, format: str = "table", language: str = "en") -> bytes:
        """The report as a table, as json, or in an RDF syntax."""
        if format == "table":
            return (self.text(language) + "\n").encode()
        return (self.json() + "\n").encode() if format == "json" else self.write(format)

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
