"""Names with letters of any script (SPARQL 1.1, section 19.8): the lexer takes every character beyond ASCII, and here they are looked at.

The lexer has an expression for each state of the parser, and Python needs long to compile classes of such characters.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lark import Token, UnexpectedInput

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_VARIABLE = "_0-9\u00b7\u0300-\u036f\u203f\u2040" + _BASE
_NAME = "\\-" + _VARIABLE
_START, _INSIDE, _LOCAL = f"[{_BASE}]", f"[{_NAME}]", rf"(?:[{_NAME}:]|%[0-9A-Fa-f]{{2}}|\\.)"
_LOCAL_START = rf"(?:[_0-9:{_BASE}]|%[0-9A-Fa-f]{{2}}|\\.)"


@lru_cache
def _names() -> dict[str, re.Pattern[str]]:
    """VAR (VAR1, VAR2), BLANK_NODE_LABEL, PNAME (PNAME_NS, PNAME_LN): as much of a token as the specification allows."""
    return {
        "VAR": re.compile(f"[?$](?:[_0-9{_BASE}][{_VARIABLE}]*)?"),
        "BLANK_NODE_LABEL": re.compile(rf"_:(?:[_0-9{_BASE}](?:{_INSIDE}|\.)*)?"),
        "PNAME": re.compile(rf"(?:{_START}(?:{_INSIDE}|\.)*)?(?::(?:{_LOCAL_START}(?:{_LOCAL}|\.)*)?)?"),
    }


class ForeignCharacter(UnexpectedInput):
    """A character that may not stand in a name, at `pos_in_stream`."""

    expected = ()

    def __init__(self, position: int) -> None:
        self.pos_in_stream = position


def checked(token: Token) -> Token:
    """A token of the lexer as it is; ForeignCharacter where one stands in it."""
    if token.isascii():
        return token
    end = _names()[token.type].match(token).end()
    if end == len(token):
        return token
    raise ForeignCharacter(token.start_pos + end)


CALLBACKS = dict.fromkeys(("VAR", "BLANK_NODE_LABEL", "PNAME"), checked)
