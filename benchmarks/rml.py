"""R2RML over CSV files as RML, which is how other engines want it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import rdflib

_RR = rdflib.Namespace("http://www.w3.org/ns/r2rml#")
_RML = rdflib.Namespace("http://semweb.mmlab.be/ns/rml#")
_QL = rdflib.Namespace("http://semweb.mmlab.be/ns/ql#")


def as_rml(mappings: Iterable[Path], tables: Path) -> str:
    """One Turtle document: rr:tableName "t" is the file t.csv in `tables`, rr:column a reference. ValueError at rr:sqlQuery."""
    rml = rdflib.Graph()
    for path in mappings:
        for subject, predicate, object_ in rdflib.Graph().parse(path, format="turtle"):
            if predicate == _RR.sqlQuery:
                raise ValueError(f"{path} has an rr:sqlQuery, which RML over CSV does not know")
            if predicate == _RR.logicalTable:
                predicate = _RML.logicalSource
            elif predicate == _RR.tableName:
                rml.add((subject, _RML.referenceFormulation, _QL.CSV))
                predicate, object_ = _RML.source, rdflib.Literal(str(tables / f"{object_}.csv"))
            elif predicate == _RR.column:
                predicate = _RML.reference
            rml.add((subject, predicate, object_))
    return rml.serialize(format="turtle")
