"""Things of a class that a reader may name in a form: a few to choose from, and the one of a name."""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode

from api import answers, current
from api.display import Shown
from api.messages import LANGUAGES
from api.request_errors import WebError

_NAMED = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?thing WHERE {{ VALUES ?label {{ {labels} }} ?thing rdfs:label ?label {of_class} }} LIMIT 6"""


def some(of_class: NamedNode, most: int) -> tuple[Shown, ...]:
    """So many things of the class, to pick from."""
    things = [row[0] for row in current.select(f"SELECT ?thing WHERE {{ ?thing a ?class }} LIMIT {most}", {"class": of_class})]
    display = answers.display_of(things)
    return tuple(display.show(thing) for thing in things if isinstance(thing, NamedNode))


def called(name: str, of_class: NamedNode | None) -> NamedNode | None:
    """The one thing of a name, None where there is none; WebError W108 where there are several."""
    labels = [Literal(name), *(Literal(name, language=tag) for tag in LANGUAGES)]
    found = current.select(_NAMED.format(labels=" ".join(map(str, labels)), of_class=f"; a {of_class}" if of_class else ""))
    if len(found) > 1:
        raise WebError("W108", f"several things are called {name}", help="give the IRI of one: " + ", ".join(str(thing) for (thing,) in found[:5]))
    return found[0][0] if found else None
