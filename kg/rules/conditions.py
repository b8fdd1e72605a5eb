"""`sh:condition` and `sh:filterShape`: whether a node conforms to a shape, as parts of a rule's body (SHACL, section 4).

A demand for a value (sh:minCount, sh:hasValue, sh:class) becomes triple patterns, so that such a condition may take part
in a recursion and its triples stand in the proof; a demand on all values becomes a NOT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations

from pyoxigraph import Literal, NamedNode

from kg.errors import KgError
from kg.reasoner.bodies import conjuncts, has_exists, substitute
from kg.reasoner.model import variables_of
from kg.rules.hierarchy import Hierarchy
from kg.rules.patterns import pattern_of
from kg.shapes.model import Constraint, Node, Shape, SparqlConstraint
from kg.shapes.vocabulary import NODE_KINDS
from kg.sparql import algebra as a
from kg.sparql.algebra import BGP, Call, Exists, Expression, Var
from kg.sparql.casts import CASTS
from kg.sparql.substitute import substituted
from kg.terms import XSD_BOOLEAN, XSD_INTEGER

TRUE, FALSE = (Literal(word, datatype=NamedNode(XSD_BOOLEAN)) for word in ("true", "false"))

# Up to so many values are told apart by comparing each with each; more are counted.
_COMPARED = 4


@dataclass
class Conditions:
    """Reads shapes by node; `error(shape, what)` makes the error for a constraint that has no meaning here."""

    shapes: Mapping[Node, Shape]
    hierarchy: Hierarchy
    error: Callable[[Shape, str], KgError]
    _number: int = field(default=0)

    def elements(self, shape: Node, this: Var, focus: Sequence[a.BodyElement]) -> list[a.BodyElement]:
        """The body that holds for those values of `this`, bound by `focus`, which conform to the shape."""
        found: list[a.BodyElement] = []
        for part in conjuncts(self.conforms(self.shapes[shape], this)):
            if part != TRUE:
                found += self._lifted(part, this, focus)
        return found

    def _lifted(self, test: Expression, this: Var, focus: Sequence[a.BodyElement]) -> list[a.BodyElement]:
        if not has_exists(test):
            return [a.FilterElement(test)]
        if isinstance(test, Exists):
            body = _flat(test.pattern)
            if body is not None:
                return [a.Not(tuple(body), False)] if test.negated else body
        base = pattern_of(focus)
        pattern = _positive(test, base) or a.Filter(test, base)
        return [a.SubSelectElement(a.Project(pattern, (this,)), (this,))]

    # ── Shapes ───────────────────────────────────────────────────────────────────────────────────────────────

    def conforms(self, shape: Shape, node: Var) -> Expression:
        """An expression that is true where `node` conforms, and false otherwise, never an error."""
        if shape.is_deactivated:
            return TRUE
        return _all([self._holds(shape, constraint, node) for constraint in shape.constraints])

    def _holds(self, shape: Shape, constraint: Constraint | SparqlConstraint, node: Var) -> Expression:
        if isinstance(constraint, SparqlConstraint):
            return self._sparql(shape, constraint, node)
        on_set = getattr(self, f"_{_snake(constraint.component)}", None)
        if on_set is not None:
            return on_set(shape, constraint, node)
        return self._every(shape, node, lambda value: self._value(shape, constraint, value))

    def _every(self, shape: Shape, node: Var, test: Callable[[Var], Expression]) -> Expression:
        """`test` of all value nodes: of the node itself for a node shape (section 3.7)."""
        if shape.path is None:
            return test(node)
        value = self._fresh()
        return _none(_filtered(self._triples(node, shape.path, value), _not(test(value))))

    def _value(self, shape: Shape, constraint: Constraint, value: Var) -> Expression:
        wanted = constraint.value
        match constraint.component:
            case "Class":
                return _some(self.hierarchy.instances(wanted, value))
            case "Datatype":
                return _datatype(wanted, value)
            case "NodeKind":
                tests = {"IRI": "ISIRI", "BlankNode": "ISBLANK", "Literal": "ISLITERAL"}
                return _any([Call(tests[kind], (value,)) for kind in NODE_KINDS[wanted]])
            case "MinExclusive" | "MinInclusive" | "MaxExclusive" | "MaxInclusive":
                sign = {"MinExclusive": ">", "MinInclusive": ">=", "MaxExclusive": "<", "MaxInclusive": "<="}
                return _sure(Call(sign[constraint.component], (value, wanted)))
            case "MinLength" | "MaxLength":
                sign = ">=" if constraint.component == "MinLength" else "<="
                length = Call("STRLEN", (Call("STR", (value,)),))
                return _sure(Call(sign, (length, Literal(str(wanted), datatype=NamedNode(XSD_INTEGER)))))
            case "Pattern":
                flags = constraint.options["flags"]
                return _sure(Call("REGEX", (Call("STR", (value,)), Literal(wanted), *((Literal(flags),) if flags else ()))))
            case "LanguageIn":
                ranges = [Call("LANGMATCHES", (Call("LANG", (value,)), Literal(one))) for one in wanted]
                return _sure(_any(ranges))
            case "In":
                return _any([_same(value, one) for one in wanted])
            case "Node" | "Property":
                return self.conforms(self.shapes[wanted], value)
            case "Not":
                return _not(self.conforms(self.shapes[wanted], value))
            case "And":
                return _all([self.conforms(self.shapes[one], value) for one in wanted])
            case "Or":
                return _any([self.conforms(self.shapes[one], value) for one in wanted])
            case "Xone":
                tests = [self.conforms(self.shapes[one], value) for one in wanted]
                return _any([_all([test if i == j else _not(test) for j, test in enumerate(tests)]) for i in range(len(tests))])
        raise self.error(shape, f"the constraint {constraint.component}")

    # ── Constraints on the set of value nodes ────────────────────────────────────────────────────────────────

    def _min_count(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        return self._at_least(shape, node, constraint.value)

    def _max_count(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        return _not(self._at_least(shape, node, constraint.value + 1))

    def _qualified_min_count(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        return self._at_least(shape, node, constraint.options["count"], lambda value: self._qualifies(constraint, value))

    def _qualified_max_count(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        return _not(self._at_least(shape, node, constraint.options["count"] + 1, lambda value: self._qualifies(constraint, value)))

    def _qualifies(self, constraint: Constraint, value: Var) -> Expression:
        others = [_not(self.conforms(self.shapes[one], value)) for one in constraint.options.get("siblings", ())]
        return _all([self.conforms(self.shapes[constraint.value], value), *others])

    def _at_least(self, shape: Shape, node: Var, count: int, test: Callable[[Var], Expression] | None = None) -> Expression:
        if count == 0:
            return TRUE
        if count > _COMPARED:
            value, total = self._fresh(), self._fresh()
            pattern = _filtered(self._triples(node, shape.path, value), test(value) if test else TRUE)
            group = a.Group(pattern, ((node, None),), ((total, a.Aggregate("COUNT", value, distinct=True)),))
            enough = Call(">=", (total, Literal(str(count), datatype=NamedNode(XSD_INTEGER))))
            return _some(a.Project(a.Filter(enough, group), (node,)))
        values = [self._fresh() for _ in range(count)]
        triples = sum((self._triples(node, shape.path, value) for value in values), ())
        tests = [_not(_same(one, other)) for one, other in combinations(values, 2)]
        return _some(_filtered(triples, _all([*tests, *([test(value) for value in values] if test else [])])))

    def _has_value(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        if shape.path is None:
            return _same(node, constraint.value)
        return _some(BGP(self._triples(node, shape.path, constraint.value)))

    def _unique_lang(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        one, other = self._fresh(), self._fresh()
        languages = [Call("LCASE", (Call("LANG", (value,)),)) for value in (one, other)]
        tests = [_not(_same(one, other)), _sure(Call("=", tuple(languages))), _sure(Call("!=", (languages[0], Literal(""))))]
        return _none(_filtered((*self._triples(node, shape.path, one), *self._triples(node, shape.path, other)), _all(tests)))

    def _equals(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        if shape.path is None:
            value = self._fresh()
            others = _filtered((a.TriplePattern(node, constraint.value, value),), _not(_same(value, node)))
            return _all([_some(BGP((a.TriplePattern(node, constraint.value, node),))), _none(others)])
        mine, theirs = self._fresh(), self._fresh()
        lacking = _none(BGP((a.TriplePattern(node, constraint.value, mine),)))
        missing = _none(BGP(self._triples(node, shape.path, theirs)))
        return _all([
            _none(_filtered(self._triples(node, shape.path, mine), lacking)),
            _none(_filtered((a.TriplePattern(node, constraint.value, theirs),), missing)),
        ])  # fmt: skip

    def _disjoint(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        if shape.path is None:
            return _none(BGP((a.TriplePattern(node, constraint.value, node),)))
        value = self._fresh()
        return _none(BGP((*self._triples(node, shape.path, value), a.TriplePattern(node, constraint.value, value))))

    def _less_than(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        value, other = self._fresh(), self._fresh()
        sign = "<" if constraint.component == "LessThan" else "<="
        pairs = (*self._triples(node, shape.path, value), a.TriplePattern(node, constraint.value, other))
        return _none(_filtered(pairs, _not(_sure(Call(sign, (value, other))))))

    _less_than_or_equals = _less_than

    def _closed(self, shape: Shape, constraint: Constraint, node: Var) -> Expression:
        def only_allowed(value: Var) -> Expression:
            predicate, object = self._fresh(), self._fresh()
            return _none(_filtered((a.TriplePattern(value, predicate, object),), Call("NOT IN", (predicate, *constraint.value))))

        return self._every(shape, node, only_allowed)

    def _sparql(self, shape: Shape, constraint: SparqlConstraint, node: Var) -> Expression:
        fixed = {name: term for name, term in constraint.bindings.items() if name not in ("this", "value")}
        pattern = substituted(constraint.query.pattern, fixed)

        def renamed(values: dict[Var, a.Node]) -> a.Pattern:
            names = set(variables_of(pattern)) - set(values)
            return substitute(pattern, values | {name: self._fresh() for name in sorted(names, key=lambda v: v.name)})

        if not constraint.is_ask:
            return _none(renamed({Var("this"): node}))
        return self._every(shape, node, lambda value: _some(renamed({Var("this"): node, Var("value"): value})))

    # ── Pieces ───────────────────────────────────────────────────────────────────────────────────────────────

    def _fresh(self) -> Var:
        self._number += 1
        return Var(f"value/{self._number}")

    def _triples(self, subject: a.Node, path: a.Path | None, object: a.Node) -> tuple[a.TriplePattern | a.PathPattern, ...]:
        if path is None:
            raise AssertionError("only property shapes count values")
        return path_patterns(subject, path, object, self._fresh)


def path_patterns(subject: a.Node, path: a.Path, object: a.Node, fresh: Callable[[], Var]) -> tuple[a.TriplePattern | a.PathPattern, ...]:
    """A path as patterns: sequences and inverses as triples, so that a proof shows each step."""
    match path:
        case a.Link(iri=iri):
            return (a.TriplePattern(subject, iri, object),)
        case a.Inverse(path=inner):
            return path_patterns(object, inner, subject, fresh)
        case a.Sequence(left=left, right=right):
            middle = fresh()
            return path_patterns(subject, left, middle, fresh) + path_patterns(middle, right, object, fresh)
    return (a.PathPattern(subject, path, object),)


def _flat(pattern: a.Pattern) -> list[a.BodyElement] | None:
    """Triples and plain FILTERs, where a pattern is no more than that."""
    match pattern:
        case BGP(triples=triples):
            return list(triples)
        case a.Filter(condition=condition, pattern=inner) if not has_exists(condition):
            body = _flat(inner)
            return None if body is None else [*body, *(a.FilterElement(part) for part in conjuncts(condition) if part != TRUE)]
    return None


def _positive(test: Expression, base: a.Pattern) -> a.Pattern | None:
    """The solutions of `base` that pass, without EXISTS; None where something must not be there."""
    if not has_exists(test):
        return a.Filter(test, base)
    if isinstance(test, Exists):
        return None if test.negated or (found := _without_exists(test.pattern)) is None else a.Join(base, found)
    if isinstance(test, Call) and test.name in ("&&", "||"):
        left = _positive(test.args[0], base)
        if test.name == "&&":
            return left and _positive(test.args[1], left)
        right = _positive(test.args[1], base)
        return left and right and a.Union(left, right)
    return None


def _without_exists(pattern: a.Pattern) -> a.Pattern | None:
    if isinstance(pattern, BGP):
        return pattern
    if isinstance(pattern, a.Filter):
        inner = _without_exists(pattern.pattern)
        return inner and _positive(pattern.condition, inner)
    if isinstance(pattern, a.Union):
        left, right = _without_exists(pattern.left), _without_exists(pattern.right)
        return left and right and a.Union(left, right)
    return None


def _filtered(triples: tuple, condition: Expression) -> a.Pattern:
    return BGP(triples) if condition == TRUE else a.Filter(condition, BGP(triples))


def _some(pattern: a.Pattern) -> Expression:
    return Exists(pattern, False)


def _none(pattern: a.Pattern) -> Expression:
    return Exists(pattern, True)


def _not(test: Expression) -> Expression:
    if isinstance(test, Exists):
        return Exists(test.pattern, not test.negated)
    if test in (TRUE, FALSE):
        return FALSE if test == TRUE else TRUE
    if isinstance(test, Call) and test.name == "!":
        return test.args[0]
    if isinstance(test, Call) and test.name in ("&&", "||"):
        return Call("||" if test.name == "&&" else "&&", tuple(_not(part) for part in test.args))
    return Call("!", (test,))


def _all(tests: Sequence[Expression]) -> Expression:
    kept = [test for test in tests if test != TRUE]
    return reduce(lambda left, right: Call("&&", (left, right)), kept) if kept else TRUE


def _any(tests: Sequence[Expression]) -> Expression:
    if TRUE in tests:
        return TRUE
    kept = [test for test in tests if test != FALSE]
    return reduce(lambda left, right: Call("||", (left, right)), kept) if kept else FALSE


def _sure(test: Expression) -> Expression:
    """False where the test is an error."""
    return test if test in (TRUE, FALSE) else Call("COALESCE", (test, FALSE))


def _same(left: a.Node, right: a.Node) -> Expression:
    return Call("SAMETERM", (left, right))


def _datatype(datatype: NamedNode, value: Var) -> Expression:
    """A literal of the datatype whose lexical form is one of its own."""
    of_type = Call("=", (Call("DATATYPE", (value,)), datatype))
    if datatype.value not in CASTS:
        return _sure(of_type)
    cast = a.FunctionCall(datatype, (Call("STR", (value,)),))
    return _sure(Call("&&", (of_type, Call("ISLITERAL", (cast,)))))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() and i else letter.lower() for i, letter in enumerate(name))

