"""The first rows of each triples map beside the triples that they make, and the values that make none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from kg.mapping import natural
from kg.mapping.compile import REJECTED
from kg.mapping.encode import EncodedSource, encode
from kg.mapping.model import LogicalSource, TriplesMap
from kg.mapping.parser import load_mapping
from kg.mapping.relation import quoted
from kg.mapping.run import Run, parent_references
from kg.mapping.sources import Sources
from kg.store import Store
from kg.store.notation import text_of
from kg.terms import Term


@dataclass
class PreviewRow:
    """A row with its values, its triples as (subject, predicate, object[, graph]), and why values make none."""

    number: int
    values: dict[str, str | None]
    triples: list[tuple[Term, ...]] = field(default_factory=list)
    rejects: list[tuple[str, str | None, str]] = field(default_factory=list)  # column, value, reason

    def as_dict(self) -> dict[str, object]:
        rejects = [dict(zip(("column", "value", "reason"), one, strict=True)) for one in self.rejects]
        return {"row": self.number, "values": self.values, "triples": [" ".join(map(str, one)) for one in self.triples], "rejects": rejects}


@dataclass(frozen=True)
class TriplesMapPreview:
    name: str
    source: str
    rows: tuple[PreviewRow, ...]

    def as_dict(self) -> dict[str, object]:
        return {"triplesMap": self.name, "source": self.source, "rows": [row.as_dict() for row in self.rows]}


def preview(mapping_file: str | Path, sources: Sources, *, base: str, rows: int = 20) -> list[TriplesMapPreview]:
    """The first `rows` rows of each triples map; joins see the whole of the other table."""
    mapping = load_mapping(mapping_file, base)
    with Store.memory() as store:
        natural.create_macros(store.connection)
        run = _Preview(store, mapping, sources, base, None)
        try:
            return run.preview(rows)
        finally:
            run.close()


class _Preview(Run):
    def preview(self, rows: int) -> list[TriplesMapPreview]:
        self.plan()
        joined = {self.mapping.triples_map(one.parent).source for triples_map in self.mapping.triples_maps for one in parent_references(triples_map) if one.joins}
        shown: dict[LogicalSource, dict[int, PreviewRow]] = {}
        for logical, source in self.encoded.items():
            relation = source.relation
            numbered = f"(SELECT {relation.number} AS kg_n, * FROM {relation.sql})" if relation.number != "kg_n" else relation.sql
            wanted = f"(SELECT * FROM {numbered} LIMIT {rows})"
            source.compiler.relation = replace(relation, sql=numbered if logical in joined else wanted, number="kg_n")
            source.hash, source.extra = "kg_n", "kg_n"
            shown[logical] = self.rows(source, wanted)
        for source in self.encoded.values():
            encode(self.store, source)
        return [TriplesMapPreview(one.short_name, str(one.source), tuple(self.of_triples_map(one, shown[one.source]))) for one in self.mapping.triples_maps]

    def rows(self, source: EncodedSource, wanted: str) -> dict[int, PreviewRow]:
        columns = source.relation.columns
        texts = ", ".join(f"{one.sql}::VARCHAR" for one in columns)
        found = self.store.connection.execute(f"SELECT kg_n{', ' + texts if texts else ''} FROM {wanted}").fetchall()
        made: dict[int, PreviewRow] = {}
        for number, *values in found:
            made.setdefault(number, PreviewRow(number, dict(zip((one.name for one in columns), values, strict=True))))
        return made

    def of_triples_map(self, one: TriplesMap, rows: dict[int, PreviewRow]) -> Iterator[PreviewRow]:
        """The rows of its source, with the triples and rejects that are this triples map's."""
        own = {number: replace(row, triples=[], rejects=[]) for number, row in rows.items()}
        among = f"c.h IN ({', '.join(map(str, own)) or 'NULL'})"
        quads: dict[tuple[int, ...], None] = {}
        for production in self.productions(one):
            select = production.select().replace("SELECT ", "SELECT c.h AS n, ", 1)
            select += (" AND " if " WHERE " in select else " WHERE ") + among
            quads |= dict.fromkeys(self.store.connection.execute(f"SELECT DISTINCT n, s, p, o, g FROM ({select}) ORDER BY n, o").fetchall())
        terms = self.store.decode({term for row in quads for term in row[1:] if term})
        for number, *quad in quads:
            own[number].triples.append(tuple(terms[term] for term in quad if term))
        for number, *reject in self.rejects(one, among):
            own[number].rejects.append(tuple(reject))
        yield from own.values()

    def rejects(self, one: TriplesMap, among: str) -> Iterator[tuple[int, str, str | None, str]]:
        """(row, column, value, reason) of the values that cannot become the declared terms, and of keys that are NULL."""
        source = self.encoded[one.source]
        maps = [one.subject, *one.graphs]
        for pair in one.predicate_object_maps:
            maps += [*pair.predicates, *pair.graphs, *pair.objects]
        columns = source.compiler.columns()
        for number, plan in enumerate(source.terms):
            if plan.term_map not in maps or not plan.uses:
                continue
            names = quoted(", ".join(columns[use].name for use in plan.uses))
            texts = [f"coalesce({'x' if columns[use].declared else 'c'}{use}::VARCHAR, 'NULL')" for use in plan.uses]
            value = f"concat_ws(', ', {', '.join(texts)})"
            tests = [(f"t{number} = {REJECTED}", value, plan.reason or "cannot be mapped")]
            if plan.term_map == one.subject:
                tests.append((f"t{number} IS NULL", "NULL", "is NULL: the row has no subject"))
            for test, shown, reason in tests:
                rows = f"SELECT h AS n, {names} AS name, {shown} AS value FROM ({source.encoded_sql()}) c WHERE {test} AND {among}"
                yield from ((*row, reason) for row in self.store.connection.execute(f"{rows} ORDER BY n").fetchall())


def prefixes_of(mapping_file: str | Path) -> dict[str, str]:
    """The prefixes that a mapping document declares."""
    parser = parse(load_mapping(mapping_file, "http://example.com/base/").text, format=RdfFormat.TURTLE, base_iri="http://example.com/base/")
    for _ in parser:
        pass
    return dict(parser.prefixes)


def readable(triple: tuple[Term, ...], prefixes: dict[str, str]) -> str:
    """A triple on one line, IRIs with prefixes."""
    words = [("a" if i == 1 and str(term) == f"<{_TYPE}>" else text_of(term, prefixes)) if isinstance(term, NamedNode | Literal) else str(term) for i, term in enumerate(triple)]
    return " ".join(words[:3]) + (f"   in {words[3]}" if len(words) > 3 else "")


_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
