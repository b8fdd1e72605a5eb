"""Blank nodes in heads: a fresh one for each rule and solution, the same one again when the rules run again.

Its label is made of the rule and the solution's term ids, so an unchanged solution keeps its node from build to build.
"""

from __future__ import annotations

import hashlib

from kg.reasoner.compile import BodyCompiler
from kg.reasoner.model import Rule, variables_of
from kg.reasoner.rows import Rows
from kg.reasoner.statement import Step
from kg.sparql import algebra as a
from kg.terms import TAG_BITS, TAG_BLANK


def named_blank_nodes(rule: Rule, number: int, rows: Rows, compiler: BodyCompiler) -> Rows:
    """The rows with a column for each blank node of the head; unchanged where the head has none."""
    nodes = sorted({v for head in rule.head for v in variables_of(head) if v.is_anonymous}, key=lambda v: v.name)
    if not nodes:
        return rows
    key = hashlib.sha256(f"{rule.iri.value}\n{rule.location}\n{rule.head}".encode()).hexdigest()[:12]
    bound = "".join(f" || '-' || x.{column}" for column in rows.columns.values())
    labels = [f"'r{key}n{i}'{bound}" for i in range(len(nodes))]
    table = f"rl_nodes_{number}"
    columns = rows.columns | {node: compiler.columns.of(a.Var(f"{node.name}/head")) for node in nodes}
    old = "".join(f"x.{column}, " for column in rows.columns.values())
    made = ", ".join(f"{label} AS label{i}" for i, label in enumerate(labels))
    step = Step(
        table,
        f"SELECT DISTINCT {old}{made} FROM ({rows.sql}) x",
        " UNION ALL ".join(f"SELECT {TAG_BLANK} AS tag, label{i} AS lex, '' AS extra FROM {table}" for i in range(len(nodes))),
    )
    joins = " ".join(
        f"JOIN dictionary d{i} ON d{i}.lex = x.label{i} AND d{i}.extra = '' AND d{i}.id >> {TAG_BITS} = {TAG_BLANK}"
        for i in range(len(nodes))
    )
    ids = ", ".join(f"d{i}.id AS {columns[node]}" for i, node in enumerate(nodes))
    return Rows(f"SELECT {old}{ids} FROM {table} x {joins}", columns, (*rows.steps, step))
