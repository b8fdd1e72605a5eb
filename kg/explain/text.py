"""A proof as indented text and as JSON-ready members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kg.explain.words import WORDS


def lines(proof: Any, indent: int, language: str) -> list[str]:
    """One fact a line, each two spaces further in than what it supports."""
    words, pad = WORDS[language], "  " * indent
    told = _inferred(proof, indent, language) if proof.kind == "inferred" else _leaf(proof, pad, language)
    if proof.kind == "skipped":
        told += lines(proof.premises[0], indent, language)
    for number, other in enumerate(proof.others, start=2):
        told.append(f"{pad}{words['other'].format(number=number)}")
        told += lines(other, indent + 1, language)
    return told


def _leaf(proof: Any, pad: str, language: str) -> list[str]:
    words, fact = WORDS[language], proof.names.triple(proof.triple, language)
    if proof.kind == "skipped":
        return [f"{pad}{words['skipped'].format(count=proof.skipped)}"]
    if proof.kind in ("repeated", "cut"):
        return [pad + words["aside"].format(what=fact, aside=words["above" if proof.kind == "repeated" else "deeper"])]
    where = ", ".join(proof.names.graph(graph) or words["default"] for graph in proof.graphs)
    return [pad + words["aside"].format(what=fact, aside=words["asserted"].format(graph=where)), *(f"{pad}  ← {row_text(row, words)}" for row in proof.sources)]


def _inferred(proof: Any, indent: int, language: str) -> list[str]:
    words, names, pad = WORDS[language], proof.names, "  " * indent
    said, fact = sentence(proof, language), names.triple(proof.triple, language)
    told = [pad + words["aside"].format(what=said or fact, aside=author(proof, words))]
    if said and not said.startswith(fact):
        told.append(f"{pad}  = {fact}")
    told += [f"{pad}  {words['test'].format(test=test)}" for test in proof.reasons(language)]
    if proof.method:
        told.append(f"{pad}  {words['method'].format(method=proof.method.get(language) or proof.method['en'])}")
        told += [f"{pad}  ← {row_text(row, words)}" for row in proof.sources]
    for what, data_only in proof.absences(language):
        told.append(f"{pad}  {words['absent_data' if data_only else 'absent'].format(what=what)}")
    for premise in proof.premises:
        told += lines(premise, indent + 1, language)
    for total in proof.totals:
        told.append(f"{pad}  {words['test'].format(test=total.text)}")
        for part in total.parts:
            if part.value is not None:
                told.append(f"{pad}    {part.value}:")
            for premise in part.premises:
                told += lines(premise, indent + 3, language)
        if total.left_out:
            told.append(f"{pad}    {words['more'].format(count=total.left_out)}")
    return told


def author(proof: Any, words: Mapping[str, str]) -> str:
    """Who concluded it: a rule, or a measure."""
    return words["measure" if proof.method else "rule"].format(rule=proof.rule_name.removeprefix("rule:"))


def sentence(proof: Any, language: str = "en") -> str | None:
    """The rule's sentence in a language, else in the one without a tag, else in any."""
    says = proof.says or {}
    return says.get(language) or says.get("") or next(iter(says.values()), None)


def row_text(row: Any, words: Mapping[str, str]) -> str:
    place = row.file or row.table
    if row.line is not None:
        place = words["line"].format(file=place, line=row.line)
    elif row.record is not None:
        place = words["record"].format(file=place, record=row.record)
    columns = ", ".join(f"{name}={value}" for name, value in row.columns.items() if value is not None)
    return words["row"].format(place=place, columns=columns)


# How deep members are nested: readers and writers of JSON have limits.
_DEEPEST = 40


def as_dict(proof: Any) -> dict[str, Any]:
    """The tree as members of a JSON object; empty ones are left out. What lies deeper stands in `steps` of the whole."""
    steps: list[Any] = []
    found = _as_dict(proof, 0, steps)
    told = []
    while len(told) < len(steps):  # each may add further ones
        told.append(_as_dict(steps[len(told)], 0, steps))
    return found | ({"steps": told} if told else {})


def _as_dict(proof: Any, depth: int, steps: list[Any]) -> dict[str, Any]:
    triple = proof.triple
    members: dict[str, Any] = {
        "subject": str(triple.subject),
        "predicate": str(triple.predicate),
        "object": str(triple.object),
        "text": proof.names.triple(triple),
        "kind": proof.kind,
    }
    if depth == _DEEPEST and proof.kind == "inferred":
        steps.append(proof)
        return members | {"kind": "continued", "step": len(steps) - 1}

    def below(proofs: Iterable[Any]) -> list[dict[str, Any]]:
        return [_as_dict(one, depth + 1, steps) for one in proofs]

    members |= {
        "graphs": list(proof.graphs),
        "rule": proof.rule,
        "ruleName": proof.rule_name,
        "ruleText": proof.rule_text,
        "rulePlace": proof.rule_place,
        "round": proof.round,
        "method": dict(proof.method or {}),
        "says": dict(proof.says or {}),
        "bindings": {name: str(value) for name, value in (proof.bindings or {}).items()},
        "tests": list(proof.tests),
        "absent": [
            {"patterns": [proof.names.triple(pattern) for pattern in absent.patterns], "conditions": list(absent.conditions), "text": text, "inputOnly": data_only}
            for absent, (text, data_only) in zip(proof.absent, proof.absences(), strict=True)
        ],
        "premises": below(proof.premises),
        "totals": [
            {
                "function": total.function,
                "value": None if total.value is None else str(total.value),
                "text": total.text,
                "parts": [
                    {"value": None if part.value is None else str(part.value), "premises": below(part.premises)} for part in total.parts
                ],
                **({"leftOut": total.left_out} if total.left_out else {}),
            }
            for total in proof.totals
        ],
        "sources": [
            {"file": row.file, "line": row.line, "record": row.record, "table": row.table, "columns": dict(row.columns)} for row in proof.sources
        ],
        "others": below(proof.others),
    }
    return {name: value for name, value in members.items() if value not in (None, [], {}, ())}
