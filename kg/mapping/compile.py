"""Term maps over the columns of one relation → SQL that yields term ids (R2RML section 7.1 to 7.6).

Per row an id column holds an id, NULL (the row makes no term), REJECTED (its values cannot become the declared term), or
PENDING: then the lexical column beside it holds the term's text, which the dictionary turns into an id later.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from pyoxigraph import Literal, NamedNode

from kg.errors import MappingError
from kg.mapping import natural
from kg.mapping.model import Condition, Encoding, TermMap, TermType
from kg.mapping.relation import Relation, RelationColumn
from kg.mapping.template import Column, Template
from kg.sql import encoding
from kg.terms import (
    MAX_KEY,
    TAG_BLANK,
    TAG_IRI,
    TAG_LANG,
    TAG_STRING,
    TAG_TYPED,
    XSD_BOOLEAN,
    XSD_DATETIME,
    XSD_DECIMAL,
    XSD_STRING,
)

REJECTED, PENDING = -1, -2
_ILLEGAL_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`]")
_KEY = re.compile("0|[1-9][0-9]{0,15}")
_FLOATING = ("FLOAT", "DOUBLE")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


@dataclass(frozen=True)
class Context:
    """What term maps are compiled against: the base IRI, the scope of blank nodes, and the store's templates."""

    base: str
    scope: str
    register_template: Callable[[str, str], int | None]
    is_registered: Callable[[str, str], bool]


@dataclass(frozen=True)
class TermShape:
    """What terms a plan can make, as far as known beforehand: two shapes that differ here have no term in common."""

    kind: str  # iri, blank, literal
    extra: str = ""  # of a literal: its datatype or @language
    prefix: str = ""  # of an IRI: how it begins and ends
    suffix: str = ""
    constant: int | None = None

    def is_disjoint_from(self, other: TermShape) -> bool:
        if self.kind != other.kind or self.extra != other.extra:
            return True
        if self.constant is not None and other.constant is not None:
            return self.constant != other.constant
        return not (
            (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )


@dataclass(frozen=True)
class TermPlan:
    """The SQL of one term map; expressions refer to the aliases of `RelationCompiler`."""

    term_map: TermMap
    shape: TermShape
    id: str  # BIGINT
    lexical: str | None = None  # VARCHAR, where `id` may be PENDING
    tag: int = 0  # of PENDING terms
    extra: str = ""
    reason: str | None = None  # why values are REJECTED, where they may be
    uses: tuple[int, ...] = ()  # indexes of the columns
    template: tuple[str, str] | None = None  # prefix and suffix where the key is inlined
    is_rarely_pending: bool = False  # as a rule, every value is inlined


class RelationCompiler:
    """Compiles the term maps over one relation: c0, c1, … are the columns that they use, d0, d1, … casts of them."""

    def __init__(self, relation: Relation, context: Context, query: Callable[[str], list[tuple]]):
        self.relation, self.context = relation, context
        self._query = query
        self._columns: dict[str, tuple[int, RelationColumn]] = {}
        self._casts: dict[str, int] = {}
        self._samples: dict[str, list[str]] = {}

    # ── Columns ──────────────────────────────────────────────────────────────────────────────────────────────

    def use(self, column: Column, term_map: TermMap | None = None) -> tuple[str, RelationColumn]:
        """The alias of a column and its type; MappingError M203 where the relation has none of that name."""
        found = self.relation.column(column, term_map.location if term_map else None)
        index, _ = self._columns.setdefault(found.name, (len(self._columns), found))
        return f"c{index}", found

    def columns_sql(self) -> str:
        """`c0, c1, …`, `x0, …` as the file has them where they are cast to a declared type, and `s0, …` the texts of doubles."""
        parts = []
        for index, column in self._columns.values():
            name = column.sql
            value = f"TRY_CAST({name} AS {column.declared})" if column.declared else name
            parts += [f"{value} AS c{index}", *([f"{name} AS x{index}"] if column.declared else [])]
            if self._type(column) in _FLOATING:  # their text is looked at many times
                parts.append(f"{value}::VARCHAR AS s{index}")
        return ", ".join(parts) or "1 AS c"

    def casts_sql(self) -> str:
        """`TRY_CAST(…) AS d0, …`, with a comma before each: computed once, where DuckDB would repeat them in every CASE."""
        return "".join(f", {cast} AS d{index}" for cast, index in self._casts.items())

    def _cast(self, text: str, kind: str) -> str:
        return f"d{self._casts.setdefault(f'TRY_CAST({text} AS {kind})', len(self._casts))}"

    def _sample(self, column: RelationColumn) -> list[str]:
        """The first values of a text column, NULL left out."""
        if not self._samples:
            texts = [one for one in self.relation.columns if one.type == "VARCHAR"]
            rows = self._query(f"SELECT {', '.join(one.sql for one in texts)} FROM {self.relation.sql} LIMIT 1000")
            self._samples = {one.name: [row[i] for row in rows if row[i] is not None] for i, one in enumerate(texts)}
        if not self._samples[column.name]:
            name = column.sql
            self._samples[column.name] = [row[0] for row in self._query(f"SELECT {name} FROM {self.relation.sql} WHERE {name} IS NOT NULL LIMIT 1000")]
        return self._samples[column.name]

    def columns(self) -> list[RelationColumn]:
        return [column for _, column in self._columns.values()]

    def _indexes(self, term_map: TermMap) -> tuple[int, ...]:
        """The columns that a term map's values come from; those of its condition only where it is all that is wrong."""
        condition = term_map.condition.value if term_map.condition is not None and term_map.rejection is not None else None
        more = (condition,) if isinstance(condition, Column) else condition.columns if condition is not None else ()
        return tuple(dict.fromkeys(int(self.use(column, term_map)[0][1:]) for column in (*term_map.columns, *more)))

    def _type(self, column: RelationColumn) -> str:
        return column.declared or column.type

    def _natural_lexical(self, column: RelationColumn, alias: str) -> str:
        kind = self._type(column)
        return natural.double_text(f"s{alias[1:]}") if kind in _FLOATING else natural.natural_lexical(kind, alias)

    # ── Term maps ────────────────────────────────────────────────────────────────────────────────────────────

    def term(self, term_map: TermMap) -> TermPlan:
        """The plan of a column- or template-valued term map."""
        if term_map.term_type is TermType.LITERAL:
            plan = self._literal(term_map)
        elif term_map.term_type is TermType.BLANK_NODE:
            plan = self._blank_node(term_map)
        elif isinstance(term_map.value, Column):
            plan = self._column_iri(term_map)
        else:
            plan = self._template_iri(term_map)
        return self._where(term_map.condition, self._with_declared_types(plan)) if term_map.condition else self._with_declared_types(plan)

    def _where(self, condition: Condition, plan: TermPlan) -> TermPlan:
        """The plan, of the rows that meet a condition."""
        rejected = plan.term_map.rejection
        return replace(
            plan,
            id=f"CASE WHEN {self.text(condition.value, plan.term_map, condition.is_iri)} = {_text(condition.text)} THEN {plan.id if rejected is None else REJECTED} END",
            reason=rejected or plan.reason,
            uses=tuple(dict.fromkeys((*plan.uses, *self._indexes(plan.term_map)))),
        )

    def text(self, value: Column | Template | Literal | NamedNode, term_map: TermMap | None = None, is_iri: bool = False) -> str:
        """VARCHAR: the text of an expression; with `is_iri` as a template's IRI, after the base where it is relative."""
        if isinstance(value, Literal | NamedNode):
            return _text(value.value)
        if isinstance(value, Column):
            alias, column = self.use(value, term_map)
            text = self._natural_lexical(column, alias)
            return f"CASE WHEN {natural.has_scheme(text)} THEN {text} ELSE {_text(self._base(term_map))} || {text} END" if is_iri else text
        filled = self._filled(value, term_map, is_iri)
        return self._absolute(value, filled, self._base(term_map))[1] if is_iri else filled

    def _base(self, term_map: TermMap | None) -> str:
        return (term_map and term_map.base) or self.context.base

    def _with_declared_types(self, plan: TermPlan) -> TermPlan:
        """Reject what cannot be cast to the type that its column declares."""
        declared = [(i, column) for i, column in self._columns.values() if i in plan.uses and column.declared]
        if not declared:
            return plan
        bad = " OR ".join(f"(c{i} IS NULL AND x{i} IS NOT NULL)" for i, _ in declared)
        kinds = " or ".join(dict.fromkeys(column.declared for _, column in declared))
        return TermPlan(**{**plan.__dict__, "id": f"CASE WHEN {bad} THEN {REJECTED} ELSE {plan.id} END", "reason": plan.reason or f"is no {kinds}"})

    def _template_iri(self, term_map: TermMap) -> TermPlan:
        template = term_map.value
        assert isinstance(template, Template)
        for part in template.parts:
            if isinstance(part, str) and not term_map.encoding.is_unsafe and (illegal := _ILLEGAL_IN_IRI.search(part)):
                raise MappingError("M108", f"the template {template.text!r} cannot make IRIs: it holds {illegal[0]!r}", term_map.location, "percent-encode it, or use rr:termType rr:Literal")
        prefix, lexical = self._absolute(template, self._filled(template, term_map, is_iri=True), self._base(term_map))
        shape = TermShape("iri", prefix=prefix, suffix=template.suffix)
        uses = self._indexes(term_map)
        number = None
        if len(template.columns) == 1 and prefix:
            alias, column = self.use(template.columns[0], term_map)
            if self._holds_keys(column) or self.context.is_registered(prefix, template.suffix):
                number = self.context.register_template(prefix, template.suffix)
        if number is None:
            return TermPlan(term_map, shape, _pending_unless_null(lexical, uses), lexical, TAG_IRI, uses=uses)
        kind = self._type(column)
        key = alias if natural.is_integer(kind) else self._cast(self._natural_lexical(column, alias), "BIGINT")
        is_key = f"{key} BETWEEN 0 AND {MAX_KEY}"
        if key != alias:
            is_key += f" AND {key}::VARCHAR = {self._natural_lexical(column, alias)}"
        return TermPlan(
            term_map, shape, f"CASE WHEN {is_key} THEN {encoding.template_id(number, key)} WHEN {alias} IS NOT NULL THEN {PENDING} END", lexical, TAG_IRI,
            uses=uses, template=(prefix, template.suffix), is_rarely_pending=True,
        )  # fmt: skip

    def _absolute(self, template: Template, lexical: str, base: str) -> tuple[str, str]:
        """The sure beginning of the IRIs, and the SQL that puts the base before relative ones (section 7.3: no resolution)."""
        if _SCHEME.match(template.prefix):
            return template.prefix, lexical
        if not any(isinstance(part, str) and ":" in part for part in template.parts):
            return base + template.prefix, f"{_text(base)} || {lexical}"
        return "", f"CASE WHEN {natural.has_scheme(lexical)} THEN {lexical} ELSE {_text(base)} || {lexical} END"

    def _holds_keys(self, column: RelationColumn) -> bool:
        """Whether a column's values are canonical non-negative integers, by its type or by the first thousand."""
        if natural.is_integer(self._type(column)):
            return True
        if self._type(column) != "VARCHAR":
            return False
        sample = self._sample(column)
        return bool(sample) and all(_KEY.fullmatch(value) and int(value) <= MAX_KEY for value in sample)

    def _column_iri(self, term_map: TermMap) -> TermPlan:
        """Section 7.2: an absolute IRI as it is, anything else after the base IRI; what is no IRI then is rejected."""
        assert isinstance(term_map.value, Column)
        alias, column = self.use(term_map.value, term_map)
        text = self._natural_lexical(column, alias)
        uses = self._indexes(term_map)
        full = f"CASE WHEN {natural.has_scheme(text)} THEN {text} ELSE {_text(self._base(term_map))} || {text} END"
        if term_map.encoding.is_unsafe:
            return TermPlan(term_map, TermShape("iri"), _pending_unless_null(text, uses), full, TAG_IRI, uses=uses)
        is_right = natural.is_iri(f"({full})") + (f" AND strlen({text}) = length({text})" if term_map.encoding is Encoding.URI else "")
        test = f"CASE WHEN {alias} IS NULL THEN NULL WHEN {is_right} THEN {PENDING} ELSE {REJECTED} END"
        return TermPlan(term_map, TermShape("iri"), test, full, TAG_IRI, reason="is not an IRI", uses=uses)

    def _blank_node(self, term_map: TermMap) -> TermPlan:
        """Equal strings are one blank node within a mapping document; the label is a digest, so any string will do."""
        uses = self._indexes(term_map)
        if isinstance(term_map.value, Template):
            text = self._filled(term_map.value, term_map, is_iri=False)
        else:
            alias, column = self.use(term_map.value, term_map)
            text = self._natural_lexical(column, alias)
        label = blank_label(self.context.scope, text)
        return TermPlan(term_map, TermShape("blank"), _pending_unless_null(text, uses), label, TAG_BLANK, uses=uses)

    def _literal(self, term_map: TermMap) -> TermPlan:
        uses = self._indexes(term_map)
        own = None
        if isinstance(term_map.value, Template):
            kind, text, alias = "VARCHAR", self._filled(term_map.value, term_map, is_iri=False), None
        else:
            alias, column = self.use(term_map.value, term_map)
            kind, own = self._type(column), column.datatype
            text = self._natural_lexical(column, alias)
        if term_map.language is not None:
            shape = TermShape("literal", "@" + term_map.language)
            return TermPlan(term_map, shape, _pending_unless_null(text, uses), text, TAG_LANG, term_map.language, uses=uses)
        datatype = term_map.datatype or own or natural.natural_datatype(kind)
        shape = TermShape("literal", datatype)
        if datatype == XSD_STRING:
            return TermPlan(term_map, shape, _pending_unless_null(text, uses), text, TAG_STRING, uses=uses)
        if alias is not None and datatype == natural.natural_datatype(kind):
            inlined = natural.natural_id(kind, alias)
            test = f"CASE WHEN {alias} IS NULL THEN NULL ELSE coalesce({inlined or 'NULL'}, {PENDING}) END"
            return TermPlan(term_map, shape, test, text, TAG_TYPED, datatype, uses=uses, is_rarely_pending=inlined is not None)
        return self._cast_literal(term_map, datatype, kind, text, uses)

    def _cast_literal(self, term_map: TermMap, datatype: str, kind: str, text: str, uses: tuple[int, ...]) -> TermPlan:
        """A datatype override (section 10.3): the lexical form must be one of the datatype's."""
        if datatype == natural.XSD_DOUBLE and natural.is_integer(kind) and self.relation.has_records:
            text = f"kg_double_text({text})"  # a number of JSON is one of any type
        lexical = natural.lexical_for(datatype, text)
        quick = self._quick_id(term_map, datatype, kind, text)
        ways = [*([quick] if quick else []), encoding.inline_of_lexical(datatype, f"({lexical})")]
        checked = f"CASE WHEN {natural.is_valid(datatype, f'({lexical})')} THEN {PENDING} ELSE {REJECTED} END"
        test = f"CASE WHEN {text} IS NULL THEN NULL ELSE coalesce({', '.join(ways)}, {checked}) END"
        short = re.sub(r".*[#/]", "", datatype)
        reason = f"is not an xsd:{short}" if natural.is_checked(datatype) else None
        is_rare = quick is not None or datatype == XSD_BOOLEAN
        return TermPlan(term_map, TermShape("literal", datatype), test, lexical, TAG_TYPED, datatype, reason, uses, is_rarely_pending=is_rare)

    def _quick_id(self, term_map: TermMap, datatype: str, kind: str, text: str) -> str | None:
        """BIGINT: the id of a text in the usual canonical form, by a cast there and back; NULL for all others.

        Several times faster than the regular expressions of `encoding.inline_of_lexical`, which stays the rule.
        """
        if not isinstance(term_map.value, Column) or kind != "VARCHAR":
            return None
        sql_type = natural.quick_type(datatype, self._usual_scale(term_map.value) if datatype == XSD_DECIMAL else 0)
        if sql_type is None:
            return None
        cast = self._cast(text, sql_type)
        spelled = f"replace({text}, 'T', ' ')" if datatype == XSD_DATETIME else text
        return f"CASE WHEN {cast}::VARCHAR = {spelled} THEN {natural.natural_id(sql_type, cast)} END"

    def _usual_scale(self, column: Column) -> int:
        """The most frequent number of fraction digits among the first values."""
        sample = self._sample(self.relation.column(column, None))
        scales = Counter(len(value.partition(".")[2]) for value in sample)
        return scales.most_common(1)[0][0] if scales else 0

    def _filled(self, template: Template, term_map: TermMap | None, is_iri: bool) -> str:
        """VARCHAR: the template with the row's values; NULL where one of them is."""
        parts = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(_text(part))
                continue
            alias, column = self.use(part, term_map)
            kind = self._type(column)
            text = self._natural_lexical(column, alias)
            encoding = term_map.encoding if term_map is not None else Encoding.IRI
            if not is_iri or natural.is_integer(kind) or encoding.is_unsafe:
                parts.append(text)
            else:
                parts.append(f"url_encode({text})" if encoding is Encoding.URI else natural.iri_safe(text))
        return "(" + " || ".join(parts) + ")" if parts else "''"


def constant_shape(term: NamedNode | Literal, term_id: int) -> TermShape:
    if isinstance(term, NamedNode):
        return TermShape("iri", prefix=term.value, suffix=term.value, constant=term_id)
    return TermShape("literal", "@" + term.language if term.language else term.datatype.value, constant=term_id)


def blank_label(scope: str, text: str) -> str:
    """VARCHAR: the label of the blank node that a string names within a scope."""
    return f"('b' || md5({_text(scope + chr(10))} || {text}))"


def _pending_unless_null(text: str, uses: tuple[int, ...]) -> str:
    """PENDING where all columns have values; a template without columns always has."""
    nulls = " OR ".join(f"c{index} IS NULL" for index in uses)
    return f"CASE WHEN {nulls} THEN NULL ELSE {PENDING} END" if nulls else str(PENDING)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
