"""RDF documents in requests: their syntax by media type, within a size, gzip on the way; as one body or as parts of a form."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import PurePath
from typing import IO

from flask import current_app, request
from pyoxigraph import RdfFormat
from werkzeug.datastructures import FileStorage

from api.negotiation import TRIPLES, Format
from api.request_errors import WebError
from kg.errors import DataError
from kg.store.formats import GZIP_MAGIC, format_of

_MULTIPART = "multipart/form-data"
_OPAQUE = ("", "application/octet-stream")
# The parsers recurse into JSON objects and triple terms: many thousand levels would overflow the stack and end the server.
_DEEPEST = 500
_DEEPEST_TRIPLE_TERM = 4000  # literals may hold "<<" too, and need not close it
_JSON_NESTING = re.compile(rb'["{}\[\]]|\\.?', re.DOTALL)
_TRIPLE_TERMS = re.compile(rb"<<|>>")


def received() -> list[tuple[IO[bytes], RdfFormat]]:
    """The documents that this request sends: one, or each part of multipart/form-data (Graph Store Protocol, 5.5)."""
    request.max_content_length = current_app.config["KG_LARGEST_DOCUMENT"]
    if request.mimetype != _MULTIPART:
        syntax = _syntax(request.mimetype, request.mimetype_params.get("charset"), None)
        return [(_Document(_decompressed(request.stream), syntax), syntax)]
    if request.form:
        raise WebError("W109", f"the part {next(iter(request.form))!r} is no file", help="give each part a filename and a Content-Type")
    parts = [part for _, parts in request.files.lists() for part in parts]
    if not parts:
        raise WebError("W109", "the form has no documents", help="send each as a part with a filename and a Content-Type")
    syntaxes = [_syntax_of_part(part) for part in parts]
    return [(_Document(part.stream, syntax), syntax) for part, syntax in zip(parts, syntaxes, strict=True)]


def _syntax_of_part(part: FileStorage) -> RdfFormat:
    return _syntax(part.mimetype, part.mimetype_params.get("charset"), part.filename)


def _syntax(media_type: str, charset: str | None, file_name: str | None) -> RdfFormat:
    """The syntax of a media type, or of a file's name where the type says nothing; WebError W415 for others than RDF triples."""
    if charset is not None and charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise WebError("W415", f"RDF must be UTF-8, not {charset}", status=415)
    found = next((each for each in TRIPLES if media_type == each.media_type), None) or next((each for each in TRIPLES if media_type in each.also), None)
    if found is None and media_type in _OPAQUE and file_name:
        found = _by_name(file_name)
    if found is None:
        raise WebError("W415", f"a graph cannot be sent as {media_type or 'a body without Content-Type'}", status=415,
                       help="use Content-Type: " + ", ".join(each.media_type for each in TRIPLES))  # fmt: skip
    return format_of(found.media_type, None)


def _by_name(file_name: str) -> Format | None:
    try:
        media_type = format_of(None, PurePath(file_name)).media_type
    except DataError:
        return None
    return next((each for each in TRIPLES if each.media_type == media_type), None)


def _decompressed(stream: IO[bytes]) -> IO[bytes]:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return gzip.GzipFile(fileobj=stream, mode="rb")
    if encoding != "identity":
        raise WebError("W415", f"the body is packed as {encoding}", status=415, help="send it with Content-Encoding: gzip, or as it is")
    return stream


class _Document:
    """A stream that ends in WebError W413 where a document is too long, however short it was when packed, or too deep."""

    def __init__(self, stream: IO[bytes], syntax: RdfFormat) -> None:
        self._stream = stream
        self._nesting = _Nesting() if syntax == RdfFormat.JSON_LD else _TripleTerms()
        self._most = current_app.config["KG_LARGEST_DOCUMENT"]
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        try:
            chunk = self._stream.read(size if size >= 0 else self._most + 1 - self._read)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise WebError("W105", f"the gzip data is broken: {error}") from None
        if self._read == 0 and chunk.startswith(GZIP_MAGIC):
            raise WebError("W415", "the document is packed with gzip", status=415, help="say so with Content-Encoding: gzip, or send it as it is")
        self._read += len(chunk)
        if self._read > self._most:
            raise WebError("W413", f"a document has more than {self._most:,} bytes", status=413, help="load it with kg load, or send it in pieces by POST")
        self._nesting.follow(chunk)
        return chunk

    def seekable(self) -> bool:
        return False


class _Nesting:
    """How deep objects and arrays of JSON stand in one another, read chunk by chunk; WebError W105 where it is too deep."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False  # the chunk before ended with a backslash

    def follow(self, chunk: bytes) -> None:
        start = 1 if self._is_escaped and chunk else 0
        self._is_escaped = self._is_escaped and not chunk
        for found in _JSON_NESTING.finditer(chunk, start):
            token = found[0]
            if token == b'"':
                self._is_in_string = not self._is_in_string
            elif token == b"\\":
                self._is_escaped = True
            elif not self._is_in_string:
                self._depth += (token in b"{[") - (token in b"}]")
                if self._depth > _DEEPEST:
                    raise _too_deep(_DEEPEST)


class _TripleTerms:
    """How deep triple terms `<<( … )>>` stand in one another, likewise."""

    def __init__(self) -> None:
        self._depth = 0

    def follow(self, chunk: bytes) -> None:
        for found in _TRIPLE_TERMS.finditer(chunk):
            self._depth = max(0, self._depth + (1 if found[0] == b"<<" else -1))
            if self._depth > _DEEPEST_TRIPLE_TERM:
                raise _too_deep(_DEEPEST_TRIPLE_TERM)


def _too_deep(most: int) -> WebError:
    return WebError("W105", f"the document is nested too deeply: at most {most} levels are accepted", help="give inner nodes names of their own")
