"""SPARQL in shapes (section 5): reading queries, their prefixes, and what pre-binding forbids (appendix A).

Pre-binding gives `$this` (and `$value`) a value throughout a query, also where SPARQL's scopes would not. `over_table`
does that for all values at once: it joins the table of values into every basic graph pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace

from pyoxigraph import Literal, NamedNode

from kg.errors import Location, QueryError, QuerySyntaxError
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.vocabulary import OWL, sh
from kg.sparql import algebra
from kg.sparql.algebra import Var
from kg.sparql.parser import parse_query
from kg.sparql.relations import Table
from kg.terms import Term

_THIS = Var("this")
_IMPORTS = NamedNode(OWL + "imports")
_FORBIDDEN = {algebra.Minus: "MINUS", algebra.Values: "VALUES", algebra.Service: "SERVICE"}


def read_query(document: ShapesDocument, shape: Term, node: Node, predicate: NamedNode, prefixes: Mapping[str, str] | None = None) -> algebra.Query:
    """The query that stands at `node`, `prefixes` known beforehand; ShapeError H108 with the place of a syntax error in the
    shapes file."""
    texts = document.values(node, predicate)
    if len(texts) != 1 or not isinstance(texts[0], Literal):
        what = "has no query text" if not texts else "has more than one query text" if len(texts) > 1 else "has a query that is no text"
        raise document.error("H108", f"{document.name(node)} {what} in {document.name(predicate)}", node, predicate)
    text = texts[0]
    try:
        query = parse_query(text.value, prefixes=dict(prefixes or {}) | _prefixes(document, node))
    except QuerySyntaxError as error:
        raise _placed(document, shape, node, text, error) from None
    wanted = {sh("ask"): algebra.Ask, sh("construct"): algebra.Construct}.get(predicate, algebra.Select)
    if not isinstance(query, wanted):
        raise document.error("H108", f"the query of {document.name(shape)} in {document.name(predicate)} is no {wanted.__name__.upper()}", node, predicate, help=f"write {wanted.__name__.upper()} …")
    return query


def _prefixes(document: ShapesDocument, node: Node) -> dict[str, str]:
    """The declarations of sh:prefixes and of all ontologies that those import (section 5.2.1)."""
    found: dict[str, str] = {}
    waiting, seen = list(document.values(node, sh("prefixes"))), set()
    while waiting:
        ontology = waiting.pop()
        if ontology in seen:
            continue
        seen.add(ontology)
        waiting += document.values(ontology, _IMPORTS)
        for declaration in document.values(ontology, sh("declare")):
            prefix, namespace = document.values(declaration, sh("prefix")), document.values(declaration, sh("namespace"))
            if len(prefix) != 1 or len(namespace) != 1:
                raise document.error("H108", "a sh:declare needs one sh:prefix and one sh:namespace", ontology, sh("declare"))
            known = found.setdefault(prefix[0].value, namespace[0].value)
            if known != namespace[0].value:
                raise document.error("H108", f"the prefix {prefix[0].value} is declared twice, differently", ontology, prefix[0])
    return found


def _placed(document: ShapesDocument, shape: Term, node: Node, text: Literal, error: QueryError) -> Exception:
    """The error of a query's own text, at its place in the shapes file."""
    start = document.line_of_text(node, text)
    inner = error.location
    place = document.place(node, sh("select"), sh("ask"), sh("construct"))
    if start and inner and inner.line:
        place = Location(start[0], start[1] + inner.line - 1, inner.column, inner.line_text)
    help = error.help
    if error.code == "Q103" and not document.values(node, sh("prefixes")):
        help = "name the ontology that declares it: sh:prefixes <…>, with sh:declare [ sh:prefix … ; sh:namespace … ]"
    found = document.error("H108", f"in the query of {document.name(shape)}: {error.message}", node, help=help, notes=error.notes)
    found.location = place
    return found


# ── What pre-binding forbids (appendix A) ────────────────────────────────────────────────────────────────────


def check_prebinding(document: ShapesDocument, shape: Term, node: Node, query: algebra.Query, names: set[str], optional: Iterable[str] = ()) -> None:
    """ShapeError H109 for MINUS, VALUES, SERVICE, `AS` of a pre-bound variable, and a sub-select that leaves one out."""
    bound = names | set(optional)

    def refuse(what: str, help: str) -> None:
        raise document.error("H109", f"the query of {document.name(shape)} {what}", node, sh("select"), sh("ask"), help=help)

    def walk(item: object, is_top: bool) -> None:
        if type(item) in _FORBIDDEN:
            refuse(f"uses {_FORBIDDEN[type(item)]}, which pre-binding does not allow", "use FILTER, FILTER NOT EXISTS or IN instead")
        if isinstance(item, algebra.Extend) and item.variable.name in bound and item.expression != item.variable:
            refuse(f"assigns ?{item.variable.name}, which is pre-bound", "choose another name")
        if isinstance(item, algebra.Project) and not is_top:
            missing = sorted(names - {variable.name for variable in item.variables})
            if missing:
                refuse(f"has a sub-select that does not return ${missing[0]}", f"add ${missing[0]} to its SELECT, which must return all pre-bound variables")
        is_modifier = isinstance(item, (algebra.Select, algebra.Ask, algebra.Distinct, algebra.Reduced, algebra.Slice, algebra.OrderBy))
        for part in _parts(item):
            walk(part, is_top and is_modifier)

    walk(query, True)


def _parts(item: object) -> Iterable[object]:
    if isinstance(item, tuple):
        return item
    if is_dataclass(item) and not isinstance(item, type):
        return (getattr(item, field.name) for field in fields(item))
    return ()


# ── Rewriting ────────────────────────────────────────────────────────────────────────────────────────────────


def with_path(item: object, path: algebra.Path) -> object:
    """The query with `$PATH` in predicate position replaced by a path (section 5.3.1)."""
    if isinstance(item, algebra.TriplePattern) and item.predicate == Var("PATH"):
        if isinstance(path, algebra.Link):
            return replace(item, predicate=path.iri)
        return algebra.PathPattern(item.subject, path, item.object, item.position)
    if isinstance(item, tuple):
        return tuple(with_path(part, path) for part in item)
    if is_dataclass(item) and not isinstance(item, (type, Var)):
        return replace(item, **{field.name: with_path(getattr(item, field.name), path) for field in fields(item)})
    return item


def is_set_at_a_time(item: object) -> bool:
    """Whether `over_table` keeps a pattern's meaning: it must not cut solutions, nor count groups that may be empty."""
    if isinstance(item, algebra.Slice) or (isinstance(item, algebra.Group) and not item.keys):
        return False
    return all(is_set_at_a_time(part) for part in _parts(item))


def over_table(item: object, table: Table, subjects_of: frozenset[NamedNode] = frozenset()) -> object:
    """The pattern for every row of `table` at once: its variables are bound in every group, as pre-binding wants.

    Where the table has ?this alone, and every subject of the properties `subjects_of`, a group that asks for one of them needs no table.
    """

    def over(part: object) -> object:
        return over_table(part, table, subjects_of)

    if isinstance(item, algebra.BGP):
        is_implied = any(isinstance(one, algebra.TriplePattern) and one.subject == _THIS and one.predicate in subjects_of for one in item.triples)
        return item if is_implied else algebra.BGP((table, *item.triples))
    if isinstance(item, algebra.Graph):  # one graph may say more than those that the shapes look at
        subjects_of = frozenset()
    if isinstance(item, algebra.Project):
        added = [Var(name) for name, *_ in table.columns if Var(name) not in item.variables]
        return algebra.Project(over(item.pattern), (*item.variables, *added))
    if isinstance(item, algebra.Group):
        known = {key.name for key, expression in item.keys}
        added = tuple((Var(name), None) for name, *_ in table.columns if name not in known)
        changed = replace(item, keys=(*item.keys, *added))
        return replace(changed, pattern=over(item.pattern), aggregates=over(item.aggregates))
    if isinstance(item, tuple):
        return tuple(over(part) for part in item)
    if is_dataclass(item) and not isinstance(item, (type, Var)):
        return replace(item, **{field.name: over(getattr(item, field.name)) for field in fields(item)})
    return item
