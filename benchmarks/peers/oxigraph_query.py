"""Answer a query by Oxigraph: oxigraph_query.py STORE QUERY-FILE [CAP]; prints {"seconds", "processor", "rows"} as JSON, terms as N-Triples text.

With CAP, the query is ended after so many seconds of processor time, and `rows` is null.
"""

import json
import os
import signal
import sys
import time


def answer(folder, file):
    import pyoxigraph

    with open(file, encoding="utf-8") as text:
        query = text.read()
    store = pyoxigraph.Store.read_only(folder)
    started, processor = time.perf_counter(), time.process_time()
    rows = [[str(term) if term is not None else None for term in solution] for solution in store.query(query)]
    print(json.dumps({"seconds": time.perf_counter() - started, "processor": time.process_time() - processor, "rows": rows}))


def main(folder, file, cap=None):
    if cap is None:
        return answer(folder, file)
    child = os.fork()
    if not child:  # a signal ends a query only from outside: Python sees none while Oxigraph works
        signal.setitimer(signal.ITIMER_PROF, float(cap))
        return answer(folder, file)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGPROF:
        print(json.dumps({"seconds": float(cap), "processor": float(cap), "rows": None}))
    elif status:
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
