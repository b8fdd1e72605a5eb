"""Expressions (section 17), with the rules for aggregates and grouped variables (sections 11 and 18.2.4.1)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from lark import Token, Tree
from pyoxigraph import Literal, NamedNode

from kg.sparql.algebra import Aggregate, Call, Exists, Expression, FunctionCall, Var
from kg.sparql.iri_reference import resolve
from kg.sparql.source_text import MAX_NESTING
from kg.sparql.translate_terms import XSD
from kg.sparql.translate_triples import TripleTranslator, balanced

_ALIASES = {"ISURI": "ISIRI"}
_NO_LIMIT = 1 << 30
_ARGUMENTS = {
    "RAND": (0, 0), "NOW": (0, 0), "UUID": (0, 0), "STRUUID": (0, 0), "BNODE": (0, 1),
    "CONCAT": (0, _NO_LIMIT), "COALESCE": (0, _NO_LIMIT),
    "LANGMATCHES": (2, 2), "CONTAINS": (2, 2), "STRSTARTS": (2, 2), "STRENDS": (2, 2), "STRBEFORE": (2, 2),
    "STRAFTER": (2, 2), "STRLANG": (2, 2), "STRDT": (2, 2), "SAMETERM": (2, 2),
    "SUBSTR": (2, 3), "REGEX": (2, 3), "REPLACE": (3, 4), "IF": (3, 3), "STRLANGDIR": (3, 3), "TRIPLE": (3, 3),
}  # fmt: skip


@dataclass
class Grouping:
    """What the expressions outside a Group may see of it, and the aggregates that they ask of it."""

    visible: set[Var]  # keys, and what SELECT has computed so far
    clause: str = "SELECT"
    aliases: set[Var] = field(default_factory=set)  # of SELECT; HAVING comes before them (section 18.2.4)
    aggregates: dict[Aggregate, Var] = field(default_factory=dict)
    is_inside_aggregate: bool = False


class ExpressionTranslator(TripleTranslator):
    """Subclasses supply `exists_pattern`; `grouping` is set while a clause is read that may aggregate."""

    grouping: Grouping | None = None

    def expression(self, item: Token | Tree) -> Expression:
        if isinstance(item, Tree):
            translate = self._EXPRESSIONS.get(item.data)
            return self.term(item) if translate is None else translate(self, item)
        if item.type == "VAR" and self.grouping is not None:
            return self._grouped_variable(item, self.grouping)
        return self.term(item)

    # ── Operators ───────────────────────────────────────────────────────────────────────────────────────────

    def _chain(self, name: str) -> Callable[[Tree], Expression]:
        def pair(left: Expression, right: Expression) -> Call:
            return Call(name, (left, right))

        return lambda tree: balanced(pair, [self.expression(part) for part in tree.children])

    def _relation(self, tree: Tree) -> Call:
        left, operator, right = tree.children
        at = (operator.line, operator.column)
        if operator.type == "IN":
            return Call("IN", (self.expression(left), *self._list(right)), at)
        return Call(str(operator), (self.expression(left), self.expression(right)), at)

    def _not_in(self, tree: Tree) -> Call:
        left, operator, right = tree.children
        return Call("NOT IN", (self.expression(left), *self._list(right)), (operator.line, operator.column))

    def _list(self, tree: Tree) -> list[Expression]:
        items = tree.children
        if items and isinstance(items[0], Token) and items[0].type == "DISTINCT":
            raise self.source.error(100, "DISTINCT cannot stand in a list of values", items[0])
        return [self.expression(item) for item in items]

    def _arithmetic(self, tree: Tree) -> Expression:
        """`a + b - c` and `a * b / c`, from the left; `a -1` is a subtraction although `-1` is one token."""
        if len(tree.children) > 2 * MAX_NESTING:
            raise self.source.too_deep(tree)
        rest = iter(tree.children)
        result = self.expression(next(rest))
        for operator in rest:
            if isinstance(operator, Tree):
                number, *factors = operator.children
                right: Expression = self.number(number, str(number[1:]))
                for sign, factor in zip(factors[::2], factors[1::2], strict=True):
                    right = Call(str(sign), (right, self.expression(factor)), (sign.line, sign.column))
                operator = number
            else:
                right = self.expression(next(rest))
            result = Call(str(operator[0]), (result, right), (operator.line, operator.column))
        return result

    def _unary(self, tree: Tree) -> Call:
        operator, operand = tree.children
        name = "!" if operator == "!" else f"u{operator}"
        return Call(name, (self.expression(operand),), (operator.line, operator.column))

    # ── Calls ───────────────────────────────────────────────────────────────────────────────────────────────

    def _builtin(self, tree: Tree) -> Call:
        word, *items = tree.children
        name = word.upper()
        least, most = _ARGUMENTS.get(name, (1, 1))
        if not least <= len(items) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise self.source.error(107, f"{word} takes {wanted} argument(s), found {len(items)}", word)
        at = (word.line, word.column)
        if name == "BOUND" and (not isinstance(items[0], Token) or items[0].type != "VAR"):
            raise self.source.error(107, "BOUND takes a variable", word)
        arguments = [self.expression(item) for item in items]
        if name in ("IRI", "URI"):
            return self._iri_call(arguments[0], at)
        return Call(_ALIASES.get(name, name), tuple(arguments), at)

    def _iri_call(self, argument: Expression, at: tuple[int, int]) -> Expression:
        """IRI resolves against the query's BASE (section 17.4.2.8): at once if constant, else the base goes along."""
        if isinstance(argument, NamedNode):
            return argument
        if isinstance(argument, Literal) and argument.datatype.value == XSD + "string":
            with suppress(ValueError):  # of an IRI that is none: an error of the evaluation, not of the text
                return NamedNode(resolve(argument.value, self.base))
        base = () if self.base is None else (NamedNode(self.base),)
        return Call("IRI", (argument, *base), at)

    def _function_call(self, tree: Tree) -> FunctionCall:
        name, arguments = tree.children
        items = arguments.children
        distinct = bool(items) and isinstance(items[0], Token) and items[0].type == "DISTINCT"
        values = tuple([self.expression(item) for item in items[distinct:]])
        return FunctionCall(self.iri(name), values, distinct, (name.line, name.column))

    def _exists(self, tree: Tree) -> Exists:
        outer, self.grouping = self.grouping, None
        pattern = self.exists_pattern(tree.children[-1])
        self.grouping = outer
        return Exists(pattern, negated=len(tree.children) == 2)

    def exists_pattern(self, tree: Tree):
        raise NotImplementedError

    # ── Aggregates ──────────────────────────────────────────────────────────────────────────────────────────

    def _aggregate(self, tree: Tree) -> Var:
        """The fresh variable that `Group` gives the aggregate; equal aggregates share one."""
        word, *rest = tree.children
        grouping = self.grouping
        if grouping is None:
            raise self.source.error(
                125, f"{word} can stand only in SELECT, HAVING and ORDER BY", word,
                help="aggregate in a sub-select: { SELECT … GROUP BY … }",
            )  # fmt: skip
        if grouping.is_inside_aggregate:
            raise self.source.error(
                125, f"{word} stands inside another aggregate", word, help="compute the inner one in a sub-select"
            )
        grouping.is_inside_aggregate = True
        aggregate = self._new_aggregate(word, rest)
        grouping.is_inside_aggregate = False
        return grouping.aggregates.setdefault(aggregate, self.fresh())

    def _new_aggregate(self, word: Token, rest: list[Token | Tree]) -> Aggregate:
        name = word.upper()
        distinct = isinstance(rest[0], Token) and rest[0].type == "DISTINCT"
        argument, *options = rest[distinct:]
        separator = None
        if options:
            if name != "GROUP_CONCAT":
                raise self.source.error(107, f"{word} takes no SEPARATOR", options[0])
            separator = self.string(options[1])
        if isinstance(argument, Token) and argument.type == "STAR":
            if name != "COUNT":
                raise self.source.error(107, f"{word} takes an expression; only COUNT takes *", argument)
            return Aggregate(name, None, distinct)
        return Aggregate(name, self.expression(argument), distinct, separator)

    def _grouped_variable(self, token: Token, grouping: Grouping) -> Var:
        variable = self.variable(token)
        if grouping.is_inside_aggregate or variable in grouping.visible:
            return variable
        if grouping.clause == "SELECT":
            raise self.not_grouped(token)
        if variable in grouping.aliases:
            raise self.source.error(
                124, f"HAVING cannot see {token}, which SELECT computes afterwards", token,
                help=f"repeat the expression that SELECT names {token}",
            )  # fmt: skip
        # Section 18.2.4.1 reads such a variable as one of its group's values.
        return grouping.aggregates.setdefault(Aggregate("SAMPLE", variable), self.fresh())

    def not_grouped(self, token: Token):
        return self.source.error(
            124, f"{token} is neither in GROUP BY nor inside an aggregate", token,
            help=f"add {token} to GROUP BY, or select (SAMPLE({token}) AS ?…)",
        )  # fmt: skip

    _EXPRESSIONS: ClassVar = {
        "expression": lambda self, tree: self._chain("||")(tree),
        "conjunction": lambda self, tree: self._chain("&&")(tree),
        "relation": _relation,
        "not_in": _not_in,
        "sum": _arithmetic,
        "product": _arithmetic,
        "unary": _unary,
        "builtin": _builtin,
        "function_call": _function_call,
        "exists": _exists,
        "aggregate": _aggregate,
    }


def conjunction(conditions: list[Expression]) -> Expression:
    """All of `conditions` under `&&`."""
    return balanced(lambda left, right: Call("&&", (left, right)), conditions)


def is_aggregating(item: Token | Tree) -> bool:
    """Whether an aggregate stands in `item` outside sub-selects and EXISTS patterns."""
    stack = [item]
    while stack:
        tree = stack.pop()
        if isinstance(tree, Tree) and tree.data not in ("group", "sub_select"):
            if tree.data == "aggregate":
                return True
            stack.extend(tree.children)
    return False
