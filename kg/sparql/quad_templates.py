"""Templates of an update (SPARQL 1.1 Update, section 3.1): solutions become a table of ids, templates SQL over it.

No solution passes through Python: what a pattern computes is stored once, its new terms are interned by a join, and a
template is one SELECT for each of its triples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyoxigraph import BlankNode, NamedNode, Triple

from kg.errors import NotSupported
from kg.sparql.algebra import Node, QuadPattern, TripleTerm, Var
from kg.sparql.compile import CompiledPattern, id_columns, new_terms, used_parameters
from kg.sparql.conversions import is_inlinable
from kg.sparql.strings import register_python_functions
from kg.sparql.values import ALL_TAGS, EXACT, ID, IRI_TAGS, Term, Value, tag_class, tag_test
from kg.store import Store
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


# ── Solutions as ids ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Solutions:
    """The table kg_bound: one column of ids, NULL where unbound, for each variable and each blank node of the templates."""

    columns: Mapping[str, Value]

    TABLE = "kg_bound"


def solutions(store: Store, compiled: CompiledPattern, blank_nodes: Sequence[Var]) -> Solutions:
    """Run a compiled pattern into the table kg_bound, its new terms interned, with fresh blank nodes for each solution.

    Without blank nodes, solutions that are equal are stored once: a graph is a set.
    """
    run = store.connection.execute
    distinct = "" if blank_nodes else "DISTINCT "
    register_python_functions(store.connection, compiled.sql)
    run(f"CREATE OR REPLACE TEMP TABLE kg_solutions AS SELECT {distinct}* FROM ({compiled.sql})", compiled.parameters or None)
    computed = replace(compiled, sql="SELECT * FROM kg_solutions", parameters={}, columns=_measured(store, compiled.columns))
    names = list(compiled.columns)
    if (unknown := new_terms(computed, store, names)) is not None:
        store.intern(unknown, used_parameters(computed.parameters, unknown))
    ids = id_columns(computed, store, names)
    numbered = ", row_number() OVER () AS kg_number" if blank_nodes else ""
    run(f"CREATE OR REPLACE TEMP TABLE {Solutions.TABLE} AS SELECT *{numbered} FROM ({ids})", used_parameters(computed.parameters, ids) or None)
    run("DROP TABLE kg_solutions")
    columns = {name: _id_value(column) for name, column in compiled.columns.items()}
    if blank_nodes:
        columns |= _with_blank_nodes(store, blank_nodes)
    return Solutions(columns)


def _measured(store: Store, columns: Mapping[str, Value]) -> Mapping[str, Value]:
    """The columns with the size that their numbers have in fact: nearly always small enough for ids by arithmetic."""
    exact = {name: column for name, column in columns.items() if column.kind == EXACT and not is_inlinable(column)}
    if not exact:
        return columns
    largest = ", ".join(f"coalesce(greatest(max({column.sql}), -min({column.sql})), 0)::HUGEINT" for column in exact.values())
    sizes = store.connection.execute(f"SELECT {largest} FROM kg_solutions").fetchone()
    measured = {name: replace(column, bits=size.bit_length()) for (name, column), size in zip(exact.items(), sizes, strict=True)}
    return {**columns, **measured}


def _id_value(column: Value) -> Value:
    """A column of kg_bound: what it may hold is known where the pattern bound it to ids of the store."""
    tags = column.tags if column.kind == ID and not column.local and column.tags else ALL_TAGS
    return Value(ID, column.sql, tags=tags)


def _with_blank_nodes(store: Store, blank_nodes: Sequence[Var]) -> dict[str, Value]:
    """Add a column of new blank nodes to kg_bound for each of those in the template."""
    run, prefix = store.connection.execute, store.blank_node_prefix()
    columns = {}
    for place, node in enumerate(blank_nodes):
        column = f"kg_blank{place}"
        label = f"'{prefix}{place}-' || b.kg_number"
        store.intern(f"SELECT {TAG_BLANK} AS tag, {label} AS lex, '' AS extra FROM {Solutions.TABLE} AS b")
        run(
            f"CREATE OR REPLACE TEMP TABLE kg_labelled AS SELECT b.*, d.id AS {column} FROM {Solutions.TABLE} AS b "
            f"JOIN dictionary AS d ON d.lex = {label} AND d.extra = '' AND d.id >> {TAG_BITS} = {TAG_BLANK}"
        )
        run(f"DROP TABLE {Solutions.TABLE}")
        run(f"ALTER TABLE kg_labelled RENAME TO {Solutions.TABLE}")
        columns[node.name] = Value(ID, column, False, tags=frozenset({TAG_BLANK}))
    return columns


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
    quads: Sequence[QuadPattern], found: Solutions, bindings: Mapping[str, Term], ids_of: Callable[[Sequence[Term]], list[int | None]]
) -> str | None:
    """A SELECT of the rows (g, s, p, o) that the templates make of the solutions; None where there can be none.

    A triple with an unbound variable, or with a term where RDF has none of its kind, is left out (section 4.1.4, that of
    CONSTRUCT in 16.2). `ids_of` gives the ids of constants, None where the triple cannot be meant.
    """
    rows = [_row(quad, found, bindings, ids_of) for quad in quads]
    return " UNION ALL ".join(dict.fromkeys(row for row in rows if row)) or None


def _row(
    quad: QuadPattern, found: Solutions, bindings: Mapping[str, Term], ids_of: Callable[[Sequence[Term]], list[int | None]]
) -> str | None:
    selected, conditions, varies = [], [], False
    for name, part, kinds in zip("gspo", _ROW, _KINDS, strict=True):
        node = _bound(getattr(quad, part), bindings)
        if node is None:
            selected.append(f"{DEFAULT_GRAPH} AS g")
            continue
        if isinstance(node, Var):
            value = found.columns.get(node.name)
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
    sql = f"SELECT {', '.join(selected)} FROM {Solutions.TABLE}{where}"
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
