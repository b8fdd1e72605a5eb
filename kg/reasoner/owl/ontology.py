"""The ontology at hand: the schema triples of a graph by subject, its lists, and the places of its axioms in their files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from kg.errors import Location, RuleError
from kg.reasoner.owl.vocabulary import FIRST, LABEL, NIL, REST, SCHEMA_CLASSES, SCHEMA_PREDICATES, TYPE
from kg.store import Store
from kg.store.formats import format_of
from kg.store.places import Places
from kg.terms import Term

Node = NamedNode | BlankNode
Schema = tuple[frozenset[Triple], frozenset[Triple]]  # asserted, and concluded

# Files longer than this hold data rather than axioms; no line is looked for in them.
_LONGEST = 4_000_000
# Conclusions of these schema rules change what data rules conclude; those of the others follow step by step anyway, and what
# holds of equals is concluded of their representatives.
_TELLING = ("scm-svf1", "scm-svf2", "scm-avf1", "scm-avf2")


class Ontology:
    """Schema triples, in an order that does not depend on how they were stored. `derived` are those that rules concluded."""

    def __init__(
        self, triples: Iterable[Triple], derived: Iterable[Triple] = (), files: Iterable[str | Path] = (), prefixes: Mapping[str, str] | None = None
    ) -> None:
        self.derived = frozenset(derived)
        self.prefixes: dict[str, str] = dict(prefixes or {})
        self.labels: dict[Node, dict[str, str]] = defaultdict(dict)
        self._by_predicate: dict[NamedNode, list[tuple[Node, Term]]] = defaultdict(list)
        self._by_subject: dict[Node, dict[NamedNode, list[Term]]] = defaultdict(lambda: defaultdict(list))
        self._users: dict[Term, list[Node]] = defaultdict(list)
        for triple in sorted({*triples, *self.derived}, key=_order):
            self._by_predicate[triple.predicate].append((triple.subject, triple.object))
            self._by_subject[triple.subject][triple.predicate].append(triple.object)
            self._users[triple.object].append(triple.subject)
        self._files = [_File(Path(file)) for file in files]
        for file in self._files:
            self.prefixes = file.prefixes | self.prefixes

    @classmethod
    def from_store(cls, store: Store, files: Iterable[str | Path] = ()) -> Ontology:
        """The schema that the graph holds in whatever named graph; `files` are where its axioms may be written."""
        return cls.of_schema(schema_of(store), store, files)

    @classmethod
    def of_schema(cls, schema: Schema, store: Store, files: Iterable[str | Path] = (), prefixes: Mapping[str, str] | None = None) -> Ontology:
        """The ontology of schema triples, with the labels that the store has for their terms."""
        ontology = cls(*schema, files, prefixes)
        ontology._read_labels(store)
        return ontology

    def _read_labels(self, store: Store) -> None:
        nodes = sorted({*self._by_subject, *(term for term in self._users if isinstance(term, NamedNode))}, key=str)
        ids = {term_id: node for term_id, node in zip(store.lookup_many(nodes), nodes, strict=True) if term_id is not None}
        label = store.lookup(LABEL)
        if label is None or not ids:
            return
        connection = store.connection.cursor() if store.read_only else store.connection
        rows = connection.execute(f"SELECT s, o FROM quads WHERE NOT again AND p = {label} AND s IN ({_listed(ids)})").fetchall()
        texts = store.decode({o for _, o in rows})
        for subject, text in sorted(((ids[s], texts[o]) for s, o in rows), key=lambda pair: (str(pair[0]), str(pair[1]))):
            if isinstance(text, Literal):
                self.labels[subject].setdefault((text.language or "").split("-")[0], text.value)

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def pairs(self, predicate: NamedNode) -> Sequence[tuple[Node, Term]]:
        return self._by_predicate.get(predicate, ())

    def values(self, node: Term, predicate: NamedNode) -> Sequence[Term]:
        found = self._by_subject.get(node)
        return found.get(predicate, ()) if found else ()

    def instances(self, cls: NamedNode) -> Iterator[Node]:
        return (subject for subject, object in self.pairs(TYPE) if object == cls)

    def is_a(self, node: Term, *classes: NamedNode) -> bool:
        return any(cls in classes for cls in self.values(node, TYPE))

    def has(self, predicate: NamedNode) -> bool:
        return predicate in self._by_predicate

    def subjects(self) -> Iterable[Node]:
        return self._by_subject.keys()

    def users(self, term: Term) -> Sequence[Node]:
        """The subjects of triples with this object."""
        return self._users.get(term, ())

    def axiom_is_derived(self, subject: Node, predicate: NamedNode, object: Term) -> bool:
        return Triple(subject, predicate, object) in self.derived

    def list(self, owner: Node, predicate: NamedNode, node: Term) -> list[Term]:
        """The members of an RDF list, the value of `predicate` of `owner`. Raises RuleError R240 for anything else."""
        members: list[Term] = []
        seen: set[Term] = set()
        while node != NIL:
            first, rest = self.values(node, FIRST), self.values(node, REST)
            if node in seen or len(first) != 1 or len(rest) != 1:
                raise self._bad_list(owner, predicate, node, seen, first, rest)
            seen.add(node)
            members.append(first[0])
            node = rest[0]
        return members

    def _bad_list(self, owner: Node, predicate: NamedNode, node: Term, seen: set[Term], first: Sequence, rest: Sequence) -> RuleError:
        if node in seen:
            why = "it runs in a circle"
        elif not first and not rest:
            why = "its value is no list" if not seen else "it does not end in rdf:nil"
        else:
            why = f"a cell of it has {len(first)} rdf:first and {len(rest)} rdf:rest"
        return self.error("R240", f"the list of {local_name(predicate)} of {self.shown(owner)} is malformed: {why}", owner, predicate,
                          help=f"write it in round brackets: {local_name(predicate)} ( … )")  # fmt: skip

    # ── Names and places ─────────────────────────────────────────────────────────────────────────────────────

    def shown(self, node: Term) -> str:
        """A term as people write it; a blank node by what leads to it."""
        if isinstance(node, BlankNode):
            owner = self.owner(node)
            return f"an expression of {self.shown(owner)}" if owner is not None else "a blank node"
        if isinstance(node, Literal):
            return str(node)
        for prefix, namespace in sorted(self.prefixes.items(), key=lambda pair: -len(pair[1])):
            if namespace and node.value.startswith(namespace) and len(node.value) > len(namespace):
                return f"{prefix}:{node.value[len(namespace):]}"
        return local_name(node)

    def owner(self, node: Term) -> NamedNode | None:
        """The nearest IRI that leads to a blank node, or that a blank node is about."""
        seen: set[Term] = set()
        waiting: list[Term] = [node]
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, NamedNode):
                return one
            if one not in seen:
                seen.add(one)
                waiting += self.users(one)
        named = (object for values in self._by_subject.get(node, {}).values() for object in values if isinstance(object, NamedNode))
        return next((term for term in named if not term.value.startswith("http://www.w3.org/")), None)

    def place(self, node: Term, *terms: Term) -> Location:
        """Where the axioms of a node stand, at the first of `terms` that their text shows; an empty place where unknown."""
        owner = node if isinstance(node, NamedNode) else self.owner(node)
        for file in self._files:
            found = file.place(owner, *(term for term in terms if not isinstance(term, BlankNode)))
            if found is not None:
                return found
        if isinstance(node, BlankNode):
            named = [object for values in self._by_subject.get(node, {}).values() for object in values if isinstance(object, NamedNode)]
            found = next((place for file in self._files if (place := file.place_of_anonymous(*named)) is not None), None)
            if found is not None:
                return found
        return Location(str(self._files[0].path)) if len(self._files) == 1 else Location()

    def error(self, code: str, message: str, node: Term, *terms: Term, help: str) -> RuleError:
        return RuleError(code, message, self.place(node, *terms), help)


def schema_of(store: Store) -> Schema:
    """The schema triples of a graph, asserted and concluded. The latter count where they say more than the axioms that they
    come from."""
    telling = " OR ".join(f"contains(r.iri, '/{name}')" for name in _TELLING)
    predicates = _ids(store, SCHEMA_PREDICATES)
    classes = _ids(store, SCHEMA_CLASSES)
    (type_id,) = _ids(store, [TYPE]) or [None]
    sql = (
        f"SELECT DISTINCT q.s, q.p, q.o, q.rule IS NOT NULL FROM quads q LEFT JOIN rules r USING (rule) WHERE NOT q.again "
        f"AND (q.rule IS NULL OR NOT regexp_matches(r.iri, '[:/#](owl/(scm|eq)-|rdfs/rdfs(5|11))') OR {telling}) AND (q.p IN ({_listed(predicates)})"
        f" OR q.p = {type_id or -1} AND q.o IN ({_listed(classes)}))"
    )
    rows = store.connection.cursor().execute(sql).fetchall() if store.read_only else store.connection.execute(sql).fetchall()
    terms = store.decode({term for row in rows for term in row[:3]})
    asserted, derived = (frozenset(Triple(*(terms[term] for term in row[:3])) for row in rows if row[3] == kind) for kind in (False, True))
    return asserted, derived


class _File:
    """A file that may hold axioms; it is read for its prefixes and the lines of its subjects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.prefixes: dict[str, str] = {}
        self._text = ""
        self._places: Places | None = None
        if not path.is_file() or path.stat().st_size > _LONGEST or path.suffix == ".gz":
            return
        self._text = path.read_text("utf-8", "replace")
        base = path.resolve().as_uri()
        rdf_format = format_of(None, path)
        parser = parse(self._text.encode(), format=rdf_format, base_iri=base)
        with suppress(SyntaxError):  # loading the file has told of it
            for _ in parser:
                pass
        self.prefixes = dict(parser.prefixes)
        if rdf_format in (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.N_TRIPLES, RdfFormat.N_QUADS):
            self._places = Places(self._text, str(path), self.prefixes, base)

    def place_of_anonymous(self, *terms: Term) -> Location | None:
        """Of a statement about a blank node that mentions these terms, but for rdf:type's classes of OWL."""
        wanted = [term for term in terms if not term.value.startswith("http://www.w3.org/2002/07/owl#")]
        return self._places.of_anonymous(*wanted) if self._places is not None and wanted else None

    def place(self, subject: NamedNode | None, *terms: Term) -> Location | None:
        if subject is None or not self._text:
            return None
        if self._places is not None:
            return self._places.of(subject, *terms) if self._places.knows(subject) else None
        name = re.escape(local_name(subject))
        found = re.search(rf"""(?:about|ID|"@id"\s*:)\s*=?\s*["'][^"']*\b{name}["']""", self._text)
        if found is None:
            return None
        line = self._text.count("\n", 0, found.start()) + 1
        return Location.in_text(self._text, line, found.start() - self._text.rfind("\n", 0, found.start()), str(self.path))


def local_name(term: Term) -> str:
    """The last part of an IRI, or of anything else its text."""
    if not isinstance(term, NamedNode):
        return str(getattr(term, "value", term))
    return re.split(r"[/#:]", term.value.rstrip("/#"))[-1] or term.value


def _order(triple: Triple) -> tuple[str, ...]:
    """Named nodes first, each by its text."""
    return tuple(f"{int(isinstance(term, BlankNode))}{term}" for term in (triple.subject, triple.predicate, triple.object))


def _ids(store: Store, terms: Sequence[Term]) -> list[int]:
    return [found for found in store.lookup_many(terms) if found is not None]


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids)) or "NULL"
