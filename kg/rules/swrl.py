"""SWRL rules (W3C submission, 2004) → rules of the one inner form.

An atom holds where the graph says so: classes and properties are triples, so that their axioms take part through OWL 2 RL
and not by themselves. SWRL's world is open: what asks whether something is *not* so (complements, universal and maximal
restrictions) has no meaning in a body, and what says that something exists, or one of several things, none in a head; such
rules are refused. `sameAs` holds of a node and itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from pyoxigraph import Literal, NamedNode

from kg.errors import Location, RuleError, did_you_mean
from kg.reasoner.model import Rule, variables_of, visible_variables
from kg.rules import swrl_classes as c
from kg.rules.hierarchy import TYPE
from kg.rules.swrl_builtins import BUILTINS, Builtin, equal_to
from kg.rules.swrl_functions import SWRLB
from kg.sparql import algebra as a

OWL = "http://www.w3.org/2002/07/owl#"
SAME_AS, DIFFERENT_FROM = NamedNode(OWL + "sameAs"), NamedNode(OWL + "differentFrom")
_REST_FIRST = (NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#rest"), NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#first"))

# Libraries of built-ins that tools know beside swrlb:, with what to use here instead.
OTHER_LIBRARIES = {
    "sqwrl": "sqwrl: asks questions; write them in SPARQL",
    "swrlx": "name new individuals by SET and IRI(…) in a SPARQL-RL rule",
    "temporal": "compare dates by swrlb:lessThan and its like",
}

Position = tuple[int, int] | None


@dataclass(frozen=True)
class ClassAtom:
    cls: c.ClassExpression
    argument: a.Node
    position: Position = field(default=None, compare=False)


@dataclass(frozen=True)
class DataRangeAtom:
    range: c.DataRange
    argument: a.Node
    position: Position = field(default=None, compare=False)


@dataclass(frozen=True)
class PropertyAtom:
    property: NamedNode
    subject: a.Node
    object: a.Node
    position: Position = field(default=None, compare=False)


@dataclass(frozen=True)
class SameAtom:
    left: a.Node
    right: a.Node
    position: Position = field(default=None, compare=False)


@dataclass(frozen=True)
class DifferentAtom:
    left: a.Node
    right: a.Node
    position: Position = field(default=None, compare=False)


@dataclass(frozen=True)
class BuiltinAtom:
    iri: NamedNode
    arguments: tuple[a.Node, ...]
    position: Position = field(default=None, compare=False)


Atom = ClassAtom | DataRangeAtom | PropertyAtom | SameAtom | DifferentAtom | BuiltinAtom


@dataclass(frozen=True)
class SwrlRule:
    """A rule as written, in text or in RDF."""

    iri: NamedNode
    body: tuple[Atom, ...]
    head: tuple[Atom, ...]
    says: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    location: Location = field(default_factory=Location)
    text: str = ""
    prefixes: tuple[tuple[str, str], ...] = ()
    source: str = ""


def compiled(rule: SwrlRule) -> list[Rule]:
    """The rules that a SWRL rule stands for: one for each alternative of its body.

    Raises RuleError R251 a variable of the head without value, R252 of a built-in, R253 an unknown built-in, R254 a wrong
    number of arguments, R255 what has no meaning in a rule, R258 a literal for a subject.
    """
    return _Compiler(rule).rules()


Branch = tuple[a.BodyElement, ...]


class _Compiler:
    def __init__(self, rule: SwrlRule) -> None:
        self.rule = rule
        self._fresh = 0
        self.shell = Rule(
            rule.iri, (), (), says=rule.says, annotations=rule.annotations, location=rule.location, text=rule.text,
            prefixes=rule.prefixes, source=rule.source)  # fmt: skip

    def rules(self) -> list[Rule]:
        if not self.rule.head:
            raise self.error(
                "R255", "concludes nothing: an empty head says that its body must never hold",
                "write that as a shape (kg validate), or conclude a class such as :Contradiction")  # fmt: skip
        branches = self._body()
        bound = set().union(*[visible_variables(element) for branch in branches for element in branch])
        head, more = self._head(bound)
        found = []
        for number, branch in enumerate(branches):
            iri = self.rule.iri if number == 0 else NamedNode(f"{self.rule.iri.value}-{number + 1}")
            found.append(replace(self.shell, iri=iri, head=head, body=tuple(dict.fromkeys((*more, *branch)))))
        return found

    # ── Bodies ───────────────────────────────────────────────────────────────────────────────────────────────

    def _body(self) -> list[Branch]:
        """Atoms in the order in which their arguments get values; SWRL's own order means nothing."""
        branches: list[Branch] = [()]
        waiting = sorted(self.rule.body, key=_rank)
        bound: set[a.Var] = set()
        while waiting:
            atom = next((atom for atom in waiting if self._is_ready(atom, bound)), None)
            if atom is None:
                raise self._stuck(waiting, bound)
            waiting.remove(atom)
            alternatives = self._alternatives(atom, bound)
            branches = [(*branch, *self._settled(more, bound)) for branch in branches for more in alternatives]
            bound = bound.union(*[visible_variables(element) for more in alternatives for element in more])
        return branches

    def _settled(self, elements: Branch, bound: set[a.Var]) -> Branch:
        """SET of a variable that has a value already becomes a test."""
        seen, settled = set(bound), []
        for element in elements:
            if isinstance(element, a.SetElement) and element.variable in seen:
                element = a.FilterElement(equal_to(element.variable, element.expression), element.position)
            seen |= visible_variables(element)
            settled.append(element)
        return tuple(settled)

    def _is_ready(self, atom: Atom, bound: set[a.Var]) -> bool:
        match atom:
            case ClassAtom(cls=cls, argument=argument):
                return not c.only_tests(cls) or not _open([argument], bound)
            case PropertyAtom() | DifferentAtom():
                return True
            case DataRangeAtom(argument=argument):
                return not _open([argument], bound)
            case SameAtom(left=left, right=right):
                return len(_open([left, right], bound)) < 2
        builtin = self._builtin(atom)
        if builtin.body is not None:
            return builtin.name in ("first", "rest", "length") or not _open(atom.arguments[1:], bound)
        if builtin.test is not None:
            return not _open(atom.arguments, bound)
        return not _open(atom.arguments[1:], bound) or bool(builtin.parts and not _open(atom.arguments[:1], bound))

    def _stuck(self, waiting: Sequence[Atom], bound: set[a.Var]) -> RuleError:
        atom = waiting[0]
        computes = isinstance(atom, BuiltinAtom) and (self._builtin(atom).value or self._builtin(atom).body)
        needed = atom.arguments[1:] if computes else _arguments(atom)
        variable = _open([*variables_of(tuple(needed))], bound)[0]
        name = self._called(atom)
        help = f"bind ?{variable.name} by a class or a property, or by a built-in that computes it"
        if computes:
            help += f"; {name} computes its first argument from the others"
        return self.error("R252", f"uses ?{variable.name} in {name}, but nothing binds it", help, atom.position)

    def _alternatives(self, atom: Atom, bound: set[a.Var]) -> list[Branch]:
        match atom:
            case ClassAtom(cls=cls, argument=argument):
                self._no_literal(atom, argument)
                return self._instances(cls, argument, bound, atom.position)
            case PropertyAtom(property=property, subject=subject, object=object):
                self._no_literal(atom, subject)
                return [(a.TriplePattern(subject, property, object, atom.position),)]
            case DataRangeAtom(range=range, argument=argument):
                return [(a.FilterElement(c.in_range(range, argument), atom.position),)]
            case SameAtom(left=left, right=right):
                return self._same(left, right, bound, atom.position)
            case DifferentAtom(left=left, right=right):
                return self._different(left, right, atom.position)
        return self._call(atom, bound)

    def _same(self, left: a.Node, right: a.Node, bound: set[a.Var], position: Position) -> list[Branch]:
        if _open([left], bound):
            left, right = right, left
        itself: a.BodyElement = a.FilterElement(a.Call("SAMETERM", (left, right)), position)
        if _open([right], bound):
            itself = a.SetElement(right, left, position)
        return [(itself,), (a.TriplePattern(left, SAME_AS, right, position),), (a.TriplePattern(right, SAME_AS, left, position),)]

    def _different(self, left: a.Node, right: a.Node, position: Position) -> list[Branch]:
        """Stated by owl:differentFrom, either way, or by owl:AllDifferent."""
        branches: list[Branch] = [(a.TriplePattern(left, DIFFERENT_FROM, right, position),), (a.TriplePattern(right, DIFFERENT_FROM, left, position),)]
        for name in ("distinctMembers", "members"):
            group, heads = self.fresh(), self.fresh()
            members = [a.PathPattern(heads, a.Sequence(a.ZeroOrMore(a.Link(_REST_FIRST[0])), a.Link(_REST_FIRST[1])), node) for node in (left, right)]
            apart = a.FilterElement(a.Call("!", (a.Call("SAMETERM", (left, right)),)))
            kind = a.TriplePattern(group, TYPE, NamedNode(OWL + "AllDifferent"))
            branches.append((kind, a.TriplePattern(group, NamedNode(OWL + name), heads), *members, apart))
        return branches

    # ── Class expressions in bodies ──────────────────────────────────────────────────────────────────────────

    def _instances(self, cls: c.ClassExpression, node: a.Node, bound: set[a.Var], position: Position) -> list[Branch]:
        match cls:
            case c.Named(iri=iri):
                if iri.value == OWL + "Thing":
                    return [()] if not _open([node], bound) else [(a.TriplePattern(node, TYPE, self.fresh(), position),)]
                return [(a.TriplePattern(node, TYPE, iri, position),)]
            case c.And(parts=parts):
                several = [self._instances(part, node, bound, position) for part in parts]
                return [tuple(e for branch in choice for e in branch) for choice in product(*several)]
            case c.Or(parts=parts):
                return [branch for part in parts for branch in self._instances(part, node, bound, position)]
            case c.OneOf(members=members):
                if _open([node], bound):
                    return [(a.SetElement(node, member, position),) for member in members]
                return [(a.FilterElement(a.Call("SAMETERM", (node, member)), position),) for member in members]
            case c.HasValue(property=property, value=value):
                return [(self._triple(property, node, value, position),)]
            case c.HasSelf(property=property):
                return [(self._triple(property, node, node, position),)]
            case c.Some(property=property, filler=filler) | c.Cardinality(kind="min", number=1, property=property, filler=filler):
                value = self.fresh()
                triple = self._triple(property, node, value, position)
                if isinstance(filler, c.DATA_RANGES):
                    return [(triple, a.FilterElement(c.in_range(filler, value), position))]
                if filler is None or filler == c.Named(NamedNode(OWL + "Thing")):
                    return [(triple,)]
                return [(triple, *branch) for branch in self._instances(filler, value, bound | {value}, position)]
            case c.Cardinality(kind="min"):
                raise self._without_meaning(cls, "two names may mean one individual, so they cannot be counted",
                                            "use a variable for each, and differentFrom between them", position)  # fmt: skip
        raise self._without_meaning(cls, "it asks whether something is not so, which an open world never tells",
                                    "use NOT in a SPARQL-RL rule, which looks at what the graph holds", position)  # fmt: skip

    def _triple(self, property: c.Property, subject: a.Node, object: a.Node, position: Position) -> a.TriplePattern:
        if isinstance(property, c.Inverse):
            subject, object = object, subject
        return a.TriplePattern(subject, property.iri if isinstance(property, c.Inverse) else property, object, position)

    def _without_meaning(self, cls: c.ClassExpression, why: str, help: str, position: Position) -> RuleError:
        return self.error("R255", f"has ({c.text_of(cls, self.rule.prefixes)}) in it: {why}", help, position)

    # ── Built-ins ────────────────────────────────────────────────────────────────────────────────────────────

    def _builtin(self, atom: BuiltinAtom) -> Builtin:
        name, count = atom.iri.value.removeprefix(SWRLB), len(atom.arguments)
        builtin = BUILTINS.get(name) if atom.iri.value.startswith(SWRLB) else None
        if builtin is None:
            library = next((help for name, help in OTHER_LIBRARIES.items() if f"/{name}.owl#" in atom.iri.value), None)
            help = library or did_you_mean(name.rpartition("#")[2], BUILTINS) or "the built-ins are those of swrlb: in the SWRL submission, section 8"
            raise self.error("R253", f"uses the unknown built-in {self._called(atom)}", help, atom.position)
        if not builtin.least <= count or (builtin.most is not None and count > builtin.most):
            takes = str(builtin.least) if builtin.most == builtin.least else f"{builtin.least} or more" if builtin.most is None else f"{builtin.least} to {builtin.most}"
            raise self.error("R254", f"gives {self._called(atom)} {count} argument{'s' * (count != 1)}; it takes {takes}",
                             "the first argument is the result" if builtin.value else "look at its definition in the SWRL submission, section 8", atom.position)  # fmt: skip
        if builtin.reason:
            raise self.error("R255", f"uses {self._called(atom)}, which {builtin.reason}", builtin.help or "", atom.position)
        return builtin

    def _call(self, atom: BuiltinAtom, bound: set[a.Var]) -> list[Branch]:
        builtin, position = self._builtin(atom), atom.position
        if builtin.body is not None:
            return [tuple(replace(e, position=position) for e in branch) for branch in builtin.body(atom.arguments, self.fresh)]
        if builtin.test is not None:
            return [(a.FilterElement(builtin.test(atom.arguments), position),)]
        result, *given = atom.arguments
        if _open(given, bound):
            return [self._taken_apart(builtin, result, given, bound, position)]
        value = builtin.value(tuple(given))
        if _open([result], bound):
            return [(a.SetElement(result, value, position),)]
        return [(a.FilterElement(builtin.equals(value, result), position),)]

    def _taken_apart(self, builtin: Builtin, whole: a.Node, parts: Sequence[a.Node], bound: set[a.Var], position: Position) -> Branch:
        """The parts of a known date, time or duration: those that are open are bound, the others compared."""
        elements: list[a.BodyElement] = [a.FilterElement(a.Call("=", (a.Call("DATATYPE", (whole,)), NamedNode(f"http://www.w3.org/2001/XMLSchema#{builtin.name}"))))]
        seen = set(bound)
        for name, part in zip(builtin.parts, parts, strict=False):
            value = a.FunctionCall(NamedNode(f"{SWRLB}part-{name}"), (whole,))
            if _open([part], seen):
                elements.append(a.SetElement(part, value, position))
                seen.add(part)
            else:
                elements.append(a.FilterElement(a.Call("=", (value, part)), position))
        return tuple(elements)

    # ── Heads ────────────────────────────────────────────────────────────────────────────────────────────────

    def _head(self, bound: set[a.Var]) -> tuple[tuple[a.TriplePattern, ...], list[a.BodyElement]]:
        """The triples that the head makes, and what its universal restrictions ask of the body."""
        triples: list[a.TriplePattern] = []
        more: list[a.BodyElement] = []
        for atom in self.rule.head:
            for variable in _open(list(variables_of(tuple(_arguments(atom)))), bound):
                raise self.error("R251", f"uses ?{variable.name} in its head, but no atom of its body binds it",
                                 f"add an atom with ?{variable.name} before the ->; a rule makes no new individuals", atom.position)  # fmt: skip
            match atom:
                case ClassAtom(cls=cls, argument=argument):
                    self._no_literal(atom, argument)
                    triples += self._made(cls, argument, more, atom.position)
                case PropertyAtom(property=property, subject=subject, object=object):
                    self._no_literal(atom, subject)
                    triples.append(a.TriplePattern(subject, property, object, atom.position))
                case SameAtom(left=left, right=right):
                    triples.append(a.TriplePattern(left, SAME_AS, right, atom.position))
                case DifferentAtom(left=left, right=right):
                    triples.append(a.TriplePattern(left, DIFFERENT_FROM, right, atom.position))
                case _:
                    if isinstance(atom, BuiltinAtom):
                        self._builtin(atom)
                    raise self.error("R255", f"has {self._called(atom)} in its head: a rule concludes classes and properties only",
                                     "compute the value before the ->, and conclude a property with it", atom.position)  # fmt: skip
        return tuple(triples), more

    def _made(self, cls: c.ClassExpression, node: a.Node, more: list[a.BodyElement], position: Position) -> list[a.TriplePattern]:
        match cls:
            case c.Named(iri=iri):
                return [a.TriplePattern(node, TYPE, iri, position)]
            case c.And(parts=parts):
                return [triple for part in parts for triple in self._made(part, node, more, position)]
            case c.HasValue(property=property, value=value):
                return [self._triple(property, node, value, position)]
            case c.HasSelf(property=property):
                return [self._triple(property, node, node, position)]
            case c.OneOf(members=(member,)):
                return [a.TriplePattern(node, SAME_AS, member, position)]
            case c.Only(property=property, filler=filler) if not isinstance(filler, c.DATA_RANGES) and len(self.rule.head) == 1:
                value = self.fresh()
                more.append(self._triple(property, node, value, position))
                return self._made(filler, value, more, position)
        raise self._without_meaning(cls, "a rule cannot conclude that something exists, or one of several things, or that something is not so",
                                    "conclude a named class, and say in the ontology what it implies", position)  # fmt: skip

    # ── Pieces ───────────────────────────────────────────────────────────────────────────────────────────────

    def _no_literal(self, atom: Atom, node: a.Node) -> None:
        if isinstance(node, Literal):
            raise self.error("R258", f"speaks of the literal {c.node_text(node, ())} as of an individual in {self._called(atom)}", "literals can only be values: write an IRI or a variable", atom.position)

    def _called(self, atom: Atom) -> str:
        return atom_text(atom, self.rule.prefixes).partition("(")[0] if isinstance(atom, BuiltinAtom) else atom_text(atom, self.rule.prefixes)

    def fresh(self) -> a.Var:
        self._fresh += 1
        return a.Var(f"value/{self._fresh}")

    def error(self, code: str, message: str, help: str, position: Position = None) -> RuleError:
        return self.shell.error(code, message, help, position)


def _rank(atom: Atom) -> int:
    """What binds most certainly comes first."""
    match atom:
        case PropertyAtom():
            return 0
        case ClassAtom(cls=cls):
            is_thing = isinstance(cls, c.Named) and cls.iri.value == OWL + "Thing"
            return 2 if is_thing or c.only_tests(cls) else 0 if isinstance(cls, c.Named) else 1
        case DifferentAtom():
            return 4
    return 3


def _open(nodes: Sequence[a.Node], bound: set[a.Var]) -> list[a.Var]:
    return [node for node in nodes if isinstance(node, a.Var) and node not in bound]


def _arguments(atom: Atom) -> tuple[a.Node, ...]:
    match atom:
        case ClassAtom(argument=argument) | DataRangeAtom(argument=argument):
            return (argument,)
        case PropertyAtom(subject=left, object=right) | SameAtom(left=left, right=right) | DifferentAtom(left=left, right=right):
            return (left, right)
    return atom.arguments


# ── Text ─────────────────────────────────────────────────────────────────────────────────────────────────────


def atom_text(atom: Atom, prefixes: tuple[tuple[str, str], ...]) -> str:
    """An atom in Protégé's text syntax."""
    arguments = ", ".join(c.node_text(node, prefixes) for node in _arguments(atom))
    match atom:
        case ClassAtom(cls=c.Named(iri=iri)):
            name = c.node_text(iri, prefixes)
        case ClassAtom(cls=cls):
            name = f"({c.text_of(cls, prefixes)})"
        case DataRangeAtom(range=range):
            name = c.text_of(range, prefixes) if isinstance(range, c.Datatype) else f"({c.text_of(range, prefixes)})"
        case PropertyAtom(property=property):
            name = c.node_text(property, prefixes)
        case SameAtom():
            name = "sameAs"
        case DifferentAtom():
            name = "differentFrom"
        case BuiltinAtom(iri=iri):
            name = f"swrlb:{iri.value.removeprefix(SWRLB)}" if iri.value.startswith(SWRLB) else c.node_text(iri, prefixes)
    return f"{name}({arguments})"


def rule_text(rule: SwrlRule) -> str:
    """A rule in Protégé's text syntax."""
    body, head = (" ^ ".join(atom_text(atom, rule.prefixes) for atom in atoms) for atoms in (rule.body, rule.head))
    return f"{body} -> {head}".strip()
