"""R2RML: relational tables and files → encoded quads, with reports, rejects and the way back to the source rows."""

from kg.mapping.materialize import MappingReport, TriplesMapReport, fingerprint, materialize
from kg.mapping.parser import load_mapping, parse_mapping
from kg.mapping.sources import Source, Sources, load_sources, override, source_of_url

__all__ = [
    "MappingReport",
    "Source",
    "Sources",
    "TriplesMapReport",
    "fingerprint",
    "load_mapping",
    "load_sources",
    "materialize",
    "override",
    "parse_mapping",
    "source_of_url",
]
