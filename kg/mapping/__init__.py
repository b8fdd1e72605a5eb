"""R2RML: relational tables and files → encoded quads, with reports, rejects and the way back to the source rows."""

from kg.mapping.materialize import MappingReport, TriplesMapReport, fingerprint, materialize
from kg.mapping.parser import load_mapping, parse_mapping
from kg.mapping.sources import Source, Sources, load_sources, override, source_of_url
from kg.mapping.trace import SourceRow, rows_for, trace

__all__ = [
    "MappingReport",
    "Source",
    "SourceRow",
    "Sources",
    "TriplesMapReport",
    "fingerprint",
    "load_mapping",
    "load_sources",
    "materialize",
    "override",
    "parse_mapping",
    "rows_for",
    "source_of_url",
    "trace",
]
