"""kg check --ontology: is the ontology sound, and do the data contradict it?

In this order: axioms that mean nothing, terms that nothing declares or uses, axioms outside of OWL 2 RL, contradictions by the
rules of OWL 2 RL between axioms and data (each with its proof), and what HermiT says of the axioms where Java is installed.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode, Triple

from kg import hermit, reasoner
from kg.build import rule_files
from kg.errors import KgError, Location
from kg.explain import explain
from kg.project import Project
from kg.reasoner import owl
from kg.reasoner.owl.profile import departures
from kg.reasoner.owl.terms import declared, mentioned, undeclared
from kg.store import Store, documents
from kg.store.versions import Versions

_SHOWN = 3  # proofs of one rule's contradictions that are written out
_OWNER, _GRAPH = "infer:ontology-check", "urn:x-guanxi:ontology-check"
_TEXT_FILES = (".rq", ".srl", ".swrl", ".ttl", ".toml")


@dataclass(frozen=True)
class Finding:
    """One thing found; `kind` is `fault`, `note`, or `passed` for the line that says what was looked at."""

    part: str
    kind: str
    message: str
    place: Location | None = None
    help: str | None = None
    proof: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.kind:6} {self.part}: {self.message}"]
        if self.place is not None and self.place.file:
            lines.append(f"  {self.place}")
        if self.help:
            lines.append(f"  help: {self.help}")
        if self.proof:
            lines += [f"    {line}" for line in self.proof.splitlines()]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready members; those without content are left out."""
        place = self.place
        members = {"part": self.part, "kind": self.kind, "message": self.message, "file": place and place.file, "line": place and place.line,
                   "help": self.help, "proof": self.proof}  # fmt: skip
        return {name: value for name, value in members.items() if value is not None}


def check_ontology(
    project: Project | None, versions: Versions | None, data: Sequence[Path] = (), language: str = "en", prefixes: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Check a project's ontology against its built graph, or the axioms and facts of the files `data`."""
    files = list(data) or [file.path for file in project.ontology()]
    base = project.base if project else "urn:x-guanxi:"
    with Store.memory() as axioms:
        for file in files:
            documents.load(axioms, file, base=base if project else None)
        try:
            ontology = owl.Ontology.from_store(axioms, files)
            count = len(owl.compile_ontology(ontology, base=base).rules)
        except KgError as error:
            yield Finding("axioms", "fault", f"{error.message} ({error.code})", error.location, error.help)
            return
        yield Finding("axioms", "passed", f"{len(files)} files, {count} rules of OWL 2 RL")
        yield from _terms(ontology, axioms, project)
        yield from _profile(ontology)
        with _data(project, versions, axioms, data) as store:
            rules = [(one.owner, one.graph, one.over(store)) for one in rule_files(project)] if store is not axioms else []
            yield from _contradictions(store, files, base, language, prefixes or {}, rules)
        yield from _satisfiability(axioms)


# ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────────


def _terms(ontology: owl.Ontology, axioms: Store, project: Project | None) -> Iterator[Finding]:
    known = declared(ontology)
    missing = list(undeclared(ontology))
    for one in missing:
        yield Finding("terms", "fault", one.message, one.place, one.help)
    unused = sorted(set(known) - mentioned(ontology) - _used(axioms, known), key=str)
    if project is not None and unused:
        texts = [file.read_text("utf-8", "replace") for file in _content(project)]
        unused = [term for term in unused if not any(_local(term) in text for text in texts)]
    for term in unused if project is not None else ():
        yield Finding("terms", "note", f"{ontology.shown(term)} is declared, and neither axioms nor mappings, rules, shapes or queries use it", ontology.place(term))
    if not missing:
        yield Finding("terms", "passed", f"{len(known)} classes and properties, each used one is declared")


def _used(axioms: Store, known: Iterable[NamedNode]) -> set[NamedNode]:
    """Those that stand as predicate or as class of something in the ontology's own files."""
    ids = {i: term for term, i in zip(known, axioms.lookup_many(list(known)), strict=True) if i is not None}
    type_id = axioms.lookup(NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")) or -1
    rows = axioms.connection.execute(f"SELECT DISTINCT p FROM quads UNION SELECT DISTINCT o FROM quads WHERE p = {type_id}").fetchall()
    return {ids[row[0]] for row in rows if row[0] in ids}


def _content(project: Project) -> list[Path]:
    folders = [project.root / folder for folder in ("mappings", "rules", "measures", "queries", "ontology")]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in _TEXT_FILES and path.is_file()]
    axioms = {file.path for file in project.ontology()}
    return [path for path in files if path not in axioms]


def _local(term: NamedNode) -> str:
    return term.value[max(term.value.rfind("/"), term.value.rfind("#")) + 1 :]


# ── Profile ──────────────────────────────────────────────────────────────────────────────────────────────────


def _profile(ontology: owl.Ontology) -> Iterator[Finding]:
    found = departures(ontology)
    for departure in found:
        yield Finding("profile", "note", departure.message, departure.place)
    words = "every axiom is within OWL 2 RL" if not found else f"{len(found)} axioms are outside of OWL 2 RL: its rules reason with less than they say"
    yield Finding("profile", "passed", words)


# ── Contradictions ───────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _data(project: Project | None, versions: Versions | None, axioms: Store, data: Sequence[Path]) -> Iterator[Store]:
    """What is checked for contradictions: a copy of the project's graph, else the files."""
    if data or versions is None or versions.current() is None:
        yield axioms
        return
    with tempfile.TemporaryDirectory(prefix="kg-ontology-") as folder, versions.copied(Path(folder) / "copy.duckdb") as store:
        yield store


def _contradictions(
    store: Store, files: Sequence[Path], base: str, language: str, prefixes: Mapping[str, str], rules: Sequence[tuple[str, str, reasoner.Program]]
) -> Iterator[Finding]:
    """Run the axioms over the graph, the conclusions of its rules included, and prove what is inconsistent."""
    owned, program = _run(store, files, base)
    derive = reasoner.Derivations(store, [*owned, *rules])
    rows = _inconsistent(store)
    by_rule: dict[NamedNode, list[Triple]] = defaultdict(list)
    for triple in rows:
        by_rule[triple.object].append(triple)
    axioms = {rule.iri: rule for rule in program.rules}
    for iri, triples in by_rule.items():
        rule = axioms[iri]
        for triple in triples[:_SHOWN]:
            proof = explain(store, triple.subject, triple.predicate, triple.object, derive=derive, prefixes={**dict(program.prefixes), **prefixes})
            yield Finding("consistency", "fault", f"a contradiction with {rule.text.partition('   #')[0]}", rule.location, proof=proof.text(language))
        if len(triples) > _SHOWN:
            yield Finding("consistency", "fault", f"… and {len(triples) - _SHOWN:,} more by the same axiom", rule.location)
    if not rows:
        size = store.connection.execute("SELECT count(*) FROM quads WHERE NOT again AND rule IS NULL").fetchone()[0]
        yield Finding("consistency", "passed", f"no contradiction among {size:,} triples by the rules of OWL 2 RL")


def _run(store: Store, files: Sequence[Path], base: str):
    _, program = owl.infer_with_ontology(
        store, [], lambda: (_OWNER, _GRAPH, owl.after_rules(owl.compile_store(store, base=base, files=files))), lambda programs: reasoner.infer(store, programs)
    )
    numbers = "SELECT rule FROM rules WHERE owner = ?"  # what the rules of the project concluded comes before
    store.connection.execute(
        f"UPDATE quads SET round = round + (SELECT coalesce(max(round), 0) FROM quads WHERE rule NOT IN ({numbers})) WHERE rule IN ({numbers})", [_OWNER, _OWNER]
    )
    return [(_OWNER, _GRAPH, program)], program


def _inconsistent(store: Store) -> list[Triple]:
    predicate = store.lookup(owl.INCONSISTENT)
    if predicate is None:
        return []
    rows = store.connection.execute(f"SELECT DISTINCT s, p, o FROM quads WHERE p = {predicate} AND NOT again ORDER BY o, s").fetchall()
    terms = store.decode({term for row in rows for term in row})
    return [Triple(*(terms[term] for term in row)) for row in rows]


# ── HermiT ───────────────────────────────────────────────────────────────────────────────────────────────────


def _satisfiability(axioms: Store) -> Iterator[Finding]:
    reason = hermit.missing()
    if reason is not None:
        yield Finding("satisfiability", "note", f"not checked: {reason}")
        return
    rows = axioms.connection.execute("SELECT DISTINCT s, p, o FROM quads WHERE rule IS NULL").fetchall()
    terms = axioms.decode({term for row in rows for term in row})
    answer = hermit.classify(Triple(*(terms[term] for term in row)) for row in rows)
    if answer.problem is not None:
        yield Finding("satisfiability", "note", f"HermiT gave no answer: {answer.problem}")
    elif not answer.is_consistent:
        yield Finding("satisfiability", "fault", "HermiT finds the ontology inconsistent: nothing can be as it says", help="look at the contradictions above, or take axioms out until it is consistent")
    else:
        for cls in answer.unsatisfiable:
            yield Finding("satisfiability", "fault", f"<{cls}> cannot have a member (HermiT)", help="an axiom about it contradicts another")
        stated = _stated_equivalents(rows, terms)
        for classes in answer.equivalents:
            if frozenset(classes) not in stated:
                yield Finding("classification", "note", f"HermiT finds the same members in {' and '.join(f'<{cls}>' for cls in classes)}")
        yield Finding("satisfiability", "passed", f"HermiT: consistent, {len(answer.unsatisfiable)} unsatisfiable classes, {len(answer.subclasses)} direct subclasses")


def _stated_equivalents(rows: Sequence[tuple], terms: Mapping[int, object]) -> set[frozenset[str]]:
    equivalent = NamedNode("http://www.w3.org/2002/07/owl#equivalentClass")
    pairs = [(terms[s], terms[o]) for s, p, o in rows if terms[p] == equivalent]
    return {frozenset((left.value, right.value)) for left, right in pairs if isinstance(left, NamedNode) and isinstance(right, NamedNode)}
