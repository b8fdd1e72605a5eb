"""R2RML and RML: tables, files and records → encoded quads, with reports, rejects and the way back to the source rows.

The mistakes that are refused, each a MappingError with its place and remedy:

    M100  the mapping file cannot be read            M200  sources.toml or an override is wrong
    M101  it is not Turtle                           M201  a file of a source does not exist
    M102  it has no triples map                      M202  a source has no such table
    M103  logical tables: none or several            M203  a table or query has no such column
    M104  a logical table without name and query     M204  a query fails, or is not one SELECT
    M105  subject maps: none or several              M205  a query has two columns of one name
    M106  not one of constant, column, template      M206  a kind of source that is not read
    M107  a term type that is not allowed there      M207  an environment variable is not set
    M108  a template that is not well formed         M208  a file that cannot be read as declared
    M109  a language tag that is none                M209  a reference formulation that is not read
    M110  language and datatype used wrongly         M210  a JSONPath or XPath that is wrong
    M111  an unknown rr: or rml: property            M211  a reference to an object or array
    M112  a map without predicate or object          M212  a database that cannot be reached, or refuses
    M113  a parent triples map that is not declared  M213  a database that goes away while it is read
    M114  an incomplete join condition               M301  strict mapping met a value that it must reject
    M115  a constant, class or node of the wrong kind M302  more rejects than max_rejects allows
    M116  a root or namespace that is wrong          M214  a file of changes that cannot be applied
    M117  a reference without join to other rows
    M118  a logical target that cannot be written
    M119  two triples maps of one name
    M120  a document that is not YARRRML
    M121  YARRRML without yatter, which reads it

`lint` finds more, which a mapping can be run with:

    M401 a class or property that the ontology lacks      M405 values that are not of their datatype
    M402 a word used for what it is not                   M406 a join that compares unlike columns
    M403 templates of unlike things that collide          M407 two triples maps of one name
    M404 a datatype that is not the property's range      M408 a class or property that nothing makes
"""

from kg.mapping import changes
from kg.mapping.bootstrap import bootstrap
from kg.mapping.frames import sources_of
from kg.mapping.lint import lint
from kg.mapping.materialize import MappingReport, SourceReport, TriplesMapReport, fingerprint, materialize
from kg.mapping.ontology import Ontology
from kg.mapping.parser import load_mapping, parse_mapping
from kg.mapping.preview import PreviewRow, TriplesMapPreview, prefixes_of, preview
from kg.mapping.source import Source
from kg.mapping.sources import Sources, load_sources, override, source_of_url
from kg.mapping.trace import SourceRow, Tracer, rows_for, trace

__all__ = [
    "MappingReport",
    "Ontology",
    "PreviewRow",
    "Source",
    "SourceReport",
    "SourceRow",
    "Sources",
    "Tracer",
    "TriplesMapPreview",
    "TriplesMapReport",
    "bootstrap",
    "changes",
    "fingerprint",
    "lint",
    "load_mapping",
    "load_sources",
    "materialize",
    "override",
    "parse_mapping",
    "prefixes_of",
    "preview",
    "rows_for",
    "source_of_url",
    "sources_of",
    "trace",
]
