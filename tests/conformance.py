"""Walks the manifests of the public conformance suites and yields their cases.

The suites lie in `KG_CONFORMANCE`, by default `../shared/conformance` beside the repository. A driver is a parametrized test:

    @pytest.mark.parametrize("case", cases("sparql11/syntax-query/manifest.ttl"))
    def test_…(case): …

Where the suites are absent, there is one parameter that skips with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Store

_HERE = Path(__file__).parents[1]
_PLACES = [_HERE / "../shared/conformance", _HERE / "../../shared/conformance"]  # a git worktree lies one folder deeper
_GIVEN = os.environ.get("KG_CONFORMANCE")
SUITES = Path(_GIVEN) if _GIVEN else next((place for place in _PLACES if place.exists()), _PLACES[0]).resolve()

_MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TYPE, _FIRST, _REST, _NIL = (NamedNode(_RDF + name) for name in ("type", "first", "rest", "nil"))

Description = str | Path | dict[str, list] | list


@dataclass(frozen=True)
class Case:
    """One test. `type` is the local name of its class (`QueryEvaluationTest`).

    A node is described as: a Path for a file of the suite, a str for another IRI or a literal, a list for an RDF list, and for
    a blank node a dict from each property's local name to the list of its values: `case.action["query"][0]`.
    `properties` describes the case's node itself, `action` and `result` are its first `mf:action` and `mf:result`.
    """

    id: str
    name: str
    type: str
    properties: dict[str, list]
    manifest: Path

    @property
    def action(self) -> Description | None:
        return self.properties.get("action", [None])[0]

    @property
    def result(self) -> Description | None:
        return self.properties.get("result", [None])[0]


def graph_data(description: dict[str, list]) -> list[tuple[str, Path]]:
    """The (graph name, file) pairs of `qt:graphData` or `ut:graphData`; an unlabelled file is named by its address."""
    pairs = []
    for item in description.get("graphData", []):
        if isinstance(item, dict):
            file = (item.get("graph") or item["data"])[0]
            pairs.append((item["label"][0], file))
        else:
            pairs.append((item.as_uri(), item))
    return pairs


def read(path: Path) -> str:
    """The text of a suite's file, its line ends kept."""
    return path.read_bytes().decode("utf-8")


def cases(manifest: str, *types: str) -> list:
    """Pytest parameters for the cases of a manifest and all that it includes, only of `types` where any are given."""
    path = SUITES / manifest
    if not path.exists():
        reason = f"no conformance suite at {path} (set KG_CONFORMANCE)"
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    found = [case for case in walk(path) if not types or case.type in types]
    return [pytest.param(case, id=f"{case.manifest.parent.name}/{case.id}") for case in found]


def walk(manifest: Path) -> Iterator[Case]:
    """The cases of `manifest` in its order, those of included manifests first."""
    graph = _load(manifest)
    for include in _objects(graph, None, _MF + "include"):  # some manifests call themselves <>, some <#>
        for item in _list(graph, include) if _objects(graph, include, _FIRST.value) or include == _NIL else [include]:
            yield from walk(_path(item))
    for entries in _objects(graph, None, _MF + "entries"):
        for node in _list(graph, entries):
            yield _case(graph, node, manifest)


@cache
def _load(manifest: Path) -> Store:
    graph = Store()
    graph.load(manifest.read_bytes(), RdfFormat.TURTLE, base_iri=manifest.as_uri())
    return graph


def _case(graph: Store, node: NamedNode, manifest: Path) -> Case:
    properties = _properties(graph, node)
    kind = next(iter(_objects(graph, node, _TYPE.value)))
    name = properties.get("name") or [node.value]
    return Case(_local(node.value), name[0], _local(kind.value), properties, manifest)


def _properties(graph: Store, node: NamedNode | BlankNode) -> dict[str, list]:
    found: dict[str, list] = {}
    for quad in graph.quads_for_pattern(node, None, None, None):
        if quad.predicate != _TYPE:
            found.setdefault(_local(quad.predicate.value), []).append(_describe(graph, quad.object))
    return found


def _describe(graph: Store, node: NamedNode | BlankNode | Literal) -> Description:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, NamedNode):
        if node == _NIL:
            return []
        return _path(node) if node.value.startswith("file:") and "#" not in node.value else node.value
    if _objects(graph, node, _FIRST.value):
        return [_describe(graph, item) for item in _list(graph, node)]
    return _properties(graph, node)


def _list(graph: Store, node: NamedNode | BlankNode) -> list:
    items = []
    while node != _NIL:
        items += _objects(graph, node, _FIRST.value)
        (node,) = _objects(graph, node, _REST.value)
    return items


def _objects(graph: Store, subject: NamedNode | BlankNode | None, predicate: str) -> list:
    return [quad.object for quad in graph.quads_for_pattern(subject, NamedNode(predicate), None, None)]


def _path(node: NamedNode) -> Path:
    return Path(unquote(urlparse(node.value).path))


def _local(iri: str) -> str:
    return iri.rstrip("/").replace("#", "/").rsplit("/", 1)[-1]
