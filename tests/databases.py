"""Real database servers for tests: PostgreSQL and MariaDB, started on loopback in a temporary folder as their own users.

Where a server is not installed, the tests that need it are skipped with the reason; with KG_REQUIRE_OPTIONAL=1 they fail.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

# It has what a URL must escape.
PASSWORD = "pass@word/1"
_STARTS_WITHIN = 60


class NotInstalled(Exception):
    """A server that this machine does not have; the message says what to install."""


@dataclass
class Server:
    """A running server. `url` is without password: the user `kg` has the one above."""

    kind: str
    port: int
    process: subprocess.Popen
    folder: Path
    made: set[str] = field(default_factory=set)  # what tests have put there

    def url(self, database: str, password: str | None = None) -> str:
        secret = f":{quote(password, safe='')}" if password is not None else ""
        return f"{self.kind}://kg{secret}@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, *statements: str) -> None:
        """Run statements as the user `kg`; for PostgreSQL each text may hold several."""
        if self.kind == "mariadb":
            import pymysql

            with pymysql.connect(host="127.0.0.1", port=self.port, user="kg", password=PASSWORD, database=database or None, autocommit=True) as connection:
                for statement in statements:
                    connection.cursor().execute(statement)
            return
        command = [_postgresql("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "kg", "-q", "-v", "ON_ERROR_STOP=1", database or "postgres"]
        for statement in statements:
            done = subprocess.run(command, input=statement, text=True, capture_output=True, env=os.environ | {"PGPASSWORD": PASSWORD}, check=False)
            assert done.returncode == 0, done.stderr

    def clear(self, database: str) -> None:
        """An empty database of that name; PostgreSQL takes seconds to create one, so one that is there is emptied."""
        if self.kind == "mariadb":
            self.run("", f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
        elif database in self.made:
            self.run(database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        else:
            self.run("", f"CREATE DATABASE {database}")
            self.made.add(database)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def postgresql() -> Iterator[Server]:
    initdb, postgres = _postgresql("initdb"), _postgresql("postgres")
    with _folder("postgres") as (folder, user):
        (folder / "password").write_text(PASSWORD)
        os.chmod(folder / "password", 0o644)
        _run([initdb, "-D", folder / "data", "-U", "kg", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "--no-locale", "--no-sync"], user)
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off", "shared_buffers": "64MB"}
        command = [postgres, "-D", folder / "data", *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]
        with _started("postgresql", command, folder, user, port) as server:
            yield server


@contextmanager
def mariadb() -> Iterator[Server]:
    install, mariadbd = _found("mariadb-install-db", "mariadb-server"), _found("mariadbd", "mariadb-server")
    with _folder("mysql") as (folder, user):
        first = folder / "first.sql"
        first.write_text(f"CREATE USER kg@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO kg@'127.0.0.1';\n")
        os.chmod(first, 0o644)
        _run([install, "--no-defaults", f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"], user)
        port = _free_port()
        command = [
            mariadbd, "--no-defaults", f"--datadir={folder / 'data'}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--port={port}",
            "--bind-address=127.0.0.1", "--skip-name-resolve", f"--init-file={first}", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
        ]  # fmt: skip
        with _started("mariadb", command, folder, user, port) as server:
            yield server


@contextmanager
def required(server) -> Iterator[Server]:
    """The server of a fixture, or a visible skip; a failure where optional parts are required."""
    try:
        with server() as running:
            yield running
    except NotInstalled as missing:
        if os.environ.get("KG_REQUIRE_OPTIONAL") == "1":
            pytest.fail(f"{missing} (KG_REQUIRE_OPTIONAL=1)")
        pytest.skip(str(missing))


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str | None]]:
    """A folder that belongs to the server's user: servers refuse to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="kg-"))
    try:
        if os.geteuid() != 0:
            yield folder, None
            return
        try:
            about = pwd.getpwnam(user)
        except KeyError:
            raise NotInstalled(f"there is no user {user}") from None
        os.chown(folder, about.pw_uid, about.pw_gid)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(kind: str, command: list, folder: Path, user: str | None, port: int) -> Iterator[Server]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_as(user, command), stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=folder)
    server = Server(kind, port, process, folder)
    try:
        deadline = time.monotonic() + _STARTS_WITHIN
        while True:
            try:
                server.run("", "SELECT 1")
                break
            except Exception:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{kind} did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}") from None
                time.sleep(0.1)
        yield server
    finally:
        server.kill()


def _as(user: str | None, command: list) -> list[str]:
    switch = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return [*switch, *map(str, command)]


def _run(command: list, user: str | None) -> None:
    done = subprocess.run(_as(user, command), capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _postgresql(program: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    return str(places[0]) if places else _found(program, "postgresql")


def _found(program: str, package: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        raise NotInstalled(f"{program} is not installed: apt-get install {package}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
