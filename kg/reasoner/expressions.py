"""The door to the query compiler: expressions over rows of term ids, and whole patterns as rows.

A row's column is an ID value of the compiler; `tags` narrow the kinds of term that it may hold, which spares look-ups in
the dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from kg.sparql import algebra as a
from kg.store import Store
from kg.sql import encoding


@dataclass
class Expressions:
    store: Store
    tags: dict = field(default_factory=dict)

    def filter(self, rows, conditions):
        from kg.reasoner.compile import Rows
        conds = []
        for c in conditions:
            def side(n):
                if isinstance(n, a.Var):
                    return encoding.decimal_value("x." + rows.columns[n])
                return n.value + "::DECIMAL(38,18)"
            def ids(n):
                if isinstance(n, a.Var):
                    return "x." + rows.columns[n]
                return str(self.store.encode([n])[0])
            if c.name == "!=":
                conds.append(f"{ids(c.args[0])} <> {ids(c.args[1])}")
            else:
                conds.append(f"{side(c.args[0])} {c.name} {side(c.args[1])}")
        return Rows(f"SELECT x.* FROM ({rows.sql}) x WHERE {' AND '.join(conds)}", rows.columns, rows.steps)
