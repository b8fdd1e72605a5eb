"""SWRL's built-ins (the `swrlb:` library) as parts of rule bodies.

A built-in that computes binds its first argument where nothing else does, and otherwise checks it; one that builds a date,
time or duration from parts takes it apart where the whole is known and a part is not. Names, numbers of arguments and
meanings are those of the SWRL submission, section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pyoxigraph import Literal, NamedNode

from kg.rules.swrl_functions import COMPARED, COMPUTED, MOST_TOKENS, SWRLB
from kg.sparql import algebra as a
from kg.sparql.algebra import Call, FunctionCall
from kg.terms import RDF, XSD_INTEGER, XSD_STRING

FIRST, REST, NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))

Arguments = tuple[a.Node, ...]
Fresh = Callable[[], a.Var]


@dataclass(frozen=True)
class Builtin:
    """`least` to `most` arguments, the result's included. `test` and `value` make an expression (`value` of the arguments
    after the first); `body` makes elements that bind whatever is open. `parts` name what the later arguments are of the
    first. `reason` says why a built-in has no meaning here."""

    name: str
    least: int
    most: int | None
    test: Callable[[Arguments], a.Expression] | None = None
    value: Callable[[Arguments], a.Expression] | None = None
    body: Callable[[Arguments, Fresh], tuple[tuple[a.BodyElement, ...], ...]] | None = None
    parts: tuple[str, ...] = ()
    is_plain: bool = True  # its result is compared by SPARQL's `=`
    reason: str | None = None
    help: str | None = None

    def equals(self, left: a.Expression, right: a.Expression) -> a.Expression:
        return Call("=", (left, right)) if self.is_plain else FunctionCall(NamedNode(SWRLB + "equal"), (left, right))


def _iri(name: str) -> NamedNode:
    return NamedNode(SWRLB + name)


def _text(argument: a.Node) -> a.Expression:
    """The text of any literal: string built-ins take numbers too, as SWRL's own engines do."""
    is_text = isinstance(argument, Literal) and (argument.language is not None or argument.datatype.value == XSD_STRING)
    return argument if is_text else Call("STR", (argument,))


def _lower(argument: a.Node) -> a.Expression:
    return Call("LCASE", (_text(argument),))


def _is_plain(argument: a.Node) -> bool:
    """A constant that SPARQL's operators order."""
    return isinstance(argument, Literal) and _kind(argument) not in ("time", "yearMonthDuration", "anyURI")


def _kind(literal: Literal) -> str:
    return literal.datatype.value.rpartition("#")[2]


def _compare(name: str) -> Builtin:
    operator = COMPARED[name][0]

    def test(arguments: Arguments) -> a.Expression:
        if any(_is_plain(argument) for argument in arguments):
            return Call(operator, arguments)
        return FunctionCall(_iri(name), arguments)

    return Builtin(name, 2, 2, test=test)


def _chain(operator: str) -> Callable[[Arguments], a.Expression]:
    return lambda arguments: reduce(lambda left, right: Call(operator, (left, right)), arguments)


def _call(function: str, read: Callable[[a.Node], a.Expression] = lambda node: node) -> Callable[[Arguments], a.Expression]:
    return lambda arguments: Call(function, tuple(map(read, arguments)))


def _text_first(function: str) -> Callable[[Arguments], a.Expression]:
    return lambda arguments: Call(function, (_text(arguments[0]), *arguments[1:]))


def _computed(name: str) -> Builtin:
    """A function of `swrl_functions.py` with its result in front."""
    _, least, most = COMPUTED[name]
    is_plain = name in ("integerDivide", "mod", "pow", "roundHalfToEven", "sin", "cos", "tan", "booleanNot", "translate", "normalizeSpace")
    parts = {
        "yearMonthDuration": ("year", "month"),
        "dayTimeDuration": ("day", "hour", "minute", "second"),
        "dateTime": ("year", "month", "day", "hour", "minute", "second", "zone"),
        "date": ("year", "month", "day", "zone"),
        "time": ("hour", "minute", "second", "zone"),
    }.get(name, ())
    return Builtin(
        name, least + 1, None if most is None else most + 1, value=lambda arguments: FunctionCall(_iri(name), arguments), parts=parts, is_plain=is_plain)  # fmt: skip


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────

_ON = a.OneOrMore(a.Link(REST))


def _member(arguments: Arguments, fresh: Fresh) -> tuple[tuple[a.BodyElement, ...], ...]:
    """The first member, or one further on."""
    element, list_ = arguments
    cell = fresh()
    return (
        (a.TriplePattern(list_, FIRST, element),),
        (a.PathPattern(list_, _ON, cell), a.TriplePattern(cell, FIRST, element)),
    )


def _length(arguments: Arguments, fresh: Fresh) -> tuple[tuple[a.BodyElement, ...], ...]:
    """Of a list, or 0 of the empty one."""
    length, list_ = arguments
    head, cell, count = fresh(), fresh(), fresh()
    begins = a.Extend(a.BGP((a.TriplePattern(head, FIRST, fresh()),)), cell, head)
    goes_on = a.BGP((a.PathPattern(head, _ON, cell), a.TriplePattern(cell, FIRST, fresh())))
    counted = a.Group(a.Union(begins, goes_on), ((head, None),), ((count, a.Aggregate("COUNT", cell, distinct=True)),))
    zero = Literal("0", datatype=NamedNode(XSD_INTEGER))
    return (
        (a.SubSelectElement(a.Project(counted, (head, count)), (head, count)), _given(list_, head), _given(length, count)),
        (_given(list_, NIL), _given(length, zero)),
    )


def _given(node: a.Node, value: a.Expression) -> a.BodyElement:
    """Bind or check: SET, which `swrl.py` turns into a FILTER where the variable has a value."""
    return a.SetElement(node, value) if isinstance(node, a.Var) else a.FilterElement(equal_to(node, value))


def equal_to(node: a.Node, value: a.Expression) -> a.Expression:
    """Nodes are compared as terms, computed values by value."""
    is_node = isinstance(value, (NamedNode, a.Var)) and not isinstance(node, Literal)
    return Call("SAMETERM" if is_node else "=", (value, node))


def _tokenize(arguments: Arguments, fresh: Fresh) -> tuple[tuple[a.BodyElement, ...], ...]:
    token, text, pattern = arguments
    number = fresh()
    numbers = a.Values((number,), tuple((Literal(str(i), datatype=NamedNode(XSD_INTEGER)),) for i in range(1, MOST_TOKENS + 1)))
    found = FunctionCall(_iri("token"), (_text(text), pattern, number))
    return ((a.SubSelectElement(a.Project(numbers, (number,)), (number,)), _given(token, found)),)


_NEW_LIST = "makes a new list, and a rule makes no blank nodes for its members"
_NEW_LIST_HELP = "compare the members by swrlb:member, or build the list where the data is made"


def _without_meaning(name: str, least: int, most: int | None, reason: str, help: str) -> Builtin:
    return Builtin(name, least, most, reason=reason, help=help)


_ALL = [
    *(_compare(name) for name in COMPARED),
    # Mathematics (8.2)
    Builtin("add", 3, None, value=_chain("+")),
    Builtin("subtract", 3, 3, value=_chain("-")),
    Builtin("multiply", 3, None, value=_chain("*")),
    Builtin("divide", 3, 3, value=_chain("/")),
    Builtin("unaryPlus", 2, 2, value=_call("u+")),
    Builtin("unaryMinus", 2, 2, value=_call("u-")),
    Builtin("abs", 2, 2, value=_call("ABS")),
    Builtin("ceiling", 2, 2, value=_call("CEIL")),
    Builtin("floor", 2, 2, value=_call("FLOOR")),
    Builtin("round", 2, 2, value=_call("ROUND")),
    # Strings (8.4)
    Builtin("stringEqualIgnoreCase", 2, 2, test=lambda x: Call("=", (_lower(x[0]), _lower(x[1])))),
    Builtin("stringConcat", 2, None, value=_call("CONCAT", _text)),
    Builtin("substring", 3, 4, value=_text_first("SUBSTR")),
    Builtin("stringLength", 2, 2, value=_call("STRLEN", _text)),
    Builtin("upperCase", 2, 2, value=_call("UCASE", _text)),
    Builtin("lowerCase", 2, 2, value=_call("LCASE", _text)),
    Builtin("contains", 2, 2, test=_call("CONTAINS", _text)),
    Builtin("containsIgnoreCase", 2, 2, test=_call("CONTAINS", _lower)),
    Builtin("startsWith", 2, 2, test=_call("STRSTARTS", _text)),
    Builtin("endsWith", 2, 2, test=_call("STRENDS", _text)),
    Builtin("substringBefore", 3, 3, value=_call("STRBEFORE", _text)),
    Builtin("substringAfter", 3, 3, value=_call("STRAFTER", _text)),
    Builtin("matches", 2, 3, test=_text_first("REGEX")),
    Builtin("replace", 4, 5, value=_text_first("REPLACE")),
    Builtin("tokenize", 3, 3, body=_tokenize),
    *(_computed(name) for name in COMPUTED if not name.startswith("part-")),
    # Lists (8.7), over RDF lists
    Builtin("member", 2, 2, body=_member),
    Builtin("length", 2, 2, body=_length),
    Builtin("first", 2, 2, body=lambda x, fresh: ((a.TriplePattern(x[1], FIRST, x[0]),),)),
    Builtin("rest", 2, 2, body=lambda x, fresh: ((a.TriplePattern(x[1], REST, x[0]),),)),
    Builtin("empty", 1, 1, test=lambda x: Call("SAMETERM", (x[0], NIL))),
    _without_meaning("sublist", 2, 2, "compares lists as wholes, which are nodes here", "compare the members by swrlb:member"),
    _without_meaning("listConcat", 3, None, _NEW_LIST, _NEW_LIST_HELP),
    _without_meaning("listIntersection", 3, 3, _NEW_LIST, _NEW_LIST_HELP),
    _without_meaning("listSubtraction", 3, 3, _NEW_LIST, _NEW_LIST_HELP),
]

BUILTINS: dict[str, Builtin] = {builtin.name: builtin for builtin in _ALL}
