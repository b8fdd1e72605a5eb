"""Interface words in the reader's language; what a thing is called comes from the graph, never from here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from flask import Flask, Response, g, request

from api.negotiation import parse_accept

LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT_LANGUAGE = "en"
_COOKIE = "lang"
_YEAR = 365 * 24 * 3600


def language() -> str:
    """The language of this request: `?lang=`, the cookie of an earlier choice, Accept-Language, English."""
    if "language" not in g:
        g.language = _known([request.args.get("lang"), request.cookies.get(_COOKIE)]) or _accepted() or DEFAULT_LANGUAGE
    return g.language


def message(key: str, **values: object) -> str:
    """The text of `key` with `{name}` filled in; a key that no catalogue has is a fault of ours and raises KeyError."""
    return catalogue(language())[key].format(**values) if values else catalogue(language())[key]


def in_language(texts: Mapping[str, str]) -> str:
    """Of texts by language tag, the one for this reader, else English, else any."""
    return texts.get(language()) or texts.get(DEFAULT_LANGUAGE) or next(iter(texts.values()), "")


@cache
def catalogue(tag: str) -> dict[str, str]:
    return tomllib.loads(files("api").joinpath(f"messages_{tag}.toml").read_text(encoding="utf-8"))


def register(app: Flask) -> None:
    """Give templates `t`, `language` and `languages`; remember a choice made by `?lang=`."""

    @app.context_processor
    def words() -> dict[str, object]:
        return {"t": message, "language": language(), "languages": LANGUAGES, "in_language": in_language}

    @app.after_request
    def remember(response: Response) -> Response:
        chosen = _known([request.args.get("lang")])
        if chosen and chosen != request.cookies.get(_COOKIE):
            response.set_cookie(_COOKIE, chosen, max_age=_YEAR, samesite="Lax", httponly=True)
        return response


def _known(tags: Iterable[str | None]) -> str | None:
    return next((tag for tag in tags if tag in LANGUAGES), None)


def _accepted() -> str | None:
    weighted = (part.split(";q=") for part in request.headers.get("Accept-Language", "").lower().replace(" ", "").split(","))
    ranked = sorted(((_weight(rest), tag.split("-")[0]) for tag, *rest in weighted), key=lambda pair: -pair[0])
    return _known(tag for weight, tag in ranked if weight > 0)


def _weight(rest: list[str]) -> float:
    return parse_accept(f"*/*;q={rest[0]}")[0][1] if rest else 1.0
