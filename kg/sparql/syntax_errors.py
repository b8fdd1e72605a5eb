"""What the LALR parser did not accept, in human words: what was expected, what stands there, what was perhaps meant."""

from __future__ import annotations

import re
from difflib import get_close_matches

from lark import Lark, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lexer import PatternStr

from kg.errors import KgError
from kg.sparql.source_text import SourceText, line_and_column

_WORD = re.compile(r"\w[\w-]*")
_FOUND = re.compile(r'"[^"\n]{0,40}"?|\'[^\'\n]{0,40}\'?|<[^>\s]{0,60}>?|[?$@]?[\w:.-]{1,60}|[^\w\s]{1,3}')
_TRIPLE_STARTS = {"VAR", "IRIREF", "PNAME", "STRING"}
_OPERATORS = {"PLUS", "STAR", "RELATION", "EQUALS"}
_MAIN_KEYWORDS = {"SELECT", "WHERE", "RULE", "INSERT", "DELETE", "AS"}
_FOREIGN = {
    r"and\b": "&&",
    r"or\b": "||",
    "==": "=",
    "<>": "!=",
    r"like\b": "REGEX(…) or CONTAINS(…)",
}  # of other languages
_NAMES = {
    "VAR": "a variable",
    "IRIREF": "an IRI",
    "STRING": "a string",
    "NUMBER": "a number",
    "BLANK_NODE_LABEL": "a blank node",
    "BUILTIN": "a function",
    "AGGREGATE": "an aggregate",
    "PNAME": "a prefixed name",
    "LBRACE": "'{'",
    "RBRACE": "a closing brace",
    "LPAR": "'('",
    "RPAR": "a closing parenthesis",
    "LSQB": "'['",
    "RSQB": "a closing square bracket",
    "DOT": "'.'",
    "$END": "the end of the text",
}


def syntax_error(source: SourceText, lark: Lark, failure: UnexpectedInput) -> KgError:
    """The error for what lark raised."""
    if isinstance(failure, UnexpectedToken) and failure.token.type == "$END":
        offset = len(source.text.rstrip())
    else:
        offset = failure.pos_in_stream
    offset = _start_of_word(source.text, offset)
    accepted = _accepted(lark, source, offset, failure)
    found = _found(source.text, offset)
    message = f"expected {_expected(lark, accepted)}, found {found}"
    notes = []
    if offset >= len(source.text.rstrip()) and (opened := source.unclosed_bracket()) is not None:
        line, column = line_and_column(source.text, opened)
        notes.append(f"the '{source.text[opened]}' at line {line}, column {column} is not closed")
    at = line_and_column(source.text, offset)
    return source.error(100, message, at, _help(lark, source.text, offset, accepted), notes)


def _start_of_word(text: str, offset: int) -> int:
    """Back to the start of the word when a keyword matched only the beginning of it (`ASKK`)."""
    start = offset
    while start > 0 and offset < len(text) and text[start - 1].isalpha() and text[offset].isalnum():
        start -= 1
    if start > 0 and text[start - 1] in "?$:@_<\"'":  # part of a name, not a keyword
        return offset
    return start


def _accepted(lark: Lark, source: SourceText, offset: int, failure: UnexpectedInput) -> set[str]:
    """Terminals with which the text before `offset` could go on."""
    try:
        state = lark.parse_interactive(source.text[:offset])
        for _ in state.iter_parse():
            source.check()
        return state.accepts()
    except UnexpectedInput:
        if isinstance(failure, UnexpectedCharacters):
            return set(failure.allowed or ())
        return set(failure.expected)


def _found(text: str, offset: int) -> str:
    if offset >= len(text.rstrip()):
        return "the end of the text"
    match = _FOUND.match(text, offset)
    found = match[0].rstrip(".") or match[0] if match else text[offset]
    return f"'{found}'" if "'" not in found else found


def _expected(lark: Lark, accepted: set[str]) -> str:
    """At most six alternatives, the likely ones first."""
    if "A" in accepted and "VAR" in accepted and "STRING" not in accepted:
        first = ["a predicate"]
    elif accepted >= _TRIPLE_STARTS and "BUILTIN" in accepted:
        first = ["an expression"]
    elif accepted >= _TRIPLE_STARTS:
        first = ["a triple"] if "RBRACE" in accepted else ["a term"]
    elif accepted & _OPERATORS == _OPERATORS:
        first = ["an operator"]
    else:
        named = ("VAR", "IRIREF", "STRING", "NUMBER", "BUILTIN", "LBRACE", "LPAR")
        is_after_triple = {"DOT", "RBRACE"} <= accepted
        first = [_NAMES[name] for name in named if name in accepted and not (name == "LBRACE" and is_after_triple)]
    closing = [_NAMES[name] for name in ("DOT", "RBRACE", "RPAR", "RSQB", "$END") if name in accepted]
    keywords = [word for word in _keywords(lark, accepted) if word.isalpha()]
    keywords.sort(key=lambda word: (word not in _MAIN_KEYWORDS, word))
    room = max(0, 6 - len(first) - len(closing))
    words = first + (keywords[:room] if not first or len(keywords) <= 4 else []) + closing
    if not words:
        words = sorted(_NAMES.get(name, name) for name in accepted)[:5] or ["nothing more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _help(lark: Lark, text: str, offset: int, accepted: set[str]) -> str | None:
    for foreign, own in _FOREIGN.items():
        if re.compile(rf"{foreign}", re.IGNORECASE).match(text, offset):
            return f"write {own}"
    if text[offset : offset + 1] in ("'", '"') and text[offset : offset + 1]:
        return "the string is not closed, or holds a line end or a backslash that it must not hold"
    if "DOT" in accepted and re.compile(r"[?$<:\[\w]").match(text, offset):
        close = get_close_matches(_word(text, offset).upper(), _keywords(lark, accepted), n=1, cutoff=0.7)
        return f"did you mean {close[0]}?" if close else "is a '.' missing before it?"
    word = _WORD.match(text, offset)
    if not word:
        if text.startswith(";", offset) and "DOT" not in accepted:
            return "remove the ';', or write the predicate and object that it announces"
        return None
    written = word[0].upper()
    known = _keywords(lark, accepted)
    close = get_close_matches(written, known, n=2, cutoff=0.7)
    if written in known or not close:
        everywhere = _keywords(lark, {terminal.name for terminal in lark.terminals})
        if written in everywhere:
            return f"{written} cannot stand here; is a brace or a dot missing before it?"
        if "PNAME" not in accepted:
            close = close or get_close_matches(written, everywhere, n=1, cutoff=0.75)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if text[word.end() : word.end() + 1] not in (":", "("):
        return f"a name needs a prefix ('ex:{word[0]}') or, for a variable, a question mark ('?{word[0]}')"
    return None


def _word(text: str, offset: int) -> str:
    match = _WORD.match(text, offset)
    return match[0] if match else ""


def _keywords(lark: Lark, names: set[str]) -> list[str]:
    """The words that terminals of these names stand for."""
    words: list[str] = []
    for terminal in lark.terminals:
        if terminal.name in names:
            if isinstance(terminal.pattern, PatternStr):
                words.append(terminal.pattern.value.upper())
            elif terminal.name in ("BUILTIN", "AGGREGATE"):
                words.extend(re.findall(r"[A-Z0-9_]{2,}", terminal.pattern.value.upper()))
    return [word for word in words if len(word) > 1 and word.replace("_", "").isalnum()]
