"""Data and templates of an update (SPARQL 1.1 Update, section 3.1): rows of ids, and SQL that makes them of solutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from pyoxigraph import BlankNode, NamedNode, Triple

from kg.errors import NotSupported
from kg.sparql.algebra import Node, QuadPattern, TripleTerm, Var
from kg.sparql.solution_table import TABLE
from kg.sparql.values import ALL_TAGS, IRI_TAGS, Term, Value, tag_class, tag_test
from kg.terms import DEFAULT_GRAPH, TAG_BITS, TAG_BLANK

_SUBJECT_TAGS = IRI_TAGS | {TAG_BLANK}  # RDF 1.2: a triple term is an object only

_ROW = ("graph", "subject", "predicate", "object")
_KINDS = (IRI_TAGS, _SUBJECT_TAGS, IRI_TAGS, ALL_TAGS)


# ── Ground quads: INSERT DATA and DELETE DATA ────────────────────────────────────────────────────────────────


def ground_rows(quads: Iterable[QuadPattern], blank_prefix: str, ids_of: Callable[[Sequence[Term]], list[int | None]]) -> pa.Table:
    """The rows (g, s, p, o) of ground quads; those with a term that `ids_of` does not know are left out."""
    parts = [[_ground(getattr(quad, part), blank_prefix) for part in _ROW] for quad in quads]
    terms = list(dict.fromkeys(term for row in parts for term in row if term is not None))
    ids: dict[Term | None, int | None] = dict(zip(terms, ids_of(terms), strict=True))
    ids[None] = DEFAULT_GRAPH
    rows = [row for row in ([ids[term] for term in row] for row in parts) if None not in row]
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    return pa.table({name: pa.array(column, pa.int64()) for name, column in zip("gspo", columns, strict=True)})


def _ground(node: Node | None, blank_prefix: str) -> Term | None:
    if isinstance(node, Var):  # a blank node: one and the same throughout the operation
        return BlankNode(blank_prefix + _label(node))
    if isinstance(node, TripleTerm):
        return Triple(_ground(node.subject, blank_prefix), node.predicate, _ground(node.object, blank_prefix))
    return node


def _label(node: Var) -> str:
    return node.name.removeprefix("_:")


# ── Templates ────────────────────────────────────────────────────────────────────────────────────────────────


def variables_of(quads: Iterable[QuadPattern]) -> Iterator[Var]:
    """The variables and blank nodes of templates, in order, repetitions included."""
    for quad in quads:
        for part in _ROW:
            yield from _variables(getattr(quad, part))


def _variables(node: Node | None) -> Iterator[Var]:
    if isinstance(node, Var):
        yield node
    elif isinstance(node, TripleTerm):
        for part in (node.subject, node.predicate, node.object):
            yield from _variables(part)


def template_rows(
    quads: Sequence[QuadPattern], columns: Mapping[str, Value], bindings: Mapping[str, Term], ids_of: Callable[[Sequence[Term]], list[int | None]]
) -> str | None:
    """A SELECT of the rows (g, s, p, o) that the templates make of the table of solutions; None where there can be none.

    A triple with an unbound variable, or with a term where RDF has none of its kind, is left out (section 4.1.4, that of
    CONSTRUCT in 16.2). `ids_of` gives the ids of constants, None where the triple cannot be meant.
    """
    rows = [_row(quad, columns, bindings, ids_of) for quad in quads]
    return " UNION ALL ".join(dict.fromkeys(row for row in rows if row)) or None


def _row(
    quad: QuadPattern, columns: Mapping[str, Value], bindings: Mapping[str, Term], ids_of: Callable[[Sequence[Term]], list[int | None]]
) -> str | None:
    selected, conditions, varies = [], [], False
    for name, part, kinds in zip("gspo", _ROW, _KINDS, strict=True):
        node = _bound(getattr(quad, part), bindings)
        if node is None:
            selected.append(f"{DEFAULT_GRAPH} AS g")
            continue
        if isinstance(node, Var):
            value = columns.get(node.name)
            if value is None or not value.tags & kinds:
                return None
            varies = True
            conditions += [f"{value.sql} IS NOT NULL"] if value.nullable else []
            conditions += [test] if (test := tag_test(value, kinds)) else []
            selected.append(f"{value.sql} AS {name}")
            continue
        term_id = ids_of([node])[0]
        if term_id is None or tag_class(term_id >> TAG_BITS) not in kinds:
            return None
        selected.append(f"{term_id} AS {name}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {', '.join(selected)} FROM {TABLE}{where}"
    return sql if varies else f"(SELECT * FROM ({sql}) LIMIT 1)"


def _bound(node: Node | None, bindings: Mapping[str, Term]) -> Term | Var | None:
    """A template's node with the request's bindings put in."""
    if isinstance(node, Var):
        return bindings.get(node.name, node)
    if isinstance(node, TripleTerm):
        parts = [_bound(part, bindings) for part in (node.subject, node.predicate, node.object)]
        if any(isinstance(part, Var) for part in parts) or not isinstance(parts[1], NamedNode):
            raise NotSupported("Q301", "a triple term with variables in a template is not supported", help="write its triple, or reify it by name")
        return Triple(*parts)
    return node
