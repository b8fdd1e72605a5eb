"""YARRRML, which writes R2RML and RML in YAML: translated to Turtle by yatter, an optional package."""

from __future__ import annotations

import logging
from pathlib import Path

from kg.errors import Location, MappingError

ENDINGS = (".yarrrml.yml", ".yarrrml.yaml")


def is_yarrrml(path: Path) -> bool:
    return path.name.endswith(ENDINGS)


def as_turtle(text: str, file: str) -> str:
    """The document as R2RML or RML in Turtle; MappingError M120 where it is wrong, M121 where yatter is not installed."""
    try:
        import yatter
        from ruamel.yaml import YAML, YAMLError
    except ImportError as error:
        raise MappingError("M121", f"YARRRML cannot be read: the package {error.name} is not installed", Location(file), "pip install guanxi[yarrrml]") from None
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Location.in_text(text, mark.line + 1, mark.column + 1, file) if mark else Location(file)
        raise MappingError("M120", f"this is not YAML: {getattr(error, 'problem', None) or error}", place, "correct the syntax; indentation is usual") from None
    if not isinstance(document, dict) or not isinstance(document.get("mappings"), dict):
        raise MappingError("M120", "the document has no mappings", Location(file), "write mappings: and below it a name for each")
    said = _Said()
    try:
        with said:
            turtle = yatter.translate(document)
    except Exception as error:  # yatter checks little: a wrong document can end in any error
        raise MappingError("M120", f"yatter cannot translate the document: {type(error).__name__}: {error}", Location(file), "correct the mapping that the message speaks of") from error
    if turtle is None:
        raise MappingError("M120", "yatter cannot translate the document", Location(file), "correct the mapping that the message speaks of", said.errors)
    return turtle


class _Said(logging.Handler):
    """Takes what yatter tells its loggers, for the block: errors are kept, and nothing is printed."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.errors: list[str] = []
        self._before: list[tuple[logging.Logger, list[logging.Handler], bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage().removeprefix("ERROR: "))

    def __enter__(self) -> _Said:
        names = ["yatter", *(name for name in logging.root.manager.loggerDict if name.startswith("yatter"))]
        for name in dict.fromkeys(names):
            logger = logging.getLogger(name)
            self._before.append((logger, logger.handlers[:], logger.propagate))
            logger.handlers, logger.propagate = [self], False
        return self

    def __exit__(self, *_: object) -> None:
        for logger, handlers, propagate in self._before:
            logger.handlers, logger.propagate = handlers, propagate
