"""SHACL rules (SHACL-AF, section 8) → rules of the one inner form: `sh:TripleRule` and `sh:SPARQLRule`.

Each rule has a body that begins with the targets of its shape, as `?this`, then its conditions, then what the rule itself
says. All rules of all files are iterated together to their fixpoint, so sh:order matters only where a condition is undone
by what the rules conclude: there they run in that order, and what was concluded stays (see `reasoner/ordered.py`).
A rule's sentence for people is its rdfs:comment, by language, with `{this}`, `{subject}`, `{object}` or the variables of its
query in it; its name is its IRI, or the shape's with `-rule-1` and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import product

from pyoxigraph import Literal, NamedNode

from kg.errors import Location
from kg.reasoner.bodies import substitute
from kg.reasoner.model import Program, Rule, variables_of
from kg.reasoner.safety import certain_variables
from kg.rules.conditions import Conditions
from kg.rules.hierarchy import Hierarchy
from kg.rules.node_expressions import THIS, NodeExpressions
from kg.rules.patterns import body_of, pattern_of, possible_variables, requiring
from kg.rules.shacl_functions import Functions, order_of
from kg.rules.turtle_rules import placed, rule_text
from kg.shapes.document import Node, ShapesDocument
from kg.shapes.model import Shape, Target
from kg.shapes.parameters import is_true, is_word, one
from kg.shapes.parser import read_shapes
from kg.shapes.sparql import read_query
from kg.shapes.vocabulary import sh
from kg.sparql import algebra as a
from kg.sparql.substitute import substituted
from kg.terms import Term

_COMMENT = NamedNode("http://www.w3.org/2000/01/rdf-schema#comment")
_PARTS = (sh("subject"), sh("predicate"), sh("object"))


def has_shacl_rules(document: ShapesDocument) -> bool:
    return any(True for _ in document.subjects(sh("rule")))


def shacl_program(
    document: ShapesDocument, file: str | None = None, prefixes: Mapping[str, str] | None = None,
    hierarchy: Hierarchy | None = None, base: str = "urn:rules:",
) -> Program:  # fmt: skip
    """The rules of a shapes graph, those that are deactivated left out. `hierarchy` are the subclasses that targets take in.

    Raises ShapeError: H102–H111 for shapes, H120 for rules and node expressions, H121 for functions.
    """
    reader = _Reader(document, file, dict(prefixes or {}), hierarchy or Hierarchy(), base)
    return Program(tuple(reader.rules()), tuple(reader.prefixes.items()), (file,) if file else ())


class _Reader:
    def __init__(self, document: ShapesDocument, file: str | None, prefixes: dict[str, str], hierarchy: Hierarchy, base: str) -> None:
        self.document, self.file, self.base, self.hierarchy = document, file, base, hierarchy
        self.prefixes = prefixes | document.prefixes
        self.functions = Functions(document, self.prefixes)
        self.conditions = Conditions({}, hierarchy, self._unknown_constraint)
        self.expressions = NodeExpressions(document, self.conditions, self.functions)

    def rules(self) -> Iterator[Rule]:
        for shape_node in list(self.document.subjects(sh("rule"))):
            shape = self._shape(shape_node)
            for number, node in enumerate(self.document.values(shape_node, sh("rule"))):
                if isinstance(node, Literal):
                    raise self._error(shape_node, node, "is a literal, not a rule", "write sh:rule [ a sh:TripleRule ; … ]")
                if not shape.is_deactivated and not one(self.document, node, sh("deactivated"), is_true, "true or false"):
                    yield from self._rule(shape, node, number)

    def _shape(self, node: Node) -> Shape:
        shape = read_shapes(self.document, [node])[node]
        if not shape.targets and not shape.is_deactivated:
            name = self.document.name(node)
            raise self.document.error(
                "H120", f"{name} has rules but no target, so they would never run", node, sh("rule"),
                help="say for which nodes: sh:targetClass, sh:targetNode, sh:targetSubjectsOf or sh:targetObjectsOf")  # fmt: skip
        return shape

    # ── One rule ─────────────────────────────────────────────────────────────────────────────────────────────

    def _rule(self, shape: Shape, node: Node, number: int) -> Iterator[Rule]:
        types = self.document.types(node)
        place, text = rule_text(self.document, shape.node, node)
        name = node if isinstance(node, NamedNode) else NamedNode(self._name_of(shape, number))
        read = {sh("TripleRule"): self._triple_rule, sh("SPARQLRule"): self._sparql_rule}
        kinds = [kind for kind in read if kind in types]
        if len(kinds) != 1:
            what = "is both a sh:TripleRule and a sh:SPARQLRule" if kinds else "is neither a sh:TripleRule nor a sh:SPARQLRule"
            raise self._error(shape.node, node, what, "give it one of the two types")
        says = tuple((value.language or "", value.value) for value in self.document.values(node, _COMMENT) if is_word(value))
        source = self._source(shape.node)
        order = order_of(self.document, node)
        focus = tuple(self._focus(shape))
        focus += tuple(self._conditions(shape, node, focus))
        for number, (head, body) in enumerate(read[kinds[0]](shape, node, focus)):
            yield Rule(
                NamedNode(f"{name.value}-{number + 1}") if number else name, head, _readable(body), says=says,
                location=place or Location(self.file), text=text, prefixes=tuple(self.prefixes.items()), source=source,
                order=order, is_iterated=True)  # fmt: skip

    def _name_of(self, shape: Shape, number: int) -> str:
        owner = shape.node.value if isinstance(shape.node, NamedNode) else f"{self.base}#shape"
        return f"{owner}-rule-{number + 1}"

    def _source(self, node: Node) -> str:
        places = self.document.places_of(node)
        return places.text if places else ""

    def _focus(self, shape: Shape) -> list[a.BodyElement]:
        """What makes `?this` a focus node (SHACL, section 2.1, and SHACL-AF, section 3)."""
        named = [target.value for target in shape.targets if target.kind == "targetNode"]
        several = [self._target(target) for target in shape.targets if target.kind != "targetNode"]
        if len(named) == 1 and not several:
            return [a.SetElement(THIS, named[0])]
        patterns = [pattern_of(elements) for elements in several]
        if named:
            patterns.append(a.Values((THIS,), tuple((node,) for node in named)))
        if len(patterns) == 1 and not named:
            return several[0]
        return [a.SubSelectElement(a.Project(reduce(a.Union, patterns), (THIS,)), (THIS,))]

    def _target(self, target: Target) -> list[a.BodyElement]:
        match target.kind:
            case "targetClass":
                pattern = self.hierarchy.instances(target.value, THIS)
                return list(pattern.triples) if isinstance(pattern, a.BGP) else [a.SubSelectElement(a.Project(pattern, (THIS,)), (THIS,))]
            case "targetSubjectsOf":
                return [a.TriplePattern(THIS, target.value, a.Var("value/target"))]
            case "targetObjectsOf":
                return [a.TriplePattern(a.Var("value/target"), target.value, THIS)]
        inner = target.query.pattern
        return [a.SubSelectElement(a.Project(inner, (THIS,)), (THIS,))]

    def _conditions(self, shape: Shape, rule: Node, focus: Sequence[a.BodyElement]) -> list[a.BodyElement]:
        found: list[a.BodyElement] = []
        for condition in self.document.values(rule, sh("condition")):
            if isinstance(condition, Literal) or condition not in self.document.properties:
                raise self._error(shape.node, rule, f"has the condition {self.document.name(condition)}, which is described nowhere",
                                  "write the shape that the focus node must conform to, or mend its name")  # fmt: skip
            self.conditions.shapes |= read_shapes(self.document, [condition])
            found += self.conditions.elements(condition, THIS, focus)
        return found

    # ── sh:TripleRule (section 8.3) ──────────────────────────────────────────────────────────────────────────

    def _triple_rule(self, shape: Shape, node: Node, focus: tuple) -> Iterator[tuple[tuple[a.TriplePattern, ...], tuple]]:
        parts = [self.expressions.read(shape.node, part, self._only(shape, node, part), focus) for part in _PARTS]
        for choice in product(*parts):
            elements = tuple(element for more, _ in choice for element in more)
            names = {value: a.Var(part.value.removeprefix(sh("").value)) for part, (_, value) in zip(_PARTS, choice, strict=True) if _is_internal(value)}
            subject, predicate, object = (names.get(value, value) for _, value in choice)
            if isinstance(subject, Literal):
                raise self._error(shape.node, node, f"makes triples whose subject is the literal {subject}", "the subject of a triple is an IRI or a blank node")
            if not isinstance(predicate, (NamedNode, a.Var)):
                raise self._error(shape.node, node, f"makes triples whose predicate is {self.document.name(predicate)}", "give a property's IRI in sh:predicate")
            yield (a.TriplePattern(subject, predicate, object),), (*focus, *substitute(elements, names))

    def _only(self, shape: Shape, node: Node, part: NamedNode) -> Term:
        values = self.document.values(node, part)
        if len(values) != 1:
            what = f"has no {self.document.name(part)}" if not values else f"has {len(values)} values of {self.document.name(part)}"
            raise self._error(shape.node, node, what, "a sh:TripleRule needs one sh:subject, one sh:predicate and one sh:object")
        return values[0]

    # ── sh:SPARQLRule (section 8.4) ──────────────────────────────────────────────────────────────────────────

    def _sparql_rule(self, shape: Shape, node: Node, focus: tuple) -> Iterator[tuple[tuple[a.TriplePattern, ...], tuple]]:
        query = placed(read_query(self.document, shape.node, node, sh("construct"), self.prefixes), self.document, node)
        pattern = substituted(self.functions.inlined(shape.node, query.pattern), {"currentShape": shape.node})
        pattern = pattern.pattern if isinstance(pattern, a.Project) and frozenset(possible_variables(pattern.pattern)) <= set(pattern.variables) else pattern
        sure = certain_variables(pattern) | {THIS}
        groups: dict[frozenset[a.Var], list[a.TriplePattern]] = {}
        for triple in query.template:
            used = frozenset(v for v in variables_of(triple) if not v.is_anonymous)
            self._check_bound(shape, node, used - possible_variables(pattern) - {THIS})
            groups.setdefault(used - sure, []).append(triple)
        shared = reduce(lambda one, other: one & other, [{v for t in triples for v in variables_of(t) if v.is_anonymous} for triples in groups.values()], set()) if len(groups) > 1 else set()
        if shared:
            raise self._error(shape.node, node, "makes a blank node that an OPTIONAL may or may not add to", "make two rules, and name the node by an IRI")
        for needed, triples in groups.items():
            cut = requiring(pattern, needed | (sure - {THIS}) & frozenset(variables_of(tuple(triples))))
            if cut is not None:
                yield tuple(triples), (*focus, *body_of(cut, focus, variables_of(tuple(triples))))

    def _check_bound(self, shape: Shape, node: Node, unbound: frozenset[a.Var]) -> None:
        for variable in sorted(unbound, key=lambda v: v.name):
            raise self._error(shape.node, node, f"uses ?{variable.name} in its CONSTRUCT, but its WHERE never binds it", f"bind ?{variable.name} in the WHERE")

    # ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────

    def _error(self, shape: Node, rule: Term, what: str, help: str) -> Exception:
        name = self.document.name(rule) if isinstance(rule, NamedNode) else f"a rule of {self.document.name(shape)}"
        error = self.document.error("H120", f"{name} {what}", shape, sh("rule"), help=help)
        if not isinstance(rule, Literal):
            error.location = rule_text(self.document, shape, rule)[0] or error.location
        return error

    def _unknown_constraint(self, shape: Shape, what: str) -> Exception:
        return self.document.error("H120", f"{what} of {shape.name} cannot be a condition of a rule", shape.node, help="say it in a sh:SPARQLRule")


def _is_internal(node: a.Node) -> bool:
    return isinstance(node, a.Var) and "/" in node.name


def _readable(body: Sequence[a.BodyElement]) -> tuple[a.BodyElement, ...]:
    """The body with a constant `?this` put into its triple patterns, and each element once."""
    fixed = {e.variable: e.expression for e in body if isinstance(e, a.SetElement) and e.variable == THIS and not isinstance(e.expression, a.Var)}
    if fixed:
        body = [substitute(e, fixed) if isinstance(e, (a.TriplePattern, a.PathPattern)) else e for e in body]
    return tuple(dict.fromkeys(body))
