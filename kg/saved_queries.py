"""Saved queries: a .rq file with its question, its typed parameters and how it is shown.

    #+ question: Who holds what in an item?
    #+ question@zh: …
    #+ parameter: item IRI ex:Item        name, type, class (IRI only)
    #+ parameter: least decimal
    #+ default: least=0
    #+ example: item=ex:item/1
    #+ show: graph from=item to=part label=share     a picture, and which of its places a column takes
    #+ export: graphml item holder        a form for other programs: csv, json, or graphml with the columns of an edge's ends
    SELECT …

A picture is a table (the default), number, chart, graph, tree, timeline, map or board; `SHOWN` lists the places that each has.

Types: IRI, string, integer, decimal, date, dateTime, boolean. A parameter without a default is required. The values are
bound as terms, never pasted into the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from kg import terms
from kg.errors import DataError, Location, ProjectError, QueryError, did_you_mean
from kg.project import ContentFile, Project
from kg.sparql.parser import parse_header
from kg.store.notation import term_of

TYPES = {
    "IRI": None,
    "string": terms.XSD_STRING,
    "integer": terms.XSD_INTEGER,
    "decimal": terms.XSD_DECIMAL,
    "date": terms.XSD_DATE,
    "dateTime": terms.XSD_DATETIME,
    "boolean": terms.XSD_BOOLEAN,
}
# Pictures, and the places that columns, and parameters, can take in them; without them the columns' own order and kinds decide.
# Each row of a graph is an edge from–to, or a path, whose columns and labels are listed with commas.
SHOWN = {
    "table": (),
    "number": ("value", "label"),
    "chart": ("label", "value"),
    "graph": ("from", "to", "label", "path"),
    "tree": ("from", "to", "label", "path"),
    "timeline": ("date", "text"),
    "map": ("place", "value", "longitude", "latitude"),
    "board": ("group", "text"),
}
EXPORTS = {"csv": 0, "json": 0, "graphml": 2}  # with how many columns each names
_KEYS = ("question", "parameter", "default", "example", "show", "note", "export")


@dataclass(frozen=True)
class Parameter:
    """One parameter; `of_class` narrows an IRI, `default` and `example` are texts as in a request."""

    name: str
    type: str
    of_class: str | None = None
    default: str | None = None
    example: str | None = None


@dataclass(frozen=True)
class Show:
    """How an answer is shown: the kind of picture, and the variables that take its places."""

    kind: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{place}={variable}" for place, variable in self.columns.items())])


@dataclass(frozen=True)
class SavedQuery:
    """A query file; `questions` and `notes` are by language tag."""

    domain: str
    name: str
    file: str
    text: str
    questions: Mapping[str, str]
    notes: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    show: Show
    exports: tuple[tuple[str, ...], ...] = ()  # format and columns

    @property
    def key(self) -> str:
        return f"{self.domain}/{self.name}"

    def question(self, language: str = "en") -> str:
        return self.questions.get(language) or self.questions.get("en") or self.name

    def examples(self) -> dict[str, str]:
        """The arguments that `kg check` and the example link use."""
        return {p.name: p.example for p in self.parameters if p.example is not None}

    def bindings(self, arguments: Mapping[str, str], prefixes: Mapping[str, str]) -> dict[str, NamedNode | Literal]:
        """Arguments as terms; QueryError Q301 for a missing, Q302 for an unknown, Q303 for an ill-typed one."""
        known = {parameter.name for parameter in self.parameters}
        for name in arguments:
            if name not in known:
                help = did_you_mean(name, known) or f"it takes {', '.join(sorted(known)) or 'none'}"
                raise QueryError("Q302", f"{self.key} has no parameter {name}", Location(self.file), help)
        bound: dict[str, NamedNode | Literal] = {}
        for parameter in self.parameters:
            value = arguments.get(parameter.name) or parameter.default
            if value is None:
                what = parameter.of_class or parameter.type
                raise QueryError("Q301", f"{self.key} needs a value for {parameter.name} ({what})", Location(self.file),
                                 f"for example {parameter.name}={parameter.example}" if parameter.example else None)  # fmt: skip
            bound[parameter.name] = _term(parameter, value, prefixes, self.file)
        return bound


def load(project: Project) -> list[SavedQuery]:
    """Every saved query of the project, by domain and name."""
    return [read(project, file) for file in project.queries()]


def find(project: Project, key: str) -> SavedQuery:
    """The query called `name` or `domain/name`; QueryError Q304 with what is near."""
    files = project.queries()
    found = [file for file in files if key in (file.key, file.name)]
    if len(found) == 1:
        return read(project, found[0])
    if found:
        raise QueryError("Q304", f"{key} is the name of several queries: {', '.join(file.key for file in found)}")
    raise QueryError("Q304", f"there is no saved query {key}", help=did_you_mean(key, [f.name for f in files] + [f.key for f in files]))


def read(project: Project, file: ContentFile) -> SavedQuery:
    """Read a query file's header; ProjectError P2xx where it is wrong. The SPARQL itself is not parsed here."""
    text = file.path.read_text(encoding="utf-8")
    place = project.relative(file.path)
    header = {key: values if isinstance(values, list) else [values] for key, values in parse_header(text).items()}
    for key in header:
        if key.partition("@")[0] not in _KEYS:
            raise ProjectError("P201", f"unknown header line #+ {key}:", _place(text, place, key), did_you_mean(key, _KEYS))
    defaults = _assignments(header.get("default", []), "default", text, place)
    examples = _assignments(header.get("example", []), "example", text, place)
    parameters = tuple(_parameter(line, defaults, examples, text, place) for line in header.get("parameter", []))
    for name in {**defaults, **examples}:
        if name not in {parameter.name for parameter in parameters}:
            raise ProjectError("P202", f"a value for {name}, which is no parameter", _place(text, place, "example"), did_you_mean(name, [p.name for p in parameters]))
    return SavedQuery(
        domain=file.domain,
        name=file.name,
        file=place,
        text=text,
        questions=_by_language(header, "question"),
        notes=_by_language(header, "note"),
        parameters=parameters,
        show=read_show(header.get("show", ["table"])[0], lambda message, help: ProjectError("P205", message, _place(text, place, "show"), help)),
        exports=tuple(_export(line, text, place) for line in header.get("export", [])),
    )


def read_show(text: str, error: Callable[[str, str | None], ProjectError]) -> Show:
    """`graph from=item to=part`; raises what `error` makes of a message and a help."""
    kind, *pairs = text.split() or ["table"]
    if kind not in SHOWN:
        raise error(f"there is no picture {kind}", did_you_mean(kind, SHOWN) or f"it is one of {', '.join(SHOWN)}")
    columns = {}
    for pair in pairs:
        place, equals, variable = pair.partition("=")
        if not equals or place not in SHOWN[kind]:
            raise error(f"a {kind} has no place {place}", did_you_mean(place, SHOWN[kind]) or f"it has {', '.join(SHOWN[kind]) or 'none'}")
        columns[place] = ",".join(one.strip().lstrip("?$") for one in variable.split(","))
    return Show(kind, columns)


def _export(line: str, text: str, place: str) -> tuple[str, ...]:
    words = tuple(line.split())
    if not words or words[0] not in EXPORTS or len(words) != 1 + EXPORTS[words[0]]:
        raise ProjectError("P210", f"#+ export: wants csv, json, or graphml with two columns, not {line}", _place(text, place, "export"))
    return words


def _by_language(header: Mapping[str, list[str]], word: str) -> dict[str, str]:
    return {key.partition("@")[2] or "en": " ".join(values) for key, values in header.items() if key.partition("@")[0] == word}


def _assignments(lines: list[str], word: str, text: str, place: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals:
            raise ProjectError("P203", f"#+ {word}: wants name=value, not {line}", _place(text, place, word))
        pairs[name.strip()] = value.strip()
    return pairs


def _parameter(line: str, defaults: dict[str, str], examples: dict[str, str], text: str, place: str) -> Parameter:
    words = line.split()
    if len(words) not in (2, 3) or words[1] not in TYPES:
        help = did_you_mean(words[1], TYPES) if len(words) > 1 else None
        raise ProjectError(
            "P204", f"#+ parameter: wants name, type ({', '.join(TYPES)}) and perhaps a class, not {line}", _place(text, place, "parameter"), help
        )
    name = words[0].lstrip("?$")
    return Parameter(name, words[1], words[2] if len(words) == 3 else None, defaults.get(name), examples.get(name))


def _term(parameter: Parameter, value: str, prefixes: Mapping[str, str], file: str) -> NamedNode | Literal:
    if parameter.type == "IRI":
        return iri(value, prefixes)
    datatype = TYPES[parameter.type]
    canonical = value.strip() if parameter.type != "string" else value
    if parameter.type != "string" and not _is_of_type(canonical, datatype):
        raise QueryError("Q303", f"{parameter.name} must be of type {parameter.type}, not {value!r}", Location(file))
    return Literal(canonical, datatype=NamedNode(datatype))


def _is_of_type(lexical: str, datatype: str) -> bool:
    # Every sensible request value can be inlined; what cannot is spelled oddly or out of range.
    return terms.inline_literal(lexical, datatype) is not None


def iri(text: str, prefixes: Mapping[str, str]) -> NamedNode:
    """An IRI from <…>, a full IRI, or a prefixed name (whose local part may hold slashes, unlike in SPARQL)."""
    try:
        term = term_of(text, prefixes)
    except DataError as error:
        raise QueryError("Q305", f"{text!r} is neither an IRI nor a prefixed name", help=error.help) from None
    if not isinstance(term, NamedNode):
        raise QueryError("Q305", f"{text!r} is not an IRI", help="write <https://…>, or a prefixed name")
    return term


def _place(text: str, file: str, word: str) -> Location:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#+") and line[2:].lstrip().startswith(word):
            return Location(file, number, 1, line)
    return Location(file)
