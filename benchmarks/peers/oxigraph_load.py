"""Bulk-load an N-Triples file into a new Oxigraph store: oxigraph_load.py FILE STORE; prints the number of triples."""

import sys

import pyoxigraph

file, folder = sys.argv[1:]
store = pyoxigraph.Store(folder)
store.bulk_load(path=file, format=pyoxigraph.RdfFormat.N_TRIPLES)
store.flush()
print(len(store))
