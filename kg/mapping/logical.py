"""Logical sources and logical targets of RML documents (RML-Core section 5, RML-IO) → `model`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import MappingError, did_you_mean
from kg.mapping import vocabulary as rr
from kg.mapping.document import Document, Node
from kg.mapping.model import File, LogicalSource, LogicalTarget

_CSVW = "http://www.w3.org/ns/csvw#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_FORMULATIONS = {
    rr.RML + "JSONPath": "JSONPath", rr.RML + "XPath": "XPath", rr.RML + "CSV": "CSV", rr.RML + "SQL2008Table": "SQL table",
    rr.RML + "SQL2008Query": "SQL query", rr.RML + "XPathReferenceFormulation": "XPath", rr.RML + "SQL2008": "SQL table",
    rr.FORMATS + "SPARQL_Results_CSV": "SPARQL",
}  # fmt: skip
_BY_ENDING = {".json": "JSONPath", ".jsonl": "JSONPath", ".ndjson": "JSONPath", ".xml": "XPath", ".csv": "CSV", ".tsv": "CSV"}
_COMPRESSIONS = {rr.RML + name: name for name in ("none", "gzip", "zip", "targz", "tarxz")}


def logical_source(document: Document, node: Node) -> LogicalSource:
    """The value of rml:logicalSource."""
    document.check_properties(node, "logical source")
    place = document.place(NamedNode(rr.LOGICAL_SOURCE))
    iterators = document.values(node, rr.ITERATOR)
    iterator = document.string(iterators[0], rr.ITERATOR) if iterators else None
    sources = document.values(node, rr.SOURCE)
    if len(sources) > 1 or (not sources and not _queries(document, node)):
        raise document.error("M103", f"a logical source has {'several' if sources else 'no'} rml:source", "name one file or database", NamedNode(rr.LOGICAL_SOURCE))
    formulation, namespaces = _formulation(document, node, sources)
    if formulation.startswith("SQL"):
        return _sql_source(document, node, formulation, iterator)
    file, nulls = source_file(document, sources[0])
    if formulation in ("JSONPath", "SPARQL", "XPath") and iterator is None:
        if formulation != "JSONPath":
            raise document.error("M103", "the logical source has no rml:iterator", "add the path of its records", NamedNode(rr.LOGICAL_SOURCE))
        iterator = "$"
    own = tuple(document.string_or_empty(one, rr.NULL) for one in document.values(node, rr.NULL))
    if formulation == "CSV" and document.is_first_vocabulary:
        own = own or ("",)  # its processors leave empty fields out
    return LogicalSource(
        reference_formulation=formulation, iterator=iterator, file=file, nulls=tuple(dict.fromkeys((*nulls, *own))), namespaces=namespaces, location=place
    )  # fmt: skip


def _queries(document: Document, node: Node) -> list:
    return [*document.values(node, rr.QUERY), *document.values(node, rr.SQL_QUERY), *document.values(node, rr.TABLE_NAME)]


def _formulation(document: Document, node: Node, sources: list) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The reference formulation, from the file's ending where none is given, and the namespaces of an XPath one."""
    values = document.values(node, rr.REFERENCE_FORMULATION)
    if not values:
        if _queries(document, node):
            return "SQL table", ()
        name = _written_path(document, sources[0])
        found = _BY_ENDING.get(Path(name or "").suffix.lower())
        if found is None:
            raise document.error("M209", "the logical source has no rml:referenceFormulation", "add rml:JSONPath, rml:XPath or rml:CSV", NamedNode(rr.LOGICAL_SOURCE))
        return found, ()
    value = values[0]
    kinds = [value] if value not in document.properties else [*document.values(value, _TYPE), value]
    known = [_FORMULATIONS[one.value] for one in kinds if isinstance(one, NamedNode) and one.value in _FORMULATIONS]
    if not known:
        hint = did_you_mean(str(value).rpartition("/")[2].rstrip(">"), [name.rpartition("/")[2] for name in _FORMULATIONS])
        raise document.error("M209", f"the reference formulation {value} is not read", hint or "use rml:JSONPath, rml:XPath, rml:CSV or rml:SQL2008Table", NamedNode(rr.REFERENCE_FORMULATION), value)
    namespaces = []
    for one in document.values(value, rr.NAMESPACE) if value in document.properties else ():
        pair = [document.only(one, name, "M116", f"a namespace has one {name.rpartition('/')[2]}", "give prefix and URL") for name in (rr.NAMESPACE_PREFIX, rr.NAMESPACE_URL)]
        namespaces.append((pair[0].value, pair[1].value))
    return known[0], tuple(sorted(namespaces))


def _sql_source(document: Document, node: Node, formulation: str, iterator: str | None) -> LogicalSource:
    """A table or query; which database it is in is said by sources.toml, so that no password stands in a mapping."""
    queries = [*document.values(node, rr.QUERY), *document.values(node, rr.SQL_QUERY)]
    tables = document.values(node, rr.TABLE_NAME)
    if queries or (formulation == "SQL query" and iterator):
        text = document.string(queries[0], rr.QUERY) if queries else iterator
        return LogicalSource(query=text, location=document.place(NamedNode(rr.QUERY if queries else rr.ITERATOR)))
    table = document.string(tables[0], rr.TABLE_NAME) if tables else iterator
    if not table:
        raise document.error("M104", "the logical source names no table", 'add rml:iterator "table"', NamedNode(rr.LOGICAL_SOURCE))
    return LogicalSource(table=table, location=document.place(NamedNode(rr.ITERATOR), Literal(table)))


def _written_path(document: Document, value: NamedNode | BlankNode | Literal) -> str | None:
    if isinstance(value, Literal):
        return value.value
    for name in (rr.PATH, _CSVW + "url"):
        if found := document.values(value, name):
            return found[0].value
    return None


def source_file(document: Document, value: NamedNode | BlankNode | Literal) -> tuple[File, tuple[str, ...]]:
    """The file of rml:source (or rml:target) and its texts for NULL: a path as text, an rml:FilePath, or a csvw:Table."""
    if isinstance(value, Literal):
        return File(value.value, _located(document, value.value, None)), ()
    node = document.node(value, rr.SOURCE)
    document.check_properties(node, "source")
    written = _written_path(document, value)
    if not written:
        raise document.error("M206", f"the source {value} is of a kind that is not read", "give it rml:path, or use a table of sources.toml", NamedNode(rr.SOURCE))
    roots = document.values(node, rr.ROOT)
    nulls = tuple(document.string_or_empty(one, rr.NULL) for one in document.values(node, rr.NULL))
    nulls += tuple(one.value for one in document.values(node, _CSVW + "null"))
    file = File(written, _located(document, written, roots[0] if roots else None), encoding(document, node), compression(document, node))
    return _with_dialect(document, node, file), nulls


def _with_dialect(document: Document, node: Node, file: File) -> File:
    """The file as the csvw:dialect of a csvw:Table says that it is written."""
    found: dict[str, str] = {}
    for dialect in document.values(node, _CSVW + "dialect"):
        for name, key in (("delimiter", "delimiter"), ("quoteChar", "quote"), ("encoding", "encoding")):
            values = [one.value for one in document.values(dialect, _CSVW + name) if isinstance(one, Literal)]
            if values:
                found[key] = values[0]
    return replace(file, **found)


def _located(document: Document, written: str, root: NamedNode | Literal | None) -> Path:
    """Relative paths begin at rml:root: the mapping's folder, the working directory (the default), or a folder by name.

    Without a root, a file that is not in the working directory is looked for beside the mapping.
    """
    beside = Path(document.file).parent / written
    if isinstance(root, NamedNode) and root.value == rr.MAPPING_DIRECTORY:
        return beside
    if isinstance(root, Literal):
        return Path(root.value) / written
    if isinstance(root, NamedNode) and root.value != rr.WORKING_DIRECTORY:
        raise document.error("M116", f"rml:root is {root}", "use rml:MappingDirectory, rml:CurrentWorkingDirectory or a folder in quotes", NamedNode(rr.ROOT), root)
    here = Path(written)
    return beside if root is None and not here.exists() and beside.exists() else here


def encoding(document: Document, node: Node) -> str | None:
    """rml:encoding as Python names it."""
    values = document.values(node, rr.ENCODING)
    return values[0].value.rpartition("/")[2] if values else None


def compression(document: Document, node: Node) -> str | None:
    values = document.values(node, rr.COMPRESSION)
    if not values:
        return None
    found = _COMPRESSIONS.get(values[0].value)
    if found is None:
        raise document.error("M206", f"the compression {values[0]} is not read", f"use {', '.join('rml:' + one for one in _COMPRESSIONS.values())}", NamedNode(rr.COMPRESSION), values[0])
    return None if found == "none" else found


def logical_target(document: Document, node: Node) -> LogicalTarget:
    """The value of rml:logicalTarget; N-Quads where no serialization is given."""
    document.check_properties(node, "logical target")
    target = document.only(node, rr.TARGET, "M118", "a logical target has exactly one rml:target", "name one file")
    file, _ = source_file(document, target)
    inner = None if isinstance(target, Literal) else target
    formats = document.values(node, rr.SERIALIZATION)
    if formats and not isinstance(formats[0], NamedNode):
        raise MappingError("M118", f"rml:serialization is {formats[0]}, not a format", document.place(NamedNode(rr.SERIALIZATION)), "use an IRI such as formats:Turtle")
    file = File(
        file.written,
        file.path,
        encoding(document, node) or (inner is not None and encoding(document, inner)) or None,
        compression(document, node) or (inner is not None and compression(document, inner)) or None,
    )
    return LogicalTarget(file, formats[0].value if formats else rr.FORMATS + "N-Quads", document.place(NamedNode(rr.LOGICAL_TARGET)))
