"""Functions that a shapes graph declares: `sh:SPARQLFunction` (SHACL-AF, section 5.8), put in where they are called.

A function that only computes becomes an expression; one that reads the graph becomes patterns of the rule's body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal

from pyoxigraph import NamedNode

from kg.reasoner.bodies import substitute
from kg.reasoner.model import variables_of
from kg.rules.patterns import body_of
from kg.shapes.components import parameter
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.sparql import read_query
from kg.shapes.vocabulary import TYPE, sh
from kg.sparql import algebra as a

_DEEPEST = 20  # calls of functions in functions


@dataclass(frozen=True)
class Function:
    """`parameters` by position; `pattern` binds `result`. `expression` is set where it only computes."""

    iri: NamedNode
    parameters: tuple[a.Var, ...]
    required: int
    pattern: a.Pattern
    result: a.Var
    expression: a.Expression | None


class Functions(Mapping):
    """The functions of a document by IRI, read when first called."""

    def __init__(self, document: ShapesDocument, prefixes: Mapping[str, str]) -> None:
        self._document, self._prefixes = document, prefixes
        self._nodes = [node for node in document.subjects(TYPE) if sh("SPARQLFunction") in document.values(node, TYPE)]
        self._read: dict[NamedNode, Function] = {}

    def __iter__(self):
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, iri: NamedNode) -> Function:
        if iri not in self._nodes:
            raise KeyError(iri)
        if iri not in self._read:
            self._read[iri] = self._function(iri)
        return self._read[iri]

    def _function(self, iri: NamedNode) -> Function:
        document = self._document
        declared = [(node, parameter(document, iri, node)) for node in document.values(iri, sh("parameter"))]

        declared.sort(key=lambda pair: (order_of(document, pair[0]), pair[1].name))  # section 5.8.2
        query = read_query(document, iri, iri, sh("ask") if document.values(iri, sh("ask")) else sh("select"), self._prefixes)
        if isinstance(query, a.Ask):
            result = a.Var("result")
            pattern: a.Pattern = a.Extend(a.BGP(()), result, a.Exists(query.pattern, False))
        else:
            if len(query.variables) != 1:
                raise document.error("H121", f"the function {document.name(iri)} returns {len(query.variables)} variables", iri, sh("select"), help="return one")
            pattern, result = query.pattern, query.variables[0]
        required = sum(not one.is_optional for _, one in declared)
        return Function(iri, tuple(a.Var(one.name) for _, one in declared), required, pattern, result, _computed(pattern, result))

    # ── Calls ────────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, rule: Node, iri: NamedNode, arguments: tuple[a.Node, ...], value: a.Var, fresh: Callable[[], a.Var]) -> tuple[a.BodyElement, ...]:
        """The elements that bind `value` to what the function gives for the arguments."""
        function = self[iri]
        values = self._arguments(rule, function, arguments)
        if function.expression is not None:
            return (a.SetElement(value, self.inlined(rule, _put(function.expression, values))),)
        inner = {v: fresh() for v in set(variables_of(function.pattern)) - set(function.parameters) - {function.result}}
        names: dict[a.Var, a.Node] = {function.result: value}
        before: list[a.BodyElement] = []
        for name, node in values.items():
            names[name] = node if isinstance(node, a.Var) else fresh()
            if names[name] != node:
                before.append(a.SetElement(names[name], node))
        pattern = substitute(function.pattern, names | inner)
        while isinstance(pattern, (a.Distinct, a.Reduced, a.Project)):
            pattern = pattern.pattern
        if any(isinstance(part, (a.Slice, a.Group)) for part in _parts(pattern)):
            name = self._document.name(iri)
            raise self._document.error("H121", f"the function {name} counts or cuts what it reads from the graph, which a rule cannot call", iri, sh("select"), help="say it in a sh:SPARQLRule")
        return (*before, *body_of(pattern, before))

    def inlined(self, rule: Node, expression: object, depth: int = 0) -> object:
        """An expression or a pattern with calls of declared functions replaced by what they compute."""
        if isinstance(expression, a.FunctionCall) and expression.iri in self:
            function = self[expression.iri]
            if depth > _DEEPEST:
                raise self._document.error("H121", f"the function {self._document.name(expression.iri)} calls itself", expression.iri, help="functions cannot be recursive; write a rule")
            if function.expression is None:
                name = self._document.name(expression.iri)
                raise self._document.error("H121", f"{name} reads the graph, and cannot be called inside a query", rule, help="write its pattern into the query")
            values = self._arguments(rule, function, expression.args)
            return self.inlined(rule, _put(function.expression, values), depth + 1)
        if isinstance(expression, tuple):
            return tuple(self.inlined(rule, part, depth) for part in expression)
        if is_dataclass(expression) and not isinstance(expression, (type, a.Var)):
            changed = {f.name: self.inlined(rule, getattr(expression, f.name), depth) for f in fields(expression) if f.name != "position"}
            return replace(expression, **changed)
        return expression

    def _arguments(self, rule: Node, function: Function, arguments: tuple) -> dict[a.Var, object]:
        if not function.required <= len(arguments) <= len(function.parameters):
            name, takes = self._document.name(function.iri), len(function.parameters)
            wanted = str(takes) if function.required == takes else f"{function.required} to {takes}"
            raise self._document.error("H121", f"{name} is called with {len(arguments)} arguments and takes {wanted}", rule, function.iri, help="give one argument for each sh:parameter, in their order")
        return dict(zip(function.parameters, arguments, strict=False))


def order_of(document: ShapesDocument, node: Node) -> Decimal:
    """The sh:order of a rule or a parameter, 0 where it has none."""
    for value in document.values(node, sh("order")):
        try:
            return Decimal(value.value)
        except (ArithmeticError, AttributeError):
            raise document.error("H120", f"the sh:order of {document.name(node)} is no number", node, sh("order"), help="write a number, such as 1") from None
    return Decimal(0)


def _put(expression: object, values: Mapping[a.Var, object]) -> object:
    return substitute(expression, dict(values))


def _computed(pattern: a.Pattern, result: a.Var) -> a.Expression | None:
    """The expression of a query that matches nothing and gives one value."""
    expressions: dict[a.Var, a.Expression] = {}
    while True:
        match pattern:
            case a.Project(pattern=inner) | a.Distinct(pattern=inner) | a.Reduced(pattern=inner):
                pattern = inner
            case a.Extend(pattern=inner, variable=variable, expression=expression):
                expressions = {name: substitute(one, {variable: expression}) for name, one in expressions.items()} | {variable: expression}
                pattern = inner
            case a.Join(left=a.BGP(triples=()), right=inner) | a.Join(left=inner, right=a.BGP(triples=())):
                pattern = inner
            case a.BGP(triples=()):
                return expressions.get(result)
            case _:
                return None


def _parts(thing: object):
    if isinstance(thing, tuple):
        for part in thing:
            yield from _parts(part)
    elif is_dataclass(thing):
        yield thing
        for f in fields(thing):
            yield from _parts(getattr(thing, f.name))

