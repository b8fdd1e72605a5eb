"""JSON exports: exports/<domain>/<name>.json, a template whose objects are filled in with the rows of queries beside it.

    [ { "$rows": "trees/tall.rq", "id": "{tree}", "height": "{height}",
        "names": [ { "$if": "name", "text": "{name}" } ] } ]

- An object in a list with `$rows` stands once for each row of that query (a path relative to the template).
- `{name}` in a text is the row's value. A text that is nothing else becomes a JSON number or boolean where the value is one, and
  its member goes where the value is unbound. `{{` is a brace.
- An object with `$if` goes where that variable is unbound or false. A list or object that loses all its members goes too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pyoxigraph import Literal

from kg import terms
from kg.errors import Location, ProjectError, did_you_mean
from kg.project import ContentFile, Project

_PLACE = re.compile(r"\{\{|\{(\w+)\}")
_NUMBERS = {terms.XSD_INTEGER, terms.XSD_DECIMAL}
_GONE = object()
_ROWS, _IF = "$rows", "$if"

Ask = Callable[[str, str], tuple[list[str], Iterable[tuple]]]  # text of a query, its file → its variables and rows
Values = Mapping[str, object]


@dataclass(frozen=True)
class Template:
    """A template as read, with the queries that it names, by their path in it."""

    file: ContentFile
    place: str
    body: object
    queries: Mapping[str, tuple[str, str]]  # path → text, file


def find(project: Project, key: str) -> Template | None:
    """The export called `name` or `domain/name`; None if there is none."""
    found = [file for file in project.exports() if key in (file.key, file.name)]
    if len(found) > 1:
        raise ProjectError("P206", f"{key} is the name of several exports: {', '.join(file.key for file in found)}")
    return read_template(project, found[0]) if found else None


def read_template(project: Project, file: ContentFile) -> Template:
    """Read a template and its queries; ProjectError P207 where it is no JSON, P208 where a query is missing."""
    place = project.relative(file.path)
    text = file.path.read_text(encoding="utf-8")
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise ProjectError("P207", f"no JSON: {error.msg}", Location(place, error.lineno, error.colno, text.splitlines()[error.lineno - 1])) from None
    queries = {}
    for name in _named(body):
        path = file.path.parent / name
        if not path.is_file():
            known = [one.relative_to(file.path.parent).as_posix() for one in file.path.parent.rglob("*.rq")]
            raise ProjectError("P208", f"there is no query {name} beside it", _line(place, text, name), did_you_mean(name, known))
        queries[name] = (path.read_text(encoding="utf-8"), project.relative(path))
    return Template(file, place, body, queries)


def filled(template: Template, ask: Ask) -> Iterator[str]:
    """The text of the export; the items of a list at the top come one by one."""
    if not isinstance(template.body, list):
        yield json.dumps(_filled(template.body, {}, template, ask), ensure_ascii=False, indent=2, default=_number) + "\n"
        return
    yield "["
    for number, item in enumerate(_items(template.body, {}, template, ask)):
        yield (",\n" if number else "\n") + json.dumps(item, ensure_ascii=False, default=_number)
    yield "\n]\n"


def _items(items: list, values: Values, template: Template, ask: Ask) -> Iterator[object]:
    for item in items:
        if isinstance(item, dict) and _ROWS in item:
            text, file = template.queries[item[_ROWS]]
            variables, rows = ask(text, file)
            rest = {key: value for key, value in item.items() if key != _ROWS}
            for row in rows:
                made = _filled(rest, {**values, **dict(zip(variables, row, strict=True))}, template, ask)
                if made is not _GONE:
                    yield made
            continue
        made = _filled(item, values, template, ask)
        if made is not _GONE:
            yield made


def _filled(node: object, values: Values, template: Template, ask: Ask) -> object:
    if isinstance(node, str):
        return _text(node, values, template)
    if isinstance(node, list):
        made = list(_items(node, values, template, ask))
        return made if made or not node else _GONE
    if isinstance(node, dict):
        if _IF in node and not _holds(_value(node[_IF], values, template)):
            return _GONE
        members = {key: _filled(value, values, template, ask) for key, value in node.items() if key != _IF}
        kept = {key: value for key, value in members.items() if value is not _GONE}
        return kept if kept or not members else _GONE
    return node


def _text(text: str, values: Values, template: Template) -> object:
    whole = _PLACE.fullmatch(text)
    if whole and whole[1]:
        value = _value(whole[1], values, template)
        return _GONE if value is None else _json(value)
    return _PLACE.sub(lambda match: "{" if match[1] is None else str(getattr(_value(match[1], values, template), "value", "")), text)


def _value(name: str, values: Values, template: Template) -> object:
    if name not in values:
        text = template.file.path.read_text(encoding="utf-8")
        help = did_you_mean(name, values) or (f"the query has {', '.join(values)}" if values else "it stands in no object with $rows")
        raise ProjectError("P209", f"no query here has a variable {name}", _line(template.place, text, name), help)
    return values[name]


def _holds(value: object) -> bool:
    return value is not None and not (isinstance(value, Literal) and value.value == "false" and value.datatype.value == terms.XSD_BOOLEAN)


def _json(value: object) -> object:
    if isinstance(value, Literal):
        if value.datatype.value in _NUMBERS:
            return Decimal(value.value)
        if value.datatype.value == terms.XSD_BOOLEAN:
            return value.value in ("true", "1")
    return getattr(value, "value", None) or str(value)


def _number(value: Decimal) -> int | float:
    """JSON writes an exact number only as an integer; others are the nearest double."""
    return int(value) if value == value.to_integral_value() else float(value)


def _named(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get(_ROWS), str):
            yield node[_ROWS]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _named(item)


def _line(place: str, text: str, word: str) -> Location:
    for number, line in enumerate(text.splitlines(), start=1):
        if word in line:
            return Location(place, number, line.index(word) + 1, line)
    return Location(place)
