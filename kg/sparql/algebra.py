"""The SPARQL algebra (SPARQL 1.1 Query, section 18) as frozen dataclasses: what the parsers make and the compiler takes.

Terms are pyoxigraph's `NamedNode`, `BlankNode`, `Literal`, `Triple`; variables are `Var`. A blank node written in a
pattern is a `Var` whose name starts with `_:`, which no projection ever shows (section 4.1.4). In templates (CONSTRUCT,
INSERT, rule heads) and in data (INSERT DATA, DATA of rules) such a `Var` is a fresh blank node: per solution in a template,
one for the whole operation or rule set in data; no pattern binds it.
Multisets throughout; a node says nothing about how it is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode

Term = NamedNode | BlankNode | Literal  # a ground term; triple terms are TripleTerm


@dataclass(frozen=True)
class Var:
    """A variable, without its `?`; names starting with `_:` are blank nodes of the pattern."""

    name: str

    @property
    def is_anonymous(self) -> bool:
        return self.name.startswith("_:")


@dataclass(frozen=True)
class TripleTerm:
    """A triple in term position (RDF 1.2); may contain variables."""

    subject: Term | Var | TripleTerm
    predicate: NamedNode | Var
    object: Term | Var | TripleTerm


Node = Term | Var | TripleTerm


# ── Property paths (section 18.1.7) ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Link:
    iri: NamedNode


@dataclass(frozen=True)
class Inverse:
    path: Path


@dataclass(frozen=True)
class Sequence:
    left: Path
    right: Path


@dataclass(frozen=True)
class Alternative:
    left: Path
    right: Path


@dataclass(frozen=True)
class ZeroOrMore:
    path: Path


@dataclass(frozen=True)
class OneOrMore:
    path: Path


@dataclass(frozen=True)
class ZeroOrOne:
    path: Path


@dataclass(frozen=True)
class NegatedSet:
    """`!(:a|^:b)`: any predicate but `forward`, or the inverse of any but `inverse`."""

    forward: tuple[NamedNode, ...]
    inverse: tuple[NamedNode, ...]


Path = Link | Inverse | Sequence | Alternative | ZeroOrMore | OneOrMore | ZeroOrOne | NegatedSet


# ── Expressions (section 17) ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Call:
    """A built-in or an operator. `name` is the SPARQL keyword in upper case (`STRLEN`, `IF`, `COALESCE`, `BOUND`,
    `REGEX`, `IN`, `NOT IN`, …) or the operator: `||` `&&` `!` `=` `!=` `<` `>` `<=` `>=` `+` `-` `*` `/`,
    `u-` and `u+` for the unary ones. `||` and `&&` are binary. For `IN`/`NOT IN` args[0] is the left side.
    `URI` and `ISURI` appear as `IRI` and `ISIRI`; `IRI` has the base IRI, a NamedNode, as args[1] where there is a base."""

    name: str
    args: tuple[Expression, ...]
    position: tuple[int, int] | None = field(default=None, compare=False)  # (line, column)


@dataclass(frozen=True)
class FunctionCall:
    """A function named by IRI: the XSD casts (section 17.5) and extensions."""

    iri: NamedNode
    args: tuple[Expression, ...]
    distinct: bool = False
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Exists:
    pattern: Pattern
    negated: bool


@dataclass(frozen=True)
class Aggregate:
    """`COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT`; `argument` is None for `COUNT(*)`. Stands only in `Group.aggregates`."""

    name: str
    argument: Expression | None
    distinct: bool = False
    separator: str | None = None  # GROUP_CONCAT only; None means one space


Expression = Node | Call | FunctionCall | Exists | Aggregate


# ── Patterns ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TriplePattern:
    subject: Node
    predicate: NamedNode | Var
    object: Node
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PathPattern:
    """subject path object, where path is not a mere Link (those are TriplePatterns)."""

    subject: Node
    path: Path
    object: Node
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class BGP:
    """A basic graph pattern; path patterns stand beside triple patterns, joined like them. BGP(()) is the unit Z."""

    triples: tuple[TriplePattern | PathPattern, ...]


@dataclass(frozen=True)
class Join:
    left: Pattern
    right: Pattern


@dataclass(frozen=True)
class LeftJoin:
    left: Pattern
    right: Pattern
    condition: Expression | None  # the FILTERs of the OPTIONAL group, which see both sides


@dataclass(frozen=True)
class Filter:
    condition: Expression
    pattern: Pattern


@dataclass(frozen=True)
class Union:
    left: Pattern
    right: Pattern


@dataclass(frozen=True)
class Minus:
    left: Pattern
    right: Pattern


@dataclass(frozen=True)
class Graph:
    name: NamedNode | Var
    pattern: Pattern


@dataclass(frozen=True)
class Service:
    endpoint: NamedNode | Var
    pattern: Pattern
    silent: bool
    text: str  # the group as written, braces included, to be sent on
    prefixes: tuple[tuple[str, str], ...] = ()
    variables: tuple[Var, ...] = ()  # those in scope in the group, and so part of its solutions
    bindings: tuple[tuple[str, Term], ...] = ()  # variables of the group that are fixed to terms, and no longer in `variables`
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Search:
    """`kg:search`: the things with a label that contains `wanted`, best first where `limit` keeps some only.

    A variable as `wanted` must have its value from elsewhere. `properties` narrow those that are searched, none for all."""

    thing: Node
    score: Node | None = None
    text: Node | None = None
    property: Node | None = None
    wanted: Term | Var | None = None
    limit: int | None = None
    language: str | None = None
    properties: tuple[NamedNode, ...] = ()
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Extend:
    """BIND, `(expr AS ?v)` of SELECT, and SET of SPARQL-RL."""

    pattern: Pattern
    variable: Var
    expression: Expression


@dataclass(frozen=True)
class Values:
    """Inline data; None is UNDEF."""

    variables: tuple[Var, ...]
    rows: tuple[tuple[Node | None, ...], ...]


@dataclass(frozen=True)
class Group:
    """GROUP BY with its aggregates: `keys` are (variable, expression or None), every aggregate gets a variable.
    Without keys and with aggregates there is one group, also over nothing (section 18.5.1)."""

    pattern: Pattern
    keys: tuple[tuple[Var, Expression | None], ...]
    aggregates: tuple[tuple[Var, Aggregate], ...]


@dataclass(frozen=True)
class Project:
    pattern: Pattern
    variables: tuple[Var, ...]


@dataclass(frozen=True)
class Distinct:
    pattern: Pattern


@dataclass(frozen=True)
class Reduced:
    pattern: Pattern


@dataclass(frozen=True)
class OrderBy:
    pattern: Pattern
    conditions: tuple[tuple[Expression, bool], ...]  # (expression, is_descending)


@dataclass(frozen=True)
class Slice:
    pattern: Pattern
    offset: int
    limit: int | None


Pattern = (
    BGP | Join | LeftJoin | Filter | Union | Minus | Graph | Service | Search | Extend | Values | Group
    | Project | Distinct | Reduced | OrderBy | Slice
)


# ── Requests ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Dataset:
    """FROM and FROM NAMED; both empty means the service's own dataset."""

    default: tuple[NamedNode, ...] = ()
    named: tuple[NamedNode, ...] = ()

    @property
    def is_given(self) -> bool:
        return bool(self.default or self.named)


@dataclass(frozen=True)
class Select:
    pattern: Pattern  # ends in a Project somewhere below Distinct/Reduced/Slice/OrderBy
    variables: tuple[Var, ...]  # in the order of the SELECT clause; of `*`: in order of first appearance
    dataset: Dataset = Dataset()


@dataclass(frozen=True)
class Ask:
    pattern: Pattern
    dataset: Dataset = Dataset()


@dataclass(frozen=True)
class Construct:
    template: tuple[TriplePattern, ...]
    pattern: Pattern
    dataset: Dataset = Dataset()


@dataclass(frozen=True)
class Describe:
    terms: tuple[NamedNode | Var, ...]
    pattern: Pattern  # BGP(()) where there is no WHERE
    dataset: Dataset = Dataset()


Query = Select | Ask | Construct | Describe


@dataclass(frozen=True)
class QuadPattern:
    """A triple of an update template; `graph` None is the default graph."""

    subject: Node
    predicate: NamedNode | Var
    object: Node
    graph: NamedNode | Var | None = None


@dataclass(frozen=True)
class InsertData:
    quads: tuple[QuadPattern, ...]


@dataclass(frozen=True)
class DeleteData:
    quads: tuple[QuadPattern, ...]


@dataclass(frozen=True)
class Modify:
    """DELETE/INSERT … WHERE, and DELETE WHERE (whose template is its pattern)."""

    delete: tuple[QuadPattern, ...]
    insert: tuple[QuadPattern, ...]
    pattern: Pattern
    with_graph: NamedNode | None = None
    using: Dataset = Dataset()


@dataclass(frozen=True)
class Load:
    source: NamedNode
    into: NamedNode | None
    silent: bool


@dataclass(frozen=True)
class GraphTarget:
    """`GRAPH <iri>`, or one of `DEFAULT`, `NAMED`, `ALL`."""

    kind: str
    iri: NamedNode | None = None


@dataclass(frozen=True)
class GraphOperation:
    """CREATE, CLEAR, DROP (target only); ADD, MOVE, COPY (target is the source, `into` the destination)."""

    name: str
    target: GraphTarget
    into: GraphTarget | None
    silent: bool


Operation = InsertData | DeleteData | Modify | Load | GraphOperation


@dataclass(frozen=True)
class Update:
    operations: tuple[Operation, ...]


# ── Rules (SPARQL-RL, W3C Working Draft of August 2026) ──────────────────────────────────────────────────────


@dataclass(frozen=True)
class Not:
    """`NOT { … }`, or `NOT DATA { … }`, which sees the input alone."""

    body: tuple[BodyElement, ...]
    data_only: bool
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class FilterElement:
    condition: Expression
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SetElement:
    variable: Var
    expression: Expression
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SubSelectElement:
    """`{ SELECT … }` in a rule body: our extension, for aggregation."""

    pattern: Pattern
    variables: tuple[Var, ...]
    position: tuple[int, int] | None = field(default=None, compare=False)


BodyElement = TriplePattern | PathPattern | Not | FilterElement | SetElement | SubSelectElement


@dataclass(frozen=True)
class RuleText:
    """One RULE as written. `says` is the sentence of a `#+ says:` line above it (one per language tag, `says@zh:`);
    `annotations` holds every `#+ key: value` line above it."""

    iri: NamedNode | None
    head: tuple[TriplePattern, ...]
    body: tuple[BodyElement, ...]
    data_only: bool  # WHERE DATA
    says: tuple[tuple[str, str], ...] = ()  # (language, sentence)
    annotations: tuple[tuple[str, str], ...] = ()
    position: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RuleSetText:
    """One `.srl` file: rules, DATA blocks, IMPORTS, and the prefixes in force at its end."""

    rules: tuple[RuleText, ...]
    data: tuple[TriplePattern, ...]
    imports: tuple[NamedNode, ...] = ()
    prefixes: tuple[tuple[str, str], ...] = ()
