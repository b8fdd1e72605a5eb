"""/graphs/triples: the triples of a named graph, or of all, a page at a time; each page goes on after the last triple of the one before.

Where a page starts is told by a triple (`after`), not by a number of pages: page 10,000 costs what page 2 does, and a build
in between neither repeats nor skips what was there before and after it.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for

from api import answers, current, negotiation
from api.messages import message
from api.negotiation import HTML, PLAIN_JSON
from api.request_errors import WebError

blueprint = Blueprint("browsing", __name__)

_ROWS, _MOST_ROWS = 100, 1000
_PLACE = re.compile(r"([0-9a-f]{1,16})\.([0-9a-f]{1,16})\.([0-9a-f]{1,16})")


@blueprint.get("/graphs/triples")
def triples() -> Response:
    """One page of triples, by subject; `graph=` an IRI for one graph, `after=` where the last page ended."""
    name, limit = request.args.get("graph") or None, current.whole_number("limit", _ROWS, 1, _MOST_ROWS)
    if name is not None and name not in current.owners():
        raise WebError("W404", f"there is no graph {name}", status=404, help="GET /graphs lists them")
    rows = current.graph().triples(name, _after(), limit + 1)
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        place = ".".join(f"{term_id:x}" for term_id in rows[-1][0])
        following = url_for("browsing.triples", graph=name, after=place, limit=None if limit == _ROWS else limit, format=request.args.get("format"))
    found = [terms for _, terms in rows]
    if _format() is PLAIN_JSON:
        members = [dict(zip(("subject", "predicate", "object"), map(str, terms), strict=True)) for terms in found]
        response = jsonify({"graph": name, "triples": members, "next": following})
    else:
        display = answers.display_of(term for terms in found for term in terms)
        html = render_template("browse.html", graph=name, columns=[message(f"column_{part}") for part in ("subject", "predicate", "object")],
                               rows=[[display.show(term) for term in terms] for terms in found], following=following)  # fmt: skip
        response = make_response(html)
    return answers.with_pages(response, None, following)


def _after() -> tuple[int, int, int] | None:
    text = request.args.get("after")
    if not text:
        return None
    match = _PLACE.fullmatch(text)
    place = tuple(int(part, 16) for part in match.groups()) if match else ()
    if not match or any(part >= 1 << 63 for part in place):
        raise WebError("W101", f"after must be what the link to the next page says, not {text!r}")
    return place


def _format() -> negotiation.Format:
    if name := request.args.get("format"):
        return negotiation.named(name, (HTML, PLAIN_JSON))
    return HTML if negotiation.prefers_html(request.headers.get("Accept"), PLAIN_JSON) else PLAIN_JSON
