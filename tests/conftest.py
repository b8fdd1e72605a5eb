"""Fixtures that several files of tests share: the database servers, started once in each process that runs tests."""

from collections.abc import Iterator

import pytest

from tests import databases


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    with databases.required(databases.postgresql) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    with databases.required(databases.mariadb) as server:
        yield server
