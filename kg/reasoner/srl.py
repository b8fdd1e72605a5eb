"""Reading SPARQL-RL files into a program, with what they import.

An `IMPORTS <other.srl>` names a file beside the importing one (or a `file:` IRI); nothing is fetched from elsewhere.
A file that is reached twice is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlparse

from pyoxigraph import NamedNode

from kg.errors import Location, RuleError
from kg.reasoner.model import Program, Rule
from kg.sparql import algebra as a
from kg.sparql.parser import parse_rules


def load_program(
    paths: Sequence[str | Path], prefixes: Mapping[str, str] | None = None, base: str | None = None
) -> Program:
    """The rules of the files and of all they import, imported ones first.

    `prefixes` are known beforehand in every file; `base` resolves relative IRIs, by default each file's own address.
    Raises RuleError: R1xx for syntax, R220 for a file that cannot be read, R221 for an import from elsewhere.
    """
    rules: list[Rule] = []
    seen: dict[Path, None] = {}
    known: dict[str, str] = {}
    for path in paths:
        _load(Path(path), prefixes or {}, base, None, seen, rules, known)
    return Program(tuple(rules), tuple((known | dict(prefixes or {})).items()), tuple(str(path) for path in seen))


def parse_program(
    text: str, file: str | None = None, prefixes: Mapping[str, str] | None = None, base: str | None = None
) -> Program:
    """The program of one text. Raises RuleError R221 where it imports anything."""
    parsed = parse_rules(text, base, prefixes, file)
    for iri in parsed.imports:
        raise RuleError(
            "R221", f"a text without a file cannot import <{iri.value}>", Location(file), "load it from a file beside the imported one"
        )
    rules = tuple(_rules(parsed, text, file, base or "urn:rules:"))
    return Program(rules, parsed.prefixes, (file,) if file else ())


def _load(
    path: Path, prefixes: Mapping[str, str], base: str | None, importer: Path | None,
    seen: dict[Path, None], rules: list[Rule], known: dict[str, str],
) -> None:  # fmt: skip
    resolved = path.resolve()
    if resolved in seen:
        return
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(
            "R220", f"cannot read the rule file {path}: {getattr(error, 'strerror', None) or error}", Location(str(importer) if importer else None),
            "check the name; an import is looked for beside the file that imports it") from error  # fmt: skip
    seen[resolved] = None
    own_base = base or resolved.as_uri()
    parsed = parse_rules(text, own_base, prefixes, str(path))
    for iri in parsed.imports:
        _load(_imported_file(iri, path, own_base), prefixes, base, path, seen, rules, known)
    known.update(parsed.prefixes)
    rules.extend(_rules(parsed, text, str(path), base + path.stem if base else own_base))


def _imported_file(iri: NamedNode, importer: Path, base: str) -> Path:
    """The local file an import names: a `file:` IRI, or one relative to the base, looked for beside the importer."""
    if iri.value.startswith("file:"):
        return Path(unquote(urlparse(iri.value).path))
    folder = base.rsplit("/", 1)[0] + "/"
    if iri.value.startswith(folder):
        return importer.parent / unquote(iri.value[len(folder):])
    raise RuleError(
        "R221", f"{importer} imports <{iri.value}>, which is not a local file", Location(str(importer)),
        "copy the rules into a file beside this one and import that") # fmt: skip


def _rules(parsed: a.RuleSetText, text: str, file: str | None, base: str):
    lines = text.splitlines()
    starts = sorted(rule.position[0] for rule in parsed.rules if rule.position)
    if parsed.data:
        yield Rule(
            NamedNode(f"{base}#data"), parsed.data, (), location=Location(file), prefixes=parsed.prefixes, source=text,
            says=(("", f"stated in {file or 'the rules'}"),), states_data=True)  # fmt: skip
    for number, rule in enumerate(parsed.rules, 1):
        place = Location.in_text(text, *rule.position, file) if rule.position else Location(file)
        yield Rule(
            rule.iri or NamedNode(f"{base}#rule-{number}"), rule.head, rule.body, rule.data_only, rule.says,
            rule.annotations, place, _text_of(lines, rule.position, starts), parsed.prefixes, text)  # fmt: skip


def _text_of(lines: list[str], position: tuple[int, int] | None, starts: list[int]) -> str:
    """The lines of a rule, up to the next one, without the comments and blank lines that lead to it."""
    if position is None:
        return ""
    following = next((start for start in starts if start > position[0]), len(lines) + 1)
    own = lines[position[0] - 1 : following - 1]
    while own and (not own[-1].strip() or own[-1].lstrip().startswith("#")):
        own.pop()
    return "\n".join(own)
