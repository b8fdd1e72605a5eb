"""Reading rule files of every kind, told apart by suffix and content, into one program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kg import reasoner
from kg.errors import Location, RuleError
from kg.reasoner import Program
from kg.rules.hierarchy import Hierarchy
from kg.rules.shacl import has_shacl_rules, shacl_program
from kg.rules.swrl_rdf import has_swrl_rules, swrl_program
from kg.rules.swrl_text import load_swrl
from kg.shapes.document import ShapesDocument

RDF_SUFFIXES = (".ttl", ".rdf", ".owl", ".nt", ".nq", ".trig", ".jsonld", ".xml", ".n3")


def load_rules(
    paths: Sequence[str | Path], prefixes: Mapping[str, str] | None = None, base: str | None = None, hierarchy: Hierarchy | None = None
) -> Program:
    """The rules of `.srl`, `.swrl` and RDF files (SHACL rules, SWRL in an ontology) as one program.

    `hierarchy` are the subclasses that the targets of SHACL rules take in: those that the data states.
    Raises RuleError or ShapeError with the place in the file; R222 for a file that has no rules.
    """
    text = [path for path in paths if Path(path).suffix.lower() == ".srl"]
    programs = [reasoner.load_program(text, prefixes, base)] if text else []  # together, for what they import
    programs += [_load(Path(path), prefixes or {}, base, hierarchy) for path in paths if path not in text]
    rules = tuple(rule for program in programs for rule in program.rules)
    known = {prefix: iri for program in programs for prefix, iri in program.prefixes} | dict(prefixes or {})
    return Program(rules, tuple(known.items()), tuple(file for program in programs for file in program.files))


def _load(path: Path, prefixes: Mapping[str, str], base: str | None, hierarchy: Hierarchy | None) -> Program:
    if path.suffix.lower() == ".swrl":
        return load_swrl(path, prefixes, base)
    if path.suffix.lower() in RDF_SUFFIXES:
        return _rdf_program(path, prefixes, base, hierarchy)
    raise RuleError(
        "R222", f"{path} has no suffix that tells what kind of rules it holds", Location(str(path)),
        f"name it .srl for SPARQL-RL, .swrl for SWRL, or {', '.join(RDF_SUFFIXES[:3])} for SHACL rules and SWRL in RDF")  # fmt: skip


def _rdf_program(path: Path, prefixes: Mapping[str, str], base: str | None, hierarchy: Hierarchy | None) -> Program:
    document = _document(path)
    own_base = f"{base}{path.stem}" if base else path.resolve().as_uri()
    found = []
    if has_shacl_rules(document):
        found.append(shacl_program(document, str(path), prefixes, hierarchy, own_base))
    if has_swrl_rules(document):
        found.append(swrl_program(document, str(path), prefixes, own_base))
    if not found:
        raise RuleError(
            "R222", f"{path} holds no rules: neither sh:rule nor swrl:Imp", Location(str(path)),
            "give a file with rules; shapes without rules are for kg validate")  # fmt: skip
    rules = tuple(rule for program in found for rule in program.rules)
    known = {prefix: iri for program in found for prefix, iri in program.prefixes}
    return Program(rules, tuple(known.items()), (str(path),))


def has_rules(path: Path) -> bool:
    """Whether an RDF file may hold rules, as far as its text tells; files without any are not parsed for them."""
    text = path.read_bytes()
    return (b"sh:rule" in text or b"ns/shacl#rule" in text) or (b"2003/11/swrl#" in text and b"Imp" in text)


def _document(path: Path) -> ShapesDocument:
    """An ontology may stand in Turtle under .owl too; OWL's own syntaxes are told from RDF."""
    if path.suffix.lower() != ".owl" or not path.is_file():
        return ShapesDocument.read([path])
    begin = path.read_bytes()[:20_000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<rdf:RDF" in begin:
        return ShapesDocument.read([path])
    for mark, name in ((b"<Ontology", "OWL/XML"), (b"Ontology(", "OWL functional syntax"), (b"Ontology:", "Manchester syntax")):
        if mark in begin:
            raise RuleError("R223", f"{path} is in {name}, not in RDF", Location(str(path)), "save it as RDF/XML or Turtle (in Protégé: File, Save as)")
    return ShapesDocument.read([path], format="turtle")
