"""The terms of an ontology as mappings need them: classes, properties with their ranges, labels in every language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from kg.errors import Location, MappingError
from kg.mapping.places import Places

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OWL = "http://www.w3.org/2002/07/owl#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
_CLASS = (OWL + "Class", RDFS + "Class")
_PROPERTY = {
    OWL + "ObjectProperty": "object", OWL + "DatatypeProperty": "data", OWL + "AnnotationProperty": "annotation", RDF + "Property": "any",
}  # fmt: skip
_LABELS = (RDFS + "label", SKOS + "prefLabel", SKOS + "altLabel")
# Words that no project declares itself.
WELL_KNOWN = (
    RDF, RDFS, OWL, SKOS, "http://www.w3.org/2001/XMLSchema#", "http://purl.org/dc/", "http://www.w3.org/ns/prov#", "http://www.w3.org/ns/shacl#",
    "http://xmlns.com/foaf/0.1/", "http://www.w3.org/2003/01/geo/wgs84_pos#", "http://www.opengis.net/ont/geosparql#", "http://schema.org/", "https://schema.org/",
)  # fmt: skip


@dataclass
class OntologyTerm:
    """A class or property; `kind` is class, or object, data, annotation or any (of a property whose kind is not said)."""

    iri: str
    kind: str
    labels: list[str] = field(default_factory=list)
    above: set[str] = field(default_factory=set)  # superclasses, superproperties
    domains: set[str] = field(default_factory=set)
    ranges: set[str] = field(default_factory=set)
    is_deprecated: bool = False
    location: Location | None = None


@dataclass
class Ontology:
    """The declared terms by IRI, and what the ontology's files say of individuals: the classes and properties in `asserted`."""

    terms: dict[str, OntologyTerm] = field(default_factory=dict)
    asserted: set[str] = field(default_factory=set)
    prefixes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Iterable[str | Path]) -> Ontology:
        """The terms of Turtle files; MappingError M101 where one is not Turtle."""
        self = cls()
        documents = [self._parse(Path(file)) for file in files]
        for triples, places in documents:
            for subject, predicate, object in triples:
                if predicate == RDF + "type" and object in (*_CLASS, *_PROPERTY):
                    kind = "class" if object in _CLASS else _PROPERTY[object]
                    term = self.terms.setdefault(subject, OntologyTerm(subject, kind, location=places.of(NamedNode(subject))))
                    if term.kind == "any":
                        term.kind = kind
        for triples, _ in documents:
            for triple in triples:
                self._say(*triple)
        return self

    def _parse(self, file: Path) -> tuple[list[tuple], Places]:
        text = file.read_text(encoding="utf-8")
        parser = parse(text, format=RdfFormat.TURTLE, base_iri=file.absolute().as_uri())
        try:
            triples = [(one.subject.value, one.predicate.value, one.object if isinstance(one.object, Literal) else getattr(one.object, "value", "")) for one in parser]
        except SyntaxError as error:
            location = Location.in_text(text, error.lineno, error.offset or 1, str(file)) if error.lineno else Location(str(file))
            raise MappingError("M101", f"this is not Turtle: {error.msg}", location, "correct the syntax") from error
        self.prefixes |= parser.prefixes
        return triples, Places(text, str(file), parser.prefixes, parser.base_iri)

    def _say(self, subject: str, predicate: str, object: str | Literal) -> None:
        term = self.terms.get(subject)
        self.asserted.add(predicate)
        if term is None:
            if predicate == RDF + "type" and isinstance(object, str):
                self.asserted.add(object)
            return
        if predicate in _LABELS and isinstance(object, Literal):
            term.labels.append(object.value)
        elif predicate == OWL + "deprecated":
            term.is_deprecated = isinstance(object, Literal) and object.value == "true"
        elif isinstance(object, str):
            {RDFS + "subClassOf": term.above, RDFS + "subPropertyOf": term.above, RDFS + "domain": term.domains, RDFS + "range": term.ranges}.get(predicate, set()).add(object)

    def classes(self) -> Iterator[OntologyTerm]:
        return (term for term in self.terms.values() if term.kind == "class")

    def properties(self) -> Iterator[OntologyTerm]:
        return (term for term in self.terms.values() if term.kind != "class")

    def with_above(self, iri: str) -> set[str]:
        """A term and all that is above it."""
        found, new = {iri}, [iri]
        while new:
            term = self.terms.get(new.pop())
            more = (term.above if term else set()) - found
            found |= more
            new += more
        return found

    def are_related(self, one: str, other: str) -> bool:
        """Whether one of two classes is the other or above it."""
        return one in self.with_above(other) or other in self.with_above(one)

    def ranges(self, iri: str) -> set[str]:
        """The ranges of a property and of those above it."""
        return {found for above in self.with_above(iri) if above in self.terms for found in self.terms[above].ranges}

    def short(self, iri: str) -> str:
        """The IRI as the ontology's files write it."""
        fitting = [(namespace, prefix) for prefix, namespace in self.prefixes.items() if namespace and iri.startswith(namespace)]
        if not fitting:
            return f"<{iri}>"
        namespace, prefix = max(fitting, key=lambda pair: len(pair[0]))
        return f"{prefix}:{iri[len(namespace):]}"
