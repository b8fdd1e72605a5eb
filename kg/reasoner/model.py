"""What a rule program is: rules with an identity and a place, gathered from one or several files.

A `Rule` is the parser's `RuleText` made self-sufficient: it has an IRI even where none was written, knows its place for
messages, and carries its own text. The triples of all DATA blocks of a file are one rule with an empty body, so that
facts stated by a program are inferred like any other conclusion and have a proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pyoxigraph import NamedNode

from kg.errors import Location, RuleError
from kg.sparql import algebra as a

# What the IRI of a rule without a name ends in.
_UNNAMED = re.compile(r"#(rule-\d+(-\d+)?|data)$")


@dataclass(frozen=True)
class Rule:
    """One rule of a program; `prefixes` are those in force at the end of its file and serve to shorten names."""

    iri: NamedNode
    head: tuple[a.TriplePattern, ...]
    body: tuple[a.BodyElement, ...]
    data_only: bool = False
    says: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    location: Location = field(default_factory=Location, compare=False)
    text: str = field(default="", compare=False)
    prefixes: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    source: str = field(default="", compare=False, repr=False)  # the whole text of the file, for the line in a message
    states_data: bool = False
    order: Decimal = Decimal(0)  # among rules that undo each other's conditions
    is_iterated: bool = False  # may undo its own condition: it is applied in order instead of being refused

    @property
    def name(self) -> str:
        """The rule's IRI as people write it: prefixed where a prefix covers it; `rule-2` of a rule that has no name."""
        name = short_name(self.iri, self.prefixes)
        return self.iri.value.rpartition("#")[2] if name.startswith("<") and _UNNAMED.search(self.iri.value) else name

    def place(self, position: tuple[int, int] | None) -> Location:
        """The place `position` (line, column) in the rule's file, or that of the rule where it is unknown."""
        if position is None:
            return self.location
        return Location.in_text(self.source, position[0], position[1], self.location.file)

    def error(
        self, code: str, message: str, help: str, position: tuple[int, int] | None = None, notes: tuple[str, ...] = ()
    ) -> RuleError:
        return RuleError(code, f"{self.name} {message}", self.place(position), help, list(notes))


@dataclass(frozen=True)
class Program:
    """Rules in the order of their files; `files` are all that were read, imported ones included."""

    rules: tuple[Rule, ...]
    prefixes: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


def is_equality(rule: Rule) -> bool:
    """Whether a rule copies triples between equal terms, which is done by representatives (`equal.py`)."""
    return any(key == "equality" for key, _ in rule.annotations)


def is_last(rule: Rule) -> bool:
    """Whether a rule waits for all others, which do not see its conclusions."""
    return any(key == "after" for key, _ in rule.annotations)


def short_name(iri: NamedNode, prefixes: tuple[tuple[str, str], ...] = ()) -> str:
    """`prefix:local` for the longest prefix that covers the IRI, else `<IRI>`.

    >>> short_name(NamedNode("http://example.org/a"), (("ex", "http://example.org/"),))
    'ex:a'
    """
    covering = [(namespace, prefix) for prefix, namespace in prefixes if namespace and iri.value.startswith(namespace)]
    if not covering:
        return f"<{iri.value}>"
    namespace, prefix = max(covering, key=lambda pair: len(pair[0]))
    return f"{prefix}:{iri.value[len(namespace):]}"


def variables_of(thing: object) -> Iterator[a.Var]:
    """All variables of a node, an expression, a pattern or a body element, those inside EXISTS included."""
    match thing:
        case a.Var():
            yield thing
        case tuple():
            for part in thing:
                yield from variables_of(part)
        case _ if hasattr(thing, "__dataclass_fields__"):
            for name in thing.__dataclass_fields__:
                if name != "position":
                    yield from variables_of(getattr(thing, name))


def visible_variables(element: a.BodyElement) -> frozenset[a.Var]:
    """The variables that an element binds for those after it."""
    match element:
        case a.TriplePattern() | a.PathPattern():
            return frozenset(variables_of(element))
        case a.SetElement(variable=variable):
            return frozenset({variable})
        case a.SubSelectElement(variables=variables):
            return frozenset(variables)
        case _:
            return frozenset()
