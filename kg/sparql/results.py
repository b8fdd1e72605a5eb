"""Writers of query results: SPARQL JSON, XML, CSV, TSV, a plain-text table; graphs through pyoxigraph.

Solutions are tuples of terms in the order of the variables, None where unbound. The writers are generators of text, so a
result of any length passes through; only the table needs all rows first, to know its widths.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring as json_string
from tempfile import SpooledTemporaryFile

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from kg.errors import DataError
from kg.sparql.algebra import Var

ResultTerm = NamedNode | BlankNode | Literal | Triple
Row = Sequence[ResultTerm | None]

_ROWS_A_CHUNK = 256
_TRIPLES_A_CHUNK, _BYTES_A_CHUNK, _BYTES_IN_MEMORY = 10_000, 1 << 20, 4 << 20
_XSD = "http://www.w3.org/2001/XMLSchema#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PLAIN = {_XSD + "string", _RDF + "langString", _RDF + "dirLangString"}  # datatypes that the syntax already says


def write_solutions(
    variables: Sequence[str | Var],
    rows: Iterable[Row],
    format: str = "json",
    prefixes: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The text of a SELECT result as `json`, `xml`, `csv`, `tsv` or `table`; `prefixes` serve the table.

    >>> "".join(write_solutions(["n"], [(Literal(1),)], "csv"))
    'n\\r\\n1\\r\\n'
    """
    names = [variable.name if isinstance(variable, Var) else variable for variable in variables]
    if format == "table":
        return _table(names, rows, prefixes or {})
    return _in_chunks(syntax(format), names, rows)


@dataclass(frozen=True)
class Syntax:
    """How a format writes solutions: the text before them, that of each, what stands between two, and the end."""

    head: Callable[[Sequence[str]], str]
    row: Callable[[Sequence[str]], Callable[[Row], str]]  # names → the writer of a row
    before: str = ""  # before the first row, if there is one
    between: str = ""
    tail: str = ""
    tail_with_notes: Callable[[Sequence[str]], str] | None = None  # None where the format has no room for remarks

    def end(self, notes: Sequence[str] = ()) -> str:
        """The text after the solutions."""
        return self.tail_with_notes(notes) if notes and self.tail_with_notes else self.tail


def syntax(format: str) -> Syntax:
    """The syntax of `json`, `xml`, `csv` or `tsv`."""
    return _writer(_SOLUTIONS, format)


def _in_chunks(syntax: Syntax, names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    lines = map(syntax.row(names), rows)
    chunk = list(islice(lines, _ROWS_A_CHUNK))
    yield syntax.head(names) + (syntax.before + syntax.between.join(chunk) if chunk else "") + ("" if len(chunk) == _ROWS_A_CHUNK else syntax.tail)
    if len(chunk) == _ROWS_A_CHUNK:
        while chunk := list(islice(lines, _ROWS_A_CHUNK)):
            yield syntax.between + syntax.between.join(chunk)
        if syntax.tail:
            yield syntax.tail


def write_boolean(value: bool, format: str = "json") -> str:
    """The text of an ASK result; CSV and TSV, which the recommendation leaves open, get the bare word."""
    return _writer(_BOOLEANS, format).format("true" if value else "false")


def write_graph(triples: Iterable[Triple], format: str = "ttl", prefixes: Mapping[str, str] | None = None) -> bytes:
    """The triples of CONSTRUCT or DESCRIBE; `format` is a file extension (`ttl`, `nt`, `rdf`, `jsonld`) or a media type."""
    return serialize(triples, format=_rdf_format(format), prefixes=dict(prefixes or {}))


def write_triples(triples: Iterable[Triple], format: str = "ttl", prefixes: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """What `write_graph` makes, in pieces: a graph of any length passes through in Turtle and N-Triples, through a file in other formats."""
    rdf_format = _rdf_format(format)
    if rdf_format not in (RdfFormat.TURTLE, RdfFormat.N_TRIPLES):
        return _through_a_file(triples, rdf_format, dict(prefixes or {}))
    return _in_batches(iter(triples), rdf_format, dict(prefixes or {}))


def _in_batches(triples: Iterator[Triple], format: RdfFormat, prefixes: dict[str, str]) -> Iterator[bytes]:
    """Statements one after the other; only the first piece declares the prefixes."""
    yield serialize(islice(triples, _ROWS_A_CHUNK), format=format, prefixes=prefixes)
    while piece := serialize(islice(triples, _TRIPLES_A_CHUNK), format=format, prefixes=prefixes):
        start = 0
        while piece.startswith(b"@prefix ", start):
            start = piece.index(b"\n", start) + 1
        yield piece[start:]


def _through_a_file(triples: Iterable[Triple], format: RdfFormat, prefixes: dict[str, str]) -> Iterator[bytes]:
    with SpooledTemporaryFile(_BYTES_IN_MEMORY) as file:
        serialize(triples, file, format=format, prefixes=prefixes)
        file.seek(0)
        while piece := file.read(_BYTES_A_CHUNK):
            yield piece


def _rdf_format(format: str) -> RdfFormat:
    rdf_format = RdfFormat.from_media_type(format) if "/" in format else RdfFormat.from_extension(format)
    if rdf_format is None:
        raise DataError("D110", f"'{format}' is no RDF format", help="use ttl, nt, rdf, jsonld or a media type")
    return rdf_format


def _writer(writers: Mapping, format: str):
    found = writers.get(format)
    if found is None:
        raise DataError("D111", f"'{format}' is no result format", help=f"use {', '.join(writers)}")
    return found


# ── JSON (SPARQL 1.1 Query Results JSON Format; triple terms as in 1.2) ──────────────────────────────────────


def _json_head(names: Sequence[str]) -> str:
    return f'{{"head":{{"vars":[{",".join(map(json_string, names))}]}},"results":{{"bindings":['


def _json_row(names: Sequence[str]) -> Callable[[Row], str]:
    keys = [json_string(name) + ":" for name in names]
    return lambda row: f"{{{','.join([key + _json_term(term) for key, term in zip(keys, row, strict=True) if term is not None])}}}"


def _json_notes(notes: Sequence[str]) -> str:
    """A member beside those of the specification, which readers pass over."""
    return f'\n]}},"warnings":[{",".join(map(json_string, notes))}]}}\n'


def _json_term(term: ResultTerm) -> str:
    if isinstance(term, NamedNode):
        return f'{{"type":"uri","value":{json_string(term.value)}}}'
    if isinstance(term, Literal):
        extra = ""
        if term.language:
            extra = f',"xml:lang":{json_string(term.language)}'
            if term.direction is not None:
                extra += f',"its:dir":"{term.direction}"'
        elif (datatype := term.datatype.value) not in _PLAIN:
            extra = f',"datatype":{json_string(datatype)}'
        return f'{{"type":"literal","value":{json_string(term.value)}{extra}}}'
    if isinstance(term, BlankNode):
        return f'{{"type":"bnode","value":{json_string(term.value)}}}'
    parts = zip(("subject", "predicate", "object"), term, strict=False)
    inner = ",".join(f'"{role}":{_json_term(part)}' for role, part in parts)
    return f'{{"type":"triple","value":{{{inner}}}}}'


# ── XML (SPARQL Query Results XML Format) ────────────────────────────────────────────────────────────────────

_XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<sparql xmlns="http://www.w3.org/2005/sparql-results#"{}>\n'
# Spaces at either end are escaped too: many readers strip an element's text.
_XML_ESCAPES = {
    " ": "&#x20;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#xD;",
    "\n": "&#xA;",
    "\t": "&#x9;",
}
_XML_SPECIAL = re.compile('[&<>"\r\n\t]|^ | $')
_XML_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_head(names: Sequence[str]) -> str:
    variables = "".join(f'<variable name="{_xml_text(name)}"/>' for name in names)
    return _XML_HEAD.format(' xmlns:its="http://www.w3.org/2005/11/its" its:version="2.0"') + f"<head>{variables}</head>\n<results>\n"


def _xml_row(names: Sequence[str]) -> Callable[[Row], str]:
    openings = [f'<binding name="{_xml_text(name)}">' for name in names]

    def text(row: Row) -> str:
        bindings = [f"{opening}{_xml_term(term)}</binding>" for opening, term in zip(openings, row, strict=True) if term is not None]
        return f"<result>{''.join(bindings)}</result>\n"

    return text


def _xml_notes(notes: Sequence[str]) -> str:
    comments = "".join(f"<!-- {note.replace('--', '- -')} -->\n" for note in notes)
    return f"</results>\n{comments}</sparql>\n"


def _xml_term(term: ResultTerm) -> str:
    if isinstance(term, NamedNode):
        return f"<uri>{_xml_text(term.value)}</uri>"
    if isinstance(term, Literal):
        attribute = ""
        if term.language:
            attribute = f' xml:lang="{_xml_text(term.language)}"'
            if term.direction is not None:
                attribute += f' its:dir="{term.direction}"'
        elif (datatype := term.datatype.value) not in _PLAIN:
            attribute = f' datatype="{_xml_text(datatype)}"'
        return f"<literal{attribute}>{_xml_text(term.value)}</literal>"
    if isinstance(term, BlankNode):
        return f"<bnode>{_xml_text(term.value)}</bnode>"
    parts = zip(("subject", "predicate", "object"), term, strict=False)
    return "<triple>" + "".join(f"<{role}>{_xml_term(part)}</{role}>" for role, part in parts) + "</triple>"


def _xml_text(text: str) -> str:
    if forbidden := _XML_FORBIDDEN.search(text):
        raise DataError(
            "D112",
            f"the character U+{ord(forbidden[0]):04X} in {text[:40]!r} cannot be written in XML",
            help="ask for JSON, CSV or TSV, which can hold it",
        )
    return _XML_SPECIAL.sub(lambda match: _XML_ESCAPES[match[0]], text)


# ── CSV and TSV (SPARQL 1.1 Query Results CSV and TSV Formats) ───────────────────────────────────────────────

_CSV_SPECIAL = re.compile('[",\r\n]')
_TSV_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
_TSV_SPECIAL = re.compile('[\\\\"\t\n\r\b\f]')
_BARE = {  # datatypes that Turtle writes without quotation marks, where the lexical form is one of these
    _XSD + "integer": re.compile(r"[+-]?[0-9]+"),
    _XSD + "decimal": re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    _XSD + "double": re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+"),
    _XSD + "boolean": re.compile("true|false"),
}


def _csv_head(names: Sequence[str]) -> str:
    return ",".join(map(_csv_field, names)) + "\r\n"


def _csv_row(_: Sequence[str]) -> Callable[[Row], str]:
    return lambda row: ",".join(["" if term is None else _csv_field(_csv_text(term)) for term in row]) + "\r\n"


def _csv_text(term: ResultTerm) -> str:
    return term.value if isinstance(term, NamedNode | Literal) else str(term)


def _csv_field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _CSV_SPECIAL.search(text) else text


def _tsv_head(names: Sequence[str]) -> str:
    return "\t".join(f"?{name}" for name in names) + "\n"


def _tsv_row(_: Sequence[str]) -> Callable[[Row], str]:
    return lambda row: "\t".join(["" if term is None else _tsv_term(term) for term in row]) + "\n"


def _tsv_term(term: ResultTerm) -> str:
    if isinstance(term, NamedNode):
        return f"<{term.value}>"
    if isinstance(term, Literal):
        return _tsv_literal(term)
    if isinstance(term, BlankNode):
        return f"_:{term.value}"
    return f"<<( {_tsv_term(term.subject)} {_tsv_term(term.predicate)} {_tsv_term(term.object)} )>>"


def _tsv_literal(term: Literal) -> str:
    quoted = '"' + _TSV_SPECIAL.sub(lambda match: _TSV_ESCAPES[match[0]], term.value) + '"'
    if term.language:
        return f"{quoted}@{term.language}" + (f"--{term.direction}" if term.direction is not None else "")
    datatype = term.datatype.value
    if datatype in _PLAIN:
        return quoted
    bare = _BARE.get(datatype)
    return term.value if bare is not None and bare.fullmatch(term.value) else f"{quoted}^^<{datatype}>"


# ── Table ────────────────────────────────────────────────────────────────────────────────────────────────────

_LOCAL_NAME = re.compile(r"\w(?:[\w.-]*[\w-])?|")
_LINE_ENDS = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def _table(names: list[str], rows: Iterable[Row], prefixes: Mapping[str, str]) -> Iterator[str]:
    cells = [["" if term is None else readable(term, prefixes) for term in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(names, *cells, strict=True)]
    is_number = [
        bool(cells) and all(re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?|", row[index]) for row in cells)
        for index in range(len(names))
    ]
    no_alignment = [False] * len(names)
    yield _table_line(names, widths, no_alignment)
    yield "─┼─".join("─" * width for width in widths) + "\n"
    for row in cells:
        yield _table_line(row, widths, is_number)


def _table_line(cells: Sequence[str], widths: list[int], is_number: list[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, is_number, strict=True):
        space = " " * (width - _width(cell))
        padded.append(space + cell if right else cell + space)
    return " │ ".join(padded).rstrip() + "\n"


def readable(term: ResultTerm, prefixes: Mapping[str, str]) -> str:
    """A term for people: IRIs with prefixes, literals without quotation marks, on one line.

    >>> readable(NamedNode("http://example.org/a"), {"ex": "http://example.org/"})
    'ex:a'
    """
    if isinstance(term, NamedNode):
        return _prefixed(term.value, prefixes)
    if isinstance(term, Literal):
        text = term.value.translate(_LINE_ENDS)
        if term.language:
            return f"{text}@{term.language}"
        datatype = term.datatype.value
        return text if datatype.startswith(_XSD) else f"{text}^^{_prefixed(datatype, prefixes)}"
    if isinstance(term, BlankNode):
        return f"_:{term.value}"
    return f"<<( {' '.join(readable(part, prefixes) for part in (term.subject, term.predicate, term.object))} )>>"


def _prefixed(iri: str, prefixes: Mapping[str, str]) -> str:
    """The name with the longest matching namespace, or `<iri>`."""
    best = max(
        ((namespace, prefix) for prefix, namespace in prefixes.items() if namespace and iri.startswith(namespace)),
        key=lambda pair: len(pair[0]),
        default=None,
    )
    if best is not None and _LOCAL_NAME.fullmatch(local := iri[len(best[0]) :]):
        return f"{best[1]}:{local}"
    return f"<{iri}>"


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


_SOLUTIONS = {
    "json": Syntax(_json_head, _json_row, "\n", ",\n", "\n]}}\n", _json_notes),
    "xml": Syntax(_xml_head, _xml_row, tail="</results>\n</sparql>\n", tail_with_notes=_xml_notes),
    "csv": Syntax(_csv_head, _csv_row),
    "tsv": Syntax(_tsv_head, _tsv_row),
}
_BOOLEANS = {
    "json": '{{"head":{{}},"boolean":{}}}\n',
    "xml": _XML_HEAD.format("") + "<head/>\n<boolean>{}</boolean>\n</sparql>\n",
    "csv": "{}",
    "tsv": "{}",
    "table": "{}\n",
}
