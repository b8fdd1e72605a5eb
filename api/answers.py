"""A query result as a response: streamed in a format, or made ready for a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from urllib.parse import quote

from flask import Response, stream_with_context
from pyoxigraph import NamedNode, Triple

from api import current, negotiation
from api.display import Display, Shown
from api.labels import labels_of
from api.negotiation import Format
from kg.errors import LimitExceeded
from kg.sparql.evaluate import Solutions, Triples
from kg.sparql.results import write_boolean, write_graph, write_triples
from kg.terms import Term

Result = Solutions | Triples | bool

ROWS_ON_A_PAGE = 500
_SHORT = 100_000  # bytes of an answer that is sent as a whole: its length is known then, and the connection stays open
_WARNINGS = 10
_HEADER_SAFE = " !#$&'()*+,/:;=?@[]<>\"{}|^`\\-._~"  # what is not ASCII travels in percent escapes


def offered_for(result: Result) -> tuple[Format, ...]:
    """The formats that can carry a result of this kind."""
    return negotiation.TRIPLES if isinstance(result, Triples) else negotiation.SOLUTIONS


# ── In a format ──────────────────────────────────────────────────────────────────────────────────────────────


def respond(result: Result, format: Format, query: str, limit: int | None = None) -> Response:
    """The response in `format`; rows leave as they are decoded, at most `limit` of them, or as many as the server allows.

    The first rows are computed before the status line is sent, so that an error there is still a problem document. An
    error later breaks the connection off: the reader sees an unfinished response, never a short one that looks whole.
    An answer that is cut says so: in the header Guanxi-Partial as far as it is known when the answer begins, and at its
    end in JSON, XML, Turtle and N-Triples. CSV and TSV have no room for that, so there the rows are counted first.
    """
    if isinstance(result, bool):
        return Response([write_boolean(result, format.name)], content_type=format.content_type)
    most = current.row_limit(limit)
    if isinstance(result, Triples):
        response = _graph(result, format, most)
    else:
        response = _solutions(result, format, query, most, limit is not None)
    response.headers["Guanxi-Row-Limit"] = str(most)
    return response


def _graph(result: Triples, format: Format, most: int) -> Response:
    pieces = write_triples(result, format.media_type, current.graph().prefixes)
    first, is_whole = _beginning(pieces)
    note = f"\n# {_cut(most, 'triples')}\n".encode() if format in (negotiation.TURTLE, negotiation.N_TRIPLES) else b""
    if is_whole:
        response = Response(b"".join(first) + (note if result.is_partial else b""), content_type=format.content_type)
        return _marked(response, most) if result.is_partial else response

    def everything() -> Iterator[bytes]:
        yield from chain(first, pieces)
        if result.is_partial:
            yield note

    response = Response(stream_with_context(everything()), content_type=format.content_type)
    return _marked(response, most) if result.is_partial else response


def _beginning(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """The first pieces of an answer, and whether they are all of it: a short one is sent with its length."""
    first = list(islice(pieces, 2))
    if sum(map(len, first)) > _SHORT:
        return first, False
    first += islice(pieces, 1)
    return first, len(first) <= 2


def _solutions(result: Solutions, format: Format, query: str, most: int, is_wanted: bool) -> Response:
    told: list[str] = []

    def notes(count: int) -> list[str]:
        told.extend([_cut(most, "solutions")] if result.is_partial else current.graph().unknown_terms(query)[:_WARNINGS] if count == 0 else [])
        return told

    chunks = result.encoded(format.name, notes)
    first, is_whole = _beginning(chunks)
    is_cut = result.is_partial
    if not is_whole and not is_cut and format in (negotiation.CSV, negotiation.TSV):
        is_cut = result.has_too_many()
    if is_cut and not is_wanted and format in (negotiation.CSV, negotiation.TSV):
        raise LimitExceeded("Q401", f"the query has more than {most} solutions, and {format.name.upper()} cannot say that an answer is cut",
                            help=f"add LIMIT, ask for limit={most} and look at the header Guanxi-Partial, or take JSON")  # fmt: skip
    body = b"".join(first) if is_whole else stream_with_context(chain(first, chunks))
    response = Response(body, content_type=format.content_type)
    for each in told:
        response.headers.add("Guanxi-Warning", quote(each, safe=_HEADER_SAFE))
    return _marked(response, most) if is_cut else response


def _cut(most: int, what: str) -> str:
    return f"only the first {most} {what} are given: there are more"


def _marked(response: Response, most: int) -> Response:
    response.headers["Guanxi-Partial"] = f"rows={most}"
    return response


def with_pages(response: Response, previous: str | None, following: str | None) -> Response:
    """The response of a page of a list, with links to its neighbours (RFC 8288)."""
    for relation, address in (("prev", previous), ("next", following)):
        if address:
            response.headers.add("Link", f'<{address}>; rel="{relation}"')
    return response


# ── On a page ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Answer:
    """What the template shows: one of `boolean`, `turtle` and `rows` is the answer."""

    boolean: bool | None = None
    turtle: str | None = None
    variables: tuple[str, ...] = ()
    rows: list[list[Shown]] = field(default_factory=list)
    numbers: frozenset[str] = frozenset()
    has_more: bool = False
    shown: int = 0


def on_page(result: Result, limit: int | None = None) -> Answer:
    """The first rows of a result, with labels in place of IRIs."""
    if isinstance(result, bool):
        return Answer(boolean=result)
    most = min(limit or ROWS_ON_A_PAGE, ROWS_ON_A_PAGE)
    rows: list[tuple[Term | None, ...]] | list[Triple] = list(islice(result, most + 1))
    has_more, rows = len(rows) > most and limit != most, rows[:most]
    if isinstance(result, Triples):
        turtle = write_graph(rows, negotiation.TURTLE.name, current.graph().prefixes).decode()
        return Answer(turtle=turtle, has_more=has_more, shown=len(rows))
    return table(result.variables, rows, display_of(term for row in rows for term in row), has_more)


def table(variables: Sequence[str], rows: Sequence[Sequence[Term | None]], display: Display, has_more: bool = False) -> Answer:
    """Rows as a page shows them; columns that say the names of links once more are left out."""
    shown = [[display.show(term) for term in row] for row in rows]
    kept = [place for place in range(len(variables)) if not _repeats_a_link(shown, place)]
    return Answer(
        variables=tuple(variables[place] for place in kept),
        rows=[[row[place] for place in kept] for row in shown],
        numbers=frozenset(variables[place] for place in kept if all(row[place].kind in ("number", "none") for row in shown)),
        has_more=has_more,
    )


def _repeats_a_link(rows: list[list[Shown]], place: int) -> bool:
    """Whether a column of names only says again what a column of links says, now that links have names."""
    if not any(row[place].kind == "text" for row in rows):
        return False
    links = [other for other in range(len(rows[0])) if other != place and any(row[other].kind == "iri" for row in rows)]
    return any(all(row[place].text == row[other].text for row in rows) for other in links)


def display_of(terms: Iterable[Term | None]) -> Display:
    """A Display with the labels of the IRIs among `terms`."""
    return Display(current.project().base, current.graph().prefixes, labels_for(terms))


def labels_for(terms: Iterable[Term | None]) -> dict[NamedNode, str]:
    """The labels of the IRIs among `terms`."""
    return labels_of(term for term in terms if isinstance(term, NamedNode))
