"""JSON and XML files → records: for each match of an iterator the values of the references (RML-Core, RML-IO).

A record has its number and, for each reference, a list of (text, datatype) pairs: no value, one or several.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

import jsonpath
import pyarrow as pa
from jsonpath.exceptions import JSONPathError
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector, WildcardSelector
from lxml import etree

from kg.errors import Location, MappingError
from kg.mapping.files import open_bytes
from kg.mapping.json_stream import elements
from kg.mapping.model import LogicalSource
from kg.mapping.record_columns import XSD_DOUBLE, Gathered, RecordColumn, Value
from kg.terms import XSD_BOOLEAN, XSD_INTEGER, XSD_STRING

_JSON_LINES = tuple(f"{ending}{packed}" for ending in (".jsonl", ".ndjson") for packed in ("", ".gz", ".xz", ".zst", ".zip"))

_PACKED = 100_000

# The reference formulation of a type of source, and the iterator where sources.toml gives none.
ITERATORS = {"json": ("JSONPath", "$[*]"), "xml": ("XPath", "/*/*")}

@dataclass(frozen=True)
class Records:
    """`table` has the columns n, r0, r1, … (a list where multiple) and k0, … with the datatypes where mixed.

    n is a line of the file, or else the number of the record.
    """

    table: pa.Table
    columns: tuple[RecordColumn, ...]
    has_lines: bool


def read_records(logical: LogicalSource, path: Path, compression: str | None, encoding: str | None, references: list[str]) -> Records:
    """Read a file once; MappingError M210 for a wrong path expression, M211 for a value that is an object or array."""
    reader = _xml if logical.reference_formulation == "XPath" else _json
    numbers: list[pa.Array] = []
    some: list[int] = []
    columns = [Gathered(one) for one in references]
    try:
        with open_bytes(path, compression) as file:
            for number, found in reader(logical, path, file, encoding, references):
                some.append(number)
                if len(some) == _PACKED:
                    numbers.append(pa.array(some, pa.int64()))
                    some = []
                for column, one in zip(columns, found, strict=True):
                    column.add(one)
    except (json.JSONDecodeError, etree.XMLSyntaxError) as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else error.position
        kind = "JSON" if isinstance(error, json.JSONDecodeError) else "XML"
        raise MappingError("M208", f"{path.name} is not {kind}: {error}", Location(str(path), line, column or 1), "correct the file") from None
    except UnicodeDecodeError as error:
        raise MappingError("M208", f"{path.name} is not in {encoding or 'UTF-8'}: {error}", Location(str(path)), "declare its encoding") from None
    numbers.append(pa.array(some, pa.int64()))
    arrays, names, made = [pa.chunked_array(numbers)], ["n"], []
    for i, column in enumerate(columns):
        one, own = column.column(len(arrays[0]) > 0)
        made.append(one)
        arrays += own
        names += [f"r{i}", f"k{i}"][: len(own)]
    return Records(pa.table(arrays, names), tuple(made), reader is _xml or path.name.endswith(_JSON_LINES))


def record_names(logical: LogicalSource, path: Path, compression: str | None, encoding: str | None) -> list[str]:
    """The members (children, @attributes) of the records that hold plain values, in the order that they come."""
    names: dict[str, None] = {}
    with open_bytes(path, compression) as file:
        if logical.reference_formulation == "JSONPath":
            for _, record in _json_records(logical, path, file, encoding):
                names |= dict.fromkeys(name for name, value in record.items() if not isinstance(value, list | dict)) if isinstance(record, dict) else {}
        else:
            for record in etree.XPath(logical.iterator or "/*/*")(_xml_tree(file, encoding)):
                names |= dict.fromkeys(f"@{name}" for name in record.attrib) | dict.fromkeys(child.tag for child in record if not len(child))
    return list(names)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _json(logical: LogicalSource, path: Path, file: IO[bytes], encoding: str | None, references: list[str]) -> Iterator[tuple[int, list[list[Value]]]]:
    """Numbers are those of the matches, from 1; of JSON lines, the lines."""
    paths = [json_path(reference, logical) for reference in references]
    for number, record in _json_records(logical, path, file, encoding):
        yield number, [
            [_json_value(value, reference, path, number) for value in find(record) if value is not None]
            for reference, find in zip(references, paths, strict=True)
        ]


def _json_records(logical: LogicalSource, path: Path, file: IO[bytes], encoding: str | None) -> Iterator[tuple[int, Any]]:
    iterator = logical.iterator or "$"
    if path.name.endswith(_JSON_LINES):
        # A file of lines is read as the array of them.
        inner = "$" + iterator[4:] if iterator.startswith("$[*]") else iterator
        find = json_path(inner, logical)
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    record = _load(line, encoding)
                except json.JSONDecodeError as error:
                    raise MappingError("M208", f"line {number} of {path.name} is not JSON: {error.msg}", Location(str(path), number, error.colno), "write one JSON value a line") from None
                yield from ((number, one) for one in find(record))
        return
    find = json_path(iterator, logical)
    steps = find.args[0] if isinstance(find, partial) else None
    if steps and steps[-1] is None and all(isinstance(step, str) for step in steps[:-1]):
        yield from enumerate(elements(file, encoding, steps[:-1]), 1)
    else:
        yield from enumerate(find(_load(file.read(), encoding)), 1)


def _load(content: bytes, encoding: str | None) -> Any:
    # Without a declared encoding, json tells UTF-8, UTF-16 and UTF-32 apart.
    return json.loads(content.decode(encoding) if encoding else content.removeprefix(b"\xef\xbb\xbf"))


def json_path(text: str, logical: LogicalSource) -> Callable[[Any], list]:
    """A JSONPath as a function (RFC 9535); a reference without $ is the name of a member, or a path from it."""
    try:
        if text.startswith("$"):
            query = jsonpath.compile(text)
        elif text.startswith("@"):
            query = jsonpath.compile("$" + text[1:])
        else:
            query = _relative_path(text)
    except JSONPathError as error:
        raise MappingError("M210", f"{text!r} is not a JSONPath: {str(error).splitlines()[0]}", logical.location, "write, for example, $.records[*] or $['a name']") from None
    steps = _steps(query)
    return query.findall if steps is None else partial(_walk, steps)


# A step into a value: the name of a member, the index of an element, or None for all.
Step = str | int | None


def _steps(query: jsonpath.JSONPath) -> list[Step] | None:
    """The steps of a path of names, indexes and wildcards, which is walked far faster than by its general evaluation."""
    steps: list[Step] = []
    for segment in query.segments if isinstance(query, jsonpath.JSONPath) else ():
        selectors = segment.selectors
        if type(segment) is not JSONPathChildSegment or len(selectors) != 1:
            return None
        one = selectors[0]
        if isinstance(one, NameSelector):
            steps.append(one.name)
        elif isinstance(one, IndexSelector):
            steps.append(one.index)
        elif isinstance(one, WildcardSelector):
            steps.append(None)
        else:
            return None
    return steps if isinstance(query, jsonpath.JSONPath) else None


def _walk(steps: list[Step], value: Any) -> list:
    for position, step in enumerate(steps):
        if step is None:
            children = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
            rest = steps[position + 1 :]
            return list(children) if not rest else [found for child in children for found in _walk(rest, child)]
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return []
            value = value[step]
        else:
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return []
            value = value[step]
    return [value]


def _relative_path(text: str) -> jsonpath.JSONPath:
    try:
        return jsonpath.compile("$." + text)
    except JSONPathError:
        return jsonpath.compile(f"$[{json.dumps(text)}]")


def _json_value(value: Any, reference: str, path: Path, number: int) -> Value:
    """The natural lexical form and datatype of a JSON value (RML-Core section on natural mapping)."""
    if isinstance(value, str):
        return value, XSD_STRING
    if isinstance(value, bool):
        return ("true" if value else "false"), XSD_BOOLEAN
    if isinstance(value, int):
        return str(value), XSD_INTEGER
    if isinstance(value, float):
        return canonical_double(value), XSD_DOUBLE
    kind = "an array" if isinstance(value, list) else "an object"
    raise MappingError(
        "M211", f"record {number} of {path.name}: {reference} is {kind}, not a value", Location(str(path)), f"refer to what is in it, for example {reference}{'[*]' if kind == 'an array' else '.name'}"
    )  # fmt: skip


def canonical_double(value: float) -> str:
    """The canonical form of an xsd:double.

    >>> canonical_double(30.0), canonical_double(0.125)
    ('3.0E1', '1.25E-1')
    """
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else "INF" if value > 0 else "-INF"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}E{int(exponent)}"


# ── XML ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _xml(logical: LogicalSource, path: Path, file: IO[bytes], encoding: str | None, references: list[str]) -> Iterator[tuple[int, list[list[Value]]]]:
    """Numbers are lines of the file. Prefixes are those of the logical source, else the document's root's."""
    if _is_streamed(logical.iterator or "/*", references):
        yield from _xml_stream(logical, file, encoding, references)
        return
    tree = _xml_tree(file, encoding)
    own = {prefix: url for prefix, url in tree.getroot().nsmap.items() if prefix}
    prefixes = own | dict(logical.namespaces)
    paths = [_xpath(reference, prefixes, logical) for reference in references]
    for record in _found(_xpath(logical.iterator or "/*", prefixes, logical), tree, logical):
        if not etree.iselement(record):
            raise MappingError("M210", f"the iterator {logical.iterator} finds {record!r}, which is no element", logical.location, "name elements, not their text or attributes")
        yield record.sourceline, [[(_xml_text(value), XSD_STRING) for value in _found(find, record, logical)] for find in paths]


def _is_streamed(iterator: str, references: list[str]) -> bool:
    """Whether records are found by names of elements alone, one within the other, and references stay within their record."""
    return re.fullmatch(r"(/([^\W\d][\w.-]*|\*))+", iterator) is not None and not any(
        one.strip().startswith("/") or ".." in one or "::" in one or "//" in one or "(" in one for one in references
    )


def _xml_stream(logical: LogicalSource, file: IO[bytes], encoding: str | None, references: list[str]) -> Iterator[tuple[int, list[list[Value]]]]:
    """Like `_xml`, with memory for one record: what has been read is taken out of the tree."""
    steps = (logical.iterator or "/*").split("/")[1:]
    trail: list[bool] = []  # of each open element: whether it is where the steps lead
    paths: list[etree.XPath] | None = None
    parsed = etree.iterparse(file, events=("start", "end"), resolve_entities=False, no_network=True, encoding=encoding)
    for event, element in parsed:
        if event == "start":
            if paths is None:
                prefixes = {prefix: url for prefix, url in element.nsmap.items() if prefix} | dict(logical.namespaces)
                paths = [_xpath(reference, prefixes, logical) for reference in references]
            depth = len(trail)
            trail.append((not trail or trail[-1]) and depth < len(steps) and steps[depth] in ("*", element.tag))
            continue
        is_record = trail.pop() and len(trail) + 1 == len(steps)
        if is_record:
            yield element.sourceline, [[(_xml_text(value), XSD_STRING) for value in _found(find, element, logical)] for find in paths or ()]
        if is_record or len(trail) < len(steps):
            element.clear(keep_tail=True)
            while trail and element.getprevious() is not None:
                del element.getparent()[0]


def _xml_tree(file: IO[bytes], encoding: str | None) -> etree._ElementTree:
    """The document, without what its entities would fetch from elsewhere."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, encoding=encoding)
    return etree.fromstring(file.read(), parser).getroottree()


def _xpath(text: str, prefixes: dict[str, str], logical: LogicalSource) -> etree.XPath:
    try:
        return etree.XPath(text, namespaces=prefixes or None)
    except etree.XPathError as error:
        raise MappingError("M210", f"{text!r} is not an XPath: {error}", logical.location, "write, for example, /records/record or @id") from None


def _found(path: etree.XPath, node: Any, logical: LogicalSource) -> list:
    try:
        found = path(node)
    except etree.XPathError as error:
        raise MappingError("M210", f"the XPath {path.path!r} fails: {error}", logical.location, "declare its prefixes with rml:namespace") from None
    return found if isinstance(found, list) else [found]


def _xml_text(value: Any) -> str:
    """The string value of a node or of an XPath result."""
    if etree.iselement(value):
        return "".join(value.itertext())
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
