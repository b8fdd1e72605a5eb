"""Validate by pyrudof: pyrudof_validate.py DATA SHAPES; prints {"seconds", "results"} as JSON. Parsing is not counted."""

import json
import sys
import time

import pyrudof

rudof = pyrudof.Rudof(pyrudof.RudofConfig())
rudof.read_data(sys.argv[1], format=pyrudof.RDFFormat.NTriples)
rudof.read_shacl(sys.argv[2])
started = time.perf_counter()
report = rudof.validate_shacl()
written = rudof.serialize_shacl_validation_results(format=pyrudof.ResultShaclValidationFormat.Turtle)
seconds = time.perf_counter() - started
import pyoxigraph  # noqa: E402 - to read the report

sh = "http://www.w3.org/ns/shacl#"
found: dict[object, dict[str, str]] = {}
for quad in pyoxigraph.parse(written.encode(), format=pyoxigraph.RdfFormat.TURTLE):
    if quad.predicate.value in (sh + "focusNode", sh + "sourceConstraintComponent"):
        found.setdefault(quad.subject, {})[quad.predicate.value.removeprefix(sh)] = quad.object.value
print(json.dumps({"seconds": seconds, "results": [[one["focusNode"], one["sourceConstraintComponent"]] for one in found.values()]}))
