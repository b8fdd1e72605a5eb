"""Company control by clingo: clingo_control.py STAKES.csv DAY; prints {"seconds", "controls"} as JSON.

The same least fixpoint as rules/bank/control.srl: a party commands its own stakes and those of the companies that it
controls, and controls a company when the stakes it commands have more than half of the votes.
"""

import csv
import json
import sys
import time
from decimal import Decimal

import clingo

PROGRAM = """
commands(P,S) :- stake(S,P,_,_).
commands(P,S) :- controls(P,B), stake(S,B,_,_).
controls(P,C) :- commands(P,X), stake(X,_,C,_), P != C, #sum { V,S : commands(P,S), stake(S,_,C,V) } > 50000000.
#show controls/2.
"""


def main(path: str, day: str) -> None:
    facts = []
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["from_date"] <= day and (not row["to_date"] or row["to_date"] >= day):
                holder = f"e{row['holder_enterprise_id']}" if row["holder_enterprise_id"] else f"p{row['holder_person_id']}"
                votes = int(Decimal(row["voting_percent"]) * 1_000_000)
                facts.append(f"stake({row['id']},{holder},e{row['company_id']},{votes}).")
    control = clingo.Control(["--warn=none"])
    control.add("base", [], PROGRAM + "\n".join(facts))
    controls: list[list[str]] = []
    started = time.perf_counter()
    control.ground([("base", [])])
    control.solve(on_model=lambda model: controls.extend([str(a) for a in atom.arguments] for atom in model.symbols(shown=True)))
    print(json.dumps({"seconds": time.perf_counter() - started, "controls": controls}))


if __name__ == "__main__":
    main(*sys.argv[1:])
