"""Answer queries by rdflib over an N-Triples file: rdflib_mix.py FILE CAP QUERY-FILE…; prints a line of JSON for all of them.

Each query is {"seconds", "processor", "rows"}, terms as N-Triples text; rows is null where CAP seconds of processor time were not enough.
What is done so far is told on standard error.
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
    print(f"{len(graph)} triples after {time.process_time():.0f} s", file=sys.stderr, flush=True)
    signal.signal(signal.SIGPROF, give_up)
    found = {}
    for file in files:
        with open(file, encoding="utf-8") as text:
            query = text.read()
        started, processor, rows = time.perf_counter(), time.process_time(), None
        signal.setitimer(signal.ITIMER_PROF, float(cap))
        try:
            rows = [[None if term is None else term.n3() for term in row] for row in graph.query(query)]
        except TooLong:
            pass
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        found[file] = {"seconds": time.perf_counter() - started, "processor": time.process_time() - processor, "rows": rows}
        print(file, f"{found[file]['processor']:.3f}", "stopped" if rows is None else len(rows), file=sys.stderr, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
