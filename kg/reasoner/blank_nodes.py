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
    labels = label_parts(rule, rows)
    if not labels:
        return rows
    nodes = list(labels)
    table = f"rl_nodes_{number}"
    columns = rows.columns | {node: compiler.columns.of(a.Var(f"{node.name}/head")) for node in nodes}
    old = "".join(f"x.{column}, " for column in rows.columns.values())
    made = ", ".join(f"{label} AS label{i}" for i, label in enumerate(labels.values()))
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


def label_parts(rule: Rule, rows: Rows) -> dict[a.Var, str]:
    """For each blank node of the head, SQL of its label over the rows `x`."""
    nodes = sorted({v for head in rule.head for v in variables_of(head) if v.is_anonymous}, key=lambda v: v.name)
    key = hashlib.sha256(f"{rule.iri.value}\n{rule.location.line}\n{rule.head}".encode()).hexdigest()[:12]
    ordered = sorted((v for v in rows.columns if not v.is_anonymous), key=lambda v: v.name)
    ordered += sorted((v for v in rows.columns if v.is_anonymous and v not in nodes), key=lambda v: v.name)
    bound = "".join(f" || '-' || x.{rows.columns[v]}" for v in ordered)
    return {node: f"'r{key}n{i}'{bound}" for i, node in enumerate(nodes)}
