"""Answer a query by Oxigraph: oxigraph_query.py STORE QUERY-FILE; prints {"seconds", "rows"} as JSON, terms as N-Triples text."""

import json
import sys
import time

import pyoxigraph

folder, file = sys.argv[1:]
with open(file, encoding="utf-8") as text:
    query = text.read()
store = pyoxigraph.Store.read_only(folder)
started = time.perf_counter()
solutions = store.query(query)
rows = [[str(term) if term is not None else None for term in solution] for solution in solutions]
print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))
