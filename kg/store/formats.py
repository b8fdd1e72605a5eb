"""The RDF syntaxes that are read and written, by name, by file suffix and by media type; gzip on top of each."""

from __future__ import annotations

from pathlib import PurePath

from pyoxigraph import RdfFormat

from kg.errors import DataError, Location, did_you_mean

GZIP_MAGIC = b"\x1f\x8b"

_NAMES = {
    RdfFormat.TURTLE: ("turtle", "ttl"),
    RdfFormat.TRIG: ("trig",),
    RdfFormat.N_TRIPLES: ("ntriples", "nt", "n-triples"),
    RdfFormat.N_QUADS: ("nquads", "nq", "n-quads"),
    RdfFormat.RDF_XML: ("rdfxml", "rdf", "xml", "owl", "rdf/xml"),
    RdfFormat.JSON_LD: ("jsonld", "json-ld", "json"),
}
BY_NAME = {name: rdf_format for rdf_format, names in _NAMES.items() for name in names}
_SUFFIXES = {f".{name}": rdf_format for name, rdf_format in BY_NAME.items() if "-" not in name and "/" not in name}
_EXAMPLES = "turtle, trig, ntriples, nquads, rdfxml, jsonld"


def format_of(name: str | RdfFormat | None, path: PurePath | None) -> RdfFormat:
    """The syntax that is named ("ttl", "text/turtle"), else the one that the path's suffix tells, ".gz" left out.

    >>> format_of(None, PurePath("data.nq.gz")).name
    'N-Quads'
    """
    if isinstance(name, RdfFormat):
        return name
    if name is not None:
        found = BY_NAME.get(name.lower().strip().removeprefix(".")) or RdfFormat.from_media_type(name)
        if found is None:
            raise DataError("D103", f"{name!r} is not an RDF syntax", help=did_you_mean(name, BY_NAME) or f"known: {_EXAMPLES}")
        return found
    if path is None:
        raise DataError("D103", "the RDF syntax is not given", help=f"name the format: {_EXAMPLES}")
    suffix = (path.with_suffix("") if is_gzip_name(path) else path).suffix.lower()
    found = _SUFFIXES.get(suffix)
    if found is None:
        guess = did_you_mean(suffix, _SUFFIXES) if suffix else None
        raise DataError(
            "D103", f"the suffix of {path.name} tells no RDF syntax", Location(str(path)),
            help=guess or f"name the format: {_EXAMPLES}",
        )  # fmt: skip
    return found


def is_gzip_name(path: PurePath) -> bool:
    return path.suffix.lower() == ".gz"
