"""A shapes graph as read from its documents: triples by subject, lists, instances of classes, prefixes and places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from kg.errors import DataError, KgError, Location, ShapeError, did_you_mean
from kg.shapes.vocabulary import FIRST, NIL, REST, SUB_CLASS_OF, TYPE, sh
from kg.store.formats import format_of
from kg.store.places import Places
from kg.terms import Term

Node = NamedNode | BlankNode
Source = str | Path | bytes

_KEPT_NAMES = 10_000  # of terms, written once for all the results that mention them


class ShapesDocument:
    """The union of some RDF documents; named graphs are read like the default graph."""

    def __init__(self) -> None:
        self.properties: dict[Node, dict[NamedNode, list[Term]]] = defaultdict(lambda: defaultdict(list))
        self.prefixes: dict[str, str] = {}
        self._subjects: dict[Term, list[Node]] = defaultdict(list)  # object → subjects, to find the owner of a blank node
        self._places: list[Places] = []
        self._names: dict[Term, str] = {}
        self._file_of: dict[Node, int] = {}

    @classmethod
    def read(cls, sources: Iterable[Source], base: str | None = None, format: str | None = None) -> ShapesDocument:
        """Read files, or documents as bytes (Turtle unless `format` says otherwise). ShapeError H100, H101."""
        document = cls()
        for source in sources:
            document._add(source, base, format)
        return document

    def _add(self, source: Source, base: str | None, format: str | None) -> None:
        path = None if isinstance(source, bytes) else Path(source)
        data = source if path is None else _bytes_of(path)
        file = "<shapes>" if path is None else str(path)
        if base is None:
            base = path.resolve().as_uri() if path else None
        try:
            rdf_format = format_of(format or (None if path else "turtle"), path)
        except DataError as error:
            raise ShapeError("H101", error.message, Location(file), error.help) from None
        parser = parse(data, format=rdf_format, base_iri=base, rename_blank_nodes=True)
        try:
            for quad in parser:
                self.add(quad.triple, len(self._places))
        except SyntaxError as error:
            text = data.decode("utf-8", "replace")
            place = Location.in_text(text, error.lineno, error.offset or 1, file) if error.lineno else Location(file)
            raise ShapeError("H101", f"this is not {rdf_format.name}: {error.msg}", place, "correct the syntax") from None
        prefixes = dict(parser.prefixes)
        self.prefixes |= prefixes
        is_turtle = rdf_format in (RdfFormat.TURTLE, RdfFormat.TRIG)
        self._places.append(Places(data.decode("utf-8", "replace") if is_turtle else "", file, prefixes, base))

    def add(self, triple: Triple, file: int = 0) -> None:
        values = self.properties[triple.subject][triple.predicate]
        if triple.object not in values:
            values.append(triple.object)
            self._subjects[triple.object].append(triple.subject)
            self._file_of.setdefault(triple.subject, file)

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def values(self, node: Term, predicate: NamedNode) -> Sequence[Term]:
        found = self.properties.get(node)
        return found.get(predicate, ()) if found else ()

    def subjects(self, predicate: NamedNode) -> Iterator[Node]:
        return (node for node, properties in self.properties.items() if predicate in properties)

    def triples(self) -> Iterator[Triple]:
        for subject, properties in self.properties.items():
            for predicate, values in properties.items():
                yield from (Triple(subject, predicate, value) for value in values)

    def types(self, node: Term) -> set[Term]:
        """The classes that a node is a SHACL instance of, by the shapes graph (section 1.1, "SHACL instance")."""
        found: set[Term] = set()
        waiting = list(self.values(node, TYPE))
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.values(one, SUB_CLASS_OF)
        return found

    def list(self, node: Term, owner: Term, predicate: NamedNode) -> list[Term]:
        """The members of a SHACL list (section 1.1); ShapeError H105 for anything else."""
        members: list[Term] = []
        seen: set[Term] = set()
        while node != NIL:
            first, rest = self.values(node, FIRST), self.values(node, REST)
            if len(first) != 1 or len(rest) != 1 or node in seen:
                raise self.error("H105", f"the value of {self.name(predicate)} is not a list", owner, predicate, help="write it in round brackets: ( … )")
            seen.add(node)
            members.append(first[0])
            node = rest[0]
        return members

    # ── Names and places, for people ─────────────────────────────────────────────────────────────────────────

    def name(self, term: Term) -> str:
        """A term as a person would write it; a blank node by its owner."""
        if term not in self._names:
            if len(self._names) > _KEPT_NAMES:
                self._names.clear()
            self._names[term] = self._name(term)
        return self._names[term]

    def _name(self, term: Term) -> str:
        if isinstance(term, NamedNode):
            if term.value.startswith(sh("").value):
                return "sh:" + term.value.removeprefix(sh("").value)
            for prefix, namespace in self.prefixes.items():
                if namespace and term.value.startswith(namespace) and len(term.value) > len(namespace):
                    return f"{prefix}:{term.value.removeprefix(namespace)}"
            return f"<{term.value}>"
        if isinstance(term, BlankNode):
            owner = self.owner(term)
            return f"the anonymous shape of {self.name(owner)}" if owner is not None else "an anonymous shape"
        return str(term)

    def owner(self, node: Term) -> NamedNode | None:
        """The nearest IRI that leads to a blank node."""
        seen: set[Term] = set()
        waiting = [node]
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, NamedNode):
                return one
            if one not in seen:
                seen.add(one)
                waiting += self._subjects.get(one, ())
        return None

    def place(self, node: Term, *terms: Term) -> Location | None:
        owner = node if isinstance(node, NamedNode) else self.owner(node)
        file = self._file_of.get(node, self._file_of.get(owner))
        return self._places[file].of(owner, *terms) if file is not None and self._places else None

    def places_of(self, node: Node) -> Places | None:
        """The places of the document that a node was read from."""
        file = self._file_of.get(node)
        return self._places[file] if file is not None and self._places else None

    def line_of_text(self, node: Node, literal: Literal) -> tuple[str, int] | None:
        """File and line where the text of a string begins."""
        file = self._file_of.get(node)
        line = self._places[file].line_of_text(literal) if file is not None and self._places else None
        return (self._places[file].file, line) if line is not None else None

    def error(self, code: str, message: str, node: Term, *terms: Term, help: str | None = None, notes: Sequence[str] = ()) -> KgError:
        """A ShapeError about a node of the shapes graph, placed at the first of `terms` that its text shows."""
        return ShapeError(code, message, self.place(node, *terms), help, list(notes))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        known = [one.name for one in path.parent.glob("*.ttl")] if path.parent.is_dir() else []
        what = f"{path} is a folder, not a file" if path.is_dir() else f"there is no shapes file {path}"
        raise ShapeError("H100", what, Location(str(path)), did_you_mean(path.name, known) or "give the path of a SHACL document") from None
