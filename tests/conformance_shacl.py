"""The W3C SHACL suite: runs its cases and compares reports, blank nodes apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, Triple

from kg.errors import KgError
from kg.shapes import ValidationReport, load_shapes, validate
from kg.shapes.document import ShapesDocument
from kg.shapes.vocabulary import FIRST, sh
from kg.store import Store, documents
from tests.conformance import SUITES, walk

_MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
_SHT = "http://www.w3.org/ns/shacl-test#"
_COMPARED = ("focusNode", "resultSeverity", "sourceConstraintComponent", "sourceShape", "sourceConstraint", "value")

# Cases that fail, each with the reason why it may.
FAILING: dict[str, str] = {}


@dataclass(frozen=True)
class ShaclCase:
    id: str
    node: NamedNode
    manifest: Path


def shacl_cases(part: str) -> list[ShaclCase]:
    """The cases of `core` or `sparql`; none where the suite is absent."""
    start = SUITES / "shacl" / part / "manifest.ttl"
    if not start.exists():
        return []
    found = [case for case in walk(start) if case.type == "Validate"]
    return [ShaclCase(f"{part}/{case.manifest.parent.name}/{case.id}", NamedNode(f"{case.manifest.parent.as_uri()}/{case.id}"), case.manifest) for case in found]


@cache
def problem_of(case: ShaclCase) -> str | None:
    """None where the case passes, else what went wrong."""
    manifest = _document(case.manifest)
    node = next(one for one in manifest.subjects(NamedNode(_MF + "result")) if one.value == case.node.value or one.value.endswith("/" + case.node.value.rpartition("/")[2]))
    (action,), (expected,) = manifest.values(node, NamedNode(_MF + "action")), manifest.values(node, NamedNode(_MF + "result"))
    (data,), (shapes,) = (manifest.values(action, NamedNode(_SHT + name)) for name in ("dataGraph", "shapesGraph"))
    try:
        with Store.memory() as store:
            documents.load(store, _path(data))
            report = validate(store, load_shapes(_path(shapes)))
    except KgError as error:
        return None if expected == NamedNode(_SHT + "Failure") else f"refused: {error}"
    if expected == NamedNode(_SHT + "Failure"):
        return "accepted, though it must fail"
    return _difference(report, manifest, expected)


@cache
def _document(path: Path) -> ShapesDocument:
    return ShapesDocument.read([path])


def _path(node: NamedNode) -> Path:
    return Path(node.value.removeprefix("file://"))


def _difference(report: ValidationReport, manifest: ShapesDocument, expected: BlankNode) -> str | None:
    has_messages = any(manifest.values(result, sh("resultMessage")) for result in manifest.values(expected, sh("result")))
    found_document = ShapesDocument()
    for triple in report.triples():
        found_document.add(triple)
    (found_report,) = found_document.subjects(sh("conforms"))
    found = _comparable(found_document, found_report, has_messages)
    wanted = _comparable(manifest, expected, has_messages)
    return None if found == wanted else f"found {found}\nexpected {wanted}"


def _comparable(document: ShapesDocument, report: BlankNode, has_messages: bool) -> list[str]:
    """What the suite compares of a report, blank nodes named canonically."""
    dataset = Dataset()
    conforms = document.values(report, sh("conforms"))[0]
    dataset.add(Quad(report, sh("conforms"), Literal(conforms.value in ("true", "1"))))
    for result in document.values(report, sh("result")):
        dataset.add(Quad(report, sh("result"), result))
        for name in (*_COMPARED, *(("resultMessage",) if has_messages else ())):
            for value in document.values(result, sh(name)):
                dataset.add(Quad(result, sh(name), value))
        for path in document.values(result, sh("resultPath")):
            dataset.add(Quad(result, sh("resultPath"), Literal(_path_text(document, path))))
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return sorted(str(quad) for quad in dataset)


def _path_text(document: ShapesDocument, node: Triple | NamedNode | BlankNode) -> str:
    if document.values(node, FIRST):
        return f"({' '.join(_path_text(document, member) for member in document.list(node, node, FIRST))})"
    described = sorted(f"{predicate} {_path_text(document, value)}" for predicate, values in document.properties[node].items() for value in values) if isinstance(node, BlankNode) else []
    return f"[{' '.join(described)}]" if described else str(node)


def run(part: str | None = None) -> tuple[int, int, dict[str, str]]:
    """(passed, total, {case: reason}) of one part, or of both."""
    found = shacl_cases(part) if part else [*shacl_cases("core"), *shacl_cases("sparql")]
    failed = [case.id for case in found if problem_of(case) is not None]
    return len(found) - len(failed), len(found), {case: FAILING.get(case, "not yet explained") for case in failed}
