"""A measure's file: a SPARQL query under a header that names an algorithm, its parameters, and what is written of its results.

    #+ measure: Reach in the garden            what it is called, in English; measure@zh: in Chinese
    #+ algorithm: pagerank                     one of kg.analytics.algorithms()
    #+ set: damping=0.85                       a parameter's value …
    #+ set: least={ g:isWidelyReached g:means ?value }    … or the ?value of a graph pattern: thresholds stay facts
    #+ writes: g:hasReach                      a property, or triples with the algorithm's results as variables
    #+ says: {node} has a reach of {value}     the sentence of the explanation; says@zh: in Chinese
    #+ optional: yes                           where there is nothing to measure or to learn from, a warning instead of an error
    #+ word: height=height in metres           what a feature is called; word@zh: in Chinese
    SELECT ?source ?target WHERE { … }         the columns that the algorithm asks for

In `writes`, `?result` is an IRI made from what tells the results apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from hashlib import sha256

from pyoxigraph import NamedNode

from kg.analytics.model import Algorithm
from kg.analytics.registry import find
from kg.errors import KgError, Location, MeasureError, did_you_mean
from kg.project import ContentFile, Project
from kg.sparql.algebra import Construct, Link, Select, TriplePattern, Var
from kg.sparql.parser import parse_header, parse_query
from kg.terms import RDF_TYPE

# Part of every fingerprint: raise it when the same rows lead to other triples.
_ENGINE = "1"
_KEYS = ("measure", "algorithm", "set", "writes", "says", "word", "optional", "note")
RESULT = "result"


@dataclass(frozen=True)
class Measure:
    """A measure as its file says it; `settings` are the parameters' texts, `writes` the triples with results as variables."""

    domain: str
    name: str
    file: str
    text: str
    algorithm: Algorithm
    titles: Mapping[str, str]
    notes: Mapping[str, str]
    settings: Mapping[str, str]
    writes: tuple[TriplePattern, ...]
    says: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    query: Select
    base: str
    prefixes: Mapping[str, str] = field(default_factory=dict)
    is_optional: bool = False

    @property
    def key(self) -> str:
        return f"{self.domain}/{self.name}"

    @property
    def owner(self) -> str:
        return f"measure:{self.key}"

    @property
    def graph(self) -> str:
        """The graph of its results; what is to be said of the run stands in the graph `run_graph`."""
        return f"{self.base}graph/measure/{self.key}"

    @property
    def run_graph(self) -> str:
        return f"{self.graph}/run"

    def title(self, language: str = "en") -> str:
        return self.titles.get(language) or self.titles.get("en") or self.name

    def place(self, word: str | None = None) -> Location:
        """The file, or the header line that begins with a word."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if word and line.startswith("#+") and line[2:].lstrip().startswith(word):
                return Location(self.file, number, 1, line)
        return Location(self.file)

    def digest(self) -> str:
        """Changes with the text and with the algorithm's version."""
        return sha256(repr((_ENGINE, self.text, self.algorithm.name, self.algorithm.version, self.base, sorted(self.prefixes.items()))).encode()).hexdigest()[:24]

    def reads(self) -> set[str] | None:
        """The properties that the query looks at, and the classes of which it asks; None where it may look at any."""
        found: set[str] = set()
        for node in _nodes(self.query):
            predicate = node.predicate if isinstance(node, TriplePattern) else node.iri if isinstance(node, Link) else None
            if isinstance(predicate, Var):
                return None
            if isinstance(predicate, NamedNode):
                found.add(predicate.value)
            if isinstance(node, TriplePattern) and isinstance(node.object, NamedNode) and node.predicate == NamedNode(RDF_TYPE):
                found.add(node.object.value)
        return found

    def written(self) -> set[str]:
        """The properties that it writes, and the classes."""
        return {
            term.value for triple in self.writes for term in (triple.predicate, triple.object)
            if isinstance(term, NamedNode) and term.value != RDF_TYPE and (term is triple.predicate or triple.predicate == NamedNode(RDF_TYPE))
        }  # fmt: skip


def _nodes(node: object) -> Iterator[object]:
    """The dataclasses within an algebra."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (tuple, list)):
            stack.extend(item)
        elif is_dataclass(item):
            yield item
            stack.extend(vars(item).values())


def read(project: Project, file: ContentFile) -> Measure:
    """Read a measure's file.

    MeasureError A101 for a wrong header line, A102 for an unknown algorithm, A103 for a parameter that is not the algorithm's
    or is missing, A104 for columns that are not those it asks for, A105 for what it writes.
    """
    text = file.path.read_text(encoding="utf-8")
    place = project.relative(file.path)
    header = {key: values if isinstance(values, list) else [values] for key, values in parse_header(text).items()}
    at = _Header(text, place)
    for key in header:
        if key.partition("@")[0] not in _KEYS:
            raise MeasureError("A101", f"unknown header line #+ {key}:", at.line(key), did_you_mean(key, _KEYS) or f"known are {', '.join(_KEYS)}")
    for key in ("algorithm", "writes"):
        if key not in header:
            raise MeasureError("A101", f"the header has no line #+ {key}:", Location(place), f"add #+ {key}: … at the top of the file")
    try:
        algorithm = find(header["algorithm"][0])
    except MeasureError as error:
        error.location = at.line("algorithm")
        raise
    settings = _assignments(header.get("set", []), "set", at)
    _check_settings(algorithm, settings, at)
    query = parse_query(text, project.base, project.prefixes, place)
    _check_columns(algorithm, query, place)
    words: dict[str, dict[str, str]] = {}
    for key, lines in header.items():
        if key.partition("@")[0] == "word":
            for name, called in _assignments(lines, key, at).items():
                words.setdefault(name, {})[key.partition("@")[2] or "en"] = called
    measure = Measure(
        file.domain, file.name, place, text, algorithm, _by_language(header, "measure"), _by_language(header, "note"), settings,
        _template(" ".join(header["writes"]), algorithm, text, project, at), _by_language(header, "says"), words, query, project.base, project.prefixes,
        _is_yes(header.get("optional", ["no"])[0], at),
    )  # fmt: skip
    if own := measure.written() & (measure.reads() or set()):
        raise MeasureError("A105", f"the measure reads what it writes: <{sorted(own)[0]}>", at.line("writes"), "write another property")
    return measure


@dataclass(frozen=True)
class _Header:
    text: str
    file: str

    def line(self, word: str) -> Location:
        for number, line in enumerate(self.text.splitlines(), start=1):
            if line.startswith("#+") and line[2:].lstrip().startswith(word):
                return Location(self.file, number, 1, line)
        return Location(self.file)


def _by_language(header: Mapping[str, list[str]], word: str) -> dict[str, str]:
    return {key.partition("@")[2] or "en": " ".join(values) for key, values in header.items() if key.partition("@")[0] == word}


def _assignments(lines: list[str], word: str, at: _Header) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals:
            raise MeasureError("A101", f"#+ {word}: wants name=value, not {line}", at.line(word))
        pairs[name.strip()] = value.strip()
    return pairs


def _is_yes(text: str, at: _Header) -> bool:
    if text not in ("yes", "no"):
        raise MeasureError("A101", f"#+ optional: is yes or no, not {text}", at.line("optional"))
    return text == "yes"


def _check_settings(algorithm: Algorithm, settings: Mapping[str, str], at: _Header) -> None:
    known = {parameter.name: parameter for parameter in algorithm.parameters}
    for name in settings:
        if name not in known:
            help = did_you_mean(name, known) or f"it takes {', '.join(known) or 'none'}"
            raise MeasureError("A103", f"{algorithm.name} has no parameter {name}", at.line("set"), help)
    for parameter in algorithm.parameters:
        if parameter.default is None and parameter.name not in settings:
            raise MeasureError("A103", f"{algorithm.name} needs a value for {parameter.name}: {parameter.says}", at.line("algorithm"), f"add #+ set: {parameter.name}=…")


def _check_columns(algorithm: Algorithm, query: object, place: str) -> None:
    if not isinstance(query, Select):
        raise MeasureError("A104", "a measure's query is a SELECT", Location(place))
    given, known = [variable.name for variable in query.variables], [column.name for column in algorithm.columns]
    asks = ", ".join(f"?{column.name} ({column.says}{'' if column.is_required else '; may be left out'})" for column in algorithm.columns)
    missing = [name for name in algorithm.required if name not in given]
    if missing:
        raise MeasureError("A104", f"the query does not give ?{missing[0]}, which {algorithm.name} asks for", Location(place), f"it asks for {asks}")
    unknown = [name for name in given if name not in known]
    if unknown and not algorithm.takes_features:
        raise MeasureError("A104", f"the query gives ?{unknown[0]}, which {algorithm.name} does not ask for", Location(place), f"it asks for {asks}")
    if not unknown and algorithm.takes_features:
        raise MeasureError("A104", f"the query gives no feature: {algorithm.name} takes all other columns of numbers as features", Location(place))


_PROLOGUE = re.compile(r"(?im)^\s*(?:PREFIX\s+[^\s:]*:\s*<[^>]*>|BASE\s*<[^>]*>)")


def _template(text: str, algorithm: Algorithm, query: str, project: Project, at: _Header) -> tuple[TriplePattern, ...]:
    if "?" not in text:
        text = f"?{algorithm.subject} {text} ?{algorithm.value or algorithm.key[-1]}"
    prologue = "\n".join(match[0].strip() for match in _PROLOGUE.finditer(query))
    try:
        read = parse_query(f"{prologue}\nCONSTRUCT {{ {text} }} WHERE {{}}", project.base, project.prefixes, at.file)
    except KgError as error:
        raise MeasureError("A105", f"#+ writes: is neither a property nor triples: {error.message}", at.line("writes"), error.help) from None
    assert isinstance(read, Construct)
    known = {*algorithm.results, RESULT}
    for triple in read.template:
        for term in (triple.subject, triple.predicate, triple.object):
            if isinstance(term, Var) and term.name not in known:
                if term.is_anonymous:
                    raise MeasureError("A105", "#+ writes: has a blank node", at.line("writes"), f"write ?{RESULT}, an IRI made from what tells results apart")
                help = did_you_mean(term.name, known) or "; ".join(f"?{name}: {says}" for name, says in algorithm.results.items())
                raise MeasureError("A105", f"{algorithm.name} has no result ?{term.name}", at.line("writes"), help)
        if isinstance(triple.predicate, Var):
            raise MeasureError("A105", "the property that is written is no variable", at.line("writes"))
    return read.template
