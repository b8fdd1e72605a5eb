"""Bodies and heads as SQL over id tables: a conjunction becomes one SELECT whose columns are term ids.

`Rows` is a SELECT with one BIGINT column per variable. Triple patterns read whatever relation (columns s, p, o) the
caller's `source_of` names for them: everything known, what the last round found, or the input alone. Joins are left to
DuckDB's optimiser. Expressions, paths and sub-selects go through the query compiler (`expressions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kg.reasoner.bodies import Branch, Element, Opaque, substitute
from kg.reasoner.expressions import Expressions
from kg.reasoner.model import variables_of, visible_variables
from kg.reasoner.rows import UNIT, Columns, Rows, Source
from kg.reasoner.statement import Step
from kg.sparql import algebra as a
from kg.sparql.values import ALL_TAGS, PREDICATE_TAGS, SUBJECT_TAGS, Value
from kg.terms import TAG_BITS, TAG_BLANK, TAG_IRI, TAG_TEMPLATE

# The relation behind a pattern; True where the pattern sees the input alone.
SourceOf = Callable[[a.TriplePattern | a.PathPattern | Opaque, bool], Source]


@dataclass(frozen=True)
class Given:
    """A body element whose rows are there already: a table made before, an aggregate, the bindings of a proof."""

    rows: Rows


@dataclass
class BodyCompiler:
    """Makes `Rows` of the bodies of one rule. `constant` gives the id of a ground term, which is in the dictionary by
    then; `kinds` tell what a variable's column may hold, where that is known."""

    constant: Callable[[a.Term], int]
    expressions: Expressions
    triple_terms: Callable[[], str]  # the relation (id, s, p, o) of all triple terms
    kinds: dict[a.Var, frozenset[int] | Value] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)
    fixed: Mapping[a.Var, int] = field(default_factory=dict)  # variables whose id is known beforehand
    _terms: int = 0

    # ── conjunctions ─────────────────────────────────────────────────────────────────────────────────────────

    def conjunction(self, elements: Sequence[Element | Given], source_of: SourceOf, data_only: bool = False) -> Rows:
        """The solutions of a body, with `data_only` over the input alone (WHERE DATA)."""
        positive = [e for e in elements if isinstance(e, (a.TriplePattern, a.PathPattern, Opaque, Given))]
        rows = self.join([self.positive(element, source_of, data_only) for element in positive])
        filters = [e for e in elements if isinstance(e, a.FilterElement)]
        settings = [e for e in elements if isinstance(e, a.SetElement)]
        rows, filters = self._filtered(rows, filters)
        for setting in settings:
            rows = self._with_value(rows, setting)
            rows, filters = self._filtered(rows, filters)
        if filters:
            raise AssertionError("a FILTER uses a variable that safety should have refused")
        for element in elements:
            if isinstance(element, a.Not):
                rows = self._without(rows, element, source_of, data_only or element.data_only)
        return rows

    def _filtered(self, rows: Rows, filters: list[a.FilterElement]) -> tuple[Rows, list[a.FilterElement]]:
        """Apply the filters whose variables are all there; returns those still to come."""
        ready = [f for f in filters if set(variables_of(f.condition)) <= rows.variables]
        if ready:
            rows = self.expressions.filter(rows, [f.condition for f in ready], self.kinds)
        return rows, [f for f in filters if f not in ready]

    def _with_value(self, rows: Rows, setting: a.SetElement) -> Rows:
        """SET; where a triple pattern binds the variable too, both must name the same term."""
        if setting.variable not in rows.columns:
            return self._extended(rows, setting.variable, setting.expression)
        fresh = a.Var(setting.variable.name + "/set")
        extended = self._extended(rows, fresh, setting.expression)
        same = f"x.{extended.columns[fresh]} = x.{extended.columns[setting.variable]}"
        sql = f"SELECT {_list(rows.columns.values(), 'x')} FROM ({extended.sql}) x WHERE {same}"
        return Rows(sql, rows.columns, extended.steps)

    def _extended(self, rows: Rows, variable: a.Var, value: a.Expression) -> Rows:
        column = self.columns.of(variable)
        extended, self.kinds[variable] = self.expressions.extend(rows, variable, value, column, self.kinds)
        return extended

    def _without(self, rows: Rows, negation: a.Not, source_of: SourceOf, data_only: bool) -> Rows:
        positive = [e for e in negation.body if not isinstance(e, a.FilterElement)]
        inner = self.join([self.positive(e, source_of, data_only) for e in positive])
        filters = [e for e in negation.body if isinstance(e, a.FilterElement)]
        inner, filters = self._filtered(inner, filters)
        if filters:  # they also see the solution around the NOT
            used = {v for f in filters for v in variables_of(f.condition)} | inner.variables
            around = self.project(rows, [v for v in rows.columns if v in used], distinct=True)
            inner, _ = self._filtered(self.join([around, inner]), filters)
        shared = [v for v in inner.columns if v in rows.columns]
        if shared:
            same = " AND ".join(f"n.{inner.columns[v]} = x.{rows.columns[v]}" for v in shared)
            sql = f"SELECT x.* FROM ({rows.sql}) x ANTI JOIN ({inner.sql}) n ON {same}"
        else:
            sql = f"SELECT x.* FROM ({rows.sql}) x WHERE NOT EXISTS (SELECT 1 FROM ({inner.sql}) n)"
        return Rows(sql, rows.columns, _steps([rows, inner]))

    # ── relations ────────────────────────────────────────────────────────────────────────────────────────────

    def positive(self, element: Element | Given, source_of: SourceOf, data_only: bool = False) -> Rows:
        match element:
            case Given(rows=rows):
                return rows
            case a.TriplePattern():
                return self.triple(element, source_of(element, data_only).sql)
            case a.PathPattern():
                variables = tuple(sorted(set(variables_of(element)), key=lambda v: v.name))
                return self._pattern(a.BGP((element,)), variables, source_of(element, data_only))
            case Opaque(pattern=pattern, variables=variables):
                return self._pattern(pattern, variables, source_of(element, data_only))
        raise AssertionError(f"{type(element).__name__} binds nothing")

    def _pattern(self, pattern: a.Pattern, variables: tuple[a.Var, ...], source: Source) -> Rows:
        rows, kinds = self.expressions.pattern(pattern, variables, self.columns, source)
        self.kinds = kinds | self.kinds
        return rows

    def triple(self, pattern: a.TriplePattern, source: str) -> Rows:
        """The matches of a pattern; a triple term in it is matched by its own parts (RDF 1.2)."""
        parts: list[Rows] = []
        subject, object = self._named(pattern.subject, parts), self._named(pattern.object, parts)
        rows = self._match({"s": subject, "p": pattern.predicate, "o": object}, source)
        return self.join([rows, *parts]) if parts else rows

    def _named(self, node: a.Node, parts: list[Rows]) -> a.Node:
        """The node, or a variable that stands for a triple term, whose matches are added to `parts`."""
        if not isinstance(node, a.TripleTerm):
            return node
        self._terms += 1
        name = a.Var(f"_:term{self._terms}")
        subject, object = self._named(node.subject, parts), self._named(node.object, parts)
        parts.append(self._match({"id": name, "s": subject, "p": node.predicate, "o": object}, self.triple_terms()))
        return name

    def _match(self, nodes: Mapping[str, a.Node], source: str) -> Rows:
        """The rows of `source` whose columns hold these nodes: constants as given, equal variables equal."""
        columns: dict[a.Var, str] = {}
        places: dict[a.Var, str] = {}
        conditions: list[str] = []
        for place, node in nodes.items():
            if not isinstance(node, a.Var):
                conditions.append(f"t.{place} = {self.constant(node)}")
            elif node in places:
                conditions.append(f"t.{place} = t.{places[node]}")
            else:
                places[node] = place
                columns[node] = self.columns.of(node)
                if node in self.fixed:
                    conditions.append(f"t.{place} = {self.fixed[node]}")
        selected = ", ".join(f"t.{places[v]} AS {columns[v]}" for v in columns) or "1 AS unit"
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Rows(f"SELECT {selected} FROM {source} t{where}", columns)

    def join(self, parts: Sequence[Rows]) -> Rows:
        """The natural join."""
        if not parts:
            return UNIT
        if len(parts) == 1:
            return parts[0]
        first: dict[a.Var, str] = {}
        conditions = []
        for i, part in enumerate(parts):
            for variable, column in part.columns.items():
                if variable in first:
                    conditions.append(f"{first[variable]} = t{i}.{column}")
                else:
                    first[variable] = f"t{i}.{column}"
        columns = {v: self.columns.of(v) for v in first}
        selected = ", ".join(f"{first[v]} AS {columns[v]}" for v in columns) or "1 AS unit"
        tables = ", ".join(f"({part.sql}) t{i}" for i, part in enumerate(parts))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Rows(f"SELECT {selected} FROM {tables}{where}", columns, _steps(parts))

    def project(self, rows: Rows, variables: Iterable[a.Var], distinct: bool) -> Rows:
        columns = {v: rows.columns[v] for v in variables}
        selected = _list(columns.values(), "x") or "1 AS unit"
        return Rows(f"SELECT {'DISTINCT ' if distinct else ''}{selected} FROM ({rows.sql}) x", columns, rows.steps)

    # ── heads ────────────────────────────────────────────────────────────────────────────────────────────────

    def head(self, pattern: a.TriplePattern, rows: Rows) -> str:
        """A SELECT of s, p, o; what would be no RDF triple (a literal as subject) is left out, as CONSTRUCT does."""
        parts, conditions = [], []
        for place, node in (("s", pattern.subject), ("p", pattern.predicate), ("o", pattern.object)):
            if not isinstance(node, a.Var):
                parts.append(f"{self.constant(node)}::BIGINT AS {place}")
                continue
            column = f"x.{rows.columns[node]}"
            parts.append(f"{column} AS {place}")
            kind = self.kinds.get(node, ALL_TAGS)
            if place == "p" and not kind <= PREDICATE_TAGS:
                conditions.append(_is_iri(column))
            if place == "s" and not kind <= SUBJECT_TAGS:
                conditions.append(f"({_is_iri(column)} OR {column} >> {TAG_BITS} = {TAG_BLANK})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(parts)} FROM ({rows.sql}) x{where}"


def _is_iri(column: str) -> str:
    return f"({column} >> {TAG_BITS} = {TAG_IRI} OR {column} >= {TAG_TEMPLATE << TAG_BITS})"


def _steps(parts: Sequence[Rows]) -> tuple[Step, ...]:
    return tuple(dict.fromkeys(step for part in parts for step in part.steps))


def _list(columns: Iterable[str], alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def kinds_of(
    elements: Iterable[object], object_kinds: Callable[[a.TriplePattern], frozenset[int]]
) -> dict[a.Var, frozenset[int]]:
    """The kinds of term (tags) that the variables of these triple patterns may hold, given those of each's objects; so
    too of the variables that live only inside a NOT, whose scopes are closed."""
    elements = list(elements)
    kinds: dict[a.Var, frozenset[int]] = {}

    def narrow(node: a.Node, tags: frozenset[int]) -> None:
        if isinstance(node, a.Var):
            kinds[node] = kinds.get(node, ALL_TAGS) & tags

    def narrow_all(pattern: object) -> None:
        if isinstance(pattern, a.TriplePattern):
            narrow(pattern.subject, SUBJECT_TAGS)
            narrow(pattern.predicate, PREDICATE_TAGS)
            narrow(pattern.object, object_kinds(pattern))

    for pattern in elements:
        narrow_all(pattern)
    outside = {v for element in elements if not isinstance(element, a.Not) for v in variables_of(element)}
    around = {v: tags for v, tags in kinds.items() if v in outside}
    for negation in elements:
        for pattern in negation.body if isinstance(negation, a.Not) else ():
            narrow_all(pattern)
    kinds |= around  # what a NOT says of a variable from outside is no fact about it
    kinds = {v: tags for v, tags in kinds.items() if v in around or v not in outside}
    return {variable: tags or ALL_TAGS for variable, tags in kinds.items()}


def close_scopes(body: Branch) -> Branch:
    """Rename the variables that live only inside a NOT, so that a namesake bound later is another variable."""
    bound: set[a.Var] = set()
    closed: list[Element] = []
    for number, element in enumerate(body):
        if isinstance(element, a.Not):
            local = {v: a.Var(f"{v.name}/not{number}") for v in variables_of(element.body) if v not in bound}
            element = replace(element, body=substitute(element.body, local))
        elif isinstance(element, Opaque):
            bound |= set(element.variables)
        else:
            bound |= visible_variables(element)
        closed.append(element)
    return tuple(closed)
