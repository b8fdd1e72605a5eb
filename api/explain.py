"""/explain: why a triple is in the graph, as nested lists that fold, as JSON, text or PROV-O; or why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from pyoxigraph import Triple

from api import answers, current, negotiation
from api.display import Display, Shown
from api.messages import language, message
from api.negotiation import HTML, PLAIN_JSON, TEXT, TRIPLES, TURTLE, Format
from api.request_errors import WebError
from kg.errors import QueryError
from kg.explain import PROVENANCE_PREFIXES, Absence, Proof, sentence
from kg.sparql.results import write_graph
from kg.terms import Term

blueprint = Blueprint("explain", __name__)

_POSITIONS = ("subject", "predicate", "object")
_OFFERED = (HTML, PLAIN_JSON, TEXT, *TRIPLES)
_DEPTH, _DEEPEST = 8, 50
_NOT_IN_GRAPH = "Q401"


@blueprint.get("/explain")
def proof() -> Response:
    """The proof of a triple, by every derivation with `all=1`; with `why-not=1` what rules lack to conclude one that is
    not there. The parts of the triple are IRIs, prefixed names or literals in Turtle's notation."""
    name = request.args.get("format")
    format = negotiation.named(name, _OFFERED) if name else negotiation.choose(request.headers.get("Accept"), _OFFERED)
    asked = {position: request.args.get(position, "").strip() for position in _POSITIONS}
    missing = [position for position, text in asked.items() if not text]
    if missing and format is HTML and len(missing) == len(_POSITIONS):
        return make_response(render_template("explain.html", asked=asked, root=None))
    if missing:
        raise WebError("W102", f"there is no {', no '.join(missing)}", help="send ?subject=…&predicate=…&object=…")
    if _is_set("why-not"):
        return _absence_response(current.graph().why_not(*asked.values()), asked, format)
    try:
        depth = current.whole_number("depth", _DEPTH, 1, _DEEPEST)
        return _proof_response(current.graph().explain(*asked.values(), depth=depth, all=_is_set("all")), asked, format)
    except QueryError as error:
        if error.code != _NOT_IN_GRAPH:
            raise
        if format is HTML:
            return _absence_response(current.graph().why_not(*asked.values()), asked, format, 404)
        raise WebError(error.code, error.message, 404, "ask what is lacking with &why-not=1") from None


def _is_set(parameter: str) -> bool:
    return request.args.get(parameter, "0") not in ("", "0", "false")


def _proof_response(found: Proof, asked: dict[str, str], format: Format) -> Response:
    if format is PLAIN_JSON:
        return jsonify(found.as_dict())
    if format is TEXT:
        return Response(found.text(language()) + "\n", content_type=TEXT.content_type)
    if format is not HTML:
        return Response(write_graph(found.provenance(), format.media_type, PROVENANCE_PREFIXES), content_type=format.content_type)
    links = {each.name: "/explain?" + urlencode({**asked, "format": each.name}) for each in (PLAIN_JSON, TEXT, TURTLE)}
    every = None if _is_set("all") else "/explain?" + urlencode({**asked, "all": 1})
    return make_response(render_template("explain.html", asked=asked, root=_Tree(found).root, links=links, every=every))


def _absence_response(found: Absence, asked: dict[str, str], format: Format, status: int = 200) -> Response:
    if format is PLAIN_JSON:
        return jsonify(found.as_dict())
    if format is TEXT:
        return Response(found.text(language()) + "\n", content_type=TEXT.content_type)
    if format is not HTML:
        raise WebError("W406", f"what is lacking cannot be written as {format.name}", 406, "use one of html, json, txt")
    links = {each.name: "/explain?" + urlencode({**asked, "why-not": 1, "format": each.name}) for each in (PLAIN_JSON, TEXT)}
    return make_response(render_template("absence.html", told=found.text(language()), links=links), status)


# ── The tree for the template ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Step:
    """One node of the page: the statement in words and in links, why it holds, and what it rests on."""

    kind: str
    anchor: str
    says: str | None
    triple: tuple[Shown, ...]
    own_page: str
    graphs: tuple[str, ...] = ()
    rule: str | None = None
    rule_place: str | None = None
    rule_text: str | None = None
    reasons: tuple[str, ...] = ()
    premises: tuple[Step, ...] = ()
    sums: tuple[Sum, ...] = ()
    rows: tuple[Row, ...] = ()
    others: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Sum:
    """A total that a rule compared with something, and the steps under each contribution."""

    text: str
    parts: tuple[tuple[str, tuple[Step, ...]], ...]


@dataclass(frozen=True)
class Row:
    """A source row: where it stands, and its columns."""

    place: str
    columns: tuple[tuple[str, str], ...] = field(default=())


class _Tree:
    """Turns a proof into steps, with labels looked up once and an anchor for every statement that is proved here."""

    def __init__(self, root: Proof) -> None:
        self._display: Display = answers.display_of(_terms(root))
        self._anchors: dict[Triple, str] = {}
        self.root = self._step(root)

    def _step(self, proof: Proof) -> Step:
        anchor = self._anchors.setdefault(proof.triple, f"step-{len(self._anchors) + 1}")
        parts = (proof.triple.subject, proof.triple.predicate, proof.triple.object)
        return Step(
            kind=proof.kind,
            anchor=anchor,
            says=sentence(proof, language()) if proof.kind == "inferred" else None,
            triple=tuple(self._display.show(part) for part in parts),
            own_page="/explain?" + urlencode(dict(zip(_POSITIONS, map(str, parts), strict=True))),
            graphs=tuple(graph.removeprefix(current.project().base) if graph else message("default_graph") for graph in proof.graphs),
            rule=proof.rule_name,
            rule_place=proof.rule_place,
            rule_text=proof.rule_text,
            reasons=(*proof.reasons(language()), *(message("absent_in_input" if data_only else "absent", what=what) for what, data_only in proof.absences(language()))),
            premises=tuple(self._step(premise) for premise in proof.premises),
            sums=tuple(
                Sum(
                    total.text,
                    tuple(("" if part.value is None else str(part.value), tuple(map(self._step, part.premises))) for part in total.parts),
                )
                for total in proof.totals
            ),
            rows=tuple(_row(row) for row in proof.sources),
            others=tuple(map(self._step, proof.others)),
        )


def _row(row) -> Row:
    place = current.project().relative(Path(row.file)) if row.file else row.table
    if row.line is not None:
        place = message("file_and_line", file=place, line=row.line)
    elif row.record is not None:
        place = message("file_and_record", file=place, record=row.record)
    return Row(place, tuple((name, value) for name, value in row.columns.items() if value is not None))


def _terms(proof: Proof) -> Iterator[Term]:
    yield from (proof.triple.subject, proof.triple.predicate, proof.triple.object)
    for below in (*proof.below(), *proof.others):
        yield from _terms(below)
