"""Which format a response takes: the `format=` parameter or a suffix first, then the Accept header (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.request_errors import WebError
from kg.errors import did_you_mean


@dataclass(frozen=True)
class Format:
    """A serialization: its short name (also its suffix), its own media type, and others that clients ask for it by."""

    name: str
    media_type: str
    also: tuple[str, ...] = ()
    nicknames: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """The Content-Type sent: text formats name their charset, the others are UTF-8 by definition."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


JSON = Format("json", "application/sparql-results+json", ("application/json",), ("srj",))
XML = Format("xml", "application/sparql-results+xml", ("application/xml", "text/xml"), ("srx",))
CSV = Format("csv", "text/csv")
TSV = Format("tsv", "text/tab-separated-values")
TURTLE = Format("ttl", "text/turtle", ("application/x-turtle",), ("turtle",))
N_TRIPLES = Format("nt", "application/n-triples", ("text/plain",), ("ntriples", "n-triples"))
JSON_LD = Format("jsonld", "application/ld+json", ("application/json",), ("json-ld", "json"))
RDF_XML = Format("rdf", "application/rdf+xml", ("application/xml", "text/xml"), ("rdfxml", "rdf+xml", "xml"))
HTML = Format("html", "text/html", ("application/xhtml+xml",))
PLAIN_JSON = Format("json", "application/json")
TEXT = Format("txt", "text/plain", (), ("text",))

SOLUTIONS = (JSON, XML, CSV, TSV)
TRIPLES = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)


def choose(accept: str | None, offered: Sequence[Format]) -> Format:
    """The offered format that the client likes best; of equals, the one offered first.

    Raises WebError W406 if none is acceptable.
    """
    ranges = parse_accept(accept)
    if not ranges:
        return offered[0]
    best, best_quality = None, 0.0
    for candidate in offered:
        quality = max(_quality(ranges, candidate.media_type), *(_exact_quality(ranges, media_type) for media_type in candidate.also), 0.0)
        if quality > best_quality:
            best, best_quality = candidate, quality
    if best is None:
        raise _not_acceptable(f"none of the formats asked for by “Accept: {accept}” can be made here", offered)
    return best


def accepts(accept: str | None, format: Format) -> bool:
    """Whether the client takes this format at all."""
    ranges = parse_accept(accept)
    return not ranges or _quality(ranges, format.media_type) > 0


def named(name: str, offered: Sequence[Format]) -> Format:
    """The format that `format=` or a suffix names: a short name or a media type.

    Raises WebError W406 for a format that exists but cannot carry this kind of answer, W407 for an unknown word.
    """
    wanted = name.strip().lower()
    if found := _find(wanted, offered):
        return found
    if _find(wanted, (*SOLUTIONS, *TRIPLES, HTML, TEXT)):
        raise _not_acceptable(f"an answer of this kind cannot be written as {name}", offered)
    raise WebError(
        "W407", f"there is no format {name!r}", status=400,
        help=did_you_mean(wanted, [each.name for each in offered]) or _choices(offered),
    )  # fmt: skip


def split_suffix(path: str, offered: Sequence[Format]) -> tuple[str, Format | None]:
    """`a/b.ttl` → (`a/b`, Turtle); a path without a known suffix comes back whole."""
    stem, dot, suffix = path.rpartition(".")
    found = _find(suffix.lower(), offered) if dot and stem and not stem.endswith("/") else None
    return (stem, found) if found else (path, None)


def prefers_html(accept: str | None, *others: Format) -> bool:
    """Whether a page suits the client better than `others`; `*/*` alone does not make it a browser."""
    ranges = parse_accept(accept)
    html = _quality(ranges, "text/html") if any(kind in ("text/html", "application/xhtml+xml") for kind, _ in ranges) else 0.0
    return html > 0 and all(html >= _quality(ranges, other.media_type) for other in others)


def parse_accept(header: str | None) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their q-values; parts that are not media ranges are passed over.

    >>> parse_accept("text/csv;q=0.5, */*;q=0.1")
    [('text/csv', 0.5), ('*/*', 0.1)]
    """
    ranges = []
    for part in (header or "").split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media_range.count("/") == 1:
            ranges.append((media_range, _weight(parameters)))
    return ranges


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0


def _quality(ranges: Sequence[tuple[str, float]], media_type: str) -> float:
    """The q of the most specific range that covers `media_type`, 0 if none does."""
    main = media_type.split("/")[0]
    for covering in (media_type, f"{main}/*", "*/*"):
        if any(media_range == covering for media_range, _ in ranges):
            return _exact_quality(ranges, covering)
    return 0.0


def _exact_quality(ranges: Sequence[tuple[str, float]], media_range: str) -> float:
    return max((quality for named, quality in ranges if named == media_range), default=0.0)


def _find(word: str, offered: Iterable[Format]) -> Format | None:
    offered = list(offered)
    exact = [each for each in offered if word in (each.name, each.media_type)]
    return next(iter(exact or (each for each in offered if word in (*each.also, *each.nicknames))), None)


def _choices(offered: Iterable[Format]) -> str:
    return "use one of " + ", ".join(f"{each.name} ({each.media_type})" for each in offered)


def _not_acceptable(message: str, offered: Iterable[Format]) -> WebError:
    return WebError("W406", message, status=406, help=_choices(offered))
