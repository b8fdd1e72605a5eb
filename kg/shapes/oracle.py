"""pySHACL over the same graphs: a second opinion, slow and independent."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

from kg.errors import ShapeError
from kg.store import Store, documents


def by_pyshacl(
    store: Store, shapes: Sequence[str | Path], format: str = "table", allow: str | None = None, abort: bool = False
) -> tuple[bool, bytes]:
    """(whether the store conforms, the report as pySHACL's text, as json, or in an RDF syntax)."""
    try:
        import pyshacl
        import rdflib
    except ImportError:
        raise ShapeError("H120", "pySHACL is not installed", help="pip install pyshacl, or leave --engine out") from None
    with Store.memory() as shapes_store:
        for path in shapes:
            documents.load(shapes_store, path)
        data_graph, shapes_graph = (rdflib.Graph().parse(data=_n_triples(one), format="nt") for one in (store, shapes_store))
    conforms, report, text = pyshacl.validate(
        data_graph, shacl_graph=shapes_graph, advanced=True, abort_on_first=abort, allow_infos=allow is not None, allow_warnings=allow == "warning"
    )
    if format == "json":
        return conforms, (json.dumps({"conforms": conforms, "text": text}, ensure_ascii=False, indent=1) + "\n").encode()
    if format in ("table", "human"):
        return conforms, text.encode()
    return conforms, report.serialize(format={"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}.get(format, format), encoding="utf-8")


def _n_triples(store: Store) -> bytes:
    text = io.BytesIO()
    documents.dump(store, text, format="nt")
    return text.getvalue()
