"""Resolution of IRI references against a base (RFC 3986, section 5.2)."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)


def resolve(reference: str, base: str | None) -> str:
    """The target IRI of `reference`; a reference with a scheme stays as it is, also without a base.

    >>> resolve("../b?q#f", "http://example.org/x/y/z")
    'http://example.org/x/b?q#f'
    """
    scheme, authority, path, query, fragment = _PARTS.fullmatch(reference).groups()
    if scheme is not None or base is None:
        return reference
    base_scheme, base_authority, base_path, base_query, _ = _PARTS.fullmatch(base).groups()
    if authority is not None:
        path = _without_dots(path)
    else:
        authority = base_authority
        if path == "":
            path, query = base_path, base_query if query is None else query
        elif path.startswith("/"):
            path = _without_dots(path)
        else:
            path = _without_dots(_merge(base_authority, base_path, path))
    return (
        f"{base_scheme}:"
        + (f"//{authority}" if authority is not None else "")
        + path
        + (f"?{query}" if query is not None else "")
        + (f"#{fragment}" if fragment is not None else "")
    )


def is_absolute(iri: str) -> bool:
    """Whether `iri` begins with a scheme."""
    return _PARTS.fullmatch(iri)[1] is not None


def _merge(authority: str | None, base_path: str, path: str) -> str:
    if authority is not None and base_path == "":
        return "/" + path
    return base_path[: base_path.rfind("/") + 1] + path


def _without_dots(path: str) -> str:
    """Section 5.2.4: `.` and `..` segments are taken out."""
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if len(kept) > 1 or (kept and kept[0] != ""):
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
