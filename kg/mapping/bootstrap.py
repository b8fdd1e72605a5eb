"""Proposes an R2RML mapping of a source: tables become classes, columns properties, keys templates, foreign keys references.

The words are those of the ontology whose labels are most like the names of tables and columns. Where none is, a word is made up
and a TODO says so: the proposal can be run as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kg.mapping.csv_files import open_text
from kg.mapping.naming import key_stem, likeness, words
from kg.mapping.ontology import RDFS, Ontology, OntologyTerm
from kg.mapping.source import Source
from kg.mapping.tables import Reference, SourceTable, TableColumn, read_tables, short_datatype
from kg.store import Store
from kg.terms import XSD, XSD_DATE, XSD_DATETIME, XSD_DECIMAL, XSD_INTEGER, XSD_STRING

# A term is proposed from this likeness on: a property can be doubted less, for its domain, range and kind count too.
_LIKE_ENOUGH, _CLASS_LIKE_ENOUGH = 0.6, 0.7
_NAMES = {("name",), ("label",), ("title",), ("名称",), ("姓名",), ("名字",)}
_WIDER = {XSD_INTEGER: (XSD_DECIMAL, XSD + "double", XSD_STRING), XSD_DECIMAL: (XSD + "double", XSD_STRING), XSD_DATE: (XSD_STRING,), XSD_DATETIME: (XSD_STRING,)}


def bootstrap(source: Source, written: str, *, base: str, ontology: Ontology | None = None, prefixes: dict[str, str] | None = None) -> str:
    """An R2RML document over all tables of `source`, which the user wrote as `written`; `base` ends in / or #."""
    source = _with_delimiter(source)
    with Store.memory() as store:
        tables = read_tables(store.connection, source)
    return _Proposal(tables, _how_to_run(source, written), base, ontology or Ontology(), prefixes or {}).document()


def _with_delimiter(source: Source) -> Source:
    """A CSV source that declares no delimiter, with the one that its first header has."""
    if source.type != "csv" or source.delimiter:
        return source
    files = [source.path] if source.path.is_file() else sorted(source.path.glob("*.csv"))
    if not files:
        return source
    with open_text(files[0], source.encoding if source.encoding != "utf-8" else "utf-8-sig") as file:
        header = file.readline()
    best = max(",;|\t", key=header.count)
    return source if best == "," or not header.count(best) else replace(source, delimiter=best)


def _how_to_run(source: Source, written: str) -> list[str]:
    if written.endswith(".toml"):
        return [f"#   kg map FILE --preview 5      kg map FILE --lint      (FILE beside {written})"]
    if source.type == "csv" and source.delimiter not in (None, ","):
        return ["# sources.toml beside it:", "#   [default]", f"#   path = {_text(written)}", f"#   delimiter = {_text(source.delimiter)}".replace("\t", "\\t")]
    return [f"#   kg map FILE --source default={written} --preview 5      kg map FILE --lint --source default={written}"]


@dataclass
class _Choice:
    """A term of the ontology, or a made-up one, and the remark beside it."""

    iri: str
    remark: str
    term: OntologyTerm | None = None


class _Proposal:
    def __init__(self, tables: list[SourceTable], remarks: list[str], base: str, ontology: Ontology, prefixes: dict[str, str]):
        self.tables = {one.name: one for one in tables}
        self.remarks, self.base, self.ontology = remarks, base, ontology
        self.prefixes = {"rr": "http://www.w3.org/ns/r2rml#", "xsd": XSD, "rdfs": RDFS, **prefixes}
        self.used: set[str] = set()
        self.classes = {one.name: self.of_table(one) for one in tables}
        self.tables = {name: self.with_guessed_references(one) for name, one in self.tables.items()}

    def document(self) -> str:
        maps = "\n".join("".join(self.triples_map(one)) for one in self.tables.values())
        self.used |= {"rr"}
        heads = [f"@prefix {prefix}: <{namespace}> ." for prefix, namespace in sorted(self.prefixes.items()) if prefix in self.used]
        return "\n".join([
            "# Proposed from the names, keys and values of the tables. Read every line, above all those marked TODO.", *self.remarks,
            f"@base <{self.base}mapping> .", *heads, "", maps,
        ])  # fmt: skip

    # ── Choosing terms ───────────────────────────────────────────────────────────────────────────────────────

    def of_table(self, table: SourceTable) -> _Choice:
        own = words(table.name)
        best = max(((likeness(own, term), term) for term in self.ontology.classes() if not term.is_deprecated), key=lambda pair: pair[0], default=(0.0, None))
        if best[0] >= _CLASS_LIKE_ENOUGH:
            return _Choice(best[1].iri, _label(best[1], best[0]), best[1])
        remark = "TODO: no class of the ontology has such a name" + _nearest(best[0], best[1])
        return _Choice(f"{self.base}ontology/{''.join(word.capitalize() for word in own) or 'Thing'}", remark)

    def of_column(self, table: SourceTable, column: TableColumn, is_reference: bool) -> _Choice:
        own = (key_stem(column.name) or words(column.name)) if is_reference else words(column.name)
        about = self.classes[table.name].iri
        scored = []
        for term in self.ontology.properties():
            if term.kind == "annotation" or term.is_deprecated:
                continue
            like = max(likeness(own, term), likeness(self.without_table(own, table), term))
            if like > 0:
                scored.append((like + self.fit(table, column, term, about, is_reference), like, term))
        best = max(scored, key=lambda one: one[0], default=(0.0, 0.0, None))
        if best[0] >= _LIKE_ENOUGH:
            return _Choice(best[2].iri, _label(best[2], min(best[1], 1.0)), best[2])
        if not is_reference and self.without_table(own, table) in _NAMES:
            return _Choice(RDFS + "label", "what people call it")
        made = "".join(word.capitalize() for word in own)
        return _Choice(f"{self.base}ontology/{'has' + made if made else 'isRelatedTo'}", "TODO: no property of the ontology has such a name" + _nearest(best[1], best[2]))

    def with_guessed_references(self, table: SourceTable) -> SourceTable:
        """Columns that say key are references where a property of that name has a class as its range whose table has these keys."""
        found = list(table.references)
        for column in (one for one in table.columns if one.within):
            for parent in sorted(column.within, key=lambda name: (not self.classes[name].term, name)):
                guess = Reference(column.name, parent, self.tables[parent].key[0], False)
                choice = self.of_column(replace(table, references=(*found, guess)), column, True)
                ranges = self.ontology.ranges(choice.iri)
                if choice.term is not None and any(self.ontology.are_related(one, self.classes[parent].iri) for one in ranges):
                    found.append(guess)
                    break
        return replace(table, references=tuple(found))

    def without_table(self, own: tuple[str, ...], table: SourceTable) -> tuple[str, ...]:
        """`plot_number` of the table plot is also called number."""
        rest = tuple(word for word in own if word not in words(table.name))
        return rest or own

    def fit(self, table: SourceTable, column: TableColumn, term: OntologyTerm, about: str, is_reference: bool) -> float:
        """How well domain, range and kind of a property fit, from -1 to 0.4."""
        score = 0.0
        above = self.ontology.with_above(about)
        if term.domains:
            score += 0.2 if term.domains & above else -0.4
        ranges = self.ontology.ranges(term.iri)
        if is_reference:
            parent = next(one.table for one in table.references if one.column == column.name)
            score += -1.0 if term.kind == "data" else 0.2 if ranges & self.ontology.with_above(self.classes[parent].iri) else 0.0
        elif term.kind == "object":
            score += -0.2 if column.datatype == XSD_STRING else -1.0  # a code may well become an IRI
        elif wanted := {one for one in ranges if one.startswith(XSD)}:
            score += 0.1 if column.datatype in wanted else 0.0 if wanted & set(_WIDER.get(column.datatype, ())) else -1.0
        return score

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

    def triples_map(self, table: SourceTable) -> Iterator[str]:
        chosen = self.classes[table.name]
        key = table.key or tuple(one.name for one in table.columns if one.is_filled) or tuple(one.name for one in table.columns)
        yield f"<#{_slug(table.name)}> a rr:TriplesMap ;{'' if table.key else '   # TODO: no columns tell its rows apart'}\n"
        yield f"    rr:logicalTable [ rr:tableName {_text(_identifier(table.name))} ] ;\n"
        maps = [f"    rr:subjectMap [ rr:template {self.template(table, key)} ; rr:class {self.name(chosen.iri)} ]"]
        remarks = [chosen.remark]
        references = {one.column: one for one in table.references}
        for column in table.columns:
            is_mere_key = table.key == (column.name,) and words(column.name) in (("id",), (*words(table.name), "id"))
            if is_mere_key and column.name not in references:
                continue  # it is in the IRI, and says nothing else
            predicate = self.of_column(table, column, column.name in references)
            maps.append(f"    rr:predicateObjectMap [ rr:predicate {self.name(predicate.iri)} ; rr:objectMap [ {self.object_map(table, column, predicate)} ] ]")
            remarks.append(predicate.remark + ("" if column.name not in references or references[column.name].is_sure else f"; refers to {references[column.name].table} by its name"))
        for number, (line, remark) in enumerate(zip(maps, remarks, strict=True), 1):
            yield f"{line} {'.' if number == len(maps) else ';'}   # {remark}\n"

    def object_map(self, table: SourceTable, column: TableColumn, predicate: _Choice) -> str:
        reference = next((one for one in table.references if one.column == column.name), None)
        if reference is not None:
            parent = self.tables.get(reference.table)
            if parent is not None and parent.key == (reference.key,):
                return f"rr:template {self.template(parent, (column.name,))}"
            if parent is not None:
                sides = f"rr:child {_text(_identifier(column.name))} ; rr:parent {_text(_identifier(reference.key))}"
                return f"rr:parentTriplesMap <#{_slug(parent.name)}> ; rr:joinCondition [ {sides} ]"
        if predicate.term is not None and predicate.term.kind == "object":
            return f"rr:template {_text(_escaped(f'{self.base}code/{_slug(column.name)}/') + '{' + _in_template(column.name) + '}')}"
        wanted = {one for one in self.ontology.ranges(predicate.iri) if one.startswith(XSD)}
        datatype = column.datatype if not wanted or column.datatype in wanted else next((one for one in _WIDER.get(column.datatype, ()) if one in wanted), XSD_STRING)
        if datatype == XSD_STRING or (not column.is_text and datatype == column.datatype):
            return f"rr:column {_text(_identifier(column.name))}"
        self.used.add("xsd")
        return f"rr:column {_text(_identifier(column.name))} ; rr:datatype {short_datatype(datatype)}"

    def template(self, table: SourceTable, columns: tuple[str, ...]) -> str:
        keys = "/".join("{" + _in_template(column) + "}" for column in columns)
        return _text(_escaped(f"{self.base}id/{_slug(table.name)}/") + keys)

    def name(self, iri: str) -> str:
        """A prefixed name where there is a prefix; the project's own words of the ontology come first."""
        known = {**self.ontology.prefixes, **self.prefixes}
        fitting = [(namespace, prefix) for prefix, namespace in known.items() if namespace and iri.startswith(namespace)]
        if fitting:
            namespace, prefix = max(fitting)
            if re.fullmatch(r"[A-Za-z_][\w-]*", iri[len(namespace) :]):
                self.used.add(prefix)
                self.prefixes[prefix] = namespace
                return f"{prefix}:{iri[len(namespace):]}"
        return f"<{re.sub(_NOT_IN_IRI, lambda found: ''.join(f'%{byte:02X}' for byte in found[0].encode()), iri)}>"


_NOT_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`]")


def _nearest(like: float, term: OntologyTerm | None) -> str:
    return f"; nearest: {term.labels[0]}" if term is not None and like > 0.3 and term.labels else ""


def _label(term: OntologyTerm, like: float) -> str:
    label = " / ".join(dict.fromkeys(re.sub(r"\s+", " ", one) for one in term.labels[:2])) or term.iri
    return label if like > 0.99 else f"{label} (check: not the same name)"


def _slug(name: str) -> str:
    """A name as part of an IRI."""
    return re.sub(r"[^\w.~-]+", "-", "-".join(words(name)) or name).strip("-") or "table"


def _identifier(name: str) -> str:
    """A column or table as R2RML writes it: in quotes unless it is a plain word."""
    return name if re.fullmatch(r"\w+", name) else '"' + name.replace('"', '""') + '"'


def _in_template(name: str) -> str:
    return _escaped(_identifier(name))


def _escaped(text: str) -> str:
    """Text of a template: braces and backslashes are escaped."""
    return re.sub(r"[\\{}]", r"\\\g<0>", text)


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'
