"""A proof: a tree from a conclusion through rules and premises down to source rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pyoxigraph import Triple

from kg.explain.names import Names
from kg.explain.page import page
from kg.explain.provenance import provenance
from kg.explain.shortened import shortened
from kg.explain.text import as_dict, lines
from kg.explain.words import WORDS
from kg.terms import Term


@dataclass(frozen=True)
class Part:
    """One value that a sum took in, and the proofs of the triples that it came from."""

    value: Decimal | None
    premises: tuple[Proof, ...]


@dataclass(frozen=True)
class Total:
    """An aggregate shown: `text` is for example `30 + 25 = 55 > 50`. Of very many contributions `parts` has the greatest."""

    function: str
    value: Decimal | None
    text: str
    parts: tuple[Part, ...]
    left_out: int = 0  # contributions that are not among the parts


@dataclass(frozen=True)
class Proof:
    """A node of the tree. `kind` is `inferred`, `asserted`, `repeated` (proved elsewhere in this tree), `cut` (below the
    depth limit), or `skipped`: `skipped` steps of a long proof are left out where it is shown to be read. `says` is the rule's sentence
    with the bindings in it, by language."""

    triple: Triple
    kind: str
    graphs: tuple[str, ...] = ()
    rule: str | None = None
    rule_name: str | None = None
    rule_text: str | None = None
    rule_place: str | None = None
    round: int | None = None
    says: Mapping[str, str] | None = None
    bindings: Mapping[str, Term | Decimal] | None = None
    premises: tuple[Proof, ...] = ()
    totals: tuple[Total, ...] = ()
    absent: tuple[Any, ...] = ()  # what nothing says: patterns, data_only, conditions
    tests: tuple[str, ...] = ()
    tests_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the same in other languages than English
    sources: tuple[Any, ...] = ()  # rows: file, line, table, columns
    method: Mapping[str, str] | None = None  # of what a measure found, by language: the algorithm and its parameters; its rows are `sources`
    others: tuple[Proof, ...] = ()  # other derivations of the same triple
    names: Names | None = None
    skipped: int = 0

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """The tree with one fact a line, indented; `language` is `en` or `zh`. A long chain of rules is shortened in the middle."""
        return "\n".join(lines(shortened(self), 0, language if language in WORDS else "en"))

    def as_dict(self) -> dict[str, Any]:
        """The tree as JSON-ready members; members without content are left out. Of a deep tree, parts stand in `steps` of the
        root: a node of kind `continued` names the number of its step, from 0."""
        return as_dict(self)

    def html(self, language: str = "en") -> str:
        """A page of its own: the tree with parts that fold, without script. A long chain of rules is shortened in the middle."""
        return page(shortened(self), language if language in WORDS else "en")

    def provenance(self) -> list[Triple]:
        """The tree in the PROV ontology, as RDF 1.1 triples."""
        return provenance(self)

    def reasons(self, language: str = "en") -> list[str]:
        """The conditions that hold, in words."""
        return list(self.tests_in.get(language, self.tests))

    def absences(self, language: str = "en") -> list[tuple[str, bool]]:
        """What nothing says, in words; and whether only the input was looked at."""
        return [(self.names.absence(one.patterns, one.conditions, self.bindings or {}, language), one.data_only) for one in self.absent]

    def below(self) -> list[Proof]:
        """The proofs directly under this one, those of contributions included."""
        return [*self.premises, *(proof for total in self.totals for part in total.parts for proof in part.premises)]
