"""Why a triple is in the graph: a tree from the conclusion through rules and premises down to source rows.

The grounds of one conclusion come from a callable, `derive`; the rows that an asserted triple was mapped from come from
another, `trace`. This module makes the tree, puts the bindings into the rules' sentences, and prints it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import QueryError
from kg.store import Store
from kg.terms import Term

RDFS_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")

_WORDS = {
    "en": {
        "asserted": "stated in {graph}",
        "rule": "by rule {rule}",
        "absent": "because nothing says that {what}",
        "absent_data": "because the input does not say that {what}",
        "test": "because {test}",
        "above": "shown above",
        "deeper": "… more below (depth limit)",
        "row": "{place}: {columns}",
        "default": "the default graph",
        "and": " and ",
        "line": "{file}, line {line}",
        "record": "{file}, record {record}",
        "contributions": "{count} contributions",
    },
    "zh": {
        "asserted": "见于 {graph}",
        "rule": "依据规则 {rule}",
        "absent": "因为没有事实表明 {what}",
        "absent_data": "因为输入数据未说明 {what}",
        "test": "因为 {test}",
        "above": "见上文",
        "deeper": "…… 以下还有(已达层数上限)",
        "row": "{place}：{columns}",
        "default": "默认图",
        "and": " 且 ",
        "line": "{file} 第 {line} 行",
        "record": "{file} 第 {record} 条记录",
        "contributions": "共 {count} 项",
    },
}


@dataclass(frozen=True)
class Part:
    """One value that a sum took in, and the proofs of the triples that it came from."""

    value: Decimal | None
    premises: tuple[Proof, ...]


@dataclass(frozen=True)
class Total:
    """An aggregate shown: `text` is for example `30 + 25 = 55 > 50`."""

    function: str
    value: Decimal | None
    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Proof:
    """A node of the tree. `kind` is `inferred`, `asserted`, `repeated` (proved elsewhere in this tree) or `cut` (below the
    depth limit). `says` is the rule's sentence with the bindings in it, by language."""

    triple: Triple
    kind: str
    graphs: tuple[str, ...] = ()
    rule: str | None = None
    rule_name: str | None = None
    rule_text: str | None = None
    rule_place: str | None = None
    round: int | None = None
    says: Mapping[str, str] | None = None
    bindings: Mapping[str, Term | Decimal] | None = None
    premises: tuple[Proof, ...] = ()
    totals: tuple[Total, ...] = ()
    absent: tuple[tuple[tuple[tuple, ...], bool], ...] = ()
    tests: tuple[str, ...] = ()
    sources: tuple[Any, ...] = ()  # rows: file, line, table, columns
    names: _Names | None = None

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """The tree with one fact a line, indented; `language` is `en` or `zh`."""
        return "\n".join(_lines(self, 0, language if language in _WORDS else "en"))

    def as_dict(self) -> dict[str, Any]:
        """The tree as JSON-ready members; members without content are left out."""
        return _as_dict(self)

    def below(self) -> list[Proof]:
        """The proofs directly under this one, those of contributions included."""
        return [*self.premises, *(proof for total in self.totals for part in total.parts for proof in part.premises)]


def explain(
    store: Store,
    subject: Term,
    predicate: NamedNode,
    object: Term,
    *,
    derive: Callable[[Triple], Any | None],
    trace: Callable[[Triple, str], Sequence[Any]] | None = None,
    max_depth: int = 25,
    prefixes: Mapping[str, str] | None = None,
) -> Proof:
    """The proof of a triple. `derive(triple)` gives the grounds of a conclusion or None for what is asserted;
    `trace(triple, graph)` gives the source rows of an asserted triple of a graph.

    Raises QueryError Q401 if the triple is not in the graph.
    """
    triple = Triple(subject, predicate, object)
    names = _Names(store, prefixes or {})
    builder = _Builder(store, derive, trace, names, set())
    if not builder.graphs_of(triple):
        raise QueryError(
            "Q401",
            f"the graph does not hold {' '.join(names.short(term) for term in (subject, predicate, object))}",
            help="look at what it holds with a query, or run kg build",
        )
    return builder.proof(triple, max_depth)


# ── Making the tree ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Builder:
    store: Store
    derive: Callable[[Triple], Any | None]
    trace: Callable[[Triple, str], Sequence[Any]] | None
    names: _Names
    shown: set[Triple]

    def proof(self, triple: Triple, depth: int) -> Proof:
        if triple in self.shown:
            return Proof(triple, "repeated", names=self.names)
        if depth <= 0:
            return Proof(triple, "cut", names=self.names)
        grounds = self.derive(triple)
        graphs = self.graphs_of(triple)
        self.shown.add(triple)
        if grounds is None:
            sources = tuple(row for graph in graphs for row in self.trace(triple, graph)) if self.trace else ()
            return Proof(triple, "asserted", graphs, sources=sources, names=self.names)
        return self._inferred(triple, graphs, grounds, depth - 1)

    def _inferred(self, triple: Triple, graphs: tuple[str, ...], grounds: Any, depth: int) -> Proof:
        premises = tuple(self.proof(premise, depth) for premise in grounds.premises)
        totals = tuple(self._total(ground, grounds.bindings, depth) for ground in grounds.aggregates)
        sentences = dict(grounds.rule.says)
        return Proof(
            triple,
            "inferred",
            graphs,
            grounds.rule.iri.value,
            grounds.rule.name,
            grounds.rule.text,
            str(grounds.rule.location),
            grounds.round,
            {language: self.names.filled(text, grounds.bindings, language) for language, text in sentences.items()},
            grounds.bindings,
            premises,
            totals,
            grounds.absent,
            tuple(self.names.with_values(test, grounds.bindings) for test in grounds.tests),
            names=self.names,
        )

    def _total(self, ground: Any, bindings: Mapping[str, Term | Decimal], depth: int) -> Total:
        parts = tuple(
            Part(share.value, tuple(self.proof(premise, depth) for premise in share.premises)) for share in ground.contributions
        )
        tests = [self.names.with_values(test, bindings) for test in ground.tests]
        return Total(ground.function, ground.value, _sum_text(ground, tests), parts)

    def graphs_of(self, triple: Triple) -> tuple[str, ...]:
        """The IRIs of the graphs that hold a triple; the default graph's is empty."""
        ids = self.store.lookup_many([triple.subject, triple.predicate, triple.object])
        if None in ids:
            return ()
        rows = self.store.cursor().execute("SELECT DISTINCT g FROM quads WHERE s = ? AND p = ? AND o = ? ORDER BY g", ids).fetchall()
        graphs = [row[0] for row in rows]
        named = self.store.decode(graph for graph in graphs if graph)
        return tuple(named[graph].value if graph else "" for graph in graphs)


_LISTED = 12  # contributions written out in a sum; the tree below shows all


def _sum_text(ground: Any, tests: Sequence[str]) -> str:
    """`30 + 25 = 55 > 50`, `3 >= 2`, `MAX(2, 9) = 9 > 5`: the values, the result, the tests that it passed."""
    values = [share.value for share in ground.contributions if share.value is not None]
    listed = [str(value) for value in values[:_LISTED]] + ([f"… ({len(values) - _LISTED} more)"] if len(values) > _LISTED else [])
    result = str(ground.value)
    if ground.function == "SUM" and len(values) > 1:
        result = f"{' + '.join(listed)} = {result}"
    elif ground.function not in ("SUM", "COUNT"):
        result = f"{ground.function}({', '.join(listed)}) = {result}"
    for test in tests:
        result += test.removeprefix(str(ground.value)) if test.startswith(f"{ground.value} ") else f", {test}"
    return result


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Names:
    """How terms are called: by rdfs:label where there is one, else by prefixed name."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = sorted(prefixes.items(), key=lambda pair: -len(pair[1]))
        self._labels: dict[Term, dict[str, str]] = {}

    def term(self, term: object, language: str = "en") -> str:
        if isinstance(term, (NamedNode, BlankNode)):
            return self._label(term, language) or self.short(term)
        if isinstance(term, Literal):
            return term.value
        if isinstance(term, Triple):
            return f"<<( {self.triple(term, language)} )>>"
        return f"?{term.name}" if hasattr(term, "name") else str(term)

    def triple(self, triple: Triple | Sequence[object], language: str = "en") -> str:
        parts = (triple.subject, triple.predicate, triple.object) if isinstance(triple, Triple) else triple
        return " ".join(self.term(part, language) for part in parts)

    def short(self, term: Term) -> str:
        """As it is written in a query."""
        if isinstance(term, (Literal, Triple)):
            return str(term)
        if isinstance(term, BlankNode):
            return f"_:{term.value}"
        for prefix, namespace in self._prefixes:
            if namespace and term.value.startswith(namespace):
                return f"{prefix}:{term.value[len(namespace):]}"
        return f"<{term.value}>"

    def filled(self, sentence: str, bindings: Mapping[str, Term | Decimal], language: str) -> str:
        """The sentence with `{name}` replaced by what `?name` is bound to; a name without value stays as it is."""

        def value(match: re.Match[str]) -> str:
            bound = bindings.get(match[1])
            return match[0] if bound is None else self.term(bound, language or "en")

        return re.sub(r"\{\??(\w+)\}", value, sentence)

    def with_values(self, test: str, bindings: Mapping[str, Term | Decimal]) -> str:
        """The text of a condition with what its variables are bound to."""
        return re.sub(r"\?(\w+)", lambda match: self.term(bindings[match[1]]) if match[1] in bindings else match[0], test)

    def _label(self, term: NamedNode | BlankNode, language: str) -> str | None:
        if term not in self._labels:
            self._labels[term] = self._labels_of(term)
        labels = self._labels[term]
        near = next((text for tag, text in labels.items() if tag.split("-")[0] == language), None)
        return near or labels.get("") or next(iter(labels.values()), None)

    def _labels_of(self, term: NamedNode | BlankNode) -> dict[str, str]:
        subject, predicate = self._store.lookup_many([term, RDFS_LABEL])
        if subject is None or predicate is None:
            return {}
        rows = self._store.cursor().execute("SELECT o FROM quads WHERE s = ? AND p = ? AND NOT again", [subject, predicate]).fetchall()
        literals = sorted(self._store.decode(row[0] for row in rows).values(), key=str)
        return {literal.language or "": literal.value for literal in literals if isinstance(literal, Literal)}


# ── Printing ─────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(proof: Proof, indent: int, language: str) -> list[str]:
    words, names, pad = _WORDS[language], proof.names, "  " * indent
    said = sentence(proof, language)
    fact = names.triple(proof.triple, language)
    if proof.kind in ("repeated", "cut"):
        return [f"{pad}{fact} ({words['above' if proof.kind == 'repeated' else 'deeper']})"]
    if proof.kind == "asserted":
        where = ", ".join(graph or words["default"] for graph in proof.graphs)
        lines = [f"{pad}{fact} ({words['asserted'].format(graph=where)})"]
        return lines + [f"{pad}  ← {_row_text(row, words)}" for row in proof.sources]
    lines = [f"{pad}{said or fact} ({words['rule'].format(rule=proof.rule_name)})"]
    if said:
        lines.append(f"{pad}  = {fact}")
    lines += [f"{pad}  {words['test'].format(test=test)}" for test in proof.tests]
    for patterns, data_only in proof.absent:
        what = words["and"].join(names.triple(pattern, language) for pattern in patterns)
        lines.append(f"{pad}  {words['absent_data' if data_only else 'absent'].format(what=what)}")
    for premise in proof.premises:
        lines += _lines(premise, indent + 1, language)
    for total in proof.totals:
        lines.append(f"{pad}  {words['test'].format(test=total.text)}")
        for part in total.parts:
            if part.value is not None:
                lines.append(f"{pad}    {part.value}:")
            for premise in part.premises:
                lines += _lines(premise, indent + 3, language)
    return lines


def sentence(proof: Proof, language: str = "en") -> str | None:
    """The rule's sentence in a language, else in the one without a tag, else in any."""
    says = proof.says or {}
    return says.get(language) or says.get("") or next(iter(says.values()), None)


def _row_text(row: Any, words: Mapping[str, str]) -> str:
    place = row.file or row.table
    if row.line is not None:
        place = words["line"].format(file=place, line=row.line)
    elif row.record is not None:
        place = words["record"].format(file=place, record=row.record)
    columns = ", ".join(f"{name}={value}" for name, value in row.columns.items() if value is not None)
    return words["row"].format(place=place, columns=columns)


def _as_dict(proof: Proof) -> dict[str, Any]:
    triple = proof.triple
    members = {
        "subject": str(triple.subject),
        "predicate": str(triple.predicate),
        "object": str(triple.object),
        "text": proof.names.triple(triple),
        "kind": proof.kind,
        "graphs": list(proof.graphs),
        "rule": proof.rule,
        "ruleName": proof.rule_name,
        "ruleText": proof.rule_text,
        "rulePlace": proof.rule_place,
        "round": proof.round,
        "says": dict(proof.says or {}),
        "bindings": {name: str(value) for name, value in (proof.bindings or {}).items()},
        "tests": list(proof.tests),
        "absent": [
            {"patterns": [proof.names.triple(pattern) for pattern in patterns], "inputOnly": data_only}
            for patterns, data_only in proof.absent
        ],
        "premises": [_as_dict(premise) for premise in proof.premises],
        "totals": [
            {
                "function": total.function,
                "value": None if total.value is None else str(total.value),
                "text": total.text,
                "parts": [
                    {"value": None if part.value is None else str(part.value), "premises": [_as_dict(p) for p in part.premises]}
                    for part in total.parts
                ],
            }
            for total in proof.totals
        ],
        "sources": [
            {"file": row.file, "line": row.line, "record": row.record, "table": row.table, "columns": dict(row.columns)} for row in proof.sources
        ],
    }
    return {name: value for name, value in members.items() if value not in (None, [], {}, ())}
