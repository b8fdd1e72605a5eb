"""Group graph patterns to algebra (section 18.2.2), with the variables in scope (section 18.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from lark import Token, Tree

from kg.sparql.algebra import (
    BGP,
    Expression,
    Extend,
    Filter,
    Graph,
    Join,
    LeftJoin,
    Minus,
    Pattern,
    Service,
    TripleTerm,
    Union,
    Values,
    Var,
)
from kg.sparql.source_text import position
from kg.sparql.translate_expressions import ExpressionTranslator, conjunction
from kg.sparql.translate_search import with_searches
from kg.sparql.translate_terms import PATTERN
from kg.sparql.translate_triples import Triples, balanced

UNIT = BGP(())
Scope = dict[Var, None]  # an ordered set: SELECT * lists variables in order of first appearance


@dataclass
class GroupState:
    """A group while its elements are read: what is joined so far, and the basic graph pattern still open."""

    pattern: Pattern = UNIT
    open_triples: Triples = field(default_factory=list)
    filters: list[Expression] = field(default_factory=list)
    scope: Scope = field(default_factory=dict)


class GroupTranslator(ExpressionTranslator):
    """Subclasses supply `sub_select`."""

    def group(self, tree: Tree) -> tuple[Pattern, Scope]:
        """The algebra of `{ … }` with its filters, and its in-scope variables."""
        pattern, filters, scope = self._group_parts(tree)
        return (Filter(conjunction(filters), pattern) if filters else pattern), scope

    def exists_pattern(self, tree: Tree) -> Pattern:
        return self.group(tree)[0]

    def _group_parts(self, tree: Tree) -> tuple[Pattern, list[Expression], Scope]:
        outer_place, self.place = self.place, PATTERN
        outer_pattern, outer_grouping = self.basic_pattern, self.grouping
        self.grouping = None
        self.new_basic_pattern()
        if tree.data == "sub_select":
            pattern, scope = self.sub_select(tree)
            parts = pattern, [], scope
        else:
            parts = self._group_elements(tree)
        self.place, self.basic_pattern, self.grouping = outer_place, outer_pattern, outer_grouping
        return parts

    def _group_elements(self, tree: Tree) -> tuple[Pattern, list[Expression], Scope]:
        state = GroupState()
        for element in tree.children:
            self.source.check()
            if element.data == "triples_block":
                start = len(state.open_triples)
                self.triples_block(element, state.open_triples)
                _add_triples_scope(state.open_triples[start:], state.scope)
            elif element.data == "filter":  # does not end a basic graph pattern
                state.filters.append(self.expression(element.children[1]))
            else:
                self._close_triples(state)
                self._ELEMENTS[element.data](self, element, state)
        self._close_triples(state)
        return state.pattern, state.filters, state.scope

    def _close_triples(self, state: GroupState) -> None:
        if state.open_triples:
            triples, searches = with_searches(state.open_triples, self.source.error)
            if triples:
                state.pattern = join(state.pattern, BGP(tuple(triples)))
            for search in searches:
                state.pattern = join(state.pattern, search)
            state.open_triples = []
        self.new_basic_pattern()

    # ── Elements ────────────────────────────────────────────────────────────────────────────────────────────

    def _union(self, tree: Tree, state: GroupState) -> None:
        branches = []
        for branch in tree.children:
            pattern, scope = self.group(branch)
            branches.append(pattern)
            state.scope.update(scope)
        state.pattern = join(state.pattern, balanced(Union, branches))

    def _optional(self, tree: Tree, state: GroupState) -> None:
        pattern, filters, scope = self._group_parts(tree.children[0])
        state.pattern = LeftJoin(state.pattern, pattern, conjunction(filters) if filters else None)
        state.scope.update(scope)

    def _minus(self, tree: Tree, state: GroupState) -> None:
        state.pattern = Minus(state.pattern, self.group(tree.children[0])[0])

    def _graph(self, tree: Tree, state: GroupState) -> None:
        name = self.term(tree.children[0])
        pattern, scope = self.group(tree.children[1])
        if isinstance(name, Var):
            state.scope[name] = None
        state.scope.update(scope)
        state.pattern = join(state.pattern, Graph(name, pattern))

    def _service(self, tree: Tree, state: GroupState) -> None:
        *silent, endpoint_item, group = tree.children
        endpoint = self.term(endpoint_item)
        pattern, scope = self.group(group)
        if isinstance(endpoint, Var):
            state.scope[endpoint] = None
        state.scope.update(scope)
        text = self.source.braces_from(endpoint_item.end_pos)
        prefixes = tuple(self.prefixes.items())
        found = Service(endpoint, pattern, bool(silent), text, prefixes, tuple(scope), position=position(tree))
        state.pattern = join(state.pattern, found)

    def _bind(self, tree: Tree, state: GroupState) -> None:
        _, expression, name = tree.children
        value, variable = self.expression(expression), self.variable(name)
        if variable in state.scope:
            raise self.source.error(
                120, f"BIND assigns {name}, which already has a value in this group", name,
                help=f"choose another name, or test equality with FILTER({name} = …)",
            )  # fmt: skip
        state.scope[variable] = None
        state.pattern = Extend(state.pattern, variable, value)

    def _inline_data(self, tree: Tree, state: GroupState) -> None:
        values = self.values(tree)
        state.scope.update(dict.fromkeys(values.variables))
        state.pattern = join(state.pattern, values)

    def values(self, tree: Tree) -> Values:
        """VALUES, inline or at a query's end (section 10.2)."""
        block = tree.children[0]
        if block.data == "values_one":
            variable, *items = block.children
            return Values((self.variable(variable),), tuple([(self.term(item),) for item in items]))
        names, *rows = block.children
        variables = tuple([self.variable(name) for name in names.children])
        for row in rows:
            if len(row.children) != len(variables):
                raise self.source.error(
                    126, f"VALUES has {len(variables)} variables but {len(row.children)} values in a row", row
                )
        if len(set(variables)) != len(variables):
            raise self.source.error(129, "VALUES names a variable twice", names)
        return Values(variables, tuple([tuple([self.term(item) for item in row.children]) for row in rows]))

    def sub_select(self, tree: Tree) -> tuple[Pattern, Scope]:
        raise NotImplementedError

    _ELEMENTS: ClassVar = {
        "union": _union,
        "optional": _optional,
        "minus": _minus,
        "graph": _graph,
        "service": _service,
        "bind": _bind,
        "inline_data": _inline_data,
    }


def join(left: Pattern, right: Pattern) -> Pattern:
    """A Join, without the unit (section 18.2.2.8)."""
    if left == UNIT:
        return right
    return left if right == UNIT else Join(left, right)


def _add_triples_scope(triples: Triples, scope: Scope) -> None:
    for triple in triples:
        verb = getattr(triple, "predicate", None)  # a path has no variables
        for node in (triple.subject, verb, triple.object):
            _add_node_scope(node, scope)


def _add_node_scope(node: object, scope: Scope) -> None:
    if isinstance(node, Var):
        if not node.is_anonymous:
            scope[node] = None
    elif isinstance(node, TripleTerm):
        for part in (node.subject, node.predicate, node.object):
            _add_node_scope(part, scope)


def is_token(item: Token | Tree, kind: str) -> bool:
    """Whether `item` is the terminal `kind`."""
    return isinstance(item, Token) and item.type == kind
