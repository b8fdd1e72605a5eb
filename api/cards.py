"""Cards: the answer of a saved query as its picture and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flask import render_template, url_for
from markupsafe import Markup
from pyoxigraph import NamedNode

from api import answers, current, running
from api.display import Display
from api.messages import in_language
from api.pictures import Picture, picture
from kg import KgError
from kg.errors import QueryError
from kg.saved_queries import SavedQuery
from kg.sparql.evaluate import Solutions
from kg.terms import Term

_ROWS = 1_000  # of a card; a picture shows fewer


@dataclass(frozen=True)
class Card:
    """What card.html shows: `drawn` is the picture, if the query has one, `answer` its table twin; or `error`."""

    number: int
    title: str
    href: str
    links: Mapping[str, str]
    answer: answers.Answer | None = None
    drawn: Markup | None = None
    left_out: int = 0
    error: KgError | None = None
    is_empty: bool = False


def card(query: SavedQuery, arguments: Mapping[str, str], focus: NamedNode | None = None, titles: Mapping[str, str] | None = None, number: int = 1) -> Card:
    """Ask a saved query for a page. A fault of it is the card's, not the page's."""
    title = in_language(titles or query.questions) or query.name
    href = url_for("queries.one_query", key=query.key, **arguments)
    try:
        asked = _ask(query, arguments, focus)
        links = links_of(query, arguments, asked.result)
        if asked.display is None:
            answer = answers.on_page(asked.result)
            return Card(number, title, href, links, answer, is_empty=answer.turtle is not None and not answer.shown)
        most = answers.ROWS_ON_A_PAGE
        answer = answers.table(asked.result.variables, asked.rows[:most], asked.display, len(asked.rows) > most)
        if asked.picture is None:
            return Card(number, title, href, links, answer, is_empty=not asked.rows)
        return Card(number, title, href, links, answer, _drawn(asked.picture, title, f"card-{number}"), asked.picture.left_out)
    except KgError as error:
        return Card(number, title, href, {}, error=error)


def svg(query: SavedQuery, arguments: Mapping[str, str]) -> str:
    """The picture of a saved query as a document of its own; QueryError Q306 where it has none that is SVG."""
    found = _ask(query, arguments).picture
    if found is None or not found.template.endswith(".svg"):
        raise QueryError("Q306", f"the answer of {query.key} is no drawing", help="graph, tree, chart and map are drawn, where there are rows; ask for .csv or .json")
    head, end, rest = _drawn(found, in_language(query.questions), "picture").partition("</title>")
    return f"{head}{end}\n<style>{render_template('pictures/standalone.css')}</style>{rest}"


@dataclass(frozen=True)
class _Asked:
    """The answer of a query; of a SELECT also its rows, how to show them, and the picture of them."""

    result: answers.Result
    rows: Sequence[tuple[Term | None, ...]] = ()
    display: Display | None = None
    picture: Picture | None = None


def _ask(query: SavedQuery, arguments: Mapping[str, str], focus: NamedNode | None = None) -> _Asked:
    """`focus`, the thing that a picture marks, is by default the first that the query is about."""
    bindings = query.bindings(arguments, current.graph().prefixes)
    result = current.graph().query(query, bindings=bindings, rows=_ROWS, partial=True, stop=running.begin(query.text))
    if not isinstance(result, Solutions):
        return _Asked(result)
    rows = list(islice(result, _ROWS))
    display = answers.display_of([*bindings.values(), *(term for row in rows for term in row)])
    focus = focus or next((value for value in bindings.values() if isinstance(value, NamedNode)), None)
    return _Asked(result, rows, display, picture(query.show, result.variables, rows, display, focus, bindings))


def _drawn(found: Picture, title: str, id: str) -> Markup:
    """A picture as SVG or HTML, to stand in a page."""
    return Markup(render_template(f"pictures/{found.template}", title=title, id=id, **found.values))


def links_of(query: SavedQuery, arguments: Mapping[str, str], result: answers.Result) -> dict[str, str]:
    """The addresses of the answer in other forms, the picture and GraphML among them."""
    formats = [each.name for each in answers.offered_for(result)] + [words[0] for words in query.exports if words[0] == "graphml"]
    if query.show.kind in ("graph", "tree", "chart", "map"):
        formats.append("svg")
    return {name: url_for("queries.one_query", key=f"{query.key}.{name}", **arguments) for name in formats}
