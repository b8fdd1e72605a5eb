"""The elements of one array of a JSON file, one at a time: memory for the largest element and not for the file."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from json.decoder import WHITESPACE
from typing import IO, Any

_BLOCK = 1 << 20
_AFTER_VALUE = frozenset(" \t\r\n,:]}")


def elements(file: IO[bytes], encoding: str | None, names: list[str]) -> Iterator[Any]:
    """The elements of the array that is found by following `names` from the root; none where there is no such array.

    JSONDecodeError, its position counted from the start of the file, where the file is not JSON as a whole.
    """
    start = file.read(4)
    encoding = encoding or json.detect_encoding(start)
    text = io.TextIOWrapper(io.BufferedReader(_Joined(start, file)), encoding="utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding, newline="")
    reader = _Reader(text)
    yield from reader.follow(names)
    if reader.peek():
        raise reader.error("Extra data")


class _Joined(io.RawIOBase):
    """A file whose first bytes have been read already."""

    def __init__(self, start: bytes, rest: IO[bytes]):
        self.start, self.rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        found = self.start or self.rest.read(len(buffer))
        self.start = found[len(buffer) :]
        found = found[: len(buffer)]
        buffer[: len(found)] = found
        return len(found)


class _Reader:
    """A window on the text: what has been read is dropped, what a value needs is added."""

    def __init__(self, text: IO[str]):
        self.text, self.buffer, self.position, self.is_whole = text, "", 0, False
        self.lines, self.dropped = 0, 0  # line ends before the window, and characters of its first line before it
        self.decode = json.JSONDecoder().raw_decode

    def fill(self) -> bool:
        """More of the file, if there is any."""
        block = self.text.read(max(_BLOCK, len(self.buffer) - self.position))
        self.is_whole = not block
        gone = self.buffer[: self.position]
        if (breaks := gone.count("\n")) > 0:
            self.lines, self.dropped = self.lines + breaks, len(gone) - gone.rfind("\n") - 1
        else:
            self.dropped += len(gone)
        self.buffer, self.position = self.buffer[self.position :] + block, 0
        return bool(block)

    def peek(self) -> str:
        """The next character that is no white space; '' at the end."""
        while True:
            self.position = WHITESPACE.match(self.buffer, self.position).end()
            if self.position < len(self.buffer):
                return self.buffer[self.position]
            if not self.fill():
                return ""

    def expect(self, characters: str) -> str:
        found = self.peek()
        if not found or found not in characters:
            raise self.error(f"Expecting {' or '.join(map(repr, characters))}")
        self.position += 1
        return found

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = self.decode(self.buffer, self.position)
                if self.is_whole or self.buffer[end : end + 1] in _AFTER_VALUE:  # at the end of the window, a number may go on
                    self.position = end
                    return value
            except json.JSONDecodeError as error:
                if self.is_whole:
                    raise self.error(error.msg, error.pos) from None
            self.fill()

    def follow(self, names: list[str]) -> Iterator[Any]:
        if not names:
            yield from self.array()
        elif self.peek() != "{":
            self.value()
        else:
            self.expect("{")
            while self.peek() != "}":
                if self.peek() != '"':
                    raise self.error("Expecting property name enclosed in double quotes")
                name = self.value()
                self.expect(":")
                if name == names[0]:
                    yield from self.follow(names[1:])
                else:
                    self.value()
                if self.peek() != "}":
                    self.expect(",")
                    if self.peek() == "}":
                        raise self.error("Illegal trailing comma before end of object")
            self.expect("}")

    def array(self) -> Iterator[Any]:
        """The elements of an array, or the values of an object: what [*] selects."""
        if self.peek() != "[":
            value = self.value()
            yield from value.values() if isinstance(value, dict) else ()
            return
        self.expect("[")
        while self.peek() != "]":
            yield self.value()
            if self.peek() != "]":
                self.expect(",")
                if self.peek() == "]":
                    raise self.error("Illegal trailing comma before end of array")
        self.expect("]")

    def error(self, message: str, position: int | None = None) -> json.JSONDecodeError:
        place = self.position if position is None else position
        error = json.JSONDecodeError(message, self.buffer, min(place, len(self.buffer)))
        error.colno += self.dropped if error.lineno == 1 else 0
        error.lineno += self.lines
        return error
