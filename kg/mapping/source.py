"""A source: one file, folder of files or database as sources.toml declares it; the secrets of an address stay in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kg.errors import Location

# The schemes of database addresses, and what each stands for.
SCHEMES = {"postgresql": "postgresql", "postgres": "postgresql", "mariadb": "mariadb", "mysql": "mariadb"}
SERVERS = ("postgresql", "mariadb")
DATABASES = ("sqlite", *SERVERS)


@dataclass(frozen=True)
class Source:
    """A file, a folder of files, or a database; `location` is where it is declared.

    A database server has an `address` instead of a path, and `settings` for each session with it.
    """

    type: str
    path: Path = Path()
    table: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    null: str | tuple[str, ...] = ""
    encoding: str = "utf-8"
    types: tuple[tuple[str, str], ...] = ()
    iterator: str | None = None
    sheet: str | None = None  # of Excel
    header: int = 1  # the row with the column names there
    data: object = field(default=None, compare=False, repr=False)  # an Arrow table
    address: Address | None = None
    settings: tuple[tuple[str, str], ...] = ()
    changes: tuple[object, ...] = ()  # of `changes.TableChange`: what files of changes do to the table
    max_rejects: int | str | None = None  # a number of values, or "0.5%" of the rows
    location: Location | None = field(default=None, compare=False)

    @property
    def is_database(self) -> bool:
        return self.type in DATABASES

    @property
    def is_server(self) -> bool:
        """Whether it is a database that is reached by an address."""
        return self.type in SERVERS

    @property
    def takes_written_names(self) -> bool:
        """Whether a table's name is understood with its quotes: by a server, and by SQLite where its names are standard SQL's."""
        return self.is_server or (self.type == "sqlite" and bool(self.settings))

    @property
    def database(self) -> tuple[object, ...]:
        """Equal for tables of one database, which can answer one query."""
        return self.type, self.path, self.address, self.settings

    def __str__(self) -> str:
        if self.type == "frame":
            return "a table of Python"
        return str(self.address) if self.address is not None else str(self.path)


@dataclass(frozen=True)
class Address:
    """The URL of a database. Its text leaves the password out; only `password` and `url` have it."""

    scheme: str
    host: str
    port: int | None
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    parameters: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """ValueError where the text is no URL of a database; the error does not show the text."""
        parts = urlsplit(text)
        try:
            port = parts.port
        except ValueError:
            raise ValueError("its port is no number") from None
        if not parts.hostname:
            raise ValueError("it has no host")
        database = unquote(parts.path.removeprefix("/"))
        if not database:
            raise ValueError("it names no database")
        user, password = (unquote(one) if one is not None else None for one in (parts.username, parts.password))
        return cls(parts.scheme, parts.hostname, port, database, user, password, parts.query)

    def url(self, scheme: str | None = None) -> str:
        """The whole URL, password included, for a driver."""
        secret = f":{quote(self.password, safe='')}" if self.password is not None else ""
        user = f"{quote(self.user, safe='')}{secret}@" if self.user is not None else ""
        query = f"?{self.parameters}" if self.parameters else ""
        return f"{scheme or self.scheme}://{user}{self._host}/{quote(self.database, safe='')}{query}"

    def without_secret(self, text: str) -> str:
        """A driver's message without the password, should it stand in it."""
        for secret in {self.password, quote(self.password, safe="")} if self.password else ():
            text = text.replace(secret, "***")
        return text

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self._host}/{self.database}"

    @property
    def _host(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def is_address(text: str) -> bool:
    return text.partition("://")[0] in SCHEMES and "://" in text


def without_secrets(text: str) -> str:
    """A text with the passwords of the URLs in it hidden.

    >>> without_secrets('url = "postgresql://reader:secret@db/shop"')
    'url = "postgresql://reader:***@db/shop"'
    """
    return re.sub(r"(\b[a-z][a-z0-9+.]*://[^\s/:@\"']*):(?!\$\{)[^\s\"']*@", r"\1:***@", text)
