"""Solutions as GraphML (http://graphml.graphdrawing.org): a row is an edge between the things of two of its columns.

A column named like one of the two and `Name` after it is that node's label; every other column is a property of the edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from pyoxigraph import Literal

from kg import terms
from kg.errors import QueryError, did_you_mean
from kg.sparql.results import Row, readable

_TYPES = {terms.XSD_INTEGER: "long", terms.XSD_DECIMAL: "double", terms.XSD_BOOLEAN: "boolean"}


def graphml(variables: Sequence[str], rows: Iterable[Row], source: str, target: str, prefixes: Mapping[str, str] | None = None) -> Iterator[str]:
    """The text of a directed graph; QueryError Q306 where a column is missing. Rows that leave an end unbound make no edge.

    >>> from pyoxigraph import NamedNode
    >>> a, b = NamedNode("urn:a"), NamedNode("urn:b")
    >>> "".join(graphml(["x", "y"], [(a, b)], "x", "y")).count("<node")
    2
    """
    names = [getattr(variable, "name", variable) for variable in variables]
    for name in (source, target):
        if name not in names:
            raise QueryError("Q306", f"the answer has no column {name} to make nodes of", help=did_you_mean(name, names) or f"it has {', '.join(names)}")
    ends = (names.index(source), names.index(target))
    labels = tuple(names.index(f"{name}Name") if f"{name}Name" in names else None for name in (source, target))
    rows = [row for row in rows if row[ends[0]] is not None and row[ends[1]] is not None]
    rest = [place for place in range(len(names)) if place not in (*ends, *labels)]
    kinds = {place: _type(row[place] for row in rows) for place in rest}
    nodes: dict[object, str] = {}
    for row in rows:
        for end, label in zip(ends, labels, strict=True):
            named = row[label].value if label is not None and row[label] is not None else None
            if row[end] not in nodes or named is not None:
                nodes[row[end]] = named or readable(row[end], prefixes or {})
    numbers = {node: f"n{number}" for number, node in enumerate(nodes)}
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    yield '<key id="iri" for="node" attr.name="iri" attr.type="string"/>\n<key id="label" for="node" attr.name="label" attr.type="string"/>\n'
    for place in rest:
        yield f'<key id="e{place}" for="edge" attr.name={quoteattr(names[place])} attr.type="{kinds[place]}"/>\n'
    yield '<graph edgedefault="directed">\n'
    for node, label in nodes.items():
        yield f'<node id="{numbers[node]}"><data key="iri">{escape(_text(node))}</data><data key="label">{escape(label)}</data></node>\n'
    for number, row in enumerate(rows):
        data = "".join(f'<data key="e{place}">{escape(_text(row[place]))}</data>' for place in rest if row[place] is not None)
        yield f'<edge id="e{number}" source="{numbers[row[ends[0]]]}" target="{numbers[row[ends[1]]]}">{data}</edge>\n'
    yield "</graph>\n</graphml>\n"


def _type(values: Iterable[object]) -> str:
    """GraphML's type for all values of a column: of one number type or boolean, else string."""
    found = {_TYPES.get(value.datatype.value, "string") if isinstance(value, Literal) else "string" for value in values if value is not None}
    return found.pop() if len(found) == 1 else "double" if found == {"long", "double"} else "string"


def _text(term: object) -> str:
    return getattr(term, "value", None) or str(term)
