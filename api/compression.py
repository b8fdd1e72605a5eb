"""Answers packed with gzip for clients that take it (RFC 9110, 8.4 and 12.5.3), chunk by chunk: what streams goes on streaming."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from flask import Response, request

_WORTH_IT = 1000  # bytes; less fits into one packet anyway
_LONG = 1_000_000  # bytes; more is packed while it is sent
_FASTEST = 1  # results repeat themselves: more effort saves few bytes
_GZIP_HEADER = 16 + zlib.MAX_WBITS
_PACKABLE = ("text/", "application/json", "application/sparql-results+", "application/ld+json", "application/rdf+xml", "application/n-triples",
             "application/problem+json", "image/svg+xml")  # fmt: skip


def is_wanted() -> bool:
    """Whether the client takes gzip, named by itself or by *."""
    return request.accept_encodings["gzip"] > 0


def pack(response: Response) -> None:
    """Pack the body, where there is one that gets smaller by it."""
    if not response.mimetype.startswith(_PACKABLE):
        return
    response.vary.add("Accept-Encoding")
    length = response.content_length
    is_short = length is not None and length < _WORTH_IT
    if not is_wanted() or is_short or response.status_code in (204, 304) or response.direct_passthrough or "Content-Encoding" in response.headers:
        return
    response.headers["Content-Encoding"] = "gzip"
    if length is not None and length < _LONG:
        response.set_data(b"".join(_packed(response.response)))  # with a length, by which the connection may stay open
        return
    response.headers.pop("Content-Length", None)
    if request.method != "HEAD":
        response.response = _packed(response.response)


def _packed(chunks: Iterable[str | bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP_HEADER)
    try:
        for chunk in chunks:
            if packed := packer.compress(chunk.encode() if isinstance(chunk, str) else chunk):
                yield packed
        yield packer.flush()
    finally:
        if hasattr(chunks, "close"):
            chunks.close()  # a query whose reader has gone must end
