"""Pages: files that say which saved queries stand together, as cards, on the page of a thing or of a desk.

    title = { en = "Plant", zh = "植物" }
    for = "ex:Item"                         # each thing of the class has this page; a desk has no `for`
    parameter = "item"                      # the parameter of the queries that is the thing

    [[section]]
    title = { en = "Around", zh = "周边" }
    cards = ["garden/neighbours", { query = "garden/parts", show = "tree from=whole to=part", with = { steps = "2", of = "{thing}" } }]

`{thing}` in `with` is the thing, for queries that call it otherwise than `parameter` says. A desk may have a `parameter` too: its page asks for a thing (of the class `of`) before it answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from kg import saved_queries
from kg.errors import Location, ProjectError, QueryError, did_you_mean
from kg.project import ContentFile, Project
from kg.saved_queries import SavedQuery

THING = "{thing}"
_PAGE_KEYS = ("title", "note", "for", "of", "parameter", "section")
_SECTION_KEYS = ("title", "cards")
_CARD_KEYS = ("query", "title", "show", "with")


@dataclass(frozen=True)
class Card:
    """A saved query on a page; `arguments` are fixed there, `titles` (by language tag) stand for its question."""

    query: SavedQuery
    titles: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    titles: Mapping[str, str]
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Page:
    """A page file. `of_class` is the class of the thing that `parameter` takes; with `is_desk` the reader names the thing."""

    domain: str
    name: str
    titles: Mapping[str, str]
    notes: Mapping[str, str]
    of_class: str | None
    parameter: str | None
    is_desk: bool
    sections: tuple[Section, ...]

    @property
    def key(self) -> str:
        return f"{self.domain}/{self.name}"

    def arguments(self, card: Card, thing: str | None) -> dict[str, str]:
        """The arguments of a card on the page of a thing."""
        given = {name: value.replace(THING, thing or "") for name, value in card.arguments.items()}
        takes_it = thing is not None and self.parameter in {parameter.name for parameter in card.query.parameters}
        return {**({self.parameter: thing} if takes_it else {}), **given}


def load(project: Project) -> list[Page]:
    """Every page of the project; ProjectError P31x for the first that is wrong."""
    return [read(project, file) for file in project.pages()]


def find(project: Project, key: str) -> Page | None:
    return next((read(project, file) for file in project.pages() if file.key == key), None)


def portraits(project: Project) -> list[Page]:
    """The pages of things, without their sections: for links to them. One that is wrong is left out; `kg check` says why."""
    found = []
    for file in project.pages():
        with suppress(ProjectError):
            found.append(_heading(*_parsed(project, file)))
    return [page for page in found if not page.is_desk]


def read(project: Project, file: ContentFile) -> Page:
    """A page file; ProjectError P310 for what is no TOML, P311 for a wrong key or value, P312 for a query that is not there or lacks a value."""
    reader, said = _parsed(project, file)
    page = replace(_heading(reader, said), sections=tuple(reader.section(one) for one in reader.listed(said, "section", "[[section]]")))
    reader.check_cards(page)
    return page


def _parsed(project: Project, file: ContentFile) -> tuple[_Reader, dict[str, object]]:
    place = project.relative(file.path)
    text = file.path.read_text(encoding="utf-8")
    try:
        return _Reader(project, file, place, text), tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError("P310", f"{place} is not TOML: {error}", Location(place)) from None


def _heading(reader: _Reader, said: dict[str, object]) -> Page:
    reader.check_keys(said, _PAGE_KEYS, "a page")
    of_class, parameter = (reader.word(said, "for") or reader.word(said, "of")), reader.word(said, "parameter")
    if (of_class is None) != (parameter is None):
        raise reader.error("P311", "a page of things names their class (for, or of on a desk) and the parameter of the queries", "parameter")
    if of_class is not None:
        try:
            saved_queries.iri(of_class, reader.project.prefixes)
        except QueryError as error:
            raise reader.error("P311", error.message, of_class, error.help) from None
    titles, notes = reader.texts(said.get("title", reader.file.name), "title"), reader.texts(said.get("note", {}), "note")
    return Page(reader.file.domain, reader.file.name, titles, notes, of_class, parameter, "for" not in said, ())


@dataclass(frozen=True)
class _Reader:
    project: Project
    file: ContentFile
    place: str
    text: str

    def error(self, code: str, message: str, word: str, help: str | None = None) -> ProjectError:
        for number, line in enumerate(self.text.splitlines(), start=1):
            if word in line:
                return ProjectError(code, message, Location(self.place, number, line.index(word) + 1, line), help)
        return ProjectError(code, message, Location(self.place), help)

    def check_keys(self, said: object, known: tuple[str, ...], what: str) -> None:
        if not isinstance(said, dict):
            raise self.error("P311", f"{what} must be a table, not {said!r}", str(said), f"it has {', '.join(known)}")
        for key in said:
            if key not in known:
                raise self.error("P311", f"{what} has no {key}", key, did_you_mean(key, known) or f"it has {', '.join(known)}")

    def listed(self, said: Mapping[str, object], key: str, form: str) -> list:
        found = said.get(key, [])
        if not isinstance(found, list) or not found:
            raise self.error("P311", f"{key} must be a list that is not empty", key, f"write {form}")
        return found

    def word(self, said: Mapping[str, object], key: str) -> str | None:
        """A text; None where there is none."""
        found = said.get(key)
        if found is not None and not isinstance(found, str):
            raise self.error("P311", f"{key} must be a text, not {found!r}", key, f'write {key} = "…"')
        return found

    def texts(self, said: object, word: str) -> dict[str, str]:
        """A text, or a table of texts by language tag."""
        texts = {"en": said} if isinstance(said, str) else said
        if not isinstance(texts, dict) or not all(isinstance(one, str) for one in texts.values()):
            raise self.error("P311", f"{word} must be a text, or a table of texts by language", word, f'write {word} = {{ en = "…", zh = "…" }}')
        return texts

    def section(self, said: dict) -> Section:
        self.check_keys(said, _SECTION_KEYS, "a section")
        return Section(self.texts(said.get("title", {}), "title"), tuple(self.card(one) for one in self.listed(said, "cards", 'cards = ["domain/query"]')))

    def card(self, said: object) -> Card:
        said = {"query": said} if isinstance(said, str) else said
        if not isinstance(said, dict) or not isinstance(said.get("query"), str):
            raise self.error("P311", "a card is the key of a saved query, or a table with one", "cards", 'write "domain/query", or { query = "domain/query", show = "chart" }')
        self.check_keys(said, _CARD_KEYS, "a card")
        try:
            query = saved_queries.find(self.project, said["query"])
        except QueryError as error:
            raise self.error("P312", error.message, said["query"], error.help) from None
        if show := self.word(said, "show"):
            query = replace(query, show=saved_queries.read_show(show, lambda message, help: self.error("P311", message, "show", help)))
        given = said.get("with", {})
        if not isinstance(given, dict):
            raise self.error("P311", f"with must be a table of arguments, not {given!r}", "with", 'write with = { name = "value" }')
        return Card(query, self.texts(said.get("title", {}), "title"), {name: str(value) for name, value in given.items()})

    def check_cards(self, page: Page) -> None:
        for section in page.sections:
            for card in section.cards:
                known = {parameter.name for parameter in card.query.parameters}
                given = set(card.arguments) | ({page.parameter} if page.parameter else set())
                if wrong := set(card.arguments) - known:
                    raise self.error("P312", f"{card.query.key} has no parameter {min(wrong)}", min(wrong), did_you_mean(min(wrong), known))
                missing = [one.name for one in card.query.parameters if one.default is None and one.name not in given]
                if missing:
                    raise self.error("P312", f"{card.query.key} needs a value for {missing[0]}", card.query.key, f'write with = {{ {missing[0]} = "…" }}')
