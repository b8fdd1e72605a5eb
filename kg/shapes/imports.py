"""owl:imports of RDF documents: the local files that they name, and the files that those name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyoxigraph import NamedNode

from kg.shapes.document import ShapesDocument
from kg.shapes.vocabulary import OWL


def with_imports(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files with all local ones that they import, each once, and the IRIs of those elsewhere. ShapeError H100, H101.

    Relative IRIs are resolved against the file's own place.
    """
    found: dict[Path, Path] = {}
    elsewhere: dict[str, None] = {}
    waiting = list(files)
    while waiting:
        path = waiting.pop(0)
        if path.resolve() in found:
            continue
        found[path.resolve()] = path
        document = ShapesDocument.read([path])
        for properties in document.properties.values():
            for imported in properties.get(NamedNode(OWL + "imports"), ()):
                address = urlsplit(imported.value)
                if address.scheme == "file":
                    waiting.append(Path(unquote(address.path)))
                else:
                    elsewhere[imported.value] = None
    return list(found.values()), list(elsewhere)
