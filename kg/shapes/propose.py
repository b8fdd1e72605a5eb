"""Shapes proposed from a graph: what all instances of each class have in common, as a SHACL document to start from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from kg.shapes.vocabulary import OWL, RDFS, SH, SUB_CLASS_OF, sh
from kg.sql import encoding
from kg.store import Store
from kg.store.notation import text_of
from kg.terms import (
    RDF,
    RDF_LANG_STRING,
    RDF_TYPE,
    TAG_BLANK,
    TAG_IRI,
    TAG_LANG,
    TAG_STRING,
    TAG_TEMPLATE,
    XSD_INTEGER,
    XSD_STRING,
    Term,
)

# Instances of a class are those of its subclasses, too.
_INSTANCES = """WITH RECURSIVE above(class, super) AS (
    SELECT DISTINCT o, o FROM triples WHERE p = $type
    UNION SELECT a.class, t.o FROM above AS a JOIN triples AS t ON t.s = a.super AND t.p = $sub),
instances AS (SELECT DISTINCT a.super AS class, t.s AS node FROM triples AS t JOIN above AS a ON a.class = t.o WHERE t.p = $type)"""
# One row for each class and property: how many instances there are, how many have the property, how many values one has
# at most, which kinds and which datatype the values have.
_SURVEY = f"""
{_INSTANCES},
sizes AS (SELECT class, count(*) AS instances FROM instances GROUP BY class),
uses AS (SELECT i.class, i.node, t.p, t.o FROM instances AS i JOIN triples AS t ON t.s = i.node WHERE t.p <> $type),
counts AS (SELECT class, p, node, count(*) AS n FROM uses GROUP BY class, p, node),
ranges AS (SELECT class, p, count(*) AS nodes, max(n) AS most FROM counts GROUP BY class, p),
kinds AS (
    SELECT u.class, u.p, bool_and({encoding.tag('u.o')} IN ({TAG_IRI}) OR {encoding.tag('u.o')} >= {TAG_TEMPLATE}) AS is_iri,
        bool_and({encoding.tag('u.o')} = {TAG_BLANK}) AS is_blank, bool_or({encoding.tag('u.o')} IN ({TAG_IRI}, {TAG_BLANK}) OR {encoding.tag('u.o')} >= {TAG_TEMPLATE}) AS has_node,
        min(CASE {encoding.tag('u.o')} WHEN {TAG_STRING} THEN '{XSD_STRING}' WHEN {TAG_LANG} THEN '{RDF_LANG_STRING}'
            ELSE coalesce({encoding.inline_datatype('u.o')}, d.extra) END) AS low,
        max(CASE {encoding.tag('u.o')} WHEN {TAG_STRING} THEN '{XSD_STRING}' WHEN {TAG_LANG} THEN '{RDF_LANG_STRING}'
            ELSE coalesce({encoding.inline_datatype('u.o')}, d.extra) END) AS high
    FROM uses AS u LEFT JOIN dictionary AS d ON d.id = u.o GROUP BY u.class, u.p)
SELECT r.class, r.p, s.instances, r.nodes, r.most, k.is_iri, k.is_blank, k.has_node, k.low, k.high
FROM ranges AS r JOIN sizes AS s USING (class) JOIN kinds AS k USING (class, p) ORDER BY r.class, r.p
"""
# The class that all values of a property have, the one with the fewest instances where there are several.
_VALUE_CLASSES = f"""
{_INSTANCES},
sizes AS (SELECT class, count(*) AS instances FROM instances GROUP BY class),
uses AS (SELECT DISTINCT i.class, t.p, t.o FROM instances AS i JOIN triples AS t ON t.s = i.node WHERE t.p <> $type),
totals AS (SELECT class, p, count(*) AS n FROM uses GROUP BY class, p),
found AS (SELECT u.class, u.p, v.class AS of_class, count(*) AS n FROM uses AS u JOIN instances AS v ON v.node = u.o GROUP BY u.class, u.p, v.class)
SELECT f.class, f.p, arg_min(f.of_class, s.instances) FROM found AS f JOIN totals AS t USING (class, p) JOIN sizes AS s ON s.class = f.of_class
WHERE f.n = t.n GROUP BY f.class, f.p
"""


@dataclass(frozen=True)
class ProposedProperty:
    """What the instances of a class have in common about one property."""

    path: NamedNode
    is_required: bool  # every instance has it
    is_single: bool  # no instance has two
    node_kind: str | None
    datatype: str | None
    value_class: Term | None


def propose(store: Store) -> Mapping[NamedNode, list[ProposedProperty]]:
    """For each class, the properties of its instances. Only classes named by IRIs; all graphs count."""
    type_id, sub_id = store.lookup_many([NamedNode(RDF_TYPE), SUB_CLASS_OF])
    if type_id is None:
        return {}
    cursor, parameters = store.cursor(), {"type": type_id, "sub": sub_id}
    rows = cursor.execute(_SURVEY, parameters).fetchall()
    classes = {(class_id, p): of_class for class_id, p, of_class in cursor.execute(_VALUE_CLASSES, parameters).fetchall()}
    known = store.decode({term_id for row in rows for term_id in row[:2]} | set(classes.values()))
    found: dict[NamedNode, list[ProposedProperty]] = {}
    for class_id, p, instances, nodes, most, is_iri, is_blank, has_node, low, high in rows:
        class_, value_class = known[class_id], known.get(classes.get((class_id, p)))
        if isinstance(class_, NamedNode):
            kind = "IRI" if is_iri else "BlankNode" if is_blank else None if has_node else "Literal"
            datatype = low if kind == "Literal" and low == high else None
            found.setdefault(class_, []).append(
                ProposedProperty(known[p], nodes == instances, most == 1, kind, datatype, value_class if isinstance(value_class, NamedNode) else None)
            )
    return found


def proposed_document(store: Store, prefixes: Mapping[str, str], namespace: str) -> bytes:
    """The proposed shapes in Turtle, named in `namespace` after their classes; those of OWL and RDFS themselves are left out.

    The graph they come from conforms to them. Nothing is said of ranges and lists: data show what is, not what must be.
    """
    names = {name: iri for name, iri in prefixes.items() if iri} | {"sh": SH, "shape": namespace}
    parts, taken = [], set()
    for class_, properties in propose(store).items():
        if not class_.value.startswith((OWL, RDFS, RDF)):
            name = _name(class_, taken)
            taken.add(name)
            parts.append(_text(NamedNode(namespace + name), class_, properties, names))
    body = "\n".join(parts)
    used = {name: iri for name, iri in names.items() if f" {name}:" in f" {body}" or f"\n{name}:" in f"\n{body}"}
    return ("".join(f"@prefix {name}: <{iri}> .\n" for name, iri in sorted(used.items())) + "\n" + body).encode()


def _name(class_: NamedNode, taken: set[str]) -> str:
    name = re.sub(r"[^\w-]", "-", class_.value.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1])
    while name in taken:
        name += "-2"
    return name


def _text(shape: NamedNode, class_: NamedNode, properties: Iterable[ProposedProperty], prefixes: Mapping[str, str]) -> str:
    lines = [f"{text_of(shape, prefixes)} a sh:NodeShape ;\n    sh:targetClass {text_of(class_, prefixes)}"]
    for one in properties:
        constraints = "".join(f" ; {text_of(predicate, prefixes)} {text_of(value, prefixes)}" for predicate, value in _constraints(one))
        lines.append(f"    sh:property [ sh:path {text_of(one.path, prefixes)}{constraints} ]")
    return " ;\n".join(lines) + " .\n"


def _constraints(one: ProposedProperty) -> Iterator[tuple[NamedNode, Term]]:
    number = Literal("1", datatype=NamedNode(XSD_INTEGER))
    if one.is_required:
        yield sh("minCount"), number
    if one.is_single:
        yield sh("maxCount"), number
    if one.datatype is not None:
        yield sh("datatype"), NamedNode(one.datatype)
    elif one.node_kind is not None:
        yield sh("nodeKind"), sh(one.node_kind)
    if one.value_class is not None:
        yield sh("class"), one.value_class
