"""Answer queries by rdflib over an N-Triples file: rdflib_mix.py FILE CAP QUERY-FILE…; prints a line of JSON for all of them.

Each query is {"seconds", "rows"}, terms as N-Triples text; rows is null where CAP seconds were not enough.
"""

import json
import signal
import sys
import time

import rdflib


class TooLong(Exception):
    pass


def give_up(*_):
    raise TooLong


def main(data, cap, *files):
    graph = rdflib.Graph()
    graph.parse(data, format="nt")
    signal.signal(signal.SIGALRM, give_up)
    found = {}
    for file in files:
        with open(file, encoding="utf-8") as text:
            query = text.read()
        started, rows = time.perf_counter(), None
        signal.setitimer(signal.ITIMER_REAL, float(cap))
        try:
            rows = [[None if term is None else term.n3() for term in row] for row in graph.query(query)]
        except TooLong:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        found[file] = {"seconds": time.perf_counter() - started, "rows": rows}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
