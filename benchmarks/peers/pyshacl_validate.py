"""Validate by pySHACL: pyshacl_validate.py DATA SHAPES; prints {"seconds", "results"} as JSON. Parsing is not counted."""

import json
import sys
import time

import pyshacl
import rdflib

SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")

data = rdflib.Graph().parse(sys.argv[1], format="nt")
shapes = rdflib.Graph().parse(sys.argv[2], format="turtle")
started = time.perf_counter()
_, report, _ = pyshacl.validate(data, shacl_graph=shapes)
written = report.serialize(format="turtle")
seconds = time.perf_counter() - started
results = [[str(report.value(one, SH.focusNode)), str(report.value(one, SH.sourceConstraintComponent))] for one in report.objects(None, SH.result)]
print(json.dumps({"seconds": seconds, "results": results}))
