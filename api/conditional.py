"""ETags of answers that depend on the whole graph: 304 for who asks again before it has changed (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from flask import Response, request

from api import current

# What answers differently from moment to moment, or from elsewhere; a word of these inside a string only costs a comparison.
_VOLATILE = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|SERVICE)\b", re.IGNORECASE)


def is_volatile(query: str) -> bool:
    return _VOLATILE.search(query) is not None


def answer(make: Callable[[], Response], *parts: object) -> Response:
    """What `make` makes, with an ETag; 304 without making it where the client has it already.

    The tag stands for the version of the graph, the address, the Accept header, and `parts`. It is read before the answer
    is made: an answer from a newer version has a tag too old, which costs a repetition and never shows an old answer.
    """
    tag = _tag(parts)
    response = Response(status=304) if request.if_none_match.contains_weak(tag) else make()
    if response.status_code in (200, 304):
        response.set_etag(tag, weak=True)
    return response


def _tag(parts: tuple[object, ...]) -> str:
    store = current.graph().store
    version = store.path.stem if store.path else "memory"
    seen = repr((request.host, request.full_path, request.headers.get("Accept"), request.headers.get("Accept-Language"), parts))
    return f"{version}-{store.revision}-{hashlib.sha256(seen.encode()).hexdigest()[:16]}"
