"""SELECT, ASK, CONSTRUCT and DESCRIBE to algebra: grouping, modifiers, projection (sections 18.2.4 and 18.2.5)."""

from __future__ import annotations

from typing import ClassVar

from lark import Token, Tree

from kg.sparql.algebra import (
    BGP,
    Ask,
    Construct,
    Dataset,
    Describe,
    Distinct,
    Expression,
    Extend,
    Filter,
    Group,
    OrderBy,
    Pattern,
    Project,
    Query,
    Reduced,
    Select,
    Slice,
    TriplePattern,
    Values,
    Var,
)
from kg.sparql.translate_expressions import Grouping, conjunction, is_aggregating
from kg.sparql.translate_groups import UNIT, GroupTranslator, Scope, is_token, join
from kg.sparql.translate_terms import Place


class QueryTranslator(GroupTranslator):
    def query(self, tree: Tree) -> Query:
        prologue, form = tree.children
        self.prologue(prologue)
        return self._FORMS[form.data](self, form)

    # ── Query forms ─────────────────────────────────────────────────────────────────────────────────────────

    def _select(self, tree: Tree) -> Select:
        clause, *rest = tree.children
        pattern, scope = self._where(rest)
        pattern, variables = self._projected(clause, pattern, scope, rest)
        return Select(pattern, variables, self._dataset(rest))

    def sub_select(self, tree: Tree) -> tuple[Pattern, Scope]:
        clause, *rest = tree.children
        pattern, scope = self._where(rest)
        pattern, variables = self._projected(clause, pattern, scope, rest)
        return pattern, dict.fromkeys(variables)

    def _ask(self, tree: Tree) -> Ask:
        return Ask(self._solutions(tree.children), self._dataset(tree.children))

    def _construct(self, tree: Tree) -> Construct:
        template, *rest = tree.children
        return Construct(self._template(template), self._solutions(rest), self._dataset(rest))

    def _construct_where(self, tree: Tree) -> Construct:
        """CONSTRUCT WHERE { … }: the pattern is its own template (section 16.2.4)."""
        (template_tree,) = [item for item in tree.children if item.data == "template"]
        self.new_basic_pattern()
        pattern: list[TriplePattern] = []
        outer, self.place = self.place, Place("CONSTRUCT WHERE, whose pattern is also its template")
        for block in template_tree.children:
            self.triples_block(block, pattern)
        self.place = outer
        solutions = self._finish(BGP(tuple(pattern)), {}, tree.children)
        return Construct(self._template(template_tree), solutions, self._dataset(tree.children))

    def _describe(self, tree: Tree) -> Describe:
        described, *rest = tree.children
        pattern, scope = self._where(rest) if _child(rest, "group", "sub_select") is not None else (UNIT, {})
        if is_token(described.children[0], "STAR"):
            terms = tuple(scope)
        else:
            terms = tuple([self.term(item) for item in described.children])
        return Describe(terms, self._finish(pattern, scope, rest), self._dataset(rest))

    def _solutions(self, rest: list[Tree]) -> Pattern:
        pattern, scope = self._where(rest)
        return self._finish(pattern, scope, rest)

    def _where(self, rest: list[Tree]) -> tuple[Pattern, Scope]:
        return self.group(_child(rest, "group", "sub_select"))

    def _dataset(self, rest: list[Tree]) -> Dataset:
        default, named = [], []
        for clause in rest:
            if clause.data in ("dataset_clause", "using_clause"):
                (named if len(clause.children) == 2 else default).append(self.iri(clause.children[-1]))
        return Dataset(tuple(default), tuple(named))

    def _template(self, tree: Tree) -> tuple[TriplePattern, ...]:
        outer, self.place = self.place, Place("a CONSTRUCT template", labels={})
        triples: list[TriplePattern] = []
        for block in tree.children:
            self.triples_block(block, triples)
        self.place = outer
        return tuple(triples)

    # ── Solution modifiers ──────────────────────────────────────────────────────────────────────────────────

    def _finish(self, pattern: Pattern, scope: Scope, rest: list[Tree]) -> Pattern:
        """The modifiers of a query without SELECT clause."""
        modifiers = _child(rest, "solution_modifiers")
        grouping, pattern, keys = self._grouping(pattern, scope, None, modifiers)
        having, order = self._having(modifiers, grouping), self._order(modifiers, grouping)
        pattern = self._grouped(pattern, grouping, keys, having, _child(rest, "inline_data"))
        return _sliced(_ordered(pattern, order), self._limits(modifiers))

    def _projected(
        self, clause: Tree, pattern: Pattern, scope: Scope, rest: list[Tree]
    ) -> tuple[Pattern, tuple[Var, ...]]:
        """Section 18.2.4 and 18.2.5 in their order: group, HAVING, VALUES, SELECT expressions, ORDER BY, …"""
        modifiers, values_tree = _child(rest, "solution_modifiers"), _child(rest, "inline_data")
        values = self.values(values_tree) if values_tree is not None else None
        if values is not None:
            scope = scope | dict.fromkeys(values.variables)
        grouping, pattern, keys = self._grouping(pattern, scope, clause, modifiers)
        variables, extends = self._select_items(clause, scope, grouping)
        if grouping is not None:
            grouping.aliases = {variable for variable, _ in extends}
        having, order = self._having(modifiers, grouping), self._order(modifiers, grouping)

        pattern = self._grouped(pattern, grouping, keys, having, values)
        for variable, expression in extends:
            pattern = Extend(pattern, variable, expression)
        pattern = Project(_ordered(pattern, order), variables)
        kinds = {item.type for item in clause.children if isinstance(item, Token)}
        if "DISTINCT" in kinds:
            pattern = Distinct(pattern)
        elif "REDUCED" in kinds:
            pattern = Reduced(pattern)
        return _sliced(pattern, self._limits(modifiers)), variables

    def _select_items(
        self, clause: Tree, scope: Scope, grouping: Grouping | None
    ) -> tuple[tuple[Var, ...], list[tuple[Var, Expression]]]:
        items = [item for item in clause.children if isinstance(item, Tree)]
        if not items:
            if grouping is not None:
                raise self.source.error(
                    123, "SELECT * cannot be used with GROUP BY or aggregates", clause.children[-1],
                    help="name the variables: the grouped ones, and (COUNT(*) AS ?…) and its like",
                )  # fmt: skip
            return tuple(scope), []
        variables: dict[Var, None] = {}
        extends: list[tuple[Var, Expression]] = []
        for item in items:
            *expression, name = item.children
            variable = self.variable(name)
            if expression:
                if variable in scope or variable in variables:
                    self._refuse_alias(name, variable in scope)
                extends.append((variable, self._with(grouping, "SELECT", expression[0])))
                if grouping is not None:
                    grouping.visible.add(variable)
            elif grouping is not None and variable not in grouping.visible:
                raise self.not_grouped(name)
            variables[variable] = None
        return tuple(variables), extends

    def _refuse_alias(self, name: Token, is_in_pattern: bool) -> None:
        cause = "already stands in the pattern" if is_in_pattern else "is already selected"
        raise self.source.error(
            121 if is_in_pattern else 129, f"AS {name}: the variable {cause}", name, help="choose another name"
        )

    # ── Grouping ────────────────────────────────────────────────────────────────────────────────────────────

    def _grouping(
        self, pattern: Pattern, scope: Scope, clause: Tree | None, modifiers: Tree
    ) -> tuple[Grouping | None, Pattern, list[tuple[Var, Expression | None]]]:
        """The Grouping if the query groups, explicitly or by aggregating; the pattern; the keys."""
        group_by = _child(modifiers.children, "group_by")
        clauses = [clause, _child(modifiers.children, "having"), _child(modifiers.children, "order_by")]
        if group_by is None:
            is_grouped = any(is_aggregating(item) for item in clauses if item is not None)
            return (Grouping(set()) if is_grouped else None), pattern, []
        keys: list[tuple[Var, Expression | None]] = []
        aliased: set[Var] = set()
        for condition in group_by.children:
            item, *alias = condition.children
            expression = self.expression(item)
            if alias:
                variable = self.variable(alias[0])
                if variable in scope or variable in aliased:
                    self._refuse_alias(alias[0], variable in scope)
                # Extended at once, since a later key may use it.
                pattern = Extend(pattern, variable, expression)
                aliased.add(variable)
                keys.append((variable, None))
            elif isinstance(expression, Var):
                keys.append((expression, None))
            else:
                keys.append((self.fresh(), expression))
        return Grouping({variable for variable, _ in keys}), pattern, keys

    def _with(self, grouping: Grouping | None, clause: str, item: Token | Tree) -> Expression:
        outer, self.grouping = self.grouping, grouping
        if grouping is not None:
            grouping.clause = clause
        expression = self.expression(item)
        self.grouping = outer
        return expression

    def _having(self, modifiers: Tree, grouping: Grouping | None) -> list[Expression]:
        having = _child(modifiers.children, "having")
        if having is None:
            return []
        if grouping is None:
            return [self.expression(item) for item in having.children]
        selected, grouping.visible = grouping.visible, grouping.visible - grouping.aliases
        conditions = [self._with(grouping, "HAVING", item) for item in having.children]
        grouping.visible, grouping.aliases = selected, set()
        return conditions

    def _order(self, modifiers: Tree, grouping: Grouping | None) -> tuple[tuple[Expression, bool], ...]:
        order_by = _child(modifiers.children, "order_by")
        if order_by is None:
            return ()
        return tuple([
            (self._with(grouping, "ORDER BY", condition.children[-1]), is_token(condition.children[0], "DESC"))
            for condition in order_by.children
        ])  # fmt: skip

    def _grouped(
        self,
        pattern: Pattern,
        grouping: Grouping | None,
        keys: list[tuple[Var, Expression | None]],
        having: list[Expression],
        values: Tree | Values | None,
    ) -> Pattern:
        if grouping is not None:
            aggregates = tuple((variable, aggregate) for aggregate, variable in grouping.aggregates.items())
            pattern = Group(pattern, tuple(keys), aggregates)
        if having:
            pattern = Filter(conjunction(having), pattern)
        if values is not None:
            pattern = join(pattern, values if isinstance(values, Values) else self.values(values))
        return pattern

    def _limits(self, modifiers: Tree) -> tuple[int, int | None]:
        offset, limit = 0, None
        for clauses in modifiers.children:
            if clauses.data == "limit_offset":
                for clause in clauses.children:
                    if clause.data == "limit":
                        limit = self.integer(clause.children[0], "LIMIT")
                    else:
                        offset = self.integer(clause.children[0], "OFFSET")
        return offset, limit

    _FORMS: ClassVar = {
        "select": _select,
        "ask": _ask,
        "construct": _construct,
        "construct_where": _construct_where,
        "describe": _describe,
    }


def _child(items: list[Tree], *names: str) -> Tree | None:
    return next((item for item in items if item.data in names), None)


def _ordered(pattern: Pattern, conditions: tuple[tuple[Expression, bool], ...]) -> Pattern:
    return OrderBy(pattern, conditions) if conditions else pattern


def _sliced(pattern: Pattern, limits: tuple[int, int | None]) -> Pattern:
    offset, limit = limits
    return Slice(pattern, offset, limit) if offset or limit is not None else pattern
