"""kg check: the content's own tests — ontology checks, rule cases, query answers — each fault with its file and line.

- ontology/<domain>/checks/*.rq: a query over the built graph whose rows are faults; `#+ problem:` and `#+ solution:` say why.
- rules/<domain>/cases/<file>/<case>/: the project's rules over ontology + given.ttl must infer every triple of then.ttl and
  none of not.ttl.
- rules/<domain>/shapes/*.ttl: the shapes are well-formed, and each with a target has something to look at in the built graph.
- rules/<domain>/shapes/cases/<file>/<case>.ttl: over ontology + case, the project's shapes find what `#+ violates:` lists and no
  more: the names of property shapes and of constraints in SPARQL, or nothing. Each file of shapes has a case of both kinds.
- pages/<domain>/<name>.toml: the queries of the cards are there, take what they are given, and return what the pictures show.
- queries/<domain>/<name>.rq: every query compiles; where <name>.csv stands beside it, the answer on the built graph equals it.
"""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import BlankNode, NamedNode, RdfFormat, Triple, parse

from kg import pages, saved_queries
from kg.build import OwnedProgram, rule_files
from kg.errors import DataError, KgError, Location
from kg.graph import KnowledgeGraph
from kg.project import ContentFile, Project
from kg.reasoner import Program, Rule, infer_only, rules_behind
from kg.saved_queries import SavedQuery
from kg.shapes import ShapesGraph, ValidationResult, load_shapes
from kg.shapes.affected import extent
from kg.shapes.validate import revalidate
from kg.sparql.algebra import OrderBy, Select, Slice, TriplePattern, Var
from kg.sparql.algebra import Project as Projection
from kg.sparql.evaluate import evaluate
from kg.sparql.parser import parse_header, parse_query
from kg.sparql.results import readable, write_solutions
from kg.store import Store, documents, journal

# How many rows of a failed check are shown.
_SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """One check: its kind, its name, its file, and what is wrong (nothing: it passed)."""

    kind: str
    name: str
    place: Location
    seconds: float
    faults: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        return not self.faults


def check(graph: KnowledgeGraph, paths: Iterable[str | Path] = ()) -> Iterator[Outcome]:
    """Run the project's own tests one by one; `paths` narrows them to files or folders."""
    project = graph.project
    wanted = [Path(path).resolve() for path in paths]

    def is_wanted(file: ContentFile) -> bool:
        here = file.path.resolve()
        return not wanted or any(here == path or path in here.parents for path in wanted)

    for file in filter(is_wanted, project.checks()):
        yield _timed("ontology", file, project, lambda file=file: _ontology_faults(graph, file, project))
    cases = list(filter(is_wanted, project.cases()))
    if cases:
        programs = rule_files(project)
        with _ontology_store(project) as store:
            rules = [rule for one in programs for rule in one.over(store).rules]
            for file in cases:
                yield _timed("case", file, project, lambda file=file: _case_faults(store, file, project, rules))
        if not wanted:
            yield from _rules_without_cases(project, programs)
    for file in filter(is_wanted, project.shapes()):
        yield _timed("shapes", file, project, lambda file=file: _shapes_faults(graph, file))
    shape_cases = list(filter(is_wanted, project.shape_cases()))
    if shape_cases:
        yield from _shape_cases(project, shape_cases)
    if not wanted:
        yield from _shapes_without_cases(project)
    for file in filter(is_wanted, project.queries()):
        yield _timed("query", file, project, lambda file=file: _query_faults(graph, file, project))
    for file in filter(is_wanted, project.pages()):
        yield _timed("page", file, project, lambda file=file: _page_faults(graph, file, project))


def _timed(kind: str, file: ContentFile, project: Project, faults_of) -> Outcome:
    started = time.perf_counter()
    try:
        faults = tuple(faults_of())
    except KgError as error:
        faults = (str(error),)
    return Outcome(kind, file.key, Location(project.relative(file.path)), time.perf_counter() - started, faults)


# ── Pages ───────────────────────────────────────────────────────────────────────────────────────────────────


def _page_faults(graph: KnowledgeGraph, file: ContentFile, project: Project) -> Iterator[str]:
    """What is wrong with a page's file, and with the pictures of its cards."""
    for section in pages.read(project, file).sections:
        for card in section.cards:
            yield from _show_faults(card.query, parse_query(card.query.text, base=project.base, prefixes=project.prefixes))


def _show_faults(saved: SavedQuery, parsed: object) -> Iterator[str]:
    """Columns of the picture that the query does not return."""
    returned = {variable.name for variable in parsed.variables} if isinstance(parsed, Select) else set()
    returned |= {parameter.name for parameter in saved.parameters}
    for place, variable in ((place, one) for place, several in saved.show.columns.items() for one in several.split(",")):
        if variable not in returned:
            yield f"{saved.key} returns no ?{variable}, which {place}= of #+ show: names; it returns {', '.join(f'?{one}' for one in sorted(returned)) or 'no columns'}"


# ── Ontology checks ──────────────────────────────────────────────────────────────────────────────────────────


def _ontology_faults(graph: KnowledgeGraph, file: ContentFile, project: Project) -> Iterator[str]:
    text = file.path.read_text(encoding="utf-8")
    header = {key.lower(): value for key, value in parse_header(text).items()}
    rows = list(evaluate(graph.store, text, prefixes=project.prefixes, base=project.base, file=project.relative(file.path)))
    for row in rows[:_SHOWN]:
        yield "  ".join(readable(term, project.prefixes) for term in row if term is not None)
    if rows:
        if len(rows) > _SHOWN:
            yield f"… {len(rows)} rows in all"
        yield f"problem: {header.get('problem', file.name)}"
        if "solution" in header:
            yield f"help: {header['solution']}"


# ── Shapes ──────────────────────────────────────────────────────────────────────────────────────────────────


def _shapes_faults(graph: KnowledgeGraph, file: ContentFile) -> list[str]:
    return [f"{shape} has no focus node: the graph holds nothing that it targets" for shape in graph.validate(file.path).without_focus]


def _shape_cases(project: Project, cases: list[ContentFile]) -> Iterator[Outcome]:
    """Each case over the ontology alone, on which the shapes may find what they like: only what the case touches counts."""
    shapes = load_shapes([file.path for file in project.shapes()], base=project.base)
    with _ontology_store(project) as store:
        for file in cases:
            yield _timed("shapes", file, project, lambda file=file: _shape_case_faults(store, file, project, shapes))


def _shape_case_faults(store: Store, file: ContentFile, project: Project, shapes: ShapesGraph) -> Iterator[str]:
    expected = _violated(file)
    if expected is None:
        yield "no #+ violates: line says which shapes find a fault, or nothing"
        return
    found: dict[str, ValidationResult] = {}
    with suppress(_Undo), store.transaction():
        with journal.recording(store.connection) as changed:
            documents.load(store, file.path, graph=f"{project.base}graph/case", base=project.base)
            store.refresh()
        with journal.taken(store.connection, changed.position):
            area = extent(store, shapes, store.connection)
            for one in revalidate(store, shapes, area, connection=store.connection):
                origin = one.source_constraint
                found.setdefault(shapes.document.name(origin) if isinstance(origin, NamedNode) else one.shape_name.split(" / ")[0], one)
        raise _Undo
    yield from (f"not found: {name}" for name in sorted(expected - set(found)))
    yield from (f"found, but not expected: {name}: {found[name].sentence('en', project.prefixes)}" for name in sorted(set(found) - expected))


def _violated(file: ContentFile) -> set[str] | None:
    """The names that a case says are violated; None where it says nothing of that."""
    said = parse_header(file.path.read_text(encoding="utf-8")).get("violates")
    if said is None:
        return None
    names = {name.strip() for line in ([said] if isinstance(said, str) else said) for name in line.split(",")}
    return names - {"nothing", ""}


def _shapes_without_cases(project: Project) -> Iterator[Outcome]:
    """A file of shapes must have a case that conforms and one that does not."""
    kinds: dict[str, set[bool]] = {}
    for case in project.shape_cases():
        kinds.setdefault(f"{case.domain}/shapes/{case.path.parent.name}", set()).add(bool(_violated(case)))
    for file in project.shapes():
        missing = {False: "case that conforms", True: "case that does not conform"}
        faults = tuple(f"{file.key} has no {what}" for kind, what in missing.items() if kind not in kinds.get(file.key, set()))
        yield Outcome("shapes", file.key, Location(project.relative(file.path)), 0.0, faults)


# ── Rule cases ───────────────────────────────────────────────────────────────────────────────────────────────


class _Undo(Exception):
    """Leaves the transaction of a case, so that the next one starts from the ontology alone."""


@contextmanager
def _ontology_store(project: Project) -> Iterator[Store]:
    with Store.memory() as store:
        with store.batch():
            for file in project.ontology():
                documents.load(store, file.path, graph=project.graph_iri("ontology", file), owner=f"ontology:{file.key}")
        yield store


def _case_faults(store: Store, file: ContentFile, project: Project, rules: list[Rule]) -> list[str]:
    expected, unwanted = _triples(file.path / "then.ttl", project), _triples(file.path / "not.ttl", project)
    if not expected and not unwanted:
        return ["neither then.ttl nor not.ttl says anything"]
    faults: list[str] = []
    try:
        with store.transaction():
            documents.load(store, file.path / "given.ttl", graph=f"{project.base}graph/case", base=project.base)
            known = _Known(store, rules, [*expected, *unwanted])
            faults = [f"not inferred: {_shown(t, project)}  ({_line(file, 'then.ttl', t)})" for t in expected if not known.holds(t)]
            faults += [f"inferred, but must not be: {_shown(t, project)}  ({_line(file, 'not.ttl', t)})" for t in unwanted if known.holds(t)]
            raise _Undo
    except _Undo:
        return faults


def _triples(path: Path, project: Project) -> list[Triple]:
    if not path.exists():
        return []
    try:
        return [quad.triple for quad in parse(path=str(path), format=RdfFormat.TURTLE, base_iri=project.base)]
    except SyntaxError as error:
        place = Location.in_text(path.read_text(encoding="utf-8"), error.lineno or 1, error.offset or 1, project.relative(path))
        raise DataError("D101", f"not valid Turtle: {error.msg}", place) from None


class _Known:
    """What a case's graph says and what the rules conclude of it; only rules on which `asked` can depend are run."""

    def __init__(self, store: Store, rules: list[Rule], asked: list[Triple]) -> None:
        self._store = store
        self._inferred = set(infer_only(store, Program(tuple(rules_behind(rules, [_pattern(triple) for triple in asked])))))

    def holds(self, triple: Triple) -> bool:
        """Whether the triple is given or inferred; a blank node in it stands for anything."""
        if any(isinstance(term, BlankNode) for term in (triple.subject, triple.object)):
            return any(_matches(triple, other) for other in self._inferred) or self._is_given(triple)
        return triple in self._inferred or self._is_given(triple)

    def _is_given(self, triple: Triple) -> bool:
        conditions, ids = ["true"], []
        for column, term in zip("spo", (triple.subject, triple.predicate, triple.object), strict=True):
            if isinstance(term, BlankNode):
                continue
            term_id = self._store.lookup(term)
            if term_id is None:
                return False
            conditions.append(f"{column} = ?")
            ids.append(term_id)
        query = f"SELECT 1 FROM quads WHERE {' AND '.join(conditions)} LIMIT 1"
        return self._store.connection.execute(query, ids).fetchone() is not None


def _pattern(triple: Triple) -> TriplePattern:
    subject, object = (Var(f"_:{term.value}") if isinstance(term, BlankNode) else term for term in (triple.subject, triple.object))
    return TriplePattern(subject, triple.predicate, object)


def _matches(wanted: Triple, found: Triple) -> bool:
    pairs = ((wanted.subject, found.subject), (wanted.predicate, found.predicate), (wanted.object, found.object))
    return all(isinstance(left, BlankNode) or left == right for left, right in pairs)


def _shown(triple: Triple, project: Project) -> str:
    return " ".join(readable(term, project.prefixes) for term in (triple.subject, triple.predicate, triple.object))


def _line(file: ContentFile, name: str, triple: Triple) -> str:
    """Where the triple stands, as far as its object's last word tells."""
    word = getattr(triple.object, "value", "").rstrip("/#").replace("#", "/").rsplit("/", 1)[-1]
    for number, line in enumerate((file.path / name).read_text(encoding="utf-8").splitlines(), start=1):
        if word and word in line and not line.lstrip().lower().startswith(("@prefix", "prefix")):
            return f"{name}:{number}"
    return name


def _rules_without_cases(project: Project, programs: list[OwnedProgram]) -> Iterator[Outcome]:
    """A rule file must have at least one case that fires and one that does not."""
    folders: dict[str, set[str]] = {}
    for case in project.cases():
        kinds = {name for name in ("then.ttl", "not.ttl") if (case.path / name).exists()}
        folders.setdefault(f"{case.domain}/{case.name.split('/')[0]}", set()).update(kinds)
    for program in programs:
        domain, *_, name = program.owner.removeprefix("infer:").split("/")
        key = f"{domain}/{name}"
        missing = {"then.ttl": "a case that fires", "not.ttl": "a case that does not"}
        faults = tuple(f"{key} has no {what}" for name, what in missing.items() if name not in folders.get(key, set()))
        yield Outcome("rules", key, Location(project.relative(program.path)), 0.0, faults)


# ── Query answers ────────────────────────────────────────────────────────────────────────────────────────────


def _query_faults(graph: KnowledgeGraph, file: ContentFile, project: Project) -> Iterator[str]:
    saved = saved_queries.read(project, file)
    if "en" not in saved.questions:
        yield "no #+ question: line says what the query is for"
    parsed = parse_query(saved.text, base=project.base, prefixes=project.prefixes, file=saved.file)
    yield from _show_faults(saved, parsed)
    answer = file.path.with_suffix(".csv")
    missing = [p.name for p in saved.parameters if p.example is None and p.default is None]
    if missing:
        yield f"no #+ example: line for {', '.join(missing)}"
        return
    bindings = saved.bindings(saved.examples(), project.prefixes)
    result = graph.query(saved, bindings=bindings)
    if not isinstance(parsed, Select):
        return
    found = list(csv.reader(io.StringIO("".join(write_solutions(result.variables, result, "csv")))))
    if answer.exists():
        expected = list(csv.reader(io.StringIO(answer.read_text(encoding="utf-8"))))
        yield from _differences(expected, found, _is_ordered(parsed.pattern), saved, answer, project)


def _is_ordered(pattern: object) -> bool:
    while isinstance(pattern, Slice | Projection) or hasattr(pattern, "pattern"):
        if isinstance(pattern, OrderBy):
            return True
        pattern = pattern.pattern
    return False


def _differences(
    expected: list[list[str]], found: list[list[str]], is_ordered: bool, saved: SavedQuery, answer: Path, project: Project
) -> Iterator[str]:
    place = project.relative(answer)
    if expected[:1] != found[:1]:
        yield f"{place}:1: columns are {expected[:1]}, the query has {found[:1]}"
        return
    left, right = Counter(map(tuple, expected[1:])), Counter(map(tuple, found[1:]))
    lost, new = list((left - right).elements()), list((right - left).elements())
    lines = {tuple(row): number for number, row in enumerate(expected, start=1)}
    for row in lost[:_SHOWN]:
        yield f"{place}:{lines[row]}: not in the answer: {', '.join(row)}"
    for row in new[:_SHOWN]:
        yield f"{place}: not expected: {', '.join(row)}"
    if len(lost) + len(new) > 2 * _SHOWN:
        yield f"… {len(lost)} rows missing, {len(new)} rows too many"
    if not lost and not new and is_ordered and expected != found:
        yield f"{place}: the rows are right but in another order"
