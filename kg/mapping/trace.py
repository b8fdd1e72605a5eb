"""The way back: the source rows that a triple, or the statements about a subject, were made from.

Nothing is stored for this. The term maps are turned around into conditions on the source's columns, and the source is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.mapping import natural
from kg.mapping.compile import Context, RelationCompiler
from kg.mapping.lines import line_numbers
from kg.mapping.materialize import resolve_sources
from kg.mapping.model import Encoding, Mapping, ReferencingObjectMap, TermMap, TermType, TriplesMap
from kg.mapping.parser import load_mapping
from kg.mapping.plain_rows import PlainFile, PlainRow
from kg.mapping.relation import Relation
from kg.mapping.relations import RelationReader
from kg.mapping.run import blank_node_scope
from kg.mapping.sources import Sources
from kg.mapping.template import Column, Template, iri_safe
from kg.mapping.variants import prepare, references
from kg.sql.connecting import connect
from kg.terms import RDF_TYPE, TAG_BLANK, TAG_IRI, TAG_LANG, TAG_STRING, XSD_STRING, Term

_NEVER = "false"
_REMEMBERED = 10_000  # look-ups in plain files


@dataclass(frozen=True)
class SourceRow:
    """A row of a source: `line` is the line of a CSV or XML file or of JSON lines, else the row's number; None for the
    rows of a query and of a table that files of changes were applied to.

    A record of a JSON file has its number, from 1, in `record`.
    """

    file: str | None
    line: int | None
    table: str
    columns: dict[str, str | None] = field(hash=False)
    triples_map: str = ""
    record: int | None = None


def rows_for(triple: Triple, mapping_file: str | Path, sources: Sources | str | Path, *, base: str, limit: int = 20) -> list[SourceRow]:
    """The rows that made a triple by a mapping, at most `limit`; a join adds the parent's row after the child's."""
    with Tracer(mapping_file, sources, base, limit) as tracer:
        return tracer.rows_for(triple)


def trace(subject: NamedNode | BlankNode, mapping_file: str | Path, sources: Sources | str | Path, *, base: str, limit: int = 20) -> list[SourceRow]:
    """The rows whose subject a term is, in any triples map of a mapping, at most `limit`."""
    with Tracer(mapping_file, sources, base, limit) as tracer:
        return tracer.rows_of(subject)


class Tracer:
    """Reads the sources of one mapping on a connection of its own, so that it works beside a graph open for reading only.

    One tracer for many triples saves reading the mapping and opening the sources each time: a source that is asked for a
    second time is copied into a temporary file of columns, so it must not change in a tracer's life. A context manager;
    not to be shared by threads.
    """

    def __init__(self, mapping_file: str | Path, sources: Sources | str | Path, base: str, limit: int = 20):
        self.mapping_file = mapping_file
        self.mapping: Mapping = load_mapping(mapping_file, base)
        self.limit = limit
        self._folder = TemporaryDirectory(prefix="kg-trace-")
        settings = {"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}
        self.connection = connect(Path(self._folder.name) / "rows.duckdb", config=settings)
        natural.create_macros(self.connection)
        self.sources = resolve_sources(sources)
        self.reader = RelationReader(self.connection, self.sources, references(self.mapping))
        self.context = Context(base, blank_node_scope(mapping_file), lambda *_: None, lambda *_: False)
        self._prepared: Mapping | None = None
        self._copies: dict[str, str | None] = {}  # relation → its copy; None when asked for once
        self._compilers: dict[str, RelationCompiler] = {}
        self._state: tuple | None = None
        self._is_in_use = True
        self._malformed: dict[str, list[int]] = {}
        self._plain: dict[str, PlainFile | None] = {}  # by the relation; None of one that is no plain file
        self._plain_rows: dict[tuple[str, str, str], list[PlainRow] | None] = {}

    def __enter__(self) -> Tracer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_current(self) -> bool:
        """Whether all that was read before is a file that has not changed since. While it is in use, it is."""
        if not self._is_in_use:
            self._is_in_use = self._state is not None and self._state == _state(self._files())
        return self._is_in_use

    def remember(self) -> None:
        """Call after use: what was read until now is what `is_current` looks at."""
        self._state = _state(self._files())
        self._is_in_use = False

    def _files(self) -> list[Path] | None:
        """What was read: the mapping and the sources opened; None where one is no file."""
        names = [relation.file for relation in self.reader.opened]
        return None if None in names else [Path(self.mapping_file), *map(Path, names)]

    def close(self) -> None:
        self.reader.close()
        self.connection.close()
        self._folder.cleanup()

    @property
    def prepared(self) -> Mapping:
        """The mapping made ready for its sources; only RML needs them opened for that."""
        if self._prepared is None:
            has_records = any(one.source.file is not None for one in self.mapping.triples_maps)
            query = lambda sql: self.connection.execute(sql).fetchall()  # noqa: E731
            self._prepared = prepare(self.mapping, self.reader, self.context, query) if has_records else self.mapping
        return self._prepared

    def rows_of(self, subject: Term) -> list[SourceRow]:
        found: list[SourceRow] = []
        for one in self.prepared.triples_maps:
            if can_make(one.subject, subject, self.context.base):
                compiler = self.compiler(one, subject)
                found += self.select(one, compiler, [condition(compiler, one.subject, subject)])
        return _unlike(found)[: self.limit]

    def rows_for(self, triple: Triple) -> list[SourceRow]:
        found: list[SourceRow] = []
        for one in self.prepared.triples_maps:
            if not can_make(one.subject, triple.subject, self.context.base):
                continue
            plain = self._rows_of_plain_file(one, triple)
            if plain is not None:
                found += plain
                continue
            if triple.predicate.value == RDF_TYPE and triple.object in one.classes:
                compiler = self.compiler(one, triple.subject)
                found += self.select(one, compiler, [condition(compiler, one.subject, triple.subject)])
            for predicate, object_map in _pairs(one):
                if can_make(predicate, triple.predicate, self.context.base):
                    found += self.rows_of_pair(one, predicate, object_map, triple)
        return _unlike(found)[: self.limit]

    def _rows_of_plain_file(self, one: TriplesMap, triple: Triple) -> list[SourceRow] | None:
        """The same without SQL, where the file and the term maps are plain ones; None where they are not."""
        if one.source.query is not None or one.source.file is not None:
            return None
        made = [object_map for predicate, object_map in _pairs(one) if can_make(predicate, triple.predicate, self.context.base)]
        if any(not isinstance(object_map, TermMap) or (object_map.columns and not _is_plain(object_map)) for object_map in made) or not _is_plain(one.subject):
            return None
        keys = list(_columns_of(one.subject, triple.subject, self.context.base))
        relation = self.reader.open_where(one.source, dict(keys))
        rows = None if any(column.declared for column in relation.columns) else self._found_in_file(relation, keys)
        if rows is None:
            return None
        is_class = triple.predicate.value == RDF_TYPE and triple.object in one.classes
        matched = []
        for row in rows:
            if _plain_text(one.subject, relation, row, self.context.base) != triple.subject.value:
                continue
            answers = [_makes(object_map, triple.object, relation, row, self.context.base) for object_map in made]
            if True not in answers and not is_class and None in answers:
                return None
            if is_class or True in answers:
                matched.append(row)
        table = relation.name.removeprefix("table ").removeprefix("file ")
        return [SourceRow(relation.file, row.line, table, dict(row.values), one.name) for row in matched]

    def _found_in_file(self, relation: Relation, keys: list[tuple[Column, str]]) -> list[PlainRow] | None:
        """The rows with the first of these texts in its column; None where the file is no plain one."""
        if not keys:
            return None
        if relation.sql not in self._plain:
            self._plain[relation.sql] = PlainFile(relation) if PlainFile.is_plain(relation) else None
        file = self._plain[relation.sql]
        if file is None:
            return None
        column, text = keys[0]
        key = (relation.sql, relation.column(column, None).name, text)
        if key not in self._plain_rows:
            if len(self._plain_rows) >= _REMEMBERED:
                self._plain_rows.clear()
            self._plain_rows[key] = file.rows(key[1], text)
        return self._plain_rows[key]

    def rows_of_pair(self, one: TriplesMap, predicate: TermMap, object_map: TermMap | ReferencingObjectMap, triple: Triple) -> list[SourceRow]:
        compiler = self.compiler(one, triple.subject)
        conditions = [condition(compiler, one.subject, triple.subject), condition(compiler, predicate, triple.predicate)]
        if isinstance(object_map, TermMap):
            object_term_map = object_map
        else:
            parent = self.prepared.triples_map(object_map.parent)
            object_term_map = parent.subject
            if object_map.joins:
                return self.joined_rows(one, compiler, conditions, object_map, parent, triple.object)
        if not can_make(object_term_map, triple.object, self.context.base):
            return []
        return self.select(one, compiler, [*conditions, condition(compiler, object_term_map, triple.object)])

    def joined_rows(
        self, one: TriplesMap, compiler: RelationCompiler, conditions: list[str], reference: ReferencingObjectMap, parent: TriplesMap, term: Term
    ) -> list[SourceRow]:
        """Child rows first, then for each the parent rows that meet its join conditions and have the object as subject."""
        if not can_make(parent.subject, term, self.context.base):
            return []
        found: list[SourceRow] = []
        for child in self.select(one, compiler, conditions):
            parent_compiler = self.compiler(parent, term)
            joins = [condition(parent_compiler, parent.subject, term)]
            for join in reference.joins:
                value = _value(compiler, join.child, child)
                joins.append(f"({parent_compiler.text(join.parent)})::VARCHAR = {_text(value)}" if value is not None else _NEVER)
            rows = self.select(parent, parent_compiler, joins)
            found += [child, *rows] if rows else []
        return found

    def compiler(self, one: TriplesMap, subject: Term) -> RelationCompiler:
        """Over the rows that may make `subject`: of a database server only those are fetched that its key tells."""
        relation = self.reader.open_where(one.source, dict(_columns_of(one.subject, subject, self.context.base)))
        return RelationCompiler(relation, self.context, lambda sql: self.connection.execute(sql).fetchall())

    def select(self, one: TriplesMap, compiler: RelationCompiler, conditions: list[str]) -> list[SourceRow]:
        if _NEVER in conditions:
            return []
        relation = compiler.relation
        names = [column.name for column in relation.columns]
        values = ", ".join(f"{column.sql}::VARCHAR AS v{i}" for i, column in enumerate(relation.columns))
        read, number = self._rows(relation)
        rows = f"SELECT {number} AS n, {compiler.columns_sql()}, {values} FROM {read}"
        query = f"SELECT n, {', '.join(f'v{i}' for i in range(len(names)))} FROM ({rows}) WHERE {' AND '.join(conditions)} LIMIT {self.limit}"
        found = sorted(self.connection.execute(query).fetchall(), key=lambda row: row[0])
        lines = self.lines(relation, [row[0] for row in found], is_query=one.source.query is not None)
        table = relation.name.removeprefix("table ").removeprefix("file ")
        has_number = relation.has_records and not relation.has_lines
        return [
            SourceRow(relation.file, None if has_number else lines.get(n), table, dict(zip(names, row, strict=True)), one.name, n if has_number else None)
            for n, *row in found
        ]

    def _rows(self, relation: Relation) -> tuple[str, str]:
        """The relation to read and its row number: of a CSV file the second time on a copy, whose rows are in columns."""
        if not relation.is_csv:
            return relation.sql, relation.number
        if relation.sql not in self._copies:
            self._copies[relation.sql] = None
            return relation.sql, relation.number
        if self._copies[relation.sql] is None:
            self._copies[relation.sql] = f"rows{list(self._copies).index(relation.sql)}"
            self.connection.execute(f"CREATE TABLE {self._copies[relation.sql]} AS SELECT {relation.number} AS kg_number, * FROM {relation.sql}")
        return self._copies[relation.sql], "kg_number"

    def lines(self, relation: Relation, rows: list[int], is_query: bool) -> dict[int, int]:
        is_server = relation.source is not None and relation.source.is_server
        if is_query or is_server or (relation.is_csv and not relation.has_lines):
            return {}  # of a query, of a database's table, or of a table after files of changes
        if not relation.is_csv or not rows:
            return {row: row for row in rows}
        if relation.malformed not in self._malformed:
            found = self.connection.execute(f"SELECT DISTINCT line_byte_position FROM {relation.malformed}").fetchall()
            self._malformed[relation.malformed] = [row[0] for row in found]
        return line_numbers(relation.source.path, relation.source.quote, self._malformed[relation.malformed], rows, len(relation.columns) == 1)


def can_make(term_map: TermMap, term: Term, base: str) -> bool:
    """Whether a term map can make a term, as far as its own text tells: saves reading sources in vain."""
    if term_map.is_constant:
        return term_map.value == term
    if not isinstance(term, {TermType.IRI: NamedNode, TermType.BLANK_NODE: BlankNode, TermType.LITERAL: Literal}[term_map.term_type]):
        return False
    if isinstance(term, Literal):
        if term_map.language is not None or term.language is not None:
            return (term.language or "").lower() == term_map.language
        return term_map.datatype in (None, term.datatype.value)
    if isinstance(term, NamedNode) and isinstance(term_map.value, Template):
        prefix, suffix = term_map.value.prefix, term_map.value.suffix
        return term.value.endswith(suffix) and (term.value.startswith(prefix) or term.value.startswith((term_map.base or base) + prefix))
    return True


def condition(compiler: RelationCompiler, term_map: TermMap, term: Term) -> str:
    """BOOLEAN over the compiler's columns: whether a row makes `term`."""
    if term_map.is_constant:
        return "true" if term_map.value == term else _NEVER
    plan = compiler.term(term_map)
    kind = {TAG_IRI: NamedNode, TAG_BLANK: BlankNode}.get(plan.tag, Literal)
    if not isinstance(term, kind):
        return _NEVER
    if isinstance(term, Literal):
        expected = {TAG_LANG: "", TAG_STRING: XSD_STRING}.get(plan.tag, plan.extra)
        if (plan.tag == TAG_LANG) != (term.language is not None) or (term.language is None and term.datatype.value != expected):
            return _NEVER
    exact = f"{plan.lexical} = {_text(term.value)}"
    return " AND ".join([*_on_columns(compiler, term_map, term), f"({exact})"])


def _on_columns(compiler: RelationCompiler, term_map: TermMap, term: Term) -> Iterator[str]:
    """Conditions on single columns that follow where a template can be read backwards: cheaper to test than its text."""
    for column, value in _columns_of(term_map, term, compiler.context.base):
        alias, found = compiler.use(column, term_map)
        if found.type == "VARCHAR" and not found.declared:
            yield f"{alias} = {_text(value)}"
        elif natural.is_integer(found.type) and not found.declared and value.lstrip("-").isdigit():
            yield f"{alias} = {int(value)}"


def _columns_of(term_map: TermMap, term: Term, base: str) -> Iterator[tuple[Column, str]]:
    """The columns of a template with the values that make a term, where it can be read backwards."""
    if not isinstance(term_map.value, Template) or not isinstance(term, NamedNode):
        return
    base = term_map.base or base
    text = term.value if term.value.startswith(term_map.value.prefix) and term_map.value.prefix else term.value.removeprefix(base)
    yield from zip(term_map.value.columns, term_map.value.invert(text, is_encoded=True) or (), strict=False)


def _value(compiler: RelationCompiler, expression: Column | Template | Literal, row: SourceRow) -> str | None:
    """The text of an expression in a row that was found."""
    parts = (expression,) if isinstance(expression, Column) else expression.parts if isinstance(expression, Template) else (expression.value,)
    texts = [row.columns[compiler.relation.column(part, None).name] if isinstance(part, Column) else part for part in parts]
    return None if None in texts else "".join(texts)


def _pairs(one: TriplesMap) -> Iterator[tuple[TermMap, TermMap | ReferencingObjectMap]]:
    for predicate_object_map in one.predicate_object_maps:
        for predicate in predicate_object_map.predicates:
            for object_map in predicate_object_map.objects:
                yield predicate, object_map


def _is_plain(term_map: TermMap) -> bool:
    """Whether the term is the text of a template or a column, as it stands in a row."""
    is_bare = term_map.condition is None and term_map.rejection is None and term_map.datatype_map is None and term_map.language_map is None
    if not is_bare or term_map.encoding is not Encoding.IRI:
        return False
    is_iri = term_map.term_type is TermType.IRI and isinstance(term_map.value, Template)
    return is_iri or (term_map.term_type is TermType.LITERAL and isinstance(term_map.value, Column))


def _plain_text(term_map: TermMap, relation: Relation, row: PlainRow, base: str) -> str | None:
    """The text of the term that a row makes by a plain term map; None for no term."""
    parts = (term_map.value,) if isinstance(term_map.value, Column) else term_map.value.parts
    texts = [row.values[relation.column(part, None).name] if isinstance(part, Column) else part for part in parts]
    if None in texts:
        return None
    if isinstance(term_map.value, Column):
        return texts[0]
    text = "".join(iri_safe(value) if isinstance(part, Column) else value for part, value in zip(parts, texts, strict=True))
    return text if ":" in term_map.value.prefix else (term_map.base or base) + text


def _makes(term_map: TermMap, term: Term, relation: Relation, row: PlainRow, base: str) -> bool | None:
    """Whether a row makes a term; None where that takes more than comparing texts."""
    if not can_make(term_map, term, base):
        return False
    if term_map.is_constant:
        return term_map.value == term
    text = _plain_text(term_map, relation, row, base)
    if text is None or text == term.value:
        return text is not None
    is_text = isinstance(term, NamedNode) or term.language is not None or term.datatype.value == XSD_STRING
    return False if is_text else None


def _unlike(rows: list[SourceRow]) -> list[SourceRow]:
    """Without the repetitions of rows that several term maps read."""
    seen: dict[tuple, SourceRow] = {}
    for row in rows:
        seen.setdefault((row.file, row.table, row.line, row.record, *row.columns.items()), row)
    return list(seen.values())


def _state(files: list[Path] | None) -> tuple | None:
    """Name, size and time of change of each file."""
    if files is None or not all(file.exists() for file in files):
        return None
    states = [(file, file.stat()) for file in sorted(set(files))]
    return tuple((file, state.st_size, state.st_mtime_ns) for file, state in states)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
