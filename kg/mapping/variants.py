"""A mapping made ready for its sources: what differs from row to row becomes several term maps or triples maps of one kind each.

- A datatype or language that is another value of the row, and JSON values of several kinds, become one object map for each
  datatype or language that occurs, with the condition that the row has it.
- Where the object maps of a triples map use different references of several values, each gets a triples map of its own, so
  that records are multiplied only by the values that one triple needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from kg.errors import MappingError
from kg.mapping import natural
from kg.mapping.compile import Context, RelationCompiler
from kg.mapping.model import (
    Condition,
    LogicalSource,
    Mapping,
    PredicateObjectMap,
    ReferencingObjectMap,
    TermMap,
    TermType,
    TriplesMap,
)
from kg.mapping.parser import is_language_tag
from kg.mapping.relations import RelationReader
from kg.mapping.template import Column, Template

# More datatypes or languages than this in one source are a mistake in the mapping.
_MOST = 500


def references(mapping: Mapping) -> dict[LogicalSource, list[str]]:
    """The columns that a mapping asks of each logical source."""
    found: dict[LogicalSource, dict[str, None]] = {}
    for one in mapping.triples_maps:
        own = found.setdefault(one.source, {})
        own |= dict.fromkeys(column.name for column in _columns(_parts(mapping, one)))
        for reference in _references(one):
            parent = found.setdefault(mapping.triples_map(reference.parent).source, {})
            parent |= dict.fromkeys(column.name for join in reference.joins for column in _columns([join.parent]))
    return {source: list(names) for source, names in found.items()}


def prepare(mapping: Mapping, reader: RelationReader, context: Context, query: Callable[[str], list[tuple]]) -> Mapping:
    """The mapping that is run in place of `mapping`; names of triples maps can occur more than once in it."""
    maps = [part for one in mapping.triples_maps for part in _split(mapping, one, reader)]
    return replace(mapping, triples_maps=tuple(_with_variants(one, reader, context, query) for one in maps))


# ── Several values ───────────────────────────────────────────────────────────────────────────────────────────


def _split(mapping: Mapping, one: TriplesMap, reader: RelationReader) -> Iterator[TriplesMap]:
    multiple = {column.name for column in reader.open(one.source).columns if column.is_multiple}
    if not multiple:
        yield one
        return
    subject = _multiple(_subject_parts(one), multiple)
    # The first part is the one that others join with.
    first = subject | _multiple([join.parent for child in mapping.triples_maps for ref in _references(child) if ref.parent == one.name for join in ref.joins], multiple)
    parts: dict[frozenset[str], list[PredicateObjectMap]] = {first: []}
    for predicate_object_map in one.predicate_object_maps:
        about = _multiple([*predicate_object_map.predicates, *predicate_object_map.graphs], multiple)
        for object_map in predicate_object_map.objects:
            used = subject | about | _multiple(_object_parts(mapping, object_map), multiple)
            parts.setdefault(used, []).append(replace(predicate_object_map, objects=(object_map,)))
    for used, own in parts.items():
        yield replace(one, source=replace(one.source, expanded=used), predicate_object_maps=tuple(own), classes=one.classes if used == first else ())


def _multiple(parts: Iterable[object], multiple: set[str]) -> frozenset[str]:
    return frozenset(column.name for column in _columns(parts) if column.name in multiple)


def _subject_parts(one: TriplesMap) -> list[TermMap]:
    return [one.subject, *one.graphs]


def _object_parts(mapping: Mapping, object_map: TermMap | ReferencingObjectMap) -> list:
    if isinstance(object_map, TermMap):
        return [object_map]
    if not object_map.joins:
        return [mapping.triples_map(object_map.parent).subject]
    return [join.child for join in object_map.joins]


def _parts(mapping: Mapping, one: TriplesMap) -> Iterator[object]:
    yield from _subject_parts(one)
    for predicate_object_map in one.predicate_object_maps:
        yield from (*predicate_object_map.predicates, *predicate_object_map.graphs)
        for object_map in predicate_object_map.objects:
            yield from _object_parts(mapping, object_map)


def _columns(parts: Iterable[object]) -> Iterator[Column]:
    for part in parts:
        if isinstance(part, Column):
            yield part
        elif isinstance(part, Template):
            yield from part.columns
        elif isinstance(part, TermMap):
            yield from part.columns
            yield from _columns([one for one in (part.datatype_map, part.language_map) if one is not None])


def _references(one: TriplesMap) -> list[ReferencingObjectMap]:
    return [object_map for pair in one.predicate_object_maps for object_map in pair.objects if isinstance(object_map, ReferencingObjectMap)]


# ── Several datatypes and languages ──────────────────────────────────────────────────────────────────────────


def _with_variants(one: TriplesMap, reader: RelationReader, context: Context, query: Callable[[str], list[tuple]]) -> TriplesMap:
    def objects(pair: PredicateObjectMap) -> tuple[TermMap | ReferencingObjectMap, ...]:
        made: list[TermMap | ReferencingObjectMap] = []
        for object_map in pair.objects:
            made += _variants(object_map, one, reader, context, query) if isinstance(object_map, TermMap) else [object_map]
        return tuple(made)

    return replace(one, predicate_object_maps=tuple(replace(pair, objects=objects(pair)) for pair in one.predicate_object_maps))


def _variants(term_map: TermMap, one: TriplesMap, reader: RelationReader, context: Context, query: Callable[[str], list[tuple]]) -> list[TermMap]:
    """One term map for each datatype or language; the term map itself where there is only one."""
    varying = term_map.datatype_map or term_map.language_map
    if varying is None:
        datatypes = _datatypes(term_map, reader.open(one.source))
        if datatypes is None:
            return [term_map]
        varying = TermMap(datatypes, TermType.LITERAL)
    compiler = RelationCompiler(reader.open(one.source), context, query)
    is_iri = varying.term_type is TermType.IRI
    text = compiler.text(varying.value, varying, is_iri)
    rows = query(f"SELECT DISTINCT {text} AS v FROM (SELECT {compiler.columns_sql()} FROM {compiler.relation.sql}) ORDER BY 1 LIMIT {_MOST + 1}")
    found = [row[0] for row in rows if row[0] is not None]
    if len(found) > _MOST:
        kind = "languages" if term_map.language_map else "datatypes"
        raise MappingError("M110", f"{one.short_name} makes more than {_MOST} {kind}", varying.location, "check which reference the map has")
    bare = replace(term_map, datatype_map=None, language_map=None)
    return [_variant(bare, varying, value, is_iri, is_language=term_map.language_map is not None) for value in found]


def _datatypes(term_map: TermMap, relation: object) -> Column | None:
    """The hidden column with the datatypes of a reference whose values are of several kinds."""
    if term_map.term_type is not TermType.LITERAL or not isinstance(term_map.value, Column) or term_map.datatype or term_map.language:
        return None
    name = relation.column(term_map.value, term_map.location).datatypes
    return Column(name, True) if name else None


def _variant(bare: TermMap, varying: TermMap, value: str, is_iri: bool, is_language: bool) -> TermMap:
    condition = Condition(varying.value, value, is_iri)
    if is_language:
        wrong = None if is_language_tag(value) else "is not a language tag"
        return replace(bare, language=value.lower() if wrong is None else None, condition=condition, rejection=wrong)
    wrong = None if natural.is_iri_text(value) else "is not the IRI of a datatype"
    return replace(bare, datatype=value if wrong is None else None, condition=condition, rejection=wrong)


