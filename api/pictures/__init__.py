"""Pictures of answers: `picture` makes what a template draws, by the kind that a saved query's `#+ show:` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyoxigraph import NamedNode

from api.display import Display
from api.pictures import charts, lists, maps, networks
from api.pictures.answer import Answered, Picture
from kg.saved_queries import Show
from kg.terms import Term

__all__ = ["Picture", "picture"]


def picture(show: Show, variables: Sequence[str], rows: Sequence[Sequence[Term | None]], display: Display, focus: NamedNode | None = None,
            bindings: Mapping[str, Term] | None = None) -> Picture | None:  # fmt: skip
    """The picture of an answer; None where it is a table, or where the rows have nothing that such a picture can show.

    `focus` is the thing whose page it is; `bindings` are the query's parameters, which may take places too. A variable of
    `show` that the answer lacks raises WebError W120.
    """
    fixed = {name: term for name, term in (bindings or {}).items() if name not in variables}
    answered = Answered((*variables, *fixed), tuple((*row, *fixed.values()) for row in rows), display, show, len(variables))
    if show.kind == "table" or not rows:
        return None
    if show.kind in ("graph", "tree"):
        return networks.draw(answered, focus)
    return {"chart": charts.draw, "map": maps.draw, "number": lists.figures, "timeline": lists.timeline, "board": lists.board}[show.kind](answered)
