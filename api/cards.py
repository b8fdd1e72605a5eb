"""Cards: the answer of a saved query as its picture and as a table, with how long it took."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flask import render_template, url_for
from markupsafe import Markup
from pyoxigraph import NamedNode

from api import answers, current, running
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
    key: str
    links: Mapping[str, str]
    milliseconds: int
    answer: answers.Answer | None = None
    drawn: Markup | None = None
    left_out: int = 0
    error: KgError | None = None
    is_empty: bool = False


def card(query: SavedQuery, arguments: Mapping[str, str], focus: NamedNode | None = None, titles: Mapping[str, str] | None = None, number: int = 1) -> Card:
    """Ask a saved query for a page. A fault of it is the card's, not the page's."""
    title = in_language(titles or query.questions) or query.name
    started = time.perf_counter()
    try:
        bindings = query.bindings(arguments, current.graph().prefixes)
        result = current.graph().query(query, bindings=bindings, rows=_ROWS, partial=True, stop=running.begin(query.text))
        links = links_of(query, arguments, result)
        if isinstance(result, Solutions):
            rows = list(islice(result, _ROWS))
            answer, drawn = shown(query, result.variables, rows, bindings, title, focus, f"card-{number}")
            left_out = drawn[1] if drawn else 0
            return Card(number, title, query.key, links, _since(started), answer, drawn[0] if drawn else None, left_out, is_empty=not rows)
        answer = answers.on_page(result)
        return Card(number, title, query.key, links, _since(started), answer, is_empty=answer.turtle is not None and not answer.shown)
    except KgError as error:
        return Card(number, title, query.key, {}, _since(started), error=error)


def shown(
    query: SavedQuery, variables: Sequence[str], rows: list[tuple[Term | None, ...]], bindings: Mapping[str, Term], title: str, focus: NamedNode | None, id: str
) -> tuple[answers.Answer, tuple[Markup, int] | None]:
    """The table of an answer, and its picture with the number of rows that it leaves out."""
    display = answers.display_of([*bindings.values(), *(term for row in rows for term in row)])
    answer = answers.table(tuple(variables), rows[: answers.ROWS_ON_A_PAGE], display, len(rows) > answers.ROWS_ON_A_PAGE)
    found = picture(query.show, variables, rows, display, focus, bindings)
    return answer, (drawn(found, title, id), found.left_out) if found else None


def drawn(found: Picture, title: str, id: str) -> Markup:
    """A picture as SVG or HTML, to stand in a page."""
    return Markup(render_template(f"pictures/{found.template}", title=title, id=id, **found.values))


def svg(query: SavedQuery, arguments: Mapping[str, str]) -> str:
    """The picture of a saved query as a document of its own; QueryError Q306 where it has none that is SVG."""
    bindings = query.bindings(arguments, current.graph().prefixes)
    result = current.graph().query(query, bindings=bindings, rows=_ROWS, partial=True, stop=running.begin(query.text))
    found = None
    if isinstance(result, Solutions):
        rows = list(islice(result, _ROWS))
        display = answers.display_of([*bindings.values(), *(term for row in rows for term in row)])
        things = [value for value in bindings.values() if isinstance(value, NamedNode)]
        found = picture(query.show, result.variables, rows, display, things[0] if things else None, bindings)
    if found is None or not found.template.endswith(".svg"):
        raise QueryError("Q306", f"the answer of {query.key} is no drawing", help="graph, tree, chart and map are drawn, where there are rows; ask for .csv or .json")
    text = render_template(f"pictures/{found.template}", title=in_language(query.questions), id="picture", **found.values)
    head, end, rest = text.partition("</title>")
    return f"{head}{end}\n<style>{render_template('pictures/standalone.css')}</style>{rest}"


def links_of(query: SavedQuery, arguments: Mapping[str, str], result: answers.Result) -> dict[str, str]:
    """The addresses of the answer in other forms, the picture among them."""
    formats = [each.name for each in answers.offered_for(result)]
    if query.show.kind in ("graph", "tree", "chart", "map"):
        formats.append("svg")
    return {name: url_for("queries.one_query", key=f"{query.key}.{name}", **arguments) for name in formats}


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
