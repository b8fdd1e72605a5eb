"""The databases that can be sources, each opened by its own module."""

from __future__ import annotations

from kg.errors import Location, MappingError
from kg.mapping.database import Database
from kg.mapping.source import Source


def open_database(source: Source, location: Location | None) -> Database:
    """Ready to be entered; the driver is imported when a database of its kind is first read."""
    if source.type == "sqlite":
        from kg.mapping import sqlite

        return sqlite.Reading(source, location)
    try:
        if source.type == "postgresql":
            from kg.mapping import postgresql

            return postgresql.Reading(source, location)
        from kg.mapping import mariadb

        return mariadb.Reading(source, location)
    except ImportError as error:
        raise MappingError(
            "M206", f"{source} cannot be read: the package {error.name} is not installed", source.location or location, "pip install guanxi[databases]"
        ) from error
